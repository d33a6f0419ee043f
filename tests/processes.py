"""The command line as a process, with pipes or on a terminal."""

import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: The command as a process that Ctrl-C interrupts, also where the tests run in the background.
_LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_COMMAND = "from asymptotics.__main__ import main; main()"
INTERRUPTIBLE = (sys.executable, "-c", f"{_LISTENING}; {_COMMAND}")


def run(
    *arguments: str | Path, stdin: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "asymptotics", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert len(done.stderr.splitlines()) == 1
    return done


def on_terminal(command: Sequence[str]) -> bytes:
    """What a command that succeeds says on a terminal."""
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
    """Trials that a store holds, while others write to it."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
        try:
            return int(database.execute("select count(*) from trials").fetchone()[0])
        finally:
            database.close()
    except sqlite3.OperationalError:
        return 0
