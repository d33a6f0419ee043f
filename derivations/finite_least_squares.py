r"""Least squares at finite size: its exact law and risk, and the way to their limits."""

import sympy as sp

from asymptotics import Population
from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
)
from asymptotics.population import Groups
from asymptotics.theory import FixedPoint, channel, noise_level

derivation = Derivation(
    "Least squares at finite size",
    r"""With $n>p$ Gaussian samples least squares errs by $\hat\beta-\beta^* =
    \Sigma^{-1/2}\epsilon$, where $\epsilon$ is its error for a design $X$ of independent standard
    normal entries. Write $X=QR$ with orthonormal columns in $Q$ and an upper triangular $R$, here
    of $p=2$. Each column of $X$ is normal in every direction, so that the square of the last
    entry of $R$, what regression on the other $p-1$ columns leaves of the last one, is a
    $\chi^2_k$ of $k=n-p+1$ degrees of freedom.""",
    source="Muirhead, Aspects of Multivariate Statistical Theory (1982), section 3.2; Hastie, "
    "Montanari, Rosset, Tibshirani, arXiv 1903.08560",
)
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
r = [
    derivation.symbol(f"r_{place}", REAL if place == "12" else POSITIVE, "entry of $R$")
    for place in ("11", "12", "22")
]
z = [derivation.normal(f"z_{i}") for i in (1, 2)]
G = derivation.normal("G")
l = derivation.symbol("l", POSITIVE, "argument of a Laplace transform")
k = derivation.symbol("k", POSITIVE, "degrees of freedom, $n-p+1$")
x = derivation.symbol("x", POSITIVE, r"value of $\chi^2_k$")
n = derivation.symbol("n", POSITIVE, "samples")
p = derivation.symbol("p", POSITIVE, "features")
j = derivation.symbol("j", POSITIVE, "samples beyond those that a moment needs")
delta = derivation.symbol("delta", POSITIVE, r"lower end of $\chi^2_k$")
e = derivation.symbol("e", UNIT, r"$1-\kappa$")
kappa = derivation.symbol("kappa", UNIT, "features per sample, $p/n$")
Lambda = derivation.symbol("Lambda", POSITIVE, "eigenvalue, the variance of a feature")

R = sp.ImmutableMatrix([[r[0], r[1]], [0, r[2]]])
last = derivation.define("epsilon_2", sigma * z[1] / r[2], "the error of the last weight")
first = derivation.define("epsilon_1", (sigma * z[0] - r[1] * last) / r[0], "that of the first")
derivation.step(
    "Normal equations",
    Equal(
        sp.MatMul(R.T, R, sp.ImmutableMatrix([first, last])),
        sp.MatMul(R.T, sigma * sp.ImmutableMatrix(z)),
    ),
    r"They are $X^TX\epsilon = X^T\sigma z$, in which $X^TX=R^TR$, and $Q^T$ turns the noise into "
    "independent normal $z_i$.",
    Exactly(),
)
derivation.step(
    "Given the design",
    Equal(
        sp.MatMul(
            R.T,
            R,
            sp.ImmutableMatrix(2, 2, lambda i, j: Mean((first, last)[i] * (first, last)[j])),
        ),
        sigma**2 * sp.eye(2),
    ),
    r"The error is normal, of covariance $\sigma^2(X^TX)^{-1}$; of the last weight, of variance "
    r"$\sigma^2/r_{22}^2$. As rotations do not change the law of $X$, so is its part in any "
    r"direction, of variance $\sigma^2$ over a $\chi^2_k$. The laws of all parts fix that of the "
    r"whole: $\epsilon=\sigma g/\sqrt{\chi^2_k}$, with $g\sim N(0,I_p)$ independent of the "
    r"$\chi^2_k$.",
    Exactly(),
)
density = derivation.define(
    "f",
    x ** (k / 2 - 1) * sp.exp(-x / 2) / (2 ** (k / 2) * sp.gamma(k / 2)),
    r"the density of $\chi^2_k$",
)


def chi(function):
    """The mean of a function of chi squared."""
    return sp.Integral(function * density, (x, 0, sp.oo))


derivation.step(
    "The square of a normal variable",
    Equal(Mean(sp.exp(-l * G**2)), 1 / sp.sqrt(1 + 2 * l)),
    r"Its Laplace transform; that of a sum of $k$ independent ones is the $k$-th power.",
    Exactly(),
)
derivation.step(
    "The density of a sum of squares",
    Equal(chi(sp.exp(-l * x)), (1 + 2 * l) ** (-k / 2)),
    r"So $f$ is the density of $\chi^2_k$, an integral of Euler's.",
    Exactly(),
)
derivation.step(
    "Moments of the length",
    Equal(
        sp.ImmutableMatrix([p * Mean(G**2), p * Mean(G**4) + p * (p - 1) * Mean(G**2) ** 2]),
        sp.ImmutableMatrix([p, p * (p + 2)]),
    ),
    r"$E\|g\|^2$ and $E\|g\|^4$, of $p$ squares and of their products.",
    Exactly(),
)
derivation.step(
    "Mean excess risk",
    Equal(sigma**2 * p * chi(1 / x), sigma**2 * p / (n - p - 1)),
    r"The excess risk is $\|\epsilon\|^2=\sigma^2\|g\|^2/\chi^2_k$, and $E[1/\chi^2_k]=1/(k-2)$ "
    r"where $n>p+1$, here by $j$.",
    Exactly(),
    given={k: j + 2, n: p + 1 + j},
)
derivation.step(
    "Its variance",
    Equal(
        sigma**4 * (p * (p + 2) * chi(1 / x**2) - (p * chi(1 / x)) ** 2),
        2 * sigma**4 * p * (n - 1) / ((n - p - 1) ** 2 * (n - p - 3)),
    ),
    r"Where $n>p+3$, here by $j$.",
    Exactly(),
    given={k: j + 4, n: p + 3 + j},
)


def mean_beyond_delta(function, freedom):
    """The mean of a function of chi squared, where this exceeds delta."""
    return sp.Integral(function * sp.Subs(density, k, freedom), (x, delta, sp.oo))


derivation.step(
    "No mean",
    Limit(mean_beyond_delta(1 / x, 2), delta, 0, sp.oo),
    r"For $n=p+1$, so $k=2$, the mean is infinite, and for $n=p$ all the more.",
    Exactly(),
)
derivation.step(
    "No variance",
    Limit(mean_beyond_delta(1 / x**2, 4), delta, 0, sp.oo),
    r"Likewise for $n=p+3$, so $k=4$, and for fewer samples all the more.",
    Exactly(),
)
derivation.step(
    "The limit of the risk",
    Limit(sp.Subs(sigma**2 * p / (n - p - 1), p, (1 - e) * n), n, sp.oo, sigma**2 * (1 - e) / e),
    r"With $p=\kappa n$; it is $\gamma-\sigma^2$ for $\gamma=\sigma^2/(1-\kappa)$.",
    Exactly(),
)
distance = derivation.define(
    "d", (k**2 + 2 * k) / n**2 - 2 * e * k / n + e**2, "the distance of $\\chi^2_k/n$ from $e$"
)
derivation.step(
    "How far the scale is from its limit",
    Equal(chi((x / n - e) ** 2), distance),
    r"The mean of $\chi^2_k$ is $k$, that of its square $k^2+2k$.",
    Exactly(),
)
derivation.step(
    "The scale concentrates",
    Limit(distance, n, sp.oo, sp.Integer(0)),
    r"With $k=n-p+1$ and $p=\kappa n$, $\chi^2_k/n$ tends to $e=1-\kappa$ in mean square. Given "
    r"it, a trained weight $\sqrt p\,\hat\beta_i$ is normal, of variance "
    r"$\kappa\sigma^2/(\Lambda\,\chi^2_k/n)$.",
    Exactly(),
    given={k: e * n + 1},
)


y = derivation.symbol("y", POSITIVE, r"value of $\chi^2_k/n$")
derivation.step(
    "What the scale does to a weight",
    Equal(
        (y - e) ** 2 / (y * e**2) - (1 / sp.sqrt(y) - 1 / sp.sqrt(e)) ** 2,
        (y - e) ** 2 * (y + 2 * sp.sqrt(y * e)) / (y * e**2 * (sp.sqrt(y) + sp.sqrt(e)) ** 2),
    ),
    r"So $(1/\sqrt y-1/\sqrt e)^2 \le (y-e)^2/(ye^2)$.",
    Exactly(),
)
gap = derivation.define(
    "d_1", k / n - 2 * e + e**2 * n / (k - 2), r"the mean of $(y-e)^2/y$ for $y=\chi^2_k/n$"
)
derivation.step(
    "How far a weight is from its channel",
    Equal(chi((x / n - e) ** 2 / (x / n)), gap),
    r"With the same $g_i=H$ in both, $E[(\sqrt p\,\hat\beta_i-X)^2] \le "
    r"\kappa\sigma^2d_1/(\Lambda e^2)$ for $X=B+\sqrt{\kappa\sigma^2/(\Lambda e)}\,H$.",
    Exactly(),
    given={k: j + 2},
)
derivation.step(
    "A weight goes over into its channel",
    Limit(gap, n, sp.oo, sp.Integer(0)),
    r"In mean square, and all weights at once, as $\chi^2_k$ is the same for all: given it their "
    r"errors are independent, so that their empirical law goes to that of $X$.",
    Exactly(),
    given={k: e * n + 1},
)


def trained(inputs):
    """The noise level and the channel of least squares."""
    groups = Groups(*(inputs([column]) for column in (1, Lambda, 0, 1)))
    scalars = (inputs(value) for value in (0, kappa, sigma, 0, -e))
    gamma = noise_level(*scalars, groups, inputs.arithmetic)
    population = Population.isotropic(eigenvalue=inputs(Lambda).item())
    fixed = FixedPoint(inputs(kappa), inputs(0), gamma, inputs(0))
    return gamma, channel(population, fixed, inputs.arithmetic)


derivation.step(
    "The code's channel",
    Computed(kappa * sigma**2 / (Lambda * e), channel, lambda inputs: trained(inputs)[1].noise),
    r"The variance of a weight in the package's channel, $\kappa\gamma/\Lambda$ at $\tau=0$ and "
    r"the package's $\gamma$, is the limit of the exact law.",
    AtPoints(),
    given={kappa: 1 - e},
)
derivation.step(
    "The code's noise level",
    Computed(
        sigma**2 + sigma**2 * (1 - e) / e,
        noise_level,
        lambda inputs: noise_level(
            inputs(0),
            inputs(kappa),
            inputs(sigma),
            inputs(0),
            inputs(-e),
            Groups(*(inputs([column]) for column in (1, Lambda, 0, 1))),
            inputs.arithmetic,
        ),
    ),
    r"Noise and limit of the excess risk are $\gamma$, at $\tau=0$.",
    Exactly(),
    given={kappa: 1 - e},
)
