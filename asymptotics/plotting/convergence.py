"""Figures of convergence: simulation minus theory against the inverse size 1/p."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ..tables import counted
from .style import (
    COLOURS,
    DASHES,
    RETRAINING_SYMBOLS,
    SYMBOLS,
    Columns,
    floats,
    frame,
    new_axes,
    rule_label,
    value_label,
)

#: The most rows in one figure.
_SHOWN = 6


class Verified(Columns, Protocol):
    """Predictions with the simulations that test them."""

    #: The column of the prediction that is tested, and those that are parameters.
    tested: ClassVar[str]
    grid: ClassVar[tuple[str, ...]]


def plot_convergence(verification: Verified, ax: Axes | None = None) -> Axes:
    """Draw the difference between simulation and theory, relative, against 1/p.

    There is a line for each row, with bars of two standard errors.  A hollow marker at 1/p = 0 is
    the extrapolation of the row, which is not simulated.  Lines guide the eye between the sizes of
    a row.  If there are many rows, only those with the largest |z| are drawn, the difference in
    standard errors.
    """
    ax = ax or new_axes()
    draw_convergence(verification, ax)
    return ax


def draw_convergence(verification: Verified, ax: Axes) -> None:
    """Draw on `ax`, as `plot_convergence`."""
    z = abs(verification.column("z").ravel())
    largest = [int(row) for row in np.argsort(-np.nan_to_num(z)) if np.isfinite(z[row])]
    rows = sorted(largest[:_SHOWN])
    labels = _distinguishing(verification, rows)
    ax.axhline(0, color="0.35", linewidth=0.8)
    if not rows:
        ax.set_title("no row has a verdict", loc="left", fontsize="medium")
        return
    for number, row in enumerate(rows):
        samples = verification.column("samples").ravel()[row]
        risk = verification.column(verification.tested).ravel()[row] or 1.0
        x = [sample.inverse_size for sample in samples]
        mean = [sample.mean / risk for sample in samples]
        error = [2 * (sample.variance / sample.trials) ** 0.5 / risk for sample in samples]
        if len(samples) > 1:
            limit = (verification.column("mean").ravel()[row] - risk) / risk
            x, mean = [*x, 0.0], [*mean, limit]
            error.append(2 * verification.column("standard_error").ravel()[row] / risk)
        colour = COLOURS[number % len(COLOURS)]
        shift = 1 + 0.02 * (number - len(rows) / 2)  # so that bars do not cover each other
        ax.errorbar(
            np.array(x) * shift, mean, error, color=colour, capsize=2, linewidth=1, marker="o",
            linestyle=DASHES[number % len(DASHES)], markersize=4, label=labels[number],
        )  # fmt: skip
        if len(samples) > 1:
            ax.plot(
                x[-1], mean[-1], "o", color=colour, markerfacecolor="white", markersize=4, zorder=3
            )
    ax.ticklabel_format(axis="x", scilimits=(0, 0))
    ax.set_xlabel("inverse size $1/p$")
    ax.set_ylabel("simulation minus theory (relative to the risk)")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    if len(rows) < z.size:
        title = f"the {counted(len(rows), 'row')} of largest |z|"
        ax.set_title(title, loc="left", fontsize="medium")
    frame(ax)


def _distinguishing(verification: Verified, rows: Sequence[int]) -> list[str]:
    """Labels of rows: the rule, and the parameters that vary over the grid."""
    rules = verification.column("rule").ravel()
    again, by_round = (key in verification.grid for key in ("retrain_ridge", "round"))
    symbols = [*SYMBOLS, *(RETRAINING_SYMBOLS if again else ())]
    if by_round:  # which tells its fraction, its ridge and where that draws the weights
        symbols, again = [key for key in SYMBOLS if key != "alpha"], False
    keys = [k for k in symbols if np.unique(floats(verification.column(k))).size > 1]
    towards = verification.column("retrain_towards").ravel() if again else np.empty(0)
    names = []
    for row in rows:
        values = [value_label(key, float(verification.column(key).ravel()[row])) for key in keys]
        if len(set(towards)) > 1:
            values.append(f"towards {towards[row]}")
        if by_round:
            number, after = (verification.column(key).ravel()[row] for key in ("round", "after"))
            values.insert(0, f"after {after} {number}")
        names.append(", ".join([rule_label(str(rules[row])), *values]))
    return names
