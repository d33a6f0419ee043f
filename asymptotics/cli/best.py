"""``asymptotics best``: the best choice of parameters."""

from collections.abc import Iterable

import click

from ..errors import NoConvergence
from ..outcomes import Status
from .console import say
from .options import FORMAT, SPEC, completing
from .output import print_rows
from .predict import notes_on, say_notes


def _choices() -> Iterable[str]:
    """The names for ``--over``."""
    from ..prediction.best import CHOSEN

    return CHOSEN


def _fixed() -> Iterable[str]:
    """The words for ``--fixed``."""
    from ..prediction.families import FIXED

    return FIXED


@click.command()
@SPEC
@click.option(
    "--over",
    required=True,
    metavar="NAME[,NAME...]",
    shell_complete=completing(_choices),
    help="What to choose: kappa, alpha, ridge, exponent or retrain_ridge.",
)
@click.option(
    "--fixed",
    default="p",
    show_default=True,
    shell_complete=completing(_fixed),
    help="What stays while kappa is chosen: p or n and alpha, or the number of kept weights.",
)
@FORMAT
@click.option("--certify", is_flag=True, help="Prove bounds of the least risk, over one parameter.")
def best(spec: str | None, over: str, fixed: str, form: str, certify: bool) -> None:
    """Find the best choice of parameters: all local minima of the risk, ends included.

    The range of a parameter named in --over is the interval to choose from; the other parameters
    must be single numbers.  With several rules each is searched.  With `retrain = true` it is the
    risk after the second fit.

    \b
    asymptotics best my.toml --over ridge
    asymptotics best my.toml --over kappa --fixed kept --format json
    asymptotics best my.toml --over alpha --certify
    """
    from ..spec.choices import read_choice

    choice = read_choice(spec, [name.strip() for name in over.split(",")])
    notes = notes_on(spec, choice.problem)
    result = choice.solve(fixed, certify)
    if form == "table":
        say(f"{choice.problem.population!r}\n\n")
    print_rows(result, choice, form)
    say_notes(notes)
    if not result.risk.size:
        raise NoConvergence("no minimum was found: the risk is infinite or not known everywhere")
    for status in (Status.NO_CONVERGENCE, Status.INCOMPLETE, Status.UNDECIDED):
        if (result.status == status).any():
            raise NoConvergence(f"{status}: {status.cause}; {status.remedy}")
