"""What proved digits, slopes and derivations cost.  Run with ``make benchmark``."""

import time
from decimal import Decimal
from functools import partial

import numpy as np
import pytest

from asymptotics import CertifiedRisk, Population, risk, sensitivity
from asymptotics.derivation.library import load, names
from tests.benchmarks.test_speed import Row, medians, report

pytestmark = pytest.mark.benchmark

TWO = Population([Decimal("0.3"), Decimal("0.7")], [10, Decimal("0.5")], std=[Decimal("0.5"), 1])
POINT = (TWO, 2, Decimal("0.5"), Decimal("0.3"), 0, "magnitude")


def test_proved_digits() -> None:
    rows = []
    for digits in (15, 100, 1000):
        proved, agreed = medians(
            partial(risk, *POINT, digits=digits, certify=True),
            partial(risk, *POINT, digits=digits),
            repeats=5,
        )
        result = risk(*POINT, digits=digits, certify=True)
        assert isinstance(result, CertifiedRisk)
        width = (result.upper.item() - result.lower.item()) / result.lower.item()
        rows.append(Row(f"{digits} digits proved", 1e3 * proved, "1", f"{width:.0e}"))
        rows.append(Row(f"{digits} digits agreed on", 1e3 * agreed, f"{agreed / proved:.3g}", ""))
    report("The bundled example at kappa = 2", rows)


def test_slopes() -> None:
    kappa = np.geomspace(0.1, 10, 1000)
    value, slopes = medians(
        lambda: risk(TWO, kappa, 0.5, 0.3), lambda: sensitivity(TWO, kappa, 0.5, 0.3)
    )
    rows = [
        Row("risk at 1000 points", 1e3 * value, "1", ""),
        Row("its four slopes", 1e3 * slopes, f"{slopes / value:.3g}", ""),
    ]
    report("Slopes", rows)


def test_derivations() -> None:
    rows, steps = [], 0
    for name in names():
        start = time.perf_counter()
        outcomes = list(load(name).outcomes())
        seconds = time.perf_counter() - start
        failed = sum(not outcome.verdict.holds for outcome in outcomes)
        rows.append(Row(name, 1e3 * seconds, "", f"{failed} of {len(outcomes)} failed"))
        steps += len(outcomes)
    total = sum(row.milliseconds for row in rows)
    report(f"All derivations, {steps} steps", [*rows, Row("total", total, "", "")])
