"""Simulating a whole grid of problems, and holding the theory against it."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .arithmetic import FLOAT64, Array
from .comparison import Sample, detecting, estimate, judge, trials_needed
from .errors import InvalidInput, unknown_name
from .grid import NUMBERS, Grid, RulesLike, as_grid
from .parameters import Domain, scalar
from .population import Population
from .results import Verification
from .simulation.choice import choose
from .simulation.dense import Dense
from .simulation.designs import GAUSSIAN, Law, as_law
from .simulation.exact import Exact
from .simulation.execution import cores, crew
from .simulation.finite import FiniteProblem, realise, require_size, smallest_size
from .simulation.implicit import Implicit
from .simulation.run import Run
from .simulation.sampler import Sampler
from .simulation.store import Store
from .simulation.trials import Experiment, replicates_at
from .study import risk
from .theory import Rule

#: Called with trials done, trials wanted, and the largest relative standard error so far.
Progress = Callable[[int, int, float], object]
#: What is tested: the first six parameters of `risk`, returning risks or what has them as `risk`.
Prediction = Callable[..., Any]

#: Trials whose variance tells how many are needed.
PILOT = 16
_MOST_TRIALS = 1_000_000
#: Relative error that a run is made to detect if nothing else is asked.
_DETECTED = 0.01
#: A ladder of sizes starts where the counts that matter are this large, within bounds: the second
#: for |n - p₊|, near which trials are dear.
_LARGE, _LOWEST, _HIGHEST, _HIGHEST_NEAR, _RUNGS = 48, 256, 1 << 16, 1024, 3
#: With a smaller count than this there is no telling what the finite size does.
_SMALLEST = 8
#: The solver's relative residual is that of the target standard error, or this.  The risk moves by
#: a hundredth of it or so.
_TOLERANCE = 1e-3
#: Replicates that draw a design each are so many times fewer.
_LONE = 4
_POSITIVE = Domain(lambda x: x > 0, "must be a finite number > 0")
_SHARE = Domain(lambda x: (x > 0) & (x < 1), "must be a number in (0, 1)")
_SAMPLERS = ("auto", "dense", "exact", "implicit")


class _Settings(NamedTuple):
    p: int | None
    sampler: str
    design: Law
    noise: Law
    workers: int
    predict: Prediction
    #: Relative residual at which solvers end.
    tolerance: float


class _Point(NamedTuple):
    """Rows of a grid that share the trained model, and so their trials."""

    kappa: float
    sigma: float
    ridge: float
    rules: tuple[Rule, ...]
    alphas: tuple[float, ...]
    #: Places in the flat grid, each with its places among rules and alphas.
    rows: Mapping[int, tuple[int, int]]


class _Case(NamedTuple):
    """A point at one size: its experiment, and what is predicted for rules and alphas."""

    experiment: Experiment
    predicted: Array

    @property
    def least(self) -> int:
        """The smallest of the counts whose inverse measures how far from its limit it is."""
        problem = self.experiment.problem
        counts = [problem.n, *problem.kept, *(problem.p - kept for kept in problem.kept)]
        if problem.ridge == 0:
            counts.append(abs(problem.n - problem.alive))
        return min(count for count in counts if count > 0)


def verify(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    p: int | None = None,
    trials: int | None = None,
    target_se: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    sampler: str = "auto",
    design: str | Law = "gaussian",
    noise: str | Law = "gaussian",
    predict: Prediction = risk,
    level: float = 0.01,
    resolution: float = 0.05,
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Hold predicted risks against simulated ones.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge, rule
        As in `asymptotics.risk`; they broadcast.
    p : int, optional
        Number of features.  By default each problem is simulated at three sizes, doubling, and
        the difference between simulation and theory is extrapolated to infinite p.
    trials : int, optional
        Trials at each size.  By default as many as reach `target_se`.
    target_se : float, optional
        Standard error to reach, relative to the risk.  By default the one at which an error of
        1 % in a prediction is detected.
    time_limit : float, optional
        Seconds after which no more trials are begun.
    seed : int
        Of all random numbers.  The same seed gives the same trials, with any workers.
    sampler : {"auto", "dense", "exact", "implicit"}
        See `asymptotics.simulation`.
    design, noise : str
        Law of the entries of the design, and of the label noise: ``gaussian``, ``rademacher``,
        ``uniform``, ``student-t=5``, ``sparse=0.1``.
    predict : callable
        What is tested: a function with the first six parameters of `asymptotics.risk`, which
        returns an array of risks, or an object with one as its attribute ``risk``.
    level : float
        Probability that any right prediction of the run comes out inconsistent.
    resolution : float
        Relative error that must be detectable for a prediction to be called consistent.
    workers, executor, scheduler
        Processes on this machine (by default one for each core); or any
        `concurrent.futures.Executor`; or the address of a Dask scheduler.
    store : path, optional
        A file to which trials are written, and from which those already there are taken.
    progress : callable, optional
        Called now and then with the numbers of trials done and wanted, and the largest relative
        standard error so far.

    Returns
    -------
    Verification
        A verdict for each row; after Ctrl-C, with the trials that were done.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, or a problem that cannot be simulated at `p`.
    NoConvergence
        A solver that does not converge, or workers that keep dying.

    Examples
    --------
    >>> from asymptotics import Population, verify
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> verify(two, kappa=0.5, sigma=0.5, alpha=0.4, workers=1).verdict.item()
    'consistent'
    """
    if not isinstance(population, Population):
        raise InvalidInput("population", population, "must be a Population")
    if sampler not in _SAMPLERS:
        raise unknown_name("sampler", sampler, _SAMPLERS)
    grid = as_grid(kappa, sigma, alpha, ridge, rule)
    target = _number("target_se", target_se)
    settings = _Settings(
        _whole("p", p, 1),
        sampler,
        as_law(design),
        as_law(noise, "noise"),
        _whole("workers", workers, 1) or cores(),
        predict,
        min(target or _TOLERANCE, _TOLERANCE),
    )
    trials, seed = _whole("trials", trials, 2), _whole("seed", seed, 0) or 0
    limit = _number("time_limit", time_limit)
    level = _number("level", level, _SHARE) or level
    resolution = _number("resolution", resolution) or resolution

    points = _points(grid)
    ladders = _ladders(population, points, settings)
    reasons = [_why_not(ladder) for ladder in ladders]
    if all(reasons):
        problem = ladders[0][0].experiment.problem
        raise InvalidInput("n", problem.n, f"no risk can be tested: {reasons[0]}")
    tested = [
        (point, ladder)
        for point, ladder, why in zip(points, ladders, reasons, strict=True)
        if why is None
    ]
    experiments = [case.experiment for _, ladder in tested for case in ladder]
    _require_memory(experiments, settings)
    size, interrupted = grid.flat().rule.size, False
    with ExitStack() as stack:
        run = Run(
            seed=seed,
            crew=stack.enter_context(crew(settings.workers, executor, scheduler)),
            store=stack.enter_context(Store(store)) if store is not None else None,
            deadline=None if limit is None else time.monotonic() + limit,
            tick=None
            if progress is None
            else (lambda done, wanted: progress(done, wanted, _largest_error(tested, run))),
        )
        try:
            run.complete(dict.fromkeys(experiments, trials or PILOT))
            if trials is None:
                wanted: dict[Experiment, int] = {}
                for point, ladder in tested:
                    needed = _wanted(point, ladder, run, target, level / size)
                    wanted |= dict(zip((case.experiment for case in ladder), needed, strict=True))
                run.complete(wanted)
        except KeyboardInterrupt:
            interrupted = True
    records: list[Mapping[str, Any]] = [{}] * size
    for point, ladder, reason in zip(points, ladders, reasons, strict=True):
        outcomes = [run.outcomes(case.experiment) for case in ladder]
        for row, place in point.rows.items():
            predicted = ladder[0].predicted[place]
            if len(ladder) > 1:
                predicted = _predicted(population, point, place, predict)
            samples = _samples(ladder, outcomes, place, None if trials else PILOT)
            why = reason or _too_few(samples, ladder)
            records[row] = {
                "risk": predicted,
                **_judged(samples, predicted, why, level / size, resolution),
                **_cost(ladder[-1].experiment, outcomes[-1], place),
            }
    there = None if settings.p is None else ladders[0][0].experiment.problem.population
    return _result(population, grid, there, records, interrupted)


def _largest_error(tested: Sequence[tuple[_Point, Sequence[_Case]]], run: Run) -> float:
    """The largest relative standard error of the rows that have one."""
    largest = 0.0
    for point, ladder in tested:
        outcomes = [run.outcomes(case.experiment) for case in ladder]
        for place in point.rows.values():
            samples = _samples(ladder, outcomes, place)
            if len(samples) == len(ladder):
                risk = float(ladder[-1].predicted[place])
                largest = max(largest, estimate(samples, risk).standard_error / (risk or 1))
    return largest or float("nan")


def _too_few(samples: Sequence[Sample], ladder: Sequence[_Case]) -> str | None:
    return "fewer than two trials at some size" if len(samples) < len(ladder) else None


def _judged(
    samples: Sequence[Sample], risk: float, reason: str | None, level: float, detect: float
) -> dict[str, Any]:
    """What the samples of one row say of its predicted risk."""
    nothing = dict.fromkeys(("mean", "standard_error", "z", "p_value", "detectable"), np.nan)
    record = nothing | {"verdict": "no verdict", "reason": reason or "", "samples": tuple(samples)}
    if reason is not None:
        return record
    found = estimate(samples, risk)
    judgement = judge(found, risk, level, detect)
    mean = {"mean": risk + found.difference, "standard_error": found.standard_error}
    return record | mean | judgement._asdict()


def _cost(
    experiment: Experiment, outcomes: Mapping[int, Array], place: tuple[int, int]
) -> dict[str, Any]:
    """How the trials of one row were made, and what was gained and lost by it."""
    problem = experiment.problem
    record = {
        "trials": len(outcomes),
        "p": problem.p,
        "n": problem.n,
        "sampler": experiment.sampler.name,
        "gain": np.nan,
        "truncation": np.nan,
    }
    if len(outcomes) < 2:
        return record
    risk, control, truncation = _columns(outcomes, place)
    plain, controlled = float(risk.var()), float((risk - control).var())
    gain = plain / controlled if controlled else np.nan
    return record | {"gain": gain, "truncation": abs(float(truncation.mean()))}


def _result(
    population: Population,
    grid: Grid,
    realised: Population | None,
    records: Sequence[Mapping[str, Any]],
    interrupted: bool,
) -> Verification:
    shape, flat = grid.shape, grid.flat()
    columns = {name: _column([record[name] for record in records]) for name in records[0]}
    asked = {key: FLOAT64.array(getattr(flat, key)) for key in NUMBERS} | {"rule": flat.rule}
    theory = asked
    if realised is not None:
        p, n = columns["p"], columns["n"]
        theory = asked | {"kappa": p / n, "alpha": np.rint(asked["alpha"] * p) / p}
    parameters = [theory[key].reshape(shape) for key in (*NUMBERS, "rule")]
    return Verification(
        prediction=risk(realised or population, *parameters),
        interrupted=interrupted,
        **{key: column.reshape(shape) for key, column in (asked | columns).items()},
    )


def _column(values: Sequence[Any]) -> Array:
    if isinstance(values[0], tuple):
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return np.array(values)


def _points(grid: Grid) -> list[_Point]:
    """The rows of a grid by what is trained: kappa, sigma and ridge."""
    if 0 in grid.shape:
        raise InvalidInput("shape", grid.shape, "must have one or more points")
    flat = grid.flat()
    numbers = [FLOAT64.array(x).tolist() for x in flat[:4]]
    places: dict[tuple[float, float, float], list[int]] = {}
    for row, (kappa, sigma, _, ridge) in enumerate(zip(*numbers, strict=True)):
        places.setdefault((kappa, sigma, ridge), []).append(row)
    points = []
    for (kappa, sigma, ridge), rows in places.items():
        rules = list(dict.fromkeys(flat.rule[row] for row in rows))
        alphas = sorted({numbers[2][row] for row in rows})
        where = {row: (rules.index(flat.rule[row]), alphas.index(numbers[2][row])) for row in rows}
        points.append(_Point(kappa, sigma, ridge, tuple(rules), tuple(alphas), where))
    return points


def _ladders(
    population: Population, points: Sequence[_Point], settings: _Settings
) -> list[list[_Case]]:
    if settings.p is not None:
        require_size(settings.p, max(_smallest(population, point) for point in points))
    return [_ladder(population, point, settings) for point in points]


def _ladder(population: Population, point: _Point, settings: _Settings) -> list[_Case]:
    """A point at one size, or at several that double."""
    if settings.p is not None:
        return [_case(population, point, settings.p, settings)]
    share = float(population.mass_above(0).value)
    shares = [1 / point.kappa, *(x for alpha in point.alphas for x in (alpha, 1 - alpha))]
    lowest = min(_LARGE / min(x for x in shares if x > 0), _HIGHEST)
    if point.ridge == 0:
        lowest = max(lowest, min(_LARGE / max(abs(1 / point.kappa - share), 1e-9), _HIGHEST_NEAR))
    lowest = max(int(lowest), _LOWEST, _smallest(population, point))
    return [_case(population, point, lowest << rung, settings) for rung in range(_RUNGS)]


def _smallest(population: Population, point: _Point) -> int:
    return smallest_size(population, point.kappa, point.alphas)


def _case(population: Population, point: _Point, p: int, settings: _Settings) -> _Case:
    problem = realise(
        population, p, point.kappa, point.sigma, point.alphas, point.ridge, point.rules
    )
    sampler = _sampler(problem, settings)
    replicates = replicates_at(p)
    if not isinstance(sampler, Dense):  # no design to share
        replicates = max(1, replicates // _LONE)
    realised = point._replace(kappa=problem.kappa, alphas=tuple(problem.alpha.tolist()))
    predicted = np.full((len(point.rules), len(point.alphas)), np.nan)
    if problem.divergence is None:
        for place in np.ndindex(predicted.shape):
            predicted[place] = _predicted(problem.population, realised, place, settings.predict)
    return _Case(Experiment(problem, sampler, replicates), predicted)


def _predicted(
    population: Population, point: _Point, place: tuple[int, ...], predict: Prediction
) -> float:
    rule, alpha = point.rules[place[0]], point.alphas[place[1]]
    result = predict(population, point.kappa, point.sigma, alpha, point.ridge, rule)
    return float(np.asarray(getattr(result, "risk", result), dtype=np.float64))


def _sampler(problem: FiniteProblem, settings: _Settings) -> Sampler:
    """The sampler asked for, or the fastest."""
    name, design, noise = settings.sampler, settings.design, settings.noise
    if name == "auto":
        return choose(problem, replicates_at(problem.p), design, noise, settings.tolerance)
    if name == "dense":
        return Dense(design, noise)
    if design != GAUSSIAN:
        raise InvalidInput("design", str(design), f"must be gaussian for the sampler {name}")
    if name == "implicit":
        return Implicit(settings.tolerance, noise)
    if noise != GAUSSIAN:
        raise InvalidInput("noise", str(noise), f"must be gaussian for the sampler {name}")
    if refused := Exact().refusal(problem):
        raise InvalidInput("sampler", name, refused)
    return Exact()


def _why_not(ladder: Sequence[_Case]) -> str | None:
    """Why the risk at a point cannot be tested, if so."""
    for case in ladder:
        if reason := case.experiment.problem.divergence:
            return reason
        if not np.isfinite(case.predicted).all():
            return "the prediction is not a finite number"
    if len(ladder) > 1 and ladder[0].least < _SMALLEST:
        return (
            f"too few for an extrapolation, {ladder[0].least} < {_SMALLEST}, of samples, weights "
            "kept, weights dropped or |n - p₊|: give p"
        )
    return None


def _require_memory(experiments: Sequence[Experiment], settings: _Settings) -> None:
    """That the largest experiment fits into the machine, once for each worker."""
    available = _memory()
    for experiment in experiments:
        problem, sampler = experiment.problem, experiment.sampler
        needed = sampler.memory(problem, experiment.replicates) * settings.workers
        if needed > available:
            other = Implicit(settings.tolerance).memory(problem, 1)
            allowed = (
                f"needs {needed / 1e9:.3g} GB for {settings.workers} x {sampler}, there are "
                f"{available / 1e9:.3g}; the sampler implicit needs {other / 1e9:.3g} a worker"
            )
            raise InvalidInput("p", problem.p, allowed)


def _memory() -> float:
    """Bytes of memory of this machine, if it tells."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _wanted(
    point: _Point, ladder: Sequence[_Case], run: Run, target: float | None, level: float
) -> list[int]:
    """Trials at each size that every row of a point needs for its standard error."""
    most = [PILOT] * len(ladder)
    outcomes = [run.outcomes(case.experiment) for case in ladder]
    costs = [case.experiment.cost for case in ladder]
    for place in point.rows.values():
        samples = _samples(ladder, outcomes, place, PILOT)
        if len(samples) == len(ladder):
            needed = _needed(samples, costs, float(ladder[-1].predicted[place]), target, level)
            most = [min(max(pair), _MOST_TRIALS) for pair in zip(most, needed, strict=True)]
    return most


def _needed(
    samples: Sequence[Sample],
    costs: Sequence[float],
    risk: float,
    target: float | None,
    level: float,
) -> list[int]:
    """Trials at each size that one row needs."""
    if target is not None:
        return trials_needed(samples, costs, target * risk)
    for _ in range(5):  # degrees of freedom depend on how trials are shared out
        goal = detecting(estimate(samples, risk), level, _DETECTED * risk)
        needed = [max(number, PILOT) for number in trials_needed(samples, costs, goal)]
        samples = [s._replace(trials=trials) for s, trials in zip(samples, needed, strict=True)]
    return needed


def _samples(
    ladder: Sequence[_Case],
    outcomes: Sequence[Mapping[int, Array]],
    place: tuple[int, int],
    pilot: int | None = None,
) -> list[Sample]:
    """What the trials say of one row, at each size that has two or more."""
    samples = []
    for case, trials in zip(ladder, outcomes, strict=True):
        if len(trials) < 2:
            continue
        risk, control, truncation = _columns(trials, place)
        values = risk - control
        first = values[:pilot]
        samples.append(
            Sample(
                least=case.least,
                inverse_size=1 / case.experiment.problem.p,
                trials=values.size,
                mean=float(values.mean() - case.predicted[place]),
                variance=float(first.var(ddof=1)),
                freedom=first.size - 1,
                truncation=float(truncation.mean()),
            )
        )
    return samples


def _columns(outcomes: Mapping[int, Array], place: tuple[int, int]) -> Array:
    """Risk, control and truncation of one row, trial by trial."""
    return np.array([outcome[(slice(None), *place)] for outcome in outcomes.values()]).T


def _whole(key: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InvalidInput(key, value, f"must be a whole number >= {least}")
    return int(value)


def _number(key: str, value: Any, domain: Domain = _POSITIVE) -> float | None:
    return None if value is None else float(scalar(key, value, domain))
