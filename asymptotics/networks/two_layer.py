r"""Networks of two layers, :math:`f(x)=v^\top\varphi(Wx)`, and their random starts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput
from ..parameters import choice, flag, require_few, whole
from ..tables import counted
from .network import Evaluated, Gradient, Network, as_inputs, generator


class Activation(NamedTuple):
    r"""A homogeneous activation, :math:`\varphi(z)=\varphi'(z)z`, and its slope."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


#: The activations by name; the slope of ReLU at 0 is defined as 0.
ACTIVATIONS = {
    "relu": Activation(lambda z: np.maximum(z, 0.0), lambda z: np.asarray(z > 0)),
    "linear": Activation(lambda z: z, lambda z: np.ones(z.shape, dtype=bool)),
}


@dataclass(frozen=True, init=False, eq=False, repr=False)
class TwoLayer(Network):
    r"""A network :math:`f(x)=\sum_j v_j\,\varphi(w_j\cdot x)` of m neurons and d inputs.

    Parameters
    ----------
    hidden : array, shape (m, d)
        The weights :math:`w_j` of each neuron.
    output : array, shape (m,)
        The weight :math:`v_j` of each neuron in the output.
    activation : {"relu", "linear"}

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or weights that are not finite.

    Examples
    --------
    >>> network = TwoLayer([[1, 0], [0, 2]], [3, -1])
    >>> network([[1, 1], [-1, 1]])
    array([ 1., -2.])
    >>> network.rescaled(2).output
    array([ 1.5, -0.5])
    """

    activation: str = "relu"

    def __init__(self, hidden: Any, output: Any, activation: str = "relu") -> None:
        super().__init__(hidden, output)
        object.__setattr__(self, "activation", choice("activation", activation, ACTIVATIONS))
        shapes = self.hidden.shape, self.output.shape
        if self.hidden.ndim != 2 or shapes[1] != shapes[0][:1] or 0 in shapes[0]:
            raise InvalidInput("shapes", shapes, "must be (m, d) and (m,), m and d at least 1")

    @classmethod
    def random(
        cls,
        width: int,
        features: int,
        rng: np.random.Generator | int,
        antisymmetric: bool = False,
        activation: str = "relu",
    ) -> "TwoLayer":
        r"""A random start: entries of W are drawn from N(0, 1/d), and :math:`v_j=\pm1/\sqrt m`.

        An antisymmetric start consists of pairs of neurons with equal :math:`w_j` and opposite
        :math:`v_j`, so that f = 0; its width must be even.

        Raises `InvalidInput` for settings outside their domain, or arrays that are too large.
        """
        rng = generator(rng)
        width, features = whole("width", width), whole("features", features)
        require_few("hidden", (width, features))
        if flag("antisymmetric", antisymmetric) and width % 2:
            raise InvalidInput("width", width, "must be even for an antisymmetric start")
        # f has variance of order 1 for x ~ N(0, I), whatever the width.
        drawn = width // 2 if antisymmetric else width
        hidden = rng.standard_normal((drawn, features)) / np.sqrt(features)
        output = rng.choice([-1.0, 1.0], drawn) / np.sqrt(width)
        if antisymmetric:
            hidden, output = np.vstack([hidden, hidden]), np.concatenate([output, -output])
        return cls(hidden, output, activation)

    def __call__(self, inputs: Any) -> Array:
        return np.asarray(self.output @ self.active(as_inputs(inputs, self.features)))

    def __repr__(self) -> str:
        neurons = counted(self.width, f"{self.activation} neuron")
        return f"TwoLayer({neurons} of {counted(self.features, 'input')})"

    @property
    def width(self) -> int:
        """The number m of neurons."""
        return len(self.output)

    @property
    def features(self) -> int:
        return int(self.hidden.shape[1])

    @property
    def imbalance(self) -> Array:
        r"""The quantity :math:`\|w_j\|^2-v_j^2` of each neuron, which gradient flow conserves."""
        return np.asarray(np.vecdot(self.hidden, self.hidden) - self.output**2)

    @property
    def phi(self) -> Activation:
        """The activation and its slope."""
        return ACTIVATIONS[self.activation]

    def active(self, inputs: Array) -> Array:
        r"""Activities :math:`\varphi(w_j\cdot x_i)`, of shape (m, n)."""
        return self.phi.value(self.hidden @ inputs.T)

    def slopes(self, inputs: Array) -> Array:
        r"""Slopes :math:`\varphi'(w_j\cdot x_i)`, shape (m, n): true where a neuron is active."""
        return self.phi.slope(self.hidden @ inputs.T)

    def gradient(self, inputs: Array, targets: Array) -> Gradient:
        return _Gradient(self, inputs, targets)

    def with_weights(self, hidden: Any, output: Any) -> "TwoLayer":
        return TwoLayer(hidden, output, self.activation)


def as_two_layer(network: Any, key: str = "network") -> "TwoLayer":
    """`network` if it is a `TwoLayer`; raises `InvalidInput`, which names it `key`, otherwise."""
    if not isinstance(network, TwoLayer):
        raise InvalidInput(key, network, "must be a TwoLayer")
    return network


class _Gradient(Gradient):
    """Loss and gradient of a two-layer network on the sample (x, y).

    The large arrays are allocated once, which saves time at every training step.
    """

    def __init__(self, network: TwoLayer, x: Array, y: Array) -> None:
        self._phi, self._x, self._y = network.phi, x, y
        self._transposed = np.ascontiguousarray(x.T)
        self._received, self._sent = np.empty((2, network.width, len(y)))
        self._squared = float(np.linalg.norm(x, 2)) ** 2

    def __call__(self, hidden: Array, output: Array) -> Evaluated:
        # With r = f - y and Φ = φ(W xᵀ): ∇_v = Φ r / n, ∇_W = v ∘ (φ'(W xᵀ) ∘ r) x / n.
        n = len(self._y)
        received = np.matmul(hidden, self._transposed, out=self._received)
        active = self._phi.value(received)
        residual = output @ active - self._y
        loss = float(residual @ residual) / n
        sent = np.multiply(self._phi.slope(received), residual, out=self._sent)
        of_hidden = sent @ self._x
        of_hidden *= output[:, None] / n
        return Evaluated(loss, of_hidden, active @ residual / n)

    def sharpness_bound(self, hidden: Array, output: Array) -> float:
        received = hidden @ self._transposed
        active = self._phi.value(received)
        # Both products have the same largest eigenvalue, ‖Φ‖²: take the smaller matrix.
        small = active @ active.T if len(active) <= len(self._y) else active.T @ active
        gauss_newton = float(np.linalg.eigvalsh(small)[-1])
        # Slopes are at most 1, so that the part of W is at most ‖v‖² ‖X‖².
        gauss_newton += float(output @ output) * self._squared
        # The rest of the Hessian, errors times second derivatives of f, couples w_j with v_j of the
        # same neuron only: its norm is the largest over neurons.
        sent = self._phi.slope(received) * (output @ active - self._y)
        coupled = float(np.linalg.norm(sent @ self._x, axis=1).max())
        return (gauss_newton + coupled) / len(self._y)
