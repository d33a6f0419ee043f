"""Proved bounds against double precision, many digits, other precisions, and identities."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from asymptotics import CertifiedRisk, InvalidInput, Population, risk
from asymptotics.arithmetic.ball import Ball, Balls
from asymptotics.line.grid import Grid
from asymptotics.line.rows import evaluate
from asymptotics.testing import Problem, problems
from asymptotics.theory import COVARIANCE, MAGNITUDE, as_rule, fixed_point
from tests.budgets import examples
from tests.edges import NEAR_EVERY_EDGE

DIGITS = 15


def certified(*problem: Any, digits: int | None = None) -> tuple[Decimal, Decimal]:
    result = risk(*problem, digits=digits, certify=True)
    assert isinstance(result, CertifiedRisk)
    assert result.status.item() == "ok", result.reason.item()
    return result.lower.item(), result.upper.item()


def assert_holds(problem: Problem, float_error: float) -> None:
    lower, upper = certified(*problem)
    assert upper - lower <= abs(lower) * Decimal(10) ** -DIGITS
    many = risk(*problem, digits=40).risk.item()
    assert lower <= Decimal(str(many)) <= upper
    computed = Decimal(risk(*problem).risk.item())
    slack = Decimal(float_error)
    assert lower * (1 - slack) <= computed <= upper * (1 + slack)


@examples(300)
@given(problems())
def test_floats_and_many_digits_lie_in_their_enclosures(problem: Problem) -> None:
    assert_holds(problem, 1e-11)


@examples(300)
@given(NEAR_EVERY_EDGE)
def test_near_every_edge(problem: Problem) -> None:
    assert_holds(problem, 1e-8)


def enclosure(problem: Problem, bits: int) -> Ball:
    """The risk in balls of one precision, however wide."""
    arithmetic = Balls(bits)
    population, *numbers, rule = problem
    kappa, sigma, alpha, ridge = (np.array([x], dtype=object) for x in numbers)
    with arithmetic.working():
        fixed = fixed_point(population, kappa, sigma, ridge, arithmetic)
        grid = Grid(kappa, sigma, alpha, ridge, np.array([rule]))
        rows = evaluate(population, fixed, grid, rule, arithmetic)
    return rows.risk[0]


@examples(40)
@given(problems())
def test_enclosures_overlap_across_precisions(problem: Problem) -> None:
    balls = []
    for bits in (53, 64, 90, 128, 200, 333, 500, 800, 1300, 2000):
        try:
            balls.append(enclosure(problem, bits))
        except ArithmeticError:  # undecided: allowed where there are few bits
            assert bits < 200
    for ball in balls:
        assert ball.arb.overlaps(balls[-1].arb)
    # And they are narrow, not merely safe.
    assert balls[-1].arb.rad() <= abs(balls[-1].arb.mid()) * 1e-300


def overlap(some: Any, others: Any) -> bool:
    (lower, upper), (other_lower, other_upper) = certified(*some), certified(*others)
    return bool(lower <= other_upper and other_lower <= upper)


@examples(60)
@given(problems())
def test_splitting_a_group_changes_nothing(problem: Problem) -> None:
    weight, eigenvalue, mean, std = (x.tolist() for x in problem.population.groups())
    halves = [x / 2 for x in [*weight, *weight]]
    split = Population(halves, eigenvalue * 2, mean * 2, std * 2)
    whole = Population(weight, eigenvalue, mean, std)
    assert overlap(problem._replace(population=whole), problem._replace(population=split))


@examples(60)
@given(problems())
def test_scaling_the_signal_scales_the_risk(problem: Problem) -> None:
    weight, eigenvalue, mean, std = problem.population.groups()
    scaled = Population(weight, eigenvalue, 4 * mean, 4 * std)
    other = problem._replace(population=scaled, sigma=4 * problem.sigma)
    original = problem._replace(population=Population(weight, eigenvalue, mean, std))
    lower, upper = certified(*original)
    other_lower, other_upper = certified(*other)
    assert 16 * lower <= other_upper
    assert other_lower <= 16 * upper


@examples(60)
@given(problems())
def test_keeping_all_weights_is_not_pruning(problem: Problem) -> None:
    result = risk(*problem._replace(alpha=1), certify=True)
    gamma = Decimal(str(result.unpruned_risk.item()))
    slack = abs(gamma) * Decimal(10) ** (1 - DIGITS)  # it is rounded to its digits
    assert isinstance(result, CertifiedRisk)
    assert result.lower.item() - slack <= gamma <= result.upper.item() + slack


TENTH = Decimal("0.1")


def test_a_decimal_is_what_is_written() -> None:
    """At kappa = 1/0.1 * 0.1 exactly, the model interpolates; the nearest floats do not."""
    population = Population([TENTH, Decimal("0.9")], eigenvalue=[1, 0], std=1)
    assert risk(population, 10, 1, 1, certify=True).status.item() == "diverges"
    floats = Population([0.1, 0.9], eigenvalue=[1, 0], std=1)
    share = floats.mass_above(0, Balls(64)).value.item()
    assert share != Fraction(1, 10)
    assert risk(floats, 10, 1, 1, certify=True).status.item() == "ok"
    assert risk(floats, 1 / share, 1, 1, certify=True).status.item() == "diverges"


def test_the_threshold_of_interpolation_is_decided_exactly() -> None:
    tiny = Fraction(1, 10**60)
    population = Population.isotropic()
    below, at, above = (
        risk(population, 1 + x, 1, 1, certify=True) for x in (-tiny, Fraction(0), tiny)
    )
    assert at.status.item() == "diverges"
    assert isinstance(below, CertifiedRisk)
    assert below.lower.item() <= Decimal(10) ** 60 <= below.upper.item()
    assert above.status.item() == "ok"


@pytest.mark.parametrize(
    "rule", ["magnitude", "covariance", "oracle", {"exponent": Decimal("0.337")}, {"exponent": 0.3}]
)
def test_ties_of_equal_scores_are_exact(rule: Any) -> None:
    """Point masses without noise: the threshold lies on weights that tie, kept at random."""
    population = Population([1, 1, 1], [3, 3, 2], mean=[1, -1, TENTH])
    lower, upper = certified(population, Decimal("0.5"), 0, Decimal("0.5"), 0, rule)
    exact = Fraction(3 + 3, 3) * Fraction(1, 4) + Fraction(2, 300)
    assert Fraction(lower) <= exact <= Fraction(upper)


def test_scores_that_tie_across_eigenvalues() -> None:
    """sqrt(4)·1 = sqrt(1)·2, and sqrt(0.1)·2 = sqrt(0.4)·1: the rationals decide."""
    for first, second in (((4, 1), (1, 2)), ((TENTH, 2), (Decimal("0.4"), 1))):
        population = Population([1, 1], *zip(first, second, strict=True))
        lower, upper = certified(population, Decimal("0.5"), 0, Decimal("0.5"), 0, COVARIANCE)
        both = sum(Fraction(x) * Fraction(b) ** 2 for x, b in (first, second))
        assert Fraction(lower) <= both / 4 <= Fraction(upper)


def near_tie(distance: Fraction) -> Population:
    """1024^(1/10) · 1 against 1 · 2 (1 + distance)."""
    return Population([1, 1], eigenvalue=[1024, 1], mean=[Fraction(1), 2 * (1 + distance)])


def test_what_is_not_decided_fails_with_bounds_that_hold() -> None:
    """Scores that differ in the 500th digit: no tie, but no bits asked for see it."""
    problem = (Decimal("0.5"), 0, Decimal("0.25"), 0, {"exponent": TENTH})
    tied = certified(near_tie(Fraction(0)), *problem)
    assert Fraction(tied[0]) <= Fraction(3, 4) * (512 + 2) <= Fraction(tied[1])
    population = near_tie(Fraction(1, 10**500))
    result = risk(population, *problem, certify=True)
    assert isinstance(result, CertifiedRisk)
    assert result.status.item() == "undecided"
    assert np.isnan(float(result.risk.item()))
    assert "bits" in repr(result)
    exact = 512 + Fraction(1, 4) * 4  # half of the second group is kept, the first is not
    assert result.lower.item() <= exact <= result.upper.item()
    # Asked for more digits than the scores agree to, it is decided.
    lower, upper = certified(population, *problem, digits=600)
    assert Fraction(lower) <= exact + Fraction(3, 10**500)
    assert exact <= Fraction(upper)


@pytest.mark.parametrize(
    ("population", "allowed"),
    [
        (Population.from_samples(np.ones(1001), np.ones(1001)), "more than 1,000 groups"),
        (Population.power_law(0.5, -0.5), "continuous law"),
        (Population.power_law(0.5, -0.5).rescaled(2), "continuous law"),
        (Population.mixture([Population.power_law(0.5, -0.5)]), "continuous law"),
        (Population.power_law(0.5, -0.5).restricted(0.5).population, "continuous law"),
    ],
)
def test_what_cannot_be_certified_is_refused(population: Population, allowed: str) -> None:
    with pytest.raises(InvalidInput, match=allowed):
        risk(population, 0.5, 1, 0.5, certify=True)


@pytest.mark.parametrize("sigma", ["0.3", "0.05", "0.01", "1e-3", "1e-10", "1e-30"])
@pytest.mark.parametrize("alpha", ["0.5", "0.4", "0.5000001"])
def test_a_threshold_in_a_gap_between_groups(sigma: str, alpha: str) -> None:
    """The kept fraction is all but constant there: only what is beyond each group tells where."""
    population = Population([1, 1], mean=[1, 2])
    lower, upper = certified(population, 0.5, Decimal(sigma), Decimal(alpha))
    computed = Fraction(risk(population, 0.5, float(sigma), float(alpha)).risk.item())
    slack = Fraction(1, 10**11)
    assert Fraction(lower) * (1 - slack) <= computed <= Fraction(upper) * (1 + slack)
    noise = Fraction(sigma)
    if alpha == "0.5" and noise <= Fraction("0.01"):  # the larger are kept, the smaller dropped
        exact = (noise**2 + 1) / 2 + noise**2
        assert Fraction(lower) * (1 - slack) <= exact <= Fraction(upper) * (1 + slack)


def test_a_file_holds_the_decimals_that_are_written_in_it(tmp_path: Path) -> None:
    """Their nearest floats would interpolate at kappa = 10."""
    path = tmp_path / "samples.csv"
    rows = "1,2,0.10000000000000000001", "0,1,0.89999999999999999999"
    path.write_text("\n".join(["eigenvalue,coefficient,weight", *rows]), encoding="utf-8")
    lower, upper = certified(Population.from_csv(path), 10, 1, 1)
    assert Decimal("9.9e18") < lower <= upper < Decimal("1.1e19")


def test_a_fraction_of_many_digits() -> None:
    """All that is not zero is kept: nothing is lost, and without noise nothing is wrong."""
    fraction = Decimal("0.1234567890123456789012345678901")
    spikes = Population.spike_and_slab(fraction, mean=1, std=0)
    assert not any(certified(spikes, Decimal("0.5"), 0, fraction))


def test_large_integers_stay_what_they_are() -> None:
    large = 2**53 + 1
    lower, upper = certified(Population([1], mean=[large]), 0.5, 0, 0, digits=40)
    assert lower <= large**2 <= upper


@pytest.mark.parametrize("mean", [1000, "0.001"])
def test_groups_without_weight_change_nothing(mean: int | str) -> None:
    problem = (0.5, Decimal("1e-6"), Decimal("0.3"))
    without = certified(Population([1], mean=[1]), *problem)
    assert certified(Population([1, 0], mean=[1, Decimal(mean)]), *problem) == without


@pytest.mark.parametrize("digits", [21, 23, 50])
def test_hardly_a_weight_dropped(digits: int) -> None:
    alpha = 1 - Fraction(1, 10**digits)
    lower, upper = certified(Population.isotropic(), 0.5, 1, alpha)
    assert lower <= 2 <= upper or abs(upper - 2) < Decimal("1e-15")


@pytest.mark.parametrize("sigma", ["0.001", "0.0003", "1e-10"])
def test_tails_too_small_to_write_out(sigma: str) -> None:
    population = Population([1, 1], mean=[2, 0])
    lower, upper = certified(population, 0.5, Decimal(sigma), 0.75)
    computed = risk(population, 0.5, float(sigma), 0.75).risk.item()
    assert float(lower) == pytest.approx(computed, rel=1e-11)
    assert upper - lower <= lower * Decimal("1e-15")


@pytest.mark.parametrize("digits", [1, 15, 100, 1000])
def test_as_many_digits_as_are_asked_for(digits: int) -> None:
    population = Population([Decimal("0.3"), Decimal("0.7")], [10, Decimal("0.5")], std=[0.5, 1])
    problem = (population, 2, Decimal("0.5"), Decimal("0.3"), 0, MAGNITUDE)
    lower, upper = certified(*problem, digits=digits)
    assert upper - lower <= abs(lower) * Decimal(10) ** -digits
    if digits <= 100:
        many = Decimal(str(risk(*problem, digits=digits + 10).risk.item()))
        assert lower <= many <= upper


def test_rules_by_name_and_by_object_agree() -> None:
    population = Population([1, 2], [3, 1], std=1)
    by_name = certified(population, 2, 1, TENTH, 0, "covariance")
    assert by_name == certified(population, 2, 1, TENTH, 0, as_rule("covariance"))
