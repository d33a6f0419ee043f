r"""Integrals as they are written, by numbers alone: no antiderivative is asked for.

The interval is cut where the integrand may be steep.  On each part it is mapped to all real
:math:`t` such that the integrand falls off doubly exponentially at either end, whether it has a
power at the ends of the part or goes on for ever; there the trapezoidal rule converges fast.  The
step is halved until the sum no longer changes.  The result is a ball about the last sum: its
radius is that of rounding, which is proved, and the last change and what was left out, which are
estimates.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from flint import arb

#: An integrand at several places; not finite where it has no value.
Integrand = Callable[[Sequence[arb]], Sequence[arb]]
#: The first step and how often it is halved.
_STEP, _HALVINGS = arb(1) / 4, 7
#: Sums that still change by so much, after so many halvings, are not worth any more of them.
_WILD, _AFTER = arb(10) ** -4, 5
#: The first place: off every number at which an integrand is likely to be special.
_START = arb("0.0377").mid()
#: The farthest places, in t.
_FARTHEST = 24
#: How often a part may be cut at a peak, and how often the places about one are narrowed down.
_CUTS, _NARROWED = 2, 12
#: The share of the sum of absolute values by which the last change may be off, at the most.
_COARSEST = arb(10) ** -8


class NotConverged(ArithmeticError):
    """An integral that the numbers do not show to have a value."""


class _Narrow(NotConverged):
    """A part whose integrand may have a narrow peak."""

    def __init__(self, peak: arb) -> None:
        super().__init__("the integral is not seen to converge")
        self.peak = peak


class _Sum(NamedTuple):
    """A sum with the sum of its absolute values."""

    value: arb
    size: arb

    def plus(self, terms: Iterable[arb]) -> "_Sum":
        value, size = self
        for term in terms:
            value, size = value + term, size + abs(term)
        return _Sum(value, size)


_NOTHING = _Sum(arb(0), arb(0))
#: Bits of the distance from an end that a place must have.
_BITS_OF_DISTANCE = 16


class _Place(NamedTuple):
    """A place in the interval, its distance from the nearer end, and how fast it moves with t."""

    x: arb
    distance: arb
    speed: arb


_Path = Callable[[arb], _Place]


def quadrature(integrand: Integrand, cuts: Sequence[arb], bits: int) -> arb:
    """The integral over the parts between `cuts`, which rise; the outer ones may be infinite.

    The error that is sought is ``2**(-bits)`` of the integral of the absolute value.  Raises
    `NotConverged` if it is not seen to be small.
    """
    low, high = cuts[0], cuts[-1]
    if not low.is_finite() and not high.is_finite() and len(cuts) == 2:
        cuts = (low, arb(0), high)
    total = [_part(integrand, part, bits) for part in pairwise(cuts)]
    return sum(total, arb(0))


def _path(low: arb, high: arb) -> _Path:
    half_pi = arb.pi() / 2

    def finite(t: arb) -> _Place:
        share = 1 / (1 + (2 * half_pi * abs(t).sinh()).exp())
        distance = (high - low) * share
        x = low + distance if t < 0 else high - distance
        return _Place(x, distance, distance * 2 * half_pi * t.cosh() * (1 - share))

    def endless(t: arb) -> _Place:
        distance = (half_pi * t.sinh()).exp()
        x = low + distance if low.is_finite() else high - distance
        return _Place(x, distance, distance * half_pi * t.cosh())

    return finite if low.is_finite() and high.is_finite() else endless


def _part(integrand: Integrand, ends: tuple[arb, arb], bits: int, again: int = _CUTS) -> arb:
    """The integral over a part; one that has a narrow peak is cut there, and looked at again."""
    try:
        return _smooth(integrand, _path(*ends), bits)
    except _Narrow as narrow:
        if not again:
            raise
        halves = (ends[0], narrow.peak), (narrow.peak, ends[1])
        return sum((_part(integrand, half, bits, again - 1) for half in halves), arb(0))


def _smooth(integrand: Integrand, path: _Path, bits: int) -> arb:
    least = arb(2) ** (-bits)

    def terms(places: Sequence[arb]) -> list[arb]:
        found = [path(t) for t in places]
        values = integrand([place.x.mid() for place in found])
        return [_term(value, place) for value, place in zip(values, found, strict=True)]

    step, found = _STEP, _NOTHING
    found, ahead, left = _walk(terms, found, step, 1, least)
    found, behind, also_left = _walk(terms, found, step, -1, least)
    left_out = left + also_left
    _require(left_out <= _COARSEST * found.size * step)
    changed = arb.pos_inf()
    for halving in range(_HALVINGS):
        before, step = found.value * step, step / 2
        between = range(1 - 2 * behind, 2 * ahead - 2, 2)
        found = found.plus(terms([_START + step * k for k in between]))
        behind, ahead = 2 * behind, 2 * ahead - 1
        changed = abs(found.value * step - before).mid()
        wild = halving + 1 >= _AFTER and not changed <= _WILD * found.size * step
        if wild or changed <= least * (found.size * step).mid():
            break
    if not changed <= _COARSEST * found.size * step:
        places = [_START + step * k for k in range(-behind, ahead)]
        raise _Narrow(path(_highest(terms, places, step)).x.mid())
    error = changed + left_out
    return found.value * step + arb(0, error.upper())


def _highest(terms: Callable[[Sequence[arb]], list[arb]], places: Sequence[arb], step: arb) -> arb:
    """About where a term is the largest."""
    for _ in range(_NARROWED):
        sizes = [abs(term).mid() for term in terms(places)]
        best = places[max(range(len(sizes)), key=lambda k: sizes[k])]
        step = step / 4
        places = [best + step * k for k in range(-3, 4)]
    return best


def _require(converged: bool) -> None:
    if not converged:
        raise NotConverged("the integral is not seen to converge")


def _term(value: arb, place: _Place) -> arb:
    """What a place adds; unknown where the digits do not tell it from an end of the interval."""
    told = place.x.rad() <= place.distance.mid() * arb(2) ** -_BITS_OF_DISTANCE
    return value * place.speed if told else arb.nan()


def _walk(
    terms: Callable[[Sequence[arb]], list[arb]], found: _Sum, step: arb, side: int, least: arb
) -> tuple[_Sum, int, arb]:
    """Sum on one side of the start until nothing is added any more.

    Also how many steps that were, and how much may be left out there.
    """
    stride = int(1 / float(step))
    taken, last = 0, arb(0)
    for block in range(_FARTHEST):
        first = block * stride + (side < 0)
        here = terms([_START + side * step * k for k in range(first, first + stride)])
        known = next((i for i, term in enumerate(here) if not term.is_finite()), len(here))
        here = here[:known]
        added = sum(map(abs, here), arb(0)) * step
        found = found.plus(here)
        taken = block * stride + known
        if known == stride or here:
            last = added
        nothing_more = found.size > 0 and added <= least * found.size * step
        if known < stride or nothing_more:
            break
    return found, taken, last.upper()
