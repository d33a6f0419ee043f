"""Curves: what is drawn between the points of a result.

A line through a few points would show corners, peaks and crossings that theory does not have.  So
theory is evaluated between the points as well, densely enough for a smooth curve, and most densely
next to the interpolation threshold.  Where that would take too long, points are drawn as markers.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..arithmetic import Array
from ..population import Population
from .style import Columns, scale_of

#: A line through so many points shows no corners.
_SMOOTH = 401
#: If there are no more points than this, each is marked on its curve.
_MARKED = 25
#: Values (points times groups) that are computed for one figure; they take seconds.
_MOST = 10_000_000
#: Steps towards the threshold on either side: distances relative to that of the next point.
_STEPS = np.geomspace(1, 1e-9, 60)[1:]
#: Points between 0 and the first positive point of an axis that is logarithmic from there.
_FROM_ZERO = 50


class Theory(Columns, Protocol):
    """A result of the theory, which also tells its columns at other points."""

    @property
    def population(self) -> Population:
        """Whose risk it is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""

    def theory(self, **parameters: Any) -> Mapping[str, Array]:
        """The columns at other points."""


class Filling(NamedTuple):
    """How the points of a line are completed to a curve."""

    #: Abscissae at which theory is evaluated beside the points.
    between: Array
    #: Whether a line may then join them all.
    joined: bool


def filling(points: Array, threshold: float, groups: int) -> Filling:
    """What makes a smooth curve of `points`, of which each costs as much as there are `groups`.

    The interpolation `threshold` is always evaluated if it lies between the points, so that a line
    is interrupted there if the risk is infinite; it is infinite for an axis that does not meet it.
    """
    known = np.unique(points)
    if known.size < 2:
        return Filling(known[:0], False)
    inside = known[0] <= threshold <= known[-1]
    at_threshold = np.array([threshold] if inside else [])
    cheap = (_SMOOTH + 2 * _STEPS.size) * groups <= _MOST
    smooth = known.size >= _SMOOTH
    if not cheap:
        return Filling(np.setdiff1d(at_threshold, known), smooth)
    curve = known if smooth else _spread(known)
    near = _towards(threshold, np.union1d(curve, known)) if inside else known[:0]
    return Filling(np.setdiff1d(np.concatenate([curve, near, at_threshold]), known), True)


def along(
    x: str, given: Mapping[str, Array], computed: Mapping[str, Array]
) -> tuple[dict[str, Array], Array]:
    """Given and computed rows in the order of the column `x`, and which of them were given."""
    columns = {key: np.concatenate([given[key], computed[key]]) for key in given}
    places = columns[x].reshape(len(columns[x]), -1)[:, 0]  # the same for all groups
    order = np.argsort(places, kind="stable")
    return {key: column[order] for key, column in columns.items()}, order < len(given[x])


def marked(values: Array, given: Array, joined: bool) -> list[int]:
    """The rows of a curve that are drawn as markers.

    All that were given if they are few or if no line joins them; otherwise those that a line does
    not show, because the values beside them are not finite.
    """
    few = not joined or np.count_nonzero(given) <= _MARKED
    gap = np.concatenate([[True], ~np.isfinite(values), [True]])
    alone = ~gap[1:-1] & gap[:-2] & gap[2:]
    return [int(row) for row in np.flatnonzero(given & (few | alone))]


def _spread(points: Array) -> Array:
    """Points of a smooth curve from the least to the greatest of `points`, in their spacing."""
    match scale_of(points):
        case "log":
            return np.geomspace(points[0], points[-1], _SMOOTH)
        case "symlog":
            low = np.linspace(0, points[1], _FROM_ZERO)
            return np.concatenate([low, np.geomspace(points[1], points[-1], _SMOOTH)])
    return np.linspace(points[0], points[-1], _SMOOTH)


def _towards(threshold: float, points: Array) -> Array:
    """Points that approach the threshold from its neighbours among `points`."""
    below, above = points[points < threshold][-1:], points[points > threshold][:1]
    sides = np.concatenate([below, above])[:, None]
    return np.ravel(threshold + (sides - threshold) * _STEPS)
