"""The share of each group of the population that a rule keeps."""

from collections.abc import Mapping

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..outcomes import Status
from ..population import Population
from ..theory import FixedPoint, channel, kept_share
from ..theory.cuts import cut_at
from .grid import PARAMETERS, Grid, batches
from .near_scores import digits_that_tell_scores

#: Guard digits: the shares are computed with this many digits more than the columns have, and with
#: those that tell scores apart.
_GUARD = 20


def kept_shares(
    population: Population, columns: Mapping[str, Array], shape: tuple[int, ...], digits: int | None
) -> Array:
    """The share of each group that is kept, of shape ``shape + (groups,)``.

    `columns` holds the parameters of a prediction and its columns tau, gamma, residual and status,
    so that the fixed point need not be solved again.  Shares are NaN where gamma is infinite
    and alpha is not 0, and where the status tells that the risk is not known and alpha is neither
    0 nor 1.
    """
    arithmetic: Arithmetic = FLOAT64
    if digits is not None:
        from ..arithmetic.multiprecision import Multiprecision

        grid = Grid(**{name: columns[name] for name in PARAMETERS}, refit=None).flat()
        telling = (
            digits_that_tell_scores(population, grid, index, tau, digits)
            for index, tau in enumerate(columns["tau"].flat)
        )
        arithmetic = Multiprecision(digits + _GUARD + max(telling, default=0))
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
        shares[rows] = kept_share(law, rule, cut_at(law, rule, alpha, arithmetic), arithmetic)
        shares[rows[diverges & (alpha > 0)]] = arithmetic.nan
    known = np.isin(columns["status"].ravel(), (str(Status.OK), str(Status.DIVERGES)))
    shares[~known & (flat[-1] > 0) & (flat[-1] < 1)] = arithmetic.nan
    return shares.reshape((*shape, groups))
