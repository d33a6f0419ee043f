r"""Poles of the signal along a line: how much of E[ΛB²] the panels around one cannot see.

Let the density of E[ΛB²] along the line grow like :math:`|x-x_0|^{-a}` towards a pole
:math:`x_0`.  Then the signal in a ring :math:`r/2<|x-x_0|<r` is proportional to
:math:`r^{1-a}`: from one ring to the next, of half the radius, it shrinks by the factor

.. math:: d = 2^{-(1-a)},

and the rings inside the first one hold :math:`d + d^2 + \dots = d/(1-d)` times its signal.  This
module measures d from rings of quadrature nodes.  If d is 1 or more, E[ΛB²] is infinite.

The error of panels that are halved towards a pole shrinks by the same factor d.  The refinement of
panels takes for granted that a halving halves the error, as at a jump, where the errors of all
further halvings sum to 2 times the first.  Here they sum to 1 / (1 - d) times it, so the bound is
multiplied by the ratio of both, 0.5 / (1 - d).
"""

import math

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput, NoConvergence
from .laws import LineLaw
from .panels import NODES, WEIGHTS, Panels, unresolved, zeroed_out_of_range

#: A panel whose error is less than this fraction of its signal holds no pole.
_RESOLVED = 1e-6
#: The search for a peak begins in an interval that is wider than the panel on either side: by this
#: fraction of the place or of the panel's width, or by `_FEW_ROUNDINGS`, whichever is most.
_MARGIN_OF_PLACE, _MARGIN_OF_PANEL = 1e-12, 1 / 32
#: Every step of the search evaluates the signal at 65 places of the interval and keeps the two
#: parts beside the largest; there are 12 steps, so the interval shrinks to 32^-12 of its width.
_ZOOM, _ZOOMS = np.linspace(0, 1, 65), 12
#: Radii of the rings, in terms of `_blur`, the distance below which rounding confuses places.  The
#: smallest radius is 2^10 times the blur, and the factor from one radius to the next is up to 2^4.
#: No ring is larger than `_LARGEST_RING`, beyond which the line is not nearly straight; where the
#: blur is large, factor and smallest radius are smaller, and d is known less well.  Where the
#: smallest radius is less than `_FEW_ROUNDINGS` times the blur, d is not known at all.
_LEAST_RING, _FEW_ROUNDINGS, _MOST_HALVINGS = 2.0**10, 16.0, 4
_RING_NUMBERS = np.arange(5)[:, None]
_LARGEST_RING = 0.1
#: The rings of both sides of a peak are measured apart; an axis for them comes first.
_SIDES = np.array([-1, 1])[:, None, None]
#: The step over which the slope of the eigenvalue is taken, relative to the place.
_STEP_OF_SLOPE = 1e-6
#: Where 1 - d is less than this, the sum of the series cannot be told from an infinite one.
_ENDLESS = 1e-3


def with_poles(law: LineLaw, panels: Panels, tolerance: float, allowed: float) -> Panels:
    """The panels with larger error bounds where the signal has a pole.

    Bounds are multiplied by 0.5 / (1 - d), if that is more than 1.  The signal within the smallest
    ring, which rounding hides, is added to the bound of the signal.

    Raises `InvalidInput` if d is so close to 1 that E[ΛB²] is infinite or nearly so.  Raises
    `NoConvergence` if the smallest rings hold more signal than is `allowed`, for halving panels
    would not help.
    """
    value, error = panels.value[1], panels.error[1]  # of the signal
    doubtful = np.flatnonzero(error > _RESOLVED * value)
    if not law.has_functions or not doubtful.size:
        return panels
    peaked, peak = _peaks(law, panels, doubtful)
    if not peaked.size:
        return panels
    blur = _blur(law, peak)
    highest, group = _grouped(peak, _LEAST_RING * blur, _signal(law, peak))
    decay, unseen = _decay(law, peak[highest], blur[highest])
    endless = decay > 1 - _ENDLESS
    if endless.any():
        where = float(law.at(peak[highest][endless]).eigenvalue[0])
        finite = f"must be finite: at a pole near the eigenvalue {where:.6g} it is not, or hardly"
        raise InvalidInput("E[Lambda B^2]", math.inf, finite)
    if unseen.sum() > allowed:
        worst = int(peaked[highest][np.argmax(unseen)])
        raise NoConvergence(unresolved(law, panels, tolerance, worst))
    factor, added = np.ones_like(value), np.zeros_like(value)
    factor[peaked] = np.maximum(0.5 / np.maximum(1 - decay, _ENDLESS), 1)[group]
    added[peaked[highest]] = unseen
    error = panels.error * factor
    error[1] += added
    return panels._replace(error=error)


def _grouped(peak: Array, distance: Array, signal: Array) -> tuple[Array, Array]:
    """Groups of peaks that are one pole, because several panels may find the same.

    Adjacent peaks are in one group where they are nearer to each other than `distance`.  Returns
    the index of the highest peak of each group, and the group of each peak.
    """
    order = np.argsort(peak)
    group = np.empty(peak.size, dtype=np.int64)
    group[order] = np.append(0, np.cumsum(np.diff(peak[order]) > distance[order][1:]))
    by_height = np.lexsort((signal, group))  # by group, then by signal: the highest comes last
    return by_height[np.append(np.diff(group[by_height]) > 0, True)], group


def _peaks(law: LineLaw, panels: Panels, chosen: Array) -> tuple[Array, Array]:
    """Those of the chosen panels in which the signal has a peak, and the place of each peak.

    A panel whose signal is largest at an end of the interval of the search has no peak of its own:
    the signal grows towards a peak in another panel.
    """
    low, high = law.edges[[0, -1]]
    left, right = panels.left[chosen], panels.right[chosen]
    # A pole may lie on an end of the panel.  The margin puts places on either side of it.
    margin = np.maximum(
        _MARGIN_OF_PLACE * np.maximum(abs(left), 1), _MARGIN_OF_PANEL * (right - left)
    )
    blur = _blur(law, (left + right) / 2)  # not at an end, where a function may have no value
    margin = np.maximum(margin, np.minimum(_FEW_ROUNDINGS * blur, _LARGEST_RING))
    left, right = np.maximum(left - margin, low), np.minimum(right + margin, high)
    left, peak, right = _largest(law, left, right)
    inside = (left < peak) & (peak < right)
    chosen, left, peak, right = chosen[inside], left[inside], peak[inside], right[inside]
    for _ in range(_ZOOMS if chosen.size else 0):
        left, peak, right = _largest(law, left, right)
    return chosen, peak


def _largest(law: LineLaw, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """The place of the largest signal in each interval, between its two neighbours of 65 places."""
    x = left[:, None] + (right - left)[:, None] * _ZOOM
    most = np.argmax(_signal(law, x), axis=1)
    beside = np.clip(most + np.array([[-1], [0], [1]]), 0, _ZOOM.size - 1)
    left, peak, right = x[np.arange(left.size), beside]
    return left, peak, right


def _decay(law: LineLaw, peak: Array, blur: Array) -> tuple[Array, Array]:
    """The factor d by which the signal of rings around each peak shrinks when the radius halves.

    Also returns the signal within the smallest ring.  The factor comes from the two smallest rings,
    because larger ones see the rest of the signal, which hides a weak pole, and take a narrow peak
    for a pole; of the two sides of the peak, the one with the larger factor counts.

    The factor is 0 in two cases.  If the place is no peak, the signal within the ring is 0, too.
    If rings would be narrower than a few roundings, it is the most that a pole of the largest
    factor allowed would hide.
    """
    low, high = law.edges[[0, -1]]
    least = np.minimum(_LEAST_RING * blur, _LARGEST_RING / 2.0 ** _RING_NUMBERS[-1])
    told = least >= _FEW_ROUNDINGS * blur
    # From one ring to the next the radius is halved this many times (4, or fewer and not whole).
    halvings = np.minimum(np.log2(_LARGEST_RING / least) / _RING_NUMBERS[-1], _MOST_HALVINGS)
    radius = least * 2.0 ** (_RING_NUMBERS * halvings)  # of shape (rings, peaks)
    # Nodes on the ring from radius / 2 to radius; x has the shape (sides, rings, peaks, nodes).
    x = peak[:, None] + _SIDES[..., None] * radius[..., None] * (3 + NODES) / 4
    within = (x >= low) & (x <= high)
    signal = np.where(within, _signal(law, np.where(within, x, peak[:, None])), np.inf)
    highest = _signal(law, peak)
    known = told & (signal <= highest[:, None]).all(axis=(1, -1))
    rings = signal @ WEIGHTS * radius / 4
    known &= (rings > 0).all(axis=1)
    ratio = np.where(known, rings[:, 0] / rings[:, 1], 0) ** (1 / halvings)
    decay = ratio.max(axis=0)
    # With radii closer together the factor is too inaccurate to call E[ΛB²] infinite by it.
    decay = np.where(halvings < _MOST_HALVINGS, np.minimum(decay, 1 - _ENDLESS), decay)
    # The sum d + d^2 + ... = d / (1 - d), times the signal of the smallest ring, over both sides.
    inside = np.where(known, rings[:, 0], 0).sum(axis=0) * decay / np.maximum(1 - decay, _ENDLESS)
    return decay, np.where(told, inside, highest * _FEW_ROUNDINGS * blur / _ENDLESS)


def _blur(law: LineLaw, x: Array) -> Array:
    r"""The distance along the line below which rounding confuses places near `x`.

    Both the place x and the eigenvalue there are rounded, to a relative :math:`\epsilon`:

    .. math:: \epsilon\,\max\Bigl(|x|,\ 1,\ \frac{\Lambda}{d\Lambda/dx}\Bigr).

    The slope is a difference over a step.  The step must be many roundings of the eigenvalue, so
    where the short one is not, the long one is used.
    """
    size = np.maximum(abs(x), 1)
    near, far = (
        np.finfo(np.float64).eps * np.fmax(size, _length(law, x, step))
        for step in (_STEP_OF_SLOPE * size, _LARGEST_RING / 2)
    )
    told = _FEW_ROUNDINGS * near <= _STEP_OF_SLOPE * size
    return np.asarray(np.where(told, near, np.minimum(far, _LARGEST_RING)))


def _length(law: LineLaw, x: Array, step: Array | float) -> Array:
    r"""The length :math:`\Lambda/(d\Lambda/dx)` along the line over which the eigenvalue doubles.

    The slope is a difference over `step` to both sides.  The length is NaN where all eigenvalues
    are 0, which are not rounded.
    """
    beside = np.clip(x + step * np.array([[-1], [0], [1]]), *law.edges[[0, -1]])
    eigenvalue = law.at(beside.ravel()).eigenvalue.reshape(beside.shape)
    return np.asarray(eigenvalue[1] * (beside[2] - beside[0]) / (eigenvalue[2] - eigenvalue[0]))


def _signal(law: LineLaw, x: Array) -> Array:
    """The density of E[ΛB²] along the line at `x`, and -1 where the law or a function has no value.

    The search for a peak may hit the one float at which a function with a pole has no value.
    """
    try:
        return _evaluated_signal(law, x)
    except InvalidInput:
        return np.array([_signal_or_none(law, place) for place in x.ravel()]).reshape(x.shape)


def _signal_or_none(law: LineLaw, place: float) -> float:
    """The same at one place."""
    try:
        return float(_evaluated_signal(law, np.array([place]))[0])
    except InvalidInput:
        return -1.0


def _evaluated_signal(law: LineLaw, x: Array) -> Array:
    """The same; raises `InvalidInput` where there is no value."""
    density, eigenvalue, mean, std = zeroed_out_of_range(law.at(x.ravel()))
    return np.asarray(density * eigenvalue * (mean**2 + std**2)).reshape(x.shape)
