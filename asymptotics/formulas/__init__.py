r"""The formulas of :mod:`asymptotics.theory` in symbols, obtained by running its code on symbols.

No formula of the theory is typed a second time: expressions come from its functions in symbolic
arithmetic, closed forms from solving its equations, derivatives from implicit differentiation, and
limits from series.  Needs the extra ``asymptotics[symbolic]``.

>>> from asymptotics.formulas import formula
>>> print(formula("effective-ridge-isotropic").text())
tau = kappa - 1
"""

from typing import TYPE_CHECKING, Any

from ..extras import extra
from .names import titles

if TYPE_CHECKING:
    from .catalogue import formula
    from .equation import Formula

__all__ = ["Formula", "formula", "titles"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # These two import SymPy, which takes long and which `titles` does not need.
    with extra("symbolic"):
        from .catalogue import formula
        from .equation import Formula

    return {"formula": formula, "Formula": Formula}[name]
