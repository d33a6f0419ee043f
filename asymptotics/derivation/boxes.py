"""Proofs by enclosure: an expression is positive over a box if its enclosure over the box is.

A box whose enclosure holds 0 is halved along its longest side.  This is repeated until the
enclosure over every small box has a sign, or there are too many boxes.
"""

from collections import deque
from fractions import Fraction
from typing import Any

import sympy as sp

from ..arithmetic.ball import Ball, Balls, Undecided
from .arithmetics import NoValue
from .claims import Box
from .evaluation import value_of


def unproved(expression: Any, box: Box, most: int, bits: int) -> tuple[Box | None, int]:
    """A part of `box` where an expression is not shown to be positive, and the count of boxes.

    The part is None if the expression is shown to be positive over all of `box`.  The search stops
    after `most` boxes, and at the first part whose enclosure is at most 0.
    """
    arithmetic = Balls(bits)
    waiting, count = [box], 0
    with arithmetic.working():
        while waiting:
            part = waiting.pop()  # depth first, so that few boxes wait
            count += 1
            enclosure = _enclosure(expression, part, arithmetic)
            if enclosure is not None and enclosure.arb > 0:
                continue
            surely_not = enclosure is not None and enclosure.arb <= 0
            if count >= most or surely_not or not part:  # a box without sides has no halves
                return part, count
            waiting += _halves(part, box)
    return None, count


def negative(expression: Any, box: Box, most: int, bits: int) -> Box | None:
    """A part of `box` where the expression is surely negative; None if none is found.

    At most `most` parts are tried, the larger ones first.
    """
    arithmetic = Balls(bits)
    waiting = deque([box])
    with arithmetic.working():
        for _ in range(most):
            if not waiting:
                return None
            part = waiting.popleft()  # breadth first, so that large parts come first
            enclosure = _enclosure(expression, part, arithmetic)
            if enclosure is None or not (enclosure.arb > 0 or enclosure.arb < 0):
                waiting.extend(_halves(part, box))
            elif enclosure.arb < 0:
                return part
    return None


def _enclosure(expression: Any, box: Box, arithmetic: Balls) -> Ball | None:
    """The enclosure of an expression over a box; None if it may have no value there."""
    values = {
        symbol: arithmetic.array(Ball(Ball.of(low).arb.union(Ball.of(high).arb)))
        for symbol, (low, high) in box.items()
    }
    try:
        enclosure: Ball = value_of(expression, values, arithmetic).item()
    except (Undecided, NoValue, ZeroDivisionError):
        return None
    return enclosure


def _halves(part: Box, box: Box) -> list[Box]:
    """The two halves of a part, split along the side that is longest relative to that of `box`."""

    def length(symbol: sp.Symbol) -> Fraction:
        return (part[symbol][1] - part[symbol][0]) / (box[symbol][1] - box[symbol][0])

    longest = max(part, key=length)
    low, high = part[longest]
    middle = (low + high) / 2
    return [{**part, longest: (low, middle)}, {**part, longest: (middle, high)}]


def in_words(box: Box) -> str:
    """A box as text in one line."""
    sides = (f"{x} in [{float(low):.6g}, {float(high):.6g}]" for x, (low, high) in box.items())
    return ", ".join(sides)
