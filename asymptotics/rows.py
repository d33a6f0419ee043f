"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from typing import NamedTuple

from .arithmetic import QUIET, Arithmetic, Array
from .population import Population
from .rounding import LEAST, RelativeErrors, relative_errors
from .theory import FixedPoint, PrunedRisk, Rule, Threshold, channel, pruned_risk, threshold
from .theory.channel import Channel
from .theory.rules import Random, WeightRule

#: The largest error, relative to the risk, of a number that is given.
ACCEPTED = 1e-8
#: A part of the weights that is smaller counts as so large in the residual of many digits.
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

    errors = _errors(law, rule, cut, parts, alpha, arithmetic)
    diverges = infinite & (alpha > 0)
    unknown = diverges & isinstance(rule, WeightRule)
    absent = unknown | (alpha == 0) | isinstance(rule, Random) | (errors.threshold > ACCEPTED)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    error = where(diverges, 0, errors.risk)
    if not arithmetic.exact:
        error = where(_underflows(fixed, population), infinity, error)
    return Rows(
        risk=where(diverges, infinity, parts.risk),
        noise=parts.noise,
        kept_error=where(diverges, infinity, parts.kept_error),
        dropped_signal=where(unknown, nan, parts.dropped_signal),
        threshold=where(absent, nan, cut.value),
        residual=arithmetic.maximum(error, fixed.residual),  # in this order NaN stays NaN
    )


def _errors(
    law: Channel,
    rule: Rule,
    cut: Threshold,
    parts: PrunedRisk,
    alpha: Array,
    arithmetic: Arithmetic,
) -> RelativeErrors:
    """How far the risk and the threshold may be off, relative to these."""
    if arithmetic.exact:
        # What more digits leave out shows when they are taken twice.
        few = arithmetic.maximum(arithmetic.minimum(alpha, 1 - alpha), _FEWEST)
        return RelativeErrors(parts.missed(alpha, arithmetic) / few, 0 * alpha)
    law = Channel(*map(arithmetic.plain, law))
    cut, parts = cut.mapped(arithmetic.plain), PrunedRisk(*map(arithmetic.plain, parts))
    return relative_errors(law, rule, cut, parts, arithmetic.plain(alpha))


def _underflows(fixed: FixedPoint, population: Population) -> Array:
    """Whether the noise level is there, but too small a float."""
    there = (fixed.gamma > 0) | (fixed.tau > 0) & (population.signal > 0)
    return (fixed.gamma < LEAST) & there
