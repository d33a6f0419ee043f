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

    With :math:`R=\sqrt{\delta^2+4\beta^{*2}}`, :math:`E=e^{-\lambda Rt}` and, at the start,
    :math:`s=|u+v|`, :math:`w=|u-v|`,

    .. math:: A=R+2\beta^*+(R-2\beta^*)E+w^2(1-E),\qquad B=R-2\beta^*+(R+2\beta^*)E+s^2(1-E)

    are sums of terms that are not negative, and at the time :math:`|u+v|^2=s^2A/B`,
    :math:`|u-v|^2=w^2B/A`.  The larger weight is half the sum of their roots, the smaller one
    the coefficient :math:`\beta` divided by it, with

    .. math:: 4\beta=\frac{sA+wB}{B}\cdot\frac1A\bigl(2(s-w)RE+C(1-E)\bigr),\qquad
              C=(s-w)\frac{4\beta^{*2}}{R+|\delta|}+2\beta^*(s+w).

    The terms of C cancel where the start has the wrong sign; there
    :math:`C=2\beta^*\bigl(2\min(s,w)+|s-w|\,(|\delta|+\delta^2/(R+2|\beta^*|))/(R+|\delta|)\bigr)`
    is the same without a difference.
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
    u, v = start
    first = abs(u) < abs(v)  # which weight is the smaller one, and stays it
    small, large = where(first, u, v), where(first, v, u)
    sign = where((u < 0) == (v < 0), 1, -1)
    both, between = 2 * abs(large), 2 * sign * abs(small)  # s + w and s - w
    s, w = (both + between) / 2, (both - between) / 2
    delta, twice = s * w, 2 * abs(target)
    root = _length(delta, twice, arithmetic)
    still = root == 0  # no target and no imbalance: weights fade as the inverse of time
    larger, smaller = root + twice, delta * ratio(delta, root + twice)
    above, below = where(target < 0, smaller, larger), where(target < 0, larger, smaller)
    if clock is None:
        left, gone = 0 * root, 1 + 0 * root
        s, w, both, between = (where(still, 0, x) for x in (s, w, both, between))
    else:
        left = arithmetic.exp(-clock * root)
        gone = where(still, clock, arithmetic.decay(clock * root))
    push = _push(s, w, delta, target, root, arithmetic)
    # In the limit of no root everything but `gone` is divided by it.
    above, below, rate = where(still, 1, above), where(still, 1, below), where(still, 1, root)
    left = where(still, 1, left)
    a = _length(sqrt(above + below * left), w * sqrt(gone), arithmetic)
    b = _length(sqrt(below + above * left), s * sqrt(gone), arithmetic)
    sum_, difference = s * ratio(a, b), w * ratio(b, a)
    change = ratio(ratio(2 * between * rate * left + push * gone, a), a)
    size = (sum_ + difference) / 2
    grown = where(large < 0, -1, 1) * size
    # The coefficient itself may be too small a number.
    shrunk = ratio(sum_ * ratio(a, b) + w, grown) * change / 4
    return Pair(where(first, shrunk, grown), where(first, grown, shrunk))


def _push(
    s: Array, w: Array, delta: Array, target: Array, root: Array, arithmetic: Arithmetic
) -> Array:
    """C of `flow`, as a sum of terms of one sign."""
    where, ratio = arithmetic.where, arithmetic.ratio
    twice, between = 2 * abs(target), s - w
    along = 2 * target * (s + w) + between * twice * ratio(twice, root + delta)
    lacking = ratio(delta + delta * ratio(delta, root + twice), root + delta)
    against = 2 * target * (2 * arithmetic.minimum(s, w) + abs(between) * lacking)
    return where((between < 0) == (target < 0), along, against)


def _length(x: Array, y: Array, arithmetic: Arithmetic) -> Array:
    """The root of x² + y², of numbers not negative, whose squares may be too small or large."""
    most, least = arithmetic.maximum(x, y), arithmetic.minimum(x, y)
    part = arithmetic.ratio(least, most)
    return most * arithmetic.sqrt(1 + part * part)
