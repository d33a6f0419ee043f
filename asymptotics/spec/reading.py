"""Reading documents of TOML, from files, standard input and the package."""

import sys
import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..parameters import as_path

#: The bundled examples: a problem of the linear model, and a sweep over networks.
EXAMPLE, NETWORK_EXAMPLE = "example.toml", "network.toml"


def read(path: str | Path | None, example: str) -> tuple[dict[str, Any], Path]:
    """The document in a file, and its folder: `path`, ``-`` for standard input, or an example."""
    text, name, folder = _text(path, example)
    try:
        return tomllib.loads(text, parse_float=Decimal), folder
    except ArithmeticError:
        raise InvalidInput("spec", name, "holds a number that is too large to read") from None
    except (ValueError, RecursionError) as error:  # the reader's own, and of what it calls
        raise InvalidInput("spec", name, f"must be valid TOML: {error}") from None


def example_text(name: str) -> str:
    """A bundled example."""
    return resources.files("asymptotics").joinpath("examples", name).read_text("utf-8")


def _text(path: str | Path | None, example: str) -> tuple[str, str, Path]:
    if path is None:
        return example_text(example), example, Path()
    path = as_path("spec", path)
    try:
        if str(path) == "-":
            if sys.stdin is None:
                raise InvalidInput("spec", "-", "cannot be read: standard input is closed")
            text = sys.stdin.buffer.read().decode("utf-8-sig")
            return text, "standard input", Path()
        return path.read_text(encoding="utf-8-sig"), str(path), path.parent
    except OSError as error:
        raise InvalidInput("spec", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput("spec", str(path), "must be text in UTF-8") from None
