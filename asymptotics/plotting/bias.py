"""Figures of the Hessian bias: found share and magnitude of each group, and the test errors."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arithmetic import Array
from ..errors import InvalidInput
from .curves import Theory, along, filling, marked
from .style import (
    COLOURS,
    DASHES,
    SYMBOLS,
    abscissa,
    finish_panels,
    floats,
    logarithmic_ordinate,
    panels,
    require_few,
    rule_label,
    value_label,
)

#: The columns that are drawn: first those with a value for each group, then those with one for all.
_DRAWN = (
    "eigenvalue",
    "found",
    "magnitude",
    "unpruned_risk",
    "magnitude_risk",
    "covariance_risk",
)

#: Curves within this relative distance of the interpolation threshold do not set the upper limit of
#: an axis, but may be shown up to three times higher than the rest.
_PEAK, _HIGHEST = 0.1, 3


def plot_bias(bias: Theory, figure: Figure | None = None, x: str | None = None) -> Figure:
    """Draw the Hessian bias against one parameter; the others must have one value.

    Three panels show the share of each group's coefficients that training finds, the magnitude of
    its trained weights, and the test errors before and after pruning.  Theory is also evaluated
    between the points of the result, as in `plot_risk`.

    Parameters
    ----------
    figure : matplotlib Figure, optional
        Where to draw; by default a new ``pyplot`` figure.
    x : {"kappa", "sigma", "alpha", "ridge"}, optional
        The parameter on the axis; by default the one with most values.
    """
    figure = panels(figure)
    draw_bias(bias, figure, x)
    return figure


def draw_bias(bias: Theory, figure: Figure, x: str | None = None) -> None:
    """Draw on `figure`, as `plot_bias`."""
    x, varying = abscissa(bias, x, SYMBOLS)
    if varying:
        raise InvalidInput(varying[0], "several values", "must be fixed in a figure")
    if 0 in bias.shape:
        raise InvalidInput("result", f"shape {bias.shape}", "must have one or more points")
    groups = bias.shape[-1]
    require_few(groups, "groups")
    columns, marks, joined = _curves(bias, x)
    look: dict[str, Any] = {"markersize": 4, "markevery": marks}
    look["marker"] = "o" if marks else None

    def dashes(number: int) -> Any:
        """The line style of a curve, or no line if only points are drawn."""
        return DASHES[number % len(DASHES)] if joined else "none"

    found, size, cost = figure.subplots(1, 3)
    for group in range(groups):
        style = look | {
            "color": COLOURS[group % len(COLOURS)],
            "linestyle": dashes(group),
            "label": rf"$\Lambda = {columns['eigenvalue'][0, group]:.4g}$",
        }
        found.plot(columns[x][:, group], columns["found"][:, group], **style)
        size.plot(columns[x][:, group], columns["magnitude"][:, group], **style)
    names = (("unpruned_risk", "before pruning"), ("magnitude_risk", "magnitude"),
             ("covariance_risk", rule_label("covariance")))  # fmt: skip
    for number, (name, label) in enumerate(names):
        style = look | {"color": COLOURS[number - 1], "linestyle": dashes(number), "label": label}
        cost.plot(columns[x][:, 0], columns[name][:, 0], **style)
    found.set_ylabel(r"share found $\Lambda/(\Lambda+\tau)$")
    found.set_ylim(0, 1.05)
    size.set_ylabel(r"magnitude $\sqrt{E[X^2]}$ when trained")
    cost.set_ylabel("test error (units of $y^2$)")
    for ax in (size, cost):
        logarithmic_ordinate(ax)
        if x == "kappa":
            _leave_out_peak(ax, bias.population.interpolation_threshold, marks)
    fixed = [value_label(key, float(columns[key][0, 0])) for key in SYMBOLS if key != x]
    finish_panels(figure, x, floats(bias.column(x)), fixed)


def _leave_out_peak(ax: Axes, threshold: float, marks: list[int]) -> None:
    """Set the limits of a logarithmic axis by marked points and curves away from the threshold."""
    # Of shape (lines, points).
    places, values = np.array([line.get_data() for line in ax.get_lines()]).swapaxes(0, 1)
    positive = np.isfinite(values) & (values > 0)
    shown = abs(places / threshold - 1) > _PEAK
    shown[:, marks] = True
    if (shown & positive).any():
        low, high = values[shown & positive].min(), values[shown & positive].max()
        ax.set_ylim(low / 1.3, min(_HIGHEST * high, 1.3 * values[positive].max()))


def _curves(bias: Theory, x: str) -> tuple[dict[str, Array], list[int], bool]:
    """The data of the curves, in the order of `x`.

    Returns the columns, of shape (points, groups), the rows to draw as markers, and whether lines
    join the points.
    """
    groups = bias.shape[-1]
    given = {key: floats(bias.column(key)).reshape(-1, groups) for key in (*SYMBOLS, *_DRAWN)}
    threshold = bias.population.interpolation_threshold if x == "kappa" else np.inf
    fill = filling(given[x][:, 0], [threshold], 2 * groups)  # theory is computed for two rules
    at: dict[str, Any] = {key: given[key][0, 0] for key in SYMBOLS}
    more = bias.theory(**at | {x: fill.between})
    columns, own = along(x, given, {key: more[key] for key in given})
    # Where errors are infinite magnitudes are too, and shares are finite everywhere; so the errors
    # alone decide which points a line does not show.
    marks = marked(columns["unpruned_risk"][:, 0], own, fill.joined)
    return columns, marks, fill.joined
