"""Predicted risks."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from ..arithmetic import Array
from ..line.grid import as_grid
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

    Numbers are float64, or objects of many digits if these were asked for.  A value that does not
    exist is NaN (the threshold of the random rule, or at ``alpha = 0``).  So is a threshold that
    double precision does not tell to 1e-8, because hardly any weight has a score near it.

    With status ``"ok"`` the risk, `unpruned_risk`, `null_risk`, `tau`, `gamma` and the threshold
    are right to 1e-8 of their size, and the parts of the risk to 1e-8 of the risk; for a continuous
    law to the `tolerance` of the population, if that is larger.  Of many digits each is right, but
    for a continuous law: then a value has only the digits that the `residual` of its row leaves,
    and the last of them may be off.

    Attributes
    ----------
    population : Population
    kappa, sigma, alpha, ridge, rule
        The grid; `rule` holds `Rule` objects.
    risk
        Test error of the pruned model, the sum of `noise`, `kept_error` and `dropped_signal`.
    unpruned_risk, null_risk
        Test error before pruning (it equals `gamma`), and of the model that predicts zero.
    noise, kept_error, dropped_signal
        Label noise, error of the weights kept, signal of the weights dropped.
    threshold
        Score above which a weight is kept.
    tau, gamma
        Effective ridge and noise level.
    residual
        Estimate of the relative error of the risk, from what rounding leaves of the equations and
        what a finer quadrature of a continuous law changes.  With `digits` it is at least the
        tolerance of that law.
    status
        ``"ok"``, ``"diverges"`` (the risk is infinite) or ``"no convergence"``: the risk is NaN, as
        its error could be larger than 1e-8 of it; ask for (more) digits.  For a continuous law more
        digits do not help; a smaller or a larger `tolerance` of the population may.
    digits : int or None
        The number of digits asked for; values of a continuous law have fewer.
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

        For a continuous law, shares of many digits hold as far as `tau` and `gamma` do.
        """
        names = ("kappa", "tau", "gamma", "residual", "alpha", "rule")
        columns = {name: getattr(self, name) for name in names}
        return kept_shares(self.population, columns, self.shape, self.digits)

    def plot(
        self,
        ax: "Axes | None" = None,
        x: str | None = None,
        simulated: GridResult | None = None,
    ) -> "Axes":
        """The risk against the parameter that varies, with those of a `Verification` if given.

        Needs the extra ``asymptotics[plot]``.
        """
        from ..plotting import plot_risk

        return plot_risk(self, ax=ax, x=x, simulated=simulated)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_risk

        draw_risk(self, figure.add_subplot(), x, simulated)

    def theory(self, **parameters: Any) -> dict[str, Array]:
        """The columns at other points of the grid's parameters, in double precision, flat."""
        grid = as_grid(**parameters).in_floats()
        return risk_columns(self.population, grid) | grid.flat()._asdict()


RiskResult.columns = tuple(
    field.name for field in fields(RiskResult) if field.name not in ("population", "digits")
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedRisk(RiskResult):
    """Risks with proved bounds; every array has the grid's shape.

    The other values are rounded to `digits` digits, all of them proved.

    Attributes
    ----------
    lower, upper
        Decimals that enclose the exact value of the formula for the numbers that were given.
    status
        ``"ok"``, ``"diverges"``, or ``"undecided"`` where the digits asked for could not be proved;
        the bounds then are the best that hold.
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
