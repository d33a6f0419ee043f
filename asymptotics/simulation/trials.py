"""Trials: one random draw of a finite problem each, from a stream of its own."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arithmetic import Array
from .control import controls
from .finite import FiniteProblem
from .pruning import pruned_errors
from .samplers import Sampler

#: Goes up when the same seed gives other numbers than before.
VERSION = 1
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
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*words, index)))


def replicates_at(p: int) -> int:
    """Replicates that make a design of p features worth its while."""
    return min(max(_WEIGHTS // p, 1), _MOST_REPLICATES)


#: What a trial returns, each of shape (rules, alphas) and a mean over replicates.
OUTCOME = ("risk", "control", "truncation")


def run_trial(experiment: Experiment, seed: int, index: int) -> Array:
    """Risk, control and effect of truncation, of shape (3, rules, alphas).

    The truncation is by how much the risk moved while the solver's residual fell to its tolerance
    from ten times as much; what it would still move is less.  BLAS runs on one thread, so that
    sums do not depend on their number.
    """
    problem, rng = experiment.problem, experiment.stream(seed, index)
    with _blas().limit(limits=1):
        draw = experiment.sampler.draw(problem, experiment.replicates, rng)
        ties = rng.bit_generator.state
        risk = pruned_errors(problem, draw.coefficient, draw.trained, rng)
        truncation = np.zeros_like(risk)
        if draw.earlier is not None:
            rng.bit_generator.state = ties  # the same ties fall the same way
            truncation = risk - pruned_errors(problem, draw.coefficient, draw.earlier, rng)
        control = controls(problem, draw.coefficient)
        return np.stack([risk, control, truncation]).mean(axis=1)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
