"""Pruning of trained weights, and the test error of the pruned model."""

from collections.abc import Iterator

import numpy as np

from ..arithmetic import Array
from ..theory import Rule
from ..theory.rules import GainRule, Oracle, Random, WeightRule
from .finite import BLOCK, Block, FiniteProblem
from .gains import gains, kept_values

#: Scores whose relative difference is at most this are tied: a solver's rounding tells them apart.
_TIE_TOLERANCE = 1e-10


def pruned_errors(
    problem: FiniteProblem, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Array:
    r"""Test error after pruning, :math:`\sigma^2 + \frac1p\sum_i\Lambda_i(B_i - X_i 1_{kept})^2`.

    `coefficient` and `trained` hold draws of B and :math:`X=\sqrt p\,\hat\beta`, of shape
    (replicates, p).  Returns an array of shape (replicates, rules, alphas).
    """
    errors = np.empty((len(trained), len(problem.rules), len(problem.kept)))
    features = problem.all_features
    step = max(1, BLOCK // problem.p)  # replicates at a time, so that arrays stay in the cache
    for start in range(0, len(trained), step):
        rows = slice(start, start + step)
        b, x = coefficient[rows], trained[rows]
        kept_error, signal = losses(problem, features, b, x)
        own_errors = [
            kept_errors(problem, rule, features, b, x, kept_error) for rule in problem.rules
        ]
        for (row, column), mask in masks(problem, b, x, rng):
            errors[rows, row, column] = total(own_errors[row], signal, mask, ~mask)
    return problem.sigma**2 + errors / problem.p


def masks(
    problem: FiniteProblem, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Iterator[tuple[tuple[int, int], Array]]:
    """The weights kept, a mask of shape (replicates, p), by the indices of their rule and alpha."""
    for row, rule in enumerate(problem.rules):
        score = scores(problem, rule, problem.all_features, coefficient, trained, rng)
        for column, kept in enumerate(problem.kept):
            yield (row, column), largest(score, kept, rng)


def losses(
    problem: FiniteProblem, block: Block, coefficient: Array, trained: Array
) -> tuple[Array, Array]:
    """Terms of p times the excess error, one for each weight: if it is kept, and if it is dropped.

    They are Λ (B - X)² (`kept_error`) and Λ B² (`signal`).
    """
    eigenvalue = block.expand(problem.eigenvalue)
    # In place: the arrays are large, and this is the inner loop of a trial.
    kept_error, signal = coefficient - trained, coefficient * coefficient
    kept_error *= kept_error
    kept_error *= eigenvalue
    signal *= eigenvalue
    return kept_error, signal


def kept_errors(
    problem: FiniteProblem,
    rule: Rule,
    block: Block,
    coefficient: Array,
    trained: Array,
    as_trained: Array,
) -> Array:
    """The terms of the weights that a rule keeps: `as_trained`, unless it changes them."""
    if rule.keeps_weights or not isinstance(rule, GainRule):
        return as_trained
    return losses(problem, block, coefficient, kept_values(problem, rule, block, trained))[0]


def total(kept_error: Array, signal: Array, kept: Array, dropped: Array) -> Array:
    """Sum over each row: `kept_error` where the mask `kept` is set, `signal` where `dropped` is."""
    # A product with a mask of 0 and 1 by BLAS is faster than selecting the entries.
    of_kept = np.vecdot(kept_error, kept.astype(np.float64))
    return np.asarray(of_kept + np.vecdot(signal, dropped.astype(np.float64)))


def scores(
    problem: FiniteProblem,
    rule: Rule,
    block: Block,
    coefficient: Array,
    trained: Array,
    rng: np.random.Generator,
) -> Array:
    """Scores by which the rule ranks the weights; a weight of eigenvalue 0 scores 0."""
    if isinstance(rule, Random):
        return np.asarray(rng.random(trained.shape))
    if isinstance(rule, GainRule):
        return gains(problem, rule, block, trained)
    if not isinstance(rule, WeightRule | Oracle):
        raise NotImplementedError(f"no simulation of the rule {rule}")
    ranked = coefficient if isinstance(rule, Oracle) else trained
    eigenvalue = np.array(problem.eigenvalue[block.groups])
    alive = eigenvalue > 0
    # score = eigenvalue^exponent |weight|; the `where` avoids 0 to a negative power.
    score = abs(ranked)
    scale = np.where(alive, eigenvalue, 1) ** float(rule.exponent) * alive
    if np.any(scale != 1):
        score *= block.spread(scale)
    return score


def largest(score: Array, kept: int, rng: np.random.Generator) -> Array:
    """A mask of the `kept` largest scores of each row; ties are broken at random.

    Scores that differ only by the rounding of a solver count as tied.
    """
    size = score.shape[1]
    if kept in (0, size):
        return np.full(score.shape, kept > 0)
    # The threshold of a row is its `kept`-th largest score.
    threshold = np.partition(score, size - kept, axis=1)[:, size - kept, None]
    margin = _TIE_TOLERANCE * abs(threshold)
    mask = np.asarray(score >= threshold - margin)
    surplus = np.count_nonzero(mask, axis=1) - kept
    for row in np.flatnonzero(surplus):
        # Too many weights reach the threshold because some are tied with it: drop some of those.
        tied = np.flatnonzero(mask[row] & (score[row] <= threshold[row] + margin[row]))
        mask[row, rng.choice(tied, surplus[row], replace=False)] = False
    return mask
