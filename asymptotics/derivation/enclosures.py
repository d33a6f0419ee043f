"""Numbers at a point of the domains, as precisely as a claim needs them.

`Enclosed` computes with balls, which are proved to hold the exact numbers, and raises their
precision until the claim is decided.  Where balls cannot be used (integrals, and code that was not
written for them) `Estimated` computes with numbers of many digits.  It repeats the computation with
more digits, estimates the error from the change, and returns balls of that radius, which are likely
to hold the exact numbers.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from math import ceil, log2
from typing import Any, Generic, TypeVar

import numpy as np
import sympy as sp
from flint import arb

from ..arithmetic import Arithmetic
from ..arithmetic.ball import Ball, Balls, Undecided
from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean
from .arithmetics import (
    EnclosingIntegrals,
    NoValue,
    TrackingCancellation,
    Values,
    ball_of,
)
from .claims import Change, Compute, Enclosures, Enough, Inputs, Numbers
from .domains import Domain
from .evaluation import value_of
from .integrals import GUARD
from .quadrature import NotConverged

#: A point: for each symbol a number, or one for each group of the population.
Point = Mapping[sp.Symbol, Any]
#: Bits of a decimal digit.
_BITS = log2(10)
#: Balls have bits for twice the digits that are asked for, times each of these in turn.
_PRECISIONS = (1, 4, 16, 64)
#: Balls are refined until sides agree to this multiple of the digits that are asked for.
_AGREEMENT = 6
#: The multiples of the digits with which an estimate is computed, to see how it changes; fewer of
#: them where there are integrals, which take long.
_DOUBLINGS, _DOUBLINGS_OF_INTEGRALS = (1, 2, 4), (1, 2)
#: The estimated error of a number is this multiple of the change that more digits made.
_SAFETY = 10
#: Digits for each decade that a variable has gone towards its limit: terms that cancel may grow as
#: a power of the variable.
_PER_DECADE = 10
#: The same where there are integrals, which take long.
_PER_DECADE_OF_INTEGRALS = 4

A = TypeVar("A", bound=Arithmetic)


class OutsideDomain(Exception):  # nothing is wrong
    """A symbol that other symbols determine falls outside its domain, so the point is no test."""


class NoEnclosure(ArithmeticError):
    """A number whose enclosure stays infinite or undecided at the highest precision."""


class _AtPoint(Numbers, Generic[A]):
    """The values of all symbols at a point.

    `point` holds those of the free symbols; `given` holds the expressions that determine the other
    ones.  `resolve` is passed on to `Inputs`.
    """

    def __init__(
        self,
        point: Point,
        given: Mapping[sp.Symbol, Any],
        domains: Mapping[sp.Symbol, Domain],
        resolve: Change,
    ) -> None:
        self.point, self.given, self.domains, self.resolve = point, given, domains, resolve
        self._inputs: dict[str, Inputs] = {}

    def exact(self, expression: Any) -> Any:
        return put_in(expression, self.point)

    def inputs(self, arithmetic: A) -> Inputs:
        """All symbols as numbers of an arithmetic; raises `OutsideDomain` if one falls outside."""
        key = f"{type(arithmetic).__name__} {arithmetic!r}"
        # An arithmetic that tracks cancellation must see every sum, so its inputs are not reused.
        if isinstance(arithmetic, TrackingCancellation) or key not in self._inputs:
            values = {
                symbol: arithmetic.array(list(value) if isinstance(value, tuple) else value)
                for symbol, value in self.point.items()
            }
            inputs = Inputs(values, arithmetic, self.resolve)
            # The determined symbols follow from those of the point.
            for symbol, expression in self.given.items():
                try:
                    values[symbol] = value_of(expression, values, arithmetic)
                except (NoValue, ZeroDivisionError) as error:
                    raise OutsideDomain(str(symbol)) from error
            self.require_inside(inputs, values)
            self._inputs[key] = inputs
        return self._inputs[key]

    def require_inside(self, inputs: Inputs, values: Values | None = None) -> None:
        """Raise `OutsideDomain` unless every symbol that others determine lies in its domain."""
        for symbol, expression in self.given.items():
            found = inputs(expression) if values is None else values[symbol]
            if not all(self._inside(self.domains[symbol], x) for x in np.ravel(found)):
                raise OutsideDomain(str(symbol))

    def _inside(self, domain: Domain, number: Any) -> bool:
        """Whether a number lies in a domain; for integers, whether it is known to be one."""
        ball = self.ball(number)
        return domain.contains(ball) and (not domain.whole or _is_whole(ball))

    @abstractmethod
    def ball(self, number: Any) -> Ball:
        """A number of the arithmetic as a ball, to be compared with the ends of a domain."""

    @abstractmethod
    def require_approach_inside(self, nearing: Callable[[Inputs], list[Inputs]]) -> None:
        """Raise `OutsideDomain` if a determined symbol leaves its domain near a limit.

        `nearing` is `Claim.nearing`: it moves the variable of a limit towards its point.
        """


class Enclosed(_AtPoint[Balls]):
    """Numbers as balls, whose precision is raised until the claim is decided."""

    farthest = 10**40

    def __init__(self, digits: int, *point: Any) -> None:
        super().__init__(*point)
        self.tolerance = Fraction(1, 10**digits)
        self.closest = self.tolerance**_AGREEMENT
        self.least = ceil(2 * digits * _BITS)

    def ball(self, number: Any) -> Ball:
        return number if isinstance(number, Ball) else Ball.of(number)

    def _arithmetics(self, decades: int) -> Iterator[Balls]:
        for factor in _PRECISIONS:
            yield Balls(factor * self.least)

    def enclose(self, compute: Compute, enough: Enough, decades: int = 0) -> Enclosures:
        found: Enclosures | None = None
        for balls in self._arithmetics(decades):
            with balls.working():
                try:
                    computed = compute(self.inputs(balls))
                    found = [[ball.arb for ball in np.ravel(column)] for column in computed]
                except Undecided:
                    continue  # more bits may decide the comparison
                if all(map(_known, (x for column in found for x in column))) and enough(found):
                    return found
        if found is None or not all(_known(x) for column in found for x in column):
            raise NoEnclosure("enclosures do not show the value")
        return found

    def require_approach_inside(self, nearing: Callable[[Inputs], list[Inputs]]) -> None:
        for balls in self._arithmetics(0):
            with balls.working():
                try:
                    for near in nearing(self.inputs(balls)):
                        self.require_inside(near)
                except Undecided:
                    continue
                return
        raise NoEnclosure("enclosures do not show whether a symbol stays in its domain")


class _BallsWithEstimatedIntegrals(Enclosed):
    """Balls that enclose all rounding, but in which the errors of integrals are only estimated."""

    def __init__(self, digits: int, *point: Any) -> None:
        super().__init__(digits, *point)
        self.digits = digits
        self.tolerance = self.closest = _estimated_tolerance(digits)

    def _arithmetics(self, decades: int) -> Iterator[Balls]:
        digits = max(self.digits, _PER_DECADE_OF_INTEGRALS * decades)
        for factor in _DOUBLINGS_OF_INTEGRALS:
            yield Balls(ceil(factor * digits * _BITS) + GUARD)


class EnclosedIntegrals(_BallsWithEstimatedIntegrals):
    """Balls in which integrals are enclosed too: one that can only be estimated has no value."""

    def _arithmetics(self, decades: int) -> Iterator[Balls]:
        for balls in super()._arithmetics(decades):
            yield EnclosingIntegrals(balls.bits)


class Estimated(_AtPoint[TrackingCancellation]):
    """Numbers of many digits, with errors estimated from the changes that more digits make.

    Where there are integrals, balls are tried first, so that only the errors of integrals are
    estimated; numbers of many digits follow if the code of the claim cannot compute with balls.
    """

    def __init__(self, digits: int, integrals: bool, *point: Any) -> None:
        super().__init__(*point)
        self.digits, self.factors = digits, _DOUBLINGS_OF_INTEGRALS if integrals else _DOUBLINGS
        self.farthest = 24 if integrals else 64
        self.tolerance = self.closest = _estimated_tolerance(digits)
        self.balls = _BallsWithEstimatedIntegrals(digits, *point) if integrals else None

    def enclose(self, compute: Compute, enough: Enough, decades: int = 0) -> Enclosures:
        if self.balls is not None:
            try:
                return self.balls.enclose(compute, enough, decades)
            except NotConverged:  # more digits would not help
                raise
            except (ArithmeticError, TypeError, AttributeError):
                pass  # the claim's code cannot compute with balls
        return self._estimates(compute, decades)

    def _estimates(self, compute: Compute, decades: int) -> Enclosures:
        digits = max(self.digits, _PER_DECADE * decades)
        known = frozenset(self.point)
        kinds = [TrackingCancellation(factor * digits, known) for factor in self.factors]
        tables = [
            [[ball_of(x) for x in np.ravel(column)] for column in compute(self.inputs(kind))]
            for kind in kinds
        ]
        sizes = (abs(x) for column in tables[-1] for x in column if x.is_finite())
        # Rounding noise that cancellation leaves may be the same for all numbers of digits, so that
        # no change shows it.  Each estimate gets a least error: half of the digits of the largest
        # number, or more where sums have lost more digits than that.
        best = kinds[-1]
        lost = best.context.mpf(10) ** -best.digits * best.cancelled
        noise = ball_of(max(best.context.mpf(10) ** -(digits // 2), lost))
        least = max(sizes, default=arb(0)) * noise
        return [
            [_estimate(entry, least) for entry in zip(*column, strict=True)]
            for column in zip(*tables, strict=True)
        ]

    def ball(self, number: Any) -> Ball:
        return Ball(ball_of(number))

    def require_approach_inside(self, nearing: Callable[[Inputs], list[Inputs]]) -> None:
        for near in nearing(self.inputs(TrackingCancellation(self.digits))):
            self.require_inside(near)


def _estimated_tolerance(digits: int) -> Fraction:
    """Estimates count as equal within this: 40 % of the digits are trusted."""
    return Fraction(1, 10 ** (2 * digits // 5))


def _is_whole(ball: Ball) -> bool:
    """Whether a ball is known to be an integer; False if it only may be one."""
    if ball.exact is not None:
        return bool(ball.exact.is_rational and ball.exact.coefficient.q == 1)
    return bool(ball.arb.is_integer())


def _known(value: arb) -> bool:
    """Whether an enclosure is of use: it is finite, or known to be infinite."""
    return bool(value.is_finite() or (value.is_exact() and not value.is_nan()))


def _estimate(balls: tuple[arb, ...], least: arb) -> arb:
    """A ball about the number of the most digits, with an error of at least `least`."""
    best = balls[-1]
    if not best.is_finite():
        # Infinite, if it is the same infinity for all numbers of digits.
        if any(x.is_nan() for x in balls) or any(x != best for x in balls):
            raise NoValue("it is not a number")
        return best
    changed = max(abs(x - best).upper() for x in balls)
    error = _SAFETY * changed + least
    return arb(best.mid(), error.upper())


def put_in(expression: Any, point: Point) -> Any:
    """The expression at a point, with exact numbers; expectations become sums over groups."""
    weights = point.get(WEIGHT, ())
    groups = [
        (
            _rational(weight),
            {
                symbol: _rational(value[group])
                for symbol, value in point.items()
                if isinstance(symbol, GroupSymbol) and symbol != WEIGHT
            },
        )
        for group, weight in enumerate(weights)
    ]
    single = {
        symbol: _rational(value) for symbol, value in point.items() if not isinstance(value, tuple)
    }
    return expression.replace(
        lambda part: isinstance(part, Mean), lambda mean: mean.over(groups)
    ).xreplace(single)


def _rational(value: Fraction) -> Any:
    return sp.Rational(value.numerator, value.denominator)
