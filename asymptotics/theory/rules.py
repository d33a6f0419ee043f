r"""Stage 3: pruning rules.

A rule observes one number ``Y`` of every weight, scores the weight by :math:`\Lambda^q|Y|`, and
keeps the weights of largest score:

============  ==============  =====  ==========================================================
rule          observes Y      q      remark
============  ==============  =====  ==========================================================
magnitude     X               0
covariance    X               1/2    Hessian pruning (optimal brain damage): ΛX² is the saliency;
                                     also called hessian, the name that networks use
exponent=q    X               q      any real q
oracle        B               1/2    ranks by the true importance ΛB²
random        nothing         0      every score is 0, so all weights tie
============  ==============  =====  ==========================================================

Two more rules know the law of the coefficients.  They keep the weights whose *gain* exceeds a
threshold :math:`\psi`, with :math:`\eta(x)=E[B|X=x,\Lambda]` the posterior mean over all groups
that share the eigenvalue:

============  ========================  ========================================================
rule          gain                      remark
============  ========================  ========================================================
optimal       Λ X (2η(X) - X)           what keeping X takes off the risk: the best mask of its
                                        size; may be negative
shrunk        Λ η(X)²                   keeps η(X) in place of X: the best estimate of its size
============  ========================  ========================================================

Keeping a weight of gain g instead of dropping it lowers the risk by g, so that at a given channel
:math:`dRisk/d\alpha=-\psi`.  The best size of the optimal mask is where :math:`\psi=0`.  Without
noise (:math:`\gamma=0`) both gains are :math:`\Lambda B^2`, the ranking of the covariance rule.

The score of a weight with :math:`\Lambda=0` is 0 for every rule, and so is its gain.  Within a
group ``Y``, ``X`` and ``B`` are jointly normal, so that ``B - X`` and ``B`` have linear regressions
on ``Y``.  The law of ``Y`` and these regressions are all that the pruned risk depends on.  Where
the score is one of :math:`|Y|`, by symmetry the formulas take the mean of a group to be
:math:`m\ge0`.

Source: Li et al. (arXiv 2006.10903), sections 2-3; LeCun, Denker, Solla (1989); optimal and shrunk
are derived here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..domains import Domain
from ..errors import InvalidInput, unknown_name
from ..parameters import scalar
from .channels import Channel

#: Factors Λ^q beyond this, or below its inverse, could take scores out of the range of floats.
_LARGEST_SCALE = 1e100
Exponent = int | float | Decimal | Fraction


class Score(NamedTuple):
    r"""The law of the score :math:`\Lambda^q|Y|`, :math:`Y\sim N(center, spread^2)`, per group."""

    weight: Array
    #: Λ^q.
    scale: Array
    #: Mean of Y; non-negative where the score is one of |Y|, as in all rules but those of a gain.
    center: Array
    #: Standard deviation of Y; zero for a point mass.
    spread: Array


class Regression(NamedTuple):
    """Per group, the regressions on ``Y`` of the error ``B - X`` and of the coefficient ``B``.

    A kept weight adds its squared error to the risk, a dropped one its squared coefficient:
    ``B - X = error_mean - error_slope * (Y - center)`` plus noise of variance ``error_variance``;
    ``B = signal_intercept + signal_slope * Y`` plus noise of variance ``signal_variance``.
    Both noises are independent of ``Y``.
    """

    error_mean: Array
    error_slope: Array
    error_variance: Array
    signal_intercept: Array
    signal_slope: Array
    signal_variance: Array


class Rule(ABC):
    """A pruning rule.  Its string is its name in specs and results."""

    #: Whether what it observes holds the noise of the training data.
    sees_noise = False
    #: Whether a weight that is kept stays as it was trained.
    keeps_weights = True
    #: About how many numbers are computed with at a time, for each group of a problem.
    work = 1

    @abstractmethod
    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        """The law of the score in each group."""

    @abstractmethod
    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        """The regressions of error and coefficient on the observed Y, in each group."""


@dataclass(frozen=True)
class WeightRule(Rule):
    r"""Keep the largest :math:`\Lambda^q|X|`."""

    exponent: Exponent
    name: str = ""
    sees_noise = True

    def __str__(self) -> str:
        return self.name or f"exponent={self.exponent}"

    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        alive = channel.eigenvalue > 0
        base = arithmetic.where(alive, channel.eigenvalue, 1)
        scale = arithmetic.power(base, self.exponent)
        if not arithmetic.within(scale, _LARGEST_SCALE):
            allowed = f"must keep Lambda^q between {1 / _LARGEST_SCALE:g} and {_LARGEST_SCALE:g}"
            raise InvalidInput("rule.exponent", self.exponent, allowed)
        center = channel.shrinkage * abs(channel.mean)
        return Score(channel.weight, scale, center, arithmetic.sqrt(_variance_of_weight(channel)))

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        return _on_weight(channel, abs(channel.mean), arithmetic)


def _variance_of_weight(channel: Channel) -> Array:
    """The variance of X, a² s² + v."""
    scaled = channel.shrinkage * channel.std
    return scaled * scaled + channel.noise


def _on_weight(channel: Channel, mean: Array, arithmetic: Arithmetic) -> Regression:
    """The regressions on X, for coefficients of this mean."""
    variance = _variance_of_weight(channel)
    prior = channel.std * channel.std
    # With a the shrinkage, v the noise, s the std: c = a s²/(a² s² + v) is the slope of B on X.
    # `slope` is 1 - c = (v - a (1-a) s²)/(a² s² + v) and `retained` is 1 - c a = v/(a² s² + v),
    # both written so that c near 1, or c a near 1, costs no digits.
    slope = arithmetic.ratio(channel.noise - channel.shrinkage * channel.bias * prior, variance)
    retained = arithmetic.ratio(channel.noise, variance, otherwise=1)
    return Regression(
        error_mean=mean * channel.bias,
        error_slope=slope,
        error_variance=prior * retained,
        signal_intercept=mean * retained,
        signal_slope=arithmetic.ratio(channel.shrinkage * prior, variance),
        signal_variance=prior * retained,
    )


@dataclass(frozen=True)
class Oracle(Rule):
    r"""Keep the largest :math:`\sqrt\Lambda|B|`: an ideal rule, which knows the coefficients."""

    #: q of its score :math:`\Lambda^q|B|`.
    exponent = Fraction(1, 2)

    def __str__(self) -> str:
        return "oracle"

    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        alive = channel.eigenvalue > 0
        return Score(
            channel.weight,
            arithmetic.where(alive, arithmetic.sqrt(channel.eigenvalue), 1),
            arithmetic.where(alive, abs(channel.mean), 0),
            arithmetic.where(alive, channel.std, 0),
        )

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        zero = channel.noise * 0
        return Regression(
            error_mean=abs(channel.mean) * channel.bias,
            error_slope=-channel.bias,
            error_variance=channel.noise,
            signal_intercept=zero,
            signal_slope=zero + 1,
            signal_variance=zero,
        )


@dataclass(frozen=True)
class Random(Rule):
    """Keep weights at random: all scores are 0, so that all weights tie."""

    def __str__(self) -> str:
        return "random"

    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        zero = channel.eigenvalue * 0
        return Score(channel.weight, zero + 1, zero, zero)

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        zero = channel.noise * 0
        missed = channel.bias * channel.std
        return Regression(
            error_mean=abs(channel.mean) * channel.bias,
            error_slope=zero,
            error_variance=missed * missed + channel.noise,
            signal_intercept=abs(channel.mean) + zero,
            signal_slope=zero,
            signal_variance=channel.std * channel.std + zero,
        )


class Posterior(NamedTuple):
    r"""What a trained weight x tells of its coefficient: :math:`\eta(x)=E[B|x,\Lambda]`, and η'."""

    mean: Array
    slope: Array


class Sides(NamedTuple):
    """Where the gain of a single Gaussian group crosses a level, in ascending order.

    An end that does not exist is infinite.
    """

    low: Array
    high: Array
    #: Whether the weights below both ends, and those above, are kept; else those between them are.
    outer: Array


class GainRule(Rule):
    r"""A rule that keeps the weights whose gain, a function of X and Λ, exceeds a threshold.

    Its `score` is the law of the trained weight itself, with a mean of either sign.
    """

    sees_noise = True
    #: Without noise the rule ranks by :math:`\Lambda^q|B|`, q = 1/2.
    exponent = Fraction(1, 2)
    work = 16

    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        center = channel.shrinkage * channel.mean
        spread = arithmetic.sqrt(_variance_of_weight(channel))
        return Score(channel.weight, 0 * channel.eigenvalue + 1, center, spread)

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        return _on_weight(channel, channel.mean, arithmetic)

    @abstractmethod
    def value(self, at: Posterior, x: Array) -> Array:
        """What is kept of a weight x."""

    @abstractmethod
    def gain(self, at: Posterior, x: Array) -> Array:
        """The gain of a weight x of eigenvalue 1; it is proportional to the eigenvalue."""

    @abstractmethod
    def rate(self, at: Posterior, x: Array) -> Array:
        """The derivative of `gain` in x."""

    @abstractmethod
    def least_gain(self, arithmetic: Arithmetic) -> Array:
        """A gain that no weight falls below."""

    @abstractmethod
    def is_flat(self, intercept: Array, slope: Array) -> Array:
        r"""Whether the gain is constant where :math:`\eta(x)` is ``intercept + slope * x``."""

    @abstractmethod
    def sides(self, intercept: Array, slope: Array, level: Array, arithmetic: Arithmetic) -> Sides:
        """Where the gain is more than `level`, where it is not flat and the posterior linear."""


@dataclass(frozen=True)
class Optimal(GainRule):
    r"""Keep the largest :math:`\Lambda X(2\eta(X)-X)`: the best mask that sees X and Λ."""

    def __str__(self) -> str:
        return "optimal"

    def value(self, at: Posterior, x: Array) -> Array:
        return x

    def gain(self, at: Posterior, x: Array) -> Array:
        return x * (2 * at.mean - x)

    def rate(self, at: Posterior, x: Array) -> Array:
        return 2 * (at.mean + x * at.slope - x)

    def least_gain(self, arithmetic: Arithmetic) -> Array:
        return -arithmetic.infinity

    def is_flat(self, intercept: Array, slope: Array) -> Array:
        return (2 * slope == 1) & (intercept == 0)

    def sides(self, intercept: Array, slope: Array, level: Array, arithmetic: Arithmetic) -> Sides:
        # The gain is A x² + 2 b x.  Of its two crossings the one of larger size is t/A, and the
        # other -level/t, which loses no digits where the two terms nearly cancel.
        curvature = 2 * slope - 1
        square = intercept * intercept + curvature * level
        crosses = square > 0
        root = arithmetic.sqrt(arithmetic.where(crosses, square, 0))
        positive = intercept > 0
        t = arithmetic.where(positive, -(intercept + root), root - intercept)
        far = arithmetic.where(positive, -arithmetic.infinity, arithmetic.infinity)
        first, second = arithmetic.ratio(t, curvature, far), arithmetic.ratio(-level, t)
        infinity = arithmetic.infinity
        return Sides(
            arithmetic.where(crosses, arithmetic.minimum(first, second), infinity),
            arithmetic.where(crosses, arithmetic.maximum(first, second), infinity),
            curvature >= 0,
        )


@dataclass(frozen=True)
class Shrunk(GainRule):
    r"""Keep the largest :math:`\Lambda\eta(X)^2`, and put :math:`\eta(X)` in place of X."""

    keeps_weights = False

    def __str__(self) -> str:
        return "shrunk"

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        given = super().regression(channel, arithmetic)
        zero = 0 * given.error_mean
        return given._replace(error_mean=zero, error_slope=zero)

    def value(self, at: Posterior, x: Array) -> Array:
        return at.mean

    def gain(self, at: Posterior, x: Array) -> Array:
        return at.mean * at.mean

    def rate(self, at: Posterior, x: Array) -> Array:
        return 2 * at.mean * at.slope

    def least_gain(self, arithmetic: Arithmetic) -> Array:
        return arithmetic.array(0)

    def is_flat(self, intercept: Array, slope: Array) -> Array:
        return slope == 0

    def sides(self, intercept: Array, slope: Array, level: Array, arithmetic: Arithmetic) -> Sides:
        # No gain is negative: all weights are kept at a level below 0.
        crosses = level >= 0
        root = arithmetic.sqrt(arithmetic.where(crosses, level, 0))
        low, high = (arithmetic.ratio(x - intercept, slope) for x in (-root, root))
        infinity = arithmetic.infinity
        return Sides(
            arithmetic.where(crosses, low, infinity),
            arithmetic.where(crosses, high, infinity),
            slope >= 0,
        )


MAGNITUDE = WeightRule(0, "magnitude")
COVARIANCE = WeightRule(Fraction(1, 2), "covariance")
ORACLE = Oracle()
RANDOM = Random()
OPTIMAL = Optimal()
SHRUNK = Shrunk()


RULES: Mapping[str, Rule] = {
    str(rule): rule for rule in (MAGNITUDE, COVARIANCE, RANDOM, ORACLE, OPTIMAL, SHRUNK)
}
#: Other names of the rules, used for networks.
_ALIASES: Mapping[str, Rule] = {"hessian": COVARIANCE}

MIN_EXPONENT, MAX_EXPONENT = 1e-12, 5
EXPONENT = Domain(
    lambda x: (x >= -MAX_EXPONENT) & (x <= MAX_EXPONENT),
    f"must be a number between -{MAX_EXPONENT} and {MAX_EXPONENT}",
)


def exponent_rule(exponent: Exponent, name: str = "rule") -> WeightRule:
    r"""The rule that keeps the largest :math:`\Lambda^q|X|`, for a real ``q = exponent``."""
    number = scalar(f"{name}.exponent", exponent, EXPONENT)
    if number != 0 and -MIN_EXPONENT < number < MIN_EXPONENT:
        allowed = f"must be 0, or {MIN_EXPONENT:g} or more off it"
        raise InvalidInput(f"{name}.exponent", exponent, allowed)
    return WeightRule(number)


def as_rule(rule: "Rule | str | Mapping[str, Exponent]", name: str = "rule") -> Rule:
    """A rule from its name, from ``"exponent=q"`` or ``{"exponent": q}``, or a rule itself.

    ``"hessian"``, the name used for networks, means ``"covariance"``.  Raises `InvalidInput`
    for anything else; its message calls the rule `name`.
    """
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, Mapping):
        if set(rule) != {"exponent"}:
            raise InvalidInput(name, dict(rule), "a table must be {exponent = q}")
        return exponent_rule(rule["exponent"], name)
    if isinstance(rule, str) and rule.startswith("exponent="):
        return exponent_rule(_read_exponent(rule, name), name)
    if not isinstance(rule, str):
        raise InvalidInput(name, rule, "must be the name of a rule, or {exponent = q}")
    named = {**RULES, **_ALIASES}
    if rule not in named:
        raise unknown_name(name, rule, [*named, "exponent=q"])
    return named[rule]


def _read_exponent(rule: str, name: str) -> Decimal | Fraction:
    """The number q of ``"exponent=q"``: a decimal, or a fraction such as ``1/3``."""
    text = rule.removeprefix("exponent=")
    try:
        return Fraction(text) if "/" in text else Decimal(text)
    except (ValueError, ArithmeticError):
        raise InvalidInput(name, rule, "must be exponent=q with a number q") from None
