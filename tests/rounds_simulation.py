"""Rounds of pruning and retraining at finite size, by dense linear algebra alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

Array = np.ndarray[Any, Any]


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


def risks(
    groups: Sequence[tuple[float, float, float, float]],
    kappa: float,
    sigma: float,
    ridge: float,
    schedule: Sequence[Any],
    p: int,
    generator: np.random.Generator,
) -> Array:
    """Test errors of one draw: of shape (rounds, 2), after each cut and after its refit."""
    sizes = [round(weight * p) for weight, *_ in groups]
    sizes[-1] = p - sum(sizes[:-1])
    eigenvalue = np.repeat([group[1] for group in groups], sizes)
    # At the quantiles of their law: trials then vary by what is random in the design alone.
    beta = np.concatenate(
        [
            mean + std * ndtri((np.arange(size) + 0.5) / size)
            for (_, _, mean, std), size in zip(groups, sizes, strict=True)
        ]
    ) / np.sqrt(p)
    samples = round(p / kappa)
    x = generator.standard_normal((samples, p)) * np.sqrt(eigenvalue)
    y = x @ beta + sigma * generator.standard_normal(samples)

    def error(b: Array) -> float:
        return float(sigma**2 + eigenvalue @ (b - beta) ** 2)

    kept = np.ones(p, dtype=bool)
    b = fitted(x, y, kept, ridge, None)
    found = []
    for each in schedule:
        exponent = {"magnitude": 0.0, "covariance": 0.5}[str(each.rule)]
        score = np.where(kept, eigenvalue**exponent * abs(b), -1.0)
        kept = np.zeros(p, dtype=bool)
        kept[np.argsort(score)[p - round(each.alpha * p) :]] = True
        pruned = np.where(kept, b, 0)
        b = fitted(x, y, kept, each.ridge, pruned if each.towards == "pruned" else None)
        found.append([error(pruned), error(b)])
    return np.array(found)
