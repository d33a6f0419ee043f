"""The claims that two sides are equal, or ordered."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import arb

from ...arithmetic import Array
from ...arithmetic.symbolic import Mean
from ...errors import InvalidInput
from .. import algebra
from ..arithmetics import Values
from ..domains import Domain
from .base import (
    PROVED,
    Box,
    Claim,
    Enclosures,
    Finding,
    Inputs,
    Numbers,
    sides_as_text,
    surely_nonzero,
)


@dataclass(frozen=True)
class _TwoSides(Claim):
    left: Any
    right: Any

    parts = ("left", "right")

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        if all(isinstance(side, sp.Number) for side in self.expressions):
            allowed = (
                "has two numbers as its sides, so that SymPy has evaluated both before any check: "
                "write Derivative(f, x), not diff(f, x), and Integral(f, x), not integrate(f, x)"
            )
            raise InvalidInput("claim", f"{self.left}, {self.right}", allowed)


class Equal(_TwoSides):
    """``left = right``; matrices are equal entry by entry."""

    def exactly(self) -> Finding:
        pairs = _entries(self.left, self.right)
        if all(algebra.vanishes(left - right) for left, right in pairs):
            return PROVED
        return Finding(None, "algebra does not bring the sides to one form")

    def at(self, numbers: Numbers) -> Finding:
        found = [
            equal(sides_of(left, right, numbers, decided), numbers)
            for left, right in _entries(self.left, self.right)
        ]
        # One false entry refutes the claim; else one undecided entry leaves it undecided.
        return min(found, key=lambda finding: (False, None, True).index(finding.holds))

    def latex(self) -> str:
        return f"{sp.latex(self.left)} = {sp.latex(self.right)}"


class _Inequality(_TwoSides):
    @property
    def _real(self) -> bool:
        """Whether no side is known to be complex, as sqrt(-2), which is neither more nor less."""
        return all(side.doit().is_extended_real is not False for side in self.expressions)

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        yield self.right - self.left, box


class Less(_Inequality):
    """``left < right``."""

    def exactly(self) -> Finding:
        if not self._real:
            return _NO_ORDER
        sign = algebra.sign(self.right - self.left)
        return PROVED if sign == 1 else Finding(None, "algebra does not show the sign")

    def at(self, numbers: Numbers) -> Finding:
        # Sides that agree in all digits so far may be equal, which refutes the claim: enclosures
        # are narrowed up to the highest precision, and then algebra is asked at the point.
        sides = sides_of(self.left, self.right, numbers, lambda sides, _: sides.all_signs_known)
        if all(x < 0 for x in sides.difference):
            return PROVED
        if any(x > 0 or x == 0 for x in sides.difference):
            return Finding(False, sides.shown)
        exact = numbers.exact(self.right - self.left)
        told = None if exact.has(Mean, sp.Integral) else exact.is_positive
        return Finding(told, sides.shown if told is False else _CLOSE)

    def latex(self) -> str:
        return f"{sp.latex(self.left)} < {sp.latex(self.right)}"


class AtMost(_Inequality):
    """``left <= right``."""

    def exactly(self) -> Finding:
        if not self._real:
            return _NO_ORDER
        holds = algebra.nonnegative(self.right - self.left)
        return PROVED if holds else Finding(None, "algebra does not show the sign")

    def at(self, numbers: Numbers) -> Finding:
        sides = sides_of(self.left, self.right, numbers, decided)
        if all(x <= 0 for x in sides.difference):
            return PROVED
        if any(x > 0 for x in sides.difference):
            return Finding(False, sides.shown)
        # Sides that agree to many digits may differ in later ones: algebra is asked at the point.
        exact = numbers.exact(self.right - self.left)
        estimated = exact.has(Mean, sp.Integral)
        equal = sides.agree(numbers) and (estimated or algebra.vanishes(exact))
        return PROVED if equal else Finding(None, _CLOSE)

    def latex(self) -> str:
        return rf"{sp.latex(self.left)} \le {sp.latex(self.right)}"


_INFINITE = float("inf")
_NO_ORDER = Finding(None, "a side is no real number: only real numbers are larger or smaller")
#: The reason why numbers do not decide.
_CLOSE = "no number of digits tells the two sides apart, or shows that they are equal"


def _entries(left: Any, right: Any) -> list[tuple[Any, Any]]:
    """The pairs of entries of two matrices, or the pair of two numbers."""
    left, right = map(_explicit, (left, right))
    if getattr(left, "shape", ()) != getattr(right, "shape", ()):
        raise ValueError("the two sides must be numbers, or matrices of the same shape")
    if isinstance(left, sp.MatrixBase):
        return list(zip(left, right, strict=True))
    return [(left, right)]


def _explicit(side: Any) -> Any:
    """A matrix expression written out as a matrix with entries; a number as it is."""
    return side.doit().as_explicit() if isinstance(side, sp.MatrixExpr) else side


class Sides(NamedTuple):
    """Enclosures of two sides and of their difference, and the size of their largest term."""

    left: list[arb]
    right: list[arb]
    difference: list[arb]
    size: arb

    @property
    def all_signs_known(self) -> bool:
        """Whether the sign of each difference is known."""
        return all(x > 0 or x < 0 or x == 0 for x in self.difference)

    def agree(self, numbers: Numbers) -> bool:
        """Whether the sides are equal to the tolerance, relative to the size of their terms."""
        return self.within(numbers.tolerance)

    def within(self, tolerance: Fraction) -> bool:
        """Whether the sides differ by at most `tolerance`, relative to the size of their terms."""
        most = self.size * tolerance.numerator / tolerance.denominator
        return all(abs(x) <= most for x in self.difference)

    @property
    def shown(self) -> str:
        return sides_as_text(self.left, self.right, self.difference)


def decided(sides: Sides, numbers: Numbers) -> bool:
    """Whether enclosures show that two sides differ, or agree to many more digits than asked for.

    More digits are computed because sides that agree to the digits asked for may differ later.
    """
    return any(map(surely_nonzero, sides.difference)) or sides.within(numbers.closest)


def equal(sides: Sides, numbers: Numbers) -> Finding:
    """The finding on an equality: false if an enclosure of the difference does not hold 0."""
    if any(map(surely_nonzero, sides.difference)):
        return Finding(False, sides.shown)
    return PROVED if sides.agree(numbers) else Finding(None, _CLOSE)


def sides_of(
    left: Any,
    right: Any,
    numbers: Numbers,
    enough: Callable[[Sides, Numbers], bool],
    run: Callable[[Inputs], Array] | None = None,
) -> Sides:
    """The two sides at a point, the left one computed by the code `run` if that is passed."""

    def compute(inputs: Inputs) -> tuple[Array, ...]:
        x, y = inputs(left) if run is None else run(inputs), inputs(right)
        # The tolerance is relative to the largest term, because terms that cancel lose digits.
        sides = (left, right)
        terms = [_size(term, inputs) for side in sides for term in sp.Add.make_args(side)]
        zero = inputs.arithmetic.array(0).item()
        size = np.concatenate([np.ravel(abs(term)) for term in (x, y, *terms)])
        return (*np.broadcast_arrays(x, y), _difference(x, y, zero), size)

    def sides(found: Enclosures) -> Sides:
        first, second, difference, sizes = map(list, found)
        finite = [x.upper() for x in sizes if x.is_finite()]
        return Sides(first, second, difference, max(finite, default=arb(0)))

    return sides(numbers.enclose(compute, lambda found: enough(sides(found), numbers)))


def _size(term: Any, inputs: Inputs) -> Any:
    """The absolute value of a term; for one with integrals, as if nothing in it cancelled.

    Integrals that cancel leave their errors, which are relative to the size of each integral.
    """
    if term.has(sp.Integral) and isinstance(term, sp.Add | sp.Mul | Mean):
        sizes = [_size(part, inputs) for part in term.args]
        return sum(sizes) if isinstance(term, sp.Add) else prod(sizes)
    return abs(inputs(term))


def _difference(x: Array, y: Array, zero: Any) -> Array:
    """``x - y``, with 0 for two equal infinities, whose difference would be nan."""

    def apart_by(a: Any, b: Any) -> Any:
        ends = [abs(value) == _INFINITE for value in (a, b)]
        if all(ends):
            return zero if a == b else a
        return (a if ends[0] else -b) if any(ends) else a - b

    return np.asarray(np.frompyfunc(apart_by, 2, 1)(x, y), dtype=object)
