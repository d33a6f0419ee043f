r"""The population: the joint law of eigenvalues and coefficients.

A model has p features of variances :math:`\lambda_i` and true weights :math:`\beta^*_i`.  Its
population is the limit of the empirical law of :math:`(\lambda_i, \sqrt p\,\beta^*_i)`, here a
finite list of groups: a fraction `weight` of the features has eigenvalue :math:`\Lambda` =
`eigenvalue` and coefficients :math:`B\sim N(mean, std^2)`.  **A coefficient is always**
:math:`B=\sqrt p\,\beta^*`, never :math:`\beta^*` itself.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from .arithmetic import FLOAT64, Arithmetic, Array, Mass
from .errors import InvalidInput
from .parameters import DOMAINS, REAL, Domain, parameter, scalar

_SMALLEST_SIGNAL, _LARGEST_SIGNAL = 1e-200, 1e100
_SHOWN = 8
_MOST_EXACT = 10_000
FIELDS = ("weight", "eigenvalue", "mean", "std")


class Groups(NamedTuple):
    """The groups of a population in the numbers of one arithmetic; weights sum to 1."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array

    @property
    def second_moment(self) -> Array:
        """E[B²] in each group."""
        return self.mean * self.mean + self.std * self.std


class Restriction(NamedTuple):
    """What a model that sees only some of the features is, in the terms of a full model.

    Use ``kappa * fraction`` for kappa and ``sqrt(sigma² + unseen)`` for sigma; alpha counts the
    features seen.
    """

    population: "Population"
    #: Fraction of all features that are seen.
    fraction: float
    #: E[ΛB²] of the features not seen, which act as noise.
    unseen: float


class Population:
    r"""Groups of features; immutable.

    Parameters
    ----------
    weight : array_like, >= 0
        Relative sizes of the groups; normalised to sum to 1.
    eigenvalue : array_like, >= 0
        Variance :math:`\Lambda` of the features.
    mean, std : array_like
        Law of the coefficients :math:`B=\sqrt p\,\beta^*`; ``std >= 0``.

    The four broadcast against each other to one dimension.  `Decimal` and `Fraction` entries keep
    their exact value in computations with many digits.  Raises `InvalidInput` for anything else.

    >>> Population(weight=[1, 3], eigenvalue=[10, 1], std=1)
    Population(2 groups, E[Λ] = 3.25, E[ΛB²] = 3.25)
    weight   eigenvalue   mean   std
    ────────────────────────────────
      0.25           10      0     1
      0.75            1      0     1
    """

    _columns: tuple[Array, ...]
    _groups: Groups
    #: Relative error to which the groups stand for a continuous law; 0 where they are the law.
    tolerance: float = 0.0

    def __init__(
        self, weight: Any = 1.0, eigenvalue: Any = 1.0, mean: Any = 0.0, std: Any = 0.0
    ) -> None:
        columns = [
            np.atleast_1d(parameter(key, value))
            for key, value in zip(FIELDS, (weight, eigenvalue, mean, std), strict=True)
        ]
        try:
            columns = list(np.broadcast_arrays(*columns))
        except ValueError:
            shapes = {key: column.shape for key, column in zip(FIELDS, columns, strict=True)}
            raise InvalidInput("population", shapes, "columns must have one length") from None
        if columns[0].ndim != 1 or columns[0].size == 0:
            allowed = "must be one or more groups, in columns of one dimension"
            raise InvalidInput("population.shape", columns[0].shape, allowed)
        floats = [np.asarray(column, dtype=np.float64) for column in columns]
        total = floats[0].sum()
        if not total > 0:
            raise InvalidInput("weight", floats[0].tolist(), "must not all be zero")
        weights = floats[0] if total == 1 else floats[0] / total
        for array in (*columns, *floats, weights):
            array.flags.writeable = False
        object.__setattr__(self, "_columns", tuple(columns))
        object.__setattr__(self, "_groups", Groups(weights, *floats[1:]))
        weight, eigenvalue, mean, std = self._groups
        some = ((weight > 0) & (eigenvalue > 0) & ((mean != 0) | (std > 0))).any()
        if not (_SMALLEST_SIGNAL if some else 0) <= self.signal <= _LARGEST_SIGNAL:
            bounds = f"of magnitude {_SMALLEST_SIGNAL:g} to {_LARGEST_SIGNAL:g}"
            raise InvalidInput("E[ΛB²]", self.signal, f"must be {bounds}: rescale the units")

    # -- reading -----------------------------------------------------------------------------

    @property
    def weight(self) -> Array:
        """Fraction of the features in each group."""
        return self._groups.weight

    @property
    def eigenvalue(self) -> Array:
        """Variance Λ of the features of each group."""
        return self._groups.eigenvalue

    @property
    def mean(self) -> Array:
        """Mean of the coefficients B = √p β* of each group."""
        return self._groups.mean

    @property
    def std(self) -> Array:
        """Standard deviation of the coefficients of each group."""
        return self._groups.std

    def __len__(self) -> int:
        return int(self.weight.size)

    @property
    def signal(self) -> float:
        """E[ΛB²]: the risk that the true weights explain."""
        with np.errstate(over="ignore"):
            return float((self.weight * self.eigenvalue * self._groups.second_moment).sum())

    @property
    def interpolation_threshold(self) -> float:
        """The kappa at which a ridgeless model diverges, 1/P(Λ>0); infinite if all Λ are 0."""
        share = float(self.mass_above(0).value)
        return 1 / share if share else math.inf

    def groups(self, arithmetic: Arithmetic = FLOAT64) -> Groups:
        """The groups as numbers of an arithmetic."""
        if not arithmetic.exact:
            return self._groups
        weight = np.array(self._exact_weights, dtype=object)
        weight = arithmetic.array(weight / weight.sum())
        return Groups(weight, *map(arithmetic.array, self._columns[1:]))

    def mass_above(self, eigenvalue: Any, arithmetic: Arithmetic = FLOAT64) -> Mass:
        """P(Λ > eigenvalue), beyond the precision of the arithmetic.

        What is left of ``kappa`` times it, minus 1, decides how far a model is from interpolating;
        rounding the mass would cost that its digits.
        """
        if arithmetic.exact:
            eigenvalues = arithmetic.array(self._columns[1])
            weights = np.array(self._exact_weights, dtype=object)
            above = arithmetic.beyond(eigenvalues, arithmetic.column(eigenvalue))
            mass = (above * weights).sum(axis=-1) / weights.sum()
            return Mass(np.asarray(mass, dtype=object), np.zeros(()))
        place = np.searchsorted(self._ladder[0], arithmetic.plain(eigenvalue), side="right")
        return Mass(self._ladder[1][place], self._ladder[2][place])

    @cached_property
    def _ladder(self) -> tuple[Array, Array, Array]:
        """Eigenvalues in order, and the mass from each of them on, in two parts."""
        order = np.argsort(self.eigenvalue, kind="stable")
        if len(self) > _MOST_EXACT:
            shares = _shares(np.asarray(self._columns[0], dtype=np.float64)[order[::-1]])
            return self.eigenvalue[order], shares.value[::-1], shares.rest[::-1]
        weights = [self._exact_weights[i] for i in order[::-1]]
        # Normalised last: sums of weights as given have short denominators.
        sums = [*accumulate(weights, initial=Fraction())][::-1]
        masses = [mass / sums[0] for mass in sums]
        value = np.array([float(mass) for mass in masses])
        pairs = zip(masses, value.tolist(), strict=True)
        rest = np.array([float(mass - Fraction(x)) for mass, x in pairs])
        return self.eigenvalue[order], value, rest

    @cached_property
    def _exact_weights(self) -> list[Fraction]:
        """The weights as given."""
        return [Fraction(entry) for entry in self._columns[0].tolist()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Population):
            return NotImplemented
        return all(map(np.array_equal, self._columns, other._columns))

    def __hash__(self) -> int:
        return hash(tuple(column.tobytes() for column in self._groups))

    def __repr__(self) -> str:
        mean = float((self.weight * self.eigenvalue).sum())
        size = f"{len(self)} group{'s' if len(self) > 1 else ''}"
        head = f"Population({size}, E[Λ] = {mean:.6g}, E[ΛB²] = {self.signal:.6g})"
        from .tables import text_table

        rows = [column[:_SHOWN].tolist() for column in self._groups]
        more = [["..."] * len(FIELDS)] if len(self) > _SHOWN else []
        return f"{head}\n{text_table(FIELDS, [*zip(*rows, strict=True), *more])}"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Population is immutable; build another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Population is immutable; build another one")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._approximating, (self._columns, self.tolerance)

    # -- building ----------------------------------------------------------------------------

    @classmethod
    def from_groups(cls, groups: Iterable[Sequence[Any]]) -> Self:
        """From rows ``(weight, eigenvalue, mean, std)``; trailing columns may be left out."""
        try:
            rows = [tuple(row) for row in groups]
        except TypeError:
            rows = []
        if not rows or len({len(row) for row in rows}) != 1 or not 1 <= len(rows[0]) <= 4:
            allowed = "must be rows (weight, eigenvalue, mean, std) of one length"
            raise InvalidInput("population", groups, allowed)
        return cls(*zip(*rows, strict=True))

    @classmethod
    def from_samples(cls, eigenvalue: Any, coefficient: Any, weight: Any = 1.0) -> Self:
        r"""The empirical law of samples :math:`(\lambda_i, B_i)`, a point mass for each.

        With :math:`B_i = \sqrt p\,\beta^*_i`; see `from_beta` for :math:`\beta^*` itself.
        """
        return cls(weight, eigenvalue, parameter("coefficient", coefficient))

    @classmethod
    def from_beta(cls, eigenvalue: Any, beta: Any) -> Self:
        r"""The empirical law of a model with true weights `beta`: :math:`B=\sqrt p\,\beta^*`."""
        beta = np.atleast_1d(parameter("beta", beta, domain=REAL)).astype(np.float64)
        features = np.broadcast(beta, parameter("eigenvalue", eigenvalue)).size
        return cls.from_samples(eigenvalue, math.sqrt(features) * beta)

    @classmethod
    def from_csv(cls, path: str | Path) -> Self:
        """From a file with columns ``eigenvalue``, ``coefficient`` and, optionally, ``weight``.

        With many digits, the values of a file of up to 10,000 rows are the decimals written there.
        """
        from .files import read_decimals, read_samples

        columns = read_samples(path)
        if columns["eigenvalue"].size <= _MOST_EXACT:
            columns = read_decimals(path, columns)
        return cls.from_samples(**columns)

    @classmethod
    def isotropic(cls, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0) -> Self:
        """All features alike."""
        return cls(1.0, eigenvalue, mean, std)

    @classmethod
    def spike_and_slab(
        cls, fraction: Any, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0
    ) -> Self:
        """A `fraction` of coefficients N(mean, std²), the others zero.

        >>> Population.spike_and_slab(0.1).weight
        array([0.1, 0.9])
        """
        fraction = scalar("fraction", fraction, _FRACTION)
        rest = 1 - (Fraction(fraction) if isinstance(fraction, Decimal) else fraction)
        return cls([fraction, rest], eigenvalue, [mean, 0], [std, 0])

    @classmethod
    def power_law(cls, capacity: float, source: float, tolerance: float = 1e-10) -> Self:
        r"""Eigenvalues :math:`u^{-a}`, coefficient variances :math:`u^{-b}`, u uniform on (0, 1).

        The capacity ``a < 1`` and source ``b < 1 - a`` exponents of the kernel literature, in
        proportional form.  By quadrature to `tolerance`, as in `from_distribution`; raises
        `NoConvergence` where the tail is too slow for it (``a + b`` near 1).
        """
        from .quadrature import groups_of_power_law

        columns = groups_of_power_law(capacity, source, tolerance)
        return cls._approximating(columns, tolerance)

    @classmethod
    def from_distribution(
        cls,
        eigenvalue: Any,
        mean: float | Callable[[Array], Any] = 0.0,
        std: float | Callable[[Array], Any] = 1.0,
        tolerance: float = 1e-10,
    ) -> Self:
        r"""Eigenvalues of a continuous law; mean and std of B as functions of the eigenvalue.

        Parameters
        ----------
        eigenvalue
            A frozen continuous distribution of ``scipy.stats`` with support in [0, ∞).
        mean, std
            Numbers, or functions of an array of eigenvalues.
        tolerance
            The groups are nodes of a quadrature in the quantile, refined until resolvent moments
            and tail probabilities over the whole spectrum hold to this relative error.  Where the
            score of a weight is a function of its eigenvalue alone (``std = 0`` and no noise) the
            threshold falls between nodes and accuracy is that of their spacing.

        Raises `InvalidInput` if the support is not in [0, ∞) or E[ΛB²] is not finite, and
        `NoConvergence` if the tolerance is not reached, or a tail is too slow for it.

        >>> from scipy import stats
        >>> Population.from_distribution(stats.uniform(0, 2)).signal
        1.0
        """
        from .quadrature import groups_of_distribution

        columns = groups_of_distribution(eigenvalue, mean, std, tolerance)
        return cls._approximating(columns, tolerance)

    @classmethod
    def _approximating(cls, columns: Iterable[Any], tolerance: float) -> Self:
        """Groups that stand for a law to a relative error."""
        population = cls(*columns)
        object.__setattr__(population, "tolerance", float(tolerance))
        return population

    # -- transforming ------------------------------------------------------------------------

    def rescaled(self, factor: Any) -> Self:
        """Features multiplied by `factor`, per group: (Λ, B) becomes (factor² Λ, B / factor).

        The new groups are rounded to double precision, also where these were exact.
        """
        factor = _of_groups("factor", factor, _FACTOR, len(self))
        weight, eigenvalue, mean, std = self._groups
        columns = (weight, factor**2 * eigenvalue, mean / factor, std / abs(factor))
        return self._approximating(columns, self.tolerance)

    @classmethod
    def mixture(cls, populations: Sequence["Population"], weight: Any = 1.0) -> Self:
        """A mixture: each population with its relative `weight`.

        Its groups are in double precision, also where those of the populations were exact.
        """
        if not (
            isinstance(populations, Sequence)
            and populations
            and all(isinstance(part, Population) for part in populations)
        ):
            raise InvalidInput("populations", populations, "must be one or more populations")
        weight = _of_groups("weight", weight, DOMAINS["weight"], len(populations))
        columns = [
            np.concatenate(part) for part in zip(*(p._groups for p in populations), strict=True)
        ]
        columns[0] = np.concatenate(
            [w * p.weight for w, p in zip(weight, populations, strict=True)]
        )
        return cls._approximating(columns, max(part.tolerance for part in populations))

    def restricted(self, share: Any) -> Restriction:
        r"""A model that sees only a `share`, between 0 and 1, of each group's features.

        A fraction :math:`\zeta` of the features is seen; they form a population with coefficients
        :math:`\sqrt\zeta B`, at :math:`\zeta\kappa`, and the unseen signal is noise.  Of the
        restricted model, alpha is the fraction kept of the features seen.
        """
        share = _of_groups("share", share, _SHARE, len(self))
        seen = share * self.weight
        fraction = float(seen.sum())
        if not fraction > 0:
            raise InvalidInput("share", share.tolist(), "must not all be zero")
        unseen = ((1 - share) * self.weight * self.eigenvalue * self._groups.second_moment).sum()
        root = math.sqrt(fraction)
        columns = (seen, self.eigenvalue, root * self.mean, root * self.std)
        population = self._approximating(columns, self.tolerance)
        return Restriction(population, fraction, float(unseen))


def _shares(weight: Array) -> Mass:
    """The share of all weight in the first none, one, two, ... groups, to twice the precision."""
    value = np.concatenate([[0.0], np.cumsum(weight)])
    before, after = value[:-1], value[1:]
    added = after - before
    # What each addition rounds away (Knuth).
    rest = np.concatenate([[0.0], np.cumsum((before - (after - added)) + (weight - added))])
    total, total_rest = value[-1], rest[-1]
    share = value / total
    missed = FLOAT64.product_error(share, total) + (value - share * total) + rest
    return Mass(share, (missed - share * total_rest) / total)


def _of_groups(key: str, value: Any, domain: Domain, size: int) -> Array:
    """A float for each of `size` groups, from one or from as many."""
    array = parameter(key, value, domain).astype(np.float64)
    if array.shape not in ((), (1,), (size,)):
        raise InvalidInput(f"{key}.shape", array.shape, f"must be () or ({size},)")
    return np.broadcast_to(array, (size,))


_FRACTION = Domain(lambda x: (x > 0) & (x <= 1), "must be a number in (0, 1]")
_SHARE = Domain(lambda x: (x >= 0) & (x <= 1), "must be numbers in [0, 1]")
_FACTOR = Domain(lambda x: x != 0, "must be a finite number other than 0")
