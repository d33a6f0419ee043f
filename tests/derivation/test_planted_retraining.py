"""Errors in the derivation of the risk after a second fit: each must be refuted.

Each stands in the place of a step of that derivation, which holds, with its check and its domain.
"""

import runpy
from types import SimpleNamespace

import pytest
import sympy as sp

from asymptotics.derivation import Claim, Computed, Equal, Limit, Mean
from asymptotics.derivation.library import path_of
from tests.one_step import verdict_among

d = SimpleNamespace(**runpy.run_path(str(path_of("retrained_risk"))))
STEPS = {step.name: step for step in d.derivation.steps}


def planted_code(step: str, expression: sp.Expr) -> tuple[str, Claim]:
    """A step tied to code, with another expression."""
    claim = STEPS[step].claim
    assert isinstance(claim, Computed)
    return step, Computed(expression, claim.function, claim.run)


#: What a retrained weight has of what the first fit left over.
left_over = d.W * d.h * d.V
PLANTED: dict[str, tuple[str, Claim]] = {
    "nothing of what was left over in Stein's identity": (
        "The first equation",
        Equal(
            d.S_12 - Mean(d.Lambda * d.kept(d.U * left_over)) / d.kappa,
            d.gamma * d.F_1,
        ),
    ),
    "nothing of what was left over in the covariance": (
        "The second equation",
        Equal(d.C_12 - Mean(d.Lambda * d.kept((d.X - d.B) * left_over)), -d.F_2),
    ),
    "the memory of Stein's identity forgotten": (
        "The first equation",
        Equal(d.S_12 - d.gamma * d.a_2 * d.h / d.kappa, d.gamma * d.F_1),
    ),
    "the memory of Stein's identity with the other sign": (
        "The first equation",
        Equal(d.S_12 - 2 * d.gamma * d.a_2 * d.h / d.kappa, d.gamma * d.F_1),
    ),
    "a first fit that leaves nothing over": (
        "What is left over",
        Equal(d.V, sp.Integer(0)),
    ),
    "h with the other sign in a weight": (
        "Error of a retrained weight",
        Equal(d.e, -d.W_bar * (d.B - d.chi * d.X) + d.W * (d.theta * d.U - d.h * d.V)),
    ),
    "h with the other sign in the code": planted_code(
        "The code's error of a retrained weight", d.e - 2 * left_over
    ),
    "no h in the code": planted_code("The code's error of a retrained weight", d.e - left_over),
    "the mask independent of the noise": (
        "Noise of the weights kept",
        Equal(
            sp.ImmutableMatrix([d.in_group(x, d.KEPT) for x in (d.B_x * d.U_x, d.U_x**2)]),
            sp.ImmutableMatrix([0, d.kappa * d.gamma * Mean(d.P)]),
        ),
    ),
    "the second cut with the sign of the first": (
        "The boundary of the mask",
        Equal(
            d.density(d.u) * d.linear.subs(d.z, d.u) + d.density(d.l) * d.linear.subs(d.z, -d.l),
            d.p_0 * d.AT_CUTS[1] + d.p_1 * d.AT_CUTS[2],
        ),
    ),
    "no boundary in the code's first equation": planted_code(
        "The code's first equation: right-hand side", -d.chi * Mean(d.a * d.W_bar * d.P)
    ),
    "no boundary in the code's second equation": planted_code(
        "The code's second equation: coefficient of theta", 1 - d.kappa * Mean(d.a * d.W * d.P)
    ),
    "h with the other sign in the code's first equation": planted_code(
        "The code's first equation: sum of both coefficients",
        sp.Derivative(d.F_1, d.theta) - sp.Derivative(d.F_1, d.h),
    ),
    "all of the second noise new": (
        "The risk",
        Equal(d.E_2 + d.R_2 * d.Q_2, d.R_2),
    ),
    "the formula of an independent mask for any": (
        "Least squares: the risk",
        Equal(d.least_squares(d.N), d.sigma**2 + Mean(d.Lambda * d.D)),
    ),
    "the noise that the mask has seen added": (
        "Least squares: theta",
        Equal(
            d.least_squares(d.F_2),
            d.gamma
            * (d.theta * (1 - d.rho + d.kappa * Mean(d.n)) - (1 - d.kappa + d.kappa * Mean(d.b))),
        ),
    ),
    "theta 1 in the code's least squares": planted_code(
        "The code's theta of least squares", sp.Integer(1)
    ),
    "a numerator without the noise that both fits share": planted_code(
        "The code's numerator of the risk",
        d.N + d.theta**2 * d.gamma * d.kappa * Mean(d.W**2 * d.P),
    ),
    "a numerator without the error of the weights kept": planted_code(
        "The code's numerator of the risk", d.N - Mean(d.Lambda * d.kept(d.e**2))
    ),
    "a strong ridge towards anything that leads to the pruned weights": (
        "A strong ridge",
        Limit(
            d.N,
            d.tau_2,
            sp.oo,
            d.sigma**2 + Mean(d.Lambda * d.D) + Mean(d.Lambda * d.kept((d.B - d.X) ** 2)),
        ),
    ),
    "a strong ridge towards anything that leads to zero": (
        "A strong ridge",
        Limit(d.N, d.tau_2, sp.oo, d.sigma**2 + Mean(d.Lambda * (d.D + d.K))),
    ),
    "the first shrinkage where the mask is independent of the data": (
        "A mask that is independent of the data: the risk",
        Equal(
            d.N,
            d.sigma**2 + Mean(d.Lambda * d.D) + Mean(d.Lambda * d.a_bar**2 * d.K),
        ),
    ),
    "a small model of all coefficients": planted_code(
        "The code's noise level of a small model",
        (d.sigma_2**2 + Mean(d.Lambda * d.W_bar**2 * d.m**2)) / d.Q,
    ),
    "a second ridge of all weights": planted_code(
        "The code's equation of the second ridge", d.r_2 / d.tau_2 + d.kappa * Mean(d.W)
    ),
    "a first moment of both cuts added": planted_code(
        "The code's first moment at the boundary",
        (d.density(d.u) + d.density(d.l)) / sp.sqrt(d.variance),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refuted(name: str) -> None:
    step, claim = PLANTED[name]
    found = verdict_among(d.derivation, claim, STEPS[step].check, STEPS[step].given)
    assert not found.holds
    assert found.found.startswith("refuted at"), found.found
