"""Arrays over a grid, and their forms as rows and tables."""

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
from ..outcomes import PLURALS
from .text import Column, column, counted, fits, text_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: What ``print(result)`` shows: so many rows, so many reasons, on lines of so many characters.
_ROWS, _REASONS, _WIDTH = 12, 6, 80
#: A space at which a line is not broken; it is written as any other.
_SPACE = "\0"
#: Entries of a column of objects that are compared at a time.
_PART = 1_000


class GridResult(ABC):
    """Arrays over a grid, as rows, tables and data frames."""

    #: Names of the arrays, in the order of columns.
    columns: ClassVar[tuple[str, ...]]
    #: Of these, the parameters of the grid.
    grid: ClassVar[tuple[str, ...]] = (*LINEAR, "rule")
    #: What a table shows beside them, and sums up.
    shown: ClassVar[tuple[str, ...]]
    outcome: ClassVar[str]
    digits: int | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""

    def column(self, name: str) -> Array:
        """The array of a column."""
        return np.asarray(getattr(self, name))

    def rows(self) -> Iterator[dict[str, Any]]:
        """The grid as one record per point, in C order, with plain Python values."""
        columns = [map(self._plain, self.column(name).ravel().tolist()) for name in self.columns]
        for values in zip(*columns, strict=True):
            yield dict(zip(self.columns, values, strict=True))

    def _plain(self, value: Any) -> Any:
        """An entry of a column as a plain Python value."""
        if not isinstance(value, Number):  # a rule, or a word
            return str(value)
        if self.digits is not None:
            return _decimal(value, self.digits)
        return value if isinstance(value, int) else float(value)  # type: ignore[arg-type]

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a data frame; needs the extra ``asymptotics[frames]``."""
        with extra("frames"):
            import pandas as pd

        return pd.DataFrame.from_records(list(self.rows()), columns=list(self.columns))

    def summary(self) -> str:
        """How many rows have which outcome."""
        counts = sorted(_counts(self.column(self.outcome)).items())
        said = (counted(count, name, PLURALS.get(name, name)) for name, count in counts)
        return ", ".join(said) or "no rows"

    def table(self, most: int | None = None, width: int | None = None) -> str:
        """The rows as text in ASCII; parameters that do not vary stand above.

        Parameters
        ----------
        most : int, optional
            Show only this many rows, half of them the first and half of them the last.
        width : int, optional
            The number of characters on a line.  If the rows are longer, every column of one value
            stands above, and columns that still do not fit stand in further blocks below, each
            with the parameters that vary.
        """
        size = math.prod(self.shape)
        places: Sequence[int] = range(size)
        if most is not None and size > most:
            places = [*range(most // 2), *range(size - most // 2, size)]
        fixed = [key for key in self.grid if size and _is_constant(self.column(key))]
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
        """Columns of a table: the rows at these places, with dots where others lie between."""
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
        """What a reader of the table should know of some of its rows."""
        yield from ()

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of shape {self.shape}: {self.summary()}"
        table = self.table(most=_ROWS, width=_WIDTH) if math.prod(self.shape) else ""
        return f"{_wrapped(head, _WIDTH)}\n{table}".rstrip()


def explained(outcome: Array, reason: Array) -> Iterator[str]:
    """The reasons that some rows have the outcome that they have."""
    given = reason != ""
    pairs = zip(outcome[given].tolist(), reason[given].tolist(), strict=True)
    for (name, why), count in Counter(pairs).items():
        yield f"{name} ({counted(count, 'row')}): {why}"


def _counts(column: Array) -> dict[str, int]:
    """How often each of a few words occurs: a pass over the array for each."""
    rest = _unrepeated(column)
    each = column.size // max(rest.size, 1)
    counts = {}
    while rest.size:
        same = rest == rest[0]
        counts[str(rest[0])] = each * int(np.count_nonzero(same))
        rest = rest[~same]
    return counts


def _unrepeated(column: Array) -> Array:
    """The entries of a flat column; along an axis that is broadcast, one for all."""
    column = np.atleast_1d(column)
    return column[tuple(slice(1 if step == 0 else None) for step in column.strides)].ravel()


def _is_constant(column: Array) -> bool:
    """Whether all entries of a column are equal."""
    entries = _unrepeated(column)
    if entries.dtype != object:
        missing = (entries != entries) & (entries[0] != entries[0])  # NaN is not equal to itself
        return bool(((entries == entries[0]) | missing).all())
    # Objects are compared by Python; a list stops at one and the same object without asking it.
    parts = (entries[i : i + _PART].tolist() for i in range(0, entries.size, _PART))
    return all(part.count(entries[0]) == len(part) for part in parts)


def _wrapped(line: str, width: int | None) -> str:
    """A line of words, broken between them where it is longer than `width`."""
    if width is not None:
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    return line.replace(_SPACE, " ")


def _decimal(value: Any, digits: int) -> str:
    """A number of many digits, or an exact input, as a decimal string."""
    if isinstance(value, Decimal) and value.is_infinite():
        return "-inf" if value < 0 else "inf"
    if isinstance(value, Fraction) and len(str(value)) > digits:
        context = Context(prec=digits)  # more of it would be harder to read than to round
        return str(context.divide(Decimal(value.numerator), Decimal(value.denominator)))
    if hasattr(value, "context"):
        return str(value.context.nstr(value, digits)).lstrip("+")
    return str(value)


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
