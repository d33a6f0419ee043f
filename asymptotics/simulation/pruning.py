"""Pruning trained weights, and the test error that is left."""

import numpy as np

from ..arithmetic import Array
from ..theory import Rule
from ..theory.rules import Oracle, Random, WeightRule
from .finite import FiniteProblem

#: Weights that are worked on at a time.
_BLOCK = 1 << 16


def pruned_errors(
    problem: FiniteProblem, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Array:
    r"""Test error after pruning, :math:`\sigma^2 + \frac1p\sum_i\lambda_i(B_i - X_i 1_{kept})^2`.

    `coefficient` and `trained` hold draws of B and :math:`X=\sqrt p\,\hat\beta`, of shape
    (replicates, p).  Returns an array of shape (replicates, rules, alphas).
    """
    eigenvalue = problem.expand(problem.eigenvalue)
    errors = np.empty((len(trained), len(problem.rules), len(problem.kept)))
    step = max(1, _BLOCK // problem.p)
    for start in range(0, len(trained), step):
        rows = slice(start, start + step)
        b, x = coefficient[rows], trained[rows]
        dropped = b * b
        dropped *= eigenvalue
        change = x - b
        change *= change
        change *= eigenvalue
        change -= dropped
        base = problem.sigma**2 + dropped.sum(axis=1) / problem.p
        for column, rule in enumerate(problem.rules):
            score = scores(rule, eigenvalue, b, x, rng)
            for place, kept in enumerate(problem.kept):
                gained = np.einsum("ri,ri->r", change, largest(score, kept, rng))
                errors[rows, column, place] = base + gained / problem.p
    return errors


def scores(
    rule: Rule, eigenvalue: Array, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Array:
    """What the rule ranks the weights by; features of eigenvalue 0 come last, and tie."""
    if isinstance(rule, Random):
        return np.asarray(rng.random(trained.shape))
    if isinstance(rule, WeightRule):
        exponent, ranked = float(rule.exponent), trained
    elif isinstance(rule, Oracle):
        exponent, ranked = 0.5, coefficient
    else:
        raise NotImplementedError(f"no simulation of the rule {rule}")
    score = np.abs(ranked)
    if exponent or not eigenvalue.all():
        alive = eigenvalue > 0
        score *= np.where(alive, eigenvalue, 1) ** exponent * alive
    return score


def largest(score: Array, kept: int, rng: np.random.Generator) -> Array:
    """A mask of the `kept` largest scores of each row; among ties, at random."""
    if kept in (0, score.shape[1]):
        return np.full(score.shape, kept > 0)
    cut = np.array([kth_largest(row, kept) for row in score])[:, None]
    mask = score >= cut
    surplus = np.count_nonzero(mask, axis=1) - kept
    for row in np.flatnonzero(surplus):
        tied = np.flatnonzero(score[row] == cut[row])
        mask[row, rng.choice(tied, surplus[row], replace=False)] = False
    return mask


def kth_largest(score: Array, k: int) -> float:
    """The k-th largest score; of many, found in a band that a sample of them points to.

    Source: Floyd, Rivest, *Expected time bounds for selection* (1975).
    """
    if score.size >= _BLOCK:
        sample = np.sort(score[:: score.size // 4096])
        place, margin = (1 - k / score.size) * sample.size, 2 * sample.size**0.5
        low = sample[max(int(place - margin), 0)]
        high = sample[min(int(place + margin), sample.size - 1)]
        above = int(np.count_nonzero(score > high))
        band = score[(score >= low) & (score <= high)]
        if above < k <= above + band.size:
            score, k = band, k - above
    return float(np.partition(score, score.size - k)[score.size - k])
