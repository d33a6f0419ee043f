"""Reading TOML documents from files, standard input and the bundled examples."""

import re
import sys
import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..parameters import as_path
from ..population.samples import decoded

#: The bundled examples: a problem of the linear model, rounds of it, models that grow, and a sweep
#: over networks.
EXAMPLE, NETWORK_EXAMPLE = "example.toml", "network.toml"
ROUNDS_EXAMPLE, GROWTH_EXAMPLE = "rounds.toml", "growth.toml"
#: Advice for a string in which the backslashes of a Windows path were read as escapes.
ESCAPES = (
    r"in double quotes a backslash begins an escape: write paths as 'C:\data.csv' or C:/data.csv"
)
#: The most bytes of a spec.
_LARGEST = 32 << 20
#: The most parts of a dotted key, and characters of a number.  The time of reading either grows
#: with the square of its length.
_MOST_PARTS, _LONGEST_NUMBER = 20, 10_000
#: Patterns of a part of a dotted key, and of the key.
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")


def read(path: str | Path | None, example: str) -> tuple[dict[str, Any], Path]:
    """A parsed document, and the folder of its file.

    `path` is a file, ``-`` for standard input, or None for the bundled example of that name.
    Numbers keep their decimal value.  Raises `InvalidInput` if the document cannot be read.
    """
    text, name, folder = _text(path, example)
    if line := _too_dotted(text):
        allowed = f"line {line}: a dotted key must have at most {_MOST_PARTS} parts"
        raise InvalidInput("spec", name, allowed)
    try:
        return tomllib.loads(text, parse_float=_decimal), folder
    except ArithmeticError:
        allowed = "holds a number that is too large, or too close to 0, to be read"
        raise InvalidInput("spec", name, allowed) from None
    except (ValueError, RecursionError) as error:  # of `tomllib` itself, or of what it calls
        raise InvalidInput(
            "spec", name, f"must be valid TOML: {error}{_remedy(error, text)}"
        ) from None


def _decimal(text: str) -> Decimal:
    """The decimal value of a text; raises `ValueError` if the text is too long."""
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(
            f"a number of {len(text):,} characters, of which {_LONGEST_NUMBER:,} may be"
        )
    return Decimal(text)


def _too_dotted(text: str) -> int:
    """The number of the first line (from 1) with a key of too many parts; 0 if there is none."""
    inside = False  # whether the line begins within a string of several lines
    for number, line in enumerate(text.split("\n"), 1):
        code = line if inside else _without_comment(line)
        delimiters = code.count('"""') + code.count("'''")
        if not inside and not delimiters and code.count(".") >= _MOST_PARTS:
            keys = _DOTTED.findall(code)
            if any(len(re.findall(_PART, key)) > _MOST_PARTS for key in keys):
                return number
        # An odd number of delimiters opens or closes a string.
        inside ^= delimiters % 2 == 1
    return 0


def _without_comment(line: str) -> str:
    """A line up to the first number sign outside a string."""
    start = line.find("#")
    while start >= 0:
        before = line[:start]
        if before.count('"') % 2 == 0 and before.count("'") % 2 == 0:
            return before
        start = line.find("#", start + 1)
    return line


def example_text(name: str) -> str:
    """The text of a bundled example."""
    return resources.files("asymptotics").joinpath("examples", name).read_text("utf-8")


def _remedy(error: Exception, text: str) -> str:
    """Advice for an error that a Windows path may have caused; otherwise empty."""
    strings = ("Unescaped", "hex value", "Unicode scalar", "Unterminated", "Illegal character")
    spoilt = "\\" in text and any(words in str(error) for words in strings)
    return f"; {ESCAPES}" if spoilt else ""


def _text(path: str | Path | None, example: str) -> tuple[str, str, Path]:
    """The text of a document, its name in messages, and its folder."""
    if path is None:
        return example_text(example), example, Path()
    path = as_path("spec", path)
    if str(path) == "-":
        name, folder = "standard input", Path()
    else:
        name, folder = str(path), path.parent
    try:
        text = decoded(_bytes_of(path), "spec", name)
    except OSError as error:
        raise InvalidInput("spec", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeEncodeError:
        raise InvalidInput("spec", str(path), "must be the path of a file") from None
    return text.replace("\r\n", "\n").replace("\r", "\n"), name, folder


def _bytes_of(path: str | Path) -> bytes:
    """The content of a file or of standard input; raises `InvalidInput` if it is too large."""
    if str(path) != "-":
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    elif sys.stdin is None:
        raise InvalidInput("spec", "-", "cannot be read: standard input is closed")
    else:
        data = sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise InvalidInput("spec", str(path), f"must have at most {_LARGEST >> 20} MB")
    return data
