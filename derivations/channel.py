r"""Law of a trained weight: what training makes of one coefficient."""

from typing import NamedTuple

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
from asymptotics.population import Groups
from asymptotics.theory import FixedPoint, channel
from asymptotics.theory.rules import WeightRule

derivation = Derivation(
    "Law of a trained weight",
    r"""In the min-max problem of ridge regression a weight of eigenvalue $\Lambda$ and coefficient
    $B$ has a cost of its own, a parabola with a random slope. Its minimum is the law of the
    trained weight: a Gaussian channel, which shrinks the coefficient and adds noise to it. Here
    the coefficients of a group of features are $B\sim N(m,s^2)$, written $B = m + sG$, and $E$ is
    over $G$ and $H$, independent standard normals.""",
    source="Li et al., arXiv 2006.10903, Theorem 1; Han, Xu, arXiv 2307.02044",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
gamma = derivation.symbol("gamma", POSITIVE, "noise level")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
beta = derivation.symbol("beta", POSITIVE, "length of the dual vector")
x = derivation.symbol("x", REAL, r"a weight, $\sqrt p\,b_i$")
Lambda = derivation.symbol("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
m = derivation.symbol("m", REAL, "mean of the group's coefficients")
s = derivation.symbol("s", POSITIVE, "their standard deviation")
G = derivation.normal("G")
H = derivation.normal("H")

B = derivation.define("B", m + s * G, r"the coefficient, $\sqrt p\,\beta^*_i$")
C = derivation.define(
    "C",
    beta * Lambda * (x - B) ** 2 / (2 * sp.sqrt(gamma))
    - beta * sp.sqrt(kappa * Lambda) * H * (x - B)
    + beta * tau * x**2 / (2 * sp.sqrt(gamma)),
    r"the cost of one weight, with the ridge $r = \beta\tau/\sqrt\gamma$",
)
r_1 = derivation.define(
    "r_1", B + sp.sqrt(kappa * gamma / Lambda) * H, "the effective observation of the coefficient"
)
derivation.step(
    "Training sees the coefficient through noise",
    Equal(
        sp.Derivative(C, x),
        beta / (2 * sp.sqrt(gamma)) * sp.Derivative(Lambda * (x - r_1) ** 2 + tau * x**2, x),
    ),
    r"The random slope moves the vertex of the first parabola. Up to a constant and a factor, the "
    r"cost is that of ridge regression, with ridge $\tau$, from $r_1$ alone: all other features "
    r"and samples are felt as the noise $\sqrt{\kappa\gamma/\Lambda}\,H$.",
    Exactly(),
)
a = derivation.define("a", Lambda / (Lambda + tau), "the shrinkage")
v = derivation.define("v", gamma * kappa * Lambda / (Lambda + tau) ** 2, "the variance of noise")
X = derivation.define("X", a * B + sp.sqrt(v) * H, "the trained weight")
derivation.step(
    "The trained weight",
    Equal(C - sp.Subs(C, x, X), beta * (Lambda + tau) / (2 * sp.sqrt(gamma)) * (x - X) ** 2),
    "Above its value at $X$ the cost is a square, so that $X$ is its one minimum.",
    Exactly(),
)
derivation.step(
    "A shrunken observation",
    Equal(X, a * r_1),
    "Both parts of the observation are shrunk alike.",
    Exactly(),
)
derivation.step(
    "Mean",
    Equal(Mean(X), a * m),
    r"Shrinkage biases the weight towards 0, by $(1-a)m = m\tau/(\Lambda+\tau)$.",
    Exactly(),
)
derivation.step(
    "Variance, and covariance with the coefficient",
    Equal(
        sp.ImmutableMatrix([Mean((X - a * m) ** 2), Mean((B - m) * (X - a * m))]),
        sp.ImmutableMatrix([a**2 * s**2 + v, a * s**2]),
    ),
    r"$B$ and $X$ are linear in $G$ and $H$, so that they are jointly normal: their means, "
    r"variances and covariance are their whole law.",
    Exactly(),
)
derivation.step(
    "Least squares",
    Limit(X, tau, 0, r_1),
    r"Where the effective ridge vanishes nothing is shrunk: the weight is the observation, without "
    r"bias.",
    Exactly(),
)
derivation.step(
    "A feature that does not vary",
    Limit(X, Lambda, 0, 0),
    r"As $\Lambda\to0$ the noise of the observation grows, but the shrinkage is faster: the weight "
    r"is 0.",
    Exactly(),
)
derivation.step(
    "Many samples",
    Limit(X, kappa, 0, a * B),
    r"At given $\tau$ and $\gamma$, the noise goes with $\kappa$. With $\kappa$ also $\tau\to r$, "
    r"while $\gamma$ stays finite (limits of training): the weight goes to $\Lambda "
    r"B/(\Lambda+r)$.",
    Exactly(),
)


class Group(NamedTuple):
    """A population of one group."""

    columns: Groups

    def groups(self, _):
        return self.columns


def law(inputs, eigenvalue=Lambda, effective_ridge=tau):
    """What the code computes of the group."""
    columns = Groups(*(inputs([column]) for column in (1, eigenvalue, m, s)))
    fixed = FixedPoint(inputs(kappa), inputs(effective_ridge), inputs(gamma), inputs(0))
    return channel(Group(columns), fixed, inputs.arithmetic)


def second_moment(law):
    spread = law.shrinkage * law.std
    mean = law.shrinkage * law.mean
    return mean * mean + spread * spread + law.noise


derivation.step(
    "The code without eigenvalue",
    Computed(sp.Integer(0), channel, lambda inputs: second_moment(law(inputs, eigenvalue=0))),
    r"At $\Lambda=0$ the formulas are those of the limit, for any $\tau>0$: $E[X^2]=0$.",
    Exactly(),
)
derivation.step(
    "The code without effective ridge",
    Computed(Mean(r_1**2), channel, lambda inputs: second_moment(law(inputs, effective_ridge=0))),
    r"At $\tau=0$ too, where $E[X^2]=E[r_1^2]$.",
    Exactly(),
)
derivation.step(
    "The code's shrinkage",
    Computed(Mean((B - m) * X) / s**2, channel, lambda inputs: law(inputs).shrinkage),
    "The slope of $X$ on $B$.",
    Exactly(),
)
derivation.step(
    "The code's bias",
    Computed(Mean((B - m) * (B - X)) / s**2, channel, lambda inputs: law(inputs).bias),
    r"The slope of the error $B-X$ on $B$, $1-a$.",
    Exactly(),
)
derivation.step(
    "The code's noise",
    Computed(Mean((X - a * B) ** 2), channel, lambda inputs: law(inputs).noise),
    "What is left of the variance of $X$ where $B$ is known.",
    Exactly(),
)
derivation.step(
    "The code's law of a weight",
    Computed(
        sp.sqrt(Mean(X**2) - Mean(X) ** 2),
        WeightRule.score,
        lambda inputs: WeightRule(0).score(law(inputs), inputs.arithmetic).spread,
    ),
    "The standard deviation of $X$, with which the rules that see $X$ score it.",
    Exactly(),
)
