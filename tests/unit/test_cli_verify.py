"""`asymptotics verify` and `asymptotics curve --simulate`, run as processes."""

import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asymptotics.simulation.sampler import OUTCOME
from tests.processes import on_terminal, run

SPEC = """
kappa = [0.5, 2]
sigma = 0.5
alpha = 0.3
rule = ["magnitude", "random"]

[[population]]
weight = 0.25
eigenvalue = 10
std = 0.5

[[population]]
weight = 0.75
std = 1
"""
QUICK = ("--p", "200", "--trials", "8", "--workers", "1")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def test_rows(spec: Path) -> None:
    document = json.loads(run("verify", spec, *QUICK, "--format", "json").stdout)
    assert document["spec"]["kappa"] == [0.5, 2]
    for row in document["rows"]:
        assert row["p"] == 200
        assert row["n"] == 200 / row["kappa"]
        assert row["trials"] == 8
        assert row["mean"] == pytest.approx(row["risk"], rel=0.2)
        assert 0 < row["standard_error"] < 0.1
        assert row["sampler"] == {0.5: "exact", 2: "dense"}[row["kappa"]]
        assert row["verdict"] in ("consistent", "too weak")
        assert row["status"] == "ok"
    text = run("verify", spec, *QUICK)
    assert text.stderr == ""
    assert "verdict" in text.stdout


def test_one_seed_is_one_result(spec: Path) -> None:
    one, same, other = (
        run("verify", spec, *QUICK, "--format", "csv", "--seed", seed).stdout for seed in "334"
    )
    assert one == same
    assert one != other


def test_an_inconsistent_simulation_is_a_failure(spec: Path, tmp_path: Path) -> None:
    """With a store whose risks are all twenty percent too high."""
    store = tmp_path / "runs.db"
    run("verify", spec, *QUICK, "--store", store)
    shift = np.reshape([1.2, 1, 1], (len(OUTCOME), 1, 1))
    with sqlite3.connect(store) as database:
        for key, trial, blob in database.execute("select key, trial, outcome from trials"):
            wrong = np.frombuffer(blob).reshape(len(OUTCOME), 2, 1) * shift
            database.execute(
                "update trials set outcome = ? where key = ? and trial = ?",
                (wrong.tobytes(), key, trial),
            )
    database.close()
    done = run("verify", spec, *QUICK, "--store", store, "--format", "csv", status=1)
    assert done.stderr == "asymptotics: 4 of 4 rows are inconsistent with their simulation\n"
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert {row["verdict"] for row in rows} == {"inconsistent"}


@pytest.mark.parametrize("suffix", ["svg", "csv", "json"])
def test_output(spec: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"rows.{suffix}"
    run("verify", spec, *QUICK, "-o", output)
    assert output.stat().st_size > 100


def test_a_curve_with_simulated_points(spec: Path, tmp_path: Path) -> None:
    output = tmp_path / "curve.svg"
    done = run("curve", spec, "-o", output, "--simulate", *QUICK)
    assert "simulated: " in done.stderr
    plain = tmp_path / "plain.svg"
    run("curve", spec, "-o", plain)
    assert output.read_text().count("<use") > plain.read_text().count("<use")


AGAIN = """retrain = true
retrain_ridge = [0, 0.3]
retrain_towards = ["zero", "pruned"]
"""


def test_second_fits(spec: Path, tmp_path: Path) -> None:
    spec.write_text(
        AGAIN + SPEC.replace("[0.5, 2]", "2").replace('["magnitude", "random"]', "'covariance'")
    )
    done = run("verify", spec, *QUICK, "-o", tmp_path / "rows.csv", "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["retrain_ridge"], row["retrain_towards"]) for row in rows] == [
        (0, "zero"), (0, "pruned"), (0.3, "zero"), (0.3, "pruned"),
    ]  # fmt: skip
    for row in rows:
        assert row["risk"] != row["retrained_risk"]
        assert row["retrained_status"] == "ok"
        assert row["mean"] == pytest.approx(row["retrained_risk"], rel=0.2)
        assert row["verdict"] in ("consistent", "too weak")
    run("verify", spec, *QUICK, "-o", tmp_path / "rows.csv")  # it knows its own file
    refused = run("verify", spec, *QUICK, "--sampler", "exact", status=2).stderr
    assert "sampler = 'exact': it draws no data" in refused


def test_a_curve_of_second_fits_with_simulated_points(spec: Path, tmp_path: Path) -> None:
    spec.write_text("retrain = true\n" + SPEC.replace("[0.5, 2]", "[2, 3]"))
    output, plain = tmp_path / "curve.svg", tmp_path / "plain.svg"
    done = run("curve", spec, "-o", output, "--simulate", *QUICK)
    assert "simulated: " in done.stderr
    run("curve", spec, "-o", plain)
    assert output.read_text().count("<use") > plain.read_text().count("<use")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--p", "1"], "p = 1: must be at least 4 to realise the problem"),
        (["verify", "--p", "many"], "'many' is not a valid integer"),
        (["verify", "--trials", "0"], "trials = 0: must be a whole number from 2"),
        (["verify", "--sampler", "dice"], "sampler = 'dice': known: auto, dense"),
        (["verify", "--design", "cauchy"], "design = 'cauchy'"),
        (["verify", "--target-se", "nan"], "target_se = nan: must be a finite number > 0"),
        (["verify", "--scheduler", "tcp://127.0.0.1:9"], "scheduler = 'tcp://127.0.0.1:9'"),
        (["verify", "--store", "/"], "store"),
        (["verify", "--store", "no/such/folder/runs.db"], "store = 'no/such/folder/runs.db'"),
        (["verify", "--time-limit", "1e-9"], "time_limit = 1e-09: 8 trials of each of"),
        (["verify", "-o", "rows.txt"], "output = 'rows.txt': must end in"),
        (["verify", "--p", "10000000", "--sampler", "dense"], "the sampler implicit needs"),
        (["curve", "-o", "x.csv", "--simulate"], "must be a picture with --simulate"),
        (["curve", "-o", "x.svg", "--p", "-4"], "p = -4: is for --simulate alone"),
        (["verify", "-o", "x.csv", "--store", "./x.csv"], "must be another file than the store"),
        (["verify", "--scheduler", "tls://127.0.0.1:9"], "scheduler = 'tls://127.0.0.1:9'"),
    ],
)
def test_bad_calls(
    arguments: list[str], message: str, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asymptotics.trials.execution._CLUSTER_TIMEOUT", 0.1)
    done = run(arguments[0], spec, *arguments[1:], status=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_no_sample_can_be_spared_at_the_threshold(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text("kappa = 1\nsigma = 1\nalpha = 0.5\n[[population]]\nstd = 1\n")
    done = run("verify", path, "--p", "100", status=2)
    assert "n = 100: no risk can be tested: |n - p_+| = 0 <= 3" in done.stderr


@pytest.mark.linux
def test_nobody_need_listen(spec: Path) -> None:
    call = f"{sys.executable} -m asymptotics verify {spec} --p 200 --trials 8 --workers 1"
    for rest in ("2>&-", "--format csv | true", ">&- 2>&-", "--workers 2 >&-"):
        subprocess.run(["bash", "-o", "pipefail", "-c", f"{call} {rest}"], check=True)


def test_without_a_verdict_there_is_a_picture(spec: Path, tmp_path: Path) -> None:
    output = tmp_path / "none.svg"
    done = run("verify", spec, "--p", "200", "--trials", "2", "-o", output, status=1)
    why = "2 trials: at least 8 are needed for a verdict"
    assert done.stderr == f"asymptotics: no row has a verdict: {why}\n"
    assert f"no verdict (rows 1-4): {why}" in done.stdout
    assert "no row has a verdict" in output.read_text()


@pytest.mark.linux
def test_progress_says_how_far_it_is(spec: Path) -> None:
    exact = ("--p", "600", "--trials", "20", "--workers", "1", "--sampler", "dense")
    seen = on_terminal("verify", spec, *exact)
    assert b"/40" in seen
    assert b"standard error" in seen


@pytest.mark.linux
def test_extension_modules_are_loaded_in_one_thread(spec: Path, tmp_path: Path) -> None:
    """A thread that loads one may wait for ever for another that searches loaded libraries."""
    log = tmp_path / "loaded.txt"
    watch = (
        "import sys, threading\n"
        "def hook(event, args):\n"
        "    elsewhere = threading.current_thread() is not threading.main_thread()\n"
        "    if event == 'import' and elsewhere and str(args[1]).endswith('.so'):\n"
        f"        open({str(log)!r}, 'a').write(args[0] + ' ')\n"
        "sys.addaudithook(hook)\n"
    )
    on_terminal("verify", spec, "--p", "600", "--trials", "20", "--workers", "1", before=watch)
    assert not log.exists(), log.read_text()


STEPS = """
kappa = [2, 4]
sigma = 0.5
ridge = 0.1

[[round]]
alpha = 0.6
ridge = 0.5

[[round]]
alpha = 0.4
rule = "covariance"
refit = false

[[population]]
weight = 0.6
mean = 1
std = 0.7

[[population]]
weight = 0.4
eigenvalue = 10
std = 0.4
"""


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    path = tmp_path / "steps.toml"
    path.write_text(STEPS)
    return path


def test_rounds_have_a_verdict_after_each_cut_and_fit(steps: Path, tmp_path: Path) -> None:
    output, quick = tmp_path / "rows.csv", (*QUICK, "--store", tmp_path / "runs.db")
    done = run("verify", steps, *quick, "-o", output, "--format", "json")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["kappa"], row["round"], row["after"]) for row in rows] == [
        (kappa, *row) for kappa in (2, 4) for row in ((1, "cut"), (1, "fit"), (2, "cut"))
    ]
    for row in rows:
        predicted = row["retrained_risk" if row["after"] == "fit" else "pruned_risk"]
        assert row["risk"] == pytest.approx(predicted, rel=1e-9)
        assert row["mean"] == pytest.approx(row["risk"], rel=0.2)
        assert row["verdict"] in ("consistent", "too weak")
    assert [row["retrain_ridge"] for row in rows[:3]] == [0.5, 0.5, None]
    run("verify", steps, *quick, "-o", output)  # it knows its own file
    picture = tmp_path / "rows.svg"
    assert "round" in run("verify", steps, *quick, "-o", picture).stdout
    assert "after cut 2" in picture.read_text()


def test_rounds_that_are_wrong_fail(steps: Path, tmp_path: Path) -> None:
    """With a store whose risks are all twenty percent too high."""
    store = tmp_path / "runs.db"
    run("verify", steps, *QUICK, "--store", store)
    with sqlite3.connect(store) as database:
        for key, trial, blob in database.execute("select key, trial, outcome from trials"):
            wrong = 1.2 * np.frombuffer(blob)
            database.execute(
                "update trials set outcome = ? where key = ? and trial = ?",
                (wrong.tobytes(), key, trial),
            )
    database.close()
    done = run("verify", steps, *QUICK, "--store", store, "--format", "csv", status=1)
    assert "inconsistent with their simulation" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("alpha = 0.4", "alpha = 0.7", "round.alpha = 0.7: must not grow"),
        ("refit = false", "ridge = -1", "round[1].ridge = -1: must be"),
        ('"covariance"', '"optimal"', "round[1].rule = 'optimal': must rank weights"),
        ("ridge = 0.1", "ridge = 0.1\nalpha = 0.5", "alpha"),
        ("sigma = 0.5", "sigma = 0.5\nround = 3\n", "must be valid TOML"),
    ],
)
def test_bad_rounds(steps: Path, old: str, new: str, message: str) -> None:
    steps.write_text(STEPS.replace(old, new, 1))
    done = run("verify", steps, *QUICK, status=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
