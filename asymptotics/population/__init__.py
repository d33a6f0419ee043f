"""Populations: the joint law of the features' eigenvalues and coefficients.

A `Population` holds groups of features.  A continuous law (`laws`) is laid out along a line
(`lines`, with fits in `piecewise`).  A `quadrature` on `panels` of the line turns it into groups
and bounds the error, also next to `poles`.  A table of `samples` becomes one group for each row.
"""

from .groups import Groups
from .population import Population, Restriction, as_population, neighbours_of_a_law

__all__ = ["Groups", "Population", "Restriction", "as_population", "neighbours_of_a_law"]
