"""Second fits, to the same simulated data, of the weights kept; and verdicts on their risk."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from asymptotics import (
    InvalidInput,
    Population,
    RetrainedRisk,
    RetrainedVerification,
    Verification,
    risk,
    verify,
)
from asymptotics.arithmetic import Array
from asymptotics.simulation import (
    Dense,
    Exact,
    FiniteProblem,
    Implicit,
    LinearExperiment,
    Retraining,
    Sampler,
    dense,
    realise,
    run_trial,
)
from asymptotics.simulation.choice import choose
from asymptotics.simulation.designs import GAUSSIAN
from asymptotics.simulation.retraining import RETRAINED_OUTCOME
from asymptotics.simulation.sampler import OUTCOME
from asymptotics.theory import COVARIANCE, MAGNITUDE, OPTIMAL, ORACLE, RANDOM, SHRUNK, Rule
from asymptotics.verification.controls import Trials, regression, with_errors_of_slopes
from asymptotics.verification.plan import Point, second_freedom_per_sample
from asymptotics.verification.statistics import Sample, estimate, judge, trials_needed
from tests.finite_fits import Recorded, fitted

TWO = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.5**0.5, 0.2**0.5])
DEAD = Population([0.3, 0.5, 0.2], [0, 1, 10], mean=[1, 1, 0.3], std=[0.1, 0.7, 0.4])
RETRAINED = RETRAINED_OUTCOME.index("retrained_risk")
RULES = (MAGNITUDE, COVARIANCE, ORACLE, RANDOM)


def finite(
    kappa: float,
    kept: float,
    ridge: float,
    second: Retraining | None,
    rules: tuple[Rule, ...] = (COVARIANCE,),
    p: int = 60,
) -> FiniteProblem:
    return realise(DEAD, p, kappa, 0.5, [kept], ridge, rules, retraining=second)


def test_the_outcome_begins_like_that_of_one_fit() -> None:
    assert RETRAINED_OUTCOME[: len(OUTCOME)] == OUTCOME
    problem, once = (finite(2.0, 0.3, 0.1, x, RULES) for x in (Retraining(0.2, "zero"), None))
    for sampler in (Dense(), Implicit(1e-6)):
        # One replicate: all random numbers of the first fit and its masks are the same.
        both, first = (sampler.trial(x, 1, np.random.default_rng(5)) for x in (problem, once))
        assert both.shape == (6, 4, 1)
        np.testing.assert_allclose(both[:2], first[:2], rtol=1e-4)


# -- second fits -------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False], ids=["one Gram matrix", "one for each"])
@pytest.mark.parametrize("kappa", [0.6, 2.0, 5.0])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("second", [(0.0, "zero"), (0.2, "zero"), (0.0, "pruned"), (0.2, "pruned")])
def test_dense_second_fits_are_those_of_the_definition(
    kappa: float,
    ridge: float,
    second: tuple[float, str],
    whole: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under- and over-parameterised; the mask is that of the weights that were drawn."""
    monkeypatch.setattr(dense, "_gram_of_all", lambda problem, _: whole and problem.retraining)
    for kept in (0.1, 0.4, 0.7):
        problem, recorded = finite(kappa, kept, ridge, Retraining(*second)), Recorded()
        spy: Any = recorded
        draw = Dense(spy, spy).draw(problem, 2, np.random.default_rng(0))
        found = Dense(spy, spy).trial(problem, 2, np.random.default_rng(0))[:, 0, 0]
        eigenvalue = problem.expand(problem.eigenvalue)
        alive = eigenvalue > 0
        x = recorded.seen[0] * np.sqrt(eigenvalue[alive])
        y = draw.coefficient[:, alive] @ x.T + 0.5 * 60**0.5 * recorded.seen[1]
        errors = []
        for b, first, target in zip(draw.coefficient, draw.trained, y, strict=True):
            top = np.argsort(-(eigenvalue**0.5) * abs(first))[: problem.kept[0]]
            mask = np.zeros(60, dtype=bool)
            mask[top] = True
            chosen, weights = mask & alive, np.zeros(60)
            start = first[alive] * (second[1] == "pruned")
            weights[alive] = fitted(x, target, mask[alive], second[0], start)
            errors.append(0.25 + np.mean(eigenvalue * (weights - b) ** 2))
        size = np.count_nonzero(chosen)
        if second[0] == 0 and abs(size - problem.n) <= 3:
            assert np.isnan(found[RETRAINED])
        else:
            assert found[RETRAINED] == pytest.approx(np.mean(errors), rel=1e-9)
        unpruned = 0.25 + np.mean(eigenvalue * (draw.trained - draw.coefficient) ** 2)
        assert found[RETRAINED_OUTCOME.index("unpruned_risk")] == pytest.approx(unpruned)


def test_a_second_fit_of_repeated_features_has_minimum_norm() -> None:
    """Random signs repeat: the Gram matrix of the features kept is singular."""
    signs = np.random.default_rng(0).integers(0, 2, (12, 6)) * 2.0 - 1
    x, y = np.concatenate([signs, signs[:, :2]], axis=1), np.arange(12.0)[None]
    for gram in (np.triu(x.T @ x), None):
        data = dense._Explicit(x, np.ones(8), np.ones(8), y, gram)
        fitted = data.fit(0, np.arange(8), 0.0, np.zeros(8)).last
        np.testing.assert_allclose(fitted, np.linalg.pinv(x) @ y[0], atol=1e-10)


@pytest.mark.parametrize(("kappa", "kept"), [(0.6, 0.4), (2.0, 0.2), (4.0, 0.6)])
@pytest.mark.parametrize("second", [(0.0, "pruned"), (0.2, "zero"), (0.2, "pruned")])
def test_implicit_second_fits_are_stationary(
    kappa: float, kept: float, second: tuple[float, str]
) -> None:
    """``Xᵀ(y - X b) = n ridge (b - start)`` on the kept features, for the revealed design."""
    problem = finite(kappa, kept, 0.1, Retraining(*second))
    draw = Implicit(1e-9).draw(problem, 2, np.random.default_rng(1))
    (design, _), n = draw.data._designs, problem.n  # type: ignore[union-attr]
    first = draw.trained[0, problem.alive_features]
    columns = np.sort(np.argsort(-abs(first))[: problem.kept[0]])
    start = first[columns] * (second[1] == "pruned")
    weights = draw.data.fit(0, columns, second[0], start).last  # type: ignore[union-attr]
    root = np.sqrt(problem.expand(problem.eigenvalue)[problem.alive_features])
    inside = np.zeros_like(root)
    inside[columns] = weights
    missed = design._y - design._z.matvec(root * inside)
    slope = (root * design._z.rmatvec(missed))[columns]
    scale = np.linalg.norm(root * design._z.rmatvec(design._y))
    np.testing.assert_allclose(slope, n * second[0] * (weights - start), atol=float(1e-7 * scale))
    if columns.size > n and not second[0]:  # of minimum norm: in the row space of X
        rows = np.array([design._z.rmatvec(row)[columns] for row in np.eye(n)]) * root[columns]
        outside = weights - np.linalg.pinv(rows) @ (rows @ weights)
        assert np.linalg.norm(outside) < 1e-7 * np.linalg.norm(weights)


@pytest.mark.parametrize(("kappa", "kept"), [(0.8, 0.5), (3.0, 0.7)])
def test_samplers_agree_in_distribution(kappa: float, kept: float) -> None:
    problem = finite(kappa, kept, 0.1, Retraining(0.1, "pruned"), RULES, p=40)

    def drawn(sampler: Sampler) -> Array:
        experiment = LinearExperiment(problem, sampler, 1)
        return np.array([run_trial(experiment, 0, i)[RETRAINED, :, 0] for i in range(200)])

    for one, two in zip(drawn(Dense()).T, drawn(Implicit(1e-6)).T, strict=True):
        assert stats.ks_2samp(one, two).pvalue > 1e-3
        assert stats.ks_2samp(one, 1.25 * two).pvalue < 1e-3


def test_a_sampler_without_data_trains_nothing_again() -> None:
    problem = finite(0.5, 0.3, 0.0, Retraining(0.0, "zero"))
    assert "take dense or implicit" in str(Exact().refusal(problem))
    assert choose(problem, 1, GAUSSIAN, GAUSSIAN, 1e-3).name != "exact"
    with pytest.raises(NotImplementedError):
        Exact().trial(problem, 1, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="sampler = 'exact': it draws no data"):
        retrained(0.5, 0.3, sampler="exact")


def prediction(*problem: Any, **second: Any) -> RetrainedRisk:
    found = risk(TWO, *problem, retrain=True, **second)
    assert isinstance(found, RetrainedRisk)
    return found


# -- verdicts ----------------------------------------------------------------------------------


def retrained(*problem: Any, **settings: Any) -> RetrainedVerification:
    settings = {"rule": "covariance", "workers": 1, "retrain": True, **settings}
    found = verify(TWO, problem[0], 0.5, *problem[1:], **settings)
    assert isinstance(found, RetrainedVerification)
    return found


def independent(
    population: Population,
    kappa: float,
    sigma: float,
    alpha: float,
    ridge: float,
    rule: Rule,
    **_: Any,
) -> float:
    """As if the mask had not seen the data: right for masks that have not."""
    once = risk(population, kappa, sigma, alpha, ridge, rule)
    return float(sigma**2 + once.dropped_signal) / (1 - kappa * alpha)


def exchanged(*problem: Any, retrain_towards: str, **second: Any) -> Any:
    other = {"zero": "pruned", "pruned": "zero"}[retrain_towards]
    return risk(*problem, **second, retrain_towards=other)


@pytest.mark.parametrize("sampler", ["dense", "implicit"])
def test_the_formula_of_an_independent_support_is_inconsistent(
    sampler: str, tmp_path: Path
) -> None:
    rules = ["magnitude", "random"]
    settings: dict[str, Any] = {"rule": rules, "p": 300, "trials": 8, "sampler": sampler}
    settings |= {"store": tmp_path / "runs.db", "resolution": 0.4}  # the same trials for both
    right = retrained(2.0, 0.35, **settings)
    assert np.all(right.verdict == "consistent")
    assert np.all(right.sampler == sampler)
    wrong = retrained(2.0, 0.35, predict=independent, **settings)
    assert wrong.verdict.tolist() == ["inconsistent", "consistent"]
    np.testing.assert_allclose(wrong.mean, right.mean, rtol=1e-12)
    assert wrong.risk == pytest.approx(right.risk)


@pytest.mark.parametrize("towards", ["zero", "pruned"])
def test_a_ridge_towards_elsewhere_is_inconsistent(towards: str) -> None:
    second: dict[str, Any] = {"retrain_ridge": 0.5, "retrain_towards": towards}
    settings: dict[str, Any] = {"p": 400, "trials": 16, "resolution": 0.1, **second}
    found = [retrained(2.0, 0.3, 0.3, **settings, predict=f) for f in (risk, exchanged)]
    assert [each.verdict for each in found] == ["consistent", "inconsistent"]
    expected = prediction(2.0, 0.5, 0.3, 0.3, "covariance", **second)
    assert found[0].retrained_risk == pytest.approx(expected.retrained_risk)


def test_without_p_it_is_extrapolated() -> None:
    found = retrained(1.5, 0.3, trials=8, resolution=0.1)
    assert found.verdict == "consistent"
    assert len(found.samples.item()) == 3
    assert found.gain > 1.5


def test_a_row_holds_both_risks() -> None:
    ridges, ways = [[0.1], [0.4]], np.array(["zero", "pruned"], dtype=object)
    found = retrained(2.0, 0.3, retrain_ridge=ridges, retrain_towards=ways, p=100, trials=8)
    assert found.shape == (2, 2)
    row = list(found.rows())[1]
    assert (row["retrain_ridge"], row["retrain_towards"]) == (0.1, "pruned")
    assert list(row) == list(found.columns)
    problem = (2.0, 0.5, 0.3, 0, "covariance")
    expected = prediction(*problem, retrain_ridge=0.1, retrain_towards="pruned")
    assert row["risk"] == pytest.approx(expected.risk.item())
    assert row["retrained_risk"] == pytest.approx(expected.retrained_risk.item())
    assert row["mean"] == pytest.approx(row["retrained_risk"], rel=0.2)
    assert "retrained_risk" in found.table()
    assert type(verify(TWO, 2, 0.5, 0.3, p=100, trials=8, workers=1)) is Verification


def test_right_predictions_of_small_problems_are_no_false_alarm() -> None:
    rules = ["magnitude", "oracle", "random"]
    for kappa, alpha, ridge, second in ((0.8, 0.3, 0.2, 0.0), (3.0, 0.5, 0.0, 0.05)):
        found = verify(
            DEAD, kappa, 0.5, alpha, ridge, rules, workers=1, p=120, trials=24,
            retrain=True, retrain_ridge=second,
        )  # fmt: skip
        assert "inconsistent" not in found.verdict


EDGES: dict[str, tuple[tuple[Any, ...], str, str]] = {
    "first fit": (([0.5, 1.0], 0.4), "dense", r"\|n - p_\+\|"),
    "nearly": (([0.5, 1.0], 0.4, 1e-12), "dense", "degrees of freedom are left to the noise"),
    "second fit": ((2.0, [0.2, 0.5]), "dense", "are left by the second fit: infinite variance"),
    "without a design": ((2.0, [0.2, 0.5]), "implicit", "are left by the second fit"),
    "nearly as many": ((2.0, [0.2, 0.502]), "dense", "are left by the second fit"),
}


@pytest.mark.parametrize(("problem", "sampler", "reason"), EDGES.values(), ids=EDGES)
def test_where_variance_is_infinite_there_is_no_verdict(
    problem: tuple[Any, ...], sampler: str, reason: str
) -> None:
    """The other row has one: it is not spoilt."""
    found = retrained(*problem, p=400, trials=8, resolution=1, sampler=sampler)
    assert found.verdict.tolist() == ["consistent", "no verdict"]
    assert re.search(reason, found.reason[1])
    assert np.isnan(found.mean[1])


def test_no_row_that_can_be_tested_is_bad_input() -> None:
    with pytest.raises(InvalidInput, match="no risk can be tested: 0 <= 3 degrees of freedom"):
        retrained(2.0, 0.5, p=200)
    with pytest.raises(InvalidInput, match="the prediction is not a finite number"):
        retrained(2.0, 0.4, p=200, predict=lambda *_, **__: np.inf)


def test_a_ridge_makes_the_edge_of_the_second_fit_testable() -> None:
    found = retrained(2.0, 0.5, 0.1, retrain_ridge=0.3, p=300, trials=12, resolution=0.2)
    assert found.verdict == "consistent"


def test_alpha_of_none_or_all_is_known() -> None:
    """Of no weight the null risk is left; of all, the fit with the second ridge."""
    found = retrained(2.0, [0.0, 1.0], 0.4, retrain_ridge=0.2, p=200, trials=12, resolution=0.2)
    assert found.verdict.tolist() == ["consistent", "consistent"]
    assert found.retrained_risk[1] == pytest.approx(
        risk(TWO, 2.0, 0.5, 1.0, 0.2, "covariance").risk.item()
    )


@pytest.mark.parametrize("laws", [{"design": "rademacher"}, {"noise": "student-t=6"}], ids=str)
def test_the_laws_of_design_and_noise_do_not_matter(laws: dict[str, str]) -> None:
    found = retrained(0.7, 0.4, 0.1, p=400, trials=10, resolution=0.1, **laws)
    assert found.verdict == "consistent"


def test_without_noise_only_dropped_signal_is_left() -> None:
    """The first fit is exact: its risks are rounding, and tell nothing."""
    settings: dict[str, Any] = {"p": 400, "trials": 24, "workers": 1, "resolution": 0.1}
    found = verify(TWO, 0.5, 0.0, 0.3, rule="covariance", retrain=True, **settings)
    assert found.verdict == "consistent"
    assert found.gain > 3


def test_nothing_to_learn_is_learnt_again() -> None:
    silent = Population(eigenvalue=0.0, std=1)
    for sampler in ("dense", "implicit"):
        found = verify(
            silent, 2.0, 0.5, 0.3, 0.1, p=100, trials=8, sampler=sampler, workers=1, retrain=True
        )
        assert found.mean == 0.25


def test_features_of_a_law_are_trained_again() -> None:
    law = Population.power_law(0.6, 0.3)
    settings: dict[str, Any] = {"retrain": True, "retrain_ridge": 1e-3, "workers": 1, "trials": 8}
    found: Any = verify(law, 2.0, 0.3, 0.3, 1e-3, "covariance", p=300, **settings)
    assert found.verdict != "inconsistent"
    assert found.mean == pytest.approx(found.retrained_risk, rel=0.2)


def test_trials_are_stored_under_the_second_fit(tmp_path: Path) -> None:
    problems = [finite(2.0, 0.3, 0.1, x) for x in (None, Retraining(0.1, "zero"))]
    problems += [
        finite(2.0, 0.3, 0.1, Retraining(r, w)) for r, w in ((0.2, "zero"), (0.1, "pruned"))
    ]
    experiments = [LinearExperiment(problem, Dense(), 1) for problem in problems]
    assert len({each.key for each in experiments}) == 4
    assert "retraining" not in experiments[0].description  # stores of before stay valid
    settings: dict[str, Any] = {"p": 100, "trials": 8, "store": tmp_path / "runs.db"}
    one, other = (retrained(2.0, 0.3, retrain_ridge=r, **settings) for r in (0.1, 0.2))
    assert one.mean != other.mean
    again = retrained(2.0, 0.3, retrain_ridge=0.1, **settings)
    assert again.mean == one.mean


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retrain": False, "retrain_ridge": 0.1}, "must be left out without retrain = True"),
        ({"retrain": 1}, "retrain = 1: must be True or False"),
        ({"retrain_ridge": -1}, "retrain_ridge = -1: must be"),
        ({"retrain_towards": "prund"}, "did you mean 'pruned'"),
        ({"predict": lambda *_, **__: [1, 2]}, "predict = [1, 2]: must return one risk"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        retrained(2.0, 0.3, p=100, trials=8, **settings)
    assert message in str(error.value)


# -- control variates with estimated slopes ----------------------------------------------------


def normal_trials(rng: np.random.Generator, number: int, offset: float = 0.0) -> Trials:
    """Trials whose risk follows its three controls with slopes 1, -2 and 0."""
    controls = rng.standard_normal((3, number)) * [[1], [0.5], [2]] + offset
    noise = 0.3 * rng.standard_normal(number)
    return Trials(controls[0] - 2 * controls[1] + noise, controls, 0.0, known=False, weights=1)


def sampled(trials: Trials, pilot: int) -> list[Sample]:
    found = regression([trials], pilot)
    values = trials.controlled(found.slopes)
    lost = 1 + found.estimated
    variance, freedom = float(values[:pilot].var(ddof=lost)), pilot - lost
    sample = Sample(10**9, 1e-3, values.size, float(values.mean()), variance, freedom)
    return with_errors_of_slopes([sample], [trials], found)


@pytest.mark.parametrize(
    "as_if_known", [pytest.param(False, id="right"), pytest.param(True, id="slopes as if known")]
)
def test_the_level_is_kept_where_slopes_are_estimated(as_if_known: bool) -> None:
    """Also if the number of trials follows from the pilot; it is not without their errors."""
    rng, level, pilot, alarms, runs = np.random.default_rng(0), 0.05, 8, 0, 1500
    for _ in range(runs):
        trials = normal_trials(rng, 40)
        few = trials._replace(risk=trials.risk[:pilot], controls=trials.controls[:, :pilot])
        (wanted,) = trials_needed(sampled(few, pilot), [1.0], 0.1)
        number = min(max(wanted, pilot), 40)
        some = trials._replace(risk=trials.risk[:number], controls=trials.controls[:, :number])
        (sample,) = sampled(some, pilot)
        if as_if_known:
            values = some.controlled(regression([some], pilot).slopes)[:pilot]
            sample = sample._replace(variance=float(values.var(ddof=1)), freedom=pilot - 1)
        alarms += judge(estimate([sample], 1.0), level, 1.0).verdict == "inconsistent"
    assert (stats.binomtest(alarms, runs, level).pvalue > 1e-3) != as_if_known


def test_slopes_are_found_and_one_serves_all_sizes() -> None:
    rng = np.random.default_rng(1)
    sizes = [
        normal_trials(rng, 400, offset)._replace(weights=w) for offset, w in ((0.0, 1), (3.0, 4))
    ]
    found = regression(sizes)
    np.testing.assert_allclose(found.slopes, [1, -2, 0], atol=0.1)
    # As in the joint fit with a mean for each size.
    centred = [t.controls - t.controls.mean(axis=1, keepdims=True) for t in sizes]
    x = np.concatenate([centred[0], 2 * centred[1]], axis=1)
    y = np.concatenate(
        [sizes[0].risk - sizes[0].risk.mean(), 2 * (sizes[1].risk - sizes[1].risk.mean())]
    )
    np.testing.assert_allclose(found.inverse, np.linalg.inv(x @ x.T), rtol=1e-9)
    np.testing.assert_allclose(found.slopes, np.linalg.lstsq(x.T, y, rcond=None)[0], rtol=1e-9)


def test_controls_that_tell_nothing_are_left_out() -> None:
    rng = np.random.default_rng(2)
    trials = normal_trials(rng, 20)
    constant = trials.controls.copy()
    constant[1], constant[2] = 7.0, trials.controls[0]
    found = regression([trials._replace(controls=constant)])
    assert found.estimated == 1
    np.testing.assert_allclose(found.slopes[[0, 2]], found.slopes.sum() / 2)
    short = trials._replace(risk=trials.risk[:7], controls=trials.controls[:, :7])
    assert regression([short]).estimated == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing = trials._replace(risk=trials.risk * np.nan)
        assert np.all(regression([missing]).slopes == 0)


@pytest.mark.parametrize(
    "predict", [risk, pytest.param(independent, id="wrong")], ids=["right", "wrong"]
)
def test_controls_take_variance_off_and_move_no_mean(predict: Callable[..., Any]) -> None:
    """Whatever is predicted: their limits are those of the first fit."""
    settings: dict[str, Any] = {"p": 300, "predict": predict, "resolution": 1}
    plain = retrained(0.5, 0.3, trials=7, seed=1, **settings)
    controlled = retrained(0.5, 0.3, trials=40, **settings)
    assert plain.gain == pytest.approx(1)
    assert controlled.gain > 4
    assert abs(plain.mean - controlled.mean) < 4 * plain.standard_error


def test_a_random_number_of_trained_features_has_no_verdict() -> None:
    """Of features that do not vary a random number is kept, and so of the others."""
    half = Population([0.5, 0.5], [1, 0], std=[1, 1])
    rules = ["random", "magnitude"]
    found = verify(half, 3, 0.5, 0.5, retrain=True, rule=rules, p=200, trials=8)
    assert found.verdict[0] == "no verdict"
    assert "is random" in found.reason[0]
    assert "is random" not in found.reason[1]


def test_a_prediction_without_a_second_fit_says_what_is_missing() -> None:
    def once(*problem: Any, **_: Any) -> Any:
        return risk(*problem)

    with pytest.raises(InvalidInput, match="retrained_risk: pass `retrain` on"):
        verify(TWO, 0.5, 0.5, 0.3, retrain=True, p=100, trials=2, predict=once)


@pytest.mark.parametrize("sampler", [Dense(), Implicit()])
def test_the_weights_trained_again_are_those_that_were_kept(sampler: Sampler) -> None:
    """With a strong ridge towards the pruned weights both risks are equal, for random masks too."""
    problem = finite(2.0, 0.4, 0.3, Retraining(1e9, "pruned"), rules=(MAGNITUDE, RANDOM))
    outcome = sampler.trial(problem, 2, np.random.default_rng(0))
    pruned = outcome[RETRAINED_OUTCOME.index("risk")]
    np.testing.assert_allclose(outcome[RETRAINED], pruned, rtol=1e-6)


@pytest.mark.parametrize("rule", [OPTIMAL, SHRUNK, COVARIANCE])
def test_the_freedom_of_a_second_fit_is_that_of_what_the_rule_keeps(rule: Rule) -> None:
    """1 - kappa E[W²; S], with the shares of the prediction and the second ridge by bisection."""
    kappa, alpha, ridge = 1.4, 0.3, 0.2
    point = Point(kappa, 0.5, 0.1, (rule,), (alpha,), {}, Retraining(ridge, "zero"))
    kept = TWO.weight * risk(TWO, kappa, 0.5, alpha, 0.1, rule).kept_share()

    def balance(tau: float) -> float:
        return float(1 - ridge / tau - kappa * kept @ (TWO.eigenvalue / (TWO.eigenvalue + tau)))

    tau = brentq(balance, 1e-6, 1e3, xtol=1e-14)
    expected = 1 - kappa * kept @ (TWO.eigenvalue / (TWO.eigenvalue + tau)) ** 2
    found = second_freedom_per_sample(TWO, point)
    assert found.item() == pytest.approx(expected, rel=1e-10)
