"""The claim that a function of the package computes an expression."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from types import CellType, FrameType, FunctionType, MethodType
from typing import Any, Self

import numpy as np
import sympy as sp

from ...arithmetic.symbolic import SYMBOLIC
from ...errors import InvalidInput
from ..arithmetics import Values
from ..domains import Domain
from .base import Change, Claim, Finding, Inputs, Numbers
from .relations import Equal, Sides, decided, equal, sides_of


@dataclass(frozen=True)
class Computed(Claim):
    """A function of the package computes the expression: the tie of a derivation to code.

    `run` takes `Inputs`, calls the function with their arithmetic, and returns a number, or one for
    each group.  For a proof the arithmetic is symbolic: the code itself then yields the expression
    that is compared.  It is checked that `run` calls `function`.  What `run` does with the returned
    value, such as a sum over groups or a ratio of two calls, is part of the claim, and a reader
    sees it in `run`.
    """

    expression: Any
    function: Callable[..., Any]
    run: Callable[[Inputs], Any]

    parts = ("expression",)

    @property
    def symbols(self) -> set[sp.Symbol]:
        asked = set(super().symbols)

        def noted(expression: Any) -> Any:
            asked.update(expression.atoms(sp.Symbol))
            return expression

        # A dry run on symbols records the expressions that `run` asks for; it may end early, where
        # the code cannot compute with symbols, but inputs are asked for before that.
        with suppress(Exception):
            self.run(Inputs({}, SYMBOLIC, noted))
        return asked

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        if not _is_distinguishable(_undecorated(self.function)) or _is_cached(self.function):
            allowed = (
                "must be the function that `run` calls: not a cached function, or one with "
                "defaults that another function makes"
            )
            raise InvalidInput("function", self.function, allowed)

    @property
    def name(self) -> str:
        """The full name of the function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def mapped(self, change: Change) -> Self:
        def run(inputs: Inputs) -> Any:
            return self.run(inputs._replace(resolve=lambda x: inputs.resolve(change(x))))

        return replace(super().mapped(change), run=run)

    def exactly(self) -> Finding:
        try:
            code, called = self._run(Inputs({}, SYMBOLIC))
        except _CODE_FAILS as error:  # e.g. a comparison that the assumptions do not decide
            return Finding(None, f"the code cannot be run on symbols: {error}")
        if not called:
            return Finding(None, f"{self.name} is not called")
        return Equal(self.expression, code).exactly()

    def _run(self, inputs: Inputs) -> tuple[Any, bool]:
        """The value that `run` returns, and whether it has called the function."""
        called = False
        function = _undecorated(self.function)

        def watch(frame: FrameType, event: str, _: Any) -> None:
            nonlocal called
            called = called or (event == "call" and _runs(frame, function))

        # A profiler sees every call of a Python function, however deep, and changes none of them.
        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            value = self.run(inputs)
        finally:
            sys.setprofile(before)
        return _single(value), called

    def at(self, numbers: Numbers) -> Finding:
        always_called, rounded = True, False

        def run(inputs: Inputs) -> Any:
            nonlocal always_called, rounded
            code, called = self._run(inputs)
            always_called = always_called and called
            rounded = rounded or _has_floats(code)
            found = inputs.arithmetic.array(code)
            if found.size == 0:  # an empty array would agree with everything
                raise ValueError("the code returns no number")
            return found

        sides = sides_of(self.expression, self.expression, numbers, decided, run)
        if not always_called:
            return Finding(None, f"{self.name} is not called", against=True)
        found = equal(sides, numbers)
        if found.holds is False and rounded and _is_rounding(sides):
            return Finding(None, _ROUNDED)
        return found

    def latex(self) -> str:
        name = self.name.replace("_", r"\_")
        return rf"\texttt{{{name}}} = {sp.latex(self.expression)}"


#: Errors of code that is run on symbols although it was not written for them.
_CODE_FAILS = (TypeError, ValueError, AttributeError, ArithmeticError, NotImplementedError)


#: Code that returns floats must differ by more than this, relative to the size of the terms, to be
#: refuted: a sum of many floats may have lost some of its 16 digits.
_ROUNDING_OF_FLOATS = Fraction(1, 10**10)
#: The range of floats.
_FLOATS = np.finfo(float)
_ROUNDED = (
    "the code returns floats, and differs from the expression by no more than their rounding may "
    "explain: code that computes with the numbers it is given would decide it"
)


def _is_rounding(sides: Sides) -> bool:
    """Whether code that computes with floats may differ so much from the expression it computes.

    Floats lose digits, and numbers below or above their range become 0 or infinite.
    """
    lost = sides.size * _ROUNDING_OF_FLOATS.numerator / _ROUNDING_OF_FLOATS.denominator
    entries = zip(sides.left, sides.right, sides.difference, strict=True)
    return all(
        abs(difference) <= lost
        or abs(difference) <= float(_FLOATS.smallest_normal)
        or (abs(code) > float(_FLOATS.max) and abs(right) > float(_FLOATS.max))
        for code, right, difference in entries
    )


def _has_floats(value: Any) -> bool:
    """Whether numbers that code returns are floats, of Python or of NumPy."""
    entries = np.asarray(value, dtype=object).flat
    return any(isinstance(entry, float | np.floating) for entry in entries)


def _is_cached(function: Any) -> bool:
    """Whether a call may return a cached value without running the function."""
    return hasattr(function, "cache_info")


def _undecorated(function: Any) -> Any:
    """The function inside its decorators, whose code all functions with that decorator share."""
    return inspect.unwrap(function)


def _runs(frame: FrameType, function: Any) -> bool:
    """Whether a frame runs this function, rather than another one with the same code object.

    The functions that a factory returns share their code, and differ in the variables that they
    close over; the methods of two objects share theirs, and differ in the object.  Functions that
    differ in their defaults alone cannot be distinguished, and `require_meaning` refuses them.
    """
    if frame.f_code is not function.__code__:
        return False
    if isinstance(function, MethodType):
        owner = function.__code__.co_varnames[0]  # the name of the first parameter, mostly self
        return frame.f_locals.get(owner) is function.__self__
    closed_over = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return all(frame.f_locals.get(name) is _content(cell) for name, cell in closed_over)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the variable has no value yet
        return None


def _is_distinguishable(function: Any) -> bool:
    """Whether `_runs` can distinguish a function from all others.

    It must be a Python function, and one without defaults if another function makes it.
    """
    if isinstance(function, MethodType):
        function = function.__func__
    plain = isinstance(function, FunctionType)
    return plain and not (
        "<locals>" in function.__qualname__ and (function.__defaults__ or function.__kwdefaults__)
    )


def _single(value: Any) -> Any:
    """The value of a function, as a single number if it is an array with one entry.

    Raises `ValueError` for an empty array, which would agree with everything.
    """
    if not isinstance(value, np.ndarray):
        return value
    if value.size == 0:
        raise ValueError("the code returns an empty array")
    return value.item() if value.size == 1 else value
