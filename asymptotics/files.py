"""Samples of a population in a file."""

import csv
import re
import warnings
from pathlib import Path

import numpy as np

from .arithmetic import Array
from .errors import InvalidInput

_REQUIRED, _OPTIONAL = ("eigenvalue", "coefficient"), ("weight",)


def read_samples(path: str | Path) -> dict[str, Array]:
    """Columns ``eigenvalue``, ``coefficient`` and, if there, ``weight`` of a CSV file.

    Values are float64.  Other columns are ignored.  Raises `InvalidInput` naming the file and what
    is wrong in it.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise InvalidInput("file", str(path), "must be a regular file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = [name.strip() for name in next(csv.reader(file), [])]
            missing = [name for name in _REQUIRED if name not in header]
            if missing:
                allowed = f"must have the columns {', '.join(_REQUIRED)} (and may have weight)"
                raise InvalidInput("file", str(path), f"no column {missing[0]!r}: it {allowed}")
            if repeated := {name for name in header if header.count(name) > 1}:
                allowed = f"must have each column once, not {', '.join(sorted(repeated))} again"
                raise InvalidInput("file", str(path), allowed)
            names = [name for name in (*_REQUIRED, *_OPTIONAL) if name in header]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # no rows: said below
                table = np.loadtxt(
                    file,
                    delimiter=",",
                    comments=None,
                    quotechar='"',
                    usecols=[header.index(name) for name in names],
                    ndmin=2,
                )
    except OSError as error:
        raise InvalidInput("file", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput("file", str(path), "must be text in UTF-8") from None
    except csv.Error as error:
        raise InvalidInput("file", str(path), f"must have a header: {error}") from None
    except ValueError as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("file", str(path), f"must hold numbers: {_reason(error)}") from None
    if not table.size:
        raise InvalidInput("file", str(path), "must have one or more rows below its header")
    return dict(zip(names, np.ascontiguousarray(table.T), strict=True))


def _reason(error: ValueError) -> str:
    """What loadtxt complains of, in lines of the file."""
    message = str(error)
    if text := re.match(
        r"could not convert string (.*) to float64 at row (\d+), column (\d+)", message
    ):
        return f"line {int(text[2]) + 2}, column {text[3]} is {text[1]}"
    if short := re.match(r"invalid column index \d+ at row (\d+) with (\d+) columns", message):
        return f"line {int(short[1]) + 1} has only {short[2]} columns"
    return " ".join(message.split())
