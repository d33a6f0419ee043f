"""Floating point of any number of digits, by mpmath.

Numbers are ``mpf`` objects of a context that belongs to the arithmetic, so that mpmath's global
precision is neither read nor changed.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from .base import Arithmetic, Array, Mass

#: Beyond this argument, of either sign, erfc counts as 0 or 2.
_FAR = 10**50


class Multiprecision(Arithmetic):
    """Floating point with `digits` decimal digits.

    Inputs are converted from their exact value, which is the binary one for a float, and rounded
    once.
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
        self.order = 10 + digits // 2
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
        # In rational numbers, rounded once at the end.
        exact = np.frompyfunc(lambda k, share: Fraction(k) * Fraction(share) - 1, 2, 1)
        return self.array(exact(kappa, mass.value))

    def exp(self, x: Array) -> Array:
        return self._map(self.context.exp, x)

    def log(self, x: Array) -> Array:
        return self._map(lambda value: self.nan if value < 0 else self.context.log(value), x)

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

    def part_mass(self, inside: Any, h: Array, center: Array, u: Array) -> Array:
        """As the base class; for a short interval inside, by a Taylor series.

        There the difference of two tails cancels.
        """
        mass = super().part_mass(inside, h, center, u)
        short = np.asarray(inside & self._is_short(h, center), dtype=bool)
        if not short.any():
            return mass
        return np.where(short, self._series(h, center, short)[0], mass)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        """As the base class; for a short interval by a Taylor series.

        The differences of the base class are 0 at every precision that cannot resolve the interval.
        Two such precisions would agree on this wrong result, and the check by a second precision
        would miss it.
        """
        moments = super().interval_moments(h, center, u)
        short = np.asarray(self._is_short(h, center), dtype=bool)
        if not short.any():
            return moments
        series = self._series(h, center, short)
        mass, first, second = (
            np.where(short, part, moment) for part, moment in zip(series, moments, strict=True)
        )
        return mass, first, second

    def _is_short(self, h: Array, center: Array) -> Any:
        """Whether ``h (1 + center) < 1/4``, where the Taylor series converges fast."""
        return h * (1 + center) * 4 < 1

    def _series(self, h: Array, center: Array, short: Array) -> tuple[Array, ...]:
        """The moments of each interval that is `short`, and 0 for the others."""
        moments = np.frompyfunc(
            lambda h, center, short: self._short_moments(h, center) if short else (0, 0, 0), 3, 3
        )
        return tuple(np.asarray(part, dtype=object) for part in moments(h, center, short))

    def _short_moments(self, h: Any, center: Any) -> tuple[Any, ...]:
        r"""Moments :math:`E[Y^k; |Y|<h]`, ``k = 0, 1, 2``, of ``Y = center + H``.

        The expansion :math:`\varphi(y-c)=\varphi(c)\sum_n He_n(c)\,y^n/n!`, with the Hermite
        polynomials :math:`He_n`, is integrated term by term: the term n adds
        :math:`2h^{n+k+1}/(n+k+1)` times :math:`He_n(c)/n!` to the moment k if n + k is even, and
        nothing if it is odd.  For :math:`h(1+c)<1/4` each term is at most a few hundredths of the
        term two places before it.
        """
        moments = [self.context.zero] * 3
        before, term = self.context.zero, self.context.one  # He_n(c) h^n / n!
        for n in range(self.context.prec + 10):
            for k in range(3):
                if (n + k) % 2 == 0:
                    moments[k] += term * 2 * h ** (k + 1) / (n + k + 1)
            if n > 2 and abs(before) + abs(term) <= self.eps / 16 * (h * center if center else 1):
                break
            # He_{n+1}(c) = c He_n(c) - n He_{n-1}(c), for the terms He_n(c) h^n / n!.
            before, term = term, (center * term - h * before) * h / (n + 1)
        density = self.context.exp(-center * center / 2) / self.context.sqrt(2 * self.pi)
        return tuple(density * moment for moment in moments)

    def _erfc(self, x: Any) -> Any:
        if abs(x) > _FAR:  # mpmath fails for such arguments
            return self.context.mpf(0 if x > 0 else 2)
        return self.context.erfc(x)

    def _map(self, function: Any, x: Any) -> Array:
        return np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=object)
