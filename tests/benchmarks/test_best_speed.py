"""What the best choices cost, in evaluations of the risk.  Run with ``make benchmark``."""

from functools import partial

import pytest

from asymptotics import Population, best, risk
from tests.benchmarks.test_speed import Row, medians, report

pytestmark = pytest.mark.benchmark

#: Two minima in the ridge.
TWICE = Population([0.86, 0.14], [20, 0.12], mean=[0.1, 0], std=[0, 0.83])
EXAMPLE = Population([0.3, 0.7], [10, 0.5], std=[0.5, 1])


def test_best_choices() -> None:
    """A search takes at most the time of 200 evaluations, and a proof at most a minute."""
    ridge = partial(best, TWICE, 0.3, 0.25, 0.5, rule="covariance", over="ridge")
    kappa = partial(best, EXAMPLE, (0.05, 40), 0.5, 0.3, over="kappa")
    both = partial(best, EXAMPLE, 2, 0.5, (0.05, 1), (0, 10), over=["alpha", "ridge"])
    one, *times = medians(
        lambda: risk(TWICE, 0.3, 0.25, 0.5, 1, "covariance"),
        lambda: ridge(ridge=(1e-4, 100)),
        kappa,
        both,
        repeats=5,
    )
    (proof,) = medians(lambda: ridge(ridge=(1e-4, 100), certify=True), repeats=1)
    names = ("the ridge", "kappa", "alpha and ridge")
    rows = [
        Row(f"best over {name}", 1e3 * time, f"{time / one:.3g}", "")
        for name, time in zip(names, times, strict=True)
    ]
    rows.append(Row("the ridge, proved", 1e3 * proof, f"{proof / one:.3g}", ""))
    report("Best choices; ratios are evaluations of the risk", rows)
    assert max(times[:2]) < 200 * one
    assert proof < 60
