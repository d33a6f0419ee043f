r"""Groups may be split, and a model that sees only some features is a full model of others."""

import sympy as sp

from asymptotics.derivation import POSITIVE, UNIT, Computed, Derivation, Equal, Exactly
from asymptotics.population import Groups
from asymptotics.theory.fixed_point import effective_ridge_balance, noise_level

derivation = Derivation(
    "Splitting and restricting a population",
    r"""A population is a list of groups; what it predicts depends on sums over them alone. Of two
    groups of eigenvalues $\Lambda_1,\Lambda_2$ and second moments $b_1^2,b_2^2$, a fraction $\zeta$
    of all features, those of the first group, may be all that a model sees.""",
    source="derived here",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
omega = derivation.symbol("omega", POSITIVE, "root of the noise and the unseen signal")
r = derivation.symbol("r", POSITIVE, "ridge")
tau = derivation.symbol("tau", POSITIVE, "effective ridge")
zeta = derivation.symbol("zeta", UNIT, "fraction of the features of the first group")
share = derivation.symbol("h", UNIT, "share of the first group in a part of it")
first = derivation.symbol("Lambda_1", POSITIVE, "first eigenvalue")
second = derivation.symbol("Lambda_2", POSITIVE, "second eigenvalue")
b1 = derivation.symbol("b_1", POSITIVE, "root mean square of the first coefficients")
b2 = derivation.symbol("b_2", POSITIVE, "root mean square of the second coefficients")


def taken(eigenvalue):
    return eigenvalue / (eigenvalue + tau)


def missed(eigenvalue, b):
    return tau**2 * eigenvalue * b**2 / (eigenvalue + tau) ** 2


F = derivation.define(
    "F",
    r / tau + kappa * (zeta * taken(first) + (1 - zeta) * taken(second)),
    "the ratio that is 1 at the effective ridge",
)
derivation.step(
    "A group in two parts",
    Equal(
        r / tau
        + kappa
        * (
            share * zeta * taken(first)
            + (1 - zeta) * taken(second)
            + (1 - share) * zeta * taken(first)
        ),
        F,
    ),
    "Parts of one eigenvalue add up, in any order.",
    Exactly(),
)
seen = derivation.define(
    "F_s", r / tau + kappa * zeta * taken(first), "the ratio of a model that sees the first group"
)
derivation.step(
    "Fewer features, the same equation",
    Equal(F - seen, kappa * (1 - zeta) * taken(second)),
    r"With $\kappa\zeta$ features per sample, all of them of the first group, the unseen ones are "
    "missing from the sum.",
    Exactly(),
)
unseen = derivation.define("U", (1 - zeta) * second * b2**2, "the signal of the features not seen")
gamma = derivation.define(
    "gamma_s",
    (sigma**2 + unseen + zeta * missed(first, b1))
    / (1 - kappa * zeta * first**2 / (first + tau) ** 2),
    r"the noise level, with the unseen signal as noise and $E[\Lambda B^2\dots]$ over all features",
)
derivation.step(
    "Coefficients of the features seen",
    Equal(zeta * missed(first, b1), missed(first, sp.sqrt(zeta) * b1)),
    r"Among the features seen the weight of the group is 1; that $B=\sqrt p\,\beta^*$ counts all "
    r"features is made up for by $B\to\sqrt\zeta B$.",
    Exactly(),
)


def restricted(inputs):
    return Groups(inputs([1]), inputs([first]), inputs([0]), inputs([sp.sqrt(zeta) * b1]))


derivation.step(
    "The code's equation of the restricted model",
    Computed(
        seen,
        effective_ridge_balance,
        lambda inputs: effective_ridge_balance(
            inputs(tau),
            inputs(kappa * zeta),
            inputs(r),
            inputs(-1),
            restricted(inputs),
            inputs.arithmetic,
        )[0],
    ),
    r"A full model, at $\zeta\kappa$.",
    Exactly(),
)
derivation.step(
    "The code's noise level of the restricted model",
    Computed(
        gamma,
        noise_level,
        lambda inputs: noise_level(
            inputs(tau),
            inputs(kappa * zeta),
            inputs(omega),
            inputs(r),
            inputs(-1),
            restricted(inputs),
            inputs.arithmetic,
        ),
    ),
    r"With noise of variance $\omega^2=\sigma^2+U$.",
    Exactly(),
    given={
        r: tau * (1 - kappa * zeta * taken(first)),
        sigma: sp.sqrt(omega**2 - unseen),
    },
)
