"""A whole grid of problems through the theory line."""

import math
from typing import Any

import numpy as np

from .arithmetic import Array
from .grid import Grid, RulesLike, as_grid
from .parameters import flag, function, whole
from .population import Population, as_population
from .precision import agreed, proved, told
from .results import CertifiedRisk, RiskResult
from .rows import Progress, accepted, in_floats, quadrature_errors
from .theory import null_risk

#: Digits that are proved unless another number is asked for.
_CERTIFIED = 15
#: Values that the quadrature of a law changes, and parts of the risk, of which it changes as much
#: as of the risk itself.
_OF_LAWS = ("risk", "unpruned_risk", "null_risk", "threshold", "tau", "gamma")
_PARTS = ("kept_error", "dropped_signal")


def risk(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    digits: int | None = None,
    certify: bool = False,
    progress: Progress | None = None,
) -> RiskResult:
    r"""The asymptotic test error of a linear model that is trained, then pruned.

    Parameters
    ----------
    population : Population
        The joint law of eigenvalues and coefficients :math:`B=\sqrt p\,\beta^*`.
    kappa : array_like, > 0
        Features per sample, p/n.
    sigma : array_like, >= 0
        Standard deviation of the label noise.
    alpha : array_like, in [0, 1]
        Fraction of all weights that is kept.
    ridge : array_like, >= 0
        Ridge ``r`` of :math:`\|y-Xb\|^2/n + r\|b\|^2`; 0 is least squares, or the minimum-norm
        interpolator where there are fewer samples than features.
    rule : str, mapping or Rule, or an array of them
        ``"magnitude"``, ``"covariance"`` (Hessian), ``"random"``, ``"oracle"``, ``"exponent=q"``
        or ``{"exponent": q}``; see `asymptotics.theory.rules`.
    digits : int, optional
        Compute in multiprecision until this many decimal digits agree between two precisions;
        floats then count with their exact binary value, `Decimal` and `Fraction` with theirs.  For
        a continuous law each value has only the digits that its quadrature tells.
    certify : bool
        Prove the digits (15 of them unless `digits` says otherwise): the result has `lower` and
        `upper`, which enclose the exact value of the formula for the numbers given.  Needs the
        extra ``asymptotics[certify]``; for up to 1,000 groups.

    Returns
    -------
    RiskResult
        Of the shape to which all parameters broadcast.  Where the risk is infinite (with noise
        and without ridge at the interpolation threshold) it is ``inf``, with status
        ``"diverges"``; in float64 a kappa P(Λ>0) within four roundings of 1 counts as 1.  Where
        double precision cannot tell the risk to a relative error of 1e-8, or no two precisions
        agree on the digits asked for, it is NaN with status ``"no convergence"``.  So it is where
        the groups stand for a continuous law and a finer quadrature of it changes the risk by more
        than 1e-8 (or the population's `tolerance`, if that is larger).  Each point is
        computed as if it were alone: its values do not depend on the rest of the grid.  With
        `certify` a `CertifiedRisk`; where the proof does not come through, its status is
        ``"undecided"`` and its bounds are the best that hold.

    Raises
    ------
    InvalidInput
        A parameter outside its domain; it is also a `ValueError`.  With `certify`, a population of
        too many groups, or one whose groups only approximate a continuous law.

    Examples
    --------
    >>> from asymptotics import Population, risk
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> risk(two, kappa=2, sigma=0.5, alpha=0.4, rule=["magnitude", "covariance"]).risk.round(6)
    array([2.509091, 2.354735])
    >>> proved = risk(two, kappa=2, sigma=0.5, alpha=0.4, certify=True)
    >>> print(proved.lower, proved.upper)
    2.50909112435674422 2.50909112435674423
    """
    population = as_population(population)
    grid = as_grid(kappa, sigma, alpha, ridge, rule)
    kind: type[RiskResult] = RiskResult
    if progress is not None:
        function("progress", progress)
    if flag("certify", certify):
        kind, digits = CertifiedRisk, whole("digits", _CERTIFIED if digits is None else digits)
        columns = proved(population, grid.flat(), digits, progress)
    elif digits is not None:
        columns = _in_digits(population, grid.flat(), whole("digits", digits), progress)
    else:
        grid = grid.in_floats()
        columns = _in_float64(population, grid, progress)
    columns |= grid.flat()._asdict()
    return kind(
        population=population,
        digits=digits,
        **{key: column.reshape(grid.shape) for key, column in columns.items()},
    )


def _in_float64(population: Population, grid: Grid, progress: Progress | None) -> dict[str, Array]:
    fixed, rows = in_floats(population, grid, progress)
    missed, most = quadrature_errors(population, grid, (fixed, rows)), accepted(population)
    rows = rows._replace(
        threshold=np.where(missed.threshold <= most, rows.threshold, np.nan),
        residual=np.maximum(rows.residual, missed.risk),
    )
    failed = ~(rows.residual <= most) | np.isnan(rows.risk)
    status = np.where(failed, "no convergence", np.where(np.isinf(rows.risk), "diverges", "ok"))
    for column in (rows.risk, rows.kept_error, rows.dropped_signal, rows.threshold):
        column[failed] = np.nan
    return rows._asdict() | {
        "tau": fixed.tau,
        "gamma": fixed.gamma,
        "unpruned_risk": fixed.gamma,
        "null_risk": null_risk(population, np.broadcast_to(grid.sigma, grid.shape).ravel()),
        "status": status,
    }


def _in_digits(
    population: Population, grid: Grid, digits: int, progress: Progress | None
) -> dict[str, Array]:
    """Values of so many digits; of a continuous law only those digits that its quadrature tells."""
    columns = agreed(population, grid, digits, progress)
    if not population.tolerance:
        return columns
    floats = grid.in_floats()
    missed = quadrature_errors(population, floats, in_floats(population, floats))
    columns["residual"] = np.maximum(
        columns["residual"], np.maximum(missed.risk, population.tolerance)
    )
    relative = dict.fromkeys(_OF_LAWS, columns["residual"])
    relative["threshold"] = np.maximum(columns["residual"], missed.threshold)
    errors = {key: abs(columns[key]) * error for key, error in relative.items()}
    errors |= dict.fromkeys(_PARTS, errors["risk"])
    for key, error in errors.items():
        columns[key] = np.frompyfunc(told, 2, 1)(columns[key], error)
    failed = ~(missed.risk <= accepted(population))
    columns["status"][failed] = "no convergence"
    for key in ("risk", *_PARTS, "threshold"):
        columns[key][failed] = math.nan
    columns["threshold"][~(missed.threshold <= accepted(population))] = math.nan
    return columns
