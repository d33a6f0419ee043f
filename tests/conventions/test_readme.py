"""The README says what is so: its snippets run, its links lead somewhere."""

import doctest
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from asymptotics.spec import problem

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_python_snippets() -> None:
    assert len(blocks("python")) >= 3
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=flags)
    assert result.attempted > 8
    assert result.failed == 0


@pytest.mark.linux
def test_shell_snippets(tmp_path: Path) -> None:
    commands = [line for line in "".join(blocks("bash")).splitlines() if "asymptotics" in line]
    assert len(commands) >= 4
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "MPLCONFIGDIR": str(tmp_path),
    }
    fewer = ("asymptotics network ", "asymptotics network --trials 1 ")  # than a reader would
    printed = [
        subprocess.run(
            ["bash", "-ec", command.replace(*fewer)],
            cwd=tmp_path,
            env=environment,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        ).stdout
        for command in commands
    ]
    assert (tmp_path / "curve.pdf").stat().st_size > 1000
    for table in blocks("text"):
        assert any(says(found, table) for found in printed), table


def says(found: str, told: str) -> bool:
    """Whether a text has the same words, and numbers that differ by rounding at most.

    Simulated numbers add up in another order on another machine.
    """
    pairs = list(zip(found.split(), told.split(), strict=False))
    return len(found.split()) == len(told.split()) and all(
        x == y or (is_number(x) and is_number(y) and float(x) == pytest.approx(float(y), rel=1e-3))
        for x, y in pairs
    )


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def test_other_words_or_numbers_are_told() -> None:
    assert says("risk  1.2345 ok\n", "risk 1.2346  ok")
    assert not says("risk 1.24 ok", "risk 1.25 ok")
    assert not says("risk 1.24 ok", "risk 1.24 diverges")
    assert not says("risk 1.24 ok ok", "risk 1.24 ok")


def test_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)", "".join(blocks("bash")), flags=re.MULTILINE)
    assert targets == ["curve", "test"]
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_spec_snippets() -> None:
    for text in blocks("toml"):
        assert problem(tomllib.loads(text)).solve().status.size > 0


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links(target: str) -> None:
    assert (ROOT / target).exists()
