r"""Moments over the weights that every cut so far has kept.

In one group all that is known of a weight is linear in independent standard normals
:math:`y=(\epsilon, H_1, ..., H_k)`: the coefficient :math:`B=m+s\epsilon`, and the weight after
each fit.  Cut ``j`` keeps a weight if the number :math:`Y_j` that its rule observes is larger than
the threshold, so that the kept part of a group is

.. math:: M = \{|Y_1|>T_1\} \cap ... \cap \{|Y_j|>T_j\}.

The observed numbers are made orthogonal one after another (Gram-Schmidt): :math:`Y_i = \mu_i +
\sum_{l\le i} L_{il}\xi_l` with new standard normals :math:`\xi`.  Given the variables before, the
last cut is an interval of :math:`\xi_j`, over which moments are known in closed form.  The
variables before are integrated over by nodes, of one of two kinds: Gauss-Legendre quadrature, one
variable inside the other, or quasi-random points.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from ..arithmetic import FLOAT64, Array

#: Panels of a normal variable end at these places, and where its density has fallen by e^-39.
_PANELS = np.array([-5, -3.2, -1.6, 0, 1.6, 3.2, 5])
_REACH_SQUARED = 78.0
#: Panels also end beside each edge of the next cut, at these multiples of its width.
_BESIDE = np.array([-7, -2.5, 0, 2.5, 7])
#: A cut wider than this changes so slowly that panels need not end at its edges.
_WIDEST = 1e3
#: Panels of less weight are left out.
_NEGLIGIBLE = 1e-16
#: A number that differs by less from a combination of earlier ones has no direction of its own.
_NO_DIRECTION = 1e-11
#: So many nodes of one variable are computed with at a time.
_BATCH = 2_000
#: The most nodes of one group.
_MOST_NODES = 50_000_000


class TooManyNodes(Exception):
    """A quadrature would need more nodes than are computed with."""


class Observed(NamedTuple):
    r"""Observed numbers of one group in order, :math:`\mu + L\xi` with :math:`\xi=Q^Ty`."""

    mean: Array
    #: L, lower triangular with a positive diagonal.
    factor: Array
    #: Q, of shape (normals, cuts), with orthonormal columns.
    directions: Array


class Nodes(NamedTuple):
    """Places of the earlier variables, of shape (nodes, variables), and their weights."""

    place: Array
    weight: Array


class Integration(Protocol):
    """A way to place nodes over the weights of one group that all cuts but the last have kept."""

    def nodes(self, observed: Observed, thresholds: Array, group: int) -> Iterator[Nodes]:
        """The nodes, in batches; raises `TooManyNodes`."""


def orthogonal(numbers: Array) -> Observed:
    """Observed numbers given by their coefficients of (1, y), of shape (cuts, 1 + normals)."""
    count, size = numbers.shape[0], numbers.shape[1] - 1
    directions, factor = np.zeros((size, count)), np.zeros((count, count))
    for i, row in enumerate(numbers[:, 1:]):
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
            factor[i, i] = least
    return Observed(numbers[:, 0], factor, directions)


def _unused_direction(directions: Array) -> Array:
    """A unit vector that is orthogonal to the columns."""
    complete, _ = np.linalg.qr(np.column_stack([directions, np.eye(len(directions))]))
    return np.asarray(complete[:, directions.shape[1]])


class Quadrature(NamedTuple):
    """Gauss-Legendre quadrature, with panels that end where the next cut has its edges."""

    #: Nodes of each panel.
    order: int

    def nodes(self, observed: Observed, thresholds: Array, group: int) -> Iterator[Nodes]:
        count = 0
        for batch in self._after(Nodes(np.zeros((1, 0)), np.ones(1)), observed, thresholds):
            count += batch.weight.size
            if count > _MOST_NODES:
                raise TooManyNodes
            yield batch

    def _after(self, before: Nodes, observed: Observed, thresholds: Array) -> Iterator[Nodes]:
        """Nodes of all variables that come after those of the nodes `before`."""
        mean, factor, _ = observed
        i = before.place.shape[1]
        if i == len(mean) - 1:
            yield before
            return
        for start in range(0, before.weight.size, _BATCH):
            places, weights = (x[start : start + _BATCH] for x in before)
            center = mean[i] + places @ factor[i, :i]
            following = mean[i + 1] + places @ factor[i + 1, :i]
            edges = _edges(following, factor[i + 1, i], factor[i + 1, i + 1], thresholds[i + 1])
            # Kept are the values above the threshold, and, of -ξ, those above that of -Y.
            sides = [
                self._above((thresholds[i] - sign * center) / factor[i, i], sign * edges, weights)
                for sign in (1, -1)
            ]
            for sign, (index, place, weight) in zip((1, -1), sides, strict=True):
                some = Nodes(np.column_stack([places[index], sign * place]), weight)
                yield from self._after(some, observed, thresholds)

    def _above(self, start: Array, edges: Array, weight: Array) -> tuple[Array, Array, Array]:
        """Nodes for the normal law above each start: the index of the start, place and weight.

        The weights include that of the start.
        """
        reach = np.sqrt(_REACH_SQUARED)
        high = np.sqrt(np.maximum(start, 0) ** 2 + _REACH_SQUARED)[:, None]
        low = np.minimum(np.maximum(start, -reach)[:, None], high)
        fixed = np.broadcast_to(_PANELS, (start.size, _PANELS.size))
        ends = np.concatenate([fixed, edges, low, high], axis=1)
        ends = np.sort(np.clip(ends, low, high), axis=1)
        left, half = ends[:, :-1], np.diff(ends) / 2
        nearest = np.clip(0, left, ends[:, 1:])  # where the density of the panel is largest
        largest = 2 * half * FLOAT64.normal_density(nearest) * weight[:, None]
        index, panel = np.nonzero(largest > _NEGLIGIBLE)
        place, share = np.polynomial.legendre.leggauss(self.order)
        half = half[index, panel][:, None]
        x = left[index, panel][:, None] + half * (1 + place)
        mass = half * share * FLOAT64.normal_density(x) * weight[index][:, None]
        return np.repeat(index, self.order), x.ravel(), mass.ravel()


def _edges(center: Array, slope: float, width: float, threshold: float) -> Array:
    """Where panels end for the next cut: of shape (nodes, edges)."""
    if slope == 0 or width > _WIDEST * abs(slope):
        return np.zeros((len(center), 0))
    edges = np.stack([sign * threshold - center for sign in (1, -1)], 1) / slope
    return np.asarray((edges[:, :, None] + width / slope * _BESIDE).reshape(len(center), -1))


class QuasiRandom(NamedTuple):
    """Points of a scrambled Sobol sequence, each variable drawn given the ones before."""

    points: int
    seed: int

    def nodes(self, observed: Observed, thresholds: Array, group: int) -> Iterator[Nodes]:
        from scipy.special import ndtri
        from scipy.stats import qmc

        mean, factor, _ = observed
        variables = len(mean) - 1
        if not variables:
            yield Nodes(np.zeros((1, 0)), np.ones(1))
            return
        generator = np.random.default_rng((self.seed, group))
        uniform = qmc.Sobol(variables, rng=generator).random(self.points)
        places, weights = np.zeros((self.points, 0)), np.full(self.points, 1 / self.points)
        for i in range(variables):
            # A point for either side of the cut, so that all is smooth in the uniform numbers.
            center, width = mean[i] + places @ factor[i, :i], factor[i, i]
            sides = []
            for sign in (1, -1):
                tail = FLOAT64.normal_tail((thresholds[i] - sign * center) / width)
                place = -sign * ndtri(np.maximum(tail * uniform[:, i], np.finfo(float).tiny))
                sides.append((np.column_stack([places, place]), weights * tail))
            places, weights = map(np.concatenate, zip(*sides, strict=True))
            uniform = np.concatenate([uniform, uniform])
        yield Nodes(places, weights)


class _LastCut(NamedTuple):
    """The last cut at each node, in units of the last variable: |center + ξ| against `height`."""

    height: Array
    center: Array


def _last_cut(observed: Observed, thresholds: Array, at: Nodes) -> _LastCut:
    mean, factor, _ = observed
    last, width = len(mean) - 1, factor[-1, -1]
    center = (mean[last] + at.place @ factor[last, :last]) / width
    return _LastCut(np.full_like(center, thresholds[last] / width), center)


def kept_mass(observed: Observed, thresholds: Array, nodes: Iterable[Nodes]) -> tuple[float, float]:
    """The mass that all cuts keep, and its slope in the log of the last threshold."""
    total, slope = 0.0, 0.0
    for at in nodes:
        height, center = _last_cut(observed, thresholds, at)
        above, below = height - center, height + center
        mass = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
        density = FLOAT64.normal_density(above) + FLOAT64.normal_density(below)
        total += float(at.weight @ mass)
        slope -= float(at.weight @ (density * height))
    return total, slope


def moments(observed: Observed, thresholds: Array, nodes: Iterable[Nodes]) -> tuple[Array, Array]:
    """E[(1,y)(1,y)ᵀ] over the weights kept by all cuts, and over those that the last one drops.

    Each is a sum of its own, so that neither is a difference.
    """
    size = len(observed.mean) + 1
    kept, dropped = np.zeros((size, size)), np.zeros((size, size))
    for at in nodes:
        height, center = _last_cut(observed, thresholds, at)
        above, below = height - center, height + center
        mass = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
        first = FLOAT64.normal_density(above) - FLOAT64.normal_density(below)
        second = mass + FLOAT64.moment_density(above) + FLOAT64.moment_density(below)
        kept += _of_variables(at, mass, first, second)
        # Of |center| + ξ within the interval, raw moments; turned into those of ξ.
        side, far = np.where(center < 0, -1, 1), abs(center)
        mass, raw, square = FLOAT64.interval_moments(height, far, height - far)
        first, second = side * (raw - far * mass), square - 2 * far * raw + far * far * mass
        dropped += _of_variables(at, mass, first, second)
    return _of_normals(observed, kept), _of_normals(observed, dropped)


def _of_variables(at: Nodes, mass: Array, first: Array, second: Array) -> Array:
    """Moments of (1, ξ) from those of the last variable at each node."""
    known = np.column_stack([np.ones(len(at.weight)), at.place])
    size = known.shape[1]
    found = np.empty((size + 1, size + 1))
    found[:size, :size] = (known * (at.weight * mass)[:, None]).T @ known
    found[:size, size] = found[size, :size] = known.T @ (at.weight * first)
    found[size, size] = at.weight @ second
    return found


def _of_normals(observed: Observed, inner: Array) -> Array:
    """Moments of (1, y) from those of (1, ξ)."""
    directions = observed.directions
    found = np.empty((len(directions) + 1, len(directions) + 1))
    found[0, 0] = inner[0, 0]
    found[0, 1:] = found[1:, 0] = directions @ inner[1:, 0]
    # Directions that no cut has looked at are independent of the mask.
    found[1:, 1:] = (
        directions @ inner[1:, 1:] @ directions.T
        + (np.eye(len(directions)) - directions @ directions.T) * inner[0, 0]
    )
    return found
