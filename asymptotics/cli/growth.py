"""``asymptotics growth``: train small, or train big and prune."""

from pathlib import Path

import click

from ..errors import NoConvergence
from ..outcomes import Status
from ..tables import counted
from .console import progress_bar
from .options import FORCE, FORMAT, SPEC, output_option
from .output import print_rows, require_free, write_to
from .predict import inputs, notes_on, say_notes


@click.command()
@SPEC
@FORMAT
@output_option(required=False)
@FORCE
def growth(spec: str | None, form: str, output: Path | None, force: bool) -> None:
    """Print the risks of models that see more and more features and keep as many weights.

    Beside the pruned models stands a small one, which is trained on as many of the first features
    as are kept.  `asymptotics example growth` prints a SPEC.

    \b
    asymptotics growth
    asymptotics growth my.toml -o growth.pdf
    """
    from ..spec.growth import read_growth

    problem = read_growth(spec)
    if output is not None:
        require_free(output, inputs(spec, problem), force)
    with progress_bar("models") as progress:
        result = problem.solve(progress)
    if output is not None:
        write_to(output, result, problem)
    print_rows(result, problem, form)
    say_notes(notes_on(spec, problem))
    for name in ("status", "retrained_status", "small_status"):
        if failed := int((result.column(name) == Status.NO_CONVERGENCE).sum()):
            rows = counted(result.status.size, "row")
            remedy = "try points beside them"
            raise NoConvergence(f"{failed} of {rows}: {name} is no convergence; {remedy}")
