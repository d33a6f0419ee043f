"""The numbers of a sequence of rounds, each with an estimate of its error.

Three errors count.  Nodes: the integrals of a round are computed with more and more nodes until two
numbers of them agree.  Rounding: the first computation is repeated with its inputs changed by a few
of their rounding errors.  The law: for a continuous law, it is repeated with a finer quadrature of
it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..line.rounding import LEAST
from ..population import Population
from .masks import MOST_NODES, Quadrature, QuasiRandom
from .schedule import Round
from .sequence import Outcome, Point, Stage, first_stage, stages

#: Nodes of a panel, one number after another.
_ORDERS = (3, 5, 7, 9, 12, 16, 22)
#: Points of each of so many scrambled sequences.
_POINTS, _SEQUENCES = (256, 1024, 4096), 8
#: An error of quasi-random points is so many standard errors.
_STANDARD_ERRORS = 3.0
#: The relative change by which rounding is estimated, and how many of its effects count as error.
_CHANGE, _CHANGES = 2.0**-49, 4.0


class Estimated(NamedTuple):
    """What the rounds give, with the relative error of the risks of each."""

    first_risk: float
    outcomes: list[Outcome]
    error: Array


def estimated(point: Point, schedule: Sequence[Round], tolerance: float) -> Estimated:
    """The numbers of each round, with errors below `tolerance` where this can be reached.

    The integrals are computed by quadrature, and those of late rounds by quasi-random points if
    that would need too many nodes.
    """
    start, most = first_stage(point, len(schedule)), MOST_NODES // len(point.population)
    coarsest = Quadrature(_ORDERS[0], most)
    found = stages(start, schedule, coarsest)
    other = _other_errors(point, schedule, coarsest, _last(found))
    error, reached = np.full(len(schedule), np.inf), 0
    for order in _ORDERS[1:]:
        guesses = [each.threshold for each in _last(found)]
        fine = stages(start, schedule[: len(found)], Quadrature(order, most), guesses)
        number = len(fine)
        change = _change(_last(found[:number]), _last(fine))
        error[:number] = np.maximum(change, other[:number])
        found[:number] = fine
        reached = max(reached, number)
        # Rounding and the quadrature of the law do not fall with more nodes.
        if not number or (error[:number] <= np.maximum(tolerance, other[:number])).all():
            break
    outcomes = _last(found[:reached])
    if reached < len(schedule):
        stage = found[reached - 1] if reached else start
        late, error[reached:] = _by_points(stage, schedule[reached:], tolerance)
        error[reached:] = np.maximum(error[reached:], other[:reached].max(initial=0))
        outcomes += late
    residual = float(start.residual)
    return Estimated(start.fits[0].risk, outcomes, np.maximum(error, residual))


def _last(found: Sequence[Stage]) -> list[Outcome]:
    """The outcome of the last round of each stage."""
    return [stage.outcomes[-1] for stage in found]


def _other_errors(
    point: Point, schedule: Sequence[Round], quadrature: Quadrature, found: list[Outcome]
) -> Array:
    """Relative errors by rounding and, for a continuous law, by the quadrature of the law."""
    population = point.population
    guesses = [each.threshold for each in found]
    # Means and deviations change by a factor each, so that what ties still does.
    factors = 1, 1 + _CHANGE, 1 - _CHANGE
    groups = population.weight, population.eigenvalue, population.mean, population.std
    columns = (groups[0], *(x * factor for x, factor in zip(groups[1:], factors, strict=True)))
    moved = point._replace(population=Population(*columns), sigma=point.sigma * (1 + _CHANGE))
    if not any(np.isinf([each.pruned_risk, each.retrained_risk]).any() for each in found):
        # Where a risk is infinite, the smallest change of kappa would make it finite.
        moved = moved._replace(kappa=point.kappa * (1 + _CHANGE))
    error = _CHANGES * _from(moved, schedule, quadrature, guesses, found)
    if population.finer is not None:
        other = point._replace(population=population.finer)
        error = np.maximum(error, _from(other, schedule, quadrature, guesses, found))
    return np.maximum(error, population.tolerance)


def _from(
    other: Point,
    schedule: Sequence[Round],
    quadrature: Quadrature,
    guesses: Sequence[float],
    found: list[Outcome],
) -> Array:
    """The changes to what another problem gives, infinite for rounds that it does not reach."""
    there = _last(stages(first_stage(other, len(schedule)), schedule, quadrature, guesses))
    error = np.full(len(found), np.inf)
    number = min(len(found), len(there))
    error[:number] = _change(found[:number], there[:number])
    return error


def _by_points(
    stage: Stage, schedule: Sequence[Round], tolerance: float
) -> tuple[list[Outcome], Array]:
    """The numbers of late rounds as means over scrambled sequences of points, and their errors.

    An error is three standard errors, or the change from fewer points if that is larger: the mean
    of few points is biased.
    """
    guesses: list[float] = []
    before: list[Outcome] | None = None
    for count in _POINTS:
        runs = [
            _last(stages(stage, schedule, QuasiRandom(count, seed), guesses))
            for seed in range(_SEQUENCES)
        ]
        found = [_mean([run[i] for run in runs]) for i in range(len(schedule))]
        guesses = [each.threshold for each in found]
        deviations = np.array([_change(found, run) for run in runs])
        error = _STANDARD_ERRORS * np.sqrt((deviations**2).mean(axis=0) / (_SEQUENCES - 1))
        if before is not None:
            error = np.maximum(error, _change(before, found))
            if (error <= tolerance).all():
                break
        before = found
    return found, error


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each number."""
    return Outcome(*(np.mean(values, axis=0) for values in zip(*outcomes, strict=True)))


def _change(coarse: Sequence[Outcome], fine: Sequence[Outcome]) -> Array:
    """The largest relative change of a risk of each round; a NaN on both sides is no change.

    A fraction kept that is not the one asked for counts as well, and a risk that is too small to
    have its digits has an infinite error.
    """
    found = []
    for one, other in zip(coarse, fine, strict=True):
        pairs = (
            (one.pruned_risk, other.pruned_risk),
            (one.retrained_risk, other.retrained_risk),
        )
        found.append(max(_relative(*pair) for pair in pairs) + _known(other.missed))
    return np.array(found)


def _relative(x: float, y: float) -> float:
    if (x == y and not 0 < x < LEAST) or (np.isnan(x) and np.isnan(y)):
        return 0.0
    return _known(abs(x / y - 1)) if y >= LEAST else np.inf


def _known(error: float) -> float:
    """An error, infinite if it is NaN."""
    return np.inf if np.isnan(error) else float(error)
