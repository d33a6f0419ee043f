"""Measures of importance against deletion itself, and against differences of the loss."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from asymptotics.arithmetic import Array
from asymptotics.errors import InvalidInput, NoConvergence
from asymptotics.networks import (
    DiagonalNetwork,
    Importance,
    TwoLayer,
    globally,
    gradient_descent,
    hessian,
    magnitude,
    mean_squared_error,
    natural,
    obs,
    restored,
)
from asymptotics.networks.network import Layers, flat

RNG = np.random.default_rng(5)
X = RNG.standard_normal((300, 4))
Y = np.abs(X[:, 0]) - X[:, 1] + 0.3 * RNG.standard_normal(300)
RELU = gradient_descent(TwoLayer.random(6, 4, RNG), X, Y, steps=300).network
LINEAR = gradient_descent(
    TwoLayer.random(6, 4, RNG, activation="linear"), X, Y, steps=20_000
).network
BOTH = pytest.mark.parametrize("network", [RELU, LINEAR], ids=["relu", "linear"])


def one_by_one(network: TwoLayer) -> Iterator[tuple[Array, Array]]:
    """Each weight as a direction in the space of all, with its value."""
    yield from zip(np.eye(network.hidden.size + network.width), flat(network.weights), strict=True)


def moved(network: TwoLayer, change: Array) -> TwoLayer:
    split = network.hidden.size
    return network.with_weights(
        network.hidden + change[:split].reshape(network.hidden.shape),
        network.output + change[split:],
    )


def loss(network: TwoLayer) -> float:
    return mean_squared_error(network, X, Y)


@BOTH
def test_natural_importance_is_what_deletion_costs(network: TwoLayer) -> None:
    found = natural(network, X, Y)
    rises = [loss(moved(network, -w * e)) - loss(network) for e, w in one_by_one(network)]
    np.testing.assert_allclose(flat(found.weights), rises, rtol=1e-9, atol=1e-12)
    for j in range(network.width):
        output = np.array(network.output)
        output[j] = 0
        rise = loss(network.with_weights(network.hidden, output)) - loss(network)
        assert found.neurons[j] == pytest.approx(rise)
    for layer in found.layers:
        assert layer == pytest.approx(np.mean(Y**2) - loss(network))


@BOTH
def test_saliency_is_the_exact_diagonal_of_the_hessian(network: TwoLayer) -> None:
    """Of the loss itself, by differences so small that no neuron switches: it is Gauss-Newton's."""
    step, found = 1e-4, flat(hessian(network, X).weights)
    second = [
        (loss(moved(network, step * e)) - 2 * loss(network) + loss(moved(network, -step * e)))
        / step**2
        for e, _ in one_by_one(network)
    ]
    switched = [
        any((moved(network, s * step * e).slopes(X) != network.slopes(X)).any() for s in (1, -1))
        for e, _ in one_by_one(network)
    ]
    still = ~np.array(switched)
    assert still.mean() > 0.5
    expected = 0.5 * np.array(second) * flat(network.weights) ** 2
    np.testing.assert_allclose(found[still], expected[still], rtol=1e-4, atol=1e-8)


def test_off_the_diagonal_the_matrices_differ() -> None:
    """So that the statement about the diagonal says something."""
    e = np.eye(RELU.hidden.size + RELU.width)
    first, last, step = e[0], e[RELU.hidden.size], 1e-4
    mixed = (
        loss(moved(RELU, step * (first + last)))
        - loss(moved(RELU, step * (first - last)))
        - loss(moved(RELU, step * (last - first)))
        + loss(moved(RELU, -step * (first + last)))
    ) / (4 * step**2)
    active, slopes = RELU.active(X)[0], RELU.slopes(X)[0]
    gauss_newton = 2 * np.mean(RELU.output[0] * slopes * X[:, 0] * active)
    errors = 2 * np.mean((RELU(X) - Y) * slopes * X[:, 0])
    assert mixed == pytest.approx(gauss_newton + errors, rel=1e-3)
    assert abs(errors) > 1e-2 * abs(gauss_newton)


def test_trained_importance_is_saliency() -> None:
    """Where the gradient is zero and no neuron switches; away from the optimum they differ."""
    np.testing.assert_allclose(
        flat(natural(LINEAR, X, Y).weights), flat(hessian(LINEAR, X).weights), atol=1e-6
    )
    start = TwoLayer.random(6, 4, np.random.default_rng(5), activation="linear")
    assert not np.allclose(
        flat(natural(start, X, Y).weights), flat(hessian(start, X).weights), rtol=0.1
    )


@BOTH
@pytest.mark.parametrize("eta", [0.01, 30.0])
def test_rescaling_changes_magnitudes_alone(network: TwoLayer, eta: float) -> None:
    measures: list[Callable[[TwoLayer], Importance]] = [
        lambda network: hessian(network, X),
        lambda network: natural(network, X, Y),
    ]
    for measure in measures:
        before, after = measure(network), measure(network.rescaled(eta))
        np.testing.assert_allclose(flat(after.weights), flat(before.weights), atol=1e-12)
        np.testing.assert_allclose(after.neurons, before.neurons)
        np.testing.assert_allclose(after.layers, before.layers)
    shrunk = magnitude(network.rescaled(eta)).layers.output / magnitude(network).layers.output
    assert shrunk == pytest.approx(1 / eta)


@BOTH
def test_neurons_and_layers_are_quadratic_forms(network: TwoLayer) -> None:
    """Of the Gauss-Newton matrix; the hidden weights of a neuron or layer give the same."""
    found, n = hessian(network, X), len(X)
    steepness = (network.output[:, None] * network.slopes(X))[:, :, None] * X[None]
    for j in range(network.width):
        change = steepness[j] @ network.hidden[j]
        assert found.neurons[j] == pytest.approx(change @ change / n)
    whole = np.einsum("jni,ji->n", steepness, network.hidden)
    assert found.layers.hidden == pytest.approx(whole @ whole / n)
    assert found.layers.output == pytest.approx(np.mean(network(X) ** 2))


def test_obs_is_what_deletion_costs_after_refitting_the_layer() -> None:
    """Exact where the layer is optimal: the output layer by least squares."""
    features = RELU.active(X).T
    best = np.linalg.lstsq(features, Y, rcond=None)[0]
    network = RELU.with_weights(RELU.hidden, best)
    found = obs(network, X, damping=1e-12)
    for j in range(network.width):
        rest = np.delete(features, j, axis=1)
        refit = np.linalg.lstsq(rest, Y, rcond=None)[0]
        rise = np.mean((rest @ refit - Y) ** 2) - loss(network)
        assert found.weights.output[j] == pytest.approx(rise, rel=1e-6)
    assert (flat(found.weights) <= flat(hessian(network, X).weights) * (1 + 1e-6)).all()


def test_obs_refits_the_hidden_layer_too() -> None:
    """Of a linear neuron: by least squares over its other weights. Half of the cost is rejected."""
    best = np.linalg.lstsq(X, Y, rcond=None)[0]
    network = TwoLayer([best / 2], [2.0], "linear")
    costs = obs(network, X, damping=1e-12).weights.hidden[0]
    for i in range(4):
        rest = np.delete(X, i, axis=1)
        refit = np.linalg.lstsq(rest, Y, rcond=None)[0]
        rise = np.mean((rest @ refit - Y) ** 2) - loss(network)
        assert costs[i] == pytest.approx(rise, rel=1e-6)
        assert costs[i] / 2 != pytest.approx(rise, rel=0.1)


def test_obs_says_where_its_matrix_is_singular() -> None:
    with pytest.raises(NoConvergence, match="take more damping"):
        obs(TwoLayer.random(3, 4, 0, activation="linear"), X[:2], damping=1e-18)


def test_magnitudes() -> None:
    found = magnitude(TwoLayer([[3.0, -4.0], [0.0, 1.0]], [12.0, 0.0]))
    assert found.weights.hidden.tolist() == [[3, 4], [0, 1]]
    assert found.neurons.tolist() == [13, 1]
    assert found.layers == pytest.approx((26**0.5, 12))


def test_obs_over_both_layers_would_see_nothing() -> None:
    """Along (w, -v) a neuron is rescaled: the joint matrix lets any weight go for free."""
    active, slopes = RELU.active(X), RELU.slopes(X)
    steepness = ((RELU.output[:, None] * slopes)[:, None, :] * X.T).reshape(-1, len(X))
    derivatives = np.vstack([steepness, active])
    matrix = derivatives @ derivatives.T / len(X)
    costs = []
    for damping in (1e-4, 1e-8):
        damped = matrix + damping * matrix.diagonal().mean() * np.eye(len(matrix))
        costs.append(flat(RELU.weights) ** 2 / np.linalg.inv(damped).diagonal())
    assert costs[1].max() < 1e-3 * costs[0].max()
    by_layer = obs(RELU, X, 1e-8).weights.output
    np.testing.assert_allclose(by_layer, obs(RELU, X, 1e-10).weights.output, rtol=1e-4)
    assert by_layer.min() > costs[1].max()


def test_a_layer_put_back() -> None:
    """What it costs by hand, for one neuron on one input."""
    start, trained = TwoLayer([[1.0]], [1.0]), TwoLayer([[2.0]], [3.0])
    costs = restored(trained, start, [[1.0]], [6.0])
    assert costs == Layers((1 * 3 - 6) ** 2, (2 * 1 - 6) ** 2)
    assert restored(trained, trained, [[1.0]], [6.0]) == Layers(0, 0)


def test_large_networks_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = natural(RELU, X, Y).weights.hidden
    monkeypatch.setattr("asymptotics.networks.importance._BLOCK", 1)
    np.testing.assert_allclose(natural(RELU, X, Y).weights.hidden, whole, rtol=1e-9, atol=1e-15)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidInput, match="weights = 6000: must be at most 5000"):
        obs(TwoLayer(np.ones((60, 100)), np.ones(60)), np.ones((2, 100)))
    with pytest.raises(InvalidInput, match="damping = 0"):
        obs(RELU, X, damping=0)
    with pytest.raises(InvalidInput, match="initial"):
        restored(RELU, TwoLayer.random(3, 4, RNG), X, Y)
    with pytest.raises(InvalidInput, match="initial"):
        restored(RELU, LINEAR, X, Y)
    for measure in (magnitude, lambda network: hessian(network, X)):
        with pytest.raises(InvalidInput, match=r"network = .*must be a TwoLayer"):
            measure(DiagonalNetwork([1.0] * 4, [1.0] * 4))  # type: ignore[arg-type]


def test_dead_weights_cost_nothing() -> None:
    dead = TwoLayer(np.zeros((2, 4)), np.ones(2))
    for found in (hessian(dead, X), natural(dead, X, Y), obs(dead, X)):
        np.testing.assert_array_equal(flat(found.weights), np.zeros(10))


def with_idle_weights() -> TwoLayer:
    """Three neurons that matter, one that is never active, and an input that is always 0."""
    hidden = np.array([[1.0, 0.2, 9.0], [-0.5, 1.0, 8.0], [0.3, -1.0, 7.0], [-1.0, -1.0, 6.0]])
    return TwoLayer(hidden, [1.0, -2.0, 0.7, 300.0])


def test_obs_ranks_weights_that_do_nothing_first() -> None:
    """Whatever their size and the damping: what they do is nothing, and so is their score."""
    inputs = np.abs(np.random.default_rng(1).standard_normal((40, 3))) * [1, 1, 0]
    network = with_idle_weights()
    idle = Layers(np.zeros((4, 3), dtype=bool), np.array([False, False, False, True]))
    idle.hidden[3], idle.hidden[:, 2] = True, True
    rises = flat(natural(network, inputs, network(inputs)).weights)
    assert (rises[flat(idle)] == 0).all()
    assert (rises[~flat(idle)] > 1e-6).all()
    for damping in (1e-12, 1e-6, 1e-2, 1.0):
        scores = flat(obs(network, inputs, damping).weights)
        assert (scores[flat(idle)] == 0).all()
        assert scores[~flat(idle)].min() > 0
    kept = globally(obs(network, inputs).weights, 6 / 16, 0)
    assert not (flat(kept) & flat(idle)).any()


@pytest.mark.parametrize("damping", [1e-6, 1e-3, 1.0])
def test_obs_is_what_its_own_change_of_the_weights_costs(damping: float) -> None:
    """Delete each output weight and add what OBS has the others do: the loss rises by the score.

    The layer is optimal for its targets, so that the loss is a quadratic form around it.  Two
    neurons are alike: each makes up for the other, but for the damping.
    """
    hidden = np.vstack([RELU.hidden, RELU.hidden[:1]])
    active = np.maximum(hidden @ X.T, 0)
    output = np.linalg.lstsq(active.T, Y, rcond=None)[0] + 0.0
    output[[0, -1]] += 5.0, -5.0  # which says the same
    network = TwoLayer(hidden, output)
    matrix = active @ active.T / len(X)
    mu = damping * np.mean(np.diag(matrix))
    scores = obs(network, X, damping).weights.output
    for j in range(len(output)):
        others = [i for i in range(len(output)) if i != j]
        # The least of (G + mu) over changes that delete j, by the normal equations.
        change = np.zeros(len(output))
        change[j] = -output[j]
        damped = matrix + mu * np.eye(len(output))
        change[others] = np.linalg.solve(
            damped[np.ix_(others, others)], -damped[np.ix_(others, [j])] @ change[[j]]
        )
        rise = loss(network.with_weights(hidden, output + change)) - loss(network)
        assert scores[j] == pytest.approx(rise, rel=1e-6, abs=1e-9)


def test_obs_scores_what_others_make_up_for_below_all_that_is_lost() -> None:
    """A weight outside the range of the Hessian has a best deletion that costs nothing."""
    hidden = np.vstack([RELU.hidden, RELU.hidden[:1]])
    output = np.append(RELU.output, 200.0)
    scores = obs(TwoLayer(hidden, output), X).weights.output
    twins, rest = scores[[0, -1]], scores[1:-1]
    active = np.maximum(hidden @ X.T, 0)
    for j in range(len(output)):  # the actual cost, by refitting what the network says
        said = output @ active
        others = np.delete(active, j, axis=0)
        cost = np.mean((said - others.T @ np.linalg.lstsq(others.T, said, rcond=None)[0]) ** 2)
        assert scores[j] == pytest.approx(cost, rel=1e-3, abs=1e-6)
    assert twins.max() < 1e-3 * rest.min()
