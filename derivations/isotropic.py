r"""Equal eigenvalues: effective ridge and noise level in closed form, and double descent."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    UNIT,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
)
from asymptotics.population import Groups
from asymptotics.theory import effective_ridge_balance, noise_level

derivation = Derivation(
    "Isotropic features",
    r"""Where all eigenvalues are 1 the equation $F=0$ of the effective ridge and the noise level
    $\gamma$ are functions of four numbers. They have closed forms, which show the double descent
    of the test error $\gamma$ of the unpruned model.""",
    source="Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560, sections 3 and 5",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
r = derivation.symbol("r", POSITIVE, "ridge")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
b = derivation.symbol("b", POSITIVE, "root mean square of the coefficients, $b^2=E[B^2]$")
e = derivation.symbol("e", POSITIVE, r"excess of $\kappa$ over 1, or of $1/\kappa$")

F = derivation.define("F", r / tau + kappa / (1 + tau) - 1, "the equation of the effective ridge")
gamma = derivation.define(
    "gamma",
    (sigma**2 + tau**2 * b**2 / (1 + tau) ** 2) / (1 - kappa / (1 + tau) ** 2),
    "the noise level",
)
derivation.step(
    "Quadratic equation of the effective ridge",
    Equal(-tau * (1 + tau) * F, tau**2 + (1 - kappa - r) * tau - r),
    "Clear the denominators.",
    Exactly(),
)
D = derivation.define("D", sp.sqrt((kappa + r - 1) ** 2 + 4 * r), "the difference of the two roots")
root = derivation.define("tau_+", (kappa + r - 1 + D) / 2, "the larger root")
derivation.step(
    "A root",
    Equal(sp.Subs(F, tau, root), sp.Integer(0)),
    "By the formula for quadratic equations.",
    Exactly(),
)
derivation.step(
    "It is the positive one",
    Equal(root * (root - D), -r),
    r"The roots are $\tau_+$ and $\tau_+-D$. Their product is negative, so that just one is "
    "positive, the larger one.",
    Exactly(),
)
solved = {kappa: (1 - r / tau) * (1 + tau)}
derivation.step(
    "The difference of the roots",
    Equal(D**2, (tau + r / tau) ** 2),
    r"Where $F=0$ the other root is $-r/\tau$, by the product of the two.",
    Exactly(),
    given=solved,
)
derivation.step(
    "Noise level with ridge",
    Equal(gamma, ((1 + tau) ** 2 * sigma**2 + tau**2 * b**2) / ((1 + tau) * (tau + r / tau))),
    r"Where $F=0$ the denominator simplifies: with $\tau=\tau_+$ and $\tau+r/\tau=D$ this is a "
    "closed form.",
    Exactly(),
    given=solved,
)
derivation.step(
    "Without ridge",
    Equal(sp.Subs(root, r, 0), kappa - 1),
    r"For $\kappa>1$ the root goes on without ridge.",
    Exactly(),
    given={kappa: 1 + e},
)
derivation.step(
    "Without ridge, fewer features than samples",
    Limit(root, r, 0, sp.Integer(0)),
    r"For $\kappa<1$ it goes to 0: least squares.",
    Exactly(),
    given={kappa: 1 / (1 + e)},
)
ridgeless = derivation.define(
    "gamma_0",
    kappa * sigma**2 / (kappa - 1) + b**2 * (kappa - 1) / kappa,
    "the noise level of the minimum-norm interpolator",
)
derivation.step(
    "Minimum norm",
    Equal(sp.Subs(gamma, tau, kappa - 1), ridgeless),
    "Insert the effective ridge.",
    Exactly(),
)
derivation.step(
    "Ascent",
    Limit(sp.Subs(gamma, tau, 0), kappa, 1, sp.oo, "-"),
    r"At $\tau=0$ the noise level is $\sigma^2/(1-\kappa)$, which grows without bound.",
    Exactly(),
)
derivation.step(
    "Descent",
    Limit(ridgeless, kappa, 1, sp.oo, "+"),
    r"Beyond $\kappa=1$ the noise level comes down from infinity: the double descent.",
    Exactly(),
)
derivation.step(
    "The rate of descent",
    Limit((kappa - 1) * ridgeless, kappa, 1, sigma**2, "+"),
    r"As $\sigma^2/(\kappa-1)$, the mirror image of the ascent.",
    Exactly(),
)
derivation.step(
    "Many features",
    Limit(ridgeless, kappa, sp.oo, sigma**2 + b**2),
    "With ever more features nothing is learned: the null risk.",
    Exactly(),
)
derivation.step(
    "Where the descent ends",
    Equal(
        sp.Derivative(ridgeless, kappa),
        (b**2 * (kappa - 1) ** 2 - sigma**2 * kappa**2) / (kappa**2 * (kappa - 1) ** 2),
    ),
    r"It is negative up to $\kappa = b/(b-\sigma)$ if $\sigma<b$, and everywhere otherwise.",
    Exactly(),
)
derivation.step(
    "The best number of features",
    Equal(sp.Subs(ridgeless, kappa, b / (b - sigma)), 2 * sigma * b),
    r"If $\sigma<b$ the noise level of $\kappa>1$ is least there, below the null risk by "
    r"$(b-\sigma)^2$; for $\kappa<1-\sigma/(2b)$ that of least squares is less.",
    Exactly(),
)
derivation.step(
    "A ridge takes the peak away",
    Limit(sp.sqrt(r) * sp.Subs(gamma, tau, root), r, 0, sigma**2 / 2),
    r"At $\kappa=1$ the noise level is finite for every ridge, and grows as "
    r"$\sigma^2/(2\sqrt r)$ when it is taken away.",
    Exactly(),
    given={kappa: sp.Integer(1)},
)
w = derivation.symbol("w", UNIT, "fraction of features of the first of two eigenvalues")
first = derivation.symbol("Lambda_1", POSITIVE, "first eigenvalue")
second = derivation.symbol("Lambda_2", POSITIVE, "second eigenvalue")
two = derivation.define(
    "G",
    kappa * (w * first / (first + tau) + (1 - w) * second / (second + tau)) - 1,
    "the equation of two eigenvalues, without ridge",
)
derivation.step(
    "Two eigenvalues",
    Equal(
        -(first + tau) * (second + tau) * two,
        tau**2
        + ((1 - kappa * w) * first + (1 - kappa * (1 - w)) * second) * tau
        - (kappa - 1) * first * second,
    ),
    r"Again a quadratic equation; for $\kappa>1$ the product of its roots is negative, so that one "
    "is positive.",
    Exactly(),
)


def equal_eigenvalues(inputs):
    one, zero = inputs([1]), inputs([0])
    return Groups(one, one, zero, inputs([b]))


derivation.step(
    "The code's equation",
    Computed(
        F + 1,
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa),
            inputs(r),
            inputs(-1),
            equal_eigenvalues(inputs),
            inputs.arithmetic,
        )[0],
    ),
    r"The equation that the package solves, here for $\tau>1$: for a smaller $\tau$ it takes "
    r"$\tau/(1+\tau)$ from $\kappa-1$.",
    Exactly(),
    given={tau: 1 + e},
)
derivation.step(
    "The code's equation of two eigenvalues",
    Computed(
        two + 1,
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa),
            inputs(0),
            inputs(-1),
            Groups(inputs([w, 1 - w]), inputs([first, second]), inputs([0, 0]), inputs([b, b])),
            inputs.arithmetic,
        )[0],
    ),
    "Likewise, of two groups.",
    Exactly(),
    given={tau: first + second + e},
)
derivation.step(
    "The code's noise level",
    Computed(
        ridgeless,
        noise_level,
        lambda inputs: noise_level(
            inputs(kappa - 1),
            inputs(kappa),
            inputs(sigma),
            inputs(0),
            inputs(1),
            equal_eigenvalues(inputs),
            inputs.arithmetic,
        ),
    ),
    r"At $\tau=\kappa-1$ the package's noise level is the closed form.",
    Exactly(),
    given={kappa: 1 + e},
)
