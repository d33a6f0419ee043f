"""What is kept of a start: against the theory line, and against starts that are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymptotics import Population
from asymptotics.errors import InvalidInput
from asymptotics.networks import (
    TwoLayer,
    deleting_scale,
    globally,
    kept_at_start,
    magnitude,
    prune,
)
from asymptotics.theory import MAGNITUDE, Channel, kept_share, threshold

ETA, ALPHA = st.floats(0.2, 5), st.floats(0.02, 0.98)


@given(ETA, ALPHA, st.integers(1, 40), st.integers(1, 400))
def test_it_is_pruning_of_a_population(eta: float, alpha: float, d: int, m: int) -> None:
    """By the equations of the linear model: one group has a density, the other an atom."""
    population = Population(
        weight=[d / (d + 1), 1 / (d + 1)], mean=[0, 1 / (eta * m**0.5)], std=[eta / d**0.5, 0]
    )
    groups, none = population.groups(), np.zeros(2)
    law = Channel(*groups, 1 + none, none, none)
    cut = threshold(MAGNITUDE.score(law), np.array(alpha))
    expected = kept_share(law, MAGNITUDE, cut)
    found = kept_at_start(eta, alpha, d, m)
    np.testing.assert_allclose([found.hidden, found.output], expected, atol=1e-8)


@given(ETA, ALPHA, st.integers(1, 40), st.integers(1, 400))
def test_what_is_kept_is_the_fraction(eta: float, alpha: float, d: int, m: int) -> None:
    found = kept_at_start(eta, alpha, d, m)
    assert (d * found.hidden + found.output) / (d + 1) == pytest.approx(alpha)
    assert 0 <= found.hidden <= 1
    assert 0 <= found.output <= 1


@given(st.floats(0.02, 0.8), st.integers(10, 40), st.integers(1, 400))
def test_the_scale_is_where_the_last_output_weight_goes(alpha: float, d: int, m: int) -> None:
    scale = float(deleting_scale(alpha, d, m))
    above, below = (kept_at_start(scale * x, alpha, d, m).output for x in (1.0001, 0.9999))
    assert above == 0
    assert below > 0
    # Keeping more, or fewer, moves it: the wrong side of alpha is told.
    wrong = float(deleting_scale(min(1.05 * alpha, 1.0), d, m))
    assert kept_at_start(wrong * 0.9999, alpha, d, m).output == 0


def test_starts_that_are_drawn() -> None:
    """At a width where the fraction is sharp; the scale of another width is told from it."""
    m, d, alpha, runs = 4000, 20, 0.5, 6
    for eta in (0.25, 0.3, 0.33, 0.34, 0.5):
        shares = []
        for seed in range(runs):
            rng = np.random.default_rng([seed, 7])
            network = TwoLayer.random(m, d, rng).rescaled(eta)
            shares.append(prune(network, globally(magnitude(network).weights, alpha, rng)).share)
        expected = kept_at_start(eta, alpha, d, m)
        error = np.std([share.output for share in shares]) / runs**0.5 + 1e-9
        assert abs(np.mean([share.output for share in shares]) - expected.output) < 5 * error
        assert np.mean([share.hidden for share in shares]) == pytest.approx(
            expected.hidden, abs=1e-3
        )
    part = kept_at_start(0.33, alpha, d, m).output
    assert 0.02 < part < 0.98  # a test of more than the ends
    assert kept_at_start(0.33, alpha, d, 1.1 * m).output == 0


def test_the_limits() -> None:
    assert deleting_scale([0.96, 1], 20, 64).tolist() == [np.inf, np.inf]
    assert kept_at_start(1e4, 0.99, 20, 64).output == pytest.approx(0.99 * 21 - 20)
    assert deleting_scale(0, 20, 64) == 0


def test_parameters_broadcast_and_are_checked() -> None:
    found = kept_at_start(np.ones((3, 1)), np.array([0.1, 0.5]), 20, 64)
    assert found.output.shape == (3, 2)
    with pytest.raises(InvalidInput, match="eta = 0"):
        kept_at_start(0, 0.5, 20, 64)
    with pytest.raises(InvalidInput, match="alpha = 2"):
        deleting_scale(2, 20, 64)
    with pytest.raises(InvalidInput, match=r"width = 0\.5"):
        deleting_scale(0.5, 20, 0.5)
