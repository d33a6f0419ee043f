"""Of each kind of statement about networks a wrong one is rejected, and its right twin accepted."""

from typing import NamedTuple

import pytest
import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtPoints,
    Check,
    Claim,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Inputs,
    Limit,
    Mean,
    between,
    integers_from,
)
from asymptotics.networks.diagonal_flow import Pair, end, flow
from asymptotics.networks.initial_pruning import deleting_scale, kept_at_start
from asymptotics.networks.lazy import Modes, coupling, lazy_prediction
from tests.one_step import verdict_among

d = Derivation("Planted errors", "Steps, right and wrong.", source="none", untied="a test")
eta = d.symbol("eta", POSITIVE, "scale of the start")
u = d.symbol("u", POSITIVE, "a weight")
v = d.symbol("v", POSITIVE, "another")
beta = d.symbol("beta", POSITIVE, "the target")
lam = d.symbol("lambda", POSITIVE, "eigenvalue")
t = d.symbol("t", between(0, 3), "time")
c = d.symbol("c", between(sp.Rational(1, 10), 5), "a cut")
f = d.symbol("f", UNIT, "a part")
nu = d.symbol("nu", UNIT, "part of the output layer")
r = d.symbol("r", REAL, "error in a mode")
s = d.symbol("s", REAL, "another")
mu = d.symbol("mu", POSITIVE, "a rate")
inputs_ = d.symbol("d", integers_from(1), "inputs")
width = d.symbol("m", integers_from(1), "neurons")
x = d.random("x", REAL, "input")
y = d.random("y", REAL, "output")
EXACT, POINTS = Exactly(), AtPoints(200)


def at(expression, output):
    """Of the first weight times eta, and another second one."""
    return sp.Subs(expression, (u, v), (eta * u, output))


loss = Mean((u * v * x - y) ** 2) / 2
saliency = u**2 * sp.Derivative(loss, u, 2) / 2
rescaled = at(saliency, v / eta)
delta = u**2 - v**2
root = sp.sqrt(delta**2 + 4 * beta**2)
outranking = sp.erfc(c / sp.sqrt(2))
scale = (inputs_ / width) ** sp.Rational(1, 4) / sp.sqrt(c)
partly = (inputs_ * outranking + f) / (inputs_ + 1)
strength = nu + (1 - nu) / eta**4


def trained(inputs: Inputs):
    start = Pair(inputs(u), inputs(v))
    after = flow(start, inputs(lam), inputs(beta), inputs(t), inputs.arithmetic)
    return after.u**2 - after.v**2


def ended(inputs: Inputs):
    return end(Pair(inputs(u), inputs(v)), inputs(beta), inputs.arithmetic).u ** 2


def kept(inputs: Inputs):
    alpha, sizes = inputs(partly), (inputs(inputs_), inputs(width))
    return kept_at_start(inputs(scale), alpha, *sizes, inputs.arithmetic).output


def deleting(inputs: Inputs):
    alpha, sizes = inputs(inputs_ * outranking / (inputs_ + 1)), (inputs(inputs_), inputs(width))
    return deleting_scale(alpha, *sizes, inputs.arithmetic)


def way_of_hidden(inputs: Inputs):
    modes = Modes(1, inputs([nu]), inputs([1 - nu]), inputs([r]), inputs([u]))
    return lazy_prediction(modes, inputs(eta), inputs.arithmetic).moved.hidden ** 2


class Twins(NamedTuple):
    right: Claim
    wrong: Claim
    check: Check


TWINS = {
    "rescaling leaves the loss": Twins(
        Equal(at(loss, v / eta), loss), Equal(at(loss, v / eta**2), loss), EXACT
    ),
    "rescaling leaves the saliency": Twins(
        Equal(rescaled, saliency), Equal(rescaled, eta**2 * saliency), EXACT
    ),
    "magnitudes do not stay": Twins(
        Limit(eta * u / (v / eta), eta, sp.oo, sp.oo),
        Limit(eta * u / (v / eta), eta, sp.oo, u / v),
        EXACT,
    ),
    "what the flow conserves": Twins(
        Equal(u * sp.Derivative(loss, u) - v * sp.Derivative(loss, v), sp.Integer(0)),
        Equal(u * sp.Derivative(loss, u) + v * sp.Derivative(loss, v), sp.Integer(0)),
        EXACT,
    ),
    "the code conserves it": Twins(
        Computed(delta, flow, trained), Computed(u**2 + v**2, flow, trained), POINTS
    ),
    "where the flow ends": Twins(
        Computed((delta + root) / 2, end, ended), Computed((root - delta) / 2, end, ended), POINTS
    ),
    "the way of hidden weights": Twins(
        Computed((1 - nu) / eta**6 * (r / strength) ** 2, lazy_prediction, way_of_hidden),
        Computed((1 - nu) / eta**4 * (r / strength) ** 2, lazy_prediction, way_of_hidden),
        POINTS,
    ),
    "the rate of hidden weights": Twins(
        Limit((1 - nu) / strength**2, eta, sp.oo, (1 - nu) / nu**2),
        Limit((1 - nu) / strength**2, eta, sp.oo, (1 - nu) / nu),
        EXACT,
    ),
    "the constant of hidden weights": Twins(
        Computed(
            r * s / (mu * (lam + mu)),
            coupling,
            lambda inputs: coupling(inputs([r, s]), inputs([lam, mu]))[0, 1],
        ),
        Computed(
            r * s / (lam * (lam + mu)),
            coupling,
            lambda inputs: coupling(inputs([r, s]), inputs([lam, mu]))[0, 1],
        ),
        POINTS,
    ),
    "what is kept at the start": Twins(
        Computed(f, kept_at_start, kept), Computed(1 - f, kept_at_start, kept), POINTS
    ),
    "the scale that deletes a layer": Twins(
        Computed(scale, deleting_scale, deleting),
        Computed(scale**2, deleting_scale, deleting),
        POINTS,
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_the_right_one_is_accepted_and_the_wrong_one_is_not(name: str) -> None:
    twins = TWINS[name]
    for claim, right in ((twins.right, True), (twins.wrong, False)):
        verdict = verdict_among(d, claim, twins.check)
        assert verdict.holds is right, verdict.found
        if not right:
            assert verdict.found.startswith("refuted at"), verdict.found
