"""The risk after a second fit, of the weights kept, for the rows of a grid.

In double precision the risk comes with an estimate of its error.  It is measured: the formulas of
the second fit are evaluated again with their inputs changed a little, and with the weights moved
that rounding may have put on the wrong side of the threshold.
"""

from collections.abc import Callable

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..population import Population
from ..theory import FixedPoint, PrunedRisk, Rule, Threshold
from ..theory.channels import Channel
from ..theory.retraining import (
    TOWARDS,
    Kept,
    Mask,
    SecondFit,
    SecondRidge,
    mask_at,
    retrained_at,
    second_fit_at,
)
from ..theory.rules import Regression, Score
from ..theory.truncated_gaussian import Cuts
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


@QUIET
def retrained(
    population: Population,
    fixed: FixedPoint,
    infinite: Array,
    law: Channel,
    threshold: Threshold | Cuts,
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
    alpha, ridge = map(arithmetic.taken, (grid.alpha, refit.retrain_ridge))
    pulled = refit.retrain_towards == TOWARDS[1]
    mask = mask_at(law, rule, threshold, alpha, infinite, arithmetic)
    chi = arithmetic.array(np.where(pulled, 1, 0))
    fit = second_fit_at(
        population, fixed, mask, grid.kappa, grid.sigma, grid.alpha, rule, ridge, chi, arithmetic
    )
    # A ridge towards infinite weights makes the second fit infinite too.
    diverges = infinite & pulled & (ridge > 0) & (alpha > 0)
    risk = arithmetic.where(diverges, arithmetic.infinity, retrained_at(fit, arithmetic).risk)
    if arithmetic.exact:
        return risk, fit.second_ridge.residual
    plain = _mapped(fit, arithmetic.plain, arithmetic.plain)
    ranked = Mask(
        Channel(*map(arithmetic.plain, mask.law)),
        Score(*map(arithmetic.plain, mask.score)),
        mask.threshold.mapped(arithmetic.plain),
        Regression(*map(arithmetic.plain, mask.regression)),
        mask.sees_noise,
    )
    alpha, value = arithmetic.plain(alpha), arithmetic.plain(risk)
    kept = PrunedRisk(*map(arithmetic.plain, pruned))
    moved = displaced(ranked.law, rule, ranked.threshold, kept, alpha)
    unchanged = retrained_at(plain, FLOAT64).risk
    error = _rounding(plain, unchanged) + _displacement(plain, unchanged, moved, ranked)
    relative = FLOAT64.ratio(error, value, np.where(error > 0, np.inf, 0))
    small = (value < LEAST) & ~((value == 0) & (plain.sigma == 0))
    relative = np.where(small, np.inf, np.where(np.isinf(value), 0, relative))
    return risk, np.maximum(relative, plain.second_ridge.residual)


def _mapped(
    fit: SecondFit, of_groups: Callable[[Array], Array], of_rows: Callable[[Array], Array]
) -> SecondFit:
    """A fit with one function applied to the arrays of the groups, another to those of the rows."""
    kept, fixed, second_ridge, *others = fit
    return SecondFit(
        Kept(*map(of_groups, kept)),
        FixedPoint(*map(of_rows, fixed)),
        SecondRidge(*map(of_rows, second_ridge)),
        *map(of_rows, others),
    )


def _rounding(fit: SecondFit, value: Array) -> Array:
    """The absolute error of the risk, which has a value, if each input has some rounding errors."""
    largest = np.zeros_like(fit.sigma)
    for seed in range(_PATTERNS):
        generator = np.random.default_rng(seed)

        def changed(x: Array, generator: np.random.Generator = generator) -> Array:
            # A sign for each group, or one for all rows: no row depends on which others there are.
            signs = generator.choice([-1.0, 1.0], x.shape[-1] if x.ndim > 1 else 1)
            return x * (1 + _CHANGE * signs)

        other = _mapped(fit, changed, changed)
        other = other._replace(
            kept=other.kept._replace(eigenvalue=fit.kept.eigenvalue),
            towards_pruned=fit.towards_pruned,
        )
        largest = np.maximum(largest, abs(retrained_at(other, FLOAT64).risk - value))
    return largest * (_ROUNDINGS * FLOAT64.eps / _CHANGE)


def _displacement(fit: SecondFit, value: Array, moved: Displaced, mask: Mask) -> Array:
    """The absolute error of the risk from weights on the wrong side of the threshold.

    Kept instead of dropped, a weight ``Y = y`` adds its part to each moment of the weights kept.
    The share of weights moved is so small that the risk could hide its effect in rounding errors:
    it is measured with a larger share, in proportion.
    """
    error = np.zeros_like(fit.sigma)
    if not moved.rows.size:
        return error

    def at(x: Array) -> Array:
        return x if x.ndim == 1 else x[moved.rows]

    some = _mapped(fit, at, lambda x: x[moved.rows])
    tells, score = Regression(*map(at, mask.regression)), mask.score
    spread = np.where(mask.sees_noise[moved.rows, None], at(score.spread), 0)
    z = FLOAT64.ratio(moved.y - at(score.center), spread)
    past = np.where(spread > 0, z * z - 1, 0)
    signal = (tells.signal_intercept + tells.signal_slope * moved.y) ** 2 + tells.signal_variance
    largest = moved.share.max(axis=(0, -1))
    scale = np.maximum(_MOVED / np.maximum(largest, LEAST), 1)
    found = np.zeros_like(some.sigma)
    sides, _, groups = moved.share.shape
    drawn = [
        np.random.default_rng(seed).choice([-1.0, 1.0], (sides, 1, groups))
        for seed in range(_PATTERNS)
    ]
    # With equal signs the two sides of a group, which are alike near 0, do not balance.
    for signs in (np.ones((sides, 1, groups)), *drawn):
        share = scale[:, None] * moved.share * signs
        kept = some.kept
        kept = kept._replace(
            mass=kept.mass + share.sum(axis=0),
            signal=kept.signal + (share * signal).sum(axis=0),
            dropped_signal=kept.dropped_signal - (share * signal).sum(axis=0),
            level=kept.level + FLOAT64.ratio((share * z).sum(axis=0), spread),
            rise=kept.rise + (share * past).sum(axis=0),
        )
        other = retrained_at(some._replace(kept=kept), FLOAT64)
        found = np.maximum(found, abs(other.risk - value[moved.rows]))
    error[moved.rows] = np.where(largest > 0, found / scale, 0)
    return error
