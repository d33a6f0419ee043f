r"""The substitution x(t) of the double-exponential rule, on one part of an interval of integration.

.. math::

    x = a + \frac{b - a}{1 + e^{-\pi\sinh t}} \quad\text{on } (a, b), \qquad
    x = a + s\,e^{(\pi/2)\sinh t} \quad\text{on } (a, \infty).

The real number t is called the *time* and x the *place*.  Equally spaced times give places that are
extremely dense near the ends of the part, and reach extremely far towards infinity.  Therefore the
places also serve to find where a function changes its sign, on whatever scale that happens.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from flint import acb, arb

#: An integrand at several places; the ball is not finite where the value is not known.
Integrand = Callable[[Sequence[arb]], Sequence[arb]]
#: The first time.  It is no round number, so that no place is a round number either, at which an
#: integrand is likely to have a singularity or a removable one.
START = arb("0.0377").mid()
#: The largest time, in either direction: the places of later ones differ from an end by less than
#: any precision in use.
LAST_TIME = 24
#: Bits to which the distance of a place from the nearer end must be known.
_BITS_OF_DISTANCE = 16
#: Places in each unit of t between which a function is searched for a change of sign, and the most
#: changes of sign at which an interval is split: a function with more of them oscillates.
_PLACES_PER_UNIT, _MOST_SIGN_CHANGES = 4, 16
#: Steps of bisection towards a change of sign, and steps of the secant that follow.
_BISECTIONS, _SECANTS = 24, 16


class Place(NamedTuple):
    """A place x in the interval, its distance from the nearer end, and its speed dx/dt."""

    x: arb
    distance: arb
    speed: arb

    @property
    def off_ends(self) -> bool:
        """Whether x, rounded to the working precision, still tells its distance from the end."""
        return bool(self.x.rad() <= self.distance.mid() * arb(2) ** -_BITS_OF_DISTANCE)


class Path(NamedTuple):
    """A part of the interval, from low to high, and the map from times t to its places."""

    low: arb
    high: arb

    @property
    def endless(self) -> bool:
        return not (self.low.is_finite() and self.high.is_finite())

    @property
    def scale(self) -> arb:
        """The distance from its finite end that an endless part has at t = 0."""
        return abs(self.end(-1)).max(arb(1)).mid()

    def __call__(self, t: arb) -> Place:
        """The place at a time."""
        x, distance, rate = self.along(t, -1 if t < 0 else 1)
        return Place(x, distance, distance * rate)

    def beyond(self, distance: Any) -> Any:
        """The place of an endless part at this distance from its finite end."""
        return self.low + distance if self.low.is_finite() else self.high - distance

    def ratio_beyond(self, distance: arb) -> arb:
        """The ratio of a place to its distance, as a ball for all distances from this one on.

        A place is x = a + d, so the ratio is 1 + a/d; or, towards minus infinity, -1 + a/d.
        """
        end_share = self.end(-1) * arb(0).union(1 / distance)
        return end_share + 1 if self.low.is_finite() else end_share - 1

    def along(self, t: Any, side: int) -> tuple[Any, Any, Any]:
        """The place at a time t, its distance from an end, and the rate d(log distance)/dt.

        `t` may be a number or a box of complex numbers.  On a finite part `side` says from which
        end the distance is taken, -1 from low and 1 from high: near an end the distance keeps
        its digits, which the difference of x and the end would lose.
        """
        low, high = self
        if self.endless:
            half_pi = arb.pi() / 2
            distance = self.scale * (half_pi * t.sinh()).exp()
            return self.beyond(distance), distance, half_pi * t.cosh()
        # The share of the interval between the place and the end of this side, a logistic function
        # of pi sinh t, whose derivative is share * (1 - share) * pi * cosh t.
        share = 1 / (1 + (side * arb.pi() * t.sinh()).exp())
        distance = (high - low) * share
        x = low + distance if side < 0 else high - distance
        return x, distance, arb.pi() * t.cosh() * (1 - share)

    def logarithm(self, t: acb, side: int) -> acb:
        """The logarithm of the place, for a part from low = 0, on the side of that end.

        It is written out, because the logarithm of the box of a place near 0 would be wide.
        """
        if self.endless:
            return arb.pi() / 2 * t.sinh()
        # log(high * share), with share = 1/(1 + e**far) = e**-far / (1 + e**-far).
        far = side * arb.pi() * t.sinh()
        return self.high.log() - far - (1 + (-far).exp()).log()

    def end(self, side: int) -> arb:
        """The end that the places go to as t goes to plus (`side` 1) or minus (-1) infinity.

        On an endless part that is infinity for plus, whichever infinity, and the finite end for
        minus.
        """
        if not self.endless:
            return self.high if side > 0 else self.low
        if side > 0:
            return arb.pos_inf()
        return self.low if self.low.is_finite() else self.high


def with_origin(breakpoints: Sequence[arb]) -> Sequence[arb]:
    """The breakpoints, and 0 among them if they are minus and plus infinity alone.

    The map of an endless part needs one finite end.
    """
    low, high = breakpoints[0], breakpoints[-1]
    without_end = not low.is_finite() and not high.is_finite()
    return (low, arb(0), high) if without_end and len(breakpoints) == 2 else breakpoints


def sign_changes(function: Integrand, low: arb, high: arb) -> list[arb]:
    """Numbers from low to high at which a function changes its sign, to all bits.

    The sign is compared between neighbouring places, which lie as close together as those of the
    first sum, so a pair of changes between two of them is missed.  The list is empty if there are
    more than `_MOST_SIGN_CHANGES`.
    """
    found: list[arb] = []
    for ends in pairwise(with_origin((low, high))):
        path = Path(*ends)
        count = LAST_TIME * _PLACES_PER_UNIT
        times = [arb(k) / _PLACES_PER_UNIT + START for k in range(-count, count)]
        # Places that rounding moves onto an end show nothing.
        times = [t for t in times if path(t).off_ends]
        values = function([path(t).x.mid() for t in times])
        for (t, x), (u, y) in pairwise(zip(times, values, strict=True)):
            if (x > 0 and y < 0) or (x < 0 and y > 0):
                found.append(_sign_change(function, path, t, u))
        if len(found) > _MOST_SIGN_CHANGES:
            return []
    return found


def _sign_change(function: Integrand, path: Path, low: arb, high: arb) -> arb:
    """The place of a change of sign between two times.

    By bisection at first, then by secants.  As in the Illinois method the value at the end that
    stays is halved, so that the same end does not stay for ever.
    """

    def at(t: arb) -> arb:
        return function([path(t).x.mid()])[0].mid()

    below, above = at(low), at(high)
    for step in range(_BISECTIONS + _SECANTS):
        chord = ((low * above - high * below) / (above - below)).mid()
        middle = chord if step >= _BISECTIONS and low < chord < high else ((low + high) / 2).mid()
        value = at(middle)
        if not low < middle < high or not (value > 0 or value < 0):
            break
        if (value > 0) == (below > 0):
            low, below, above = middle, value, above if step < _BISECTIONS else above / 2
        else:
            high, above, below = middle, value, below if step < _BISECTIONS else below / 2
    return path(middle).x.mid()
