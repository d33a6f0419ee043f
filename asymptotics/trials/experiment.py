"""An experiment: trials whose numbers depend only on its description, a seed and an index.

The random numbers of a trial come from a stream that these three determine.  So the result of a run
depends neither on the number of workers nor on the order in which trials end, and a trial that a
store holds need not be repeated.
"""

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
    """A random computation that is repeated with independent random numbers."""

    @property
    @abstractmethod
    def description(self) -> Mapping[str, Any]:
        """Everything except seed and index that determines the numbers of a trial, as plain data.

        It can be written as JSON: the store keys trials by a digest of that text.
        """

    @property
    def drawn(self) -> Mapping[str, Any]:
        """The part of the description that selects the stream of random numbers.

        Experiments that share it draw the same random numbers, so that their outcomes can be
        compared trial by trial (common random numbers).
        """
        return self.description

    @property
    @abstractmethod
    def cost(self) -> float:
        """Estimate of the seconds that a trial takes on one core, from its sizes alone."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that `trial` returns."""

    @abstractmethod
    def trial(self, rng: np.random.Generator) -> Array:
        """Compute the outcome of one trial with random numbers from `rng`."""

    @cached_property
    def key(self) -> str:
        """SHA-256 digest of the description; experiments with equal keys give equal trials."""
        return _digest(self.description)

    def stream(self, seed: int, index: int) -> np.random.Generator:
        """The random generator of one trial, independent of those of all other trials.

        It is the child of `seed` whose spawn key is the digest of `drawn` followed by `index`.
        """
        digest = _digest(self.drawn)
        # Spawn keys are made of 32-bit words: four of them hold the first 128 bits of the digest.
        words = (int(digest[start : start + 8], 16) for start in range(0, 32, 8))
        child = np.random.SeedSequence(seed, spawn_key=(*words, index))
        return np.random.Generator(np.random.SFC64(child))  # the fastest generator of NumPy


def run_trial(experiment: Experiment, seed: int, index: int) -> Array:
    """The outcome of one trial.

    BLAS is held to one thread: with several, the order of a sum, and so its rounding, would depend
    on the number of threads.
    """
    rng = experiment.stream(seed, index)
    with blas_threads().limit(limits=1):
        return experiment.trial(rng)


def _digest(description: Mapping[str, Any]) -> str:
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def blas_threads() -> ThreadpoolController:
    """The controller of the BLAS libraries; cached, because it searches all loaded libraries.

    The search holds the lock of the dynamic loader while it runs Python code.  If another thread
    loads an extension module meanwhile, both may wait for each other for ever.  So whoever runs
    trials in threads calls this before they start.
    """
    return ThreadpoolController()
