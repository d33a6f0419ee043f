"""Continuous laws: a risk with status ok is that of the law, not only of the nodes."""

import math
import pickle
from decimal import Decimal

import mpmath
import numpy as np
import pytest
from scipy import stats

from asymptotics import Population, hessian_bias, risk, sensitivity

UNIFORM = Population.from_distribution(stats.uniform(0, 2))
POWER = Population.power_law(-1, 1.8)
#: A score that is a function of the eigenvalue, but for little noise.
SHARP = Population.from_distribution(stats.uniform(0.5, 1), mean=1.0, std=0.0)


def unpruned_uniform(kappa: float, sigma: float, ridge: float) -> mpmath.mpf:
    """The risk before pruning for eigenvalues uniform on [0, 2], by antiderivatives."""
    with mpmath.workdps(60):
        kappa, sigma, ridge = map(mpmath.mpf, (kappa, sigma, ridge))
        tau = unpruned_tau(kappa, ridge)
        log = mpmath.log1p(2 / tau)
        seen = 1 - tau * log + tau**2 * (1 / tau - 1 / (2 + tau)) / 2
        unseen = tau**2 * (log - 2 / (2 + tau)) / 2
        return (sigma**2 + unseen) / (1 - kappa * seen)


def unpruned_tau(kappa: mpmath.mpf, ridge: mpmath.mpf) -> mpmath.mpf:
    """The root of ridge = tau (1 - kappa E[Λ/(Λ+tau)]), by bisection of log tau."""

    def excess(log_tau: mpmath.mpf) -> mpmath.mpf:
        tau = mpmath.exp(log_tau)
        return tau * (1 - kappa * (1 - tau * mpmath.log1p(2 / tau) / 2)) - ridge

    low, high = mpmath.mpf(-120), mpmath.mpf(20)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    return mpmath.exp(low)


def test_what_is_ok_is_the_risk_of_the_law() -> None:
    """Down to a ridge far below all quantiles, and next to the interpolation threshold."""
    kappa = np.array([0.5, 0.9, 1 - 1e-7, 1 + 1e-7, 1 + 1e-4, 2])[:, None, None]
    sigma, ridge = np.array([[0.0], [0.5]]), np.array([1e-30, 1e-20, 1e-10, 1e-5, 0.1])
    result = risk(UNIFORM, kappa, sigma, 1.0, ridge)
    told = result.status == "ok"
    assert told.sum() > told.size / 2
    assert not told.all()
    for index in zip(*np.nonzero(told), strict=True):
        exact = unpruned_uniform(result.kappa[index], result.sigma[index], result.ridge[index])
        assert abs(result.unpruned_risk[index] / exact - 1) <= 1e-8, index


@pytest.mark.parametrize("ridge", [1e-2, 1e-6, 1e-10, 1e-16, 1e-20])
def test_signal_far_below_the_quantiles_of_the_mass(ridge: float) -> None:
    """Λ = u with B² = u^-1.8: a tenth of the signal in each ten decades."""
    result = risk(POWER, 0.5, 0.0, 1.0, ridge)
    assert result.status == "ok"
    with mpmath.workdps(40):
        tau = mpmath.mpf(result.tau.item())
        seen = 1 - 2 * tau * mpmath.log1p(1 / tau) + tau / (1 + tau)
        # The substitution u = v^5 takes the pole of u^-0.8 away.
        steps = [0, *(tau**0.2 * mpmath.mpf(10) ** k for k in range(-1, 4)), 1]
        ends = [x for x in steps if x <= 1]
        unseen = mpmath.quad(lambda v: 5 * tau**2 / (v**5 + tau) ** 2, ends)
        exact = unseen / (1 - seen / 2)
    assert abs(result.risk.item() / exact - 1) <= 1e-8


@pytest.mark.parametrize("sigma", [0.3, 0.1, 0.01, 1e-3, 0.0])
@pytest.mark.parametrize("rule", ["oracle", "covariance"])
def test_a_threshold_between_two_nodes(sigma: float, rule: str) -> None:
    """Against midpoints so close together that the threshold need not fall on one of them."""
    result = risk(SHARP, 0.5, sigma, 0.3, rule=rule)
    many = 50_000
    near = Population(np.ones(many), 0.5 + (np.arange(many) + 0.5) / many, 1.0)
    exact = risk(near, 0.5, sigma, 0.3, rule=rule).risk
    if rule == "oracle" or sigma < 0.05:
        assert result.status == "no convergence"
        assert np.isnan(result.threshold)
    if result.status == "ok":
        assert abs(result.risk / exact - 1) < 1e-8


def test_a_larger_tolerance_asks_for_less() -> None:
    law = stats.uniform(0.5, 1)
    coarse, fine = (
        Population.from_distribution(law, mean=1.0, std=0.05, tolerance=tolerance)
        for tolerance in (1e-3, 1e-10)
    )
    result = risk(coarse, 0.5, 0.1, 0.3, rule="oracle")
    assert result.status == "ok"
    assert 1e-8 < result.residual < 1e-3
    assert result.risk == pytest.approx(risk(fine, 0.5, 0.1, 0.3, rule="oracle").risk, rel=1e-3)


UNIFORM = Population.from_distribution(stats.uniform(0, 2), mean=1.0, std=0.0)


@pytest.mark.parametrize(
    ("sigma", "alpha"),
    [
        (0.0, 0.0922671),  # both quadratures are wrong by 8e-6, and agree by chance
        (3e-4, 0.5),  # both have an edge at the median, where the threshold lies
        (1e-4, 0.5),
    ],
)
def test_two_quadratures_that_are_wrong_alike_are_told(sigma: float, alpha: float) -> None:
    result = risk(UNIFORM, 0.5, sigma, alpha, rule="covariance")
    assert result.status == "no convergence"
    assert sensitivity(UNIFORM, 0.5, sigma, alpha, rule="covariance").status == "no convergence"


@pytest.mark.parametrize("sigma", [0.0, 0.01])
def test_no_threshold_between_two_nodes_is_right_by_chance(sigma: float) -> None:
    """Without noise the kept share is a step, and the risk is (1 - alpha)^2."""
    alpha = np.linspace(0.01, 0.99, 150)
    coarse = Population.from_distribution(stats.uniform(0, 2), mean=1.0, std=0.0, tolerance=1e-4)
    result = risk(coarse, 0.5, sigma, alpha, rule="covariance")
    near = Population(np.ones(4000), (np.arange(4000) + 0.5) / 2000, 1.0)
    exact = (
        (1 - alpha) ** 2 if sigma == 0 else risk(near, 0.5, sigma, alpha, rule="covariance").risk
    )
    ok = result.status == "ok"
    assert (abs(result.risk[ok] / exact[ok] - 1) < 2e-4).all()
    assert np.count_nonzero(~ok) > 75  # it is refused where it is not known


def test_a_jump_of_the_law_itself_is_no_lack() -> None:
    law = Population.from_distribution(
        stats.uniform(0, 2), std=lambda eigenvalue: np.where(eigenvalue > 1.003, 1.0, 0.0)
    )
    for rule in ("magnitude", "covariance"):
        assert set(risk(law, 0.5, 0.3, [0.1, 0.3, 0.6, 0.9], rule=rule).status) == {"ok"}


def test_a_slope_is_no_better_known_than_its_quadrature() -> None:
    """That in the ridge at 0 is -sigma^2 E[1/Lambda] and more: infinite for a uniform law."""
    slopes = sensitivity(Population.from_distribution(stats.uniform(0, 2)), 0.5, 0.5, 0.3)
    assert slopes.status == "no slope"
    assert np.isnan(slopes.d_ridge)
    assert np.isfinite([slopes.d_kappa, slopes.d_sigma, slopes.d_alpha]).all()
    bounded = Population.from_distribution(stats.uniform(0.5, 1))
    assert sensitivity(bounded, 0.5, 0.5, 0.3).status == "ok"
    assert sensitivity(bounded, 0.5, 0.5, 0.0).d_sigma == 1  # of the null risk


def test_digits_of_a_law_are_as_good_as_its_quadrature() -> None:
    fine = risk(POWER, 0.5, 0.3, 0.4, rule="random", digits=25)
    assert fine.status == "ok"
    assert fine.residual >= POWER.tolerance
    sharp = risk(SHARP, 0.5, 0.01, 0.3, rule="covariance", digits=12)
    assert sharp.status == "no convergence"
    assert np.isnan(float(sharp.risk.item()))


@pytest.mark.parametrize("tolerance", [1e-10, 1e-3])
def test_digits_of_a_law_that_its_quadrature_does_not_tell_are_left_out(tolerance: float) -> None:
    population = Population.from_distribution(stats.uniform(0, 2), tolerance=tolerance)
    result = risk(population, [0.5, 2], 0.25, 0.5, 0.125, digits=30)
    assert (result.status == "ok").all()
    for row in result.rows():
        told = 1 - round(math.log10(float(row["residual"])))
        for key in ("risk", "null_risk", "kept_error", "threshold", "tau", "gamma"):
            assert 0 < len(Decimal(row[key]).normalize().as_tuple().digits) <= told, key
        exact = unpruned_uniform(float(row["kappa"]), 0.25, 0.125)
        for key, right in (("unpruned_risk", exact), ("null_risk", 1.0625)):
            assert abs(float(row[key]) / right - 1) <= 1.5 * float(row["residual"])
        assert Decimal(row["noise"]) == Decimal("0.0625")


def test_slopes_say_so_too() -> None:
    slopes = sensitivity(SHARP, 0.5, [0.5, 0.01], 0.3, rule="covariance")
    assert slopes.status.tolist() == ["ok", "no convergence"]
    assert np.isnan(slopes.d_alpha[1])


@pytest.mark.parametrize(
    "population",
    [
        pickle.loads(pickle.dumps(SHARP)),  # noqa: S301
        SHARP.rescaled(2.0),
        SHARP.restricted(0.5).population,
        Population.mixture([SHARP, Population.isotropic()], [0.9, 0.1]),
    ],
)
def test_what_is_made_of_a_law_is_checked_too(population: Population) -> None:
    result = risk(population, 0.5, [0.5, 1e-3], 0.3, rule="oracle")
    assert "no convergence" in result.status


@pytest.mark.parametrize("factor", [1e20, 2.0, 1e-20])
def test_a_law_is_rescaled_as_far_as_its_groups_can_be(factor: float) -> None:
    """Its finer quadrature reaches far beyond them, to the ends of what numbers can be."""
    for population in (Population.power_law(0.5, -0.5), Population.power_law(-2, 0)):
        expected = risk(population, 0.5, 0.5, 0.3, 0.1)
        result = risk(population.rescaled(factor), 0.5, 0.5, 0.3, 0.1 * factor**2)
        assert result.status == "ok"
        assert result.unpruned_risk == pytest.approx(expected.unpruned_risk, rel=1e-9)


@pytest.mark.parametrize(
    "population",
    [
        UNIFORM,
        Population.mixture([UNIFORM, Population.isotropic()], [0.5, 0.5]),
        Population.from_distribution(stats.uniform(0, 2), mean=0.0, std=0.0),
    ],
)
def test_a_risk_of_0_is_known(population: Population) -> None:
    """Least squares without noise finds all."""
    result = risk(population, 0.5, 0.0, 1.0)
    assert result.status == "ok"
    assert result.risk == 0
    assert risk(population, 0.5, 0, 1, digits=20).risk == 0
    assert sensitivity(population, 0.5, 0.0, 1.0).risk == 0
    assert (hessian_bias(population, 0.5, 0.0, 1.0).covariance_risk == 0).all()


def test_a_slope_is_held_against_its_own_size() -> None:
    """Next to ridge 0 that in the ridge sees eigenvalues that the quadrature does not."""
    law = Population.from_distribution(stats.uniform(0, 2))
    found = sensitivity(law, 0.5, 0.5, 0.5, [1e-8, 1e-4, 1.0], "covariance")
    assert found.status.tolist() == ["no slope", "no slope", "ok"]
