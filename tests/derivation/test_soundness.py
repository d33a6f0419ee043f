"""Claims that are false, empty or mean nothing, and how each is told."""

import math
import subprocess
import sys
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pytest
import sympy as sp

from asymptotics.arithmetic.symbolic import within_means
from asymptotics.derivation import (
    NONNEGATIVE,
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
    InvalidDerivation,
    Less,
    Limit,
    Mean,
    OverBoxes,
    Ruling,
    UniqueRoot,
    Verdict,
    between,
    integers_from,
)
from asymptotics.derivation.search import Search
from asymptotics.errors import InvalidInput
from asymptotics.theory import noise_level
from tests.one_step import among, verdict_among

EXACT, POINTS = Exactly(), AtPoints(100)
NONE: Any = None
d = Derivation("Claims", "", source="", untied="a test")
x = d.symbol("x", REAL, "a number")
p, q = (d.symbol(name, POSITIVE, "a positive number") for name in "pq")
a = d.symbol("a", NONNEGATIVE, "a number that may be 0")
n = d.symbol("n", integers_from(0), "a count")
part = d.symbol("part", UNIT, "a part")
BOX = OverBoxes({p: (0, 1)})
Lambda = d.random("Lambda", POSITIVE, "an eigenvalue")
h = d.normal("h")
F = d.define("F", p**2, "a square")
root = d.define("s", sp.sqrt(x), "a root, real or not")
named = [d.symbol(name, POSITIVE, name) for name in ("w_1", "w_2", "Lambda_1", "Lambda_2")]
moments = sp.Matrix(3, 3, lambda i, j: Mean(Lambda ** (i + j)))

FALSE = {
    "a quantity for its mean": (Equal(Lambda, Mean(Lambda)), EXACT),
    "a factor that is not constant": (Equal(Lambda * Mean(1 / Lambda), 1), EXACT),
    "a determinant of three moments": (Limit(moments.det() + 1 / p, p, sp.oo, 0), EXACT),
    "a mean of two groups": (
        Limit(
            Mean(Lambda) + 1 / p,
            p,
            sp.oo,
            sum(w * y for w, y in zip(named[:2], named[2:], strict=True)) / sum(named[:2]),
        ),
        EXACT,
    ),
    "the derivative of a name": (Equal(sp.diff(F, p), 0), EXACT),
    "a name with a number put in": (Equal(F.subs(p, 3), F), EXACT),
    "the integral of a name": (Equal(sp.integrate(F, (p, 0, 1)), F), EXACT),
    "a name that is not real": (Equal(sp.Abs(root**2), root**2), POINTS),
    "infinity for a number": (Equal(sp.oo, p), POINTS),
    "infinity at most a number": (AtMost(sp.oo, p), POINTS),
    "an integral that diverges": (Equal(sp.Integral(1 / x**2, (x, 0, 1)), p), POINTS),
    "one beside a large number": (Equal(p + 10**30, p + 10**30 + 1), POINTS),
    "twice a small number": (Equal(sp.exp(-p - 100), 2 * sp.exp(-p - 100)), POINTS),
    "a small number for zero": (Equal(sp.exp(-p - 200), 0), POINTS),
    "a limit beside the right one": (
        Limit(1 / p + sp.Rational(1, 10**6), p, sp.oo, 0),
        POINTS,
    ),
    "a limit at all but one number": (Limit(1 / (1 + a * p), p, sp.oo, 0), EXACT),
    "a limit where 0 is special": (Limit(x / (x + 1 / p), p, sp.oo, 1), EXACT),
    "less at all but one number": (Less(0, sp.atan(n)), EXACT),
    "roots on both sides of a pole": (UniqueRoot(3 * x - sp.atan(1 / x), x, -1, 1), EXACT),
    "roots of a function with poles": (UniqueRoot(sp.tan(x), x, -1, 4), EXACT),
    "code on a branch of its own": (
        Computed(
            1 / (a / q + p * Mean(Lambda * q / (Lambda + q) ** 2)),
            noise_level,
            lambda inputs: noise_level(
                inputs(q),
                inputs(p),
                inputs(1),
                inputs(a),
                inputs(-1),
                inputs.groups(Lambda),
                inputs.arithmetic,
            ),
        ),
        EXACT,
    ),
    "code that is not run": (Computed(p**2, noise_level, lambda inputs: inputs(p**2)), EXACT),
    "code that forgets the mean": (
        Computed(Mean(Lambda), noise_level, lambda inputs: inputs(Lambda)),
        EXACT,
    ),
    "code with too few arguments": (
        Computed(p, noise_level, lambda inputs: noise_level(inputs(q))),  # type: ignore[call-arg]
        POINTS,
    ),
    "matrices of two shapes": (Equal(sp.Matrix([[p, q]]), sp.Matrix([p, q])), EXACT),
    "a relation beside a relation": (Less(x > 0, x > 0), EXACT),
    "enclosures of a population": (Less(0, Mean(Lambda)), OverBoxes({p: (1, 2)})),
    "a limit past poles": (Limit(sp.harmonic(-p) - sp.log(p), p, sp.oo, sp.EulerGamma), EXACT),
    "a limit past zeros of a product": (
        Limit(1 / (sp.factorial(-p) * sp.factorial(p)), p, sp.oo, sp.Integer(0)),
        EXACT,
    ),
    "a Bessel function alone": (Limit(sp.besselj(0, p), p, sp.oo, sp.Integer(0)), EXACT),
    "what is left of a step": (Limit(p - sp.floor(p), p, sp.oo, sp.Integer(0)), EXACT),
    "an order of numbers that have none": (Less(sp.sqrt(-2), 1 + sp.sqrt(-2)), EXACT),
    "an order of logarithms of -2": (AtMost(sp.log(-2), sp.log(-2) + 1), EXACT),
    "a number that is not computed": (Less(sp.zeta(3), sp.zeta(3) + 1), EXACT),
    "two roots beside a jump": (
        UniqueRoot(
            sp.Piecewise((p - sp.Rational(1, 2), p < 1), (p - 2, True)),
            p,
            sp.Integer(0),
            sp.Integer(5),
        ),
        OverBoxes({p: (0, 5)}),
    ),
    "a root at a step": (
        UniqueRoot(sp.floor(p) + p / 10 - sp.Rational(3, 2), p, sp.Integer(0), sp.Integer(5)),
        OverBoxes({p: (0, 5)}),
    ),
    "roots along an interval": (
        UniqueRoot(
            sp.Max(0, p - sp.Rational(1, 2)) + sp.Min(0, p - sp.Rational(1, 3)),
            p,
            sp.Integer(0),
            sp.Integer(1),
        ),
        POINTS,
    ),
    "a jump over zero": (
        UniqueRoot(
            (p - sp.Rational(1, 2)) / sp.Abs(p - sp.Rational(1, 2)),
            p,
            sp.Integer(0),
            sp.Integer(1),
        ),
        POINTS,
    ),
}
TRUE = {
    "linearity": (Equal(Mean(p * Lambda + q), p * Mean(Lambda) + q), EXACT),
    "the derivative of a name": (Equal(sp.diff(F, p), 2 * p), EXACT),
    "a tail below what digits show": (Less(1 - sp.exp(-p), 1), POINTS),
    "an identity of functions": (Equal(sp.tanh(p), sp.sinh(p) / sp.cosh(p)), POINTS),
    "a limit for any population": (Limit(Mean(Lambda / (Lambda + 1 / p)), p, sp.oo, 1), EXACT),
    "a root": (UniqueRoot(p - 1, p, 0, sp.oo), EXACT),
    "a limit of a factorial": (Limit(1 / sp.gamma(p), p, sp.oo, sp.Integer(0)), EXACT),
    "an order where both sides are real": (Less(sp.sqrt(x), sp.sqrt(x) + 1), EXACT),
    "a root at a kink": (
        UniqueRoot(
            sp.Max(0, 2 * p - 1) + sp.Min(0, p - sp.Rational(1, 2)),
            p,
            sp.Integer(0),
            sp.Integer(1),
        ),
        POINTS,
    ),
    "a root beside a pole": (
        UniqueRoot(1 / (1 - x) + x / 4, x, sp.Integer(2), sp.Integer(4)),
        POINTS,
    ),
    "a root over an interval": (
        UniqueRoot(sp.tan(x), x, sp.Integer(-1), sp.Integer(1)),
        OverBoxes({x: (-1, 1)}),
    ),
}


def divided_by(part: Any) -> Any:
    """A function that another one makes, and that holds a number of it."""

    def divided(number: Any) -> Any:
        return number / part

    return divided


def empty(_: Any) -> Any:
    return np.array([])


@np.errstate(all="warn")
def warning(number: Any) -> Any:
    return number


@np.errstate(all="ignore")
def quiet(number: Any) -> Any:
    return number


def nothing(_: Any) -> Any:
    return []


def power_of(exponent: int) -> Any:
    def power(number: Any, exponent: int = exponent) -> Any:
        return number**exponent

    return power


class Power:
    """Two of these share the code of their method."""

    def __init__(self, exponent: int) -> None:
        self.exponent = exponent

    def of(self, number: Any) -> Any:
        return number**self.exponent


TWO, THREE = Power(2), Power(3)
HALF, THIRD = divided_by(2), divided_by(3)
SQUARE, CUBE = power_of(2), power_of(3)
CACHED = lru_cache(warning)


whole = "takes whole numbers alone"
REFUSED = {
    "a root between whole numbers": (UniqueRoot(2 * n - 3, n, 0, sp.oo), EXACT, None, whole),
    "whole numbers that go to 0": (Limit(1 / n, n, 0, sp.oo), EXACT, None, whole),
    "a derivative that SymPy has taken": (
        Equal(sp.diff(sp.Integral(sp.Piecewise((1, x > p), (0, True)), (x, 0, 5)), p), 0),
        EXACT,
        None,
        r"write Derivative\(f, x\), not diff",
    ),
    "an interval outside the domain": (Less(p, 0), OverBoxes({p: (-2, -1)}), None, "interval of p"),
    "an interval that is infinite": (Less(0, p), OverBoxes({p: (0, sp.oo)}), None, "rational"),
    "a root outside the domain": (
        UniqueRoot(p - 1 / p, p, -2, 2),
        EXACT,
        None,
        r"\(-2, 2\)': must lie in the domain, \(0, oo\)",
    ),
    "a limit from outside": (Limit(p, p, -1, -1), EXACT, None, "from within the domain"),
    "a side that is none": (Limit(1 / x, x, 0, sp.oo, "above"), EXACT, None, "must be '\\+' or"),
    "a limit in a name": (Limit(1 / F, F, sp.oo, 1 / p**2), EXACT, None, "variable = F"),
    "a limit in what is given": (Limit(1 / p, p, sp.oo, 1 / q), EXACT, {p: q}, "variable = p"),
    "given by itself": (Less(p, 0), EXACT, {p: -p}, "must not depend on itself"),
    "given in a circle": (Less(p, 0), EXACT, {p: q - 1, q: p - 1}, "must not depend on itself"),
    "a rounded point": (Limit(p, p, sp.Float("0.5"), p * 0), EXACT, None, "rounded number"),
    "a rounded condition": (Less(p, q), EXACT, {x: 0.5}, "must be an expression"),
    "code that is none": (
        Computed(p, NONE, lambda inputs: inputs(p)),
        EXACT,
        None,
        "function = None",
    ),
    "code that its defaults tell from other code": (
        Computed(p**3, SQUARE, lambda inputs: CUBE(inputs(p))),
        EXACT,
        None,
        "function = <function",
    ),
    "code that a call need not run": (
        Computed(p, CACHED, lambda inputs: CACHED(inputs(p).item())),
        EXACT,
        None,
        "a cached function",
    ),
}


def verdict(claim: Claim, check: Check, given: Any = None) -> Verdict:
    return verdict_among(d, claim, check, given)


#: Code that another function runs than the one that is named, and code that returns no number.
NOT_TIED = {
    "another function with the same decorator": Computed(
        p, warning, lambda inputs: quiet(inputs(p))
    ),
    "another function of the same maker": Computed(p / 3, HALF, lambda inputs: THIRD(inputs(p))),
    "an empty array": Computed(p, empty, lambda inputs: empty(inputs(p))),
    "the method of another object": Computed(p**3, TWO.of, lambda inputs: THREE.of(inputs(p))),
    "an empty list": Computed(p, nothing, lambda inputs: nothing(inputs(p))),
}


@pytest.mark.parametrize("check", [EXACT, POINTS])
@pytest.mark.parametrize("name", NOT_TIED)
def test_code_that_another_function_runs_is_no_tie(name: str, check: Check) -> None:
    assert not verdict(NOT_TIED[name], check).holds


def test_a_function_that_another_one_makes_is_told_from_its_siblings() -> None:
    right = Computed(p / 3, THIRD, lambda inputs: THIRD(inputs(p)))
    assert verdict(right, EXACT).holds
    assert verdict(right, POINTS).holds


#: Claims that have no value at an end that the domain of `a` includes: what they say there, no
#: number tells.
WITHOUT_VALUE = {
    "a logarithm": Equal(sp.log(a * p), sp.log(a) + sp.log(p)),
    "a division": Equal(1 / (a * (p + 1)), (1 - 1 / (p + 1)) / (a * p)),
    "a pole of a function": Equal(sp.gamma(a + 1), a * sp.gamma(a)),
    "on the way to a limit": Limit(sp.log(a * p) / p, p, sp.oo, sp.Integer(0)),
    "of an expectation": Equal(Mean(Lambda / a), Mean(Lambda) / a),
}


@pytest.mark.parametrize("name", WITHOUT_VALUE)
def test_what_has_no_value_at_an_end_is_undecided(name: str) -> None:
    claim = WITHOUT_VALUE[name]
    found = verdict(claim, EXACT)
    assert found.ruling is Ruling.UNDECIDED
    assert "no value at an end that its domain includes: " in found.found
    assert "a = 0" in found.found
    # With a positive number in the place of what may be 0 the proof stands.
    assert verdict(claim.mapped(lambda side: side.subs(a, q)), EXACT).holds


@pytest.mark.parametrize(
    "claim",
    [
        Equal(1 / (1 - p) - 1, p / (1 - p)),  # at p = 1, inside, there is none
        Equal((8 * a) ** sp.Rational(1, 3), 2 * a ** sp.Rational(1, 3)),
        Equal((a**p) ** 2, a ** (2 * p)),
    ],
)
def test_a_pole_inside_a_domain_and_a_power_of_0_are_no_lack(claim: Claim) -> None:
    assert verdict(claim, EXACT).holds


#: The share of normal variables beyond a threshold, which falls with the threshold.
beyond = Mean(sp.Piecewise((1, sp.Abs(q * h) > p), (0, True)))
share = d.define("K", beyond, "a share")
CONSTANT = {
    "of a share": sp.diff(beyond, p),
    "of a product": sp.diff(p * beyond, p) - beyond,
    "in the scale": sp.diff(beyond, q),
    "of a name": sp.diff(share, p),
    "the second": sp.diff(beyond, p, 2),
    "the third": sp.diff(Mean(sp.Piecewise((p**2, sp.Abs(h) > p), (0, True))), p, 3),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_a_derivative_where_a_condition_moves_is_left_undecided(name: str) -> None:
    found = verdict(Equal(CONSTANT[name], 0), POINTS)
    assert "no rule to evaluate Derivative" in found.found


def test_a_claim_without_a_rule_is_not_tried_at_many_points(monkeypatch: Any) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(Search, "_finding", _noting(tried))
    found = verdict(Less(sp.Derivative(beyond, p), 0), EXACT)
    assert "no rule to evaluate Derivative" in found.found
    assert len(tried) < 30


def _noting(tried: list[Any]) -> Any:
    finding = Search._finding

    def noted(search: Search, point: Any) -> Any:
        tried.append(point)
        return finding(search, point)

    return noted


decay, all_decay = Mean(sp.exp(-p * Lambda)), Mean(Lambda * sp.exp(-p * Lambda))
#: Claims that SymPy's integrals of expectations once refuted although true, or proved.
INTEGRALS = {
    "over a half-line": (sp.integrate(all_decay, (p, 0, sp.oo)), 1, Mean(Lambda) / Lambda),
    "over an interval": (
        sp.integrate(decay, (p, 0, 1)),
        Mean((1 - sp.exp(-Lambda)) / Lambda),
        (1 - sp.exp(-Lambda)) / Lambda,
    ),
    "not evaluated": (
        sp.Integral(decay, (p, 0, 1)),
        Mean((1 - sp.exp(-Lambda)) / Lambda),
        (1 - sp.exp(-Lambda)) / Lambda,
    ),
}


@pytest.mark.parametrize("name", INTEGRALS)
def test_an_integral_keeps_its_expectation(name: str) -> None:
    integral, right, wrong = INTEGRALS[name]
    assert not verdict(Equal(integral, wrong), EXACT).holds
    assert verdict(Equal(integral, right), AtPoints(10)).ruling is not Ruling.REFUTED


def test_a_substitution_leaves_what_an_expectation_binds() -> None:
    mean = Mean(sp.exp(-p * Lambda))

    def replaced(expression: Any, old: Any, new: Any) -> Any:
        return expression.xreplace({old: new})

    for put_in in (sp.Basic.subs, replaced):
        assert put_in(mean, Lambda, q) == mean
        assert put_in(mean, sp.exp(-p * Lambda), q) == mean
        assert put_in(mean, mean, q) == q
        assert put_in(mean, p, q) == Mean(sp.exp(-q * Lambda))
        assert put_in(mean, p, Lambda) == sp.Subs(mean, p, Lambda)
    assert within_means(mean, lambda inside: inside.subs(Lambda, q)) == sp.exp(-p * q)


def decaying(number: Any) -> Any:
    return math.exp(-float(number))


def nearly_decaying(number: Any) -> Any:
    return np.float64(decaying(number) * (1 + 1e-9))


def _at_p(code: Any, inputs: Any) -> Any:
    return code(inputs(p))


def test_rounding_of_floats_refutes_nothing() -> None:
    for code, ruling in ((decaying, Ruling.UNDECIDED), (nearly_decaying, Ruling.REFUTED)):
        claim = Computed(sp.exp(-p), code, partial(_at_p, code))
        assert verdict(claim, AtPoints(10)).ruling is ruling


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_fail(name: str) -> None:
    found = verdict(*FALSE[name])
    assert not found.holds
    assert found.found.startswith(("refuted at", "undecided: ")), found.found


@pytest.mark.parametrize("name", TRUE)
def test_their_true_neighbours_hold(name: str) -> None:
    found = verdict(*TRUE[name])
    assert found.holds, found.found


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_is_refused(name: str) -> None:
    claim, check, given, said = REFUSED[name]
    with pytest.raises(InvalidDerivation, match=said) as raised:
        among(d).step("the step", claim, "It is tried.", check, given=given)
    assert "test_soundness.py:" in str(raised.value)


def test_a_sum_that_is_zero_at_a_place_is_no_root_of_an_open_interval() -> None:
    found = verdict(UniqueRoot(sp.sqrt(1 + p) - 1, p, sp.Integer(0), sp.Integer(1)), BOX)
    assert found.found.startswith("refuted at p from 0 to 1"), found
    assert "not shown that 0 is positive" in found.found


@pytest.mark.parametrize(
    ("claim", "symbol", "interval"),
    [
        (Less(part**2, part), part, (0, 1)),
        (Less(0, (2 * n - 5) ** 2), n, (1, 5)),
        (AtMost(0, (n - 1) * (n - 2)), n, (1, 5)),
    ],
)
def test_a_box_is_no_larger_than_the_domain(claim: Claim, symbol: Any, interval: Any) -> None:
    found = verdict(claim, OverBoxes({symbol: interval}, most=20))
    assert found.ruling is Ruling.UNDECIDED, found


def test_a_box_without_whole_numbers_is_refused() -> None:
    check = OverBoxes({n: (sp.Rational(5, 4), sp.Rational(7, 4))})
    with pytest.raises(InvalidDerivation, match="must hold numbers"):
        verdict(Less(0, n), check)


def test_of_what_cannot_be_nothing_is_proved() -> None:
    assert "no point of the domains" in verdict(Less(p, 0), EXACT, {p: -q}).found


def test_a_limit_from_outside_what_is_given() -> None:
    found = verdict(Limit(p, q, sp.oo, -sp.oo), EXACT, {p: 1 - q})
    assert "no point of the domains" in found.found


def test_domains_hold_numbers() -> None:
    with pytest.raises(InvalidInput, match="must hold numbers"):
        between(1, -5)


def test_a_check_at_points_has_some() -> None:
    with pytest.raises(InvalidInput, match=r"number = 9: must be a whole number from 10 to"):
        AtPoints(9, 50)
    with pytest.raises(InvalidInput, match=r"digits = 29: must be a whole number from 30 to"):
        AtPoints(100, 29)


def test_names_are_not_used_twice() -> None:
    with pytest.raises(InvalidDerivation, match="declared already"):
        d.symbol("x", POSITIVE, "another x")
    with pytest.raises(InvalidDerivation, match="matrices have no names"):
        d.define("A", sp.Matrix([[1, p], [0, 1]]), "a matrix")


ENDLESS = """
import sympy as sp
from asymptotics.derivation import POSITIVE, Derivation, Equal, Exactly, derivation
derivation.PATIENCE = 0.5
endless = Derivation("Endless", "", source="", untied="a test")
numbers = [endless.symbol(name, POSITIVE, "a number") for name in "abcdef"]
endless.step("expanded", Equal((sum(numbers) + 1) ** 30, 1), "It is not.", Exactly())
print(next(endless.outcomes()).verdict.found)
"""


def test_algebra_that_does_not_end_is_stopped() -> None:
    """In a process of its own: only its main thread can be interrupted."""
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS], capture_output=True, text=True, check=True, timeout=900
    )
    assert done.stdout == "undecided: no answer within 0 s of processor time\n"
