"""The stages one by one: regimes, ties, thresholds, rules."""

from fractions import Fraction

import numpy as np
import pytest

from asymptotics import InvalidInput, Population, risk, theory
from asymptotics.arithmetic.multiprecision import Multiprecision
from asymptotics.theory import COVARIANCE, MAGNITUDE, RANDOM, as_rule
from asymptotics.theory.rules import WeightRule

POINTS = Population(weight=[1, 2, 3, 4], eigenvalue=[1, 1, 1, 4], mean=[3, 2, -2, 0.5])


def test_stages_can_be_walked_by_hand() -> None:
    population = Population(weight=[1, 1], eigenvalue=[4, 1], std=[0.5, 1])
    kappa = np.array([0.5, 2.0])
    fixed = theory.fixed_point(population, kappa, sigma=0.5)
    assert fixed.tau[0] == 0
    assert fixed.gamma[0] == 0.5
    law = theory.channel(population, fixed)
    assert law.shrinkage.shape == (2, 2)
    np.testing.assert_allclose(law.shrinkage + law.bias, 1)
    score = COVARIANCE.score(law)
    cut = theory.threshold(score, 0.4)
    moments = theory.truncated_moments(score, cut)
    np.testing.assert_allclose(moments.kept.mass + moments.dropped.mass, 1, rtol=1e-14)
    np.testing.assert_allclose((population.weight * moments.kept.mass).sum(axis=-1), 0.4)
    parts = theory.pruned_risk(law, 0.5, COVARIANCE, cut)
    np.testing.assert_array_equal(
        parts.risk, risk(population, kappa, 0.5, 0.4, rule="covariance").risk
    )
    np.testing.assert_array_equal(theory.kept_share(law, COVARIANCE, cut), moments.kept.mass)


def test_effective_ridge_solves_its_equation_over_sixteen_decades() -> None:
    population = Population(weight=[1, 2, 3], eigenvalue=[1e8, 1, 1e-8], std=1)
    kappa, ridge = np.geomspace(1e-8, 1e8, 65)[:, None], np.array([0, 1e-12, 1e-3, 1e6])
    tau = theory.fixed_point(population, kappa, 1.0, ridge).tau[..., None]
    eig, w = population.eigenvalue, population.weight
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = 1 - ridge / tau[..., 0] - kappa * (w * eig / (eig + tau)).sum(axis=-1)
    solved = tau[..., 0] > 0
    assert (
        abs(gap[solved]) <= 1e-13 * np.maximum(1, np.broadcast_to(kappa, gap.shape)[solved])
    ).all()
    assert (solved == ((ridge > 0) | (kappa > 1))).all()


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_no_feature_carries_anything(sigma: float) -> None:
    population = Population(eigenvalue=[0, 0], std=1)
    for rule in theory.RULES:
        result = risk(population, [0.5, 1, 2], sigma, 0.3, [[0.0], [1.0]], rule)
        np.testing.assert_array_equal(result.risk, sigma**2)
        assert (result.status == "ok").all()


def test_at_the_interpolation_threshold() -> None:
    population = Population(weight=[3, 1], eigenvalue=[1, 0], std=1)
    kappa = np.array([1.3, 4 / 3, 1.4])
    result = risk(population, kappa, 0.5, np.array([[0.5], [0.0]]))
    assert result.status.tolist() == [["ok", "diverges", "ok"], ["ok", "ok", "ok"]]
    assert np.isinf(result.risk[0, 1])
    np.testing.assert_allclose(result.risk[1], 1.0)
    np.testing.assert_array_equal(
        result.risk[0, [0, 2]], risk(population, kappa[[0, 2]], 0.5, 0.5).risk
    )
    quiet = risk(population, 4 / 3, 0.0, 0.5)  # without noise the limit is finite
    np.testing.assert_allclose(quiet.risk, risk(population, 1.0, 0.0, 0.5).risk, rtol=1e-13)
    for rule in ("random", "oracle", "covariance"):
        assert risk(population, 4 / 3, 1e-9, 1e-9, rule=rule).status == "diverges"


def test_ties_are_kept_at_random() -> None:
    """Least squares without noise sees B itself: scores are point masses."""
    # Scores 3, 2, 2, 0.5 with masses .1, .2, .3, .4: 35 % cuts through the tie at 2.
    result = risk(POINTS, 0.5, 0.0, 0.35)
    np.testing.assert_allclose(result.kept_share(), [1, 0.5, 0.5, 0], atol=1e-14)
    assert result.threshold == 2
    np.testing.assert_allclose(result.risk, 0.25 * 4 + 0.4 * 4 * 0.25)
    # A plateau: all of the first three groups, none of the last.
    result = risk(POINTS, 0.5, 0.0, 0.6)
    np.testing.assert_allclose(result.kept_share(), [1, 1, 1, 0], atol=1e-14)
    np.testing.assert_allclose(result.risk, 0.4)


def test_ties_between_eigenvalues() -> None:
    population = Population(weight=[1, 1], eigenvalue=[4, 1], mean=[1, 2])
    shares = risk(population, 0.5, 0.0, 0.5, rule=["covariance", "magnitude"]).kept_share()
    np.testing.assert_allclose(shares, [[0.5, 0.5], [0.0, 1.0]], atol=1e-14)


def test_noise_of_any_size_breaks_a_tie_evenly() -> None:
    """Tied groups of one spread: the limit of little noise is the tie."""
    for sigma in (1e-12, 1e-8, 1e-4):
        shares = risk(POINTS, 0.5, sigma, 0.35).kept_share()
        np.testing.assert_allclose(shares, [1, 0.5, 0.5, 0], atol=1e-12)


def test_oracle_ties_of_weights_that_do_not_matter() -> None:
    """Weights of B = 0 tie at score 0 with those of eigenvalue 0; keeping them costs noise."""
    population = Population(weight=[1, 2, 1], eigenvalue=[1, 1, 0], mean=[1, 0, 5])
    result = risk(population, 0.5, 1.0, [0.25, 0.5, 1.0], rule="oracle")
    np.testing.assert_array_equal(result.threshold, 0)
    np.testing.assert_allclose(result.kept_share()[0], [1, 0, 0], atol=1e-14)
    np.testing.assert_allclose(result.kept_share()[1], [1, 1 / 3, 1 / 3])
    noise = 0.5 * result.gamma[0]
    np.testing.assert_allclose(
        result.risk - 1, [0.25 * noise, (0.25 + 0.5 / 3) * noise, 0.75 * noise]
    )


def test_least_thresholds_and_largest() -> None:
    population = Population(weight=[1, 1], eigenvalue=[1, 2], std=1)
    law = theory.channel(population, theory.fixed_point(population, 0.5, 0.5))
    assert theory.threshold(MAGNITUDE.score(law), 1.0).value == 0
    assert theory.threshold(MAGNITUDE.score(law), 0.0).value == np.inf
    assert np.isnan(risk(population, 0.5, 0.5, 0.0).threshold)
    assert np.isnan(risk(population, 0.5, 0.5, 0.4, rule="random").threshold)
    thresholds = risk(population, 0.5, 0.5, np.linspace(0.01, 1, 100)).threshold
    assert (np.diff(thresholds) < 0).all()
    with pytest.raises(InvalidInput, match="alpha"):
        theory.threshold(MAGNITUDE.score(law), 1.5)


def test_rules_by_name() -> None:
    assert as_rule("covariance") is COVARIANCE
    assert as_rule(RANDOM) is RANDOM
    assert str(as_rule("exponent=0.25")) == str(as_rule({"exponent": 0.25})) == "exponent=0.25"
    assert as_rule({"exponent": 1}) == WeightRule(1)
    population = Population(weight=[1, 1], eigenvalue=[4, 1], std=[0.5, 1])
    same = risk(population, 2, 0.5, 0.3, rule=[COVARIANCE, "exponent=0.5", {"exponent": 0.5}]).risk
    np.testing.assert_allclose(same, same[0], rtol=1e-15)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("magnitud", "did you mean 'magnitude'?"),
        ("exponent=x", "must be exponent=q"),
        ({"exponent": "1"}, "must be a number"),
        ({"exponent": 99}, "must be a number between -5 and 5"),
        ({"exponent": float("nan")}, "must be a number between -5 and 5"),
        ({"exp": 1}, "must be {exponent = q}"),
        (7, "must be the name of a rule"),
        (["magnitude", None], "must be the name of a rule"),
    ],
)
def test_bad_rules(rule, message: str) -> None:
    with pytest.raises(InvalidInput, match="rule") as error:
        risk(POINTS, 1, 1, 0.5, rule=rule)
    assert message in str(error.value)


def test_shares_follow_the_rules() -> None:
    population = Population(weight=[1, 1], eigenvalue=[100, 0.01], std=[0.1, 10])
    shares = risk(population, 0.5, 0.1, 0.5, rule=["magnitude", "oracle", "random"]).kept_share()
    assert shares[0, 1] > 0.95
    np.testing.assert_allclose(shares[1:], 0.5)


@pytest.mark.parametrize("excess", [1e-12, -1e-9, 1e-5])
def test_many_groups_close_to_the_interpolation_threshold(excess: float) -> None:
    """κ₊ - 1 keeps its digits for any number of groups, which stand for one here."""
    weight = np.random.default_rng(0).random(20_000)
    some = Population(np.append(weight, weight[:7]), eigenvalue=[1.0] * 20_000 + [0.0] * 7, std=1)
    alive = Fraction(0) + sum(map(Fraction, weight))
    share = alive / (alive + sum(map(Fraction, weight[:7])))
    kappa = (1 + excess) / float(share)
    few = Population([share, 1 - share], eigenvalue=[1, 0], std=1)
    for sigma in (0.0, 0.5):
        exact = float(risk(few, kappa, sigma, 1.0, digits=12).risk.item())
        assert risk(some, kappa, sigma, 1.0).risk == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("alpha", [Fraction(1, 10), Fraction(35, 100), Fraction(9, 10)])
@pytest.mark.parametrize("sigma", [0, 1])
def test_numbers_of_no_dimension(alpha: Fraction, sigma: int) -> None:
    """Stages by hand, for one point in many digits: with ties, and where a root is found."""
    arithmetic = Multiprecision(40)
    fixed = theory.fixed_point(POINTS, Fraction(1, 2), sigma, 0, arithmetic)
    law = theory.channel(POINTS, fixed, arithmetic)
    cut = theory.threshold(MAGNITUDE.score(law, arithmetic), alpha, arithmetic)
    parts = theory.pruned_risk(law, sigma, MAGNITUDE, cut, arithmetic)
    expected = risk(POINTS, Fraction(1, 2), sigma, alpha, digits=30).risk.item()
    assert abs(np.asarray(parts.risk).item() / expected - 1) < 1e-29
