"""Enclosures of the risk while one parameter varies over an interval."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arithmetic import QUIET, Array
from ..arithmetic.ball import Undecided
from ..arithmetic.taylor import Model, TaylorModels
from ..population import Population
from ..theory import Rule, channel
from ..theory.fixed_points import fixed_point_at
from ..theory.retraining import TOWARDS, mask_at, retrained_at, second_fit_at
from ..theory.risk import pruned_risk_at
from ..theory.thresholds import threshold_at


@QUIET
def risk_model(
    population: Population,
    numbers: Mapping[str, Any],
    rule: Rule,
    towards: str | None,
    arithmetic: TaylorModels,
) -> Model | None:
    """The Taylor model of the risk; None if something is not decided on the whole interval.

    `numbers` are exact, but for those that are models.  With `towards` it is the risk after a
    second fit.
    """
    at: dict[str, Array] = {}
    for key, value in numbers.items():
        at[key] = np.empty(1, dtype=object)
        at[key][0] = value
    try:
        risk = _risk(population, at, rule, towards, arithmetic).item()
    except Undecided:
        return None
    return risk if risk.is_finite else None


def _risk(
    population: Population,
    at: Mapping[str, Array],
    rule: Rule,
    towards: str | None,
    arithmetic: TaylorModels,
) -> Array:
    """The risk at a finite noise level, through all stages."""
    fixed = fixed_point_at(population, at["kappa"], at["sigma"], at["ridge"], arithmetic)
    law = channel(population, fixed, arithmetic)
    alpha = arithmetic.taken(at["alpha"])
    threshold = threshold_at(rule.score(law, arithmetic), alpha, arithmetic)
    if towards is None:
        return pruned_risk_at(law, at["sigma"], rule, threshold, arithmetic).risk
    finite = np.zeros(1, dtype=bool)
    mask = mask_at(law, rule, threshold, alpha, finite, arithmetic)
    chi = arithmetic.array(1 if towards == TOWARDS[1] else 0)
    ridge = arithmetic.taken(at["retrain_ridge"])
    fit = second_fit_at(
        population, fixed, mask, at["kappa"], at["sigma"], at["alpha"], rule, ridge, chi, arithmetic
    )
    return retrained_at(fit, arithmetic).risk
