"""What can go wrong, each with the remedy in its message."""

import difflib
from collections.abc import Iterable


class AsymptoticsError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidInput(AsymptoticsError, ValueError):
    """An input outside its domain; the message names the key, the value and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        self.key, self.value, self.allowed = key, value, allowed
        given = "" if value is MISSING else f" = {_short(value)}"
        super().__init__(f"{key}{given}: {allowed}")

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


def unknown_name(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a name that is not among `known`, with the nearest of them."""
    return InvalidInput(key, value, _nearest(value, known))


def unknown_key(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a key whose last part is not among `known`, with the nearest of them."""
    return InvalidInput(key, value, f"unknown key; {_nearest(key.rpartition('.')[2], known)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    known = list(known)
    nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}known: {', '.join(known)}"


def _short(value: object, width: int = 60) -> str:
    text = str(value) if not isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."
