r"""Gain of keeping a weight: when pruning lowers the risk, and when it cannot."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
)
from asymptotics.theory.channel import Channel
from asymptotics.theory.fixed_point import noise_level
from asymptotics.theory.rules import WeightRule

derivation = Derivation(
    "Gain of a weight",
    r"""A weight of value $x$ that is kept costs $\Lambda(B-x)^2$; pruned, it costs $\Lambda B^2$.
    What keeping it takes off the risk, on average given all that is seen of $B$, decides whether
    it should be pruned. In a group of features $B\sim N(m,s^2)$, and the weight is $x = ar_1$ with
    the shrinkage $a=\Lambda/(\Lambda+\tau)$ and the effective observation
    $r_1 = B + \sqrt{\kappa\gamma/\Lambda}\,H$.""",
    source="derived here; the best ridge: Wu, Xu, arXiv 2006.05800",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
gamma = derivation.symbol("gamma", POSITIVE, "noise level")
x = derivation.symbol("x", REAL, "a trained weight")
beta = derivation.symbol("beta", REAL, "a value of its coefficient")
b = derivation.symbol("b", POSITIVE, "root of the mean square of the coefficients")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
m = derivation.random("m", REAL, "mean of the coefficients of a group")
s = derivation.random("s", POSITIVE, "their standard deviation")
M = derivation.random("M", POSITIVE, "a mean that is positive")
W = derivation.normal("W")

a = derivation.define("a", Lambda / (Lambda + tau), "the shrinkage")
v = derivation.define("v", gamma * kappa * Lambda / (Lambda + tau) ** 2, "the noise of a weight")
L = derivation.define(
    "L",
    -((beta - m) ** 2) / (2 * s**2) - (x - a * beta) ** 2 / (2 * v),
    r"the log of the density of $(B,X)$ at $(\beta,x)$, but for a constant",
)
c = derivation.define(
    "c",
    s**2 * (Lambda + tau) / (Lambda * s**2 + kappa * gamma),
    "the slope of the regression",
)
E_x = derivation.define("E_x", m + c * (x - a * m), "the coefficient, estimated from its weight")
s_x = derivation.define(
    "s_x",
    s * sp.sqrt(kappa * gamma / (Lambda * s**2 + kappa * gamma)),
    "the standard deviation that is left",
)
derivation.step(
    "Estimate of the coefficient",
    Equal(sp.Subs(sp.Derivative(L, beta), beta, E_x), sp.Integer(0)),
    r"$L$ is a parabola in $\beta$, so that given $X=x$ the law of $B$ is normal, with its mean "
    r"where $L$ is highest.",
    Exactly(),
)
derivation.step(
    "What the weight leaves unknown",
    Equal(sp.Derivative(L, beta, 2), -1 / s_x**2),
    r"The curvature of $L$ is that of a normal law of variance $s_x^2$.",
    Exactly(),
)
B = derivation.define("B", E_x + s_x * W, "the coefficient, given its weight")
g = derivation.define("g", Lambda * (2 * x * E_x - x**2), "the gain of a weight")
derivation.step(
    "Gain of a weight",
    Equal(Mean(Lambda * (B**2 - (B - x) ** 2)), Mean(g)),
    r"On average over $W$, at any $x$: what is unknown of $B$ costs the same either way. The "
    r"pruned risk is $\sigma^2+E[\Lambda B^2]-E[g;\,kept]$, so that the best mask keeps the "
    r"weights with $g>0$.",
    Exactly(),
)
derivation.step(
    "Sign of the gain",
    Equal(
        g,
        Lambda
        * x
        * ((Lambda + 2 * tau) * s**2 * x + (2 * m - x) * kappa * gamma)
        / (Lambda * s**2 + kappa * gamma),
    ),
    r"Where $m\ne0$ there is a second zero beside $x=0$. If $(\Lambda+2\tau)s^2>\kappa\gamma$, it "
    r"has the other sign than $m$, and the weights between the two hurt: no cut of $|X|$ tells "
    r"them from those of the sign of $m$. Otherwise it has the sign of $m$, and only the weights "
    r"between the two are worth keeping.",
    Exactly(),
)
derivation.step(
    "Coefficients of mean 0",
    Equal(
        g,
        Lambda
        * x**2
        * ((Lambda + 2 * tau) * s**2 - kappa * gamma)
        / (Lambda * s**2 + kappa * gamma),
    ),
    r"There $g=\Lambda(2c-1)x^2$: whether a weight is worth keeping depends on its group alone. It "
    r"is if $(\Lambda+2\tau)s^2>\kappa\gamma$, and otherwise hurts, however large it is.",
    Exactly(),
    given={m: sp.Integer(0)},
)
derivation.step(
    "All weights against none",
    Equal(
        Mean(Lambda * s**2) - Mean(Lambda * ((1 - a) ** 2 * s**2 + v)),
        Mean(Lambda * (2 * c - 1) * (a**2 * s**2 + v)),
    ),
    r"For mean 0, the null risk less the unpruned risk $\gamma=\sigma^2+E[\Lambda(X-B)^2]$ is the "
    r"gain of all weights. If there is but one group, every weight has the sign of this "
    r"difference: the risk is monotone in the fraction kept, and the best of all is to prune "
    r"nothing or, where $\gamma$ exceeds the null risk, everything.",
    Exactly(),
)
derivation.step(
    "Least squares",
    Limit(
        c,
        tau,
        0,
        Lambda * s**2 * (1 - kappa) / (Lambda * s**2 * (1 - kappa) + kappa * sigma**2),
    ),
    r"For $\kappa<1$ and without ridge, $c>1/2$ and a group of mean 0 is worth keeping if "
    r"$\Lambda s^2>\sigma^2\kappa/(1-\kappa)$.",
    Exactly(),
    given={gamma: sigma**2 / (1 - kappa)},
)
r = derivation.define(
    "r", tau * (1 - kappa * Mean(Lambda / (Lambda + tau))), "the ridge of the effective ridge"
)
seen = kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)
gamma_b = derivation.define(
    "gamma_b",
    (sigma**2 + tau**2 * b**2 * Mean(Lambda / (Lambda + tau) ** 2)) / (1 - seen),
    r"the noise level where $E[B^2|\Lambda]=b^2$ for every eigenvalue",
)
derivation.step(
    "The ridge grows with the effective ridge",
    Equal(sp.Derivative(r, tau), 1 - seen),
    r"The denominator of $\gamma$, which is $r/\tau+\kappa\tau E[\Lambda/(\Lambda+\tau)^2]>0$.",
    Exactly(),
)
derivation.step(
    "Slope of the unpruned risk",
    Equal(
        sp.Derivative(gamma_b, tau),
        2 * Mean(Lambda**2 / (Lambda + tau) ** 3) * (b**2 * tau - kappa * gamma_b) / (1 - seen),
    ),
    r"Numerator and denominator of $\gamma_b$ depend on $\tau$ through one and the same mean.",
    Exactly(),
)
derivation.step(
    "The best ridge",
    Equal(b**2 * tau - kappa * gamma_b, (b**2 * r - kappa * sigma**2) / (1 - seen)),
    r"The slope has the sign of $r-\kappa\sigma^2/b^2$: the unpruned risk falls up to the ridge "
    r"$r=\kappa\sigma^2/b^2$ and rises from there. At the minimum $\kappa\gamma=b^2\tau$.",
    Exactly(),
    reference="Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560; Wu, Xu, arXiv 2006.05800",
)
best = {gamma: b**2 * tau / kappa, s: b}
derivation.step(
    "At the best ridge no weight hurts",
    Equal(g, Lambda * x**2),
    r"For normal coefficients of mean 0 and variance $b^2$ the trained weight is then the estimate "
    r"of its coefficient, $E[B|X]=X$. Its gain is the square of its covariance-scaled score: "
    r"that rule is the best one, and pruning by it costs $E[\Lambda X^2;\,dropped]$.",
    Exactly(),
    given=best | {m: sp.Integer(0)},
)


def regression(inputs):
    """What the code takes a weight to tell of its coefficient."""
    groups = inputs.groups(Lambda, mean=m, std=s)
    channel = Channel(*groups, *map(inputs, (a, 1 - a, v)))
    return WeightRule(0).regression(channel, inputs.arithmetic)


derivation.step(
    "The code's noise level at the best ridge",
    Computed(
        b**2 * tau / kappa,
        noise_level,
        lambda inputs: noise_level(
            inputs(tau),
            inputs(kappa),
            inputs(sigma),
            inputs(kappa * sigma**2 / b**2),
            inputs(-1),
            inputs.groups(Lambda, std=b),
            inputs.arithmetic,
        ),
    ),
    r"With $r=\kappa\sigma^2/b^2$ the code too has $\kappa\gamma=b^2\tau$.",
    Exactly(),
)
derivation.step(
    "The code's slope of the coefficient",
    Computed(c, WeightRule.regression, lambda inputs: regression(inputs).signal_slope),
    "For any rule that sees $X$.",
    Exactly(),
)
derivation.step(
    "The code's estimate at 0",
    Computed(
        E_x - c * x,
        WeightRule.regression,
        lambda inputs: regression(inputs).signal_intercept,
    ),
    "The rest of the estimate, for a positive mean: the code takes means without their sign.",
    Exactly(),
    given={m: M},
)
derivation.step(
    "The code's slope of the error at the best ridge",
    Computed(sp.Integer(0), WeightRule.regression, lambda inputs: regression(inputs).error_slope),
    "The weight tells nothing of its error.",
    Exactly(),
    given=best,
)
