"""Tasks, which draw training and test samples: a teacher network, or images of digits."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import COUNTS, DOMAINS
from ..extras import extra, require
from ..parameters import require_few, scalar, whole
from .network import generator

#: Number of images of scikit-learn's digits, and of pixels (8 by 8) of each.
_DIGITS, _PIXELS = 1797, 64
#: Smallest number of test samples.
_LEAST_TESTED = COUNTS["test_samples"].least


class Data(NamedTuple):
    """A training and a test sample; training targets have mean zero."""

    inputs: Array
    targets: Array
    test_inputs: Array
    test_targets: Array


@dataclass(frozen=True)
class Task(ABC):
    """A distribution of inputs and targets, from which samples are drawn."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def features(self) -> int:
        """The number of inputs."""

    @property
    @abstractmethod
    def most(self) -> int:
        """The largest number of training samples."""

    @abstractmethod
    def tested(self, samples: int) -> int:
        """The number of test samples beside `samples` training samples."""

    def draw(self, samples: int, rng: np.random.Generator | int) -> Data:
        """Draw `samples` training samples, and the test samples.

        The mean of the training targets is subtracted from all targets.  Raises `InvalidInput` for
        more than `most` training samples, or arrays that are too large.
        """
        samples = whole("samples", samples, 1, self.most)
        require_few("inputs", (samples + self.tested(samples), self.features))
        inputs, targets = self._draw(samples, generator(rng))
        targets = targets - targets[:samples].mean()
        return Data(inputs[:samples], targets[:samples], inputs[samples:], targets[samples:])

    @abstractmethod
    def _draw(self, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Inputs and targets of all samples, training samples first."""


@dataclass(frozen=True)
class Teacher(Task):
    r"""A teacher network :math:`y=\sum_{j\le k}\max(a_j\cdot x,0)+\sigma\epsilon`.

    Inputs are drawn from N(0, I) in d dimensions, noise from N(0, 1), and the k weight vectors
    :math:`a_j` from N(0, I/d), new ones for each trial.

    Parameters
    ----------
    features, neurons : int
        The numbers d and k.
    sigma : float
        Standard deviation of the noise, which test targets contain too.
    test_samples : int
        Number of test samples.
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
        rows = rng.standard_normal((self.neurons, self.features)) / np.sqrt(self.features)  # a_j
        inputs = rng.standard_normal((samples + self.test_samples, self.features))
        targets = np.maximum(inputs @ rows.T, 0).sum(axis=1)
        targets += self.sigma * rng.standard_normal(len(targets))
        return inputs, targets


@dataclass(frozen=True)
class Digits(Task):
    """Scikit-learn's handwritten digits; targets are 1 for odd digits and -1 for even ones.

    Training images are drawn without replacement, and all other images are the test sample.
    Pixels are centred, and divided by one number for which their mean square over the training
    images is 1.  Needs the extra ``data``.
    """

    name = "digits"

    def __post_init__(self) -> None:
        require("data", "sklearn")  # fails here, before a run begins, and not in its workers

    @property
    def features(self) -> int:
        return _PIXELS

    @property
    def most(self) -> int:
        return _DIGITS - _LEAST_TESTED

    def tested(self, samples: int) -> int:
        return _DIGITS - samples

    def _draw(self, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        with extra("data"):
            from sklearn.datasets import load_digits

        pixels, digits = load_digits(return_X_y=True)
        order = rng.permutation(_DIGITS)
        # Centre and scale by the training images alone, as if the test images were unknown.
        inputs = pixels[order] - pixels[order[:samples]].mean(axis=0)
        inputs /= np.sqrt(np.mean(inputs[:samples] ** 2)) or 1.0
        return inputs, np.where(digits[order] % 2, 1.0, -1.0)
