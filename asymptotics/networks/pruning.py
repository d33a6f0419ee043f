"""Pruning of a network by scores of its weights, globally or layer by layer."""

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

#: Scores may have any size that double precision can represent.
_SCORE_DOMAIN = Domain(
    lambda x: x == x, "must be a finite number", largest=float(np.finfo(float).max)
)
Pruning = Callable[[Layers[Array], float, np.random.Generator | int], Layers[Array]]


class Pruned(NamedTuple, Generic[Kind]):
    """A pruned network, and masks of the weights that it kept."""

    network: Kind
    #: True for weights that are kept.
    kept: Layers[Array]

    @property
    def share(self) -> Layers[float]:
        """The fraction kept of each layer."""
        return Layers(*(float(mask.mean()) for mask in self.kept))

    @property
    def collapsed(self) -> tuple[str, ...]:
        """The names of the layers that have lost all their weights."""
        return tuple(name for name, mask in zip(LAYERS, self.kept, strict=True) if not mask.any())


def globally(scores: Layers[Array], alpha: float, rng: np.random.Generator | int) -> Layers[Array]:
    """Masks of the fraction `alpha` of all weights that have the highest scores.

    Parameters
    ----------
    scores : Layers
        A number for each weight, such as the `weights` of an `Importance`.
    alpha : float
        The fraction, which is rounded to a whole number of weights.
    rng : numpy.random.Generator or int
        Generator, or its seed, that breaks ties.

    Raises
    ------
    InvalidInput
        For scores that are not `Layers` of finite numbers, or `alpha` outside its domain.
    """
    scores = _as_scores(scores)
    split, shape = scores.hidden.size, scores.hidden.shape
    mask = _highest(flat(scores), alpha, rng)
    return Layers(mask[:split].reshape(shape), mask[split:].reshape(scores.output.shape))


def by_layer(scores: Layers[Array], alpha: float, rng: np.random.Generator | int) -> Layers[Array]:
    """Masks of the fraction `alpha` of each layer that has the highest scores; see `globally`."""
    scores = _as_scores(scores)
    rng = generator(rng)
    return Layers(*(_highest(layer.ravel(), alpha, rng).reshape(layer.shape) for layer in scores))


def prune(network: Kind, kept: Layers[Array]) -> Pruned[Kind]:
    """The network with all weights set to zero that the masks `kept` do not keep.

    Raises `InvalidInput` for masks that do not have the shapes of the network's layers.

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
    """A boolean array of the given shape; raises `InvalidInput` otherwise."""
    mask = as_array(key, given)
    if mask.shape != shape or mask.dtype != bool:
        allowed = f"must be a boolean mask of shape {shape}"
        raise InvalidInput(key, f"{mask.dtype} of shape {mask.shape}", allowed)
    return mask


def _require_layers(given: Any, key: str = "scores") -> None:
    """Raise `InvalidInput` unless the value is a `Layers`."""
    if not isinstance(given, Layers):
        raise InvalidInput(key, type(given).__name__, "must be Layers, one array for each layer")


def _as_scores(given: Any) -> Layers[Array]:
    """The checked scores of both layers as float64; they may be negative."""
    _require_layers(given)
    floats: Any = (
        np.asarray(parameter(f"scores.{name}", layer, _SCORE_DOMAIN), dtype=np.float64)
        for name, layer in zip(LAYERS, given, strict=True)
    )
    return Layers(*floats)


def _highest(scores: Array, alpha: float, rng: np.random.Generator | int) -> Array:
    """Mask of the fraction `alpha` of highest scores of a vector; ties are broken at random."""
    alpha = float(scalar("alpha", alpha, DOMAINS["alpha"]))
    return np.asarray(largest(scores[None], round(alpha * scores.size), generator(rng))[0])


#: Functions that select weights over the whole network or within each layer, by name.
SCOPES: dict[str, Pruning] = {"global": globally, "layer": by_layer}


def _random_scores(network: TwoLayer, rng: np.random.Generator) -> Layers[Array]:
    """Uniform scores, by which weights are kept at random."""
    drawn: Any = [rng.random(weights.shape) for weights in network.weights]
    return Layers(*drawn)


Measure = Callable[[TwoLayer, Array, Array, np.random.Generator], Layers[Array]]
#: Scores of weights, by the name of the rule: functions of network, inputs, targets and generator.
MEASURES: dict[str, Measure] = {
    "magnitude": lambda network, _x, _y, _rng: magnitude(network).weights,
    "hessian": lambda network, x, _y, _rng: hessian(network, x).weights,
    "natural": lambda network, x, y, _rng: natural(network, x, y).weights,
    "obs": lambda network, x, _y, _rng: obs(network, x).weights,
    "random": lambda network, _x, _y, rng: _random_scores(network, rng),
}
#: Names of the linear model's rules for the same scores.
_ALIASES = {"covariance": "hessian"}


def measure_name(key: str, value: Any) -> str:
    """The name in `MEASURES` of a rule, which may have its name in the linear model."""
    named = _ALIASES.get(value, value) if isinstance(value, str) else value
    return choice(key, named, [*MEASURES, *_ALIASES])
