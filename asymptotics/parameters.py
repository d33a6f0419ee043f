"""Input validation: every number that a user passes is checked here.

`parameter` checks real numbers against their domain in `domains.DOMAINS`, and `whole` checks
integers against their bounds in `domains.COUNTS`.  A value that fails raises `InvalidInput`, whose
message names the argument, the value and what is allowed.
"""

import inspect
import math
import os
from collections.abc import Callable, Collection, Mapping
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from numbers import Complex, Integral, Rational, Real
from pathlib import Path
from typing import Any

import numpy as np

from .arithmetic import Arithmetic, Array
from .domains import COUNTS, DOMAINS, NONNEGATIVE, NONNEGATIVE_TEXT, Count, Domain
from .errors import MISSING, InvalidInput, unknown_name

#: The domain of eigenvalues that may still be negative, because clipping comes first.
_SIGNED = Domain(lambda x: x == x, NONNEGATIVE_TEXT)
#: A negative eigenvalue below this fraction of the largest one may be a rounding error, if the data
#: were in single precision.
_ROUNDING = 1e-6
#: The most points of a grid, and the most numbers in a random array.
MOST_POINTS = MOST_NUMBERS = 10**9
#: The most dimensions of an input array.  Some NumPy functions allow 32, and the computations add
#: dimensions of their own.
_MOST_DIMENSIONS = 24
#: Floats hold all integers below this one exactly, but not all larger ones.
_EXACT = 2**53
#: Numbers of magnitude above 2^4096 or below 2^-4096 are outside every domain.
_FAR = 4096
#: The smallest positive float.  It replaces smaller positive numbers, so that they are not 0.
_LEAST = 5e-324
#: Types that Python registers as integers although they are no numbers here.
_NO_NUMBERS = (bool, np.timedelta64)
Exact = int | float | Decimal | Fraction


def parameter(key: str, value: Any, domain: Domain | None = None, name: str | None = None) -> Array:
    """`value` as an array of numbers in the domain of `key`.

    The result is float64 if all entries are floats or integers that float64 holds exactly.  With
    any other entry (`Decimal`, `Fraction`, a large integer, or a number of mpmath, SymPy or NumPy
    with more digits than a float) it is an object array, whose entries keep their exact values as
    `exact` returns them.  Raises `InvalidInput`, which names the first entry outside the domain.
    """
    name, domain = name or key, domain or DOMAINS[key]
    given = as_array(name, value)
    if given.dtype.kind == "O" or given.dtype == np.longdouble:
        array = _exactly(name, given, domain)
        numbers = _each(_float, array).astype(np.float64)
        finite = _each(_is_finite, array).astype(bool)
        zero = _each(lambda entry: entry == 0, array).astype(bool)
    elif given.dtype.kind in "iuf":
        array, numbers = given, given.astype(np.float64)
        finite, zero = np.isfinite(numbers), numbers == 0
        if given.dtype.kind in "iu" and np.any(np.abs(numbers) >= _EXACT):
            array = given.astype(object)  # as floats they would be rounded
    else:
        raise InvalidInput(name, value, domain.text)
    size = np.abs(numbers)
    in_range = zero | ((size >= domain.smallest) & (size <= domain.largest) & (size > _LEAST))
    for good, allowed in (
        (finite, domain.text),
        (domain.contains(numbers), domain.text),
        (in_range, _range_text(domain)),
    ):
        if not good.all():
            index = tuple(int(i) for i in np.argwhere(~good)[0])
            raise InvalidInput(entry_name(name, index), given[index], allowed)
    return array if array.dtype == object else numbers


def own_or_checked(key: str, value: Any, arithmetic: Arithmetic) -> Array:
    """`value` unchanged if it holds numbers of the arithmetic, else checked by `parameter`."""
    return value if arithmetic.owns(value) else parameter(key, value)


def numbers(key: str, value: Any, arithmetic: Arithmetic) -> Array:
    """`value` as numbers of an arithmetic; an input is checked by `parameter` and converted."""
    return arithmetic.taken(own_or_checked(key, value, arithmetic))


def scalar(key: str, value: Any, domain: Domain) -> Any:
    """`value` as a single number of the domain, with its exact value; raises `InvalidInput`."""
    number = parameter(key, value, domain)
    if number.ndim:
        raise InvalidInput(key, value, f"{domain.text}, not an array of them")
    return number.item()


def eigenvalues(value: Any, clip: Any = 0.0) -> Array:
    """`value` as eigenvalues: one number >= 0 for each feature or group of features.

    Eigenvalues of magnitude at most `clip` become 0.  This is meant for computed spectra, in which
    rounding turns zeros into numbers of either sign, of about 1e-16 times the largest eigenvalue.
    Raises `InvalidInput` for a negative eigenvalue beyond `clip`, and for a matrix.
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
    """Advice for an error message: the `clip` that makes negative eigenvalues 0.

    Empty unless they are so small that they may be rounding errors.
    """
    finite = spectrum[np.isfinite(spectrum)]
    size, largest = -finite.min(initial=0), finite.max(initial=0)
    if not 0 < size <= _ROUNDING * largest:
        return ""
    clip = Context(prec=1, rounding=ROUND_CEILING).create_decimal(size.item())
    remedy = f"clip = {float(clip):g} makes it 0"
    return f"; if it is rounding ({size / largest:.0e} of the largest), {remedy}"


def exact(value: Any) -> Exact | None:
    """A real number as a Python number of exactly the same value; None for anything else.

    The exact rational value must be known.  That is so for numbers of Python and NumPy, for all
    types registered as `numbers.Rational`, which have a numerator and a denominator, and for
    floating point numbers of mpmath and SymPy, which store a mantissa and a power of two in
    ``_mpf_``.  Integers, `Decimal` and `Fraction` keep their type; any other number becomes a float
    if float64 holds it exactly, and a `Fraction` if not.
    """
    match value:
        case _ if isinstance(value, _NO_NUMBERS):
            return None
        case float():
            return float(value)
        case Integral():
            return int(value)
        case Rational():
            return Fraction(int(value.numerator), int(value.denominator))
        case Decimal():
            return None if value.is_snan() else value
        case np.floating():
            return _of_numpy(value)
        case Real() if _stores_binary(value):
            return _of_binary(value)
    return None


def whole(key: str, value: Any, least: int | None = None, most: float | None = None) -> int:
    """`value` as an integer within the bounds of `COUNTS`, which `least` and `most` replace."""
    bounds = COUNTS.get(key, Count(0, 10**9))
    least = bounds.least if least is None else least
    most = bounds.most if most is None else most
    number = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    integral = isinstance(number, Integral) and not isinstance(number, _NO_NUMBERS)
    if not integral or not least <= int(number) <= most:
        allowed = f"must be a whole number from {least:,} to {_written(most)}"
        raise InvalidInput(key, value, allowed)
    return int(number)


def wholes(key: str, values: Any, least: int | None = None, most: float | None = None) -> Array:
    """`values` as an array of integers, each checked by `whole`."""
    given = as_array(key, values)
    found = np.empty(given.shape, dtype=np.int64)
    for index, value in np.ndenumerate(given):
        name = entry_name(key, index if given.size > 1 else ())
        try:
            found[index] = whole(key, value, least, most)
        except InvalidInput as error:
            raise InvalidInput(name, value, error.allowed) from None
    return found


def require_few(key: str, shape: tuple[int, ...]) -> None:
    """Raise `InvalidInput` if an array of this shape has more than `MOST_NUMBERS` numbers."""
    if math.prod(shape) > MOST_NUMBERS:
        allowed = f"must be at most {MOST_NUMBERS:,} numbers in one array"
        raise InvalidInput(key, " x ".join(f"{size:,}" for size in shape), allowed)


def choice(key: str, value: Any, known: Collection[str]) -> str:
    """`value`, if it is one of the `known` names; raises `InvalidInput` with the nearest name."""
    if not isinstance(value, str) or value not in known:
        raise unknown_name(key, value, known)
    return value


def flag(key: str, value: Any) -> bool:
    """`value` as a truth value; raises `InvalidInput`."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidInput(key, value, "must be True or False")
    return bool(value)


def function(key: str, value: Any) -> Any:
    """`value`, if it can be called; raises `InvalidInput`."""
    if not callable(value):
        raise InvalidInput(key, value, "must be a function")
    return value


def as_path(key: str, value: Any) -> Path:
    """`value` as a path that is possible on this system; raises `InvalidInput`."""
    try:
        possible = isinstance(value, str | Path) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise InvalidInput(key, value, "must be the path of a file")
    return Path(value)


def objects(key: str, value: Any) -> Array:
    """`value`, one object or nested sequences of them, as an array; raises `InvalidInput`."""
    return as_array(key, value, dtype=object)


def broadcast_shape(
    arrays: Mapping[str, Any], key: str = "shapes", allowed: str | None = None
) -> tuple[int, ...]:
    """The shape that arrays broadcast to; `InvalidInput` names the shape of each array.

    The message says what is `allowed`, or, without that, how to combine the arrays into a grid.

    >>> broadcast_shape({"kappa": np.ones((2, 1)), "alpha": np.ones(3)})
    (2, 3)
    """
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        allowed = allowed or f"must broadcast; {_remedy(shapes)}"
        raise InvalidInput(key, MISSING, f"{listed} {allowed}") from None
    if math.prod(shape) > MOST_POINTS:
        allowed = f"{listed} make {math.prod(shape):,} points, of at most {MOST_POINTS:,}"
        raise InvalidInput(key, MISSING, allowed)
    return shape


def _remedy(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Advice for an error message: how to index arrays so that they form a grid."""
    several = [name for name, shape in shapes.items() if shape]
    if any(len(shapes[name]) > 1 for name in several):
        return "give each an axis of its own by [:, None]"
    last = len(several) - 1
    axes = [name + f"[:{', None' * (last - place)}]" for place, name in enumerate(several[:-1])]
    return f"for all combinations give {', '.join([*axes, several[-1]])}"


def as_array(name: str, value: Any, dtype: Any = None) -> Array:
    """`value` as a NumPy array; raises `InvalidInput` if NumPy cannot convert it."""
    if _is_masked(value):
        raise InvalidInput(name, value, "must not be masked: drop or fill what is missing")
    try:
        array = np.asarray(value, dtype=dtype)
    except Exception:  # conversion runs methods of the value, which may raise anything
        what = "a number or an array of numbers" if dtype is None else "one value or an array"
        raise InvalidInput(name, value, f"must be {what}") from None
    if array.ndim > _MOST_DIMENSIONS:
        allowed = f"must have at most {_MOST_DIMENSIONS} dimensions"
        raise InvalidInput(name, f"shape {array.shape}", allowed)
    return array


def _is_masked(value: Any, depth: int = 0) -> bool:
    """Whether `value` is or contains a masked array; NumPy would ignore the mask."""
    if isinstance(value, list | tuple) and depth < _MOST_DIMENSIONS:
        return any(_is_masked(entry, depth + 1) for entry in value)
    return np.ma.isMaskedArray(value)


def _exactly(name: str, given: Array, domain: Domain) -> Array:
    """Numbers of any kind, converted by `exact`; as float64 if that holds all of them exactly."""
    array = np.empty(given.shape, dtype=object)
    for index, entry in np.ndenumerate(given):
        number = exact(entry)
        if number is None:
            allowed = _INEXACT if _has_float(entry) else domain.text
            raise InvalidInput(entry_name(name, index), entry, allowed)
        array[index] = number
    plain = all(
        isinstance(x, float) or (isinstance(x, int) and abs(x) < _EXACT) for x in array.flat
    )
    return array.astype(np.float64) if plain else array


_INEXACT = "must be an exact number: round it by float(), or give a Fraction or a Decimal"


def _has_float(entry: Any) -> bool:
    """Whether a value that `exact` refuses can be rounded to a finite float."""
    if isinstance(entry, str | bytes | bool | np.bool_ | np.ndarray):
        return False
    if isinstance(entry, Complex) and not isinstance(entry, Real):
        return False
    try:
        return math.isfinite(float(entry))
    except Exception:  # conversion runs methods of the value, which may raise anything
        return False


def _of_numpy(value: Any) -> float | Fraction:
    """A NumPy number with its exact value: long doubles may have more digits than a float."""
    with np.errstate(over="ignore"):
        rounded = float(value)
    if rounded == value or not np.isfinite(value):
        return rounded
    return Fraction(*value.as_integer_ratio())


def _stores_binary(value: Any) -> bool:
    """Whether a number stores its mantissa and its power of two.

    Constants such as ``mpmath.pi`` compute both on access, to the current precision.  They have no
    fixed value, and so are not exact numbers.
    """
    stored = inspect.getattr_static(type(value), "_mpf_", None)
    return stored is not None and not isinstance(stored, property)


def _of_binary(value: Any) -> float | Fraction:
    """A floating point number of mpmath or SymPy with its exact value."""
    sign, mantissa, exponent, bits = (int(part) for part in value._mpf_)
    if not mantissa:  # zero, infinite or not a number
        return float(value)
    size = exponent + bits
    if abs(size) > _FAR:
        # The number is outside every domain.  Its exact value could be an integer too large for the
        # memory, so that another number outside every domain takes its place.
        mantissa, exponent = 1, _FAR if size > 0 else -_FAR
    number = (-mantissa if sign else mantissa) * Fraction(2) ** exponent
    rounded = _float(number)
    return rounded if rounded == number else number


def _each(function: Callable[[Any], Any], array: Array) -> Array:
    return np.array([function(entry) for entry in array.flat]).reshape(array.shape)


def _is_finite(number: Exact) -> bool:
    if isinstance(number, Decimal):
        return number.is_finite()
    return not isinstance(number, float) or math.isfinite(number)


def _float(number: Exact) -> float:
    """The nearest float: infinite if the number is too large, `_LEAST` or its negative for 0."""
    try:
        nearest = float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    if nearest == 0 and number != 0:
        return _LEAST if number > 0 else -_LEAST
    return nearest


def _range_text(domain: Domain) -> str:
    smallest = max(domain.smallest, _LEAST)
    return f"must be of magnitude {smallest:g} to {domain.largest:g}: rescale the units"


def entry_name(name: str, index: tuple[int, ...]) -> str:
    """The name of an array's entry in messages, such as ``kappa[0, 2]``."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _written(most: float) -> str:
    """A bound as text, with thousands separators; from 2^64 on as a power of two."""
    if isinstance(most, int) and most >= 2**64:
        return f"2^{(most + 1).bit_length() - 1} - 1"
    return f"{most:,}"
