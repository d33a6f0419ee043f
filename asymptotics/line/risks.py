"""The risk alone, through all stages, where its numbers move: along slopes, or over an interval."""

from collections.abc import Mapping
from typing import Any

from ..arithmetic import Arithmetic, Array
from ..population import Population
from ..theory import FixedPoint, Rule, channel
from ..theory.cuts import cut_at
from ..theory.retraining import TOWARDS, mask_at, retrained_at, second_fit_at
from ..theory.risk import pruned_risk_at


def risk_at(
    population: Population,
    fixed: FixedPoint,
    infinite: Array,
    at: Mapping[str, Any],
    rule: Rule,
    towards: str | None,
    arithmetic: Arithmetic,
) -> Array:
    """The risk of the rows of a flat grid that has one rule, from its fixed points.

    `at` holds checked parameters by their names.  Where the noise level is `infinite`, `fixed` has
    1 in its place.  With `towards` it is the risk after a second fit.
    """
    law = channel(population, fixed, arithmetic)
    alpha = arithmetic.taken(at["alpha"])
    threshold = cut_at(law, rule, alpha, arithmetic)
    if towards is None:
        return pruned_risk_at(law, at["sigma"], rule, threshold, arithmetic).risk
    mask = mask_at(law, rule, threshold, alpha, infinite, arithmetic)
    chi = arithmetic.array(1 if towards == TOWARDS[1] else 0)
    ridge = arithmetic.taken(at["retrain_ridge"])
    fit = second_fit_at(
        population, fixed, mask, at["kappa"], at["sigma"], at["alpha"], rule, ridge, chi, arithmetic
    )
    return retrained_at(fit, arithmetic).risk
