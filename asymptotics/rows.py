"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from typing import NamedTuple

from .arithmetic import QUIET, Arithmetic, Array
from .population import Population
from .theory import FixedPoint, Rule, channel, pruned_risk, threshold
from .theory.rules import Random, WeightRule

#: A residual above this is a failure, not a number.
ACCEPTED = 1e-6
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
    missed = arithmetic.where(alpha <= rest, parts.kept - alpha, parts.dropped - rest)
    few = arithmetic.maximum(arithmetic.minimum(alpha, rest), _FEWEST)
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
        residual=arithmetic.maximum(fixed.residual, abs(missed) / few),
    )
