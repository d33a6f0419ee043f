"""The base of all results: named arrays over a grid of parameters, shown as rows and tables."""

import math
import textwrap
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from numbers import Number
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..arithmetic import Array
from ..domains import LINEAR
from ..errors import InvalidInput
from ..extras import extra
from ..outcomes import PLURALS, Status
from .text import Column, column, counted, fits, text_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: The most rows, reasons and characters on a line that ``print(result)`` shows.
_ROWS, _REASONS, _WIDTH = 12, 6, 80
#: Marks a space at which `_wrapped` must not break a line.
_SPACE = "\0"
#: Entries of a column of Python objects that are compared in one call.
_CHUNK = 1_000


class GridResult(ABC):
    """Named arrays over a grid of parameters; one point of the grid is a row."""

    #: Names of all arrays, in the order of the columns of a file.
    columns: ClassVar[tuple[str, ...]]
    #: Those of the arrays that are parameters.
    grid: ClassVar[tuple[str, ...]] = (*LINEAR, "rule")
    #: Those that a table shows beside the parameters.
    shown: ClassVar[tuple[str, ...]]
    #: The array of outcomes (a status or a verdict), which `summary` counts.
    outcome: ClassVar[str]
    #: The decimal digits of the numbers; None in double precision.
    digits: int | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""

    def column(self, name: str) -> Array:
        """The array of a column."""
        return np.asarray(getattr(self, name))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One dictionary for each point of the grid, in C order, with plain Python values."""
        columns = [map(self._plain, self.column(name).ravel().tolist()) for name in self.columns]
        for values in zip(*columns, strict=True):
            yield dict(zip(self.columns, values, strict=True))

    def _plain(self, value: Any) -> Any:
        """An entry of a column as a plain Python value."""
        if not isinstance(value, Number):  # a rule or an outcome
            return str(value)
        if self.digits is not None:
            return _decimal(value, self.digits)
        return value if isinstance(value, int) else float(value)  # type: ignore[arg-type]

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a pandas data frame; needs the extra ``asymptotics[frames]``."""
        with extra("frames"):
            import pandas as pd

        return pd.DataFrame.from_records(list(self.rows()), columns=list(self.columns))

    def summary(self) -> str:
        """The number of rows with each outcome, such as ``1 diverges, 2 ok``."""
        counts = sorted(_counts(self.column(self.outcome)).items())
        texts = (counted(count, name, PLURALS.get(name, name)) for name, count in counts)
        return ", ".join(texts) or "no rows"

    def table(self, most: int | None = None, width: int | None = None) -> str:
        """The rows as text in ASCII, below a line of the parameters that do not vary.

        Parameters
        ----------
        most : int, optional
            Show only this many rows, half of them the first and half of them the last.
        width : int, optional
            The number of characters on a line.  If the rows are longer, every constant column
            moves into the line above.  If they are still longer, the columns are split into blocks
            below each other, which all repeat the parameters that vary.
        """
        size = math.prod(self.shape)
        places: Sequence[int] = range(size)
        if most is not None and size > most:
            places = [*range(most // 2), *range(size - most // 2, size)]
        fixed = [key for key in self.grid if size and _is_constant(self.column(key))]
        # Columns: first the parameters that vary, which every block repeats, then the results.
        columns = self._columns([key for key in self.grid if key not in fixed], places)
        varying = len(columns)
        columns += self._columns(self.shown, places)
        if size > 1 and not fits(columns, width):
            constant = [key for key in self.shown if _is_constant(self.column(key))]
            columns = [each for each in columns if each[0] not in constant]
            fixed += constant
        given = (f"{key}{_SPACE}={_SPACE}{_brief(self._entries(key, [0])[0])}" for key in fixed)
        rows = text_table(columns, width, varying) if columns else ""
        notes = list(self.notes())
        if most is not None and len(notes) > _REASONS:
            notes[_REASONS:] = [f"and {counted(len(notes) - _REASONS, 'other reason')}"]
        head, *below = (_wrapped(line, width) for line in (", ".join(given), *notes))
        return "\n".join(filter(None, (head, rows, *below)))

    def _columns(self, names: Iterable[str], places: Sequence[int]) -> list[Column]:
        """Columns of a table with the rows at these places, and dots in place of those left out."""
        columns = []
        for name in names:
            entries = self._entries(name, places)
            if len(places) < math.prod(self.shape):
                entries.insert(len(entries) // 2, "...")
            columns.append(column(name, entries))
        return columns

    def _entries(self, name: str, places: Sequence[int]) -> list[Any]:
        """The plain values of a column at places of the flat grid."""
        return [self._plain(value) for value in self.column(name).flat[list(places)].tolist()]

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: "GridResult | None" = None
    ) -> None:
        """Draw the result on a figure; raises `InvalidInput` if it has no picture."""
        raise InvalidInput("result", type(self).__name__, "has no figure")

    def notes(self) -> Iterator[str]:
        """Lines below the table that explain some of its rows."""
        yield from ()

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of shape {self.shape}: {self.summary()}"
        table = self.table(most=_ROWS, width=_WIDTH) if math.prod(self.shape) else ""
        return f"{_wrapped(head, _WIDTH)}\n{table}".rstrip()


def noted(status: Status, statuses: Array) -> Iterator[str]:
    """A line on the cause and the remedy of a status, if a row has it."""
    if (statuses == status).any():
        yield f"{status}: {status.cause}; {status.remedy}"


def explained(outcome: Array, reason: Array) -> Iterator[str]:
    """A line for each pair of an outcome and its reason, with the number of its rows."""
    given = reason != ""
    pairs = zip(outcome[given].tolist(), reason[given].tolist(), strict=True)
    for (name, why), count in Counter(pairs).items():
        yield f"{name} ({counted(count, 'row')}): {why}"


def _counts(column: Array) -> dict[str, int]:
    """The number of times that each word occurs.

    There are few different words, so that one pass over the array for each is fast.
    """
    rest = _without_broadcast(column)
    each = column.size // max(rest.size, 1)
    counts = {}
    while rest.size:
        same = rest == rest[0]
        counts[str(rest[0])] = each * int(np.count_nonzero(same))
        rest = rest[~same]
    return counts


def _without_broadcast(column: Array) -> Array:
    """The entries of a column, flat, with one entry for all that broadcasting repeats.

    An axis along which an array is broadcast has the stride 0.
    """
    column = np.atleast_1d(column)
    return column[tuple(slice(1 if step == 0 else None) for step in column.strides)].ravel()


def _is_constant(column: Array) -> bool:
    """Whether all entries of a column are equal."""
    entries = _without_broadcast(column)
    if entries.dtype != object:
        missing = (entries != entries) & (entries[0] != entries[0])  # NaN is not equal to itself
        return bool(((entries == entries[0]) | missing).all())
    # `list.count` takes an object for equal to itself without calling its slow comparison.
    chunks = (entries[i : i + _CHUNK].tolist() for i in range(0, entries.size, _CHUNK))
    return all(chunk.count(entries[0]) == len(chunk) for chunk in chunks)


def _wrapped(line: str, width: int | None) -> str:
    """A line, broken between words if it is longer than `width`."""
    if width is not None:
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    return line.replace(_SPACE, " ")


def _decimal(value: Any, digits: int) -> str:
    """A number of many digits, or an exact input, as a decimal string."""
    if isinstance(value, Decimal) and value.is_infinite():
        return "-inf" if value < 0 else "inf"
    if isinstance(value, Fraction) and len(str(value)) > digits:
        context = Context(prec=digits)  # a long fraction is hard to read
        return str(context.divide(Decimal(value.numerator), Decimal(value.denominator)))
    if hasattr(value, "context"):
        return str(value.context.nstr(value, digits)).lstrip("+")
    return str(value)


def _brief(value: Any) -> str:
    """A value as text, a float to six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
