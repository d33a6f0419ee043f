"""What can go wrong, each with the remedy in its message."""

import difflib
from collections.abc import Iterable


class AsymptoticsError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidInput(AsymptoticsError, ValueError):
    """An input outside its domain; the message names the key, the value and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        self.key, self.value, self.allowed = key, value, allowed
        super().__init__(f"{key} = {_short(value)}: {allowed}")


class NoConvergence(AsymptoticsError, ArithmeticError):
    """A computation did not reach the accuracy asked for."""


def unknown_name(key: str, value: object, known: Iterable[str]) -> InvalidInput:
    """The error for a name that is not among `known`, with the nearest of them."""
    known = list(known)
    nearest = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return InvalidInput(key, value, f"{hint}known: {', '.join(known)}")


def _short(value: object, width: int = 60) -> str:
    text = str(value) if not isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."
