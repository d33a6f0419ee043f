"""The value of an expression, in the numbers of an arithmetic.

`value_of` walks the tree of the expression and applies a rule at each node; no code is generated,
and no text is parsed.  A node without a rule raises `NoValue`, which counts against the claim that
contains it.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from ..arithmetic import SPECIAL, Arithmetic, Array
from ..arithmetic.ball import Ball, Balls
from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean
from .arithmetics import NoRule, NoValue, TrackingCancellation, Undefined, Values
from .integrals import inner_part, integral

#: Digits that SymPy is asked for where it evaluates an expression numerically.
_SYMPY_DIGITS = 60
#: Terms of the longest sum that is added up.
_MOST_TERMS = 10_000


def value_of(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """`expression` with `values` for its symbols: an array of the arithmetic's numbers.

    The array has no dimension, or one if the expression depends on the group: a `GroupSymbol`, as
    `WEIGHT`, has one value per group, and a `Mean` is the weighted sum of its integrand over the
    groups.  Raises `NoValue` where there is no rule for a part, and `Undefined` where a part has no
    value.
    """
    rule = _RULES.get(expression.func) or _rule_of_kind(expression)
    if rule is None:
        raise NoRule(f"no rule to evaluate {expression.func.__name__}")
    return np.asarray(rule(expression, values, arithmetic), dtype=arithmetic.dtype)


def _rule_of_kind(expression: Any) -> Callable[..., Any] | None:
    """The rule of a kind of expressions whose subclasses share it, which `_RULES` cannot list."""
    kinds: tuple[tuple[Any, Callable[..., Any]], ...] = (
        (sp.Rational, lambda x, _, arithmetic: _rational(x, arithmetic)),
        (sp.Symbol, lambda x, values, _: values[x]),
        (Mean, _mean),
        (EvaluatedBySympy, _for_each_group(_by_sympy)),
        (sp.Integral, _for_each_group(_integral)),
        (sp.Sum, _for_each_group(_term_by_term(lambda x, y: x + y, 0))),
        (sp.Product, _for_each_group(_term_by_term(lambda x, y: x * y, 1))),
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
            # Both operands are arrays, because a number of mpmath beside an array is slow: mpmath
            # tries to parse the array as text first.
            first = np.asarray(combine(first, other), dtype=arithmetic.dtype)
        return first

    return rule


def _sum(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    first, *others = terms = _arguments(expression, values, arithmetic)
    for other in others:
        first = np.asarray(first + other, dtype=arithmetic.dtype)
    if isinstance(arithmetic, TrackingCancellation):
        arithmetic.record(expression, terms, first)
    return first


def _function(name: str) -> Callable[..., Any]:
    def rule(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        (argument,) = _arguments(expression, values, arithmetic)
        return np.asarray(getattr(arithmetic, name)(argument))

    return rule


def _power(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    r"""Integer powers by multiplication, square roots, and others as :math:`e^{y \log x}`.

    The logarithm needs x > 0, so that :math:`0^y = 0` for y > 0 is put in entry by entry.
    """
    base, exponent = expression.args
    x = value_of(base, values, arithmetic)
    if exponent.is_Integer:
        if exponent < 0 and np.any(x == 0):
            raise Undefined(f"division by {base} = 0")
        powered = x ** abs(int(exponent))
        return powered if exponent > 0 else arithmetic.array(1) / powered
    if not np.all(x >= 0):
        raise Undefined(f"{expression} of a negative number")
    if exponent == sp.Rational(1, 2):
        return arithmetic.sqrt(x)
    power = value_of(exponent, values, arithmetic)
    at_zero = np.asarray(x == 0, dtype=bool)
    if np.any(at_zero):
        if not np.all(power > 0):
            raise Undefined(f"{expression} at 0")
        zero, one = arithmetic.array(0), arithmetic.array(1)
        elsewhere = arithmetic.exp(power * arithmetic.log(np.where(at_zero, one, x)))
        return np.where(at_zero, zero, elsewhere)
    return arithmetic.exp(power * arithmetic.log(x))


def _log(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    (x,) = _arguments(expression, values, arithmetic)
    if not np.all(x > 0):
        raise Undefined(f"{expression} of a number that is not positive")
    return arithmetic.log(x)


def _special(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """A special function that derivations may use, though the theory itself does not."""
    (x,) = _arguments(expression, values, arithmetic)
    try:
        found = arithmetic.special(expression.func.__name__, x)
    except (ValueError, ZeroDivisionError) as error:  # at a pole
        raise Undefined(f"{expression}: {error}") from None
    if any(getattr(value, "imag", 0) != 0 for value in np.ravel(found)):
        raise NoValue(f"{expression} is not real")
    return found


def _erf(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    (x,) = _arguments(expression, values, arithmetic)
    return arithmetic.array(1) - arithmetic.erfc(x)


def _mean(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    weight = values[WEIGHT]
    if expression.has(sp.Integral):
        # Quadrature takes single numbers, so the integrand is evaluated in one group at a time.
        single = [
            {x: v[g] if isinstance(x, GroupSymbol) else v for x, v in values.items()}
            for g in range(weight.size)
        ]
        parts = [value_of(expression.integrand, group, arithmetic).item() for group in single]
        return arithmetic.sum(np.array(parts, dtype=object), weight)
    integrand = value_of(expression.integrand, values, arithmetic)
    return arithmetic.sum(np.broadcast_to(integrand, weight.shape), weight)


def _for_each_group(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for arrays of values, from a rule for single numbers that is applied to each entry."""

    def ruled(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        used = {x: values[x] for x in expression.free_symbols if x in values}
        shape = np.broadcast_shapes(*(np.shape(value) for value in used.values()))
        if not shape:
            return np.asarray(rule(expression, values, arithmetic), dtype=object)
        columns = {x: np.broadcast_to(value, shape) for x, value in used.items()}
        found = np.empty(shape, dtype=object)
        for index in np.ndindex(shape):
            single = {x: column[index] for x, column in columns.items()}
            found[index] = rule(expression, {**values, **single}, arithmetic).item()
        return found

    return ruled


def _integral(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    return integral(expression, values, arithmetic, value_of)


def _term_by_term(combine: Callable[[Any, Any], Any], empty: int) -> Callable[..., Any]:
    """The rule of a finite sum or product, whose value without any term is `empty`."""

    def rule(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        variable, *ends = expression.limits[-1]
        if len(ends) != 2 or isinstance(variable, GroupSymbol):
            raise NoRule(f"no rule to evaluate {expression}")
        first, last = (value_of(end, values, arithmetic).item() for end in ends)
        if not last - first < _MOST_TERMS:
            raise NoValue(f"{expression} has too many terms")
        start, count = round(float(first)), round(float(last - first)) + 1
        if not (first == start and last - first == count - 1 and count >= 0):
            raise NoValue(f"{expression} does not go from a whole number to another")
        function = inner_part(expression)
        found = arithmetic.array(empty)
        for k in range(start, start + count):
            inner = {**values, variable: arithmetic.array(k)}
            found = np.asarray(combine(found, value_of(function, inner, arithmetic)))
        return found

    return rule


class EvaluatedBySympy(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """A real number that SymPy writes with complex ones, and whose digits SymPy computes.

    The rules of this module know real numbers only.  They cannot evaluate a closed form such as
    ``I*(exp_polar(...) - ...)``, whose imaginary parts cancel.
    """

    nargs = 1


def _by_sympy(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """The rule of `EvaluatedBySympy`; raises `NoValue` unless the imaginary part cancels."""
    if not isinstance(arithmetic, Balls):
        raise NoValue(f"no rule to evaluate {expression} in {arithmetic!r}")
    (inner,) = expression.args
    midpoints = {x: np.asarray(values[x]).item().arb.mid() for x in inner.free_symbols}
    parts = {x: tuple(map(int, mid.man_exp())) for x, mid in midpoints.items()}
    exact = {x: mantissa * sp.Integer(2) ** exponent for x, (mantissa, exponent) in parts.items()}
    real, imaginary = (sp.N(part, _SYMPY_DIGITS) for part in inner.xreplace(exact).as_real_imag())
    if not (real.is_Float and abs(imaginary) <= abs(real) * sp.Float(10) ** (-_SYMPY_DIGITS // 2)):
        raise NoValue(f"{inner} is not known to be real")
    found = Ball.of(Fraction(int(sp.Rational(real).p), int(sp.Rational(real).q))).arb
    # SymPy proves no error; half of its digits are taken to be right.
    error = abs(found) * arb(10) ** (-_SYMPY_DIGITS // 2)
    return np.asarray(Ball(found + arb(0, error.upper())), dtype=object)


_RULES: Mapping[Any, Callable[..., Any]] = {
    sp.Add: _sum,
    sp.Mul: _fold(lambda x, y: x * y),
    sp.Pow: _power,
    sp.exp: _function("exp"),
    sp.log: _log,
    sp.erfc: _function("erfc"),
    sp.erf: _erf,
    sp.Abs: lambda x, values, arithmetic: abs(value_of(x.args[0], values, arithmetic)),
    **{getattr(sp, name): _special for name in SPECIAL},
    sp.Max: lambda x, values, arithmetic: _fold(arithmetic.maximum)(x, values, arithmetic),
    sp.Min: lambda x, values, arithmetic: _fold(arithmetic.minimum)(x, values, arithmetic),
    type(sp.pi): lambda _, __, arithmetic: arithmetic.array(arithmetic.pi),
    type(sp.E): lambda _, __, arithmetic: arithmetic.exp(arithmetic.array(1)),
    type(sp.oo): lambda _, __, arithmetic: arithmetic.array(arithmetic.infinity),
    type(-sp.oo): lambda _, __, arithmetic: -arithmetic.array(arithmetic.infinity),
}
