"""Special cases that the literature gives in closed form."""

import numpy as np
import pytest
from scipy import integrate

from asymptotics import Population, risk, theory

KAPPAS = np.array([0.2, 0.7, 0.99, 1.01, 1.5, 4.0, 30.0])


def test_isotropic_ridgeless_risk() -> None:
    """Hastie et al. (arXiv 1903.08560), Theorem 1, noise included."""
    signal, sigma = 1.7, 0.6
    under = sigma**2 / (1 - KAPPAS)
    over = signal**2 * (1 - 1 / KAPPAS) + sigma**2 * KAPPAS / (KAPPAS - 1)
    computed = risk(Population.isotropic(std=signal), KAPPAS, sigma, 1.0).risk
    np.testing.assert_allclose(computed, np.where(KAPPAS < 1, under, over), rtol=1e-12)


def test_isotropic_minimum_norm_effective_ridge() -> None:
    over = KAPPAS[KAPPAS > 1]
    tau = theory.fixed_point(Population.isotropic(), over, 1.0).tau
    np.testing.assert_allclose(tau, over - 1, rtol=1e-13)


@pytest.mark.parametrize("ridge", [0.01, 0.5, 7.0])
def test_isotropic_ridge_is_marchenko_pastur(ridge: float) -> None:
    """1/τ is the Stieltjes transform at -ridge of the Gram matrix' law, whichever way it is had."""
    for kappa in KAPPAS:
        low, high = (1 - np.sqrt(kappa)) ** 2, (1 + np.sqrt(kappa)) ** 2

        def moment(f, low=low, high=high, kappa=kappa):
            """Of the law of X'X/n: a continuous part, and an atom at 0 for kappa > 1."""
            middle, half = (low + high) / 2, (high - low) / 2
            # x = middle + half cos(angle) takes the square roots at the edges away.
            continuous, _ = integrate.quad(
                lambda a: (
                    f(middle + half * np.cos(a))
                    * (half * np.sin(a)) ** 2
                    / (2 * np.pi * kappa * (middle + half * np.cos(a)))
                ),
                0,
                np.pi,
                epsabs=1e-13,
                epsrel=1e-13,
                limit=400,
            )
            return continuous + max(0, 1 - 1 / kappa) * f(0)

        transform = moment(lambda x: 1 / (x + ridge))
        gram = kappa * transform + (1 - kappa) / ridge  # of XX'/n, n by n
        tau = theory.fixed_point(Population.isotropic(), kappa, 1.0, ridge).tau
        np.testing.assert_allclose(1 / tau, gram, rtol=1e-9)
        # Dobriban and Wager (2018): risk of ridge regression with a random signal.
        squared = moment(lambda x: 1 / (x + ridge) ** 2)
        expected = (
            0.6**2 * (1 + kappa * (transform - ridge * squared)) + 1.7**2 * ridge**2 * squared
        )
        computed = risk(Population.isotropic(std=1.7), kappa, 0.6, 1.0, ridge).risk
        np.testing.assert_allclose(computed, expected, rtol=1e-9)


def test_isotropic_least_squares_magnitude_pruning() -> None:
    """No signal: pruning keeps the tail of a Gaussian, E[X²; |X| > t]."""
    from scipy.stats import norm

    kappa, alpha = 0.5, 0.3
    u = norm.isf(alpha / 2)
    variance = kappa / (1 - kappa)
    expected = 1 + variance * 2 * (norm.sf(u) + u * norm.pdf(u))
    computed = risk(Population.isotropic(std=0), kappa, 1.0, alpha).risk
    np.testing.assert_allclose(computed, expected, rtol=1e-13)
