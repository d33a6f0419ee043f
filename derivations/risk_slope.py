r"""Slope of the pruned risk in the fraction of weights kept."""

from fractions import Fraction

import sympy as sp

from asymptotics.arithmetic.symbolic import SYMBOLIC
from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Inputs,
    Less,
    Limit,
    Mean,
    UniqueRoot,
)
from asymptotics.theory import Channel
from asymptotics.theory.risk import pruned_risk
from asymptotics.theory.rules import WeightRule
from asymptotics.theory.truncated_gaussian import Threshold

derivation = Derivation(
    "Slope of the pruned risk",
    r"""A trained model is pruned to the fraction $\alpha$ of its weights of largest score
    $\Lambda^q|X|$. Keeping a weight of value $X$ takes its gain $\Lambda(2XE[B|X]-X^2)$ off the
    risk of predicting 0. As $\alpha$ grows, the weights that are added are those at the threshold
    $t$: the risk falls at the rate of their mean gain. In a group of features $X\sim N(am,v_x)$
    and $E[B|X]=m+c(X-am)$.""",
    source="derived here",
)
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
alpha = derivation.symbol("alpha", UNIT, "fraction of the weights kept")
t = derivation.symbol("t", POSITIVE, "threshold of the score")
q = derivation.symbol("q", REAL, "exponent of the rule")
d = derivation.symbol("d", POSITIVE, "weights dropped for each one kept")
epsilon = derivation.symbol("epsilon", UNIT, "a fraction")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
m = derivation.random("m", REAL, "mean of the coefficients of a group")
s = derivation.random("s", POSITIVE, "their standard deviation")
a = derivation.random("a", UNIT, r"shrinkage, $\Lambda/(\Lambda+\tau)$")
v = derivation.random("v", POSITIVE, r"noise of a weight, $\gamma\kappa\Lambda/(\Lambda+\tau)^2$")
v_x = derivation.random("v_x", POSITIVE, "variance of the weights of a group, $a^2s^2+v$")
c = derivation.random("c", POSITIVE, "slope of the regression of $B$ on $X$, $as^2/v_x$")
M = derivation.random("M", POSITIVE, "a mean that is positive")
centred = {m: sp.Integer(0), q: sp.Rational(1, 2)}


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def tail(x):
    return sp.erfc(x / sp.sqrt(2)) / 2


T = derivation.define("T", t / Lambda**q, "the size of a weight at the threshold")
u = derivation.define("u", (T - a * m) / sp.sqrt(v_x), "the upper cut in standard units")
l = derivation.define("l", (T + a * m) / sp.sqrt(v_x), "the lower one, with its sign changed")
P = derivation.define("P", tail(u) + tail(l), "the share kept of a group")
phi_u = derivation.define("phi_u", density(u), "the normal density at the upper cut")
phi_l = derivation.define("phi_l", density(l), "the normal density at the lower cut")
f_u = derivation.define(
    "f_u", phi_u / (sp.sqrt(v_x) * Lambda**q), "the density of scores of positive weights"
)
f_l = derivation.define("f_l", phi_l / (sp.sqrt(v_x) * Lambda**q), "that of negative weights")
derivation.step(
    "Weights at the threshold",
    Equal(sp.Derivative(Mean(P), t), -Mean(f_u + f_l)),
    r"As the threshold rises, weights are lost at the density of the score.",
    Exactly(),
)
derivation.step(
    "Fewer weights above a higher threshold",
    Less(sp.Derivative(Mean(P), t), sp.Integer(0)),
    "A normal density is nowhere 0.",
    Exactly(),
)
derivation.step(
    "One threshold",
    UniqueRoot(Mean(P) - alpha, t, 0, sp.oo),
    r"The fraction kept falls from 1 to 0: there is one threshold for each $\alpha$, and by the "
    r"implicit function theorem it is a smooth function of $\alpha$, of slope $1/E[P]'$.",
    Exactly(),
    given={alpha: 1 / (1 + d)},
)
M_1 = sp.sqrt(v_x) * (phi_u - phi_l)
M_2 = v_x * (P + u * phi_u + l * phi_l)
X_kept = derivation.define("X_kept", M_1 + a * m * P, r"$E[X;\,kept]$")
XX_kept = derivation.define("XX_kept", M_2 + 2 * a * m * M_1 + (a * m) ** 2 * P, r"$E[X^2;\,kept]$")
R = derivation.define(
    "R",
    sigma**2
    + Mean(Lambda * (m**2 + s**2))
    - Mean(Lambda * (2 * (m - c * a * m) * X_kept + (2 * c - 1) * XX_kept)),
    r"the pruned risk, $\sigma^2+E[\Lambda B^2]-E[\Lambda(2BX-X^2);\,kept]$",
)
g_u = derivation.define(
    "g_u", Lambda * (2 * T * (m + c * (T - a * m)) - T**2), "the gain of the weight $T$"
)
g_l = derivation.define(
    "g_l", Lambda * (-2 * T * (m - c * (T + a * m)) - T**2), "the gain of the weight $-T$"
)
derivation.step(
    "Risk lost at the threshold",
    Equal(sp.Derivative(R, t), Mean(f_u * g_u + f_l * g_l)),
    "Each weight that is lost as the threshold rises takes its gain with it.",
    Exactly(),
)
S = derivation.define(
    "S",
    -Mean(f_u * g_u + f_l * g_l) / Mean(f_u + f_l),
    r"the mean gain at the threshold with its sign changed, $-E[\Lambda(2BX-X^2)|score=t]$",
)
derivation.step(
    "Slope of the risk",
    Equal(sp.Derivative(R, t) / sp.Derivative(Mean(P), t), S),
    r"The chain rule: this is $dR/d\alpha$, at the channel of a trained model. So where the best "
    r"fraction is neither 0 nor 1, the weights at the threshold have no gain on average.",
    Exactly(),
)
derivation.step(
    "The first weights pruned",
    Limit(S, t, 0, 0),
    r"As $\alpha\to1$ the slope vanishes: weights near 0 neither help nor hurt.",
    Exactly(),
)
derivation.step(
    "Coefficients of mean 0",
    Equal(S, t**2 * Mean((1 - 2 * c) * f_u) / Mean(f_u)),
    r"There $E[B|X]=cX$. With covariance scaling, $q=1/2$, all weights at the threshold have "
    r"$\Lambda X^2=t^2$, and gain $(2c-1)t^2$: more weights are worth keeping where $c>1/2$ on "
    r"average.",
    Exactly(),
    given=centred,
)
derivation.step(
    "The first of these pruned",
    Limit(
        S / t**2,
        t,
        0,
        Mean((1 - 2 * c) / sp.sqrt(Lambda * v_x)) / Mean(1 / sp.sqrt(Lambda * v_x)),
    ),
    r"Pruning a few weights lowers the risk where this is positive: where $c<1/2$, on the average "
    r"in which each group counts by its density of scores at 0.",
    Exactly(),
    given=centred,
)
regression = {c: a * s**2 / (a**2 * s**2 + v), v_x: a**2 * s**2 + v}


def pruned(inputs, rule, noise, cut):
    """What the code computes of the model pruned by the rule at a threshold."""
    groups = inputs.groups(Lambda, mean=m, std=s)
    channel = Channel(*groups, *map(inputs, (a, 1 - a, v)))
    at = Threshold(inputs(0), inputs(cut), inputs(0))
    return pruned_risk(channel, inputs(noise), rule, at, inputs.arithmetic)


def quotient(inputs):
    """Of differences between two thresholds that are close to each other."""
    step = sp.Integer(10) ** (-inputs.arithmetic.digits // 4)
    below, above = (
        pruned(inputs, WeightRule(Fraction(1, 2)), 1, t * (1 + sign * step)) for sign in (-1, 1)
    )
    return (above.risk - below.risk) / (above.kept - below.kept)


def derivative(inputs, part):
    """Of a part of what the code computes: of the expression that it makes of symbols."""
    code = pruned(Inputs({}, SYMBOLIC, inputs.resolve), WeightRule(0), sigma, t)
    return inputs(sp.diff(SYMBOLIC.array(getattr(code, part)).item(), t))


derivation.step(
    "The code's risk, with covariance scaling",
    Computed(S, pruned_risk, quotient),
    r"The quotient of the differences of $R$ and $\alpha$ between two close thresholds, not far in "
    r"the tail, where digits would be lost.",
    AtPoints(number=30, digits=120),
    given=centred | regression | {t: epsilon / Mean(1 / sp.sqrt(Lambda * (a**2 * s**2 + v)))},
)
derivation.step(
    "The code's fraction kept, by magnitude",
    Computed(-Mean(f_u + f_l), pruned_risk, lambda inputs: derivative(inputs, "kept")),
    "Its derivative in $t$: the code, run on symbols, makes the expression to differentiate.",
    Exactly(),
    given=regression | {m: M, q: sp.Integer(0)},
)
derivation.step(
    "The code's risk, by magnitude",
    Computed(Mean(f_u * g_u + f_l * g_l), pruned_risk, lambda inputs: derivative(inputs, "risk")),
    "Likewise; the slope is the quotient of the two.",
    Exactly(),
    given=regression | {m: M, q: sp.Integer(0)},
)
