"""The claims that a step may make.  Each has three methods, one for each way to check it.

`Claim.exactly` decides it by algebra, `Claim.positive_parts` reduces it to inequalities that
enclosures prove over boxes, and `Claim.at` decides it at a point, by numbers.  A method that does
not apply, or does not decide, leaves the claim undecided.
"""

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
from .limits import Limit
from .relations import AtMost, Equal, Less
from .roots import UniqueRoot

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
