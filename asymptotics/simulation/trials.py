"""Trials: one random draw of a finite problem each, from a stream of its own."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arithmetic import Array
from .finite import FiniteProblem
from .sampler import Sampler

#: Goes up when the same seed gives other numbers than before.
VERSION = 2
#: Weights that a trial draws, if more than its p, where one design serves many.
_WEIGHTS = 1 << 18
_MOST_REPLICATES = 256


@dataclass(frozen=True)
class Experiment:
    """What is repeated: a finite problem and how its weights are drawn."""

    problem: FiniteProblem
    sampler: Sampler
    replicates: int

    @property
    def cost(self) -> float:
        """Seconds that a trial takes on one core, roughly."""
        return self.sampler.cost(self.problem, self.replicates)

    @cached_property
    def description(self) -> dict[str, Any]:
        """All that the numbers of a trial depend on but its seed and index, as plain data."""
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

    @cached_property
    def key(self) -> str:
        """A digest of the description."""
        text = json.dumps(self.description, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def stream(self, seed: int, index: int) -> np.random.Generator:
        """The random numbers of a trial: a child of the seed that no other trial shares."""
        words = (int(self.key[start : start + 8], 16) for start in range(0, 32, 8))
        child = np.random.SeedSequence(seed, spawn_key=(*words, index))
        return np.random.Generator(np.random.SFC64(child))  # the fastest of NumPy's


def replicates_at(p: int) -> int:
    """Replicates that make a design of p features worth its while."""
    return min(max(_WEIGHTS // p, 1), _MOST_REPLICATES)


def run_trial(experiment: Experiment, seed: int, index: int) -> Array:
    """Risk, control and effect of truncation, of shape (3, rules, alphas).

    See `Sampler.trial`.  BLAS runs on one thread, so that sums do not depend on their number.
    """
    rng = experiment.stream(seed, index)
    with _blas().limit(limits=1):
        return experiment.sampler.trial(experiment.problem, experiment.replicates, rng)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
