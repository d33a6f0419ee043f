"""The base class of claims, and the inputs and numbers that decide a claim at a point."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import sympy as sp
from flint import arb

from ...arithmetic import Arithmetic, Array
from ...arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol, Mean
from ...errors import InvalidInput
from ...population import Groups
from .. import algebra
from ..arithmetics import Values
from ..domains import Domain
from ..evaluation import value_of

#: Digits of a number in a message.
_SHOWN = 12
#: Numbers between these sizes are shown as Python shows a float.
_LEAST, _MOST = 1e-300, 1e300

#: A function from expressions to expressions, such as a substitution.
Change = Callable[[Any], Any]
#: An interval for each symbol.
Box = Mapping[sp.Symbol, tuple[Fraction, Fraction]]


class Finding(NamedTuple):
    """The result of one way of deciding: True, False or, if undecided, None; and the reason."""

    holds: bool | None
    why: str = ""
    #: The place of the claim's own variable, as text: a point gives this variable no value.
    where: str = ""
    #: True if it is undecided and the numbers speak against the claim, without proving it false.
    against: bool = False


PROVED = Finding(True)


class Inputs(NamedTuple):
    """The symbols of a derivation as numbers, for code to compute with.

    ``inputs(expression)`` evaluates an expression in them.
    """

    values: Values
    arithmetic: Arithmetic
    #: Rewrites an expression in terms of the symbols that have values.
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


#: Computes arrays from inputs.
Compute = Callable[[Inputs], Sequence[Array]]
#: For each of the arrays, the enclosures of its numbers.
Enclosures = Sequence[Sequence[arb]]
#: Whether enclosures are narrow enough.
Enough = Callable[[Enclosures], bool]


class Numbers(ABC):
    """A point of the domains, and a way to compute numbers there as precisely as a claim needs."""

    #: Two sides count as equal if they differ by less than this, relative to the largest of the
    #: terms they are sums of.
    tolerance: Fraction
    #: The precision is raised until the sides differ by less than this, or surely differ.
    closest: Fraction
    #: The variable of a limit can go to 10 to this power, at most.
    farthest: int

    @abstractmethod
    def enclose(self, compute: Compute, enough: Enough, decades: int = 0) -> Enclosures:
        """Enclosures of the numbers that `compute` returns.

        They are computed with rising precision, until `enough` returns true or the highest
        precision is reached.  `decades` says how far a variable has gone towards its limit: more
        digits may cancel there, and more are used.
        """

    @abstractmethod
    def exact(self, expression: Any) -> Any:
        """The expression at the point, with exact numbers, for algebra."""


@dataclass(frozen=True)
class Claim(ABC):
    """A statement about the symbols of a derivation."""

    #: The names of its fields that hold expressions.
    parts: ClassVar[tuple[str, ...]]

    @property
    def expressions(self) -> tuple[Any, ...]:
        """The expressions in it."""
        return tuple(getattr(self, name) for name in self.parts)

    @property
    def bound(self) -> set[sp.Symbol]:
        """Its own variables, such as that of a limit: a point gives them no value."""
        return set()

    @property
    def symbols(self) -> set[sp.Symbol]:
        """The symbols that a point must give a value, including those of the population."""
        used: set[sp.Symbol] = set().union(*map(free, self.expressions))
        return used - self.bound

    def require_meaning(  # noqa: B027  # most claims have a meaning on any domain
        self, domains: Mapping[sp.Symbol, Domain], given: Values
    ) -> None:
        """Raise `InvalidInput` for a claim without a meaning on the domains of its symbols."""

    def mapped(self, change: Change) -> Self:
        """The claim with `change` applied to each of its expressions."""
        return replace(self, **{name: change(getattr(self, name)) for name in self.parts})

    def exactly(self) -> Finding:
        """Whether algebra proves it for all values of its symbols."""
        return Finding(None, "it is no matter of algebra")

    @abstractmethod
    def at(self, numbers: Numbers) -> Finding:
        """Whether it holds at a point.

        True if it holds to the digits asked for; False only if the numbers leave no doubt.
        """

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """Inputs at which the determined symbols must lie in their domains.

        For a limit these are several inputs near it.
        """
        return [inputs]

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        """Expressions and boxes: the claim holds over `box` if each is positive on its box."""
        yield from ()

    @abstractmethod
    def latex(self) -> str:
        """The claim as a formula."""


def as_expression(value: Any) -> Any:
    """A value as an expression of SymPy; raises `InvalidInput` for rounded numbers and text.

    Text is not parsed as a formula, because SymPy's parser runs it as code.
    """
    if isinstance(value, sp.MatrixBase):
        return sp.ImmutableMatrix(value)
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, int | Fraction):
        return sp.Rational(value)
    raise InvalidInput("derivation", value, "must be an expression of SymPy, or an exact number")


def free(expression: Any) -> set[sp.Symbol]:
    """The symbols that an expression depends on, including those of the population.

    SymPy leaves out the latter inside a `Mean`, which takes the expectation over them.
    """
    return set(expression.free_symbols) | expression.atoms(GroupSymbol)


def require_own_variable(
    variable: Any,
    varying: Any,
    domains: Mapping[sp.Symbol, Domain],
    given: Values,
    others: tuple[Any, ...],
) -> None:
    """Raise `InvalidInput` unless `variable` can be the own variable of a claim.

    It must be declared and not determined, and `others`, such as the limit, must not contain it.
    In an expectation, which `varying` may hold, a quantity of the population is bound.
    """
    if variable not in domains or variable in given:
        raise InvalidInput("variable", variable, "must be a declared symbol that is not given")
    if isinstance(variable, GroupSymbol) and varying.has(Mean):
        allowed = "must be a number beside an expectation, in which it has a value in each group"
        raise InvalidInput("variable", variable, allowed)
    if any(variable in free(other) for other in others):
        raise InvalidInput("variable", variable, "must not be in what does not vary with it")


def require_real(variable: sp.Symbol, domain: Domain) -> None:
    """Raise `InvalidInput` for a whole number, which comes to no number as close as one likes."""
    if domain.whole:
        allowed = (
            "takes whole numbers alone: declare a real symbol for a root, or a limit at a number"
        )
        raise InvalidInput("variable", variable, allowed)


def at_most(x: Any, y: Any) -> bool:
    """Whether x <= y is known for two ends of intervals, which may be infinite or symbols."""
    return x == -sp.oo or y == sp.oo or algebra.nonnegative(y - x)


def less(x: Any, y: Any) -> bool:
    """Whether x < y is known for two ends of intervals, which may be infinite or symbols."""
    return x == -sp.oo or y == sp.oo or algebra.sign(y - x) == 1


def surely_infinite(value: arb) -> bool:
    """Whether a number is known to be infinite, rather than not known at all."""
    return bool(not value.is_finite() and not value.is_nan() and value.is_exact())


def surely_nonzero(value: arb) -> bool:
    """Whether the enclosure of a number does not hold zero."""
    return bool(value > 0 or value < 0)


def sides_as_text(left: Sequence[arb], right: Sequence[arb], difference: Sequence[arb]) -> str:
    """Two sides as text, with their difference if their digits in the text are the same."""
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
