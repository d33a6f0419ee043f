"""The best choices, against plain scans of the risk and the counterexamples to simple beliefs."""

from typing import Any

import numpy as np
import pytest

from asymptotics import Best, InvalidInput, Population, RetrainedBest, best, risk

#: The example of the package.
EXAMPLE = Population([0.3, 0.7], [10, 0.5], std=[0.5, 1])
TWO = Population([0.6, 0.4], [1, 10], mean=[1, 0.3], std=[0.5**0.5, 0.2**0.5])
FEW = Population([0.9, 0.1], 1, std=[0.2, 3])
#: The risk has two minima in the ridge.
TWICE = Population([0.86, 0.14], [20, 0.12], mean=[0.1, 0], std=[0, 0.83])


def scanned(values: Any) -> list[int]:
    """Indices of the local minima of a list of values, ends included."""
    padded = np.concatenate([[np.inf], np.where(np.isnan(values), np.inf, values), [np.inf]])
    below = (padded[1:-1] < padded[:-2]) & (padded[1:-1] <= padded[2:])
    return np.flatnonzero(below).tolist()


CASES = [
    (TWICE, "ridge", {"kappa": 0.3, "sigma": 0.25, "alpha": 0.5, "ridge": (1e-4, 100),
                      "rule": "covariance"}),
    (TWO, "ridge", {"kappa": 0.5, "sigma": 0.5, "alpha": 0.1, "ridge": (1e-3, 100)}),
    (EXAMPLE, "kappa", {"kappa": (0.05, 40), "sigma": 0.5, "alpha": 0.3}),
    (EXAMPLE, "kappa", {"kappa": (0.05, 40), "sigma": 0.5, "alpha": 0.3, "ridge": 0.01}),
    (EXAMPLE, "kappa", {"kappa": (0.5, 40), "sigma": 0.5, "alpha": 0.9, "fixed": "kept"}),
    (TWO, "alpha", {"kappa": 2, "sigma": 0.5, "alpha": (0.01, 1), "rule": "covariance"}),
    (TWO, "exponent", {"kappa": 0.5, "sigma": 0.5, "alpha": 0.3, "exponent": (0, 1)}),
    (FEW, "retrain_ridge", {"kappa": 0.9, "sigma": 0.5, "alpha": 0.25, "retrain": True,
                            "retrain_ridge": (1e-3, 100)}),
    (TWO, "alpha", {"kappa": 2, "sigma": 0.5, "alpha": (0.05, 1), "retrain": True,
                    "rule": "covariance"}),
]  # fmt: skip


@pytest.mark.parametrize(("population", "over", "given"), CASES)
def test_against_a_scan_of_the_risk(population: Population, over: str, given: Any) -> None:
    """No slope enters: as many minima, each as low as the scan and beside it."""
    found = best(population, over=over, **given)
    assert (found.status == "ok").all()
    low, high = given[over]
    wide = low > 0 and high > 10 * low
    x = np.geomspace(low, high, 1201) if wide else np.linspace(low, high, 151)
    problem = {key: value for key, value in given.items() if key not in (over, "fixed")}
    if given.get("fixed") == "kept":
        problem["alpha"] = given["alpha"] * low / x
    if over == "exponent":
        problem["rule"] = [{"exponent": q} for q in x.tolist()]
    else:
        problem[over] = x
    scan = risk(population, **problem)
    objective = "retrained_risk" if given.get("retrain") else "risk"
    values = np.where(np.isnan(scan.column(objective)), np.inf, scan.column(objective))
    places = scanned(values)
    least = found.column(objective)
    free = [rule.exponent for rule in found.rule] if over == "exponent" else found.column(over)
    at = np.array(free, dtype=float)
    assert len(places) == at.size
    for place, value, where in zip(places, least, at, strict=True):
        assert x[max(place - 1, 0)] <= where <= x[min(place + 1, x.size - 1)]
        assert value <= values[place] * (1 + 1e-12)
        assert value >= values[place] * (1 - 1e-3)
    assert found.best.sum() == 1
    assert least[found.best] == least.min()


def test_the_risk_may_have_two_minima_in_the_ridge() -> None:
    found = best(TWICE, 0.3, 0.25, 0.5, (0, 100), "covariance", over="ridge")
    np.testing.assert_allclose(found.ridge, [0.0357, 4.754], rtol=1e-3)
    np.testing.assert_allclose(found.risk, [0.156154, 0.149742], rtol=1e-5)
    assert found.best.tolist() == [False, True]
    assert (abs(found.d_ridge) < 1e-14).all()
    assert np.isnan(found.d_alpha).all()


def test_a_stationary_maximum_is_not_returned_and_an_end_may_be_best() -> None:
    population = Population([0.2, 0.1, 0.7], [0.05, 1, 1], std=[0, 2, 0])
    found = best(population, 0.5, 1, (0, 1), over="alpha")
    assert found.alpha[0] == 0
    assert found.place.tolist() == ["end", "interior"]
    assert found.alpha[1] == pytest.approx(0.125, abs=0.005)
    np.testing.assert_allclose(found.risk, [1.4, 1.4217], rtol=1e-4)
    assert found.best.tolist() == [True, False]
    between = risk(population, 0.5, 1, np.linspace(0, 0.12, 200)).risk
    assert between.max() == pytest.approx(1.503, abs=1e-3)


def test_no_ridge_can_be_best() -> None:
    population = Population([0.1, 0.9], [20, 0.05], std=[1, 0.05])
    found = best(population, 5, 0.05, 0.1, (0, 100), "covariance", over="ridge")
    assert (found.ridge.item(), found.place.item()) == (0, "end")
    assert found.d_ridge.item() == pytest.approx(0.0106, abs=1e-4)


def test_the_ridge_that_is_best_before_pruning_is_not_best_after_it() -> None:
    dense = best(TWO, 0.5, 0.5, 1, (0, 100), over="ridge")
    pruned = best(TWO, 0.5, 0.5, 0.1, (0, 100), over="ridge")
    assert dense.ridge.item() == pytest.approx(0.09, abs=1e-4)
    assert pruned.ridge.item() == pytest.approx(3.1066, abs=1e-4)
    assert pruned.risk.item() == pytest.approx(1.6681, abs=1e-4)


def test_the_unpruned_best_ridge_has_a_closed_form() -> None:
    """κσ²/b² if E[B²|Λ] = b² for every Λ."""
    found = best(
        Population([0.5, 0.3, 0.2], [1, 5, 0.2], std=1.5), 1.3, 0.7, 1, (0, 9), over="ridge"
    )
    assert found.ridge.item() == pytest.approx(1.3 * 0.49 / 2.25, rel=1e-9)


def test_both_sides_of_the_interpolation_threshold_have_minima() -> None:
    found = best(EXAMPLE, (1e-3, 100), 0.5, 0.3, over="kappa")
    assert found.place.tolist() == ["end", "interior", "interior"]
    np.testing.assert_allclose(found.risk, [0.7465, 1.2121, 1.2942], atol=1e-4)
    below = best(EXAMPLE, (0.2, 0.999), 0.5, 0.3, over="kappa")
    assert below.kappa.tolist() == [0.2]


def test_the_best_ridge_of_a_second_fit() -> None:
    given: dict[str, Any] = {"kappa": 0.9, "sigma": 0.5, "alpha": 0.25, "over": "ridge"}
    second: dict[str, Any] = {"retrain": True, "over": "retrain_ridge", "retrain_ridge": (0, 100)}
    found = best(FEW, **given | second)
    assert isinstance(found, RetrainedBest)
    assert found.retrain_ridge.item() == pytest.approx(0.2385, abs=1e-4)
    assert found.retrained_risk.item() == pytest.approx(0.5199, abs=1e-4)
    assert found.risk.item() == pytest.approx(1.8763, abs=1e-4)
    first = best(FEW, **given, ridge=(0, 100), retrain=True)
    assert first.ridge.item() == pytest.approx(7.055, abs=1e-3)
    assert first.column("retrained_risk").item() == pytest.approx(0.43451, abs=1e-5)
    assert best(FEW, **given, ridge=(0, 100)).risk.item() == pytest.approx(0.53063, abs=1e-5)


def test_both_ridges_together() -> None:
    given: dict[str, Any] = {"over": ["ridge", "retrain_ridge"], "retrain": True}
    given |= {"ridge": (0, 100), "retrain_ridge": (0, 100)}
    found = best(FEW, 0.9, 0.5, 0.25, **given)
    assert isinstance(found, RetrainedBest)
    assert (found.status == "ok").all()
    least = found.best
    assert found.ridge[least].item() == pytest.approx(7.055, abs=1e-3)
    assert (found.retrain_ridge[least].item(), found.place[least].item()) == (0, "end")
    assert found.retrained_risk[least].item() == pytest.approx(0.43451, abs=1e-5)
    # Here the best refit loses to the best pruned model.
    second = best(TWO, 2, 0.5, 0.2, rule="covariance", **given)
    pruned = best(TWO, 2, 0.5, 0.2, (0, 100), "covariance", over="ridge")
    assert second.column("retrained_risk").min() == pytest.approx(1.8227, abs=1e-4)
    assert pruned.risk.min() == pytest.approx(1.8062, abs=1e-4)


def test_minima_in_two_parameters_against_a_scan() -> None:
    """Every minimum of a dense grid is found, and no other."""
    found = best(EXAMPLE, (0.05, 20), 0.5, (0.05, 0.9), over=["kappa", "alpha"])
    kappa, alpha = np.geomspace(0.05, 20, 160), np.linspace(0.05, 0.9, 60)
    values = risk(EXAMPLE, kappa[:, None], 0.5, alpha).risk
    around = np.pad(values, 1, constant_values=np.inf)
    shifted = [
        around[1 + i : 161 + i, 1 + j : 61 + j]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    ]
    low = (values < np.min(shifted, axis=0)).nonzero()
    assert len(low[0]) == found.risk.size == 3
    for i, j, at_kappa, at_alpha, value in zip(
        *low, found.kappa, found.alpha, found.risk, strict=True
    ):
        assert kappa[i] == pytest.approx(at_kappa, rel=0.05)
        assert alpha[j] == pytest.approx(at_alpha, abs=0.02)
        assert values[i, j] * (1 - 1e-3) <= value <= values[i, j] * (1 + 1e-12)


def test_rules_and_ridges_together_are_no_worse_than_apart() -> None:
    given: dict[str, Any] = {"kappa": 2, "sigma": 0.5, "alpha": 0.2}
    both = best(TWO, **given, ridge=(0, 100), exponent=(-1, 1), over=["exponent", "ridge"])
    row = np.argmin(both.risk)
    assert both.d_exponent[row] == pytest.approx(0, abs=1e-8)
    assert both.d_ridge[row] == pytest.approx(0, abs=1e-8)
    rule = both.rule[row]
    fixed = best(TWO, **given, ridge=(0, 100), rule=rule, over="ridge")
    assert fixed.risk.min() == pytest.approx(both.risk[row], rel=1e-10)
    for exponent in (float(rule.exponent) - 0.05, float(rule.exponent) + 0.05):
        other = best(TWO, **given, ridge=(0, 100), rule={"exponent": exponent}, over="ridge")
        assert other.risk.min() > both.risk[row]


def test_of_several_rules_one_is_best() -> None:
    found = best(EXAMPLE, (1e-3, 100), 0.5, 0.3, rule=["magnitude", "covariance"], over="kappa")
    assert isinstance(found, Best)
    assert found.best.sum() == 1
    assert str(found.rule[found.best].item()) == "covariance"
    alone = best(EXAMPLE, (1e-3, 100), 0.5, 0.3, rule="covariance", over="kappa")
    np.testing.assert_array_equal(found.risk[3:], alone.risk)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"over": "ridg"}, "over[0]"),
        ({"over": []}, "over"),
        ({"over": ["ridge", "ridge"], "ridge": (0, 1)}, "over"),
        ({"over": "sigma"}, "over[0]"),
        ({"over": "ridge"}, "ridge"),
        ({"over": "ridge", "ridge": (1, 0)}, "ridge"),
        ({"over": "ridge", "ridge": (-1, 0)}, "ridge[0]"),
        ({"over": "ridge", "ridge": (0, 1), "kappa": [1, 2]}, "kappa"),
        ({"over": "ridge", "ridge": (0, 1), "kappa": None}, "kappa"),
        ({"over": "ridge", "ridge": (0, 1), "exponent": (0, 1)}, "exponent"),
        ({"over": "exponent", "exponent": (0, 1), "rule": "random"}, "rule"),
        ({"over": "exponent", "exponent": (0, 9)}, "exponent[1]"),
        ({"over": "retrain_ridge", "retrain_ridge": (0, 1)}, "over"),
        ({"over": "ridge", "ridge": (0, 1), "retrain_ridge": 1}, "retrain_ridge"),
        ({"over": "ridge", "ridge": (0, 1), "fixed": "kept"}, "fixed"),
        ({"over": "ridge", "ridge": (0, 1), "fixed": "q"}, "fixed"),
        ({"over": ["alpha", "ridge"], "alpha": (0, 1), "ridge": (0, 1)}, "alpha"),
    ],
)
def test_bad_input(given: Any, key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        best(TWO, **{"kappa": 2, "sigma": 0.5, "alpha": 0.3} | given)
    assert caught.value.key == key
