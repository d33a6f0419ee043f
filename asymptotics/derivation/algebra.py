"""What SymPy decides exactly: that an expression vanishes, its sign, its limit."""

from contextlib import suppress
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.polys.polyerrors import BasePolynomialError, PolynomialError

from ..arithmetic.symbolic import GroupSymbol, Mean

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
        # A quantity of the population outside an expectation is not the one inside it.
        if rest.has(Mean) or rest.has(GroupSymbol):
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


#: Functions that are continuous wherever they are defined for real numbers, and that is everywhere.
_SMOOTH = (
    sp.exp, sp.erf, sp.erfc, sp.sin, sp.cos, sp.atan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.Abs,
    sp.Add, sp.Mul, sp.Max, sp.Min, Mean,
)  # fmt: skip


def continuous(expression: Any, variable: sp.Symbol) -> bool:
    """Whether it is proved to be continuous in a variable, over all that is assumed of it."""
    if not expression.has(variable):
        return True
    if isinstance(expression, sp.Symbol):
        return True
    if isinstance(expression, sp.Pow):
        base, exponent = expression.args
        whole = exponent.is_integer and exponent.is_nonnegative
        root = sign(exponent) == 1 and nonnegative(base)
        defined = whole or root or sign(base) == 1 or (exponent.is_integer and sign(base) == -1)
    elif isinstance(expression, sp.log):
        defined = sign(expression.args[0]) == 1
    else:
        defined = isinstance(expression, _SMOOTH)
    return bool(defined) and all(continuous(part, variable) for part in expression.args)


#: Functions whose values stay bounded, and have no limit where their argument goes to infinity.
_BOUNDED_WAVES = (sp.sin, sp.cos)
#: Functions that are monotone from some number on: none oscillates where its argument goes to
#: infinity, or to minus infinity if it has real values there.
_STEADY = (
    sp.exp, sp.log, sp.LambertW, sp.erf, sp.erfc, sp.sinh, sp.cosh, sp.tanh, sp.coth,
    sp.asinh, sp.acosh, sp.atanh, sp.acoth, sp.atan, sp.acot, sp.Abs, sp.sign, sp.Heaviside, Mean,
    sp.Piecewise,
)  # fmt: skip
#: Functions that do not oscillate where their argument goes to infinity, but may where it goes to
#: minus infinity, where they have poles.
_STEADY_UPWARDS = (sp.gamma, sp.loggamma, sp.factorial, sp.harmonic, sp.polygamma)


def waves(expression: Any, variable: sp.Symbol, point: Any, side: str) -> list[Any]:
    """The parts of an expression that oscillate on the way to a limit, or are not shown not to.

    These are functions that are not known to be steady, such as sine and cosine, where an argument
    goes to no finite number; the gamma function, where it does not go up; and powers of a negative
    number.  An integral or a sum whose ends depend on the variable passes through waves of its own.
    """
    powers = [part for part in expression.atoms(sp.Pow) if part.exp.has(variable)]
    found = [part for part in powers if part.base.is_negative or part.has(sp.I)]
    found += [
        part
        for part in expression.atoms(sp.Function) - expression.atoms(*_STEADY)
        if part.has(variable) and not _settles(part, variable, point, side)
    ]
    found += [part for part in expression.atoms(sp.exp) if part.has(variable) and part.has(sp.I)]
    found += [
        part
        for part in expression.atoms(ExprWithLimits)
        if variable in sp.Tuple(*part.limits).free_symbols and _may_wave(part.function)
    ]
    return sorted(found, key=sp.default_sort_key)


def _may_wave(function: Any) -> bool:
    """Whether a function holds anything that may oscillate in any of its variables."""
    powers = function.atoms(sp.Pow)
    negative = any(part.base.is_negative and not part.exp.is_number for part in powers)
    steady = function.atoms(*_STEADY)
    steady |= {x for x in function.atoms(*_STEADY_UPWARDS) if sign(x.args[-1]) == 1}
    return negative or function.has(sp.I) or bool(function.atoms(sp.Function) - steady)


def _settles(wave: Any, variable: sp.Symbol, point: Any, side: str) -> bool:
    """Whether the arguments of a wave go to finite numbers, or to infinity without waves."""
    try:
        moving = (part for part in wave.args if part.has(variable))
        ends = [limit(part, variable, point, side) for part in moving]
    except Exception:  # SymPy raises errors of many kinds where it finds no limit
        return False
    to_infinity = ends == [sp.oo] and isinstance(wave, _STEADY_UPWARDS)
    return bool(to_infinity or all(end.is_finite for end in ends))


def _limit_of_waves(
    expression: Any, found: list[Any], variable: sp.Symbol, point: Any, side: str
) -> Any:
    """The limit of a ratio of polynomials in sines and cosines whose terms with these vanish.

    A sine or a cosine may have any value from -1 to 1 at each place on the way, so the terms they
    are factors of must vanish beside the others for all such values.
    """
    missing = NotImplementedError("what oscillates is not shown to vanish")
    if expression.has(Mean) or not all(isinstance(wave, _BOUNDED_WAVES) for wave in found):
        raise missing
    names = {wave: sp.Dummy("s", real=True) for wave in found}
    ratio = sp.together(expression.xreplace(names))
    try:
        above, below = (_by_waves(part, list(names.values())) for part in sp.fraction(ratio))
    except BasePolynomialError:
        raise missing from None

    def tends(part: Any) -> Any:
        return limit(part, variable, point, side)

    (steady_above, moving_above), (steady_below, moving_below) = above, below
    if steady_below == 0 or any(tends(part / steady_below) != 0 for part in moving_below):
        raise missing
    end = tends(steady_above / steady_below)
    beside = steady_above if end.is_infinite else steady_below
    if any(tends(part / beside) != 0 for part in moving_above):
        raise missing
    return end


def _by_waves(part: Any, names: list[sp.Symbol]) -> tuple[Any, list[Any]]:
    """The term of a polynomial that is free of waves, and the coefficients of the others."""
    terms = sp.Poly(part, *names).as_dict()
    steady = terms.pop((0,) * len(names), sp.Integer(0))
    if steady.has(*names) or any(other.has(*names) for other in terms.values()):
        raise PolynomialError("a coefficient oscillates")
    return steady, list(terms.values())


#: Terms of an expansion that are tried.
_ORDERS = (1, 2, 3, 4)


def limit(expression: Any, variable: sp.Symbol, point: Any, side: str) -> Any:
    """The limit of an expression, for any population.

    Each expectation is expanded about the point: its moments, and the remainder, are symbols of
    their own, and the limit must not depend on a remainder.  What oscillates has a limit where it
    is shown to vanish.
    """
    if found := waves(expression, variable, point, side):
        return _limit_of_waves(expression, found, variable, point, side)
    if not expression.has(Mean):
        return sp.limit(expression, variable, point, side)
    x, near = moved_to_zero(expression, variable, point, side)
    with suppress(NotImplementedError):
        return _termwise(near, x)
    for order in _ORDERS:
        expanded = _expanded_limit(near, x, order)
        if expanded is not None:
            return expanded
    raise NotImplementedError("the limit depends on a remainder")


def moved_to_zero(
    expression: Any, variable: sp.Symbol, point: Any, side: str
) -> tuple[sp.Symbol, Any]:
    """A positive symbol, and the expression as a function of it that nears its limit at zero."""
    x = sp.Dummy("x", positive=True)
    if point in (sp.oo, -sp.oo):
        return x, expression.subs(variable, 1 / x if point == sp.oo else -1 / x)
    return x, expression.subs(variable, point + x if side == "+" else point - x)


def _termwise(near: Any, x: sp.Symbol) -> Any:
    """The limit of a sum of expectations whose factors do not depend on x, term by term."""
    terms = []
    for term in sp.Add.make_args(sp.expand(near)):
        means = [part for part in sp.Mul.make_args(term) if isinstance(part, Mean)]
        rest = term / means[0] if means else term
        if rest.has(Mean) or (means and rest.has(x)):
            raise NotImplementedError("not a sum of expectations")
        terms.append((rest, means[0].integrand if means else None))
    total = sp.Integer(0)
    for rest, integrand in terms:
        inner = sp.limit(rest if integrand is None else integrand, x, 0, "+")
        if integrand is not None and inner.is_finite is False:
            raise NotImplementedError("an infinite expectation")
        total += inner if integrand is None else rest * Mean(inner)
    if total.has(sp.nan, sp.zoo):
        raise NotImplementedError("infinite terms cancel")
    return total


def _expanded_limit(near: Any, x: sp.Symbol, order: int) -> Any:
    moments: dict[Any, sp.Symbol] = {}
    remainders: set[sp.Symbol] = set()

    def moment(mean: Any) -> Any:
        if not mean.has(Mean):
            return mean
        symbol = moments.get(mean)
        if symbol is None:
            sure = {"positive": True} if mean.is_positive else {"real": True}
            symbol = moments[mean] = sp.Dummy("m", **sure)
        return symbol

    def named(expression: Any) -> Any:
        return expression.replace(lambda part: isinstance(part, Mean), moment)

    def expanded(mean: Any) -> Any:
        if not mean.has(x):
            return named(mean)
        terms = sp.series(sp.together(mean.integrand), x, 0, order).removeO()
        if terms.has(sp.Order):
            raise NotImplementedError("a term has no expansion")
        rest = sp.Dummy("R", real=True)
        remainders.add(rest)
        return named(Mean(sp.expand(terms))) + rest * x**order

    found = sp.limit(near.replace(lambda part: isinstance(part, Mean), expanded), x, 0, "+")
    if found.free_symbols & remainders or found.has(sp.nan, sp.zoo):
        return None
    return found.xreplace({symbol: mean for mean, symbol in moments.items()})
