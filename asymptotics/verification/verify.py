"""The public function `verify`: simulate a grid of problems, and test predictions by it."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from ..arithmetic import FLOAT64
from ..line.grid import NUMBERS, Grid, RulesLike, as_grid, asked_refit
from ..parameters import function
from ..population import Population, as_population
from ..prediction.risk import risk
from ..results import RetrainedVerification, Verification
from ..simulation.designs import Law
from .judging import Judged, Progress, as_request, judged
from .plan import Prediction, grid_points
from .predictions import of_grid


def verify(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    retrain: bool = False,
    retrain_ridge: Any = None,
    retrain_towards: Any = None,
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
    """Test predicted risks by simulation.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge, rule
        As in `asymptotics.risk`; they broadcast.  If the population approximates a continuous law
        by groups (`Population.from_distribution`, `Population.power_law`), features are drawn from
        the law itself, with the seed, and the prediction is that of the groups: so an error of the
        quadrature is found.
    retrain, retrain_ridge, retrain_towards
        As in `asymptotics.risk`.  With ``retrain=True`` the weights kept are trained a second time
        on the same simulated data, and the risk after this second fit is tested: `mean`, `z` and
        `verdict` are about `retrained_risk`.
    p : int, optional
        Number of features.  By default each problem is simulated at three sizes, doubling, and
        the difference between simulation and theory is extrapolated to infinite p.
    trials : int, optional
        Number of trials at each size.  By default as many as reach `target_se`.  With fewer than
        eight a row has a mean and a standard error, but no verdict.
    target_se : float, optional
        Standard error to reach, relative to the risk.  By default the one at which an error of
        1 % in a prediction is detected, as long as that takes minutes.
    time_limit : float, optional
        Seconds after which no more trials begin.  Trials that have begun may go on for as long
        again, and for at least ten seconds.  Without `p`, smaller problems are taken if 16 trials
        (or `trials`) of each would not fit into the limit.  The time of a trial is estimated from
        its sizes, so that the choice does not depend on the speed of the machine.
    seed : int
        Seed of all random numbers.  The same seed gives the same trials with any workers.
    sampler : {"auto", "dense", "exact", "implicit"}
        See `asymptotics.simulation`.  For a second fit ``"exact"`` is refused, because it draws no
        data.
    design, noise : str
        Law of the entries of the design, and of the label noise: ``gaussian``, ``rademacher``,
        ``uniform``, ``student-t=5``, ``sparse=0.1``.
    predict : callable
        The function that is tested.  It takes the first six parameters of `asymptotics.risk`, and
        returns a risk, or an object that has it as its attribute ``risk``.  It is called for each
        point of the grid (with `p`, for the realised points, whose numbers of weights are whole).
        For a second fit it also gets ``retrain=True``, `retrain_ridge` and `retrain_towards`, and
        an object that it returns must have the attribute ``retrained_risk``.
    level : float
        Probability that at least one right prediction of the run comes out inconsistent.
    resolution : float
        Relative error, at most 1, that must be detectable for a prediction to be called consistent.
    workers, executor, scheduler
        Number of processes on this machine (by default, and at most, one for each core); or any
        `concurrent.futures.Executor`; or the address of a Dask scheduler.
    store : path, optional
        File that trials are written to.  Trials that it already holds are not run again.
    progress : callable, optional
        Called repeatedly during the run with the numbers of trials done and wanted, and the largest
        relative standard error so far.

    Returns
    -------
    Verification
        A verdict for each row; after Ctrl-C, from the trials that were done.  With ``retrain=True``
        it is a `RetrainedVerification`.

        There is no verdict where the simulated risk has no finite variance, or nearly none: near
        the interpolation threshold of the first fit (without a ridge of its own), and of the second
        fit, where as many weights are kept as there are samples.

    Raises
    ------
    InvalidInput
        If a parameter is outside its domain, a problem cannot be simulated at `p`, or eight trials
        (with a `store`, one) at the smallest sizes would not fit into `time_limit`.
    NoConvergence
        If a solver does not converge, or workers keep dying.

    Examples
    --------
    >>> from asymptotics import Population, verify
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    >>> verify(two, kappa=0.5, sigma=0.5, alpha=0.4, workers=1).verdict.item()
    'consistent'
    """
    population = as_population(population)
    refit = asked_refit(retrain, retrain_ridge, retrain_towards)
    grid = as_grid(kappa, sigma, alpha, ridge, rule, refit)
    request = as_request(
        of_grid(function("predict", predict)),
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
    found = judged(population, grid_points(grid), request)
    return _result(population, grid, None if p is None else found.realised, found)


def _result(
    population: Population,
    grid: Grid,
    realised: Population | None,
    found: Judged,
) -> Verification:
    """The public result, from the columns of all rows.

    Its prediction is computed at the realised points if there is one size (then `realised` is their
    population), and at the points of the grid otherwise.
    """
    shape, flat = grid.shape, grid.flat()
    columns = dict(found.columns)
    asked = {key: FLOAT64.array(getattr(flat, key)) for key in NUMBERS} | {"rule": flat.rule}
    theory = asked
    if realised is not None:
        # The realised problems have whole numbers of samples and of weights kept.
        p, n = columns["p"], columns["n"]
        theory = asked | {"kappa": p / n, "alpha": np.rint(asked["alpha"] * p) / p}
    parameters = [theory[key].reshape(shape) for key in (*NUMBERS, "rule")]
    given: dict[str, Any] = {}
    kind: type[Verification] = Verification
    if flat.refit is not None:
        kind, given = RetrainedVerification, {"retrain": True}
        second = flat.refit._replace(retrain_ridge=FLOAT64.array(flat.refit.retrain_ridge))
        asked |= second._asdict()
        given |= {key: column.reshape(shape) for key, column in second._asdict().items()}
    prediction = risk(realised or population, *parameters, **given)
    if given:
        columns |= {"risk": prediction.risk, "retrained_risk": columns["risk"]}
    return kind(
        prediction=prediction,
        interrupted=found.interrupted,
        **{key: column.reshape(shape) for key, column in (asked | columns).items()},
    )
