r"""Stage 4: the threshold ``t`` with :math:`P(\Lambda^q|Y| > t) = \alpha`.

**The equation.**  Each group is first counted as kept or as dropped, by its centre alone.  Let K be
the groups counted as kept and D those counted as dropped.  The fraction kept at ``t`` is the weight
of K, less the mass of K that lies below ``t``, plus the mass of D that lies above.  With
:math:`T = t/\Lambda^q`, the threshold as a group sees it, the equation to solve is

.. math:: \sum_{D} w\,P(|Y|>T) - \sum_{K} w\,P(|Y|<T) = \alpha - \sum_{K} w .

Any choice of K and D gives the same root.  A good one makes every term small, so that none of them
loses digits to cancellation.  This matters where the fraction above ``t`` is nearly constant in
``t``: between groups that together weigh :math:`\alpha` and groups that lie far below.

**Atoms.**  Where the score has an atom at ``t``, a random part of the tied weights is kept, so that
exactly :math:`\alpha` is kept in all.  Point masses whose scores differ by no more than a few
rounding errors are treated as tied.
"""

from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..parameters import own_or_checked
from .rules import Score
from .truncated_gaussian import Threshold, cut_of, part_masses

#: A group is sharp if its centre is more than this many spreads from zero.  The threshold near a
#: sharp group is solved for again, as an offset from the centre of the group.
_SHARP = 1000
#: A group is apart from zero if its centre is more than this many spreads from zero.  Only such
#: groups can leave a gap in the law of the scores, in which the threshold then lies.
_APART = 4
#: With at least this many groups, a thinned population gives the first guess of the threshold.
_MANY = 1 << 16
#: About this many groups remain when a population of `_MANY` or more is thinned.
_THINNED = 256


class _SplitScore(NamedTuple):
    """A `Score` whose groups are split into those counted as kept and those counted as dropped."""

    weight: Array
    scale: Array
    center: Array
    spread: Array
    counted_kept: Array

    @property
    def score(self) -> Score:
        return Score(*self[:4])


class _Balance(NamedTuple):
    r"""The equation of the threshold, in a form without cancellation.

    With `excess` :math:`e = \sum_K w - \alpha`, `surplus` :math:`e_+` and `deficit` :math:`e_-`,

    .. math:: \sum_D w\,P(|Y|>T) + e_+ = \sum_K w\,P(|Y|<T) + e_- .

    The left side is what is kept beyond `alpha`, the right side what is dropped beyond
    ``1 - alpha``.  Both are sums of non-negative terms.
    """

    split: _SplitScore
    surplus: Array
    deficit: Array
    arithmetic: Arithmetic

    def log_ratio(self, threshold: Threshold, rate: Array) -> tuple[Array, Array]:
        """The log of the left side over the right side, and its slope.

        The ratio falls as the threshold rises.  `rate` is the derivative of the threshold in the
        variable that the caller solves for; the slope is the derivative in that variable.
        """
        arithmetic = self.arithmetic

        def exceptions(part: _SplitScore) -> tuple[Array, ...]:
            # The weights on the other side of the threshold from how their group is counted.
            mass, density = part_masses(part.score, threshold, part.counted_kept, arithmetic)
            return (
                arithmetic.where(part.counted_kept, 0, mass),
                arithmetic.where(part.counted_kept, 0, density),
                arithmetic.where(part.counted_kept, mass, 0),
                arithmetic.where(part.counted_kept, density, 0),
            )

        kept, kept_rate, dropped, dropped_rate = arithmetic.expect(exceptions, self.split)
        # `tiny` keeps the logarithm finite where a mass underflows.
        kept = arithmetic.maximum(kept, arithmetic.tiny) + self.surplus
        dropped = arithmetic.maximum(dropped, arithmetic.tiny) + self.deficit
        # A side that is no more than `tiny` says nothing about its slope.  A slope of 0 makes the
        # root finder halve its bracket instead of taking a Newton step.
        known = arithmetic.beyond(arithmetic.minimum(kept, dropped), arithmetic.tiny)
        slope = arithmetic.where(known, kept_rate / kept + dropped_rate / dropped, 0)
        return arithmetic.log(kept / dropped), -rate * slope

    def at_log(self, log_t: Array) -> tuple[Array, Array]:
        """The log ratio at ``t = exp(log_t)``, and its slope in ``log_t``: dt/d(log t) = t."""
        t = self.arithmetic.exp(log_t)
        return self.log_ratio(Threshold(0 * t, t, 0 * t), t)


def threshold(score: Score, alpha: Any, arithmetic: Arithmetic = FLOAT64) -> Threshold:
    r"""The threshold above which a fraction `alpha` of all weights lies.

    It is 0 where `alpha` reaches the fraction of positive scores, and infinite at ``alpha = 0``.
    At threshold 0 the weights of score 0 are tied.

    Raises `InvalidInput` for `alpha` outside [0, 1].
    """
    return threshold_at(score, own_or_checked("alpha", alpha, arithmetic), arithmetic)


@QUIET
def threshold_at(score: Score, alpha: Array, arithmetic: Arithmetic) -> Threshold:
    """The threshold at a checked `alpha`: an exact number, or one of the arithmetic."""
    alpha = arithmetic.taken(alpha)
    scored, unscored = _scored_fractions(score, arithmetic)
    # The weights of positive score that must be dropped: scored - alpha.  Since scored + unscored
    # is 1, it is also (1 - alpha) - unscored.  The form with the smaller fraction rounds less.
    to_drop = arithmetic.where(
        arithmetic.beyond(scored, unscored), (1 - alpha) - unscored, scored - alpha
    )
    # Elsewhere the threshold is 0 or infinite, and the solution below is not used.
    interior = (alpha > 0) & (to_drop > 0)
    candidate = _interior_threshold(score, alpha, scored, to_drop, interior, arithmetic)

    # Where all positive scores are kept, alpha - scored = -to_drop must come from score 0.
    zero_tie = arithmetic.ratio(-to_drop, unscored, otherwise=1)
    zero_dropped_tie = arithmetic.ratio(1 - alpha, unscored, otherwise=0)
    ends = arithmetic.where(alpha > 0, 0, arithmetic.infinity)
    some_dropped = to_drop > 0
    return Threshold(
        arithmetic.where(interior, candidate.anchor, 0),
        arithmetic.where(interior, candidate.offset, arithmetic.where(some_dropped, ends, 0)),
        arithmetic.where(interior, candidate.tie, arithmetic.where(some_dropped, 0, zero_tie)),
        arithmetic.where(
            interior,
            candidate.dropped_tie,
            arithmetic.where(some_dropped, 1, zero_dropped_tie),
        ),
    )


def _scored_fractions(score: Score, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """Fractions of the weights whose score is positive, and whose score is 0."""

    def integrand(part: Score) -> tuple[Array, ...]:
        positive = part.center + part.spread > 0
        return arithmetic.where(positive, 1, 0), arithmetic.where(positive, 0, 1)

    scored, unscored = arithmetic.expect(integrand, score)
    # The computed weights may sum to 1 plus a rounding error.  Where all weights are of one kind,
    # their fraction must be exactly 1.
    return (
        arithmetic.where(unscored > 0, scored, 1),
        arithmetic.where(scored > 0, unscored, 1),
    )


def _interior_threshold(
    score: Score,
    alpha: Array,
    scored: Array,
    to_drop: Array,
    interior: Array,
    arithmetic: Arithmetic,
) -> Threshold:
    """The threshold where it is positive and finite; elsewhere in the grid, any value."""
    positive = (score.center + score.spread > 0) & (score.weight > 0)
    # Shares of the weights of positive score.
    kept_share, dropped_share = (
        arithmetic.where(interior, arithmetic.ratio(part, scored), arithmetic.array(1) / 2)
        for part in (alpha, to_drop)
    )
    split, excess = _split(score, positive, alpha, to_drop, arithmetic)
    excess = arithmetic.where(interior, excess, 1)
    surplus = arithmetic.maximum(excess, 0)
    balance = _Balance(split, surplus, surplus - excess, arithmetic)

    # With point masses alone the fraction kept is a step function of t: the threshold is the score
    # of one of them, a quantile, and solves no equation.
    smooth = arithmetic.in_any_group(score.spread > 0)

    def root() -> tuple[Array, ...]:
        solved = interior & smooth
        bracket = _bracket(score, positive, solved, kept_share, dropped_share, arithmetic)
        return (arithmetic.root(balance.at_log, *bracket, _guess(score, alpha, arithmetic)),)

    def quantile() -> tuple[Array, ...]:
        t = _quantile(score, alpha, arithmetic)
        return (arithmetic.log(arithmetic.where(interior & ~smooth, t, 1)),)

    (log_t,) = arithmetic.choose(smooth, root, quantile)
    candidate = Threshold(0 * log_t, arithmetic.exp(log_t), 0 * log_t, 0 * log_t + 1)
    # The relative error of t: that of exp(log t) grows with |log t|.
    precision = 64 * arithmetic.eps * arithmetic.maximum(abs(log_t), 1)
    candidate = _offset_from_sharp_group(score, candidate, precision, balance, arithmetic)
    return _tied_with_point_mass(score, candidate, alpha, to_drop, precision, arithmetic)


def _split(
    score: Score, positive: Array, alpha: Array, to_drop: Array, arithmetic: Arithmetic
) -> tuple[_SplitScore, Array]:
    """The groups split by their centres, and the excess, the weight of K less `alpha`.

    Three splits compete: all groups counted as kept (excess `to_drop`), all counted as dropped
    (excess ``-alpha``), and, where groups lie apart from zero, the one whose K weighs nearest to
    `alpha`.  The split of smallest excess is chosen, because the equation then has the smallest
    terms.
    """
    # The score at the centre of each group.  The split is constant, so it carries no derivatives.
    central = arithmetic.plain(score.scale * score.center)

    def split_at(lowest: Array) -> _SplitScore:
        counted_kept = positive & ~arithmetic.beyond(arithmetic.column(lowest), central)
        return _SplitScore(*score, counted_kept)

    mostly_kept = arithmetic.beyond(alpha, to_drop)
    # A split at 0 counts all groups as kept, a split at infinity counts all as dropped.
    lowest = arithmetic.where(mostly_kept, 0, arithmetic.infinity)
    excess = arithmetic.where(mostly_kept, to_drop, -alpha)
    apart = arithmetic.in_any_group(arithmetic.beyond(score.center, _APART * score.spread))
    if not apart.any():
        return split_at(lowest), excess
    # Any split is right, so every `step`-th group of a large population is enough to find one.
    step = _MANY // _THINNED if score.weight.size >= _MANY else 1
    between = arithmetic.nearest_quantile(
        central[..., ::step], step * score.weight[..., ::step], arithmetic.plain(alpha)
    )

    def integrand(part: _SplitScore) -> tuple[Array, ...]:
        scored = part.center + part.spread > 0
        return (
            arithmetic.where(part.counted_kept, 1, 0),
            arithmetic.where(scored & ~part.counted_kept, 1, 0),
        )

    counted_kept, counted_dropped = arithmetic.expect(integrand, split_at(between))
    # The excess of this split in two equal forms, of which the one of smaller numbers rounds less.
    excess_between = arithmetic.where(mostly_kept, to_drop - counted_dropped, counted_kept - alpha)
    nearer = apart & arithmetic.beyond(abs(excess), abs(excess_between))
    return (
        split_at(arithmetic.where(nearer, between, lowest)),
        arithmetic.where(nearer, excess_between, excess),
    )


def _quantile(score: Score, alpha: Array, arithmetic: Arithmetic) -> Array:
    """The threshold among point masses alone: the score from which on upwards `alpha` lies."""
    positive = score.center > 0
    central = arithmetic.where(positive, score.scale * score.center, arithmetic.infinity)
    lowest = arithmetic.over_groups("min", central)[..., None]
    # Groups of score 0 get no weight, and a score that does not change the order of the others.
    weight = arithmetic.where(positive, score.weight, 0)
    return arithmetic.quantile(arithmetic.where(positive, central, lowest), weight, alpha)


def _guess(score: Score, alpha: Array, arithmetic: Arithmetic) -> Array | None:
    """The log threshold to start from, or None to start in the middle of the bracket.

    An arithmetic of slow operations starts from the threshold in floats; a population of many
    groups starts from the threshold of a thinned one.
    """
    if arithmetic.slow:
        floats = Score(*map(arithmetic.floats, score))
        t = threshold_at(floats, arithmetic.floats(alpha), FLOAT64).value
        return arithmetic.log_guess(t)
    if score.weight.size < _MANY:
        return None
    thin = Score(*(column[..., :: _MANY // _THINNED] for column in score))
    (total,) = arithmetic.expect(lambda part: (part.weight * 0 + 1,), thin)
    if not arithmetic.all(total > 0):
        return None
    thin = thin._replace(weight=thin.weight / total)
    t = threshold_at(thin, alpha, arithmetic).value
    return arithmetic.log(arithmetic.where((t > 0) & (t < arithmetic.infinity), t, 1))


def _bracket(
    score: Score,
    positive: Array,
    solved: Array,
    kept_share: Array,
    dropped_share: Array,
    arithmetic: Arithmetic,
) -> tuple[Array, Array]:
    r"""Bounds of log t, 0 where the threshold is not `solved` for.

    Let a and d be `kept_share` and `dropped_share`, with :math:`a + d = 1`.  At the upper bound
    every group keeps at most the share a: :math:`Q(z)\le e^{-z^2/2}/2` gives
    :math:`P(|Y|>c+sz)\le 2Q(z)\le a` at :math:`z=\sqrt{-2\log a}`.  At the lower bound every group
    drops at most the share d: by the same tail bound at :math:`T = c - s\sqrt{-2\log d}`, and by
    :math:`P(|Y|<T)\le 2T\varphi(0)/s\le d` at :math:`T = \tfrac54 ds`.
    """
    kept_z, dropped_z = (
        arithmetic.column(arithmetic.sqrt(-2 * arithmetic.log(part)))
        for part in (kept_share, dropped_share)
    )
    largest = score.scale * (score.center + kept_z * score.spread)
    smallest = score.scale * arithmetic.maximum(
        score.center - dropped_z * score.spread,
        arithmetic.column(dropped_share) * score.spread * 5 / 4,
    )
    upper = arithmetic.over_groups("max", arithmetic.where(positive, largest, 0))
    lower = arithmetic.over_groups("min", arithmetic.where(positive, smallest, arithmetic.infinity))
    return (
        arithmetic.log(arithmetic.where(solved, lower, 1)),
        arithmetic.log(arithmetic.where(solved, upper, 1)),
    )


def _offset_from_sharp_group(
    score: Score,
    candidate: Threshold,
    precision: Array,
    balance: _Balance,
    arithmetic: Arithmetic,
) -> Threshold:
    """The candidate, solved for again as an offset from the centre of a sharp group nearby.

    A sharp group is so narrow that rounding ``t`` moves it across a noticeable part of the group.
    The equation is solved in ``z``, with ``t = scale * (center + z * spread)``: the offset
    ``scale * z * spread`` keeps its relative accuracy however small it is.
    """
    if arithmetic.rounding == 0:  # such an arithmetic gets more digits instead
        return candidate
    sharp = (score.spread > 0) & (score.spread * _SHARP < score.center)
    if not arithmetic.any(sharp):
        return candidate
    center, spread, scale, gap = _nearest(score, sharp, candidate.value, precision, arithmetic)
    near = abs(gap) <= 50 * arithmetic.maximum(spread, precision * center)
    within = arithmetic.in_any_group(sharp) & near
    wide = arithmetic.where(within, spread, 1)
    unit = scale * wide
    # The candidate is z = origin, and off by its rounding: bracket the root around it.
    origin = arithmetic.where(within, gap / wide, 0)
    reach = arithmetic.where(within, 1 + precision * center / wide, 0)

    def at(z: Array) -> tuple[Array, Array]:
        return balance.log_ratio(Threshold(scale * center, unit * z, candidate.tie), unit)

    z = arithmetic.root(at, origin - reach, origin + reach)
    return Threshold(
        arithmetic.where(within, scale * center, candidate.anchor),
        arithmetic.where(within, unit * z, candidate.offset),
        candidate.tie,
        candidate.dropped_tie,
    )


def _tied_with_point_mass(
    score: Score,
    candidate: Threshold,
    alpha: Array,
    to_drop: Array,
    precision: Array,
    arithmetic: Arithmetic,
) -> Threshold:
    r"""The candidate, moved onto the point mass that it meets, if any.

    Let :math:`A` be the mass above the point and :math:`P` that of all points tied with it.  If
    :math:`A\le\alpha\le A+P` the threshold is the score of the point, and the tied weights are kept
    with probability :math:`(\alpha-A)/P`.
    """
    point = (score.spread == 0) & (score.center > 0)
    if not arithmetic.any(point):
        return candidate
    center, _, scale, gap = _nearest(score, point, candidate.value, precision, arithmetic)
    near = arithmetic.in_any_group(point) & ~arithmetic.beyond(abs(gap), precision * center)
    if not arithmetic.any(near):
        return candidate
    # A threshold with tie 0, which keeps none of the tied weights.
    snapped = Threshold(scale * center, 0 * alpha, 0 * alpha)

    def integrand(part: Score) -> tuple[Array, ...]:
        above, _ = part_masses(part, snapped, False, arithmetic)
        below, _ = part_masses(part, snapped, True, arithmetic)
        tied = (part.spread == 0) & (cut_of(part, snapped, arithmetic).gap == 0)
        below = arithmetic.where(tied | (part.center + part.spread == 0), 0, below)
        return above, below, arithmetic.where(tied, 1, 0)

    above, below, tied = arithmetic.expect(integrand, score)
    rounding = 16 * arithmetic.rounding
    met = near & (above <= alpha + rounding) & (alpha <= above + tied + rounding)
    # The probability of keeping, (alpha - above) / tied, and that of dropping,
    # (to_drop - below) / tied.  Of the two, the one with the smaller numbers rounds less; the
    # other is its complement.
    few_kept = ~arithmetic.beyond(alpha, to_drop)
    share = arithmetic.where(few_kept, alpha - above, to_drop - below)
    share = arithmetic.minimum(1, arithmetic.maximum(0, arithmetic.ratio(share, tied)))
    tie = arithmetic.where(few_kept, share, 1 - share)
    dropped_tie = arithmetic.where(few_kept, 1 - share, share)
    return Threshold(
        arithmetic.where(met, snapped.anchor, candidate.anchor),
        arithmetic.where(met, 0, candidate.offset),
        arithmetic.where(met, tie, candidate.tie),
        arithmetic.where(met, dropped_tie, candidate.dropped_tie),
    )


def _nearest(
    score: Score, among: Array, t: Array, precision: Array, arithmetic: Arithmetic
) -> tuple[Array, Array, Array, Array]:
    """Centre, spread and scale of the group `among` some that is nearest to `t`, and its gap.

    The gap ``t / scale - center`` is how far `t` lies beyond the centre.  Distances are measured in
    spreads of the group, or in units of the `precision` of `t`, whichever is larger.
    """
    gap = arithmetic.column(t) / score.scale - score.center
    unit = arithmetic.maximum(score.spread, arithmetic.column(precision) * score.center)
    distance = abs(gap) / arithmetic.where(among, unit, 1)
    nearest = arithmetic.over_groups(
        "argmin", arithmetic.where(among, distance, arithmetic.infinity)
    )
    center, spread, scale, gap = (
        arithmetic.pick(x, nearest) for x in (score.center, score.spread, score.scale, gap)
    )
    return center, spread, scale, gap
