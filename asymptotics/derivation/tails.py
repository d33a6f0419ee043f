r"""A bound of the tail of an integral: of the part from some large distance on to infinity.

Let d be the distance of the variable from the finite end of the interval.  For all :math:`d \ge D`
(in the code `D` is `far`) every part f of the integrand is enclosed as

.. math:: f = c\, d^p, \qquad c \in \text{factor}, \qquad \text{factor a ball, } p \text{ rational.}

Terms of different powers are put under the highest one, as :math:`c\,d^q = c\,d^{q-p}\,d^p` with
:math:`0 < d^{q-p} \le D^{q-p}` for q < p.  An exponential that falls off is put under a high power
of :math:`1/d`.  If the integrand has a power p < -1, the tail is at most
:math:`|c|\,D^{p+1}/(-p-1)`.  A part without a rule here leaves the tail without a bound.

A finite end becomes infinity with the inverse of the distance from it as the variable; see
`near_end`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, arb

from .holomorphic import Constant

#: The highest power of 1/d that bounds an exponential.
_HIGHEST_POWER = 10**6
#: A logarithm is put under this power of d.
_POWER_OF_LOGARITHM = Fraction(1, 100)
#: The inverse of the distance from a finite end.
_INVERSE = sp.Dummy("y", positive=True)


class NoTail(ArithmeticError):
    """An expression that is not shown to be bounded by a power of the distance."""


class _Tail(NamedTuple):
    """An expression at all distances d beyond some D: it lies in ``factor * d**power``."""

    factor: arb
    power: Fraction


def tail_bound(
    expression: Any, variable: sp.Symbol, constant: Constant, ratio: arb, far: arb
) -> arb:
    """A bound of the integral of the absolute value of `expression` over all distances d > `far`.

    `ratio` is a ball that holds ``variable / d`` at all these distances.  The bound is infinite
    where none is found.
    """

    def tail(part: Any) -> _Tail:
        if part == variable:
            return _Tail(ratio, Fraction(1))
        if variable not in part.free_symbols:
            return _Tail(constant(part), Fraction(0))
        rule = _RULES.get(part.func)
        if rule is None:
            raise NoTail(f"no rule for {part.func.__name__} at infinity")
        return rule(part, [tail(inner) for inner in part.args], far)

    for written in dict.fromkeys((expression, _with_falling_exponentials(expression))):
        with suppress(NoTail):
            return _beyond(tail(written), far)
    return arb.pos_inf()


@lru_cache(maxsize=1000)
def _with_falling_exponentials(expression: Any) -> Any:
    """The same expression, with ``exp(-g) / (1 + exp(-g))`` in place of ``1 / (1 + exp(g))``.

    Only exponentials that do not grow have a bound by a power.
    """

    def divides_by_exponential(part: Any) -> bool:
        below = part.is_Pow and part.exp.is_Integer and part.exp < 0 and part.base.is_Add
        return bool(below and any(isinstance(term, sp.exp) for term in part.base.args))

    def drawn_out(part: Any) -> Any:
        largest = next(term.args[0] for term in part.base.args if isinstance(term, sp.exp))
        terms = (term * sp.exp(-largest) for term in part.base.args)
        return sp.Add(*terms) ** part.exp * sp.exp(largest * part.exp)

    return expression.replace(divides_by_exponential, drawn_out)


def _beyond(tail: _Tail, far: arb) -> arb:
    """A bound of the integral of a tail from a distance on; infinite where there is none."""
    factor, power = tail
    # The integral of d**power from `far` to infinity is far**(power + 1) / (-power - 1).
    bound = abs(factor) * _raised(far, power + 1) / _number(-power - 1) if power < -1 else arb.nan()
    return bound.upper() if bound.is_finite() else arb.pos_inf()


@lru_cache(maxsize=1000)
def near_end(expression: Any, variable: sp.Symbol, end: Any, side: int) -> tuple[Any, sp.Symbol]:
    """An integrand near a finite end, as an integrand in the inverse y = 1/d of the distance d.

    The variable is end - d below the end (side 1) and end + d above it (side -1), and
    ``dd = dy / y**2`` up to the sign.  The variable y is the second value.
    """
    near = expression.subs(variable, end - side / _INVERSE)
    return sp.powsimp(near / _INVERSE**2), _INVERSE


def _number(value: Fraction) -> arb:
    return arb(value.numerator) / value.denominator


def _raised(base: arb, power: Fraction) -> arb:
    return base ** _number(power)


def _up_to(most: arb) -> arb:
    """The interval from 0 to a number."""
    return arb(0).union(most)


def _at_one_power(tails: list[_Tail], far: arb) -> tuple[list[arb], Fraction]:
    """The highest of the powers of some tails, and the factor of each tail for this power."""
    power = max(tail.power for tail in tails)
    factors = [
        factor if own == power else factor * _up_to(_raised(far, own - power))
        for factor, own in tails
    ]
    return factors, power


def _fold(combine: Callable[[arb, arb], arb]) -> Callable[..., _Tail]:
    def rule(_: Any, parts: list[_Tail], far: arb) -> _Tail:
        factors, power = _at_one_power(parts, far)
        return _Tail(reduce(combine, factors), power)

    return rule


def _product(_: Any, parts: list[_Tail], __: arb) -> _Tail:
    factor = reduce(lambda x, y: x * y, (part.factor for part in parts))
    return _Tail(factor, sum((part.power for part in parts), Fraction(0)))


def _power(expression: Any, parts: list[_Tail], far: arb) -> _Tail:
    base, exponent = parts
    if expression.exp.is_Integer:
        n = int(expression.exp)
        if n < 0 and not (base.factor > 0 or base.factor < 0):
            raise NoTail("division by what may be zero")
        # Arb raises a real ball that holds 0 to nan; as a complex number it has an integer power.
        return _Tail((acb(base.factor) ** n).real, base.power * n)
    if not base.factor > 0:
        raise NoTail("a power of what may be negative")
    if base.power == 0:
        # A constant base c: c**y = exp(y log c).
        return _exponential(_Tail(exponent.factor * base.factor.log(), exponent.power), far)
    if exponent.power != 0 or not exponent.factor.is_finite():
        raise NoTail("a power that is no number")
    # (c d**p)**y = c**y d**(p y).  The power p y is only known as a ball, so its upper end is taken
    # (an exact binary number), and the quotient, d to a power of at most 0, lies in [0, 1].
    raised = exponent.factor * _number(base.power)
    mantissa, halvings = map(int, raised.upper().man_exp())
    return _Tail(base.factor**exponent.factor * _up_to(arb(1)), mantissa * Fraction(2) ** halvings)


def _exponential(inner: _Tail, far: arb) -> _Tail:
    """The exponential of a tail; raises `NoTail` if it may grow with the distance.

    If the exponent goes to minus infinity, ``exp(-c d**p)`` is at most ``C / d**k`` for d > `far`,
    with ``C = exp(-c far**p) * far**k``: the product ``exp(-c d**p) * d**k`` decreases from where
    ``c p d**p > k``.  The largest integer k that meets this at `far` is taken.
    """
    if inner.power <= 0:
        # The exponent stays bounded.
        return _Tail((inner.factor * _spread(inner.power, far)).exp(), Fraction(0))
    if not inner.factor < 0:
        raise NoTail("an exponential that may grow")
    exponent = inner.factor.upper() * _raised(far, inner.power)
    slope = (-exponent * _number(inner.power)).lower()
    power = _HIGHEST_POWER if slope > _HIGHEST_POWER else int(float(slope.floor().lower()))
    return _Tail(_up_to(exponent.exp() * far**power), Fraction(-power))


def _spread(power: Fraction, far: arb) -> arb:
    """The values of ``d**power``, for a power of at most 0, at all distances d > `far`."""
    return arb(1) if power == 0 else _up_to(_raised(far, power))


def _erfc(_: Any, parts: list[_Tail], far: arb) -> _Tail:
    """For z > 0 it is less than ``exp(-z**2)``; everywhere it lies between 0 and 2."""
    (inner,) = parts
    if inner.power > 0 and inner.factor > 0:
        return _exponential(_Tail(-(inner.factor**2), 2 * inner.power), far)
    return _Tail(_up_to(arb(2)), Fraction(0))


def _logarithm(_: Any, parts: list[_Tail], far: arb) -> _Tail:
    """It is log c + p log d, where log d lies between 0 and ``d**q / (e q)`` for d > 1, q > 0."""
    (inner,) = parts
    if not (inner.factor > 0 and far > 1):
        raise NoTail("a logarithm of what may be zero")
    constant, power = inner.factor.log(), inner.power
    if power == 0:
        return _Tail(constant, power)
    q = _POWER_OF_LOGARITHM
    most = 1 / (arb(1).exp() * _number(q))
    return _Tail(constant * _up_to(_raised(far, -q)) + _number(power) * _up_to(most), q)


def _bounded(most: int) -> Callable[..., _Tail]:
    """The rule of a function whose absolute value is at most `most`."""
    return lambda *_: _Tail(arb(0, most), Fraction(0))


_RULES: Mapping[Any, Callable[[Any, list[_Tail], arb], _Tail]] = {
    sp.Add: _fold(lambda x, y: x + y),
    sp.Max: _fold(lambda x, y: x.max(y)),
    sp.Min: _fold(lambda x, y: x.min(y)),
    sp.Mul: _product,
    sp.Pow: _power,
    sp.Abs: lambda _, parts, __: _Tail(abs(parts[0].factor), parts[0].power),
    sp.exp: lambda _, parts, far: _exponential(parts[0], far),
    sp.log: _logarithm,
    sp.erfc: _erfc,
    **dict.fromkeys((sp.erf, sp.sin, sp.cos, sp.tanh), _bounded(1)),
    sp.atan: _bounded(2),
}
