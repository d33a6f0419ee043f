r"""SymPy expressions as numbers: a formula evaluated on symbols returns the formula itself.

The assumptions of the symbols decide the branches.  An expectation over a population stays an
unevaluated :math:`E[\,\cdot\,]` if the population is one row of `GroupSymbol`, and becomes a sum if
its groups are listed.
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ..extras import extra
from .base import Arithmetic, Array, Mass

with extra("symbolic"):
    import sympy as sp
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.str import StrPrinter


class GroupSymbol(sp.Symbol):
    """A quantity that varies over the groups of a population; `Mean` treats it as random."""

    __slots__ = ()


class NormalSymbol(GroupSymbol):
    """A standard normal variable, independent of the population and of other such variables."""

    __slots__ = ()


#: The weight of a group; a sum weighted by it becomes a `Mean`.
WEIGHT = GroupSymbol("w", positive=True)


class Mean(sp.Function):
    r"""Expectation over the groups of a population, :math:`E[\,\cdot\,]`; linear.

    Its quantities of the population are bound, like the variable of an integral: a substitution
    changes only what is free.  `within_means` makes one that reaches into expectations.

    >>> from sympy import symbols
    >>> Lambda, tau = GroupSymbol("Lambda", positive=True), symbols("tau", positive=True)
    >>> Mean(2 * tau * Lambda / (Lambda + tau) + 1)
    2*tau*E[Lambda/(Lambda + tau)] + 1
    >>> Mean(Lambda / (Lambda + tau)).diff(tau)
    -E[Lambda/(Lambda + tau)**2]
    """

    nargs = 1

    @classmethod
    def eval(cls, integrand: Any) -> Any:
        """Linearity: constants are taken out of the expectation, and sums are split."""
        if not integrand.has(GroupSymbol):
            return integrand
        if integrand.is_Add:
            return sp.Add(*map(cls, integrand.args))
        constants, varying = integrand.as_independent(*integrand.atoms(GroupSymbol), as_Add=False)
        return None if constants == 1 else constants * cls(varying)

    @property
    def integrand(self) -> Any:
        return self.args[0]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return {x for x in self.integrand.free_symbols if not isinstance(x, GroupSymbol)}

    def integrated(self) -> Any:
        """The expectation with its normal variables integrated out."""
        integrand = self.integrand
        for h in sorted(self.integrand.atoms(NormalSymbol), key=str):
            integrand = _over_normal(integrand, h)
        return Mean(integrand)

    def over(self, groups: list[tuple[Any, dict[sp.Symbol, Any]]]) -> Any:
        """The sum over groups, each a weight and the values of its `GroupSymbol`."""
        return sp.Add(*(weight * self.integrand.xreplace(values) for weight, values in groups))

    def _eval_derivative(self, symbol: sp.Symbol) -> Any:
        # Where the integrand jumps at a place that moves with the symbol, the expectation changes
        # although the integrand's own derivative may be 0.  The derivative then stays unevaluated.
        if any(place.has(symbol) for place in _jumps(self.integrand)):
            return None
        return Mean(self.integrand.diff(symbol))

    def _xreplace(self, rule: Any) -> tuple[Any, bool]:
        if self in rule or not isinstance(rule, dict):
            return super()._xreplace(rule)
        changes = {old: new for old, new in rule.items() if not _varies(old)}
        captured = {old: new for old, new in changes.items() if self._captures(old, new)}
        plain = {old: new for old, new in changes.items() if old not in captured}
        integrand, changed = self.integrand._xreplace(plain)
        found = Mean(integrand) if changed else self
        if captured:
            found = sp.Subs(found, tuple(captured), tuple(captured.values()))
        return found, changed or bool(captured)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        if _varies(old):
            return self
        return sp.Subs(self, old, new) if self._captures(old, new) else None

    def _captures(self, old: Any, new: Any) -> bool:
        """Whether `new`, put in for `old`, would bring in a quantity that becomes bound."""
        return self.has(old) and _varies(new)

    def _eval_is_extended_real(self) -> bool | None:
        return self.integrand.is_extended_real

    def _eval_is_finite(self) -> bool | None:
        return self.integrand.is_finite

    def _eval_is_extended_positive(self) -> bool | None:
        return self.integrand.is_extended_positive or None

    def _eval_is_extended_nonnegative(self) -> bool | None:
        return self.integrand.is_extended_nonnegative or None

    def _latex(self, printer: LatexPrinter, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\operatorname{{E}}{power}\left[{printer.doprint(self.integrand)}\right]"

    def _sympystr(self, printer: StrPrinter) -> str:
        return f"E[{printer.doprint(self.integrand)}]"


class _OpenMean(Mean):
    """An expectation whose quantities of the population are free while something is put in."""

    _xreplace = sp.Function._xreplace
    _eval_subs = sp.Function._eval_subs
    free_symbols = sp.Function.free_symbols

    @classmethod
    def eval(cls, _: Any) -> None:
        """It stays as it is."""


def within_means(expression: Any, change: Callable[[Any], Any]) -> Any:
    """`expression` after a substitution that reaches the bound quantities of expectations too."""
    opened = expression.replace(Mean, _OpenMean)
    return change(opened).replace(_OpenMean, Mean)


def _jumps(expression: Any) -> list[Any]:
    """The parts of an expression that decide where it jumps: conditions, and what is rounded."""
    pieces = [pair.cond for part in expression.atoms(sp.Piecewise) for pair in part.args]
    return pieces + list(expression.atoms(sp.floor, sp.ceiling))


def _varies(expression: Any) -> bool:
    """Whether an expression depends on a quantity of the population that is free in it."""
    return any(isinstance(symbol, GroupSymbol) for symbol in expression.free_symbols)


class Symbolic(Arithmetic):
    """Arithmetic of exact expressions; nothing is rounded."""

    dtype = object
    exact = True
    infinity, nan = sp.oo, sp.nan
    eps = rounding = indistinct = tiny = sp.Integer(0)
    pi = sp.pi

    def __repr__(self) -> str:
        return "Symbolic()"

    def array(self, values: Any) -> Array:
        return _map(_expression, np.asarray(values, dtype=object))

    def owns(self, values: Any) -> bool:
        entries = np.asarray(values, dtype=object).flat
        return any(isinstance(entry, sp.Basic) for entry in entries)

    def excess(self, kappa: Array, mass: Mass) -> Array:
        return self.array(kappa) * self.array(mass.value) - 1

    def exp(self, x: Array) -> Array:
        return _map(sp.exp, x)

    def log(self, x: Array) -> Array:
        return _map(sp.log, x)

    def log1p(self, x: Array) -> Array:
        return self.log(1 + x)

    def sqrt(self, x: Array) -> Array:
        return _map(sp.sqrt, x)

    def power(self, x: Array, exponent: Any) -> Array:
        exponent = _expression(exponent)
        return _map(lambda base: base**exponent, x)

    def erfc(self, x: Array) -> Array:
        return _map(sp.erfc, x)

    def beyond(self, x: Any, y: Any) -> Any:
        return np.broadcast_to(np.False_, np.broadcast_shapes(np.shape(x), np.shape(y)))

    def within(self, x: Array, largest: float) -> bool:
        return True  # the size of a symbol is unknown

    def moment_density(self, u: Array) -> Array:
        return u * self.normal_density(u)

    def sum(self, value: Array, weight: Array) -> Array:
        # A mean over the weights kept has the share that is kept as a factor of the weight.
        if weight.shape == (1,) and not (share := weight[0] / WEIGHT).has(WEIGHT):
            return _map(Mean, share * value[..., 0])
        return super().sum(value, weight)

    def root(self, function: Any, lower: Array, upper: Array, start: Array | None = None) -> Array:
        raise NotImplementedError("a root is a symbol, beside the equation that it solves")


SYMBOLIC = Symbolic()


def _over_normal(integrand: Any, h: sp.Symbol) -> Any:
    """E[integrand] over a standard normal `h`: moments for a polynomial, else an `Integral`."""
    expanded = sp.expand(integrand)
    if expanded.is_polynomial(h):
        powers = sp.Poly(expanded, h).terms()
        return sum(c * (sp.factorial2(k - 1) if k % 2 == 0 else 0) for (k,), c in powers)
    x = sp.Dummy(h.name, real=True)  # a reader tells two variables apart by their names alone
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(integrand.xreplace({h: x}) * density, (x, -sp.oo, sp.oo))


def _expression(value: Any) -> Any:
    """`value`, an expression or an exact number, as an expression."""
    if isinstance(value, sp.Basic):
        return value
    numerator, denominator = (
        value.as_integer_ratio() if isinstance(value, float | Decimal | Fraction) else (value, 1)
    )
    return sp.Rational(int(numerator), int(denominator))


def _map(function: Any, x: Any) -> Array:
    return np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=object)
