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
    mean over a finite sample of inputs and outputs or, for the linear one, any law of them.
    $\varphi(w_j\cdot x)=a_j\,w_j\cdot x$ with a slope $a_j$ of each neuron on each input, always 1
    for the linear one, 0 or 1 for ReLU. Unless $w_j\cdot x=0$ on an input of the sample, slopes do
    not change nearby, and derivatives are taken with slopes held. A deleted weight may switch
    them, so that the network without it has slopes $a'_j$ of its own. It is written for two inputs
    and two neurons: more add terms of the same form.""",
    source="Li et al., arXiv 2006.10903, on importance across layers; LeCun, Denker, Solla (1989)",
    untied="the code of the package works on arrays of double precision; its tests hold it to each "
    "statement",
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
b = [
    derivation.random(f"a'_{j}", REAL, f"slope of neuron {j} when a weight is deleted")
    for j in (1, 2)
]
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


def network(slopes):
    layers = zip(v, slopes, w, strict=True)
    return sum(v_j * a_j * (w_j[0] * x[0] + w_j[1] * x[1]) for v_j, a_j, w_j in layers)


f = derivation.define("f", network(a), "the network")
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


def without(weight, slopes):
    """The loss when a weight is deleted and the neurons have other slopes."""
    return sp.Subs(Mean((network(slopes) - y) ** 2) / 2, weight, 0)


def rise(weight, slopes=a):
    """What deleting a weight adds to the loss; unless told otherwise no slope changes."""
    return without(weight, slopes) - loss


def saliency(weight):
    return weight**2 * sp.Derivative(loss, weight, 2) / 2


derivation.step(
    "Importance does not change",
    Equal(
        of_each_layer(lambda weight: rescaled(rise(weight, b))),
        of_each_layer(lambda weight: rise(weight, b)),
    ),
    "The natural importance of a weight is the rise of the loss when it is deleted. The network "
    "without it rescales as well, with slopes that may be others, but are the same at any scale. "
    "Shown for a weight of each layer.",
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
    "While no slope changes the loss is quadratic in each single weight, so that its expansion "
    "ends there: always for the second layer and for the linear activation. Then, of a trained "
    "network, where the gradient is 0, saliency is importance. A first-layer weight of ReLU whose "
    "deletion switches neurons on some inputs has an importance that its saliency does not tell "
    "exactly.",
    Exactly(),
)
derivation.step(
    "The diagonal of the Hessian",
    Equal(
        of_each_layer(lambda weight: sp.Derivative(loss, weight, 2)),
        of_each_layer(lambda weight: Mean(sp.Derivative(f, weight) ** 2)),
    ),
    "With slopes held the network is linear in each single weight: the diagonal is that of the "
    "Gauss-Newton matrix, and never negative.",
    Exactly(),
)
length = sp.sqrt(w[0][0] ** 2 + w[0][1] ** 2)
population = derivation.define(
    "L_1",
    (length**2 / 2 - 2 * length / sp.sqrt(2 * sp.pi) + 1) / 2,
    r"$E[(\varphi(w_1\cdot x)-1)^2]/2$ for ReLU, $x\sim N(0,I_2)$, as $w_1\cdot x = \|w_1\|z$ with "
    r"$E[z_+]=1/\sqrt{2\pi}$ and $E[z_+^2]=1/2$",
)
derivation.step(
    "Not so for ReLU and a law with a density",
    Equal(
        sp.Subs(sp.Derivative(population, first, 2), (first, w[0][1]), (0, 1)),
        sp.Rational(1, 2) - 1 / sp.sqrt(2 * sp.pi),
    ),
    r"At $w_1=(0,1)$ the Gauss-Newton matrix has $E[x_1^2;x_2>0]=1/2$: inputs at which the neuron "
    r"switches add a term to the Hessian of the mean.",
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
along = sum(w_1i * sp.Derivative(f, w_1i) for w_1i in w[0]) - v[0] * sp.Derivative(f, v[0])
derivation.step(
    "A direction that changes nothing",
    Equal(along, sp.Integer(0)),
    r"Along $(w_1,-v_1)$ the neuron is rescaled, and the Gauss-Newton matrix of both layers is "
    r"singular. A step of $-1$ along it deletes every weight of $w_1$ at no cost that this matrix "
    "could see: a surgeon who may adjust both layers takes any weight for unimportant. The matrix "
    "of one layer does not have this direction; it may have others, as for more weights than "
    "samples.",
    Exactly(),
    reference="Hassibi, Stork (1992), for the surgeon",
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
