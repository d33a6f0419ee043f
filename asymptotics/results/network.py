"""The result of a sweep over networks that were trained and pruned."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ..arithmetic import Array
from ..tables.grid_result import GridResult, explained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class NetworkSweep(GridResult):
    """Errors of pruned networks over a grid; every array has the grid's shape.

    Each quantity is a mean over runs, with a standard error in ``<name>_se``.  Errors are mean
    squared errors on fresh samples, divided by the variance of the target.

    Attributes
    ----------
    eta, alpha, width, samples, rule
        The grid.
    test_error, unpruned_error
        Error of the pruned network, and of the network before pruning.
    kept_hidden, kept_output
        Fraction kept of each layer.
    magnitude_hidden, magnitude_output
        Mean magnitude of the weights of each layer, after training.
    restored_hidden, restored_output
        How much a layer has learned: the rise of the error if the layer is reset to its values
        before training.
    collapsed
        Fraction of runs in which pruning deletes a whole layer.
    converged
        Fraction of runs whose gradient fell below the tolerance within the steps allowed.
    trials
        Number of runs.
    status
        ``"ok"``, ``"diverges"`` if training diverged in some run, or ``"no runs"``.
    reason
        Why there are no numbers, or empty.
    interrupted : bool
        Whether the user interrupted the sweep.
    """

    eta: Array
    alpha: Array
    width: Array
    samples: Array
    rule: Array
    test_error: Array
    test_error_se: Array
    kept_hidden: Array
    kept_hidden_se: Array
    kept_output: Array
    kept_output_se: Array
    unpruned_error: Array
    unpruned_error_se: Array
    magnitude_hidden: Array
    magnitude_hidden_se: Array
    magnitude_output: Array
    magnitude_output_se: Array
    restored_hidden: Array
    restored_hidden_se: Array
    restored_output: Array
    restored_output_se: Array
    collapsed: Array
    converged: Array
    trials: Array
    status: Array
    reason: Array
    interrupted: bool = False

    grid = ("eta", "alpha", "width", "samples", "rule")
    shown = (
        "test_error",
        "test_error_se",
        "unpruned_error",
        "kept_output",
        "magnitude_output",
        "restored_output",
        "collapsed",
        "status",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.test_error.shape

    def notes(self) -> Iterator[str]:
        return explained(self.status, self.reason)

    def plot(self, figure: "Figure | None" = None, x: str | None = None) -> "Figure":
        """Magnitudes, importance and errors against one parameter; needs matplotlib."""
        from ..plotting import plot_network

        return plot_network(self, figure=figure, x=x)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import PANELS, draw_network

        figure.set_size_inches(PANELS)
        draw_network(self, figure, x)


NetworkSweep.columns = tuple(
    field.name for field in fields(NetworkSweep) if field.name != "interrupted"
)
