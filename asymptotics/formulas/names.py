"""The names of the formulas, with their titles, regimes and sources.

This module does not import SymPy, so that the shell can complete a name quickly.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..theory import COVARIANCE, MAGNITUDE

_HASTIE = "Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560"
_LI = "Li, Sattar, Thrampoulidis, Oymak, arXiv 2006.10903"
_ANY = "any population, every eigenvalue positive"
_ABOVE = f"{_ANY}, ridge or kappa > 1"
_SECOND = f"{_ABOVE}, retrain ridge or kappa alpha > 1"
_TOWARDS = f"{_SECOND}; chi = 0 towards zero, 1 towards the pruned weights"
_TWICE = "every eigenvalue positive, no ridges, kappa < 1"


class Entry(NamedTuple):
    """The title of a formula, the regime in which it holds, and its source, in ASCII."""

    title: str
    regime: str
    source: str


#: The formulas by name.
ENTRIES: Mapping[str, Entry] = {
    "effective-ridge": Entry("Equation of the effective ridge", _ABOVE, _HASTIE),
    "effective-ridge-isotropic": Entry(
        "Effective ridge of equal eigenvalues", "Lambda = 1, no ridge, kappa > 1", _HASTIE
    ),
    "effective-ridge-isotropic-ridge": Entry(
        "Effective ridge of equal eigenvalues, with ridge", "Lambda = 1", _HASTIE
    ),
    "effective-ridge-two-eigenvalues": Entry(
        "Effective ridge of two eigenvalues",
        "a fraction w_1 at Lambda_1, no ridge, kappa > 1",
        _HASTIE,
    ),
    "noise-level": Entry("Noise level: the risk before pruning", _ABOVE, _HASTIE),
    "noise-level-least-squares": Entry(
        "Noise level of least squares", "no ridge, kappa < 1", _HASTIE
    ),
    "noise-level-isotropic": Entry(
        "Noise level of equal eigenvalues",
        "Lambda = 1, E[B^2] = b^2, no ridge, kappa > 1",
        _HASTIE,
    ),
    "noise-level-isotropic-ridge": Entry(
        "Noise level of equal eigenvalues, with ridge",
        "Lambda = 1, E[B^2] = b^2, ridge or kappa > 1",
        _HASTIE,
    ),
    "shrinkage": Entry("Shrinkage of a trained weight", _ANY, _LI),
    "weight-noise": Entry("Variance of a trained weight given its coefficient", _ANY, _LI),
    "null-risk": Entry("Risk of the model that predicts zero", _ANY, _LI),
    **{
        f"threshold-{rule}": Entry(f"Equation of the threshold of {rule} pruning", _ANY, _LI)
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"pruned-risk-{rule}": Entry(f"Risk after {rule} pruning", _ANY, _LI)
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"effective-ridge-slope-{name}": Entry(
            f"Derivative of the effective ridge in {name}", _ABOVE, "implicit differentiation"
        )
        for name in ("kappa", "ridge")
    },
    **{
        f"noise-level-slope-{name}": Entry(
            f"Derivative of the noise level in {name}", _ABOVE, "implicit differentiation"
        )
        for name in ("kappa", "sigma", "ridge")
    },
    **{
        f"pruned-risk-slope-{name}-{rule}": Entry(
            f"Derivative of the risk after {rule} pruning in {name}",
            _ABOVE,
            "implicit differentiation",
        )
        for name in ("kappa", "sigma", "alpha", "ridge")
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"{name}-{rule}": Entry(title.format(rule), regime, "derived here")
        for name, title, regime in (
            (
                "second-effective-ridge",
                "Equation of the second effective ridge, after {} pruning",
                _SECOND,
            ),
            (
                "second-fit-stein",
                "First equation for theta and h, after {} pruning: Stein's identity",
                _TOWARDS,
            ),
            (
                "second-fit-errors",
                "Second equation for theta and h, after {} pruning: covariance of the errors",
                _TOWARDS,
            ),
            ("retrained-risk", "Risk after {} pruning and a second fit", _TOWARDS),
            (
                "retrained-risk-least-squares",
                "Risk after least squares, {} pruning and least squares",
                _TWICE,
            ),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    "second-effective-ridge-random": Entry(
        "Equation of the second effective ridge, after random pruning", _SECOND, _HASTIE
    ),
    "retrained-risk-random": Entry(
        "Risk after random pruning and a second fit towards zero", _SECOND, _HASTIE
    ),
    "retrained-risk-least-squares-random": Entry(
        "Risk after least squares, random pruning and least squares",
        _TWICE,
        _HASTIE,
    ),
    "retrained-error": Entry(
        "Error of a retrained weight, X = a B + N before, beside noise that is new to it",
        _TOWARDS,
        "derived here",
    ),
    "limit-kappa-0": Entry("Noise level of few features", "kappa -> 0, with ridge", "derived here"),
    "limit-kappa-1-below": Entry(
        "Noise level below the interpolation threshold",
        "no ridge, kappa -> 1 from below: exact",
        _HASTIE,
    ),
    "limit-kappa-1-above": Entry(
        "Noise level above the interpolation threshold",
        "no ridge, kappa -> 1 from above, up to terms that vanish",
        "derived here",
    ),
    "limit-kappa-1-above-without-noise": Entry(
        "Noise level above the interpolation threshold, without noise",
        "no ridge, sigma = 0, kappa -> 1 from above, to first order",
        "derived here",
    ),
    "limit-kappa-infinity": Entry(
        "Noise level of many features",
        "no ridge, kappa -> infinity, to first order in 1/kappa",
        "derived here",
    ),
    "limit-sigma-0": Entry(
        "Noise level without noise",
        "no ridge, kappa > 1, every eigenvalue positive, sigma = 0",
        "derived here",
    ),
    "limit-sigma-infinity": Entry(
        "Noise level of much noise",
        f"{_ABOVE}, sigma -> infinity: the leading term",
        "derived here",
    ),
    "limit-ridge-0": Entry(
        "Noise level of a small ridge", "kappa < 1, r -> 0, to first order", "derived here"
    ),
    "limit-ridge-infinity": Entry(
        "Noise level of a large ridge", "r -> infinity, to first order in 1/r", "derived here"
    ),
    "limit-alpha-0": Entry(
        "Risk with hardly a weight kept",
        "alpha -> 0; what is missing falls faster than any power of the threshold",
        "derived here",
    ),
    "limit-alpha-1": Entry("Risk with all weights kept", f"{_ABOVE}, alpha -> 1", "derived here"),
}


def titles() -> dict[str, str]:
    """The names of all formulas, each with its title and regime."""
    return {name: f"{entry.title} ({entry.regime})" for name, entry in ENTRIES.items()}
