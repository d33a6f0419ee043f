"""What the networks have in common: two layers of weights, and gradients to train them by."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np

from ..arithmetic import Array
from ..domains import COUNTS, DOMAINS, Domain
from ..errors import InvalidInput
from ..parameters import parameter, scalar, whole

Entry = TypeVar("Entry")
#: Products of weights and inputs have squares in the range of double precision.
_SIZED = Domain(lambda x: x == x, "must be a finite number", largest=1e50)
#: The two layers, in the order of `Layers`.
LAYERS = ("hidden", "output")


class Layers(NamedTuple, Generic[Entry]):
    """Something of either layer: of the hidden weights, and of the output weights."""

    hidden: Entry
    output: Entry


def flat(layers: Layers[Array]) -> Array:
    """The weights of both layers, or something of each, in one vector."""
    return np.concatenate([layer.ravel() for layer in layers])


class Evaluated(NamedTuple):
    """The loss, and the gradient of half of it."""

    loss: float
    of_hidden: Array
    of_output: Array

    @property
    def norm(self) -> float:
        """The norm of that gradient."""
        largest = max(float(abs(self.of_hidden).max()), float(abs(self.of_output).max()))
        if largest == 0 or not math.isfinite(largest):
            return largest
        layers = (self.of_hidden / largest, self.of_output / largest)  # no square is too small
        return largest * math.hypot(*map(np.linalg.norm, layers))


class Gradient(ABC):
    """Loss, and gradient of half of it, for networks of one kind on one sample."""

    @abstractmethod
    def __call__(self, hidden: Array, output: Array) -> Evaluated:
        """Both at some weights."""

    @abstractmethod
    def sharpness_bound(self, hidden: Array, output: Array) -> float:
        """A bound on the size of the Hessian's eigenvalues, of half the loss, while slopes stay."""


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Network(ABC):
    """Two layers of weights, immutable."""

    hidden: Array
    output: Array

    def __init__(self, hidden: Any, output: Any) -> None:
        for name, given in zip(LAYERS, (hidden, output), strict=True):
            weights = np.array(parameter(name, given, _SIZED), dtype=np.float64)
            weights.setflags(write=False)
            object.__setattr__(self, name, weights)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @abstractmethod
    def __call__(self, inputs: Any) -> Array:
        """The output for inputs of shape (n, d)."""

    @property
    @abstractmethod
    def features(self) -> int:
        """The number d of inputs."""

    @property
    @abstractmethod
    def imbalance(self) -> Array:
        """What gradient flow conserves of each neuron."""

    @abstractmethod
    def gradient(self, inputs: Array, targets: Array) -> Gradient:
        """Loss and gradient on a sample, for any weights of these shapes."""

    @abstractmethod
    def with_weights(self, hidden: Any, output: Any) -> Self:
        """A network of the same kind with other weights."""

    @property
    def weights(self) -> Layers[Array]:
        """Both layers."""
        return Layers(self.hidden, self.output)

    def rescaled(self, eta: float) -> Self:
        r"""The same function from :math:`(\eta W, v/\eta)`, for :math:`\eta>0`."""
        eta = float(scalar("eta", eta, DOMAINS["eta"]))
        return self.with_weights(eta * self.hidden, self.output / eta)


Kind = TypeVar("Kind", bound=Network)


def generator(rng: Any) -> np.random.Generator:
    """A generator of random numbers: one that is given, or a new one from a seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(whole("rng", rng, *COUNTS["seed"]))


def mean_squared_error(network: Network, inputs: Any, targets: Any) -> float:
    """The loss of this package, the mean of (f(x) - y)² over a sample."""
    inputs, targets = as_sample(network, inputs, targets)
    residual = network(inputs) - targets
    return float(residual @ residual / residual.size)


def as_inputs(inputs: Any, features: int) -> Array:
    """Inputs as an array of shape (n, d), n at least 1."""
    array = np.asarray(parameter("inputs", inputs, _SIZED), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != features or not array.size:
        raise InvalidInput("inputs", f"shape {array.shape}", f"must be (n, {features}), n >= 1")
    return array


def as_network(network: Any) -> Network:
    """`network`, if it is one."""
    if not isinstance(network, Network):
        raise InvalidInput("network", network, "must be a TwoLayer or a DiagonalNetwork")
    return network


def as_sample(network: Network, inputs: Any, targets: Any) -> tuple[Array, Array]:
    """Inputs (n, d) and targets (n,) that belong together and fit the network."""
    inputs = as_inputs(inputs, as_network(network).features)
    targets = np.asarray(parameter("targets", targets, _SIZED), dtype=np.float64)
    if targets.shape != inputs.shape[:1]:
        raise InvalidInput("targets", f"shape {targets.shape}", f"must be ({len(inputs)},)")
    return inputs, targets
