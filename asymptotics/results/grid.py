"""Arrays over a grid, and their forms as rows and tables."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..arithmetic import Array
from ..extras import extra
from ..theory import Rule

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 12


class GridResult(ABC):
    """Arrays over a grid, as rows, tables and data frames."""

    #: Names of the arrays, in the order of columns.
    columns: ClassVar[tuple[str, ...]]
    #: Of these, the parameters of the grid.
    grid: ClassVar[tuple[str, ...]] = ("kappa", "sigma", "alpha", "ridge", "rule")
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
        flat = {name: self.column(name).ravel() for name in self.columns}
        for index in range(math.prod(self.shape)):
            yield {name: self._plain(column[index]) for name, column in flat.items()}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Rule | str):
            return str(value)
        if isinstance(value, np.integer):
            return int(value)
        return float(value) if self.digits is None else _decimal(value, self.digits)

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a data frame; needs the extra ``asymptotics[frames]``."""
        with extra("frames"):
            import pandas as pd

        return pd.DataFrame.from_records(list(self.rows()), columns=list(self.columns))

    def summary(self) -> str:
        """How many rows have which outcome."""
        counts = zip(*np.unique(self.column(self.outcome), return_counts=True), strict=True)
        return ", ".join(f"{count} {name}" for name, count in counts) or "no rows"

    def table(self, most: int | None = None) -> str:
        """The rows as text, of `most` rows if given; parameters that do not vary stand above."""
        from ..tables import text_table

        rows = list(self.rows())
        fixed = {key for key in self.grid if len({row[key] for row in rows}) == 1}
        head = ", ".join(f"{key} = {_brief(rows[0][key])}" for key in self.grid if key in fixed)
        shown = [key for key in (*self.grid, *self.shown) if key not in fixed]
        lines = [[row[key] for key in shown] for row in rows]
        if most is not None and len(lines) > most:
            lines = [*lines[: most // 2], ["..."] * len(shown), *lines[-(most // 2) :]]
        return "\n".join(filter(None, (head, text_table(shown, lines), *self.notes())))

    def notes(self) -> Iterator[str]:
        """What a reader of the table should know of some of its rows."""
        yield from ()

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of shape {self.shape}: {self.summary()}"
        return f"{head}\n{self.table(most=_SHOWN)}"


def explained(outcome: Array, reason: Array) -> Iterator[str]:
    """The reasons that some rows have the outcome that they have."""
    pairs = zip(outcome.ravel().tolist(), reason.ravel().tolist(), strict=True)
    for (name, why), count in Counter(pairs).items():
        if why:
            yield f"{name} ({count} {'row' if count == 1 else 'rows'}): {why}"


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
