"""With a continuous law a simulation draws from the law itself: a wrong quadrature is refuted."""

# mypy: disable-error-code="override"
# A law that a user writes overrides methods of SciPy without their types.

from typing import Any

import numpy as np
import pytest
from scipy import stats

from asymptotics import NoConvergence, Population, Verification, verify
from asymptotics.laws import Columns, LineLaw
from asymptotics.simulation.finite import smallest_size
from asymptotics.simulation.strata import weighted

EMPTY_BINS = [0] * 8
BINS = np.arange(1.0, 12.0)


def histogram(first: int, last: int) -> Any:
    return stats.rv_histogram((np.array([first, *EMPTY_BINS, last]), BINS), density=False)


def spike(x: Any) -> Any:
    return 0.5 + 4 * np.exp(-(((x - 1.3) / 0.01) ** 2) / 2)


LAWS = {
    "uniform": Population.from_distribution(stats.uniform(0, 2), std=2.0),
    "heavy tail": Population.from_distribution(stats.pareto(2.5), mean=1.0),
    "power law": Population.power_law(0.5, 0.2),
    "no quantile function": Population.from_distribution(stats.argus(1.0), std=2.0),
    "empty bins": Population.from_distribution(histogram(502, 498)),
    "a spike of std": Population.from_distribution(stats.uniform(0, 2), std=spike),
    "jump": Population.from_distribution(
        stats.uniform(0, 2), std=lambda x: np.where(x > 1.9, 3.0, 0.1)
    ),
    "with dead features": Population.mixture(
        [Population.power_law(0.3, 0.1), Population(1, 0)], [3, 1]
    ),
}


def verdicts(population: Population, seed: int, **settings: Any) -> Verification:
    settings = {"p": 2048, "trials": 16, "rule": ["magnitude", "covariance"], **settings}
    return verify(population, 0.5, 0.3, 0.4, seed=seed, workers=1, **settings)


def with_groups_of(population: Population, groups: Population) -> Population:
    """A population whose quadrature is wrong: its groups are those of another law."""
    return Population._approximating(groups.groups(), groups.tolerance, population.law)


@pytest.mark.parametrize("population", LAWS.values(), ids=LAWS)
def test_right_groups_are_consistent(population: Population) -> None:
    z = []
    for seed in range(3):
        found = verdicts(population, seed)
        assert np.all(found.verdict == "consistent")
        z += found.z.tolist()
    assert np.abs(z).max() < 6


class Gap(stats.rv_continuous):
    """Half of the eigenvalues below 1 and half above 9, by the distribution function alone."""

    def _cdf(self, x: Any) -> Any:
        return np.interp(x, [0, 1, 9, 10], [0, 0.5, 0.5, 1])


def test_draws_of_a_law_by_its_distribution_function_keep_to_its_gap() -> None:
    population = Population.from_distribution(Gap(a=0, b=10), breakpoints=[1, 9])
    found = verify(population, 0.5, 0.1, 0.4, rule="covariance", p=2048, trials=16, workers=1)
    assert found.verdict == "consistent"


OFF = 1.05 * LAWS["power law"].eigenvalue
WRONG = {
    "5 % off": (
        LAWS["power law"],
        Population(*Population.power_law(0.5, 0.2).groups()._replace(eigenvalue=OFF)),
    ),
    "a jump misplaced": (
        LAWS["empty bins"],
        Population.from_distribution(histogram(530, 470)),
    ),
    "a spike missed": (
        LAWS["a spike of std"],
        Population.from_distribution(stats.uniform(0, 2), std=0.5),
    ),
}


@pytest.mark.parametrize(("population", "groups"), WRONG.values(), ids=WRONG)
def test_wrong_groups_are_inconsistent(population: Population, groups: Population) -> None:
    for seed in range(3):
        wrong = verdicts(with_groups_of(population, groups), seed)
        assert "inconsistent" in wrong.verdict  # for one of the rules


def pareto(index: float) -> Population:
    return Population.from_distribution(stats.pareto(index), tolerance=1e-6)


def test_a_heavy_tail_is_no_false_alarm() -> None:
    """A few thousand features have half of the signal of such a law, without a finite variance."""
    found = verdicts(pareto(1.1), 0, p=1024, trials=8, rule="random")
    assert found.verdict == "consistent"


TAILS = {
    **{f"pareto {index}": pareto(index) for index in (1.05, 1.3, 2, 3)},
    "power law": Population.power_law(0.9, 0.0),
    "small eigenvalues": Population.power_law(-0.5, 1.4),
    "rescaled mixture": Population.mixture(
        [pareto(1.2), Population.power_law(0.8, 0.0), Population(std=3)], [2, 1, 1]
    ).rescaled(0.7),
    "light": LAWS["no quantile function"],
}


@pytest.mark.parametrize("population", TAILS.values(), ids=TAILS)
def test_weighted_features_know_the_signal(population: Population) -> None:
    assert population.law is not None
    for seed in range(5):
        signal = [drawn.signal for drawn in weighted(population.law, seed, 8)]
        assert abs(np.mean(signal) - population.signal) <= np.ptp(signal)
        assert np.ptp(signal) < 0.02 * population.signal


def rare(x: Any) -> Any:
    return 0.5 + 70 * np.exp(-(((x - 1.3) / 2e-5) ** 2) / 2)


def test_where_features_are_too_rare_to_be_drawn_there_is_no_alarm() -> None:
    ends = [1.3 - 1e-4, 1.3, 1.3 + 1e-4]
    law = Population.from_distribution(stats.uniform(0, 2), std=rare, breakpoints=ends)
    found = verdicts(law, 1, p=1024, trials=8, rule="random")
    assert found.verdict == "too weak"
    assert "rare features of the law carry too much of the risk" in found.reason.item()


def test_features_that_are_drawn_need_none_of_the_groups() -> None:
    assert smallest_size(TAILS["pareto 1.05"], 0.5, [0.4]) == 3


class Atoms(stats.rv_continuous):
    """Features of three eigenvalues alone: the lowest, one in the middle, and the largest."""

    VALUES, BELOW = np.array([1.0, 2.0, 5.0]), np.array([0.3, 0.6, 1.0])

    def _ppf(self, u: Any) -> Any:
        return self.VALUES[np.searchsorted(self.BELOW, u)]

    def _isf(self, above: Any) -> Any:
        return self._ppf(1 - above)

    def _cdf(self, x: Any) -> Any:
        return np.concatenate([[0], self.BELOW])[np.searchsorted(self.VALUES, x, side="right")]


#: Quantile functions that are flat, also where they are rounded to the end of the support.
FLAT = {
    "three atoms": Population.from_distribution(Atoms(a=0, b=6), std=lambda x: 1 / x),
    "flat at the top": Population.from_distribution(stats.beta(1, 0.05), tolerance=1e-6),
    "flat at the bottom": Population.from_distribution(stats.beta(0.05, 1), tolerance=1e-6),
    "flat at both ends": Population.from_distribution(
        stats.beta(0.05, 0.05), std=lambda x: 2 - x, tolerance=1e-6
    ),
}


def above(population: Population) -> float:
    return float(population.weight[population.eigenvalue > 0.5].sum())


@pytest.mark.parametrize("population", FLAT.values(), ids=FLAT)
def test_features_that_are_alike_are_drawn_once(population: Population) -> None:
    assert population.law is not None
    for drawn in weighted(population.law, 0, 4):
        assert drawn.signal == pytest.approx(population.signal, rel=1e-3)
        assert above(drawn) == pytest.approx(above(population), abs=2 / 1024)  # two equal parts


class TwiceInTheTail(LineLaw):
    """A law whose density along its line contradicts its quantiles."""

    edges = np.array([-32.0, 32.0])

    def at(self, x: Any) -> Columns:
        density = np.where(x > 15, 1.0, 0.0)
        return Columns(density, *self.quantiles(x))

    def places(self, u: Any) -> Any:
        return np.log(u) - np.log1p(-u)

    def quantiles(self, u: Any) -> Any:
        return np.ones_like(u), np.zeros_like(u), np.ones_like(u)

    def coefficients(self, eigenvalue: Any) -> Any:
        return np.zeros_like(eigenvalue), np.ones_like(eigenvalue)


def test_draws_that_weigh_more_than_the_law_are_refused() -> None:
    with pytest.raises(NoConvergence, match=r"weigh 17.* times what all features weigh"):
        weighted(TwiceInTheTail(), 0, 1)
