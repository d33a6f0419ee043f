r"""Integrals by numerical quadrature; no antiderivative is asked for.

The double-exponential (tanh-sinh) rule.  The interval is split at breakpoints, near which the
integrand may be steep.  On each part the place x is a function of a real number t, the time (see
`substitution`), such that :math:`f(x)\,dx/dt` falls off doubly exponentially as
:math:`t \to \pm\infty`, even if f has an integrable power at an end of the part.  Terms at single
times show how far one must go in either direction.  They come in blocks of a few; if blocks do not
get smaller towards an end, the integral is not seen to converge.

Between the first and the last time the trapezoidal rule in t converges fast: its step is halved
until the sum no longer changes.  `quadrature` returns this estimate.  A narrow peak between
the times, or beyond them, may escape it.  Therefore it must agree with a rough enclosure of the
integral, and the rest beyond the times must have a bound.  Its error is still an estimate, so it
refutes nothing.  `enclosed_quadrature` is a proof instead: Arb encloses the integral by enclosures
of the integrand on boxes of complex numbers, which hold every peak.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple

from flint import acb, arb

from .holomorphic import Boxes
from .substitution import LAST_TIME, START, Integrand, Path, with_origin

#: The step of the first sum, in t, and how often it is halved at most.
_STEP, _HALVINGS = arb(1) / 4, 7
#: Terms of a block, which is one unit of t long.
_BLOCK = 4
#: A sum is given up if after this number of halvings it still changes by more than this share of
#: the sum of absolute values: further halvings would cost much and not help.
_STILL_CHANGING, _GIVE_UP_AFTER = arb(10) ** -4, 5
#: How often a part may be split at a narrow peak, and how often the search for the peak zooms in.
_MOST_SPLITS, _ZOOMS = 2, 12
#: The largest error that is accepted, as a share of the integral of the absolute value.
_LARGEST_ERROR = arb(10) ** -8
#: A block must be at most this share of the one before it to show that the terms fall off.
_SHRINKS = arb(1) / 2
#: Blocks of less than this share of the accuracy count as 0: where all terms are that small they
#: need not shrink any more.
_VANISHED = arb(2) ** -(1 << 20)
#: The error after the last halving.  For an analytic integrand each halving about squares the
#: error: if the last change is at most the one before it to the power `_ANALYTIC`, the last change
#: is taken for the error.  Else it is the largest of the last few changes, times `_SAFETY`.
_ANALYTIC, _LAST_CHANGES, _SAFETY = arb(3) / 2, 3, 10
#: The most boxes on which an integrand is enclosed, for each part.
_MOST_BOXES = 60_000
#: Steps that an enclosure goes beyond the last term that matters, before the rest is bounded by its
#: largest value: a bound is cruder than an enclosure.
_EXTRA_STEPS = 2
#: A function that bounds the integral of the absolute value from a far distance on to infinity.
#: Its arguments are a ball with the ratio of the variable to its distance, and that distance.
TailBound = Callable[[arb, arb], arb]


class Outward(NamedTuple):
    """An integrand on its way to infinity: its values, and a bound of its tail."""

    integrand: Integrand
    tail: TailBound


class Ends(NamedTuple):
    """What bounds an integrand towards the ends of a part."""

    #: A bound of the tail towards infinity.
    tail: TailBound
    #: The integrand near a finite end, from below (side 1) or above (-1), as a function of the
    #: inverse y = 1/d of the distance d from that end; None where it is not known.
    turned: Callable[[arb, int], Outward | None]


#: Intervals on which an integrand is bounded, one after another, on its way to infinity, until the
#: bound of the tail is small: these numbers of them are tried.  Each ends `_RATIO` times farther
#: out than it begins.  The most of them reach 10**310, beyond the range of floats, where the tail
#: is tiny even if it falls off as a power close to -1.
_RATIO, _INTERVALS = arb(5) / 4, (0, 32, 320, 3_200)
#: An estimate is checked against an enclosure by a few boxes: their number at most, the accuracy
#: that Arb is asked for, and the accuracy that it must reach for the check to count.
_FEW_BOXES, _ASKED_ACCURACY, _NEEDED_ACCURACY = 20_000, arb(2) ** -20, arb(2) ** -10


class NotConverged(ArithmeticError):
    """An integral whose convergence the terms do not show."""


class _Narrow(NotConverged):
    """The sums over a part do not settle, as happens if the integrand has a narrow peak."""

    def __init__(self, peak: arb) -> None:
        super().__init__(_NOT_SEEN)
        self.peak = peak


_NOT_SEEN = "the integral is not seen to converge"


class _Sum(NamedTuple):
    """A sum of terms, and the sum of their absolute values."""

    value: arb
    size: arb

    def plus(self, terms: Iterable[arb]) -> "_Sum":
        value, size = self
        for term in terms:
            value, size = value + term, size + abs(term)
        return _Sum(value, size)


_NOTHING = _Sum(arb(0), arb(0))


def quadrature(
    integrand: Integrand, breakpoints: Sequence[arb], bits: int, boxes: Boxes, ends: Ends
) -> arb:
    """An estimate of an integral, with its estimated error as the radius of the ball.

    The integral goes from the first breakpoint to the last; these two may be infinite.  All of them
    rise.  The error that is sought is ``2**(-bits)`` times the integral of the absolute value.
    A rough enclosure by `boxes` must agree with the estimate, so that it misses no peak, and what
    lies beyond them must be bounded, by `ends`.

    Raises `NotConverged` if the enclosure does not agree, or is too wide to tell, if the rest has
    no small bound, and if the terms do not show a small error.
    """
    parts = [
        _part(integrand, part, bits, boxes, ends) for part in pairwise(with_origin(breakpoints))
    ]
    return sum(parts, arb(0))


def enclosed_quadrature(
    integrand: Integrand, breakpoints: Sequence[arb], bits: int, boxes: Boxes, ends: Ends
) -> arb:
    """As `quadrature`, but the ball is proved to hold the integral.

    On each part, boxes enclose the integral between the first and the last time; the rest, towards
    either end, is bounded by the largest absolute values there and by `ends`.
    """
    least = arb(2) ** (-bits)
    total = arb(0)
    for part in pairwise(with_origin(breakpoints)):
        path = Path(*part)
        extent = _extent(integrand, path, least).widened(_EXTRA_STEPS)
        # The sum says where the enclosure may stop and how accurate it must be, and nothing more.
        found = _enclosed(boxes, path, extent, least, _MOST_BOXES)
        left_out = _rest(integrand, path, boxes, ends, extent, least)
        error = found.rad() + left_out
        _require(error.is_finite() and error <= _LARGEST_ERROR * extent.size.max(abs(found)))
        total += found + arb(0, left_out)
    return total


def _part(
    integrand: Integrand,
    part: tuple[arb, arb],
    bits: int,
    boxes: Boxes,
    ends: Ends,
    splits: int = _MOST_SPLITS,
) -> arb:
    """An estimate of the integral over a part, which may be split at a peak `splits` times more.

    At the ends of a part places lie much closer together, so that they see a peak there.
    """
    try:
        return _unsplit(integrand, Path(*part), bits, boxes, ends)
    except _Narrow as narrow:
        if not splits:
            raise
        halves = (part[0], narrow.peak), (narrow.peak, part[1])
        parts = [_part(integrand, half, bits, boxes, ends, splits - 1) for half in halves]
        return sum(parts, arb(0))


def _unsplit(integrand: Integrand, path: Path, bits: int, boxes: Boxes, ends: Ends) -> arb:
    """An estimate of the integral over a part; raises `_Narrow` if the part may have a peak."""
    least = arb(2) ** (-bits)
    extent = _extent(integrand, path, least)
    value = _trapezoidal(partial(_terms, integrand, path), path, extent, least)
    wider = extent.widened(_EXTRA_STEPS)
    rough = _enclosed(boxes, path, wider, _ASKED_ACCURACY, _FEW_BOXES)
    narrow_enough = rough.rad() <= _NEEDED_ACCURACY * extent.size.max(abs(value))
    _require(narrow_enough and rough.overlaps(value))
    rest = _rest(integrand, path, boxes, ends, wider, least)
    _require(rest <= _LARGEST_ERROR * extent.size.max(abs(value)))
    return value + arb(0, (extent.left_out + rest).upper())


class _Extent(NamedTuple):
    """How far the sum over a part goes: the steps before the start and after it."""

    before: int
    after: int
    #: The sum of the terms at these steps.
    found: _Sum
    #: A bound, or an estimate, of the integral over the rest.
    left_out: arb
    #: The known terms of either direction, after the start and before it: the steps cannot be more.
    known: tuple[int, int]

    @property
    def size(self) -> arb:
        """The integral of the absolute value, roughly."""
        return self.found.size * _STEP

    def widened(self, steps: int) -> "_Extent":
        """The same with `steps` more steps on each side, as far as terms are known."""
        after, before = (
            min(here + steps, most)
            for here, most in zip((self.after, self.before), self.known, strict=True)
        )
        return self._replace(after=after, before=before)

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """Each side, with the number of its steps."""
        return (1, self.after), (-1, self.before)


def _extent(integrand: Integrand, path: Path, least: arb) -> _Extent:
    """How far a sum must go so that it leaves out about `least` of the absolute integral."""
    sides = [_blocks(partial(_terms, integrand, path), side) for side in (1, -1)]
    size = _NOTHING.plus(term for side in sides for block in side for term in block).size * _STEP
    after, before = (
        _reach(integrand, path, side, blocks, least * size)
        for side, blocks in zip((1, -1), sides, strict=True)
    )
    within = (_flat(sides[0])[: after.steps], _flat(sides[1])[: before.steps])
    left_out = (after.left_out + before.left_out).upper()
    _require(left_out <= _LARGEST_ERROR * size)
    known = len(_flat(sides[0])), len(_flat(sides[1]))
    return _Extent(before.steps, after.steps, _NOTHING.plus(chain(*within)), left_out, known)


def _terms(integrand: Integrand, path: Path, times: Sequence[arb]) -> list[arb]:
    """The terms f(x) dx/dt at some times; nan where rounding moves x too near an end."""
    # All places are evaluated in one call: the integrand is a tree of Python rules over arrays.
    places = [path(t) for t in times]
    usable = [place for place in places if place.off_ends]
    values = iter(integrand([place.x.mid() for place in usable]) if usable else ())
    return [next(values) * place.speed if place.off_ends else arb.nan() for place in places]


def _blocks(terms: Callable[[Sequence[arb]], list[arb]], side: int) -> list[list[arb]]:
    """The terms on one side of the start, in blocks, up to the first one that is not known.

    The last block may be shorter.  The term at the start itself belongs to the side 1.
    """
    found = []
    for block in range(LAST_TIME):
        first = block * _BLOCK + (side < 0)
        here = terms([START + side * _STEP * k for k in range(first, first + _BLOCK)])
        known = next((i for i, term in enumerate(here) if not term.is_finite()), _BLOCK)
        found.append(here[:known])
        if known < _BLOCK:
            break
    return [block for block in found if block]


def _flat(blocks: list[list[arb]]) -> list[arb]:
    return list(chain.from_iterable(blocks))


class _Reach(NamedTuple):
    """The number of steps on a side, and a bound or an estimate of the integral beyond them."""

    steps: int
    left_out: arb


def _reach(
    integrand: Integrand, path: Path, side: int, blocks: list[list[arb]], least: arb
) -> _Reach:
    """The steps on a side, as far as terms add more than `least`.

    At a finite end the rest is bounded, if the integrand is bounded there: the bound need not be
    small where all known terms are summed, since the caller checks it.  Elsewhere the rest is
    estimated by the terms that are left out and once more the last block; each of these blocks must
    be at most half as large as the one before it, or the integral may diverge.
    """
    _require(bool(blocks))
    # Terms of an unknown size add something too, so the comparison is not written as >.
    adding = [k for k, term in enumerate(_flat(blocks)) if not abs(term) * _STEP <= least]
    steps, every = max(adding, default=0) + 1, sum(map(len, blocks))
    for farther in [*range(steps, every, _BLOCK), every]:
        beyond = _bound_at_end(integrand, path, side, farther)
        if beyond <= least or (beyond.is_finite() and farther == every):
            return _Reach(farther, beyond)
    # The integrand is not bounded at the end, or the end is infinite: the terms must show its
    # decay.
    steps = min(steps + 1, every)
    # The last block may be shorter: sizes are those of blocks of full length.
    sizes = [sum(map(abs, block), arb(0)) / len(block) * _BLOCK * _STEP for block in blocks]
    vanished = _VANISHED * least
    last_adding = max(adding, default=0) // _BLOCK
    # At least the last block is compared with the one before it.
    after = range(max(1, min(last_adding + 2, len(blocks) - 1)), len(blocks))
    _require(all(sizes[k] <= vanished or sizes[k] <= _SHRINKS * sizes[k - 1] for k in after))
    left_out = sum(map(abs, _flat(blocks)[steps - 1 :]), arb(0)) * _STEP + sizes[-1]
    return _Reach(steps, left_out.upper())


def _bound_at_end(integrand: Integrand, path: Path, side: int, steps: int) -> arb:
    """A bound of the integral between the last of `steps` places and the end of that side.

    It is the largest absolute value on this interval times its length; infinite where the interval
    is endless, or the integrand is not shown to be bounded.
    """
    end = path.end(side)
    if not end.is_finite():
        return arb.pos_inf()
    place = path(_last(side, steps))
    (value,) = integrand([end.union(place.x)])
    bound = abs(value) * place.distance
    return bound.upper() if bound.is_finite() else arb.pos_inf()


def _rest(
    integrand: Integrand, path: Path, boxes: Boxes, ends: Ends, extent: _Extent, least: arb
) -> arb:
    """A bound of the integral beyond the last places of both sides."""
    small = least * extent.size
    bounds = (_outer_bound(integrand, path, boxes, ends, small, *side) for side in extent.sides)
    return sum(bounds, arb(0)).upper()


def _outer_bound(
    integrand: Integrand,
    path: Path,
    boxes: Boxes,
    ends: Ends,
    small: arb,
    side: int,
    steps: int,
) -> arb:
    """A bound of the integral beyond the last of `steps` places on a side; infinite if unknown.

    A finite end where the integrand is not bounded is turned to infinity by y = 1/d, with the
    distance d from the end.
    """
    for values in (integrand, partial(_at_balls, boxes)):
        beyond = _bound_at_end(values, path, side, steps)
        if beyond.is_finite():
            return beyond
    end, distance = path.end(side), path(_last(side, steps)).distance
    if not end.is_finite():
        return _far_bound(Outward(integrand, ends.tail), path, distance, small)
    turned = ends.turned(end, 1 if end is path.high else -1)
    if turned is None:
        return arb.pos_inf()
    return _far_bound(turned, Path(arb(0), arb.pos_inf()), 1 / distance, small)


def _at_balls(boxes: Boxes, places: Sequence[arb]) -> list[arb]:
    """The absolute values of an integrand on balls of real places, by its boxes."""
    return [abs(boxes.of(acb(place), False)) for place in places]


def _far_bound(outward: Outward, path: Path, distance: arb, small: arb) -> arb:
    """A bound of the integral over an endless path from a distance on.

    Until the bound of the tail is `small`, the integrand is enclosed on one interval after another,
    so that no narrow peak escapes.
    """
    for count in _INTERVALS:
        far = distance * _RATIO**count
        far_tail = outward.tail(path.ratio_beyond(far), far)
        if far_tail <= small:
            break
    if not (count and far_tail.is_finite()):
        return far_tail
    distances = [distance * _RATIO**k for k in range(count + 1)]
    intervals = list(pairwise(map(path.beyond, distances)))
    values = outward.integrand([near.union(far) for near, far in intervals])
    lengths = (abs(far - near) for near, far in intervals)
    sizes = (abs(value) * length for value, length in zip(values, lengths, strict=True))
    bound = sum(sizes, far_tail).upper()
    return bound if bound.is_finite() else arb.pos_inf()


def _last(side: int, steps: int) -> arb:
    """The time of the last of `steps` steps on a side; the start is the first one of side 1."""
    return START + side * _STEP * (steps - (side > 0))


def _enclosed(boxes: Boxes, path: Path, extent: _Extent, least: arb, most: int) -> arb:
    """An enclosure of the integral between the last places of both sides, by at most `most` boxes.

    It is not finite where the boxes do not suffice.
    """
    first, last = _last(-1, extent.before), _last(1, extent.after)
    sections = [(first, last, -1)]
    if not path.endless:
        # Each half is written by the distance from its own end.
        sections = [(first, arb(0), -1), (arb(0), last, 1)]
    total = acb(0)
    for start, stop, side in sections:
        along = partial(_on_path, boxes, path, side)
        total += acb.integral(
            along, start, stop, rel_tol=least, abs_tol=least * extent.size, eval_limit=most
        )
    return total.real if total.imag.contains(0) else arb.nan()


def _on_path(boxes: Boxes, path: Path, side: int, t: acb, analytic: bool) -> acb:
    """The integrand f(x) dx/dt on a box of times."""
    x, distance, rate = path.along(t, side)
    # dx = d(distance) = distance * rate dt; near x = 0, x f(x) on boxes of log x is narrower.
    if path.low == 0 and side < 0:
        return boxes.of_logarithm(path.logarithm(t, side), analytic) * rate
    return boxes.of(x, analytic) * distance * rate


def _trapezoidal(
    terms: Callable[[Sequence[arb]], list[arb]],
    path: Path,
    extent: _Extent,
    least: arb,
) -> arb:
    """The trapezoidal rule, with steps that are halved until the sum settles.

    `found` is the sum of all terms so far; each halving adds those in the middle between two old
    ones.  Raises `_Narrow` if the sum does not settle.
    """
    step, (before_start, after_start, found, *_) = _STEP, extent
    changes: list[arb] = []
    for halving in range(_HALVINGS):
        before, step = found.value * step, step / 2
        # In units of the new step the old terms are at the even numbers from -2 * before_start to
        # 2 * after_start - 2; the new ones are at the odd numbers in between.
        between = range(1 - 2 * before_start, 2 * after_start - 2, 2)
        found = found.plus(terms([START + step * k for k in between]))
        before_start, after_start = 2 * before_start, 2 * after_start - 1
        changed = abs(found.value * step - before).mid()
        changes.append(changed)
        late = halving + 1 >= _GIVE_UP_AFTER
        hopeless = late and not changed <= _STILL_CHANGING * found.size * step
        if hopeless or changed <= least * (found.size * step).mid():
            break
    size = found.size * step
    if not changes[-1] <= _LARGEST_ERROR * size:
        times = [START + step * k for k in range(-before_start, after_start)]
        raise _Narrow(path(_peak_time(terms, times, step)).x.mid())
    return found.value * step + arb(0, _error(changes, size).upper())


def _error(changes: Sequence[arb], size: arb) -> arb:
    """The estimated error of the last sum, from the changes from one sum to the next."""
    if len(changes) > 1:
        before, last = (change / size for change in changes[-2:])
        if last <= before**_ANALYTIC:
            return changes[-1]
    return _SAFETY * max(changes[-_LAST_CHANGES:], key=float)


def _peak_time(terms: Callable[[Sequence[arb]], list[arb]], times: Sequence[arb], step: arb) -> arb:
    """Roughly the time of the largest term: each zoom looks at closer times about the largest."""
    # Seven times about the best one so far, at a quarter of the last step.
    for _ in range(_ZOOMS):
        sizes = [abs(term).mid() for term in terms(times)]
        best = times[max(range(len(sizes)), key=lambda k: sizes[k])]
        step = step / 4
        times = [best + step * k for k in range(-3, 4)]
    return best


def _require(converged: bool) -> None:
    if not converged:
        raise NotConverged(_NOT_SEEN)
