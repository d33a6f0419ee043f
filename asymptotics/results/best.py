"""The result of `best`: the local minima of a risk."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

from ..arithmetic import Array
from ..outcomes import Status
from ..tables.grid_result import GridResult, noted


@dataclass(frozen=True, eq=False, repr=False)
class Best(GridResult):
    """All local minima of the risk that were found; every array has an entry for each of them.

    Attributes
    ----------
    kappa, sigma, alpha, ridge, rule
        The problem at the minimum.
    risk
        Its predicted risk.
    d_kappa, d_alpha, d_ridge, d_exponent
        The slopes of the risk in the parameters that were chosen, NaN for the others.  A slope is
        not 0 at an end of an interval, and where the risk has a kink.
    place
        ``"interior"``, or ``"end"`` if a parameter is at an end of its interval.
    best
        True for the least of all.
    status
        ``"ok"``, ``"incomplete"`` if a minimum may be missing, or ``"no convergence"`` if the risk
        at this one is not known, as in `RiskResult`.
    """

    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    risk: Array
    d_kappa: Array
    d_alpha: Array
    d_ridge: Array
    d_exponent: Array
    place: Array
    best: Array
    status: Array

    shown: ClassVar[tuple[str, ...]] = ("risk", "place", "best", "status")
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def notes(self) -> Iterator[str]:
        return noted(Status.INCOMPLETE, self.status)


Best.columns = tuple(field.name for field in fields(Best))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RetrainedBest(Best):
    """All local minima of the risk after a second fit of the weights kept.

    Attributes
    ----------
    retrain_ridge, retrain_towards
        The second fit, as in `RetrainedRisk`.
    retrained_risk
        The risk after it, of which these are the minima and the slopes; `risk` is that before it.
    d_retrain_ridge
        Its slope in the ridge of the second fit, if that was chosen.
    """

    retrain_ridge: Array
    retrain_towards: Array
    retrained_risk: Array
    d_retrain_ridge: Array

    grid = (*Best.grid, "retrain_ridge", "retrain_towards")
    shown: ClassVar[tuple[str, ...]] = ("risk", "retrained_risk", "place", "best", "status")


RetrainedBest.columns = tuple(field.name for field in fields(RetrainedBest))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedBest(Best):
    """All local minima that were found, with proved bounds of the least risk.

    Attributes
    ----------
    lower, upper
        Proved bounds of the least risk on the interval, for the numbers given, in the row that is
        best; NaN in the others.
    status
        As in `Best`, or ``"undecided"`` in the row that is best if the bounds differ by more than
        1e-7 of the risk.
    """

    lower: Array
    upper: Array

    shown: ClassVar[tuple[str, ...]] = ("risk", "place", "best", "lower", "upper", "status")


CertifiedBest.columns = (*Best.columns, "lower", "upper")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedRetrainedBest(CertifiedBest, RetrainedBest):
    """All local minima after a second fit, with proved bounds of the least risk after it."""

    grid = RetrainedBest.grid
    shown = ("risk", "retrained_risk", "place", "best", "lower", "upper", "status")


CertifiedRetrainedBest.columns = (*RetrainedBest.columns, "lower", "upper")
