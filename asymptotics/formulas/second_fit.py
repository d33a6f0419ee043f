r"""The second fit in symbols: the functions of :mod:`asymptotics.theory.retraining` run on them.

What a mask keeps of a group has symbols of its own: the share P; the mean squares K and D of the
coefficients kept and dropped; and :math:`d_1=E[z;S]/\sqrt V` and :math:`d_2=E[z^2-1;S]`, which the
boundary of the mask tells, of the standardised weight z.  A rule defines them.
"""

from functools import cache
from operator import methodcaller
from typing import Any

import numpy as np
import sympy as sp

from ..arithmetic import Array
from ..arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol, within_means
from ..population import Groups
from ..theory import RANDOM, FixedPoint, Rule, Threshold
from ..theory.retraining import (
    Kept,
    Mask,
    SecondFit,
    SecondRidge,
    kept_weights,
    linear_equations,
    retrained_error,
    risk_parts,
    shares_of,
    taken_up,
)
from .symbols import (
    ALPHA,
    CHANNEL,
    EIGENVALUE,
    GAMMA,
    KAPPA,
    LOWER,
    MEAN,
    NOISE,
    SHRINKAGE,
    SIGMA,
    STD,
    TAU,
    UPPER,
    VARIANCE,
    Parts,
    T,
    balance,
    column_of,
    least_squares_noise_level,
    point,
    single,
    trained_channel,
    with_names,
)  # fmt: skip

#: The ridge of the second fit, and its effective ridge.
_RIDGE, _TAU = sp.symbols("r_2 tau_2", positive=True)
#: The share of the samples that the second fit leaves free, 1 - kappa E[W; S].
_FREE = sp.Symbol("f", positive=True)
#: What the second fit takes up of the first one's noise, and of what its ridge left over.
_THETA, _LEFTOVER = sp.symbols("theta h", real=True)
#: 0 for a second fit towards zero, 1 for one towards the pruned weights.
_CHI = sp.Symbol("chi", nonnegative=True)
#: In each group the shrinkage Lambda/(Lambda + tau_2) of the second fit, and what the mask keeps.
_SEEN, _SHARE, _KEPT, _DROPPED = (GroupSymbol(name, positive=True) for name in "WPKD")
_LEVEL, _RISE = (GroupSymbol(name, real=True) for name in ("d_1", "d_2"))
#: The standard normal density at the two cuts of a group.
_DENSITIES = tuple(GroupSymbol(name, positive=True) for name in ("phi_u", "phi_l"))
#: The coefficient and the noise of a trained weight, X = a B + N.
_COEFFICIENT, _OWN_NOISE = (GroupSymbol(name, real=True) for name in "BN")

#: The shrinkage of least squares.
_UNSHRUNK = {SHRINKAGE: sp.Integer(1)}

#: Definitions of symbols.
_Where = dict[sp.Symbol, Any]


@cache
def _kept(rule: Rule) -> tuple[Kept, _Where]:
    """What a rule keeps at a threshold t, and the definitions of its symbols."""
    law = trained_channel()
    threshold = Threshold(*(point(sp.S(x)) for x in (0, T, 0)))
    parts = rule.score(law, SYMBOLIC), threshold, rule.regression(law, SYMBOLIC)
    found = kept_weights(Mask(law, *parts, np.array(True)), SYMBOLIC)
    _, cuts = with_names(sp.Integer(0), rule)
    densities = {
        x: sp.exp(-(cut**2) / 2) for x, cut in zip(_DENSITIES, (UPPER, LOWER), strict=True)
    }
    where = cuts | {x: y / sp.sqrt(2 * sp.pi) for x, y in densities.items()}
    #: Expressions, and what they are in terms of the symbols that are defined so far.
    known = [(y, x * sp.sqrt(2 * sp.pi)) for x, y in densities.items()]

    def named(column: Array) -> Any:
        expression, _ = with_names(single(column), rule)
        for old, new in known:
            expression = expression.subs(old, new)
        return expression

    symbols = {
        "mass": _SHARE,
        "level": _LEVEL,
        "rise": _RISE,
        "signal": _KEPT,
        "dropped_signal": _DROPPED,
    }
    for name, symbol in symbols.items():
        where[symbol] = named(getattr(found, name))
        # Other columns hold the level without its denominator.
        factor = sp.sqrt(VARIANCE) if symbol == _LEVEL else 1
        known.append((factor * where[symbol], factor * symbol))
    kept = found._replace(
        retained=column_of(named(found.retained)),
        slope=column_of(named(found.slope)),
        **{name: column_of(symbol) for name, symbol in symbols.items()},
    )
    return kept, CHANNEL | where


def _kept_at_random() -> Kept:
    """What is kept where each weight has the chance alpha."""
    law = trained_channel()
    threshold = Threshold(*(point(sp.S(x)) for x in (0, 0, ALPHA)))
    parts = RANDOM.score(law, SYMBOLIC), threshold, RANDOM.regression(law, SYMBOLIC)
    return kept_weights(Mask(law, *parts, np.array(False)), SYMBOLIC)


def _fit(kept: Kept, tau: Any = TAU, second_tau: Any = _TAU, free: Any = _FREE) -> SecondFit:
    """The inputs of the second fit, as symbols."""
    fixed = FixedPoint(*(point(sp.S(x)) for x in (KAPPA, tau, GAMMA, 0)))
    second = SecondRidge(*(point(sp.S(x)) for x in (second_tau, free, 0)))
    return SecondFit(kept, fixed, second, *map(point, (SIGMA, KAPPA - 1, _CHI)))


def _parts(left: Any, right: Any, where: _Where) -> Parts:
    """An equation of the second fit, with the definitions that it needs."""
    # W/Lambda stands for 1/(Lambda + tau_2).
    shorter = methodcaller("subs", 1 / (EIGENVALUE + _TAU), _SEEN / EIGENVALUE)
    left, right = (within_means(side, shorter) for side in (left, right))
    where = {
        **where,
        _SEEN: EIGENVALUE / (EIGENVALUE + _TAU),
        _FREE: _RIDGE / _TAU,
    }
    used = _atoms(left) | _atoms(right)
    for symbol in reversed(list(where)):
        used |= _atoms(where[symbol]) if symbol in used else set()
    return left, right, {symbol: value for symbol, value in where.items() if symbol in used}


def _atoms(expression: Any) -> set[sp.Symbol]:
    return set(expression.atoms(sp.Symbol))


def second_effective_ridge(rule: Rule) -> Parts:
    """The equation of the second effective ridge: that of the weights kept."""
    kept, where = (_kept_at_random(), {}) if rule == RANDOM else _kept(rule)
    share = single(kept.mass)
    groups = Groups(*map(column_of, (WEIGHT * share, EIGENVALUE, MEAN, STD)))
    return _parts(balance(groups, _RIDGE).subs(TAU, _TAU), sp.Integer(1), where)


def first_equation(rule: Rule) -> Parts:
    """The linear equation for theta and h that is Stein's identity."""
    kept, where = _kept(rule)
    found = linear_equations(_fit(kept), SYMBOLIC)
    by_theta, by_left, right = map(single, found[:3])
    return _parts(by_theta * _THETA + by_left * _LEFTOVER, right, where)


def second_equation(rule: Rule) -> Parts:
    """The linear equation for theta and h that is the covariance of the errors of both fits."""
    kept, where = _kept(rule)
    found = linear_equations(_fit(kept), SYMBOLIC)
    by_theta, by_left, right = map(single, found[3:])
    return _parts(by_theta * _THETA + by_left * _LEFTOVER, right, where)


def error_of_weight(left: Any) -> Parts:
    """The error of a retrained weight, beside noise that is new to it."""
    law = trained_channel()
    kept = Kept(*law, *(column_of(sp.Integer(0)) for _ in Kept._fields[len(law) :]))
    fit = _fit(kept)
    shares = shares_of(kept, fit.second_ridge.tau, SYMBOLIC)
    taken = point(_THETA), point(_LEFTOVER)
    signal, *noise = map(single, retrained_error(kept, shares, fit, *taken, SYMBOLIC))
    return _parts(left, signal * _COEFFICIENT + sum(noise) * _OWN_NOISE, dict(CHANNEL))


def risk_after(left: Any, rule: Rule) -> Parts:
    """The risk after the second fit, as a function of theta and h."""
    kept, where = _kept(rule)
    return _parts(left, _risk(_fit(kept), _LEFTOVER), where)


def risk_after_least_squares(left: Any, rule: Rule) -> Parts:
    """The risk after least squares, pruning and least squares, with its theta solved for."""
    kept, where = _kept(rule)
    fit = _least_squares(kept)
    theta, _ = map(single, taken_up(linear_equations(fit, SYMBOLIC), SYMBOLIC))
    where = {
        GAMMA: least_squares_noise_level(),
        NOISE: CHANNEL[NOISE].subs(TAU, 0),
        **{x: y.subs(_UNSHRUNK) for x, y in where.items() if x not in CHANNEL},
        _THETA: sp.simplify(theta),
    }
    return _parts(left, _risk(fit), where)


def risk_after_random(left: Any) -> Parts:
    """The risk after random pruning and a second fit towards zero, in which no theta is left."""
    fit = _fit(_kept_at_random())._replace(towards_pruned=point(sp.Integer(0)))
    return _parts(left, _risk(fit), {})


def risk_after_random_least_squares(left: Any) -> Parts:
    """The risk after least squares, random pruning and least squares."""
    return left, _risk(_least_squares(_kept_at_random())), {}


def _least_squares(kept: Kept) -> SecondFit:
    """The inputs of least squares after least squares, which leaves nothing over."""
    kept = Kept(*(column_of(sp.S(single(column)).subs(_UNSHRUNK)) for column in kept))
    share = single(SYMBOLIC.sum(kept.mass, kept.weight))
    return _fit(kept, 0, 0, 1 - KAPPA * share)


def _risk(fit: SecondFit, leftover: Any = 0) -> Any:
    taken = point(_THETA), point(sp.S(leftover))
    numerator, denominator = risk_parts(fit, *taken, SYMBOLIC)
    return single(numerator) / single(denominator)
