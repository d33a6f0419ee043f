"""The population that a spec describes."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ..errors import MISSING, InvalidInput, unknown_name
from ..parameters import parameter
from ..population import Population
from .fields import Number, Table, validated


class GroupTable(Table):
    """One ``[[population]]`` table."""

    weight: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)
    mean: Number = Decimal(0)
    std: Number = Decimal(0)


class FileTable(Table):
    """A population of samples in a CSV file."""

    file: Annotated[str, Field(strict=True)]

    def population(self, folder: Path) -> Population:
        return Population.from_csv(folder / self.file)


class IsotropicTable(Table):
    """`Population.isotropic`."""

    family: Literal["isotropic"]
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.isotropic(self.mean, self.std, self.eigenvalue)


class SpikeAndSlabTable(Table):
    """`Population.spike_and_slab`."""

    family: Literal["spike-and-slab"]
    fraction: Number
    mean: Number = Decimal(0)
    std: Number = Decimal(1)
    eigenvalue: Number = Decimal(1)

    def population(self, _: Path) -> Population:
        return Population.spike_and_slab(self.fraction, self.mean, self.std, self.eigenvalue)


class PowerLawTable(Table):
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


def population(document: Mapping[str, Any], folder: Path) -> Population:
    """The population of a parsed spec; files are looked up in `folder`."""
    given = document.get("population", MISSING)
    if isinstance(given, list) and given:
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
