r"""The test of a prediction by trials: estimate, number of trials, and verdict.

A simulated risk at p features differs from its limit by a term of order 1/p.  With trials at
several sizes, the difference between simulation and prediction is extrapolated to 1/p = 0 by a
straight line, which leaves a term of order 1/p².  At a single size the term of order 1/p remains.
The *allowance* bounds the term that remains: a difference is held against the prediction only by as
much as it exceeds the allowance.  It is twice what is expected from the counts (of weights kept,
of weights dropped, of degrees of freedom left to the noise) and from `Sample.shift`.

Means of trials are nearly normal, so that Student's t test applies.  The number of trials is chosen
by the variance of the first few trials, the pilot sample, and the test uses the variance of the
same pilot sample.  So its level is exact, however many trials follow (Stein, *A two-sample test for
a linear hypothesis whose power is independent of the variance*, Ann. Math. Stat. 16, 1945).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from ..arithmetic import Array
from ..domains import COUNTS
from ..outcomes import Verdict

MOST_TRIALS = COUNTS["trials"].most
#: With fewer trials at a size no verdict is given: their variance is hardly known, and their mean
#: is not close to normal.
FEWEST_TRIALS = 8
#: Probability that the test rejects a prediction whose error is `Judgement.detectable`.
POWER = 0.95
#: The term of order 1/p, relative to the risk, is allowed to be this number divided by the smallest
#: of the counts of weights kept, weights dropped and degrees of freedom left to the noise.
_SIZE_TERM = 2.0
#: From this many degrees of freedom on, Student's law is the normal one in double precision.
_MOST_FREEDOM = 1e8
#: Smallest standard errors that a test uses: relative to the risk, and absolute for a risk of zero.
_LEAST_RELATIVE_ERROR, _LEAST_ERROR = 1e-12, 1e-300
#: Smallest level that a test may have.
LOWEST_LEVEL = 1e-12


class Sample(NamedTuple):
    """Summary of the trials of one row of the grid at one size."""

    #: The smallest of the counts of weights kept, weights dropped and degrees of freedom.
    least: float
    inverse_size: float
    trials: int
    #: Mean over all trials of the simulated risk minus its prediction.
    mean: float
    #: Variance of one trial, estimated from the pilot sample, and its degrees of freedom.
    variance: float
    freedom: float
    #: Theory's mean change of the risk because finite numbers of weights are kept and of
    #: coefficients are drawn.
    shift: float = 0.0
    #: Bounds on the error of the mean by the solver's tolerance, and by rounding.
    truncation: float = 0.0
    rounding: float = 0.0
    #: Bound on the error of the mean because the risk of a continuous law is computed from some of
    #: its features.
    sampling: float = 0.0
    #: Theory's risk at the simulated features.  It may be far from the risk of the continuous law
    #: that they are drawn from.
    realised: float = 0.0


class Estimate(NamedTuple):
    """Simulated minus predicted risk: extrapolated to infinite p, or at the single size."""

    difference: float
    standard_error: float
    freedom: float
    #: Unit of relative errors: the predicted risk, unless the simulated one is more than twice it.
    scale: float
    #: Difference that a right prediction may have, beyond chance, because of the finite size, the
    #: solver's tolerance, and features drawn from a continuous law.
    allowance: float
    #: The part of the allowance for features drawn from a continuous law.
    sampling: float = 0.0
    #: The parts of the allowance for the solver's tolerance, and for rounding.
    truncation: float = 0.0
    rounding: float = 0.0


class Judgement(NamedTuple):
    """The result of the test of one prediction."""

    #: The difference in standard errors, without the allowance.
    z: float
    #: p-value of the part of the difference that exceeds the allowance.
    p_value: float
    #: Relative error of the prediction that the test would find with probability `POWER`.
    detectable: float
    verdict: str
    #: Why the test is too weak, or why a significant difference is consistent.
    reason: str


def line_weights(inverse_sizes: Sequence[float]) -> Array:
    r"""Weights :math:`w_i` with which means at sizes :math:`1/p_i` enter the extrapolated mean.

    The extrapolated mean is the intercept at 1/p = 0 of the least-squares line through the means,

    .. math:: w_i=\frac1k-\frac{\bar x\,(x_i-\bar x)}{\sum_j(x_j-\bar x)^2},\qquad x_i=1/p_i.
    """
    x = np.array(inverse_sizes)
    if x.size == 1:
        return np.ones(1)
    centred = x - x.mean()
    return np.asarray(1 / x.size - x.mean() * centred / (centred @ centred))


def estimate(samples: Sequence[Sample], risk: float) -> Estimate:
    """The difference between simulation and prediction, from the samples of one row.

    With several samples it is extrapolated to infinite p.  `risk` is the prediction.
    """
    weights = line_weights([sample.inverse_size for sample in samples])
    parts = [
        weight**2 * sample.variance / sample.trials
        for weight, sample in zip(weights, samples, strict=True)
    ]
    variance = sum(parts)
    # Degrees of freedom of a sum of variances by Welch and Satterthwaite: 1 / `spread`.
    spread = sum(
        (part / (variance or 1)) ** 2 / s.freedom for part, s in zip(parts, samples, strict=True)
    )
    # Relative to the risk: of order 1/p at one size, of order 1/p² after extrapolation.
    size = (_SIZE_TERM / min(sample.least for sample in samples)) ** min(len(samples), 2)
    shift = abs(float(weights @ [sample.shift for sample in samples]))
    # Errors of unknown sign at different sizes may add up.
    truncation = float(abs(weights) @ [abs(sample.truncation) for sample in samples])
    rounding = float(abs(weights) @ [sample.rounding for sample in samples])
    sampling = float(abs(weights) @ [sample.sampling for sample in samples])
    difference = float(sum(w * s.mean for w, s in zip(weights, samples, strict=True)))
    # If the prediction is far too small, errors relative to it would be meaningless.
    simulated = abs(risk + difference)
    scale = abs(risk) if simulated <= 2 * abs(risk) else simulated
    largest = max(scale, *(abs(sample.realised) for sample in samples))
    return Estimate(
        difference=difference,
        standard_error=math.sqrt(variance),
        freedom=1 / spread if spread else math.inf,
        scale=scale,
        allowance=size * largest + _SIZE_TERM * shift + truncation + rounding + sampling,
        sampling=sampling,
        truncation=truncation,
        rounding=rounding,
    )


def trials_needed(
    samples: Sequence[Sample], costs: Sequence[float], standard_error: float
) -> list[int]:
    r"""Numbers of trials at each size for which the estimate has a given standard error e.

    They have the least total cost :math:`\sum_ic_iN_i` under :math:`\sum_iw_i^2s_i^2/N_i=e^2`,

    .. math:: N_i=\frac{|w_i|s_i}{e^2\sqrt{c_i}}\sum_j|w_j|s_j\sqrt{c_j},

    rounded up, and at most `MOST_TRIALS`.
    """
    weights = line_weights([sample.inverse_size for sample in samples])
    spread = abs(weights) * np.sqrt([sample.variance for sample in samples])
    root, standard_error = np.sqrt(costs), max(standard_error, _LEAST_ERROR)
    with np.errstate(over="ignore"):
        needed = (spread / standard_error) * ((spread / standard_error) @ root) / root
    return [math.ceil(min(number, MOST_TRIALS)) for number in needed]


def detecting(estimated: Estimate, level: float, error: float) -> float:
    """The standard error at which an `error` of the prediction is detected.

    Twice the allowance is taken off the error first (see `judge`), but at most half of the error:
    where allowances are large, more trials would not help.
    """
    return max(error - 2 * estimated.allowance, error / 2) / _detection_distance(
        estimated.freedom, level
    )


def _detection_distance(freedom: float, level: float) -> float:
    """Number of standard errors at which a test at `level` rejects with probability `POWER`."""
    # The rejection point, and from there on as far as chance may bring the difference back.
    return critical_value(level, freedom) + critical_value(2 * (1 - POWER), freedom)


def critical_value(level: float, freedom: float) -> float:
    """The two-sided critical value: |t| of Student's law exceeds it with probability `level`."""
    return float(-special.stdtrit(min(freedom, _MOST_FREEDOM), level / 2))


def judge(estimated: Estimate, level: float, resolution: float) -> Judgement:
    """The verdict on a prediction.

    It is ``inconsistent`` if the difference exceeds its allowance significantly at `level`; else
    ``consistent`` if the test would have detected a relative error of `resolution`; else
    ``too weak``.

    With few trials the standard error is known badly, so that Student's test may accept a
    difference of many standard errors.  If the normal law would reject it even at `LOWEST_LEVEL`,
    the verdict is ``too weak`` rather than ``consistent``.
    """
    scale = estimated.scale
    # A floor for trials without any variance, such as those of a noiseless problem.
    error = max(estimated.standard_error, _LEAST_RELATIVE_ERROR * scale, _LEAST_ERROR)
    excess = max(abs(estimated.difference) - estimated.allowance, 0.0)
    p_value = 2 * float(special.stdtr(min(estimated.freedom, _MOST_FREEDOM), -excess / error))
    # The term of finite size may have the opposite sign of the error of the prediction and hide it
    # up to the allowance; the test then disregards as much again.
    hidden = 2 * estimated.allowance
    detectable = (_detection_distance(estimated.freedom, level) * error + hidden) / (scale or 1)
    z = estimated.difference / error
    if p_value < level:
        verdict, reason = Verdict.INCONSISTENT, ""
    elif not detectable <= resolution:
        verdict = Verdict.TOO_WEAK
        reason = f"a relative error of {resolution:.3g} would not be found: "
        reason += _remedy(estimated, resolution)
    elif excess / error > critical_value(LOWEST_LEVEL, math.inf):
        verdict = Verdict.TOO_WEAK
        reason = "a difference of many standard errors, which few trials tell badly: take more"
    elif abs(z) > critical_value(level, estimated.freedom):
        verdict = Verdict.CONSISTENT
        reason = f"the difference is more than chance, but within what {_cause(estimated)} may do"
    else:
        verdict, reason = Verdict.CONSISTENT, ""
    return Judgement(z, p_value, detectable, verdict, reason)


def _remedy(estimated: Estimate, resolution: float) -> str:
    """What would make a test find a relative error of `resolution`, or why nothing would."""
    tolerable = resolution * estimated.scale / 2
    if estimated.allowance < tolerable:
        return "take more trials"
    if estimated.truncation >= tolerable:
        return "the solver ends too early, take a smaller target_se or the sampler dense"
    if estimated.sampling >= tolerable:
        return "rare features of the law carry too much of the risk"
    if estimated.rounding >= tolerable:
        return "rounding hides it, since the risk is too small a part of the signal"
    return "take a larger p"


def _cause(estimated: Estimate) -> str:
    """What most of the allowance is for."""
    early = estimated.truncation > estimated.allowance / 2
    return "the solver's tolerance" if early else "the finite size"
