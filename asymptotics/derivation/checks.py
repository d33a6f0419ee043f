"""Ways to check a claim.  One that does not decide has failed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from ..errors import InvalidInput, one_line
from ..parameters import whole
from ..tables import counted
from . import special
from .claims import Claim, Equal, Limit, UniqueRoot
from .domains import Domain
from .evaluation import EVALUATED, AsAWhole
from .search import At, Question, Search

#: What a check at points must have.
_FEWEST, _LEAST_DIGITS = 10, 30
#: Digits of points.
_DIGITS = 50
#: Points that a proof is held against: the simplest ones and the ends of the domains always, and
#: random ones up to this number.
UPHELD = 20
#: Points that are searched for a counterexample to a claim that was not shown, and for one point
#: at which a claim that was proved means anything.
SEARCHED = 1000
#: Enclosures of the slope of a function that are looked at, and their bits.
_SLOPES, _SLOPE_BITS = 2000, 128
#: The same where there are integrals, each of which takes as long as many numbers.
_SEARCHED_OF_INTEGRALS = 100
#: Characters of the longest message.
_LONGEST = 1000
#: Digits with which quadrature is asked whether algebra has found the right value of an integral.
_DIGITS_OF_INTEGRALS = 30


class Ruling(Enum):
    """What a check says of a claim."""

    SHOWN = "shown"
    #: A counterexample was found, of which there is no doubt.
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What a check says of a claim, and what it found."""

    ruling: Ruling
    found: str

    @property
    def holds(self) -> bool:
        """Whether the claim was shown."""
        return self.ruling is Ruling.SHOWN


def _verdict(ruling: Ruling, found: str) -> Verdict:
    """A verdict in one printable line: the code of a claim may raise errors of any text."""
    return Verdict(ruling, one_line(found, _LONGEST))


def shown(how: str) -> Verdict:
    """The verdict on a claim that was shown."""
    return _verdict(Ruling.SHOWN, how)


def refuted(counterexample: str, more: str = "") -> Verdict:
    """The verdict on a claim that surely fails at a point."""
    return _verdict(Ruling.REFUTED, f"refuted at {counterexample}{f' ({more})' if more else ''}")


def undecided(why: str) -> Verdict:
    """The verdict on a claim that was neither shown nor refuted; `why` says what is missing."""
    return _verdict(Ruling.UNDECIDED, f"undecided: {why}")


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
        finding = evaluated(question).claim.exactly()
        if finding.holds:
            return _upheld(question, "proved")
        return _not_shown(question, finding.why)

    def __str__(self) -> str:
        return "exactly, by algebra"


@dataclass(frozen=True)
class AtPoints(Check):
    """At points drawn from the domains, with many digits: evidence, not a proof.

    Sides that differ by less than ``10**(-6 digits)``, relative to the terms they are sums of, and
    values within ``10**-286`` of a limit, count as equal.  Where integrals or code are estimated,
    sides count as equal within ``10**(-2 digits / 5)``.
    """

    number: int = 200
    digits: int = _DIGITS

    def __post_init__(self) -> None:
        whole("number", self.number, _FEWEST)
        whole("digits", self.digits, _LEAST_DIGITS)

    def verdict(self, question: Question) -> Verdict:
        search = Search(question, self.digits)
        found = search.counterexample(self.number) or search.far_counterexample()
        if found is not None:
            return refuted(found)
        if left := search.first(At.UNDEFINED, At.NO_VALUE, At.AGAINST, At.OPEN):
            return undecided(f"at {left}")
        if doubt := search.far_doubt():
            return undecided(f"at {doubt}")
        if turns := _rises_and_falls(question):
            return refuted(turns)
        held = len(search.held)
        if not search.symbols and held:
            return shown("at the only point, as there are no symbols")
        if held < self.number / 10:
            return undecided(f"{counted(held, 'point')} fell inside the domains")
        return shown(", ".join(filter(None, (counted(held, "point"), search.range))))

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
            _within(domain, low, high)

    def verdict(self, question: Question) -> Verdict:
        from .boxes import in_words, unproved

        box = {symbol: _ends(interval) for symbol, interval in self.intervals.items()}
        inside = {x: _within(question.domains[x], *ends) for x, ends in box.items()}
        question = question._replace(domains={**question.domains, **inside})
        claim = evaluated(question).claim
        if isinstance(claim, UniqueRoot) and (part := claim.may_jump()) is not None:
            return _not_shown(question, f"{part} may have jumps, and change its sign at one")
        total = 0
        for expression, fixed in claim.positive_parts(box):
            if expression.has(Mean):
                return undecided("an expectation is over no box of numbers")
            if expression.has(sp.Integral):
                return undecided("an integral is left, which has no enclosure")
            if missing := expression.atoms(sp.Symbol) - set(fixed):
                names = ", ".join(sorted(map(str, missing)))
                return undecided(f"no interval is given for {names}")
            part, count = unproved(expression, fixed, self.most, self.bits)
            total += count
            if part is not None:
                place = f"where {in_words(part)}" if part else f"that {expression} is positive"
                why = f"not shown {place}, after {counted(total, 'box', 'boxes')}"
                return _not_shown(question, why)
        if not total:
            return undecided("enclosures show inequalities and roots alone")
        return _upheld(question, f"proved over {counted(total, 'box', 'boxes')}")

    def __str__(self) -> str:
        sides = (
            rf"${sp.latex(x)} \in [{low}, {high}]$" for x, (low, high) in self.intervals.items()
        )
        return f"by enclosures, over {', '.join(sides)}"


def evaluated(question: Question) -> Question:
    """The claim with its integrals and sums as algebra evaluates them."""
    return question._replace(claim=question.claim.mapped(_evaluated))


def _evaluated(expression: Any) -> Any:
    return expression.doit()


def _has(question: Question, kinds: tuple[Any, ...]) -> bool:
    """Whether the claim, or what is given, holds an expression of these kinds."""
    written = (*question.claim.expressions, *question.given.values())
    return any(expression.has(*kinds) for expression in written)


def _evaluated_rightly(question: Question) -> bool:
    """Whether numbers confirm the values that algebra finds of integrals and sums.

    Over the domains of all symbols: also of those that go to a limit.
    """
    for expression in question.claim.expressions:
        if not expression.has(*EVALUATED):
            continue
        value = expression.doit()
        whole = value.has(sp.exp_polar, sp.I)
        search = _held(question, Equal(expression, AsAWhole(value) if whole else value))
        # Of a number that SymPy computes the digits may be lacking: of the integral they may not.
        lacking = {At.NO_VALUE, At.UNDEFINED} if whole else set()
        if whole and not _all_hold(_held(question, Equal(expression, expression)), set()):
            return False
        if not _all_hold(search, lacking):
            return False
    return True


def _held(question: Question, claim: Claim) -> Search:
    search = Search(question._replace(claim=claim), _DIGITS_OF_INTEGRALS)
    search.counterexample(UPHELD)
    return search


def _all_hold(search: Search, lacking: set[At]) -> bool:
    """Whether a claim holds at most of the points, and at all others is lacking."""
    told = set(At) - {At.HOLDS, At.OUTSIDE} - lacking
    return search.count(At.HOLDS) > search.count(*lacking) and not search.first(*told)


def _searched(question: Question) -> int:
    return _SEARCHED_OF_INTEGRALS if _has(question, (sp.Integral,)) else SEARCHED


def _ends(interval: tuple[Any, Any]) -> tuple[Fraction, Fraction]:
    low, high = interval
    return Fraction(str(low)), Fraction(str(high))


def _within(domain: Domain, low: Fraction, high: Fraction) -> Domain:
    """The numbers of a domain in an interval; raises `InvalidInput` if there are none."""
    return replace(
        domain,
        low=low,
        high=high,
        low_included=domain.low_included or low > domain.low,
        high_included=domain.high_included or high < domain.high,
    )


def _upheld(question: Question, found: str) -> Verdict:
    """The verdict on a claim that was proved, held against points.

    The algebra of SymPy takes symbols as generic, so that a proof may be wrong where a coefficient
    is zero, at the ends of domains above all.  And if no point of the domains has what is given, or
    no numbers show what the claim's value is there, anything can be proved of it.
    """
    search = Search(question, _DIGITS_OF_INTEGRALS if _has(question, EVALUATED) else _DIGITS)
    against = search.counterexample(UPHELD)
    if against is None and not search.tried:
        against = search.counterexample(_searched(question))
    if against is not None:
        return refuted(against, f"though {found}")
    if not search.tried:
        return undecided(f"{found}, but {search.without_meaning()}")
    if doubt := search.first(At.AGAINST):
        return undecided(f"{found}, but at {doubt}")
    # What algebra makes of an integral may be wrong: numbers must say the same.
    lacking = (At.NO_VALUE, At.UNDEFINED, At.OPEN)
    doubt = search.first(*lacking) if _has(question, EVALUATED) else None
    if doubt and not _evaluated_rightly(question):
        return undecided(f"{found} by algebra, but numbers do not confirm it at {doubt}")
    if nowhere := search.no_value_at_an_end():
        end = "an end that its domain includes"
        return undecided(f"{found}, but it has no value at {end}: {nowhere}")
    if doubt := search.not_proved_where_special():
        return undecided(f"{found} in general, but not at {doubt}")
    if isinstance(question.claim, Limit):
        claim = question.claim.mapped(_evaluated)
        factor = special.unproved(claim, question.domains, question.given)
        if factor is not None:
            return undecided(f"{found} in general, but not where {factor} = 0")
    return shown(found)


def _not_shown(question: Question, why: str) -> Verdict:
    """The verdict on a claim that was not shown: refuted if a counterexample is found."""
    search = Search(question, _DIGITS)
    found = search.counterexample(_searched(question)) or search.far_counterexample()
    found = found or _rises_and_falls(question)
    if found is not None:
        return refuted(found, why)
    left = search.first(At.AGAINST, At.OPEN)
    more = f"; at {left}" if left else ""
    return undecided(f"{why}; no counterexample in {counted(search.tried, 'point')}{more}")


def _rises_and_falls(question: Question) -> str | None:
    """Where a function of one variable alone surely rises, and where it falls, if it does both.

    Enclosures of its slope find what lies between places, however narrow it is.
    """
    from .boxes import in_words, negative

    if not isinstance(question.claim, UniqueRoot) or question.claim.symbols:
        return None
    claim = question.claim.mapped(_evaluated)
    if claim.function.has(sp.Integral):
        return None
    along = claim.slope()
    if along is None:
        return None
    slope, share, place = along
    told = []
    for sign, verb in ((-1, "rises"), (1, "falls")):
        part = negative(sign * slope, {share: (Fraction(0), Fraction(1))}, _SLOPES, _SLOPE_BITS)
        if part is None:
            return None
        ends = (place.subs(share, sp.Rational(str(end))) for end in part[share])
        told.append(f"it {verb} for {in_words({claim.variable: tuple(ends)})}")
    return ", ".join(told)
