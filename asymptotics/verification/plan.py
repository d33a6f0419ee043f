"""What is simulated to test the predictions over a grid: problems, their sizes, their samplers."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..errors import InvalidInput
from ..line.grid import Grid
from ..parameters import as_array, exact
from ..population import Population
from ..prediction.risk import risk
from ..simulation.choice import choose
from ..simulation.dense import Dense
from ..simulation.designs import GAUSSIAN, Law
from ..simulation.exact import Exact
from ..simulation.finite import (
    LARGEST,
    FiniteProblem,
    realise,
    require_size,
    smallest_size,
)
from ..simulation.implicit import Implicit
from ..simulation.sampler import Sampler
from ..simulation.strata import scatter, weighted
from ..simulation.trials import LinearExperiment, replicates_at
from ..tables import counted
from ..theory import Rule, fixed_point
from ..trials.memory import shortage
from .statistics import FEWEST_TRIALS

#: What is tested: the first six parameters of `risk`, returning risks or what has them as `risk`.
Prediction = Callable[..., Any]

SAMPLERS = ("auto", "dense", "exact", "implicit")
#: Sizes of a ladder, and the least of its first.
_RUNGS, _LOWEST = 3, 256
#: At the first size so many weights are kept and dropped, and so many degrees of freedom are left
#: to the noise, unless that takes a larger size than this.  Trials are dear where these are few.
_WEIGHTS, _MOST_FOR_WEIGHTS = 48, 1 << 16
_FREEDOM, _MOST_FOR_FREEDOM = 36, 1024
#: With fewer there is no telling what the finite size does.
_FEWEST = 8
#: The smallest first size has this many times `_FEWEST` weights kept, weights dropped and degrees
#: of freedom, because counts are rounded when a problem is realised.
_MARGIN = 1.25
#: With no more degrees of freedom than this the risk has no finite variance, or hardly one.
_HEAVY = 3
#: Nodes of a mean over a standard normal, of which three do for many groups.
_NODES, _MANY_GROUPS = np.linspace(-4, 4, 25), 10_000
#: The risk of a law is a mean over so many weighted draws of its features.  The mean is off by more
#: than their range with a probability of 1e-4 (Student's t > 8 with 7 degrees of freedom).
_DRAWS = 8
#: The range says nothing where none of the draws has any of the rare features that have the signal.
#: What they miss then is this many standard errors with a probability of 1e-4 (Poisson's law).
_RARE = 3.0
#: Rounding of a solver leaves so much of the signal in a simulated risk.
_ROUNDING = 1e-27
#: Replicates that draw a design each are so many times fewer.
_LONE = 4


class Settings(NamedTuple):
    """How problems are simulated, and what is predicted of them."""

    #: Features; a ladder of sizes if not given.
    p: int | None
    sampler: str
    design: Law
    noise: Law
    #: Relative residual at which solvers end.
    tolerance: float
    predict: Prediction
    #: By which the features of a continuous law are drawn.
    seed: int = 0


class Allotment(NamedTuple):
    """The time that a run is given, which sizes are chosen by."""

    #: Seconds.
    limit: float
    workers: int
    #: Trials at each size that should fit into it.
    trials: int
    #: Whether trials of earlier runs are at hand, so that one more at each size is worth a run.
    resumed: bool


class Point(NamedTuple):
    """Rows of a grid that share the trained model, and so their trials."""

    kappa: float
    sigma: float
    ridge: float
    rules: tuple[Rule, ...]
    alphas: tuple[float, ...]
    #: Places in the flat grid, each with its places among rules and alphas.
    rows: Mapping[int, tuple[int, int]]


class Features(NamedTuple):
    """What is known of a continuous law without its groups: draws of weighted features."""

    draws: tuple[Population, ...]
    #: The relative standard error of the signal in their mean, from rare features.
    scatter: float


class Drawn(NamedTuple):
    """How risks at the features drawn from a continuous law differ from those of the law.

    Both are risks in theory: at the features of the problem, and at weighted features that also
    represent the tails of the law.  Where there is no law both are 0.
    """

    difference: Array
    #: How far the risk of the law may be from what the weighted features say.
    uncertainty: Array


class Case(NamedTuple):
    """A point at one size: its experiment, and what is predicted for rules and alphas."""

    experiment: LinearExperiment
    #: What the prediction is about: the groups realised, or those that stand for a law.
    population: Population
    predicted: Array
    #: What the features drawn from a law add to it, in theory, and how well that is known.
    drawn: "Drawn"
    #: What the finite size does to it through the cut, in theory.
    shift: Array
    #: Degrees of freedom that are left to the noise.
    freedom: float
    #: By how much the law of the design makes counts count less; 1 for a normal one.
    heaviness: float
    #: What rounding may add to a simulated risk.
    rounding: float

    @property
    def problem(self) -> FiniteProblem:
        return self.experiment.problem

    @property
    def least(self) -> float:
        """The smallest of the counts whose inverse measures how far from its limit it is."""
        p, kept = self.problem.p, self.problem.kept
        counts = [*kept, *(p - number for number in kept)]
        return min(self.freedom, *(x for x in counts if x > 0)) / self.heaviness

    @property
    def divergence(self) -> str | None:
        """Why the simulated risk has no finite variance, or nearly none, if so."""
        freedom = self.freedom / self.heaviness
        if self.problem.divergence or freedom > _HEAVY:
            return self.problem.divergence
        return (
            f"{freedom:.2g} <= {_HEAVY} degrees of freedom are left to the noise: "
            "nearly infinite variance"
        )


class Ladder(NamedTuple):
    """A point at the sizes at which it is simulated, in ascending order."""

    point: Point
    cases: tuple[Case, ...]
    #: What is predicted for rules and alphas: at one size of what is realised, else of the limit.
    predicted: Array

    @property
    def experiments(self) -> list[LinearExperiment]:
        return [case.experiment for case in self.cases]

    @property
    def obstacle(self) -> str | None:
        """Why the risk cannot be tested, if so."""
        for case in self.cases:
            if reason := case.divergence:
                return reason
        predicted = [self.predicted, *(case.predicted for case in self.cases)]
        if not all(np.isfinite(risks).all() for risks in predicted):
            return "the prediction is not a finite number"
        if len(self.cases) > 1 and (least := self.cases[0].least) < _FEWEST:
            return (
                f"too few for an extrapolation, {least:.2g} < {_FEWEST}, of weights kept, "
                "weights dropped or degrees of freedom left to the noise: give p"
            )
        return None


def ladders(
    population: Population, grid: Grid, settings: Settings, allotment: Allotment | None = None
) -> list[Ladder]:
    """All that is simulated for a grid.

    Raises `InvalidInput` if it cannot be simulated at the sizes asked for, or would take more time
    than is allotted at the smallest sizes that are any use.
    """
    points = _points(grid)
    if settings.p is not None:
        smallest = [smallest_size(population, point.kappa, point.alphas) for point in points]
        require_size(settings.p, max(smallest))
    climbs = [_climb(population, point, settings) for point in points]
    if allotment is not None:
        climbs = _fitting(climbs, allotment)
    law = population.law
    features = None
    if law is not None:
        draws = weighted(law, settings.seed, _DRAWS)
        features = Features(tuple(draws), scatter(population, _DRAWS))
    return [_ladder(climb, features) for climb in climbs]


class _Climb(NamedTuple):
    """A point and the first of its sizes, before anything is predicted."""

    population: Population
    point: Point
    settings: Settings
    #: The first size, and the smallest that it may be.
    first: int
    least: int

    @property
    def sizes(self) -> list[int]:
        rungs = _RUNGS if self.settings.p is None else 1
        return [self.first << rung for rung in range(rungs)]

    def experiments(self) -> list[LinearExperiment]:
        return [_experiment(self.population, self.point, p, self.settings) for p in self.sizes]

    def shrunk(self, halvings: int) -> "_Climb":
        return self._replace(first=max(self.first >> halvings, self.least))


def _fitting(climbs: Sequence[_Climb], allotment: Allotment) -> list[_Climb]:
    """The largest sizes at which all trials fit into the time, else the smallest.

    The time of a trial is what its sampler reckons, so that sizes do not depend on how fast the
    machine is.  First sizes are halved, all alike, until the trials asked for fit.
    """
    most = max((climb.first // climb.least).bit_length() for climb in climbs)
    costs = np.empty(0)
    for halvings in range(most + 1):
        shrunk = [climb.shrunk(halvings) for climb in climbs]
        costs = np.array([[e.cost for e in climb.experiments()] for climb in shrunk])
        if _seconds(costs, allotment.trials, allotment.workers) <= allotment.limit:
            return shrunk
    trials = min(allotment.trials, 1 if allotment.resumed else FEWEST_TRIALS)
    if _seconds(costs, trials, allotment.workers) > allotment.limit:
        raise InvalidInput("time_limit", allotment.limit, _remedy(shrunk, costs, trials, allotment))
    return shrunk


def _seconds(costs: Array, trials: int, workers: int) -> float:
    """Seconds that so many trials of each cost take on so many workers."""
    return max(trials * float(costs.sum()) / workers, float(costs.max()))


def _remedy(climbs: Sequence[_Climb], costs: Array, trials: int, allotment: Allotment) -> str:
    """What to do about trials that take too long at the smallest sizes."""
    takes = _rounded(_seconds(costs, trials, allotment.workers))
    dearest = climbs[int(np.argmax(costs.sum(axis=1)))]
    place = f"kappa = {dearest.point.kappa:.6g}, p = {', '.join(map(str, dearest.sizes))}"
    each = f" of each of {len(climbs)} problems" if len(climbs) > 1 else ""
    text = (
        f"{counted(trials, 'trial')}{each} {'takes' if trials == 1 else 'take'} about {takes} s on "
        f"{counted(allotment.workers, 'core')}, by reckoning, most of it at {place}: "
        "give that much time"
    )
    if dearest.settings.p is not None:
        return f"{text}, or a smaller p"
    p = max(climb.first for climb in climbs)
    alone = [climb._replace(settings=climb.settings._replace(p=p), first=p) for climb in climbs]
    costs = np.array([[e.cost for e in climb.experiments()] for climb in alone])
    return f"{text}, or p = {p} and {_rounded(_seconds(costs, trials, allotment.workers))} s"


def _rounded(seconds: float) -> str:
    """Two digits, rounded up."""
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return f"{math.ceil(seconds / unit) * unit:.6g}"


def _points(grid: Grid) -> list[Point]:
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
        points.append(Point(kappa, sigma, ridge, tuple(rules), tuple(alphas), where))
    return points


def _climb(population: Population, point: Point, settings: Settings) -> _Climb:
    """A point at the size asked for, or at the sizes that tell most."""
    if settings.p is not None:
        return _Climb(population, point, settings, settings.p, settings.p)
    heaviness = _heaviness(settings)
    share = min(x for alpha in point.alphas for x in (alpha, 1 - alpha) if x > 0)
    freedom = max(_freedom(population, point) / point.kappa / heaviness, 1e-9)
    lowest = max(_LOWEST, smallest_size(population, point.kappa, point.alphas))
    first = max(
        lowest, min(_WEIGHTS / share, _MOST_FOR_WEIGHTS), min(_FREEDOM / freedom, _MOST_FOR_FREEDOM)
    )
    if first > LARGEST >> _RUNGS:
        allowed = f"takes {first:.3g} features or more to simulate, too many: give p"
        raise InvalidInput("kappa", point.kappa, allowed)
    least = max(lowest, _MARGIN * _FEWEST * max(heaviness / share, 1 / freedom))
    return _Climb(population, point, settings, int(first), min(math.ceil(least), int(first)))


def _ladder(climb: _Climb, features: Features | None) -> Ladder:
    """A point with its experiments, and what is predicted of them.

    Counts are whole numbers, so that each size realises a point beside the one asked for.  Given a
    size, the prediction for what is realised is tested.  Otherwise the one for the point asked for
    is: from there to what is realised, risks change as the theory's do.
    """
    population, point, settings = climb.population, climb.point, climb.settings
    experiments, predict = climb.experiments(), settings.predict
    if settings.p is not None:
        cases = [
            _case(population, features, each, point, settings, partial(_predictions, predict))
            for each in experiments
        ]
        return Ladder(point, tuple(cases), cases[0].predicted)
    predicted = _predictions(predict, population, point)
    with np.errstate(invalid="ignore"):  # both may be infinite
        beyond = predicted - _risks(population, point, np.array(point.alphas))

    def carried(there: Population, realised: Point) -> Array:
        return beyond + _risks(there, realised, np.array(realised.alphas))

    cases = [_case(population, features, each, point, settings, carried) for each in experiments]
    return Ladder(point, tuple(cases), predicted)


def _freedom(population: Population, at: Point | FiniteProblem) -> float:
    r"""Degrees of freedom that are left to the noise, for each sample.

    They are :math:`1-\kappa E[\Lambda^2/(\Lambda+\tau)^2]`, the inverse of the noise level without
    signal: 1 - p₊/n for least squares, about p₊/n - 1 for p₊ little above n.
    """
    silent = Population(population.weight, population.eigenvalue)
    return 1 / float(fixed_point(silent, at.kappa, 1.0, at.ridge).gamma)


def _heaviness(settings: Settings) -> float:
    """By how much the fourth moment of the design adds to terms of order 1/n."""
    return 1 + abs(settings.design.kurtosis - GAUSSIAN.kurtosis) / 2


def _experiment(
    population: Population, point: Point, p: int, settings: Settings
) -> LinearExperiment:
    """A point as it is realised and simulated at one size."""
    problem = realise(
        population,
        p,
        point.kappa,
        point.sigma,
        point.alphas,
        point.ridge,
        point.rules,
        settings.seed,
    )
    sampler = _sampler(problem, settings)
    replicates = replicates_at(p)
    if not isinstance(sampler, Dense):  # no design to share
        replicates = max(1, replicates // _LONE)
    return LinearExperiment(problem, sampler, replicates)


def _case(
    population: Population,
    features: Features | None,
    experiment: LinearExperiment,
    point: Point,
    settings: Settings,
    predict: Callable[[Population, Point], Array],
) -> Case:
    """A point at one size; `features` are of the population's law, if it has one."""
    problem = experiment.problem
    there = problem.population
    stated = there if population.law is None else population
    freedom = problem.n * _freedom(there, problem)
    nothing = np.zeros((len(point.rules), len(point.alphas)))
    predicted = shift = nothing + np.nan
    draw = Drawn(nothing, nothing)
    if freedom > 0:
        realised = point._replace(kappa=problem.kappa, alphas=tuple(problem.alpha.tolist()))
        predicted = predict(stated, realised)
        shift = _shift(there, realised, problem.p)
        if features is not None:
            draw = _drawn(features, there, realised)
    return Case(
        experiment,
        stated,
        predicted,
        draw,
        shift,
        freedom,
        heaviness=_heaviness(settings),
        rounding=_ROUNDING * there.signal,
    )


def _drawn(features: Features, there: Population, point: Point) -> Drawn:
    """What it makes that a problem has some features of a law, and not all of them."""
    alphas = np.array(point.alphas)
    risks = np.array([_risks(population, point, alphas) for population in features.draws])
    mean, here = risks.mean(axis=0), _risks(there, point, alphas)
    return Drawn(here - mean, np.ptp(risks, axis=0) + _RARE * features.scatter * abs(mean))


def _risks(population: Population, point: Point, alpha: Array) -> Array:
    """Risks in theory for each rule of a point at values of alpha, which has the last axis."""
    return risk(population, point.kappa, point.sigma, alpha, point.ridge, _column(point)).risk


def _column(point: Point) -> Array:
    """The rules of a point as a column."""
    rules = np.empty((len(point.rules), 1), dtype=object)
    rules[:, 0] = point.rules
    return rules


def _predictions(predict: Prediction, population: Population, point: Point) -> Array:
    """What is predicted for each rule and alpha of a point."""
    predicted = np.empty((len(point.rules), len(point.alphas)))
    for row, column in np.ndindex(predicted.shape):
        rule, alpha = point.rules[row], point.alphas[column]
        result = predict(population, point.kappa, point.sigma, alpha, point.ridge, rule)
        given = as_array("predict", getattr(result, "risk", result))
        number = exact(given.ravel()[0]) if given.size == 1 else None
        if number is None:
            raise InvalidInput("predict", result, "must return one risk for one problem")
        predicted[row, column] = FLOAT64.floats(np.asarray(number, dtype=object))
    return predicted


def _shift(population: Population, point: Point, p: int) -> Array:
    r"""What a finite number of features does to the mean risk of each rule and alpha by the cut.

    The fraction of weights above a fixed threshold scatters about alpha, normally, with variance
    :math:`E[a(1-a)]/p`, where a is the share kept of a group; to keep alpha exactly is to move by
    as much along the risk as a function of alpha.  Its mean over the scatter is not its value.
    """
    nodes = _NODES if len(population) <= _MANY_GROUPS else _NODES[:: len(_NODES) // 2]
    density = np.exp(-(nodes**2) / 2)
    alphas = np.array(point.alphas)
    here = risk(population, point.kappa, point.sigma, alphas, point.ridge, _column(point))
    share = here.kept_share()
    scatter = np.sqrt(np.maximum(share * (1 - share), 0) @ population.weight / p)
    levels = here.alpha + scatter * nodes[:, None, None]
    moved = _risks(population, point, np.clip(levels, 0, 1))
    return np.asarray(np.tensordot(density / density.sum(), moved, 1) - here.risk)


def _sampler(problem: FiniteProblem, settings: Settings) -> Sampler:
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


def require_memory(experiments: Sequence[LinearExperiment], workers: int, tolerance: float) -> None:
    """Raise `InvalidInput` if an experiment, once for each worker, does not fit into memory."""
    for experiment in experiments:
        problem, sampler = experiment.problem, experiment.sampler
        needed = sampler.memory(problem, experiment.replicates)
        allowed = shortage(needed, workers, f"x {sampler}")
        if allowed is None:
            continue
        if isinstance(sampler, Dense) and sampler.design == GAUSSIAN:
            other = Implicit(tolerance).memory(problem, 1)
            allowed += f"; the sampler implicit needs {other / 1e9:.3g} a worker"
        raise InvalidInput("p", problem.p, allowed)
