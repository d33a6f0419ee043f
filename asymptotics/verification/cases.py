"""What is predicted for each simulated problem, and what its finite size does to the risk.

A *case* is a point at one size; a *ladder* is a point at all its sizes.  With a second fit it is
the risk after it that is predicted and tested.  Beside the prediction a case has three numbers from
theory that a comparison must allow for: the shift of the mean risk
because finite numbers of weights are kept and of coefficients are drawn, the difference between a
continuous law and the features drawn from it, and a bound on rounding.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from ..arithmetic import FLOAT64, QUIET, Array
from ..errors import InvalidInput
from ..line.grid import Grid, parts
from ..line.interpolation import interpolating_alpha, trained_share
from ..parameters import as_array, exact
from ..population import Population
from ..prediction.risk import risk
from ..results import RetrainedRisk, RiskResult
from ..simulation.finite import FiniteProblem
from ..simulation.strata import scatter, weighted
from ..simulation.trials import LinearExperiment
from ..theory import channel, cut, fixed_point, pruned_risk, retrained_risk
from ..theory.rules import Random
from .plan import (
    LEAST_COUNT,
    Allotment,
    Point,
    Prediction,
    Settings,
    SizedPoint,
    freedom_per_sample,
    heaviness,
    second_freedom_per_sample,
    sized_points,
)

#: With at most this many degrees of freedom the simulated risk has no finite variance, or nearly
#: none.
_LEAST_FREEDOM = 3
#: As many degrees of freedom may come out a little higher, by rounding.
_ROUNDED_UP = 1 + 1e-9
#: Nodes for means over a standard normal.  The risk has kinks in alpha, which take all of them;
#: for a smooth function of the noise level, nodes a unit apart are enough.
_NORMAL_NODES, _SMOOTH_NODES = np.linspace(-4, 4, 25), np.linspace(-4, 4, 9)
#: For a population of many groups, whose risk takes long, three nodes of nearly the variance 1.
_MANY_GROUPS, _THREE_NODES = 10_000, np.sqrt(3) * np.array([-1, 0, 1])
#: The risk of a continuous law is a mean over this many stratified samples of its features.  Its
#: error exceeds their range with a probability of 1e-4 (Student's t > 8 with 7 degrees of freedom).
_LAW_SAMPLES = 8
#: The range says nothing if rare features have the signal and no sample contains any.  Where N such
#: features are expected, that has the probability exp(-N) (Poisson's law), and the mean then misses
#: N of them, or sqrt(N) standard errors: 3 for a probability of 1e-4.
_MISSED_ERRORS = 3.0
#: Rounding in a solver adds at most this fraction of the signal to a simulated risk.
_ROUNDING = 1e-27


class Features(NamedTuple):
    """Stratified samples of a continuous law, independent of the groups that approximate it."""

    samples: tuple[Population, ...]
    #: Relative standard error of the signal, averaged over the samples, that rare features cause.
    scatter: float


class Drawn(NamedTuple):
    """The difference between risks at features drawn from a continuous law and those of the law.

    All are risks in theory.  One is at the features of the problem; the risk of the law is a mean
    over stratified samples, which also represent its tails.  Without a law both fields are 0.
    """

    difference: Array
    #: Bound on the error of the risk of the law.
    uncertainty: Array


class Controls(NamedTuple):
    """What is known of the control variates of a trial; arrays have the shape (k, rules, alphas).

    The first of the k has mean 0.  With a second fit there are two more: the risks of the first
    fit, pruned and before pruning, whose limits are those of theory.
    """

    limit: Array
    #: As `Case.shift`.
    shift: Array


class Case(NamedTuple):
    """A point at one size.  Arrays have the shape (rules, alphas)."""

    experiment: LinearExperiment
    #: The population that the prediction is about: the realised groups, or the groups that
    #: approximate a continuous law.
    population: Population
    predicted: Array
    #: What features drawn from a continuous law add to the risk of the law.
    drawn: Drawn
    #: Mean change of the risk because the fraction above a threshold and the noise level fluctuate;
    #: see `_cut_shifts` and `_level_shifts`.
    shift: Array
    controls: Controls
    #: Degrees of freedom left to the noise.
    freedom: float
    #: Those that the second fit leaves; infinite without one.
    second_freedom: Array
    #: Factor by which the design enlarges terms of order 1/n; 1 for a Gaussian one.
    heaviness: float
    #: Bound on the rounding error of a simulated risk.
    rounding: float

    @property
    def problem(self) -> FiniteProblem:
        return self.experiment.problem

    def least(self, place: tuple[int, int]) -> float:
        """The smallest of the counts of weights kept, weights dropped and degrees of freedom.

        Its inverse measures the distance of the simulated risk from its limit.
        """
        p, kept = self.problem.p, self.problem.kept
        counts = [*kept, *(p - number for number in kept), self.second_freedom[place]]
        return float(min(self.freedom, *(x for x in counts if x > 0)) / self.heaviness)

    def divergence(self, place: tuple[int, int]) -> str | None:
        """The message that a simulated risk has (nearly) infinite variance, or None.

        Where the first fit has it, so may the second; and even where its limit is finite, small
        problems are far from that.
        """
        freedom, second = (
            x / self.heaviness for x in (self.freedom, float(self.second_freedom[place]))
        )
        if reason := self.problem.divergence:
            return reason if self.problem.retraining is None else f"{reason} of the first fit"
        if freedom <= _LEAST_FREEDOM:
            return f"{_few_degrees(freedom)} are left to the noise: nearly infinite variance"
        if second <= _LEAST_FREEDOM * _ROUNDED_UP:
            return f"{_few_degrees(second)} are left by the second fit: infinite variance"
        problem, again = self.problem, self.problem.retraining
        by_chance = isinstance(problem.rules[place[0]], Random) and problem.alive < problem.p
        if again is not None and not again.ridge and by_chance:
            return "the number of features that vary and are kept is random, and so is the excess"
        return None


class Ladder(NamedTuple):
    """A point at the sizes at which it is simulated, in ascending order."""

    point: Point
    cases: tuple[Case, ...]
    #: The prediction that is tested, of shape (rules, alphas): for the realised problem if there is
    #: one size, and for the point itself if there are several.
    predicted: Array

    @property
    def experiments(self) -> list[LinearExperiment]:
        return [case.experiment for case in self.cases]

    @property
    def tested(self) -> list[tuple[int, int]]:
        """The indices of rule and alpha of the rows that can be tested."""
        return [place for place in self.point.rows.values() if self.obstacle(place) is None]

    def obstacle(self, place: tuple[int, int]) -> str | None:
        """The reason why the risk of a row cannot be tested, or None."""
        for case in self.cases:
            if reason := case.divergence(place):
                return reason
        predicted = [self.predicted, *(case.predicted for case in self.cases)]
        if not all(np.isfinite(risks[place]) for risks in predicted):
            return "the prediction is not a finite number"
        if len(self.cases) > 1 and (least := self.cases[0].least(place)) < LEAST_COUNT:
            return (
                f"too few for an extrapolation, {least:.2g} < {LEAST_COUNT}, of weights kept, "
                "weights dropped or degrees of freedom left to the noise: give p"
            )
        return None


def ladders(
    population: Population, grid: Grid, settings: Settings, allotment: Allotment | None = None
) -> list[Ladder]:
    """The ladders of all points of a grid, with their predictions.

    Raises `InvalidInput` as `sized_points`, before anything is predicted; and if the prediction
    does not return one risk for one problem.
    """
    sized = sized_points(population, grid, settings, allotment)
    law = population.law
    features = None
    if law is not None:
        samples = weighted(law, settings.seed, _LAW_SAMPLES)
        features = Features(tuple(samples), scatter(population, _LAW_SAMPLES))
    return [_ladder(each, features) for each in sized]


def _ladder(sized: SizedPoint, features: Features | None) -> Ladder:
    """A point with its experiments and predictions.

    Numbers of samples and of weights kept are whole, so that a problem realises a point slightly
    beside the one asked for.  At a given size p, the prediction for the realised point is tested.
    For a ladder, the prediction for the point asked for is tested; at each size it is carried over
    to the realised point by adding the change of the theory's own risk.
    """
    population, point, settings = sized.population, sized.point, sized.settings
    experiments, predict = sized.experiments(), settings.predict
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


def _case(
    population: Population,
    features: Features | None,
    experiment: LinearExperiment,
    point: Point,
    settings: Settings,
    predict: Callable[[Population, Point], Array],
) -> Case:
    """A point at one size; `features` belong to the population's law, if it has one."""
    problem = experiment.problem
    there = problem.population
    # For a continuous law, the prediction is about the groups that approximate it, so that an error
    # of the quadrature is found; for groups, it is about their realised sizes.
    stated = there if population.law is None else population
    freedom = problem.n * freedom_per_sample(there, problem)
    nothing = np.zeros((len(point.rules), len(point.alphas)))
    predicted = shift = nothing + np.nan
    controls = Controls(nothing[None], nothing[None])
    draw = Drawn(nothing, nothing)
    realised = point._replace(kappa=problem.kappa, alphas=tuple(problem.alpha.tolist()))
    if freedom > 0:
        predicted = predict(stated, realised)
        shifts = _cut_shifts(there, realised, problem.p) + _level_shifts(there, realised, problem.p)
        shift = shifts[-1]
        if point.retraining is not None:
            first = _risk(there, realised, np.array(realised.alphas))
            limits = [nothing, first.risk, np.broadcast_to(first.unpruned_risk, nothing.shape)]
            controls = Controls(np.stack(limits), np.stack([nothing, shifts[0], nothing]))
        if features is not None:
            draw = _drawn(features, there, realised)
    return Case(
        experiment,
        stated,
        predicted,
        draw,
        shift,
        controls,
        freedom,
        problem.n * second_freedom_per_sample(there, realised),
        heaviness=heaviness(settings),
        rounding=_ROUNDING * there.signal,
    )


def _few_degrees(freedom: float) -> str:
    return f"{freedom:.2g} <= {_LEAST_FREEDOM} degrees of freedom"


@QUIET
def _drawn(features: Features, there: Population, point: Point) -> Drawn:
    """The effect on the risk that a problem has some features of a law in place of the law."""
    alphas = np.array(point.alphas)
    risks = np.array([_risks(population, point, alphas) for population in features.samples])
    mean, here = risks.mean(axis=0), _risks(there, point, alphas)
    uncertainty = np.ptp(risks, axis=0) + _MISSED_ERRORS * features.scatter * abs(mean)
    return Drawn(here - mean, uncertainty)


def _risks(population: Population, point: Point, alpha: Array) -> Array:
    """Risks in theory for each rule of a point; values of alpha are along the last axis."""
    return _each_risk(_risk(population, point, alpha))[-1]


def _risk(population: Population, point: Point, alpha: Array) -> RiskResult:
    """The prediction for each rule of a point; values of alpha are along the last axis."""
    rules = _rule_column(point)
    return risk(population, point.kappa, point.sigma, alpha, point.ridge, rules, **point.second_fit)


def _each_risk(result: RiskResult) -> list[Array]:
    """The pruned risk, and the risk after a second fit if there is one; the last is tested."""
    again = [result.retrained_risk] if isinstance(result, RetrainedRisk) else []
    return [result.risk, *again]


def _rule_column(point: Point) -> Array:
    """The rules of a point as an array of shape (rules, 1)."""
    rules = np.empty((len(point.rules), 1), dtype=object)
    rules[:, 0] = point.rules
    return rules


def _predictions(predict: Prediction, population: Population, point: Point) -> Array:
    """The user's prediction for each rule and alpha of a point, asked for one by one."""
    predicted = np.empty((len(point.rules), len(point.alphas)))
    tested = "risk" if point.retraining is None else "retrained_risk"
    for row, column in np.ndindex(predicted.shape):
        rule, alpha = point.rules[row], point.alphas[column]
        problem = (population, point.kappa, point.sigma, alpha, point.ridge, rule)
        result = predict(*problem, **point.second_fit)
        if not hasattr(result, tested) and hasattr(result, "risk"):
            raise InvalidInput(
                "predict", predict, f"must give {tested}: pass `retrain` on to `risk`"
            )
        given = as_array("predict", getattr(result, tested, result))
        number = exact(given.ravel()[0]) if given.size == 1 else None
        if number is None:
            raise InvalidInput("predict", result, "must return one risk for one problem")
        predicted[row, column] = FLOAT64.floats(np.asarray(number, dtype=object))
    return predicted


@QUIET
def _cut_shifts(population: Population, point: Point, p: int) -> Array:
    r"""Mean changes of the risks of each rule and alpha because finite numbers of weights are kept.

    The risks are those of `_each_risk`, along the first axis.

    The fraction of weights that score above a fixed threshold fluctuates about :math:`\alpha`.  It
    is nearly normal with variance :math:`s^2=E[a(1-a)]/p`, where a is the fraction kept of a group.
    Pruning keeps exactly :math:`\alpha p` weights, so that the threshold moves instead, and the
    risk moves along its curve :math:`R(\alpha)` by as much.  On average it changes by

    .. math:: E[R(\alpha+sz)]-R(\alpha),\qquad z\sim N(0,1),

    which is of order 1/p, by the curvature of R.

    The number of weights that a second fit trains does not fluctuate, but only which ones they are.
    So its moved risks are multiplied by :math:`|1-\rho_z|/|1-\rho|`, with :math:`\rho` the
    features trained for each sample: without a ridge this leaves the change by the number out.  And
    moved values of alpha come at most half the way to :math:`\rho=1`, where R may be infinite.
    """
    nodes, share_of_node = _normal_nodes(population, _NORMAL_NODES)
    alphas = np.array(point.alphas)
    here = _risk(population, point, alphas)
    share = here.kept_share()
    std = np.sqrt(np.maximum(share * (1 - share), 0) @ population.weight / p)
    fractions = np.clip(here.alpha + std * nodes[:, None, None], 0, 1)
    random = np.array([[isinstance(rule, Random)] for rule in point.rules])
    if point.retraining is not None:
        half_way = (here.alpha + interpolating_alpha(population, random, point.kappa)) / 2
        below = here.alpha < half_way
        fractions = np.where(
            below, np.minimum(fractions, half_way), np.maximum(fractions, half_way)
        )
    moved = _each_risk(_risk(population, point, fractions))
    if point.retraining is not None and point.retraining.ridge == 0:
        left, left_here = (
            abs(1 - point.kappa * trained_share(population, random, alpha))
            for alpha in (fractions, here.alpha)
        )
        moved[-1] = moved[-1] * (left / left_here)
    return np.array(
        [
            np.tensordot(share_of_node, there, 1) - each
            for there, each in zip(moved, _each_risk(here), strict=True)
        ]
    )


@QUIET
def _level_shifts(population: Population, point: Point, p: int) -> Array:
    r"""Mean changes of the risks of each rule and alpha because p coefficients are drawn.

    The risks are those of `_each_risk`, along the first axis.

    The numerator of the noise level, :math:`\sigma^2+E[\Lambda B^2\tau^2/(\Lambda+\tau)^2]`, is a
    mean over the features.  Its second term fluctuates with the coefficients drawn, and much where
    a few features carry most of it.  As a sum of squares of normal numbers it has nearly the gamma
    law of the same mean and variance (Satterthwaite, *An approximate distribution of estimates of
    variance components*, Biometrics Bull. 2, 1946).  The risk moves along its curve
    :math:`R(\gamma)`, whose curvature changes the mean by a term of order 1/p.
    """
    again = point.retraining
    nothing = np.zeros((1 if again is None else 2, len(point.rules), len(point.alphas)))
    fixed = fixed_point(population, point.kappa, point.sigma, point.ridge)
    missed = population.eigenvalue * channel(population, fixed).bias ** 2
    fixed_part, drawn_part = missed * population.mean**2, missed * population.std**2
    total = point.sigma**2 + population.weight @ (fixed_part + drawn_part)
    if not total > 0:
        return nothing
    fixed_part, drawn_part = fixed_part / total, drawn_part / total
    share = population.weight @ (fixed_part + drawn_part)
    variance = population.weight @ (4 * fixed_part * drawn_part + 2 * drawn_part**2) / p
    if not variance > 0:
        return nothing
    nodes, share_of_node = _normal_nodes(population, _SMOOTH_NODES)
    shape = share**2 / variance
    drawn = special.gammaincinv(shape, special.ndtr(nodes)) / shape
    # The first row is the risk without fluctuation.
    levels = fixed.gamma * np.concatenate([[1], 1 + share * (drawn - 1)])
    level, alpha = (x.ravel() for x in np.meshgrid(levels, point.alphas, indexing="ij"))
    risks = np.empty((len(nothing), len(point.rules), level.size))
    for row, rule in enumerate(point.rules):
        for part in parts(np.arange(level.size), len(population)):
            law = channel(population, fixed._replace(gamma=level[part]))
            cuts = cut(law, rule, alpha[part])
            risks[0, row, part] = pruned_risk(law, point.sigma, rule, cuts).risk
            if again is not None:
                some = fixed._replace(gamma=level[part])
                fit = (population, some, law, point.sigma, alpha[part], rule, cuts)
                risks[1, row, part] = retrained_risk(*fit, *again).risk
    here, moved = np.split(risks.reshape(*nothing.shape[:2], levels.size, -1), [1], axis=2)
    return np.asarray(np.einsum("n,krna->kra", share_of_node, moved - here))


def _normal_nodes(population: Population, nodes: Array) -> tuple[Array, Array]:
    """Nodes for a mean over a standard normal, or fewer for many groups, with their shares."""
    nodes = nodes if len(population) <= _MANY_GROUPS else _THREE_NODES
    density = np.exp(-(nodes**2) / 2)
    return nodes, density / density.sum()
