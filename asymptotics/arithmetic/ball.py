r"""Ball arithmetic: proved enclosures, by Arb (the library behind ``python-flint``).

A ball is an interval, given by midpoint and radius, that contains a number.  The ball returned by
an operation contains the exact result for all numbers in the balls of the operands.  A comparison
that the balls leave open raises `Undecided`.  The working precision is set by `Balls.working`: it
affects how narrow the balls are, but not whether they contain the exact result.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..extras import extra
from .base import Arithmetic, Array, Mass

with extra("certify"):
    import flint
    from flint import arb, fmpq

    from .surd import Surd

#: Arb has no value of erfc at infinity, which is therefore treated apart.
_INFINITE = arb.pos_inf()
#: Powers of two up to this exponent are written out as integers on the way to a decimal.
_MODERATE = 1 << 14
#: Powers of two beyond this exponent are outside the range of `Decimal`.
_IMMENSE = 1 << 60
#: Beyond this argument erfc is less than 10^-450,000.
_FAR = 1 << 10


class Undecided(ArithmeticError):
    """A question that overlapping balls leave open, such as which of two numbers is larger."""


class Ball:
    """An enclosure of a number, together with its exact value where that is a `Surd`.

    The exact value decides equality, which no enclosure can: balls of equal numbers always overlap.
    """

    __slots__ = ("arb", "exact")
    # Numbers that know only an enclosure, or carry slopes, are not keys: `==` is no identity.
    __hash__ = None  # type: ignore[assignment]  # as Python documents for such classes

    def __init__(self, enclosure: arb, exact: Surd | None = None) -> None:
        self.arb, self.exact = enclosure, exact

    @classmethod
    def of(cls, value: Any) -> "Ball":
        """The ball of an integer, a float (its binary value), a Decimal or a Fraction."""
        if isinstance(value, Ball):
            return value
        if isinstance(value, float) and not np.isfinite(value):
            return cls(arb(value))
        numerator, denominator = (
            (int(value), 1) if isinstance(value, int | np.integer) else value.as_integer_ratio()
        )
        return _exact(Surd(fmpq(numerator, denominator)))

    # Operands may only be balls and integers: a float would probably be a rounded number, for which
    # nothing can be proved.

    def __add__(self, other: Any) -> "Ball":
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        other = other if type(other) is Ball else Ball.of(other)
        if self.exact is None or other.exact is None:
            return Ball(self.arb + other.arb)
        return _with_exact(self.arb + other.arb, self.exact.plus(other.exact))

    __radd__ = __add__

    def __neg__(self) -> "Ball":
        return Ball(-self.arb, None if self.exact is None else self.exact.negated())

    def __sub__(self, other: Any) -> "Ball":
        return self + (-other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rsub__(self, other: Any) -> "Ball":
        return -self + other if isinstance(other, _OPERANDS) else NotImplemented

    def __mul__(self, other: Any) -> "Ball":
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        other = other if type(other) is Ball else Ball.of(other)
        if self.exact is None or other.exact is None:
            return Ball(self.arb * other.arb)
        return _with_exact(self.arb * other.arb, self.exact.times(other.exact))

    __rmul__ = __mul__

    def inverse(self) -> "Ball":
        return _with_exact(1 / self.arb, None if self.exact is None else self.exact.inverse())

    def __truediv__(self, other: Any) -> "Ball":
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        other = Ball.of(other)
        if self.exact is not None and other.exact is not None:
            return self * other.inverse()
        return Ball(self.arb / other.arb)

    def __rtruediv__(self, other: Any) -> "Ball":
        return Ball.of(other) / self if isinstance(other, _OPERANDS) else NotImplemented

    def __pow__(self, exponent: Any) -> "Ball":
        exponent = Fraction(exponent)
        exact = None if self.exact is None else self.exact.power(exponent)
        if exponent.denominator == 1:
            return _with_exact(self.arb ** int(exponent), exact)
        return _with_exact(self.arb ** arb(fmpq(exponent.numerator, exponent.denominator)), exact)

    def __abs__(self) -> "Ball":
        if self.exact is not None:
            return -self if self.exact.coefficient < 0 else self
        return Ball(abs(self.arb))

    def _order(self, other: "Ball") -> int:
        """-1, 0 or 1 if the number is smaller, equal or larger; raises `Undecided` if unknown."""
        if not self.arb.overlaps(other.arb):
            return -1 if self.arb < other.arb else 1
        # The balls overlap, so the exact values must decide.
        if self.exact is not None and other.exact is not None:
            if self.exact.is_rational and other.exact.is_rational:
                x, y = self.exact.coefficient, other.exact.coefficient
                return int(x > y) - int(x < y)
            if self.exact.equals(other.exact):
                return 0
        if self.arb.is_exact() and other.arb.is_exact():
            return int(self.arb > other.arb) - int(self.arb < other.arb)
        raise Undecided(f"whether {self} and {other} are the same")

    def __lt__(self, other: Any) -> bool:
        return self._order(Ball.of(other)) < 0

    def __gt__(self, other: Any) -> bool:
        return self._order(Ball.of(other)) > 0

    def __le__(self, other: Any) -> bool:
        return self._order(Ball.of(other)) <= 0

    def __ge__(self, other: Any) -> bool:
        return self._order(Ball.of(other)) >= 0

    def __eq__(self, other: object) -> bool:
        other = Ball.of(other)
        if self.exact is not None and other.exact is not None:
            same = self.exact.equals(other.exact)
            if same is not None:
                return same
        return self._order(other) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __float__(self) -> float:
        return float(self.arb)

    def __repr__(self) -> str:
        return str(self.arb)

    @property
    def is_finite(self) -> bool:
        return bool(self.arb.is_finite())

    def bounds(self, digits: int) -> tuple[Decimal, Decimal]:
        """Decimals of `digits` digits that lie below and above all numbers of the ball."""
        if not self.is_finite:
            infinite = self.arb.is_exact() and not self.arb.is_nan()
            return (Decimal("inf"),) * 2 if infinite else (Decimal("-inf"), Decimal("inf"))
        lower = _decimal(self.arb.lower(), digits, ROUND_FLOOR)
        return lower, _decimal(self.arb.upper(), digits, ROUND_CEILING)

    def has_digits(self, digits: int) -> bool:
        """Whether the ball is narrow enough to determine `digits` significant digits.

        An infinite value counts as determined; so does NaN, a value that does not exist.
        """
        radius, least = self.arb.rad(), self.arb.abs_lower()
        narrow = radius == 0 or radius * fmpq(10) ** digits < least
        return bool(narrow) if self.is_finite else bool(self.arb.is_exact() or self.arb.is_nan())


_OPERANDS = (Ball, int, np.integer)
_BALLS = np.frompyfunc(Ball.of, 1, 1)


def _exact(value: Surd) -> Ball:
    return Ball(arb(value.coefficient), value)


def _with_exact(enclosure: arb, exact: Surd | None) -> Ball:
    """A ball with its exact value; a rational one gives a narrower enclosure than `enclosure`."""
    return _exact(exact) if exact is not None and exact.is_rational else Ball(enclosure, exact)


def _decimal(end: arb, digits: int, rounding: str) -> Decimal:
    """The exact number ``end`` as a decimal, rounded down or up to `digits` digits."""
    mantissa, exponent = (int(x) for x in end.man_exp())
    context = Context(prec=digits, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN)
    number = Decimal(mantissa)
    if abs(exponent) <= _MODERATE:
        scale = Decimal(2 ** abs(exponent))
        return context.multiply(number, scale) if exponent >= 0 else context.divide(number, scale)
    # The power of two has too many digits to write out.  It is computed to more digits than are
    # asked for, and the result is moved outwards by more than the error of that.
    if abs(exponent) > _IMMENSE:
        return _beyond_decimals(number, exponent, rounding)
    wide = Context(prec=digits + 30, Emax=MAX_EMAX, Emin=MIN_EMIN)
    near = wide.multiply(number, wide.power(Decimal(2), Decimal(exponent)))
    room = wide.scaleb(wide.abs(near), -digits - 20)
    return context.plus(
        wide.subtract(near, room) if rounding == ROUND_FLOOR else wide.add(near, room)
    )


def _beyond_decimals(number: Decimal, exponent: int, rounding: str) -> Decimal:
    """A bound of a number whose exponent is outside the range of `Decimal`."""
    outward = (number > 0) == (rounding == ROUND_CEILING)
    if exponent < 0:
        size = Decimal(f"1e{MIN_EMIN}") if outward else Decimal(0)
    else:
        size = Decimal("inf") if outward else Decimal(f"1e{MAX_EMAX}")
    return size.copy_sign(number) if number else Decimal(0)


class _Certificate(NamedTuple):
    """Enclosures that can prove that a function has its root in an interval."""

    #: The function at the two ends of the interval.
    lower: Ball
    upper: Ball
    #: Its value and its slope over the whole interval.
    value: Ball
    slope: Ball

    def holds(self, bits: int) -> bool:
        """Whether the function provably falls through zero exactly once, or jumps across it.

        A continuous function is proved to do so by a change of sign and a negative slope.  At a
        jump there is no slope, and the change of sign alone must do.  A jump is recognised by the
        value over the interval, whose ball stays wide although the interval is narrow.
        """
        changes = self.lower.arb > 0 and self.upper.arb < 0
        jumps = not self.value.arb.rad() < arb(2) ** (-bits // 4)
        return bool(changes and (self.slope.arb < 0 or jumps))


class Balls(Arithmetic):
    """Ball arithmetic with a working precision of `bits` bits, which `working` switches on."""

    dtype = object
    exact = slow = True
    rounding = indistinct = Ball.of(0)
    infinity = Ball(arb.pos_inf())
    nan = Ball(arb.nan())

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.eps = Ball.of(Fraction(1, 2**bits))
        self.tiny = Ball(arb((1, -(1 << 200))))

    def __repr__(self) -> str:
        return f"Balls({self.bits})"

    @contextmanager
    def working(self) -> Iterator["Balls"]:
        """A context in which operations have `bits` bits; it restores the precision on exit."""
        with flint.ctx.workprec(self.bits):
            yield self

    @property
    def pi(self) -> Any:
        return Ball(arb.pi())

    def array(self, values: Any) -> Array:
        return np.asarray(_BALLS(np.asarray(values, dtype=object)), dtype=object)

    def owns(self, values: Any) -> bool:
        return any(isinstance(entry, Ball) for entry in np.asarray(values, dtype=object).flat)

    def excess(self, kappa: Array, mass: Mass) -> Array:
        return self.array(kappa) * self.array(mass.value) - 1

    def exp(self, x: Array) -> Array:
        return _map(lambda ball: Ball(ball.arb.exp()), x)

    def log(self, x: Array) -> Array:
        return _map(lambda ball: Ball(ball.arb.log()), x)

    def log1p(self, x: Array) -> Array:
        return _map(lambda ball: Ball(ball.arb.log1p()), x)

    def sqrt(self, x: Array) -> Array:
        return _map(_sqrt, x)

    def power(self, x: Array, exponent: Any) -> Array:
        return _map(lambda ball: ball**exponent, x)

    def erfc(self, x: Array) -> Array:
        return _map(_erfc, x)

    def special(self, name: str, x: Array) -> Array:
        name = "lgamma" if name == "loggamma" else name
        return _map(lambda ball: Ball(getattr(ball.arb, name)()), x)

    def moment_density(self, u: Array) -> Array:
        """As the base class, but for how an infinite ``u`` is recognised.

        The base class recognises it by a density of 0.  The ball of a density may contain 0 for a
        finite ``u``, so here ``u`` itself is tested.
        """
        finite = _map(lambda ball: Ball.of(0) if abs(ball.arb) == _INFINITE else ball, u)
        return finite * self.normal_density(u)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        """As the base class; exactly 0 for ``h = 0``, where its differences give balls around 0."""
        moments = super().interval_moments(h, center, u)
        mass, first, second = (self.where(h == 0, 0, moment) for moment in moments)
        return mass, first, second

    # -- selection ---------------------------------------------------------------------------

    def where(self, condition: Any, x: Any, y: Any) -> Array:
        return self.array(np.where(condition, np.asarray(x, object), np.asarray(y, object)))

    def beyond(self, x: Any, y: Any) -> Any:
        larger = np.frompyfunc(lambda a, b: bool(a.arb.mid() > b.arb.mid()), 2, 1)
        return np.asarray(larger(self.array(x), self.array(y)), dtype=bool)

    def step_down(self, x: Array) -> Array:
        return _map(_step_down, x)

    def maximum(self, x: Any, y: Any) -> Array:
        return np.asarray(np.frompyfunc(_maximum, 2, 1)(self.array(x), self.array(y)), dtype=object)

    def minimum(self, x: Any, y: Any) -> Array:
        return -self.maximum(-self.array(x), -self.array(y))

    def over_groups(self, reduce: str, x: Array) -> Array:
        if reduce == "argmin":
            return np.argmin(_midpoints(x), axis=-1)
        combine = self.maximum if reduce == "max" else self.minimum
        result = x[..., 0]
        for group in range(1, x.shape[-1]):
            result = combine(result, x[..., group])
        return np.asarray(result, dtype=object)

    def descending(self, x: Array) -> Array:
        # Sorted by midpoints, without proof.  A caller whose result depends on the order compares
        # the numbers themselves.
        return np.argsort(-_midpoints(x), axis=-1, kind="stable")

    # -- roots -------------------------------------------------------------------------------

    def root(
        self,
        function: Callable[[Array], tuple[Array, Array]],
        lower: Array,
        upper: Array,
        start: Array | None = None,
    ) -> Array:
        """An enclosure of the root of a decreasing function, at a single point of a grid.

        An interval around an approximate root is widened until the function is proved to be
        positive at its lower end, negative at its upper end, and decreasing in between or jumping;
        see `_Certificate`.  Raises `Undecided` if that fails.
        """
        lower, upper = np.broadcast_arrays(self.array(lower), self.array(upper))
        if lower.size != 1:
            raise ValueError("roots are enclosed at one point of a grid at a time")
        low, high = lower.item().arb.lower(), upper.item().arb.upper()
        if low == high:  # nothing to solve
            return lower

        def at(x: arb) -> tuple[Ball, Ball]:
            value, slope = function(np.full(lower.shape, Ball(x)))
            return np.asarray(value).item(), np.asarray(slope).item()

        guess = (low + high) / 2 if start is None else np.asarray(start).item().arb
        x = self._approximate(at, low, high, guess)
        return np.full(lower.shape, self._certified(at, x))

    def _approximate(
        self, at: Callable[[arb], tuple[Ball, Ball]], low: arb, high: arb, guess: arb
    ) -> arb:
        """A point near the root, by a bracketed Newton method as in the base class; not proved.

        It computes with midpoints, so that radii do not grow from step to step.
        """
        near = arb(2) ** (-self.bits)
        nearly = arb(2) ** (-(5 * self.bits) // 8)  # a Newton step this small ends below `near`
        x, step = (guess if low < guess < high else (low + high) / 2).mid(), high - low
        for _ in range(2 * self.bits + 200):
            value, slope = (ball.arb for ball in at(x))
            if value.is_nan() or 2 * value.rad() >= abs(value.mid()):
                return x  # the value is within its own error of zero
            low, high = (x, high) if value.mid() > 0 else (low, x)
            unit = abs(x).max(arb(1)).mid()
            newton = (x - value / slope).mid() if slope < 0 else high
            fast = low < newton < high and 2 * abs(newton - x) <= abs(step)
            following = newton if fast else ((low + high) / 2).mid()
            step, x = (following - x).mid(), following
            if abs(step) <= near * unit or (fast and abs(step) <= nearly * unit):
                return x
        return x

    def _certified(self, at: Callable[[arb], tuple[Ball, Ball]], x: arb) -> Ball:
        """The narrowest interval tried around `x` that is proved to contain the root."""
        value, slope = (ball.arb for ball in at(x))
        unit = abs(x).max(arb(1)).mid()
        # Twice a Newton step bounds the distance of a simple root.  At a jump the slope is no guide
        # to the distance, so the first search caps the step near the precision; the second search
        # admits a root whose equation loses up to three quarters of the bits.
        newton_reach = 2 * abs(value / slope).upper() if slope < 0 else arb(0)
        for cap in (10 - self.bits, -self.bits // 4):
            reach = (newton_reach.min(unit * arb(2) ** cap) + unit * arb(2) ** (-self.bits)).mid()
            for _ in range(20):
                ends = ((x - reach).mid(), (x + reach).mid())
                hull = ends[0].union(ends[1])
                certificate = _Certificate(at(ends[0])[0], at(ends[1])[0], *at(hull))
                if certificate.holds(self.bits):
                    return Ball(hull)
                reach = 8 * reach
                if reach > unit * arb(2) ** (-self.bits // 8):
                    break
        raise Undecided("where a root is")


def _sqrt(x: Ball) -> Ball:
    exact = None if x.exact is None else x.exact.power(Fraction(1, 2))
    return _with_exact(x.arb.sqrt(), exact)


def _erfc(x: Ball) -> Ball:
    if abs(x.arb) == _INFINITE:
        return Ball.of(0 if x.arb > 0 else 2)
    if x.arb > _FAR:
        # erfc is decreasing, so its values at the two ends enclose it.  Arb's own enclosure over a
        # ball is too wide here.
        return Ball(x.arb.lower().erfc().union(x.arb.upper().erfc()))
    return Ball(x.arb.erfc())


def _step_down(x: Ball) -> Ball:
    try:
        return Ball.of(1 if x < 0 else 0)
    except Undecided:  # the ball contains 0: the step is anything from 0 to 1
        return Ball(arb(0).union(arb(1)))


def _maximum(x: Ball, y: Ball) -> Ball:
    try:
        return max(x, y)  # of which the exact value is kept
    except Undecided:
        return Ball(x.arb.max(y.arb))


def _midpoints(x: Array) -> Array:
    """Midpoints, as keys to sort by."""
    return _map(lambda ball: Ball(ball.arb.mid()), x)


def _map(function: Any, x: Any) -> Array:
    return np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=object)
