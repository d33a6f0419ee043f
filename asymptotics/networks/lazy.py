r"""The lazy regime: weights move so little that the network is linear in them during training.

From the start :math:`(\eta W_0,v_0/\eta)` the tangent kernel on a sample is
:math:`K=\eta^2K_v+\eta^{-2}K_W`, where :math:`K_v` and :math:`K_W` are the parts of the two layers
at :math:`\eta=1`.  Vectors :math:`a_i`, the modes, make both parts diagonal:
:math:`K_v=\sum_i\nu_i a_ia_i^\top` and :math:`K_W=\sum_i(1-\nu_i)a_ia_i^\top`.  The error at the
start, :math:`r=y-f=\sum_ic_ia_i`, is learned mode by mode, and at the end of gradient flow

.. math:: \|\Delta v\|^2=\sum_i\frac{\nu_i}{\eta^2}\Big(\frac{c_i}{s_i}\Big)^2,\quad
          \|\Delta W\|^2=\sum_i\frac{1-\nu_i}{\eta^6}\Big(\frac{c_i}{s_i}\Big)^2,\quad
          s_i=\nu_i+\eta^{-4}(1-\nu_i).

If all :math:`\nu_i>0`, the output layer learns everything as :math:`\eta\to\infty`:
:math:`\|\Delta v\|^2\to\eta^{-2}\,r^\top K_v^{-1}r` while :math:`\|\Delta W\|=O(\eta^{-3})`.
The linear model has the wrong constant in the latter: v moves by as much as its size
:math:`\|v_0\|/\eta`, and this changes the gradient of W.  `lazy_limit` has the right constant.
A mode with :math:`\nu_i=0` is learned by W alone, which then moves by order :math:`\eta`, as much
as its own size: such training is not lazy.

Source: Jacot, Gabriel, Hongler (arXiv 1806.07572) for the kernel; the two parts are derived in
``derivations/lazy_training.py``.
"""

from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..errors import InvalidInput
from ..parameters import numbers
from .network import Layers, as_inputs, as_sample
from .two_layer import TwoLayer, as_two_layer

#: Eigenvalues below this fraction of the largest count as zero.
_RANK_TOLERANCE = 1e-10
#: Largest number of samples, and so of rows of a kernel.
_MOST_SAMPLES = 10_000


class Modes(NamedTuple):
    """The modes of the tangent kernel; the linear model learns each of them independently."""

    #: The scale eta at which the modes are computed, so that both parts of the kernel have the same
    #: trace: the modes are then known accurately.
    scale: float
    #: ν and 1 - ν, the fractions of the two layers in each mode.
    output_part: Array
    hidden_part: Array
    #: c, the coefficient of the error in each mode.
    error: Array
    #: r · (c a), the contribution of each mode to r · r.  Some may be negative, because the modes
    #: are not orthogonal.
    energy: Array

    @property
    def lazy(self) -> bool:
        r"""Whether :math:`\nu_i>0` for all modes, so that the limit of large eta applies."""
        return bool((self.output_part > 0).all())


class LazyPrediction(NamedTuple):
    """The end of training of the linear model; arrays of the shape of eta."""

    #: Norms of the changes of the two layers.
    moved: Layers[Array]
    #: The share of each layer in what is learned: g · r / (r · r), where g is the change of the
    #: output by that layer.  It is outside [0, 1] where the layers counteract.
    share: Layers[Array]


def tangent_kernel(network: TwoLayer, inputs: Any) -> Layers[Array]:
    r"""The parts :math:`K_W` and :math:`K_v` of the two layers, each of shape (n, n).

    .. math:: K_v(x,x')=\sum_j\varphi(w_j\cdot x)\varphi(w_j\cdot x'),\quad
              K_W(x,x')=x\cdot x'\sum_jv_j^2\varphi'(w_j\cdot x)\varphi'(w_j\cdot x')

    Raises `InvalidInput` for more than 10 000 samples, or inputs that do not fit the network.
    """
    inputs = as_inputs(inputs, as_two_layer(network).features)
    _require_few_samples(inputs)
    active, sent = network.active(inputs), network.output[:, None] * network.slopes(inputs)
    return Layers((inputs @ inputs.T) * (sent.T @ sent), active.T @ active)


def _require_few_samples(inputs: Array) -> None:
    """Raise `InvalidInput` for more samples than a kernel has rows."""
    if len(inputs) > _MOST_SAMPLES:
        raise InvalidInput("inputs", len(inputs), f"must be at most {_MOST_SAMPLES} samples here")


def modes(network: TwoLayer, inputs: Any, targets: Any) -> Modes:
    """The modes of the tangent kernel of a network at eta = 1, with its errors y - f.

    Modes for which both parts of the kernel vanish are left out, because they cannot be learned:
    inputs that differ by rounding alone count as equal.

    Raises
    ------
    InvalidInput
        If both parts of the kernel are zero, the network already fits the targets, or inputs are so
        nearly equal that rounding hides which layer can tell them apart.
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    _require_few_samples(inputs)
    error = targets - network(inputs)
    output, hidden = network.active(inputs), _hidden_factor(network, inputs)
    sizes = [float(np.linalg.norm(part)) for part in (hidden, output)]
    # eta² tr K_v = tr K_W / eta² at this scale.
    scale = (sizes[0] / sizes[1]) ** 0.5 if all(sizes) else 1.0
    factors = output * scale, hidden / scale
    # K = AᵀA with both factors, one above the other, in A = U S Vᵀ.  The modes are those of its
    # factors and not of K itself, in which samples that are nearly equal would lose twice the
    # digits.
    left, size, right = np.linalg.svd(np.vstack(factors), full_matrices=False)
    rounding = len(left) * np.finfo(np.float64).eps
    learned = size > rounding * size[0]
    if not learned.any():
        raise InvalidInput("network", repr(network), "must depend on its weights on the sample")
    left, size, right = left[:, learned], size[learned], right[learned]
    # U has orthonormal columns, in two parts: a rotation that diagonalises one, diagonalises both.
    upper, lower = np.split(left, [len(output)])
    _, _, rotation = np.linalg.svd(upper, full_matrices=True)
    precision = rounding * size[0] / size[-1]
    of_output, of_hidden = (
        _without_rounding(np.linalg.norm(part @ rotation.T, axis=0) ** 2, factor, precision, inputs)
        for part, factor in ((upper, factors[0]), (lower, factors[1]))
    )
    # The columns of `dual` are dual to the modes: b_i · a_k = 1 if i = k, else 0.
    dual = (right.T / size) @ rotation.T
    coefficient = dual.T @ error
    if not coefficient.any():
        raise InvalidInput("targets", "what the network says", "must leave something to learn")
    energy = coefficient * (rotation @ (size * (right @ error)))
    return Modes(scale, of_output, of_hidden, coefficient, energy)


def _hidden_factor(network: TwoLayer, inputs: Array) -> Array:
    """A matrix F with F.T @ F the part of the hidden layer: its derivatives, made triangular.

    There is a derivative for each weight and sample; a few neurons at a time are taken up by a QR
    decomposition, so that memory does not grow with the number of neurons.
    """
    sent, samples = network.output[:, None] * network.slopes(inputs), len(inputs)
    factor: Array = np.zeros((0, samples))
    each = max(1, samples // network.features)
    for first in range(0, len(sent), each):
        some = sent[first : first + each, None, :] * inputs.T
        factor = np.asarray(np.linalg.qr(np.vstack([factor, some.reshape(-1, samples)]), mode="r"))
    return factor


def _without_rounding(part: Array, factor: Array, precision: float, inputs: Array) -> Array:
    """The fractions of a layer in the modes, 0 where the layer has none.

    A layer has as many modes as its factor has rank.  Raises `InvalidInput` if the others, which
    rounding leaves at `precision` squared or so, cannot be told from its own.
    """
    rank = int(np.linalg.matrix_rank(factor))
    order = np.argsort(-part)
    own, others = part[order[:rank]], part[order[rank:]]
    if own.min(initial=1.0) <= max(precision**2, others.max(initial=0.0)):
        allowed = "must differ: some are equal but for rounding, which hides who can learn them"
        raise InvalidInput("inputs", inputs.shape, allowed)
    return np.where(np.isin(np.arange(part.size), order[:rank]), part, 0.0)


def lazy_prediction(found: Modes, eta: Any, arithmetic: Arithmetic = FLOAT64) -> LazyPrediction:
    """The distance that each layer moves from a start of scale eta, and its share in learning.

    Parameters
    ----------
    found : Modes
        The result of `modes` for the network at eta = 1.
    eta : array
        Scales of the start.

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
    # The rate of a mode is eta² ν + (1 - ν) / eta².  It is divided by eta² if eta > 1, and by
    # 1 / eta² otherwise, so that no number overflows; `moved` below makes up for the factor.
    large = eta > 1
    squared = eta * eta
    low = arithmetic.column(arithmetic.where(large, 1, squared * squared))
    high = arithmetic.column(arithmetic.where(large, 1 / (squared * squared), 1))
    by_output, by_hidden = low * found.output_part, high * found.hidden_part
    learned = found.error / (by_output + by_hidden)

    def total(values: Array) -> Array:
        return np.asarray(values.sum(axis=-1))

    energy = total(found.energy)
    distance = Layers(
        arithmetic.sqrt(total(found.hidden_part * learned * learned)),
        arithmetic.sqrt(total(found.output_part * learned * learned)),
    )
    return LazyPrediction(
        Layers(
            distance.hidden * arithmetic.where(large, 1 / (eta * squared), eta),
            distance.output * arithmetic.where(large, 1 / eta, eta * squared),
        ),
        Layers(
            total(found.energy * by_hidden / (by_output + by_hidden)) / energy,
            total(found.energy * by_output / (by_output + by_hidden)) / energy,
        ),
    )


def coupling(error: Array, rate: Array) -> Array:
    r"""The matrix C of `lazy_limit`, from the errors :math:`\rho` and the rates :math:`\lambda`.

    .. math:: C_{kl}=\int_0^\infty\rho_k\frac{1-e^{-\lambda_kt}}{\lambda_k}
              \,\rho_le^{-\lambda_lt}\,dt

    The first factor is what output weights have learned along eigenvector k, and the second is the
    error that is left along eigenvector l.
    """
    return np.outer(error, error / rate) / (rate[:, None] + rate)


def lazy_limit(network: TwoLayer, inputs: Any, targets: Any) -> Layers[float]:
    r"""The limits of :math:`\eta^3\|\Delta W\|` and :math:`\eta\|\Delta v\|` for large eta.

    To leading order the hidden weights do not move.  Let
    :math:`K_v=Q\,\mathrm{diag}(\lambda)\,Q^\top` and :math:`\rho=Q^\top r`.  In a suitable unit of
    time the errors are :math:`Qe^{-\lambda t}\rho`, and the output weights, times :math:`\eta`, are
    :math:`v_0+\Phi Q\lambda^{-1}(1-e^{-\lambda t})\rho`, where :math:`\Phi` of shape (m, n) has the
    activities.  The gradient of W contains their product, whose integral over time is

    .. math:: M = v_0\,(K_v^{-1}r)^\top + \Phi QCQ^\top,\qquad
              C_{kl}=\frac{\rho_k\rho_l}{\lambda_l(\lambda_k+\lambda_l)}.

    M has the shape (m, n), and :math:`(M\circ\varphi'(WX^\top))X` is the limit of
    :math:`\eta^3\Delta W`.

    Parameters
    ----------
    network : TwoLayer
        The start at eta = 1.

    Raises
    ------
    InvalidInput
        If :math:`K_v` is singular, for example for more samples than distinct neurons.
    """
    inputs, targets = as_sample(as_two_layer(network), inputs, targets)
    active, slopes = network.active(inputs), network.slopes(inputs)
    rate, basis = np.linalg.eigh(active.T @ active)
    if rate[0] <= _RANK_TOLERANCE * rate[-1]:
        rank = int(np.count_nonzero(rate > _RANK_TOLERANCE * rate[-1]))
        allowed = f"must be fewer samples: the output layer can learn {rank} of them apart"
        raise InvalidInput("inputs", len(inputs), allowed)
    error = basis.T @ (targets - network(inputs))
    solution = basis @ (error / rate)
    pushed = np.outer(network.output, solution) + active @ basis @ coupling(error, rate) @ basis.T
    return Layers(
        float(np.linalg.norm((pushed * slopes) @ inputs)),
        float(np.sqrt(error @ (error / rate))),
    )
