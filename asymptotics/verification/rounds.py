"""The public function `verify_rounds`: simulate rounds of pruning and retraining, and test them."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidInput
from ..iterated.schedule import Round, as_schedule
from ..line.grid import Grid, as_grid
from ..parameters import function
from ..population import Population, as_population
from ..prediction.rounds import rounds
from ..results import IteratedVerification
from ..simulation.designs import Law
from .judging import Judged, Progress, as_request, judged
from .plan import Prediction, schedule_points
from .predictions import TOLERANCE, of_schedule, rounds_to_test

#: What a row is about, in the order of a round.
_AFTER = ("cut", "fit")


def verify_rounds(
    population: Population,
    kappa: Any,
    sigma: Any,
    schedule: Any,
    ridge: Any = 0.0,
    *,
    p: int | None = None,
    trials: int | None = None,
    target_se: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    sampler: str = "auto",
    design: str | Law = "gaussian",
    noise: str | Law = "gaussian",
    predict: Prediction = rounds_to_test,
    level: float = 0.01,
    resolution: float = 0.05,
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> IteratedVerification:
    """Test the predicted risks of rounds of pruning and retraining by simulation.

    A trial draws one problem, trains it, and goes through all rounds on the same data.  Each round
    has two verdicts, on the risk after its cut and on that after its fit.  The risk after the first
    cut is that of `asymptotics.verify`, and a schedule of one round has its second fit.

    Parameters
    ----------
    population, kappa, sigma, schedule, ridge
        As in `asymptotics.rounds`.  A population that approximates a continuous law is simulated by
        its groups.
    p, trials, target_se, time_limit, seed, sampler, design, noise
        As in `asymptotics.verify`.
    predict : callable
        The function that is tested.  It takes the first five parameters of `asymptotics.rounds`,
        and returns an object with the attributes ``pruned_risk`` and ``retrained_risk``, each with
        a number for each round.  The default is `asymptotics.rounds` to a relative error of 1e-4.
    level, resolution, workers, executor, scheduler, store, progress
        As in `asymptotics.verify`; the level is that of all rows together.

    Returns
    -------
    IteratedVerification
        Its arrays have the shape of the points, with one more axis for the risks of the schedule.

        There is no verdict on a risk if a fit before it has no finite variance, or nearly none:
        where it trains about as many weights as there are samples, with no ridge.

    Raises
    ------
    InvalidInput, NoConvergence
        As `asymptotics.verify` and `asymptotics.rounds`.

    Notes
    -----
    The control variates are those of one second fit: the coefficients that are drawn, and the risks
    of the first fit before and after the first cut.  At one size, what its finiteness does to later
    rounds is bounded by the curvature of the risk in each fraction kept and in the noise level.

    Examples
    --------
    >>> from asymptotics import Population, verify_rounds
    >>> few = Population(weight=[0.9, 0.1], std=[0.2, 3])
    >>> steps = [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.2, "refit": False}]
    >>> found = verify_rounds(few, 0.9, 0.5, steps, p=400, trials=8, resolution=0.5, workers=1)
    >>> [str(after) for after in found.after], found.verdict.tolist()
    (['cut', 'fit', 'cut'], ['consistent', 'consistent', 'consistent'])
    """
    population = as_population(population)
    if population.law is not None:
        population = Population(*population.groups())
    grid = as_grid(kappa, sigma, 1.0, ridge, "magnitude").in_floats()
    if 0 in grid.shape:
        raise InvalidInput("points", f"shape {grid.shape}", "must be one or more")
    steps, flat = as_schedule(schedule), grid.flat()
    request = as_request(
        of_schedule(function("predict", predict)),
        p=p,
        trials=trials,
        target_se=target_se,
        time_limit=time_limit,
        seed=seed,
        sampler=sampler,
        design=design,
        noise=noise,
        level=level,
        resolution=resolution,
        workers=workers,
        executor=executor,
        scheduler=scheduler,
        store=store,
        progress=progress,
    )
    problems = np.stack([flat.kappa, flat.sigma, flat.ridge], axis=1)
    points = schedule_points([(k, s, r) for k, s, r in problems.tolist()], steps)
    found = judged(population, points, request)
    return _result(population, grid, steps, None if p is None else found.realised, found)


def _result(
    population: Population,
    grid: Grid,
    schedule: tuple[Round, ...],
    realised: Population | None,
    found: Judged,
) -> IteratedVerification:
    """The public result, from the columns of all rows.

    Its prediction is that of the realised problems if there is one size (then `realised` is their
    population), and that of the problems asked for otherwise.
    """
    of_row = [number for number, each in enumerate(schedule) for _ in _AFTER[: 1 + each.refit]]
    shape = (*grid.shape, len(of_row))
    columns = {key: column.reshape(shape) for key, column in found.columns.items()}
    kappa, sigma, ridge = (
        np.broadcast_to(x, grid.shape) for x in (grid.kappa, grid.sigma, grid.ridge)
    )
    theory, steps = kappa, schedule
    if realised is not None:
        # The realised problems have whole numbers of samples and of weights kept.
        theory, p = (columns["p"] / columns["n"])[..., 0], columns["p"].flat[0]
        steps = tuple(each._replace(alpha=float(round(each.alpha * p) / p)) for each in schedule)
    prediction = rounds(realised or population, theory, sigma, steps, ridge, tolerance=TOLERANCE)
    given = {key: prediction.column(key)[..., of_row] for key in prediction.grid}
    asked = {
        "kappa": kappa[..., None],
        "alpha": np.array([schedule[number].alpha for number in of_row]),
        "after": np.array([x for each in schedule for x in _AFTER[: 1 + each.refit]], dtype=object),
    }
    return IteratedVerification(
        prediction=prediction,
        interrupted=found.interrupted,
        **{key: np.broadcast_to(x, shape) for key, x in (given | asked | columns).items()},
    )
