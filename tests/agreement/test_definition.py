"""The closed forms against quadrature of the definition."""

import numpy as np
import pytest

from asymptotics import Population, risk, theory
from tests import definition

POPULATIONS = {
    "isotropic": Population.isotropic(),
    "shifted": Population(weight=[1, 2], eigenvalue=[1, 3], mean=[1, -0.5], std=[0.5, 1]),
    "points": Population(weight=[1, 1, 2], eigenvalue=[4, 1, 0.3], mean=[1, -2, 0.7]),
    "silent": Population(weight=[2, 1, 1], eigenvalue=[2, 0, 1], mean=[0.3, 5, 0], std=[1, 1, 0.4]),
}
SETTINGS = {"least squares": (0.6, 0.0), "minimum norm": (2.5, 0.0), "ridge": (1.3, 0.4)}


@pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS)
@pytest.mark.parametrize(("kappa", "ridge"), SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("exponent", [0.0, 0.5, -0.7])
def test_pruned_risk(population: Population, kappa: float, ridge: float, exponent: float) -> None:
    for alpha in (0.15, 0.6):
        expected = definition.risk(population, kappa, 0.7, alpha, ridge, exponent)
        computed = risk(population, kappa, 0.7, alpha, ridge, {"exponent": exponent}).risk
        np.testing.assert_allclose(computed, expected, rtol=1e-9)


@pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS)
@pytest.mark.parametrize(("kappa", "ridge"), SETTINGS.values(), ids=SETTINGS)
def test_fixed_point(population: Population, kappa: float, ridge: float) -> None:
    fixed = theory.fixed_point(population, kappa, 0.7, ridge)
    np.testing.assert_allclose(
        [fixed.tau, fixed.gamma], definition.fixed_point(population, kappa, 0.7, ridge), rtol=1e-12
    )


@pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS)
def test_oracle_and_random_by_sampling(population: Population) -> None:
    """Rules that quadrature over X does not reach, from 10^6 draws of (B, X) for each group."""
    kappa, sigma, ridge, alpha = 1.7, 0.5, 0.2, 0.4
    tau, gamma = definition.fixed_point(population, kappa, sigma, ridge)
    rng = np.random.default_rng(7)
    size = 1_000_000
    group = rng.choice(len(population), size=size, p=population.weight)
    eig = population.eigenvalue[group]
    b = population.mean[group] + population.std[group] * rng.standard_normal(size)
    x = (eig * b + np.sqrt(gamma * kappa * eig) * rng.standard_normal(size)) / (eig + tau)
    order = np.lexsort([rng.random(size), eig * b * b])[::-1]  # ties fall at random
    for rule, chosen in (("oracle", order), ("random", rng.permutation(size))):
        kept = np.zeros(size, dtype=bool)
        kept[chosen[: int(alpha * size)]] = True
        losses = eig * (b - np.where(kept, x, 0)) ** 2
        expected = sigma**2 + losses.mean()
        computed = risk(population, kappa, sigma, alpha, ridge, rule).risk.item()
        assert abs(computed - expected) <= 5 * losses.std() / np.sqrt(size)
