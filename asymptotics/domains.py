"""The parameters of the models, and the domains of all numbers that a user passes.

`LINEAR`, `RETRAINING` and `NETWORK` record the symbol, label, domain and default of each parameter.
The grid of a prediction, the keys of a spec, the columns of a result and the labels of a figure are
all derived from them.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from .arithmetic import Array


class Domain(NamedTuple):
    """The values that a real number may take."""

    contains: Callable[[Array], Array]
    #: What is allowed, as the end of an error message.
    text: str
    #: Bounds of the magnitude of a number that is not zero.  They keep intermediate results of the
    #: formulas within the range of double precision.
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

    #: The symbol in LaTeX.
    symbol: str
    #: Meaning and units, as the label of an axis.
    label: str
    domain: Domain
    #: None if the user must pass the parameter.
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
#: The parameters of a second fit, of the weights that were kept.
RETRAINING: Mapping[str, Parameter] = {
    "retrain_ridge": Parameter(
        "r_2",
        r"ridge of the second fit $r_2$ (units of feature variance)",
        LINEAR["ridge"].domain,
        Decimal(0),
    ),
}
#: The parameters of a two-layer network; `alpha` is the same as in the linear model.
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
#: The domain of every real number that a user passes, by its name.
DOMAINS: Mapping[str, Domain] = {
    **{key: parameter.domain for key, parameter in {**LINEAR, **RETRAINING, **NETWORK}.items()},
    "weight": Domain(_nonnegative, NONNEGATIVE_TEXT),
    "eigenvalue": Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-150),
    "mean": REAL,
    "std": Domain(_nonnegative, NONNEGATIVE_TEXT, 1e-100, 1e100),
    "coefficient": REAL,
    "features": Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9),
}


class Count(NamedTuple):
    """The integers from `least` to `most`, both included."""

    least: int
    most: int


#: The bounds of every integer that a user passes, by its name.  They limit the time and the memory
#: of one call; a function may set narrower bounds.
COUNTS = {
    # Runs: features, trials, seeds (of 128 bits, as NumPy recommends) and processes.
    "p": Count(1, 10**12),
    "trials": Count(1, 10**6),
    "seed": Count(0, 2**128 - 1),
    "workers": Count(1, 10**5),
    # Precision, and points of an axis of a spec.
    "digits": Count(1, 3_000),
    "num": Count(2, 10**6),
    # Networks: sizes, steps of gradient descent (each is recorded), evaluations of gradient flow.
    "width": Count(1, 10**6),
    "features": Count(1, 10**6),
    "neurons": Count(1, 10**6),
    "samples": Count(1, 10**6),
    "test_samples": Count(10, 10**6),
    "steps": Count(1, 10**7),
    "evaluations": Count(1, 10**8),
    # Checks of derivations: the number of points, of boxes, and of bits in the ends of a box.
    "number": Count(1, 10**6),
    "most": Count(1, 10**7),
    "bits": Count(1, 10**5),
}
