"""Any number of digits, by mpmath; numbers are ``mpf`` objects of a context of their own."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from .base import Arithmetic, Array, Mass

#: Beyond it erfc is 0 or 2 to any number of digits that could be asked for.
_FAR = 10**50


class Multiprecision(Arithmetic):
    """Floating point with `digits` decimal digits.

    Floats enter with their exact binary value, `Decimal` and `Fraction` with theirs, rounded once
    to the working precision.
    """

    dtype = object
    exact = slow = True

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.context = mpmath.MPContext()
        self.context.dps = digits
        self.indistinct = 0
        self.eps = self.rounding = self.context.eps
        self.infinity, self.nan = self.context.inf, self.context.nan
        self.tiny = self.context.mpf(10) ** (-1_000_000)
        self.evaluations = 1_000 + 10 * self.context.prec

    def __repr__(self) -> str:
        return f"Multiprecision({self.digits})"

    @property
    def pi(self) -> Any:
        return +self.context.pi

    def _number(self, value: Any) -> Any:
        if isinstance(value, Fraction | Decimal):
            numerator, denominator = value.as_integer_ratio()
            return self.context.mpf(numerator) / denominator
        return self.context.mpf(value)

    def array(self, values: Any) -> Array:
        return self._map(self._number, np.asarray(values, dtype=object))

    def excess(self, kappa: Array, mass: Mass) -> Array:
        exact = np.frompyfunc(lambda k, share: Fraction(k) * share - 1, 2, 1)
        return self.array(exact(kappa, mass.value))

    def exp(self, x: Array) -> Array:
        return self._map(self.context.exp, x)

    def log(self, x: Array) -> Array:
        return self._map(self.context.log, x)

    def log1p(self, x: Array) -> Array:
        return self._map(self.context.log1p, x)

    def sqrt(self, x: Array) -> Array:
        return self._map(self.context.sqrt, x)

    def power(self, x: Array, exponent: Any) -> Array:
        exponent = self._number(exponent)
        return self._map(lambda value: value**exponent, x)

    def erfc(self, x: Array) -> Array:
        return self._map(self._erfc, x)

    def special(self, name: str, x: Array) -> Array:
        return self._map(getattr(self.context, name), x)

    def _erfc(self, x: Any) -> Any:
        if abs(x) > _FAR:  # where the library fails
            return self.context.mpf(0 if x > 0 else 2)
        return self.context.erfc(x)

    def _map(self, function: Any, x: Any) -> Array:
        return np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=object)
