"""Double precision against forty digits, on problems drawn to break it."""

import numpy as np
import pytest
from hypothesis import given, settings

from asymptotics import risk
from asymptotics.testing import Problem, populations, problems

DIGITS = 40


def relative_error(problem: Problem) -> float:
    computed = risk(*problem)
    exact = risk(*problem, digits=DIGITS)
    assert computed.status.item() == "ok"
    value, truth = computed.risk.item(), exact.risk.item()
    assert np.isfinite(value)
    return float(abs(value - truth) / truth) if truth else value


@settings(max_examples=600)
@given(problems())
def test_eleven_digits_hold(problem: Problem) -> None:
    assert relative_error(problem) <= 1e-11


@settings(max_examples=600)
@given(
    problems(
        population=populations(smallest_std=1e-9),
        smallest_gap=1e-6,
        smallest_alpha=1e-9,
        smallest_sigma=1e-8,
    )
)
def test_eight_digits_hold_near_every_edge(problem: Problem) -> None:
    assert relative_error(problem) <= 1e-8


@pytest.mark.parametrize("sigma", [1e-8, 1e-5, 1e-3, 0.1])
@pytest.mark.parametrize("rule", ["magnitude", "covariance", "exponent=0.3", "oracle"])
def test_near_ties(sigma: float, rule: str) -> None:
    """Point masses that the noise hardly widens; two of them tie, one misses the tie by little."""
    from asymptotics import Population

    population = Population(
        weight=[0.3, 0.2, 0.4, 0.1], eigenvalue=[1, 1, 1, 3], mean=[1, -1, 1 + 1e-6, 0.2]
    )
    for alpha in (0.2, 0.399999, 0.4, 0.55, 0.95):
        problem = (population, 0.5, sigma, alpha, 0.0, rule)
        computed, exact = risk(*problem).risk.item(), risk(*problem, digits=20).risk.item()
        assert abs(computed - exact) <= 1e-8 * exact
