"""Rounds of pruning and retraining on the same simulated data, and verdicts on their risks."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from asymptotics import (
    InvalidInput,
    IteratedRisk,
    IteratedVerification,
    Population,
    rounds,
    verify,
    verify_rounds,
)
from asymptotics.arithmetic import Array
from asymptotics.iterated.schedule import Round, as_schedule
from asymptotics.simulation import Dense, Implicit, LinearExperiment, Sampler
from asymptotics.simulation.designs import GAUSSIAN
from asymptotics.simulation.finite import FiniteProblem, FiniteRound, Retraining, realise
from asymptotics.simulation.sampler import outcome_names, risk_names
from asymptotics.theory import COVARIANCE, MAGNITUDE, ORACLE, RANDOM, Rule, as_rule
from asymptotics.verification.plan import (
    Settings,
    freedoms_per_sample,
    schedule_points,
    sized_points,
)
from asymptotics.verification.predictions import of_schedule, of_theory, rounds_to_test
from asymptotics.verification.rounds_theory import kept_by_rounds, shifts_of_rounds
from asymptotics.verification.shifts import _cut_shifts, _level_shifts, _level_variance
from tests.finite_fits import Recorded, fitted

GROUPS = [(0.6, 1.0, 1.0, 0.7), (0.4, 10.0, 0.3, 0.4)]
TWO = Population.from_groups(GROUPS)
DEAD = Population([0.3, 0.5, 0.2], [0, 1, 10], mean=[1, 1, 0.3], std=[0.1, 0.7, 0.4])
STEPS = [
    {"alpha": 0.6, "ridge": 0.5},
    {"alpha": 0.45, "ridge": 0.02},
    {"alpha": 0.35, "ridge": 0.1, "towards": "pruned"},
]


def verified(steps: Any = STEPS, kappa: Any = 2.0, **settings: Any) -> IteratedVerification:
    settings = {"workers": 1, "trials": 8, "resolution": 0.4, **settings}
    return verify_rounds(TWO, kappa, 0.5, steps, 0.1, **settings)


# -- trials ------------------------------------------------------------------------------------


def finite(kappa: float, later: Sequence[FiniteRound], rule: Rule = COVARIANCE) -> FiniteProblem:
    first = Retraining(0.2, "zero")
    return realise(DEAD, 60, kappa, 0.5, [0.6], 0.1, (rule,), retraining=first, later=later)


LATER = (
    FiniteRound(MAGNITUDE, 25, Retraining(0.3, "pruned")),
    FiniteRound(ORACLE, 18, Retraining(0.0, "zero")),
    FiniteRound(COVARIANCE, 9, None),
)


@pytest.mark.parametrize("kappa", [0.6, 2.0, 5.0])
def test_a_dense_trial_goes_through_the_rounds_of_the_definition(kappa: float) -> None:
    problem, recorded = finite(kappa, LATER), Recorded()
    spy: Any = recorded
    draw = Dense(spy, spy).draw(problem, 2, np.random.default_rng(0))
    outcome = Dense(spy, spy).trial(problem, 2, np.random.default_rng(0))[:, 0, 0]
    found = dict(zip(outcome_names(problem), outcome, strict=True))
    eigenvalue = problem.expand(problem.eigenvalue)
    alive = eigenvalue > 0
    x = np.zeros((problem.n, 60))
    x[:, alive] = recorded.seen[0] * np.sqrt(eigenvalue[alive])
    y = draw.coefficient @ x.T + 0.5 * 60**0.5 * recorded.seen[1]
    first = FiniteRound(COVARIANCE, 36, Retraining(0.2, "zero"))
    exponents = {MAGNITUDE: 0.0, COVARIANCE: 0.5, ORACLE: 0.5}
    risks = []
    for b, weights, target in zip(draw.coefficient, draw.trained, y, strict=True):
        kept, path = np.ones(60, dtype=bool), []
        for rule, number, fit in (first, *LATER):
            ranked = b if rule == ORACLE else weights
            score = np.where(kept, eigenvalue ** exponents[rule] * abs(ranked) * alive, -1)
            kept = np.zeros(60, dtype=bool)
            kept[np.argsort(-score)[:number]] = True
            weights = np.where(kept, weights, 0)
            path.append(0.25 + np.mean(eigenvalue * (weights - b) ** 2))
            if fit is not None:
                start = weights * (fit.towards == "pruned")
                weights = fitted(x, target, kept & alive, fit.ridge, start)
                path.append(0.25 + np.mean(eigenvalue * (weights - b) ** 2))
        risks.append(path)
    names = risk_names(problem)
    assert names[-3:] == ["risk_3", "retrained_risk_3", "risk_4"]
    np.testing.assert_allclose([found[name] for name in names], np.mean(risks, axis=0), rtol=1e-8)


def test_later_rounds_change_nothing_of_the_first() -> None:
    alone, chain = finite(2.0, ()), finite(2.0, LATER)
    for sampler in (Dense(), Implicit(1e-6)):
        one, more = (sampler.trial(x, 1, np.random.default_rng(5)) for x in (alone, chain))
        np.testing.assert_array_equal(more[: len(one)], one)


@pytest.mark.parametrize("sampler", [Dense(), Implicit(1e-8)])
def test_masks_are_nested_and_weights_go_on(sampler: Sampler) -> None:
    """A strong ridge towards the pruned weights leaves them: all cuts are of the first fit."""
    strong = Retraining(1e9, "pruned")
    later = [FiniteRound(RANDOM, 20, strong), FiniteRound(MAGNITUDE, 10, strong)]
    problem = finite(2.0, later, RANDOM)
    first = realise(DEAD, 60, 2.0, 0.5, [0.6], 0.1, (RANDOM,), retraining=strong)
    problem = replace(problem, retraining=first.retraining)
    outcome = sampler.trial(problem, 3, np.random.default_rng(0))[:, 0, 0]
    found = dict(zip(outcome_names(problem), outcome, strict=True))
    for cut, fit in (("risk", "retrained_risk"), ("risk_2", "retrained_risk_2")):
        assert found[fit] == pytest.approx(found[cut], rel=1e-6)
    assert len({round(found[name], 9) for name in ("risk", "risk_2", "risk_3")}) == 3


def test_after_an_infinite_variance_nothing_is_known() -> None:
    later = [
        FiniteRound(MAGNITUDE, 30, Retraining(0.0, "zero")),
        FiniteRound(MAGNITUDE, 9, Retraining(0.0, "zero")),
    ]
    problem = realise(
        TWO, 60, 2.0, 0.5, [0.8], 0.1, (MAGNITUDE,), retraining=Retraining(0.1, "zero"),
        later=later,
    )  # fmt: skip
    outcome = Dense().trial(problem, 1, np.random.default_rng(0))[:, 0, 0]
    known = dict(zip(outcome_names(problem), np.isfinite(outcome), strict=True))
    assert [known[name] for name in risk_names(problem)] == [True] * 3 + [False] * 3


def test_trials_are_stored_under_their_rounds() -> None:
    problems = [finite(2.0, later) for later in ((), LATER[:1], LATER[:2], LATER)]
    problems.append(finite(2.0, [LATER[0]._replace(kept=24)]))
    experiments = [LinearExperiment(problem, Dense(), 1) for problem in problems]
    assert len({each.key for each in experiments}) == 5
    assert "later" not in experiments[0].description  # stores of before stay valid
    costs = [each.cost for each in experiments[:4]]
    assert costs == sorted(set(costs))


# -- verdicts ----------------------------------------------------------------------------------


def exchanged(
    population: Population, kappa: float, sigma: float, schedule: Sequence[Round], ridge: float
) -> IteratedRisk:
    """The ridges of the first two rounds in each other's place."""
    one, two, *rest = schedule
    steps = [one._replace(ridge=two.ridge), two._replace(ridge=one.ridge), *rest]
    return rounds_to_test(population, kappa, sigma, steps, ridge)


def one_cut(
    population: Population, kappa: float, sigma: float, schedule: Sequence[Round], ridge: float
) -> IteratedRisk:
    """One cut to the size of each round, and one refit: as if no other mask had been there."""
    found = [rounds_to_test(population, kappa, sigma, [each], ridge) for each in schedule]
    pruned, retrained = zip(*((x.pruned_risk[0], x.retrained_risk[0]) for x in found), strict=True)
    return replace(found[0], pruned_risk=np.array(pruned), retrained_risk=np.array(retrained))


def scaled(
    population: Population, kappa: float, sigma: float, schedule: Sequence[Round], ridge: float
) -> IteratedRisk:
    found = rounds_to_test(population, kappa, sigma, schedule, ridge)
    pruned, retrained = (1.03 * risk for risk in (found.pruned_risk, found.retrained_risk))
    return replace(found, pruned_risk=pruned, retrained_risk=retrained)


def too_short(
    population: Population, kappa: float, sigma: float, schedule: Sequence[Round], ridge: float
) -> IteratedRisk:
    return rounds_to_test(population, kappa, sigma, schedule[:2], ridge)


def test_wrong_schedules_are_inconsistent(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"p": 400, "store": tmp_path / "runs.db"}  # the same trials for all
    right = verified(**settings)
    assert (right.verdict == "consistent").all()
    assert right.round.tolist() == [1, 1, 2, 2, 3, 3]
    assert right.after.tolist() == ["cut", "fit"] * 3
    wrong = verified(predict=exchanged, **settings)
    assert (wrong.verdict[1:5] == "inconsistent").all()
    assert wrong.verdict[0] == "consistent"
    np.testing.assert_allclose(wrong.mean, right.mean, rtol=1e-12)
    wrong = verified(predict=one_cut, **settings)
    assert (wrong.verdict[:2] == "consistent").all()
    assert wrong.verdict[4] == "inconsistent"


def test_an_error_of_three_percent_is_found(tmp_path: Path) -> None:
    """Extrapolated from three sizes."""
    steps = [{"alpha": 0.6, "ridge": 0.5}, {"alpha": 0.4, "ridge": 0.5}]
    settings: dict[str, Any] = {"kappa": 4.0, "store": tmp_path / "runs.db", "resolution": 0.1}
    right = verified(steps, **settings)
    assert (right.verdict == "consistent").all()
    assert [len(samples) for samples in right.samples] == [3] * 4
    wrong = verified(steps, predict=scaled, **settings)
    seen = right.detectable < 0.025
    assert seen[1:].all()
    assert (wrong.verdict[seen] == "inconsistent").all()


ONE = {"alpha": 0.5, "rule": "covariance", "ridge": 0.3, "towards": "pruned"}


@pytest.mark.parametrize("p", [None, 120])
def test_one_round_is_one_second_fit(p: int | None, tmp_path: Path) -> None:
    """Trial by trial: both read the same store."""
    given: dict[str, Any] = {"p": p, "trials": 8, "store": tmp_path / "runs.db", "workers": 1}
    found = verify_rounds(TWO, 4.0, 0.5, [ONE], 0.4, **given)
    again: dict[str, Any] = {"retrain": True, "retrain_ridge": 0.3, "retrain_towards": "pruned"}
    size = given["store"].stat().st_size
    one = verify(TWO, 4.0, 0.5, 0.5, 0.4, "covariance", **again, **given)
    assert given["store"].stat().st_size == size  # no trial was added
    for name in ("risk", "mean", "standard_error", "gain", "z"):
        tested = "retrained_risk" if name == "risk" else name
        assert getattr(found, name)[1] == pytest.approx(getattr(one, tested), rel=1e-9)


def test_the_first_cut_is_that_of_one_model() -> None:
    given: dict[str, Any] = {"p": 120, "trials": 8, "workers": 1}
    found = verify_rounds(TWO, 3.0, 0.5, [ONE | {"refit": False, "ridge": 0}], 0.1, **given)
    one = verify(TWO, 3.0, 0.5, 0.5, 0.1, "covariance", **given)
    assert found.shape == (1,)
    for name in ("risk", "mean", "standard_error", "gain", "z"):
        assert getattr(found, name)[0] == pytest.approx(getattr(one, name), rel=1e-9)
    followed = verify_rounds(TWO, 3.0, 0.5, [ONE], 0.1, **given)  # other trials
    assert followed.risk[0] == pytest.approx(one.risk, rel=1e-12)
    error = np.hypot(followed.standard_error[0], one.standard_error)
    assert abs(followed.mean[0] - one.mean) < 4 * error


RULES: list[tuple[float, list[Any]]] = [
    (0.8, ["covariance", "oracle", {"exponent": 0.25}]),
    (3.0, ["random", "magnitude", "random"]),
]


@pytest.mark.parametrize(("kappa", "rules"), RULES)
def test_rules_of_every_kind_are_no_false_alarm(kappa: float, rules: list[Any]) -> None:
    """With features that do not vary."""
    steps = [
        {"alpha": 0.6, "rule": rules[0], "ridge": 0.2},
        {"alpha": 0.4, "rule": rules[1], "ridge": 0.05, "towards": "pruned"},
        {"alpha": 0.2, "rule": rules[2], "refit": False},
    ]
    found = verify_rounds(DEAD, kappa, 0.5, steps, 0.1, p=150, trials=12, workers=1, resolution=0.6)
    assert (found.verdict == "consistent").all()
    assert [str(rule) for rule in found.rule[::2]] == [str(as_rule(rule)) for rule in rules]


def test_the_implicit_sampler_goes_through_the_same_rounds() -> None:
    found = verified(p=300, sampler="implicit")
    assert (found.sampler == "implicit").all()
    assert (found.verdict == "consistent").all()
    assert (np.diff(found.truncation) >= 0).all()
    assert 0 < found.truncation[-1] < 0.05


def test_where_a_fit_has_infinite_variance_rows_have_no_verdict() -> None:
    steps = [{"alpha": 0.8, "ridge": 0.1}, {"alpha": 0.5}, {"alpha": 0.2}]
    found = verified(steps, p=200)
    assert (found.verdict[:3] == "consistent").all()
    assert (found.verdict[3:] == "no verdict").all()
    assert re.search("degrees of freedom are left by a fit so far", found.reason[3])


def test_a_random_number_of_trained_features_has_no_verdict() -> None:
    steps = [{"alpha": 0.6, "rule": "random", "ridge": 0.1}, {"alpha": 0.3, "rule": "magnitude"}]
    found = verify_rounds(DEAD, 3.0, 0.5, steps, 0.1, p=120, trials=8, workers=1, resolution=1)
    assert (found.verdict[:3] == "consistent").all()
    assert "is random" in found.reason[3]


def test_rows_hold_what_was_asked_and_what_was_predicted() -> None:
    steps = [{"alpha": 0.6, "ridge": 0.5}, {"alpha": 0.333, "refit": False}]
    found = verified(steps, [[1.7], [3.0]], p=101)
    assert found.shape == (2, 1, 3)
    row = list(found.rows())[2]
    assert list(row) == list(found.columns)
    assert (row["kappa"], row["alpha"], row["round"], row["after"]) == (1.7, 0.333, 2, "cut")
    assert np.isnan(row["retrain_ridge"])
    assert row["n"] == 59
    realised = Population(np.array([61, 40]) / 101, TWO.eigenvalue, TWO.mean, TWO.std)
    kept = [{"alpha": 61 / 101, "ridge": 0.5}, {"alpha": 34 / 101, "refit": False}]
    expected = rounds(realised, 101 / 59, 0.5, kept, 0.1)
    assert row["risk"] == pytest.approx(expected.pruned_risk[1], rel=1e-4)
    assert row["pruned_risk"] == row["risk"]
    assert row["unpruned_risk"] == pytest.approx(expected.unpruned_risk[1])
    assert row["status"] == "ok"


def test_runs_go_on_from_a_store_and_report_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    settings: dict[str, Any] = {"p": 60, "steps": [ONE, ONE | {"alpha": 0.3}]}
    stored = settings | {"store": tmp_path / "runs.db"}
    few = verified(trials=4, progress=lambda done, all_, _: seen.append((done, all_)), **stored)
    assert seen[-1] == (4, 4)
    assert (few.verdict == "no verdict").all()
    np.testing.assert_array_equal(verified(**stored).mean, verified(**settings).mean)


def test_a_law_is_simulated_by_its_groups() -> None:
    law = Population.power_law(0.6, 0.3)
    steps = [{"alpha": 0.5, "rule": "covariance", "ridge": 0.1}]
    found = verify_rounds(law, 2.0, 0.3, steps, 0.1, p=300, trials=8, workers=1, resolution=1)
    assert (found.verdict == "consistent").all()


# -- plans -------------------------------------------------------------------------------------


def point(steps: Any, kappa: float = 1.4, ridge: float = 0.1) -> Any:
    (found,) = schedule_points([(kappa, 0.5, ridge)], as_schedule(steps))
    return found


def test_the_least_freedom_of_all_fits_so_far_counts() -> None:
    """1 - kappa E[W²; kept], with the shares of the prediction and the ridge by bisection."""
    steps = [{"alpha": 0.6, "ridge": 0.2}, {"alpha": 0.5, "ridge": 0.01}, {"alpha": 0.2}]
    at = point(steps)
    shares = rounds(TWO, at.kappa, 0.5, steps, 0.1).kept_share
    left = []
    for share, ridge in zip(shares, (0.2, 0.01, 0.0), strict=True):
        kept = TWO.weight * share

        def balance(tau: float, ridge: float = ridge, kept: Array = kept) -> float:
            used = kept @ (TWO.eigenvalue / (TWO.eigenvalue + tau))
            return float(1 - ridge / tau - at.kappa * used)

        tau = brentq(balance, 1e-9, 1e3, xtol=1e-15) if ridge else 0.0
        left.append(1 - at.kappa * kept @ (TWO.eigenvalue / (TWO.eigenvalue + tau)) ** 2)
    least = np.minimum.accumulate(left)
    found = freedoms_per_sample(TWO, at)[:, 0, 0]
    np.testing.assert_allclose(found, np.repeat([np.inf, *least], 2)[1:-1], rtol=1e-4)


def test_sizes_follow_from_all_rounds() -> None:
    settings = Settings(None, "dense", GAUSSIAN, GAUSSIAN, 1e-3, of_schedule(rounds))
    few = [point([{"alpha": 0.5}, {"alpha": alpha}]) for alpha in (0.3, 0.05)]
    one, other = sized_points(TWO, few, settings, None)
    assert other.first == 48 / 0.05 > one.first
    problem = other.experiments()[0].problem
    assert problem.later == (FiniteRound(MAGNITUDE, 48, Retraining(0.0, "zero")),)
    assert other.point.realised(problem).fractions == (0.5, 0.05)


@pytest.mark.parametrize(
    ("kappa", "alpha", "ridge"), [(0.8, 0.3, 0.0), (3.0, 0.2, 0.3), (3.0, 1.0, 0.3)]
)
@pytest.mark.parametrize("std", [0.0, 1.0], ids=["known coefficients", "drawn ones"])
def test_the_shifts_of_one_round_are_those_of_one_second_fit(
    kappa: float, alpha: float, ridge: float, std: float
) -> None:
    """Parabolas against means over many nodes, where p is large enough for both."""
    population = Population(TWO.weight, TWO.eigenvalue, TWO.mean, std * TWO.std)
    at, p = point([{"alpha": alpha, "ridge": ridge}], kappa), 10**5
    expected = [part(population, at, p)[:, 0, 0] for part in (_cut_shifts, _level_shifts)]
    level = _level_variance(population, at, p)[2] ** 0.5
    assert (level > 0) == (std > 0)
    found = shifts_of_rounds(population, (kappa, 0.5, 0.1), at.schedule, p, level)
    np.testing.assert_allclose(found, abs(expected[0]) + abs(expected[1]), rtol=0.02, atol=1e-9)


def test_later_shifts_are_those_of_schedules_that_move() -> None:
    steps = [{"alpha": 0.6, "ridge": 0.5}, {"alpha": 0.3, "ridge": 0.1}]
    at, p, step = point(steps, 2.0), 1000, 0.03
    kept = kept_by_rounds(TWO, (2.0, 0.5, 0.1), at.schedule)

    def risks(*alphas: float) -> Array:
        moved = [x._replace(alpha=to) for x, to in zip(at.schedule, alphas, strict=True)]
        return np.stack(
            [
                x
                for r in [rounds(TWO, 2.0, 0.5, moved, 0.1)]
                for x in (r.pruned_risk, r.retrained_risk)
            ],
            axis=1,
        ).ravel()

    center = risks(0.6, 0.3)
    expected = np.zeros(4)
    for number, share in enumerate(kept):
        ends = [[0.6, 0.3], [0.6, 0.3]]
        ends[0][number] -= step
        ends[1][number] += step
        curvature = (risks(*ends[0]) + risks(*ends[1]) - 2 * center) / step**2
        expected += abs(curvature) * (TWO.weight @ (share * (1 - share))) / p / 2
    found = shifts_of_rounds(TWO, (2.0, 0.5, 0.1), at.schedule, p, 0.0)
    np.testing.assert_allclose(found, expected, rtol=0.05)


@pytest.mark.parametrize("last", [{"refit": False}, {"ridge": 1}])
def test_a_round_may_keep_one_weight(last: dict[str, Any]) -> None:
    # The fraction kept fluctuates by more than itself.
    steps = [{"alpha": 0.5, "ridge": 0.1}, {"alpha": 0.01, **last}]
    found = verified(steps, 0.5, p=100)
    assert (found.verdict[2:] == "too weak").all()


def test_theory_of_rounds_is_that_of_the_package() -> None:
    at = point(STEPS, 2.0)
    found, expected = of_theory(TWO, at)[:, 0, 0], rounds(TWO, 2.0, 0.5, STEPS, 0.1)
    risks = np.stack([expected.pruned_risk, expected.retrained_risk], axis=1).ravel()
    np.testing.assert_allclose(found, risks, rtol=1e-4)


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": [{"alpha": 0.3}, {"alpha": 0.5}]}, "must not grow"),
        ({"steps": [{"alpha": 0.3, "rule": "optimal"}]}, "must rank weights by one number"),
        ({"steps": []}, "must have from 1 to 8 rounds"),
        ({"steps": [{"alpha": 0.3, "ridge": -1}]}, "schedule[0].ridge = -1"),
        ({"kappa": []}, "points = 'shape (0,)': must be one or more"),
        ({"p": 2}, "p = 2: must be at least"),
        ({"trials": 1}, "trials = 1: must be a whole number from 2"),
        ({"sampler": "exact"}, "sampler = 'exact': it draws no data"),
        ({"design": "rademacher", "sampler": "implicit"}, "design = 'rademacher'"),
        ({"predict": 3}, "predict = 3: must be"),
        ({"predict": lambda *_: 1.0}, "must give pruned_risk of each of 3 rounds"),
        ({"predict": too_short}, "of each of 3 rounds"),
        ({"time_limit": 1e-9}, "time_limit = 1e-09"),
        ({"progress": 1}, "progress = 1"),
    ],
)
def test_bad_input(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        verified(**{"p": 100, **given})
    assert message in str(error.value)


def test_a_schedule_may_hold_rounds_as_they_are() -> None:
    given = [Round(0.5, MAGNITUDE, 0.5)]
    found = [
        verified(steps, p=60, resolution=1) for steps in (given, [{"alpha": 0.5, "ridge": 0.5}])
    ]
    np.testing.assert_array_equal(found[0].mean, found[1].mean)
