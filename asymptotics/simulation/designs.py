"""Laws of the independent entries of a design, and of label noise: mean 0, variance 1."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput, unknown_name

#: A decimal number; Python's own reading allows underscores and the digits of other scripts too.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
Shape = int | tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Law:
    """A standardised law with more than four moments.  Its string is its name in specs."""

    name: str
    parameter: float = math.nan

    def __str__(self) -> str:
        if math.isnan(self.parameter):
            return self.name
        return f"{self.name}={repr(self.parameter).removesuffix('.0')}"

    @property
    def kurtosis(self) -> float:
        """The fourth moment, 3 for a normal law."""
        if self.name in _PLAIN:
            return _PLAIN[self.name].kurtosis
        return _FAMILIES[self.name].kurtosis(self.parameter)

    def draw(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Independent values of mean 0 and variance 1."""
        if self.name in _PLAIN:
            return _PLAIN[self.name].draw(rng, shape)
        return _FAMILIES[self.name].draw(rng, shape, self.parameter)


def _rademacher(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1.0


def _uniform(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(-math.sqrt(3), math.sqrt(3), shape)


def _student(rng: np.random.Generator, shape: Shape, freedom: float) -> Array:
    return rng.standard_t(freedom, shape) * math.sqrt((freedom - 2) / freedom)


def _sparse(rng: np.random.Generator, shape: Shape, share: float) -> Array:
    return rng.standard_normal(shape) * ((rng.random(shape) < share) / math.sqrt(share))


class _Plain(NamedTuple):
    draw: Draw
    kurtosis: float


class _Family(NamedTuple):
    draw: Callable[[np.random.Generator, Shape, float], Array]
    kurtosis: Callable[[float], float]
    contains: Callable[[float], bool]
    allowed: str


_PLAIN: Mapping[str, _Plain] = {
    "gaussian": _Plain(lambda rng, shape: rng.standard_normal(shape), 3),
    "rademacher": _Plain(_rademacher, 1),
    "uniform": _Plain(_uniform, 1.8),
}
_FAMILIES: Mapping[str, _Family] = {
    "student-t": _Family(
        _student,
        lambda freedom: 3 + 6 / (freedom - 4),
        lambda freedom: 4 < freedom < math.inf,
        "must have a number > 4 of degrees",
    ),
    "sparse": _Family(
        _sparse,
        lambda share: 3 / share,
        lambda share: 1e-3 <= share <= 1,
        "must have a share in [0.001, 1] of non-zeros",
    ),
}
GAUSSIAN = Law("gaussian")


def law_names() -> list[str]:
    """The names of all laws; one that ends in ``=`` is followed by a number."""
    return [*_PLAIN, *(f"{family}=" for family in _FAMILIES)]


def as_law(law: Law | str, name: str = "design") -> Law:
    """A law from its name.

    Names are ``gaussian``, ``rademacher``, ``uniform``, ``student-t=5``, ``sparse=0.1``.  Raises
    `InvalidInput`, in which the law is called `name`.
    """
    if isinstance(law, Law):
        return law
    kind, equals, text = law.partition("=") if isinstance(law, str) else ("", "", "")
    if not equals and kind in _PLAIN:
        return Law(kind)
    if kind not in _FAMILIES:
        raise unknown_name(
            name, law, [f"{known}x" if known.endswith("=") else known for known in law_names()]
        )
    parameter = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not _FAMILIES[kind].contains(parameter):
        raise InvalidInput(name, law, f"{kind}=x {_FAMILIES[kind].allowed}")
    return Law(kind, parameter)
