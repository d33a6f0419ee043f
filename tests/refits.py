"""Predictions with a second fit, by the type that they have."""

from typing import Any

from asymptotics import RetrainedRisk, risk


def refitted(*problem: Any, **settings: Any) -> Any:
    """The prediction with a second fit."""
    found = risk(*problem, retrain=True, **settings)
    assert isinstance(found, RetrainedRisk)
    return found
