r"""The gradient flow of a diagonal network, in closed form.

A feature of eigenvalue :math:`\lambda` and true coefficient :math:`\beta^*` has the coefficient
:math:`\beta=uv` and the loss :math:`\frac12\lambda(\beta-\beta^*)^2`, half the risk that it
causes.  Its weights follow

.. math:: \dot u=\lambda(\beta^*-\beta)v,\quad \dot v=\lambda(\beta^*-\beta)u,\quad
          \dot\beta=\lambda(\beta^*-\beta)\sqrt{\delta^2+4\beta^2},

where :math:`\delta=u^2-v^2` is conserved.  Both :math:`(u+v)^2` and :math:`(u-v)^2` obey a Riccati
equation, and neither :math:`u+v` nor :math:`u-v` changes its sign.

Source: Saxe, McClelland, Ganguli (arXiv 1312.6120) for :math:`\delta=0`; the course of time for
any start is derived in ``derivations/diagonal_network.py``.
"""

from typing import NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array


class Pair(NamedTuple):
    """The two weights of each feature."""

    u: Array
    v: Array


def flow(
    start: Pair, eigenvalue: Array, target: Array, time: Array, arithmetic: Arithmetic = FLOAT64
) -> Pair:
    r"""The weights at a time, from their start.

    With :math:`R_\pm=\sqrt{\delta^2+4\beta^{*2}}\pm2\beta^*`, :math:`p=(u+v)^2` and
    :math:`q=(u-v)^2` at the start, and :math:`E=e^{-\lambda t(R_++R_-)/2}`,

    .. math:: (u+v)^2=\frac{p\,(R_++R_-E)+pq\,(1-E)}{p\,(1-E)+R_-+R_+E},\qquad
              (u-v)^2=\frac{q\,(R_-+R_+E)+pq\,(1-E)}{q\,(1-E)+R_++R_-E},

    ratios of sums of terms that are not negative.
    """
    return _at(start, target, eigenvalue * time, arithmetic)


def end(start: Pair, target: Array, arithmetic: Arithmetic = FLOAT64) -> Pair:
    r"""Where the flow of a feature of positive eigenvalue ends.

    At :math:`uv=\beta^*` with :math:`u^2=(\delta+\sqrt{\delta^2+4\beta^{*2}})/2`, but at 0 from
    a start with :math:`\delta=0` and a product that is 0 or of the wrong sign.
    """
    return _at(start, target, None, arithmetic)


def _at(start: Pair, target: Array, clock: Array | None, arithmetic: Arithmetic) -> Pair:
    """The weights when eigenvalue times time is `clock`, or in the end."""
    where, sqrt, ratio = arithmetic.where, arithmetic.sqrt, arithmetic.ratio
    total, difference = start.u + start.v, start.u - start.v
    p, q = total * total, difference * difference
    product = p * q
    larger = sqrt(product + 4 * target * target) + 2 * abs(target)
    smaller = ratio(product, larger)
    above, below = where(target < 0, smaller, larger), where(target < 0, larger, smaller)
    still = larger == 0  # no target and no imbalance: weights fade as the inverse of time
    if clock is None:
        kept, gone = 0 * p, 1 + 0 * p
        p, q = where(still, 0, p), where(still, 0, q)
    else:
        phase = clock * (larger + smaller) / 2
        kept, gone = arithmetic.exp(-phase), arithmetic.decay(phase)
        gone = where(still, clock, gone)
    above, below, kept = where(still, 1, above), where(still, 1, below), where(still, 1, kept)
    sums = ratio(p * (above + below * kept) + product * gone, p * gone + below + above * kept)
    rest = ratio(q * (below + above * kept) + product * gone, q * gone + above + below * kept)
    half_sum = where(total < 0, -1, 1) * sqrt(sums) / 2
    half_difference = where(difference < 0, -1, 1) * sqrt(rest) / 2
    return Pair(half_sum + half_difference, half_sum - half_difference)
