"""Rounds of pruning and retraining, held against other ways to their risks."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import quad_vec
from scipy.stats import multivariate_normal, norm

from asymptotics import InvalidInput, IteratedRisk, Population, risk, rounds
from asymptotics.iterated.masks import Quadrature, QuasiRandom, masses, moments, orthogonal
from asymptotics.iterated.schedule import Round, as_schedule
from asymptotics.iterated.sequence import Point, first_stage, stages
from asymptotics.testing import Problem, problems, schedules
from tests.budgets import examples
from tests.refits import refitted
from tests.rounds_simulation import risks

GROUPS = [(0.6, 1.0, 1.0, 0.7), (0.4, 10.0, 0.3, 0.4)]
TWO = Population.from_groups(GROUPS)
FEW = Population([0.9, 0.1], 1, std=[0.2, 3])
DEAD = Population([0.3, 0.4, 0.3], [0, 1, 10], mean=[1, 1, 0.3], std=[0.7, 0.4, 0.2])


# -- one round is one refit ----------------------------------------------------------------------


@examples(200)
@given(problems(smallest_alpha=1e-2), schedules(max_rounds=1))
def test_one_round_is_one_refit(problem: Problem, schedule: list[Round]) -> None:
    step = schedule[0]
    if step.alpha == 1:
        step = step._replace(alpha=problem.alpha)
    found = rounds(problem.population, problem.kappa, problem.sigma, [step], problem.ridge)
    expected = refitted(
        problem.population, problem.kappa, problem.sigma, step.alpha, problem.ridge, step.rule,
        retrain_ridge=step.ridge, retrain_towards=step.towards,
    )  # fmt: skip
    if found.status[0] == "no convergence":
        return
    for one, other, status in (
        (found.pruned_risk[0], expected.risk, expected.status),
        (found.retrained_risk[0], expected.retrained_risk, expected.retrained_status),
    ):
        if status != "no convergence":
            assert one == pytest.approx(other.item(), rel=1e-8, abs=1e-300)


def test_one_round_is_known_to_twelve_digits() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        columns = rng.uniform(0.2, 1, 3), 10 ** rng.uniform(-1, 1, 3), rng.normal(size=3)
        population = Population(*columns, rng.uniform(0.1, 2, 3))
        kappa, sigma, ridge = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-3, 0.5), rng.random() / 2
        alpha, again = rng.uniform(0.05, 0.95), float(rng.choice([0, 0.3]))
        towards = str(rng.choice(["zero", "pruned"]))
        step = {"alpha": alpha, "ridge": again, "towards": towards, "rule": "covariance"}
        found = rounds(population, kappa, sigma, [step], ridge)
        expected = refitted(
            population, kappa, sigma, alpha, ridge, "covariance", retrain_ridge=again,
            retrain_towards=towards,
        )  # fmt: skip
        assert found.status[0] == "ok"
        assert found.retrained_risk[0] == pytest.approx(expected.retrained_risk.item(), rel=1e-12)


# -- another derivation ---------------------------------------------------------------------------

THREE = Population([0.5, 0.3, 0.2], [2, 0.5, 5], mean=[0.5, 0, -1], std=[0.5, 1, 0.2])


@pytest.mark.parametrize(
    ("population", "problem", "steps", "expected"),
    [
        (TWO, (2, 0.5, 0.1), ((0.5, 0.2), (0.25, 0.1)),
         (1.8967370066, 1.9889431008, 2.0798593207, 2.3305312202)),
        (TWO, (0.8, 0.5, 0), ((0.6, 0), (0.3, 0)),
         (1.3620704429, 1.4319373573, 1.8562279147, 1.9105527347)),
        (FEW, (0.9, 0.5, 0), ((0.3, 0), (0.12, 0.05, "pruned")),
         (2.0096821883, 0.7005370012, 0.5995127125, 0.5133969695)),
        (THREE, (3, 0.3, 0), ((0.5, 0.3), (0.2, 0.2, "pruned")),
         (1.0517086351, 1.0834420781, 1.3095129594, 1.5669246914)),
        (THREE, (1.5, 0.8, 0.4), ((0.8, 0.05), (0.6, 0.3)),
         (1.5581576056, 2.1116363069, 2.1732166666, 1.8674702347)),
    ],
)  # fmt: skip
def test_a_derivation_by_residuals_agrees(
    population: Population, problem: Any, steps: Any, expected: Any
) -> None:
    """Values of a state evolution of the residuals of three fits, with masks in its derivatives.

    It was derived by somebody who saw only the statement of the problem, and shares no equation
    with the package: its unknowns are the covariances of the residuals y - Xb of the fits.
    """
    kappa, sigma, ridge = problem
    schedule = [dict(zip(("alpha", "ridge", "towards"), step, strict=False)) for step in steps]
    found = rounds(population, kappa, sigma, schedule, ridge, tolerance=1e-10)
    values = np.stack([found.pruned_risk, found.retrained_risk], axis=1).ravel()
    np.testing.assert_allclose(values, expected, rtol=1e-10)


# -- the integrals -------------------------------------------------------------------------------


def three_numbers() -> tuple[Any, Any]:
    """Coefficients of (1, y) for three observed numbers, and thresholds."""
    rng = np.random.default_rng(7)
    return rng.normal(size=(3, 5)), np.array([0.8, 1.1, 0.6])


def test_the_mass_kept_is_that_of_the_normal_law() -> None:
    """By inclusion and exclusion over the orthants of the joint normal law."""
    numbers, thresholds = three_numbers()
    mean, covariance = numbers[:, 0], numbers[:, 1:] @ numbers[:, 1:].T
    total = 0.0
    for signs in np.ndindex(2, 2, 2):
        sign = 1 - 2 * np.array(signs)
        total += multivariate_normal.cdf(  # P(sign Y > T in all)
            sign * mean - thresholds, cov=sign[:, None] * covariance * sign, abseps=1e-9,
            releps=1e-9, maxpts=10**6, rng=np.random.default_rng(0),
        )  # fmt: skip
    observed = orthogonal(numbers)
    found = masses(observed, thresholds, Quadrature(10).nodes(observed, thresholds, 0))
    assert found.kept == pytest.approx(total, rel=1e-6)
    before = masses(
        orthogonal(numbers[:2]),
        thresholds[:2],
        Quadrature(10).nodes(orthogonal(numbers[:2]), thresholds[:2], 0),
    )
    assert found.kept + found.dropped == pytest.approx(before.kept, rel=1e-9)

    def mass(t: float) -> float:
        at = np.array([*thresholds[:2], t])
        return masses(observed, at, Quadrature(10).nodes(observed, at, 0)).dropped

    step, last = 1e-5, thresholds[2]
    quotient = (mass(last * np.exp(step)) - mass(last * np.exp(-step))) / (2 * step)
    assert found.slope == pytest.approx(quotient, rel=1e-7)


def test_second_moments_are_those_of_two_cuts() -> None:
    """Against integrals over both numbers, of which the inner one ends at the thresholds."""
    numbers, thresholds = three_numbers()
    numbers, thresholds = numbers[:2], thresholds[:2]
    observed = orthogonal(numbers)
    kept, dropped = moments(observed, thresholds, Quadrature(12).nodes(observed, thresholds, 0))
    mean, factor, directions = observed

    def inner(x: float, inside: bool) -> Any:
        center, width = mean[1] + factor[1, 0] * x, factor[1, 1]
        low, high = ((sign * thresholds[1] - center) / width for sign in (-1, 1))
        parts = [(low, high)] if inside else [(-12, low), (high, 12)]

        def outer(z: float) -> Any:
            known = np.array([1.0, *(directions @ [x, z])])
            rest = np.zeros((5, 5))
            rest[1:, 1:] = np.eye(4) - directions @ directions.T
            return (np.outer(known, known) + rest) * norm.pdf(x) * norm.pdf(z)

        return sum(
            quad_vec(outer, max(a, -12), min(b, 12), epsabs=1e-12)[0]
            for a, b in parts
            if max(a, -12) < min(b, 12)
        )

    ends = [(sign * thresholds[0] - mean[0]) / factor[0, 0] for sign in (-1, 1)]
    for (frame, inner_moments), inside in ((kept, False), (dropped, True)):
        found = frame @ inner_moments @ frame.T
        expected = sum(
            quad_vec(inner, a, b, args=(inside,), epsabs=1e-9)[0]
            for a, b in ((-9, ends[0]), (ends[1], 9))
        )
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_quasi_random_points_agree_with_the_quadrature() -> None:
    schedule = as_schedule([{"alpha": {"start": 0.7, "stop": 0.3, "num": 3}, "ridge": 0.1}])
    start = first_stage(Point(TWO, 2.0, 0.5, 0.1), 3)
    exact = stages(start, schedule, Quadrature(10))[-1].outcomes[-1].retrained_risk
    drawn = [stages(start, schedule, QuasiRandom(512, seed))[-1] for seed in range(8)]
    values = np.array([each.outcomes[-1].retrained_risk for each in drawn])
    error = values.std(ddof=1) / np.sqrt(8)
    assert error < 3e-3
    assert abs(values.mean() - exact) < 4 * error


def test_rounds_of_too_many_nodes_are_computed_by_points(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [{"alpha": {"start": 0.7, "stop": 0.3, "num": 3}, "ridge": 0.1}]
    exact = rounds(TWO, 2, 0.5, steps, 0.1)
    monkeypatch.setattr("asymptotics.iterated.errors.MOST_NODES", 2_000)
    rough = rounds(TWO, 2, 0.5, steps, 0.1, tolerance=0.05)
    assert (rough.status == "ok").all()
    assert (rough.error[:2] < 1e-3).all()  # by quadrature still
    assert rough.error[2] > 1e-6
    miss = abs(rough.retrained_risk / exact.retrained_risk - 1)
    assert (miss <= rough.error + 1e-12).all()


def test_weights_that_hardly_move_are_cut_as_at_once() -> None:
    """A strong ridge towards the pruned weights keeps them, so that three cuts are one."""
    steps = [{"alpha": a, "ridge": 1e7, "towards": "pruned"} for a in (0.8, 0.5, 0.3)]
    found = rounds(TWO, 2, 0.5, steps, 0.1)
    one = risk(TWO, 2, 0.5, 0.3, 0.1).risk
    assert found.pruned_risk[2] == pytest.approx(one, rel=1e-7)
    assert (found.status == "ok").all()


def test_the_same_score_may_cut_twice() -> None:
    """Cuts by the oracle before and after another rule: the last has no direction of its own."""
    rules = "oracle", "magnitude", "oracle"
    steps = [
        {"alpha": a, "rule": rule, "ridge": 0.1}
        for a, rule in zip((0.6, 0.4, 0.3), rules, strict=True)
    ]
    found = rounds(TWO, 2, 0.5, steps, 0.1)
    assert (found.status == "ok").all()
    drawn = quasi_random(TWO, 2.0, 0.5, 0.1, steps)
    error = drawn.std(ddof=1) / np.sqrt(len(drawn))
    assert abs(drawn.mean() - found.retrained_risk[2]) < 4 * error < 0.05


def quasi_random(
    population: Population, kappa: float, sigma: float, ridge: float, steps: Any
) -> np.ndarray[Any, Any]:
    """The risk after the last fit by scrambled sequences of points."""
    start = first_stage(Point(population, kappa, sigma, ridge), len(steps))
    schedule = as_schedule(steps)
    runs = [stages(start, schedule, QuasiRandom(1024, seed))[-1] for seed in range(8)]
    return np.array([run.outcomes[-1].retrained_risk for run in runs])


@pytest.mark.parametrize("dropped", [1e-5, 1e-8])
def test_a_few_small_weights_cost_what_many_digits_say(dropped: float) -> None:
    """Without noise the risk is the signal of weights next to 0."""
    found = rounds(TWO, 0.5, 0, [{"alpha": 1 - dropped}])
    exact = risk(TWO, 0.5, 0, 1 - dropped, digits=20).risk
    assert found.pruned_risk[0] == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("kappa", [0.8, 2])
def test_the_error_is_as_large_as_it_is_said(kappa: float) -> None:
    steps = [{"alpha": {"start": 0.8, "stop": 0.2, "num": 3}, "rule": "covariance"}]
    fine = rounds(TWO, kappa, 0.5, steps, tolerance=1e-12)
    for tolerance in (1e-3, 1e-6, 1e-8):
        coarse = rounds(TWO, kappa, 0.5, steps, tolerance=tolerance)
        assert (coarse.error <= tolerance).all()
        for name in ("pruned_risk", "retrained_risk"):
            miss = abs(getattr(coarse, name) / getattr(fine, name) - 1)
            assert (miss <= coarse.error + 1e-11).all()


# -- what does not change, and limits ------------------------------------------------------------


def test_fitting_the_same_weights_again_changes_nothing() -> None:
    ridges = 0.2, 0.2, 0.7, 0.2
    found = rounds(TWO, 2, 0.5, [{"alpha": 0.5, "ridge": ridge} for ridge in ridges], 0.1)
    one = [
        refitted(TWO, 2, 0.5, 0.5, 0.1, retrain_ridge=ridge).retrained_risk.item()
        for ridge in ridges
    ]
    np.testing.assert_allclose(found.retrained_risk, one, rtol=1e-12)
    np.testing.assert_allclose(found.pruned_risk[1:], one[:-1], rtol=1e-12)


def test_whole_fits_are_those_of_their_ridges() -> None:
    steps = [{"alpha": 1, "ridge": 0.2}, {"alpha": 1, "ridge": 0.1}]
    found = rounds(TWO, 2, 0.5, steps, 1.5)
    np.testing.assert_allclose(found.retrained_risk, risk(TWO, 2, 0.5, 1, [0.2, 0.1]).risk, 1e-12)


def test_a_large_ridge_towards_the_pruned_weights_keeps_them() -> None:
    steps = [{"alpha": 0.5, "ridge": 0.2}, {"alpha": 0.3, "ridge": 1e10, "towards": "pruned"}]
    found = rounds(TWO, 2, 0.5, steps, 0.1)
    assert found.retrained_risk[1] == pytest.approx(found.pruned_risk[1], rel=1e-8)


def test_random_rounds_are_those_of_smaller_problems() -> None:
    """A refit of weights chosen without the data is a fit of the restricted population."""
    found = rounds(TWO, 1.5, 0.5, [{"alpha": a, "rule": "random"} for a in (0.6, 0.3)], 0.1)
    lost = 0.7 * float(TWO.signal)
    assert found.retrained_risk[1] == pytest.approx((0.25 + lost) / (1 - 0.45), rel=1e-12)


def test_two_oracle_rounds_are_one() -> None:
    steps = [{"alpha": a, "rule": "oracle", "ridge": 0.1} for a in (0.6, 0.3)]
    found = rounds(TWO, 1.5, 0.5, steps, 0.1)
    one = rounds(TWO, 1.5, 0.5, steps[1:], 0.1)
    assert found.retrained_risk[1] == pytest.approx(one.retrained_risk[0], rel=1e-8)


# -- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["first", "second"])
def test_rounds_go_on_after_an_infinite_fit(which: str) -> None:
    """Fits of infinite risk rank weights by their noise alone, and what follows is finite."""
    kappa = 1.0 if which == "first" else 2.0
    steps = [{"alpha": 0.5, "ridge": 0.1 if which == "first" else 0}, {"alpha": 0.3, "ridge": 0.1}]
    at = rounds(TWO, kappa, 0.5, steps)
    beside = rounds(TWO, kappa * (1 + 1e-7), 0.5, steps, tolerance=1e-2)
    assert at.status[0] == "diverges"
    assert at.status[1] == ("ok" if which == "first" else "diverges")
    assert at.retrained_risk[1] == pytest.approx(beside.retrained_risk[1], rel=1e-4)
    assert np.isnan(at.threshold[np.isinf(at.pruned_risk)]).all()


def test_a_ridge_towards_infinite_weights_is_infinite_and_nothing_is_known_after() -> None:
    steps = [{"alpha": 0.5, "ridge": 0.1, "towards": "pruned"}, {"alpha": 0.3}]
    found = rounds(TWO, 1, 0.5, steps)
    assert found.status.tolist() == ["diverges", "no convergence"]
    assert np.isinf(found.retrained_risk[0])
    assert np.isnan(found.retrained_risk[1])


def test_features_that_do_not_vary_are_dropped_first() -> None:
    found = rounds(DEAD, 2, 0.5, [{"alpha": 0.9, "ridge": 0.2}, {"alpha": 0.5, "ridge": 0.2}], 0.1)
    np.testing.assert_allclose(found.kept_share[0], [2 / 3, 1, 1])
    assert found.kept_share[1, 0] == 0
    assert found.kept_share[1] @ DEAD.weight == pytest.approx(0.5)


def test_ties_keep_a_part_of_a_group() -> None:
    sure = Population([0.5, 0.5], 1, mean=[1, 2])  # the oracle ties all weights of a group
    steps = [{"alpha": 0.8, "rule": "oracle", "ridge": 0.1}, {"alpha": 0.4, "ridge": 0.1}]
    found = rounds(sure, 0.5, 0.5, steps, 0.1)
    np.testing.assert_allclose(found.kept_share[0], [0.6, 1], rtol=1e-12)
    assert (found.status == "ok").all()


def test_a_last_cut_without_a_fit() -> None:
    found = rounds(TWO, 2, 0.5, [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.3, "refit": False}], 0.1)
    again = rounds(TWO, 2, 0.5, [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.3}], 0.1)
    assert np.isnan(found.retrained_risk[1])
    assert found.pruned_risk[1] == again.pruned_risk[1]
    assert found.status[1] == "ok"


def test_points_broadcast_before_the_rounds() -> None:
    found = rounds(FEW, [[0.9], [2]], [0.5, 1, 2], [{"alpha": 0.5}, {"alpha": 0.2}])
    assert isinstance(found, IteratedRisk)
    assert found.shape == (2, 3, 2)
    assert found.kept_share.shape == (2, 3, 2, 2)
    alone = rounds(FEW, 2, 1, [{"alpha": 0.5}, {"alpha": 0.2}])
    np.testing.assert_array_equal(found.retrained_risk[1, 1], alone.retrained_risk)
    assert found.round.tolist() == [[[1, 2]] * 3] * 2


def test_a_continuous_law_knows_its_error() -> None:
    law = Population.power_law(-1, 1.8, tolerance=1e-6)
    steps = [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.2, "ridge": 0.1}]
    found = rounds(law, 2, 0.5, steps, 0.1, tolerance=1e-5)
    assert (found.status == "ok").all()
    assert (found.error >= law.tolerance).all()


# -- words, and what is refused ------------------------------------------------------------------


def test_the_gain_is_said_in_words() -> None:
    steps = [{"alpha": {"start": 0.5, "stop": 0.1, "num": 3}}]
    (line,) = rounds(FEW, 0.9, 0.5, steps).explain()
    one = refitted(FEW, 0.9, 0.5, 0.1).retrained_risk.item()
    three = rounds(FEW, 0.9, 0.5, steps).retrained_risk[-1]
    assert f"gain {1 - three / one:.2%} against one magnitude cut and fit to the same size" in line


@pytest.mark.parametrize(
    "steps",
    [
        [{"alpha": 0.4}],
        [{"alpha": 0.6, "rule": "oracle"}, {"alpha": 0.4}],
        [{"alpha": 0.6}, {"alpha": 0.4, "refit": False}],
    ],
)
def test_what_is_equal_is_not_called_a_gain(steps: Any) -> None:
    """One cut is itself, and so is a second cut by an oracle; a cut of a second fit is another."""
    (line,) = rounds(TWO, 2, 0.5, steps, 0.1).explain()
    equal = len(steps) == 1 or steps[0].get("rule") == "oracle"
    assert ("give the same" in line) == equal


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ([], "from 1 to 8 rounds, not 0"),
        ([{"alpha": 0.5}] * 9, "from 1 to 8 rounds, not 9"),
        ([{"alpha": 0.3}, {"alpha": 0.5}], "must not grow"),
        ([{"alpha": 0}], r"schedule\[0\].alpha = 0"),
        ([{"alpha": 0.5, "ridge": -1}], r"schedule\[0\].ridge = -1"),
        ([{"alpha": 0.5, "rdge": 1}], "ridge"),
        ([{"rule": "random"}], "must be a table with a key alpha"),
        ([{"alpha": 0.5, "rule": "magnitud"}], "magnitude"),
        ([{"alpha": 0.5, "towards": "one"}], "towards"),
        ([{"alpha": 0.5, "refit": False}, {"alpha": 0.4}], "only the last cut"),
        ([{"alpha": 0.5, "refit": False, "ridge": 1}], "must be left out without a fit"),
        ([{"alpha": {"start": 0.5, "stop": 0.6, "num": 3}}], "must not grow"),
        ([{"alpha": {"start": 0.5, "num": 3}}], "{start, stop, num}"),
        ([{"alpha": {"start": 0.5, "stop": 0.2, "num": 9}}], "num = 9"),
        ({"alpha": 0.5}, "must be a list of rounds"),
        ("magnitude", "must be a list of rounds"),
    ],
)
def test_bad_schedules(schedule: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rounds(TWO, 2, 0.5, schedule)


def test_no_points_are_refused() -> None:
    with pytest.raises(InvalidInput, match="points"):
        rounds(TWO, np.array([]), 0.5, [{"alpha": 0.5}])


def test_narrow_differences_of_scores_are_no_ties() -> None:
    near = Population([0.5, 0.5], [1, 100], [1, 1 + 5e-10], [0, 0])
    found = rounds(near, 0.5, 0, [{"alpha": 0.5}])
    assert found.pruned_risk[0] == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("tolerance", [0, -1, 0.5, 1e-20, "1e-3", None])
def test_bad_tolerances(tolerance: Any) -> None:
    with pytest.raises(InvalidInput, match="tolerance"):
        rounds(TWO, 2, 0.5, [{"alpha": 0.5}], tolerance=tolerance)


# -- simulation ----------------------------------------------------------------------------------


def test_simulated_rounds_agree_and_another_theory_does_not() -> None:
    """Relative to the risk after the first cut, whose limit is known: trials then vary less."""
    steps = as_schedule(
        [
            {"alpha": 0.5, "ridge": 0.2},
            {"alpha": 0.3, "ridge": 0.3, "towards": "pruned"},
            {"alpha": 0.2, "ridge": 0.1, "rule": "covariance"},
        ]
    )
    found = rounds(TWO, 2, 0.5, steps, 0.1)
    generator = np.random.default_rng(5)
    drawn = np.array([risks(GROUPS, 2, 0.5, 0.1, steps, 300, generator) for _ in range(150)])
    expected = np.stack([found.pruned_risk, found.retrained_risk], axis=1)
    ratio = drawn / expected - drawn[:, :1, :1] / expected[0, 0]
    error = ratio.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    error[0, 0] = 1
    assert (abs(ratio.mean(axis=0)) <= 4 * error).all()
    # As if the mask of every round were chosen by other data: 25 % and more too small.
    kept = found.kept_share[-1]
    lost = float(TWO.weight * (1 - kept) @ (TWO.eigenvalue * (TWO.mean**2 + TWO.std**2)))
    naive = drawn[:, 2, 1] / ((0.25 + lost) / (1 - 0.4)) - drawn[:, 0, 0] / expected[0, 0]
    assert abs(naive.mean()) > 6 * naive.std(ddof=1) / np.sqrt(len(drawn))
