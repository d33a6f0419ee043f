"""The value of an expression in the numbers of an arithmetic.

The tree of the expression is walked; nothing is compiled or evaluated as text.  An expression that
holds anything without a rule here has no value, which counts against the claim it stands in.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

from ..arithmetic import SPECIAL, Arithmetic, Array
from ..arithmetic.multiprecision import Multiprecision
from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean

Values = Mapping[sp.Symbol, Any]
#: Bits before the point of the largest argument of a function: mpmath needs them all.
_MOST_BITS = 4096


class NoValue(ArithmeticError):
    """An expression that cannot be evaluated at a point."""


class Noting(Multiprecision):
    """Numbers of many digits that note how much cancels in the sums they are computed by."""

    def __init__(self, digits: int, exact: frozenset[Any] = frozenset()) -> None:
        super().__init__(digits)
        #: The largest ratio of a term to the sum that it stands in: a sum loses so many digits.
        self.cancelled = self.context.mpf(1)
        #: Symbols whose values are exact, so that what cancels among them cancels exactly.
        self.exact_symbols = exact

    def note(self, expression: Any, terms: list[Array], total: Array) -> None:
        """Note what cancels in a sum."""
        largest = reduce(np.maximum, (abs(term) for term in terms))
        for most, left in zip(*map(np.ravel, np.broadcast_arrays(largest, total)), strict=True):
            if most == 0 or self.context.isinf(most):
                continue
            if left != 0:
                self.cancelled = max(self.cancelled, most / abs(left))
            elif not self._cancels_exactly(expression):
                self.cancelled = self.infinity

    def exp(self, x: Array) -> Array:
        return super().exp(self._moderate(x))

    def special(self, name: str, x: Array) -> Array:
        return super().special(name, self._moderate(x))

    def _moderate(self, x: Array) -> Array:
        """The numbers, if none of them is so large that its functions take for ever."""
        sizes = map(self.context.mag, np.ravel(x))  # an infinity is no work
        if any(_MOST_BITS < size < self.infinity for size in sizes):
            raise NoValue("a number is too large to compute with")
        return x

    def _cancels_exactly(self, expression: Any) -> bool:
        used = expression.free_symbols
        return used <= self.exact_symbols and bool(expression.is_rational_function(*used))


def value_of(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """`expression` with `values` for its symbols: arrays of the arithmetic's numbers.

    A `GroupSymbol` has one value per group, as has `WEIGHT`; a `Mean` is the weighted sum of its
    integrand.
    """
    rule = _RULES.get(expression.func) or _leaf(expression)
    if rule is None:
        raise NoValue(f"no rule to evaluate {expression.func.__name__}")
    return np.asarray(rule(expression, values, arithmetic), dtype=arithmetic.dtype)


def _leaf(expression: Any) -> Callable[..., Any] | None:
    kinds: tuple[tuple[Any, Callable[..., Any]], ...] = (
        (sp.Rational, lambda x, _, arithmetic: _rational(x, arithmetic)),
        (sp.Symbol, lambda x, values, _: values[x]),
        (Mean, _mean),
    )
    return next((rule for kind, rule in kinds if isinstance(expression, kind)), None)


def _rational(x: Any, arithmetic: Arithmetic) -> Array:
    return arithmetic.array(int(x.p)) / arithmetic.array(int(x.q))


def _arguments(expression: Any, values: Values, arithmetic: Arithmetic) -> list[Array]:
    return [value_of(part, values, arithmetic) for part in expression.args]


def _fold(combine: Callable[[Array, Array], Array]) -> Callable[..., Any]:
    def rule(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        first, *others = _arguments(expression, values, arithmetic)
        for other in others:
            # A number of mpmath beside an array is slow: it tries to read the array as text.
            first = np.asarray(combine(first, other), dtype=arithmetic.dtype)
        return first

    return rule


def _sum(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    first, *others = terms = _arguments(expression, values, arithmetic)
    for other in others:
        first = np.asarray(first + other, dtype=arithmetic.dtype)
    if isinstance(arithmetic, Noting):
        arithmetic.note(expression, terms, first)
    return first


def _function(name: str) -> Callable[..., Any]:
    def rule(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        (argument,) = _arguments(expression, values, arithmetic)
        return np.asarray(getattr(arithmetic, name)(argument))

    return rule


def _power(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    base, exponent = expression.args
    x = value_of(base, values, arithmetic)
    if exponent.is_Integer:
        if exponent < 0 and np.any(x == 0):
            raise NoValue(f"division by {base} = 0")
        whole = x ** abs(int(exponent))
        return whole if exponent > 0 else arithmetic.array(1) / whole
    if not np.all(x >= 0):
        raise NoValue(f"{expression} of a negative number")
    if exponent == sp.Rational(1, 2):
        return arithmetic.sqrt(x)
    if np.any(x == 0):
        raise NoValue(f"{expression} at 0")
    return arithmetic.exp(value_of(exponent, values, arithmetic) * arithmetic.log(x))


def _log(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    (x,) = _arguments(expression, values, arithmetic)
    if not np.all(x > 0):
        raise NoValue(f"{expression} of a number that is not positive")
    return arithmetic.log(x)


def _special(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """A function that the theory has no need of, but a derivation may."""
    (x,) = _arguments(expression, values, arithmetic)
    try:
        found = arithmetic.special(expression.func.__name__, x)
    except ValueError as error:  # at a pole
        raise NoValue(f"{expression}: {error}") from None
    if any(getattr(value, "imag", 0) != 0 for value in np.ravel(found)):
        raise NoValue(f"{expression} is not real")
    return found


def _erf(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    (x,) = _arguments(expression, values, arithmetic)
    return arithmetic.array(1) - arithmetic.erfc(x)


def _mean(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    weight = values[WEIGHT]
    if expression.has(sp.Integral):  # of which the quadrature takes one at a time
        single = [
            {x: v[g] if isinstance(x, GroupSymbol) else v for x, v in values.items()}
            for g in range(weight.size)
        ]
        parts = [value_of(expression.integrand, group, arithmetic).item() for group in single]
        return arithmetic.sum(np.array(parts, dtype=object), weight)
    integrand = value_of(expression.integrand, values, arithmetic)
    return arithmetic.sum(np.broadcast_to(integrand, weight.shape), weight)


def _integral(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """By the quadrature of mpmath; for numbers of many digits alone."""
    context = getattr(arithmetic, "context", None)
    if context is None or len(expression.limits) != 1:
        raise NoValue(f"no rule to evaluate {expression} in {arithmetic!r}")
    variable, low, high = expression.limits[0]
    ends = [value_of(end, values, arithmetic).item() for end in (low, high)]
    if isinstance(variable, GroupSymbol):
        raise NoValue("an integral over a quantity of the population")

    def integrand(x: Any) -> Any:
        inner = {**values, variable: arithmetic.array(x)}
        return value_of(expression.function, inner, arithmetic).item()

    return np.asarray(context.quad(integrand, _broken(ends, context)), dtype=object)


def _broken(ends: list[Any], context: Any) -> list[Any]:
    """The ends of an integral with points between where an integrand of width 1 has its mass."""
    low, high = ends
    inner = [context.mpf(x) for x in (-12, -6, -3, -1, 0, 1, 3, 6, 12)]
    return [low, *(x for x in inner if low < x < high), high]


_RULES: Mapping[Any, Callable[..., Any]] = {
    sp.Add: _sum,
    sp.Mul: _fold(lambda x, y: x * y),
    sp.Pow: _power,
    sp.exp: _function("exp"),
    sp.log: _log,
    sp.erfc: _function("erfc"),
    sp.erf: _erf,
    sp.Abs: lambda x, values, arithmetic: abs(value_of(x.args[0], values, arithmetic)),
    sp.Integral: _integral,
    **{getattr(sp, name): _special for name in SPECIAL},
    sp.Max: lambda x, values, arithmetic: _fold(arithmetic.maximum)(x, values, arithmetic),
    sp.Min: lambda x, values, arithmetic: _fold(arithmetic.minimum)(x, values, arithmetic),
    type(sp.pi): lambda _, __, arithmetic: arithmetic.array(arithmetic.pi),
    type(sp.E): lambda _, __, arithmetic: arithmetic.exp(arithmetic.array(1)),
    type(sp.oo): lambda _, __, arithmetic: arithmetic.array(arithmetic.infinity),
    type(-sp.oo): lambda _, __, arithmetic: -arithmetic.array(arithmetic.infinity),
}
