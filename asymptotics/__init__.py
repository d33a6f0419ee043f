"""Exact asymptotic test error of pruned linear models."""

from . import theory
from .errors import AsymptoticsError, InvalidInput, NoConvergence
from .population import Population, Restriction
from .results import RiskResult
from .study import risk

__version__ = "0.1.0"
__all__ = [
    "AsymptoticsError",
    "InvalidInput",
    "NoConvergence",
    "Population",
    "Restriction",
    "RiskResult",
    "risk",
    "theory",
]
