"""Limits of the noise level, by series of the formulas in a number that vanishes."""

from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from .symbols import EIGENVALUE, KAPPA, RIDGE, SIGMA, TAU, level


def _expanded(expression: Any, small: sp.Symbol, order: int) -> Any:
    """The expectations of an expression as polynomials in a small number."""

    def polynomial(mean: Any) -> Any:
        terms = sp.series(sp.together(mean.integrand), small, 0, order).removeO()
        return sp.expand(Mean(sp.expand(terms)))

    return expression.replace(lambda part: isinstance(part, Mean), polynomial)


def _leading(gamma: Any, parameter: Any, small: sp.Symbol, count: int) -> tuple[Any, Any]:
    """Coefficients of gamma in a parameter that vanishes with a small number, to first order.

    Both are functions of the small number; `count` more orders are carried than are needed.
    """
    gamma, parameter = (_expanded(x, small, count) for x in (gamma, parameter))
    rate = sp.limit(parameter / small, small, 0)
    value = sp.limit(gamma, small, 0)
    slope = sp.limit((gamma - value) / small, small, 0) / rate
    return sp.simplify(value), sp.simplify(slope)


_SMALL = sp.Symbol("epsilon", positive=True)
_RIDGELESS_KAPPA: Any = 1 / Mean(EIGENVALUE / (EIGENVALUE + TAU))


def many_features() -> Any:
    """Ridgeless, kappa to infinity: tau is large with it."""
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, 1 / _SMALL)
    value, slope = _leading(gamma, 1 / _RIDGELESS_KAPPA.subs(TAU, 1 / _SMALL), _SMALL, 4)
    return value + slope / KAPPA


def from_above() -> Any:
    """Ridgeless, kappa to 1 from above: tau vanishes with kappa - 1, gamma has a pole there."""
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, _SMALL)
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    value, slope = _leading(gamma * excess, excess, _SMALL, 4)
    return value / (KAPPA - 1) + slope


def from_above_without_noise() -> Any:
    """Ridgeless and without noise, kappa to 1 from above: gamma vanishes with kappa - 1."""
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs({SIGMA: 0, TAU: _SMALL})
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    _, slope = _leading(gamma, excess, _SMALL, 4)
    return slope * (KAPPA - 1)


_RIDGE_OF_TAU = TAU * (1 - KAPPA * Mean(EIGENVALUE / (EIGENVALUE + TAU)))


def small_ridge() -> Any:
    """Below the threshold tau vanishes with the ridge."""
    gamma = level().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, _SMALL)
    value, slope = _leading(gamma, _RIDGE_OF_TAU.subs(TAU, _SMALL), _SMALL, 4)
    return value + slope * RIDGE


def large_ridge() -> Any:
    """A large ridge makes tau large."""
    gamma = level().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, 1 / _SMALL)
    value, slope = _leading(gamma, 1 / _RIDGE_OF_TAU.subs(TAU, 1 / _SMALL), _SMALL, 5)
    return value + slope / RIDGE
