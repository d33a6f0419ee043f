"""Data flows one way through the package, and what is heavy is imported where it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conventions.architecture import (
    BLOCK,
    MODULES,
    OUTSIDE,
    PACKAGE,
    PAGE,
    diagram,
    imports,
    parts,
)

#: What a part of the package may import of the rest, in the order that data takes.
LAYERS = ["errors", "extras", "bundled", "outcomes", "arithmetic", "domains", "tables",
          "parameters", "choices", "population", "theory", "formulas", "derivation", "line",
          "iterated", "plotting", "results", "prediction", "trials", "simulation", "verification",
          "networks", "spec", "cli"]  # fmt: skip
STAGES = ["fixed_points", "channels", "rules", "posteriors", "truncated_gaussian", "thresholds",
          "cuts", "risk", "retraining"]  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_data(path: Path) -> None:
    here, *within = place = parts(path)
    if here in OUTSIDE:
        return
    for level, name in imports(path):
        if level == len(place):  # from the package's root
            other = name.split(".")[0]
            if other != "__version__":
                assert LAYERS.index(other) <= LAYERS.index(here), f"{here} imports {other}"
        if here == "theory" and level == 1 and within != ["__init__"]:
            assert STAGES.index(name) < STAGES.index(within[0]), f"{within[0]} imports {name}"


def test_the_diagram_shows_the_imports() -> None:
    """After a change of them, ``make architecture`` draws it anew."""
    assert BLOCK.findall(PAGE.read_text(encoding="utf-8")) == [diagram()]


FORMULAS = [
    *sorted((PACKAGE / "theory").glob("*.py")),
    PACKAGE / "networks" / "diagonal_flow.py",
    PACKAGE / "networks" / "initial_pruning.py",
]


@pytest.mark.parametrize("path", FORMULAS, ids=lambda p: p.name)
def test_formulas_know_no_kind_of_number(path: Path) -> None:
    libraries = {"numpy", "scipy", "mpmath", "flint", "sympy", "math"}
    assert not libraries & {name.split(".")[0] for _, name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_input_is_never_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"eval", "exec", "compile", "sympify", "parse_expr", "__import__"}
    assert not {"pickle", "marshal", "shelve"} & {name for _, name in imports(path)}


def test_a_start_imports_little() -> None:
    code = "import sys, asymptotics.cli.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"matplotlib", "pandas", "pyarrow", "hypothesis", "mpmath", "rich", "scipy.optimize"}
    heavy |= {"sympy", "flint", "markdown_it", "sklearn", "asymptotics.networks"}
    assert not heavy & set(loaded.stdout.split())


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_public_names_exist_and_are_documented() -> None:
    import asymptotics
    from asymptotics import networks, theory

    for module in (asymptotics, theory, networks):
        for name in module.__all__:
            member = getattr(module, name)
            if callable(member):
                assert member.__doc__, name


@pytest.mark.parametrize("face", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_no_module_hides_a_name(face: Path) -> None:
    """Importing a module puts it in the place of what its package calls by the same name."""
    modules = {path.stem for path in face.parent.iterdir()}
    tree = ast.parse(face.read_text(encoding="utf-8"))
    taken = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = {alias.asname or alias.name for node in taken for alias in node.names}
    assert not modules & names
