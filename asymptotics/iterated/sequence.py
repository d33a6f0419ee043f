"""A sequence of cuts and refits, and how far its numbers may be off."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..population import Population
from ..theory import fixed_point
from .fits import Fit, Problem, first_fit, next_fit, pruned_risk
from .masks import kept_mass, moments, nodes, orthogonal

#: How often the equation of a threshold is evaluated at most.
_EVALUATIONS = 200
#: Thresholds lie within so many standard deviations, and no nearer to 0 than this share of them.
_FAR, _NEAR_ZERO = 40.0, 1e-12


class Round(NamedTuple):
    """What one round asks for: a cut to `alpha` by the score Λ^q|X|, and a refit after it."""

    alpha: float
    exponent: float
    ridge: float
    towards: float


class Outcome(NamedTuple):
    """What one round gives."""

    threshold: float
    #: Share of each group that is kept.
    shares: Array
    pruned_risk: float
    retrained_risk: float
    tau: float
    #: Correlation of the errors of this refit and of the first fit.
    correlation: float


def rounds(
    population: Population,
    kappa: float,
    sigma: float,
    ridge: float,
    schedule: Sequence[Round],
    order: int,
) -> tuple[float, list[Outcome]]:
    """The risk of the first fit, and what each round gives, with `order` nodes a panel."""
    problem = Problem(population.groups(), kappa, sigma, len(schedule) + 1)
    fixed = fixed_point(population, kappa, sigma, ridge)
    fits = [first_fit(problem, fixed.tau.item(), fixed.gamma.item())]
    size = 2 + problem.fits
    kept, drops = np.tile(np.eye(size), (len(population), 1, 1)), []
    masks: list[_Mask] = [_Mask(np.zeros((0, size)), np.zeros(0))] * len(population)
    outcomes = []
    for each in schedule:
        masks, kept, dropped, threshold = _cut(problem, fits[-1], masks, kept, each, order)
        drops.append(dropped)
        risk = pruned_risk(problem, fits[-1], kept, drops)
        fits.append(next_fit(problem, fits, kept, drops, each.ridge, each.towards))
        outcomes.append(
            Outcome(threshold, kept[:, 0, 0], risk, fits[-1].risk, fits[-1].tau, _correlation(fits))
        )
    return fits[0].risk, outcomes


class _Mask(NamedTuple):
    """The cuts of one group so far: scores by their coefficients, and thresholds of |X|."""

    scores: Array
    thresholds: Array


def _cut(
    problem: Problem, fit: Fit, masks: list[_Mask], kept: Array, each: Round, order: int
) -> tuple[list[_Mask], Array, Array, float]:
    """The masks after a cut, the moments over what it keeps and drops, and its threshold."""
    alive = np.flatnonzero(problem.alive)
    scale = np.where(problem.alive, problem.groups.eigenvalue, 1) ** each.exponent
    scores = {g: orthogonal(np.vstack([masks[g].scores, fit.weight[g]])) for g in alive}

    def balance(log_t: float) -> tuple[float, float]:
        total, slope = -each.alpha, 0.0
        for g, score in scores.items():
            at = np.append(masks[g].thresholds, np.exp(log_t) / scale[g])
            mass, change = kept_mass(score, at, nodes(score, at, order))
            total += problem.groups.weight[g] * mass
            slope += problem.groups.weight[g] * change
        return total, slope

    sizes = [scale[g] * np.linalg.norm(fit.weight[g]) for g in alive]
    threshold = float(np.exp(_root(balance, np.log(_FAR * max(sizes)))))
    after, dropped = np.zeros_like(kept), kept.copy()
    found = list(masks)
    for g, score in scores.items():
        at = np.append(masks[g].thresholds, threshold / scale[g])
        after[g], dropped[g] = moments(score, at, nodes(score, at, order))
        found[g] = _Mask(np.vstack([masks[g].scores, fit.weight[g]]), at)
    return found, after, dropped, threshold


def _root(balance: Callable[[float], tuple[float, float]], upper: float) -> float:
    """Where a falling function of the log threshold is zero: Newton's method in a bracket."""
    lower = upper + np.log(_NEAR_ZERO)
    x = upper - np.log(_FAR)
    for _ in range(_EVALUATIONS):
        value, slope = balance(x)
        lower, upper = (x, upper) if value > 0 else (lower, x)
        following = x - value / slope if slope < 0 else np.inf
        if not lower < following < upper:
            following = (lower + upper) / 2
        if abs(following - x) <= 2 * np.finfo(np.float64).eps * max(1, abs(x)):
            return following
        x = following
    return float("nan")


def _correlation(fits: list[Fit]) -> float:
    """The correlation of the errors of the first fit and the last."""
    first, last = fits[0], fits[-1]
    return float(first.noise[0] * last.noise[0] / np.sqrt(first.risk * last.risk))
