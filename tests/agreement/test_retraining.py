"""The risk after a second fit of the weights kept, held against other ways to it."""

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from asymptotics import InvalidInput, Population, risk, sensitivity
from asymptotics.line.exponents import exponent_slopes
from asymptotics.testing import Problem, Refit, problems, refits
from asymptotics.theory import COVARIANCE, MAGNITUDE, RANDOM, Rule
from tests import two_fits
from tests.budgets import examples
from tests.edges import NEAR_EVERY_EDGE
from tests.refits import refitted

TWO = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.5**0.5, 0.2**0.5])
FEW = Population([0.9, 0.1], 1, std=[0.2, 3])
DEAD = Population([0.5, 0.3, 0.2], [1, 10, 0], mean=[1, 0.3, 1], std=[0.7, 0.4, 1])


def settings_of(refit: Refit) -> dict[str, Any]:
    """The ridge of a second fit, and where it draws the weights."""
    return {"retrain_ridge": refit.retrain_ridge, "retrain_towards": refit.retrain_towards}


# -- other derivations, and another arithmetic -------------------------------------------------


@pytest.mark.parametrize(("rule", "exponent"), [("magnitude", 0), ("covariance", 0.5)])
@pytest.mark.parametrize("towards", ["zero", "pruned"])
def test_the_joint_law_of_two_fits_agrees(rule: str, exponent: float, towards: str) -> None:
    for kappa, ridge, again in itertools.product((0.6, 2.3), (0.0, 0.3), (0.0, 0.2)):
        found = refitted(
            TWO, kappa, 0.5, 0.35, ridge, rule, retrain_ridge=again, retrain_towards=towards,
        )  # fmt: skip
        first = kappa, found.tau.item(), found.gamma.item()
        cuts = found.threshold.item() / TWO.eigenvalue**exponent
        expected = two_fits.risk(TWO, first, 0.5, cuts, again, float(towards == "pruned"))
        assert found.retrained_risk.item() == pytest.approx(expected, rel=1e-12)


def relative_error(problem: Problem, refit: Refit) -> float:
    """Of double precision, against many digits; 0 where it says that it does not know."""
    found = refitted(*problem, **settings_of(refit))
    if found.retrained_status == "no convergence":
        return 0.0
    exact = refitted(*problem, **settings_of(refit), digits=25)
    value, truth = found.retrained_risk.item(), exact.retrained_risk.item()
    assert exact.retrained_status == found.retrained_status
    return float(abs(value - truth) / truth) if truth and np.isfinite(value) else abs(value - truth)


@examples(600)
@given(problems(), refits())
def test_eleven_digits_hold(problem: Problem, refit: Refit) -> None:
    kept = problem.kappa * problem.alpha * (problem.population.eigenvalue > 0).any()
    assume(abs(kept - 1) > 1e-2)
    assert relative_error(problem, refit) <= 1e-11


@examples(300)
@given(
    NEAR_EVERY_EDGE,
    refits(1e-12),
)
def test_what_is_said_holds_near_every_edge(problem: Problem, refit: Refit) -> None:
    assert relative_error(problem, refit) <= 1e-8


def test_double_precision_seldom_gives_up() -> None:
    rng = np.random.default_rng(0)
    shape = (40, 50)
    kappa, sigma = 10 ** rng.uniform(-1.3, 1.3, shape), 10 ** rng.uniform(-3, 1, shape)
    ridges = rng.choice([0, 1e-3, 0.1, 10], (2, *shape))
    found = refitted(
        DEAD, kappa, sigma, rng.uniform(0.01, 0.99, shape), ridges[0],
        ["magnitude", "covariance"] * 25, retrain_ridge=ridges[1],
    )  # fmt: skip
    assert np.mean(found.retrained_status == "ok") > 0.995


@examples(100)
@given(problems(smallest_alpha=1e-2), refits())
def test_proofs_hold_what_is_computed(problem: Problem, refit: Refit) -> None:
    proved = refitted(*problem, **settings_of(refit), certify=True)
    assume(proved.retrained_status == "ok")
    exact = refitted(*problem, **settings_of(refit), digits=25).retrained_risk.item()
    low, high = (float(x.item()) for x in (proved.retrained_lower, proved.retrained_upper))
    assert low <= float(exact) * (1 + 1e-15)
    assert float(exact) * (1 - 1e-15) <= high
    assert high - low <= 1e-15 * high


# -- special cases that are known --------------------------------------------------------------


@examples(100)
@given(problems(rule=problems().map(lambda problem: problem.rule)), refits())
def test_with_an_immense_ridge_the_second_fit_stays_where_it_is_drawn(
    problem: Problem, refit: Refit
) -> None:
    far = refit._replace(retrain_ridge=1e30)
    found = refitted(*problem, **settings_of(far))
    at = found.risk if refit.retrain_towards == "pruned" else found.null_risk
    assert found.retrained_risk == pytest.approx(at, rel=1e-9)


@examples(100)
@given(problems())
def test_without_a_ridge_both_draw_alike(problem: Problem) -> None:
    # The pruned weights are combinations of samples, as the weights of least norm are.
    both = [refitted(*problem, retrain_towards=way) for way in ("zero", "pruned")]
    assume(both[0].retrained_status == "ok")
    assert both[0].retrained_risk == pytest.approx(both[1].retrained_risk, rel=1e-7)


@pytest.mark.parametrize("rule", ["random", "oracle"])
@pytest.mark.parametrize("kappa", [0.5, 1.7, 4.0])
def test_a_mask_without_the_data_leaves_a_smaller_model(rule: str, kappa: float) -> None:
    # Least squares on a part of the features, with the rest of the signal as noise.
    alpha = 0.3
    found = refitted(TWO, kappa, 0.5, alpha, 0, rule)
    shares = found.kept_share()
    dropped = found.dropped_signal.item()
    rho = kappa * alpha
    if rho < 1:
        assert found.retrained_risk == pytest.approx((0.25 + dropped) / (1 - rho), rel=1e-12)
    elif rule == "random":
        fitted = risk(part(TWO, shares), rho, (0.25 + dropped) ** 0.5, 1)
        assert found.retrained_risk == pytest.approx(fitted.risk, rel=1e-12)


def part(population: Population, shares: Any) -> Population:
    """A share of each group as a population of its own: B is √p β, of fewer features p."""
    root = (population.weight @ shares) ** 0.5
    return Population(
        population.weight * shares,
        population.eigenvalue,
        population.mean * root,
        population.std * root,
    )


def test_reference_values() -> None:
    # Setting "few" of the theory: its refit, with the best second ridge, and jointly the best.
    problem: tuple[Any, ...] = (FEW, 0.9, 0.5, 0.25)
    found = refitted(*problem, retrain_ridge=[0, 0.2385])
    assert found.risk == pytest.approx(1.8763, abs=5e-5)
    assert found.retrained_risk == pytest.approx([0.6292, 0.5199], abs=5e-5)
    assert refitted(*problem, 7.055).retrained_risk == pytest.approx(0.43451, abs=5e-6)
    # A mask that is taken for independent of the data would give 5.999.
    assert refitted(TWO, 2, 0.5, 0.4).retrained_risk == pytest.approx(3.077, abs=5e-4)
    silent = Population(1, 1)
    assert refitted(silent, 2, 0.5, 0.3).retrained_risk == pytest.approx(
        0.56881994625581, rel=1e-13
    )


@pytest.mark.parametrize(
    ("kappa", "magnitude", "covariance"),
    [(0.9, 7.2889, 7.2366), (2, 3.2089, 2.7682), (4, 3.3919, 2.8651)],
)
def test_a_fixed_number_of_weights(kappa: float, magnitude: float, covariance: float) -> None:
    # .7 n features of eigenvalue 4, then up to 4.3 n of eigenvalue 1; .7 n weights are kept.
    others = kappa - 0.7
    grown = Population(
        [0.7 / kappa, others / kappa], [4, 1], std=np.array([1.2, 0.35]) * kappa**0.5
    )
    unseen = (5 - kappa) * 0.35**2
    found = refitted(
        grown, kappa, (0.25 + unseen) ** 0.5, 0.7 / kappa,
        rule=["magnitude", "covariance"],
    )  # fmt: skip
    assert found.retrained_risk == pytest.approx([magnitude, covariance], abs=5e-5)


# -- edges -------------------------------------------------------------------------------------


def test_where_the_first_fit_is_infinite_the_second_need_not_be() -> None:
    found = refitted(TWO, 1, 0.5, [0, 0.4, 1], 0, "covariance")
    assert found.status.tolist() == ["ok", "diverges", "diverges"]
    assert found.retrained_status.tolist() == ["ok", "ok", "diverges"]
    # Ranked by √Λ times the noise of X, whose std is that of 1/√Λ: all kept alike.
    signal = float(TWO.weight @ (TWO.eigenvalue * (TWO.mean**2 + TWO.std**2)))
    assert found.retrained_risk[1] == pytest.approx((0.25 + 0.6 * signal) / 0.6, rel=1e-12)
    near = refitted(TWO, 1 + 1e-7, 0.5, 0.4, 0, "covariance").retrained_risk
    assert near == pytest.approx(found.retrained_risk[1], rel=1e-3)
    towards: dict[str, Any] = {"retrain_ridge": 0.1}
    assert np.isfinite(refitted(TWO, 1, 0.5, 0.4, **towards).retrained_risk)
    infinite = refitted(TWO, 1, 0.5, 0.4, **towards, retrain_towards="pruned")
    assert infinite.retrained_status == "diverges"


def test_as_many_weights_as_samples() -> None:
    alpha = [0.5 - 1e-6, 0.5, 0.5 + 1e-6]
    found = refitted(TWO, 2, 0.5, alpha, 0.1)
    assert found.retrained_status.tolist() == ["ok", "diverges", "ok"]
    below, above = found.retrained_risk[[0, 2]] * 1e-6
    assert below == pytest.approx(above, rel=1e-4)  # as C/|1 - rho|
    assert refitted(TWO, 2, 0.5, 0.5, 0.1, retrain_ridge=1e-3).retrained_status == "ok"


def test_dead_features_are_no_samples() -> None:
    # Beyond the mass of positive eigenvalues more weights kept change nothing.
    found = refitted(DEAD, 1.1, 0.5, [0.8, 0.9, 1], 0.2, retrain_ridge=0.1)
    assert found.retrained_risk == pytest.approx(found.retrained_risk[0], rel=1e-14)
    # Dead weights and weights without a coefficient tie at score 0: both are kept at random.
    tied = Population([0.4, 0.3, 0.3], [1, 1, 0], mean=[1, 0, 1])
    kept = refitted(tied, 1.2, 0, 0.7, 0, "oracle", retrain_ridge=0.2)
    exact = refitted(tied, 1.2, 0, 0.7, 0, "oracle", retrain_ridge=0.2, digits=25)
    assert kept.retrained_risk == pytest.approx(float(exact.retrained_risk), rel=1e-12)


def test_without_noise_least_squares_finds_the_kept_weights_again() -> None:
    found = refitted(TWO, 0.8, 0, 0.5, 0, "magnitude")
    assert found.retrained_risk == pytest.approx(found.dropped_signal / 0.6, rel=1e-12)


# -- slopes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("towards", ["zero", "pruned"])
@pytest.mark.parametrize("rule", ["magnitude", "covariance", "oracle", "random"])
def test_slopes_are_difference_quotients(rule: str, towards: str) -> None:
    names = ("kappa", "sigma", "alpha", "ridge", "retrain_ridge")
    for population, kappa, ridge, again in (
        (TWO, 0.5, 0.0, 0.2), (TWO, 2.3, 0.3, 0.0), (DEAD, 2.3, 0.0, 0.0), (DEAD, 0.5, 0.3, 0.2),
    ):  # fmt: skip
        at: dict[str, Any] = dict(zip(names, (kappa, 0.5, 0.35, ridge, again), strict=True))
        same: dict[str, Any] = {"rule": rule, "retrain_towards": towards}
        slopes = sensitivity(population, **at, retrain=True, **same)
        for name in names:
            h = 1e-5
            # One-sided at an end of the domain: -3/2, 2, -1/2; else -1/2, 1/2.
            steps = {0: -1.5, h: 2.0, 2 * h: -0.5} if at[name] == 0 else {-h: -0.5, h: 0.5}
            expected = (
                sum(
                    factor
                    * refitted(
                        population, **at | {name: at[name] + step}, **same
                    ).retrained_risk.item()
                    for step, factor in steps.items()
                )
                / h
            )
            found = getattr(slopes, f"retrained_d_{name}").item()
            assert found == pytest.approx(expected, rel=2e-6, abs=1e-6)


SECOND = ("kappa", "sigma", "alpha", "ridge", "retrain_ridge")
ISO, SLAB = Population.isotropic(), Population.spike_and_slab(0.5)
IDLE = Population([0.5, 0.25, 0.25], [1, 1, 4], std=[1, 0, 0])


def slopes_of(population: Population, at: Sequence[float], rule: str, again: float) -> Any:
    """The slopes of a second fit with a ridge."""
    settings: dict[str, Any] = dict(zip(SECOND, at, strict=False))
    settings |= {"rule": rule, "retrain_ridge": again}
    return sensitivity(population, **settings, retrain=True)


def unknown(
    population: Population, *at: float, rule: str = "magnitude", again: float = 0
) -> set[str]:
    """The slopes of a second fit that are not given."""
    found = slopes_of(population, at, rule, again)
    missing = {key for key in SECOND if np.isnan(getattr(found, f"retrained_d_{key}").item())}
    assert (found.retrained_status == "no slope") == bool(missing)
    return missing


def difference(population: Population, at: dict[str, float], rule: str, key: str) -> float:
    """The difference quotient of the risk after a second fit, in forty digits."""
    step = Fraction(1, 10**15)
    exact = {name: Fraction(value) for name, value in at.items()}

    def value(side: int) -> Fraction:
        there = exact | {key: exact[key] + side * step}
        found = refitted(population, **there, rule=rule, digits=40)
        return Fraction(str(found.retrained_risk.item()))

    return float((value(1) - value(-1)) / (2 * step))


@pytest.mark.parametrize(
    "rule", ["magnitude", "covariance", "exponent=1.5", "oracle", "random", "optimal"]
)
def test_slopes_where_a_second_fit_with_a_ridge_has_as_many_weights_as_samples(rule: str) -> None:
    at = dict(zip(SECOND, (2, 0.5, 0.5, 0.1, 0.1), strict=True))
    population = IDLE if rule == "random" else ISO if rule == "optimal" else TWO
    found = slopes_of(population, [*at.values()][:4], rule, at["retrain_ridge"])
    for key in ("kappa", "alpha"):
        slope = getattr(found, f"retrained_d_{key}").item()
        assert slope == pytest.approx(difference(population, at, rule, key), rel=1e-9)


@pytest.mark.parametrize("kappa", [1 - 4 * 2**-53, 1 + 2**-51])
def test_a_tiny_second_ridge_next_to_as_many_weights_as_samples(kappa: float) -> None:
    found, exact = (
        refitted(ISO, kappa, 0.5, 1, 1e-24, retrain_ridge=1e-24, digits=digits).retrained_risk
        for digits in (None, 20)
    )
    assert found == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("rule", ["magnitude", "covariance", "oracle", "optimal", "shrunk"])
@pytest.mark.parametrize("at", [(0.8, 1, 1), (0.8, 0, 1, 0.1)])
def test_the_first_weights_dropped_change_a_second_fit(rule: str, at: Any) -> None:
    assert "alpha" in unknown(ISO, *at, rule=rule)
    assert unknown(ISO, 0.8, 1, 1, rule="random") == set()
    # Of dead weights, any number is kept.
    assert ("alpha" in unknown(DEAD, 0.8, 1, 1, 0.1, rule=rule)) == (rule in {"optimal", "shrunk"})


def test_coefficients_of_zero_are_ordered_by_any_noise() -> None:
    assert unknown(IDLE, 0.5, 0, 0.8, again=0.5) == {"sigma", "ridge"}
    assert unknown(IDLE, 0.5, 0, 0.8, rule="optimal", again=0.5) == {"sigma", "ridge"}
    assert unknown(IDLE, 0.5, 0, 0.3, again=0.5) == {"ridge"}
    assert unknown(SLAB, 0.8, 0, 0.5, rule="covariance", again=1) == {"sigma", "alpha", "ridge"}
    # Between them they tie, and are kept at random.
    at = dict(zip(SECOND, (0.5, 0, 0.8, 0, 0.5), strict=True))
    found = slopes_of(IDLE, [*at.values()][:4], "magnitude", at["retrain_ridge"])
    for key in ("kappa", "alpha"):
        slope = getattr(found, f"retrained_d_{key}").item()
        assert slope == pytest.approx(difference(IDLE, at, "magnitude", key), rel=1e-9)


def test_with_a_free_exponent_the_slope_in_alpha_is_not_known_at_1() -> None:
    given = {"kappa": 0.8, "sigma": 1.0, "ridge": 0.1, "retrain_ridge": 0.0, "exponent": 0.3}
    columns = {key: np.full(2, x) for key, x in given.items()} | {"alpha": np.array([0.5, 1])}
    _, slopes = exponent_slopes(ISO, columns, "zero", ["alpha", "exponent"])
    assert np.isnan(slopes).tolist() == [[False, False], [True, False]]


@pytest.mark.parametrize("rule", ["random", "magnitude"])
def test_a_second_fit_that_is_finite_at_its_threshold_alone_has_no_slopes(rule: str) -> None:
    assert refitted(ISO, 1, 0, 1, rule=rule).retrained_risk == 0
    assert unknown(ISO, 1, 0, 1, rule=rule) == set(SECOND)


@pytest.mark.parametrize("fewer", [0, 1e-12, 1e-9, 1e-7])
def test_what_roundings_drop_is_an_error_if_nearly_nothing_is_dropped(fewer: float) -> None:
    population = Population(1, [1, 2, 0], mean=[0, 1, 1], std=[1, 1, 0])
    found, exact = (
        refitted(population, 0.5, 0, 2 / 3 - fewer, 1e-3, digits=digits) for digits in (None, 20)
    )
    if found.retrained_status == "ok":
        assert found.retrained_risk == pytest.approx(float(exact.retrained_risk), rel=1e-8, abs=0)


# -- simulation --------------------------------------------------------------------------------


def simulated(
    population: Population, kappa: float, alpha: float, ridge: float, rule: Rule, again: float,
    pulled: bool, trials: int = 60, p: int = 400,
) -> tuple[float, float]:  # fmt: skip
    """Mean and standard error of the test error after a second fit, by least squares solvers."""
    rng, n, sigma = np.random.default_rng(0), round(p / kappa), 0.5
    sizes = np.rint(population.weight * p).astype(int)
    eigenvalue, mean, std = (
        np.repeat(column, sizes)
        for column in (population.eigenvalue, population.mean, population.std)
    )

    def fit(x: Any, y: Any, penalty: float) -> Any:
        if penalty == 0:
            return np.linalg.lstsq(x, y, rcond=None)[0]
        return np.linalg.solve(x.T @ x / n + penalty * np.eye(x.shape[1]), x.T @ y / n)

    errors = []
    for _ in range(trials):
        beta = rng.normal(mean, std) / p**0.5
        x = rng.normal(size=(n, p)) * eigenvalue**0.5
        y = x @ beta + sigma * rng.normal(size=n)
        first = fit(x, y, ridge)
        exponent = 0.0 if rule == MAGNITUDE else 0.5
        kept = np.argsort(-(eigenvalue**exponent) * abs(first))[: round(alpha * p)]
        start, second = pulled * first[kept], np.zeros(p)
        second[kept] = start + fit(x[:, kept], y - x[:, kept] @ start, again)
        errors.append(sigma**2 + eigenvalue @ (second - beta) ** 2)
    return float(np.mean(errors)), float(np.std(errors) / trials**0.5)


@pytest.mark.parametrize(
    ("kappa", "alpha", "ridge", "rule", "again", "towards"),
    [
        (2.0, 0.3, 0.0, COVARIANCE, 0.0, "zero"),
        (2.0, 0.35, 0.3, COVARIANCE, 0.2, "pruned"),
        (1.5, 0.5, 0.3, MAGNITUDE, 0.2, "zero"),
    ],
)
def test_simulations_agree(
    kappa: float, alpha: float, ridge: float, rule: Rule, again: float, towards: str
) -> None:
    given: tuple[Any, ...] = (TWO, kappa, 0.5, alpha, ridge)
    settings: dict[str, Any] = {"retrain_ridge": again, "retrain_towards": towards}
    found = refitted(*given, rule, **settings)
    mean, error = simulated(TWO, kappa, alpha, ridge, rule, again, towards == "pruned")
    assert abs(mean - found.retrained_risk.item()) < 4 * error + 0.01 * mean
    # As if the mask were independent of the data: a smaller model with the same shares.
    shares = found.kept_share()
    noise = (0.25 + found.dropped_signal.item()) ** 0.5
    wrong = risk(part(TWO, shares), kappa * alpha, noise, 1, again).risk.item()
    assert towards == "pruned" or abs(mean - wrong) > 6 * error


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retrain_ridge": 0.1}, "retrain_ridge = 0.1: must be left out without retrain = True"),
        ({"retrain_towards": "zero"}, "must be left out without retrain = True"),
        ({"retrain": 1}, "retrain = 1: must be True or False"),
        ({"retrain": True, "retrain_ridge": -1}, "retrain_ridge = -1: must be"),
        ({"retrain": True, "retrain_ridge": np.nan}, "retrain_ridge = nan: must be"),
        ({"retrain": True, "retrain_towards": "prund"}, "did you mean 'pruned'"),
        ({"retrain": True, "retrain_towards": ["zero", 3]}, r"retrain_towards\[1\] = 3"),
        ({"retrain": True, "retrain_ridge": np.ones((2, 3, 4))}, "retrain_ridge"),
    ],
)
@pytest.mark.parametrize("function", [risk, sensitivity])
def test_bad_settings(function: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        function(TWO, np.ones((2, 2)) / 2, 0.5, 0.4, **settings)


def test_a_grid_of_second_fits() -> None:
    ways = np.array(["zero", "pruned"], dtype=object)
    found = refitted(
        TWO, 2, 0.5, [0.2, 0.4], rule=RANDOM, retrain_ridge=[[0.1], [0.2], [0.3]],
        retrain_towards=ways[:, None, None],
    )  # fmt: skip
    assert found.shape == found.retrained_risk.shape == (2, 3, 2)
    row = list(found.rows())[7]
    assert (row["retrain_ridge"], row["retrain_towards"], row["alpha"]) == (0.1, "pruned", 0.4)
    alone = refitted(TWO, 2, 0.5, 0.4, rule=RANDOM, retrain_ridge=0.1, retrain_towards="pruned")
    assert row["retrained_risk"] == alone.retrained_risk.item()
