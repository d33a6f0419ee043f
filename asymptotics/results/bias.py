"""The result of `hessian_bias`."""

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
    r"""What training finds of each group of features, and what pruning costs.

    Arrays have the shape of the grid, followed by ``(groups,)``.

    Attributes
    ----------
    population : Population
    kappa, sigma, alpha, ridge
        The grid.
    weight, eigenvalue
        The groups of the population.
    signal
        Contribution of a feature to the null risk, :math:`\Lambda E[B^2]`.
    found
        The share of its coefficient that training finds, :math:`\Lambda/(\Lambda+\tau)`.
    magnitude
        Root mean square of the trained weights, :math:`\sqrt{E[X^2]}`.
    saliency
        Their Hessian saliency, :math:`\Lambda E[X^2]`: covariance-scaled pruning keeps the weights
        of largest saliency.
    importance
        Their natural importance, :math:`\Lambda E[2BX-X^2]`: p times the rise of the risk when one
        weight is set to 0.  It is negative if removing the weight lowers the risk.
    unpruned_risk, magnitude_risk, covariance_risk
        Test error before pruning, and after pruning to `alpha` by each of the two rules.
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
        """Panels of the share found, the size of the weights and the risks; needs matplotlib."""
        from ..plotting import plot_bias

        return plot_bias(self, figure=figure, x=x)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import PANELS, draw_bias

        figure.set_size_inches(PANELS)
        draw_bias(self, figure, x)

    def theory(self, **parameters: Any) -> dict[str, Array]:
        """The same columns at other values of kappa, sigma, alpha and ridge, as floats."""
        return bias_columns(self.population, **parameters)


HessianBias.columns = tuple(
    field.name for field in fields(HessianBias) if field.name != "population"
)
