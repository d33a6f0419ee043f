r"""Continuous eigenvalue laws as groups, by quadrature along a line.

A law is laid out along a line (`asymptotics.population.laws`): the variable x has a density, and
the eigenvalue and the mean and std of its coefficients are functions of x.  An expectation is an
integral over x.  The line is divided into panels, and the nodes of a Gauss-Legendre rule on each
panel become groups.

**The error bound.**  The rule must integrate the moments of which a risk is made (`Probes`).  On
each panel an integrand F is evaluated at 65 places: the 16 nodes :math:`x_i`, 15 places between
them, both ends, and 32 places between all of these.  Let P be the polynomial through F at the first
33 places.  By the triangle inequality the rule, with weights :math:`w_i`, has the error

.. math:: \Bigl|\sum_i w_i F(x_i) - \int F\Bigr| \le \Bigl|\sum_i w_i F(x_i) - \int P\Bigr|
          + \int |F - P|.

The first term on the right is computed exactly; the second is estimated from the other 32 places.
Both, summed over all panels, must be below the tolerance.  (The difference of two rules would be no
such bound, because both may miss the same peak.)  A jump or a kink anywhere in a panel keeps F away
from every polynomial, so that the panel is halved until its share of the error is negligible.

**Poles.**  Next to a pole of a function, every halving of a panel leaves nearly as large an error
as the one before.  The errors of all halvings are a geometric series, whose factor
`asymptotics.population.poles` estimates; it raises the bound to the sum of the series.

**Narrow features.**  A function may have a peak narrower than the distance of the 65 places.  So
`mean` and `std` are also evaluated at 2^17 places of equal probability, and panels are split
where they differ from their interpolation.  The eigenvalue needs no such search: it is
monotone along the line, so that little can hide between two of its values.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from ..arithmetic import Array
from ..domains import REAL, Domain
from ..errors import MISSING, InvalidInput, NoConvergence
from ..parameters import scalar
from .groups import Groups
from .laws import LARGEST, Columns, LineLaw, in_range, into_range
from .panels import (
    NODES,
    PLACES,
    SERIES,
    THROUGH,
    WEIGHTS,
    Panels,
    Probes,
    chosen_panels,
    joined_panels,
    measured,
    unresolved,
    zeroed_out_of_range,
)
from .poles import with_poles

#: A panel may not be narrower than this, relative to its place: a few roundings.
_NARROWEST = 16 * np.finfo(np.float64).eps
#: How often all panels are refined and searched for narrow features.
_MOST_SEARCHES = 40
#: The part of the tolerance that the errors of the probes may use up.  A moment at a scale between
#: two of the probes has a larger error than either, and must be within the tolerance, too.
_PROBE_SHARE = 0.5
#: The part of the tolerance that panels or tails may use up which are left out.
_LEFT_OUT_SHARE = 0.1
#: Places of equal probability at which functions of the eigenvalue are searched for peaks.
_LAW_SAMPLES = 1 << 17
#: Changes smaller than this fraction of the tolerance are taken as rounding.
_NEGLIGIBLE = 1e-2
#: `_check_tails` divides each half of the line into steps of this length, or into this many steps
#: if the line is short, and integrates over each by this rule.
_STEP, _LEAST_STEPS = 2.0, 8
_TAIL = legendre.leggauss(6)
#: A tail whose signal shrinks by no more than this factor in a step does not end.
_NO_DECAY = 1 - 1e-6
#: Where eigenvalues at adjacent places of a step differ by less than this, relatively, rounding
#: decides how fast the tail seems to shrink.
_BLURRED = 1e-12
TOLERANCE = Domain(lambda x: (x >= 1e-13) & (x <= 0.1), "must be a number in [1e-13, 0.1]")
#: `_evaluated_densely` evaluates a series of degree 32 at very many places.  On a block of 64
#: adjacent places it is nearly straight, so a polynomial of degree 11 through 12 points replaces
#: it.  With fewer than 16 blocks that is not accurate, and the series itself is evaluated.
_BLOCK_SIZE, _FEW_BLOCKS = 64, 16
#: The 12 points, and the 64 places, in the coordinate [-1, 1] of a block; the map from values at
#: the former to values at the latter.
_LOCAL = legendre.leggauss(12)[0]
_IN_BLOCK = (np.arange(_BLOCK_SIZE) + 0.5) / _BLOCK_SIZE * 2 - 1
_FROM_LOCAL = legendre.legvander(_IN_BLOCK, 11) @ np.linalg.inv(legendre.legvander(_LOCAL, 11))


class Quadrature(NamedTuple):
    """The groups that replace a law, and those of a finer rule, to which risks are compared."""

    groups: Groups
    #: The nodes on both halves of every panel; here no panel is left out as negligible.
    finer: Groups


def quadrature(law: LineLaw, tolerance: float) -> Quadrature:
    """Groups whose moments agree with those of a law to a relative error of `tolerance`.

    Raises `InvalidInput` if E[ΛB²] is infinite or too many features are out of the range of a
    population, and `NoConvergence` if the tolerance is not reached.
    """
    tolerance = float(scalar("tolerance", tolerance, TOLERANCE))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _check_tails(law, tolerance)
        probes, panels = _resolved_panels(law, tolerance)
        _check_masses(law, probes, panels, tolerance)
        finer = _halved(law, panels)
    keep = ~_are_negligible(probes, panels, tolerance)
    # The weights no longer sum to 1; `Population` divides them by their sum.
    groups = _groups(panels.weight[keep], Columns(*(x[keep] for x in panels.nodes)))
    return Quadrature(groups, finer)


def _groups(weight: Array, nodes: Columns) -> Groups:
    """The nodes of panels as groups, without those whose weight underflows."""
    there = weight >= np.finfo(np.float64).tiny  # smaller ones have lost their digits
    return Groups(*(x[there] for x in (weight, nodes.eigenvalue, nodes.mean, nodes.std)))


def _halved(law: LineLaw, panels: Panels) -> Groups:
    """The nodes on both halves of every panel."""
    middle = (panels.left + panels.right) / 2
    left = np.stack([panels.left, middle], axis=1).ravel()[:, None]
    half = np.stack([middle, panels.right], axis=1).ravel()[:, None] / 2 - left / 2
    nodes = zeroed_out_of_range(law.at(left + half * (1 + NODES)))
    return _groups(half * WEIGHTS * nodes.density, nodes)


def _are_negligible(probes: Probes, panels: Panels, tolerance: float) -> Array:
    """A mask of the panels that may be left out because they hardly change any probe.

    Each of them has less than 1/n of the error allowed, of n panels; so all together are allowed.
    """
    share = _LEFT_OUT_SHARE * tolerance / len(panels.left) * probes.total(panels.value)
    return np.asarray(np.all(abs(panels.value) + panels.error <= share[:, None], axis=0))


def _resolved_panels(law: LineLaw, tolerance: float) -> tuple[Probes, Panels]:
    """Panels fine enough for the law, and the probes that they resolve.

    Refinement and search for narrow features alternate: a peak that the search has found is
    split off into panels of its own, which are then refined.
    """
    edges = law.edges
    left, right = edges[:-1], edges[1:]
    # The probes are chosen anew each time, because a peak that was just found changes the signal.
    for _ in range(_MOST_SEARCHES):
        probes = Probes(measured(law, left, right, None))
        panels = _refined(law, probes, left, right, tolerance)
        splits = _splits(law, probes, panels, tolerance)
        if not splits.size:
            return probes, panels
        edges = np.unique(np.concatenate([panels.left, panels.right[-1:], splits]))
        left, right = edges[:-1], edges[1:]
    raise NoConvergence(
        unresolved(law, panels, tolerance, int(np.argmax(panels.error.max(axis=0))))
    )


def _refined(law: LineLaw, probes: Probes, left: Array, right: Array, tolerance: float) -> Panels:
    """Panels that are halved until the error of every probe is within its part of the tolerance.

    Each round halves all panels with more than half of an equal share of the error allowed.
    Raises `NoConvergence` if that makes too many panels or too narrow ones.
    """
    panels = measured(law, left, right, probes)
    most = law.most_panels + 2 * left.size
    while True:
        allowed = _PROBE_SHARE * tolerance * probes.total(panels.value)
        allowed[0] = min(allowed[0], law.mass_error)  # the first probe is the constant 1
        judged = panels
        failing = judged.error.sum(axis=1) > allowed
        if not failing.any():  # poles are sought last, for that takes many evaluations
            judged = with_poles(law, panels, tolerance, float(allowed[1]))
            failing = judged.error.sum(axis=1) > allowed
        if not failing.any():
            return judged
        # If every panel is within this share, the sum is half of the error allowed.
        share = allowed[failing, None] / (2 * len(panels.left))
        halve = (judged.error[failing] > share).any(axis=0)
        left, right = panels.left[halve], panels.right[halve]
        narrow = right - left < _NARROWEST * np.maximum(abs(left), 1)
        if len(panels.left) + left.size > most or narrow.any():
            worst = int(np.argmax((judged.error / allowed[:, None])[failing].max(axis=0)))
            raise NoConvergence(unresolved(law, panels, tolerance, worst))
        middle = (left + right) / 2
        halves = measured(
            law, np.concatenate([left, middle]), np.concatenate([middle, right]), probes
        )
        panels = joined_panels(chosen_panels(panels, ~halve), halves)


def _splits(law: LineLaw, probes: Probes, panels: Panels, tolerance: float) -> Array:
    """Places at which to split panels, around peaks of mean and std that the panels do not see.

    On panels of much probability, mean and std are evaluated at equally spaced places, some 2^17
    over the whole law.  A panel is split in three where the sum of the changes that they would make
    to a coarse probe is not negligible.
    """
    if not law.has_functions:
        return np.empty(0)
    # `most` bounds the probability of each panel.  A panel with at most 65 of the 2^17 places is
    # sampled densely enough already.
    most = panels.columns.density.max(axis=1) * (panels.right - panels.left)
    counts = np.ceil(_LAW_SAMPLES * most).astype(np.int64)
    found = [
        _unseen_changes(law, probes, panels, int(panel), int(counts[panel]), tolerance)
        for panel in np.flatnonzero(counts > PLACES.size)
    ]
    if not found:
        return np.empty(0)
    hidden = np.array([change.sum(axis=1) for _, change in found])
    # The first coarse probe is the signal, relative to all signal; the others are probabilities,
    # relative to 1.  What was hidden belongs to the total.
    total = hidden.sum(axis=0) + 1
    total[0] += panels.value[1].sum() - 1
    # The panels that are not split may together use up their part of the tolerance.
    large = hidden > _LEFT_OUT_SHARE * tolerance * total / len(found)
    splits = [
        _extent(x, change[row]) for (x, change), row in zip(found, large, strict=True) if row.any()
    ]
    return np.array(splits).ravel()


def _extent(x: Array, change: Array) -> tuple[float, float, float]:
    """The ends and the middle of the range in which changes are not small."""
    # Small changes are mere ripples of the polynomial, far away from the peak.
    strong = (change >= change.max(axis=1, keepdims=True) / 1000).any(axis=0)
    first, last = x[strong].min(), x[strong].max()
    return first, (first + last) / 2, last


def _unseen_changes(
    law: LineLaw, probes: Probes, panels: Panels, panel: int, count: int, tolerance: float
) -> tuple[Array, Array]:
    """Places of a panel at which mean and std differ from their interpolation, and the effect.

    The polynomial through the law at 33 places gives density, eigenvalue, mean and std at `count`
    places or more.  Where the functions return another mean or std for that eigenvalue, the effect
    on the integral of each coarse probe is returned, of shape (probes, places).
    """
    left, right = panels.left[panel], panels.right[panel]
    through = np.array([column[panel, : THROUGH.size] for column in panels.columns])
    # The density and the eigenvalue are interpolated too, because computing them may be slow.
    local, (density, eigenvalue, mean, std) = _evaluated_densely(SERIES @ through.T, count)
    # A polynomial may overshoot where the eigenvalue jumps.
    eigenvalue = np.clip(eigenvalue, through[1].min(), through[1].max())
    there = law.coefficients(eigenvalue)
    differ = sum(
        abs(given - seen) for given, seen in zip(there, (mean, std), strict=True)
    ) > _NEGLIGIBLE * tolerance * (abs(mean) + abs(std))
    x = (left + right) / 2 + (right - left) / 2 * local[differ]
    density, eigenvalue = np.maximum(density[differ], 0), eigenvalue[differ]
    seen = Columns(density, eigenvalue, mean[differ], np.maximum(std[differ], 0))
    true = zeroed_out_of_range(Columns(density, eigenvalue, *(column[differ] for column in there)))
    change = abs(probes.coarse(true) - probes.coarse(seen)) * density
    return x, change * ((right - left) / local.size)


def _evaluated_densely(series: Array, count: int) -> tuple[Array, Array]:
    """At least `count` equally spaced places of [-1, 1], and Legendre series there.

    `series` has shape (terms, columns); the values have shape (columns, places).
    """
    blocks = -(-count // _BLOCK_SIZE)  # rounded up
    if blocks < _FEW_BLOCKS:
        local = (np.arange(count) + 0.5) / count * 2 - 1
        return local, legendre.legval(local, series)
    centers = ((np.arange(blocks) + 0.5) / blocks * 2 - 1)[:, None]
    # The series at the 12 points of each block, in the coordinate of the panel; then the places.
    values = legendre.legval(centers + _LOCAL / blocks, series).reshape(-1, _LOCAL.size)
    places = (centers + _IN_BLOCK / blocks).ravel()
    return places, (values @ _FROM_LOCAL.T).reshape(-1, places.size)


def _check_masses(law: LineLaw, probes: Probes, panels: Panels, tolerance: float) -> None:
    """Check that the nodes agree with the law's distribution function, and that few are left out.

    If the distribution function of the nodes is off by at most e, the mean of a function f is off
    by at most e times the total variation of f.

    Raises `NoConvergence` if a probe may be off by more than half of the tolerance, and
    `InvalidInput` if too much probability is out of the range of a population.
    """
    half = (panels.right - panels.left)[:, None] / 2
    x = (panels.left + panels.right)[:, None] / 2 + half * NODES
    edges = np.stack([panels.left, panels.right], axis=1)
    slack = panels.error[0]  # the first probe is the constant 1
    nodes = panels.nodes
    error = law.misplaced(edges, x, nodes.eigenvalue, panels.weight, slack)
    # Probability may be missing at nodes of density 0, too.  (Nodes out of range have neither
    # a density nor a signal.)
    there = (panels.weight > 0) | (nodes.mean != 0) | (nodes.std != 0)
    # If the distribution function is off by at most e_i between nodes i and i + 1, the mean of f
    # is off by at most the sum of e_i |f_(i+1) - f_i|.
    off = error[there]
    values = probes.integrands(Columns(*(column[there] for column in nodes)))
    between = np.maximum(off[1:], off[:-1])
    variation = abs(np.diff(values, axis=1)) @ between
    # Beyond the ends of the line f is taken to be no larger than at the outermost nodes.
    variation += law.beyond * np.maximum(abs(values[:, 0]), abs(values[:, -1]))
    total = probes.total(panels.value)
    relative = np.where(total > 0, variation / total, 0)
    reached = float(relative.max())
    if not reached <= tolerance / 2:
        change = abs(np.diff(values[np.argmax(relative)])) * between
        where = nodes.eigenvalue[there][1:][np.argmax(change)]
        raise NoConvergence(
            f"{law.name} is known to a relative accuracy of {2 * reached:.1e} only, not to "
            f"{tolerance:g}: so far its quantile function or density and its distribution function "
            f"disagree, or end, most of all near the eigenvalue {where:.6g}; name a peak, jump or "
            "pole there in breakpoints=, give the law an exact _ppf, or groups"
        )
    # Features out of range have density 0 in `panels`, and their probability is missing in the sum.
    lost = 1 - float(panels.weight.sum()) - law.beyond
    if lost > float(slack.sum()) + _LEFT_OUT_SHARE * tolerance:
        allowed = (
            f"must be in the range of numbers for all features, and are not for {lost:.1e} of "
            f"them: at most {LARGEST:g} the eigenvalue, {REAL.largest:g} the others"
        )
        raise InvalidInput("eigenvalue, mean, std", MISSING, allowed)


def _check_tails(law: LineLaw, tolerance: float) -> None:
    """Check that E[ΛB²] is finite, and that its tails beyond the range of eigenvalues are small.

    From the middle of the line outwards, the signal is integrated over steps of equal length, up to
    the last step within the range of a population.  In the variable x of the line, tails decay
    exponentially, so the signal b of the last step but one and l of the last one continue as
    a geometric series of factor l / b, and the rest is l (l / b) / (1 - l / b) = l² / (b - l).

    Raises `InvalidInput` if the series does not converge, and `NoConvergence` if its rest is too
    large, or if rounding makes b and l unreliable.
    """
    low, high = float(law.edges[0]), float(law.edges[-1])
    # x = 0 is the median of the law, or the middle of its support.
    middle = 0.0 if low < 0 < high else (low + high) / 2
    tails, last_eigenvalues, blurred = [], [], []
    for side, reach in ((-1, middle - low), (1, high - middle)):
        step = min(_STEP, reach / _LEAST_STEPS)
        inner = np.arange(0.0, reach - step / 2, step)[:, None]
        x = middle + side * (inner + step / 2 * (1 + _TAIL[0]))
        columns = law.at(np.clip(x, low, high))
        columns = Columns(columns.density, *into_range(*columns[1:]))
        signal = columns.density * columns.eigenvalue * (columns.mean**2 + columns.std**2)
        within = in_range(*columns[1:]).all(axis=1)
        tails.append((step / 2 * signal @ _TAIL[1])[within])
        last = columns.eigenvalue[within][-2:]
        last_eigenvalues.append(float(last[-1:, -1].sum()))
        blurred.append(bool((abs(np.diff(last)) <= _BLURRED * last[:, 1:]).any()))
    total = float(sum(tail.sum() for tail in tails))
    for tail, place, unclear in zip(tails, last_eigenvalues, blurred, strict=True):
        first, before, last = (0.0, 0.0, 0.0, *tail)[-3:]  # a short tail is preceded by zeros
        if not last > _NEGLIGIBLE * tolerance * total:
            continue  # a tail that small matters to no risk
        endless = last > _NO_DECAY * before
        # A peak in the last step grows too, but not over three steps.
        lasting = first > 0 and before > _NO_DECAY * first
        if endless and lasting and law.clear_tails and not unclear:
            raise InvalidInput("E[Lambda B^2]", math.inf, "must be finite")
        if endless or not last * last / (before - last) <= _LEFT_OUT_SHARE * tolerance * total:
            raise NoConvergence(
                f"the tail of E[Lambda B^2] is not known to the tolerance {tolerance:g}: more than "
                f"that may lie near or beyond the eigenvalue {place:.6g}, the last for which "
                f"{law.name} can be computed; ask for a larger tolerance, or {law.remedy}"
            )
