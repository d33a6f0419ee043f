"""Figures of results; needs matplotlib (the extra ``asymptotics[plot]``)."""

from io import BytesIO
from pathlib import Path

from ..extras import extra
from ..tables.documents import CREATOR
from ..tables.grid_result import GridResult

with extra("plot"):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from .bias import draw_bias, plot_bias
    from .convergence import draw_convergence, plot_convergence
    from .network import draw_network, plot_network
    from .risk import draw_risk, plot_risk
    from .style import PANELS, SIZE, STYLE, require_few

__all__ = [
    "PANELS",
    "draw_bias",
    "draw_convergence",
    "draw_network",
    "draw_risk",
    "plot_bias",
    "plot_convergence",
    "plot_network",
    "plot_risk",
    "require_few",
    "save",
]


def save(
    result: GridResult,
    path: Path,
    x: str | None = None,
    simulated: GridResult | None = None,
) -> None:
    """Draw a result into a file; its ending tells the format.

    Raises `InvalidInput` for a result that has no picture.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # a file is the same whatever the reader's own settings
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=SIZE, layout="constrained")
        result.draw(figure, x, simulated)
        # No date in the file: the same figure is the same bytes.
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        metadata = {"Creator": CREATOR, **undated.get(path.suffix.lower(), {})}
        # Drawn in memory: where a disk is full matplotlib fails with errors of its own making.
        drawn = BytesIO()
        figure.savefig(drawn, format=path.suffix.lower().removeprefix("."), metadata=metadata)
    path.write_bytes(drawn.getvalue())
