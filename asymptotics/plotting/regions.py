"""Figures of the regions of two parameters in which each rule is the best."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from ..arithmetic import QUIET, Array
from ..domains import LINEAR, RETRAINING
from ..errors import InvalidInput
from .curves import Theory
from .style import (
    COLOURS,
    LABELS,
    RETRAINING_SYMBOLS,
    SYMBOLS,
    floats,
    frame,
    new_axes,
    rule_label,
    scale_of,
    value_label,
)

#: Points along each axis at which the risks are compared.
_POINTS = 301
#: Risks that differ by less than this, relative to them, are equal.
_EQUAL = 1e-9
#: The colour of points at which the risk is infinite, or at which several rules are best.
_UNDECIDED = "0.9"


class _Side(NamedTuple):
    """An axis of the figure."""

    key: str
    #: The points along it, evenly spaced on the axis.
    points: Array
    logarithmic: bool


def plot_regions(
    result: Theory, ax: Axes | None = None, x: str | None = None, y: str | None = None
) -> Axes:
    """Draw in which regions of two parameters each rule of a result has the least risk.

    The risks are evaluated anew on a fine grid over the ranges of both parameters.  With a second
    fit they are those after it.  Where the best rules are equal the figure is grey.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new ``pyplot`` figure.
    x, y : str, optional
        The parameters on the axes; by default the two that vary.

    Raises `InvalidInput` if other parameters vary as well, or if there are not two rules or more.
    """
    across, up = _sides(result, x, y)
    rules = list(dict.fromkeys(str(rule) for rule in result.column("rule").ravel()))
    if not 2 <= len(rules) <= len(COLOURS):
        allowed = f"must be from 2 to {len(COLOURS)} rules to compare"
        raise InvalidInput("rule", f"{len(rules)} rule{'s' * (len(rules) != 1)}", allowed)
    fixed = dict(_fixed(result, (across.key, up.key)))
    risks = np.stack([_risks(result, across, up, fixed, rule) for rule in rules])
    best = _best(risks)
    ax = ax or new_axes()
    shown = [place for place in range(len(rules)) if (best == place).any()]
    colours = ListedColormap([_UNDECIDED, *COLOURS[: len(rules)]])
    ax.pcolormesh(
        across.points,
        up.points,
        best,
        cmap=colours,
        vmin=-1.5,
        vmax=len(rules) - 0.5,
        alpha=0.75,
        shading="nearest",
        rasterized=True,
    )
    handles = [Patch(color=COLOURS[place], alpha=0.75) for place in shown]
    labels = [rule_label(rules[place]) for place in shown]
    if (best < 0).any():
        handles.append(Patch(color=_UNDECIDED))
        labels.append("equal, or infinite")
    for side, axis in ((across, "x"), (up, "y")):
        if side.logarithmic:
            getattr(ax, f"set_{axis}scale")("log")
            getattr(ax, f"{axis}axis").set_major_formatter("{x:g}")
        getattr(ax, f"set_{axis}label")(LABELS[side.key])
    ax.set_title(
        ", ".join(value_label(key, value) for key, value in fixed.items() if key in LABELS),
        loc="left",
        fontsize="medium",
    )
    frame(ax, handles=handles, labels=labels, title="least risk")
    ax.grid(visible=False)
    return ax


def _symbols(result: Theory) -> dict[str, str]:
    """The parameters of a result that are numbers, with their symbols."""
    return SYMBOLS | (RETRAINING_SYMBOLS if hasattr(result, "retrained_risk") else {})


def _sides(result: Theory, x: str | None, y: str | None) -> tuple[_Side, _Side]:
    """The axes of the figure: the two parameters that vary."""
    varying = [key for key in _symbols(result) if np.unique(floats(result.column(key))).size > 1]
    keys = [x or "", y or ""]
    for name, key in zip("xy", keys, strict=True):
        if key and key not in varying:
            raise InvalidInput(name, key, f"must be one that varies: {', '.join(varying)}")
    rest = [key for key in varying if key not in keys]
    keys = [key or (rest.pop(0) if rest else "") for key in keys]
    if rest or "" in keys or keys[0] == keys[1]:
        raise InvalidInput("result", ", ".join(varying), "must vary in two parameters alone")
    return _side(result, keys[0]), _side(result, keys[1])


def _side(result: Theory, key: str) -> _Side:
    points = np.unique(floats(result.column(key)))
    logarithmic = scale_of(points) == "log"
    spaced = np.geomspace if logarithmic else np.linspace
    return _Side(key, spaced(points[0], points[-1], _POINTS), logarithmic)


def _fixed(result: Theory, varying: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    """The other parameters with their values."""
    numbers = (*LINEAR, *(RETRAINING if hasattr(result, "retrained_risk") else ()))
    for key in numbers:
        if key not in varying:
            yield key, float(floats(result.column(key)).ravel()[0])
    if hasattr(result, "retrained_risk"):
        words = {str(word) for word in result.column("retrain_towards").ravel()}
        if len(words) > 1:
            raise InvalidInput("retrain_towards", ", ".join(sorted(words)), "must be one word")
        yield "retrain_towards", words.pop()


def _risks(result: Theory, across: _Side, up: _Side, fixed: dict[str, Any], rule: str) -> Array:
    """The risks of a rule, with a row for each point of the side `up`."""
    at = fixed | {across.key: across.points, up.key: up.points[:, None]}
    name = "retrained_risk" if hasattr(result, "retrained_risk") else "risk"
    return floats(result.theory(**at, rule=rule)[name]).reshape(up.points.size, across.points.size)


@QUIET
def _best(risks: Array) -> Array:
    """The index of the rule of least risk; -1 where several are best, or a risk is not known."""
    lowest, second = np.sort(risks, axis=0)[:2]
    apart = second - lowest > _EQUAL * lowest
    known = np.isfinite(lowest) & ~np.isnan(risks).any(axis=0)
    return np.where(apart & known, np.argmin(risks, axis=0), -1)
