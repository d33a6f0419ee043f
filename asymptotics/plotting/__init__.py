"""Figures of results; needs matplotlib (the extra ``asymptotics[plot]``)."""

from io import BytesIO
from pathlib import Path

from ..errors import InvalidInput
from ..extras import extra
from ..results import CREATOR, GridResult, HessianBias, NetworkSweep, RiskResult, Verification

with extra("plot"):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from .bias import draw_bias, plot_bias
    from .convergence import draw_convergence, plot_convergence
    from .network import draw_network, plot_network
    from .risk import draw_risk, plot_risk
    from .style import PANELS, SIZE, STYLE, require_few

__all__ = ["plot_bias", "plot_convergence", "plot_network", "plot_risk", "require_few", "save"]


def save(
    result: GridResult,
    path: Path,
    x: str | None = None,
    simulated: Verification | None = None,
) -> None:
    """Draw a result into a file; its ending tells the format."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a file is the same whatever the reader's own settings
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=SIZE, layout="constrained")
        match result:
            case Verification():
                draw_convergence(result, figure.add_subplot())
            case RiskResult():
                draw_risk(result, figure.add_subplot(), x, simulated)
            case NetworkSweep():
                figure.set_size_inches(PANELS)
                draw_network(result, figure, x)
            case HessianBias():
                figure.set_size_inches(PANELS)
                draw_bias(result, figure, x)
            case _:
                raise InvalidInput("result", type(result).__name__, "has no figure")
        # No date in the file: the same figure is the same bytes.
        undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        metadata = {"Creator": CREATOR, **undated.get(path.suffix.lower(), {})}
        # Drawn in memory: where a disk is full matplotlib fails with errors of its own making.
        drawn = BytesIO()
        figure.savefig(drawn, format=path.suffix.lower().removeprefix("."), metadata=metadata)
    path.write_bytes(drawn.getvalue())
