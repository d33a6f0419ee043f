"""The columns of a result: rounds at several points, with a status for each number."""

from collections.abc import Sequence

import numpy as np

from ..arithmetic import Array
from ..line.rows import Progress
from ..outcomes import Status
from ..population import Population
from .errors import Estimated, estimated
from .schedule import Round
from .sequence import Point


def iterated_columns(
    population: Population,
    points: Array,
    schedule: Sequence[Round],
    tolerance: float,
    progress: Progress | None = None,
) -> dict[str, Array]:
    """Columns of shape (points, rounds) for points of (kappa, sigma, ridge)."""
    found = []
    for done, point in enumerate(points.tolist()):
        found.append(_columns(Point(population, *point), schedule, tolerance))
        if progress is not None:
            progress(done + 1, len(points))
    return {key: np.stack([each[key] for each in found]) for key in found[0]}


def _columns(point: Point, schedule: Sequence[Round], tolerance: float) -> dict[str, Array]:
    """The columns of one point, of shape (rounds,)."""
    result = estimated(point, schedule, tolerance)
    size = len(schedule)
    risks = np.array([(each.pruned_risk, each.retrained_risk) for each in result.outcomes])
    status = _statuses(result, risks, max(tolerance, point.population.tolerance))
    known = status != Status.NO_CONVERGENCE
    outcomes = {
        name: np.array([getattr(each, name) for each in result.outcomes])
        for name in ("threshold", "tau", "correlation")
    }
    columns = {
        "unpruned_risk": np.full(size, result.first_risk),
        "pruned_risk": risks[:, 0],
        "retrained_risk": risks[:, 1],
        **outcomes,
        "kept_share": np.array([each.shares for each in result.outcomes]),
    }
    for key, column in columns.items():
        if key != "unpruned_risk":
            column[~known] = np.nan
    # Where the weights before a cut are infinite it has no threshold.
    columns["threshold"][np.isinf(columns["pruned_risk"])] = np.nan
    given = {
        "round": np.arange(1, size + 1),
        "kappa": np.full(size, point.kappa),
        "sigma": np.full(size, point.sigma),
        "ridge": np.full(size, point.ridge),
        "alpha": np.array([each.alpha for each in schedule]),
        "rule": np.array([each.rule for each in schedule], dtype=object),
        "retrain_ridge": np.array([each.ridge if each.refit else np.nan for each in schedule]),
        "retrain_towards": np.array(
            [each.towards if each.refit else "" for each in schedule], dtype=object
        ),
    }
    return {**given, **columns, "error": result.error, "status": status}


def _statuses(result: Estimated, risks: Array, most: float) -> Array:
    """The status of each round."""
    unknown = np.isnan(risks[:, 0]) | ~(result.error <= most)
    status = np.where(np.isinf(risks).any(axis=1), Status.DIVERGES, Status.OK)
    return np.where(unknown, Status.NO_CONVERGENCE, status)
