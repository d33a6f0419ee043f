r"""Limits of the noise level gamma, by expanding its formula in a small number epsilon.

The formula depends on tau, which is not an explicit function of kappa or the ridge; but the inverse
is explicit.  So tau is set to epsilon, or to 1/epsilon, and both gamma and a parameter q, such as
kappa - 1 or the ridge, become functions of epsilon.  With :math:`q \approx q'\epsilon`,

.. math:: \gamma \approx \gamma_0 + \gamma_1 q, \qquad
    \gamma_1 = \frac{d\gamma/d\epsilon}{dq/d\epsilon} \text{ at } \epsilon = 0.
"""

from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from .symbols import EIGENVALUE, KAPPA, RIDGE, SIGMA, TAU, noise_level_of


def _expanded(expression: Any, small: sp.Symbol, order: int) -> Any:
    """An expression with each integrand expanded in powers of `small`, to the given order."""

    def polynomial(mean: Any) -> Any:
        terms = sp.series(sp.together(mean.integrand), small, 0, order).removeO()
        return sp.expand(Mean(sp.expand(terms)))

    return expression.replace(lambda part: isinstance(part, Mean), polynomial)


def _first_order(gamma: Any, parameter: Any, small: sp.Symbol, count: int) -> tuple[Any, Any]:
    """The coefficients c0 and c1 of ``gamma = c0 + c1 * parameter``, to first order.

    Both `gamma` and `parameter` are functions of `small`, with which the parameter vanishes; their
    integrands are expanded to `count` terms, enough for the limits not to depend on the rest.
    """
    gamma, parameter = (_expanded(x, small, count) for x in (gamma, parameter))
    rate = sp.limit(parameter / small, small, 0)
    value = sp.limit(gamma, small, 0)
    slope = sp.limit((gamma - value) / small, small, 0) / rate
    return sp.simplify(value), sp.simplify(slope)


#: The small number.
_SMALL = sp.Symbol("epsilon", positive=True)
#: Without a ridge tau solves kappa E[Lambda/(Lambda + tau)] = 1: kappa as a function of tau.
_RIDGELESS_KAPPA: Any = 1 / Mean(EIGENVALUE / (EIGENVALUE + TAU))


def many_features() -> Any:
    """gamma for kappa to infinity without ridge, to first order in 1/kappa; tau is large."""
    gamma = noise_level_of(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, 1 / _SMALL)
    value, slope = _first_order(gamma, 1 / _RIDGELESS_KAPPA.subs(TAU, 1 / _SMALL), _SMALL, 4)
    return value + slope / KAPPA


def from_above() -> Any:
    """gamma for kappa to 1 from above without ridge, up to terms that vanish.

    There tau vanishes with kappa - 1, and gamma has a pole: (kappa - 1) gamma is expanded.
    """
    gamma = noise_level_of(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, _SMALL)
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    value, slope = _first_order(gamma * excess, excess, _SMALL, 4)
    return value / (KAPPA - 1) + slope


def from_above_without_noise() -> Any:
    """gamma for kappa to 1 from above without ridge and noise: it vanishes like kappa - 1."""
    gamma = noise_level_of(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs({SIGMA: 0, TAU: _SMALL})
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    _, slope = _first_order(gamma, excess, _SMALL, 4)
    return slope * (KAPPA - 1)


#: The ridge as a function of tau, from r = tau (1 - kappa E[Lambda/(Lambda + tau)]).
_RIDGE_OF_TAU = TAU * (1 - KAPPA * Mean(EIGENVALUE / (EIGENVALUE + TAU)))


def small_ridge() -> Any:
    """gamma for a small ridge at kappa < 1, where tau vanishes with the ridge, to first order."""
    gamma = noise_level_of().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, _SMALL)
    value, slope = _first_order(gamma, _RIDGE_OF_TAU.subs(TAU, _SMALL), _SMALL, 4)
    return value + slope * RIDGE


def large_ridge() -> Any:
    """gamma for a large ridge, where tau is large too, to first order in one over the ridge."""
    gamma = noise_level_of().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, 1 / _SMALL)
    value, slope = _first_order(gamma, 1 / _RIDGE_OF_TAU.subs(TAU, 1 / _SMALL), _SMALL, 5)
    return value + slope / RIDGE
