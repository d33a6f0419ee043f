"""What is predicted for each simulated problem, and what its finite size does to the risk.

A *case* is a point at one size; a *ladder* is a point at all its sizes.  Beside the prediction a
case has three numbers from theory that a comparison must allow for: the shift of the mean risk
because finite numbers of weights are kept and of coefficients are drawn, the difference between a
continuous law and the features drawn from it, and a bound on rounding.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import QUIET, Array
from ..population import Population
from ..simulation.finite import FiniteProblem, FiniteRound
from ..simulation.strata import scatter, weighted
from ..simulation.trials import LinearExperiment
from ..theory.rules import Random
from .plan import (
    LEAST_COUNT,
    Allotment,
    Place,
    Point,
    Predictions,
    Settings,
    SizedPoint,
    freedom_per_sample,
    freedoms_per_sample,
    heaviness,
    sized_points,
)
from .predictions import of_theory, risk_of
from .shifts import later_shifts, shifts

#: With at most this many degrees of freedom the simulated risk has no finite variance, or nearly
#: none.
_LEAST_FREEDOM = 3
#: As many degrees of freedom may come out a little higher, by rounding.
_ROUNDED_UP = 1 + 1e-9
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

    The first of the k has mean 0.  Risks after a second fit, or later, have two more: the risks of
    the first fit, pruned and before pruning, whose limits are those of theory.
    """

    limit: Array
    #: As `Case.shift`.
    shift: Array

    def at(self, place: Place) -> "Controls":
        """Those of one risk, of the shape (k,); the risk after the first cut has the first."""
        risk, rule, alpha = place
        return Controls(*(x[: None if risk else 1, rule, alpha] for x in self))


class Case(NamedTuple):
    """A point at one size.  Arrays have the shape (risks, rules, alphas); see `plan.Place`."""

    experiment: LinearExperiment
    #: The population that the prediction is about: the realised groups, or the groups that
    #: approximate a continuous law.
    population: Population
    predicted: Array
    #: What features drawn from a continuous law add to the risk of the law.
    drawn: Drawn
    #: Mean change of the risk because the fraction above a threshold and the noise level fluctuate;
    #: see `shifts`.
    shift: Array
    controls: Controls
    #: Degrees of freedom left to the noise.
    freedom: float
    #: The least of those that later fits leave before a risk; infinite without any.
    second_freedom: Array
    #: Factor by which the design enlarges terms of order 1/n; 1 for a Gaussian one.
    heaviness: float
    #: Bound on the rounding error of a simulated risk.
    rounding: float

    @property
    def problem(self) -> FiniteProblem:
        return self.experiment.problem

    def least(self, place: Place) -> float:
        """The smallest of the counts of weights kept, weights dropped and degrees of freedom.

        Its inverse measures the distance of the simulated risk from its limit.
        """
        p, later = self.problem.p, self.problem.later[: place[0] // 2]
        kept = [*self.problem.kept, *(each.kept for each in later)]
        counts = [*kept, *(p - number for number in kept), self.second_freedom[place]]
        return float(min(self.freedom, *(x for x in counts if x > 0)) / self.heaviness)

    def divergence(self, place: Place) -> str | None:
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
            fit = "the second fit" if place[0] < 2 else "a fit so far"
            return f"{_few_degrees(second)} are left by {fit}: infinite variance"
        if self._trains_a_random_number(place):
            return "the number of features that vary and are kept is random, and so is the excess"
        return None

    def _trains_a_random_number(self, place: Place) -> bool:
        """Whether a fit without ridge is of weights that were drawn, some of which do not vary."""
        risk, rule, alpha = place
        problem, by_chance = self.problem, False
        first = FiniteRound(problem.rules[rule], problem.kept[alpha], problem.retraining)
        for number, (ranked_by, _, fit) in enumerate((first, *problem.later)):
            by_chance |= isinstance(ranked_by, Random) and problem.alive < problem.p
            if 2 * number + 1 <= risk and fit is not None and not fit.ridge and by_chance:
                return True
        return False


class Ladder(NamedTuple):
    """A point at the sizes at which it is simulated, in ascending order."""

    point: Point
    cases: tuple[Case, ...]
    #: The prediction that is tested, of the shape (risks, rules, alphas): for the realised problem
    #: if there is one size, and for the point itself if there are several.
    predicted: Array

    @property
    def experiments(self) -> list[LinearExperiment]:
        return [case.experiment for case in self.cases]

    @property
    def tested(self) -> list[Place]:
        """The places of the rows that can be tested."""
        return [place for place in self.point.rows.values() if self.obstacle(place) is None]

    def obstacle(self, place: Place) -> str | None:
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
    population: Population,
    points: Sequence[Point],
    settings: Settings,
    allotment: Allotment | None = None,
) -> list[Ladder]:
    """The ladders of all points, with their predictions.

    Raises `InvalidInput` as `sized_points`, before anything is predicted; and if the prediction
    does not return one risk for one problem.
    """
    sized = sized_points(population, points, settings, allotment)
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
            _case(population, features, each, point, settings, predict) for each in experiments
        ]
        return Ladder(point, tuple(cases), cases[0].predicted)
    predicted = predict(population, point)
    with np.errstate(invalid="ignore"):  # both may be infinite
        beyond = predicted - of_theory(population, point)

    def carried(there: Population, realised: Point) -> Array:
        return beyond + of_theory(there, realised)

    cases = [_case(population, features, each, point, settings, carried) for each in experiments]
    return Ladder(point, tuple(cases), predicted)


def _case(
    population: Population,
    features: Features | None,
    experiment: LinearExperiment,
    point: Point,
    settings: Settings,
    predict: Predictions,
) -> Case:
    """A point at one size; `features` belong to the population's law, if it has one."""
    problem = experiment.problem
    there = problem.population
    # For a continuous law, the prediction is about the groups that approximate it, so that an error
    # of the quadrature is found; for groups, it is about their realised sizes.
    stated = there if population.law is None else population
    freedom = problem.n * freedom_per_sample(there, problem)
    realised = point.realised(problem)
    second_freedom = problem.n * freedoms_per_sample(there, realised)
    nothing = np.zeros(second_freedom.shape)
    predicted = shift = nothing + np.nan
    controls = Controls(nothing[:1], nothing[:1])
    draw = Drawn(nothing, nothing)
    if freedom > 0:
        predicted = predict(stated, realised)
        first_round = shifts(there, realised, problem.p)
        shift = nothing.copy()
        shift[: len(first_round)] = first_round
        if point.later and settings.p is not None:  # an extrapolation takes off terms of order 1/p
            shift[len(first_round) :] = later_shifts(there, realised, problem.p)
        if point.retraining is not None:
            first = risk_of(there, realised, np.array(realised.alphas))
            limits = [nothing[0], first.risk, np.broadcast_to(first.unpruned_risk, shift[0].shape)]
            controls = Controls(np.stack(limits), np.stack([nothing[0], shift[0], nothing[0]]))
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
        second_freedom,
        heaviness=heaviness(settings),
        rounding=_ROUNDING * there.signal,
    )


def _few_degrees(freedom: float) -> str:
    return f"{freedom:.2g} <= {_LEAST_FREEDOM} degrees of freedom"


@QUIET
def _drawn(features: Features, there: Population, point: Point) -> Drawn:
    """The effect on the risk that a problem has some features of a law in place of the law."""
    risks = np.array([of_theory(population, point) for population in features.samples])
    mean, here = risks.mean(axis=0), of_theory(there, point)
    uncertainty = np.ptp(risks, axis=0) + _MISSED_ERRORS * features.scatter * abs(mean)
    return Drawn(here - mean, uncertainty)
