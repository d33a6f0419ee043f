r"""Taylor models: proved enclosures of functions of one parameter over a whole interval.

The parameter runs over an interval, written as middle plus radius times z with :math:`|z|\le1`.  A
model is a polynomial in z with a bound of its distance from the function:

.. math:: |f(z) - p(z)| \le rest\quad\text{for all}\quad |z|\le1 .

Balls alone forget that two numbers depend on the same parameter, so that differences of wide balls
are far too wide.  The polynomials of models cancel as they should, and only the small rests add up
(Makino, Berz).  A root is found as a polynomial, and proved by the signs of the function on either
side of it.

What does not depend on the parameter stays a ball.  A comparison that has not the same answer on
the whole interval raises `Undecided`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from ..extras import extra
from .ball import Ball, Balls, Undecided
from .base import Array

with extra("certify"):
    import flint
    from flint import arb, arb_series

#: The most times that the strip around the polynomial of a root is widened.
_WIDENINGS = 6


class Model(Ball):
    """A function on the interval; as a ball it holds all its values."""

    __slots__ = ("rest", "series")
    __hash__ = None  # as for balls

    def __init__(self, series: arb_series, rest: arb) -> None:
        self.series, self.rest = series, rest
        reach = rest + sum(map(abs, self.coefficients[1:]), arb(0))
        super().__init__(series[0] + _around_zero(reach))

    @classmethod
    def within(cls, values: arb) -> "Model":
        """A function of which only a ball of all its values is known."""
        return cls(arb_series([values.mid()]), values.rad())

    @property
    def coefficients(self) -> list[arb]:
        """Enclosures of the coefficients of the polynomial."""
        return [self.series[k] for k in range(flint.ctx.cap)]

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Ball | int | np.integer):
            return NotImplemented
        series, rest = _parts(other)
        return Model(self.series + series, self.rest + rest)

    __radd__ = __add__

    def __neg__(self) -> "Model":
        return Model(-self.series, self.rest)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Model):
            if not isinstance(other, Ball | int | np.integer):
                return NotImplemented
            factor = Ball.of(other)
            if factor.arb == 0:
                return factor
            return Model(self.series * factor.arb, self.rest * abs(factor.arb))
        mine, its = ([abs(c) for c in x.coefficients] for x in (self, other))
        # The terms of the product beyond the order of the models.
        beyond = arb(0)
        upper = arb(0)
        for k in range(1, len(mine)):
            upper += its[-k]
            beyond += mine[k] * upper
        rest = beyond + sum(mine, arb(0)) * other.rest + (sum(its, arb(0)) + other.rest) * self.rest
        return Model(self.series * other.series, rest.upper())

    __rmul__ = __mul__

    def inverse(self) -> "Model":
        return self.composed(lambda x: 1 / x)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Model):
            return self * other.inverse()
        if not isinstance(other, Ball | int | np.integer):
            return NotImplemented
        return self * Ball(1 / Ball.of(other).arb)

    def __rtruediv__(self, other: Any) -> Any:
        return self.inverse() * other

    def __pow__(self, exponent: Any) -> "Model":
        raise NotImplementedError("powers of Taylor models")

    def __abs__(self) -> "Model":
        try:
            return -self if self < 0 else self
        except Undecided:
            return Model.within(abs(self.arb))

    def composed(
        self,
        function: Callable[[arb_series], arb_series],
        next_term: Callable[[arb], arb] | None = None,
    ) -> "Model":
        """A smooth function of the model: its Taylor polynomial, and the rest by Lagrange.

        `next_term` bounds the first coefficient that is left out, over a ball; without it that
        comes from the series of the function over the ball.
        """
        cap, center = flint.ctx.cap, self.series[0]
        flint.ctx.cap = cap + 1
        try:
            at_center = function(arb_series([center, 1]))
            last = (
                function(arb_series([self.arb, 1]))[cap]
                if next_term is None
                else next_term(self.arb)
            )
        except ValueError:  # a division by what may be zero
            raise Undecided("whether a denominator is zero") from None
        finally:
            flint.ctx.cap = cap
        moved = Model(self.series - center, self.rest)
        result: Any = Ball(at_center[cap - 1])
        for k in reversed(range(cap - 1)):
            result = result * moved + Ball(at_center[k])
        reach = abs(moved.arb).upper()
        lagrange = (abs(last) * reach**cap).upper()
        if not isinstance(result, Model):  # of order 0
            return Model(arb_series([result.arb]), lagrange)
        return Model(result.series, (result.rest + lagrange).upper())


def _around_zero(reach: arb) -> arb:
    """The ball of all numbers of magnitude at most `reach`."""
    upper = reach.upper()
    return (-upper).union(upper)


def _parts(x: Any) -> tuple[Any, arb]:
    """Polynomial and rest of a model, a ball or an integer."""
    if isinstance(x, Model):
        return x.series, x.rest
    return (x.arb if isinstance(x, Ball) else arb(int(x))), arb(0)


class TaylorModels(Balls):
    """Models with polynomials of degree `order`, in a working precision of `bits` bits."""

    def __init__(self, bits: int, order: int) -> None:
        super().__init__(bits)
        self.order = order

    def __repr__(self) -> str:
        return f"TaylorModels({self.bits}, {self.order})"

    @contextmanager
    def working(self) -> Iterator["TaylorModels"]:
        """A context with the precision and the order; it restores both on exit."""
        cap = flint.ctx.cap
        flint.ctx.cap = self.order + 1
        try:
            with flint.ctx.workprec(self.bits):
                yield self
        finally:
            flint.ctx.cap = cap

    def variable(self, low: Fraction, high: Fraction) -> Model:
        """The parameter itself, on the interval from `low` to `high`."""
        middle, radius = (Ball.of(x).arb for x in ((low + high) / 2, (high - low) / 2))
        return Model(arb_series([middle, radius]), arb(0))

    def exp(self, x: Array) -> Array:
        return _each(x, super().exp, lambda s: s.exp())

    def log(self, x: Array) -> Array:
        return _each(x, super().log, lambda s: s.log())

    def log1p(self, x: Array) -> Array:
        return _each(x, super().log1p, lambda s: (1 + s).log())

    def sqrt(self, x: Array) -> Array:
        return _each(x, super().sqrt, lambda s: s.sqrt())

    def erfc(self, x: Array) -> Array:
        return _each(x, super().erfc, lambda s: s.erfc(), _next_of_erfc)

    def step_down(self, x: Array) -> Array:
        return _values(super().step_down(x))

    def maximum(self, x: Any, y: Any) -> Array:
        return _values(super().maximum(x, y))

    # -- roots -------------------------------------------------------------------------------

    def root(
        self,
        function: Callable[[Array], tuple[Array, Array]],
        lower: Array,
        upper: Array,
        start: Array | None = None,
    ) -> Array:
        """The root of a decreasing function, at a single point of a grid.

        Newton's method gives a polynomial.  The function is then proved to be positive on one side
        of a strip around it, and negative on the other, for all values of the parameter.
        """
        lower, upper = np.broadcast_arrays(self.array(lower), self.array(upper))
        if lower.size != 1:
            raise ValueError("roots are enclosed at one point of a grid at a time")
        low, high = lower.item().arb.lower(), upper.item().arb.upper()
        if low == high:  # nothing to solve
            return lower

        def at(x: Ball) -> tuple[Ball, Ball]:
            value, slope = function(np.full(lower.shape, x, dtype=object))
            return np.asarray(value).item(), np.asarray(slope).item()

        def at_middle(x: arb) -> tuple[Ball, Ball]:
            value, slope = at(Ball(x))
            return _middle(value), _middle(slope)

        guess = (low + high) / 2 if start is None else np.asarray(start).item().arb
        near = self._approximate(at_middle, low, high, guess)
        if not isinstance(at(Ball(near))[0], Model):
            return super().root(function, lower, upper, start)
        return np.full(lower.shape, self._strip(at, near), dtype=object)

    def _strip(self, at: Callable[[Ball], tuple[Ball, Ball]], near: arb) -> Model:
        """The model of the root that is `near` at the middle of the interval."""
        x, right = Model(arb_series([near.mid()]), arb(0)), 1
        while right <= self.order:
            value, slope = at(x)
            if not _middle(slope).arb < 0:
                raise Undecided("where a root is")
            step = _parts(value)[0] / _parts(slope)[0]
            series = x.series - step
            x, right = (
                Model(arb_series([series[k].mid() for k in range(self.order + 1)]), arb(0)),
                2 * right,
            )
        value, slope = at(x)
        if not slope.arb < 0:
            raise Undecided("where a root is")
        unit = abs(near).max(arb(1)).mid()
        reach = 2 * (abs(value.arb) / abs(slope.arb)).upper() + unit * arb(2) ** (8 - self.bits)
        for _ in range(_WIDENINGS):
            reach = reach.upper()
            if at(x - Ball(reach))[0].arb > 0 and at(x + Ball(reach))[0].arb < 0:
                return Model(x.series, reach)
            reach = 4 * reach
        raise Undecided("where a root is")


def _next_of_erfc(x: arb) -> arb:
    r"""A bound of the coefficient of erfc at the working order.

    With Hermite polynomials the coefficient n is of size
    :math:`2|H_{n-1}(x)|e^{-x^2}/(\sqrt\pi n!)`, and
    :math:`|H_m(x)|\le\sqrt{2^m m!}\,e^{x^2/2}` (DLMF 18.14.9).
    """
    n = flint.ctx.cap - 1
    bound = arb(2 ** (n - 1) * math.factorial(n - 1)).sqrt() / math.factorial(n)
    return 2 / arb.pi().sqrt() * bound * (-(x.abs_lower() ** 2) / 2).exp()


def _middle(x: Ball) -> Ball:
    """The value at the middle of the interval."""
    return Ball(x.series[0]) if isinstance(x, Model) else x


def _values(x: Array) -> Array:
    """An array in which wide balls, which may be those of models, are models of their values."""

    def apply(number: Ball) -> Ball:
        plain = isinstance(number, Model) or number.exact is not None or number.arb.is_exact()
        return number if plain else Model.within(number.arb)

    return np.asarray(np.frompyfunc(apply, 1, 1)(x), dtype=object)


def _each(
    x: Array,
    of_balls: Callable[[Array], Array],
    of_series: Callable[[arb_series], arb_series],
    next_term: Callable[[arb], arb] | None = None,
) -> Array:
    """A function of an array of balls and models."""

    def apply(number: Ball) -> Ball:
        if isinstance(number, Model):
            return number.composed(of_series, next_term)
        return np.asarray(of_balls(np.asarray(number, dtype=object))).item()

    return np.asarray(np.frompyfunc(apply, 1, 1)(x), dtype=object)
