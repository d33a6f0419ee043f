"""Specs as questions for the best choice: their ranges are the intervals to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..parameters import choice
from ..prediction.best import CHOSEN, best
from ..results import Best
from .fields import Axis, Range, Table, validated
from .problems import Problem, problem
from .reading import EXAMPLE, read


class _Exponent(Table):
    """The table ``{exponent = {start, stop, num}}`` of a rule whose exponent is chosen."""

    axes = ("exponent",)
    exponent: Axis


@dataclass(frozen=True)
class Choice:
    """A problem, and which of its parameters are to be chosen from their ranges."""

    problem: Problem
    over: Sequence[str]
    #: What `best` takes for each parameter: the ends of its range, or its value.
    parameters: Mapping[str, Any]

    @property
    def source(self) -> Mapping[str, Any]:
        """The spec, parsed and otherwise unchanged."""
        return self.problem.source

    @property
    def abscissa(self) -> str:
        """The parameter on the axis of a figure."""
        return self.over[0]

    def solve(self, fixed: str = "p", certify: bool = False) -> Best:
        """All local minima of the risk."""
        asked = self.problem
        towards = {"retrain_towards": asked.towards[0]} if asked.retrain else {}
        rule = None if "exponent" in self.over else list(asked.rules)
        return best(
            asked.population,
            **self.parameters,
            rule=rule,
            over=self.over,
            retrain=asked.retrain,
            **towards,
            fixed=fixed,
            certify=certify,
        )


def read_choice(path: str | Path | None, over: Sequence[str]) -> Choice:
    """The choice that a spec file describes; `path` is as for `read_spec`."""
    for name in over:
        choice("over", name, CHOSEN)
    document, folder = read(path, EXAMPLE)
    parameters: dict[str, Any] = {}
    rest = document
    if "exponent" in over:
        rule = validated(_Exponent, document.get("rule", {}), "rule")
        parameters["exponent"] = _ends("rule.exponent", rule.exponent)
        rest = {key: value for key, value in document.items() if key != "rule"}
    asked = problem(rest, folder)
    if len(asked.towards) > 1:
        allowed = "must be one word where parameters are chosen"
        raise InvalidInput("retrain_towards", list(asked.towards), allowed)
    if "retrain_ridge" in over and not asked.retrain:
        raise InvalidInput("over", "retrain_ridge", "needs retrain = true")
    for key, axis in asked.axes.items():
        parameters[key] = _ends(key, axis) if key in over else _number(key, axis)
    return Choice(replace(asked, source=document), over, parameters)


def _ends(key: str, axis: Any) -> list[Any]:
    """The ends of the range of a parameter that is chosen."""
    if not isinstance(axis, Range):
        shown = axis if not isinstance(axis, list) else [str(x) for x in axis]
        allowed = "must be a range {start, stop, num}, because --over names it"
        raise InvalidInput(key, shown, allowed)
    return sorted([axis.start, axis.stop])


def _number(key: str, axis: Any) -> Any:
    """The value of a parameter that is not chosen."""
    if isinstance(axis, Range) or (isinstance(axis, list) and len(axis) > 1):
        several = f"{len(axis)} numbers" if isinstance(axis, list) else "a range"
        raise InvalidInput(key, several, "must be a single number, or be named in --over")
    return axis[0] if isinstance(axis, list) else axis
