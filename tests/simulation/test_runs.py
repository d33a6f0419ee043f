"""Runs give the same numbers whatever does the work, and survive what happens to it."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asymptotics import InvalidInput, NoConvergence, Population, Verification, verify
from asymptotics.errors import WriteFailed
from asymptotics.simulation import (
    Dense,
    LinearExperiment,
    Store,
    realise,
    run_trial,
)
from asymptotics.theory import MAGNITUDE
from asymptotics.theory.rules import WeightRule
from asymptotics.trials import execution
from asymptotics.trials.execution import (
    Crew,
    Inline,
    Job,
    Processes,
    _shielded,
    crew,
    run_jobs,
)
from tests.processes import INTERRUPTIBLE, stored

POPULATION = Population(weight=[1, 3], eigenvalue=[5, 1], mean=[0.5, 0], std=[0.5, 1])
SPEC = """
kappa = [0.5, 2]
sigma = 0.7
alpha = [0.3, 0.6]
rule = ["magnitude", "oracle"]

[[population]]
weight = 1
eigenvalue = 5
mean = 0.5
std = 0.5

[[population]]
weight = 3
std = 1
"""
NUMBERS = ("mean", "standard_error", "z", "gain", "trials")


def grid_run(**settings: Any) -> Verification:
    kappa = np.array([0.5, 2.0])[:, None]
    settings = {"p": 120, "trials": 6, "seed": 5, "workers": 1} | settings
    return verify(POPULATION, kappa, 0.7, [0.3, 0.6], **settings)


def assert_same(one: Verification, two: Verification) -> None:
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), name)


def experiment(p: int = 40) -> LinearExperiment:
    return LinearExperiment(realise(POPULATION, p, 2.0, 0.7, [0.3], 0.0, [MAGNITUDE]), Dense(), 2)


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers(workers: int) -> None:
    one = grid_run()
    assert_same(one, grid_run(workers=workers))  # of which no more are used than there are cores
    with Processes(workers) as executor:
        assert_same(one, grid_run(executor=executor, workers=workers))


def test_any_executor() -> None:
    with ThreadPoolExecutor(3) as executor:
        assert_same(grid_run(), grid_run(executor=executor))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_dask_cluster() -> None:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        assert_same(grid_run(), grid_run(scheduler=cluster.scheduler_address))


def test_a_scheduler_that_is_not_there() -> None:
    with pytest.raises(InvalidInput, match="scheduler = 'nowhere'"):
        grid_run(scheduler="nowhere")


def test_another_seed_gives_other_numbers() -> None:
    assert not np.any(grid_run().mean == grid_run(seed=6).mean)


class Mortal(Executor):
    """Its workers die at the first jobs."""

    def __init__(self, deaths: int) -> None:
        self.deaths = deaths

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        future: Future[Any] = Future()
        if self.deaths:
            self.deaths -= 1
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result(function(*arguments, **keywords))
        return future


def test_a_dead_worker_costs_a_retry() -> None:
    jobs = [Job(experiment(), 0, (index,)) for index in range(5)]
    mortal = Mortal(3)
    done = dict(run_jobs(jobs, Crew(2, lambda: mortal, owned=False)))
    assert set(done) == set(jobs)
    with pytest.raises(NoConvergence, match="workers died 3 times"):
        list(run_jobs(jobs, Crew(2, lambda: Mortal(99), owned=False)))


class Broken(Executor):
    """The worker of its first job dies, and it takes no job after that."""

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        raise BrokenProcessPool("killed")


def test_a_worker_that_dies_before_a_job_is_submitted_costs_a_retry() -> None:
    executors = iter([Broken(), Broken(), *[Inline()] * 9])
    jobs = [Job(experiment(), 0, (index,)) for index in range(3)]
    done = dict(run_jobs(jobs, Crew(2, lambda: next(executors), owned=True)))
    assert set(done) == set(jobs)
    with pytest.raises(NoConvergence, match="workers died 3 times"):
        list(run_jobs(jobs, Crew(2, Broken, owned=True)))


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (OSError(5, "Input/output error"), NoConvergence, "OSError: .Errno 5. Input/output error"),
        (EOFError("cut"), NoConvergence, "a trial failed: EOFError: cut"),
        (MemoryError("too large"), MemoryError, "too large"),
        (ZeroDivisionError("by 0"), ZeroDivisionError, "by 0"),
    ],
)
@pytest.mark.parametrize("make", [Inline, lambda: ThreadPoolExecutor(1)])
def test_an_error_of_a_trial_is_no_death_of_its_worker(
    make: Any, error: Exception, expected: type[Exception], said: str, monkeypatch: Any
) -> None:
    tried = []

    def trial(*_: object) -> None:
        tried.append(1)
        raise error

    monkeypatch.setattr(LinearExperiment, "trial", trial)
    with make() as executor, pytest.raises(expected, match=said):
        list(run_jobs([Job(experiment(), 0, (0,))], Crew(1, lambda: executor, owned=False)))
    assert len(tried) == 1


def suicide(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_pool_whose_process_is_killed_is_replaced() -> None:
    pools = []

    def pool() -> Executor:
        pools.append(Processes(1))
        return pools[-1]

    workers = Crew(1, pool, owned=True)
    pools[0].submit(suicide)
    jobs = [Job(experiment(), 0, (index,)) for index in range(3)]
    assert {job for job, _ in run_jobs(jobs, workers)} == set(jobs)
    assert len(pools) > 1
    workers.dismiss()


def test_jobs_that_are_abandoned_end_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    workers = Crew(1, lambda: Processes(1), owned=True)
    futures = [workers.submit(Job(experiment(), 0, tuple(range(2000)))) for _ in range(30)]
    futures[0].result()
    workers.abandon(futures)
    workers.dismiss()
    assert not caplog.records


def test_after_the_deadline_nothing_is_begun() -> None:
    jobs = [Job(experiment(), 0, (index,)) for index in range(3)]
    workers = Crew(1, lambda: ThreadPoolExecutor(1), owned=True)
    assert list(run_jobs(jobs, workers, deadline=time.monotonic() - 1)) == []
    workers.dismiss()


class Endless(Executor):
    """Begins jobs, and ends none."""

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        return Future[Any]()


def test_at_the_end_what_is_under_way_is_given_up() -> None:
    jobs = [Job(experiment(), 0, (index,)) for index in range(9)]
    given_up = list(run_jobs(jobs, Crew(2, Endless, owned=False), end=time.monotonic() - 1))
    assert given_up == [(job, None) for job in jobs[:4]]  # two in hand for each worker


def test_no_worker_has_two_long_trials_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinearExperiment, "cost", 3.0)
    jobs = [Job(experiment(), 0, (index,)) for index in range(9)]
    given_up = list(run_jobs(jobs, Crew(2, Endless, owned=False), end=time.monotonic() - 1))
    assert given_up == [(job, None) for job in jobs[:2]]


def test_what_was_begun_before_the_deadline_is_done_whatever_dies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that the trials are a fair sample."""
    jobs = [Job(experiment(), 0, (index,)) for index in range(4)]
    mortal = Mortal(1)
    monkeypatch.setattr(execution, "_passed", lambda instant: bool(instant) and not mortal.deaths)
    done = run_jobs(jobs, Crew(1, lambda: mortal, owned=False), deadline=1.0)
    assert {job.indices for job, outcomes in done if outcomes} == {(0,), (1,)}


def test_long_trials_are_left_to_a_process_that_can_be_ended() -> None:
    with crew(1, longest=0.1) as workers:
        assert isinstance(workers._executor, Inline)
    with crew(1, longest=10.0) as workers:
        assert isinstance(workers._executor, Processes)
        assert workers.submit(Job(experiment(), 0, (0,))).result()


#: A process that ends before it has told the tracker that a semaphore is gone.
_INTERRUPTED = """
from loky.backend import resource_tracker
from asymptotics.trials.execution import Processes

pool = Processes(1)
pool.submit(abs, -1).result()
resource_tracker.register("/loky-0-gone", "semlock")
pool.shutdown()
"""


@pytest.mark.parametrize("options", [(), ("-W", "error")])
@pytest.mark.linux
def test_a_semaphore_that_is_gone_is_no_warning(options: tuple[str, ...]) -> None:
    command = [sys.executable, *options, "-c", _INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.linux
def test_signals_wait_while_processes_are_shut_down() -> None:
    class Ended(BaseException):
        pass

    def end(*_: object) -> None:
        raise Ended

    processes, seen = Processes(1), []
    shutdown = processes._pool.shutdown

    def disturbed(*arguments: Any, **settings: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        shutdown(*arguments, **settings)
        seen.append("all that was inside")

    processes._pool.shutdown = disturbed
    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Ended):
            processes.shutdown()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.linux
def test_signals_wait_while_processes_are_started(number: int) -> None:
    class Ended(BaseException):
        pass

    def end(*_: object) -> None:
        raise Ended

    seen: list[str] = []

    def disturbed() -> None:
        with _shielded():
            signal.raise_signal(number)
            seen.append("all that was inside")

    before = signal.signal(number, end)
    try:
        with pytest.raises(Ended):
            disturbed()
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    assert seen


# -- the store ---------------------------------------------------------------------------------


def test_a_store_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    first = run_trial(experiment(), 0, 0)
    with Store(path) as one, Store(path) as two:
        one.add(0, [(experiment(), 0, first)])
        two.add(0, [(experiment(), 0, first + 1), (experiment(), 1, first + 2)])
        kept = one.outcomes(experiment(), 0)
        assert one.outcomes(experiment(), 1) == {}
        assert one.outcomes(experiment(44), 0) == {}
    np.testing.assert_array_equal(kept[0], first)
    np.testing.assert_array_equal(kept[1], first + 2)
    assert [file.name for file in tmp_path.iterdir()] == ["runs.db"]


def test_a_run_goes_on_where_a_store_ends(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    grid_run(store=path, trials=3)
    assert_same(grid_run(store=path), grid_run())
    with sqlite3.connect(path) as database:
        (count,) = database.execute("select count(*) from trials").fetchone()
    database.close()
    assert count == 2 * 6


def test_what_a_store_has_beyond_what_is_asked_for_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    grid_run(store=path, trials=40)
    assert_same(grid_run(store=path), grid_run())
    assert_same(grid_run(store=path, trials=None), grid_run(trials=None))


@pytest.mark.parametrize("blob", ["?", 3, b"12345678", None])
def test_a_damaged_store_is_refused(tmp_path: Path, blob: Any) -> None:
    path = tmp_path / "runs.db"
    grid_run(store=path)
    damaged(path, np.full((3, 1, 2), np.nan).tobytes() if blob is None else blob)
    if blob is None:
        for trials in (6, None):
            found = grid_run(store=path, trials=trials)
            assert np.all(found.verdict == "no verdict")
            assert np.all(found.reason == "a simulated risk is not a finite number")
    else:
        with pytest.raises(InvalidInput, match="is damaged: trial 3 of 5"):
            grid_run(store=path)


@pytest.mark.parametrize("index", ["abc", -1, 2.5, b"3"])
def test_a_store_with_other_indices_is_refused(tmp_path: Path, index: Any) -> None:
    path = tmp_path / "runs.db"
    grid_run(store=path)
    with sqlite3.connect(path) as database:
        database.execute("update trials set trial = ? where trial = 3", (index,))
    database.close()
    with pytest.raises(InvalidInput, match=re.escape(f"is damaged: trial {index} of 5")):
        grid_run(store=path)


def damaged(path: Path, blob: Any) -> None:
    with sqlite3.connect(path) as database:
        database.execute("update trials set outcome = ? where trial = 3", (blob,))
    database.close()


def test_a_store_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.db") as store:
        store._database.execute("pragma query_only = 1")
        with pytest.raises(WriteFailed, match="earlier trials are kept"):
            store.add(0, [(experiment(), 0, run_trial(experiment(), 0, 0))])


def test_no_name_of_a_store_has_a_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store(":memory:").close()
    assert [path.name for path in tmp_path.iterdir()] == [":memory:"]


def test_rules_of_one_name_have_stored_trials_of_their_own(tmp_path: Path) -> None:
    population = Population([0.5, 0.5], [4, 1], std=1)
    rules = (WeightRule(2, "mine"), WeightRule(-2, "mine"))
    found = [
        verify(population, 0.5, 0.5, 0.3, rule=rule, p=100, trials=4, workers=1, store=store).mean
        for rule in rules
        for store in (tmp_path / "trials.db", None)
    ]
    assert found[0] == found[1] != found[2] == found[3]


@pytest.mark.parametrize("content", ["text", "other", "layout", "empty"])
def test_what_is_no_store_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runs.db"
    if content == "text":
        path.write_text("kappa = 3\n" * 1000)
    elif content == "empty":  # but somebody else's
        with sqlite3.connect(path) as database:
            database.execute("pragma application_id = 77")
        database.close()
    else:
        Store(path).close()
        with sqlite3.connect(path) as database:
            name = "application_id" if content == "other" else "user_version"
            database.execute(f"pragma {name} = 77")
        database.close()
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="store ="):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
def test_a_store_deletes_no_file_beside_it(tmp_path: Path, end: str, there: bool) -> None:
    path, beside = tmp_path / "runs.db", tmp_path / f"runs.db{end}"
    if there:
        Store(path).close()
    (tmp_path / "link.db").symlink_to(path)
    beside.write_text("eigenvalue,coefficient\n1,2\n")
    for name in ("runs.db", "link.db"):
        with pytest.raises(InvalidInput, match=f"would delete the file runs.db{end} beside it"):
            Store(tmp_path / name)
    assert beside.read_text() == "eigenvalue,coefficient\n1,2\n"
    assert path.exists() == there


def test_a_store_goes_on_where_a_process_died(tmp_path: Path) -> None:
    """Its journal is then still there, and makes undone what was half written."""
    path, beside = tmp_path / "runs.db", tmp_path / "runs.db-journal"
    grid_run(store=path)
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("pragma cache_size = 1")
        database.execute("begin immediate")
        database.execute("update trials set outcome = zeroblob(8000)")
        half_written, journal = path.read_bytes(), beside.read_bytes()
        database.execute("rollback")
    database.close()
    assert half_written != path.read_bytes()
    path.write_bytes(half_written)
    beside.write_bytes(journal)
    assert_same(grid_run(store=path), grid_run())
    assert not beside.exists()


def test_a_script_need_not_guard_itself(tmp_path: Path) -> None:
    """Processes that are started do not run it again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from asymptotics import Population, verify\n"
        "print(verify(Population(std=1), 0.5, 0.5, 0.3, p=100, trials=4, workers=2).trials)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "4\n"


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.linux
def test_ctrl_c_twice_ends_it_too(tmp_path: Path, workers: str) -> None:
    spec, store = tmp_path / "spec.toml", tmp_path / "runs.db"
    spec.write_text(SPEC)
    more = ("--store", str(store), "--workers", workers, "--p", "3000")
    with subprocess.Popen(
        command(spec, 9000, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        while not stored(store) and process.poll() is None:
            time.sleep(0.02)
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        _, message = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in message
    assert stored(store)


def test_without_a_store_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    grid_run()
    assert list(tmp_path.iterdir()) == []


def command(path: Path, trials: int, *more: str) -> list[str]:
    return [*INTERRUPTIBLE, "verify", str(path), "--p", "400",
            "--trials", str(trials), "--format", "json", *more]  # fmt: skip


def numbers(text: str) -> list[list[float]]:
    return [[row[name] for name in NUMBERS] for row in json.loads(text)["rows"]]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.linux
def test_a_run_that_is_killed_resumes_and_ends_the_same(tmp_path: Path, end: int) -> None:
    spec, store = tmp_path / "spec.toml", tmp_path / "runs.db"
    spec.write_text(SPEC)
    with subprocess.Popen(
        command(spec, 10**4, "--store", str(store)), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while stored(store) < 10 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(end)
        _, message = process.communicate()
    done = stored(store)
    assert 10 <= done < 2 * 10**4, "the run must be broken in its middle"
    if end == signal.SIGINT:
        assert process.returncode == 130
        assert b"Traceback" not in message
        assert b"interrupted" in message
    more = done // 2 + 20
    resumed, unbroken = (
        subprocess.run(command(spec, more, *rest), capture_output=True, text=True, check=True)
        for rest in (("--store", str(store)), ())
    )
    assert stored(store) > done
    assert numbers(resumed.stdout) == numbers(unbroken.stdout)
