r"""Importance of weights: what deleting them costs, with and without another fit of the rest."""

import sympy as sp

from asymptotics.derivation import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Mean,
)
from asymptotics.theory import Channel
from asymptotics.theory.rules import COVARIANCE, ORACLE

derivation = Derivation(
    "Importance of weights",
    r"""A linear model with weights $b$ predicts $y=\theta\cdot x+\sigma z$ from features $x$ of
    covariance $\Sigma$: every one is that of $x=lg$ with a lower triangular $l$ and independent
    standard normal $g$. The natural importance of weights is the rise of the risk when they are
    deleted; the Hessian saliency of one is half its square times the second derivative of the
    risk. It is written for three features, of which two, the set $\Delta$, are deleted; for more
    the same algebra holds of blocks of $\Sigma$, which is not checked here.""",
    source="LeCun, Denker, Solla (1989); Hassibi, Stork (1992); Li et al., arXiv 2006.10903, "
    "section 2",
)
sigma = derivation.symbol("sigma", NONNEGATIVE, "standard deviation of the noise")
theta = [derivation.symbol(f"theta_{i}", REAL, f"true weight {i}") for i in (1, 2, 3)]
b = [derivation.symbol(f"b_{i}", REAL, f"weight {i} of the model") for i in (1, 2, 3)]
root = [
    [
        derivation.symbol(f"l_{i}{j}", POSITIVE if i == j else REAL, "entry of $l$")
        for j in range(1, i + 1)
    ]
    for i in (1, 2, 3)
]
g = [derivation.normal(f"g_{i}") for i in (1, 2, 3)]
z = derivation.normal("z")

covariance = {
    (i, j): derivation.define(
        f"Sigma_{i + 1}{j + 1}",
        sum(x * y for x, y in zip(root[i], root[j], strict=False)),
        f"the variance of feature {i + 1}"
        if i == j
        else f"the covariance of features {i + 1} and {j + 1}",
    )
    for j in range(3)
    for i in range(j + 1)
}
Sigma = sp.ImmutableMatrix(3, 3, lambda i, j: covariance[min(i, j), max(i, j)])
x = [sum(l * g_j for l, g_j in zip(row, g, strict=False)) for row in root]
error = sum(x_i * (theta_i - b_i) for x_i, theta_i, b_i in zip(x, theta, b, strict=True))
risk = derivation.define("R", Mean((error + sigma * z) ** 2), "the risk")


def form(matrix, vector):
    """The quadratic form of a matrix, not multiplied out."""
    vector = sp.ImmutableMatrix(vector)
    return sp.MatMul(vector.T, matrix, vector)


def risk_at(*weights):
    return sp.Subs(risk, tuple(b), weights)


derivation.step(
    "Risk",
    Equal(
        sp.ImmutableMatrix([risk - sigma**2]),
        form(Sigma, [b_i - theta_i for b_i, theta_i in zip(b, theta, strict=True)]),
    ),
    r"$E[xx^T]=\Sigma=ll^T$, and the noise is independent of $x$.",
    Exactly(),
)
gradient = [sp.Derivative(risk, b_i) for b_i in b]
derivation.step(
    "Its optimum",
    Equal(
        sp.ImmutableMatrix(gradient),
        2 * sp.MatMul(Sigma, sp.ImmutableMatrix([x - y for x, y in zip(b, theta, strict=True)])),
    ),
    r"The gradient is 0 at $b=\theta$ alone, as $\Sigma$ has an inverse.",
    Exactly(),
)
saliency = derivation.define(
    "s_1", b[0] ** 2 * sp.Derivative(risk, b[0], 2) / 2, "the saliency of weight 1"
)
derivation.step(
    "Deleting one weight",
    Equal(sp.Subs(risk, b[0], 0) - risk, saliency - b[0] * gradient[0]),
    "The risk is quadratic, so that its expansion ends there. Optimal brain damage leaves out "
    "the gradient, which is 0 at the optimum.",
    Exactly(),
    reference="LeCun, Denker, Solla (1989)",
)
derivation.step(
    "Natural importance",
    Equal(
        sp.ImmutableMatrix(
            [
                risk_at(0, theta[1], theta[2]) - risk_at(*theta),
                sp.Subs(saliency, tuple(b), tuple(theta)),
            ]
        ),
        sp.ImmutableMatrix([covariance[0, 0] * theta[0] ** 2] * 2),
    ),
    r"At the optimum the importance of a weight, first, and its saliency, second, are "
    r"$\lambda_i\theta_i^2$ with $\lambda_i=\Sigma_{ii}$.",
    Exactly(),
)
cost = derivation.define(
    "C", risk_at(0, 0, theta[2]) - risk_at(*theta), r"the cost of deleting $\Delta=\{1,2\}$"
)
derivation.step(
    "Deleting a set",
    Equal(sp.ImmutableMatrix([cost]), form(Sigma[:2, :2], theta[:2])),
    r"It is $\theta_\Delta^T\Sigma_{\Delta\Delta}\theta_\Delta$, where all else stays as it was.",
    Exactly(),
)
derivation.step(
    "Uncorrelated features",
    Equal(cost, covariance[0, 0] * theta[0] ** 2 + covariance[1, 1] * theta[1] ** 2),
    r"Where $\Sigma$ is diagonal importances add: of all sets of one size the cheapest to delete "
    "is that of the least important weights.",
    Exactly(),
    given={root[1][0]: sp.Integer(0)},
)
best = derivation.define(
    "b_3^*",
    theta[2] + (covariance[0, 2] * theta[0] + covariance[1, 2] * theta[1]) / covariance[2, 2],
    "the weight that is left, fitted again",
)
derivation.step(
    "The rest fitted again",
    Equal(sp.Subs(gradient[2], tuple(b), (0, 0, best)), sp.Integer(0)),
    "It takes over what the deleted features have in common with it.",
    Exactly(),
)
chosen = sp.ImmutableMatrix(3, 2, lambda i, j: int(i == j))
refit = derivation.define(
    "C^*", risk_at(0, 0, best) - risk_at(*theta), r"the cost of deleting $\Delta$ with another fit"
)
derivation.step(
    "Deleting a set and fitting the rest again",
    Equal(
        sp.ImmutableMatrix([refit]),
        form(sp.Inverse(sp.MatMul(chosen.T, sp.Inverse(Sigma), chosen)), theta[:2]),
    ),
    r"The matrices of 0 and 1 choose $\Delta$. It is "
    r"$\theta_\Delta^T[(\Sigma^{-1})_{\Delta\Delta}]^{-1}\theta_\Delta$, the saliency of the "
    "optimal brain surgeon.",
    Exactly(),
    reference="Hassibi, Stork (1992)",
)
derivation.step(
    "Another fit does no harm",
    Equal(
        cost - refit,
        (covariance[0, 2] * theta[0] + covariance[1, 2] * theta[1]) ** 2 / covariance[2, 2],
    ),
    r"It takes a square off the cost: nothing where the deleted features are uncorrelated with the "
    "rest.",
    Exactly(),
)

Lambda = derivation.symbol("Lambda", POSITIVE, r"eigenvalue, the variance of a feature")
m = derivation.symbol(
    "m", POSITIVE, r"mean of the coefficients $B=\sqrt p\,\theta_i$ of a group, by symmetry"
)
s = derivation.symbol("s", POSITIVE, "their standard deviation")
a = derivation.symbol("a", UNIT, "shrinkage of trained weights")
v = derivation.symbol("v", POSITIVE, "variance of their noise")
c = derivation.symbol("c", REAL, "any number")
G, H = derivation.normal("G"), derivation.normal("H")
B = derivation.define("B", m + s * G, "a coefficient of the group")
X = derivation.define("X", a * B + sp.sqrt(v) * H, "its trained weight")


def distance_of_score(rule, shrinkage, noise, inputs):
    """The mean of (scale * Y - c)^2, which for all c fixes the law of the score scale * |Y|."""
    columns = (1, Lambda, m, s, shrinkage, 1 - shrinkage, noise)
    weight, *law = (inputs([column]) for column in columns)
    score = rule.score(Channel(weight, *law), inputs.arithmetic)
    return (score.scale * score.center - inputs(c)) ** 2 + (score.scale * score.spread) ** 2


derivation.step(
    "The oracle ranks by importance",
    Computed(
        Mean((sp.sqrt(Lambda) * B - c) ** 2),
        ORACLE.score,
        lambda inputs: distance_of_score(ORACLE, 1, 0, inputs),
    ),
    r"Its score is $|\Lambda^{1/2}B|$, the root of $p$ times the importance at the optimum. The "
    r"code returns the mean and the variance of the normal $\Lambda^{1/2}B$; the mean square "
    r"distance from any $c$ fixes both.",
    Exactly(),
)
derivation.step(
    "The covariance rule ranks by saliency",
    Computed(
        Mean((sp.sqrt(Lambda) * X - c) ** 2),
        COVARIANCE.score,
        lambda inputs: distance_of_score(COVARIANCE, a, v, inputs),
    ),
    r"Its score is $|\Lambda^{1/2}X|$, of which the square is $p$ times the saliency of the "
    r"trained weight.",
    Exactly(),
)
