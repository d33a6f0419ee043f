"""Integrals of an expression in one variable: where they are cut, and how they are evaluated.

`quadrature` knows functions of numbers alone.  This module prepares them: it evaluates the ends,
turns the integrand into a function of places, and looks in the expression for breakpoints, at which
the integrand may be steep or not smooth.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp
from flint import arb
from sympy.concrete.expr_with_limits import ExprWithLimits

from ..arithmetic import Arithmetic, Array
from ..arithmetic.ball import Ball, Balls, Undecided
from ..arithmetic.multiprecision import Multiprecision
from ..arithmetic.symbolic import GroupSymbol, Mean
from .arithmetics import EnclosingIntegrals, NoRule, NoValue, Values, ball_of
from .holomorphic import NoBox, boxes_of
from .quadrature import Ends, NotConverged, Outward, enclosed_quadrature, quadrature
from .substitution import sign_changes
from .tails import near_end, tail_bound

#: Evaluates an expression, given values of its symbols and an arithmetic: `evaluation.value_of`.
#: The evaluator comes in as an argument, because it calls this module for inner integrals.
Evaluate = Callable[[Any, Values, Arithmetic], Array]
#: The accuracy of an integral, as a share of the bits of the arithmetic: values of the integrand
#: lose some of them, and each further bit costs much time.
_SHARE_OF_BITS = 0.4
#: Bits that the balls of an integral have beyond the bits of its caller's numbers.
GUARD = 64


def inner_part(expression: Any) -> Any:
    """The function that the outermost variable of an integral or a sum runs over.

    For ``Integral(f, (x, 0, 1), (y, 0, 1))``, whose outermost variable is y, this is
    ``Integral(f, (x, 0, 1))``.
    """
    function, inner_limits = expression.function, expression.limits[:-1]
    return expression.func(function, *inner_limits) if inner_limits else function


def integral(expression: Any, values: Values, arithmetic: Arithmetic, evaluate: Evaluate) -> Array:
    """The value of a definite integral, for single numbers `values` of its symbols.

    It is always computed by quadrature: SymPy's antiderivatives may be wrong, and the numbers are
    there to notice that.  Raises `NoValue` for an integral without both ends, an expectation in
    disguise (its variable is a `GroupSymbol`), an arithmetic without quadrature, an integrand that
    has no enclosure on boxes, and a result of too few digits; and `NotConverged` where the
    quadrature does not converge.
    """
    variable, *ends = expression.limits[-1]
    if len(ends) != 2 or isinstance(variable, GroupSymbol):
        raise NoRule(f"no rule to evaluate {expression}")
    if isinstance(arithmetic, Balls):
        return np.asarray(Ball(_area(expression, values, arithmetic, evaluate)), dtype=object)
    if not isinstance(arithmetic, Multiprecision):
        raise NoValue(f"no rule to evaluate {expression} in {arithmetic!r}")
    # Numbers of mpmath: the integral is computed with balls, and its midpoint is converted back.
    context = arithmetic.context
    used = {x: ball_of(np.asarray(values[x]).item()) for x in expression.free_symbols}
    with Balls(context.prec + GUARD).working() as balls:
        values = {x: np.asarray(Ball(value)) for x, value in used.items()}
        found = _area(expression, values, balls, evaluate)
        if not found.rad() <= abs(found.mid()) * arb(10) ** (-arithmetic.digits // 2):
            raise NoValue(f"{expression} is not known to enough digits")
        mantissa, exponent = (int(x) for x in found.mid().man_exp())
    return np.asarray(context.ldexp(context.mpf(mantissa), exponent), dtype=object)


class _IntegralAtValues:
    """An integral with the values of its symbols; equal ones share a place in the cache.

    The key holds every midpoint and radius exactly, as mantissa and exponent, and the bits and kind
    of the arithmetic.
    """

    def __init__(self, expression: Any, values: Values, balls: Balls, evaluate: Evaluate) -> None:
        self.expression, self.values, self.balls = expression, values, balls
        self.evaluate = evaluate
        used = sorted(expression.free_symbols & values.keys(), key=str)
        enclosures = (np.asarray(values[x]).item().arb for x in used)
        exactly = tuple((*x.mid().man_exp(), *x.rad().man_exp()) for x in enclosures)
        self._key = (expression, type(balls), balls.bits, tuple(map(str, exactly)))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _IntegralAtValues) and self._key == other._key


def _area(expression: Any, values: Values, balls: Balls, evaluate: Evaluate) -> arb:
    return _cached_area(_IntegralAtValues(expression, values, balls, evaluate))


@lru_cache(maxsize=100)
def _cached_area(key: _IntegralAtValues) -> arb:
    """The value of an integral.

    The cache pays because a claim evaluates the same integral several times: within a side, and
    again among the terms of that side, whose sizes set the tolerance.
    """
    expression, values, balls = key.expression, key.values, key.balls
    evaluate = key.evaluate
    function, (variable, *ends) = inner_part(expression), expression.limits[-1]
    low, high = (evaluate(end, values, balls).item().arb for end in ends)
    if ends[0] == ends[1]:
        return arb(0)
    # Ends that may be equal give no sign to the integral, and no order to its breakpoints.
    if low.is_nan() or high.is_nan() or low.overlaps(high):
        raise NoValue(f"the ends of {expression} are not told apart")
    if low > high:
        backwards = expression.func(function, (variable, *reversed(ends)))
        return -_area(backwards, values, balls, evaluate)
    integrand = partial(_at_places, function, variable, values, balls, evaluate)
    inner = _breakpoints(function, variable, low, high, values, balls, evaluate)
    breakpoints = [low, *sorted(inner), high]
    bits = int(_SHARE_OF_BITS * balls.bits)
    constant = partial(_constant, values, balls, evaluate)
    try:
        boxes = boxes_of(function, variable, constant)
    except NoBox as reason:
        raise NoRule(f"{expression} is not enclosed: {reason}") from reason

    def turned(place: arb, side: int) -> Outward | None:
        known = zip((*ends, sp.Integer(0)), (low, high, arb(0)), strict=True)
        end = next((end for end, value in known if value is place or value == place), None)
        if end is None:
            return None
        near = near_end(function, variable, end, side)
        at_inverses = partial(_at_places, *near, values, balls, evaluate)
        return Outward(at_inverses, partial(tail_bound, *near, constant))

    towards = Ends(partial(tail_bound, function, variable, constant), turned)
    rule = enclosed_quadrature if isinstance(balls, EnclosingIntegrals) else quadrature
    return rule(integrand, breakpoints, bits, boxes, towards)


def _constant(values: Values, balls: Balls, evaluate: Evaluate, part: Any) -> arb:
    """A part of the integrand that does not depend on the variable of integration."""
    return evaluate(part, values, balls).item().arb


def _at_places(
    function: Any,
    variable: sp.Symbol,
    values: Values,
    balls: Balls,
    evaluate: Evaluate,
    places: Sequence[arb],
) -> list[arb]:
    """The integrand at several places, as balls; a ball that is not finite where it is not known.

    Raises `NoValue` if the integrand is undefined at a place, or if a rule is missing.
    """

    def at(some: Sequence[arb]) -> Array:
        inner = {**values, variable: balls.array([Ball(place) for place in some])}
        return np.broadcast_to(evaluate(function, inner, balls), (len(some),))

    def alone(place: arb) -> arb:
        try:
            return at([place]).item().arb
        except (NotConverged, Undecided):
            return arb.nan()

    try:
        return [ball.arb for ball in at(places)]
    except (NotConverged, Undecided):
        # One place has spoiled the whole array: evaluate each alone, so that the others survive.
        return [alone(place) for place in places]


def _breakpoints(
    function: Any,
    variable: sp.Symbol,
    low: arb,
    high: arb,
    values: Values,
    balls: Balls,
    evaluate: Evaluate,
) -> list[arb]:
    """Numbers strictly between the ends at which the integrand may be steep, or not smooth."""
    found: list[arb] = []
    for candidate in steep_at(function, variable):
        try:
            found.append(evaluate(candidate, values, balls).item().arb.mid())
        except ArithmeticError:  # complex, or infinite, for these values of the symbols
            continue
    for part in _searched_for_zeros(function, variable):
        with suppress(NoValue):  # the part is not real everywhere
            at_places = partial(_at_places, part, variable, values, balls, evaluate)
            found += sign_changes(at_places, low, high)
    inside: list[arb] = []
    for place in found:
        if low < place < high and all(place != other for other in inside):
            inside.append(place)
    return inside


@lru_cache(maxsize=1000)
def steep_at(function: Any, variable: sp.Symbol) -> tuple[Any, ...]:
    r"""Zeros and vertices, as expressions, of the polynomials of degree 1 and 2 in a function.

    At them a denominator or an argument is zero, or an exponent is largest.  The polynomials are
    those that `_steep_parts` finds.  For :math:`a + b x + c x^2` the vertex is :math:`-b/2c`, and
    the zeros are :math:`-b/2c \pm \sqrt{(b/2c)^2 - a/c}`.
    """
    found: list[Any] = []
    # Complex zeros, and those outside the interval, are dropped when numbers are put in.
    for part in _steep_parts(function, variable):
        if not _has_written_zeros(part, variable):
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


def _steep_parts(function: Any, variable: sp.Symbol) -> list[Any]:
    """Parts of a function near whose zeros it may be steep or have a kink.

    These are its sums and their terms, the arguments of its powers, exponentials, logarithms and
    absolute values, and the differences between the arguments of a maximum or minimum.
    """
    parts = {variable}
    for part in function.atoms(sp.Add, sp.Abs, sp.Max, sp.Min, sp.Pow, sp.exp, sp.log):
        parts |= {part, *part.args} if isinstance(part, sp.Add) else set(part.args)
        if isinstance(part, sp.Max | sp.Min):
            parts |= {x - y for x, y in combinations(part.args, 2)}
    # A part with the variable of an inner integral has no value outside that integral.
    known = function.free_symbols | {variable}
    own = [part for part in parts if variable in part.free_symbols <= known]
    return sorted((part for part in own if not part.has(Mean)), key=sp.default_sort_key)


def _has_written_zeros(part: Any, variable: sp.Symbol) -> bool:
    """Whether a part is a polynomial of degree 1 or 2, whose zeros `steep_at` writes down."""
    return bool(part.is_polynomial(variable)) and sp.degree(part, variable) in (1, 2)


@lru_cache(maxsize=1000)
def _searched_for_zeros(function: Any, variable: sp.Symbol) -> tuple[Any, ...]:
    """Parts of a function whose zeros are searched for numerically, because none is written down.

    For an exponent its slope is searched too: an exponential peaks where the slope is zero, even if
    the exponent itself only touches zero, or does not reach it.
    """

    def searched(part: Any) -> bool:
        written = _has_written_zeros(part, variable)
        return not (written or _is_zero_at_0_alone(part) or part.has(ExprWithLimits))

    parts = [part for part in _steep_parts(function, variable) if searched(part)]
    exponents = {part.args[0] for part in function.atoms(sp.exp)}
    slopes = [part.diff(variable) for part in parts if part in exponents]
    return tuple(dict.fromkeys([*parts, *filter(searched, slopes)]))


def _is_zero_at_0_alone(part: Any) -> bool:
    """Whether a part is a product of powers of symbols, exponentials and numbers.

    An exponential has no zero, and a power of a symbol none but 0.
    """
    return bool(part.is_Mul and all(map(_is_zero_at_0_alone, part.args))) or bool(
        part.is_number or isinstance(part, sp.exp) or part.as_base_exp()[0].is_Symbol
    )
