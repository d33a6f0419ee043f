"""What a step may claim, and how each claim is decided in three ways.

Exactly, by algebra; over boxes of its symbols, by enclosures; at a point, by numbers of many
digits.  A way that does not apply, or does not decide, leaves the claim undecided.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from types import FrameType
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp

from ..arithmetic import Arithmetic, Array
from ..arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol, Mean
from ..errors import InvalidInput
from ..population import Groups
from . import algebra
from .domains import Domain
from .evaluation import NoValue, Values, value_of

#: Numbers count as equal if they agree to this share of the digits that they are computed with.
_SHARE, _ZERO = 0.4, 0.8
_SHOWN = 12


Change = Callable[[Any], Any]
Box = Mapping[sp.Symbol, tuple[Fraction, Fraction]]


class Finding(NamedTuple):
    """What a way of deciding found: True, False or, undecided, None; and why."""

    holds: bool | None
    why: str = ""
    #: At a point: how far two sides that hold as equal are apart, and the size of their terms.
    gap: Any = 0
    size: Any = 0


PROVED = Finding(True)


class Inputs(NamedTuple):
    """The symbols of a derivation as numbers, for code to compute with."""

    values: Values
    arithmetic: Arithmetic
    #: What writes out an expression in terms of the symbols that have values.
    resolve: Change = lambda expression: expression

    def __call__(self, expression: Any) -> Array:
        """An expression, or a list of them, as numbers of the arithmetic."""
        if isinstance(expression, list | tuple):
            return np.array([self(part).item() for part in expression], dtype=object)
        expression = self.resolve(as_expression(expression))
        if self.arithmetic is SYMBOLIC:
            of_group = expression.has(GroupSymbol)
            return np.array([expression] if of_group else expression, dtype=object)
        return value_of(expression, self.values, self.arithmetic)

    def groups(self, eigenvalue: Any, mean: Any = 0, std: Any = 0) -> Groups:
        """The population's groups, with expressions for their columns."""
        weight = self(WEIGHT)
        columns = (self(x) for x in (eigenvalue, mean, std))
        return Groups(weight, *(np.broadcast_to(column, weight.shape) for column in columns))


class Claim(ABC):
    """A statement about the symbols of a derivation."""

    @property
    @abstractmethod
    def expressions(self) -> tuple[Any, ...]:
        """The expressions that it is made of."""

    @property
    def bound(self) -> set[sp.Symbol]:
        """Symbols of its own, which a point of the domain does not give a value."""
        return set()

    @property
    def symbols(self) -> set[sp.Symbol]:
        """Symbols that a point must give a value, those of the population among them."""
        used: set[sp.Symbol] = set().union(*map(free, self.expressions))
        return used - self.bound

    def require_meaning(  # noqa: B027  # most have one anywhere
        self, domains: Mapping[sp.Symbol, Domain], given: Values
    ) -> None:
        """Raise `InvalidInput` for a claim that means nothing where its symbols are declared."""

    @abstractmethod
    def mapped(self, change: Change) -> Self:
        """The claim with each of its expressions changed."""

    def exactly(self) -> Finding:
        """Whether it holds for all values of its symbols, by algebra."""
        return Finding(None, "it is no matter of algebra")

    @abstractmethod
    def at(self, inputs: Inputs) -> Finding:
        """Whether it holds at a point."""

    def settled(self, point: Mapping[sp.Symbol, Any]) -> bool | None:
        """Whether it holds at exact numbers, where those of any digits do not tell."""
        return None

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        """Expressions whose being positive over their boxes shows the claim over a box."""
        yield from ()

    @abstractmethod
    def latex(self) -> str:
        """The claim as a formula."""


@dataclass(frozen=True)
class _TwoSides(Claim):
    left: Any
    right: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.left, self.right

    def mapped(self, change: Change) -> Self:
        return replace(self, left=change(self.left), right=change(self.right))


class Equal(_TwoSides):
    """``left = right``; matrices are equal entry by entry."""

    def exactly(self) -> Finding:
        pairs = _entries(self.left, self.right)
        if all(algebra.vanishes(left - right) for left, right in pairs):
            return PROVED
        return Finding(None, "algebra does not bring the sides to one form")

    def at(self, inputs: Inputs) -> Finding:
        found = [
            _same(left, right, inputs(left), inputs(right), inputs)
            for left, right in _entries(self.left, self.right)
        ]
        return next((x for x in found if not x.holds), max(found, key=lambda x: x.gap))

    def latex(self) -> str:
        return f"{sp.latex(self.left)} = {sp.latex(self.right)}"


class _Inequality(_TwoSides):
    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        yield self.right - self.left, box


class Less(_Inequality):
    """``left < right``."""

    def exactly(self) -> Finding:
        sign = algebra.sign(self.right - self.left)
        return PROVED if sign == 1 else Finding(None, "algebra does not show the sign")

    def at(self, inputs: Inputs) -> Finding:
        left, right = inputs(self.left), inputs(self.right)
        if np.all(left < right):
            return PROVED
        # As near as numbers of these digits tell.
        close = _same(self.left, self.right, left, right, inputs).holds
        return Finding(None if close else False, _sides(left, right))

    def settled(self, point: Mapping[sp.Symbol, Any]) -> bool | None:
        difference = (self.right - self.left).xreplace(point)
        if difference.has(Mean, sp.Integral):
            return None
        return None if difference.is_positive is None else bool(difference.is_positive)

    def latex(self) -> str:
        return f"{sp.latex(self.left)} < {sp.latex(self.right)}"


class AtMost(_Inequality):
    """``left <= right``."""

    def exactly(self) -> Finding:
        holds = algebra.nonnegative(self.right - self.left)
        return PROVED if holds else Finding(None, "algebra does not show the sign")

    def at(self, inputs: Inputs) -> Finding:
        left, right = inputs(self.left), inputs(self.right)
        if np.all(left <= right):
            return PROVED
        return _same(self.left, self.right, left, right, inputs)

    def latex(self) -> str:
        return rf"{sp.latex(self.left)} \le {sp.latex(self.right)}"


@dataclass(frozen=True)
class Limit(Claim):
    """``expression`` tends to ``value`` as ``variable`` goes to ``point`` from one side.

    `side` is ``"+"``, from above, or ``"-"``, from below; at infinity it says nothing.  It is
    proved for any number of groups.
    """

    expression: Any
    variable: sp.Symbol
    point: Any
    value: Any
    side: str = "+"

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.expression, self.value, self.point

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        expression, value, point = map(change, self.expressions)
        return replace(self, expression=expression, value=value, point=point)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.value, self.point))
        if self.side not in ("+", "-"):
            raise InvalidInput("side", self.side, "must be '+' or '-'")
        domain, point = domains[self.variable], self.point
        if point in (sp.oo, -sp.oo):
            inside = point in (domain.low, domain.high)
        elif self.side == "+":
            inside = _at_most(domain.low, point) and _less(point, domain.high)
        else:
            inside = _less(domain.low, point) and _at_most(point, domain.high)
        if not inside:
            raise InvalidInput("point", point, f"is not come to from within the domain, {domain}")

    def exactly(self) -> Finding:
        try:
            found = algebra.limit(self.expression, self.variable, self.point, self.side)
        except NotImplementedError:
            return Finding(None, "the limit is not found")
        value = self.value
        if found == value or (value.is_finite is not False and algebra.vanishes(found - value)):
            return PROVED
        return Finding(None, f"the limit is {found}")

    def at(self, inputs: Inputs) -> Finding:
        value = inputs(self.value).item()
        values = [step(self.expression).item() for step in self.nearing(inputs)]
        near = _sides(values[-1], value)
        if abs(value) == float("inf"):
            # What converges takes ever shorter steps; what grows, be it as a logarithm, does not.
            steps_up = [abs(y) - abs(x) for x, y in pairwise(values)]
            grows = 0 < steps_up[0] <= 2 * steps_up[1] and value * values[2] > 0
            return Finding(bool(grows), near)
        errors = [abs(x - value) for x in values]
        scale = abs(value) if value != 0 else 1
        digits = getattr(inputs.arithmetic, "digits", 15)
        # What tends to another value, be it a near one, stays away from this.
        floor = scale * 10.0 ** (-digits * _SHARE)
        falls = errors[1] <= max(errors[0], floor) and errors[2] <= max(errors[1] / 10, floor)
        if falls and errors[2] <= scale * 1e-5:
            return PROVED
        # On its way but not there yet, or below what digits show of numbers near 1.
        coming = falls or errors[2] < 10.0 ** (-digits * _ZERO)
        return Finding(None if coming else False, near)

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """The point with the variable ever nearer to where it goes."""
        return [
            inputs._replace(values={**inputs.values, self.variable: self._near(decades, inputs)})
            for decades in (8, 16, 24)
        ]

    def _near(self, decades: int, inputs: Inputs) -> Array:
        step = sp.Integer(10) ** decades
        if self.point in (sp.oo, -sp.oo):
            return inputs(step if self.point == sp.oo else -step)
        return inputs(self.point + (1 if self.side == "+" else -1) / step)

    def latex(self) -> str:
        side = "" if self.point in (sp.oo, -sp.oo) else f"^{{{self.side}}}"
        to = rf"{sp.latex(self.variable)} \to {sp.latex(self.point)}{side}"
        shown = sp.latex(self.expression)
        if self.expression.is_Add:
            shown = rf"\left({shown}\right)"
        return rf"\lim_{{{to}}} {shown} = {sp.latex(self.value)}"


@dataclass(frozen=True)
class UniqueRoot(Claim):
    """``function`` of ``variable`` is monotone on (low, high) and changes its sign there once."""

    function: Any
    variable: sp.Symbol
    low: Any
    high: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.function, self.low, self.high

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        function, low, high = map(change, self.expressions)
        return replace(self, function=function, low=low, high=high)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.low, self.high))
        domain = domains[self.variable]
        if not (_at_most(domain.low, self.low) and _at_most(self.high, domain.high)):
            interval = f"({self.low}, {self.high})"
            raise InvalidInput("interval", interval, f"must lie in the domain, {domain}")

    def exactly(self) -> Finding:
        if not algebra.continuous(self.function, self.variable):
            return Finding(None, "algebra does not show that it is continuous")
        slope = algebra.sign(sp.diff(self.function, self.variable))
        if slope is None:
            return Finding(None, "algebra does not show that it is monotone")
        try:
            ends = [
                algebra.limit(self.function, self.variable, point, side)
                for point, side in ((self.low, "+"), (self.high, "-"))
            ]
        except NotImplementedError:
            return Finding(None, "the limits at its ends are not found")
        if [algebra.sign(slope * end) for end in ends] == [-1, 1]:
            return PROVED
        return Finding(None, f"at its ends it tends to {ends[0]} and {ends[1]}")

    def at(self, inputs: Inputs) -> Finding:
        values = [
            self._value(share, inputs) for share in (1e-12, *np.arange(0.05, 1, 0.05), -1e-12)
        ]
        signs = [np.sign(float(y - x)) for x, y in pairwise(values)]
        told = set(signs) - {0}  # 0 where no digits tell values apart
        monotone, crosses = len(told) == 1, values[0] * values[-1] < 0
        if not told or (monotone and not crosses and self.high == sp.oo):
            return Finding(None, "no change of sign was seen")  # it may be farther out
        return Finding(bool(monotone and crosses), _sides(values[0], values[-1]))

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        if not (self.low.is_Rational and self.high.is_Rational):
            return
        low, high = (Fraction(str(end)) for end in (self.low, self.high))
        others = {x: interval for x, interval in box.items() if x != self.variable}
        ends = [self.function.subs(self.variable, end) for end in (self.low, self.high)]
        middle = {x: (low + high) / 2 for x, (low, high) in others.items()}
        falls = bool(ends[0].subs({x: sp.Rational(str(y)) for x, y in middle.items()}) > 0)
        sign = 1 if falls else -1
        yield sign * ends[0], others
        yield -sign * ends[1], others
        yield -sign * sp.diff(self.function, self.variable), {**others, self.variable: (low, high)}

    def _value(self, share: float, inputs: Inputs) -> Any:
        """The function at a share of the way from low to high; infinity is far."""
        low = inputs(self.low).item()
        distance = sp.Rational(str(float(share if share > 0 else 1 + share)))
        if self.high == sp.oo:
            # As far as 10^60, whatever the scale is.
            x = low + inputs((distance / (1 - distance)) ** 5).item()
        else:
            x = low + (inputs(self.high).item() - low) * inputs(distance).item()
        values = {**inputs.values, self.variable: inputs.arithmetic.array(x)}
        return inputs._replace(values=values)(self.function).item()

    def latex(self) -> str:
        x = sp.latex(self.variable)
        interval = f"({sp.latex(self.low)}, {sp.latex(self.high)})"
        return rf"\exists!\, {x} \in {interval}:\quad {sp.latex(self.function)} = 0"


@dataclass(frozen=True)
class Computed(Claim):
    """A function of the package computes the expression: the tie of a derivation to code.

    `run` takes `Inputs` and calls the function with their arithmetic; in algebra the arithmetic is
    symbolic, so that the code itself yields the expression that is compared.
    """

    expression: Any
    function: Callable[..., Any]
    run: Callable[[Inputs], Any]

    @property
    def expressions(self) -> tuple[Any, ...]:
        return (self.expression,)

    @property
    def symbols(self) -> set[sp.Symbol]:
        asked = set(super().symbols)

        def noted(expression: Any) -> Any:
            asked.update(expression.atoms(sp.Symbol))
            return expression

        with suppress(Exception):  # it is asked before code that is no use on symbols is run
            self.run(Inputs({}, SYMBOLIC, noted))
        return asked

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        if not hasattr(self.function, "__code__"):
            allowed = "must be the function of the package that `run` calls"
            raise InvalidInput("function", self.function, allowed)

    @property
    def name(self) -> str:
        """The full name of the function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def mapped(self, change: Change) -> Self:
        def run(inputs: Inputs) -> Any:
            return self.run(inputs._replace(resolve=lambda x: inputs.resolve(change(x))))

        return replace(self, expression=change(self.expression), run=run)

    def exactly(self) -> Finding:
        try:
            code, called = self._run(Inputs({}, SYMBOLIC))
        except _CODE_FAILS as error:  # such as SymPy's, where assumptions decide no branch
            return Finding(None, f"the code cannot be run on symbols: {error}")
        if not called:
            return Finding(None, f"{self.name} is not called")
        return Equal(self.expression, code).exactly()

    def _run(self, inputs: Inputs) -> tuple[Any, bool]:
        """What the code computes, and whether it is the function that it is said to be."""
        called = False

        def watch(frame: FrameType, event: str, _: Any) -> None:
            nonlocal called
            called = called or (event == "call" and frame.f_code is self.function.__code__)

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            value = self.run(inputs)
        finally:
            sys.setprofile(before)
        return _only(value), called

    def at(self, inputs: Inputs) -> Finding:
        code, called = self._run(inputs)
        if not called:
            return Finding(False, f"{self.name} is not called")
        computed = inputs.arithmetic.array(code)
        expected = inputs(self.expression)
        return _same(self.expression, self.expression, computed, expected, inputs)

    def latex(self) -> str:
        name = self.name.replace("_", r"\_")
        return rf"\texttt{{{name}}} = {sp.latex(self.expression)}"


#: What running code on symbols that it is not made for may raise.
_CODE_FAILS = (TypeError, ValueError, AttributeError, ArithmeticError, NotImplementedError)


def as_expression(value: Any) -> Any:
    """An expression from one, or from an exact number; text is not read as a formula."""
    if isinstance(value, sp.MatrixBase):
        return sp.ImmutableMatrix(value)
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, int | Fraction):
        return sp.Rational(value)
    raise InvalidInput("derivation", value, "must be an expression of SymPy, or an exact number")


def _only(value: Any) -> Any:
    """The one number in what a function returns."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def free(expression: Any) -> set[sp.Symbol]:
    """The symbols that its value depends on, those of the population among them."""
    return set(expression.free_symbols) | expression.atoms(GroupSymbol)


def _require_variable(
    variable: Any, domains: Mapping[sp.Symbol, Domain], given: Values, others: tuple[Any, ...]
) -> None:
    if variable not in domains or variable in given:
        raise InvalidInput("variable", variable, "must be a declared symbol that is not given")
    if any(variable in free(other) for other in others):
        raise InvalidInput("variable", variable, "must not be in what does not vary with it")


def _at_most(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.nonnegative(y - x)


def _less(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.sign(y - x) == 1


def _entries(left: Any, right: Any) -> list[tuple[Any, Any]]:
    left, right = map(_explicit, (left, right))
    if getattr(left, "shape", ()) != getattr(right, "shape", ()):
        raise ValueError("the two sides must be numbers, or matrices of the same shape")
    if isinstance(left, sp.MatrixBase):
        return list(zip(left, right, strict=True))
    return [(left, right)]


def _explicit(side: Any) -> Any:
    """A matrix with its entries."""
    return side.doit().as_explicit() if isinstance(side, sp.MatrixExpr) else side


def _same(left: Any, right: Any, x: Array, y: Array, inputs: Inputs) -> Finding:
    """Whether the values of two sides agree, beside the terms that they are sums of."""
    if any(abs(value) == float("inf") for value in (*np.ravel(x), *np.ravel(y))):
        return Finding(bool(np.all(x == y)), _sides(x, y))
    digits = getattr(inputs.arithmetic, "digits", 15)
    terms = [inputs(term) for side in (left, right) for term in sp.Add.make_args(side)]
    size = max(np.max(abs(term)) for term in (x, y, *terms))
    difference = np.max(abs(x - y))
    if difference != difference or size == float("inf"):
        raise NoValue("a side is not a number")
    # Two zeros are what rounding leaves of them.
    near = max(size * 10.0 ** (-digits * _SHARE), 10.0 ** (-digits * _ZERO))
    return Finding(bool(difference <= near), _sides(x, y), difference, size)


def _sides(left: Any, right: Any) -> str:
    sides = _shown(left), _shown(right)
    apart = f", left - right = {_shown(left - right)}" if sides[0] == sides[1] else ""
    return f"left = {sides[0]}, right = {sides[1]}{apart}"


def _shown(value: Any) -> str:
    numbers = [f"{float(x):.{_SHOWN}g}" for x in np.atleast_1d(np.asarray(value, dtype=object))]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
