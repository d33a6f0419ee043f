"""Ways to check a claim.  One that does not decide has failed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from .points import Question, Search, shown

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

    @abstractmethod
    def __str__(self) -> str:
        """How it is checked, to follow on "checked"."""


@dataclass(frozen=True)
class Exactly(Check):
    """By algebra, for all values of the symbols."""

    def verdict(self, question: Question) -> Verdict:
        finding = question.claim.exactly()
        if finding.holds:
            return Verdict(True, "proved")
        return _refuted(question, finding.why)

    def __str__(self) -> str:
        return "exactly, by algebra"


@dataclass(frozen=True)
class AtPoints(Check):
    """At points drawn from the domains, with many digits: evidence, not a proof."""

    number: int = 200
    digits: int = 50

    def verdict(self, question: Question) -> Verdict:
        search = Search(question, self.digits)
        found = search.counterexample(self.number)
        if found is not None:
            return Verdict(False, f"fails at {shown(found[0])}: {found[1]}")
        # A claim without symbols has a single point.
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

    def verdict(self, question: Question) -> Verdict:
        from .boxes import in_words, unproved

        box = {
            symbol: (Fraction(str(low)), Fraction(str(high)))
            for symbol, (low, high) in self.intervals.items()
        }
        total = 0
        for expression, fixed in question.claim.positive_parts(box):
            expression = expression.doit()
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
        return Verdict(True, f"proved over {total} box{'es' if total > 1 else ''}")

    def __str__(self) -> str:
        sides = (
            rf"${sp.latex(x)} \in [{low}, {high}]$" for x, (low, high) in self.intervals.items()
        )
        return f"by enclosures, over {', '.join(sides)}"


def _refuted(question: Question, why: str) -> Verdict:
    """A claim that was not shown fails: with a counterexample, or as undecided."""
    search = Search(question, digits=50, undefined_fails=False)
    found = search.counterexample(SEARCHED)
    if found is None:
        return Verdict(False, f"undecided: {why}; no counterexample in {search.tried} points")
    return Verdict(False, f"fails at {shown(found[0]) or 'every point'}: {found[1]} ({why})")
