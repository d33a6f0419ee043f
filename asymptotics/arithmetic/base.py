"""The interface between formulas and numbers.

A formula of :mod:`asymptotics.theory` is written once, with ``+ - * /`` and the methods of an
`Arithmetic`.  The caller chooses the arithmetic, and so the kind of number: floats, many digits,
balls, dual numbers or symbols.  Numbers are stored in NumPy arrays of ``float64`` or of objects, so
that one line of a formula computes all points of a grid and all groups.

Shapes: a quantity of the parameter grid has the grid's shape ``S``; a quantity that also depends
on the group of features has shape ``S + (G,)``.  `Arithmetic.column` reshapes the first kind so
that it broadcasts with the second.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
#: Functions that only derivations use; see `Arithmetic.special`.
SPECIAL = (
    "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "gamma", "loggamma",
)  # fmt: skip
#: Sums over at most this many groups are computed column by column.
FEW = 8
Columns = tuple[Array, ...]
Table = TypeVar("Table", bound=Columns)


class Mass(NamedTuple):
    """A probability known more accurately than one number can hold: the sum ``value + rest``."""

    value: Array
    #: The rounding error of `value`.
    rest: Array

    def part(self, share: Any) -> "Mass":
        """The probability times a share, without rounding if both are exact."""
        share = np.frompyfunc(_rational, 1, 1)(share) if self.value.dtype == object else share
        return Mass(share * self.value, share * self.rest)


def _rational(x: Any) -> Any:
    """A number as a fraction if it is exact, such as a decimal; else as it is."""
    return Fraction(x) if isinstance(x, int | float | Decimal) else x


class Arithmetic(ABC):
    """Numbers of one kind, with the functions that the formulas need.

    A subclass supplies the elementary functions.  This class derives the others from them; a
    subclass overrides a derived one only where its numbers need another algorithm for the same
    value.
    """

    dtype: Any
    #: Whether an input is converted from its exact rational value, rather than from a float.
    exact: bool
    infinity: Any
    nan: Any
    #: Relative spacing of the numbers: the largest relative error of one operation.
    eps: Any
    #: Tolerance of comparisons between computed numbers: `eps`, or 0 where each number carries a
    #: bound of its own error.
    rounding: Any
    #: If kappa P(Λ>0) differs from 1 by no more than this, the difference counts as 0: it may come
    #: from rounding the inputs.
    indistinct: Any
    #: A positive number below every probability that matters; keeps logarithms finite.
    tiny: Any
    #: The most evaluations of a function by `root`, far more than bisection alone would take.
    evaluations = 1_000
    #: Whether operations are so much slower than in floats that `root` should start from a solution
    #: in floats.
    slow = False
    #: Nodes of a Gauss-Legendre rule over a cell in which a function is smooth.
    order = 10
    #: About how many numbers (grid points times groups) `expect` works on at a time.
    block = 1 << 14
    #: Sums over groups are first taken over units of this many groups, then over the units.  A
    #: block consists of full units, so its size does not change the order of additions.
    unit = 128

    # -- supplied by each arithmetic ---------------------------------------------------------

    @property
    @abstractmethod
    def pi(self) -> Any: ...

    @property
    def remote(self) -> Any:
        """A number of standard deviations beyond which a normal law has no mass."""
        return self.infinity

    @abstractmethod
    def array(self, values: Any) -> Array:
        """Numbers of this arithmetic, from floats, integers, `Decimal` or `Fraction`."""

    @abstractmethod
    def excess(self, kappa: Array, mass: "Mass") -> Array:
        """``kappa * mass - 1``, accurate also where it nearly cancels; `kappa` is an input."""

    @abstractmethod
    def exp(self, x: Array) -> Array: ...

    @abstractmethod
    def log(self, x: Array) -> Array: ...

    @abstractmethod
    def log1p(self, x: Array) -> Array: ...

    @abstractmethod
    def sqrt(self, x: Array) -> Array: ...

    @abstractmethod
    def power(self, x: Array, exponent: Any) -> Array:
        """``x ** exponent`` for positive ``x``."""

    @abstractmethod
    def erfc(self, x: Array) -> Array: ...

    def special(self, name: str, x: Array) -> Array:
        """The function of `SPECIAL` called `name`."""
        raise NotImplementedError(f"{name} in {self!r}")

    def owns(self, values: Any) -> bool:
        """Whether this arithmetic computed `values`; if not, they are an input to convert."""
        return False

    def taken(self, values: Any) -> Array:
        """`values` as numbers of this arithmetic: an input is converted, its own numbers stay."""
        return values if self.owns(values) else self.array(values)

    def floats(self, x: Array) -> Array:
        """The numbers rounded to floats; infinite where they exceed the largest float."""
        return np.asarray(np.frompyfunc(_as_float, 1, 1)(x), dtype=np.float64)

    def plain(self, x: Array) -> Array:
        """The values alone: dual numbers lose their slopes, other numbers stay as they are."""
        return x

    def differentiated_as(self, value: Array, form: Array) -> Array:
        """`value`; dual numbers give it the slopes of `form`, an equal number.

        A formula that is accurate may lose digits when it is differentiated.
        """
        return value

    # -- selection: written with comparisons, which every kind of number has -------------------

    def column(self, x: Any) -> Array:
        """A quantity of the grid, of shape ``S``, reshaped to ``S + (1,)`` to meet groups."""
        return np.asarray(x, dtype=self.dtype)[..., None]

    def where(self, condition: Any, x: Any, y: Any) -> Array:
        """`x` where the condition holds, `y` elsewhere, as `numpy.where`."""
        x, y = np.asarray(x, dtype=self.dtype), np.asarray(y, dtype=self.dtype)
        return np.where(condition, x, y)

    def choose(
        self, condition: Any, then: Callable[[], Columns], otherwise: Callable[[], Columns]
    ) -> Columns:
        """`where` for tuples of arrays, which calls a side only if the condition selects it."""
        if np.all(condition):
            return then()
        if not np.any(condition):
            return otherwise()
        pairs = zip(then(), otherwise(), strict=True)
        return tuple(self.where(condition, x, y) for x, y in pairs)

    def beyond(self, x: Any, y: Any) -> Any:
        """Whether ``x > y``, where either answer is correct.

        Formulas ask this to choose the better conditioned of two equal forms.  An arithmetic may
        answer approximately: balls compare their midpoints, and symbols always say no.
        """
        return np.asarray(x > y, dtype=bool)

    def step_down(self, x: Array) -> Array:
        """1 where ``x`` is negative, 0 elsewhere."""
        return self.where(x < 0, 1, 0)

    def maximum(self, x: Any, y: Any) -> Array:
        return self.where(x < y, y, x)

    def minimum(self, x: Any, y: Any) -> Array:
        return self.where(y < x, y, x)

    def within(self, x: Array, largest: float) -> bool:
        """Whether all numbers, which are positive, lie between ``1 / largest`` and `largest`."""
        return self.all((x > 1 / largest) & (x < largest))

    def all(self, condition: Any) -> bool:
        return bool(np.all(condition))

    def any(self, condition: Any) -> bool:
        return bool(np.any(condition))

    def in_any_group(self, condition: Any) -> Array:
        """Whether a condition holds anywhere along the last axis."""
        return np.asarray(np.any(condition, axis=-1))

    def log_guess(self, x: Array) -> Array:
        """The log of floats as a first guess; 0 where a float is not positive and finite."""
        return self.array(np.log(np.where((x > 0) & (x < np.inf), x, 1)))

    def over_groups(self, reduce: str, x: Array) -> Array:
        """``min``, ``max`` or ``argmin`` along the last axis."""
        return np.asarray(getattr(np, reduce)(x, axis=-1))

    def pick(self, x: Array, group: Array) -> Array:
        """The values of `x`, of shape ``S + (G,)`` or ``(G,)``, at one group per grid point."""
        x = np.broadcast_to(x, (*np.shape(group), x.shape[-1]))
        return np.take_along_axis(x, np.asarray(group)[..., None], axis=-1)[..., 0]

    def descending(self, x: Array) -> Array:
        """Indices that sort the last axis, the largest first."""
        return np.argsort(-x, axis=-1)

    def take(self, x: Array, index: Array) -> Array:
        """The values of `x` along the last axis at each `index`."""
        return np.take_along_axis(x, index, axis=-1)

    def ascending(self, x: Array) -> Array:
        """`x` sorted along the last axis."""
        return np.sort(x, axis=-1)

    def changes(self, condition: Array) -> Array:
        """The places along the last axis after which a condition changes, in ascending order.

        Where there are fewer than elsewhere, the last ones are -1.

        >>> from asymptotics.arithmetic import FLOAT64
        >>> FLOAT64.changes(np.array([[True, False, False, True], [True, True, True, False]]))
        array([[ 0,  2],
               [ 2, -1]])
        """
        change = condition[..., 1:] != condition[..., :-1]
        number = np.count_nonzero(change, axis=-1)
        order = np.argsort(~change, axis=-1, kind="stable")[..., : number.max(initial=0)]
        return np.where(np.arange(order.shape[-1]) < number[..., None], order, -1)

    def quantile(self, x: Array, weight: Array, mass: Array) -> Array:
        r"""Upper quantile over the last axis: the largest ``v`` with :math:`P(x\ge v)\ge` `mass`.

        The smallest value if the whole `weight` is less than `mass`.
        """
        x, upper_masses = self.upper_masses(x, weight)
        rank = np.count_nonzero(upper_masses < self.column(mass), axis=-1)
        return self.pick(x, np.minimum(rank, x.shape[-1] - 1))

    def nearest_quantile(self, x: Array, weight: Array, mass: Array) -> Array:
        r"""The value ``v`` over the last axis for which :math:`P(x\ge v)` is nearest to `mass`."""
        x, upper_masses = self.upper_masses(x, weight)
        return self.pick(x, self.over_groups("argmin", abs(upper_masses - self.column(mass))))

    def upper_masses(self, x: Array, weight: Array) -> tuple[Array, Array]:
        r"""The values over the last axis in descending order, and :math:`P(x\ge v)` for each.

        Of equal values only the last one has the full probability; the others have a part of it.

        >>> from asymptotics.arithmetic import FLOAT64
        >>> FLOAT64.upper_masses(np.array([1.0, 3.0, 2.0]), np.array([0.5, 0.25, 0.25]))
        (array([3., 2., 1.]), array([0.25, 0.5 , 1.  ]))
        """
        order = self.descending(x)
        x, weight = (np.take_along_axis(y, order, axis=-1) for y in np.broadcast_arrays(x, weight))
        return x, np.cumsum(weight, axis=-1)

    def ratio(self, x: Any, y: Any, otherwise: Any = 0) -> Array:
        """``x / y``, and `otherwise` where ``y`` is zero."""
        zero = y == 0
        return self.where(zero, otherwise, x / self.where(zero, 1, y))

    def sinh(self, x: Array) -> Array:
        return (self.exp(x) - self.exp(-x)) / 2

    def cosh(self, x: Array) -> Array:
        return (self.exp(x) + self.exp(-x)) / 2

    def arsinh(self, x: Array) -> Array:
        size = abs(x)
        return self.where(x < 0, -1, 1) * self.log(size + self.sqrt(size * size + 1))

    def decay(self, x: Array) -> Array:
        """``1 - exp(-x)`` for ``x >= 0``, accurate also for small ``x``."""
        return 1 - self.exp(-x)

    # -- expectations ------------------------------------------------------------------------

    def expect(self, integrand: Callable[[Table], Columns], table: Table) -> Columns:
        r"""Sums :math:`\sum_g w_g f(g)` over groups, for each :math:`f` that `integrand` returns.

        `table` is a named tuple of arrays with the groups along the last axis; its first entry is
        the weight w.  The integrand is called with one block of groups after another, so that its
        temporary arrays stay in cache and memory does not grow with the number of groups.

        The order in which groups are added depends only on their number.  Hence the result at a
        point is the same to the last bit, whatever other points the grid has.
        """
        blocks = self._blocks(table)
        if len(blocks) == 1:
            return tuple(self.sum(value, table[0]) for value in integrand(table))
        # Only the sums over units are kept of a block; `total` adds them as `sum` would.
        parts = [
            [self.unit_sums(value, block[0]) for value in integrand(block)] for block in blocks
        ]
        return tuple(self.total(self.joined(sums)) for sums in zip(*parts, strict=True))

    def sum(self, value: Array, weight: Array) -> Array:
        """Weighted sum over the last axis."""
        return self.total(weight * value)

    def unit_sums(self, value: Array, weight: Array) -> Array:
        """Weighted sums over the last axis, one for each `unit` of it."""
        return _unit_sums(weight * value, self.unit)

    def total(self, x: Array) -> Array:
        """Sum over the last axis: over units, then over units of their sums, and so on."""
        while x.shape[-1] > self.unit:
            x = _unit_sums(x, self.unit)
        return _sum_of_few(x)

    def joined(self, parts: Sequence[Array]) -> Array:
        """Arrays one after another along the last axis."""
        return np.concatenate(parts, axis=-1)

    def _blocks(self, table: Table) -> list[Table]:
        """The table in blocks of consecutive groups; all but the last consist of full units."""
        groups = max(column.shape[-1] for column in table)
        rows = max(column.size // column.shape[-1] for column in table)
        size = self.unit * max(1, self.block // (max(rows, 1) * self.unit))
        if groups <= size:
            return [table]
        spans = (slice(start, start + size) for start in range(0, groups, size))
        # A column of one entry holds for all groups, and goes into every block.
        return [
            type(table)(*(c if c.shape[-1] == 1 < groups else c[..., span] for c in table))
            for span in spans
        ]

    # -- the normal law ----------------------------------------------------------------------

    def normal_tail(self, u: Array) -> Array:
        r"""Upper tail :math:`Q(u) = P(H > u)` of a standard normal ``H``."""
        return self.erfc(u / self.sqrt(self.array(2))) / 2

    def normal_density(self, u: Array) -> Array:
        r"""Density :math:`\varphi(u)` of a standard normal."""
        return self.exp(-u * u / 2) / self.sqrt(2 * self.pi)

    def between(self, low: Array, high: Array) -> Array:
        """Mass of a standard normal in an interval; its ends may be infinite."""
        # In the upper tail Q(low) - Q(high), in the lower one Q(-high) - Q(-low).
        side = self.where(self.beyond(0, low + high), -1, 1)
        return side * (self.normal_tail(side * low) - self.normal_tail(side * high))

    def moments_between(
        self, low: Array, high: Array, center: Array, spread: Array
    ) -> tuple[Array, ...]:
        """Moments of a standard normal H and of ``Y = center + spread H``, over ``low < H < high``.

        They are the mass, E[H], E[H²], E[Y] and E[Y²].
        """
        mass = self.between(low, high)
        first = self.normal_density(low) - self.normal_density(high)
        second = mass + self.moment_density(low) - self.moment_density(high)
        raw = center * mass + spread * first
        return mass, first, second, raw, center * (raw + spread * first) + spread * spread * second

    def moment_density(self, u: Array) -> Array:
        r""":math:`u\,\varphi(u)`, with its limit 0 at infinite ``u``."""
        density = self.normal_density(u)
        return self.where(density > 0, u, 0) * density

    def part_mass(self, inside: Any, h: Array, center: Array, u: Array) -> Array:
        r"""Mass of :math:`|Y| < h` where `inside`, else of :math:`|Y| > h`, for ``Y = center + H``.

        Requires ``center >= 0``.  The caller passes ``u = h - center`` because it may know it more
        accurately than the difference of two rounded numbers.
        """
        # Outside: P(|Y|>h) = Q(u) + Q(l), with l = h + center.  Inside: P(|Y|<h) = Q(-u) - Q(l),
        # where Q(-u) = 1 - Q(u) is small if the interval lies in the lower tail.
        side = self.where(inside, -1, 1)
        return self.normal_tail(side * u) + side * self.normal_tail(h + center)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        r"""Moments :math:`E[Y^k; |Y| < h]`, ``k = 0, 1, 2``, for ``Y`` as in `part_mass`."""
        l = h + center
        mass = self.part_mass(True, h, center, u)
        # The moments of H over the interval -l < H < u; then those of center + H.
        first = self.normal_density(l) - self.normal_density(u)
        second = mass - self.moment_density(u) - self.moment_density(l)
        return mass, center * mass + first, center * (center * mass + 2 * first) + second

    def gauss_legendre(self) -> tuple[Array, Array]:
        """Nodes and weights of the Gauss-Legendre rule of `order` nodes on [0, 1]."""
        order = self.order
        x = self.array(np.polynomial.legendre.leggauss(order)[0])
        rounds = 1 if self.eps > np.finfo(np.float64).eps / 2 else 8
        for _ in range(rounds):
            # Newton's method on the polynomial P of this order; P' = n (x P - Q)/(x² - 1), with Q
            # the polynomial of one order less.
            lesser, value = 0 * x + 1, x
            for n in range(1, order):
                lesser, value = value, ((2 * n + 1) * x * value - n * lesser) / (n + 1)
            slope = order * (x * value - lesser) / (x * x - 1)
            x = x - value / slope
        return (1 + x) / 2, 1 / ((1 - x * x) * slope * slope)

    # -- roots -------------------------------------------------------------------------------

    def root(
        self,
        function: Callable[[Array], tuple[Array, Array]],
        lower: Array,
        upper: Array,
        start: Array | None = None,
    ) -> Array:
        """The root of a decreasing function in ``[lower, upper]``, elementwise.

        `function` returns value and slope.  The method is Newton's, safeguarded by a bracket that
        shrinks with every evaluation.  Where a Newton step leaves the bracket, or is more than half
        the step before it, bisection replaces it: so the iteration ends for any function.  If the
        function jumps across zero, the result is the place of the jump.  The result is NaN where
        the function or the bracket is NaN, or after more than `evaluations` evaluations.  `start`,
        if it lies in the bracket, is the first iterate.
        """
        x, step = (lower + upper) / 2, upper - lower
        if start is not None:
            x = self.where((lower < start) & (start < upper), start, x)
        # Newton's method converges quadratically: after a step of relative size eps^(5/8) the error
        # is of order eps^(5/4), which is below eps.
        quadratic = self.eps ** (self.array(5) / 8)
        found = x != x
        for _ in range(self.evaluations):
            value, slope = function(x)
            # `x` lies before the root if the value is positive.  Values within rounding of zero
            # count as past the root, so that on a plateau at zero its first point is found.
            above = value > 8 * self.eps
            lower, upper = self.where(above, x, lower), self.where(above, upper, x)
            unit = self.maximum(abs(x), 1)
            steep = slope < -self.tiny  # else there is no Newton step
            newton = x - value / self.where(steep, slope, -1)
            size = abs(newton - x)
            last = steep & (size <= quadratic * unit) & (abs(value) <= quadratic)
            fast = steep & (size <= abs(step) / 2) & (lower <= newton) & (newton <= upper)
            following = self.where(last | fast, newton, (lower + upper) / 2)
            following = self.where(value == value, following, self.nan)
            # Finished elements stay where they are, whatever the others still do.
            following = self.where(found, x, following)
            step, x = following - x, following
            # Written as "not greater" so that a step that is NaN also ends the iteration.
            found = found | last | np.logical_not(abs(step) > 2 * self.eps * unit)
            if np.all(found):
                return x
        return self.where(found, x, self.nan)


def _unit_sums(x: Array, unit: int) -> Array:
    """Sums over each `unit` consecutive entries of the last axis; the last may have fewer."""
    units = x.shape[-1] // unit
    in_units = units * unit
    sums = _sum_of_few(x[..., :in_units].reshape((*x.shape[:-1], units, unit)))
    if in_units == x.shape[-1]:
        return sums
    return np.concatenate([sums, _sum_of_few(x[..., in_units:])[..., None]], axis=-1)


def _sum_of_few(x: Array) -> Array:
    """The sum over a short last axis, in an order that depends only on its length."""
    if x.shape[-1] <= FEW:
        total = x[..., 0]
        for column in range(1, x.shape[-1]):
            total = total + x[..., column]
        return np.asarray(total)
    # NumPy's order of additions depends on which axis is contiguous in memory: make it the last.
    return np.asarray(np.ascontiguousarray(x).sum(axis=-1))


def _as_float(x: Any) -> float:
    """The nearest float, infinite where Python would raise `OverflowError`."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf
