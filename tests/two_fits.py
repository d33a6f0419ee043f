"""The risk after a refit, by the joint law of two fits to one data set.

It shares no formula with the package but the first fit's law (tau, gamma) and its threshold.  A
weight of the first fit is ``X = aR``, ``R = B + √(κ/Λ) G``; one of the second is
``X₂ = W(B + √(κ/Λ)(θG + sH) + cV)`` on the kept weights, with ``V = R - X`` and ``H`` independent.
Two equations give θ and c: the covariance of the two errors, computed in two ways, and Stein's
identity for ``E[G √Λ X₂]``.  All moments over the kept weights are integrals by quadrature.
"""

from typing import Any

import numpy as np
from scipy.integrate import quad_vec
from scipy.optimize import brentq

_REACH = 12.0


def _moments(cut: Any, mean: float, std: float, a: float, v: float) -> np.ndarray[Any, Any]:
    """E[(1, B, N)(1, B, N)ᵀ; kept] for X = aB + N, by quadrature over X.

    A weight is kept if ``|X| > cut``, or in one of several intervals of X.
    """
    center, variance = a * mean, a * a * std * std + v
    spread = np.sqrt(variance)
    slope, rest = a * std * std / variance, std * std * v / variance

    def outer(x: float) -> np.ndarray[Any, Any]:
        b = mean + slope * (x - center)
        basis = np.array([1.0, b, x - a * b])
        # Given X, B varies by `rest` and N = X - aB against it.
        direction = np.array([0.0, 1.0, -a])
        return np.outer(basis, basis) + rest * np.outer(direction, direction)

    def integrand(z: float) -> np.ndarray[Any, Any]:
        return outer(center + spread * z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    kept = [(-np.inf, -cut), (cut, np.inf)] if isinstance(cut, float) else cut
    parts = np.clip((np.array(kept) - center) / spread, -_REACH, _REACH).tolist()
    found: np.ndarray[Any, Any] = sum(
        quad_vec(integrand, low, high, epsabs=1e-14)[0] for low, high in parts
    )
    return found


def risk(
    population: Any,
    fixed: tuple[float, float, float],
    sigma: float,
    cuts: Any,
    ridge: float,
    towards: float = 0.0,
) -> float:
    """The risk of the second fit; `fixed` is (kappa, tau, gamma), `cuts` those of each group."""
    kappa, tau, gamma = fixed
    groups = [
        (w, eig, m, s, cut)
        for w, eig, m, s, cut in zip(
            population.weight, population.eigenvalue, population.mean, population.std, cuts,
            strict=True,
        )
        if eig > 0
    ]  # fmt: skip
    kept = [
        _moments(cut, m, s, eig / (eig + tau), gamma * kappa * eig / (eig + tau) ** 2)
        for _, eig, m, s, cut in groups
    ]
    weights = np.array([w for w, *_ in groups])
    mass = weights * np.array([moment[0, 0] for moment in kept])
    eigenvalue = np.array([eig for _, eig, *_ in groups])

    tau_2 = 0.0
    if ridge > 0 or kappa * mass.sum() > 1:

        def equation(log_tau: float) -> float:
            t = np.exp(log_tau)
            return float(1 - ridge / t - kappa * (mass * eigenvalue / (eigenvalue + t)).sum())

        tau_2 = float(np.exp(brentq(equation, -60, 60, xtol=1e-15)))
    seen = eigenvalue / (eigenvalue + tau_2)
    free = 1 - kappa * (mass * seen).sum()

    # Linear in (1, theta, c): covariance of the errors, and E[G √Λ X₂]/√κ.
    covariance, stein = np.zeros(3), np.zeros(3)
    lost = 0.0
    for moment, (w, eig, m, s, _), factor in zip(kept, groups, seen, strict=True):
        a = eig / (eig + tau)
        # In (B, N): the error of the first fit, G √(κ/Λ) = N/a, and V = X τ/Λ.
        first = np.array([a - 1, 1.0])
        noise, left = np.array([0, 1 / a]), np.array([a, 1.0]) * tau / eig
        plain = np.array([factor + towards * (1 - factor) * a, towards * (1 - factor)])
        second = np.array([plain - [1, 0], factor * noise, factor * left])
        inner, whole = moment[1:, 1:], np.diag([m * m + s * s, gamma * kappa * a * a / eig])
        covariance += w * eig * second @ inner @ first
        dropped = whole - inner
        covariance[0] += w * eig * (np.array([-1, 0]) @ dropped @ first)
        lost += w * eig * dropped[0, 0]
        # E[G √Λ X₂]/√κ with G = √(Λ/κ) N/a.
        trained = np.array([plain, factor * noise, factor * left])
        stein += w * eig / kappa * trained @ inner @ noise
    covariance[0] += sigma**2
    matrix = np.array(
        [
            [covariance[1] - gamma, covariance[2]],
            [stein[1] - gamma * (mass * seen).sum(), stein[2] + gamma * free / kappa],
        ]
    )
    if tau == 0:  # V is 0
        theta, c = -covariance[0] / matrix[0, 0], 0.0
    else:
        theta, c = np.linalg.solve(matrix, -np.array([covariance[0], stein[0]]))
    total = sigma**2 + lost
    for moment, (w, eig, *_), factor in zip(kept, groups, seen, strict=True):
        a = eig / (eig + tau)
        plain = np.array([factor + towards * (1 - factor) * a, towards * (1 - factor)])
        error = plain - [1, 0]
        error = error + factor * (theta * np.array([0, 1 / a]) + c * np.array([a, 1]) * tau / eig)
        total += w * eig * error @ moment[1:, 1:] @ error
    used = kappa * (mass * seen * seen).sum()
    return float((total - theta**2 * gamma * used) / (1 - used))
