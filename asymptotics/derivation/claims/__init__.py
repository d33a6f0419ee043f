"""What a step may claim, and how each claim is decided in three ways.

Exactly, by algebra; over boxes of its symbols, by enclosures; at a point, by numbers of many
digits.  A way that does not apply, or does not decide, leaves the claim undecided.
"""

from .approach import Limit, UniqueRoot
from .base import (
    Box,
    Change,
    Claim,
    Compute,
    Enclosures,
    Enough,
    Finding,
    Inputs,
    Numbers,
    as_expression,
    free,
)
from .code import Computed
from .relations import AtMost, Equal, Less

__all__ = [
    "AtMost",
    "Box",
    "Change",
    "Claim",
    "Compute",
    "Computed",
    "Enclosures",
    "Enough",
    "Equal",
    "Finding",
    "Inputs",
    "Less",
    "Limit",
    "Numbers",
    "UniqueRoot",
    "as_expression",
    "free",
]
