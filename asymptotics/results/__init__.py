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
from .best import Best, CertifiedBest, CertifiedRetrainedBest, RetrainedBest
from .bias import HessianBias
from .crossing import Crossings, RetrainedCrossings
from .growth import Growth
from .iterated import IteratedRisk
from .network import NetworkSweep
from .risk import CertifiedRetrainedRisk, CertifiedRisk, RetrainedRisk, RiskResult
from .verification import IteratedVerification, RetrainedVerification, Verdicts, Verification

#: Every kind of result: a file with the columns of one of them is this package's own.
KINDS: tuple[type[GridResult], ...] = (
    RiskResult,
    CertifiedRisk,
    RetrainedRisk,
    CertifiedRetrainedRisk,
    IteratedRisk,
    Growth,
    Verification,
    RetrainedVerification,
    IteratedVerification,
    NetworkSweep,
    HessianBias,
    Best,
    CertifiedBest,
    RetrainedBest,
    CertifiedRetrainedBest,
    Crossings,
    RetrainedCrossings,
)

__all__ = [
    "CREATOR",
    "DOCUMENT_VERSION",
    "JSON_END",
    "JSON_START",
    "KINDS",
    "Best",
    "CertifiedBest",
    "CertifiedRetrainedBest",
    "CertifiedRetrainedRisk",
    "CertifiedRisk",
    "Crossings",
    "GridResult",
    "Growth",
    "HessianBias",
    "IteratedRisk",
    "IteratedVerification",
    "NetworkSweep",
    "RetrainedBest",
    "RetrainedCrossings",
    "RetrainedRisk",
    "RetrainedVerification",
    "RiskResult",
    "Verdicts",
    "Verification",
    "to_csv",
    "to_json",
]
