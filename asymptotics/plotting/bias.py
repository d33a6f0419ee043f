"""What training finds of each group, how large it gets, and what pruning costs."""

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

#: What is drawn of each group, and what is drawn once.
_DRAWN = (
    "eigenvalue",
    "found",
    "magnitude",
    "unpruned_risk",
    "magnitude_risk",
    "covariance_risk",
)

#: Nearer to the threshold, relative to it, a curve may be so many times higher than elsewhere.
_PEAK, _HIGHEST = 0.1, 3


def plot_bias(bias: Theory, figure: Figure | None = None, x: str | None = None) -> Figure:
    """Draw what is found of each group against one parameter, the others fixed.

    Between the points of the result theory is evaluated, as in `plot_risk`.

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
    """Draw on a figure that is given."""
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
    """Limits of a logarithmic axis that show marked points, and curves away from the threshold."""
    places, values = np.array([line.get_data() for line in ax.get_lines()]).swapaxes(0, 1)
    positive = np.isfinite(values) & (values > 0)
    shown = abs(places / threshold - 1) > _PEAK
    shown[:, marks] = True
    if (shown & positive).any():
        low, high = values[shown & positive].min(), values[shown & positive].max()
        ax.set_ylim(low / 1.3, min(_HIGHEST * high, 1.3 * values[positive].max()))


def _curves(bias: Theory, x: str) -> tuple[dict[str, Array], list[int], bool]:
    """Columns of shape (points, groups) in the order of `x`, rows to mark, and whether to join."""
    groups = bias.shape[-1]
    given = {key: floats(bias.column(key)).reshape(-1, groups) for key in (*SYMBOLS, *_DRAWN)}
    threshold = bias.population.interpolation_threshold if x == "kappa" else np.inf
    fill = filling(given[x][:, 0], threshold, 2 * groups)  # two rules
    at: dict[str, Any] = {key: given[key][0, 0] for key in SYMBOLS}
    more = bias.theory(**at | {x: fill.between})
    columns, own = along(x, given, {key: more[key] for key in given})
    # Magnitudes and errors are infinite at the same points, shares are never.
    marks = marked(columns["unpruned_risk"][:, 0], own, fill.joined)
    return columns, marks, fill.joined
