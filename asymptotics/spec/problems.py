"""Specs of problems of the linear model: a population and a grid of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import create_model

from ..domains import LINEAR
from ..line.rows import Progress
from ..parameters import parameter
from ..population import Population
from ..prediction.risk import risk
from ..results import RiskResult
from ..theory import Rule, as_rule
from .fields import Axis, Range, Table, points, product, require_known, rules, validated
from .population import population
from .reading import EXAMPLE, read

GRID = (*LINEAR, "rule")


class _Grid(Table):
    """The base of `_Axes`."""

    axes = tuple(LINEAR)


_KEYS: dict[str, Any] = {
    key: (Axis, ... if parameter.default is None else parameter.default)
    for key, parameter in LINEAR.items()
}
#: A table with a key for each parameter; those without a default must be given.
_Axes = create_model("_Axes", __base__=_Grid, **_KEYS)


@dataclass(frozen=True)
class Problem:
    """A population and the grid of parameters that a spec asks for."""

    population: Population
    axes: Mapping[str, Decimal | list[Decimal] | Range]
    rules: tuple[Rule, ...]
    #: The spec, parsed and otherwise unchanged.
    source: Mapping[str, Any]

    def grid(self) -> dict[str, Any]:
        """The parameters by name; they broadcast to a shape with an axis for each, rules last."""
        columns = [np.atleast_1d(points(key, axis)) for key, axis in self.axes.items()]
        grid = product(*columns, np.array(self.rules, dtype=object))
        return dict(zip((*self.axes, "rule"), grid, strict=True))

    def solve(
        self,
        digits: int | None = None,
        certify: bool = False,
        progress: Progress | None = None,
    ) -> RiskResult:
        """The predicted risk on the grid."""
        return risk(
            self.population, **self.grid(), digits=digits, certify=certify, progress=progress
        )

    def smooth(self, axis: str) -> "Problem":
        """The problem with enough points for a smooth curve along `axis`, if that is a range."""
        given = self.axes.get(axis)
        if not isinstance(given, Range):
            return self
        axes = {**self.axes, axis: given.smooth()}
        return Problem(self.population, axes, self.rules, self.source)

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
    grid = validated(_Axes, {key: document[key] for key in _Axes.model_fields if key in document})
    axes = {key: getattr(grid, key) for key in _Axes.model_fields}
    for key, axis in axes.items():
        parameter(key, points(key, axis))
    return Problem(
        population(document, folder),
        axes,
        rules(document.get("rule", "magnitude"), as_rule),
        document,
    )
