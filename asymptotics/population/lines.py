r"""Laws of the eigenvalue alone, laid out along a line.

A quadrature needs a variable x in which a law is smooth.  This module chooses one for
a distribution of ``scipy.stats``, by the methods that the distribution has of its own:

- `_ByQuantile`, by a quantile function Q: :math:`x=\log(u/(1-u))` is the logit of the probability
  u, :math:`\Lambda=Q(u)`, and the density along the line is :math:`du/dx=u(1-u)`.  Singularities
  and tails that are powers decay exponentially in x;
- `_ByDensity`, by a density f: on a bounded support [l, h], x is the logit of
  :math:`(\Lambda-l)/(h-l)`; on an unbounded one, x is :math:`\log(\Lambda-l)` up to a constant.
  The density along the line is :math:`f(\Lambda)\,d\Lambda/dx`;
- `_ByDistribution`, by a distribution function F: the same x, and the density is the derivative of
  a piecewise polynomial that interpolates F.  The error of the polynomial counts as an error of the
  probability.

A simulation draws from the law by its quantiles.  Without a quantile function, F is inverted
numerically; F is then the piecewise polynomial, or the integral of one through f.  These
polynomials are not those of the quadrature, so that the simulation tests it independently.
"""

import math
import warnings
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from scipy.stats import rv_continuous

from ..arithmetic import Array
from ..domains import DOMAINS
from ..errors import InvalidInput, NoConvergence
from .piecewise import NARROWEST_PIECE, Piecewise, fitted_pieces, inverse, logit

_SMALLEST = DOMAINS["eigenvalue"].smallest

#: Logits at which the first panels end, for probabilities above 1/2.  The last is that of
#: 1 - u = 1e-300.
PANEL_LOGITS = np.array([0.0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 690])
#: At a larger logit, a float u that is close to 1 no longer has digits of 1 - u.
_LARGEST_LOGIT = 34.5
#: A quantile function must agree with the distribution function from minus this logit to this one.
_LEAST_REACH = 16.0
#: Probabilities at which the quantiles of a law without a quantile function are computed first.
FIRST_PROBABILITIES = np.array([0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
#: Quantiles for a simulation are bracketed by a table of the distribution function, at the edges of
#: the polynomials and at this many places more.  The table extends past the first and the last of
#: the quantiles computed first, by this length along the line.
_TABLE_SIZE, _TABLE_MARGIN = 512, 30.0
#: The error aimed at on each piece, when a distribution function is fitted for a simulation.
_FIT_TOLERANCE = 1e-10
#: Errors of a distribution function that are accepted in a simulation: of the fit, of a decrease,
#: and of the values at the ends of the line.  (For the first and the last, the tolerance of the
#: quadrature if it is larger.)
_CDF_SLACK = 1e-6
#: A quantile function is not used from the probability on at which it disagrees with the
#: distribution function by this fraction of the probability.
_MISFIT_LIMIT = 0.5
#: Ends of a line are left out where the density is less than this fraction of the largest, or where
#: less than this probability lies beyond.
_NEGLIGIBLE_DENSITY, _NEGLIGIBLE_MASS = 1e-30, 1e-16
#: If a distribution function rises by more than this in the last 64th of its range, the line is
#: continued by this length, on which the tail is seen to have ended.
_JUMP_AT_END, _LEVEL = 1e-12, 6.0
#: A density without a distribution function to test it may leave out only little probability, at
#: any tolerance, for nothing tells at which eigenvalue it is: this much at the typical eigenvalue,
#: in proportion less if the largest is larger, but no less than the second number.
_UNSEEN_MOMENT, _UNSEEN_MASS = 1e-7, 1e-10
#: The rounding error of a sum of many weights.
_SUM_ROUNDING = 64 * float(np.finfo(np.float64).eps)
#: A distribution function that SciPy integrates numerically may leave [0, 1] by this much.
_CDF_ROUNDING = 1e-6
#: If a method fails for an array of at most this many values, each value is evaluated alone.
_FEW_VALUES = 64
#: The relative rounding error that an eigenvalue from a law may have.
_ROUNDING = 8 * np.finfo(np.float64).eps


class Line(ABC):
    """A law of the eigenvalue along a line, without coefficients; the line of a `ContinuousLaw`."""

    #: Ends of the first panels, of shape (panels + 1,).
    edges: Array
    most_panels = 4000
    #: The error that the integral of the density may have, at any tolerance.
    mass_error = math.inf
    #: Whether the density has no rounding error that may look like an endless tail.
    clear_tails = True
    #: The advice that messages give.
    remedy = "give the law a _ppf and an _isf of its own, or groups"

    @abstractmethod
    def at(self, x: Array) -> tuple[Array, Array]:
        """The density along the line, and the eigenvalue, at places x."""

    @abstractmethod
    def locate(self, eigenvalue: Array) -> Array:
        """The places x of eigenvalues; those outside the support may be left out."""

    @abstractmethod
    def places(self, u: Array) -> Array:
        """The places x up to which the probability is u."""

    @abstractmethod
    def quantiles(self, u: Array) -> Array:
        """The eigenvalues up to which the probability is u."""

    @property
    def beyond(self) -> float:
        """The probability of all eigenvalues beyond the ends of the line."""
        return 0.0

    @abstractmethod
    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        """A bound of the probability that is misplaced at nodes; see `LineLaw.misplaced`."""


class _ByQuantile(Line):
    """A law by its quantile function Q, along the logit of the probability.

    SciPy's names: ``ppf`` is Q(u), ``isf`` is Q(1 - u), ``cdf`` is F and ``sf`` is 1 - F.  Lower
    quantiles come from ``ppf`` and upper ones from ``isf``, each from the small one of u and 1 - u.

    Raises `InvalidInput` if Q and F disagree at probabilities that matter.
    """

    def __init__(self, law: Any) -> None:
        self._law = law
        self.remedy = "give groups"
        if is_generic(law, "_isf"):
            self.remedy = "give the law an _isf of its own, or groups"
        # SciPy returns F(0) = 0 even if eigenvalues are 0 with positive probability, so F is
        # evaluated just above 0.  If F is the same at two tiny eigenvalues, that is F(0).
        least, small = evaluate(
            law, "cdf", np.array([np.finfo(np.float64).tiny, _SMALLEST])
        ).tolist()
        #: The probability that the eigenvalue is exactly 0.
        self._mass_at_zero = least if small - least <= _ROUNDING * least else 0.0
        # A generic isf(q) calls ppf with a rounded 1 - q.
        upper = _LARGEST_LOGIT if is_generic(law, "_isf") else PANEL_LOGITS[-1]
        grid = np.unique(
            np.concatenate([-PANEL_LOGITS, [-_LARGEST_LOGIT], np.minimum(PANEL_LOGITS, upper)])
        )
        self.edges = grid
        # The line ends where Q and F begin to disagree; there one of them has lost its accuracy.
        values = self._quantile(grid)
        with np.errstate(invalid="ignore"):
            known = np.isfinite(values) & (self._misfit(grid, values) <= _MISFIT_LIMIT)
        self.edges = grid[_run_around(known, len(grid) // 2)]
        if self.edges.size < 2 or self.edges[0] > -_LEAST_REACH or self.edges[-1] < _LEAST_REACH:
            bad = grid[~known][np.argmin(abs(grid[~known]))]
            allowed = "must be the eigenvalue below which it lies, by the law's cdf"
            raise InvalidInput("eigenvalue.ppf", float(probabilities(bad)[0]), allowed)
        # A panel ends where the eigenvalue begins to be positive.
        if 0 < self._mass_at_zero < 1:
            self.edges = np.unique(
                [*self.edges, math.log(self._mass_at_zero / (1 - self._mass_at_zero))]
            )

    def _quantile(self, x: Array) -> Array:
        """The eigenvalue at logits x; NaN where the law returns NaN."""
        u, rest = probabilities(x)
        low = u < 0.5
        eigenvalue = np.empty_like(u)
        eigenvalue[low] = evaluate(self._law, "ppf", u[low])
        eigenvalue[~low] = evaluate(self._law, "isf", rest[~low])
        # A quantile that underflows becomes the least float: a feature of eigenvalue 0 does not
        # count for the interpolation threshold, one of a tiny eigenvalue does.
        least = np.where(u <= self._mass_at_zero, 0.0, np.finfo(np.float64).tiny)
        return np.maximum(eigenvalue, least)  # NaN stays

    def at(self, x: Array) -> tuple[Array, Array]:
        u, rest = probabilities(x)
        eigenvalue = self._quantile(x)
        if np.isnan(eigenvalue).any():
            where = float(u[np.isnan(eigenvalue)][0])
            raise InvalidInput("eigenvalue.ppf", where, "must be a number there, and is NaN")
        return u * rest, eigenvalue  # du/dx of the logit

    def locate(self, eigenvalue: Array) -> Array:
        below, above = (evaluate(self._law, name, eigenvalue) for name in ("cdf", "sf"))
        return logit(below, above)

    def places(self, u: Array) -> Array:
        with np.errstate(divide="ignore"):
            x = np.log(u) - np.log1p(-u)
        return np.clip(x, self.edges[0], self.edges[-1])

    def quantiles(self, u: Array) -> Array:
        return self._quantile(self.places(u))

    @property
    def beyond(self) -> float:
        return float(probabilities(self.edges[0])[0] + probabilities(self.edges[-1])[1])

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        """The distance of F(Q(u)) from u at each node."""
        u, rest = probabilities(x)
        return np.where(weight > 0, self._misfit(x, nodes) * np.minimum(u, rest), 0)

    def _misfit(self, x: Array, eigenvalue: Array) -> Array:
        """The distance of F(Q(u)) from u, relative to the smaller of u and 1 - u.

        F is evaluated a rounding below and a rounding above the eigenvalue: if u lies between both
        values, the distance is 0, as it is at a jump of F.  It is infinite where F is NaN.
        """
        u, rest = probabilities(x)
        error = np.zeros_like(u)
        # In each half the smaller of the two probabilities is compared, which has all its digits.
        for name, given, side, sign in (("cdf", u, x < 0, 1), ("sf", rest, x >= 0, -1)):
            below, above = (
                evaluate(self._law, name, eigenvalue[side] * (1 + sign * step))
                for step in (-_ROUNDING, _ROUNDING)
            )
            known = given[side]
            # cdf rises and sf falls; with `sign`, `below` <= `above` for both.
            off = np.maximum(np.maximum(below / known - 1, 1 - above / known) - 4 * _ROUNDING, 0)
            error[side] = np.where(np.isnan(off), np.inf, off)
        least = evaluate(self._law, "cdf", np.array([_SMALLEST]))
        # A population replaces tiny eigenvalues by its least one, so that they need no accuracy.
        small = (eigenvalue <= _SMALLEST) & (u <= least)
        error[small | ((eigenvalue == 0) & (u <= self._mass_at_zero))] = 0
        return error


class _OverSupport(Line):
    r"""A law without a quantile function, along a variable t that its support [l, h] determines.

    With a scale s, :math:`\Lambda = l + s/(1+e^{-t})` and s = h - l if the support is bounded, and
    :math:`\Lambda = l + s e^t` with s = median - l if it is not.

    Parameters
    ----------
    known
        The quantiles of the law at `FIRST_PROBABILITIES`.
    tolerance
        The relative error that the quadrature of the law may have.
    """

    most_panels = 400  # each evaluation of the law may be a numerical integral

    def __init__(self, law: Any, known: Array, tolerance: float) -> None:
        self._law, self._tolerance = law, tolerance
        self.low, self.high = (float(end) for end in law.support())
        if math.isinf(self.high):
            middle = float(np.median(known)) - self.low
            self._scale = middle if middle > 0 else 1.0
        else:
            self._scale = self.high - self.low
        # Farther out the eigenvalue is rounded to the end of the support.
        nearest = 4 * np.finfo(np.float64).eps * self.low / self._scale
        lowest = math.log(nearest) if nearest > 0 else -PANEL_LOGITS[-1]
        highest = 36.0 if math.isfinite(self.high) else 300.0
        places = self.locate(known)
        if not places.size:
            raise InvalidInput("eigenvalue.ppf", float(known[0]), "must lie inside the support")
        self._first_known, self._last_known = float(places[0]), float(places[-1])
        # The known quantiles are edges, too, so that panels are short where the law is.
        grid = np.unique(np.concatenate([-PANEL_LOGITS, PANEL_LOGITS, places]))
        grid = grid[(grid > lowest) & (grid < highest)]
        self.edges = np.concatenate([[lowest], grid, [highest]])

    def eigenvalue(self, t: Array) -> Array:
        """The eigenvalue at places t."""
        if math.isinf(self.high):
            return self.low + self._scale * np.exp(t)
        return self.low + self._scale / (1 + np.exp(-t))

    def slope(self, t: Array) -> Array:
        """The derivative of the eigenvalue with respect to t."""
        if math.isinf(self.high):
            return self._scale * np.exp(t)
        return self._scale / ((1 + np.exp(-t)) * (1 + np.exp(t)))

    def locate(self, eigenvalue: Array) -> Array:
        inside = (eigenvalue > self.low) & (eigenvalue < self.high)
        eigenvalue = eigenvalue[inside]
        place = np.log(eigenvalue - self.low)
        if math.isinf(self.high):
            return np.asarray(place - math.log(self._scale))
        return np.asarray(place - np.log(self.high - eigenvalue))

    @abstractmethod
    def fitted_cdf(self) -> Piecewise:
        """The distribution function F along the line, as a piecewise polynomial to draw from.

        Raises `NoConvergence` if F is not smooth enough to be fitted.
        """

    def places(self, u: Array) -> Array:
        return inverse(*self._cdf_table, u)

    def quantiles(self, u: Array) -> Array:
        return self.eigenvalue(self.places(u))

    @cached_property
    def _cdf_table(self) -> tuple[Piecewise, Array, Array]:
        """The fit of F, ascending places, and F at these places, made to rise.

        Raises `InvalidInput` if F falls, or if it is not 0 and 1 at the ends of the line.
        """
        low, high = (
            max(self.edges[0], self._first_known - _TABLE_MARGIN),
            min(self.edges[-1], self._last_known + _TABLE_MARGIN),
        )
        function = self.fitted_cdf()
        t = np.unique(np.concatenate([np.linspace(low, high, _TABLE_SIZE), function.edges]))
        values = function.at(t)
        # The search needs a table that never falls; small falls are errors of the fit.
        rising = np.clip(np.maximum.accumulate(values), 0, 1)
        # The groups of the population may lack as much probability at either end.
        lost = max(self._tolerance, _CDF_SLACK)
        for wrong, allowed in (  # where F is wrong, and the message
            (rising - values > _CDF_SLACK, "must not fall"),
            ((t == t[0]) & (values > lost), "must be 0 at the lower end of the law"),
            ((t == t[-1]) & (values < 1 - lost), "must be 1 at the upper end of the law"),
        ):
            if wrong.any():
                where = f"eigenvalue.cdf({float(self.eigenvalue(t[wrong])[0]):.6g})"
                allowed += ", for draws of it: give the law an exact _cdf or _ppf, or groups"
                raise InvalidInput(where, float(values[wrong][0]), allowed)
        return function, t, rising

    def _effective_range(self, low: float, high: float) -> Array:
        """Places from the first to the last between which F rises from 0 to 1, to within rounding.

        A search in steps of 1 over the line is followed by one in steps of 1/64 around its ends.
        Where F jumps at an end of the range, more of the line is kept, on which F is level.
        """
        places = np.arange(low, high)
        for _ in range(2):
            probability = evaluate(self._law, "cdf", self.eigenvalue(places))
            there = np.flatnonzero(
                (probability > _NEGLIGIBLE_MASS) & (probability < 1 - 100 * _NEGLIGIBLE_MASS)
            )
            if not there.size:
                allowed = "must rise over a range of eigenvalues; one eigenvalue alone is a group"
                raise InvalidInput("eigenvalue.cdf", self._law, allowed)
            first, last = float(places[there[0]]), float(places[there[-1]])
            fine = np.linspace(0, 1, 65)
            places = np.clip(np.concatenate([first - 1 + fine, last + fine]), low, high)
        ends = np.clip([first - 1 / 64, first, last, last + 1 / 64], low, high)
        rises = np.diff(evaluate(self._law, "cdf", self.eigenvalue(ends)))[[0, 2]]
        before, after = np.where(rises > _JUMP_AT_END, _LEVEL, 0)
        return np.unique(np.clip([ends[0] - before, *ends, ends[-1] + after], low, high))

    def _misplaced_by(
        self, there: Array, mass: Array, weight: Array, slack: Array, fit: float = 0.0
    ) -> Array:
        """The error of F at the end of each panel, of the shape of `weight`.

        `there` is F at all ends of panels, `mass` the integral of the density over each, and `fit`
        the error of the values of F.  The quadrature counts the error `slack` of each panel itself.
        """
        off = np.diff(there) - mass
        off = np.sign(off) * np.maximum(abs(off) - slack, 0)
        # Probability that lies beyond the ends of the line is missing, too.
        error = abs(there[0] + np.cumsum(off)) + abs(1 - there[-1])
        error = np.maximum(error - _SUM_ROUNDING, 0) + fit
        # No more can be misplaced than the nodes, or F, have from the panel on.
        most = np.maximum(_mass_from_panel_on(weight), 1 - there[:-1] - _SUM_ROUNDING)
        return np.broadcast_to(np.minimum(error, most)[:, None], weight.shape)

    def _mass(self, panels: Array, x: Array, weight: Array) -> Array:
        """The probability of each panel by the quadrature rule, of shape (panels,).

        Nodes whose eigenvalue, mean or std is out of the range of a population have the weight 0;
        here their probability counts.
        """
        out = weight == 0
        density = np.zeros_like(x)
        density[out], _ = self.at(x[out])
        rule = legendre.leggauss(x.shape[1])[1] * np.diff(panels) / 2  # weights without density
        return np.asarray((weight + rule * density).sum(axis=1))


class _ByDensity(_OverSupport):
    """A law by its density, along the variable of its support."""

    def __init__(self, law: Any, known: Array, breakpoints: Array, tolerance: float) -> None:
        super().__init__(law, known, tolerance)
        density, eigenvalue = self.at(self.edges)
        if not density.any():
            raise InvalidInput("eigenvalue.pdf", law, "must be > 0 where the quantiles are")
        if is_generic(law, "_cdf"):  # then only the integral can tell that a peak was missed
            typical = float(eigenvalue[np.argmax(density)])
            self.mass_error = max(_UNSEEN_MOMENT * typical / self.high, _UNSEEN_MASS)
        there = self.edges[density > _NEGLIGIBLE_DENSITY * density.max()]
        # A peak may lie farther out, where a breakpoint is named or the cdf rises.
        breaks = self.locate(breakpoints)
        breaks = breaks[(breaks > self.edges[0]) & (breaks < self.edges[-1])]
        there = np.concatenate([there, breaks])
        grid = np.unique(np.concatenate([self.edges, breaks]))
        there = np.concatenate([there, self._rising(_around(grid, there)[[0, -1]])])
        self.edges = _around(np.union1d(grid, there), there)

    def _rising(self, ends: Array) -> Array:
        """The range of the law's own distribution function, if it rises beyond these two ends."""
        if is_generic(self._law, "_cdf"):
            return np.empty(0)
        below, above = evaluate(self._law, "cdf", self.eigenvalue(ends)).tolist()
        if below <= _NEGLIGIBLE_MASS and above >= 1 - 100 * _NEGLIGIBLE_MASS:
            return np.empty(0)
        return self._effective_range(self.edges[0], self.edges[-1])

    def at(self, x: Array) -> tuple[Array, Array]:
        eigenvalue = self.eigenvalue(x)
        density = evaluate(self._law, "pdf", eigenvalue)
        wrong = ~(density >= 0) | ~np.isfinite(density)
        if wrong.any():
            where = float(eigenvalue[wrong][0])
            allowed = f"must be a finite number >= 0, and is {float(density[wrong][0])}"
            raise InvalidInput("eigenvalue.pdf", where, allowed)
        return density * self.slope(x), eigenvalue

    def fitted_cdf(self) -> Piecewise:
        """The integral of a fit of the density; SciPy would integrate anew for every value of F."""
        density = fitted_pieces(
            lambda x: self.at(x)[0], self.edges, lambda a, b: _FIT_TOLERANCE / (b - a)
        )
        integral = density.integral()
        mass = float(integral.at(self.edges[-1:])[0])
        error = abs(mass - 1) + float(density.error @ np.diff(density.edges))
        if error > max(self._tolerance, _CDF_SLACK):
            raise NoConvergence(
                f"the density of the eigenvalue law has the integral {mass:.9g}, known to "
                f"{error:.1e} only, too rough to draw by: name the eigenvalues where it jumps, "
                "bends or has a peak in breakpoints=, or give the law a _ppf, or groups"
            )
        # Divided by its value at the end, F ends at exactly 1.
        return integral._replace(series=integral.series / mass)

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        """The error of F at the ends of each panel.

        If the law has a distribution function of its own, the integral of the density must agree
        with it on every panel.  Otherwise the density must integrate to 1.
        """
        mass = self._mass(panels, x, weight)
        ends = self.eigenvalue(np.append(panels[:1, 0], panels[:, 1]))
        # A generic cdf is itself an integral of the density, and would test nothing.
        if not is_generic(self._law, "_cdf"):
            there = evaluate(self._law, "cdf", ends)
            rise = np.diff(there)
            worst = int(np.argmax(abs(rise - mass)))
            place = f"from the eigenvalue {ends[worst]:.6g} to {ends[worst + 1]:.6g}"
            self._require_mass(float(mass[worst]), float(rise[worst]), place, self._tolerance)
            return self._misplaced_by(there, mass, weight, slack)
        total = float(mass.sum())
        place = f"in all, so far from the eigenvalue {ends[0]:.6g} to {ends[-1]:.6g}"
        missing = min(self._tolerance, self.mass_error)
        self._require_mass(total, 1.0, place, missing if total < 1 else self._tolerance)
        # The quadrature counts its own error, `slack`.
        error = max(abs(total - 1) - float(slack.sum()) - _SUM_ROUNDING, 0)
        return np.broadcast_to(np.minimum(error, _mass_from_panel_on(weight))[:, None], x.shape)

    def _require_mass(self, mass: float, known: float, place: str, allowed: float) -> None:
        """Raise `NoConvergence` if the integral of the density, `mass`, is not `known`."""
        if abs(mass - known) > allowed:
            raise NoConvergence(
                f"the density of the eigenvalue law has the integral {mass:.9g} {place}, which has "
                f"to be {known:.9g}: _pdf or _cdf is wrong, or a peak, jump or pole was missed; "
                "name its eigenvalue in breakpoints=, or give the law a _ppf, or groups"
            )


class _ByDistribution(_OverSupport):
    """A law by its distribution function F, which is fitted by a piecewise polynomial."""

    clear_tails = False  # the derivative of the fit is rounded

    def __init__(self, law: Any, known: Array, breakpoints: Array, tolerance: float) -> None:
        super().__init__(law, known, tolerance)
        ends = self._effective_range(self.edges[0], self.edges[-1])
        edges = np.unique(np.concatenate([self.edges, self.locate(breakpoints), ends]))
        edges = edges[(edges >= ends[0]) & (edges <= ends[-1])]
        # The density is the derivative of a fit, whose error must be far below the tolerance.
        pieces = self._fitted_to(edges, 1e-3 * tolerance)
        _require_smooth(pieces, self, tolerance)
        self._error = pieces.error
        self.edges = pieces.edges
        self._density = pieces.derivative()

    def cdf_at(self, t: Array) -> Array:
        """F at places t."""
        return _cdf(self._law, self.eigenvalue(t))

    def _fitted_to(self, edges: Array, error: float) -> Piecewise:
        """A fit of F to within `error`, or to within rounding of the eigenvalue if that is more.

        Rounding moves an eigenvalue by a relative 8 eps, and F by dF/dt / (dΛ/dt) times that.
        """

        def allowed(left: Array, right: Array) -> Array:
            # dF/dt, and below dΛ/dt, over the interval.
            slope = (self.cdf_at(right) - self.cdf_at(left)) / (right - left)
            middle = (left + right) / 2
            return np.maximum(
                error, slope / self.slope(middle) * _ROUNDING * self.eigenvalue(right)
            )

        return fitted_pieces(self.cdf_at, edges, allowed)

    def fitted_cdf(self) -> Piecewise:
        pieces = self._fitted_to(self.edges, _FIT_TOLERANCE)
        if (rough := float(pieces.error.max())) > _CDF_SLACK:
            raise NoConvergence(
                f"the distribution function of the eigenvalue law is smooth to {rough:.1e} only, "
                "too rough to draw by: name those where it bends in breakpoints=, or give the "
                "law a _pdf or _ppf, or groups"
            )
        return pieces

    def at(self, x: Array) -> tuple[Array, Array]:
        density = self._density.at(x)
        return np.maximum(density, 0), self.eigenvalue(x)  # a polynomial may undershoot 0

    def misplaced(
        self, panels: Array, x: Array, nodes: Array, weight: Array, slack: Array
    ) -> Array:
        """The distance of F from the integral up to the end of each panel, plus that of the fit."""
        ends = self.eigenvalue(np.append(panels[:1, 0], panels[:, 1]))
        there = evaluate(self._law, "cdf", ends)
        mass = self._mass(panels, x, weight)
        return self._misplaced_by(there, mass, weight, slack, float(self._error.max()))


def _around(grid: Array, places: Array) -> Array:
    """The part of an ascending grid from the first of the places to the last, and one more each.

    (For the density may rise between two places of the grid.)
    """
    inside = np.flatnonzero((grid >= places.min()) & (grid <= places.max()))
    return np.asarray(grid[max(inside[0] - 1, 0) : inside[-1] + 2])


def _mass_from_panel_on(weight: Array) -> Array:
    """The probability of each panel and all panels above it, of shape (panels,).

    No more than this can be misplaced there.
    """
    return np.asarray(np.cumsum(weight.sum(axis=1)[::-1])[::-1])


def _require_smooth(pieces: Piecewise, line: _ByDistribution, tolerance: float) -> None:
    """Raise `NoConvergence` if the fit of a distribution function missed the tolerance.

    The message tells a jump of the function, where features share one eigenvalue, from a function
    that is merely rough.
    """
    # A jump at an end of the support shows in F there.  One inside shows where halving went on to
    # the narrowest pieces and F still rises over one of them.
    worst = int(np.argmax(pieces.error))
    rough, ends = float(pieces.error[worst]), pieces.edges[worst : worst + 2]
    where = float(line.eigenvalue(ends)[1])
    first, last, before, after = line.cdf_at(np.append(pieces.edges[[0, -1]], ends)).tolist()
    narrow = rough > tolerance and ends[1] - ends[0] < NARROWEST_PIECE
    name = "the distribution function of the eigenvalue law"
    for jump, at in (
        (first, line.low),
        (1 - last if math.isfinite(line.high) else 0.0, line.high),
        (after - before if narrow else 0.0, where),
    ):
        if jump > max(tolerance, rough, _CDF_SLACK):
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


def probabilities(x: Array) -> tuple[Array, Array]:
    """The probabilities u and 1 - u from their logit x, each to full relative accuracy."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))


def _run_around(good: Array, middle: int) -> slice:
    """The longest run of good grid points that contains the index `middle`."""
    bad = np.flatnonzero(~good)
    low = bad[bad < middle].max(initial=-1) + 1
    return slice(int(low), int(bad[bad >= middle].min(initial=len(good))))


def evaluate(law: Any, name: str, values: Array) -> Array:
    """The values of a method of a law, such as ``cdf``, at an array of numbers.

    Warnings of the method are silenced: callers judge the values.  Raises `InvalidInput` if the
    method fails or does not return real numbers in the shape of its argument.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = np.asarray(getattr(law, name)(values.copy()))
        except (ArithmeticError, ValueError) as error:
            # One bad value may have spoilt the array, or the method may take only single numbers.
            if values.size > _FEW_VALUES:
                raise _failed(law, name, error) from error
            result = np.array([_value_or_nan(law, name, value) for value in values.ravel()])
            result = result.reshape(values.shape)
        except Exception as error:  # code that a user wrote may raise anything
            raise _failed(law, name, error) from error
    if result.shape != values.shape or result.dtype.kind not in "iuf":
        allowed = f"must keep the shape {values.shape} of an array of numbers"
        raise InvalidInput(f"eigenvalue.{name}", result.shape, allowed)
    result = result.astype(np.float64)
    if name in ("cdf", "sf"):
        slightly = (result >= -_CDF_ROUNDING) & (result <= 1 + _CDF_ROUNDING)
        result = np.where(slightly, np.clip(result, 0, 1), result)
    return result


def _failed(law: Any, name: str, error: Exception) -> InvalidInput:
    """The error to raise where a method of a law has raised `error`."""
    allowed = f"must take an array of numbers, and fails: {type(error).__name__}: {error}"
    return InvalidInput(f"eigenvalue.{name}", law, allowed)


def _cdf(law: Any, eigenvalue: Array) -> Array:
    """The distribution function of a law; raises `InvalidInput` where it is outside [0, 1]."""
    values = evaluate(law, "cdf", eigenvalue)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        where = f"eigenvalue.cdf({float(eigenvalue[wrong][0]):.6g})"
        raise InvalidInput(where, float(values[wrong][0]), "must lie in [0, 1]")
    return values


def _value_or_nan(law: Any, name: str, value: float) -> float:
    """The value of a method of a law at one number, and NaN where it fails."""
    try:
        return float(getattr(law, name)(value))
    except (ArithmeticError, ValueError, TypeError):
        return math.nan


def is_generic(law: Any, method: str) -> bool:
    """Whether a law of ``scipy.stats`` has no such method of its own, but a slow one of SciPy's."""
    family = getattr(law, "dist", law)  # the distribution behind a frozen one
    if not isinstance(family, rv_continuous):
        return False
    own = getattr(family, method)
    return getattr(own, "__func__", own) is getattr(rv_continuous, method)


def line_of(law: Any, breaks: Array, tolerance: float) -> Line:
    """The line that suits a law: by its quantile function, else its density, else its cdf."""
    if not is_generic(law, "_ppf"):
        return _ByQuantile(law)
    known = evaluate(law, "ppf", FIRST_PROBABILITIES)
    if not np.isfinite(known).all():
        raise InvalidInput("eigenvalue.ppf", law, "must be finite between 0 and 1")
    if not is_generic(law, "_pdf"):
        return _ByDensity(law, known, breaks, tolerance)
    return _ByDistribution(law, known, breaks, tolerance)
