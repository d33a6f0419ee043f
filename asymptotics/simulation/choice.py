"""The choice of the fastest sampler for a problem."""

from .dense import Dense
from .designs import GAUSSIAN, Law
from .exact import Exact
from .finite import FiniteProblem
from .implicit import LEAST_TOLERANCE, Implicit
from .sampler import Sampler


def choose(
    problem: FiniteProblem, replicates: int, design: Law, noise: Law, tolerance: float
) -> Sampler:
    """The applicable sampler of the least `Sampler.cost`."""
    samplers: list[Sampler] = [Dense(design, noise)]
    if design == GAUSSIAN:
        if tolerance >= LEAST_TOLERANCE:
            samplers.append(Implicit(tolerance, noise))
        # `Exact` draws from a law that assumes Gaussian noise, unless there is no noise at all.
        if (noise == GAUSSIAN or problem.sigma == 0) and Exact().refusal(problem) is None:
            samplers.append(Exact())
    return min(samplers, key=lambda sampler: sampler.cost(problem, replicates))
