r"""Limits of training: few and many features, small and large ridge."""

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
    between,
)
from asymptotics.theory import noise_level

derivation = Derivation(
    "Limits of training",
    r"""The effective ridge $\tau$ is implicit, but $\kappa$ is an explicit function of $\tau$ and
    the ridge $r$, and $r$ one of $\tau$ and $\kappa$. So the curve of solutions is followed in
    $\tau$, and every limit is one of an explicit expression.""",
    source="Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560; the corrections are derived "
    "here",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
r = derivation.symbol("r", POSITIVE, "ridge")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
e = derivation.symbol("e", POSITIVE, r"distance of $\kappa$ from 1, or $1/\kappa$")
tau_0 = derivation.symbol("tau_0", POSITIVE, "effective ridge without ridge")
j = derivation.symbol("j", between(0, 1, low_included=True), r"$r/\tau$, which is less than 1")
ell = derivation.symbol("lambda", POSITIVE, "one eigenvalue")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue")
B = derivation.random("B", REAL, "coefficient")

M = derivation.define("M", Mean(Lambda / (Lambda + tau)), "what the features take of the noise")
missed = tau**2 * Mean(Lambda * B**2 / (Lambda + tau) ** 2)
gamma = derivation.define(
    "gamma",
    (sigma**2 + missed) / (1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    "the noise level",
)
null = derivation.define(
    "R_0", sigma**2 + Mean(Lambda * B**2), "the risk of the model that predicts zero"
)
kappa_of = {kappa: (1 - r / tau) / M}
ridge_of = {r: tau * (1 - kappa * M)}
ridgeless = {kappa: 1 / M}

derivation.step(
    "Few features",
    Limit(kappa, tau, r, sp.Integer(0)),
    r"With ridge, $\kappa\to0$ where $\tau\to r$ from above.",
    Exactly(),
    given=kappa_of,
)
derivation.step(
    "Noise level of few features",
    Limit(gamma, tau, r, sigma**2 + r**2 * Mean(Lambda * B**2 / (Lambda + r) ** 2)),
    r"That of $X=\Lambda B/(\Lambda+r)$: nothing but the ridge shrinks a weight.",
    Exactly(),
    given=kappa_of,
)
derivation.step(
    "Noise of a weight of few features",
    Limit(gamma * kappa * ell / (ell + tau) ** 2, tau, r, sp.Integer(0)),
    r"And $\Lambda/(\Lambda+\tau)\to\Lambda/(\Lambda+r)$: so the law of a trained weight goes to "
    r"that $X$.",
    Exactly(),
    given=kappa_of,
)
derivation.step(
    "Many features, no ridge",
    Limit(tau / kappa, tau, sp.oo, Mean(Lambda)),
    r"$\tau$ grows with $\kappa$, as $\kappa E[\Lambda]$.",
    Exactly(),
    given=ridgeless,
)
derivation.step(
    "Noise level of many features",
    Limit(gamma, tau, sp.oo, null),
    "Every weight is shrunk to nothing: the null risk.",
    Exactly(),
    given=ridgeless,
)
size = derivation.define(
    "S",
    Mean(Lambda**3 * B**2 / (Lambda + tau) ** 2)
    + kappa * gamma * Mean(Lambda**2 / (Lambda + tau) ** 2),
    r"$E[\Lambda X^2]$, of the weights of the trained model",
)
derivation.step(
    "Weights of many features",
    Limit(size, tau, sp.oo, sp.Integer(0)),
    r"Pruning by any rule changes the risk by $|E[\Lambda(2BX-X^2);\,kept]| \le "
    r"2\sqrt{E[\Lambda B^2]\,S}+S$: the pruned risk too goes to the null risk, at any $\alpha$.",
    Exactly(),
    given=ridgeless,
)
derivation.step(
    "How the null risk is left",
    Limit(
        kappa * (gamma - null),
        tau,
        sp.oo,
        (null * Mean(Lambda**2) - 2 * Mean(Lambda) * Mean(Lambda**2 * B**2)) / Mean(Lambda) ** 2,
    ),
    r"To first order in $1/\kappa$ training helps if the signal outweighs what the noise costs.",
    Exactly(),
    given=ridgeless,
)
derivation.step(
    "Large ridge",
    Limit(r - tau, tau, sp.oo, -kappa * Mean(Lambda)),
    r"$\tau$ is the ridge, and $\kappa E[\Lambda]$ that the features add.",
    Exactly(),
    given=ridge_of,
)
derivation.step(
    "Noise level of a large ridge",
    Limit(gamma, tau, sp.oo, null),
    "Again nothing is learned.",
    Exactly(),
    given=ridge_of,
)
derivation.step(
    "Weights of a large ridge",
    Limit(size, tau, sp.oo, sp.Integer(0)),
    r"Likewise: the pruned risk goes to the null risk, at any $\alpha$.",
    Exactly(),
    given=ridge_of,
)
derivation.step(
    "A large ridge always beats an infinite one",
    Limit(r * (gamma - null), tau, sp.oo, -2 * Mean(Lambda**2 * B**2)),
    r"To first order in $1/r$ the noise does not enter: unless $\Lambda B=0$ throughout, a little "
    r"training helps.",
    Exactly(),
    given=ridge_of,
)
derivation.step(
    "Small ridge, fewer features than samples",
    Limit(r / tau, tau, 0, e / (1 + e)),
    r"With $\kappa=1/(1+e)<1$: $\tau$ vanishes with the ridge, as $r/(1-\kappa)$.",
    Exactly(),
    given={r: tau * (1 - M / (1 + e)), kappa: 1 / (1 + e)},
)
derivation.step(
    "It goes over into least squares",
    Limit(gamma, tau, 0, sigma**2 * (1 + e) / e),
    r"The noise level becomes $\sigma^2/(1-\kappa)$, that without ridge.",
    Exactly(),
    given={kappa: 1 / (1 + e)},
)
derivation.step(
    "The first gain of a ridge",
    Limit(
        (gamma - sigma**2 / (1 - kappa)) / r,
        tau,
        0,
        -2 * sigma**2 * (1 + e) ** 2 / e**3 * Mean(1 / Lambda),
    ),
    r"It is $-2\kappa\sigma^2E[1/\Lambda]/(1-\kappa)^3$: with noise some ridge beats none.",
    Exactly(),
    given={r: tau * (1 - M / (1 + e)), kappa: 1 / (1 + e)},
)
at_zero = {kappa: 1 / Mean(Lambda / (Lambda + tau_0))}
ridge = derivation.define("r_tau", tau * (1 - kappa * M), "the ridge of an effective ridge")
derivation.step(
    "The ridge rises with the effective ridge",
    Equal(
        sp.Derivative(ridge, tau),
        (tau * Mean(Lambda / (Lambda + tau) ** 2) + j * Mean(Lambda**2 / (Lambda + tau) ** 2)) / M,
    ),
    r"Wherever the ridge $r=j\tau$ is not negative: so each ridge has one effective ridge, which "
    r"depends on it continuously, as long as it is positive.",
    Exactly(),
    given={kappa: (1 - j) / M},
)
derivation.step(
    "Small ridge, more features than samples",
    Limit(ridge, tau, tau_0, sp.Integer(0)),
    r"For $\kappa>1$ the ridge is 0 at a positive $\tau_0$, where $\kappa M=1$: as $r\to0$ the "
    r"effective ridge comes down to $\tau_0$, that of the minimum-norm interpolator.",
    Exactly(),
    given=at_zero,
)
derivation.step(
    "It goes over into the interpolator",
    Equal(
        1 - kappa * Mean(Lambda**2 / (Lambda + tau_0) ** 2),
        kappa * tau_0 * Mean(Lambda / (Lambda + tau_0) ** 2),
    ),
    r"At $\tau_0$ the denominator of $\gamma$ is positive, so that $\gamma$ is a continuous "
    r"function of "
    r"$\tau$ there: the noise level too goes to that without ridge.",
    Exactly(),
    given=at_zero,
)
derivation.step(
    "Small ridge, as many features as samples",
    Limit(ridge * gamma**2, tau, 0, sigma**4 / (4 * Mean(1 / Lambda))),
    r"The exception: at $\kappa=1$ the noise level grows as $\sigma^2/(2\sqrt{rE[1/\Lambda]})$.",
    Exactly(),
    given={kappa: sp.Integer(1)},
)
derivation.step(
    "The code's noise level",
    Computed(
        gamma,
        noise_level,
        lambda inputs: noise_level(
            inputs(tau),
            inputs(kappa),
            inputs(sigma),
            inputs(0),
            inputs(1),
            inputs.groups(Lambda, mean=B),
            inputs.arithmetic,
        ),
    ),
    "Without ridge, on the curve.",
    Exactly(),
    given=ridgeless,
)
