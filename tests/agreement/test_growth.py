"""Train small, or train big and prune."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from asymptotics import InvalidInput, Population, growth, risk
from asymptotics.spec.growth import growth_problem
from tests.processes import run
from tests.refits import refitted

#: In units of the model's coefficients sqrt(p) beta, of which p = 5 n are there.
STD = np.sqrt(5) * np.array([1.2, 0.35])
FEATURES = Population(weight=[0.7, 4.3], eigenvalue=[4, 1], std=STD)


@pytest.mark.parametrize(
    ("kappa", "dense", "known", "magnitude", "again", "covariance", "covariance_again"),
    [
        (0.9, 7.5225, 6.0425, 7.5102, 7.2889, 7.5007, 7.2366),
        (2, 2.2349, 1.9041, 2.3402, 3.2089, 2.1487, 2.7682),
        (4, 2.3696, 2.2080, 2.4923, 3.3919, 2.3063, 2.8651),
    ],
)
def test_a_table_of_another_code(
    kappa: float, dense: float, known: float, magnitude: float, again: float, covariance: float,
    covariance_again: float,
) -> None:  # fmt: skip
    """Values of an independent program, to the four digits that it gives."""
    found = growth(FEATURES, 5, kappa, 0.7, 0.5)
    assert found.dense_risk.round(4).tolist() == [dense] * 2
    assert found.known_risk.round(4).tolist() == [known] * 2
    assert found.pruned_risk.round(4).tolist() == [magnitude, covariance]
    assert found.retrained_risk.round(4).tolist() == [again, covariance_again]
    assert found.small_risk.round(4).tolist() == [2.5892] * 2


def test_all_features_are_the_population_itself() -> None:
    found = growth(FEATURES, 5, 5, 0.7, 0.5, 0.1, "magnitude", 0.2)
    whole = refitted(FEATURES, 5, 0.5, 0.14, 0.1, retrain_ridge=0.2)
    assert found.pruned_risk == pytest.approx(whole.risk.item(), rel=1e-13)
    assert found.retrained_risk == pytest.approx(whole.retrained_risk.item(), rel=1e-13)
    assert found.alpha == pytest.approx(0.14)


def test_seeing_what_is_kept_is_the_small_model() -> None:
    for kappa in (0.3, 0.7):
        found = growth(FEATURES, 5, kappa, 0.7, 0.5, 0.1, retrain_ridge=0.1)
        for name in ("dense_risk", "known_risk", "pruned_risk", "retrained_risk"):
            np.testing.assert_allclose(getattr(found, name), found.small_risk, rtol=1e-12)
    seen = Population(4, std=0.14**0.5 * STD[0])
    noise = np.sqrt(0.25 + 0.86 * STD[1] ** 2)
    expected = risk(Population(1, 4, std=0.14**0.5 * STD[0]), 0.7, noise, 1, 0.1).risk
    assert len(seen) == 1
    np.testing.assert_allclose(found.small_risk, expected, rtol=1e-12)


def test_known_features_are_pruned_by_simulation() -> None:
    """One draw of least squares on 3,000 samples, of which the first features are kept."""
    rng, samples = np.random.default_rng(2), 1500
    seen, kept, total = round(0.5 * samples), round(0.3 * samples), 5 * samples
    eigenvalue = np.where(np.arange(total) < 0.7 * samples, 4.0, 1.0)
    beta = rng.standard_normal(total) * np.where(eigenvalue == 4, STD[0], STD[1]) / np.sqrt(total)
    x = rng.standard_normal((samples, seen)) * np.sqrt(eigenvalue[:seen])
    # Features that are not seen are independent of the others: noise.
    unseen = np.sqrt(0.25 + eigenvalue[seen:] @ beta[seen:] ** 2)
    y = x @ beta[:seen] + unseen * rng.standard_normal(samples)
    b = np.zeros(total)
    b[:seen] = np.linalg.lstsq(x, y, rcond=None)[0]
    b[kept:] = 0
    simulated = 0.25 + eigenvalue @ (b - beta) ** 2
    found = growth(FEATURES, 5, 0.5, 0.3, 0.5)
    assert simulated == pytest.approx(found.known_risk[0], rel=0.05)
    assert simulated != pytest.approx(found.dense_risk[0], rel=0.05)


def test_known_features_of_an_infinite_fit_have_an_infinite_risk() -> None:
    found = growth(FEATURES, 5, [[0.9], [1], [2]], 0.7, 0.5)
    assert np.isinf(found.known_risk[1]).all()
    assert np.isfinite(found.known_risk[[0, 2]]).all()


@pytest.mark.parametrize("groups", [7, 30, 300])
def test_all_features_are_seen_in_spite_of_rounding(groups: int) -> None:
    weight = np.random.default_rng(5).uniform(0.1, 1, groups)
    many = Population(weight, np.linspace(2, 1, groups), 0, 1.0)
    found = growth(many, 0.9, [0.5, 0.9], kept=0.9, sigma=0, rule="magnitude")
    assert found.dense_risk[1] == 0
    assert found.dense_risk[0] > 0.1


def test_numbers_broadcast_with_rules() -> None:
    found = growth(FEATURES, 5, [[[0.9]], [[2]]], 0.7, [[0.5], [1]], rule=["magnitude", "random"])
    assert found.shape == (2, 2, 2)
    one = growth(FEATURES, 5, 2, 0.7, 1, rule="random")
    assert found.retrained_risk[1, 1, 1] == one.retrained_risk


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kappa": 6}, "kappa = 6.0: must be at most full_kappa, 5"),
        ({"kept": 6}, "kept = 6.0: must be at most full_kappa, 5"),
        ({"kept": 0}, "kept = 0"),
        ({"full_kappa": -1}, "full_kappa = -1"),
        ({"kappa": "two"}, "kappa"),
        ({"rule": "magnitud"}, "magnitude"),
        ({"retrain_ridge": -1}, "retrain_ridge = -1"),
        ({"population": Population.power_law(-0.7, 1.2)}, "no continuous law"),
        ({"progress": 3}, "progress"),
        ({"kappa": np.array([]), "rule": "magnitude"}, "models"),
    ],
)
def test_bad_input(settings: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "population": FEATURES,
        "full_kappa": 5,
        "kappa": 2,
        "kept": 0.7,
        "sigma": 0.5,
    }
    with pytest.raises(InvalidInput, match=message):
        growth(**given | settings)


# -- in the shell, and drawn ---------------------------------------------------------------------


def test_the_example_in_json_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "growth.svg"
    rows = json.loads(run("growth", "--format", "json", "-o", path).stdout)["rows"]
    assert len(rows) == 36
    assert {"kappa", "kept", "rule", "dense_risk", "known_risk", "small_risk"} <= set(rows[0])
    assert path.stat().st_size
    text = run("example", "growth").stdout
    said = run("risk", "-", stdin=text, status=2).stderr
    assert "for `asymptotics growth`: it has full_kappa and kept" in said


def test_bad_specs() -> None:
    spec = {"full_kappa": 5, "kappa": 2, "kept": 0.7, "sigma": 0.5, "population": [{"std": 1}]}
    assert growth_problem(spec).solve().shape == (1, 1, 1, 1, 1, 2)
    for key, value in {"kept": -1, "kapa": 1, "full_kappa": "x", "rule": []}.items():
        with pytest.raises(InvalidInput, match=key):
            growth_problem(spec | {key: value})


def test_the_figure_has_all_curves() -> None:
    ax = growth(FEATURES, 5, [[0.75], [5]], 0.7, 0.5).plot()
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "magnitude", "magnitude, retrained", "covariance (Hessian)",
        "covariance (Hessian), retrained", "before pruning", "pruned to known features",
        "train small",
    ]  # fmt: skip
    x, y = map(np.asarray, ax.get_lines()[0].get_data())
    assert y[np.searchsorted(x, 5)] == growth(FEATURES, 5, 5, 0.7, 0.5).pruned_risk[0]
    one = growth(FEATURES, 5, 2, 0.7, 0.5).plot()
    assert {line.get_marker() for line in one.get_lines()} == {"o"}
    plt.close("all")
