"""The exact sampler: it draws least-squares weights from their law, without a design."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arithmetic import Array
from .finite import BLOCK, Block, FiniteProblem
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost
from .streaming import Part, brackets_from, streamed_trial

#: Features of the small problem that locates the thresholds of a large one roughly.
_SAMPLE_SIZE = 1 << 14


@dataclass(frozen=True)
class Exact(Sampler):
    r"""Draws from the exact law of least squares with Gaussian design and noise.

    For ridge 0 and n > p₊,

    .. math:: \hat\beta=\beta^*+\sigma\,\Sigma^{-1/2}g/\sqrt{\chi^2},

    with g standard normal and, independent of it, :math:`\chi^2` of n - p₊ + 1 degrees of freedom:
    a multivariate Student law.  Given :math:`\chi^2` the weights are independent.  So a trial of
    many weights can draw them block by block, and need not hold them all in memory.
    """

    name = "exact"

    def __str__(self) -> str:
        return "exact"

    def refusal(self, problem: FiniteProblem) -> str | None:
        if problem.retraining is not None:
            return "it draws no data that weights could be trained on again: take dense or implicit"
        if problem.ridge or problem.n <= problem.alive:
            return "it is the law of least squares: ridge = 0 and n > p_+"
        return None

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        return SECONDS_OF_NORMAL * replicates * problem.p + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        if problem.p <= BLOCK:
            weights = 16.0 * replicates * problem.p
        else:  # a trial holds only the weights whose score is near a threshold
            weights = 1.5 * len(problem.rules) * len(problem.kept) * problem.p
        return weights + 128.0 * BLOCK + 32.0 * len(problem.sizes)

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        scale = _draw_scale(problem, rng, replicates)
        coefficient, trained = (np.empty((replicates, problem.p)) for _ in range(2))
        for block, *part in _draw_parts(problem, scale, rng):
            coefficient[:, block.features], trained[:, block.features] = part
        return Draw(coefficient, trained)

    def trial(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Array:
        if problem.p <= BLOCK or problem.retraining is not None:
            return super().trial(problem, replicates, rng)
        outcomes = np.array([_streamed_outcome(problem, rng) for _ in range(replicates)])
        return np.asarray(outcomes.mean(axis=0))


def _streamed_outcome(problem: FiniteProblem, rng: np.random.Generator) -> Array:
    """Risk, control and truncation (0) of one replicate.

    Memory holds one block of weights at a time, and the weights whose score is near a threshold.
    """
    # The large problem and the small one that locates its thresholds draw from streams of their
    # own; both are scaled by the same chi-square.
    scale, (weights, few) = _draw_scale(problem, rng, 1), rng.spawn(2)
    sample = problem.resized(_SAMPLE_SIZE)
    brackets = brackets_from(
        problem, sample, _draw_part(sample, sample.all_features, scale, few), few
    )
    start = weights.bit_generator.state

    def parts() -> Iterator[Part]:
        weights.bit_generator.state = start  # a second pass draws the same weights again
        return _draw_parts(problem, scale, weights)

    risk, control = streamed_trial(problem, parts, brackets, rng)
    return np.stack([risk, control, np.zeros_like(risk)])


def _draw_scale(problem: FiniteProblem, rng: np.random.Generator, replicates: int) -> Array:
    r"""Draws of :math:`\sigma\sqrt{p/\chi^2}`, of shape (replicates, 1).

    It is the conditional std of :math:`X=\sqrt p\,\hat\beta` for a feature of eigenvalue 1.
    """
    freedom = problem.n - problem.alive + 1
    square = np.asarray(rng.chisquare(freedom, (replicates, 1)))
    return np.asarray(problem.sigma * np.sqrt(problem.p / square))


def _draw_parts(problem: FiniteProblem, scale: Array, rng: np.random.Generator) -> Iterator[Part]:
    """True and trained weights of all features, block by block."""
    return (_draw_part(problem, block, scale, rng) for block in problem.blocks())


def _draw_part(
    problem: FiniteProblem, block: Block, scale: Array, rng: np.random.Generator
) -> Part:
    """True and trained weights of a block, given `scale` of `_draw_scale`."""
    eigenvalue = np.array(problem.eigenvalue[block.groups])
    alive = eigenvalue > 0
    unit = np.divide(1, np.sqrt(eigenvalue), out=np.zeros_like(eigenvalue), where=alive)
    coefficient = problem.coefficients_of(block, rng, len(scale))
    trained = np.asarray(rng.standard_normal(coefficient.shape))
    trained *= scale * block.spread(unit)
    trained += coefficient
    if not alive.all():
        trained *= block.spread(alive)  # the trained weight of a feature of eigenvalue 0 is 0
    return Part(block, coefficient, trained)
