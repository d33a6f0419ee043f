"""Domains of symbols: what SymPy may assume of them, and the numbers that are tried for them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp
from hypothesis import strategies as st

from ..errors import InvalidInput

#: Decades that drawn numbers of an unbounded domain span, on either side of 1.
_DECADES = 4


@dataclass(frozen=True)
class Domain:
    """An interval of real numbers, or the integers in it."""

    low: Any
    high: Any
    low_included: bool = False
    high_included: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        numbers = self.low < self.high or (
            self.low == self.high and self.low_included and self.high_included
        )
        infinite = (self.low == -sp.oo and self.low_included) or (
            self.high == sp.oo and self.high_included
        )
        if not numbers or infinite:
            raise InvalidInput("domain", f"{self.low} to {self.high}", "must hold numbers, finite")
        if self.whole and self.low == -sp.oo:
            raise InvalidInput("domain", self.low, "of integers must have a first")

    @property
    def interval(self) -> sp.Interval:
        return sp.Interval(self.low, self.high, not self.low_included, not self.high_included)

    @property
    def assumptions(self) -> dict[str, bool]:
        """What SymPy is told of a symbol of this domain."""
        inside = self.interval
        told = {"integer": True} if self.whole else {"real": True}
        if inside.is_subset(sp.Interval.open(0, sp.oo)):
            return told | {"positive": True}
        if inside.is_subset(sp.Interval(0, sp.oo)):
            return told | {"nonnegative": True}
        if inside.is_subset(sp.Interval.open(-sp.oo, 0)):
            return told | {"negative": True}
        return told

    def contains(self, value: Any) -> bool:
        """Whether a number that is compared with fractions lies in the interval."""
        above = self.low == -sp.oo or _beyond(value, _fraction(self.low), self.low_included)
        return above and (
            self.high == sp.oo or _beyond(-value, -_fraction(self.high), self.high_included)
        )

    @property
    def ends(self) -> tuple[Fraction, ...]:
        """The ends that are numbers of the domain; no number of it is left out by them.

        Of an open interval there are none.
        """
        if self.whole:
            first = int(self.low) + (not self.low_included)
            last = () if self.high == sp.oo else (int(self.high) - (not self.high_included),)
            return tuple(Fraction(end) for end in dict.fromkeys((first, *last)))
        pairs = ((self.low, self.low_included), (self.high, self.high_included))
        return tuple(_fraction(end) for end, included in dict.fromkeys(pairs) if included)

    def simplest(self) -> tuple[Fraction, ...]:
        """A few numbers of the domain, those that a reader would try first; its ends among them."""
        inside: tuple[Fraction, ...]
        if self.low == self.high:
            inside = ()
        elif sp.oo in (-self.low, self.high):
            start = _fraction(
                next((x for x in (self.low, self.high) if x.is_finite), sp.Integer(0))
            )
            side = 1 if self.high == sp.oo else -1
            inside = tuple(start + side * Fraction(x) for x in (1, 2, Fraction(1, 2), -1))
        else:
            width = self.high - self.low
            inside = tuple(_fraction(self.low + width * sp.Rational(x, 4)) for x in (2, 1, 3))
        tried = dict.fromkeys((*inside[:1], *self.ends, *inside[1:]))
        return tuple(x for x in tried if self.holds(x))

    def holds(self, value: Fraction) -> bool:
        """Whether a rational number lies in the domain, and is whole if it must be."""
        return self.contains(value) and (not self.whole or value.denominator == 1)

    def numbers(self) -> st.SearchStrategy[Fraction]:
        """Rational numbers of the domain, the simplest ones first."""
        low, high = self.low, self.high
        ends = [
            st.just(_fraction(end))
            for end, included in ((low, self.low_included), (high, self.high_included))
            if included
        ]
        if self.whole:
            first = int(low) + (not self.low_included)
            last = first + 50 if high == sp.oo else int(high) - (not self.high_included)
            return st.integers(first, last).map(Fraction)
        if low == -sp.oo and high == sp.oo:
            inside = _magnitudes() | _magnitudes().map(lambda x: -x) | st.just(Fraction(0))
        elif high == sp.oo:
            inside = _magnitudes().map(lambda x: _fraction(low) + x)
        elif low == -sp.oo:
            inside = _magnitudes().map(lambda x: _fraction(high) - x)
        else:
            width = _fraction(high - low)
            inside = _shares().map(lambda share: _fraction(low) + width * share)
        return st.one_of(inside, *ends)

    def __str__(self) -> str:
        left, right = "[" if self.low_included else "(", "]" if self.high_included else ")"
        return f"{'integers of ' if self.whole else ''}{left}{self.low}, {self.high}{right}"

    def latex(self) -> str:
        """The domain as a set, in LaTeX."""
        if self.whole:
            first = int(self.low) + (not self.low_included)
            last = r",\,\dots" if self.high == sp.oo else rf",\,\dots,\,{sp.latex(self.high)}"
            return rf"\left\{{{first},\,{first + 1}{last}\right\}}"
        left = "[" if self.low_included else "("
        right = "]" if self.high_included else ")"
        return rf"{left}{sp.latex(self.low)},\,{sp.latex(self.high)}{right}"


def between(low: Any, high: Any, low_included: bool = False, high_included: bool = False) -> Domain:
    """The numbers from `low` to `high`, open unless an end is included."""
    return Domain(sp.Rational(low), sp.Rational(high), low_included, high_included)


def above(low: Any, included: bool = False) -> Domain:
    """The numbers above `low`."""
    return Domain(sp.Rational(low), sp.oo, low_included=included)


def integers_from(first: int) -> Domain:
    """Whole numbers from `first` on."""
    return Domain(sp.Integer(first), sp.oo, low_included=True, whole=True)


POSITIVE = above(0)
NONNEGATIVE = above(0, included=True)
REAL = Domain(-sp.oo, sp.oo)
UNIT = between(0, 1)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _beyond(value: Any, end: Fraction, included: bool) -> bool:
    return bool(value > end) or (included and bool(value == end))


def _magnitudes() -> st.SearchStrategy[Fraction]:
    """Positive numbers over decades, 1 the simplest."""
    decimal = st.tuples(st.integers(1, 999), st.integers(-_DECADES, _DECADES - 2))
    small = st.integers(1, 9).map(Fraction)
    return small | decimal.map(lambda pair: pair[0] * Fraction(10) ** pair[1])


def _shares() -> st.SearchStrategy[Fraction]:
    """Numbers strictly between 0 and 1, one half the simplest."""
    return st.integers(2, 1000).flatmap(
        lambda whole: st.integers(1, whole - 1).map(lambda part: Fraction(part, whole))
    )
