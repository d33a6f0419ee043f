"""How many digits tell scores of narrow groups apart."""

import math
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..population import Population
from ..theory.fixed_points import fixed_point_at
from ..theory.rules import Oracle, WeightRule
from .grid import Grid

#: Numbers, such as scores, that agree to this many digits are taken for equal.
MOST_DIGITS = 2_000
#: Of `MOST_DIGITS` digits, so many at the end may be wrong by rounding.
_GUARD = 20
#: Scores that differ by less, relative to their size, are looked at with many digits.  So are only
#: groups whose standard deviation, relative to their mean, is less: they are narrow.
_NEAR = 1e-10


def digits_that_tell_scores(
    population: Population, grid: Grid, index: int, tau: Any, digits: int
) -> int:
    """How many digits tell two narrow groups apart whose scores hardly differ.

    The row `index` of a flat grid has the effective ridge `tau`, known to `digits` digits.  With
    fewer digits than returned here, any two precisions would take the scores for equal, and agree
    on a wrong row.  It is 0 if no scores are near to each other, or the near ones are equal.
    """
    from ..arithmetic.multiprecision import Multiprecision

    rule = grid.rule[index]
    if not isinstance(rule, WeightRule | Oracle):
        return 0
    shrinks = isinstance(rule, WeightRule) and tau != 0
    near = max(_NEAR, 10.0 ** (1 - digits))
    chosen = _near_groups(population, float(rule.exponent), float(tau) if shrinks else 0.0, near)
    if not chosen.size:
        return 0
    arithmetic = Multiprecision(MOST_DIGITS)
    exact = population.groups(arithmetic)
    pairs = set(zip(exact.eigenvalue[chosen], abs(exact.mean[chosen]), strict=True))
    if len(pairs) < 2:
        return 0
    eigenvalues, means = (np.array(column) for column in zip(*pairs, strict=True))
    scores = arithmetic.power(eigenvalues, rule.exponent) * means
    if shrinks:
        kappa, sigma, _, ridge = (x[index : index + 1] for x in grid[:4])
        fixed = fixed_point_at(population, kappa, sigma, ridge, arithmetic)
        scores = scores * eigenvalues / (eigenvalues + fixed.tau)
    scores = np.sort(scores)
    gaps = np.diff(scores) / scores[1:]
    told = gaps[gaps > arithmetic.context.mpf(10) ** -(MOST_DIGITS - _GUARD)]
    return math.ceil(-arithmetic.context.log10(told.min())) if told.size else 0


def _near_groups(population: Population, exponent: float, tau: float, near: float) -> Array:
    """Indices of the narrow groups whose score is near to that of another one."""
    eigenvalue, mean = population.eigenvalue, abs(population.mean)
    narrow = (population.std <= _NEAR * mean) & (mean > 0) & (eigenvalue > 0)
    alive = np.where(narrow, eigenvalue, 1)
    score = alive**exponent * mean * (alive / (alive + tau))
    order = np.argsort(score)
    order = order[narrow[order]]
    close = np.flatnonzero(np.diff(score[order]) <= near * score[order][1:])
    return order[np.union1d(close, close + 1)]
