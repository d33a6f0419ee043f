"""Grids of problems, taken apart into rows that can be worked on together."""

from collections.abc import Iterator

import numpy as np

from .arithmetic import Array
from .theory import Rule

#: Numbers (rows times groups) that are worked on at a time.
CHUNK = 1 << 17


def batches(rules: Array, shape: tuple[int, ...], groups: int) -> Iterator[tuple[Rule, Array]]:
    """Indices into the flat grid of `shape`, in parts that share one of the broadcast `rules`.

    Each part is small enough for arrays of (rows, groups).
    """
    size = max(1, CHUNK // groups)
    for rule in dict.fromkeys(rules.ravel()):
        rows = np.flatnonzero(np.broadcast_to(rules == rule, shape))
        for part in np.split(rows, range(size, rows.size, size)):
            yield rule, part
