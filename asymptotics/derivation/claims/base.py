"""What every claim is, and the inputs that it is decided with."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp

from ...arithmetic import Arithmetic, Array
from ...arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol
from ...errors import InvalidInput
from ...population import Groups
from ..domains import Domain
from ..evaluation import Values, value_of

#: Numbers count as equal if they agree to this share of the digits that they are computed with.
SHARE, ZERO = 0.4, 0.8
#: Digits that are shown of a side.
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


def as_expression(value: Any) -> Any:
    """An expression from one, or from an exact number; text is not read as a formula."""
    if isinstance(value, sp.MatrixBase):
        return sp.ImmutableMatrix(value)
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, int | Fraction):
        return sp.Rational(value)
    raise InvalidInput("derivation", value, "must be an expression of SymPy, or an exact number")


def free(expression: Any) -> set[sp.Symbol]:
    """The symbols that its value depends on, those of the population among them."""
    return set(expression.free_symbols) | expression.atoms(GroupSymbol)


def both(left: Any, right: Any) -> str:
    """Two sides as they are shown, with their difference where that does not show."""
    sides = _shown(left), _shown(right)
    apart = f", left - right = {_shown(left - right)}" if sides[0] == sides[1] else ""
    return f"left = {sides[0]}, right = {sides[1]}{apart}"


def _shown(value: Any) -> str:
    numbers = [f"{float(x):.{_SHOWN}g}" for x in np.atleast_1d(np.asarray(value, dtype=object))]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
