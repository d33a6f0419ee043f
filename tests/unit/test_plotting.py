"""Figures: what is drawn, not how it looks."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from asymptotics import InvalidInput, Population, hessian_bias, risk, verify
from asymptotics.networks import Teacher, sweep
from asymptotics.plotting import plot_risk, save
from asymptotics.plotting.curves import filling

POPULATION = Population(weight=[3, 1], eigenvalue=[1, 0], std=1)
KAPPA = np.geomspace(0.1, 10, 40)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def marks(line: Any) -> Any:
    """Abscissae and values of the points of a line that are marked."""
    assert line.get_marker() == "o"
    return np.array(line.get_data())[:, line.get_markevery()]


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_lines_labels_and_threshold() -> None:
    rules = np.array(["magnitude", "oracle"])[:, None]
    ax = risk(POPULATION, KAPPA, 0.5, 0.3, rule=rules).plot()
    assert labels(ax)[:4] == ["magnitude", "oracle", "before pruning", "null risk"]
    assert "1.333" in labels(ax)[4]
    assert "kappa" in ax.get_xlabel()
    assert "y^2" in ax.get_ylabel()
    assert ax.get_xscale() == "log"
    line = ax.get_lines()[0]
    x, y = map(np.asarray, line.get_data())
    assert np.isinf(y[np.searchsorted(x, 4 / 3)])  # which interrupts the line
    assert np.isfinite(ax.get_ylim()).all()


def test_a_second_fit_is_dashed_in_the_colour_of_its_rule() -> None:
    rules = np.array(["magnitude", "oracle"])[:, None]
    result: Any = risk(POPULATION, KAPPA, 0.5, 0.3, rule=rules, retrain=True, retrain_ridge=0.1)
    ax = result.plot()
    told = ["magnitude", "magnitude, retrained", "oracle", "oracle, retrained"]
    assert labels(ax)[:4] == told
    first, again, other, other_again = ax.get_lines()[:4]
    assert first.get_linestyle() == other.get_linestyle() == "-"
    assert again.get_linestyle() == other_again.get_linestyle() == "--"
    assert first.get_color() == again.get_color() != other.get_color()
    x, y = map(np.asarray, again.get_data())
    own = np.isin(x, KAPPA)
    assert y[own] == pytest.approx(result.retrained_risk[0])
    assert ax.get_ylim()[1] > result.retrained_risk[:, 0].max()


@pytest.mark.parametrize(
    ("axis", "at", "pole"),
    [
        ("kappa", {"kappa": [0.5, 1.5, 2.5, 3, 4, 5], "alpha": 0.3}, 1 / 0.3),
        ("alpha", {"kappa": 3, "alpha": [0.1, 0.3, 0.5, 0.7]}, 1 / 3),
        ("alpha", {"kappa": 3, "alpha": [0.1, 0.3, 0.5, 0.7], "rule": "random"}, 4 / 9),
    ],
)
def test_a_second_fit_is_interrupted_at_its_own_pole(axis: str, at: Any, pole: float) -> None:
    line = risk(POPULATION, sigma=0.5, retrain=True, **at).plot(x=axis).get_lines()[1]
    x, y = map(np.asarray, line.get_data())
    assert x[np.isinf(y)] == pytest.approx([pole])
    ridged = risk(POPULATION, sigma=0.5, retrain=True, retrain_ridge=0.1, **at).plot(x=axis)
    assert np.isfinite(np.asarray(ridged.get_lines()[1].get_ydata(), dtype=float)).all()


def test_second_fits_of_one_rule_share_the_curve_of_the_first() -> None:
    ways = np.array(["zero", "pruned"], dtype=object)[:, None, None]
    ridges = np.array([0, 0.5])[:, None]
    ax = risk(
        POPULATION, KAPPA, 0.5, 0.3, retrain=True, retrain_ridge=ridges, retrain_towards=ways
    ).plot()
    told = labels(ax)[:5]
    assert told[0] == "pruned"
    assert told[1] == "retrained, $r_2 = 0$, towards zero"
    lines: list[Any] = list(ax.get_lines()[:5])
    dashes = [line._unscaled_dash_pattern for line in lines]
    assert all(one != other for one, other in itertools.combinations(dashes, 2))
    ridges = np.geomspace(0.01, 10, 30)
    ax = risk(POPULATION, 2, 0.5, 0.3, retrain=True, retrain_ridge=ridges).plot()
    assert "r_2" in ax.get_xlabel()


def test_what_is_drawn_is_in_the_picture() -> None:
    """The risk before pruning may be far below that after it."""
    two = Population(weight=[0.3, 0.7], eigenvalue=[10, 0.5], std=[0.5, 1])
    result = risk(two, KAPPA, 0.5, 0.3)
    low, _ = result.plot().get_ylim()
    least_squares = 0.5**2 / (1 - KAPPA[0])
    assert low <= least_squares < 0.5 * result.risk.min()


def test_a_wide_axis_with_zero_on_it_is_logarithmic_from_there() -> None:
    ridge = [0, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100]
    assert risk(POPULATION, 1.0, 0.5, 0.3, ridge=ridge).plot().get_xscale() == "symlog"
    assert risk(POPULATION, 1.0, 0.5, 0.3, ridge=np.linspace(0, 9, 50)).plot().get_xscale() == (
        "linear"
    )


def test_numbers_in_labels_are_set_as_powers() -> None:
    ax = risk(POPULATION, KAPPA, 0.5, np.array([[1e-5], [2.5e-6]])).plot()
    assert labels(ax)[:2] == [r"$\alpha = 2.5 \cdot 10^{-6}$", r"$\alpha = 10^{-5}$"] or labels(ax)[
        :2
    ] == [r"$\alpha = 10^{-5}$", r"$\alpha = 2.5 \cdot 10^{-6}$"]


def test_many_entries_stay_in_the_figure() -> None:
    sigma, alpha = np.array([0.1, 1, 2, 3])[:, None, None], np.array([0.1, 0.3, 0.9])[:, None]
    ax = risk(POPULATION, KAPPA, sigma, alpha).plot()
    ax.figure.canvas.draw()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= 0


def test_simulated_points_lie_on_their_lines() -> None:
    found = verify(POPULATION, [0.5, 2], 0.5, 0.3, p=100, trials=4, workers=1)
    ax = plot_risk(risk(POPULATION, KAPPA, 0.5, 0.3), simulated=found)
    assert any(label.startswith("simulation") for label in labels(ax))
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    drawn = [point.get_xydata() for point in points]
    expected = np.column_stack([found.kappa, found.mean])
    assert any(np.array_equal(xy, expected) for xy in drawn)


def test_simulated_second_fits_lie_on_their_own_lines() -> None:
    again: dict[str, Any] = {"retrain": True, "retrain_ridge": 0.1}
    again["retrain_towards"] = np.array(["zero", "pruned"], dtype=object)[:, None]
    found: Any = verify(POPULATION, [0.5, 2], 0.5, 0.3, p=100, trials=4, workers=1, **again)
    ax = plot_risk(risk(POPULATION, KAPPA, 0.5, 0.3, **again), simulated=found)
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    drawn = [np.asarray(point.get_xydata()) for point in points]
    for kappa, mean in zip(found.kappa, found.mean, strict=True):
        expected = np.column_stack([kappa, mean])
        assert sum(np.array_equal(xy, expected) for xy in drawn) == 1


def test_convergence_of_second_fits_is_relative_to_their_risk() -> None:
    again: dict[str, Any] = {"retrain": True, "retrain_ridge": [0.1, 0.2]}
    found: Any = verify(POPULATION, 0.5, 0.5, 0.3, p=100, trials=8, workers=1, **again)
    found = replace(found, risk=np.full(2, 1e9), retrained_risk=np.array([2.0, 4.0]))
    ax = found.plot()
    assert [label.rsplit(" = ")[-1] for label in labels(ax)] == ["0.1$", "0.2$"]
    (one,), (two,) = found.samples
    heights = {
        round(float(y), 12) for line in ax.get_lines() for y in np.atleast_1d(line.get_ydata())
    }
    assert {round(one.mean / 2, 12), round(two.mean / 4, 12)} <= heights


def test_convergence_ends_at_the_extrapolation() -> None:
    found = verify(POPULATION, 0.5, 0.5, [0.3, 0.6], workers=1)
    # Of known size and sign: 20 % above what is predicted, and, fewer standard errors, 10 % below.
    predicted, mean, z = (np.array(x) for x in ([2.0, 3.0], [2.4, 2.7], [9.0, -8.0]))
    found = replace(found, risk=predicted, mean=mean, z=z)
    ax = found.plot()
    assert "1/p" in ax.get_xlabel()
    assert len(labels(ax)) == 2
    hollow = [line for line in ax.get_lines() if line.get_markerfacecolor() == "white"]
    ends = [np.asarray(line.get_xydata()).ravel().tolist() for line in hollow]
    assert ends == [[0, pytest.approx(0.2)], [0, pytest.approx(-0.1)]]  # not simulated
    lines = [np.asarray(line.get_xydata()) for line in ax.get_lines() if line.get_marker() == "o"]
    last = [line[-1].tolist() for line in lines]
    assert all(end in last for end in ends)


def test_legend_stands_beside_the_axes() -> None:
    ax = risk(POPULATION, KAPPA, 0.5, 0.3).plot()
    ax.figure.canvas.draw()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x0 >= ax.get_window_extent().x1


def test_other_abscissae() -> None:
    alpha = np.linspace(0, 1, 21)
    ax = risk(POPULATION, np.array([0.5, 2.0])[:, None], 0.5, alpha).plot()
    assert "alpha" in ax.get_xlabel()
    assert any("0.5" in label for label in labels(ax))
    ax = risk(POPULATION, 2.0, 0.5, 0.3, np.linspace(0, 3, 9)).plot(x="ridge")
    assert "ridge" in ax.get_xlabel()
    with pytest.raises(InvalidInput, match="x ="):
        risk(POPULATION, 2.0, 0.5, 0.3).plot(x="lambda")
    with pytest.raises(InvalidInput, match="lines"):
        risk(POPULATION, KAPPA, 0.5, np.linspace(0, 1, 39)[:, None]).plot()


def test_reference_lines_say_what_they_belong_to() -> None:
    ax = risk(POPULATION, KAPPA, np.array([0.5, 1.0])[:, None], 0.3).plot()
    names = ["before pruning", "null risk"]
    values = [f"$\\sigma = {value}$" for value in ("0.5", "1")]
    assert labels(ax)[2:6] == [f"{name}, {value}" for name in names for value in values]
    ax = risk(POPULATION, KAPPA, 0.5, 0.3, np.linspace(0.1, 1, 9)[:, None]).plot()
    assert "null risk" in labels(ax)
    assert not any("before" in label for label in labels(ax))  # nine could not be told apart


def test_the_axis_follows_the_grid() -> None:
    assert risk(POPULATION, np.linspace(0.1, 10, 40), 0.5, 0.3).plot().get_xscale() == "linear"
    alpha = np.linspace(0, 1, 41)[:, None]
    low, high = risk(POPULATION, [0.5, 2.0], 0.5, alpha).plot().get_ylim()
    assert low <= risk(POPULATION, 0.5, 0.5, 1.0).risk <= high


def test_where_nothing_is_finite_the_figure_says_so() -> None:
    ax = risk(POPULATION, 4 / 3, [0.5, 1.0], 0.3).plot()
    assert "infinite" in ax.texts[0].get_text()


def test_a_range_of_one_value_is_a_point() -> None:
    ax = risk(POPULATION, np.full(5, 2.0), 0.5, 0.3).plot()
    assert ax.get_lines()[0].get_marker() == "o"


def test_a_single_point_and_a_ridge() -> None:
    _, ax = plt.subplots()
    assert risk(POPULATION, 2.0, 0.5, 0.3, 0.1).plot(ax=ax) is ax
    ax = risk(POPULATION, KAPPA, 0.5, 0.3, 0.1).plot()
    assert np.isfinite(ax.get_lines()[0].get_ydata()).all()  # nothing diverges: no gap


def test_points_that_no_line_joins_are_marked() -> None:
    ax = risk(POPULATION, [0.5, 2.0], 0.5, 0.3).plot()  # one on either side of the threshold
    assert marks(ax.get_lines()[0])[0].tolist() == [0.5, 2]
    alone = risk(POPULATION, 4 / 3, 0.5, np.linspace(0, 1, 41)).plot().get_lines()[0]
    assert alone.get_markevery() == [0]  # alpha = 0, where nothing is kept of what diverges
    ax = risk(POPULATION, 0.5, 0.5, 0.3, rule=["magnitude", "oracle"]).plot()
    assert [line.get_marker() for line in ax.get_lines()[:2]] == ["o", "o"]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_files_are_reproducible(tmp_path: Path, suffix: str) -> None:
    result = risk(POPULATION, KAPPA, 0.5, 0.3)
    for name in ("one", "two"):
        save(result, tmp_path / f"{name}{suffix}")
    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(one) > 1000


LISTS = {
    "kappa": [0.5, 2, 3],
    "alpha": [0.1, 0.3, 0.9],
    "sigma": [0, 0.5, 2],
    "ridge": [1e-4, 1e-2, 1, 10],
}
FIXED = {"kappa": 2.0, "sigma": 0.5, "alpha": 0.3, "ridge": 0.0}


@pytest.mark.parametrize("x", LISTS)
def test_a_list_is_marked_on_the_curve_of_theory(x: str) -> None:
    """Whatever is drawn between the points is the risk there, and no chord between points."""
    given: dict[str, Any] = FIXED | {x: LISTS[x]}
    result = risk(POPULATION, **given)
    line = result.plot(x=x).get_lines()[0]
    places, values = map(np.asarray, line.get_data())
    np.testing.assert_array_equal(values, risk(POPULATION, **given | {x: places}).risk)
    np.testing.assert_array_equal(marks(line), [LISTS[x], result.risk])
    steps = np.diff(np.log(places) if x == "ridge" else places)
    assert places.size > 400
    assert steps.max() <= 0.003 * steps.sum()  # of the whole axis, in its own spacing


def test_no_line_bridges_the_threshold() -> None:
    """Between 0.9 and 1.2 there is no peak of the points' height, but one without bounds."""
    for ridge in (0.0, 1e-12):
        result = risk(Population(), [0.5, 0.9, 1.2, 2], 0.5, 0.3, ridge)
        places, values = map(np.asarray, result.plot().get_lines()[0].get_data())
        assert values[places == 1] > 1e3 * result.risk.max()
        near = abs(places - 1) < 1e-4
        assert (values[near & np.isfinite(values)] > 100 * result.risk.max()).all()
    quiet = risk(Population(std=1), [0.5, 0.9, 1.2, 2], 0.0, 0.3).plot().get_lines()[0]
    assert np.isfinite(quiet.get_ydata()).all()  # without noise nothing diverges


def test_a_listed_point_is_in_the_picture() -> None:
    result = risk(Population(std=1), [0.3, 0.5, 0.92, 3], 0.5, 0.3)
    assert result.plot().get_ylim()[1] > result.risk.max()


def test_what_takes_too_long_is_markers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymptotics.plotting.curves._MOST_VALUES", 100)
    line, before = risk(POPULATION, [0.5, 2, 3], 0.5, 0.3).plot().get_lines()[:2]
    assert (line.get_linestyle(), line.get_marker()) == ("None", "o")
    assert before.get_linestyle() == "None"
    dense = risk(POPULATION, np.linspace(0.5, 3, 500), 0.5, 0.3).plot().get_lines()[0]
    assert dense.get_linestyle() == "-"
    places, values = map(np.asarray, dense.get_data())
    assert places.size == 501
    assert np.isinf(values[places == 4 / 3])  # a line is interrupted there all the same


def test_a_range_is_a_line() -> None:
    line = risk(POPULATION, np.geomspace(0.1, 10, 401), 0.5, 0.3).plot().get_lines()[0]
    assert (line.get_linestyle(), line.get_marker()) == ("-", "None")


def test_an_axis_with_zero_is_filled_from_zero() -> None:
    between = filling(np.array([0, 1e-4, 1e-2, 1]), [np.inf], 1).between
    assert 0 < between.min() < 1e-5
    assert (np.diff(np.log(between[between > 1e-4])) < 0.05).all()


def test_lines_are_counted_before_any_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    result = risk(POPULATION, KAPPA, 0.5, np.linspace(0, 1, 39)[:, None])
    monkeypatch.setattr("asymptotics.results.RiskResult.theory", None)
    with pytest.raises(InvalidInput, match="lines = 39: must be at most 14"):
        result.plot()


def test_the_bias_between_listed_points_is_computed() -> None:
    found, size, cost = hessian_bias(POPULATION, [0.5, 2, 3], 0.5).plot().axes
    names = {found: "found", size: "magnitude"}
    for ax, name in names.items():
        for group, line in enumerate(ax.get_lines()):
            places, values = map(np.asarray, line.get_data())
            expected = getattr(hessian_bias(POPULATION, places, 0.5), name)[:, group]
            np.testing.assert_array_equal(values, expected)
            assert marks(line)[0].tolist() == [0.5, 2, 3]
    places, values = map(np.asarray, cost.get_lines()[1].get_data())
    expected = risk(POPULATION, places, 0.5, 0.5).risk
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    assert np.isinf(values[places == 4 / 3])
    assert cost.get_ylim()[1] < 10 * values[np.isin(places, [0.5, 2, 3])].max()  # not the peak


def test_where_the_bias_is_infinite_no_axis_is_logarithmic() -> None:
    figure = hessian_bias(POPULATION, 4 / 3, 0.5, [0, 1]).plot()
    figure.canvas.draw()  # matplotlib would warn
    assert figure.axes[1].get_yscale() == "linear"


def test_the_bias_at_one_point_is_marked() -> None:
    for ax in hessian_bias(POPULATION, 2, 0.5).plot().axes:
        assert {line.get_marker() for line in ax.get_lines()} == {"o"}
    with pytest.raises(InvalidInput, match="one or more points"):
        hessian_bias(POPULATION, [], 0.5).plot()


def test_a_sweep_without_numbers_has_no_figure() -> None:
    task = Teacher(features=2, neurons=1, sigma=0.0, test_samples=20)
    found = sweep([0.5, 4], width=2, samples=5, task=task, steps=5, step=1e9, trials=1, workers=1)
    with pytest.raises(InvalidInput, match="result = '2 diverge': must have one or more rows"):
        found.plot()


def test_regions_show_the_best_rule() -> None:
    population = Population([0.3, 0.7], [10, 0.5], std=[0.5, 1])
    kappa, alpha = np.geomspace(0.1, 10, 4), np.linspace(0.1, 0.9, 3)[:, None]
    rules = np.array(["magnitude", "covariance", "random"])[:, None, None]
    for again in (False, True):
        ax = risk(population, kappa, 0.5, alpha, rule=rules, retrain=again).plot_regions()
        assert ax.get_xscale() == "log"
        assert "alpha" in ax.get_ylabel()
        (mesh,) = ax.collections
        shown = np.asarray(mesh.get_array())
        across, up = np.geomspace(0.1, 10, shown.shape[1]), np.linspace(0.1, 0.9, shown.shape[0])
        for row, column in ((0, 0), (150, 40), (250, 290)):
            point = risk(
                population, across[column], 0.5, up[row], rule=rules.ravel(), retrain=again
            )
            values = point.column("retrained_risk" if again else "risk")
            assert shown[row, column] == np.argmin(values)
        assert labels(ax)[0] == "magnitude"
    # At alpha = 1 all rules are equal.
    result = risk(population, kappa, 0.5, np.array([0.5, 1])[:, None], rule=rules[:2])
    ax = result.plot_regions(x="alpha", y="kappa")
    assert (np.asarray(ax.collections[0].get_array())[:, -1] == -1).all()
    assert labels(ax)[-1] == "equal, or infinite"


@pytest.mark.parametrize(
    ("given", "asked", "key"),
    [
        ({"alpha": 0.3}, {}, "result"),
        ({"sigma": np.array([1, 2])[:, None, None, None]}, {}, "result"),
        ({"rule": "magnitude"}, {}, "rule"),
        ({}, {"x": "sigma"}, "x"),
        ({}, {"x": "kappa", "y": "kappa"}, "result"),
    ],
)
def test_regions_need_two_parameters_and_rules(given: Any, asked: Any, key: str) -> None:
    basic: dict[str, Any] = {
        "kappa": [0.5, 2], "sigma": 0.5, "alpha": np.array([0.3, 0.6])[:, None],
        "rule": np.array(["magnitude", "random"])[:, None, None],
    }  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        risk(POPULATION, **basic | given).plot_regions(**asked)
    assert caught.value.key == key
