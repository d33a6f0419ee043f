r"""The gradient flow of a diagonal network, in closed form.

A feature of eigenvalue :math:`\lambda` and true coefficient :math:`\beta^*` has the coefficient
:math:`\beta=uv` and the loss :math:`\frac12\lambda(\beta-\beta^*)^2`, half of its contribution to
the risk.  Its weights follow

.. math:: \dot u=\lambda(\beta^*-\beta)v,\quad \dot v=\lambda(\beta^*-\beta)u,\quad
          \dot\beta=\lambda(\beta^*-\beta)\sqrt{\delta^2+4\beta^2},

where :math:`\delta=u^2-v^2` is conserved.  Both :math:`(u+v)^2` and :math:`(u-v)^2` obey a Riccati
equation, and neither :math:`u+v` nor :math:`u-v` changes its sign.

Formulas here are arranged so that no difference of nearly equal numbers occurs: weights keep all
their digits, however large or small they are.

Source: Saxe, McClelland, Ganguli (arXiv 1312.6120) for :math:`\delta=0`; the solution for any start
is derived in ``derivations/diagonal_network.py``.
"""

from typing import NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array


class Pair(NamedTuple):
    """The two weights u and v of each feature."""

    u: Array
    v: Array


def flow(
    start: Pair, eigenvalue: Array, target: Array, time: Array, arithmetic: Arithmetic = FLOAT64
) -> Pair:
    r"""The weights at a time of the flow, from their values at time 0.

    Let :math:`R=\sqrt{\delta^2+4\beta^{*2}}`, :math:`E=e^{-\lambda Rt}` and, at time 0,
    :math:`s=|u+v|`, :math:`w=|u-v|`.  In

    .. math:: A=R+2\beta^*+(R-2\beta^*)E+w^2(1-E),\qquad B=R-2\beta^*+(R+2\beta^*)E+s^2(1-E)

    all terms are nonnegative.  At time t, :math:`|u+v|^2=s^2A/B` and :math:`|u-v|^2=w^2B/A`.  The
    larger weight, in absolute value, is :math:`(|u+v|+|u-v|)/2`.  The smaller one is the
    coefficient :math:`\beta` divided by the larger one, with

    .. math:: 4\beta=\frac{sA+wB}{B}\cdot\frac1A\bigl(2(s-w)RE+C(1-E)\bigr),\qquad
              C=(s-w)\frac{4\beta^{*2}}{R+|\delta|}+2\beta^*(s+w).

    If :math:`uv` and :math:`\beta^*` have opposite signs at time 0, the two terms of C cancel; then
    :math:`C=2\beta^*\bigl(2\min(s,w)+|s-w|\,(|\delta|+\delta^2/(R+2|\beta^*|))/(R+|\delta|)\bigr)`
    is an equal expression without cancellation.
    """
    return _at(start, target, eigenvalue * time, arithmetic)


def end(start: Pair, target: Array, arithmetic: Arithmetic = FLOAT64) -> Pair:
    r"""The limit of the flow, t to infinity, for positive eigenvalues.

    It is :math:`uv=\beta^*` with :math:`u^2=(\delta+\sqrt{\delta^2+4\beta^{*2}})/2`.  Only from a
    start with :math:`\delta=0` and a product uv that is 0, or has not the sign of :math:`\beta^*`,
    is it :math:`u=v=0`, a saddle point.
    """
    return _at(start, target, None, arithmetic)


def _at(start: Pair, target: Array, clock: Array | None, arithmetic: Arithmetic) -> Pair:
    """The weights when eigenvalue times time equals `clock`, or in the limit if it is None.

    In the names of `flow`: `root` is R, `left` is E, `gone` is 1 - E, `a` and `b` are the roots of
    A and B, and `push` is C.
    """
    where, sqrt, ratio = arithmetic.where, arithmetic.sqrt, arithmetic.ratio
    u, v = start
    # The weight that is smaller at the start stays the smaller one, because delta is conserved.
    first = abs(u) < abs(v)
    small, large = where(first, u, v), where(first, v, u)
    sign = where((u < 0) == (v < 0), 1, -1)
    both, between = 2 * abs(large), 2 * sign * abs(small)  # s + w and s - w
    s, w = (both + between) / 2, (both - between) / 2  # |u + v| and |u - v|
    delta, twice = s * w, 2 * abs(target)
    root = _hypot(delta, twice, arithmetic)
    # Without target and imbalance, R = 0, weights decay as a power of time, not exponentially.
    still = root == 0
    # R + 2|β*|, and R - 2|β*| = δ²/(R + 2|β*|) without the difference.
    larger, smaller = root + twice, delta * ratio(delta, root + twice)
    above, below = where(target < 0, smaller, larger), where(target < 0, larger, smaller)
    if clock is None:
        left, gone = 0 * root, 1 + 0 * root
        s, w, both, between = (where(still, 0, x) for x in (s, w, both, between))
    else:
        left = arithmetic.exp(-clock * root)
        gone = where(still, clock, arithmetic.decay(clock * root))
    push = _driving_term(s, w, delta, target, root, arithmetic)
    # For R -> 0: (1 - E)/R -> clock.  There A, B and R are divided by R (the leading terms become
    # 1), and `gone` holds the limit of (1 - E)/R.
    above, below, rate = where(still, 1, above), where(still, 1, below), where(still, 1, root)
    left = where(still, 1, left)
    a = _hypot(sqrt(above + below * left), w * sqrt(gone), arithmetic)
    b = _hypot(sqrt(below + above * left), s * sqrt(gone), arithmetic)
    sum_, difference = s * ratio(a, b), w * ratio(b, a)
    change = ratio(ratio(2 * between * rate * left + push * gone, a), a)
    size = (sum_ + difference) / 2
    grown = where(large < 0, -1, 1) * size
    # The smaller weight is the coefficient divided by the larger one.  The division comes before
    # the last product, because the coefficient itself might underflow.
    shrunk = ratio(sum_ * ratio(a, b) + w, grown) * change / 4
    return Pair(where(first, shrunk, grown), where(first, grown, shrunk))


def _driving_term(
    s: Array, w: Array, delta: Array, target: Array, root: Array, arithmetic: Arithmetic
) -> Array:
    """C of `flow`, by the expression whose terms have one sign.

    `along` is for a product uv with the sign of the target, `against` for the opposite sign; s - w
    has the sign of uv.
    """
    where, ratio = arithmetic.where, arithmetic.ratio
    twice, between = 2 * abs(target), s - w
    along = 2 * target * (s + w) + between * twice * ratio(twice, root + delta)
    lacking = ratio(delta + delta * ratio(delta, root + twice), root + delta)
    against = 2 * target * (2 * arithmetic.minimum(s, w) + abs(between) * lacking)
    return where((between < 0) == (target < 0), along, against)


def _hypot(x: Array, y: Array, arithmetic: Arithmetic) -> Array:
    """sqrt(x² + y²) for nonnegative x and y, without underflow or overflow of the squares."""
    most, least = arithmetic.maximum(x, y), arithmetic.minimum(x, y)
    part = arithmetic.ratio(least, most)
    return most * arithmetic.sqrt(1 + part * part)
