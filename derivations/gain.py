r"""Gain of keeping a weight: when pruning lowers the risk, and when it cannot."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
    between,
)
from asymptotics.theory import Channel, noise_level
from asymptotics.theory.risk import pruned_risk
from asymptotics.theory.rules import COVARIANCE, WeightRule
from asymptotics.theory.truncated_gaussian import Threshold

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
alpha = derivation.symbol("alpha", UNIT, "fraction of the weights kept")
cut = derivation.symbol("g_0", REAL, "a cut of the gain")
t = derivation.symbol("t", POSITIVE, "threshold of the covariance-scaled score")
z = derivation.symbol("z", REAL, "a weight in standard units")
q = derivation.symbol("q", REAL, "exponent of a rule")
k = derivation.random(
    "k", between(0, 1, True, True), "chance that a weight is kept, a function of all that is seen"
)
G = derivation.random("G", REAL, "its gain, given all that is seen")
u = derivation.random("u", POSITIVE, "the cut of a weight in standard units")
h = derivation.random("h", REAL, "what its gain exceeds the cut by; not 0 where it is divided by")

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
    r"On average over $W$, at any $x$: what is unknown of $B$ costs the same either way.",
    Exactly(),
)
derivation.step(
    "Cost of a mask",
    Equal(Mean(Lambda * (k * (B - x) ** 2 + (1 - k) * B**2)), Mean(Lambda * B**2) - Mean(k * g)),
    r"A mask keeps a weight with a chance $k$ that depends on the weight, its group and a coin, "
    r"but not on $W$. Its risk is $R_k = \sigma^2+E[\Lambda B^2]-E[kG]$, with $G$ the gain of the "
    r"weight as a random quantity. From here $E$ is over the weights too: a population lists pairs "
    r"of $k$ and $G$ with their weights. A mask that sees $\Lambda$ and not the group has for $G$ "
    r"the mean gain given $X$ and $\Lambda$.",
    Exactly(),
)
above = derivation.define("G_+", (h + abs(h)) / 2, "the part of the gain above the cut")
short = derivation.define("G_-", (abs(h) - h) / 2, "the part missing below it")
derivation.step(
    "Every mask keeps at most what is above a cut",
    Equal(above - k * h, (1 - k) * above + k * short),
    r"With $h=G-g_0$. The right-hand side is not negative, as $0\le k\le1$: so $kh\le G_+$. The "
    r"two are equal if and only if $k=1$ where $h>0$ and $k=0$ where $h<0$; where $h=0$ any $k$ "
    r"does.",
    Exactly(),
)
over = {h: G - cut}
best_mask = derivation.define("k^*", (h + abs(h)) / (2 * abs(h)), "1 above the cut, 0 below it")
derivation.step(
    "A mask that keeps all of it",
    Equal(best_mask * h, above),
    r"Keep the weights with $G>g_0$ and drop those with $G<g_0$, and the bound is attained, "
    r"whatever is done where $G=g_0$ (there both sides are 0).",
    Exactly(),
)
derivation.step(
    "The optimal mask",
    Equal(
        -Mean(k * G) + (cut * alpha + Mean(above)),
        Mean((1 - k) * above + k * short),
    ),
    r"For every mask with $E[k]=\alpha$ and every cut, so that $R_k \ge \sigma^2+E[\Lambda "
    r"B^2]-g_0\alpha-E[G_+]$. Choose $g_0$ with $P(G>g_0)\le\alpha\le P(G\ge g_0)$, and keep the "
    r"weights with $G=g_0$ by a coin so that $E[k]=\alpha$: then the right-hand side is 0. So of "
    r"all masks that keep $\alpha$, random ones too, the one that keeps the largest gains has the "
    r"least risk, and up to ties it is the only one.",
    Exactly(),
    given={alpha: Mean(k), **over},
)
derivation.step(
    "The optimal mask, at any fraction",
    Equal(-Mean(k * G) + Mean(above), Mean((1 - k) * above + k * short)),
    r"The cut $g_0=0$ needs no $\alpha$: no mask at all beats the one that keeps the weights with "
    r"$G>0$.",
    Exactly(),
    given={h: G},
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
    r"Where $m\ne0$ and $(\Lambda+2\tau)s^2\ne\kappa\gamma$ there is a second zero beside $x=0$. "
    r"If $(\Lambda+2\tau)s^2>\kappa\gamma$, it has the other sign than $m$, and the weights "
    r"between the two hurt: no cut of $|X|$ tells them from those of the sign of $m$. If it is "
    r"less, the zero has the sign of $m$, and only the weights between the two are worth keeping. "
    r"If they are equal, the gain is linear, and those of the sign of $m$ are.",
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
    r"is if $(\Lambda+2\tau)s^2>\kappa\gamma$, and hurts if it is less, however large it is.",
    Exactly(),
    given={m: sp.Integer(0)},
)
rho = derivation.define(
    "rho",
    ((Lambda + 2 * tau) * s**2 - kappa * gamma) / (Lambda * s**2 + kappa * gamma),
    r"$2c-1$, the gain over $\Lambda x^2$ where the mean is 0",
)
derivation.step(
    "When a rule is optimal",
    Equal(g, (Lambda**q * x) ** 2 * Lambda ** (1 - 2 * q) * rho),
    r"If $\Lambda^{1-2q}\rho$ is one and the same positive number in all groups, of mean 0, the "
    r"gain rises with the score $\Lambda^q|x|$, so that its order is the order of gains: the rule "
    r"is the optimal mask at every $\alpha$. For covariance scaling, $q=1/2$, $\rho$ must be the "
    r"same; for magnitude, $q=0$, $\Lambda\rho$ must. In one group both hold if $\rho>0$; if "
    r"$\rho<0$ the order is turned around, and at a given $\alpha$ the optimal mask keeps the "
    r"smallest weights.",
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
    "Covariance scaling is optimal at the best ridge alone",
    Equal(
        sp.Subs(sp.Derivative(rho, Lambda), s, b),
        2 * b**2 * (kappa * gamma - b**2 * tau) / (Lambda * b**2 + kappa * gamma) ** 2,
    ),
    r"If the coefficients have mean 0 and variance $b^2$ in every group, $\rho$ is the same for "
    r"two eigenvalues if and only if $\kappa\gamma=b^2\tau$: at $r=\kappa\sigma^2/b^2$.",
    Exactly(),
)
derivation.step(
    "At the best ridge no weight hurts",
    Equal(g, Lambda * x**2),
    r"For normal coefficients of mean 0 and variance $b^2$ the trained weight is then the estimate "
    r"of its coefficient, $E[B|X]=X$. Its gain is the square of its covariance-scaled score: by "
    r"the steps on masks that rule is the optimal one, and pruning by it costs "
    r"$E[\Lambda X^2;\,dropped]$.",
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


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


variance = derivation.define("V", a**2 * b**2 + v, r"the variance of its weights")
share = derivation.define("P", sp.erfc(u / sp.sqrt(2)), "the share kept of a group")
excess = derivation.define(
    "E_+",
    Lambda * variance * (share + 2 * u * density(u)) - t**2 * share,
    r"$E[(\Lambda X^2-t^2)_+]$ in a group, where $X\sim N(0,V)$",
)
derivation.step(
    "What is above the cut at the best ridge",
    Equal(2 * sp.Integral((Lambda * variance * z**2 - t**2) * density(z), (z, u, sp.oo)), excess),
    r"$\Lambda X^2>t^2$ where $|X|/\sqrt V>u=t/\sqrt{\Lambda V}$, on either side.",
    Exactly(),
)


def at_the_best_ridge(inputs):
    groups = inputs.groups(Lambda, std=b)
    channel = Channel(*groups, *map(inputs, (a, 1 - a, v)))
    level = Threshold(inputs(0), inputs(t), inputs(0))
    return pruned_risk(channel, inputs(sigma), COVARIANCE, level, inputs.arithmetic).risk


derivation.step(
    "The code's risk is the bound at the best ridge",
    Computed(
        sigma**2 + b**2 * Mean(Lambda) - t**2 * Mean(share) - Mean(excess),
        pruned_risk,
        at_the_best_ridge,
    ),
    r"The least risk of any mask that keeps $\alpha=E[P]$, with the cut $g_0=t^2$ of the gain "
    r"$\Lambda X^2$: covariance scaling attains it.",
    Exactly(),
    given={gamma: b**2 * tau / kappa, u: t / sp.sqrt(Lambda * (a**2 * b**2 + v))},
)
