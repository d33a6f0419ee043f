r"""The effective ridge of equal eigenvalues as a transform of the Marchenko-Pastur law."""

import sympy as sp

from asymptotics.derivation import POSITIVE, Computed, Derivation, Equal, Exactly
from asymptotics.population import Groups
from asymptotics.theory import effective_ridge_balance

derivation = Derivation(
    "Effective ridge and Marchenko-Pastur law",
    r"""Where features are independent, of variance 1, the eigenvalues of $X^TX/n$ follow the
    Marchenko-Pastur law: a density $f$ on $[C,A]$ and, for $\kappa>1$, a mass of $1-1/\kappa$ at
    0. Its Stieltjes transform at $-r$ is the mean of $1/(x+r)$, and the transform of the
    companion law, that of the $n$ eigenvalues of $XX^T/n$, is the inverse of the effective
    ridge.""",
    source="Marchenko, Pastur (1967); Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560, "
    "section 5",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
r = derivation.symbol("r", POSITIVE, "ridge")
e = derivation.symbol("e", POSITIVE, "what the ridge exceeds 1 by")
x = derivation.symbol("x", POSITIVE, "eigenvalue of $X^TX/n$")
h = derivation.symbol("h", POSITIVE, "variable of integration instead of $x$")
p = derivation.symbol("p", POSITIVE, "any number")
q = derivation.symbol("q", POSITIVE, "any number")

A = derivation.define("A", (1 + sp.sqrt(kappa)) ** 2, "the largest eigenvalue")
C = derivation.define("C", (1 - sp.sqrt(kappa)) ** 2, "the least one but 0")
f = derivation.define("f", sp.sqrt((A - x) * (x - C)) / (2 * sp.pi * kappa * x), "the density")
x_h = derivation.define("x_h", (A + C * h**2) / (1 + h**2), "the change of variable")
f_h = derivation.define(
    "f_h", 16 * h**2 / (sp.pi * (1 + h**2) ** 2 * (A + C * h**2)), "the density of $h$"
)
S = derivation.define("S", 4 * sp.sqrt(kappa) * h / (1 + h**2), r"$\sqrt{(A-x)(x-C)}$ at $x_h$")
derivation.step(
    "Under the root",
    Equal((A - x_h) * (x_h - C), S**2),
    r"As $h$ rises from 0 to infinity, $x$ falls from $A$ to $C$, and the root becomes rational.",
    Exactly(),
)
derivation.step(
    "Change of variable",
    Equal(sp.Derivative(x_h, h), -8 * sp.sqrt(kappa) * h / (1 + h**2) ** 2),
    r"It turns the order of the integral around, so that its minus sign goes.",
    Exactly(),
)
derivation.step(
    "The density of the new variable",
    Equal(S * sp.Subs(f / sp.sqrt((A - x) * (x - C)), x, x_h) * -sp.Derivative(x_h, h), f_h),
    r"The density $f$ at $x_h$, with $S$ for its root, times $|dx/dh|$.",
    Exactly(),
)
D = derivation.define("D", sp.sqrt((kappa + r - 1) ** 2 + 4 * r), r"the root of $(A+r)(C+r)$")
derivation.step(
    "The ends of the law",
    Equal(
        sp.ImmutableMatrix([(A + r) * (C + r), A * C]), sp.ImmutableMatrix([D**2, (1 - kappa) ** 2])
    ),
    r"From $A+C=2(1+\kappa)$ and $\sqrt{AC}=|1-\kappa|$.",
    Exactly(),
)
derivation.step(
    "Partial fractions",
    Equal(
        sp.pi * kappa * r * f_h / (x_h + r),
        D**2 / (A + r + (C + r) * h**2) - (1 - kappa) ** 2 / (A + C * h**2) - r / (1 + h**2),
    ),
    r"The transform is the integral of this over $h$; $AC=(1-\kappa)^2$.",
    Exactly(),
)


def integral(p, q):
    return sp.pi / (2 * sp.sqrt(p * q))


derivation.step(
    "The integral of each",
    Equal(sp.Integral(1 / (p + q * h**2), (h, 0, sp.oo)), integral(p, q)),
    "An inverse tangent.",
    Exactly(),
)
bulk = derivation.define(
    "s_f",
    (D**2 / D - (1 - kappa) ** 2 / sp.Abs(1 - kappa) - r) / (2 * kappa * r),
    "the part of the density",
)
derivation.step(
    "The part of the density",
    Equal(
        (
            D**2 * integral(A + r, D**2 / (A + r))
            - (1 - kappa) ** 2 * integral(A, (1 - kappa) ** 2 / A)
            - r * integral(1, 1)
        )
        / (sp.pi * kappa * r),
        bulk,
    ),
    r"Of the three fractions, by the integral of each, with $C+r=D^2/(A+r)$ and "
    r"$C=(1-\kappa)^2/A$. "
    r"Where $\kappa=1$ the second is not there.",
    Exactly(),
)
atom = derivation.define(
    "s_0", (kappa - 1 + sp.Abs(1 - kappa)) / (2 * kappa * r), "the part of the eigenvalues 0"
)
s = derivation.define("s", (D + kappa - 1 - r) / (2 * kappa * r), "the transform")
derivation.step(
    "The transform",
    Equal(bulk + atom, s),
    r"In the sum nothing tells $\kappa<1$ from $\kappa>1$.",
    Exactly(),
)
derivation.step(
    "Equation of the transform",
    Equal(-r * kappa * s**2 + (kappa - 1 - r) * s, sp.Integer(-1)),
    r"It is $\kappa zs^2+(z+\kappa-1)s+1=0$ at $z=-r$.",
    Exactly(),
)
companion = derivation.define(
    "s_c", kappa * s + (1 - kappa) / r, "the transform of the $n$ eigenvalues of $XX^T/n$"
)
derivation.step(
    "The inverse of the companion transform",
    Equal(companion * (kappa + r - 1 + D) / 2, sp.Integer(1)),
    r"The $n$ eigenvalues are the $p$ but for zeros. The inverse of their transform is the "
    r"positive root of $\tau^2+(1-\kappa-r)\tau-r=0$, the equation of the effective ridge.",
    Exactly(),
)
derivation.step(
    "The code's equation holds",
    Computed(
        sp.Integer(1),
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs((kappa + r - 1 + D) / 2),
            inputs(kappa),
            inputs(r),
            inputs(-1),
            Groups(inputs([1]), inputs([1]), inputs([0]), inputs([1])),
            inputs.arithmetic,
        )[0],
    ),
    r"The ratio that the package brings to 1 is 1 at $\tau = 1/s_c$, here for a ridge above 1, "
    r"where $\tau$ exceeds the eigenvalue.",
    Exactly(),
    given={r: 1 + e},
)
