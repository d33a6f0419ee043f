"""Proved bounds of the least risk of a family with one free parameter."""

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..choices.proofs import Least, Polynomial, least_value
from ..errors import InvalidInput
from ..line.digits import require_exact_groups
from ..theory.rules import GainRule
from .families import Family

if TYPE_CHECKING:
    from ..arithmetic.taylor import TaylorModels

#: The relative distance of the bounds, and the most parts of the interval on the way there.
TOLERANCE, _MOST_PARTS = Fraction(1, 10**7), 600
#: The degree of the polynomials that enclose the risk, and the working precision in bits.
_ORDER, _BITS = 8, 96
#: Decimal digits of a bound.
_DIGITS = 15


class Proof(NamedTuple):
    """Proved bounds of the least risk, as floats that are rounded outwards."""

    lower: float
    upper: float
    #: Whether they are as close as `TOLERANCE`.
    close: bool


def proved_least(family: Family) -> Proof:
    """Proved bounds of the least risk of a family with one free parameter, between its ends."""
    from ..arithmetic.ball import Ball
    from ..arithmetic.taylor import TaylorModels

    with TaylorModels(_BITS, _ORDER).working() as arithmetic:
        found = _least(family, arithmetic)
        lower, upper = (Ball(bound).bounds(_DIGITS) for bound in (found.lower, found.upper))
    # A decimal is rounded to the nearest float: one step further is outside.
    below = max(0.0, float(np.nextafter(float(lower[0]), -np.inf)))
    return Proof(below, float(np.nextafter(float(upper[1]), np.inf)), found.close)


def _least(family: Family, arithmetic: "TaylorModels") -> Least:
    from ..arithmetic.ball import Ball
    from ..line.enclosures import risk_model

    (free,) = family.intervals
    lower, upper = (Fraction(end) for end in family.intervals[free])

    def enclose(low: Fraction, high: Fraction) -> Polynomial | None:
        variable = arithmetic.variable(low, high)
        given = family.exactly(variable)
        rule, towards = given.pop("rule"), given.pop("retrain_towards", None)
        model = risk_model(family.population, given, rule, towards, arithmetic)
        return None if model is None else Polynomial(model.coefficients, model.rest)

    tolerance = Ball.of(TOLERANCE).arb
    return least_value(enclose, lower, upper, tolerance, _MOST_PARTS, Ball.of(0).arb)


def require_provable(family: Family) -> None:
    """Raise `InvalidInput` for a family whose least risk cannot be proved."""
    require_exact_groups(family.population)
    if isinstance(family.rule, GainRule):
        allowed = "must be left out for the rules optimal and shrunk: their least risk has no proof"
        raise InvalidInput("certify", True, allowed)
    if len(family.intervals) > 1 or family.rule is None:
        allowed = "must be left out: a proof is for one parameter, which is not the exponent"
        raise InvalidInput("certify", True, allowed)
    ((free, (lower, upper)),) = family.intervals.items()
    if lower == 0 or (free == "alpha" and upper == 1):
        ends = "between 0 and 1" if free == "alpha" else "above 0"
        raise InvalidInput(free, (float(lower), float(upper)), f"must lie {ends} with certify")
    for place in (*family.thresholds[0], *family.thresholds[1]):
        if lower <= place <= upper:
            allowed = f"must not hold {place:g} with certify: prove either side by itself"
            raise InvalidInput(free, (float(lower), float(upper)), allowed)
