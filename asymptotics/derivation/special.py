"""Where a limit that algebra found in general may be another one.

Algebra takes symbols as generic: the limit of ``1/(1 + (a - 3)**2 x)`` is 0, but not at ``a = 3``.
Here the factors are looked for whose vanishing may change a limit, with no sign that algebra shows
for all values of the symbols.  Where such a factor is zero, the limit is to be shown anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import GroupSymbol, Mean
from . import algebra
from .claims import Change, Limit
from .domains import Domain
from .points import Domains

#: Factors with more operations are not factorised, and not solved for a symbol.
_MOST_OPERATIONS = 100


def unproved(claim: Limit, domains: Domains, given: Mapping[sp.Symbol, Any]) -> Any:
    """A factor at whose zeros algebra does not show the limit, or None."""
    infinite = claim.value.is_finite is not True
    sought = [claim.expression] if infinite else list(_sensitive(claim.expression, claim.variable))
    for factor in _unsigned(_decisive(sought, claim)):
        if not _holds_where_zero(factor, claim, domains, given):
            return factor
    return None


def _sensitive(expression: Any, variable: sp.Symbol) -> Iterator[Any]:
    """The parts that a limit does not depend on as on a polynomial: denominators, arguments.

    A polynomial in a factor that has a finite limit in general has it at the factor's zeros too.
    """
    if not expression.has(variable):
        return
    if expression.is_Pow:
        base, exponent = expression.args
        polynomial = exponent.is_Integer and exponent > 0
        if polynomial:
            yield from _sensitive(base, variable)
        else:
            yield from (part for part in (base, exponent) if part.has(variable))
            if exponent.has(variable):
                yield sp.log(base) * variable
    elif isinstance(expression, sp.Add | sp.Mul | Mean):
        for part in expression.args:
            yield from _sensitive(part, variable)
    elif expression.is_Function:
        yield from expression.args


def _decisive(parts: Iterable[Any], claim: Limit) -> Iterator[Any]:
    """What is free of the variable and multiplies it in the parts, and the limits of their sums."""
    for part in parts:
        for node in sp.preorder_traversal(part):
            if not node.has(claim.variable):
                continue
            if node.is_Add:
                yield from _coefficients(node, claim.variable)
                with suppress(Exception):  # SymPy raises errors of many kinds without a limit
                    if not _of_one_sign(node):
                        yield _limit(node, claim)
            elif node.is_Mul:
                yield node.as_independent(claim.variable, as_Add=False)[0]


def _coefficients(total: Any, variable: sp.Symbol) -> Iterator[Any]:
    """The coefficients of what depends on the variable in a sum, and the rest of it."""
    found: dict[Any, Any] = {}
    for term in sp.Add.make_args(sp.expand(total)):
        coefficient, power = term.as_independent(variable, as_Add=False)
        found[power] = found.get(power, sp.Integer(0)) + coefficient
    yield from found.values()


def _of_one_sign(total: Any) -> bool:
    """Whether no terms of a sum cancel."""
    return all(x.is_nonnegative for x in total.args) or all(x.is_nonpositive for x in total.args)


def _limit(expression: Any, claim: Limit) -> Any:
    return algebra.limit(expression, claim.variable, claim.point, claim.side)


def _unsigned(expressions: Iterable[Any]) -> list[Any]:
    """The factors of the expressions that have no sign that algebra shows."""
    found: dict[Any, None] = {}
    for expression in dict.fromkeys(expressions):
        if expression.is_number or expression.is_finite is False or _nonzero(expression):
            continue
        for factor in _factors(expression):
            if not (factor.is_number or _nonzero(factor) or algebra.sign(factor) is not None):
                found[factor] = None
    return list(found)


def _nonzero(expression: Any) -> bool:
    return bool(expression.is_nonzero or expression.is_positive or expression.is_negative)


def _factors(expression: Any) -> list[Any]:
    """Factors of the numerator, without their exponents."""
    if sp.count_ops(expression) > _MOST_OPERATIONS:
        return [expression]
    numerator = sp.fraction(sp.together(expression))[0]
    return [factor for factor, _ in sp.factor_list(numerator)[1]]


def _holds_where_zero(
    factor: Any, claim: Limit, domains: Domains, given: Mapping[sp.Symbol, Any]
) -> bool:
    """Whether algebra shows the limit wherever a factor is zero."""
    zeros = _zeros(factor)
    if zeros is None:
        return False
    symbol, values = zeros
    return all(
        _holds_after(change, claim, domains, given)
        for value in values
        if _may_be(value, domains[symbol])
        for change in _changes(symbol, value)
    )


def _holds_after(
    change: Change, claim: Limit, domains: Domains, given: Mapping[sp.Symbol, Any]
) -> bool:
    """Whether algebra shows the limit with a number put in, if it has a meaning there."""
    if not all(_may_be(change(value), domains[symbol]) for symbol, value in given.items()):
        return True
    there = claim.mapped(change)
    if any(part.has(sp.zoo, sp.nan) for part in there.expressions):
        return True
    return there.exactly().holds is True


def _zeros(factor: Any) -> tuple[sp.Symbol, list[Any]] | None:
    """A symbol, and all real values of it at which a factor is zero; None if they are not found."""
    used = factor.free_symbols | factor.atoms(GroupSymbol)
    symbols = sorted(used, key=lambda x: (not isinstance(x, GroupSymbol), str(x)))
    if sp.count_ops(factor) > _MOST_OPERATIONS:
        return None
    for symbol in symbols:
        if any(mean.has(symbol) for mean in factor.atoms(Mean)):
            continue
        with suppress(NotImplementedError):
            values = sp.solve(factor, symbol)
            if not any(value.has(sp.I) for value in values):
                return symbol, values
    return None


def _may_be(value: Any, domain: Domain) -> bool:
    """Whether a value is not shown to be outside a domain."""
    above, below = value - domain.low, domain.high - value
    for distance, included in ((above, domain.low_included), (below, domain.high_included)):
        if distance.is_extended_negative or algebra.sign(distance) == -1:
            return False
        if not included and algebra.vanishes(distance):
            return False
    return not (domain.whole and value.is_integer is False)


def _changes(symbol: sp.Symbol, value: Any) -> Iterator[Change]:
    """What puts in a value of a symbol: a quantity of the population has it in all groups or some.

    The groups that do not have it are any population, and the other quantities of those that have
    it are any numbers.
    """
    yield lambda expression: expression.xreplace({symbol: value})
    if isinstance(symbol, GroupSymbol):
        ratio = sp.Dummy("ratio", positive=True)
        others: dict[Any, Any] = {}

        def here(integrand: Any) -> Any:
            put_in = integrand.xreplace({symbol: value})
            for other in put_in.atoms(GroupSymbol):
                others.setdefault(other, sp.Dummy(other.name, **other.assumptions0))
            return put_in.xreplace(others)

        def mixed(mean: Any) -> Any:
            return (here(mean.integrand) + ratio * mean) / (1 + ratio)

        yield lambda expression: expression.replace(lambda part: isinstance(part, Mean), mixed)
