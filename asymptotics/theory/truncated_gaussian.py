r"""Stage 4: moments of the observation Y over the weights kept, and over those dropped.

In each group :math:`Y\sim N(c,s^2)`, with ``c = center`` and ``s = spread``.  A weight is kept if
:math:`|Y|>T`, where :math:`T = t/\Lambda^q` is the *cut* of the group: the threshold ``t`` of the
score, expressed as a value of Y.  With :math:`u = (T-c)/s` and :math:`l = (T+c)/s` the moments over
the weights kept are

.. math:: P = P(|Y|>T) = Q(u) + Q(l),\quad E[(Y-c);\,kept] = s(\varphi(u)-\varphi(l)),\quad
          E[(Y-c)^2;\,kept] = s^2(P + u\varphi(u) + l\varphi(l)).

Over the weights dropped the moments are those of Y itself, :math:`E[Y^k;\,|Y|<T]`, computed over
the interval.  Taking them as total moment minus kept moment would lose digits to cancellation
where few weights are dropped.

A point mass (``spread = 0``) is kept above the threshold and dropped below it.  At the threshold
each of its weights is kept with the probability `Threshold.tie`.

A rule that ranks by a gain keeps a union of intervals in each group.  Its `Cuts` stand in the place
of a `Threshold`, and the moments are sums over the ends of the intervals.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..arithmetic.base import Columns
from .channels import Channel
from .rules import Score


class Threshold(NamedTuple):
    """The score above which weights are kept, ``t = anchor + offset``; arrays on the grid.

    Near a narrow group or a point mass, `anchor` is the score at its centre and the small `offset`
    says on which side the threshold lies, and how far.  The offset is stored by itself because
    rounding ``anchor + offset`` would lose its digits.  Elsewhere `anchor` is 0.
    """

    anchor: Array
    offset: Array
    #: Probability of keeping a weight whose score equals the threshold.
    tie: Array
    #: Probability of dropping it, where it is known more accurately than as ``1 - tie``.
    dropped_tie: Array | None = None

    @property
    def beyond(self) -> Array | None:
        """As `Cuts.beyond`: weights are kept as they are."""
        return None

    @property
    def value(self) -> Array:
        return self.anchor + self.offset

    def mapped(self, function: Callable[[Array], Array]) -> "Threshold":
        """The threshold with a function applied to each of its arrays."""
        dropped_tie = None if self.dropped_tie is None else function(self.dropped_tie)
        anchor, offset, tie = map(function, (self.anchor, self.offset, self.tie))
        return Threshold(anchor, offset, tie, dropped_tie)

    def table(self, channel: Channel) -> Columns:
        """What the moments are computed from, group by group; `split` takes it apart."""
        return channel

    def split(self, table: Columns) -> "tuple[Channel, Threshold]":
        """A block of the groups of a `table`: the law of its weights, and where they are cut."""
        return Channel(*table), self

    @staticmethod
    def oriented(mean: Array) -> Array:
        """The mean of B as `Score.center` is that of Y: without its sign, by symmetry."""
        return abs(mean)


class _Columns(tuple[Array, ...]):
    """Columns that go through `Arithmetic.expect` together, the weight first."""

    def __new__(cls, *columns: Array) -> "_Columns":
        return super().__new__(cls, columns)


class Cuts(NamedTuple):
    r"""Which values of Y each group keeps; arrays have the shape of the grid, followed by (G,).

    The `ends` :math:`e_1\le e_2\le\dots` divide the line into intervals that are kept and dropped
    by turns.  Ends that a group does not have are infinite.
    """

    #: The gain above which weights are kept, and the density of the gains there; on the grid.
    value: Array
    density: Array
    #: Whether the values below the first end are kept.
    first: Array
    #: Share of these intervals that is kept: 1, but for groups of constant gain, which tie.
    share: Array
    ends: tuple[Array, ...]
    #: What an estimate of B that does not know the group errs beyond one that does, over the
    #: weights kept: :math:`E[(\eta-E[B|Y])^2;kept]`.  None if the weights are kept as they are.
    beyond: Array | None = None

    def mapped(self, function: Callable[[Array], Array]) -> "Cuts":
        """The cuts with a function applied to each of their arrays."""
        ends = tuple(map(function, self.ends))
        beyond = None if self.beyond is None else function(self.beyond)
        value, density, first, share = map(function, self[:4])
        return Cuts(value, density, first > 0, share, ends, beyond)  # some make numbers of truths

    def table(self, channel: Channel) -> Columns:
        """What the moments are computed from, group by group; `split` takes it apart."""
        beyond = () if self.beyond is None else (self.beyond,)
        return _Columns(*channel, *beyond, self.first, self.share, *self.ends)

    def split(self, table: Columns) -> "tuple[Channel, Cuts]":
        """A block of the groups of a `table`: the law of its weights, and where they are cut."""
        fields = len(Channel._fields)
        channel, rest = Channel(*table[:fields]), table[fields:]
        beyond, rest = (None, rest) if self.beyond is None else (rest[0], rest[1:])
        first, share, *ends = rest
        return channel, Cuts(self.value, self.density, first, share, tuple(ends), beyond)

    @staticmethod
    def oriented(mean: Array) -> Array:
        """The mean of B as `Score.center` is that of Y."""
        return mean

    def standardized(self, score: Score, arithmetic: Arithmetic) -> Iterator[tuple[Array, ...]]:
        """The intervals of each group in spreads from its center: the two ends, and if kept."""
        wide = _widened(score, arithmetic)

        def standard(end: Array) -> Array:
            z = (end - wide.center) / wide.spread
            z = arithmetic.where(end == arithmetic.infinity, arithmetic.remote, z)
            return arithmetic.where(end == -arithmetic.infinity, -arithmetic.remote, z)

        inner = [standard(end) for end in self.ends]
        edges = [-arithmetic.infinity, *inner, arithmetic.infinity]
        for index, (low, high) in enumerate(pairwise(edges)):
            yield low, high, self.first if index % 2 == 0 else ~self.first

    def moments(self, score: Score, arithmetic: Arithmetic) -> "TruncatedMoments":
        """As `truncated_moments`."""
        wide = _widened(score, arithmetic)
        inside, outside = ([0 * self.share] * 5 for _ in range(2))
        for low, high, kept in self.standardized(score, arithmetic):
            parts = arithmetic.moments_between(low, high, wide.center, wide.spread)
            inside = [x + arithmetic.where(kept, y, 0) for x, y in zip(inside, parts, strict=True)]
            outside = [
                x + arithmetic.where(kept, 0, y) for x, y in zip(outside, parts, strict=True)
            ]
        rest, spread = 1 - self.share, score.spread
        mass, first, second, *raw = inside
        dropped = [
            y + rest * x for x, y in zip((mass, *raw), (outside[0], *outside[3:]), strict=True)
        ]
        # The moments of a point mass are those of its center.
        point, center = spread == 0, score.center
        return TruncatedMoments(
            Moments(
                self.share * mass,
                self.share * spread * first,
                self.share * spread * spread * second,
            ),
            Moments(
                dropped[0],
                arithmetic.where(point, center * dropped[0], dropped[1]),
                arithmetic.where(point, center * center * dropped[0], dropped[2]),
            ),
        )

    def boundary(self, score: Score, arithmetic: Arithmetic) -> tuple[Array, Array]:
        """As `boundary_moments`."""
        level, rise = 0 * self.share, 0 * self.share
        for low, high, kept in self.standardized(score, arithmetic):
            first = arithmetic.normal_density(low) - arithmetic.normal_density(high)
            second = arithmetic.moment_density(low) - arithmetic.moment_density(high)
            level = level + arithmetic.where(kept, first, 0)
            rise = rise + arithmetic.where(kept, second, 0)
        wide = score.spread > 0
        return arithmetic.where(wide, level, 0), arithmetic.where(wide, rise, 0)


class Cut(NamedTuple):
    """The threshold as a group sees it: weights with ``|Y| > value`` are kept.

    `gap` is ``value - center``, computed from the threshold's offset where that is more accurate.
    """

    value: Array
    gap: Array

    def standardized(self, score: Score) -> "StandardCut":
        """The cut in units of the spread of each group."""
        return StandardCut(
            self.gap / score.spread, self.value / score.spread, score.center / score.spread
        )


class StandardCut(NamedTuple):
    """A cut in units of the spread: ``h = T/s``, ``center = c/s`` and ``u = (T - c)/s``.

    `u` comes from `Cut.gap`, and so may be more accurate than the difference ``h - center``.
    """

    u: Array
    h: Array
    center: Array


class Moments(NamedTuple):
    """Mass, first and second moment over the kept or the dropped part of a group."""

    mass: Array
    first: Array
    second: Array


class TruncatedMoments(NamedTuple):
    """Moments over the kept and over the dropped part of each group, as arrays with groups last."""

    #: Moments of ``Y - center`` over the weights kept.
    kept: Moments
    #: Moments of ``Y`` over the weights dropped.
    dropped: Moments


def truncated_moments(
    score: Score, threshold: Threshold | Cuts, arithmetic: Arithmetic = FLOAT64
) -> TruncatedMoments:
    """Moments of ``Y`` over the kept and over the dropped weights of each group."""
    if isinstance(threshold, Cuts):
        return threshold.moments(score, arithmetic)
    cut = cut_of(score, threshold, arithmetic)

    def of_points() -> tuple[Array, ...]:
        # Y is the constant c: its central moments vanish, its raw ones are c and c².
        center = score.center
        kept, dropped = point_shares(cut, threshold, arithmetic)
        return kept, 0 * kept, 0 * kept, dropped, center * dropped, center * center * dropped

    def of_spread() -> tuple[Array, ...]:
        standard = cut.standardized(_widened(score, arithmetic))
        variance = score.spread * score.spread
        mass = part_mass(standard, False, arithmetic)
        u, l = standard.u, standard.h + standard.center
        first = arithmetic.normal_density(u) - arithmetic.normal_density(l)
        second = mass + arithmetic.moment_density(u) + arithmetic.moment_density(l)
        dropped, dropped_first, dropped_second = arithmetic.interval_moments(
            standard.h, standard.center, standard.u
        )
        return (
            mass,
            score.spread * first,
            variance * second,
            dropped,
            score.spread * dropped_first,
            variance * dropped_second,
        )

    moments = arithmetic.choose(score.spread == 0, of_points, of_spread)
    return TruncatedMoments(Moments(*moments[:3]), Moments(*moments[3:]))


def boundary_moments(
    score: Score, threshold: Threshold | Cuts, arithmetic: Arithmetic = FLOAT64
) -> tuple[Array, Array]:
    r"""E[z; kept] and E[z² - 1; kept] of ``z = (Y - center)/spread``.

    They are :math:`\varphi(u)-\varphi(l)` and :math:`u\varphi(u)+l\varphi(l)`: by Stein's lemma the
    boundary of the kept part alone tells them.  A point mass has none.
    """
    if isinstance(threshold, Cuts):
        return threshold.boundary(score, arithmetic)
    standard = cut_of(score, threshold, arithmetic).standardized(_widened(score, arithmetic))
    u, l = standard.u, standard.h + standard.center
    wide = score.spread > 0
    first = arithmetic.normal_density(u) - arithmetic.normal_density(l)
    second = arithmetic.moment_density(u) + arithmetic.moment_density(l)
    return arithmetic.where(wide, first, 0), arithmetic.where(wide, second, 0)


def cut_of(score: Score, threshold: Threshold, arithmetic: Arithmetic = FLOAT64) -> Cut:
    """The threshold as each group sees it: ``T = t / scale`` and ``T - center``."""
    anchor, offset = map(arithmetic.column, (threshold.anchor, threshold.offset))
    offset = offset / score.scale
    if not arithmetic.any(anchor != 0):
        return Cut(offset, offset - score.center)
    origin = anchor / score.scale
    # T - c = (anchor/scale - c) + offset/scale.  For the group whose centre is the anchor, and for
    # groups tied with it, the bracket is zero but for rounding errors: it is left out.
    distance = origin - score.center
    tied = abs(distance) <= 8 * arithmetic.rounding * score.center
    return Cut(origin + offset, arithmetic.where(tied, offset, distance + offset))


def part_mass(cut: StandardCut, inside: Any, arithmetic: Arithmetic = FLOAT64) -> Array:
    r""":math:`P(|Y|<T) = Q(-u)-Q(l)` where `inside`, else :math:`P(|Y|>T) = Q(u)+Q(l)`."""
    return arithmetic.part_mass(inside, cut.h, cut.center, cut.u)


def density(cut: StandardCut, arithmetic: Arithmetic = FLOAT64) -> Array:
    r"""Density :math:`\varphi(u)+\varphi(l)` of ``|Y|`` at the cut, in units of the spread."""
    return arithmetic.normal_density(cut.u) + arithmetic.normal_density(cut.h + cut.center)


def point_shares(
    cut: Cut, threshold: Threshold, arithmetic: Arithmetic = FLOAT64
) -> tuple[Array, Array]:
    """Shares of a point mass that are kept and dropped.

    Above the threshold all of it is kept, below it all is dropped.  At the threshold the share
    kept is `Threshold.tie`, and the share dropped is `Threshold.dropped_tie`.  The second is not
    computed as ``1 - tie`` because it would lose digits where almost all is kept.
    """
    kept = arithmetic.step_down(cut.gap)
    dropped = 1 - kept
    if not arithmetic.any(threshold.tie != 0):
        return kept, dropped
    dropped_tie = 1 - threshold.tie if threshold.dropped_tie is None else threshold.dropped_tie
    tie, dropped_tie = map(arithmetic.column, (threshold.tie, dropped_tie))
    at = (cut.gap == 0) & (tie != 0)
    return arithmetic.where(at, tie, kept), arithmetic.where(at, dropped_tie, dropped)


def part_masses(
    score: Score, threshold: Threshold, inside: Any, arithmetic: Arithmetic = FLOAT64
) -> tuple[Array, Array]:
    """Per group, the mass below the threshold where `inside`, else the mass above; and a density.

    The density is that of the score at the threshold, 0 for a point mass.  Weights of score 0 are
    in neither mass.
    """
    cut = cut_of(score, threshold, arithmetic)

    def of_points() -> tuple[Array, ...]:
        kept, dropped = point_shares(cut, threshold, arithmetic)
        (mass,) = arithmetic.choose(
            inside,
            lambda: (arithmetic.where(score.center > 0, dropped, 0),),
            lambda: (kept,),
        )
        return mass, 0 * kept

    def of_spread() -> tuple[Array, ...]:
        wide = _widened(score, arithmetic)
        standard = cut.standardized(wide)
        mass = part_mass(standard, inside, arithmetic)
        # The density of the score Λ^q|Y| is that of |Y| in standard units over s Λ^q.
        return mass, density(standard, arithmetic) / (wide.spread * wide.scale)

    mass, slope = arithmetic.choose(score.spread == 0, of_points, of_spread)
    return mass, slope


def _widened(score: Score, arithmetic: Arithmetic) -> Score:
    """The score with spread 1 in place of 0, to divide by.

    `Arithmetic.choose` evaluates both of its branches for a grid with point masses and wider
    groups; it discards these results for the point masses.
    """
    if not arithmetic.any(score.spread == 0):
        return score
    return score._replace(spread=arithmetic.where(score.spread == 0, 1, score.spread))
