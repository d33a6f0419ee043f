"""Draws from the exact law of least squares."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arithmetic import Array
from .finite import BLOCK, Block, FiniteProblem
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost
from .streaming import Part, brackets_from, streamed_trial

#: Features of the sample that tells where the cuts are about.
_SAMPLE = 1 << 14


@dataclass(frozen=True)
class Exact(Sampler):
    r"""The exact law of least squares.

    :math:`\hat\beta=\beta^*+\sigma\Sigma^{-1/2}g/\sqrt{\chi^2}`, with :math:`\chi^2` of
    n - p₊ + 1 degrees of freedom, independent of the normal g.  Given :math:`\chi^2` the weights
    are independent, so that a trial needs none of them but once.
    """

    name = "exact"

    def __str__(self) -> str:
        return "exact"

    def refusal(self, problem: FiniteProblem) -> str | None:
        if problem.ridge or problem.n <= problem.alive:
            return "it is the law of least squares: ridge = 0 and n > p_+"
        return None

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        return SECONDS_OF_NORMAL * replicates * problem.p + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        if problem.p <= BLOCK:
            weights = 16.0 * replicates * problem.p
        else:  # those near a cut
            weights = 1.5 * len(problem.rules) * len(problem.kept) * problem.p
        return weights + 128.0 * BLOCK + 32.0 * len(problem.sizes)

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        scale = _scale(problem, rng, replicates)
        coefficient, trained = (np.empty((replicates, problem.p)) for _ in range(2))
        for block, *part in _parts(problem, scale, rng):
            coefficient[:, block.features], trained[:, block.features] = part
        return Draw(coefficient, trained)

    def trial(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Array:
        if problem.p <= BLOCK:
            return super().trial(problem, replicates, rng)
        outcomes = np.array([_streamed(problem, rng) for _ in range(replicates)])
        return np.asarray(outcomes.mean(axis=0))


def _streamed(problem: FiniteProblem, rng: np.random.Generator) -> Array:
    """A trial of one replicate, of which a block and the weights near a cut are held."""
    scale, (weights, few) = _scale(problem, rng, 1), rng.spawn(2)
    sample = problem.resized(_SAMPLE)
    brackets = brackets_from(problem, sample, _part(sample, sample.whole, scale, few), few)
    start = weights.bit_generator.state

    def parts() -> Iterator[Part]:
        weights.bit_generator.state = start
        return _parts(problem, scale, weights)

    risk, control = streamed_trial(problem, parts, brackets, rng)
    return np.stack([risk, control, np.zeros_like(risk)])


def _scale(problem: FiniteProblem, rng: np.random.Generator, replicates: int) -> Array:
    """The standard deviation of a trained weight of eigenvalue 1, of shape (replicates, 1)."""
    freedom = problem.n - problem.alive + 1
    square = np.asarray(rng.chisquare(freedom, (replicates, 1)))
    return np.asarray(problem.sigma * np.sqrt(problem.p / square))


def _parts(problem: FiniteProblem, scale: Array, rng: np.random.Generator) -> Iterator[Part]:
    return (_part(problem, block, scale, rng) for block in problem.blocks())


def _part(problem: FiniteProblem, block: Block, scale: Array, rng: np.random.Generator) -> Part:
    """True and trained weights of a block, given their scale."""
    eigenvalue = np.array(problem.eigenvalue[block.groups])
    alive = eigenvalue > 0
    unit = np.divide(1, np.sqrt(eigenvalue), out=np.zeros_like(eigenvalue), where=alive)
    coefficient = problem.coefficients_of(block, rng, len(scale))
    trained = np.asarray(rng.standard_normal(coefficient.shape))
    trained *= scale * block.spread(unit)
    trained += coefficient
    if not alive.all():
        trained *= block.spread(alive)
    return Part(block, coefficient, trained)
