"""The command `asymptotics`, and its exit status for each kind of error."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from .. import __version__
from ..errors import AsymptoticsError, InvalidInput
from .best import best
from .console import drop, fail
from .derive import derive
from .example import example
from .formula import formula
from .growth import growth
from .network import network
from .predict import curve, risk, verify
from .rounds import rounds
from .signals import Terminated, behind


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="asymptotics")
@click.pass_context
def cli(context: click.Context) -> None:
    """Exact asymptotic test error of pruned linear models, and experiments that could refute it.

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


for command in (risk, curve, verify, best, rounds, growth, network, example, formula, derive):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    with ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # it was closed before the start
                stream = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                setattr(sys, name, stream)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # letters that the encoding lacks become ?
        stdout = sys.stdout
        try:
            cli.main(args=arguments, prog_name="asymptotics", standalone_mode=False)
        except SystemExit:
            if sys.stdout is stdout:
                raise
            drop(stdout)  # `click` fails if nobody reads its help text, which is no failure here
        except BaseException as error:
            fail(*_failure(error))


def _failure(error: BaseException) -> tuple[str, int]:
    """The message and the exit status for an error; raises errors that are bugs of the package."""
    # A signal may have been turned into another error on its way here.
    cause = behind(error) or error
    match cause:
        case Terminated():
            return str(cause), cause.status
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", 130
        case InvalidInput():
            return str(cause), 2
        case AsymptoticsError():
            return str(cause), 1
        case click.ClickException():
            return cause.format_message(), 2
        case OSError():  # a full disk, say
            return f"cannot write: {cause.strerror}", 1
        case MemoryError():
            return "out of memory: ask for fewer points or groups at a time", 1
    raise error
