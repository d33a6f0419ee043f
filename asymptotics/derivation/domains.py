"""Domains of symbols: the assumptions they give SymPy, and the numbers that checks try."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from numbers import Integral, Rational
from typing import Any

import sympy as sp
from hypothesis import strategies as st

from ..errors import InvalidInput

#: Random numbers from an unbounded domain lie between 10**-4 and 10**4.
_DECADES = 4
#: Extreme numbers that are tried from every domain, because a claim may hold for moderate numbers
#: alone: powers of ten, numbers this close to the ends of an interval (as a share of its length),
#: and large integers.
_FAR_DECADES = (30, -30, 300, -300)
_NEAR_END = Fraction(1, 10**30)
_FAR_INTEGERS = (100, 1000, 10**4, 10**6)
#: Random integers from an unbounded domain are at most this much larger than its first.
_INTEGERS = 50


@dataclass(frozen=True)
class Domain:
    """An interval of real numbers, or the integers in it.

    `low` and `high` are exact rational numbers (``int``, ``Fraction`` or SymPy's), or SymPy's
    ``oo`` and ``-oo``.  `whole` restricts the domain to integers; its ends then become its first
    and its last integer.

    Raises `InvalidInput` for ends that are no such numbers, for a domain without any number, for an
    infinite end that is included, and for integers without a first.
    """

    low: Any
    high: Any
    low_included: bool = False
    high_included: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        self._set(low=_end("low", self.low), high=_end("high", self.high))
        given = f"{self.low} to {self.high}"
        if self.whole and self.low == -sp.oo:
            raise InvalidInput("domain", self.low, "of integers must have a first")
        includes_infinity = (self.low == -sp.oo and self.low_included) or (
            self.high == sp.oo and self.high_included
        )
        if self.whole and not includes_infinity and self.low < sp.oo:
            self._set(low=_first(self.low, self.low_included), low_included=True)
        if self.whole and not includes_infinity and abs(self.high) < sp.oo:
            self._set(high=-_first(-self.high, self.high_included), high_included=True)
        has_numbers = self.low < self.high or (
            self.low == self.high and self.low_included and self.high_included
        )
        # An infinite end must not be included: infinity is no number.
        if not has_numbers or includes_infinity:
            raise InvalidInput("domain", given, "must hold numbers, finite")

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def interval(self) -> sp.Interval:
        return sp.Interval(self.low, self.high, not self.low_included, not self.high_included)

    @property
    def assumptions(self) -> dict[str, bool]:
        """SymPy's assumptions for a symbol of this domain."""
        inside = self.interval
        kind = {"integer": True} if self.whole else {"real": True}
        if inside.is_subset(sp.Interval.open(0, sp.oo)):
            return kind | {"positive": True}
        if inside.is_subset(sp.Interval(0, sp.oo)):
            return kind | {"nonnegative": True}
        if inside.is_subset(sp.Interval.open(-sp.oo, 0)):
            return kind | {"negative": True}
        return kind

    def contains(self, value: Any) -> bool:
        """Whether a number lies in the interval; any type that compares with `Fraction` will do."""
        above = self.low == -sp.oo or _beyond(value, _fraction(self.low), self.low_included)
        return above and (
            self.high == sp.oo or _beyond(-value, -_fraction(self.high), self.high_included)
        )

    @property
    def ends(self) -> tuple[Fraction, ...]:
        """The ends that belong to the domain; none for an open interval."""
        pairs = ((self.low, self.low_included), (self.high, self.high_included))
        return tuple(_fraction(end) for end, included in dict.fromkeys(pairs) if included)

    def simplest(self) -> tuple[Fraction, ...]:
        """A few numbers that a reader would try first, such as 1 and 2, and the included ends."""
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

    def _finite_ends(self) -> tuple[Fraction | None, Fraction | None]:
        low, high = (_fraction(x) if x.is_finite else None for x in (self.low, self.high))
        return low, high

    def far(self) -> tuple[Fraction, ...]:
        """Extreme numbers of the domain: very large, very close to an end, or large integers."""
        low, high = self._finite_ends()
        if self.whole:
            start, steps = low or Fraction(0), map(Fraction, _FAR_INTEGERS)
            tried = [start + step for step in steps]
        elif low is not None and high is not None:
            tried = [low + (high - low) * share for share in (_NEAR_END, 1 - _NEAR_END)]
        else:
            sizes = [Fraction(10) ** power for power in _FAR_DECADES]
            signs = [sign for sign, end in ((1, high), (-1, low)) if end is None]
            start = next((end for end in (low, high) if end is not None), Fraction(0))
            tried = [start + sign * size for sign in signs for size in sizes]
        return tuple(x for x in tried if self.holds(x))

    def spread(self, count: int) -> tuple[Fraction, ...]:
        """`count` numbers spread over the domain.

        They differ, unless the domain has fewer than `count` integers: then these repeat.  A
        half-line is reached by u/(1-u) for u in (0, 1), the whole line by (2u-1)/(u(1-u)).
        """
        low, high = self._finite_ends()
        places = [Fraction(place, count + 1) for place in range(1, count + 1)]
        if self.whole:
            tried = [(low or Fraction(0)) + k for k in range(count)]
            inside = [x for x in tried if self.holds(x)]
            return tuple(inside[k % len(inside)] for k in range(count))
        if low is not None and high is not None:
            return tuple(low + (high - low) * place for place in places)
        if low is not None:
            return tuple(low + place / (1 - place) for place in places)
        if high is not None:
            return tuple(high - place / (1 - place) for place in places)
        return tuple((2 * place - 1) / (place * (1 - place)) for place in places)

    def holds(self, value: Fraction) -> bool:
        """Whether a rational number belongs to the domain; an integer, for a domain of integers."""
        return self.contains(value) and (not self.whole or value.denominator == 1)

    def numbers(self) -> st.SearchStrategy[Fraction]:
        """A Hypothesis strategy for rational numbers of the domain, shrinking to simple ones."""
        low, high = self.low, self.high
        ends = [
            st.just(_fraction(end))
            for end, included in ((low, self.low_included), (high, self.high_included))
            if included
        ]
        if self.whole:
            last = low + _INTEGERS if high == sp.oo else high
            return st.integers(int(low), int(last)).map(Fraction)
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
        """The domain in LaTeX, as an interval or a set of integers."""
        if self.whole and self.low == self.high:
            return rf"\left\{{{self.low}\right\}}"
        if self.whole:
            first = self.low
            last = r",\,\dots" if self.high == sp.oo else rf",\,\dots,\,{sp.latex(self.high)}"
            return rf"\left\{{{first},\,{first + 1}{last}\right\}}"
        left = "[" if self.low_included else "("
        right = "]" if self.high_included else ")"
        return rf"{left}{sp.latex(self.low)},\,{sp.latex(self.high)}{right}"


def between(low: Any, high: Any, low_included: bool = False, high_included: bool = False) -> Domain:
    """The domain of the real numbers from `low` to `high`; each end belongs to it if included."""
    return Domain(low, high, low_included, high_included)


def above(low: Any, included: bool = False) -> Domain:
    """The domain of the real numbers above `low`, and `low` itself if included."""
    return Domain(low, sp.oo, low_included=included)


def integers_from(first: int) -> Domain:
    """The domain of the integers from `first` on; raises `InvalidInput` unless `first` is one."""
    if not isinstance(first, Integral):
        raise InvalidInput("first", first, "must be a whole number")
    return Domain(first, sp.oo, low_included=True, whole=True)


def _end(key: str, value: Any) -> Any:
    """An end of a domain as a number of SymPy; raises `InvalidInput` if it is not exact."""
    if value in (sp.oo, -sp.oo) and isinstance(value, sp.Basic):
        return value
    if isinstance(value, bool) or not isinstance(value, Rational):
        raise InvalidInput(key, value, "must be an exact rational number, or oo or -oo of SymPy")
    return sp.Rational(int(value.numerator), int(value.denominator))


def _first(low: Any, included: bool) -> Any:
    """The first integer above a number, or at it if included."""
    return sp.Integer(ceil(low) if included else floor(low) + 1)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _beyond(value: Any, end: Fraction, included: bool) -> bool:
    """Whether a value lies above an end, or at it if included."""
    return bool(value > end) or (included and bool(value == end))


def _magnitudes() -> st.SearchStrategy[Fraction]:
    """A strategy for positive numbers over several decades, of which 1 is the simplest."""
    decimal = st.tuples(st.integers(1, 999), st.integers(-_DECADES, _DECADES - 2))
    small = st.integers(1, 9).map(Fraction)
    return small | decimal.map(lambda pair: pair[0] * Fraction(10) ** pair[1])


def _shares() -> st.SearchStrategy[Fraction]:
    """A strategy for numbers strictly between 0 and 1, of which one half is the simplest."""
    return st.integers(2, 1000).flatmap(
        lambda denominator: st.integers(1, denominator - 1).map(
            lambda numerator: Fraction(numerator, denominator)
        )
    )


POSITIVE = above(0)
NONNEGATIVE = above(0, included=True)
REAL = Domain(-sp.oo, sp.oo)
UNIT = between(0, 1)
