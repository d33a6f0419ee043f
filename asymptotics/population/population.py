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

if TYPE_CHECKING:
    from .laws import Law

_SMALLEST_SIGNAL, _LARGEST_SIGNAL = 1e-200, 1e100
_SHOWN = 8
_MOST_EXACT = 10_000
FIELDS = ("weight", "eigenvalue", "mean", "std")
_ONE_LENGTH = "must have one length"
#: The share of features that may be the tail of a law.
_TAIL = 1e-3

#: A step between neighbours that is so many times larger than those beside it is a jump.
_FAR_LARGER = 10
#: Changes of a function that are smaller, relative to its values, may be rounding.
_ROUNDING = 1e-9


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
    clip : number >= 0
        Eigenvalues of magnitude at most `clip` become 0, so that a spectrum that was computed may
        be given as it is, its zeros rounded to small numbers of either sign.

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
    #: Relative error to which the groups stand for a continuous law; 0 where they are the law.
    tolerance: float = 0.0
    #: The continuous law that the groups stand for, from which simulations draw; if there is one.
    law: "Law | None" = None
    #: Groups of a finer quadrature of that law, which tell how far off a risk of these may be.
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
        # Without the law, which may hold functions that other processes do not know.
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
        return cls(weight, eigenvalue, _column("coefficient", coefficient, REAL), clip=clip)

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
        beta = np.atleast_1d(_column("beta", beta, REAL)).astype(np.float64)
        variances = eigenvalues(eigenvalue, clip)
        arrays = {"eigenvalue": variances, "beta": beta}
        features = math.prod(broadcast_shape(arrays, "population", _ONE_LENGTH))
        return cls.from_samples(variances, math.sqrt(features) * beta)

    @classmethod
    def from_csv(cls, path: str | Path, clip: Any = 0.0) -> Self:
        """From a file with columns ``eigenvalue``, ``coefficient`` and, optionally, ``weight``.

        Fields are separated by commas, under a header; the file may be compressed by gzip.  What
        the columns hold is as in `from_samples`.  With many digits, the values of a file of up to
        10,000 rows are the decimals written there.

        Raises `InvalidInput`, which names the line, for a row that is not as long as the header or
        holds no number where one is needed.
        """
        from .samples import read_samples

        return cls.from_samples(**read_samples(path, _MOST_EXACT, clip))

    @classmethod
    def isotropic(cls, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0) -> Self:
        """All features alike: one number each for the mean, the std and the eigenvalue."""
        return cls(1.0, _single("eigenvalue", eigenvalue), *_law(mean, std))

    @classmethod
    def spike_and_slab(
        cls, fraction: Any, mean: Any = 0.0, std: Any = 1.0, eigenvalue: Any = 1.0
    ) -> Self:
        """A `fraction` of coefficients N(mean, std²), the others zero; one number each.

        >>> Population.spike_and_slab(0.1).weight
        array([0.1, 0.9])
        """
        fraction = _single("fraction", fraction, _FRACTION)
        rest = 1 - (Fraction(fraction) if isinstance(fraction, Decimal) else fraction)
        mean, std = _law(mean, std)
        return cls([fraction, rest], _single("eigenvalue", eigenvalue), [mean, 0], [std, 0])

    @classmethod
    def power_law(cls, capacity: float, source: float, tolerance: float = 1e-10) -> Self:
        r"""Eigenvalues :math:`u^{-a}`, coefficient variances :math:`u^{-b}`, u uniform on (0, 1).

        The capacity ``-45 <= a < 1`` and source ``b < 1 - a`` exponents of the kernel literature,
        in proportional form: a negative capacity means eigenvalues that vanish as :math:`u^{|a|}`.
        By quadrature to `tolerance`, with the law kept to draw from, as in `from_distribution`.

        Raises `InvalidInput` for other exponents and `NoConvergence` where the tail is too slow for
        the tolerance (``a + b`` near 1).
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
        eigenvalues.  The bound compares the
        integrand with the polynomial that the rule integrates, at many places beside its nodes, so
        that a jump or a kink is found wherever it is; `asymptotics.population.quadrature` has the
        details.

        Parameters
        ----------
        eigenvalue
            A frozen continuous distribution of ``scipy.stats`` with support in [0, ∞).  One without
            a quantile function of its own (`_ppf`) is integrated by its density, or by polynomials
            through its distribution function.
        mean, std
            Numbers, or functions of an array of eigenvalues, of one dimension, that return an
            array of its shape.
        tolerance
            The relative error of the moments, between 1e-13 and 0.1.
        breakpoints
            Eigenvalues at which the law, `mean` or `std` jumps or bends.  Panels then end there,
            which saves many groups.  They are found where they are not given; the edges of a
            histogram (`rv_histogram`) are known.

        Returns
        -------
        Population
            Its `tolerance` is the one asked for.  It keeps the law, from which `verify` draws; a
            copy that was pickled has the groups alone.

        Raises
        ------
        InvalidInput
            The support is not in [0, ∞), E[ΛB²] is infinite (by a tail or a pole), the law or a
            function returns something else than numbers, `mean` or `std` of an eigenvalue depends
            on others in the array, or more than one eigenvalue in a thousand is outside
            1e-140 to 1e140 (or outside the range of numbers, with its mean and std).
        NoConvergence
            The tolerance is not reached: at a jump or a pole (name it in `breakpoints`), by a tail
            that is too slow, or because the law's quantile and distribution functions disagree.

        Notes
        -----
        **What may be missed.**  `mean` and `std` are looked at in steps of probability
        :math:`2^{-17}\approx 8\cdot10^{-6}`, and in the tails at 65 places of every panel.  What
        they do on fewer of the features than that, a narrower peak say, may stay unseen unless it
        is named in `breakpoints`; so may a wiggle of the quantile function that is narrower than
        the distance of two of the 65 places and leaves no trace beside it.

        **Beyond the moments.**  A risk may depend on more than these moments: at an effective ridge
        far below the eigenvalues, next to the interpolation threshold, or where the score of a
        weight hardly varies but with its eigenvalue (``std = 0`` and little noise), so that the
        threshold falls between two nodes.  Every risk is therefore computed for a finer quadrature
        as well.  Where the two differ by more than 1e-8, or by more than `tolerance` if that is
        larger, its status is ``"no convergence"``.

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
        """Groups that stand for a law to a relative error, and the columns of finer ones."""
        population = cls(*columns)
        object.__setattr__(population, "tolerance", float(tolerance))
        object.__setattr__(population, "law", law)
        object.__setattr__(population, "finer", None if finer is None else cls(*finer))
        return population

    # -- transforming ------------------------------------------------------------------------

    def rescaled(self, factor: Any) -> Self:
        """Features multiplied by `factor`, per group: (Λ, B) becomes (factor² Λ, B / factor).

        The new groups are rounded to double precision, also where these were exact.  Where they
        stand for a continuous law they still do if `factor` is one number.  With a factor for each
        group they are what the new population consists of, and what `verify` simulates: its
        `tolerance` is 0, and it has no `law` and no `finer` groups.
        """
        factors = _of_groups("factor", factor, _FACTOR, len(self))
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

    @classmethod
    def mixture(cls, populations: Sequence["Population"], weight: Any = 1.0) -> Self:
        """A mixture: each population with its relative `weight`.

        Its groups are in double precision, also where those of the populations were exact.  If one
        of the populations stands for a continuous law, so does the mixture.
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
        law = _mixed_law(weight, populations)
        finer = None
        if any(part.finer for part in populations):
            finer = cls.mixture([part.finer or part for part in populations], weight)._groups
        tolerance = max(part.tolerance for part in populations)
        return cls._approximating(columns, tolerance, law, finer)

    def restricted(self, share: Any) -> Restriction:
        r"""A model that sees only a `share`, between 0 and 1, of each group's features.

        A fraction :math:`\zeta` of the features is seen; they form a population with coefficients
        :math:`\sqrt\zeta B`, at :math:`\zeta\kappa`, and the unseen signal is noise.  Of the
        restricted model, alpha is the fraction kept of the features seen.  A continuous law that
        the groups stand for is kept if `share` is one number.  With a share for each group the
        new groups are what the population consists of, as in `rescaled`.
        """
        given, share = share, _of_groups("share", share, _SHARE, len(self))
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
    """(Λ, B) becomes (factor² Λ, B / factor); infinite where that is too large a number."""
    weight, eigenvalue, mean, std = groups
    with np.errstate(over="ignore"):
        return Groups(weight, factor * factor * eigenvalue, mean / factor, std / abs(factor))


def _small_tail_moved(groups: Groups) -> Groups:
    """Groups of a law, the least eigenvalues moved so that a population can hold them, if few."""
    from .laws import SMALLEST, into_range

    low = (groups.eigenvalue > 0) & (groups.eigenvalue < SMALLEST)
    few = groups.weight[low].sum() <= _TAIL * groups.weight.sum()
    return Groups(groups.weight, *into_range(*groups[1:])) if few else groups


def _in_range(groups: Groups) -> Groups:
    """Groups far out in the tails of a law, moved or left out so that a population can hold all."""
    from .laws import in_range, into_range

    columns = into_range(*groups[1:])
    held = in_range(*columns)
    return Groups(*(column[held] for column in (groups.weight, *columns)))


def _mixed_law(weight: Array, populations: Sequence[Population]) -> "Law | None":
    """The law of a mixture, if one of its parts has one; the others are drawn by their groups."""
    from .laws import Mixture, SomeGroups

    parts = [part.law or SomeGroups(*part.groups()) for part in populations]
    if all(part.law is None for part in populations):
        return None
    return Mixture(tuple(weight / weight.sum()), tuple(parts))


def as_population(population: Any) -> Population:
    """`population`, if it is one; raises `InvalidInput`."""
    if not isinstance(population, Population):
        raise InvalidInput("population", population, "must be a Population")
    return population


def neighbours_of_a_law(population: Population) -> Array:
    """Whether a group and the next one are nodes of one smooth piece of a continuous law.

    Such groups stand for all features between them.  There are none between two groups of a
    discrete law, beside a gap of the support, or where mean or standard deviation jump.
    """
    finer = population.finer
    if finer is None or len(population) < 2:
        return np.zeros(max(len(population) - 1, 0), dtype=bool)
    groups = population.groups()
    discrete = np.isin(groups.eigenvalue, finer.groups().eigenvalue)
    steps = np.diff(groups.eigenvalue)
    near = (steps > 0) & ~discrete[1:] & ~discrete[:-1] & ~_stands_out(steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        for column in (groups.mean, groups.std):
            changes = abs(np.diff(column))
            told = changes > _ROUNDING * np.maximum(abs(column[1:]), abs(column[:-1]))
            near &= ~(told & _stands_out(changes / steps))
    return near


def _stands_out(steps: Array) -> Array:
    """Whether each step is far larger than those on either side of it."""
    beside = np.maximum(np.append(steps[1:], 0), np.insert(steps[:-1], 0, 0))
    return steps > _FAR_LARGER * beside


def _column(key: str, value: Any, domain: Domain) -> Array:
    """Numbers, in at most one dimension."""
    array = parameter(key, value, domain)
    if array.ndim > 1:
        raise InvalidInput(f"{key}.shape", array.shape, "must have one dimension")
    return array


def _single(key: str, value: Any, domain: Domain | None = None) -> Any:
    """One number; an array would make a mixture where one kind of feature is meant."""
    domain = domain or DOMAINS[key]
    if parameter(key, value, domain).ndim:
        allowed = (
            f"{domain.text}, and a single one: build one population for each, or a mixture "
            "by Population(...) or Population.mixture(...)"
        )
        raise InvalidInput(key, value, allowed)
    return scalar(key, value, domain)


def _law(mean: Any, std: Any) -> tuple[Any, Any]:
    return _single("mean", mean), _single("std", std)


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
