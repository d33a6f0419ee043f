"""The theory on symbols: its functions in symbolic arithmetic, and its equations solved."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from ..arithmetic import Array
from ..arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol
from ..population import Groups
from ..theory import MAGNITUDE, Channel, Rule, Threshold, pruned_risk
from ..theory.fixed_points import effective_ridge_balance, noise_level

#: Two sides of an equation, and what is defined apart.
Parts = tuple[Any, Any, dict[sp.Symbol, Any]]

KAPPA, SIGMA, RIDGE, TAU, GAMMA, T = sp.symbols("kappa sigma r tau gamma t", positive=True)
ALPHA = sp.Symbol("alpha", positive=True)
#: Eigenvalue, mean and standard deviation of the coefficients, in each group of features.
EIGENVALUE, MEAN, STD = (GroupSymbol(name, positive=True) for name in ("Lambda", "m", "s"))
#: Shrinkage and noise of a trained weight, in each group.
SHRINKAGE, NOISE = (GroupSymbol(name, positive=True) for name in ("a", "v"))


def _array(*expressions: Any) -> Array:
    return np.array(expressions, dtype=object)


_POPULATION = Groups(_array(WEIGHT), _array(EIGENVALUE), _array(MEAN), _array(STD))


def _point(expression: Any) -> Array:
    return np.array(expression, dtype=object)


def _single(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def balance(groups: Groups = _POPULATION, ridge: Any = RIDGE) -> Any:
    """The ratio that is 1 at the effective ridge."""
    tau, kappa, ridge, excess = map(_point, (TAU, KAPPA, sp.S(ridge), sp.Integer(-1)))
    return _single(effective_ridge_balance(tau, kappa, ridge, excess, groups, SYMBOLIC)[0])


def level(groups: Groups = _POPULATION, tau: Any = TAU, ridge: Any = RIDGE) -> Any:
    """The noise level, in a form that does not need the equation of tau to hold."""
    tau, kappa, sigma, ridge, excess = (_point(sp.S(x)) for x in (tau, KAPPA, SIGMA, ridge, 1))
    return _single(noise_level(tau, kappa, sigma, ridge, excess, groups, SYMBOLIC))


def least_squares_level(groups: Groups = _POPULATION) -> Any:
    """The noise level at tau = 0, with one minus kappa in place of a negative excess."""
    rest = sp.Symbol("e", positive=True)
    zero, kappa, sigma, excess = (_point(sp.S(x)) for x in (0, KAPPA, SIGMA, -rest))
    value = noise_level(zero, kappa, sigma, zero, excess, groups, SYMBOLIC)
    return _single(value).subs(rest, 1 - KAPPA)


def _channel() -> Channel:
    columns = (WEIGHT, EIGENVALUE, MEAN, STD, SHRINKAGE, 1 - SHRINKAGE, NOISE)
    return Channel(*map(_array, columns))


CHANNEL = {
    SHRINKAGE: EIGENVALUE / (EIGENVALUE + TAU),
    NOISE: GAMMA * KAPPA * EIGENVALUE / (EIGENVALUE + TAU) ** 2,
}


@cache
def pruned(rule: Rule) -> tuple[Any, Any]:
    """Risk and kept fraction at a threshold, in terms of the channel."""
    threshold = Threshold(*(_point(sp.S(x)) for x in (0, T, 0)))
    parts = pruned_risk(_channel(), _point(SIGMA), rule, threshold, SYMBOLIC)
    return _single(parts.risk), _single(parts.kept)


#: Variance of a weight, and the threshold in units of its root from either side of zero.
_VARIANCE = GroupSymbol("V", positive=True)
_UPPER, _LOWER = (GroupSymbol(name, real=True) for name in ("u", "l"))


def with_names(expression: Any, rule: Rule) -> tuple[Any, dict[sp.Symbol, Any]]:
    """An expression of the channel with its variance and cuts named, and what the names mean."""
    variance, center = SHRINKAGE**2 * STD**2 + NOISE, SHRINKAGE * MEAN
    cut = T if rule == MAGNITUDE else T / sp.sqrt(EIGENVALUE)
    root = sp.sqrt(_VARIANCE)
    named = expression.subs(variance, _VARIANCE)
    named = named.subs(center / root + cut / root, _LOWER).subs(cut - center, _UPPER * root)
    where = {
        _VARIANCE: variance,
        _UPPER: (cut - center) / root,
        _LOWER: (cut + center) / root,
    }
    return named, where


def of_rule(left: Any, rule: Rule, index: int) -> Parts:
    """Risk or kept fraction of a rule, in terms of the channel."""
    named, where = with_names(pruned(rule)[index], rule)
    return left, named, {**CHANNEL, **where}


def one_group(eigenvalue: Any = 1) -> Groups:
    """A population of one eigenvalue, with E[B²] = b²."""
    b = sp.Symbol("b", positive=True)
    return Groups(*(_array(sp.S(x)) for x in (1, eigenvalue, 0, b)))


def _positive_root(equation: Any, point: Mapping[sp.Symbol, Any]) -> Any:
    """The root in tau that is positive at a point of the regime."""
    roots = sp.solve(sp.numer(sp.together(equation)), TAU)
    return next(sp.simplify(root) for root in roots if root.subs(point) > 0)


def isotropic_ridge(ridge: Any) -> Any:
    """The effective ridge of one eigenvalue, 1."""
    return _positive_root(balance(one_group(), ridge) - 1, {KAPPA: 3, RIDGE: 1})


def two_eigenvalue_ridge() -> Any:
    """The effective ridge of two eigenvalues, without ridge."""
    weight, first, second = sp.symbols("w_1 Lambda_1 Lambda_2", positive=True)
    columns = ((weight, 1 - weight), (first, second), (0, 0), (0, 0))
    groups = Groups(*(_array(*map(sp.S, column)) for column in columns))
    point = {KAPPA: 3, weight: sp.Rational(1, 2), first: 2, second: 1}
    return _positive_root(balance(groups, 0) - 1, point)
