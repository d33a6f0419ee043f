r"""Least squares at finite size: its exact risk, and the way to its limit."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    UNIT,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    above,
)
from asymptotics.population import Groups
from asymptotics.theory.fixed_point import noise_level

derivation = Derivation(
    "Least squares at finite size",
    r"""For $n>p$ Gaussian samples least squares errs by $\hat\beta-\beta^* =
    \sigma\,\Sigma^{-1/2} g/\sqrt{\chi^2_k}$, with $k=n-p+1$ and $g\sim N(0,I_p)$ independent of the
    $\chi^2$: given the direction of the error, its length is set by the residual of one column of
    the design on the others. The excess risk is $\sigma^2\|g\|^2/\chi^2_k$.""",
    source="Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560; Muirhead, Aspects of "
    "Multivariate Statistical Theory (1982), section 3.2",
)
n = derivation.symbol("n", POSITIVE, "samples")
p = derivation.symbol("p", POSITIVE, "features")
kappa = derivation.symbol("kappa", UNIT, "features per sample, $p/n$")
e = derivation.symbol("e", UNIT, r"$1-\kappa$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
ell = derivation.symbol("ell", POSITIVE, "an eigenvalue")
k = derivation.symbol("k", above(4), r"degrees of freedom of the $\chi^2$")
j = derivation.symbol("j", POSITIVE, r"$k-4$")
x = derivation.symbol("x", POSITIVE, r"value of the $\chi^2$")

density = derivation.define(
    "f",
    x ** (k / 2 - 1) * sp.exp(-x / 2) / (2 ** (k / 2) * sp.gamma(k / 2)),
    r"the density of $\chi^2_k$",
)
derivation.step(
    "Mean of the inverse",
    Equal(sp.Integral(density / x, (x, 0, sp.oo)), 1 / (k - 2)),
    r"An integral of Euler's; it is finite for $k>2$.",
    Exactly(),
    given={k: j + 4},
)
derivation.step(
    "Mean of its square",
    Equal(sp.Integral(density / x**2, (x, 0, sp.oo)), 1 / ((k - 2) * (k - 4))),
    r"Likewise; it is finite for $k>4$.",
    Exactly(),
    given={k: j + 4},
)
excess = derivation.define(
    "R_n", sigma**2 * p / (n - p - 1), r"the mean excess risk, with $E\|g\|^2=p$ and $k=n-p+1$"
)
derivation.step(
    "From the moment to the risk",
    Equal(excess, sigma**2 * p * sp.Subs(1 / (k - 2), k, n - p + 1)),
    r"Numerator and denominator are independent.",
    Exactly(),
)
derivation.step(
    "No mean",
    Limit(excess, n, p + 1, sp.oo, "+"),
    r"As $n$ comes down to $p+1$ the mean grows without bound; at $n\le p+1$ it is infinite.",
    Exactly(),
)
spread = derivation.define(
    "S",
    sigma**4 * ((p**2 + 2 * p) / ((n - p - 1) * (n - p - 3)) - p**2 / (n - p - 1) ** 2),
    r"its variance, with $E\|g\|^4=p^2+2p$",
)
derivation.step(
    "No variance",
    Limit(spread, n, p + 3, sp.oo, "+"),
    r"And the variance as $n$ comes down to $p+3$.",
    Exactly(),
)
derivation.step(
    "The limit of the risk",
    Limit(sp.Subs(excess, p, kappa * n), n, sp.oo, sigma**2 * kappa / e),
    r"With $p=\kappa n$; it is $\gamma-\sigma^2$ for $\gamma=\sigma^2/(1-\kappa)$.",
    Exactly(),
    given={kappa: 1 - e},
)
derivation.step(
    "How fast",
    Limit(
        n * (sp.Subs(excess, p, kappa * n) - sigma**2 * kappa / e),
        n,
        sp.oo,
        sigma**2 * kappa / e**2,
    ),
    r"The difference falls as $1/n$.",
    Exactly(),
    given={kappa: 1 - e},
)
derivation.step(
    "It concentrates",
    Limit(sp.Subs(spread, p, kappa * n), n, sp.oo, sp.Integer(0)),
    "The risk of a single problem is the mean, in the limit.",
    Exactly(),
    given={kappa: 1 - e},
)
derivation.step(
    "The noise of a weight",
    Limit(
        sp.Subs(p * sigma**2 / (ell * (n - p - 1)), p, kappa * n),
        n,
        sp.oo,
        kappa * (sigma**2 / e) / ell,
    ),
    r"$p$ times the variance of $\hat\beta_i$ tends to the channel's, $\kappa\gamma/\Lambda$.",
    Exactly(),
    given={kappa: 1 - e},
)


def one_group(inputs):
    return Groups(inputs([1]), inputs([ell]), inputs([0]), inputs([1]))


derivation.step(
    "The code's noise level",
    Computed(
        sigma**2 + sigma**2 * kappa / e,
        noise_level,
        lambda inputs: noise_level(
            inputs(0),
            inputs(kappa),
            inputs(sigma),
            inputs(0),
            inputs(-e),
            one_group(inputs),
            inputs.arithmetic,
        ),
    ),
    r"Noise and excess risk are $\gamma$, at $\tau=0$.",
    Exactly(),
    given={kappa: 1 - e},
)
