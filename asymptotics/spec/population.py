"""The population that a spec describes."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ..errors import MISSING, InvalidInput, unknown_name
from ..parameters import parameter
from ..population import Population
from ..population.samples import ignored_columns
from .fields import Number, Table, validated
from .reading import ESCAPES

#: Weights whose sum differs from 1 by no more than this are taken as rounded fractions.
_ROUNDING = 1e-9


class GroupTable(Table):
    """One ``[[population]]`` table."""

    weight: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)
    mean: Number = Decimal(0)
    std: Number = Decimal(0)


class FileTable(Table):
    """A ``[population]`` table with the CSV file of its samples."""

    file: Annotated[str, Field(strict=True)]
    clip: Number = Decimal(0)

    def population(self, folder: Path) -> Population:
        """The population; the file is looked up in `folder`."""
        if re.search(r"[\x00-\x1f\x7f]", self.file):  # "C:\table.csv" holds a tab
            raise InvalidInput("file", self.file, f"must have no control characters; {ESCAPES}")
        return Population.from_csv(folder / self.file, self.clip)


class IsotropicTable(Table):
    """A ``[population]`` table with the arguments of `Population.isotropic`."""

    family: Literal["isotropic"]
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.isotropic(self.mean, self.std, self.eigenvalue)


class SpikeAndSlabTable(Table):
    """A ``[population]`` table with the arguments of `Population.spike_and_slab`."""

    family: Literal["spike-and-slab"]
    fraction: Number
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.spike_and_slab(self.fraction, self.mean, self.std, self.eigenvalue)


class PowerLawTable(Table):
    """A ``[population]`` table with the arguments of `Population.power_law`."""

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


def population(document: Mapping[str, Any], folder: Path) -> Population:
    """The population of a parsed spec; files are looked up in `folder`.

    A spec has ``[[population]]`` tables of groups, or one ``[population]`` table with a file,
    a family or a single group.
    """
    given = document.get("population", MISSING)
    if isinstance(given, list) and given:
        _require_groups(given)
        groups = [
            validated(GroupTable, group, f"population[{index}]")
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
        return population({"population": [given]}, folder)
    table = _source(given)
    try:
        return validated(table, given, "population").population(folder)
    except InvalidInput as error:
        raise error if error.key.startswith("population") else error.within("population") from None


def _require_groups(tables: Sequence[Any]) -> None:
    """Raise `InvalidInput` if one of several tables has a file or a family, not a group."""
    for index, table in enumerate(tables):
        for key in ("family", "file"):
            if isinstance(table, Mapping) and key in table:
                allowed = (
                    f"must stand in one [population], with single brackets: a {key} has all groups"
                )
                raise InvalidInput(f"population[{index}].{key}", table[key], allowed)


def _source(given: Mapping[str, Any]) -> type[Source]:
    """The class for a table with a file or a family."""
    if "file" not in given:
        family = given["family"]
        if not isinstance(family, str) or family not in _FAMILIES:
            raise unknown_name("population.family", family, _FAMILIES)
        return _FAMILIES[family]
    if "family" in given:
        raise InvalidInput("population", dict(given), "must have a file or a family, not both")
    return FileTable


def samples_file(document: Mapping[str, Any], folder: Path) -> Path | None:
    """The path of the CSV file in a parsed spec, or None."""
    given = document.get("population")
    return folder / given["file"] if isinstance(given, Mapping) and "file" in given else None


def note_of_weights(document: Mapping[str, Any]) -> str:
    """A note if the weights of groups do not sum to 1, which may be a slip; otherwise empty.

    There is no note if no group has a weight, because equal parts are meant then, nor for a CSV
    file, whose weights are often counts.
    """
    given = document.get("population")
    groups = given if isinstance(given, list) else [given]
    weights = [group.get("weight") for group in groups if isinstance(group, Mapping)]
    if all(weight is None for weight in weights):
        return ""
    total = sum(float(1 if weight is None else weight) for weight in weights)
    if abs(total - 1) <= _ROUNDING:
        return ""
    # As many digits as it takes to see that the sum is not 1.
    shown = next(text for digits in range(6, 18) if float(text := f"{total:.{digits}g}") != 1)
    return f"the weights of the population sum to {shown}; they are divided by it, to sum to 1"


def note_of_columns(samples: Path) -> str:
    """A note of the columns of a CSV file that are not read; empty if there are none."""
    ignored = ignored_columns(samples)
    if not ignored:
        return ""
    columns = "column" if len(ignored) == 1 else "columns"
    return f"not read of {samples.name}: {columns} {', '.join(map(repr, ignored))}"
