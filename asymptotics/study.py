"""A whole grid of problems through the theory line."""

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from .arithmetic import FLOAT64, Arithmetic, Array
from .errors import InvalidInput
from .grid import NUMBERS, Grid, RulesLike, as_grid, batches
from .population import Population
from .results import RiskResult
from .theory import (
    FixedPoint,
    Rule,
    channel,
    fixed_point,
    null_risk,
    pruned_risk,
    threshold,
)
from .theory.rules import Random, WeightRule

#: Called with the number of rows done and their total.
Progress = Callable[[int, int], object]

#: A residual above this is a failure, not a number.
_ACCEPTED = 1e-6
#: A part of the weights that is smaller counts as so large in its residual.
_FEWEST = 1e-8
MOST_DIGITS = 3_000
_MOST_GROUPS = 10_000


class _Rows(NamedTuple):
    """What is computed for each row of a flat grid."""

    risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    residual: Array


def risk(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    digits: int | None = None,
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
        floats then count with their exact binary value, `Decimal` and `Fraction` with theirs.

    Returns
    -------
    RiskResult
        Of the shape to which all parameters broadcast.  Where the risk is infinite (with noise
        and without ridge at the interpolation threshold) it is ``inf``, with status
        ``"diverges"``; in float64 a kappa P(Λ>0) within four roundings of 1 counts as 1.

    Raises
    ------
    InvalidInput
        A parameter outside its domain; it is also a `ValueError`.

    Examples
    --------
    >>> from asymptotics import Population, risk
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> risk(two, kappa=2, sigma=0.5, alpha=0.4, rule=["magnitude", "covariance"]).risk.round(6)
    array([2.509091, 2.354735])
    """
    if not isinstance(population, Population):
        raise InvalidInput("population", population, "must be a Population")
    grid = as_grid(kappa, sigma, alpha, ridge, rule)
    if digits is None:
        grid = grid._replace(**{key: FLOAT64.array(getattr(grid, key)) for key in NUMBERS})
        columns = _in_float64(population, grid, progress)
    else:
        columns = _in_digits(population, grid.flat(), _digits(digits), progress)
    columns |= grid.flat()._asdict()
    return RiskResult(
        population=population,
        digits=digits,
        **{key: column.reshape(grid.shape) for key, column in columns.items()},
    )


def _in_float64(population: Population, grid: Grid, progress: Progress | None) -> dict[str, Array]:
    shape = grid.shape
    # Solved before it is spread over alpha and rule, which it does not depend on.
    fixed = fixed_point(population, grid.kappa, grid.sigma, grid.ridge)
    fixed = FixedPoint(*(np.broadcast_to(x, shape).ravel() for x in fixed))
    sigma, alpha = (np.broadcast_to(x, shape).ravel() for x in (grid.sigma, grid.alpha))
    rows = _Rows(*np.full((len(_Rows._fields), alpha.size), np.nan))
    done = 0
    for rule, part in batches(grid.rule, shape, len(population)):
        some = FixedPoint(*(x[part] for x in fixed))
        values = _evaluate(population, some, sigma[part], alpha[part], rule, FLOAT64)
        for column, value in zip(rows, values, strict=True):
            column[part] = value
        done += part.size
        if progress:
            progress(done, alpha.size)
    failed = ~(rows.residual <= _ACCEPTED) | np.isnan(rows.risk)
    status = np.where(failed, "no convergence", np.where(np.isinf(rows.risk), "diverges", "ok"))
    rows.risk[failed] = np.nan
    return rows._asdict() | {
        "tau": fixed.tau,
        "gamma": fixed.gamma,
        "unpruned_risk": fixed.gamma,
        "null_risk": null_risk(population, sigma),
        "status": status,
    }


def _in_digits(
    population: Population, grid: Grid, digits: int, progress: Progress | None
) -> dict[str, Array]:
    from .arithmetic.multiprecision import Multiprecision

    if len(population) > _MOST_GROUPS:
        allowed = f"must be left out for more than {_MOST_GROUPS:,} groups"
        raise InvalidInput("digits", digits, allowed)

    def evaluate(index: int, precision: int) -> dict[str, Any]:
        arithmetic = Multiprecision(precision)
        kappa, sigma, alpha, ridge = (x[index : index + 1] for x in grid[:4])
        fixed = fixed_point(population, kappa, sigma, ridge, arithmetic)
        alpha = arithmetic.array(alpha)
        rows = _evaluate(population, fixed, sigma, alpha, grid.rule[index], arithmetic)
        null = null_risk(population, sigma, arithmetic)
        values = rows._asdict() | {"tau": fixed.tau, "gamma": fixed.gamma, "null_risk": null}
        return {key: value[0] for key, value in values.items()}

    records: list[dict[str, Any]] = []
    for index in range(grid.rule.size):
        precision = digits + 20
        before, values = None, evaluate(index, precision)
        while before is None or not _agree(before, values, digits):
            precision *= 2
            before, values = values, evaluate(index, precision)
        records.append(values)
        if progress:
            progress(index + 1, grid.rule.size)
    keys = (*_Rows._fields, "tau", "gamma", "null_risk")
    columns = {key: np.empty(len(records), dtype=object) for key in keys}
    rounded = Multiprecision(digits)
    for key, column in columns.items():
        column[:] = [rounded.array(record[key]).item() for record in records]
    infinite = [record["risk"] == float("inf") for record in records]
    return columns | {
        "unpruned_risk": columns["gamma"],
        "status": np.where(infinite, "diverges", "ok"),
    }


def _agree(coarse: Mapping[str, Any], fine: Mapping[str, Any], digits: int) -> bool:
    """Whether two precisions give the same digits of every value."""
    return all(
        abs(value - coarse[key]) * 10 ** (digits + 1) <= abs(value)
        for key, value in fine.items()
        if key != "residual" and value == value and value != coarse[key]
    )


def _evaluate(
    population: Population,
    fixed: FixedPoint,
    sigma: Array,
    alpha: Array,
    rule: Rule,
    arithmetic: Arithmetic,
) -> _Rows:
    """Rows of one rule."""
    infinite = fixed.gamma == arithmetic.infinity
    # Finite in what follows; where anything is kept, the infinity is put back at the end.
    fixed = fixed._replace(gamma=arithmetic.where(infinite, 1, fixed.gamma))
    law = channel(population, fixed, arithmetic)
    cut = threshold(rule.score(law, arithmetic), alpha, arithmetic)
    parts = pruned_risk(law, sigma, rule, cut, arithmetic)

    rest = 1 - alpha
    missed = arithmetic.where(alpha <= rest, parts.kept - alpha, parts.dropped - rest)
    few = arithmetic.maximum(arithmetic.minimum(alpha, rest), _FEWEST)
    diverges = infinite & (alpha > 0)
    unknown = diverges & isinstance(rule, WeightRule)
    absent = unknown | (alpha == 0) | isinstance(rule, Random)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    return _Rows(
        risk=where(diverges, infinity, parts.risk),
        noise=parts.noise,
        kept_error=where(diverges, infinity, parts.kept_error),
        dropped_signal=where(unknown, nan, parts.dropped_signal),
        threshold=where(absent, nan, cut.value),
        residual=arithmetic.maximum(fixed.residual, abs(missed) / few),
    )


def _digits(digits: Any) -> int:
    whole = isinstance(digits, Integral) and not isinstance(digits, bool)
    if not whole or not 1 <= digits <= MOST_DIGITS:
        raise InvalidInput("digits", digits, f"must be a whole number from 1 to {MOST_DIGITS}")
    return int(digits)
