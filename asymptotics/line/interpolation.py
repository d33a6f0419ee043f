"""Where a second fit, of the weights kept, has as many features as there are samples."""

from typing import Any

import numpy as np

from ..arithmetic import Array
from ..population import Population


def trained_share(population: Population, random: Any, alpha: Any) -> Array:
    """The fraction of all features that a second fit trains: those kept that vary.

    The `random` rule keeps as many of these as of others, and other rules keep the others last.
    """
    alive = float(population.mass_above(0).value)
    return np.where(random, np.multiply(alpha, alive), np.minimum(alpha, alive))


def interpolating_alpha(population: Population, random: Any, kappa: Any) -> Array:
    """The alpha at which a second fit interpolates; it may lie beyond the features that vary."""
    alive = float(population.mass_above(0).value)
    return 1 / (kappa * np.where(random, alive, 1.0))
