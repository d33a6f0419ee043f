"""Samples of a population in a CSV file, and the encoding of text files.

Python's own `csv` module reads a CSV file once: the floats and the decimals of a column come from
the same cells.  Text is UTF-8, or UTF-16 or UTF-32 if it begins with a byte order mark.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import NONNEGATIVE
from ..errors import InvalidInput
from ..parameters import as_path, clip_remedy, eigenvalues, parameter, scalar

_REQUIRED, _OPTIONAL = ("eigenvalue", "coefficient"), "weight"
#: Words for weights.  If no column is called ``weight`` but the name of one contains such a word,
#: its author probably meant it as the weight; the file is refused rather than read without it.
_WEIGHT_WORDS = (
    _OPTIONAL, "wgt", "wt", "count", "frequency", "freq", "multiplicity", "fraction", "share",
    "proportion", "probability", "prob", "cnt", "degeneracy",
)  # fmt: skip
#: Words that mean weights only if they are the full name of a column.
_WEIGHT_NAMES = (
    "w", "n", "number", "num", "nr", "mass", "percent", "percentage", "size", "n_features",
)  # fmt: skip
#: Words, and full names, for the standard deviation of coefficients.  Groups of features have one,
#: samples do not.
_SPREAD_WORDS = ("std", "sd", "stdev", "stddev", "deviation")
_SPREAD_NAMES = ("standard_deviation", "std_dev", "variance", "var")
#: Where words of a name are separated: at signs and digits, and between the words of camelCase.
_ENDS_OF_WORDS = re.compile(r"[\W_\d]+|(?<=[a-z])(?=[A-Z])")
#: Control characters.  One in the name of a column means that the text was decoded wrongly.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: The byte order mark of each encoding.  Those of UTF-32 come first: one begins like one of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UTF8 = "utf-8-sig"
_GZIP = b"\x1f\x8b"
#: How the content of a bzip2 file begins: a block of data, or the end of an empty file.
_BZIP2 = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_ZIP = "a zip archive, as spreadsheets (.xlsx, .ods) are"
#: The first bytes of files that are not text.  Each mark has all bytes that such a file must begin
#: with, because a text may begin with the first few of them.
_KINDS = {
    _GZIP: "a gzip file",
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,
    b"PK\x07\x08": _ZIP,
    **{b"BZh%d%s" % (level, mark): "a bzip2 file" for level in range(1, 10) for mark in _BZIP2},
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"PAR1\x15": "a Parquet file",
    b"\x93NUMPY": "a NumPy file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3\0": "an SQLite database",
    b"%PDF-": "a PDF file",
    b"\x89PNG": "a picture",
}
_LONGEST_KIND = max(map(len, _KINDS))
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'", " ": "spaces"}
#: Rows that are held as text at a time, if no decimals are wanted.
_BATCH = 10_000
#: Characters of a header that a message repeats.
_SHOWN = 80


def read_samples(
    path: str | Path, most_exact: int = 10_000, clip: float | Decimal = 0.0
) -> dict[str, Array]:
    """Columns ``eigenvalue``, ``coefficient`` and, if there, ``weight`` of a CSV file.

    The file may be compressed by gzip.  Its first line is the header, fields are separated by
    commas, and every row has as many of them as the header; blank lines are skipped.  Columns of
    other names are ignored (`ignored_columns` lists them), except that a name which suggests
    weights, such as ``counts`` or ``rel_weight``, or a ``std``, is refused.  A column without
    a name must be empty, unless it is the first, where other programs write the names of rows.
    Eigenvalues of magnitude at most `clip` become 0.

    In a file of at most `most_exact` rows the values are `Decimal`, as they are written; in
    a larger one they are the nearest float64.  Raises `InvalidInput` naming the file, the line and
    the fault.
    """
    path, clip = as_path("file", path), scalar("clip", clip, NONNEGATIVE)
    with _reading(path) as file:
        # The first batch keeps the text of its cells: all rows of a file that is read as decimals.
        batches = _batches(path, file, most_exact or _BATCH)
        first = next(batches, None)
        if first is None:
            raise _bad(path, "must have one or more rows below its header")
        numbers = [first.numbers(path)]
        lines = [first.lines]
        for batch in batches:
            numbers.append(batch.numbers(path))
            lines.append(batch.lines)
    floats = {name: np.concatenate([part[name] for part in numbers]) for name in first.cells}
    checked = _in_domain(path, floats, np.concatenate(lines), clip)
    if "weight" in checked and not checked["weight"].any():
        raise _bad(path, "column 'weight' must not be all zero")
    if checked["eigenvalue"].size > most_exact:
        return checked
    # Zeros are not parsed: one may be written with an exponent that is too large for Decimal.
    return {
        name: np.array(
            [
                Decimal(cell.strip()) if value else Decimal(0)
                for cell, value in zip(first.cells[name], checked[name], strict=True)
            ],
            dtype=object,
        )
        for name in first.cells
    }


def ignored_columns(path: str | Path) -> list[str]:
    """The names of the columns that `read_samples` ignores, in their order.

    Raises `InvalidInput` for a header that `read_samples` refuses.
    """
    path = as_path("file", path)
    with _reading(path) as file:
        header = _header(path, next(_rows(path, csv.reader(file, strict=True)), (0, []))[1])
    return [name for name in header if name and name not in (*_REQUIRED, _OPTIONAL)]


def decoded(data: bytes, key: str, name: str) -> str:
    """The text in `data`, in the encoding of its byte order mark, or in UTF-8.

    Raises `InvalidInput`, with `key` and `name` for the message, if `data` is not text.
    """
    _require_text(data, key, name)
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError:
        raise _no_text(key, name) from None
    if "\0" in text:
        raise _no_text(key, name)
    return text


class _Batch(NamedTuple):
    """Some rows of a table: the line number of each row, and the cells of each column."""

    lines: Array
    cells: Mapping[str, Sequence[str]]

    def numbers(self, path: Path) -> dict[str, Array]:
        """The cells as floats; raises `InvalidInput` for one that is not a number."""
        try:
            return {name: _numbers(cells) for name, cells in self.cells.items()}
        except ValueError:
            pass  # read again row by row, so that the message names the first bad line
        for line, *row in zip(self.lines, *self.cells.values(), strict=True):
            for name, cell in zip(self.cells, row, strict=True):
                try:
                    _numbers([cell])
                except ValueError as error:
                    raise _bad(path, f"line {line}, {name} = {_shortened(cell)}: {error}") from None
        raise AssertionError  # one of them has failed above


def _batches(path: Path, file: IO[str], size: int) -> Iterator[_Batch]:
    """The rows below the header, `size` at a time."""
    reader = csv.reader(file, strict=True)
    rows = _rows(path, reader)
    header = _header(path, next(rows, (0, []))[1])
    places = {name: place for place, name in enumerate(header) if name in (*_REQUIRED, _OPTIONAL)}
    nameless = [place for place, name in enumerate(header) if place and not name]
    while batch := list(islice(rows, size)):
        lines = [line for line, _ in batch]
        for line, row in batch:
            if len(row) != len(header):
                raise _bad(path, _miscounted(line, len(row), len(header)))
            for place in nameless:
                if row[place].strip():
                    raise _bad(path, _without_name(line, place, row[place]))
        cells = {name: [row[place] for _, row in batch] for name, place in places.items()}
        yield _Batch(np.array(lines), cells)


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with its line number."""
    line = 0
    try:
        for row in reader:
            # A row of several lines comes from a quotation mark that is not closed.
            if reader.line_num > line + 1:
                allowed = "a quoted field holds the end of a line: is a quotation mark missing?"
                raise _bad(path, f"lines {line + 1} to {reader.line_num}: {allowed}")
            line = reader.line_num
            if row:
                yield line, row
    except csv.Error as error:
        raise _bad(path, f"line {line + 1} must be a row of a table: {error}") from None


def _in_domain(
    path: Path, columns: Mapping[str, Array], lines: Array, clip: float | Decimal
) -> dict[str, Array]:
    """The columns, with eigenvalues clipped; raises `InvalidInput` naming the first bad line."""
    checks = {name: partial(parameter, name) for name in columns}
    checks["eigenvalue"] = partial(eigenvalues, clip=clip)
    bad = {name: _first_refused(checks[name], values) for name, values in columns.items()}
    if all(place is None for place in bad.values()):
        return {name: checks[name](values) for name, values in columns.items()}
    # Of the first bad value of each column, report the one that comes first in the file.
    name, place = min(
        ((name, place) for name, place in bad.items() if place is not None),
        key=lambda found: found[1],
    )
    values = columns[name]
    try:
        checks[name](values[place])
    except InvalidInput as error:
        remedy = clip_remedy(values) if name == "eigenvalue" and values[place] < 0 else ""
        # With all digits, so that a value just outside its range does not look like its bound.
        value = repr(float(values[place])).removesuffix(".0")
        what = f"line {lines[place]}, {name} = {value}: {error.allowed}{remedy}"
        raise _bad(path, what) from None
    raise AssertionError  # it has been refused above


def _first_refused(check: Callable[[Array], Array], values: Array) -> int | None:
    """The index of the first value that `check` refuses, found by bisection, or None."""

    def refused(count: int) -> bool:
        try:
            check(values[:count])
        except InvalidInput:
            return True
        return False

    if not refused(values.size):
        return None
    # `check` judges an array as one; the shortest beginning that it refuses ends at the bad value.
    return bisect_left(range(values.size), True, key=lambda index: refused(index + 1))


@contextmanager
def _reading(path: Path) -> Iterator[IO[str]]:
    """The file open for reading, unpacked if it is gzipped; raises `InvalidInput` on failure."""
    name = str(path)
    try:
        if path.exists() and not path.is_file():
            raise InvalidInput("file", name, "must be a regular file")
        with path.open("rb") as raw, _unpacked(raw) as data:
            start = data.peek(_LONGEST_KIND)  # does not advance the stream
            _require_text(start, "file", name)
            encoding = _encoding(start)
            if encoding == _UTF8 and b"\0" in start.lstrip(b"\r\n").partition(b"\n")[0]:
                raise _no_text("file", name)  # for example UTF-16 without a byte order mark
            yield io.TextIOWrapper(data, encoding=encoding, newline="")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput("file", name, f"must be a whole gzip file: {error}") from None
    except OSError as error:
        raise InvalidInput("file", name, f"cannot be read: {error.strerror}") from None
    except UnicodeEncodeError:
        raise InvalidInput("file", name, "must be the path of a file") from None
    except UnicodeDecodeError:
        raise _no_text("file", name) from None


def _unpacked(raw: io.BufferedReader) -> io.BufferedReader:
    """The stream itself, or what it unpacks to if it is gzipped."""
    if not raw.peek(len(_GZIP)).startswith(_GZIP):
        return raw
    return io.BufferedReader(gzip.GzipFile(fileobj=raw))


def _encoding(start: bytes) -> str:
    """The encoding of a text that begins with these bytes."""
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), _UTF8)


def _require_text(start: bytes, key: str, name: str) -> None:
    """Raise `InvalidInput` if a file begins like one of the known kinds that are not text."""
    for mark, kind in _KINDS.items():
        if start.startswith(mark):
            raise InvalidInput(key, name, f"must be text, and is {kind}")


def _no_text(key: str, name: str) -> InvalidInput:
    return InvalidInput(key, name, "must be text in UTF-8, or in UTF-16 with its mark")


def _header(path: Path, cells: list[str]) -> list[str]:
    """The names of the columns; raises `InvalidInput` if `read_samples` does not allow them."""
    header = [name.strip() for name in cells]
    if missing := [name for name in _REQUIRED if name not in header]:
        found = f"no column {missing[0]!r} in its header {_shortened(','.join(header))}"
        columns = f"the columns are {', '.join(_REQUIRED)} and, optionally, {_OPTIONAL}"
        raise _bad(path, f"{found}: {_remedy(header, missing[0])} ({columns})")
    if repeated := {name for name in header if name and header.count(name) > 1}:
        allowed = f"must have each column once, not {', '.join(sorted(repeated))[:_SHOWN]} again"
        raise _bad(path, allowed)
    if found := next(filter(_CONTROLS.search, header), ""):
        raise _bad(path, f"column {_shortened(found)} must have no control characters in its name")
    if _OPTIONAL not in header and (found := _weight_like(header)):
        allowed = f"must be called {_OPTIONAL!r} to be read, or have a name less like it"
        raise _bad(path, f"column {_shortened(found)} {allowed}")
    if found := _named(header, _SPREAD_WORDS, _SPREAD_NAMES):
        allowed = "is not read, and must have another name: a sample has one coefficient"
        raise _bad(
            path, f"column {_shortened(found)} {allowed}; rows with a std are [[population]] groups"
        )
    return header


def _remedy(header: list[str], name: str) -> str:
    """The likely mistake in a header that lacks the column `name`."""
    line = ",".join(header)
    if not line.strip(","):
        return "the first line must be a header"
    if line.startswith("#"):
        return "the first line must be the header, without #; comments are not skipped"
    if all(map(_is_number, header)):
        return "the first line must be a header, not numbers"
    if f'"{name}"' in header:
        return "quotation marks must follow their comma without a space"
    for separator, called in _SEPARATORS.items():
        if separator in line and _alike(name, line.split(separator)):
            return f"columns are separated by {called}: commas are needed, and decimal points"
    nearest = _nearest(name, header, cutoff=0.5)
    return f"did you mean {_shortened(nearest)}?" if nearest else "none is like it"


def _weight_like(header: Sequence[str]) -> str:
    """The first name that suggests weights or is almost ``weight``; empty if there is none."""
    named = _named(header, _WEIGHT_WORDS, _WEIGHT_NAMES)
    ending = next((name for name in header if _stem(name).endswith(_OPTIONAL)), "")
    return named or ending or _nearest(_OPTIONAL, header, cutoff=0.8)


def _named(header: Sequence[str], words: Sequence[str], names: Sequence[str]) -> str:
    """The first name that contains one of these words or is one of these names, or ``""``."""
    parts, full = {_stem(word) for word in words}, {_stem(name) for name in (*words, *names)}
    for name in header:
        if _stem(name) in full or any(_stem(x) in parts for x in _ENDS_OF_WORDS.split(name)):
            return name
    return ""


def _nearest(name: str, others: Sequence[str], cutoff: float) -> str:
    """The one of the `others` that `name` is probably a slip of, or ``""``."""
    close = get_close_matches(name, others, n=1, cutoff=cutoff)
    return _alike(name, others) or (close[0] if close else "")


def _alike(name: str, others: Sequence[str]) -> str:
    """The first of the `others` that differs only in case, signs or plural, or ``""``."""
    return next((other for other in others if _stem(other) == _stem(name)), "")


def _stem(name: str) -> str:
    """A name in lower case, without signs and in the singular, for comparisons."""
    word = re.sub(r"[\W_]", "", name.casefold())
    return re.sub(r"(?<!s)s$", "", re.sub("ies$", "y", word))


def _miscounted(line: int, fields: int, expected: int) -> str:
    remedy = (
        ": row names need a name in the header, numbers a decimal point and no other separators"
        if fields > expected
        else ""
    )
    plural = "" if fields == 1 else "s"
    return f"line {line} has {fields} field{plural}, its header {expected}{remedy}"


def _without_name(line: int, place: int, cell: str) -> str:
    allowed = "must be empty, or have a name: only the first column may hold names of rows"
    return f"line {line}, column {place + 1} without a name = {_shortened(cell)}: {allowed}"


def _numbers(cells: Sequence[str]) -> Array:
    """The floats nearest to the numbers in cells.

    Raises `ValueError` if a cell does not hold a number, or one too small for a float.  (Python's
    `float` also accepts underscores and digits of other scripts, and turns tiny numbers into 0.)
    """
    text = "".join(cells)
    if "_" in text or not text.isascii():
        raise ValueError("must be a number")
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        remedy = ", with a decimal point" if "," in text else ""
        raise ValueError(f"must be a number{remedy}") from None
    # A float that is 0 although a digit before the exponent is not has underflowed.
    if any(
        re.match(r"[^eE]*[1-9]", cells[place]) for place in np.flatnonzero(values == 0).tolist()
    ):
        raise ValueError("is too small for a float: rescale the units")
    return values


def _is_number(cell: str) -> bool:
    try:
        _numbers([cell])
    except ValueError:
        return False
    return True


def _shortened(text: str) -> str:
    """Text in quotation marks, of limited length."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def _bad(path: Path, what: str) -> InvalidInput:
    return InvalidInput("file", str(path), what)
