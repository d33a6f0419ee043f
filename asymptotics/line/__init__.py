"""The line: evaluates all stages of the theory at every point of a grid, in any arithmetic.

`grid` validates the parameters.  Then either `rows` computes in double precision, with an error
estimate from `rounding`, or `digits` computes as many digits as the user asks for.  Both return
columns, one array for each quantity.  `slopes` differentiates the risk, and measures the errors.
"""
