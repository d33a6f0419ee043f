r"""A derivation to start your own from: what the features add to the ridge.

Copy this file, change it, and run ``asymptotics derive check mine.py``.
"""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    UNIT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Less,
    Limit,
    Mean,
    OverBoxes,
)
from asymptotics.theory import effective_ridge_balance

# 1. What is derived, in Markdown with formulas between dollars, and where it is published.  If no
#    code computes the result, say why with untied="...".
derivation = Derivation(
    "Effective ridge, to first order",
    r"For a large ridge the effective ridge $\tau$ is the ridge $r$ and, on top of it, what the "
    r"features add: $\tau = r + \kappa E[\Lambda] + \dots$",
    source="an example",
)

# 2. Symbols with their domains.  A number is a `symbol`; what differs between the features of a
#    population is `random`, and `Mean` is the expectation over them; `normal` is a standard normal.
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
r = derivation.symbol("r", POSITIVE, "ridge")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue")
c = derivation.random("c", UNIT, "what an eigenvalue is of tau, if less")

# 3. Names for expressions: readers see the name, checks what it stands for.
F = derivation.define(
    "F", r / tau + kappa * Mean(Lambda / (Lambda + tau)), "the ratio that is 1 at the solution"
)
on_curve = {r: tau * (1 - kappa * Mean(Lambda / (Lambda + tau)))}

# 4. Steps: a name, a claim, a reason, and how it is checked.  `given` says which symbols others
#    determine.  Prefer Exactly(), which is algebra for all values; OverBoxes(...) proves an
#    inequality on intervals; AtPoints() tries points, and is evidence.
derivation.step(
    "The curve",
    Equal(F, sp.Integer(1)),
    r"Solved for the ridge, which is a function of $\tau$.",
    Exactly(),
    given=on_curve,
)
derivation.step(
    "What is added to the ridge",
    Limit(tau - r, tau, sp.oo, kappa * Mean(Lambda)),
    r"$\tau - r = \kappa\tau E[\Lambda/(\Lambda+\tau)]$, and $\tau/(\Lambda+\tau)$ goes to 1.",
    Exactly(),
    given=on_curve,
)
derivation.step(
    "It is less than that",
    Less(tau - r, kappa * Mean(Lambda)),
    r"As $\tau/(\Lambda+\tau)<1$.",
    AtPoints(100),
    given=on_curve,
)
x = derivation.symbol("x", POSITIVE, "a share of the eigenvalue")
derivation.step(
    "A bound of the shrinkage",
    Less(1 / (1 + x), 1 - x / (1 + x) ** 2),
    "On an interval, by enclosures.",
    OverBoxes({x: ("0.1", 10)}),
)

# 5. The last step: the function of the package that computes it.  It is run on symbols, so that
#    the code itself is what was derived.
derivation.step(
    "The code's equation",
    Computed(
        F,
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa),
            inputs(r),
            inputs(-1),
            inputs.groups(Lambda),
            inputs.arithmetic,
        )[0],
    ),
    r"The ratio that the package brings to 1, here where no eigenvalue exceeds $\tau$: for those "
    "that do it writes the same equation in another form.",
    Exactly(),
    given={Lambda: c * tau},
)
