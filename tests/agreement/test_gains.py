"""The rules `optimal` and `shrunk`, which rank weights by what keeping them gains."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from asymptotics import (
    CertifiedRisk,
    InvalidInput,
    Population,
    best,
    risk,
    sensitivity,
    theory,
    verify,
)
from asymptotics.arithmetic.float64 import Float64
from asymptotics.simulation import realise
from asymptotics.simulation.gains import gains as simulated_gains
from asymptotics.spec import problem
from asymptotics.testing import Problem, populations, problems
from asymptotics.theory import COVARIANCE, MAGNITUDE, OPTIMAL, RANDOM, SHRUNK, exponent_rule
from tests import gains, two_fits
from tests.budgets import examples

BOTH = pytest.mark.parametrize("rule", ["optimal", "shrunk"])
#: Eigenvalues of one group each, and eigenvalues that groups share; features that carry nothing.
SINGLE = Population([0.3, 0.5, 0.2], [10, 0.5, 2], mean=[0.3, 0, -0.7], std=[0.5, 1, 0])
MIXED = Population([3, 2, 1, 4], [1, 1, 0, 2], mean=[0, 1, 1, -0.5], std=[0, 0.5, 1, 1])
SPIKES = Population([2, 1, 1, 3], [1, 1, 1, 3], mean=[0, 2, -1, 0.4], std=[0, 0.3, 0, 0])
ALL = {"single": SINGLE, "mixed": MIXED, "spikes": SPIKES}
MILD = populations(max_groups=4, eigenvalue_range=100, smallest_std=0.1)
ALPHAS = np.array([0.05, 0.3, 0.7, 0.95])


def predicted(*problem: Any, **settings: Any) -> Any:
    """The prediction, of whatever kind the settings make it."""
    return risk(*problem, **settings)


def mild(rule: theory.Rule) -> Any:
    """Problems without groups so narrow that double precision gives up."""
    return problems(MILD, st.just(rule), smallest_alpha=0.02, smallest_sigma=0.1)


# -- other ways to the risk --------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("population", ALL.values(), ids=ALL)
def test_ranking_a_grid_of_weights_agrees(population: Population, rule: str) -> None:
    for kappa, ridge in ((0.6, 0.0), (2.0, 0.3)):
        found = risk(population, kappa, 0.8, ALPHAS, ridge, rule)
        assert (found.status == "ok").all()
        expected = [gains.risk(population, kappa, 0.8, a, ridge, rule) for a in ALPHAS]
        np.testing.assert_allclose(found.risk, expected, rtol=2e-6)


@BOTH
def test_the_closed_form_of_one_component_is_that_of_a_mixture(rule: str) -> None:
    """Two laws that hardly differ go the way of mixtures."""
    for mean, std in ((0.0, 1.0), (0.8, 0.5), (-1.0, 0.2)):
        one = Population([0.6, 0.4], [1, 3], mean=[mean, 0.2], std=[std, 0.3])
        two = Population(
            [0.2, 0.4, 0.4], [1, 1, 3], mean=[mean, mean, 0.2], std=[std, std * (1 + 1e-12), 0.3]
        )
        single, mixed = (risk(x, [[0.6], [2]], 0.5, ALPHAS, 0.1, rule) for x in (one, two))
        np.testing.assert_allclose(mixed.risk, single.risk, rtol=1e-11)
        np.testing.assert_allclose(mixed.threshold, single.threshold, rtol=1e-9)


@pytest.mark.parametrize(
    ("population", "rule"), [(SINGLE, "optimal"), (SINGLE, "shrunk"), (MIXED, "optimal")]
)
def test_many_digits_agree(population: Population, rule: str) -> None:
    found = risk(population, 2, 0.5, 0.3, 0.1, rule)
    many = risk(population, 2, 0.5, 0.3, 0.1, rule, digits=12)
    assert many.status == "ok"
    assert float(many.risk.item()) == pytest.approx(found.risk.item(), rel=1e-11)
    assert float(many.threshold.item()) == pytest.approx(found.threshold.item(), rel=1e-9)


@BOTH
def test_what_is_said_of_narrow_parts_holds(rule: str) -> None:
    """Intervals of 1e-6 spreads, gains that hardly vary, and ties that share nearly all."""
    silent = Population([2, 2, 2, 3], [3.6e-4, 4, 2, 1.1e-4], mean=[1, 0, 0, -9], std=[0, 1, 1, 1])
    narrow = Population([1, 1], [147, 1.2e-3], mean=[1, 4.8], std=[0, 0.8])
    points = (
        (silent, 0.08, 1.3e-5, 0.9999998, 0.0),
        (narrow, 137.5, 0.0, 0.746, 1.0),
        (SINGLE, 2.0, 0.5, 0.3, 0.1),
    )
    for point in points:
        found, many = (
            predicted(*point, rule, retrain=True, retrain_ridge=0.1, **digits)
            for digits in ({}, {"digits": 15})
        )
        for name in ("risk", "retrained_risk"):
            value, truth = float(getattr(found, name)), float(getattr(many, name))
            residual = getattr(found, name.replace("risk", "residual"))
            assert residual < 1e-8
            assert abs(value - truth) <= (residual + 1e-14) * truth


class Finer(Float64):
    """Floats with more nodes of a quadrature."""

    order = 24


def test_quadrature_over_a_mixture_has_enough_nodes() -> None:
    for population in (MIXED, SPIKES):
        fixed = theory.fixed_point(population, [0.6, 2, 2], 0.5, 0.1)
        law = theory.channel(population, fixed)
        cuts = [theory.cut(law, SHRUNK, [0.1, 0.3, 1.0], x) for x in (Float64(), Finer())]
        once, twice = (theory.pruned_risk(law, 0.5, SHRUNK, x).kept_error for x in cuts)
        np.testing.assert_allclose(once, twice, rtol=1e-14)
        assert cuts[0].beyond is not None
        assert cuts[0].beyond.max() > 1e-2  # there is something to integrate


@BOTH
def test_proved_bounds_hold_many_digits(rule: str) -> None:
    for alpha in (0.0, 0.25, 0.6, 1.0):
        proved = risk(SINGLE, 2, 0.5, alpha, 0.1, rule, certify=True)
        assert isinstance(proved, CertifiedRisk)
        assert proved.status == "ok", proved.reason.item()
        many = Decimal(str(risk(SINGLE, 2, 0.5, alpha, 0.1, rule, digits=25).risk.item()))
        assert proved.lower.item() <= many <= proved.upper.item()
        assert float(many) == pytest.approx(risk(SINGLE, 2, 0.5, alpha, 0.1, rule).risk.item())


def test_simulation_agrees_and_tells_the_rules_apart() -> None:
    found = verify(MIXED, 2, 0.5, 0.4, 0.1, ["optimal", "shrunk"], p=500, trials=24, workers=1)
    assert (found.verdict == "consistent").all()

    def other(*problem: Any) -> float:
        *others, rule = problem
        swapped = {OPTIMAL: COVARIANCE, SHRUNK: OPTIMAL}[rule]
        return float(predicted(*others, swapped).risk)

    wrong = verify(
        MIXED, 2, 0.5, 0.4, 0.1, ["optimal", "shrunk"], p=500, trials=24, workers=1, predict=other
    )
    assert (wrong.verdict == "inconsistent").all()


# -- what the rules are for ----------------------------------------------------------------------


@examples(60)
@given(mild(OPTIMAL))
def test_no_mask_of_trained_weights_is_better(problem: Problem) -> None:
    best, estimate = (risk(*problem._replace(rule=rule)) for rule in (OPTIMAL, SHRUNK))
    for rule in (MAGNITUDE, COVARIANCE, RANDOM, exponent_rule(-0.5)):
        assert best.risk <= risk(*problem._replace(rule=rule)).risk * (1 + 1e-9)
    assert not estimate.risk > best.risk * (1 + 1e-9)


@examples(30)
@given(mild(OPTIMAL))
def test_double_precision_seldom_gives_up(problem: Problem) -> None:
    assume(problem.sigma > 0)
    for rule in (OPTIMAL, SHRUNK):
        found = risk(*problem._replace(rule=rule))
        assert found.status == "ok"
        kept = problem.population.weight @ found.kept_share()
        assert kept == pytest.approx(problem.alpha, rel=1e-9)


@BOTH
def test_without_noise_coefficients_are_ranked_by_importance(rule: str) -> None:
    """Least squares then finds B itself, and both gains are ΛB²."""
    for population in ALL.values():
        alpha = np.array([0.0, 0.2, 0.55, 0.9, 1.0])
        found = risk(population, 0.5, 0, alpha, rule=rule)
        oracle = risk(population, 0.5, 0, alpha, rule="oracle")
        np.testing.assert_allclose(found.risk, oracle.risk, rtol=1e-12, atol=1e-15)


def test_the_threshold_is_the_slope_in_alpha_and_the_best_size_is_where_it_vanishes() -> None:
    step = 1e-5
    for population in ALL.values():
        for rule in ("optimal", "shrunk"):
            low, here, high = (
                risk(population, 2, 0.5, ALPHAS + d, 0.1, rule) for d in (-step, 0, step)
            )
            slope = (high.risk - low.risk) / (2 * step)
            np.testing.assert_allclose(slope, -here.threshold, rtol=1e-5, atol=1e-7)
    alpha = np.linspace(0.01, 0.99, 99)
    found = risk(MIXED, 2, 0.5, alpha, 0.1, "optimal")
    best = int(np.argmin(found.risk))
    assert found.threshold[best - 1] >= 0 >= found.threshold[best + 1]
    assert found.threshold[0] > 0 > found.threshold[-1]
    assert (risk(MIXED, 2, 0.5, alpha, 0.1, "shrunk").threshold >= 0).all()


@BOTH
@pytest.mark.parametrize("population", [SINGLE, MIXED])
def test_slopes_are_those_of_difference_quotients(population: Population, rule: str) -> None:
    point = {"kappa": 2.0, "sigma": 0.5, "alpha": 0.3, "ridge": 0.1}
    fit: dict[str, Any] = {"rule": rule, "retrain": True, "retrain_ridge": 0.2}
    slopes: Any = sensitivity(population, 2.0, 0.5, 0.3, 0.1, **fit)
    assert slopes.status == slopes.retrained_status == "ok"
    for key, value in point.items():
        step = 1e-5
        low, high = (
            predicted(population, **point | {key: value + d}, **fit) for d in (-step, step)
        )
        for name in ("risk", "retrained_risk"):
            quotient = (getattr(high, name) - getattr(low, name)) / (2 * step)
            prefix = "retrained_d_" if name == "retrained_risk" else "d_"
            assert getattr(slopes, prefix + key) == pytest.approx(quotient, rel=1e-5, abs=1e-7)


def test_ridge_with_the_right_penalty_needs_no_shrinking() -> None:
    """B ~ N(0, b²) for all features: at r = κσ²/b² a trained weight is its own posterior mean."""
    b, kappa, sigma = 1.3, 1.7, 0.6
    population = Population([1, 2, 1], [0.3, 1, 5], std=b)
    right = kappa * sigma**2 / b**2
    by_size = risk(population, kappa, sigma, ALPHAS, right, "covariance").risk
    for rule in ("shrunk", "optimal"):
        found = risk(population, kappa, sigma, ALPHAS, right, rule)
        np.testing.assert_allclose(found.risk, by_size, rtol=1e-12)
    others = risk(population, kappa, sigma, ALPHAS, right * np.array([[0.2], [5]]), "shrunk").risk
    assert (others > by_size).all()


def test_the_largest_weights_may_be_dropped() -> None:
    """Coefficients that are nearly equal: weights far from their mean are noise."""
    population = Population(mean=[1], std=[0.1])
    law = theory.channel(population, theory.fixed_point(population, 0.8, 1.0))
    cuts = theory.cut(law, OPTIMAL, 0.5)
    assert isinstance(cuts, theory.Cuts)
    low, high = (float(end.item()) for end in cuts.ends)
    assert not cuts.first.item()
    assert -1 < low < 1 < high < 3


# -- features without a gain, ends of alpha, rows --------------------------------------------------


def test_features_that_carry_nothing_fill_up() -> None:
    """Their gain is 0: they are kept before the weights that hurt, and tie among themselves."""
    population = Population([0.5, 0.3, 0.2], [1, 2, 0], mean=[0, 0.5, 1], std=[0.1, 0.5, 1])
    alpha = np.linspace(0.01, 0.99, 50)
    found = risk(population, 2, 1, alpha, 0.1, "optimal")
    assert found.threshold[0] > 0 > found.threshold[-1]
    silent = found.kept_share()[:, 2]
    assert ((silent == 0) == (found.threshold > 0)).all()
    assert ((silent == 1) == (found.threshold < 0)).all()
    assert ((silent > 0) & (silent < 1)).sum() >= 5
    np.testing.assert_allclose(found.kept_share() @ population.weight, alpha, rtol=1e-12)


@BOTH
def test_ends_of_alpha(rule: str) -> None:
    found = risk(MIXED, 2, 0.5, [0, 1], 0.1, rule)
    assert found.risk[0] == pytest.approx(found.null_risk[0], rel=1e-14)
    if rule == "optimal":
        assert found.risk[1] == pytest.approx(found.gamma[1], rel=1e-12)
        assert np.isnan(found.threshold).all()
    else:
        assert found.risk[1] < found.gamma[1]
        assert found.threshold[1] == 0


@BOTH
def test_gains_that_all_vanish(rule: str) -> None:
    """c = 1/2 without a mean: the gain of keeping is 0, whatever the weight."""
    found = risk(Population(std=[1]), 0.5, 1, ALPHAS, rule=rule)
    assert (found.status == "ok").all()
    if rule == "optimal":
        np.testing.assert_allclose(found.risk, 2, rtol=1e-14)
    np.testing.assert_allclose(found.kept_share()[:, 0], ALPHAS, rtol=1e-12)


@BOTH
def test_a_row_does_not_depend_on_the_others(rule: str) -> None:
    kappa = np.geomspace(0.2, 5, 7)[:, None]
    found = risk(SPIKES, kappa, 0.5, ALPHAS, 0.05, rule)
    for index in np.ndindex(found.shape):
        alone = risk(SPIKES, kappa[index[0], 0], 0.5, ALPHAS[index[1]], 0.05, rule)
        assert found.risk[index] == alone.risk
        assert found.threshold[index] == alone.threshold


@BOTH
def test_splitting_and_signs_change_nothing(rule: str) -> None:
    expected = risk(MIXED, 2, 0.5, ALPHAS, 0.1, rule).risk
    p = MIXED
    mirrored = Population(p.weight, p.eigenvalue, -p.mean, p.std)
    twice = Population(
        np.tile(p.weight, 2) * np.repeat([0.3, 0.7], 4), *(np.tile(x, 2) for x in p.groups()[1:])
    )
    for other in (mirrored, twice):
        np.testing.assert_allclose(
            risk(other, 2, 0.5, ALPHAS, 0.1, rule).risk, expected, rtol=1e-10
        )


# -- a second fit --------------------------------------------------------------------------------


def test_the_joint_law_of_two_fits_agrees() -> None:
    population = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.2, 0.5])
    for kappa, again, towards in ((0.6, 0.0, "zero"), (2.3, 0.2, "zero"), (2.3, 0.2, "pruned")):
        found = predicted(
            population, kappa, 0.7, 0.35, 0.1, "optimal",
            retrain=True, retrain_ridge=again, retrain_towards=towards,
        )  # fmt: skip
        law = theory.channel(population, theory.fixed_point(population, kappa, 0.7, 0.1))
        cuts = theory.cut(law, OPTIMAL, 0.35)
        assert isinstance(cuts, theory.Cuts)
        kept = []
        for group in range(2):
            low, high = (float(end[group]) for end in cuts.ends)
            outer = [(-np.inf, low), (high, np.inf)]
            kept.append(outer if cuts.first[group] else [(low, high)])
        assert len(kept[0]) == 1  # not the intervals of a score
        first = kappa, found.tau.item(), found.gamma.item()
        expected = two_fits.risk(population, first, 0.7, kept, again, float(towards == "pruned"))
        assert found.retrained_risk.item() == pytest.approx(expected, rel=1e-11)


def test_a_second_fit_at_the_threshold_of_the_first() -> None:
    """The first fit is infinite; noise alone ranks its weights, the smallest are kept."""
    population = Population([0.5, 0.5], [1, 3], mean=[1, 0.3], std=[0.7, 0.4])
    found = predicted(population, 1, 0.5, 0.4, rule="optimal", retrain=True)
    assert found.status == "diverges"
    signal = population.eigenvalue * (population.mean**2 + population.std**2)
    expected = (0.25 + 0.6 * population.weight @ signal) / (1 - 0.4)
    assert found.retrained_risk.item() == pytest.approx(expected, rel=1e-12)


def test_in_a_spec_and_a_figure() -> None:
    document = {
        "kappa": [0.5, 2],
        "sigma": 0.5,
        "alpha": {"start": 0.1, "stop": 0.9, "num": 3},
        "rule": ["optimal", "shrunk"],
        "population": [{"weight": 3}, {"weight": 1, "std": 1}, {"eigenvalue": 2, "mean": 1}],
    }
    found = problem(document).solve()
    assert found.shape[-1] == 2
    assert (found.status == "ok").all()
    legend: Any = found.plot(x="alpha").get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    for name in ("optimal (best mask)", "shrunk (best estimate)"):
        assert any(label.startswith(name) for label in labels)


# -- refusals ------------------------------------------------------------------------------------


def test_what_is_not_defined_is_refused() -> None:
    many = Population(weight=np.ones(17), eigenvalue=1, mean=np.arange(17))
    with pytest.raises(InvalidInput, match="at most 16 laws"):
        risk(many, 0.5, 0.5, 0.3, rule="optimal")
    with pytest.raises(InvalidInput, match="several laws"):
        risk(MIXED, 2, 0.5, 0.3, rule="optimal", certify=True)
    with pytest.raises(InvalidInput, match="keep weights as they are"):
        risk(SINGLE, 2, 0.5, 0.3, rule="shrunk", retrain=True, retrain_towards="pruned")


# -- eigenvalues that are nearly equal, and what is not proved -----------------------------------


@pytest.mark.parametrize("rule", ["optimal", "shrunk"])
@pytest.mark.parametrize("third", [0.3, 0.1 + 0.2, Decimal("0.3"), 0.3 * (1 + 2**-51)])
def test_eigenvalues_within_rounding_are_shared(rule: str, third: Any) -> None:
    """Nobody could tell the group of a weight from the sixteenth digit of its eigenvalue."""
    one, other = (Population([0.9, 0.1], [0.3, x], std=[0.05, 2]) for x in (Decimal("0.3"), third))
    problem_at = 1.5, 0.3, 0.3, 0.1, rule
    assert risk(other, *problem_at).risk == pytest.approx(risk(one, *problem_at).risk, rel=1e-12)
    if rule == "optimal":
        exact = risk(other, *problem_at, digits=12).risk
        assert float(exact) == pytest.approx(risk(one, *problem_at).risk, rel=1e-9)


@BOTH
def test_eigenvalues_below_the_least_of_a_population_are_not_shared(rule: str) -> None:
    # The finer quadrature of this law has nodes below 1e-150, which a population raises to that.
    # The other population is a quadrature of our own in log Λ, which stops at 1e-12.
    law = Population.from_distribution(stats.expon(), mean=0.3, std=1, tolerance=1e-5)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(np.log(1e-12), np.log(40), 120)
    width = np.diff(edges)[:, None] / 2
    eigenvalue = np.exp(edges[:-1, None] + width * (1 + nodes)).ravel()
    weight = (width * weights).ravel() * eigenvalue * np.exp(-eigenvalue)
    own = Population(weight / weight.sum(), eigenvalue, mean=0.3, std=1)
    problem = ([0.5, 2], 0.5, 0.3, 0, rule)
    assert predicted(law, *problem).risk == pytest.approx(predicted(own, *problem).risk, rel=1e-5)


@BOTH
def test_the_far_tail_of_a_law_does_not_set_the_unit_of_the_gain(rule: str) -> None:
    far = Population([1 - 1e-30, 1e-30], [1, 1e60], std=[1, 1e-30])
    problem = (0.5, 0.5, [1e-3, 0.3, 0.999], 0, rule)
    near = predicted(Population.isotropic(), *problem)
    assert predicted(far, *problem).risk == pytest.approx(near.risk, rel=1e-12)
    heavy = Population.from_distribution(stats.pareto(2.5), mean=0.3, std=1)
    assert (risk(heavy, *problem).status == "ok").all()


@pytest.mark.parametrize("rule", [OPTIMAL, SHRUNK])
def test_simulated_weights_share_nearly_equal_eigenvalues_too(rule: Any) -> None:
    found = []
    for third in (0.3, 0.1 + 0.2):
        population = Population([0.9, 0.1], [0.3, third], std=[0.05, 2])
        finite = realise(population, 60, 1.5, 0.3, [0.3], 0.1, [rule])
        trained = np.linspace(-3, 3, 60)[None]
        found.append(simulated_gains(finite, rule, finite.all_features, trained))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


@pytest.mark.parametrize("rule", ["optimal", "shrunk"])
def test_the_least_risk_of_a_gain_is_not_proved(rule: str) -> None:
    with pytest.raises(InvalidInput, match="certify"):
        best(
            Population([0.4, 0.6], [1, 5]),
            0.5,
            0.5,
            0.3,
            (0.01, 10),
            rule,
            over="ridge",
            certify=True,
        )


def test_digits_without_noise_in_a_mixture() -> None:
    mixed = Population.from_groups([(0.5, 1, 0, 1), (0.25, 1, 0, 0), (0.25, 4, 0, 0)])
    exact = risk(mixed, 0.5, 0, 0.8, 0, "optimal", digits=15)
    assert exact.status == "ok"
    assert float(exact.risk) == pytest.approx(
        risk(mixed, 0.5, 0, 0.8, 0, "optimal").risk, abs=1e-15
    )
