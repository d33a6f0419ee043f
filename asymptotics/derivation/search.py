"""The search for a point of the domains at which a claim fails."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from random import Random
from typing import Any, NamedTuple

import flint
import numpy as np
import sympy as sp
from hypothesis import HealthCheck, find, settings
from hypothesis.errors import NoSuchExample

from .claims import Change, Claim, Computed, Finding
from .enclosures import Enclosed, EnclosedIntegrals, Estimated, OutsideDomain, Point, put_in
from .evaluation import Noting, Undefined
from .points import Domains, drawn, far, off_ends, populations, ranges, shown, simplest

#: Bits that enclosures are compared with.
_BITS = 8192


class Question(NamedTuple):
    """A claim with all that its check needs: what is defined in it is written out."""

    claim: Claim
    domains: Domains
    #: Symbols that others determine; the claim holds them no more.
    given: Mapping[sp.Symbol, Any]
    #: What writes out an expression in the terms of the claim.
    resolve: Change


class At(Enum):
    """What was found at a point."""

    HOLDS = "it holds"
    FAILS = "it surely fails"
    OPEN = "the numbers do not decide it"
    AGAINST = "the numbers speak against it, but do not prove it false"
    NO_VALUE = "numbers do not show its value"
    UNDEFINED = "it has no value"
    OUTSIDE = "a symbol that others determine is outside its domain"


class Found(NamedTuple):
    """What was found at a point, and why."""

    at: At
    why: str = ""
    #: Where the claim's own variable was, if it has one.
    where: str = ""


class Search:
    """A search through so many points for one at which a claim fails.

    What is found at a point depends on the point and the digits alone, never on the time that it
    takes.
    """

    def __init__(self, question: Question, digits: int) -> None:
        self.claim, self.domains, self.given, self.resolve = question
        self.digits = digits
        #: What was found at each point, and the points themselves, in the order they were tried.
        self.seen: dict[str, Found] = {}
        self.points: dict[str, Point] = {}
        self.symbols = self.claim.symbols | {
            x for value in self.given.values() for x in value.atoms(sp.Symbol)
        }
        #: Far points, and what was found there; what is not decided at them is not counted.
        self.far: list[tuple[Point, Found]] = []
        self.simplest = simplest(self.symbols, self.domains, self._written)

    @property
    def held(self) -> list[Point]:
        """The points at which the claim holds, the far ones among them."""
        near = [self.points[key] for key, found in self.seen.items() if found.at is At.HOLDS]
        return near + [point for point, found in self.far if found.at is At.HOLDS]

    @property
    def range(self) -> str:
        """Where the points lie at which the claim holds, in words."""
        return ranges(self.held)

    @property
    def _written(self) -> tuple[Any, ...]:
        return (*self.claim.expressions, *self.given.values())

    def count(self, *kinds: At) -> int:
        """Points of which one of these was found."""
        return sum(found.at in kinds for found in self.seen.values())

    def first(self, *kinds: At) -> str | None:
        """The first point of which one of these was found, in words, and why."""
        for key, found in self.seen.items():
            if found.at in kinds:
                return self._told(self.points[key])
        return None

    @property
    def tried(self) -> int:
        """Points at which the claim has a meaning."""
        return self.count(At.HOLDS, At.FAILS, At.OPEN, At.AGAINST)

    def counterexample(self, most: int, seed: int = 0) -> str | None:
        """The simplest of the points that were found at which the claim surely fails, in words.

        Tried are the simplest points of the domains, always all of them, and points drawn at random
        up to `most` in all, one or more.
        """
        for point in self.simplest:
            if self.fails(point):
                return self._told(point)
        if not self.symbols:  # there is no other point
            return None
        try:
            point = find(
                drawn(self.symbols, self.domains),
                self.fails,
                settings=settings(
                    max_examples=max(most - len(self.simplest), 1),
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
                random=Random(seed),  # noqa: S311  # nothing here is secret
            )
        except NoSuchExample:
            return None
        return self._told(point)

    def far_counterexample(self) -> str | None:
        """A point with more groups, or with far numbers, at which the claim surely fails, in words.

        These tell what moderate numbers hide: a bound of a million, an integer above fifty.  At far
        numbers only enclosures are asked: estimates of an integral may miss where its mass is.
        Code is not run at them: it is made for a range of sizes, and may choose its form by rounded
        numbers.
        """
        for point in populations(self.symbols, self.domains):
            if self.fails(point):
                return self._told(point)
        beyond = [] if isinstance(self.claim, Computed) else far(self.symbols, self.domains)
        for point in beyond:
            if str(point) in self.seen:
                continue
            found = self._look(point, self._enclosed)
            if found.at is At.FAILS:
                self.seen[str(point)], self.points[str(point)] = found, point
                return self._told(point)
            self.far.append((point, found))
        return None

    def far_doubt(self) -> str | None:
        """The first far point, in words, at which the numbers speak against the claim."""
        for point, found in self.far:
            if found.at is At.AGAINST:
                return f"{shown(point)}: {found.why}"
        return None

    def without_meaning(self) -> str:
        """Why there is no point at which the claim has a meaning."""
        none = "no point of the domains was found "
        if nowhere := self.first(At.NO_VALUE, At.UNDEFINED):
            return f"{none}at which it has a value; at {nowhere}"
        return f"{none}that has what is given"

    def not_proved_where_special(self) -> str | None:
        """A simple point, in words, at which neither numbers nor algebra show the claim.

        Only where numbers decide nothing is algebra asked again, with the point put in.
        """
        for point in self.simplest:
            if self.found(point).at is At.OPEN and not self._proved_at(point):
                return self._told(point)
        return None

    def no_value_at_an_end(self) -> str | None:
        """A point, in words, without a value because a symbol is at an end of its domain.

        Inside a domain a claim is read as one on all points at which both sides have a value, such
        as ``x/x = 1``.  An end that a domain includes is one that its author asks for.
        """
        for key, point in list(self.points.items()):
            if self.seen[key].at is not At.UNDEFINED:
                continue
            for inside in off_ends(point, self.domains):
                if self.found(inside).at is not At.UNDEFINED:
                    return self._told(point)
        return None

    def _proved_at(self, point: Point) -> bool:
        if not self.symbols:  # the proof was for this point
            return True
        with suppress(Exception):  # SymPy raises errors of many kinds
            return self.claim.mapped(lambda x: put_in(x, point)).exactly().holds is True
        return False

    def _told(self, point: Point) -> str:
        """A point, with what others determine there, and what was found."""
        found = self.found(point)
        values: dict[sp.Symbol, Any] = dict(point)
        if self.given and found.at is not At.OUTSIDE:
            with suppress(Exception):  # what has no value is not shown
                numbers = Estimated(self.digits, False, *self._arguments(point))
                inputs = numbers.inputs(Noting(self.digits))
                values |= {x: float(np.ravel(inputs.values[x])[0]) for x in self.given}
        places = [place for place in (shown(values), found.where) if place]
        return f"{', '.join(places) or 'the only point'}: {found.why}"

    def fails(self, point: Point) -> bool:
        """Whether the claim surely fails at a point."""
        return self.found(point).at is At.FAILS

    def found(self, point: Point) -> Found:
        """What is found at a point, which is looked at once."""
        key = str(point)
        if key not in self.seen:
            found = self._look(point, self._finding)
            self.seen[key], self.points[key] = found, point
        return self.seen[key]

    def _look(self, point: Point, finding_at: Callable[[Point], Finding]) -> Found:
        try:
            finding = finding_at(point)
        except OutsideDomain:
            return Found(At.OUTSIDE)
        except Undefined as error:
            return Found(At.UNDEFINED, f"no value: {error}")
        except Exception as error:  # the code of a claim may raise anything
            return Found(At.NO_VALUE, f"no value: {error}")
        if finding.holds is None:
            at = At.AGAINST if finding.against else At.OPEN
        else:
            at = At.HOLDS if finding.holds else At.FAILS
        return Found(at, finding.why, finding.where)

    def _finding(self, point: Point) -> Finding:
        """By enclosures; where these have no rule or show nothing, by estimates."""
        arguments = self._arguments(point)
        integrals = any(x.has(sp.Integral) for x in self._written)
        estimated = Estimated(self.digits, integrals, *arguments)
        if integrals:
            return self._unless_enclosed(self._by(estimated), point)
        try:
            enclosed = self._by(Enclosed(self.digits, *arguments))
        except Exception:  # whether there is a value at all, estimates tell
            return self._by(estimated)
        if enclosed.holds is not None or self.claim.bound:
            return enclosed
        found = self._by(estimated)
        # What enclosures of any number of bits do not tell apart, fewer digits do not either.
        return found if found.holds else enclosed

    def _unless_enclosed(self, estimated: Finding, point: Point) -> Finding:
        """What estimates of integrals found; they refute nothing that enclosures do not refute."""
        if estimated.holds is not False:
            return estimated
        with suppress(Exception):  # what has no enclosure is only estimated
            enclosed = self._by(EnclosedIntegrals(self.digits, *self._arguments(point)))
            if enclosed.holds is False:
                return enclosed
        why = f"{estimated.why}, but an integral is only estimated"
        return estimated._replace(holds=None, why=why, against=True)

    def _enclosed(self, point: Point) -> Finding:
        """By enclosures alone."""
        if any(x.has(sp.Integral) for x in self._written):
            return Finding(None, "an integral has no enclosure")
        return self._by(Enclosed(self.digits, *self._arguments(point)))

    def _arguments(self, point: Point) -> tuple[Any, ...]:
        return point, self.given, self.domains, self.resolve

    def _by(self, numbers: Enclosed | Estimated) -> Finding:
        # What is made of enclosures is not to lose their digits, and NumPy is not to report the
        # floating-point flags that a library behind its arrays of objects leaves.
        with flint.ctx.workprec(_BITS), np.errstate(all="ignore"):
            numbers.require_way_inside(self.claim.nearing)
            return self.claim.at(numbers)
