"""A limit on the processor time that one check may take.

It is there against algebra that does not end.  It changes no finding: a check that it stops is
undecided as a whole.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds of processor time after which the timer strikes again, where it was not heard.
_AGAIN = 0.2


class OutOfTime(BaseException):
    """The limit is reached.

    It is no `Exception`, because the code that it interrupts may catch every `Exception`.
    """


class Limit:
    """Whether a limit was reached, even where the code that it interrupts hides that."""

    reached = False


@contextmanager
def limited(seconds: float) -> Iterator[Limit]:
    """Raise `OutOfTime` inside when the process has computed for so many seconds.

    Only time in which this process computes is counted: a process that is stopped, or that waits
    for its turn on a busy machine, loses none of it.  Where no timer can interrupt (in a thread
    that is not the main one, or on a system without timers) there is no limit.

    What is raised in a finaliser or in a callback of the garbage collector is lost, so that the
    timer strikes again; and a library may turn it into an error of its own, so that `Limit.reached`
    tells for sure.
    """
    limit = Limit()
    timer = getattr(signal, "setitimer", None)
    if timer is None or threading.current_thread() is not threading.main_thread():
        yield limit
        return

    def stop(*_: Any) -> None:
        limit.reached = True
        raise OutOfTime

    def unheard(lost: Any) -> None:
        if not issubclass(lost.exc_type, OutOfTime):
            report(lost)

    report, sys.unraisablehook = sys.unraisablehook, unheard
    before = signal.signal(signal.SIGVTALRM, stop)
    timer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
    try:
        yield limit
    finally:
        timer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        sys.unraisablehook = report
