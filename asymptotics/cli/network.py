"""``asymptotics network``: train and prune networks."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ..outcomes import Status
from ..tables import counted
from .console import fail, progress_bar
from .options import FORCE, FORMAT, SPEC, output_option, run_options
from .output import (
    is_picture,
    older_stays,
    print_rows,
    replacing,
    require_free,
    write,
)


@click.command()
@SPEC
@FORMAT
@output_option(required=False)
@FORCE
@click.option("--trials", type=int, default=8, show_default=True, metavar="T", help="Runs of each.")
@run_options
def network(spec: str | None, form: str, output: Path | None, force: bool, **settings: Any) -> None:
    """Train two-layer networks from starts of several scales, prune them, and print the errors.

    Of each layer the mean magnitude of its weights is printed too, and what it has learned: the
    rise of the test error if it is put back to its start.  `asymptotics example network` prints a
    SPEC.

    \b
    asymptotics network
    asymptotics network my.toml --trials 2 -o network.pdf
    asymptotics network my.toml --store runs.db --format json
    """
    from ..spec.network import read_network

    drawn = output is not None and is_picture(output)
    if output is not None:
        require_free(output, {"the spec": spec, "the store": settings["store"]}, force)
    problem = read_network(spec)
    if drawn:
        from ..plotting import require_few

        require_few(problem.lines)
    with ExitStack() as stack:
        path = stack.enter_context(replacing(output)) if output is not None else None
        with progress_bar("runs") as progress:
            result = problem.run(**settings, progress=progress)
        older = older_stays(output, result) if output is not None else ""
        # An older file also stays if there would be nothing to show in the new one.
        shown = (result.status == Status.OK) if drawn else (result.trials > 0)
        if path is not None and shown.any() and not older:
            write(result, problem, path)
    print_rows(result, problem, form)
    if result.interrupted:
        fail(f"interrupted: the rows hold what was done{older}", 130)
    if failed := int((result.status != Status.OK).sum()):
        rows = counted(result.status.size, "row")
        fail(f"{failed} of {rows}: training diverges; take a smaller step", 1)
