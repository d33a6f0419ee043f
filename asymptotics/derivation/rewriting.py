"""Rewriting expressions so that numbers can be put in: derivatives and matrices are carried out.

Integrals and sums stay as their author wrote them, because an antiderivative that SymPy finds may
be wrong.  A derivative of an integral is taken under the integral sign only where this is proved to
be allowed.
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from ..arithmetic.symbolic import GroupSymbol, Mean, NormalSymbol
from . import algebra
from .integrals import inner_part

#: Operations that SymPy carries out by fixed rules, without a search that may go wrong.
_BY_FIXED_RULES = (sp.Derivative, sp.MatrixExpr, sp.Determinant, sp.Trace)


def written_for_numbers(expression: Any) -> Any:
    """An expression with its derivatives, substitutions and matrices carried out.

    Integrals and sums stay.  Their variables become new symbols (`sympy.Dummy`), so that a number
    put in for a symbol of the same name does not replace a variable of integration.
    """
    return expression.replace(_substitutes_in_derivative, _differentiated_then_substituted).replace(
        lambda part: isinstance(part, (*_BY_FIXED_RULES, sp.Subs, ExprWithLimits)),
        _written_for_numbers,
    )


def _substitutes_in_derivative(part: Any) -> bool:
    """Whether a part is the derivative of an integral with something substituted in it."""
    return isinstance(part, sp.Subs) and part.expr.has(sp.Derivative) and part.expr.has(sp.Integral)


def _differentiated_then_substituted(subs: Any) -> Any:
    """The derivative of an integral, taken first, then with the substitution carried out.

    The derivative is taken with respect to variables that may be any real number: the substitution
    may put in a value outside a variable's assumptions, such as 0 for a positive one, and
    differentiation under the integral sign must be allowed at that value too.
    """
    own = {x: sp.Dummy(x.name, real=True) for x in subs.variables}
    found = written_for_numbers(subs.expr.xreplace(own))
    return found.subs(list(zip(own.values(), subs.point, strict=True)))


def _written_for_numbers(part: Any) -> Any:
    if isinstance(part, sp.Derivative) and not _passes_under_integrals(part):
        return part
    if isinstance(part, _BY_FIXED_RULES):
        return part.doit(deep=False)
    if isinstance(part, sp.Subs):
        return part.expr.subs(list(zip(part.variables, part.point, strict=True)))
    # An integral or a sum: only its variables change.
    without_ends = any(len(limit) != 3 for limit in part.limits)
    if without_ends or any(isinstance(variable, GroupSymbol) for variable in part.variables):
        return part
    found = part.function
    for variable, *ends in part.limits:
        own = sp.Dummy(variable.name, **variable.assumptions0)
        found = part.func(found.xreplace({variable: own}), (own, *ends))
    return found


def _passes_under_integrals(derivative: Any) -> bool:
    r"""Whether the derivative may be taken under every integral and expectation in it.

    For an integral, :math:`\partial_a \int f(x, a)\,dx = \int \partial_a f(x, a)\,dx` holds if f
    and its derivatives are continuous and the interval is finite.  For the expectation of a normal
    variable it holds if the integrand is a polynomial in that variable.  Elsewhere it may be wrong,
    and SymPy does not check.
    """
    changed, inside = set(derivative.variables), derivative.expr
    integrals = [x for x in inside.atoms(sp.Integral) if changed & inner_part(x).free_symbols]
    means = [x for x in inside.atoms(Mean) if x.has(NormalSymbol) and changed & x.free_symbols]
    polynomials = (x.integrand.is_polynomial(*x.atoms(NormalSymbol)) for x in means)
    return all(polynomials) and all(_is_smooth(x, derivative.variables) for x in integrals)


def _is_smooth(integral: Any, changed: Sequence[sp.Symbol]) -> bool:
    """Whether an integrand and its derivatives are proved continuous, on a finite interval."""
    # The variable of integration reaches the ends of the interval, where its assumptions may fail
    # (0, for a positive one): continuity is shown for a variable that may be any real number.
    anywhere = {x: sp.Dummy(x.name, real=True) for x in integral.variables}
    functions = [integral.function.xreplace(anywhere)]
    for variable in changed:
        functions.append(functions[-1].diff(variable))
    ends = [end for _, *ends in integral.limits for end in ends]
    inner = sp.Tuple(*(end for _, *ends in integral.limits[:-1] for end in ends))
    if inner.free_symbols & set(changed):  # the ends of an inner integral would move too
        return False
    return all(end.is_finite for end in ends) and all(
        algebra.continuous(function, variable)
        for function in functions
        for variable in {*changed, *anywhere.values()}
    )
