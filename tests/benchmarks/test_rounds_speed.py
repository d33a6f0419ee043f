"""What second fits and rounds of pruning and retraining cost.  Run with ``make benchmark``."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from asymptotics import Population, risk, rounds
from tests.benchmarks.test_speed import ALPHA, KAPPA, SIGMA, TWO, Row, medians, report

pytestmark = pytest.mark.benchmark

PAIR = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.7, 0.4])


def test_a_curve_with_a_second_fit() -> None:
    """A thousand points with a second fit, beside the same without."""
    curve = partial(risk, TWO, KAPPA, SIGMA, ALPHA)
    once, again = medians(curve, partial(curve, retrain=True))
    exact = curve(retrain=True, digits=20)
    found = curve(retrain=True)
    truth = exact.column("retrained_risk").astype(np.float64)
    finite = np.isfinite(found.column("retrained_risk"))
    error = abs(found.column("retrained_risk")[finite] / truth[finite] - 1).max()
    rows = [
        Row("a curve of 1,000 points", 1e3 * once, "1", ""),
        Row("the same with a second fit", 1e3 * again, f"{again / once:.3g}", f"{error:.1e}"),
    ]
    report("Second fits; ratios are of the curve without", rows)


def test_rounds() -> None:
    """Sequences of 2 to 5 fits at the default tolerance, with the errors that they reach."""
    schedules: list[Any] = [[{"alpha": 0.2}]]
    schedules += [[{"alpha": {"start": 0.8, "stop": 0.2, "num": k}}] for k in (2, 3, 4)]
    calls = [partial(rounds, PAIR, 2, 0.5, schedule) for schedule in schedules]
    times = medians(*calls, repeats=3)
    rows = []
    for number, (call, time) in enumerate(zip(calls, times, strict=True), 2):
        found = call()
        fine = call(tolerance=3e-10)
        miss = abs(found.retrained_risk / fine.retrained_risk - 1).max()
        assert miss <= found.error.max() + 3e-10
        rows.append(Row(f"{number} fits", 1e3 * time, f"{time / times[0]:.3g}", f"{miss:.1e}"))
    report("Rounds of two groups, to 1e-8; ratios are of two fits", rows)
