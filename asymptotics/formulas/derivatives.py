"""Derivatives of the solutions and of the pruned risk, by the implicit function theorem."""

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
    level,
    pruned,
    with_names,
)  # fmt: skip


def _slopes(parameter: sp.Symbol) -> dict[sp.Symbol, Any]:
    """Derivatives of the effective ridge and the noise level, by the implicit function theorem."""
    equation = balance() - 1
    tau = -equation.diff(parameter) / equation.diff(TAU)
    gamma = level().diff(parameter) + level().diff(TAU) * tau
    return {TAU: tau, GAMMA: gamma}


def slope_of(solution: sp.Symbol, parameter: sp.Symbol) -> Parts:
    """Derivative of the effective ridge, or of the noise level."""
    return sp.Derivative(solution, parameter), _slopes(parameter)[solution], {}


def risk_slope(rule: Rule, parameter: sp.Symbol) -> Parts:
    """Derivative of the pruned risk, the threshold moving so that alpha is kept."""
    risk, kept = pruned(rule)
    left = sp.Derivative(sp.Symbol("R"), parameter)
    if parameter == ALPHA:
        slope, named = with_names(risk.diff(T) / kept.diff(T), rule)
        return left, slope, {**CHANNEL, **named}
    tau, gamma = sp.symbols("tau_slope gamma_slope", real=True)
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
    """The derivative of a sum of expectations, whose groups change at certain rates."""

    def of_groups(mean: Any) -> Any:
        return Mean(sum(mean.integrand.diff(x) * rate for x, rate in rates.items()))

    terms = sp.Add.make_args(expression)
    moved = [
        term.replace(lambda part: isinstance(part, Mean), of_groups)
        for term in terms
        if term.has(Mean)
    ]
    return expression.diff(parameter) + sum(moved)
