r"""The formulas as symbols: what the code of :mod:`asymptotics.theory` says, evaluated on symbols.

Nothing is typed here that the theory computes: expressions come from its functions in symbolic
arithmetic, closed forms from solving its equations, derivatives from implicit differentiation,
limits from series.  Needs the extra ``asymptotics[symbolic]``.

>>> print(formula("effective-ridge-isotropic").text())
tau = kappa - 1
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.numpy import SciPyPrinter

from .arithmetic import Array
from .arithmetic.symbolic import SYMBOLIC, WEIGHT, GroupSymbol, Mean
from .errors import unknown_name
from .population import Groups
from .theory import COVARIANCE, MAGNITUDE, Channel, Rule, Threshold, pruned_risk
from .theory.fixed_point import effective_ridge_balance, noise_level

#: Two sides of an equation, and what is defined apart.
Parts = tuple[Any, Any, dict[sp.Symbol, Any]]

KAPPA, SIGMA, RIDGE, TAU, GAMMA, T = sp.symbols("kappa sigma r tau gamma t", positive=True)
ALPHA = sp.Symbol("alpha", positive=True)
#: Eigenvalue, mean and standard deviation of the coefficients, in each group of features.
EIGENVALUE, MEAN, STD = (GroupSymbol(name, positive=True) for name in ("Lambda", "m", "s"))
#: Shrinkage and noise of a trained weight, in each group.
SHRINKAGE, NOISE = (GroupSymbol(name, positive=True) for name in ("a", "v"))
_HASTIE = "Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560"
_LI = "Li, Sattar, Thrampoulidis, Oymak, arXiv 2006.10903"


@dataclass(frozen=True)
class Formula:
    """An equation ``left = right`` between symbols, with what it holds for."""

    name: str
    title: str
    left: Any
    right: Any
    regime: str
    source: str
    #: Quantities of the right-hand side that are defined apart.
    where: Mapping[sp.Symbol, Any]

    @property
    def equation(self) -> sp.Eq:
        return sp.Eq(self.left, self.right, evaluate=False)

    @property
    def expression(self) -> Any:
        """The right-hand side, or of an equation to solve left minus right, all written out."""
        expression = self.left - self.right if self.is_implicit else self.right
        for symbol, value in reversed(list(self.where.items())):
            expression = expression.xreplace({symbol: value})
        return expression

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Symbols that it depends on; those of groups last, their weight first."""
        symbols = self.expression.atoms(sp.Symbol)
        single = sorted((x for x in symbols if not isinstance(x, GroupSymbol)), key=str)
        groups = sorted((x for x in symbols if isinstance(x, GroupSymbol)), key=str)
        return (
            *single,
            *([WEIGHT] if self.expression.has(Mean) else []),
            *(x for x in groups if x != WEIGHT),
        )

    @property
    def is_implicit(self) -> bool:
        """Whether it is an equation to be solved, rather than the value of its left-hand side."""
        return self.name in _IMPLICIT

    def latex(self) -> str:
        """The formula in LaTeX, with definitions."""
        lines = [f"{sp.latex(self.left)} = {sp.latex(self.right)}"]
        lines += [f"{sp.latex(x)} = {sp.latex(y)}" for x, y in self.where.items()]
        return r",\quad ".join(lines)

    def text(self) -> str:
        """The formula on a line, definitions below it."""
        lines = [f"{self.left} = {self.right}"]
        return "\n".join(lines + [f"where {x} = {y}" for x, y in self.where.items()])

    def markdown(self) -> str:
        """The formula with its title, regime and source, formulas in LaTeX."""
        head = f"**{self.title}** ({self.regime})"
        return f"{head}\n\n$$\n{self.latex()}\n$$\n\nSource: {self.source}.\n"

    def python(self) -> str:
        """A Python function of the symbols; of an equation to solve, left minus right.

        Quantities of groups, `w` (the weights) among them, are arrays with an entry per group.
        """
        printer = _Printer({"fully_qualified_modules": True})
        name = self.name.replace("-", "_")
        arguments = ", ".join(map(str, self.parameters))
        body = [f"    {x} = {printer.doprint(y)}" for x, y in self.where.items()]
        value = self.left - self.right if self.is_implicit else self.right
        result = f"    return {printer.doprint(value)}"
        imports = [f"import {module}" for module in sorted({"numpy", *printer.module_imports})]
        said = f'    """{self.title}: {self.regime}."""'
        head = f"def {name}({arguments}):"
        return "\n".join([*imports, "", "", head, said, *body, result, ""])


class _Printer(SciPyPrinter):  # type: ignore[misc]  # SymPy has no types
    """NumPy and SciPy; an expectation is a sum over groups."""

    def _print_Mean(self, mean: Mean) -> str:  # noqa: N802
        return f"numpy.sum({WEIGHT} * ({self._print(mean.integrand)}))"


def titles() -> dict[str, str]:
    """The names of all formulas, with what they are and hold for."""
    return {name: f"{entry.title} ({entry.regime})" for name, entry in _CATALOGUE.items()}


@cache
def formula(name: str) -> Formula:
    """A formula by its name; raises `InvalidInput` for one that is not known."""
    if name not in _CATALOGUE:
        raise unknown_name("formula", name, _CATALOGUE)
    entry = _CATALOGUE[name]
    left, right, where = entry.build()
    return Formula(name, entry.title, left, right, entry.regime, entry.source, where)


# -- the theory on symbols -------------------------------------------------------------------


def _array(*expressions: Any) -> Array:
    return np.array(expressions, dtype=object)


_POPULATION = Groups(_array(WEIGHT), _array(EIGENVALUE), _array(MEAN), _array(STD))


def _point(expression: Any) -> Array:
    return np.array(expression, dtype=object)


def _single(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def balance(groups: Groups = _POPULATION, ridge: Any = RIDGE) -> Any:
    """The ratio that is 1 at the effective ridge."""
    tau, kappa, ridge, excess = map(_point, (TAU, KAPPA, sp.S(ridge), sp.Integer(-1)))
    return _single(effective_ridge_balance(tau, kappa, ridge, excess, groups, SYMBOLIC)[0])


def level(groups: Groups = _POPULATION, tau: Any = TAU, ridge: Any = RIDGE) -> Any:
    """The noise level, in a form that does not need the equation of tau to hold."""
    tau, kappa, sigma, ridge, excess = (_point(sp.S(x)) for x in (tau, KAPPA, SIGMA, ridge, 1))
    return _single(noise_level(tau, kappa, sigma, ridge, excess, groups, SYMBOLIC))


def _least_squares(groups: Groups = _POPULATION) -> Any:
    """The noise level at tau = 0, with one minus kappa in place of a negative excess."""
    rest = sp.Symbol("e", positive=True)
    zero, kappa, sigma, excess = (_point(sp.S(x)) for x in (0, KAPPA, SIGMA, -rest))
    value = noise_level(zero, kappa, sigma, zero, excess, groups, SYMBOLIC)
    return _single(value).subs(rest, 1 - KAPPA)


def _channel() -> Channel:
    columns = (WEIGHT, EIGENVALUE, MEAN, STD, SHRINKAGE, 1 - SHRINKAGE, NOISE)
    return Channel(*map(_array, columns))


_CHANNEL = {
    SHRINKAGE: EIGENVALUE / (EIGENVALUE + TAU),
    NOISE: GAMMA * KAPPA * EIGENVALUE / (EIGENVALUE + TAU) ** 2,
}


@cache
def _pruned(rule: Rule) -> tuple[Any, Any]:
    """Risk and kept fraction at a threshold, in terms of the channel."""
    threshold = Threshold(*(_point(sp.S(x)) for x in (0, T, 0)))
    parts = pruned_risk(_channel(), _point(SIGMA), rule, threshold, SYMBOLIC)
    return _single(parts.risk), _single(parts.kept)


#: Variance of a weight, and the threshold in units of its root from either side of zero.
_VARIANCE = GroupSymbol("V", positive=True)
_UPPER, _LOWER = (GroupSymbol(name, real=True) for name in ("u", "l"))


def _named(expression: Any, rule: Rule) -> tuple[Any, dict[sp.Symbol, Any]]:
    """An expression of the channel with its variance and cuts named, and what the names mean."""
    variance, center = SHRINKAGE**2 * STD**2 + NOISE, SHRINKAGE * MEAN
    cut = T if rule == MAGNITUDE else T / sp.sqrt(EIGENVALUE)
    root = sp.sqrt(_VARIANCE)
    named = expression.subs(variance, _VARIANCE)
    named = named.subs(center / root + cut / root, _LOWER).subs(cut - center, _UPPER * root)
    where = {
        _VARIANCE: variance,
        _UPPER: (cut - center) / root,
        _LOWER: (cut + center) / root,
    }
    return named, where


def _of_rule(left: Any, rule: Rule, index: int) -> Parts:
    """Risk or kept fraction of a rule, in terms of the channel."""
    named, where = _named(_pruned(rule)[index], rule)
    return left, named, {**_CHANNEL, **where}


def _one_group(eigenvalue: Any = 1) -> Groups:
    b = sp.Symbol("b", positive=True)
    return Groups(*(_array(sp.S(x)) for x in (1, eigenvalue, 0, b)))


def _positive_root(equation: Any, point: Mapping[sp.Symbol, Any]) -> Any:
    """The root in tau that is positive at a point of the regime."""
    roots = sp.solve(sp.numer(sp.together(equation)), TAU)
    return next(sp.simplify(root) for root in roots if root.subs(point) > 0)


def _isotropic(ridge: Any) -> Any:
    return _positive_root(balance(_one_group(), ridge) - 1, {KAPPA: 3, RIDGE: 1})


def _two_eigenvalues() -> Any:
    weight, first, second = sp.symbols("w_1 Lambda_1 Lambda_2", positive=True)
    columns = ((weight, 1 - weight), (first, second), (0, 0), (0, 0))
    groups = Groups(*(_array(*map(sp.S, column)) for column in columns))
    point = {KAPPA: 3, weight: sp.Rational(1, 2), first: 2, second: 1}
    return _positive_root(balance(groups, 0) - 1, point)


# -- derivatives -----------------------------------------------------------------------------


def _slopes(parameter: sp.Symbol) -> dict[sp.Symbol, Any]:
    """Derivatives of the effective ridge and the noise level, by the implicit function theorem."""
    equation = balance() - 1
    tau = -equation.diff(parameter) / equation.diff(TAU)
    gamma = level().diff(parameter) + level().diff(TAU) * tau
    return {TAU: tau, GAMMA: gamma}


def _slope_of(solution: sp.Symbol, parameter: sp.Symbol) -> Parts:
    """Derivative of the effective ridge, or of the noise level."""
    return sp.Derivative(solution, parameter), _slopes(parameter)[solution], {}


def _risk_slope(rule: Rule, parameter: sp.Symbol) -> tuple[Any, Any, dict[sp.Symbol, Any]]:
    """Derivative of the pruned risk, the threshold moving so that alpha is kept."""
    risk, kept = _pruned(rule)
    left = sp.Derivative(sp.Symbol("R"), parameter)
    if parameter == ALPHA:
        slope, named = _named(risk.diff(T) / kept.diff(T), rule)
        return left, slope, {**_CHANNEL, **named}
    tau, gamma = sp.symbols("tau_slope gamma_slope", real=True)
    rates = {x: GroupSymbol(f"{x}_slope", real=True) for x in (SHRINKAGE, NOISE)}
    slopes = _slopes(parameter)
    where = {tau: slopes[TAU], gamma: slopes[GAMMA], **_CHANNEL}
    for x, rate in rates.items():
        law = _CHANNEL[x]
        where[rate] = law.diff(TAU) * tau + law.diff(GAMMA) * gamma + law.diff(parameter)
    change, shift = (_along(part, parameter, rates) for part in (risk, kept))
    total, named = _named(change - risk.diff(T) * shift / kept.diff(T), rule)
    return left, total, {**where, **named}


def _along(expression: Any, parameter: sp.Symbol, rates: Mapping[sp.Symbol, Any]) -> Any:
    """The derivative of a sum of expectations, whose groups change at certain rates."""

    def of_groups(mean: Any) -> Any:
        return Mean(sum(mean.integrand.diff(x) * rate for x, rate in rates.items()))

    terms = sp.Add.make_args(expression)
    moved = [
        term.replace(lambda part: isinstance(part, Mean), of_groups)
        for term in terms
        if term.has(Mean)
    ]
    return expression.diff(parameter) + sum(moved)


# -- limits ----------------------------------------------------------------------------------


def _expanded(expression: Any, small: sp.Symbol, order: int) -> Any:
    """The expectations of an expression as polynomials in a small number."""

    def polynomial(mean: Any) -> Any:
        terms = sp.series(sp.together(mean.integrand), small, 0, order).removeO()
        return sp.expand(Mean(sp.expand(terms)))

    return expression.replace(lambda part: isinstance(part, Mean), polynomial)


def _leading(gamma: Any, parameter: Any, small: sp.Symbol, count: int) -> tuple[Any, Any]:
    """Coefficients of gamma in a parameter that vanishes with a small number, to first order.

    Both are functions of the small number; `count` more orders are carried than are needed.
    """
    gamma, parameter = (_expanded(x, small, count) for x in (gamma, parameter))
    rate = sp.limit(parameter / small, small, 0)
    value = sp.limit(gamma, small, 0)
    slope = sp.limit((gamma - value) / small, small, 0) / rate
    return sp.simplify(value), sp.simplify(slope)


_SMALL = sp.Symbol("epsilon", positive=True)
_RIDGELESS_KAPPA: Any = 1 / Mean(EIGENVALUE / (EIGENVALUE + TAU))


def _many_features() -> Any:
    """Ridgeless, kappa to infinity: tau is large with it."""
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, 1 / _SMALL)
    value, slope = _leading(gamma, 1 / _RIDGELESS_KAPPA.subs(TAU, 1 / _SMALL), _SMALL, 4)
    return value + slope / KAPPA


def _from_above() -> Any:
    """Ridgeless, kappa to 1 from above: tau vanishes with kappa - 1, gamma has a pole there."""
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs(TAU, _SMALL)
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    value, slope = _leading(gamma * excess, excess, _SMALL, 4)
    return value / (KAPPA - 1) + slope


def _from_above_without_noise() -> Any:
    gamma = level(ridge=0).subs(KAPPA, _RIDGELESS_KAPPA).subs({SIGMA: 0, TAU: _SMALL})
    excess = (_RIDGELESS_KAPPA - 1).subs(TAU, _SMALL)
    _, slope = _leading(gamma, excess, _SMALL, 4)
    return slope * (KAPPA - 1)


_RIDGE_OF_TAU = TAU * (1 - KAPPA * Mean(EIGENVALUE / (EIGENVALUE + TAU)))


def _small_ridge() -> Any:
    gamma = level().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, _SMALL)
    value, slope = _leading(gamma, _RIDGE_OF_TAU.subs(TAU, _SMALL), _SMALL, 4)
    return value + slope * RIDGE


def _large_ridge() -> Any:
    gamma = level().subs(RIDGE, _RIDGE_OF_TAU).subs(TAU, 1 / _SMALL)
    value, slope = _leading(gamma, 1 / _RIDGE_OF_TAU.subs(TAU, 1 / _SMALL), _SMALL, 5)
    return value + slope / RIDGE


# -- the catalogue ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    title: str
    regime: str
    source: str
    build: Callable[[], Parts]


def _value(left: Any, right: Callable[[], Any]) -> Callable[[], Parts]:
    return lambda: (left, right(), {})


_R = sp.Symbol("R")
_ANY = "any population, every eigenvalue positive"
_OVER = "no ridge, kappa > 1, every eigenvalue positive"
_NULL = SIGMA**2 + Mean(EIGENVALUE * (MEAN**2 + STD**2))
_IMPLICIT = {"effective-ridge", "threshold-magnitude", "threshold-covariance"}
_CATALOGUE = {
    "effective-ridge": _Entry(
        "Equation of the effective ridge", _ANY, _HASTIE, lambda: (balance(), sp.Integer(1), {})
    ),
    "effective-ridge-isotropic": _Entry(
        "Effective ridge of equal eigenvalues", "Λ = 1, no ridge, kappa > 1", _HASTIE,
        _value(TAU, lambda: _isotropic(0)),
    ),
    "effective-ridge-isotropic-ridge": _Entry(
        "Effective ridge of equal eigenvalues, with ridge", "Λ = 1", _HASTIE,
        _value(TAU, lambda: _isotropic(RIDGE)),
    ),
    "effective-ridge-two-eigenvalues": _Entry(
        "Effective ridge of two eigenvalues", "a fraction w_1 at Lambda_1, no ridge, kappa > 1",
        _HASTIE, _value(TAU, _two_eigenvalues),
    ),
    "noise-level": _Entry(
        "Noise level: the risk before pruning", _ANY + ", ridge or kappa > 1", _HASTIE,
        _value(GAMMA, level),
    ),
    "noise-level-least-squares": _Entry(
        "Noise level of least squares", "no ridge, kappa < 1", _HASTIE,
        _value(GAMMA, _least_squares),
    ),
    "noise-level-isotropic": _Entry(
        "Noise level of equal eigenvalues", "Λ = 1, E[B²] = b², no ridge, kappa > 1", _HASTIE,
        _value(GAMMA, lambda: sp.simplify(level(_one_group(), KAPPA - 1, 0))),
    ),
    "noise-level-isotropic-ridge": _Entry(
        "Noise level of equal eigenvalues, with ridge", "Λ = 1, E[B²] = b²", _HASTIE,
        _value(GAMMA, lambda: level(_one_group()).subs(TAU, _isotropic(RIDGE))),
    ),
    "shrinkage": _Entry(
        "Shrinkage of a trained weight", _ANY, _LI,
        _value(SHRINKAGE, lambda: _CHANNEL[SHRINKAGE]),
    ),
    "weight-noise": _Entry(
        "Variance of a trained weight given its coefficient", _ANY, _LI,
        _value(NOISE, lambda: _CHANNEL[NOISE]),
    ),
    "null-risk": _Entry(
        "Risk of the model that predicts zero", _ANY, _LI, _value(_R, lambda: _NULL)
    ),
    **{
        f"threshold-{rule}": _Entry(
            f"Equation of the threshold of {rule} pruning", _ANY, _LI,
            partial(_of_rule, ALPHA, rule, 1),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"pruned-risk-{rule}": _Entry(
            f"Risk after {rule} pruning", _ANY, _LI,
            partial(_of_rule, _R, rule, 0),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"effective-ridge-slope-{name}": _Entry(
            f"Derivative of the effective ridge in {name}", _ANY + ", ridge or kappa > 1",
            "implicit differentiation",
            partial(_slope_of, TAU, x),
        )
        for name, x in (("kappa", KAPPA), ("ridge", RIDGE))
    },
    **{
        f"noise-level-slope-{name}": _Entry(
            f"Derivative of the noise level in {name}", _ANY + ", ridge or kappa > 1",
            "implicit differentiation",
            partial(_slope_of, GAMMA, x),
        )
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("ridge", RIDGE))
    },
    **{
        f"pruned-risk-slope-{name}-{rule}": _Entry(
            f"Derivative of the risk after {rule} pruning in {name}",
            _ANY + ", ridge or kappa > 1", "implicit differentiation",
            partial(_risk_slope, rule, x),
        )
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("alpha", ALPHA), ("ridge", RIDGE))
        for rule in (MAGNITUDE, COVARIANCE)
    },
    "limit-kappa-0": _Entry(
        "Noise level of few features", "kappa → 0, with ridge", "derived here",
        _value(GAMMA, lambda: level(tau=RIDGE).subs(KAPPA, 0)),
    ),
    "limit-kappa-1-below": _Entry(
        "Noise level below the interpolation threshold", "no ridge, kappa → 1 from below: exact",
        _HASTIE, _value(GAMMA, _least_squares),
    ),
    "limit-kappa-1-above": _Entry(
        "Noise level above the interpolation threshold",
        "no ridge, kappa → 1 from above, up to terms that vanish", "derived here",
        _value(GAMMA, _from_above),
    ),
    "limit-kappa-1-above-without-noise": _Entry(
        "Noise level above the interpolation threshold, without noise",
        "no ridge, sigma = 0, kappa → 1 from above, to first order", "derived here",
        _value(GAMMA, _from_above_without_noise),
    ),
    "limit-kappa-infinity": _Entry(
        "Noise level of many features", "no ridge, kappa → ∞, to first order in 1/kappa",
        "derived here", _value(GAMMA, _many_features),
    ),
    "limit-sigma-0": _Entry(
        "Noise level without noise", _OVER + ", sigma = 0", "derived here",
        _value(GAMMA, lambda: level(ridge=0).subs(SIGMA, 0)),
    ),
    "limit-sigma-infinity": _Entry(
        "Noise level of much noise", _ANY + ", sigma → ∞: the leading term", "derived here",
        _value(GAMMA, lambda: SIGMA * level().diff(SIGMA) / 2),
    ),
    "limit-ridge-0": _Entry(
        "Noise level of a small ridge", "kappa < 1, r → 0, to first order", "derived here",
        _value(GAMMA, _small_ridge),
    ),
    "limit-ridge-infinity": _Entry(
        "Noise level of a large ridge", "r → ∞, to first order in 1/r", "derived here",
        _value(GAMMA, _large_ridge),
    ),
    "limit-alpha-0": _Entry(
        "Risk with hardly a weight kept",
        "alpha → 0; what is missing falls faster than any power of the threshold",
        "derived here", _value(_R, lambda: _NULL),
    ),
    "limit-alpha-1": _Entry(
        "Risk with all weights kept", "alpha → 1", "derived here",
        lambda: (_R, GAMMA, {GAMMA: level()}),
    ),
}  # fmt: skip
