"""The theory against least squares on random data, at p = 400.

A case is accepted when the mean over trials lies within four standard errors of the prediction;
the same test must reject formulas with one deliberate mistake.
"""

from collections.abc import Callable

import numpy as np
import pytest

from asymptotics import Population, risk, theory
from asymptotics.arithmetic import Array
from asymptotics.theory import Channel, FixedPoint

P, TRIALS, ALPHA, SIGMA = 400, 120, 0.4, 0.7
POPULATION = Population(weight=[1, 3], eigenvalue=[5, 1], mean=[0.5, 0], std=[0.5, 1])
SETTINGS = {"least squares": (0.5, 0.0), "minimum norm": (2.0, 0.0), "ridge": (1.25, 0.3)}
RULES = {"magnitude": 0.0, "covariance": 0.5}


def trained_weights(x: Array, y: Array, ridge: float) -> Array:
    n, p = x.shape
    if p <= n:
        return np.linalg.solve(x.T @ x + n * ridge * np.eye(p), x.T @ y)
    return x.T @ np.linalg.solve(x @ x.T + n * ridge * np.eye(n), y)


def simulate(kappa: float, ridge: float, exponent: float, seed: int) -> Array:
    """Test errors of pruned models, one per trial."""
    rng = np.random.default_rng(seed)
    n, kept = round(P / kappa), round(ALPHA * P)
    sizes = np.rint(P * POPULATION.weight).astype(int)
    group = np.repeat(np.arange(len(sizes)), sizes)
    eigenvalue = POPULATION.eigenvalue[group]
    risks = np.empty(TRIALS)
    for trial in range(TRIALS):
        noise = rng.standard_normal(P)
        beta = (POPULATION.mean[group] + POPULATION.std[group] * noise) / np.sqrt(P)
        x = rng.standard_normal((n, P)) * np.sqrt(eigenvalue)
        fitted = trained_weights(x, x @ beta + SIGMA * rng.standard_normal(n), ridge)
        order = np.argsort(eigenvalue**exponent * abs(fitted))
        fitted[order[: P - kept]] = 0
        risks[trial] = SIGMA**2 + (eigenvalue * (fitted - beta) ** 2).sum()
    return risks


def z_score(risks: Array, predicted: float) -> float:
    return float((risks.mean() - predicted) / (risks.std(ddof=1) / np.sqrt(risks.size)))


@pytest.mark.parametrize(("kappa", "ridge"), SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("rule", RULES)
def test_agreement(kappa: float, ridge: float, rule: str) -> None:
    predicted = float(risk(POPULATION, kappa, SIGMA, ALPHA, ridge, rule).risk)
    assert abs(z_score(simulate(kappa, ridge, RULES[rule], seed=1), predicted)) < 4


def without_kappa(law: Channel, fixed: FixedPoint) -> Channel:
    """The channel's noise without its factor κ."""
    return law._replace(noise=law.noise / fixed.kappa)


def without_shrinkage(law: Channel, _: FixedPoint) -> Channel:
    """The channel of least squares, X = B + noise, at any ridge."""
    return law._replace(shrinkage=law.shrinkage * 0 + 1, bias=law.bias * 0)


@pytest.mark.parametrize(
    ("mistake", "kappa", "ridge", "rule", "formula"),
    [
        (without_kappa, 0.5, 0.0, "magnitude", "magnitude"),
        (without_kappa, 2.0, 0.0, "covariance", "covariance"),
        (without_shrinkage, 1.25, 0.3, "magnitude", "magnitude"),
        (None, 0.5, 0.0, "covariance", "magnitude"),  # the score without sqrt(Λ)
    ],
)
def test_a_mistake_is_rejected(
    mistake: Callable[[Channel, FixedPoint], Channel] | None,
    kappa: float,
    ridge: float,
    rule: str,
    formula: str,
) -> None:
    scored = theory.as_rule(formula)
    fixed = theory.fixed_point(POPULATION, kappa, SIGMA, ridge)
    law = theory.channel(POPULATION, fixed)
    if mistake:
        law = mistake(law, fixed)
    cut = theory.threshold(scored.score(law), ALPHA)
    predicted = float(theory.pruned_risk(law, SIGMA, scored, cut).risk)
    assert abs(z_score(simulate(kappa, ridge, RULES[rule], seed=1), predicted)) > 6
