"""Where a limit that algebra found in general may be another one.

Algebra takes symbols as generic: the limit of ``1/(1 + (a - 3)**2 x)`` is 0, but not at ``a = 3``.
Here the factors are looked for whose vanishing may change a limit, with no sign that algebra shows
for all values of the symbols.  Where such a factor is zero, the limit is to be shown anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from math import lcm
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.polys.polyerrors import BasePolynomialError

from ..arithmetic.symbolic import GroupSymbol, Mean
from . import algebra
from .boxes import unproved as over_boxes
from .claims import Change, Limit
from .domains import POSITIVE, REAL, Domain
from .points import Domains

#: Factors with more operations are not factorised, and not solved for a symbol.
_MOST_OPERATIONS = 100
#: Powers of the distance from a limit that sums of expectations are compared with.
_POWERS = tuple(sp.Rational(k, 2) for k in range(-4, 5))
#: How many factors may vanish one after the other, each where the ones before it do.
_DEEPEST = 3
#: Digits of numbers that may be zero, and what is surely none.
_DIGITS, _LEAST = 50, sp.Rational(1, 10**30)
#: Boxes, and their bits, over which a factor is looked at.
_BOXES, _BOX_BITS = 200, 64


def unproved(claim: Limit, domains: Domains, given: Mapping[sp.Symbol, Any]) -> Any:
    """A factor at whose zeros algebra does not show the limit, or None."""
    return _unproved(claim, domains, given, frozenset(), 0)


def _unproved(
    claim: Limit,
    domains: Domains,
    given: Mapping[sp.Symbol, Any],
    settled: frozenset[Any],
    depth: int,
) -> Any:
    """A factor at whose zeros the limit is not shown; it is shown at those of the settled ones."""
    infinite = claim.value.is_finite is not True
    sought = [claim.expression] if infinite else list(_sensitive(claim.expression, claim.variable))
    for factor in _unsigned(_decisive(sought, claim)):
        if factor in settled:
            continue
        if depth == _DEEPEST or not _generic(factor):
            return factor
        for change, more in _where_zero(factor, claim, domains):
            if not _holds_after(change, claim, domains, given, settled | more, depth):
                return factor
        settled |= {factor}
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
    else:  # an integral or a sum that algebra leaves as it is
        yield expression


def _decisive(parts: Iterable[Any], claim: Limit) -> Iterator[Any]:
    """What is free of the variable and multiplies it in the parts, and the sizes of their sums."""
    for part in parts:
        for node in sp.preorder_traversal(part):
            if not node.has(claim.variable) or not _parameters(node, claim):
                continue
            if node.is_Add:
                yield from _coefficients(node, claim.variable)
                if not _of_one_sign(node):
                    yield _leading(node, claim)
            elif node.is_Mul:
                yield node.as_independent(claim.variable, as_Add=False)[0]
            elif isinstance(node, ExprWithLimits):
                yield node  # of which no factor is known to have no zero


def _parameters(expression: Any, claim: Limit) -> set[Any]:
    """The symbols of an expression at whose special values a limit may be another one."""
    return (expression.free_symbols | expression.atoms(GroupSymbol)) - {claim.variable}


def _leading(total: Any, claim: Limit) -> Any:
    """The coefficient of the term of a sum that outgrows the others on the way to the limit.

    Where it vanishes another term takes its place, and the limit may be another one.  The sum
    itself stands for a coefficient that is not found: nothing is known of its zeros.
    """
    x, near = algebra.moved_to_zero(total, claim.variable, claim.point, claim.side)
    with suppress(Exception):  # SymPy raises errors of many kinds where it finds none
        return _leading_at_zero(_leading_exponential(near, x), x)
    return total


def _leading_at_zero(near: Any, x: sp.Symbol) -> Any:
    """The coefficient of the lowest power of x, as x goes to 0 from above."""
    ratio = sp.together(near)
    if ratio.is_rational_function(x):
        numerator, denominator = (sp.Poly(part, x) for part in sp.fraction(ratio))
        return numerator.EC() * denominator.EC()
    if near.has(Mean):
        return _first_finite(near, x)
    coefficient, power = near.leadterm(x)
    if power.is_number and not coefficient.has(x):
        return coefficient
    raise NotImplementedError("it is no power of x")


def _leading_exponential(near: Any, x: sp.Symbol) -> Any:
    """What multiplies the highest power of an exponential that goes to infinity as x goes to 0.

    All exponentials that go to zero or to infinity must be rational powers of one of them.
    """
    ends = {part: sp.limit(part.args[0], x, 0, "+") for part in near.atoms(sp.exp) if part.has(x)}
    moving = [part for part, end in ends.items() if end.is_infinite]
    if not moving:
        return near
    unit = moving[0].args[0] * (1 if ends[moving[0]] == sp.oo else -1)
    powers = {part: sp.cancel(part.args[0] / unit) for part in moving}
    whole = lcm(*(int(power.q) for power in powers.values()))
    growing = sp.Dummy("E", positive=True)
    ratio = near.xreplace({part: growing ** (whole * power) for part, power in powers.items()})
    numerator, denominator = (sp.Poly(part, growing) for part in sp.fraction(sp.together(ratio)))
    return numerator.LC() / denominator.LC()


def _first_finite(near: Any, x: sp.Symbol) -> Any:
    """The limit of an expression as x goes to 0, divided by the power of x that makes it finite."""
    for power in _POWERS:
        found = algebra.limit(near / x**power, x, sp.Integer(0), "+")
        if found.is_finite and not found.is_zero:
            return found
    raise NotImplementedError("no power of x makes it finite")


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


def _unsigned(expressions: Iterable[Any]) -> list[Any]:
    """The factors of the expressions that have no sign that algebra shows."""
    found: dict[Any, None] = {}
    for expression in dict.fromkeys(expressions):
        if expression.is_Rational or expression.is_finite is False or _nonzero(expression):
            continue
        if expression.is_number:  # of which algebra does not say whether it is zero
            if not _generic(expression):
                found[expression] = None
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
    if numerator.is_number and _nonzero(numerator):
        return []
    try:
        return [factor for factor, _ in sp.factor_list(numerator)[1]]
    except BasePolynomialError:
        return [expression]


def _where_zero(
    factor: Any, claim: Limit, domains: Domains
) -> Iterator[tuple[Change, frozenset[Any]]]:
    """What lets a factor vanish, in each of the ways in which it can, and factors then settled.

    Where it is not known how, nothing is changed, so that the factor stays.
    """
    zeros = _zeros(factor)
    if zeros is not None:
        symbol, values = zeros
        for value in values:
            if _may_be(value, _domain(symbol, domains)):
                yield _put_in(symbol, value), frozenset()
                if isinstance(symbol, GroupSymbol) and _averaged(symbol, claim):
                    # The other groups are those in which the factor is not zero.
                    yield _put_in_one_group(symbol, value), frozenset({factor})
    elif not _nowhere_zero(factor, domains):
        names = _with_a_name(factor)
        yield lambda expression: expression.xreplace(names), frozenset()


def _averaged(symbol: GroupSymbol, claim: Limit) -> bool:
    """Whether a claim holds an expectation over a quantity of the population."""
    means = (mean for expression in claim.expressions for mean in expression.atoms(Mean))
    return any(mean.has(symbol) for mean in means)


def _holds_after(
    change: Change,
    claim: Limit,
    domains: Domains,
    given: Mapping[sp.Symbol, Any],
    settled: frozenset[Any],
    depth: int,
) -> bool:
    """Whether algebra shows the limit with a number put in, if it has a meaning there.

    What is put in may let other factors vanish, at special values of the other symbols too.
    """
    inside = {symbol: change(value) for symbol, value in given.items()}
    if not all(_may_be(value, domains[symbol]) for symbol, value in inside.items()):
        return True
    there = claim.mapped(change)
    if there == claim:  # nothing is known to let the factor vanish
        return False
    if any(part.has(sp.zoo, sp.nan) for part in there.expressions):
        return True
    if there.exactly().holds is not True:
        return False
    return _unproved(there, domains, inside, settled, depth + 1) is None


def _generic(factor: Any) -> bool:
    """Whether a factor is surely not zero for all values of its symbols.

    One that algebra does not bring to zero may be zero all the same: a root that is put into its
    own polynomial.  It is looked at where each symbol, and each expectation, has some number.
    """
    free = sorted(factor.atoms(Mean), key=str) + sorted(factor.atoms(sp.Symbol), key=str)
    numbers = {x: sp.Rational(2 * k + 3, 2 * k + 5) for k, x in enumerate(free)}
    with suppress(Exception):  # SymPy raises errors of many kinds where it finds no number
        return bool(abs(sp.N(factor.xreplace(numbers), _DIGITS)) > _LEAST)
    return False


def _domain(symbol: sp.Symbol, domains: Domains) -> Domain:
    """The domain of a symbol; of one that stands for a part of an expression, by its sign."""
    return domains.get(symbol, POSITIVE if symbol.is_positive else REAL)


def _zeros(factor: Any) -> tuple[sp.Symbol, list[Any]] | None:
    """A symbol, and all real values of it at which a factor is zero; None if they are not found.

    Only of polynomials is it known that all zeros are found.
    """
    used = factor.free_symbols | factor.atoms(GroupSymbol)
    symbols = sorted(used, key=lambda x: (not isinstance(x, GroupSymbol), str(x)))
    if sp.count_ops(factor) > _MOST_OPERATIONS:
        return None
    for symbol in symbols:
        if any(mean.has(symbol) for mean in factor.atoms(Mean)):
            continue
        values = _real_zeros(factor, symbol)
        if values is not None:
            return symbol, values
    return None


def _real_zeros(factor: Any, symbol: sp.Symbol) -> list[Any] | None:
    """All real zeros of a polynomial in a symbol; None if it is none, or they are not found."""
    if not factor.is_polynomial(symbol):
        return None
    polynomial = sp.Poly(factor, symbol)
    first = polynomial.LC()
    # Where the first coefficient is zero there are other zeros.
    if not (_nonzero(first) or algebra.sign(first) is not None):
        return None
    if all(x.is_Rational for x in polynomial.coeffs()):
        return list(dict.fromkeys(polynomial.real_roots()))
    roots = sp.roots(polynomial)
    found = [root for root in roots if root.is_real is not False]
    if sum(roots.values()) < polynomial.degree() or any(root.has(sp.I) for root in found):
        return None
    return found


def _nowhere_zero(factor: Any, domains: Domains) -> bool:
    """Whether enclosures show that a factor is zero nowhere in the domains of its symbols."""
    ends = {}
    for symbol in factor.atoms(sp.Symbol):
        domain = _domain(symbol, domains)
        ends[symbol] = (domain.low, domain.high)
    infinite = any(not end.is_finite for pair in ends.values() for end in pair)
    if infinite or factor.has(Mean, sp.Integral):
        return False
    box = {x: (Fraction(str(low)), Fraction(str(high))) for x, (low, high) in ends.items()}
    return over_boxes(factor**2, box, _BOXES, _BOX_BITS)[0] is None


def _with_a_name(factor: Any) -> dict[Any, Any]:
    """What lets a factor vanish that is a polynomial in a function of its symbols, if it is one.

    Of ``exp(a) - 5 a`` this is ``exp(a) = 5 a``.  Each function of the factor is taken for any
    number, so that where its zeros lie need not be known.
    """
    parts = sorted(_functions(factor), key=sp.default_sort_key)
    if any(part.has(GroupSymbol) for part in parts):  # it has a value in each group
        return {}
    names = {
        part: sp.Dummy("f", positive=True) if part.is_positive else sp.Dummy("f", real=True)
        for part in parts
    }
    for part, name in names.items():
        values = _real_zeros(factor.xreplace(names), name)
        if values is not None and len(values) == 1:
            return {**names, part: values[0]}
    return {}


def _functions(factor: Any) -> set[Any]:
    """The outermost parts that are no sums, products or whole powers, and no symbols."""
    if factor.is_Symbol or factor.is_number or isinstance(factor, Mean):
        return set()
    whole = factor.is_Pow and factor.exp.is_Integer and factor.exp > 0
    if factor.is_Add or factor.is_Mul or whole:
        return set().union(*map(_functions, factor.args))
    return {factor}


def _may_be(value: Any, domain: Domain) -> bool:
    """Whether a value is not shown to be outside a domain."""
    above, below = value - domain.low, domain.high - value
    for distance, included in ((above, domain.low_included), (below, domain.high_included)):
        if distance.is_extended_negative or algebra.sign(distance) == -1:
            return False
        if not included and algebra.vanishes(distance):
            return False
    return not (domain.whole and value.is_integer is False)


def _put_in(symbol: sp.Symbol, value: Any) -> Change:
    return lambda expression: expression.xreplace({symbol: value})


def _put_in_one_group(symbol: sp.Symbol, value: Any) -> Change:
    """What puts in a value of a quantity of the population in one of its groups alone.

    The other groups are any population, and the other quantities of this one are any numbers.
    """
    ratio = sp.Dummy("ratio", positive=True)
    others: dict[Any, Any] = {}

    def here(integrand: Any) -> Any:
        put_in = integrand.xreplace({symbol: value})
        for other in put_in.atoms(GroupSymbol):
            others.setdefault(other, sp.Dummy(other.name, **other.assumptions0))
        return put_in.xreplace(others)

    def mixed(mean: Any) -> Any:
        return (here(mean.integrand) + ratio * mean) / (1 + ratio)

    return lambda expression: expression.replace(lambda part: isinstance(part, Mean), mixed)
