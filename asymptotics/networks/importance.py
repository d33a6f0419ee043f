r"""How much weights, neurons and layers of a two-layer network matter, by four measures.

Losses are mean squared errors on a sample of n inputs, :math:`f=\sum_jv_j\varphi(w_j\cdot x)`.
Deleting neuron j is deleting :math:`v_j`, and deleting a layer makes f = 0.

Sources: LeCun, Denker, Solla (1989) for saliencies; Hassibi, Stork (1992) for OBS; Li et
al. (arXiv 2006.10903) for natural importance.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from ..arithmetic import Array
from ..errors import InvalidInput
from ..parameters import Domain, scalar
from .network import Layers, as_inputs, as_sample, mean_squared_error
from .two_layer import TwoLayer

#: Numbers that are worked on at a time.
_BLOCK = 1 << 21
#: The matrix of OBS is this large at most.
_MOST_WEIGHTS = 5000
_DAMPING = Domain(lambda x: x > 0, "must be a finite number > 0")


class Importance(NamedTuple):
    """One measure of all that can be deleted."""

    #: Of each weight, of shapes (m, d) and (m,).
    weights: Layers[Array]
    #: Of each neuron, of shape (m,).
    neurons: Array
    #: Of each layer.
    layers: Layers[float]


def magnitude(network: TwoLayer) -> Importance:
    r"""Magnitudes: of a neuron :math:`\sqrt{\|w_j\|^2+v_j^2}`, of a layer its norm."""
    hidden, output = network.weights
    return Importance(
        Layers(abs(hidden), abs(output)),
        np.sqrt(np.vecdot(hidden, hidden) + output**2),
        Layers(float(np.linalg.norm(hidden)), float(np.linalg.norm(output))),
    )


def hessian(network: TwoLayer, inputs: Any) -> Importance:
    r"""Saliencies :math:`\frac12\theta^\top H\theta`, what the Hessian says of deletion.

    For single weights they are

    .. math:: w_{ji}^2\,\tfrac1n\sum_x(v_j\varphi'(w_j\cdot x)\,x_i)^2,\qquad
              v_j^2\,\tfrac1n\sum_x\varphi(w_j\cdot x)^2.

    f is linear in each single weight where no neuron switches, so that these exact second
    derivatives are those of the Gauss-Newton matrix; for a neuron and a layer, f is linear in the
    weights deleted.  Rescaling layers changes none.

    Examples
    --------
    >>> network = TwoLayer([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
    >>> x = np.eye(2)
    >>> hessian(network, x).neurons, hessian(network.rescaled(10), x).neurons
    (array([4.5, 2. ]), array([4.5, 2. ]))
    """
    inputs = as_inputs(inputs, network.inputs)
    slopes = network.slopes(inputs).astype(np.float64)
    second = network.output[:, None] ** 2 * (slopes @ inputs**2) / len(inputs)
    of_output = network.output**2 * np.mean(network.active(inputs) ** 2, axis=1)
    whole = float(np.mean(network(inputs) ** 2))
    of_hidden = network.hidden**2 * second
    return Importance(Layers(of_hidden, of_output), of_output, Layers(whole, whole))


def natural(network: TwoLayer, inputs: Any, targets: Any) -> Importance:
    """By how much the loss rises when a weight, a neuron or a layer is set to zero.

    Exact, whatever neurons a deletion switches; negative where it helps.

    Examples
    --------
    >>> network = TwoLayer([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
    >>> natural(network, np.eye(2), network(np.eye(2))).neurons
    array([4.5, 2. ])
    """
    inputs, targets = as_sample(network, inputs, targets)
    residual = network(inputs) - targets
    sent = network.output[:, None] * network.active(inputs)
    of_output = _rise(-sent, residual)
    whole = float(np.mean(targets**2) - np.mean(residual**2))
    return Importance(
        Layers(_rise_without_hidden(network, inputs, residual), of_output),
        of_output,
        Layers(whole, whole),
    )


def restored(network: TwoLayer, initial: TwoLayer, inputs: Any, targets: Any) -> Layers[float]:
    """By how much the loss rises when one layer is put back to its initial value."""
    if initial.hidden.shape != network.hidden.shape:
        raise InvalidInput("initial", repr(initial), f"must be like {network!r}")
    loss = mean_squared_error(network, inputs, targets)
    back = Layers(
        network.with_weights(initial.hidden, network.output),
        network.with_weights(network.hidden, initial.output),
    )
    return Layers(*(mean_squared_error(each, inputs, targets) - loss for each in back))


def obs(network: TwoLayer, inputs: Any, damping: float = 1e-6) -> Importance:
    r"""What deletion costs when the other weights of its layer make up for it (OBS).

    By the Hessian G of half the loss in the weights of one layer, a single weight costs
    :math:`\theta_i^2/(G^{-1})_{ii}`.  A neuron is deleted by :math:`v_j`; where a whole layer is
    deleted nothing is left to make up for it.

    Layers are taken one at a time: together, the Hessian is singular along
    :math:`(w_j,-v_j)`, which rescales a neuron, and would have any weight cost nothing.

    Parameters
    ----------
    damping : float
        What is added to the diagonal of G, relative to its mean.

    Raises
    ------
    InvalidInput
        For a layer of more than 5000 weights.
    """
    inputs = as_inputs(inputs, network.inputs)
    damping = float(scalar("damping", damping, _DAMPING))
    if network.hidden.size > _MOST_WEIGHTS:
        allowed = f"must be at most {_MOST_WEIGHTS} for this measure"
        raise InvalidInput("weights", network.hidden.size, allowed)
    active, slopes = network.active(inputs), network.slopes(inputs)
    steepness = (network.output[:, None] * slopes)[:, None, :] * inputs.T
    steepness = steepness.reshape(-1, len(inputs))
    of_hidden = _surgery(network.hidden.ravel(), steepness, damping)
    of_output = _surgery(network.output, active, damping)
    whole = float(np.mean(network(inputs) ** 2))
    return Importance(
        Layers(of_hidden.reshape(network.hidden.shape), of_output),
        of_output,
        Layers(whole, whole),
    )


def _surgery(weights: Array, derivatives: Array, damping: float) -> Array:
    """Costs of single weights, from the derivatives (weights, n) of the output."""
    matrix = derivatives @ derivatives.T / derivatives.shape[1]
    diagonal = matrix.diagonal().mean()
    if diagonal == 0:  # nothing depends on them
        return np.zeros(weights.shape)
    matrix[np.diag_indices_from(matrix)] += damping * diagonal
    factor = scipy.linalg.cho_factor(matrix, lower=True)
    inverse = scipy.linalg.cho_solve(factor, np.eye(len(weights)))
    return np.asarray(weights**2 / inverse.diagonal())


def _rise(change: Array, residual: Array) -> Array:
    """By how much the loss rises when outputs change, along the last axis."""
    return np.asarray((change @ residual * 2 + np.vecdot(change, change)) / len(residual))


def _rise_without_hidden(network: TwoLayer, inputs: Array, residual: Array) -> Array:
    """The rise for each hidden weight, for some neurons at a time."""
    rises = np.empty(network.hidden.shape)
    step = max(1, _BLOCK // inputs.size)
    for start in range(0, network.width, step):
        hidden, output = network.hidden[start : start + step], network.output[start : start + step]
        received = (hidden @ inputs.T)[:, None, :]
        without = received - hidden[:, :, None] * inputs.T
        change = network.phi.value(without) - network.phi.value(received)
        rises[start : start + step] = _rise(output[:, None, None] * change, residual)
    return rises
