"""Stratified samples of a continuous law: weighted features that also represent its tails.

Among p features drawn from a law hardly any lies beyond its quantiles 1/p and 1 - 1/p, where a law
with a heavy tail may have much of its signal.  Here the law is divided into strata whose
probability shrinks towards the tails.  Each stratum gives an antithetic pair of features, weighted
by its probability.  So means over the features have the mean of the law, and little variance.

Probabilities are taken along the law's line, on which a place determines eigenvalue, mean and std
of a feature (`population.laws.LineLaw`).
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import NoConvergence
from ..population import Groups, Population
from ..population.laws import (
    Law,
    LineLaw,
    Mixture,
    PowerLaw,
    Scaled,
    SomeGroups,
    in_range,
    into_range,
)

#: The probabilities from 0 to 1 are divided into this many equal strata; the first and the last of
#: them are the tails, which are divided further.
_CENTRAL_STRATA = 1 << 10
#: Ends of the strata between the tails.
_CENTRAL_ENDS = np.arange(1, _CENTRAL_STRATA) / _CENTRAL_STRATA
#: Quantiles of any law are accurate between the probabilities 2^-23 and 1 - 2^-23.  Beyond them
#: features are drawn by their place on the law's line, with its density.  A power law has closed
#: quantiles, which are accurate from 2^-1000 on; towards probability 1 its values tend to 1.
_TAIL_BITS, _POWER_TAIL_BITS = 23, 1000
#: Strata of the lower tail: their ends are halved this many times towards 0.  Beyond, each end is
#: 2^-4 of the one before, so that a stratum has 15/16 of the probability that is left.
_HALVINGS, _BITS_PER_STRATUM = 64, 4
#: The weights of drawn features must sum to 1 up to this error.
_WEIGHT_TOLERANCE = 2.0**-20
#: A group whose shares of the weight and of the signal are both below this is left out.
_NEGLIGIBLE = 1e-18


class _Component(NamedTuple):
    """A component of a mixture: a law, its weight, and factors that scale its values."""

    law: LineLaw | SomeGroups
    share: float
    eigenvalue: float
    coefficient: float


class _Strata(NamedTuple):
    """Ends of the strata of a law: probabilities, and beyond them places on the law's line."""

    probabilities: Array
    below: Array
    above: Array


def weighted(law: Law, seed: int, draws: int) -> list[Population]:
    """A list of `draws` populations, each a stratified sample of a law with weighted features.

    Each feature is a group.  Means over the features have the law's mean as their expectation.
    Features whose numbers are outside the range that a `Population` admits are left out.
    """
    components = list(_components(law))
    strata = [_strata(component.law) for component in components]
    populations = []
    for draw in range(draws):
        rng = np.random.default_rng(
            np.random.SeedSequence(seed, spawn_key=(_CENTRAL_STRATA, draw, 1))
        )
        parts = [_features(*pair, rng) for pair in zip(components, strata, strict=True)]
        populations.append(
            Population(*_without_negligible(Groups(*map(np.concatenate, zip(*parts, strict=True)))))
        )
    return populations


def scatter(population: Population, draws: int) -> float:
    r"""An upper estimate of the relative standard error of the signal in a mean of draws.

    It is computed from the groups of the population, which must represent the law well, for the
    strata between the tails.  Let s(u) be the signal of the feature at probability u, interpolated
    between the groups.  In a stratum I of width h and middle m, the mean of s over an antithetic
    pair has at most the variance of s without its linear part,

    .. math:: V_I=\frac1h\int_I s^2\,du-\Big(\frac1h\int_I s\,du\Big)^2
              -12\Big(\frac1{h}\int_I s\,\frac{u-m}{h}\,du\Big)^2,

    and the result is :math:`h\sqrt{\sum_IV_I/\text{draws}}` over the signal.

    It is needed where few features have much of the signal: most draws contain none of these, so
    that the scatter between draws would underestimate the error.  For a mixture, whose components
    are drawn one by one, no estimate is made, and the result is 0.
    """
    if population.law is None or len(list(_components(population.law))) > 1:
        return 0.0
    # Place each group at the middle of its probabilities, in order of the eigenvalue.  Between
    # neighbouring groups, s is linear; the ends of strata are nodes of the interpolation too.
    order = np.argsort(population.eigenvalue, kind="stable")
    groups = Groups(*(column[order] for column in population.groups()))
    middle = np.cumsum(groups.weight) - groups.weight / 2
    u = np.union1d(
        middle[(middle > _CENTRAL_ENDS[0]) & (middle < _CENTRAL_ENDS[-1])], _CENTRAL_ENDS
    )
    signal = np.interp(u, middle, groups.eigenvalue * groups.second_moment)
    starts = np.searchsorted(u, _CENTRAL_ENDS[:-1])
    center = np.repeat(
        (_CENTRAL_ENDS[:-1] + _CENTRAL_ENDS[1:]) / 2, np.diff(starts, append=u.size - 1)
    )
    place = _CENTRAL_STRATA * np.array([u[:-1] - center, u[1:] - center])  # (u - m)/h at both ends
    value = np.array([signal[:-1], signal[1:]])
    # Means over each stratum of s, s² and s (u - m)/h.
    first, second, along = (
        _CENTRAL_STRATA * np.add.reduceat(np.diff(u) * _mean_product(*pair), starts)
        for pair in ((value, np.ones_like(value)), (value, value), (value, place))
    )
    # An antithetic pair integrates linear functions exactly, so that the linear part adds nothing.
    variance = np.maximum(second - first**2 - 12 * along**2, 0).sum() / _CENTRAL_STRATA**2 / draws
    return math.sqrt(variance) / (population.signal or 1)


def _mean_product(x: Array, y: Array) -> Array:
    """The mean of x y over intervals where both are linear, from their values at the two ends.

    For ends a and b it is (x_a y_a + x_b y_b + (x_a + x_b)(y_a + y_b)) / 6 (Simpson's rule).
    """
    return np.asarray((x * y).sum(axis=0) / 6 + x.sum(axis=0) * y.sum(axis=0) / 6)


def _without_negligible(groups: Groups) -> Groups:
    """The groups whose share of the weight or of the signal is not negligible."""
    signal = groups.weight * groups.eigenvalue * groups.second_moment
    matters = (groups.weight > _NEGLIGIBLE) | (signal > _NEGLIGIBLE * signal.sum())
    return Groups(*(column[matters] for column in groups))


def _components(
    law: Law, share: float = 1.0, eigenvalue: float = 1.0, coefficient: float = 1.0
) -> Iterator[_Component]:
    """The components of a law; a mixture may contain mixtures, and scaled laws."""
    match law:
        case Mixture():
            for weight, part in zip(law.weights, law.parts, strict=True):
                yield from _components(part, share * weight, eigenvalue, coefficient)
        case Scaled():
            factors = (eigenvalue * law.eigenvalue, coefficient * law.coefficient)
            yield from _components(law.law, share, *factors)
        case LineLaw() | SomeGroups():
            yield _Component(law, share, eigenvalue, coefficient)


def _strata(law: LineLaw | SomeGroups) -> _Strata:
    """The strata of a law along a line; a law of finitely many groups has none."""
    if isinstance(law, SomeGroups):
        return _Strata(np.empty(0), np.empty(0), np.empty(0))
    if isinstance(law, PowerLaw):
        return _Strata(_strata_ends(_POWER_TAIL_BITS), np.empty(0), np.empty(0))
    probabilities = _strata_ends(_TAIL_BITS)
    # Beyond the last known quantiles, strata are intervals of places up to the ends of the line.
    # The places of these quantiles are found by probability: several places may have one
    # eigenvalue, so that it does not determine the place.
    first, last = law.places(probabilities[[0, -1]]).tolist()
    low, high = law.edges[[0, -1]].tolist()
    return _Strata(probabilities, _unit_intervals(low, first), _unit_intervals(last, high))


def _strata_ends(last: int) -> Array:
    """Probabilities that divide the equal strata and both tails, from 2^-last on."""
    first = _CENTRAL_STRATA.bit_length()
    halved = np.arange(first, min(first + _HALVINGS, last + 1))
    more = np.arange(first + _HALVINGS, last + 1, _BITS_PER_STRATUM)
    lower = 2.0 ** -np.concatenate([halved, more])
    upper = 1 - 2.0 ** -np.arange(first, _TAIL_BITS + 1)
    return np.concatenate([lower[::-1], _CENTRAL_ENDS, upper])


def _unit_intervals(low: float, high: float) -> Array:
    """Ends of equal intervals from low to high, of length at most 1."""
    return np.linspace(low, high, math.ceil(high - low) + 1)


def _features(component: _Component, strata: _Strata, rng: np.random.Generator) -> Groups:
    """Features of one component of a mixture; their weights sum to its share, nearly."""
    law = component.law
    if isinstance(law, SomeGroups):
        drawn = Groups(law.weight / law.weight.sum(), law.eigenvalue, law.mean, law.std)
    else:
        drawn = _line_features(law, strata, rng)
    weight, eigenvalue, mean, std = drawn
    factor = component.coefficient
    eigenvalue, mean, std = into_range(
        component.eigenvalue * eigenvalue, factor * mean, abs(factor) * std
    )
    valid = in_range(eigenvalue, mean, std)
    return Groups(component.share * weight[valid], eigenvalue[valid], mean[valid], std[valid])


def _line_features(law: LineLaw, strata: _Strata, rng: np.random.Generator) -> Groups:
    """Features of a law along a line; their weights sum to 1 up to `_WEIGHT_TOLERANCE`.

    Raises `NoConvergence` if they do not.  Then the law's density in a tail contradicts its
    quantiles, so that a part of the law is missing or counted twice.
    """
    drawn = [
        _by_probability(law, strata.probabilities, rng),
        *(_by_place(law, ends, rng) for ends in (strata.below, strata.above) if ends.size > 1),
    ]
    groups = Groups(*map(np.concatenate, zip(*drawn, strict=True)))
    total = float(groups.weight.sum())
    if not abs(total - 1) <= _WEIGHT_TOLERANCE:
        raise NoConvergence(
            f"features drawn from {law.name} weigh {total:.6g} times what all features weigh, "
            f"so its draws are wrong: its tails contradict its quantiles; {law.remedy}"
        )
    return groups


def _by_probability(law: LineLaw, ends: Array, rng: np.random.Generator) -> Groups:
    """Features from strata of probability: the quantiles at random probabilities."""
    u, width = _antithetic_pairs(ends, rng)
    return Groups(width, *law.quantiles(u))


def _by_place(law: LineLaw, ends: Array, rng: np.random.Generator) -> Groups:
    """Features from strata of the law's line: random places, weighted by the density there."""
    x, width = _antithetic_pairs(ends, rng)
    density, *columns = law.at(x)
    return Groups(width * density, *columns)


def _antithetic_pairs(ends: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """An antithetic pair of uniform points in each interval, and half of its width as their weight.

    The two points are mirror images about the middle, so that the error of a function that is
    nearly linear on the interval nearly cancels in their mean.
    """
    width = np.diff(ends)
    inward = width * rng.random(width.size)
    return np.concatenate([ends[:-1] + inward, ends[1:] - inward]), np.tile(width / 2, 2)
