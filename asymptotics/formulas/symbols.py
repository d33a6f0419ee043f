"""The theory in symbols: its functions run in symbolic arithmetic, and its equations solved."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from ..arithmetic import Array
from ..arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol, within_means
from ..population import Groups
from ..theory import MAGNITUDE, Channel, Rule, Threshold, pruned_risk
from ..theory.fixed_points import effective_ridge_balance, noise_level

#: The two sides of an equation, and definitions of symbols on its right-hand side.
Parts = tuple[Any, Any, dict[sp.Symbol, Any]]

#: Features per sample, noise, ridge, effective ridge, noise level, and threshold.
KAPPA, SIGMA, RIDGE, TAU, GAMMA, T = sp.symbols("kappa sigma r tau gamma t", positive=True)
#: The fraction of the weights that is kept.
ALPHA = sp.Symbol("alpha", positive=True)
#: Eigenvalue, mean and standard deviation of the coefficients, in each group of features.
EIGENVALUE, MEAN, STD = (GroupSymbol(name, positive=True) for name in ("Lambda", "m", "s"))
#: Shrinkage a and noise variance v of a trained weight X = a B + sqrt(v) H, in each group.
SHRINKAGE, NOISE = (GroupSymbol(name, positive=True) for name in ("a", "v"))


def column_of(*expressions: Any) -> Array:
    """A quantity of the groups, with an expression for each."""
    return np.array(expressions, dtype=object)


_POPULATION = Groups(column_of(WEIGHT), column_of(EIGENVALUE), column_of(MEAN), column_of(STD))


def point(expression: Any) -> Array:
    """An expression as an array without dimensions: one point of the theory's grids."""
    return np.array(expression, dtype=object)


def single(value: Any) -> Any:
    """The expression in an array with one entry."""
    return value.item() if isinstance(value, np.ndarray) else value


def balance(groups: Groups = _POPULATION, ridge: Any = RIDGE) -> Any:
    """The ratio that is 1 at the effective ridge tau: its equation is ``balance() = 1``."""
    # In symbolic arithmetic no eigenvalue counts as larger than tau, so that the excess, which is
    # kappa P(Lambda > tau) - 1, is -1.
    tau, kappa, ridge, excess = map(point, (TAU, KAPPA, sp.S(ridge), sp.Integer(-1)))
    return single(effective_ridge_balance(tau, kappa, ridge, excess, groups, SYMBOLIC)[0])


def noise_level_of(groups: Groups = _POPULATION, tau: Any = TAU, ridge: Any = RIDGE) -> Any:
    """The noise level gamma as a function of tau, kappa, sigma and the ridge.

    Its denominator is r/tau + kappa E[Lambda tau/(Lambda + tau)**2], which for the solution tau
    equals 1 - kappa E[Lambda**2/(Lambda + tau)**2].
    """
    # The excess counts by its sign alone: a positive one selects this denominator.
    tau, kappa, sigma, ridge, excess = (point(sp.S(x)) for x in (tau, KAPPA, SIGMA, ridge, 1))
    return single(noise_level(tau, kappa, sigma, ridge, excess, groups, SYMBOLIC))


def least_squares_noise_level(groups: Groups = _POPULATION) -> Any:
    """The noise level of least squares (tau = 0, no ridge, kappa < 1).

    The excess kappa - 1 is passed as -e with a positive symbol e, so that SymPy knows its sign.
    """
    rest = sp.Symbol("e", positive=True)
    zero, kappa, sigma, excess = (point(sp.S(x)) for x in (0, KAPPA, SIGMA, -rest))
    value = noise_level(zero, kappa, sigma, zero, excess, groups, SYMBOLIC)
    return single(value).subs(rest, 1 - KAPPA)


def trained_channel() -> Channel:
    """The channel of a trained weight, with its shrinkage and noise as symbols."""
    columns = (WEIGHT, EIGENVALUE, MEAN, STD, SHRINKAGE, 1 - SHRINKAGE, NOISE)
    return Channel(*map(column_of, columns))


#: The shrinkage and the noise of the channel, in terms of the solution (tau, gamma).
CHANNEL = {
    SHRINKAGE: EIGENVALUE / (EIGENVALUE + TAU),
    NOISE: GAMMA * KAPPA * EIGENVALUE / (EIGENVALUE + TAU) ** 2,
}


@cache
def pruned(rule: Rule) -> tuple[Any, Any]:
    """The risk and the kept fraction of a rule at a threshold t, in terms of the channel."""
    threshold = Threshold(*(point(sp.S(x)) for x in (0, T, 0)))
    parts = pruned_risk(trained_channel(), point(SIGMA), rule, threshold, SYMBOLIC)
    return single(parts.risk), single(parts.kept)


#: The variance V of a trained weight, and its two thresholds in standard units.
VARIANCE = GroupSymbol("V", positive=True)
UPPER, LOWER = (GroupSymbol(name, real=True) for name in ("u", "l"))


def with_names(expression: Any, rule: Rule) -> tuple[Any, dict[sp.Symbol, Any]]:
    r"""An expression of the channel with shorter symbols V, u and l, and their definitions.

    A trained weight is :math:`X \sim N(am, V)` with :math:`V = a^2 s^2 + v`, and it is kept if
    :math:`|X| > x`, with x = t for magnitude pruning and :math:`t/\sqrt\Lambda` for covariance
    scaling.  In standard units the two thresholds are :math:`u = (x - am)/\sqrt V` and
    :math:`-l`, where :math:`l = (x + am)/\sqrt V`.
    """
    variance, center = SHRINKAGE**2 * STD**2 + NOISE, SHRINKAGE * MEAN
    threshold = T if rule == MAGNITUDE else T / sp.sqrt(EIGENVALUE)
    root = sp.sqrt(VARIANCE)

    def shorter(inside: Any) -> Any:
        named = inside.subs(variance, VARIANCE)
        # These two match the forms in which the code of the theory writes the thresholds.
        named = named.subs(center / root + threshold / root, LOWER)
        return named.subs(threshold - center, UPPER * root)

    where = {
        VARIANCE: variance,
        UPPER: (threshold - center) / root,
        LOWER: (threshold + center) / root,
    }
    return within_means(expression, shorter), where


def of_rule(left: Any, rule: Rule, index: int) -> Parts:
    """``left`` as the risk (`index` 0) or the kept fraction (1) of a rule, with definitions."""
    named, where = with_names(pruned(rule)[index], rule)
    return left, named, {**CHANNEL, **where}


def one_group(eigenvalue: Any = 1) -> Groups:
    """A population of one eigenvalue, with E[B²] = b²."""
    b = sp.Symbol("b", positive=True)
    return Groups(*(column_of(sp.S(x)) for x in (1, eigenvalue, 0, b)))


def _positive_root(equation: Any, point: Mapping[sp.Symbol, Any]) -> Any:
    """The root of an equation in tau that is positive at a point of the regime.

    SymPy does not know the signs of the roots; one point of the regime identifies the right one.
    """
    roots = sp.solve(sp.numer(sp.together(equation)), TAU)
    return next(sp.simplify(root) for root in roots if root.subs(point) > 0)


def isotropic_ridge(ridge: Any) -> Any:
    """The effective ridge for eigenvalues that all equal 1."""
    return _positive_root(balance(one_group(), ridge) - 1, {KAPPA: 3, RIDGE: 1})


def two_eigenvalue_ridge() -> Any:
    """The effective ridge of two eigenvalues, without ridge (kappa > 1)."""
    weight, first, second = sp.symbols("w_1 Lambda_1 Lambda_2", positive=True)
    columns = ((weight, 1 - weight), (first, second), (0, 0), (0, 0))
    groups = Groups(*(column_of(*map(sp.S, column)) for column in columns))
    point = {KAPPA: 3, weight: sp.Rational(1, 2), first: 2, second: 1}
    return _positive_root(balance(groups, 0) - 1, point)
