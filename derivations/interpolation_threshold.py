r"""The noise level around the interpolation threshold, where features and samples are as many."""

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
)
from asymptotics.theory.fixed_point import noise_level

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
e = derivation.symbol("e", POSITIVE, r"$1-\kappa$")
w = derivation.symbol("w_+", UNIT, r"$P(\Lambda>0)$")
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
    Limit(gamma / (kappa - 1), tau, 0, Mean(B**2 / Lambda) / Mean(1 / Lambda) ** 2),
    r"At the threshold the model finds every coefficient; beyond it the error rises linearly.",
    Exactly(),
    given={**curve, sigma: sp.Integer(0)},
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
    Limit(some / (kappa * w - 1), tau, 0, w * Mean(B**2 / Lambda) / Mean(1 / Lambda) ** 2),
    r"The numerator is an expectation over all features, $E[B^2/\Lambda;\Lambda>0]$; the "
    r"denominator is one over those of positive eigenvalue.",
    Exactly(),
    given={**some_curve, sigma: sp.Integer(0)},
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
        (1 / taken - 1) * sigma**2 / (1 - (taken + tau * sp.Derivative(taken, tau)) / taken),
        tau,
        0,
        2 * sigma**2,
    ),
    r"With $\kappa=1/M$ the denominator of $\gamma$ is "
    r"$1-\kappa(M+\tau M')$, as $E[\Lambda^2/(\Lambda+\tau)^2]=M+\tau M'$: $\gamma$ falls as "
    r"$\sigma^2/(b(\kappa-1))$, here with $b=1/2$. Small eigenvalues make the peak wider.",
    Exactly(),
)
below = derivation.define("gamma_-", sigma**2 / (1 - kappa), "the noise level of least squares")
derivation.step(
    "From below",
    Limit(below, kappa, 1, sp.oo, "-"),
    "It grows without bound.",
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
