"""Local minima of a function of several numbers in a box, from its values and slopes.

The function is evaluated on a grid.  From each point that is not above any of its neighbours a
quasi-Newton method (L-BFGS-B) descends, which uses the slopes and keeps to the box.  It ends in a
local minimum, but nothing proves that all of them were found.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import Array

#: Values and slopes of a function at the rows of an array of points; NaN where one is not known.
Function = Callable[[Array], tuple[Array, Array]]
#: About this many points has a grid.
_POINTS = 1_500
#: The most descents; those from the lowest points are taken.
_DESCENTS = 24
#: A slope that remains is no more than this change of the function over the whole axis, relative
#: to its value.
_FLAT = 1e-7
#: The distance, as a fraction of an axis, over which a slope that is not known is measured.
_INWARD = 1e-6
#: Two minima nearer to each other than this, as a fraction of each axis, are one.
_APART = 1e-4
#: Numbers nearer to an end of an axis than this fraction of it count as the end.
_NEXT = 1e-13
#: A function that changes by less than this, relative to its value, is on a plateau.
_LEVEL = 1e-11


class Axis(NamedTuple):
    """One side of the box, on which x is searched as u = log(x + offset), or as itself."""

    lower: float
    upper: float
    #: None for x itself.
    offset: float | None

    def to_u(self, x: Any) -> Any:
        return x if self.offset is None else np.log(x + self.offset)

    def to_x(self, u: Any) -> Any:
        """The number at u; one that is next to an end is that end, in spite of rounding."""
        x = u if self.offset is None else np.exp(u) - self.offset
        near = _NEXT * (self.upper - self.lower)
        x = np.where(x <= self.lower + near, self.lower, x)
        return np.where(x >= self.upper - near, self.upper, x)

    def rate(self, x: Any) -> Any:
        """dx/du."""
        return np.ones_like(x) if self.offset is None else x + self.offset


class PointMinimum(NamedTuple):
    """A local minimum in a box."""

    x: Array
    value: float
    slopes: Array
    #: Whether it lies on a side of the box.
    end: bool


class PointMinima(NamedTuple):
    """The local minima that were found, the lowest first."""

    minima: list[PointMinimum]
    #: Whether every descent ended in a minimum.
    complete: bool


def minima_in_box(function: Function, box: Sequence[Axis]) -> PointMinima:
    """The distinct local minima of a function in a box.

    >>> def function(x):
    ...     return (x**4 - x**2).sum(axis=-1), 4 * x**3 - 2 * x
    >>> found = minima_in_box(function, [Axis(-1, 2, None), Axis(0, 2, None)])
    >>> sorted(minimum.x.round(6).tolist() for minimum in found.minima)
    [[-0.707107, 0.707107], [0.707107, 0.707107]]
    """
    starts = _starts(function, box)
    found: list[PointMinimum] = []
    complete = bool(starts)
    for start in starts:
        minimum = _descended(function, box, start)
        if minimum is None:
            complete = False
        elif not any(_same(function, box, minimum, other) for other in found):
            found.append(minimum)
    return PointMinima(sorted(found, key=lambda minimum: minimum.value), complete)


def _starts(function: Function, box: Sequence[Axis]) -> list[Array]:
    """The lowest points of a grid among those that are not above any neighbour, in u."""
    from scipy.ndimage import minimum_filter

    size = max(3, int(_POINTS ** (1 / len(box))))
    sides = [np.linspace(axis.to_u(axis.lower), axis.to_u(axis.upper), size) for axis in box]
    u = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, len(box))
    value, _ = function(_to_x(box, u))
    value = np.where(np.isnan(value), np.inf, value)
    grid = value.reshape((size,) * len(box))
    low = (grid == minimum_filter(grid, size=3, mode="nearest")).ravel() & np.isfinite(value)
    places = np.flatnonzero(low)
    return list(u[places[np.argsort(value[places], kind="stable")][:_DESCENTS]])


def _descended(function: Function, box: Sequence[Axis], start: Array) -> PointMinimum | None:
    """The minimum that a descent ends in; None if it does not end in one."""
    from scipy.optimize import minimize

    def at(u: Array) -> tuple[float, Array]:
        x = _to_x(box, u[None])
        (value,), (slopes,) = function(x)
        slopes = slopes * _rates(box, x[0])
        return float(value), _known_at_ends(function, box, u, float(value), slopes)

    def finite(u: Array) -> tuple[float, Array]:
        # A value that is infinite or not known is a high wall.
        value, slopes = at(u)
        return (value, slopes) if math.isfinite(value) else (1e300, np.zeros_like(u))

    ends = np.array([(axis.to_u(axis.lower), axis.to_u(axis.upper)) for axis in box])
    options: Any = {"ftol": 0.0, "gtol": 0.0, "maxiter": 300, "maxls": 40}
    bounds = [(float(low), float(high)) for low, high in ends]
    found = minimize(finite, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    value, slopes = at(found.x)
    low, high = found.x <= ends[:, 0], found.x >= ends[:, 1]
    # A slope out of the box remains where a side stops the descent.
    inward = np.where((low & (slopes > 0)) | (high & (slopes < 0)), 0, slopes)
    if not (abs(inward) * (ends[:, 1] - ends[:, 0]) <= _FLAT * abs(value)).all():
        return None
    x = _to_x(box, found.x[None])[0]
    (value,), (own,) = function(x[None])
    return PointMinimum(x, float(value), own, bool((low | high).any()))


def _known_at_ends(
    function: Function, box: Sequence[Axis], u: Array, value: float, slopes: Array
) -> Array:
    """The slopes in u; one that is not known on a side of the box is that towards a point inside.

    One that is not known inside stays NaN.
    """
    found = slopes.copy()
    for place, axis in enumerate(box):
        low, high = axis.to_u(axis.lower), axis.to_u(axis.upper)
        known = not np.isnan(slopes[place])
        if known or low < u[place] < high or not math.isfinite(value):
            continue
        step = (_INWARD if u[place] <= low else -_INWARD) * (high - low)
        beside = u + step * (np.arange(len(box)) == place)
        (other,), _ = function(_to_x(box, beside[None]))
        found[place] = (other - value) / step
    return found


def _to_x(box: Sequence[Axis], u: Array) -> Array:
    return np.stack([axis.to_x(u[..., place]) for place, axis in enumerate(box)], axis=-1)


def _rates(box: Sequence[Axis], x: Array) -> Array:
    return np.array([axis.rate(x[place]) for place, axis in enumerate(box)])


def _same(function: Function, box: Sequence[Axis], one: PointMinimum, other: PointMinimum) -> bool:
    """Whether two minima are near each other, or lie on one plateau."""
    u, v = (
        np.array([axis.to_u(x) for axis, x in zip(box, minimum.x, strict=True)])
        for minimum in (one, other)
    )
    sizes = np.array([axis.to_u(axis.upper) - axis.to_u(axis.lower) for axis in box])
    if (abs(u - v) <= _APART * sizes).all():
        return True
    level = _LEVEL * abs(other.value)
    if abs(one.value - other.value) > level:
        return False
    (between,), _ = function(_to_x(box, (u + v)[None] / 2))
    return bool(abs(between - other.value) <= level)
