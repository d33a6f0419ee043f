"""What is printed: in ASCII, within the lines, and no more of a result than is shown."""

import ast
import csv
import io
import json
import os
import pty
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from typing import Any

import click
import numpy as np
import pytest
from click.shell_completion import BashComplete, ShellComplete
from click.testing import CliRunner

from asymptotics import (
    CertifiedRisk,
    Growth,
    HessianBias,
    IteratedRisk,
    Population,
    RiskResult,
    Sensitivity,
    Verification,
    hessian_bias,
    risk,
    sensitivity,
    verify,
)
from asymptotics.cli.main import cli
from asymptotics.formulas import titles
from asymptotics.formulas.catalogue import _BUILT
from asymptotics.formulas.names import ENTRIES
from asymptotics.networks import TwoLayer
from asymptotics.results import GridResult, NetworkSweep, to_csv, to_json
from asymptotics.simulation.designs import as_law, law_names
from asymptotics.spec import EXAMPLE, NETWORK_EXAMPLE, example_text, read_spec
from asymptotics.spec.network import read_network
from asymptotics.tables import column, counted, fits, text_table
from asymptotics.theory import COVARIANCE, MAGNITUDE
from asymptotics.verification.plan import SAMPLERS
from tests.processes import run

ROOT = Path(__file__).parents[2]
POPULATION = Population(weight=[1, 3], eigenvalue=[10, 1], std=[0.5, 1])


def encoded(encoding: str, *arguments: str) -> bytes:
    """What a command writes where the output has this encoding, as a file would hold it."""
    command = [sys.executable, "-W", "error", "-m", "asymptotics", *arguments]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def results() -> Iterator[GridResult]:
    """A result of every kind, with what is infinite, missing or has a reason."""
    for options in ({}, {"digits": 20}, {"certify": True}):
        yield risk(POPULATION, [0.5, 1], 0.5, [[0], [0.3]], rule="magnitude", **options)
    yield sensitivity(POPULATION, [0.5, 1], 0.5, [[0], [0.3]])
    yield hessian_bias(POPULATION, [0.5, 1], 0.5, [[0], [0.3]])
    for again in (False, True):
        yield verify(POPULATION, [0.5, 1], 0.5, 0.3, p=100, trials=8, workers=1, retrain=again)
    yield filled(NetworkSweep, 30, status=["ok", "diverges"], reason=["", "1 of 3 runs"])


def filled(kind: type[GridResult], size: int, **columns: list[str]) -> GridResult:
    """A result of many points, without computing them."""
    given: dict[str, Any] = {"rule": [MAGNITUDE, COVARIANCE], **columns}
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name == "population":
            values[field.name] = POPULATION
        elif field.name == "prediction":
            values[field.name] = filled(RiskResult, size, status=["ok"])
        elif field.name == "schedule":
            values[field.name] = ()
        elif field.name not in ("interrupted", "digits"):
            values[field.name] = np.resize(given.get(field.name, np.linspace(1, 2, size)), size)
    return kind(**values)


# -- ASCII -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["asymptotics", "derivations"])
def test_what_is_said_is_ascii(folder: str) -> None:
    """Strings that are no docstrings; and those of commands, which are their help."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        owners = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
        docs = {id(node.body[0].value) for node in owners if isinstance(node.body[0], ast.Expr)}
        constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        for node in constants:
            if id(node) not in docs or path.parent.name == "cli":
                assert str(node.value).isascii(), f"{path.name}:{node.lineno}: {node.value!r}"
    for path in (ROOT / folder).rglob("*.toml"):
        assert path.read_bytes().isascii()


def test_a_result_is_printed_whatever_the_letters_of_the_output() -> None:
    for result in results():
        for text in (repr(result), result.table(), to_csv(result), to_json(result, {"a": "λ"})):
            assert text.isascii()
    assert repr(POPULATION).isascii()
    with pytest.raises(ValueError, match="Lambda") as error:
        Population(std=1e60)
    assert str(error.value).isascii()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_printing_does_not_raise(encoding: str) -> None:
    code = (
        "from asymptotics import Population, risk; two = Population(std=[1, 2]);"
        "print(two); print(risk(two, [0.5, 1, 2], 0.5, 0.3))"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"?" not in done.stdout
    assert b"E[Lambda B^2] = 2.5" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_formula_in_python_is_a_module(encoding: str, tmp_path: Path) -> None:
    """As by `formula show NAME --format python > module.py`, whose encoding Python has to guess."""
    name, path = "noise-level-isotropic", tmp_path / "module.py"
    path.write_bytes(encoded(encoding, "formula", "show", name, "--format", "python"))
    function = runpy.run_path(str(path))["noise_level_isotropic"]
    expected = risk(Population.isotropic(std=2), 3, 0.5, 1).gamma.item()
    assert function(b=2, kappa=3, sigma=0.5) == pytest.approx(expected, rel=1e-12)


def test_formulas_are_said_in_ascii() -> None:
    assert list(ENTRIES) == list(_BUILT)
    for entry in ENTRIES.values():
        assert all(part.isascii() for part in entry)
    for form in ("text", "latex", "markdown", "python"):
        name = "noise-level-isotropic"  # the one whose regime has the most symbols
        done = CliRunner(charset="ascii").invoke(cli, ["formula", "show", name, "--format", form])
        assert done.stdout_bytes.isascii()
        assert b"?" not in done.stdout_bytes


def test_examples_are_read_back(tmp_path: Path) -> None:
    for name, read in (("linear", read_spec), ("network", read_network)):
        path = tmp_path / f"{name}.toml"
        path.write_bytes(encoded("cp1252", "example", name))
        assert read(path).source == read(None).source
    assert example_text(EXAMPLE).isascii()
    assert example_text(NETWORK_EXAMPLE).isascii()


DERIVATION = """
import sympy as sp
from asymptotics.derivation import POSITIVE, Derivation, Equal, Exactly

derivation = Derivation("Größe \u03bb", "An example.", source="none", untied="it computes nothing")
x = derivation.symbol("x", POSITIVE, "a size")
derivation.step("square", Equal((x + 1) ** 2, x**2 + 2 * x + 1), "Expand.", Exactly())
"""


def test_a_page_keeps_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(DERIVATION, encoding="utf-8")
    title = b"# Gr&#246;&#223;e &#955;"
    assert encoded("cp1252", "derive", "show", str(path)).startswith(title)
    assert encoded("utf-8", "derive", "show", str(path)).decode().startswith("# Größe λ")


# -- tables ----------------------------------------------------------------------------------------


def test_a_table_is_split_where_it_does_not_fit() -> None:
    columns = [column(name, [1.5, "word", 3]) for name in ("first", "second", "third", "last")]
    whole = text_table(columns)
    assert whole.splitlines()[0] == "first   second   third   last"
    assert text_table(columns, width=len(whole.splitlines()[0])) == whole
    assert fits(columns, 26)
    assert len(text_table(columns, width=26).splitlines()[0]) == 26  # closer together
    assert not fits(columns, 25)
    first, second = text_table(columns, width=20, repeated=1).split("\n\n")
    assert first.splitlines() == [
        "first  second  third",
        "--------------------",
        "  1.5     1.5    1.5",
        " word    word   word",
        "    3       3      3",
    ]
    assert second.splitlines()[::2] == ["first  last", "  1.5   1.5", "    3     3"]
    narrow = text_table(columns, width=1, repeated=1).split("\n\n")  # a column each at least
    assert [block.splitlines()[0].split() for block in narrow] == [
        ["first", name] for name in ("second", "third", "last")
    ]


def test_what_is_printed_fits_on_eighty_columns() -> None:
    for result in results():
        assert max(map(len, repr(result).splitlines())) <= 80, repr(result)
    rules = np.array(["magnitude", "covariance", "exponent=0.25"])
    wide = repr(
        risk(POPULATION, np.linspace(0.5, 2, 40)[:, None, None], [[0.5], [1]], 0.3, 0, rules)
    )
    assert max(map(len, wide.splitlines())) <= 80
    assert "alpha = 0.3, ridge = 0, status = " not in wide  # one diverges, at kappa = 1
    for name in ("risk", "unpruned_risk", "null_risk", "threshold", "tau", "status"):
        assert f" {name}" in wide


def test_columns_of_one_value_stand_above_where_room_is_short() -> None:
    result = risk(POPULATION, [0.5, 2], 0.5, 0.3, rule=np.array([["magnitude"], ["covariance"]]))
    whole, narrow = result.table(), result.table(width=80)
    assert whole.splitlines()[0] == "sigma = 0.5, alpha = 0.3, ridge = 0"
    assert "null_risk = " in narrow.splitlines()[0]
    assert "status = ok" in narrow.splitlines()[0]
    assert "\n\n" not in narrow
    one = risk(POPULATION, 0.5, 0.5, 0.3, digits=40).table(width=80)
    head, row = one.split("\n", 1)
    assert "risk" not in head  # of a single row nothing varies, and its values stay in the table
    assert all(name in row for name in RiskResult.shown)


@pytest.mark.linux
def test_a_table_fits_the_terminal(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(
        "kappa = [0.5, 1, 2]\nsigma = 0.5\nalpha = 0.3\nrule = ['magnitude', 'covariance']\n"
        "[population]\nfamily = 'isotropic'\n"
    )
    primary, secondary = pty.openpty()
    ioctl(secondary, TIOCSWINSZ, pack("HHHH", 40, 60, 0, 0))
    environment = {key: os.environ[key] for key in os.environ if key not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "asymptotics", "risk", str(spec)]
    subprocess.run(command, stdout=secondary, env=environment, check=True)
    os.close(secondary)
    seen = os.read(primary, 10_000).decode().replace("\r", "")
    os.close(primary)
    assert max(map(len, seen.splitlines())) <= 60
    assert seen.count("kappa ") > 1  # in each block
    piped = run("risk", spec).stdout
    assert max(map(len, piped.splitlines())) > 80
    assert piped.count("kappa ") == 1


# -- work ------------------------------------------------------------------------------------------

KINDS: dict[type[GridResult], dict[str, list[str]]] = {
    RiskResult: {"status": ["ok", "diverges"]},
    CertifiedRisk: {"status": ["ok", "undecided"], "reason": ["", "a reason"]},
    Sensitivity: {"status": ["ok", "no slope"]},
    HessianBias: {"status": ["ok"]},
    Verification: {"verdict": ["consistent"], "reason": [""], "sampler": ["dense"]},
    NetworkSweep: {"status": ["ok", "diverges"], "reason": ["", "a reason"]},
    IteratedRisk: {"status": ["ok", "no convergence"]},
    Growth: {"status": ["ok", "diverges"]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_looks_at_no_more_than_it_shows(
    kind: type[GridResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    plain = GridResult._plain

    def counting(self: GridResult, value: object) -> object:
        seen.append(value)
        return plain(self, value)

    monkeypatch.setattr(GridResult, "_plain", counting)
    used = []
    for size in (100, 20_000):
        seen.clear()
        text = repr(filled(kind, size, **KINDS[kind]))
        assert str(size // 2) in text or str(size) in text
        used.append(len(seen))
    assert used[0] == used[1] < 300


def test_reasons_are_cut_in_a_repr() -> None:
    reasons = [f"reason {number}" for number in range(50)]
    result = filled(CertifiedRisk, 100, status=["undecided"], reason=reasons)
    assert "and 44 other reasons" in repr(result)
    assert "reason 5" in repr(result)
    assert "reason 6" not in repr(result)
    assert "reason 49" in result.table()


def test_the_counts_of_outcomes_are_right_also_where_they_are_broadcast() -> None:
    found = hessian_bias(POPULATION, [[0.5], [1], [2]], 0.5, [0.1, 0.2])  # (3, 2, groups)
    assert found.summary() == "4 diverge, 8 ok"
    assert found.status.strides[-1] == 0


# -- numbers of things -----------------------------------------------------------------------------


def test_one_is_singular() -> None:
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert counted(2, "diverges", "diverge") == "2 diverge"
    for kappa, said in (([1], "1 diverges"), ([1, 1, 2], "2 diverge, 1 ok")):
        assert risk(POPULATION, kappa, 0.5, 0.3).summary() == said
    assert repr(Population()).startswith("Population(1 group, ")
    assert repr(TwoLayer(np.ones((1, 1)), np.ones(1))) == "TwoLayer(1 relu neuron of 1 input)"
    assert repr(TwoLayer(np.ones((2, 3)), np.ones(2))) == "TwoLayer(2 relu neurons of 3 inputs)"


def test_one_step_holds(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(DERIVATION, encoding="utf-8")
    done = CliRunner().invoke(cli, ["derive", "check", str(path)])
    assert done.output.endswith("1 step of 1 derivation holds\n")
    both = CliRunner().invoke(cli, ["derive", "check", str(path), f"{tmp_path}/./mine.py"])
    assert both.output.endswith("2 steps of 2 derivations hold\n")


# -- JSON and CSV ----------------------------------------------------------------------------------


def test_a_row_names_its_infinite_values() -> None:
    for result in results():
        rows = json.loads(to_json(result, {}))["rows"]
        for row, exact in zip(rows, result.rows(), strict=True):
            infinite = [key for key, value in exact.items() if str(value) in ("inf", "-inf")]
            missing = [key for key, value in exact.items() if str(value) == "nan"]
            assert row["infinite"] == infinite
            assert {key for key, value in row.items() if value is None} == {*infinite, *missing}
            assert row["diverges"] is (exact["status"] == "diverges")


@pytest.mark.parametrize("digits", [None, 20])
def test_a_script_finds_the_least_risk(digits: int | None) -> None:
    """As by ``jq '[.rows[] | select(.status == "ok")] | min_by(.risk|tonumber)'``."""
    result = risk(POPULATION, [Decimal("0.5"), 1, 2], Decimal("0.5"), 0.3, digits=digits)
    rows = json.loads(to_json(result, {}))["rows"]
    assert [row["diverges"] for row in rows] == [False, True, False]
    least = min((row for row in rows if row["status"] == "ok"), key=lambda row: float(row["risk"]))
    assert float(least["risk"]) == float(min(result.risk))
    table = list(csv.DictReader(io.StringIO(to_csv(result))))
    assert [float(row["risk"]) for row in table] == [float(value) for value in result.risk]
    assert table[1]["dropped_signal"] == ""
    assert float(result.to_dataframe()["risk"][1]) == np.inf


# -- completion ------------------------------------------------------------------------------------


def completed(*typed: str) -> list[str]:
    completion = ShellComplete(cli, {}, "asymptotics", "_ASYMPTOTICS_COMPLETE")
    *arguments, last = typed
    return [item.value for item in completion.get_completions(arguments, last)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("formula", "show", ""), list(titles())),
        (("formula", "show", "limit-a"), ["limit-alpha-0", "limit-alpha-1"]),
        (("formula", "show", "none"), []),
        (("formula", "show", "null-risk", "--format", "l"), ["latex"]),
        (("verify", "--sampler", ""), list(SAMPLERS)),
        (("verify", "--design", ""), law_names()),
        (("curve", "--noise", "s"), ["student-t=", "sparse="]),
        (("risk", "--format", "j"), ["json"]),
        (("example", ""), ["linear", "rounds", "growth", "network"]),
    ],
)
def test_names_complete(typed: tuple[str, ...], expected: list[str]) -> None:
    assert completed(*typed) == expected


def test_laws_that_complete_are_known() -> None:
    for name in law_names():
        assert str(as_law(f"{name}0.5" if name == "sparse=" else name + "5" * ("=" in name)))


@pytest.mark.parametrize("command", ["check", "show"])
def test_derivations_complete(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fixed.py").touch()
    (tmp_path / "notes.md").touch()
    assert {"fixed_point", "pruned_risk", "fixed.py"} < set(completed("derive", command, ""))
    # The first lets the shell look for files in other folders, where no name is meant.
    assert completed("derive", command, "fix") == ["fix", "fixed_point", "fixed.py"]
    items = ShellComplete(cli, {}, "asymptotics", "_").get_completions(["derive", command], "a/")
    assert [(item.type, item.value) for item in items] == [("file", "a/")]


@pytest.mark.parametrize("command", ["risk", "curve", "verify", "network"])
def test_specs_complete_to_files(command: str) -> None:
    items = ShellComplete(cli, {}, "asymptotics", "_").get_completions([command], "my")
    assert [(item.type, item.value) for item in items] == [("file", "my")]


def test_bash_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "asymptotics formula show limit-a")
    monkeypatch.setenv("COMP_CWORD", "3")
    bash = BashComplete(cli, {}, "asymptotics", "_ASYMPTOTICS_COMPLETE")
    assert bash.complete() == "plain,limit-alpha-0\nplain,limit-alpha-1"


def test_to_complete_a_name_does_not_load_what_computes_it() -> None:
    code = (
        "import sys; from asymptotics.cli.main import cli;"
        "from click.shell_completion import ShellComplete;"
        "shell = ShellComplete(cli, {}, 'asymptotics', '_');"
        "found = [shell.get_completions(words, '') for words in (['formula', 'show'],"
        " ['derive', 'check'], ['verify', '--design'], ['verify', '--sampler'])];"
        "assert all(found); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"sympy", "mpmath", "matplotlib", "pandas", "hypothesis", "loky"} & set(loaded)


def test_every_argument_is_completed_or_a_number() -> None:
    """None of the words that a command takes is left out."""

    def parameters(command: click.Command) -> Iterator[click.Parameter]:
        yield from command.params
        for each in getattr(command, "commands", {}).values():
            yield from parameters(each)

    kinds = (click.types.IntParamType, click.types.FloatParamType, click.types.BoolParamType)
    context = click.Context(cli)
    for each in parameters(cli):
        if not isinstance(each.type, kinds) and each.name != "scheduler":
            assert each.shell_complete(context, ""), each.name
