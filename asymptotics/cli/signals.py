"""How a command answers signals: Ctrl-C, a request to terminate, a terminal that is closed.

This module imports nothing that takes time, so that it can answer signals before all other imports.
"""

import os
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False  # importing `typing` would take longer than all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

#: The message when a signal ends the command; Windows has no SIGHUP.
MESSAGES = {
    getattr(signal, name): text
    for name, text in (
        ("SIGINT", "interrupted"),
        ("SIGTERM", "terminated"),
        ("SIGHUP", "the terminal was closed"),
    )
    if hasattr(signal, name)
}
#: Seconds after which a signal is sent again, if it came at a time when it could not be answered.
_AGAIN = 0.05


class Terminated(BaseException):
    """Raised when a signal other than Ctrl-C ends the command.

    It is not an `Exception`, so that no handler of errors catches it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGES[number])
        self.status = 128 + number


def answer(handler: "Callable[[int, FrameType | None], None] | None") -> None:
    """Make `handler` answer the signals of `MESSAGES`; ignore them if it is None.

    A signal that was ignored when the command started, as SIGHUP is under `nohup`, stays ignored.
    """
    for number in MESSAGES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if handler is None else handler)


def leave_at_once(number: int, _: "FrameType | None") -> None:
    """End the process at once: the handler while the command starts and holds no resources.

    An exception might be lost in a module that is half imported.
    """
    try:
        say(number)
    finally:
        os._exit(128 + number)


def say(number: int) -> None:
    """Write to standard error which signal ends the command, if there is a reader."""
    with suppress(OSError):
        os.write(2, f"asymptotics: {MESSAGES[number]}\n".encode())


def leave_in_order(number: int, frame: "FrameType | None") -> None:
    """Raise `KeyboardInterrupt` or `Terminated`: the handler while the command runs.

    The exception unwinds the stack, so that files and processes are closed; further signals are
    ignored meanwhile.  While a module is being imported, the signal is sent again later.  There the
    exception might turn into another (an extension module answers `ImportError: initialization
    failed`), or be mistaken for a missing library.
    """
    if behind(sys.exception()):
        return
    if _importing(frame):
        _repeat(number)
        return
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


def behind(error: BaseException | None) -> "KeyboardInterrupt | Terminated | None":
    """The exception of a signal in the chain of causes of an error, the error included; or None."""
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__cause__ or error.__context__
    return error


def repeat_if_lost(lost: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception was raised where Python drops all exceptions.

    Finalisers and callbacks of the garbage collector are such places.  `sys.unraisablehook` is set
    to this function.
    """
    match lost.exc_value:
        case Terminated() as ended:
            _repeat(ended.status - 128)
        case KeyboardInterrupt():
            _repeat(signal.SIGINT)
        case _:
            sys.__unraisablehook__(lost)


def _importing(frame: "FrameType | None") -> bool:
    """Whether a module was being imported when a signal arrived, by the stack of `frame`."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _repeat(number: int) -> None:
    """Send a signal to the process again after `_AGAIN` seconds."""
    import threading  # already imported by the command when this runs

    timer = threading.Timer(_AGAIN, signal.raise_signal, (number,))
    timer.daemon = True
    timer.start()
