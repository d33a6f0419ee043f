"""The results of `risk`: predicted risks, in double precision, of many digits, or proved."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from ..arithmetic import Array
from ..line.grid import PARAMETERS, as_grid, as_refit
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
        Score above which a weight is kept.  For `optimal` and `shrunk` it is the gain psi above
        which a weight is kept: the risk falls by psi for each further fraction of weights kept.
        That of `optimal` may be negative, where keeping fewer weights is better, and its best
        `alpha` is where psi is 0; it is NaN at ``alpha = 1``.
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
        names = (*PARAMETERS, "tau", "gamma", "residual", "status")
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

    def plot_regions(
        self, ax: "Axes | None" = None, x: str | None = None, y: str | None = None
    ) -> "Axes":
        """Plot in which region of the two parameters that vary each rule has the least risk.

        After a second fit it is the risk after it.  Needs ``asymptotics[plot]``.
        """
        from ..plotting import plot_regions

        return plot_regions(self, ax=ax, x=x, y=y)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_risk

        draw_risk(self, figure.add_subplot(), x, simulated)

    def theory(self, **parameters: Any) -> dict[str, Array]:
        """The same columns at other values of the parameters, in double precision and flat."""
        names = ("retrain_ridge", "retrain_towards")
        given = {name: parameters.pop(name) for name in names if name in parameters}
        grid = as_grid(**parameters, refit=as_refit(**given) if given else None).in_floats()
        return risk_columns(self.population, grid) | grid.flat().columns


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

    shown: ClassVar[tuple[str, ...]] = ("lower", "upper", "status")

    def notes(self) -> Iterator[str]:
        return explained(self.status, self.reason)


CertifiedRisk.columns = (*RiskResult.columns, "lower", "upper", "reason")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RetrainedRisk(RiskResult):
    r"""Predicted risks before and after a second fit, to the same data, of the weights kept.

    The second fit minimises

    .. math:: \|y-X_Sb\|^2/n + r_2\|b-\chi b_1\|^2

    over the kept weights, with :math:`b_1` their values in the first fit.  All that `RiskResult`
    says of `risk`, `residual` and `status` holds for `retrained_risk`, `retrained_residual` and
    `retrained_status`.

    Attributes
    ----------
    retrain_ridge, retrain_towards
        The ridge :math:`r_2`; ``"zero"`` is :math:`\chi=0`, ``"pruned"`` is :math:`\chi=1`.
    retrained_risk
        Test error after the second fit, noise included.
    retrained_residual
        Its estimated relative error.
    retrained_status
        ``"ok"``, ``"diverges"`` or ``"no convergence"``, of the second fit alone.  Where the first
        fit diverges the second may be finite, and the other way round: it diverges where as many
        features are kept as there are samples, with noise and without a ridge.
    """

    retrain_ridge: Array
    retrain_towards: Array
    retrained_risk: Array
    retrained_residual: Array
    retrained_status: Array

    grid = (*RiskResult.grid, "retrain_ridge", "retrain_towards")
    shown: ClassVar[tuple[str, ...]] = (
        "risk",
        "retrained_risk",
        "unpruned_risk",
        "null_risk",
        "threshold",
        "status",
        "retrained_status",
    )


_RETRAINED = (
    "retrain_ridge",
    "retrain_towards",
    "retrained_risk",
    "retrained_residual",
    "retrained_status",
)
RetrainedRisk.columns = (*RiskResult.columns, *_RETRAINED)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedRetrainedRisk(CertifiedRisk, RetrainedRisk):
    """Predicted risks before and after a second fit, both with proved bounds.

    Attributes
    ----------
    retrained_lower, retrained_upper
        Decimals that enclose the exact value of `retrained_risk`, as `lower` and `upper` do with
        `risk`.
    retrained_reason
        Why `retrained_status` is undecided; otherwise empty.
    """

    retrained_lower: Array
    retrained_upper: Array
    retrained_reason: Array

    grid = RetrainedRisk.grid
    shown = ("lower", "upper", "status", "retrained_lower", "retrained_upper", "retrained_status")

    def notes(self) -> Iterator[str]:
        yield from super().notes()
        yield from explained(self.retrained_status, self.retrained_reason)


CertifiedRetrainedRisk.columns = (
    *CertifiedRisk.columns,
    *_RETRAINED,
    "retrained_lower",
    "retrained_upper",
    "retrained_reason",
)
