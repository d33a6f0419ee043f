"""Tests of predictions by simulation.

`plan` says what is simulated, `cases` what is predicted for it, and `statistics` what the trials
say about the prediction; `judging` runs all three, for `verify` and for `verify_rounds`.
"""
