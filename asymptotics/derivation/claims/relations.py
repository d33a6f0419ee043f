"""Equalities and inequalities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import sympy as sp

from ...arithmetic import Array
from ...arithmetic.symbolic import Mean
from .. import algebra
from ..evaluation import NoValue
from .base import PROVED, SHARE, ZERO, Box, Change, Claim, Finding, Inputs, both


@dataclass(frozen=True)
class _TwoSides(Claim):
    left: Any
    right: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return self.left, self.right

    def mapped(self, change: Change) -> Self:
        return replace(self, left=change(self.left), right=change(self.right))


class Equal(_TwoSides):
    """``left = right``; matrices are equal entry by entry."""

    def exactly(self) -> Finding:
        pairs = _entries(self.left, self.right)
        if all(algebra.vanishes(left - right) for left, right in pairs):
            return PROVED
        return Finding(None, "algebra does not bring the sides to one form")

    def at(self, inputs: Inputs) -> Finding:
        found = [
            same(left, right, inputs(left), inputs(right), inputs)
            for left, right in _entries(self.left, self.right)
        ]
        return next((x for x in found if not x.holds), max(found, key=lambda x: x.gap))

    def latex(self) -> str:
        return f"{sp.latex(self.left)} = {sp.latex(self.right)}"


class _Inequality(_TwoSides):
    def positive_parts(self, box: Box) -> Iterator[tuple[Any, Box]]:
        yield self.right - self.left, box


class Less(_Inequality):
    """``left < right``."""

    def exactly(self) -> Finding:
        sign = algebra.sign(self.right - self.left)
        return PROVED if sign == 1 else Finding(None, "algebra does not show the sign")

    def at(self, inputs: Inputs) -> Finding:
        left, right = inputs(self.left), inputs(self.right)
        if np.all(left < right):
            return PROVED
        # As near as numbers of these digits tell.
        close = same(self.left, self.right, left, right, inputs).holds
        return Finding(None if close else False, both(left, right))

    def settled(self, point: Mapping[sp.Symbol, Any]) -> bool | None:
        difference = (self.right - self.left).xreplace(point)
        if difference.has(Mean, sp.Integral):
            return None
        return None if difference.is_positive is None else bool(difference.is_positive)

    def latex(self) -> str:
        return f"{sp.latex(self.left)} < {sp.latex(self.right)}"


class AtMost(_Inequality):
    """``left <= right``."""

    def exactly(self) -> Finding:
        holds = algebra.nonnegative(self.right - self.left)
        return PROVED if holds else Finding(None, "algebra does not show the sign")

    def at(self, inputs: Inputs) -> Finding:
        left, right = inputs(self.left), inputs(self.right)
        if np.all(left <= right):
            return PROVED
        return same(self.left, self.right, left, right, inputs)

    def latex(self) -> str:
        return rf"{sp.latex(self.left)} \le {sp.latex(self.right)}"


def _entries(left: Any, right: Any) -> list[tuple[Any, Any]]:
    left, right = map(_explicit, (left, right))
    if getattr(left, "shape", ()) != getattr(right, "shape", ()):
        raise ValueError("the two sides must be numbers, or matrices of the same shape")
    if isinstance(left, sp.MatrixBase):
        return list(zip(left, right, strict=True))
    return [(left, right)]


def _explicit(side: Any) -> Any:
    """A matrix with its entries."""
    return side.doit().as_explicit() if isinstance(side, sp.MatrixExpr) else side


def same(left: Any, right: Any, x: Array, y: Array, inputs: Inputs) -> Finding:
    """Whether the values of two sides agree, beside the terms that they are sums of."""
    if any(abs(value) == float("inf") for value in (*np.ravel(x), *np.ravel(y))):
        return Finding(bool(np.all(x == y)), both(x, y))
    digits = getattr(inputs.arithmetic, "digits", 15)
    terms = [inputs(term) for side in (left, right) for term in sp.Add.make_args(side)]
    size = max(np.max(abs(term)) for term in (x, y, *terms))
    difference = np.max(abs(x - y))
    if difference != difference or size == float("inf"):
        raise NoValue("a side is not a number")
    # Two zeros are what rounding leaves of them.
    near = max(size * 10.0 ** (-digits * SHARE), 10.0 ** (-digits * ZERO))
    return Finding(bool(difference <= near), both(x, y), difference, size)
