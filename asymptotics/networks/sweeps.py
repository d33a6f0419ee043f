"""The public function `sweep`: the network experiment over a grid of settings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput
from ..outcomes import Status
from ..parameters import broadcast_shape, entry_name, function, objects, parameter, whole, wholes
from ..results import NetworkSweep
from ..tables import counted
from ..trials.memory import shortage
from ..trials.run import Resources
from .experiment import PRUNED, UNPRUNED, NetworkExperiment, Recipe
from .importance import require_few
from .pruning import MEASURES, measure_name
from .tasks import Task, Teacher

#: Called with the numbers of runs done and wanted.
Progress = Callable[[int, int], object]

_TEACHER = Teacher()
#: Largest work of a sweep, in seconds of one core: about 30 years, or days on a large cluster.
_MOST_WORK = 1e9
#: Columns that have a mean over runs and a standard error.
_AVERAGED = (*PRUNED, *UNPRUNED[:-1])


class _Setting(NamedTuple):
    """The parameters of the grid that training depends on; rows that share them share a network."""

    eta: float
    width: int
    samples: int


def sweep(
    eta: Any,
    alpha: Any = 0.5,
    rule: Any = "magnitude",
    *,
    width: Any = 64,
    samples: Any = 1000,
    task: Task = _TEACHER,
    scope: str = "global",
    activation: str = "relu",
    antisymmetric: bool = True,
    steps: int = 6000,
    step: float = 0.5,
    trials: int = 8,
    seed: int = 0,
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> NetworkSweep:
    r"""Train networks from :math:`(\eta W_0,v_0/\eta)`, prune them and measure what is left.

    Parameters
    ----------
    eta, alpha, rule, width, samples : array_like
        Scale of the start, fraction of weights kept, score by which weights are ranked
        (``"magnitude"``, ``"hessian"``, which may also be called ``"covariance"`` as in the linear
        model, ``"natural"``, ``"obs"``, ``"random"``), number of neurons, and number of training
        samples; they broadcast.
    task : Task
        The function to be learned: `Teacher` or `Digits`.  Each run draws a new sample and a new
        start.  Runs with the same index use the same random numbers over the grid, so that they
        differ only by what `samples` and `width` change.
    scope : {"global", "layer"}
        Whether weights are ranked over the whole network, or within each layer.
    activation : {"relu", "linear"}
    antisymmetric : bool
        Whether the start is such that f = 0; see `TwoLayer.random`.
    steps, step : int and float
        As in `gradient_descent`.
    trials, seed : int
        Number of runs, and the seed of all their random numbers.
    workers, executor, scheduler, store
        As in `asymptotics.verify`.  A stored run is used again only for the same rules and alphas
        of its setting.
    progress : callable, optional
        Called repeatedly during the run with the numbers of runs done and wanted.

    Returns
    -------
    NetworkSweep
        Means over runs and their standard errors; after Ctrl-C, from the runs that were done.

    Raises
    ------
    InvalidInput
        If a parameter is outside its domain; or if the sweep would take more than 1e9 seconds of a
        core, as estimated from its sizes, or more memory than the machine has.
    NoConvergence
        If all test targets of a run are equal, the damped matrix of OBS is singular, or workers
        keep dying.

    Examples
    --------
    >>> small = Teacher(features=5, test_samples=200)
    >>> found = sweep([0.5, 4], width=8, samples=50, task=small, trials=2, workers=1, steps=100)
    >>> found.kept_output, found.collapsed
    (array([1., 0.]), array([0., 1.]))
    """
    recipe = Recipe(task, scope, activation, antisymmetric, steps, step)
    columns = _checked_grid(eta, alpha, width, samples, rule, recipe)
    shape = broadcast_shape(columns)
    flat = {key: np.broadcast_to(column, shape).ravel() for key, column in columns.items()}
    trials = whole("trials", trials)
    resources = Resources(workers, executor, scheduler, store, seed)
    # Rows that differ only in alpha and rule share a trained network, and so an experiment.
    rows: dict[_Setting, list[int]] = {}
    for row, setting in enumerate(zip(*(flat[key] for key in _Setting._fields), strict=True)):
        rows.setdefault(_Setting(*(value.item() for value in setting)), []).append(row)
    experiments = {
        setting: _experiment(recipe, setting, places, flat) for setting, places in rows.items()
    }
    _require_feasible(experiments.values(), resources.workers, trials)
    with resources.run() as run:
        run.tick = None if progress is None else function("progress", progress)
        run.complete(dict.fromkeys(experiments.values(), trials))
    records: list[dict[str, Any]] = [{}] * len(flat["rule"])
    for setting, experiment in experiments.items():
        outcomes = np.array(list(run.outcomes(experiment).values()))
        for row in rows[setting]:
            alpha, rule = float(flat["alpha"][row]), str(flat["rule"][row])
            records[row] = _record(experiment, outcomes, alpha, rule)
    measured = {name: np.array([record[name] for record in records]) for name in records[0]}
    return NetworkSweep(
        **{name: column.reshape(shape) for name, column in (flat | measured).items()},
        interrupted=run.interrupted,
    )


def _checked_grid(
    eta: Any, alpha: Any, width: Any, samples: Any, rule: Any, recipe: Recipe
) -> dict[str, Array]:
    """The parameters of the grid as arrays that broadcast; raises `InvalidInput` for wrong ones."""
    columns = {
        "eta": np.asarray(parameter("eta", eta), dtype=np.float64),
        "alpha": np.asarray(parameter("alpha", alpha), dtype=np.float64),
        "width": wholes("width", width),
        "samples": wholes("samples", samples, 1, recipe.task.most),
        "rule": _rules(rule),
    }
    odd = columns["width"][columns["width"] % 2 == 1]
    if recipe.antisymmetric and odd.size:
        raise InvalidInput("width", int(odd[0]), "must be even for an antisymmetric start")
    if 0 in (shape := broadcast_shape(columns)):
        raise InvalidInput("shapes", shape, "must have one or more points")
    return columns


def _rules(rule: Any) -> Array:
    """The names of measures as an array of strings, of the shape of `rule`."""
    names = objects("rule", rule).copy()
    for index, name in np.ndenumerate(names):
        names[index] = measure_name(entry_name("rule", index), name)
    return names


def _experiment(
    recipe: Recipe, setting: _Setting, rows: Sequence[int], flat: Mapping[str, Array]
) -> NetworkExperiment:
    """The experiment that serves all rows of a setting."""
    alphas = sorted({float(flat["alpha"][row]) for row in rows})
    asked = {flat["rule"][row] for row in rows}
    rules = tuple(name for name in MEASURES if name in asked)
    return NetworkExperiment(recipe, *setting, alphas=tuple(alphas), rules=rules)


def _require_feasible(
    experiments: Collection[NetworkExperiment], workers: int, trials: int
) -> None:
    """Raise `InvalidInput` for a sweep that takes too much time or memory, or must fail.

    `obs` refuses large layers; checking it here saves the training.  The time is estimated from the
    sizes alone, so that the same sweep is refused on every machine.
    """
    work = trials * sum(experiment.cost for experiment in experiments)
    if work > _MOST_WORK:
        allowed = f"must be at most {_MOST_WORK:.0e}: fewer steps, runs, neurons or samples"
        raise InvalidInput("work", f"{work:.0e} seconds of a core, roughly", allowed)
    for experiment in experiments:
        if "obs" in experiment.rules:
            require_few(experiment.width * experiment.recipe.task.features)
        if missing := shortage(experiment.memory, workers, "workers"):
            raise InvalidInput("samples", experiment.samples, missing)


def _record(
    experiment: NetworkExperiment, outcomes: Array, alpha: float, rule: str
) -> dict[str, Any]:
    """The columns of the result for one row: means over its runs, standard errors, and status."""
    record: dict[str, Any] = dict.fromkeys(_AVERAGED, np.nan)
    record |= {f"{name}_se": np.nan for name in _AVERAGED}
    record |= {"collapsed": np.nan, "converged": np.nan, "trials": len(outcomes)}
    if not len(outcomes):
        return record | {"status": Status.NO_RUNS, "reason": Status.NO_RUNS.cause}
    values = experiment.named(outcomes, rule, alpha)
    # A run that diverged returns NaN.  A mean of the other runs would be biased.
    diverged = int(np.isnan(values["unpruned_error"]).sum())
    if diverged:
        runs = counted(len(outcomes), "run")
        reason = f"{diverged} of {runs} diverged: take a smaller step"
        return record | {"status": Status.DIVERGES, "reason": reason}
    record |= {name: column.mean() for name, column in values.items()}
    if len(outcomes) > 1:
        root = len(outcomes) ** 0.5
        record |= {f"{name}_se": values[name].std(ddof=1) / root for name in _AVERAGED}
    collapsed = (values["kept_hidden"] == 0) | (values["kept_output"] == 0)
    return record | {"collapsed": collapsed.mean(), "status": Status.OK, "reason": ""}
