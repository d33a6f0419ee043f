"""What a formula may ask of numbers.

A formula of :mod:`asymptotics.theory` is written once, with ``+ - * /`` and the operations of an
`Arithmetic`; which numbers it computes with is the caller's choice.  Numbers live in NumPy arrays,
of ``float64`` or of objects, so that one line of a formula serves a whole grid and all groups.

Shapes: a quantity of the parameter grid has the grid's shape ``S``; a quantity that also depends
on the group of features has shape ``S + (G,)``.  `Arithmetic.column` takes the first to the second.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
#: Functions beside those that the formulas need, for derivations; see `Arithmetic.special`.
SPECIAL = (
    "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "gamma", "loggamma",
)  # fmt: skip
#: A sum over so many groups is taken column by column.
FEW = 8
Columns = tuple[Array, ...]
Table = TypeVar("Table", bound=Columns)


class Mass(NamedTuple):
    """A probability known beyond one number of the arithmetic: the sum of the two."""

    value: Array
    rest: Array


class Arithmetic(ABC):
    """Numbers of one kind, with the functions that the formulas need.

    A subclass supplies the elementary functions; what follows from them stands here.  It overrides
    one of those only where its own numbers need another route to the same value.
    """

    dtype: Any
    #: Whether inputs enter with their exact rational value.
    exact: bool
    infinity: Any
    nan: Any
    #: Relative spacing of the numbers: the largest relative error of one operation.
    eps: Any
    #: What comparisons of computed numbers must allow for: `eps`, or 0 where they know their error.
    rounding: Any
    #: An excess of kappa P(Λ>0) over 1 that inputs of this precision cannot be told from 0 by.
    indistinct: Any
    #: A positive number below every probability that matters; keeps logarithms finite.
    tiny: Any
    #: How often `root` may evaluate its function: many times what halving a bracket takes.
    evaluations = 1_000
    #: Whether an operation costs so much more than one in floats that these give the first guess of
    #: a root.
    slow = False
    #: Numbers (grid points times groups) that `expect` works on at a time.
    block = 1 << 14
    #: Groups that are summed at once.  `block` never cuts through them, so that it does not change
    #: the order in which numbers are added.
    unit = 128

    # -- supplied by each arithmetic ---------------------------------------------------------

    @property
    @abstractmethod
    def pi(self) -> Any: ...

    @abstractmethod
    def array(self, values: Any) -> Array:
        """Numbers of this arithmetic, from floats, integers, `Decimal` or `Fraction`."""

    @abstractmethod
    def excess(self, kappa: Array, mass: "Mass") -> Array:
        """``kappa * mass - 1`` to full relative accuracy; `kappa` as it was given."""

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
        """A function of `SPECIAL`, by its name."""
        raise NotImplementedError(f"{name} in {self!r}")

    def owns(self, values: Any) -> bool:
        """Whether `values` are numbers of this arithmetic, computed by it, rather than an input."""
        return False

    def taken(self, values: Any) -> Array:
        """Numbers of this arithmetic as they are, an input as numbers of it."""
        return values if self.owns(values) else self.array(values)

    def floats(self, x: Array) -> Array:
        """The numbers rounded to floats; infinite where they are beyond these."""
        return np.asarray(np.frompyfunc(_as_float, 1, 1)(x), dtype=np.float64)

    def plain(self, x: Array) -> Array:
        """The numbers themselves, without what else an arithmetic may keep of them."""
        return x

    # -- selection: the same for every ordered number ----------------------------------------

    def column(self, x: Any) -> Array:
        """A quantity of the grid, shape ``S``, as shape ``S + (1,)`` beside groups."""
        return np.asarray(x, dtype=self.dtype)[..., None]

    def where(self, condition: Any, x: Any, y: Any) -> Array:
        x, y = np.asarray(x, dtype=self.dtype), np.asarray(y, dtype=self.dtype)
        return np.where(condition, x, y)

    def choose(
        self, condition: Any, then: Callable[[], Columns], otherwise: Callable[[], Columns]
    ) -> Columns:
        """`where` for tuples of arrays, each side evaluated only if it occurs."""
        if np.all(condition):
            return then()
        if not np.any(condition):
            return otherwise()
        pairs = zip(then(), otherwise(), strict=True)
        return tuple(self.where(condition, x, y) for x, y in pairs)

    def beyond(self, x: Any, y: Any) -> Any:
        """Whether ``x > y``, where the answer chooses the better conditioned of two right forms."""
        return np.asarray(x > y, dtype=bool)

    def step_down(self, x: Array) -> Array:
        """1 where ``x`` is negative, 0 elsewhere."""
        return self.where(x < 0, 1, 0)

    def maximum(self, x: Any, y: Any) -> Array:
        return self.where(x < y, y, x)

    def minimum(self, x: Any, y: Any) -> Array:
        return self.where(y < x, y, x)

    def within(self, x: Array, largest: float) -> bool:
        """Whether positive numbers and their inverses are all less than a bound."""
        return self.all((x > 1 / largest) & (x < largest))

    def all(self, condition: Any) -> bool:
        return bool(np.all(condition))

    def any(self, condition: Any) -> bool:
        return bool(np.any(condition))

    def in_any_group(self, condition: Any) -> Array:
        """Whether a condition holds anywhere along the last axis."""
        return np.asarray(np.any(condition, axis=-1))

    def log_guess(self, x: Array) -> Array:
        """The log of floats, to start from: 0 where these are no positive numbers."""
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

    def quantile(self, x: Array, weight: Array, mass: Array) -> Array:
        """The value over the last axis of `x` down to which `mass` of the `weight` lies."""
        x, masses = self.ladder(x, weight)
        rank = np.count_nonzero(masses < self.column(mass), axis=-1)
        return self.pick(x, np.minimum(rank, x.shape[-1] - 1))

    def nearest_quantile(self, x: Array, weight: Array, mass: Array) -> Array:
        """The value over the last axis of `x` down to which the `weight` is nearest to `mass`."""
        x, masses = self.ladder(x, weight)
        return self.pick(x, self.over_groups("argmin", abs(masses - self.column(mass))))

    def ladder(self, x: Array, weight: Array) -> tuple[Array, Array]:
        """The values over the last axis, largest first, and the weight down to each."""
        order = self.descending(x)
        x, weight = (np.take_along_axis(y, order, axis=-1) for y in np.broadcast_arrays(x, weight))
        return x, np.cumsum(weight, axis=-1)

    def ratio(self, x: Any, y: Any, otherwise: Any = 0) -> Array:
        """``x / y``, and `otherwise` where ``y`` is zero."""
        zero = y == 0
        return self.where(zero, otherwise, x / self.where(zero, 1, y))

    def decay(self, x: Array) -> Array:
        """``1 - exp(-x)``, for ``x`` not negative, to full relative accuracy."""
        return 1 - self.exp(-x)

    # -- expectations ------------------------------------------------------------------------

    def expect(self, integrand: Callable[[Table], Columns], table: Table) -> Columns:
        r"""Sums :math:`\sum_g w_g f(g)` over groups, for each :math:`f` that `integrand` returns.

        `table` is a named tuple of arrays with the groups along the last axis, the first of them
        the weight.  The integrand sees a block of groups at a time, so that its temporaries
        stay in cache and memory does not grow with the number of groups.

        The groups of a point are added in an order that only their number decides: the result at
        a point of the grid is the same to the last bit whatever other points are beside it.
        """
        blocks = self._blocks(table)
        if len(blocks) == 1:
            return tuple(self.sum(value, table[0]) for value in integrand(table))
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
        """Sum over the last axis, of the sums of its units."""
        while x.shape[-1] > self.unit:
            x = _unit_sums(x, self.unit)
        return _sum_of_few(x)

    def joined(self, parts: Sequence[Array]) -> Array:
        """Arrays one after another along the last axis."""
        return np.concatenate(parts, axis=-1)

    def _blocks(self, table: Table) -> list[Table]:
        """The table cut into blocks of whole units of groups."""
        groups = max(column.shape[-1] for column in table)
        rows = max(column.size // column.shape[-1] for column in table)
        size = self.unit * max(1, self.block // (max(rows, 1) * self.unit))
        if groups <= size:
            return [table]
        cuts = (slice(start, start + size) for start in range(0, groups, size))
        return [
            type(table)(*(c if c.shape[-1] == 1 < groups else c[..., cut] for c in table))
            for cut in cuts
        ]

    # -- the normal law ----------------------------------------------------------------------

    def normal_tail(self, u: Array) -> Array:
        r"""Upper tail :math:`Q(u) = P(H > u)` of a standard normal ``H``."""
        return self.erfc(u / self.sqrt(self.array(2))) / 2

    def normal_density(self, u: Array) -> Array:
        r"""Density :math:`\varphi(u)` of a standard normal."""
        return self.exp(-u * u / 2) / self.sqrt(2 * self.pi)

    def moment_density(self, u: Array) -> Array:
        r""":math:`u\,\varphi(u)`, with its limit 0 at infinite ``u``."""
        density = self.normal_density(u)
        return self.where(density > 0, u, 0) * density

    def part_mass(self, inside: Any, h: Array, center: Array, u: Array) -> Array:
        r"""Mass of :math:`|Y| < h` where `inside`, else of :math:`|Y| > h`, for ``Y = center + H``.

        ``center >= 0``; ``u = h - center`` is passed beside ``h`` because a caller may know it
        better than the difference does.
        """
        side = self.where(inside, -1, 1)
        return self.normal_tail(side * u) + side * self.normal_tail(h + center)

    def interval_moments(self, h: Array, center: Array, u: Array) -> tuple[Array, Array, Array]:
        r"""Moments :math:`E[Y^k; |Y| < h]`, ``k = 0, 1, 2``, for ``Y`` as in `part_mass`."""
        l = h + center
        mass = self.part_mass(True, h, center, u)
        first = self.normal_density(l) - self.normal_density(u)
        second = mass - self.moment_density(u) - self.moment_density(l)
        return mass, center * mass + first, center * (center * mass + 2 * first) + second

    # -- roots -------------------------------------------------------------------------------

    def root(
        self,
        function: Callable[[Array], tuple[Array, Array]],
        lower: Array,
        upper: Array,
        start: Array | None = None,
    ) -> Array:
        """The root of a decreasing function in ``[lower, upper]``, elementwise.

        `function` returns value and slope.  Newton's method inside a bracket that every evaluation
        shrinks; where it leaves the bracket or does not halve its step, the bracket is halved, so
        that it ends for any function.  One that jumps across zero is followed to its jump.  NaN
        where the function or the bracket is NaN, or where `evaluations` did not suffice.
        """
        x, step = (lower + upper) / 2, upper - lower
        if start is not None:
            x = self.where((lower < start) & (start < upper), start, x)
        quadratic = self.eps ** (self.array(5) / 8)  # a Newton step from so near meets eps
        found = x != x
        for _ in range(self.evaluations):
            value, slope = function(x)
            above = value > 8 * self.eps  # a plateau at zero, but for rounding, is past the root
            lower, upper = self.where(above, x, lower), self.where(above, upper, x)
            unit = self.maximum(abs(x), 1)
            steep = slope < -self.tiny
            newton = x - value / self.where(steep, slope, -1)
            size = abs(newton - x)
            last = steep & (size <= quadratic * unit) & (abs(value) <= quadratic)
            fast = steep & (size <= abs(step) / 2) & (lower <= newton) & (newton <= upper)
            following = self.where(last | fast, newton, (lower + upper) / 2)
            following = self.where(value == value, following, self.nan)
            following = self.where(found, x, following)
            step, x = following - x, following
            found = found | last | np.logical_not(abs(step) > 2 * self.eps * unit)  # or NaN
            if np.all(found):
                return x
        return self.where(found, x, self.nan)


def _unit_sums(x: Array, unit: int) -> Array:
    """Sums over each `unit` of the last axis; the last one may be of fewer."""
    units = x.shape[-1] // unit
    whole = units * unit
    sums = _sum_of_few(x[..., :whole].reshape((*x.shape[:-1], units, unit)))
    if whole == x.shape[-1]:
        return sums
    return np.concatenate([sums, _sum_of_few(x[..., whole:])[..., None]], axis=-1)


def _sum_of_few(x: Array) -> Array:
    """The sum over a short last axis, in an order that only its length decides."""
    if x.shape[-1] <= FEW:
        total = x[..., 0]
        for column in range(1, x.shape[-1]):
            total = total + x[..., column]
        return np.asarray(total)
    # NumPy adds along the axis whose elements are neighbours in memory: make it the last one.
    return np.asarray(np.ascontiguousarray(x).sum(axis=-1))


def _as_float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf
