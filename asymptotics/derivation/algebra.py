"""What SymPy decides exactly: that an expression vanishes, its sign, its limit."""

from typing import Any

import sympy as sp

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean

#: Larger expressions are not simplified.
_MOST_OPERATIONS = 300


def vanishes(expression: Any) -> bool:
    """Whether the expression is proved to be zero; False if it is not, or not decided."""
    expression = expression.doit().replace(sp.erf, lambda x: 1 - sp.erfc(x))
    if expression.has(Mean):
        return _mean_vanishes(expression)
    return any(form(expression) == 0 for form in (sp.expand, _rational, sp.gammasimp, _simplified))


def _simplified(expression: Any) -> Any:
    """As SymPy simplifies it, where that takes no minutes."""
    return sp.simplify(expression) if sp.count_ops(expression) < _MOST_OPERATIONS else expression


def _rational(expression: Any) -> Any:
    return sp.cancel(sp.together(sp.expand(expression)))


def _mean_vanishes(expression: Any) -> bool:
    """Expectations are linear, and equal if their integrands are."""
    if expression.is_zero or sp.expand(expression) == 0:
        return True
    constant, integrand = _merged(expression)
    if integrand is not None and not constant.has(Mean):
        return bool(vanishes(constant + integrand))
    canonical = expression.replace(Mean, lambda f: sp.expand(Mean(_partial_fractions(f))))
    return bool(_rational(canonical) == 0)


def _merged(expression: Any) -> tuple[Any, Any]:
    """An expression as a constant and the integrand of one expectation, if it is linear in them."""
    constant, integrand = sp.Integer(0), sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(expression)):
        means = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, Mean)]
        rest = term / means[0] if means else term
        if rest.has(Mean):
            return expression, None
        if means:
            integrand += rest * means[0].integrand
        else:
            constant += term
    return constant, integrand


def _partial_fractions(integrand: Any) -> Any:
    """A rational integrand as a sum of simple fractions, so that equal ones look the same."""
    for symbol in sorted(integrand.atoms(GroupSymbol), key=str):
        if integrand.is_rational_function(symbol):
            integrand = sp.apart(sp.together(integrand), symbol)
    return sp.expand(integrand)


def sign(expression: Any) -> int | None:
    """1 or -1 where the expression has that sign for all values of its symbols, else None."""
    expression = expression.doit()
    forms = (sp.expand, lambda x: sp.factor(sp.together(x)), _simplified)
    for form in (lambda x: x, *forms):
        changed = form(expression)
        if changed.is_extended_positive:
            return 1
        if changed.is_extended_negative:
            return -1
    return None


def nonnegative(expression: Any) -> bool:
    """Whether the expression is proved to be at least zero."""
    expression = expression.doit()
    forms = (sp.expand, lambda x: sp.factor(sp.together(x)), _simplified)
    return any(form(expression).is_extended_nonnegative for form in (lambda x: x, *forms))


def limit(expression: Any, variable: sp.Symbol, point: Any, side: str) -> Any:
    """The limit of an expression; of a population, with two groups in it."""
    return sp.limit(in_groups(expression), variable, point, side)


def in_groups(expression: Any, count: int = 2) -> Any:
    """Expectations as sums over groups that are listed by number."""
    if not expression.has(Mean):
        return expression
    random = {x for mean in expression.atoms(Mean) for x in mean.integrand.atoms(GroupSymbol)}
    sizes = [_numbered(WEIGHT, index) for index in range(1, count + 1)]
    groups = [
        (size / sum(sizes), {x: _numbered(x, index) for x in random})
        for index, size in enumerate(sizes, start=1)
    ]
    return expression.replace(lambda part: isinstance(part, Mean), lambda part: part.over(groups))


def _numbered(symbol: sp.Symbol, index: int) -> sp.Symbol:
    return sp.Symbol(f"{symbol.name}_{index}", **symbol.assumptions0)
