"""Ball arithmetic: enclosures hold, comparisons never guess, certificates can fail."""

from decimal import Decimal
from fractions import Fraction

import flint
import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from asymptotics.arithmetic.ball import Ball, Balls, Undecided
from asymptotics.arithmetic.surd import Surd

BITS = 100
RATIONALS = st.fractions(min_value=-50, max_value=50, max_denominator=1000)


def test_numbers_enter_exactly() -> None:
    for given_value in (Decimal("0.1"), Fraction(1, 3), 0.1, 7, np.float64(0.3), np.int64(3)):
        ball = Ball.of(given_value)
        exact = Fraction(given_value if not isinstance(given_value, np.integer) else 3)
        assert ball.arb.contains(arb(fmpq(exact.numerator, exact.denominator)))
        assert ball == Ball.of(exact)
    assert Ball.of(Decimal("0.1")) != Ball.of(0.1)


@given(RATIONALS, RATIONALS, RATIONALS)
def test_operations_enclose_exact_arithmetic(x: Fraction, y: Fraction, z: Fraction) -> None:
    a, b, c = map(Ball.of, (x, y, z))
    pairs = [(a + b * c, x + y * z), (a - 2 * b, x - 2 * y), (abs(a) * 3, abs(x) * 3)]
    if y:
        pairs.append((a / b, x / y))
    for ball, exact in pairs:
        assert ball == Ball.of(exact)
        assert ball.arb.contains(arb(fmpq(exact.numerator, exact.denominator)))


@given(RATIONALS.filter(bool), RATIONALS.filter(bool))
def test_enclosures_of_wide_balls_hold_all_their_numbers(x: Fraction, y: Fraction) -> None:
    """Of a ball around two numbers, the image holds the images of both."""
    wide = Ball(Ball.of(x).arb.union(Ball.of(y).arb))
    arithmetic = Balls(BITS)
    with arithmetic.working():
        for name in ("exp", "erfc"):
            function = getattr(arithmetic, name)
            image = function(np.array([wide]))[0]
            for end in (x, y):
                assert image.arb.overlaps(function(arithmetic.array([end]))[0].arb)
        lower, upper = wide.bounds(20)
        assert lower <= Decimal(min(x, y).numerator) / Decimal(min(x, y).denominator) <= upper
        assert Fraction(lower) <= min(x, y)
        assert Fraction(upper) >= max(x, y)


def test_what_overlaps_is_not_compared() -> None:
    third = Ball(arb(1) / 3)  # of which the exact value is not known
    for compare in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"):
        with pytest.raises(Undecided):
            getattr(third, compare)(Ball.of(Fraction(1, 3)))
    assert third < 1
    assert third > 0
    assert not third < Ball.of(Fraction(1, 4))


def test_a_float_is_no_operand() -> None:
    """In a formula it would be a rounded number that passes for an exact one."""
    with pytest.raises(TypeError):
        Ball.of(1) * 0.1
    assert Ball.of(1) > 0.1


def test_equal_surds_are_seen_to_be_equal() -> None:
    arithmetic = Balls(BITS)
    eight, half = arithmetic.array([8]), Fraction(1, 2)
    with arithmetic.working():
        assert (arithmetic.sqrt(eight) == 2 * arithmetic.sqrt(arithmetic.array([2]))).all()
        assert (arithmetic.power(eight, Fraction(1, 3)) == 2).all()
        assert (arithmetic.sqrt(eight) / arithmetic.sqrt(eight) == 1).all()
        x, y = arithmetic.array([Decimal("0.1")]), arithmetic.array([Decimal("0.4")])
        assert (2 * arithmetic.power(x, half) == arithmetic.power(y, half)).all()
        assert (arithmetic.power(x, half) != arithmetic.power(y, half)).all()


def test_surds_too_large_to_compare_stay_undecided() -> None:
    exponent = Fraction(1, 2**52 + 1)
    left = Surd(fmpq(4)).power(exponent)
    right = Surd(fmpq(2)).power(2 * exponent)
    assert left is not None
    assert right is not None
    assert left.equals(right) is None
    assert left.equals(left)


def test_the_precision_of_before_is_put_back() -> None:
    before = flint.ctx.prec
    with pytest.raises(ValueError), Balls(777).working():  # noqa: PT011, PT012
        assert flint.ctx.prec == 777
        raise ValueError
    assert flint.ctx.prec == before


def falling(x):
    return Ball.of(2) - x * x, -2 * x


def enclosed(function, arithmetic=None):
    arithmetic = arithmetic or Balls(BITS)
    with arithmetic.working():
        return arithmetic.root(function, *arithmetic.array([[1], [3]])).item()


def test_roots_are_enclosed() -> None:
    root = enclosed(falling)
    with flint.ctx.workprec(200):
        assert root.arb.contains(arb(2).sqrt())
    assert root.arb.rad() < 1e-25


class OffByALittle(Balls):
    """A root finder that ends in the wrong place."""

    def _approximate(self, at, low, high, guess):
        return super()._approximate(at, low, high, guess) + arb(1) / 8


def test_a_wrong_approximate_root_is_not_certified() -> None:
    with pytest.raises(Undecided):
        enclosed(falling, OffByALittle(BITS))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * x - 2, 2 * x),  # it rises
        lambda x: (falling(x)[0], 2 * x),  # its slope does not say that it falls
        lambda x: (falling(x)[0], 0 * x),
        lambda x: (falling(x)[0] - 9, -2 * x),  # no root
        lambda x: (falling(x)[0] * falling(x)[0], -2 * x),  # touches zero
    ],
)
def test_broken_certificates_are_caught(function) -> None:
    with pytest.raises(Undecided):
        enclosed(function)


def test_a_jump_is_enclosed() -> None:
    arithmetic = Balls(BITS)

    def step(x):
        return 2 * arithmetic.step_down(x - Ball.of(Fraction(5, 4))) - 1, 0 * x

    with arithmetic.working():
        place = arithmetic.root(step, *arithmetic.array([[1], [3]])).item()
    assert place.arb.contains(arb(5) / 4)
    assert place.arb.rad() < 1e-25


def test_an_undecided_step_is_the_hull_of_both() -> None:
    arithmetic = Balls(BITS)
    step = arithmetic.step_down(np.array([Ball(arb(0, 1))]))[0]
    assert step.arb.contains(0)
    assert step.arb.contains(1)
    assert arithmetic.step_down(arithmetic.array([-1, 0, 1])).tolist() == [1, 0, 0]


def test_tails_far_out_stay_narrow() -> None:
    """Over a ball, erfc(x) changes by the factor exp(2 x times its radius), and hardly more."""
    with Balls(128).working():
        x = arb(3_000_000_000, arb(2) ** -80)
        tail = Balls(128).erfc(np.array([Ball(x)], dtype=object))[0].arb
        for end in (x.lower(), x.upper()):
            assert tail.contains(end.erfc())
        assert tail.rad() < abs(tail.mid()) * 2.0**-40


def test_a_density_too_small_to_tell_from_zero_decides_nothing() -> None:
    """u φ(u) far out, where the ball of φ(u) holds 0."""
    with Balls(80).working() as arithmetic:
        far = arithmetic.exp(arithmetic.array([500]))  # no exact number
        moment = arithmetic.moment_density(far).item()
        assert moment.arb.contains(0)
        assert moment.arb.rad() < 1e-300
        infinite = np.array([Balls.infinity], dtype=object)
        assert arithmetic.moment_density(infinite).item() == 0
        unknown = np.array([Ball(arb("nan"))], dtype=object)
        assert not arithmetic.moment_density(unknown).item().is_finite


def test_bounds_of_immense_numbers() -> None:
    """Beyond the exponents of decimals in their default context."""
    with Balls(80).working() as arithmetic:
        lower, upper = arithmetic.exp(arithmetic.array([40_000_000])).item().bounds(10)
    assert lower < upper
    assert lower.adjusted() == upper.adjusted() == 17_371_779
