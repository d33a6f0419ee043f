"""A limit on the time that algebra may take."""

import gc
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds until the timer strikes again, where it struck in vain.
_AGAIN = 0.01


class OutOfTime(BaseException):
    """The time is up; no `Exception`, which what is interrupted may take for its own."""


def _swallows(frame: FrameType | None) -> bool:
    """Whether the interpreter has called what runs, and swallows what is raised in it."""
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code.co_filename == weakref.__file__ or code.co_name == "__del__" or code in callbacks:
            return True
        frame = frame.f_back
    return False


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

    def stop(_: int, frame: FrameType | None) -> None:
        if not _swallows(frame):  # otherwise the timer comes again
            timer(signal.ITIMER_REAL, 0)
            raise OutOfTime

    before, start = signal.signal(signal.SIGALRM, stop), time.monotonic()
    outer, _ = timer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        timer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:  # goes on, or is over now
            timer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), 1e-6), _AGAIN)
