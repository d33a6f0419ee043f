r"""Moments over the weights that every cut so far has kept.

In one group all that is known of a weight is linear in independent standard normals
:math:`y=(\epsilon, H_1, ..., H_k)`: the coefficient :math:`B=m+s\epsilon`, and the weight after
each fit.  Cut ``j`` keeps a weight if :math:`|X_j|>T_j`, so that the kept part of a group is

.. math:: M = \{|X_1|>T_1\} \cap ... \cap \{|X_j|>T_j\}.

The scores are made orthogonal one after another (Gram-Schmidt): :math:`X_i = \mu_i +
\sum_{l\le i} L_{il}\xi_l` with new standard normals :math:`\xi`.  Then the last cut is an interval
of :math:`\xi_j` given the ones before, whose moments are known in closed form, and the ones before
are integrated by Gauss-Legendre quadrature, one inside the other.  The panels of :math:`\xi_i` end
where the next cut has its edges, which is where the integrand changes fast.
"""

from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array

#: Panels of a normal variable end at these places, and where it has come down by e^-39.
_PANELS = np.array([-5, -3.2, -1.6, 0, 1.6, 3.2, 5])
_REACH_SQUARED = 78.0
#: And beside each edge of the next cut, at these multiples of its width.
_BESIDE = np.array([-7, -2.5, 0, 2.5, 7])
#: Nodes of less weight are left out.
_NEGLIGIBLE = 1e-16
#: A score that differs by less from a combination of earlier ones has no direction of its own.
_NO_DIRECTION = 1e-11
_WIDEST = 1e3


class Scores(NamedTuple):
    r"""Scores of one group, one after another, as :math:`\mu + L\xi` with :math:`\xi = Q^Ty`."""

    mean: Array
    #: L, lower triangular with a positive diagonal.
    factor: Array
    #: Q, of shape (normals, scores), with orthonormal columns.
    directions: Array


class Nodes(NamedTuple):
    """Places of the earlier variables, of shape (nodes, variables), and their weights."""

    place: Array
    weight: Array


def orthogonal(scores: Array) -> Scores:
    """Scores given by their coefficients of (1, y), of shape (scores, 1 + normals)."""
    count, size = scores.shape[0], scores.shape[1] - 1
    directions, factor = np.zeros((size, count)), np.zeros((count, count))
    for i, row in enumerate(scores[:, 1:]):
        rest = row.copy()
        for _ in range(2):  # twice, so that rounding leaves them orthogonal
            share = directions[:, :i].T @ rest
            factor[i, :i] += share
            rest -= directions[:, :i] @ share
        length, least = np.linalg.norm(rest), _NO_DIRECTION * np.linalg.norm(row)
        if length > least:
            directions[:, i], factor[i, i] = rest / length, length
        else:
            directions[:, i] = _unused_direction(directions[:, :i])
            factor[i, i] = max(least, np.finfo(np.float64).tiny)
    return Scores(scores[:, 0], factor, directions)


def _unused_direction(directions: Array) -> Array:
    """A unit vector that is orthogonal to the columns."""
    complete, _ = np.linalg.qr(np.column_stack([directions, np.eye(len(directions))]))
    return np.asarray(complete[:, directions.shape[1]])


def nodes(scores: Scores, thresholds: Array, order: int) -> Nodes:
    """Nodes over the weights that all cuts but the last have kept, `order` of them a panel."""
    mean, factor, _ = scores
    places, weights = np.zeros((1, 0)), np.ones(1)
    for i in range(len(mean) - 1):
        center = mean[i] + places @ factor[i, :i]
        next_center = mean[i + 1] + places @ factor[i + 1, :i]
        slope, width = factor[i + 1, i], factor[i + 1, i + 1]
        if slope:
            edges = (
                np.stack([sign * thresholds[i + 1] - next_center for sign in (1, -1)], 1) / slope
            )
            steps = min(abs(width / slope), _WIDEST) * _BESIDE
            edges = (edges[:, :, None] + steps).reshape(len(places), -1)
        else:
            edges = np.zeros((len(places), 0))
        # Kept are the weights above the threshold, and, of -xi, those above that of -X.
        sides = [
            _half_line((thresholds[i] - sign * center) / factor[i, i], sign * edges, order)
            for sign in (1, -1)
        ]
        place = np.concatenate([sides[0][0], -sides[1][0]], axis=1)
        weight = np.concatenate([side[1] for side in sides], axis=1) * weights[:, None]
        node, index = np.nonzero(weight > _NEGLIGIBLE)
        places = np.column_stack([places[node], place[node, index]])
        weights = weight[node, index]
    return Nodes(places, weights)


def _half_line(start: Array, edges: Array, order: int) -> tuple[Array, Array]:
    """Nodes and weights for the normal law above each start, panels ending at the edges too."""
    reach = np.sqrt(_REACH_SQUARED)
    high = np.sqrt(np.maximum(start, 0) ** 2 + _REACH_SQUARED)[:, None]
    low = np.minimum(np.maximum(start, -reach)[:, None], high)
    fixed = np.broadcast_to(_PANELS, (start.size, _PANELS.size))
    ends = np.sort(np.clip(np.concatenate([fixed, edges, low, high], axis=1), low, high), axis=1)
    place, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(ends)[..., None] / 2
    x = (ends[:, 1:] + ends[:, :-1])[..., None] / 2 + half * place
    return (
        x.reshape(start.size, -1),
        (half * weight * FLOAT64.normal_density(x)).reshape(start.size, -1),
    )


class _LastCut(NamedTuple):
    """The last cut at each node, in units of the last variable: |center + ξ| against `height`."""

    height: Array
    center: Array


def _last_cut(scores: Scores, thresholds: Array, at: Nodes) -> _LastCut:
    mean, factor, _ = scores
    last, width = len(mean) - 1, factor[-1, -1]
    center = (mean[last] + at.place @ factor[last, :last]) / width
    return _LastCut(np.full_like(center, thresholds[last] / width), center)


def kept_mass(scores: Scores, thresholds: Array, at: Nodes) -> tuple[float, float]:
    """The mass that all cuts keep, and its slope in the log of the last threshold."""
    height, center = _last_cut(scores, thresholds, at)
    above, below = height - center, height + center
    mass = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
    density = FLOAT64.normal_density(above) + FLOAT64.normal_density(below)
    return float(at.weight @ mass), -float(at.weight @ (density * height))


def moments(scores: Scores, thresholds: Array, at: Nodes) -> tuple[Array, Array]:
    """E[(1,y)(1,y)ᵀ] over the weights kept by all cuts, and over those that the last one drops.

    Both are summed by themselves, so that neither is a difference.
    """
    height, center = _last_cut(scores, thresholds, at)
    above, below = height - center, height + center
    mass = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
    first = FLOAT64.normal_density(above) - FLOAT64.normal_density(below)
    second = mass + FLOAT64.moment_density(above) + FLOAT64.moment_density(below)
    # Of |center| + ξ within the interval, raw moments; turned into those of ξ.
    side, size = np.where(center < 0, -1, 1), abs(center)
    inside, raw, square = FLOAT64.interval_moments(height, size, height - size)
    return (
        _of_normals(scores, at, (mass, first, second)),
        _of_normals(
            scores,
            at,
            (inside, side * (raw - size * inside), square - 2 * size * raw + size * size * inside),
        ),
    )


def _of_normals(scores: Scores, at: Nodes, last: tuple[Array, ...]) -> Array:
    """Moments of (1, y) from those of the last variable at each node."""
    mass, first, second = last
    known = np.column_stack([np.ones(len(at.weight)), at.place])
    size = known.shape[1]
    inner = np.empty((size + 1, size + 1))
    inner[:size, :size] = (known * (at.weight * mass)[:, None]).T @ known
    inner[:size, size] = inner[size, :size] = known.T @ (at.weight * first)
    inner[size, size] = at.weight @ second
    directions = scores.directions
    found = np.empty((len(directions) + 1, len(directions) + 1))
    found[0, 0] = inner[0, 0]
    found[0, 1:] = found[1:, 0] = directions @ inner[1:, 0]
    # Directions that no score has looked at are independent of the mask.
    found[1:, 1:] = (
        directions @ inner[1:, 1:] @ directions.T
        + (np.eye(len(directions)) - directions @ directions.T) * inner[0, 0]
    )
    return found
