"""Wrong steps must be rejected, and their right twins accepted."""

from typing import Any, NamedTuple

import pytest
import sympy as sp

from asymptotics.arithmetic import Array
from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtMost,
    AtPoints,
    Check,
    Claim,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Less,
    Limit,
    Mean,
    OverBoxes,
    UniqueRoot,
    Verdict,
)
from asymptotics.theory import noise_level
from tests.one_step import verdict_among

d = Derivation("Planted errors", "Steps, right and wrong.", source="none", untied="a test")
kappa = d.symbol("kappa", POSITIVE, "features per sample")
alpha = d.symbol("alpha", UNIT, "fraction kept")
sigma = d.symbol("sigma", POSITIVE, "noise")
tau = d.symbol("tau", POSITIVE, "effective ridge")
gamma = d.symbol("gamma", POSITIVE, "noise level")
r = d.symbol("r", POSITIVE, "ridge")
t = d.symbol("t", POSITIVE, "threshold")
x = d.symbol("x", REAL, "a number")
y = d.symbol("y", POSITIVE, "a positive number")
Lambda = d.random("Lambda", POSITIVE, "eigenvalue")
B = d.random("B", REAL, "coefficient")
H = d.normal("H")
X = d.define("X", (Lambda * B + sp.sqrt(kappa * Lambda * gamma) * H) / (Lambda + tau), "a weight")
phi = sp.exp(-(t**2) / 2) / sp.sqrt(2 * sp.pi)
tail = sp.erfc(t / sp.sqrt(2)) / 2
EXACT, POINTS = Exactly(), AtPoints(100)
denominator = 1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)
level = (sigma**2 + tau**2 * Mean(Lambda * B**2 / (Lambda + tau) ** 2)) / denominator
root_of_ridge = {r: tau * (1 - kappa * Mean(Lambda / (Lambda + tau)))}


def computed(expression):
    return Computed(
        expression,
        noise_level,
        lambda inputs: noise_level(
            *map(inputs, (tau, kappa, sigma, r)),
            inputs(-1),
            inputs.groups(Lambda, mean=B),
            inputs.arithmetic,
        ),
    )


class Twins(NamedTuple):
    right: Claim
    wrong: Claim
    checks: tuple[Check, ...] = (EXACT, POINTS)
    given: dict[sp.Symbol, sp.Expr] | None = None


h = sp.Symbol("h", real=True)
TWINS = {
    "a sign": Twins(
        Equal(sp.Derivative(tail, t), -phi),
        Equal(sp.Derivative(tail, t), phi),
    ),
    "a factor kappa": Twins(
        Equal(Mean(Lambda * X**2) - Mean(Lambda**3 * B**2 / (Lambda + tau) ** 2),
              kappa * gamma * Mean(Lambda**2 / (Lambda + tau) ** 2)),
        Equal(Mean(Lambda * X**2) - Mean(Lambda**3 * B**2 / (Lambda + tau) ** 2),
              gamma * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    ),
    "a root of the eigenvalue": Twins(
        Equal(Mean(Lambda * X * H), gamma ** sp.Rational(1, 2) * kappa ** sp.Rational(1, 2)
              * Mean(Lambda ** sp.Rational(3, 2) / (Lambda + tau))),
        Equal(Mean(Lambda * X * H), gamma ** sp.Rational(1, 2) * kappa ** sp.Rational(1, 2)
              * Mean(Lambda / (Lambda + tau))),
    ),
    "a missing absolute value": Twins(
        Equal(sp.sqrt(x**2), sp.Abs(x)),
        Equal(sp.sqrt(x**2), x),
    ),
    "a wrong limit": Twins(
        Limit(kappa * Mean(Lambda / (Lambda + tau)), tau, 0, kappa),
        Limit(kappa * Mean(Lambda / (Lambda + tau)), tau, 0, kappa / 2),
    ),
    "a limit from the wrong side": Twins(
        Limit(1 / (1 - kappa), kappa, 1, sp.oo, "-"),
        Limit(1 / (1 - kappa), kappa, 1, sp.oo, "+"),
    ),
    "a limit that is finite": Twins(
        Limit(kappa / y, y, 0, sp.oo),
        Limit(kappa - y, y, 0, sp.oo),
    ),
    "a limit at infinity": Twins(
        Limit(tail / phi * t, t, sp.oo, 1),
        Limit(tail / phi, t, sp.oo, 1),
        checks=(EXACT,),
    ),
    "an inequality reversed": Twins(
        Less(Mean(Lambda**2 / (Lambda + tau) ** 2), Mean(Lambda / (Lambda + tau))),
        Less(Mean(Lambda / (Lambda + tau)), Mean(Lambda**2 / (Lambda + tau) ** 2)),
        checks=(POINTS,),
    ),
    "an inequality that holds almost everywhere": Twins(
        AtMost(2 * x * y, x**2 + y**2),
        AtMost(2 * x * y, x**2 + sp.Rational(99, 100) * y**2),
        checks=(AtPoints(1000),),
    ),
    "a strict inequality with equality": Twins(
        AtMost(2 * y, 1 + y**2),
        Less(2 * y, 1 + y**2),
        checks=(AtPoints(500),),
    ),
    "a bound by enclosures": Twins(
        Less(tail, sp.exp(-(t**2) / 2) * sp.Rational(51, 100)),
        Less(tail, sp.exp(-(t**2) / 2) * sp.Rational(49, 100)),
        checks=(OverBoxes({t: (0, 6)}, most=2000),),
    ),
    "a root that is not the only one": Twins(
        UniqueRoot(r / tau + kappa / (1 + tau) - 1, tau, 0, sp.oo),
        UniqueRoot(r * tau + kappa / (1 + tau) - kappa * 2, tau, 0, sp.oo),
    ),
    "a root by enclosures": Twins(
        UniqueRoot(sp.exp(-y) - x, x, 0, 2),
        UniqueRoot(sp.exp(-y) + x, x, 0, 2),
        checks=(OverBoxes({y: (1, 2)}),),
    ),
    "code without its ridge": Twins(
        computed(level),
        computed(sigma**2 / denominator),
        given=root_of_ridge,
    ),
    "code with the noise not squared": Twins(
        computed(level),
        computed((sigma + level * denominator - sigma**2) / denominator),
        given=root_of_ridge,
    ),
    "a condition forgotten": Twins(
        Equal(denominator, r / tau + kappa * tau * Mean(Lambda / (Lambda + tau) ** 2)),
        Equal(denominator, kappa * tau * Mean(Lambda / (Lambda + tau) ** 2)),
        given=root_of_ridge,
    ),
    "a matrix not transposed": Twins(
        Equal(sp.Matrix([[1, x], [0, 1]]) * sp.Matrix([[1, 0], [x, 1]]),
              sp.Matrix([[1 + x**2, x], [x, 1]])),
        Equal(sp.Matrix([[1, 0], [x, 1]]) * sp.Matrix([[1, x], [0, 1]]),
              sp.Matrix([[1 + x**2, x], [x, 1]])),
    ),
    "moments of the wrong order": Twins(
        Equal(Mean(Lambda * H**4), 3 * Mean(Lambda)),
        Equal(Mean(Lambda * H**4), Mean(Lambda)),
    ),
    "an expectation of a product": Twins(
        Equal(Mean(Lambda * B + Lambda), Mean(Lambda * B) + Mean(Lambda)),
        Equal(Mean(Lambda * B), Mean(Lambda) * Mean(B)),
    ),
}  # fmt: skip
CASES = [
    pytest.param(twins, check, id=f"{name}: {type(check).__name__}")
    for name, twins in TWINS.items()
    for check in twins.checks
]


def verdict(claim: Claim, check: Check, given: Any = None) -> Verdict:
    return verdict_among(d, claim, check, given)


@pytest.mark.parametrize(("twins", "check"), CASES)
def test_the_right_step_is_accepted(twins: Twins, check: Check) -> None:
    found = verdict(twins.right, check, twins.given)
    assert found.holds, found.found


@pytest.mark.parametrize(("twins", "check"), CASES)
def test_the_wrong_step_is_rejected(twins: Twins, check: Check) -> None:
    found = verdict(twins.wrong, check, twins.given)
    assert not found.holds
    # With a point at which it fails: undecided would not do for what is plainly false.
    assert found.found.startswith("refuted at"), found.found
    assert "left = " in found.found


def test_the_counterexample_is_the_simplest() -> None:
    found = verdict(Equal((x + y) ** 2, x**2 + y**2), EXACT, None)
    assert "x = 1, y = 1: left = 4, right = 2" in found.found


def test_what_cannot_be_decided_has_failed() -> None:
    def unknown(inputs) -> Array:
        return inputs(tau) if inputs(tau) > inputs(kappa) else 1 * inputs(tau)

    claim = Computed(tau, unknown, unknown)
    assert verdict(claim, POINTS, None).holds
    found = verdict(claim, EXACT, None)
    assert not found.holds
    assert found.found.startswith("undecided: the code cannot be run on symbols")
    found = verdict(Equal(sp.zeta(y + 1), sp.zeta(y + 1) + 0 * y), POINTS, None)
    assert not found.holds
    assert "no rule to evaluate zeta" in found.found


def test_a_domain_that_no_point_falls_into_shows_nothing() -> None:
    impossible = {r: -tau}
    found = verdict(Equal(r, -tau), POINTS, impossible)
    assert not found.holds
    assert found.found.startswith("undecided: 0 points")
