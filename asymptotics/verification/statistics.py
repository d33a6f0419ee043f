r"""Theory against simulation: what a mean of trials says about a prediction.

A simulated risk at p features differs from its limit by a term of order 1/p.  With trials at
several sizes the difference is extrapolated to 1/p = 0 by a straight line; what that leaves, and at
one size the whole term, is allowed for: a difference within the allowance is not held against a
prediction.  The allowance is twice what is expected of the counts of weights kept, of weights
dropped and of degrees of freedom left to the noise, and of the cut (`Sample.shift`).

Means of trials are close to normal, so that tests are Student's.  Trials are added by a rule that
looks at the variance of the first ones alone, and that variance is the one that tests use: their
level is exact, however many trials follow (Stein, *A two-sample test for a linear hypothesis whose
power is independent of the variance*, Ann. Math. Stat. 16, 1945).
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
#: With fewer trials at a size no verdict is given: their variance says hardly anything, and means
#: of so few are not close to normal.
FEWEST_TRIALS = 8
#: Probability that a wrong prediction of the detectable size is found.
POWER = 0.95
#: Terms of order 1/p: the risk may differ by this, relative, over the smallest of the counts of
#: weights kept, of weights dropped, and of degrees of freedom left to the noise.
_SHIFT = 2.0
#: Student's law of so many degrees of freedom is the normal one.
_NORMAL = 1e8
#: The least standard error that is used: relative to the risk, and for a risk of zero.
_ROUNDING, _NOTHING = 1e-12, 1e-300
#: The smallest level of a test.
LOWEST_LEVEL = 1e-12


class Sample(NamedTuple):
    """Trials of one row at one size."""

    #: The smallest of the counts whose inverse measures how far from its limit the problem is.
    least: float
    inverse_size: float
    trials: int
    #: Mean over trials of the simulated risk minus its prediction.
    mean: float
    #: Variance of one trial, and its degrees of freedom.
    variance: float
    freedom: int
    #: What the size does to the mean through the cut, in theory.
    shift: float = 0.0
    #: By how much the mean may still move if the solver went on, and without rounding.
    truncation: float = 0.0
    #: By how much it may be off because a continuous law is known by some of its features alone.
    sampling: float = 0.0
    #: The risk in theory of what is simulated, which may be far from the one predicted of the law.
    realised: float = 0.0


class Estimate(NamedTuple):
    """A difference between simulation and prediction, for p to infinity if extrapolated."""

    difference: float
    standard_error: float
    freedom: float
    #: What is relative is relative to this: the risk predicted, unless that is far too small.
    scale: float
    #: A difference of this size may be due to the size of the problems, to ending solvers early,
    #: or to features drawn from a law.
    allowance: float
    #: The last of these.
    sampling: float = 0.0


class Judgement(NamedTuple):
    """What an estimate says about a prediction."""

    z: float
    p_value: float
    #: Relative error of the prediction that is found with probability `POWER`.
    detectable: float
    verdict: str
    #: Why it is too weak, or what explains a difference that is more than chance.
    reason: str


def line_weights(inverse_sizes: Sequence[float]) -> Array:
    """Weights of a mean at each size in the intercept of the line through them."""
    x = np.array(inverse_sizes)
    if x.size == 1:
        return np.ones(1)
    centred = x - x.mean()
    return np.asarray(1 / x.size - x.mean() * centred / (centred @ centred))


def estimate(samples: Sequence[Sample], risk: float) -> Estimate:
    """The difference in the limit, from samples at several sizes, or at one as it stands.

    `risk` is what is predicted.
    """
    weights = line_weights([sample.inverse_size for sample in samples])
    parts = [
        weight**2 * sample.variance / sample.trials
        for weight, sample in zip(weights, samples, strict=True)
    ]
    variance = sum(parts)
    # Welch and Satterthwaite.
    spread = sum(
        (part / (variance or 1)) ** 2 / s.freedom for part, s in zip(parts, samples, strict=True)
    )
    size = (_SHIFT / min(sample.least for sample in samples)) ** min(len(samples), 2)
    cut = abs(float(weights @ [sample.shift for sample in samples]))
    truncation = float(abs(weights) @ [abs(sample.truncation) for sample in samples])
    sampling = float(abs(weights) @ [sample.sampling for sample in samples])
    difference = float(sum(w * s.mean for w, s in zip(weights, samples, strict=True)))
    simulated = abs(risk + difference)
    scale = abs(risk) if simulated <= 2 * abs(risk) else simulated
    largest = max(scale, *(abs(sample.realised) for sample in samples))
    return Estimate(
        difference=difference,
        standard_error=math.sqrt(variance),
        freedom=1 / spread if spread else math.inf,
        scale=scale,
        allowance=size * largest + _SHIFT * cut + truncation + sampling,
        sampling=sampling,
    )


def trials_needed(
    samples: Sequence[Sample], costs: Sequence[float], standard_error: float
) -> list[int]:
    """Trials at each size for the estimate to have a standard error, at the least cost in all.

    No more than `MOST_TRIALS`.
    """
    weights = line_weights([sample.inverse_size for sample in samples])
    spread = abs(weights) * np.sqrt([sample.variance for sample in samples])
    root, standard_error = np.sqrt(costs), max(standard_error, _NOTHING)
    with np.errstate(over="ignore"):
        needed = (spread / standard_error) * ((spread / standard_error) @ root) / root
    return [math.ceil(min(number, MOST_TRIALS)) for number in needed]


def detecting(estimated: Estimate, level: float, error: float) -> float:
    """The standard error at which an `error` is detected.

    No less than what detects half of it, where allowances take more than the other half.
    """
    return max(error - 2 * estimated.allowance, error / 2) / _reach(estimated.freedom, level)


def _reach(freedom: float, level: float) -> float:
    """Standard errors between a prediction and one that is detected at `level`."""
    return critical_value(level, freedom) + critical_value(2 * (1 - POWER), freedom)


def critical_value(level: float, freedom: float) -> float:
    """The |z| that a right prediction exceeds with probability `level`."""
    return float(-special.stdtrit(min(freedom, _NORMAL), level / 2))


def judge(estimated: Estimate, level: float, resolution: float) -> Judgement:
    """Verdict on what was predicted.

    ``inconsistent`` if the difference exceeds its allowance at `level`; else ``consistent`` if an
    error of `resolution`, relative, would have been detected; else ``too weak``.

    With few trials a difference of many standard errors may be chance, because the standard error
    itself is known badly.  Where no chance would explain it if the standard error were exact, the
    row is not called consistent, but too weak.
    """
    scale = estimated.scale
    error = max(estimated.standard_error, _ROUNDING * scale, _NOTHING)
    excess = max(abs(estimated.difference) - estimated.allowance, 0.0)
    p_value = 2 * float(special.stdtr(min(estimated.freedom, _NORMAL), -excess / error))
    # An error may be hidden twice: by what the size does against it, and by the allowance for that.
    hidden = 2 * estimated.allowance
    detectable = (_reach(estimated.freedom, level) * error + hidden) / (scale or 1)
    z = estimated.difference / error
    if p_value < level:
        verdict, reason = Verdict.INCONSISTENT, ""
    elif not detectable <= resolution:
        verdict = Verdict.TOO_WEAK
        reason = f"a relative error of {resolution:.3g} would not be found: "
        if hidden < resolution * scale:
            reason += "take more trials"
        elif 2 * estimated.sampling < resolution * scale:
            reason += "take a larger p"
        else:
            reason += "rare features of the law carry too much of the risk"
    elif excess / error > critical_value(LOWEST_LEVEL, math.inf):
        verdict = Verdict.TOO_WEAK
        reason = "a difference of many standard errors, which few trials tell badly: take more"
    elif abs(z) > critical_value(level, estimated.freedom):
        verdict = Verdict.CONSISTENT
        reason = "the difference is more than chance, but within what the finite size may do"
    else:
        verdict, reason = Verdict.CONSISTENT, ""
    return Judgement(z, p_value, detectable, verdict, reason)
