"""A sequence of cuts and fits at one problem: the numbers of each round."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..population import Population
from ..theory import fixed_point
from ..theory.retraining import TOWARDS
from ..theory.rules import Oracle, Random, WeightRule
from .fits import Fit, Problem, first_fit, next_fit, pruned_risk
from .masks import Integration, Part, TooManyNodes, masses, moments, orthogonal, whole
from .schedule import Round

#: How often the equation of a threshold is evaluated at most.
_EVALUATIONS = 200
#: Thresholds lie within so many standard deviations, and no nearer to 0 than this share of them.
_FAR, _NEAR_ZERO = 40.0, 1e-12
#: A step of Newton's method of this size, on the log of the threshold, leaves an error of its
#: square.
_LAST_STEP = 1e-9
#: Scores that differ by less than this, relatively, are equal; and a threshold that differs by less
#: than this from a score is that score.
_TIED, _NEAR_THRESHOLD = 8 * FLOAT64.eps, 64 * FLOAT64.eps


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
    kept: Part
    #: What each cut has dropped.
    drops: tuple[Part, ...]

    def cut(
        self, masks: Sequence[_Mask], alpha: float, alive: float, kept: Part, dropped: Part
    ) -> "_State":
        """The state after a cut."""
        return _State(tuple(masks), alpha, alive, kept, (*self.drops, dropped))


class Stage(NamedTuple):
    """The fits and masks after some rounds, and what these rounds gave."""

    problem: Problem
    fits: tuple[Fit, ...]
    state: _State
    outcomes: tuple[Outcome, ...]
    #: Whether the noise of the last fit is known, so that there can be a next round.
    known: bool
    #: How far the equation of the first fit is from holding.
    residual: float


def first_stage(point: Point, rounds: int) -> Stage:
    """The fit of all weights, before `rounds` rounds."""
    population, kappa, sigma, ridge = point
    problem = Problem(population.groups(), kappa, sigma, rounds + 1)
    fixed = fixed_point(population, kappa, sigma, ridge)
    size = 2 + problem.fits
    mask = _Mask(np.zeros((0, size)), np.zeros(0), 1.0)
    alive = float(population.mass_above(0).value)
    masks = (mask,) * len(population)
    state = _State(masks, 1.0, alive, whole(len(population), size - 1), ())
    fit = first_fit(problem, fixed.tau.item(), fixed.gamma.item())
    return Stage(problem, (fit,), state, (), True, fixed.residual.item())


def next_stage(
    stage: Stage, each: Round, integration: Integration, guess: float = math.nan
) -> Stage:
    """The stage after one more round; raises `TooManyNodes`.

    `guess` is a threshold to start from.
    """
    problem, fits, state, outcomes, known, residual = stage
    if not known:
        nothing = Outcome(np.nan, np.full(len(problem.groups.weight), np.nan), *[np.nan] * 5)
        return stage._replace(outcomes=(*outcomes, nothing))
    state, threshold, missed = _cut(problem, fits[-1], state, each, integration, guess)
    before = pruned_risk(problem, fits[-1], state.kept, state.drops)
    after, tau, correlation = np.nan, np.nan, np.nan
    pulled = each.refit and each.towards == TOWARDS[1] and each.ridge > 0
    if pulled and not fits[-1].unit:  # a ridge towards infinite weights
        after, known = np.inf, False
    elif each.refit:
        fit = next_fit(
            problem, fits, state.kept, state.drops, state.alive, each.ridge, float(pulled)
        )
        fits = (*fits, fit)
        after, tau, correlation = fit.risk, fit.tau, _correlation(fits)
    outcome = Outcome(threshold, state.kept.mass, before, after, tau, correlation, missed)
    return Stage(problem, fits, state, (*outcomes, outcome), known, residual)


def stages(
    stage: Stage,
    schedule: Sequence[Round],
    integration: Integration,
    guesses: Sequence[float] = (),
) -> list[Stage]:
    """The stage after each round of a schedule, up to the first that would need too many nodes.

    `guesses` are thresholds to start from, NaN for unknown ones.
    """
    found: list[Stage] = []
    for each, guess in zip(schedule, chain(guesses, repeat(math.nan)), strict=False):
        try:
            stage = next_stage(stage, each, integration, guess)
        except TooManyNodes:
            break
        found.append(stage)
    return found


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
        nothing = state.kept.scaled(0.0)
        return state.cut(state.masks, each.alpha, state.alive, state.kept, nothing), 0.0, 0.0
    weight, shares = problem.groups.weight, state.kept.mass
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
    masks = [
        mask._replace(share=mask.share * float(part))
        for mask, part in zip(state.masks, share, strict=True)
    ]
    kept, dropped = state.kept.scaled(share), state.kept.scaled(1 - share)
    gone = float((problem.groups.weight * dropped.mass)[problem.alive].sum())
    return state.cut(masks, each.alpha, state.alive - gone, kept, dropped)


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
    weight = problem.groups.weight * np.array([mask.share for mask in state.masks])
    mass = problem.groups.weight * state.kept.mass
    scale, numbers = scores
    groups = np.flatnonzero(positive).tolist()
    # Groups in which all scores are equal: they are kept as a whole, or dropped.
    certain = {g: scale[g] * abs(numbers[g, 0]) for g in groups if not numbers[g, 1:].any()}
    spread = {
        g: orthogonal(np.vstack([state.masks[g].numbers, numbers[g]]))
        for g in groups
        if g not in certain
    }
    # Weights of score 0 are dropped as a whole.
    to_drop = state.alpha - each.alpha - float(mass[~positive].sum())

    def thresholds(g: int, t: float) -> Array:
        return np.append(state.masks[g].thresholds, t / scale[g])

    def balance(log_t: float) -> tuple[float, float]:
        """What is kept above a threshold less what should be, from the smaller of both sides."""
        t = np.exp(log_t)
        kept = sum(mass[g] for g, score in certain.items() if score > t)
        dropped = sum(mass[g] for g, score in certain.items() if score <= t)
        slope = 0.0
        for g, observed in spread.items():
            at = thresholds(g, t)
            found = masses(observed, at, integration.nodes(observed, at, g))
            kept += weight[g] * found.kept
            dropped += weight[g] * found.dropped
            slope -= weight[g] * found.slope
        return float(to_drop - dropped if to_drop < each.alpha else kept - each.alpha), slope

    largest = max(scale[g] * np.linalg.norm(numbers[g]) for g in groups)
    t = float(np.exp(_root(balance, np.log(_FAR * largest), np.log(guess) if guess > 0 else None)))
    tied = _tied(certain, t)
    # Shares of the groups that are kept or dropped as a whole; what ties shares what is left.
    share = np.array([float(certain.get(g, 0.0) > t and g not in tied) for g in range(len(mass))])
    frame, kept, dropped = state.kept.frame, state.kept.scaled(share), state.kept.scaled(1 - share)
    frames = {part: frame.copy() for part in ("kept", "dropped")}
    masks = list(state.masks)
    for g, observed in spread.items():
        at = thresholds(g, t)
        of_kept, of_dropped = moments(observed, at, integration.nodes(observed, at, g))
        frames["kept"][g], frames["dropped"][g] = of_kept[0], of_dropped[0]
        kept.inner[g] = masks[g].share * of_kept[1]
        dropped.inner[g] = masks[g].share * of_dropped[1]
        masks[g] = masks[g]._replace(
            numbers=np.vstack([masks[g].numbers, numbers[g]]), thresholds=at
        )
    if tied:
        left = each.alpha - float(problem.groups.weight @ kept.mass)
        share[tied] = min(max(left / float(mass[tied].sum()), 0.0), 1.0)
        kept.inner[tied] = share[tied][:, None, None] * state.kept.inner[tied]
        dropped.inner[tied] = (1 - share[tied])[:, None, None] * state.kept.inner[tied]
    for g in certain:
        masks[g] = masks[g]._replace(share=masks[g].share * float(share[g]))
    if to_drop < each.alpha:
        missed = abs(float((problem.groups.weight * dropped.mass)[positive].sum()) / to_drop - 1)
    else:
        missed = abs(float(problem.groups.weight @ kept.mass) / each.alpha - 1)
    # Weights of positive score belong to features that vary.
    after = state.cut(
        masks,
        each.alpha,
        each.alpha,
        Part(frames["kept"], kept.inner),
        Part(frames["dropped"], dropped.inner),
    )
    return after, t, missed


def _tied(certain: Mapping[int, float], t: float) -> list[int]:
    """The groups whose only score is the threshold, where the threshold is known with rounding."""
    near = [score for score in certain.values() if abs(score / t - 1) <= _NEAR_THRESHOLD]
    if not near:
        return []
    meant = min(near, key=lambda score: abs(score / t - 1))
    return [g for g, score in certain.items() if abs(score / meant - 1) <= _TIED]


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


def _correlation(fits: Sequence[Fit]) -> float:
    """The correlation of the errors of the first fit and the last."""
    last = fits[-1].noise
    length = float(np.sqrt(last @ last))
    return float(last[0] / length) if length > 0 else np.nan
