"""Points of the symbols' domains: drawn by hypothesis, which also finds the simplest of them."""

import time
from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ..arithmetic.multiprecision import Multiprecision
from ..arithmetic.symbolic import WEIGHT, GroupSymbol
from .claims import Change, Claim, Finding, Inputs, Limit
from .domains import Domain
from .evaluation import NoValue, value_of
from .limit import OutOfTime, limited

#: A point: for each symbol a number, or one per group of the population.
Point = Mapping[sp.Symbol, Any]
Domains = Mapping[sp.Symbol, Domain]
_MOST_GROUPS = 3
#: Share of the digits that two sides have in common if it is surely rounding that parts them.
_SURE = 0.8
#: A difference of this size beside the terms is none of rounding.
_PLAIN = 1e-6
#: More digits, where it is not sure.
_FACTORS = (1, 2, 4, 8)
#: Seconds that a search may take.
_PATIENCE = 60.0


def points(symbols: set[sp.Symbol], domains: Domains) -> st.SearchStrategy[Point]:
    """Strategy for points: the simplest first, of one group if there is a population."""
    ordered = sorted(symbols, key=str)
    single = {x: domains[x].numbers() for x in ordered if not isinstance(x, GroupSymbol)}
    of_group = [x for x in ordered if isinstance(x, GroupSymbol) and x != WEIGHT]

    def with_groups(count: int) -> st.SearchStrategy[Point]:
        columns = {x: st.tuples(*[domains[x].numbers()] * count) for x in of_group}
        weights = st.tuples(*[st.integers(1, 9)] * count).map(_normalised)
        return st.fixed_dictionaries({**single, **columns, WEIGHT: weights})

    if not of_group:
        return st.fixed_dictionaries(single)
    return st.integers(1, _MOST_GROUPS).flatmap(with_groups)


def _normalised(sizes: tuple[int, ...]) -> tuple[Fraction, ...]:
    return tuple(Fraction(size, sum(sizes)) for size in sizes)


class Question(NamedTuple):
    """A claim with all that its check needs: what is defined in it is written out."""

    claim: Claim
    domains: Domains
    #: Symbols that others determine; the claim holds them no more.
    given: Mapping[sp.Symbol, Any]
    #: What writes out an expression in the terms of the claim.
    resolve: Change


class Search:
    """A search for a point of the domains at which a claim fails."""

    def __init__(
        self,
        question: Question,
        digits: int,
        undefined_fails: bool = True,
        seconds: float = _PATIENCE,
    ) -> None:
        self.undefined_fails = undefined_fails
        #: What was found at points: it must not change when the time is up.
        self.seen: dict[str, str | None] = {}
        self.ends = time.monotonic() + seconds
        self.claim, self.domains, self.given, self.resolve = question
        self.arithmetics = [Multiprecision(factor * digits) for factor in _FACTORS]
        self.has_integrals = any(x.has(sp.Integral) for x in self.claim.expressions)
        #: Points of the domains, whether or not the claim has a meaning there.
        self.inside = 0
        #: Points tried at which the claim has a meaning.
        self.tried = 0

    def counterexample(self, most: int, seed: int = 0) -> tuple[Point, str] | None:
        """The simplest of `most` points at which the claim fails, and what is there."""
        symbols = self.claim.symbols | {
            x for value in self.given.values() for x in value.atoms(sp.Symbol)
        }
        strategy = points(symbols, self.domains)
        try:
            point = find(
                strategy,
                lambda point: self._fails(point) is not None,
                settings=settings(
                    max_examples=most,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
                random=Random(seed),  # noqa: S311
            )
        except NoSuchExample:
            return None
        values = self._values(point, self.arithmetics[0]) or {}
        others = {symbol: float(np.ravel(values[symbol])[0]) for symbol in self.given}
        return {**point, **others}, self._fails(point) or ""

    def _fails(self, point: Point) -> str | None:
        """What is wrong at a point; None if nothing is, or the point is outside the domains."""
        key = str(point)
        if key not in self.seen:
            if time.monotonic() > self.ends:
                return None
            self.seen[key] = self._failure(point)
        return self.seen[key]

    def _failure(self, point: Point) -> str | None:
        try:
            with limited(max(self.ends - time.monotonic(), 0.01)):
                found = self._finding(point)
        except OutOfTime:
            return None
        except Exception as error:  # the code of a claim may raise anything
            return f"no value: {error}" if self.undefined_fails else None
        if found is None or found.holds is None:
            return None
        self.tried += 1
        return None if found.holds else found.why

    def _finding(self, point: Point) -> Finding | None:
        """What the claim says at a point, with more digits as long as they may tell more.

        A difference that rounding leaves is another number then, one that is there stays.  Where
        even that is beyond all digits, nothing is known.
        """
        before: Finding | None = None
        for arithmetic in self.arithmetics:
            values = self._values(point, arithmetic)
            if values is None:
                return None
            inputs = Inputs(values, arithmetic, self.resolve)
            if isinstance(self.claim, Limit) and not self._stays_inside(self.claim, inputs):
                return None
            self.inside += 1
            found = self.claim.at(inputs)
            if found.holds is None:
                return found._replace(holds=self.claim.settled(_exact(point)))
            plain = not found.holds and found.gap > found.size * _PLAIN
            if not found.gap or plain or self.has_integrals:
                return found
            least = arithmetic.context.mpf(10) ** (-_SURE * arithmetic.digits)
            rounding = before is not None and abs(found.gap - before.gap) > found.gap / 100
            if found.holds and (rounding or found.gap <= found.size * least):
                return found
            before = found
        return found._replace(holds=None if found.gap <= least else False)

    def _stays_inside(self, claim: Limit, inputs: Inputs) -> bool:
        """Whether what is given stays in its domain on the way to the limit."""
        return all(
            self.domains[symbol].contains(x)
            for near in claim.nearing(inputs)
            for symbol, expression in self.given.items()
            for x in np.ravel(near(expression))
        )

    def _values(self, point: Point, arithmetic: Multiprecision) -> dict[sp.Symbol, Any] | None:
        """Numbers for all symbols; None if a given one falls outside its domain."""
        values = {
            symbol: arithmetic.array(list(value) if isinstance(value, tuple) else value)
            for symbol, value in point.items()
        }
        for symbol, expression in self.given.items():
            try:
                values[symbol] = value_of(expression, values, arithmetic)
            except (NoValue, ZeroDivisionError):
                return None
            if not all(self.domains[symbol].contains(x) for x in np.ravel(values[symbol])):
                return None
        return values


def _exact(point: Point) -> dict[sp.Symbol, Any]:
    """The numbers of a point for SymPy, but for those of several groups."""
    return {
        symbol: sp.Rational(value.numerator, value.denominator)
        for symbol, value in point.items()
        if not isinstance(value, tuple)
    }


def shown(point: Point) -> str:
    """A point in one line."""
    return ", ".join(f"{symbol} = {_text(value)}" for symbol, value in point.items())


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return _text(value[0]) if len(value) == 1 else f"({', '.join(map(_text, value))})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
