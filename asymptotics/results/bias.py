"""What training finds of each group of features."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..arithmetic import Array
from ..domains import LINEAR
from ..line.bias import bias_columns
from ..population import Population
from ..tables.grid_result import GridResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class HessianBias(GridResult):
    r"""What is found of each group; arrays of the grid's shape, then one entry for each group.

    Attributes
    ----------
    population : Population
    kappa, sigma, alpha, ridge
        The grid.
    weight, eigenvalue
        The groups of the population.
    signal
        What a coordinate adds to the risk while nothing is found, :math:`\Lambda E[B^2]`.
    found
        The share of its coefficient that training finds, :math:`\Lambda/(\Lambda+\tau)`.
    magnitude
        Root mean square of the trained weights, :math:`\sqrt{E[X^2]}`.
    saliency
        Their Hessian saliency, :math:`\Lambda E[X^2]`, which covariance-scaled pruning goes by.
    importance
        Their natural importance, by how much the risk rises without a weight (times p):
        :math:`\Lambda E[2BX-X^2]`, negative where the weight does harm.
    unpruned_risk, magnitude_risk, covariance_risk
        Test error before pruning, and after pruning to `alpha` by either rule.
    status
        As in `RiskResult`.
    """

    population: Population
    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    weight: Array
    eigenvalue: Array
    signal: Array
    found: Array
    magnitude: Array
    saliency: Array
    importance: Array
    unpruned_risk: Array
    magnitude_risk: Array
    covariance_risk: Array
    status: Array

    grid = (*LINEAR, "eigenvalue")
    shown = (
        "signal",
        "found",
        "magnitude",
        "saliency",
        "importance",
        "magnitude_risk",
        "covariance_risk",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.found.shape

    def plot(self, figure: "Figure | None" = None, x: str | None = None) -> "Figure":
        """What is found, how large it gets and what pruning costs; needs matplotlib."""
        from ..plotting import plot_bias

        return plot_bias(self, figure=figure, x=x)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import PANELS, draw_bias

        figure.set_size_inches(PANELS)
        draw_bias(self, figure, x)

    def theory(self, **parameters: Any) -> dict[str, Array]:
        """The columns at other points of the grid's parameters, as floats."""
        return bias_columns(self.population, **parameters)


HessianBias.columns = tuple(
    field.name for field in fields(HessianBias) if field.name != "population"
)
