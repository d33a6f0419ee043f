"""Laws for the independent entries of a design and for label noise; mean 0 and variance 1."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import InvalidInput, unknown_name

#: A decimal number.  `float` alone would also accept underscores, and digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
Shape = int | tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Law:
    """A standardised law with a finite moment of an order above 4.  `str` gives its name in specs.

    For such laws the predicted risk is that of a Gaussian design (universality); only terms of
    order 1/n depend on the law, by its `kurtosis`.
    """

    name: str
    parameter: float = math.nan

    def __str__(self) -> str:
        if math.isnan(self.parameter):
            return self.name
        return f"{self.name}={repr(self.parameter).removesuffix('.0')}"

    @property
    def kurtosis(self) -> float:
        """The fourth moment E[x⁴]; 3 for the normal law."""
        if self.name in _FIXED_LAWS:
            return _FIXED_LAWS[self.name].kurtosis
        return _LAW_FAMILIES[self.name].kurtosis(self.parameter)

    def draw(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Independent values of mean 0 and variance 1."""
        if self.name in _FIXED_LAWS:
            return _FIXED_LAWS[self.name].draw(rng, shape)
        return _LAW_FAMILIES[self.name].draw(rng, shape, self.parameter)


def _rademacher(rng: np.random.Generator, shape: Shape) -> Array:
    """Random signs."""
    return rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1.0


def _uniform(rng: np.random.Generator, shape: Shape) -> Array:
    """Uniform on an interval of variance 1."""
    return rng.uniform(-math.sqrt(3), math.sqrt(3), shape)


def _student(rng: np.random.Generator, shape: Shape, freedom: float) -> Array:
    """Student's law, whose variance is f/(f - 2) for f degrees of freedom, standardised."""
    return rng.standard_t(freedom, shape) * math.sqrt((freedom - 2) / freedom)


def _sparse(rng: np.random.Generator, shape: Shape, share: float) -> Array:
    """0 with probability 1 - share, else normal of variance 1/share."""
    return rng.standard_normal(shape) * ((rng.random(shape) < share) / math.sqrt(share))


class _FixedLaw(NamedTuple):
    """A law without parameter."""

    draw: Draw
    kurtosis: float


class _LawFamily(NamedTuple):
    """A family of laws with one parameter; `contains` says whether a value is allowed."""

    draw: Callable[[np.random.Generator, Shape, float], Array]
    kurtosis: Callable[[float], float]
    contains: Callable[[float], bool]
    allowed: str


_FIXED_LAWS: Mapping[str, _FixedLaw] = {
    "gaussian": _FixedLaw(lambda rng, shape: rng.standard_normal(shape), 3),
    "rademacher": _FixedLaw(_rademacher, 1),
    "uniform": _FixedLaw(_uniform, 1.8),
}
_LAW_FAMILIES: Mapping[str, _LawFamily] = {
    "student-t": _LawFamily(
        _student,
        lambda freedom: 3 + 6 / (freedom - 4),
        lambda freedom: 4 < freedom < math.inf,
        "must have a number > 4 of degrees",
    ),
    "sparse": _LawFamily(
        _sparse,
        lambda share: 3 / share,
        lambda share: 1e-3 <= share <= 1,
        "must have a share in [0.001, 1] of non-zeros",
    ),
}
GAUSSIAN = Law("gaussian")


def law_names() -> list[str]:
    """The names of all laws; one that ends in ``=`` is followed by a number."""
    return [*_FIXED_LAWS, *(f"{family}=" for family in _LAW_FAMILIES)]


def as_law(law: Law | str, name: str = "design") -> Law:
    """A law from its name.

    Names are ``gaussian``, ``rademacher``, ``uniform``, ``student-t=5``, ``sparse=0.1``.  Raises
    `InvalidInput` for other names; its message calls the argument `name`.
    """
    if isinstance(law, Law):
        return law
    kind, equals, text = law.partition("=") if isinstance(law, str) else ("", "", "")
    if not equals and kind in _FIXED_LAWS:
        return Law(kind)
    if kind not in _LAW_FAMILIES:
        raise unknown_name(
            name, law, [f"{known}x" if known.endswith("=") else known for known in law_names()]
        )
    parameter = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not _LAW_FAMILIES[kind].contains(parameter):
        raise InvalidInput(name, law, f"{kind}=x {_LAW_FAMILIES[kind].allowed}")
    return Law(kind, parameter)
