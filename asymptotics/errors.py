"""What can go wrong, each with the remedy in its message.

A message is one line of at most 300 characters, whatever the input was: `one_line` cuts what is
longer, and shows characters that a terminal would obey, such as escapes and line ends, as text.
"""

import difflib
import reprlib
from collections.abc import Iterable

#: The longest message, and the longest key, value and list of known names within one.
_MESSAGE, _KEY, _VALUE, _KNOWN = 300, 80, 60, 160
#: Integers of more digits are described by their number of digits.
_DIGITS = 40


def one_line(text: str, most: int = _MESSAGE) -> str:
    """`text` on one line of at most `most` characters, all of them printable.

    The middle of a longer text is left out: its start says what it is, its end what is allowed.
    """
    if len(text) > 4 * most:  # so that a text of any length takes no time
        text = text[: 2 * most] + text[-2 * most :]
    text = _printable(" ".join(text.split()))
    if len(text) <= most:
        return text
    tail = (most - 3) // 2
    return f"{text[: most - 3 - tail]}...{text[-tail:]}"


def _printable(text: str) -> str:
    """`text` with all that is no printable character written as Python writes it: ``\\x1b``."""
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
    def __repr__(self) -> str:
        return "(missing)"

    def __reduce__(self) -> str:
        return "MISSING"  # there is one


#: The value of a key that is not there.
MISSING = _Missing()


class NoConvergence(AsymptoticsError, ArithmeticError):
    """A computation did not reach the accuracy asked for."""


class WriteFailed(AsymptoticsError, OSError):
    """What was computed could not be written."""


class MissingExtra(AsymptoticsError, ModuleNotFoundError):
    """A package that an optional part needs is not installed; the message names the extra."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}: pip install 'asymptotics[{extra}]'")
        self.name, self.extra = package, extra

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.extra)


def unknown_name(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a name that is not among `known`, with the nearest of them."""
    return InvalidInput(key, value, _nearest(value, known))


def unknown_key(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a key whose last part is not among `known`, with the nearest of them."""
    return InvalidInput(key, value, f"unknown key; {_nearest(key.rpartition('.')[2], known)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    known = list(known)
    # A name much longer than all known ones is near to none, and would take long to compare.
    text = name[:_VALUE] if isinstance(name, str) else _shown(name)
    nearest = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}known: {_listed(known)}"


def _listed(names: list[str]) -> str:
    """Names after each other; of many, the first ones and how many there are."""
    text = ", ".join(names)
    if len(text) <= _KNOWN:
        return text
    first = text[:_KNOWN].rpartition(", ")[0]
    return f"{first}, ... ({len(names)} in all)"


class _Values(reprlib.Repr):
    """Values inside lists and tables, of which a message shows no more than it has room for."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 12
        self.maxstring = self.maxother = self.maxlong = _VALUE

    def repr_int(self, x: int, level: int) -> str:
        return _integer(x)


_VALUES = _Values()


def _integer(x: int) -> str:
    """An integer, or how long it is: Python refuses to write integers of thousands of digits."""
    digits = int(x.bit_length() * 0.30103) + 1
    return (
        f"({'a negative' if x < 0 else 'an'} integer of {digits} digits)"
        if (digits > _DIGITS)
        else str(x)
    )


def _shown(value: object) -> str:
    """A value as a message shows it."""
    try:
        if type(value) is int:
            text = _integer(value)
        elif isinstance(value, str):
            text = repr(value[: 2 * _VALUE]) if len(value) <= 2 * _VALUE else _VALUES.repr(value)
        elif isinstance(value, list | tuple | dict | set | frozenset):
            text = _VALUES.repr(value)
        else:
            text = str(value)
    except Exception:  # a value whose own text fails is shown by its type
        text = f"({type(value).__name__})"
    return one_line(text, _VALUE)
