"""The share of each group of the population that a rule keeps."""

from collections.abc import Mapping

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..population import Population
from ..theory import FixedPoint, channel, kept_share
from ..theory.thresholds import threshold_at
from .grid import batches

#: Digits beyond those of the columns.
_GUARD = 20


def kept_shares(
    population: Population, columns: Mapping[str, Array], shape: tuple[int, ...], digits: int | None
) -> Array:
    """The share of each group that is kept, of shape ``shape + (groups,)``.

    `columns` are those of a prediction: kappa, tau, gamma, residual, alpha and rule.
    """
    arithmetic: Arithmetic = FLOAT64
    if digits is not None:
        from ..arithmetic.multiprecision import Multiprecision

        arithmetic = Multiprecision(digits + _GUARD)
    groups = len(population)
    names = ("kappa", "tau", "gamma", "residual", "alpha")
    flat = [arithmetic.array(columns[name]).ravel() for name in names]
    shares = np.empty((flat[0].size, groups), dtype=arithmetic.dtype)
    for rule, rows in batches(columns["rule"], shape, groups):
        kappa, tau, gamma, residual, alpha = (x[rows] for x in flat)
        unknown = gamma == arithmetic.infinity  # which leaves no finite law
        fixed = FixedPoint(kappa, tau, arithmetic.where(unknown, 1, gamma), residual)
        law = channel(population, fixed, arithmetic)
        cut = threshold_at(rule.score(law, arithmetic), alpha, arithmetic)
        shares[rows] = kept_share(law, rule, cut, arithmetic)
        shares[rows[unknown & (alpha > 0)]] = arithmetic.nan
    return shares.reshape((*shape, groups))
