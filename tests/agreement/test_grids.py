"""A point of a grid is the same to the last bit whatever other points are beside it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymptotics import Population, hessian_bias, risk, sensitivity
from asymptotics.results import GridResult
from asymptotics.testing import magnitudes, populations, rules
from tests.budgets import examples


@st.composite
def grids(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    """Parameters of random shapes that broadcast, with the special values drawn often."""
    values = {
        "kappa": st.sampled_from([0.5, 1.0, 5.0]) | magnitudes(1e-3, 1e3),
        "sigma": st.sampled_from([0.0, 1.0, 1e-6]) | magnitudes(1e-9, 10),
        "alpha": st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0, 1 - 1e-9]) | st.floats(1e-9, 1),
        "ridge": st.sampled_from([0.0, 0.0, 1.0]) | magnitudes(1e-9, 10),
        "rule": rules(),
    }
    shape = [draw(st.integers(1, most)) for _ in range(draw(st.integers(0, 3)))]
    grid: dict[str, Any] = {}
    for key, value in values.items():
        own = tuple(size if draw(st.booleans()) else 1 for size in shape)
        own = own[draw(st.integers(0, len(own))) :]  # leading axes may be left out
        array = np.empty(own, dtype=object if key == "rule" else float)
        for index in np.ndindex(own):
            array[index] = draw(value)
        grid[key] = array
    return grid


def assert_each_point_is_itself(function: Any, population: Population, **grid: Any) -> None:
    whole: GridResult = function(population, **grid)
    broadcast = dict(zip(grid, np.broadcast_arrays(*grid.values()), strict=True))
    for index in np.ndindex(broadcast["kappa"].shape):
        alone = function(population, **{key: array[index] for key, array in broadcast.items()})
        for name in whole.columns:
            one, other = whole.column(name)[index], alone.column(name)[()]
            assert np.array_equal(_comparable(one), _comparable(other)), (name, one, other)


def _comparable(x: Any) -> Any:
    """Text of any value: NaN equals NaN, and every digit counts."""
    return [str(entry) if isinstance(entry, str) else repr(entry) for entry in np.ravel(x).tolist()]


@examples(60)
@given(populations(max_groups=50, smallest_std=1e-9), grids())
def test_risks(population: Population, grid: dict[str, Any]) -> None:
    assert_each_point_is_itself(risk, population, **grid)


@examples(25)
@given(populations(max_groups=50), grids())
def test_slopes(population: Population, grid: dict[str, Any]) -> None:
    assert_each_point_is_itself(sensitivity, population, **grid)


@examples(15)
@given(populations(max_groups=50), grids())
def test_hessian_biases(population: Population, grid: dict[str, Any]) -> None:
    del grid["rule"]
    assert_each_point_is_itself(hessian_bias, population, **grid)


@examples(8)
@given(populations(max_groups=3), grids(most=2), st.booleans())
def test_many_digits(population: Population, grid: dict[str, Any], certify: bool) -> None:
    def function(*arguments: Any, **numbers: Any) -> GridResult:
        return risk(*arguments, **numbers, digits=12, certify=certify)

    assert_each_point_is_itself(function, population, **grid)


def large(groups: int) -> Population:
    rng = np.random.default_rng(groups)
    std = np.where(rng.random(groups) < 0.5, 0.3, 0.0)
    return Population(rng.random(groups), rng.gamma(2, size=groups), rng.normal(size=groups), std)


@pytest.mark.parametrize("groups", [7, 8, 9, 127, 128, 129, 1000, 16_385])
def test_any_number_of_groups(groups: int) -> None:
    """Around the lengths at which sums are taken in another way."""
    numbers = {"kappa": np.array([0.5, 2.0, 5.0]), "sigma": 0.5, "alpha": np.array([[0.3], [0.9]])}
    rule = np.array([["oracle"], ["covariance"]])
    numbers = {key: np.asarray(value) for key, value in numbers.items()}
    assert_each_point_is_itself(risk, large(groups), **numbers, rule=rule)
    if groups < 2_000:
        assert_each_point_is_itself(sensitivity, large(groups), **numbers, rule=rule)


def test_more_groups_than_are_worked_on_at_a_time() -> None:
    population = large((1 << 17) + 3)
    assert_each_point_is_itself(
        risk, population, kappa=np.array([0.5, 3.0]), sigma=np.array([0.0, 0.5]), alpha=0.3
    )


def test_neighbours_that_are_sharp() -> None:
    """Rows without noise next to it divide groups by their centres; those of others do not."""
    population = Population([0.5, 0.5], [1, 1e-5], [1, 1])
    grid = np.meshgrid([0.5, 5.0], [1e-6, 0.1], [0.3, 0.9], indexing="ij")
    numbers: dict[str, Any] = dict(zip(("kappa", "sigma", "alpha"), grid, strict=True))
    rule = np.array({"exponent": 2})
    assert_each_point_is_itself(risk, population, **numbers, rule=rule)
    result = risk(population, **numbers, rule={"exponent": 2})
    assert (result.status == "ok").all()
    exact = risk(population, 5, 0.1, 0.9, rule={"exponent": 2}, digits=12).risk.item()
    assert result.risk[1, 1, 1] == pytest.approx(float(exact), rel=1e-12)
    assert result.risk[1, 1, 1].round(6) == 0.316675


def test_point_masses_beside_normal_laws() -> None:
    """Without noise the threshold is a score, with it a root."""
    population = Population([1, 2, 3], [1, 1, 4], [3, 2, 0.5])
    assert_each_point_is_itself(
        risk, population, kappa=np.array(0.5), sigma=np.array([0.0, 1e-9, 0.5]), alpha=np.array(0.4)
    )
