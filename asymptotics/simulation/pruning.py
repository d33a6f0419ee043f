"""Pruning trained weights, and the test error that is left."""

import numpy as np

from ..arithmetic import Array
from ..theory import Rule
from ..theory.rules import Oracle, Random, WeightRule
from .finite import BLOCK, FiniteProblem

#: Scores of which the largest are found with the help of a sample.
_MANY = 1 << 16


def pruned_errors(
    problem: FiniteProblem, coefficient: Array, trained: Array, rng: np.random.Generator
) -> Array:
    r"""Test error after pruning, :math:`\sigma^2 + \frac1p\sum_i\lambda_i(B_i - X_i 1_{kept})^2`.

    `coefficient` and `trained` hold draws of B and :math:`X=\sqrt p\,\hat\beta`, of shape
    (replicates, p).  Returns an array of shape (replicates, rules, alphas).
    """
    errors = np.zeros((len(trained), len(problem.rules), len(problem.kept)))
    step = max(1, BLOCK // problem.p)
    for start in range(0, len(trained), step):
        rows = slice(start, start + step)
        b, x = coefficient[rows], trained[rows]
        masks = [
            [largest(score, kept, rng) for kept in problem.kept]
            for score in (scores(problem, rule, b, x, rng) for rule in problem.rules)
        ]
        for block in problem.blocks():
            eigenvalue, part = block.expand(problem.eigenvalue), block.features
            dropped = b[:, part] ** 2
            change = (b[:, part] - x[:, part]) ** 2 - dropped
            for column, place in np.ndindex(errors.shape[1:]):
                error = change * masks[column][place][:, part]
                error += dropped
                error *= eigenvalue
                errors[rows, column, place] += error.sum(axis=1)
    return problem.sigma**2 + errors / problem.p


def scores(
    problem: FiniteProblem, rule: Rule, coefficient: Array, trained: Array, rng: np.random.Generator
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
    eigenvalue = np.array(problem.eigenvalue)
    alive = eigenvalue > 0
    scale = np.where(alive, eigenvalue, 1) ** exponent * alive
    score = np.empty_like(ranked)
    for block in problem.blocks():
        score[:, block.features] = abs(ranked[:, block.features]) * block.expand(scale)
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
    if score.size >= _MANY:
        sample = np.sort(score[:: score.size // 4096])
        place, margin = (1 - k / score.size) * sample.size, 2 * sample.size**0.5
        low = sample[max(int(place - margin), 0)]
        high = sample[min(int(place + margin), sample.size - 1)]
        above, near = 0, []
        for start in range(0, score.size, BLOCK):
            part = score[start : start + BLOCK]
            part = part[part >= low]
            near.append(part[part <= high])
            above += part.size - near[-1].size
        band = np.concatenate(near)
        if above < k <= above + band.size:
            score, k = band, k - above
    return float(np.partition(score, score.size - k)[score.size - k])
