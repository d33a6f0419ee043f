"""Proved bounds of the least value of a function on an interval, by branch and bound.

The function is enclosed on parts of the interval by polynomials with a rest.  The part of lowest
bound is halved until no bound lies noticeably below the least value known.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

#: A part of positive numbers over more than this factor is divided at the geometric mean.
_WIDE = 4
#: The most parts into which the range of a polynomial is divided.
_MOST_PIECES = 400


class Polynomial(NamedTuple):
    """An enclosure of a function on an interval, which is mapped to ``|z| <= 1``."""

    #: Balls of the coefficients of a polynomial in z.
    coefficients: Sequence[Any]
    #: A bound of the distance between the polynomial and the function.
    rest: Any


class Least(NamedTuple):
    """Proved bounds of the least value of a function on an interval."""

    lower: Any
    upper: Any
    #: Whether the bounds are as close as was asked for.
    close: bool
    #: How many enclosures this took.
    enclosures: int


#: An enclosure of the function between two points; None if there is none so far from each other.
Enclose = Callable[[Fraction, Fraction], Polynomial | None]


def least_value(
    enclose: Enclose, lower: Fraction, upper: Fraction, tolerance: Any, most: int, zero: Any
) -> Least:
    """Bounds of the least value of a positive function from `lower` to `upper`, both included.

    Parameters
    ----------
    tolerance
        The relative distance of the bounds that is asked for.
    most
        The most enclosures to compute.
    zero
        The number 0, as a ball.
    """
    least, count = zero + math.inf, 0
    parts: list[tuple[float, int, Any, Fraction, Fraction]] = []

    def bounded(low: Fraction, high: Fraction, above: Any) -> None:
        """Enclose a part; its bound is no lower than that `above`, of the part it belongs to."""
        nonlocal least, count
        count += 1
        polynomial, bound = enclose(low, high), above
        if polynomial is not None:
            below, value = _range_bounds(polynomial, least)
            least = min(least, value.upper())
            bound = below.lower() if below > above else above
        heapq.heappush(parts, (float(bound), count, bound, low, high))

    bounded(lower, upper, zero)
    while True:
        _, _, bound, low, high = parts[0]
        close = bool(bound >= (least * (1 - tolerance)).upper())
        if close or count >= most:
            return Least(bound, least, close, count)
        heapq.heappop(parts)
        middle = _middle(low, high)
        bounded(low, middle, bound)
        bounded(middle, high, bound)


def _middle(low: Fraction, high: Fraction) -> Fraction:
    """A point between the ends, with a short denominator."""
    between = (low + high) / 2
    if low > 0 and high > _WIDE * low:
        between = Fraction(math.sqrt(float(low)) * math.sqrt(float(high)))
    near = between.limit_denominator(10**6)
    return near if low < near < high else between


def _range_bounds(polynomial: Polynomial, least: Any) -> tuple[Any, Any]:
    """A lower bound of all values, and an upper bound of some value.

    The range of the polynomial is divided only if it may reach below `least`.
    """
    coefficients, rest = polynomial
    middle, steep = coefficients[0], coefficients[0] * 0
    for coefficient in coefficients[1:]:
        steep += abs(coefficient)
    rough, value = middle - steep - rest, middle + rest
    if rough > least:
        return rough, value
    slopes = [k * c for k, c in enumerate(coefficients)][1:]
    found = middle
    pieces: list[tuple[float, int, Any, Fraction, Fraction]] = []

    def add(low: Fraction, high: Fraction) -> None:
        nonlocal found
        center, radius = (low + high) / 2, (high - low) / 2
        at = _value(coefficients, _exact(center, middle))
        found = min(found, at)
        span = _exact(low, middle).union(_exact(high, middle))
        bound = at - abs(_value(slopes, span)) * _exact(radius, middle)
        heapq.heappush(pieces, (float(bound.lower()), len(pieces), bound.lower(), low, high))

    add(Fraction(-1), Fraction(1))
    for _ in range(_MOST_PIECES):
        _, _, bound, low, high = pieces[0]
        # Closer than the rest, or than a part of rounding, is of no use.
        if bound > found - rest or bound > found - abs(found) / 10**12:
            break
        heapq.heappop(pieces)
        add(low, (low + high) / 2)
        add((low + high) / 2, high)
    return pieces[0][2] - rest, found + rest


def _value(coefficients: Sequence[Any], z: Any) -> Any:
    """The polynomial at z, by Horner's rule."""
    total = z * 0
    for coefficient in reversed(coefficients):
        total = total * z + coefficient
    return total


def _exact(x: Fraction, like: Any) -> Any:
    """A dyadic fraction as a ball like another one."""
    return like * 0 + x.numerator / (like * 0 + x.denominator)
