"""Derivations that a machine checks step by step, against the code that computes their result.

Needs the extra ``asymptotics[derive]``.
"""

from ..extras import extra, require

with extra("derive"):
    from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean
    from .checks import AtPoints, Check, Exactly, OverBoxes, Ruling, Verdict
    from .claims import AtMost, Claim, Computed, Equal, Inputs, Less, Limit, UniqueRoot
    from .derivation import Derivation, InvalidDerivation, Outcome, Step
    from .domains import (
        NONNEGATIVE,
        POSITIVE,
        REAL,
        UNIT,
        Domain,
        above,
        between,
        integers_from,
    )

require("derive", "flint")  # some checks import it later, and alone would ask for less

__all__ = [
    "NONNEGATIVE",
    "POSITIVE",
    "REAL",
    "UNIT",
    "WEIGHT",
    "AtMost",
    "AtPoints",
    "Check",
    "Claim",
    "Computed",
    "Derivation",
    "Domain",
    "Equal",
    "Exactly",
    "GroupSymbol",
    "Inputs",
    "InvalidDerivation",
    "Less",
    "Limit",
    "Mean",
    "Outcome",
    "OverBoxes",
    "Ruling",
    "Step",
    "UniqueRoot",
    "Verdict",
    "above",
    "between",
    "integers_from",
]
