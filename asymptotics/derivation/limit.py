"""A limit on the processor time that one check may take.

It is there against algebra that does not end.  It changes no finding: a check that it stops is
undecided as a whole.
"""

import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds of processor time until the timer strikes again, where it struck in vain.
_AGAIN = 0.01


class OutOfTime(BaseException):
    """The limit is reached.

    It is no `Exception`, because the code that it interrupts may catch every `Exception`.
    """


def _swallows(frame: FrameType | None) -> bool:
    """Whether an exception that is raised in this frame would be lost.

    The interpreter itself calls finalisers and callbacks of the garbage collector.  It reports what
    they raise, and goes on.
    """
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code.co_filename == weakref.__file__ or code.co_name == "__del__" or code in callbacks:
            return True
        frame = frame.f_back
    return False


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside when the process has computed for so many seconds.

    Only time in which this process computes is counted: a process that is stopped, or that waits
    for its turn on a busy machine, loses none of it.  Where no timer can interrupt (in a thread
    that is not the main one, or on a system without timers) there is no limit.
    """
    timer = getattr(signal, "setitimer", None)
    if timer is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, frame: FrameType | None) -> None:
        if not _swallows(frame):  # otherwise the timer comes again
            timer(signal.ITIMER_VIRTUAL, 0)
            raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, stop)
    timer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
    try:
        yield
    finally:
        timer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
