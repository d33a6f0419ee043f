"""Finite problems: the linear model of a population with p features and n samples."""

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

#: In a population of at most this many groups, each group must have at least one feature.
_FEW_GROUPS = 20
#: In a population of more groups, some may have none, as long as the realised features have at
#: least this fraction of the population's signal, and at most its inverse.
_LEAST_SIGNAL_RATIO = 0.5
#: At most this many features are drawn from a continuous law.  In a problem of more features each
#: drawn one is a group of several equal features.
_MOST_DRAWN = 1 << 10
#: Number of weights that are processed at a time: a few arrays of them fit into a core's cache.
BLOCK = 1 << 16
#: Largest number of features of a problem.
LARGEST = COUNTS["p"].most


class Block(NamedTuple):
    """A range of consecutive features, and the groups that they belong to."""

    features: slice
    groups: slice
    #: Number of the block's features in each of these groups; the first and the last group may
    #: have more features outside the block.
    sizes: Array

    @property
    def width(self) -> int:
        return int(self.features.stop - self.features.start)

    def expand(self, column: Sequence[float] | Array) -> Array:
        """Values of the block's features, from values of all groups of the problem.

        The result broadcasts over the features: it has one entry where they are all of one group.
        """
        return self.spread(np.asarray(column[self.groups], dtype=np.float64))

    def spread(self, values: Array) -> Array:
        """As `expand`, from values of the block's own groups."""
        return values if values.size == 1 else np.repeat(values, self.sizes)


class Retraining(NamedTuple):
    """The second fit, of the weights kept: it penalises ``ridge |b - start|²``."""

    ridge: float
    #: Where it draws the weights: "zero", or "pruned" if `start` is the first fit, pruned.
    towards: str


class FiniteRound(NamedTuple):
    """A round after the first: a cut of the weights kept so far, and the fit that follows it."""

    rule: Rule
    #: Number of weights kept.
    kept: int
    #: None for a last cut without a fit.
    retraining: Retraining | None


@dataclass(frozen=True)
class FiniteProblem:
    """A linear model of p features to be trained on n samples and pruned.

    The features come in groups of `sizes`, in ascending order of their eigenvalue.  A problem is
    plain data: it can be compared, sent to another process and written to a file.
    """

    sizes: tuple[int, ...]
    eigenvalue: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n: int
    sigma: float
    ridge: float
    rules: tuple[Rule, ...]
    #: Numbers of weights kept, one for each alpha.
    kept: tuple[int, ...]
    #: None if the weights kept are not trained again.
    retraining: Retraining | None = None
    #: The rounds that follow, the same for each rule and alpha of the first cut.
    later: tuple[FiniteRound, ...] = ()

    @property
    def p(self) -> int:
        return sum(self.sizes)

    @property
    def alive(self) -> int:
        """Number p₊ of features of positive eigenvalue."""
        pairs = zip(self.sizes, self.eigenvalue, strict=True)
        return sum(size for size, eigenvalue in pairs if eigenvalue > 0)

    @property
    def alive_features(self) -> slice:
        """Slice of the features of positive eigenvalue: they come last."""
        return slice(self.p - self.alive, None)

    @property
    def kappa(self) -> float:
        return self.p / self.n

    @property
    def alpha(self) -> Array:
        return np.array(self.kept) / self.p

    @property
    def second_fits(self) -> list[tuple[int, float]]:
        """Number of weights and ridge of each fit after the first, for one rule."""
        first = () if self.retraining is None else ((x, self.retraining) for x in self.kept)
        pairs = [*first, *((each.kept, each.retraining) for each in self.later)]
        return [(kept, fit.ridge) for kept, fit in pairs if fit is not None]

    @property
    def population(self) -> Population:
        """The population whose group weights are exactly the realised sizes."""
        return Population(self.sizes, self.eigenvalue, self.mean, self.std)

    def expand(self, column: Sequence[float]) -> Array:
        """An array of shape (p,): for each feature the value of its group in `column`."""
        return np.repeat(np.array(column, dtype=np.float64), self.sizes)

    @property
    def all_features(self) -> Block:
        """All features in one block."""
        return Block(slice(0, self.p), slice(0, len(self.sizes)), np.array(self.sizes))

    def blocks(self) -> Iterator[Block]:
        """All features in blocks of at most `BLOCK`."""
        ends, p = np.cumsum(self.sizes), self.p
        for start in range(0, p, BLOCK):
            stop = min(start + BLOCK, p)
            # The groups of the first and of the last feature; group g ends before feature ends[g].
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
        if not std.any():  # constants need no random numbers
            return np.broadcast_to(mean, (replicates, block.width))
        part = rng.standard_normal((replicates, block.width))
        part *= std
        part += mean
        return part

    def resized(self, p: int) -> "FiniteProblem":
        """The problem with `p` features in the same groups, their shares rounded."""
        return replace(self, sizes=tuple(sizes_of(np.array(self.sizes), p).tolist()))

    @property
    def divergence(self) -> str | None:
        """The message that the simulated risk has infinite variance, or None.

        Without a ridge the risk has the tail of an inverse chi-square variable of |n - p₊| + 1
        degrees of freedom.  Its variance is finite only for more than 4.
        """
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
    retraining: Retraining | None = None,
    later: Sequence[FiniteRound] = (),
) -> FiniteProblem:
    """The problem with `p` features, n = p / kappa samples and alpha p weights kept, all rounded.

    If the population approximates a continuous law by groups, the features are drawn from the law
    itself, with the `seed`.  So a simulation also tests the quadrature that placed the groups.

    Raises `InvalidInput` if `p` is less than `smallest_size`.
    """
    n = round(p / float(kappa))
    require_size(p, smallest_size(population, kappa, alpha))
    if population.law is not None:
        population = drawn(population.law, min(p, _MOST_DRAWN), seed)
    order = _sort_order(population)
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
        retraining=retraining,
        later=tuple(later),
    )


def drawn(law: Law, features: int, seed: int, draw: int = 0) -> Population:
    """The population of `features` features drawn from a continuous law, each a group of its own.

    Different `draw` numbers give independent draws with the same seed.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(features, draw)))
    return Population(*law.draw(rng, features))


def require_size(p: int, smallest: int) -> None:
    """Raise `InvalidInput` if `p` features are fewer than `smallest`, of `smallest_size`."""
    if p < smallest:
        raise InvalidInput("p", p, f"must be at least {smallest} to realise the problem")


def _sort_order(population: Population) -> Array:
    """Order of the groups by eigenvalue, then by mean, then by std."""
    return np.lexsort((population.std, population.mean, population.eigenvalue))


def smallest_size(population: Population, kappa: Any, alpha: Sequence[Any]) -> int:
    """The smallest number of features that realises a problem.

    Then every group has a feature (if there are few groups), n is at least 1, and neither the
    number of weights kept nor that of weights dropped is rounded to zero, unless alpha is 0 or 1.
    """
    # ceil(1/share), except for rounding: 1/(1 - 0.9) exceeds 10 in floats.
    shares = [part for share in alpha for part in (float(share), 1 - float(share)) if part > 0]
    counts = [math.ceil(1 / share - 1e-9) for share in shares]
    return max(_smallest_with_groups(population), math.ceil(float(kappa)), *counts)


def _smallest_with_groups(population: Population) -> int:
    """The smallest number of features that represents the groups of a population.

    Of more groups than `_FEW_GROUPS`, it is the least power of 2 with nearly the same signal.
    """
    if population.law is not None:  # features are drawn from the law, whatever the groups are
        return 1
    order = _sort_order(population)
    weight = population.weight[order]
    if len(population) <= _FEW_GROUPS:
        return math.ceil(1 / weight[weight > 0].min() - 1e-9)
    # `sizes_of` rounds so that neighbouring groups share a feature where there are too few; sorted
    # groups have neighbours that are alike.
    signal = (population.eigenvalue * (population.mean**2 + population.std**2))[order]
    p = 1
    while p < LARGEST:
        realised = float(sizes_of(weight, p) @ signal) / p
        if (
            _LEAST_SIGNAL_RATIO * population.signal
            <= realised
            <= population.signal / _LEAST_SIGNAL_RATIO
        ):
            return p
        p *= 2
    return p
