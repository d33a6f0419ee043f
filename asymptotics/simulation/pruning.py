"""Pruning trained weights, and the test error that is left."""

import numpy as np

from ..arithmetic import Array
from ..theory import Rule
from ..theory.rules import Oracle, Random, WeightRule
from .finite import BLOCK, Block, FiniteProblem

#: Scores that differ by less, relative to their size, are tied.
_ROUNDING = 1e-10


def pruned_errors(
    problem: FiniteProblem, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Array:
    r"""Test error after pruning, :math:`\sigma^2 + \frac1p\sum_i\lambda_i(B_i - X_i 1_{kept})^2`.

    `coefficient` and `trained` hold draws of B and :math:`X=\sqrt p\,\hat\beta`, of shape
    (replicates, p).  Returns an array of shape (replicates, rules, alphas).
    """
    errors = np.empty((len(trained), len(problem.rules), len(problem.kept)))
    whole = problem.whole
    step = max(1, BLOCK // problem.p)
    for start in range(0, len(trained), step):
        rows = slice(start, start + step)
        b, x = coefficient[rows], trained[rows]
        kept_error, signal = losses(problem, whole, b, x)
        for place, rule in enumerate(problem.rules):
            score = scores(problem, rule, whole, b, x, rng)
            for column, kept in enumerate(problem.kept):
                mask = largest(score, kept, rng)
                errors[rows, place, column] = total(kept_error, signal, mask, ~mask)
    return problem.sigma**2 + errors / problem.p


def losses(
    problem: FiniteProblem, block: Block, coefficient: Array, trained: Array
) -> tuple[Array, Array]:
    """What each weight of a block adds to the error, times p: if it is kept, and if dropped."""
    eigenvalue = block.expand(problem.eigenvalue)
    kept_error, signal = coefficient - trained, coefficient * coefficient
    kept_error *= kept_error
    kept_error *= eigenvalue
    signal *= eigenvalue
    return kept_error, signal


def total(kept_error: Array, signal: Array, kept: Array, dropped: Array) -> Array:
    """The losses of kept and of dropped weights in each row, summed; masks tell which are which."""
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
    """What the rule ranks weights by; those of eigenvalue 0 come last, and tie."""
    if isinstance(rule, Random):
        return np.asarray(rng.random(trained.shape))
    if isinstance(rule, WeightRule):
        exponent, ranked = float(rule.exponent), trained
    elif isinstance(rule, Oracle):
        exponent, ranked = 0.5, coefficient
    else:
        raise NotImplementedError(f"no simulation of the rule {rule}")
    eigenvalue = np.array(problem.eigenvalue[block.groups])
    alive = eigenvalue > 0
    score = abs(ranked)
    scale = np.where(alive, eigenvalue, 1) ** exponent * alive
    if np.any(scale != 1):
        score *= block.spread(scale)
    return score


def largest(score: Array, kept: int, rng: np.random.Generator) -> Array:
    """A mask of the `kept` largest scores of each row; among ties, at random.

    Scores that agree but for the rounding of a solver are tied.
    """
    size = score.shape[1]
    if kept in (0, size):
        return np.full(score.shape, kept > 0)
    cut = np.partition(score, size - kept, axis=1)[:, size - kept, None]
    margin = _ROUNDING * abs(cut)
    mask = np.asarray(score >= cut - margin)
    surplus = np.count_nonzero(mask, axis=1) - kept
    for row in np.flatnonzero(surplus):
        tied = np.flatnonzero(mask[row] & (score[row] <= cut[row] + margin[row]))
        mask[row, rng.choice(tied, surplus[row], replace=False)] = False
    return mask
