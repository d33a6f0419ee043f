"""The run of a test: trials of all ladders, and a verdict for each of their rows."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import POSITIVE, Domain
from ..errors import InvalidInput
from ..outcomes import Verdict
from ..parameters import choice, function, scalar, whole
from ..population import Population
from ..simulation.designs import Law, as_law
from ..simulation.sampler import outcome_names, risk_names
from ..simulation.trials import LinearExperiment
from ..trials.run import Resources, Run
from .cases import Case, Ladder, ladders
from .controls import Trials, regression, with_errors_of_slopes
from .plan import SAMPLERS, Allotment, Place, Point, Predictions, Settings, require_memory
from .statistics import (
    FEWEST_TRIALS,
    LOWEST_LEVEL,
    Estimate,
    Sample,
    detecting,
    estimate,
    judge,
    trials_needed,
)

#: Called with trials done, trials wanted, and the largest relative standard error so far.
Progress = Callable[[int, int, float], object]

#: Size of the pilot sample: its variance determines the number of trials, and enters the test.
PILOT = 16
#: If the user gives neither `trials` nor `target_se`, this relative error of a prediction is to be
#: detected; but the trials of a ladder take at most the given seconds of work (by `Sampler.cost`).
_DEFAULT_DETECTABLE, _MOST_WORK = 0.01, 120.0
#: Solvers end at a relative residual of `target_se`, but at most of this; the error of the risk is
#: about a hundredth of it.
_LARGEST_TOLERANCE = 1e-3
_LEVEL = Domain(
    lambda x: (x >= LOWEST_LEVEL) & (x < 1), f"must be a number in [{LOWEST_LEVEL:g}, 1)"
)
_RESOLUTION = Domain(lambda x: (x > 0) & (x <= 1), "must be a number in (0, 1]")


class Request(NamedTuple):
    """What a user asks of a test, checked."""

    settings: Settings
    #: Number of trials at each size, and the relative standard error to reach; None if not given.
    trials: int | None
    target: float | None
    level: float
    resolution: float
    resources: Resources
    progress: Progress | None


class Judged(NamedTuple):
    """The rows of a test."""

    ladders: list[Ladder]
    #: The columns of all rows, in the order of `Point.rows`.
    columns: dict[str, Array]
    interrupted: bool

    @property
    def realised(self) -> Population:
        """The groups at the one size of the test: they are the same for all points."""
        return self.ladders[0].cases[0].population


def as_request(
    predict: Predictions,
    *,
    p: int | None,
    trials: int | None,
    target_se: float | None,
    time_limit: float | None,
    seed: int,
    sampler: str,
    design: str | Law,
    noise: str | Law,
    level: float,
    resolution: float,
    workers: int | None,
    executor: Executor | None,
    scheduler: str | None,
    store: str | Path | None,
    progress: Progress | None,
) -> Request:
    """The arguments that `verify` and `verify_rounds` share, checked; raises `InvalidInput`."""
    choice("sampler", sampler, SAMPLERS)
    target = _optional_number("target_se", target_se)
    settings = Settings(
        _optional_integer("p", p),
        sampler,
        as_law(design),
        as_law(noise, "noise"),
        min(target or _LARGEST_TOLERANCE, _LARGEST_TOLERANCE),
        predict,
        whole("seed", seed),
    )
    return Request(
        settings,
        _optional_integer("trials", trials, 2),
        target,
        float(scalar("level", level, _LEVEL)),
        float(scalar("resolution", resolution, _RESOLUTION)),
        Resources(workers, executor, scheduler, store, settings.seed, time_limit),
        None if progress is None else function("progress", progress),
    )


def judged(population: Population, points: Sequence[Point], request: Request) -> Judged:
    """Simulate the points, and judge their rows.

    Raises `InvalidInput` if a problem cannot be simulated, no row can be tested, or the trials
    would not fit into the time limit or the memory.
    """
    settings, trials, target, level, resolution, resources, progress = request
    # Everything that can be refused is refused before the first trial.
    planned = ladders(population, points, settings, _allotment(trials, resources))
    tested = [ladder for ladder in planned if ladder.tested]
    if not tested:
        point, cases, *_ = planned[0]
        single = settings.p is not None
        key, value = ("n", cases[0].problem.n) if single else ("kappa", point.kappa)
        obstacle = planned[0].obstacle(next(iter(point.rows.values())))
        raise InvalidInput(key, value, f"no risk can be tested: {obstacle}")
    experiments = [experiment for ladder in tested for experiment in ladder.experiments]
    require_memory(experiments, resources.workers, settings.tolerance)
    size = sum(len(point.rows) for point in points)
    with resources.run(longest=max(experiment.cost for experiment in experiments)) as run:
        if progress is not None:
            run.tick = _Monitor(tested, run, progress)
        # Without `trials`: a pilot sample first, then as many trials as its variance asks for.
        run.complete(dict.fromkeys(experiments, trials or PILOT))
        if trials is None:
            # Bonferroni: each of `size` rows is tested at the level over their number.
            run.complete(_trials_wanted(tested, run, target, level / size))
    records: list[Mapping[str, Any]] = [{}] * size
    for ladder in planned:
        outcomes = [run.outcomes(experiment) for experiment in ladder.experiments]
        for row, place in ladder.point.rows.items():
            samples = _samples_of_row(ladder, outcomes, place, None if trials else PILOT)
            predicted = float(ladder.predicted[place])
            found = estimate(samples, predicted) if _usable(samples, ladder, place) else None
            why = _objection(ladder, samples, run, trials, place)
            records[row] = {
                "risk": predicted,
                "samples": tuple(samples),
                **_verdict_columns(found, predicted, why, level / size, resolution),
                **_simulation_columns(ladder, outcomes, place, None if trials else PILOT),
            }
    columns = {name: _as_column([record[name] for record in records]) for name in records[0]}
    return Judged(planned, columns, run.interrupted)


def _allotment(trials: int | None, of: Resources) -> Allotment | None:
    """The time limit with what determines how many trials fit into it, or None without limit."""
    if of.time_limit is None:
        return None
    return Allotment(of.time_limit, of.workers, trials or PILOT, resumed=of.store is not None)


class _Monitor:
    """Reports progress to the user's function.

    It caches the standard error of each ladder together with the number of its trials, and computes
    it again only when there are new trials.
    """

    def __init__(self, tested: Sequence[Ladder], run: Run, progress: Progress) -> None:
        self._tested, self._run, self._progress = tested, run, progress
        self._cached: dict[int, tuple[int, float]] = {}

    def __call__(self, done: int, wanted: int) -> None:
        # 0 means that no row has a standard error yet.
        self._progress(done, wanted, max(map(self._error, range(len(self._tested)))) or np.nan)

    def _error(self, index: int) -> float:
        """The largest relative standard error of the rows of a ladder; 0 if none is known yet."""
        ladder = self._tested[index]
        done = sum(map(self._run.done, ladder.experiments))
        if self._cached.get(index, (None,))[0] != done:
            self._cached[index] = done, _largest_error(ladder, self._run)
        return self._cached[index][1]


def _largest_error(ladder: Ladder, run: Run) -> float:
    """The largest relative standard error of the rows of a ladder, from the trials so far."""
    outcomes = [run.outcomes(experiment) for experiment in ladder.experiments]
    largest = 0.0
    for place in ladder.point.rows.values():
        samples = _samples_of_row(ladder, outcomes, place)
        if _usable(samples, ladder, place):
            found = estimate(samples, float(ladder.predicted[place]))
            largest = max(largest, found.standard_error / (found.scale or 1))
    return largest


def _trials_wanted(
    tested: Sequence[Ladder], run: Run, target: float | None, level: float
) -> dict[LinearExperiment, int]:
    """The number of trials of each experiment with which every row reaches its standard error."""
    wanted: dict[LinearExperiment, int] = {}
    for ladder in tested:
        trials = _trials_of_ladder(ladder, run, target, level)
        wanted |= dict(zip(ladder.experiments, trials, strict=True))
    return wanted


def _trials_of_ladder(ladder: Ladder, run: Run, target: float | None, level: float) -> list[int]:
    """Numbers of trials, one for each size, with which all rows of a ladder reach their target."""
    most = [PILOT] * len(ladder.cases)
    outcomes = [run.outcomes(experiment) for experiment in ladder.experiments]
    costs = [experiment.cost for experiment in ladder.experiments]
    # Rows of a ladder share their trials, so that the neediest row decides at each size.
    for place in ladder.point.rows.values():
        samples = _samples_of_row(ladder, outcomes, place, PILOT)
        if _usable(samples, ladder, place):
            needed = _trials_of_row(samples, costs, float(ladder.predicted[place]), target, level)
            most = [max(pair) for pair in zip(most, needed, strict=True)]
    work = sum(cost * trials for cost, trials in zip(costs, most, strict=True))
    if target is None and work > _MOST_WORK:  # the user set no target: keep the time in bounds
        most = [max(int(trials * _MOST_WORK / work), PILOT) for trials in most]
    return most


def _trials_of_row(
    samples: Sequence[Sample],
    costs: Sequence[float],
    risk: float,
    target: float | None,
    level: float,
) -> list[int]:
    """Numbers of trials, one for each size, that one row needs."""
    if target is not None:
        return trials_needed(samples, costs, target * estimate(samples, risk).scale)
    # The degrees of freedom, and so the standard error that detects an error, depend on how the
    # trials are divided among the sizes: iterate.
    for _ in range(5):
        found = estimate(samples, risk)
        goal = detecting(found, level, _DEFAULT_DETECTABLE * found.scale)
        needed = [max(number, PILOT) for number in trials_needed(samples, costs, goal)]
        samples = [s._replace(trials=trials) for s, trials in zip(samples, needed, strict=True)]
    return needed


def _usable(samples: Sequence[Sample], ladder: Ladder, place: Place) -> bool:
    """Whether the samples of a row give a mean and its standard error."""
    return ladder.obstacle(place) is None and len(samples) == len(ladder.cases) and _finite(samples)


def _finite(samples: Sequence[Sample]) -> bool:
    """Whether all means and variances are finite numbers."""
    return bool(np.isfinite([(sample.mean, sample.variance) for sample in samples]).all())


def _objection(
    ladder: Ladder,
    samples: Sequence[Sample],
    run: Run,
    asked: int | None,
    place: Place,
) -> str | None:
    """The reason why a row has no verdict, or None; `asked` is the user's number of trials."""
    if obstacle := ladder.obstacle(place):
        return obstacle
    if not _finite(samples):
        return "a simulated risk is not a finite number"
    if any(map(run.gave_up, ladder.experiments)):
        return "a trial was ended that went on for long after the time limit"
    fewest = min(len(run.outcomes(experiment)) for experiment in ladder.experiments)
    if fewest >= FEWEST_TRIALS:
        return None
    if fewest == asked:
        return f"{fewest} trials: at least {FEWEST_TRIALS} are needed for a verdict"
    until = "before the interruption" if run.interrupted else "in the time limit"
    return f"fewer than {min(asked or FEWEST_TRIALS, FEWEST_TRIALS)} trials {until}"


def _samples_of_row(
    ladder: Ladder,
    outcomes: Sequence[Mapping[int, Array]],
    place: Place,
    pilot: int | None = None,
) -> list[Sample]:
    """Summaries of the trials of one row, one for each size with two trials or more.

    The mean is over all trials; the variance is that of the first `pilot` trials.
    """
    pairs = _trials_by_size(ladder, outcomes, place)
    trials = [each for _, each in pairs]
    found = regression(trials, pilot)
    samples = []
    for case, each in pairs:
        # The controls have mean 0, up to terms of order 1/p, so that the mean of `values` is that
        # of the risk.  The prediction for the simulated features is `predicted`, plus their
        # difference from the law.
        values = each.controlled(found.slopes)
        first = values[:pilot]
        lost = 1 + found.estimated / len(pairs)  # degrees of freedom, to the mean and the slopes
        shift = case.shift[place] - found.slopes @ case.controls.at(place).shift
        samples.append(
            Sample(
                least=case.least(place),
                inverse_size=1 / case.problem.p,
                trials=values.size,
                mean=float(values.mean() - case.predicted[place] - case.drawn.difference[place]),
                variance=float(first.var(ddof=lost)),
                freedom=first.size - lost,
                shift=float(shift),
                truncation=each.truncation,
                rounding=case.rounding,
                sampling=float(case.drawn.uncertainty[place]),
                realised=float(case.predicted[place] + case.drawn.difference[place]),
            )
        )
    return with_errors_of_slopes(samples, trials, found)


def _verdict_columns(
    found: Estimate | None, risk: float, objection: str | None, level: float, resolution: float
) -> dict[str, Any]:
    """The columns of the result for one row that come from the test.

    With an `objection` they have a mean and a standard error, if known, but no verdict.
    """
    record = dict.fromkeys(("mean", "standard_error", "z", "p_value", "detectable"), np.nan)
    if found is not None:
        record["mean"] = risk + found.difference
        record["standard_error"] = found.standard_error
        if objection is None:
            return record | judge(found, level, resolution)._asdict()
    return record | {"verdict": Verdict.NO_VERDICT, "reason": objection}


def _simulation_columns(
    ladder: Ladder,
    outcomes: Sequence[Mapping[int, Array]],
    place: Place,
    pilot: int | None = None,
) -> dict[str, Any]:
    """The columns of the result for one row that describe its simulation at the largest size.

    `gain` is the factor by which the control variates lower the variance; `truncation` is the mean
    change of the risk during the last steps of an iterative solver.
    """
    experiment = ladder.experiments[-1]
    record = {
        "trials": len(outcomes[-1]),
        "p": experiment.problem.p,
        "n": experiment.problem.n,
        "sampler": experiment.sampler.name,
        "gain": np.nan,
        "truncation": np.nan,
    }
    if len(outcomes[-1]) < 2:
        return record
    trials = [each for _, each in _trials_by_size(ladder, outcomes, place)]
    slopes, last = regression(trials, pilot).slopes, trials[-1]
    plain, controlled = float(last.risk.var()), float(last.controlled(slopes).var())
    # Below rounding there is no variance to lower.
    rounding = ladder.cases[-1].rounding
    gain = plain / controlled if controlled > rounding**2 else np.nan
    return record | {"gain": gain, "truncation": last.truncation}


def _trials_by_size(
    ladder: Ladder, outcomes: Sequence[Mapping[int, Array]], place: Place
) -> list[tuple[Case, Trials]]:
    """The trials of one row, with their case, at each size with two trials or more."""
    return [
        (case, _trials_of_case(case, trials, place))
        for case, trials in zip(ladder.cases, outcomes, strict=True)
        if len(trials) >= 2
    ]


def _trials_of_case(case: Case, outcomes: Mapping[int, Array], place: Place) -> Trials:
    """The trials of one row at one size."""
    risk, rule, alpha = place
    columns = np.array([outcome[:, rule, alpha] for outcome in outcomes.values()]).T
    named = dict(zip(outcome_names(case.problem), columns, strict=True))
    weights = case.problem.p * case.experiment.replicates
    limit = case.controls.at(place).limit[:, None]
    *earlier, tested = risk_names(case.problem)[: risk + 1]
    # Iterates of any fit so far may keep other weights, which changes all that follows.
    fits = [named[name.replace("risk", "truncation")] for name in (*earlier, tested)]
    change = sum(abs(float(truncation.mean())) for truncation in fits)
    if not risk:
        return Trials(named[tested], named["control"][None] - limit, change, True, weights)
    controls = np.array([named[name] for name in ("control", "risk", "unpruned_risk")]) - limit
    controls = np.where(np.isfinite(limit), controls, 0)  # a limit that is not known is no help
    return Trials(named[tested], controls, change, False, weights)


def _as_column(values: Sequence[Any]) -> Array:
    """An array with an entry for each row; tuples stay single entries."""
    if isinstance(values[0], tuple):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return np.array(values)


def _optional_integer(key: str, value: Any, least: int | None = None) -> int | None:
    """A checked integer, or None if it is not given."""
    return None if value is None else whole(key, value, least)


def _optional_number(key: str, value: Any, domain: Domain = POSITIVE) -> float | None:
    """A checked number, or None if it is not given."""
    return None if value is None else float(scalar(key, value, domain))
