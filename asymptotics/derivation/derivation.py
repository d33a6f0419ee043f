"""A derivation: symbols with their domains, and steps that are claimed, reasoned and checked."""

import inspect
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import sympy as sp

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean, NormalSymbol
from ..errors import InvalidInput
from .checks import Check, Verdict
from .claims import Claim, Computed, as_expression, dummies
from .domains import REAL, UNIT, Domain
from .points import Question

#: What a name inherits of its expression.
_FACTS = ("positive", "negative", "nonnegative", "real")


class InvalidDerivation(InvalidInput):
    """A derivation that cannot be checked as it is written; the message names file and line."""


class Place(NamedTuple):
    """A line of a derivation's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"


@dataclass(frozen=True)
class Definition:
    """A name for an expression."""

    symbol: sp.Symbol
    expression: Any
    meaning: str


@dataclass(frozen=True)
class Step:
    """A claim with its reason, its reference and the way it is checked."""

    name: str
    claim: Claim
    because: str
    check: Check
    reference: str
    given: Mapping[sp.Symbol, Any]
    place: Place


@dataclass(frozen=True)
class Outcome:
    """What the check of a step found, and its time in seconds."""

    step: Step
    verdict: Verdict
    seconds: float


class Derivation:
    r"""Steps that lead from definitions to a formula, each checked.

    Parameters
    ----------
    title, about : str
        What is derived; `about` is a paragraph in Markdown, with formulas between dollars.
    source : str
        Where the result is published, or that it is not.
    untied : str, optional
        Why no step is tied to code; without it the last step must be `Computed`.

    Examples
    --------
    >>> from asymptotics.derivation import POSITIVE, Derivation, Equal, Exactly
    >>> square = Derivation("A square", "Of a sum.", source="Euclid, II.4", untied="an example")
    >>> a = square.symbol("a", POSITIVE, "a side")
    >>> b = square.symbol("b", POSITIVE, "another")
    >>> square.step("expansion", Equal((a + b) ** 2, a**2 + b**2), "Expand.", Exactly())
    >>> print(next(square.outcomes()).verdict.found)
    fails at a = 1, b = 1: left = 4, right = 2 (algebra does not bring the sides to one form)
    """

    def __init__(self, title: str, about: str, *, source: str, untied: str = "") -> None:
        self.title, self.about, self.source, self.untied = title, about, source, untied
        self.domains: dict[sp.Symbol, Domain] = {}
        self.meanings: dict[sp.Symbol, str] = {}
        self._written: dict[sp.Symbol, Any] = {}
        #: Definitions and steps, in the order in which they are read.
        self.items: list[Definition | Step] = []

    @property
    def steps(self) -> list[Step]:
        """The steps alone."""
        return [item for item in self.items if isinstance(item, Step)]

    def symbol(self, name: str, domain: Domain, meaning: str) -> sp.Symbol:
        """Declare a number that the derivation is about."""
        return self._declared(sp.Symbol(name, **domain.assumptions), domain, meaning)

    def random(self, name: str, domain: Domain, meaning: str) -> sp.Symbol:
        """Declare a quantity of the population: it has a value in each group of features.

        Expectations over it are written ``Mean(...)``.
        """
        self.domains[WEIGHT] = UNIT
        return self._declared(GroupSymbol(name, **domain.assumptions), domain, meaning)

    def normal(self, name: str) -> sp.Symbol:
        """Declare a standard normal variable, independent of the population."""
        return self._declared(NormalSymbol(name, real=True), REAL, "standard normal")

    def define(self, name: str, expression: Any, meaning: str) -> sp.Symbol:
        """Name an expression; checks see the expression, readers the name."""
        expression = as_expression(expression)
        self._require_usable(f"{_caller()}, {name}", (expression,))
        random = any(isinstance(x, GroupSymbol) for x in expression.free_symbols)
        facts = {fact: True for fact in _FACTS if getattr(expression, f"is_{fact}")}
        symbol = (GroupSymbol if random else sp.Symbol)(name, **(facts or {"real": True}))
        self._declared(symbol, REAL, "")
        # Written out now and substituted at once, so that derivatives see all that depends.
        self._written[symbol] = expression.xreplace(self._written)
        self.items.append(Definition(symbol, expression, meaning))
        return symbol

    def resolved(self, expression: Any) -> Any:
        """An expression with what is defined written out, and normal variables integrated."""
        return (
            expression.xreplace(self._written)
            .doit()
            .replace(lambda part: isinstance(part, Mean), lambda mean: mean.integrated())
        )

    def _declared(self, symbol: sp.Symbol, domain: Domain, meaning: str) -> sp.Symbol:
        if symbol in self.domains:
            raise InvalidDerivation(str(_caller()), symbol.name, "is declared already")
        self.domains[symbol], self.meanings[symbol] = domain, meaning
        return symbol

    def step(
        self,
        name: str,
        claim: Claim,
        because: str,
        check: Check | None = None,
        *,
        reference: str = "",
        given: Mapping[sp.Symbol, Any] | None = None,
    ) -> None:
        """Add a step.

        Parameters
        ----------
        name : str
            A few words.
        claim : Claim
            What is stated.
        because : str
            Why it holds, a sentence in Markdown, with formulas between dollars.
        check : Check
            How it is checked.
        reference : str, optional
            Where it is found.
        given : mapping, optional
            Symbols that others determine where the claim holds: ``{r: tau * (1 - ...)}``; while
            a derivative is taken they are constants.
        """
        place = _caller()
        given = {symbol: as_expression(value) for symbol, value in (given or {}).items()}
        if not isinstance(claim, Claim):
            raise InvalidDerivation(
                f"{place}, {name}", claim, "must be a claim, such as Equal(...)"
            )
        if not isinstance(check, Check):
            raise InvalidDerivation(f"{place}, {name}", "check", "every step must have a check")
        if any(step.name == name for step in self.steps):
            raise InvalidDerivation(str(place), name, "is the name of an earlier step")
        claim = claim.mapped(as_expression)
        self._require_usable(f"{place}, {name}", [*claim.expressions, *given, *given.values()])
        self.items.append(Step(name, claim, because, check, reference, given, place))

    def _require_usable(self, place: str, expressions: Iterable[Any]) -> None:
        for expression in expressions:
            used = expression.atoms(sp.Symbol) - dummies(expression)
            if undeclared := sorted(str(x) for x in used - set(self.domains)):
                allowed = "is not declared: derivation.symbol, .random, .normal or .define does"
                raise InvalidDerivation(place, ", ".join(undeclared), allowed)
            if expression.has(sp.Float):
                allowed = "holds a rounded number: write it as a Rational"
                raise InvalidDerivation(place, str(expression), allowed)

    def require_complete(self, place: str) -> None:
        """Raise `InvalidDerivation` unless there are steps and the last is tied to code."""
        if not self.steps:
            raise InvalidDerivation(place, self.title, "must have one or more steps")
        if not self.untied and not isinstance(self.steps[-1].claim, Computed):
            allowed = "the last step must be Computed(...) by code, or the derivation say `untied`"
            raise InvalidDerivation(str(self.steps[-1].place), self.steps[-1].name, allowed)

    def _question(self, step: Step) -> Question:
        given = {symbol: self.resolved(value) for symbol, value in step.given.items()}

        @cache
        def resolve(expression: Any) -> Any:
            return self.resolved(expression).subs(given)

        return Question(step.claim.mapped(resolve), self.domains, given, resolve)

    def outcomes(self) -> Iterator[Outcome]:
        """Check one step after another."""
        for step in self.steps:
            start = time.perf_counter()
            verdict = step.check.verdict(self._question(step))
            yield Outcome(step, verdict, time.perf_counter() - start)


def _caller() -> Place:
    """The line outside this module that is being run."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is None:
        return Place("", 0)
    return Place(frame.f_code.co_filename, frame.f_lineno)
