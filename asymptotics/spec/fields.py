"""The values of a spec's keys: decimal numbers, lists and ranges of numbers, and tables."""

import math
from collections.abc import Callable, Collection, Mapping
from decimal import Context, Decimal
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

#: Inner points of a range are rounded to this many digits, so that 0.3 does not become
#: 0.30000000000000004.
_DIGITS = 15
#: The most rows of a grid.
MOST_POINTS = 1_000_000
#: Points of a curve in a figure: with fewer, one sees its corners.
_SMOOTH = 401


def _number(value: Any) -> Any:
    """The decimal value of a number as it is written, not that of the nearest float."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


#: A decimal number.  The code that uses it checks its domain, and that it is finite.
Number = Annotated[Decimal, Field(allow_inf_nan=True), BeforeValidator(_number)]


class Table(BaseModel):
    """A table of a spec; a key that is no field of the class is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: The keys whose value is an `Axis`.
    axes: ClassVar[tuple[str, ...]] = ()


Model = TypeVar("Model", bound=Table)
Kind = TypeVar("Kind")


class Range(Table):
    """A range of `num` points from `start` to `stop`, both included."""

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
            floats = np.geomspace(float(self.start), float(self.stop), self.num)[1:-1]
            inner = [Decimal(f"{x:.{_DIGITS}g}") for x in floats]
        else:
            # In exact arithmetic: in floats, 0.1 + 2 * 0.1 is 0.30000000000000004.
            start, step = Fraction(self.start), Fraction(self.stop - self.start) / (self.num - 1)
            context = Context(prec=_DIGITS + self._shared_digits)
            exact = (start + i * step for i in range(1, self.num - 1))
            inner = [context.divide(Decimal(x.numerator), Decimal(x.denominator)) for x in exact]
        # Rounding must not take a point out of its range.
        low, high = sorted((self.start, self.stop))
        return [self.start, *(min(max(x, low), high) for x in inner), self.stop]

    @property
    def _shared_digits(self) -> int:
        """How many leading digits all points of a linear range share."""
        width, size = abs(self.stop - self.start), max(abs(self.start), abs(self.stop))
        return max(0, (size / width).adjusted()) if width else 0

    def smooth(self) -> "Range":
        """The range with enough points for a smooth curve."""
        return self.model_copy(update={"num": max(self.num, _SMOOTH)})


def _kind(value: Any) -> str:
    """The tag of `Axis` under which a value is read."""
    if isinstance(value, list):
        return "list"
    return "range" if isinstance(value, Mapping | Range) else "number"


#: The values of a parameter: one number, a list of numbers or a range.
Axis = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[Annotated[list[Number], Field(min_length=1)], Tag("list")]
    | Annotated[Range, Tag("range")],
    Discriminator(_kind),
]


def points(key: str, axis: Decimal | list[Decimal] | Range) -> Array:
    """The points of an axis, as an array of decimals; `key` is for messages."""
    try:
        points = axis.points() if isinstance(axis, Range) else axis
    except InvalidInput as error:
        raise InvalidInput(key, error.value, error.allowed) from None
    return np.array(points, dtype=object)


def product(*columns: Array) -> tuple[Array, ...]:
    """The columns reshaped so that they broadcast to the grid of all combinations.

    Raises `InvalidInput` if the grid has too many rows.
    """
    rows = math.prod(column.size for column in columns)
    if rows > MOST_POINTS:
        raise InvalidInput("grid", f"{rows:,} rows", f"must be at most {MOST_POINTS:,} rows")
    return np.ix_(*columns)


def rules(given: Any, read: Callable[[Any, str], Kind]) -> tuple[Kind, ...]:
    """The rules that a spec gives, one or a list; `read` converts a rule, given its key too."""
    if not isinstance(given, list):
        return (read(given, "rule"),)
    if not given:
        raise InvalidInput("rule", given, "must be a rule or a list of rules")
    return tuple(read(rule, f"rule[{index}]") for index, rule in enumerate(given))


#: Keys that tell for which commands a spec is.
_TELLING_KEYS = {
    "`asymptotics rounds`": ("round",),
    "`asymptotics growth`": ("full_kappa", "kept"),
    "`asymptotics risk`, `curve` and `verify`": ("kappa", "population"),
    "`asymptotics network`": ("eta", "task"),
}
#: Of these keys, those that a spec for one command alone has.
_ONE_COMMAND = ("round", "full_kappa", "kept")


def require_known(document: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise `InvalidInput` for a spec of another command, or a key that is not in `known`."""
    own = {key for keys in _TELLING_KEYS.values() for key in keys if key in known}
    for commands, keys in _TELLING_KEYS.items():
        found = [key for key in keys if key in document and key not in known]
        if found and (not own & set(document) or set(found) <= set(_ONE_COMMAND)):
            has = " and ".join(_as_written(key, document[key]) for key in found)
            raise InvalidInput("spec", MISSING, f"this is a spec for {commands}: it has {has}")
    for key, value in document.items():
        if key not in known:
            raise unknown_key(key, value, known)


def _as_written(key: str, value: Any) -> str:
    """A key as it is written in a spec, with brackets if its value is a table."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return f"[[{key}]]"
    return f"[{key}]" if key in ("population", "task") else key


def validated(model: type[Model], given: Any, key: str = "") -> Model:
    """The table `given` as a `model`; raises `InvalidInput` for its first error.

    `key` is the key of the table itself, for messages.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput(key, given, "must be a table")
    try:
        return model.model_validate(given)
    except ValidationError as errors:
        # A misspelt key is also missing under its right name; report the misspelling.
        error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    place = list(error["loc"])
    if place[0] in model.axes:
        del place[1:2]  # the tag of the axis, which pydantic adds
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in [key, *place])
    name = name.strip(".")
    if error["type"] == "extra_forbidden":
        fields = model if len(place) == 1 else Range
        raise unknown_key(name, error["input"], fields.model_fields)
    if error["type"] == "missing":
        raise InvalidInput(name, MISSING, "must be given")
    raise InvalidInput(name, error["input"], _allowed(error["msg"], place, model.axes))


def _allowed(message: str, place: list[Any], axes: tuple[str, ...]) -> str:
    """The message of an error of pydantic, in the words of this package."""
    if len(place) == 1 and place[0] in axes:
        return "must be a number, a list of numbers or {start, stop, num, spacing}"
    return message.removeprefix("Value error, ").replace("Input should", "must")
