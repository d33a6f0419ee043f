"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from typing import NamedTuple

from .arithmetic import QUIET, Arithmetic, Array
from .population import Population
from .theory import FixedPoint, PrunedRisk, Rule, Threshold, channel, pruned_risk, threshold
from .theory.channel import Channel
from .theory.rounding import rounding_error
from .theory.rules import Random, WeightRule

#: The largest error, relative to the risk, of a number that is given.
ACCEPTED = 1e-8
#: A part of the weights that is smaller counts as so large in its residual.
_FEWEST = 1e-8


class Rows(NamedTuple):
    """What is computed for each row of a flat grid, beside its fixed point."""

    risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    residual: Array


@QUIET
def evaluate(
    population: Population,
    fixed: FixedPoint,
    sigma: Array,
    alpha: Array,
    rule: Rule,
    arithmetic: Arithmetic,
) -> Rows:
    """Rows of one rule."""
    infinite = fixed.gamma == arithmetic.infinity
    # Finite in what follows; where anything is kept, the infinity is put back at the end.
    fixed = fixed._replace(gamma=arithmetic.where(infinite, 1, fixed.gamma))
    law = channel(population, fixed, arithmetic)
    cut = threshold(rule.score(law, arithmetic), alpha, arithmetic)
    parts = pruned_risk(law, sigma, rule, cut, arithmetic)

    rest = 1 - alpha
    missed = abs(arithmetic.where(alpha <= rest, parts.kept - alpha, parts.dropped - rest))
    error = _relative_error(law, rule, cut, missed, parts, alpha, arithmetic)
    diverges = infinite & (alpha > 0)
    unknown = diverges & isinstance(rule, WeightRule)
    absent = unknown | (alpha == 0) | isinstance(rule, Random)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    return Rows(
        risk=where(diverges, infinity, parts.risk),
        noise=parts.noise,
        kept_error=where(diverges, infinity, parts.kept_error),
        dropped_signal=where(unknown, nan, parts.dropped_signal),
        threshold=where(absent, nan, cut.value),
        # In this order NaN stays NaN.
        residual=arithmetic.maximum(where(diverges, 0, error), fixed.residual),
    )


def _relative_error(
    law: Channel,
    rule: Rule,
    cut: Threshold,
    missed: Array,
    parts: PrunedRisk,
    alpha: Array,
    arithmetic: Arithmetic,
) -> Array:
    """The error of the risk for the weights `missed`, and for rounding in floats.

    With more digits, what they leave out shows when they are taken twice.
    """
    few = arithmetic.minimum(alpha, 1 - alpha)
    if arithmetic.exact:
        return missed / arithmetic.maximum(few, _FEWEST)
    law, parts, cut = (type(x)(*map(arithmetic.plain, x)) for x in (law, parts, cut))
    few, missed = arithmetic.plain(few), arithmetic.plain(missed)
    # The sums of kept and of dropped weights are rounded as well as what they were to be.
    wrong = missed + 4 * arithmetic.rounding * few
    error = rounding_error(law, rule, cut, wrong, parts.risk)
    none = (alpha == 0) | (alpha == 1) | (error == 0)  # there is no threshold, or none matters
    return arithmetic.where(none, 0, arithmetic.ratio(error, parts.risk, arithmetic.infinity))
