"""Special values of the symbols, at which a limit that algebra found in general may differ.

SymPy takes symbols as generic: for x to infinity it finds that ``1/(1 + (a - 3)**2 x)`` tends to 0,
which is wrong at ``a = 3``.  A proof of a limit is therefore completed in three steps:

1. Find the factors, free of the variable x, that may change the limit where they vanish, such as
   ``(a - 3)**2`` (`_decisive_coefficients`).
2. Drop those that algebra shows to be positive everywhere, or negative everywhere
   (`_without_sign`).
3. Put each zero of the rest into the claim, ``a = 3``, and prove the limit again there
   (`_where_zero`, `_holds_after`).  New factors may then appear, up to a certain depth.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from math import lcm
from operator import methodcaller
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.polys.polyerrors import BasePolynomialError

from ..arithmetic.symbolic import GroupSymbol, Mean, within_means
from . import algebra
from .boxes import unproved as over_boxes
from .claims import Change, Limit
from .domains import POSITIVE, REAL, Domain
from .points import Domains

#: Factors with more operations are not factorised, and not solved for a symbol.
_MOST_OPERATIONS = 100
#: Powers of the distance x from the limit's point, one of which a sum of expectations should be
#: proportional to.
_POWERS = tuple(sp.Rational(k, 2) for k in range(-4, 5))
#: The recursion: a factor may vanish where another one does, and so on, to this depth.
_DEEPEST = 3
#: Digits to which an expression without symbols is evaluated, and the size from which it is surely
#: not zero.
_DIGITS, _SURELY_NONZERO = 50, sp.Rational(1, 10**30)
#: Boxes over which a factor is enclosed, at most, and their bits.
_BOXES, _BOX_BITS = 200, 64


def unproved(claim: Limit, domains: Domains, given: Mapping[sp.Symbol, Any]) -> Any:
    """A factor at whose zeros algebra does not show the limit; None if it shows it everywhere."""
    return _unproved(claim, domains, given, frozenset(), 0)


def _unproved(
    claim: Limit,
    domains: Domains,
    given: Mapping[sp.Symbol, Any],
    settled: frozenset[Any],
    depth: int,
) -> Any:
    """The recursion of `unproved`; `depth` counts the substitutions made so far.

    `settled` holds the factors at whose zeros the limit has been shown already.
    """
    if exponents := _exponents_without_sign(claim):
        return exponents[0]
    # An infinite limit may differ wherever a coefficient vanishes; a finite one only if it is in a
    # denominator or an argument.
    infinite = claim.value.is_finite is not True
    sought = [claim.expression]
    if not infinite:
        sought = list(_denominators_and_arguments(claim.expression, claim.variable))
    for factor in _without_sign(_decisive_coefficients(sought, claim)):
        if factor in settled:
            continue
        if depth == _DEEPEST or not _generic(factor):
            return factor
        # The limit must be shown again wherever this factor vanishes; then it is settled.
        for change, more in _where_zero(factor, claim, domains):
            if not _holds_after(change, claim, domains, given, settled | more, depth):
                return factor
        settled |= {factor}
    return None


def _exponents_without_sign(claim: Limit) -> list[Any]:
    """Exponents, or logarithms of bases, whose sign decides whether a power grows or vanishes.

    SymPy takes ``x**(a - 1)`` for growing, or for vanishing, without asking for the sign of
    ``a - 1``.  The limit may then be wrong for all ``a`` on one side of 1.
    """
    found = []
    for power in claim.expression.atoms(sp.Pow):
        base, exponent = power.args
        if base.has(claim.variable):
            deciding = exponent
        elif exponent.has(claim.variable):
            deciding = sp.log(base)
        else:
            continue
        known = deciding.is_number or not _parameters(deciding, claim)
        if not known and algebra.sign(deciding) is None:
            found.append(deciding)
    return sorted(found, key=sp.default_sort_key)


def _denominators_and_arguments(expression: Any, variable: sp.Symbol) -> Iterator[Any]:
    """The denominators of an expression, and the arguments of its functions.

    The rest is a polynomial in them.  If a polynomial has a finite limit for generic coefficients,
    it has the same limit, with the coefficients put in, where some of them vanish.
    """
    if not expression.has(variable):
        return
    if expression.is_Pow:
        base, exponent = expression.args
        polynomial = exponent.is_Integer and exponent > 0
        if polynomial:
            yield from _denominators_and_arguments(base, variable)
        else:
            # The logarithm of a base without the variable has a sign: see above.
            yield from (part for part in (base, exponent) if part.has(variable))
    elif isinstance(expression, sp.Add | sp.Mul | Mean):
        for part in expression.args:
            yield from _denominators_and_arguments(part, variable)
    elif expression.is_Function:
        yield from expression.args
    else:  # an integral or a sum that algebra leaves as it is
        yield expression


def _decisive_coefficients(parts: Iterable[Any], claim: Limit) -> Iterator[Any]:
    """The coefficients in some parts that may change a limit where they vanish.

    In a sum that goes to its limit with the variable these are the coefficients of its terms and
    the coefficient of its leading term; in a product, the factor free of the variable.
    """
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
                yield node  # nothing is known of its zeros: it is a factor itself


def _parameters(expression: Any, claim: Limit) -> set[Any]:
    """The symbols of an expression whose special values may change a limit."""
    return (expression.free_symbols | expression.atoms(GroupSymbol)) - {claim.variable}


def _leading(total: Any, claim: Limit) -> Any:
    """The coefficient of the leading term of a sum: the one that outgrows the others at the limit.

    Where it vanishes another term leads, and the limit may differ.  The sum itself is returned if
    no leading term is found: then nothing is known about where it vanishes.
    """
    x, near = algebra.moved_to_zero(total, claim.variable, claim.point, claim.side)
    with suppress(Exception):  # SymPy raises errors of many kinds where it finds none
        return _leading_at_zero(_leading_exponential(near, x), x)
    return total


def _leading_at_zero(near: Any, x: sp.Symbol) -> Any:
    """The coefficient of the lowest power of x, which leads as x goes to 0 from above."""
    ratio = sp.together(near)
    if ratio.is_rational_function(x):
        numerator, denominator = (sp.Poly(part, x) for part in sp.fraction(ratio))
        # EC is the coefficient of the lowest power.  The product vanishes where either does.
        return numerator.EC() * denominator.EC()
    if near.has(Mean):
        return _first_finite_ratio(near, x)
    coefficient, power = near.leadterm(x)
    if power.is_number and not coefficient.has(x):
        return coefficient
    raise NotImplementedError("it is no power of x")


def _leading_exponential(near: Any, x: sp.Symbol) -> Any:
    """The coefficient of the highest power of a growing exponential, as x goes to 0 from above.

    All exponentials that go to 0 or to infinity must be rational powers of one of them, E: then the
    expression is a ratio of polynomials in a root of E, and E outgrows every power of x.  Without
    such exponentials it is the expression itself.
    """
    ends = {part: sp.limit(part.args[0], x, 0, "+") for part in near.atoms(sp.exp) if part.has(x)}
    moving = [part for part, end in ends.items() if end.is_infinite]
    if not moving:
        return near
    # The exponent of E: that of one of the exponentials, with the sign that makes E grow.
    unit = moving[0].args[0] * (1 if ends[moving[0]] == sp.oo else -1)
    powers = {part: sp.cancel(part.args[0] / unit) for part in moving}
    denominator = lcm(*(int(power.q) for power in powers.values()))
    growing = sp.Dummy("E", positive=True)  # E**(1/denominator)
    ratio = near.xreplace(
        {part: growing ** (denominator * power) for part, power in powers.items()}
    )
    above, below = (sp.Poly(part, growing) for part in sp.fraction(sp.together(ratio)))
    return above.LC() / below.LC()


def _first_finite_ratio(near: Any, x: sp.Symbol) -> Any:
    """The limit of ``near / x**p`` as x goes to 0, for the first p that makes it finite, not 0."""
    for power in _POWERS:
        found = algebra.limit(near / x**power, x, sp.Integer(0), "+")
        if found.is_finite and not found.is_zero:
            return found
    raise NotImplementedError("no power of x makes it finite")


def _coefficients(total: Any, variable: sp.Symbol) -> Iterator[Any]:
    """The coefficients of the distinct functions of the variable in a sum, and its constant."""
    found: dict[Any, Any] = {}
    for term in sp.Add.make_args(sp.expand(total)):
        coefficient, power = term.as_independent(variable, as_Add=False)
        found[power] = found.get(power, sp.Integer(0)) + coefficient
    yield from found.values()


def _of_one_sign(total: Any) -> bool:
    """Whether all terms of a sum are known to have the same sign, so that they do not cancel."""
    return all(x.is_nonnegative for x in total.args) or all(x.is_nonpositive for x in total.args)


def _without_sign(expressions: Iterable[Any]) -> list[Any]:
    """The factors of some expressions that may vanish: algebra does not show their sign."""
    found: dict[Any, None] = {}
    for expression in dict.fromkeys(expressions):
        if expression.is_Rational or expression.is_finite is False or _nonzero(expression):
            continue
        if expression.is_number:  # SymPy does not decide whether it is zero
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
    """The factors of the numerator of an expression, each once."""
    if sp.count_ops(expression) > _MOST_OPERATIONS:
        return [expression]
    numerator = sp.fraction(sp.together(expression))[0]
    if numerator.is_number and _nonzero(numerator):
        return []
    try:
        # Zeros of the denominator make the expression infinite, not zero.
        return [factor for factor, _ in sp.factor_list(numerator)[1]]
    except BasePolynomialError:
        return [expression]


def _where_zero(
    factor: Any, claim: Limit, domains: Domains
) -> Iterator[tuple[Change, frozenset[Any]]]:
    """The substitutions that make a factor vanish, each with the factors that it settles.

    A factor in a quantity of the population may vanish in all groups or in some of them; the second
    substitution is for a population of which one group has the zero, and settles the factor for the
    other groups.  If no zeros are found, the substitution changes nothing, and `_holds_after` then
    fails.
    """
    zeros = _zeros(factor)
    if zeros is not None:
        symbol, values = zeros
        for value in values:
            if _may_be(value, _domain(symbol, domains)):
                yield _substituted(symbol, value), frozenset()
                if isinstance(symbol, GroupSymbol) and _averaged(symbol, claim):
                    # In the other groups the factor is not zero.
                    yield _substituted_in_one_group(symbol, value), frozenset({factor})
    elif not _nowhere_zero(factor, domains):
        names = _function_solved_for(factor)
        yield lambda expression: expression.xreplace(names), frozenset()


def _averaged(symbol: GroupSymbol, claim: Limit) -> bool:
    """Whether a claim takes an expectation over a quantity of the population."""
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
    """Whether algebra shows the limit after a substitution that makes a factor vanish.

    A claim without a meaning there (a determined symbol leaves its domain, a term is infinite)
    counts as shown.  After the substitution further factors may vanish, so the search goes on.
    """
    inside = {symbol: change(value) for symbol, value in given.items()}
    if not all(_may_be(value, domains[symbol]) for symbol, value in inside.items()):
        return True
    there = claim.mapped(change)
    if there == claim:  # the substitution changes nothing: the zeros are not known
        return False
    if any(part.has(sp.zoo, sp.nan) for part in there.expressions):
        return True
    if there.exactly().holds is not True:
        return False
    return _unproved(there, domains, inside, settled, depth + 1) is None


def _generic(factor: Any) -> bool:
    """Whether a factor is surely not identical to zero.

    An expression may be zero although SymPy does not simplify it to 0, as a polynomial with its own
    root put in.  Therefore it is evaluated at one point, with an arbitrary rational number for each
    symbol and each expectation.
    """
    free = sorted(factor.atoms(Mean), key=str) + sorted(factor.atoms(sp.Symbol), key=str)
    numbers = {x: sp.Rational(2 * k + 3, 2 * k + 5) for k, x in enumerate(free)}
    with suppress(Exception):  # SymPy raises errors of many kinds where it finds no number
        return bool(abs(sp.N(factor.xreplace(numbers), _DIGITS)) > _SURELY_NONZERO)
    return False


def _domain(symbol: sp.Symbol, domains: Domains) -> Domain:
    """The domain of a symbol; for a symbol of this module that replaces a part, by its sign."""
    return domains.get(symbol, POSITIVE if symbol.is_positive else REAL)


def _zeros(factor: Any) -> tuple[sp.Symbol, list[Any]] | None:
    """A symbol, and all its real values at which a factor is zero; None if they are not found.

    The factor must be a polynomial in the symbol: only then all zeros are known to be found.
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
    """All real zeros of a polynomial in a symbol; None if it is none, or some are missing."""
    if not factor.is_polynomial(symbol):
        return None
    polynomial = sp.Poly(factor, symbol)
    first = polynomial.LC()
    # Where the leading coefficient vanishes the polynomial has other zeros, so it must not.
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
    """Whether enclosures show that a factor vanishes nowhere in the domains of its symbols."""
    ends = {}
    for symbol in factor.atoms(sp.Symbol):
        domain = _domain(symbol, domains)
        ends[symbol] = (domain.low, domain.high)
    infinite = any(not end.is_finite for pair in ends.values() for end in pair)
    if infinite or factor.has(Mean, sp.Integral):
        return False
    # The square is positive exactly where the factor is not zero.
    box = {x: (Fraction(str(low)), Fraction(str(high))) for x, (low, high) in ends.items()}
    return over_boxes(factor**2, box, _BOXES, _BOX_BITS)[0] is None


def _function_solved_for(factor: Any) -> dict[Any, Any]:
    """A substitution for a function in a factor, such as ``exp(a)``, that makes the factor vanish.

    The zeros of ``exp(a) - 5 a`` cannot be written down, but at each of them ``exp(a) = 5 a``.
    This is substituted, and the limit is shown for any a, which is more than is needed.  The other
    functions of the factor become symbols.  Empty if no such substitution is found.
    """
    parts = sorted(_functions(factor), key=sp.default_sort_key)
    if any(part.has(GroupSymbol) for part in parts):  # a function with another value in each group
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
    """The outermost functions in a factor, which is a polynomial in them and in symbols."""
    if factor.is_Symbol or factor.is_number or isinstance(factor, Mean):
        return set()
    integer_power = factor.is_Pow and factor.exp.is_Integer and factor.exp > 0
    if factor.is_Add or factor.is_Mul or integer_power:
        return set().union(*map(_functions, factor.args))
    return {factor}


def _may_be(value: Any, domain: Domain) -> bool:
    """Whether a value may lie in a domain: algebra does not show that it lies outside."""
    above, below = value - domain.low, domain.high - value
    for distance, included in ((above, domain.low_included), (below, domain.high_included)):
        if distance.is_extended_negative or algebra.sign(distance) == -1:
            return False
        if not included and algebra.vanishes(distance):
            return False
    return not (domain.whole and value.is_integer is False)


def _substituted(symbol: sp.Symbol, value: Any) -> Change:
    put_in = methodcaller("xreplace", {symbol: value})
    return lambda expression: within_means(expression, put_in)


def _substituted_in_one_group(symbol: sp.Symbol, value: Any) -> Change:
    r"""The substitution of a value for a quantity of the population, in one group alone.

    With `ratio` (:math:`\rho`), the weight of the other groups over that of this one, an
    expectation becomes :math:`E[f] \to (f_1 + \rho E[f])/(1 + \rho)`: in :math:`f_1` the quantity
    has the value, and each other quantity of the group is a new symbol; E is over the other groups.
    """
    ratio = sp.Dummy("ratio", positive=True)
    others: dict[Any, Any] = {}

    def here(integrand: Any) -> Any:
        with_value = integrand.xreplace({symbol: value})
        for other in with_value.atoms(GroupSymbol):
            others.setdefault(other, sp.Dummy(other.name, **other.assumptions0))
        return with_value.xreplace(others)

    def mixed(mean: Any) -> Any:
        return (here(mean.integrand) + ratio * mean) / (1 + ratio)

    return lambda expression: expression.replace(lambda part: isinstance(part, Mean), mixed)
