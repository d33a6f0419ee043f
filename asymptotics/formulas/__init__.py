r"""The formulas as symbols: what the code of :mod:`asymptotics.theory` says, evaluated on symbols.

Nothing is typed here that the theory computes: expressions come from its functions in symbolic
arithmetic, closed forms from solving its equations, derivatives from implicit differentiation,
limits from series.  Needs the extra ``asymptotics[symbolic]``.

>>> print(formula("effective-ridge-isotropic").text())
tau = kappa - 1
"""

from ..extras import extra

with extra("symbolic"):
    from .catalogue import formula, titles
    from .formula import Formula

__all__ = ["Formula", "formula", "titles"]
