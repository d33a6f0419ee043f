"""Rounds in the shell and in figures."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from asymptotics import Population, rounds
from asymptotics.cli.output import require_free
from asymptotics.errors import InvalidInput
from asymptotics.results import KINDS, Verdicts
from asymptotics.spec.rounds import rounds_problem
from asymptotics.tables.grid_result import GridResult
from tests.processes import run

POINTS = {"kappa": 0.9, "sigma": 0.5}
GROUPS = {"population": [{"weight": 0.9, "std": 0.2}, {"weight": 0.1, "std": 3}]}
SPEC = """
kappa = [0.9, 2]
sigma = 0.5

[[round]]
alpha = 0.5
ridge = 0.1

[[round]]
alpha = 0.2
refit = false

[[population]]
weight = 0.9
std = 0.2

[[population]]
weight = 0.1
std = 3
"""
FEW = Population([0.9, 0.1], 1, std=[0.2, 3])


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "steps.toml"
    path.write_text(SPEC)
    return path


def test_rows_in_json(spec: Path) -> None:
    rows = json.loads(run("rounds", spec, "--format", "json").stdout)["rows"]
    assert [(row["round"], row["kappa"]) for row in rows] == [(1, 0.9), (2, 0.9), (1, 2), (2, 2)]
    contract = {"round", "kappa", "sigma", "alpha", "rule", "unpruned_risk", "pruned_risk"}
    contract |= {"retrained_risk", "threshold", "error", "status"}
    assert contract <= set(rows[0])
    assert rows[1]["retrained_risk"] is None
    steps = [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.2, "refit": False}]
    found = rounds(FEW, [0.9, 2], 0.5, steps)
    assert [row["pruned_risk"] for row in rows] == found.pruned_risk.ravel().tolist()


def test_the_gain_in_words_goes_beside_the_rows(spec: Path) -> None:
    assert "2 rounds" in run("rounds", spec, "--explain").stdout
    done = run("rounds", spec, "--explain", "--format", "csv")
    assert "2 rounds" in done.stderr
    assert len(done.stdout.splitlines()) == 5


def test_what_is_not_reached_is_said(spec: Path) -> None:
    spec.write_text(SPEC.replace("refit = false", "ridge = 0.1\n[[round]]\nalpha = 0.1"))
    done = run("rounds", spec, "--tolerance", "1e-14", status=1)
    assert "no convergence" in done.stderr
    assert "--tolerance" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".json", ".svg"])
def test_files_are_written_and_known_again(spec: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rounds{suffix}"
    for _ in range(2):
        run("rounds", spec, "-o", path)
    assert path.stat().st_size


def below(kind: Any) -> set[Any]:
    """All classes that derive from a class."""
    return {more for each in kind.__subclasses__() for more in {each, *below(each)}}


def test_every_kind_of_result_is_known_again(tmp_path: Path) -> None:
    known = {kind.columns for kind in KINDS}
    for kind in below(GridResult) - {Verdicts}:  # a base, without columns of its own
        if kind.__module__.startswith("asymptotics.results"):
            assert kind.columns in known, kind
    path = tmp_path / "others.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="not written by asymptotics"):
        require_free(path, {}, False)


@pytest.mark.parametrize("command", ["rounds", "growth", "curve"])
def test_the_samples_of_a_spec_are_never_replaced(tmp_path: Path, command: str) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text("eigenvalue,coefficient\n1,2\n2,1\n")
    keys = "full_kappa = 2\nkept = 0.5\n" if command == "growth" else "alpha = 0.5\n"
    spec = tmp_path / "spec.toml"
    spec.write_text(f'kappa = 2\nsigma = 0.5\n{keys}[population]\nfile = "samples.csv"\n')
    done = run(command, spec, "-o", samples, "--force", status=2)
    assert "must be another file than the samples of its population" in done.stderr
    assert samples.read_text().startswith("eigenvalue")


def test_a_spec_for_rounds_is_no_spec_for_risk(spec: Path) -> None:
    done = run("risk", spec, status=2)
    assert "a spec for `asymptotics rounds`: it has [[round]]" in done.stderr


def test_a_range_of_alpha_is_a_schedule() -> None:
    alpha = {"start": 0.5, "stop": 0.125, "num": 3}
    given = rounds_problem(POINTS | GROUPS | {"alpha": alpha, "retrain_ridge": 0.1})
    assert [each.alpha for each in given.schedule] == [0.5, 0.25, 0.125]
    assert {each.ridge for each in given.schedule} == {0.1}
    listed = rounds_problem(POINTS | GROUPS | {"alpha": [0.5, 0.125], "rule": "covariance"})
    assert [(each.alpha, str(each.rule)) for each in listed.schedule] == [
        (0.5, "covariance"), (0.125, "covariance"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "round: must be given"),
        ({"alpha": 0.5, "round": [{"alpha": 0.5}]}, "alpha"),
        ({"alpha": 0.5, "rule": ["magnitude", "random"]}, "must be one rule"),
        ({"alpha": [0.2, 0.5]}, "must not grow"),
        ({"alpha": 0.5, "retrain": False}, "retrain"),
        ({"alpha": 0.5, "retrain_ridge": -1}, "retrain_ridge = -1"),
        ({"round": [{"alpha": 2}]}, r"round\[0\].alpha = 2"),
        ({"round": [{"alpha": 0.5}], "kapa": 1}, "kapa"),
        ({"round": {"alpha": 0.5}}, "must be a list of rounds"),
    ],
)
def test_bad_specs(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rounds_problem(POINTS | GROUPS | keys)


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def test_the_figure_shows_rounds_beside_one_cut() -> None:
    steps = [{"alpha": 0.5}, {"alpha": 0.2}]
    found = rounds(FEW, 0.9, 0.5, steps)
    ax = found.plot()
    assert legend(ax) == ["one cut", "one cut, retrained", "rounds", "before pruning", "null risk"]
    path = np.asarray(ax.get_lines()[2].get_xydata())
    expected = [
        (1, found.unpruned_risk[0]),
        *[
            (alpha, risk)
            for alpha, *risks in zip(
                found.alpha, found.pruned_risk, found.retrained_risk, strict=True
            )
            for risk in risks
        ],
    ]
    np.testing.assert_allclose(path, expected)
    plt.close("all")


def test_points_of_a_figure_have_colours() -> None:
    ax = rounds(FEW, [0.9, 2], 0.5, [{"alpha": 0.5}]).plot()
    assert any("0.9" in name for name in legend(ax))
    assert len({line.get_color() for line in ax.get_lines()[:8]}) == 2
    with pytest.raises(InvalidInput, match="lines"):
        rounds(FEW, np.linspace(0.5, 2, 6), 0.5, [{"alpha": 0.5}]).plot()
    plt.close("all")
