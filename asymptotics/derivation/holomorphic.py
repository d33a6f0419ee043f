"""An expression of one variable as a function on boxes of complex numbers, which Arb integrates.

Arb (`acb.integral`) encloses an integral by enclosures of its integrand on boxes that cover the
path.  Where it needs the integrand to be analytic on a box it passes ``analytic=True``, and a
function that may have a branch cut or a kink in the box must then return a value that is not
finite.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, arb

#: An enclosure of a function on a box.  If the second argument, `analytic`, is true, the enclosure
#: is finite only if the function is analytic on the box.
Box = Callable[[acb, bool], acb]


class Boxes(NamedTuple):
    """The enclosures of a function f: of f(x) on boxes of x, and of x f(x) on boxes of log x.

    Near x = 0 a path is much better described by log x: a box about it keeps its relative width, so
    that powers of x have narrow enclosures there.
    """

    of: Box
    of_logarithm: Box


#: The enclosure of a part of an expression on boxes of its variables: one, or several inside an
#: inner integral.
_Part = Callable[[Mapping[sp.Symbol, acb], bool], acb]
#: The most boxes on which an inner integral is enclosed, for each box of the outer variable.
_MOST_INNER_BOXES = 500
#: The logarithm of the variable, as a symbol.
_LOGARITHM = sp.Dummy("s", real=True)
#: Evaluates a part of the expression that does not depend on the variable.
Constant = Callable[[Any], arb]


class NoBox(ArithmeticError):
    """An expression with a part that has no rule for boxes."""


def boxes_of(expression: Any, variable: sp.Symbol, constant: Constant) -> Boxes:
    """An expression as a function of `variable`, on boxes.  Raises `NoBox` if a rule is missing.

    For boxes of the logarithm s = log x the expression is rewritten in s, so that ``x**a`` becomes
    ``exp(a*s)`` and ``log(x)`` becomes s.  The factor x, from dx = x ds, is merged with the powers
    of x before.
    """
    return Boxes(
        _of_one(expression, variable, constant),
        _of_one(_of_logarithm(expression, variable), _LOGARITHM, constant),
    )


def _of_one(expression: Any, variable: sp.Symbol, constant: Constant) -> Box:
    part = _on_boxes(expression, frozenset({variable}), constant)
    return lambda z, analytic: part({variable: z}, analytic)


@lru_cache(maxsize=1000)
def _of_logarithm(expression: Any, variable: sp.Symbol) -> Any:
    merged = sp.powsimp(expression * variable, combine="exp")
    return merged.subs(variable, sp.exp(_LOGARITHM))


def _on_boxes(expression: Any, variables: frozenset[sp.Symbol], constant: Constant) -> _Part:
    if expression in variables:
        return lambda boxes, _: boxes[expression]
    if not variables & expression.free_symbols:
        value = acb(constant(expression))
        return lambda _, __: value
    if isinstance(expression, sp.Integral):
        return _inner_integral(expression, variables, constant)
    rule = _RULES.get(expression.func)
    if rule is None:
        raise NoBox(f"no rule for {expression.func.__name__} on boxes")
    return rule(expression, [_on_boxes(part, variables, constant) for part in expression.args])


def _inner_integral(expression: Any, variables: frozenset[sp.Symbol], constant: Constant) -> _Part:
    """An integral over one variable, between numbers, as a function of the outer variables."""
    (inner, *ends), *others = expression.limits
    if others or len(ends) != 2 or any(variables & end.free_symbols for end in ends):
        raise NoBox("an inner integral has a rule only for one variable between fixed ends")
    low, high = (acb(constant(end)) for end in ends)
    if not (low.is_finite() and high.is_finite()):
        raise NoBox("an inner integral has a rule only between finite ends")
    function = _on_boxes(expression.function, variables | {inner}, constant)

    def enclosed(boxes: Mapping[sp.Symbol, acb], analytic: bool) -> acb:
        # The integral is analytic in the outer variables where its integrand is so all along.
        def along(z: acb, analytic_inside: bool) -> acb:
            return function({**boxes, inner: z}, analytic or analytic_inside)

        return acb.integral(along, low, high, eval_limit=_MOST_INNER_BOXES)

    return enclosed


def _fold(combine: Callable[[acb, acb, bool], acb]) -> Callable[[Any, list[_Part]], _Part]:
    def rule(_: Any, parts: list[_Part]) -> _Part:
        def folded(boxes: Mapping[sp.Symbol, acb], analytic: bool) -> acb:
            values = (part(boxes, analytic) for part in parts)
            return reduce(lambda x, y: combine(x, y, analytic), values)

        return folded

    return rule


def _function(function: Callable[[acb, bool], acb]) -> Callable[[Any, list[_Part]], _Part]:
    def rule(_: Any, parts: list[_Part]) -> _Part:
        (inner,) = parts
        return lambda boxes, analytic: function(inner(boxes, analytic), analytic)

    return rule


def _power(expression: Any, parts: list[_Part]) -> _Part:
    base, exponent = parts
    if expression.exp.is_Integer:
        n = int(expression.exp)
        return lambda boxes, analytic: base(boxes, analytic) ** n
    if expression.exp == sp.Rational(1, 2):
        return lambda boxes, analytic: base(boxes, analytic).sqrt(analytic=analytic)

    def power(boxes: Mapping[sp.Symbol, acb], analytic: bool) -> acb:
        return (exponent(boxes, analytic) * base(boxes, analytic).log(analytic=analytic)).exp()

    return power


def _with_branch_cut(
    function: Callable[[acb], acb], may_touch_cut: Callable[[acb], bool]
) -> Callable[[Any, list[_Part]], _Part]:
    """A function that is analytic off its branch cut, with a test of whether a box may touch it."""
    not_finite = acb(arb.nan())
    return _function(
        lambda z, analytic: not_finite if analytic and may_touch_cut(z) else function(z)
    )


def _may_touch_real_cut(z: acb) -> bool:
    """Whether a box may touch the real numbers outside (-1, 1)."""
    return bool(z.imag.contains(0) and not (z.real > -1 and z.real < 1))


def _may_touch_imaginary_cut(z: acb) -> bool:
    """Whether a box may touch the imaginary numbers outside (-i, i)."""
    return bool(z.real.contains(0) and not (z.imag > -1 and z.imag < 1))


def _named(name: str) -> Callable[[Any, list[_Part]], _Part]:
    return _function(lambda z, _: getattr(z, name)())


#: Functions that need no test: they have no branch cut, and at a pole Arb's value is not finite.
_MEROMORPHIC = ("exp", "erf", "erfc", "sin", "cos", "tan", "sinh", "cosh", "tanh", "gamma")
_RULES: Mapping[Any, Callable[[Any, list[_Part]], _Part]] = {
    sp.Add: _fold(lambda x, y, _: x + y),
    sp.Mul: _fold(lambda x, y, _: x * y),
    sp.Max: _fold(lambda x, y, analytic: x.real_max(y, analytic=analytic)),
    sp.Min: _fold(lambda x, y, analytic: x.real_min(y, analytic=analytic)),
    sp.Pow: _power,
    sp.Abs: _function(lambda z, analytic: z.real_abs(analytic=analytic)),
    sp.log: _function(lambda z, analytic: z.log(analytic=analytic)),
    **{getattr(sp, name): _named(name) for name in _MEROMORPHIC},
    sp.asin: _with_branch_cut(acb.asin, _may_touch_real_cut),
    sp.acos: _with_branch_cut(acb.acos, _may_touch_real_cut),
    sp.atanh: _with_branch_cut(acb.atanh, _may_touch_real_cut),
    sp.atan: _with_branch_cut(acb.atan, _may_touch_imaginary_cut),
    sp.asinh: _with_branch_cut(acb.asinh, _may_touch_imaginary_cut),
    sp.acosh: _with_branch_cut(acb.acosh, lambda z: bool(z.imag.contains(0) and not z.real > 1)),
    sp.loggamma: _with_branch_cut(
        acb.lgamma, lambda z: bool(z.imag.contains(0) and not z.real > 0)
    ),
}
