"""What training finds of each group of features, and what pruning then costs, as columns."""

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
    """Columns of the grid's shape, then one entry for each group; see `HessianBias`."""
    grid = as_grid(kappa, sigma, alpha, ridge, MAGNITUDE)
    shape, flat = grid.shape, grid.in_floats().flat()
    # Both rules prune the same trained models, which are computed once.
    numbers = {key: getattr(flat, key)[:, None] for key in NUMBERS}
    both = Grid(**numbers, rule=np.array([MAGNITUDE, COVARIANCE]))
    pruned = {key: column.reshape(-1, 2) for key, column in risk_columns(population, both).items()}
    tau, gamma, residual = (pruned[key][:, 0] for key in ("tau", "gamma", "residual"))
    law = channel(population, FixedPoint(flat.kappa, tau, gamma, residual))
    groups = population.groups()
    size = law.shrinkage**2 * groups.second_moment + law.noise
    of_points = {
        "unpruned_risk": gamma,
        "magnitude_risk": pruned["risk"][:, 0],
        "covariance_risk": pruned["risk"][:, 1],
        "status": _status(pruned["status"], gamma),
    }
    columns = (
        numbers
        | {key: value[:, None] for key, value in of_points.items()}
        | {
            "weight": groups.weight,
            "eigenvalue": groups.eigenvalue,
            "signal": groups.eigenvalue * groups.second_moment,
            "found": law.shrinkage,
            "magnitude": np.sqrt(size),
            "saliency": groups.eigenvalue * size,
            "importance": groups.eigenvalue * (2 * law.shrinkage * groups.second_moment - size),
        }
    )
    whole = (gamma.size, len(population))
    return {
        key: np.broadcast_to(value, whole).reshape(*shape, len(population))
        for key, value in columns.items()
    }


def _status(pruned: Array, gamma: Array) -> Array:
    """The worst status over rules, of weights that diverge where gamma does."""
    failed = (pruned == Status.NO_CONVERGENCE).any(axis=-1)
    status = np.where(np.isinf(gamma), Status.DIVERGES, Status.OK)
    return np.where(failed, Status.NO_CONVERGENCE, status)
