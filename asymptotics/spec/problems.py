"""Specs of problems of the linear model: a population and a grid of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import create_model

from ..domains import LINEAR, RETRAINING
from ..errors import InvalidInput
from ..line.rows import Progress
from ..parameters import choice, entry_name, flag, parameter
from ..population import Population
from ..prediction.risk import risk
from ..results import RiskResult
from ..theory import Rule, as_rule
from ..theory.retraining import TOWARDS
from .fields import Axis, Range, Table, points, product, require_known, rules, validated
from .population import population
from .reading import EXAMPLE, read

_NUMBERS = {**LINEAR, **RETRAINING}
#: The keys of a second fit; all but the first need `retrain = true`.
REFIT = ("retrain", *RETRAINING, "retrain_towards")
GRID = (*LINEAR, "rule", *REFIT)


class _Grid(Table):
    """The base of `_Axes`."""

    axes = tuple(_NUMBERS)


_KEYS: dict[str, Any] = {
    key: (Axis, ... if parameter.default is None else parameter.default)
    for key, parameter in _NUMBERS.items()
}
#: A table with a key for each parameter; those without a default must be given.
_Axes = create_model("_Axes", __base__=_Grid, **_KEYS)


@dataclass(frozen=True)
class Problem:
    """A population and the grid of parameters that a spec asks for."""

    population: Population
    axes: Mapping[str, Decimal | list[Decimal] | Range]
    rules: tuple[Rule, ...]
    #: Where the ridge of a second fit draws the weights; empty without a second fit.
    towards: tuple[str, ...]
    #: The spec, parsed and otherwise unchanged.
    source: Mapping[str, Any]

    @property
    def retrain(self) -> bool:
        """Whether the kept weights are trained a second time."""
        return bool(self.towards)

    def grid(self) -> dict[str, Any]:
        """The parameters by name; they broadcast to a shape with an axis for each, rules last."""
        columns = {key: np.atleast_1d(points(key, axis)) for key, axis in self.axes.items()}
        if self.retrain:
            columns["retrain_towards"] = np.array(self.towards, dtype=object)
        columns["rule"] = np.array(self.rules, dtype=object)
        return dict(zip(columns, product(*columns.values()), strict=True))

    def solve(
        self,
        digits: int | None = None,
        certify: bool = False,
        progress: Progress | None = None,
    ) -> RiskResult:
        """The predicted risk on the grid."""
        precision: dict[str, Any] = {"digits": digits, "certify": certify}
        return risk(
            self.population, **self.grid(), retrain=self.retrain, **precision, progress=progress
        )

    def smooth(self, axis: str) -> "Problem":
        """The problem with enough points for a smooth curve along `axis`, if that is a range."""
        given = self.axes.get(axis)
        if not isinstance(given, Range):
            return self
        return replace(self, axes={**self.axes, axis: given.smooth()})

    @property
    def abscissa(self) -> str:
        """The parameter on the axis of a figure: the one with most points."""
        return max(self.axes, key=lambda key: points(key, self.axes[key]).size)


def read_spec(path: str | Path | None = None) -> Problem:
    """The problem that a spec file describes.

    `path` is a file, ``-`` for standard input, or None for the bundled example.
    """
    return problem(*read(path, EXAMPLE))


def problem(document: Mapping[str, Any], folder: Path = Path()) -> Problem:
    """The problem that a parsed spec describes; files are looked up in `folder`."""
    require_known(document, (*GRID, "population"))
    towards = _towards(document)
    grid = validated(_Axes, {key: document[key] for key in _Axes.model_fields if key in document})
    axes = {key: getattr(grid, key) for key in (_NUMBERS if towards else LINEAR)}
    for key, axis in axes.items():
        parameter(key, points(key, axis))
    return Problem(
        population(document, folder),
        axes,
        rules(document.get("rule", "magnitude"), as_rule),
        towards,
        document,
    )


def _towards(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the ridges of a second fit draw the weights; empty without `retrain = true`."""
    if not flag("retrain", document.get("retrain", False)):
        for key in REFIT[1:]:
            if key in document:
                raise InvalidInput(key, document[key], "must be left out without retrain = true")
        return ()
    given = document.get("retrain_towards", TOWARDS[0])
    if not isinstance(given, list):
        return (choice("retrain_towards", given, TOWARDS),)
    if not given:
        raise InvalidInput("retrain_towards", given, "must be a word or a list of words")
    names = (entry_name("retrain_towards", (index,)) for index in range(len(given)))
    return tuple(choice(name, word, TOWARDS) for name, word in zip(names, given, strict=True))
