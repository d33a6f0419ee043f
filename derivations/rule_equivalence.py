r"""When pruning rules agree, and what changes of units do to them."""

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
from asymptotics.theory import COVARIANCE, Channel, Threshold, pruned_risk
from asymptotics.theory.rules import WeightRule

derivation = Derivation(
    "Equivalence and invariance of pruning rules",
    r"""A rule keeps the weights of largest score $\Lambda^q|X|$: $q=0$ is magnitude, $q=1/2$
    covariance scaling. In each group $X\sim N(am,V)$, and a weight is kept if it is beyond
    $T=t/\Lambda^q$.""",
    source="Li, Sattar, Thrampoulidis, Oymak, arXiv 2006.10903; derived here",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
r = derivation.symbol("r", POSITIVE, "ridge")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
g = derivation.symbol("g", POSITIVE, "noise level")
t = derivation.symbol("t", POSITIVE, "threshold of the score")
q = derivation.symbol("q", REAL, "exponent of a rule")
d = derivation.symbol("d", POSITIVE, "factor of a change of units of a feature")
c = derivation.symbol("c", POSITIVE, "factor of a change of units of the label")
ell = derivation.symbol("ell", POSITIVE, "an eigenvalue")
m = derivation.symbol("m", POSITIVE, "mean of a coefficient")
s = derivation.symbol("s", POSITIVE, "standard deviation of a coefficient")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue")
B = derivation.random("B", REAL, "coefficient")
H = derivation.random("H", REAL, "a value of the channel's noise")
r_d = derivation.symbol("r_d", POSITIVE, "ridge, in other units")
tau_d = derivation.symbol("tau_d", POSITIVE, "effective ridge, in other units")
Lambda_d = derivation.random("Lambda_d", POSITIVE, "eigenvalue, in other units")
B_d = derivation.random("B_d", REAL, "coefficient, in other units")
in_other_units = {r_d: d**2 * r, tau_d: d**2 * tau, Lambda_d: d**2 * Lambda, B_d: B / d}

a = derivation.define("a", ell / (ell + tau), "the shrinkage")
V = derivation.define(
    "V", a**2 * s**2 + g * kappa * ell / (ell + tau) ** 2, "the variance of a weight"
)
cut = derivation.define("u", (t / ell**q - a * m) / sp.sqrt(V), "where a rule cuts")
lower = derivation.define(
    "l", (t / ell**q + a * m) / sp.sqrt(V), "where it cuts below 0, with its sign changed"
)
derivation.step(
    "One eigenvalue",
    Equal(
        sp.ImmutableMatrix([sp.Subs(x, t, t * ell**q) for x in (cut, lower)]),
        sp.ImmutableMatrix([(t - a * m) / sp.sqrt(V), (t + a * m) / sp.sqrt(V)]),
    ),
    r"Where $\Lambda$ is constant the threshold of the exponent $q$ is $\Lambda^q$ times that of "
    r"magnitude, in every group: at any $\alpha$ the same weights are kept by every rule, and the "
    r"risk is the same.",
    Exactly(),
)
mean = derivation.define(
    "mu", sp.sqrt(ell) * m, r"the mean of the score $\sqrt\Lambda X$, $\tau=0$"
)
variance = derivation.define(
    "nu", ell * (s**2 + g * kappa / ell), r"its variance, in least squares"
)
derivation.step(
    "Least squares, mean of the covariance-scaled score",
    Equal(mean, sp.Subs(sp.Subs(mean, m, m / d), ell, d**2 * ell)),
    r"Features in other units, $(\Lambda,B)\to(d^2\Lambda,B/d)$: the score is that of the same "
    "prediction.",
    Exactly(),
)
derivation.step(
    "Least squares, variance of the covariance-scaled score",
    Equal(
        sp.ImmutableMatrix([variance, ell * s**2]),
        sp.ImmutableMatrix(
            [sp.Subs(sp.Subs(x, s, s / d), ell, d**2 * ell) for x in (variance, ell * s**2)]
        ),
    ),
    r"With $\gamma$, which at $\tau=0$ is $\sigma^2/(1-\kappa)$ in any units; and of the "
    r"covariance $\Lambda s^2$ of $\sqrt\Lambda X$ with $\sqrt\Lambda B$. So the law of the pair "
    r"does not depend on units, group by group; the risk is a mean of a function of it.",
    Exactly(),
)
derivation.step(
    "Least squares, magnitude",
    Equal(d**2 * sp.Subs(sp.Subs(variance / ell, s, s / d), ell, d**2 * ell), variance / ell),
    r"Where the numbers of a feature grow by $d$ the variance of $X$ falls by $d^2$: magnitude "
    "pruning prefers features in large units, whose numbers are small.",
    Exactly(),
)
derivation.step(
    "Least squares, magnitude in small units",
    Limit(
        (
            sp.erfc((t * d - m) / sp.sqrt(2 * variance / ell))
            + sp.erfc((t * d + m) / sp.sqrt(2 * variance / ell))
        )
        / 2,
        d,
        sp.oo,
        sp.Integer(0),
    ),
    r"The share of the group with $|X|>t$, in units changed by $d$. Where other groups have the "
    r"fraction $\alpha$ of all weights they hold the threshold up: as $d$ grows this group is "
    r"pruned as a whole, however much it matters. So the risk by magnitude depends on units.",
    Exactly(),
)
F = derivation.define(
    "F", r / tau + kappa * Mean(Lambda / (Lambda + tau)) - 1, "the equation of the effective ridge"
)
derivation.step(
    "All features in other units",
    Equal(F, r_d / tau_d + kappa * Mean(Lambda_d / (Lambda_d + tau_d)) - 1),
    r"With $\Lambda\to d^2\Lambda$ for all, and $r\to d^2r$, the equation is solved by $d^2\tau$.",
    Exactly(),
    given=in_other_units,
)
gamma = derivation.define(
    "gamma",
    (sigma**2 + tau**2 * Mean(Lambda * B**2 / (Lambda + tau) ** 2))
    / (1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    "the noise level",
)
derivation.step(
    "Noise level of features in other units",
    Equal(
        gamma,
        (sigma**2 + tau_d**2 * Mean(Lambda_d * B_d**2 / (Lambda_d + tau_d) ** 2))
        / (1 - kappa * Mean(Lambda_d**2 / (Lambda_d + tau_d) ** 2)),
    ),
    r"With $B\to B/d$ the noise level is as before.",
    Exactly(),
    given=in_other_units,
)
derivation.step(
    "Weights of features in other units",
    Equal(
        (Lambda * B + sp.sqrt(g * kappa * Lambda) * H) / (Lambda + tau),
        d * (Lambda_d * B_d + sp.sqrt(g * kappa * Lambda_d) * H) / (Lambda_d + tau_d),
    ),
    r"Each is divided by $d$, and each score $\Lambda^q|X|$ multiplied by one and the same "
    r"number: every rule keeps the same weights, and as $\Lambda(B-X)^2$ and $\Lambda B^2$ are as "
    r"before, so is the risk.",
    Exactly(),
    given=in_other_units,
)
derivation.step(
    "The label in other units",
    Equal(
        ((c * sigma) ** 2 + tau**2 * Mean(Lambda * (c * B) ** 2 / (Lambda + tau) ** 2))
        / (1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)),
        c**2 * gamma,
    ),
    r"$(B,\sigma)\to c(B,\sigma)$ multiplies the noise level by $c^2$, and so every $X$ by $c$: "
    r"the same weights are kept, and the risk is multiplied by $c^2$ too.",
    Exactly(),
)


def law(inputs):
    one = inputs([1])
    columns = (inputs([x]) for x in (ell, m, s, a, 1 - a, V - a**2 * s**2))
    return Channel(one, *columns)


def standard_cut(score, inputs):
    return (inputs(t) / score.scale - score.center) / score.spread


derivation.step(
    "The code's cut",
    Computed(
        cut,
        WeightRule.score,
        lambda inputs: standard_cut(COVARIANCE.score(law(inputs), inputs.arithmetic), inputs),
    ),
    r"What the package calls the score, for $q=1/2$: its cut in units of its spread.",
    Exactly(),
    given={q: sp.Rational(1, 2)},
)


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def tail(x):
    return sp.erfc(x / sp.sqrt(2)) / 2


def risk_with(mean, std, total, level, shrinkage):
    """The risk of one group, over its eigenvalue, with the score cut at `level`."""
    root = sp.sqrt(total)
    low, high = (level + shrinkage * mean) / root, (level - shrinkage * mean) / root
    share = tail(high) + tail(low)
    first = root * (density(high) - density(low))
    second = total * (share + high * density(high) + low * density(low))
    slope = shrinkage * std**2 / total
    kept_x = first + shrinkage * mean * share
    kept_xx = second + 2 * shrinkage * mean * first + (shrinkage * mean) ** 2 * share
    kept_bx = (mean - slope * shrinkage * mean) * kept_x + slope * kept_xx
    return mean**2 + std**2 - 2 * kept_bx + kept_xx


h = derivation.symbol("h", POSITIVE, "shrinkage of the one eigenvalue")
v = derivation.symbol("v", POSITIVE, "noise of its weights")
one_risk = derivation.define(
    "R",
    sigma**2 + ell * risk_with(m, s, h**2 * s**2 + v, t, h),
    r"the pruned risk of one eigenvalue, by magnitude at the threshold $t$",
)


def one_eigenvalue(inputs):
    return Channel(inputs([1]), *(inputs([x]) for x in (ell, m, s, h, 1 - h, v)))


def risk(inputs, group, rule, level):
    cut = Threshold(inputs(0), inputs(level), inputs(0))
    return pruned_risk(group, inputs(sigma), rule, cut, inputs.arithmetic).risk


derivation.step(
    "The code's risk with one eigenvalue",
    Computed(
        one_risk,
        pruned_risk,
        lambda inputs: risk(
            inputs, one_eigenvalue(inputs), WeightRule(inputs(q).item()), t * ell**q
        ),
    ),
    r"With the exponent $q$ and the threshold $t\Lambda^q$ the package finds the risk of magnitude "
    r"at $t$, whatever $q$ is.",
    Exactly(),
)
T = derivation.define("T", t / sp.sqrt(ell), "the threshold, over a weight")
units_risk = derivation.define(
    "R_0",
    sigma**2 + ell * risk_with(m, s, s**2 + g * kappa / ell, T, sp.Integer(1)),
    r"the risk by covariance scaling, in least squares",
)


def rescaled(inputs):
    """One group in units changed by d, in least squares."""
    columns = (d**2 * ell, m / d, s / d, 1, 0, g * kappa / (d**2 * ell))
    return Channel(inputs([1]), *(inputs([x]) for x in columns))


derivation.step(
    "The code's risk in other units",
    Computed(
        units_risk,
        pruned_risk,
        lambda inputs: risk(inputs, rescaled(inputs), COVARIANCE, t),
    ),
    r"At the same threshold of the score the package finds the same risk in any units.",
    Exactly(),
)
