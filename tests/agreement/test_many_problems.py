"""A sample of the random problems that `make benchmark` evaluates, and some that were wrong."""

from typing import Any

import numpy as np
import pytest

from asymptotics import InvalidInput, Population, hessian_bias, risk, sensitivity
from tests.problems import DOMAINS, Findings, problems


@pytest.mark.parametrize(("domain", "grids"), [("tame", 8), ("edge", 8), ("extreme", 25)])
def test_a_sample_of_problems(domain: str, grids: int) -> None:
    found = Findings()
    for arguments in problems(7, DOMAINS[domain], grids, 5):
        found.add(arguments)
    assert not found.wrong
    assert found.status["ok"] > 4 * grids
    if domain != "extreme":
        assert not found.lost
        assert not found.undecided


def error(*arguments) -> float:
    value, exact = risk(*arguments).risk.item(), risk(*arguments, digits=20).risk.item()
    return float(abs(value / exact - 1))


#: Almost all weights are kept, and next to nothing is lost: each of these had status ok with an
#: error of 1e-8 or more.
ALMOST_ALL = [
    # Point masses, of which a fraction of the smallest is dropped.
    (
        ([1, 2.3e-14, 1.3e-11], [3e-17, 1e-8, 7e15], [-2.8e6, -2.5e-14, 0], [0, 0, 2.2e-4]),
        (3e-4, 0.0, 1 - 6.2e-15, 0.0, {"exponent": 0.624}),
    ),
    # Weights of eigenvalue 0 are dropped first, then a few others.
    (
        ([1, 1.9e-12, 1, 1], [6.8e-9, 0, 3.9e14, 2], [2, 2, -6.8, 2], [1, 1, 6.3e-4, 1.3e-10]),
        (1.00003535, 1.9e-9, 1 - 4e-11, 1.5e-23, {"exponent": -4.172}),
    ),
    # The division between groups is nearer than that of all from none.
    (
        ([7e-9, 1.3e-4, 1.4e-7, 3.2e-13, 1, 2.2e-7], [4, 6.3e9, 4, 9.6e-5, 2, 1.9e9],
         [-7.5, 2, -4, 2, -6.1, -4.4], 0),
        (0.99999999999998, 6.5e-15, 1 - 9.2e-10, 0.0, "covariance"),
    ),
    # The share that is kept of the smaller score is next to 1.
    (([3, 7], [1, 2], [1, 2], 0), (0.00612, 0.0, 1 - 3.5e-12, 0.0, {"exponent": 3.7})),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "numbers"), ALMOST_ALL)
def test_almost_all_weights_kept(columns, numbers) -> None:
    population = Population(*columns)
    assert error(population, *numbers) < 1e-10


def test_almost_none_kept_of_a_point_mass() -> None:
    """The share dropped of a tie is nearly 1; it must not come from a sum of all others."""
    population = Population(
        [9.5e-13, 5.1e-10, 6.6e-6, 1], [1e33, 1.5e-44, 2.1e-85, 4e22],
        [8.5e-74, 8.2e21, 2.2e-29, 8.1e-42],
    )  # fmt: skip
    assert error(population, 6.3e-15, 0.0, 4.9e-28) < 1e-10


def test_the_residual_is_the_relative_error() -> None:
    """All of two groups but next to nothing is kept; alpha tells it to a few last digits only."""
    population = Population([1, 1, 1], 1.0, [1, 1, 1e-7])
    alpha = np.nextafter(2 / 3, 0) - np.array([0.0, 1e-15, 1e-10, 1e-6])
    result = risk(population, 0.5, 0.0, alpha)
    exact = risk(population, 0.5, 0.0, alpha, digits=15)
    assert result.status[0] == "no convergence"
    assert np.isnan(result.risk[0])
    fine = result.status == "ok"
    assert fine[-1]
    off = abs(result.risk[fine] / exact.risk[fine].astype(float) - 1)
    assert (off <= 1e-8).all()
    assert (off <= result.residual[fine]).all()


LAST = np.spacing(1.0)


@pytest.mark.parametrize(
    ("eigenvalue", "mean", "rule"),
    [
        ([4, 1], [1, 1 + LAST], "magnitude"),
        ([4, 1], [1, 1 + 8 * LAST], "magnitude"),
        ([3, 1], [1, 3**0.5], "oracle"),
        ([3, 1], [1, 3**0.3], "exponent=0.3"),
        # Tied indeed.
        ([4, 1], [1, -1], "magnitude"),
        ([4, 1], [1, 2], "covariance"),
        ([4, 1], [1, 2], "oracle"),
        ([16, 1], [1, 2], "exponent=0.25"),
    ],
)
def test_scores_that_only_seem_tied(eigenvalue, mean, rule: str) -> None:
    """Floats tie scores that agree but for a few roundings; which group is kept may matter."""
    population = Population([1, 1], eigenvalue, mean)
    kappa, sigma = np.array([[0.5], [3.0]]), np.array([0.0, 1e-17, 1e-14, 1e-6])
    result = risk(population, kappa, sigma, 0.5, rule=rule)
    exact = risk(population, kappa, sigma, 0.5, rule=rule, digits=15).risk.astype(float)
    told = result.status == "ok"
    assert (abs(result.risk[told] / exact[told] - 1) <= 1e-8).all()
    if float(mean[1]).is_integer():
        assert told.all()


def wild(rng: np.random.Generator) -> tuple[Any, ...]:
    """A problem from nearly all magnitudes that are allowed."""
    size = int(rng.integers(1, 5))

    def magnitudes(exponent: float, size: int | None = None):
        return 10 ** rng.uniform(-exponent, exponent, size)

    weight, eigenvalue = magnitudes(50, size), magnitudes(150, size)
    root = np.sqrt(eigenvalue) if rng.random() < 0.7 else 1
    mean, std = (magnitudes(50, size) / root * (rng.random(size) < 0.6) for _ in range(2))
    population = Population(weight, eigenvalue, mean, std)
    alpha = rng.choice([magnitudes(50), 0.3, 1 - 1e-15, 0.0, 1.0])
    rule = rng.choice(["magnitude", "covariance", "oracle", "random"])
    sigma, ridge = rng.choice([0.0, magnitudes(50)]), rng.choice([0.0, magnitudes(50)])
    return population, magnitudes(50), sigma, min(alpha, 1.0), ridge, str(rng.choice([rule]))


def test_nothing_in_the_domain_warns_or_runs_for_ever() -> None:
    """Every warning is an error here; what is given is right to 1e-8."""
    rng = np.random.default_rng(3)
    given = 0
    while given < 60:
        try:
            problem = wild(rng)
            result = risk(*problem)
        except InvalidInput:  # scores or E[ΛB²] out of range
            continue
        given += 1
        sensitivity(*problem)
        hessian_bias(*problem[:5])
        if result.status.item() == "ok" and given % 5 == 0:
            exact = float(risk(*problem, digits=12).risk.item())
            assert abs(result.risk.item() - exact) <= 1e-8 * exact, problem
