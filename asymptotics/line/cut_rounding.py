r"""The error that rounding causes in a risk and a threshold, for rules that rank by a gain.

A weight at an end of a kept interval has gain :math:`\psi`.  Moved across the end, all weights x of
an eigenvalue change the risk by :math:`\psi` each, so that where the ends lie hardly matters: an
equal mass is moved the other way elsewhere.  What remains to first order:

- The fraction kept misses :math:`\alpha` by :math:`\delta\alpha`, which costs
  :math:`|\psi|\,\delta\alpha`.
- Each component of a mixture rounds the distance of an end from its own center.  If that moves the
  end by :math:`\delta z` spreads, the mass :math:`w\varphi(z)\,\delta z` is misplaced.  With
  :math:`\hat B` what is kept of x, its gain in its own component is
  :math:`D=\Lambda\,(E[B^2|x]-E[(B-\hat B)^2|x])`, and it costs :math:`|D-\psi|` for its mass.
- The moments are sums of terms that may cancel.

The estimate adds up all errors as if they had the same sign.  Where a variance underflows it is
infinite.
"""

from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..theory import Cuts, Rule, truncated_moments
from ..theory.channels import Channel

#: How many rounding errors an end and the center of a group have accumulated together.
_ROUNDINGS = 16


class CutErrors(NamedTuple):
    """Estimated absolute errors of the risk and of the gain at the cuts, on a flat grid."""

    risk: Array
    threshold: Array


def cut_errors(channel: Channel, rule: Rule, cuts: Cuts, misplaced: Array) -> CutErrors:
    """The errors of a risk and of psi; `misplaced` is the fraction that misses alpha."""
    score, given = rule.score(channel), rule.regression(channel)
    weight, eigenvalue = channel.weight, channel.eigenvalue
    level = np.where(np.isfinite(cuts.value), cuts.value, 0)[..., None]
    moved_mass = np.zeros_like(misplaced)
    error = abs(level[..., 0]) * misplaced
    for index, (x, share) in enumerate(
        zip(cuts.ends, moved_shares(channel, rule, cuts), strict=True)
    ):
        x = np.where(share > 0, x, 0)
        b = given.signal_intercept + given.signal_slope * x
        value = x
        if cuts.beyond is not None:  # what is kept is the root of the gain
            root = np.sqrt(np.maximum(FLOAT64.ratio(level, eigenvalue), 0))
            value = root if index % 2 else -root
        gain = eigenvalue * value * (2 * b - value)
        error = error + (weight * share * abs(gain - level)).sum(axis=-1)
        moved_mass = moved_mass + (weight * share).sum(axis=-1)
    kept, dropped = truncated_moments(score, cuts)
    size = (abs(score.center) + score.spread) * given.signal_slope
    signal = given.signal_intercept**2 + size * size + given.signal_variance
    slope = given.error_slope * score.spread
    kept_error = given.error_mean**2 + slope * slope + given.error_variance
    terms = eigenvalue * (signal * dropped.mass + kept_error * kept.mass)
    error = error + _ROUNDINGS * FLOAT64.eps * (weight * terms).sum(axis=-1)
    missed = FLOAT64.ratio(misplaced + moved_mass, cuts.density, np.inf)
    return CutErrors(error, missed)


def moved_shares(channel: Channel, rule: Rule, cuts: Cuts) -> list[Array]:
    """For each end, the share of each group that lies on its wrong side because of rounding."""
    score = rule.score(channel)
    spread = np.where(score.spread > 0, score.spread, 1)
    shares = []
    for end in cuts.ends:
        z = (end - score.center) / spread
        size = abs(end) + abs(score.center) + spread
        reach = _ROUNDINGS * FLOAT64.eps * size / spread
        near = FLOAT64.normal_density(np.maximum(abs(z) - reach, 0))
        shares.append(np.where(near > 0, near * np.minimum(reach, 1), 0))
    return shares
