"""The groups of a population as columns of numbers."""

from typing import NamedTuple

from ..arithmetic import Array


class Groups(NamedTuple):
    """The columns of a population as numbers of one arithmetic; the weights sum to 1."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array

    @property
    def second_moment(self) -> Array:
        """E[B²] in each group."""
        return self.mean * self.mean + self.std * self.std
