"""A derivation: symbols with their domains, and steps with a claim, a reason and a check each."""

import inspect
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from operator import methodcaller
from pathlib import Path
from typing import Any, NamedTuple

import sympy as sp

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean, NormalSymbol, within_means
from ..errors import InvalidInput
from .checks import Check, Verdict, undecided
from .claims import Claim, Computed, as_expression, free
from .domains import REAL, UNIT, Domain
from .names import Name, written_out
from .rewriting import written_for_numbers
from .search import Question
from .time_limit import OutOfTime, limited

#: Seconds of processor time that the check of a step may take: many times more than any needs.
PATIENCE = 200.0


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
    """A named expression, with its meaning in words."""

    name: Name
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
    """The verdict on a step, and the seconds that its check took."""

    step: Step
    verdict: Verdict
    seconds: float


class Derivation:
    r"""Steps that lead from definitions to a formula, each checked.

    Parameters
    ----------
    title, about : str
        The result in a few words, and in a paragraph of Markdown with formulas between dollars.
    source : str
        Where the result is published, or a statement that it is not.
    untied : str, optional
        The reason why no step is tied to code; if empty, the last step must be `Computed`.

    Examples
    --------
    >>> from asymptotics.derivation import POSITIVE, Derivation, Equal, Exactly
    >>> square = Derivation("A square", "Of a sum.", source="Euclid, II.4", untied="an example")
    >>> a = square.symbol("a", POSITIVE, "a side")
    >>> b = square.symbol("b", POSITIVE, "another")
    >>> square.step("expansion", Equal((a + b) ** 2, a**2 + b**2), "Expand.", Exactly())
    >>> print(next(square.outcomes()).verdict.found)
    refuted at a = 1, b = 1: left = 4, right = 2 (algebra does not bring the sides to one form)
    """

    def __init__(self, title: str, about: str, *, source: str, untied: str = "") -> None:
        place = str(_caller())
        _require_line(place, "title", title)
        for key, text in (("about", about), ("source", source), ("untied", untied)):
            _require_text(place, key, text)
        self.title, self.about, self.source, self.untied = title, about, source, untied
        self.domains: dict[sp.Symbol, Domain] = {}
        self.meanings: dict[sp.Symbol, str] = {}
        #: Definitions and steps, in the order in which they are read.
        self.items: list[Definition | Step] = []

    @property
    def steps(self) -> list[Step]:
        """The steps alone."""
        return [item for item in self.items if isinstance(item, Step)]

    def symbol(self, name: str, domain: Domain, meaning: str) -> sp.Symbol:
        """Declare a symbol for a number."""
        return self._declared(sp.Symbol(name, **domain.assumptions), domain, meaning)

    def random(self, name: str, domain: Domain, meaning: str) -> sp.Symbol:
        """Declare a quantity of the population, which has a value in each group of features.

        Its expectation is written ``Mean(...)``.
        """
        self.domains[WEIGHT] = UNIT
        return self._declared(GroupSymbol(name, **domain.assumptions), domain, meaning)

    def normal(self, name: str) -> sp.Symbol:
        """Declare a standard normal variable, independent of all other symbols."""
        return self._declared(NormalSymbol(name, real=True), REAL, "standard normal")

    def define(self, name: str, expression: Any, meaning: str) -> Name:
        """Name an expression: a reader sees the name, and a check the expression."""
        place = f"{_caller()}, {name}"
        _require_line(place, "name", name)
        _require_text(place, "meaning", meaning)
        expression = _expression(place, expression)
        if not isinstance(expression, sp.Expr) or expression.is_Matrix:
            raise InvalidDerivation(place, expression, "must be a number: matrices have no names")
        self._require_usable(place, (expression,))
        self._require_new(name)
        definition = Definition(Name(sp.Symbol(name), expression), meaning)
        self.items.append(definition)
        return definition.name

    def _declared(self, symbol: sp.Symbol, domain: Domain, meaning: str) -> sp.Symbol:
        self._require_new(symbol.name)
        place = str(_caller())
        _require_line(place, "name", symbol.name)
        _require_text(f"{place}, {symbol}", "meaning", meaning)
        self.domains[symbol], self.meanings[symbol] = domain, meaning
        return symbol

    def _require_new(self, name: str) -> None:
        defined = {item.name.name for item in self.items if isinstance(item, Definition)}
        if name in defined | {symbol.name for symbol in self.domains}:
            raise InvalidDerivation(str(_caller()), name, "is declared already")

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
            A title of a few words, unique in the derivation.
        claim : Claim
            The statement.
        because : str
            The reason, a sentence in Markdown with formulas between dollars.
        check : Check
            The way to check it.
        reference : str, optional
            The publication that states it.
        given : mapping, optional
            Equations under which the claim holds: symbols with the expressions that determine
            them, such as ``{r: tau * (1 - ...)}``.  They are substituted after derivatives are
            taken, so that a derivative treats these symbols as constants.

        Raises
        ------
        InvalidDerivation
            For a step that cannot be checked as it is written.
        """
        place = _caller()
        _require_line(str(place), "name", name)
        here = f"{place}, {name}"
        _require_text(here, "reference", reference)
        given = {symbol: _expression(here, value) for symbol, value in (given or {}).items()}
        if not isinstance(claim, Claim):
            raise InvalidDerivation(here, claim, "must be a claim, such as Equal(...)")
        if not isinstance(check, Check):
            raise InvalidDerivation(here, "check", "every step must have a check")
        _require_text(here, "because", because)
        if not because.strip():
            raise InvalidDerivation(here, because, "every step must have a reason")
        if any(step.name == name for step in self.steps):
            raise InvalidDerivation(str(place), name, "is the name of an earlier step")
        claim = claim.mapped(lambda expression: _expression(here, expression))
        self._require_usable(here, [*claim.expressions, *given, *given.values()])
        self._require_determined(here, given)
        try:
            claim.require_meaning(self.domains, given)
            check.require_meaning(self.domains)
        except InvalidInput as error:
            raise InvalidDerivation(f"{here}, {error.key}", error.value, error.allowed) from None
        self.items.append(Step(name, claim, because, check, reference, given, place))

    def _require_determined(self, place: str, given: Mapping[sp.Symbol, Any]) -> None:
        """Raise unless the symbols in `given` are declared and determined by the other symbols."""
        if undeclared := [symbol for symbol in given if symbol not in self.domains]:
            allowed = "what is given must be declared symbols"
            raise InvalidDerivation(place, ", ".join(map(str, undeclared)), allowed)
        for symbol, value in _determined(given).items():
            if used := sorted(str(x) for x in free(value) & set(given)):
                allowed = f"must not depend on itself: {', '.join(used)}"
                raise InvalidDerivation(place, f"{symbol} = {given[symbol]}", allowed)

    def _require_usable(self, place: str, expressions: Iterable[Any]) -> None:
        """Raise unless all symbols are declared and all numbers exact."""
        for expression in expressions:
            used = free(expression)
            if undeclared := sorted(str(x) for x in used - set(self.domains)):
                allowed = "is not declared: derivation.symbol, .random, .normal or .define does"
                raise InvalidDerivation(place, ", ".join(undeclared), allowed)
            if expression.has(sp.Float):
                allowed = "holds a rounded number: write it as a Rational"
                raise InvalidDerivation(place, str(expression), allowed)
            for part in written_out(expression).atoms(sp.Subs):
                _require_clear(place, part)

    def require_complete(self, place: str) -> None:
        """Raise `InvalidDerivation` unless there are steps, and the last is tied to code.

        A derivation that states why it is `untied` needs no tie.
        """
        if not self.steps:
            raise InvalidDerivation(place, self.title, "must have one or more steps")
        if not self.untied and not isinstance(self.steps[-1].claim, Computed):
            allowed = "the last step must be Computed(...) by code, or the derivation say `untied`"
            raise InvalidDerivation(str(self.steps[-1].place), self.steps[-1].name, allowed)

    def _question(self, step: Step) -> Question:
        """The claim of a step, with definitions and given equations substituted."""
        given = {symbol: _resolved(value) for symbol, value in _determined(step.given).items()}

        # Cached, because claims resolve the same expressions at every point.
        @cache
        def resolve(expression: Any) -> Any:
            return within_means(_resolved(expression), methodcaller("subs", given))

        return Question(step.claim.mapped(resolve), self.domains, given, resolve)

    def outcomes(self) -> Iterator[Outcome]:
        """Check one step after another, and yield each outcome."""
        for step in self.steps:
            start = time.perf_counter()
            yield Outcome(step, self._verdict(step), time.perf_counter() - start)

    def _verdict(self, step: Step) -> Verdict:
        verdict = undecided(f"no answer within {PATIENCE:.0f} s of processor time")
        with suppress(OutOfTime), limited(PATIENCE) as limit:
            found = self._checked(step)
            # Code may have swallowed the signal of the limit and gone on to a finding.
            verdict = verdict if limit.reached else found
        return verdict

    def _checked(self, step: Step) -> Verdict:
        try:
            return step.check.verdict(self._question(step))
        except BaseException as error:  # the expressions and the code of a claim may raise any
            if not raised_by_code(error):
                raise
            return undecided(f"it cannot be checked: {type(error).__name__}: {error}")


def raised_by_code(error: BaseException) -> bool:
    """Whether an error comes from the code that was run, rather than from a signal or a time limit.

    A signal raises `KeyboardInterrupt` or an error of this package that is no `Exception`, and so
    does a time limit; both must end the check.  All other errors, `SystemExit` among them, are
    failures of the code.
    """
    own = type(error).__module__.split(".")[0] == __name__.split(".")[0]
    return isinstance(error, Exception) or not (own or isinstance(error, KeyboardInterrupt))


def _determined(given: Mapping[sp.Symbol, Any]) -> dict[sp.Symbol, Any]:
    """The expressions in `given`, in terms of symbols that are not in `given`.

    Each pass substitutes all equations once; as many passes as equations suffice, unless they go in
    a circle, which `_require_determined` notices.
    """
    values = {symbol: written_out(value) for symbol, value in given.items()}
    for _ in given:
        put_in = methodcaller("xreplace", values)
        values = {symbol: within_means(value, put_in) for symbol, value in values.items()}
    return values


def _resolved(expression: Any) -> Any:
    """An expression with its definitions written out, and normal variables integrated out.

    Integrals and sums stay: algebra evaluates them only in a proof, not where numbers confirm one.
    """
    return written_for_numbers(written_out(expression)).replace(
        lambda part: isinstance(part, Mean), lambda mean: mean.integrated()
    )


def _require_text(place: str, key: str, text: Any) -> None:
    """Raise `InvalidDerivation` unless it is text without control characters for a terminal."""
    if not isinstance(text, str):
        raise InvalidDerivation(f"{place}, {key}", text, "must be text")
    if not "".join(text.split()).isprintable():
        raise InvalidDerivation(f"{place}, {key}", text, "holds characters that cannot be printed")


def _require_line(place: str, key: str, text: Any) -> None:
    """Raise `InvalidDerivation` unless it is text of one line that is not blank."""
    _require_text(place, key, text)
    if not (text.strip() and text.isprintable()):
        raise InvalidDerivation(f"{place}, {key}", text, "must be one line, and not be empty")


def _require_clear(place: str, subs: Any) -> None:
    """Raise for a substitution that SymPy carries out in another way than it reads.

    It puts no value for a quantity of the population into an expectation, where the quantity is
    bound.  It puts in several values one after another, and not at once.
    """
    groups = subs.point.has(GroupSymbol) or any(isinstance(x, GroupSymbol) for x in subs.variables)
    if groups and subs.expr.has(Mean):
        allowed = "puts a value into an expectation: write the expression with the value"
        raise InvalidDerivation(place, str(subs), allowed)
    pairs = zip(subs.variables, subs.point, strict=True)
    if any(value.free_symbols & (set(subs.variables) - {variable}) for variable, value in pairs):
        allowed = "puts in values that hold others that are replaced: write it with the values"
        raise InvalidDerivation(place, str(subs), allowed)


def _expression(place: str, value: Any) -> Any:
    try:
        return as_expression(value)
    except InvalidInput as error:
        raise InvalidDerivation(place, error.value, error.allowed) from None


def _caller() -> Place:
    """The line of the derivation's file that is being run.

    If a function in that file adds the step, this is the line that calls the function: the
    outermost frame in the file.
    """
    frame = inspect.currentframe()
    # First out of this module, then to the outermost frame in the file that called it.
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame is None:
        return Place("", 0)
    file, line = frame.f_code.co_filename, frame.f_lineno
    while frame is not None:
        line = frame.f_lineno if frame.f_code.co_filename == file else line
        frame = frame.f_back
    return Place(file, line)
