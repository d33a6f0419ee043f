"""The best masks by brute force over a grid of trained weights; no formula of the package is used.

For every eigenvalue the posterior of B given X = x is a sum over nodes of the prior.  The weights
of a fine grid of x are ranked by their gain, and kept from the top.
"""

import numpy as np

from asymptotics import Population
from tests import definition

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(90)
_REACH = 10.0
_POINTS = 8_001


def _laws(population: Population, tau: float, variance: float):
    """For each positive eigenvalue: it, points x, masses of x, E[B|x] and Var(B|x)."""
    for eig in np.unique(population.eigenvalue[population.eigenvalue > 0]):
        a, v = eig / (eig + tau), variance * eig / (eig + tau) ** 2
        some = np.flatnonzero(population.eigenvalue == eig)
        mean, std, weight = (getattr(population, name)[some] for name in ("mean", "std", "weight"))
        b = (mean[:, None] + std[:, None] * _NODES).ravel()
        prior = (weight[:, None] * _WEIGHTS / _WEIGHTS.sum()).ravel()
        reach = np.sqrt(a * a * std * std + v) * _REACH
        x = np.linspace((a * mean - reach).min(), (a * mean + reach).max(), _POINTS)
        density = prior * np.exp(-((x[:, None] - a * b) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
        total = density.sum(axis=1)
        eta = density @ b / total
        spread = density @ b**2 / total - eta**2
        yield eig, x, total * (x[1] - x[0]), eta, spread


def risk(
    population: Population, kappa: float, sigma: float, alpha: float, ridge: float, rule: str
) -> float:
    """The risk of the best mask (`optimal`), or the best estimate (`shrunk`), of a given size."""
    tau, gamma = definition.fixed_point(population, kappa, sigma, ridge)
    gains, masses, dropped = [np.zeros(1)], [np.zeros(1)], 0.0
    for eig, x, mass, eta, spread in _laws(population, tau, kappa * gamma):
        kept = x if rule == "optimal" else eta
        signal, error = eig * (spread + eta**2), eig * (spread + (eta - kept) ** 2)
        gains.append(signal - error)
        masses.append(mass)
        dropped += (mass * signal).sum()
    gain, mass = np.concatenate(gains), np.concatenate(masses)
    masses[0][0] = mass[0] = population.weight[population.eigenvalue == 0].sum()
    order = np.argsort(-gain)
    kept_mass = np.concatenate([[0], np.cumsum(mass[order])])
    gained = np.concatenate([[0], np.cumsum((mass * gain)[order])])
    return float(sigma**2 + dropped - np.interp(alpha, kept_mass, gained))
