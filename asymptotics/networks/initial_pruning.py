r"""What global magnitude pruning keeps of a network at the start of training.

From :math:`(\eta W_0,v_0/\eta)`, where the d m entries of :math:`W_0` are drawn from N(0, 1/d) and
the m of :math:`v_0` are :math:`\pm1/\sqrt m`, the fraction

.. math:: w(\eta)=P\!\left(|\eta W|>\tfrac1{\eta\sqrt m}\right)
          =\operatorname{erfc}\!\left(\sqrt{\tfrac d{2m}}\,\eta^{-2}\right)

of the hidden weights outranks every output weight, as m grows.

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
    r"""The fractions of either layer that are kept as m grows; they broadcast.

    Of :math:`v_0` it is :math:`\alpha(d+1)-d\,w(\eta)`, held within [0, 1]: all its weights have
    one magnitude, and it lies at the cut where the fraction is neither 0 nor 1.

    Parameters
    ----------
    eta : array
        The scale of the start.
    alpha : array
        The fraction of all weights that is kept.
    features, width : arrays
        The numbers d and m.

    Examples
    --------
    >>> kept_at_start(eta=[0.5, 0.9, 1], alpha=0.5, features=20, width=64).output.round(3)
    array([1.   , 0.698, 0.   ])
    """
    given = {"eta": eta, "alpha": alpha, "features": features, "width": width}
    eta, alpha, features, width = _columns(given, arithmetic)
    outranking = arithmetic.erfc(arithmetic.sqrt(features / (2 * width)) / (eta * eta))
    left = alpha * (features + 1) - features * outranking
    output = arithmetic.minimum(arithmetic.maximum(left, 0), 1)
    return Layers((alpha * (features + 1) - output) / features, output)


def _columns(given: Mapping[str, Any], arithmetic: Arithmetic) -> list[Array]:
    """Parameters as numbers of an arithmetic that broadcast."""
    columns = {key: numbers(key, value, arithmetic) for key, value in given.items()}
    broadcast_shape(columns)
    return list(columns.values())


def deleting_scale(
    alpha: Any, features: Any, width: Any, arithmetic: Arithmetic = FLOAT64
) -> Array:
    r"""The scale :math:`\eta` from which on all of :math:`v_0` is deleted, as m grows.

    .. math:: \eta^2=\sqrt{d/m}\;/\;\Phi^{-1}\!\left(1-\tfrac{\alpha(d+1)}{2d}\right)

    Infinite if :math:`\alpha(d+1)\ge d`: then some of it is kept at any scale.

    Examples
    --------
    >>> deleting_scale(alpha=[0.5, 0.99], features=20, width=64).round(3)
    array([0.938,   inf])
    """
    given = {"alpha": alpha, "features": features, "width": width}
    alpha, features, width = _columns(given, arithmetic)
    share = arithmetic.minimum(alpha * (features + 1) / features, 1)
    one, zero = arithmetic.array([1]), arithmetic.array([0])
    normal = Channel(one, one, zero, one, one, zero, zero)
    cut = threshold(MAGNITUDE.score(normal, arithmetic), share, arithmetic).value
    squared = arithmetic.ratio(arithmetic.sqrt(features / width), cut, arithmetic.infinity)
    return arithmetic.sqrt(squared)
