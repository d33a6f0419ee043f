"""Specs of rounds of pruning and retraining: a population, points, and a schedule."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MISSING, InvalidInput
from ..iterated.schedule import Round, as_schedule
from ..line.rows import Progress
from ..parameters import parameter
from ..population import Population
from ..prediction.rounds import rounds
from ..results import IteratedRisk
from ..theory import as_rule
from .fields import Axis, Range, Table, points, product, require_known, rules, validated
from .population import population
from .problems import Problem, problem
from .reading import EXAMPLE, ROUNDS_EXAMPLE, read

_AXES = ("kappa", "sigma", "ridge")
#: Without [[round]] tables these keys give the schedule, as they give one cut and refit elsewhere.
_ONE = ("alpha", "rule", "retrain_ridge", "retrain_towards")


class _Points(Table):
    """The keys of the points."""

    axes = _AXES

    kappa: Axis
    sigma: Axis
    ridge: Axis = Decimal(0)


@dataclass(frozen=True)
class RoundsProblem:
    """A population, points and a schedule as a spec describes them."""

    population: Population
    axes: Mapping[str, Decimal | list[Decimal] | Range]
    schedule: tuple[Round, ...]
    #: The spec, parsed and otherwise unchanged.
    source: Mapping[str, Any]
    #: The parameter on the axis of a figure.
    abscissa: str = "alpha"

    def grid(self) -> dict[str, Any]:
        """The parameters of the points by name; they broadcast to an axis for each."""
        columns = [np.atleast_1d(points(key, axis)) for key, axis in self.axes.items()]
        return dict(zip(self.axes, product(*columns), strict=True))

    def solve(self, tolerance: float, progress: Progress | None = None) -> IteratedRisk:
        """The predicted risks of all rounds, at all points."""
        given: dict[str, Any] = {"tolerance": tolerance, "progress": progress}
        return rounds(self.population, schedule=self.schedule, **self.grid(), **given)


def read_rounds(path: str | Path | None = None) -> RoundsProblem:
    """The rounds that a spec file describes.

    `path` is a file, ``-`` for standard input, or None for the bundled example.
    """
    return rounds_problem(*read(path, ROUNDS_EXAMPLE))


def read_tested(path: str | Path | None = None) -> Problem | RoundsProblem:
    """What `asymptotics verify` tests: rounds if the spec has [[round]] tables, else a grid.

    `path` is that of `read_spec`.
    """
    document, folder = read(path, EXAMPLE)
    return (rounds_problem if "round" in document else problem)(document, folder)


def rounds_problem(document: Mapping[str, Any], folder: Path = Path()) -> RoundsProblem:
    """The rounds that a parsed spec describes; files are looked up in `folder`."""
    schedule_keys = ("round",) if "round" in document else ("round", *_ONE)
    require_known(document, (*_AXES, *schedule_keys, "population", "retrain"))
    given = validated(_Points, {key: document[key] for key in _AXES if key in document})
    axes = {key: getattr(given, key) for key in _AXES}
    for key, axis in axes.items():
        parameter(key, points(key, axis))
    return RoundsProblem(population(document, folder), axes, _schedule(document), document)


def _schedule(document: Mapping[str, Any]) -> tuple[Round, ...]:
    """The schedule: the [[round]] tables, or one that `alpha` gives."""
    if document.get("retrain", True) is not True:
        raise InvalidInput(
            "retrain", document["retrain"], "must be true, or be left out, in rounds"
        )
    if "round" in document:
        return as_schedule(document["round"], "round")
    if "alpha" not in document:
        raise InvalidInput("round", MISSING, "must be given: [[round]] tables with a key alpha")
    alpha = document["alpha"]
    names = {"retrain_ridge": "ridge", "retrain_towards": "towards"}
    rule, *others = rules(document.get("rule", "magnitude"), as_rule)
    if others:
        raise InvalidInput("rule", document["rule"], "must be one rule in rounds")
    every = {"rule": rule} | {names[key]: document[key] for key in names if key in document}
    alphas = alpha if isinstance(alpha, list) else [alpha]
    try:
        return as_schedule([every | {"alpha": each} for each in alphas])
    except InvalidInput as error:
        key = error.key.split(".", 1)[-1]
        shown = next((long for long, short in names.items() if short == key), key)
        raise InvalidInput(shown, error.value, error.allowed) from None
