"""Searches over parameters that know nothing of the model: functions with slopes, on intervals.

`minima` lists the local minima of a function of one number and `crossings` its changes of sign,
both on the grids of `grids`.  `boxes` lists the local minima of a function of several numbers, and
`proofs` bounds the least value of a function of one number from enclosures.
"""
