"""The numbers of a sequence of rounds, each with an estimate of its error.

Three errors count.  Nodes: the integrals of a round are computed with more and more nodes until two
numbers of them agree.  Rounding: the first computation is repeated with kappa and sigma changed by
a few of their rounding errors.  The law: for a continuous law, it is repeated with a finer
quadrature of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .masks import Quadrature, QuasiRandom, TooManyNodes
from .schedule import Round
from .sequence import Outcome, Point, outcomes

#: Nodes of a panel, one number after another.
_ORDERS = (4, 6, 8, 10, 13, 17, 22)
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

    The integrals are computed by quadrature, or by quasi-random points if too many nodes would be
    needed.
    """
    try:
        return _by_quadrature(point, schedule, tolerance)
    except TooManyNodes:
        return _by_quasi_random_points(point, schedule, tolerance)


def _by_quadrature(point: Point, schedule: Sequence[Round], tolerance: float) -> Estimated:
    """The numbers of each round by quadrature; raises `TooManyNodes`."""
    quadrature = Quadrature(_ORDERS[0])
    first, coarse = outcomes(point, schedule, quadrature)
    other = _other_errors(point, schedule, quadrature, coarse)
    for number, order in enumerate(_ORDERS[1:]):
        guesses = [each.threshold for each in coarse]
        try:
            _, fine = outcomes(point, schedule, Quadrature(order), guesses)
        except TooManyNodes:
            if not number:
                raise
            break
        error = np.maximum(_change(coarse, fine), other)
        coarse = fine
        # Rounding and the quadrature of the law do not fall with more nodes.
        if (error <= np.maximum(tolerance, other)).all():
            break
    return Estimated(first, coarse, error)


def _other_errors(
    point: Point, schedule: Sequence[Round], quadrature: Quadrature, found: list[Outcome]
) -> Array:
    """Relative errors by rounding and, for a continuous law, by the quadrature of the law."""
    guesses = [each.threshold for each in found]
    moved = point._replace(sigma=point.sigma * (1 + _CHANGE))
    if not any(np.isinf([each.pruned_risk, each.retrained_risk]).any() for each in found):
        # Where a risk is infinite, the smallest change of kappa would make it finite.
        moved = moved._replace(kappa=point.kappa * (1 + _CHANGE))
    error = _CHANGES * _change(found, outcomes(moved, schedule, quadrature, guesses)[1])
    finer = point.population.finer
    if finer is not None:
        other = point._replace(population=finer)
        error = np.maximum(error, _change(found, outcomes(other, schedule, quadrature, guesses)[1]))
    return np.maximum(error, point.population.tolerance)


def _by_quasi_random_points(point: Point, schedule: Sequence[Round], tolerance: float) -> Estimated:
    """The numbers of each round as means over scrambled sequences of points."""
    guesses: list[float] | None = None
    for count in _POINTS:
        runs = [
            outcomes(point, schedule, QuasiRandom(count, seed), guesses)
            for seed in range(_SEQUENCES)
        ]
        found = [_mean([run[1][i] for run in runs]) for i in range(len(schedule))]
        guesses = [each.threshold for each in found]
        deviations = np.array([_change(found, run[1]) for run in runs])
        spread = np.sqrt((deviations**2).mean(axis=0) / (_SEQUENCES - 1))
        error = np.maximum(_STANDARD_ERRORS * spread, point.population.tolerance)
        if (error <= tolerance).all():
            break
    return Estimated(runs[0][0], found, error)


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each number."""
    return Outcome(*(np.mean(values, axis=0) for values in zip(*outcomes, strict=True)))


def _change(coarse: Sequence[Outcome], fine: Sequence[Outcome]) -> Array:
    """The largest relative change of a risk of each round; a NaN on both sides is no change.

    A fraction kept that is not the one asked for counts as well.
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
    if x == y or (np.isnan(x) and np.isnan(y)):
        return 0.0
    return _known(abs(x / y - 1)) if y else np.inf


def _known(error: float) -> float:
    """An error, infinite if it is NaN."""
    return np.inf if np.isnan(error) else float(error)
