r"""Piecewise polynomials: fits of a function of one variable, and the inverse of a rising one.

The distribution function of a law, or its density, is computed once at the points of a fit.  From
then on the fit takes its place: it is cheap to evaluate, and its derivative and its integral are
exact.  Every piece is a Legendre series in the coordinate of its own interval,

.. math:: f(x) = \sum_{k=0}^{16} c_k\, P_k\Bigl(\frac{2x - a - b}{b - a}\Bigr), \qquad a \le x < b.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from ..arithmetic import Array

#: `inverse` accepts x for the value u where the function is within this fraction of min(u, 1 - u).
_INVERSE_TOLERANCE = 1e-7
#: The most steps of `inverse`.  Every fourth step is a bisection, so that the bracket shrinks by
#: 2^-60 at least: to the spacing of floats, where a jump is found.
_MOST_STEPS = 240
_DEGREE = 16
#: `fitted_pieces` halves no more once it has this many pieces, and halves no piece that is
#: narrower than this.
_MOST_PIECES, NARROWEST_PIECE = 200, 1e-9


class Piecewise(NamedTuple):
    """A piecewise polynomial: one Legendre series for each interval between adjacent `edges`."""

    #: Of shape (pieces + 1,), in ascending order.
    edges: Array
    #: Coefficients of the series, of shape (pieces, terms).
    series: Array
    #: The largest error of each piece that the fit has seen, of shape (pieces,).
    error: Array

    def at(self, x: Array) -> Array:
        """The values at `x`; outside the edges, those of the first or the last piece continued."""
        piece = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.series) - 1)
        left, right = self.edges[piece], self.edges[piece + 1]
        terms = np.moveaxis(self.series[piece], -1, 0)
        return np.asarray(legendre.legval((2 * x - left - right) / (right - left), terms, False))

    def derivative(self) -> "Piecewise":
        """The derivative on each piece; `error` stays that of the function itself."""
        # d/dx = (1 / half width) d/ds, where s in [-1, 1] is the coordinate of a piece.
        return self._replace(series=legendre.legder(self.series, axis=1) / self._half_widths)

    def integral(self) -> "Piecewise":
        """The integral from the first edge to x; `error` stays that of the integrand."""
        series = legendre.legint(self.series, lbnd=-1, axis=1) * self._half_widths
        # A Legendre series at s = 1 is the sum of its coefficients: here the integral over a piece.
        # Each piece starts at the sum over those before it.
        series[1:, 0] += np.cumsum(series.sum(axis=1))[:-1]
        return self._replace(series=series)

    @property
    def _half_widths(self) -> Array:
        return np.diff(self.edges)[:, None] / 2


def fitted_pieces(
    function: Callable[[Array], Array], edges: Array, allowed: Callable[[Array, Array], Array]
) -> Piecewise:
    """A piecewise polynomial fit of `function`, on intervals that are halved where it is poor.

    On each interval the fit interpolates the function at 17 Chebyshev points and is compared with
    it at the 16 Chebyshev points between them.  Intervals whose error is too large are halved,
    until they are narrower than `NARROWEST_PIECE` or there are more than `_MOST_PIECES`.  So the
    error may stay larger than allowed: the caller looks at ``error`` of the result.

    Parameters
    ----------
    function
        Takes and returns an array of shape (intervals, points).
    edges : array_like, shape (pieces + 1,)
        Ends of the first intervals.
    allowed
        The error allowed on intervals, as a function of their left and their right ends.
    """
    left, right = edges[:-1], edges[1:]
    done: list[tuple[Array, Array, Array]] = []
    while left.size:
        x = (left + right)[:, None] / 2 + (right - left)[:, None] / 2 * _POINTS
        # Interpolate at every other point, and compare with the function at the rest.
        values = function(x)
        # Without the first value, the series of a level function is exactly constant.
        series = (values[:, ::2] - values[:, :1]) @ _TO_SERIES.T
        series[:, 0] += values[:, 0]
        error = abs(values[:, 1::2] - series @ _AT_CHECKS.T).max(axis=1)
        many = sum(len(piece[0]) for piece in done) + left.size > _MOST_PIECES
        good = (error <= allowed(left, right)) | (right - left < NARROWEST_PIECE) | many
        done.append((left[good], series[good], error[good]))
        left, right = left[~good], right[~good]
        middle = (left + right) / 2
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    # Pieces were finished in the order of their halvings; put them in the order of the line.
    starts, series, error = (np.concatenate(column) for column in zip(*done, strict=True))
    order = np.argsort(starts)
    return Piecewise(np.append(starts[order], edges[-1]), series[order], error[order])


#: The extrema of the Chebyshev polynomial of twice the degree.  The fit interpolates at every
#: other one, `_POINTS[::2]`, and is checked at the rest, `_POINTS[1::2]`.
_POINTS = -np.cos(np.linspace(0, np.pi, 2 * _DEGREE + 1))
#: Maps values at the interpolation points to the coefficients of the series.
_TO_SERIES = np.linalg.inv(legendre.legvander(_POINTS[::2], _DEGREE))
#: Maps the coefficients to values at the points of the check.
_AT_CHECKS = legendre.legvander(_POINTS[1::2], _DEGREE)


def inverse(function: Piecewise, places: Array, values: Array, wanted: Array) -> Array:
    """The places at which a distribution function takes the values `wanted`.

    Each value has a bracket of its own, at first the interval of the table (`places`, `values`)
    that contains it.  A step evaluates the function inside the bracket and keeps the half in which
    the value lies.  The next place is that of the secant, of the logit of the function as
    a function of the place, because the logit is nearly straight in the tails; every fourth step,
    and where the secant leaves the bracket, it is the middle.  At a jump of the function the search
    ends when the bracket cannot be halved any more.

    Parameters
    ----------
    function
        The distribution function along the line.
    places, values : array_like, shape (table,)
        Places in ascending order, and the function there, which must not fall.
    wanted : array_like
        Probabilities.  Those outside the table get its first or last place.
    """
    # The interval of the table that brackets each value.
    start = np.clip(np.searchsorted(values, wanted, side="right") - 1, 0, len(places) - 2)
    low, high = places[start], places[start + 1]
    at_low, at_high = values[start], values[start + 1]
    found = np.where(wanted < at_low, low, high)
    searched = np.flatnonzero((wanted >= at_low) & (wanted <= at_high))
    aim, near = logit(wanted, 1 - wanted), _INVERSE_TOLERANCE * np.minimum(wanted, 1 - wanted)
    for step in range(_MOST_STEPS):
        if not searched.size:
            break
        a, b = low[searched], high[searched]
        ends = (logit(end[searched], 1 - end[searched]) for end in (at_low, at_high))
        below, above = (end - aim[searched] for end in ends)
        # The root of the secant.  It is NaN where a logit is infinite, and the middle replaces it.
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
        # A bracket whose ends are adjacent floats has no middle between them.
        searched = searched[~done & (middle > a) & (middle < b)]
    return found


def logit(below: Array, above: Array) -> Array:
    """The logit log(u / (1 - u)), from the probabilities u `below` and 1 - u `above`.

    Both are given, because 1 - u loses the digits of an `above` that is small.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(below) - np.log(above))
