"""Integrals, sums and limits that algebra evaluates wrongly, and what numbers say of them."""

import pytest
import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtMost,
    AtPoints,
    Check,
    Claim,
    Derivation,
    Equal,
    Exactly,
    Less,
    Limit,
    Mean,
    Ruling,
    UniqueRoot,
    above,
    integers_from,
)
from tests.one_step import verdict_among

EXACT, POINTS = Exactly(), AtPoints(20)
d = Derivation("Integrals", "", source="", untied="a test")
p, q, x = (d.symbol(name, POSITIVE, "a positive number") for name in "pqx")
b = d.symbol("b", above(200), "a number")
u, a = (d.symbol(name, UNIT, "a part") for name in "ua")
r = d.symbol("r", REAL, "a number")
h = d.normal("h")
n = d.symbol("n", integers_from(0), "a count")
v = sp.Symbol("v", real=True)
k = sp.Symbol("k", integer=True)
oo, zero, HALF = sp.oo, sp.Integer(0), sp.Rational(1, 2)
resonance = sp.Integral(1 / (v**2 + p * v + q), (v, 0, oo))
double_pole = sp.Integral(1 / (p + v) ** 2, (v, -2 * p, oo))
step = sp.exp(1 / v) / v**2 / (1 + sp.exp(1 / v)) ** 2
peaks = sp.Integral(1 / (1 + sp.exp((v - 50) ** 2)), (v, -oo, oo))

#: What algebra shows though it is false, or means nothing.
FALSE: dict[str, Claim] = {
    "a positive integral is 0": Equal(resonance, zero),
    "a double pole": Equal(double_pole, -1 / p),
    "a double pole is negative": Less(double_pole, zero),
    "a double pole inside": Equal(sp.Integral(1 / (p - v) ** 2, (v, 0, 2 * p)), -2 / p),
    "a pole at some numbers": Equal(sp.Integral(1 / (v - p) ** 2, (v, 0, q)), -1 / (q - p) - 1 / p),
    "a jump": Less(sp.Integral(step, (v, -1, 1)), zero),
    "jumps of a tangent": Equal(sp.Integral(sp.atan(sp.tan(v)), (v, 0, sp.pi)), -(sp.pi**2) / 2),
    "a limit as a number": Equal(sp.Limit(1 / (1 + x * sp.sin(x) ** 2), x, oo), zero),
    "digits that agree": Equal(sp.cosh(b), sp.sinh(b)),
    "at most, by digits that agree": AtMost(1, sp.tanh(b)),
    "one beside a large number": Equal(p + sp.exp(500), p + 1 + sp.exp(500)),
}
TRUE: dict[str, tuple[Claim, Check]] = {
    "a positive integral": (Less(zero, resonance), POINTS),
    "across a jump": (Less(zero, sp.Integral(step, (v, -1, 1))), POINTS),
    "an exponential": (Equal(sp.Integral(sp.exp(-p * v), (v, 0, oo)), 1 / p), EXACT),
    "a power": (Equal(sp.Integral(v**p, (v, 0, 1)), 1 / (1 + p)), EXACT),
    "of two variables": (
        Equal(sp.Integral(v * k, (v, 0, 1), (k, 0, 1)), sp.Rational(1, 4)),
        AtPoints(10),
    ),
    "a sum": (Equal(sp.Sum(k, (k, 0, n)), n * (n + 1) / 2), EXACT),
}

R = sp.Rational
wave = sp.Integral(sp.cos(2 * sp.pi * v), (v, p, p + R(1, 2)))
steep = p**3 / u**2 * sp.exp(-(p**2) / u)
above_p = sp.Piecewise((1, h > r), (0, True))
#: What numbers know too little of: neither these claims nor their opposites are decided.
NOT_KNOWN: dict[str, tuple[Claim, Check]] = {
    "a step without a rule": (Equal(sp.Integral(sp.floor(v), (v, 0, 3)), zero), POINTS),
    "a mean of a step": (Equal(Mean(above_p), zero), POINTS),
    "a true mean of a step": (
        Equal(Mean(sp.Heaviside(h - r)), sp.erfc(r / sp.sqrt(2)) / 2),
        EXACT,
    ),
    "a function without a rule": (Less(sp.Integral(sp.besselj(0, v), (v, 0, oo)), R(1, 2)), POINTS),
    "no real number on a part": (
        Equal(sp.Integral(sp.sqrt(u - a), (u, 0, 1)), R(2, 3) * (1 - a) ** R(3, 2)),
        POINTS,
    ),
    "a tail that does not shrink": (
        Less(sp.Integral(sp.exp(-v) + 1 / (10**9 * v * sp.log(v + 2)), (v, 1, oo)), 1),
        POINTS,
    ),
    "a tail that grows where it is small": (
        Less(sp.Integral(sp.exp(-v) + 1 / (10**40 * v), (v, 1, oo)), 1),
        POINTS,
    ),
    "a derivative across a jump": (
        Equal(sp.Derivative(sp.Integral(sp.sign(u - a), (u, 0, 1)), a), zero),
        EXACT,
    ),
    "a derivative at a singular end": (
        Equal(sp.Derivative(sp.Integral(steep, (u, 0, 1)), p), sp.exp(-(p**2)) * (1 - 2 * p**2)),
        EXACT,
    ),
    "a wave in the ends": (Limit(1 / p + wave, p, oo, zero), POINTS),
    "a true bound where terms grow in the way": (Less(R(1, 1000), peaks), POINTS),
    "a singularity inside": (
        Less(zero, sp.Integral(1 / sp.sqrt(sp.Abs(v - R(1, 3))), (v, 0, 1))),
        POINTS,
    ),
    "no ends": (Equal(sp.Integral(p, p), zero), POINTS),
}


@pytest.mark.parametrize("name", NOT_KNOWN)
def test_what_numbers_do_not_know_is_undecided(name: str) -> None:
    found = verdict_among(d, *NOT_KNOWN[name])
    assert found.ruling is Ruling.UNDECIDED, found
    assert "KeyError" not in found.found


def beyond_numbers(width: int, middle: sp.Expr) -> sp.Expr:
    """An integral that is larger than 2, but looks like that of ``exp(-x)`` at floats."""
    return sp.Integral(sp.exp(-x) + width * sp.exp(-middle), (x, 1, oo))


@pytest.mark.parametrize(
    "whole",
    [
        beyond_numbers(10**4, 10**8 * (x ** R(1, 1000) + 9 * x ** R(-1, 1000) - 6) + sp.log(x)),
        beyond_numbers(10**1300, 10**1400 * (x**4 - 2 * 10**1000 * x**2 + 10**2000)),
    ],
)
def test_a_peak_beyond_all_numbers_does_not_refute(whole: sp.Expr) -> None:
    found = verdict_among(d, Less(sp.Integer(2), whole), POINTS)
    assert found.ruling is Ruling.UNDECIDED, found


@pytest.mark.parametrize(
    "function",
    [
        1 / (1 + v**2),
        sp.exp(-((v - p) ** 2) / 2),
        sp.tanh(v) ** 2 * sp.exp(-(v**2)),
        sp.erfc(v) * sp.sin(v) * sp.Abs(v),
        (4 + v**2) ** (-1 - p),
        2 ** (-(v**2)) / (1 + sp.Max(v, 1)),
    ],
)
def test_what_is_left_out_far_away_is_bounded(function: sp.Expr) -> None:
    found = verdict_among(d, Equal(sp.Integral(function, (v, -p, oo)), 1000 * p), POINTS)
    assert found.ruling is Ruling.REFUTED, found


def test_a_derivative_at_a_number_outside_the_domain_is_undecided() -> None:
    slope = sp.Derivative(sp.Integral(p**2 / (p**2 + u**2), (u, 0, 1)), p)
    found = verdict_among(d, Equal(sp.Subs(slope, p, 0), zero), EXACT)  # it is pi/2
    assert found.ruling is Ruling.UNDECIDED, found
    smooth = sp.Derivative(sp.Integral(sp.exp(p * u), (u, 0, 1)), p)
    assert verdict_among(d, Equal(sp.Subs(smooth, p, 0), HALF), EXACT).holds


def test_a_narrow_peak_is_not_missed() -> None:
    peak = sp.Integral(1 + 1000 * sp.exp(-(10**6) * (sp.sin(v) - R(3, 5)) ** 2), (v, 0, 1))
    found = verdict_among(d, Equal(peak, sp.Integer(1)), POINTS).found
    assert found.startswith("refuted at the only point: left = 3.21556963956"), found


@pytest.mark.parametrize(
    "argument",
    [
        10**6 * (sp.sin(v) ** 2 - R(6, 5) * sp.sin(v) + R(9, 25)),
        10**60 * (sp.sin(v) ** 2 - R(6, 5) * sp.sin(v) + R(9, 25)),
        10**8 * (v**v - sp.exp(-sp.exp(-1))),
    ],
)
def test_a_peak_where_its_argument_touches_zero_is_not_missed(argument: sp.Expr) -> None:
    peak = sp.Integral(1 + 10**30 * sp.exp(-argument), (v, 0, 1))
    assert not verdict_among(d, Equal(peak, sp.Integer(1)), POINTS).holds


def test_an_integrand_that_falls_off_slowly_at_zero_is_told() -> None:
    slow = sp.Integral(v ** (p / 10**4 - 1) / (1 + v), (v, 0, oo))
    whole = sp.pi / sp.sin(sp.pi * R(1, 10**4))
    assert verdict_among(d, Equal(slow.subs(p, 1), whole), POINTS).holds


def test_an_estimate_refutes_nothing() -> None:
    kink = sp.Integral(sp.Max(0, v**3 - R(6, 109)) ** 3, (v, 0, 1))
    b = R(6, 109)
    whole = R(1, 10) - 3 * b / 7 + 3 * b**2 / 4 - b**3 + R(81, 140) * b ** R(10, 3)
    assert verdict_among(d, Equal(kink, whole), POINTS).ruling is not Ruling.REFUTED


def test_a_derivative_is_taken_inside_where_all_is_smooth() -> None:
    moved = sp.Derivative(sp.Integral(sp.exp(p * v), (v, 0, 1)), p)
    assert verdict_among(d, Less(zero, moved), POINTS).holds


@pytest.mark.parametrize("name", FALSE)
@pytest.mark.parametrize("check", [EXACT, POINTS])
def test_what_is_false_is_not_shown(name: str, check: Check) -> None:
    assert not verdict_among(d, FALSE[name], check).holds


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_shown(name: str) -> None:
    found = verdict_among(d, *TRUE[name])
    assert found.holds, found.found


def test_points_of_an_integral_are_points_of_its_symbols() -> None:
    found = verdict_among(d, Less(zero, resonance), POINTS).found
    assert not found.startswith(("at the only point", "0 points"))


def test_a_count_that_others_determine_is_whole() -> None:
    found = verdict_among(d, AtMost(n, n**2), POINTS, {n: p / 2})
    assert found.ruling is not Ruling.REFUTED


#: What is not known of the inside of an integral or a sum is not shown.
INSIDE: dict[str, tuple[Claim, Check]] = {
    "a second derivative through an inner end": (
        Equal(
            sp.Derivative(sp.Integral(sp.atan(1 / (v - HALF)), (v, 0, a * u), (u, 0, 1)), a, a),
            sp.Integral(-(u**2) / (1 + (a * u - HALF) ** 2), (u, 0, 1)),
        ),
        EXACT,
    ),
    "waves of gamma functions": (
        Limit(
            1 / p + sp.Integral(1 / (sp.gamma(-v) * sp.gamma(1 + v)), (v, p - HALF, p + HALF)),
            p,
            oo,
            zero,
        ),
        AtPoints(10),
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_the_inside_of_an_integral_is_not_taken_for_generic(name: str) -> None:
    claim, check = INSIDE[name]
    assert not verdict_among(d, claim, check).holds


def test_a_jump_of_a_power_is_no_root() -> None:
    power = sp.Max(0, 1 - x) ** sp.Max(0, x - 1) - HALF
    assert not verdict_among(d, UniqueRoot(power, x, 0, 5), AtPoints(10)).holds


unit, to_infinity = (v, 0, 1), (v, 1, oo)
far = v / 10**100
bump = 10**12 / (1 + 10**24 * (sp.sin(v) ** 2 - R(6, 5) * sp.sin(v) + R(9, 25))) ** 20


def near(log_v: int) -> sp.Expr:
    """A peak at a place with this logarithm, which no term of a sum sees."""
    square = sp.log(v) ** 2 - 2 * log_v * sp.log(v) + log_v**2
    return 10**7 / (v * (1 + 10**12 * square) ** 40)


@pytest.mark.parametrize(
    "false",
    [
        Equal(sp.Integral(v**-2 + far**20 * sp.exp(-(far**2)) / 10**100, to_infinity), 1),
        Less(sp.Integral(v**-2 + far**20 * sp.exp(-(far**2)) / 10**100, to_infinity), 2),
        Equal(sp.Integral(v**-2 + near(230), to_infinity), 1),
        Equal(sp.Integral(1 / sp.sqrt(v) + near(-230), unit), 2),
        Less(sp.Integral(1 / sp.sqrt(1 - v) + near(-230).subs(v, 1 - v), unit), 3),
        Equal(sp.Integral(v + near(-230), unit), HALF),
        Equal(sp.Integral(sp.Sum(v, (k, 1, 1)) + bump, unit), HALF),
        Equal(sp.Integral(sp.Integral(v + k, (k, v, 1 + v)) + bump, unit), R(3, 2)),
    ],
)
def test_a_peak_that_no_box_covers_is_not_missed(false: Claim) -> None:
    assert verdict_among(d, false, AtPoints(10)).ruling is Ruling.UNDECIDED


@pytest.mark.parametrize(
    ("function", "value"),
    [(1 / sp.sqrt(1 - v), 2), (sp.log(v), -1), (sp.exp(-1 / v) / v**2, sp.exp(-1))],
)
def test_an_integrand_without_bound_at_an_end_is_bounded_by_powers(
    function: sp.Expr, value: sp.Expr
) -> None:
    assert verdict_among(d, Equal(sp.Integral(function, unit), value), POINTS).holds


def test_mass_far_out_is_no_counterexample() -> None:
    """All of it lies at exp(L): what places and boxes on the way do not see refutes nothing."""
    total = sp.Integral(sp.exp(-x) + sp.exp(-((sp.log(x) - 100 * b) ** 2)) / x, (x, 0, oo))
    true, false = Equal(total, 1 + sp.sqrt(sp.pi)), Equal(total, 1)
    assert verdict_among(d, true, AtPoints(10)).ruling is not Ruling.REFUTED
    assert not verdict_among(d, false, AtPoints(10)).holds


def test_variables_of_integrals_keep_their_names() -> None:
    """A reader of a message tells two normal variables apart by their names alone."""
    first, second = d.normal("G"), d.normal("H")
    found = Mean(sp.cos(first * second**2)).integrated()
    assert {x.name for x in found.atoms(sp.Dummy)} == {"G", "H"}
