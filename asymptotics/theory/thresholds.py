r"""Stage 4: the threshold ``t`` with :math:`P(\Lambda^q|Y| > t) = \alpha`.

Groups are divided by their centres into those seen as kept whole and those seen as dropped whole,
and the equation is about the exceptions in both, which no group loses digits in:

.. math:: \sum_{dropped} w P(|Y|>T) - \sum_{kept} w P(|Y|<T) = \alpha - \sum_{kept} w.

So its relative accuracy holds for any :math:`\alpha`, also where the fraction above ``t`` is all
but constant: between groups that together weigh :math:`\alpha` and the rest far below.  Where the
score has an atom at ``t``, tied weights are kept at random so that exactly :math:`\alpha` is kept.
Scores of point masses that agree but for a few roundings of the arithmetic are tied.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..parameters import own_or_checked
from .rules import Score
from .truncated_gaussian import Threshold, cut_of, part_masses

#: A group this many times farther from zero than it is wide sees the threshold as an offset.
_SHARP = 1000
#: Groups nearer to zero than so many times their width leave no gap for the threshold to lie in.
_APART = 4
#: From so many groups on, a thinned population gives the first guess.
_MANY = 1 << 16


class _Divided(NamedTuple):
    """A score whose groups are divided into those seen as kept whole, and the rest."""

    weight: Array
    scale: Array
    center: Array
    spread: Array
    whole: Array

    @property
    def score(self) -> Score:
        return Score(*self[:4])


def threshold(score: Score, alpha: Any, arithmetic: Arithmetic = FLOAT64) -> Threshold:
    r"""The threshold above which a fraction `alpha` of all weights lies.

    It is 0 where `alpha` reaches the fraction of positive scores (weights of score 0 then tie) and
    infinite at ``alpha = 0``.

    Raises `InvalidInput` for `alpha` outside [0, 1].
    """
    return threshold_at(score, own_or_checked("alpha", alpha, arithmetic), arithmetic)


@QUIET
def threshold_at(score: Score, alpha: Array, arithmetic: Arithmetic) -> Threshold:
    """The threshold at an `alpha` that was checked: exact, or a number of the arithmetic."""
    alpha = arithmetic.taken(alpha)
    positive = (score.center + score.spread > 0) & (score.weight > 0)

    def integrand(part: Score) -> tuple[Array, ...]:
        of_part = part.center + part.spread > 0
        return arithmetic.where(of_part, 1, 0), arithmetic.where(of_part, 0, 1)

    scored, unscored = arithmetic.expect(integrand, score)
    # Exactly 1, whatever the weights sum to, where all weights are of one kind.
    scored, unscored = (
        arithmetic.where(unscored > 0, scored, 1),
        arithmetic.where(scored > 0, unscored, 1),
    )
    # What is scored beyond alpha, from the smaller part of the weights, which is rounded less.
    rest = arithmetic.where(
        arithmetic.beyond(scored, unscored), (1 - alpha) - unscored, scored - alpha
    )
    solve = (alpha > 0) & (rest > 0)

    keep, drop = (
        arithmetic.where(solve, arithmetic.ratio(part, scored), arithmetic.array(1) / 2)
        for part in (alpha, rest)
    )
    divided, excess = _divided(score, positive, alpha, rest, arithmetic)
    excess = arithmetic.where(solve, excess, 1)
    over = arithmetic.maximum(excess, 0)
    under = over - excess

    def equation(cut: Threshold, rate: Array) -> tuple[Array, Array]:
        """Log of what is kept too much over what is dropped too much, and its slope.

        Beside the exceptions each has its side of the `excess`; `rate` is that of the threshold.
        """

        def exceptions(part: _Divided) -> tuple[Array, ...]:
            mass, density = part_masses(part.score, cut, part.whole, arithmetic)
            return (
                arithmetic.where(part.whole, 0, mass),
                arithmetic.where(part.whole, 0, density),
                arithmetic.where(part.whole, mass, 0),
                arithmetic.where(part.whole, density, 0),
            )

        kept, kept_rate, dropped, dropped_rate = arithmetic.expect(exceptions, divided)
        kept = arithmetic.maximum(kept, arithmetic.tiny) + over
        dropped = arithmetic.maximum(dropped, arithmetic.tiny) + under
        # Below the least number nothing is known of how they change.
        known = arithmetic.beyond(arithmetic.minimum(kept, dropped), arithmetic.tiny)
        slope = arithmetic.where(known, kept_rate / kept + dropped_rate / dropped, 0)
        return arithmetic.log(kept / dropped), -rate * slope

    def at(log_t: Array) -> tuple[Array, Array]:
        t = arithmetic.exp(log_t)
        return equation(Threshold(0 * t, t, 0 * t), t)

    # Among point masses alone the threshold is one of their scores, and no root.
    smooth = arithmetic.in_any_group(score.spread > 0)

    def root() -> tuple[Array, ...]:
        bracket = _bracket(score, positive, solve & smooth, keep, drop, arithmetic)
        return (arithmetic.root(at, *bracket, _guess(score, alpha, arithmetic)),)

    def quantile() -> tuple[Array, ...]:
        t = _quantile(score, alpha, arithmetic)
        return (arithmetic.log(arithmetic.where(solve & ~smooth, t, 1)),)

    (log_t,) = arithmetic.choose(smooth, root, quantile)
    cut = Threshold(0 * log_t, arithmetic.exp(log_t), 0 * log_t, 0 * log_t + 1)
    precision = 64 * arithmetic.eps * arithmetic.maximum(abs(log_t), 1)
    cut = _offset_from_sharp_group(score, cut, precision, equation, arithmetic)
    cut = _tie(score, cut, alpha, rest, precision, arithmetic)

    # Where all positive scores are kept, weights of score 0 make up for the rest.
    zero_tie = arithmetic.ratio(-rest, unscored, otherwise=1)
    dropped_tie = arithmetic.ratio(1 - alpha, unscored, otherwise=0)
    ends = arithmetic.where(alpha > 0, 0, arithmetic.infinity)
    return Threshold(
        arithmetic.where(solve, cut.anchor, 0),
        arithmetic.where(solve, cut.offset, arithmetic.where(rest > 0, ends, 0)),
        arithmetic.where(solve, cut.tie, arithmetic.where(rest > 0, 0, zero_tie)),
        arithmetic.where(solve, cut.dropped_tie, arithmetic.where(rest > 0, 1, dropped_tie)),
    )


def _divided(
    score: Score, positive: Array, alpha: Array, rest: Array, arithmetic: Arithmetic
) -> tuple[_Divided, Array]:
    """The groups divided by their centres, and how much those kept whole weigh beyond `alpha`.

    Any division is right.  All or none are whole, as the smaller part, kept or dropped, is better
    known; or, where groups lie apart from zero, those that weigh nearest to `alpha`.
    """
    height = arithmetic.plain(score.scale * score.center)  # a choice has no slopes

    def divided(lowest: Array) -> _Divided:
        whole = positive & ~arithmetic.beyond(arithmetic.column(lowest), height)
        return _Divided(*score, whole)

    most = arithmetic.beyond(alpha, rest)
    lowest = arithmetic.where(most, 0, arithmetic.infinity)
    excess = arithmetic.where(most, rest, -alpha)
    apart = arithmetic.in_any_group(arithmetic.beyond(score.center, _APART * score.spread))
    if not apart.any():
        return divided(lowest), excess
    step = _MANY // 256 if score.weight.size >= _MANY else 1
    between = arithmetic.nearest_quantile(
        height[..., ::step], step * score.weight[..., ::step], arithmetic.plain(alpha)
    )

    def integrand(part: _Divided) -> tuple[Array, ...]:
        scored = part.center + part.spread > 0
        return arithmetic.where(part.whole, 1, 0), arithmetic.where(scored & ~part.whole, 1, 0)

    whole, others = arithmetic.expect(integrand, divided(between))
    # Of what is kept and what is dropped, the smaller is rounded less.
    beyond = arithmetic.where(most, rest - others, whole - alpha)
    nearer = apart & arithmetic.beyond(abs(excess), abs(beyond))
    return (
        divided(arithmetic.where(nearer, between, lowest)),
        arithmetic.where(nearer, beyond, excess),
    )


def _quantile(score: Score, alpha: Array, arithmetic: Arithmetic) -> Array:
    """Among point masses alone, the score down to which `alpha` of the weights lie."""
    positive = score.center > 0
    height = arithmetic.where(positive, score.scale * score.center, arithmetic.infinity)
    lowest = arithmetic.over_groups("min", height)[..., None]
    weight = arithmetic.where(positive, score.weight, 0)
    return arithmetic.quantile(arithmetic.where(positive, height, lowest), weight, alpha)


def _guess(score: Score, alpha: Array, arithmetic: Arithmetic) -> Array | None:
    """The log threshold to start from: of floats, or of a thinned population of many groups."""
    if arithmetic.slow:
        floats = Score(*map(arithmetic.floats, score))
        t = threshold_at(floats, arithmetic.floats(alpha), FLOAT64).value
        return arithmetic.log_guess(t)
    if score.weight.size < _MANY:
        return None
    thin = Score(*(column[..., :: _MANY // 256] for column in score))
    (total,) = arithmetic.expect(lambda part: (part.weight * 0 + 1,), thin)
    if not arithmetic.all(total > 0):
        return None
    thin = thin._replace(weight=thin.weight / total)
    t = threshold_at(thin, alpha, arithmetic).value
    return arithmetic.log(arithmetic.where((t > 0) & (t < arithmetic.infinity), t, 1))


def _bracket(
    score: Score, positive: Array, solve: Array, keep: Array, drop: Array, arithmetic: Arithmetic
) -> tuple[Array, Array]:
    r"""Bounds of log t.

    At the lower one every group of positive score keeps at least its share, at the upper one at
    most: by :math:`Q(z)\le e^{-z^2/2}/2` and :math:`P(|Y|<T)\le 2T\varphi(0)/spread`.
    """
    keep_z, drop_z = (
        arithmetic.column(arithmetic.sqrt(-2 * arithmetic.log(part))) for part in (keep, drop)
    )
    largest = score.scale * (score.center + keep_z * score.spread)
    smallest = score.scale * arithmetic.maximum(
        score.center - drop_z * score.spread, arithmetic.column(drop) * score.spread * 5 / 4
    )
    upper = arithmetic.over_groups("max", arithmetic.where(positive, largest, 0))
    lower = arithmetic.over_groups("min", arithmetic.where(positive, smallest, arithmetic.infinity))
    return (
        arithmetic.log(arithmetic.where(solve, lower, 1)),
        arithmetic.log(arithmetic.where(solve, upper, 1)),
    )


def _offset_from_sharp_group(
    score: Score,
    cut: Threshold,
    precision: Array,
    equation: Callable[[Threshold, Array], tuple[Array, Array]],
    arithmetic: Arithmetic,
) -> Threshold:
    """The threshold again, as an offset from a group so narrow that ``t`` itself is too coarse."""
    if arithmetic.rounding == 0:  # more digits will tell them apart
        return cut
    sharp = (score.spread > 0) & (score.spread * _SHARP < score.center)
    if not arithmetic.any(sharp):
        return cut
    center, spread, scale, gap = _nearest(score, sharp, cut.value, precision, arithmetic)
    near = abs(gap) <= 50 * arithmetic.maximum(spread, precision * center)
    within = arithmetic.in_any_group(sharp) & near
    wide = arithmetic.where(within, spread, 1)
    unit = scale * wide
    origin = arithmetic.where(within, gap / wide, 0)
    reach = arithmetic.where(within, 1 + precision * center / wide, 0)

    def at(z: Array) -> tuple[Array, Array]:
        return equation(Threshold(scale * center, unit * z, cut.tie), unit)

    z = arithmetic.root(at, origin - reach, origin + reach)
    return Threshold(
        arithmetic.where(within, scale * center, cut.anchor),
        arithmetic.where(within, unit * z, cut.offset),
        cut.tie,
        cut.dropped_tie,
    )


def _tie(
    score: Score,
    cut: Threshold,
    alpha: Array,
    rest: Array,
    precision: Array,
    arithmetic: Arithmetic,
) -> Threshold:
    """The threshold moved onto the point mass that it has met, if any, with its share kept."""
    point = (score.spread == 0) & (score.center > 0)
    if not arithmetic.any(point):
        return cut
    center, _, scale, gap = _nearest(score, point, cut.value, precision, arithmetic)
    near = arithmetic.in_any_group(point) & ~arithmetic.beyond(abs(gap), precision * center)
    if not arithmetic.any(near):
        return cut
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
    few_kept = ~arithmetic.beyond(alpha, rest)
    # The smaller part, of what is kept and what is dropped, tells the share of it best.
    share = arithmetic.where(few_kept, alpha - above, rest - below)
    share = arithmetic.minimum(1, arithmetic.maximum(0, arithmetic.ratio(share, tied)))
    tie = arithmetic.where(few_kept, share, 1 - share)
    dropped_tie = arithmetic.where(few_kept, 1 - share, share)
    return Threshold(
        arithmetic.where(met, snapped.anchor, cut.anchor),
        arithmetic.where(met, 0, cut.offset),
        arithmetic.where(met, tie, cut.tie),
        arithmetic.where(met, dropped_tie, cut.dropped_tie),
    )


def _nearest(
    score: Score, among: Array, t: Array, precision: Array, arithmetic: Arithmetic
) -> tuple[Array, Array, Array, Array]:
    """Centre, spread and scale of the group nearest to `t`, and how far `t` lies beyond it.

    Nearest in units of its spread, or of the `precision` to which `t` is known if that is coarser.
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
