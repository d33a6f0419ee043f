"""Double precision against forty digits, on problems drawn to break it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from asymptotics import Population, risk
from asymptotics.testing import Problem, problems
from asymptotics.theory import MAGNITUDE
from tests.budgets import examples
from tests.edges import NEAR_EVERY_EDGE

DIGITS = 40


def relative_error(problem: Problem) -> float:
    computed = risk(*problem)
    exact = risk(*problem, digits=DIGITS)
    assert computed.status.item() == "ok"
    value, truth = computed.risk.item(), exact.risk.item()
    assert np.isfinite(value)
    return float(abs(value - truth) / truth) if truth else value


@examples(600)
@given(problems())
def test_eleven_digits_hold(problem: Problem) -> None:
    assert relative_error(problem) <= 1e-11


@examples(600)
@given(NEAR_EVERY_EDGE)
def test_eight_digits_hold_near_every_edge(problem: Problem) -> None:
    assert relative_error(problem) <= 1e-8


@pytest.mark.parametrize("distance", [1e-3, -1e-6, 1e-9, -1e-12, 1e-14])
@pytest.mark.parametrize("weight", [[1, 1, 1], [0.3, 0.6, 0.1]])
def test_ever_nearer_to_the_threshold(distance: float, weight: list[float]) -> None:
    """Features of eigenvalue 0 make the threshold a fraction; no digit is lost to it."""
    population = Population(weight, eigenvalue=[1, 0, 3], std=1)
    kappa = (1 + distance) * population.interpolation_threshold
    assert relative_error(Problem(population, kappa, 0.5, 0.5, 0.0, MAGNITUDE)) <= 1e-13


@pytest.mark.parametrize("gap", [1e-8, 1e-16, 1e-24, 1e-30])
@pytest.mark.parametrize("ridge", [0.0, 1e-21])
def test_interpolating_the_larger_eigenvalues_alone(gap: float, ridge: float) -> None:
    """The features of eigenvalue 1 alone are as many as the samples: almost a threshold."""
    population = Population([0.3, 0.7], eigenvalue=[1, gap], std=1)
    for kappa in (1 / 0.3, 3.34):
        problem = Problem(population, kappa, 0.5, 0.5, ridge, MAGNITUDE)
        assert relative_error(problem) <= 1e-12


@pytest.mark.parametrize("sigma", [1e-8, 1e-5, 1e-3, 0.1])
@pytest.mark.parametrize("rule", ["magnitude", "covariance", "exponent=0.3", "oracle"])
def test_near_ties(sigma: float, rule: str) -> None:
    """Point masses that the noise hardly widens; two of them tie, one misses the tie by little."""
    population = Population(
        weight=[0.3, 0.2, 0.4, 0.1], eigenvalue=[1, 1, 1, 3], mean=[1, -1, 1 + 1e-6, 0.2]
    )
    for alpha in (0.2, 0.399999, 0.4, 0.55, 0.95):
        problem = (population, 0.5, sigma, alpha, 0.0, rule)
        computed, exact = risk(*problem).risk.item(), risk(*problem, digits=20).risk.item()
        assert abs(computed - exact) <= 1e-8 * exact


@pytest.mark.parametrize(("rule", "means"), [("magnitude", (1, 1)), ("oracle", (2, 1))])
@pytest.mark.parametrize("difference", [Fraction(1, 10**80), -Fraction(1, 10**200)])
def test_scores_that_hardly_differ_are_not_equal(
    rule: str, means: tuple[int, int], difference: Fraction
) -> None:
    """Only one of two groups is kept, though their scores differ in a far digit alone."""
    half = Fraction(1, 2)
    population = Population([half, half], [1, 4], [means[0], means[1] + difference])
    problem = (population, half, 0, half, 0, rule)
    expected = risk(*problem, certify=True, digits=15)
    assert expected.status == "ok"
    assert str(risk(*problem, digits=15).risk) == str(expected.risk)


def test_narrow_groups_whose_scores_hardly_differ_are_not_equal() -> None:
    half, tiny = Fraction(1, 2), Fraction(1, 10**90)
    population = Population([half, half], [4, 1], [1, 1 + tiny], tiny / 1000)
    problem = (population, half, 0, half)
    few = risk(*problem, digits=15)
    assert str(few.risk) == str(risk(*problem, certify=True, digits=15).risk)
    np.testing.assert_allclose(few.kept_share().astype(float), [0, 1], atol=1e-15)


def test_scores_that_only_training_tells_apart_are_not_equal() -> None:
    """Training shrinks the two equal means by about 1e-80 and 4e-80 of their size."""
    half = Fraction(1, 2)
    population = Population([half, half], [4 * 10**30, 10**30], [1, 1])
    problem = (population, Fraction(1, 10), 0, half, Fraction(1, 10**50))
    few, many = (risk(*problem, digits=digits) for digits in (15, 120))
    assert str(few.risk) == str(risk(*problem, certify=True, digits=15).risk)
    shares, expected = (result.kept_share().astype(float) for result in (few, many))
    np.testing.assert_allclose(shares, expected, rtol=1e-13)
