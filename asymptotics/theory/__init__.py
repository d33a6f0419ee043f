"""The formulas of the theory, in stages: each stage takes the result of the one before it.

population -> `fixed_point` -> `channel` -> `Rule.score` -> `threshold` -> `truncated_moments`
-> `pruned_risk` -> `retrained_risk`.  For rules that rank by a gain (`optimal`, `shrunk`) `cut`
takes the place of `threshold`; it takes any rule.
"""

from .channels import Channel, channel
from .cuts import cut
from .fixed_points import FixedPoint, effective_ridge_balance, fixed_point, noise_level
from .retraining import Retrained, retrained_risk
from .risk import PrunedRisk, kept_share, null_risk, pruned_risk
from .rules import (
    COVARIANCE,
    MAGNITUDE,
    OPTIMAL,
    ORACLE,
    RANDOM,
    RULES,
    SHRUNK,
    Rule,
    Score,
    as_rule,
    exponent_rule,
)
from .thresholds import threshold
from .truncated_gaussian import Cuts, Threshold, TruncatedMoments, truncated_moments

__all__ = [
    "COVARIANCE",
    "MAGNITUDE",
    "OPTIMAL",
    "ORACLE",
    "RANDOM",
    "RULES",
    "SHRUNK",
    "Channel",
    "Cuts",
    "FixedPoint",
    "PrunedRisk",
    "Retrained",
    "Rule",
    "Score",
    "Threshold",
    "TruncatedMoments",
    "as_rule",
    "channel",
    "cut",
    "effective_ridge_balance",
    "exponent_rule",
    "fixed_point",
    "kept_share",
    "noise_level",
    "null_risk",
    "pruned_risk",
    "retrained_risk",
    "threshold",
    "truncated_moments",
]
