"""A limit on the processor time of one check, because some algebra of SymPy does not end.

A check that reaches the limit is undecided; nothing that it had found until then is used, so the
speed of a machine never turns one finding into another.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds of processor time after which the timer raises `OutOfTime` again, if the last one was
#: swallowed.
_REPEAT_AFTER = 0.2


class OutOfTime(BaseException):
    """The limit is reached.

    It derives from `BaseException`, because the code that it interrupts may catch every
    `Exception`.
    """


class TimeLimit:
    """A limit in force.

    `reached` says whether it was reached, even if the interrupted code has swallowed `OutOfTime`.
    """

    reached = False


@contextmanager
def limited(seconds: float) -> Iterator[TimeLimit]:
    """A context that raises `OutOfTime` inside it after `seconds` of processor time.

    Only time in which this process computes is counted: a process that is stopped, or that waits
    for its turn on a busy machine, loses none of it.  There is no limit where no timer can
    interrupt: in a thread other than the main one, and on a system without timers.

    An exception that is raised inside a finaliser or a callback of the garbage collector is lost,
    so the timer raises again and again until the context ends.  A library may also turn the
    exception into an error of its own.  The caller therefore asks `TimeLimit.reached`.
    """
    limit = TimeLimit()
    timer = getattr(signal, "setitimer", None)
    if timer is None or threading.current_thread() is not threading.main_thread():
        yield limit
        return

    def stop(*_: Any) -> None:
        limit.reached = True
        raise OutOfTime

    def report_others(lost: Any) -> None:
        # Python reports an exception that is lost in a finaliser; the timer's own is expected.
        if not issubclass(lost.exc_type, OutOfTime):
            report(lost)

    report, sys.unraisablehook = sys.unraisablehook, report_others
    # The virtual timer counts the time in which this process computes.
    before = signal.signal(signal.SIGVTALRM, stop)
    timer(signal.ITIMER_VIRTUAL, seconds, _REPEAT_AFTER)
    try:
        yield limit
    finally:
        timer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        sys.unraisablehook = report
