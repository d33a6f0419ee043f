"""The command line, run as a process."""

import csv
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.processes import on_terminal, run, run_process

SPEC = """
kappa = [0.5, 1, 2]
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


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def test_risk_as_a_table(spec: Path) -> None:
    done = run("risk", spec)
    assert done.stderr == ""
    population, _, rows = done.stdout.partition("\n\n")
    assert population.startswith("Population(2 groups, E[Lambda] = 3.25")
    assert len(population.splitlines()) == 2 + 3
    assert rows.startswith("sigma = 0.5, alpha = 0.3, ridge = 0\n")
    assert len(rows.splitlines()) == 6 + 3


def test_weights_that_are_renormalised_are_said_and_seen(spec: Path) -> None:
    spec.write_text(SPEC.partition("[[")[0] + "[[population]]\nweight = 0.05\nstd = 1\n")
    for form in ("table", "json", "csv"):
        done = run("risk", spec, "--format", form)
        assert done.stderr == (
            "asymptotics: note: the weights of the population sum to 0.05; "
            "they are divided by it, to sum to 1\n"
        )
        assert ("Population(1 group" in done.stdout) == (form == "table")
    assert "note: " in run("curve", spec, "-o", spec.with_suffix(".csv")).stderr
    run("risk", spec, "--digits", "-3", status=2)  # and what is wrong is one line still


def test_columns_that_are_not_read_are_said(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC.partition("[[")[0] + '[population]\nfile = "samples.csv"\n')
    samples = tmp_path / "samples.csv"
    samples.write_text("layer,eigenvalue,coefficient,best fit\n1,1,2,3\n")
    note = "asymptotics: note: not read of samples.csv: columns 'layer', 'best fit'\n"
    assert run("risk", spec).stderr == note
    assert note in run("curve", spec, "-o", tmp_path / "curve.csv").stderr
    samples.write_text("eigenvalue,coefficient\n1,2\n")
    assert run("risk", spec).stderr == ""


@pytest.mark.linux
def test_a_note_that_nobody_can_read_is_no_failure(spec: Path) -> None:
    spec.write_text(SPEC.partition("[[")[0] + "[[population]]\nweight = 0.05\nstd = 1\n")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "asymptotics", "risk", str(spec)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, check=True)


def test_risk_as_json(spec: Path) -> None:
    document = json.loads(run("risk", spec, "--format", "json").stdout)
    assert document["version"] == 1
    assert document["spec"]["kappa"] == [0.5, 1, 2]
    assert len(document["spec"]["population"]) == 2
    by = {(row["kappa"], row["rule"]): row for row in document["rows"]}
    assert by[1, "magnitude"]["status"] == "diverges"
    assert by[1, "magnitude"]["risk"] is None
    assert by[2, "random"]["threshold"] is None
    assert by[2, "magnitude"]["risk"] > 0.25
    keys = "kappa sigma alpha ridge rule risk unpruned_risk null_risk threshold tau gamma status"
    assert set(keys.split()) <= set(by[2, "random"])


def test_a_second_fit_has_columns_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(
        "kappa = 2\nsigma = 0.5\nalpha = [0.4, 0.5]\nretrain = true\n"
        "[[population]]\nweight = 0.6\nmean = 1\nstd = 0.5\n"
        "[[population]]\nweight = 0.4\neigenvalue = 10\nmean = 0.3\n"
    )
    document = json.loads(run("risk", path, "--format", "json").stdout)
    finite, infinite = document["rows"]
    assert (finite["retrain_ridge"], finite["retrain_towards"]) == (0, "zero")
    assert finite["retrained_status"] == "ok"
    assert finite["retrained_risk"] > finite["risk"]
    # As many weights as samples: the first fit is finite, and the second is not.
    assert (infinite["status"], infinite["retrained_status"]) == ("ok", "diverges")
    assert infinite["retrained_risk"] is None
    assert infinite["infinite"] == ["retrained_risk"]
    assert "retrained_risk" in run("risk", path).stdout
    proved = json.loads(run("risk", path, "--certify", "--format", "json").stdout)["rows"][0]
    assert float(proved["retrained_lower"]) <= finite["retrained_risk"] * (1 + 1e-12)
    for _ in range(2):  # a file of such rows is known as this package's own, and replaced
        run("curve", path, "-o", tmp_path / "rows.csv")


def test_risk_as_csv_from_standard_input() -> None:
    rows = list(csv.DictReader(run("risk", "-", "--format", "csv", stdin=SPEC).stdout.splitlines()))
    assert [row["risk"] for row in rows if row["kappa"] == "1.0"] == ["inf", "inf"]


def test_risk_with_digits(spec: Path) -> None:
    document = json.loads(run("risk", spec, "--format", "json", "--digits", "30").stdout)
    row = document["rows"][0]
    assert row["kappa"] == "0.5"
    assert len(row["risk"]) >= 30
    double = json.loads(run("risk", spec, "--format", "json").stdout)["rows"][0]
    assert float(row["risk"]) == pytest.approx(double["risk"], rel=1e-14)


def test_the_example_is_the_default() -> None:
    assert run("risk").stdout == run("risk", "-", stdin=run("example").stdout).stdout


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "csv", "json", "parquet"])
def test_curve(spec: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"curve.{suffix}"
    done = run("curve", spec, "-o", output)
    assert "6 points, 2 diverge, 4 ok" in done.stderr
    if suffix == "parquet":
        assert len(pd.read_parquet(output)) == 6
    if suffix == "json":
        assert json.loads(output.read_text())["rows"]
    assert output.stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []
    # What the package has written it replaces, without being told to.
    assert "6 points" in run("curve", spec, "-o", output).stderr


def test_a_range_is_drawn_smoothly_and_written_as_given(tmp_path: Path) -> None:
    assert "1203 points" in run("curve", "-o", tmp_path / "curve.svg").stderr
    assert "123 points" in run("curve", "-o", tmp_path / "curve.csv").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["risk", "none.toml"], "spec = 'none.toml': cannot be read"),
        (["risk", "--format", "xml"], "'xml' is not one of"),
        (["risk", "--digits", "-3"], "digits = -3"),
        (["risk", "--digits", "many"], "'many' is not a valid integer"),
        (["risk", "--kappa", "3"], "No such option"),
        (["curve"], "Missing option '-o'"),
        (["curve", "-o", "curve.txt"], "output = 'curve.txt': must end in .png .svg .pdf"),
        (["curve", "-o", "no/such/folder/curve.png"], "must be in a folder that exists"),
        (["rsk"], "No such command 'rsk'"),
    ],
)
def test_bad_calls(arguments: list[str], message: str) -> None:
    assert message in run(*arguments, status=2).stderr


def test_bad_spec(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SPEC.replace("0.3", "-0.3"))
    error = run("risk", path, status=2).stderr
    assert "alpha" in error
    assert "-0.3" in error
    assert "[0, 1]" in error


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, spec: Path) -> None:
    output = tmp_path / "curve.csv"
    output.write_text("old")
    spec.write_text(SPEC.replace("0.3", "3"))
    message = run("curve", spec, "-o", output, "--force", status=2).stderr
    assert "alpha = 3" in message
    assert output.read_text() == "old"


@pytest.mark.linux
def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m asymptotics risk --format json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.linux
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "asymptotics", "risk"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "asymptotics: cannot write: No space left on device\n"


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["risk", "spec.toml"], 0),
        (["curve", "spec.toml", "-o", "curve.csv", "--force"], 0),
        (["verify", "spec.toml", "--p", "100", "--trials", "8", "--workers", "1"], 0),
        (["network", "network.toml", "--workers", "1", "--trials", "2"], 0),
        (["formula", "show", "noise-level"], 0),
        (["derive", "list"], 0),
        (["risk", "none.toml"], 2),
        (["risk", "--alpha", "1"], 2),
        (["derive", "show", "none"], 2),
    ],
)
def test_a_process_says_the_same(
    arguments: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command in the process of the tests, where most of them run it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.toml").write_text("eta = 2\nwidth = 8\nsamples = 20\nsteps = 50\n")
    here, there = run(*arguments, status=status), run_process(*arguments, status=status)
    assert (here.stdout, here.stderr) == (there.stdout, there.stderr)


def test_settings_of_the_machine_do_not_matter(tmp_path: Path, spec: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True")
    settings = {"PYTHONIOENCODING": "latin-1", "MPLBACKEND": "none", "MATPLOTLIBRC": str(tmp_path)}
    for arguments in (["risk", spec], ["curve", spec, "-o", tmp_path / "curve.png"]):
        command = [sys.executable, "-m", "asymptotics", *map(str, arguments)]
        environment = os.environ | settings
        subprocess.run(command, env=environment, capture_output=True, check=True)


def test_a_link_is_written_through(tmp_path: Path, spec: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "curve.csv")
    run("curve", spec, "-o", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "curve.csv").stat().st_size > 100


def test_help_gives_an_example() -> None:
    for command in ((), ("risk",), ("curve",), ("example",)):
        text = run(*command, "--help").stdout
        assert "asymptotics" in text
        assert "\\b" not in text
    assert run().stdout == run("--help").stdout
    assert "my.toml" in run("curve", "--help").stdout


@pytest.mark.linux
def test_progress_is_shown_on_a_terminal_alone(tmp_path: Path) -> None:
    path = tmp_path / "slow.toml"
    path.write_text(SPEC.replace("[0.5, 1, 2]", "{start = 0.1, stop = 3, num = 20}"))
    command = ("risk", path, "--digits", "60")
    assert run(*command).stderr == ""
    assert b"40/40" in on_terminal(*command)


def test_proved_bounds(spec: Path) -> None:
    done = run("risk", spec, "--certify", "--digits", "20", "--format", "json")
    assert done.stderr == ""
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == 6
    for row in rows:
        if row["kappa"] == "1":
            assert row["status"] == "diverges"
            assert row["lower"] is None
            continue
        lower, value, upper = (Decimal(row[key]) for key in ("lower", "risk", "upper"))
        assert lower < upper <= lower * (1 + Decimal(10) ** -20)
        assert abs(value - lower) < Decimal(10) ** -19


def test_what_cannot_be_proved_is_refused(tmp_path: Path) -> None:
    spec = tmp_path / "law.toml"
    law = '[population]\nfamily = "power-law"\ncapacity = 0.5\nsource = -0.5\n'
    spec.write_text("kappa = 2\nsigma = 1\nalpha = 0.5\n" + law, encoding="utf-8")
    done = run("risk", spec, "--certify", status=2)
    assert done.stdout == ""
    assert done.stderr.startswith("asymptotics: certify = True: must be left out for a continuous")
    assert done.stderr.count("\n") == 1


def test_undecided_rows_are_printed_and_fail(tmp_path: Path) -> None:
    spec = tmp_path / "tie.toml"
    nearly = "2." + "0" * 500 + "1"
    groups = "[[population]]\neigenvalue = 1024\nmean = 1\n[[population]]\nmean = " + nearly
    head = "kappa = 0.5\nsigma = 0\nalpha = 0.25\nrule = {exponent = 0.1}\n"
    spec.write_text(head + groups, encoding="utf-8")
    done = run("risk", spec, "--certify", status=1)
    assert "undecided" in done.stdout
    assert done.stderr == "asymptotics: 1 of 1 row: undecided; their bounds are the best found\n"
