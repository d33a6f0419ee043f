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
from .network import NetworkSweep
from .risk import CertifiedRetrainedRisk, CertifiedRisk, RetrainedRisk, RiskResult
from .verification import Verification

__all__ = [
    "CREATOR",
    "DOCUMENT_VERSION",
    "JSON_END",
    "JSON_START",
    "Best",
    "CertifiedBest",
    "CertifiedRetrainedBest",
    "CertifiedRetrainedRisk",
    "CertifiedRisk",
    "Crossings",
    "GridResult",
    "HessianBias",
    "NetworkSweep",
    "RetrainedBest",
    "RetrainedCrossings",
    "RetrainedRisk",
    "RiskResult",
    "Verification",
    "to_csv",
    "to_json",
]
