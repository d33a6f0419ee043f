r"""Measures of the importance of weights, neurons and layers of a two-layer network.

The network is :math:`f(x)=\sum_jv_j\varphi(w_j\cdot x)`, and the loss the mean squared error on a
sample of n inputs.  Deleting a weight sets it to zero.  Deleting neuron j is the same as deleting
:math:`v_j`, and deleting a layer makes f = 0.

Sources: LeCun, Denker, Solla (1989) for saliencies; Hassibi, Stork (1992) for OBS; Li et
al. (arXiv 2006.10903) for natural importance.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from ..arithmetic import Array
from ..domains import POSITIVE
from ..errors import InvalidInput, NoConvergence
from ..parameters import scalar
from .network import Layers, as_inputs, as_sample, mean_squared_error
from .two_layer import TwoLayer, as_two_layer

#: Size of the largest temporary arrays: samples and neurons are processed in blocks.
_BLOCK = 1 << 21
#: Version of the scores of `obs`: it rises when they change, so that a store does not mix them.
OBS_VERSION = 2
#: Largest number of weights of a layer, and so of rows of its matrix in `obs`.
_MOST_WEIGHTS = 5000


class Importance(NamedTuple):
    """The scores of one measure for weights, neurons and layers."""

    #: Score of each weight, of shapes (m, d) and (m,).
    weights: Layers[Array]
    #: Score of each neuron, of shape (m,).
    neurons: Array
    #: Score of each layer.
    layers: Layers[float]


def magnitude(network: TwoLayer) -> Importance:
    r"""Absolute values of weights; :math:`\sqrt{\|w_j\|^2+v_j^2}` of neurons; norms of layers."""
    hidden, output = as_two_layer(network).weights
    return Importance(
        Layers(abs(hidden), abs(output)),
        np.sqrt(np.vecdot(hidden, hidden) + output**2),
        Layers(float(np.linalg.norm(hidden)), float(np.linalg.norm(output))),
    )


def hessian(network: TwoLayer, inputs: Any) -> Importance:
    r"""Saliencies :math:`\frac12\theta^\top H\theta` of the deleted weights :math:`\theta`.

    They are the second-order terms of the rise of the loss when the weights are deleted.  H is the
    Hessian of the loss in the Gauss-Newton form.  For single weights they are

    .. math:: w_{ji}^2\,\tfrac1n\sum_x(v_j\varphi'(w_j\cdot x)\,x_i)^2,\qquad
              v_j^2\,\tfrac1n\sum_x\varphi(w_j\cdot x)^2.

    f is linear in each single weight as long as no neuron switches on or off, so that the diagonal
    of the Gauss-Newton matrix is that of the Hessian.  f is also linear in :math:`v_j`, and in the
    weights of either layer.  Rescaling the layers, :math:`(W,v)\to(\eta W,v/\eta)`, changes no
    saliency.

    Examples
    --------
    >>> network = TwoLayer([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
    >>> x = np.eye(2)
    >>> hessian(network, x).neurons, hessian(network.rescaled(10), x).neurons
    (array([4.5, 2. ]), array([4.5, 2. ]))
    """
    inputs = as_inputs(inputs, as_two_layer(network).features)
    slopes = network.slopes(inputs).astype(np.float64)
    second = network.output[:, None] ** 2 * (slopes @ inputs**2) / len(inputs)
    of_output = network.output**2 * np.mean(network.active(inputs) ** 2, axis=1)
    of_hidden = network.hidden**2 * second
    return Importance(Layers(of_hidden, of_output), of_output, _without_layer(network, inputs))


def natural(network: TwoLayer, inputs: Any, targets: Any) -> Importance:
    """The rise of the loss when a weight, a neuron or a layer is set to zero.

    It is exact, also where a deletion switches neurons on or off, and negative where a deletion
    lowers the loss.

    Examples
    --------
    >>> network = TwoLayer([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
    >>> natural(network, np.eye(2), network(np.eye(2))).neurons
    array([4.5, 2. ])
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    residual = network(inputs) - targets
    sent = network.output[:, None] * network.active(inputs)
    of_output = _rise_of_squares(-sent, residual) / len(inputs)
    silenced = float(np.mean(targets**2) - np.mean(residual**2))
    return Importance(
        Layers(_rises_without_hidden(network, inputs, residual) / len(inputs), of_output),
        of_output,
        Layers(silenced, silenced),
    )


def restored(network: TwoLayer, initial: TwoLayer, inputs: Any, targets: Any) -> Layers[float]:
    """The rise of the loss when one layer is put back to its initial value."""
    both = as_two_layer(initial, "initial"), as_two_layer(network)
    kinds = {(each.hidden.shape, each.activation) for each in both}
    if len(kinds) > 1:
        raise InvalidInput("initial", repr(initial), f"must be like {network!r}")
    loss = mean_squared_error(network, inputs, targets)
    back = Layers(
        network.with_weights(initial.hidden, network.output),
        network.with_weights(network.hidden, initial.output),
    )
    return Layers(*(mean_squared_error(each, inputs, targets) - loss for each in back))


def obs(network: TwoLayer, inputs: Any, damping: float = 1e-6) -> Importance:
    r"""The rise of the loss by a deletion that the layer's other weights compensate (OBS).

    Let G be half the Hessian of the loss in the weights :math:`\theta` of one layer, in the
    Gauss-Newton form.  A change :math:`\delta` with :math:`\delta_i=-\theta_i` deletes weight i.
    Of all such changes optimal brain surgeon (OBS) takes the one of least
    :math:`\delta^\top(G+\mu)\delta`.  It is :math:`\delta=-\theta_i\,a_i/a_{ii}`, where
    :math:`a_i` is column i of :math:`(G+\mu)^{-1}`.  The score is the rise of the loss by this
    change.  The damping :math:`\mu` selects the change, but does not count as a rise:

    .. math:: \delta^\top G\delta=\theta_i^2\,\frac{a_i^\top Ga_i}{a_{ii}^2},

    Without damping it is :math:`\theta_i^2/(G^{-1})_{ii}` if G is regular.  It is 0 for a weight
    that the network does not depend on (:math:`G_{ii}=0`: a neuron that is never active, or an
    input that is always 0), whatever the weight's size.  If the other weights can compensate a
    deletion exactly, as for more weights than samples or two equal neurons, it vanishes as
    :math:`\mu^2`.

    Deleting neuron j deletes :math:`v_j`.  If a layer is deleted, no weight of it is left to
    compensate.  Layers are treated separately: the Hessian of both is singular along
    :math:`(w_j,-v_j)`, which rescales a neuron, so that every score would be 0.

    Parameters
    ----------
    damping : float
        :math:`\mu`, relative to the mean of :math:`G_{ii}` over weights that the network depends
        on.  A deletion that the others compensate exactly has about ``damping**2`` times the score
        that it would have without compensation.  For a damping below 1e-8 that is rounding, which
        would rank such weights at random.

    Raises
    ------
    InvalidInput
        For a layer of more than 5000 weights, or inputs that do not fit the network.
    NoConvergence
        If the damped matrix is singular in double precision.
    """
    inputs = as_inputs(inputs, as_two_layer(network).features)
    damping = float(scalar("damping", damping, POSITIVE))
    require_few(network.hidden.size)
    n, width = len(inputs), network.width
    of_hidden, of_output = np.zeros((network.hidden.size,) * 2), np.zeros((width, width))
    step = max(1, _BLOCK // network.hidden.size)
    # G = (1/n) Σ_x ∇f ∇fᵀ: the derivative of f is v_j φ'(w_j·x) x_i in w_ji, and φ(w_j·x) in v_j.
    for x in np.split(inputs, range(step, n, step)):
        active, sent = network.active(x), network.output[:, None] * network.slopes(x)
        steepness = (sent[:, None, :] * x.T).reshape(-1, len(x))
        of_hidden += steepness @ steepness.T / n
        of_output += active @ active.T / n
    hidden = _obs_scores(network.hidden.ravel(), of_hidden, damping)
    output = _obs_scores(network.output, of_output, damping)
    return Importance(
        Layers(hidden.reshape(network.hidden.shape), output),
        output,
        _without_layer(network, inputs),
    )


def require_few(weights: int) -> None:
    """Raise `InvalidInput` for a layer of more weights than `obs` admits."""
    if weights > _MOST_WEIGHTS:
        allowed = f"must be at most {_MOST_WEIGHTS} in a layer for obs"
        raise InvalidInput("weights", weights, allowed)


def _without_layer(network: TwoLayer, inputs: Array) -> Layers[float]:
    """Saliency of a layer: the mean of f², because deleting either layer makes f = 0."""
    squared = float(np.mean(network(inputs) ** 2))
    return Layers(squared, squared)


def _obs_scores(weights: Array, matrix: Array, damping: float) -> Array:
    """Scores of `obs` for the weights of a layer; `matrix` is G, half the Hessian of the loss."""
    costs = np.zeros(weights.shape)
    matters = matrix.diagonal() > 0
    if not matters.any():
        return costs
    matrix = matrix[np.ix_(matters, matters)]
    damped = matrix + damping * matrix.diagonal().mean() * np.eye(len(matrix))
    try:
        factor = scipy.linalg.cho_factor(damped, lower=True)
    except np.linalg.LinAlgError:
        raise NoConvergence(f"obs: a singular matrix; take more damping than {damping}") from None
    inverse = scipy.linalg.cho_solve(factor, np.eye(len(matrix)))
    change = inverse / inverse.diagonal()  # column i is a_i / a_ii
    # The quadratic form of each column with G, which only rounding can make negative.
    rises = np.maximum(np.vecdot(change.T, (matrix @ change).T), 0)
    costs[matters] = weights[matters] ** 2 * rises
    return costs


def _rise_of_squares(change: Array, residual: Array) -> Array:
    """Rise of Σ r² over the last axis when the outputs change by c: 2 c·r + c·c."""
    return np.asarray(change @ residual * 2 + np.vecdot(change, change))


def _rises_without_hidden(network: TwoLayer, inputs: Array, residual: Array) -> Array:
    """Rise of the sum of squared errors by the deletion of each hidden weight, shape (m, d).

    It takes the outputs of each neuron without each of its weights, an array of shape (m, d, n),
    and so proceeds by blocks of samples and neurons.
    """
    rises = np.zeros(network.hidden.shape)
    rows = max(1, _BLOCK // inputs.shape[1])
    neurons = max(1, _BLOCK // (min(rows, len(inputs)) * inputs.shape[1]))
    for first in range(0, len(inputs), rows):
        x, errors = inputs[first : first + rows], residual[first : first + rows]
        for start in range(0, network.width, neurons):
            some = slice(start, start + neurons)
            hidden, output = network.hidden[some], network.output[some]
            received = (hidden @ x.T)[:, None, :]
            without = received - hidden[:, :, None] * x.T
            change = network.phi.value(without) - network.phi.value(received)
            rises[some] += _rise_of_squares(output[:, None, None] * change, errors)
    return rises
