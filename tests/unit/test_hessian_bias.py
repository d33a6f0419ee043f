"""What training finds, how large it gets, and what pruning costs."""

from pathlib import Path

import numpy as np
import pytest

from asymptotics import InvalidInput, Population, hessian_bias, risk
from asymptotics.simulation import Dense, realise

#: Two groups of the same signal: large features of small weights, and the other way round.
TWO = Population(weight=[0.5, 0.5], eigenvalue=[10, 0.1], std=[0.1**0.5, 10**0.5])


def test_both_groups_carry_the_same_signal_and_the_larger_eigenvalue_is_found() -> None:
    found = hessian_bias(TWO, np.array([1.2, 2.0, 5.0]))
    np.testing.assert_allclose(found.signal, 1)
    assert (found.found[:, 0] > found.found[:, 1]).all()
    assert (found.saliency[:, 0] > found.saliency[:, 1]).all()
    # Which weights are the larger ones is another matter, and changes with kappa.
    assert (found.magnitude[0, 0] < found.magnitude[0, 1]).all()
    assert (found.magnitude[2, 0] > found.magnitude[2, 1]).all()


def test_shares_solve_their_equation() -> None:
    """κ E[Λ/(Λ+τ)] = 1 without ridge: as many directions are found as there are samples."""
    kappa = np.array([1.1, 2.0, 7.0])
    found = hessian_bias(TWO, kappa).found
    np.testing.assert_allclose(kappa * (found @ [0.5, 0.5]), 1)
    tau = 10 * (1 / found[:, 0] - 1)
    np.testing.assert_allclose(found[:, 1], 0.1 / (0.1 + tau))
    np.testing.assert_allclose(hessian_bias(TWO, 0.5).found, 1)


def test_against_minimum_norm_solutions() -> None:
    """Drawn by solving for them: regression of X on B, and the size of X. √Λ for Λ is rejected."""
    problem = realise(TWO, 1000, 2.0, 0.3, [0.5], 0.0, [])
    draws = [Dense().draw(problem, 1, np.random.default_rng(seed)) for seed in range(6)]
    order = np.argsort(-np.array(problem.eigenvalue))
    b = np.stack([draw.coefficient[0] for draw in draws]).reshape(6, 2, 500)[:, order]
    x = np.stack([draw.trained[0] for draw in draws]).reshape(6, 2, 500)[:, order]
    found = hessian_bias(TWO, 2.0, sigma=0.3)
    shares = (b * x).sum(axis=2) / (b * b).sum(axis=2)
    error = shares.std(axis=0) / 6**0.5
    assert (abs(shares.mean(axis=0) - found.found) < 5 * error + 0.01).all()
    size = np.sqrt((x * x).mean(axis=(0, 2)))
    np.testing.assert_allclose(size, found.magnitude, rtol=0.05)
    eigenvalue = np.array([10, 0.1])
    saliency = eigenvalue * (x * x).mean(axis=(0, 2))
    np.testing.assert_allclose(saliency, found.saliency, rtol=0.1)
    rises = eigenvalue * (2 * b * x - x * x).mean(axis=2)  # of the risk, times p
    spread = rises.std(axis=0) / 6**0.5
    assert (abs(rises.mean(axis=0) - found.importance) < 5 * spread + 0.02).all()
    assert abs(rises.mean(axis=0)[0] - found.saliency[0]) > 5 * spread[0]
    root = 0.1**0.5 / (0.1**0.5 + 0.1 * (1 / found.found[1] - 1))
    assert abs(shares.mean(axis=0)[1] - root) > 5 * error[1] + 0.01


def test_costs_are_those_of_the_theory_line() -> None:
    found = hessian_bias(TWO, [0.5, 2.0], 0.2, 0.4, 0.1)
    for rule, column in (("magnitude", "magnitude_risk"), ("covariance", "covariance_risk")):
        expected = risk(TWO, [0.5, 2.0], 0.2, 0.4, 0.1, rule).risk
        np.testing.assert_array_equal(getattr(found, column), np.stack([expected] * 2, axis=-1))


def test_rows_are_points_and_groups() -> None:
    found = hessian_bias(TWO, [[0.5], [2.0]], alpha=[0.2, 0.4, 0.6])
    assert found.shape == (2, 3, 2)
    rows = list(found.rows())
    assert [row["eigenvalue"] for row in rows[:2]] == [10, 0.1]
    assert "eigenvalue" in repr(found)
    assert found.to_dataframe().shape == (12, 15)


def test_dead_features_and_divergence() -> None:
    some = Population(weight=[0.5, 0.5], eigenvalue=[1, 0], std=1)
    found = hessian_bias(some, [1.0, 2.0], sigma=1.0)
    assert (found.found[:, 1] == 0).all()
    assert (found.magnitude[:, 1] == 0).all()
    assert found.status[1].tolist() == ["diverges"] * 2
    assert np.isinf(found.magnitude[1, 0])
    at_threshold = hessian_bias(Population.isotropic(), 1.0, sigma=1.0, alpha=0.0)
    assert np.isinf(at_threshold.magnitude).all()
    assert (at_threshold.status == "diverges").all()


def test_the_picture(tmp_path: Path) -> None:
    figure = hessian_bias(TWO, np.linspace(1.1, 4, 20), 0.2).plot()
    found, size, cost = figure.axes
    assert [line.get_label() for line in found.lines] == [r"$\Lambda = 10$", r"$\Lambda = 0.1$"]
    assert len(size.lines) == 2
    assert len(cost.lines) == 3
    from asymptotics.plotting import save

    save(hessian_bias(TWO, [1.2, 2.0, 3.0]), path := tmp_path / "bias.svg")
    assert path.read_text().count("<path") > 20
    with pytest.raises(InvalidInput, match="alpha = 'several values': must be fixed"):
        hessian_bias(TWO, np.linspace(1.1, 4, 5)[:, None], 0.2, [0.1, 0.2, 0.3]).plot()
    with pytest.raises(InvalidInput, match="x = 'eta'"):
        hessian_bias(TWO, 2.0).plot(x="eta")
    many = Population(weight=np.ones(30), eigenvalue=np.arange(1, 31))
    with pytest.raises(InvalidInput, match="groups = 30"):
        hessian_bias(many, [1.5, 2.0]).plot()
