"""The experiment of the linear model: a trial is one random draw of a finite problem."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput
from ..theory import Rule, as_rule
from ..theory.rules import WeightRule
from ..trials.experiment import Experiment
from .finite import FiniteProblem
from .sampler import Sampler, outcome_names

#: Version of the trials' numbers: it rises when the same seed gives other numbers than before, so
#: that a store does not mix the two.
VERSION = 2
#: A trial of small p has several replicates, which together have about this many weights.
_LEAST_WEIGHTS = 1 << 18
_MOST_REPLICATES = 256


@dataclass(frozen=True)
class LinearExperiment(Experiment):
    """A finite problem, the sampler of its weights, and the number of replicates in a trial."""

    problem: FiniteProblem
    sampler: Sampler
    replicates: int

    @cached_property
    def cost(self) -> float:
        return self.sampler.cost(self.problem, self.replicates)

    @cached_property
    def description(self) -> dict[str, Any]:
        problem, second = self.problem, self.problem.retraining
        again: dict[str, Any] = {} if second is None else {"retraining": list(second)}
        if problem.later:
            again["later"] = [
                [_identity(rule), kept, fit and list(fit)] for rule, kept, fit in problem.later
            ]
        return again | {
            "version": VERSION,
            "sizes": problem.sizes,
            "eigenvalue": problem.eigenvalue,
            "mean": problem.mean,
            "std": problem.std,
            "n": problem.n,
            "sigma": problem.sigma,
            "ridge": problem.ridge,
            "rules": [_identity(rule) for rule in problem.rules],
            "kept": problem.kept,
            "sampler": str(self.sampler),
            "replicates": self.replicates,
        }

    @property
    def shape(self) -> tuple[int, ...]:
        return len(outcome_names(self.problem)), len(self.problem.rules), len(self.problem.kept)

    def trial(self, rng: np.random.Generator) -> Array:
        """The arrays of `outcome_names`, each of shape (rules, alphas); see `Sampler.trial`."""
        return self.sampler.trial(self.problem, self.replicates, rng)


def _identity(rule: Rule) -> str:
    """A text that tells a rule from all others: its name, unless that names no rule or another.

    A rule that a caller builds may have any name, which does not tell its exponent.
    """
    name = str(rule)
    try:
        named = as_rule(name)
    except InvalidInput:
        return repr(rule)
    if isinstance(rule, WeightRule) and isinstance(named, WeightRule):
        same = float(rule.exponent) == float(named.exponent)
    else:
        same = rule == named
    return name if same else repr(rule)


def replicates_at(p: int) -> int:
    """Number of replicates that share a design of p features.

    For small p, drawing and factorising the design would take longer than all else in a trial.
    """
    return min(max(_LEAST_WEIGHTS // p, 1), _MOST_REPLICATES)
