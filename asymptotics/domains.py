"""The parameters of the models, and the values that every number of a user may take.

A parameter is one entry of a record: its symbol, its meaning, its domain, its default.  The grid of
a prediction, the keys of a spec, the columns of a result and the labels of a figure all come from
these records.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from .arithmetic import Array


class Domain(NamedTuple):
    """The values that a number may take."""

    contains: Callable[[Array], Array]
    text: str
    #: Magnitudes outside (unless zero) would leave the range of double precision on the way.
    smallest: float = 0.0
    largest: float = 1e150


def _nonnegative(x: Array) -> Array:
    return x >= 0


def _anything(x: Array) -> Array:
    return x == x


_POSITIVE_TEXT, NONNEGATIVE_TEXT = "must be a finite number > 0", "must be a finite number >= 0"
_COUNT_TEXT = "must be a number >= 1"
POSITIVE = Domain(lambda x: x > 0, _POSITIVE_TEXT)
NONNEGATIVE = Domain(_nonnegative, NONNEGATIVE_TEXT)
REAL = Domain(_anything, "must be a finite number", largest=1e100)


class Parameter(NamedTuple):
    """One parameter of a model."""

    #: In LaTeX.
    symbol: str
    #: What it is and in which units, as an axis is labelled.
    label: str
    domain: Domain
    #: None for one that must be given.
    default: Decimal | None = None


#: The parameters of the linear model, in the order of the columns of a result.
LINEAR: Mapping[str, Parameter] = {
    "kappa": Parameter(
        r"\kappa",
        r"features per sample $\kappa = p/n$",
        Domain(lambda x: x > 0, _POSITIVE_TEXT, 1e-50, 1e50),
    ),
    "sigma": Parameter(
        r"\sigma",
        r"noise standard deviation $\sigma$ (units of $y$)",
        Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-50, 1e50),
    ),
    "alpha": Parameter(
        r"\alpha",
        r"fraction of weights kept $\alpha$",
        Domain(lambda x: (x >= 0) & (x <= 1), "must be a number in [0, 1]", 1e-50),
    ),
    "ridge": Parameter(
        "r",
        r"ridge $r$ (units of feature variance)",
        Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-50, 1e50),
        Decimal(0),
    ),
}
#: Those of a two-layer network; it shares `alpha`.
NETWORK: Mapping[str, Parameter] = {
    "eta": Parameter(
        r"\eta",
        r"scale of the start $\eta$, from $(\eta W_0, v_0/\eta)$",
        Domain(lambda x: x > 0, _POSITIVE_TEXT, 1e-50, 1e50),
    ),
    "alpha": LINEAR["alpha"],
    "width": Parameter("m", "neurons $m$", Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9)),
    "samples": Parameter("n", "samples $n$", Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9)),
}
DOMAINS: Mapping[str, Domain] = {
    **{key: parameter.domain for key, parameter in {**LINEAR, **NETWORK}.items()},
    "weight": Domain(_nonnegative, NONNEGATIVE_TEXT),
    "eigenvalue": Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-150),
    "mean": REAL,
    "std": Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-100, 1e100),
    "coefficient": REAL,
    "features": Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9),
}


class Count(NamedTuple):
    """The whole numbers that may be given, both ends included."""

    least: int
    most: int


#: The bounds of every whole number that the package takes.  They keep the work and the memory that
#: one call may ask for finite; a caller may set narrower ones.
COUNTS = {
    # Runs: features, trials, seeds (of 128 bits, as NumPy recommends) and processes.
    "p": Count(1, 10**12),
    "trials": Count(1, 10**6),
    "seed": Count(0, 2**128 - 1),
    "workers": Count(1, 10**5),
    # Precision, and points of an axis of a spec.
    "digits": Count(1, 3_000),
    "num": Count(2, 10**6),
    # Networks: sizes, steps of descent (each of which is recorded) and evaluations of a flow.
    "width": Count(1, 10**6),
    "features": Count(1, 10**6),
    "neurons": Count(1, 10**6),
    "samples": Count(1, 10**6),
    "test_samples": Count(10, 10**6),
    "steps": Count(1, 10**7),
    "evaluations": Count(1, 10**8),
    # Checks of derivations: points, boxes and the bits of their ends.
    "number": Count(1, 10**6),
    "most": Count(1, 10**7),
    "bits": Count(1, 10**5),
}
