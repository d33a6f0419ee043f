"""Fits at finite size by their definition, and designs that are remembered."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Recorded:
    """Standard normal numbers, of which all arrays are remembered."""

    def __init__(self) -> None:
        self.seen: list[Array] = []

    def draw(self, rng: np.random.Generator, shape: Any) -> Array:
        self.seen.append(rng.standard_normal(shape))
        return self.seen[-1].copy()


def fitted(x: Array, y: Array, kept: Array, ridge: float, start: Array | None) -> Array:
    """The minimiser of |y - Xb|²/n + ridge |b - start|² over the kept weights."""
    samples = len(y)
    some = x[:, kept]
    found = np.zeros(x.shape[1])
    if ridge == 0:
        found[kept] = np.linalg.lstsq(some, y, rcond=None)[0]
        return found
    target = np.zeros(kept.sum()) if start is None else start[kept]
    gram = some.T @ some / samples + ridge * np.eye(kept.sum())
    found[kept] = np.linalg.solve(gram, some.T @ y / samples + ridge * target)
    return found
