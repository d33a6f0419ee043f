"""A store: the outcomes of trials in one SQLite file, to which several processes may write."""

import json
import math
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput, WriteFailed
from .experiment import Experiment

#: The two numbers that SQLite lets an application write into the header of its files: the first
#: ("asym" in ASCII) marks a store, the second the layout of its tables.
_APPLICATION, _LAYOUT = 0x6173796D, 1
#: Values of the two numbers with which a file that has no tables may become a store.
_MARKS_OF_NEW_FILES = ((0, 0), (_APPLICATION, _LAYOUT))
_LOCK_TIMEOUT = 60.0
#: SQLite keeps companion files beside a database, and deletes them when it is done.  For each
#: suffix of their names: the bytes that such a file begins with.  A journal begins with zeros until
#: its header has reached the disk.
_COMPANIONS = {
    "-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", bytes(8)),
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": ((3007000).to_bytes(4, sys.byteorder),),
}
_SCHEMA = """
create table experiments (key text primary key, description text not null) without rowid;
create table trials (
    key text not null references experiments, seed text not null, trial integer not null,
    outcome blob not null, primary key (key, seed, trial)
) without rowid;
"""


class Store:
    """A file of outcomes; no outcome in it is ever overwritten.

    Raises `InvalidInput` if the file is not a store, if its layout is of another version, or if
    SQLite would delete a foreign file whose name is that of one of its companions.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _require_own_companions(self.path)
        with self._explained():
            self._database = sqlite3.connect(
                self.path.absolute(),
                timeout=_LOCK_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def _prepare(self) -> None:
        """Create the tables in a new file, or check that the file is a store of this layout."""
        with self._transaction():
            # `pragma application_id` and `user_version` read the two numbers in the header.
            found = tuple(
                self._database.execute(f"pragma {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            )
            tables = self._database.execute("select count(*) from sqlite_schema").fetchone()[0]
            if tables == 0 and found in _MARKS_OF_NEW_FILES:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._database.execute(statement)
                self._database.execute(f"pragma application_id = {_APPLICATION}")
                self._database.execute(f"pragma user_version = {_LAYOUT}")
            elif found[0] != _APPLICATION:
                raise InvalidInput("store", str(self.path), "must be a store of trials, or new")
            elif found[1] != _LAYOUT:
                allowed = f"is of layout {found[1]}, this version reads {_LAYOUT}: name a new file"
                raise InvalidInput("store", str(self.path), allowed)

    def outcomes(self, experiment: Experiment, seed: int) -> dict[int, Array]:
        """The stored outcomes of an experiment and seed, by the index of the trial.

        Raises `InvalidInput` if the file is damaged: the index of a trial is not a whole number
        >= 0, or its outcome does not have the experiment's shape.
        """
        with self._explained():
            rows = self._database.execute(
                "select trial, outcome from trials where key = ? and seed = ? order by trial",
                (experiment.key, str(seed)),
            ).fetchall()
        for index, blob in rows:
            numbered = isinstance(index, int) and index >= 0
            complete = isinstance(blob, bytes) and len(blob) == 8 * math.prod(experiment.shape)
            if not (numbered and complete):
                raise InvalidInput("store", str(self.path), f"is damaged: trial {index} of {seed}")
        return {index: np.frombuffer(blob, "<f8").reshape(experiment.shape) for index, blob in rows}

    def add(self, seed: int, outcomes: Iterable[tuple[Experiment, int, Array]]) -> None:
        """Add outcomes in one transaction; trials that the file already holds stay unchanged.

        Raises `WriteFailed` if SQLite fails, for example on a full disk.
        """
        try:
            self._add(seed, outcomes)
        except sqlite3.Error as error:
            raise WriteFailed(f"store {self.path}: {error}; earlier trials are kept") from None

    def _add(self, seed: int, outcomes: Iterable[tuple[Experiment, int, Array]]) -> None:
        with self._transaction():
            for experiment, index, outcome in outcomes:
                self._database.execute(
                    "insert or ignore into experiments values (?, ?)",
                    (experiment.key, json.dumps(experiment.description)),
                )
                self._database.execute(
                    "insert or ignore into trials values (?, ?, ?, ?)",
                    (experiment.key, str(seed), index, outcome.astype("<f8").tobytes()),
                )

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, or undo it all if an exception leaves the block."""
        # "immediate" takes the lock for writing at once.  A transaction that began as a reader
        # could fail later, when it first writes, because another process wrote in between.
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of SQLite into `InvalidInput` that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise InvalidInput("store", str(self.path), f"cannot be used: {error}") from None


def _require_own_companions(path: Path) -> None:
    """Raise `InvalidInput` if a file that is not SQLite's has the name of a companion.

    SQLite would take that file for its own, and delete it.
    """
    # SQLite follows symbolic links: its companions lie beside the file that the link points to.
    database = Path(os.path.realpath(path))
    for end, marks in _COMPANIONS.items():
        beside = database.with_name(database.name + end)
        start = _first_bytes(beside)
        if start and not (database.exists() and start.startswith(marks)):
            allowed = (
                f"must have another name: SQLite would delete the file {beside.name} beside it"
            )
            raise InvalidInput("store", str(path), allowed)


def _first_bytes(path: Path) -> bytes:
    """The first eight bytes of a file; empty if it does not exist or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except (OSError, ValueError):
        return b""
