r"""Integrals as they are written, by numbers alone: no antiderivative is asked for.

The interval is cut where the integrand may be steep.  On each part it is mapped to all real
:math:`t` such that the integrand falls off doubly exponentially at either end, whether it has a
power at the ends of the part or goes on for ever.  Values at single places say where the ends may
be left out; blocks of places that do not get smaller towards an end say that they may not.

Between the ends the trapezoidal rule converges fast: its step is halved until the sum no longer
changes.  This is an estimate, which a narrow peak may escape.  It refutes nothing: where a claim
depends on it, Arb encloses the integral by the values of the integrand on boxes of complex numbers,
and no peak is too narrow for it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import Any, NamedTuple

from flint import acb, arb

from .holomorphic import Boxes

#: An integrand at several places; not finite where it is not known.
Integrand = Callable[[Sequence[arb]], Sequence[arb]]
#: The first step and how often it is halved.
_STEP, _HALVINGS = arb(1) / 4, 7
#: Places of a block.
_STRIDE = 4
#: Sums that still change by so much, after so many halvings, are not worth any more of them.
_WILD, _AFTER = arb(10) ** -4, 5
#: The first place: off every number at which an integrand is likely to be special.
_START = arb("0.0377").mid()
#: The farthest places, in t.
_FARTHEST = 24
#: How often a part may be cut at a peak, and how often the places about one are narrowed down.
_CUTS, _NARROWED = 2, 12
#: The share of the sum of absolute values by which an integral may be off, at the most.
_COARSEST = arb(10) ** -8
#: A block that is so much less than the one before it shows that an end may be left out.
_SHRINKS = arb(1) / 2
#: Blocks that are less than this share of all have vanished: numbers do not show them shrink.
_VANISHED = arb(2) ** -(1 << 20)
#: Halving converges as for an analytic integrand where each change is less than the one before it
#: to this power; else the error is the largest of so many last changes, times this.
_ANALYTIC, _LAST, _SAFETY = arb(3) / 2, 3, 10
#: The most boxes on which an integrand is enclosed, for each part.
_MOST_BOXES = 60_000
#: Steps beyond those that add anything, from which on an integral is bounded by its largest values.
_WIDER = 2
#: A bound of the integral of an absolute value to infinity, over all distances beyond the second
#: number; the first one is what the variable is of the distance that it has gone.
Beyond = Callable[[arb, arb], arb]
#: Intervals on which an integrand is bounded on its way to infinity: each so many times longer than
#: the one before it, so that a power of it is told from zero, to beyond the range of floats.
_RATIO, _INTERVALS = arb(5) / 4, 3_200
#: The most boxes that an estimate is held against, how closely they are asked for, and how closely
#: they must tell it.
_FEW_BOXES, _COARSE, _TOLD = 20_000, arb(2) ** -20, arb(2) ** -10
#: Places between which a function is looked at for a change of sign, for each unit of t; the most
#: changes that cut an interval.
_LOOKED_AT, _MOST_CROSSINGS = 4, 16
#: How often the places about a change of sign are halved, and how often a chord is drawn then.
_HALVED, _CHORDS = 24, 16


class NotConverged(ArithmeticError):
    """An integral that the numbers do not show to have a value."""


class _Narrow(NotConverged):
    """A part whose integrand may have a narrow peak."""

    def __init__(self, peak: arb) -> None:
        super().__init__(_NOT_SEEN)
        self.peak = peak


_NOT_SEEN = "the integral is not seen to converge"


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

    @property
    def told(self) -> bool:
        """Whether the digits tell it from an end of the interval."""
        return bool(self.x.rad() <= self.distance.mid() * arb(2) ** -_BITS_OF_DISTANCE)


class _Path(NamedTuple):
    """How a part of the interval is passed through."""

    low: arb
    high: arb

    @property
    def endless(self) -> bool:
        return not (self.low.is_finite() and self.high.is_finite())

    @property
    def scale(self) -> arb:
        """The distance from its finite end at which an endless one is about half way."""
        return abs(self.end(-1)).max(arb(1)).mid()

    def __call__(self, t: arb) -> _Place:
        x, distance, rate = self.along(t, -1 if t < 0 else 1)
        return _Place(x, distance, distance * rate)

    def beyond(self, distance: Any) -> Any:
        """The place of an endless part so far from its finite end."""
        return self.low + distance if self.low.is_finite() else self.high - distance

    def share_beyond(self, distance: arb) -> arb:
        """The ratio of a place to its distance, at this distance and all larger ones."""
        still = self.end(-1) * arb(0).union(1 / distance)
        return still + 1 if self.low.is_finite() else still - 1

    def along(self, t: Any, side: int) -> tuple[Any, Any, Any]:
        """The place at a number or in a box, its distance from the end, and how fast that grows.

        It grows by so many times itself.  A finite part has two sides.
        """
        low, high = self
        if self.endless:
            half_pi = arb.pi() / 2
            distance = self.scale * (half_pi * t.sinh()).exp()
            return self.beyond(distance), distance, half_pi * t.cosh()
        share = 1 / (1 + (side * arb.pi() * t.sinh()).exp())
        distance = (high - low) * share
        x = low + distance if side < 0 else high - distance
        return x, distance, arb.pi() * t.cosh() * (1 - share)

    def logarithm(self, t: acb, side: int) -> acb:
        """The logarithm of the place, where it leads from 0 upwards and this is the side of 0."""
        if self.endless:
            return arb.pi() / 2 * t.sinh()
        far = side * arb.pi() * t.sinh()
        return self.high.log() - far - (1 + (-far).exp()).log()

    def end(self, side: int) -> arb:
        """Where it leads on a side: infinity has one side only."""
        if not self.endless:
            return self.high if side > 0 else self.low
        if side > 0:
            return arb.pos_inf()
        return self.low if self.low.is_finite() else self.high


def quadrature(
    integrand: Integrand, cuts: Sequence[arb], bits: int, boxes: Boxes | None = None
) -> arb:
    """An estimate of the integral over the parts between `cuts`, which rise.

    The outer ones may be infinite.  The error that is sought is ``2**(-bits)`` of the integral of
    the absolute value.  `boxes` is the integrand on boxes, if it has rules for them: a few of them
    must tell it roughly, so that it misses no peak.  Raises `NotConverged` if they do not, or if
    the error is not seen to be small.
    """
    parts = [_part(integrand, part, bits, boxes) for part in pairwise(_halved(cuts))]
    return sum(parts, arb(0))


def enclosed_quadrature(
    integrand: Integrand, cuts: Sequence[arb], bits: int, boxes: Boxes, tail: Beyond
) -> arb:
    """As `quadrature`, but boxes enclose the integral on each part, and bound what is left out."""
    least = arb(2) ** (-bits)
    total = arb(0)
    for part in pairwise(_halved(cuts)):
        path = _Path(*part)
        extent = _extent(integrand, path, least).widened(_WIDER)
        found = _enclosed(boxes, path, extent, least, _MOST_BOXES)
        left = sum((_bound(integrand, path, tail, *side) for side in extent.sides), arb(0)).upper()
        off = found.rad() + left
        _require(off.is_finite() and off <= _COARSEST * extent.size.max(abs(found)))
        total += found + arb(0, left)
    return total


def _halved(cuts: Sequence[arb]) -> Sequence[arb]:
    low, high = cuts[0], cuts[-1]
    without_end = not low.is_finite() and not high.is_finite()
    return (low, arb(0), high) if without_end and len(cuts) == 2 else cuts


def crossings(function: Integrand, low: arb, high: arb) -> list[arb]:
    """Numbers at which a function changes its sign, if there are few, to all bits.

    Changes are seen between places that lie as close together as in a first sum.
    """
    found: list[arb] = []
    for ends in pairwise(_halved((low, high))):
        path = _Path(*ends)
        sides = _FARTHEST * _LOOKED_AT
        times = [arb(k) / _LOOKED_AT + _START for k in range(-sides, sides)]
        told = [t for t in times if path(t).told]
        values = function([path(t).x.mid() for t in told])
        for (t, x), (u, y) in pairwise(zip(told, values, strict=True)):
            if (x > 0 and y < 0) or (x < 0 and y > 0):
                found.append(_crossing(function, path, t, u))
        if len(found) > _MOST_CROSSINGS:
            return []
    return found


def _crossing(function: Integrand, path: _Path, low: arb, high: arb) -> arb:
    """A zero between two places: by halves at first, then where the chord is zero."""

    def at(t: arb) -> arb:
        return function([path(t).x.mid()])[0].mid()

    below, above = at(low), at(high)
    for step in range(_HALVED + _CHORDS):
        chord = ((low * above - high * below) / (above - below)).mid()
        middle = chord if step >= _HALVED and low < chord < high else ((low + high) / 2).mid()
        value = at(middle)
        if not low < middle < high or not (value > 0 or value < 0):
            break
        if (value > 0) == (below > 0):
            low, below, above = middle, value, above if step < _HALVED else above / 2
        else:
            high, above, below = middle, value, below if step < _HALVED else below / 2
    return path(middle).x.mid()


def _part(
    integrand: Integrand, ends: tuple[arb, arb], bits: int, boxes: Boxes | None, again: int = _CUTS
) -> arb:
    """The integral over a part; one that has a narrow peak is cut there, and looked at again."""
    try:
        return _over(integrand, _Path(*ends), bits, boxes)
    except _Narrow as narrow:
        if not again:
            raise
        halves = (ends[0], narrow.peak), (narrow.peak, ends[1])
        parts = [_part(integrand, half, bits, boxes, again - 1) for half in halves]
        return sum(parts, arb(0))


def _over(integrand: Integrand, path: _Path, bits: int, boxes: Boxes | None) -> arb:
    least = arb(2) ** (-bits)
    extent = _extent(integrand, path, least)
    value = _halving(partial(_terms, integrand, path), path, extent, least)
    if boxes is not None:
        coarse = _enclosed(boxes, path, extent, _COARSE, _FEW_BOXES)
        told = coarse.rad() <= _TOLD * extent.size.max(abs(value))
        _require(told and coarse.overlaps(value))
    return value + arb(0, extent.left)


class _Extent(NamedTuple):
    """How many steps one goes behind the start and ahead of it; the sum there; what is left out."""

    behind: int
    ahead: int
    found: _Sum
    left: arb
    #: How many places of each side are told from its end.
    told: tuple[int, int]

    @property
    def size(self) -> arb:
        return self.found.size * _STEP

    def widened(self, steps: int) -> "_Extent":
        """The same with so many more steps on each side, as far as there are places."""
        ahead, behind = (
            min(here + steps, most)
            for here, most in zip((self.ahead, self.behind), self.told, strict=True)
        )
        return self._replace(ahead=ahead, behind=behind)

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """Each side, with the steps that one goes there."""
        return (1, self.ahead), (-1, self.behind)


def _extent(integrand: Integrand, path: _Path, least: arb) -> _Extent:
    sides = [_blocks(partial(_terms, integrand, path), side) for side in (1, -1)]
    size = _NOTHING.plus(term for side in sides for block in side for term in block).size * _STEP
    ahead, behind = (
        _reach(integrand, path, side, blocks, least * size)
        for side, blocks in zip((1, -1), sides, strict=True)
    )
    within = (_flat(sides[0])[: ahead.steps], _flat(sides[1])[: behind.steps])
    left = (ahead.left + behind.left).upper()
    _require(left <= _COARSEST * size)
    told = len(_flat(sides[0])), len(_flat(sides[1]))
    return _Extent(behind.steps, ahead.steps, _NOTHING.plus(chain(*within)), left, told)


def _terms(integrand: Integrand, path: _Path, times: Sequence[arb]) -> list[arb]:
    """What places add; unknown where the digits do not tell one from an end of the interval."""
    places = [path(t) for t in times]
    told = [place for place in places if place.told]
    values = iter(integrand([place.x.mid() for place in told]) if told else ())
    return [next(values) * place.speed if place.told else arb.nan() for place in places]


def _blocks(terms: Callable[[Sequence[arb]], list[arb]], side: int) -> list[list[arb]]:
    """The known terms on one side of the start, in blocks; the last one may be shorter."""
    found = []
    for block in range(_FARTHEST):
        first = block * _STRIDE + (side < 0)
        here = terms([_START + side * _STEP * k for k in range(first, first + _STRIDE)])
        known = next((i for i, term in enumerate(here) if not term.is_finite()), _STRIDE)
        found.append(here[:known])
        if known < _STRIDE:
            break
    return [block for block in found if block]


def _flat(blocks: list[list[arb]]) -> list[arb]:
    return list(chain.from_iterable(blocks))


class _Reach(NamedTuple):
    """How many steps one goes on a side, and how much may be left out there."""

    steps: int
    left: arb


def _reach(
    integrand: Integrand, path: _Path, side: int, blocks: list[list[arb]], least: arb
) -> _Reach:
    """As far as places add anything; beyond them blocks must get smaller to the last one."""
    _require(bool(blocks))
    adding = [k for k, term in enumerate(_flat(blocks)) if not abs(term) * _STEP <= least]
    steps, every = max(adding, default=0) + 1, sum(map(len, blocks))
    for farther in [*range(steps, every, _STRIDE), every]:
        beyond = _between(integrand, path, side, farther)
        if beyond <= least or (beyond.is_finite() and farther == every):
            return _Reach(farther, beyond)
    steps = min(steps + 1, every)
    sizes = [sum(map(abs, block), arb(0)) / len(block) * _STRIDE * _STEP for block in blocks]
    vanished = _VANISHED * least
    adding_last = max(adding, default=0) // _STRIDE
    after = range(max(1, min(adding_last + 2, len(blocks) - 1)), len(blocks))
    _require(all(sizes[k] <= vanished or sizes[k] <= _SHRINKS * sizes[k - 1] for k in after))
    left = sum(map(abs, _flat(blocks)[steps - 1 :]), arb(0)) * _STEP + sizes[-1]
    return _Reach(steps, left.upper())


def _between(integrand: Integrand, path: _Path, side: int, steps: int) -> arb:
    """A bound of the integral between the last of so many steps and the end of that side."""
    end = path.end(side)
    if not end.is_finite():
        return arb.pos_inf()
    place = path(_last(side, steps))
    (value,) = integrand([end.union(place.x)])
    bound = abs(value) * place.distance
    return bound.upper() if bound.is_finite() else arb.pos_inf()


def _bound(integrand: Integrand, path: _Path, tail: Beyond, side: int, steps: int) -> arb:
    """A bound of the integral beyond the last of so many steps on a side.

    At infinity by the integrand on intervals, each as a whole, so that no peak is too narrow for
    it; and by its tail from there on.
    """
    beyond = _between(integrand, path, side, steps)
    if beyond.is_finite() or path.end(side).is_finite():
        return beyond
    distance = path(_last(side, steps)).distance
    distances = [distance * _RATIO**k for k in range(_INTERVALS + 1)]
    left = tail(path.share_beyond(distances[-1]), distances[-1])
    if not left.is_finite():
        return left
    intervals = list(pairwise(map(path.beyond, distances)))
    values = integrand([near.union(far) for near, far in intervals])
    lengths = (abs(far - near) for near, far in intervals)
    sizes = (abs(value) * length for value, length in zip(values, lengths, strict=True))
    return sum(sizes, left).upper()


def _last(side: int, steps: int) -> arb:
    """The last place of so many steps: the start is the first one ahead."""
    return _START + side * _STEP * (steps - (side > 0))


def _enclosed(boxes: Boxes, path: _Path, extent: _Extent, least: arb, most: int) -> arb:
    """The integral between the last places of both sides, by so many boxes or fewer."""
    first, last = _last(-1, extent.behind), _last(1, extent.ahead)
    sections = [(first, last, -1)]
    if not path.endless:
        sections = [(first, arb(0), -1), (arb(0), last, 1)]
    total = acb(0)
    for start, stop, side in sections:
        along = partial(_on_path, boxes, path, side)
        total += acb.integral(
            along, start, stop, rel_tol=least, abs_tol=least * extent.size, eval_limit=most
        )
    return total.real if total.imag.contains(0) else arb.nan()


def _on_path(boxes: Boxes, path: _Path, side: int, t: acb, analytic: bool) -> acb:
    x, distance, rate = path.along(t, side)
    if path.low == 0 and side < 0:
        return boxes.of_logarithm(path.logarithm(t, side), analytic) * rate
    return boxes.of(x, analytic) * distance * rate


def _halving(
    terms: Callable[[Sequence[arb]], list[arb]],
    path: _Path,
    extent: _Extent,
    least: arb,
) -> arb:
    """The trapezoidal rule over so many steps behind the start, and ahead of it."""
    step, (behind, ahead, found, *_) = _STEP, extent
    changes: list[arb] = []
    for halving in range(_HALVINGS):
        before, step = found.value * step, step / 2
        between = range(1 - 2 * behind, 2 * ahead - 2, 2)
        found = found.plus(terms([_START + step * k for k in between]))
        behind, ahead = 2 * behind, 2 * ahead - 1
        changed = abs(found.value * step - before).mid()
        changes.append(changed)
        wild = halving + 1 >= _AFTER and not changed <= _WILD * found.size * step
        if wild or changed <= least * (found.size * step).mid():
            break
    size = found.size * step
    if not changes[-1] <= _COARSEST * size:
        places = [_START + step * k for k in range(-behind, ahead)]
        raise _Narrow(path(_highest(terms, places, step)).x.mid())
    return found.value * step + arb(0, _error(changes, size).upper())


def _error(changes: Sequence[arb], size: arb) -> arb:
    """The error of the last of some sums, by the changes from one to the next."""
    if len(changes) > 1:
        before, last = (change / size for change in changes[-2:])
        if last <= before**_ANALYTIC:
            return changes[-1]
    return _SAFETY * max(changes[-_LAST:], key=float)


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
        raise NotConverged(_NOT_SEEN)
