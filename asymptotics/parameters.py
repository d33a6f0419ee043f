"""The numbers of a problem, and what is allowed of each."""

import math
from collections.abc import Callable, Collection
from decimal import ROUND_CEILING, Context, Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from .arithmetic import Arithmetic, Array
from .errors import InvalidInput, unknown_name


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


_POSITIVE_TEXT, _NONNEGATIVE_TEXT = "must be a finite number > 0", "must be a finite number >= 0"
_COUNT_TEXT = "must be a number >= 1"
POSITIVE = Domain(lambda x: x > 0, _POSITIVE_TEXT)
NONNEGATIVE = Domain(_nonnegative, _NONNEGATIVE_TEXT)
REAL = Domain(_anything, "must be a finite number", largest=1e100)
DOMAINS = {
    "kappa": Domain(lambda x: x > 0, _POSITIVE_TEXT, 1e-50, 1e50),
    "sigma": Domain(_nonnegative, _NONNEGATIVE_TEXT, 1e-50, 1e50),
    "alpha": Domain(lambda x: (x >= 0) & (x <= 1), "must be a number in [0, 1]", 1e-50),
    "ridge": Domain(_nonnegative, _NONNEGATIVE_TEXT, 1e-50, 1e50),
    "weight": Domain(_nonnegative, _NONNEGATIVE_TEXT),
    "eigenvalue": Domain(_nonnegative, _NONNEGATIVE_TEXT, 1e-150),
    "mean": REAL,
    "std": Domain(_nonnegative, _NONNEGATIVE_TEXT, 1e-100, 1e100),
    "coefficient": REAL,
    "eta": Domain(lambda x: x > 0, _POSITIVE_TEXT, 1e-50, 1e50),
    "features": Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9),
    "width": Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9),
    "samples": Domain(lambda x: x >= 1, _COUNT_TEXT, largest=1e9),
}


#: Eigenvalues before their sign is looked at.
_SIGNED = Domain(_anything, _NONNEGATIVE_TEXT)
#: A negative eigenvalue smaller than this fraction of the largest may be rounding, also of data in
#: single precision.
_ROUNDING = 1e-6

#: Integers from here on may be no floats.
_EXACT = 2.0**53


def parameter(key: str, value: Any, domain: Domain | None = None, name: str | None = None) -> Array:
    """`value` as an array of numbers in the domain of `key`.

    Numbers that are exact (`Decimal`, `Fraction`) stay so, in an object array; all others become
    float64.  Raises `InvalidInput`, which names the first entry out of place.
    """
    name, domain = name or key, domain or DOMAINS[key]
    array = _array(name, value, domain)
    try:
        numbers = array.astype(np.float64)
    except (OverflowError, ValueError):  # a Decimal beyond the range of floats, or not a number
        numbers = np.array([_float(entry) for entry in array.ravel()]).reshape(array.shape)
    size = np.abs(numbers)
    in_range = (numbers == 0) | ((size >= domain.smallest) & (size <= domain.largest))
    if array.dtype == object:  # a decimal that only its float makes zero
        in_range &= (numbers != 0) | np.equal(array, 0)
    for good, allowed in (
        (np.isfinite(numbers), domain.text),
        (domain.contains(numbers), domain.text),
        (in_range, _range_text(domain)),
    ):
        if not good.all():
            index = tuple(int(i) for i in np.argwhere(~good)[0])
            raise InvalidInput(entry_name(name, index), array[index], allowed)
    return array if array.dtype == object else numbers


def numbers(key: str, value: Any, arithmetic: Arithmetic) -> Array:
    """`value` as numbers of an arithmetic: its own as they are, an input checked by `parameter`."""
    return value if arithmetic.owns(value) else arithmetic.array(parameter(key, value))


def scalar(key: str, value: Any, domain: Domain) -> Any:
    """`value` as one number of the domain, exact if it is; raises `InvalidInput`."""
    number = parameter(key, value, domain)
    if number.ndim:
        raise InvalidInput(key, value, domain.text)
    return number.item()


def eigenvalues(value: Any, clip: Any = 0.0) -> Array:
    """`value` as eigenvalues: one number >= 0 for each feature or group of them.

    Those of magnitude at most `clip` become 0: rounding leaves the zeros of a spectrum that was
    computed, positive or negative, at about 1e-16 of its largest eigenvalue.  Raises
    `InvalidInput` for a larger negative one, and for a matrix.
    """
    clip = scalar("clip", clip, NONNEGATIVE)
    array = parameter("eigenvalue", value, _SIGNED)
    if array.ndim > 1:
        allowed = (
            "must have one dimension, a variance for each feature: correlated features (a "
            "covariance matrix) are not supported; of a diagonal matrix give the diagonal"
        )
        raise InvalidInput("eigenvalue.shape", array.shape, allowed)
    floats = array.astype(np.float64)
    clipped = np.where(np.abs(floats) <= float(clip), 0, array) if clip else array
    try:
        return parameter("eigenvalue", clipped)
    except InvalidInput as error:
        raise InvalidInput(error.key, error.value, error.allowed + clip_remedy(floats)) from None


def clip_remedy(spectrum: Array) -> str:
    """What to do about negative eigenvalues, where they are as small as rounding makes them."""
    finite = spectrum[np.isfinite(spectrum)]
    size, largest = -finite.min(initial=0), finite.max(initial=0)
    if not 0 < size <= _ROUNDING * largest:
        return ""
    clip = Context(prec=1, rounding=ROUND_CEILING).create_decimal(size.item())
    remedy = f"clip = {float(clip):g} makes it 0"
    return f"; if it is rounding ({size / largest:.0e} of the largest), {remedy}"


def whole(key: str, value: Any, least: int, most: float = math.inf) -> int:
    """`value` as a whole number from `least` to `most`; raises `InvalidInput`."""
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    if not integral or not least <= int(value) <= most:
        bound = f" and <= {most}" if most < math.inf else ""
        raise InvalidInput(key, value, f"must be a whole number >= {least}{bound}")
    return int(value)


def wholes(key: str, values: Any, least: int, most: float = math.inf) -> Array:
    """`values` as an array of whole numbers from `least` to `most`; raises `InvalidInput`."""
    given = np.asarray(values, dtype=object)
    names = (entry_name(key, index if given.size > 1 else ()) for index in np.ndindex(given.shape))
    numbers = [
        whole(name, value, least, most) for name, value in zip(names, given.flat, strict=True)
    ]
    return np.array(numbers, dtype=np.int64).reshape(given.shape)


def choice(key: str, value: Any, known: Collection[str]) -> str:
    """`value` as a name that is known; raises `InvalidInput`, which tells the nearest one."""
    if not isinstance(value, str) or value not in known:
        raise unknown_name(key, value, known)
    return value


def _array(name: str, value: Any, domain: Domain) -> Array:
    """`value` as an array of exact numbers or of any kind of real number."""
    if np.ma.isMaskedArray(value):
        raise InvalidInput(name, value, "must not be masked: drop or fill what is missing")
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInput(name, value, "must be a number or an array of numbers") from None
    if array.dtype == object:
        for index, entry in np.ndenumerate(array):
            number = isinstance(entry, Real | Decimal) and not isinstance(entry, bool)
            if not number or (isinstance(entry, Decimal) and entry.is_snan()):
                raise InvalidInput(entry_name(name, index), entry, domain.text)
    elif array.dtype.kind not in "iuf":
        raise InvalidInput(name, value, domain.text)
    elif array.dtype.kind in "iu" and np.any(np.abs(array.astype(np.float64)) >= _EXACT):
        return array.astype(object)  # floats would round them
    return array


def _range_text(domain: Domain) -> str:
    return f"must be of magnitude {domain.smallest:g} to {domain.largest:g}: rescale the units"


def entry_name(name: str, index: tuple[int, ...]) -> str:
    """How messages call the entry of an array at `index`."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _float(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        return math.nan
