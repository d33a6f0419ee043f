r"""Limits of pruning: all weights kept, none kept, much noise, and weights kept at random."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    UNIT,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
)
from asymptotics.theory import MAGNITUDE, RANDOM, Channel, Threshold, pruned_risk

derivation = Derivation(
    "Limits of pruning",
    r"""Of one group, with $B\sim N(0,s^2)$ and $X=aB+\sqrt v\,H$ of variance $V$, the pruned risk
    is $\Lambda$ times an error if kept and $\Lambda B^2$ if dropped, at the threshold $T$ in units
    of $\sqrt V$; $c=as^2/V$ is the slope of $B$ on $X$. Other groups add up;
    the last steps have them all, with means $M$.""",
    source="Li, Sattar, Thrampoulidis, Oymak, arXiv 2006.10903; derived here",
)
a = derivation.symbol("a", POSITIVE, "shrinkage")
s = derivation.symbol("s", POSITIVE, "standard deviation of the coefficients")
v = derivation.symbol("v", POSITIVE, "noise of a trained weight")
T = derivation.symbol("T", POSITIVE, r"threshold over $\sqrt V$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
c0 = derivation.symbol("c_0", POSITIVE, "factor of a change of units")
alpha = derivation.symbol("alpha", UNIT, "fraction kept")
x = derivation.symbol("x", POSITIVE, "variable of integration")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue")
S = derivation.random("S", POSITIVE, "standard deviation of coefficients, in each group")
A = derivation.random("A", POSITIVE, "shrinkage, in each group")
N = derivation.random("N", POSITIVE, "noise, in each group")

V = derivation.define("V", a**2 * s**2 + v, "the variance of a weight")
c = derivation.define("c", a * s**2 / V, "the slope of the coefficient on the weight")
P = derivation.define("P", sp.erfc(T / sp.sqrt(2)), "the share kept")
phi = derivation.define("phi", sp.exp(-(T**2) / 2) / sp.sqrt(2 * sp.pi), "the density at $T$")
Q = derivation.define("Q", P + 2 * T * phi, r"$E[X^2;\,kept]/V$")
derivation.step(
    "Second moment of the weights kept",
    Equal(2 * sp.Integral(x**2 * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, T, sp.oo)), Q),
    "By parts.",
    Exactly(),
)
R = derivation.define(
    "R", s**2 - (2 * c - 1) * V * Q, "the excess risk of the group, over $\\Lambda$"
)
derivation.step(
    "Error kept and signal dropped",
    Equal(
        R,
        (1 - c) ** 2 * V * Q
        + s**2 * (1 - c * a) * P
        + c**2 * V * (1 - Q)
        + s**2 * (1 - c * a) * (1 - P),
    ),
    r"Given $X$, $B$ has mean $cX$ and variance $s^2(1-ca)$; the error is $B-X$, dropped $B$.",
    Exactly(),
)
derivation.step(
    "All kept",
    Limit(R, T, 0, s**2 * (1 - a) ** 2 + v),
    r"The variance of $B-X$: with all groups, the noise level $\gamma=\sigma^2+E[\Lambda(B-X)^2]$.",
    Exactly(),
)
derivation.step(
    "None kept",
    Limit(R, T, sp.oo, s**2),
    r"The signal: with every group, the null risk.",
    Exactly(),
)
derivation.step(
    "No expansion in the threshold",
    Limit(sp.exp(T**2 / 4) * (R - s**2), T, sp.oo, sp.Integer(0)),
    r"What a few weights change falls faster than $e^{-T^2/4}$, and so than any power of $1/T$.",
    Exactly(),
)
derivation.step(
    "Units of the label",
    Equal(c0**2 * R, sp.Subs(sp.Subs(R, v, c0**2 * v), s, c0 * s)),
    r"With $(B,\sigma)\to c_0(B,\sigma)$ noise and variance grow by $c_0^2$, and the threshold in "
    r"units of $\sqrt V$ stays: so does the risk by $c_0^2$. Hence $R(B,\sigma)/\sigma^2 = "
    r"R(B/\sigma,1)$.",
    Exactly(),
)
derivation.step(
    "Much noise",
    Limit(R, s, 0, v * Q),
    r"In units of $\sigma$ the signal vanishes as $\sigma\to\infty$, while $v/\sigma^2$ stays "
    r"positive: what is kept is noise alone.",
    Exactly(),
)
t = derivation.symbol("t", POSITIVE, "threshold of the magnitude")
M = derivation.random("M", POSITIVE, "mean of the coefficients, in each group")
W = derivation.define("V_X", A**2 * S**2 + N, "the variance of the weights of each group")
slope = derivation.define("c_X", A * S**2 / W, "the slope there")


def normal(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


u = derivation.define("u", (t - A * M) / sp.sqrt(W), "upper cut in standard units")
l = derivation.define("l", (t + A * M) / sp.sqrt(W), "lower cut, with its sign changed")
share = derivation.define(
    "P_X", (sp.erfc(u / sp.sqrt(2)) + sp.erfc(l / sp.sqrt(2))) / 2, "the share kept of a group"
)
first = derivation.define("M_1", sp.sqrt(W) * (normal(u) - normal(l)), r"$E[X-AM;\,kept]$")
second = derivation.define(
    "M_2", W * (share + u * normal(u) + l * normal(l)), r"$E[(X-AM)^2;\,kept]$"
)
x_kept = derivation.define("X_1", first + A * M * share, r"$E[X;\,kept]$")
xx_kept = derivation.define(
    "X_2", second + 2 * A * M * first + (A * M) ** 2 * share, r"$E[X^2;\,kept]$"
)
gain = derivation.define(
    "g", 2 * ((1 - slope * A) * M * x_kept + slope * xx_kept) - xx_kept, r"$E[2BX-X^2;\,kept]$"
)
R_X = derivation.define(
    "R_X", sigma**2 + Mean(Lambda * (M**2 + S**2 - gain)), "the risk of all groups, by magnitude"
)
derivation.step(
    "All groups, all kept",
    Limit(R_X, t, 0, sigma**2 + Mean(Lambda * ((1 - A) ** 2 * (M**2 + S**2) + N))),
    r"As $\alpha\to1$: the risk $\gamma$ of the unpruned model.",
    Exactly(),
)
derivation.step(
    "All groups, none kept",
    Limit(gain, t, sp.oo, sp.Integer(0)),
    r"As $\alpha\to0$ no group gains: what stays is the null risk, $\sigma^2+E[\Lambda B^2]$.",
    Exactly(),
)


def by_magnitude(inputs):
    groups = inputs.groups(Lambda, mean=M, std=S)
    law = Channel(*groups, inputs(A), inputs(1 - A), inputs(N))
    threshold = Threshold(inputs(0), inputs(t), inputs(0))
    return pruned_risk(law, inputs(sigma), MAGNITUDE, threshold, inputs.arithmetic).risk


derivation.step(
    "The code, by magnitude",
    Computed(R_X, pruned_risk, by_magnitude),
    r"The limits are those of what the package computes.",
    Exactly(),
)
mixed = derivation.define(
    "R_r",
    sigma**2
    + alpha * Mean(Lambda * ((1 - A) ** 2 * (M**2 + S**2) + N))
    + (1 - alpha) * Mean(Lambda * (M**2 + S**2)),
    "the risk of weights kept at random",
)


def at_random(inputs):
    groups = inputs.groups(Lambda, mean=M, std=S)
    law = Channel(*groups, inputs(A), inputs(1 - A), inputs(N))
    zero = inputs(0)
    threshold = Threshold(zero, zero, inputs(alpha))
    return pruned_risk(law, inputs(sigma), RANDOM, threshold, inputs.arithmetic).risk


derivation.step(
    "The code, weights kept at random",
    Computed(mixed, pruned_risk, at_random),
    r"Every score ties; a share $\alpha$ of all is kept, and the risk is linear in it.",
    Exactly(),
)
