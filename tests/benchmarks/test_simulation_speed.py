"""Speed of simulated trials beside what they stand on.  Run with ``make benchmark``."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import blas, lapack

from asymptotics import Population, risk, verify
from asymptotics.simulation import (
    Dense,
    Exact,
    FiniteProblem,
    Implicit,
    LinearExperiment,
    Sampler,
    realise,
)
from asymptotics.spec import read_spec
from asymptotics.theory import MAGNITUDE
from asymptotics.trials.experiment import run_trial
from tests.benchmarks.test_speed import Row, medians, report

pytestmark = pytest.mark.benchmark

SIGMA, ALPHA = 0.5, 0.3
TWO = Population(weight=[1, 1], eigenvalue=[10, 1], std=1)


def finite(population: Population, p: int, kappa: float) -> FiniteProblem:
    return realise(population, p, kappa, SIGMA, [ALPHA], 0.0, [MAGNITUDE])


def drawing(sampler: Sampler, problem: FiniteProblem) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    return lambda: sampler.draw(problem, 1, rng)


def accuracy(sampler: Sampler, problem: FiniteProblem, trials: int) -> str:
    """Mean of simulated risks, less its control, relative to the theory."""
    experiment = LinearExperiment(problem, sampler, 1)
    outcomes = np.array([run_trial(experiment, 1, index)[:, 0, 0] for index in range(trials)])
    values = outcomes[:, 0] - outcomes[:, 1]
    exact = float(risk(problem.population, problem.kappa, SIGMA, ALPHA).risk)
    error = values.std(ddof=1) / trials**0.5
    truncation = abs(outcomes[:, 2].mean()) / exact
    return (
        f"{values.mean() / exact - 1:+.1e} ± {error / exact:.0e} ({trials} trials), "
        f"truncation {truncation:.0e}"
    )


@pytest.mark.parametrize(("n", "repeats"), [(2000, 7), (5000, 3)])
def test_implicit_beside_dense(n: int, repeats: int) -> None:
    problem = finite(TWO, 2 * n, 2.0)
    samplers: list[Sampler] = [Dense(), *(Implicit(10.0**-k) for k in (3, 4, 6))]
    dense, *implicit = medians(*(drawing(s, problem) for s in samplers), repeats=repeats)
    rows = [Row("dense: Gram matrix and Cholesky, both cores", 1e3 * dense, "1", "")]
    for sampler, seconds in zip(samplers[1:], implicit, strict=True):
        known = accuracy(sampler, problem, 20)
        rows.append(Row(str(sampler), 1e3 * seconds, f"{dense / seconds:.1f} x faster", known))
    report(f"Minimum norm, n = {n}, p = {2 * n}, one draw", rows)


_MILLION = """
import json, resource, sys, time
import numpy as np
from asymptotics import Population
from asymptotics.simulation import LinearExperiment, Implicit, realise, run_trial
from asymptotics.theory import MAGNITUDE
population = Population(weight=[1, 1], eigenvalue=[10, 1], std=1)
problem = realise(population, 10**6, 2.0, 0.5, [0.3], 0.0, [MAGNITUDE])
experiment, seconds = LinearExperiment(problem, Implicit(float(sys.argv[1])), 1), []
for index in range(3):
    start = time.perf_counter()
    outcome = run_trial(experiment, 0, index)[:, 0, 0]
    seconds.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([float(np.median(seconds)), peak, *outcome.tolist()]))
"""


def test_a_million_weights() -> None:
    exact = float(risk(TWO, 2.0, SIGMA, ALPHA).risk)
    rows = []
    for tolerance in ("1e-3", "1e-4"):
        command = [sys.executable, "-c", _MILLION, tolerance]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, peak, outcome, control, truncation = json.loads(done.stdout)
        error = f"{(outcome - control) / exact - 1:+.1e}, truncation {truncation / exact:.0e}"
        rows.append(Row(f"residual {tolerance}", 1e3 * seconds, f"peak {peak:.2f} GiB", error))
    report("Minimum norm, n = 500 000, p = 1 000 000, one trial on one core", rows)


@pytest.mark.parametrize(("n", "p"), [(1500, 3000), (4000, 2000)])
def test_dense_beside_its_parts(n: int, p: int) -> None:
    problem = finite(TWO, p, p / n)
    rng = np.random.default_rng(0)

    def parts() -> None:
        x = rng.standard_normal((n, p))
        gram = blas.dsyrk(1.0, x.T, trans=int(n < p))
        gram[np.diag_indices_from(gram)] += 1
        lapack.dpotrf(gram, overwrite_a=True, clean=False)

    least, whole = medians(parts, drawing(Dense(), problem), repeats=9)
    known = accuracy(Dense(), problem, 10)
    report(
        f"Dense, n = {n}, p = {p}, one draw",
        [
            Row("generation, dsyrk, dpotrf", 1e3 * least, "1", ""),
            Row("dense", 1e3 * whole, f"{whole / least:.2f} x", known),
        ],
    )


@pytest.mark.parametrize("std", [0.0, 1.0])
def test_exact_law_beside_its_normals(std: float) -> None:
    """Coefficients that are fixed, or drawn as well; normals and selection are of one pass."""
    p = 10**7
    problem = finite(Population(weight=[1, 1], eigenvalue=[10, 1], mean=0.5, std=std), p, 0.5)
    rng, kept = np.random.default_rng(0), problem.kept[0]
    experiment = LinearExperiment(problem, Exact(), 1)

    def normals(number: int) -> None:
        for _ in range(number):
            drawn = rng.standard_normal(p)
        np.argpartition(abs(drawn), p - kept)

    seeds = iter(range(1000))
    one, two, trial = medians(
        lambda: normals(1),
        lambda: normals(2),
        lambda: run_trial(experiment, 0, next(seeds)),
        repeats=5,
    )
    needed = two if std else one
    report(
        f"Exact law of least squares, p = 10 000 000, std = {std:g}, one trial on one core",
        [
            Row("10^7 normals, argpartition", 1e3 * one, "1", ""),
            Row("2 · 10^7 normals, argpartition", 1e3 * two, f"{two / one:.2f} x", ""),
            Row(
                "trial",
                1e3 * trial,
                f"{trial / one:.2f} x, of its own normals {trial / needed:.2f} x",
                accuracy(Exact(), problem, 5),
            ),
        ],
    )


def test_the_example_is_verified() -> None:
    problem = read_spec(None)
    start = time.perf_counter()
    found = verify(problem.population, **problem.grid())
    seconds = time.perf_counter() - start
    rows = [Row(found.summary(), 1e3 * seconds, "", f"{np.nanmax(found.detectable):.3%} detected")]
    report("asymptotics verify, bundled example", rows)
