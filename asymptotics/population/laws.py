r"""Continuous laws of the eigenvalue and its coefficients, laid out along a line.

A quadrature needs a variable in which a law is smooth.  Each law here has one, x, together with the
probability density and the eigenvalue at every x:

- a law with a quantile function Q of its own: :math:`x=\log(u/(1-u))`, :math:`\Lambda=Q(u)`, with
  the density :math:`u(1-u)`.  Power-law singularities and tails decay exponentially in x;
- a law that only has a density f: x is the logit of the place within a bounded support, or the log
  of the distance from its lower end, and the density is :math:`f(\Lambda)\,d\Lambda/dx`;
- a law that only has a distribution function F: the same x, and the density is the derivative of a
  piecewise polynomial through F.  Its error counts as an error of the probability.

To draw from a law without a quantile function of its own, F is inverted at each probability by a
search that closes in on it.  F is the piecewise polynomial, or the integral of one through f; these
polynomials are not the rules of the quadrature, which a simulation puts to the test.
"""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import legendre
from scipy.stats import rv_continuous, rv_histogram

from ..arithmetic import Array
from ..domains import DOMAINS, REAL, Domain
from ..errors import InvalidInput, NoConvergence
from ..parameters import parameter, scalar

SMALLEST, LARGEST = DOMAINS["eigenvalue"].smallest, DOMAINS["eigenvalue"].largest
_LARGEST_STD = DOMAINS["std"].largest

#: Logits of probabilities at which panels end, in the upper half; the last is at 1 - u = 1e-300.
_HALF = np.array([0.0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 690])
#: The largest logit at which a float u still tells how far it is from 1.
_NEAREST = 34.5
#: A quantile function must be right up to this logit on either side.
_LEAST_REACH = 16.0
#: Quantiles at which a law without a quantile function of its own is first looked at.
_FIRST = np.array([0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
#: Places between which quantiles to simulate are searched for, beside the ends of polynomials, and
#: how far they reach beyond the first and the last of those quantiles.
_STEPS, _FAR = 512, 30.0
#: A quantile is found where the distribution function is right to this share of the smaller of the
#: probabilities on either side.  A search ends after so many steps, every fourth a halving.
_FOUND, _MOST_STEPS = 1e-7, 240
#: The error of the distribution function on each piece of the line, where draws are made by it, and
#: what it may be in all; by so much it may fall, or miss 0 and 1 at its ends (or by the tolerance).
_FITTED, _ASIDE = 1e-10, 1e-6
_DEGREE = 16
_MOST_PIECES, _NARROWEST_PIECE = 200, 1e-9
#: Where the distribution function at a quantile differs from its probability by this share or more,
#: the quantile function is not used at this probability nor farther out.
_ASTRAY = 0.5
#: Ends of a line with less density than this share of the largest are left out, and so is less
#: probability than this.
_NO_DENSITY, _NO_MASS = 1e-30, 1e-16
#: A distribution function that is computed as an integral may leave [0, 1] by this much.
_ROUGH = 1e-6
#: If a law fails for an array of no more values than this, each is asked for by itself.
_FEW_VALUES = 64
#: Values of a function must be the same in every array to this accuracy, relative to them or to
#: their median.
_ALIKE = 1e-6
#: The relative rounding of an eigenvalue that a law returns.
_ROUNDING = 8 * np.finfo(np.float64).eps

Coefficient = float | Callable[[Array], Any]


class Columns(NamedTuple):
    """At each point of the line: density of the law along it, and what is there."""

    density: Array
    eigenvalue: Array
    mean: Array
    std: Array


class Draws(NamedTuple):
    """Features drawn from a law: how many are alike, and what they are."""

    sizes: Array
    eigenvalue: Array
    mean: Array
    std: Array


class Law(ABC):
    """A law of the eigenvalue and of the mean and std of its coefficients, to draw from."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        """Features of a model of the law."""

    def scaled(self, eigenvalue: float, coefficient: float) -> "Law":
        """The law with eigenvalues and coefficients multiplied by numbers."""
        return Scaled(self, eigenvalue, coefficient)


class LineLaw(Law):
    """A law along a line."""

    #: What messages call it, and what they say is to be given where it is not accurate enough.
    name = "the eigenvalue law"
    remedy = "give groups"
    #: Panels that a quadrature may take, beside the first ones.
    most_panels = 4000
    #: Whether features narrower than the panels of a quadrature must be searched for.
    has_functions = False

    @property
    @abstractmethod
    def edges(self) -> Array:
        """Ends of the first panels: those of the line, and where the law is not smooth."""

    @property
    def beyond(self) -> float:
        """The probability of what lies beyond the ends of the line."""
        return 0.0

    @abstractmethod
    def at(self, x: Array) -> Columns:
        """The law at points of the line."""

    @abstractmethod
    def places(self, u: Array) -> Array:
        """Where on the line the probabilities u are, by the law itself."""

    @abstractmethod
    def quantiles(self, u: Array) -> tuple[Array, Array, Array]:
        """Eigenvalue, mean and std at probabilities u of the eigenvalue, by the law itself."""

    @abstractmethod
    def coefficients(self, eigenvalue: Array) -> tuple[Array, Array]:
        """Mean and std at eigenvalues, where the law `has_functions`."""

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        """By how much probability the eigenvalues at nodes may be out of place, at most.

        `panels` are their ends, of shape (panels, 2); the places, eigenvalues and weights of
        `nodes` have shape (panels, nodes), in the order of the line.  `slack` is the error of a
        mass that the quadrature knows of.
        """
        return np.zeros_like(x)

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        """One feature, at random, of each of so many equal parts of the law."""
        u = (np.arange(features) + rng.random(features)) / features
        eigenvalue, mean, std = self.quantiles(u)
        return Draws(np.ones(features, dtype=np.int64), *into_range(eigenvalue, mean, std))


def sizes_of(weight: Array, p: int) -> Array:
    """Whole numbers in proportion to `weight`, with sum `p`: sums from the left are rounded."""
    ends = np.rint(np.cumsum(weight) / weight.sum() * p).astype(np.int64)
    return np.diff(ends, prepend=0)


def into_range(eigenvalue: Array, mean: Array, std: Array) -> tuple[Array, Array, Array]:
    r"""Eigenvalues too small for a population at its least one, with the same :math:`\Lambda B^2`.

    A quantile that underflows is not zero: a feature of eigenvalue 0 would not count as one.
    """
    low = (eigenvalue > 0) & (eigenvalue < SMALLEST)
    shrink = np.where(low, np.sqrt(np.where(low, eigenvalue, 1) / SMALLEST), 1)
    std = shrink * std
    std = np.where(std < DOMAINS["std"].smallest, 0, std)
    return np.where(low, SMALLEST, eigenvalue), shrink * mean, std


def in_range(eigenvalue: Array, mean: Array, std: Array) -> Array:
    """Which of them are not too large for a population to hold."""
    within = (eigenvalue <= LARGEST) & (abs(mean) <= DOMAINS["mean"].largest)
    return np.asarray(within & (std <= _LARGEST_STD))


# -- the eigenvalue alone ------------------------------------------------------------------------


class _Line(ABC):
    """A law of the eigenvalue alone, along a line."""

    #: Ends of the first panels.
    edges: Array
    most_panels = 4000
    #: As in `LineLaw`.
    remedy = "give the law a _ppf and an _isf of its own, or groups"

    @abstractmethod
    def at(self, x: Array) -> tuple[Array, Array]:
        """Density and eigenvalue."""

    @abstractmethod
    def place(self, eigenvalue: Array) -> Array:
        """Where on the line an eigenvalue is."""

    @abstractmethod
    def places(self, u: Array) -> Array:
        """As in `LineLaw`."""

    @abstractmethod
    def quantiles(self, u: Array) -> Array:
        """Eigenvalues at probabilities."""

    @property
    def beyond(self) -> float:
        """The probability of what lies beyond the ends of the line."""
        return 0.0

    @abstractmethod
    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        """As in `Law`."""


class _ByQuantile(_Line):
    """By the quantile function, over the logit of the probability."""

    def __init__(self, law: Any) -> None:
        self._law = law
        self.remedy = "give groups"
        if _is_generic(law, "_isf"):
            self.remedy = "give the law an _isf of its own, or groups"
        # SciPy's distribution functions are 0 at the end of the support, whatever is there.
        least, small = _call(law, "cdf", np.array([np.finfo(np.float64).tiny, SMALLEST])).tolist()
        #: Probability that the eigenvalue is 0, not just very small.
        self._dead = least if small - least <= _ROUNDING * least else 0.0
        upper = _NEAREST if _is_generic(law, "_isf") else _HALF[-1]
        grid = np.unique(np.concatenate([-_HALF, [-_NEAREST], np.minimum(_HALF, upper)]))
        self.edges = grid
        values = self._quantile(grid)
        with np.errstate(invalid="ignore"):
            known = np.isfinite(values) & (self._misfit(grid, values) <= _ASTRAY)
        self.edges = grid[_reliable(known, len(grid) // 2)]
        if self.edges.size < 2 or self.edges[0] > -_LEAST_REACH or self.edges[-1] < _LEAST_REACH:
            bad = grid[~known][np.argmin(abs(grid[~known]))]
            allowed = "must be the eigenvalue below which it lies, by the law's cdf"
            raise InvalidInput("eigenvalue.ppf", float(_probability(bad)[0]), allowed)
        if 0 < self._dead < 1:
            self.edges = np.unique([*self.edges, math.log(self._dead / (1 - self._dead))])

    def _quantile(self, x: Array) -> Array:
        u, rest = _probability(x)
        low = u < 0.5
        eigenvalue = np.empty_like(u)
        eigenvalue[low] = _call(self._law, "ppf", u[low])
        eigenvalue[~low] = _call(self._law, "isf", rest[~low])
        least = np.where(u <= self._dead, 0.0, np.finfo(np.float64).tiny)
        return np.maximum(eigenvalue, least)  # NaN stays

    def at(self, x: Array) -> tuple[Array, Array]:
        u, rest = _probability(x)
        eigenvalue = self._quantile(x)
        if np.isnan(eigenvalue).any():
            where = float(u[np.isnan(eigenvalue)][0])
            raise InvalidInput("eigenvalue.ppf", where, "must be a number there, and is NaN")
        return u * rest, eigenvalue

    def place(self, eigenvalue: Array) -> Array:
        below, above = (_call(self._law, name, eigenvalue) for name in ("cdf", "sf"))
        return _logit(below, above)

    def places(self, u: Array) -> Array:
        with np.errstate(divide="ignore"):
            x = np.log(u) - np.log1p(-u)
        return np.clip(x, self.edges[0], self.edges[-1])

    def quantiles(self, u: Array) -> Array:
        return self._quantile(self.places(u))

    @property
    def beyond(self) -> float:
        return float(_probability(self.edges[0])[0] + _probability(self.edges[-1])[1])

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        """By how much the distribution function at a quantile is not its probability."""
        u, rest = _probability(x)
        return np.where(weight > 0, self._misfit(x, nodes) * np.minimum(u, rest), 0)

    def _misfit(self, x: Array, eigenvalue: Array) -> Array:
        """The same, relative to the smaller of u and 1 - u; rounding of the eigenvalue is none."""
        u, rest = _probability(x)
        error = np.zeros_like(u)
        for name, given, side, sign in (("cdf", u, x < 0, 1), ("sf", rest, x >= 0, -1)):
            below, above = (
                _call(self._law, name, eigenvalue[side] * (1 + sign * step))
                for step in (-_ROUNDING, _ROUNDING)
            )
            known = given[side]
            off = np.maximum(np.maximum(below / known - 1, 1 - above / known) - 4 * _ROUNDING, 0)
            error[side] = np.where(np.isnan(off), np.inf, off)
        least = _call(self._law, "cdf", np.array([SMALLEST]))
        small = (eigenvalue <= SMALLEST) & (u <= least)  # which the least eigenvalue stands for
        error[small | ((eigenvalue == 0) & (u <= self._dead))] = 0
        return error


class _Mapped(_Line):
    """Over the logit of the place in a bounded support, or the log of the distance from its end."""

    most_panels = 400  # each evaluation may be an integral

    def __init__(self, law: Any, known: Array, tolerance: float) -> None:
        self._law, self._tolerance = law, tolerance
        self.low, self.high = (float(end) for end in law.support())
        if math.isinf(self.high):
            middle = float(np.median(known)) - self.low
            self._scale = middle if middle > 0 else 1.0
        else:
            self._scale = self.high - self.low
        # Farther out the eigenvalue is no other number than the end of the support.
        nearest = 4 * np.finfo(np.float64).eps * self.low / self._scale
        lowest = math.log(nearest) if nearest > 0 else -_HALF[-1]
        highest = 36.0 if math.isfinite(self.high) else 300.0
        places = self.place(known)
        if not places.size:
            raise InvalidInput("eigenvalue.ppf", float(known[0]), "must lie inside the support")
        self._first, self._last = float(places[0]), float(places[-1])
        grid = np.unique(np.concatenate([-_HALF, _HALF, places]))
        grid = grid[(grid > lowest) & (grid < highest)]
        self.edges = np.concatenate([[lowest], grid, [highest]])

    def eigenvalue(self, t: Array) -> Array:
        if math.isinf(self.high):
            return self.low + self._scale * np.exp(t)
        return self.low + self._scale / (1 + np.exp(-t))

    def slope(self, t: Array) -> Array:
        """The derivative of the eigenvalue along the line."""
        if math.isinf(self.high):
            return self._scale * np.exp(t)
        return self._scale / ((1 + np.exp(-t)) * (1 + np.exp(t)))

    def place(self, eigenvalue: Array) -> Array:
        inside = (eigenvalue > self.low) & (eigenvalue < self.high)
        eigenvalue = eigenvalue[inside]
        place = np.log(eigenvalue - self.low)
        if math.isinf(self.high):
            return np.asarray(place - math.log(self._scale))
        return np.asarray(place - np.log(self.high - eigenvalue))

    @abstractmethod
    def fitted(self) -> "_Pieces":
        """The distribution function, to draw by; raises `NoConvergence` where it is too rough."""

    def places(self, u: Array) -> Array:
        return _inverse(*self._ladder, u)

    def quantiles(self, u: Array) -> Array:
        return self.eigenvalue(self.places(u))

    @cached_property
    def _ladder(self) -> "tuple[_Pieces, Array, Array]":
        """The distribution function, places, and its values there, which do not fall."""
        low, high = max(self.edges[0], self._first - _FAR), min(self.edges[-1], self._last + _FAR)
        function = self.fitted()
        t = np.unique(np.concatenate([np.linspace(low, high, _STEPS), function.edges]))
        values = function.at(t)
        rising = np.clip(np.maximum.accumulate(values), 0, 1)
        lost = max(self._tolerance, _ASIDE)  # that much the population may lack, too
        for wrong, allowed in (
            (rising - values > _ASIDE, "must not fall"),
            ((t == t[0]) & (values > lost), "must be 0 at the lower end of the law"),
            ((t == t[-1]) & (values < 1 - lost), "must be 1 at the upper end of the law"),
        ):
            if wrong.any():
                where = f"eigenvalue.cdf({float(self.eigenvalue(t[wrong])[0]):.6g})"
                allowed += ", for draws of it: give the law an exact _cdf or _ppf, or groups"
                raise InvalidInput(where, float(values[wrong][0]), allowed)
        return function, t, rising

    def _mass(self, panels: Array, x: Array, weight: Array) -> Array:
        """The probability of panels, with that of nodes whose mean or std is out of range."""
        out = weight == 0
        density = np.zeros_like(x)
        density[out], _ = self.at(x[out])
        rule = legendre.leggauss(x.shape[1])[1] * np.diff(panels) / 2
        return np.asarray((weight + rule * density).sum(axis=1))


class _ByDensity(_Mapped):
    """By the density."""

    def __init__(self, law: Any, known: Array, breakpoints: Array, tolerance: float) -> None:
        super().__init__(law, known, tolerance)
        density, _ = self.at(self.edges)
        if not density.any():
            raise InvalidInput("eigenvalue.pdf", law, "must be > 0 where the quantiles are")
        there = np.flatnonzero(density > _NO_DENSITY * density.max())
        edges = self.edges[max(there[0] - 1, 0) : there[-1] + 2]
        breaks = self.place(breakpoints)
        inside = breaks[(breaks > edges[0]) & (breaks < edges[-1])]
        self.edges = np.unique(np.concatenate([edges, inside]))

    def at(self, x: Array) -> tuple[Array, Array]:
        eigenvalue = self.eigenvalue(x)
        density = _call(self._law, "pdf", eigenvalue)
        wrong = ~(density >= 0) | ~np.isfinite(density)
        if wrong.any():
            where = float(eigenvalue[wrong][0])
            allowed = f"must be a finite number >= 0, and is {float(density[wrong][0])}"
            raise InvalidInput("eigenvalue.pdf", where, allowed)
        return density * self.slope(x), eigenvalue

    def fitted(self) -> "_Pieces":
        """The integral of the density, which SciPy would compute anew for every value."""
        density = _pieces(lambda x: self.at(x)[0], self.edges, lambda a, b: _FITTED / (b - a))
        integral = density.integral()
        mass = float(integral.at(self.edges[-1:])[0])
        error = abs(mass - 1) + float(density.error @ np.diff(density.edges))
        if error > max(self._tolerance, _ASIDE):
            raise NoConvergence(
                f"the density of the eigenvalue law has the integral {mass:.9g}, known to "
                f"{error:.1e} only, too rough to draw by: name the eigenvalues where it jumps, "
                "bends or has a peak in breakpoints=, or give the law a _ppf, or groups"
            )
        return integral._replace(series=integral.series / mass)

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        """What of the mass is missing; and how far masses are from the distribution function."""
        mass = self._mass(panels, x, weight)
        total = np.cumsum(mass)
        error = np.full(len(panels), abs(total[-1] - 1))
        if _is_generic(self._law, "_cdf"):
            self._require_mass(float(total[-1]), 1.0, "in all")
        else:
            ends = self.eigenvalue(np.append(panels[:1, 0], panels[:, 1]))
            there = _call(self._law, "cdf", ends)
            rise = np.diff(there)
            worst = int(np.argmax(abs(rise - mass)))
            place = f"from {ends[worst]:.6g} to {ends[worst + 1]:.6g}"
            self._require_mass(float(mass[worst]), float(rise[worst]), place)
            error = np.maximum(error, abs(there[1:] - total))
        error = np.maximum(error - slack - 64 * np.finfo(np.float64).eps, 0)
        return np.broadcast_to(np.minimum(error, _beyond(weight))[:, None], x.shape)

    def _require_mass(self, mass: float, known: float, place: str) -> None:
        """Raise `NoConvergence` if the integral of the density is not what it has to be."""
        if abs(mass - known) > self._tolerance:
            raise NoConvergence(
                f"the density of the eigenvalue law has the integral {mass:.6g} {place}, which has "
                f"to be {known:.6g}: _pdf or _cdf is wrong, or a peak, jump or pole was missed; "
                "name its eigenvalue in breakpoints=, ask for a larger tolerance, or give groups"
            )


class _ByDistribution(_Mapped):
    """By the distribution function, interpolated by polynomials."""

    def __init__(self, law: Any, known: Array, breakpoints: Array, tolerance: float) -> None:
        super().__init__(law, known, tolerance)
        ends = self._reach(self.edges[0], self.edges[-1])
        edges = np.unique(np.concatenate([self.edges, self.place(breakpoints), ends]))
        edges = edges[(edges >= ends[0]) & (edges <= ends[1])]
        pieces = self._fit(edges, 1e-3 * tolerance)
        _require_smooth(pieces, self, tolerance)
        self._error = pieces.error
        self.edges = pieces.edges
        self._density = pieces.derivative()

    def below(self, t: Array) -> Array:
        """The probability of eigenvalues up to those at places."""
        return _distribution(self._law, self.eigenvalue(t))

    def _fit(self, edges: Array, error: float) -> "_Pieces":
        """The distribution function to an error, or as well as eigenvalues are told apart."""

        def allowed(left: Array, right: Array) -> Array:
            slope = (self.below(right) - self.below(left)) / (right - left)
            middle = (left + right) / 2
            return np.maximum(
                error, slope / self.slope(middle) * _ROUNDING * self.eigenvalue(right)
            )

        return _pieces(self.below, edges, allowed)

    def fitted(self) -> "_Pieces":
        pieces = self._fit(self.edges, _FITTED)
        if (rough := float(pieces.error.max())) > _ASIDE:
            raise NoConvergence(
                f"the distribution function of the eigenvalue law is smooth to {rough:.1e} only, "
                "too rough to draw by: name those where it bends in breakpoints=, or give the "
                "law a _pdf or _ppf, or groups"
            )
        return pieces

    def _reach(self, low: float, high: float) -> tuple[float, float]:
        """Where the law is, but for probability that the rounding of 1 would hide."""
        places = np.arange(low, high)
        for _ in range(2):
            probability = _call(self._law, "cdf", self.eigenvalue(places))
            there = np.flatnonzero((probability > _NO_MASS) & (probability < 1 - 100 * _NO_MASS))
            if not there.size:
                allowed = "must rise over a range of eigenvalues; one eigenvalue alone is a group"
                raise InvalidInput("eigenvalue.cdf", self._law, allowed)
            first, last = float(places[there[0]]), float(places[there[-1]])
            fine = np.linspace(0, 1, 65)
            places = np.clip(np.concatenate([first - 1 + fine, last + fine]), low, high)
        return first, last

    def at(self, x: Array) -> tuple[Array, Array]:
        density = self._density.at(x)
        return np.maximum(density, 0), self.eigenvalue(x)

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        """By how much the polynomials miss the distribution function."""
        mass = np.cumsum(self._mass(panels, x, weight))
        there = _call(self._law, "cdf", self.eigenvalue(panels[:, 1]))
        error = np.maximum(abs(there - mass) - slack, 0) + self._error.max()
        return np.broadcast_to(np.minimum(error, _beyond(weight))[:, None], x.shape)


def _beyond(weight: Array) -> Array:
    """What lies in each panel or above it: more than that is not out of place there."""
    return np.asarray(np.cumsum(weight.sum(axis=1)[::-1])[::-1])


def _require_smooth(pieces: "_Pieces", line: _ByDistribution, tolerance: float) -> None:
    """Raise `NoConvergence` where the distribution function is no polynomial on small pieces."""
    worst = int(np.argmax(pieces.error))
    rough, ends = float(pieces.error[worst]), pieces.edges[worst : worst + 2]
    where = float(line.eigenvalue(ends)[1])
    first, last, before, after = line.below(np.append(pieces.edges[[0, -1]], ends)).tolist()
    narrow = rough > tolerance and ends[1] - ends[0] < _NARROWEST_PIECE
    name = "the distribution function of the eigenvalue law"
    for jump, at in (
        (first, line.low),
        (1 - last if math.isfinite(line.high) else 0.0, line.high),
        (after - before if narrow else 0.0, where),
    ):
        if jump > max(tolerance, rough, _ASIDE):
            raise NoConvergence(
                f"{name} rises by {jump:.3g} at the eigenvalue {at:.6g}, or next to it: features "
                "that are alike are a group; give the law without them, and join both by "
                "Population.mixture"
            )
    if rough > tolerance:
        raise NoConvergence(
            f"{name} is smooth to {rough:.1e} only, not to the tolerance {tolerance:g}, near the "
            f"eigenvalue {where:.6g}: name those where it bends in breakpoints=, ask for a larger "
            "tolerance, or give the law a _pdf or _ppf, or groups"
        )


class _Pieces(NamedTuple):
    """A function along the line by a Legendre series between each two edges."""

    edges: Array
    #: Of shape (pieces, terms).
    series: Array
    #: How far each series is from the function.
    error: Array

    def at(self, x: Array) -> Array:
        piece = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.series) - 1)
        left, right = self.edges[piece], self.edges[piece + 1]
        terms = np.moveaxis(self.series[piece], -1, 0)
        return np.asarray(legendre.legval((2 * x - left - right) / (right - left), terms, False))

    def derivative(self) -> "_Pieces":
        return self._replace(series=legendre.legder(self.series, axis=1) / self._half)

    def integral(self) -> "_Pieces":
        """The integral from the first edge on."""
        series = legendre.legint(self.series, lbnd=-1, axis=1) * self._half
        series[1:, 0] += np.cumsum(series.sum(axis=1))[:-1]
        return self._replace(series=series)

    @property
    def _half(self) -> Array:
        return np.diff(self.edges)[:, None] / 2


def _pieces(
    function: Callable[[Array], Array], edges: Array, allowed: Callable[[Array, Array], Array]
) -> _Pieces:
    """A function by polynomials on pieces that are halved until it is, or they are too many.

    The error that is allowed on a piece is a function of its ends.
    """
    left, right = edges[:-1], edges[1:]
    done: list[tuple[Array, Array, Array]] = []
    while left.size:
        x = (left + right)[:, None] / 2 + (right - left)[:, None] / 2 * _CHEBYSHEV
        values = function(x)
        series = values[:, ::2] @ _TO_SERIES.T
        error = abs(values[:, 1::2] - series @ _BETWEEN.T).max(axis=1)
        many = sum(len(piece[0]) for piece in done) + left.size > _MOST_PIECES
        good = (error <= allowed(left, right)) | (right - left < _NARROWEST_PIECE) | many
        done.append((left[good], series[good], error[good]))
        left, right = left[~good], right[~good]
        middle = (left + right) / 2
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    starts, series, error = (np.concatenate(column) for column in zip(*done, strict=True))
    order = np.argsort(starts)
    return _Pieces(np.append(starts[order], edges[-1]), series[order], error[order])


_CHEBYSHEV = -np.cos(np.linspace(0, np.pi, 2 * _DEGREE + 1))
_TO_SERIES = np.linalg.inv(legendre.legvander(_CHEBYSHEV[::2], _DEGREE))
_BETWEEN = legendre.legvander(_CHEBYSHEV[1::2], _DEGREE)


def _inverse(function: _Pieces, places: Array, values: Array, wanted: Array) -> Array:
    """Where a function that does not fall, known at some places, has the values wanted.

    Each place is searched for by itself: where the logit would be as wanted if it were linear
    between both ends of what is left of its interval, or halfway; a jump is found to a rounding.
    """
    start = np.clip(np.searchsorted(values, wanted, side="right") - 1, 0, len(places) - 2)
    low, high = places[start], places[start + 1]
    at_low, at_high = values[start], values[start + 1]
    found = np.where(wanted < at_low, low, high)
    searched = np.flatnonzero((wanted >= at_low) & (wanted <= at_high))
    aim, near = _logit(wanted, 1 - wanted), _FOUND * np.minimum(wanted, 1 - wanted)
    for step in range(_MOST_STEPS):
        if not searched.size:
            break
        a, b = low[searched], high[searched]
        ends = (_logit(end[searched], 1 - end[searched]) for end in (at_low, at_high))
        below, above = (end - aim[searched] for end in ends)
        with np.errstate(invalid="ignore", divide="ignore"):
            x = (a * above - b * below) / (above - below)
        middle = (a + b) / 2
        x = np.where((x > a) & (x < b) & (step % 4 != 3), x, middle)
        there = np.clip(function.at(x), 0, 1)
        found[searched] = x
        up = there < wanted[searched]
        low[searched[up]], at_low[searched[up]] = x[up], there[up]
        high[searched[~up]], at_high[searched[~up]] = x[~up], there[~up]
        done = abs(there - wanted[searched]) <= near[searched]
        searched = searched[~done & (middle > a) & (middle < b)]
    return found


def _logit(below: Array, above: Array) -> Array:
    """The logit of probabilities below and above."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(below) - np.log(above))


def _probability(x: Array) -> tuple[Array, Array]:
    """u and 1 - u, each to full relative accuracy, from their logit."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))


def _reliable(good: Array, middle: int) -> slice:
    """The part of a grid around its middle that is good without a gap."""
    bad = np.flatnonzero(~good)
    low = bad[bad < middle].max(initial=-1) + 1
    return slice(int(low), int(bad[bad >= middle].min(initial=len(good))))


def _call(law: Any, name: str, values: Array) -> Array:
    """A method of a law; what it warns of while it computes is judged by what it returns."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = np.asarray(getattr(law, name)(values.copy()))
        except (ArithmeticError, ValueError) as error:
            if values.size > _FEW_VALUES:
                raise _failed(law, name, error) from error
            result = np.array([_one(law, name, value) for value in values.ravel()])
            result = result.reshape(values.shape)
        except Exception as error:  # whatever a law that a user wrote does
            raise _failed(law, name, error) from error
    if result.shape != values.shape or result.dtype.kind not in "iuf":
        allowed = f"must keep the shape {values.shape} of an array of numbers"
        raise InvalidInput(f"eigenvalue.{name}", result.shape, allowed)
    result = result.astype(np.float64)
    if name in ("cdf", "sf"):
        slightly = (result >= -_ROUGH) & (result <= 1 + _ROUGH)
        result = np.where(slightly, np.clip(result, 0, 1), result)
    return result


def _failed(law: Any, name: str, error: Exception) -> InvalidInput:
    allowed = f"must take an array of numbers, and fails: {type(error).__name__}: {error}"
    return InvalidInput(f"eigenvalue.{name}", law, allowed)


def _distribution(law: Any, eigenvalue: Array) -> Array:
    """The distribution function of a law; raises `InvalidInput` where it is no probability."""
    values = _call(law, "cdf", eigenvalue)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        where = f"eigenvalue.cdf({float(eigenvalue[wrong][0]):.6g})"
        raise InvalidInput(where, float(values[wrong][0]), "must lie in [0, 1]")
    return values


def _one(law: Any, name: str, value: float) -> float:
    """A method of a law at one number; NaN where it fails."""
    try:
        return float(getattr(law, name)(value))
    except (ArithmeticError, ValueError, TypeError):
        return math.nan


def _is_generic(law: Any, method: str) -> bool:
    """Whether a law of ``scipy.stats`` leaves a method to its base class, which computes slowly."""
    family = getattr(law, "dist", law)
    if not isinstance(family, rv_continuous):
        return False
    own = getattr(family, method)
    return getattr(own, "__func__", own) is getattr(rv_continuous, method)


# -- with coefficients ---------------------------------------------------------------------------


class ContinuousLaw(LineLaw):
    """A frozen continuous distribution of ``scipy.stats``, with mean and std as functions of it."""

    def __init__(
        self, law: Any, mean: Coefficient, std: Coefficient, breakpoints: Any, tolerance: float
    ) -> None:
        _require_law(law)
        self._mean, self._std = mean, std
        self.has_functions = callable(mean) or callable(std)
        breaks = _breakpoints(law, breakpoints)
        self._line = _line(law, breaks, tolerance)
        self.most_panels, self.remedy = self._line.most_panels, self._line.remedy
        places = self._line.place(breaks)
        edges = self._line.edges
        inside = places[(places > edges[0]) & (places < edges[-1])]
        self._edges = np.unique(np.concatenate([edges, inside]))
        self._require_apart(law)

    def _require_apart(self, law: Any) -> None:
        """Raise `InvalidInput` for a method or function that looks at the array as a whole."""
        _, eigenvalue = self._line.at((self._edges[1:] + self._edges[:-1]) / 2)
        for name, places in (("pdf", eigenvalue), ("cdf", eigenvalue), ("ppf", _FIRST)):
            if not _is_generic(law, f"_{name}"):
                _require_apart(f"eigenvalue.{name}", partial(_call, law, name), places)
        for key, given in (("mean", self._mean), ("std", self._std)):
            if callable(given):
                _require_apart(key, partial(_evaluate, key, given), _held(eigenvalue))

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
        within = _held(eigenvalue)
        return _evaluate("mean", self._mean, within), _evaluate("std", self._std, within)

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: float
    ) -> Array:
        return self._line.misplaced(panels, x, nodes, weight, slack)

    @property
    def beyond(self) -> float:
        return self._line.beyond


@dataclass(frozen=True)
class PowerLaw(LineLaw):
    """Eigenvalues u^-capacity with coefficient variances u^-source."""

    name = "the power law"
    capacity: float
    source: float

    def coefficients(self, eigenvalue: Array) -> tuple[Array, Array]:
        raise NotImplementedError("mean and std are functions of u")

    @property
    def edges(self) -> Array:
        return np.concatenate([-_HALF[:0:-1], _HALF])

    def at(self, x: Array) -> Columns:
        u, rest = _probability(x)
        return Columns(u * rest, *self.quantiles(u))

    def places(self, u: Array) -> Array:
        return _logit(u, 1 - u)

    def quantiles(self, u: Array) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", divide="ignore"):
            eigenvalue = u**-self.capacity
            low = eigenvalue < SMALLEST  # as `into_range`, before it underflows
            std = u ** (-self.source / 2)
            moved = u ** (-(self.capacity + self.source) / 2) / math.sqrt(SMALLEST)
        return np.where(low, SMALLEST, eigenvalue), np.zeros_like(u), np.where(low, moved, std)


@dataclass(frozen=True)
class Scaled(Law):
    """Another law with eigenvalues and coefficients multiplied by numbers."""

    law: Law
    eigenvalue: float
    coefficient: float

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes, eigenvalue, mean, std = self.law.draw(rng, features)
        mean, std = self.coefficient * mean, abs(self.coefficient) * std
        return Draws(sizes, *into_range(self.eigenvalue * eigenvalue, mean, std))


@dataclass(frozen=True)
class SomeGroups(Law):
    """Groups, in the place of a law: features in proportion to their weights."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes = sizes_of(self.weight, features)
        return Draws(sizes, self.eigenvalue, self.mean, self.std)


@dataclass(frozen=True)
class Mixture(Law):
    """Laws with their weights."""

    weights: tuple[float, ...]
    parts: tuple[Law, ...]

    def draw(self, rng: np.random.Generator, features: int) -> Draws:
        sizes = sizes_of(np.array(self.weights), features).tolist()
        pairs = zip(self.parts, sizes, strict=True)
        drawn = [part.draw(rng, size) for part, size in pairs if size > 0]
        return Draws(*(np.concatenate(column) for column in zip(*drawn, strict=True)))


def power_law(capacity: Any, source: Any) -> PowerLaw:
    """The power law of two exponents; raises `InvalidInput` for those that it does not allow."""
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


#: Then the eigenvalue is above 1e-135 for all but one in a thousand of the features.
_LEAST_CAPACITY = -45.0


def _require_law(law: Any) -> None:
    if not all(callable(getattr(law, name, None)) for name in _METHODS):
        allowed = "must be a frozen continuous distribution of scipy.stats, such as gamma(2)"
        if callable(getattr(law, "pmf", None)) and not callable(getattr(law, "pdf", None)):
            allowed += "; a discrete law is groups: Population(weight, eigenvalue, mean, std)"
        raise InvalidInput("eigenvalue", law, allowed)
    try:
        low, high = (np.asarray(end, dtype=np.float64) for end in law.support())
    except TypeError as error:  # a law without its shape parameters
        raise InvalidInput("eigenvalue", law, f"must be frozen: {error}") from None
    except Exception as error:  # whatever a law that a user wrote does
        allowed = f"must be two numbers, and fails: {type(error).__name__}: {error}"
        raise InvalidInput("eigenvalue.support", law, allowed) from error
    if low.ndim or high.ndim:
        allowed = "must be one law, and its parameters are arrays: Population.mixture joins several"
        raise InvalidInput("eigenvalue", law, allowed)
    if not (low >= 0 and high > 0 and high > low):
        raise InvalidInput("eigenvalue.support", (float(low), float(high)), "must lie in [0, inf)")
    if _is_generic(law, "_cdf") and _is_generic(law, "_pdf"):
        allowed = (
            "must have a _cdf or a _pdf of its own, also beside a _ppf: SciPy computes each of "
            "them from the other"
        )
        raise InvalidInput("eigenvalue", law, allowed)


_METHODS = ("pdf", "cdf", "sf", "ppf", "isf", "support")


def _breakpoints(law: Any, given: Any) -> Array:
    """Eigenvalues at which something is known to be no smooth function, given or by the law."""
    breaks = parameter("breakpoints", given, _BREAKPOINT) if np.size(given) else np.empty(0)
    if breaks.ndim > 1:
        raise InvalidInput("breakpoints.shape", breaks.shape, "must be a list of eigenvalues")
    breaks = np.atleast_1d(breaks).astype(np.float64)
    family = getattr(law, "dist", law)
    if isinstance(family, rv_histogram):
        # SciPy keeps the bins in a private attribute, which its types do not know.
        bins = np.asarray(getattr(family, "_histogram")[1], dtype=np.float64)  # noqa: B009
        (low, high), (first, last) = law.support(), bins[[0, -1]]
        breaks = np.concatenate([breaks, low + (bins - first) * ((high - low) / (last - first))])
    return np.unique(breaks)


def _line(law: Any, breaks: Array, tolerance: float) -> _Line:
    """A law along the line that suits it."""
    if not _is_generic(law, "_ppf"):
        return _ByQuantile(law)
    known = _call(law, "ppf", _FIRST)
    if not np.isfinite(known).all():
        raise InvalidInput("eigenvalue.ppf", law, "must be finite between 0 and 1")
    if not _is_generic(law, "_pdf"):
        return _ByDensity(law, known, breaks, tolerance)
    return _ByDistribution(law, known, breaks, tolerance)


def _require_apart(key: str, function: Callable[[Array], Array], places: Array) -> None:
    """Raise `InvalidInput` for a function whose value at a place depends on other places."""
    places = np.unique(places)
    # Some of them, without the first, the last and the middle one, and in another order.
    some = slice(1, places.size // 2)
    values = function(places)
    first, second = values[some], function(places[some][::-1])[::-1]
    # A difference of large numbers may be rounded otherwise in another array.
    rounding = _ALIKE * np.median(np.nan_to_num(abs(values)))
    same = np.isclose(first, second, rtol=_ALIKE, atol=rounding, equal_nan=True)
    if not same.all():
        one = int(np.argmin(same))
        allowed = "must depend on this number alone, and not on others of its array: in another "
        raise InvalidInput(
            f"{key}({places[some][one]:.6g})",
            float(first[one]),
            f"{allowed}array it is {float(second[one]):.6g}",
        )


def _held(eigenvalue: Array) -> Array:
    """Eigenvalues moved into the range of a population, but for 0."""
    return np.clip(eigenvalue, np.where(eigenvalue == 0, 0, SMALLEST), LARGEST)


def _evaluate(key: str, value: Any, eigenvalue: Array) -> Array:
    """A mean or std at eigenvalues; infinite where it is beyond the range of numbers."""
    if not callable(value):
        constant = scalar(key, value, DOMAINS[key])
        return np.full(eigenvalue.shape, float(constant))
    given = eigenvalue.ravel()  # of one dimension always: a function may look at it
    try:
        with np.errstate(all="ignore"):
            # What is masked becomes NaN, which is refused, and not what lies under the mask.
            result = np.asarray(np.ma.filled(value(given.copy()), np.nan))
    except InvalidInput:
        raise
    except Exception as error:  # whatever a function that a user wrote does
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
