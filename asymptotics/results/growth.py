"""The result of `growth`: models that see more and more features, and keep as many."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..arithmetic import Array
from ..line.growth import Models, growth_columns
from ..population import Population
from ..tables.grid_result import GridResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Growth(GridResult):
    """Predicted risks of models that grow; every array has the grid's shape.

    Attributes
    ----------
    population : Population
    full_kappa : float
        Features for each sample, if all are seen.
    kappa, kept, sigma, ridge, retrain_ridge, rule
        The grid: features that a model sees and weights that it keeps, both for each sample.
    alpha
        Fraction of its weights that it keeps.
    dense_risk
        Test error of the model before it is pruned.
    known_risk
        Test error if the first features are kept, by somebody who knows that they matter most.
    pruned_risk, retrained_risk
        Test error after pruning by the rule, and after a second fit of the weights kept.
    small_risk
        Test error of the small model, which is trained on the first features alone, as many as are
        kept, with the ridge `retrain_ridge`.
    null_risk
        Test error of the model that predicts zero.
    status, retrained_status, small_status
        As in `RiskResult`: of the model before and after pruning, of the second fit, and of the
        small model.
    """

    population: Population
    full_kappa: float
    kappa: Array
    kept: Array
    sigma: Array
    ridge: Array
    retrain_ridge: Array
    rule: Array
    alpha: Array
    dense_risk: Array
    known_risk: Array
    pruned_risk: Array
    retrained_risk: Array
    small_risk: Array
    null_risk: Array
    status: Array
    retrained_status: Array
    small_status: Array

    grid = Models._fields
    shown = (
        "dense_risk",
        "known_risk",
        "pruned_risk",
        "retrained_risk",
        "small_risk",
        "status",
        "retrained_status",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pruned_risk.shape

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Plot the risks against the features that are seen; needs ``asymptotics[plot]``."""
        from ..plotting import plot_growth

        return plot_growth(self, ax=ax)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_growth

        draw_growth(self, figure.add_subplot())

    def theory(self, **models: Any) -> dict[str, Array]:
        """The same columns of other models, given as flat columns."""
        return growth_columns(self.population, self.full_kappa, Models(**models))


Growth.columns = tuple(
    field.name for field in fields(Growth) if field.name not in ("population", "full_kappa")
)
