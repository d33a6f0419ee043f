"""``asymptotics best``, run as a process."""

import json
from pathlib import Path

import pytest

from tests.processes import run

SPEC = """
kappa = 0.3
sigma = 0.25
alpha = { start = 0.1, stop = 0.9, num = 2 }
ridge = { start = 0, stop = 100, num = 2 }
rule = "covariance"
population = [
  { weight = 0.86, eigenvalue = 20, mean = 0.1 },
  { weight = 0.14, eigenvalue = 0.12, std = 0.83 },
]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC.replace("{ start = 0.1, stop = 0.9, num = 2 }", "0.5"))
    return path


def test_rows_are_the_local_minima(spec: Path) -> None:
    done = run("best", spec, "--over", "ridge", "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    assert [round(row["ridge"], 3) for row in rows] == [0.036, 4.754]
    assert [row["best"] for row in rows] == [False, True]
    assert {row["place"] for row in rows} == {"interior"}
    table = run("best", spec, "--over", "ridge").stdout
    assert "Population(2 groups" in table
    assert "4.75437   0.149742   interior    True" in table


def test_kappa_of_the_example_and_a_free_exponent(spec: Path) -> None:
    assert "8.28215    magnitude    1.29425" in run("best", "--over", "kappa").stdout
    text = spec.read_text().replace(
        '"covariance"', "{ exponent = { start = -1, stop = 2, num = 2 } }"
    )
    spec.write_text(text.replace("{ start = 0, stop = 100, num = 2 }", "1"))
    assert "rule = exponent=0.2" in run("best", spec, "--over", "exponent").stdout


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("rigde", "over = 'rigde': did you mean 'ridge'?"),
        ("kappa", "kappa = 0.3: must be a range {start, stop, num}, because --over names it"),
        ("alpha", "alpha = 0.5: must be a range {start, stop, num}, because --over names it"),
        ("exponent", "rule = 'covariance': must be a table"),
        ("retrain_ridge", "over = 'retrain_ridge': needs retrain = true"),
    ],
)
def test_bad_input_is_one_line(spec: Path, over: str, message: str) -> None:
    done = run("best", spec, "--over", over, status=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_bounds_are_proved_and_several_are_chosen(spec: Path) -> None:
    text = spec.read_text()
    spec.write_text(text.replace("start = 0, stop = 100", "start = 3, stop = 8"))
    done = run("best", spec, "--over", "ridge", "--certify", "--format", "json")
    (row,) = json.loads(done.stdout)["rows"]
    assert row["lower"] <= row["risk"] <= row["upper"] * (1 + 1e-15)
    assert row["upper"] - row["lower"] < 1.1e-7 * row["risk"]
    spec.write_text(text.replace("alpha = 0.5", "alpha = { start = 0.2, stop = 0.8, num = 2 }"))
    done = run("best", spec, "--over", "ridge,alpha", "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    assert sum(row["best"] for row in rows) == 1
    assert all(0.2 <= row["alpha"] <= 0.8 and row["d_ridge"] is not None for row in rows)
