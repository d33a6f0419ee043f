"""Running trials through an executor: this process, local processes, or a cluster."""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager
from multiprocessing import Pipe, connection, resource_tracker
from typing import Any, NamedTuple

from ..arithmetic import Array
from ..errors import InvalidInput, NoConvergence
from ..extras import extra
from .experiment import Experiment, blas_threads, run_trial

#: Number of times that a job is tried if its worker dies.
_ATTEMPTS = 3
#: Seconds between two looks at the clock while jobs run.
_POLL_INTERVAL = 0.5
#: Seconds within which a Dask scheduler must answer.
_CLUSTER_TIMEOUT = 5
#: Signals that end a process: Ctrl-C, a request to terminate, the closing of its terminal.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
#: Trials of at least this many seconds (by `Experiment.cost`) run in another process, which can be
#: ended, even where one worker would do.
_LONG_TRIAL = 1.0
#: Exceptions of a future that mean that its worker died.  A trial's own come as `TrialFailed`.
_WORKER_LOST = (BrokenExecutor, EOFError, OSError)


class TrialFailed(Exception):
    """An error of a trial that is of a kind by which executors report the death of a worker."""


class Job(NamedTuple):
    """Trials of one experiment that are sent to a worker together."""

    experiment: Experiment
    seed: int
    indices: tuple[int, ...]


def run_job(job: Job) -> list[Array]:
    """The outcomes of a job's trials, in order; a worker runs this function."""
    try:
        return [run_trial(job.experiment, job.seed, index) for index in job.indices]
    except _WORKER_LOST as error:
        raise TrialFailed(f"{type(error).__name__}: {error}") from error


class Inline(Executor):
    """An executor without workers: `submit` runs the function in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # `Future.result` raises it again
            future.set_exception(error)
        return future


class Processes(Executor):
    """Processes on this machine that this process alone can end, and can end at once.

    Ctrl-C in a terminal, and the command `timeout`, signal the whole group of processes.  The
    workers block such signals; they exit when their owner shuts them down or dies, and lose the
    trials that they are computing.  They do not import the main script, so that it needs no guard
    ``if __name__ == "__main__"``.
    """

    def __init__(self, workers: int) -> None:
        from loky import ProcessPoolExecutor
        from loky.backend import resource_tracker as tracker_of_loky

        # multiprocessing and loky each start a process that tracks semaphores.  It is started here,
        # and not together with the first worker, because its start unblocks signals that `submit`
        # has blocked.  It inherits the blocked signals of `_shielded`: SIGHUP would end it.
        for tracker in (resource_tracker, tracker_of_loky):
            with _shielded(), _without_warnings():
                tracker.ensure_running()
        # Nothing is ever written to this pipe.  When its owner's end closes, also because the owner
        # died, the workers notice it at theirs, and exit.
        self._workers_end, self._owners_end = Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            workers, initializer=_watch_owner, initargs=(self._workers_end,)
        )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with _shielded():  # loky may start a worker here
            future: Future[Any] = self._pool.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        # An exception between the unlinking of a semaphore and the message to its tracker would be
        # lost, as in all finalisers, and the message with it.
        with _shielded():
            self._owners_end.close()
            self._pool.shutdown(wait, kill_workers=cancel_futures)
            self._workers_end.close()
            del self._pool


def _watch_owner(alive: connection.Connection) -> None:
    """Let this worker exit when its owner closes the other end of the pipe, or dies."""
    threading.Thread(target=_exit_at_close, args=(alive,), daemon=True).start()


def _exit_at_close(alive: connection.Connection) -> None:
    connection.wait([alive])  # returns when the other end is closed
    os._exit(1)  # unlike `sys.exit`, it ends the process from any thread, even inside BLAS


@contextmanager
def _shielded() -> Iterator[None]:
    """Defer the signals that would end this process; processes started inside never get them."""
    with _deferred(_ENDING), _blocked(_ENDING):
        yield


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Let Python processes that are started inside show no warnings.

    A tracker unlinks the semaphores that it has heard of but not heard to be gone, and warns of
    each.  The warning is about a semaphore that is gone if this process ended, or was interrupted,
    between unlinking it and telling the tracker.
    """
    sys.warnoptions.append("ignore")  # the last option counts
    try:
        yield
    finally:
        sys.warnoptions.pop()


@contextmanager
def _deferred(numbers: Iterable[int]) -> Iterator[None]:
    """Defer the signals that Python code handles to the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread only
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in numbers}
    handled = {number: old for number, old in handlers.items() if callable(old)}
    try:
        for number in handled:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
        for number in came[:1]:  # the first decides how the process ends
            signal.raise_signal(number)


@contextmanager
def _blocked(numbers: Iterable[int]) -> Iterator[None]:
    """Block the signals inside; processes and threads that are started there inherit the block."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Crew:
    """Workers behind an executor.

    An `owned` executor is one that the crew made itself: the crew shuts it down at the end, and
    makes another one if a worker dies.  An executor of the user is left as it is.
    """

    def __init__(self, workers: int, make: Callable[[], Executor], owned: bool) -> None:
        self.workers, self._make, self._owned = workers, make, owned
        self._executor = make()

    def submit(self, job: Job) -> "Future[list[Array]]":
        """Let a worker run a job."""
        return self._executor.submit(run_job, job)

    def abandon(self, futures: Iterable["Future[list[Array]]"]) -> None:
        """Cancel jobs that are not done, if the executor is the user's.

        Processes of the crew are killed in `dismiss`.  Their pool then sets an error on every
        unfinished future, and setting it on a cancelled one would raise.
        """
        if not self._owned:
            for future in futures:
                future.cancel()

    def replace(self) -> None:
        """Make a new executor after a worker died, if the crew owns it."""
        if self._owned:
            self.dismiss()
            self._executor = self._make()

    def dismiss(self) -> None:
        """Shut down the executor, with all its jobs, if the crew owns it."""
        if self._owned:
            self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def crew(
    workers: int,
    executor: Executor | None = None,
    scheduler: str | None = None,
    longest: float = 0.0,
) -> Iterator[Crew]:
    """A context that gives the workers: of `executor`, of a Dask cluster, or local processes.

    `longest` estimates the seconds of the longest trial.  A single worker is this process itself,
    unless trials are long: linear algebra does not react to Ctrl-C until it returns, but another
    process can be killed.
    """
    if executor is not None:
        yield Crew(workers, lambda: executor, owned=False)
    elif scheduler is not None:
        with _cluster(scheduler) as (remote, size):
            yield Crew(size, lambda: remote, owned=False)
    else:
        inline = workers == 1 and longest < _LONG_TRIAL
        local = Crew(workers, lambda: Inline() if inline else Processes(workers), owned=True)
        try:
            yield local
        finally:
            local.dismiss()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Executor, int]]:
    """The executor of a Dask cluster, and its number of cores."""
    with extra("dask"):
        import distributed

    connect: Any = distributed.Client
    try:
        client = connect(scheduler, timeout=_CLUSTER_TIMEOUT)
    except Exception as error:  # an invalid address can raise almost any exception
        reason = str(error) or type(error).__name__
        raise InvalidInput("scheduler", scheduler, f"cannot be reached: {reason}") from None
    with client:
        # Not `pure`: a job that is submitted again must run again, and not return an old result.
        yield client.get_executor(pure=False), max(1, sum(client.ncores().values()))


def run_jobs(
    jobs: Sequence[Job], workers: Crew, deadline: float | None = None, end: float | None = None
) -> Iterator[tuple[Job, list[Array] | None]]:
    """Yield each job with its outcomes as soon as it is done.

    Both times are of `time.monotonic`.  After the `deadline` no further job begins.  At the `end`
    the jobs that are still running are abandoned, and yielded with None for their outcomes.  A job
    whose worker dies is tried again; at the third death `NoConvergence` is raised.  An error that a
    trial raises would come again, so it is not tried again: `NoConvergence` is raised for those by
    which executors report deaths, and others are left as they are.
    """
    blas_threads()  # before any thread of an executor needs it
    # `again` holds jobs that had begun when a worker died.  They are done even after the deadline:
    # if only jobs that survive were counted, the trials would not be a fair sample.
    waiting, again = deque((job, 1) for job in jobs), deque[tuple[Job, int]]()
    running: dict[Future[list[Array]], tuple[Job, int]] = {}
    most = workers.workers * _jobs_per_worker(jobs)
    try:
        while waiting or again or running:
            if _passed(deadline):
                waiting.clear()
            lost = _begin(waiting, again, running, workers, most)
            # The wait is short, so that the loop sees the deadline, the end and Ctrl-C.
            done, _ = wait(running, timeout=_POLL_INTERVAL, return_when=FIRST_COMPLETED)
            for future in done:
                job, attempt = running.pop(future)
                try:
                    yield job, future.result()
                except TrialFailed as error:
                    raise NoConvergence(f"a trial failed: {error}") from error
                except _WORKER_LOST as error:
                    lost.append(_next_attempt(job, attempt, error))
            if lost:
                # A pool breaks as a whole: the jobs of its other workers are lost with it, but
                # that is not counted against them.
                again.extend([*lost, *running.values()])
                running.clear()
                workers.replace()
            if _passed(end):
                break
        for job, _ in [*running.values(), *again]:
            yield job, None
    finally:
        workers.abandon(running)


def _begin(
    waiting: deque[tuple[Job, int]],
    again: deque[tuple[Job, int]],
    running: dict["Future[list[Array]]", tuple[Job, int]],
    workers: Crew,
    most: int,
) -> list[tuple[Job, int]]:
    """Submit jobs until `most` are running; return the job that was lost with a dead worker.

    Few jobs are submitted at a time, because an executor runs every job that it has, also after the
    deadline.
    """
    while (waiting or again) and len(running) < most:
        job, attempt = (again or waiting).popleft()
        try:
            running[workers.submit(job)] = job, attempt
        except BrokenExecutor as error:  # the worker died after the last look at its jobs
            return [_next_attempt(job, attempt, error)]
    return []


def _jobs_per_worker(jobs: Sequence[Job]) -> int:
    """The number of jobs that are submitted for each worker at a time.

    It is two, so that a worker has its next job at once; but one if trials are long, because all
    submitted jobs are still done after the deadline.
    """
    experiments = {id(job.experiment): job.experiment for job in jobs}.values()
    longest = max((experiment.cost for experiment in experiments), default=0.0)
    return 1 if longest >= _LONG_TRIAL else 2


def _passed(instant: float | None) -> bool:
    """Whether a time of `time.monotonic` has passed; None never passes."""
    return instant is not None and time.monotonic() > instant


def _next_attempt(job: Job, attempt: int, error: BaseException) -> tuple[Job, int]:
    """The job with the number of its next attempt; raises `NoConvergence` after the last one."""
    if attempt == _ATTEMPTS:
        raise NoConvergence(
            f"workers died {attempt} times at one trial ({error}): use fewer, or smaller problems"
        ) from error
    return job, attempt + 1
