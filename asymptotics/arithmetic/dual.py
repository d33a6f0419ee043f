r"""Dual numbers: double precision with derivatives, by forward-mode automatic differentiation.

A dual number is a value with its slopes, the partial derivatives in several parameters.  Evaluating
a formula on dual numbers applies the chain rule in each operation; a root is differentiated by the
implicit function theorem.  Numbers that depend on no parameter remain plain arrays.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .base import Array, Mass
from .float64 import Float64


class Dual:
    """An array of numbers, of shape ``S``, and their slopes, of shape ``S + (parameters,)``."""

    __slots__ = ("slope", "value")
    __array_ufunc__ = None  # arrays leave operations with duals to them
    # Numbers that know only an enclosure, or carry slopes, are not keys: `==` is no identity.
    __hash__ = None  # type: ignore[assignment]  # as Python documents for such classes

    def __init__(self, value: Array, slope: Array) -> None:
        self.value, self.slope = value, slope

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def size(self) -> int:
        return self.value.size

    def __getitem__(self, index: Any) -> "Dual":
        index = index if isinstance(index, tuple) else (index,)
        rest = () if Ellipsis in index else (Ellipsis,)
        return Dual(self.value[index], self.slope[(*index, *rest, slice(None))])

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Any) -> "Dual":
        value, slope = _parts(other)
        total = self.value + value
        if slope is None:
            return Dual(total, np.broadcast_to(self.slope, (*total.shape, self.slope.shape[-1])))
        return Dual(total, self.slope + slope)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Dual":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Dual":
        return -self + other

    def __mul__(self, other: Any) -> "Dual":
        value, slope = _parts(other)
        product = self.slope * value[..., None]
        if slope is not None:
            product = product + self.value[..., None] * slope
        return Dual(self.value * value, product)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Dual":
        value, slope = _parts(other)
        ratio = self.value / value
        change = self.slope
        if slope is not None:
            change = change - ratio[..., None] * slope
        return Dual(ratio, change / value[..., None])

    def __rtruediv__(self, other: Any) -> "Dual":
        ratio = other / self.value
        return Dual(ratio, -ratio[..., None] * self.slope / self.value[..., None])

    def __abs__(self) -> "Dual":
        return Dual(abs(self.value), np.sign(self.value)[..., None] * self.slope)

    def __lt__(self, other: Any) -> Any:
        return self.value < _parts(other)[0]

    def __le__(self, other: Any) -> Any:
        return self.value <= _parts(other)[0]

    def __gt__(self, other: Any) -> Any:
        return self.value > _parts(other)[0]

    def __ge__(self, other: Any) -> Any:
        return self.value >= _parts(other)[0]

    def __eq__(self, other: object) -> Any:
        return self.value == _parts(other)[0]

    def __ne__(self, other: object) -> Any:
        return self.value != _parts(other)[0]


def _parts(x: Any) -> tuple[Array, Array | None]:
    """The value and the slopes of a number; the slopes of a plain number are None."""
    return (x.value, x.slope) if isinstance(x, Dual) else (np.asarray(x, dtype=np.float64), None)


class DualNumbers(Float64):
    """IEEE double precision, with slopes in `parameters` parameters."""

    def __init__(self, parameters: int) -> None:
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"DualNumbers({self.parameters})"

    @property
    def remote(self) -> float:
        return 1e6  # the slope of the density at infinity would be 0 times infinity

    def parameter(self, value: Any, index: int) -> Any:
        """The parameter number `index`: its slope is 1 in itself and 0 in the others."""
        value = np.asarray(value, dtype=np.float64)
        slope = np.zeros((*value.shape, self.parameters))
        slope[..., index] = 1
        return Dual(value, slope)

    def slope(self, x: Any) -> Array:
        """The slopes of a result; 0 if it depends on no parameter."""
        value, slope = _parts(x)
        return np.zeros((*value.shape, self.parameters)) if slope is None else slope

    def owns(self, values: Any) -> bool:
        return isinstance(values, Dual)

    def plain(self, x: Any) -> Array:
        return _parts(x)[0]

    def differentiated_as(self, value: Any, form: Any) -> Any:
        return Dual(_parts(value)[0], self.slope(form))

    def excess(self, kappa: Any, mass: Mass) -> Any:
        value, share = _parts(kappa)[0], _parts(mass.value)[0]
        excess = super().excess(value, mass._replace(value=share, rest=_parts(mass.rest)[0]))
        if not (isinstance(kappa, Dual) or isinstance(mass.value, Dual)):
            return excess
        slope = self.slope(kappa) * share[..., None] + value[..., None] * self.slope(mass.value)
        return Dual(excess, slope)

    def _chain(self, x: Any, function: Callable[[Array], tuple[Array, Array]]) -> Any:
        """The chain rule for `function`, which returns its value and its derivative."""
        value, slope = _parts(x)
        result, derivative = function(value)
        return result if slope is None else Dual(result, derivative[..., None] * slope)

    def exp(self, x: Any) -> Any:
        return self._chain(x, lambda value: (np.exp(value),) * 2)

    def log(self, x: Any) -> Any:
        return self._chain(x, lambda value: (np.log(value), 1 / value))

    def log1p(self, x: Any) -> Any:
        return self._chain(x, lambda value: (np.log1p(value), 1 / (1 + value)))

    def sqrt(self, x: Any) -> Any:
        def root(value: Array) -> tuple[Array, Array]:
            result = np.sqrt(value)
            # The derivative is infinite at zero.  It is set to 0 there, which is right for an
            # argument that is 0 whatever the parameters are, such as the spread of a point mass.
            return result, np.divide(0.5, result, out=np.zeros_like(result), where=result > 0)

        return self._chain(x, root)

    def power(self, x: Any, exponent: Any) -> Any:
        if isinstance(x, Dual):
            return self.exp(self.log(x) * float(exponent))
        return super().power(x, exponent)

    def erfc(self, x: Any) -> Any:
        return self._chain(
            x, lambda value: (super(DualNumbers, self).erfc(value), _erfc_slope(value))
        )

    # -- selection ---------------------------------------------------------------------------

    def column(self, x: Any) -> Any:
        return x[..., None] if isinstance(x, Dual) else super().column(x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        if not isinstance(x, Dual) and not isinstance(y, Dual):
            return super().where(condition, x, y)
        value = super().where(condition, *(_parts(side)[0] for side in (x, y)))
        slopes = (self.slope(side) for side in (x, y))
        return Dual(value, np.where(np.asarray(condition)[..., None], *slopes))

    def over_groups(self, reduce: str, x: Any) -> Any:
        if not isinstance(x, Dual) or reduce == "argmin":
            return super().over_groups(reduce, _parts(x)[0])
        return self.pick(x, getattr(np, f"arg{reduce}")(x.value, axis=-1))

    def pick(self, x: Any, group: Array) -> Any:
        value, slope = _parts(x)
        picked = super().pick(value, group)
        if slope is None:
            return picked
        each = (super(DualNumbers, self).pick(slope[..., i], group) for i in range(slope.shape[-1]))
        return Dual(picked, np.stack(list(each), axis=-1))

    def quantile(self, x: Any, weight: Array, mass: Any) -> Any:
        """As the base class, with the slope of the value that is picked.

        A small change of the parameters moves this value, but does not pick another.
        """
        value, _ = _parts(x)
        found = super().quantile(value, _parts(weight)[0], _parts(mass)[0])
        if not isinstance(x, Dual):
            return found
        return self.pick(x, np.argmin(abs(value - found[..., None]), axis=-1))

    # -- sums and moments --------------------------------------------------------------------

    def total(self, x: Any) -> Any:
        return self._over_last(x, super().total)

    def unit_sums(self, value: Any, weight: Array) -> Any:
        one = np.ones(1)
        return self._over_last(weight * value, lambda x: super(DualNumbers, self).unit_sums(x, one))

    def joined(self, parts: Sequence[Any]) -> Any:
        value = super().joined([_parts(part)[0] for part in parts])
        if not any(isinstance(part, Dual) for part in parts):
            return value
        return Dual(value, np.concatenate([self.slope(part) for part in parts], axis=-2))

    @staticmethod
    def _over_last(x: Any, function: Callable[[Array], Array]) -> Any:
        """A linear `function` of the last axis, applied to the value and to each of the slopes."""
        value, slope = _parts(x)
        if slope is None:
            return function(value)
        return Dual(function(value), np.moveaxis(function(np.moveaxis(slope, -1, 0)), 0, -1))

    def part_mass(self, inside: Any, h: Any, center: Any, u: Any) -> Any:
        # Inside, from `_moments`: the derivative of a difference of tails would lose digits.
        (mass,) = self.choose(
            inside,
            lambda: self._moments(h, center, u)[:1],
            lambda: (super(DualNumbers, self).part_mass(False, h, center, u),),
        )
        return mass

    def interval_moments(self, h: Any, center: Any, u: Any) -> Any:
        return self._moments(h, center, u)

    def _moments(self, h: Any, center: Any, u: Any) -> tuple[Any, Any, Any]:
        r"""Moments :math:`M_k = E[Y^k; |Y|<h]` of ``Y = c + H``, each with its slopes.

        With ``u = h - c`` and ``l = h + c``, the two ends of the interval in units of H, and the
        shift c contribute

        .. math:: dM_k = h^k(\varphi(u)\,du + (-1)^k\varphi(l)\,dl) + k M_{k-1}\,dc .

        The values are those of `Float64`, series for short intervals included.
        """
        parts = [_parts(x)[0] for x in (h, center, u)]
        moments = Float64().interval_moments(*parts)
        if not any(isinstance(x, Dual) for x in (h, center, u)):
            return moments
        upper = self.normal_density(parts[2])[..., None] * self.slope(u)
        lower = self.normal_density(parts[0] + parts[1])[..., None] * self.slope(h + center)
        shift, reach = self.slope(center), parts[0][..., None]
        first = reach * (upper - lower) + moments[0][..., None] * shift
        second = reach * reach * (upper + lower) + 2 * moments[1][..., None] * shift
        slopes = (upper + lower, first, second)
        duals = (Dual(x, y + 0 * x[..., None]) for x, y in zip(moments, slopes, strict=True))
        return next(duals), next(duals), next(duals)

    # -- roots -------------------------------------------------------------------------------

    def root(
        self,
        function: Callable[[Any], tuple[Any, Any]],
        lower: Any,
        upper: Any,
        start: Any = None,
    ) -> Any:
        r"""The root ``x`` of F in floats, with slopes by the implicit function theorem.

        :math:`F(x,\theta)=0` gives :math:`dx/d\theta = -F_\theta/F_x`.  Where :math:`F_x = 0` the
        slope is 0 if :math:`F_\theta` is 0 too, and NaN otherwise.
        """

        def plain(x: Array) -> tuple[Array, Array]:
            value, slope = function(x)
            return _parts(value)[0], _parts(slope)[0]

        ends = (_parts(end)[0] for end in (lower, upper))
        low, high = ends
        x = super().root(plain, low, high, None if start is None else _parts(start)[0])
        # At the plain number x the function varies with the parameters alone: its slopes are the
        # partial derivatives in them.
        value, along_x = function(x)
        along_parameters, along_x = self.slope(value), _parts(along_x)[0][..., None]
        undefined = np.where(along_parameters == 0, 0.0, np.nan)
        slope = np.divide(-along_parameters, along_x, out=undefined, where=along_x != 0)
        return Dual(x, slope)


def _erfc_slope(x: Array) -> Array:
    return -2 / np.sqrt(np.pi) * np.exp(-x * x)
