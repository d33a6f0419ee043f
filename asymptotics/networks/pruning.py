"""Pruning a network: which weights stay, globally or layer by layer."""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput
from ..parameters import DOMAINS, scalar
from ..simulation.pruning import largest
from .importance import hessian, magnitude, natural, obs
from .network import LAYERS, Kind, Layers, flat
from .two_layer import TwoLayer

Pruning = Callable[[Layers[Array], float, np.random.Generator | int], Layers[Array]]


class Pruned(NamedTuple, Generic[Kind]):
    """A pruned network, and what was kept of it."""

    network: Kind
    #: Masks of the weights that are kept.
    kept: Layers[Array]

    @property
    def share(self) -> Layers[float]:
        """The fraction kept of each layer."""
        return Layers(*(float(mask.mean()) for mask in self.kept))

    @property
    def collapsed(self) -> tuple[str, ...]:
        """The layers of which nothing is left."""
        return tuple(name for name, mask in zip(LAYERS, self.kept, strict=True) if not mask.any())


def globally(scores: Layers[Array], alpha: float, rng: np.random.Generator | int) -> Layers[Array]:
    """Masks of the fraction `alpha` of all weights that score highest.

    Parameters
    ----------
    scores : Layers
        A number for each weight: the `weights` of a measure of `asymptotics.networks.importance`.
    alpha : float
        The fraction, exact but for rounding to a whole number of weights.
    rng : numpy.random.Generator or int
        Decides among ties.
    """
    _require_layers(scores)
    split, shape = scores.hidden.size, scores.hidden.shape
    mask = _highest(flat(scores), alpha, rng)
    return Layers(mask[:split].reshape(shape), mask[split:])


def by_layer(scores: Layers[Array], alpha: float, rng: np.random.Generator | int) -> Layers[Array]:
    """Masks of the fraction `alpha` of each layer that scores highest; as `globally`."""
    _require_layers(scores)
    rng = np.random.default_rng(rng)
    return Layers(*(_highest(layer.ravel(), alpha, rng).reshape(layer.shape) for layer in scores))


def prune(network: Kind, kept: Layers[Array]) -> Pruned[Kind]:
    """The network with the weights that are kept, all others zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = TwoLayer.random(8, 3, rng).rescaled(10)
    >>> prune(network, globally(magnitude(network).weights, 0.5, rng)).collapsed
    ('output',)
    """
    _require_layers(kept, "kept")
    for name, weights, mask in zip(LAYERS, network.weights, kept, strict=True):
        if np.shape(mask) != weights.shape or np.asarray(mask).dtype != bool:
            raise InvalidInput(f"kept.{name}", np.shape(mask), f"must be a mask of {weights.shape}")
    pairs = zip(network.weights, kept, strict=True)
    return Pruned(network.with_weights(*(weights * mask for weights, mask in pairs)), kept)


def _require_layers(given: Any, key: str = "scores") -> None:
    if not isinstance(given, Layers):
        raise InvalidInput(key, type(given).__name__, "must be Layers, one array for each layer")


def _highest(scores: Array, alpha: float, rng: np.random.Generator | int) -> Array:
    alpha = float(scalar("alpha", alpha, DOMAINS["alpha"]))
    if not np.isfinite(scores).all():
        raise InvalidInput("scores", "nan or inf", "must be finite numbers")
    return np.asarray(
        largest(scores[None], round(alpha * scores.size), np.random.default_rng(rng))[0]
    )


#: Over what weights compete, by name.
SCOPES: dict[str, Pruning] = {"global": globally, "layer": by_layer}


def _random(network: TwoLayer, rng: np.random.Generator) -> Layers[Array]:
    drawn: Any = [rng.random(weights.shape) for weights in network.weights]
    return Layers(*drawn)


Measure = Callable[[TwoLayer, Array, Array, np.random.Generator], Layers[Array]]
#: What weights are ranked by, by name: a function of network, inputs, targets and random numbers.
MEASURES: dict[str, Measure] = {
    "magnitude": lambda network, _x, _y, _rng: magnitude(network).weights,
    "hessian": lambda network, x, _y, _rng: hessian(network, x).weights,
    "natural": lambda network, x, y, _rng: natural(network, x, y).weights,
    "obs": lambda network, x, _y, _rng: obs(network, x).weights,
    "random": lambda network, _x, _y, rng: _random(network, rng),
}
