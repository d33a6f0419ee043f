"""A package that is not installed: one line, in Python and in the shell, that names the extra."""

import ast
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from asymptotics.errors import MissingExtra
from asymptotics.extras import EXTRAS, extra, require

ROOT = Path(__file__).parents[2]
LINEAR = "kappa = 2\nsigma = 1\nalpha = 0.5\n[[population]]\nstd = 1\n"
DIGITS = 'eta = 1\n[task]\nkind = "digits"\n'
TWO = "P, risk = asymptotics.Population.isotropic(), asymptotics.risk; "
PAGE = """from asymptotics.derivation import library, rendering
rendering.to_html(library.load('channel'))"""
#: Of each package: its extra, and what needs it in Python and in the shell, with standard input.
NEEDED: dict[str, tuple[str, str, list[str], str]] = {
    "matplotlib": ("plot", TWO + "risk(P, [1, 2], 1, 1).plot()", ["curve", "-o", "c.png"], ""),
    "pandas": ("frames", TWO + "risk(P, 2, 1, 1).to_dataframe()", ["curve", "-o", "c.parquet"], ""),
    "pyarrow": ("frames", "", ["curve", "-o", "c.parquet"], ""),
    "flint": (
        "certify",
        TWO + "risk(P, 2, 1, 1, certify=True)",
        ["risk", "-", "--certify"],
        LINEAR,
    ),
    "sympy": (
        "symbolic",
        "from asymptotics.formulas import formula",
        ["formula", "show", "noise-level"],
        "",
    ),
    "hypothesis": ("testing", "import asymptotics.testing", [], ""),
    "sklearn": (
        "data",
        "import asymptotics.networks; asymptotics.networks.Digits()",
        ["network", "-", "--trials", "1"],
        DIGITS,
    ),
    "distributed": (
        "dask",
        TWO + "asymptotics.verify(P, 2, 1, 0.5, p=20, scheduler='tcp://x')",
        ["verify", "-", "--p", "20", "--scheduler", "tcp://x"],
        LINEAR,
    ),
    "latex2mathml": (
        "derive",
        PAGE,
        ["derive", "show", "channel", "--html", "d.html"],
        "",
    ),
    "markdown_it": ("derive", "", ["derive", "show", "channel", "--html", "d.html"], ""),
    "mdit_py_plugins": ("derive", "", ["derive", "show", "channel", "--html", "d.html"], ""),
}
#: What all of derivations needs is asked for by one extra.
DERIVE = ("sympy", "flint", "hypothesis")


def without(
    package: str, code: str, folder: Path, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """A run of Python in which a package cannot be imported."""
    blocked = f"import sys; sys.modules[{package!r}] = None; import asymptotics; {code}"
    return subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, input=stdin, cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)}, check=False,
    )  # fmt: skip


def test_every_package_has_a_test() -> None:
    assert set(NEEDED) == {package for packages in EXTRAS.values() for package in packages}


@pytest.mark.parametrize("package", NEEDED)
def test_a_missing_package_is_one_line_that_names_its_extra(package: str, tmp_path: Path) -> None:
    extra, code, arguments, stdin = NEEDED[package]
    message = f"this needs {package}: pip install 'asymptotics[{extra}]'"
    if code:
        done = without(package, code, tmp_path)
        last = done.stderr.strip().splitlines()[-1]
        assert last == f"asymptotics.errors.MissingExtra: {message}"
    if arguments:
        call = f"from asymptotics.cli.main import main; main({arguments!r})"
        done = without(package, call, tmp_path, stdin)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"asymptotics: {message}\n"
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", DERIVE)
def test_derivations_ask_for_one_extra(package: str, tmp_path: Path) -> None:
    call = "from asymptotics.cli.main import main; main(['derive', 'list'])"
    done = without(package, call, tmp_path)
    assert done.stderr == f"asymptotics: this needs {package}: pip install 'asymptotics[derive]'\n"
    assert done.returncode == 1


def test_the_error_is_an_import_error_that_travels() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, extra("plot"):
        raise ModuleNotFoundError(name="matplotlib.figure")
    error = caught.value
    assert isinstance(error, MissingExtra)
    assert (error.name, error.extra) == ("matplotlib", "plot")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.name, again.extra) == (str(error), error.name, error.extra)


def test_faults_of_the_package_are_no_missing_extras() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere") as caught:
        require("plot", "asymptotics.nowhere")
    assert not isinstance(caught.value, MissingExtra)


def test_the_outer_extra_is_asked_for() -> None:
    with pytest.raises(MissingExtra, match=r"\[derive\]"), extra("derive"), extra("symbolic"):
        raise ModuleNotFoundError(name="sympy")


def test_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"dev"}


#: Files of derivations that `asymptotics.derivation` alone imports, inside its extra.
INSIDE = ("derivation", "formulas", "plotting", "examples")


def test_optional_packages_are_imported_in_their_extra() -> None:
    optional = {package for packages in EXTRAS.values() for package in packages}
    for path in sorted((ROOT / "asymptotics").rglob("*.py")):
        if path.relative_to(ROOT / "asymptotics").parts[0] in INSIDE:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        guarded = {
            id(node)
            for block in ast.walk(tree)
            if isinstance(block, ast.With | ast.If)
            for node in ast.walk(block)
        }
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in optional or id(node) in guarded, (path, name)
