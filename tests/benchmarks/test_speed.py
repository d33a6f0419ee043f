"""Speed and accuracy side by side with what one would do without this package.

Run with ``make benchmark``.  Nothing here asserts a time: the table is the result.  Times are
medians; ratios are of medians taken in turns within one run, so that a drift of the machine's
speed falls on both sides.
"""

import gc
import math
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pytest
from scipy import special
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from asymptotics import Population, risk, theory
from asymptotics.arithmetic import FLOAT64
from asymptotics.tables import column, text_table
from asymptotics.theory import effective_ridge_balance

pytestmark = pytest.mark.benchmark

KAPPA = np.geomspace(0.1, 10, 1000)
SIGMA, ALPHA = 0.5, 0.3
WEIGHT, EIGENVALUE, STD = (0.3, 0.7), (10.0, 0.5), (0.5, 1.0)
TWO = Population(WEIGHT, EIGENVALUE, std=STD)
GROUPS = 1_000_000


class Row(NamedTuple):
    what: str
    milliseconds: float
    ratio: str
    accuracy: str


def medians(*functions: Callable[[], object], repeats: int = 7) -> list[float]:
    """Median seconds of each, all called in turns, after one call that is not counted."""
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, times in zip(functions, seconds, strict=True):
            gc.collect()
            start = time.perf_counter()
            function()
            if turn:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def report(title: str, rows: Iterable[Row]) -> None:
    lines = [(r.what, f"{r.milliseconds:.4g}", r.ratio, r.accuracy) for r in rows]
    names = ("", "median ms", "ratio", "relative error")
    columns = [
        column(name, cells) for name, cells in zip(names, zip(*lines, strict=True), strict=True)
    ]
    print(f"\n\n{title}\n{text_table(columns)}")


# -- a curve of 1000 points --------------------------------------------------------------------


def script_numpy(kappa: float) -> float:
    """What a researcher writes: a root for τ, a root for t, the closed form."""
    w, eig, s = np.array(WEIGHT), np.array(EIGENVALUE), np.array(STD)
    tau = 0.0
    if kappa > 1:
        tau = brentq(lambda x: 1 - kappa * np.sum(w * eig / (eig + x)), 1e-12, kappa * 20)
    missed = np.sum(w * eig * s**2 * tau**2 / (eig + tau) ** 2)
    gamma = (SIGMA**2 + missed) / (1 - kappa * np.sum(w * eig**2 / (eig + tau) ** 2))
    a, v = eig / (eig + tau), gamma * kappa * eig / (eig + tau) ** 2
    variance = a**2 * s**2 + v
    sd = np.sqrt(variance)
    t = brentq(lambda t: np.sum(w * special.erfc(t / sd / np.sqrt(2))) - ALPHA, 1e-9, 20 * sd.max())
    u, c = t / sd, a * s**2 / variance
    kept = special.erfc(u / np.sqrt(2))
    square = variance * (kept + 2 * u * np.exp(-u * u / 2) / np.sqrt(2 * np.pi))
    return float(SIGMA**2 + np.sum(w * eig * (s**2 - (2 * c - 1) * square)))


def script_scalar(kappa: float) -> float:
    """The same in plain Python numbers: as fast as a script per point gets."""
    groups = list(zip(WEIGHT, EIGENVALUE, STD, strict=True))
    tau = 0.0
    if kappa > 1:
        tau = brentq(
            lambda x: 1 - kappa * sum(w * e / (e + x) for w, e, _ in groups), 1e-12, 20 * kappa
        )
    missed = sum(w * e * s * s * tau * tau / (e + tau) ** 2 for w, e, s in groups)
    taken = sum(w * e * e / (e + tau) ** 2 for w, e, _ in groups)
    gamma = (SIGMA**2 + missed) / (1 - kappa * taken)
    variance = [(e * e * s * s + gamma * kappa * e) / (e + tau) ** 2 for _, e, s in groups]
    roots = [math.sqrt(2 * v) for v in variance]
    t = brentq(
        lambda t: sum(w * math.erfc(t / r) for w, r in zip(WEIGHT, roots, strict=True)) - ALPHA,
        1e-9,
        20 * max(roots),
    )
    total = SIGMA**2
    for (w, e, s), v in zip(groups, variance, strict=True):
        u, c = t / math.sqrt(v), e / (e + tau) * s * s / v
        square = v * (
            math.erfc(u / math.sqrt(2)) + 2 * u * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)
        )
        total += w * e * (s * s - (2 * c - 1) * square)
    return total


def script_sampling(kappa: float, size: int = 1_000_000) -> float:
    """The usual script: a fixed point, then an average over samples of the channel."""
    rng = np.random.default_rng(0)
    fixed = theory.fixed_point(TWO, kappa, SIGMA)
    tau, gamma = float(fixed.tau), float(fixed.gamma)
    group = (rng.random(size) < WEIGHT[1]).astype(int)
    eig = np.array(EIGENVALUE)[group]
    b = np.array(STD)[group] * rng.standard_normal(size)
    x = (eig * b + np.sqrt(gamma * kappa * eig) * rng.standard_normal(size)) / (eig + tau)
    t = np.quantile(abs(x), 1 - ALPHA)
    return float(SIGMA**2 + np.mean(eig * (b - np.where(abs(x) > t, x, 0)) ** 2))


def library_roots() -> object:
    """Our equations with the root finder of scipy.optimize.elementwise."""
    groups, excess = TWO.groups(), KAPPA - 1
    over = KAPPA[excess > 0]

    def equation(log_tau: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        tau, zero = np.exp(log_tau), np.zeros_like(kappa)
        partial = FLOAT64.excess(kappa, TWO.mass_above(tau))
        ratio, _ = effective_ridge_balance(tau, kappa, zero, partial, groups)
        return np.log(ratio)

    tau = np.zeros_like(KAPPA)
    low, high = np.log(0.4 * (over - 1)), np.log(20 * over)
    tau[excess > 0] = np.exp(find_root(equation, (low, high), args=(over,)).x)
    fixed = theory.fixed_point(TWO, KAPPA, SIGMA)._replace(tau=tau)
    score = theory.MAGNITUDE.score(theory.channel(TWO, fixed))
    largest = score.spread.max(axis=-1)

    def kept(log_t: np.ndarray, row: np.ndarray) -> np.ndarray:
        u = np.exp(log_t)[:, None] / score.spread[row]
        return np.log((score.weight * special.erfc(u / np.sqrt(2))).sum(axis=-1) / ALPHA)

    low, high = np.log(0.1 * score.spread.min(axis=-1)), np.log(3 * largest)
    return find_root(kept, (low, high), args=(np.arange(KAPPA.size),)).x


def test_curve() -> None:
    exact = np.array([float(x) for x in risk(TWO, KAPPA[::50], SIGMA, ALPHA, digits=20).risk])

    def error(values: Iterable[float]) -> str:
        return f"{np.max(abs(np.array(list(values)) / exact - 1)):.1e}"

    ours = risk(TWO, KAPPA, SIGMA, ALPHA)
    functions = [
        lambda: risk(TWO, KAPPA, SIGMA, ALPHA),
        lambda: [script_numpy(kappa) for kappa in KAPPA],
        lambda: [script_scalar(kappa) for kappa in KAPPA],
        lambda: [script_sampling(kappa) for kappa in KAPPA[::200]],
        library_roots,
    ]
    one, numpy, scalar, sampling, library = medians(*functions, repeats=5)
    sampling *= 200
    few = KAPPA[::50]
    report(
        "1000 values of kappa, two groups, magnitude pruning",
        [
            Row("asymptotics.risk", 1e3 * one, "1", error(ours.risk[::50])),
            Row(
                "brentq per point, NumPy",
                1e3 * numpy,
                f"{numpy / one:.0f}",
                error(map(script_numpy, few)),
            ),
            Row(
                "brentq per point, math",
                1e3 * scalar,
                f"{scalar / one:.1f}",
                error(map(script_scalar, few)),
            ),
            Row(
                "10^6 samples per point (x200)",
                1e3 * sampling,
                f"{sampling / one:.0f}",
                error(map(script_sampling, few)),
            ),
            Row(
                "our equations, roots by scipy",
                1e3 * library,
                f"{library / one:.1f}",
                "(roots only)",
            ),
        ],
    )


# -- a million groups --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["magnitude", "covariance", "oracle", "exponent=0.3"])
@pytest.mark.parametrize("std", [0.0, 0.5])
def test_a_million_groups(rule: str, std: float) -> None:
    rng = np.random.default_rng(1)
    population = Population(1.0, rng.gamma(2, size=GROUPS), rng.standard_normal(GROUPS), std)
    x = 2 * rng.standard_normal(GROUPS)
    one, erfc = medians(
        lambda: risk(population, 2.0, SIGMA, ALPHA, rule=rule), lambda: special.erfc(x), repeats=5
    )
    title = f"{GROUPS:,} groups of std {std}, one point, {rule}"
    passes = f"{one / erfc:.1f} passes of erfc"
    report(
        title, [Row("asymptotics.risk", 1e3 * one, passes, ""), Row("erfc", 1e3 * erfc, "1", "")]
    )


def test_memory_of_a_million_groups() -> None:
    rng = np.random.default_rng(1)
    eigenvalue, mean = rng.gamma(2, size=GROUPS), rng.standard_normal(GROUPS)
    tracemalloc.start()
    for rule in ("magnitude", "covariance", "oracle"):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        risk(Population(1.0, eigenvalue, mean, 0.5), 2.0, SIGMA, ALPHA, rule=rule)
        _, peak = tracemalloc.get_traced_memory()
        arrays = (peak - before) / (8 * GROUPS)
        print(f"\nmemory, {rule}, population included: {arrays:.1f} arrays of {GROUPS:,} floats")
    tracemalloc.stop()


# -- the command line --------------------------------------------------------------------------


def test_command_line_start() -> None:
    def process(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run(
            [sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True
        )

    ours, base = medians(
        process("-m", "asymptotics", "risk"),
        process("-c", "import numpy, scipy.special"),
        repeats=15,
    )
    report(
        "the command line as a whole process",
        [
            Row("asymptotics risk", 1e3 * ours, f"{ours / base:.2f}", ""),
            Row("import numpy, scipy.special", 1e3 * base, "1", ""),
        ],
    )
