"""The columns of `HessianBias`: per group the effect of training, per problem that of pruning."""

from typing import Any

import numpy as np

from ..arithmetic import QUIET, Array
from ..outcomes import Status
from ..population import Population
from ..theory import COVARIANCE, MAGNITUDE, FixedPoint, channel
from .grid import NUMBERS, Grid, as_grid
from .rows import risk_columns


@QUIET
def bias_columns(
    population: Population, kappa: Any, sigma: Any, alpha: Any, ridge: Any
) -> dict[str, Array]:
    """The columns of `HessianBias`, each of the grid's shape followed by ``(groups,)``."""
    grid = as_grid(kappa, sigma, alpha, ridge, MAGNITUDE)
    shape, flat = grid.shape, grid.in_floats().flat()
    # A grid of shape (points, 2), for which each model is trained once and pruned by both rules.
    numbers = {key: getattr(flat, key)[:, None] for key in NUMBERS}
    both = Grid(**numbers, rule=np.array([MAGNITUDE, COVARIANCE]))
    pruned = {key: column.reshape(-1, 2) for key, column in risk_columns(population, both).items()}
    tau, gamma, residual = (pruned[key][:, 0] for key in ("tau", "gamma", "residual"))
    law = channel(population, FixedPoint(flat.kappa, tau, gamma, residual))
    groups = population.groups()
    # E[X²] = a² E[B²] + v, and E[2BX - X²] = 2a E[B²] - E[X²].
    mean_square = law.shrinkage**2 * groups.second_moment + law.noise
    per_point = {
        "unpruned_risk": gamma,
        "magnitude_risk": pruned["risk"][:, 0],
        "covariance_risk": pruned["risk"][:, 1],
        "status": _status(pruned["status"], gamma),
    }
    columns = (
        numbers
        | {key: value[:, None] for key, value in per_point.items()}
        | {
            "weight": groups.weight,
            "eigenvalue": groups.eigenvalue,
            "signal": groups.eigenvalue * groups.second_moment,
            "found": law.shrinkage,
            "magnitude": np.sqrt(mean_square),
            "saliency": groups.eigenvalue * mean_square,
            "importance": groups.eigenvalue
            * (2 * law.shrinkage * groups.second_moment - mean_square),
        }
    )
    flat_shape = (gamma.size, len(population))
    return {
        key: np.broadcast_to(value, flat_shape).reshape(*shape, len(population))
        for key, value in columns.items()
    }


def _status(pruned: Array, gamma: Array) -> Array:
    """One status for both rules, whose own statuses `pruned` holds along its last axis.

    It is "no convergence" if either rule has that, and "diverges" where gamma is infinite.
    """
    failed = (pruned == Status.NO_CONVERGENCE).any(axis=-1)
    status = np.where(np.isinf(gamma), Status.DIVERGES, Status.OK)
    return np.where(failed, Status.NO_CONVERGENCE, status)
