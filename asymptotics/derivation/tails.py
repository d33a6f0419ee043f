r"""How fast an expression falls off, as a bound that holds from some number on to infinity.

There every part of it is enclosed by a constant times a power of the distance :math:`d` that the
variable has gone: an exponential of :math:`-d` is less than a high power of :math:`1/d`, and what
is of a lower power is a small share of the highest one.  Nothing is said of what has no rule here.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, arb

from .holomorphic import Constant

#: The highest power that an exponential is held against.
_HIGHEST = 1000


class NoTail(ArithmeticError):
    """An expression that is not shown to be a constant times a power, far away."""


class _Tail(NamedTuple):
    """An expression beyond some distance, as a factor, which is a ball, times a power of it."""

    factor: arb
    power: Fraction


def beyond(expression: Any, variable: sp.Symbol, constant: Constant, share: arb, far: arb) -> arb:
    """A bound of the integral of the absolute value over all distances larger than `far`.

    There the variable is within `share` of the distance.  It is infinite where none is found.
    """

    def tail(part: Any) -> _Tail:
        if part == variable:
            return _Tail(share, Fraction(1))
        if variable not in part.free_symbols:
            return _Tail(constant(part), Fraction(0))
        rule = _RULES.get(part.func)
        if rule is None:
            raise NoTail(f"no rule for {part.func.__name__} at infinity")
        return rule(part, [tail(inner) for inner in part.args], far)

    try:
        factor, power = tail(expression)
    except NoTail:
        return arb.pos_inf()
    bound = abs(factor) * _raised(far, power + 1) / _number(-power - 1) if power < -1 else arb.nan()
    return bound.upper() if bound.is_finite() else arb.pos_inf()


def _number(value: Fraction) -> arb:
    return arb(value.numerator) / value.denominator


def _raised(base: arb, power: Fraction) -> arb:
    return base ** _number(power)


def _up_to(most: arb) -> arb:
    return arb(0).union(most)


def _alike(tails: list[_Tail], far: arb) -> tuple[list[arb], Fraction]:
    """The factors of the highest of the powers."""
    power = max(tail.power for tail in tails)
    factors = [
        factor if own == power else factor * _up_to(_raised(far, own - power))
        for factor, own in tails
    ]
    return factors, power


def _fold(combine: Callable[[arb, arb], arb]) -> Callable[..., _Tail]:
    def rule(_: Any, parts: list[_Tail], far: arb) -> _Tail:
        factors, power = _alike(parts, far)
        return _Tail(reduce(combine, factors), power)

    return rule


def _product(_: Any, parts: list[_Tail], __: arb) -> _Tail:
    factor = reduce(lambda x, y: x * y, (part.factor for part in parts))
    return _Tail(factor, sum((part.power for part in parts), Fraction(0)))


def _power(expression: Any, parts: list[_Tail], far: arb) -> _Tail:
    base, exponent = parts
    if expression.exp.is_Integer:
        whole = int(expression.exp)
        if whole < 0 and not (base.factor > 0 or base.factor < 0):
            raise NoTail("division by what may be zero")
        # Balls about zero have powers as complex numbers alone.
        return _Tail((acb(base.factor) ** whole).real, base.power * whole)
    if not base.factor > 0:
        raise NoTail("a power of what may be negative")
    if base.power == 0:
        return _exponential(_Tail(exponent.factor * base.factor.log(), exponent.power), far)
    if exponent.power != 0 or not exponent.factor.is_finite():
        raise NoTail("a power that is no number")
    raised = exponent.factor * _number(base.power)
    mantissa, halvings = map(int, raised.upper().man_exp())
    return _Tail(base.factor**exponent.factor * _up_to(arb(1)), mantissa * Fraction(2) ** halvings)


def _exponential(inner: _Tail, far: arb) -> _Tail:
    """Of what goes to minus infinity it falls off faster than powers.

    ``exp(-c d**p) d**k`` gets smaller from where ``c p d**p`` is larger than `k`.
    """
    if inner.power <= 0:
        return _Tail((inner.factor * _spread(inner.power, far)).exp(), Fraction(0))
    if not inner.factor < 0:
        raise NoTail("an exponential that may grow")
    exponent = inner.factor.upper() * _raised(far, inner.power)
    slope = (-exponent * _number(inner.power)).lower()
    power = _HIGHEST if slope > _HIGHEST else int(float(slope.floor().lower()))
    return _Tail(_up_to(exponent.exp() * far**power), Fraction(-power))


def _spread(power: Fraction, far: arb) -> arb:
    """A power that is not positive, at all distances beyond one."""
    return arb(1) if power == 0 else _up_to(_raised(far, power))


def _erfc(_: Any, parts: list[_Tail], far: arb) -> _Tail:
    """It is less than ``exp(-z**2)`` for positive z."""
    (inner,) = parts
    if inner.power > 0 and inner.factor > 0:
        return _exponential(_Tail(-(inner.factor**2), 2 * inner.power), far)
    return _Tail(_up_to(arb(2)), Fraction(0))


def _bounded(most: int) -> Callable[..., _Tail]:
    return lambda *_: _Tail(arb(0, most), Fraction(0))


_RULES: Mapping[Any, Callable[[Any, list[_Tail], arb], _Tail]] = {
    sp.Add: _fold(lambda x, y: x + y),
    sp.Max: _fold(lambda x, y: x.max(y)),
    sp.Min: _fold(lambda x, y: x.min(y)),
    sp.Mul: _product,
    sp.Pow: _power,
    sp.Abs: lambda _, parts, __: _Tail(abs(parts[0].factor), parts[0].power),
    sp.exp: lambda _, parts, far: _exponential(parts[0], far),
    sp.erfc: _erfc,
    **dict.fromkeys((sp.erf, sp.sin, sp.cos, sp.tanh), _bounded(1)),
    sp.atan: _bounded(2),
}
