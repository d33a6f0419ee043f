"""The formulas by name, with what they hold for and where they come from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from ..errors import unknown_name
from ..theory import COVARIANCE, MAGNITUDE
from .derivatives import risk_slope, slope_of
from .formula import Formula
from .limits import from_above, from_above_without_noise, large_ridge, many_features, small_ridge
from .symbols import (
    ALPHA,
    CHANNEL,
    EIGENVALUE,
    GAMMA,
    KAPPA,
    MEAN,
    NOISE,
    RIDGE,
    SHRINKAGE,
    SIGMA,
    STD,
    TAU,
    Parts,
    balance,
    isotropic_ridge,
    least_squares_level,
    level,
    of_rule,
    one_group,
    two_eigenvalue_ridge,
)  # fmt: skip

_HASTIE = "Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560"
_LI = "Li, Sattar, Thrampoulidis, Oymak, arXiv 2006.10903"


@dataclass(frozen=True)
class _Entry:
    title: str
    regime: str
    source: str
    build: Callable[[], Parts]


def _value(left: Any, right: Callable[[], Any]) -> Callable[[], Parts]:
    return lambda: (left, right(), {})


_R = sp.Symbol("R")
_ANY = "any population, every eigenvalue positive"
_OVER = "no ridge, kappa > 1, every eigenvalue positive"
_NULL = SIGMA**2 + Mean(EIGENVALUE * (MEAN**2 + STD**2))
_IMPLICIT = {"effective-ridge", "threshold-magnitude", "threshold-covariance"}
_CATALOGUE = {
    "effective-ridge": _Entry(
        "Equation of the effective ridge", _ANY, _HASTIE, lambda: (balance(), sp.Integer(1), {})
    ),
    "effective-ridge-isotropic": _Entry(
        "Effective ridge of equal eigenvalues", "Λ = 1, no ridge, kappa > 1", _HASTIE,
        _value(TAU, lambda: isotropic_ridge(0)),
    ),
    "effective-ridge-isotropic-ridge": _Entry(
        "Effective ridge of equal eigenvalues, with ridge", "Λ = 1", _HASTIE,
        _value(TAU, lambda: isotropic_ridge(RIDGE)),
    ),
    "effective-ridge-two-eigenvalues": _Entry(
        "Effective ridge of two eigenvalues", "a fraction w_1 at Lambda_1, no ridge, kappa > 1",
        _HASTIE, _value(TAU, two_eigenvalue_ridge),
    ),
    "noise-level": _Entry(
        "Noise level: the risk before pruning", _ANY + ", ridge or kappa > 1", _HASTIE,
        _value(GAMMA, level),
    ),
    "noise-level-least-squares": _Entry(
        "Noise level of least squares", "no ridge, kappa < 1", _HASTIE,
        _value(GAMMA, least_squares_level),
    ),
    "noise-level-isotropic": _Entry(
        "Noise level of equal eigenvalues", "Λ = 1, E[B²] = b², no ridge, kappa > 1", _HASTIE,
        _value(GAMMA, lambda: sp.simplify(level(one_group(), KAPPA - 1, 0))),
    ),
    "noise-level-isotropic-ridge": _Entry(
        "Noise level of equal eigenvalues, with ridge", "Λ = 1, E[B²] = b²", _HASTIE,
        _value(GAMMA, lambda: level(one_group()).subs(TAU, isotropic_ridge(RIDGE))),
    ),
    "shrinkage": _Entry(
        "Shrinkage of a trained weight", _ANY, _LI,
        _value(SHRINKAGE, lambda: CHANNEL[SHRINKAGE]),
    ),
    "weight-noise": _Entry(
        "Variance of a trained weight given its coefficient", _ANY, _LI,
        _value(NOISE, lambda: CHANNEL[NOISE]),
    ),
    "null-risk": _Entry(
        "Risk of the model that predicts zero", _ANY, _LI, _value(_R, lambda: _NULL)
    ),
    **{
        f"threshold-{rule}": _Entry(
            f"Equation of the threshold of {rule} pruning", _ANY, _LI,
            partial(of_rule, ALPHA, rule, 1),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"pruned-risk-{rule}": _Entry(
            f"Risk after {rule} pruning", _ANY, _LI,
            partial(of_rule, _R, rule, 0),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"effective-ridge-slope-{name}": _Entry(
            f"Derivative of the effective ridge in {name}", _ANY + ", ridge or kappa > 1",
            "implicit differentiation",
            partial(slope_of, TAU, x),
        )
        for name, x in (("kappa", KAPPA), ("ridge", RIDGE))
    },
    **{
        f"noise-level-slope-{name}": _Entry(
            f"Derivative of the noise level in {name}", _ANY + ", ridge or kappa > 1",
            "implicit differentiation",
            partial(slope_of, GAMMA, x),
        )
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("ridge", RIDGE))
    },
    **{
        f"pruned-risk-slope-{name}-{rule}": _Entry(
            f"Derivative of the risk after {rule} pruning in {name}",
            _ANY + ", ridge or kappa > 1", "implicit differentiation",
            partial(risk_slope, rule, x),
        )
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("alpha", ALPHA), ("ridge", RIDGE))
        for rule in (MAGNITUDE, COVARIANCE)
    },
    "limit-kappa-0": _Entry(
        "Noise level of few features", "kappa → 0, with ridge", "derived here",
        _value(GAMMA, lambda: level(tau=RIDGE).subs(KAPPA, 0)),
    ),
    "limit-kappa-1-below": _Entry(
        "Noise level below the interpolation threshold", "no ridge, kappa → 1 from below: exact",
        _HASTIE, _value(GAMMA, least_squares_level),
    ),
    "limit-kappa-1-above": _Entry(
        "Noise level above the interpolation threshold",
        "no ridge, kappa → 1 from above, up to terms that vanish", "derived here",
        _value(GAMMA, from_above),
    ),
    "limit-kappa-1-above-without-noise": _Entry(
        "Noise level above the interpolation threshold, without noise",
        "no ridge, sigma = 0, kappa → 1 from above, to first order", "derived here",
        _value(GAMMA, from_above_without_noise),
    ),
    "limit-kappa-infinity": _Entry(
        "Noise level of many features", "no ridge, kappa → ∞, to first order in 1/kappa",
        "derived here", _value(GAMMA, many_features),
    ),
    "limit-sigma-0": _Entry(
        "Noise level without noise", _OVER + ", sigma = 0", "derived here",
        _value(GAMMA, lambda: level(ridge=0).subs(SIGMA, 0)),
    ),
    "limit-sigma-infinity": _Entry(
        "Noise level of much noise", _ANY + ", sigma → ∞: the leading term", "derived here",
        _value(GAMMA, lambda: SIGMA * level().diff(SIGMA) / 2),
    ),
    "limit-ridge-0": _Entry(
        "Noise level of a small ridge", "kappa < 1, r → 0, to first order", "derived here",
        _value(GAMMA, small_ridge),
    ),
    "limit-ridge-infinity": _Entry(
        "Noise level of a large ridge", "r → ∞, to first order in 1/r", "derived here",
        _value(GAMMA, large_ridge),
    ),
    "limit-alpha-0": _Entry(
        "Risk with hardly a weight kept",
        "alpha → 0; what is missing falls faster than any power of the threshold",
        "derived here", _value(_R, lambda: _NULL),
    ),
    "limit-alpha-1": _Entry(
        "Risk with all weights kept", "alpha → 1", "derived here",
        lambda: (_R, GAMMA, {GAMMA: level()}),
    ),
}  # fmt: skip


def titles() -> dict[str, str]:
    """The names of all formulas, with what they are and hold for."""
    return {name: f"{entry.title} ({entry.regime})" for name, entry in _CATALOGUE.items()}


@cache
def formula(name: str) -> Formula:
    """A formula by its name; raises `InvalidInput` for one that is not known."""
    if name not in _CATALOGUE:
        raise unknown_name("formula", name, _CATALOGUE)
    entry = _CATALOGUE[name]
    left, right, where = entry.build()
    return Formula(
        name, entry.title, left, right, entry.regime, entry.source, where, name in _IMPLICIT
    )
