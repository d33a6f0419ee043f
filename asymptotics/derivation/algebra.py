"""Decisions by SymPy's algebra: zeros, signs, continuity and limits of expressions."""

from contextlib import suppress
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.polys.polyerrors import BasePolynomialError, PolynomialError

from ..arithmetic.symbolic import GroupSymbol, Mean

#: Expressions with more operations are not simplified: it may take minutes.
_MOST_OPERATIONS = 300


def vanishes(expression: Any) -> bool:
    """Whether the expression is proved to be zero; False if it is not, or not decided."""
    # SymPy does not see that erf and erfc are related.
    expression = expression.doit().replace(sp.erf, lambda x: 1 - sp.erfc(x))
    if expression.has(Mean):
        return _mean_vanishes(expression)
    return any(form(expression) == 0 for form in (sp.expand, _rational, sp.gammasimp, _simplified))


def _simplified(expression: Any) -> Any:
    """The expression as `sympy.simplify` returns it, if it is small enough."""
    return sp.simplify(expression) if sp.count_ops(expression) < _MOST_OPERATIONS else expression


def _rational(expression: Any) -> Any:
    return sp.cancel(sp.together(sp.expand(expression)))


def _mean_vanishes(expression: Any) -> bool:
    """As `vanishes`, for an expression with expectations: these are compared by integrand."""
    if expression.is_zero or sp.expand(expression) == 0:
        return True
    constant, integrand = _merged(expression)
    if integrand is not None and not constant.has(Mean):
        return bool(vanishes(constant + integrand))
    # Products of expectations: each integrand is brought to one form, and the rest is rational in
    # the expectations.
    canonical = expression.replace(Mean, lambda f: sp.expand(Mean(_partial_fractions(f))))
    return bool(_rational(canonical) == 0)


def _merged(expression: Any) -> tuple[Any, Any]:
    """A constant c and an integrand f such that the expression is c + E[f].

    They exist if the expression is linear in expectations.  Otherwise the second is None.
    """
    constant, integrand = sp.Integer(0), sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(expression)):
        means = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, Mean)]
        rest = term / means[0] if means else term
        # A product of expectations is not linear.  A quantity of the population outside an
        # expectation is that of one group, and must not be moved inside.
        if rest.has(Mean) or rest.has(GroupSymbol):
            return expression, None
        if means:
            integrand += rest * means[0].integrand
        else:
            constant += term
    return constant, integrand


def _partial_fractions(integrand: Any) -> Any:
    """A rational integrand as partial fractions, so that equal integrands look the same."""
    for symbol in sorted(integrand.atoms(GroupSymbol), key=str):
        if integrand.is_rational_function(symbol):
            integrand = sp.apart(sp.together(integrand), symbol)
    return sp.expand(integrand)


def sign(expression: Any) -> int | None:
    """1 or -1 if the expression is proved to have this sign for all values of its symbols."""
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


#: Functions that are defined and continuous for all real numbers.
_SMOOTH = (
    sp.exp, sp.erf, sp.erfc, sp.sin, sp.cos, sp.atan, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.Abs,
    sp.Add, sp.Mul, sp.Max, sp.Min, Mean,
)  # fmt: skip


def continuous(expression: Any, variable: sp.Symbol) -> bool:
    """Whether an expression is proved to be continuous in a variable.

    The proof is for all values that the assumptions of the symbols allow: each function in the
    expression must be continuous for the values that its argument can take.
    """
    if not expression.has(variable):
        return True
    if isinstance(expression, sp.Symbol):
        return True
    if isinstance(expression, sp.Pow):
        base, exponent = expression.args
        polynomial = exponent.is_integer and exponent.is_nonnegative
        root = sign(exponent) == 1 and nonnegative(base)
        defined = (
            polynomial or root or sign(base) == 1 or (exponent.is_integer and sign(base) == -1)
        )
    elif isinstance(expression, sp.log):
        defined = sign(expression.args[0]) == 1
    else:
        defined = isinstance(expression, _SMOOTH)
    return bool(defined) and all(continuous(part, variable) for part in expression.args)


#: Functions that oscillate between -1 and 1 as their argument goes to infinity.
_BOUNDED_WAVES = (sp.sin, sp.cos)
#: Functions that are monotone from some number on, upwards, and downwards too if they are real
#: there: so they do not oscillate as their argument goes to plus or minus infinity.
_STEADY = (
    sp.exp, sp.log, sp.LambertW, sp.erf, sp.erfc, sp.sinh, sp.cosh, sp.tanh, sp.coth,
    sp.asinh, sp.acosh, sp.atanh, sp.acoth, sp.atan, sp.acot, sp.Abs, sp.sign, sp.Heaviside, Mean,
    sp.Piecewise,
)  # fmt: skip
#: Functions that are monotone towards plus infinity, but have poles towards minus infinity.
_STEADY_UPWARDS = (sp.gamma, sp.loggamma, sp.factorial, sp.harmonic, sp.polygamma)


def waves(expression: Any, variable: sp.Symbol, point: Any, side: str) -> list[Any]:
    """The parts of an expression that may oscillate as `variable` goes to `point`.

    They are called waves: functions not listed as steady, such as the sine, unless their arguments
    go to finite numbers; the gamma function, unless its argument goes to plus infinity; powers of a
    negative number; complex powers and exponentials; and integrals and sums with an oscillating
    function whose ends depend on the variable.  An empty list shows that nothing oscillates.
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
    """Whether a function contains a part that may oscillate in any of its variables."""
    powers = function.atoms(sp.Pow)
    negative = any(part.base.is_negative and not part.exp.is_number for part in powers)
    steady = function.atoms(*_STEADY)
    steady |= {x for x in function.atoms(*_STEADY_UPWARDS) if sign(x.args[-1]) == 1}
    return negative or function.has(sp.I) or bool(function.atoms(sp.Function) - steady)


def _settles(wave: Any, variable: sp.Symbol, point: Any, side: str) -> bool:
    """Whether the arguments of a function go to where it is steady: to finite numbers, mostly."""
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
    r"""The limit of an expression with waves, if these do not matter; else `NotImplementedError`.

    The expression must be a ratio of polynomials in sines and cosines.  With their products w,

    .. math:: \frac{u + \sum_i u_i w_i}{v + \sum_j v_j w_j}, \qquad |w| \le 1,

    it has the limit of u/v if every :math:`v_j / v` tends to 0, and so does every :math:`u_i / v`
    or, where u/v has an infinite limit, every :math:`u_i / u`.
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
    # In words: the waves below are negligible, then those above.
    if steady_below == 0 or any(tends(part / steady_below) != 0 for part in moving_below):
        raise missing
    end = tends(steady_above / steady_below)
    beside = steady_above if end.is_infinite else steady_below
    if any(tends(part / beside) != 0 for part in moving_above):
        raise missing
    return end


def _by_waves(part: Any, names: list[sp.Symbol]) -> tuple[Any, list[Any]]:
    """The term of a polynomial without waves, and the coefficients of the terms with waves."""
    terms = sp.Poly(part, *names).as_dict()
    steady = terms.pop((0,) * len(names), sp.Integer(0))
    if steady.has(*names) or any(other.has(*names) for other in terms.values()):
        raise PolynomialError("a coefficient oscillates")
    return steady, list(terms.values())


#: Numbers of terms with which an expansion is tried.
_ORDERS = (1, 2, 3, 4)


def limit(expression: Any, variable: sp.Symbol, point: Any, side: str) -> Any:
    """The limit of an expression as `variable` goes to `point`, for any population.

    `side` is "+" for a limit from above and "-" from below; at infinity it is not used.  Raises
    `NotImplementedError` if no limit is found.  SymPy may raise other errors.

    SymPy knows no limits of expectations.  In a sum of expectations with constant factors the limit
    is taken inside each expectation, since a population has finitely many groups.  Otherwise each
    integrand is expanded in powers of the distance x from the point, to order n: moments become
    symbols, the remainder is R x**n with a symbol R, and the limit must not depend on R.
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
    """A positive symbol x, and the expression as a function of it with its limit at x = 0."""
    x = sp.Dummy("x", positive=True)
    if point in (sp.oo, -sp.oo):
        return x, expression.subs(variable, 1 / x if point == sp.oo else -1 / x)
    return x, expression.subs(variable, point + x if side == "+" else point - x)


def _termwise(near: Any, x: sp.Symbol) -> Any:
    """The limit of a sum of expectations with constant factors, term by term."""
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
    """The limit at x = 0 with expectations expanded to `order` terms; None if that is too few."""
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

    # A limit with a remainder in it needs more terms; one with nan or zoo is none.
    found = sp.limit(near.replace(lambda part: isinstance(part, Mean), expanded), x, 0, "+")
    if found.free_symbols & remainders or found.has(sp.nan, sp.zoo):
        return None
    return found.xreplace({symbol: mean for mean, symbol in moments.items()})
