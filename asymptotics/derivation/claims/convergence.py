"""What the values of an expression tell of its limit.

A finite number of values proves no limit.  Values that converge as a power of the distance, over
scales that are far apart, are evidence; those that converge more slowly decide nothing, and are no
reason to call a limit wrong.
"""

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from math import ceil, log2
from typing import NamedTuple

from flint import arb

from ...arithmetic import Arithmetic, Array
from ...arithmetic.ball import Ball, Balls
from .base import Enclosures, infinite

#: Powers of ten that a variable goes to.  The far ones tell a logarithm from what converges.
SCALES = (8, 16, 24, 64, 256, 1024, 10**5, 10**10, 10**20, 10**40)
#: Values at these scales must be known; those up to this one show convergence; so far apart do
#: scales lie which show by themselves that values stay away from a limit.
FEWEST, MODERATE, EXTREME = 24, 1024, 10**5
#: The least power of the distance that counts as convergence.
_SLOWEST = 0.01
#: What a power of the distance is at a farther scale, relative to a nearer one, or more.  Less is
#: that of values which come near a limit, and stop.
_STEADY = 0.9
#: Digits of the limit that values must have at the last scale.
_NEAR = 5
#: Values that have changed by less than this, relative to their distance from the limit, stay.
_STAYS = 20
#: Digits of a distance that are looked at: more at farther scales, as it is a power that is sought.
_DIGITS, _SHARE = 30, 4
#: Relative accuracy of a distance.
_ACCURACY = arb(10) ** -25
#: How much nearer values must be to one limit than to another to tell between them.
_FAR_NEARER = arb(10) ** -6
_BITS = Fraction(log2(10))


class Near(NamedTuple):
    """The value of an expression, and of its limit, with a variable so many decades on its way."""

    decades: int
    value: arb
    target: arb


class Course(Enum):
    """What values tell of a limit."""

    HOLDS = "they converge to it as a power of the distance"
    STAYS_AWAY = "they converge elsewhere, or grow"
    OPEN = "neither"


class _Distance(NamedTuple):
    """How far a value is from the limit, relative to the size of that, or to 1 where it is 0.

    At an infinite limit it is ``1/(1 + |value|)``, which goes to 0 as the value grows.
    """

    decades: int
    value: arb
    gap: arb
    #: 1 on the side of zero on which an infinite limit is, -1 on the other; 0 if that is not known.
    side: int

    @property
    def digits(self) -> float:
        """Digits that value and limit have in common, as far as they are looked at."""
        most = _resolution(self.decades)
        if not self.gap > arb(10) ** (-ceil(most)):
            return most
        return min(-float(self.gap.mid().log() / arb(10).log()), most)


def power_of_ten(decades: int, arithmetic: Arithmetic) -> Array:
    """10 to a power; to one of more than a thousand, a power of two close to it."""
    if abs(decades) <= MODERATE:
        power = arithmetic.array(10 ** abs(decades))
        return power if decades > 0 else arithmetic.array(1) / power
    if not isinstance(arithmetic, Balls):
        raise NotImplementedError("only enclosures hold numbers of such a size")
    exponent = round(decades * _BITS)
    return arithmetic.array(Ball(arb((1, exponent))))


def enough(decades: int, found: Enclosures) -> bool:
    """Whether enclosures of value and limit tell how far apart they are."""
    (value,), (target,) = found
    gap = _distance(Near(decades, value, target)).gap
    least = arb(10) ** (-ceil(_resolution(decades)))
    return bool(gap < least or (gap > 0 and gap.rad() <= gap.mid() * _ACCURACY))


def _resolution(decades: int) -> float:
    return min(decades, MODERATE) / _SHARE + _DIGITS


def _distance(near: Near) -> _Distance:
    value, target = near.value, near.target
    if infinite(target):
        gap = arb(0) if infinite(value) else 1 / (1 + abs(value))
        side = 1 if value > 0 else -1 if value < 0 else 0
        return _Distance(near.decades, gap, gap, side if target > 0 else -side)
    scale = arb(1) if target.contains(0) else abs(target)
    return _Distance(near.decades, value / scale, abs(value - target) / scale, 1)


def approach(way: Sequence[Near]) -> Course:
    """What the values on the way tell."""
    distances = [_distance(near) for near in way]
    settled = [x for x in distances if x.decades >= FEWEST]
    if len(settled) < 3:
        settled = distances[-3:]
    if len(settled) < 3:
        return Course.OPEN
    pairs = list(pairwise(settled))
    sides = {x.side for x in settled}
    gains = all(_gains(*pair) for pair in pairs)
    gains = gains and all(
        _steady(*triple) for triple in zip(settled, settled[1:], settled[2:], strict=False)
    )
    if settled[-1].digits >= _NEAR and gains and len(sides) == 1:
        return {1: Course.HOLDS, -1: Course.STAYS_AWAY}.get(sides.pop(), Course.OPEN)
    stays = all(abs(x.value - y.value) < y.gap * arb(10) ** (-_STAYS) for x, y in pairs[-2:])
    grows = all(_gains(y, x) for x, y in pairs[-2:])
    return Course.STAYS_AWAY if stays or grows else Course.OPEN


def _gains(near: _Distance, nearer: _Distance) -> bool:
    """Whether digits grow in proportion to the decades between two distances."""
    return _rate(near, nearer) >= _SLOWEST


def _steady(first: _Distance, second: _Distance, third: _Distance) -> bool:
    """Whether digits are gained as fast at the farther scales, as far as they are looked at."""
    if third.digits >= _resolution(third.decades):
        return True
    return _rate(second, third) >= _STEADY * _rate(first, second)


def _rate(near: _Distance, nearer: _Distance) -> float:
    """Digits gained for each decade between two distances."""
    return (nearer.digits - near.digits) / abs(nearer.decades - near.decades)


def tends_to(way: Sequence[Near], limit: arb) -> bool:
    """Whether the values come nearer to another limit, and are far nearer to it at the end."""
    last = [_distance(near._replace(target=limit)) for near in way[-3:]]
    nearer = all(not y.gap > x.gap for x, y in pairwise(last)) and all(x.side > 0 for x in last)
    value, claimed = way[-1].value, way[-1].target
    if infinite(limit) and infinite(claimed):
        far_nearer = limit != claimed
    elif infinite(limit) or infinite(claimed):
        far_nearer = last[-1].gap <= _FAR_NEARER
    else:
        far_nearer = abs(value - limit) < abs(value - claimed) * _FAR_NEARER
    return bool(len(last) == 3 and nearer and far_nearer)
