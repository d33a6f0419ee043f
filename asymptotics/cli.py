"""The command line.

Exit status: 0 done; 1 the computation failed; 2 the input is wrong (one line on standard error).
"""

import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .errors import AsymptoticsError, InvalidInput, NoConvergence
from .results import GridResult, RiskResult, Verification, to_csv, to_json
from .spec import Problem, example_text, read_spec

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Which extra brings a package.
_EXTRAS = {
    "matplotlib": "plot",
    "pandas": "frames",
    "pyarrow": "frames",
    "flint": "certify",
    "sympy": "symbolic",
    "hypothesis": "derive",
    "latex2mathml": "derive",
    "markdown_it": "derive",
    "mdit_py_plugins": "derive",
}
_PICTURES, _TABLES = (".png", ".svg", ".pdf"), (".csv", ".json", ".parquet")
#: Seconds before a progress bar appears.
_PATIENCE = 1.0

SPEC = click.argument("spec", required=False, metavar="[SPEC]")
DIGITS = click.option(
    "--digits", type=int, metavar="N", help="Compute N decimal digits (multiprecision; slower)."
)

CERTIFY = click.option(
    "--certify", is_flag=True, help="Prove the digits (15, or --digits): lower and upper bounds."
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
Command = TypeVar("Command", bound=Callable[..., object])


def _output(required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        help="File to write: .png .svg .pdf draw, .csv .json .parquet hold the rows.",
    )


def _simulation(command: Command) -> Command:
    """The options of a simulation, in the order of `asymptotics.verify`."""
    for option in reversed(
        [
            click.option("--p", type=int, metavar="P", help="Features; by default a ladder."),
            click.option("--trials", type=int, metavar="T", help="Trials at each size."),
            click.option("--target-se", type=float, help="Relative standard error to reach."),
            click.option(
                "--time-limit", type=float, metavar="S", help="Seconds; then none is begun."
            ),
            click.option("--seed", type=int, default=0, show_default=True, metavar="S"),
            click.option(
                "--sampler", default="auto", show_default=True, help="dense, exact or implicit."
            ),
            click.option(
                "--design",
                default="gaussian",
                show_default=True,
                help="Law of its entries: rademacher, uniform, student-t=5, sparse=0.1.",
            ),
            click.option(
                "--noise", default="gaussian", show_default=True, help="Law of the label noise."
            ),
            click.option(
                "--workers", type=int, help="Processes; by default, and at most, one a core."
            ),
            click.option("--scheduler", metavar="URL", help="A Dask scheduler, tcp://..."),
            click.option(
                "--store",
                type=click.Path(dir_okay=False, path_type=Path),
                help="File of trials, to resume from.",
            ),
        ]
    ):
        command = option(command)
    return command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="asymptotics")
@click.pass_context
def cli(context: click.Context) -> None:
    """Exact asymptotic test error of pruned linear models.

    A SPEC is a TOML file that describes a population and a grid of parameters; `asymptotics
    example` prints one.  Without a SPEC the bundled example runs; `-` reads standard input.

    \b
    asymptotics example > my.toml
    asymptotics risk my.toml
    asymptotics curve my.toml -o curve.pdf

    Completion for bash: eval "$(_ASYMPTOTICS_COMPLETE=bash_source asymptotics)", likewise
    zsh_source and fish_source.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@SPEC
@FORMAT
@DIGITS
@CERTIFY
def risk(spec: str | None, form: str, digits: int | None, certify: bool) -> None:
    """Print the predicted risk at every point of the grid.

    \b
    asymptotics risk my.toml --format json
    asymptotics risk my.toml --digits 30
    asymptotics risk my.toml --certify
    """
    problem, result = _computed(spec, digits=digits, certify=certify)
    _print(result, problem, form)
    _require_convergence(result)


@cli.command()
@SPEC
@_output(required=True)
@DIGITS
@click.option("--simulate", is_flag=True, help="Draw simulated points beside the curve.")
@_simulation
def curve(
    spec: str | None, output: Path, digits: int | None, simulate: bool, **settings: Any
) -> None:
    """Draw the predicted risk, or write it to a file.

    In a picture a range of the spec is drawn as a smooth curve.  The options from --p on are those
    of `asymptotics verify`, for --simulate.

    \b
    asymptotics curve my.toml -o curve.pdf
    asymptotics curve my.toml -o curve.csv
    asymptotics curve my.toml -o curve.pdf --simulate --p 2000 --trials 10
    """
    suffix = _suffix(output)
    if not simulate:
        _require_none_given(settings)
    elif suffix not in _PICTURES:
        allowed = "must be a picture with --simulate: `asymptotics verify -o` writes the rows"
        raise InvalidInput("output", str(output), allowed)
    _require_distinct(output, settings["store"])
    problem, result = _computed(spec, smooth=suffix in _PICTURES, digits=digits)
    simulated = _verified(problem, settings) if simulate else None
    with _replacing(output.resolve()) as path:
        _write(result, problem, path, suffix, simulated)
    click.echo(f"{output}: {result.risk.size} points, {result.summary()}", err=True)
    _require_convergence(result)
    if simulated is not None:
        click.echo(f"simulated: {simulated.summary()}", err=True)
        _require_consistency(simulated)


@cli.command()
@SPEC
@FORMAT
@_output(required=False)
@_simulation
def verify(spec: str | None, form: str, output: Path | None, **settings: Any) -> None:
    """Hold the predicted risk against simulations, and give a verdict.

    Without --p each problem is simulated at three sizes and extrapolated.  Without --trials,
    --target-se and --time-limit, trials are added until an error of 1 % would be detected, as long
    as that takes minutes.  The exit status is 1 if a prediction is inconsistent with its
    simulation, or no row has a verdict.

    \b
    asymptotics verify my.toml
    asymptotics verify my.toml --p 2000 --trials 50 --seed 1
    asymptotics verify my.toml --store runs.db -o convergence.pdf
    """
    suffix = None if output is None else _suffix(output)
    _require_distinct(output, settings["store"])
    problem = read_spec(spec)
    result = _verified(problem, settings)
    if output is not None and suffix is not None:
        with _replacing(output.resolve()) as path:
            _write(result, problem, path, suffix)
    _print(result, problem, form)
    _require_consistency(result)


@cli.command()
def example() -> None:
    """Print the bundled example, to start a spec of your own from.

    \b
    asymptotics example > my.toml
    """
    _say(example_text())


@cli.group()
def formula() -> None:
    """Print the formulas: what the code computes, as symbols.

    \b
    asymptotics formula list
    asymptotics formula show limit-kappa-1-above
    asymptotics formula show pruned-risk-magnitude --format python > pruned_risk.py
    """


@formula.command("list")
def formula_list() -> None:
    """List the formulas, with what they hold for."""
    from .formulas import titles

    _say_titles(titles())


@formula.command("show")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "latex", "markdown", "python"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def formula_show(name: str, form: str) -> None:
    """Print a formula by its name.

    \b
    asymptotics formula show effective-ridge-two-eigenvalues
    asymptotics formula show noise-level --format latex
    """
    from .formulas import formula

    _say(getattr(formula(name), form)().rstrip() + "\n")


@cli.group()
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
    from .derivation.library import load, names

    _say_titles({name: load(name).title for name in names()})


@derive.command("template")
def derive_template() -> None:
    """Print a derivation with remarks, to start your own from.

    \b
    asymptotics derive template > mine.py
    asymptotics derive check mine.py
    """
    _say(example_text("derivation.py"))


@derive.command("show")
@click.argument("name")
@click.option("--check", is_flag=True, help="Check the steps, and say what was found.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for a page that shows its formulas without a network.",
)
def derive_show(name: str, check: bool, html: Path | None) -> None:
    """Print a derivation, by its name or the path of its file, in Markdown with LaTeX.

    \b
    asymptotics derive show fixed_point
    asymptotics derive show fixed_point --check --html fixed_point.html
    """
    from .derivation.library import load
    from .derivation.rendering import to_html, to_markdown

    derivation = load(name)
    outcomes = list(derivation.outcomes()) if check else []
    if html is None:
        _say(to_markdown(derivation, outcomes))
        return
    with _replacing(html.resolve()) as path:
        path.write_text(to_html(derivation, outcomes), encoding="utf-8")


@derive.command("check")
@click.argument("name", nargs=-1)
def derive_check(name: tuple[str, ...]) -> None:
    """Check derivations, by name or by the path of a file; all of the package by default.

    One line for each step, with its time.  The exit status is 1 if a step fails, and 2 if a
    derivation cannot be checked as it is written.

    \b
    asymptotics derive check
    asymptotics derive check fixed_point pruned_risk
    asymptotics derive check path/to/mine.py
    """
    from .derivation.library import load, names

    derivations = {each: load(each) for each in name or names()}
    failed = steps = 0
    for each, derivation in derivations.items():
        _say(f"{each}: {derivation.title}\n")
        for outcome in derivation.outcomes():
            mark = "ok    " if outcome.verdict.holds else "FAILED"
            place = "" if outcome.verdict.holds else f"{outcome.step.place}: "
            found = f"{outcome.step.name}: {place}{outcome.verdict.found}"
            _say(f"  {mark} {outcome.seconds:7.2f} s  {found}\n")
            steps, failed = steps + 1, failed + (not outcome.verdict.holds)
    if failed:
        _fail(f"{failed} of {steps} steps failed", 1)
    _say(f"{steps} steps of {len(derivations)} derivations hold\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    with ExitStack() as stack:
        if sys.stderr is None:  # closed: nobody is to be told
            sys.stderr = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a table without its rules is a table still
        try:
            cli.main(args=arguments, prog_name="asymptotics", standalone_mode=False)
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted", 130)
        except Exception as error:  # whatever is not expected goes on with its traceback
            _fail(*_failure(error))


def _failure(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status; raises what is none of a user's making."""
    match error:
        case InvalidInput():
            return str(error), 2
        case AsymptoticsError():
            return str(error), 1
        case click.ClickException():
            return error.format_message(), 2
        case OSError():  # a full disk, say
            return f"cannot write: {error.strerror}", 1
        case MemoryError():
            return "out of memory: ask for fewer points or groups at a time", 1
        case ModuleNotFoundError():
            return _missing(error), 1
    raise error


def _fail(message: str, status: int) -> None:
    click.echo(f"asymptotics: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _missing(error: ModuleNotFoundError) -> str:
    extra = _EXTRAS.get((error.name or "").split(".")[0])
    if extra is None:
        raise error
    return f"this needs {error.name}: pip install 'asymptotics[{extra}]'"


def _computed(
    spec: str | None, smooth: bool = False, **precision: Any
) -> tuple[Problem, RiskResult]:
    with _progress_bar("risk") as progress:
        problem = read_spec(spec)
        shown = problem.smooth(problem.abscissa) if smooth else problem
        return problem, shown.solve(**precision, progress=progress)


def _verified(problem: Problem, settings: Mapping[str, Any]) -> Verification:
    from .verification import verify

    with _progress_bar("trials") as update:

        def progress(done: int, total: int, error: float) -> None:
            if update:
                known = f", standard error {error:.2%}" if error == error else ""
                update(done, total, f"trials{known}")

        return verify(
            problem.population, *problem.grid(), **settings, progress=progress if update else None
        )


@contextmanager
def _progress_bar(what: str) -> Iterator[Callable[..., None] | None]:
    """A progress callback, with a bar when it takes longer and a terminal is there to show it."""
    if not sys.stderr.isatty():
        yield None
        return
    bars: list[Bar] = []
    seen: dict[str, Any] = {}  # what was last reported; before the first rows the bar pulses

    def show() -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task(**({"description": what, "total": None} | seen))
        bar.start()
        bars.append(bar)

    def update(done: int, total: int, description: str = what) -> None:
        seen.update(completed=done, total=total, description=description)
        for bar in bars:
            bar.update(bar.task_ids[0], **seen)

    timer = threading.Timer(_PATIENCE, show)
    timer.start()
    try:
        yield update
    finally:
        timer.cancel()
        timer.join()
        for bar in bars:
            bar.stop()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, moved onto it when all has gone well."""
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, suffix=path.suffix)
    except OSError as error:
        raise InvalidInput("output", str(path), f"cannot be written: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _suffix(output: Path) -> str:
    """The kind of file to write, if it can be."""
    suffix = output.suffix.lower()
    if suffix not in _PICTURES + _TABLES:
        allowed = f"must end in {' '.join(_PICTURES + _TABLES)}"
        raise InvalidInput("output", str(output), allowed)
    if not output.absolute().parent.is_dir():
        raise InvalidInput("output", str(output), "must be in a folder that exists")
    return suffix


def _require_distinct(output: Path | None, store: Path | None) -> None:
    if output is not None and store is not None and output.resolve() == store.resolve():
        raise InvalidInput("output", str(output), "must be another file than the store")


def _require_none_given(settings: Mapping[str, Any]) -> None:
    """Raise for an option of the simulation without one."""
    source = click.get_current_context().get_parameter_source
    for name, value in settings.items():
        if source(name) is click.core.ParameterSource.COMMANDLINE:
            raise InvalidInput(name, value, "is for --simulate alone")


def _print(result: GridResult, problem: Problem, form: str) -> None:
    if form == "json":
        _say(to_json(result, problem.source) + "\n")
    else:
        _say(to_csv(result) if form == "csv" else result.table() + "\n")


def _say(text: str) -> None:
    """Write to standard output, as far as it is read."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:  # the reader, such as `head`, has what it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_titles(titles: Mapping[str, str]) -> None:
    """A line for each name, with its title."""
    width = max(map(len, titles))
    _say("".join(f"{name:{width}}  {title}\n" for name, title in titles.items()))


def _write(
    result: GridResult,
    problem: Problem,
    path: Path,
    suffix: str,
    simulated: Verification | None = None,
) -> None:
    if suffix == ".csv":
        path.write_text(to_csv(result), encoding="utf-8")
    elif suffix == ".json":
        path.write_text(to_json(result, problem.source) + "\n", encoding="utf-8")
    elif suffix == ".parquet":
        result.to_dataframe().to_parquet(path, index=False)
    else:
        os.environ["MPLBACKEND"] = "agg"  # whatever is set: no window is opened
        from .plotting import save

        save(result, path, x=problem.abscissa, simulated=simulated)


def _require_convergence(result: RiskResult) -> None:
    remedies = {"no convergence": "try --digits 30", "undecided": "their bounds are the best found"}
    for status, remedy in remedies.items():
        if failed := int((result.status == status).sum()):
            raise NoConvergence(f"{failed} of {result.risk.size} rows: {status}; {remedy}")


def _require_consistency(result: Verification) -> None:
    if result.interrupted:
        _fail("interrupted: the rows hold what was done", 130)
    wrong = int((result.verdict == "inconsistent").sum())
    if wrong:
        _fail(f"{wrong} of {result.risk.size} rows are inconsistent with their simulation", 1)
    if (result.verdict == "no verdict").all():
        _fail(f"no row has a verdict: {result.reason.ravel()[0]}", 1)
