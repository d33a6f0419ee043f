"""The risk and its slopes where the exponent q of the rule, the largest Λ^q |X|, varies as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..arithmetic.dual import DualNumbers
from ..population import Population
from ..theory.channels import Channel
from ..theory.fixed_points import fixed_point_at
from ..theory.rules import Score, WeightRule
from .grid import parts
from .risks import risk_at


@dataclass(frozen=True, eq=False)
class _Exponents(WeightRule):
    """A rule with an exponent of its own, in `exponents`, for each row of a flat grid."""

    exponents: Any = None

    def score(self, channel: Channel, arithmetic: Arithmetic = FLOAT64) -> Score:
        score = super().score(channel, arithmetic)
        alive = channel.eigenvalue > 0
        logs = np.log(np.where(alive, channel.eigenvalue, 1))
        return score._replace(scale=arithmetic.exp(arithmetic.column(self.exponents) * logs))


@QUIET
def exponent_slopes(
    population: Population, given: Mapping[str, Array], towards: str | None, free: Sequence[str]
) -> tuple[Array, Array]:
    """The risk of each row, and its slopes in the `free` parameters along the last axis.

    `given` has a column for each parameter, ``exponent`` among them.  With `towards` it is the
    risk after a second fit.  A slope that is not known is NaN.  Rounding is not estimated: what is
    found with these numbers is to be evaluated by `risk` once more.
    """
    size = given["kappa"].size
    value, slopes = np.empty(size), np.empty((size, len(free)))
    arithmetic = DualNumbers(len(free))
    for part in parts(np.arange(size), len(population) * (1 + len(free))):
        at = {
            key: arithmetic.parameter(column[part], free.index(key))
            if key in free
            else column[part]
            for key, column in given.items()
        }
        found = _risk(population, at, towards, arithmetic)
        value[part], slopes[part] = arithmetic.plain(found), arithmetic.slope(found)
    if towards is not None and "alpha" in free:
        # The first weights that are dropped change a second fit, which dual numbers do not see.
        slopes[given["alpha"] == 1, free.index("alpha")] = np.nan
    return value, slopes


def _risk(
    population: Population, at: Mapping[str, Any], towards: str | None, arithmetic: DualNumbers
) -> Any:
    """The risk of the rows of a flat grid, through all stages."""
    fixed = fixed_point_at(population, at["kappa"], at["sigma"], at["ridge"], arithmetic)
    infinite = fixed.gamma == arithmetic.infinity
    fixed = fixed._replace(gamma=arithmetic.where(infinite, 1, fixed.gamma))
    # Its own exponent is that of largest size, so that the range of all scores is checked.
    q = arithmetic.plain(at["exponent"])
    rule = _Exponents(float(q[np.argmax(abs(q))]), exponents=at["exponent"])
    risk = risk_at(population, fixed, infinite, at, rule, towards, arithmetic)
    if towards is not None:
        return risk
    return arithmetic.where(infinite & (at["alpha"] > 0), np.inf, risk)
