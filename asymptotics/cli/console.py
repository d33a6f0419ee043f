"""Output on the terminal: text, remarks, errors and progress bars."""

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
_DELAY = 1.0
#: The status of a program that SIGPIPE ends, 128 + 13, as a number because Windows has no SIGPIPE.
_BROKEN_PIPE = 141


def say(text: str) -> bool:
    """Write to standard output, and return whether there is a reader.

    A reader such as `head` may close the pipe early.  Then this text and all later text is dropped.
    """
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        drop(sys.stdout)
        return False
    return True


def say_step(text: str) -> None:
    """Write one of several lines to standard output, and exit if there is no reader any more.

    Further work would be in vain.  The status, 141, is that of a program that SIGPIPE ends.
    """
    if not say(text):
        sys.exit(_BROKEN_PIPE)


def drop(stream: TextIO) -> None:
    """Redirect a stream, with the text in its buffer, to the null device."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def terminal_width() -> int | None:
    """The width of the terminal in characters; None if standard output is no terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def say_document(text: str) -> None:
    """Write Markdown to standard output, so that its bytes are UTF-8 in every locale.

    If the encoding of the output is not UTF-8, the text is written in ASCII, which is a part of
    UTF-8, with other letters as entities such as ``&#955;``.
    """
    if codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name != "utf-8":
        text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    say(text)


def say_titles(titles: Mapping[str, str]) -> None:
    """Write a line for each name, with its title."""
    width = max(map(len, titles))
    say("".join(f"{name:{width}}  {title}\n" for name, title in titles.items()))


def remark(text: str) -> None:
    """Write a line to standard error, if there is a reader."""
    try:
        click.echo(text, err=True)
    except OSError:  # the terminal was closed, or the reader has gone
        drop(sys.stderr)


def fail(message: str, status: int) -> None:
    """Write a line to standard error and exit with this status."""
    remark(f"asymptotics: {one_line(message)}")
    sys.exit(status)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[..., None] | None]:
    """A callback for progress, which shows a bar once the work has taken a second.

    Without a terminal there is no bar, and the callback is None.
    """
    if not sys.stderr.isatty():
        yield None
        return
    # Imported in this thread and not in the one of the timer.  A thread that loads an extension
    # module holds the interpreter and waits for the lock of the dynamic loader.  The search for
    # BLAS libraries holds that lock and waits for the interpreter.  Both would wait for ever.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bars: list[Bar] = []
    seen: dict[str, Any] = {}  # the last report; without one the bar pulses

    def show() -> None:
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

    # The bar starts from another thread, because the work may report nothing for a long time.
    timer = threading.Timer(_DELAY, show)
    timer.start()
    try:
        yield update
    finally:
        timer.cancel()
        timer.join()  # so that no bar appears after this
        for bar in bars:
            bar.stop()
