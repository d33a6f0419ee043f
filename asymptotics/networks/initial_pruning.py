r"""Global magnitude pruning of a network at the start of training, as its width m grows.

The network has the weights :math:`(\eta W_0,v_0/\eta)`.  The d m entries of :math:`W_0` are drawn
from N(0, 1/d), and the m entries of :math:`v_0` are :math:`\pm1/\sqrt m`.  So all output weights
have the magnitude :math:`1/(\eta\sqrt m)`, and the fraction

.. math:: w(\eta)=P\!\left(|\eta W|>\tfrac1{\eta\sqrt m}\right)
          =\operatorname{erfc}\!\left(\sqrt{\tfrac d{2m}}\,\eta^{-2}\right)

of the hidden weights ranks above every output weight.

Source: derived in ``derivations/initial_pruning.py``.
"""

from collections.abc import Mapping
from typing import Any

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..parameters import broadcast_shape, numbers
from ..theory import MAGNITUDE, Channel, threshold
from .network import Layers


def kept_at_start(
    eta: Any, alpha: Any, features: Any, width: Any, arithmetic: Arithmetic = FLOAT64
) -> Layers[Array]:
    r"""The fraction of each layer that is kept, as m grows.

    Of :math:`v_0` it is :math:`\alpha(d+1)-d\,w(\eta)`, clipped to [0, 1].  This is the number of
    weights kept less the number of hidden weights above all output weights, divided by m.  Where it
    is strictly between 0 and 1, the common magnitude of the output weights is the threshold, and
    ties among them are broken at random.  Parameters broadcast.

    Parameters
    ----------
    eta : array
        The scale of the start.
    alpha : array
        The fraction of all weights that is kept.
    features, width : arrays
        The numbers d of inputs and m of neurons.

    Examples
    --------
    >>> kept_at_start(eta=[0.5, 0.9, 1], alpha=0.5, features=20, width=64).output.round(3)
    array([1.   , 0.698, 0.   ])
    """
    given = {"eta": eta, "alpha": alpha, "features": features, "width": width}
    eta, alpha, features, width = _as_numbers(given, arithmetic)
    outranking = arithmetic.erfc(arithmetic.sqrt(features / (2 * width)) / (eta * eta))
    left = alpha * (features + 1) - features * outranking
    output = arithmetic.minimum(arithmetic.maximum(left, 0), 1)
    return Layers((alpha * (features + 1) - output) / features, output)


def _as_numbers(given: Mapping[str, Any], arithmetic: Arithmetic) -> list[Array]:
    """The parameters as numbers of an arithmetic; raises `InvalidInput` unless they broadcast."""
    columns = {key: numbers(key, value, arithmetic) for key, value in given.items()}
    broadcast_shape(columns)
    return list(columns.values())


def deleting_scale(
    alpha: Any, features: Any, width: Any, arithmetic: Arithmetic = FLOAT64
) -> Array:
    r"""The smallest scale :math:`\eta` at which all of :math:`v_0` is deleted, as m grows.

    .. math:: \eta^2=\sqrt{d/m}\;/\;\Phi^{-1}\!\left(1-\tfrac{\alpha(d+1)}{2d}\right)

    It is infinite if :math:`\alpha(d+1)\ge d`: then no fewer weights are kept than the d m hidden
    ones, and no finite scale deletes all of :math:`v_0`.  Parameters are as in `kept_at_start`.

    Examples
    --------
    >>> deleting_scale(alpha=[0.5, 0.99], features=20, width=64).round(3)
    array([0.938,   inf])
    """
    given = {"alpha": alpha, "features": features, "width": width}
    alpha, features, width = _as_numbers(given, arithmetic)
    share = arithmetic.minimum(alpha * (features + 1) / features, 1)
    one, zero = arithmetic.array([1]), arithmetic.array([0])
    # The quantile is the threshold of magnitude pruning for weights of the law N(0, 1), which the
    # theory computes in any arithmetic.
    normal = Channel(one, one, zero, one, one, zero, zero)
    quantile = threshold(MAGNITUDE.score(normal, arithmetic), share, arithmetic).value
    squared = arithmetic.ratio(arithmetic.sqrt(features / width), quantile, arithmetic.infinity)
    return arithmetic.sqrt(squared)
