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
    from .growth import draw_growth, plot_growth
    from .network import draw_network, plot_network
    from .regions import plot_regions
    from .risk import draw_risk, plot_risk
    from .rounds import draw_rounds, plot_rounds
    from .style import PANELS, SIZE, STYLE, require_few

__all__ = [
    "PANELS",
    "draw_bias",
    "draw_convergence",
    "draw_growth",
    "draw_network",
    "draw_risk",
    "draw_rounds",
    "plot_bias",
    "plot_convergence",
    "plot_growth",
    "plot_network",
    "plot_regions",
    "plot_risk",
    "plot_rounds",
    "require_few",
    "save",
]


def save(
    result: GridResult,
    path: Path,
    x: str | None = None,
    simulated: GridResult | None = None,
) -> None:
    """Draw a result into a file in the format that the suffix of `path` names.

    `x` is the parameter on the axis, and `simulated` has simulated risks to draw beside theory.
    Raises `InvalidInput` if results of this kind have no picture.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # the user's own settings do not change the file
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=SIZE, layout="constrained")
        result.draw(figure, x, simulated)
        # Without a date in the metadata, the same figure gives the same bytes.
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        metadata = {"Creator": CREATOR, **undated.get(path.suffix.lower(), {})}
        # Drawn in memory first: on a full disk matplotlib raises errors that are hard to read.
        drawn = BytesIO()
        figure.savefig(drawn, format=path.suffix.lower().removeprefix("."), metadata=metadata)
    path.write_bytes(drawn.getvalue())
