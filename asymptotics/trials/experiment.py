"""What can be repeated: trials whose numbers depend on a description, a seed and an index alone."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arithmetic import Array


class Experiment(ABC):
    """What is repeated."""

    @property
    @abstractmethod
    def description(self) -> Mapping[str, Any]:
        """All that the numbers of a trial depend on but its seed and index, as plain data."""

    @property
    def drawn(self) -> Mapping[str, Any]:
        """The part of the description that random numbers depend on.

        Experiments that share it draw the same ones, and are compared in pairs.
        """
        return self.description

    @property
    @abstractmethod
    def cost(self) -> float:
        """Seconds that a trial takes on one core, roughly."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of a trial's outcome."""

    @abstractmethod
    def trial(self, rng: np.random.Generator) -> Array:
        """The outcome of a trial that draws from `rng`."""

    @cached_property
    def key(self) -> str:
        """A digest of the description."""
        return _digest(self.description)

    def stream(self, seed: int, index: int) -> np.random.Generator:
        """The random numbers of a trial: a child of the seed that no other trial shares."""
        digest = _digest(self.drawn)
        words = (int(digest[start : start + 8], 16) for start in range(0, 32, 8))
        child = np.random.SeedSequence(seed, spawn_key=(*words, index))
        return np.random.Generator(np.random.SFC64(child))  # the fastest of NumPy's


def run_trial(experiment: Experiment, seed: int, index: int) -> Array:
    """The outcome of one trial.

    BLAS runs on one thread, so that sums do not depend on their number.
    """
    rng = experiment.stream(seed, index)
    with _blas().limit(limits=1):
        return experiment.trial(rng)


def _digest(description: Mapping[str, Any]) -> str:
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
