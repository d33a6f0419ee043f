"""The errors that the package raises, each with the remedy in its message.

A message is one line of at most 300 characters, whatever the input was: `one_line` shortens it and
escapes characters that a terminal would obey, such as line ends.
"""

import difflib
import reprlib
from collections.abc import Iterable

#: The most characters of a message, and within it of a key, a value and a list of known names.
_MESSAGE, _KEY, _VALUE, _KNOWN = 300, 80, 60, 160
#: A message states only the number of digits of an integer that has more than this.
_DIGITS = 40


def one_line(text: str, most: int = _MESSAGE) -> str:
    """`text` on one line of at most `most` characters, all of them printable.

    A longer text loses its middle, because its start names the input and its end what is allowed.
    """
    if len(text) > 4 * most:  # the steps below would take long for a huge text
        text = text[: 2 * most] + text[-2 * most :]
    text = _printable(" ".join(text.split()))
    if len(text) <= most:
        return text
    tail = (most - 3) // 2
    return f"{text[: most - 3 - tail]}...{text[-tail:]}"


def _printable(text: str) -> str:
    """`text` with unprintable characters escaped as Python escapes them: ``\\x1b``."""
    return "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)


class AsymptoticsError(Exception):
    """Base of every error that this package raises on purpose; its message is `one_line`."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class InvalidInput(AsymptoticsError, ValueError):
    """An input outside its domain; the message names the key, the value and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        self.key, self.value, self.allowed = key, value, allowed
        given = "" if value is MISSING else f" = {_shown(value)}"
        super().__init__(f"{one_line(_printable(key), _KEY)}{given}: {allowed}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self.value, self.allowed)

    def within(self, place: str) -> "InvalidInput":
        """The same error, of a key inside `place`."""
        return InvalidInput(f"{place}.{self.key}", self.value, self.allowed)


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "(missing)"

    def __reduce__(self) -> str:
        return "MISSING"  # a copy is the same object


#: Given as the value of an `InvalidInput` whose key was not given.
MISSING = _Missing()


class NoConvergence(AsymptoticsError, ArithmeticError):
    """A computation did not reach the accuracy asked for."""


class WriteFailed(AsymptoticsError, OSError):
    """A result was computed, but could not be written to a file."""


class MissingExtra(AsymptoticsError, ModuleNotFoundError):
    """An optional package is not installed; the message names the extra that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}: pip install 'asymptotics[{extra}]'")
        self.name, self.extra = package, extra

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.extra)


def unknown_name(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a name that is not among `known`; its message suggests the nearest."""
    return InvalidInput(key, value, _nearest(value, known))


def unknown_key(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a dotted key whose last part is not among `known`, with the nearest."""
    return InvalidInput(key, value, f"unknown key; {_nearest(key.rpartition('.')[2], known)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    """The part of a message that suggests the nearest of the known names and lists them."""
    known = list(known)
    # A very long name would take long to compare, and resembles no known one.
    text = name[:_VALUE] if isinstance(name, str) else _shown(name)
    nearest = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}known: {_listed(known)}"


def _listed(names: list[str]) -> str:
    """A list of names; if it is too long, the first ones and their number."""
    text = ", ".join(names)
    if len(text) <= _KNOWN:
        return text
    first = text[:_KNOWN].rpartition(", ")[0]
    return f"{first}, ... ({len(names)} in all)"


class _Values(reprlib.Repr):
    """Shortens lists and tables, and the values inside them, to the room in a message."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 12
        self.maxstring = self.maxother = self.maxlong = _VALUE

    def repr_int(self, x: int, level: int) -> str:
        return _integer_text(x)


_VALUES = _Values()


def _integer_text(x: int) -> str:
    """An integer as text, or its number of digits, because Python refuses to write huge ones."""
    digits = int(x.bit_length() * 0.30103) + 1
    return (
        f"({'a negative' if x < 0 else 'an'} integer of {digits} digits)"
        if (digits > _DIGITS)
        else str(x)
    )


def _shown(value: object) -> str:
    """A value as text for a message."""
    try:
        if type(value) is int:
            text = _integer_text(value)
        elif isinstance(value, str):
            text = repr(value[: 2 * _VALUE]) if len(value) <= 2 * _VALUE else _VALUES.repr(value)
        elif isinstance(value, list | tuple | dict | set | frozenset):
            text = _VALUES.repr(value)
        else:
            text = str(value)
    except Exception:  # str() of a foreign object may raise anything
        text = f"({type(value).__name__})"
    return one_line(text, _VALUE)
