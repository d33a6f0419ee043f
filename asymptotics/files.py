"""Samples of a population in a file."""

import csv
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO

import numpy as np

from .arithmetic import Array
from .errors import InvalidInput
from .parameters import as_path, parameter

_REQUIRED, _OPTIONAL = ("eigenvalue", "coefficient"), ("weight",)


def read_samples(path: str | Path) -> dict[str, Array]:
    """Columns ``eigenvalue``, ``coefficient`` and, if there, ``weight`` of a CSV file.

    Values are float64.  Other columns are ignored.  Raises `InvalidInput` naming the file, the
    line and what is wrong in it.
    """
    path = as_path("file", path)
    with _reading(path) as file:
        header = _header(path, next(csv.reader(file), []))
        names = [name for name in header if name in (*_REQUIRED, *_OPTIONAL)]
        places = [header.index(name) for name in names]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # no rows: said below
                table = np.loadtxt(
                    file,
                    delimiter=",",
                    comments=None,
                    quotechar='"',
                    # Without a choice of columns it holds all rows to the same number of them.
                    usecols=None if names == header else places,
                    ndmin=2,
                )
            if not table.size:
                raise InvalidInput("file", str(path), "must have one or more rows below its header")
            samples = dict(zip(names, np.ascontiguousarray(table.T), strict=True))
            for name, values in samples.items():
                parameter(name, values)
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            _blame_a_line(path, header, names)
            raise error if isinstance(error, InvalidInput) else _bad(path, str(error)) from None
    return samples


def read_decimals(path: str | Path, names: Iterable[str]) -> dict[str, Array]:
    """Columns of a file that `read_samples` reads, with its numbers as they are written."""
    with _reading(Path(path)) as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader)]
        rows = list(filter(None, reader))
    return {
        name: np.array([Decimal(row[header.index(name)].strip()) for row in rows], dtype=object)
        for name in names
    }


@contextmanager
def _reading(path: Path) -> Iterator[IO[str]]:
    """The file open for reading, what goes wrong with it said in one line."""
    try:
        if path.exists() and not path.is_file():
            raise InvalidInput("file", str(path), "must be a regular file")
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise InvalidInput("file", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput("file", str(path), "must be text in UTF-8") from None
    except csv.Error as error:
        raise InvalidInput("file", str(path), f"must be a table: {error}") from None


def _header(path: Path, cells: list[str]) -> list[str]:
    header = [name.strip() for name in cells]
    if missing := [name for name in _REQUIRED if name not in header]:
        allowed = f"must have the columns {', '.join(_REQUIRED)} (and may have weight)"
        raise InvalidInput("file", str(path), f"no column {missing[0]!r}: it {allowed}")
    if repeated := {name for name in header if header.count(name) > 1}:
        allowed = f"must have each column once, not {', '.join(sorted(repeated))} again"
        raise InvalidInput("file", str(path), allowed)
    return header


def _blame_a_line(path: Path, header: list[str], names: list[str]) -> None:
    """Raise for the first line that is not a row of numbers in their domains, if there is one."""
    with _reading(path) as file:
        reader = csv.reader(file)
        next(reader)
        for row in filter(None, reader):
            line = f"line {reader.line_num}"
            if len(row) < len(header) or (len(row) > len(header) and names == header):
                raise _bad(path, f"{line} has {len(row)} columns, its header {len(header)}")
            for name in names:
                cell = row[header.index(name)]
                try:
                    parameter(name, _number(cell))
                except InvalidInput as error:
                    raise _bad(path, f"{line}, {name} = {cell}: {error.allowed}") from None
                except ValueError:
                    raise _bad(path, f"{line}, {name} = {cell!r}: must be a number") from None


def _number(cell: str) -> float:
    """A number as files hold it; Python reads more, such as digits of other scripts."""
    if "_" in cell or not cell.isascii():
        raise ValueError
    return float(cell)


def _bad(path: Path, what: str) -> InvalidInput:
    return InvalidInput("file", str(path), what)
