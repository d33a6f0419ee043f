"""Double precision, vectorised by NumPy; the normal law by ``scipy.special``."""

from typing import Any

import numpy as np
from scipy.special import erfc

from .base import FEW, Arithmetic, Array, Mass

#: Decorates what is computed in floats.  On the way numbers may overflow to infinity, where the
#: normal law is at its limit, and what that makes undefined is NaN in the result.  Whoever reads
#: the result reports it; NumPy's warnings would tell nothing more.
QUIET = np.errstate(all="ignore")
#: An interval shorter than this, in units that also see the centre, is integrated directly.
_SHORT = 0.25
#: The mass of a shorter one is a series in its length.
SHORT_MASS = 0.03
#: So far from an interval at zero, the normal density there is zero.
_FAR = 100.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_NODES, _WEIGHTS = (1 + _NODES) / 2, _WEIGHTS / 2


def _split(x: Array) -> tuple[Array, Array]:
    """Two halves of the digits of `x`, whose products are exact (Dekker)."""
    scaled = 134_217_729 * x
    high = scaled - (scaled - x)
    return high, x - high


class Float64(Arithmetic):
    """IEEE double precision."""

    dtype = np.float64
    exact = False
    infinity, nan = np.inf, np.nan
    eps = rounding = np.finfo(np.float64).eps
    indistinct = 4 * eps  # as 2.5 * 0.4 is from 1
    tiny = 1e-300
    pi = np.pi

    def __repr__(self) -> str:
        return "Float64()"

    def array(self, values: Any) -> Array:
        return np.asarray(values, dtype=np.float64)

    def excess(self, kappa: Array, mass: Mass) -> Array:
        kappa, value = self.array(kappa), mass.value
        return (kappa * value - 1) + (kappa * mass.rest - self.product_error(kappa, value))

    def product_error(self, x: Array, y: Array) -> Array:
        """How far the rounded product of `x` and `y` is above the exact one (Dekker)."""
        (x_high, x_low), (y_high, y_low) = _split(self.array(x)), _split(self.array(y))
        return ((x * y - x_high * y_high) - x_low * y_high - x_high * y_low) - x_low * y_low

    def sum(self, value: Array, weight: Array) -> Array:
        """As the base class; columns of few groups are faster weighted one by one."""
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
        """As the base class; where a difference of tails cancels, by the Taylor series."""
        mass = super().part_mass(inside, h, center, u)
        short = inside & (h * (1 + center) < SHORT_MASS)
        if not short.any():
            return mass
        h, center = np.where(short, h, 0), np.where(short, np.minimum(center, _FAR), 0)
        h2, c2 = h * h, center * center
        series = 1 + h2 / 6 * (c2 - 1 + h2 / 20 * (c2 * (c2 - 6) + 3))
        series = series + h2 * h2 * h2 / 5040 * (c2 * (c2 * (c2 - 15) + 45) - 15)
        return np.where(short, 2 * h * self.normal_density(center) * series, mass)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        """As the base class; where its differences cancel, by Gauss-Legendre quadrature."""
        moments = super().interval_moments(h, center, u)
        shape = np.shape(moments[0])
        short = np.broadcast_to(h * (1 + center) < _SHORT, shape)
        if not short.any():
            return moments
        center = np.minimum(center, _FAR)
        h, center = (np.broadcast_to(x, shape)[short][:, None] for x in (h, center))
        y = h * _NODES
        weight = 2 * h * _WEIGHTS * self.normal_density(center) * np.exp(-y * y / 2)
        even, odd = weight * np.cosh(center * y), weight * np.sinh(center * y)
        for moment, direct in zip(moments, (even, odd * y, even * y * y), strict=True):
            moment[short] = direct.sum(axis=-1)
        return moments


FLOAT64 = Float64()
