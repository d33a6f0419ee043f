"""The ways to check a claim: by algebra, at points, and over boxes.

A check shows a claim, refutes it, or leaves it undecided, which counts as failed.  Every proof is
held against points, because SymPy may prove what is false: it takes symbols as generic, and may
find wrong values of integrals.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from ..arithmetic.symbolic import Mean
from ..errors import InvalidInput, one_line
from ..parameters import whole
from ..tables import counted
from . import special
from .claims import Claim, Equal, Limit, UniqueRoot
from .domains import Domain
from .evaluation import EvaluatedBySympy
from .search import Question, Search, Status

#: The fewest points and digits that a check at points accepts.
_FEWEST, _LEAST_DIGITS = 10, 30
#: Digits at points.
_DIGITS = 50
#: Points at which a proved claim is tried: always the simplest ones and the ends of the domains,
#: and random ones up to this number in all.
POINTS_AFTER_PROOF = 20
#: Points among which a counterexample is sought to a claim that was not shown; and among which one
#: is sought at which a proved claim has a meaning, if the few above have none.
POINTS_SEARCHED = 1000
#: The same where there are integrals, each of which takes as long as many numbers.
_POINTS_WITH_INTEGRALS = 100
#: Boxes over which the slope of a function is enclosed, at most, and their bits.
_SLOPE_BOXES, _SLOPE_BITS = 2000, 128
#: Characters of the longest message.
_LONGEST = 1000
#: Digits of the numbers that confirm the value which algebra finds of an integral.
_DIGITS_OF_INTEGRALS = 30
#: Expressions that algebra may evaluate wrongly, while numbers evaluate them as they are written.
_EVALUATED_BY_ALGEBRA = (ExprWithLimits, sp.Limit)


class Ruling(Enum):
    """The result of a check."""

    SHOWN = "shown"
    #: The claim surely fails at a point that was found.
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """The result of a check, and the text that explains it."""

    ruling: Ruling
    found: str

    @property
    def holds(self) -> bool:
        """Whether the claim was shown."""
        return self.ruling is Ruling.SHOWN


def _verdict(ruling: Ruling, found: str) -> Verdict:
    """A verdict whose text is one printable line: errors of a claim's code may hold any text."""
    return Verdict(ruling, one_line(found, _LONGEST))


def shown(how: str) -> Verdict:
    """The verdict on a claim that was shown."""
    return _verdict(Ruling.SHOWN, how)


def refuted(counterexample: str, more: str = "") -> Verdict:
    """The verdict on a claim that surely fails at a point."""
    return _verdict(Ruling.REFUTED, f"refuted at {counterexample}{f' ({more})' if more else ''}")


def undecided(why: str) -> Verdict:
    """The verdict on a claim that was neither shown nor refuted; `why` says what a proof lacks."""
    return _verdict(Ruling.UNDECIDED, f"undecided: {why}")


class Check(ABC):
    """A way to check a claim on the domains of its symbols."""

    @abstractmethod
    def verdict(self, question: Question) -> Verdict:
        """Check a claim."""

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain]) -> None:  # noqa: B027  # most can
        """Raise `InvalidInput` for a check that cannot be made with these domains."""

    @abstractmethod
    def __str__(self) -> str:
        """The way of checking, as text that continues "checked"."""


@dataclass(frozen=True)
class Exactly(Check):
    """By algebra, for all values of the symbols."""

    def verdict(self, question: Question) -> Verdict:
        finding = evaluated(question).claim.exactly()
        if finding.holds:
            return _after_proof(question, "proved")
        return _not_shown(question, finding.why)

    def __str__(self) -> str:
        return "exactly, by algebra"


@dataclass(frozen=True)
class AtPoints(Check):
    """At points drawn from the domains, with many digits: evidence, not a proof.

    `number` points are tried, of which at least a tenth must fall inside the domains of the symbols
    that others determine.  Two sides count as equal if they differ by less than
    ``10**(-6 * digits)``, relative to the terms they are sums of; or, where integrals or code can
    only be estimated, by less than ``10**(-2 * digits / 5)``.  A value counts as equal to its limit
    within ``10**-286``.

    Raises `InvalidInput` for fewer than 10 points or 30 digits.
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
        if left := search.first(Status.UNDEFINED, Status.NO_VALUE, Status.AGAINST, Status.OPEN):
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
    """By enclosures over boxes that cover an interval of each symbol: a proof on these intervals.

    It applies to inequalities and unique roots, in symbols that are no quantities of a population.
    `intervals` gives the two ends for each symbol, rational numbers; `most` limits the number of
    boxes, and `bits` is the precision of the enclosures.
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
        # The inequalities below prove a root only for a continuous function.
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
        return _after_proof(question, f"proved over {counted(total, 'box', 'boxes')}")

    def __str__(self) -> str:
        sides = (
            rf"${sp.latex(x)} \in [{low}, {high}]$" for x, (low, high) in self.intervals.items()
        )
        return f"by enclosures, over {', '.join(sides)}"


def evaluated(question: Question) -> Question:
    """The claim with its integrals, sums and limits evaluated by algebra."""
    return question._replace(claim=question.claim.mapped(_evaluated))


def _evaluated(expression: Any) -> Any:
    return expression.doit()


def _has(question: Question, kinds: tuple[Any, ...]) -> bool:
    """Whether the claim, or a determined symbol, contains an expression of these kinds."""
    written = (*question.claim.expressions, *question.given.values())
    return any(expression.has(*kinds) for expression in written)


def _evaluated_rightly(question: Question) -> bool:
    """Whether numbers confirm the values that algebra finds of integrals and sums in a claim.

    Each value is compared with quadrature at points of the domains of all symbols, including a
    symbol that goes to a limit.
    """
    for expression in question.claim.expressions:
        if not expression.has(*_EVALUATED_BY_ALGEBRA):
            continue
        value = expression.doit()
        is_complex = value.has(sp.exp_polar, sp.I)
        closed_form = EvaluatedBySympy(value) if is_complex else value
        search = _tried(question, Equal(expression, closed_form))
        # SymPy may fail to compute a complex closed form at some points.  The quadrature must not
        # fail at any: the comparison of the integral with itself shows that it has a value.
        may_lack = {Status.NO_VALUE, Status.UNDEFINED} if is_complex else set()
        if is_complex and not _all_hold(_tried(question, Equal(expression, expression)), set()):
            return False
        if not _all_hold(search, may_lack):
            return False
    return True


def _tried(question: Question, claim: Claim) -> Search:
    """A finished search among the points at which a proof of `claim` would be tried."""
    search = Search(question._replace(claim=claim), _DIGITS_OF_INTEGRALS)
    search.counterexample(POINTS_AFTER_PROOF)
    return search


def _all_hold(search: Search, may_lack: set[Status]) -> bool:
    """Whether a claim holds at every point, except for a minority with a result in `may_lack`."""
    contrary = set(Status) - {Status.HOLDS, Status.OUTSIDE} - may_lack
    return search.count(Status.HOLDS) > search.count(*may_lack) and not search.first(*contrary)


def _points_searched(question: Question) -> int:
    return _POINTS_WITH_INTEGRALS if _has(question, (sp.Integral,)) else POINTS_SEARCHED


def _ends(interval: tuple[Any, Any]) -> tuple[Fraction, Fraction]:
    low, high = interval
    return Fraction(str(low)), Fraction(str(high))


def _within(domain: Domain, low: Fraction, high: Fraction) -> Domain:
    """The part of a domain in an interval; raises `InvalidInput` if it has no number there."""
    return replace(
        domain,
        low=low,
        high=high,
        low_included=domain.low_included or low > domain.low,
        high_included=domain.high_included or high < domain.high,
    )


def _after_proof(question: Question, found: str) -> Verdict:
    """The verdict on a claim that was proved; `found` says how.  The proof is held against points.

    SymPy's algebra takes symbols as generic, so a proof may be wrong where a coefficient is zero,
    which happens most often at the ends of domains.  And if the claim has no meaning at any point
    (because the determined symbols leave their domains, or its sides have no value), everything can
    be proved of it.
    """
    by_algebra = _has(question, _EVALUATED_BY_ALGEBRA)
    search = Search(question, _DIGITS_OF_INTEGRALS if by_algebra else _DIGITS)
    against = search.counterexample(POINTS_AFTER_PROOF)
    # If the determined symbols left their domains at all of these points, more points are tried.
    if against is None and not search.tried:
        against = search.counterexample(_points_searched(question))
    if against is not None:
        return refuted(against, f"though {found}")
    if not search.tried:
        return undecided(f"{found}, but {search.without_meaning()}")
    if doubt := search.first(Status.AGAINST):
        return undecided(f"{found}, but at {doubt}")
    # Algebra may find a wrong value of an integral: numbers must confirm it.
    lacking = (Status.NO_VALUE, Status.UNDEFINED, Status.OPEN)
    doubt = search.first(*lacking) if by_algebra else None
    if doubt and not _evaluated_rightly(question):
        return undecided(f"{found} by algebra, but numbers do not confirm it at {doubt}")
    # At the ends and at special values the claim is looked at once more.
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
    found = search.counterexample(_points_searched(question)) or search.far_counterexample()
    found = found or _rises_and_falls(question)
    if found is not None:
        return refuted(found, why)
    if not search.tried:
        return undecided(f"{why}; {search.without_meaning()}")
    left = search.first(Status.AGAINST, Status.OPEN)
    more = f"; at {left}" if left else ""
    return undecided(f"{why}; no counterexample in {counted(search.tried, 'point')}{more}")


def _rises_and_falls(question: Question) -> str | None:
    """Where a function, claimed to be monotone, surely rises and where it falls; None unless both.

    Enclosures of its slope cover the interval, so that they see what lies between any two points.
    The function must have no other symbols.
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
    texts = []
    for sign, verb in ((-1, "rises"), (1, "falls")):
        all_shares = {share: (Fraction(0), Fraction(1))}
        part = negative(sign * slope, all_shares, _SLOPE_BOXES, _SLOPE_BITS)
        if part is None:
            return None
        ends = (place.subs(share, sp.Rational(str(end))) for end in part[share])
        texts.append(f"it {verb} for {in_words({claim.variable: tuple(ends)})}")
    return ", ".join(texts)
