"""Claims that hold at moderate numbers, or in general, and fail at far or at special ones."""

from fractions import Fraction
from typing import Any

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
    Domain,
    Equal,
    Exactly,
    Less,
    Limit,
    Mean,
    UniqueRoot,
    Verdict,
    above,
    between,
    integers_from,
)
from asymptotics.derivation.derivation import InvalidDerivation
from asymptotics.errors import InvalidInput
from tests.one_step import verdict_among

d = Derivation("Far and special", "", source="", untied="a test")
x, p, q = (d.symbol(name, POSITIVE, "a positive number") for name in "xpq")
y = d.symbol("y", REAL, "a real number")
u = d.symbol("u", UNIT, "a part")
b = d.symbol("b", between(4, 10), "a number from 4 to 10")
n = d.symbol("n", integers_from(0), "a count")
half = Fraction(1, 2)
k = d.symbol("k", Domain(half, sp.oo, low_included=True, whole=True), "1, 2, ...")
Lambda = d.random("Lambda", POSITIVE, "an eigenvalue")
R, oo, zero, one = sp.Rational, sp.oo, sp.Integer(0), sp.Integer(1)
EXACT, POINTS, FEW = Exactly(), AtPoints(), AtPoints(10)


def verdict(claim: Claim, check: Check, given: Any = None) -> Verdict:
    return verdict_among(d, claim, check, given)


def gram(size: int) -> Any:
    """A determinant of moments, which is 0 for fewer groups than it has rows."""
    return sp.Matrix(size, size, lambda i, j: Mean(Lambda ** (i + j))).det()


FAR = {
    "a bound of a million": Less(p, 10**6),
    "a root below a million": UniqueRoot(x - p, x, 0, 10**6),
    "a count above fifty": AtMost(n, 50),
    "a logarithm of a count": AtMost(sp.log(n + 1), 4),
    "next to the upper end": Less(u, R(999999, 10**6)),
    "next to the lower end": Less(R(1, 2000), u),
    "a determinant of four moments": Equal(gram(4), 0),
}


@pytest.mark.parametrize("name", FAR)
def test_far_numbers_and_larger_populations_are_tried(name: str) -> None:
    found = verdict(FAR[name], FEW)
    assert found.found.startswith("refuted at "), found.found


def test_a_limit_for_few_groups_alone() -> None:
    found = verdict(Limit(gram(3) * 0 + gram(4) + 1 / p, p, oo, zero), FEW)
    assert found.found.startswith("refuted at Lambda = (1/4, 2/3, 3/2, 4)"), found.found


def test_points_are_told_with_their_range() -> None:
    found = verdict(Equal(sp.exp(p + q), sp.exp(p) * sp.exp(q)), FEW)
    assert found.holds
    assert found.found.endswith(" points, p, q from 1e-300 to 1e+300"), found.found
    found = verdict(Equal(Mean(Lambda) * u, u * Mean(Lambda)), FEW)
    assert found.found.endswith("up to 17 groups"), found.found
    assert "u from 1e-30 to 1 - 1e-30" in found.found, found.found


def test_the_ends_of_whole_domains_are_whole() -> None:
    assert verdict(Less(0, k), FEW).holds
    inside = Domain(Fraction(-5, 2), Fraction(5, 2), whole=True)
    assert (inside.low, inside.high) == (-2, 2)
    assert {-2, 2} <= set(inside.simplest())
    assert Domain(0, oo, whole=True) == integers_from(1)
    assert str(Domain(half, oo, low_included=True, whole=True)) == "integers of [1, oo)"


@pytest.mark.parametrize(
    ("low", "high"), [(0.5, 1), (0, 0.3), (zero, sp.pi), (0, float("inf")), ("0", 1), (None, 1)]
)
def test_ends_of_domains_are_exact(low: Any, high: Any) -> None:
    with pytest.raises(InvalidInput, match="must be an exact rational number, or oo"):
        Domain(low, high)
    with pytest.raises(InvalidInput, match="must be an exact rational number, or oo"):
        between(low, high)


MISREAD = {
    "a value in an expectation": Equal(sp.Subs(Mean(Lambda), Lambda, 1), 1),
    "a quantity of the population": Equal(sp.Subs(Mean(Lambda * p), p, Lambda), 1),
    "a swap": Equal(sp.Subs(x - 2 * p, (x, p), (p, x)), p - 2 * x),
    "a limit in an expectation": Limit(Mean(Lambda), Lambda, zero, zero),
    "an interval without numbers": UniqueRoot(x - 1, x, 2, 0),
}


@pytest.mark.parametrize("name", MISREAD)
def test_what_would_be_read_in_two_ways_is_refused(name: str) -> None:
    with pytest.raises(InvalidDerivation, match=r"write|beside an expectation|low < high"):
        verdict(MISREAD[name], EXACT)


def test_domains_of_plain_numbers_are_domains() -> None:
    assert Domain(0, 1) == between(0, 1) == Domain(zero, one)
    assert above(Fraction(1, 2)) == above(R(1, 2))
    with pytest.raises(InvalidInput, match=r"first = 0\.5: must be a whole number"):
        integers_from(0.5)  # type: ignore[arg-type]
    for low, high in ((R(1, 4), R(3, 4)), (0, 1), (oo, oo)):
        with pytest.raises(InvalidInput, match="must hold numbers, finite"):
            Domain(low, high, whole=True)


def at_infinity(expression: Any, value: Any = 0) -> Limit:
    return Limit(expression, x, oo, sp.sympify(value))


def at_zero(expression: Any, value: Any = 0) -> Limit:
    return Limit(expression, x, zero, sp.sympify(value))


square = (5 * Lambda - 37) ** 2
OSCILLATING = {
    "a denominator that is 1 at times": at_infinity(1 / (1 + x * sp.sin(x) ** 2)),
    "beside a parameter": at_infinity(p / (p + x * sp.cos(x) ** 2)),
    "what is unbounded": at_infinity(x / (1 + x**2 * sp.sin(x) ** 2)),
    "at zero": at_zero(1 / (1 + sp.sin(1 / x) ** 2 / x)),
    "zero at whole numbers": at_infinity(sp.sin(sp.pi * x)),
    "one at whole numbers": at_infinity(sp.cos(2 * sp.pi * x), 1),
    "more and more": at_infinity(x * sp.sin(2 * sp.pi * x)),
    "in an exponential": at_infinity(sp.exp(x * sp.sin(sp.pi * x)), 1),
    "in a denominator": at_infinity(1 / (1 + p * x * sp.sin(sp.pi * x) ** 2), 1),
    "infinite at times": at_infinity(x * sp.sin(x) ** 2 + 1 / x, oo),
    "small at times": at_infinity(sp.exp(-x * sp.sin(x) ** 2)),
    "a sine at zero": at_zero(p * sp.sin(sp.pi / x)),
    "a tangent at zero": at_zero(sp.tan(sp.pi / x)),
    "growing at zero": at_zero(sp.sin(sp.pi / x) / x),
    "that vanishes for groups": at_infinity(Mean(sp.sin(sp.pi * x * Lambda))),
}
VANISHING = {
    "a sine divided": at_infinity(sp.sin(x) / x),
    "a sine added": at_infinity(x + sp.sin(x), oo),
    "a ratio": at_infinity((x + sp.sin(x)) / (2 * x - sp.cos(x)), R(1, 2)),
    "squeezed": at_zero(x * sp.cos(1 / x) ** 2 + 1, 1),
    "of a number": at_infinity(sp.cos(p / x), 1),
}


@pytest.mark.parametrize("name", OSCILLATING)
def test_what_oscillates_has_no_limit_by_its_values(name: str) -> None:
    claim = OSCILLATING[name]
    for check in (FEW,) if claim.symbols else (EXACT, FEW):
        found = verdict(claim, check)
        assert not found.holds, found
        assert found.found.startswith("undecided: "), found
    assert "what oscillates may have others between them" in found.found


@pytest.mark.parametrize("name", VANISHING)
def test_what_oscillates_and_vanishes_is_shown(name: str) -> None:
    for check in (EXACT, FEW):
        found = verdict(VANISHING[name], check)
        assert found.holds, found


SPECIAL = {
    "p**2 - 2": at_infinity(1 / (1 + x * (p**2 - 2) ** 2)),
    "p - E": at_infinity(1 / (1 + x * (p - sp.E) ** 2)),
    "25*p**2 - 370*p + 49*q**2 - 574*q + 3050": at_infinity(
        1 / (1 + x * ((5 * p - 37) ** 2 + (7 * q - 41) ** 2))
    ),
    "Lambda**2 - 2": at_zero(Mean(x / ((Lambda**2 - 2) ** 2 + x))),
    # Zeros that algebra does not list, or does not see to be zeros where they are put in.
    "sin(b)": at_infinity(1 / (1 + x * sp.sin(b) ** 2)),
    "2*sin(b) - 1": at_infinity(1 / (1 + x * (2 * sp.sin(b) - 1) ** 2)),
    "b**b - 10000": at_infinity(1 / (1 + x * (b**b - 10**4) ** 2)),
    "5*p - exp(p)": at_infinity(1 / (1 + x * (sp.exp(p) - 5 * p) ** 2)),
    "sin(Lambda)": at_zero(Mean(x / (sp.sin(Lambda) ** 2 + x))),
    "p**5 - p - 1": at_infinity(1 / (1 + x * (p**5 - p - 1) ** 2)),
    # Leading terms of a sum that cancel at one value of a parameter, on a scale they do not show.
    "13*p - 41": at_infinity(1 / (1 + x**5 * (1 / (x + 13 * p) - 1 / (x + 41)) ** 2)),
    "2*p**2 - 11": at_zero(1 / (1 + (sp.exp(2 * p**2 * x) - sp.exp(11 * x)) ** 2 / x**4)),
    "7*p - 12": at_zero(1 / (1 + (sp.tanh(7 * p * x) - sp.tanh(12 * x)) ** 2 / x**4)),
    "3*p - sqrt(101)": at_infinity(1 / (1 + (sp.sqrt(101 * x**2 + x) - 3 * p * x) ** 2)),
    "13*Lambda - 7": at_infinity(Mean(1 / (1 + x**5 * (1 / (x + 13 * Lambda) - 1 / (x + 7)) ** 2))),
    "3*p - 10*q": at_infinity(1 / (1 + ((3 * p - 10 * q) * sp.exp(x) + sp.exp(-x)) ** 2)),
    # Which term outgrows the other depends on the parameter.
    "-exp(7*x) + exp(13*p*x)": at_infinity(1 / (1 + (sp.exp(13 * p * x) - sp.exp(7 * x)) ** 2)),
    "x**17 - x**(41*p)": at_infinity(1 / (1 + sp.Abs(x ** (41 * p) - x**17))),
    # Where one factor is zero, another one may be.
    "p**2 - 3": at_infinity(1 / (1 + x * (p**2 - 3) ** 2 + x**2 * (p**2 + q**2 - 5) ** 2)),
}


@pytest.mark.parametrize("factor", SPECIAL)
def test_a_limit_is_shown_where_a_factor_vanishes_or_not_at_all(factor: str) -> None:
    found = verdict(SPECIAL[factor], EXACT)
    assert found.found == f"undecided: proved in general, but not where {factor} = 0"


def test_special_numbers_are_tried_in_one_of_two_groups() -> None:
    claim = at_zero(Mean(x / (square + x)) * Mean(square / (square + x)))
    found = verdict(claim, EXACT)
    assert found.found.startswith("refuted at Lambda = (37/5, 1), w = (1/2, 1/2)"), found


@pytest.mark.parametrize(
    "claim",
    [
        at_infinity(1 / (1 + x * (1 + (p**2 - 2) ** 2))),
        at_infinity((p**2 - 2) / (x + 1)),
        at_infinity(y * x / (x + 1), y),
        at_infinity(1 / (y + x)),
        at_zero(Mean((y - Lambda) * x / (x + 1)) + p, p),
        at_infinity(1 / (1 + x * (1 + (sp.exp(p) - 5) ** 2))),
        at_infinity(1 / (1 + x * (sp.exp(p) - 5) ** 2 + x)),
        at_infinity(1 / (1 + x * sp.sin(u + 1) ** 2)),
        at_zero(Mean(Lambda * x / (x + y**2 + 1)) * p),
        at_infinity(1 / (p * sp.exp(2 * q * x) - p + q)),
        at_infinity(1 / (sp.exp(3 * x) * (1 + p) - sp.exp(x) + q)),
        at_infinity(sp.sqrt(x**2 + p * x) - x, p / 2),
        at_infinity(x * (1 - Mean(x / (x + Lambda))), Mean(Lambda)),
        at_infinity(1 / (x - sp.log(x) ** 2)),
    ],
)
def test_factors_that_change_no_limit_are_no_matter(claim: Limit) -> None:
    found = verdict(claim, EXACT)
    assert found.found == "proved", found


#: Of no known sign: it is positive for most u, but not for all.
power = 2 * u**2 - R(1, 10**9)


@pytest.mark.parametrize(
    "claim",
    [
        at_infinity(x**power / (1 + x**power), 1),
        at_infinity(x ** (2 * power) / (1 + x**power), oo),
        at_infinity((x + 1) ** power / (1 + (x + 1) ** power), 1),
        at_infinity(1 / (1 + sp.exp(-(x ** (2 * u**2 - R(1999, 1000))))), R(1, 2)),
        at_infinity(sp.exp(-(x ** (2 * u**2 - R(1999, 1000)))), 1),
    ],
)
def test_a_power_grows_or_vanishes_by_the_sign_of_its_exponent(claim: Limit) -> None:
    found = verdict(claim, EXACT)
    assert not found.holds, found


SLOW = {
    "a maximum": at_infinity(1 / (1 + R(1, 10**70) * sp.Max(1, sp.log(x)))),
    "a small power": at_infinity(sp.Max(x, sp.sqrt(x)) ** -R(1, 10**100)),
    "at zero": at_zero(sp.Max(x, sp.sqrt(x)) ** R(1, 10**100)),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_scale_of_values_alone_refutes_a_limit(name: str) -> None:
    for check in (EXACT, FEW):
        found = verdict(SLOW[name], check)
        assert found.found.startswith("undecided"), found


NOT_MONOTONE = {
    "many roots": UniqueRoot(x - R(1, 2) + sp.sin(40 * sp.pi * x), x, 0, 1),
    "three roots close by": UniqueRoot(
        (x - R(41, 100)) * (x - R(42, 100)) * (x - R(43, 100)), x, 0, 1
    ),
    "a narrow peak": UniqueRoot(x - 1 + sp.exp(-(10**4) * (x - R(33, 100)) ** 2), x, 0, 2),
    "a peak with a parameter": UniqueRoot(
        (p + 1) * (x - 1) + (p + 1) * sp.exp(-(10**4) * (x - R(33, 100)) ** 2), x, 0, 2
    ),
}


@pytest.mark.parametrize("name", NOT_MONOTONE)
def test_a_function_that_rises_and_falls_between_places(name: str) -> None:
    found = verdict(NOT_MONOTONE[name], FEW)
    assert found.found.startswith("refuted at "), found
    assert "it rises and falls" in found.found


def test_a_dip_narrower_than_places_lie_apart() -> None:
    dip = x - 1 + sp.exp(-(10**10) * (x - R(33, 100)) ** 2)
    found = verdict(UniqueRoot(dip, x, 0, 2), FEW)
    assert found.found.startswith("refuted at it rises for x in ["), found
    assert verdict(UniqueRoot((x - R(1, 2)) ** 3, x, 0, 1), FEW).holds
