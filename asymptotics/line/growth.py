r"""Risks of models that grow: trained on the first features, and pruned to a fixed size.

A model that sees a fraction :math:`\zeta` of the features has :math:`\zeta\kappa` of them for each
sample, and what it does not see is noise: see `Population.restricted`.
"""

from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..outcomes import Status
from ..population import Population, Restriction
from ..theory import FixedPoint, channel
from .grid import as_grid, as_refit
from .rows import Progress, risk_columns

#: A sum of weights has this many rounding errors for each of them.
_ROUNDINGS = 4


class Models(NamedTuple):
    """Models as columns of one length."""

    #: Features for each sample: those that a model is trained on, and those that it keeps.
    kappa: Array
    kept: Array
    sigma: Array
    ridge: Array
    retrain_ridge: Array
    rule: Array

    def take(self, rows: Array) -> "Models":
        """The models at these indices."""
        return Models(*(column[rows] for column in self))


def growth_columns(
    population: Population, full_kappa: float, models: Models, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of `Growth`, flat; `full_kappa` counts all features of the population."""
    found: dict[str, Array] = {}
    done = 0
    # Models that see and keep as many features are computed in one call.
    sizes = np.stack([models.kappa, models.kept], axis=1)
    for kappa, kept in np.unique(sizes, axis=0).tolist():
        rows = np.flatnonzero((models.kappa == kappa) & (models.kept == kept))
        columns = _columns(population, full_kappa, kappa, min(kept, kappa), models.take(rows))
        for key, column in columns.items():
            whole = found.setdefault(key, np.empty(models.kappa.size, dtype=column.dtype))
            whole[rows] = column
        done += rows.size
        if progress is not None:
            progress(done, models.kappa.size)
    return found


def first_features(population: Population, fraction: float) -> Array:
    """The share of each group among the first features, a fraction of all, in its order."""
    weight = population.weight
    before = np.cumsum(weight) - weight
    share = (fraction - before) / np.where(weight > 0, weight, 1)
    # A group that is seen but for the rounding of the sums is seen as a whole.
    rounding = _ROUNDINGS * weight.size * FLOAT64.eps / np.where(weight > 0, weight, 1)
    share = np.where(abs(share - 1) <= rounding, 1, np.where(abs(share) <= rounding, 0, share))
    return np.clip(share, 0, 1)


@QUIET
def _columns(
    population: Population, full_kappa: float, kappa: float, kept: float, models: Models
) -> dict[str, Array]:
    """The columns of models that see `kappa` features for each sample, and keep `kept` of them."""
    seen = population.restricted(first_features(population, kappa / full_kappa))
    known = first_features(population, kept / full_kappa)
    alpha = kept / kappa
    refit = as_refit(models.retrain_ridge, "zero")
    pruned = _risks(seen, kappa, alpha, models, models.ridge, models.rule, refit)
    few = population.restricted(known)
    small = _risks(few, kept, 1.0, models, models.retrain_ridge, models.rule)
    fixed = FixedPoint(np.asarray(kappa), *(pruned[key] for key in ("tau", "gamma", "residual")))
    law = channel(seen.population, fixed)
    # A kept weight errs by Λ((1 - a)² E[B²] + v), a dropped one by ΛE[B²].
    signal = seen.population.groups().second_moment
    share = known * population.weight / seen.fraction
    kept_error = np.where(share > 0, share * (law.bias**2 * signal + law.noise), 0)
    errors = kept_error + (law.weight - share) * signal
    known_risk = _noise(seen, models) + errors @ population.eigenvalue
    unknown = pruned["status"] == Status.NO_CONVERGENCE
    return {
        "alpha": np.full(models.kappa.size, alpha),
        "dense_risk": np.where(unknown, np.nan, pruned["gamma"]),
        "known_risk": np.where(unknown, np.nan, known_risk),
        "pruned_risk": pruned["risk"],
        "retrained_risk": pruned["retrained_risk"],
        "small_risk": small["risk"],
        "null_risk": pruned["null_risk"],
        "status": pruned["status"],
        "retrained_status": pruned["retrained_status"],
        "small_status": small["status"],
    }


def _risks(
    seen: Restriction, kappa: float, alpha: float, models: Models, ridge: Array, *rest: Any
) -> dict[str, Array]:
    """The columns of a model of the features seen."""
    sigma = np.sqrt(_noise(seen, models))
    grid = as_grid(np.full(sigma.size, kappa), sigma, alpha, ridge, *rest)
    return risk_columns(seen.population, grid.in_floats())


def _noise(seen: Restriction, models: Models) -> Array:
    """The variance of all that is noise to a model."""
    return models.sigma**2 + seen.unseen
