"""A whole grid of problems through the theory line."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arithmetic import FLOAT64, Arithmetic, Array
from .errors import InvalidInput
from .parameters import parameter
from .population import Population
from .results import RiskResult
from .theory import (
    FixedPoint,
    Rule,
    as_rule,
    channel,
    fixed_point,
    null_risk,
    pruned_risk,
    threshold,
)
from .theory.rules import Exponent, Random, WeightRule

#: Called with the number of rows done and their total.
Progress = Callable[[int, int], object]
RuleLike = Rule | str | Mapping[str, Exponent]

#: Numbers (rows times groups) that are worked on at a time.
_CHUNK = 1 << 17
#: A residual above this is a failure, not a number.
_ACCEPTED = 1e-6
MOST_DIGITS = 10_000


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
    rule: RuleLike | Sequence[RuleLike] | Array = "magnitude",
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
        Of the shape to which all parameters broadcast.  Where the risk is infinite (ridge 0 at
        the interpolation threshold) it is ``inf``, with status ``"diverges"``.

    Raises
    ------
    InvalidInput
        A parameter outside its domain; it is also a `ValueError`.

    Examples
    --------
    >>> from asymptotics import Population, risk
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> risk(two, kappa=2, sigma=0.5, alpha=0.4, rule=["magnitude", "covariance"]).risk.round(6)
    array([3.193434, 2.810389])
    """
    parameters = [
        parameter(key, value)
        for key, value in (("kappa", kappa), ("sigma", sigma), ("alpha", alpha), ("ridge", ridge))
    ]
    rules = _rules(rule)
    try:
        shape = np.broadcast_shapes(*(p.shape for p in parameters), rules.shape)
    except ValueError:
        shapes = [p.shape for p in (*parameters, rules)]
        allowed = "shapes of kappa, sigma, alpha, ridge, rule must broadcast"
        raise InvalidInput("shapes", shapes, allowed) from None
    if digits is None:
        columns = _float_columns(population, *parameters, rules, shape, progress)
    else:
        columns = _digit_columns(population, *parameters, rules, shape, _digits(digits), progress)
    kappa, sigma, alpha, ridge = (np.broadcast_to(p, shape) for p in parameters)
    grid = {"kappa": kappa, "sigma": sigma, "alpha": alpha, "ridge": ridge}
    if digits is None:
        grid = {key: value.astype(np.float64) for key, value in grid.items()}
    return RiskResult(
        population=population, **grid, rule=np.broadcast_to(rules, shape), **columns, digits=digits
    )


def _float_columns(
    population: Population,
    kappa: Array,
    sigma: Array,
    alpha: Array,
    ridge: Array,
    rules: Array,
    shape: tuple[int, ...],
    progress: Progress | None,
) -> dict[str, Array]:
    # Solved before it is spread over alpha and rule, which it does not depend on.
    fixed = fixed_point(population, kappa, sigma, ridge)
    null = null_risk(population, sigma)
    fixed = FixedPoint(*(np.broadcast_to(x, shape).ravel() for x in fixed))
    sigma, alpha = (
        np.broadcast_to(x, shape).astype(np.float64).ravel() for x in (sigma, alpha)
    )
    rules = np.broadcast_to(rules, shape).ravel()
    rows = _Rows(*np.full((len(_Rows._fields), rules.size), np.nan))
    size, done = max(1, _CHUNK // len(population)), 0
    for rule in dict.fromkeys(rules.tolist()):
        chosen = np.flatnonzero(rules == rule)
        for part in np.split(chosen, range(size, chosen.size, size)):
            some = FixedPoint(*(x[part] for x in fixed))
            values = _evaluate(population, some, sigma[part], alpha[part], rule, FLOAT64)
            for column, value in zip(rows, values, strict=True):
                column[part] = value
            done += part.size
            if progress:
                progress(done, rules.size)
    failed = ~(rows.residual <= _ACCEPTED)
    status = np.where(failed, "no convergence", np.where(np.isinf(rows.risk), "diverges", "ok"))
    rows.risk[failed] = np.nan
    columns = rows._asdict() | {"tau": fixed.tau, "gamma": fixed.gamma, "status": status}
    shaped = {key: value.reshape(shape) for key, value in columns.items()}
    return shaped | {
        "unpruned_risk": shaped["gamma"],
        "null_risk": np.broadcast_to(null, shape),
    }


def _digit_columns(
    population: Population,
    kappa: Array,
    sigma: Array,
    alpha: Array,
    ridge: Array,
    rules: Array,
    shape: tuple[int, ...],
    digits: int,
    progress: Progress | None,
) -> dict[str, Array]:
    from .arithmetic.multiprecision import Multiprecision

    problems = [np.broadcast_to(x, shape).ravel() for x in (kappa, sigma, alpha, ridge, rules)]
    total = problems[0].size
    columns: dict[str, Array] = {}

    def evaluate(index: int, precision: int) -> dict[str, Any]:
        arithmetic = Multiprecision(precision)
        kappa, sigma, alpha, ridge = (x[index : index + 1] for x in problems[:4])
        fixed = fixed_point(population, kappa, sigma, ridge, arithmetic)
        alpha = arithmetic.array(alpha)
        rows = _evaluate(population, fixed, sigma, alpha, problems[4][index], arithmetic)
        null = null_risk(population, sigma, arithmetic)
        values = rows._asdict() | {"tau": fixed.tau, "gamma": fixed.gamma, "null_risk": null}
        return {key: value[0] for key, value in values.items()}

    for index in range(total):
        precision = digits + 20
        before = evaluate(index, precision)
        while True:
            precision *= 2
            values = evaluate(index, precision)
            if _agree(before, values, digits):
                break
            before = values
        values |= {
            "unpruned_risk": values["gamma"],
            "status": "diverges" if values["risk"] == float("inf") else "ok",
        }
        for key, value in values.items():
            columns.setdefault(key, np.empty(total, dtype=object))[index] = value
        if progress:
            progress(index + 1, total)
    columns["status"] = columns["status"].astype(str)
    return {key: value.reshape(shape) for key, value in columns.items()}


def _agree(coarse: Mapping[str, Any], fine: Mapping[str, Any], digits: int) -> bool:
    """Whether two precisions give the same digits of every value."""
    for key, value in fine.items():
        if key == "residual" or value != value or value == coarse[key]:
            continue
        if not abs(value - coarse[key]) * 10 ** (digits + 1) <= abs(value):
            return False
    return True


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
    few = arithmetic.where(
        alpha <= rest,
        arithmetic.ratio(parts.kept - alpha, alpha),
        arithmetic.ratio(parts.dropped - rest, rest),
    )
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
        residual=arithmetic.maximum(fixed.residual, abs(few)),
    )


def _rules(rule: Any) -> Array:
    """An array of rules, from one or from nested sequences of them."""
    if isinstance(rule, Rule | str | Mapping):
        rule = as_rule(rule)
    given = np.asarray(rule, dtype=object)
    return np.asarray(np.frompyfunc(as_rule, 1, 1)(given), dtype=object)


def _digits(digits: Any) -> int:
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MOST_DIGITS:
        raise InvalidInput("digits", digits, f"must be a whole number from 1 to {MOST_DIGITS}")
    return digits
