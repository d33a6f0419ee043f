"""The right prediction passes, a wrong one does not, and no verdict claims more than it can."""

import math
import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import stats

from asymptotics import (
    InvalidInput,
    Population,
    Verification,
    risk,
    theory,
    verify,
)
from asymptotics.line.grid import as_grid
from asymptotics.simulation import as_law
from asymptotics.simulation.designs import GAUSSIAN
from asymptotics.simulation.finite import realise
from asymptotics.simulation.implicit import Implicit
from asymptotics.theory import Rule
from asymptotics.trials import execution
from asymptotics.verification import judging, plan
from asymptotics.verification.cases import ladders
from asymptotics.verification.plan import (
    Allotment,
    Settings,
    grid_points,
    resolving_tolerance,
    sized_points,
)
from asymptotics.verification.predictions import of_grid
from asymptotics.verification.statistics import (
    Estimate,
    Sample,
    critical_value,
    estimate,
    judge,
    line_weights,
    trials_needed,
)
from tests.budgets import share

POPULATION = Population(weight=[1, 3], eigenvalue=[10, 1], mean=[0, 0.5], std=[0.3, 1])
SEEDS = range(share(100))  # of ten a wrong distribution is told
RULES = ["magnitude", "covariance"]


def run(seed: int = 0, **settings: Any) -> Verification:
    settings = {"workers": 1, "rule": RULES, **settings}
    return verify(POPULATION, 2.0, 0.7, 0.3, seed=seed, **settings)


def formula(
    mistake: str,
    population: Population,
    kappa: float,
    sigma: float,
    alpha: float,
    ridge: float,
    rule: Rule,
) -> float:
    """The prediction by hand, with one mistake."""
    fixed = theory.fixed_point(population, kappa, sigma, ridge)
    law = theory.channel(population, fixed)
    if mistake == "no kappa":
        law = law._replace(noise=law.noise / kappa)
    if mistake == "score Λ" and str(rule) == "covariance":
        rule = theory.exponent_rule(1)
    cut = theory.threshold(rule.score(law), alpha)
    return float(theory.pruned_risk(law, sigma, rule, cut).risk)


def test_only_the_right_formula_is_consistent_over_seeds(tmp_path: Path) -> None:
    z = []
    for seed in SEEDS:  # the same trials for all formulas
        run_of = partial(run, seed, store=tmp_path / "runs.db")
        right = run_of(predict=partial(formula, "none"))
        assert np.all(right.verdict == "consistent")
        z.append(right.z)
        assert np.all(run_of(predict=partial(formula, "no kappa")).verdict == "inconsistent")
        verdict = run_of(predict=partial(formula, "score Λ")).verdict
        assert verdict.tolist() == ["consistent", "inconsistent"]
    for column in np.transpose(z):  # differences are as large as they claim
        assert stats.kstest(column, "norm").pvalue > 1e-3
        assert stats.kstest(column + 2, "norm").pvalue < 1e-3


def test_small_problems_are_no_false_alarm() -> None:
    verdicts = [run(seed, p=300, trials=8).verdict for seed in SEEDS]
    assert "inconsistent" not in np.ravel(verdicts)


@pytest.mark.parametrize("design", ["rademacher", "student-t=6"])
def test_universality(design: str) -> None:
    found = run(p=2000, trials=8, design=design)
    assert np.all(found.verdict == "consistent")
    assert np.all(found.detectable < 0.05)
    assert np.all(found.sampler == "dense")


@pytest.mark.parametrize("noise", ["rademacher", "student-t=6"])
def test_the_law_of_the_noise_does_not_matter(noise: str) -> None:
    for kappa in (0.5, 2.0):
        found = verify(POPULATION, kappa, 0.7, 0.4, p=600, trials=8, noise=noise, workers=1)
        assert found.verdict == "consistent"


@pytest.mark.parametrize("sampler", ["dense", "exact", "implicit"])
def test_every_sampler_agrees_with_the_theory(sampler: str) -> None:
    kappa = 0.5 if sampler == "exact" else 2.0
    found = verify(
        POPULATION, kappa, 0.7, 0.4, rule=RULES, p=2000, trials=8, sampler=sampler, workers=1
    )
    assert np.all(found.verdict == "consistent")
    assert np.all(found.sampler == sampler)
    assert np.all(found.truncation < 1e-3 * found.risk)


def test_rounding_is_no_disagreement() -> None:
    """At 41 features every count is rounded; the prediction is that of what is simulated."""
    found = verify(POPULATION, 3.0, 0.7, 0.33, rule=RULES, p=41, trials=40, workers=1)
    realised = Population([10, 31], [10, 1], [0, 0.5], [0.3, 1])
    assert found.prediction.population.weight.tolist() == [31 / 41, 10 / 41]
    expected = risk(realised, 41 / 14, 0.7, 14 / 41, rule=RULES).risk
    np.testing.assert_allclose(found.risk, expected, rtol=1e-12)
    np.testing.assert_allclose(found.prediction.risk, expected, rtol=1e-12)
    assert "inconsistent" not in found.verdict


def test_where_variance_is_infinite_there_is_no_verdict() -> None:
    found = verify(POPULATION, [0.5, 1.0], 0.7, 0.4, trials=8, p=300, workers=1)
    assert found.verdict[1] == "no verdict"
    assert "infinite variance" in found.reason[1]
    assert np.isnan(found.mean[1])
    with pytest.raises(InvalidInput, match="n = 300: no risk can be tested"):
        verify(POPULATION, 1.0, 0.7, 0.4, p=300, workers=1)


FEW = {  # right predictions, far from what small problems do although n is not near p₊
    "the large part interpolates": (Population([1, 1], [1e-3, 2], std=1), 1.9, 0.0),
    "small ridge, dead features": (Population([1, 1], [0, 2], std=1), 1.9, 1e-7),
    "small ridge near n = p": (Population(std=1), 1.02, 1e-4),
    "many decades": (Population(1, 10.0 ** np.arange(-6, 7), std=1), 2.0, 1e-8),
}


@pytest.mark.parametrize(("population", "kappa", "ridge"), FEW.values(), ids=FEW)
def test_few_degrees_of_freedom_are_no_false_alarm(
    population: Population, kappa: float, ridge: float
) -> None:
    found = verify(population, kappa, 0.5, 0.3, ridge, RULES, p=390, trials=60, workers=1)
    assert "inconsistent" not in found.verdict
    assert abs(found.z).max() > 3  # they do differ


STEEP = Population([3, 1], [0.01, 30], mean=[1, -2], std=[0.1, 1.6])


def test_the_cut_shifts_the_mean_as_theory_says() -> None:
    """Where the risk is curved in alpha: weights are dropped from a group that carries it all."""
    rules = ["covariance", "oracle"]
    found = verify(STEEP, 0.8, 0.1, 0.17, rule=rules, p=800, trials=60, workers=1)
    assert "inconsistent" not in found.verdict
    for difference, error, (sample,) in zip(
        found.mean - found.risk, found.standard_error, found.samples, strict=True
    ):
        assert difference > 6 * error
        assert difference == pytest.approx(sample.shift, abs=4 * error)
    assert np.all(verify(STEEP, 0.8, 0.1, 0.17, rule=rules, workers=1).verdict == "consistent")


def carried(few: int) -> Population:
    """A population in which a few of 1,000 features carry the noise level."""
    return Population([few, 327, 673 - few], [305, 3.7, 0.24], [0, 1, 0], [600, 0.3, 0])


def test_few_coefficients_are_no_false_alarm() -> None:
    """The risk is curved in what they are."""
    found = verify(carried(2), 1.95, 0.05, 0.229, p=1000, trials=16, workers=1)
    (sample,) = found.samples.item()
    difference, error = float(found.mean - found.risk), float(found.standard_error)
    assert difference < -3 * error
    assert difference == pytest.approx(sample.shift, abs=4 * error)
    assert found.verdict == "too weak"
    assert "take a larger p" in found.reason.item()


def test_one_coefficient_shifts_the_mean_as_its_law_says() -> None:
    population, point = carried(1), (1.95, 0.05, 0.229)
    told = Settings(1000, "auto", as_law("gaussian"), as_law("gaussian"), 1e-3, of_grid(risk))
    (ladder,) = ladders(population, grid_points(as_grid(*point, 0.0, "magnitude")), told)
    mean = 0.0
    for z in stats.norm.ppf((np.arange(100) + 0.5) / 100):
        realised = Population([1, 327, 672], [305, 3.7, 0.24], [600 * z, 1, 0], [0, 0.3, 0])
        mean += float(risk(realised, *point).risk) / 100
    expected = mean - float(risk(population, *point).risk)
    assert ladder.cases[0].shift.item() == pytest.approx(expected, rel=0.05)


def test_coefficients_that_are_known_shift_nothing() -> None:
    """Neither constants nor coefficients that training finds exactly move the noise level."""
    constant = Population([1, 999], [30, 1], mean=[20, 0.1])
    learnt = Population([1, 999], [30, 1], std=[20, 0.1])
    told = Settings(1000, "auto", as_law("gaussian"), as_law("gaussian"), 1e-3, of_grid(risk))
    for population, kappa in ((constant, 2.0), (learnt, 0.5)):
        points = grid_points(as_grid(kappa, 0.5, 1.0, 0.0, "magnitude"))
        (ladder,) = ladders(population, points, told)
        assert abs(ladder.cases[0].shift.item()) < 1e-12


POINTS = Population([0.6, 0.4], [1, 10], mean=[0, 1], std=[1, 0])
KINKS = {  # point masses at the cut: the risk has a kink in alpha, near or at it
    "at": (POINTS, 0.59, 0.0, "magnitude"),
    "near": (POINTS, 0.63, 0.0, "magnitude"),
    "steep": (
        Population([0.45, 0.35, 0.1, 0.1], [1, 1, 100, 1], [10, 0.01, 1, 0], [0, 0, 0, 1]),
        0.59, 0.05, "magnitude",
    ),
}  # fmt: skip


@pytest.mark.parametrize("p", [None, 500])
@pytest.mark.parametrize(("population", "alpha", "sigma", "rule"), KINKS.values(), ids=KINKS)
def test_a_kink_is_no_false_alarm(
    population: Population, alpha: float, sigma: float, rule: str, p: int | None
) -> None:
    found = verify(population, 0.5, sigma, alpha, rule=rule, p=p, trials=100, workers=1)
    assert found.verdict != "inconsistent"
    assert abs(found.z) > 4  # 1/p would not explain it


@pytest.mark.parametrize("sampler", ["exact", "dense"])
@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.9])
def test_ties_are_broken_at_random(sampler: str, alpha: float) -> None:
    """Rounding would give one group both ends of the order."""
    tied = Population([1, 1], [1e-4, 1], mean=1)
    found = verify(tied, 0.5, 0.0, alpha, p=1000, trials=30, sampler=sampler, workers=1)
    assert found.verdict == "consistent"


@pytest.mark.parametrize(
    ("at", "value", "reach"), [("alpha", 0.3, 0.0), ("kappa", 0.7, 1e-4), ("kappa", 1 / 3, 0.0)]
)
def test_a_prediction_that_is_wrong_at_the_point_alone(at: str, value: float, reach: float) -> None:
    """No size realises exactly these: the prediction beside them is right."""
    point: dict[str, Any] = {"kappa": 2.0, "sigma": 0.7, "alpha": 0.4, at: value}

    def predict(population: Population, *numbers: Any) -> Any:
        right = risk(population, *numbers).risk
        there = dict(zip(point, numbers, strict=False))[at]
        return 3 * right if abs(there - value) <= reach else right

    found = verify(POPULATION, **point, predict=predict, trials=8, workers=1)
    assert found.verdict == "inconsistent"
    assert found.mean == pytest.approx(found.risk / 3, rel=0.05)


@pytest.mark.parametrize("predicted", [0.0, -1.0])
def test_a_prediction_of_nothing_is_soon_refuted(predicted: float) -> None:
    found = verify(POPULATION, 0.5, 0.7, 0.3, predict=lambda *_: predicted, workers=1)
    assert found.verdict == "inconsistent"
    assert found.trials == judging.PILOT
    assert 0 < found.detectable < 0.02


@pytest.mark.parametrize(
    "predicted",
    [np.ma.masked, np.ma.array([1.7], mask=[True]), [np.ma.masked], None, "1.7", True, 1j, [1, 2]],
    ids=["masked", "masked array", "masked in a list", "None", "text", "truth", "complex", "two"],
)
def test_a_prediction_that_is_missing_is_not_judged(predicted: Any) -> None:
    with pytest.raises(InvalidInput, match=r"predict = .*: must (not be masked|return one risk)"):
        verify(POPULATION, 0.5, 0.7, 0.3, predict=lambda *_: predicted, p=400, workers=1)


@pytest.mark.parametrize("kind", [mpmath.mpf, Fraction, Decimal, np.float32, np.atleast_2d])
def test_a_prediction_may_be_a_number_of_any_kind(kind: Callable[[float], Any]) -> None:
    settings: dict[str, Any] = {"p": 400, "trials": 8, "workers": 1}
    found = verify(POPULATION, 0.5, 0.7, 0.3, predict=lambda *_: kind(1.75), **settings)
    assert found.risk == 1.75


@pytest.mark.parametrize("settings", [{"design": "rademacher"}, {"sampler": "dense"}])
def test_rounding_is_no_error(settings: dict[str, Any]) -> None:
    found = verify(POPULATION, 0.3, 0.0, 1.0, p=400, trials=10, workers=1, **settings)
    assert 0 < found.mean < 1e-27
    assert found.verdict != "inconsistent"


def test_hardly_any_degree_of_freedom_leaves_no_verdict() -> None:
    kappa = [0.5, 1.0]
    found = verify(
        Population(std=1), kappa, 0.5, 0.3, 1e-12, p=400, trials=8, resolution=0.01, workers=1
    )
    assert found.verdict.tolist() == ["too weak", "no verdict"]
    assert "degrees of freedom are left to the noise" in found.reason[1]
    assert "degrees of freedom are left" in found.table()
    assert "too weak (row 1): a relative error of 0.01 would not be found" in found.table()


@pytest.mark.parametrize("sigma", [1e-8, 1e-12, 0.0])
def test_a_tiny_risk_keeps_its_digits(sigma: float) -> None:
    found = verify(POPULATION, 0.5, sigma, 1.0, p=400, trials=8, workers=1)
    assert found.verdict == "consistent"
    assert found.mean == pytest.approx(2 * sigma**2, rel=0.05, abs=0)


def test_nothing_to_learn_is_learnt() -> None:
    silent = Population(eigenvalue=0.0, std=1)
    for sampler in ("auto", "dense", "implicit"):
        found = verify(silent, [0.5, 2], 0.5, 0.3, 0.1, p=400, trials=8, sampler=sampler, workers=1)
        assert np.all(found.mean == 0.25)
        assert np.all(found.verdict == "consistent")


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_MOST_WORK", 0.1)
    found = verify(POPULATION, 1.1, 0.7, 0.3, workers=1)
    assert found.trials == judging.PILOT
    assert found.detectable > 0.02
    assert run(p=40, target_se=0.01).trials[0] > 2 * judging.PILOT  # unless it is asked for


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one or more points"):
        verify(POPULATION, [], 0.5, 0.3)


@pytest.mark.parametrize(("kappa", "alpha"), [(1e20, 0.3), (0.5, 1e-50), (1e5, 0.3)])
def test_what_takes_too_large_a_problem_is_refused(kappa: float, alpha: float) -> None:
    with pytest.raises(InvalidInput, match="kappa = "):
        verify(POPULATION, kappa, 0.5, alpha, workers=1)


def test_one_number_is_not_a_list() -> None:
    with pytest.raises(InvalidInput, match="target_se = "):
        run(target_se=[0.1, 0.2])


def test_a_risk_of_zero_is_zero() -> None:
    errors: list[float] = []
    found = verify(
        Population(1.0, 1.0), [0.5, 2], 0.0, 0.3, workers=1,
        progress=lambda *counts: errors.append(counts[-1]),
    )  # fmt: skip
    assert errors
    assert np.all(found.verdict == "consistent")
    assert np.all(found.mean == 0)


def test_few_weights_kept_take_a_larger_problem() -> None:
    found = verify(POPULATION, 0.2, 0.5, 1e-3, workers=1)
    assert found.verdict == "consistent"
    assert found.p > 100_000
    with pytest.raises(InvalidInput, match="too few for an extrapolation"):
        verify(POPULATION, 0.2, 0.5, 1e-7, workers=1)


def test_too_few_trials_are_too_weak() -> None:
    found = run(p=40, trials=8, resolution=0.01)
    assert np.all(found.verdict == "too weak")
    assert np.all(found.detectable > 0.01)


def test_the_target_is_met() -> None:
    found = run(target_se=0.001)
    assert np.all(found.standard_error <= 0.00105 * found.risk)
    assert np.all(run(p=500, target_se=0.001).standard_error <= 0.00105 * found.risk)


@pytest.mark.parametrize("trials", [2, 7])
def test_few_trials_have_a_mean_and_no_verdict(trials: int) -> None:
    found = run(p=100, trials=trials)
    assert np.all(found.verdict == "no verdict")
    why = f"{trials} trials: at least 8 are needed for a verdict"
    assert np.all(found.reason == why)
    assert np.isfinite([found.mean, found.standard_error]).all()
    assert np.isnan([found.z, found.p_value, found.detectable]).all()
    assert f"no verdict (rows 1-2): {why}" in found.table()


def test_two_trials_of_a_million_weights_are_not_judged() -> None:
    """At this seed a right prediction is 15 of their standard errors off."""
    two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    found = verify(two, 0.5, 0.5, 0.4, p=1_000_000, trials=2, seed=17, workers=1)
    assert abs(found.mean - found.risk) > 10 * found.standard_error
    assert found.verdict == "no verdict"


def test_no_number_of_trials_makes_a_large_difference_consistent() -> None:
    for freedom in (7.0, 15.0, 40.0, math.inf):
        for level in (1e-12, 1e-8, 0.01):
            for z in (7.2, 11.8, 40.0):
                far = Estimate(z * 1e-5, 1e-5, freedom, scale=1.0, allowance=0.0)
                assert judge(far, level, 0.05).verdict != "consistent"
                assert judge(far, level, 0.05).p_value == pytest.approx(2 * stats.t.sf(z, freedom))


def test_what_explains_a_large_difference_is_said() -> None:
    known = Estimate(0.01, standard_error=1e-5, freedom=50, scale=1.0, allowance=0.02)
    assert "within what the finite size may do" in judge(known, 0.01, 0.05).reason
    assert judge(known._replace(difference=1e-5), 0.01, 0.05).reason == ""


HIDDEN: dict[str, dict[str, Any]] = {  # by what most of the allowance is for
    "take a larger p": {},
    "take a smaller target_se or the sampler dense": {"truncation": 0.2},
    "rare features of the law carry too much of the risk": {"sampling": 0.2},
    "rounding hides it": {"rounding": 0.2},
}


@pytest.mark.parametrize(("remedy", "part"), HIDDEN.items(), ids=HIDDEN)
def test_what_hides_an_error_is_said(remedy: str, part: dict[str, Any]) -> None:
    sample = Sample(10, 1e-3, 16, mean=0.15, variance=1e-6, freedom=15)
    if part:
        sample = sample._replace(least=1e6, **part)
    known = estimate([sample], 1.0)
    assert judge(known, 0.01, 0.05).verdict == "too weak"
    assert remedy in judge(known, 0.01, 0.05).reason
    solver = "the solver's tolerance" in judge(known, 0.01, 1.0).reason
    assert solver == ("truncation" in part)


@pytest.mark.parametrize("spread", [1e-2, 1e-3])
def test_a_solver_ranks_weights_of_narrow_groups(spread: float) -> None:
    # Both groups have mean 1, and noise of about 1e-6: what ranks weights is their spread.
    narrow = Population([0.5, 0.5], eigenvalue=[10, 0.1], mean=1, std=spread)
    problem = realise(narrow, 2000, 0.5, 0, (0.1,), 1e-6, (theory.MAGNITUDE,))
    chosen = resolving_tolerance(problem)
    coarse, risk_chosen, fine = (
        Implicit(tolerance).trial(problem, 1, np.random.default_rng(0))[0].item()
        for tolerance in (1e-3, chosen, chosen / 100)
    )
    assert risk_chosen == pytest.approx(fine, rel=1e-3)
    # The residual that is small enough for wide groups ranks wrongly.
    assert coarse != pytest.approx(fine, rel=1e-2)
    settings = Settings(2000, "implicit", GAUSSIAN, GAUSSIAN, 1e-3, of_grid(risk))
    points = grid_points(as_grid(0.5, 0, 0.1, 1e-6, "magnitude"))
    (planned,) = sized_points(narrow, points, settings, None)
    assert planned.experiments()[0].sampler == Implicit(chosen)


def test_a_solver_that_would_break_ties_is_refused() -> None:
    equal = Population([0.5, 0.5], eigenvalue=[100, 0.01], mean=1)
    problem = (equal, 0.5, 0, 0.1, 0)
    with pytest.raises(InvalidInput, match=r"must be dense: .* equal weights"):
        verify(*problem, p=200, trials=8, sampler="implicit", workers=1)
    assert verify(*problem, p=400, trials=8, workers=1).sampler != "implicit"


def test_a_solver_that_ends_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few features have nearly all of the signal, and little of the risk."""
    monkeypatch.setattr(plan, "resolving_tolerance", lambda _: np.inf)
    large = Population([1, 999], [1e5, 1], std=[1e3, 0.3])
    settings: dict[str, Any] = {"p": 16_000, "trials": 8, "workers": 1}
    found = verify(large, 4.0, 0.05, 0.229, sampler="implicit", **settings)
    assert found.mean > 2 * found.risk
    assert found.verdict == "too weak"
    assert "the solver ends too early" in found.reason.item()


class Held(Executor):
    """Does the first jobs, and never those after."""

    def __init__(self, done: int) -> None:
        self.left = done

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        future: Future[Any] = Future()
        self.left -= 1
        if self.left >= 0:
            future.set_result(function(*arguments, **keywords))
        return future


@pytest.mark.parametrize("done", [0, 1])
def test_time_may_run_out(done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline passes after so many jobs, of 16 trials each at a single size."""
    few = Held(done)
    monkeypatch.setattr(
        execution, "_passed", lambda instant: instant is not None and few.left < (1 - done)
    )
    found = run(p=20, time_limit=1e9, executor=few, workers=1, trials=16 + 16 * done)
    if done:
        assert np.all(
            found.reason == "a trial was ended that went on for long after the time limit"
        )
    else:
        assert np.all(found.reason == "fewer than 8 trials in the time limit")
    assert np.all(found.verdict == "no verdict")


SCARCE = {  # little of the weights is of a group: small problems will not do
    "sizes": (Population([1e-4, 0.9999], [1e4, 1], std=1), 2.0, 0.3),
    "share": (POPULATION, [0.5, 2.0], 0.01),
}


@pytest.mark.parametrize(("population", "kappa", "alpha"), SCARCE.values(), ids=SCARCE)
def test_a_limit_that_allows_of_no_verdict_is_refused(
    population: Population, kappa: Any, alpha: float
) -> None:
    """With what would do, which does."""
    with pytest.raises(InvalidInput, match=r"time_limit = 0\.01: 8 trials") as refused:
        verify(population, kappa, 0.5, alpha, time_limit=0.01, workers=1)
    found = re.search(r"about (\S+) s on 1 core,.* or p = (\d+) and (\S+) s$", str(refused.value))
    assert found is not None
    seconds, p, alone = float(found[1]), int(found[2]), float(found[3])
    points = grid_points(as_grid(kappa, 0.5, alpha, 0.0, "magnitude"))
    for size, enough in ((None, seconds), (p, alone)):
        told = Settings(size, "auto", as_law("gaussian"), as_law("gaussian"), 1e-3, of_grid(risk))
        for limit in (enough, enough / 1.2):
            allotted = Allotment(limit, workers=1, trials=16, resumed=False)
            if limit == enough:
                assert ladders(population, points, told, allotted)[0].cases[0].problem.p == p
            else:
                with pytest.raises(InvalidInput, match="time_limit"):
                    ladders(population, points, told, allotted)
    # With a store a run adds what it can to those before.
    assert ladders(population, points, told, allotted._replace(resumed=True))


def test_sizes_are_those_that_fit_into_the_limit() -> None:
    told = Settings(None, "dense", as_law("gaussian"), as_law("gaussian"), 1e-3, of_grid(risk))
    points = grid_points(as_grid(2.0, 0.5, 0.01, 0.0, "magnitude"))
    firsts = []
    for limit in (None, 1e9, 100.0, 30.0, 15.0):
        allotted = None if limit is None else Allotment(limit, 2, 16, resumed=False)
        (ladder,) = ladders(POPULATION, points, told, allotted)
        firsts.append(ladder.cases[0].problem.p)
        assert ladder.obstacle((0, 0, 0)) is None
        work = 16 * sum(experiment.cost for experiment in ladder.experiments)
        assert limit is None or work <= 2 * limit
    assert firsts[0] == firsts[1] == 4800
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[-1] < 4800


def test_work_before_the_first_trial_is_little() -> None:
    """A limit that is too short is refused before anything is predicted."""

    def never(*problem: Any) -> Any:
        raise AssertionError(problem)

    with pytest.raises(InvalidInput, match="time_limit"):
        run(time_limit=1e-9, predict=never)


def test_the_level_is_kept_by_adding_trials() -> None:
    """Stein's rule on normal trials: false alarms at the level, whatever the variance says."""
    rng = np.random.default_rng(0)
    level, pilot, alarms, runs = 0.05, 6, 0, 4000
    for _ in range(runs):
        first = rng.standard_normal(pilot)
        sample = Sample(10**9, 0.0, pilot, 0.0, float(first.var(ddof=1)), pilot - 1)
        (total,) = trials_needed([sample], [1.0], 0.2)
        more = rng.standard_normal(max(total - pilot, 0))
        mean = float(np.concatenate([first, more]).mean())
        done = sample._replace(mean=mean, trials=max(total, pilot))
        alarms += judge(estimate([done], 1.0), level, 1.0).verdict == "inconsistent"
    assert stats.binomtest(alarms, runs, level).pvalue > 1e-3
    # With the variance of all trials in place of the first ones', the level would not be kept.


def test_detectable_errors_are_detected() -> None:
    rng = np.random.default_rng(1)
    sample = Sample(10**9, 0.0, 20, 0.0, 1.0, 19)
    reach = judge(estimate([sample], 1.0), 0.01, 9.0).detectable
    found = 0
    for _ in range(3000):
        trials = reach + rng.standard_normal(20)
        drawn = sample._replace(mean=float(trials.mean()), variance=float(trials.var(ddof=1)))
        found += judge(estimate([drawn], 1.0), 0.01, 9.0).verdict == "inconsistent"
    assert found / 3000 == pytest.approx(0.95, abs=0.03)


def test_detectable_errors_are_detected_whatever_the_size_does() -> None:
    """The size may move the mean by its allowance, towards a wrong prediction."""
    rng = np.random.default_rng(2)
    sample = Sample(100, 0.0, 20, 0.0, 1e-4, 19)
    known = estimate([sample], 1.0)
    assert known.allowance == pytest.approx(0.02)
    error = judge(known, 0.01, 1.0).detectable
    means = error - known.allowance + known.standard_error * rng.standard_normal(2000)
    found = [judge(known._replace(difference=mean), 0.01, 1.0).verdict for mean in means]
    assert found.count("inconsistent") / 2000 == pytest.approx(0.95, abs=0.03)


def test_extrapolation_is_exact_on_a_line() -> None:
    sizes = np.array([256, 512, 1024])
    samples = [Sample(64, 1 / p, 10, 0.3 + 7 / p, 0.0, 9) for p in sizes]
    assert estimate(samples, 1.0).difference == pytest.approx(0.3, rel=1e-12)
    assert line_weights([0.1]).tolist() == [1]
    np.testing.assert_allclose(line_weights([4, 2, 1]), [-0.5, 0.5, 1])
    assert [estimate(samples, risk).scale for risk in (1.0, -1.0)] == [1.0, 1.0]
    assert estimate(samples, 0.1).scale == pytest.approx(0.4)  # which is far too small
    assert estimate(samples, 5.0).allowance == pytest.approx((2 / 64) ** 2 * 5)
    assert estimate(samples[:1], -5.0).allowance == pytest.approx(2 / 64 * 5)
    shifted = [s._replace(shift=0.1 + 5 * s.inverse_size) for s in samples]
    assert estimate(shifted, 5.0).allowance == pytest.approx((2 / 64) ** 2 * 5 + 2 * 0.1)


def test_critical_values_are_students() -> None:
    assert critical_value(0.05, 7) == pytest.approx(stats.t.isf(0.025, 7))
    assert critical_value(0.05, math.inf) == pytest.approx(stats.norm.isf(0.025))


def test_within_the_allowance_nothing_is_held_against_a_prediction() -> None:
    known = Estimate(0.02, standard_error=1e-5, freedom=50, scale=1.0, allowance=0.02)
    assert judge(known, 0.01, 0.05).verdict == "consistent"
    assert judge(known._replace(difference=0.021), 0.01, 0.05).verdict == "inconsistent"
    assert judge(known, 0.01, 0.01).verdict == "too weak"


def test_what_the_size_does_is_relative_to_the_risk_that_is_simulated() -> None:
    """Features drawn from a law with a heavy tail may have far more risk than the law."""
    sample = Sample(100, 1e-3, 16, mean=0.0, variance=1.0, freedom=15)
    assert estimate([sample], 1.0).allowance == pytest.approx(0.02)
    assert estimate([sample._replace(realised=30.0)], 1.0).allowance == pytest.approx(0.6)


@pytest.mark.parametrize("kappa", [0.3, 0.8, 1.25, 3.0])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_the_allowance_covers_what_the_size_does(kappa: float, ridge: float) -> None:
    """At small sizes, with the means known well."""
    rules = ["magnitude", "covariance", "oracle", "random"]
    found = verify(POPULATION, kappa, 0.7, 0.4, ridge, rules, p=120, target_se=5e-3, workers=1)
    shift = abs(found.mean - found.risk) / found.risk
    (sample,) = found.samples[0]
    assert np.all(shift < 2 / sample.least)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"p": 0}, "p = 0: must be a whole number from 1"),
        ({"p": 2}, "p = 2: must be at least 4 to realise"),
        ({"p": 2.5}, "p = 2.5: must be a whole number"),
        ({"trials": 1}, "trials = 1: must be a whole number from 2"),
        ({"target_se": 0}, "target_se = 0: must be a finite number > 0"),
        ({"time_limit": -1}, "time_limit = -1: must"),
        ({"seed": -1}, "seed = -1: must"),
        ({"workers": 0}, "workers = 0: must"),
        ({"sampler": "densee"}, "sampler = 'densee': did you mean 'dense'?"),
        ({"sampler": "exact"}, "sampler = 'exact': it is the law of least squares"),
        ({"sampler": "implicit", "design": "uniform"}, "design = 'uniform': must be gaussian"),
        ({"design": "gauss"}, "design = 'gauss': did you mean 'gaussian'?"),
        ({"noise": "student-t=1"}, "noise = 'student-t=1'"),
        ({"level": 1}, "level = 1: must be a number in [1e-12, 1)"),
        ({"p": 10**7, "sampler": "dense"}, "the sampler implicit needs"),
        ({"p": 10**20}, "p = 100000000000000000000: must be a whole number from 1 to 1,000,"),
        ({"trials": 10**9}, "trials = 1000000000: must be a whole number from 2 to 1,000,000"),
        ({"resolution": 1.5}, "resolution = 1.5: must be a number in (0, 1]"),
        ({"level": None}, "level = None: must be a number in [1e-12, 1)"),
        ({"level": 1e-300}, "level = 1e-300: must be a number in [1e-12, 1)"),
        ({"executor": 3}, "executor = 3: must be a concurrent.futures.Executor"),
        ({"scheduler": 3}, "scheduler = 3: must be the address"),
        ({"store": "a\0b"}, "must be the path of a file"),
        ({"design": "sparse=1e-300"}, "must have a share in [0.001, 1]"),
        ({"predict": lambda *_: [1, 2]}, "predict = [1, 2]: must return one risk"),
        ({"predict": lambda *_: "much"}, "predict = 'much': must return one risk"),
        (
            {"predict": lambda *_: np.timedelta64(1, "ns")},
            "predict = 1 nanoseconds: must return one risk",
        ),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        run(**settings)
    assert message in str(error.value)
