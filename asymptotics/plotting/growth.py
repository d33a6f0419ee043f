"""Figures of models that grow: risks against the features that they see."""

from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes

from ..arithmetic import Array
from .style import (
    COLOURS,
    DASHES,
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

#: The points of a curve.
_SMOOTH = 241
_NUMBERS = ("kept", "sigma", "ridge", "retrain_ridge")


class Grown(Columns, Protocol):
    """A result of `growth`, which can compute other models."""

    def theory(self, **models: Any) -> dict[str, Array]:
        """The columns of other models."""


def plot_growth(result: Grown, ax: Axes | None = None) -> Axes:
    """Draw the risks of models that keep as many weights against the features that they see.

    A solid line is the risk after pruning by a rule, a dashed one after a refit of what it keeps.
    Grey lines are the model before pruning, and pruned to the features known to matter; the dotted
    line is the small model, trained on as many features as are kept.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new ``pyplot`` figure.
    """
    ax = ax or new_axes()
    draw_growth(result, ax)
    return ax


def draw_growth(result: Grown, ax: Axes) -> None:
    """Draw on `ax`, as `plot_growth`."""
    kappa = floats(result.column("kappa")).ravel()
    numbers = np.stack([floats(result.column(key)).ravel() for key in _NUMBERS], axis=1)
    settings = np.unique(numbers, axis=0)
    rules = list(dict.fromkeys(result.column("rule").ravel().tolist()))
    require_few(len(settings) * (2 * len(rules) + 3))
    seen = np.unique(np.concatenate([np.linspace(kappa.min(), kappa.max(), _SMOOTH), kappa]))
    varying = [key for place, key in enumerate(_NUMBERS) if np.unique(numbers[:, place]).size > 1]
    marker = "o" if seen.size == 1 else None  # a line of one point does not show
    curves, null = [], 0.0
    for row, setting in enumerate(settings):
        given = dict(zip(_NUMBERS, setting.tolist(), strict=True))
        at = [value_label(key, given[key]) for key in varying]
        for number, rule in enumerate(rules):
            models = {key: np.full(seen.size, value) for key, value in given.items()}
            found = result.theory(kappa=seen, rule=np.full(seen.size, rule), **models)
            colour = COLOURS[(row * len(rules) + number) % len(COLOURS)]
            name = ", ".join([rule_label(str(rule)), *at])
            ax.plot(seen, found["pruned_risk"], color=colour, marker=marker, label=name)
            ax.plot(
                seen,
                found["retrained_risk"],
                color=colour,
                linestyle=DASHES[1],
                marker=marker,
                label=f"{name}, retrained",
            )
            curves += [found["pruned_risk"], found["retrained_risk"]]
        for key, label, colour, dashes in (
            ("dense_risk", "before pruning", "0.6", "-"),
            ("known_risk", "pruned to known features", "0.3", (0, (4, 1.5))),
            ("small_risk", "train small", "0.1", (0, (1, 1.5))),
        ):
            name = ", ".join([label, *at])
            look: Any = {"linewidth": 1, "linestyle": dashes, "marker": marker}
            ax.plot(seen, found[key], color=colour, label=name, **look)
            curves.append(found[key])
        null = max(null, found["null_risk"].max())
    cut_peaks(ax, curves, null)
    ax.set_xlabel(r"features seen per sample $\kappa$")
    ax.set_ylabel("test error, noise included (units of $y^2$)")
    scale_abscissa(ax, seen)
    fixed = [value_label(key, numbers[0, place]) for place, key in enumerate(_NUMBERS)
             if key not in varying]  # fmt: skip
    ax.set_title(", ".join(fixed), loc="left", fontsize="medium")
    frame(ax, handlelength=3)
