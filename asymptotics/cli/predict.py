"""``asymptotics risk``, ``curve`` and ``verify``: predictions, pictures and simulations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidInput, NoConvergence, one_line
from ..outcomes import COARSE_QUADRATURE, Status, Verdict
from ..results import IteratedVerification, RetrainedRisk, RiskResult, Verdicts, Verification
from ..spec import Problem, note_of_columns, note_of_weights, read_spec, samples_file
from ..tables import counted
from .console import fail, progress_bar, remark, say
from .options import CERTIFY, DIGITS, FORCE, FORMAT, SPEC, output_option, simulation_options
from .output import (
    Asked,
    is_picture,
    older_stays,
    print_rows,
    require_free,
    write_to,
)

if TYPE_CHECKING:
    from ..spec.rounds import RoundsProblem


@click.command()
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
    problem = read_spec(spec)
    notes = notes_on(spec, problem)
    result = _computed(problem, digits=digits, certify=certify)
    if form == "table":
        say(f"{problem.population!r}\n\n")
    print_rows(result, problem, form)
    say_notes(notes)
    _require_convergence(result)


@click.command()
@SPEC
@output_option(required=True)
@FORCE
@DIGITS
@click.option("--simulate", is_flag=True, help="Draw simulated points beside the curve.")
@simulation_options
def curve(
    spec: str | None,
    output: Path,
    force: bool,
    digits: int | None,
    simulate: bool,
    **settings: Any,
) -> None:
    """Draw the predicted risk, or write it to a file.

    In a picture the values of a list are marked on the curve of theory; a range is drawn as a curve
    alone.  The options from --p on are those of `asymptotics verify`, for --simulate.

    \b
    asymptotics curve my.toml -o curve.pdf
    asymptotics curve my.toml -o curve.csv
    asymptotics curve my.toml -o curve.pdf --simulate --p 2000 --trials 10
    """
    if not simulate:
        _require_none_given(settings)
    elif not is_picture(output):
        allowed = "must be a picture with --simulate: `asymptotics verify -o` writes the rows"
        raise InvalidInput("output", str(output), allowed)
    problem = read_spec(spec)
    notes = notes_on(spec, problem)
    require_free(output, inputs(spec, problem, settings["store"]), force)
    shown = problem.smooth(problem.abscissa) if is_picture(output) else problem
    result = _computed(shown, digits=digits)
    simulated = _verified(problem, settings) if simulate else None
    older = "" if simulated is None else older_stays(output, simulated)
    if not older:
        write_to(output, result, problem, simulated)
    say_notes(notes)
    if not older:
        remark(f"{output}: {counted(result.risk.size, 'point')}, {result.summary()}")
    _require_convergence(result)
    if simulated is not None:
        remark(f"simulated: {simulated.summary()}")
        _require_consistency(simulated, older)


@click.command()
@SPEC
@FORMAT
@output_option(required=False)
@FORCE
@simulation_options
def verify(spec: str | None, form: str, output: Path | None, force: bool, **settings: Any) -> None:
    """Hold the predicted risk against simulations, and give a verdict.

    With `retrain = true` in the spec it is the risk after the second fit that is simulated.  With
    [[round]] tables, as for `asymptotics rounds`, all rounds are: there is a verdict on the risk
    after each cut, and on that after the fit that follows.

    Without --p each problem is simulated at three sizes and extrapolated; the sizes are smaller if
    the usual ones would not fit into --time-limit.  Without --trials and --target-se, trials are
    added until an error of 1 % would be detected, as long as that takes minutes.  Fewer than eight
    trials give a mean, but no verdict.  The exit status is 1 if a prediction is inconsistent with
    its simulation, or no row has a verdict.

    \b
    asymptotics verify my.toml
    asymptotics verify my.toml --p 2000 --trials 50 --seed 1
    asymptotics verify my.toml --store runs.db -o convergence.pdf
    asymptotics verify rounds.toml --time-limit 60
    """
    from ..spec.rounds import RoundsProblem, read_tested

    problem = read_tested(spec)
    notes = notes_on(spec, problem)
    if output is not None:
        require_free(output, inputs(spec, problem, settings["store"]), force)
    result: Verdicts
    if isinstance(problem, RoundsProblem):
        result = _verified_rounds(problem, settings)
    else:
        result = _verified(problem, settings)
    older = "" if output is None else older_stays(output, result)
    if output is not None and not older:
        write_to(output, result, problem)
    print_rows(result, problem, form)
    say_notes(notes)
    _require_consistency(result, older)


def _computed(problem: Problem, **precision: Any) -> RiskResult:
    """The predicted risk, with a progress bar."""
    with progress_bar("risk") as progress:
        return problem.solve(**precision, progress=progress)


def inputs(
    spec: str | None, problem: Asked, store: Path | None = None
) -> dict[str, str | Path | None]:
    """The files that a command reads, by their names in messages."""
    return {
        "the spec": spec,
        "the samples of its population": _samples(spec, problem),
        "the store": store,
    }


def _samples(spec: str | None, problem: Asked) -> Path | None:
    """The path of the file of samples that a spec names, or None."""
    folder = Path() if spec in (None, "-") else Path(str(spec)).parent
    return samples_file(problem.source, folder)


def notes_on(spec: str | None, problem: Asked) -> list[str]:
    """Notes on how the spec was read, where its author may have meant something else."""
    samples = _samples(spec, problem)
    notes = note_of_weights(problem.source), note_of_columns(samples) if samples else ""
    return [note for note in notes if note]


def say_notes(notes: Iterable[str]) -> None:
    """Write notes to standard error, a line each."""
    for note in notes:
        remark(f"asymptotics: note: {one_line(note)}")


def _verified(problem: Problem, settings: Mapping[str, Any]) -> Verification:
    """The simulated risk and its verdicts, with a progress bar."""
    from ..verification.verify import verify

    with _trials() as progress:
        return verify(
            problem.population,
            **problem.grid(),
            retrain=problem.retrain,
            **settings,
            progress=progress,
        )


def _verified_rounds(problem: "RoundsProblem", settings: Mapping[str, Any]) -> IteratedVerification:
    """The simulated risks of all rounds and their verdicts, with a progress bar."""
    from ..verification.rounds import verify_rounds

    with _trials() as progress:
        return verify_rounds(
            problem.population,
            **problem.grid(),
            schedule=problem.schedule,
            **settings,
            progress=progress,
        )


@contextmanager
def _trials() -> Iterator[Callable[[int, int, float], None] | None]:
    """A progress bar of trials, with their standard error."""
    with progress_bar("trials") as update:

        def progress(done: int, total: int, error: float) -> None:
            if update:
                known = f", standard error {error:.2%}" if error == error else ""
                update(done, total, f"trials{known}")

        yield progress if update else None


def _require_none_given(settings: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` if an option of the simulation is given without ``--simulate``."""
    source = click.get_current_context().get_parameter_source
    for name, value in settings.items():
        if source(name) is click.core.ParameterSource.COMMANDLINE:
            raise InvalidInput(name, value, "is for --simulate alone")


def _require_convergence(result: RiskResult) -> None:
    """Raise `NoConvergence` if a row did not converge, or could not be decided."""
    law = result.population.tolerance > 0
    fits = {"": result.status}
    if isinstance(result, RetrainedRisk):
        fits["second fit, "] = result.retrained_status
    for fit, statuses in fits.items():
        for status in (Status.NO_CONVERGENCE, Status.UNDECIDED):
            if failed := int((statuses == status).sum()):
                rows = counted(result.risk.size, "row")
                coarse = law and status is Status.NO_CONVERGENCE
                remedy = COARSE_QUADRATURE if coarse else status.remedy
                raise NoConvergence(f"{failed} of {rows}: {fit}{status}; {remedy}")


def _require_consistency(result: Verdicts, older: str) -> None:
    """Exit with a message if the run was interrupted or a prediction failed.

    `older` ends the messages for results that have not replaced an older file.
    """
    if result.interrupted:
        fail(f"interrupted: the rows hold what was done{older}", 130)
    wrong = int((result.verdict == Verdict.INCONSISTENT).sum())
    if wrong:
        rows = counted(result.risk.size, "row")
        are = "is inconsistent with its" if wrong == 1 else "are inconsistent with their"
        fail(f"{wrong} of {rows} {are} simulation", 1)
    if (result.verdict == Verdict.NO_VERDICT).all():
        fail(f"no row has a verdict: {result.reason.ravel()[0]}{older}", 1)
