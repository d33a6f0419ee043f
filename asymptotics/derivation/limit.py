"""A limit on the time that algebra may take."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class OutOfTime(BaseException):
    """The time is up; no `Exception`, which what is interrupted may take for its own."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside if it takes longer.

    A limit within a limit is a limit of its own.  Where no timer can interrupt (in another thread
    than the main one, or on a system without timers), there is none.
    """
    timer = getattr(signal, "setitimer", None)
    if timer is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise OutOfTime

    before, start = signal.signal(signal.SIGALRM, stop), time.monotonic()
    outer, _ = timer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        timer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:  # goes on, or is over now
            timer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), 1e-6))
