"""Pruning a network: which weights stay, globally or layer by layer."""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..domains import DOMAINS, Domain
from ..errors import InvalidInput
from ..parameters import as_array, choice, parameter, scalar
from ..simulation.pruning import largest
from .importance import hessian, magnitude, natural, obs
from .network import LAYERS, Kind, Layers, as_network, flat, generator
from .two_layer import TwoLayer

#: Scores may be of any size that double precision has.
_SCORE = Domain(lambda x: x == x, "must be a finite number", largest=float(np.finfo(float).max))
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
    scores = _as_scores(scores)
    split, shape = scores.hidden.size, scores.hidden.shape
    mask = _highest(flat(scores), alpha, rng)
    return Layers(mask[:split].reshape(shape), mask[split:].reshape(scores.output.shape))


def by_layer(scores: Layers[Array], alpha: float, rng: np.random.Generator | int) -> Layers[Array]:
    """Masks of the fraction `alpha` of each layer that scores highest; as `globally`."""
    scores = _as_scores(scores)
    rng = generator(rng)
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
    weights = as_network(network).weights
    masks: Layers[Array] = Layers(
        _as_mask("kept.hidden", kept.hidden, weights.hidden.shape),
        _as_mask("kept.output", kept.output, weights.output.shape),
    )
    left = network.with_weights(weights.hidden * masks.hidden, weights.output * masks.output)
    return Pruned(left, masks)


def _as_mask(key: str, given: Any, shape: tuple[int, ...]) -> Array:
    mask = as_array(key, given)
    if mask.shape != shape or mask.dtype != bool:
        allowed = f"must be a boolean mask of shape {shape}"
        raise InvalidInput(key, f"{mask.dtype} of shape {mask.shape}", allowed)
    return mask


def _require_layers(given: Any, key: str = "scores") -> None:
    if not isinstance(given, Layers):
        raise InvalidInput(key, type(given).__name__, "must be Layers, one array for each layer")


def _as_scores(given: Any) -> Layers[Array]:
    """Scores of either layer as float64: the numbers of a measure, negative ones too."""
    _require_layers(given)
    floats: Any = (
        np.asarray(parameter(f"scores.{name}", layer, _SCORE), dtype=np.float64)
        for name, layer in zip(LAYERS, given, strict=True)
    )
    return Layers(*floats)


def _highest(scores: Array, alpha: float, rng: np.random.Generator | int) -> Array:
    alpha = float(scalar("alpha", alpha, DOMAINS["alpha"]))
    return np.asarray(largest(scores[None], round(alpha * scores.size), generator(rng))[0])


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
#: Other names of these: what the linear model calls them.
_ALSO = {"covariance": "hessian"}


def measure_name(key: str, value: Any) -> str:
    """The name of one of `MEASURES`, from it or from its name in the linear model."""
    named = _ALSO.get(value, value) if isinstance(value, str) else value
    return choice(key, named, [*MEASURES, *_ALSO])
