r"""Stage 3: pruning rules, and what each knows of a weight.

A rule scores every weight by :math:`\Lambda^q|Y|`, where ``Y`` is what it observes, and keeps the
weights of largest score:

============  ==============  =====  ==========================================================
rule          observes Y      q      remark
============  ==============  =====  ==========================================================
magnitude     X               0
covariance    X               1/2    Hessian pruning (optimal brain damage): ΛX² is the saliency;
                                     also called hessian, as networks do
exponent=q    X               q      any real q
oracle        B               1/2    ranks by the true importance ΛB²
random        nothing         0      every score is 0, so all weights tie
============  ==============  =====  ==========================================================

The score of a weight with :math:`\Lambda=0` is 0 for every rule.  Within a group ``Y`` is normal,
so that ``B - X`` and ``B`` regress on it linearly; the pruned risk needs nothing else.  By symmetry
all is stated for a mean :math:`m\ge0`.

Source: Li et al. (arXiv 2006.10903), sections 2-3; LeCun, Denker, Solla (1989).
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

#: Beyond this, scores would leave the range of double precision.
_LARGEST_SCALE = 1e100
Exponent = int | float | Decimal | Fraction


class Score(NamedTuple):
    r"""Per group, the law of the score :math:`\Lambda^q|Y|`, :math:`Y\sim N(center, spread^2)`."""

    weight: Array
    #: Λ^q.
    scale: Array
    #: Mean of Y, non-negative.
    center: Array
    #: Standard deviation of Y; zero for a point mass.
    spread: Array


class Regression(NamedTuple):
    """Per group, what ``Y`` tells of the error ``B - X`` if kept, of the signal ``B`` if dropped.

    ``B - X = error_mean - error_slope * (Y - center)`` plus noise of variance ``error_variance``;
    ``B = signal_intercept + signal_slope * Y`` plus noise of variance ``signal_variance``.
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

    @abstractmethod
    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        """The law of the score in each group."""

    @abstractmethod
    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        """Error and signal given what the rule observes, in each group."""


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
        return Score(channel.weight, scale, center, arithmetic.sqrt(self._variance(channel)))

    def regression(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Regression:
        variance = self._variance(channel)
        prior = channel.std * channel.std
        # With c the slope of B on X: 1 - c, and 1 - ca, without their cancellation.
        slope = arithmetic.ratio(channel.noise - channel.shrinkage * channel.bias * prior, variance)
        retained = arithmetic.ratio(channel.noise, variance, otherwise=1)
        return Regression(
            error_mean=abs(channel.mean) * channel.bias,
            error_slope=slope,
            error_variance=prior * retained,
            signal_intercept=abs(channel.mean) * retained,
            signal_slope=arithmetic.ratio(channel.shrinkage * prior, variance),
            signal_variance=prior * retained,
        )

    @staticmethod
    def _variance(channel: Channel) -> Array:
        scaled = channel.shrinkage * channel.std
        return scaled * scaled + channel.noise


@dataclass(frozen=True)
class Oracle(Rule):
    r"""Keep the largest :math:`\sqrt\Lambda|B|`: the true importance, which no estimator sees."""

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
    """Keep weights at random."""

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


MAGNITUDE = WeightRule(0, "magnitude")
COVARIANCE = WeightRule(Fraction(1, 2), "covariance")
ORACLE = Oracle()
RANDOM = Random()

RULES: Mapping[str, Rule] = {str(rule): rule for rule in (MAGNITUDE, COVARIANCE, RANDOM, ORACLE)}
#: Other names of these: what networks call them.
_ALSO: Mapping[str, Rule] = {"hessian": COVARIANCE}

MIN_EXPONENT, MAX_EXPONENT = 1e-12, 5
_EXPONENT = Domain(
    lambda x: (x >= -MAX_EXPONENT) & (x <= MAX_EXPONENT),
    f"must be a number between -{MAX_EXPONENT} and {MAX_EXPONENT}",
)


def exponent_rule(exponent: Exponent, name: str = "rule") -> WeightRule:
    r"""The rule that keeps the largest :math:`\Lambda^q|X|`, for a real ``q = exponent``."""
    number = scalar(f"{name}.exponent", exponent, _EXPONENT)
    if number != 0 and -MIN_EXPONENT < number < MIN_EXPONENT:
        allowed = f"must be 0, or {MIN_EXPONENT:g} or more off it"
        raise InvalidInput(f"{name}.exponent", exponent, allowed)
    return WeightRule(number)


def as_rule(rule: "Rule | str | Mapping[str, Exponent]", name: str = "rule") -> Rule:
    """A rule from its name, from ``"exponent=q"`` or ``{"exponent": q}``, or a rule itself.

    ``"hessian"``, as networks call it, is another name of ``"covariance"``.  Raises
    `InvalidInput`, in which the rule is called `name`.
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
    named = {**RULES, **_ALSO}
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
