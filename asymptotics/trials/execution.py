"""Running trials through an executor."""

import os
import signal
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
from .experiment import Experiment, run_trial

#: Attempts at a job whose worker dies.
_ATTEMPTS = 3
_TICK = 0.5
_PATIENCE = 5  # seconds for a cluster to answer
#: Signals that end a process: Ctrl-C, a request to terminate, a terminal that is closed.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
#: Seconds of a trial, by its experiment's reckoning, from which it is left to another process.
_LONG = 1.0
#: What a future raises whose worker is gone.
_DEATHS = (BrokenExecutor, EOFError, OSError)


class Job(NamedTuple):
    """Trials of one experiment, small enough to be worth sending together."""

    experiment: Experiment
    seed: int
    indices: tuple[int, ...]


def run_job(job: Job) -> list[Array]:
    """The outcomes of a job's trials."""
    return [run_trial(job.experiment, job.seed, index) for index in job.indices]


class Inline(Executor):
    """Does what is submitted at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # a future hands on whatever went wrong
            future.set_exception(error)
        return future


class Processes(Executor):
    """Processes on this machine that are ended by this one alone, and at once.

    Signals that a terminal or `timeout` sends to the whole group of processes leave them alone.
    What they are busy with when they are ended is lost.  They do not run the main script again, so
    that it need not guard itself against that.
    """

    def __init__(self, workers: int) -> None:
        from loky import ProcessPoolExecutor
        from loky.backend import resource_tracker as tracker_of_loky

        # The processes that track semaphores are started first, because their start lets signals
        # through that are held back here.  SIGHUP is blocked, or they would end by it.
        for tracker in (resource_tracker, tracker_of_loky):
            with _undisturbed():
                tracker.ensure_running()
        self._alive, self._held = Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(workers, initializer=_serve, initargs=(self._alive,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with _undisturbed():  # processes may be started
            future: Future[Any] = self._pool.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        self._held.close()
        self._pool.shutdown(wait, kill_workers=cancel_futures)
        self._alive.close()


def _serve(alive: connection.Connection) -> None:
    """End this process when the other end of the pipe is closed, or its owner has ended."""
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: connection.Connection) -> None:
    connection.wait([alive])
    os._exit(1)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that would end this process wait; processes that are started here never see them."""
    with _waiting(_ENDING), _blocked(_ENDING):
        yield


@contextmanager
def _waiting(numbers: Iterable[int]) -> Iterator[None]:
    """Signals that Python code handles are handled at the end, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield  # in which Python handles no signals
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
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def _blocked(numbers: Iterable[int]) -> Iterator[None]:
    """Processes and threads that are started here do not receive the signals."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Crew:
    """Workers: an executor that is given, or processes of our own, replaced if one dies."""

    def __init__(self, workers: int, make: Callable[[], Executor], owned: bool) -> None:
        self.workers, self._make, self._owned = workers, make, owned
        self._executor = make()

    def submit(self, job: Job) -> "Future[list[Array]]":
        return self._executor.submit(run_job, job)

    def abandon(self, futures: Iterable["Future[list[Array]]"]) -> None:
        """Leave jobs undone.

        Our own processes end with what they are at, and their pool, which sets an error on each
        job that it did not finish, trips over one that is cancelled.
        """
        if not self._owned:
            for future in futures:
                future.cancel()

    def replace(self) -> None:
        """Start over after workers died."""
        if self._owned:
            self.dismiss()
            self._executor = self._make()

    def dismiss(self) -> None:
        if self._owned:
            self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def crew(
    workers: int,
    executor: Executor | None = None,
    scheduler: str | None = None,
    longest: float = 0.0,
) -> Iterator[Crew]:
    """So many workers on this machine or of an executor, or those of a cluster.

    `longest` are the seconds of the longest trial.  A single worker is this process itself, unless
    trials are long: linear algebra does not listen to Ctrl-C, but another process can be ended.
    """
    if executor is not None:
        yield Crew(workers, lambda: executor, owned=False)
    elif scheduler is not None:
        with _cluster(scheduler) as (remote, size):
            yield Crew(size, lambda: remote, owned=False)
    else:
        inline = workers == 1 and longest < _LONG
        local = Crew(workers, lambda: Inline() if inline else Processes(workers), owned=True)
        try:
            yield local
        finally:
            local.dismiss()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Executor, int]]:
    with extra("dask"):
        import distributed

    connect: Any = distributed.Client
    try:
        client = connect(scheduler, timeout=_PATIENCE)
    except Exception as error:  # whatever the client makes of an address that is none
        reason = str(error) or type(error).__name__
        raise InvalidInput("scheduler", scheduler, f"cannot be reached: {reason}") from None
    with client:
        yield client.get_executor(pure=False), max(1, sum(client.ncores().values()))


def run_jobs(
    jobs: Sequence[Job], workers: Crew, deadline: float | None = None, end: float | None = None
) -> Iterator[tuple[Job, list[Array] | None]]:
    """Jobs with their outcomes, as they are done.

    After the `deadline` (of `time.monotonic`) no more are begun.  At the `end` those that are still
    under way are given up, if that can be, and have no outcomes.  A job whose worker dies is tried
    again; `NoConvergence` is raised if that happens thrice.
    """
    waiting, again = deque((job, 1) for job in jobs), deque[tuple[Job, int]]()
    running: dict[Future[list[Array]], tuple[Job, int]] = {}
    most = workers.workers * _in_hand(jobs)
    try:
        while waiting or again or running:
            if _passed(deadline):
                waiting.clear()
            while (waiting or again) and len(running) < most:
                job, attempt = (again or waiting).popleft()
                running[workers.submit(job)] = job, attempt
            done, _ = wait(running, timeout=_TICK, return_when=FIRST_COMPLETED)
            lost = []
            for future in done:
                job, attempt = running.pop(future)
                try:
                    yield job, future.result()
                except _DEATHS as error:
                    lost.append(_again(job, attempt, error))
            if lost:
                again.extend([*lost, *running.values()])
                running.clear()
                workers.replace()
            if _passed(end):
                break
        for job, _ in [*running.values(), *again]:
            yield job, None
    finally:
        workers.abandon(running)


def _in_hand(jobs: Sequence[Job]) -> int:
    """Jobs that each worker has in hand.

    Two, so that none waits for the next; but one if trials are long, because what is in hand at the
    deadline is still done.
    """
    experiments = {id(job.experiment): job.experiment for job in jobs}.values()
    longest = max((experiment.cost for experiment in experiments), default=0.0)
    return 1 if longest >= _LONG else 2


def _passed(instant: float | None) -> bool:
    return instant is not None and time.monotonic() > instant


def _again(job: Job, attempt: int, error: BaseException) -> tuple[Job, int]:
    if attempt == _ATTEMPTS:
        raise NoConvergence(
            f"workers died {attempt} times at one trial ({error}): use fewer, or smaller problems"
        ) from error
    return job, attempt + 1
