"""The best choice of parameters: all local minima of the risk."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..choices.boxes import PointMinima, PointMinimum, minima_in_box
from ..choices.minima import local_minima
from ..line.grid import RuleLike
from ..line.rows import ACCEPTED
from ..outcomes import Status
from ..parameters import flag, objects
from ..population import Population, as_population
from ..results import Best, CertifiedBest, CertifiedRetrainedBest, RetrainedBest
from ..theory import Rule
from .certified import Proof, proved_least, require_provable
from .families import Family, as_family
from .risk import risk

#: The parameters that can be chosen.
CHOSEN = ("kappa", "alpha", "ridge", "exponent", "retrain_ridge")


def best(
    population: Population,
    kappa: Any = None,
    sigma: Any = None,
    alpha: Any = None,
    ridge: Any = 0.0,
    rule: RuleLike | Sequence[RuleLike] | None = None,
    *,
    over: str | Sequence[str],
    exponent: Any = None,
    retrain: bool = False,
    retrain_ridge: Any = None,
    retrain_towards: Any = None,
    fixed: str = "p",
    certify: bool = False,
) -> Best:
    r"""The best choice of one or more parameters: local minima of the risk, with their values.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge, retrain, retrain_ridge, retrain_towards
        As in `risk`.  A parameter that is named in `over` is a pair, the two ends of its interval;
        the others are single numbers.
    rule : str, mapping or Rule, or a sequence of them, optional
        With several rules each is searched, and the best of all is marked.
    over : str or sequence of str
        What to choose: ``"alpha"``, ``"ridge"``, ``"kappa"``, ``"exponent"`` (the exponent q of
        the rule that keeps the largest :math:`\Lambda^q|X|`), ``"retrain_ridge"``.
    exponent : pair of numbers, optional
        The interval of q if it is chosen; `rule` is then left out.
    fixed : {"p", "n", "kept"}
        What stays the same while kappa is chosen.  The law of :math:`(\Lambda,B)`, and so that of
        the response, always does.  With ``"p"`` samples are added, with ``"n"`` features; both
        leave alpha as it is, and so give the same minima.  With ``"kept"`` the number of kept
        weights per sample stays the same, :math:`\alpha\propto1/\kappa`; `alpha` is then the
        fraction kept at the lower end of the interval of kappa.
    certify : bool
        Prove bounds of the least risk on the whole interval of one parameter, to 1e-7 of it, by
        branch and bound with Taylor models.  The interval must not reach 0, that of alpha not 1,
        and nowhere on it may a fit interpolate, with as many features as samples.  Needs the extra
        ``asymptotics[certify]``; for up to 1,000 groups.

    Returns
    -------
    Best
        A row for each local minimum, ends of intervals included.  With ``retrain=True`` it is a
        `RetrainedBest`, of the minima of the risk after the second fit.  Where the risk is
        infinite, as at :math:`\kappa P(\Lambda>0)=1` without ridge, each side is searched by
        itself.

        One parameter is searched on a grid that is doubled until it shows no further minimum, and
        each minimum is found as a root of the slope.  This is no proof: two stationary points that
        lie between neighbours of the last grid are missed.  Several parameters are searched by
        descents from the low points of a grid, along exact slopes; each row is a local minimum, but
        others may be missed, in narrow valleys above all.  With `certify` the result is a
        `CertifiedBest`: its bounds, not the list, are proved.

        Status ``"incomplete"`` tells that the last two grids differ, or that the risk is not known
        at some points, or that there are proved to be smaller risks.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, or no pair for a parameter that is chosen.

    Examples
    --------
    The risk can have several minima in the ridge:

    >>> from asymptotics import Population, best
    >>> two = Population([0.86, 0.14], [20, 0.12], mean=[0.1, 0], std=[0, 0.83])
    >>> found = best(two, 0.3, 0.25, 0.5, (0, 100), "covariance", over="ridge")
    >>> print(found.ridge.round(4), found.risk.round(6), found.best)
    [0.0357 4.7544] [0.156154 0.149742] [False  True]

    Both ridges chosen together: after a large first one, least squares is the best second fit.

    >>> few = Population([0.9, 0.1], 1, std=[0.2, 3])
    >>> both = best(few, 0.9, 0.5, 0.25, (0, 100), over=["ridge", "retrain_ridge"],
    ...             retrain=True, retrain_ridge=(0, 100))
    >>> print(both.ridge.round(3), both.retrain_ridge.round(3), both.retrained_risk.round(5))
    [0.029 7.055] [0.203 0.   ] [0.46586 0.43451]
    """
    population = as_population(population)
    parameters = {
        "kappa": kappa, "sigma": sigma, "alpha": alpha, "ridge": ridge, "exponent": exponent,
        "retrain_ridge": retrain_ridge,
    }  # fmt: skip
    families = [
        as_family(
            population,
            parameters,
            over,
            each,
            fixed,
            known=CHOSEN,
            retrain=retrain,
            retrain_towards=retrain_towards,
        )
        for each in _each(rule)
    ]
    if flag("certify", certify):
        for family in families:
            require_provable(family)
    tables = [_table(family, _search(family)) for family in families]
    columns = {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}
    value = columns["retrained_risk" if retrain else "risk"]
    known = np.where(np.isnan(value), np.inf, value)
    columns["best"] = np.arange(value.size) == (np.argmin(known) if value.size else 0)
    if not certify:
        return (RetrainedBest if retrain else Best)(**columns)
    proofs = [proved_least(family) for family in families]
    columns |= _bounds(columns["best"], value, proofs, columns["status"])
    return (CertifiedRetrainedBest if retrain else CertifiedBest)(**columns)


def _bounds(best: Array, value: Array, proofs: Sequence[Proof], status: Array) -> dict[str, Array]:
    """The columns of bounds, which hold for the least risk of all families, and the status."""
    lower, upper = (min(proof[end] for proof in proofs) for end in (0, 1))
    status = status.astype(object)
    status[best & (not all(proof.close for proof in proofs))] = str(Status.UNDECIDED)
    # The risk of a row may be off by its own rounding.
    status[best & (value > upper * (1 + ACCEPTED))] = str(Status.INCOMPLETE)
    status[best & (value < lower * (1 - ACCEPTED))] = str(Status.UNDECIDED)
    return {
        "lower": np.where(best, lower, np.nan),
        "upper": np.where(best, upper, np.nan),
        "status": status,
    }


def _each(rule: Any) -> Sequence[Any]:
    """The rules to search, one or several."""
    if rule is None or isinstance(rule, Rule | str | Mapping):
        return [rule]
    return objects("rule", rule).ravel().tolist()


def _search(family: Family) -> PointMinima:
    """The local minima of a family."""
    if len(family.intervals) == 1:
        (lower,), (upper,) = family.bounds
        found = local_minima(family.along, lower, upper, family.breaks, family.focus)
        points = [
            PointMinimum(np.array([x]), value, np.array([slope]), end)
            for x, value, slope, end in found.minima
        ]
        return PointMinima(points, found.complete)
    parts = [minima_in_box(family.slopes, box) for box in family.boxes]
    points = [point for part in parts for point in part.minima]
    points.sort(key=lambda point: point.x.tolist())
    return PointMinima(points, all(part.complete for part in parts))


def _table(family: Family, found: PointMinima) -> dict[str, Array]:
    """The columns of the minima of a family."""
    size, free = len(found.minima), list(family.intervals)
    points = np.array([minimum.x for minimum in found.minima]).reshape(size, len(free))
    given = family.at(points)
    retrain = family.towards is not None
    known = risk(family.population, **given, retrain=retrain)
    values = {"risk": known.risk}
    if retrain:
        values["retrained_risk"] = known.column("retrained_risk")
    status = known.column("retrained_status" if retrain else "status").astype(object)
    status[(status == Status.OK) & (not found.complete)] = str(Status.INCOMPLETE)
    missing = np.full(size, np.nan)
    slopes = {f"d_{key}": missing for key in CHOSEN if retrain or key != "retrain_ridge"}
    for place, key in enumerate(free):
        slopes[f"d_{key}"] = np.array([minimum.slopes[place] for minimum in found.minima])
    ends = np.array([minimum.end for minimum in found.minima], dtype=bool)
    return {
        **given,
        **values,
        **slopes,
        "place": np.where(ends, "end", "interior"),
        "status": status,
    }
