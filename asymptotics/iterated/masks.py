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
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np

from ..arithmetic import FLOAT64, Array

#: Panels of a normal variable end at these places, and where its density has fallen by e^-39.
_PANELS = np.array([-5, -3.2, -1.6, 0, 1.6, 3.2, 5])
_REACH_SQUARED = 78.0
#: Panels also end beside each edge of a later cut, at these multiples of its width.
_BESIDE = np.array([-7, -2.5, 0, 2.5, 7])
#: An edge wider than this is as smooth as the normal density: panels need not end there.
_WIDEST = 2.0
#: Panels of less weight are left out.
_NEGLIGIBLE = 1e-16
#: A number that differs by less from a combination of earlier ones has no direction of its own.
_NO_DIRECTION = 1e-11
#: So many nodes of one variable are computed with at a time.
_BATCH = 2_000
#: The most nodes of all groups.
MOST_NODES = 60_000_000


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
    """Gauss-Legendre quadrature, with panels that end where later cuts have their edges."""

    #: Nodes of each panel, and the most nodes in all.
    order: int
    most: int = MOST_NODES

    def nodes(self, observed: Observed, thresholds: Array, group: int) -> Iterator[Nodes]:
        count = 0
        for batch in self._after(Nodes(np.zeros((1, 0)), np.ones(1)), observed, thresholds):
            count += batch.weight.size
            if count > self.most:
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
            edges = np.concatenate(
                [
                    _edges(mean[j] + places @ factor[j, :i], factor[j, i:], thresholds[j])
                    for j in range(i + 1, len(mean))
                ],
                axis=1,
            )
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
        place, share = _gauss_legendre(self.order)
        half = half[index, panel][:, None]
        x = left[index, panel][:, None] + half * (1 + place)
        mass = half * share * FLOAT64.normal_density(x) * weight[index][:, None]
        return np.repeat(index, self.order), x.ravel(), mass.ravel()


@cache
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    """Nodes in [-1, 1] and weights."""
    return np.polynomial.legendre.leggauss(order)


def _edges(center: Array, factor: Array, threshold: float) -> Array:
    """Where panels end for a later cut: of shape (nodes, edges).

    `factor` holds the coefficients of the later number on this variable and on those that follow:
    the first is the slope along this variable, and the others blur the edge.
    """
    slope, width = factor[0], float(np.linalg.norm(factor[1:]))
    if width > _WIDEST * abs(slope):
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


class Masses(NamedTuple):
    """Masses of one group: what all cuts keep, what the last one drops, and how it changes them."""

    kept: float
    dropped: float
    #: The slope of `dropped` in the log of the last threshold.
    slope: float


def masses(observed: Observed, thresholds: Array, nodes: Iterable[Nodes]) -> Masses:
    """The masses on both sides of the last cut, each a sum of its own."""
    found = np.zeros(3)
    for at in nodes:
        height, center = _last_cut(observed, thresholds, at)
        far = abs(center)
        above, below = height - center, height + center
        kept = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
        dropped = FLOAT64.interval_moments(height, far, height - far)[0]
        density = FLOAT64.normal_density(above) + FLOAT64.normal_density(below)
        found += [at.weight @ kept, at.weight @ dropped, at.weight @ (density * height)]
    return Masses(*found.tolist())


class Part(NamedTuple):
    """Moments over a part of the weights of each group.

    They are those of combinations of (1, y) in which the part is described without cancellation: a
    number with coefficients c of (1, y) has the coefficients c F of these.
    """

    #: F, of shape (groups, 1 + normals, 2 + normals).
    frame: Array
    #: Second moments of the combinations, of shape (groups, 2 + normals, 2 + normals).
    inner: Array

    @property
    def mass(self) -> Array:
        """The share of each group; the first of the combinations is 1."""
        return self.inner[:, 0, 0]

    def scaled(self, share: Array | float) -> "Part":
        """A share of the part, chosen at random."""
        return self._replace(inner=self.inner * np.reshape(share, (-1, 1, 1)))

    def mean(self, weight: Array, x: Array, y: Array) -> float:
        """E[x y; part], each group with its weight, for numbers given by coefficients of (1, y)."""
        x, y = (np.einsum("gi,gij->gj", each, self.frame) for each in (x, y))
        return float(np.einsum("g,gi,gij,gj", weight, x, self.inner, y))


def whole(groups: int, normals: int) -> Part:
    """All weights."""
    frame = np.eye(1 + normals, 2 + normals)
    return Part(*(np.tile(x, (groups, 1, 1)) for x in (frame, frame.T @ frame)))


def moments(
    observed: Observed, thresholds: Array, nodes: Iterable[Nodes]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Frame and inner moments, as in `Part`, of the weights kept and of those the last cut drops.

    Each is a sum of its own, so that neither is a difference.  Dropped weights are described by the
    observed number itself, which is small there: as a combination of normals it would cancel.
    """
    size, width = len(observed.mean) + 2, observed.factor[-1, -1]
    kept, dropped = np.zeros((size, size)), np.zeros((size, size))
    for at in nodes:
        height, center = _last_cut(observed, thresholds, at)
        above, below = height - center, height + center
        mass = FLOAT64.normal_tail(above) + FLOAT64.normal_tail(below)
        first = FLOAT64.normal_density(above) - FLOAT64.normal_density(below)
        second = mass + FLOAT64.moment_density(above) + FLOAT64.moment_density(below)
        nothing = np.zeros_like(mass)
        kept += _of_variables(at, mass, first, second, nothing, nothing, nothing)
        dropped += _of_variables(at, *_within(height, center, width))
    return _framed(observed, kept, None), _framed(observed, dropped, observed.factor[-1])


class _Within(NamedTuple):
    """Moments over ``|center + ξ| < height``, of ξ and of Y = width (center + ξ), at each node."""

    mass: Array
    first: Array
    second: Array
    #: E[Y], E[ξY] and E[Y²].
    number: Array
    product: Array
    square: Array


def _within(height: Array, center: Array, width: float) -> _Within:
    """Moments over an interval of the last variable."""
    far, side = abs(center), np.where(center < 0, -1, 1)
    # A short interval: moments of center + ξ are known to all digits, and those of ξ follow.
    mass, raw, raw_square = FLOAT64.interval_moments(height, far, height - far)
    raw = side * raw
    # A long one: those of ξ are differences at its ends, and those of center + ξ follow.
    low, high = -height - center, height - center
    first = FLOAT64.normal_density(low) - FLOAT64.normal_density(high)
    second = mass + FLOAT64.moment_density(low) - FLOAT64.moment_density(high)
    short = height < 1
    product = np.where(short, raw_square - center * raw, center * first + second)
    return _Within(
        mass,
        np.where(short, raw - center * mass, first),
        np.where(short, raw_square + center * (center * mass - 2 * raw), second),
        width * np.where(short, raw, center * mass + first),
        width * product,
        width**2 * np.where(short, raw_square, center * (center * mass + 2 * first) + second),
    )


def _of_variables(
    at: Nodes,
    mass: Array,
    first: Array,
    second: Array,
    number: Array,
    product: Array,
    square: Array,
) -> Array:
    """Moments of (1, ξ_1, ..., ξ_j, Y_j) from those given the earlier variables, at each node."""
    known = np.column_stack([np.ones(len(at.weight)), at.place])
    size = known.shape[1]
    found = np.empty((size + 2, size + 2))
    found[:size, :size] = (known * (at.weight * mass)[:, None]).T @ known
    for place, moment in ((size, first), (size + 1, number)):
        found[:size, place] = found[place, :size] = known.T @ (at.weight * moment)
    found[size, size], found[-1, -1] = at.weight @ second, at.weight @ square
    found[size, -1] = found[-1, size] = at.weight @ product
    return found


def _framed(observed: Observed, found: Array, number: Array | None) -> tuple[Array, Array]:
    """Frame and inner moments from those of (1, ξ, Y).

    `number` are the coefficients of Y on ξ, if Y replaces the variable of the largest of them.
    """
    directions, cuts = observed.directions, observed.directions.shape[1]
    # Directions that no cut has looked at are independent of the mask.
    complete, _ = np.linalg.qr(np.column_stack([directions, np.eye(len(directions))]))
    size = 1 + len(directions)
    frame, inner = np.zeros((size, size + 1)), np.zeros((size + 1, size + 1))
    frame[0, 0] = 1
    frame[1:, 1 : 1 + cuts], frame[1:, 1 + cuts : size] = directions, complete[:, cuts:size]
    looked = [*range(1 + cuts), size]
    inner[np.ix_(looked, looked)] = found
    free = np.arange(1 + cuts, size)
    inner[free, free] = found[0, 0]
    if number is not None:
        replaced = 1 + int(np.argmax(abs(number)))
        row = np.concatenate([observed.mean[-1:], number])
        share = frame[:, [replaced]] / row[replaced]
        frame[:, : 1 + cuts] -= share * row
        frame[:, replaced] = 0
        frame[:, [size]] = share
    return frame, inner
