r"""Panels of a line: the quadrature rule on each, and bounds of its error for many integrands.

A panel is an interval of the line along which a law is laid out.  The nodes of a Gauss-Legendre
rule with 16 nodes lie in it.  The rule is tested on `Probes`, integrands F like those of which a
risk is made, by the error bound that `asymptotics.population.quadrature` explains:

.. math:: \Bigl|\sum_i w_i F(x_i) - \int P\Bigr| + \int |F - P|,

where P is the polynomial through the values of F at the nodes and 17 more points (`THROUGH`), and
the second integral is a sum over 32 points between these (`_CHECKS`).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from scipy.special import erfc

from ..arithmetic import Array
from ..errors import InvalidInput
from .laws import SMALLEST, Columns, LineLaw, in_range, into_range

#: Nodes and weights of the rule on [-1, 1].
NODES, WEIGHTS = legendre.leggauss(16)
#: The scales of the probes are the quantiles of the eigenvalue at these probabilities, once with
#: features counted equally and once with features weighted by their signal.
_PROBABILITIES = (1e-3, 0.1, 0.5, 0.9, 0.999)
#: Where adjacent scales differ by more than 30, more are placed between them.  The factor is larger
#: if the spectrum is so wide that this would take more than about 24 scales.
_SCALE_RATIO, _MOST_SCALES = 30.0, 24
#: The least scale, and the inverse of the largest.  Outside the range of eigenvalues `into_range`
#: changes the law; a scale close to the ends of the range would see the change.
_LEAST_SCALE = 1e10 * SMALLEST
#: Panels on which the law is evaluated in one call, to bound the memory.
_BLOCK = 512
#: The error of the mass above a threshold is relative to that mass, or to this share of all mass
#: where that is larger; likewise for the signal above it.
_LEAST_SHARE_ABOVE = 1e-3
#: Between its samples a residual may be larger than at them; it is multiplied by this factor.
_SAFETY = 2.0


def _between(points: Array) -> Array:
    """Points of [-1, 1] between those that are given, halfway in the angle arccos."""
    angles = np.arccos(points)
    return np.cos((angles[1:] + angles[:-1]) / 2)


#: The 33 points of [-1, 1] at which P interpolates F: the 16 nodes, 15 points between them, and
#: both ends.  (The points next to the ends replace those between an end and the outermost node.)
THROUGH = np.sort(np.concatenate([NODES, _between(np.array([-1.0, *NODES, 1.0]))]))
THROUGH[[0, -1]] = -1.0, 1.0
#: The 32 points between those, at which F - P is sampled, and the widths of the intervals in which
#: they lie.
_CHECKS = _between(THROUGH)
_GAPS = THROUGH[1:] - THROUGH[:-1]
_IS_NODE = np.isin(THROUGH, NODES)
#: Maps values at `THROUGH` to the Legendre coefficients of P.
SERIES = np.linalg.inv(legendre.legvander(THROUGH, THROUGH.size - 1))
#: Maps values at `THROUGH` to values of P at `_CHECKS`.
_AT_CHECKS = legendre.legvander(_CHECKS, THROUGH.size - 1) @ SERIES
#: Maps values at `THROUGH` to the rule minus the integral of P.  On [-1, 1] the integral is twice
#: the coefficient of degree 0.
_RULE_MINUS_INTEGRAL = -2 * SERIES[0]
_RULE_MINUS_INTEGRAL[_IS_NODE] += WEIGHTS
#: All 65 points of [-1, 1] at which a law is evaluated on a panel.
PLACES = np.concatenate([THROUGH, _CHECKS])


class Panels(NamedTuple):
    """Panels in ascending order, the law at the 65 places of each, and the integrals of probes."""

    #: The ends of the panels, of shape (panels,).
    left: Array
    right: Array
    #: The law at the places, each of its columns of shape (panels, places).
    columns: Columns
    #: Integrals of the probes, and bounds of their errors, of shape (probes, panels).
    value: Array
    error: Array

    @property
    def nodes(self) -> Columns:
        """The law at the nodes of the rule, each column of shape (panels, 16)."""
        return Columns(*(column[:, : THROUGH.size][:, _IS_NODE] for column in self.columns))

    @property
    def weight(self) -> Array:
        """The probability that the rule gives to each node, of shape (panels, 16)."""
        return (self.right - self.left)[:, None] / 2 * WEIGHTS * self.nodes.density


def unresolved(law: LineLaw, panels: Panels, tolerance: float, worst: int) -> str:
    """The message of an error, for a law that is not resolved on the panel `worst`."""
    middle = (panels.left[worst] + panels.right[worst]) / 2
    eigenvalue = law.at(np.array([middle])).eigenvalue.item()
    return (
        f"the quadrature of {law.name} does not reach the relative tolerance {tolerance:g}, "
        f"for what happens near the eigenvalue {eigenvalue:.6g}; ask for a larger one, name the "
        "eigenvalues where the law or its mean or std jump or bend in breakpoints=, or give groups"
    )


def measured(law: LineLaw, left: Array, right: Array, probes: "Probes | None") -> Panels:
    """Panels with the ends `left` and `right`: the law on them, and the integrals of `probes`."""
    parts = []
    for start in range(0, len(left), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, b = left[rows], right[rows]
        columns = _columns(law, a, b)
        if probes is None:
            empty = np.zeros((0, len(a)))
            parts.append(Panels(a, b, columns, empty, empty))
        else:
            parts.append(Panels(a, b, columns, *probes.measure(columns, b - a)))
    return parts[0] if len(parts) == 1 else joined_panels(*parts)


def _columns(law: LineLaw, left: Array, right: Array) -> Columns:
    """The law at the places of panels, of shape (panels, places)."""
    half = (right - left)[:, None] / 2
    x = (left + right)[:, None] / 2 + half * PLACES
    # The law may jump at an end of a panel.  Its value there may be that of the neighbouring panel,
    # so the law is evaluated a few roundings inside instead.
    inward = np.minimum(1e-14 * np.maximum(abs(x), 1), 1e-3 * half)
    x = np.clip(x, left[:, None] + inward, right[:, None] - inward)
    return zeroed_out_of_range(law.at(x))


def zeroed_out_of_range(columns: Columns) -> Columns:
    """A law on panels, with density 0 where a population cannot hold the eigenvalue, mean or std.

    So these features are left out of all sums; `_check_tails` and `_check_masses` of the quadrature
    test that they do not matter.
    """
    density, eigenvalue, mean, std = columns
    # Coefficients of features of eigenvalue 0 change no risk, so infinite ones may be replaced.
    dead = eigenvalue == 0
    mean, std = np.where(dead & ~np.isfinite(mean), 0, mean), np.where(dead & np.isinf(std), 0, std)
    columns = Columns(density, *into_range(eigenvalue, mean, std))
    within = in_range(*columns[1:])
    return Columns(*(np.where(within, x, at) for x, at in zip(columns, (0, 1, 0, 0), strict=True)))


def chosen_panels(panels: Panels, chosen: Array) -> Panels:
    """Those of the panels that a mask chooses."""
    return Panels(
        panels.left[chosen],
        panels.right[chosen],
        Columns(*(column[chosen] for column in panels.columns)),
        panels.value[:, chosen],
        panels.error[:, chosen],
    )


def joined_panels(*parts: Panels) -> Panels:
    """The panels of all parts in one, in ascending order."""
    left = np.concatenate([part.left for part in parts])
    order = np.argsort(left)
    columns = zip(*(part.columns for part in parts), strict=True)
    return Panels(
        left[order],
        np.concatenate([part.right for part in parts])[order],
        Columns(*(np.concatenate(column)[order] for column in columns)),
        np.concatenate([part.value for part in parts], axis=1)[:, order],
        np.concatenate([part.error for part in parts], axis=1)[:, order],
    )


class Probes:
    r"""The integrands whose expectations a quadrature must get right.

    With the signal :math:`S=\Lambda(m^2+s^2)` of a feature, of coefficient mean m and std s:

    - 1 and S;
    - at each of some 10 to 30 scales :math:`\tau` over the spectrum, the resolvent moments
      :math:`\Lambda/(\Lambda+\tau)`, its square, :math:`\tau/(\Lambda+\tau)` and
      :math:`S\,\tau^2/(\Lambda+\tau)^2`;
    - at each of three thresholds c, the probability K that a score with some noise is above c, and
      S K: the mass and the signal of the weights that pruning keeps.
    """

    def __init__(self, panels: Panels) -> None:
        """Choose scales and thresholds from the law on rough `panels`.

        Raises `InvalidInput` if all eigenvalues are 0, or if too many are outside the range of
        scales.
        """
        nodes, weight = panels.nodes, panels.weight
        # Scales are positive, so features of eigenvalue 0 do not count.
        alive = (weight > 0) & (nodes.eigenvalue > 0)
        if not alive.any():
            raise InvalidInput("eigenvalue", 0, "must not be zero for all features")
        signal = weight * nodes.eigenvalue * (nodes.mean**2 + nodes.std**2)
        self._signal = float(signal.sum())
        by_mass = _quantiles(nodes.eigenvalue[alive], weight[alive])
        if not _LEAST_SCALE <= by_mass[0] <= by_mass[-1] <= 1 / _LEAST_SCALE:
            allowed = (
                f"must be of magnitude {_LEAST_SCALE:g} to {1 / _LEAST_SCALE:g} for all features "
                "but one in a thousand of either end: rescale the units, or give groups"
            )
            raise InvalidInput("eigenvalue", float(by_mass[0]), allowed)
        by_signal = _quantiles(nodes.eigenvalue[alive], signal[alive]) if self._signal > 0 else ()
        scales = np.clip([*by_mass, *by_signal], _LEAST_SCALE, 1 / _LEAST_SCALE)
        self._scales = _filled(np.unique(scales))
        #: In units of the root mean square of a score.
        self._thresholds = np.sqrt(self._signal) * np.array([0.3, 1, 3]) if self._signal > 0 else ()

    def integrands(self, columns: Columns) -> Array:
        """The integrands without the factor of the density, of shape (probes, ...)."""
        _, eigenvalue, mean, std = columns
        signal = eigenvalue * (mean**2 + std**2)
        values = [np.ones_like(eigenvalue), signal]
        for tau in self._scales:
            # tau is an effective ridge: the shares of a coefficient that training finds, and not.
            seen, unseen = eigenvalue / (eigenvalue + tau), tau / (eigenvalue + tau)
            values += [seen, seen**2, unseen, signal * unseen**2]
        values += [part for c in self._thresholds for part in self._above(c, columns, signal)]
        return np.array(values)

    def coarse(self, columns: Columns) -> Array:
        """The signal, and the mass above each threshold.

        These few integrands see every change of mean and std that matters to the others.
        """
        _, eigenvalue, mean, std = columns
        signal = eigenvalue * (mean**2 + std**2)
        return np.array([signal, *(self._above(c, columns, signal)[0] for c in self._thresholds)])

    def _above(self, threshold: float, columns: Columns, signal: Array) -> tuple[Array, Array]:
        r"""The probability K that a score is above a `threshold` in magnitude, and signal times K.

        The score is :math:`\sqrt\Lambda\,B` plus noise of variance E[ΛB²] / 4, so it is Gaussian
        with mean :math:`\sqrt\Lambda\,m` and variance :math:`\Lambda s^2` + E[ΛB²] / 4.
        """
        _, eigenvalue, mean, std = columns
        # erfc takes its argument in units of sqrt(2) standard deviations.
        spread = np.sqrt(2 * (eigenvalue * std**2 + self._signal / 4))
        center = np.sqrt(eigenvalue) * abs(mean)
        kept = (erfc((threshold - center) / spread) + erfc((threshold + center) / spread)) / 2
        return kept, signal * kept

    def total(self, values: Array) -> Array:
        """For each probe the number that its error is relative to: its integral over all panels.

        `values` has shape (probes, panels).  A risk in which less than a thousandth of the mass or
        of the signal is above the threshold is rare and needs no better accuracy, so for those
        probes the number is at least a thousandth of all mass or signal.
        """
        total = abs(values.sum(axis=1))
        above = 2 * len(self._thresholds)  # these probes are the last
        if above:
            least = _LEAST_SHARE_ABOVE * np.array([1.0, total[1]] * len(self._thresholds))
            total[-above:] = np.maximum(total[-above:], least)
        return np.asarray(total)

    def measure(self, columns: Columns, width: Array) -> tuple[Array, Array]:
        """Integrals over panels of these widths, and bounds of their errors.

        Both have shape (probes, panels).
        """
        values = self.integrands(columns)
        values *= columns.density
        values *= width[:, None] / 2  # dx of the line, in the coordinate of [-1, 1]
        through, checks = values[..., : THROUGH.size], values[..., THROUGH.size :]
        difference = abs(through @ _RULE_MINUS_INTEGRAL)
        residual = abs(checks - through @ _AT_CHECKS.T) @ _GAPS
        integral = through[..., _IS_NODE] @ WEIGHTS
        return integral, difference + _SAFETY * residual


def _quantiles(eigenvalue: Array, weight: Array) -> Array:
    """The weighted quantiles of eigenvalues at `_PROBABILITIES`."""
    order = np.argsort(eigenvalue)
    share = np.cumsum(weight[order])
    return np.interp(_PROBABILITIES, share / share[-1], eigenvalue[order])


def _filled(scales: Array) -> Array:
    """Ascending scales, with more in geometric progression where adjacent ones lie far apart."""
    ratio = max(_SCALE_RATIO, float(scales[-1] / scales[0]) ** (1 / _MOST_SCALES))
    counts = np.ceil(np.log(scales[1:] / scales[:-1]) / math.log(ratio)).astype(int)
    parts = [
        np.geomspace(low, high, count + 1)[:-1]
        for low, high, count in zip(scales[:-1], scales[1:], counts, strict=True)
    ]
    return np.concatenate([*parts, scales[-1:]])
