"""Derivations that a machine checks, step by step and against the code that computes the result.

A `Derivation` declares symbols with their domains and adds steps.  Each step makes a claim, such as
`Equal`, `Less` or `Limit`, and names a way to check it: by algebra (`Exactly`), at many points
(`AtPoints`) or by enclosures (`OverBoxes`).  The last step is `Computed`: a function of the package
computes the formula that was derived.

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

require("derive", "flint")  # the checks that import it later would name another extra

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
