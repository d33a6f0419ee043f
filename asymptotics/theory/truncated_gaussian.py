r"""Stage 4: moments of the observation over the weights kept, and over those dropped.

Per group ``Y ~ N(center, spread²)``, kept when :math:`|Y|>T`, with :math:`T = t/\Lambda^q`.  With
``u = (T - center)/spread`` and ``l = (T + center)/spread``,

.. math:: P(kept) = Q(u) + Q(l),\quad E[(Y-c);kept] = s(\varphi(u)-\varphi(l)),\quad
          E[(Y-c)^2;kept] = s^2(P + u\varphi(u) + l\varphi(l)).

The dropped part is taken as raw moments over the interval, never as a difference from the whole:
few weights dropped must not cost digits.  A point mass (``spread = 0``) is kept, dropped, or, at
the threshold, kept with the probability `Threshold.tie`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array
from .rules import Score


class Threshold(NamedTuple):
    """The score above which weights are kept, ``t = anchor + offset``, on the grid.

    Near a point mass the threshold is told from it by the small `offset` alone, which keeps its
    relative accuracy; elsewhere `anchor` is 0.
    """

    anchor: Array
    offset: Array
    #: Probability of keeping a weight whose score equals the threshold.
    tie: Array
    #: Probability of dropping it, where that is known better than ``1 - tie``.
    dropped_tie: Array | None = None

    @property
    def value(self) -> Array:
        return self.anchor + self.offset

    def mapped(self, function: Callable[[Array], Array]) -> "Threshold":
        """The threshold with a function applied to each of its arrays."""
        dropped_tie = None if self.dropped_tie is None else function(self.dropped_tie)
        anchor, offset, tie = map(function, (self.anchor, self.offset, self.tie))
        return Threshold(anchor, offset, tie, dropped_tie)


class Cut(NamedTuple):
    """The threshold seen from a group: |Y| is cut at `value`, `gap` beyond the centre."""

    value: Array
    gap: Array

    def over(self, score: Score) -> "StandardCut":
        """In units of the group's spread."""
        return StandardCut(
            self.gap / score.spread, self.value / score.spread, score.center / score.spread
        )


class StandardCut(NamedTuple):
    """A cut in units of the spread: ``u = h - center``, known better than the difference."""

    u: Array
    h: Array
    center: Array


class Moments(NamedTuple):
    """Mass, first and second moment over a part of a group."""

    mass: Array
    first: Array
    second: Array


class TruncatedMoments(NamedTuple):
    """What `truncated_moments` returns; shapes as in the `Score`."""

    #: Moments of ``Y - center`` over the weights kept.
    kept: Moments
    #: Moments of ``Y`` over the weights dropped.
    dropped: Moments


def truncated_moments(
    score: Score, threshold: Threshold, arithmetic: Arithmetic = FLOAT64
) -> TruncatedMoments:
    """Moments of ``Y`` over the kept and over the dropped weights of each group."""
    cut = cut_of(score, threshold, arithmetic)

    def of_points() -> tuple[Array, ...]:
        center = score.center
        kept, rest = point_shares(cut, threshold, arithmetic)
        return kept, 0 * kept, 0 * kept, rest, center * rest, center * center * rest

    def of_spread() -> tuple[Array, ...]:
        standard, variance = cut.over(_widened(score, arithmetic)), score.spread * score.spread
        mass = part_mass(standard, False, arithmetic)
        u, l = standard.u, standard.h + standard.center
        first = arithmetic.normal_density(u) - arithmetic.normal_density(l)
        second = mass + arithmetic.moment_density(u) + arithmetic.moment_density(l)
        rest, rest_first, rest_second = arithmetic.interval_moments(
            standard.h, standard.center, standard.u
        )
        return (
            mass,
            score.spread * first,
            variance * second,
            rest,
            score.spread * rest_first,
            variance * rest_second,
        )

    moments = arithmetic.choose(score.spread == 0, of_points, of_spread)
    return TruncatedMoments(Moments(*moments[:3]), Moments(*moments[3:]))


def boundary_moments(
    score: Score, threshold: Threshold, arithmetic: Arithmetic = FLOAT64
) -> tuple[Array, Array]:
    r"""E[z; kept] and E[z² - 1; kept] of ``z = (Y - center)/spread``.

    They are :math:`\varphi(u)-\varphi(l)` and :math:`u\varphi(u)+l\varphi(l)`: by Stein's lemma the
    boundary of the kept part alone tells them.  A point mass has none.
    """
    standard = cut_of(score, threshold, arithmetic).over(_widened(score, arithmetic))
    u, l = standard.u, standard.h + standard.center
    wide = score.spread > 0
    first = arithmetic.normal_density(u) - arithmetic.normal_density(l)
    second = arithmetic.moment_density(u) + arithmetic.moment_density(l)
    return arithmetic.where(wide, first, 0), arithmetic.where(wide, second, 0)


def cut_of(score: Score, threshold: Threshold, arithmetic: Arithmetic = FLOAT64) -> Cut:
    """The threshold as each group sees it."""
    anchor, offset = map(arithmetic.column, (threshold.anchor, threshold.offset))
    offset = offset / score.scale
    if not arithmetic.any(anchor != 0):
        return Cut(offset, offset - score.center)
    origin = anchor / score.scale
    # The group anchored at, and those tied with it, see the offset alone.
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
    kept is `Threshold.tie`; the share dropped is passed beside it, so that it keeps its relative
    accuracy where almost all is kept.
    """
    kept = arithmetic.step_down(cut.gap)
    dropped = 1 - kept
    if not arithmetic.any(threshold.tie != 0):
        return kept, dropped
    rest = 1 - threshold.tie if threshold.dropped_tie is None else threshold.dropped_tie
    tie, rest = map(arithmetic.column, (threshold.tie, rest))
    at = (cut.gap == 0) & (tie != 0)
    return arithmetic.where(at, tie, kept), arithmetic.where(at, rest, dropped)


def part_masses(
    score: Score, threshold: Threshold, whole: Any, arithmetic: Arithmetic = FLOAT64
) -> tuple[Array, Array]:
    """Per group, the kept mass (the dropped where it is `whole`), and the density of scores.

    Weights whose score is 0 count in neither.
    """
    cut = cut_of(score, threshold, arithmetic)

    def of_points() -> tuple[Array, ...]:
        kept, dropped = point_shares(cut, threshold, arithmetic)
        (mass,) = arithmetic.choose(
            whole,
            lambda: (arithmetic.where(score.center > 0, dropped, 0),),
            lambda: (kept,),
        )
        return mass, 0 * kept

    def of_spread() -> tuple[Array, ...]:
        wide = _widened(score, arithmetic)
        standard = cut.over(wide)
        mass = part_mass(standard, whole, arithmetic)
        return mass, density(standard, arithmetic) / (wide.spread * wide.scale)

    mass, slope = arithmetic.choose(score.spread == 0, of_points, of_spread)
    return mass, slope


def _widened(score: Score, arithmetic: Arithmetic) -> Score:
    """The score with spread 1 in place of 0, for point masses that a `where` will replace."""
    if not arithmetic.any(score.spread == 0):
        return score
    return score._replace(spread=arithmetic.where(score.spread == 0, 1, score.spread))
