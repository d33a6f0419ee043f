"""Arguments and options that several commands share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import click
from click.shell_completion import CompletionItem

from .output import require_writable

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completing(names: Callable[[], Iterable[str]]) -> Complete:
    """A completion by those of the names that begin with the text typed so far.

    `names` is called only when a shell asks for completions, because importing them takes time.
    """

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names() if name.startswith(typed)]

    return complete


def _samplers() -> Iterable[str]:
    """The names for ``--sampler``."""
    from ..verification.plan import SAMPLERS

    return SAMPLERS


def _laws() -> Iterable[str]:
    """The names for ``--design`` and ``--noise``."""
    from ..simulation.designs import law_names

    return law_names()


#: A path, or ``-`` for standard input.  `spec.read` checks that it can be read.
SPEC = click.argument(
    "spec", required=False, metavar="[SPEC]", type=click.Path(allow_dash=True, readable=False)
)
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
    help="How to print the rows.  An infinite value is inf in CSV; in JSON it is null, and its row "
    'names it in "infinite" and has "diverges": true where the risk is infinite.',
)
FORCE = click.option(
    "-f", "--force", is_flag=True, help="Replace a file that this package has not written."
)
Command = TypeVar("Command", bound=Callable[..., object])


def _writable(context: click.Context, _: click.Parameter, output: Path | None) -> Path | None:
    """The file to write; one that cannot be written is refused before anything is computed."""
    if output is not None and not context.resilient_parsing:
        require_writable(output)
    return output


def output_option(required: bool) -> Callable[[Command], Command]:
    """The option for the file to write."""
    return click.option(
        "-o",
        "--output",
        required=required,
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_writable,
        help="File to write: .png .svg .pdf draw, .csv .json .parquet hold the rows.",
    )


def run_options(command: Command) -> Command:
    """The options of every run of trials."""
    for option in reversed(
        [
            click.option("--seed", type=int, default=0, show_default=True, metavar="S"),
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


def simulation_options(command: Command) -> Command:
    """The options of a simulation of the linear model."""
    for option in reversed(
        [
            click.option("--p", type=int, metavar="P", help="Features; by default a ladder."),
            click.option("--trials", type=int, metavar="T", help="Trials at each size."),
            click.option("--target-se", type=float, help="Relative standard error to reach."),
            click.option(
                "--time-limit",
                type=float,
                metavar="S",
                help="Seconds after which no trial is begun.",
            ),
            click.option(
                "--sampler",
                default="auto",
                show_default=True,
                shell_complete=completing(_samplers),
                help="dense, exact or implicit.",
            ),
            click.option(
                "--design",
                default="gaussian",
                show_default=True,
                shell_complete=completing(_laws),
                help="Law of its entries: rademacher, uniform, student-t=5, sparse=0.1.",
            ),
            click.option(
                "--noise",
                default="gaussian",
                show_default=True,
                shell_complete=completing(_laws),
                help="Law of the label noise.",
            ),
            run_options,
        ]
    ):
        command = option(command)
    return command
