"""What training and measuring networks costs, beside plain scripts and the products it needs.

Run with ``make benchmark``.
"""

import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from asymptotics.arithmetic import Array
from asymptotics.networks import (
    Teacher,
    TwoLayer,
    gradient_descent,
    hessian,
    mean_squared_error,
    natural,
    sweep,
)
from tests.benchmarks.test_speed import Row, medians, report

pytestmark = pytest.mark.benchmark

STEPS = 200
RNG = np.random.default_rng(0)
DATA = Teacher().draw(1000, RNG)
START = TwoLayer.random(64, 20, RNG, antisymmetric=True).rescaled(2)


def script() -> tuple[Array, Array]:
    """What a researcher would write: the bound on the sharpness anew in each step."""
    x, y, w, v = DATA.inputs, DATA.targets, START.hidden.copy(), START.output.copy()
    for _ in range(STEPS):
        h = x @ w.T
        phi = np.maximum(h, 0)
        r = 2 / len(y) * (phi @ v - y)
        bound = 2 / len(y) * (np.linalg.norm(phi, 2) ** 2 + v @ v * np.linalg.norm(x, 2) ** 2)
        gv, gw = phi.T @ r, ((h > 0) * r[:, None] * v).T @ x
        v, w = v - 0.5 / bound * gv, w - 0.5 / bound * gw
    return w, v


def products() -> None:
    """The two products of matrices of each step, and nothing else."""
    w, x, s = START.hidden, np.ascontiguousarray(DATA.inputs.T), np.ones((64, 1000))
    out = np.empty((64, 1000))
    for _ in range(STEPS):
        np.matmul(w, x, out=out)
        s @ DATA.inputs


def test_descent() -> None:
    trained = gradient_descent(START, DATA.inputs, DATA.targets, STEPS)
    hidden, output = script()
    plain = START.with_weights(hidden, output)
    ours, theirs = (mean_squared_error(net, DATA.inputs, DATA.targets)
                    for net in (trained.network, plain))  # fmt: skip
    with threadpool_limits(1):
        mine, written, limit = medians(
            lambda: gradient_descent(START, DATA.inputs, DATA.targets, STEPS),
            script,
            products,
            repeats=5,
        )
    rows = [
        Row("gradient_descent", 1e3 * mine / STEPS, "1", f"loss {ours:.4f}"),
        Row("a script", 1e3 * written / STEPS, f"{written / mine:.3g}", f"loss {theirs:.4f}"),
        Row("its two products", 1e3 * limit / STEPS, f"{limit / mine:.3g}", ""),
    ]
    report("A step of descent: 64 ReLU neurons, 20 inputs, 1000 samples, one thread", rows)


def one_by_one() -> Array:
    """Deletion of each hidden weight in turn."""
    loss = mean_squared_error(START, DATA.inputs, DATA.targets)
    rises = np.empty(START.hidden.shape)
    for place in np.ndindex(rises.shape):
        hidden = np.array(START.hidden)
        hidden[place] = 0
        without = START.with_weights(hidden, START.output)
        rises[place] = mean_squared_error(without, DATA.inputs, DATA.targets) - loss
    return rises


def test_importance() -> None:
    found = natural(START, DATA.inputs, DATA.targets).weights.hidden
    with threadpool_limits(1):
        rise, saliency, loop = medians(
            lambda: natural(START, DATA.inputs, DATA.targets),
            lambda: hessian(START, DATA.inputs),
            one_by_one,
            repeats=3,
        )
    error = np.abs(found - one_by_one()).max() / np.abs(found).max()
    rows = [
        Row("natural importance", 1e3 * rise, "1", f"{error:.0e}"),
        Row("one deletion after another", 1e3 * loop, f"{loop / rise:.3g}", ""),
        Row("Hessian saliency", 1e3 * saliency, f"{saliency / rise:.3g}", ""),
    ]
    report("Importance of 1344 weights, one thread", rows)


def test_the_experiment() -> None:
    """Eight runs at six scales, as `asymptotics network` does it."""
    start = time.perf_counter()
    rules = np.array(["magnitude", "hessian"])[:, None]
    found = sweep([0.25, 0.5, 1, 2, 4, 8], rule=rules)
    seconds = time.perf_counter() - start
    note = f"{found.summary()}, {found.trials.max()} runs each"
    report("48 networks, all cores", [Row("sweep", 1e3 * seconds, "", note)])
