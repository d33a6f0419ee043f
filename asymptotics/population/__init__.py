"""Populations: the joint law of the features' eigenvalues and coefficients.

A `Population` holds groups of features.  A continuous law (`laws`) becomes groups by a `quadrature`
whose error is estimated; a table of `samples` becomes one group for each of its rows.
"""

from .population import Groups, Population, Restriction, as_population, neighbours_of_a_law

__all__ = ["Groups", "Population", "Restriction", "as_population", "neighbours_of_a_law"]
