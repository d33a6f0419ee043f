"""`asymptotics network`, run as a process, and the specs it reads."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from asymptotics.errors import InvalidInput
from asymptotics.networks import Digits, Teacher
from asymptotics.spec import NETWORK_EXAMPLE, example_text
from asymptotics.spec.network import network_problem, read_network
from tests.processes import INTERRUPTIBLE, on_terminal, run

SPEC = """
eta = [0.5, 4]
alpha = [0.3, 0.6]
rule = ["magnitude", "random"]
width = 8
samples = 40
steps = 50

[task]
kind = "teacher"
features = 5
test_samples = 200
"""
QUICK = ("--trials", "3", "--workers", "1")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "network.toml"
    path.write_text(SPEC)
    return path


def test_rows(spec: Path) -> None:
    document = json.loads(run("network", spec, *QUICK, "--format", "json").stdout)
    assert (document["version"], document["spec"]["task"]["features"]) == (1, 5)
    assert [(row["eta"], row["alpha"], row["rule"]) for row in document["rows"]] == [
        (eta, alpha, rule)
        for eta in (0.5, 4)
        for alpha in (0.3, 0.6)
        for rule in ("magnitude", "random")
    ]
    for row in document["rows"]:
        assert row["status"] == "ok"
        assert row["trials"] == 3
        assert row["test_error"] > 0
        assert row["test_error_se"] > 0
        kept = row["kept_hidden"] * 40 + row["kept_output"] * 8
        assert kept == pytest.approx(round(row["alpha"] * 48))


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".png", ".svg", ".pdf"])
def test_files(spec: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out{suffix}"
    done = run("network", spec, *QUICK, "-o", output)
    assert "restored_output" in done.stdout
    assert output.stat().st_size > 500
    if suffix == ".csv":
        with output.open() as file:
            assert len(list(csv.DictReader(file))) == 8


@pytest.mark.linux
def test_a_store_is_resumed_after_ctrl_c(spec: Path, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    arguments = ("network", str(spec), "--store", str(store), "--format", "csv")
    command = [*INTERRUPTIBLE, *arguments]
    with subprocess.Popen(
        [*command, "--trials", "5000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not (store.exists() and store.stat().st_size > 30_000):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        rows, message = process.communicate()
    assert process.returncode == 130
    assert message == "asymptotics: interrupted: the rows hold what was done\n"
    assert len(rows.splitlines()) == 9
    assert run(*arguments, *QUICK).stdout == run(*arguments[:2], "--format", "csv", *QUICK).stdout


def test_divergence_fails(spec: Path) -> None:
    spec.write_text("step = 1e5\n" + SPEC)
    done = run("network", spec, *QUICK, status=1)
    assert "diverges" in done.stdout
    assert done.stderr == "asymptotics: 8 of 8 rows: training diverges; take a smaller step\n"


def test_what_cannot_be_drawn_is_refused_before_the_work(spec: Path, tmp_path: Path) -> None:
    spec.write_text(
        SPEC.replace("width = 8", "width = [2, 4, 6, 8]").replace(
            "eta = [0.5, 4]", "eta = [0.5, 1, 2, 4, 8]"
        )
    )
    picture, store = tmp_path / "x.png", tmp_path / "runs.db"
    done = run("network", spec, "--trials", "10000", "-o", picture, "--store", store, status=2)
    assert "lines = 16: must be at most 14" in done.stderr
    assert not store.exists()


def test_an_older_file_stays_where_nothing_came_of_it(spec: Path, tmp_path: Path) -> None:
    (old := tmp_path / "old.png").write_bytes(b"old")
    spec.write_text("step = 1e5\n" + SPEC)
    run("network", spec, *QUICK, "-o", old, "--force", status=1)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.glob("*.png")) == [old]


def test_the_bundled_example_is_the_default() -> None:
    assert run("example", "network").stdout == example_text(NETWORK_EXAMPLE)
    problem = read_network()
    assert problem.axes["eta"].tolist() == [0.25, 0.5, 1, 2, 4, 8]
    assert problem.task == Teacher(20, 4, 0.0, 5000)
    assert problem.settings["steps"] == 6000
    assert problem.abscissa == "eta"


@pytest.mark.linux
def test_progress_is_shown_on_a_terminal(spec: Path) -> None:
    spec.write_text(SPEC.replace("steps = 50", "steps = 1000"))
    assert b"runs" in on_terminal("network", spec, "--workers", "1", "--trials", "10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha = 1", "eta: must be given"),
        ("eta = 1\nalfa = 1", "alfa = 1: unknown key; did you mean 'alpha'?"),
        ("eta = 'a'", "eta = 'a': must be a number, a list of numbers or {start, stop"),
        ("eta = -1", "eta = -1"),
        ("eta = []", "eta = []: must be a number, a list of numbers"),
        ("eta = {start = 1, stop = 2}", "eta.num: must be given"),
        (
            "eta = {start = 0, stop = 2, num = 3, spacing = 'log'}",
            "eta = 'from 0 to 2': must have positive ends",
        ),
        ("eta = 1\nalpha = 2", "alpha = 2"),
        ("eta = 1\nrule = 'oracle'", "rule = 'oracle'"),
        ("eta = 1\nrule = []", "rule = []"),
        ("eta = 1\nrule = 3", "rule = 3: known: magnitude"),
        ("eta = 1\nrule = ['magnitude', 3]", "rule[1] = 3: known: magnitude"),
        ("eta = 1\nwidth = 1e30", "width = 1"),
        (
            "eta = {start = 1, stop = 2, num = 2000}\nalpha = {start = 0, stop = 1, num = 1000}",
            "grid = '2,000,000 rows'",
        ),
        ("eta = 1\nwidth = 3", "width = 3: must be even"),
        ("eta = 1\nwidth = 2.5", "width = 2.5: must be a whole number"),
        ("eta = 1\nwidth = inf", "width = Infinity: must be a whole number"),
        ("eta = 1\nsamples = 0", "samples = 0"),
        ("eta = 1\nscope = 'all'", "scope = 'all'"),
        ("eta = 1\nsteps = 1.5", "steps = 1.5: must be a valid integer"),
        ("eta = 1\nstep = 0", "step = 0"),
        ("eta = 1\nantisymmetric = 1", "antisymmetric = 1: must be a valid boolean"),
        ("eta = 1\ntask = 1", "task = 1: must be a table"),
        ("eta = 1\n[task]\nfeatures = 3", "task.kind: must be given: teacher or digits"),
        ("eta = 1\n[task]\nkind = 'mnist'", "task.kind = 'mnist'"),
        ("eta = 1\n[task]\nkind = ['teacher']", "task.kind = ['teacher']"),
        ("eta = 1\n[task]\nkind = 'digits'\nfeatures = 3", "task.features = 3: unknown key"),
        ("eta = 1\n[task]\nkind = 'teacher'\nneurons = 0", "task.neurons = 0"),
        ("eta = 1\n[task]\nkind = 'teacher'\nsigma = -1", "task.sigma = -1"),
        ("eta = 1\n[task]\nkind = 'teacher'\nsigma = nan", "task.sigma"),
        ("eta = 1\nsamples = 1797\n[task]\nkind = 'digits'", "samples = 1797: must be a whole"),
        ("eta = =", "must be valid TOML"),
    ],
)
def test_bad_specs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as error:
        read_network(path).run(workers=1, trials=1)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trials", "0"], "trials = 0"),
        (["--seed", "-1"], "seed = -1"),
        (["--workers", "0"], "workers = 0"),
        (["-o", "x.gif"], "output = 'x.gif'"),
        (["-o", "a.csv", "--store", "a.csv"], "output = 'a.csv': must be another file"),
        (["--scheduler", "nowhere"], "scheduler = 'nowhere'"),
        (["missing.toml"], "spec = 'missing.toml': cannot be read"),
        pytest.param(
            ["-o", "/proc/x.csv"],
            "output = '/proc/x.csv': cannot be written",
            marks=pytest.mark.linux,
        ),
    ],
)
def test_bad_calls(spec: Path, arguments: list[str], message: str) -> None:
    given = arguments if "missing.toml" in arguments else [str(spec), *arguments]
    done = run("network", *given, status=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_spec_of_digits() -> None:
    problem = network_problem({"eta": [1, 2], "width": [2, 4], "task": {"kind": "digits"}})
    assert problem.task == Digits()
    assert [axis.size for axis in problem.axes.values()] == [2, 1, 2, 1]
    assert np.all(problem.axes["width"] == [2, 4])
