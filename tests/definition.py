"""The predicted risk by quadrature of its definition; it shares no formula with the package.

A weight of a group has ``B ~ N(m, s²)`` and ``X = Λ/(Λ+τ) B + sqrt(γκΛ)/(Λ+τ) H`` with independent
``H ~ N(0, 1)``.  It is kept if ``Λ^q |X| > t``.  The integral over B is a trapezoidal rule, and the
one over H consists of Gauss-Legendre rules on the intervals where the weight is kept and dropped.
"""

from functools import partial

import numpy as np
from scipy.optimize import brentq

from asymptotics import Population

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
#: Integrals over a standard normal go from -_REACH to _REACH.
_REACH = 9.5


def fixed_point(
    population: Population, kappa: float, sigma: float, ridge: float
) -> tuple[float, float]:
    """The fixed point tau (by bisection of its equation) and the noise level gamma."""
    w, eig = population.weight, population.eigenvalue
    second = population.mean**2 + population.std**2
    tau = 0.0
    if ridge > 0 or kappa * w[eig > 0].sum() > 1:

        def equation(tau: float) -> float:
            return float(1 - ridge / tau - kappa * (w * eig / (eig + tau)).sum())

        tau = float(brentq(equation, 1e-9, 1e9, xtol=1e-14, rtol=1e-14, maxiter=500))
    alive = eig > 0
    w, eig, second = w[alive], eig[alive], second[alive]
    missed = (w * eig * second * tau**2 / (eig + tau) ** 2).sum()
    return tau, float((sigma**2 + missed) / (1 - kappa * (w * eig**2 / (eig + tau) ** 2).sum()))


def _integral(values, low, high):
    """Integral of values(h) φ(h) over [low, high], elementwise for arrays of ends."""
    low, high = np.clip(low, -_REACH, _REACH), np.clip(high, -_REACH, _REACH)
    h = (low + high) / 2 + (high - low) / 2 * _NODES[:, None]
    integrand = values(h) * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
    return (high - low) / 2 * (_WEIGHTS[:, None] * integrand).sum(axis=0)


def _squared_error(mean, noise, h):
    """(B - X)² as a function of H = h, where `mean` is B minus the mean of X given B."""
    return (mean - noise * h) ** 2


def parts(population, tau, gamma, kappa, exponent, t):
    """Fraction kept and excess risk at threshold `t` of the score Λ^q |X|, q = `exponent`."""
    kept = excess = 0.0
    z = np.linspace(-_REACH, _REACH, 801)
    for w, eig, m, s in zip(
        population.weight, population.eigenvalue, population.mean, population.std, strict=True
    ):
        if eig == 0:
            continue
        b = m + s * z if s else np.array([m])
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0]) if s else np.ones(1)
        shrinkage, noise = eig / (eig + tau), np.sqrt(gamma * kappa * eig) / (eig + tau)
        # The weight is dropped for H between `below` and `above`.
        below = (-t / eig**exponent - shrinkage * b) / noise
        above = (t / eig**exponent - shrinkage * b) / noise
        far = np.full_like(b, _REACH)
        for low, high in ((-far, below), (above, far)):
            kept += w * (density * _integral(np.ones_like, low, high)).sum()
            error = _integral(partial(_squared_error, b - shrinkage * b, noise), low, high)
            excess += w * eig * (density * error).sum()
        excess += w * eig * (density * b * b * _integral(np.ones_like, below, above)).sum()
    return kept, excess


def risk(
    population: Population, kappa: float, sigma: float, alpha: float, ridge: float, exponent: float
) -> float:
    """The risk at the threshold that keeps the fraction alpha."""
    tau, gamma = fixed_point(population, kappa, sigma, ridge)
    t = brentq(
        lambda t: parts(population, tau, gamma, kappa, exponent, t)[0] - alpha,
        1e-6,
        1e3,
        xtol=1e-13,
    )
    return float(sigma**2 + parts(population, tau, gamma, kappa, exponent, t)[1])
