"""Primitives of the arithmetics, against mpmath at high precision."""

from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymptotics.arithmetic import FLOAT64, Arithmetic, Float64, Mass
from asymptotics.arithmetic.multiprecision import Multiprecision

MANY = Multiprecision(120)


@given(
    st.floats(-12, 1.5).map(lambda x: 10**x),
    st.just(0.0) | st.floats(-3, 1).map(lambda x: 10**x),
)
def test_interval_moments_keep_their_digits(h: float, center: float) -> None:
    u = h - center
    computed = FLOAT64.interval_moments(np.array([h]), np.array([center]), np.array([u]))
    many_h, many_center = MANY.array([h]), MANY.array([center])
    exact = MANY.interval_moments(many_h, many_center, many_h - many_center)
    for power, (value, truth) in enumerate(zip(computed, exact, strict=True)):
        if truth[0] > 1e-12 * h**power:  # far tails count for nothing
            assert abs(value[0] - truth[0]) <= 3e-10 * truth[0], power


@pytest.mark.parametrize(("h", "center"), [(0.2, 0.0), (1.5, 0.7), (3.0, 2.0), (0.01, 1.0)])
def test_interval_moments_are_the_integrals(h: float, center: float) -> None:
    computed = FLOAT64.interval_moments(*(np.array([x]) for x in (h, center, h - center)))
    for power, value in enumerate(computed):
        truth = mpmath.quad(lambda y, k=power: y**k * mpmath.npdf(y, center, 1), [-h, 0, h])
        assert abs(value[0] - truth) <= 1e-13 * abs(truth) + 1e-300


@pytest.mark.parametrize("arithmetic", [FLOAT64, Multiprecision(50)], ids=repr)
def test_root(arithmetic: Arithmetic) -> None:
    target = arithmetic.array([0.25, 0.5, 3.0])

    def function(x):
        return arithmetic.log(target) - x, x * 0 - 1

    root = arithmetic.root(function, target * 0 - 9, target * 0 + 9)
    assert (abs(arithmetic.exp(root) - target) <= 20 * arithmetic.eps * target).all()


@pytest.mark.parametrize("arithmetic", [FLOAT64, Multiprecision(50)], ids=repr)
def test_root_follows_a_jump(arithmetic: Arithmetic) -> None:
    place = arithmetic.array([-1.25, 0.0, 2.5])

    def step(x):
        return arithmetic.where(x < place, 1, -1), x * 0

    root = arithmetic.root(step, place * 0 - 7, place * 0 + 9)
    assert (abs(root - place) <= 4 * arithmetic.eps * 7).all()


@pytest.mark.parametrize("arithmetic", [FLOAT64, Multiprecision(50)], ids=repr)
def test_root_leaves_a_plateau_at_its_left_end(arithmetic: Arithmetic) -> None:
    def stairs(x):
        return arithmetic.where(x < 1, 1, arithmetic.where(x < 2, 0, -1)), x * 0

    zero = arithmetic.array([0.0])
    assert abs(arithmetic.root(stairs, zero, zero + 5)[0] - 1) < 1e-14


def test_sharp_root_is_not_given_up_early() -> None:
    """A function that is flat but for a width of 1e-12 fools a test of the step alone."""

    def function(x):
        z = (x - 1 / 3) / 1e-12
        return -np.tanh(z), -1e12 / np.cosh(np.clip(z, -300, 300)) ** 2

    root = FLOAT64.root(function, np.array([-2.0]), np.array([5.0]))
    assert abs(root[0] - 1 / 3) <= 1e-15


def test_expectations_do_not_depend_on_blocks() -> None:
    class Blocks(Float64):
        block = 7

    from asymptotics.population import Groups

    columns = np.random.default_rng(0).random((4, 1000))
    grid = np.array([[0.1], [2.0]])

    def integrand(groups: Groups):
        return groups.eigenvalue / (groups.eigenvalue + grid), groups.mean * groups.std

    for one, many in zip(
        FLOAT64.expect(integrand, Groups(*columns)),
        Blocks().expect(integrand, Groups(*columns)),
        strict=True,
    ):
        np.testing.assert_allclose(one, many, rtol=1e-13)


def test_exact_inputs_stay_exact() -> None:
    third, tenth = MANY.array([Fraction(1, 3), Decimal("0.1")])
    assert 3 * third == 1
    assert abs(10 * tenth - 1) < mpmath.mpf(10) ** -115
    assert MANY.array(0.1).item() != tenth  # a float is its binary value


def test_the_tail_ends_where_the_library_would_fail() -> None:
    arithmetic = Multiprecision(25)
    far = arithmetic.array([-(10.0**200), 10.0**40, 10.0**200])
    tail = arithmetic.erfc(far)
    assert tail[0] == 2
    assert tail[2] == 0
    assert 0 <= tail[1] < 1e-300


def test_excess_keeps_its_digits() -> None:
    """Of kappa times a mass known to twice the precision, what is left after 1 is taken away."""
    third = Fraction(1, 3)
    value = float(third)
    mass = Mass(np.array(value), np.array(float(third - Fraction(value))))
    for kappa in (3.0, 3 * (1 + 1e-13), 3 * (1 - 1e-9), 5.7, 0.1):
        exact = Fraction(kappa) * third - 1
        assert abs(FLOAT64.excess(np.array(kappa), mass) - exact) <= abs(exact) * 1e-15 + 1e-32
    half = Mass(np.array([Fraction(1, 2)], dtype=object), np.zeros(()))
    tiny = Fraction(1, 10**90)
    assert MANY.excess(np.array([2 + tiny], dtype=object), half)[0] > 0
    assert MANY.excess(np.array([2.0]), half)[0] == 0


@pytest.mark.parametrize("arithmetic", [FLOAT64, MANY])
def test_quantile_is_where_the_mass_is_reached(arithmetic: Arithmetic) -> None:
    x = arithmetic.array([3, 1, 4, 1, 5])
    weight = arithmetic.array([1, 2, 3, 4, 5]) / arithmetic.array(16)
    mass = arithmetic.array([1, 5, 6, 8, 9, 15, 16]) / arithmetic.array(16)
    # Masses at or above 5, 4, 3, 1 are 5, 8, 9, 15; what is out of reach gives the least.
    assert arithmetic.quantile(x, weight, mass).tolist() == [5, 5, 4, 4, 3, 1, 1]
    several = arithmetic.quantile(np.stack([x] * 7), weight, mass)
    assert several.tolist() == [5, 5, 4, 4, 3, 1, 1]
