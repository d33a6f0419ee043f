"""The base classes of networks: two layers of weights, and the gradient that trains them."""

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
#: Bound on weights, inputs and targets: squares of products of two of them do not overflow.
_MODERATE = Domain(lambda x: x == x, "must be a finite number", largest=1e50)
#: The two layers, in the order of `Layers`.
LAYERS = ("hidden", "output")


class Layers(NamedTuple, Generic[Entry]):
    """A pair of values: one for the hidden weights, one for the output weights."""

    hidden: Entry
    output: Entry


def flat(layers: Layers[Array]) -> Array:
    """The arrays of both layers as one vector, hidden weights first."""
    return np.concatenate([layer.ravel() for layer in layers])


class Evaluated(NamedTuple):
    """The loss L at some weights, and the gradient of L/2 in either layer."""

    loss: float
    of_hidden: Array
    of_output: Array

    @property
    def norm(self) -> float:
        """The norm of the gradient of L/2 over both layers."""
        largest = max(float(abs(self.of_hidden).max()), float(abs(self.of_output).max()))
        if largest == 0 or not math.isfinite(largest):
            return largest
        # Divided by the largest entry, so that squares neither overflow nor underflow.
        layers = (self.of_hidden / largest, self.of_output / largest)
        return largest * math.hypot(*map(np.linalg.norm, layers))


class Gradient(ABC):
    """The loss L and the gradient of L/2 on a sample, as functions of the weights."""

    @abstractmethod
    def __call__(self, hidden: Array, output: Array) -> Evaluated:
        """Loss and gradient at the given weights."""

    @abstractmethod
    def sharpness_bound(self, hidden: Array, output: Array) -> float:
        """A bound on the absolute eigenvalues of the Hessian of L/2.

        It holds as long as no neuron switches on or off on a sample.
        """


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Network(ABC):
    """An immutable network of two layers of weights."""

    hidden: Array
    output: Array

    def __init__(self, hidden: Any, output: Any) -> None:
        for name, given in zip(LAYERS, (hidden, output), strict=True):
            weights = np.array(parameter(name, given, _MODERATE), dtype=np.float64)
            weights.setflags(write=False)
            object.__setattr__(self, name, weights)

    def __reduce__(self) -> tuple[Any, ...]:
        # Unpickled networks are built by the class, so that their arrays are read-only again.
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
        """The quantity of each neuron that gradient flow conserves, an array."""

    @abstractmethod
    def gradient(self, inputs: Array, targets: Array) -> Gradient:
        """Loss and gradient on a sample, as a function of weights of the network's shapes."""

    @abstractmethod
    def with_weights(self, hidden: Any, output: Any) -> Self:
        """A network of the same kind with other weights."""

    @property
    def weights(self) -> Layers[Array]:
        """Hidden and output weights."""
        return Layers(self.hidden, self.output)

    def rescaled(self, eta: float) -> Self:
        r"""The network :math:`(\eta W, v/\eta)`, :math:`\eta>0`, which is the same function."""
        eta = float(scalar("eta", eta, DOMAINS["eta"]))
        return self.with_weights(eta * self.hidden, self.output / eta)


Kind = TypeVar("Kind", bound=Network)


def generator(rng: Any) -> np.random.Generator:
    """`rng` itself if it is a generator of random numbers, or a new generator from a seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(whole("rng", rng, *COUNTS["seed"]))


def mean_squared_error(network: Network, inputs: Any, targets: Any) -> float:
    """The loss of all networks here: the mean of (f(x) - y)² over a sample."""
    inputs, targets = as_sample(network, inputs, targets)
    residual = network(inputs) - targets
    return float(residual @ residual / residual.size)


def as_inputs(inputs: Any, features: int) -> Array:
    """The checked inputs as an array of shape (n, d), with n >= 1 and d = `features`."""
    array = np.asarray(parameter("inputs", inputs, _MODERATE), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != features or not array.size:
        raise InvalidInput("inputs", f"shape {array.shape}", f"must be (n, {features}), n >= 1")
    return array


def as_network(network: Any) -> Network:
    """`network` if it is a `Network`; raises `InvalidInput` otherwise."""
    if not isinstance(network, Network):
        raise InvalidInput("network", network, "must be a TwoLayer or a DiagonalNetwork")
    return network


def as_sample(network: Network, inputs: Any, targets: Any) -> tuple[Array, Array]:
    """The checked inputs (n, d) and targets (n,) of a sample that fits the network."""
    inputs = as_inputs(inputs, as_network(network).features)
    targets = np.asarray(parameter("targets", targets, _MODERATE), dtype=np.float64)
    if targets.shape != inputs.shape[:1]:
        raise InvalidInput("targets", f"shape {targets.shape}", f"must be ({len(inputs)},)")
    return inputs, targets
