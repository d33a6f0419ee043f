"""The tie of a derivation to code."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import CellType, FrameType, FunctionType, MethodType
from typing import Any, Self

import numpy as np
import sympy as sp

from ...arithmetic.symbolic import SYMBOLIC
from ...errors import InvalidInput
from ..domains import Domain
from ..evaluation import Values
from .base import Change, Claim, Finding, Inputs, Numbers
from .relations import Equal, decided, equal, sides_of


@dataclass(frozen=True)
class Computed(Claim):
    """A function of the package computes the expression: the tie of a derivation to code.

    `run` takes `Inputs` and calls the function with their arithmetic; in algebra the arithmetic is
    symbolic, so that the code itself yields the expression that is compared.  It returns one
    number, or one for each group.  That `run` calls the function is checked, not what it makes of
    the value: a sum over groups, or a ratio of two calls, is part of the claim, which a reader sees
    in `run`.
    """

    expression: Any
    function: Callable[..., Any]
    run: Callable[[Inputs], Any]

    @property
    def expressions(self) -> tuple[Any, ...]:
        return (self.expression,)

    @property
    def symbols(self) -> set[sp.Symbol]:
        asked = set(super().symbols)

        def noted(expression: Any) -> Any:
            asked.update(expression.atoms(sp.Symbol))
            return expression

        with suppress(Exception):  # it is asked before code that is no use on symbols is run
            self.run(Inputs({}, SYMBOLIC, noted))
        return asked

    def require_meaning(self, domains: Mapping[sp.Symbol, Domain], given: Values) -> None:
        if not _is_alone(_undecorated(self.function)) or _is_cached(self.function):
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

        return replace(self, expression=change(self.expression), run=run)

    def exactly(self) -> Finding:
        try:
            code, called = self._run(Inputs({}, SYMBOLIC))
        except _CODE_FAILS as error:  # such as SymPy's, where assumptions decide no branch
            return Finding(None, f"the code cannot be run on symbols: {error}")
        if not called:
            return Finding(None, f"{self.name} is not called")
        return Equal(self.expression, code).exactly()

    def _run(self, inputs: Inputs) -> tuple[Any, bool]:
        """What the code computes, and whether it is the function that it is said to be."""
        called = False
        function = _undecorated(self.function)

        def watch(frame: FrameType, event: str, _: Any) -> None:
            nonlocal called
            called = called or (event == "call" and _runs(frame, function))

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            value = self.run(inputs)
        finally:
            sys.setprofile(before)
        return _only(value), called

    def at(self, numbers: Numbers) -> Finding:
        always = True

        def run(inputs: Inputs) -> Any:
            nonlocal always
            code, called = self._run(inputs)
            always = always and called
            found = inputs.arithmetic.array(code)
            if found.size == 0:  # it would agree with everything
                raise ValueError("the code returns no number")
            return found

        sides = sides_of(self.expression, self.expression, numbers, decided, run)
        if not always:
            return Finding(None, f"{self.name} is not called", against=True)
        return equal(sides, numbers)

    def latex(self) -> str:
        name = self.name.replace("_", r"\_")
        return rf"\texttt{{{name}}} = {sp.latex(self.expression)}"


#: What running code on symbols that it is not made for may raise.
_CODE_FAILS = (TypeError, ValueError, AttributeError, ArithmeticError, NotImplementedError)


def _is_cached(function: Any) -> bool:
    """Whether a call may return without running the function."""
    return hasattr(function, "cache_info")


def _undecorated(function: Any) -> Any:
    """The function that a decorator wraps: all that one decorator wraps share the code of it."""
    return inspect.unwrap(function)


def _runs(frame: FrameType, function: Any) -> bool:
    """Whether a frame runs a function, not another one that shares its code.

    Functions that are made by one call of another share their code, but not what they hold of it.
    So do the methods of two objects.  Functions that differ in nothing but their defaults are not
    told apart: `require_meaning` refuses them.
    """
    if frame.f_code is not function.__code__:
        return False
    if isinstance(function, MethodType):
        owner = function.__code__.co_varnames[0]
        return frame.f_locals.get(owner) is function.__self__
    held = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return all(frame.f_locals.get(name) is _content(cell) for name, cell in held)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _is_alone(function: Any) -> bool:
    """Whether no other function can share its code and hold the same: one that a module defines."""
    if isinstance(function, MethodType):
        function = function.__func__
    plain = isinstance(function, FunctionType)
    return plain and not (
        "<locals>" in function.__qualname__ and (function.__defaults__ or function.__kwdefaults__)
    )


def _only(value: Any) -> Any:
    """The one number in what a function returns, or its array of one for each group.

    Raises `ValueError` for an empty array, which would agree with everything.
    """
    if not isinstance(value, np.ndarray):
        return value
    if value.size == 0:
        raise ValueError("the code returns an empty array")
    return value.item() if value.size == 1 else value
