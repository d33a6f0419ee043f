"""Laws of the independent entries of a design, and of label noise: mean 0, variance 1."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput, unknown_name

Shape = int | tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Law:
    """A standardised law with more than four moments.  Its string is its name in specs."""

    name: str
    parameter: float = math.nan

    def __str__(self) -> str:
        return self.name if math.isnan(self.parameter) else f"{self.name}={self.parameter:g}"

    def draw(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Independent values of mean 0 and variance 1."""
        if self.name in _PLAIN:
            return _PLAIN[self.name](rng, shape)
        return _FAMILIES[self.name].draw(rng, shape, self.parameter)


def _rademacher(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1.0


def _uniform(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(-math.sqrt(3), math.sqrt(3), shape)


def _student(rng: np.random.Generator, shape: Shape, freedom: float) -> Array:
    return rng.standard_t(freedom, shape) * math.sqrt((freedom - 2) / freedom)


def _sparse(rng: np.random.Generator, shape: Shape, share: float) -> Array:
    return rng.standard_normal(shape) * ((rng.random(shape) < share) / math.sqrt(share))


@dataclass(frozen=True)
class _Family:
    draw: Callable[[np.random.Generator, Shape, float], Array]
    contains: Callable[[float], bool]
    allowed: str


_PLAIN: Mapping[str, Draw] = {
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "rademacher": _rademacher,
    "uniform": _uniform,
}
_FAMILIES: Mapping[str, _Family] = {
    "student-t": _Family(_student, lambda x: 4 < x < math.inf, "must have a number > 4 of degrees"),
    "sparse": _Family(_sparse, lambda x: 0 < x <= 1, "must have a share in (0, 1] of non-zeros"),
}
GAUSSIAN = Law("gaussian")


def as_law(law: Law | str, name: str = "design") -> Law:
    """A law from its name.

    Names are ``gaussian``, ``rademacher``, ``uniform``, ``student-t=5``, ``sparse=0.1``.  Raises
    `InvalidInput`, in which the law is called `name`.
    """
    if isinstance(law, Law):
        return law
    kind, equals, text = str(law).partition("=")
    if not equals and kind in _PLAIN:
        return Law(kind)
    if kind not in _FAMILIES:
        raise unknown_name(name, law, [*_PLAIN, *(f"{family}=x" for family in _FAMILIES)])
    try:
        parameter = float(text)
    except ValueError:
        parameter = math.nan
    if not _FAMILIES[kind].contains(parameter):
        raise InvalidInput(name, law, f"{kind}=x {_FAMILIES[kind].allowed}")
    return Law(kind, parameter)
