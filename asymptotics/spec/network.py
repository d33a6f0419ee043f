"""Specs of sweeps over networks: a task and a grid of settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from ..arithmetic import Array
from ..domains import COUNTS
from ..errors import MISSING, InvalidInput
from ..networks.pruning import measure_name
from ..networks.sweeps import sweep
from ..networks.tasks import Digits, Task, Teacher
from ..parameters import choice, parameter, wholes
from ..results import NetworkSweep
from .fields import Axis, Number, Table, points, product, require_known, rules, validated
from .reading import NETWORK_EXAMPLE, read

_AXES = ("eta", "alpha", "width", "samples")
_TABLES = ("task",)


#: An integer; a decimal is not converted.
Count = Annotated[int, Field(strict=True)]


class _Settings(Table):
    """All keys but ``[task]``."""

    axes = _AXES

    eta: Axis
    alpha: Axis = Decimal("0.5")
    width: Axis = Decimal(64)
    samples: Axis = Decimal(1000)
    rule: Any = "magnitude"
    # From here on `sweep` has the defaults: only keys that are given are passed to it.
    scope: str = ""
    activation: str = ""
    antisymmetric: Annotated[bool, Field(strict=True)] = True
    steps: Count = 0
    step: Number = Decimal(0)


class _TaskTable(Table):
    """A ``[task]`` table; `task` is the class that it builds."""

    task: ClassVar[type[Task]]
    kind: str

    def build(self) -> Task:
        """The task, with the class's own defaults for keys that are not given."""
        return self.task(**self.model_dump(exclude={"kind"}, exclude_unset=True))


class _TeacherTable(_TaskTable):
    """The keys of a `Teacher`, whose own defaults replace those here."""

    task = Teacher

    features: Count = 0
    neurons: Count = 0
    sigma: Number = Decimal(0)
    test_samples: Count = 0


class _DigitsTable(_TaskTable):
    """`Digits` has no keys of its own."""

    task = Digits


_TASKS: dict[str, type[_TaskTable]] = {
    table.task.name: table for table in (_TeacherTable, _DigitsTable)
}


@dataclass(frozen=True)
class NetworkProblem:
    """A sweep as a spec describes it: axes, pruning rules, task and other settings."""

    axes: Mapping[str, Array]
    rules: tuple[str, ...]
    task: Task
    settings: Mapping[str, Any]
    #: The spec, parsed and otherwise unchanged.
    source: Mapping[str, Any]

    def run(self, **options: Any) -> NetworkSweep:
        """Run the sweep over (eta, alpha, width, samples, rule), with more `options` of `sweep`."""
        grid = product(*self.axes.values(), np.array(self.rules, dtype=object))
        named: dict[str, Any] = dict(zip((*self.axes, "rule"), grid, strict=True))
        return sweep(**named, task=self.task, **self.settings, **options)

    @property
    def lines(self) -> int:
        """The number of lines in a figure: one for each rule and combination of other settings."""
        others = math.prod(axis.size for key, axis in self.axes.items() if key != self.abscissa)
        return others * len(self.rules)

    @property
    def abscissa(self) -> str:
        """The parameter on the axis of a figure: the one with most values."""
        return max(self.axes, key=lambda key: self.axes[key].size)


def read_network(path: str | Path | None = None) -> NetworkProblem:
    """The sweep that a spec file describes.

    `path` is a file, ``-`` for standard input, or None for the bundled example.
    """
    return network_problem(read(path, NETWORK_EXAMPLE)[0])


def network_problem(document: Mapping[str, Any]) -> NetworkProblem:
    """The sweep that a parsed spec describes."""
    require_known(document, (*_Settings.model_fields, *_TABLES))
    settings = validated(
        _Settings, {key: value for key, value in document.items() if key not in _TABLES}
    )
    given = {key: points(key, getattr(settings, key)) for key in _AXES}
    for key in ("eta", "alpha"):
        parameter(key, given[key])
    task = _task(document)
    for key, most in (("width", COUNTS["width"].most), ("samples", task.most)):
        given[key] = wholes(key, _as_integers(given[key], most), 1, most)
    axes = {key: np.atleast_1d(values) for key, values in given.items()}
    rest = settings.model_dump(exclude={*_AXES, "rule"}, exclude_unset=True)
    return NetworkProblem(axes, rules(settings.rule, _rule), task, rest, document)


def _as_integers(values: Array, most: int) -> Array:
    """Decimals that are integers of magnitude at most `most` as `int`, and all others unchanged.

    `wholes` refuses the others.
    """
    found = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        # Compared before it is converted, because 1e999999999 would be an int of a billion digits.
        small = value.is_finite() and -most <= value <= most
        found[index] = int(value) if small and value == int(value) else value
    return found


def _rule(given: Any, key: str) -> str:
    """The name of a pruning rule, checked."""
    return measure_name(key, given)


def _task(document: Mapping[str, Any]) -> Task:
    """The task of a parsed spec; by default a teacher."""
    given = document.get("task", {"kind": "teacher"})
    if not isinstance(given, Mapping):
        raise InvalidInput("task", given, "must be a table [task]")
    if "kind" not in given:
        raise InvalidInput("task.kind", MISSING, f"must be given: {' or '.join(_TASKS)}")
    kind = choice("task.kind", given["kind"], _TASKS)
    try:
        return validated(_TASKS[kind], given, "task").build()
    except InvalidInput as error:
        raise error if error.key.startswith("task") else error.within("task") from None
