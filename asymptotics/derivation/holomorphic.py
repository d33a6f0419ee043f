"""An expression of one variable on boxes of complex numbers, as Arb integrates it.

Arb encloses an integral by the values that its integrand has on boxes about the path.  It must be
told where the integrand is not analytic: there a value is not finite.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, arb

#: The value on a box.  If the second argument is true, it is finite only where the function is
#: analytic.
Box = Callable[[acb, bool], acb]


class Boxes(NamedTuple):
    """A function on boxes of its variable; and times this, on boxes of its logarithm."""

    of: Box
    of_logarithm: Box


_LOGARITHM = sp.Dummy("s", real=True)
#: The value of what does not depend on the variable.
Constant = Callable[[Any], arb]


class NoBox(ArithmeticError):
    """An expression that has no rule for boxes."""


def boxes_of(expression: Any, variable: sp.Symbol, constant: Constant) -> Boxes:
    """An expression as a function of `variable`.  Raises `NoBox` where a rule is missing.

    Of a logarithm it is written anew, so that powers and logarithms are simple functions of it, and
    the variable that it is multiplied by is one more power.
    """
    return Boxes(
        _on_boxes(expression, variable, constant),
        _on_boxes(_of_logarithm(expression, variable), _LOGARITHM, constant),
    )


@lru_cache(maxsize=1000)
def _of_logarithm(expression: Any, variable: sp.Symbol) -> Any:
    whole = sp.powsimp(expression * variable, combine="exp")
    return whole.subs(variable, sp.exp(_LOGARITHM))


def _on_boxes(expression: Any, variable: sp.Symbol, constant: Constant) -> Box:
    if expression == variable:
        return lambda z, _: z
    if variable not in expression.free_symbols:
        value = acb(constant(expression))
        return lambda _, __: value
    rule = _RULES.get(expression.func)
    if rule is None:
        raise NoBox(f"no rule for {expression.func.__name__} on boxes")
    return rule(expression, [_on_boxes(part, variable, constant) for part in expression.args])


def _fold(combine: Callable[[acb, acb, bool], acb]) -> Callable[[Any, list[Box]], Box]:
    def rule(_: Any, parts: list[Box]) -> Box:
        def folded(z: acb, analytic: bool) -> acb:
            values = (part(z, analytic) for part in parts)
            return reduce(lambda x, y: combine(x, y, analytic), values)

        return folded

    return rule


def _function(function: Callable[[acb, bool], acb]) -> Callable[[Any, list[Box]], Box]:
    def rule(_: Any, parts: list[Box]) -> Box:
        (inner,) = parts
        return lambda z, analytic: function(inner(z, analytic), analytic)

    return rule


def _power(expression: Any, parts: list[Box]) -> Box:
    base, exponent = parts
    if expression.exp.is_Integer:
        whole = int(expression.exp)
        return lambda z, analytic: base(z, analytic) ** whole
    if expression.exp == sp.Rational(1, 2):
        return lambda z, analytic: base(z, analytic).sqrt(analytic=analytic)

    def power(z: acb, analytic: bool) -> acb:
        return (exponent(z, analytic) * base(z, analytic).log(analytic=analytic)).exp()

    return power


def _unless(
    function: Callable[[acb], acb], cut: Callable[[acb], bool]
) -> Callable[[Any, list[Box]], Box]:
    """A function that is analytic off its cut; `cut` says whether a box may touch it."""
    nowhere = acb(arb.nan())
    return _function(lambda z, analytic: nowhere if analytic and cut(z) else function(z))


def _beside(z: acb) -> bool:
    return bool(z.imag.contains(0) and not (z.real > -1 and z.real < 1))


def _above(z: acb) -> bool:
    return bool(z.real.contains(0) and not (z.imag > -1 and z.imag < 1))


def _named(name: str) -> Callable[[Any, list[Box]], Box]:
    return _function(lambda z, _: getattr(z, name)())


_MEROMORPHIC = ("exp", "erf", "erfc", "sin", "cos", "tan", "sinh", "cosh", "tanh", "gamma")
_RULES: Mapping[Any, Callable[[Any, list[Box]], Box]] = {
    sp.Add: _fold(lambda x, y, _: x + y),
    sp.Mul: _fold(lambda x, y, _: x * y),
    sp.Max: _fold(lambda x, y, analytic: x.real_max(y, analytic=analytic)),
    sp.Min: _fold(lambda x, y, analytic: x.real_min(y, analytic=analytic)),
    sp.Pow: _power,
    sp.Abs: _function(lambda z, analytic: z.real_abs(analytic=analytic)),
    sp.log: _function(lambda z, analytic: z.log(analytic=analytic)),
    **{getattr(sp, name): _named(name) for name in _MEROMORPHIC},
    sp.asin: _unless(acb.asin, _beside),
    sp.acos: _unless(acb.acos, _beside),
    sp.atanh: _unless(acb.atanh, _beside),
    sp.atan: _unless(acb.atan, _above),
    sp.asinh: _unless(acb.asinh, _above),
    sp.acosh: _unless(acb.acosh, lambda z: bool(z.imag.contains(0) and not z.real > 1)),
    sp.loggamma: _unless(acb.lgamma, lambda z: bool(z.imag.contains(0) and not z.real > 0)),
}
