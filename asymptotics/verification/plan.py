"""What is simulated to test predictions over a grid: problems, their sizes and their samplers.

Rows of the grid that differ only in alpha and rule share one trained model, and so one *point*;
with a second fit, rows of one point also share its ridge.  Rounds of pruning and retraining are the
rows of one point, too.  A point is simulated at the size p that the user gives, or at three sizes,
doubling, from which the risk is extrapolated to p = infinity.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..errors import InvalidInput
from ..iterated.schedule import Round
from ..line.grid import Grid
from ..population import Population
from ..simulation.choice import choose
from ..simulation.dense import Dense
from ..simulation.designs import GAUSSIAN, Law
from ..simulation.exact import Exact
from ..simulation.finite import (
    LARGEST,
    FiniteProblem,
    FiniteRound,
    Retraining,
    realise,
    require_size,
    smallest_size,
)
from ..simulation.implicit import LEAST_TOLERANCE, Implicit
from ..simulation.sampler import Sampler
from ..simulation.trials import LinearExperiment, replicates_at
from ..tables import counted
from ..theory import Rule, channel, cut, fixed_point, kept_share, null_risk
from ..theory.retraining import TOWARDS
from ..trials.memory import shortage
from .rounds_theory import kept_by_rounds
from .statistics import FEWEST_TRIALS

#: The function that is tested.  It takes the first six parameters of `risk`, and returns risks, or
#: an object that has them as its attribute `risk`.  For a second fit it also takes the parameters
#: `retrain`, `retrain_ridge` and `retrain_towards`, and the attribute is `retrained_risk`.  For
#: rounds it takes the first five parameters of `rounds`, and the attributes are `pruned_risk` and
#: `retrained_risk`.
Prediction = Callable[..., Any]
#: The predicted risks of a point, of the shape (risks, rules, alphas).
Predictions = Callable[[Population, "Point"], Array]
#: The indices of risk, rule and alpha of a row.  Risks come in the order in which weights are cut
#: and fitted: index 2 i is the risk after cut i, from 0, and 2 i + 1 that after the fit.
Place = tuple[int, int, int]

SAMPLERS = ("auto", "dense", "exact", "implicit")
#: Number of sizes of a ladder.
_SIZES = 3
#: Smallest p of a ladder.
_LEAST_SIZE = 256
#: At the first size of a ladder at least this many weights are kept and dropped, unless that takes
#: more features than the second number.
_FIRST_COUNT, _LARGEST_FOR_COUNT = 48, 1 << 16
#: The same for the degrees of freedom left to the noise.  The second number is small, because
#: trials are dear where few degrees of freedom are left.
_FIRST_FREEDOM, _LARGEST_FOR_FREEDOM = 36, 1024
#: With fewer weights kept, weights dropped or degrees of freedom, an extrapolation is not reliable:
#: terms of order 1/p² are not small.
LEAST_COUNT = 8
#: When sizes are halved to fit into a time limit, the counts stay above `LEAST_COUNT` times this,
#: because realising a problem rounds them.
_MARGIN = 1.25
#: A trial of the samplers that draw a design for each replicate has this many times fewer
#: replicates than a trial in which all replicates share one design.
_REPLICATES_RATIO = 4
#: A trial with second fits has this many times fewer: each replicate has second fits of its own,
#: which take longer than to draw a design.
_REFITS_RATIO = 16
#: The largest error of an iterative solver in a weight, relative to the spread of the weights of
#: its group.  In problems with groups 100 times narrower than their mean, .03 left a bias of the
#: risk of 7e-4, and .003 none that 8 trials of 4,000 features see.
_RESOLVED = 0.003


class Settings(NamedTuple):
    """How problems are simulated, and the prediction that is tested."""

    #: Number of features; None for a ladder of sizes.
    p: int | None
    sampler: str
    design: Law
    noise: Law
    #: Relative residual at which iterative solvers end.
    tolerance: float
    predict: Predictions
    #: Seed for the features of a continuous law.
    seed: int = 0


class Allotment(NamedTuple):
    """The time limit of a run, from which the sizes of ladders follow."""

    #: Seconds.
    limit: float
    workers: int
    #: Number of trials at each size that should fit into the limit.
    trials: int
    #: Whether a store may hold trials of earlier runs.  Then a run of a single trial is useful.
    resumed: bool


class Point(NamedTuple):
    """Rows with the same kappa, sigma and ridges, or those of a schedule; they share trials."""

    kappa: float
    sigma: float
    ridge: float
    rules: tuple[Rule, ...]
    alphas: tuple[float, ...]
    #: The place of each row, by its index among all rows of the result.
    rows: Mapping[int, Place]
    #: None without a second fit.
    retraining: Retraining | None = None
    #: The rounds that follow; there is one rule and one alpha then.
    later: tuple[Round, ...] = ()

    @property
    def second_fit(self) -> dict[str, Any]:
        """The arguments of `risk` that ask for the second fit."""
        if self.retraining is None:
            return {}
        ridge, towards = self.retraining
        return {"retrain": True, "retrain_ridge": ridge, "retrain_towards": towards}

    @property
    def fractions(self) -> tuple[float, ...]:
        """The fractions kept by all cuts."""
        return (*self.alphas, *(each.alpha for each in self.later))

    @property
    def schedule(self) -> tuple[Round, ...]:
        """The rounds, where there is one rule and one alpha."""
        (rule,), (alpha,), fit = self.rules, self.alphas, self.retraining
        settings = (0.0, TOWARDS[0], False) if fit is None else (*fit, True)
        # A point with a schedule has the rules of one.
        return (Round(alpha, rule, *settings), *self.later)  # type: ignore[arg-type]

    def realised(self, problem: FiniteProblem) -> "Point":
        """The point that a problem realises, with whole numbers of samples and of weights kept."""
        pairs = zip(self.later, problem.later, strict=True)
        return self._replace(
            kappa=problem.kappa,
            alphas=tuple(problem.alpha.tolist()),
            later=tuple(each._replace(alpha=there.kept / problem.p) for each, there in pairs),
        )


class SizedPoint(NamedTuple):
    """A point and the sizes at which it is simulated; nothing is predicted yet."""

    population: Population
    point: Point
    settings: Settings
    #: The first of its sizes, and the smallest that the first may be.
    first: int
    smallest: int

    @property
    def sizes(self) -> list[int]:
        """Values of p in ascending order, each twice the one before."""
        number = _SIZES if self.settings.p is None else 1
        return [self.first << doublings for doublings in range(number)]

    def experiments(self) -> list[LinearExperiment]:
        """One experiment for each size."""
        return [_experiment(self.population, self.point, p, self.settings) for p in self.sizes]

    def halved(self, times: int) -> "SizedPoint":
        """The point with its first size halved `times` times, but at least `smallest`."""
        return self._replace(first=max(self.first >> times, self.smallest))


def sized_points(
    population: Population,
    points: Sequence[Point],
    settings: Settings,
    allotment: Allotment | None,
) -> list[SizedPoint]:
    """The points, each with its sizes.

    Raises `InvalidInput` if a point cannot be realised at the sizes asked for, or if the trials at
    the smallest useful sizes would take longer than the time limit.
    """
    if settings.p is not None:
        smallest = [smallest_size(population, point.kappa, point.fractions) for point in points]
        require_size(settings.p, max(smallest))
    sized = [_sized(population, point, settings) for point in points]
    return sized if allotment is None else _fitting(sized, allotment)


def grid_points(grid: Grid) -> list[Point]:
    """The rows of a grid, collected by kappa, sigma and ridges.

    With a second fit it is the risk after that fit that is tested.
    """
    if 0 in grid.shape:
        raise InvalidInput("shape", grid.shape, "must have one or more points")
    flat = grid.flat()
    numbers = [FLOAT64.array(x).tolist() for x in flat[:4]]
    second: list[Retraining | None] = [None] * flat.rule.size
    if flat.refit is not None:
        ridges, towards = flat.refit
        pairs = zip(FLOAT64.array(ridges).tolist(), towards, strict=True)
        second = [Retraining(ridge, str(word)) for ridge, word in pairs]
    places: dict[tuple[float, float, float, Retraining | None], list[int]] = {}
    for row, (kappa, sigma, _, ridge) in enumerate(zip(*numbers, strict=True)):
        places.setdefault((kappa, sigma, ridge, second[row]), []).append(row)
    points = []
    for (kappa, sigma, ridge, retraining), rows in places.items():
        rules = list(dict.fromkeys(flat.rule[row] for row in rows))
        alphas = sorted({numbers[2][row] for row in rows})
        tested = 0 if retraining is None else 1
        where = {
            row: (tested, rules.index(flat.rule[row]), alphas.index(numbers[2][row]))
            for row in rows
        }
        points.append(Point(kappa, sigma, ridge, tuple(rules), tuple(alphas), where, retraining))
    return points


def schedule_points(
    problems: Sequence[tuple[float, float, float]], schedule: Sequence[Round]
) -> list[Point]:
    """A point for each kappa, sigma and ridge; its rows are all risks of the schedule, in order."""
    first, *later = schedule
    risks = risks_of(schedule)
    points = []
    for number, (kappa, sigma, ridge) in enumerate(problems):
        rows: dict[int, Place] = {number * risks + each: (each, 0, 0) for each in range(risks)}
        some = (first.rule,), (first.alpha,), rows, _retraining(first), tuple(later)
        points.append(Point(kappa, sigma, ridge, *some))
    return points


def risks_of(schedule: Sequence[Round]) -> int:
    """The number of risks of a schedule, after its cuts and after its fits."""
    return sum(1 + each.refit for each in schedule)


def _retraining(each: Round) -> Retraining | None:
    """The fit of a round."""
    return Retraining(each.ridge, each.towards) if each.refit else None


def _sized(population: Population, point: Point, settings: Settings) -> SizedPoint:
    """A point at the size asked for, or with the first size of a ladder.

    The first size is large enough that the counts which govern terms of order 1/p (weights kept,
    weights dropped, degrees of freedom) are not small.
    """
    if settings.p is not None:
        return SizedPoint(population, point, settings, settings.p, settings.p)
    factor = heaviness(settings)
    share = min(x for alpha in point.fractions for x in (alpha, 1 - alpha) if x > 0)
    # Degrees of freedom for each feature: those for each sample, times n / p.
    again = freedoms_per_sample(population, point)
    freedom = min([freedom_per_sample(population, point), *again[again > 0]])
    freedom = max(freedom / point.kappa / factor, 1e-9)
    lowest = max(_LEAST_SIZE, smallest_size(population, point.kappa, point.fractions))
    first = max(
        lowest,
        min(_FIRST_COUNT / share, _LARGEST_FOR_COUNT),
        min(_FIRST_FREEDOM / freedom, _LARGEST_FOR_FREEDOM),
    )
    if first > LARGEST >> _SIZES:
        allowed = f"takes {first:.3g} features or more to simulate, too many: give p"
        raise InvalidInput("kappa", point.kappa, allowed)
    least = max(lowest, _MARGIN * LEAST_COUNT * max(factor / share, 1 / freedom))
    return SizedPoint(population, point, settings, int(first), min(math.ceil(least), int(first)))


def _fitting(sized: Sequence[SizedPoint], allotment: Allotment) -> list[SizedPoint]:
    """The points at the largest sizes whose trials fit into the time limit, or at the smallest.

    First sizes are halved, all by the same factor, until the trials asked for fit.  The time of a
    trial is what its sampler reckons, so that the sizes do not depend on the speed of the machine.

    Raises `InvalidInput` if not even the fewest useful trials fit at the smallest sizes.
    """
    most = max((each.first // each.smallest).bit_length() for each in sized)
    costs = np.empty(0)
    for times in range(most + 1):
        halved = [each.halved(times) for each in sized]
        costs = np.array([[e.cost for e in each.experiments()] for each in halved])
        if _seconds(costs, allotment.trials, allotment.workers) <= allotment.limit:
            return halved
    # All trials do not fit: go on at the smallest sizes, if a verdict is still possible, or if this
    # run may add a trial to those of a store.
    trials = min(allotment.trials, 1 if allotment.resumed else FEWEST_TRIALS)
    if _seconds(costs, trials, allotment.workers) > allotment.limit:
        raise InvalidInput("time_limit", allotment.limit, _remedy(halved, costs, trials, allotment))
    return halved


def _seconds(costs: Array, trials: int, workers: int) -> float:
    """Seconds that `trials` trials of each of the costs take; one trial runs on one worker."""
    return max(trials * float(costs.sum()) / workers, float(costs.max()))


def _remedy(sized: Sequence[SizedPoint], costs: Array, trials: int, allotment: Allotment) -> str:
    """The message that the trials do not fit into the time limit, and what would help."""
    takes = _rounded_up(_seconds(costs, trials, allotment.workers))
    dearest = sized[int(np.argmax(costs.sum(axis=1)))]
    place = f"kappa = {dearest.point.kappa:.6g}, p = {', '.join(map(str, dearest.sizes))}"
    each = f" of each of {len(sized)} problems" if len(sized) > 1 else ""
    text = (
        f"{counted(trials, 'trial')}{each} {'takes' if trials == 1 else 'take'} about {takes} s on "
        f"{counted(allotment.workers, 'core')}, by reckoning, most of it at {place}: "
        "give that much time"
    )
    if dearest.settings.p is not None:
        return f"{text}, or a smaller p"
    # A single size instead of a ladder takes less time.
    p = max(point.first for point in sized)
    single = [point._replace(settings=point.settings._replace(p=p), first=p) for point in sized]
    costs = np.array([[e.cost for e in point.experiments()] for point in single])
    return f"{text}, or p = {p} and {_rounded_up(_seconds(costs, trials, allotment.workers))} s"


def _rounded_up(seconds: float) -> str:
    """A number rounded up to two digits."""
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return f"{math.ceil(seconds / unit) * unit:.6g}"


def freedom_per_sample(population: Population, at: Point | FiniteProblem) -> float:
    r"""Degrees of freedom left to the noise, divided by n.

    They are :math:`1-\kappa E[\Lambda^2/(\Lambda+\tau)^2]`: 1 - p₊/n for least squares, and about
    p₊/n - 1 for p₊ little above n.  Without signal and with sigma = 1 the noise level
    :math:`\gamma` is the inverse of this number, which is how it is computed.
    """
    return _freedom_per_sample(population, at.kappa, at.ridge)


def second_freedom_per_sample(population: Population, point: Point) -> Array:
    r"""The same for the second fit, of the shape (rules, alphas); infinite where there is none.

    They are :math:`1-\kappa E[W^2;S]` with :math:`W=\Lambda/(\Lambda+\tau_2)` and S the weights
    kept: those of a problem that has only the features kept.
    """
    found = np.full((len(point.rules), len(point.alphas)), np.inf)
    if point.retraining is None:
        return found
    fixed = fixed_point(population, point.kappa, point.sigma, point.ridge)
    # Which weights are kept where their noise is infinite does not matter: there is no verdict.
    finite = np.where(np.isfinite(fixed.gamma), fixed.gamma, 1)
    law = channel(population, fixed._replace(gamma=finite))
    for row, column in np.ndindex(found.shape):
        rule, alpha = point.rules[row], point.alphas[column]
        if alpha > 0:
            share = kept_share(law, rule, cut(law, rule, alpha))
            kept = Population(population.weight * np.maximum(share, 0), population.eigenvalue)
            found[row, column] = _freedom_per_sample(
                kept, point.kappa * alpha, point.retraining.ridge
            )
    return found


def freedoms_per_sample(population: Population, point: Point) -> Array:
    """The least of these that any fit after the first leaves before each risk.

    Infinite where there is no such fit.  The shape is that of (risks, rules, alphas).
    """
    nothing = np.full((len(point.rules), len(point.alphas)), np.inf)
    if point.retraining is None:
        return nothing[None]
    found = [nothing, second_freedom_per_sample(population, point)]
    if point.later:
        problem = point.kappa, point.sigma, point.ridge
        kept = kept_by_rounds(population, problem, point.schedule)
        for each, share in zip(point.later, kept[1:], strict=True):
            found.append(found[-1])
            if each.refit:
                some = Population(population.weight * share, population.eigenvalue)
                left = _freedom_per_sample(some, point.kappa * each.alpha, each.ridge)
                found.append(np.minimum(found[-1], left))
    return np.array(found)


def _freedom_per_sample(population: Population, kappa: float, ridge: float) -> float:
    """`freedom_per_sample` for any parameters."""
    silent = Population(population.weight, population.eigenvalue)
    return 1 / float(fixed_point(silent, kappa, 1.0, ridge).gamma)


def heaviness(settings: Settings) -> float:
    """The factor by which the fourth moment of the design enlarges terms of order 1/n.

    It is 1 for a Gaussian design.
    """
    return 1 + abs(settings.design.kurtosis - GAUSSIAN.kurtosis) / 2


def _experiment(
    population: Population, point: Point, p: int, settings: Settings
) -> LinearExperiment:
    """The experiment that realises and simulates a point with p features."""
    later = [
        FiniteRound(each.rule, round(each.alpha * p), _retraining(each)) for each in point.later
    ]
    problem = realise(
        population,
        p,
        point.kappa,
        point.sigma,
        point.alphas,
        point.ridge,
        point.rules,
        settings.seed,
        point.retraining,
        later,
    )
    replicates = replicates_at(p)
    if point.retraining is not None:
        replicates = max(1, replicates // _REFITS_RATIO)
        return LinearExperiment(problem, _sampler(problem, replicates, settings), replicates)
    sampler = _sampler(problem, replicates, settings)
    if not isinstance(sampler, Dense):  # each replicate has a design of its own
        replicates = max(1, replicates // _REPLICATES_RATIO)
    return LinearExperiment(problem, sampler, replicates)


def resolving_tolerance(problem: FiniteProblem) -> float:
    r"""The relative residual below which an iterative solver hardly changes the ranks of weights.

    A solver that leaves a residual of `t` times the labels fits labels with noise of about that
    size.  By the law of a trained weight this noise moves a weight by

    .. math:: \frac{t}{\Lambda+\tau}\sqrt{\kappa\Lambda\gamma_1E[y^2]},

    with :math:`\gamma_1` the noise level for labels of pure noise of variance 1.  In every group
    that is to be `_RESOLVED` of the spread of the trained weights, which is all that ranks them.
    """
    population = problem.population
    fixed = fixed_point(population, problem.kappa, problem.sigma, problem.ridge)
    law = channel(population, fixed)
    labels = null_risk(population, problem.sigma)
    alive = law.eigenvalue > 0
    with np.errstate(invalid="ignore", divide="ignore"):  # at n = p₊ both variances are infinite
        labels = labels / freedom_per_sample(population, problem)
        moved = problem.kappa * law.eigenvalue * labels / (law.eigenvalue + fixed.tau) ** 2
        spread = (law.shrinkage * law.std) ** 2 + law.noise
        ratio = FLOAT64.ratio(spread, moved, np.inf)[alive]
    return _RESOLVED * float(np.sqrt(np.nan_to_num(ratio, nan=np.inf).min(initial=np.inf)))


def _sampler(problem: FiniteProblem, replicates: int, settings: Settings) -> Sampler:
    """The sampler asked for, or the fastest; raises `InvalidInput` if it does not apply."""
    name, design, noise = settings.sampler, settings.design, settings.noise
    if name == "dense":
        return Dense(design, noise)
    if name == "auto":
        tolerance = min(settings.tolerance, resolving_tolerance(problem))
        return choose(problem, replicates, design, noise, tolerance)
    if design != GAUSSIAN:
        raise InvalidInput("design", str(design), f"must be gaussian for the sampler {name}")
    if name == "implicit":
        tolerance = min(settings.tolerance, resolving_tolerance(problem))
        if tolerance < LEAST_TOLERANCE:
            allowed = "must be dense: the solver would decide which of nearly equal weights rank"
            raise InvalidInput("sampler", name, allowed)
        return Implicit(tolerance, noise)
    if noise != GAUSSIAN:
        raise InvalidInput("noise", str(noise), f"must be gaussian for the sampler {name}")
    if refused := Exact().refusal(problem):
        raise InvalidInput("sampler", name, refused)
    return Exact()


def require_memory(experiments: Sequence[LinearExperiment], workers: int, tolerance: float) -> None:
    """Raise `InvalidInput` if one trial of an experiment on each worker exceeds the memory."""
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
