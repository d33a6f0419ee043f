"""Minima in several numbers, of functions whose minima are known."""

import numpy as np
import pytest

from asymptotics.choices.boxes import Axis, minima_in_box


def test_all_minima_of_a_sum_of_quartics() -> None:
    def function(x):
        return (x**4 - x**2 + 0.1 * x).sum(axis=-1), 4 * x**3 - 2 * x + 0.1

    for count in (2, 3):
        found = minima_in_box(function, [Axis(-1, 2, None)] * count)
        assert found.complete
        assert len(found.minima) == 2**count
        for minimum in found.minima:
            assert abs(minimum.slopes).max() < 1e-6
            assert not minimum.end
        assert (found.minima[0].x < 0).all()


@pytest.mark.parametrize("offset", [None, 1e-3])
def test_a_minimum_on_a_side_is_exactly_there(offset: float | None) -> None:
    """The saddle of x² - y² at 0, between two minima on the sides."""

    def function(x):
        value = x[:, 0] ** 2 - (x[:, 1] - 1) ** 2
        return value, np.stack([2 * x[:, 0], -2 * (x[:, 1] - 1)], axis=-1)

    found = minima_in_box(function, [Axis(-1, 1, None), Axis(0, 3, offset)])
    assert found.complete
    assert [minimum.x[1] for minimum in found.minima] == [3, 0]
    assert all(minimum.end for minimum in found.minima)
    np.testing.assert_allclose([minimum.x[0] for minimum in found.minima], 0, atol=1e-7)


def test_a_slope_that_is_not_known_on_a_side_is_measured() -> None:
    def function(x):
        slopes = np.stack([2 * x[:, 0] - 1, np.where(x[:, 1] == 1, np.nan, -1)], axis=-1)
        return 3 + x[:, 0] ** 2 - x[:, 0] - x[:, 1], slopes

    found = minima_in_box(function, [Axis(0, 1, None)] * 2)
    assert found.complete
    np.testing.assert_allclose([minimum.x for minimum in found.minima], [[0.5, 1]], atol=1e-6)


def test_a_descent_that_ends_in_no_minimum_is_said() -> None:
    def wrong_slopes(x):
        return ((x - 0.3) ** 2).sum(axis=-1), 0.1 - 2 * (x - 0.3)

    assert not minima_in_box(wrong_slopes, [Axis(0, 1, None)] * 2).complete

    def unknown(x):
        return np.full(len(x), np.nan), np.full(x.shape, np.nan)

    assert minima_in_box(unknown, [Axis(0, 1, None)] * 2) == ([], False)
