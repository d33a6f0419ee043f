"""Signals and closed pipes end every command without a word too many and without remains."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asymptotics.cli.main import cli, main
from asymptotics.cli.signals import MESSAGES, Terminated, leave_in_order
from tests.processes import stored

SPEC = """
kappa = [0.5, 2]
sigma = 0.7
alpha = [0.3, 0.6]

[[population]]
eigenvalue = 5
std = 0.5

[[population]]
std = 1
"""
#: The command as it is started, but that it says when its first line has run: what Python itself
#: does before that, in some hundredths of a second, no program can change.
START = """
import signal, sys
from asymptotics.cli.main import cli, main
from asymptotics.cli.signals import MESSAGES, answer, leave_at_once
for number in MESSAGES:
    signal.signal(number, signal.{})
answer(leave_at_once)
print("ready", file=sys.stderr, flush=True)
from asymptotics.__main__ import main
main()
"""
VERIFY = ("verify", "spec.toml", "--p", "200", "--trials", "100000", "--store", "runs.db")
COMMANDS = {
    "risk": ("risk", "spec.toml"),
    "curve": ("curve", "spec.toml", "-o", "curve.svg"),
    "verify": (*VERIFY, "--workers", "1"),
    "verify by processes": (*VERIFY, "--workers", "2", "-o", "rows.csv"),
    "network": ("network", "--workers", "2", "-o", "rows.csv"),
    "derive": ("derive", "check", "fixed_point"),
    "formula": ("formula", "show", "noise-level"),
    "example": ("example",),
    "help": ("--help",),
}
FILES = {"spec.toml", "runs.db", "curve.svg", "rows.csv", ".hypothesis"}


def started(name: str, folder: Path, default: str = "SIG_DFL") -> "subprocess.Popen[bytes]":
    """A command that answers signals; `default` is what they do where it is started."""
    (folder / "spec.toml").write_text(SPEC)
    process = subprocess.Popen(
        [sys.executable, "-c", START.format(default), *COMMANDS[name]],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    return process


def assert_ended(process: "subprocess.Popen[bytes]", number: int, folder: Path) -> None:
    """By the signal, or because all was done before it came.

    The pipe of standard error, which all processes of the command share, is read to its end: none
    of them is left.
    """
    _, message = process.communicate()
    text = message.decode()
    assert process.returncode in (0, 128 + number), text
    if process.returncode:
        assert text.split("asymptotics: ")[1].startswith(
            (MESSAGES[number], "interrupted: the rows")
        )
    assert len(text.strip().splitlines()) <= 1
    assert {path.name for path in folder.iterdir()} <= FILES


RNG = np.random.default_rng(0)
RANDOM = [
    (name, int(RNG.choice(list(MESSAGES))), RNG.choice([0.0, 0.5, 2.0]) * RNG.random(), twice)
    for name in COMMANDS
    for twice in (False, True)
]


@pytest.mark.parametrize(("name", "number", "delay", "twice"), RANDOM)
@pytest.mark.linux
def test_a_signal_ends_a_command_at_any_time(
    name: str, number: int, delay: float, twice: bool, tmp_path: Path
) -> None:
    """To all of its processes, as a terminal and `timeout` send it."""
    with started(name, tmp_path) as process:
        time.sleep(delay)
        for _ in range(1 + twice):
            os.killpg(process.pid, number)
        assert_ended(process, number, tmp_path)


@pytest.mark.parametrize("send", [os.kill, os.killpg])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.linux
def test_workers_end_with_the_command(
    number: int, send: Callable[[int, int], None], tmp_path: Path
) -> None:
    """And leave no semaphores behind."""
    with started("verify by processes", tmp_path) as process:
        while not stored(tmp_path / "runs.db"):
            assert process.poll() is None
            time.sleep(0.02)
        send(process.pid, number)
        assert_ended(process, number, tmp_path)
    assert process.returncode == 128 + number
    assert not (tmp_path / "rows.csv").exists()
    semaphores = Path("/dev/shm")  # noqa: S108  # where Linux keeps them
    assert not list(semaphores.glob(f"sem.loky-{process.pid}-*"))


@pytest.mark.linux
def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As SIGHUP is under `nohup`."""
    with started("risk", tmp_path, "SIG_IGN") as process:
        process.send_signal(signal.SIGHUP)
        _, message = process.communicate()
    assert (process.returncode, message) == (0, b"")


UNREAD = {  # what nobody reads, and the status: left before it is done, a check has no result
    ("--help",): 0,
    ("risk", "--help"): 0,
    ("example",): 0,
    ("formula", "list"): 0,
    ("risk",): 0,
    ("derive", "check", "marchenko_pastur"): 141,
}


@pytest.mark.parametrize(("arguments", "status"), UNREAD.items())
def test_a_reader_may_leave(arguments: tuple[str, ...], status: int, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "asymptotics", *arguments],
            cwd=tmp_path,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (status, b"")


def test_a_mistake_has_its_status_though_nobody_is_told() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "asymptotics", "risk", "no such file"]
        done = subprocess.run(command, stderr=writer, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 2


@pytest.mark.parametrize("number", MESSAGES)
@pytest.mark.linux
def test_what_is_being_closed_is_not_disturbed(number: int) -> None:
    closed = []

    def disturbed() -> None:
        try:
            leave_in_order(number, None)
        finally:
            leave_in_order(number, None)
            closed.append(number)

    kind = KeyboardInterrupt if number == signal.SIGINT else Terminated
    with pytest.raises(kind):
        disturbed()
    assert closed


ENDED = pytest.mark.parametrize(
    ("name", "expected"), [("SIGINT", "KeyboardInterrupt"), ("SIGTERM", "Terminated")]
)


def assert_ends(code: str, folder: Path, expected: str) -> None:
    """That a program prints the name of the exception that ends it, and nothing else."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{expected}\n", "")


LOST = """
import signal, sys
from asymptotics.cli.signals import answer, leave_in_order, repeat_if_lost

class Swallower:
    def __del__(self):
        signal.raise_signal(signal.{name})

sys.unraisablehook = repeat_if_lost
signal.signal(signal.{name}, signal.SIG_DFL)
answer(leave_in_order)
try:
    Swallower()
    while True:
        pass
except BaseException as ended:
    print(type(ended).__name__)
"""


@ENDED
def test_a_signal_that_a_finaliser_swallows_comes_again(
    name: str, expected: str, tmp_path: Path
) -> None:
    assert_ends(LOST.format(name=name), tmp_path, expected)


CONVERTING = """
import signal
try:
    signal.raise_signal(signal.{name})
except BaseException as error:
    raise ImportError("initialization failed") from error
"""
IMPORTING = """
import signal, sys, threading
sys.path.insert(0, ".")
from asymptotics.cli.signals import answer, leave_in_order
signal.signal(signal.{name}, signal.SIG_DFL)
answer(leave_in_order)
try:
    import converting
    while True:
        pass
except BaseException as ended:
    print(type(ended).__name__)
"""


@ENDED
def test_a_signal_waits_for_the_end_of_an_import(name: str, expected: str, tmp_path: Path) -> None:
    """An extension module makes another error of the exception that it meets at its start."""
    (tmp_path / "converting.py").write_text(CONVERTING.format(name=name))
    assert_ends(IMPORTING.format(name=name), tmp_path, expected)


@pytest.mark.parametrize(
    ("ended", "status"), [(KeyboardInterrupt(), 130), (Terminated(signal.SIGTERM), 143)]
)
@pytest.mark.linux
def test_an_error_that_a_library_makes_of_a_signal_is_that_signal(
    ended: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def converting(**_: object) -> None:
        try:
            raise ended
        except BaseException as error:
            raise RuntimeError("a callback failed") from error

    monkeypatch.setattr(cli, "main", converting)
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == status


def test_nothing_takes_long_before_signals_are_answered() -> None:
    code = "import sys, asymptotics.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not {"numpy", "scipy", "click", "typing", "threading"} & loaded


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGINT, 130)])
@pytest.mark.linux
def test_a_signal_beside_the_command_is_said_too(number: int, status: int) -> None:
    """Just before it begins, or after its end, where the command itself no longer answers."""
    code = f"""
import signal
import asymptotics.cli.main as command
from asymptotics.cli.signals import leave_in_order
command.main = lambda: leave_in_order({int(number)}, None)
from asymptotics.__main__ import main
main()
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == status
    assert process.stderr == f"asymptotics: {MESSAGES[number]}\n"
