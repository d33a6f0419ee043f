r"""Groups may be split, and a model that sees only some features is a full model of others."""

import sympy as sp

from asymptotics.derivation import POSITIVE, REAL, UNIT, Computed, Derivation, Equal, Exactly, Mean
from asymptotics.population import Groups
from asymptotics.theory import (
    MAGNITUDE,
    Channel,
    Threshold,
    effective_ridge_balance,
    noise_level,
    pruned_risk,
)

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
a1 = derivation.symbol("a_1", UNIT, "shrinkage in the first group")
a2 = derivation.symbol("a_2", UNIT, "shrinkage in the second group")
v1 = derivation.symbol("v_1", POSITIVE, "noise of a weight of the first group")
v2 = derivation.symbol("v_2", POSITIVE, "noise of a weight of the second group")
h_1, h_2, h_3 = (derivation.symbol(f"h_{i}", POSITIVE, f"weight of part {i}") for i in (1, 2, 3))
t = derivation.symbol("t", POSITIVE, "threshold of the magnitude")
e = derivation.symbol("e", POSITIVE, "what the effective ridge exceeds an eigenvalue by")
c_1 = derivation.symbol("c_1", REAL, "coefficient of a feature not seen")
c_2 = derivation.symbol("c_2", REAL, "coefficient of another one")
g_1, g_2, z = (derivation.normal(name) for name in ("g_1", "g_2", "z"))


def taken(eigenvalue):
    return eigenvalue / (eigenvalue + tau)


def missed(eigenvalue, b):
    return tau**2 * eigenvalue * b**2 / (eigenvalue + tau) ** 2


f_1 = derivation.symbol("f_1", REAL, "any quantity, in the first group")
f_2 = derivation.symbol("f_2", REAL, "the same quantity in the second group")
derivation.step(
    "A group in two parts",
    Equal(
        share * zeta * f_1 + (1 - zeta) * f_2 + (1 - share) * zeta * f_1,
        zeta * f_1 + (1 - zeta) * f_2,
    ),
    "All that is predicted is made of expectations, and these are sums over groups: parts that are "
    "alike add up, in any order.",
    Exactly(),
)
seen = derivation.define(
    "F_s", r / tau + kappa * zeta * taken(first), "the ratio of a model that sees the first group"
)
unseen = derivation.define("U", (1 - zeta) * second * b2**2, "the signal of the features not seen")
derivation.step(
    "Features not seen are noise",
    Equal(
        Mean((sp.sqrt(second) * (c_1 * g_1 + c_2 * g_2) + sigma * z) ** 2),
        sigma**2 + second * (c_1**2 + c_2**2),
    ),
    r"Here of two of them, with coefficients $c_i=\beta^*_i$: $x_i=\sqrt{\Lambda_2}\,g_i$ is "
    r"independent of what is seen, so that what it adds to the label is noise. Of all, "
    r"$\sum_i\Lambda_2c_i^2 = U$, as $B=\sqrt p\,\beta^*$.",
    Exactly(),
)
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


whole = [h_1 + h_3, h_2], [first, second], [b1, b2], [a1, a2], [v1, v2]
#: The first group in two parts, and the second one between them.
parts = (
    [h_1, h_2, h_3],
    *([x, y, x] for x, y in (column for column in whole[1:])),
)


def populations(inputs, columns):
    weight, eigenvalue, std = map(inputs, columns[:3])
    return Groups(weight, eigenvalue, 0 * weight, std)


def equation(inputs, columns):
    groups = populations(inputs, columns)
    scalars = (inputs(x) for x in (tau, kappa, r, -1))
    return effective_ridge_balance(*scalars, groups, inputs.arithmetic)[0]


def level(inputs, columns):
    groups = populations(inputs, columns)
    scalars = (inputs(x) for x in (tau, kappa, sigma, r, -1))
    return noise_level(*scalars, groups, inputs.arithmetic)


def risk(inputs, columns):
    shrinkage, noise = map(inputs, columns[3:])
    groups = populations(inputs, columns)
    law = Channel(*groups, shrinkage, inputs([1 - a for a in columns[3]]), noise)
    cut = Threshold(inputs(0), inputs(t), inputs(0))
    return pruned_risk(law, inputs(sigma), MAGNITUDE, cut, inputs.arithmetic).risk


derivation.step(
    "The code's equation of two parts",
    Computed(
        sp.Integer(0),
        effective_ridge_balance,
        lambda inputs: equation(inputs, parts) - equation(inputs, whole),
    ),
    "That of the parts less that of the whole, with the second group between them.",
    Exactly(),
)
derivation.step(
    "The code's noise level of two parts",
    Computed(
        sp.Integer(0), noise_level, lambda inputs: level(inputs, parts) - level(inputs, whole)
    ),
    "Likewise.",
    Exactly(),
)
derivation.step(
    "The code's pruned risk of two parts",
    Computed(sp.Integer(0), pruned_risk, lambda inputs: risk(inputs, parts) - risk(inputs, whole)),
    "Likewise, by magnitude at any threshold.",
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
    r"A full model, at $\zeta\kappa$; here where $\tau$ exceeds the eigenvalue.",
    Exactly(),
    given={tau: first + e},
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
