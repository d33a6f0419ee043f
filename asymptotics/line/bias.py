"""What training finds of each group of features, and what pruning then costs, as columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..outcomes import Status
from ..population import Population
from ..theory import COVARIANCE, MAGNITUDE, FixedPoint, channel
from .grid import as_grid
from .rows import risk_columns


@QUIET
def bias_columns(
    population: Population, kappa: Any, sigma: Any, alpha: Any, ridge: Any
) -> dict[str, Array]:
    """Columns of the grid's shape, then one entry for each group; see `HessianBias`."""
    grid = as_grid(kappa, sigma, alpha, ridge, MAGNITUDE)
    shape = grid.shape
    numbers = (np.broadcast_to(FLOAT64.array(x), shape).ravel() for x in grid[:4])
    kappa, sigma, alpha, ridge = numbers
    magnitude, covariance = (
        risk_columns(population, as_grid(kappa, sigma, alpha, ridge, rule))
        for rule in (MAGNITUDE, COVARIANCE)
    )
    tau, gamma, residual = (magnitude[key] for key in ("tau", "gamma", "residual"))
    law = channel(population, FixedPoint(kappa, tau, gamma, residual))
    groups = population.groups()
    size = law.shrinkage**2 * groups.second_moment + law.noise
    of_points = {
        "kappa": kappa,
        "sigma": sigma,
        "alpha": alpha,
        "ridge": ridge,
        "unpruned_risk": gamma,
        "magnitude_risk": magnitude["risk"],
        "covariance_risk": covariance["risk"],
        "status": _status(magnitude, covariance),
    }
    columns = {key: value[:, None] for key, value in of_points.items()} | {
        "weight": groups.weight,
        "eigenvalue": groups.eigenvalue,
        "signal": groups.eigenvalue * groups.second_moment,
        "found": law.shrinkage,
        "magnitude": np.sqrt(size),
        "saliency": groups.eigenvalue * size,
        "importance": groups.eigenvalue * (2 * law.shrinkage * groups.second_moment - size),
    }
    whole = (kappa.size, len(population))
    return {
        key: np.broadcast_to(value, whole).reshape(*shape, len(population))
        for key, value in columns.items()
    }


def _status(*pruned: Mapping[str, Array]) -> Array:
    """The worst status over rules, of weights that diverge where gamma does."""
    failed = np.any([columns["status"] == Status.NO_CONVERGENCE for columns in pruned], axis=0)
    status = np.where(np.isinf(pruned[0]["gamma"]), Status.DIVERGES, Status.OK)
    return np.where(failed, Status.NO_CONVERGENCE, status)
