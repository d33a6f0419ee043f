"""The result of `rounds`: predicted risks over rounds of pruning and retraining."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic import Array
from ..iterated.schedule import Round
from ..line.grid import as_grid, as_refit
from ..line.rows import risk_columns
from ..population import Population
from ..tables import counted
from ..tables.grid_result import GridResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: Relative changes of a risk below this are not worth a word.
_LEAST_CHANGE = 5e-5


@dataclass(frozen=True, eq=False, repr=False)
class IteratedRisk(GridResult):
    """Predicted risks over rounds; every array has the shape of the points, then one of rounds.

    Attributes
    ----------
    population : Population
    schedule : tuple of rounds
        What each round asks for.
    tolerance : float
        The relative error that was asked for.
    kappa, sigma, ridge
        The points; `ridge` is that of the first fit.
    round
        1, 2, ...
    alpha, rule
        Fraction of all weights that the cut of the round keeps, and how it ranks them.
    retrain_ridge, retrain_towards
        Ridge of the fit that follows, and where it draws the weights; NaN and empty without a fit.
    unpruned_risk
        Test error of the first fit.
    pruned_risk, retrained_risk
        Test error after the cut of the round, and after the fit that follows; NaN without a fit.
    threshold
        Score above which a weight is kept; NaN for the random rule, 0 if nothing but weights of
        score 0 is dropped.
    tau
        Effective ridge of the fit.
    correlation
        Correlation of the error of the fit with that of the first fit.
    kept_share
        Share of each group that is kept, with an axis more for the groups.
    error
        Estimated relative error of the two risks of the round: the change under more nodes of the
        quadrature, under the rounding of inputs, and under a finer quadrature of a continuous law.
        For quasi-random points it is three standard errors.
    status
        ``"ok"``, ``"diverges"`` (one of the risks is infinite) or ``"no convergence"``: the error
        is larger than the tolerance, and the values are NaN.
    """

    population: Population
    schedule: tuple[Round, ...]
    tolerance: float
    round: Array
    kappa: Array
    sigma: Array
    ridge: Array
    alpha: Array
    rule: Array
    retrain_ridge: Array
    retrain_towards: Array
    unpruned_risk: Array
    pruned_risk: Array
    retrained_risk: Array
    threshold: Array
    tau: Array
    correlation: Array
    kept_share: Array
    error: Array
    status: Array

    grid = (
        "kappa",
        "sigma",
        "ridge",
        "round",
        "alpha",
        "rule",
        "retrain_ridge",
        "retrain_towards",
    )
    shown = ("unpruned_risk", "pruned_risk", "retrained_risk", "threshold", "error", "status")
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pruned_risk.shape

    def one_cut(self, alpha: float | Array) -> dict[str, Array]:
        """Columns of one cut to `alpha` and one refit, at each point: of shape (points, alphas).

        The rule is that of the last cut, ridge and target are those of the last fit.  The columns
        are those of a `RetrainedRisk`.
        """
        last = [each for each in self.schedule if each.refit] or [self.schedule[-1]]
        kappa, sigma, ridge = (
            self.column(key)[..., 0].reshape(-1, 1) for key in ("kappa", "sigma", "ridge")
        )
        refit = as_refit(last[-1].ridge, last[-1].towards)
        rule = self.schedule[-1].rule
        grid = as_grid(kappa, sigma, np.atleast_1d(alpha), ridge, rule, refit)
        columns = risk_columns(self.population, grid.in_floats())
        return {key: column.reshape(grid.shape) for key, column in columns.items()}

    def explain(self) -> list[str]:
        """What the rounds gain over one cut to the same size, in a sentence for each point."""
        number, last = len(self.schedule), self.schedule[-1]
        kind, fit = ("retrained_risk", " and fit") if last.refit else ("risk", "")
        one = self.one_cut(last.alpha)[kind][:, 0]
        risks = self.retrained_risk if last.refit else self.pruned_risk
        what = f"one {last.rule} cut{fit} to the same size, alpha = {last.alpha:g}"
        lines = []
        for row, (risk, other) in enumerate(
            zip(risks.reshape(-1, number)[:, -1], one, strict=True)
        ):
            given = {
                key: self.column(key).reshape(-1, number)[row]
                for key in ("kappa", "sigma", "ridge", "unpruned_risk", "error")
            }
            at = ", ".join(f"{key} = {given[key][0]:g}" for key in ("kappa", "sigma", "ridge"))
            verb = _compared(risk, other, given["error"][-1])
            lines.append(
                f"{at}: {counted(number, 'round')} {verb.format(what)} "
                f"({risk:.6g} against {other:.6g}); before pruning the risk is "
                f"{given['unpruned_risk'][0]:.6g}"
            )
        return lines

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Plot the risk against the fraction kept, beside one cut; needs ``asymptotics[plot]``."""
        from ..plotting import plot_rounds

        return plot_rounds(self, ax=ax)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_rounds

        draw_rounds(self, figure.add_subplot())


_NO_COLUMNS = ("population", "schedule", "tolerance", "kept_share")
IteratedRisk.columns = tuple(
    field.name for field in fields(IteratedRisk) if field.name not in _NO_COLUMNS
)


def _compared(risk: float, other: float, error: float) -> str:
    """How one risk compares with another of the same accuracy; {} stands for the other."""
    if not (np.isfinite(risk) and np.isfinite(other)):
        return "cannot be compared with {}"
    change = risk / other - 1 if other else np.inf * (risk > 0)
    if abs(change) <= 2 * error + _LEAST_CHANGE or risk == other:
        return "give the same as {}"
    return f"{'gain' if change < 0 else 'lose'} {abs(change):.2%} against {{}}"
