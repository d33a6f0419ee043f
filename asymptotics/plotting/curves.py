"""Curves between the points of a result.

A line through a few points would show corners, peaks and crossings that theory does not have.  So
theory is evaluated between the points as well, densely enough for a smooth curve, and most densely
next to the interpolation threshold.  If that would take too long, only the points are drawn, as
markers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..arithmetic import Array
from ..population import Population
from .style import Columns, scale_of

#: The points of a curve.  With fewer one sees its corners.
_SMOOTH = 401
#: The points of a result are marked on the curve if there are at most this many.
_MOST_MARKED = 25
#: The most values (points times groups) computed for one figure; they take seconds.
_MOST_VALUES = 10_000_000
#: Distances from a pole at which theory is evaluated on either side, relative to the
#: distance of the next point.
_STEPS = np.geomspace(1, 1e-9, 60)[1:]
#: Points between 0 and the first positive point, from which on a symlog axis is logarithmic.
_FROM_ZERO = 50


class Theory(Columns, Protocol):
    """A result of the theory, which can compute its columns at other points, too."""

    @property
    def population(self) -> Population:
        """The population whose risk it is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""

    def theory(self, **parameters: Any) -> Mapping[str, Array]:
        """The columns at other points."""


class Filling(NamedTuple):
    """The points that complete those of a result to a curve."""

    #: Abscissae of the further points at which theory is evaluated.
    between: Array
    #: Whether all points together are dense enough for a line to join them.
    joined: bool


def filling(points: Array, poles: Sequence[float], groups: int) -> Filling:
    """The further points that make a smooth curve of `points`.

    Parameters
    ----------
    points
        Abscissae of the result.
    poles
        Abscissae at which a risk may be infinite.  Between the points they are always evaluated,
        so that an infinite risk there interrupts the line.
    groups
        The number of values to compute for each abscissa.
    """
    known = np.unique(points)
    if known.size < 2:
        return Filling(known[:0], False)
    inside = np.array([pole for pole in poles if known[0] <= pole <= known[-1]])
    # The costs of a curve: its own points, and those on both sides of the poles.
    cheap = (_SMOOTH + 2 * _STEPS.size * max(len(poles), 1)) * groups <= _MOST_VALUES
    smooth = known.size >= _SMOOTH
    if not cheap:
        return Filling(np.setdiff1d(inside, known), smooth)
    # Points of a result that are already dense need no more, except near the poles.
    curve = known if smooth else _smooth_points(known)
    every = np.union1d(curve, known)
    near = [_points_towards(pole, every) for pole in inside]
    return Filling(np.setdiff1d(np.concatenate([curve, *near, inside]), known), True)


def along(
    x: str, given: Mapping[str, Array], computed: Mapping[str, Array]
) -> tuple[dict[str, Array], Array]:
    """Given and computed rows merged in the order of column `x`, and a mask of the given ones."""
    columns = {key: np.concatenate([given[key], computed[key]]) for key in given}
    places = columns[x].reshape(len(columns[x]), -1)[:, 0]  # the same for all groups
    order = np.argsort(places, kind="stable")
    return {key: column[order] for key, column in columns.items()}, order < len(given[x])


def marked(values: Array, given: Array, joined: bool) -> list[int]:
    """The rows of a curve that are drawn as markers.

    If the given rows are few, or if no line joins them, all of them are.  Otherwise only those are
    that a line would not show, because the values on either side are not finite.
    """
    few = not joined or np.count_nonzero(given) <= _MOST_MARKED
    # gap[i] is True if row i - 1 is not finite; there is a gap before the first and after the last.
    gap = np.concatenate([[True], ~np.isfinite(values), [True]])
    alone = ~gap[1:-1] & gap[:-2] & gap[2:]
    return [int(row) for row in np.flatnonzero(given & (few | alone))]


def _smooth_points(points: Array) -> Array:
    """Points of a smooth curve over the range of `points`, spaced as those are."""
    match scale_of(points):
        case "log":
            return np.geomspace(points[0], points[-1], _SMOOTH)
        case "symlog":
            low = np.linspace(0, points[1], _FROM_ZERO)
            return np.concatenate([low, np.geomspace(points[1], points[-1], _SMOOTH)])
    return np.linspace(points[0], points[-1], _SMOOTH)


def _points_towards(threshold: float, points: Array) -> Array:
    """Points that approach the threshold geometrically from its neighbours among `points`."""
    below, above = points[points < threshold][-1:], points[points > threshold][:1]
    sides = np.concatenate([below, above])[:, None]
    return np.ravel(threshold + (sides - threshold) * _STEPS)
