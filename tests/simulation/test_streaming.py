"""Weights that are seen once leave the same error as weights that are held in memory."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from asymptotics import Population, risk
from asymptotics.arithmetic import Array
from asymptotics.simulation import Exact, LinearExperiment, pruned_errors, realise, run_trial
from asymptotics.simulation import finite as finite_module
from asymptotics.simulation.control import controls
from asymptotics.simulation.finite import BLOCK, FiniteProblem
from asymptotics.simulation.sampler import Draw
from asymptotics.simulation.streaming import Bracket, Part, Place, brackets_from, streamed_trial
from asymptotics.theory import COVARIANCE, MAGNITUDE, ORACLE, RANDOM, exponent_rule

#: The random rule first: what it draws is then the first that is drawn.
RULES = (RANDOM, MAGNITUDE, COVARIANCE, ORACLE, exponent_rule(-1))
ALPHAS = [0.0, 0.001, 0.3, 0.97, 1.0]
MIXED = Population([1, 3, 1, 1], [5, 1, 0, 2], mean=[0.5, 0, 1, 0.1], std=[0.5, 1, 1, 0])
TIED = Population([2, 3], [4, 1], mean=[1, 1])
P = 5000


@pytest.fixture
def _many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finite_module, "BLOCK", 1 << 10)


def drawn(population: Population, sigma: float) -> tuple[FiniteProblem, Draw]:
    problem = realise(population, P, 0.5, sigma, ALPHAS, 0.0, RULES)
    return problem, Exact().draw(problem, 1, np.random.default_rng(0))


def streamed(
    problem: FiniteProblem, draw: Draw, brackets: dict[Place, Bracket]
) -> tuple[Array, Array, int]:
    passes = 0

    def parts() -> Iterator[Part]:
        nonlocal passes
        passes += 1
        for block in problem.blocks():
            yield Part(block, draw.coefficient[:, block.features], draw.trained[:, block.features])

    return (*streamed_trial(problem, parts, brackets, np.random.default_rng(1)), passes)


@pytest.mark.usefixtures("_many_blocks")
@pytest.mark.parametrize("sigma", [0.7, 1e-6])
@pytest.mark.parametrize("bracket", ["sampled", "everything", "misses"])
def test_the_error_is_that_of_weights_in_memory(sigma: float, bracket: str) -> None:
    problem, draw = drawn(MIXED, sigma)
    small = problem.resized(500)
    few = Exact().draw(small, 1, np.random.default_rng(2))
    brackets = brackets_from(
        problem,
        small,
        Part(small.all_features, few.coefficient, few.trained),
        np.random.default_rng(3),
    )
    widths = [upper - lower for lower, upper in brackets.values()]
    assert np.isfinite(widths).any()
    if bracket == "everything":
        brackets = dict.fromkeys(brackets, (-np.inf, np.inf))
    if bracket == "misses":
        brackets = {place: (50.0, 51.0) if place[1] else of for place, of in brackets.items()}
    errors, control, passes = streamed(problem, draw, brackets)
    expected = pruned_errors(problem, draw.coefficient, draw.trained, np.random.default_rng(1))
    np.testing.assert_allclose(errors, expected[0], rtol=1e-12)
    np.testing.assert_allclose(control, controls(problem, draw.coefficient)[0], rtol=1e-10)
    assert passes == (2 if bracket == "misses" else 1)


@pytest.mark.usefixtures("_many_blocks")
def test_ties_are_kept_in_the_right_number() -> None:
    """Without noise the weights of a group tie; half of them by eigenvalue 1 are kept."""
    problem, draw = drawn(TIED, 0.0)
    brackets = dict.fromkeys(np.ndindex(len(RULES), len(ALPHAS)), (0.5, 1.5))
    errors, _, _ = streamed(problem, draw, brackets)
    expected = pruned_errors(problem, draw.coefficient, draw.trained, np.random.default_rng(1))[0]
    np.testing.assert_allclose(errors[2:4], expected[2:4], rtol=1e-12)  # what ties is alike
    assert errors[1, 2] == pytest.approx(0.7 * 2.2, rel=0.02)  # all tie, at random


def test_large_problems_are_streamed() -> None:
    problem = realise(MIXED, 32 * BLOCK, 0.5, 0.7, [0.3], 0.0, RULES)
    experiment = LinearExperiment(problem, Exact(), 2)
    tracemalloc.start()
    outcomes = np.array([run_trial(experiment, 0, index) for index in range(2)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < Exact().memory(problem, 2) < 16 * problem.p  # of two arrays of all weights
    values = (outcomes[:, 0] - outcomes[:, 1])[..., 0]
    expected = risk(problem.population, problem.kappa, 0.7, 0.3, rule=list(RULES)).risk
    np.testing.assert_allclose(values.mean(axis=0), expected, rtol=5e-3)
    assert np.all(values.std(axis=0) > 0)
