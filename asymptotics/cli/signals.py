"""What signals do to a command: Ctrl-C, a request to terminate, a terminal that is closed.

This module imports nothing that takes time, so that signals can be answered before all else.
"""

import os
import signal
import sys
from contextlib import suppress

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
#: Seconds after which a signal is repeated that could not be answered when it came.
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
        say(number)
    finally:
        os._exit(128 + number)


def say(number: int) -> None:
    """Say on standard error which signal ends the command, if anybody reads it."""
    with suppress(OSError):
        os.write(2, f"asymptotics: {MESSAGES[number]}\n".encode())


def leave_in_order(number: int, frame: "FrameType | None") -> None:
    """Raise `KeyboardInterrupt` or `Terminated`, upon which all that is open is closed.

    While that is under way further signals are ignored, so that nothing is left half closed.  While
    a module is being imported the signal waits: there an exception may be turned into another one
    (an extension module answers `ImportError: initialization failed`), or be taken for a library
    that is missing.
    """
    if behind(sys.exception()):
        return
    if _importing(frame):
        _repeat(number)
        return
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


def behind(error: BaseException | None) -> "KeyboardInterrupt | Terminated | None":
    """The exception of a signal that is, or that led to, an error."""
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__cause__ or error.__context__
    return error


def repeat_if_lost(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat a signal whose exception was raised where Python drops all exceptions.

    Finalisers and callbacks of the garbage collector are such places.  To be installed as
    `sys.unraisablehook`.
    """
    match lost.exc_value:
        case Terminated() as ended:
            _repeat(ended.status - 128)
        case KeyboardInterrupt():
            _repeat(signal.SIGINT)
        case _:
            sys.__unraisablehook__(lost)


def _importing(frame: "FrameType | None") -> bool:
    """Whether a module is being imported where a signal arrived."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _repeat(number: int) -> None:
    """Send the process a signal again in a moment."""
    import threading  # which the command has imported long before

    timer = threading.Timer(_AGAIN, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
