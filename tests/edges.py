"""Problems near the edges at which numbers lose digits."""

from asymptotics.testing import populations, problems

#: Narrow groups, hardly any noise, kappa near the interpolation threshold, alpha near 0 or 1.
NEAR_EVERY_EDGE = problems(
    population=populations(smallest_std=1e-9),
    smallest_gap=1e-6,
    smallest_alpha=1e-9,
    smallest_sigma=1e-8,
)
