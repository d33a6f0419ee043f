"""Figures of predicted risks against a parameter, with simulated ones beside them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ..arithmetic import Array
from ..errors import InvalidInput
from ..line.interpolation import interpolating_alpha, trained_share
from ..population import Population
from ..tables.grid_result import GridResult
from .curves import Theory, along, filling, marked
from .style import (
    COLOURS,
    DASHES,
    GREYS,
    LABELS,
    POINTS,
    RETRAINING_SYMBOLS,
    SYMBOLS,
    abscissa,
    floats,
    frame,
    lines_along,
    new_axes,
    require_few,
    rule_label,
    scale_abscissa,
    value_label,
)

#: A legend with more entries than this gets a smaller font.
_MANY_ENTRIES = 12
#: A peak more than 3 times as high as the rest is cut off by the upper limit of the axis; so is
#: a marked point more than 20 times as high.
_HIGHEST, _HIGHEST_MARK = 3, 20
#: The columns that are drawn.
_VALUES = ("risk", "unpruned_risk", "null_risk")
#: Reference lines of one kind are left out if they are more than this.
_MOST_REFERENCES = 4


class _Line(NamedTuple):
    """The curve of a rule at fixed other parameters, and its reference lines."""

    rule: str
    parameters: tuple[tuple[str, float], ...]
    #: Where the ridge of a second fit draws the weights; empty without a second fit.
    towards: tuple[str, ...]
    #: The indices of points that are drawn as markers, and whether a line joins all points.
    marked: list[int]
    joined: bool
    x: Array
    risk: Array
    unpruned: Array
    null: Array
    #: The risk after a second fit, or None without one.
    retrained: Array | None

    @property
    def pruned(self) -> tuple[Any, ...]:
        """What the pruned risk depends on: all but the second fit."""
        return self.rule, *(pair for pair in self.parameters if pair[0] in SYMBOLS)

    @property
    def drawn(self) -> list[Array]:
        """The risks of the line."""
        return [self.risk] if self.retrained is None else [self.risk, self.retrained]


def plot_risk(
    result: Theory,
    ax: Axes | None = None,
    x: str | None = None,
    simulated: GridResult | None = None,
) -> Axes:
    """Draw the risk against one parameter, with a line for each combination of the others.

    Theory is also evaluated between the points of the result, in double precision.  So a few points
    are marked on a smooth curve, which is interrupted where the risk is infinite.  If that would
    take too long (more than some ten thousand groups), results of fewer than 401 points are drawn
    as markers alone.

    The risk after a second fit is dashed, in the colour of its rule.  Simulated risks are then
    those after it.

    Beside the pruned risks the figure shows the risk before pruning, the null risk and, if the axis
    is kappa, the interpolation threshold 1/P(Λ>0).

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default the axes of a new ``pyplot`` figure.
    x : {"kappa", "sigma", "alpha", "ridge", "retrain_ridge"}, optional
        The parameter on the axis; by default the one with most values.
    simulated : Verification, optional
        Simulated risks, drawn as points with bars of two standard errors.
    """
    ax = ax or new_axes()
    draw_risk(result, ax, x, simulated)
    return ax


def draw_risk(result: Theory, ax: Axes, x: str | None, simulated: GridResult | None = None) -> None:
    """Draw on `ax`, as `plot_risk`."""
    if 0 in result.shape:
        raise InvalidInput("result", f"shape {result.shape}", "must have one or more points")
    x, varying = abscissa(result, x, _symbols(result))
    lines = list(_lines(result, x))

    several = len({line.rule for line in lines}) > 1
    pulled = len({line.towards for line in lines}) > 1
    families: dict[tuple[Any, ...], list[_Line]] = {}
    for line in lines:
        families.setdefault(line.pruned, []).append(line)
    for number, family in enumerate(families.values()):
        colour, line = COLOURS[number % len(COLOURS)], family[0]
        values = [(key, value) for key, value in line.parameters if key in varying]
        labels = [value_label(key, value) for key, value in values if key in SYMBOLS]
        labels = [rule_label(line.rule), *labels] if several or not values else labels
        # Dashes tell rules apart, or a second fit from the first.
        dashes = DASHES[number % len(DASHES)] if line.retrained is None else DASHES[0]
        width = max(1.0, 2.2 - 0.2 * number)  # a line below another one still shows
        _draw_curve(ax, line, line.risk, colour, dashes, width, ", ".join(labels) or "pruned")
        for place, again in enumerate(family):
            if again.retrained is None:
                continue
            penalty = [value_label(k, v) for k, v in again.parameters if k in varying]
            penalty = [label for label in penalty if label not in labels]
            if pulled:
                penalty.append(f"towards {again.towards[0]}")
            dashes = DASHES[1 + place % (len(DASHES) - 1)]
            label = ", ".join([*labels, "retrained", *penalty])
            _draw_curve(ax, again, again.retrained, colour, dashes, width, label)
        if simulated is not None:
            for each in family:
                _draw_simulated(ax, each, x, simulated, colour)
    if simulated is not None:
        ax.errorbar([], [], [], **POINTS, color="0.3", label="simulation\n$\\pm$ 2 standard errors")
    _draw_references(ax, lines, varying)
    peak_at = result.population.interpolation_threshold if x == "kappa" else np.inf
    _mark_threshold(ax, peak_at, lines)
    _set_axes(ax, lines, x, peak_at)
    scale_abscissa(ax, floats(result.column(x)))
    fixed = [value_label(key, value) for key, value in lines[0].parameters if key not in varying]
    title = fixed if several or not varying else [rule_label(lines[0].rule), *fixed]
    ax.set_title(", ".join(title), loc="left", fontsize="medium")
    many = len(ax.get_legend_handles_labels()[0]) > _MANY_ENTRIES
    frame(ax, handlelength=3, **({"fontsize": "x-small", "labelspacing": 0.2} if many else {}))


def _symbols(result: Theory) -> dict[str, str]:
    """The parameters of a result that are numbers, with their symbols."""
    return SYMBOLS | (RETRAINING_SYMBOLS if _retrained(result) else {})


def _retrained(result: Theory) -> bool:
    """Whether a result has risks after a second fit."""
    return hasattr(result, "retrained_risk")


def _draw_curve(
    ax: Axes, line: _Line, risk: Array, colour: str, dashes: Any, width: float, label: str
) -> None:
    """Draw one curve of a line, with its markers."""
    ax.plot(
        line.x,
        risk,
        color=colour,
        linestyle=dashes if line.joined else "none",
        linewidth=width,
        marker="o" if line.marked else None,
        markersize=4.5,
        markevery=line.marked,
        label=label,
    )


def _draw_simulated(ax: Axes, line: _Line, x: str, simulated: GridResult, colour: str) -> None:
    """Draw the simulated risks with the rule and the parameters of a line.

    They are risks after the second fit, if there is one.
    """
    chosen = np.array([str(rule) == line.rule for rule in simulated.column("rule").ravel()])
    for word in line.towards:
        chosen &= simulated.column("retrain_towards").ravel() == word
    for key, value in line.parameters:
        chosen &= floats(simulated.column(key)).ravel() == value
    place, mean, error = (
        simulated.column(name).ravel()[chosen] for name in (x, "mean", "standard_error")
    )
    ax.errorbar(place, mean, 2 * error, **POINTS, color=colour)


def _lines(result: Theory, x: str) -> Iterator[_Line]:
    """The curves along `x`, ordered by rule and then by the other parameters."""
    retrained = _retrained(result)
    drawn = (*_VALUES, "retrained_risk") if retrained else _VALUES
    words = ("retrain_towards",) if retrained else ()
    columns = {key: floats(result.column(key)).ravel() for key in (x, *drawn)}
    along_x = list(lines_along(result, x, _symbols(result), words))
    require_few(len(along_x) * (1 + retrained))
    for rule, parameters, towards, rows in along_x:
        given = {key: column[rows] for key, column in columns.items()}
        poles = _poles(result.population, x, rule, dict(parameters))
        fill = filling(given[x], poles, len(result.population) * len(along_x))
        at: dict[str, Any] = {**dict(parameters), x: fill.between}
        more = result.theory(**at, rule=rule, **dict(zip(words, towards, strict=True)))
        values, own = along(x, given, {key: more[key] for key in columns})
        marks = marked(values["risk"], own, fill.joined)
        at_x, pruned, unpruned, null = (values[key] for key in (x, *_VALUES))
        again = values["retrained_risk"] if retrained else None
        yield _Line(
            rule, parameters, towards, marks, fill.joined, at_x, pruned, unpruned, null, again
        )


def _poles(
    population: Population, x: str, rule: str, parameters: Mapping[str, float]
) -> list[float]:
    """Values of `x` at which the first fit, or the second, has as many features as samples.

    A second fit with a ridge has none.
    """
    poles = [population.interpolation_threshold] if x == "kappa" else []
    alive = float(population.mass_above(0).value)
    if x not in ("kappa", "alpha") or parameters.get("retrain_ridge") != 0 or alive == 0:
        return poles
    if x == "alpha":
        return [interpolating_alpha(population, rule == "random", parameters["kappa"]).item()]
    trained = trained_share(population, rule == "random", parameters["alpha"]).item()
    return [*poles, 1 / trained] if trained > 0 else poles


def _draw_references(ax: Axes, lines: Sequence[_Line], varying: Sequence[str]) -> None:
    """Draw the risk before pruning and the null risk, if few lines are enough.

    The risk before pruning does not depend on rule and alpha, the null risk only on sigma, so one
    line serves for all curves that agree in the other parameters.
    """
    before = [key for key in varying if key in SYMBOLS and key != "alpha"]
    null = [key for key in varying if key == "sigma"]
    kinds: tuple[tuple[str, list[str], Any, str, Callable[[_Line], Array]], ...] = (
        ("before pruning", before, "-", "_", lambda line: line.unpruned),
        ("null risk", null, (0, (1, 3)), "x", lambda line: line.null),
    )
    for label, keys, dashes, marker, of in kinds:
        curves = {tuple(dict(line.parameters)[key] for key in keys): line for line in lines}
        if len(curves) > _MOST_REFERENCES:
            continue
        for (values, line), grey in zip(curves.items(), GREYS, strict=False):
            ax.plot(
                line.x,
                of(line),
                color=grey,
                linewidth=1,
                linestyle=dashes if line.joined else "none",
                marker=None if line.joined else marker,
                markersize=12 if marker == "_" else 5,
                markevery=line.marked,
                label=", ".join([label, *map(value_label, keys, values)]),
            )


def _mark_threshold(ax: Axes, threshold: float, lines: Sequence[_Line]) -> None:
    """Draw a vertical line at the interpolation threshold, if it is in the range of the curves."""
    low, high = min(line.x.min() for line in lines), max(line.x.max() for line in lines)
    if low <= threshold <= high:
        ax.axvline(
            threshold,
            color="0.35",
            linewidth=0.8,
            linestyle=(0, (4, 3)),
            label=f"interpolation\nthreshold $\\kappa = {threshold:.4g}$",
        )


def _set_axes(ax: Axes, lines: Sequence[_Line], x: str, peak_at: float) -> None:
    """Set the labels and the limits of both axes, so that a peak at `peak_at` may be cut off."""
    points = np.concatenate([line.x for line in lines for _ in line.drawn])
    marks = np.concatenate([risk[line.marked] for line in lines for risk in line.drawn])
    if marks.size:
        ax.margins(x=0.04)  # the markers at both ends are not cut
    elif np.ptp(points) > 0:
        ax.set_xlim(points.min(), points.max())
    ax.set_xlabel(LABELS[x])
    ax.set_ylabel("test error, noise included (units of $y^2$)")
    # The upper limit `top` has room for the curves, but not for the peak at the threshold.
    risks = np.concatenate([risk for line in lines for risk in line.drawn])
    unpruned, null = (
        np.concatenate([getattr(line, name) for line in lines]) for name in ("unpruned", "null")
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
    # A peak extends by 10 % of the threshold to either side.  Without a threshold `peak_at` is
    # infinite, and no point is near it.
    away = finite & ~(abs(points - peak_at) <= 0.1 * min(peak_at, 1e300))
    values = np.concatenate([risks[away], [null.min(), null.max()]])
    # Above the null risk, and above 85 % of the values away from the peak.
    top = 1.15 * max(float(null.max()), float(np.percentile(values, 85)))
    # A peak of up to three times that height is shown after all.
    drawn = np.concatenate([risks[finite], null, unpruned[np.isfinite(unpruned)]])
    peak, least = drawn.max(), drawn.min()
    top = 1.05 * peak if peak <= _HIGHEST * top else top
    top = max(top, *(1.1 * value for value in marks if value <= _HIGHEST_MARK * top), 0)
    if top > 0:
        ax.set_ylim(0 if least < top / 2 else 0.95 * least, top)
