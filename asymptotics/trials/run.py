"""Runs: trials that are wanted, those that a store has, and workers for the rest."""

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

#: Seconds that a job takes at least, by its experiment's reckoning: enough to outweigh sending it.
_WORK = 0.05
_MOST_TOGETHER = 16
_SAVING = 1.0  # seconds between writes to the store
#: Seconds after a time limit, if the limit is shorter, in which what is under way may end.
_GRACE = 10.0

Outcomes = dict[int, Array]
Repeated = TypeVar("Repeated", bound=Experiment)


@dataclass
class Run:
    """Trials under way, of any number of experiments and one seed."""

    seed: int
    crew: Crew
    store: Store | None = None
    #: By `time.monotonic`: after the deadline no trials are begun, at the end all are given up.
    deadline: float | None = None
    end: float | None = None
    #: Called now and then with trials done and wanted.
    tick: Callable[[int, int], object] | None = None
    #: Whether it was ended by hand.
    interrupted: bool = False
    _outcomes: dict[str, Outcomes] = field(default_factory=dict)
    _wanted: dict[str, int] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _unsaved: list[tuple[Experiment, int, Array]] = field(default_factory=list)
    _saved: float = 0.0

    def outcomes(self, experiment: Experiment) -> Outcomes:
        """The outcomes so far of trials that are wanted, by their index and in its order.

        A store may hold more, which would make the result depend on what was run before.
        """
        wanted = self._wanted.get(experiment.key, 0)
        found = sorted(self._outcomes.get(experiment.key, {}).items())
        return {index: outcome for index, outcome in found if index < wanted}

    def done(self, experiment: Experiment) -> int:
        """How many outcomes there are so far, of any trials."""
        return len(self._outcomes.get(experiment.key, ()))

    def gave_up(self, experiment: Experiment) -> bool:
        """Whether a trial was begun and not ended in time.

        Those that are left are then no fair sample, if trials that take longer differ from others.
        """
        return experiment.key in self._given_up

    def complete(self, wanted: Mapping[Repeated, int]) -> None:
        """Do what is missing of the first `wanted` trials of each experiment."""
        jobs, ready, total = [], 0, sum(wanted.values())
        for experiment, trials in wanted.items():
            found = self._recall(experiment)
            self._wanted[experiment.key] = trials
            missing = [index for index in range(trials) if index not in found]
            ready += trials - len(missing)
            size = _together(experiment)
            jobs += [
                Job(experiment, self.seed, tuple(missing[start : start + size]))
                for start in range(0, len(missing), size)
            ]
        # All experiments advance together, so that a run cut short has something of each.
        jobs.sort(key=lambda job: job.indices[0])
        if self.tick:
            self.tick(ready, total)
        try:
            for job, outcomes in run_jobs(jobs, self.crew, self.deadline, self.end):
                if outcomes is None:
                    self._given_up.add(job.experiment.key)
                    continue
                for index, outcome in zip(job.indices, outcomes, strict=True):
                    self._outcomes[job.experiment.key][index] = outcome
                    self._unsaved.append((job.experiment, index, outcome))
                ready += len(outcomes)
                if time.monotonic() > self._saved + _SAVING:
                    self._save(ready, total)
        finally:
            self._save(ready, total)

    def _recall(self, experiment: Experiment) -> Outcomes:
        if experiment.key not in self._outcomes:
            stored = self.store.outcomes(experiment, self.seed) if self.store else {}
            self._outcomes[experiment.key] = stored
        return self._outcomes[experiment.key]

    def _save(self, ready: int, total: int) -> None:
        if self.store and self._unsaved:
            self.store.add(self.seed, self._unsaved)
        self._unsaved.clear()
        self._saved = time.monotonic()
        if self.tick:
            self.tick(ready, total)


class Resources:
    """Where, how long and from which seed trials are run, and where they are kept.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine (by default, and at most, one for each core).
    executor : concurrent.futures.Executor, optional
        Runs them instead.
    scheduler : str, optional
        The address of a Dask scheduler that does.
    store : path, optional
        A file to which trials are written, and from which those already there are taken.
    seed : int
        Of all random numbers.
    time_limit : float, optional
        Seconds after which no more trials are begun.

    Raises
    ------
    InvalidInput
        A value of another kind, or outside its bounds.
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
        self.executor = _given("executor", executor, Executor, "a concurrent.futures.Executor")
        self.scheduler = _given("scheduler", scheduler, str, "the address of a Dask scheduler")
        self.store = None if store is None else as_path("store", store)
        self.seed = whole("seed", seed)
        limited = time_limit is not None
        self.time_limit = float(scalar("time_limit", time_limit, POSITIVE)) if limited else None

    @contextmanager
    def run(self, longest: float = 0.0) -> Iterator[Run]:
        """A run whose workers end with it; `longest` are the seconds of its longest trial, roughly.

        Trials that are under way at the time limit go on for as long again, or ten seconds.  Ctrl-C
        ends the run, not the program: what was done is there, and the run says `interrupted`.
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


def _given(key: str, value: Any, kind: Any, what: str) -> Any:
    """`value`, if it is of a kind or not given."""
    if not isinstance(value, kind | None):
        raise InvalidInput(key, value, f"must be {what}")
    return value


def _together(experiment: Experiment) -> int:
    """Trials of one job."""
    return max(1, min(int(_WORK / experiment.cost), _MOST_TOGETHER))
