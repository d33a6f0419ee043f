"""Specs of models that grow: a population and a grid of sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from ..domains import DOMAINS
from ..line.rows import Progress
from ..parameters import parameter
from ..population import Population
from ..prediction.growth import growth
from ..results import Growth
from ..theory import Rule, as_rule
from .fields import Axis, Number, Range, Table, points, product, require_known, rules, validated
from .population import population
from .reading import GROWTH_EXAMPLE, read

_AXES = ("kappa", "kept", "sigma", "ridge", "retrain_ridge")


class _Sizes(Table):
    """All keys but ``rule`` and the population."""

    axes = _AXES

    full_kappa: Number
    kappa: Axis
    kept: Axis
    sigma: Axis
    ridge: Axis = Decimal(0)
    retrain_ridge: Axis = Decimal(0)


@dataclass(frozen=True)
class GrowthProblem:
    """A population and a grid of sizes as a spec describes them."""

    population: Population
    full_kappa: Decimal
    axes: Mapping[str, Decimal | list[Decimal] | Range]
    rules: tuple[Rule, ...]
    #: The spec, parsed and otherwise unchanged.
    source: Mapping[str, Any]
    #: The parameter on the axis of a figure.
    abscissa: str = "kappa"

    def solve(self, progress: Progress | None = None) -> Growth:
        """The predicted risks of all models."""
        columns = {key: np.atleast_1d(points(key, axis)) for key, axis in self.axes.items()}
        columns["rule"] = np.array(self.rules, dtype=object)
        grid: dict[str, Any] = dict(zip(columns, product(*columns.values()), strict=True))
        return growth(self.population, self.full_kappa, **grid, progress=progress)


def read_growth(path: str | Path | None = None) -> GrowthProblem:
    """The models that a spec file describes.

    `path` is a file, ``-`` for standard input, or None for the bundled example.
    """
    return growth_problem(*read(path, GROWTH_EXAMPLE))


def growth_problem(document: Mapping[str, Any], folder: Path = Path()) -> GrowthProblem:
    """The models that a parsed spec describes; files are looked up in `folder`."""
    require_known(document, (*_Sizes.model_fields, "rule", "population"))
    keys = (key for key in _Sizes.model_fields if key in document)
    sizes = validated(_Sizes, {key: document[key] for key in keys})
    axes = {key: getattr(sizes, key) for key in _AXES}
    for key, axis in axes.items():
        parameter(key, points(key, axis), DOMAINS["kappa"] if key == "kept" else None)
    chosen = rules(document.get("rule", ["magnitude", "covariance"]), as_rule)
    return GrowthProblem(population(document, folder), sizes.full_kappa, axes, chosen, document)
