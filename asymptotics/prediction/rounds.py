"""The predicted risk over rounds of pruning and retraining."""

from typing import Any

import numpy as np

from ..domains import Domain
from ..errors import InvalidInput
from ..iterated.columns import iterated_columns
from ..iterated.schedule import as_schedule
from ..line.grid import as_grid
from ..line.rows import Progress
from ..parameters import function, scalar
from ..population import Population, as_population
from ..results import IteratedRisk

_TOLERANCE = Domain(lambda x: (x >= 1e-14) & (x <= 0.1), "must be a number from 1e-14 to 0.1")


def rounds(
    population: Population,
    kappa: Any,
    sigma: Any,
    schedule: Any,
    ridge: Any = 0.0,
    *,
    tolerance: float = 1e-8,
    progress: Progress | None = None,
) -> IteratedRisk:
    r"""The asymptotic test error of a linear model that is pruned and retrained again and again.

    Fit 1 is of all weights.  Round ``j`` prunes the weights of fit ``j`` and then fits those that
    are left a second time, to the same data:

    .. math:: \|y-X_Sb\|^2/n + r_j\|b-\chi_jb_j\|^2,

    with ``S`` the weights kept so far, :math:`b_j` the weights before and :math:`\chi_j=0` (towards
    zero) or 1 (towards the pruned weights).  The errors of all fits are jointly Gaussian given the
    coefficients, with covariances :math:`\gamma_{ij}=\sigma^2+E[\Lambda(X_i-B)(X_j-B)]` that solve
    linear equations; see `asymptotics.iterated.fits`.  This is an argument by approximate message
    passing, checked by simulation up to four rounds, and with one round it is the exact result that
    `asymptotics.risk` computes with ``retrain=True``.

    Parameters
    ----------
    population : Population
        The joint law of eigenvalues and coefficients :math:`B=\sqrt p\,\beta^*`.
    kappa, sigma, ridge : array_like
        As in `asymptotics.risk`; `ridge` is that of fit 1.  They broadcast to the points.
    schedule : list of mappings
        The rounds, in order.  The keys of a round are ``"alpha"``, the fraction of all weights that
        its cut keeps; ``"rule"``, by default that of the round before, at first ``"magnitude"``;
        ``"ridge"`` (0) and ``"towards"`` (``"zero"`` or ``"pruned"``) of the fit after the cut; and
        ``"refit": False`` for a last cut without a fit.  An alpha of
        ``{"start": a, "stop": b, "num": k}`` stands for k rounds in geometric steps.
    tolerance : float
        The relative error to reach.  The integrals of round k have k - 1 dimensions.

    Returns
    -------
    IteratedRisk
        Its arrays have the shape of the points, with one more axis for the rounds.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, a fraction kept that grows, or more than eight rounds.

    Notes
    -----
    Up to four rounds of two groups take a few seconds at the default tolerance, a fifth a minute at
    1e-5.  Where a quadrature would need too many nodes, quasi-random points reach about 1e-3.

    Examples
    --------
    >>> from asymptotics import Population, rounds
    >>> two = Population(weight=[0.6, 0.4], eigenvalue=[1, 10], mean=[1, 0.3], std=[0.7, 0.4])
    >>> steps = [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.25, "ridge": 0.1}]
    >>> rounds(two, kappa=2, sigma=0.5, schedule=steps, ridge=0.1).retrained_risk.round(6)
    array([2.086667, 2.398859])
    """
    population = as_population(population)
    grid = as_grid(kappa, sigma, 1.0, ridge, "magnitude").in_floats()
    steps = as_schedule(schedule)
    wanted = float(scalar("tolerance", tolerance, _TOLERANCE))
    if progress is not None:
        function("progress", progress)
    if 0 in grid.shape:
        raise InvalidInput("points", f"shape {grid.shape}", "must be one or more")
    flat = grid.flat()
    points = np.stack([flat.kappa, flat.sigma, flat.ridge], axis=1)
    columns = iterated_columns(population, points, steps, wanted, progress)
    shape = (*grid.shape, len(steps))
    return IteratedRisk(
        population=population,
        schedule=steps,
        tolerance=wanted,
        **{key: column.reshape(shape + column.shape[2:]) for key, column in columns.items()},
    )
