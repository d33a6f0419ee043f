"""A sequence of cuts and fits at one problem: the numbers of each round."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..population import Population
from ..theory import fixed_point
from ..theory.retraining import TOWARDS
from ..theory.rules import Oracle, Random, WeightRule
from .fits import Fit, Problem, first_fit, next_fit, pruned_risk
from .masks import Integration, kept_mass, moments, orthogonal
from .schedule import Round

#: How often the equation of a threshold is evaluated at most.
_EVALUATIONS = 200
#: Thresholds lie within so many standard deviations, and no nearer to 0 than this share of them.
_FAR, _NEAR_ZERO = 40.0, 1e-12
#: A step of Newton's method of this size, on the log of the threshold, leaves an error of its
#: square.
_LAST_STEP = 1e-9
#: Scores that differ by less than this, relatively, from the threshold are tied with it.
_TIED = 1e-9


class Point(NamedTuple):
    """A problem, and the first fit of it."""

    population: Population
    kappa: float
    sigma: float
    ridge: float


class Outcome(NamedTuple):
    """What one round gives; NaN for what is not known."""

    threshold: float
    #: Share of each group that is kept, in the form of an array.
    shares: Array
    #: Risk after the cut, and after the fit that follows; the second is NaN without a fit.
    pruned_risk: float
    retrained_risk: float
    #: Effective ridge of that fit.
    tau: float
    #: Correlation of the errors of that fit and of the first one.
    correlation: float
    #: The relative error of the fraction kept.
    missed: float


class _Mask(NamedTuple):
    """What the cuts so far keep of one group."""

    #: Observed numbers by their coefficients of (1, y), and thresholds of their magnitudes.
    numbers: Array
    thresholds: Array
    #: Share that is kept at random of what lies above the thresholds.
    share: float


class _State(NamedTuple):
    """The weights that are kept."""

    masks: tuple[_Mask, ...]
    #: Fraction of all weights, and of those the features that vary.
    alpha: float
    alive: float
    #: Moments of (1, y) over them, and over the weights that each cut has dropped.
    kept: Array
    drops: list[Array]


def outcomes(
    point: Point,
    schedule: Sequence[Round],
    integration: Integration,
    guesses: Sequence[float] | None = None,
) -> tuple[float, list[Outcome]]:
    """The risk of the first fit, and what each round gives.

    `guesses` are thresholds to start from, NaN for unknown ones.
    """
    population, kappa, sigma, ridge = point
    problem = Problem(population.groups(), kappa, sigma, len(schedule) + 1)
    fixed = fixed_point(population, kappa, sigma, ridge)
    fits = [first_fit(problem, fixed.tau.item(), fixed.gamma.item())]
    size = 2 + problem.fits
    whole = np.tile(np.eye(size), (len(population), 1, 1))
    mask = _Mask(np.zeros((0, size)), np.zeros(0), 1.0)
    state = _State((mask,) * len(population), 1.0, float(population.mass_above(0).value), whole, [])
    found: list[Outcome] = []
    for number, each in enumerate(schedule):
        guess = guesses[number] if guesses is not None else np.nan
        state, threshold, missed = _cut(problem, fits[-1], state, each, integration, guess)
        shares = state.kept[:, 0, 0]
        before = pruned_risk(problem, fits[-1], state.kept, state.drops)
        after, tau, correlation = np.nan, np.nan, np.nan
        if each.refit:
            pulled = each.towards == TOWARDS[1] and each.ridge > 0
            if pulled and not fits[-1].unit:
                # A ridge towards infinite weights: the noise of this fit is not known.
                found.append(Outcome(threshold, shares, before, np.inf, np.nan, np.nan, missed))
                break
            fits.append(
                next_fit(
                    problem,
                    fits,
                    state.kept,
                    state.drops,
                    state.alive,
                    each.ridge,
                    float(pulled),
                )
            )
            after, tau, correlation = fits[-1].risk, fits[-1].tau, _correlation(fits)
        found.append(Outcome(threshold, shares, before, after, tau, correlation, missed))
    nothing = Outcome(np.nan, np.full(len(population), np.nan), *[np.nan] * 5)
    return fits[0].risk, found + [nothing] * (len(schedule) - len(found))


def _cut(
    problem: Problem,
    fit: Fit,
    state: _State,
    each: Round,
    integration: Integration,
    guess: float,
) -> tuple[_State, float, float]:
    """The weights kept after a cut, its threshold, and the relative error of the fraction kept."""
    if each.alpha == state.alpha:
        drops = [*state.drops, np.zeros_like(state.kept)]
        return state._replace(drops=drops), 0.0, 0.0
    weight, shares = problem.groups.weight, state.kept[:, 0, 0]
    if isinstance(each.rule, Random):
        share = np.full(len(weight), each.alpha / state.alpha)
        return _thinned(problem, state, share, each), np.nan, 0.0
    scores = _scores(problem, fit, each.rule)
    positive = scores.numbers.any(axis=1) & (shares > 0)
    scored, unscored = (float(weight[part] @ shares[part]) for part in (positive, ~positive))
    if each.alpha >= scored:
        # Weights of score 0 are dropped first, at random among them.
        rest = min((each.alpha - scored) / unscored, 1.0) if unscored > 0 else 1.0
        return _thinned(problem, state, np.where(positive, 1.0, rest), each), 0.0, 0.0
    return _cut_by_score(problem, scores, positive, state, each, integration, guess)


def _thinned(problem: Problem, state: _State, share: Array, each: Round) -> _State:
    """The state after a random cut, which keeps a share of each group."""
    masks = tuple(
        mask._replace(share=mask.share * float(part))
        for mask, part in zip(state.masks, share, strict=True)
    )
    column = share[:, None, None]
    kept, dropped = column * state.kept, (1 - column) * state.kept
    gone = float((problem.groups.weight * dropped[:, 0, 0])[problem.alive].sum())
    return _State(masks, each.alpha, state.alive - gone, kept, [*state.drops, dropped])


class _Scores(NamedTuple):
    """Scores of the weights, Λ^q|Y|."""

    #: Λ^q in each group, and the coefficients of (1, y) in Y.
    scale: Array
    numbers: Array


def _scores(problem: Problem, fit: Fit, rule: WeightRule | Oracle) -> _Scores:
    """The scores of a rule after a fit; 0 for features that do not vary."""
    eigenvalue = np.where(problem.alive, problem.groups.eigenvalue, 1)
    if isinstance(rule, Oracle):
        numbers = problem.coefficient * problem.alive[:, None]
        return _Scores(eigenvalue ** float(rule.exponent), numbers)
    return _Scores(eigenvalue ** float(rule.exponent), fit.weight)


def _cut_by_score(
    problem: Problem,
    scores: _Scores,
    positive: Array,
    state: _State,
    each: Round,
    integration: Integration,
    guess: float,
) -> tuple[_State, float, float]:
    """The state after a cut at a positive threshold; `positive` are the groups of such scores."""
    weight, shares = problem.groups.weight, state.kept[:, 0, 0]
    scale, numbers = scores
    groups = np.flatnonzero(positive).tolist()
    # Groups in which all scores are equal: they are kept as a whole, or dropped.
    certain = {g: scale[g] * abs(numbers[g, 0]) for g in groups if not numbers[g, 1:].any()}
    spread = {
        g: orthogonal(np.vstack([state.masks[g].numbers, numbers[g]]))
        for g in groups
        if g not in certain
    }

    def thresholds(g: int, t: float) -> Array:
        return np.append(state.masks[g].thresholds, t / scale[g])

    def balance(log_t: float) -> tuple[float, float]:
        t = np.exp(log_t)
        total, slope = -each.alpha, 0.0
        for g, observed in spread.items():
            at = thresholds(g, t)
            mass, change = kept_mass(observed, at, integration.nodes(observed, at, g))
            total += weight[g] * state.masks[g].share * mass
            slope += weight[g] * state.masks[g].share * change
        total += sum(weight[g] * shares[g] for g, score in certain.items() if score > t)
        return float(total), float(slope)

    largest = max(scale[g] * np.linalg.norm(numbers[g]) for g in groups)
    t = float(np.exp(_root(balance, np.log(_FAR * largest), np.log(guess) if guess > 0 else None)))
    tied = [g for g, score in certain.items() if abs(score / t - 1) <= _TIED]
    kept, dropped = np.zeros_like(state.kept), state.kept.copy()
    masks = list(state.masks)
    for g, observed in spread.items():
        at = thresholds(g, t)
        parts = moments(observed, at, integration.nodes(observed, at, g))
        kept[g], dropped[g] = (state.masks[g].share * part for part in parts)
        masks[g] = state.masks[g]._replace(
            numbers=np.vstack([state.masks[g].numbers, numbers[g]]), thresholds=at
        )
    for g, score in certain.items():
        if score > t and g not in tied:
            kept[g], dropped[g] = state.kept[g], 0
    above, mass = float(weight @ kept[:, 0, 0]), float(sum(weight[g] * shares[g] for g in tied))
    tie = min(max((each.alpha - above) / mass, 0.0), 1.0) if tied else 0.0
    for g in tied:
        kept[g], dropped[g] = tie * state.kept[g], (1 - tie) * state.kept[g]
    for g, score in certain.items():
        part = tie if g in tied else float(score > t)
        masks[g] = state.masks[g]._replace(share=state.masks[g].share * part)
    missed = abs(float(weight @ kept[:, 0, 0]) / each.alpha - 1)
    # Weights of positive score belong to features that vary.
    state = _State(tuple(masks), each.alpha, each.alpha, kept, [*state.drops, dropped])
    return state, t, missed


def _root(
    balance: Callable[[float], tuple[float, float]], upper: float, guess: float | None
) -> float:
    """Where a falling function of the log threshold is zero: Newton's method in a bracket."""
    lower = upper + np.log(_NEAR_ZERO)
    x = upper - np.log(_FAR) if guess is None else guess
    for _ in range(_EVALUATIONS):
        value, slope = balance(x)
        if value == 0:
            return x
        lower, upper = (x, upper) if value > 0 else (lower, x)
        following = x - value / slope if slope < 0 else np.inf
        newton = lower < following < upper
        if not newton:
            following = (lower + upper) / 2
        step = abs(following - x)
        if step <= (_LAST_STEP if newton else 2 * FLOAT64.eps * max(1, abs(x))):
            return following
        x = following
    return np.nan


def _correlation(fits: list[Fit]) -> float:
    """The correlation of the errors of the first fit and the last."""
    last = fits[-1].noise
    length = float(np.sqrt(last @ last))
    return float(last[0] / length) if length > 0 else np.nan
