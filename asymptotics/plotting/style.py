"""Colours, axes, legends and labels that all figures share."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..arithmetic import Array
from ..domains import LINEAR, NETWORK, RETRAINING
from ..errors import InvalidInput

#: Okabe and Ito's colours, which colour-blind readers can tell apart; dashes also differ in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1.5)))
#: The size of a figure with one panel, in inches.
SIZE = (6.6, 3.7)
#: The size of a figure of three panels, in inches.  Their legends are above them; each entry beyond
#: the first four makes the figure higher by `_LEGEND_ROW`.
PANELS, _LEGEND_ROW, _FREE_ROWS = (9.6, 3.6), 0.17, 4
STYLE: Any = {  # for files alone: axes of the user keep the user's settings
    "font.size": 9,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.hashsalt": "asymptotics",
}
#: The symbols of the parameters of the linear model, and of a network.
SYMBOLS = {key: parameter.symbol for key, parameter in LINEAR.items()}
RETRAINING_SYMBOLS = {key: parameter.symbol for key, parameter in RETRAINING.items()}
#: The number of weights that a growing model keeps, for each sample.
GROWTH_SYMBOLS = {"kept": "s/n"}
NETWORK_SYMBOLS = {key: parameter.symbol for key, parameter in NETWORK.items()}
LABELS = {key: parameter.label for key, parameter in {**LINEAR, **RETRAINING, **NETWORK}.items()}
#: A parameter gets a logarithmic axis if its largest value is more than this times its least.
_WIDE = 20
#: A logarithmic axis over less than this factor is also labelled at 2 and 5 times powers of ten.
_LABELLED_BETWEEN = 300
#: Risks above this many times the null risk leave a figure that cuts its peaks.
_HIGHEST = 2.0
#: The colours of reference lines.
GREYS = ("0.55", "0.2", "0.7", "0.4")
#: The most lines in one figure; more could not be told apart.
MOST_LINES = 14
#: What legends say of a rule beside its name.
_RULE_LABELS = {
    "covariance": "covariance (Hessian)",
    "optimal": "optimal (best mask)",
    "shrunk": "shrunk (best estimate)",
}
#: The style of simulated points with their bars.
POINTS: Any = {
    "fmt": "o",
    "markersize": 4.5,
    "markerfacecolor": "white",
    "markeredgewidth": 1,
    "elinewidth": 1,
    "zorder": 3,
}


class Columns(Protocol):
    """A result: named arrays over a grid."""

    def column(self, name: str) -> Array:
        """The array of a column."""


def new_axes() -> Axes:
    """The axes of a new ``pyplot`` figure."""
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=SIZE, layout="constrained")
    return ax


def frame(ax: Axes, **legend: Any) -> None:
    """Draw a faint grid, and the legend beside the axes, where it covers no curve."""
    _open_frame(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False, **legend)


def _open_frame(ax: Axes) -> None:
    """Draw a faint grid, and only the left and the lower side of the frame."""
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def panels(figure: Figure | None) -> Figure:
    """A figure for three panels: `figure` itself, or a new ``pyplot`` figure if it is None."""
    if figure is not None:
        return figure
    import matplotlib.pyplot as plt

    return plt.figure(figsize=PANELS, layout="constrained")


def abscissa(result: Columns, x: str | None, symbols: Iterable[str]) -> tuple[str, list[str]]:
    """The parameter on the axis, by default the one with most values, and the others that vary.

    Raises `InvalidInput` if `x` is not among `symbols`.
    """
    counts = {key: np.unique(floats(result.column(key))).size for key in symbols}
    x = x or max(counts, key=lambda key: counts[key])
    if x not in counts:
        raise InvalidInput("x", x, f"must be one of {', '.join(counts)}")
    return x, [key for key, count in counts.items() if key != x and count > 1]


class Line(NamedTuple):
    """The rows of a flat grid that agree in the rule and in all parameters but the abscissa."""

    rule: str
    parameters: tuple[tuple[str, float], ...]
    #: The values of the other columns that hold words.
    words: tuple[str, ...]
    rows: Array


def lines_along(
    result: Columns, x: str, symbols: Iterable[str], words: Sequence[str] = ()
) -> Iterator[Line]:
    """The grid as lines along `x`, ordered by rule and then by the other parameters.

    `words` are columns of words by which lines differ, beside the rule.
    """
    columns = {key: floats(result.column(key)).ravel() for key in symbols}
    others = [key for key in columns if key != x]
    named = [[str(word) for word in result.column(key).ravel()] for key in ("rule", *words)]
    keys = list(zip(zip(*named, strict=True), *(columns[k].tolist() for k in others), strict=True))
    found: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    for ((rule, *rest), *values), members in found.items():
        rows = np.array(members)[np.argsort(columns[x][members], kind="stable")]
        yield Line(rule, tuple(zip(others, values, strict=True)), tuple(rest), rows)


def require_few(lines: int, what: str = "lines") -> None:
    """Raise `InvalidInput` if there are more lines than a reader can tell apart."""
    if lines > MOST_LINES:
        allowed = f"must be at most {MOST_LINES} in one figure: fix a parameter"
        raise InvalidInput(what, lines, allowed)


def finish_panels(figure: Figure, x: str, values: Array, title: Iterable[str]) -> None:
    """Draw axes, grids, legends and the title of panels; the points are at `values` of x.

    The figure becomes higher by the room that the longest legend needs.
    """
    for ax in figure.axes:
        ax.set_xlabel(LABELS[x])
        scale_abscissa(ax, values, factors=x == "eta")
        _open_frame(ax)
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False,
            fontsize="small", borderaxespad=0.2,
        )  # fmt: skip
    entries = max(len(ax.get_legend_handles_labels()[0]) for ax in figure.axes)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _LEGEND_ROW * max(0, entries - _FREE_ROWS))
    figure.suptitle(", ".join(title), fontsize="medium", x=0.01, ha="left")


def logarithmic_ordinate(ax: Axes) -> None:
    """Make the ordinate logarithmic, with plain numbers, if any value is positive and finite."""
    values = np.concatenate([floats(np.asarray(line.get_ydata())) for line in ax.get_lines()])
    if not (np.isfinite(values) & (values > 0)).any():
        return
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def cut_peaks(ax: Axes, curves: Sequence[Array], null: float) -> None:
    """Choose an ordinate that leaves out what is far above the null risk, as are peaks of a fit."""
    values = np.concatenate([curve.ravel() for curve in curves])
    values = values[np.isfinite(values)]
    top = max(min(values.max(), _HIGHEST * null), null)
    if top > 0:
        ax.set_ylim(0 if values.min() < top / 2 else 0.95 * values.min(), 1.1 * top)


def scale_abscissa(ax: Axes, values: Array, factors: bool = False) -> None:
    """Choose a linear, logarithmic or symlog abscissa by the `values` of the grid.

    If the parameter is a factor (`factors`), such as a scale, it is always logarithmic.
    """
    points = np.unique(values)
    scale = scale_of(points)
    if scale == "log" or (factors and points.size > 1):
        ax.set_xscale("log")
        few = (
            points[-1] < _LABELLED_BETWEEN * points[0]
        )  # labels, if there are only those at powers of ten
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    elif scale == "symlog":
        ax.set_xscale("symlog", linthresh=points[1], linscale=0.6)
        ax.set_xlim(-0.1 * points[1], 1.15 * points[-1])  # the markers at both ends are not cut
        ax.xaxis.set_major_formatter("{x:g}")


def scale_of(points: Array) -> Literal["linear", "log", "symlog"]:
    """The scale that suits ascending points: linear if they are evenly spaced, or span little.

    Otherwise it is logarithmic, or symlog if the first point is 0.
    """
    if even(points):
        return "linear"
    if points[0] > 0:
        return "log" if points[-1] > _WIDE * points[0] else "linear"
    wide = points.size > 2 and scale_of(points[1:]) == "log"
    return "symlog" if points[0] == 0 and wide else "linear"


def even(points: Array) -> bool:
    """Whether points are spaced evenly."""
    steps = np.diff(points)
    return bool(steps.size > 1 and np.ptp(steps) <= 1e-6 * steps.max())


def rule_label(name: str) -> str:
    """The name of a rule in a legend."""
    return _RULE_LABELS.get(name, name.replace("=", " "))


def value_label(key: str, value: float) -> str:
    """A parameter and its value for a legend, in TeX."""
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    power = rf"10^{{{int(exponent)}}}" if exponent else ""
    number = power if power and mantissa == "1" else mantissa + (rf" \cdot {power}" * bool(power))
    symbols = SYMBOLS | RETRAINING_SYMBOLS | NETWORK_SYMBOLS | GROWTH_SYMBOLS
    return f"${symbols[key]} = {number}$"


def floats(column: Array) -> Array:
    """Numbers of any kind, decimals and those of many digits included, as floats."""
    return np.asarray(column, dtype=np.float64)
