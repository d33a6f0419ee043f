r"""Laws of features: the eigenvalue, and the mean and std of its coefficients, to draw from.

A `LineLaw` is laid out along a line, so that it can be integrated: at every x there is
a probability density and an eigenvalue, as `asymptotics.population.lines` describes, and a mean and
std of the coefficients.  `ContinuousLaw` is made of a distribution of ``scipy.stats`` and functions
of the eigenvalue, and `PowerLaw` has a closed form.  `Scaled`, `SomeGroups` and `Mixture` build
laws from others; simulations draw from them, and nothing integrates them.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rv_histogram

from ..arithmetic import Array
from ..domains import DOMAINS, REAL, Domain
from ..errors import InvalidInput
from ..parameters import parameter, scalar
from .lines import FIRST_PROBABILITIES, PANEL_LOGITS, evaluate, is_generic, line_of, probabilities
from .piecewise import logit

SMALLEST, LARGEST = DOMAINS["eigenvalue"].smallest, DOMAINS["eigenvalue"].largest
_LARGEST_STD = DOMAINS["std"].largest
#: Values of a function at one place, computed in two arrays, must agree to this accuracy, relative
#: to the value or to the median of all values.
_SAME_VALUE = 1e-6
Coefficient = float | Callable[[Array], Any]


class Columns(NamedTuple):
    """A law at points of its line: the density along the line, eigenvalue, mean and std."""

    density: Array
    eigenvalue: Array
    mean: Array
    std: Array


class Draws(NamedTuple):
    """Features drawn from a law: `sizes` counts the features with the same other columns."""

    sizes: Array
    eigenvalue: Array
    mean: Array
    std: Array


class Law(ABC):
    """A law of the eigenvalue Λ and of the mean and std of the coefficient B, to draw from."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        """The features of one random model with this many `features`."""

    def scaled(self, eigenvalue: float, coefficient: float) -> "Law":
        """The law with all eigenvalues and all coefficients multiplied by these factors."""
        return Scaled(self, eigenvalue, coefficient)


class LineLaw(Law):
    """A law along a line, of a variable x in which it is smooth enough to be integrated."""

    #: What messages call the law, and what they advise the user to give if it is inaccurate.
    name = "the eigenvalue law"
    remedy = "give groups"
    #: The most panels that a quadrature may add to the first ones.
    most_panels = 4000
    #: The error that the integral of the density may have, at any tolerance.
    mass_error = math.inf
    #: Whether the density has no rounding error that may look like an endless tail.
    clear_tails = True
    #: Whether mean or std are functions that a user wrote, in which peaks may hide.
    has_functions = False

    @property
    @abstractmethod
    def edges(self) -> Array:
        """Ends of the first panels, ascending: the line's own, and where the law is not smooth."""

    @property
    def beyond(self) -> float:
        """The probability of all eigenvalues beyond the ends of the line."""
        return 0.0

    @abstractmethod
    def at(self, x: Array) -> Columns:
        """The law at points of the line."""

    @abstractmethod
    def places(self, u: Array) -> Array:
        """The places x up to which the probability is u, computed without the density."""

    @abstractmethod
    def quantiles(self, u: Array) -> tuple[Array, Array, Array]:
        """Eigenvalue, mean and std at the places up to which the probability is u."""

    @abstractmethod
    def coefficients(self, eigenvalue: Array) -> tuple[Array, Array]:
        """Mean and std at eigenvalues; needed only if the law `has_functions`."""

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        """A bound of the error of the distribution function at each node of a quadrature.

        The quadrature integrates the density along the line up to x.  The result must be the
        distribution function of the eigenvalue at x.  A law that can test this returns a bound of
        the difference.

        Parameters
        ----------
        panels : array_like, shape (panels, 2)
            The ends of the panels, in ascending order.
        x, nodes, weight : array_like, shape (panels, nodes)
            Places, eigenvalues and weights of the nodes.
        slack : array_like, shape (panels,)
            The error of the probability of each panel that the quadrature counts itself, and that
            is not counted again.
        """
        return np.zeros_like(x)

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        """Stratified draws: one at random from each of `features` parts of equal probability."""
        # Stratified draws vary less between models than independent ones.
        u = (np.arange(features) + rng.random(features)) / features
        eigenvalue, mean, std = self.quantiles(u)
        return Draws(np.ones(features, dtype=np.int64), *into_range(eigenvalue, mean, std))


def sizes_of(weight: Array, p: int) -> Array:
    """Integers nearly in proportion to `weight` whose sum is `p`.

    The cumulative sums are rounded, not the numbers, so that rounding does not add up.
    """
    ends = np.rint(np.cumsum(weight) / weight.sum() * p).astype(np.int64)
    return np.diff(ends, prepend=0)


def into_range(eigenvalue: Array, mean: Array, std: Array) -> tuple[Array, Array, Array]:
    r"""Features whose eigenvalue a population can hold, because it is not too small.

    A positive eigenvalue below the least allowed one becomes that one, and mean and std shrink so
    that :math:`\Lambda B^2` stays as it is.  (The eigenvalue must not become 0: features of
    eigenvalue 0 do not count for the interpolation threshold.)
    """
    low = (eigenvalue > 0) & (eigenvalue < SMALLEST)
    # Λ B² = SMALLEST (shrink B)² with shrink² = Λ / SMALLEST.
    shrink = np.where(low, np.sqrt(np.where(low, eigenvalue, 1) / SMALLEST), 1)
    std = shrink * std
    std = np.where(std < DOMAINS["std"].smallest, 0, std)
    return np.where(low, SMALLEST, eigenvalue), shrink * mean, std


def in_range(eigenvalue: Array, mean: Array, std: Array) -> Array:
    """Which features have an eigenvalue, mean and std that are not too large for a population."""
    within = (eigenvalue <= LARGEST) & (abs(mean) <= DOMAINS["mean"].largest)
    return np.asarray(within & (std <= _LARGEST_STD))


class ContinuousLaw(LineLaw):
    """A frozen distribution of ``scipy.stats`` for Λ, with mean and std of B as functions of Λ.

    `breakpoints` are eigenvalues at which the law or a function is not smooth; panels end there.
    Raises `InvalidInput` for arguments that `Population.from_distribution` does not allow.
    """

    def __init__(
        self, law: Any, mean: Coefficient, std: Coefficient, breakpoints: Any, tolerance: float
    ) -> None:
        _require_law(law)
        self._mean, self._std = mean, std
        self.has_functions = callable(mean) or callable(std)
        breaks = _breakpoints(law, breakpoints)
        self._line = line_of(law, breaks, tolerance)
        self.most_panels, self.remedy = self._line.most_panels, self._line.remedy
        self.mass_error, self.clear_tails = self._line.mass_error, self._line.clear_tails
        places = self._line.locate(breaks)
        edges = self._line.edges
        inside = places[(places > edges[0]) & (places < edges[-1])]
        self._edges = np.unique(np.concatenate([edges, inside]))
        self._check_elementwise(law)

    def _check_elementwise(self, law: Any) -> None:
        """Raise `InvalidInput` unless the law's own methods and the functions act elementwise."""
        # At the middle of each first panel, so that all parts of the law are tested.
        _, eigenvalue = self._line.at((self._edges[1:] + self._edges[:-1]) / 2)
        for name, places in (
            ("pdf", eigenvalue),
            ("cdf", eigenvalue),
            ("ppf", FIRST_PROBABILITIES),
        ):
            if not is_generic(law, f"_{name}"):
                _require_elementwise(f"eigenvalue.{name}", partial(evaluate, law, name), places)
        for key, given in (("mean", self._mean), ("std", self._std)):
            if callable(given):
                _require_elementwise(key, partial(_evaluate, key, given), _clipped(eigenvalue))

    @property
    def edges(self) -> Array:
        return self._edges

    def at(self, x: Array) -> Columns:
        density, eigenvalue = self._line.at(x)
        return Columns(density, eigenvalue, *self.coefficients(eigenvalue))

    def places(self, u: Array) -> Array:
        return self._line.places(u)

    def quantiles(self, u: Array) -> tuple[Array, Array, Array]:
        eigenvalue = self._line.quantiles(u)
        return eigenvalue, *self.coefficients(eigenvalue)

    def coefficients(self, eigenvalue: Array) -> tuple[Array, Array]:
        within = _clipped(eigenvalue)
        return _evaluate("mean", self._mean, within), _evaluate("std", self._std, within)

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        return self._line.misplaced(panels, x, nodes, weight, slack)

    @property
    def beyond(self) -> float:
        return self._line.beyond


@dataclass(frozen=True)
class PowerLaw(LineLaw):
    r"""Eigenvalues :math:`u^{-a}`, coefficient variances :math:`u^{-b}`, for u uniform on (0, 1).

    a is the `capacity` exponent and b the `source` exponent.  The line is the logit of u.  The
    eigenvalue falls along it if a is positive.
    """

    name = "the power law"
    capacity: float
    source: float

    def coefficients(self, eigenvalue: Array) -> tuple[Array, Array]:
        raise NotImplementedError("mean and std are functions of u, not of the eigenvalue")

    @property
    def edges(self) -> Array:
        return np.concatenate([-PANEL_LOGITS[:0:-1], PANEL_LOGITS])

    def at(self, x: Array) -> Columns:
        u, rest = probabilities(x)
        return Columns(u * rest, *self.quantiles(u))

    def places(self, u: Array) -> Array:
        return logit(u, 1 - u)

    def quantiles(self, u: Array) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", divide="ignore"):
            eigenvalue = u**-self.capacity
            # As in `into_range`, but from the exponents, before the eigenvalue underflows.
            low = eigenvalue < SMALLEST
            std = u ** (-self.source / 2)
            # sqrt(Λ / SMALLEST) times std keeps Λ B² as it is.
            moved = u ** (-(self.capacity + self.source) / 2) / math.sqrt(SMALLEST)
        return np.where(low, SMALLEST, eigenvalue), np.zeros_like(u), np.where(low, moved, std)


@dataclass(frozen=True)
class Scaled(Law):
    """A law with all eigenvalues and all coefficients multiplied by these factors."""

    law: Law
    eigenvalue: float
    coefficient: float

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes, eigenvalue, mean, std = self.law.draw(rng, features)
        mean, std = self.coefficient * mean, abs(self.coefficient) * std
        return Draws(sizes, *into_range(self.eigenvalue * eigenvalue, mean, std))


@dataclass(frozen=True)
class SomeGroups(Law):
    """Discrete groups as a law: the number of features of each is in proportion to its weight."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes = sizes_of(self.weight, features)
        return Draws(sizes, self.eigenvalue, self.mean, self.std)


@dataclass(frozen=True)
class Mixture(Law):
    """A mixture of laws: each has features in proportion to its weight."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes = sizes_of(np.array(self.weights), features).tolist()
        pairs = zip(self.parts, sizes, strict=True)
        drawn = [part.draw(rng, size) for part, size in pairs if size > 0]
        return Draws(*(np.concatenate(column) for column in zip(*drawn, strict=True)))


def power_law(capacity: Any, source: Any) -> PowerLaw:
    """The power law with these exponents; raises `InvalidInput` unless E[ΛB²] is finite."""
    capacity, source = (
        float(scalar(key, value, REAL))
        for key, value in (("capacity", capacity), ("source", source))
    )
    if not capacity < 1:
        raise InvalidInput("capacity", capacity, "must be < 1")
    if not capacity + source < 1:
        allowed = f"must be < 1 - capacity = {1 - capacity:g}, or E[Lambda B^2] is infinite"
        raise InvalidInput("source", source, allowed)
    if capacity < _LEAST_CAPACITY:
        allowed = (
            f"must be >= {_LEAST_CAPACITY:g}: the eigenvalues u^{-capacity:g} of too many features "
            f"are below {SMALLEST:g}, the least that is computed with"
        )
        raise InvalidInput("capacity", capacity, allowed)
    return PowerLaw(capacity, source)


#: With this exponent the eigenvalue is above 1e-135 for 99.9 % of the features.
_LEAST_CAPACITY = -45.0


def _require_law(law: Any) -> None:
    """Raise `InvalidInput` unless `law` is one frozen distribution with support in [0, inf)."""
    if not all(callable(getattr(law, name, None)) for name in _METHODS):
        allowed = "must be a frozen continuous distribution of scipy.stats, such as gamma(2)"
        if callable(getattr(law, "pmf", None)) and not callable(getattr(law, "pdf", None)):
            allowed += "; a discrete law is groups: Population(weight, eigenvalue, mean, std)"
        raise InvalidInput("eigenvalue", law, allowed)
    try:
        low, high = (np.asarray(end, dtype=np.float64) for end in law.support())
    except TypeError as error:  # a distribution that still needs its shape parameters
        raise InvalidInput("eigenvalue", law, f"must be frozen: {error}") from None
    except Exception as error:  # code that a user wrote may raise anything
        allowed = f"must be two numbers, and fails: {type(error).__name__}: {error}"
        raise InvalidInput("eigenvalue.support", law, allowed) from error
    if low.ndim or high.ndim:
        allowed = "must be one law, and its parameters are arrays: Population.mixture joins several"
        raise InvalidInput("eigenvalue", law, allowed)
    if not (low >= 0 and high > 0 and high > low):
        raise InvalidInput("eigenvalue.support", (float(low), float(high)), "must lie in [0, inf)")
    if is_generic(law, "_cdf") and is_generic(law, "_pdf"):
        allowed = (
            "must have a _cdf or a _pdf of its own, also beside a _ppf: SciPy computes each of "
            "them from the other"
        )
        raise InvalidInput("eigenvalue", law, allowed)


_METHODS = ("pdf", "cdf", "sf", "ppf", "isf", "support")


def _breakpoints(law: Any, given: Any) -> Array:
    """Ascending eigenvalues where the law is not smooth: those given, and bins of a histogram."""
    breaks = parameter("breakpoints", given, _BREAKPOINT) if np.size(given) else np.empty(0)
    if breaks.ndim > 1:
        raise InvalidInput("breakpoints.shape", breaks.shape, "must be a list of eigenvalues")
    breaks = np.atleast_1d(breaks).astype(np.float64)
    family = getattr(law, "dist", law)
    if isinstance(family, rv_histogram):
        # SciPy keeps the bins in a private attribute, which its types do not know.
        bins = np.asarray(getattr(family, "_histogram")[1], dtype=np.float64)  # noqa: B009  # untyped
        (low, high), (first, last) = law.support(), bins[[0, -1]]
        breaks = np.concatenate([breaks, low + (bins - first) * ((high - low) / (last - first))])
    return np.unique(breaks)


def _require_elementwise(key: str, function: Callable[[Array], Array], places: Array) -> None:
    """Raise `InvalidInput` unless `function` acts elementwise.

    A quadrature evaluates a function in arrays of its own choice.  A function that looks at all of
    its array, such as ``x / x.max()``, would change with them.
    """
    places = np.unique(places)
    # Compare the values in the array of all places with those in a shorter array, in reverse order,
    # which has another maximum, sum and median.
    some = slice(1, places.size // 2)
    values = function(places)
    first, second = values[some], function(places[some][::-1])[::-1]
    # Vectorised code may round the last digits differently in an array of another length.
    rounding = _SAME_VALUE * np.median(np.nan_to_num(abs(values)))
    same = np.isclose(first, second, rtol=_SAME_VALUE, atol=rounding, equal_nan=True)
    if not same.all():
        one = int(np.argmin(same))
        allowed = "must depend on this number alone, and not on others of its array: in another "
        raise InvalidInput(
            f"{key}({places[some][one]:.6g})",
            float(first[one]),
            f"{allowed}array it is {float(second[one]):.6g}",
        )


def _clipped(eigenvalue: Array) -> Array:
    """Eigenvalues clipped to the positive range of a population; 0 stays 0."""
    return np.clip(eigenvalue, np.where(eigenvalue == 0, 0, SMALLEST), LARGEST)


def _evaluate(key: str, value: Any, eigenvalue: Array) -> Array:
    """The mean or std (`key`) at eigenvalues: a number, or a function that a user wrote.

    Raises `InvalidInput` unless the values are real numbers, and at least 0 for a std.  Infinite
    values are allowed: the quadrature judges how many features have them.
    """
    if not callable(value):
        constant = scalar(key, value, DOMAINS[key])
        return np.full(eigenvalue.shape, float(constant))
    given = eigenvalue.ravel()  # functions are promised an array of one dimension
    try:
        with np.errstate(all="ignore"):
            # Masked entries become NaN, which is refused below.
            result = np.asarray(np.ma.filled(value(given.copy()), np.nan))
    except InvalidInput:
        raise
    except Exception as error:  # code that a user wrote may raise anything
        allowed = "must be a number, or a function of an array of eigenvalues, and fails: "
        raise InvalidInput(key, value, allowed + f"{type(error).__name__}: {error}") from error
    if result.shape not in ((), given.shape):
        allowed = f"must be a number, or a function that keeps the shape {given.shape}"
        raise InvalidInput(f"{key}.shape", result.shape, allowed)
    if result.dtype.kind not in "iuf":
        raise InvalidInput(key, value, "must be a function that returns an array of real numbers")
    result = np.broadcast_to(result, given.shape).astype(np.float64).reshape(eigenvalue.shape)
    wrong = np.isnan(result) if key == "mean" else ~(result >= 0)
    if wrong.any():
        where = f"{key}(eigenvalue = {float(eigenvalue[wrong][0]):.6g})"
        raise InvalidInput(where, float(result[wrong][0]), DOMAINS[key].text)
    return result


_BREAKPOINT = Domain(lambda x: x >= 0, "must be finite numbers >= 0")
