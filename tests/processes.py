"""The command line as a process, with pipes or on a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


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
