r"""Derivatives of the solution (tau, gamma) and of the pruned risk in a parameter.

With the equation :math:`F(\tau, p) = 0` of the effective ridge, the implicit function theorem gives
:math:`d\tau/dp = -\partial_p F / \partial_\tau F`.
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import GroupSymbol, Mean
from ..theory import Rule
from .symbols import (
    ALPHA,
    CHANNEL,
    GAMMA,
    NOISE,
    SHRINKAGE,
    TAU,
    Parts,
    T,
    balance,
    noise_level_of,
    pruned,
    with_names,
)  # fmt: skip


def _slopes(parameter: sp.Symbol) -> dict[sp.Symbol, Any]:
    """The total derivatives of the effective ridge and the noise level in a parameter."""
    equation = balance() - 1
    tau = -equation.diff(parameter) / equation.diff(TAU)
    gamma = noise_level_of().diff(parameter) + noise_level_of().diff(TAU) * tau
    return {TAU: tau, GAMMA: gamma}


def slope_of(solution: sp.Symbol, parameter: sp.Symbol) -> Parts:
    """The formula of the derivative of the effective ridge, or of the noise level."""
    return sp.Derivative(solution, parameter), _slopes(parameter)[solution], {}


def risk_slope(rule: Rule, parameter: sp.Symbol) -> Parts:
    r"""The formula of the derivative of the pruned risk R in a parameter p.

    The threshold t moves with p so that the kept fraction K stays equal to alpha:

    .. math:: \frac{dR}{dp} = \partial_p R - \partial_t R\,\frac{\partial_p K}{\partial_t K},
        \qquad \frac{dR}{d\alpha} = \frac{\partial_t R}{\partial_t K}.

    :math:`\partial_p` is at a fixed threshold, and includes the change of the channel with tau and
    gamma.
    """
    risk, kept = pruned(rule)
    left = sp.Derivative(sp.Symbol("R"), parameter)
    if parameter == ALPHA:
        slope, named = with_names(risk.diff(T) / kept.diff(T), rule)
        return left, slope, {**CHANNEL, **named}
    tau, gamma = sp.symbols("tau_slope gamma_slope", real=True)
    # The rate of the shrinkage and of the noise, by the chain rule through tau and gamma.
    rates = {x: GroupSymbol(f"{x}_slope", real=True) for x in (SHRINKAGE, NOISE)}
    slopes = _slopes(parameter)
    where = {tau: slopes[TAU], gamma: slopes[GAMMA], **CHANNEL}
    for x, rate in rates.items():
        law = CHANNEL[x]
        where[rate] = law.diff(TAU) * tau + law.diff(GAMMA) * gamma + law.diff(parameter)
    change, shift = (_along(part, parameter, rates) for part in (risk, kept))
    total, named = with_names(change - risk.diff(T) * shift / kept.diff(T), rule)
    return left, total, {**where, **named}


def _along(expression: Any, parameter: sp.Symbol, rates: Mapping[sp.Symbol, Any]) -> Any:
    """The derivative of a sum of expectations in a parameter, at a fixed threshold.

    `rates` gives the derivatives of the symbols of groups, the shrinkage and the noise.
    """

    def of_groups(mean: Any) -> Any:
        return Mean(sum(mean.integrand.diff(x) * rate for x, rate in rates.items()))

    terms = sp.Add.make_args(expression)
    moved = [
        term.replace(lambda part: isinstance(part, Mean), of_groups)
        for term in terms
        if term.has(Mean)
    ]
    return expression.diff(parameter) + sum(moved)
