"""The outcomes that a row of a result can have, each with its cause and its remedy.

The members are strings: arrays, tables and files hold their text.
"""

from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    """The outcome of a row: a word, with its `plural`, its `cause` and its `remedy`."""

    plural: str
    cause: str
    remedy: str

    def __new__(cls, text: str, cause: str = "", remedy: str = "", plural: str = "") -> Self:
        member = str.__new__(cls, text)
        member._value_ = text
        member.cause, member.remedy, member.plural = cause, remedy, plural or text
        return member


class Status(Outcome):
    """The outcome of a row that was computed."""

    OK = "ok"
    DIVERGES = (
        "diverges",
        "the risk is infinite, or training took steps that are too large",
        "add a ridge; in training take a smaller step",
        "diverge",
    )
    NO_CONVERGENCE = (
        "no convergence",
        "the error of the risk could be larger than 1e-8 of it",
        "try --digits 30",
    )
    UNDECIDED = (
        "undecided",
        "the digits asked for could not be proved",
        "their bounds are the best found",
    )
    NO_SLOPE = (
        "no slope",
        (
            "there is none at alpha = 0 or for point masses without noise; none is found in alpha "
            "where double precision sees no weight near the threshold, or where rounding or a "
            "finer quadrature of a law changes the slope"
        ),
        "try points beside it",
    )
    INCOMPLETE = (
        "incomplete",
        (
            "a minimum may be missing: the last two grids differ, or the risk is not known at some "
            "points"
        ),
        "narrow the interval",
    )
    NO_RUNS = "no runs", "the sweep was interrupted", "run it again; a store keeps what was done"


#: The remedy of `Status.NO_CONVERGENCE` if the groups are the quadrature of a continuous law.
COARSE_QUADRATURE = (
    "the quadrature of the law is too coarse there: try another tolerance, or give groups"
)


class Verdict(Outcome):
    """The outcome of a comparison of a predicted risk with simulations."""

    CONSISTENT = "consistent"
    INCONSISTENT = (
        "inconsistent",
        "the difference is more than chance and the finite size explain",
        "look for the error in the prediction",
    )
    TOO_WEAK = (
        "too weak",
        "an error of the size that matters would not have been found",
        "take more trials or a larger p",
    )
    NO_VERDICT = "no verdict", "there are no numbers to judge by", "see the reason of the row"


#: The word for several rows with each outcome.
PLURALS = {str(outcome): outcome.plural for kind in (Status, Verdict) for outcome in kind}
