"""Proved bounds of the least risk, and the enclosures of the risk from which they come."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from asymptotics import CertifiedBest, InvalidInput, Population, best, risk
from asymptotics.arithmetic.taylor import TaylorModels
from asymptotics.line.enclosures import risk_model
from asymptotics.theory import as_rule

TWO = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.5**0.5, 0.2**0.5])
MIXED = Population([0.3, 0.5, 0.2], [8, 1, 0], mean=[0.25, -0.5, 1], std=[0.5, 0, 1])
ARITHMETIC = TaylorModels(80, 5)

PROBLEM: dict[str, Any] = {"kappa": 2, "sigma": 0.5, "alpha": 0.25, "ridge": 0.5}
CASES: list[tuple[Population, str, str, dict[str, Any]]] = [
    (TWO, "ridge", "magnitude", {}),
    (TWO, "kappa", "covariance", {"ridge": 0}),
    (MIXED, "alpha", "exponent=1", {}),
    (TWO, "sigma", "oracle", {}),
    (MIXED, "ridge", "random", {"kappa": 0.5}),
    (TWO, "retrain_ridge", "covariance", {"retrain_ridge": 1}),
    (TWO, "kappa", "magnitude", {"retrain_ridge": 0, "kappa": 0.75}),
]


@pytest.mark.parametrize(("population", "free", "rule", "given"), CASES)
def test_models_enclose_the_risk(
    population: Population, free: str, rule: str, given: dict[str, Any]
) -> None:
    """At points of a wide interval, in thirty digits, for both fits."""
    problem = PROBLEM | given
    middle = Fraction(problem[free])
    low, high = middle * Fraction(49, 50), middle * Fraction(51, 50)
    retrain = "retrain_ridge" in problem
    towards = "pruned" if retrain else None
    z = [Fraction(n, 8) for n in (-8, -5, 0, 3, 8)]
    refit: dict[str, Any] = {"retrain": True, "retrain_towards": towards} if retrain else {}
    x = np.array([middle + (high - low) / 2 * place for place in z], dtype=object)
    known = risk(population, **problem | {free: x}, rule=rule, digits=30, **refit)
    values = known.column("retrained_risk" if retrain else "risk")
    with ARITHMETIC.working():
        numbers = problem | {free: ARITHMETIC.variable(low, high)}
        model = risk_model(population, numbers, as_rule(rule), towards, ARITHMETIC)
        assert model is not None
        assert model.rest < 1e-3 * model.arb
        for place, value in zip(z, values, strict=True):
            at = arb(place.numerator) / place.denominator
            polynomial = sum((c * at**k for k, c in enumerate(model.coefficients)), arb(0))
            assert abs(arb(str(value)) - polynomial) <= model.rest + arb(10) ** -20
        # The polynomial alone is not exact: the rest is needed.
        off = abs(
            arb(str(values[0])) - sum((-1) ** k * c for k, c in enumerate(model.coefficients))
        )
        assert free == "sigma" or off > arb(10) ** -16


def test_the_proved_least_risk_is_that_found() -> None:
    """The lower one of two minima in the ridge."""
    twice = Population([0.86, 0.14], [20, 0.12], mean=[0.1, 0], std=[0, 0.83])
    found = best(twice, 0.3, 0.25, 0.5, (3, 8), "covariance", over="ridge", certify=True)
    assert isinstance(found, CertifiedBest)
    assert found.status.tolist() == ["ok"] * found.risk.size
    lower, upper, value = (x[found.best].item() for x in (found.lower, found.upper, found.risk))
    assert lower <= value <= upper * (1 + 1e-15)
    assert upper - lower < 1.1e-7 * value
    assert np.isnan(found.lower[~found.best]).all()


def test_a_minimum_that_the_search_missed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof does not depend on the search."""
    from asymptotics.choices.minima import Minima, Minimum
    from asymptotics.prediction import best as module

    end = Minimum(Fraction(1, 2), 1.0, 0.0, True)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "local_minima", lambda *_: Minima([end], True))
    found = best(TWO, 0.5, 0.5, 0.25, (0.5, 2), over="ridge", certify=True)
    assert found.status.tolist() == ["incomplete"]


def test_a_proof_after_a_second_fit() -> None:
    few = Population([0.9, 0.1], 1, std=[0.2, 3])
    found = best(
        few, 0.9, 0.5, 0.25, over="retrain_ridge", retrain=True,
        retrain_ridge=(Decimal("0.2"), 0.3), certify=True,
    )  # fmt: skip
    value = found.column("retrained_risk").item()
    assert found.column("lower").item() <= value <= found.column("upper").item() * (1 + 1e-15)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"over": "ridge", "ridge": (0, 1)}, "ridge"),
        ({"over": "alpha", "alpha": (0.1, 1)}, "alpha"),
        ({"over": "kappa", "kappa": (0.5, 2)}, "kappa"),
        ({"over": "kappa", "kappa": (0.5, 2), "ridge": 1}, "kappa"),
        ({"over": "alpha", "alpha": (0.2, 0.8), "ridge": 1, "retrain": True}, "alpha"),
        ({"over": "exponent", "exponent": (0, 1)}, "certify"),
        (
            {"over": "ridge", "ridge": (1, 2), "population": Population.power_law(0.7, -0.7)},
            "certify",
        ),
        ({"over": "ridge", "ridge": (1, 2), "certify": 1}, "certify"),
    ],
)
def test_bad_input(given: Any, key: str) -> None:
    basic = {"population": TWO, "kappa": 2, "sigma": 0.5, "alpha": 0.3, "certify": True}
    with pytest.raises(InvalidInput) as caught:
        best(**basic | given)
    assert caught.value.key == key
