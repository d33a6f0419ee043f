"""Proofs by enclosure: an expression is positive over a box if its enclosure there is.

Boxes whose enclosure does not tell are halved, the longest side first, until all tell or there are
too many.
"""

from collections import deque
from fractions import Fraction
from typing import Any

import sympy as sp

from ..arithmetic.ball import Ball, Balls, Undecided
from .claims import Box
from .evaluation import NoValue, value_of


def unproved(expression: Any, box: Box, most: int, bits: int) -> tuple[Box | None, int]:
    """A part of the box where the expression is not shown to be positive, if there is one.

    Also how many boxes were looked at.
    """
    arithmetic = Balls(bits)
    waiting, count = [box], 0
    with arithmetic.working():
        while waiting:
            part = waiting.pop()
            count += 1
            enclosure = _enclosure(expression, part, arithmetic)
            if enclosure is not None and enclosure.arb > 0:
                continue
            shown_not = enclosure is not None and enclosure.arb <= 0
            if count >= most or shown_not or not part:  # a box without sides has no halves
                return part, count
            waiting += _halves(part, box)
    return None, count


def negative(expression: Any, box: Box, most: int, bits: int) -> Box | None:
    """A part of the box where the expression is surely negative, if one is found.

    Parts are looked at in the order of their size, the larger ones first, and so many at most.
    """
    arithmetic = Balls(bits)
    waiting = deque([box])
    with arithmetic.working():
        for _ in range(most):
            if not waiting:
                return None
            part = waiting.popleft()
            enclosure = _enclosure(expression, part, arithmetic)
            if enclosure is None or not (enclosure.arb > 0 or enclosure.arb < 0):
                waiting.extend(_halves(part, box))
            elif enclosure.arb < 0:
                return part
    return None


def _enclosure(expression: Any, box: Box, arithmetic: Balls) -> Ball | None:
    """The enclosure over a box; None where the expression is not known to have a value."""
    values = {
        symbol: arithmetic.array(Ball(Ball.of(low).arb.union(Ball.of(high).arb)))
        for symbol, (low, high) in box.items()
    }
    try:
        enclosure: Ball = value_of(expression, values, arithmetic).item()
    except (Undecided, NoValue, ZeroDivisionError):
        return None
    return enclosure


def _halves(part: Box, whole: Box) -> list[Box]:
    """The part cut through the side that is longest beside that of the whole."""

    def length(symbol: sp.Symbol) -> Fraction:
        return (part[symbol][1] - part[symbol][0]) / (whole[symbol][1] - whole[symbol][0])

    longest = max(part, key=length)
    low, high = part[longest]
    middle = (low + high) / 2
    return [{**part, longest: (low, middle)}, {**part, longest: (middle, high)}]


def in_words(box: Box) -> str:
    """A box in one line."""
    sides = (f"{x} in [{float(low):.6g}, {float(high):.6g}]" for x, (low, high) in box.items())
    return ", ".join(sides)
