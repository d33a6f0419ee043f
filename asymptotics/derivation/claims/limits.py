"""The claim that an expression has a limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy as sp

from ...arithmetic import Array
from ...errors import InvalidInput
from .. import algebra
from ..arithmetics import Undefined, Values
from ..domains import Domain
from .base import (
    PROVED,
    Claim,
    Finding,
    Inputs,
    Numbers,
    at_most,
    less,
    require_own_variable,
    require_real,
    sides_as_text,
)
from .convergence import (
    LEAST_DECADES,
    MODERATE_DECADES,
    SCALES,
    Near,
    Trend,
    gap_is_known,
    power_of_ten,
    tends_to,
    trend_of,
)

#: Reasons why values do not decide a limit, with a form of the claim that could be decided.
_SLOW = (
    "the values converge too slowly to tell the limit, or do not converge; a form that algebra "
    "brings to the limit would decide it, or a bound on the distance from the limit"
)
_NOT_AGREED = "the values stay away, but algebra finds no such limit; another form would decide it"
_OSCILLATES = (
    "these are values at powers of ten, and what oscillates may have others between them; bounds "
    "without what oscillates, which go to the limit, would decide it"
)


@dataclass(frozen=True)
class Limit(Claim):
    """``expression`` tends to ``value`` as ``variable`` goes to ``point`` from one side.

    `side` is ``"+"`` for a limit from above, ``"-"`` for one from below; it is not used at
    infinity.  `value` may be infinite.  Algebra proves the limit for any number of groups.  At a
    point it is judged by values of the expression near the limit, see `convergence`; and it is
    refuted only if values and algebra agree on another limit, or the values stay away at extreme
    scales.
    """

    expression: Any
    variable: sp.Symbol
    point: Any
    value: Any
    side: str = "+"

    parts = ("expression", "value", "point")

    @property
    def bound(self) -> set[sp.Symbol]:
        return {self.variable}

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        others = (self.value, self.point)
        require_own_variable(self.variable, self.expression, domains, given, others)
        if self.side not in ("+", "-"):
            raise InvalidInput("side", self.side, "must be '+' or '-'")
        domain, point = domains[self.variable], self.point
        if point not in (sp.oo, -sp.oo):
            require_real(self.variable, domain)
        if point in (sp.oo, -sp.oo):
            inside = point in (domain.low, domain.high)
        elif self.side == "+":
            inside = at_most(domain.low, point) and less(point, domain.high)
        else:
            inside = less(domain.low, point) and at_most(point, domain.high)
        if not inside:
            raise InvalidInput("point", point, f"is not come to from within the domain, {domain}")

    def exactly(self) -> Finding:
        try:
            found = algebra.limit(self.expression, self.variable, self.point, self.side)
        except NotImplementedError:
            return Finding(None, f"the limit is not found{self._because_of_waves()}")
        if any(power.base in (0, sp.oo, -sp.oo, sp.zoo) for power in found.atoms(sp.Pow)):
            return Finding(None, f"the limit is {found}, whose exponent has no known sign")
        value = self.value
        if found == value or (value.is_finite is not False and algebra.vanishes(found - value)):
            return PROVED
        return Finding(None, f"the limit is {found}")

    def _because_of_waves(self) -> str:
        found = algebra.waves(self.expression, self.variable, self.point, self.side)
        return f": {found[0]} may oscillate" if found else ""

    def at(self, numbers: Numbers) -> Finding:
        values: list[Near] = []
        for near in self._values_near_limit(numbers):
            values.append(near)
            # Values at farther scales are computed only if those up to here do not decide.
            if (
                near.decades == MODERATE_DECADES
                and (found := self._judged(values, numbers)).holds is not None
            ):
                return found
        return self._judged(values, numbers)

    def _judged(self, values: list[Near], numbers: Numbers) -> Finding:
        """The finding from the values; algebra is asked where they do not speak for the claim."""
        trend = trend_of(values)
        oscillates = trend is Trend.HOLDS and self._oscillates(numbers)
        if trend is Trend.HOLDS and not oscillates:
            return PROVED
        last = [near for near in values if near.decades <= MODERATE_DECADES][-1]
        said = sides_as_text([last.value], [last.target], [last.value - last.target])
        where = f"{self.variable} = {self._place(last.decades)}"
        if oscillates:
            return Finding(None, f"{said}: {_OSCILLATES}", where)
        if self._has_another_limit(values, numbers):
            return Finding(False, said, where)
        against = trend is Trend.STAYS_AWAY
        return Finding(None, f"{said}: {_NOT_AGREED if against else _SLOW}", where, against)

    def _oscillates(self, numbers: Numbers) -> bool:
        """Whether it may oscillate near its limit, and algebra does not prove the limit either."""
        here = self.mapped(numbers.exact)
        return bool(
            algebra.waves(here.expression, here.variable, here.point, here.side)
            and not here.exactly().holds
        )

    def _values_near_limit(self, numbers: Numbers) -> Iterator[Near]:
        """Values of the expression ever nearer to the limit, as far as enclosures show them.

        Raises `ArithmeticError` if they end before the least number of decades.
        """
        for decades in SCALES:
            if decades > numbers.farthest:
                return
            compute, known = partial(self._sides, decades), partial(gap_is_known, decades)
            failed = ArithmeticError("the values near the limit are not known")
            try:
                found = numbers.enclose(compute, known, decades)
            except ArithmeticError as error:
                found, failed = None, error if isinstance(error, Undefined) else failed
            if found is None or not known(found):
                if decades <= LEAST_DECADES:
                    raise failed
                return
            (value,), (target,) = found
            yield Near(decades, value, target)

    def _has_another_limit(self, values: list[Near], numbers: Numbers) -> bool:
        """Whether the expression surely has another limit than the claimed one.

        Values and algebra must agree on the other limit: no scale of values disproves one alone.
        """
        here = self.mapped(numbers.exact)
        try:
            found = algebra.limit(here.expression, here.variable, here.point, here.side)
            ((other,),) = numbers.enclose(lambda inputs: (inputs(found),), lambda _: True)
        except Exception:  # SymPy raises errors of many kinds where it finds no limit
            return False
        return tends_to(values, other)

    def _sides(self, decades: int, inputs: Inputs) -> tuple[Array, Array]:
        """The expression near the limit, and the limit."""
        return self._near(decades, inputs)(self.expression), inputs(self.value)

    def nearing(self, inputs: Inputs) -> list[Inputs]:
        """The inputs with the variable at the first three scales of its approach."""
        return [self._near(decades, inputs) for decades in SCALES[:3]]

    def _near(self, decades: int, inputs: Inputs) -> Inputs:
        """The inputs with the variable ``10**-decades`` from its point; or at ``10**decades``."""
        if self.point in (sp.oo, -sp.oo):
            step = power_of_ten(decades, inputs.arithmetic)
            return inputs.at(self.variable, step if self.point == sp.oo else -step)
        step = power_of_ten(-decades, inputs.arithmetic)
        point = inputs(self.point)
        return inputs.at(self.variable, point + step if self.side == "+" else point - step)

    def _place(self, decades: int) -> str:
        """The value of the variable at a scale, as text."""
        if self.point in (sp.oo, -sp.oo):
            return f"{'-' if self.point == -sp.oo else ''}10^{decades}"
        if self.point == 0:
            return f"{self.side.strip('+')}10^-{decades}"
        return f"{self.point} {self.side} 10^-{decades}"

    def latex(self) -> str:
        side = "" if self.point in (sp.oo, -sp.oo) else f"^{{{self.side}}}"
        to = rf"{sp.latex(self.variable)} \to {sp.latex(self.point)}{side}"
        shown = sp.latex(self.expression)
        if self.expression.is_Add:
            shown = rf"\left({shown}\right)"
        return rf"\lim_{{{to}}} {shown} = {sp.latex(self.value)}"
