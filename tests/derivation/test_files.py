"""A derivation file that cannot be checked says where and why, in one line."""

from pathlib import Path

import pytest

from asymptotics.cli.main import main
from asymptotics.derivation import InvalidDerivation
from asymptotics.derivation.library import load
from asymptotics.errors import InvalidInput

HEAD = """from asymptotics.derivation import *
derivation = Derivation("Mine", "Of mine.", source="me", untied="it is an example")
a = derivation.symbol("a", POSITIVE, "a number")
"""
RIGHT = HEAD + 'derivation.step("right", Equal((a + 1)**2, a**2 + 2*a + 1), "Expand.", Exactly())\n'
BAD = {
    "undeclared": (
        'derivation.step("s", Equal(a, WEIGHT), "No.", Exactly())',
        "mine.py:4, s = 'w': is not declared",
    ),
    "unchecked": ('derivation.step("s", Equal(a, a), "No.")', "mine.py:4, s = 'check': every step"),
    "no claim": ('derivation.step("s", a < 3, "No.", Exactly())', "mine.py:4, s"),
    "text": ('derivation.step("s", Equal(a, "a"), "No.", Exactly())', "must be an expression"),
    "rounded": ('derivation.step("s", Equal(a, a + 0.5), "No.", Exactly())', "rounded number"),
    "twice": ('derivation.symbol("a", POSITIVE, "again")', "mine.py:4 = 'a': is declared already"),
    "same name": (
        'for _ in range(2): derivation.step("s", Equal(a, a), "No.", Exactly())',
        "is the name of an earlier step",
    ),
    "no steps": ("", "must have one or more steps"),
    "none": ("del derivation", "must be a Derivation in this file"),
    "syntax": ("derivation.step(", "mine.py:4 = 'SyntaxError'"),
    "no title": ('Derivation(None, "", source="")', "mine.py:4, title = None: must be text"),
    "no text": ('Derivation("T", "", source=3)', "mine.py:4, source = 3: must be text"),
    "no meaning": ('derivation.symbol("b", POSITIVE, None)', "mine.py:4, b, meaning = None"),
    "name of two lines": (
        'derivation.step("s\\n  ok", Equal(a, a), "No.", Exactly())',
        "mine.py:4, name = 's\\n ok': must be one line",
    ),
    "text that a terminal obeys": (
        'derivation.step("s", Equal(a, a), "\\x1b[2J", Exactly())',
        "mine.py:4, s, because = '\\x1b[2J': holds characters that cannot be printed",
    ),
    "ends": ("raise BaseException('at once')", "mine.py:4 = 'BaseException': at once"),
    "raises": ("1 / 0", "mine.py:4 = 'ZeroDivisionError'"),
}


@pytest.fixture
def mine(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_line(mine, name: str) -> None:
    line, said = BAD[name]
    with pytest.raises(InvalidInput) as raised:
        load(mine(HEAD + line + "\n"))
    assert said in str(raised.value)


def test_an_untied_derivation_must_say_why(mine) -> None:
    tied = RIGHT.replace(', untied="it is an example"', "")
    with pytest.raises(InvalidDerivation, match=r"mine\.py:4 = 'right': the last step must be"):
        load(mine(tied))


def run(*arguments: str) -> tuple[int, str, str]:
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    out, err = StringIO(), StringIO()
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def test_check_prints_a_line_for_each_step(mine) -> None:
    status, out, _ = run("derive", "check", mine(RIGHT))
    assert status == 0
    assert "right: proved" in out
    assert out.endswith("1 step of 1 derivation holds\n")


def test_a_false_step_fails_with_its_line_and_values(mine) -> None:
    status, out, err = run("derive", "check", mine(RIGHT.replace("2*a", "3*a")))
    assert status == 1
    assert "mine.py:4: refuted at a = 1: left = 4, right = 5" in out
    assert err == "asymptotics: 1 of 1 step failed\n"


ENDING = """class Own(BaseException): pass
def code(x): raise {}
derivation.step("ends", Computed(a, code, lambda inputs: code(inputs(a))), "It ends.", {})
"""


@pytest.mark.parametrize("error", ["SystemExit(0)", "GeneratorExit", "BaseException", "Own"])
@pytest.mark.parametrize("check", ["Exactly()", "AtPoints(10)"])
def test_code_that_ends_the_program_is_undecided(mine, error: str, check: str) -> None:
    text = HEAD + ENDING.format(error, check) + RIGHT.removeprefix(HEAD).replace("2*a", "3*a")
    status, out, err = run("derive", "check", mine(text))
    assert status == 1
    assert f"undecided: it cannot be checked: {error[:10]}" in out
    assert "right: mine.py:7: refuted at a = 1" in out
    assert err == "asymptotics: 2 of 2 steps failed\n"


def test_what_code_says_is_one_printable_line(mine) -> None:
    error = r"ValueError('no\n  ok       0.00 s  right: proved\x1b[2J')"
    status, out, _ = run("derive", "check", mine(HEAD + ENDING.format(error, "AtPoints(10)")))
    assert status == 1
    assert out.count("\n") == 2
    assert "\x1b" not in out


def test_a_tag_in_a_text_is_no_tag_of_the_page(mine, tmp_path: Path) -> None:
    tags = '"<script>alert(1)</script>", Equal(a, a), r"<img src=x> $\\text{<b>} < 2$", Exactly())'
    page = tmp_path / "mine.html"
    text = HEAD.replace('"Mine"', '"<i>"') + f"derivation.step({tags}\n"
    assert run("derive", "show", mine(text), "--html", str(page))[0] == 0
    shown = page.read_text(encoding="utf-8")
    assert not any(tag in shown for tag in ("<script", "<img", "<b>", "<i>"))
    assert "&lt;script&gt;alert(1)" in shown


def test_bad_input_is_one_line(mine) -> None:
    for arguments in (("check", "nope"), ("show", mine(HEAD)), ("check", "nowhere/mine.py")):
        status, _, err = run("derive", *arguments)
        assert status == 2
        assert err.count("\n") == 1
    assert "did you mean 'fixed_point'" in run("derive", "check", "fixed_pont")[2]


def test_show_and_list(mine, tmp_path: Path) -> None:
    assert "fixed_point" in run("derive", "list")[1]
    status, out, _ = run("derive", "show", mine(RIGHT), "--check")
    assert status == 0
    assert "\\left(a + 1\\right)^{2}" in out
    assert "algebra: proved" in out
    page = tmp_path / "mine.html"
    assert run("derive", "show", mine(RIGHT), "--html", str(page))[0] == 0
    assert "<math" in page.read_text(encoding="utf-8")


def test_the_template_holds(mine) -> None:
    text = run("derive", "template")[1]
    status, out, err = run("derive", "check", mine(text))
    assert (status, err) == (0, "")
    assert out.count("  ok  ") == text.count("derivation.step(") == 5
