"""The search for a counterexample: a point of the domains at which a claim fails."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from random import Random
from typing import Any, NamedTuple

import flint
import numpy as np
import sympy as sp
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import Flaky, NoSuchExample

from .arithmetics import NoRule, TrackingCancellation, Undefined
from .claims import Change, Claim, Computed, Finding
from .enclosures import Enclosed, EnclosedIntegrals, Estimated, OutsideDomain, Point, put_in
from .points import Domains, drawn, far, off_ends, populations, ranges, shown, simplest

#: Bits with which enclosures of many bits are compared and combined.
_BITS = 8192


class Question(NamedTuple):
    """A claim with all that its check needs; definitions in it are replaced by expressions."""

    claim: Claim
    domains: Domains
    #: Symbols with the expressions that determine them; they are substituted in the claim already.
    given: Mapping[sp.Symbol, Any]
    #: Substitutes definitions and determined symbols in an expression, as was done in the claim.
    resolve: Change


class Status(Enum):
    """The result of trying a claim at a point."""

    HOLDS = "it holds"
    FAILS = "it surely fails"
    OPEN = "the numbers do not decide it"
    AGAINST = "the numbers speak against it, but do not prove it false"
    NO_VALUE = "numbers do not show its value"
    UNDEFINED = "it has no value"
    OUTSIDE = "a symbol that others determine is outside its domain"


class Found(NamedTuple):
    """The result of trying a claim at a point, with its reason."""

    status: Status
    why: str = ""
    #: The place of the claim's own variable, as of the variable of a limit.
    where: str = ""
    #: Whether a part of the claim has no rule, so that numbers show its value at no point.
    lacks_rule: bool = False


class Search:
    """A search among many points for one at which a claim fails.

    The result at a point depends on the point and the digits alone, never on the speed of the
    machine.
    """

    def __init__(self, question: Question, digits: int) -> None:
        self.claim, self.domains, self.given, self.resolve = question
        self.digits = digits
        #: The result at each point, and the points, in the order in which they were tried.
        self.seen: dict[str, Found] = {}
        self.points: dict[str, Point] = {}
        self.symbols = self.claim.symbols | {
            x for value in self.given.values() for x in value.atoms(sp.Symbol)
        }
        #: Points with extreme numbers, and the results there.  They are kept apart, because a
        #: claim that is undecided at one of them may still be shown.
        self.far: list[tuple[Point, Found]] = []
        self.simplest = simplest(self.symbols, self.domains, self._written)

    @property
    def held(self) -> list[Point]:
        """The points at which the claim holds, including those with extreme numbers."""
        near = [
            self.points[key] for key, found in self.seen.items() if found.status is Status.HOLDS
        ]
        return near + [point for point, found in self.far if found.status is Status.HOLDS]

    @property
    def range(self) -> str:
        """The ranges of the symbols over the points at which the claim holds, as text."""
        return ranges(self.held)

    @property
    def _written(self) -> tuple[Any, ...]:
        return (*self.claim.expressions, *self.given.values())

    def count(self, *kinds: Status) -> int:
        """The number of points with one of these results."""
        return sum(found.status in kinds for found in self.seen.values())

    def first(self, *kinds: Status) -> str | None:
        """The first point with one of these results, as text, with the reason."""
        for key, found in self.seen.items():
            if found.status in kinds:
                return self._described(self.points[key])
        return None

    @property
    def tried(self) -> int:
        """The number of points at which the claim has a meaning."""
        return self.count(Status.HOLDS, Status.FAILS, Status.OPEN, Status.AGAINST)

    def counterexample(self, most: int, seed: int = 0) -> str | None:
        """A simple point at which the claim surely fails, as text; None if none is found.

        All of the simplest points of the domains are tried, and random ones up to `most` in all (at
        least one).  Hypothesis draws the random ones, and simplifies a point that it finds.  No
        random ones are tried if a part of the claim has no rule, and so a value nowhere.
        """
        for point in self.simplest:
            if self.fails(point):
                return self._described(point)
        if not self.symbols or self.lacks_rule:  # there is no other point, or none would help
            return None
        number = max(most - len(self.simplest), 1)
        failing = self._random_that_fails(number, seed)
        return None if failing is None else self._described(failing)

    def _random_that_fails(self, number: int, seed: int) -> Point | None:
        """A random point, simplified, at which the claim surely fails; None if none is found.

        Hypothesis raises `Flaky` if it repeats a draw and draws less or more than before.  What our
        strategies draw depends on earlier draws alone, and each point is tried once.  But a signal
        or a time limit raises its exception anywhere, and in the midst of a draw that is repeated
        Hypothesis takes it for the end of the draw.  That exception is then raised.

        Should a draw not repeat for another reason, the same search is made once more: it starts
        with nothing remembered but the results at points.  If that fails too, a point is taken that
        failed before.
        """
        for _ in range(2):
            try:
                return self._drawn_that_fails(number, seed)
            except Flaky as error:
                if (interruption := _interruption(error)) is not None:
                    raise interruption from None
        failed = (key for key, found in self.seen.items() if found.status is Status.FAILS)
        if key := min(failed, key=len, default=None):
            return self.points[key]
        raise RuntimeError("random points do not repeat when they are drawn again")

    def _drawn_that_fails(self, number: int, seed: int) -> Point | None:
        with suppress(NoSuchExample):
            return find(
                drawn(self.symbols, self.domains),
                self.fails,
                settings=settings(
                    max_examples=number,
                    database=None,
                    deadline=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
                random=Random(seed),  # noqa: S311  # nothing here is secret
            )
        return None

    def far_counterexample(self) -> str | None:
        """A point with many groups or extreme numbers at which the claim surely fails, as text.

        It catches a claim that holds for moderate numbers alone, such as x < 10**6.  At extreme
        numbers only enclosures are used, since the estimate of an integral may miss the place of
        its mass.  Code is not run at them: it is written for a range of sizes, and may choose
        between formulas by comparing rounded numbers.
        """
        if self.lacks_rule:
            return None
        for point in populations(self.symbols, self.domains):
            if self.fails(point):
                return self._described(point)
        extreme = [] if isinstance(self.claim, Computed) else far(self.symbols, self.domains)
        for point in extreme:
            if str(point) in self.seen:
                continue
            found = self._try(point, self._by_enclosures_alone)
            if found.status is Status.FAILS:
                self.seen[str(point)], self.points[str(point)] = found, point
                return self._described(point)
            self.far.append((point, found))
        return None

    @property
    def lacks_rule(self) -> bool:
        """Whether none of the simplest points has a value, because a part has no rule."""
        return all(self.found(point).lacks_rule for point in self.simplest)

    def far_doubt(self) -> str | None:
        """The first point with extreme numbers that speak against the claim, as text."""
        for point, found in self.far:
            if found.status is Status.AGAINST:
                return f"{shown(point)}: {found.why}"
        return None

    def without_meaning(self) -> str:
        """The reason why no point was found at which the claim has a meaning, as text."""
        none = "no point of the domains was found "
        if nowhere := self.first(Status.NO_VALUE, Status.UNDEFINED):
            return f"{none}at which it has a value; at {nowhere}"
        return f"{none}that has what is given"

    def not_proved_where_special(self) -> str | None:
        """A simple point, as text, at which a claim that algebra proved in general is not shown.

        Algebra takes symbols as generic.  At a simple point, whose numbers are often special,
        it must therefore prove the claim again, with the point put in, unless the numbers show it.
        """
        for point in self.simplest:
            if self.found(point).status is Status.OPEN and not self._proved_at(point):
                return self._described(point)
        return None

    def no_value_at_an_end(self) -> str | None:
        """A point, as text, at which the claim has no value because a symbol is at an included end.

        Inside a domain, a claim such as ``x/x = 1`` is read as one about all points at which both
        sides have a value.  But an author who includes an end means the claim to hold there.
        """
        for key, point in list(self.points.items()):
            if self.seen[key].status is not Status.UNDEFINED:
                continue
            for inside in off_ends(point, self.domains):
                if self.found(inside).status is not Status.UNDEFINED:
                    return self._described(point)
        return None

    def _proved_at(self, point: Point) -> bool:
        if not self.symbols:  # the proof was for this point
            return True
        with suppress(Exception):  # SymPy raises errors of many kinds where it fails
            return self.claim.mapped(lambda x: put_in(x, point)).exactly().holds is True
        return False

    def _described(self, point: Point) -> str:
        """A point as text, with the determined symbols and the reason of its result."""
        found = self.found(point)
        values: dict[sp.Symbol, Any] = dict(point)
        if self.given and found.status is not Status.OUTSIDE:
            with suppress(Exception):  # symbols without a value are left out
                numbers = Estimated(self.digits, False, *self._arguments(point))
                inputs = numbers.inputs(TrackingCancellation(self.digits))
                values |= {x: float(np.ravel(inputs.values[x])[0]) for x in self.given}
        places = [place for place in (shown(values), found.where) if place]
        return f"{', '.join(places) or 'the only point'}: {found.why}"

    def fails(self, point: Point) -> bool:
        """Whether the claim surely fails at a point."""
        return self.found(point).status is Status.FAILS

    def found(self, point: Point) -> Found:
        """The result at a point; each point is tried once."""
        # Hypothesis proposes the same point many times while it simplifies.
        key = str(point)
        if key not in self.seen:
            found = self._try(point, self._finding)
            self.seen[key], self.points[key] = found, point
        return self.seen[key]

    def _try(self, point: Point, finding_at: Callable[[Point], Finding]) -> Found:
        try:
            finding = finding_at(point)
        except OutsideDomain:
            return Found(Status.OUTSIDE)
        except Undefined as error:
            return Found(Status.UNDEFINED, f"no value: {error}")
        except Exception as error:  # the code of a claim may raise anything
            lacks_rule = isinstance(error, NoRule)
            return Found(Status.NO_VALUE, f"no value: {error}", lacks_rule=lacks_rule)
        if finding.holds is None:
            status = Status.AGAINST if finding.against else Status.OPEN
        else:
            status = Status.HOLDS if finding.holds else Status.FAILS
        return Found(status, finding.why, finding.where)

    def _finding(self, point: Point) -> Finding:
        """The result by enclosures; by estimates where enclosures have no rule or do not decide."""
        arguments = self._arguments(point)
        integrals = any(x.has(sp.Integral) for x in self._written)
        estimated = Estimated(self.digits, integrals, *arguments)
        if integrals:
            return self._unless_enclosed(self._decided_by(estimated), point)
        try:
            enclosed = self._decided_by(Enclosed(self.digits, *arguments))
        except Exception:  # estimates tell whether there is a value at all
            return self._decided_by(estimated)
        if enclosed.holds is not None or self.claim.bound:
            return enclosed
        found = self._decided_by(estimated)
        # Estimates may show the claim, to their tolerance.  They cannot refute it: they have fewer
        # digits than the enclosures, which do not tell the sides apart.
        return found if found.holds else enclosed

    def _unless_enclosed(self, estimated: Finding, point: Point) -> Finding:
        """The result of estimated integrals; they refute a claim only if enclosures confirm it."""
        if estimated.holds is not False:
            return estimated
        with suppress(Exception):  # an integral without an enclosure leaves the estimate
            enclosed = self._decided_by(EnclosedIntegrals(self.digits, *self._arguments(point)))
            if enclosed.holds is False:
                return enclosed
        why = f"{estimated.why}, but an integral is only estimated"
        return estimated._replace(holds=None, why=why, against=True)

    def _by_enclosures_alone(self, point: Point) -> Finding:
        if any(x.has(sp.Integral) for x in self._written):
            return Finding(None, "an integral has no enclosure")
        return self._decided_by(Enclosed(self.digits, *self._arguments(point)))

    def _arguments(self, point: Point) -> tuple[Any, ...]:
        return point, self.given, self.domains, self.resolve

    def _decided_by(self, numbers: Enclosed | Estimated) -> Finding:
        # Sums and differences of enclosures must not be rounded to Arb's default 53 bits.  And a
        # library may leave floating-point flags set, which NumPy would report for its own arrays.
        with flint.ctx.workprec(_BITS), np.errstate(all="ignore"):
            numbers.require_approach_inside(self.claim.nearing)
            return self.claim.at(numbers)


def _interruption(error: BaseException | None) -> BaseException | None:
    """The exception of a signal or a time limit behind an error of Hypothesis; None if none is.

    Such an exception is no `Exception`, so that no handler of errors catches it.
    """
    while isinstance(error, Exception):
        error = error.__context__
    return error
