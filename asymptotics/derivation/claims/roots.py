"""The claim that a function has exactly one root in an interval."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import sympy as sp
from flint import arb
from sympy.core.function import Application

from ...arithmetic import SPECIAL, Array
from ...arithmetic.symbolic import Mean
from ...errors import InvalidInput
from .. import algebra
from ..arithmetics import Values
from ..domains import Domain
from .base import (
    PROVED,
    Box,
    Claim,
    Enclosures,
    Finding,
    Inputs,
    Numbers,
    at_most,
    less,
    require_own_variable,
    require_real,
    sides_as_text,
    surely_nonzero,
)

#: Reasons why values do not decide that a root exists, with a form that could be decided.
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
#: Distances of the outermost places from the ends, as shares of the interval: the function may have
#: no value at an end itself.  The smaller one is tried first.
_NEAR_END = sp.Rational(1, 10**12)
_NEAREST_END = sp.Rational(1, 10**50)
#: The interval is divided into this many parts, with a random place in each; into more if the claim
#: has no other symbols, so that this is the only interval that is tried.
_PARTS, _PARTS_ALONE = 20, 200
#: Every fifth of these places has a close neighbour, and the two show the sign of the slope.
_EVERY = 5
#: The distance of a neighbour, as a share of a part.
_NEIGHBOUR = Fraction(1, 10**6)
#: The relative distance within which the outermost value must confirm a limit at the end.
_CONFIRMS = arb(10) ** -6


@dataclass(frozen=True)
class UniqueRoot(Claim):
    """``function`` of ``variable`` is monotone on (low, high) and changes its sign there once.

    So it has exactly one root there if it is continuous.  `high` may be infinite.
    """

    function: Any
    variable: sp.Symbol
    low: Any
    high: Any

    parts = ("function", "low", "high")

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        ends = (self.low, self.high)
        require_own_variable(self.variable, self.function, domains, given, ends)
        domain = domains[self.variable]
        require_real(self.variable, domain)
        if not (at_most(domain.low, self.low) and at_most(self.high, domain.high)):
            interval = f"({self.low}, {self.high})"
            raise InvalidInput("interval", interval, f"must lie in the domain, {domain}")
        if self.low == self.high or less(self.high, self.low):
            interval = f"({self.low}, {self.high})"
            raise InvalidInput("interval", interval, "must hold numbers: low < high")

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
        # Monotone: all steps between neighbouring places have one sign.
        steps = [y - x for x, y in pairwise(values)]
        rises, falls = any(x > 0 for x in steps), any(x < 0 for x in steps)
        said = sides_as_text(values[:1], values[-1:], [values[0] - values[-1]])
        where = f"{self.variable} from {self.low} to {self.high}"
        if sum(bool(x == 0) for x in values) > 1:
            # A value of 0 is exact, except for an integral, which may be rounded to 0.
            holds = None if self.function.has(sp.Integral) else False
            return Finding(holds, f"{said}, and it is 0 at more than one place between them", where)
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
        # No change of sign is seen.  A function that rises from f(low) >= 0, or to f(high) <= 0,
        # has no root in between; otherwise it may have one closer to an end than any place.
        misses = any(
            end is not None and bool(sign * upward * end >= 0)
            for sign, end in zip((1, -1), ends, strict=True)
        )
        return Finding(False if misses else None, said if misses else f"{said}: {_NO_ZERO}", where)

    def _values(self, numbers: Numbers) -> Sequence[arb]:
        """The function at places from low to high, as near to the ends as it has values."""
        between = self._between(numbers)
        for nearest in (_NEAREST_END, _NEAR_END):
            ends = (*sorted({nearest, _NEAR_END}), *sorted({1 - nearest, 1 - _NEAR_END}))
            shares = sorted((*ends, *between))
            with suppress(ArithmeticError):
                known = partial(_signs_known, numbers.closest)
                return numbers.enclose(partial(self._along, shares), known)[0]
        raise ArithmeticError("the values of the function are not known")

    def _between(self, numbers: Numbers) -> list[Any]:
        """Places between the ends, as shares of the interval: one at random in each of many parts.

        The generator is seeded with the function at this point: another point has other places, and
        the same point always the same.
        """
        draw = Random(str(numbers.exact(self.function)))  # noqa: S311  # nothing here is secret
        alone = not self.symbols
        count = _PARTS_ALONE if alone else _PARTS
        first = [
            (part + Fraction(draw.randrange(1, 10**6), 10**6)) / count for part in range(count)
        ]
        neighbours = [place + _NEIGHBOUR / count for place in first[:: 1 if alone else _EVERY]]
        return [sp.Rational(x.numerator, x.denominator) for x in (*first, *neighbours)]

    def _end(self, side: int, values: Sequence[arb], numbers: Numbers) -> arb | None:
        """The function at the low (`side` 0) or high (1) end of the interval; None if not known.

        It is the value there or, if there is none, the limit, if the outermost value confirms it.
        """
        end = (self.low, self.high)[side]
        if end not in (sp.oo, -sp.oo):
            with suppress(ArithmeticError):
                at_end = partial(self._put_in, end)
                return numbers.enclose(at_end, lambda found: surely_nonzero(found[0][0]))[0][0]
        here = numbers.exact(self.function)
        try:
            found = algebra.limit(here, self.variable, numbers.exact(end), "+-"[side])
            limit = numbers.enclose(lambda inputs: (inputs(found),), lambda _: True)[0][0]
        except Exception:  # SymPy raises errors of many kinds where it finds no limit
            return None
        near = abs(values[-side] - limit) <= _CONFIRMS * abs(limit).max(arb(1))
        return limit if near else None

    def _put_in(self, place: Any, inputs: Inputs) -> tuple[Array]:
        """The value of the function where its variable is `place`, an expression."""
        return (inputs.at(self.variable, inputs(place))(self.function),)

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        if not (self.low.is_Rational and self.high.is_Rational):
            return
        low, high = (Fraction(str(end)) for end in (self.low, self.high))
        # Four inequalities: 1 + f**2 > 0 (any finite enclosure shows it, and a function without
        # jumps is continuous where it is finite), the signs of f at both ends, and the sign of its
        # slope.
        yield 1 + self.function**2, {**box, self.variable: (low, high)}
        others = {x: interval for x, interval in box.items() if x != self.variable}
        ends = [self.function.subs(self.variable, end) for end in (self.low, self.high)]
        # Whether the function rises or falls is read off at the middle of the box; the inequalities
        # then prove it for the whole box.
        middle = {x: (low + high) / 2 for x, (low, high) in others.items()}
        falls = bool(ends[0].subs({x: sp.Rational(str(y)) for x, y in middle.items()}) > 0)
        sign = 1 if falls else -1
        yield sign * ends[0], others
        yield -sign * ends[1], others
        yield -sign * sp.diff(self.function, self.variable), {**others, self.variable: (low, high)}

    def may_jump(self) -> Any:
        """A part that may be finite but not continuous, such as ``floor(x)``, or None."""
        parts = sorted(self.function.atoms(Application), key=sp.default_sort_key)
        return next((part for part in parts if not isinstance(part, _WITHOUT_JUMPS)), None)

    def _continuous(self, numbers: Numbers) -> bool:
        """Whether algebra shows that it is continuous, in general or at a point."""
        here = self.mapped(numbers.exact)
        return any(
            _continuous(claim.function, claim.variable, claim.low, claim.high)
            for claim in (self, here)
        )

    def slope(self) -> tuple[Any, sp.Symbol, Any] | None:
        """The slope as a function of a share of the interval, the symbol of the share, its place.

        A share s in (0, 1) is the place low + s (high - low) or, if high is infinite,
        low + s/(1 - s).  None if the ends are not rational.
        """
        if not self.low.is_Rational or not (self.high.is_Rational or self.high == sp.oo):
            return None
        share = sp.Dummy("share", positive=True)
        offset = share / (1 - share) if self.high == sp.oo else share * (self.high - self.low)
        place = self.low + offset
        return sp.diff(self.function, self.variable).subs(self.variable, place), share, place

    def _along(self, shares: Sequence[Any], inputs: Inputs) -> tuple[Array]:
        """The function at several shares of the interval."""
        return (np.array([self._value(share, inputs) for share in shares], dtype=object),)

    def _value(self, share: Any, inputs: Inputs) -> Any:
        """The function at a share of the interval; if endless, a share near 1 is very far out."""
        x = inputs(self.low).item()
        if self.high == sp.oo:
            # With the fifth power the outermost places are at 10^60, or even 10^250, so that one of
            # them lies beyond whatever scale the function has.
            x += inputs((share / (1 - share)) ** 5).item()
        else:
            x += (inputs(self.high).item() - x) * inputs(share).item()
        return inputs.at(self.variable, inputs.arithmetic.array(x))(self.function).item()

    def latex(self) -> str:
        x = sp.latex(self.variable)
        interval = f"({sp.latex(self.low)}, {sp.latex(self.high)})"
        return rf"\exists!\, {x} \in {interval}:\quad {sp.latex(self.function)} = 0"


def _signs_known(closest: Fraction, found: Enclosures) -> bool:
    """Whether the signs of the outermost values, and of the steps between neighbours, are known.

    A step of less than `closest`, relative to the largest value, need not be known: a function that
    approaches a constant, as a Gaussian tail does, makes steps that no number of bits resolves.
    """
    (values,) = found
    least = max(abs(x).upper() for x in values) * closest.numerator / closest.denominator
    steps = (y - x for x, y in pairwise(values))
    return all(surely_nonzero(x) or x == 0 for x in (values[0], values[-1])) and all(
        surely_nonzero(x) or abs(x) <= least for x in steps
    )


@lru_cache(maxsize=100)
def _continuous(function: Any, variable: sp.Symbol, low: Any, high: Any) -> bool:
    """Whether algebra shows that a function is continuous from low to high."""
    if algebra.continuous(function, variable):
        return True
    if not low.is_finite:
        return False
    share = sp.Dummy("share", positive=True)
    offset = share if high == sp.oo else (high - low) * share / (1 + share)
    return algebra.continuous(function.subs(variable, low + offset), share)
