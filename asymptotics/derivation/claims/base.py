"""What every claim is, and the inputs that it is decided with."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp
from flint import arb

from ...arithmetic import Arithmetic, Array
from ...arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol
from ...errors import InvalidInput
from ...population import Groups
from ..domains import Domain
from ..evaluation import Values, value_of

#: Digits that are shown of a side.
_SHOWN = 12
#: Sizes that are shown as floats show them.
_LEAST, _MOST = 1e-300, 1e300

Change = Callable[[Any], Any]
Box = Mapping[sp.Symbol, tuple[Fraction, Fraction]]


class Finding(NamedTuple):
    """What a way of deciding found: True, False or, undecided, None; and why."""

    holds: bool | None
    why: str = ""
    #: The value of a variable of the claim itself, where a point of the domains does not give one.
    where: str = ""
    #: Undecided, and the numbers speak against the claim without proving it false.
    against: bool = False


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

    def at(self, symbol: sp.Symbol, value: Any) -> "Inputs":
        """The same inputs with another value of one symbol."""
        return self._replace(values={**self.values, symbol: value})

    def groups(self, eigenvalue: Any, mean: Any = 0, std: Any = 0) -> Groups:
        """The population's groups, with expressions for their columns."""
        weight = self(WEIGHT)
        columns = (self(x) for x in (eigenvalue, mean, std))
        return Groups(weight, *(np.broadcast_to(column, weight.shape) for column in columns))


#: Arrays that are computed from inputs, and whether enclosures of their numbers are narrow enough.
Compute = Callable[[Inputs], Sequence[Array]]
Enclosures = Sequence[Sequence[arb]]
Enough = Callable[[Enclosures], bool]


class Numbers(ABC):
    """One point of the domains, and how numbers are computed there, as precisely as is needed."""

    #: Two sides count as equal if they differ by less than this, relative to the terms they are
    #: sums of.
    tolerance: Fraction
    #: Narrower enclosures are tried until sides differ by less than this, or surely differ.
    closest: Fraction
    #: The farthest that the variable of a limit can go: to 10 to this power.
    farthest: int

    @abstractmethod
    def enclose(self, compute: Compute, enough: Enough, decades: int = 0) -> Enclosures:
        """Enclosures of what is computed, of rising precision until they are narrow enough.

        If they never are, the last ones.  `decades` says how far a variable has gone to its limit,
        of which more digits may cancel.
        """

    @abstractmethod
    def exact(self, expression: Any) -> Any:
        """The expression with the exact numbers of the point in it, for algebra."""


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
    def at(self, numbers: Numbers) -> Finding:
        """Whether it holds at a point.

        False only where the numbers leave no doubt, True where it holds to the digits asked for.
        """

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """Inputs on the claim's way to a limit, at which symbols must lie in their domains too."""
        return [inputs]

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


def infinite(value: arb) -> bool:
    """Whether it is known to be infinite, rather than not known at all."""
    return bool(not value.is_finite() and not value.is_nan() and value.is_exact())


def apart(value: arb) -> bool:
    """Whether a number is surely not zero."""
    return bool(value > 0 or value < 0)


def both(left: Sequence[arb], right: Sequence[arb], difference: Sequence[arb]) -> str:
    """Two sides as they are shown, with their difference where that does not show."""
    sides = _shown(left), _shown(right)
    more = f", left - right = {_shown(difference)}" if sides[0] == sides[1] else ""
    return f"left = {sides[0]}, right = {sides[1]}{more}"


def _shown(values: Sequence[arb]) -> str:
    numbers = [_number(value) for value in values]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"


def _number(value: arb) -> str:
    size = abs(value)
    if value == 0 or not value.is_finite() or (size > _LEAST and size < _MOST):
        return f"{float(value):.{_SHOWN}g}"
    return str(value.mid().str(_SHOWN, radius=False))
