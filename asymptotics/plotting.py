"""Figures of results; needs matplotlib (the extra ``asymptotics[plot]``)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from .arithmetic import Array
from .errors import InvalidInput
from .population import Population
from .results import GridResult, RiskResult, Verification
from .study import risk

#: Okabe and Ito's colours, which colour-blind readers tell apart; dashes tell them apart in grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1.5)))
_SIZE = (6.6, 3.7)
_STYLE: Any = {  # of files; on axes, their owner's settings hold
    "font.size": 9,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.hashsalt": "asymptotics",
}
_SYMBOLS = {"kappa": r"\kappa", "sigma": r"\sigma", "alpha": r"\alpha", "ridge": r"r"}
_LABELS = {
    "kappa": r"features per sample $\kappa = p/n$",
    "sigma": r"noise standard deviation $\sigma$ (units of $y$)",
    "alpha": r"fraction of weights kept $\alpha$",
    "ridge": r"ridge $r$ (units of feature variance)",
}
#: A parameter that spans more than this factor gets a logarithmic axis.
_WIDE = 20
#: A logarithmic axis that spans less than this is labelled between the powers of ten as well.
_DECADES = 300
_MOST_LINES = 14
#: More entries of a legend are set smaller.
_MANY_ENTRIES = 12
#: Rows in a picture of convergence.
_SHOWN = 6
#: A peak so many times higher than the rest is cut off.
_HIGHEST = 3
#: More reference lines of one kind would not be told apart; they are left out.
_MOST_REFERENCES = 4
_POINTS: Any = {
    "fmt": "o",
    "markersize": 4.5,
    "markerfacecolor": "white",
    "markeredgewidth": 1,
    "elinewidth": 1,
    "zorder": 3,
}
_GREYS = ("0.55", "0.2", "0.7", "0.4")


class _Line(NamedTuple):
    rule: str
    parameters: tuple[tuple[str, float], ...]
    x: Array
    risk: Array
    unpruned: Array
    null: Array


def save(
    result: GridResult,
    path: Path,
    x: str | None = None,
    simulated: Verification | None = None,
) -> None:
    """Draw a result into a file; its ending tells the format."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a file is the same whatever the reader's own settings
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=_SIZE, layout="constrained")
        if isinstance(result, Verification):
            _draw_convergence(result, figure.add_subplot())
        elif isinstance(result, RiskResult):
            _draw(result, figure.add_subplot(), x, simulated)
        # No date in the file: the same figure is the same bytes.
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        figure.savefig(path, metadata=metadata)


def plot_risk(
    result: RiskResult,
    ax: Axes | None = None,
    x: str | None = None,
    simulated: Verification | None = None,
) -> Axes:
    """Draw the risk against one parameter, with a line for each combination of the others.

    Beside the pruned risks it shows the risk before pruning, the null risk and, where the axis is
    kappa, the interpolation threshold 1/P(Λ>0), at which lines of ridge 0 are interrupted.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new ``pyplot`` figure.
    x : {"kappa", "sigma", "alpha", "ridge"}, optional
        The parameter on the axis; by default the one with most values.
    simulated : Verification, optional
        Simulated risks, drawn as points with bars of two standard errors.
    """
    ax = ax or _new_axes()
    _draw(result, ax, x, simulated)
    return ax


def plot_convergence(verification: Verification, ax: Axes | None = None) -> Axes:
    """Draw the difference between simulation and theory, relative, against 1/p.

    A line for each row, with bars of two standard errors and, at 0, its extrapolation; of many
    rows, those whose differences are largest in standard errors.
    """
    ax = ax or _new_axes()
    _draw_convergence(verification, ax)
    return ax


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=_SIZE, layout="constrained")
    return ax


def _draw(
    result: RiskResult, ax: Axes, x: str | None, simulated: Verification | None = None
) -> None:
    if result.risk.size == 0:
        raise InvalidInput("result", f"shape {result.shape}", "must have one or more points")
    counts = {key: np.unique(_floats(getattr(result, key))).size for key in _SYMBOLS}
    if x is None:
        x = max(counts, key=lambda key: counts[key])
    if x not in _SYMBOLS:
        raise InvalidInput("x", x, f"must be one of {', '.join(_SYMBOLS)}")
    varying = [key for key in _SYMBOLS if key != x and counts[key] > 1]
    lines = list(_lines(result, x))
    if len(lines) > _MOST_LINES:
        allowed = f"must be at most {_MOST_LINES} in one figure: fix a parameter"
        raise InvalidInput("lines", len(lines), allowed)

    several = len({line.rule for line in lines}) > 1
    for number, line in enumerate(lines):
        values = [_value(key, value) for key, value in line.parameters if key in varying]
        labels = [_rule(line.rule), *values] if several or not varying else values
        alone = _isolated(line.risk) | (np.ptp(line.x) == 0)
        ax.plot(
            line.x,
            line.risk,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=max(1.0, 2.2 - 0.2 * number),  # what lies below still shows
            marker="o" if alone.any() else None,
            markersize=5,
            markevery=np.flatnonzero(alone).tolist(),
            label=", ".join(labels),
        )
        if simulated is not None:
            _points(ax, line, x, simulated, _COLOURS[number % len(_COLOURS)])
    if simulated is not None:
        ax.errorbar([], [], [], **_POINTS, color="0.3", label="simulation\n± 2 standard errors")
    _references(ax, lines, varying)
    peak_at = result.population.interpolation_threshold if x == "kappa" else np.inf
    _mark_threshold(ax, peak_at, lines)
    _axes(ax, lines, x, peak_at)
    points = np.unique(_floats(getattr(result, x)))
    if _logarithmic(points):
        ax.set_xscale("log")
        few = points[-1] < _DECADES * points[0]  # of powers of ten alone
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    elif points[0] == 0 and points.size > 2 and _logarithmic(points[1:]) and not _even(points):
        ax.set_xscale("symlog", linthresh=points[1], linscale=0.3)
        ax.xaxis.set_major_formatter("{x:g}")
    fixed = [_value(key, value) for key, value in lines[0].parameters if key not in varying]
    title = fixed if several or not varying else [_rule(lines[0].rule), *fixed]
    ax.set_title(", ".join(title), loc="left", fontsize="medium")
    many = len(ax.get_legend_handles_labels()[0]) > _MANY_ENTRIES
    _frame(ax, handlelength=3, fontsize="x-small" if many else None)


def _frame(ax: Axes, **legend: Any) -> None:
    """A faint grid, and the legend beside the axes, where it covers nothing."""
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False, **legend)


def _points(ax: Axes, line: _Line, x: str, simulated: Verification, colour: str) -> None:
    """The simulated risks that belong to a line."""
    chosen = np.array([str(rule) == line.rule for rule in simulated.rule.ravel()])
    for key, value in line.parameters:
        chosen &= _floats(getattr(simulated, key)).ravel() == value
    columns = (getattr(simulated, x), simulated.mean, simulated.standard_error)
    place, mean, error = (column.ravel()[chosen] for column in columns)
    ax.errorbar(place, mean, 2 * error, **_POINTS, color=colour)


def _draw_convergence(verification: Verification, ax: Axes) -> None:
    z = abs(verification.z.ravel())
    rows = [int(row) for row in np.argsort(-np.nan_to_num(z)) if np.isfinite(z[row])][:_SHOWN]
    labels = _distinguishing(verification, rows)
    ax.axhline(0, color="0.35", linewidth=0.8)
    if not rows:
        ax.set_title("no row has a verdict", loc="left", fontsize="medium")
        return
    for number, row in enumerate(rows):
        samples = verification.samples.ravel()[row]
        risk = verification.risk.ravel()[row] or 1.0
        x = [sample.inverse_size for sample in samples]
        mean = [sample.mean / risk for sample in samples]
        error = [2 * (sample.variance / sample.trials) ** 0.5 / risk for sample in samples]
        if len(samples) > 1:
            limit = (verification.mean.ravel()[row] - risk) / risk
            x, mean = [*x, 0.0], [*mean, limit]
            error.append(2 * verification.standard_error.ravel()[row] / risk)
        colour = _COLOURS[number % len(_COLOURS)]
        shift = 1 + 0.02 * (number - len(rows) / 2)  # bars side by side
        ax.errorbar(
            np.array(x) * shift, mean, error, color=colour, capsize=2, linewidth=1, marker="o",
            linestyle=_DASHES[number % len(_DASHES)], markersize=4, label=labels[number],
        )  # fmt: skip
    ax.ticklabel_format(axis="x", scilimits=(0, 0))
    ax.set_xlabel("inverse size $1/p$")
    ax.set_ylabel("simulation minus theory (relative to the risk)")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    if len(rows) < z.size:
        ax.set_title(f"the {len(rows)} rows of largest |z|", loc="left", fontsize="medium")
    _frame(ax)


def _distinguishing(verification: Verification, rows: Sequence[int]) -> list[str]:
    """Names of rows, by the parameters that vary over the grid."""
    keys = [k for k in _SYMBOLS if np.unique(_floats(getattr(verification, k))).size > 1]
    names = []
    for row in rows:
        values = [_value(key, float(getattr(verification, key).ravel()[row])) for key in keys]
        names.append(", ".join([_rule(str(verification.rule.ravel()[row])), *values]))
    return names


def _lines(result: RiskResult, x: str) -> Iterator[_Line]:
    """The grid as lines along `x`, ordered by rule and then by the other parameters."""
    rules = np.array([str(rule) for rule in result.rule.ravel()])
    others = [key for key in _SYMBOLS if key != x]
    columns = {key: _floats(getattr(result, key)).ravel() for key in _SYMBOLS}
    values = [_floats(v).ravel() for v in (result.risk, result.unpruned_risk, result.null_risk)]
    keys = list(zip(rules.tolist(), *(columns[key].tolist() for key in others), strict=True))
    for key in dict.fromkeys(keys):
        rows = np.flatnonzero([other == key for other in keys])
        rows = rows[np.argsort(columns[x][rows], kind="stable")]
        parameters = tuple(zip(others, key[1:], strict=True))
        line = [columns[x][rows], *(value[rows] for value in values)]
        if x == "kappa" and dict(parameters)["ridge"] == 0:
            line = _interrupted(line, result.population, dict(parameters), key[0])
        yield _Line(key[0], parameters, *line)


def _interrupted(
    line: Sequence[Array], population: Population, parameters: Mapping[str, float], rule: str
) -> list[Array]:
    """The line up to the threshold on either side, with a gap where the risk is infinite.

    The points between the threshold and its neighbours are computed, so that a line that diverges
    is seen to, however coarse the grid.
    """
    threshold = population.interpolation_threshold
    place = int(np.searchsorted(line[0], threshold))
    if not 0 < place < line[0].size:
        return list(line)
    distances = np.geomspace(1, 1e-9, 60)[1:]
    below = threshold - (threshold - line[0][place - 1]) * distances
    after = line[0][line[0] > threshold]
    above = threshold + (after[0] - threshold) * distances[::-1] if after.size else after
    kappa = np.concatenate([below, [threshold], above])
    more = risk(population, kappa, parameters["sigma"], parameters["alpha"], 0.0, rule)
    filled = [kappa, more.risk, more.unpruned_risk, more.null_risk]
    gap = kappa == threshold
    kept = line[0] != threshold
    return [
        np.concatenate(
            [old[:place], np.where(gap & (index in (1, 2)), np.nan, new), old[place:][kept[place:]]]
        )
        for index, (old, new) in enumerate(zip(line, filled, strict=True))
    ]


def _isolated(values: Array) -> Array:
    """Finite values between values that are not: a line would not show them."""
    gap = np.concatenate([[True], ~np.isfinite(values), [True]])
    return ~gap[1:-1] & gap[:-2] & gap[2:]


def _references(ax: Axes, lines: Sequence[_Line], varying: Sequence[str]) -> None:
    """The risk before pruning and the null risk: one line for each that differs, if they are few.

    The first depends on all but rule and alpha, the second on the noise alone.
    """
    before = [key for key in varying if key != "alpha"]
    null = [key for key in varying if key == "sigma"]
    kinds: tuple[tuple[str, list[str], Any, Callable[[_Line], Array]], ...] = (
        ("before pruning", before, "-", lambda line: line.unpruned),
        ("null risk", null, (0, (1, 3)), lambda line: line.null),
    )
    for label, keys, dashes, of in kinds:
        curves = {tuple(dict(line.parameters)[key] for key in keys): line for line in lines}
        if len(curves) > _MOST_REFERENCES:
            continue
        for (values, line), grey in zip(curves.items(), _GREYS, strict=False):
            ax.plot(
                line.x,
                of(line),
                color=grey,
                linewidth=1,
                linestyle=dashes,
                marker="_" if line.x.size == 1 else None,
                markersize=12,
                label=", ".join([label, *map(_value, keys, values)]),
            )


def _mark_threshold(ax: Axes, threshold: float, lines: Sequence[_Line]) -> None:
    low, high = min(line.x.min() for line in lines), max(line.x.max() for line in lines)
    if low <= threshold <= high:
        ax.axvline(
            threshold,
            color="0.35",
            linewidth=0.8,
            linestyle=(0, (4, 3)),
            label=f"interpolation\nthreshold $\\kappa = {threshold:.4g}$",
        )


def _logarithmic(points: Array) -> bool:
    """Whether the points of an axis, in order, ask for a logarithmic scale."""
    return points[0] > 0 and bool(points[-1] > _WIDE * points[0]) and not _even(points)


def _even(points: Array) -> bool:
    steps = np.diff(points)
    return bool(steps.size > 1 and np.ptp(steps) <= 1e-6 * steps.max())


def _axes(ax: Axes, lines: Sequence[_Line], x: str, peak_at: float) -> None:
    points = np.concatenate([line.x for line in lines])
    if np.ptp(points) > 0:
        ax.set_xlim(points.min(), points.max())
    ax.set_xlabel(_LABELS[x])
    ax.set_ylabel("test error, noise included (units of $y^2$)")
    # Room for the curves, not for the peak at the threshold.
    risks, unpruned, null = (
        np.concatenate([getattr(line, name) for line in lines])
        for name in ("risk", "unpruned", "null")
    )
    finite = np.isfinite(risks)
    if finite.mean() < 0.5:
        ax.annotate(
            "elsewhere the risk is infinite" if finite.any() else "the risk is infinite",
            (0.5, 0.6),
            xycoords="axes fraction",
            ha="center",
            bbox={"facecolor": "white", "edgecolor": "none"},
        )
    away = finite & ~(abs(points - peak_at) <= 0.1 * min(peak_at, 1e300))
    values = np.concatenate([risks[away], [null.min(), null.max()]])
    top = 1.15 * max(float(null.max()), float(np.percentile(values, 85)))
    drawn = np.concatenate([risks[finite], null, unpruned[np.isfinite(unpruned)]])
    peak, least = drawn.max(), drawn.min()
    top = 1.05 * peak if peak <= _HIGHEST * top else top
    if top > 0:
        ax.set_ylim(0 if least < top / 2 else 0.95 * least, top)


def _rule(name: str) -> str:
    return "covariance (Hessian)" if name == "covariance" else name.replace("=", " ")


def _value(key: str, value: float) -> str:
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    power = rf"10^{{{int(exponent)}}}" if exponent else ""
    number = power if power and mantissa == "1" else mantissa + (rf" \cdot {power}" * bool(power))
    return f"${_SYMBOLS[key]} = {number}$"


def _floats(column: Array) -> Array:
    return np.asarray(column, dtype=np.float64)
