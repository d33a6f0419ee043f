r"""Stage 5: the risk of the pruned model,

.. math:: \sigma^2 + E[\Lambda(B-X)^2;\,kept] + E[\Lambda B^2;\,dropped],

its test error with the label noise.  All three terms are non-negative, so none cancels another.

Source: Li, Sattar, Thrampoulidis, Oymak (arXiv 2006.10903), Theorem 1.
"""

from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..arithmetic.base import Columns
from ..parameters import own_or_checked
from ..population import Population, as_population
from .channels import Channel
from .rules import Regression, Rule
from .truncated_gaussian import Cuts, Moments, Threshold, truncated_moments


class PrunedRisk(NamedTuple):
    """The three parts of the pruned risk and the fractions kept and dropped, on the grid."""

    noise: Array
    kept_error: Array
    dropped_signal: Array
    #: Fraction of all weights that is kept.
    kept: Array
    #: Fraction that is dropped, summed by itself, since ``1 - kept`` would lose digits.
    dropped: Array

    @property
    def risk(self) -> Array:
        return self.noise + self.kept_error + self.dropped_signal

    def missed(self, alpha: Array, arithmetic: Arithmetic = FLOAT64) -> Array:
        """How far the fraction kept is from `alpha`.

        It is computed from the smaller fraction, kept or dropped, which is rounded less.
        """
        to_drop = 1 - alpha
        return abs(arithmetic.where(alpha <= to_drop, self.kept - alpha, self.dropped - to_drop))


def pruned_risk(
    channel: Channel,
    sigma: Any,
    rule: Rule,
    threshold: Threshold | Cuts,
    arithmetic: Arithmetic = FLOAT64,
) -> PrunedRisk:
    """The risk of the model pruned by `rule` at `threshold`.

    Raises `InvalidInput` for a `sigma` outside its domain.
    """
    sigma = own_or_checked("sigma", sigma, arithmetic)
    return pruned_risk_at(channel, sigma, rule, threshold, arithmetic)


@QUIET
def pruned_risk_at(
    channel: Channel, sigma: Array, rule: Rule, threshold: Threshold | Cuts, arithmetic: Arithmetic
) -> PrunedRisk:
    """The risk at a checked `sigma`: an exact number, or one of the arithmetic."""
    sigma = arithmetic.taken(sigma)

    def integrand(table: Columns) -> tuple[Array, ...]:
        channel, cut = threshold.split(table)
        moments = truncated_moments(rule.score(channel, arithmetic), cut, arithmetic)
        given = rule.regression(channel, arithmetic)
        kept, dropped = moments
        # E[(B-X)²; kept], where B - X = mean - slope (Y - c) + independent noise.
        mean, slope = given.error_mean, given.error_slope
        error = (
            (mean * mean + given.error_variance) * kept.mass
            - 2 * mean * slope * kept.first
            + slope * slope * kept.second
        )
        if cut.beyond is not None:
            error = error + cut.beyond
        signal = dropped_signal(given, dropped)
        return channel.eigenvalue * error, channel.eigenvalue * signal, kept.mass, dropped.mass

    error, signal, kept, dropped = arithmetic.expect(integrand, threshold.table(channel))
    return PrunedRisk(sigma * sigma, error, signal, kept, dropped)


def dropped_signal(regression: Regression, dropped: Moments) -> Array:
    """E[B²; dropped] in each group, where B = intercept + gain Y + independent noise."""
    intercept, gain = regression.signal_intercept, regression.signal_slope
    return (
        (intercept * intercept + regression.signal_variance) * dropped.mass
        + 2 * intercept * gain * dropped.first
        + gain * gain * dropped.second
    )


@QUIET
def kept_share(
    channel: Channel,
    rule: Rule,
    threshold: Threshold | Cuts,
    arithmetic: Arithmetic = FLOAT64,
) -> Array:
    """The fraction of each group that is kept: of the shape of the grid, followed by ``(G,)``."""
    return truncated_moments(rule.score(channel, arithmetic), threshold, arithmetic).kept.mass


def null_risk(population: Population, sigma: Any, arithmetic: Arithmetic = FLOAT64) -> Array:
    r"""The risk :math:`\sigma^2 + E[\Lambda B^2]` of the model that predicts zero.

    Raises `InvalidInput` for a `sigma` outside its domain.
    """
    sigma = own_or_checked("sigma", sigma, arithmetic)
    return null_risk_at(as_population(population), sigma, arithmetic)


@QUIET
def null_risk_at(population: Population, sigma: Array, arithmetic: Arithmetic) -> Array:
    """The null risk at a checked `sigma`: an exact number, or one of the arithmetic."""
    sigma = arithmetic.taken(sigma)
    (signal,) = arithmetic.expect(
        lambda groups: (groups.eigenvalue * groups.second_moment,), population.groups(arithmetic)
    )
    return sigma * sigma + signal
