r"""Training from a start of large scale: who learns, and who moves."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    UNIT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
)
from asymptotics.networks.lazy import Modes, coupling, lazy_prediction

derivation = Derivation(
    "Lazy training of two layers",
    r"""A network is trained by gradient flow from $(\eta W_0,v_0/\eta)$, where it is nearly linear
    in its weights. The derivatives of its outputs on the sample are $\eta\Phi$ by $v$ and $G/\eta$
    by $W$, with those at $\eta=1$; the tangent kernel is $K=\eta^2K_v+\eta^{-2}K_W$. In vectors
    $a_i$ that make both parts diagonal, $K_v=\sum\nu_ia_ia_i^\top$ and
    $K_W=\sum\omega_ia_ia_i^\top$ with $\nu_i+\omega_i=1$, an error $r=\sum c_ia_i$ is learned mode
    by mode. Of mode $i$ the output layer holds a weight with derivative $\eta\sqrt{\nu_i}$ and the
    hidden layer one with $\sqrt{\omega_i}/\eta$: everything below is about such pairs.""",
    source="Jacot, Gabriel, Hongler, arXiv 1806.07572, for the kernel; Li et al., arXiv "
    "2006.10903, on the scale of the start; rates and constants are derived here",
)
eta = derivation.symbol("eta", POSITIVE, "scale of the start")
nu = derivation.symbol("nu", UNIT, "the output layer's part of a mode")
nu2 = derivation.symbol("nu_2", UNIT, "of another")
omega = derivation.symbol("omega", POSITIVE, r"the hidden layer's part, $1-\nu$")
omega2 = derivation.symbol("omega_2", POSITIVE, "of another")
c = derivation.symbol("c", REAL, "error in a mode at the start")
c2 = derivation.symbol("c_2", REAL, "in another")
e = derivation.symbol("e", REAL, "what a mode adds to the squared error; modes overlap")
e2 = derivation.symbol("e_2", REAL, "what another does")
total = derivation.symbol("e_+", POSITIVE, "what both are together")
t = derivation.symbol("t", POSITIVE, "time")
rate = derivation.symbol("lambda", POSITIVE, "eigenvalue of the output layer's kernel")
rate2 = derivation.symbol("mu", POSITIVE, "another")
rho = derivation.symbol("rho", REAL, "error in that direction")
rho2 = derivation.symbol("rho_2", REAL, "error in the other")
start = derivation.symbol("v_0", REAL, "output weight at the start")
phi = derivation.symbol("phi", REAL, "its activity in the first direction")

kernel = derivation.define("k", eta**2 * nu + omega / eta**2, "the kernel in a mode")
error = derivation.define("r_t", c * sp.exp(-kernel * t), "the error at time $t$")
moved_v = derivation.define(
    "Delta_v", eta * sp.sqrt(nu) * c / kernel * (1 - sp.exp(-kernel * t)), "the way of $v$"
)
moved_w = derivation.define(
    "Delta_W",
    sp.sqrt(omega) / eta * c / kernel * (1 - sp.exp(-kernel * t)),
    "the way of $W$",
)
derivation.step(
    "The flow of the linear model",
    Equal(
        sp.ImmutableMatrix([sp.Derivative(moved_v, t), sp.Derivative(moved_w, t)]),
        sp.ImmutableMatrix([eta * sp.sqrt(nu) * error, sp.sqrt(omega) / eta * error]),
    ),
    "Each weight moves by its derivative times the error.",
    Exactly(),
)
derivation.step(
    "What is left to learn",
    Equal(error, c - eta * sp.sqrt(nu) * moved_v - sp.sqrt(omega) / eta * moved_w),
    "The error is what the weights have not yet made up for; it dies out.",
    Exactly(),
)
end_v = derivation.define(
    "V", nu / eta**2 * (c / (nu + omega / eta**4)) ** 2, "$(\\Delta v)^2$ at last"
)
end_w = derivation.define(
    "H", omega / eta**6 * (c / (nu + omega / eta**4)) ** 2, "$(\\Delta w)^2$ at last"
)
derivation.step(
    "Where the output layer ends",
    Limit(moved_v**2, t, sp.oo, end_v),
    "The exponential dies out, as $k>0$.",
    Exactly(),
)
derivation.step(
    "Where the hidden layer ends",
    Limit(moved_w**2, t, sp.oo, end_w),
    "Likewise.",
    Exactly(),
)
share = derivation.define("S", nu / (nu + omega / eta**4), "the output layer's share of a mode")
derivation.step(
    "Who has learned it",
    Equal(eta * sp.sqrt(nu) * eta * sp.sqrt(nu) * c / kernel, share * c),
    r"What $v$ adds to the outputs at the end.",
    Exactly(),
)
derivation.step(
    "The output layer learns all",
    Limit(share, eta, sp.oo, sp.Integer(1)),
    r"If $\nu>0$.",
    Exactly(),
)
derivation.step(
    "While it shrinks",
    Limit(eta**2 * end_v, eta, sp.oo, c**2 / nu),
    r"Over all modes $\sum c_i^2/\nu_i=r^\top K_v^{-1}r$, so that "
    r"$\|\Delta v\|^2\to\eta^{-2}r^\top K_v^{-1}r$.",
    Exactly(),
)
derivation.step(
    "The hidden layer hardly moves",
    Limit(eta**6 * end_w, eta, sp.oo, omega * c**2 / nu**2),
    r"$\|\Delta W\|$ is of order $\eta^{-3}$, and a fraction $\eta^{-4}$ of $\|\eta W_0\|$.",
    Exactly(),
)
derivation.step(
    "Not where the output layer is blind",
    Equal(sp.Subs(end_w, nu, 0), eta**2 * c**2 / omega),
    r"A mode with $\nu=0$ is left to $W$, which moves by order $\eta$: as far as it is from 0, so "
    r"that the network is not linear on the way. Such modes there are where $K_v$ is singular and "
    "$K_W$ is not in the same direction, as for more samples than neurons.",
    Exactly(),
)
derivation.step(
    "Mirrored at small scales",
    Limit(end_w / eta**2, eta, 0, c**2 / omega),
    r"Then $\|\Delta W\|^2\to\eta^2r^\top K_W^{-1}r$, if no $\omega$ is 0: for the linear "
    r"activation. $W$ moves by as much as it is, and ReLU's neurons switch on the way, so that of "
    "a trained network of these only the order holds.",
    Exactly(),
)


def predicted(inputs):
    return lazy_prediction(
        Modes(1, inputs([nu, nu2]), inputs([omega, omega2]), inputs([c, c2]), inputs([e, e2])),
        inputs(eta),
        inputs.arithmetic,
    )


parts = {omega: 1 - nu, omega2: 1 - nu2, e2: total - e}


def both(expression):
    return expression + sp.Subs(expression, (nu, omega, c, e), (nu2, omega2, c2, e2))


derivation.step(
    "The code's way of the output layer",
    Computed(both(end_v), lazy_prediction, lambda inputs: predicted(inputs).moved.output ** 2),
    "The sum over two modes.",
    AtPoints(),
    given=parts,
)
derivation.step(
    "The code's way of the hidden layer",
    Computed(both(end_w), lazy_prediction, lambda inputs: predicted(inputs).moved.hidden ** 2),
    "Likewise.",
    AtPoints(),
    given=parts,
)
derivation.step(
    "The code's share",
    Computed(
        both(e * share) / both(e), lazy_prediction, lambda inputs: predicted(inputs).share.output
    ),
    "Modes count with what they are of the squared error.",
    AtPoints(),
    given=parts,
)

output = derivation.define(
    "v_t",
    start + phi * rho / rate * (1 - sp.exp(-rate * t)),
    r"an output weight times $\eta$, while hidden weights stay and time is counted in $\eta^{-2}$",
)
derivation.step(
    "Output weights move as far as they are",
    Equal(sp.Derivative(output, t), phi * rho * sp.exp(-rate * t)),
    r"From $v_0/\eta$ the weight moves by order $1/\eta$, with the error $\rho e^{-\lambda t}$ of "
    r"a direction in which its activity is $\phi$; over all directions these add up. So the "
    "derivative by $W$, which is $v$, does not stay what it was: the linear model has the order of "
    r"$\|\Delta W\|$, and not its constant.",
    Exactly(),
)
pushed = derivation.define(
    "M",
    start * rho2 / rate2 + phi * rho * rho2 / (rate2 * (rate + rate2)),
    r"what the error in a direction does to the weights of a neuron in all, times $\eta^3$",
)
derivation.step(
    "What hidden weights are moved by",
    Equal(sp.Integral(output * rho2 * sp.exp(-rate2 * t), (t, 0, sp.oo)), pushed),
    r"The integral of output weight times error. It is what the code sums over directions: with "
    r"$\frac1\mu-\frac1{\lambda+\mu}=\frac\lambda{\mu(\lambda+\mu)}$, the coefficient of "
    r"$\phi$ is $C=\rho\rho_2/(\mu(\lambda+\mu))$.",
    Exactly(),
)
derivation.step(
    "The code's constant",
    Computed(
        rho * rho2 / (rate2 * (rate + rate2)),
        coupling,
        lambda inputs: coupling(inputs([rho, rho2]), inputs([rate, rate2]))[0, 1],
    ),
    "For any two directions.",
    AtPoints(),
)
