"""The risk after a second fit, of the weights kept, for the rows of a grid.

In double precision the risk comes with an estimate of its error.  It is measured: the formulas of
the second fit are evaluated again with their inputs changed a little, and with the weights moved
that rounding may have put on the wrong side of the threshold.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..population import Population
from ..theory import RANDOM, FixedPoint, PrunedRisk, Rule, Threshold
from ..theory.channels import Channel
from ..theory.fixed_points import features_excess
from ..theory.retraining import (
    Kept,
    SecondRidge,
    kept_excess,
    kept_weights,
    retrained_at,
    second_ridge,
)
from ..theory.rules import Regression, Score
from ..theory.thresholds import threshold_at
from .grid import Grid, Refit
from .rounding import LEAST, Displaced, displaced

#: The relative change of the inputs by which their influence on the result is measured.
_CHANGE = 2.0**-26
#: How many rounding errors an input has accumulated.
_ROUNDINGS = 32
#: In how many ways the signs of the changes are drawn.
_PATTERNS = 2
#: The largest share of a group that is moved across the threshold to measure what that changes.
_MOVED = 1e-7


class _Inputs(NamedTuple):
    """What the risk of the second fit is a function of."""

    kept: Kept
    fixed: FixedPoint
    second: SecondRidge
    sigma: Array
    #: κ₊ - 1 of the first fit.
    excess: Array
    #: χ, 1 for a ridge towards the pruned weights.
    towards_pruned: Array

    def risk(self, arithmetic: Arithmetic = FLOAT64) -> Array:
        return retrained_at(*self, arithmetic).risk

    def mapped(self, function: Callable[[Array], Array]) -> "_Inputs":
        """The inputs with a function applied to each array."""
        return self._mapped(function, function)

    def take(self, rows: Array) -> "_Inputs":
        """The inputs of some rows; the groups themselves are the same for all."""
        return self._mapped(lambda x: x if x.ndim == 1 else x[rows], lambda x: x[rows])

    def _mapped(
        self, of_groups: Callable[[Array], Array], of_rows: Callable[[Array], Array]
    ) -> "_Inputs":
        kept, fixed, second, *others = self
        return _Inputs(
            Kept(*map(of_groups, kept)),
            FixedPoint(*map(of_rows, fixed)),
            SecondRidge(*map(of_rows, second)),
            *map(of_rows, others),
        )


@QUIET
def retrained(
    population: Population,
    fixed: FixedPoint,
    infinite: Array,
    law: Channel,
    threshold: Threshold,
    pruned: PrunedRisk,
    grid: Grid,
    refit: Refit,
    rule: Rule,
    arithmetic: Arithmetic,
) -> tuple[Array, Array]:
    """The risk after the second fit of each row, and its estimated relative error.

    `grid` is flat, and has one `rule`.  Where the noise level of the first fit is `infinite`,
    `fixed` has 1 in its place.
    """
    ridge = arithmetic.taken(refit.retrain_ridge)
    pulled = refit.retrain_towards == "pruned"
    alpha = arithmetic.taken(grid.alpha)
    mask_law, regression = law, rule.regression(law, arithmetic)
    blind = infinite & rule.sees_noise
    if arithmetic.any(blind):
        # Infinite weights are ranked by their noise alone, which tells nothing of coefficients.
        column = arithmetic.column(blind)
        mean, std = (arithmetic.where(column, 0, x) for x in (law.mean, law.std))
        mask_law = law._replace(mean=mean, std=std)
        threshold = threshold_at(rule.score(mask_law, arithmetic), alpha, arithmetic)
        pairs = zip(RANDOM.regression(law, arithmetic), regression, strict=True)
        regression = Regression(*(arithmetic.where(column, x, y) for x, y in pairs))
    score = rule.score(mask_law, arithmetic)
    sees_noise = ~blind & rule.sees_noise
    kept = kept_weights(law, score, regression, threshold, sees_noise, arithmetic)
    excess = kept_excess(population, score, grid.kappa, grid.alpha, rule, arithmetic)
    second = second_ridge(kept, fixed.kappa, ridge, excess, arithmetic)
    inputs = _Inputs(
        kept,
        fixed,
        second,
        arithmetic.taken(grid.sigma),
        features_excess(grid.kappa, population.mass_above(0, arithmetic), arithmetic),
        arithmetic.array(np.where(pulled, 1, 0)),
    )
    risk = inputs.risk(arithmetic)
    # A ridge towards infinite weights makes the second fit infinite too.
    diverges = infinite & pulled & (ridge > 0) & (alpha > 0)
    risk = arithmetic.where(diverges, arithmetic.infinity, risk)
    if arithmetic.exact:
        return risk, second.residual
    plain = inputs.mapped(arithmetic.plain)
    moved = displaced(
        Channel(*map(arithmetic.plain, mask_law)),
        rule,
        threshold.mapped(arithmetic.plain),
        PrunedRisk(*map(arithmetic.plain, pruned)),
        arithmetic.plain(alpha),
    )
    tells = Regression(*map(arithmetic.plain, regression))
    ranked = Score(*map(arithmetic.plain, score))
    error = _rounding(plain) + _displacement(plain, moved, tells, ranked, sees_noise)
    value = arithmetic.plain(risk)
    relative = FLOAT64.ratio(error, value, np.where(error > 0, np.inf, 0))
    small = (value < LEAST) & ~((value == 0) & (plain.sigma == 0))
    relative = np.where(small, np.inf, np.where(np.isinf(value), 0, relative))
    return risk, np.maximum(relative, plain.second.residual)


def _rounding(inputs: _Inputs) -> Array:
    """The absolute error of the risk if each input has some rounding errors."""
    value, largest = inputs.risk(), np.zeros_like(inputs.sigma)
    for seed in range(_PATTERNS):
        generator = np.random.default_rng(seed)

        def changed(x: Array, generator: np.random.Generator = generator) -> Array:
            # A sign for each group, or one for all rows: no row depends on which others there are.
            signs = generator.choice([-1.0, 1.0], x.shape[-1] if x.ndim > 1 else 1)
            return x * (1 + _CHANGE * signs)

        other = inputs.mapped(changed)
        whole = other._replace(
            kept=other.kept._replace(eigenvalue=inputs.kept.eigenvalue),
            towards_pruned=inputs.towards_pruned,
        )
        largest = np.maximum(largest, abs(whole.risk() - value))
    return largest * (_ROUNDINGS * FLOAT64.eps / _CHANGE)


def _displacement(
    inputs: _Inputs, moved: Displaced, regression: Regression, score: Score, sees_noise: Array
) -> Array:
    """The absolute error of the risk from weights on the wrong side of the threshold.

    Kept instead of dropped, a weight ``Y = y`` adds its part to each moment of the weights kept.
    The share of weights moved is so small that the risk could hide its effect in rounding errors:
    it is measured with a larger share, in proportion.
    """
    error = np.zeros_like(inputs.sigma)
    if not moved.rows.size:
        return error

    def at(x: Array) -> Array:
        return x if x.ndim == 1 else x[moved.rows]

    some = inputs.take(moved.rows)
    tells = Regression(*map(at, regression))
    spread = np.where(sees_noise[moved.rows, None], at(score.spread), 0)
    z = FLOAT64.ratio(moved.y - at(score.center), spread)
    past = np.where(spread > 0, z * z - 1, 0)
    signal = (tells.signal_intercept + tells.signal_slope * moved.y) ** 2 + tells.signal_variance
    largest = moved.share.max(axis=(0, -1))
    scale = np.maximum(_MOVED / np.maximum(largest, LEAST), 1)
    value, found = some.risk(), np.zeros_like(some.sigma)
    groups = moved.share.shape[-1]
    for seed in range(_PATTERNS):
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (2, 1, groups))
        share = scale[:, None] * moved.share * signs
        kept = some.kept
        kept = kept._replace(
            mass=kept.mass + share.sum(axis=0),
            signal=kept.signal + (share * signal).sum(axis=0),
            dropped_signal=kept.dropped_signal - (share * signal).sum(axis=0),
            level=kept.level + FLOAT64.ratio((share * z).sum(axis=0), spread),
            rise=kept.rise + (share * past).sum(axis=0),
        )
        found = np.maximum(found, abs(some._replace(kept=kept).risk() - value))
    error[moved.rows] = np.where(largest > 0, found / scale, 0)
    return error
