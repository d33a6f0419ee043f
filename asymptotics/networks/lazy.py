r"""The lazy regime: training so near its start that the network is linear in its weights.

From :math:`(\eta W_0,v_0/\eta)` the tangent kernel on a sample is
:math:`K=\eta^2K_v+\eta^{-2}K_W`, with the parts of either layer at :math:`\eta=1`.  In vectors that
make both diagonal, :math:`K_v=\sum_i\nu_i a_ia_i^\top` and
:math:`K_W=\sum_i(1-\nu_i)a_ia_i^\top`, an error :math:`r=\sum_ic_ia_i` is learned mode by mode,
and at the end of gradient flow

.. math:: \|\Delta v\|^2=\sum_i\frac{\nu_i}{\eta^2}\Big(\frac{c_i}{s_i}\Big)^2,\quad
          \|\Delta W\|^2=\sum_i\frac{1-\nu_i}{\eta^6}\Big(\frac{c_i}{s_i}\Big)^2,\quad
          s_i=\nu_i+\eta^{-4}(1-\nu_i).

If no :math:`\nu_i` is 0, then as :math:`\eta\to\infty` the output layer learns everything:
:math:`\|\Delta v\|^2\to\eta^{-2}\,r^\top K_v^{-1}r` while :math:`\|\Delta W\|=O(\eta^{-3})`.
The constant of the latter is another, as v moves by no less than it was and hidden weights follow
it; `lazy_limit` has it.  A mode of :math:`\nu_i=0` is left to W, which then moves by order
:math:`\eta`, as far as it was: nothing about that is lazy.

Source: Jacot, Gabriel, Hongler (arXiv 1806.07572) for the kernel; the two parts are derived in
``derivations/lazy_training.py``.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..errors import InvalidInput
from ..parameters import numbers
from .network import Layers, as_inputs, as_sample
from .two_layer import TwoLayer, as_two_layer

#: Eigenvalues below this fraction of the largest are taken for zero.
_ZERO = 1e-10
#: Kernels have as many rows and columns at most.
_MOST_SAMPLES = 10_000


class Modes(NamedTuple):
    """What is learned independently, in the linear model of a network around its start."""

    #: The scale at which the parts below are taken, where both layers' kernels are alike in size.
    scale: float
    #: ν and 1 - ν, the parts of either layer in each mode of the kernel.
    output_part: Array
    hidden_part: Array
    #: c, the error in each mode.
    error: Array
    #: What each mode adds to the squared error, r·(c a); negative for some, as modes overlap.
    energy: Array

    @property
    def lazy(self) -> bool:
        r"""Whether the output layer takes part in every mode: the limit of large eta applies."""
        return bool((self.output_part > 0).all())


class LazyPrediction(NamedTuple):
    """What linear training ends with; arrays of the shape of eta."""

    #: The distances that the layers move.
    moved: Layers[Array]
    #: Each layer's share f·r/r·r of what is learned; outside [0, 1] where they counteract.
    share: Layers[Array]


def tangent_kernel(network: TwoLayer, inputs: Any) -> Layers[Array]:
    r"""The parts :math:`K_W` and :math:`K_v` of either layer, each of shape (n, n).

    .. math:: K_v(x,x')=\sum_j\varphi(w_j\cdot x)\varphi(w_j\cdot x'),\quad
              K_W(x,x')=x\cdot x'\sum_jv_j^2\varphi'(w_j\cdot x)\varphi'(w_j\cdot x')
    """
    inputs = as_inputs(inputs, as_two_layer(network).features)
    if len(inputs) > _MOST_SAMPLES:
        raise InvalidInput("inputs", len(inputs), f"must be at most {_MOST_SAMPLES} samples here")
    active, sent = network.active(inputs), network.output[:, None] * network.slopes(inputs)
    return Layers((inputs @ inputs.T) * (sent.T @ sent), active.T @ active)


def modes(network: TwoLayer, inputs: Any, targets: Any) -> Modes:
    """The modes of the kernel at eta = 1 for the errors y - f of a network; those that K can learn.

    Raises
    ------
    InvalidInput
        If nothing can be learned: both parts of the kernel are zero.
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    kernel = tangent_kernel(network, inputs)
    error = targets - network(inputs)
    sizes = [float(np.trace(part)) for part in kernel]
    scale = (sizes[0] / sizes[1]) ** 0.25 if all(sizes) else 1.0
    output, hidden = scale**2 * kernel.output, kernel.hidden / scale**2
    size, basis = np.linalg.eigh(hidden + output)
    learned = size > _ZERO * size[-1]
    if not learned.any():
        raise InvalidInput("network", repr(network), "must depend on its weights on the sample")
    white = basis[:, learned] / np.sqrt(size[learned])
    part, rotation = scipy.linalg.eigh(white.T @ output @ white)
    dual = white @ rotation  # dual to the a of each mode
    rest = np.vecdot(dual.T, dual.T @ hidden)
    coefficient = dual.T @ error
    if not coefficient.any():
        raise InvalidInput("targets", "what the network says", "must leave something to learn")
    energy = coefficient * (((hidden + output) @ dual).T @ error)
    of_output, of_hidden = (np.where(x > _ZERO, x, 0.0) for x in (part, rest))
    return Modes(scale, of_output, of_hidden, coefficient, energy)


def lazy_prediction(found: Modes, eta: Any, arithmetic: Arithmetic = FLOAT64) -> LazyPrediction:
    """How far each layer moves from a start of scale eta, and what it learns.

    Parameters
    ----------
    found : Modes
        Of the network at eta = 1.
    eta : array

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> start, x = TwoLayer.random(64, 20, rng), rng.standard_normal((10, 20))
    >>> found = modes(start, x, np.sin(x[:, 0]))
    >>> found.lazy, lazy_prediction(found, [1, 10]).share.output.round(4)
    (True, array([0.6216, 0.9999]))
    """
    if not isinstance(found, Modes):
        raise InvalidInput("found", found, "must be what `modes` returns")
    eta = numbers("eta", eta, arithmetic) / found.scale
    large = eta > 1  # the power of eta that is left out of the strengths of modes
    squared = eta * eta
    low = arithmetic.column(arithmetic.where(large, 1, squared * squared))
    high = arithmetic.column(arithmetic.where(large, 1 / (squared * squared), 1))
    by_output, by_hidden = low * found.output_part, high * found.hidden_part
    learned = found.error / (by_output + by_hidden)

    def total(values: Array) -> Array:
        return np.asarray(values.sum(axis=-1))

    whole = total(found.energy)
    way = Layers(
        arithmetic.sqrt(total(found.hidden_part * learned * learned)),
        arithmetic.sqrt(total(found.output_part * learned * learned)),
    )
    return LazyPrediction(
        Layers(
            way.hidden * arithmetic.where(large, 1 / (eta * squared), eta),
            way.output * arithmetic.where(large, 1 / eta, eta * squared),
        ),
        Layers(
            total(found.energy * by_hidden / (by_output + by_hidden)) / whole,
            total(found.energy * by_output / (by_output + by_hidden)) / whole,
        ),
    )


def coupling(error: Array, rate: Array) -> Array:
    r"""How one direction's way moves hidden weights by another's error, as in `lazy_limit`.

    :math:`C_{kl}=\int_0^\infty\rho_k\frac{1-e^{-\lambda_kt}}{\lambda_k}\rho_le^{-\lambda_lt}\,dt`.
    """
    return np.outer(error, error / rate) / (rate[:, None] + rate)


def lazy_limit(network: TwoLayer, inputs: Any, targets: Any) -> Layers[float]:
    r"""The limits of :math:`\eta^3\|\Delta W\|` and :math:`\eta\|\Delta v\|` for large eta.

    To leading order hidden weights stay, so that with :math:`K_v=Q\,\mathrm{diag}(\lambda)\,Q^\top`
    and :math:`\rho=Q^\top r` errors are :math:`Qe^{-\lambda t}\rho`, output weights
    :math:`v_0+\Phi Q\lambda^{-1}(1-e^{-\lambda t})\rho`, and the integral of their product is

    .. math:: M = v_0\,(K_v^{-1}r)^\top + \Phi QCQ^\top,\qquad
              C_{kl}=\frac{\rho_k\rho_l}{\lambda_l(\lambda_k+\lambda_l)},

    of shape (m, n), of which :math:`(M\circ\varphi'(WX^\top))X` is the limit of
    :math:`\eta^3\Delta W`.

    Parameters
    ----------
    network : TwoLayer
        The start at eta = 1.

    Raises
    ------
    InvalidInput
        If :math:`K_v` is singular, as it is for more samples than neurons that differ.
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    active, slopes = network.active(inputs), network.slopes(inputs)
    rate, basis = np.linalg.eigh(active.T @ active)
    if rate[0] <= _ZERO * rate[-1]:
        rank = int(np.count_nonzero(rate > _ZERO * rate[-1]))
        allowed = f"must be fewer samples: the output layer can learn {rank} of them apart"
        raise InvalidInput("inputs", len(inputs), allowed)
    error = basis.T @ (targets - network(inputs))
    solution = basis @ (error / rate)
    pushed = np.outer(network.output, solution) + active @ basis @ coupling(error, rate) @ basis.T
    return Layers(
        float(np.linalg.norm((pushed * slopes) @ inputs)),
        float(np.sqrt(error @ (error / rate))),
    )
