"""Exact asymptotic test error of pruned linear models."""

from typing import TYPE_CHECKING, Any

from . import theory
from .errors import AsymptoticsError, InvalidInput, NoConvergence
from .hessian_bias import hessian_bias
from .population import Population, Restriction
from .results import CertifiedRisk, HessianBias, RiskResult, Verification
from .sensitivity import Sensitivity, sensitivity
from .study import risk

if TYPE_CHECKING:
    from .verification import verify

__version__ = "0.1.0"
__all__ = [
    "AsymptoticsError",
    "CertifiedRisk",
    "HessianBias",
    "InvalidInput",
    "NoConvergence",
    "Population",
    "Restriction",
    "RiskResult",
    "Sensitivity",
    "Verification",
    "hessian_bias",
    "risk",
    "sensitivity",
    "theory",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "verify":  # brings linear algebra with it, which predictions do without
        from .verification import verify

        return verify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
