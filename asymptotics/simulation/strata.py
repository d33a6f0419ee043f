"""Weighted features of a continuous law, of which few are enough however heavy its tails are.

A problem of p features holds next to nothing of what lies beyond the 1/p quantile, where a law with
a heavy tail has much of its signal.  Features that need not be alike in number can be drawn there
as well: from parts of the law that are the smaller, the farther out they lie.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import NoConvergence
from ..laws import (
    Law,
    LineLaw,
    Mixture,
    PowerLaw,
    Scaled,
    SomeGroups,
    in_range,
    into_range,
)
from ..population import Groups, Population

#: Equal parts of a law; the first and the last of them are its tails.
_EQUAL = 1 << 10
_PARTS = np.arange(1, _EQUAL) / _EQUAL
#: Quantiles of every law are known between the probabilities 2^-23 and 1 - 2^-23; beyond, the law
#: is followed along its line.  Those of a power law are known from 2^-1000 on, and above they tend
#: to 1.
_KNOWN, _KNOWN_OF_POWERS = 23, 1000
#: A tail is halved so often; after that each part is 15 of 16 parts of what is left.
_HALVINGS, _SIXTEENTH = 64, 4
#: Drawn features may weigh more or less than all features by this much.
_MISSED = 2.0**-20
#: A group of less weight and signal than this, relative to the whole, is left out.
_NOTHING = 1e-18


class _Leaf(NamedTuple):
    """A law of a mixture: its share of the features, and factors of their values."""

    law: LineLaw | SomeGroups
    share: float
    eigenvalue: float
    coefficient: float


class _Strata(NamedTuple):
    """Ends of the parts of a law: probabilities, and beyond them places on the law's line."""

    probabilities: Array
    below: Array
    above: Array


def weighted(law: Law, seed: int, draws: int) -> list[Population]:
    """Populations of features drawn from a law, a group for each, weighted by what it stands for.

    On average over draws their means are those of the law.  Features that no population can hold
    are left out.
    """
    leaves = list(_leaves(law))
    strata = [_strata(leaf.law) for leaf in leaves]
    populations = []
    for draw in range(draws):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_EQUAL, draw, 1)))
        parts = [_features(*pair, rng) for pair in zip(leaves, strata, strict=True)]
        populations.append(
            Population(*_heard(Groups(*map(np.concatenate, zip(*parts, strict=True)))))
        )
    return populations


def scatter(population: Population, draws: int) -> float:
    """A bound of the relative standard error of the signal in a mean of draws.

    It holds if the groups are right, and is that of the equal parts between the tails.  It is large
    where few features have much of the signal: most draws have none of those, and none of their
    scatter either.  The laws of a mixture are drawn one by one: there it is not known, and taken
    as 0.
    """
    if population.law is None or len(list(_leaves(population.law))) > 1:
        return 0.0
    order = np.argsort(population.eigenvalue, kind="stable")
    groups = Groups(*(column[order] for column in population.groups()))
    middle = np.cumsum(groups.weight) - groups.weight / 2
    u = np.union1d(middle[(middle > _PARTS[0]) & (middle < _PARTS[-1])], _PARTS)
    signal = np.interp(u, middle, groups.eigenvalue * groups.second_moment)
    starts = np.searchsorted(u, _PARTS[:-1])
    center = np.repeat((_PARTS[:-1] + _PARTS[1:]) / 2, np.diff(starts, append=u.size - 1))
    place = _EQUAL * np.array([u[:-1] - center, u[1:] - center])  # from -1/2 to 1/2
    value = np.array([signal[:-1], signal[1:]])
    first, second, along = (
        _EQUAL * np.add.reduceat(np.diff(u) * _mean_product(*pair), starts)
        for pair in ((value, np.ones_like(value)), (value, value), (value, place))
    )
    # Of two places as far from either end of a part a straight line has the right mean.
    variance = np.maximum(second - first**2 - 12 * along**2, 0).sum() / _EQUAL**2 / draws
    return math.sqrt(variance) / (population.signal or 1)


def _mean_product(x: Array, y: Array) -> Array:
    """The mean of x y over intervals on which both are straight, from their values at both ends."""
    return np.asarray((x * y).sum(axis=0) / 6 + x.sum(axis=0) * y.sum(axis=0) / 6)


def _heard(groups: Groups) -> Groups:
    """Groups without those that sums of weights or of signals would not change by."""
    signal = groups.weight * groups.eigenvalue * groups.second_moment
    heard = (groups.weight > _NOTHING) | (signal > _NOTHING * signal.sum())
    return Groups(*(column[heard] for column in groups))


def _leaves(
    law: Law, share: float = 1.0, eigenvalue: float = 1.0, coefficient: float = 1.0
) -> Iterator[_Leaf]:
    """The laws that a law consists of."""
    match law:
        case Mixture():
            for weight, part in zip(law.weights, law.parts, strict=True):
                yield from _leaves(part, share * weight, eigenvalue, coefficient)
        case Scaled():
            factors = (eigenvalue * law.eigenvalue, coefficient * law.coefficient)
            yield from _leaves(law.law, share, *factors)
        case LineLaw() | SomeGroups():
            yield _Leaf(law, share, eigenvalue, coefficient)


def _strata(law: LineLaw | SomeGroups) -> _Strata:
    """The parts of a law along a line; groups have none."""
    if isinstance(law, SomeGroups):
        return _Strata(np.empty(0), np.empty(0), np.empty(0))
    if isinstance(law, PowerLaw):
        return _Strata(_probabilities(_KNOWN_OF_POWERS), np.empty(0), np.empty(0))
    probabilities = _probabilities(_KNOWN)
    # The eigenvalue does not tell the place: features that are alike lie along a part of the line.
    first, last = law.places(probabilities[[0, -1]]).tolist()
    low, high = law.edges[[0, -1]].tolist()
    return _Strata(probabilities, _steps(low, first), _steps(last, high))


def _probabilities(last: int) -> Array:
    """Ends of equal parts and of the parts of both tails, from 2^-last on."""
    first = _EQUAL.bit_length()
    halved = np.arange(first, min(first + _HALVINGS, last + 1))
    more = np.arange(first + _HALVINGS, last + 1, _SIXTEENTH)
    lower = 2.0 ** -np.concatenate([halved, more])
    upper = 1 - 2.0 ** -np.arange(first, _KNOWN + 1)
    return np.concatenate([lower[::-1], _PARTS, upper])


def _steps(low: float, high: float) -> Array:
    """Ends of intervals of length one, or a little less."""
    return np.linspace(low, high, math.ceil(high - low) + 1)


def _features(leaf: _Leaf, strata: _Strata, rng: np.random.Generator) -> Groups:
    """Features of one law of a mixture; their weights sum to its share, or nearly."""
    law = leaf.law
    if isinstance(law, SomeGroups):
        drawn = Groups(law.weight / law.weight.sum(), law.eigenvalue, law.mean, law.std)
    else:
        drawn = _of_line(law, strata, rng)
    weight, eigenvalue, mean, std = drawn
    factor = leaf.coefficient
    eigenvalue, mean, std = into_range(
        leaf.eigenvalue * eigenvalue, factor * mean, abs(factor) * std
    )
    there = in_range(eigenvalue, mean, std)
    return Groups(leaf.share * weight[there], eigenvalue[there], mean[there], std[there])


def _of_line(law: LineLaw, strata: _Strata, rng: np.random.Generator) -> Groups:
    """Features of a law along a line; their weights sum to 1, or nearly.

    Raises `NoConvergence` where they do not: parts of the law are missing, or are there twice.
    """
    drawn = [
        _between(law, strata.probabilities, rng),
        *(_along(law, ends, rng) for ends in (strata.below, strata.above) if ends.size > 1),
    ]
    groups = Groups(*map(np.concatenate, zip(*drawn, strict=True)))
    total = float(groups.weight.sum())
    if not abs(total - 1) <= _MISSED:
        raise NoConvergence(
            f"features drawn from {law.name} weigh {total:.6g} times what all features weigh, "
            f"so its draws are wrong: its tails contradict its quantiles; {law.remedy}"
        )
    return groups


def _between(law: LineLaw, ends: Array, rng: np.random.Generator) -> Groups:
    """Features of parts of the probability."""
    u, width = _pairs(ends, rng)
    return Groups(width, *law.quantiles(u))


def _along(law: LineLaw, ends: Array, rng: np.random.Generator) -> Groups:
    """Features of parts of a law's line."""
    x, width = _pairs(ends, rng)
    density, *columns = law.at(x)
    return Groups(width * density, *columns)


def _pairs(ends: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two places in each interval, at random and as far from either of its ends; and their widths.

    What a mean over the interval misses in one of them it has too much of in the other, nearly.
    """
    width = np.diff(ends)
    inward = width * rng.random(width.size)
    return np.concatenate([ends[:-1] + inward, ends[1:] - inward]), np.tile(width / 2, 2)
