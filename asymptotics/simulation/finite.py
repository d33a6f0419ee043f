"""Finite problems: a population and its parameters at p features and n samples."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import COUNTS
from ..errors import InvalidInput
from ..population import Population
from ..population.laws import Law, sizes_of
from ..theory import Rule

#: So few groups are meant one by one: each must have a feature.
_FEW_GROUPS = 20
#: Of more groups, neighbours stand in for those without one, as long as they carry the same signal.
_SAME_SIGNAL = 0.5
#: So many features are drawn from a continuous law; each stands for several where there are more.
_MOST_DRAWN = 1 << 10
#: Weights that are worked on at a time: a few arrays of them fit into a core's cache.
BLOCK = 1 << 16
#: Features that a problem may have.
LARGEST = COUNTS["p"].most


class Block(NamedTuple):
    """Neighbouring features, and the groups that they are of."""

    features: slice
    groups: slice
    #: How many of the features are of each of the groups.
    sizes: Array

    @property
    def width(self) -> int:
        return int(self.features.stop - self.features.start)

    def expand(self, column: Sequence[float] | Array) -> Array:
        """A value for each feature of the block, or one for all, from one for each group."""
        return self.spread(np.asarray(column[self.groups], dtype=np.float64))

    def spread(self, values: Array) -> Array:
        """The same, from a value for each of its own groups."""
        return values if values.size == 1 else np.repeat(values, self.sizes)


@dataclass(frozen=True)
class FiniteProblem:
    """A linear model of p features to be trained on n samples and pruned.

    The features come in groups of `sizes`, in the order of the groups' eigenvalues.  It is plain
    data: it can be compared, sent to another process and written down.
    """

    sizes: tuple[int, ...]
    eigenvalue: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n: int
    sigma: float
    ridge: float
    rules: tuple[Rule, ...]
    #: Numbers of weights that are kept.
    kept: tuple[int, ...]

    @property
    def p(self) -> int:
        return sum(self.sizes)

    @property
    def alive(self) -> int:
        """Features of positive eigenvalue, p₊."""
        pairs = zip(self.sizes, self.eigenvalue, strict=True)
        return sum(size for size, eigenvalue in pairs if eigenvalue > 0)

    @property
    def living(self) -> slice:
        """Those features: groups are in the order of their eigenvalues."""
        return slice(self.p - self.alive, None)

    @property
    def kappa(self) -> float:
        return self.p / self.n

    @property
    def alpha(self) -> Array:
        return np.array(self.kept) / self.p

    @property
    def population(self) -> Population:
        """The population with the groups' sizes as they are."""
        return Population(self.sizes, self.eigenvalue, self.mean, self.std)

    def expand(self, column: Sequence[float]) -> Array:
        """A value for each feature, from one for each group."""
        return np.repeat(np.array(column, dtype=np.float64), self.sizes)

    @property
    def whole(self) -> Block:
        """All features in one block."""
        return Block(slice(0, self.p), slice(0, len(self.sizes)), np.array(self.sizes))

    def blocks(self) -> Iterator[Block]:
        """All features, `BLOCK` at a time."""
        ends, p = np.cumsum(self.sizes), self.p
        for start in range(0, p, BLOCK):
            stop = min(start + BLOCK, p)
            first, last = np.searchsorted(ends, [start, stop - 1], side="right").tolist()
            edges = np.concatenate([[start], np.minimum(ends[first : last + 1], stop)])
            sizes = edges[1:] - edges[:-1]
            yield Block(slice(start, stop), slice(first, last + 1), sizes)

    def coefficients(self, rng: np.random.Generator, replicates: int) -> Array:
        """Draws of the coefficients B, of shape (replicates, p)."""
        coefficients = np.empty((replicates, self.p))
        for block in self.blocks():
            coefficients[:, block.features] = self.coefficients_of(block, rng, replicates)
        return coefficients

    def coefficients_of(self, block: Block, rng: np.random.Generator, replicates: int) -> Array:
        """Draws of a block's coefficients, of shape (replicates, features)."""
        mean, std = block.expand(self.mean), block.expand(self.std)
        if not std.any():
            return np.broadcast_to(mean, (replicates, block.width))
        part = rng.standard_normal((replicates, block.width))
        part *= std
        part += mean
        return part

    def resized(self, p: int) -> "FiniteProblem":
        """The problem with `p` features of the same groups, as nearly as can be."""
        return replace(self, sizes=tuple(sizes_of(np.array(self.sizes), p).tolist()))

    @property
    def divergence(self) -> str | None:
        """Why the risk has no finite variance, or nearly none, if so."""
        if self.ridge == 0 and abs(self.n - self.alive) <= 3:
            return f"|n - p_+| = {abs(self.n - self.alive)} <= 3: infinite variance"
        return None


def realise(
    population: Population,
    p: int,
    kappa: Any,
    sigma: float,
    alpha: Sequence[Any],
    ridge: float,
    rules: Sequence[Rule],
    seed: int = 0,
) -> FiniteProblem:
    """The problem at `p` features, with n = p / kappa samples and alpha p weights kept, rounded.

    The features of a population that stands for a continuous law are drawn from the law itself, by
    the `seed`: not from the groups, whose quadrature is then put to the test as well.

    Raises `InvalidInput` if `p` is too small for it.
    """
    n = round(p / float(kappa))
    require_size(p, smallest_size(population, kappa, alpha))
    if population.law is not None:
        population = drawn(population.law, min(p, _MOST_DRAWN), seed)
    order = _order(population)
    sizes = sizes_of(population.weight[order], p)
    there = sizes > 0
    eigenvalue, mean, std = (
        tuple(column[order][there].tolist())
        for column in (population.eigenvalue, population.mean, population.std)
    )
    return FiniteProblem(
        sizes=tuple(sizes[there].tolist()),
        eigenvalue=eigenvalue,
        mean=mean,
        std=std,
        n=n,
        sigma=float(sigma),
        ridge=float(ridge),
        rules=tuple(rules),
        kept=tuple(round(float(share) * p) for share in alpha),
    )


def drawn(law: Law, features: int, seed: int, draw: int = 0) -> Population:
    """The population of so many features drawn from a continuous law, a group for each.

    Every `draw` of a seed is another one.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(features, draw)))
    return Population(*law.draw(rng, features))


def require_size(p: int, smallest: int) -> None:
    """Raise `InvalidInput` for fewer features than the smallest number that realises a problem."""
    if p < smallest:
        raise InvalidInput("p", p, f"must be at least {smallest} to realise the problem")


def _order(population: Population) -> Array:
    return np.lexsort((population.std, population.mean, population.eigenvalue))


def smallest_size(population: Population, kappa: Any, alpha: Sequence[Any]) -> int:
    """The smallest number of features that realises a problem.

    Its groups have features, there is a sample, and no share of weights, kept or dropped, rounds
    to none.
    """
    shares = [part for share in alpha for part in (float(share), 1 - float(share)) if part > 0]
    counts = [math.ceil(1 / share - 1e-9) for share in shares]
    return max(_smallest_with_groups(population), math.ceil(float(kappa)), *counts)


def _smallest_with_groups(population: Population) -> int:
    if population.law is not None:  # its features are drawn, and not those of the groups
        return 1
    order = _order(population)
    weight = population.weight[order]
    if len(population) <= _FEW_GROUPS:
        return math.ceil(1 / weight[weight > 0].min() - 1e-9)
    signal = (population.eigenvalue * (population.mean**2 + population.std**2))[order]
    p = 1
    while p < LARGEST:
        realised = float(sizes_of(weight, p) @ signal) / p
        if _SAME_SIGNAL * population.signal <= realised <= population.signal / _SAME_SIGNAL:
            return p
        p *= 2
    return p
