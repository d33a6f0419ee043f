"""Rows and pictures, on standard output and in files."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..errors import InvalidInput
from ..extras import require
from ..results import GridResult, Verification, to_csv, to_json
from .console import say

PICTURES, TABLES = (".png", ".svg", ".pdf"), (".csv", ".json", ".parquet")


def require_distinct(output: Path | None, store: Path | None) -> None:
    """Raise `InvalidInput` if one file were to be both."""
    if output is not None and store is not None and output.resolve() == store.resolve():
        raise InvalidInput("output", str(output), "must be another file than the store")


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


class Asked(Protocol):
    """What was asked for: the spec as it was read, and the parameter to draw against."""

    @property
    def source(self) -> Mapping[str, Any]: ...

    @property
    def abscissa(self) -> str: ...


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, moved onto it when it was written and all has gone well."""
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, suffix=path.suffix)
    except OSError as error:
        raise InvalidInput("output", str(path), f"cannot be written: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if not temporary.stat().st_size:
            return
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def print_rows(result: GridResult, asked: Asked, form: str) -> None:
    """Rows on standard output, in one of the forms that can be asked for."""
    if form == "json":
        say(to_json(result, asked.source) + "\n")
    else:
        say(to_csv(result) if form == "csv" else result.table() + "\n")


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
        result.to_dataframe().to_parquet(path, index=False)
    else:
        from ..plotting import save

        save(result, path, x=asked.abscissa, simulated=simulated)
