"""Where one rule begins to beat another."""

from decimal import Context, Decimal
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..choices.crossings import Crossing, zero_crossings
from ..line.grid import RuleLike
from ..outcomes import Status
from ..parameters import whole
from ..population import Population, as_population
from ..results import Crossings, RetrainedCrossings
from .families import Family, as_family
from .risk import risk

#: The parameters along which two rules can be compared.
COMPARED = ("kappa", "sigma", "alpha", "ridge", "retrain_ridge")
#: Digits that are computed beyond those asked for, and beyond those lost where the risks of both
#: rules hardly differ in slope.
_GUARD = 8
#: The most steps of Newton's method in many digits, each of which adds some ten.
_STEPS = 400


def crossing(
    population: Population,
    rule_a: RuleLike,
    rule_b: RuleLike,
    kappa: Any = None,
    sigma: Any = None,
    alpha: Any = None,
    ridge: Any = 0.0,
    *,
    over: str,
    retrain: bool = False,
    retrain_ridge: Any = None,
    retrain_towards: Any = None,
    fixed: str = "p",
    digits: int | None = None,
) -> Crossings:
    """All points at which two rules have the same risk, along one parameter.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge, retrain, retrain_ridge, retrain_towards, fixed
        As in `best`: the parameter `over` is a pair, the ends of its interval, and the others are
        single numbers.
    rule_a, rule_b
        The rules, as in `risk`.
    over : {"kappa", "sigma", "alpha", "ridge", "retrain_ridge"}
        The parameter that varies.
    digits : int, optional
        The number of digits of the crossings and of the risks there; otherwise those of double
        precision.

    Returns
    -------
    Crossings
        A row for each point; with ``retrain=True`` a `RetrainedCrossings`, for the risks after the
        second fit.  Points at which both risks are equal without either rule becoming the better
        one, such as alpha = 1, are no crossings.  The search is that of `best`, with changes of
        sign of the difference: two crossings between neighbours of the last grid are missed.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, or no pair for the one that varies.

    Examples
    --------
    >>> from asymptotics import Population, crossing
    >>> two = Population([0.3, 0.7], [10, 0.5], std=[0.5, 1])
    >>> crossing(two, "magnitude", "covariance", (1.5, 20), 0.5, 0.3, over="kappa")
    Crossings of shape (1,): 1 ok
    kappa = 2.52369, sigma = 0.5, alpha = 0.3, ridge = 0, rule_a = magnitude,
    rule_b = covariance
       risk        below       above   status
    -----------------------------------------
    1.26975   covariance   magnitude       ok
    """
    population = as_population(population)
    parameters = {
        "kappa": kappa, "sigma": sigma, "alpha": alpha, "ridge": ridge,
        "retrain_ridge": retrain_ridge,
    }  # fmt: skip
    one, other = (
        as_family(
            population,
            parameters,
            [over],
            rule,
            fixed,
            known=COMPARED,
            retrain=retrain,
            retrain_towards=retrain_towards,
        )
        for rule in (rule_a, rule_b)
    )

    def difference(x: Array) -> tuple[Array, Array]:
        """The difference of both risks, relative to their mean, and its slope but for that mean."""
        (a, a_slope), (b, b_slope) = one.along(x), other.along(x)
        mean = (a + b) / 2
        with np.errstate(invalid="ignore"):
            return (a - b) / mean, (a_slope - b_slope) / mean

    (lower,), (upper,) = one.bounds
    breaks = [*one.breaks, *other.breaks]
    found = zero_crossings(difference, lower, upper, breaks, one.focus)
    wanted = None if digits is None else whole("digits", digits)
    places = [_place(each, one, other, difference, wanted) for each in found.crossings]
    columns = _columns(one, other, places, wanted)
    rises = np.array([each.rises for each in found.crossings], dtype=bool)
    # Where the difference rises, the first rule is the better one below.
    columns["below"] = np.where(rises, columns["rule_a"], columns["rule_b"])
    columns["above"] = np.where(rises, columns["rule_b"], columns["rule_a"])
    if not found.complete:
        columns["status"][:] = str(Status.INCOMPLETE)
    return (RetrainedCrossings if retrain else Crossings)(**columns, digits=wanted)


def _columns(one: Family, other: Family, places: list[Any], digits: int | None) -> dict[str, Array]:
    """The columns of the result but for the better rules; a place that is None is not known."""
    known = [np.nan if place is None else place for place in places]
    points = np.array(known, dtype=np.float64)
    columns = one.at(points[:, None])
    if digits is not None:
        exact = [one.exactly(place) for place in places if place is not None]
        for key in (*one.numbers, *one.intervals):
            values = iter([row[key] for row in exact])
            columns[key] = np.array(
                [np.nan if place is None else next(values) for place in places], dtype=object
            )
    rule_a, rule_b = columns.pop("rule"), np.full(len(places), other.rule, dtype=object)
    return columns | {
        "rule_a": rule_a,
        "rule_b": rule_b,
        "risk": _risks(one, places, digits),
        "status": np.array(
            [str(Status.NO_CONVERGENCE if place is None else Status.OK) for place in places],
            dtype=object,
        ),
    }


def _risks(family: Family, places: list[Any], digits: int | None) -> Array:
    """The risk at each place, NaN where the place is None."""
    found = np.empty(len(places), dtype=np.float64 if digits is None else object)
    for index, place in enumerate(places):
        found[index] = np.nan if place is None else _risk(family, place, digits)
    return found


def _risk(family: Family, x: Any, digits: int | None) -> Any:
    """The risk of a family at one point of its free parameter."""
    found = risk(
        family.population, **family.exactly(x), retrain=family.towards is not None, digits=digits
    )
    return found.column("risk" if family.towards is None else "retrained_risk").item()


def _place(found: Crossing, one: Family, other: Family, difference: Any, digits: int | None) -> Any:
    """The crossing to the digits asked for; None if they are not reached.

    Newton's method with the slope in floats, from the crossing in floats.  Each step divides the
    error by about 1e10, since so large is the relative accuracy of the slope.
    """
    if digits is None:
        return found.x
    _, (slope,) = difference(np.array([found.x]))
    # The difference is known to as many digits of the risk as are computed.
    lost = max(0.0, -np.log10(abs(slope * found.x))) if slope else np.inf
    if not np.isfinite(lost):
        return None
    wide = digits + _GUARD + int(np.ceil(lost))
    context = Context(prec=wide)
    x, step = Decimal(found.x), Decimal(1)
    for _ in range(_STEPS):
        a, b = (_risk(family, x, wide) for family in (one, other))
        if not (a == a and b == b):
            return None
        relative = 2 * (a - b) / (a + b)
        before = step
        step = context.divide(Decimal(a.context.nstr(relative, wide)), Decimal(float(slope)))
        x = context.subtract(x, step)
        if abs(step) <= abs(x).scaleb(-digits - 2):
            return Context(prec=digits).plus(x)
        if abs(step) > abs(before) / 2:
            return None
    return None
