"""All local minima of a function of one number on an interval, from its values and slopes.

The function is evaluated on a grid, which is fine next to the points at which the function may vary
on every scale.  Where the slope changes from negative to positive lies a minimum, and its place is
found as the root of the slope.  The grid is doubled until it shows no further minimum.  A pair of a
minimum and a maximum between two points of the last grid, of which values and slopes there show
nothing, would be missed: the list is searched, and not proved.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .grids import ACCURACY, DOUBLINGS, FLAT, PARTS, Function, cubics, same, spaced, with_points


class Minimum(NamedTuple):
    """A local minimum."""

    x: float
    value: float
    #: Not 0 at an end, and where the function has a kink.
    slope: float
    #: Whether it is an end of the interval.
    end: bool


class Minima(NamedTuple):
    """All local minima that were found, in ascending order of their places."""

    minima: list[Minimum]
    #: Whether the last two grids showed the same minima, and all values were known.
    complete: bool


class _Piece(NamedTuple):
    """A part of the interval between two breaks, with its grid."""

    x: Array
    value: Array
    slope: Array

    @property
    def brackets(self) -> list[tuple[float, float]]:
        """Pairs of points between which a minimum lies; two equal ones if it is an end."""
        if not self.x.size:
            return []
        signs = self._signs()
        moving = np.flatnonzero(signs)
        low, high = float(self.x[0]), float(self.x[-1])
        if not moving.size:  # a constant
            return [(low, low)]
        found = [(low, low)] if signs[moving[0]] > 0 else []
        for left, right in pairwise(moving):
            if signs[left] < 0 < signs[right]:
                found.append((float(self.x[left]), float(self.x[right])))
        return found + ([(high, high)] if signs[moving[-1]] < 0 else [])

    def _signs(self) -> Array:
        """The sign of the slope at each point, 0 where it is no more than rounding.

        Where the slope is not known, the values of the neighbours tell its sign.
        """
        if self.x.size == 1:
            return np.zeros(1)
        slope = np.where(np.isnan(self.slope), np.gradient(self.value, self.x), self.slope)
        change = slope * np.ptp(self.x)
        return np.where(abs(change) <= FLAT * abs(self.value), 0, np.sign(slope))


def local_minima(
    function: Function,
    lower: float,
    upper: float,
    breaks: Sequence[float] = (),
    focus: Sequence[float] = (),
) -> Minima:
    """All local minima of a function on the interval from `lower` to `upper`, ends included.

    Parameters
    ----------
    breaks
        Points at which the function is infinite or has a kink.  Each side of such a point is
        searched by itself.
    focus
        Points beside the breaks next to which the grid is fine.

    >>> found = local_minima(lambda x: (x**4 - x**2, 4 * x**3 - 2 * x), -1, 2)
    >>> [round(minimum.x, 6) for minimum in found.minima]
    [-0.707107, 0.707107]
    """
    inner = sorted({x for x in breaks if lower < x < upper})
    ends = [lower, *inner, upper]
    near = {*breaks, *focus}
    before: list[tuple[float, float]] | None = None
    for doubling in range(DOUBLINGS + 1):
        pieces, known = [], True
        for low, high in pairwise(ends):
            piece, whole = _piece(function, low, high, near, PARTS << doubling)
            pieces.append(piece)
            known &= whole
        brackets = _joined([piece.brackets for piece in pieces], inner)
        stable = before is not None and same(before, brackets)
        if stable:
            break
        before = brackets
    found = [_minimum(function, low, high, lower, upper) for low, high in brackets]
    placed = [minimum for minimum in found if minimum is not None]
    return Minima(placed, stable and known and len(placed) == len(found))


def _piece(
    function: Function, low: float, high: float, near: set[float], parts: int
) -> tuple[_Piece, bool]:
    """The finite values on a grid, and whether all values inside are known.

    Next to a break the function may be too large to be known; there nothing is missed.
    """
    x = spaced(low, high, near, parts)
    value, slope = function(x)
    x, value, slope = with_points(function, x, value, slope, _suspected(x, value, slope))
    finite = np.flatnonzero(np.isfinite(value))
    if not finite.size:
        return _Piece(*np.empty((3, 0))), False
    inside = np.isnan(value[finite[0] : finite[-1] + 1]).any()
    cut = [(finite[0], low), (x.size - 1 - finite[-1], high)]
    lost = any(np.isnan(value).any() and missing > 1 and end not in near for missing, end in cut)
    return _Piece(x[finite], value[finite], slope[finite]), not (inside or lost)


def _suspected(x: Array, value: Array, slope: Array) -> Array:
    """Points inside those parts of a grid that may hold a minimum and a maximum.

    In such a part the slopes at both ends have one sign, but the cubic with these values and slopes
    has a slope of the other sign inside.
    """
    places, _, inside = cubics(x, value, slope)
    first, last = slope[:-1, None], slope[1:, None]
    turns = (first * last > 0) & (inside * first < 0)
    turns &= abs(inside) * np.ptp(x) > FLAT * abs(value[:-1, None])
    return np.asarray(places[turns.any(axis=-1)].ravel())


def _joined(
    brackets: list[list[tuple[float, float]]], inner: Sequence[float]
) -> list[tuple[float, float]]:
    """The brackets of all pieces; a minimum at a break is one only if it is one of both sides."""
    all_of_them = [bracket for of_piece in brackets for bracket in of_piece]
    for x in inner:
        at = [bracket for bracket in all_of_them if bracket == (x, x)]
        for extra in at[1:] if len(at) == 2 else at:
            all_of_them.remove(extra)
    return all_of_them


def _minimum(
    function: Function, low: float, high: float, lower: float, upper: float
) -> Minimum | None:
    """The minimum between two points; None if slopes or values on the way are not known."""
    from scipy.optimize import brentq

    x, reach = low, 1e-6 * (high - low)

    def slope_at(x: float) -> float:
        _, (slope,) = function(np.array([x]))
        if np.isnan(slope):
            values, _ = function(np.array([x - reach, x + reach]))
            slope = (values[1] - values[0]) / (2 * reach)
        if np.isnan(slope):
            raise _NotKnownError
        return float(slope)

    if low < high:
        try:
            x = float(brentq(slope_at, low, high, xtol=1e-300, rtol=ACCURACY, maxiter=200))
        except _NotKnownError:
            return None
        except ValueError:  # both ends have a slope of one sign: the minimum is a kink between
            return None
    (value,), (slope,) = function(np.array([x]))
    return Minimum(x, float(value), float(slope), x in (lower, upper))


class _NotKnownError(ArithmeticError):
    """A slope is not known at a point, nor the values beside it."""
