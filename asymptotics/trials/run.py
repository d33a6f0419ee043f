"""Runs: a store supplies the trials that it holds, and workers compute the others."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..arithmetic import Array
from ..domains import POSITIVE
from ..errors import InvalidInput
from ..parameters import as_path, scalar, whole
from .execution import Crew, Job, cores, crew, run_jobs
from .experiment import Experiment
from .store import Store

#: Short trials are sent to a worker in jobs of about this many seconds (by `Experiment.cost`), so
#: that the overhead of sending a job does not matter.
_LEAST_JOB_SECONDS = 0.05
_MOST_TRIALS_PER_JOB = 16
_SAVE_INTERVAL = 1.0  # seconds between writes to the store
#: Least seconds after the time limit in which trials that have begun may still end.
_GRACE = 10.0

Outcomes = dict[int, Array]
Repeated = TypeVar("Repeated", bound=Experiment)


@dataclass
class Run:
    """Trials of any number of experiments with one seed, and their outcomes so far."""

    seed: int
    crew: Crew
    store: Store | None = None
    #: Times of `time.monotonic`.  After `deadline` no trial begins; at `end` the trials that are
    #: still running are abandoned.
    deadline: float | None = None
    end: float | None = None
    #: Called repeatedly during the run with the numbers of trials done and wanted.
    tick: Callable[[int, int], object] | None = None
    #: Whether Ctrl-C ended it.
    interrupted: bool = False
    # All of these are keyed by `Experiment.key`.
    _outcomes: dict[str, Outcomes] = field(default_factory=dict)
    _wanted: dict[str, int] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _unsaved: list[tuple[Experiment, int, Array]] = field(default_factory=list)
    _saved: float = 0.0

    def outcomes(self, experiment: Experiment) -> Outcomes:
        """The outcomes so far of the wanted trials, in ascending order of their index.

        A store may hold trials beyond those wanted.  They are left out, because otherwise the
        result would depend on earlier runs.
        """
        wanted = self._wanted.get(experiment.key, 0)
        found = sorted(self._outcomes.get(experiment.key, {}).items())
        return {index: outcome for index, outcome in found if index < wanted}

    def done(self, experiment: Experiment) -> int:
        """The number of outcomes so far, including stored trials beyond those wanted."""
        return len(self._outcomes.get(experiment.key, ()))

    def gave_up(self, experiment: Experiment) -> bool:
        """Whether a trial of the experiment began and was abandoned.

        The other trials are then a biased sample if the outcome of a trial depends on its duration.
        """
        return experiment.key in self._given_up

    def complete(self, wanted: Mapping[Repeated, int]) -> None:
        """Run the trials 0, ..., `wanted` - 1 of each experiment that have no outcome yet."""
        jobs, ready, total = [], 0, sum(wanted.values())
        for experiment, trials in wanted.items():
            found = self._recall(experiment)
            self._wanted[experiment.key] = trials
            missing = [index for index in range(trials) if index not in found]
            ready += trials - len(missing)
            # Jobs hold consecutive missing trials, at most `size` of them.
            size = _trials_per_job(experiment)
            jobs += [
                Job(experiment, self.seed, tuple(missing[start : start + size]))
                for start in range(0, len(missing), size)
            ]
        # In order of the trial's index, all experiments advance together: a run that ends early
        # has about as many trials of each.
        jobs.sort(key=lambda job: job.indices[0])
        if self.tick:
            self.tick(ready, total)
        try:
            for job, outcomes in run_jobs(jobs, self.crew, self.deadline, self.end):
                if outcomes is None:  # abandoned at the end of the time
                    self._given_up.add(job.experiment.key)
                    continue
                for index, outcome in zip(job.indices, outcomes, strict=True):
                    self._outcomes[job.experiment.key][index] = outcome
                    self._unsaved.append((job.experiment, index, outcome))
                ready += len(outcomes)
                if time.monotonic() > self._saved + _SAVE_INTERVAL:
                    self._save(ready, total)
        finally:
            self._save(ready, total)

    def _recall(self, experiment: Experiment) -> Outcomes:
        """The outcomes known so far; the store is read when an experiment is first seen."""
        if experiment.key not in self._outcomes:
            stored = self.store.outcomes(experiment, self.seed) if self.store else {}
            self._outcomes[experiment.key] = stored
        return self._outcomes[experiment.key]

    def _save(self, ready: int, total: int) -> None:
        """Write new outcomes to the store, and report progress."""
        if self.store and self._unsaved:
            self.store.add(self.seed, self._unsaved)
        self._unsaved.clear()
        self._saved = time.monotonic()
        if self.tick:
            self.tick(ready, total)


class Resources:
    """The workers, store, seed and time limit of a run, as the user gives them.

    Parameters
    ----------
    workers : int, optional
        Number of processes on this machine (by default, and at most, one for each core).
    executor : concurrent.futures.Executor, optional
        Runs the trials in place of those processes.
    scheduler : str, optional
        Address of a Dask scheduler whose cluster runs the trials.
    store : path, optional
        File that trials are written to.  Trials that it already holds are not run again.
    seed : int
        Seed of all random numbers.
    time_limit : float, optional
        Seconds after which no more trials begin.

    Raises
    ------
    InvalidInput
        If a value has the wrong type, or is outside its bounds.
    """

    def __init__(
        self,
        workers: int | None = None,
        executor: Executor | None = None,
        scheduler: str | None = None,
        store: str | Path | None = None,
        seed: int = 0,
        time_limit: float | None = None,
    ) -> None:
        asked = cores() if workers is None else whole("workers", workers)
        self.workers = min(asked, cores()) if executor is None else asked
        self.executor = _require_kind(
            "executor", executor, Executor, "a concurrent.futures.Executor"
        )
        self.scheduler = _require_kind(
            "scheduler", scheduler, str, "the address of a Dask scheduler"
        )
        self.store = None if store is None else as_path("store", store)
        self.seed = whole("seed", seed)
        limited = time_limit is not None
        self.time_limit = float(scalar("time_limit", time_limit, POSITIVE)) if limited else None

    @contextmanager
    def run(self, longest: float = 0.0) -> Iterator[Run]:
        """A context that gives a run, and ends its workers on exit.

        `longest` estimates the seconds of the longest trial.  After the time limit, trials that
        have begun may go on for as long as the limit again, and for at least ten seconds.  Ctrl-C
        leaves the context but does not end the program: the outcomes so far stay available, and
        the run has `interrupted` set.
        """
        with ExitStack() as stack:
            place = self.executor, self.scheduler, longest
            workers = stack.enter_context(crew(self.workers, *place))
            store = stack.enter_context(Store(self.store)) if self.store is not None else None
            run = Run(seed=self.seed, crew=workers, store=store)
            if self.time_limit is not None:
                run.deadline = time.monotonic() + self.time_limit
                run.end = run.deadline + max(self.time_limit, _GRACE)
            try:
                yield run
            except KeyboardInterrupt:
                run.interrupted = True


def _require_kind(key: str, value: Any, kind: Any, what: str) -> Any:
    """`value` if it is None or an instance of `kind`; raise `InvalidInput` otherwise."""
    if not isinstance(value, kind | None):
        raise InvalidInput(key, value, f"must be {what}")
    return value


def _trials_per_job(experiment: Experiment) -> int:
    """Number of trials that are sent to a worker as one job."""
    return max(1, min(int(_LEAST_JOB_SECONDS / experiment.cost), _MOST_TRIALS_PER_JOB))
