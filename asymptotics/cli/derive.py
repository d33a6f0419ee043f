"""``asymptotics derive``: check derivations and show them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from click.shell_completion import CompletionItem

from ..bundled import derivation_names
from ..spec import example_text
from ..tables import counted
from .console import fail, say, say_document, say_step, say_titles
from .options import FORCE, completing
from .output import replacing, require_free


def _complete(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Complete a name by those of the package's derivations and the Python files in this folder.

    The shell itself completes paths in other folders.
    """

    def names() -> list[str]:
        return [*derivation_names(), *sorted(str(path) for path in Path().glob("*.py"))]

    return [CompletionItem(typed, type="file"), *completing(names)(context, parameter, typed)]


#: The variable that names the folder of Hypothesis.
_STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


@contextmanager
def _no_storage_here() -> Iterator[None]:
    """Make Hypothesis, which draws the points of checks, keep its files in a temporary folder.

    By default it would leave a folder in the user's working directory.
    """
    if _STORAGE in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="asymptotics-") as folder:
        os.environ[_STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[_STORAGE]


@click.group()
def derive() -> None:
    """Check the derivations of the formulas, step by step, and read them.

    \b
    asymptotics derive list
    asymptotics derive check
    asymptotics derive show fixed_point --html fixed_point.html
    asymptotics derive template > mine.py
    asymptotics derive check mine.py
    """


@derive.command("list")
def derive_list() -> None:
    """List the derivations that come with the package."""
    from ..derivation.library import load

    say_titles({name: load(name).title for name in derivation_names()})


@derive.command("template")
def derive_template() -> None:
    """Print a derivation with remarks, to start your own from.

    \b
    asymptotics derive template > mine.py
    asymptotics derive check mine.py
    """
    say(example_text("derivation.py"))


@derive.command("show")
@click.argument("name", shell_complete=_complete)
@click.option("--check", is_flag=True, help="Check the steps, and say what was found.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for a page that shows its formulas without a network.",
)
@FORCE
def derive_show(name: str, check: bool, html: Path | None, force: bool) -> None:
    """Print a derivation, by its name or the path of its file, in Markdown with LaTeX.

    \b
    asymptotics derive show fixed_point
    asymptotics derive show fixed_point --check --html fixed_point.html
    """
    from ..derivation.library import load, path_of
    from ..derivation.rendering import to_html, to_markdown

    if html is not None:
        require_free(html, {"the derivation": path_of(name)}, force, "html")
    derivation = load(name)
    if check:
        click.get_current_context().with_resource(_no_storage_here())
    outcomes = list(derivation.outcomes()) if check else []
    if html is None:
        say_document(to_markdown(derivation, outcomes))
    else:
        with replacing(html) as path:
            path.write_text(to_html(derivation, outcomes), encoding="utf-8")
    if failed := sum(not outcome.verdict.holds for outcome in outcomes):
        fail(f"{failed} of {counted(len(outcomes), 'step')} failed", 1)


@derive.command("check")
@click.argument("name", nargs=-1, shell_complete=_complete)
def derive_check(name: tuple[str, ...]) -> None:
    """Check derivations, by name or by the path of a file; all of the package by default.

    One line for each step, with its time.  A step fails if it is refuted, at a point that the line
    names, or if it stays undecided.  The exit status is 1 if a step fails, and 2 if a derivation
    cannot be checked as it is written.

    \b
    asymptotics derive check
    asymptotics derive check fixed_point pruned_risk
    asymptotics derive check path/to/mine.py
    """
    from ..derivation.library import load

    click.get_current_context().with_resource(_no_storage_here())
    derivations = {each: load(each) for each in name or derivation_names()}
    failed = steps = 0
    for each, derivation in derivations.items():
        say_step(f"{each}: {derivation.title}\n")
        for outcome in derivation.outcomes():
            mark = "ok    " if outcome.verdict.holds else "FAILED"
            place = "" if outcome.verdict.holds else f"{outcome.step.place}: "
            found = f"{outcome.step.name}: {place}{outcome.verdict.found}"
            say_step(f"  {mark} {outcome.seconds:7.2f} s  {found}\n")
            steps, failed = steps + 1, failed + (not outcome.verdict.holds)
    if failed:
        fail(f"{failed} of {counted(steps, 'step')} failed", 1)
    hold = counted(len(derivations), "derivation") + (" holds" if steps == 1 else " hold")
    say(f"{counted(steps, 'step')} of {hold}\n")
