"""Exact asymptotic test error of pruned linear models."""

from importlib import import_module

# Type checkers take this for True.  Importing it from `typing` would slow the start noticeably.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import theory
    from .errors import AsymptoticsError, InvalidInput, NoConvergence
    from .population import Population, Restriction
    from .prediction.best import best
    from .prediction.crossing import crossing
    from .prediction.growth import growth
    from .prediction.hessian_bias import hessian_bias
    from .prediction.risk import risk
    from .prediction.rounds import rounds
    from .prediction.sensitivity import Sensitivity, sensitivity
    from .results import (
        Best,
        CertifiedBest,
        CertifiedRisk,
        Crossings,
        Growth,
        HessianBias,
        IteratedRisk,
        IteratedVerification,
        RetrainedBest,
        RetrainedCrossings,
        RetrainedRisk,
        RetrainedVerification,
        RiskResult,
        Verification,
    )
    from .verification.rounds import verify_rounds
    from .verification.verify import verify

__version__ = "0.1.0"
__all__ = [
    "AsymptoticsError",
    "Best",
    "CertifiedBest",
    "CertifiedRisk",
    "Crossings",
    "Growth",
    "HessianBias",
    "InvalidInput",
    "IteratedRisk",
    "IteratedVerification",
    "NoConvergence",
    "Population",
    "Restriction",
    "RetrainedBest",
    "RetrainedCrossings",
    "RetrainedRisk",
    "RetrainedVerification",
    "RiskResult",
    "Sensitivity",
    "Verification",
    "best",
    "crossing",
    "growth",
    "hessian_bias",
    "risk",
    "rounds",
    "sensitivity",
    "theory",
    "verify",
    "verify_rounds",
]

#: The module that defines each public name.  A module is imported on first access to one of its
#: names: importing NumPy and SciPy takes long, and the command must set its handler of Ctrl-C
#: before that.  No module directly in this package may have the name of a public function, because
#: importing the module would replace the function by it.
_MODULES = {
    "AsymptoticsError": "errors",
    "Best": "results",
    "CertifiedBest": "results",
    "CertifiedRisk": "results",
    "Growth": "results",
    "Crossings": "results",
    "HessianBias": "results",
    "InvalidInput": "errors",
    "IteratedRisk": "results",
    "IteratedVerification": "results",
    "NoConvergence": "errors",
    "Population": "population",
    "Restriction": "population",
    "RetrainedBest": "results",
    "RetrainedCrossings": "results",
    "RetrainedRisk": "results",
    "RetrainedVerification": "results",
    "RiskResult": "results",
    "Sensitivity": "prediction.sensitivity",
    "Verification": "results",
    "growth": "prediction.growth",
    "best": "prediction.best",
    "crossing": "prediction.crossing",
    "hessian_bias": "prediction.hessian_bias",
    "risk": "prediction.risk",
    "rounds": "prediction.rounds",
    "sensitivity": "prediction.sensitivity",
    "theory": "theory",
    "verify": "verification.verify",
    "verify_rounds": "verification.rounds",
}


def __getattr__(name: str) -> "Any":
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_MODULES[name]}", __name__)
    return module if _MODULES[name] == name else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
