"""Ways to check a claim.  One that does not decide has failed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from ..errors import InvalidInput
from ..parameters import whole
from .claims import Limit
from .domains import Domain, between
from .points import Question, Search, shown

#: What a check at points must have.
_FEWEST, _LEAST_DIGITS = 10, 30
#: Digits of points, and of those near a limit.
_DIGITS, _LIMIT_DIGITS = 50, 150
#: Points that a proof is held against, and seconds for them.
_UPHELD_POINTS, _UPHELD_SECONDS = 20, 0.5
#: Points that are searched for a counterexample to a claim that was not shown.
SEARCHED = 1000


@dataclass(frozen=True)
class Verdict:
    """Whether a check passed, and what it found."""

    holds: bool
    found: str


class Check(ABC):
    """A way to check a claim on the domains of its symbols."""

    @abstractmethod
    def verdict(self, question: Question) -> Verdict:
        """Whether the claim was shown."""

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain]) -> None:  # noqa: B027  # most do
        """Raise `InvalidInput` for a check that cannot be made where the symbols are declared."""

    @abstractmethod
    def __str__(self) -> str:
        """How it is checked, to follow on "checked"."""


@dataclass(frozen=True)
class Exactly(Check):
    """By algebra, for all values of the symbols."""

    def verdict(self, question: Question) -> Verdict:
        finding = question.claim.exactly()
        if finding.holds:
            return _upheld(question, "proved")
        return _refuted(question, finding.why)

    def __str__(self) -> str:
        return "exactly, by algebra"


@dataclass(frozen=True)
class AtPoints(Check):
    """At points drawn from the domains, with many digits: evidence, not a proof."""

    number: int = 200
    digits: int = _DIGITS

    def __post_init__(self) -> None:
        whole("number", self.number)
        whole("digits", self.digits)
        if self.number < _FEWEST or self.digits < _LEAST_DIGITS:
            allowed = f"must have {_FEWEST} points or more, with {_LEAST_DIGITS} digits or more"
            raise InvalidInput("check", f"AtPoints({self.number}, {self.digits})", allowed)

    def verdict(self, question: Question) -> Verdict:
        search = Search(question, self.digits)
        found = search.counterexample(self.number)
        if found is not None:
            return Verdict(False, f"fails at {shown(found[0])}: {found[1]}")
        # Without symbols there is a single point.
        if search.tried < min(self.number / 10, 1 if not question.claim.symbols else self.number):
            return Verdict(False, f"undecided: {search.tried} points fell inside the domains")
        return Verdict(True, f"{search.tried} points")

    def __str__(self) -> str:
        return f"at {self.number} points, with {self.digits} digits"


@dataclass(frozen=True)
class OverBoxes(Check):
    """By enclosures over boxes that cover an interval of each symbol: a proof on these.

    For inequalities and roots of symbols that are no quantities of a population.
    """

    intervals: Mapping[sp.Symbol, tuple[Any, Any]]
    most: int = 20_000
    bits: int = 64

    def __post_init__(self) -> None:
        whole("most", self.most)
        whole("bits", self.bits)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain]) -> None:
        for symbol, interval in self.intervals.items():
            allowed = "must be two rational numbers of its domain, the smaller first"
            if symbol not in domains:
                raise InvalidInput("interval", symbol, "is of a symbol that is not declared")
            try:
                low, high = _ends(interval)
            except (TypeError, ValueError):
                raise InvalidInput(f"interval of {symbol}", interval, allowed) from None
            domain = domains[symbol]
            if not (low < high and domain.low <= low and high <= domain.high):
                raise InvalidInput(f"interval of {symbol}", interval, allowed)

    def verdict(self, question: Question) -> Verdict:
        from .boxes import in_words, unproved

        box = {symbol: _ends(interval) for symbol, interval in self.intervals.items()}
        inside = {symbol: between(*ends, True, True) for symbol, ends in box.items()}
        question = question._replace(domains={**question.domains, **inside})
        total = 0
        for expression, fixed in question.claim.positive_parts(box):
            expression = expression.doit()
            if expression.has(Mean):
                return Verdict(False, "undecided: an expectation is over no box of numbers")
            if expression.has(sp.Integral):
                return Verdict(False, "undecided: an integral is left, which has no enclosure")
            if missing := expression.atoms(sp.Symbol) - set(fixed):
                names = ", ".join(sorted(map(str, missing)))
                return Verdict(False, f"undecided: no interval is given for {names}")
            part, count = unproved(expression, fixed, self.most, self.bits)
            total += count
            if part is not None:
                why = f"not shown where {in_words(part)}, after {total} boxes"
                return _refuted(question, why)
        if not total:
            return Verdict(False, "undecided: enclosures show inequalities and roots alone")
        return _upheld(question, f"proved over {total} box{'es' if total > 1 else ''}")

    def __str__(self) -> str:
        sides = (
            rf"${sp.latex(x)} \in [{low}, {high}]$" for x, (low, high) in self.intervals.items()
        )
        return f"by enclosures, over {', '.join(sides)}"


def _ends(interval: tuple[Any, Any]) -> tuple[Fraction, Fraction]:
    low, high = interval
    return Fraction(str(low)), Fraction(str(high))


def _upheld(question: Question, found: str) -> Verdict:
    """A claim that was shown, unless a point says otherwise.

    Algebra is that of SymPy, generic in its symbols: it may pass by what is special at the ends of
    their domains; and of what is given at no point of them, all is true.
    """
    digits = _LIMIT_DIGITS if isinstance(question.claim, Limit) else _DIGITS
    search = Search(question, digits, undefined_fails=False, seconds=_UPHELD_SECONDS)
    against = search.counterexample(_UPHELD_POINTS)
    if against is not None:
        return Verdict(False, f"fails at {shown(against[0])}: {against[1]} (though {found})")
    if question.given and not search.inside:
        return Verdict(False, "undecided: no point of the domains has what is given")
    return Verdict(True, found)


def _refuted(question: Question, why: str) -> Verdict:
    """A claim that was not shown fails: with a counterexample, or as undecided."""
    search = Search(question, _DIGITS, undefined_fails=False)
    found = search.counterexample(SEARCHED)
    if found is None:
        return Verdict(False, f"undecided: {why}; no counterexample in {search.tried} points")
    return Verdict(False, f"fails at {shown(found[0]) or 'every point'}: {found[1]} ({why})")
