"""Figures of a sweep over networks: magnitudes and importance of the layers, and test errors."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InvalidInput
from ..outcomes import Status
from ..tables.grid_result import GridResult
from .style import (
    COLOURS,
    DASHES,
    GREYS,
    NETWORK_SYMBOLS,
    Line,
    abscissa,
    finish_panels,
    floats,
    lines_along,
    logarithmic_ordinate,
    panels,
    require_few,
    rule_label,
    value_label,
)

#: The label of each layer, by its name in the columns.
_LAYERS = {"hidden": "hidden $W$", "output": "output $v$"}
_BARS: Any = {"capsize": 2, "elinewidth": 1, "markersize": 4}
_MARKERS = "osD^v<>"


def plot_network(sweep: GridResult, figure: Figure | None = None, x: str | None = None) -> Figure:
    """Draw mean magnitudes, importance and errors against one parameter.

    Bars are two standard errors.  Lines guide the eye between the settings that were run.  Raises
    `InvalidInput` if no row has numbers.

    Parameters
    ----------
    figure : matplotlib Figure, optional
        Where to draw; by default a new ``pyplot`` figure.
    x : {"eta", "alpha", "width", "samples"}, optional
        The parameter on the axis; by default the one with most values.
    """
    figure = panels(figure)
    draw_network(sweep, figure, x)
    return figure


def draw_network(sweep: GridResult, figure: Figure, x: str | None = None) -> None:
    """Draw on `figure`, as `plot_network`."""
    x, varying = abscissa(sweep, x, NETWORK_SYMBOLS)
    if not (sweep.column("status") == Status.OK).any():
        raise InvalidInput("result", sweep.summary(), "must have one or more rows with numbers")
    lines = list(lines_along(sweep, x, NETWORK_SYMBOLS))
    require_few(len(lines))
    magnitudes, importance, errors = figure.subplots(1, 3)
    _draw_layers(sweep, magnitudes, x, lines, varying, "magnitude")
    _draw_layers(sweep, importance, x, lines, varying, "restored")
    _draw_errors(sweep, errors, x, lines, varying)
    magnitudes.set_ylabel("mean magnitude of a weight")
    logarithmic_ordinate(magnitudes)
    importance.set_ylabel(
        "importance: rise of the test error\nif the layer is put back to its start"
    )
    errors.set_ylabel("test error / variance of the target")
    logarithmic_ordinate(errors)
    fixed = [value_label(key, value) for key, value in lines[0].parameters if key not in varying]
    runs = np.unique(sweep.column("trials"))
    number = f"{runs[0]}" if runs.size == 1 else f"{runs[0]} to {runs[-1]}"
    noun = "run" if number == "1" else "runs"
    title = (*fixed, f"{number} {noun}, bars of two standard errors")
    finish_panels(figure, x, floats(sweep.column(x)), title)


def _draw_layers(
    sweep: GridResult, ax: Axes, x: str, lines: list[Line], varying: list[str], what: str
) -> None:
    """Draw the quantity `what` of each layer, with a line for each setting of training.

    It does not depend on the pruning rule or on alpha, so that these make no further lines.
    """
    for number, (given, line) in enumerate(_settings(lines, varying).items()):
        for layer, (name, label) in enumerate(_LAYERS.items()):
            place = len(_LAYERS) * number + layer
            _draw_line(sweep, ax, x, line, f"{what}_{name}", place, ", ".join([label, *given]))


def _draw_errors(
    sweep: GridResult, ax: Axes, x: str, lines: list[Line], varying: list[str]
) -> None:
    """Draw the test errors before pruning, for each setting of training, and after it."""
    for number, (given, line) in enumerate(_settings(lines, varying).items()):
        label = ", ".join(["before pruning", *given])
        style = {"color": GREYS[number % len(GREYS)], "marker": "x"}
        _draw_line(sweep, ax, x, line, "unpruned_error", number, label, **style)
    for number, line in enumerate(lines):
        label = ", ".join([rule_label(line.rule), *_given(line, varying)])
        _draw_line(sweep, ax, x, line, "test_error", number, label)
    ax.axhline(1, color="0.35", linewidth=0.8, linestyle=(0, (4, 3)), label="predicting the mean")


def _settings(lines: list[Line], varying: list[str]) -> dict[tuple[str, ...], Line]:
    """One line for each setting of training, by the labels of the parameters that vary."""
    keys = [key for key in varying if key != "alpha"]
    found: dict[tuple[str, ...], Line] = {}
    for line in lines:
        found.setdefault(_given(line, keys), line)
    return found


def _given(line: Line, keys: list[str]) -> tuple[str, ...]:
    """The labels of these parameters of a line."""
    return tuple(value_label(key, value) for key, value in line.parameters if key in keys)


def _draw_line(
    sweep: GridResult,
    ax: Axes,
    x: str,
    line: Line,
    name: str,
    number: int,
    label: str,
    **style: Any,
) -> None:
    """Draw a column along a line, with bars; `number` chooses colour, marker and dashes."""
    place, mean, error = (
        floats(sweep.column(key)).ravel()[line.rows] for key in (x, name, f"{name}_se")
    )
    look = {
        "color": COLOURS[number % len(COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": DASHES[number % len(DASHES)],
        "markerfacecolor": "white",
    }
    ax.errorbar(place, mean, 2 * np.nan_to_num(error), label=label, **(_BARS | look | style))
