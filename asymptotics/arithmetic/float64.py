"""Double precision: arrays by NumPy, the normal distribution by ``scipy.special``."""

from typing import Any

import numpy as np
from scipy.special import erfc

from .base import FEW, Arithmetic, Array, Mass

#: Decorator that silences NumPy's warnings.  Intermediate numbers may overflow to infinity, where
#: the normal tail and density take their limits, and an undefined result becomes NaN.  The caller
#: turns NaN into a status, so that warnings would add nothing.
QUIET = np.errstate(all="ignore")
#: Intervals |y| < h with h (1 + center) below this have their moments integrated by quadrature: as
#: differences of normal tails and densities they would lose digits.
_SHORT = 0.25
#: Intervals with h (1 + center) below this have their mass from a Taylor series in h.
SHORT_MASS = 0.03
#: A centre beyond this counts as this: in floats the normal density at zero is 0 for both.
_FAR = 100.0
#: Gauss-Legendre nodes and weights, moved from [-1, 1] to [0, 1].
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_NODES, _WEIGHTS = (1 + _NODES) / 2, _WEIGHTS / 2


def _split(x: Array) -> tuple[Array, Array]:
    """`x` as a sum of two numbers of half as many bits, whose products are exact (Dekker)."""
    scaled = 134_217_729 * x  # 2^27 + 1
    high = scaled - (scaled - x)
    return high, x - high


class Float64(Arithmetic):
    """IEEE double precision."""

    dtype = np.float64
    exact = False
    infinity, nan = np.inf, np.nan
    eps = rounding = np.finfo(np.float64).eps
    # 2.5 times the float nearest to 0.4 is not exactly 1, but kappa = 2.5 with P = 0.4 means 1.
    indistinct = 4 * eps
    tiny = 1e-300
    pi = np.pi

    def __repr__(self) -> str:
        return "Float64()"

    def array(self, values: Any) -> Array:
        return np.asarray(values, dtype=np.float64)

    def excess(self, kappa: Array, mass: Mass) -> Array:
        # kappa (value + rest) - 1, where the rounded product is corrected by its exact error.
        kappa, value = self.array(kappa), mass.value
        return (kappa * value - 1) + (kappa * mass.rest - self.product_error(kappa, value))

    def product_error(self, x: Array, y: Array) -> Array:
        """The rounded product of `x` and `y` minus the exact product (Dekker's algorithm)."""
        (x_high, x_low), (y_high, y_low) = _split(self.array(x)), _split(self.array(y))
        return ((x * y - x_high * y_high) - x_low * y_high - x_high * y_low) - x_low * y_low

    def sum(self, value: Array, weight: Array) -> Array:
        """As the base class; with few groups it is faster to weight and add column by column."""
        groups = weight.shape[-1]
        if groups > FEW or value.shape[-1] != groups:
            return self.total(weight * value)
        total = weight[..., 0] * value[..., 0]
        for group in range(1, groups):
            total = total + weight[..., group] * value[..., group]
        return total

    def exp(self, x: Array) -> Array:
        return np.exp(x)

    def log(self, x: Array) -> Array:
        return np.log(x)

    def decay(self, x: Array) -> Array:
        return -np.expm1(-x)

    def log1p(self, x: Array) -> Array:
        return np.log1p(x)

    def sqrt(self, x: Array) -> Array:
        return np.sqrt(x)

    def power(self, x: Array, exponent: Any) -> Array:
        if exponent == 0:
            return np.ones_like(x)
        if exponent == 0.5:
            return np.sqrt(x)
        return np.asarray(np.power(x, float(exponent)))

    def erfc(self, x: Array) -> Array:
        return np.asarray(erfc(x))

    def part_mass(self, inside: Any, h: Array, center: Array, u: Array) -> Array:
        """As the base class; for a short interval inside, by a Taylor series.

        There the difference of two tails cancels.
        """
        mass = super().part_mass(inside, h, center, u)
        short = inside & (h * (1 + center) < SHORT_MASS)
        if not short.any():
            return mass
        h, center = np.where(short, h, 0), np.where(short, np.minimum(center, _FAR), 0)
        # 2 h φ(c) (1 + He_2(c) h²/3! + He_4(c) h⁴/5! + He_6(c) h⁶/7! + ...), the integral of
        # φ(y-c) = φ(c) Σ He_n(c) yⁿ/n! over |y| < h, with the Hermite polynomials He_n.
        h2, c2 = h * h, center * center
        series = 1 + h2 / 6 * (c2 - 1 + h2 / 20 * (c2 * (c2 - 6) + 3))
        series = series + h2 * h2 * h2 / 5040 * (c2 * (c2 * (c2 - 15) + 45) - 15)
        return np.where(short, 2 * h * self.normal_density(center) * series, mass)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        """As the base class; for a short interval by Gauss-Legendre quadrature.

        There the differences of tails and densities cancel.
        """
        moments = super().interval_moments(h, center, u)
        shape = np.shape(moments[0])
        short = np.broadcast_to(h * (1 + center) < _SHORT, shape)
        if not short.any():
            return moments
        center = np.minimum(center, _FAR)
        h, center = (np.broadcast_to(x, shape)[short][:, None] for x in (h, center))
        # The integral over |y| < h as one over 0 < y < h: the density at y plus, or for odd powers
        # minus, that at -y is 2 φ(c) e^{-y²/2} times cosh(cy), or sinh(cy).
        y = h * _NODES
        weight = 2 * h * _WEIGHTS * self.normal_density(center) * np.exp(-y * y / 2)
        even, odd = weight * np.cosh(center * y), weight * np.sinh(center * y)
        for moment, direct in zip(moments, (even, odd * y, even * y * y), strict=True):
            moment[short] = direct.sum(axis=-1)
        return moments

    def moments_between(
        self, low: Array, high: Array, center: Array, spread: Array
    ) -> tuple[Array, ...]:
        """As the base class; for a short interval by Gauss-Legendre quadrature.

        There the differences of tails and densities cancel.
        """
        moments = super().moments_between(low, high, center, spread)
        short = high - low < _SHORT
        if not short.any():
            return moments
        start, width = self.where(short, low, 0), self.where(short, high - low, 0)
        sums = [0 * moment for moment in moments]
        for share, weight in zip(*self.gauss_legendre(), strict=True):
            h = start + share * width
            y = center + spread * h
            mass = weight * width * self.normal_density(h)
            parts = (mass, mass * h, mass * h * h, mass * y, mass * y * y)
            sums = [total + part for total, part in zip(sums, parts, strict=True)]
        return tuple(self.where(short, x, y) for x, y in zip(sums, moments, strict=True))


FLOAT64 = Float64()
