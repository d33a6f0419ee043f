r"""What rounding does to a risk: the estimate that decides whether double precision suffices.

The risk depends on the threshold through the weights that lie at it.  To drop a weight there
instead of keeping it changes the risk by

.. math:: D(y) = \Lambda\,(E[B^2|Y=y] - E[(B-X)^2|Y=y]),\qquad |y| = T .

In floats two things move weights across the threshold:

- A fraction :math:`\delta\alpha` too many or too few is kept.  It consists of weights at the
  threshold, of each group in proportion to its density there, and costs the mean :math:`\bar D` of
  these.
- A group sees the threshold at a wrong place, because the difference of :math:`T` and its centre
  is rounded.  With :math:`\delta u` that error in units of its spread,
  :math:`w\varphi(u)\,\delta u` of its weights move.  As many weights at the threshold make up for
  them, so that this costs :math:`|D-\bar D|`.  Groups whose scores agree but for a few roundings
  are taken as tied; unless they are, the place of each is that uncertain.

The estimate is of first order and counts all errors as if they had one sign.

Numbers that leave the range of floats on the way lose all their digits: the weights of a group
whose variances underflow count as wrong, and a risk that is next to nothing is one only if nothing
adds to it.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..arithmetic.float64 import SHORT_MASS
from ..theory import PrunedRisk, Rule, Threshold, truncated_moments
from ..theory.channels import Channel
from ..theory.rules import Oracle, Random, Score, WeightRule
from ..theory.truncated_gaussian import Cut, cut_of

#: Roundings that the centre of a group and the threshold have gone through, together.
_ROUNDINGS = 16
#: Errors relative to the risk that need no closer look.
_SMALL = 1e-11
#: Smaller positive numbers may have lost digits: the least one of full precision is 2e-308.
LEAST = 1e-290
#: Roots up to which powers of eigenvalues are compared exactly.
_LARGEST_ROOT = 8
#: A part of the weights that is smaller counts as so large where no closer look is taken.
_FEWEST = 1e-8


class RelativeErrors(NamedTuple):
    """Estimated errors of the risk and of the threshold, each relative to it, on the grid."""

    risk: Array
    #: Infinite where no weight is seen at the threshold, which then could lie anywhere.
    threshold: Array


class _Law(NamedTuple):
    """A `Channel` with what is not known of it."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array
    shrinkage: Array
    bias: Array
    noise: Array
    #: Whether the group is taken as tied with the threshold, but may lie beside it.
    doubtful: Array
    #: Whether a variance of X has underflowed.
    lost: Array

    @property
    def channel(self) -> Channel:
        return Channel(*self[:7])


class _AtCut(NamedTuple):
    """Per group, the weights at Y = T and at Y = -T, stacked along a new first axis."""

    #: Density of the scores.
    density: Array
    #: 1 for a point mass that the threshold has met.
    tied: Array
    #: D.
    cost: Array
    #: Weights that move because the difference of threshold and centre is rounded.
    moved: Array


@QUIET
def relative_errors(
    channel: Channel, rule: Rule, threshold: Threshold, parts: PrunedRisk, alpha: Array
) -> RelativeErrors:
    """How far a pruned risk and its threshold may be off in floats; all arrays of one dimension."""
    missed, few = parts.missed(alpha), np.minimum(alpha, 1 - alpha)
    risk = parts.risk
    errors = RelativeErrors(missed / np.maximum(few, _FEWEST), 0 * alpha)
    benign = _benign(channel, rule, threshold, risk, few, missed)
    rows = np.flatnonzero(~benign)
    if rows.size:
        some = Channel(*(x if x.ndim == 1 else x[rows] for x in channel))
        at = threshold.mapped(lambda x: x[rows])
        # The sums of kept and of dropped weights are rounded as well as what they were to be.
        wrong = (missed + 4 * FLOAT64.eps * few)[rows]
        found = _absolute_errors(some, rule, at, wrong, risk[rows])
        for error, estimate, value in zip(errors, found, (risk, threshold.value), strict=True):
            share = FLOAT64.ratio(estimate, value[rows], np.inf)
            # At the ends of alpha there is no threshold to be wrong.
            error[rows] = np.where((few[rows] == 0) | (estimate == 0), 0, share)
    small = risk < LEAST
    if small.any():
        errors.risk[small & ~((risk == 0) & _vanishes(channel, rule, threshold))] = np.inf
    return errors


def _benign(
    channel: Channel, rule: Rule, threshold: Threshold, risk: Array, few: Array, missed: Array
) -> Array:
    """Rows of which it is plain that rounding does them no harm: no closer look is taken.

    All groups are wide, so that no difference of a centre and the threshold loses digits; many
    weights are kept and many dropped; the threshold is not next to zero; and no group matters much
    more than the risk.  Random pruning has no threshold.
    """
    if isinstance(rule, Random):
        return np.ones(risk.shape, dtype=bool)
    score = rule.score(channel)
    level = threshold.value[..., None] / score.scale
    wide = (score.center <= 10 * score.spread) & (score.spread > 1e-100)
    wide = wide & (level > 1e-6 * score.spread) | (channel.eigenvalue == 0)
    second_moment = channel.mean * channel.mean + channel.std * channel.std
    largest = FLOAT64.over_groups("max", channel.eigenvalue * (second_moment + channel.noise))
    enough = (few > 1e-4) & (missed < 1e-13 * few) & (risk > 1e-3 * largest)
    return np.asarray(wide.all(axis=-1) & enough)


def _absolute_errors(
    channel: Channel, rule: Rule, threshold: Threshold, wrong: Array, risk: Array
) -> tuple[Array, Array]:
    """Errors of the risk and the threshold, where a fraction `wrong` is known to be misplaced."""
    lost = _underflows(channel, _noisy(channel))
    law = _Law(*channel, _doubtful(channel, rule, threshold), lost)

    def at_cut(part: _Law) -> tuple[Array, ...]:
        at = _at_cut(part, rule, threshold)
        return (
            at.density.sum(axis=0),
            _product(at.density, at.cost).sum(axis=0),
            at.tied[0],
            _product(at.tied, at.cost)[0],
            at.moved.sum(axis=0),
            _product(at.moved, abs(at.cost)).sum(axis=0),
            part.lost.astype(np.float64),
        )

    density, cost, tied, tied_cost, moved, moved_cost, lost = FLOAT64.expect(at_cut, law)
    wrong = wrong + lost
    mean = FLOAT64.ratio(cost, density)
    mean = np.where(tied > 0, FLOAT64.ratio(tied_cost, tied), mean)
    nowhere = (density == 0) & (tied == 0)
    if nowhere.any():
        # No weight is seen at the threshold: those nearest to it could be of any group.
        costs = abs(_at_cut(law, rule, threshold).cost[0])
        mean = np.where(nowhere, costs.max(axis=-1), mean)
    error = moved_cost + _product(moved, abs(mean))
    if (error > _SMALL * risk).any():

        def exchanged(part: _Law) -> tuple[Array, ...]:
            at = _at_cut(part, rule, threshold)
            return (_product(at.moved, abs(at.cost - mean[..., None])).sum(axis=0),)

        (closer,) = FLOAT64.expect(exchanged, law)
        error = np.where(error > _SMALL * risk, closer, error)
    shift = np.where(tied > 0, 0, (wrong + moved) / density)
    return error + _product(wrong, abs(mean)), shift


def _doubtful(channel: Channel, rule: Rule, threshold: Threshold) -> Array:
    """Groups that are taken as tied with one another at the threshold, unless they surely are."""
    score = rule.score(channel)
    met = _met(cut_of(score, threshold), score, threshold) & (channel.weight > 0)
    doubtful = np.zeros(met.shape, dtype=bool)
    known: dict[tuple[bytes, bool], bool] = {}
    for row in np.flatnonzero(np.count_nonzero(met, axis=-1) > 1):
        groups = np.flatnonzero(met[row])
        exact = bool((channel.bias[row, groups] == 0).all()) or isinstance(rule, Oracle)
        key = met[row].tobytes(), exact
        if key not in known:
            known[key] = _are_tied(channel.eigenvalue[groups], channel.mean[groups], rule, exact)
        doubtful[row, groups] = not known[key]
    return doubtful


def _are_tied(eigenvalue: Array, mean: Array, rule: Rule, exact: bool) -> bool:
    """Whether groups have one score, by rational numbers.

    Those of one eigenvalue and one mean have.  Of others it can be told where the score is
    :math:`\\Lambda^q|m|` with a simple ``q``: where `exact`, nothing else shrinks the mean.
    """
    pairs = set(zip(eigenvalue.tolist(), abs(mean).tolist(), strict=True))
    if len(pairs) == 1:
        return True
    power = Fraction(rule.exponent) if isinstance(rule, WeightRule) else Fraction(1, 2)
    if not exact or power.denominator > _LARGEST_ROOT:
        return False
    scores = {Fraction(x) ** power.numerator * Fraction(m) ** power.denominator for x, m in pairs}
    return len(scores) == 1


def _met(cut: Cut, score: Score, threshold: Threshold) -> Array:
    """Whether a group sees the threshold as an offset from its centre, exactly or nearly."""
    anchor, offset = threshold.anchor[..., None], threshold.offset[..., None]
    return (anchor != 0) & (cut.gap == offset / score.scale)


def _vanishes(channel: Channel, rule: Rule, threshold: Threshold) -> Array:
    """Whether no weight adds anything to the risk, so that it is the noise alone."""
    noisy = _noisy(channel)

    def adding(part: Channel) -> tuple[Array, ...]:
        kept, dropped = truncated_moments(rule.score(part), threshold)
        signal = (part.eigenvalue > 0) & ((part.mean != 0) | (part.std > 0))
        error = (part.eigenvalue > 0) & (part.noise > 0) | signal & (part.bias > 0)
        adds = signal & (dropped.mass > 0) | error & (kept.mass > 0) | _underflows(part, noisy)
        return (adds.astype(np.float64),)

    (weight,) = FLOAT64.expect(adding, channel)
    return np.asarray(weight == 0)


def _noisy(channel: Channel) -> Array:
    """Whether trained weights have noise: with an effective ridge, wherever there is a signal."""
    signal = (channel.eigenvalue > 0) & ((channel.mean != 0) | (channel.std > 0))
    return (channel.noise > 0).any(axis=-1) | (signal & (channel.bias > 0)).any(axis=-1)


def _underflows(channel: Channel, noisy: Array) -> Array:
    """Whether a variance of X, which is there, is too small a float."""
    scaled = channel.shrinkage * channel.std
    spread = (channel.std > 0) & (scaled * scaled < LEAST)
    noise = noisy[..., None] & (channel.noise < LEAST)
    return np.asarray((channel.eigenvalue > 0) & (spread | noise))


def _at_cut(law: _Law, rule: Rule, threshold: Threshold) -> _AtCut:
    channel = law.channel
    score, given = rule.score(channel), rule.regression(channel)
    cut = cut_of(score, threshold)
    wide = score.spread > 0
    spread = np.where(wide, score.spread, 1)
    standard = cut.standardized(score._replace(spread=spread))
    # A point mass at the threshold lies at its centre.
    y = np.stack(np.broadcast_arrays(np.where(wide, cut.value, score.center), -cut.value))
    error = given.error_mean - given.error_slope * (y - score.center)
    signal = given.signal_intercept + given.signal_slope * y
    cost = signal * signal + given.signal_variance - error * error - given.error_variance
    u = np.stack(np.broadcast_arrays(standard.u, standard.h + standard.center))
    density = np.where(wide, FLOAT64.normal_density(u), 0)
    reach = _misplacement(law, cut, score, threshold) / spread
    near = np.where(wide, FLOAT64.normal_density(np.maximum(abs(u) - reach, 0)), 0)
    met = ~wide & (abs(cut.gap) <= reach) & (reach > 0)
    moved = near * np.minimum(reach, 1) + np.stack(np.broadcast_arrays(met, False))
    return _AtCut(
        density=density / (spread * score.scale),
        tied=np.broadcast_to(np.where(~wide & (cut.gap == 0), 1.0, 0.0), y.shape),
        cost=channel.eigenvalue * cost,
        moved=moved,
    )


def _misplacement(law: _Law, cut: Cut, score: Score, threshold: Threshold) -> Array:
    """How far each group may see the threshold from where it is."""
    # No difference is rounded where the threshold is told as an offset from the centre, nor where
    # it is so near zero that the mass within is a series in it.
    spread = np.where(score.spread > 0, score.spread, 1)
    h, center = cut.value / spread, score.center / spread
    short = (score.spread > 0) & (h * (1 + center) < SHORT_MASS)
    place = np.where(short, cut.value * (1 + center * center), cut.value + score.center)
    place = np.where(_met(cut, score, threshold), abs(cut.gap), place)
    place = _ROUNDINGS * FLOAT64.eps * np.where(law.doubtful, score.center, place)
    distance = abs(threshold.anchor[..., None] / score.scale - score.center)
    return place + np.where(law.doubtful, distance, 0)


def _product(amount: Array, cost: Array) -> Array:
    """Their product; nothing of anything costs nothing."""
    return np.where(amount > 0, amount * cost, 0)
