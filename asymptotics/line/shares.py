"""The share of each group of the population that a rule keeps."""

from collections.abc import Mapping

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..population import Population
from ..theory import FixedPoint, channel, kept_share
from ..theory.thresholds import threshold_at
from .grid import batches

#: Guard digits: the shares are computed with this many digits more than the columns have.
_GUARD = 20


def kept_shares(
    population: Population, columns: Mapping[str, Array], shape: tuple[int, ...], digits: int | None
) -> Array:
    """The share of each group that is kept, of shape ``shape + (groups,)``.

    `columns` holds the columns kappa, tau, gamma, residual, alpha and rule of a prediction, so that
    the fixed point need not be solved again.  Where gamma is infinite the share is NaN.
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
        # An infinite gamma gives no finite law; 1 takes its place until the result is overwritten.
        diverges = gamma == arithmetic.infinity
        fixed = FixedPoint(kappa, tau, arithmetic.where(diverges, 1, gamma), residual)
        law = channel(population, fixed, arithmetic)
        threshold = threshold_at(rule.score(law, arithmetic), alpha, arithmetic)
        shares[rows] = kept_share(law, rule, threshold, arithmetic)
        shares[rows[diverges & (alpha > 0)]] = arithmetic.nan
    return shares.reshape((*shape, groups))
