"""Claims whose numbers mislead: values that converge slowly, or in which almost all cancels.

Each true claim stands for one that a careless check calls false, each false one for one that it
lets pass: false at the end of a domain, at a single number, by a part in 10^30, or in a limit that
is approached too slowly to see.
"""

import sympy as sp

from asymptotics.derivation import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    AtMost,
    Claim,
    Derivation,
    Equal,
    Less,
    Limit,
    Mean,
    UniqueRoot,
    between,
    integers_from,
)

d = Derivation("Hard claims", "", source="", untied="a test")
x = d.symbol("x", POSITIVE, "what goes to a limit")
p = d.symbol("p", POSITIVE, "a positive number")
q = d.symbol("q", POSITIVE, "another")
a = d.symbol("a", NONNEGATIVE, "a number that may be 0")
y = d.symbol("y", REAL, "a real number")
u = d.symbol("u", UNIT, "a part")
c = d.symbol("c", between(0, 1, True, True), "a part that may be none or all")
n = d.symbol("n", integers_from(0), "a count")
h = d.normal("h")
log, sqrt, exp, oo, R = sp.log, sp.sqrt, sp.exp, sp.oo, sp.Rational
tiny, small = R(1, 10**30), R(1, 1000)
zero, one = sp.Integer(0), sp.Integer(1)


def at_infinity(expression, value) -> Limit:
    return Limit(expression, x, oo, sp.sympify(value))


def at_zero(expression, value) -> Limit:
    return Limit(expression, x, 0, sp.sympify(value))


TRUE: dict[str, Claim] = {
    # Slow.
    "1/log": at_infinity(1 / log(x), 0),
    "log 2x / log x": at_infinity(log(2 * x) / log(x), 1),
    "a tenth root": at_infinity(x ** R(-1, 10), 0),
    "a hundredth root": at_infinity(x ** R(-1, 100), 0),
    "roots of logarithms": Limit(sqrt(log(1 / u)) / sqrt(log(2 / u)), u, 0, one),
    "log log": at_infinity(1 / log(log(x + 3)), 0),
    "growth of log": at_infinity(log(x), oo),
    "growth of log log": at_infinity(log(log(x + 3)), oo),
    "log of a power": at_infinity(log(x**3 + 1) / log(x), 3),
    "log + 1/1000": at_infinity(1 / log(x) + small, small),
    "root of log": at_infinity(1 / sqrt(log(x + 2)), 0),
    "x log x": at_zero(x * log(x), 0),
    "x to the x": at_zero(x**x, 1),
    "log near 0": at_zero(1 / log(1 / x), 0),
    "a power times log": at_infinity(log(x) ** 5 / x, 0),
    "a slow parameter": at_infinity(p / log(x), 0),
    "a power of the log": at_infinity(log(x) ** (-p), 0),
    # Cancelling.
    "erfc scaled": at_infinity(x * exp(x**2 / 2) * sp.erfc(x / sqrt(2)), sqrt(2 / sp.pi)),
    "cosh - 1": at_infinity(x**2 * (sp.cosh(1 / x) - 1), R(1, 2)),
    "root expanded": at_infinity(x**3 * (sqrt(x**2 + 1) - x - 1 / (2 * x)), R(-1, 8)),
    "1 - cos": at_zero((1 - sp.cos(x)) / x**2, R(1, 2)),
    "x - sin": at_zero((x - sp.sin(x)) / x**3, R(1, 6)),
    "exp - 1 - x": at_zero((exp(x) - 1 - x) / x**2, R(1, 2)),
    "log1p": at_zero(log(1 + x) / x, 1),
    "tan - sin": at_zero((sp.tan(x) - sp.sin(x)) / x**3, R(1, 2)),
    "differences of roots": at_infinity(sqrt(x**2 + x) - x, R(1, 2)),
    "compound interest": at_infinity((1 + p / x) ** x, exp(p)),
    "atan": at_infinity(x * (sp.pi / 2 - sp.atan(x)), 1),
    "difference quotient": at_zero(((p + x) ** 3 - p**3) / x, 3 * p**2),
    "erf near 0": at_zero(sp.erf(x) / x, 2 / sqrt(sp.pi)),
    "second difference": at_zero((exp(x) + exp(-x) - 2) / x**2, 1),
    "a limit below a large number": at_infinity(10**40 + 1 / x, 10**40),
    "threshold": at_infinity(1 / (1 + x * exp(-(p**2))), 0),
    "far threshold": at_infinity(x / (x + exp(p)), 1),
    "a logistic": at_infinity(1 / (1 + exp(-p * x)), 1),
    "at an end": Limit(1 / (1 + a + 1 / x), x, oo, 1 / (1 + a)),
    "from below": Limit((1 - u**3) / (1 - u), u, 1, sp.Integer(3), "-"),
    "to minus infinity": at_zero(log(x), -oo),
    "infinite of any order": at_zero(x ** R(-1, 7), oo),
    "below any digits": at_infinity(exp(-x), 0),
    # Equalities.
    "a cancelling identity": Equal(sp.sin(y) ** 2 + sp.cos(y) ** 2, 1),
    "cosh": Equal(sp.cosh(p), (exp(p) + exp(-p)) / 2),
    "large and equal": Equal((p + 10**40) ** 2 - 10**80, p**2 + 2 * p * 10**40),
    "roots that nest": Equal(sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)),
    "a sum of exponentials": Equal(exp(p + q), exp(p) * exp(q)),
    "tanh": Equal(sp.tanh(p), sp.sinh(p) / sp.cosh(p)),
    "golden": Equal(((1 + sqrt(5)) / 2) ** 2, (3 + sqrt(5)) / 2),
    "tails": Equal(sp.erfc(-y), 2 - sp.erfc(y)),
    "Machin": Equal(4 * sp.atan(R(1, 5)) - sp.atan(R(1, 239)), sp.pi / 4),
    # Expectations that stay integrals, of which there are no enclosures.
    "an expectation": Equal(Mean(1 / (1 + h**2)), sqrt(sp.pi * sp.E / 2) * sp.erfc(1 / sqrt(2))),
    "a kink": Equal(
        Mean(sp.Abs(h - p)),
        p * sp.erf(p / sqrt(2)) + sqrt(2 / sp.pi) * exp(-(p**2) / 2),
    ),
    # Inequalities.
    "a tail": Less(1 - exp(-p), 1),
    "by a part in 10^30": Less(p, p * (1 + tiny)),
    "equality at a point": AtMost(2 * y, 1 + y**2),
    "equality along a line": AtMost(2 * p * q, p**2 + q**2),
    "equality at an end": AtMost(a, 2 * a),
    "tanh below 1": Less(sp.tanh(p), 1),
    "log below": AtMost(log(p), p - 1),
    "a sine": AtMost(sp.sin(p), p),
    "a square": AtMost(0, (y - 3) ** 2),
    "an exponential": Less(1 + p, exp(p)),
    # Roots.
    "a root": UniqueRoot(x - 1, x, 0, oo),
    "a root near an end": UniqueRoot(x - R(1, 10**20), x, 0, 1),
    "a root far away": UniqueRoot(x - 10**40, x, 0, oo),
    "a root of a logarithm": UniqueRoot(log(x) - 3, x, 0, oo),
    "a root of any size": UniqueRoot(x - exp(p), x, 0, oo),
    "a root on a plateau": UniqueRoot(sp.tanh(x) - R(1, 2), x, 0, oo),
    "a root with a parameter": UniqueRoot(p / x + q / (1 + x) - 1, x, 0, oo),
}  # fmt: skip

FALSE: dict[str, Claim] = {
    # At the end of a domain, or at one number.
    "at an end": at_infinity(1 / (1 + a * x), 0),
    "at an end, slowly": at_infinity(1 / (1 + a * log(x + 2)), 0),
    "at both ends": at_infinity(1 / (1 + c * (1 - c) * x), 0),
    "at the lower end": at_infinity(c * x, oo),
    "at the upper end": at_infinity((1 - c) * x, oo),
    "at 3": at_infinity(1 / (1 + (y - 3) ** 2 * x), 0),
    "at 7/5": at_infinity(1 / (1 + (5 * y - 7) ** 2 * x), 0),
    "at 0": at_infinity(y / (y + 1 / x), 1),
    "at -2": at_infinity((y + 2) / (y + 2 + 1 / x), 1),
    "at a count of 0": at_infinity(x**n, oo),
    "a power that may be 0": at_infinity(x ** (-a), 0),
    "where two are one": at_infinity((p - q) / (p - q + 1 / x), 1),
    "less, but at 0": Less(0, sp.atan(n)),
    "less, but at an end": Less(a, 2 * a),
    "less, but at the upper end": Less(c**2, c),
    "less, but at 3": Less(0, (y - 3) ** 2),
    "equal, but at an end": Equal(sp.Max(a, 1), sp.Max(a, 1) + sp.Abs(1 - c) * 0 + (1 - c)),
    "an inequality at an end": AtMost(1, 2 - c**4 - c),
    "a root that an end has not": UniqueRoot(a * x + x / (1 + x) - 2, x, 0, oo),
    "a sign at an end": Less(0, a + c),
    # By little.
    "a limit by 10^-30": at_infinity(1 / x + tiny, 0),
    "a limit by 10^-200": at_infinity(1 / x + R(1, 10**200), 0),
    "a limit by a part in 10^30": at_infinity(p * (1 + tiny) + 1 / x, p),
    "a limit by a millionth": at_infinity(1 / x + R(1, 10**6), 0),
    "a root's limit by 10^-30": at_infinity(x ** R(-1, 2) + tiny, 0),
    "equal by a part in 10^30": Equal(p * (1 + tiny), p),
    "equal by one beside 10^40": Equal(p + 10**40, p + 10**40 + 1),
    "a small number for 0": Equal(exp(-p - 100), 0),
    "twice a small number": Equal(exp(-p - 100), 2 * exp(-p - 100)),
    "at most by a part in 10^30": AtMost(p * (1 + tiny), p),
    "less by a part in 10^30": Less(p * (1 + tiny), p),
    "pi": Equal(sp.pi, R(355, 113)),
    "pi to many digits": Equal(sp.pi, R(31415926535897932384626433832795, 10**31)),
    "nearly an integer": Equal(exp(sp.pi * sqrt(163)), 262537412640768744),
    "a bound below by little": Less(sp.erfc(p), 1 - tiny - p),
    "an expectation by a part in 10^12": Equal(
        Mean(1 / (1 + h**2)), (1 + R(1, 10**12)) * sqrt(sp.pi * sp.E / 2) * sp.erfc(1 / sqrt(2))
    ),
    # Slow.
    "log + 1/1000": at_infinity(1 / log(x) + small, 0),
    "log + 10^-9": at_infinity(1 / log(x) + R(1, 10**9), 0),
    "log log + 1/1000": at_infinity(1 / log(log(x + 3)) + small, 0),
    "ratio of logs": at_infinity(log(x**2) / log(x), 1),
    "a bounded log": at_infinity(1 / (1 / log(x) + small), oo),
    "a tenth root and more": at_infinity(x ** R(-1, 10) + small, 0),
    "growth that ends": at_infinity(log(x) / (1 + log(x)), oo),
    "log at zero": at_zero(1 / log(1 / x) + small, 0),
    "a slow ratio": Limit(sqrt(log(1 / u)) / sqrt(log(2 / u**2)), u, 0, one),
    # Plainly.
    "a wrong constant": at_infinity(x**2 * (sp.cosh(1 / x) - 1), R(1, 3)),
    "a wrong expansion": at_infinity(x**3 * (sqrt(x**2 + 1) - x - 1 / (2 * x)), R(1, 8)),
    "a wrong tail": at_infinity(x * exp(x**2 / 2) * sp.erfc(x / sqrt(2)), 1),
    "a wrong side": Limit(1 / (1 - x), x, 1, oo, "+"),
    "finite for infinite": at_infinity(p + 1 / x, oo),
    "infinite for finite": at_infinity(x, p),
    "what oscillates": at_infinity(sp.sin(x), 0),
    "what vanishes for infinite": at_infinity(1 / x, oo),
    "the other infinity": at_infinity(-x, oo),
    "a sine for its argument": Equal(sp.sin(p), p),
    "a square root": Equal(sqrt(y**2), y),
    "a sum squared": Equal((p + q) ** 2, p**2 + q**2),
    "less where it is more": Less(p**2, p),
    "at most almost everywhere": AtMost(2 * p * q, p**2 + R(99, 100) * q**2),
    "no root": UniqueRoot(1 + x, x, 0, oo),
    "no root before infinity": UniqueRoot(-1 - 1 / (1 + x), x, 0, oo),
    "a root that is never met": UniqueRoot(-1 / (1 + x), x, 0, oo),
    "two roots": UniqueRoot((x - 1) * (x - 3), x, 0, oo),
    "a root at the end": UniqueRoot(x, x, 0, 1),
    "a root beyond": UniqueRoot(x - 2, x, 0, 1),
    "a root of both signs": UniqueRoot(3 * y - sp.atan(1 / y), y, -1, 1),
    "poles": UniqueRoot(sp.tan(y), y, -1, 4),
}  # fmt: skip
