"""``asymptotics rounds``: prune, retrain, repeat."""

from pathlib import Path

import click

from ..errors import NoConvergence
from ..outcomes import Status
from ..tables import counted
from .console import progress_bar, remark, say
from .options import FORCE, FORMAT, SPEC, output_option
from .output import print_rows, require_free, write_to
from .predict import inputs, notes_on, say_notes


@click.command()
@SPEC
@FORMAT
@output_option(required=False)
@FORCE
@click.option(
    "--tolerance",
    type=float,
    default=1e-8,
    show_default=True,
    help="Relative error to reach; a larger one is faster.",
)
@click.option("--explain", is_flag=True, help="Say in words what the rounds gain over one cut.")
def rounds(
    spec: str | None, form: str, output: Path | None, force: bool, tolerance: float, explain: bool
) -> None:
    """Print the predicted risk over rounds of pruning and retraining.

    The SPEC has [[round]] tables, or a range of alpha; `asymptotics example rounds` prints one.
    The rows are the rounds, at each point of kappa, sigma and ridge.

    \b
    asymptotics rounds
    asymptotics rounds my.toml --explain
    asymptotics rounds my.toml -o rounds.pdf
    """
    from ..spec.rounds import read_rounds

    problem = read_rounds(spec)
    if output is not None:
        require_free(output, inputs(spec, problem), force)
    with progress_bar("points") as progress:
        result = problem.solve(tolerance, progress)
    if output is not None:
        write_to(output, result, problem)
    print_rows(result, problem, form)
    say_notes(notes_on(spec, problem))
    if explain:
        for line in result.explain():
            (say if form == "table" else remark)(line + "\n" * (form == "table"))
    if failed := int((result.status == Status.NO_CONVERGENCE).sum()):
        rows = counted(result.status.size, "row")
        reached = result.error[result.status == Status.NO_CONVERGENCE].max()
        remedy = f"the error may be {reached:.1e}: try a larger --tolerance, or fewer rounds"
        raise NoConvergence(f"{failed} of {rows}: no convergence; {remedy}")
