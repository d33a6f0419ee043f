"""Outcomes of trials in one SQLite file, which any number of processes may add to."""

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

#: Tells our files from other databases ("asym"), and this layout from others.
_APPLICATION, _LAYOUT = 0x6173796D, 1
#: The marks of a file without tables that may become a store.
_NEW = ((0, 0), (_APPLICATION, _LAYOUT))
_PATIENCE = 60.0
#: What files of SQLite's own beside a database begin with, by the ends of their names.  A journal
#: of which nothing has reached the disk begins with zeros.
_BESIDE = {
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
    """A file of outcomes; nothing in it is ever overwritten.

    Raises `InvalidInput` for a file that is not one, or is of another version, and where SQLite
    would delete a file beside it that is not its own.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _require_own_beside(self.path)
        with self._explained():
            self._database = sqlite3.connect(
                self.path.absolute(),
                timeout=_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def _prepare(self) -> None:
        with self._transaction():
            found = tuple(
                self._database.execute(f"pragma {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            )
            tables = self._database.execute("select count(*) from sqlite_schema").fetchone()[0]
            if tables == 0 and found in _NEW:
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
        """Outcomes by the index of their trial; raises `InvalidInput` for what no trial has."""
        with self._explained():
            rows = self._database.execute(
                "select trial, outcome from trials where key = ? and seed = ? order by trial",
                (experiment.key, str(seed)),
            ).fetchall()
        for index, blob in rows:
            numbered = isinstance(index, int) and index >= 0
            whole = isinstance(blob, bytes) and len(blob) == 8 * math.prod(experiment.shape)
            if not (numbered and whole):
                raise InvalidInput("store", str(self.path), f"is damaged: trial {index} of {seed}")
        return {index: np.frombuffer(blob, "<f8").reshape(experiment.shape) for index, blob in rows}

    def add(self, seed: int, outcomes: Iterable[tuple[Experiment, int, Array]]) -> None:
        """Add outcomes, in one transaction; those that are there already stay as they are.

        Raises `WriteFailed`, for example on a full disk.
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
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InvalidInput("store", str(self.path), f"cannot be used: {error}") from None


def _require_own_beside(path: Path) -> None:
    """Raise `InvalidInput` for a file that SQLite would take for one of its own, and delete."""
    database = Path(os.path.realpath(path))
    for end, marks in _BESIDE.items():
        beside = database.with_name(database.name + end)
        start = _start(beside)
        if start and not (database.exists() and start.startswith(marks)):
            allowed = (
                f"must have another name: SQLite would delete the file {beside.name} beside it"
            )
            raise InvalidInput("store", str(path), allowed)


def _start(path: Path) -> bytes:
    """The first bytes of a file; none if it is not there, or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except (OSError, ValueError):
        return b""
