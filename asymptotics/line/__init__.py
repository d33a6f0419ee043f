"""The line: grids of problems through all stages of the theory, in the numbers of any arithmetic.

`grid` -> `rows` (double precision, with the error that `rounding` leaves) or `digits` (as many as
are asked for, agreed on or proved) -> columns of arrays.
"""
