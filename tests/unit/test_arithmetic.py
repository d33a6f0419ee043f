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
@pytest.mark.parametrize("shape", [(), (1,), (2, 1)])
def test_root_of_any_shape(arithmetic: Arithmetic, shape: tuple[int, ...]) -> None:
    """From a start that is right to half the digits, of numbers in an array of no dimension too."""
    target = arithmetic.array(np.full(shape, 3.0))

    def function(x):
        return target - arithmetic.exp(x), -arithmetic.exp(x)

    start = arithmetic.log(target) + arithmetic.sqrt(arithmetic.array(arithmetic.eps)) * 100
    root = arithmetic.root(function, target * 0 - 9, target * 0 + 9, start)
    assert np.shape(root) == shape
    assert np.all(abs(arithmetic.exp(root) - target) <= 20 * arithmetic.eps * target)


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


@pytest.mark.parametrize("arithmetic", [FLOAT64, Multiprecision(30)], ids=repr)
def test_root_of_what_is_no_number_is_none(arithmetic: Arithmetic) -> None:
    calls = []

    def undefined(x):
        calls.append(x)
        return x * arithmetic.nan, x * arithmetic.nan

    ends = arithmetic.array([0.0, 1.0]), arithmetic.array([1.0, 2.0])
    root = arithmetic.root(undefined, *ends)
    assert (root != root).all()
    assert len(calls) < 10
    edge = arithmetic.root(lambda x: (1 - x, x * 0 - 1), ends[0] * arithmetic.nan, ends[1])
    assert (edge != edge).all()


def test_root_ends_whatever_the_function_is() -> None:
    """A bracket is never left, and so often halved that the count of evaluations bounds no root."""
    rng = np.random.default_rng(0)
    calls = []

    def noise(x):
        calls.append(x)
        return rng.standard_normal(x.shape), -rng.random(x.shape) * 1e-9

    root = FLOAT64.root(noise, np.zeros(50), np.full(50, 1e9))
    assert ((root >= 0) & (root <= 1e9)).all()
    assert len(calls) < FLOAT64.evaluations

    class Hasty(Float64):
        evaluations = 3

    hasty = Hasty().root(lambda x: (np.where(x < 1 / 3, 1.0, -1.0), 0 * x), *np.array([[0], [1.0]]))
    assert np.isnan(hasty).all()


@given(
    st.floats(-300, -0.7).map(lambda x: 10**x),
    st.just(0.0) | st.floats(-300, 1).map(lambda x: 10**x),
)
def test_short_intervals_keep_many_digits(h: float, center: float) -> None:
    """Against the integral of the density's series about 0, y from -h to h, in more digits."""
    h = min(h, 0.24 / (1 + center))
    arithmetic, wide = Multiprecision(25), Multiprecision(1_000)
    many_h, many_center = arithmetic.array([h]), arithmetic.array([center])
    u = many_h - many_center
    computed = arithmetic.interval_moments(many_h, many_center, u)
    with mpmath.workdps(40):
        nodes, weights = np.polynomial.legendre.leggauss(10)
        x = [mpmath.mpf(node) * h for node in nodes]
    density = [mpmath.npdf(y, center, 1) * weight * h for y, weight in zip(x, weights, strict=True)]
    for power, value in enumerate(computed):
        terms = [d * y**power for y, d in zip(x, density, strict=True)]
        truth, size = mpmath.fsum(terms), mpmath.fsum(map(abs, terms))
        assert abs(value[0] - truth) <= 1e-13 * size, power
    exact = wide.erfc((wide.array([center]) - wide.array([h])) / wide.sqrt(wide.array(2)))
    exact = exact - wide.erfc((wide.array([center]) + wide.array([h])) / wide.sqrt(wide.array(2)))
    mass = arithmetic.part_mass(True, many_h, many_center, u)
    for found in (mass[0], computed[0][0]):
        assert abs(found / (exact[0] / 2) - 1) < 1e-22


def test_expectations_do_not_depend_on_blocks() -> None:
    """To the last bit: groups are added in one order, however they are cut."""

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
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("groups", [1, 2, 8, 9, 128, 129, 1000])
def test_sums_do_not_depend_on_what_is_beside_them(groups: int) -> None:
    rng = np.random.default_rng(groups)
    value, weight = rng.standard_normal((5, groups)), rng.random(groups)
    whole = FLOAT64.sum(value, weight)
    for row in range(5):
        assert FLOAT64.sum(value[row], weight) == whole[row]
        assert FLOAT64.sum(value[row : row + 1], weight)[0] == whole[row]
    spread_out = np.asfortranarray(np.repeat(value, 2, axis=1))[:, ::2]
    np.testing.assert_array_equal(FLOAT64.sum(spread_out, weight), whole)
    np.testing.assert_allclose(whole, value @ weight, rtol=1e-10)


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
