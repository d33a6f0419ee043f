"""Writing rows and pictures to standard output and to files, without destroying other files."""

import csv
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from ..errors import InvalidInput
from ..extras import extra, require
from ..results import (
    CREATOR,
    JSON_END,
    JSON_START,
    KINDS,
    GridResult,
    NetworkSweep,
    Verdicts,
    Verification,
    to_csv,
    to_json,
)
from .console import say, terminal_width

PICTURES, TABLES = (".png", ".svg", ".pdf"), (".csv", ".json", ".parquet")
#: The mark of this package in the metadata of pictures, at the start of a file or the end of a PDF.
_MARKS = {
    ".png": b"Creator\0" + CREATOR.encode(),
    ".svg": f"<dc:title>{CREATOR}</dc:title>".encode(),
    ".pdf": f"/Creator ({CREATOR})".encode(),
}
#: The key of the same mark in the schema of a Parquet file, and the mark of an HTML page.
_CREATOR_KEY = b"creator"
_PAGE_MARK = f'<meta name="generator" content="{CREATOR}">'.encode()
#: The mark is searched for in this many bytes at either end of a file.
_SEARCHED = 4096
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REMEDY = "name another file, or add --force"
#: The keys of a row in JSON that are not columns of its table.
_MORE_KEYS = ("diverges", "infinite")
#: The first bytes of an SQLite database.
_DATABASE = b"SQLite format 3\0"


def require_writable(output: Path) -> None:
    """Raise `InvalidInput` unless a file of that name can be written.

    Raises `MissingExtra` if the package that writes it is not installed.
    """
    suffix = output.suffix.lower()
    if suffix not in PICTURES + TABLES:
        allowed = f"must end in {' '.join(PICTURES + TABLES)}"
        raise InvalidInput("output", str(output), allowed)
    if not output.absolute().parent.is_dir():
        raise InvalidInput("output", str(output), "must be in a folder that exists")
    if suffix == ".parquet":
        require("frames", "pandas", "pyarrow")
    elif is_picture(output):
        os.environ["MPLBACKEND"] = "agg"  # whatever the user has set, to open no window
        require("plot", "matplotlib")


def is_picture(output: Path) -> bool:
    """Whether a file is drawn; others hold rows."""
    return output.suffix.lower() in PICTURES


def require_free(
    output: Path, inputs: Mapping[str, str | Path | None], force: bool, key: str = "output"
) -> None:
    """Raise `InvalidInput` if writing `output` would destroy a file that must stay.

    Such are the files that the same command reads, on any path that leads to them; databases; and,
    without `force`, all files that this package has not written.  It recognises its own pictures by
    a mark and its own rows by their form, so it does not notice an edited value or picture.

    Parameters
    ----------
    inputs
        The path of each file that the command reads, or ``-``, by its name in messages.
    key
        The name of the option, for messages.
    """
    for called, path in inputs.items():
        if path is not None and _is_same(output, path):
            raise InvalidInput(key, str(output), f"must be another file than {called}")
    try:
        if (allowed := _not_replaceable(output, force)) is not None:
            raise InvalidInput(key, str(output), allowed)
    except OSError as error:
        raise InvalidInput(key, str(output), f"cannot be replaced: {error.strerror}") from None


def _not_replaceable(output: Path, force: bool) -> str | None:
    """Why the file must stay, with a remedy for the message; None if it may be replaced."""
    if Path(os.path.realpath(output)).is_symlink():
        return "must not be a link that leads back to itself"
    if not output.exists():
        return None
    if not output.is_file():
        return "must be a regular file"
    if _starts(output, _DATABASE):
        return "must not be a database, such as a store of trials: name another file"
    if force:
        return None
    if not _is_ours(output):
        return f"is there, and not written by asymptotics: {_REMEDY}"
    status = output.stat()
    if not status.st_mode & _WRITABLE:
        return f"is write-protected: {_REMEDY}"
    if status.st_nlink > 1:
        return f"has another name in its file system, which would keep the old file: {_REMEDY}"
    return None


def _is_same(output: Path, other: str | Path) -> bool:
    """Whether two paths lead to one file, also through hard or symbolic links."""
    if str(other) == "-":
        return _is_standard_input(output)
    if os.path.realpath(output) == os.path.realpath(other):
        return True
    try:
        return output.samefile(other)
    except OSError:  # one of the files does not exist
        return False


def _is_standard_input(output: Path) -> bool:
    """Whether standard input is redirected from this file."""
    try:
        return os.path.samestat(output.stat(), os.fstat(sys.stdin.fileno()))
    except (OSError, ValueError, AttributeError):  # standard input is closed, or not a file
        return False


def _is_ours(path: Path) -> bool:
    """Whether a file is empty or has the form in which this package writes.

    For files of rows, the names of the columns and the layout are compared, not the values.
    """
    if not path.stat().st_size:
        return True
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return any(_is_csv_of(names, path) for names in _columns())
    if suffix == ".json":
        return _is_json_of_ours(path)
    if suffix == ".parquet":
        return _is_parquet_of_ours(path)
    mark = _MARKS.get(suffix, _PAGE_MARK)
    return mark in _start(path) or mark in _end(path)


def _columns() -> list[tuple[str, ...]]:
    """The columns of each table that this package writes."""
    return [kind.columns for kind in KINDS]


def _is_csv_of(names: tuple[str, ...], path: Path) -> bool:
    """Whether a CSV file has these columns, and below them only rows of as many cells."""
    if not _starts(path, f"{','.join(names)}\n".encode()):
        return False
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            next(rows)
            return all(len(row) == len(names) and _is_number(row[0]) for row in rows)
    except (csv.Error, UnicodeDecodeError):
        return False


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_json_of_ours(path: Path) -> bool:
    """Whether a JSON file has the keys of a result, and exactly the layout of `to_json`."""
    if not (_starts(path, JSON_START.encode()) and _end(path).endswith(JSON_END.encode())):
        return False
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    # Written again, the document must be the same text: other programs indent in other ways.
    known = [{*names, *_MORE_KEYS} for names in _columns()]
    return (
        list(document) == ["version", "spec", "rows"]
        and all(isinstance(row, dict) and set(row) in known for row in document["rows"])
        and json.dumps(document, indent=1) + "\n" == text
    )


def _is_parquet_of_ours(path: Path) -> bool:
    """Whether a Parquet file has the columns of a result, and the mark of this package.

    Another program that rewrites the file drops the mark.
    """
    with extra("frames"):
        from pyarrow import ArrowException, parquet

    try:
        schema = parquet.read_schema(path)
    except (ArrowException, OSError):  # not a Parquet file
        return False
    marked = (schema.metadata or {}).get(_CREATOR_KEY) == CREATOR.encode()
    return marked and tuple(schema.names) in _columns()


def _start(path: Path, size: int = _SEARCHED) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(size)


def _starts(path: Path, text: bytes) -> bool:
    """Whether a file begins with these bytes."""
    return _start(path, len(text)) == text


def _end(path: Path) -> bytes:
    """The last bytes of a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _SEARCHED))
        return file.read()


class Asked(Protocol):
    """A problem of either kind, with its parsed spec and the parameter on the axis of a figure."""

    @property
    def source(self) -> Mapping[str, Any]: ...

    @property
    def abscissa(self) -> str: ...


def older_stays(output: Path, result: Verdicts | NetworkSweep) -> str:
    """A remark that the older file `output` stays; empty if the result may replace it.

    The result of an interrupted run, or of a run without any trial, does not replace a file, which
    may hold more.
    """
    less = result.interrupted or not (result.trials > 0).any()
    there = output.is_file() and output.stat().st_size > 0
    return f"; {output} stays as it was" if less and there else ""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that replaces `path` at the end, if it was written and nothing was raised.

    It has the suffix of `path`.  If `path` is a symbolic link, the link stays and its target is
    replaced.  The new file has the permissions of the old one, and its owner and group as far as
    the system allows; access lists and other attributes are those of a new file.
    """
    target = Path(os.path.realpath(path))
    # In the folder of the target, because a file cannot be renamed into another file system.
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=path.suffix)
    except OSError as error:
        raise InvalidInput("output", str(path), f"cannot be written: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if not temporary.stat().st_size:
            return  # nothing was written, and the old file stays
        _copy_ownership(temporary, target)
        temporary.chmod(_permissions(target))
        # In one step: a reader finds the old file or the new one, never a part.
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_ownership(path: Path, other: Path) -> None:
    """Give a file the group and the owner of another, if that exists, as far as is allowed."""
    if not other.exists():
        return
    given, has = other.stat(), path.stat()
    # The group comes first, because only the owner of a file may change it.
    with suppress(OSError):
        if given.st_gid != has.st_gid:
            os.chown(path, -1, given.st_gid)
    with suppress(OSError):
        if given.st_uid != has.st_uid:
            os.chown(path, given.st_uid, -1)


def _permissions(path: Path) -> int:
    """The permissions of a file; if it does not exist, those that a new one would get."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)  # the only way to read it is to set it
        os.umask(umask)
        return 0o666 & ~umask


def print_rows(result: GridResult, asked: Asked, form: str) -> None:
    """Write rows to standard output, in one of the forms of ``--format``."""
    match form:
        case "json":
            say(to_json(result, asked.source) + "\n")
        case "csv":
            say(to_csv(result))
        case _:
            say(result.table(width=terminal_width()) + "\n")


def write_to(
    output: Path, result: GridResult, asked: Asked, simulated: Verification | None = None
) -> None:
    """Write rows, or a picture of them, to a file that is replaced in one step."""
    with replacing(output) as path:
        write(result, asked, path, simulated)


def write(
    result: GridResult,
    asked: Asked,
    path: Path,
    simulated: Verification | None = None,
) -> None:
    """Write rows, or a picture of them, to a file of the kind that its suffix names."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        path.write_text(to_csv(result), encoding="utf-8")
    elif suffix == ".json":
        path.write_text(to_json(result, asked.source) + "\n", encoding="utf-8")
    elif suffix == ".parquet":
        _write_parquet(result, path)
    else:
        from ..plotting import save

        save(result, path, x=asked.abscissa, simulated=simulated)


def _write_parquet(result: GridResult, path: Path) -> None:
    """Write rows to a Parquet file, with the mark of this package in its schema."""
    with extra("frames"):
        from pyarrow import Table, parquet

    table = Table.from_pandas(result.to_dataframe(), preserve_index=False)
    metadata = {**(table.schema.metadata or {}), _CREATOR_KEY: CREATOR.encode()}
    parquet.write_table(table.replace_schema_metadata(metadata), path)
