"""All points at which a function of one number crosses zero, from its values and slopes.

As in `minima` the grid is doubled until it shows no further crossing.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .grids import ACCURACY, DOUBLINGS, FLAT, PARTS, Function, cubics, same, spaced, with_points


class Crossing(NamedTuple):
    """A point at which a function changes its sign."""

    x: float
    #: Whether the function rises there from negative to positive.
    rises: bool


class Crossings(NamedTuple):
    """All crossings that were found, in ascending order of their places."""

    crossings: list[Crossing]
    #: Whether the last two grids showed the same crossings, and all values were known.
    complete: bool


def zero_crossings(
    function: Function,
    lower: float,
    upper: float,
    breaks: Sequence[float] = (),
    focus: Sequence[float] = (),
) -> Crossings:
    """All points from `lower` to `upper` at which a function of values near 1 changes its sign.

    Each side of one of the `breaks`, where the function jumps or is not known, is searched by
    itself; near these points and those in `focus` the grid is fine.

    >>> found = zero_crossings(lambda x: (x * x - 2, 2 * x), -1, 2)
    >>> [round(crossing.x, 6) for crossing in found.crossings]
    [1.414214]
    """
    ends = [lower, *sorted({x for x in breaks if lower < x < upper}), upper]
    near = {*breaks, *focus}
    before: list[tuple[float, float]] | None = None
    stable, rises, known = False, [True], True
    for doubling in range(DOUBLINGS + 1):
        brackets, rises, known = [], [], True
        for low, high in pairwise(ends):
            x, value = _grid(function, spaced(low, high, near, PARTS << doubling))
            known &= not np.isnan(value[1:-1]).any()
            signs = np.where(abs(value) > FLAT, np.sign(value), 0)
            apart = np.flatnonzero((signs != 0) & ~np.isnan(signs))
            for left, right in pairwise(apart):
                if signs[left] != signs[right]:
                    brackets.append((float(x[left]), float(x[right])))
                    rises.append(bool(signs[right] > 0))
        stable = before is not None and same(before, brackets)
        if stable:
            break
        before = brackets
    found = [_root(function, *bracket) for bracket in before or []]
    pairs = zip(found, rises, strict=True)
    return Crossings([Crossing(x, rise) for x, rise in pairs], stable and known)


def _grid(function: Function, x: Array) -> tuple[Array, Array]:
    """The points and their values, with more points where a double crossing is suspected."""
    value, slope = function(x)
    places, inside, _ = cubics(x, value, slope)
    first, last = value[:-1, None], value[1:, None]
    turns = (first * last > 0) & (inside * first < 0) & (abs(inside) > FLAT)
    x, value, _ = with_points(function, x, value, slope, places[turns.any(axis=-1)].ravel())
    return x, value


def _root(function: Function, low: float, high: float) -> float:
    from scipy.optimize import brentq

    def value_at(x: float) -> float:
        return float(function(np.array([x]))[0].item())

    return float(brentq(value_at, low, high, xtol=1e-300, rtol=ACCURACY))
