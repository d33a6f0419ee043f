"""Limits, and roots that are the only ones."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise
from random import Random
from typing import Any, Self

import numpy as np
import sympy as sp
from flint import arb
from sympy.core.function import Application

from ...arithmetic import SPECIAL, Array
from ...arithmetic.symbolic import Mean
from ...errors import InvalidInput
from .. import algebra
from ..domains import Domain
from ..evaluation import Undefined, Values
from .base import (
    PROVED,
    Box,
    Change,
    Claim,
    Enclosures,
    Finding,
    Inputs,
    Numbers,
    apart,
    both,
    free,
)
from .nearing import (
    EXTREME,
    FEWEST,
    MODERATE,
    SCALES,
    Course,
    Near,
    approach,
    enough,
    power_of_ten,
    tends_to,
)

#: Why values decide nothing of a limit, and what would.
_SLOW = (
    "the values converge too slowly to tell the limit, or do not converge; a form that algebra "
    "brings to the limit would decide it, or a bound on the distance from the limit"
)
_NOT_AGREED = "the values stay away, but algebra finds no such limit; another form would decide it"
_OSCILLATES = (
    "these are values at powers of ten, and what oscillates may have others between them; bounds "
    "without what oscillates, which go to the limit, would decide it"
)
_NO_ZERO = "no change of sign is seen; the limits at both ends would decide it"
_JUMPS = (
    "it may jump over 0, because algebra does not show that it is continuous; a form that algebra "
    "shows to be continuous would decide it"
)
#: Functions that are continuous wherever they have a finite value.
_WITHOUT_JUMPS = (
    sp.exp, sp.log, sp.erf, sp.erfc, sp.Abs, sp.Max, sp.Min, Mean,
    *(getattr(sp, name) for name in SPECIAL),
)  # fmt: skip
#: Places near two ends, as shares of the way: the ends are never quite met.
_NEAREST = sp.Rational(1, 10**12)
_FARTHEST = sp.Rational(1, 10**50)
#: Parts of the way between two ends, with a place in each; more where there is one point alone.
_PARTS, _PARTS_ALONE = 20, 200
#: The places of so many parts have a neighbour, which shows the slope there: every fifth part.
_SLOPES = 5
#: How near a neighbour is, as a share of a part.
_BESIDE = Fraction(1, 10**6)
#: How near values must come to a limit at an end of an interval to confirm it.
_NEAR = arb(10) ** -6


@dataclass(frozen=True)
class Limit(Claim):
    """``expression`` tends to ``value`` as ``variable`` goes to ``point`` from one side.

    `side` is ``"+"``, from above, or ``"-"``, from below; at infinity it says nothing.  It is
    proved for any number of groups.
    """

    expression: Any
    variable: sp.Symbol
    point: Any
    value: Any
    side: str = "+"

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.expression, self.value, self.point

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        expression, value, point = map(change, self.expressions)
        return replace(self, expression=expression, value=value, point=point)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.value, self.point))
        if self.side not in ("+", "-"):
            raise InvalidInput("side", self.side, "must be '+' or '-'")
        domain, point = domains[self.variable], self.point
        if point in (sp.oo, -sp.oo):
            inside = point in (domain.low, domain.high)
        elif self.side == "+":
            inside = _at_most(domain.low, point) and _less(point, domain.high)
        else:
            inside = _less(domain.low, point) and _at_most(point, domain.high)
        if not inside:
            raise InvalidInput("point", point, f"is not come to from within the domain, {domain}")

    def exactly(self) -> Finding:
        try:
            found = algebra.limit(self.expression, self.variable, self.point, self.side)
        except NotImplementedError:
            return Finding(None, f"the limit is not found{self._because_of_waves()}")
        value = self.value
        if found == value or (value.is_finite is not False and algebra.vanishes(found - value)):
            return PROVED
        return Finding(None, f"the limit is {found}")

    def _because_of_waves(self) -> str:
        found = algebra.waves(self.expression, self.variable, self.point, self.side)
        return f": {found[0]} may oscillate" if found else ""

    def at(self, numbers: Numbers) -> Finding:
        way: list[Near] = []
        for near in self._way(numbers):
            way.append(near)
            # The farther scales are for what has not shown by then where it goes.
            if near.decades == MODERATE and (found := self._told(way, numbers)).holds is not None:
                return found
        return self._told(way, numbers)

    def _told(self, way: list[Near], numbers: Numbers) -> Finding:
        """What the values tell, and algebra where they do not speak for the claim."""
        course = approach(way)
        oscillates = course is Course.HOLDS and self._oscillates(numbers)
        if course is Course.HOLDS and not oscillates:
            return PROVED
        last = [near for near in way if near.decades <= MODERATE][-1]
        said = both([last.value], [last.target], [last.value - last.target])
        where = f"{self.variable} = {self._place(last.decades)}"
        if oscillates:
            return Finding(None, f"{said}: {_OSCILLATES}", where)
        if self._elsewhere(way, course, numbers):
            return Finding(False, said, where)
        against = course is Course.STAYS_AWAY
        return Finding(None, f"{said}: {_NOT_AGREED if against else _SLOW}", where, against)

    def _oscillates(self, numbers: Numbers) -> bool:
        """Whether it oscillates on its way, and algebra does not show that it has this limit."""
        here = self.mapped(numbers.exact)
        return bool(
            algebra.waves(here.expression, here.variable, here.point, here.side)
            and not here.exactly().holds
        )

    def _way(self, numbers: Numbers) -> Iterator[Near]:
        """The expression on its way to the limit, as far as enclosures show its value."""
        for decades in SCALES:
            if decades > numbers.farthest:
                return
            compute, known = partial(self._sides, decades), partial(enough, decades)
            failed = ArithmeticError("the values near the limit are not known")
            try:
                found = numbers.enclose(compute, known, decades)
            except ArithmeticError as error:
                found, failed = None, error if isinstance(error, Undefined) else failed
            if found is None or not known(found):
                if decades <= FEWEST:
                    raise failed
                return
            (value,), (target,) = found
            yield Near(decades, value, target)

    def _elsewhere(self, way: list[Near], course: Course, numbers: Numbers) -> bool:
        """Whether the expression surely has another limit than the one that is claimed.

        Values and algebra must agree on the other limit.  Where algebra finds none, values must
        stay away over scales that lie as far apart as logarithms can tell.
        """
        here = self.mapped(numbers.exact)
        try:
            found = algebra.limit(here.expression, here.variable, here.point, here.side)
            ((other,),) = numbers.enclose(lambda inputs: (inputs(found),), lambda _: True)
        except Exception:  # SymPy raises errors of many kinds where it finds no limit
            return course is Course.STAYS_AWAY and way[-1].decades >= EXTREME
        return tends_to(way, other)

    def _sides(self, decades: int, inputs: Inputs) -> tuple[Array, Array]:
        return self._near(decades, inputs)(self.expression), inputs(self.value)

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """The point with the variable ever nearer to where it goes."""
        return [self._near(decades, inputs) for decades in SCALES[:3]]

    def _near(self, decades: int, inputs: Inputs) -> Inputs:
        """The inputs with the variable so many decades on its way."""
        if self.point in (sp.oo, -sp.oo):
            step = power_of_ten(decades, inputs.arithmetic)
            return inputs.at(self.variable, step if self.point == sp.oo else -step)
        step = power_of_ten(-decades, inputs.arithmetic)
        point = inputs(self.point)
        return inputs.at(self.variable, point + step if self.side == "+" else point - step)

    def _place(self, decades: int) -> str:
        """Where the variable is, in words."""
        if self.point in (sp.oo, -sp.oo):
            return f"{'-' if self.point == -sp.oo else ''}10^{decades}"
        if self.point == 0:
            return f"{self.side.strip('+')}10^-{decades}"
        return f"{self.point} {self.side} 10^-{decades}"

    def latex(self) -> str:
        side = "" if self.point in (sp.oo, -sp.oo) else f"^{{{self.side}}}"
        to = rf"{sp.latex(self.variable)} \to {sp.latex(self.point)}{side}"
        shown = sp.latex(self.expression)
        if self.expression.is_Add:
            shown = rf"\left({shown}\right)"
        return rf"\lim_{{{to}}} {shown} = {sp.latex(self.value)}"


@dataclass(frozen=True)
class UniqueRoot(Claim):
    """``function`` of ``variable`` is monotone on (low, high) and changes its sign there once."""

    function: Any
    variable: sp.Symbol
    low: Any
    high: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.function, self.low, self.high

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        function, low, high = map(change, self.expressions)
        return replace(self, function=function, low=low, high=high)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.low, self.high))
        domain = domains[self.variable]
        if not (_at_most(domain.low, self.low) and _at_most(self.high, domain.high)):
            interval = f"({self.low}, {self.high})"
            raise InvalidInput("interval", interval, f"must lie in the domain, {domain}")

    def exactly(self) -> Finding:
        if not algebra.continuous(self.function, self.variable):
            return Finding(None, "algebra does not show that it is continuous")
        slope = algebra.sign(sp.diff(self.function, self.variable))
        if slope is None:
            return Finding(None, "algebra does not show that it is monotone")
        try:
            ends = [
                algebra.limit(self.function, self.variable, point, side)
                for point, side in ((self.low, "+"), (self.high, "-"))
            ]
        except NotImplementedError:
            return Finding(None, "the limits at its ends are not found")
        if [algebra.sign(slope * end) for end in ends] == [-1, 1]:
            return PROVED
        return Finding(None, f"at its ends it tends to {ends[0]} and {ends[1]}")

    def at(self, numbers: Numbers) -> Finding:
        values = self._values(numbers)
        steps = [y - x for x, y in pairwise(values)]
        rises, falls = any(x > 0 for x in steps), any(x < 0 for x in steps)
        said = both(values[:1], values[-1:], [values[0] - values[-1]])
        where = f"{self.variable} from {self.low} to {self.high}"
        if sum(bool(x == 0) for x in values) > 1:
            # Of an integral that numbers make 0 it is not certain that it is.
            told = None if self.function.has(sp.Integral) else False
            return Finding(told, f"{said}, and it is 0 at more than one place between them", where)
        if rises and falls:
            return Finding(False, f"{said}, but it rises and falls between them", where)
        if not (rises or falls):
            return Finding(None, "no number of digits tells whether it rises or falls", where)
        if values[0] * values[-1] < 0:
            if self._continuous(numbers):
                return PROVED
            return Finding(None, f"{said}: {_JUMPS}", where)
        ends = [self._end(side, values, numbers) for side in (0, 1)]
        upward = 1 if rises else -1
        # What rises from zero or above, or to zero or below, has no zero between.
        misses = any(
            end is not None and bool(sign * upward * end >= 0)
            for sign, end in zip((1, -1), ends, strict=True)
        )
        return Finding(False if misses else None, said if misses else f"{said}: {_NO_ZERO}", where)

    def _values(self, numbers: Numbers) -> Sequence[arb]:
        """The function from low to high; from nearer to each end where it has values there."""
        between = self._between(numbers)
        for nearest in (_FARTHEST, _NEAREST):
            ends = (*sorted({nearest, _NEAREST}), *sorted({1 - nearest, 1 - _NEAREST}))
            shares = sorted((*ends, *between))
            with suppress(ArithmeticError):
                known = partial(_signs_known, numbers.closest)
                return numbers.enclose(partial(self._along, shares), known)[0]
        raise ArithmeticError("the values of the function are not known")

    def _between(self, numbers: Numbers) -> list[Any]:
        """Places between the ends, as shares of the way: one at random in each of many parts.

        They are others at each point, and are always the same at the same point.
        """
        draw = Random(str(numbers.exact(self.function)))  # noqa: S311  # nothing here is secret
        alone = not self.symbols
        count = _PARTS_ALONE if alone else _PARTS
        first = [
            (part + Fraction(draw.randrange(1, 10**6), 10**6)) / count for part in range(count)
        ]
        neighbours = [place + _BESIDE / count for place in first[:: 1 if alone else _SLOPES]]
        return [sp.Rational(x.numerator, x.denominator) for x in (*first, *neighbours)]

    def _end(self, side: int, values: Sequence[arb], numbers: Numbers) -> arb | None:
        """The function at an end of the interval: its value there, or its limit, if it is known."""
        end = (self.low, self.high)[side]
        if end not in (sp.oo, -sp.oo):
            with suppress(ArithmeticError):
                at_end = partial(self._put_in, end)
                return numbers.enclose(at_end, lambda found: apart(found[0][0]))[0][0]
        here = numbers.exact(self.function)
        try:
            found = algebra.limit(here, self.variable, numbers.exact(end), "+-"[side])
            limit = numbers.enclose(lambda inputs: (inputs(found),), lambda _: True)[0][0]
        except Exception:  # SymPy raises errors of many kinds where it finds no limit
            return None
        near = abs(values[-side] - limit) <= _NEAR * abs(limit).max(arb(1))
        return limit if near else None

    def _put_in(self, place: Any, inputs: Inputs) -> tuple[Array]:
        """The function with an expression in the place of its variable."""
        return (inputs.at(self.variable, inputs(place))(self.function),)

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        if not (self.low.is_Rational and self.high.is_Rational):
            return
        low, high = (Fraction(str(end)) for end in (self.low, self.high))
        # A function without jumps is continuous where it is finite, as an enclosure shows it to be.
        yield 1 + self.function**2, {**box, self.variable: (low, high)}
        others = {x: interval for x, interval in box.items() if x != self.variable}
        ends = [self.function.subs(self.variable, end) for end in (self.low, self.high)]
        middle = {x: (low + high) / 2 for x, (low, high) in others.items()}
        falls = bool(ends[0].subs({x: sp.Rational(str(y)) for x, y in middle.items()}) > 0)
        sign = 1 if falls else -1
        yield sign * ends[0], others
        yield -sign * ends[1], others
        yield -sign * sp.diff(self.function, self.variable), {**others, self.variable: (low, high)}

    def may_jump(self) -> Any:
        """A part that may not be continuous where it is finite, such as ``floor(x)``, or None."""
        parts = sorted(self.function.atoms(Application), key=sp.default_sort_key)
        return next((part for part in parts if not isinstance(part, _WITHOUT_JUMPS)), None)

    def _continuous(self, numbers: Numbers) -> bool:
        """Whether algebra shows that it is continuous, for all symbols or at a point."""
        here = self.mapped(numbers.exact)
        return any(
            _continuous(claim.function, claim.variable, claim.low, claim.high)
            for claim in (self, here)
        )

    def slope(self) -> tuple[Any, sp.Symbol, Any] | None:
        """The slope at a share of the way from low to high, the share, and the place.

        At infinity the share is 1.  None where the ends are not rational.
        """
        if not self.low.is_Rational or not (self.high.is_Rational or self.high == sp.oo):
            return None
        share = sp.Dummy("share", positive=True)
        way = share / (1 - share) if self.high == sp.oo else share * (self.high - self.low)
        place = self.low + way
        return sp.diff(self.function, self.variable).subs(self.variable, place), share, place

    def _along(self, shares: Sequence[Any], inputs: Inputs) -> tuple[Array]:
        """The function at shares of the way from low to high."""
        return (np.array([self._value(share, inputs) for share in shares], dtype=object),)

    def _value(self, share: Any, inputs: Inputs) -> Any:
        """The function at a share of the way from low to high; infinity is far."""
        x = inputs(self.low).item()
        if self.high == sp.oo:
            # As far as 10^60, or even 10^250, whatever the scale is.
            x += inputs((share / (1 - share)) ** 5).item()
        else:
            x += (inputs(self.high).item() - x) * inputs(share).item()
        return inputs.at(self.variable, inputs.arithmetic.array(x))(self.function).item()

    def latex(self) -> str:
        x = sp.latex(self.variable)
        interval = f"({sp.latex(self.low)}, {sp.latex(self.high)})"
        return rf"\exists!\, {x} \in {interval}:\quad {sp.latex(self.function)} = 0"


def _signs_known(closest: Fraction, found: Enclosures) -> bool:
    """Whether it is known where a function rises and falls, and which signs it has at the ends.

    Steps of less than `closest`, beside its largest value, are left open: a function that nears a
    value at an end, as a Gaussian tail does, makes steps there that no number of bits shows.
    """
    (values,) = found
    least = max(abs(x).upper() for x in values) * closest.numerator / closest.denominator
    steps = (y - x for x, y in pairwise(values))
    return all(apart(x) or x == 0 for x in (values[0], values[-1])) and all(
        apart(x) or abs(x) <= least for x in steps
    )


@lru_cache(maxsize=100)
def _continuous(function: Any, variable: sp.Symbol, low: Any, high: Any) -> bool:
    """Whether algebra shows that a function is continuous from low to high."""
    if algebra.continuous(function, variable):
        return True
    if not low.is_finite:
        return False
    share = sp.Dummy("share", positive=True)
    way = share if high == sp.oo else (high - low) * share / (1 + share)
    return algebra.continuous(function.subs(variable, low + way), share)


def _require_variable(
    variable: Any, domains: Mapping[sp.Symbol, Domain], given: Values, others: tuple[Any, ...]
) -> None:
    if variable not in domains or variable in given:
        raise InvalidInput("variable", variable, "must be a declared symbol that is not given")
    if any(variable in free(other) for other in others):
        raise InvalidInput("variable", variable, "must not be in what does not vary with it")


def _at_most(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.nonnegative(y - x)


def _less(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.sign(y - x) == 1
