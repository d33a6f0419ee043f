r"""Stage 1: effective ridge :math:`\tau` and noise level :math:`\gamma` of the trained model.

The effective ridge solves :math:`1 - r/\tau = \kappa\,E[\Lambda/(\Lambda+\tau)]`; the noise level

.. math:: \gamma = \frac{\sigma^2 + \tau^2 E[\Lambda B^2/(\Lambda+\tau)^2]}
                        {1 - \kappa E[\Lambda^2/(\Lambda+\tau)^2]}

is the test error of the model before pruning.  With :math:`\kappa_+ = \kappa P(\Lambda>0)`, the
ridgeless model is least squares for :math:`\kappa_+<1` (:math:`\tau=0`,
:math:`\gamma=\sigma^2/(1-\kappa_+)`) and the minimum-norm interpolator for :math:`\kappa_+>1`; at
:math:`\kappa_+=1` its test error is infinite unless :math:`\sigma=0`.

Source: Hastie, Montanari, Rosset, Tibshirani (arXiv 1903.08560), sections 3-5; Li, Sattar,
Thrampoulidis, Oymak (arXiv 2006.10903), whose :math:`\xi` is :math:`1/\tau`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..arithmetic.base import Mass
from ..parameters import broadcast_shape, own_or_checked
from ..population import Groups, Population, as_population

#: If r/tau is this many times larger than the part of it that depends on the ridge, its slope
#: cancels.
_STEADY = 1000


class FixedPoint(NamedTuple):
    """The scalars that describe a trained model, each of the shape of the grid."""

    kappa: Array
    #: Effective ridge.
    tau: Array
    #: Noise level: the risk before pruning.
    gamma: Array
    #: Residual of the equation of `tau`: the log of the ratio of its two sides.
    residual: Array


def fixed_point(
    population: Population,
    kappa: Any,
    sigma: Any,
    ridge: Any = 0.0,
    arithmetic: Arithmetic = FLOAT64,
) -> FixedPoint:
    """Solve for the effective ridge and the noise level.

    `kappa`, `sigma` and `ridge` broadcast like NumPy arrays.  Raises `InvalidInput` for a
    parameter outside its domain.

    >>> from asymptotics import Population
    >>> fixed_point(Population.isotropic(), kappa=2.0, sigma=0.0).tau.item()  # kappa - 1
    1.0
    """
    given = {"kappa": kappa, "sigma": sigma, "ridge": ridge}
    checked = {key: own_or_checked(key, value, arithmetic) for key, value in given.items()}
    broadcast_shape(checked)
    return fixed_point_at(as_population(population), **checked, arithmetic=arithmetic)


@QUIET
def fixed_point_at(
    population: Population, kappa: Array, sigma: Array, ridge: Array, arithmetic: Arithmetic
) -> FixedPoint:
    """The fixed point at checked parameters: exact numbers, or numbers of the arithmetic."""
    given = kappa
    kappa, sigma, ridge = map(arithmetic.taken, (kappa, sigma, ridge))
    excess = features_excess(given, population.mass_above(0, arithmetic), arithmetic)

    groups = population.groups(arithmetic)
    start = None
    if arithmetic.slow:
        # The solution in floats leaves only a few steps to numbers of many digits.
        floats = [arithmetic.floats(x) for x in (kappa, sigma, ridge)]
        guess = fixed_point_at(population, floats[0], floats[1], floats[2], FLOAT64).tau
        start = arithmetic.log_guess(guess)

    def excess_above(tau: Array) -> Array:
        return arithmetic.excess(given, population.mass_above(tau, arithmetic))

    tau, residual = effective_ridge(groups, kappa, ridge, excess, excess_above, start, arithmetic)
    gamma = noise_level(tau, kappa, sigma, ridge, excess, groups, arithmetic)
    return FixedPoint(kappa, tau, gamma, residual)


def features_excess(kappa: Array, mass: Mass, arithmetic: Arithmetic) -> Array:
    """``kappa * mass - 1``, which is 0 at interpolation: features in the fit per sample, minus 1.

    `kappa` is as it was given, perhaps exact: the difference would lose digits if it were rounded
    first.
    """
    return or_interpolation(arithmetic.excess(kappa, mass), arithmetic)


def or_interpolation(excess: Array, arithmetic: Arithmetic) -> Array:
    """An excess, or a 0 without slopes where it differs from 0 by no more than roundings.

    It decides whether a fit without a ridge is least squares.  A fit with a ridge is smooth there,
    and takes the excess as it was computed.
    """
    return arithmetic.where(abs(excess) <= arithmetic.indistinct, 0, excess)


def effective_ridge(
    groups: Groups,
    kappa: Array,
    ridge: Array,
    excess: Array,
    excess_above: Callable[[Array], Array],
    start: Array | None,
    arithmetic: Arithmetic,
) -> tuple[Array, Array]:
    r"""The effective ridge of the features in `groups`, and how far its equation is from holding.

    `excess` is :math:`\kappa P(\Lambda>0)-1`, and `excess_above` gives
    :math:`\kappa P(\Lambda>\tau)-1`; the caller may know them better than sums over groups do.
    """
    least_squares = (ridge == 0) & (excess <= 0)
    scale, smallest = _spectrum(groups, arithmetic)
    # A bracket of tau.  The equation makes r/tau at most 1, and with λ the smallest positive
    # eigenvalue κ₊ λ/(λ+tau) at most 1, so that tau >= λ (κ₊-1).  Multiplied by tau, it reads
    # tau = r + κ E[Λ tau/(Λ+tau)], which is at most r + κ E[Λ].
    lower = arithmetic.maximum(ridge, smallest * excess)
    upper = ridge + kappa * scale
    log_lower, log_upper = (
        arithmetic.log(arithmetic.where(least_squares, 1, bound)) for bound in (lower, upper)
    )

    def equation(log_tau: Array) -> tuple[Array, Array]:
        tau = arithmetic.exp(log_tau)
        partial = excess_above(tau)
        ratio, slope = effective_ridge_balance(tau, kappa, ridge, partial, groups, arithmetic)
        return arithmetic.log(arithmetic.where(least_squares, 1, ratio)), slope

    log_tau = arithmetic.root(equation, log_lower, log_upper, start)
    # For least squares tau is 0, since the ridge is.  Written as r/(1-κ₊) it also has the right
    # derivative in the ridge, which dual numbers read off.
    at_zero = arithmetic.ratio(ridge, -excess)
    tau = arithmetic.where(least_squares, at_zero, arithmetic.exp(log_tau))
    value, _ = equation(log_tau)
    return tau, arithmetic.where(least_squares, 0, abs(value))


def effective_ridge_balance(
    tau: Array,
    kappa: Array,
    ridge: Array,
    excess: Array,
    groups: Groups,
    arithmetic: Arithmetic = FLOAT64,
) -> tuple[Array, Array]:
    r"""Ratio of the two sides of the equation of `tau`, and the slope of its log in log tau.

    The ratio falls through 1 at the effective ridge.  Above :math:`\tau` the expectation is written
    with :math:`\Lambda/(\Lambda+\tau) = 1 - \tau/(\Lambda+\tau)`.  With `excess`
    :math:`e=\kappa P(\Lambda>\tau)-1`, of positive part :math:`e_+` and negative part
    :math:`e_-`, the equation becomes

    .. math:: \frac r\tau + \kappa E\Big[\frac\Lambda{\Lambda+\tau};\Lambda\le\tau\Big] + e_+
              = \kappa E\Big[\frac\tau{\Lambda+\tau};\Lambda>\tau\Big] + e_-,

    with sums of non-negative terms on both sides: the only difference that can cancel is the one
    in `excess`, which the caller computes accurately.  The log of the ratio is nearly linear in
    log tau, which suits Newton's method.
    """
    column = arithmetic.column(tau)

    def integrand(groups: Groups) -> tuple[Array, ...]:
        total = groups.eigenvalue + column
        above = arithmetic.beyond(groups.eigenvalue, column)
        seen, unseen = groups.eigenvalue / total, column / total
        # d seen/d(log tau) = -seen unseen, and d unseen/d(log tau) = seen unseen.
        product = seen * unseen
        return (
            arithmetic.where(above, 0, seen),
            arithmetic.where(above, unseen, 0),
            arithmetic.where(above, 0, product),
            arithmetic.where(above, product, 0),
        )

    below, above, falling, rising = (kappa * part for part in arithmetic.expect(integrand, groups))
    share = ridge / tau
    positive_part = arithmetic.maximum(excess, 0)
    left, right = share + below + positive_part, above + (positive_part - excess)
    slope = arithmetic.ratio(share + falling, left) + arithmetic.ratio(rising, right)
    return arithmetic.ratio(left, right), -slope


def noise_level(
    tau: Array,
    kappa: Array,
    sigma: Array,
    ridge: Array,
    excess: Array,
    groups: Groups,
    arithmetic: Arithmetic = FLOAT64,
) -> Array:
    r"""The noise level :math:`\gamma` at the effective ridge `tau`, infinite where it diverges.

    The denominator :math:`1 - \kappa E[\Lambda^2/(\Lambda+\tau)^2]` is computed in one of two forms
    that do not cancel.  By the equation of :math:`\tau` it equals
    :math:`r/\tau + \kappa E[\Lambda\tau/(\Lambda+\tau)^2]`, a sum of non-negative terms.  For
    least squares, where :math:`\tau=0` and :math:`r/\tau` is undefined, it is
    :math:`(1 - \kappa_+) + \kappa E[1 - \Lambda^2/(\Lambda+\tau)^2;\,\Lambda>0]`, whose second
    term vanishes at :math:`\tau=0` but has a derivative in :math:`\tau`.
    """
    column = arithmetic.column(tau)

    def integrand(groups: Groups) -> tuple[Array, ...]:
        total = groups.eigenvalue + column
        unseen = arithmetic.ratio(column, total)
        missed = groups.eigenvalue * groups.second_moment * unseen * unseen
        # With s = Λ/(Λ+τ): 1 - s² = (1 - s) + s (1 - s), the sum of `alive` and `product`.
        alive = arithmetic.where(groups.eigenvalue > 0, unseen, 0)
        return missed, arithmetic.ratio(groups.eigenvalue, total) * unseen, alive

    missed, product, alive = arithmetic.expect(integrand, groups)
    numerator = sigma * sigma + missed
    unridged = kappa * (alive + product) - excess
    ridged = share_left(ridge, tau, kappa * alive, excess, arithmetic) + kappa * product
    denominator = arithmetic.where((ridge == 0) & (excess <= 0), unridged, ridged)
    divergent = arithmetic.where(numerator > 0, arithmetic.infinity, 0)
    return arithmetic.ratio(numerator, denominator, divergent)


def share_left(
    ridge: Array, tau: Array, missed: Array, excess: Array, arithmetic: Arithmetic
) -> Array:
    r""":math:`r/\tau`, the share of the samples that a fit with a ridge leaves free.

    By the equation of :math:`\tau` it equals `missed`, :math:`\kappa E[\tau/(\Lambda+\tau);
    \Lambda>0]`, less `excess`, :math:`\kappa_+-1`.  With a small ridge and :math:`\kappa_+<1` the
    share hardly depends on the ridge: its slope, :math:`(1 - r\tau'/\tau)/\tau`, cancels, and that
    of `missed` does not.
    """
    share = arithmetic.ratio(ridge, tau)
    steady = arithmetic.beyond(-excess, _STEADY * missed)
    return arithmetic.where(steady, arithmetic.differentiated_as(share, missed - excess), share)


def _spectrum(groups: Groups, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """The mean eigenvalue, and the smallest positive one (1 if all are zero)."""
    (mean,) = arithmetic.expect(lambda groups: (groups.eigenvalue,), groups)
    positive = arithmetic.where(groups.eigenvalue > 0, groups.eigenvalue, arithmetic.infinity)
    smallest = arithmetic.over_groups("min", positive)
    return mean, arithmetic.where(smallest < arithmetic.infinity, smallest, 1)
