"""Running the command in this process, in a process of its own, or on a terminal."""

import io
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

from asymptotics.cli.main import main

#: A shell starts background processes with SIGINT ignored, and their children inherit that.  Where
#: the tests run in the background, the command would ignore Ctrl-C without this line.
_HANDLE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_RUN_COMMAND = "from asymptotics.__main__ import main; main()"
_SHOW_PROGRESS_AT_ONCE = "import asymptotics.cli.console as console; console._DELAY = 0"
#: The command as a process that Ctrl-C interrupts.
INTERRUPTIBLE = (sys.executable, "-c", f"{_HANDLE_CTRL_C}; {_RUN_COMMAND}")


def run(
    *arguments: str | Path, stdin: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which is fast, and return its status and its output."""
    streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    said = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for name in streams}
    said["stdin"].write(stdin)
    said["stdin"].seek(0)
    command, code = [str(x) for x in arguments], 0
    try:
        sys.stdin, sys.stdout, sys.stderr = said.values()
        main(command)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams.values()
    texts = []
    for name in ("stdout", "stderr"):
        said[name].seek(0)
        texts.append(said[name].read())
    return _checked(subprocess.CompletedProcess(command, code, *texts), status)


def run_process(
    *arguments: str | Path, stdin: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, in which every warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "asymptotics", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)
    return _checked(done, status)


def _checked(
    done: subprocess.CompletedProcess[str], status: int
) -> subprocess.CompletedProcess[str]:
    """`done`, after a check that it has the status and, if it failed, one line of error."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert len(done.stderr.splitlines()) == 1
    return done


def on_terminal(*arguments: str | Path, before: str = "") -> bytes:
    """What a command prints on a terminal as its standard error; it must succeed.

    Progress is shown from the beginning, without the usual delay.
    """
    command = [
        sys.executable,
        "-c",
        f"{before}{_SHOW_PROGRESS_AT_ONCE}; {_RUN_COMMAND}",
        *map(str, arguments),
    ]
    primary, secondary = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=secondary) as process:
        os.close(secondary)
        seen = b""
        while True:
            try:
                chunk = os.read(primary, 1000)
            except OSError:  # the terminal is closed when the process has ended
                break
            if not chunk:
                break
            seen += chunk
    os.close(primary)
    assert process.returncode == 0
    return seen


def stored(path: Path) -> int:
    """The number of trials in a store that other processes may write to; 0 if there is none."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
        try:
            return int(database.execute("select count(*) from trials").fetchone()[0])
        finally:
            database.close()
    except sqlite3.OperationalError:
        return 0
