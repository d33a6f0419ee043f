r"""The evidence that values of an expression give for or against its limit.

Finitely many values prove no limit.  Evidence for it are values whose distance from it falls as a
power of the distance x of the variable from its point, :math:`|f(x) - L| \sim x^p`, at scales x
that lie far apart (1e-8, 1e-16, 1e-24, ...).  In digits: the common digits of value and limit grow
in proportion to the decades of x, with the power p as their ratio.  Slower convergence, as of a
logarithm, decides nothing, and is no reason to call a limit wrong.
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
from .base import Enclosures, surely_infinite

#: The scales: the variable comes within 10 to minus these powers of its point (or goes to 10 to
#: these powers).  The far ones tell 1/log(x), which hardly changes, from an expression that
#: converges.
SCALES = (8, 16, 24, 64, 256, 1024, 10**5, 10**10, 10**20, 10**40)
#: Values must be known up to the scale of the least decades.  Convergence is judged up to the
#: moderate ones first.  Values that stay away from a limit up to the extreme ones do not converge
#: to it, even if algebra finds no other limit.
LEAST_DECADES, MODERATE_DECADES, EXTREME_DECADES = 24, 1024, 10**5
#: The least power p that counts as convergence.
_SLOWEST_POWER = 0.01
#: The power between two scales must be at least this share of the power between the two scales
#: before: it falls where values come close to a wrong limit, and then stop.
_LEAST_RATIO_OF_POWERS = 0.9
#: Digits that value and limit must have in common at the last scale.
_DIGITS_AT_LAST_SCALE = 5
#: Values stay where they are if they change by less than 10 to minus this, relative to their
#: distance from the limit.
_STILL_DIGITS = 20
#: Common digits are counted up to 30, plus one for every 4 decades of the scale: a larger power
#: than 1/4 need not be measured.
_DIGITS, _DECADES_PER_DIGIT = 30, 4
#: The relative accuracy that the distance between value and limit must have.
_ACCURACY = arb(10) ** -25
#: Values tell one limit from another if their distances to them have at most this ratio.
_TELLS_LIMITS_APART = arb(10) ** -6
#: Bits of a decimal digit.
_BITS = Fraction(log2(10))


class Near(NamedTuple):
    """The value of an expression near its limit, `decades` decades on the way, and the limit."""

    decades: int
    value: arb
    target: arb


class Trend(Enum):
    """What the values show about the claimed limit."""

    HOLDS = "they converge to it as a power of the distance"
    STAYS_AWAY = "they converge elsewhere, or grow"
    OPEN = "neither"


class _Distance(NamedTuple):
    """The distance `gap` of a value from its limit, relative to the limit, or to 1 if that is 0.

    For an infinite limit the gap is ``1/(1 + |value|)``, which goes to 0 as the value grows.
    """

    decades: int
    value: arb
    gap: arb
    #: For an infinite limit: 1 if the value has the sign of the limit, -1 if it has the other sign,
    #: 0 if its sign is not known.  For a finite limit: 1.
    side: int

    @property
    def digits(self) -> float:
        """Digits that value and limit have in common, up to a number that grows with the scale."""
        most = _resolved_digits(self.decades)
        if not self.gap > arb(10) ** (-ceil(most)):
            return most
        return min(-float(self.gap.mid().log() / arb(10).log()), most)


def power_of_ten(decades: int, arithmetic: Arithmetic) -> Array:
    """10 to the power `decades`, which may be negative.

    Beyond a thousand decades it is a power of two close to that, because the exact integer would
    have very many digits.
    """
    if abs(decades) <= MODERATE_DECADES:
        power = arithmetic.array(10 ** abs(decades))
        return power if decades > 0 else arithmetic.array(1) / power
    if not isinstance(arithmetic, Balls):
        raise NotImplementedError("only enclosures hold numbers of such a size")
    exponent = round(decades * _BITS)
    return arithmetic.array(Ball(arb((1, exponent))))


def gap_is_known(decades: int, found: Enclosures) -> bool:
    """Whether enclosures of value and limit show their distance accurately, or that it is tiny."""
    (value,), (target,) = found
    gap = _distance(Near(decades, value, target)).gap
    least = arb(10) ** (-ceil(_resolved_digits(decades)))
    return bool(gap < least or (gap > 0 and gap.rad() <= gap.mid() * _ACCURACY))


def _resolved_digits(decades: int) -> float:
    """The number up to which common digits are counted at a scale."""
    return min(decades, MODERATE_DECADES) / _DECADES_PER_DIGIT + _DIGITS


def _distance(near: Near) -> _Distance:
    value, target = near.value, near.target
    if surely_infinite(target):
        gap = arb(0) if surely_infinite(value) else 1 / (1 + abs(value))
        side = 1 if value > 0 else -1 if value < 0 else 0
        return _Distance(near.decades, gap, gap, side if target > 0 else -side)
    scale = arb(1) if target.contains(0) else abs(target)
    return _Distance(near.decades, value / scale, abs(value - target) / scale, 1)


def trend_of(values: Sequence[Near]) -> Trend:
    """What values at rising scales show about the limit; see the top of this module."""
    distances = [_distance(near) for near in values]
    settled = [x for x in distances if x.decades >= LEAST_DECADES]
    if len(settled) < 3:
        settled = distances[-3:]
    if len(settled) < 3:
        return Trend.OPEN
    pairs = list(pairwise(settled))
    sides = {x.side for x in settled}
    # Convergence: between all scales digits are gained, and not much more slowly towards the end.
    gains = all(_gains(*pair) for pair in pairs)
    gains = gains and all(
        _steady(*triple) for triple in zip(settled, settled[1:], settled[2:], strict=False)
    )
    if settled[-1].digits >= _DIGITS_AT_LAST_SCALE and gains and len(sides) == 1:
        return {1: Trend.HOLDS, -1: Trend.STAYS_AWAY}.get(sides.pop(), Trend.OPEN)
    # Or the values stand still at the last scales, or the distance grows.
    stays = all(abs(x.value - y.value) < y.gap * arb(10) ** (-_STILL_DIGITS) for x, y in pairs[-2:])
    grows = all(_gains(y, x) for x, y in pairs[-2:])
    return Trend.STAYS_AWAY if stays or grows else Trend.OPEN


def _gains(near: _Distance, nearer: _Distance) -> bool:
    """Whether the power between two scales is large enough to count as convergence."""
    return _rate(near, nearer) >= _SLOWEST_POWER


def _steady(first: _Distance, second: _Distance, third: _Distance) -> bool:
    """Whether the power between the farther two scales is about as large as between the nearer two.

    It cannot be measured where value and limit agree in all the digits that are counted.
    """
    if third.digits >= _resolved_digits(third.decades):
        return True
    return _rate(second, third) >= _LEAST_RATIO_OF_POWERS * _rate(first, second)


def _rate(near: _Distance, nearer: _Distance) -> float:
    """The power p between two scales: the digits gained per decade."""
    return (nearer.digits - near.digits) / abs(nearer.decades - near.decades)


def tends_to(values: Sequence[Near], limit: arb) -> bool:
    """Whether the values tend to `limit` rather than to the claimed one.

    The last three come nearer and nearer to it, and the last is far nearer to it than to the claim.
    """
    last = [_distance(near._replace(target=limit)) for near in values[-3:]]
    nearer = all(not y.gap > x.gap for x, y in pairwise(last)) and all(x.side > 0 for x in last)
    value, claimed = values[-1].value, values[-1].target
    if surely_infinite(limit) and surely_infinite(claimed):
        far_nearer = limit != claimed
    elif surely_infinite(limit) or surely_infinite(claimed):
        far_nearer = last[-1].gap <= _TELLS_LIMITS_APART
    else:
        far_nearer = abs(value - limit) < abs(value - claimed) * _TELLS_LIMITS_APART
    return bool(len(last) == 3 and nearer and far_nearer)
