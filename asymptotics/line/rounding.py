r"""The error that rounding causes in a risk: this estimate decides if double precision suffices.

**Notation.**  A group sees the threshold t of the score as its cut :math:`T = t/\Lambda^q`, and
keeps the weights with :math:`|Y|>T`.  Its density at the cut is that of its scores at t.

The risk depends on the threshold through the weights whose score equals it.  Dropping such a weight
instead of keeping it changes the risk by

.. math:: D(y) = \Lambda\,(E[B^2|Y=y] - E[(B-X)^2|Y=y]),\qquad |y| = T .

Rounding moves weights across the threshold in two ways:

- The fraction kept misses :math:`\alpha` by some :math:`\delta\alpha`.  The weights concerned lie
  at the threshold, and each group has a part of them in proportion to its density there.  The error
  of the risk is :math:`\delta\alpha\,\bar D`, where :math:`\bar D` is the mean of D over weights
  at the threshold.
- A group sees the threshold at a wrong place, because the difference between T and its centre is
  rounded.  If that error is :math:`\delta u` spreads of the group, a mass
  :math:`w\varphi(u)\,\delta u` of its weights is misplaced.  Since the equation of the threshold
  holds for all groups together, an equal mass of other weights at the threshold is misplaced the
  other way, so that the error of the risk is this mass times :math:`|D-\bar D|`.  Groups whose
  scores differ by only a few rounding errors are treated as tied, although they may not be: the
  distance between them then adds to :math:`\delta u`.

The estimate is of first order, and adds up all errors as if they had the same sign.

Underflow is treated apart.  If a variance of a group underflows, all weights of the group count as
misplaced.  A risk below `LEAST` is trusted only if it is exactly 0 and no weight contributes to it.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..arithmetic.base import Columns
from ..arithmetic.float64 import SHORT_MASS
from ..theory import PrunedRisk, Rule, Threshold, truncated_moments
from ..theory.channels import Channel
from ..theory.rules import Oracle, Random, Score, WeightRule
from ..theory.truncated_gaussian import Cut, Cuts, cut_of
from .cut_rounding import cut_errors, moved_shares

#: How many rounding errors the centre of a group and its cut have accumulated together.
_ROUNDINGS = 16
#: Errors below this, relative to the risk, are not estimated any more sharply.
_SMALL = 1e-11
#: Positive numbers below this may have lost digits to underflow.  Floats have full precision down
#: to 2e-308; the margin is for products on the way.
LEAST = 1e-290
#: Scores are compared exactly if the denominator of the exponent q is at most this.
_LARGEST_ROOT = 8
#: If the fraction kept misses alpha by more than this part of it, or of the fraction dropped, the
#: estimates of first order say nothing.
_ROUGH = 1e-6
#: For benign rows the error of the fraction kept is relative to the fraction kept or dropped,
#: whichever is smaller, but to no less than this.
_SMALLEST_FRACTION = 1e-8


class RelativeErrors(NamedTuple):
    """Estimated relative errors of the risk and of the threshold, on the grid."""

    risk: Array
    #: Infinite where the density of scores at the threshold is 0 in floats: then the equation does
    #: not determine the threshold.
    threshold: Array


class _Law(NamedTuple):
    """A `Channel`, with the groups about which rounding leaves a doubt."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array
    shrinkage: Array
    bias: Array
    noise: Array
    #: Whether the group is treated as tied with the threshold, although it may lie beside it.
    doubtful: Array
    #: Whether a variance of X has underflowed, so that the law of the group is not known.
    underflowed: Array

    @property
    def channel(self) -> Channel:
        return Channel(*self[:7])


class _AtCut(NamedTuple):
    """Per group, the weights at Y = T and those at Y = -T, stacked along a new first axis."""

    #: The weight Y itself; for a point mass it is the centre, in place of T.
    y: Array
    #: Density of the score at the threshold.
    density: Array
    #: 1 for a point mass whose score equals the threshold, else 0.
    tied: Array
    #: D(y), the change of the risk per weight that is dropped instead of kept.
    cost: Array
    #: Share of the group that is misplaced because T minus the centre is rounded.
    moved: Array


class Displaced(NamedTuple):
    """The weights at the threshold that rounding may keep instead of dropping, or drop instead."""

    #: The rows of a flat grid that have such weights, in a number that may matter.
    rows: Array
    #: The weights Y = T and Y = -T of each group, stacked along a new first axis.
    y: Array
    #: The share of the group that is displaced at each of them.
    share: Array


@QUIET
def relative_errors(
    channel: Channel, rule: Rule, threshold: Threshold | Cuts, pruned: PrunedRisk, alpha: Array
) -> RelativeErrors:
    """Estimated relative errors of a pruned risk and its threshold in floats, on a flat grid."""
    if isinstance(threshold, Cuts):
        return _relative_errors_at_cuts(channel, rule, threshold, pruned, alpha)
    missed, smaller = pruned.missed(alpha), np.minimum(alpha, 1 - alpha)
    risk = pruned.risk
    # Benign rows keep this simple value; for the others it is replaced by the estimate above.
    errors = RelativeErrors(missed / np.maximum(smaller, _SMALLEST_FRACTION), 0 * alpha)
    benign = _benign(channel, rule, threshold, risk, smaller, missed)
    rows = np.flatnonzero(~benign)
    if rows.size:
        some = Channel(*(x if x.ndim == 1 else x[rows] for x in channel))
        at = threshold.mapped(lambda x: x[rows])
        misplaced = _misplaced(missed, smaller)[rows]
        found = _absolute_errors(some, rule, at, misplaced, risk[rows])
        for error, estimate, value in zip(errors, found, (risk, threshold.value), strict=True):
            relative = FLOAT64.ratio(estimate, value[rows], np.inf)
            # At alpha = 0 and alpha = 1 no weight can be on the wrong side of the threshold.
            error[rows] = np.where((smaller[rows] == 0) | (estimate == 0), 0, relative)
    small = risk < LEAST
    if small.any():
        errors.risk[small & ~((risk == 0) & _vanishes(channel, rule, threshold))] = np.inf
    return errors


def _relative_errors_at_cuts(
    channel: Channel, rule: Rule, cuts: Cuts, pruned: PrunedRisk, alpha: Array
) -> RelativeErrors:
    """The same for a rule that ranks by a gain."""
    risk, smaller = pruned.risk, np.minimum(alpha, 1 - alpha)
    misplaced = _misplaced(pruned.missed(alpha), smaller)
    misplaced = np.where(smaller == 0, 0, misplaced)
    found = cut_errors(channel, rule, cuts, misplaced)
    lost = _underflows(channel, _noisy(channel)).any(axis=-1)
    lost = lost | (misplaced > _ROUGH * smaller)
    lost = lost | (risk < LEAST) & ~((risk == 0) & _vanishes(channel, rule, cuts))
    errors = (FLOAT64.ratio(found.risk, risk), FLOAT64.ratio(found.threshold, abs(cuts.value)))
    of_risk, of_threshold = (np.where(lost, np.inf, error) for error in errors)
    return RelativeErrors(of_risk, of_threshold)


@QUIET
def displaced(
    channel: Channel, rule: Rule, threshold: Threshold | Cuts, pruned: PrunedRisk, alpha: Array
) -> Displaced:
    """The weights that rounding may put on the wrong side of the threshold."""
    if isinstance(threshold, Cuts):
        return _displaced_at_cuts(channel, rule, threshold, pruned, alpha)
    missed, smaller = pruned.missed(alpha), np.minimum(alpha, 1 - alpha)
    benign = _benign(channel, rule, threshold, pruned.risk, smaller, missed)
    rows = np.flatnonzero(~benign & (smaller > 0))
    some = Channel(*(x if x.ndim == 1 else x[rows] for x in channel))
    at = threshold.mapped(lambda x: x[rows])
    underflowed = _underflows(some, _noisy(some))
    cut = _at_cut(_Law(*some, _doubtful(some, rule, at), underflowed), rule, at)
    # The fraction that the threshold misses lies in tied point masses, if there are any, and
    # otherwise where the density is.
    weight = some.weight
    tied = (weight * cut.tied).sum(axis=(0, -1))[..., None]
    density = (weight * cut.density).sum(axis=(0, -1))[..., None]
    place = np.where(tied > 0, FLOAT64.ratio(cut.tied, tied), FLOAT64.ratio(cut.density, density))
    misplaced = _misplaced(missed, smaller)[rows][..., None]
    return Displaced(rows, cut.y, cut.moved + misplaced * place + underflowed)


def _displaced_at_cuts(
    channel: Channel, rule: Rule, cuts: Cuts, pruned: PrunedRisk, alpha: Array
) -> Displaced:
    """The same for a rule that ranks by a gain."""
    smaller = np.minimum(alpha, 1 - alpha)
    rows = np.flatnonzero(smaller > 0)
    misplaced = _misplaced(pruned.missed(alpha), smaller)[:, None]
    score = rule.score(channel)
    spread = np.where(score.spread > 0, score.spread, 1)
    # The fraction that misses alpha lies in tied groups, if there are any, and otherwise where the
    # density of the weights at the ends is: at one end of each group, so that two ends of equal
    # weights do not balance.
    density = np.array([FLOAT64.normal_density((x - score.center) / spread) for x in cuts.ends])
    places = np.arange(len(density))[:, None, None]
    highest = np.where(places == density.argmax(axis=0), density, 0)
    tied = np.where((cuts.share > 0) & (cuts.share < 1), 1.0, 0.0)
    of_ends = (channel.weight * highest).sum(axis=(0, -1))[:, None]
    of_ties = (channel.weight * tied).sum(axis=-1)[:, None]
    at_ends = np.where(of_ties > 0, 0, misplaced * FLOAT64.ratio(highest, of_ends))
    moved = np.array(moved_shares(channel, rule, cuts)) + at_ends
    center = np.broadcast_to(score.center, tied.shape)
    y = np.concatenate([np.where(density > 0, np.array(cuts.ends), 0), center[None]])
    share = np.concatenate([moved, (misplaced * FLOAT64.ratio(tied, of_ties))[None]])
    return Displaced(rows, y[:, rows], (share + _underflows(channel, _noisy(channel)))[:, rows])


def _misplaced(missed: Array, smaller: Array) -> Array:
    """The fraction of weights that is misplaced because the fraction kept misses alpha.

    `missed` compares rounded sums; 4 eps bounds their own rounding.
    """
    return missed + 4 * FLOAT64.eps * smaller


def _benign(
    channel: Channel, rule: Rule, threshold: Threshold, risk: Array, smaller: Array, missed: Array
) -> Array:
    """Whether rounding is clearly harmless, so that a row needs no estimate.

    The conditions are: all groups are wide, so that the difference of cut and centre loses no
    digits; the fractions kept and dropped are not small; the threshold is not close to zero; and no
    group contributes much more than the risk.  Random pruning is benign, since it has no threshold.
    """
    if isinstance(rule, Random):
        return np.ones(risk.shape, dtype=bool)
    score = rule.score(channel)
    cut = threshold.value[..., None] / score.scale
    wide = (score.center <= 10 * score.spread) & (score.spread > 1e-100)
    wide = wide & (cut > 1e-6 * score.spread) | (channel.eigenvalue == 0)
    second_moment = channel.mean * channel.mean + channel.std * channel.std
    largest = FLOAT64.over_groups("max", channel.eigenvalue * (second_moment + channel.noise))
    enough = (smaller > 1e-4) & (missed < 1e-13 * smaller) & (risk > 1e-3 * largest)
    return np.asarray(wide.all(axis=-1) & enough)


def _absolute_errors(
    channel: Channel, rule: Rule, threshold: Threshold, misplaced: Array, risk: Array
) -> tuple[Array, Array]:
    r"""Estimated absolute errors of the risk and of the threshold.

    With :math:`\delta\alpha` the fraction `misplaced`, plus all groups that underflow, and with
    :math:`m_g` the mass that a group misplaces, the error of the risk is
    :math:`\delta\alpha\,|\bar D| + \sum_g m_g\,|D_g-\bar D|`; that of the threshold is
    :math:`(\delta\alpha + \sum_g m_g)` over the density of the scores there.
    """
    underflowed = _underflows(channel, _noisy(channel))
    law = _Law(*channel, _doubtful(channel, rule, threshold), underflowed)

    def at_cut(part: _Law) -> tuple[Array, ...]:
        at = _at_cut(part, rule, threshold)
        return (
            at.density.sum(axis=0),
            _product(at.density, at.cost).sum(axis=0),
            at.tied[0],
            _product(at.tied, at.cost)[0],
            at.moved.sum(axis=0),
            _product(at.moved, abs(at.cost)).sum(axis=0),
            part.underflowed.astype(np.float64),
        )

    density, cost, tied, tied_cost, moved, moved_cost, lost = FLOAT64.expect(at_cut, law)
    misplaced = misplaced + lost
    # The mean of D over the weights at the threshold.  A tied point mass outweighs any density.
    mean = FLOAT64.ratio(cost, density)
    mean = np.where(tied > 0, FLOAT64.ratio(tied_cost, tied), mean)
    nowhere = (density == 0) & (tied == 0)
    if nowhere.any():
        # The density underflows to 0 in all groups.  Which group is nearest to the threshold is
        # then not known, so the dearest one stands in for the mean.
        costs = abs(_at_cut(law, rule, threshold).cost[0])
        mean = np.where(nowhere, costs.max(axis=-1), mean)
    # First the bound |D| + |mean| of |D - mean|, which needs no second pass over the groups.
    error = moved_cost + _product(moved, abs(mean))
    if (error > _SMALL * risk).any():

        def exchanged(part: _Law) -> tuple[Array, ...]:
            at = _at_cut(part, rule, threshold)
            return (_product(at.moved, abs(at.cost - mean[..., None])).sum(axis=0),)

        (sharper,) = FLOAT64.expect(exchanged, law)
        error = np.where(error > _SMALL * risk, sharper, error)
    # A threshold that is tied with a point mass is the score of the point, and does not move.
    shift = np.where(tied > 0, 0, (misplaced + moved) / density)
    return error + _product(misplaced, abs(mean)), shift


def _doubtful(channel: Channel, rule: Rule, threshold: Threshold) -> Array:
    """Whether a group is treated as tied with others at the threshold without proof that it is."""
    score = rule.score(channel)
    anchored = _anchored_at(cut_of(score, threshold), score, threshold) & (channel.weight > 0)
    doubtful = np.zeros(anchored.shape, dtype=bool)
    # Rows of a grid often have the same groups at the threshold: each case is decided once.
    known: dict[tuple[bytes, bool], bool] = {}
    for row in np.flatnonzero(np.count_nonzero(anchored, axis=-1) > 1):
        groups = np.flatnonzero(anchored[row])
        # Whether |Y| of a point mass is |m| itself, unshrunk.
        exact = bool((channel.bias[row, groups] == 0).all()) or isinstance(rule, Oracle)
        key = anchored[row].tobytes(), exact
        if key not in known:
            known[key] = _are_tied(channel.eigenvalue[groups], channel.mean[groups], rule, exact)
        doubtful[row, groups] = not known[key]
    return doubtful


def _are_tied(eigenvalue: Array, mean: Array, rule: Rule, exact: bool) -> bool:
    r"""Whether groups are proved to have equal scores; False if this is not known.

    Groups of equal eigenvalue and mean have equal scores.  Other groups are compared in rational
    numbers if their score is :math:`\Lambda^q|m|` itself, which `exact` says, and ``q = a/b`` is
    simple: then :math:`\Lambda^a|m|^b` is rational.
    """
    pairs = set(zip(eigenvalue.tolist(), abs(mean).tolist(), strict=True))
    if len(pairs) == 1:
        return True
    if not exact or not isinstance(rule, WeightRule | Oracle):
        return False
    power = Fraction(rule.exponent)
    if power.denominator > _LARGEST_ROOT:
        return False
    scores = {Fraction(x) ** power.numerator * Fraction(m) ** power.denominator for x, m in pairs}
    return len(scores) == 1


def _anchored_at(cut: Cut, score: Score, threshold: Threshold) -> Array:
    """Whether the threshold is anchored at the centre of a group, or of another tied with it.

    `cut_of` then takes the gap from the offset alone.
    """
    anchor, offset = threshold.anchor[..., None], threshold.offset[..., None]
    return (anchor != 0) & (cut.gap == offset / score.scale)


def _vanishes(channel: Channel, rule: Rule, threshold: Threshold | Cuts) -> Array:
    """Whether no weight contributes to the risk, which then equals the label noise."""
    noisy = _noisy(channel)

    def adding(table: Columns) -> tuple[Array, ...]:
        part, cut = threshold.split(table)
        kept, dropped = truncated_moments(rule.score(part), cut)
        signal = (part.eigenvalue > 0) & ((part.mean != 0) | (part.std > 0))
        error = (part.eigenvalue > 0) & (part.noise > 0) | signal & (part.bias > 0)
        adds = signal & (dropped.mass > 0) | error & (kept.mass > 0) | _underflows(part, noisy)
        return (adds.astype(np.float64),)

    (weight,) = FLOAT64.expect(adding, threshold.table(channel))
    return np.asarray(weight == 0)


def _noisy(channel: Channel) -> Array:
    """Whether trained weights are noisy, judged without gamma, which may have underflowed.

    They are if any noise is positive, or if a group with a signal is shrunk: its signal that is not
    found acts as noise on all weights.
    """
    signal = (channel.eigenvalue > 0) & ((channel.mean != 0) | (channel.std > 0))
    return (channel.noise > 0).any(axis=-1) | (signal & (channel.bias > 0)).any(axis=-1)


def _underflows(channel: Channel, noisy: Array) -> Array:
    """Whether a variance of X is positive, but so small that its float may have lost digits."""
    scaled = channel.shrinkage * channel.std
    spread = (channel.std > 0) & (scaled * scaled < LEAST)
    noise = noisy[..., None] & (channel.noise < LEAST)
    return np.asarray((channel.eigenvalue > 0) & (spread | noise))


def _at_cut(law: _Law, rule: Rule, threshold: Threshold) -> _AtCut:
    """Density, cost and misplaced share of each group at the threshold; see `_AtCut`."""
    channel = law.channel
    score, given = rule.score(channel), rule.regression(channel)
    cut = cut_of(score, threshold)
    wide = score.spread > 0
    spread = np.where(wide, score.spread, 1)
    standard = cut.standardized(score._replace(spread=spread))
    # The two values Y = T and Y = -T; for a point mass Y is its centre.
    y = np.stack(np.broadcast_arrays(np.where(wide, cut.value, score.center), -cut.value))
    error = given.error_mean - given.error_slope * (y - score.center)
    signal = given.signal_intercept + given.signal_slope * y
    cost = signal * signal + given.signal_variance - error * error - given.error_variance
    # The distances of T and of -T from the centre, in spreads.
    u = np.stack(np.broadcast_arrays(standard.u, standard.h + standard.center))
    density = np.where(wide, FLOAT64.normal_density(u), 0)
    reach = _gap_error(law, cut, score, threshold) / spread
    # The largest density within `reach` of the cut, times `reach`, bounds the mass that moves.
    near = np.where(wide, FLOAT64.normal_density(np.maximum(abs(u) - reach, 0)), 0)
    # A point mass within `reach` of the cut moves as a whole.
    reached = ~wide & (abs(cut.gap) <= reach) & (reach > 0)
    moved = near * np.minimum(reach, 1) + np.stack(np.broadcast_arrays(reached, False))
    return _AtCut(
        y=y,
        density=density / (spread * score.scale),
        tied=np.broadcast_to(np.where(~wide & (cut.gap == 0), 1.0, 0.0), y.shape),
        cost=channel.eigenvalue * cost,
        moved=moved,
    )


def _gap_error(law: _Law, cut: Cut, score: Score, threshold: Threshold) -> Array:
    """The absolute error of T - c, the gap between the cut and the centre of each group.

    Usually it is the rounding error of T and c, which are subtracted.  There are two cases without
    this subtraction: the threshold is given as an offset from the centre, or T is so near
    zero that the mass below it comes from a series in T (see `SHORT_MASS`).  For a doubtful group
    the distance to the group that it is treated as tied with is added.
    """
    spread = np.where(score.spread > 0, score.spread, 1)
    h, center = cut.value / spread, score.center / spread
    short = (score.spread > 0) & (h * (1 + center) < SHORT_MASS)
    # The size of the numbers that are rounded.
    size = np.where(short, cut.value * (1 + center * center), cut.value + score.center)
    size = np.where(_anchored_at(cut, score, threshold), abs(cut.gap), size)
    rounding = _ROUNDINGS * FLOAT64.eps * np.where(law.doubtful, score.center, size)
    distance = abs(threshold.anchor[..., None] / score.scale - score.center)
    return rounding + np.where(law.doubtful, distance, 0)


def _product(amount: Array, cost: Array) -> Array:
    """``amount * cost``, and 0 where the amount is 0, even if the cost is infinite or NaN."""
    return np.where(amount > 0, amount * cost, 0)
