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
from ..domains import POSITIVE
from ..errors import InvalidInput, NoConvergence
from ..parameters import scalar
from .network import Layers, as_inputs, as_sample, mean_squared_error
from .two_layer import TwoLayer, as_two_layer

#: Numbers that are worked on at a time.
_BLOCK = 1 << 21
#: Goes up when `obs` gives other scores than before.
OBS_VERSION = 2
#: The matrix of OBS is this large at most.
_MOST_WEIGHTS = 5000


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
    hidden, output = as_two_layer(network).weights
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
    inputs = as_inputs(inputs, as_two_layer(network).features)
    slopes = network.slopes(inputs).astype(np.float64)
    second = network.output[:, None] ** 2 * (slopes @ inputs**2) / len(inputs)
    of_output = network.output**2 * np.mean(network.active(inputs) ** 2, axis=1)
    of_hidden = network.hidden**2 * second
    return Importance(Layers(of_hidden, of_output), of_output, _without(network, inputs))


def natural(network: TwoLayer, inputs: Any, targets: Any) -> Importance:
    """By how much the loss rises when a weight, a neuron or a layer is set to zero.

    Exact, whatever neurons a deletion switches; negative where it helps.

    Examples
    --------
    >>> network = TwoLayer([[1.0, 0.0], [0.0, 2.0]], [3.0, 1.0])
    >>> natural(network, np.eye(2), network(np.eye(2))).neurons
    array([4.5, 2. ])
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    residual = network(inputs) - targets
    sent = network.output[:, None] * network.active(inputs)
    of_output = _rise(-sent, residual) / len(inputs)
    silenced = float(np.mean(targets**2) - np.mean(residual**2))
    return Importance(
        Layers(_rise_without_hidden(network, inputs, residual) / len(inputs), of_output),
        of_output,
        Layers(silenced, silenced),
    )


def restored(network: TwoLayer, initial: TwoLayer, inputs: Any, targets: Any) -> Layers[float]:
    """By how much the loss rises when one layer is put back to its initial value."""
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
    r"""What deletion costs when the other weights of its layer make up for it (OBS).

    Let G be half the Hessian of the loss in the weights :math:`\theta` of one layer, in the
    Gauss-Newton form.  Of all changes :math:`\delta` with :math:`\delta_i=-\theta_i`, which delete
    weight i, OBS takes the one of least :math:`\delta^\top(G+\mu)\delta`, which is
    :math:`\delta=-\theta_i\,a_i/a_{ii}` with the column :math:`a_i` of :math:`(G+\mu)^{-1}`.
    The score is what this change costs, without the damping :math:`\mu` that only chose it,

    .. math:: \delta^\top G\delta=\theta_i^2\,\frac{a_i^\top Ga_i}{a_{ii}^2},

    which is :math:`\theta_i^2/(G^{-1})_{ii}` in the limit of no damping if G is regular.  It is 0
    for a weight that the network does not depend on (:math:`G_{ii}=0`: a neuron that is never
    active, or an input that is always 0), whatever its size.  Where the others can make up for a
    weight exactly, as for more weights than samples or two neurons that are alike, it vanishes as
    :math:`\mu^2`.

    A neuron is deleted by :math:`v_j`; where a whole layer is deleted nothing is left to make up
    for it.  Layers are taken one at a time: together, the Hessian is singular along
    :math:`(w_j,-v_j)`, which rescales a neuron, so that any weight would cost nothing.

    Parameters
    ----------
    damping : float
        :math:`\mu`, relative to the mean of the diagonal of G over weights that matter.  What the
        others make up for exactly costs about ``damping**2`` as much as if they stayed; below
        1e-8 that is rounding, which ranks such weights at random.

    Raises
    ------
    InvalidInput
        For a layer of more than 5000 weights.
    NoConvergence
        If the damped matrix is singular in double precision.
    """
    inputs = as_inputs(inputs, as_two_layer(network).features)
    damping = float(scalar("damping", damping, POSITIVE))
    require_few(network.hidden.size)
    n, width = len(inputs), network.width
    of_hidden, of_output = np.zeros((network.hidden.size,) * 2), np.zeros((width, width))
    step = max(1, _BLOCK // network.hidden.size)
    for x in np.split(inputs, range(step, n, step)):
        active, sent = network.active(x), network.output[:, None] * network.slopes(x)
        steepness = (sent[:, None, :] * x.T).reshape(-1, len(x))
        of_hidden += steepness @ steepness.T / n
        of_output += active @ active.T / n
    hidden = _surgery(network.hidden.ravel(), of_hidden, damping)
    output = _surgery(network.output, of_output, damping)
    return Importance(
        Layers(hidden.reshape(network.hidden.shape), output), output, _without(network, inputs)
    )


def require_few(weights: int) -> None:
    """Raise `InvalidInput` for a layer of more weights than `obs` can take."""
    if weights > _MOST_WEIGHTS:
        allowed = f"must be at most {_MOST_WEIGHTS} in a layer for obs"
        raise InvalidInput("weights", weights, allowed)


def _without(network: TwoLayer, inputs: Array) -> Layers[float]:
    """What the Hessian says of deleting a layer: all that the network says is gone."""
    said = float(np.mean(network(inputs) ** 2))
    return Layers(said, said)


def _surgery(weights: Array, matrix: Array, damping: float) -> Array:
    """Costs of single weights, from half the Hessian of the loss; see `obs`."""
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
    change = inverse / inverse.diagonal()  # a column for each weight, 1 at its own place
    # A form that is never negative, but for its rounding.
    rises = np.maximum(np.vecdot(change.T, (matrix @ change).T), 0)
    costs[matters] = weights[matters] ** 2 * rises
    return costs


def _rise(change: Array, residual: Array) -> Array:
    """By how much the sum of squared errors rises when outputs change, along the last axis."""
    return np.asarray(change @ residual * 2 + np.vecdot(change, change))


def _rise_without_hidden(network: TwoLayer, inputs: Array, residual: Array) -> Array:
    """The rise for each hidden weight, for some neurons and samples at a time."""
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
            rises[some] += _rise(output[:, None, None] * change, errors)
    return rises
