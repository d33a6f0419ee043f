"""The strategies of `asymptotics.testing` keep what they say of their arguments."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from asymptotics import InvalidInput, testing
from asymptotics.testing import magnitudes, populations, problems, refits, schedules

DRAWN = settings(
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def require(strategy: Any, holds: Callable[[Any], bool]) -> None:
    @DRAWN
    @given(strategy)
    def drawn(value: Any) -> None:
        assert holds(value)

    drawn()


@pytest.mark.parametrize(("low", "high"), [(2, 3), (0.1, 0.1), (1e-9, 1e-8)])
def test_magnitudes(low: float, high: float) -> None:
    require(magnitudes(low, high), lambda x: low <= x <= high)


@pytest.mark.parametrize("most", [1, 2])
def test_groups(most: int) -> None:
    require(populations(most), lambda p: 1 <= len(p.weight) <= most)


@pytest.mark.parametrize("ratio", [1, 3, 10])
def test_range_of_eigenvalues(ratio: float) -> None:
    def holds(population: Any) -> bool:
        positive = population.eigenvalue[population.eigenvalue > 0]
        return 0 < positive.max() <= positive.min() * ratio * (1 + 1e-15)

    require(populations(eigenvalue_range=ratio), holds)


@pytest.mark.parametrize("least", [0.5, 2, 10])
def test_stds(least: float) -> None:
    strategy = populations(smallest_std=least)
    require(strategy, lambda p: ((p.std == 0) | ((p.std >= least) & (p.std <= 10))).all())


def test_zero_eigenvalues() -> None:
    require(populations(zero_eigenvalues=False), lambda p: (p.eigenvalue > 0).all())


@pytest.mark.parametrize("gap", [1e-3, 0.1, 0.5])
def test_kappas(gap: float) -> None:
    def holds(problem: Any) -> bool:
        excess = problem.kappa * float(problem.population.mass_above(0).value) - 1
        return 1e-3 <= problem.kappa <= 1e3 and abs(excess) >= gap

    require(problems(smallest_gap=gap), holds)


@pytest.mark.parametrize("share", [1.0, 0.5, 2e-3, 1.0004e-3, 1e-3, 0.9995e-3, 1e-4, 1e-9])
@pytest.mark.parametrize("gap", [1e-12, 1e-3, 0.5])
def test_any_share_of_features_leaves_a_kappa(share: float, gap: float) -> None:
    for times in (0.5, 1 - gap, 1, 1 + gap, 1.5):
        kappa = testing._apart(times / share, share, gap)
        assert 1e-3 <= kappa <= 1e3
        assert abs(kappa * share - 1) >= gap


@pytest.mark.parametrize("least", [0.2, 0.35, 0.5])
def test_alphas(least: float) -> None:
    require(problems(smallest_alpha=least), lambda p: least <= p.alpha <= 1 - least)


@pytest.mark.parametrize("least", [0.7, 2, 3])
def test_noise_and_ridge(least: float) -> None:
    def holds(problem: Any) -> bool:
        sigma, ridge = problem.sigma, problem.ridge
        return (sigma == 0 or least <= sigma <= 10) and (ridge == 0 or least**2 <= ridge <= 10)

    require(problems(smallest_sigma=least), holds)


@pytest.mark.parametrize("least", [2, 10])
def test_ridges_of_second_fits(least: float) -> None:
    def holds(ridge: float) -> bool:
        return ridge == 0 or least <= ridge <= 10

    require(refits(least), lambda refit: holds(refit.retrain_ridge))
    scheduled = schedules(smallest_ridge=least)
    require(scheduled, lambda found: all(holds(each.ridge) for each in found))


@pytest.mark.parametrize(("most", "least"), [(1, 0.7), (2, 1)])
def test_rounds(most: int, least: float) -> None:
    def holds(found: Any) -> bool:
        alphas = [each.alpha for each in found]
        falling = alphas == sorted(alphas, reverse=True)
        return 1 <= len(alphas) <= most and falling and least <= alphas[-1] <= alphas[0] <= 1

    require(schedules(most, least), holds)


@pytest.mark.parametrize(
    ("strategy", "name", "value"),
    [
        (magnitudes, "low", 0),
        (magnitudes, "low", 2),
        (magnitudes, "high", float("inf")),
        (populations, "max_groups", 0),
        (populations, "eigenvalue_range", 0.9),
        (populations, "smallest_std", 0),
        (populations, "smallest_std", 11),
        (problems, "smallest_gap", 0.6),
        (problems, "smallest_gap", float("nan")),
        (problems, "smallest_alpha", 0.6),
        (problems, "smallest_sigma", -1),
        (problems, "smallest_sigma", 4),
        (refits, "smallest_ridge", 0),
        (schedules, "max_rounds", 1.5),
        (schedules, "smallest_alpha", 2),
        (schedules, "smallest_ridge", 11),
    ],
)
def test_arguments_outside_their_range(strategy: Any, name: str, value: float) -> None:
    arguments = {"low": 1, "high": 1} if strategy is magnitudes else {}
    with pytest.raises(InvalidInput, match=f"^{name} = .*: must be"):
        strategy(**{**arguments, name: value})
