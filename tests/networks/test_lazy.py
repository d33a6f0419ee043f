"""Lazy training: predictions where they apply, and where they must fail."""

import mpmath
import numpy as np
import pytest

from asymptotics.errors import InvalidInput
from asymptotics.networks import (
    Training,
    TwoLayer,
    gradient_descent,
    lazy_limit,
    lazy_prediction,
    modes,
    tangent_kernel,
)
from asymptotics.networks.network import flat

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 20))
Y = np.abs(X[:, 0]) - 0.8
ACTIVATIONS = pytest.mark.parametrize("activation", ["relu", "linear"])


def start(activation: str, width: int = 64) -> TwoLayer:
    return TwoLayer.random(width, 20, np.random.default_rng(1), True, activation)


def trained(activation: str, eta: float) -> Training[TwoLayer]:
    run = gradient_descent(start(activation).rescaled(eta), X, Y, 50_000, step=0.2)
    assert run.status == "converged"
    return run


def learned_by_output(run: Training[TwoLayer]) -> float:
    """The share of v, from what the network says with the hidden layer as it was."""
    half = run.network.with_weights(run.initial.hidden, run.network.output)
    return float(half(X) @ Y / (Y @ Y))


@ACTIVATIONS
def test_the_kernel_is_made_of_derivatives(activation: str) -> None:
    network, step = start(activation, 8), 1e-6
    kernel = tangent_kernel(network, X)
    theta, split = flat(network.weights), network.hidden.size

    def outputs(moved: np.ndarray) -> np.ndarray:
        return network.with_weights(moved[:split].reshape(network.hidden.shape), moved[split:])(X)

    directions = step * np.eye(theta.size)
    differences = [outputs(theta + change) - outputs(theta - change) for change in directions]
    jacobian = np.array(differences).T / (2 * step)
    for part, columns in ((kernel.hidden, slice(split)), (kernel.output, slice(split, None))):
        np.testing.assert_allclose(part, jacobian[:, columns] @ jacobian[:, columns].T, atol=1e-7)


@ACTIVATIONS
@pytest.mark.parametrize("eta", [0.3, 1.0, 5.0])
def test_modes_solve_the_linear_model(activation: str, eta: float) -> None:
    """Against the minimum-norm solution by its definition."""
    network = start(activation)
    kernel = tangent_kernel(network, X)
    found = lazy_prediction(modes(network, X, Y), eta)
    solution = np.linalg.solve(eta**2 * kernel.output + kernel.hidden / eta**2, Y)
    assert found.moved.output**2 == pytest.approx(eta**2 * solution @ kernel.output @ solution)
    assert found.moved.hidden**2 == pytest.approx(solution @ kernel.hidden @ solution / eta**2)
    assert found.share.output == pytest.approx(eta**2 * (kernel.output @ solution) @ Y / (Y @ Y))
    assert found.share.hidden + found.share.output == pytest.approx(1)


@ACTIVATIONS
def test_large_scales_are_lazy(activation: str) -> None:
    """The way of v and its share as predicted, better and better; that of W to its limit."""
    found, limit = modes(start(activation), X, Y), lazy_limit(start(activation), X, Y)
    assert found.lazy
    errors: list[list[float]] = []
    for eta in (3.0, 12.0):
        run, predicted = trained(activation, eta), lazy_prediction(found, eta)
        errors.append(
            [
                float(run.moved.output / predicted.moved.output - 1),
                run.moved.output * eta / limit.output - 1,
                run.moved.hidden * eta**3 / limit.hidden - 1,
                float(learned_by_output(run) - predicted.share.output),
            ]
        )
    assert (np.abs(errors[0]) < 0.05).all()
    assert (np.abs(errors[1]) < 2e-3).all()
    # More important while smaller: the opposite is rejected.
    assert learned_by_output(run) > 0.999
    assert np.abs(run.network.output).mean() < 0.05 < np.abs(run.network.hidden).mean()


@ACTIVATIONS
def test_wrong_rates_are_rejected(activation: str) -> None:
    """Rates by one power of eta off, and the constant of the linear model for W."""
    moved = [trained(activation, eta).moved for eta in (4.0, 8.0)]
    hidden = np.log2(moved[0].hidden / moved[1].hidden)
    output = np.log2(moved[0].output / moved[1].output)
    assert hidden == pytest.approx(3, abs=0.05)
    assert output == pytest.approx(1, abs=0.05)
    frozen = lazy_prediction(modes(start(activation), X, Y), 8.0).moved.hidden
    assert moved[1].hidden / frozen > 1.02


def test_small_scales_mirror_it() -> None:
    """For the linear activation constants too; ReLU's neurons switch, and orders alone hold."""
    for activation, tolerance in (("linear", 1e-3), ("relu", 0.1)):
        found = modes(start(activation), X, Y)
        ratio = [
            trained(activation, eta).moved.hidden / lazy_prediction(found, eta).moved.hidden
            for eta in (0.05, 0.025)
        ]
        assert abs(ratio[1] - 1) < tolerance
    assert abs(ratio[1] - 1) > 2e-3


def test_with_more_samples_than_neurons_nothing_of_it_holds() -> None:
    """The output layer cannot learn all; hidden weights move by as much as they are."""
    network, rng = start("relu", 8), np.random.default_rng(3)
    x = rng.standard_normal((60, 20))
    y = np.abs(x[:, 0]) - 0.8
    assert not modes(network, x, y).lazy
    with pytest.raises(InvalidInput, match=r"inputs = 60: must be fewer samples: .* 4 of them"):
        lazy_limit(network, x, y)
    # The linear model itself: what v cannot learn is left to W, without rounding noise.
    active = network.active(x)
    steepness = ((network.output[:, None] * network.slopes(x))[:, None, :] * x.T).reshape(-1, 60)
    for eta in (1.0, 30.0, 1000.0):
        derivatives = np.vstack([eta * active, steepness / eta])
        way = np.linalg.lstsq(derivatives.T, y, rcond=1e-14)[0]
        predicted = lazy_prediction(modes(network, x, y), eta).moved
        assert predicted.output == pytest.approx(np.linalg.norm(way[:8]), rel=1e-4)
        assert predicted.hidden == pytest.approx(np.linalg.norm(way[8:]), rel=1e-9)
    moved = [
        gradient_descent(network.rescaled(eta), x, y, 100_000, step=1.0).moved for eta in (2.0, 4.0)
    ]
    assert moved[1].hidden > moved[0].hidden  # it would fall by a factor 8
    assert moved[1].hidden > 0.1 * np.linalg.norm(network.rescaled(4.0).hidden)


def test_nothing_to_learn_is_refused() -> None:
    dead = TwoLayer(np.zeros((3, 20)), np.zeros(3))
    with pytest.raises(InvalidInput, match="must depend on its weights"):
        modes(dead, X, Y)
    with pytest.raises(InvalidInput, match="must leave something to learn"):
        modes(start("relu", 8), X, 0 * Y)


def test_any_scale_of_the_network_is_one_problem() -> None:
    """Modes of a rescaled start predict what those of the start do, at extreme scales as well."""
    balanced = modes(start("relu"), X, Y)
    for factor in (1e-5, 1e5):
        found = lazy_prediction(modes(start("relu").rescaled(factor), X, Y), 2.0 / factor)
        expected = lazy_prediction(balanced, 2.0)
        np.testing.assert_allclose(found.moved, expected.moved, rtol=1e-9)
        np.testing.assert_allclose(found.share, expected.share, rtol=1e-9)
    tiny, small = (lazy_prediction(balanced, eta).moved for eta in (1e-45, 1e-5))
    assert tiny.hidden / small.hidden == pytest.approx(1e-40)


def exactly(network: TwoLayer, x: np.ndarray, y: np.ndarray, eta: float) -> tuple[float, ...]:
    """Distances of both layers and the share of v: the least solution of the linear model."""
    with mpmath.workdps(60):
        exact = mpmath.matrix
        hidden, inputs, output = exact(network.hidden), exact(x), exact(network.output)
        before = hidden * inputs.T
        slopes = before.apply(lambda z: mpmath.mpf(z > 0))
        active = exact([[z * (z > 0) for z in row] for row in before.tolist()])
        sent = mpmath.diag(list(output)) * slopes
        products, weights = inputs * inputs.T, sent.T * sent
        n = len(y)
        of_hidden = exact(n, n)
        for i, j in np.ndindex(n, n):
            of_hidden[i, j] = products[i, j] * weights[i, j] / eta**2
        of_output = active.T * active * eta**2
        error = exact(y) - active.T * output
        solved = mpmath.lu_solve(of_hidden + of_output, error)
        sizes = [(solved.T * part * solved)[0] for part in (of_hidden, of_output)]
        share = (error.T * of_output * solved)[0] / (error.T * error)[0]
        return tuple(map(float, (mpmath.sqrt(sizes[0]), mpmath.sqrt(sizes[1]), share)))


@pytest.mark.parametrize(("width", "lazy"), [(4, False), (16, True)])
@pytest.mark.parametrize(("distance", "digits"), [(1e-2, 1e-11), (1e-4, 1e-8), (1e-6, 1e-7)])
def test_inputs_may_be_nearly_equal(width: int, lazy: bool, distance: float, digits: float) -> None:
    rng = np.random.default_rng(3)
    network = TwoLayer.random(width, 6, rng)
    x = rng.standard_normal((4, 6))
    x = np.vstack([x, x[0] + distance * rng.standard_normal(6)])
    y = x[:, 0] + 0.1 * rng.standard_normal(5)
    found = modes(network, x, y)
    assert found.lazy == lazy  # 4 neurons tell 4 samples apart, and the hidden layer the fifth
    for eta in (1.0, 1e3):
        predicted = lazy_prediction(found, eta)
        values = (*predicted.moved, predicted.share.output)
        assert values == pytest.approx(exactly(network, x, y, eta), rel=digits)


def test_inputs_that_rounding_alone_tells_apart() -> None:
    rng = np.random.default_rng(3)
    network, x = TwoLayer.random(4, 6, rng), rng.standard_normal((4, 6))
    y = x[:, 0]
    twice = modes(network, np.vstack([x, x[0]]), np.append(y, y[0]))
    assert len(twice.error) == 4
    nearly = x[0] * (1 + 1e-13 * rng.standard_normal(6))
    with pytest.raises(InvalidInput, match="must differ: some are equal but for rounding"):
        modes(network, np.vstack([x, nearly]), np.append(y, 1.0))
