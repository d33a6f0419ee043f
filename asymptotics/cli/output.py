"""Rows and pictures, on standard output and in files."""

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
    CertifiedRisk,
    GridResult,
    HessianBias,
    NetworkSweep,
    RiskResult,
    Verification,
    to_csv,
    to_json,
)
from .console import say, terminal_width

PICTURES, TABLES = (".png", ".svg", ".pdf"), (".csv", ".json", ".parquet")
#: Where a file says who wrote it: at its start, or in a PDF at its end.
_MARKS = {
    ".png": b"Creator\0" + CREATOR.encode(),
    ".svg": f"<dc:title>{CREATOR}</dc:title>".encode(),
    ".pdf": f"/Creator ({CREATOR})".encode(),
}
#: Where a Parquet file says so: in the metadata of its schema.
_CREATOR_KEY = b"creator"
_PAGE = f'<meta name="generator" content="{CREATOR}">'.encode()
#: Bytes at either end of a file in which its mark is looked for.
_LOOKED_AT = 4096
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REMEDY = "name another file, or add --force"
#: Keys of a row in JSON beside the columns of its table.
_MORE_KEYS = ("diverges", "infinite")
_DATABASE = b"SQLite format 3\0"


def suffix_of(output: Path) -> str:
    """The kind of file to write, if it can be.

    Raises `InvalidInput` for one that cannot be written, and `MissingExtra` if what writes it is
    not installed: both before anything is computed.
    """
    suffix = output.suffix.lower()
    if suffix not in PICTURES + TABLES:
        allowed = f"must end in {' '.join(PICTURES + TABLES)}"
        raise InvalidInput("output", str(output), allowed)
    if not output.absolute().parent.is_dir():
        raise InvalidInput("output", str(output), "must be in a folder that exists")
    if suffix == ".parquet":
        require("frames", "pandas", "pyarrow")
    elif suffix in PICTURES:
        os.environ["MPLBACKEND"] = "agg"  # whatever is set: no window is opened
        require("plot", "matplotlib")
    return suffix


def require_free(
    output: Path, inputs: Mapping[str, str | Path | None], force: bool, key: str = "output"
) -> None:
    """Raise `InvalidInput` if writing `output` would destroy what is not ours to replace.

    That is a file that the same command reads, by whatever path (`inputs` has each by what
    messages call it, ``-`` for standard input), a database, and, without `force`, any file that
    does not look as this package writes it.  What is looked at is the mark in a picture and the
    form of rows: a value that was edited, or a note in a picture, is not noticed.
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
    """Why a file should stay as it is, and what to do."""
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
    """Whether two paths lead to one file, over links of either kind."""
    if str(other) == "-":
        return _is_standard_input(output)
    if os.path.realpath(output) == os.path.realpath(other):
        return True
    try:
        return output.samefile(other)
    except OSError:  # one of them is not there
        return False


def _is_standard_input(output: Path) -> bool:
    try:
        return os.path.samestat(output.stat(), os.fstat(sys.stdin.fileno()))
    except (OSError, ValueError, AttributeError):  # it is closed, or no file
        return False


def _is_ours(path: Path) -> bool:
    """Whether a file looks as this package writes it, or is empty.

    Of rows the names of the columns and the layout are compared, and not the values.
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
    mark = _MARKS.get(suffix, _PAGE)
    return mark in _start(path) or mark in _end(path)


def _columns() -> list[tuple[str, ...]]:
    """The columns of each table that this package writes."""
    kinds = (RiskResult, CertifiedRisk, Verification, NetworkSweep, HessianBias)
    return [kind.columns for kind in kinds]


def _is_csv_of(names: tuple[str, ...], path: Path) -> bool:
    """Whether a file has these columns, and to its end rows as they are written under them."""
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
    """Whether a file has the text that this package writes of what it holds, and nothing else."""
    if not (_starts(path, JSON_START.encode()) and _end(path).endswith(JSON_END.encode())):
        return False
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    known = [{*names, *_MORE_KEYS} for names in _columns()]
    return (
        list(document) == ["version", "spec", "rows"]
        and all(isinstance(row, dict) and set(row) in known for row in document["rows"])
        and json.dumps(document, indent=1) + "\n" == text
    )


def _is_parquet_of_ours(path: Path) -> bool:
    """Whether a file has the mark that is lost where another program writes it anew."""
    with extra("frames"):
        from pyarrow import ArrowException, parquet

    try:
        schema = parquet.read_schema(path)
    except (ArrowException, OSError):  # it is no Parquet file
        return False
    marked = (schema.metadata or {}).get(_CREATOR_KEY) == CREATOR.encode()
    return marked and tuple(schema.names) in _columns()


def _start(path: Path, size: int = _LOOKED_AT) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _starts(path: Path, text: bytes) -> bool:
    return _start(path, len(text)) == text


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOOKED_AT))
        return file.read()


class Asked(Protocol):
    """What was asked for: the spec as it was read, and the parameter to draw against."""

    @property
    def source(self) -> Mapping[str, Any]: ...

    @property
    def abscissa(self) -> str: ...


def older_stays(output: Path, result: Verification | NetworkSweep) -> str:
    """What to say where a file that is there may hold more than a run has to write; or nothing.

    A run that was interrupted has less than one that was not, and one without any trial has
    nothing.  Neither replaces a file.
    """
    less = result.interrupted or not (result.trials > 0).any()
    there = output.is_file() and output.stat().st_size > 0
    return f"; {output} stays as it was" if less and there else ""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that takes the place of `path` when it was written and all has gone well.

    Its name ends as `path` does.  A symbolic link stays, and what it leads to is replaced.  The
    file keeps its permissions, and its owner and group as far as the system lets them be given;
    access lists and other attributes are those of a new file.
    """
    target = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, suffix=path.suffix)
    except OSError as error:
        raise InvalidInput("output", str(path), f"cannot be written: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if not temporary.stat().st_size:
            return
        _give(temporary, target)
        temporary.chmod(_permissions(target))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _give(path: Path, other: Path) -> None:
    """Give a file the group and the owner of another that is there, as far as that is allowed."""
    if not other.exists():
        return
    given, has = other.stat(), path.stat()
    # The group first: it is no longer ours to change when the owner is another.
    with suppress(OSError):
        if given.st_gid != has.st_gid:
            os.chown(path, -1, given.st_gid)
    with suppress(OSError):
        if given.st_uid != has.st_uid:
            os.chown(path, given.st_uid, -1)


def _permissions(path: Path) -> int:
    """Those of a file, or of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def print_rows(result: GridResult, asked: Asked, form: str) -> None:
    """Rows on standard output, in one of the forms that can be asked for."""
    match form:
        case "json":
            say(to_json(result, asked.source) + "\n")
        case "csv":
            say(to_csv(result))
        case _:
            say(result.table(width=terminal_width()) + "\n")


def write(
    result: GridResult,
    asked: Asked,
    path: Path,
    suffix: str,
    simulated: Verification | None = None,
) -> None:
    """Rows, or a picture of them, in a file of the kind that its suffix names."""
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
    with extra("frames"):
        from pyarrow import Table, parquet

    table = Table.from_pandas(result.to_dataframe(), preserve_index=False)
    metadata = {**(table.schema.metadata or {}), _CREATOR_KEY: CREATOR.encode()}
    parquet.write_table(table.replace_schema_metadata(metadata), path)
