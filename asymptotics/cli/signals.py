"""What signals do to a command: Ctrl-C, a request to terminate, a terminal that is closed.

This module imports nothing that takes time, so that signals can be answered before all else.
"""

import os
import signal
import sys

TYPE_CHECKING = False  # `typing` takes longer to import than all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

#: What is said when a signal ends the command; Windows has no SIGHUP.
MESSAGES = {
    getattr(signal, name): text
    for name, text in (
        ("SIGINT", "interrupted"),
        ("SIGTERM", "terminated"),
        ("SIGHUP", "the terminal was closed"),
    )
    if hasattr(signal, name)
}
#: Seconds after which a signal is repeated whose exception was lost.
_AGAIN = 0.05


class Terminated(BaseException):
    """A signal other than Ctrl-C ends the command; no `Exception`, so that nothing handles it."""

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGES[number])
        self.status = 128 + number


def answer(handler: "Callable[[int, FrameType | None], None] | None") -> None:
    """Let a handler answer the signals of `MESSAGES`, or ignore them.

    A signal that is ignored when the command starts, as SIGHUP under `nohup`, stays ignored.
    """
    for number in MESSAGES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if handler is None else handler)


def leave_at_once(number: int, _: "FrameType | None") -> None:
    """End the process, while it is being started and holds nothing that has to be given back.

    An exception might be lost in a module that is half imported.
    """
    try:
        os.write(2, f"asymptotics: {MESSAGES[number]}\n".encode())
    finally:
        os._exit(128 + number)


def leave_in_order(number: int, _: "FrameType | None") -> None:
    """Raise `KeyboardInterrupt` or `Terminated`, upon which all that is open is closed.

    While that is under way further signals are ignored, so that nothing is left half closed.
    """
    handled = sys.exception()
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt | Terminated):
            return
        handled = handled.__context__
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


def repeat_if_lost(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat a signal whose exception was raised where Python drops all exceptions.

    Finalisers and callbacks of the garbage collector are such places.  To be installed as
    `sys.unraisablehook`.
    """
    import threading

    if isinstance(lost.exc_value, Terminated):
        number = lost.exc_value.status - 128
    elif isinstance(lost.exc_value, KeyboardInterrupt):
        number = int(signal.SIGINT)
    else:
        sys.__unraisablehook__(lost)
        return
    timer = threading.Timer(_AGAIN, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
