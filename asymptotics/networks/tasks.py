"""What networks learn: a teacher network, or images of digits."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import COUNTS, DOMAINS
from ..extras import extra, require
from ..parameters import require_few, scalar, whole
from .network import generator

#: Images of scikit-learn's digits, of 8 by 8 pixels.
_DIGITS, _PIXELS = 1797, 64
#: Samples to test on, at least.
_FEWEST = COUNTS["test_samples"].least


class Data(NamedTuple):
    """Samples to train and to test on; targets have mean zero over the training sample."""

    inputs: Array
    targets: Array
    test_inputs: Array
    test_targets: Array


@dataclass(frozen=True)
class Task(ABC):
    """Where samples come from."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def features(self) -> int:
        """The number of inputs."""

    @property
    @abstractmethod
    def most(self) -> int:
        """How many samples there are to train on, at most."""

    @abstractmethod
    def tested(self, samples: int) -> int:
        """How many samples there are to test on, beside those to train on."""

    def draw(self, samples: int, rng: np.random.Generator | int) -> Data:
        """Samples of which `samples` are to train on; raises `InvalidInput` for too many."""
        samples = whole("samples", samples, 1, self.most)
        require_few("inputs", (samples + self.tested(samples), self.features))
        inputs, targets = self._draw(samples, generator(rng))
        targets = targets - targets[:samples].mean()
        return Data(inputs[:samples], targets[:samples], inputs[samples:], targets[samples:])

    @abstractmethod
    def _draw(self, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Inputs and targets, those to train on first."""


@dataclass(frozen=True)
class Teacher(Task):
    r"""A network :math:`y=\sum_{j\le k}\max(a_j\cdot x,0)+\sigma\epsilon`, on Gaussian inputs.

    The rows :math:`a_j` are drawn from N(0, I/d), anew for each trial.
    """

    features: int = 20
    neurons: int = 4
    sigma: float = 0.0
    test_samples: int = 5000

    name = "teacher"

    def __post_init__(self) -> None:
        for key in ("features", "neurons", "test_samples"):
            object.__setattr__(self, key, whole(key, getattr(self, key)))
        object.__setattr__(self, "sigma", float(scalar("sigma", self.sigma, DOMAINS["sigma"])))

    @property
    def most(self) -> int:
        return COUNTS["samples"].most

    def tested(self, samples: int) -> int:
        return self.test_samples

    def _draw(self, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        rows = rng.standard_normal((self.neurons, self.features)) / np.sqrt(self.features)
        inputs = rng.standard_normal((samples + self.test_samples, self.features))
        targets = np.maximum(inputs @ rows.T, 0).sum(axis=1)
        targets += self.sigma * rng.standard_normal(len(targets))
        return inputs, targets


@dataclass(frozen=True)
class Digits(Task):
    """Scikit-learn's handwritten digits: odd ones are 1, even ones -1; needs the extra ``data``.

    Images are drawn without replacement, those not trained on are tested on.  Pixels are centred
    and divided by one number, so that over the images to train on their mean square is 1.
    """

    name = "digits"

    def __post_init__(self) -> None:
        require("data", "sklearn")  # before a run begins, rather than in its workers

    @property
    def features(self) -> int:
        return _PIXELS

    @property
    def most(self) -> int:
        return _DIGITS - _FEWEST

    def tested(self, samples: int) -> int:
        return _DIGITS - samples

    def _draw(self, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        with extra("data"):
            from sklearn.datasets import load_digits

        pixels, digits = load_digits(return_X_y=True)
        order = rng.permutation(_DIGITS)
        inputs = pixels[order] - pixels[order[:samples]].mean(axis=0)
        inputs /= np.sqrt(np.mean(inputs[:samples] ** 2)) or 1.0
        return inputs, np.where(digits[order] % 2, 1.0, -1.0)
