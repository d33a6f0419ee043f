r"""Effective ridge and noise level, from the scalarised min-max problem of training."""

import sympy as sp

from asymptotics.derivation import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
    UniqueRoot,
)
from asymptotics.theory import effective_ridge_balance, noise_level

derivation = Derivation(
    "Effective ridge and noise level",
    r"""Ridge regression minimises $\|y-Xb\|^2/(2n) + r\|b\|^2/2$ over $b$. Its loss is a maximum
    over a dual vector of length $\beta$, bilinear in the Gaussian design; Gordon's comparison
    replaces the design by two Gaussian vectors. With $x=\sqrt p\,b_i$ for a weight of eigenvalue
    $\Lambda$ and coefficient $B$, and $\sqrt{u} = \min_q (q/2 + u/2q)$, the problem becomes
    $\max_\beta \min_q$ of a function of two numbers, $D + E[\min_x C]$. That it does is taken from
    the source; what follows from it is derived here. The ridge is positive, and eigenvalues are;
    without ridge the solution is the limit of those with one.""",
    source="Thrampoulidis, Oymak, Hassibi (2015); Li et al., arXiv 2006.10903, Theorem 1; "
    "Hastie, Montanari, Rosset, Tibshirani, arXiv 1903.08560",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
r = derivation.symbol("r", POSITIVE, "ridge")
beta = derivation.symbol("beta", POSITIVE, "length of the dual vector")
q = derivation.symbol("q", POSITIVE, r"root of the noise level, $q^2=\gamma$")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
x = derivation.symbol("x", REAL, r"a weight, $\sqrt p\,b_i$")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
B = derivation.random("B", REAL, r"coefficient, $\sqrt p\,\beta^*_i$")
H = derivation.normal("H")
e = derivation.symbol("e", POSITIVE, r"excess of $\kappa$ over 1, or of $1/\kappa$")
ell = derivation.symbol("lambda", POSITIVE, "the least eigenvalue")
e0 = derivation.symbol("e_0", NONNEGATIVE, r"excess of $1/\kappa$ over 1, if $\kappa\le1$")
d = derivation.random("d", NONNEGATIVE, "excess of an eigenvalue over the least one")
over = derivation.random("delta", POSITIVE, r"excess of an eigenvalue over $\tau$")
c = derivation.random("c", UNIT, r"what an eigenvalue is of $\tau$, if less")

D = derivation.define(
    "D", beta * q / 2 + beta * sigma**2 / (2 * q) - beta**2 / 2, "the part without weights"
)
C = derivation.define(
    "C",
    beta * Lambda * (x - B) ** 2 / (2 * q)
    - beta * sp.sqrt(kappa * Lambda) * H * (x - B)
    + r * x**2 / 2,
    "the cost of one weight",
)
derivation.step(
    "The root as a minimum",
    Equal(q / 2 + x**2 / (2 * q) - abs(x), (q - abs(x)) ** 2 / (2 * q)),
    r"With $u=x^2$: $q/2+u/(2q)$ exceeds $\sqrt u$ by a square over $2q$, which is 0 at $q=\sqrt "
    r"u$.",
    Exactly(),
)
X = derivation.define(
    "X", (Lambda * B + sp.sqrt(kappa * Lambda) * q * H) / (Lambda + tau), "the trained weight"
)
derivation.step(
    "A weight of the trained model",
    Equal(sp.Subs(sp.Derivative(C, x), x, X), sp.Integer(0)),
    r"The inner minimum over $x$ is that of a parabola, at $X$, where $\tau = rq/\beta$.",
    Exactly(),
    given={beta: r * q / tau},
)
value = derivation.define(
    "C^*",
    r * B**2 / 2 - q * (kappa * Lambda * beta**2 + r**2 * B**2) / (2 * (beta * Lambda + q * r)),
    r"the least cost of a weight, on average over $H$",
)
derivation.step(
    "Its cost",
    Equal(Mean(sp.Subs(C, x, X)), Mean(value)),
    r"$C$ at $X$.",
    Exactly(),
    given={tau: r * q / beta},
)
total = beta * Lambda + q * r
derivation.step(
    "Convex in q",
    Equal(
        sp.Derivative(D + Mean(value), q, 2),
        beta * sigma**2 / q**3
        + r * beta * Mean(Lambda * (kappa * Lambda * beta**2 + r**2 * B**2) / total**3),
    ),
    r"Strictly: every term is positive, or not negative.",
    Exactly(),
)
derivation.step(
    "Concave in beta",
    Equal(
        sp.Derivative(D + Mean(value), beta, 2),
        -1 - q * r**2 * Mean(Lambda * (kappa * q**2 + Lambda * B**2) / total**3),
    ),
    r"Strictly. So where both slopes vanish is the one saddle, and max and min may be exchanged.",
    Exactly(),
)
derivation.step(
    "Stationarity in q",
    Equal(
        sp.Derivative(D, q) + Mean(sp.Subs(sp.Derivative(C, q), x, X)),
        beta / (2 * q**2) * (q**2 - sigma**2 - Mean(Lambda * (X - B) ** 2)),
    ),
    r"By the envelope theorem only the explicit $q$ is differentiated. So $q^2=\gamma$ is "
    r"$\sigma^2+E[\Lambda(X-B)^2]$: the noise level is the test error of the unpruned model.",
    Exactly(),
)
derivation.step(
    "Stationarity in beta",
    Equal(
        sp.Derivative(D, beta) + Mean(sp.Subs(sp.Derivative(C, beta), x, X)),
        q * (1 - r / tau - kappa * Mean(Lambda / (Lambda + tau))),
    ),
    r"It vanishes at the effective ridge: $1 - r/\tau = \kappa E[\Lambda/(\Lambda+\tau)]$.",
    Exactly(),
    given={beta: r * q / tau, sigma: sp.sqrt(q**2 - Mean(Lambda * (X - B) ** 2))},
)
balance = derivation.define(
    "F", r / tau + kappa * Mean(Lambda / (Lambda + tau)) - 1, "the equation of the effective ridge"
)
derivation.step(
    "One root with ridge",
    UniqueRoot(balance, tau, 0, sp.oo),
    "Every term falls strictly; $F$ comes from infinity and goes to $-1$.",
    Exactly(),
)
derivation.step(
    "Without ridge, near 0",
    Limit(sp.Subs(balance, r, 0), tau, 0, kappa - 1),
    r"Where all eigenvalues are positive $F$ starts at $\kappa-1$.",
    Exactly(),
)
derivation.step(
    "One root without ridge, more features than samples",
    UniqueRoot(sp.Subs(balance, r, 0), tau, 0, sp.oo),
    r"For $\kappa=1+e$ it falls from $e$ to $-1$.",
    Exactly(),
    given={kappa: 1 + e},
)
derivation.step(
    "No root without ridge otherwise",
    Equal(sp.Subs(balance, r, 0), -(e0 + Mean(tau / (Lambda + tau))) / (1 + e0)),
    r"For $\kappa=1/(1+e_0)\le1$ it is negative throughout: the effective ridge is 0, the limit of "
    r"that of a small ridge.",
    Exactly(),
    given={kappa: 1 / (1 + e0)},
)
derivation.step(
    "Not below the ridge",
    Equal(sp.Subs(balance, tau, r), kappa * Mean(Lambda / (Lambda + r))),
    r"At $\tau=r$ it is still positive.",
    Exactly(),
)
derivation.step(
    "Not below what the least eigenvalue asks for",
    Equal(balance, r / (ell * e) + Mean(d * e / (ell + d + ell * e))),
    r"At $\tau=\lambda(\kappa-1)$, with $\lambda$ the least eigenvalue and $\kappa=1+e$, it is not "
    r"negative.",
    Exactly(),
    given={kappa: 1 + e, tau: ell * e, Lambda: ell + d},
)
derivation.step(
    "Below all that eigenvalues can add",
    Equal(balance, -kappa * Mean(Lambda**2 / (Lambda + tau)) / tau),
    r"At $\tau=r+\kappa E[\Lambda]$ it is negative. The code looks for the root between these.",
    Exactly(),
    given={r: tau - kappa * Mean(Lambda)},
)
missed = tau**2 * Mean(Lambda * B**2 / (Lambda + tau) ** 2)
gamma = derivation.define(
    "gamma",
    (sigma**2 + missed) / (1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2)),
    "the noise level",
)
derivation.step(
    "Noise level",
    Equal(gamma, sigma**2 + Mean(Lambda * (X - B) ** 2)),
    r"$E[\Lambda(X-B)^2]$ is linear in $q^2=\gamma$; solve for it.",
    Exactly(),
    given={q: sp.sqrt(gamma)},
)
derivation.step(
    "A denominator in which nothing cancels",
    Equal(
        1 - kappa * Mean(Lambda**2 / (Lambda + tau) ** 2),
        r / tau + kappa * tau * Mean(Lambda / (Lambda + tau) ** 2),
    ),
    "By the equation of the effective ridge.",
    Exactly(),
    given={r: tau * (1 - kappa * Mean(Lambda / (Lambda + tau)))},
)
derivation.step(
    "The code's equation",
    Computed(
        balance + 1,
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa),
            inputs(r),
            inputs(-1),
            inputs.groups(Lambda, mean=B),
            inputs.arithmetic,
        )[0],
    ),
    "The ratio of the two sides, which falls through 1 at the effective ridge. Here no eigenvalue "
    r"exceeds it: $\Lambda=c\tau$.",
    Exactly(),
    given={Lambda: c * tau},
)
derivation.step(
    "The code's equation, of eigenvalues above the effective ridge",
    Computed(
        sp.Integer(1),
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa),
            inputs(r),
            inputs(kappa - 1),
            inputs.groups(tau + over, mean=B),
            inputs.arithmetic,
        )[0],
    ),
    r"There the code takes $\tau/(\Lambda+\tau)$ from $\kappa-1$: where $F=0$ its ratio is 1 too.",
    AtPoints(100),
    given={r: tau * (1 - kappa * Mean((tau + over) / (2 * tau + over)))},
)
derivation.step(
    "The code's noise level",
    Computed(
        gamma,
        noise_level,
        lambda inputs: noise_level(
            inputs(tau),
            inputs(kappa),
            inputs(sigma),
            inputs(r),
            inputs(-1),
            inputs.groups(Lambda, mean=B),
            inputs.arithmetic,
        ),
    ),
    "What the package computes is what was derived.",
    Exactly(),
    given={r: tau * (1 - kappa * Mean(Lambda / (Lambda + tau)))},
)
