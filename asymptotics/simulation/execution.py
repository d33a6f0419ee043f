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
_WAITING = 2  # jobs in hand for each worker, so that none waits for the next
_TICK = 0.5
_PATIENCE = 5  # seconds for a cluster to answer
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
    """Processes on this machine that Ctrl-C leaves alone, and that end at once when told to.

    What they are busy with is lost.  They do not run the main script again, so that it need not
    guard itself against that.
    """

    def __init__(self, workers: int) -> None:
        from loky import ProcessPoolExecutor

        resource_tracker.ensure_running()  # when it starts it lets Ctrl-C through again
        self._alive, self._held = Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(workers, initializer=_serve, initargs=(self._alive,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with _uninterrupted():  # which a process that is started inherits
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
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits; processes that are started here never see it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
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
    workers: int, executor: Executor | None = None, scheduler: str | None = None
) -> Iterator[Crew]:
    """So many workers on this machine or of an executor, or those of a cluster."""
    if executor is not None:
        yield Crew(workers, lambda: executor, owned=False)
    elif scheduler is not None:
        with _cluster(scheduler) as (remote, size):
            yield Crew(size, lambda: remote, owned=False)
    else:
        local = Crew(workers, lambda: _local(workers), owned=True)
        try:
            yield local
        finally:
            local.dismiss()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _local(workers: int) -> Executor:
    return Inline() if workers == 1 else Processes(workers)


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
    jobs: Sequence[Job], workers: Crew, deadline: float | None = None
) -> Iterator[tuple[Job, list[Array]]]:
    """Jobs with their outcomes, as they are done.

    After the `deadline` (of `time.monotonic`) no more are begun.  A job whose worker dies is tried
    again; `NoConvergence` is raised if that happens thrice.
    """
    waiting = deque((job, 1) for job in jobs)
    running: dict[Future[list[Array]], tuple[Job, int]] = {}
    try:
        while waiting or running:
            if deadline is not None and time.monotonic() > deadline:
                waiting.clear()
            while waiting and len(running) < _WAITING * workers.workers:
                job, attempt = waiting.popleft()
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
                waiting.extendleft([*running.values(), *lost])
                running.clear()
                workers.replace()
    finally:
        workers.abandon(running)


def _again(job: Job, attempt: int, error: BaseException) -> tuple[Job, int]:
    if attempt == _ATTEMPTS:
        raise NoConvergence(
            f"workers died {attempt} times at one trial ({error}): use fewer, or smaller problems"
        ) from error
    return job, attempt + 1
