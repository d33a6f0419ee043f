"""Grids on an interval, which are fine next to the points at which a function varies much."""

from collections.abc import Callable, Iterable

import numpy as np

from ..arithmetic import QUIET, Array

#: Values and slopes of a function at an array of points; NaN where one is not known.
Function = Callable[[Array], tuple[Array, Array]]
#: The first grid divides each piece of an interval into this many parts, in each of up to three
#: spacings; each of this many doublings divides it into twice as many.
PARTS, DOUBLINGS = 24, 5
#: Next to a point in focus a grid begins at this distance, as a fraction of the piece.
_NEAREST = 1e-6
#: An interval of positive numbers over more than this factor is divided evenly in the logarithm.
_WIDE = 10
#: Changes of a function that are smaller than this, relative to its values, may be rounding.
FLAT = 1e-11
#: Relative accuracy of a root.
ACCURACY = 1e-14
#: Places inside a part of a grid, as fractions of it, at which a cubic is looked at.
_INSIDE = np.arange(1, 16) / 16


def spaced(low: float, high: float, near: Iterable[float], parts: int) -> Array:
    """Points from `low` to `high`, denser towards those ends that are in `near`."""
    wide = low > 0 and high > _WIDE * low
    points = [np.geomspace(low, high, parts + 1) if wide else np.linspace(low, high, parts + 1)]
    distances = (high - low) * np.geomspace(_NEAREST, 0.5, parts)
    if low in near:
        points.append(low + distances)
    if high in near:
        points.append(high - distances)
    inside = np.clip(np.unique(np.concatenate(points)), low, high)
    inside[0], inside[-1] = low, high
    return np.unique(inside)


@QUIET
def cubics(x: Array, value: Array, slope: Array) -> tuple[Array, Array, Array]:
    """Places inside each part of a grid, and the values and slopes of a cubic there; a row a part.

    The cubic is the one with the values and slopes of the function at the ends of the part.
    """
    step = np.diff(x)[:, None]
    before, after = value[:-1, None], value[1:, None]
    first, last = slope[:-1, None] * step, slope[1:, None] * step
    t, rise = _INSIDE, after - before
    inside = before + rise * t * t * (3 - 2 * t) + t * (1 - t) * (first * (1 - t) - last * t)
    slopes = first * (1 - t) * (1 - 3 * t) + last * t * (3 * t - 2) + 6 * t * (1 - t) * rise
    return x[:-1, None] + t * step, inside, slopes / step


def with_points(
    function: Function, x: Array, value: Array, slope: Array, more: Array
) -> tuple[Array, Array, Array]:
    """A grid with its values and slopes, and `more` points."""
    if not more.size:
        return x, value, slope
    x, order = np.unique(np.concatenate([x, more]), return_index=True)
    pairs = zip((value, slope), function(more), strict=True)
    value, slope = (np.concatenate(pair)[order] for pair in pairs)
    return x, value, slope


def same(before: list[tuple[float, float]], after: list[tuple[float, float]]) -> bool:
    """Whether a finer grid shows the same: as many brackets, each of which overlaps with one."""
    if len(before) != len(after):
        return False
    pairs = zip(before, after, strict=True)
    return all(old[0] <= new[1] and new[0] <= old[1] for old, new in pairs)
