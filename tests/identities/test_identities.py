"""What must hold of any correct formula: invariances, limits, bounds, on drawn problems."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asymptotics import Population, risk, theory
from asymptotics.testing import Problem, magnitudes, populations, problems
from asymptotics.theory import COVARIANCE, MAGNITUDE, ORACLE, Rule, exponent_rule
from asymptotics.theory.rules import WeightRule

MILD = populations(eigenvalue_range=1e3, smallest_std=1e-2)
FACTORS = st.sampled_from([0.5, 2.0, 3.0]) | magnitudes(1e-2, 1e2)


def value(problem: Problem) -> float:
    return float(risk(*problem).risk)


def moment(population: Population, power: float) -> float:
    """E[Λ^power; Λ>0] / P(Λ>0)."""
    alive = population.eigenvalue > 0
    w = population.weight[alive]
    return float((w * population.eigenvalue[alive] ** power).sum() / w.sum())


# -- ends of alpha ---------------------------------------------------------------------------


@given(problems())
def test_keeping_all_gives_the_noise_level(problem: Problem) -> None:
    result = risk(*problem._replace(alpha=1.0))
    np.testing.assert_allclose(result.risk, result.gamma, rtol=1e-11)
    assert result.threshold == 0 or problem.rule == theory.RANDOM


@given(problems())
def test_keeping_none_gives_the_null_risk(problem: Problem) -> None:
    result = risk(*problem._replace(alpha=0.0))
    np.testing.assert_allclose(result.risk, result.null_risk, rtol=1e-13)
    assert result.kept_error == 0


@given(problems())
def test_parts_add_up_and_alpha_is_kept(problem: Problem) -> None:
    result = risk(*problem)
    parts = (result.noise, result.kept_error, result.dropped_signal)
    assert all(part >= 0 for part in parts)
    np.testing.assert_allclose(result.risk, sum(parts), rtol=1e-15)
    assert result.residual <= 1e-10
    share = result.kept_share()
    assert ((share >= 0) & (share <= 1 + 1e-15)).all()
    np.testing.assert_allclose((problem.population.weight * share).sum(), problem.alpha, rtol=1e-9)


# -- invariances -----------------------------------------------------------------------------


@given(problems(), FACTORS)
def test_scaling_coefficients_and_noise_scales_the_risk(problem: Problem, c: float) -> None:
    p = problem.population
    scaled = Population(p.weight, p.eigenvalue, c * p.mean, c * p.std)
    other = problem._replace(population=scaled, sigma=c * problem.sigma)
    np.testing.assert_allclose(value(other), c**2 * value(problem), rtol=1e-9)


@given(problems(), FACTORS)
def test_units_of_all_features_do_not_matter(problem: Problem, a: float) -> None:
    p, root = problem.population, np.sqrt(a)
    scaled = Population(p.weight, a * p.eigenvalue, p.mean / root, p.std / root)
    other = problem._replace(population=scaled, ridge=a * problem.ridge)
    np.testing.assert_allclose(value(other), value(problem), rtol=1e-9)


@given(problems(), st.randoms(use_true_random=False), st.floats(0.1, 0.9))
def test_splitting_and_permuting_groups_change_nothing(problem, random, cut) -> None:
    p = problem.population
    rows = []
    for w, *law in zip(p.weight, p.eigenvalue, p.mean, p.std, strict=True):
        rows += [(cut * w, *law), ((1 - cut) * w, *law)]
    random.shuffle(rows)
    other = problem._replace(population=Population.from_groups(rows))
    np.testing.assert_allclose(value(other), value(problem), rtol=1e-9)


@given(problems())
def test_sign_of_coefficients_does_not_matter(problem: Problem) -> None:
    p = problem.population
    other = problem._replace(population=Population(p.weight, p.eigenvalue, -p.mean, p.std))
    np.testing.assert_allclose(value(other), value(problem), rtol=1e-12)


@given(problems())
def test_silent_features_are_a_restriction(problem: Problem) -> None:
    """Features of eigenvalue 0 are as good as absent: theory of section 7 with nothing unseen."""
    p = problem.population
    restriction = p.restricted((p.eigenvalue > 0).astype(float))
    assert restriction.unseen == 0
    assume(problem.rule != theory.RANDOM)  # which keeps silent features as it keeps others
    if problem.rule == ORACLE:
        assume((p.mean**2 + p.std**2 > 0).all())  # and so do weights that tie at score 0
    other = problem._replace(
        population=restriction.population,
        kappa=problem.kappa * restriction.fraction,
        alpha=min(1.0, problem.alpha / restriction.fraction),
    )
    np.testing.assert_allclose(value(other), value(problem), rtol=1e-7)


@given(problems(rule=st.just(MAGNITUDE)), magnitudes(1e-3, 1e3))
def test_rules_coincide_when_eigenvalues_are_equal(problem: Problem, eigenvalue: float) -> None:
    p = problem.population
    flat = Population(p.weight, eigenvalue, p.mean, p.std)
    first = problem._replace(population=flat, kappa=problem.kappa * float(p.mass_above(0).value))
    results = [
        value(first._replace(rule=rule)) for rule in (MAGNITUDE, COVARIANCE, exponent_rule(1.5))
    ]
    np.testing.assert_allclose(results, results[0], rtol=1e-9)


@given(problems(population=MILD, rule=st.just(COVARIANCE)), st.data())
def test_covariance_pruning_of_least_squares_does_not_see_units(problem, data) -> None:
    p = problem.population
    factors = data.draw(st.lists(FACTORS, min_size=len(p), max_size=len(p)))
    problem = problem._replace(ridge=0.0, kappa=0.4)
    other = problem._replace(population=p.rescaled(factors))
    np.testing.assert_allclose(value(other), value(problem), rtol=1e-9)


def test_magnitude_pruning_of_least_squares_does_see_units() -> None:
    population = Population(weight=[1, 1], eigenvalue=[1, 1], std=[1, 0.3])
    before = risk(population, 0.4, 0.5, 0.5).risk
    after = risk(population.rescaled([4, 1]), 0.4, 0.5, 0.5).risk
    assert after > 1.1 * before


# -- limits ----------------------------------------------------------------------------------


@given(MILD, magnitudes(1e-3, 10), st.floats(0.1, 0.9), st.floats(0.1, 3))
def test_many_samples_leave_only_the_ridge(p, ridge, alpha, sigma) -> None:
    """κ→0: X = ΛB/(Λ+r)."""
    missed = ridge / (p.eigenvalue + ridge)
    kept = (p.weight * p.eigenvalue * (p.mean**2 + p.std**2) * missed**2).sum()
    expected = sigma**2 + alpha * kept + (1 - alpha) * p.signal
    computed = risk(p, 1e-12, sigma, alpha, ridge, "random").risk
    np.testing.assert_allclose(computed, expected, rtol=1e-8)


@given(problems(population=MILD))
def test_few_samples_teach_nothing(problem: Problem) -> None:
    result = risk(*problem._replace(kappa=1e12, ridge=0.0))
    np.testing.assert_allclose(result.risk, result.null_risk, rtol=1e-6)


@given(problems(population=MILD))
def test_a_large_ridge_teaches_nothing(problem: Problem) -> None:
    result = risk(*problem._replace(ridge=1e14, kappa=min(problem.kappa, 10.0)))
    np.testing.assert_allclose(result.risk, result.null_risk, rtol=1e-6)


@given(problems(population=MILD, smallest_gap=0.05))
def test_a_vanishing_ridge_is_none(problem: Problem) -> None:
    assume(problem.sigma > 0)  # else ties are broken by however little ridge there is
    first, second = (value(problem._replace(ridge=r)) for r in (0.0, 1e-14))
    np.testing.assert_allclose(second, first, rtol=1e-6)


@given(MILD, magnitudes(1e-2, 10), st.sampled_from([-1e-9, 1e-9]))
def test_noise_at_the_threshold_diverges_as_its_inverse_distance(p, sigma, gap) -> None:
    kappa = (1 + gap) / float(p.mass_above(0).value)
    gap = kappa * float(p.mass_above(0).value) - 1
    gamma = theory.fixed_point(p, kappa, sigma).gamma
    np.testing.assert_allclose(gamma * abs(gap), sigma**2, rtol=1e-4)


@given(MILD)
def test_signal_just_beyond_the_threshold(p: Population) -> None:
    """σ=0, κ₊=1+ε: γ ≈ ε E[B²/Λ;Λ>0] / E[1/Λ|Λ>0]²."""
    gap = 1e-9
    share = float(p.mass_above(0).value)
    kappa = (1 + gap) / share
    gap = kappa * share - 1
    alive = p.eigenvalue > 0
    second = (p.mean**2 + p.std**2)[alive]
    seen = (p.weight[alive] * second / p.eigenvalue[alive]).sum()
    gamma = theory.fixed_point(p, kappa, 0.0).gamma
    np.testing.assert_allclose(gamma, gap * seen / moment(p, -1) ** 2, rtol=1e-3)


# -- optima and slopes -----------------------------------------------------------------------


@given(populations(zero_eigenvalues=False), magnitudes(1e-2, 1e2), magnitudes(1e-1, 10))
def test_the_best_ridge_for_a_signal_without_direction(p, kappa, sigma) -> None:
    """E[B²|Λ] = b²: the risk is least at r = κσ²/b²."""
    b = 1.5
    flat = Population(p.weight, p.eigenvalue, mean=[b * 0.6] * len(p), std=[b * 0.8] * len(p))
    best = kappa * sigma**2 / b**2
    ridges = best * np.array([0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 2.0])
    gamma = theory.fixed_point(flat, kappa, sigma, ridges).gamma
    assert (gamma >= gamma[3] * (1 - 1e-13)).all()


@given(problems(population=populations(eigenvalue_range=100, smallest_std=0.1)))
def test_slope_in_alpha_is_the_gain_at_the_threshold(problem: Problem) -> None:
    """At a fixed channel dRisk/dα = -E[Λ(2BX - X²) | score = t]."""
    p, kappa, sigma, alpha, ridge, rule = problem
    assume(isinstance(rule, WeightRule) and sigma > 0.1)
    assert isinstance(rule, WeightRule)
    assume(0.05 < alpha < min(0.95, 0.95 * float(p.mass_above(0).value)))
    law = theory.channel(p, theory.fixed_point(p, kappa, sigma, ridge))
    t = float(theory.threshold(rule.score(law), alpha).value)
    weights, gains = [], []
    for w, eig, m, s, a, _, v in zip(*law, strict=True):
        if eig == 0:
            continue
        variance, scale = a**2 * s**2 + v, float(eig) ** float(rule.exponent)
        for x in (-t / scale, t / scale):
            density = np.exp(-((x - a * m) ** 2) / (2 * variance)) / np.sqrt(variance)
            weights.append(w * density / scale)
            gains.append(eig * (2 * x * (m + a * s**2 / variance * (x - a * m)) - x * x))
    expected = -np.average(gains, weights=weights)
    step = 1e-5
    low, high = (value(problem._replace(alpha=alpha + d)) for d in (-step, step))
    scale = p.signal + sigma**2 + max(map(abs, gains))
    assert abs((high - low) / (2 * step) - expected) <= 1e-4 * scale


@given(problems())
def test_a_rule_that_knows_more_loses_no_signal_to_one_that_knows_nothing(problem: Problem) -> None:
    """The oracle keeps the largest ΛB², so no mask of its size drops less signal."""
    oracle, other = (risk(*problem._replace(rule=rule)) for rule in (ORACLE, problem.rule))
    assert oracle.dropped_signal <= other.dropped_signal * (1 + 1e-9)


@pytest.mark.parametrize("rule", [MAGNITUDE, COVARIANCE, ORACLE])
@given(problem=problems())
def test_dropping_fewer_drops_less(rule: Rule, problem: Problem) -> None:
    fewer = problem._replace(alpha=problem.alpha / 2, rule=rule)
    assert value_dropped(problem._replace(rule=rule)) <= value_dropped(fewer) * (1 + 1e-9)


def value_dropped(problem: Problem) -> float:
    return float(risk(*problem).dropped_signal)
