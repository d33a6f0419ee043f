"""Which weights are kept."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymptotics.errors import InvalidInput
from asymptotics.networks import DiagonalNetwork, TwoLayer, by_layer, globally, magnitude, prune
from asymptotics.networks.network import Layers, flat
from asymptotics.networks.pruning import MEASURES

NETWORK = TwoLayer.random(7, 5, np.random.default_rng(0))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@given(
    st.integers(0, 84).map(lambda k: k / 84),
    st.sampled_from([0.1, 1.0, 10.0]),
    st.sampled_from(list(MEASURES)),
)
def test_exactly_the_fraction_asked_for_is_kept(alpha: float, eta: float, rule: str) -> None:
    network = NETWORK.rescaled(eta)
    x = np.random.default_rng(2).standard_normal((20, 5))
    scores = MEASURES[rule](network, x, x[:, 0], rng())
    kept = globally(scores, alpha, rng())
    assert flat(kept).sum() == round(alpha * 42)
    assert (
        flat(scores)[flat(kept)].min(initial=np.inf)
        >= flat(scores)[~flat(kept)].max(initial=-np.inf) * (1 - 1e-9) - 1e-12
    )
    each = by_layer(scores, alpha, rng())
    assert (each.hidden.sum(), each.output.sum()) == (round(alpha * 35), round(alpha * 7))


def test_pruned_weights_are_zero_and_others_stay() -> None:
    scores = magnitude(NETWORK).weights
    pruned = prune(NETWORK, globally(scores, 0.5, rng()))
    np.testing.assert_array_equal(pruned.network.hidden != 0, pruned.kept.hidden)
    np.testing.assert_array_equal(
        pruned.network.hidden[pruned.kept.hidden], NETWORK.hidden[pruned.kept.hidden]
    )
    assert pruned.share.hidden == pruned.kept.hidden.sum() / 35


@pytest.mark.parametrize(("eta", "collapsed"), [(0.01, ("hidden",)), (1, ()), (100, ("output",))])
def test_a_layer_that_collapses_is_named(eta: float, collapsed: tuple[str, ...]) -> None:
    network = NETWORK.rescaled(eta)
    alpha = 7 / 42 if eta < 1 else 0.8
    pruned = prune(network, globally(magnitude(network).weights, alpha, rng()))
    assert pruned.collapsed == collapsed
    assert not prune(network, by_layer(magnitude(network).weights, alpha, rng())).collapsed


def test_nothing_and_everything() -> None:
    scores = magnitude(NETWORK).weights
    assert prune(NETWORK, globally(scores, 0, rng())).collapsed == ("hidden", "output")
    assert prune(NETWORK, globally(scores, 1, rng())).share == (1, 1)


def test_ties_fall_at_random() -> None:
    """All output weights of a start are as large: which are kept is no matter of their order."""
    scores = Layers(np.zeros((5, 1)), np.ones(5))
    counts = np.zeros(5)
    generator = rng()
    for _ in range(500):
        counts += globally(scores, 0.2, generator).output
    assert counts.sum() == 1000
    assert counts.min() > 150
    assert counts.max() < 250


def test_negative_scores_are_ranked_too() -> None:
    scores = Layers(np.array([[-3.0, -1.0]]), np.array([-2.0]))
    kept = globally(scores, 1 / 3, rng())
    assert flat(kept).tolist() == [False, True, False]
    kept = globally(scores, 2 / 3, rng())
    assert flat(kept).tolist() == [False, True, True]


def test_a_diagonal_network_is_pruned_too() -> None:
    network = DiagonalNetwork([3.0, 0.1], [0.2, 5.0])
    pruned = prune(network, globally(Layers(abs(network.hidden), abs(network.output)), 0.5, rng()))
    assert pruned.network.coefficient.tolist() == [0, 0]


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_fractions_are_checked(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        globally(magnitude(NETWORK).weights, alpha, rng())


def test_scores_are_checked() -> None:
    with pytest.raises(InvalidInput, match="scores"):
        globally(Layers(np.array([[np.nan]]), np.array([1.0])), 0.5, rng())
    with pytest.raises(InvalidInput, match="scores = 'Importance': must be Layers"):
        globally(magnitude(NETWORK), 0.5, rng())  # type: ignore[arg-type]


def test_masks_are_checked() -> None:
    """Numbers, and masks of other shapes, would multiply weights all the same."""
    scores = magnitude(NETWORK).weights
    kept = globally(scores, 0.5, 0)
    for wrong in (scores, Layers(kept.hidden[:1], kept.output), Layers(kept.hidden, True)):
        with pytest.raises(InvalidInput, match=r"kept\.(hidden|output)"):
            prune(NETWORK, wrong)  # type: ignore[arg-type]
    message = (
        r"kept\.hidden = 'float64 of shape \(7, 5\)': must be a boolean mask of shape \(7, 5\)"
    )
    with pytest.raises(InvalidInput, match=message):
        prune(NETWORK, scores)
    with pytest.raises(InvalidInput, match="kept"):
        prune(NETWORK, (True, True))  # type: ignore[arg-type]


def test_masks_may_be_lists() -> None:
    kept = globally(magnitude(NETWORK).weights, 0.5, 0)
    lists: Any = Layers(kept.hidden.tolist(), kept.output.tolist())
    assert prune(NETWORK, lists).share == prune(NETWORK, kept).share
