"""Tables and counts in plain ASCII, which every terminal and every file can hold."""

from collections.abc import Iterable, Sequence
from typing import Any

#: Spaces between columns: the first of these with which the table fits, otherwise the last.
_GAPS = (3, 2)
#: The name of a column and its entries.
Column = Sequence[str]


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 row``, ``3 rows``; `plural` if it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def column(name: str, values: Iterable[Any]) -> Column:
    """A column of a table: floats to six digits, all other values by `str`."""
    return [name, *(f"{x:.6g}" if isinstance(x, float) else str(x) for x in values)]


def fits(columns: Sequence[Column], width: int | None) -> bool:
    """Whether columns fit side by side on lines of `width` characters."""
    return len(_blocks(columns, _GAPS[-1], width, 0)) == 1


def text_table(columns: Sequence[Column], width: int | None = None, repeated: int = 0) -> str:
    """Columns side by side, aligned right under their names.

    Parameters
    ----------
    columns : sequence of columns
        As `column` makes them, all of one length.
    width : int, optional
        The number of characters that fit on a line.  A table that is wider is split into blocks of
        columns below one another.  A single column that is wider than this is not split.
    repeated : int
        The number of first columns that every block repeats, so that its rows can be told apart.
    """
    for gap in _GAPS:
        blocks = _blocks(columns, gap, width, repeated)
        if len(blocks) == 1:
            break
    return "\n\n".join(_beside(block, gap) for block in blocks)


def _blocks(
    columns: Sequence[Column], gap: int, width: int | None, repeated: int
) -> list[list[Column]]:
    """The columns of each block: the repeated ones, then as many others as fit."""
    first = list(columns[:repeated])
    blocks = [first.copy()]
    for each in columns[repeated:]:
        line = [*blocks[-1], each]
        if len(line) > repeated + 1 and width is not None and _width(line, gap) > width:
            blocks.append(first.copy())
        blocks[-1].append(each)
    return blocks


def _width(columns: Sequence[Column], gap: int) -> int:
    """The characters of a line with these columns."""
    return sum(max(map(len, each)) + gap for each in columns) - gap


def _beside(columns: Sequence[Column], gap: int) -> str:
    """Columns side by side, with a line of dashes below their names."""
    padded = []
    for each in columns:
        width = max(map(len, each))
        padded.append([cell.rjust(width) for cell in each])
    head, *lines = ((" " * gap).join(cells).rstrip() for cells in zip(*padded, strict=True))
    return "\n".join([head, "-" * len(head), *lines])
