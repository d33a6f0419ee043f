"""What a spec's keys may hold: numbers as they are written, lists and ranges of them, tables."""

import math
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, TypeVar

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

from ..arithmetic import Array
from ..domains import COUNTS, REAL
from ..errors import MISSING, InvalidInput, unknown_key
from ..parameters import parameter

#: Points of a range are rounded to so many digits: short decimals where those were meant.
_DIGITS = 15
#: Rows of a grid.
MOST_POINTS = 1_000_000
#: A curve through fewer points shows its corners.
_SMOOTH = 401


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


#: Whether it is finite, and in its domain, is checked where it is used.
Number = Annotated[Decimal, Field(allow_inf_nan=True), BeforeValidator(_number)]


class Table(BaseModel):
    """A table whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: The keys that hold an axis.
    axes: ClassVar[tuple[str, ...]] = ()


Model = TypeVar("Model", bound=Table)
Kind = TypeVar("Kind")


class Range(Table):
    """Points from `start` to `stop`, both included."""

    start: Number
    stop: Number
    num: Annotated[int, Field(strict=True, ge=COUNTS["num"].least, le=COUNTS["num"].most)]
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
        """The range with points dense enough to draw a curve through."""
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


def points(key: str, axis: Decimal | list[Decimal] | Range) -> Array:
    """The points of an axis."""
    try:
        points = axis.points() if isinstance(axis, Range) else axis
    except InvalidInput as error:
        raise InvalidInput(key, error.value, error.allowed) from None
    return np.array(points, dtype=object)


def product(*columns: Array) -> tuple[Array, ...]:
    """Columns that broadcast to the grid of their points."""
    rows = math.prod(column.size for column in columns)
    if rows > MOST_POINTS:
        raise InvalidInput("grid", f"{rows:,} rows", f"must be at most {MOST_POINTS:,} rows")
    return np.ix_(*columns)


def rules(given: Any, read: Callable[[Any, str], Kind]) -> tuple[Kind, ...]:
    """A rule or a list of them, each read with the name that messages call it by."""
    if not isinstance(given, list):
        return (read(given, "rule"),)
    if not given:
        raise InvalidInput("rule", given, "must be a rule or a list of rules")
    return tuple(read(rule, f"rule[{index}]") for index, rule in enumerate(given))


#: Keys that a spec of some commands has and that of no other has.
_MARKS = {
    "`asymptotics risk`, `curve` and `verify`": ("kappa", "population"),
    "`asymptotics network`": ("eta", "task"),
}


def require_known(document: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise `InvalidInput` for a spec of another command, or a key that is not known."""
    own = {mark for marks in _MARKS.values() for mark in marks if mark in known}
    for commands, marks in _MARKS.items():
        found = [mark for mark in marks if mark in document and mark not in known]
        if found and not own & set(document):
            has = " and ".join(_as_written(key, document[key]) for key in found)
            raise InvalidInput("spec", MISSING, f"this is a spec for {commands}: it has {has}")
    for key, value in document.items():
        if key not in known:
            raise unknown_key(key, value, known)


def _as_written(key: str, value: Any) -> str:
    """How a key stands in a spec: tables have their brackets."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return f"[[{key}]]"
    return f"[{key}]" if key in ("population", "task") else key


def validated(model: type[Model], given: Any, key: str = "") -> Model:
    """`given` as a `model`, or the first thing wrong with it."""
    if not isinstance(given, Mapping):
        raise InvalidInput(key, given, "must be a table")
    try:
        return model.model_validate(given)
    except ValidationError as errors:
        # A key that is not known explains one that is missing.
        error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    place = list(error["loc"])
    if place[0] in model.axes:
        del place[1:2]  # which kind of axis it was read as
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in [key, *place])
    name = name.strip(".")
    if error["type"] == "extra_forbidden":
        fields = model if len(place) == 1 else Range
        raise unknown_key(name, error["input"], fields.model_fields)
    if error["type"] == "missing":
        raise InvalidInput(name, MISSING, "must be given")
    raise InvalidInput(name, error["input"], _allowed(error["msg"], place, model.axes))


def _allowed(message: str, place: list[Any], axes: tuple[str, ...]) -> str:
    """What is allowed at the place where pydantic found an error."""
    if len(place) == 1 and place[0] in axes:
        return "must be a number, a list of numbers or {start, stop, num, spacing}"
    return message.removeprefix("Value error, ").replace("Input should", "must")
