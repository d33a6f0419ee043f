"""Results: arrays over a grid, with methods that show them as rows, tables, files and figures."""

from ..tables.documents import (
    CREATOR,
    DOCUMENT_VERSION,
    JSON_END,
    JSON_START,
    to_csv,
    to_json,
)
from ..tables.grid_result import GridResult
from .bias import HessianBias
from .growth import Growth
from .iterated import IteratedRisk
from .network import NetworkSweep
from .risk import CertifiedRetrainedRisk, CertifiedRisk, RetrainedRisk, RiskResult
from .verification import RetrainedVerification, Verification

#: Every kind of result that a command writes to a file.
KINDS: tuple[type[GridResult], ...] = (
    RiskResult,
    CertifiedRisk,
    RetrainedRisk,
    CertifiedRetrainedRisk,
    IteratedRisk,
    Growth,
    Verification,
    RetrainedVerification,
    NetworkSweep,
    HessianBias,
)

__all__ = [
    "CREATOR",
    "DOCUMENT_VERSION",
    "JSON_END",
    "JSON_START",
    "KINDS",
    "CertifiedRetrainedRisk",
    "CertifiedRisk",
    "GridResult",
    "Growth",
    "HessianBias",
    "IteratedRisk",
    "NetworkSweep",
    "RetrainedRisk",
    "RetrainedVerification",
    "RiskResult",
    "Verification",
    "to_csv",
    "to_json",
]
