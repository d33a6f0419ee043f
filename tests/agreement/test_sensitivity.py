"""Slopes of the risk against differences in seventy digits."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from asymptotics import Population, risk, sensitivity
from asymptotics.line.grid import Grid, as_grid
from asymptotics.line.slopes import differentiated
from asymptotics.testing import Problem, Refit, populations, problems, refits
from asymptotics.theory import MAGNITUDE, exponent_rule
from tests.budgets import examples

STEP = Fraction(1, 10**30)
NUMBERS = ("kappa", "sigma", "alpha", "ridge")


def difference(problem: Problem, key: str, refit: Refit | None = None) -> float:
    """The difference quotient in one parameter, to second order in the step.

    At an end of the parameter's domain it is taken from inside, by three values.
    """
    given = problem._asdict() | (refit._asdict() if refit else {})
    at = Fraction(given[key])

    def value(steps: int) -> Any:
        found: Any = risk(**given | {key: at + steps * STEP}, digits=70)
        return (found.retrained_risk if refit else found.risk).item()

    if at > 0 and not (key == "alpha" and at == 1):
        change = (value(1) - value(-1)) / 2
    else:
        inward = 1 if at == 0 else -1
        change = inward * (4 * value(inward) - value(2 * inward) - 3 * value(0)) / 2
    return float(change * STEP.denominator)


def assert_slopes(problem: Problem, keys: tuple[str, ...] = NUMBERS) -> None:
    found = sensitivity(*problem)
    value = risk(*problem).risk.item()
    assert found.risk.item() == pytest.approx(value, rel=1e-12)
    for key in keys:
        slope = getattr(found, f"d_{key}").item()
        expected = difference(problem, key)
        # Beside the change that a relative change of the parameter of order 1 would bring.
        unit = value / max(float(getattr(problem, key)), 1e-3)
        # A risk that is 0 and rises as sigma² has no other unit: what is left out is of the order
        # of the step squared.
        left_out = float(STEP) ** 1.5
        assert abs(slope - expected) <= 1e-9 * (abs(expected) + unit) + left_out, key


@examples(60)
@given(problems(population=populations(smallest_std=0.1).filter(lambda p: (p.std > 0).all())))
def test_slopes_are_difference_quotients(problem: Problem) -> None:
    assert_slopes(problem)


@pytest.mark.parametrize("rule", ["magnitude", "covariance", "oracle", "random", "exponent=1.5"])
@pytest.mark.parametrize("kappa", [0.5, 2.0])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("alpha", [0.2, 0.9, 1.0])
def test_slopes_of_each_regime(rule: str, kappa: float, ridge: float, alpha: float) -> None:
    """At ridge = 0 the slope in the ridge is that from above, least squares included."""
    population = Population([0.3, 0.5, 0.2], [10, 0.5, 0], mean=[0, 0.7, 1], std=[0.5, 0, 1])
    assert_slopes(Problem(population, kappa, 0.5, alpha, ridge, rule))  # type: ignore[arg-type]


EXTREME = problems(
    population=populations(max_groups=4, eigenvalue_range=1e16, smallest_std=1e-6),
    smallest_gap=1e-9,
    smallest_alpha=1e-9,
    smallest_sigma=1e-9,
)


@examples(50)
@given(EXTREME, st.none() | refits(smallest_ridge=1e-18), st.sampled_from(NUMBERS))
def test_a_slope_that_is_given_is_right(problem: Problem, refit: Refit | None, key: str) -> None:
    found: Any = sensitivity(*problem, **(refit._asdict() if refit else {}))
    prefix = "retrained_" if refit else ""
    slope, value = (getattr(found, f"{prefix}{name}").item() for name in (f"d_{key}", "risk"))
    if not np.isfinite(slope):
        return
    expected = difference(problem, key, refit)
    population = problem.population
    typical = {
        "kappa": value / max(problem.kappa, 1),
        "sigma": 2 * problem.sigma,
        "alpha": value,
        "ridge": value / float(population.weight @ population.eigenvalue),
    }
    left_out = float(STEP) ** 1.5
    assert abs(slope - expected) <= 1e-6 * max(abs(slope), typical[key]) + left_out


#: Problems, and a slope of theirs that is a small difference of large numbers.
LOST = {
    "little noise": (
        Problem(
            Population(
                [0.4893240087464148, 0.021351982507170353, 0.4893240087464148],
                [10.0, 90.7812434096, 97884.4396903],
                mean=[-8.991160426634499, -6.84104520526398, 5.0759393553635945],
            ),
            0.0169267057927, 6.734839115e-07, 0.1, 3.96958209387e-13, exponent_rule(1.0),
        ),
        "sigma",
    ),
    "next to interpolation": (
        Problem(
            Population([3, 1], [4, 0.01], mean=[-6, -7], std=[8e-5, 2e-5]),
            1 - 2.5e-9, 1.6e-8, 1.6e-4, 0.0, MAGNITUDE,
        ),
        "ridge",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_a_slope_that_rounding_takes_is_none(name: str) -> None:
    problem, key = LOST[name]
    grid = as_grid(*problem[1:]).in_floats().flat()
    (raw,) = differentiated(problem.population, grid)
    expected = difference(problem, key)
    assert abs(raw.slope[0, NUMBERS.index(key)] - expected) > 1e-6 * abs(expected)
    found = sensitivity(*problem)
    assert found.status == "no slope"
    assert np.isnan(getattr(found, f"d_{key}"))
    assert np.isfinite(found.risk)


@pytest.mark.parametrize("kappa", [0.3, 0.99])
def test_slopes_at_a_tiny_ridge_are_those_at_none(kappa: float) -> None:
    """At no ridge the formulas are those of least squares."""
    population = Population([0.3, 0.7], [10, 0.5], mean=[0, 0.7], std=[0.5, 1])
    tiny = [0.0, 1e-40, 1e-18, 1e-15, 1e-13]
    found = sensitivity(population, kappa, 0.5, 0.3, tiny)
    np.testing.assert_allclose(found.d_ridge, found.d_ridge[0], rtol=1e-8)
    second: Any = sensitivity(population, 2, 0.5, kappa / 2, 0.1, retrain=True, retrain_ridge=tiny)
    slopes = second.retrained_d_retrain_ridge
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-8)
    assert {*found.status, *second.retrained_status} == {"ok"}


def test_a_wrong_slope_is_seen() -> None:
    """Without what a root moves by, differences do not agree: this test can fail."""
    from asymptotics.arithmetic.dual import DualNumbers
    from asymptotics.line.rows import evaluate
    from asymptotics.theory import fixed_point

    class Frozen(DualNumbers):
        """Roots as constants."""

        def root(self, *arguments):
            return super().root(*arguments).value

    problem = Problem(Population.isotropic(), 2.0, 0.5, 0.3, 0.1, MAGNITUDE)
    arithmetic = Frozen(4)
    kappa, sigma, alpha, ridge = (
        arithmetic.parameter(np.array([x]), index) for index, x in enumerate(problem[1:5])
    )
    fixed = fixed_point(problem.population, kappa, sigma, ridge, arithmetic)
    grid = Grid(kappa, sigma, alpha, ridge, np.array([problem.rule]))
    frozen: Any = evaluate(problem.population, fixed, grid, problem.rule, arithmetic).risk
    for index, key in enumerate(("kappa", "sigma", "alpha", "ridge")):
        expected = difference(problem, key)
        assert abs(frozen.slope[0, index] - expected) > 1e-3 * abs(expected)


def test_slopes_that_do_not_exist_are_said() -> None:
    points = Population([1, 1], mean=[1, 2])
    found = sensitivity(points, 0.5, [0, 1], [[0], [0.5], [1]])
    ways = [["no slope", "no slope"], ["no slope", "ok"], ["no slope", "ok"]]
    assert found.status.tolist() == ways
    assert found.d_sigma[2].tolist() == [0, 4]  # of sigma² / (1 - kappa)
    assert np.isnan(found.d_alpha[0]).all()
    assert found.d_sigma[0].tolist() == [0, 2]
    assert "no slope" in repr(found)
    at_threshold = sensitivity(points, 1, 1, 0.5)
    assert at_threshold.status.item() == "diverges"
    assert np.isnan(at_threshold.d_kappa.item())


@pytest.mark.parametrize(("kappa", "ridge"), [(1.0, 0.1), (2.0, 0.0)])
def test_slopes_where_eigenvalues_alone_interpolate(kappa: float, ridge: float) -> None:
    """kappa P(Λ > tau) = 1: the excess changes sides there."""
    population = Population([0.5, 0.5], [10, 1], std=1)
    assert_slopes(Problem(population, kappa, 0.5, 0.4, ridge, "magnitude"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kappa", [1, 1 + 2**-52, 1 - 2**-53])
def test_slopes_at_the_interpolation_threshold_without_noise(kappa: float) -> None:
    """There the risk has a kink in kappa, and the roundings of kappa hide its side."""
    found = sensitivity(Population.isotropic(), kappa, 0, 1)
    assert found.status == "no slope"
    assert np.isnan([found.d_kappa, found.d_sigma, found.d_ridge]).all()


def test_slopes_that_differ_on_two_sides_are_none() -> None:
    points = Population([1, 1], mean=[1, 2])
    between = sensitivity(points, 0.5, [0, 1], 0.5, rule=["magnitude", "oracle"])
    assert np.isnan(between.d_alpha).all()
    last = sensitivity(Population.isotropic(), 2, 0.5, 1, rule="oracle")
    assert np.isnan(last.d_alpha.item())
    threshold = sensitivity(Population.isotropic(), 1, 0, 0.5)
    assert np.isnan([threshold.d_kappa, threshold.d_sigma, threshold.d_ridge]).all()


@pytest.mark.parametrize("kappa", [0.8, 1.0])
def test_the_first_weights_dropped_need_not_be_small(kappa: float) -> None:
    """Points of signal 4 found exactly: the risk is 4 (1 - alpha), and its slope is not 0."""
    points = Population(eigenvalue=[4.0], mean=[1.0], std=[0.0])
    assert np.isnan(sensitivity(points, kappa, 0, 1).d_alpha)
    assert sensitivity(Population.isotropic(), 0.8, 0, 1).d_alpha == 0
    for rule in ("optimal", "shrunk"):
        assert np.isnan(sensitivity(Population.isotropic(), 0.8, 1, 1, rule=rule).d_alpha)


def test_slopes_at_a_threshold_that_no_weight_is_near() -> None:
    """Between means 1 and 2: a weight there gains 2 E[B|Y=3/2] 3/2 - (3/2)² = 9/4."""
    points = Population([1, 1], mean=[1, 2])
    found = sensitivity(points, 0.5, [0.05, 0.02, 0.01], 0.5)
    np.testing.assert_allclose(found.d_alpha[:2], -9 / 4, rtol=1e-12)
    assert np.isnan(found.d_alpha[2])  # below the least number, and not a guess
    np.testing.assert_allclose(found.d_sigma, 3 * found.sigma, rtol=1e-12)
    assert found.status.tolist() == ["ok", "ok", "no slope"]


def test_the_grid_broadcasts() -> None:
    found = sensitivity(Population.isotropic(), [0.5, 2], 1, [[0.1], [0.5], [0.9]], rule="oracle")
    assert found.shape == (3, 2)
    single = sensitivity(Population.isotropic(), 2, 1, 0.5, rule="oracle")
    assert single.d_kappa.item() == found.d_kappa[1, 1]
    assert [*next(found.rows())] == list(found.columns)


@pytest.mark.parametrize(("kappa", "sigma", "rule"), [(2, 0.5, "oracle"), (0.5, 0, "magnitude")])
def test_a_point_mass_beside_a_wide_group(kappa: float, sigma: float, rule: str) -> None:
    """The slope in alpha jumps where the threshold meets the point mass and where it leaves it."""
    population = Population(weight=[0.3, 0.7], eigenvalue=1, mean=[1, 0], std=[0, 1])
    meets = 0.7 * 2 * norm.sf(1)
    at = sensitivity(population, kappa, sigma, [meets, meets + 0.3], rule=rule).d_alpha
    assert np.isnan(at).all()
    for alpha in (0.2, 0.3, 0.4, 0.6):
        step = 1e-6 * np.array([-1, 1])
        below, above = risk(population, kappa, sigma, alpha + step, rule=rule).risk
        found = sensitivity(population, kappa, sigma, alpha, rule=rule).d_alpha
        assert found == pytest.approx((above - below) / 2e-6, rel=1e-6)
