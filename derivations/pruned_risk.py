r"""Risk of the pruned model in closed form."""

from fractions import Fraction

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    WEIGHT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
    UniqueRoot,
)
from asymptotics.theory import Channel, threshold
from asymptotics.theory.risk import kept_share, pruned_risk
from asymptotics.theory.rules import WeightRule
from asymptotics.theory.truncated_gaussian import Threshold

derivation = Derivation(
    "Risk of the pruned model",
    r"""A weight whose score $\Lambda^q|X|$ exceeds the threshold $t$ is kept, and costs
    $\Lambda(B-X)^2$; any other is set to 0, and costs $\Lambda B^2$. In a group of features
    $B = m + sG$ and $X = aB + \sqrt v\,H$, with independent standard normals $G$ and $H$; the
    shrinkage $a$ and the noise $v$ are those of the channel. All that the rule sees of $B$ is $X$:
    with $B$ regressed on $X$, the risk needs no more than truncated moments of $X$.""",
    source="Li et al., arXiv 2006.10903, Theorem 1; the closed form: derived here",
)
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
alpha = derivation.symbol("alpha", UNIT, "fraction of the weights kept")
t = derivation.symbol("t", POSITIVE, "threshold of the score")
q = derivation.symbol("q", REAL, "exponent of the rule")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
m = derivation.random("m", REAL, "mean of the coefficients of a group")
s = derivation.random("s", POSITIVE, "their standard deviation")
a = derivation.random("a", UNIT, r"shrinkage, $\Lambda/(\Lambda+\tau)$")
v = derivation.random("v", POSITIVE, r"noise of a weight, $\gamma\kappa\Lambda/(\Lambda+\tau)^2$")
v_x = derivation.random("v_x", POSITIVE, "variance of the weights of a group")
c = derivation.random("c", POSITIVE, "slope of the regression of $B$ on $X$")
u = derivation.random("u", REAL, "upper cut in standard units")
l = derivation.random("l", REAL, "lower cut in standard units, with its sign changed")
d = derivation.symbol("d", POSITIVE, "weights dropped for each one kept")
M = derivation.random("M", POSITIVE, "a mean that is positive")
z = derivation.symbol("z", REAL, "the weight in standard units, a standard normal variable")
W = derivation.normal("W")
variance = {v_x: a**2 * s**2 + v}
regression = {c: a * s**2 / (a**2 * s**2 + v), **variance}


def cuts(exponent, mean=m):
    """The cuts at the threshold of the rule."""
    value, spread = t / Lambda**exponent, sp.sqrt(a**2 * s**2 + v)
    return {u: (value - a * mean) / spread, l: (value + a * mean) / spread}


G = derivation.define("G", (a * s * z + sp.sqrt(v) * W) / sp.sqrt(v_x), "the coefficient's normal")
H = derivation.define("H", (sp.sqrt(v) * z - a * s * W) / sp.sqrt(v_x), "the channel's normal")
derivation.step(
    "Other normal variables",
    Equal(G**2 + H**2, z**2 + W**2),
    r"The map preserves lengths: $G$ and $H$ are independent standard normals as $z$ and $W$ are.",
    Exactly(),
    given=variance,
)
B = derivation.define("B", m + s * G, "the coefficient")
X = derivation.define("X", a * B + sp.sqrt(v) * H, "the trained weight")
derivation.step(
    "The weight is one of them",
    Equal(X, a * m + sp.sqrt(v_x) * z),
    r"So $X\sim N(\mu_x,v_x)$ with $\mu_x = am$, and $W$ is independent of it.",
    Exactly(),
    given=variance,
)
derivation.step(
    "The coefficient, given the weight",
    Equal(B, m + c * (X - a * m) + s * sp.sqrt(1 - c * a) * W),
    r"Its regression: $E[B|X] = m + c(X-\mu_x)$, and what $X$ leaves unknown of $B$ has the "
    r"variance $s^2(1-ca)$.",
    Exactly(),
    given=regression,
)
delta = derivation.define("delta", (1 - a) * m, r"the bias of a weight, $m\tau/(\Lambda+\tau)$")
e_given = derivation.define(
    "e_X",
    (delta - (1 - c) * sp.sqrt(v_x) * z) ** 2 + s**2 * (1 - c * a),
    "the mean square of the error $B-X$, given $X$",
)
b_given = derivation.define(
    "b_X",
    (m + c * sp.sqrt(v_x) * z) ** 2 + s**2 * (1 - c * a),
    "the mean square of the coefficient, given $X$",
)
derivation.step(
    "Error of a weight, given the weight",
    Equal(Mean(Lambda * (B - X) ** 2), Mean(Lambda * e_given)),
    r"At any $z$, with the mean over $W$ taken: $B-X = \delta-(1-c)(X-\mu_x)+\dots$",
    Exactly(),
    given=regression,
)
derivation.step(
    "Signal of a weight, given the weight",
    Equal(Mean(Lambda * B**2), Mean(Lambda * b_given)),
    r"Likewise, at any $z$.",
    Exactly(),
    given=regression,
)


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def tail(x):
    return sp.erfc(x / sp.sqrt(2)) / 2


phi = derivation.define("phi", density(z), "the standard normal density")
phi_u = derivation.define("phi_u", density(u), "its value at the upper cut")
phi_l = derivation.define("phi_l", density(l), "its value at the lower cut")
P = derivation.define("P", tail(u) + tail(l), "the share kept of a group")
M_1 = derivation.define("M_1", sp.sqrt(v_x) * (phi_u - phi_l), r"$E[X-\mu_x;\,kept]$")
M_2 = derivation.define("M_2", v_x * (P + u * phi_u + l * phi_l), r"$E[(X-\mu_x)^2;\,kept]$")
e_kept = derivation.define(
    "e_kept",
    delta**2 * P - 2 * delta * (1 - c) * M_1 + (1 - c) ** 2 * M_2 + s**2 * (1 - c * a) * P,
    r"$E[(B-X)^2;\,kept]$",
)
b_dropped = derivation.define(
    "b_dropped",
    m**2 * (1 - P) - 2 * m * c * M_1 + c**2 * (v_x - M_2) + s**2 * (1 - c * a) * (1 - P),
    r"$E[B^2;\,dropped]$",
)
kept = sp.Integral(e_given * phi, (z, u, sp.oo)) + sp.Integral(e_given * phi, (z, -sp.oo, -l))
dropped = sp.Integral(b_given * phi, (z, -l, sp.oo)) - sp.Integral(b_given * phi, (z, u, sp.oo))
derivation.step(
    "Error of the weights kept",
    Equal(Mean(Lambda * kept), Mean(Lambda * e_kept)),
    r"The weights with $z>u$ or $z<-l$ are kept, and $e_X$ is a square: the moments are those of "
    r"a truncated normal law.",
    Exactly(),
)
derivation.step(
    "Signal of the weights dropped",
    Equal(Mean(Lambda * dropped), Mean(Lambda * b_dropped)),
    "The others lie between the cuts: beyond the lower one, but not beyond the upper one.",
    Exactly(),
)
R = derivation.define(
    "R", sigma**2 + Mean(Lambda * e_kept) + Mean(Lambda * b_dropped), "the pruned risk"
)
X_kept = derivation.define("X_kept", M_1 + a * m * P, r"$E[X;\,kept]$")
XX_kept = derivation.define("XX_kept", M_2 + 2 * a * m * M_1 + (a * m) ** 2 * P, r"$E[X^2;\,kept]$")
BX_kept = derivation.define(
    "BX_kept", (m - c * a * m) * X_kept + c * XX_kept, r"$E[BX;\,kept]$, by the regression"
)
g_kept = derivation.define("g_kept", 2 * BX_kept - XX_kept, r"$E[2BX-X^2;\,kept]$")
derivation.step(
    "As a difference from the null risk",
    Equal(R, sigma**2 + Mean(Lambda * (m**2 + s**2)) - Mean(Lambda * g_kept)),
    r"$(B-X)^2 = B^2 - (2BX-X^2)$: each weight kept takes its gain off the risk of predicting 0. "
    r"In floating point this form cancels where the error is small; the other does not.",
    Exactly(),
    given=regression,
)
derivation.step(
    "All weights kept",
    Equal(R, sigma**2 + Mean(Lambda * ((1 - a) ** 2 * (m**2 + s**2) + v))),
    r"At $t=0$ the cuts meet, $u=-l$, and the risk is that of the unpruned model, "
    r"$\sigma^2+E[\Lambda(X-B)^2]$.",
    Exactly(),
    given=regression | {u: -l},
)
derivation.step(
    "No weight kept",
    Limit(g_kept, u, sp.oo, 0),
    r"In each group the gain vanishes as the threshold rises: what stays is the null risk, "
    r"$\sigma^2+E[\Lambda B^2]$.",
    Exactly(),
    given={l: u + 2 * a * m / sp.sqrt(v_x)},
)
derivation.step(
    "One threshold",
    UniqueRoot(Mean(P) - alpha, t, 0, sp.oo),
    r"$P(\Lambda^q|X|>t)$ falls strictly from 1 to 0: one threshold keeps the fraction $\alpha$.",
    Exactly(),
    given=cuts(q) | {alpha: 1 / (1 + d)},
)


def law(inputs):
    """The channel of the groups."""
    columns = (WEIGHT, Lambda, m, s, a, 1 - a, v)
    return Channel(*map(inputs, columns))


def risk(inputs, rule):
    """The risk of the groups, pruned by the rule at the threshold, and its parts."""
    cut = Threshold(inputs(0), inputs(t), inputs(0))
    return pruned_risk(law(inputs), inputs(sigma), rule, cut, inputs.arithmetic)


def kept_at_threshold(inputs):
    """The fraction of all weights kept at the code's threshold for the fraction alpha."""
    rule, arithmetic = WeightRule(Fraction(1, 2)), inputs.arithmetic
    score = rule.score(law(inputs), arithmetic)
    cut = threshold(score, inputs(alpha), arithmetic)
    shares = kept_share(law(inputs), rule, cut, arithmetic)
    return arithmetic.sum(shares, score.weight)


derivation.step(
    "The code's threshold",
    Computed(alpha, threshold, kept_at_threshold),
    r"It keeps $\alpha$ of the weights: here by the covariance-scaled rule, $q=1/2$.",
    AtPoints(number=50, digits=30),
    given=variance | cuts(sp.Rational(1, 2)),
)
derivation.step(
    "The code's fraction kept",
    Computed(Mean(P), pruned_risk, lambda inputs: risk(inputs, WeightRule(0)).kept),
    "By magnitude, $q=0$.",
    Exactly(),
    given=regression | cuts(0, mean=M) | {m: M},
)
derivation.step(
    "The code's risk, by magnitude",
    Computed(R, pruned_risk, lambda inputs: risk(inputs, WeightRule(0)).risk),
    "What the package computes is what was derived; here where means are positive.",
    Exactly(),
    given=regression | cuts(0, mean=M) | {m: M},
)
derivation.step(
    "The code's risk, for means of the other sign",
    Computed(R, pruned_risk, lambda inputs: risk(inputs, WeightRule(0)).risk),
    r"The code takes means without their sign: $(-B,-X)$ costs what $(B,X)$ does.",
    Exactly(),
    given=regression | cuts(0, mean=-M) | {m: -M},
)
derivation.step(
    "The code's risk, with covariance scaling",
    Computed(R, pruned_risk, lambda inputs: risk(inputs, WeightRule(Fraction(1, 2))).risk),
    r"Now $q=1/2$.",
    AtPoints(number=40),
    given=regression | cuts(sp.Rational(1, 2)),
)
