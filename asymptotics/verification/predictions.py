"""The risks of a point, as theory or the user's function predicts them.

They are arrays of the shape (risks, rules, alphas), in the order in which weights are cut and
fitted; see `plan.Place`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..errors import InvalidInput
from ..iterated.schedule import Round
from ..parameters import as_array, exact
from ..population import Population
from ..prediction.risk import risk
from ..prediction.rounds import rounds
from ..results import IteratedRisk, RetrainedRisk, RiskResult
from ..tables import counted
from .plan import Point, Prediction, Predictions

#: The relative error to which theory computes the risks of rounds.  It is far below what
#: simulations can tell, and integrals to more digits take longer.
TOLERANCE = 1e-4


def of_theory(population: Population, point: Point) -> Array:
    """The risks that this package predicts."""
    if point.later:
        return _of_schedule(rounds_to_test, population, point)
    return np.array(each_risk(risk_of(population, point, np.array(point.alphas))))


def risk_of(population: Population, point: Point, alpha: Array) -> RiskResult:
    """The prediction for each rule of the first cut; values of alpha are along the last axis."""
    rules = np.empty((len(point.rules), 1), dtype=object)
    rules[:, 0] = point.rules
    return risk(population, point.kappa, point.sigma, alpha, point.ridge, rules, **point.second_fit)


def each_risk(result: RiskResult) -> list[Array]:
    """The pruned risk, and the risk after a second fit if there is one."""
    again = [result.retrained_risk] if isinstance(result, RetrainedRisk) else []
    return [result.risk, *again]


def rounds_to_test(
    population: Population, kappa: float, sigma: float, schedule: Sequence[Round], ridge: float
) -> IteratedRisk:
    """The risks of rounds as `asymptotics.rounds` predicts them, to the error `TOLERANCE`."""
    return rounds(population, kappa, sigma, schedule, ridge, tolerance=TOLERANCE)


def of_grid(predict: Prediction) -> Predictions:
    """The user's prediction of the last risk, asked for rule by rule and alpha by alpha."""
    return partial(_of_grid, predict)


def of_schedule(predict: Prediction) -> Predictions:
    """The user's prediction of all risks of a schedule."""
    return partial(_of_schedule, predict)


def _of_grid(predict: Prediction, population: Population, point: Point) -> Array:
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
        numbers = _numbers(getattr(result, tested, result))
        if numbers is None or numbers.size != 1:
            raise InvalidInput("predict", result, "must return one risk for one problem")
        predicted[row, column] = numbers.item()
    unasked = [] if point.retraining is None else [np.full_like(predicted, np.nan)]
    return np.array([*unasked, predicted])


def _of_schedule(predict: Prediction, population: Population, point: Point) -> Array:
    schedule = point.schedule
    result = predict(population, point.kappa, point.sigma, schedule, point.ridge)
    columns = []
    for name in ("pruned_risk", "retrained_risk"):
        numbers = _numbers(getattr(result, name, ()))
        if numbers is None or numbers.size != len(schedule):
            allowed = f"must give {name} of each of {counted(len(schedule), 'round')}"
            raise InvalidInput("predict", predict, allowed)
        columns.append(numbers.ravel())
    pairs = zip(schedule, *columns, strict=True)
    return np.reshape([x for each, *both in pairs for x in both[: 1 + each.refit]], (-1, 1, 1))


def _numbers(given: Any) -> Array | None:
    """What a function gives as floats, or None if there is something else among it."""
    entries = [exact(entry) for entry in as_array("predict", given).ravel()]
    if any(entry is None for entry in entries):
        return None
    return FLOAT64.floats(np.array(entries, dtype=object))
