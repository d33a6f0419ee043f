"""An equation between symbols, as LaTeX, plain text, Markdown and Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import sympy as sp
from sympy.printing.numpy import SciPyPrinter

from ..arithmetic.symbolic import WEIGHT, GroupSymbol, Mean, within_means


@dataclass(frozen=True)
class Formula:
    """An equation ``left = right`` between symbols, with its regime and its source."""

    name: str
    title: str
    left: Any
    right: Any
    regime: str
    source: str
    #: Definitions of symbols on the right-hand side; each may use the symbols defined before it.
    where: Mapping[sp.Symbol, Any]
    #: Whether it must be solved for the unknown.  Otherwise the right-hand side is the value of the
    #: left-hand side.
    is_implicit: bool = False

    @property
    def equation(self) -> sp.Eq:
        return sp.Eq(self.left, self.right, evaluate=False)

    @property
    def expression(self) -> Any:
        """The right-hand side, or left minus right if implicit, with definitions substituted."""
        expression = self.left - self.right if self.is_implicit else self.right
        for symbol, value in reversed(list(self.where.items())):
            expression = within_means(expression, methodcaller("xreplace", {symbol: value}))
        return expression

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """The symbols in `expression`: single ones, then the weight and the symbols of groups."""
        symbols = self.expression.atoms(sp.Symbol)
        single = sorted((x for x in symbols if not isinstance(x, GroupSymbol)), key=str)
        groups = sorted((x for x in symbols if isinstance(x, GroupSymbol)), key=str)
        return (
            *single,
            *([WEIGHT] if self.expression.has(Mean) else []),
            *(x for x in groups if x != WEIGHT),
        )

    def latex(self) -> str:
        """The formula and its definitions in LaTeX."""
        lines = [f"{sp.latex(self.left)} = {sp.latex(self.right)}"]
        lines += [f"{sp.latex(x)} = {sp.latex(y)}" for x, y in self.where.items()]
        return r",\quad ".join(lines)

    def text(self) -> str:
        """The formula as plain text on one line, with each definition on a line below."""
        lines = [f"{self.left} = {self.right}"]
        return "\n".join(lines + [f"where {x} = {y}" for x, y in self.where.items()])

    def markdown(self) -> str:
        """The formula in Markdown, with its title, regime and source, and LaTeX between dollars."""
        head = f"**{self.title}** ({self.regime})"
        return f"{head}\n\n$$\n{self.latex()}\n$$\n\nSource: {self.source}.\n"

    def python(self) -> str:
        """The source of a Python function that computes `expression` from `parameters`.

        Symbols of groups, and their weights `w`, are arrays with an entry for each group.
        """
        printer = _Printer({"fully_qualified_modules": True})
        name = self.name.replace("-", "_")
        arguments = ", ".join(map(str, self.parameters))
        body = [f"    {x} = {printer.doprint(y)}" for x, y in self.where.items()]
        value = self.left - self.right if self.is_implicit else self.right
        result = f"    return {printer.doprint(value)}"
        imports = [f"import {module}" for module in sorted({"numpy", *printer.module_imports})]
        docstring = f'    """{self.title}: {self.regime}."""'
        head = f"def {name}({arguments}):"
        return "\n".join([*imports, "", "", head, docstring, *body, result, ""])


class _Printer(SciPyPrinter):  # type: ignore[misc]  # SymPy has no types
    """Prints expressions as calls of NumPy and SciPy, and an expectation as a sum over groups."""

    def _print_Mean(self, mean: Mean) -> str:  # noqa: N802  # SymPy finds it by this name
        return f"numpy.sum({WEIGHT} * ({self._print(mean.integrand)}))"
