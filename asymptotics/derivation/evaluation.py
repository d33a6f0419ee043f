"""The value of an expression in the numbers of an arithmetic.

The tree of the expression is walked; nothing is compiled or evaluated as text.  An expression that
holds anything without a rule here has no value, which counts against the claim it stands in.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache, partial, reduce
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp
from flint import arb
from sympy.concrete.expr_with_limits import ExprWithLimits

from ..arithmetic import SPECIAL, Arithmetic, Array
from ..arithmetic.ball import Ball, Balls, Undecided
from ..arithmetic.multiprecision import Multiprecision
from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean, NormalSymbol
from . import algebra
from .holomorphic import Boxes, Constant, NoBox, boxes_of
from .quadrature import NotConverged, crossings, enclosed_quadrature, quadrature
from .tails import beyond

Values = Mapping[sp.Symbol, Any]
#: Bits before the point of the largest argument of a function: mpmath needs them all.
_MOST_BITS = 4096
#: The share of its bits to which an integral is computed, and bits that are lost to rounding.
_SHARE_OF_BITS, GUARD = 0.4, 64
#: What algebra may find a wrong value of: numbers look at it as it is written.
EVALUATED = (ExprWithLimits, sp.Limit)
#: Digits of what SymPy computes.
_DIGITS = 60
#: Terms of the longest sum that is added up.
_MOST_TERMS = 10_000


class NoValue(ArithmeticError):
    """An expression that cannot be evaluated at a point."""


class Undefined(NoValue):
    """An expression that has no value at a point, whatever the digits: it divides by 0 there."""


class Enclosing(Balls):
    """Enclosures of integrals too: an integral that is only estimated has no value."""


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
        (AsAWhole, _of_each_group(_as_a_whole)),
        (sp.Integral, _of_each_group(_integral)),  # SymPy has kinds of its own
        (sp.Sum, _of_each_group(_finite(lambda x, y: x + y, 0))),
        (sp.Product, _of_each_group(_finite(lambda x, y: x * y, 1))),
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
            raise Undefined(f"division by {base} = 0")
        whole = x ** abs(int(exponent))
        return whole if exponent > 0 else arithmetic.array(1) / whole
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
        whole = arithmetic.exp(power * arithmetic.log(np.where(at_zero, one, x)))
        return np.where(at_zero, zero, whole)
    return arithmetic.exp(power * arithmetic.log(x))


def _log(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    (x,) = _arguments(expression, values, arithmetic)
    if not np.all(x > 0):
        raise Undefined(f"{expression} of a number that is not positive")
    return arithmetic.log(x)


def _special(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    """A function that the theory has no need of, but a derivation may."""
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
    if expression.has(sp.Integral):  # of which the quadrature takes one at a time
        single = [
            {x: v[g] if isinstance(x, GroupSymbol) else v for x, v in values.items()}
            for g in range(weight.size)
        ]
        parts = [value_of(expression.integrand, group, arithmetic).item() for group in single]
        return arithmetic.sum(np.array(parts, dtype=object), weight)
    integrand = value_of(expression.integrand, values, arithmetic)
    return arithmetic.sum(np.broadcast_to(integrand, weight.shape), weight)


def _of_each_group(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for single numbers, for a quantity of the population too."""

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
    """By quadrature, whatever algebra makes of it; see `quadrature`."""
    variable, *ends = expression.limits[-1]
    if len(ends) != 2 or isinstance(variable, GroupSymbol):
        raise NoValue(f"no rule to evaluate {expression}")
    if isinstance(arithmetic, Balls):
        return np.asarray(Ball(_area(expression, values, arithmetic)), dtype=object)
    if not isinstance(arithmetic, Multiprecision):
        raise NoValue(f"no rule to evaluate {expression} in {arithmetic!r}")
    context = arithmetic.context
    used = {x: ball_of(np.asarray(values[x]).item()) for x in expression.free_symbols}
    with Balls(context.prec + GUARD).working() as balls:
        values = {x: np.asarray(Ball(value)) for x, value in used.items()}
        found = _area(expression, values, balls)
        if not found.rad() <= abs(found.mid()) * arb(10) ** (-arithmetic.digits // 2):
            raise NoValue(f"{expression} is not known to enough digits")
        mantissa, exponent = (int(x) for x in found.mid().man_exp())
    return np.asarray(context.ldexp(context.mpf(mantissa), exponent), dtype=object)


def ball_of(value: Any) -> arb:
    """A number of mpmath, exactly."""
    if getattr(value, "imag", 0) != 0:
        raise NoValue("it is not real")
    sign, mantissa, exponent, _ = value.real._mpf_
    if mantissa == 0 and exponent != 0:  # no finite number
        return arb(float(value))
    return arb((-int(mantissa) if sign else int(mantissa), int(exponent)))


def _inner(expression: Any) -> Any:
    """What the outermost variable of an integral or a sum runs over."""
    function, inner = expression.function, expression.limits[:-1]
    return expression.func(function, *inner) if inner else function


class _Asked:
    """An integral among the numbers that it depends on, as the key of what is known of it."""

    def __init__(self, expression: Any, values: Values, balls: Balls) -> None:
        self.expression, self.values, self.balls = expression, values, balls
        used = sorted(expression.free_symbols & values.keys(), key=str)
        enclosures = (np.asarray(values[x]).item().arb for x in used)
        exactly = tuple((*x.mid().man_exp(), *x.rad().man_exp()) for x in enclosures)
        self._key = (expression, type(balls), balls.bits, tuple(map(str, exactly)))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key == other._key


def _area(expression: Any, values: Values, balls: Balls) -> arb:
    return _known_area(_Asked(expression, values, balls))


@lru_cache(maxsize=100)
def _known_area(asked: _Asked) -> arb:
    """The integral: a claim asks for it beside, and in, the terms of its sides."""
    expression, values, balls = asked.expression, asked.values, asked.balls
    function, (variable, *ends) = _inner(expression), expression.limits[-1]
    low, high = (value_of(end, values, balls).item().arb for end in ends)
    if ends[0] == ends[1]:
        return arb(0)
    if low.is_nan() or high.is_nan() or low.overlaps(high):
        raise NoValue(f"the ends of {expression} are not told apart")
    if low > high:
        turned = expression.func(function, (variable, *reversed(ends)))
        return -_area(turned, values, balls)
    integrand = partial(_at_places, function, variable, values, balls)
    cuts = [low, *sorted(_cuts(function, variable, low, high, values, balls)), high]
    bits = int(_SHARE_OF_BITS * balls.bits)
    constant = partial(_constant, values, balls)
    boxes = _on_boxes(function, variable, constant)
    if not isinstance(balls, Enclosing):
        return quadrature(integrand, cuts, bits, boxes)
    if boxes is None:
        raise NoValue(f"{expression} is only estimated")
    tail = partial(beyond, function, variable, constant)
    return enclosed_quadrature(integrand, cuts, bits, boxes, tail)


def _constant(values: Values, balls: Balls, part: Any) -> arb:
    return value_of(part, values, balls).item().arb


def _at_places(
    function: Any, variable: sp.Symbol, values: Values, balls: Balls, places: Sequence[arb]
) -> list[arb]:
    """A function at several places; not finite where its balls do not tell its value.

    Raises `NoValue` if it has none at one of them, or if a rule is missing.
    """

    def at(some: Sequence[arb]) -> Array:
        inner = {**values, variable: balls.array([Ball(place) for place in some])}
        return np.broadcast_to(value_of(function, inner, balls), (len(some),))

    def alone(place: arb) -> arb:
        try:
            return at([place]).item().arb
        except (NotConverged, Undecided):
            return arb.nan()

    try:
        return [ball.arb for ball in at(places)]
    except (NotConverged, Undecided):  # at one of them
        return [alone(place) for place in places]


def _on_boxes(function: Any, variable: sp.Symbol, constant: Constant) -> Boxes | None:
    """The function on boxes of complex numbers, if it has rules for them."""
    try:
        return boxes_of(function, variable, constant)
    except NoBox:
        return None


def _cuts(
    function: Any, variable: sp.Symbol, low: arb, high: arb, values: Values, balls: Balls
) -> list[arb]:
    """Numbers between the ends at which the integrand may be steep, or not smooth."""
    found: list[arb] = []
    for special in steep_at(function, variable):
        try:
            found.append(value_of(special, values, balls).item().arb.mid())
        except ArithmeticError:  # it has none at this point
            continue
    for part in _crossing_zero(function, variable):
        with suppress(NoValue):  # it is not real everywhere
            found += crossings(partial(_at_places, part, variable, values, balls), low, high)
    inside: list[arb] = []
    for place in found:
        if low < place < high and all(place != other for other in inside):
            inside.append(place)
    return inside


def _finite(combine: Callable[[Any, Any], Any], empty: int) -> Callable[..., Any]:
    """Sums and products from one whole number to another, term by term."""

    def rule(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
        variable, *ends = expression.limits[-1]
        if len(ends) != 2 or isinstance(variable, GroupSymbol):
            raise NoValue(f"no rule to evaluate {expression}")
        first, last = (value_of(end, values, arithmetic).item() for end in ends)
        if not last - first < _MOST_TERMS:
            raise NoValue(f"{expression} has too many terms")
        start, count = round(float(first)), round(float(last - first)) + 1
        if not (first == start and last - first == count - 1 and count >= 0):
            raise NoValue(f"{expression} does not go from a whole number to another")
        function = _inner(expression)
        found = arithmetic.array(empty)
        for k in range(start, start + count):
            inner = {**values, variable: arithmetic.array(k)}
            found = np.asarray(combine(found, value_of(function, inner, arithmetic)))
        return found

    return rule


class AsAWhole(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """A real number that SymPy writes in complex ones: its digits are computed by SymPy too."""

    nargs = 1


def _as_a_whole(expression: Any, values: Values, arithmetic: Arithmetic) -> Array:
    if not isinstance(arithmetic, Balls):
        raise NoValue(f"no rule to evaluate {expression} in {arithmetic!r}")
    (inner,) = expression.args
    midpoints = {x: np.asarray(values[x]).item().arb.mid() for x in inner.free_symbols}
    parts = {x: tuple(map(int, mid.man_exp())) for x, mid in midpoints.items()}
    exact = {x: mantissa * sp.Integer(2) ** exponent for x, (mantissa, exponent) in parts.items()}
    real, imaginary = (sp.N(part, _DIGITS) for part in inner.xreplace(exact).as_real_imag())
    if not (real.is_Float and abs(imaginary) <= abs(real) * sp.Float(10) ** (-_DIGITS // 2)):
        raise NoValue(f"{inner} is not known to be real")
    found = Ball.of(Fraction(int(sp.Rational(real).p), int(sp.Rational(real).q))).arb
    error = abs(found) * arb(10) ** (-_DIGITS // 2)
    return np.asarray(Ball(found + arb(0, error.upper())), dtype=object)


def written_for_numbers(expression: Any) -> Any:
    """An expression with derivatives and matrices written out, and integrals and sums as they are.

    These get variables of their own, which nothing that is put in can be mistaken for.
    """
    return expression.replace(_puts_into_derivative, _put_into_derivative).replace(
        lambda part: isinstance(part, (*_MECHANICAL, sp.Subs, ExprWithLimits)),
        _written_for_numbers,
    )


def _puts_into_derivative(part: Any) -> bool:
    """Whether a number is put into the derivative of an integral."""
    return isinstance(part, sp.Subs) and part.expr.has(sp.Derivative) and part.expr.has(sp.Integral)


def _put_into_derivative(subs: Any) -> Any:
    """The derivative of an integral at a number, taken with variables that may be any real one.

    What is put in may fail what is assumed of a variable, such as 0 of a positive one: the
    derivative must be known to be that of the integrand there too.
    """
    own = {x: sp.Dummy(x.name, real=True) for x in subs.variables}
    found, points = written_for_numbers(subs.expr.xreplace(own)), subs.point.xreplace(own)
    return found.subs(list(zip(own.values(), points, strict=True)))


#: What algebra writes out without guessing.
_MECHANICAL = (sp.Derivative, sp.MatrixExpr, sp.Determinant, sp.Trace)


def _written_for_numbers(part: Any) -> Any:
    if isinstance(part, sp.Derivative) and not _is_taken_inside(part):
        return part
    if isinstance(part, _MECHANICAL):
        return part.doit(deep=False)
    if isinstance(part, sp.Subs):
        return part.expr.subs(list(zip(part.variables, part.point, strict=True)))
    without_ends = any(len(limit) != 3 for limit in part.limits)
    if without_ends or any(isinstance(variable, GroupSymbol) for variable in part.variables):
        return part
    found = part.function
    for variable, *ends in part.limits:
        own = sp.Dummy(variable.name, **variable.assumptions0)
        found = part.func(found.xreplace({variable: own}), (own, *ends))
    return found


def _is_taken_inside(derivative: Any) -> bool:
    """Whether it is that of the integrands, for all integrals that it is the derivative of.

    That is known where an integrand and its derivatives are continuous on a finite interval, and
    for moments of a normal variable.  Elsewhere it may be false, and SymPy does not ask.
    """
    changed, whole = set(derivative.variables), derivative.expr
    integrals = [x for x in whole.atoms(sp.Integral) if changed & _inner(x).free_symbols]
    means = [x for x in whole.atoms(Mean) if x.has(NormalSymbol) and changed & x.free_symbols]
    moments = (x.integrand.is_polynomial(*x.atoms(NormalSymbol)) for x in means)
    return all(moments) and all(_is_smooth(x, derivative.variables) for x in integrals)


def _is_smooth(integral: Any, changed: Sequence[sp.Symbol]) -> bool:
    """Whether an integrand and its derivatives are proved continuous, on a finite interval."""
    # Its variable may be at an end of the interval, where what is assumed of it may fail.
    anywhere = {x: sp.Dummy(x.name, real=True) for x in integral.variables}
    functions = [integral.function.xreplace(anywhere)]
    for variable in changed:
        functions.append(functions[-1].diff(variable))
    ends = [end for _, *ends in integral.limits for end in ends]
    inner = sp.Tuple(*(end for _, *ends in integral.limits[:-1] for end in ends))
    if inner.free_symbols & set(changed):  # what is integrated over changes too
        return False
    return all(end.is_finite for end in ends) and all(
        algebra.continuous(function, variable)
        for function in functions
        for variable in {*changed, *anywhere.values()}
    )


@lru_cache(maxsize=1000)
def steep_at(function: Any, variable: sp.Symbol) -> tuple[Any, ...]:
    """Real zeros, and vertices, of the polynomials of degree 1 and 2 in a function.

    Where a denominator or an argument is zero, or an exponent is largest.
    """
    found: list[Any] = []
    for part in _inside(function, variable):
        if not _is_simple(part, variable):
            continue
        polynomial = sp.Poly(part, variable)
        constant, slope, curve = (polynomial.nth(k) for k in range(3))
        if polynomial.degree() == 1:
            found.append(-constant / slope)
        else:
            vertex = -slope / (2 * curve)
            reach = sp.sqrt(vertex**2 - constant / curve)
            found += [vertex, vertex - reach, vertex + reach]
    return tuple(dict.fromkeys(found))


def _inside(function: Any, variable: sp.Symbol) -> list[Any]:
    """The sums in a function, and the arguments of what is in it, that depend on a variable."""
    parts = {variable}
    for part in function.atoms(sp.Add, sp.Abs, sp.Max, sp.Min, sp.Pow, sp.exp, sp.log):
        parts |= {part, *part.args} if isinstance(part, sp.Add) else set(part.args)
        if isinstance(part, sp.Max | sp.Min):
            parts |= {x - y for x, y in combinations(part.args, 2)}
    # What an integral in it runs over has no value here.
    known = function.free_symbols | {variable}
    own = [part for part in parts if variable in part.free_symbols <= known]
    return sorted((part for part in own if not part.has(Mean)), key=sp.default_sort_key)


def _is_simple(part: Any, variable: sp.Symbol) -> bool:
    """Whether it is a polynomial whose zeros are written down."""
    return bool(part.is_polynomial(variable)) and sp.degree(part, variable) in (1, 2)


@lru_cache(maxsize=1000)
def _crossing_zero(function: Any, variable: sp.Symbol) -> tuple[Any, ...]:
    """Parts of a function whose zeros are sought by numbers, where it may be steep.

    These are sums and arguments whose zeros are not written down; and the slopes of exponents,
    which may be largest where they touch zero.
    """

    def sought(part: Any) -> bool:
        return not (_is_simple(part, variable) or _is_atom(part) or part.has(ExprWithLimits))

    parts = [part for part in _inside(function, variable) if sought(part)]
    exponents = {part.args[0] for part in function.atoms(sp.exp)}
    slopes = [part.diff(variable) for part in parts if part in exponents]
    return tuple(dict.fromkeys([*parts, *filter(sought, slopes)]))


def _is_atom(part: Any) -> bool:
    """Whether it is a power of a symbol, or an exponential, which is zero at no other place."""
    return bool(part.is_Mul and all(map(_is_atom, part.args))) or bool(
        part.is_number or isinstance(part, sp.exp) or part.as_base_exp()[0].is_Symbol
    )


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
