"""Taylor models enclose functions on whole intervals, and bounds of least values hold."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_series, ctx

from asymptotics.arithmetic.ball import Ball, Undecided
from asymptotics.arithmetic.taylor import Model, TaylorModels
from asymptotics.choices.proofs import Polynomial, least_value

ARITHMETIC = TaylorModels(100, 6)
LOW, HIGH = Fraction(3, 4), Fraction(3, 2)


def holds(model: Model, function: Callable[[Any], Any]) -> bool:
    """Whether the model encloses the function at points of the interval, ends included."""
    for z in np.linspace(-1, 1, 41):
        x = (arb(3) / 4 + arb(3) / 2) / 2 + (arb(3) / 2 - arb(3) / 4) / 2 * arb(z)
        polynomial = sum((c * arb(z) ** k for k, c in enumerate(model.coefficients)), arb(0))
        if not abs(function(x) - polynomial) <= model.rest + arb(2) ** -90:
            return False
    return True


FUNCTIONS = {
    "product": (lambda _, x: x * x * x * (x - 2) * x * x * x * x, lambda x: x**7 * (x - 2)),
    "ratio": (lambda _, x: (1 + x) / (x * x + 3), lambda x: (1 + x) / (x * x + 3)),
    "ball over": (lambda a, x: a.array(2).item() / x, lambda x: 2 / x),
    "exp": (lambda a, x: a.exp(a.array(-x * x)).item(), lambda x: (-x * x).exp()),
    "log": (lambda a, x: a.log(a.array(x)).item(), lambda x: x.log()),
    "log1p": (lambda a, x: a.log1p(a.array(x)).item(), lambda x: x.log1p()),
    "sqrt": (lambda a, x: a.sqrt(a.array(x)).item(), lambda x: x.sqrt()),
    "erfc": (lambda a, x: a.erfc(a.array(2 * x)).item(), lambda x: (2 * x).erfc()),
    "abs": (lambda _, x: abs(x - 1), lambda x: abs(x - 1)),
    "maximum": (lambda a, x: a.maximum(a.array(x), a.array(1)).item(), lambda x: x.max(arb(1))),
    "minimum": (
        lambda a, x: np.asarray(a.minimum(a.array(x), a.array(1))).item(),
        lambda x: x.min(arb(1)),
    ),
    "step": (lambda a, x: a.step_down(a.array(x - 1)).item(), lambda x: arb(1 if x < 1 else 0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_models_enclose(name: str) -> None:
    modelled, function = FUNCTIONS[name]
    with ARITHMETIC.working():
        model = modelled(ARITHMETIC, ARITHMETIC.variable(LOW, HIGH))
        assert holds(model, function)
        exact = name in ("abs", "maximum", "minimum", "step")
        assert exact or model.rest < 0.1


def test_a_rest_that_is_too_small_is_seen() -> None:
    with ARITHMETIC.working():
        model = ARITHMETIC.exp(ARITHMETIC.array(ARITHMETIC.variable(LOW, HIGH))).item()
        # The power series of the exponential leaves out a term of this size.
        left_out = math.exp(9 / 8) * (3 / 8) ** 7 / math.factorial(7)
        assert left_out < float(model.rest) < 3 * left_out
        assert holds(model, lambda x: x.exp())
        assert not holds(Model(model.series, model.rest / 8), lambda x: x.exp())


def test_roots_are_enclosed_for_all_values_of_the_parameter() -> None:
    """The root of a - y³ - y in y, and that of a function that does not fall on one side."""
    with ARITHMETIC.working():
        a = ARITHMETIC.variable(LOW, HIGH)

        def function(y):
            return a - y * y * y - y, -3 * y * y - 1

        root = ARITHMETIC.root(function, ARITHMETIC.array([0]), ARITHMETIC.array([2])).item()
        assert root.rest < 1e-3

        def exactly(x: Any) -> Any:
            half, third = x / 2, arb(1) / 3
            square = (half * half + arb(1) / 27).sqrt()
            return (half + square).root(3) - (square - half).root(3) + 0 * third

        assert holds(root, exactly)
        assert not holds(Model(root.series, arb(0)), exactly)
        with pytest.raises(Undecided):
            ARITHMETIC.root(
                lambda y: (a - 1 - 0 * y, 0 * y - 1), ARITHMETIC.array([0]), ARITHMETIC.array([2])
            )


def test_questions_with_two_answers_are_undecided_and_order_is_restored() -> None:
    before = ctx.cap, ctx.prec
    with ARITHMETIC.working():
        x = ARITHMETIC.variable(LOW, HIGH)
        assert x < 2
        assert x > Ball.of(Fraction(1, 2))
        for question in (lambda: x > 1, lambda: x == 1, lambda: 1 / (x - 1), lambda: x <= HIGH):
            with pytest.raises(Undecided):
                question()
    assert (ctx.cap, ctx.prec) == before


def polynomial_on(coefficients: list[int]) -> Callable[[Fraction, Fraction], Polynomial]:
    """Enclosures of a polynomial: itself, expanded at the middle of each interval."""

    def enclose(low: Fraction, high: Fraction) -> Polynomial:
        x = Model(
            arb_series([Ball.of((low + high) / 2).arb, Ball.of((high - low) / 2).arb]), arb(0)
        )
        total: Any = Ball.of(0)
        for c in reversed(coefficients):
            total = total * x + Ball.of(c)
        return Polynomial(total.coefficients, total.rest)

    return enclose


def test_bounds_of_least_values() -> None:
    """(x-1)²(x-2)² + x + 1 on [0, 3], and the same where its minimum is an end."""
    coefficients = [5, -11, 13, -6, 1]
    dense = np.linspace(0, 3, 300_001)
    with ARITHMETIC.working():
        for low, high in ((0, 3), (1, 3)):
            found = least_value(
                polynomial_on(coefficients), Fraction(low), Fraction(high),
                arb(10) ** -9, 2000, arb(0),
            )  # fmt: skip
            assert found.close
            scanned = np.polynomial.Polynomial(coefficients)(dense[dense >= low]).min()
            assert float(found.lower) <= scanned * (1 + 1e-12)
            assert float(found.upper) >= scanned * (1 - 1e-9)
            assert float(found.upper - found.lower) <= 1.1e-9 * scanned


def test_an_enclosure_that_fails_leaves_the_bounds_wide_but_right() -> None:
    whole = polynomial_on([2, -2, 1])  # 1 + (x-1)²
    hidden = Fraction(31415926535, 10**11)

    def enclose(low: Fraction, high: Fraction) -> Polynomial | None:
        return None if low < hidden < high else whole(low, high)

    with ARITHMETIC.working():
        found = least_value(enclose, Fraction(0), Fraction(2), arb(10) ** -6, 300, arb(0))
    assert not found.close
    assert found.enclosures >= 300
    assert found.lower == 0
    assert 1 <= float(found.upper) < 1.001
