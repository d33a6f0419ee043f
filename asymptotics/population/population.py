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
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array, Mass
from ..domains import DOMAINS, REAL, Domain
from ..errors import InvalidInput
from ..parameters import broadcast_shape, eigenvalues, parameter, scalar
from ..tables import column, counted, text_table
from .groups import Groups

if TYPE_CHECKING:
    from .laws import Law

#: The range of E[ΛB²], if it is not 0.
_SMALLEST_SIGNAL, _LARGEST_SIGNAL = 1e-200, 1e100
#: Groups that the text of a population lists.
_SHOWN = 8
#: With more groups than this, sums of weights are in twice the precision of floats, not exact; and
#: a file with more rows is read as floats, not decimals.
_MOST_EXACT = 10_000
FIELDS = ("weight", "eigenvalue", "mean", "std")
_ONE_LENGTH = "must have one length"
#: The largest fraction of features whose tiny eigenvalues are raised to the least one allowed.
_LARGEST_TAIL = 1e-3

#: A step between adjacent groups is a jump if it is this many times larger than both steps beside
#: it.
_JUMP = 10
#: Changes of mean or std that are smaller than this, relatively, are taken as rounding.
_ROUNDING = 1e-9


class Restriction(NamedTuple):
    """A model that sees only some of the features, as a full model of another population.

    Use ``kappa * fraction`` for kappa and ``sqrt(sigma² + unseen)`` for sigma; alpha counts the
    features seen.
    """

    #: The features seen, with coefficients √fraction B.
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
    clip : number >= 0
        Eigenvalues of magnitude at most `clip` become 0.  So a computed spectrum may be given as it
        is, although rounding has turned its zeros into small numbers of either sign.

    The first four broadcast against each other to one dimension.  `Decimal` and `Fraction` entries
    keep their exact value in computations with many digits.  Raises `InvalidInput` for anything
    else.

    >>> Population(weight=[1, 3], eigenvalue=[10, 1], std=1)
    Population(2 groups, E[Lambda] = 3.25, E[Lambda B^2] = 3.25)
    weight   eigenvalue   mean   std
    --------------------------------
      0.25           10      0     1
      0.75            1      0     1
    """

    _columns: tuple[Array, ...]
    _groups: Groups
    #: Relative error of moments, if the groups are the quadrature of a continuous law; 0 if the
    #: groups themselves are the law.
    tolerance: float = 0.0
    #: The continuous law of which the groups are a quadrature, if any; simulations draw from it.
    law: "Law | None" = None
    #: The groups of a finer quadrature of that law.  How much their risk differs from that of these
    #: groups is an estimate of its error.
    finer: "Population | None" = None

    def __init__(
        self,
        weight: Any = 1.0,
        eigenvalue: Any = 1.0,
        mean: Any = 0.0,
        std: Any = 0.0,
        clip: Any = 0.0,
    ) -> None:
        columns = [
            np.atleast_1d(column)
            for column in (
                parameter("weight", weight),
                eigenvalues(eigenvalue, clip),
                parameter("mean", mean),
                parameter("std", std),
            )
        ]
        broadcast_shape(dict(zip(FIELDS, columns, strict=True)), "population", _ONE_LENGTH)
        columns = list(np.broadcast_arrays(*columns))
        if columns[0].ndim != 1 or columns[0].size == 0:
            allowed = "must be one or more groups, in columns of one dimension"
            raise InvalidInput("population.shape", columns[0].shape, allowed)
        floats = [np.asarray(column, dtype=np.float64) for column in columns]
        total = floats[0].sum()
        if not total > 0:
            raise InvalidInput("weight", floats[0].tolist(), "must not all be zero")
        weights = floats[0] if total == 1 else floats[0] / total
        # `_columns` has the numbers as given, for exact arithmetic; `_groups` has floats.
        for array in (*columns, *floats, weights):
            array.flags.writeable = False
        object.__setattr__(self, "_columns", tuple(columns))
        object.__setattr__(self, "_groups", Groups(weights, *floats[1:]))
        weight, eigenvalue, mean, std = self._groups
        some = ((weight > 0) & (eigenvalue > 0) & ((mean != 0) | (std > 0))).any()
        if not (_SMALLEST_SIGNAL if some else 0) <= self.signal <= _LARGEST_SIGNAL:
            bounds = f"of magnitude {_SMALLEST_SIGNAL:g} to {_LARGEST_SIGNAL:g}"
            raise InvalidInput("E[Lambda B^2]", self.signal, f"must be {bounds}: rescale the units")

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
        """E[ΛB²]: the part of the null risk that the true weights explain; sigma² is the rest."""
        with np.errstate(over="ignore"):
            return float((self.weight * self.eigenvalue * self._groups.second_moment).sum())

    @property
    def interpolation_threshold(self) -> float:
        """The kappa at which a ridgeless model diverges, 1/P(Λ>0); infinite if all Λ are 0."""
        share = float(self.mass_above(0).value)
        return 1 / share if share else math.inf

    def groups(self, arithmetic: Arithmetic = FLOAT64) -> Groups:
        """The groups as numbers of an arithmetic; an exact one starts from the numbers as given."""
        if not arithmetic.exact:
            return self._groups
        weight = np.array(self._exact_weights, dtype=object)
        weight = arithmetic.array(weight / weight.sum())
        return Groups(weight, *map(arithmetic.array, self._columns[1:]))

    def mass_above(self, eigenvalue: Any, arithmetic: Arithmetic = FLOAT64) -> Mass:
        """P(Λ > eigenvalue) with more digits than the arithmetic has: a value and a remainder.

        The distance of a model from interpolation is kappa times this mass, minus 1.  Near the
        threshold the difference cancels, and would lose its digits if the mass were rounded.
        """
        if arithmetic.exact:
            eigenvalues = arithmetic.array(self._columns[1])
            weights = np.array(self._exact_weights, dtype=object)
            above = arithmetic.beyond(eigenvalues, arithmetic.column(eigenvalue))
            mass = (above * weights).sum(axis=-1) / weights.sum()
            return Mass(np.asarray(mass, dtype=object), np.zeros(()))
        # `side="right"` leaves out the groups at this eigenvalue: P(Λ > x), not P(Λ >= x).
        place = np.searchsorted(self._tail_masses[0], arithmetic.plain(eigenvalue), side="right")
        return Mass(self._tail_masses[1][place], self._tail_masses[2][place])

    @cached_property
    def _tail_masses(self) -> tuple[Array, Array, Array]:
        """Ascending eigenvalues, and the mass from each of them on, as a value and a remainder.

        The masses have one entry more than the eigenvalues, 0.
        """
        order = np.argsort(self.eigenvalue, kind="stable")
        if len(self) > _MOST_EXACT:
            shares = _cumulative_shares(np.asarray(self._columns[0], dtype=np.float64)[order[::-1]])
            return self.eigenvalue[order], shares.value[::-1], shares.rest[::-1]
        weights = [self._exact_weights[i] for i in order[::-1]]
        # The sums are divided by the total at the end, because fractions with short denominators
        # add faster.
        sums = [*accumulate(weights, initial=Fraction())][::-1]
        masses = [mass / sums[0] for mass in sums]
        value = np.array([float(mass) for mass in masses])
        pairs = zip(masses, value.tolist(), strict=True)
        rest = np.array([float(mass - Fraction(x)) for mass, x in pairs])
        return self.eigenvalue[order], value, rest

    @cached_property
    def _exact_weights(self) -> list[Fraction]:
        """The weights as given, which need not sum to 1."""
        return [Fraction(entry) for entry in self._columns[0].tolist()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Population):
            return NotImplemented
        return all(map(np.array_equal, self._columns, other._columns))

    def __hash__(self) -> int:
        return hash(tuple(column.tobytes() for column in self._groups))

    def __repr__(self) -> str:
        mean = float((self.weight * self.eigenvalue).sum())
        size = counted(len(self), "group")
        head = f"Population({size}, E[Lambda] = {mean:.6g}, E[Lambda B^2] = {self.signal:.6g})"
        more = ["..."] if len(self) > _SHOWN else []
        columns = [
            column(name, [*values[:_SHOWN].tolist(), *more])
            for name, values in zip(FIELDS, self._groups, strict=True)
        ]
        return f"{head}\n{text_table(columns)}"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Population is immutable; build another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Population is immutable; build another one")

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy for another process leaves the law out: its functions may not be known there.
        finer = None if self.finer is None else self.finer._columns
        return type(self)._approximating, (self._columns, self.tolerance, None, finer)

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
    def from_samples(
        cls, eigenvalue: Any, coefficient: Any, weight: Any = 1.0, clip: Any = 0.0
    ) -> Self:
        r"""The empirical law of samples :math:`(\lambda_i, B_i)`, a point mass for each.

        Parameters
        ----------
        eigenvalue : array_like, shape (p,) or a single number for all
            Variance :math:`\lambda_i` of each feature.  Features are uncorrelated: see `from_beta`.
        coefficient : array_like, shape (p,) or a single number for all
            :math:`B_i = \sqrt p\,\beta^*_i`; `from_beta` takes :math:`\beta^*` itself.
        weight : array_like, shape (p,) or a single number for all
            Relative weights; they need not sum to 1.
        clip : number >= 0
            Eigenvalues of magnitude at most `clip` become 0.
        """
        return cls(weight, eigenvalue, _vector("coefficient", coefficient, REAL), clip=clip)

    @classmethod
    def from_beta(cls, eigenvalue: Any, beta: Any, clip: Any = 0.0) -> Self:
        r"""The empirical law of a model with true weights `beta`: :math:`B=\sqrt p\,\beta^*`.

        Features are uncorrelated: their covariance is diagonal, and ``eigenvalue[i]`` is the
        variance of feature i, whose true weight is ``beta[i]``.

        Do not pass the eigenvalues of a covariance :math:`\Sigma=U\,\mathrm{diag}(\lambda)\,U^T`
        of correlated features together with :math:`U^T\beta^*`.  The result would hold for a model
        whose weights are pruned in the basis of eigenvectors.  Pruning the weights of the features
        themselves has another test error, which this package does not predict.  (Without pruning,
        at ``alpha = 1``, both are the same model.)

        Parameters
        ----------
        eigenvalue : array_like, shape (p,) or a single number for all
            Variance of each feature.
        beta : array_like, shape (p,) or a single number for all
            True weights.
        clip : number >= 0
            Eigenvalues of magnitude at most `clip` become 0.
        """
        beta = np.atleast_1d(_vector("beta", beta, REAL)).astype(np.float64)
        variances = eigenvalues(eigenvalue, clip)
        arrays = {"eigenvalue": variances, "beta": beta}
        features = math.prod(broadcast_shape(arrays, "population", _ONE_LENGTH))
        return cls.from_samples(variances, math.sqrt(features) * beta)

    @classmethod
    def from_csv(cls, path: str | Path, clip: Any = 0.0) -> Self:
        """From a file with columns ``eigenvalue``, ``coefficient`` and, optionally, ``weight``.

        Fields are separated by commas, under a header; the file may be compressed by gzip.  The
        columns mean the same as the arguments of `from_samples`.  Computations with many digits use
        the decimals as they are written in the file, if it has at most 10,000 rows.

        Raises `InvalidInput`, naming the line, for a row that is longer or shorter than the header,
        or that has something other than a number in one of these columns.
        """
        from .samples import read_samples

        return cls.from_samples(**read_samples(path, _MOST_EXACT, clip))

    @classmethod
    def isotropic(cls, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0) -> Self:
        """One group: all features have the same eigenvalue and the same law N(mean, std²) of B."""
        return cls(1.0, _scalar("eigenvalue", eigenvalue), *_normal(mean, std))

    @classmethod
    def spike_and_slab(
        cls, fraction: Any, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0
    ) -> Self:
        """A `fraction` of the coefficients has the law N(mean, std²), the others are 0.

        All features have the same `eigenvalue`.  Every argument is one number.

        >>> Population.spike_and_slab(0.1).weight
        array([0.1, 0.9])
        """
        fraction = _scalar("fraction", fraction, _FRACTION)
        rest = 1 - (Fraction(fraction) if isinstance(fraction, Decimal) else fraction)
        mean, std = _normal(mean, std)
        return cls([fraction, rest], _scalar("eigenvalue", eigenvalue), [mean, 0], [std, 0])

    @classmethod
    def power_law(cls, capacity: float, source: float, tolerance: float = 1e-10) -> Self:
        r"""Eigenvalues :math:`u^{-a}`, coefficient variances :math:`u^{-b}`, u uniform on (0, 1).

        These are the capacity ``-45 <= a < 1`` and source ``b < 1 - a`` exponents of the kernel
        literature, in the proportional limit.  A negative capacity means eigenvalues that vanish as
        :math:`u^{|a|}`.  As in `from_distribution`, the groups are a quadrature to the relative
        error `tolerance`, and the population keeps the law so that simulations draw from it.

        Raises `InvalidInput` for other exponents, and `NoConvergence` if the tail decays too slowly
        for the tolerance (``a + b`` near 1).
        """
        from .laws import power_law

        return cls._by_quadrature(power_law(capacity, source), tolerance)

    @classmethod
    def from_distribution(
        cls,
        eigenvalue: Any,
        mean: float | Callable[[Array], Any] = 0.0,
        std: float | Callable[[Array], Any] = 1.0,
        tolerance: float = 1e-10,
        breakpoints: Any = (),
    ) -> Self:
        r"""Eigenvalues of a continuous law; mean and std of B as functions of the eigenvalue.

        The groups are the nodes of Gauss-Legendre rules on panels, in the logit of the quantile.
        Panels are halved until a bound of the error is small: of resolvent moments, of the signal
        E[ΛB²] and of tail probabilities of trained weights, each to the relative error `tolerance`,
        at scales from the 0.1 % to the 99.9 % quantile of the eigenvalue and of the signal over
        eigenvalues.  The bound compares the integrand with the polynomial that the rule integrates,
        at many places beside its nodes, so that a jump or a kink is found wherever it is;
        `asymptotics.population.quadrature` has the details.

        Parameters
        ----------
        eigenvalue
            A frozen continuous distribution of ``scipy.stats`` with support in [0, ∞).  If it has
            no quantile function (`_ppf`) of its own, its density is integrated, or polynomials
            through its distribution function are.
        mean, std
            Numbers, or functions that take a one-dimensional array of eigenvalues and return an
            array of the same shape.
        tolerance
            The relative error of the moments, between 1e-13 and 0.1.
        breakpoints
            Eigenvalues at which the law, `mean` or `std` jumps or bends.  Panels then end there,
            which saves many groups.  They may be left out, because halving panels finds them; the
            bin edges of a histogram (`rv_histogram`) are always known.  Only a narrow peak of
            a density may have to be named: by its middle and both ends.

        Returns
        -------
        Population
            It has the `tolerance` asked for.  It keeps the law, from which `verify` draws;
            a pickled copy has only the groups.

        Raises
        ------
        InvalidInput
            The support is not in [0, ∞), E[ΛB²] is infinite (by a tail or a pole), the law or a
            function does not return numbers, `mean` or `std` does not act elementwise on its
            array, or more than one eigenvalue in a thousand is outside 1e-140 to 1e140 (or it, its
            mean or its std is outside the range of numbers).
        NoConvergence
            The tolerance is not reached: at a jump or a pole (name it in `breakpoints`), because a
            tail decays too slowly, or because the law's quantile function or density and its
            distribution function disagree.  Or a density alone does not integrate to 1.

        Notes
        -----
        **What may be missed.**  `mean` and `std` are evaluated in steps of probability
        :math:`2^{-17}\approx 8\cdot10^{-6}`, and in the tails at 65 places of every panel.  A
        peak on fewer of the features than that may stay unseen unless it is named in
        `breakpoints`.  So may a wiggle of the quantile function between two of the 65 places.

        **Beyond the moments.**  A risk may depend on more than these moments: at an effective ridge
        far below the eigenvalues, next to the interpolation threshold, or if the score of a weight
        is almost a function of its eigenvalue (``std = 0`` and little noise), so that the threshold
        falls between two nodes.  Every risk is therefore computed for a finer quadrature as well.
        If the two differ by more than 1e-8, or by more than `tolerance` where that is larger, the
        status of the risk is ``"no convergence"``.

        >>> from scipy import stats
        >>> population = Population.from_distribution(stats.uniform(0, 2))
        >>> round(population.signal, 9)
        1.0
        """
        from .laws import ContinuousLaw
        from .quadrature import TOLERANCE

        tolerance = float(scalar("tolerance", tolerance, TOLERANCE))
        law = ContinuousLaw(eigenvalue, mean, std, breakpoints, tolerance)
        return cls._by_quadrature(law, tolerance)

    @classmethod
    def _by_quadrature(cls, law: Any, tolerance: float) -> Self:
        """The population of a law along a line, by quadrature to the relative error `tolerance`."""
        from .quadrature import quadrature

        groups, finer = quadrature(law, tolerance)
        return cls._approximating(groups, tolerance, law, finer)

    @classmethod
    def _approximating(
        cls,
        columns: Iterable[Any],
        tolerance: float,
        law: "Law | None" = None,
        finer: Iterable[Any] | None = None,
    ) -> Self:
        """Groups (`columns`) that approximate a law, with those of a `finer` quadrature of it."""
        population = cls(*columns)
        object.__setattr__(population, "tolerance", float(tolerance))
        object.__setattr__(population, "law", law)
        object.__setattr__(population, "finer", None if finer is None else cls(*finer))
        return population

    # -- transforming ------------------------------------------------------------------------

    def rescaled(self, factor: Any) -> Self:
        """Features multiplied by `factor`, per group: (Λ, B) becomes (factor² Λ, B / factor).

        The new groups are in double precision, even if these were exact.  If these approximate a
        continuous law and `factor` is one number, the new ones approximate the rescaled law.  With
        a factor for each group, the new population is the groups themselves, and `verify` simulates
        those: its `tolerance` is 0, and it has no `law` and no `finer` groups.
        """
        factors = _one_per_group("factor", factor, _FACTOR, len(self))
        columns = _rescaled(self._groups, factors)
        if np.size(factor) > 1:
            return type(self)(*columns)
        one = float(factors[0])
        law = None if self.law is None else self.law.scaled(one * one, 1 / one)
        finer = None
        if self.finer is not None:
            columns = _small_tail_moved(columns)
            finer = _in_range(_rescaled(self.finer._groups, one))
        return self._approximating(columns, self.tolerance, law, finer)

    def in_units(self, eigenvalue: float, coefficient: float) -> "Population":
        """The groups in other units: (Λ, B) becomes (`eigenvalue` Λ, `coefficient` B).

        Their weights stay exact.  The groups of a continuous law become a law of their own.
        """
        _, eigenvalues, mean, std = self._groups
        columns = eigenvalue * eigenvalues, coefficient * mean, coefficient * std
        return Population(self._columns[0], *columns)

    @classmethod
    def mixture(cls, populations: Sequence["Population"], weight: Any = 1.0) -> Self:
        """A mixture: each population with its relative `weight`.

        Its groups are in double precision, even if those of the populations were exact.  If one of
        the populations approximates a continuous law, the mixture has a law too, and simulations
        draw from it.
        """
        if not (
            isinstance(populations, Sequence)
            and populations
            and all(isinstance(part, Population) for part in populations)
        ):
            raise InvalidInput("populations", populations, "must be one or more populations")
        weight = _one_per_group("weight", weight, DOMAINS["weight"], len(populations))
        columns = [
            np.concatenate(part) for part in zip(*(p._groups for p in populations), strict=True)
        ]
        columns[0] = np.concatenate(
            [w * p.weight for w, p in zip(weight, populations, strict=True)]
        )
        law = _mixed_law(weight, populations)
        finer = None
        if any(part.finer for part in populations):
            finer = cls.mixture([part.finer or part for part in populations], weight)._groups
        tolerance = max(part.tolerance for part in populations)
        return cls._approximating(columns, tolerance, law, finer)

    def restricted(self, share: Any) -> Restriction:
        r"""A model that sees only a `share`, between 0 and 1, of each group's features.

        A fraction :math:`\zeta` of the features is seen; they form a population with coefficients
        :math:`\sqrt\zeta B`, at :math:`\zeta\kappa`, and the unseen signal is noise.  In the
        restricted model, alpha is the fraction kept of the features seen.  A continuous law behind
        the groups is kept if `share` is one number.  With a share for each group, the new
        population is the groups themselves, as in `rescaled`.  The new numbers are computed in
        double precision.
        """
        given, share = share, _one_per_group("share", share, _SHARE, len(self))
        seen = share * self.weight
        fraction = float(seen.sum())
        if not fraction > 0:
            raise InvalidInput("share", share.tolist(), "must not all be zero")
        unseen = ((1 - share) * self.weight * self.eigenvalue * self._groups.second_moment).sum()
        root = math.sqrt(fraction)
        columns = (seen, self.eigenvalue, root * self.mean, root * self.std)
        if np.size(given) > 1:
            return Restriction(type(self)(*columns), fraction, float(unseen))
        law = None if self.law is None else self.law.scaled(1.0, root)
        finer = None
        if self.finer is not None:
            weight, eigenvalue, mean, std = self.finer._groups
            finer = _in_range(Groups(weight, eigenvalue, root * mean, root * std))
        population = self._approximating(columns, self.tolerance, law, finer)
        return Restriction(population, fraction, float(unseen))


def _rescaled(groups: Groups, factor: Any) -> Groups:
    """(Λ, B) becomes (factor² Λ, B / factor); numbers that are too large become infinite."""
    weight, eigenvalue, mean, std = groups
    with np.errstate(over="ignore"):
        return Groups(weight, factor * factor * eigenvalue, mean / factor, std / abs(factor))


def _small_tail_moved(groups: Groups) -> Groups:
    """Groups of a law whose tiny eigenvalues are raised to the least that a population can hold.

    If they are more than a small tail the groups stay as they are, and a population refuses them.
    """
    from .laws import SMALLEST, into_range

    low = (groups.eigenvalue > 0) & (groups.eigenvalue < SMALLEST)
    few = groups.weight[low].sum() <= _LARGEST_TAIL * groups.weight.sum()
    return Groups(groups.weight, *into_range(*groups[1:])) if few else groups


def _in_range(groups: Groups) -> Groups:
    """Groups of a law without those too large for a population, and with too small ones raised."""
    from .laws import in_range, into_range

    columns = into_range(*groups[1:])
    held = in_range(*columns)
    return Groups(*(column[held] for column in (groups.weight, *columns)))


def _mixed_law(weight: Array, populations: Sequence[Population]) -> "Law | None":
    """The law of a mixture, if a part has one; parts without a law are drawn by their groups."""
    from .laws import Mixture, SomeGroups

    parts = [part.law or SomeGroups(*part.groups()) for part in populations]
    if all(part.law is None for part in populations):
        return None
    return Mixture(tuple(weight / weight.sum()), tuple(parts))


def as_population(population: Any) -> Population:
    """`population` itself; raises `InvalidInput` if it is not a `Population`."""
    if not isinstance(population, Population):
        raise InvalidInput("population", population, "must be a Population")
    return population


def neighbours_of_a_law(population: Population) -> Array:
    """Whether each group and the next one are nodes on one smooth piece of a continuous law.

    A law that is smooth there also has features with eigenvalues between those of the two groups.
    It has none between two groups of a discrete law, across a gap of the support, or across a jump
    of the mean or the std.  The result has shape (groups - 1,).
    """
    finer = population.finer
    if finer is None or len(population) < 2:
        return np.zeros(max(len(population) - 1, 0), dtype=bool)
    groups = population.groups()
    # The finer quadrature moves the nodes of a continuous law, and leaves discrete groups in place.
    discrete = np.isin(groups.eigenvalue, finer.groups().eigenvalue)
    steps = np.diff(groups.eigenvalue)
    near = (steps > 0) & ~discrete[1:] & ~discrete[:-1] & ~_is_jump(steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        for column in (groups.mean, groups.std):
            changes = abs(np.diff(column))
            told = changes > _ROUNDING * np.maximum(abs(column[1:]), abs(column[:-1]))
            near &= ~(told & _is_jump(changes / steps))
    return near


def _is_jump(steps: Array) -> Array:
    """Whether each step is far larger than both of the steps beside it."""
    beside = np.maximum(np.append(steps[1:], 0), np.insert(steps[:-1], 0, 0))
    return steps > _JUMP * beside


def _vector(key: str, value: Any, domain: Domain) -> Array:
    """An array of numbers with at most one dimension."""
    array = parameter(key, value, domain)
    if array.ndim > 1:
        raise InvalidInput(f"{key}.shape", array.shape, "must have one dimension")
    return array


def _scalar(key: str, value: Any, domain: Domain | None = None) -> Any:
    """One number; raises `InvalidInput` for an array.

    An array would broadcast to several groups, where the caller means a single one.
    """
    domain = domain or DOMAINS[key]
    if parameter(key, value, domain).ndim:
        allowed = (
            f"{domain.text}, and a single one: build one population for each, or a mixture "
            "by Population(...) or Population.mixture(...)"
        )
        raise InvalidInput(key, value, allowed)
    return scalar(key, value, domain)


def _normal(mean: Any, std: Any) -> tuple[Any, Any]:
    """The parameters of one normal law, checked."""
    return _scalar("mean", mean), _scalar("std", std)


def _cumulative_shares(weight: Array) -> Mass:
    """Cumulative sums of weights divided by their total, in twice the precision of floats.

    Entry k is the share of the first k groups, k = 0, ..., n, as a value and a remainder.
    """
    value = np.concatenate([[0.0], np.cumsum(weight)])
    before, after = value[:-1], value[1:]
    added = after - before
    # The rounding error of each addition before + weight = after, exactly (Knuth's two-sum); `rest`
    # is the sum of these errors, so value + rest is the exact sum to twice the precision.
    rest = np.concatenate([[0.0], np.cumsum((before - (after - added)) + (weight - added))])
    total, total_rest = value[-1], rest[-1]
    share = value / total
    # Let V = value + rest and T = total + total_rest.  To first order
    #   V / T = share + (V - share T) / total,   with share = fl(value / total),
    # and V - share T = (rounding of share total) + (value - share total) + rest - share total_rest.
    missed = FLOAT64.product_error(share, total) + (value - share * total) + rest
    return Mass(share, (missed - share * total_rest) / total)


def _one_per_group(key: str, value: Any, domain: Domain, size: int) -> Array:
    """A float for each of `size` groups, from one number or from one for each group."""
    array = parameter(key, value, domain).astype(np.float64)
    if array.shape not in ((), (1,), (size,)):
        raise InvalidInput(f"{key}.shape", array.shape, f"must be () or ({size},)")
    return np.broadcast_to(array, (size,))


_FRACTION = Domain(lambda x: (x > 0) & (x <= 1), "must be a number in (0, 1]")
_SHARE = Domain(lambda x: (x >= 0) & (x <= 1), "must be numbers in [0, 1]")
_FACTOR = Domain(lambda x: x != 0, "must be a finite number other than 0")
