"""The diagonal network: closed forms against the flow that they solve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from scipy.integrate import solve_ivp

from asymptotics.errors import InvalidInput
from asymptotics.networks import DiagonalNetwork, gradient_flow

WEIGHTS = st.floats(-3, 3).filter(lambda x: x == 0 or abs(x) > 1e-3)
#: Where u + v is nearly 0 errors of an integrator grow as the exponential of time.
TIMES = st.floats(0.01, 1.5)


def integrated(u: float, v: float, eigenvalue: float, target: float, time: float) -> np.ndarray:
    def velocity(_: float, weights: np.ndarray) -> list[float]:
        u, v = weights
        push = eigenvalue * (target - u * v)
        return [push * v, push * u]

    course = solve_ivp(velocity, (0, time), [u, v], method="LSODA", rtol=1e-10, atol=1e-12)
    return np.asarray(course.y[:, -1])


@given(WEIGHTS, WEIGHTS, st.floats(0.1, 3), WEIGHTS, TIMES)
def test_the_course_solves_the_flow(
    u: float, v: float, eigenvalue: float, target: float, time: float
) -> None:
    after = DiagonalNetwork([u], [v]).flow(eigenvalue, target, time)
    expected = integrated(u, v, eigenvalue, target, time)
    np.testing.assert_allclose([*after.hidden, *after.output], expected, atol=2e-6)


@given(st.sampled_from([-1.0, 1.0]), WEIGHTS, WEIGHTS, TIMES)
def test_balanced_starts_too(sign: float, u: float, target: float, time: float) -> None:
    after = DiagonalNetwork([u], [sign * u]).flow(1.0, target, time)
    expected = integrated(u, sign * u, 1.0, target, time)
    np.testing.assert_allclose([*after.hidden, *after.output], expected, atol=2e-6)


def test_a_wrong_course_is_told_from_the_right_one() -> None:
    """Exponential approach, as of a linear model, in place of the Riccati equation."""
    start = DiagonalNetwork([0.1], [0.05])
    rate = np.sqrt(start.imbalance.item() ** 2 + 4)
    wrong = 1 + (start.coefficient.item() - 1) * np.exp(-rate)
    after = integrated(0.1, 0.05, 1.0, 1.0, 1.0)
    right = start.flow(1.0, 1.0, 1.0).coefficient.item()
    assert right == pytest.approx(after.prod(), abs=1e-7)
    assert abs(wrong - after.prod()) > 0.1


@given(WEIGHTS, WEIGHTS, WEIGHTS)
def test_it_conserves_and_ends_at_the_target(u: float, v: float, target: float) -> None:
    start = DiagonalNetwork([u], [v])
    end = start.trained(target)
    np.testing.assert_allclose(end.imbalance, start.imbalance, atol=1e-9)
    balanced = u * u == v * v
    found = 0.0 if balanced and u * v * target <= 0 else target
    np.testing.assert_allclose(end.coefficient, found, atol=1e-9)
    later = start.flow(1.0, target, 1e6)
    if target or not balanced:
        np.testing.assert_allclose(later.coefficient, found, atol=1e-6)


def test_small_weights_keep_their_relative_accuracy() -> None:
    """Where the difference of two roots is far below their size."""
    after = DiagonalNetwork([1e-8], [2e-8]).flow(1.0, 1.0, 5.0)
    p, delta2 = 9e-16, 9e-32  # (u + v)² and δ² at the start
    grown = np.exp(2 * 1.0 * 5.0)  # of p while it is small, at the rate 2 λ β*
    assert (after.hidden + after.output).item() ** 2 == pytest.approx(p * grown, rel=1e-6)
    assert after.imbalance.item() ** 2 == pytest.approx(delta2, rel=1e-6)
    tiny = DiagonalNetwork([0.5], [0.5]).flow(1.0, 1e-12, 3.0)
    assert tiny.coefficient.item() == pytest.approx(0.25 / 2.5, rel=1e-9)  # 1/β grows by 2 λ t


@pytest.mark.parametrize("eta", [1e-20, 1e-8, 1e-3, 1e3, 1e8, 1e20])
@pytest.mark.parametrize("target", [1.0, -1.0, 1e-3])
def test_each_weight_keeps_its_relative_accuracy(eta: float, target: float) -> None:
    """Where one is far smaller than the other: against the flow in 60 digits."""
    start = DiagonalNetwork([0.5], [0.3]).rescaled(eta)
    end = start.trained(target)
    assert end.coefficient.item() == pytest.approx(target, rel=1e-13)
    for time in (0.0, 0.3, 2.0):
        now = time / max(eta, 1 / eta) ** 2
        after = start.flow(1.0, target, now)
        with mp.workdps(90):
            u, v = (mp.mpf(w.item()) for w in start.weights)
            delta = u * u - v * v
            root = mp.sqrt(delta**2 + 4 * mp.mpf(target) ** 2)
            tanh = mp.tanh(root * mp.mpf(now) / 2) / root
            p, q = (u + v) ** 2, (u - v) ** 2
            total = (p * (1 + 2 * target * tanh) + p * q * tanh) / (1 + (p - 2 * target) * tanh)
            rest = (q * (1 - 2 * target * tanh) + p * q * tanh) / (1 + (q + 2 * target) * tanh)
            half, other = mp.sqrt(total) / 2, mp.sign(u - v) * mp.sqrt(rest) / 2
            expected = float(half + other), float(half - other)
        found = after.hidden.item(), after.output.item()
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("time", [1.0, 18.0, 19.0, 300.0])
def test_balanced_weights_of_the_wrong_sign_fade_and_stay_balanced(
    time: float, sign: float
) -> None:
    """From u = -v = 1 towards the target 1: u² = 1 / (2 exp(2 t) - 1)."""
    after = DiagonalNetwork([sign], [-sign]).flow(1.0, 1.0, time)
    size = np.exp(-time) / np.sqrt(2 - np.exp(-2 * time))
    assert after.hidden.item() == pytest.approx(sign * size, rel=1e-13)
    assert after.output.item() == pytest.approx(-sign * size, rel=1e-13)


@pytest.mark.parametrize("size", [1e-161, 1e-170, 1e-300])
@pytest.mark.parametrize("target", [1.0, -1.0])
def test_weights_whose_product_is_too_small_a_number(size: float, target: float) -> None:
    """There the flow is linear: the sum of both grows as exp(t target), their difference falls."""
    flowed = DiagonalNetwork([1.0 * size], [size / 3]).flow([1.0], [target], 1.0)
    growth = np.exp([target, -target]) * np.array([4 / 3, 2 / 3])
    np.testing.assert_allclose(flowed.hidden / size, growth.sum() / 2, rtol=1e-14)
    np.testing.assert_allclose(flowed.output / size, (growth[0] - growth[1]) / 2, rtol=1e-14)
    small = DiagonalNetwork([3.0 * size], [-size])
    for flow in (small.trained, lambda target: small.flow([1.0], target, 1.0)):
        with pytest.raises(InvalidInput, match=r"size of weights = .* where the target is 0"):
            flow([0.0])


def test_time_zero_is_the_start() -> None:
    for u, v in ((3.0, 1e-20), (1e-9, -1e8), (-2.0, -2.0), (0.0, 1.0)):
        after = DiagonalNetwork([u], [v]).flow(1.0, 1.0, 0.0)
        assert (after.hidden.item(), after.output.item()) == pytest.approx((u, v), rel=1e-14)


def test_importance_is_the_same_for_both_weights_and_any_scale() -> None:
    eigenvalue, target = np.array([2.0, 0.5, 1.0]), np.array([1.0, -3.0, 0.2])
    for eta in (1e-8, 0.01, 1.0, 100.0, 1e8):
        start = DiagonalNetwork([0.5, 0.4, 1.0], [0.3, -0.2, 0.1]).rescaled(eta)
        trained = start.trained(target)
        for measure in (trained.natural(eigenvalue, target), trained.saliency(eigenvalue)):
            np.testing.assert_allclose(measure.hidden, eigenvalue * target**2, rtol=1e-9)
            np.testing.assert_array_equal(measure.hidden, measure.output)
    assert (np.abs(trained.output) < 1e-6).all()


def test_natural_importance_is_a_rise_of_the_risk() -> None:
    eigenvalue, target = np.array([2.0, 0.5]), np.array([1.0, -3.0])
    network = DiagonalNetwork([0.7, 0.9], [0.8, -1.1])

    def risk(network: DiagonalNetwork) -> float:
        return float(eigenvalue @ (network.coefficient - target) ** 2)

    rises = [
        risk(network.with_weights(network.hidden * kept, network.output)) - risk(network)
        for kept in 1 - np.eye(2)
    ]
    np.testing.assert_allclose(network.natural(eigenvalue, target).hidden, rises)


def test_a_sample_of_uncorrelated_features_trains_as_the_population() -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((30, 3)))
    eigenvalue, target = np.array([2.0, 1.0, 0.3]), np.array([1.0, -1.0, 2.0])
    inputs = basis * np.sqrt(30 * eigenvalue)
    start = DiagonalNetwork([0.3, 0.5, 0.2], [0.1, 0.4, -0.1])
    trained = gradient_flow(start, inputs, inputs @ target, 2.5, rtol=1e-9)
    expected = start.flow(eigenvalue, target, 2.5)
    np.testing.assert_allclose(trained.network.hidden, expected.hidden, atol=1e-7)
    np.testing.assert_allclose(trained.network.output, expected.output, atol=1e-7)
