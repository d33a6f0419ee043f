"""The theory line, one stage after another: each is a function of what the one before returns.

population -> `fixed_point` -> `channel` -> `Rule.score` -> `threshold` -> `truncated_moments`
-> `pruned_risk`.
"""

from .channel import Channel, channel
from .fixed_point import FixedPoint, fixed_point
from .risk import PrunedRisk, kept_share, null_risk, pruned_risk
from .rules import COVARIANCE, MAGNITUDE, ORACLE, RANDOM, RULES, Rule, Score, as_rule, exponent_rule
from .threshold import threshold
from .truncated_gaussian import Threshold, TruncatedMoments, truncated_moments

__all__ = [
    "COVARIANCE",
    "MAGNITUDE",
    "ORACLE",
    "RANDOM",
    "RULES",
    "Channel",
    "FixedPoint",
    "PrunedRisk",
    "Rule",
    "Score",
    "Threshold",
    "TruncatedMoments",
    "as_rule",
    "channel",
    "exponent_rule",
    "fixed_point",
    "kept_share",
    "null_risk",
    "pruned_risk",
    "threshold",
    "truncated_moments",
]
