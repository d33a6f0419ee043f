"""Trials of the linear model: one random draw of a finite problem each."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..trials.experiment import Experiment
from .finite import FiniteProblem
from .sampler import OUTCOME, Sampler

#: Goes up when the same seed gives other numbers than before.
VERSION = 2
#: Weights that a trial draws, if more than its p, where one design serves many.
_WEIGHTS = 1 << 18
_MOST_REPLICATES = 256


@dataclass(frozen=True)
class LinearExperiment(Experiment):
    """A finite problem and how its weights are drawn."""

    problem: FiniteProblem
    sampler: Sampler
    replicates: int

    @cached_property
    def cost(self) -> float:
        return self.sampler.cost(self.problem, self.replicates)

    @cached_property
    def description(self) -> dict[str, Any]:
        problem = self.problem
        return {
            "version": VERSION,
            "sizes": problem.sizes,
            "eigenvalue": problem.eigenvalue,
            "mean": problem.mean,
            "std": problem.std,
            "n": problem.n,
            "sigma": problem.sigma,
            "ridge": problem.ridge,
            "rules": [str(rule) for rule in problem.rules],
            "kept": problem.kept,
            "sampler": str(self.sampler),
            "replicates": self.replicates,
        }

    @property
    def shape(self) -> tuple[int, ...]:
        return len(OUTCOME), len(self.problem.rules), len(self.problem.kept)

    def trial(self, rng: np.random.Generator) -> Array:
        """Risk, control and effect of truncation; see `Sampler.trial`."""
        return self.sampler.trial(self.problem, self.replicates, rng)


def replicates_at(p: int) -> int:
    """Replicates that make a design of p features worth its while."""
    return min(max(_WEIGHTS // p, 1), _MOST_REPLICATES)
