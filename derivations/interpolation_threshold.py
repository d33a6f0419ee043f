r"""The noise level around the interpolation threshold, where features and samples are as many."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtMost,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
)
from asymptotics.theory import noise_level

derivation = Derivation(
    "Around the interpolation threshold",
    r"""Without ridge the effective ridge $\tau$ is 0 up to $\kappa=1$ and rises from there: on the
    curve $\kappa = 1/E[\Lambda/(\Lambda+\tau)]$ the threshold is approached from above as
    $\tau\to0$.""",
    source="Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560; the rates without noise, with "
    "eigenvalues 0 and of a power law are derived here",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
e = derivation.symbol("e", POSITIVE, r"$1-\kappa$, or $1/b-1$")
w = derivation.symbol("w_+", UNIT, r"$P(\Lambda>0)$")
b = derivation.symbol("b", UNIT, "exponent of the law of small eigenvalues")
b0 = derivation.symbol("b_0", POSITIVE, "root mean square of coefficients, the same for all")
h = derivation.symbol("h", POSITIVE, r"variable of integration, $\Lambda/\tau$")
y = derivation.symbol("y", POSITIVE, "root of an eigenvalue of the power law")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, where it is positive")
B = derivation.random("B", REAL, "coefficient")

signal = tau**2 * Mean(Lambda * B**2 / (Lambda + tau) ** 2)
gamma = derivation.define(
    "gamma",
    (sigma**2 + signal) / (1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    "the noise level, where all eigenvalues are positive",
)
curve = {kappa: 1 / Mean(Lambda / (Lambda + tau))}
derivation.step(
    "The threshold",
    Limit(kappa, tau, 0, sp.Integer(1)),
    r"The curve comes from $\kappa=1$.",
    Exactly(),
    given=curve,
)
derivation.step(
    "How it is left",
    Limit((kappa - 1) / tau, tau, 0, Mean(1 / Lambda)),
    r"To first order $\kappa-1 = \tau E[1/\Lambda]$, for eigenvalues that stay away from 0.",
    Exactly(),
    given=curve,
)
derivation.step(
    "With noise",
    Limit((kappa - 1) * gamma, tau, 0, sigma**2),
    r"$\gamma$ falls as $\sigma^2/(\kappa-1)$, where $E[1/\Lambda]$ is finite.",
    Exactly(),
    given=curve,
)
derivation.step(
    "Without noise",
    Limit(
        sp.Subs(gamma, sigma, 0) / (kappa - 1), tau, 0, Mean(B**2 / Lambda) / Mean(1 / Lambda) ** 2
    ),
    r"At the threshold the model finds every coefficient; beyond it the error rises linearly.",
    Exactly(),
    given=curve,
)
some = derivation.define(
    "gamma_w",
    (sigma**2 + w * signal) / (1 - kappa * w * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    r"the noise level, where only a fraction $w_+$ of the eigenvalues is positive and $E$ is over "
    r"these",
)
some_curve = {kappa: 1 / (w * Mean(Lambda / (Lambda + tau)))}
derivation.step(
    "Features of eigenvalue 0, with noise",
    Limit((kappa * w - 1) * some, tau, 0, sigma**2),
    r"They count in nothing: the threshold is at $\kappa_+=\kappa w_+=1$.",
    Exactly(),
    given=some_curve,
)
derivation.step(
    "Features of eigenvalue 0, without noise",
    Limit(
        sp.Subs(some, sigma, 0) / (kappa * w - 1),
        tau,
        0,
        w * Mean(B**2 / Lambda) / Mean(1 / Lambda) ** 2,
    ),
    r"The numerator is an expectation over all features, $E[B^2/\Lambda;\Lambda>0]$; the "
    r"denominator is one over those of positive eigenvalue.",
    Exactly(),
    given=some_curve,
)
lost = derivation.define("g", Mean(tau / (Lambda + tau)), "what shrinkage loses, $1/\\kappa=1-g$")
derivation.step(
    "The rate is the index of the loss",
    Equal((kappa - 1) * gamma, (sigma**2 + signal) * lost / (tau * sp.Derivative(lost, tau))),
    r"On the curve, for any law of positive eigenvalues. As $\tau\to0$ the signal vanishes (next "
    r"step), so that $(\kappa-1)\gamma\to\sigma^2/b$ where $\tau g'/g\to b$: where $g$ goes as "
    r"$\tau^b$. If $E[1/\Lambda]$ is finite, $g\sim\tau E[1/\Lambda]$ and $b=1$.",
    Exactly(),
    given=curve,
)
derivation.step(
    "The signal vanishes",
    AtMost(tau**2 * Lambda / (Lambda + tau) ** 2 * B**2, Lambda * B**2),
    r"Each integrand goes to 0 and is at most $\Lambda B^2$, so that its mean goes to 0 if "
    r"$E[\Lambda B^2]$ is finite, by dominated convergence.",
    Exactly(),
)
derivation.step(
    "A law of small eigenvalues",
    Equal(sp.Integral(b * h ** (b - 1) / (1 + h), (h, 0, sp.oo)), sp.pi * b / sp.sin(sp.pi * b)),
    r"If $P(\Lambda<x)=x^b$ up to $x=1$, with $0<b<1$, then with $\Lambda=\tau h$ "
    r"$g/\tau^b = \int_0^{1/\tau} bh^{b-1}/(1+h)\,dh$, which goes to this, and likewise $\tau "
    r"g'/\tau^b$ to "
    r"$b$ times it: $\gamma$ falls as $\sigma^2/(b(\kappa-1))$. Small eigenvalues make the peak "
    r"wider.",
    Exactly(),
    given={b: 1 / (1 + e)},
)
derivation.step(
    "Its slope",
    Equal(sp.Integral(b * h**b / (1 + h) ** 2, (h, 0, sp.oo)), b * sp.pi * b / sp.sin(sp.pi * b)),
    r"The limit of $\tau g'/\tau^b$, as $\tau g'=E[\tau\Lambda/(\Lambda+\tau)^2]$.",
    Exactly(),
    given={b: 1 / (1 + e)},
)
z = sp.sqrt(tau)
taken = derivation.define(
    "M", 1 - z * sp.atan(1 / z), r"$E[\Lambda/(\Lambda+\tau)]$ of the law $P(\Lambda<x)=\sqrt x$"
)
derivation.step(
    "A law whose density grows at 0",
    Equal(sp.Integral(y**2 / (y**2 + tau), (y, 0, 1)), taken),
    r"With $\Lambda=y^2$, $y$ is uniform on $(0,1)$.",
    Exactly(),
)
derivation.step(
    "Its noise level near the threshold",
    Limit(
        (1 / taken - 1)
        * (sigma**2 - tau**2 * b0**2 * sp.Derivative(taken, tau))
        / (1 - (taken + tau * sp.Derivative(taken, tau)) / taken),
        tau,
        0,
        2 * sigma**2,
    ),
    r"In full for $b=1/2$ and $E[B^2|\Lambda]=b_0^2$: with $\kappa=1/M$, "
    r"$E[\Lambda^2/(\Lambda+\tau)^2]=M+\tau M'$ and $E[\Lambda/(\Lambda+\tau)^2]=-M'$.",
    Exactly(),
)
below = derivation.define("gamma_-", sigma**2 / (1 - kappa), "the noise level of least squares")
derivation.step(
    "From below",
    Limit(below, kappa, 1, sp.oo, "-"),
    r"It is $\sigma^2/(1-\kappa)$ itself, whatever the eigenvalues, and grows without bound.",
    Exactly(),
)


def code(tau, excess):
    return lambda inputs: noise_level(
        inputs(tau),
        inputs(kappa),
        inputs(sigma),
        inputs(0),
        inputs(excess),
        inputs.groups(Lambda, mean=B),
        inputs.arithmetic,
    )


derivation.step(
    "The code, below",
    Computed(below, noise_level, code(0, -e)),
    r"Least squares, with the excess $\kappa-1=-e$.",
    Exactly(),
    given={kappa: 1 - e},
)
derivation.step(
    "The code, above",
    Computed(gamma, noise_level, code(tau, 1)),
    "Minimum norm, on the curve.",
    Exactly(),
    given=curve,
)
