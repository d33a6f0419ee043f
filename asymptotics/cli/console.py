"""What is said on the terminal."""

import codecs
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..errors import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Seconds before a progress bar appears.
_PATIENCE = 1.0
#: 128 and the number of SIGPIPE, which Windows does not have.
_UNREAD = 141


def say(text: str) -> bool:
    """Write to standard output, and return whether that is read.

    Where it is not, because `head` has what it wants, this and all that follows is dropped.
    """
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        drop(sys.stdout)
        return False
    return True


def say_step(text: str) -> None:
    """Write to standard output before the work is done; exit with status 141 if nobody reads.

    That is the status of a program that SIGPIPE ends.
    """
    if not say(text):
        sys.exit(_UNREAD)


def drop(stream: TextIO) -> None:
    """Let what is written to a stream, and what it still holds, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def terminal_width() -> int | None:
    """How many characters fit on a line of the terminal, if standard output is one."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def say_document(text: str) -> None:
    """Write Markdown to standard output: a page is UTF-8, whatever its reader's own letters are.

    Where the output has other letters it is ASCII, which is UTF-8 as well, and any other letter is
    written as ``&#955;``.
    """
    if codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name != "utf-8":
        text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    say(text)


def say_titles(titles: Mapping[str, str]) -> None:
    """A line for each name, with its title."""
    width = max(map(len, titles))
    say("".join(f"{name:{width}}  {title}\n" for name, title in titles.items()))


def remark(text: str) -> None:
    """Write a line to standard error, as far as it is read."""
    try:
        click.echo(text, err=True)
    except OSError:  # the terminal was closed, or the reader has gone
        drop(sys.stderr)


def fail(message: str, status: int) -> None:
    """Exit with a line on standard error."""
    remark(f"asymptotics: {one_line(message)}")
    sys.exit(status)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[..., None] | None]:
    """A progress callback, with a bar when it takes longer and a terminal is there to show it."""
    if not sys.stderr.isatty():
        yield None
        return
    bars: list[Bar] = []
    seen: dict[str, Any] = {}  # what was last reported; before the first rows the bar pulses

    def show() -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task(**({"description": what, "total": None} | seen))
        bar.start()
        bars.append(bar)

    def update(done: int, total: int, description: str = what) -> None:
        seen.update(completed=done, total=total, description=description)
        for bar in bars:
            bar.update(bar.task_ids[0], **seen)

    timer = threading.Timer(_PATIENCE, show)
    timer.start()
    try:
        yield update
    finally:
        timer.cancel()
        timer.join()
        for bar in bars:
            bar.stop()
