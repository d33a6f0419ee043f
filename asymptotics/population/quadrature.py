r"""Continuous eigenvalue laws as groups, by quadrature along a line.

A law is laid out along a line (`asymptotics.population.laws`), on which an expectation is the
integral of a density.  The line is cut into panels; the nodes of a Gauss-Legendre rule on each
become groups.  What the rule integrates are the moments that a risk is made of (`_Probes`).

**The error bound.**  On each panel an integrand F is evaluated at the 16 nodes, at 17 more places
between them and at the panel's ends, and at 32 places between all of those.  P is the polynomial
through the first 33 places.  Since a rule on these places integrates P exactly,

.. math:: \Bigl|\sum_i w_i F(x_i) - \int F\Bigr| \le \Bigl|\sum_i w_i F(x_i) - \int P\Bigr|
          + \int |F - P|.

The first term is computed; the second is sampled at the 32 places.  What must be below the
tolerance is the sum of both over all panels, not a difference of two rules that may miss the same
thing.  A jump or a kink anywhere in a panel keeps F from its polynomial, and the panel is halved
until what it may contribute is negligible.

Next to a pole of a function halving a panel leaves nearly as much out of sight as before, however
narrow the panel is.  There the errors of halvings are a geometric series, whose factor is known
from the signal E[ΛB²] of rings around the pole; the bound grows by what the series sums to.  What
lies within the smallest ring is blurred by the rounding of the eigenvalue.  The same series says
how much that is, and all of it counts as an error.

What is narrower than the distance of these places could still hide.  The eigenvalue rises along the
line and cannot hide much; functions of it can, and are sampled at 2^17 places of equal probability.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from scipy.special import erfc

from ..arithmetic import Array
from ..domains import REAL, Domain
from ..errors import MISSING, InvalidInput, NoConvergence
from ..parameters import scalar
from .laws import LARGEST, SMALLEST, Columns, LineLaw, in_range, into_range

_NODES, _WEIGHTS = legendre.leggauss(16)
#: Quantiles, of the mass and of the signal, at which moments are probed, and how far apart scales
#: may lie, unless so many do.
_LEVELS = (1e-3, 0.1, 0.5, 0.9, 0.999)
_RATIO, _MOST_SCALES = 30.0, 24
#: Scales nearer to the ends of the range of eigenvalues would see what is moved to them.
_LEAST_SCALE = 1e10 * SMALLEST
#: Panels are not halved below this width, relative to their place: it is that of a few roundings.
_NARROWEST = 16 * np.finfo(np.float64).eps
_MOST_SEARCHES = 40
#: Panels worked on at a time.
_BLOCK = 512
#: The part of the tolerance that errors of the probes may take: a moment at a scale between those
#: that are probed has a larger error, which then is within the tolerance, too.
_HERE = 0.5
#: The part of the tolerance that may come from panels and tails that are left out.
_LITTLE = 0.1
#: The mass and the signal above a cut need an error no smaller than the tolerance times this share
#: of their totals.
_RARE = 1e-3
#: The factor by which a residual counts, because it is larger somewhere between its samples.
_SAFETY = 2.0
#: Places of equal probability at which functions of the eigenvalue are looked at.
_PLACES = 1 << 17
#: A step of a tail that adds less than this share of the tolerance is taken as rounding.
_NOTHING = 1e-2
#: Steps along the line when its tails are looked at: so long, or so many.
_STEP, _LEAST_STEPS = 2.0, 8
_TAIL = legendre.leggauss(6)
_NO_DECAY = 1 - 1e-6
#: Where the eigenvalue changes by a smaller share between places of a step, rounding blurs it.
_UNCLEAR = 1e-12
#: A panel is resolved, and holds no pole, if its error is less than this share of its signal.
_RESOLVED = 1e-6
#: A peak is searched for in a panel and beside it, by this share of its place or of its width or
#: by so many roundings, in steps that each leave two of so many parts of an interval.
_BESIDE_PLACE, _BESIDE_PANEL = 1e-12, 1 / 32
_ZOOM, _ZOOMS = np.linspace(0, 1, 65), 12
#: Rings tell by how much the signal around a peak shrinks.  The radius of the smallest is this
#: multiple of the distance at which rounding leaves no places, and each other is up to so many
#: times twice the one before.  They are smaller where the line would not be straight within the
#: largest; how much the signal shrinks is then known less well, and not at all from few roundings.
_LEAST_RING, _FEW_ROUNDINGS, _HALVED = 2.0**10, 16.0, 4
_NUMBERS = np.arange(5)[:, None]
_LARGEST_RING = 0.1
_SIDES = np.array([-1, 1])[:, None, None]
_STEP_OF_SLOPE = 1e-6
#: A series that shrinks by less than this share with each ring has no sum that can be told.
_ENDLESS = 1e-3
TOLERANCE = Domain(lambda x: (x >= 1e-13) & (x <= 0.1), "must be a number in [1e-13, 0.1]")


def _between(points: Array) -> Array:
    """Places between points of [-1, 1], halfway in angle."""
    angles = np.arccos(points)
    return np.cos((angles[1:] + angles[:-1]) / 2)


#: Through these goes the polynomial: the nodes, places between them, and the ends.
_THROUGH = np.sort(np.concatenate([_NODES, _between(np.array([-1.0, *_NODES, 1.0]))]))
_THROUGH[[0, -1]] = -1.0, 1.0
_BESIDE = _between(_THROUGH)
_GAPS = _THROUGH[1:] - _THROUGH[:-1]
_IS_NODE = np.isin(_THROUGH, _NODES)
_SERIES = np.linalg.inv(legendre.legvander(_THROUGH, _THROUGH.size - 1))
_AT_BESIDE = legendre.legvander(_BESIDE, _THROUGH.size - 1) @ _SERIES
#: The rule's difference to the integral of the polynomial.
_DIFFERENCE = -2 * _SERIES[0]
_DIFFERENCE[_IS_NODE] += _WEIGHTS
#: Many places of a panel: so many together, from few local ones, as polynomials hardly bend there.
_TOGETHER, _FEW_BLOCKS = 64, 16
_LOCAL = legendre.leggauss(12)[0]
_IN_BLOCK = (np.arange(_TOGETHER) + 0.5) / _TOGETHER * 2 - 1
_FROM_LOCAL = legendre.legvander(_IN_BLOCK, 11) @ np.linalg.inv(legendre.legvander(_LOCAL, 11))
_PLACES_OF_PANEL = np.concatenate([_THROUGH, _BESIDE])


class Groups(NamedTuple):
    """Columns of a population."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array


class Quadrature(NamedTuple):
    """Groups that stand for a law, and those of a finer rule to compare them with."""

    groups: Groups
    #: The nodes on every panel halved.  None is left out, whatever it weighs.
    finer: Groups


class _Panels(NamedTuple):
    """Panels in the order of the line, and the law at the places of each."""

    left: Array
    right: Array
    #: Of shape (panels, places).
    columns: Columns
    #: Integrals of the probes, and bounds of their errors, of shape (probes, panels).
    value: Array
    error: Array

    @property
    def nodes(self) -> Columns:
        return Columns(*(column[:, : _THROUGH.size][:, _IS_NODE] for column in self.columns))

    @property
    def weight(self) -> Array:
        """Weights of the nodes."""
        return (self.right - self.left)[:, None] / 2 * _WEIGHTS * self.nodes.density


def quadrature(law: LineLaw, tolerance: float) -> Quadrature:
    """Groups whose moments are those of a law to a relative error of `tolerance`.

    Raises `InvalidInput` if E[ΛB²] is infinite, and `NoConvergence` if the tolerance is missed.
    """
    tolerance = float(scalar("tolerance", tolerance, TOLERANCE))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _check_tails(law, tolerance)
        probes, panels = _searched(law, tolerance)
        _check_law(law, probes, panels, tolerance)
        finer = _halved(law, panels)
    keep = ~_negligible(probes, panels, tolerance)
    groups = _groups(panels.weight[keep], Columns(*(x[keep] for x in panels.nodes)))
    return Quadrature(groups, finer)


def _groups(weight: Array, nodes: Columns) -> Groups:
    there = weight >= np.finfo(np.float64).tiny  # smaller ones have lost their digits
    return Groups(*(x[there] for x in (weight, nodes.eigenvalue, nodes.mean, nodes.std)))


def _halved(law: LineLaw, panels: _Panels) -> Groups:
    """The nodes on both halves of every panel."""
    middle = (panels.left + panels.right) / 2
    left = np.stack([panels.left, middle], axis=1).ravel()[:, None]
    half = np.stack([middle, panels.right], axis=1).ravel()[:, None] / 2 - left / 2
    nodes = _within(law.at(left + half * (1 + _NODES)))
    return _groups(half * _WEIGHTS * nodes.density, nodes)


def _negligible(probes: "_Probes", panels: _Panels, tolerance: float) -> Array:
    """Panels that all together matter to no probe."""
    share = _LITTLE * tolerance / len(panels.left) * probes.total(panels.value)
    return np.asarray(np.all(abs(panels.value) + panels.error <= share[:, None], axis=0))


def _searched(law: LineLaw, tolerance: float) -> "tuple[_Probes, _Panels]":
    """Panels on which all is resolved that can be seen."""
    edges = law.edges
    left, right = edges[:-1], edges[1:]
    for _ in range(_MOST_SEARCHES):
        probes = _Probes(_measure(law, left, right, None))
        panels = _refined(law, probes, left, right, tolerance)
        splits = _hidden(law, probes, panels, tolerance)
        if not splits.size:
            return probes, panels
        edges = np.unique(np.concatenate([panels.left, panels.right[-1:], splits]))
        left, right = edges[:-1], edges[1:]
    raise NoConvergence(
        _unresolved(law, panels, tolerance, int(np.argmax(panels.error.max(axis=0))))
    )


def _refined(
    law: LineLaw, probes: "_Probes", left: Array, right: Array, tolerance: float
) -> _Panels:
    """Panels halved until the errors of every probe sum to less than a part of the tolerance."""
    panels = _measure(law, left, right, probes)
    most = law.most_panels + 2 * left.size
    while True:
        allowed = _HERE * tolerance * probes.total(panels.value)
        judged = panels
        failing = judged.error.sum(axis=1) > allowed
        if not failing.any():
            judged = _with_poles(law, panels, tolerance, float(allowed[1]))
            failing = judged.error.sum(axis=1) > allowed
        if not failing.any():
            return judged
        share = allowed[failing, None] / (2 * len(panels.left))
        halve = (judged.error[failing] > share).any(axis=0)
        left, right = panels.left[halve], panels.right[halve]
        narrow = right - left < _NARROWEST * np.maximum(abs(left), 1)
        if len(panels.left) + left.size > most or narrow.any():
            worst = int(np.argmax((judged.error / allowed[:, None])[failing].max(axis=0)))
            raise NoConvergence(_unresolved(law, panels, tolerance, worst))
        middle = (left + right) / 2
        halves = _measure(
            law, np.concatenate([left, middle]), np.concatenate([middle, right]), probes
        )
        panels = _joined(_taken(panels, ~halve), halves)


def _with_poles(law: LineLaw, panels: _Panels, tolerance: float, allowed: float) -> _Panels:
    """Panels with larger errors where the signal has a pole.

    The bound of an error is good where halving a panel halves it, as at a jump.  At a pole each
    halving adds nearly the same again, and the errors are a geometric series of a larger sum.
    What is within the smallest ring is an error, too.  Raises `InvalidInput` if the series has no
    sum, so that E[Lambda B^2] is infinite, and `NoConvergence` if the rings hold more than is
    allowed, for no halving sees that.
    """
    value, error = panels.value[1], panels.error[1]  # of the signal
    doubtful = np.flatnonzero(error > _RESOLVED * value)
    if not law.has_functions or not doubtful.size:
        return panels
    peaked, peak = _peaks(law, panels, doubtful)
    if not peaked.size:
        return panels
    blur = _blur(law, peak)
    highest, group = _apart(peak, _LEAST_RING * blur, _signal(law, peak))
    decay, unseen = _decay(law, peak[highest], blur[highest])
    endless = decay > 1 - _ENDLESS
    if endless.any():
        where = float(law.at(peak[highest][endless]).eigenvalue[0])
        finite = f"must be finite: at a pole near the eigenvalue {where:.6g} it is not, or hardly"
        raise InvalidInput("E[Lambda B^2]", math.inf, finite)
    if unseen.sum() > allowed:
        worst = int(peaked[highest][np.argmax(unseen)])
        raise NoConvergence(_unresolved(law, panels, tolerance, worst))
    factor, added = np.ones_like(value), np.zeros_like(value)
    factor[peaked] = np.maximum(0.5 / np.maximum(1 - decay, _ENDLESS), 1)[group]
    added[peaked[highest]] = unseen
    error = panels.error * factor
    error[1] += added
    return panels._replace(error=error)


def _apart(peak: Array, distance: Array, signal: Array) -> tuple[Array, Array]:
    """Which peaks are the highest of their groups, and the group of each: several panels find one.

    Peaks of a group are nearer to the next one than the distance.
    """
    order = np.argsort(peak)
    group = np.empty(peak.size, dtype=np.int64)
    group[order] = np.append(0, np.cumsum(np.diff(peak[order]) > distance[order][1:]))
    by_height = np.lexsort((signal, group))
    return by_height[np.append(np.diff(group[by_height]) > 0, True)], group


def _peaks(law: LineLaw, panels: _Panels, chosen: Array) -> tuple[Array, Array]:
    """Panels in which the signal has a peak, of those that are chosen; and its place.

    Where it is largest at the end of what is looked at, the peak is that of another panel.
    """
    low, high = law.edges[[0, -1]]
    left, right = panels.left[chosen], panels.right[chosen]
    # A pole may lie at an end of the panel, and has places on either side.
    more = np.maximum(_BESIDE_PLACE * np.maximum(abs(left), 1), _BESIDE_PANEL * (right - left))
    blur = _blur(law, (left + right) / 2)  # not at an end, where a function may have no value
    more = np.maximum(more, np.minimum(_FEW_ROUNDINGS * blur, _LARGEST_RING))
    left, right = np.maximum(left - more, low), np.minimum(right + more, high)
    left, peak, right = _largest(law, left, right)
    inside = (left < peak) & (peak < right)
    chosen, left, peak, right = chosen[inside], left[inside], peak[inside], right[inside]
    for _ in range(_ZOOMS if chosen.size else 0):
        left, peak, right = _largest(law, left, right)
    return chosen, peak


def _largest(law: LineLaw, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Of places in each interval that with the largest signal, between those beside it."""
    x = left[:, None] + (right - left)[:, None] * _ZOOM
    most = np.argmax(_signal(law, x), axis=1)
    beside = np.clip(most + np.array([[-1], [0], [1]]), 0, _ZOOM.size - 1)
    left, peak, right = x[np.arange(left.size), beside]
    return left, peak, right


def _decay(law: LineLaw, peak: Array, blur: Array) -> tuple[Array, Array]:
    """By what factor the signal of rings around peaks shrinks when their radius is halved.

    And the signal within the smallest ring.  The factor is that of the two smallest rings, on the
    side of a peak on which they shrink less: a weak pole is hidden farther out, and a narrow peak
    looks like a pole there.  It is 0 where a place is no peak, or where rings are too large to
    tell; in the second case the signal is what a pole that hardly shrinks would hide.
    """
    low, high = law.edges[[0, -1]]
    least = np.minimum(_LEAST_RING * blur, _LARGEST_RING / 2.0 ** _NUMBERS[-1])
    told = least >= _FEW_ROUNDINGS * blur
    halved = np.minimum(np.log2(_LARGEST_RING / least) / _NUMBERS[-1], _HALVED)
    radius = least * 2.0 ** (_NUMBERS * halved)  # of shape (rings, peaks)
    x = peak[:, None] + _SIDES[..., None] * radius[..., None] * (3 + _NODES) / 4
    within = (x >= low) & (x <= high)
    signal = np.where(within, _signal(law, np.where(within, x, peak[:, None])), np.inf)
    highest = _signal(law, peak)
    known = told & (signal <= highest[:, None]).all(axis=(1, -1))
    rings = signal @ _WEIGHTS * radius / 4
    known &= (rings > 0).all(axis=1)
    ratio = np.where(known, rings[:, 0] / rings[:, 1], 0) ** (1 / halved)
    decay = ratio.max(axis=0)
    decay = np.where(halved < _HALVED, np.minimum(decay, 1 - _ENDLESS), decay)
    inside = np.where(known, rings[:, 0], 0).sum(axis=0) * decay / np.maximum(1 - decay, _ENDLESS)
    return decay, np.where(told, inside, highest * _FEW_ROUNDINGS * blur / _ENDLESS)


def _blur(law: LineLaw, x: Array) -> Array:
    """The distance at which rounding of the place and of the eigenvalue leaves no other places.

    The slope of the eigenvalue is taken over many of its roundings.
    """
    size = np.maximum(abs(x), 1)
    near, far = (
        np.finfo(np.float64).eps * np.fmax(size, _length(law, x, step))
        for step in (_STEP_OF_SLOPE * size, _LARGEST_RING / 2)
    )
    told = _FEW_ROUNDINGS * near <= _STEP_OF_SLOPE * size
    return np.asarray(np.where(told, near, np.minimum(far, _LARGEST_RING)))


def _length(law: LineLaw, x: Array, step: Array | float) -> Array:
    """How far along the line the eigenvalue would double, by a step to both sides.

    It is NaN where eigenvalues are 0, and have no rounding.
    """
    beside = np.clip(x + step * np.array([[-1], [0], [1]]), *law.edges[[0, -1]])
    eigenvalue = law.at(beside.ravel()).eigenvalue.reshape(beside.shape)
    return np.asarray(eigenvalue[1] * (beside[2] - beside[0]) / (eigenvalue[2] - eigenvalue[0]))


def _signal(law: LineLaw, x: Array) -> Array:
    """The density of E[Lambda B^2] at places; -1 where the law or a function has no value.

    The search for a peak may meet the one float at which there is none.
    """
    try:
        return _known_signal(law, x)
    except InvalidInput:
        return np.array([_signal_or_none(law, place) for place in x.ravel()]).reshape(x.shape)


def _signal_or_none(law: LineLaw, place: float) -> float:
    try:
        return float(_known_signal(law, np.array([place]))[0])
    except InvalidInput:
        return -1.0


def _known_signal(law: LineLaw, x: Array) -> Array:
    density, eigenvalue, mean, std = _within(law.at(x.ravel()))
    return np.asarray(density * eigenvalue * (mean**2 + std**2)).reshape(x.shape)


def _unresolved(law: LineLaw, panels: _Panels, tolerance: float, worst: int) -> str:
    middle = (panels.left[worst] + panels.right[worst]) / 2
    eigenvalue = law.at(np.array([middle])).eigenvalue.item()
    return (
        f"the quadrature of {law.name} does not reach the relative tolerance {tolerance:g}, "
        f"for what happens near the eigenvalue {eigenvalue:.6g}; ask for a larger one, name the "
        "eigenvalues where the law or its mean or std jump or bend in breakpoints=, or give groups"
    )


def _measure(law: LineLaw, left: Array, right: Array, probes: "_Probes | None") -> _Panels:
    """The law on panels, and what the probes see there."""
    parts = []
    for start in range(0, len(left), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, b = left[rows], right[rows]
        columns = _columns(law, a, b)
        if probes is None:
            empty = np.zeros((0, len(a)))
            parts.append(_Panels(a, b, columns, empty, empty))
        else:
            parts.append(_Panels(a, b, columns, *probes.measure(columns, b - a)))
    return parts[0] if len(parts) == 1 else _joined(*parts)


def _columns(law: LineLaw, left: Array, right: Array) -> Columns:
    half = (right - left)[:, None] / 2
    x = (left + right)[:, None] / 2 + half * _PLACES_OF_PANEL
    # The ends are seen from within: a jump at an end is none of the panel's.
    inward = np.minimum(1e-14 * np.maximum(abs(x), 1), 1e-3 * half)
    x = np.clip(x, left[:, None] + inward, right[:, None] - inward)
    return _within(law.at(x))


def _within(columns: Columns) -> Columns:
    """What leaves the range of a population is kept out of the sums; tails are tested for it."""
    density, eigenvalue, mean, std = columns
    dead = eigenvalue == 0
    mean, std = np.where(dead & ~np.isfinite(mean), 0, mean), np.where(dead & np.isinf(std), 0, std)
    columns = Columns(density, *into_range(eigenvalue, mean, std))
    within = in_range(*columns[1:])
    return Columns(*(np.where(within, x, at) for x, at in zip(columns, (0, 1, 0, 0), strict=True)))


def _taken(panels: _Panels, chosen: Array) -> _Panels:
    return _Panels(
        panels.left[chosen],
        panels.right[chosen],
        Columns(*(column[chosen] for column in panels.columns)),
        panels.value[:, chosen],
        panels.error[:, chosen],
    )


def _joined(*parts: _Panels) -> _Panels:
    left = np.concatenate([part.left for part in parts])
    order = np.argsort(left)
    columns = zip(*(part.columns for part in parts), strict=True)
    return _Panels(
        left[order],
        np.concatenate([part.right for part in parts])[order],
        Columns(*(np.concatenate(column)[order] for column in columns)),
        np.concatenate([part.value for part in parts], axis=1)[:, order],
        np.concatenate([part.error for part in parts], axis=1)[:, order],
    )


class _Probes:
    """Moments of the kinds that the theory takes, at scales over the spectrum.

    Resolvent moments at each scale, the signal, and the mass and signal of weights above cuts.
    """

    def __init__(self, panels: _Panels) -> None:
        nodes, weight = panels.nodes, panels.weight
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
        self._cuts = np.sqrt(self._signal) * np.array([0.3, 1, 3]) if self._signal > 0 else ()

    def integrands(self, columns: Columns) -> Array:
        """The integrands without the density, of shape (probes, ...)."""
        _, eigenvalue, mean, std = columns
        signal = eigenvalue * (mean**2 + std**2)
        values = [np.ones_like(eigenvalue), signal]
        for tau in self._scales:
            seen, unseen = eigenvalue / (eigenvalue + tau), tau / (eigenvalue + tau)
            values += [seen, seen**2, unseen, signal * unseen**2]
        values += [part for cut in self._cuts for part in self._above(cut, columns, signal)]
        return np.array(values)

    def coarse(self, columns: Columns) -> Array:
        """Few of the integrands, which see any change of mean and std that matters."""
        _, eigenvalue, mean, std = columns
        signal = eigenvalue * (mean**2 + std**2)
        return np.array([signal, *(self._above(cut, columns, signal)[0] for cut in self._cuts)])

    def _above(self, cut: float, columns: Columns, signal: Array) -> tuple[Array, Array]:
        """The share of weights above a cut, and their signal, with some noise."""
        _, eigenvalue, mean, std = columns
        spread = np.sqrt(2 * (eigenvalue * std**2 + self._signal / 4))
        center = np.sqrt(eigenvalue) * abs(mean)
        kept = (erfc((cut - center) / spread) + erfc((cut + center) / spread)) / 2
        return kept, signal * kept

    def total(self, values: Array) -> Array:
        """What errors of the probes are relative to: their integrals, over panels of the last axis.

        What is above a cut is hardly ever less than a thousandth, and needs no better accuracy.
        """
        total = abs(values.sum(axis=1))
        cuts = 2 * len(self._cuts)
        if cuts:
            least = _RARE * np.array([1.0, total[1]] * len(self._cuts))
            total[-cuts:] = np.maximum(total[-cuts:], least)
        return np.asarray(total)

    def measure(self, columns: Columns, width: Array) -> tuple[Array, Array]:
        """Integrals over panels, and bounds of their errors, of shape (probes, panels)."""
        values = self.integrands(columns)
        values *= columns.density
        values *= width[:, None] / 2
        through, beside = values[..., : _THROUGH.size], values[..., _THROUGH.size :]
        difference = abs(through @ _DIFFERENCE)
        residual = abs(beside - through @ _AT_BESIDE.T) @ _GAPS
        integral = through[..., _IS_NODE] @ _WEIGHTS
        return integral, difference + _SAFETY * residual


def _quantiles(eigenvalue: Array, weight: Array) -> Array:
    """The eigenvalues below which the `_LEVELS` of all weight lie."""
    order = np.argsort(eigenvalue)
    share = np.cumsum(weight[order])
    return np.interp(_LEVELS, share / share[-1], eigenvalue[order])


def _filled(scales: Array) -> Array:
    """Scales, with more between those that lie far apart."""
    ratio = max(_RATIO, float(scales[-1] / scales[0]) ** (1 / _MOST_SCALES))
    counts = np.ceil(np.log(scales[1:] / scales[:-1]) / math.log(ratio)).astype(int)
    parts = [
        np.geomspace(low, high, count + 1)[:-1]
        for low, high, count in zip(scales[:-1], scales[1:], counts, strict=True)
    ]
    return np.concatenate([*parts, scales[-1:]])


def _hidden(law: LineLaw, probes: _Probes, panels: _Panels, tolerance: float) -> Array:
    """Where to split panels, for their functions do something that their places do not see."""
    if not law.has_functions:
        return np.empty(0)
    most = panels.columns.density.max(axis=1) * (panels.right - panels.left)
    counts = np.ceil(_PLACES * most).astype(np.int64)
    found = [
        _deviations(law, probes, panels, int(panel), int(counts[panel]), tolerance)
        for panel in np.flatnonzero(counts > _PLACES_OF_PANEL.size)
    ]
    if not found:
        return np.empty(0)
    hidden = np.array([change.sum(axis=1) for _, change in found])
    total = hidden.sum(axis=0) + 1  # of probabilities
    total[0] += panels.value[1].sum() - 1  # of the signal
    large = hidden > _LITTLE * tolerance * total / len(found)
    splits = [
        _around(x, change[row]) for (x, change), row in zip(found, large, strict=True) if row.any()
    ]
    return np.array(splits).ravel()


def _around(x: Array, change: Array) -> tuple[float, float, float]:
    """Ends and middle of where changes are not small."""
    strong = (change >= change.max(axis=1, keepdims=True) / 1000).any(axis=0)
    first, last = x[strong].min(), x[strong].max()
    return first, (first + last) / 2, last


def _deviations(
    law: LineLaw, probes: _Probes, panels: _Panels, panel: int, count: int, tolerance: float
) -> tuple[Array, Array]:
    """At many places of a panel, what mean and std that are not as interpolated would change."""
    left, right = panels.left[panel], panels.right[panel]
    through = np.array([column[panel, : _THROUGH.size] for column in panels.columns])
    local, (density, eigenvalue, mean, std) = _spread(_SERIES @ through.T, count)
    eigenvalue = np.clip(eigenvalue, through[1].min(), through[1].max())
    there = law.coefficients(eigenvalue)
    differ = sum(
        abs(given - seen) for given, seen in zip(there, (mean, std), strict=True)
    ) > _NOTHING * tolerance * (abs(mean) + abs(std))
    x = (left + right) / 2 + (right - left) / 2 * local[differ]
    density, eigenvalue = np.maximum(density[differ], 0), eigenvalue[differ]
    seen = Columns(density, eigenvalue, mean[differ], np.maximum(std[differ], 0))
    true = _within(Columns(density, eigenvalue, *(column[differ] for column in there)))
    change = abs(probes.coarse(true) - probes.coarse(seen)) * density
    return x, change * ((right - left) / local.size)


def _spread(series: Array, count: int) -> tuple[Array, Array]:
    """At least `count` equally spaced places of a panel, and Legendre series there."""
    blocks = -(-count // _TOGETHER)
    if blocks < _FEW_BLOCKS:
        local = (np.arange(count) + 0.5) / count * 2 - 1
        return local, legendre.legval(local, series)
    centers = ((np.arange(blocks) + 0.5) / blocks * 2 - 1)[:, None]
    values = legendre.legval(centers + _LOCAL / blocks, series).reshape(-1, _LOCAL.size)
    places = (centers + _IN_BLOCK / blocks).ravel()
    return places, (values @ _FROM_LOCAL.T).reshape(-1, places.size)


def _check_law(law: LineLaw, probes: _Probes, panels: _Panels, tolerance: float) -> None:
    """That the eigenvalues are where the law's distribution function puts them.

    A probability that is wrong by e changes the mean of f by e times the variation of f, at most.
    """
    half = (panels.right - panels.left)[:, None] / 2
    x = (panels.left + panels.right)[:, None] / 2 + half * _NODES
    edges = np.stack([panels.left, panels.right], axis=1)
    slack = float(panels.error[0].sum())  # of the probe that is 1
    error = law.misplaced(edges, x, panels.nodes.eigenvalue, panels.weight, slack)
    there = panels.weight > 0
    size = error[there]
    values = probes.integrands(Columns(*(column[there] for column in panels.nodes)))
    variation = abs(np.diff(values, axis=1)) @ np.maximum(size[1:], size[:-1])
    variation += law.beyond * np.maximum(abs(values[:, 0]), abs(values[:, -1]))
    total = probes.total(panels.value)
    reached = float((variation[total > 0] / total[total > 0]).max())
    if not reached <= tolerance / 2:
        raise NoConvergence(
            f"{law.name} is known to a relative accuracy of {2 * reached:.1e} only, not to "
            f"{tolerance:g}: so far its quantile function or density and its distribution function "
            "disagree, or end; ask for a larger tolerance, give the law an exact _ppf, or groups"
        )
    lost = 1 - float(panels.weight.sum()) - law.beyond
    if lost > slack + _LITTLE * tolerance:
        allowed = (
            f"must be in the range of numbers for all features, and are not for {lost:.1e} of "
            f"them: at most {LARGEST:g} the eigenvalue, {REAL.largest:g} the others"
        )
        raise InvalidInput("eigenvalue, mean, std", MISSING, allowed)


def _check_tails(law: LineLaw, tolerance: float) -> None:
    """That E[ΛB²] is finite, its tails extrapolated from where eigenvalues leave the range."""
    low, high = float(law.edges[0]), float(law.edges[-1])
    middle = 0.0 if low < 0 < high else (low + high) / 2
    ends, last_places, blurred = [], [], []
    for side, reach in ((-1, middle - low), (1, high - middle)):
        step = min(_STEP, reach / _LEAST_STEPS)
        inner = np.arange(0.0, reach - step / 2, step)[:, None]
        x = middle + side * (inner + step / 2 * (1 + _TAIL[0]))
        columns = law.at(np.clip(x, low, high))
        columns = Columns(columns.density, *into_range(*columns[1:]))
        signal = columns.density * columns.eigenvalue * (columns.mean**2 + columns.std**2)
        within = in_range(*columns[1:]).all(axis=1)
        ends.append((step / 2 * signal @ _TAIL[1])[within])
        last = columns.eigenvalue[within][-2:]
        last_places.append(float(last[-1:, -1].sum()))
        blurred.append(bool((abs(np.diff(last)) <= _UNCLEAR * last[:, 1:]).any()))
    total = float(sum(end.sum() for end in ends))
    for end, place, unclear in zip(ends, last_places, blurred, strict=True):
        before, last = (*(0.0, 0.0), *end)[-2:]
        if not last > _NOTHING * tolerance * total:
            continue
        endless = last > _NO_DECAY * before
        if endless and not unclear:
            raise InvalidInput("E[Lambda B^2]", math.inf, "must be finite")
        if endless or not last * last / (before - last) <= _LITTLE * tolerance * total:
            raise NoConvergence(
                f"the tail of E[Lambda B^2] is not known to the tolerance {tolerance:g}: more than "
                f"that may lie near or beyond the eigenvalue {place:.6g}, the last for which "
                f"{law.name} can be computed; ask for a larger tolerance, or {law.remedy}"
            )
