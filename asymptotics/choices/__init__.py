"""Searches over parameters that know nothing of the model: functions with slopes, on intervals.

`minima` lists the local minima of a function of one number, `boxes` those of a function of several,
and `proofs` bounds the least value of a function from enclosures.
"""
