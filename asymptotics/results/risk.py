"""The results of `risk`: predicted risks, in double precision, of many digits, or proved."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from ..arithmetic import Array
from ..line.grid import Grid, as_grid
from ..line.rows import risk_columns
from ..line.shares import kept_shares
from ..population import Population
from ..tables.grid_result import GridResult, explained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class RiskResult(GridResult):
    """Predicted risks over a grid; every array has the grid's shape.

    Numbers are float64, or mpmath numbers if `digits` was given.  A value that does not exist is
    NaN, such as the threshold of the random rule, or any threshold at ``alpha = 0``.  A threshold
    is also NaN if its relative error in double precision may exceed 1e-8, which happens where
    hardly any weight has a score near it.

    With status ``"ok"`` the estimated relative error of `risk`, `unpruned_risk`, `null_risk`,
    `tau`, `gamma` and `threshold` is at most 1e-8, and the error of each part of the risk is at
    most 1e-8 of the risk.  For a continuous law the bound is the `tolerance` of the population, if
    that is larger.  With `digits` two precisions agree on every digit.  Values of a continuous law
    then have only the digits that the `residual` of their row leaves; the last may be off.

    Attributes
    ----------
    population : Population
    kappa, sigma, alpha, ridge, rule
        The grid; `rule` holds `Rule` objects.
    risk
        Test error of the pruned model: the sum of `noise`, `kept_error` and `dropped_signal`.
    unpruned_risk, null_risk
        Test error before pruning, which equals `gamma`, and that of the model that predicts zero.
    noise, kept_error, dropped_signal
        Label noise, error of the weights kept, signal of the weights dropped.
    threshold
        Score above which a weight is kept.
    tau, gamma
        Effective ridge and noise level.
    residual
        Estimated relative error of the risk: the largest of the residuals of the equations, the
        effect of rounding, and, for a continuous law, the change under a finer quadrature.  With
        `digits` it is at least the tolerance of a continuous law.
    status
        ``"ok"``, ``"diverges"`` (the risk is infinite) or ``"no convergence"`` (the risk is NaN,
        because its relative error could exceed 1e-8).  The remedy for the last is `digits`, or more
        of them.  For a continuous law more digits do not help, but another `tolerance` of the
        population may, smaller or larger.
    digits : int or None
        The number of digits asked for; values of a continuous law may have fewer.
    """

    population: Population
    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    risk: Array
    unpruned_risk: Array
    null_risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    tau: Array
    gamma: Array
    residual: Array
    status: Array
    digits: int | None = None

    shown: ClassVar[tuple[str, ...]] = (
        "risk",
        "unpruned_risk",
        "null_risk",
        "threshold",
        "tau",
        "status",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def kept_share(self) -> Array:
        """The share of each group of the population that is kept, of shape ``shape + (G,)``.

        Shares are NaN where the risk is infinite, unless `alpha` is 0, and where the status tells
        that the risk is not known, unless `alpha` is 0 or 1.  For a continuous law, shares computed
        to many digits are only as accurate as `tau` and `gamma`.
        """
        names = (*Grid._fields, "tau", "gamma", "residual", "status")
        columns = {name: getattr(self, name) for name in names}
        return kept_shares(self.population, columns, self.shape, self.digits)

    def plot(
        self,
        ax: "Axes | None" = None,
        x: str | None = None,
        simulated: GridResult | None = None,
    ) -> "Axes":
        """Plot the risk against the parameter that varies.

        `simulated`, a `Verification`, adds its simulated risks.  Needs ``asymptotics[plot]``.
        """
        from ..plotting import plot_risk

        return plot_risk(self, ax=ax, x=x, simulated=simulated)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_risk

        draw_risk(self, figure.add_subplot(), x, simulated)

    def theory(self, **parameters: Any) -> dict[str, Array]:
        """The same columns at other values of the parameters, in double precision and flat."""
        grid = as_grid(**parameters).in_floats()
        return risk_columns(self.population, grid) | grid.flat()._asdict()


RiskResult.columns = tuple(
    field.name for field in fields(RiskResult) if field.name not in ("population", "digits")
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedRisk(RiskResult):
    """Predicted risks with proved bounds; every array has the grid's shape.

    The other values are proved as well, and rounded to `digits` digits.

    Attributes
    ----------
    lower, upper
        Decimals that enclose the exact value of the formula for the given numbers.
    status
        ``"ok"``, ``"diverges"``, or ``"undecided"`` where the digits asked for could not be proved;
        `lower` and `upper` are then the best bounds that were proved.
    reason
        Why a row is undecided; otherwise empty.
    """

    lower: Array
    upper: Array
    reason: Array

    shown = ("lower", "upper", "status")

    def notes(self) -> Iterator[str]:
        return explained(self.status, self.reason)


CertifiedRisk.columns = (*RiskResult.columns, "lower", "upper", "reason")
