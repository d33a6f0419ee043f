"""Rounds of pruning and retraining at finite size, by dense linear algebra alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from tests.finite_fits import Array, fitted


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
