"""The formulas by name, each built from the functions of the theory."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import sympy as sp

from ..arithmetic.symbolic import Mean
from ..errors import unknown_name
from ..theory import COVARIANCE, MAGNITUDE, RANDOM
from .derivatives import risk_slope, slope_of
from .equation import Formula
from .limits import from_above, from_above_without_noise, large_ridge, many_features, small_ridge
from .names import ENTRIES
from .second_fit import (
    error_of_weight,
    first_equation,
    risk_after,
    risk_after_least_squares,
    risk_after_random,
    risk_after_random_least_squares,
    second_effective_ridge,
    second_equation,
)
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
    least_squares_noise_level,
    noise_level_of,
    of_rule,
    one_group,
    two_eigenvalue_ridge,
)  # fmt: skip


def _value(left: Any, right: Callable[[], Any]) -> Callable[[], Parts]:
    """A formula without definitions, whose right-hand side is built on demand."""
    return lambda: (left, right(), {})


#: The risk after pruning.
_R = sp.Symbol("R")
#: The risk of the model that predicts zero, sigma**2 + E[Lambda B**2].
_NULL_RISK = SIGMA**2 + Mean(EIGENVALUE * (MEAN**2 + STD**2))
#: Equations that are solved for an effective ridge, a threshold, or theta and h of a second fit.
_IMPLICIT = {
    "effective-ridge",
    "second-effective-ridge-random",
    *(
        f"{name}-{rule}"
        for name in (
            "threshold", "second-effective-ridge", "second-fit-stein", "second-fit-errors",
        )
        for rule in (MAGNITUDE, COVARIANCE)
    ),
}  # fmt: skip
#: How each formula is built from the theory, by the names in `ENTRIES`.  A formula is built only
#: when it is asked for: all of them together would take long.
_BUILT: Mapping[str, Callable[[], Parts]] = {
    "effective-ridge": lambda: (balance(), sp.Integer(1), {}),
    "effective-ridge-isotropic": _value(TAU, lambda: isotropic_ridge(0)),
    "effective-ridge-isotropic-ridge": _value(TAU, lambda: isotropic_ridge(RIDGE)),
    "effective-ridge-two-eigenvalues": _value(TAU, two_eigenvalue_ridge),
    "noise-level": _value(GAMMA, noise_level_of),
    "noise-level-least-squares": _value(GAMMA, least_squares_noise_level),
    "noise-level-isotropic": _value(
        GAMMA, lambda: sp.simplify(noise_level_of(one_group(), KAPPA - 1, 0))
    ),
    "noise-level-isotropic-ridge": _value(
        GAMMA, lambda: noise_level_of(one_group()).subs(TAU, isotropic_ridge(RIDGE))
    ),
    "shrinkage": _value(SHRINKAGE, lambda: CHANNEL[SHRINKAGE]),
    "weight-noise": _value(NOISE, lambda: CHANNEL[NOISE]),
    "null-risk": _value(_R, lambda: _NULL_RISK),
    **{f"threshold-{rule}": partial(of_rule, ALPHA, rule, 1) for rule in (MAGNITUDE, COVARIANCE)},
    **{f"pruned-risk-{rule}": partial(of_rule, _R, rule, 0) for rule in (MAGNITUDE, COVARIANCE)},
    **{
        f"effective-ridge-slope-{name}": partial(slope_of, TAU, x)
        for name, x in (("kappa", KAPPA), ("ridge", RIDGE))
    },
    **{
        f"noise-level-slope-{name}": partial(slope_of, GAMMA, x)
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("ridge", RIDGE))
    },
    **{
        f"pruned-risk-slope-{name}-{rule}": partial(risk_slope, rule, x)
        for name, x in (("kappa", KAPPA), ("sigma", SIGMA), ("alpha", ALPHA), ("ridge", RIDGE))
        for rule in (MAGNITUDE, COVARIANCE)
    },
    **{
        f"{name}-{rule}": partial(build, rule)
        for name, build in (
            ("second-effective-ridge", second_effective_ridge),
            ("second-fit-stein", first_equation),
            ("second-fit-errors", second_equation),
            ("retrained-risk", partial(risk_after, _R)),
            ("retrained-risk-least-squares", partial(risk_after_least_squares, _R)),
        )
        for rule in (MAGNITUDE, COVARIANCE)
    },
    "second-effective-ridge-random": partial(second_effective_ridge, RANDOM),
    "retrained-risk-random": partial(risk_after_random, _R),
    "retrained-risk-least-squares-random": partial(risk_after_random_least_squares, _R),
    "retrained-error": partial(error_of_weight, sp.Symbol("e")),
    "limit-kappa-0": _value(GAMMA, lambda: noise_level_of(tau=RIDGE).subs(KAPPA, 0)),
    "limit-kappa-1-below": _value(GAMMA, least_squares_noise_level),
    "limit-kappa-1-above": _value(GAMMA, from_above),
    "limit-kappa-1-above-without-noise": _value(GAMMA, from_above_without_noise),
    "limit-kappa-infinity": _value(GAMMA, many_features),
    "limit-sigma-0": _value(GAMMA, lambda: noise_level_of(ridge=0).subs(SIGMA, 0)),
    "limit-sigma-infinity": _value(GAMMA, lambda: SIGMA * noise_level_of().diff(SIGMA) / 2),
    "limit-ridge-0": _value(GAMMA, small_ridge),
    "limit-ridge-infinity": _value(GAMMA, large_ridge),
    "limit-alpha-0": _value(_R, lambda: _NULL_RISK),
    "limit-alpha-1": lambda: (_R, GAMMA, {GAMMA: noise_level_of()}),
}


@cache
def formula(name: str) -> Formula:
    """A formula by its name; raises `InvalidInput` for an unknown name."""
    if name not in ENTRIES:
        raise unknown_name("formula", name, ENTRIES)
    entry = ENTRIES[name]
    left, right, where = _BUILT[name]()
    return Formula(
        name, entry.title, left, right, entry.regime, entry.source, where, name in _IMPLICIT
    )
