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

from typing import Any, NamedTuple

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..parameters import parameter
from ..population import Groups, Population


class FixedPoint(NamedTuple):
    """The scalars that describe a trained model, each of the shape of the grid."""

    kappa: Array
    #: Effective ridge.
    tau: Array
    #: Noise level: the risk before pruning.
    gamma: Array
    #: How far the equation of `tau` is from holding, relative to its two sides.
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
    kappa, sigma, ridge = (
        parameter("kappa", kappa),
        parameter("sigma", sigma),
        parameter("ridge", ridge),
    )
    groups = population.groups(arithmetic)
    excess = arithmetic.excess(kappa, population.active_share(arithmetic))
    kappa, sigma, ridge = map(arithmetic.array, (kappa, sigma, ridge))

    least_squares = (ridge == 0) & (excess <= 0)
    scale, smallest = _spectrum(groups, arithmetic)
    lower = arithmetic.maximum(ridge, smallest * excess)
    upper = ridge + kappa * scale
    log_lower, log_upper = (
        arithmetic.log(arithmetic.where(least_squares, 1, bound)) for bound in (lower, upper)
    )

    def equation(log_tau: Array) -> tuple[Array, Array]:
        tau = arithmetic.exp(log_tau)
        ratio, slope = effective_ridge_balance(tau, kappa, ridge, excess, groups, arithmetic)
        return arithmetic.log(arithmetic.where(least_squares, 1, ratio)), slope

    log_tau = arithmetic.root(equation, log_lower, log_upper)
    tau = arithmetic.where(least_squares, 0, arithmetic.exp(log_tau))
    ratio, _ = effective_ridge_balance(tau, kappa, ridge, excess, groups, arithmetic)
    gamma = noise_level(tau, kappa, sigma, ridge, excess, groups, arithmetic)
    return FixedPoint(kappa, tau, gamma, arithmetic.where(least_squares, 0, abs(ratio - 1)))


def effective_ridge_balance(
    tau: Array,
    kappa: Array,
    ridge: Array,
    excess: Array,
    groups: Groups,
    arithmetic: Arithmetic = FLOAT64,
) -> tuple[Array, Array]:
    r"""Ratio of the two sides of the equation of `tau`, and the slope of its log in log tau.

    The ratio decreases in `tau` and is 1 at the effective ridge.  With `excess`
    :math:`e=\kappa_+-1` the equation :math:`r/\tau+\kappa E[\Lambda/(\Lambda+\tau)] = 1` is
    taken as it stands for :math:`e\ge1`, and otherwise as

    .. math:: r/\tau + \max(e,0) = \kappa E[\tau/(\Lambda+\tau);\Lambda>0] + \max(-e,0),

    the same with the digits that cancel at :math:`\kappa_+=1` taken out.  Either way its log is
    close to linear in log tau around the root.
    """
    column = arithmetic.column(tau)

    def integrand(groups: Groups) -> tuple[Array, ...]:
        total = groups.eigenvalue + column
        seen = arithmetic.ratio(groups.eigenvalue, total)
        unseen = arithmetic.where(groups.eigenvalue > 0, arithmetic.ratio(column, total), 0)
        return seen, unseen, seen * unseen

    seen, unseen, product = (kappa * part for part in arithmetic.expect(integrand, groups))
    share = arithmetic.ratio(ridge, tau)
    many = excess >= 1
    left = share + arithmetic.where(many, seen, arithmetic.maximum(excess, 0))
    right = arithmetic.where(many, 1, unseen + arithmetic.maximum(-excess, 0))
    falling = arithmetic.ratio(share + arithmetic.where(many, product, 0), left)
    rising = arithmetic.ratio(arithmetic.where(many, 0, product), right)
    return arithmetic.ratio(left, right), -(falling + rising)


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

    At the root the denominator :math:`1 - \kappa E[\Lambda^2/(\Lambda+\tau)^2]` equals
    :math:`r/\tau + \kappa E[\Lambda\tau/(\Lambda+\tau)^2]`, a sum of positive terms; for least
    squares it is :math:`1 - \kappa_+`.
    """
    column = arithmetic.column(tau)

    def integrand(groups: Groups) -> tuple[Array, ...]:
        total = groups.eigenvalue + column
        unseen = arithmetic.ratio(column, total)
        missed = groups.eigenvalue * groups.second_moment * unseen * unseen
        return missed, arithmetic.ratio(groups.eigenvalue, total) * unseen

    missed, product = arithmetic.expect(integrand, groups)
    numerator = sigma * sigma + missed
    denominator = arithmetic.where(
        (ridge == 0) & (excess <= 0), -excess, arithmetic.ratio(ridge, tau) + kappa * product
    )
    divergent = arithmetic.where(numerator > 0, arithmetic.infinity, 0)
    return arithmetic.ratio(numerator, denominator, divergent)


def _spectrum(groups: Groups, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """Mean eigenvalue, and the smallest positive one (1 if there is none)."""
    (mean,) = arithmetic.expect(lambda groups: (groups.eigenvalue,), groups)
    positive = arithmetic.where(groups.eigenvalue > 0, groups.eigenvalue, arithmetic.infinity)
    smallest = arithmetic.over_groups("min", positive)
    return mean, arithmetic.where(smallest < arithmetic.infinity, smallest, 1)
