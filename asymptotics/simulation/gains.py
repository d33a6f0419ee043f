"""Gains of simulated weights, by the law of trained weights that theory gives for their problem."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..theory import channel, fixed_point
from ..theory.posteriors import Mixture, mixtures, posterior
from ..theory.rules import GainRule, Posterior
from .finite import Block, FiniteProblem


class _Law(NamedTuple):
    """What a trained weight tells of its coefficient, for each group of a problem."""

    #: E[B|x] = intercept + slope x, where no other group shares the eigenvalue.
    intercept: Array
    slope: Array
    #: The other groups, with the mixture that they belong to.
    shared: list[tuple[Array, Mixture]]


@lru_cache(maxsize=16)
def _law(problem: FiniteProblem, rule: GainRule) -> _Law:
    fixed = fixed_point(problem.population, problem.kappa, problem.sigma, problem.ridge)
    # At n = p₊ the limit has infinite noise; any finite one gives the weights some ranking.
    finite = np.where(np.isinf(fixed.gamma), 1, fixed.gamma)
    law = channel(problem.population, fixed._replace(gamma=finite))
    given = rule.regression(law)
    shared = [
        (np.flatnonzero(mixture.among & (np.array(mixture.places) == place)), mixture.at(place))
        for mixture in mixtures(law, rule.score(law), given, FLOAT64)
        for place in range(mixture.eigenvalue.size)
    ]
    return _Law(given.signal_intercept, given.signal_slope, shared)


def gains(problem: FiniteProblem, rule: GainRule, block: Block, trained: Array) -> Array:
    """The gains of the weights of a block, of shape (replicates, features)."""
    eigenvalue = block.expand(problem.eigenvalue)
    return np.asarray(eigenvalue * rule.gain(_posterior(problem, rule, block, trained), trained))


def kept_values(problem: FiniteProblem, rule: GainRule, block: Block, trained: Array) -> Array:
    """What the rule keeps of the weights of a block."""
    return rule.value(_posterior(problem, rule, block, trained), trained)


@QUIET
def _posterior(problem: FiniteProblem, rule: GainRule, block: Block, trained: Array) -> Posterior:
    """What the weights of a block, of shape (replicates, features), tell of their coefficients."""
    law = _law(problem, rule)
    intercept, slope = block.expand(law.intercept), block.expand(law.slope)
    at = Posterior(intercept + slope * trained, slope + 0 * trained)
    ends = np.cumsum(block.sizes)
    for members, mixture in law.shared:
        own = members - block.groups.start
        own = own[(own >= 0) & (own < block.sizes.size)]
        if own.size:  # groups of one eigenvalue are neighbours
            features = slice(ends[own[0]] - block.sizes[own[0]], ends[own[-1]])
            found = posterior(mixture, trained[:, features], FLOAT64)
            at.mean[:, features], at.slope[:, features] = found
    return at
