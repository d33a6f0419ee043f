"""Spec files: a problem, or a grid of problems, in TOML.

A spec is data.  Its numbers keep the decimal value that is written, its names are looked up in
tables, and nothing in it is evaluated.
"""

import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from .arithmetic import Array
from .errors import MISSING, InvalidInput, unknown_key, unknown_name
from .parameters import REAL, parameter
from .population import Population
from .precision import Progress
from .results import RiskResult
from .study import risk
from .theory import Rule, as_rule

#: Points of a range are rounded to so many digits: short decimals where those were meant.
_DIGITS = 15
_MOST_POINTS = 1_000_000
#: A curve through fewer points shows its corners.
_SMOOTH = 401
GRID = ("kappa", "sigma", "alpha", "ridge", "rule")


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


#: Whether it is finite, and in its domain, is checked where it is used.
Number = Annotated[Decimal, Field(allow_inf_nan=True), BeforeValidator(_number)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=_Table)


class Range(_Table):
    """Points from `start` to `stop`, both included."""

    start: Number
    stop: Number
    num: Annotated[int, Field(strict=True, ge=2, le=_MOST_POINTS)]
    spacing: Literal["linear", "log"] = "linear"

    def points(self) -> list[Decimal]:
        """The points; raises `InvalidInput` for ends that are not finite floats."""
        for end in (self.start, self.stop):
            parameter("range", end, REAL)
        if self.spacing == "log":
            if not (self.start > 0 and self.stop > 0):
                ends = f"from {self.start} to {self.stop}"
                raise InvalidInput("range", ends, "must have positive ends for log spacing")
            inner = np.geomspace(float(self.start), float(self.stop), self.num)[1:-1]
        else:
            start, step = Fraction(self.start), Fraction(self.stop - self.start) / (self.num - 1)
            inner = np.array([float(start + i * step) for i in range(1, self.num - 1)])
        return [self.start, *(Decimal(f"{x:.{_DIGITS}g}") for x in inner), self.stop]

    def smooth(self) -> "Range":
        return self.model_copy(update={"num": max(self.num, _SMOOTH)})


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    return "range" if isinstance(value, Mapping | Range) else "number"


Axis = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[Annotated[list[Number], Field(min_length=1)], Tag("list")]
    | Annotated[Range, Tag("range")],
    Discriminator(_kind),
]


class GroupTable(_Table):
    """One ``[[population]]`` table."""

    weight: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)
    mean: Number = Decimal(0)
    std: Number = Decimal(0)


class FileTable(_Table):
    """A population of samples in a CSV file."""

    file: Annotated[str, Field(strict=True)]

    def population(self, folder: Path) -> Population:
        return Population.from_csv(folder / self.file)


class IsotropicTable(_Table):
    """`Population.isotropic`."""

    family: Literal["isotropic"]
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.isotropic(self.mean, self.std, self.eigenvalue)


class SpikeAndSlabTable(_Table):
    """`Population.spike_and_slab`."""

    family: Literal["spike-and-slab"]
    fraction: Number
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.spike_and_slab(self.fraction, self.mean, self.std, self.eigenvalue)


class PowerLawTable(_Table):
    """`Population.power_law`."""

    family: Literal["power-law"]
    capacity: Number
    source: Number
    tolerance: Number = Decimal("1e-10")

    def population(self, _: Path) -> Population:
        return Population.power_law(float(self.capacity), float(self.source), float(self.tolerance))


Source = FileTable | IsotropicTable | SpikeAndSlabTable | PowerLawTable
_FAMILIES: dict[str, type[Source]] = {
    "isotropic": IsotropicTable,
    "spike-and-slab": SpikeAndSlabTable,
    "power-law": PowerLawTable,
}


class _Grid(_Table):
    kappa: Axis
    sigma: Axis
    alpha: Axis
    ridge: Axis = Decimal(0)


@dataclass(frozen=True)
class Problem:
    """A population and the grid of parameters that a spec asks for."""

    population: Population
    axes: Mapping[str, Decimal | list[Decimal] | Range]
    rules: tuple[Rule, ...]
    #: The spec as it was read.
    source: Mapping[str, Any]

    def grid(self) -> tuple[Array, ...]:
        """The parameters, which broadcast to the shape (kappa, sigma, alpha, ridge, rule)."""
        columns = [np.atleast_1d(_points(key, axis)) for key, axis in self.axes.items()]
        rows = math.prod(column.size for column in columns) * len(self.rules)
        if rows > _MOST_POINTS:
            raise InvalidInput("grid", f"{rows:,} rows", f"must be at most {_MOST_POINTS:,} rows")
        return np.ix_(*columns, np.array(self.rules, dtype=object))

    def solve(
        self,
        digits: int | None = None,
        certify: bool = False,
        progress: Progress | None = None,
    ) -> RiskResult:
        """The predicted risk on the grid."""
        return risk(
            self.population, *self.grid(), digits=digits, certify=certify, progress=progress
        )

    def smooth(self, axis: str) -> "Problem":
        """The problem with the range of one axis dense enough to draw a curve through."""
        given = self.axes.get(axis)
        if not isinstance(given, Range):
            return self
        axes = {**self.axes, axis: given.smooth()}
        return Problem(self.population, axes, self.rules, self.source)

    @property
    def abscissa(self) -> str:
        """The parameter to draw against: the one with most points."""
        return max(self.axes, key=lambda key: _points(key, self.axes[key]).size)


def read_spec(path: str | Path | None = None) -> Problem:
    """The problem in a spec file: `path`, ``-`` for standard input, or the bundled example."""
    text, name, folder = _text(path)
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except ArithmeticError:
        raise InvalidInput("spec", name, "holds a number that is too large to read") from None
    except (ValueError, RecursionError) as error:  # the reader's own, and of what it calls
        raise InvalidInput("spec", name, f"must be valid TOML: {error}") from None
    return problem(document, folder)


def example_text(name: str = "example.toml") -> str:
    """A bundled example: that of a spec, unless another is named."""
    return resources.files("asymptotics").joinpath("examples", name).read_text("utf-8")


def problem(document: Mapping[str, Any], folder: Path = Path()) -> Problem:
    """The problem that a parsed spec describes; files are looked up in `folder`."""
    known = (*GRID, "population")
    for key, value in document.items():
        if key not in known:
            raise unknown_key(key, value, known)
    grid = _validated(_Grid, {key: document[key] for key in _Grid.model_fields if key in document})
    axes = {key: getattr(grid, key) for key in _Grid.model_fields}
    for key, axis in axes.items():
        parameter(key, _points(key, axis))
    return Problem(_population(document, folder), axes, _rules(document), document)


def _text(path: str | Path | None) -> tuple[str, str, Path]:
    if path is None:
        return example_text(), "example", Path()
    try:
        if str(path) == "-":
            if sys.stdin is None:
                raise InvalidInput("spec", "-", "cannot be read: standard input is closed")
            text = sys.stdin.buffer.read().decode("utf-8-sig")
            return text, "standard input", Path()
        return Path(path).read_text(encoding="utf-8-sig"), str(path), Path(path).parent
    except OSError as error:
        raise InvalidInput("spec", str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput("spec", str(path), "must be text in UTF-8") from None


def _points(key: str, axis: Decimal | list[Decimal] | Range) -> Array:
    try:
        points = axis.points() if isinstance(axis, Range) else axis
    except InvalidInput as error:
        raise InvalidInput(key, error.value, error.allowed) from None
    return np.array(points, dtype=object)


def _rules(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    rules = document.get("rule", "magnitude")
    if not isinstance(rules, list):
        return (as_rule(rules),)
    if not rules:
        raise InvalidInput("rule", rules, "must be a rule or a list of rules")
    return tuple(as_rule(rule, f"rule[{index}]") for index, rule in enumerate(rules))


def _population(document: Mapping[str, Any], folder: Path) -> Population:
    given = document.get("population", MISSING)
    if isinstance(given, list) and given:
        groups = [
            _validated(GroupTable, group, f"population[{index}]")
            for index, group in enumerate(given)
        ]
        rows = [group.model_dump() for group in groups]
        for index, row in enumerate(rows):
            for key, value in row.items():
                parameter(key, value, name=f"population[{index}].{key}")
        return Population.from_groups(tuple(row.values()) for row in rows)
    if not isinstance(given, Mapping):
        allowed = "must be [[population]] tables, or a [population] with a file or a family"
        raise InvalidInput("population", given, allowed)
    if "family" not in given and "file" not in given:
        return _population({"population": [given]}, folder)
    table = _source(given)
    try:
        return _validated(table, given, "population").population(folder)
    except InvalidInput as error:
        raise error if error.key.startswith("population") else error.within("population") from None


def _source(given: Mapping[str, Any]) -> type[Source]:
    """The kind of population that a table with a file or a family describes."""
    if "file" not in given:
        family = given["family"]
        if not isinstance(family, str) or family not in _FAMILIES:
            raise unknown_name("population.family", family, _FAMILIES)
        return _FAMILIES[family]
    if "family" in given:
        raise InvalidInput("population", dict(given), "must have a file or a family, not both")
    return FileTable


def _validated(model: type[Model], given: Any, key: str = "") -> Model:
    """`given` as a `model`, or the first thing wrong with it."""
    if not isinstance(given, Mapping):
        raise InvalidInput(key, given, "must be a table")
    try:
        return model.model_validate(given)
    except ValidationError as errors:
        # A key that is not known explains one that is missing.
        error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    place = list(error["loc"])
    if model is _Grid:
        del place[1:2]  # which kind of axis it was read as
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in [key, *place])
    name = name.strip(".")
    if error["type"] == "extra_forbidden":
        fields = model if len(place) == 1 else Range
        raise unknown_key(name, error["input"], fields.model_fields)
    if error["type"] == "missing":
        raise InvalidInput(name, MISSING, "must be given")
    raise InvalidInput(name, error["input"], _allowed(error["msg"], place))


def _allowed(message: str, place: list[Any]) -> str:
    """What is allowed at the place where pydantic found an error."""
    if len(place) == 1 and place[0] in _Grid.model_fields:
        return "must be a number, a list of numbers or {start, stop, num, spacing}"
    return message.removeprefix("Value error, ").replace("Input should", "must")
