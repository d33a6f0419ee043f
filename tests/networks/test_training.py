"""Networks and their training: what is conserved, what converges, and what does not."""

import copy

import numpy as np
import pytest

from asymptotics.errors import InvalidInput
from asymptotics.networks import (
    DiagonalNetwork,
    Network,
    TwoLayer,
    gradient_descent,
    gradient_flow,
    mean_squared_error,
)
from asymptotics.networks.network import Layers, flat

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4))
Y = np.abs(X[:, 0]) - X[:, 1]
LINEAR = TwoLayer.random(6, 4, np.random.default_rng(1), activation="linear")
RELU = TwoLayer.random(6, 4, np.random.default_rng(1))
DIAGONAL = DiagonalNetwork([1.0, -0.5, 0.3, 0.1], [0.2, 0.4, 0.3, -0.2])
NETWORKS = pytest.mark.parametrize("network", [RELU, LINEAR, DIAGONAL], ids=repr)


@NETWORKS
def test_the_gradient_is_that_of_the_loss(network: Network) -> None:
    here = network.gradient(X, Y)(network.hidden, network.output)
    assert here.loss == pytest.approx(mean_squared_error(network, X, Y))
    theta, step, split = flat(network.weights), 1e-6, network.hidden.size
    for index, slope in enumerate(flat(Layers(here.of_hidden, here.of_output))):
        change = step * (np.arange(theta.size) == index)
        ahead, behind = (
            mean_squared_error(
                network.with_weights(moved[:split].reshape(network.hidden.shape), moved[split:]),
                X,
                Y,
            )
            for moved in (theta + change, theta - change)
        )
        assert slope == pytest.approx((ahead - behind) / (4 * step), abs=1e-8)


@NETWORKS
@pytest.mark.parametrize("size", [1.0, 0.05])
def test_the_bound_is_no_less_than_the_sharpness(network: Network, size: float) -> None:
    """Of the Hessian, from differences of the gradient; errors are most of it near zero."""
    network = network.with_weights(size * network.hidden, size * network.output)
    theta, split, step = flat(network.weights), network.hidden.size, 1e-6
    gradient = network.gradient(X, Y)

    def slope(moved: np.ndarray) -> np.ndarray:
        here = gradient(moved[:split].reshape(network.hidden.shape), moved[split:])
        return flat(Layers(here.of_hidden, here.of_output))

    columns = [
        (slope(theta + e) - slope(theta - e)) / (2 * step) for e in step * np.eye(theta.size)
    ]
    hessian = np.array(columns)
    sharpness = np.abs(np.linalg.eigvalsh((hessian + hessian.T) / 2)).max()
    bound = gradient.sharpness_bound(network.hidden, network.output)
    assert sharpness <= bound * (1 + 1e-6)
    assert bound <= 10 * sharpness


@NETWORKS
@pytest.mark.parametrize("scale", [1.0, 1000.0])
@pytest.mark.parametrize("size", [1.0, 0.01])
def test_descent_never_rises(network: Network, scale: float, size: float) -> None:
    """From small starts and for large targets errors are most of the sharpness."""
    start = network.with_weights(size * network.hidden, size * network.output)
    trained = gradient_descent(start, X, scale * Y, steps=2000)
    assert trained.status != "diverged"
    assert (np.diff(trained.loss) <= 1e-12 * trained.loss[0]).all()
    assert trained.loss[-1] < 0.9 * trained.loss[0]


@NETWORKS
def test_rescaled_layers_compute_the_same(network: Network) -> None:
    np.testing.assert_allclose(network.rescaled(7.0)(X), network(X), rtol=1e-12)
    wrong = network.with_weights(7.0 * network.hidden, network.output / 6.0)
    assert not np.allclose(wrong(X), network(X))


@pytest.mark.parametrize("network", [LINEAR, DIAGONAL], ids=repr)
def test_flow_conserves_to_its_tolerance(network: Network) -> None:
    drifts = [
        np.abs(gradient_flow(network, X, Y, 20.0, rtol=rtol).drift).max()
        for rtol in (1e-4, 1e-7, 1e-10)
    ]
    for rtol, drift in zip((1e-4, 1e-7, 1e-10), drifts, strict=True):
        assert drift < 30 * rtol
    assert drifts[2] < 1e-3 * drifts[0]


def test_flow_conserves_for_relu_too() -> None:
    """Although its velocity jumps."""
    trained = gradient_flow(RELU, X, Y, 3.0, rtol=1e-5)
    assert np.abs(trained.drift).max() < 1e-4 < np.abs(flat(trained.network.weights)).max()


def test_what_is_not_conserved_is_told_from_what_is() -> None:
    """A sum in place of the difference changes, and so does the difference under large steps."""
    trained = gradient_flow(LINEAR, X, Y, 20.0, rtol=1e-10)

    def total(network: TwoLayer) -> np.ndarray:
        return np.asarray(np.vecdot(network.hidden, network.hidden) + network.output**2)

    assert np.abs(total(trained.network) - total(trained.initial)).max() > 0.1
    large, small = (
        np.abs(gradient_descent(LINEAR, X, Y, steps, step).drift).max()
        for steps, step in ((200, 0.5), (20_000, 0.005))
    )
    assert 1e-8 < small < 0.02 * large


@NETWORKS
def test_small_steps_follow_the_flow(network: Network) -> None:
    course = gradient_descent(network, X, Y, steps=4000, step=0.002)
    flow = gradient_flow(network, X, Y, course.time[-1], rtol=1e-7, evaluations=10**6)
    assert flow.time[-1] == pytest.approx(course.time[-1])
    np.testing.assert_allclose(flat(course.network.weights), flat(flow.network.weights), atol=3e-3)
    assert course.moved.hidden > 0.05


def test_descent_converges_and_says_so() -> None:
    trained = gradient_descent(LINEAR, X, X @ [1.0, 2.0, 3.0, 0.0], steps=20_000)
    assert trained.status == "converged"
    assert trained.reason == ""
    assert trained.slowdown <= 1e-8
    assert len(trained.loss) == len(trained.time) < 20_000
    assert trained.loss[-1] < 1e-12


def test_an_end_of_time_is_told() -> None:
    for trained in (gradient_descent(RELU, X, Y, steps=3), gradient_flow(RELU, X, Y, 0.01)):
        assert (trained.status, trained.reason) == ("unfinished", "time is up")
    stopped = gradient_flow(RELU, X, Y, 1e3, rtol=1e-9, evaluations=2000)
    assert stopped.status == "unfinished"
    assert "larger rtol" in stopped.reason
    assert stopped.time[-1] < 1e3


def test_divergence_is_told_and_is_no_number() -> None:
    trained = gradient_descent(RELU, X, Y, steps=500, step=300.0)
    assert trained.status == "diverged"
    assert "smaller step" in trained.reason
    assert np.isinf(trained.slowdown)
    assert np.isfinite(flat(trained.network.weights)).all()
    assert "diverged" in repr(trained)


def test_small_numbers_are_no_zeros() -> None:
    """Their squares would be."""
    usual = gradient_descent(LINEAR, X, X @ [1.0, 2.0, 3.0, 0.0], 2000)
    tiny = gradient_descent(LINEAR, 1e-45 * X, 1e-45 * X @ [1.0, 2.0, 3.0, 0.0], 2000)
    assert tiny.status == usual.status
    assert len(tiny.loss) == len(usual.loss)
    rest = gradient_descent(DiagonalNetwork([1.0], [1.0]), [[1e-45]], [2e-45])
    assert rest.network.coefficient == pytest.approx(2)


def test_a_start_at_rest_has_converged() -> None:
    still = TwoLayer(np.zeros((2, 4)), np.zeros(2))
    for trained in (gradient_descent(still, X, Y), gradient_flow(still, X, Y, 1.0)):
        assert trained.status == "converged"
        assert trained.moved == (0, 0)


def test_an_antisymmetric_start_is_zero() -> None:
    start = TwoLayer.random(10, 4, np.random.default_rng(2), antisymmetric=True)
    np.testing.assert_allclose(start(X), 0, atol=1e-14)
    np.testing.assert_allclose(np.abs(start.output), 10**-0.5)
    assert TwoLayer.random(500, 20, np.random.default_rng(3)).hidden.std() == pytest.approx(
        20**-0.5, rel=0.05
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: TwoLayer([[1, 2]], [1, 2]), r"shapes = .*must be \(m, d\) and \(m,\)"),
        (lambda: TwoLayer([1, 2], [1, 2]), "shapes"),
        (lambda: TwoLayer([[np.nan]], [1]), r"hidden\[0, 0\] = nan"),
        (lambda: TwoLayer([[1]], [1], "tanh"), "activation = 'tanh'.*relu, linear"),
        (lambda: TwoLayer.random(3, 2, 0, antisymmetric=True), "width = 3: must be even"),
        (lambda: TwoLayer.random(-2, 2, 0), "width = -2: must be a whole number"),
        (lambda: TwoLayer.random(2, 1.5, 0), r"features = 1\.5"),  # type: ignore[arg-type]
        (lambda: RELU(1e60 * X), "inputs.*must be of magnitude"),
        (lambda: gradient_descent("net", X, Y), "network = 'net'"),  # type: ignore[type-var]
        (lambda: DiagonalNetwork([1, 2], [1]), "shapes"),
        (lambda: RELU(X[:, :3]), r"inputs = 'shape \(40, 3\)'.*\(n, 4\)"),
        (lambda: RELU.rescaled(0), "eta = 0"),
        (lambda: gradient_descent(RELU, X, Y[:-1]), "targets"),
        (lambda: gradient_descent(RELU, X, Y, steps=0), "steps = 0"),
        (lambda: gradient_descent(RELU, X, Y, steps=True), "steps = True"),
        (lambda: gradient_descent(RELU, X, Y, step=-1), "step = -1"),
        (lambda: gradient_flow(RELU, X, Y, np.inf), "time = inf"),
        (lambda: gradient_flow(RELU, X, Y, 1.0, method="Euler"), "method = 'Euler'"),
        (lambda: gradient_flow(RELU, X, Y, 1.0, rtol=2), "rtol = 2"),
        (lambda: DIAGONAL.flow([1, 2], 1, 1.0), "eigenvalue"),
        (lambda: DIAGONAL.flow(-1, 1, 1.0), "eigenvalue = -1"),
        (lambda: DIAGONAL.flow(1, 1, -1.0), "time = -1"),
        (lambda: DIAGONAL.flow(1, 1, [1.0, 2.0]), "time"),  # type: ignore[arg-type]
        (lambda: DIAGONAL.trained(np.inf), "target = inf"),
    ],
)
def test_bad_input_is_named(change, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        change()


def test_weights_cannot_be_written() -> None:
    for network in (RELU, DIAGONAL, copy.deepcopy(RELU)):
        with pytest.raises(ValueError, match="read-only"):
            network.hidden[0] = 1
    mine = np.ones((1, 1))
    network = TwoLayer(mine, [1])
    mine[0, 0] = 5
    assert network.hidden.item() == 1
