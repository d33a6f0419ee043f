"""The arithmetics in which claims are evaluated, and the errors where a number does not exist."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from ..arithmetic import Array
from ..arithmetic.ball import Balls
from ..arithmetic.multiprecision import Multiprecision

#: For each symbol a number, or an array with a number for each group of the population.
Values = Mapping[sp.Symbol, Any]
#: Bits before the binary point of the largest argument of a function.  mpmath reduces an argument
#: with all of its bits, so that the sine of a larger one would take minutes.
_MOST_BITS = 4096


class NoValue(ArithmeticError):
    """An expression that cannot be evaluated at a point."""


class NoRule(NoValue):
    """An expression that cannot be evaluated at any point, because a part of it has no rule."""


class Undefined(NoValue):
    """An expression without a value at a point, in any precision: it divides by 0, for example."""


class EnclosingIntegrals(Balls):
    """Balls in which integrals are enclosed too; an integral that can only be estimated raises."""


class TrackingCancellation(Multiprecision):
    """Numbers of many digits that record how many digits the sums have lost to cancellation.

    A sum whose largest term is `c` times its total loses ``log10(c)`` digits.  `cancelled` is the
    largest such `c` of all sums computed so far.
    """

    def __init__(self, digits: int, exact_symbols: frozenset[Any] = frozenset()) -> None:
        super().__init__(digits)
        self.cancelled = self.context.mpf(1)
        #: Symbols whose values are exact rational numbers: where only these cancel, to a total
        #: of 0, the cancellation is exact and no digits are lost.
        self.exact_symbols = exact_symbols

    def record(self, expression: Any, terms: list[Array], total: Array) -> None:
        """Record the cancellation in the sum `expression`, whose `terms` add up to `total`."""
        largest_terms = reduce(np.maximum, (abs(term) for term in terms))
        pairs = np.broadcast_arrays(largest_terms, total)
        for largest, left in zip(*map(np.ravel, pairs), strict=True):
            if largest == 0 or self.context.isinf(largest):
                continue
            if left != 0:
                self.cancelled = max(self.cancelled, largest / abs(left))
            elif not self._cancels_exactly(expression):
                # A total of 0 from rounded terms has no digit that is sure.
                self.cancelled = self.infinity

    def exp(self, x: Array) -> Array:
        return super().exp(self._require_moderate(x))

    def special(self, name: str, x: Array) -> Array:
        return super().special(name, self._require_moderate(x))

    def _require_moderate(self, x: Array) -> Array:
        """The arguments `x`; raises `NoValue` if mpmath would take too long with one of them."""
        sizes = map(self.context.mag, np.ravel(x))  # an infinity costs mpmath nothing
        if any(_MOST_BITS < size < self.infinity for size in sizes):
            raise NoValue("a number is too large to compute with")
        return x

    def _cancels_exactly(self, expression: Any) -> bool:
        used = expression.free_symbols
        return used <= self.exact_symbols and bool(expression.is_rational_function(*used))


def ball_of(value: Any) -> arb:
    """A number of mpmath as a ball of radius 0; raises `NoValue` if it is not real."""
    if getattr(value, "imag", 0) != 0:
        raise NoValue("it is not real")
    sign, mantissa, exponent, _ = value.real._mpf_
    if mantissa == 0 and exponent != 0:  # mpmath's encoding of nan and the infinities
        return arb(float(value))
    return arb((-int(mantissa) if sign else int(mantissa), int(exponent)))
