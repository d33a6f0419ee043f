"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from typing import NamedTuple

import numpy as np

from .arithmetic import FLOAT64, QUIET, Arithmetic, Array
from .population import Population
from .theory import FixedPoint, PrunedRisk, Rule, Threshold, channel, pruned_risk, threshold
from .theory.channel import Channel
from .theory.rounding import LEAST, Rounding, rounding, vanishes
from .theory.rules import Random, Score, WeightRule

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
    plain = (type(x)(*map(arithmetic.plain, x)) for x in (law, cut, parts))
    return _rounding(*plain, rule, *map(arithmetic.plain, (alpha, few, missed)))


def _rounding(
    law: Channel,
    cut: Threshold,
    parts: PrunedRisk,
    rule: Rule,
    alpha: Array,
    few: Array,
    missed: Array,
) -> Rounding:
    """`_relative_errors` in floats."""
    risk, score = parts.risk, rule.score(law)
    relative = missed / np.maximum(few, _FEWEST)
    errors = Rounding(relative, 0 * alpha)
    rows = np.flatnonzero(~(_benign(law, score, risk, few, missed) | isinstance(rule, Random)))
    if not rows.size:
        return errors
    some = Channel(*(x if x.ndim == 1 else x[rows] for x in law))
    at = Threshold(*(x[rows] for x in cut))
    # The sums of kept and of dropped weights are rounded as well as what they were to be.
    found = rounding(some, rule, at, (missed + 4 * FLOAT64.eps * few)[rows], risk[rows])
    for error, estimate, value in zip(errors, found, (risk, cut.value), strict=True):
        share = FLOAT64.ratio(estimate, value[rows], np.inf)
        # At the ends of alpha there is no threshold to be wrong.
        error[rows] = np.where((few[rows] == 0) | (estimate == 0), 0, share)
    small = risk < LEAST
    if small.any():
        lost = small & ~((risk == 0) & vanishes(law, rule, cut))
        errors.risk[lost] = np.inf
    return errors


def _benign(law: Channel, score: Score, risk: Array, few: Array, missed: Array) -> Array:
    """Rows of which it is plain that rounding does them no harm: no closer look is taken.

    All groups are wide, so that no difference of a centre and the threshold loses digits; many are
    kept and many dropped; and no group's weights matter much more than the risk.
    """
    alive = law.eigenvalue > 0
    wide = (score.center <= 10 * score.spread) & ((score.spread > 1e-100) | ~alive)
    largest = law.eigenvalue * (law.mean * law.mean + law.std * law.std + law.noise)
    matters = FLOAT64.over_groups("max", largest)
    return wide.all(axis=-1) & (few > 1e-4) & (missed < 1e-13 * few) & (risk > 1e-3 * matters)
