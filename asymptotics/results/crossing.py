"""The result of `crossing`: where two rules are equally good."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

from ..arithmetic import Array
from ..domains import LINEAR
from ..outcomes import Status
from ..tables.grid_result import GridResult, noted


@dataclass(frozen=True, eq=False, repr=False)
class Crossings(GridResult):
    """All points at which two rules have the same risk; arrays have an entry for each of them.

    Attributes
    ----------
    kappa, sigma, alpha, ridge
        The problem at the crossing.
    rule_a, rule_b
        The rules.
    risk
        Their common risk; with a second fit, that after it.
    below, above
        The better rule just below and just above the crossing.
    status
        ``"ok"``; ``"incomplete"`` if a crossing may be missing; with `digits`,
        ``"no convergence"`` if they were not reached.
    digits : int or None
        The number of digits asked for.
    """

    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule_a: Array
    rule_b: Array
    risk: Array
    below: Array
    above: Array
    status: Array
    digits: int | None = None

    grid = (*LINEAR, "rule_a", "rule_b")
    shown: ClassVar[tuple[str, ...]] = ("risk", "below", "above", "status")
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def notes(self) -> Iterator[str]:
        return noted(Status.INCOMPLETE, self.status)


Crossings.columns = tuple(field.name for field in fields(Crossings) if field.name != "digits")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RetrainedCrossings(Crossings):
    """All points at which two rules have the same risk after a second fit.

    Attributes
    ----------
    retrain_ridge, retrain_towards
        The second fit, as in `RetrainedRisk`.
    """

    retrain_ridge: Array
    retrain_towards: Array

    grid = (*Crossings.grid, "retrain_ridge", "retrain_towards")


RetrainedCrossings.columns = (*Crossings.columns, "retrain_ridge", "retrain_towards")
