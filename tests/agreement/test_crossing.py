"""Where one rule begins to beat another."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from asymptotics import CertifiedRisk, InvalidInput, Population, crossing, risk
from asymptotics.choices.crossings import zero_crossings

EXAMPLE = Population([0.3, 0.7], [10, 0.5], std=[0.5, 1])
TWO = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.5**0.5, 0.2**0.5])

CASES = [
    (EXAMPLE, "kappa", {"kappa": (0.02, 50), "sigma": 0.5, "alpha": 0.3}),
    (EXAMPLE, "kappa", {"kappa": (0.02, 50), "sigma": 0.5, "alpha": 0.3, "ridge": 0.1}),
    (TWO, "alpha", {"kappa": 3, "sigma": 1, "alpha": (0.01, 0.99)}),
    (EXAMPLE, "kappa", {"kappa": (0.3, 0.99), "sigma": 0.5, "alpha": 0.3, "retrain": True}),
]


@pytest.mark.parametrize(("population", "over", "given"), CASES)
def test_against_a_scan_of_both_risks(population: Population, over: str, given: Any) -> None:
    found = crossing(population, "magnitude", "covariance", **given, over=over)
    assert (found.status == "ok").all()
    low, high = given[over]
    x = np.geomspace(low, high, 2000)
    rules = np.array(["magnitude", "covariance"])[:, None]
    scan = risk(population, **given | {over: x}, rule=rules)
    a, b = scan.column("retrained_risk" if given.get("retrain") else "risk")
    # The infinite risks of both rules at the interpolation threshold are no crossing.
    known = np.isfinite(a - b)
    x, sign = x[known], np.sign((a - b)[known])
    changes = np.flatnonzero((sign[1:] != sign[:-1]) & (sign[1:] != 0) & (sign[:-1] != 0))
    at = found.column(over)
    assert len(changes) == at.size
    for place, change, below in zip(at, changes, found.below, strict=True):
        assert x[change] <= place <= x[change + 1]
        assert str(below) == ("magnitude" if sign[change] < 0 else "covariance")


def test_all_digits_are_proved_by_a_change_of_sign() -> None:
    """Balls on both sides of each crossing: the risks are there in opposite order."""
    found = crossing(
        EXAMPLE, "magnitude", "covariance", (Decimal("0.02"), 50), Decimal("0.5"), Decimal("0.3"),
        over="kappa", digits=30,
    )  # fmt: skip
    assert found.kappa.size == 3
    rough = crossing(EXAMPLE, "magnitude", "covariance", (0.02, 50), 0.5, 0.3, over="kappa")
    np.testing.assert_allclose(found.kappa.astype(float), rough.kappa, rtol=1e-13)
    for index, kappa in enumerate(found.kappa):
        order = []
        for side in (-1, 1):
            beside = Fraction(kappa) * (1 + side * Fraction(1, 10**29))
            proof = risk(
                EXAMPLE, beside, Decimal("0.5"), Decimal("0.3"),
                rule=["magnitude", "covariance"], certify=True, digits=35,
            )  # fmt: skip
            assert isinstance(proof, CertifiedRisk)
            if proof.upper[0] < proof.lower[1]:
                order.append("magnitude")
            elif proof.upper[1] < proof.lower[0]:
                order.append("covariance")
        assert order == [str(found.below[index]), str(found.above[index])]
        assert order[0] != order[1]


def test_equal_risks_are_no_crossing() -> None:
    """At alpha = 0 and 1 both rules are one, and with one eigenvalue always."""
    assert not crossing(
        EXAMPLE, "magnitude", "covariance", 0.5, 0.5, (0, 1), over="alpha"
    ).risk.size
    one = Population.spike_and_slab(0.1)
    assert not crossing(one, "magnitude", "covariance", (0.1, 9), 0.5, 0.3, over="kappa").risk.size


def test_kept_numbers_and_their_digits() -> None:
    given: dict[str, Any] = {"kappa": (1.5, 20), "sigma": 0.5, "alpha": 0.5, "over": "kappa"}
    found = crossing(EXAMPLE, "magnitude", "covariance", **given, fixed="kept", digits=20)
    assert found.kappa.size
    for kappa, alpha, value in zip(found.kappa, found.alpha, found.risk, strict=True):
        assert float(kappa * Decimal(float(alpha))) == pytest.approx(0.75)
        both = risk(EXAMPLE, float(kappa), 0.5, float(alpha), rule=["magnitude", "covariance"])
        np.testing.assert_allclose(both.risk, float(value), rtol=1e-13)


def test_crossings_of_a_known_function() -> None:
    roots = np.array([-0.8, -0.31, -0.3, 0.2, 0.9])
    polynomial = np.polynomial.Polynomial.fromroots(roots)
    slope = polynomial.deriv()
    found = zero_crossings(lambda x: (polynomial(x), slope(x)), -1, 1)
    assert found.complete
    np.testing.assert_allclose([each.x for each in found.crossings], roots, atol=1e-12)
    assert [each.rises for each in found.crossings] == [True, False, True, False, True]
    hidden = zero_crossings(lambda x: (np.where(x > 0, np.nan, x), 1 + 0 * x), -1, 1)
    assert not hidden.complete


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"over": "exponent"}, "over[0]"),
        ({"over": "alpha"}, "alpha"),
        ({"over": "ridge", "ridge": (0, 1), "digits": 0}, "digits"),
        ({"over": "ridge", "ridge": (0, 1), "rule_a": "best"}, "rule"),
    ],
)
def test_bad_input(given: Any, key: str) -> None:
    basic = {"rule_a": "magnitude", "rule_b": "covariance", "kappa": 2, "sigma": 0.5, "alpha": 0.3}
    with pytest.raises(InvalidInput) as caught:
        crossing(TWO, **basic | given)
    assert caught.value.key == key
