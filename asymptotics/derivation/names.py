"""Names for expressions: printed as a symbol, and treated by SymPy as the expression."""

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter


def _passed_on(fact: str) -> Callable[[Any], bool | None]:
    return lambda name: getattr(name.expression, f"is_{fact}")


#: Assumptions that SymPy asks a number for; a name passes each on to its expression.
_FACTS = (
    "commutative", "real", "extended_real", "positive", "extended_positive", "negative",
    "extended_negative", "nonnegative", "extended_nonnegative", "nonpositive",
    "extended_nonpositive", "zero", "finite", "infinite", "integer", "rational",
)  # fmt: skip
_Facts: Any = type("_Facts", (sp.Expr,), {f"_eval_is_{fact}": _passed_on(fact) for fact in _FACTS})


class Name(_Facts):  # type: ignore[misc]  # SymPy has no types
    """An expression that is printed as a symbol.

    Derivatives, substitutions and assumptions are those of the expression.  As soon as anything in
    the expression changes, the changed expression takes the place of the name, which would be wrong
    for it.
    """

    precedence = PRECEDENCE["Atom"]
    _diff_wrt = True

    def __new__(cls, symbol: sp.Symbol, expression: Any) -> "Name":
        name: Name = super().__new__(cls, expression)
        name.symbol = symbol
        return name

    symbol: sp.Symbol

    @property
    def name(self) -> str:
        return str(self.symbol.name)

    @property
    def expression(self) -> Any:
        return self.args[0]

    @property
    def func(self) -> Callable[[Any], Any]:
        # SymPy rebuilds a node as ``node.func(*node.args)``: with other arguments the name is gone.
        return lambda expression: self if expression == self.expression else expression

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.symbol, self.expression)

    def doit(self, **hints: Any) -> Any:
        return self.expression.doit(**hints)

    def _eval_derivative(self, variable: Any) -> Any:
        return self.expression.diff(variable)

    def _eval_nseries(self, x: Any, n: Any, logx: Any, cdir: Any = 0) -> Any:
        return self.expression._eval_nseries(x, n, logx, cdir)

    def _latex(self, printer: LatexPrinter) -> str:
        return str(printer.doprint(self.symbol))

    def _sympystr(self, printer: StrPrinter) -> str:
        return self.name


def written_out(expression: Any) -> Any:
    """An expression with each name replaced by the expression it names."""
    return expression.replace(lambda part: isinstance(part, Name), lambda name: name.expression)
