"""Figures of rounds of pruning and retraining: risks against the fraction of weights kept."""

from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes

from ..arithmetic import Array
from .style import (
    COLOURS,
    DASHES,
    LABELS,
    SYMBOLS,
    Columns,
    cut_peaks,
    floats,
    frame,
    new_axes,
    require_few,
    rule_label,
    scale_abscissa,
    value_label,
)

#: The points of a curve of one cut, and how far below the last round it goes.
_SMOOTH, _BELOW = 241, 0.8


class Rounds(Columns, Protocol):
    """A result of rounds, which can compute the risks of one cut."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the points, then the number of rounds."""

    def one_cut(self, alpha: Any) -> dict[str, Array]:
        """Columns of one cut and one refit at each point, of shape (points, alphas)."""


def plot_rounds(result: Rounds, ax: Axes | None = None) -> Axes:
    """Draw the risk against the fraction of weights kept, in rounds and in one cut.

    A solid line is the risk after one cut to that fraction, a dashed one the risk after a refit of
    what it keeps.  The rounds are a path: a cut leads from a circle to a small dot, the refit that
    follows to the next circle.  Each point of (kappa, sigma, ridge) has a colour.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new ``pyplot`` figure.
    """
    ax = ax or new_axes()
    draw_rounds(result, ax)
    return ax


def draw_rounds(result: Rounds, ax: Axes) -> None:
    """Draw on `ax`, as `plot_rounds`."""
    number = result.shape[-1]
    columns = {
        key: floats(result.column(key)).reshape(-1, number)
        for key in ("kappa", "sigma", "ridge", "alpha", "unpruned_risk", "pruned_risk")
    }
    retrained = floats(result.column("retrained_risk")).reshape(-1, number)
    points = len(retrained)
    require_few(3 * points)
    kept = np.geomspace(_BELOW * columns["alpha"].min(), 1, _SMOOTH)
    one = result.one_cut(kept)
    varying = [key for key in ("kappa", "sigma", "ridge") if np.unique(columns[key]).size > 1]
    for row in range(points):
        at = [value_label(key, columns[key][row, 0]) for key in varying]
        colours = COLOURS[:3] if points == 1 else (COLOURS[row % len(COLOURS)],) * 3
        names = ("one cut", "one cut, retrained", "rounds")
        label = [", ".join([name, *at]) for name in names]
        ax.plot(kept, one["risk"][row], color=colours[0], label=label[0])
        ax.plot(
            kept, one["retrained_risk"][row], color=colours[1], linestyle=DASHES[1], label=label[1]
        )
        risks = {key: column[row] for key, column in columns.items()}
        _draw_path(ax, risks, retrained[row], colours[2], label[2])
    unpruned = np.unique(columns["unpruned_risk"])
    if unpruned.size == 1 and np.isfinite(unpruned[0]):
        ax.axhline(unpruned[0], color="0.55", linewidth=1, label="before pruning")
    null = np.unique(one["null_risk"])
    if null.size == 1:
        ax.axhline(null[0], color="0.35", linewidth=1, linestyle=(0, (1, 3)), label="null risk")
    curves = [columns["pruned_risk"], retrained, one["risk"], one["retrained_risk"], unpruned]
    cut_peaks(ax, curves, one["null_risk"].max())
    ax.set_xlabel(LABELS["alpha"])
    ax.set_ylabel("test error, noise included (units of $y^2$)")
    scale_abscissa(ax, kept)
    fixed = [value_label(key, columns[key][0, 0]) for key in columns if key in SYMBOLS
             and key != "alpha" and key not in varying]  # fmt: skip
    named = dict.fromkeys(str(rule) for rule in result.column("rule").ravel())
    ax.set_title(", ".join([*map(rule_label, named), *fixed]), loc="left", fontsize="medium")
    frame(ax, handlelength=3)


def _draw_path(
    ax: Axes, risks: dict[str, Array], retrained: Array, colour: str, label: str
) -> None:
    """Draw the path of the rounds at one point."""
    place, value = [1.0], [risks["unpruned_risk"][0]]
    for alpha, before, after in zip(risks["alpha"], risks["pruned_risk"], retrained, strict=True):
        place += [alpha, alpha]
        value += [before, after]
    ax.plot(place, value, color=colour, linewidth=0.9)
    ax.plot(risks["alpha"], risks["pruned_risk"], ".", color=colour, markersize=4)
    fitted: Any = {"marker": "o", "markersize": 5, "markerfacecolor": "white"}
    ax.plot(risks["alpha"], retrained, color=colour, linestyle="none", **fitted)
    ax.plot([], [], color=colour, linewidth=0.9, label=label, **fitted)
