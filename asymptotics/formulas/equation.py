"""An equation between symbols, and the forms it is written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.printing.numpy import SciPyPrinter

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean


@dataclass(frozen=True)
class Formula:
    """An equation ``left = right`` between symbols, with what it holds for."""

    name: str
    title: str
    left: Any
    right: Any
    regime: str
    source: str
    #: Quantities of the right-hand side that are defined apart.
    where: Mapping[sp.Symbol, Any]
    #: Whether it is an equation to be solved, rather than the value of its left-hand side.
    is_implicit: bool = False

    @property
    def equation(self) -> sp.Eq:
        return sp.Eq(self.left, self.right, evaluate=False)

    @property
    def expression(self) -> Any:
        """The right-hand side, or of an equation to solve left minus right, all written out."""
        expression = self.left - self.right if self.is_implicit else self.right
        for symbol, value in reversed(list(self.where.items())):
            expression = expression.xreplace({symbol: value})
        return expression

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Symbols that it depends on; those of groups last, their weight first."""
        symbols = self.expression.atoms(sp.Symbol)
        single = sorted((x for x in symbols if not isinstance(x, GroupSymbol)), key=str)
        groups = sorted((x for x in symbols if isinstance(x, GroupSymbol)), key=str)
        return (
            *single,
            *([WEIGHT] if self.expression.has(Mean) else []),
            *(x for x in groups if x != WEIGHT),
        )

    def latex(self) -> str:
        """The formula in LaTeX, with definitions."""
        lines = [f"{sp.latex(self.left)} = {sp.latex(self.right)}"]
        lines += [f"{sp.latex(x)} = {sp.latex(y)}" for x, y in self.where.items()]
        return r",\quad ".join(lines)

    def text(self) -> str:
        """The formula on a line, definitions below it."""
        lines = [f"{self.left} = {self.right}"]
        return "\n".join(lines + [f"where {x} = {y}" for x, y in self.where.items()])

    def markdown(self) -> str:
        """The formula with its title, regime and source, formulas in LaTeX."""
        head = f"**{self.title}** ({self.regime})"
        return f"{head}\n\n$$\n{self.latex()}\n$$\n\nSource: {self.source}.\n"

    def python(self) -> str:
        """A Python function of the symbols; of an equation to solve, left minus right.

        Quantities of groups, `w` (the weights) among them, are arrays with an entry per group.
        """
        printer = _Printer({"fully_qualified_modules": True})
        name = self.name.replace("-", "_")
        arguments = ", ".join(map(str, self.parameters))
        body = [f"    {x} = {printer.doprint(y)}" for x, y in self.where.items()]
        value = self.left - self.right if self.is_implicit else self.right
        result = f"    return {printer.doprint(value)}"
        imports = [f"import {module}" for module in sorted({"numpy", *printer.module_imports})]
        said = f'    """{self.title}: {self.regime}."""'
        head = f"def {name}({arguments}):"
        return "\n".join([*imports, "", "", head, said, *body, result, ""])


class _Printer(SciPyPrinter):  # type: ignore[misc]  # SymPy has no types
    """NumPy and SciPy; an expectation is a sum over groups."""

    def _print_Mean(self, mean: Mean) -> str:  # noqa: N802
        return f"numpy.sum({WEIGHT} * ({self._print(mean.integrand)}))"
