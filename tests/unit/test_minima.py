"""The search for local minima, on functions whose minima are known."""

import numpy as np
import pytest

from asymptotics.choices.minima import local_minima


def test_minima_of_polynomials_are_the_roots_of_their_slopes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        roots = np.sort(rng.uniform(-1, 2, rng.integers(0, 7)))
        if roots.size > 1 and np.diff(roots).min() < 1e-2:  # a double root is no minimum
            continue
        slope = np.polynomial.Polynomial.fromroots(roots) if roots.size else None
        slope = slope or np.polynomial.Polynomial([1.0])
        value = slope.integ()

        def function(x, value=value, slope=slope):
            return value(x), slope(x)

        found = local_minima(function, -1.5, 2.5)
        # From the right the slope is positive: every other root is a minimum.
        expected = roots[::-1][::2][::-1]
        ends = [-1.5] if roots.size % 2 == 0 else []
        assert found.complete
        np.testing.assert_allclose(
            [minimum.x for minimum in found.minima], [*ends, *expected], atol=1e-7
        )


def test_a_narrow_minimum_next_to_a_point_in_focus_is_seen() -> None:
    def function(x):
        return np.log1p(((x - 3e-5) / 1e-5) ** 2) - x, 2 * (x - 3e-5) / (
            1e-10 + (x - 3e-5) ** 2
        ) - 1

    focused = local_minima(function, 0, 1, focus=[0.0]).minima
    assert [round(minimum.x, 9) for minimum in focused[:1]] == [3e-05]


def test_the_grid_is_doubled_until_it_shows_no_further_minimum() -> None:
    """61 oscillations are more than the first grid can show."""

    def function(x):
        return np.cos(61 * 2 * np.pi * x), -61 * 2 * np.pi * np.sin(61 * 2 * np.pi * x)

    found = local_minima(function, 0, 1)
    assert found.complete
    places = [minimum.x for minimum in found.minima]
    np.testing.assert_allclose(places, (np.arange(61) + 0.5) / 61, atol=1e-9)


def test_a_search_that_does_not_settle_says_so() -> None:
    def function(x):
        return np.cos(9001 * x), -9001 * np.sin(9001 * x)

    assert not local_minima(function, 0, 1).complete


@pytest.mark.parametrize("slope", [1, -1])
def test_a_kink_is_a_minimum_and_each_side_of_a_break_is_searched(slope: int) -> None:
    def kink(x):
        return abs(x - 0.3), np.sign(x - 0.3)

    (found,) = local_minima(kink, 0, 1).minima
    assert found.x == pytest.approx(0.3, abs=1e-12)
    (found,) = local_minima(kink, 0, 1, breaks=[0.3]).minima
    assert (found.x, found.end) == (0.3, False)

    def pole(x):  # infinite at 0.5, with a minimum on either side
        gap = abs(x - 0.5)
        return 1 / gap + 100 * gap, np.sign(x - 0.5) * (100 - 1 / gap**2)

    with np.errstate(divide="ignore", invalid="ignore"):
        both = local_minima(pole, 0, 1, breaks=[0.5]).minima
    np.testing.assert_allclose([minimum.x for minimum in both], [0.4, 0.6])
    # A break that the function passes downwards is no minimum.
    (found,) = local_minima(lambda x: (slope * x, slope + 0 * x), 0, 1, breaks=[0.5]).minima
    assert (found.x, found.end) == ((0, True) if slope > 0 else (1, True))


def test_values_that_are_not_known_are_no_minima_and_are_said() -> None:
    def function(x):
        hidden = (x > 0.4) & (x < 0.6)
        return np.where(hidden, np.nan, (x - 0.5) ** 2), np.where(hidden, np.nan, 2 * x - 1)

    found = local_minima(function, 0, 1)
    assert not found.complete
    assert found.minima == []


def test_a_slope_that_is_not_known_is_told_by_the_values_beside_it() -> None:
    def function(x):
        return (x - 0.25) ** 2, np.where(abs(x - 0.25) < 0.2, np.nan, 2 * x - 0.5)

    (found,) = local_minima(function, 0, 1).minima
    assert found.x == pytest.approx(0.25, abs=1e-6)
