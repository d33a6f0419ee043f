"""Networks that are trained and pruned."""

from pathlib import Path
from typing import Any

import click

from .console import fail, progress_bar
from .options import FORMAT, SPEC, output_option, run_options
from .output import print_rows, replacing, require_distinct, suffix_of, write


@click.command()
@SPEC
@FORMAT
@output_option(required=False)
@click.option("--trials", type=int, default=8, show_default=True, metavar="T", help="Runs of each.")
@run_options
def network(spec: str | None, form: str, output: Path | None, **settings: Any) -> None:
    """Train two-layer networks from starts of several scales, prune them, and print the errors.

    Of each layer the mean magnitude of its weights is printed too, and its importance: the rise of
    the test error if it is put back to its start.  `asymptotics example network` prints a SPEC.

    \b
    asymptotics network
    asymptotics network my.toml --trials 2 -o network.pdf
    asymptotics network my.toml --store runs.db --format json
    """
    from ..spec.network import read_network

    suffix = None if output is None else suffix_of(output)
    require_distinct(output, settings["store"])
    problem = read_network(spec)
    with progress_bar("runs") as progress:
        result = problem.run(**settings, progress=progress)
    if output is not None and suffix is not None:
        with replacing(output.resolve()) as path:
            write(result, problem, path, suffix)
    print_rows(result, problem, form)
    if result.interrupted:
        fail("interrupted: the rows hold what was done", 130)
    if failed := int((result.status != "ok").sum()):
        fail(f"{failed} of {result.status.size} rows: training diverges; take a smaller step", 1)
