"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from typing import NamedTuple

import numpy as np

from .arithmetic import FLOAT64, QUIET, Arithmetic, Array
from .population import Population
from .theory import FixedPoint, PrunedRisk, Rule, Threshold, channel, pruned_risk, threshold
from .theory.channel import Channel
from .theory.rounding import LEAST, Rounding, rounding, vanishes
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

    errors = _relative_errors(law, rule, cut, alpha, parts, arithmetic)
    untold = (not arithmetic.exact) & (fixed.gamma < LEAST) & (
        (fixed.gamma > 0) | (fixed.tau > 0) & (population.signal > 0)
    )
    diverges = infinite & (alpha > 0)
    unknown = diverges & isinstance(rule, WeightRule)
    absent = unknown | (alpha == 0) | isinstance(rule, Random) | (errors.threshold > ACCEPTED)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    return Rows(
        risk=where(diverges, infinity, parts.risk),
        noise=parts.noise,
        kept_error=where(diverges, infinity, parts.kept_error),
        dropped_signal=where(unknown, nan, parts.dropped_signal),
        threshold=where(absent, nan, cut.value),
        # In this order NaN stays NaN.
        residual=arithmetic.maximum(
            where(untold, infinity, where(diverges, 0, errors.risk)), fixed.residual
        ),
    )


def _relative_errors(
    law: Channel, rule: Rule, cut: Threshold, alpha: Array, parts: PrunedRisk, arithmetic: Arithmetic
) -> Rounding:
    """Errors of the risk and the threshold, relative to these.

    They follow from the weights that are kept too much or too little and, in floats, from rounding.
    With more digits, what these leave out shows when they are taken twice.
    """
    rest = 1 - alpha
    missed = abs(arithmetic.where(alpha <= rest, parts.kept - alpha, parts.dropped - rest))
    few = arithmetic.minimum(alpha, rest)
    if arithmetic.exact:
        return Rounding(missed / arithmetic.maximum(few, _FEWEST), 0 * alpha)
    law, parts, cut = (type(x)(*map(arithmetic.plain, x)) for x in (law, parts, cut))
    alpha, few, missed = map(arithmetic.plain, (alpha, few, missed))
    # The sums of kept and of dropped weights are rounded as well as what they were to be.
    wrong = missed + 4 * FLOAT64.eps * few
    errors = rounding(law, rule, cut, wrong, parts.risk)
    relative = (
        np.where(error == 0, 0, FLOAT64.ratio(error, value, np.inf))
        for error, value in zip(errors, (parts.risk, cut.value), strict=True)
    )
    none = (alpha == 0) | (alpha == 1)  # there is no threshold to be wrong
    at_risk, at_threshold = (np.where(none, 0, error) for error in relative)
    small = parts.risk < LEAST
    if small.any():
        lost = small & ~((parts.risk == 0) & vanishes(law, rule, cut))
        at_risk = np.where(lost, np.inf, at_risk)
    return Rounding(at_risk, at_threshold)
