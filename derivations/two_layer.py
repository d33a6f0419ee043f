r"""Two layers: rescaling them changes magnitudes, and neither importance nor saliency."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
)

derivation = Derivation(
    "Importance in two layers",
    r"""A network $f(x)=\sum_j v_j\,\varphi(w_j\cdot x)$ has an activation that is homogeneous, the
    linear one or ReLU. Its loss is half the mean squared error, $L=E[(f-y)^2]/2$, where $E$ is the
    mean over a sample or a population of inputs and outputs. Except where an activation switches,
    $\varphi(w_j\cdot x)=a_j\,w_j\cdot x$ with a slope $a_j$ of each neuron on each input, always 1
    for the linear one, 0 or 1 for ReLU; what follows holds for any slopes. It is written for two
    inputs and two neurons: more add terms of the same form.""",
    source="Li et al., arXiv 2006.10903, on importance across layers; LeCun, Denker, Solla (1989)",
    untied="the package does not train networks",
)
eta = derivation.symbol("eta", POSITIVE, "factor of the first layer")
z = derivation.symbol("z", REAL, "what a neuron receives")
w = [
    [derivation.symbol(f"w_{j}{i}", REAL, f"weight of input {i} in neuron {j}") for i in (1, 2)]
    for j in (1, 2)
]
v = [derivation.symbol(f"v_{j}", REAL, f"weight of neuron {j} in the output") for j in (1, 2)]
x = [derivation.random(f"x_{i}", REAL, f"input {i}") for i in (1, 2)]
a = [derivation.random(f"a_{j}", REAL, f"slope of neuron {j} on this input") for j in (1, 2)]
y = derivation.random("y", REAL, "output that is to be learned")
weights = (*w[0], *w[1], *v)
#: One of each layer, as good as any other.
first, last = w[0][0], v[0]


def rescaled(expression):
    """The expression with the first layer multiplied by eta and the second divided by it."""
    factors = (*[eta] * 4, *[1 / eta] * 2)
    return sp.Subs(expression, weights, tuple(c * x for c, x in zip(factors, weights, strict=True)))


def of_each_layer(function):
    return sp.ImmutableMatrix([function(weight) for weight in (first, last)])


phi = derivation.define("varphi", (z + abs(z)) / 2, "ReLU")
derivation.step(
    "ReLU is homogeneous",
    Equal(sp.Subs(phi, z, eta * z), eta * phi),
    r"As $\eta>0$. So a slope $a_j$ does not change when the neuron's weights are multiplied.",
    Exactly(),
)
f = derivation.define(
    "f",
    sum(v_j * a_j * (w_j[0] * x[0] + w_j[1] * x[1]) for v_j, a_j, w_j in zip(v, a, w, strict=True)),
    "the network",
)
loss = derivation.define("L", Mean((f - y) ** 2) / 2, "the loss")
derivation.step(
    "Rescaled layers compute the same",
    Equal(rescaled(f), f),
    "Each term has one factor of either layer.",
    Exactly(),
)
derivation.step(
    "Magnitudes change",
    Limit(rescaled(last**2 / first**2), eta, sp.oo, sp.Integer(0)),
    r"As $\eta$ grows, every weight of the second layer falls below every one of the first that "
    "is not 0, and global magnitude pruning deletes it first.",
    Exactly(),
)


def rise(weight):
    """What deleting a weight adds to the loss."""
    return sp.Subs(loss, weight, 0) - loss


def saliency(weight):
    return weight**2 * sp.Derivative(loss, weight, 2) / 2


derivation.step(
    "Importance does not change",
    Equal(of_each_layer(lambda weight: rescaled(rise(weight))), of_each_layer(rise)),
    "The natural importance of a weight is the rise of the loss when it is deleted, and the "
    "network without it rescales as well. Shown for a weight of each layer.",
    Exactly(),
)
derivation.step(
    "Saliency does not change",
    Equal(of_each_layer(lambda weight: rescaled(saliency(weight))), of_each_layer(saliency)),
    r"The Hessian saliency is $\theta^2H/2$ for a weight $\theta$ of second derivative $H$; where "
    r"$\theta$ is multiplied by $\eta$, $H$ is divided by $\eta^2$.",
    Exactly(),
)
derivation.step(
    "Importance and saliency differ by the gradient",
    Equal(
        of_each_layer(rise),
        of_each_layer(lambda weight: saliency(weight) - weight * sp.Derivative(loss, weight)),
    ),
    "The loss is quadratic in each single weight, so that its expansion ends there. Of a trained "
    "network the gradient is 0: saliency is importance.",
    Exactly(),
)
derivation.step(
    "The diagonal of the Hessian",
    Equal(
        of_each_layer(lambda weight: sp.Derivative(loss, weight, 2)),
        of_each_layer(lambda weight: Mean(sp.Derivative(f, weight) ** 2)),
    ),
    "The network is linear in each single weight: the diagonal is that of the Gauss-Newton "
    "matrix, and never negative.",
    Exactly(),
)
derivation.step(
    "Beside the diagonal",
    Equal(
        sp.Derivative(loss, first, last),
        Mean(sp.Derivative(f, first) * sp.Derivative(f, last)) + Mean((f - y) * a[0] * x[0]),
    ),
    "Between the layers the errors enter, and the two matrices differ.",
    Exactly(),
)
derivation.step(
    "What gradient flow conserves",
    Equal(
        sum(w_1i * sp.Derivative(loss, w_1i) for w_1i in w[0]),
        v[0] * sp.Derivative(loss, v[0]),
    ),
    r"The loss stays the same when one neuron is rescaled, $(\eta w_1, v_1/\eta)$; this is the "
    r"derivative at $\eta=1$. Where weights follow $-\nabla L$, the sides are $-1/2$ times the "
    r"time derivatives of $\|w_1\|^2$ and $v_1^2$: their difference is conserved.",
    Exactly(),
    reference="Du, Hu, Lee, arXiv 1806.00900",
)
