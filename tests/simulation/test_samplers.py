"""Samplers draw from one law: against plain linear algebra, and against one another."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from asymptotics import InvalidInput, Population
from asymptotics.arithmetic import Array
from asymptotics.simulation import (
    Dense,
    Exact,
    FiniteProblem,
    Implicit,
    LinearExperiment,
    Sampler,
    as_law,
    implicit,
    pruned_errors,
    realise,
    run_trial,
)
from asymptotics.simulation.control import controls
from asymptotics.simulation.pruning import largest
from asymptotics.simulation.solvers import conjugate_gradients
from asymptotics.theory import COVARIANCE, MAGNITUDE, ORACLE, RANDOM

POPULATION = Population(weight=[1, 3, 1], eigenvalue=[5, 1, 0], mean=[0.5, 0, 1], std=[0.5, 1, 1])
RULES = (MAGNITUDE, COVARIANCE, ORACLE, RANDOM)
REGIMES = {
    "least squares": (0.6, 0.0),
    "minimum norm": (2.5, 0.0),
    "ridge, n > p": (0.6, 0.3),
    "ridge, n < p": (2.5, 0.3),
}


def finite(kappa: float, ridge: float, p: int = 60, population: Population = POPULATION):
    return realise(population, p, kappa, 0.7, [0.3], ridge, RULES)


def errors(sampler: Sampler, problem: FiniteProblem, draws: int) -> Array:
    """Test errors of independent draws, of shape (draws, rules)."""
    experiment = LinearExperiment(problem, sampler, 1)
    return np.array([run_trial(experiment, 0, index)[0, :, 0] for index in range(draws)])


def test_sizes_are_rounded_and_add_up() -> None:
    problem = finite(2.5, 0.0, p=61)
    assert problem.sizes == (12, 37, 12)
    assert problem.eigenvalue == (0, 1, 5)
    assert (problem.p, problem.alive, problem.n, problem.kept) == (61, 49, 24, (18,))
    assert problem.kappa == pytest.approx(61 / 24)
    many = Population.power_law(0.5, 0.2)
    problem = realise(many, 1000, 2, 0.5, [0.5], 0.0, RULES)
    assert problem.p == 1000
    assert problem.population.signal == pytest.approx(many.signal, rel=0.1)


@pytest.mark.parametrize(("p", "alpha", "least"), [(4, 0.3, 5), (30, 0.01, 100), (30, 0.99, 100)])
def test_too_few_features_are_refused(p: int, alpha: float, least: int) -> None:
    with pytest.raises(InvalidInput, match=f"at least {least} "):
        realise(POPULATION, p, 2.0, 0.5, [alpha], 0.0, RULES)
    assert realise(POPULATION, least, 2.0, 0.5, [alpha], 0.0, RULES).p == least


def test_where_the_variance_is_infinite_is_known() -> None:
    assert finite(1.25, 0.0).divergence
    assert finite(1.25, 0.1).divergence is None
    assert finite(2.5, 0.0).divergence is None


@pytest.mark.parametrize(("kappa", "ridge"), REGIMES.values(), ids=REGIMES)
def test_dense_solves_its_problem(kappa: float, ridge: float) -> None:
    """The trained weights minimise the training objective of the design that was drawn."""
    problem = finite(kappa, ridge)
    seen = []

    class Spy:
        def draw(self, rng, shape):
            seen.append(rng.standard_normal(shape))
            return seen[-1].copy()

    spy: Any = Spy()
    draw = Dense(spy, spy).draw(problem, 3, np.random.default_rng(0))
    eigenvalue = problem.expand(problem.eigenvalue)
    alive = eigenvalue > 0
    x, noise = seen[0] * np.sqrt(eigenvalue[alive]), problem.sigma * seen[1]
    assert np.all(draw.trained[:, ~alive] == 0)
    for b, fitted, z in zip(draw.coefficient[:, alive], draw.trained[:, alive], noise, strict=True):
        y = x @ b + np.sqrt(problem.p) * z
        tall = np.vstack([x, np.sqrt(problem.n * ridge) * np.eye(x.shape[1])])
        target = np.concatenate([y, np.zeros(x.shape[1])])
        best = np.linalg.lstsq(tall, target, rcond=None)[0]
        np.testing.assert_allclose(fitted, best, rtol=1e-9, atol=1e-9)


def exactly(a: Array, b: Array) -> list[Fraction]:
    """The solution of a small system in rational arithmetic."""
    rows = [[Fraction(x) for x in (*row, y)] for row, y in zip(a.tolist(), b.tolist(), strict=True)]
    size = len(rows)
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(size):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] / row[k] for k, row in enumerate(rows)]


def test_an_ill_conditioned_gram_matrix_costs_no_digits() -> None:
    """Few features of large variance, more samples than those: XXᵀ is all but singular."""
    from asymptotics.simulation.dense import _dual

    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 12)) * np.repeat([1e7, 1e-1], [4, 8])
    y = rng.standard_normal((1, 6))
    exact = [[Fraction(entry) for entry in row] for row in x.tolist()]
    gram = np.array([[sum(a * b for a, b in zip(p, q, strict=True)) for q in exact] for p in exact])
    dual = exactly(gram, y[0])
    best = [float(sum(a * row[k] for a, row in zip(dual, exact, strict=True))) for k in range(12)]
    np.testing.assert_allclose(_dual(x.copy(), y, 0.0)[0], best, rtol=1e-8)
    naive = np.linalg.solve(x @ x.T, y[0]) @ x
    assert not np.allclose(naive, best, rtol=1e-4)


@pytest.mark.parametrize("kappa", [0.6, 2.5])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_a_singular_design_has_its_minimum_norm_solution(kappa: float, ridge: float) -> None:
    """Random signs repeat, and sparse entries leave columns empty."""
    problem = finite(kappa, ridge, p=20)
    seen = []

    class Repeating:
        def draw(self, rng, shape):
            values = rng.integers(0, 2, shape) * 2.0 - 1
            if shape[0] == problem.n:
                values[1], values[:, 5], values[:, 4] = values[0], values[:, 4], 0
            seen.append(values)
            return values.copy()

    spy: Any = Repeating()
    draw = Dense(spy, spy).draw(problem, 2, np.random.default_rng(0))
    root = np.sqrt(problem.expand(problem.eigenvalue)[problem.alive_features])
    x = seen[0] * root
    y = draw.coefficient[:, problem.alive_features] @ x.T + problem.sigma * 20**0.5 * seen[1]
    inverse = np.linalg.pinv(x.T @ x + problem.n * ridge * np.eye(root.size), rtol=1e-12)
    np.testing.assert_allclose(draw.trained[:, problem.alive_features], y @ x @ inverse, atol=1e-9)


@pytest.mark.parametrize(("kappa", "ridge"), REGIMES.values(), ids=REGIMES)
def test_samplers_agree_in_distribution(kappa: float, ridge: float) -> None:
    problem = finite(kappa, ridge, p=40)
    draws = 1500
    dense = errors(Dense(), problem, draws)
    others: list[Sampler] = [Implicit(1e-6)]
    if Exact().refusal(problem) is None:
        others.append(Exact())
    for other in others:
        drawn = errors(other, problem, draws)
        for column, rule in enumerate(RULES):
            test = stats.ks_2samp(dense[:, column], drawn[:, column])
            assert test.pvalue > 1e-3, (str(other), str(rule))


def test_a_sampler_of_another_law_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two-sample test sees a matrix that forgets what it revealed."""
    from asymptotics.simulation import implicit
    from tests.simulation.test_gaussian_matrix import Forgetful

    problem = finite(2.5, 0.3, p=40)
    dense = errors(Dense(), problem, 400)

    monkeypatch.setattr(implicit, "GaussianMatrix", Forgetful)
    monkeypatch.setattr(implicit, "_MOST_STEPS", 30)
    experiment, drawn = LinearExperiment(problem, Implicit(1e-2), 1), []
    with np.errstate(all="ignore"):
        for index in range(400):
            try:
                drawn.append(run_trial(experiment, 0, index)[0, :, 0])
            except ArithmeticError:  # it need not converge
                drawn.append(np.full(len(RULES), np.inf))
    assert stats.ks_2samp(dense[:, 0], np.array(drawn)[:, 0]).pvalue < 1e-6


def test_the_solver_stops_where_it_no_longer_matters() -> None:
    problem = finite(2.5, 0.0, p=2000)
    coarse = run_trial(LinearExperiment(problem, Implicit(1e-3), 1), 0, 0)
    truncation = abs(coarse[2, :3, 0])
    assert 0 < truncation.max() < 0.02
    assert np.all(coarse[2, 3] < 0.02)


@pytest.mark.parametrize("name", ["gaussian", "rademacher", "uniform", "student-t=6", "sparse=0.2"])
def test_designs_are_standardised(name: str) -> None:
    draws = as_law(name).draw(np.random.default_rng(0), (400_000,))
    assert str(as_law(name)) == name
    assert abs(draws.mean()) < 0.01
    assert abs(draws.var() - 1) < 0.02
    fourth = {"gaussian": 3, "rademacher": 1, "uniform": 1.8, "student-t=6": 6, "sparse=0.2": 15}
    assert as_law(name).kurtosis == pytest.approx(fourth[name])
    assert np.mean(draws**4) == pytest.approx(fourth[name], rel=0.2)


@pytest.mark.parametrize(
    "name",
    [
        "cauchy",
        "student-t=4",
        "student-t",
        "sparse=0",
        "sparse=x",
        3,
        "student-t=1_0",
        "student-t=\u0665",
        "sparse= 0.5",
    ],
)
def test_bad_designs(name: str) -> None:
    with pytest.raises(InvalidInput, match="design ="):
        as_law(name)


@pytest.mark.parametrize("size", [1, 7, 1000, 200_000])
def test_selection(size: int) -> None:
    rng = np.random.default_rng(size)
    for score in (rng.standard_normal(size), np.round(rng.standard_normal(size)), np.ones(size)):
        for k in {1, max(1, size // 3), size}:
            mask = largest(score[None], k, rng)[0]
            assert mask.sum() == k
            assert score[mask].min() >= score[~mask].max(initial=-np.inf)


def test_ties_fall_at_random() -> None:
    rng = np.random.default_rng(0)
    score = np.array([[3.0, 1, 1, 1, 0]] * 3000)
    shares = largest(score, 2, rng).mean(axis=0)
    assert shares[0] == 1
    assert shares[4] == 0
    np.testing.assert_allclose(shares[1:4], 1 / 3, atol=0.04)


def test_the_error_is_that_of_its_definition() -> None:
    problem = finite(2.5, 0.0)
    draw = Dense().draw(problem, 2, np.random.default_rng(0))
    computed = pruned_errors(problem, *draw[:2], np.random.default_rng(1))
    eigenvalue = problem.expand(problem.eigenvalue)
    b, x = draw.coefficient[1], draw.trained[1]
    order = np.argsort(-(eigenvalue**0.5) * abs(x))
    kept = np.zeros(problem.p)
    kept[order[: problem.kept[0]]] = 1
    direct = problem.sigma**2 + np.mean(eigenvalue * (b - x * kept) ** 2)
    assert computed[1, 1, 0] == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize(("kappa", "ridge"), REGIMES.values(), ids=REGIMES)
def test_controls_have_mean_zero_and_take_variance_off(kappa: float, ridge: float) -> None:
    problem = finite(kappa, ridge, p=400)
    draws = problem.coefficients(np.random.default_rng(0), 4000)
    control = controls(problem, draws)
    z = control.mean(axis=0) / (control.std(axis=0) / np.sqrt(len(draws)))
    assert abs(z).max() < 4
    experiment = LinearExperiment(problem, Dense(), 1)
    outcomes = np.array([run_trial(experiment, 0, index) for index in range(300)])
    gain = outcomes[:, 0].var(axis=0) / (outcomes[:, 0] - outcomes[:, 1]).var(axis=0)
    assert gain.min() > 0.95
    assert gain.max() > 1.3


def test_a_name_tells_a_sampler_from_every_other() -> None:
    close = [as_law("student-t=4.5000001"), as_law("student-t=4.5000004")]
    assert len({str(Dense(law)) for law in close}) == 2
    assert [as_law(str(law)) for law in close] == close
    assert str(Implicit(1.0000001e-4)) != str(Implicit(1e-4))


def test_each_trial_has_a_stream_of_its_own() -> None:
    problem = finite(2.5, 0.0)
    other = realise(POPULATION, 60, 2.5, 0.71, [0.3], 0.0, RULES)
    streams = [
        LinearExperiment(which, Dense(), 1).stream(seed, index)
        for which in (problem, other)
        for seed in (0, 1)
        for index in (0, 1)
    ]
    assert len({stream.integers(1 << 60) for stream in streams}) == 8
    again = LinearExperiment(finite(2.5, 0.0), Dense(), 1).stream(0, 0)
    assert again.integers(1 << 60) == LinearExperiment(problem, Dense(), 1).stream(0, 0).integers(
        1 << 60
    )


SPECTRA = {  # with eigenvalues that are few, or that few features have, in the Gram matrix
    "few large": (Population([1e-3, 0.999], [1e4, 1], std=1), 2.0),
    "few small": (Population([1e-3, 0.999], [1, 1e4], std=1), 2.0),
    "many, some tiny": (Population(1, np.geomspace(1e-6, 1, 50) ** 0.5, std=1), 2.0),
    "one, fewer features": (Population(std=1), 0.5),
    "one, more features": (Population(std=1), 1.5),
}


@pytest.mark.parametrize(("population", "kappa"), SPECTRA.values(), ids=SPECTRA)
def test_steps_are_known_beforehand(
    population: Population, kappa: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly enough to choose a sampler, and to say what time it takes."""
    problem = realise(population, 2000, kappa, 0.5, [0.3], 0.0, [MAGNITUDE])
    taken: list[int] = []

    def counted(*system: Any) -> Any:
        for step, found in enumerate(conjugate_gradients(*system)):
            taken.append(step)
            yield found

    monkeypatch.setattr(implicit, "conjugate_gradients", counted)
    Implicit(1e-3).draw(problem, 1, np.random.default_rng(0))
    assert taken[-1] / 2 < implicit._steps(problem, 1e-3) < 5 * taken[-1]
