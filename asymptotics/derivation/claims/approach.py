"""Limits, and roots that are the only ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Self

import numpy as np
import sympy as sp

from ...arithmetic import Array
from ...errors import InvalidInput
from .. import algebra
from ..domains import Domain
from ..evaluation import Values
from .base import PROVED, SHARE, ZERO, Box, Change, Claim, Finding, Inputs, both, free


@dataclass(frozen=True)
class Limit(Claim):
    """``expression`` tends to ``value`` as ``variable`` goes to ``point`` from one side.

    `side` is ``"+"``, from above, or ``"-"``, from below; at infinity it says nothing.  It is
    proved for any number of groups.
    """

    expression: Any
    variable: sp.Symbol
    point: Any
    value: Any
    side: str = "+"

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.expression, self.value, self.point

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        expression, value, point = map(change, self.expressions)
        return replace(self, expression=expression, value=value, point=point)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.value, self.point))
        if self.side not in ("+", "-"):
            raise InvalidInput("side", self.side, "must be '+' or '-'")
        domain, point = domains[self.variable], self.point
        if point in (sp.oo, -sp.oo):
            inside = point in (domain.low, domain.high)
        elif self.side == "+":
            inside = _at_most(domain.low, point) and _less(point, domain.high)
        else:
            inside = _less(domain.low, point) and _at_most(point, domain.high)
        if not inside:
            raise InvalidInput("point", point, f"is not come to from within the domain, {domain}")

    def exactly(self) -> Finding:
        try:
            found = algebra.limit(self.expression, self.variable, self.point, self.side)
        except NotImplementedError:
            return Finding(None, "the limit is not found")
        value = self.value
        if found == value or (value.is_finite is not False and algebra.vanishes(found - value)):
            return PROVED
        return Finding(None, f"the limit is {found}")

    def at(self, inputs: Inputs) -> Finding:
        value = inputs(self.value).item()
        values = [step(self.expression).item() for step in self.nearing(inputs)]
        near = both(values[-1], value)
        if abs(value) == float("inf"):
            # What converges takes ever shorter steps; what grows, be it as a logarithm, does not.
            steps_up = [abs(y) - abs(x) for x, y in pairwise(values)]
            grows = 0 < steps_up[0] <= 2 * steps_up[1] and value * values[2] > 0
            return Finding(bool(grows), near)
        errors = [abs(x - value) for x in values]
        scale = abs(value) if value != 0 else 1
        digits = getattr(inputs.arithmetic, "digits", 15)
        # What tends to another value, be it a near one, stays away from this.
        floor = scale * 10.0 ** (-digits * SHARE)
        falls = errors[1] <= max(errors[0], floor) and errors[2] <= max(errors[1] / 10, floor)
        if falls and errors[2] <= scale * 1e-5:
            return PROVED
        # On its way but not there yet, or below what digits show of numbers near 1.
        coming = falls or errors[2] < 10.0 ** (-digits * ZERO)
        return Finding(None if coming else False, near)

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """The point with the variable ever nearer to where it goes."""
        return [
            inputs._replace(values={**inputs.values, self.variable: self._near(decades, inputs)})
            for decades in (8, 16, 24)
        ]

    def _near(self, decades: int, inputs: Inputs) -> Array:
        step = sp.Integer(10) ** decades
        if self.point in (sp.oo, -sp.oo):
            return inputs(step if self.point == sp.oo else -step)
        return inputs(self.point + (1 if self.side == "+" else -1) / step)

    def latex(self) -> str:
        side = "" if self.point in (sp.oo, -sp.oo) else f"^{{{self.side}}}"
        to = rf"{sp.latex(self.variable)} \to {sp.latex(self.point)}{side}"
        shown = sp.latex(self.expression)
        if self.expression.is_Add:
            shown = rf"\left({shown}\right)"
        return rf"\lim_{{{to}}} {shown} = {sp.latex(self.value)}"


@dataclass(frozen=True)
class UniqueRoot(Claim):
    """``function`` of ``variable`` is monotone on (low, high) and changes its sign there once."""

    function: Any
    variable: sp.Symbol
    low: Any
    high: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.function, self.low, self.high

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def mapped(self, change: Change) -> Self:
        function, low, high = map(change, self.expressions)
        return replace(self, function=function, low=low, high=high)

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        _require_variable(self.variable, domains, given, (self.low, self.high))
        domain = domains[self.variable]
        if not (_at_most(domain.low, self.low) and _at_most(self.high, domain.high)):
            interval = f"({self.low}, {self.high})"
            raise InvalidInput("interval", interval, f"must lie in the domain, {domain}")

    def exactly(self) -> Finding:
        if not algebra.continuous(self.function, self.variable):
            return Finding(None, "algebra does not show that it is continuous")
        slope = algebra.sign(sp.diff(self.function, self.variable))
        if slope is None:
            return Finding(None, "algebra does not show that it is monotone")
        try:
            ends = [
                algebra.limit(self.function, self.variable, point, side)
                for point, side in ((self.low, "+"), (self.high, "-"))
            ]
        except NotImplementedError:
            return Finding(None, "the limits at its ends are not found")
        if [algebra.sign(slope * end) for end in ends] == [-1, 1]:
            return PROVED
        return Finding(None, f"at its ends it tends to {ends[0]} and {ends[1]}")

    def at(self, inputs: Inputs) -> Finding:
        values = [
            self._value(share, inputs) for share in (1e-12, *np.arange(0.05, 1, 0.05), -1e-12)
        ]
        signs = [np.sign(float(y - x)) for x, y in pairwise(values)]
        told = set(signs) - {0}  # 0 where no digits tell values apart
        monotone, crosses = len(told) == 1, values[0] * values[-1] < 0
        if not told or (monotone and not crosses and self.high == sp.oo):
            return Finding(None, "no change of sign was seen")  # it may be farther out
        return Finding(bool(monotone and crosses), both(values[0], values[-1]))

    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        if not (self.low.is_Rational and self.high.is_Rational):
            return
        low, high = (Fraction(str(end)) for end in (self.low, self.high))
        others = {x: interval for x, interval in box.items() if x != self.variable}
        ends = [self.function.subs(self.variable, end) for end in (self.low, self.high)]
        middle = {x: (low + high) / 2 for x, (low, high) in others.items()}
        falls = bool(ends[0].subs({x: sp.Rational(str(y)) for x, y in middle.items()}) > 0)
        sign = 1 if falls else -1
        yield sign * ends[0], others
        yield -sign * ends[1], others
        yield -sign * sp.diff(self.function, self.variable), {**others, self.variable: (low, high)}

    def _value(self, share: float, inputs: Inputs) -> Any:
        """The function at a share of the way from low to high; infinity is far."""
        low = inputs(self.low).item()
        distance = sp.Rational(str(float(share if share > 0 else 1 + share)))
        if self.high == sp.oo:
            # As far as 10^60, whatever the scale is.
            x = low + inputs((distance / (1 - distance)) ** 5).item()
        else:
            x = low + (inputs(self.high).item() - low) * inputs(distance).item()
        values = {**inputs.values, self.variable: inputs.arithmetic.array(x)}
        return inputs._replace(values=values)(self.function).item()

    def latex(self) -> str:
        x = sp.latex(self.variable)
        interval = f"({sp.latex(self.low)}, {sp.latex(self.high)})"
        return rf"\exists!\, {x} \in {interval}:\quad {sp.latex(self.function)} = 0"


def _require_variable(
    variable: Any, domains: Mapping[sp.Symbol, Domain], given: Values, others: tuple[Any, ...]
) -> None:
    if variable not in domains or variable in given:
        raise InvalidInput("variable", variable, "must be a declared symbol that is not given")
    if any(variable in free(other) for other in others):
        raise InvalidInput("variable", variable, "must not be in what does not vary with it")


def _at_most(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.nonnegative(y - x)


def _less(x: Any, y: Any) -> bool:
    return x == -sp.oo or y == sp.oo or algebra.sign(y - x) == 1
