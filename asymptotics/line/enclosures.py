"""Enclosures of the risk while one parameter varies over an interval."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arithmetic import QUIET, Array
from ..arithmetic.ball import Undecided
from ..arithmetic.taylor import Model, TaylorModels
from ..population import Population
from ..theory import Rule
from ..theory.fixed_points import fixed_point_at
from .risks import risk_at


@QUIET
def risk_model(
    population: Population,
    numbers: Mapping[str, Any],
    rule: Rule,
    towards: str | None,
    arithmetic: TaylorModels,
) -> Model | None:
    """The Taylor model of the risk; None if something is not decided on the whole interval.

    The noise level is finite on the interval.  `numbers` are exact, but for those that are models.
    With `towards` it is the risk after a second fit.
    """
    at: dict[str, Array] = {}
    for key, value in numbers.items():
        at[key] = np.empty(1, dtype=object)
        at[key][0] = value
    try:
        fixed = fixed_point_at(population, at["kappa"], at["sigma"], at["ridge"], arithmetic)
        finite = np.zeros(1, dtype=bool)
        risk = risk_at(population, fixed, finite, at, rule, towards, arithmetic).item()
    except Undecided:
        return None
    return risk if risk.is_finite else None
