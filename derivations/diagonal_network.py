r"""Gradient flow in a diagonal network: small weights can matter as much as large ones."""

import sympy as sp

from asymptotics.derivation import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    UniqueRoot,
)
from asymptotics.networks.diagonal_flow import Pair, end, flow

derivation = Derivation(
    "Diagonal linear network",
    r"""A network that multiplies each feature by $\beta=uv$ learns its coefficients one by one.
    For a feature of eigenvalue $\lambda$ and true coefficient $\beta^*$ the loss is
    $L=\lambda(\beta-\beta^*)^2/2$, half the risk that the feature causes. Gradient flow,
    $\dot u=-\partial L/\partial u$ and $\dot v=-\partial L/\partial v$, ends at $\beta^*$ from
    almost every start, but it is the start that decides how $\beta^*$ is split into $u$ and $v$:
    the magnitudes of the two weights say nothing of how much they matter.""",
    source="Li et al., arXiv 2006.10903, on importance across layers; the formulas are derived "
    "here",
)
lambda_ = derivation.symbol("lambda", POSITIVE, "eigenvalue of the feature")
target = derivation.symbol("beta^*", POSITIVE, "true coefficient; the feature's sign is chosen so")
u = derivation.symbol("u", REAL, "first weight")
v = derivation.symbol("v", REAL, "second weight")
beta = derivation.symbol("beta", REAL, "their product, the coefficient of the network")
delta = derivation.symbol("delta", REAL, "$u^2-v^2$")
m = derivation.symbol("m", POSITIVE, r"size of $\delta$, if it is not 0")
t = derivation.symbol("t", POSITIVE, "time")
b = derivation.symbol("b", POSITIVE, r"size of $\beta$ at the start, if $\delta=0$")

loss = derivation.define("L", lambda_ * (u * v - target) ** 2 / 2, "the loss")
u_dot = derivation.define("udot", -sp.Derivative(loss, u), "the velocity of the first weight")
v_dot = derivation.define("vdot", -sp.Derivative(loss, v), "the velocity of the second")

derivation.step(
    "A conserved quantity",
    Equal(2 * u * u_dot - 2 * v * v_dot, sp.Integer(0)),
    r"$u\,\partial L/\partial u = v\,\partial L/\partial v$, as $L$ depends on $uv$ alone. So "
    r"$\delta=u^2-v^2$ does not change.",
    Exactly(),
    reference="Saxe, McClelland, Ganguli, arXiv 1312.6120",
)
derivation.step(
    "The coefficient moves at the speed of both weights",
    Equal(u_dot * v + u * v_dot, lambda_ * (target - u * v) * (u**2 + v**2)),
    r"By the product rule for $\beta=uv$.",
    Exactly(),
)
derivation.step(
    "The speed from the conserved quantity",
    Equal((u**2 + v**2) ** 2, delta**2 + 4 * beta**2),
    "A sum of squares from their difference and their product.",
    Exactly(),
    given={delta: u**2 - v**2, beta: u * v},
)
speed = derivation.define(
    "betadot",
    lambda_ * (target - beta) * sp.sqrt(delta**2 + 4 * beta**2),
    "the velocity of the coefficient",
)
derivation.step(
    "Nothing but the target stops it",
    Equal((speed / (target - beta)) ** 2, (lambda_ * m) ** 2 + (2 * lambda_ * beta) ** 2),
    r"If $\delta\ne0$, and so $\delta^2=m^2$ with $m>0$: $\dot\beta$ has the sign of "
    r"$\beta^*-\beta$ and "
    r"is at least $\lambda m$ times it in size, so that $|\beta^*-\beta|$ falls at least as "
    r"$e^{-\lambda mt}$, through $\beta=0$ if need be.",
    Exactly(),
    given={delta: m},
)
square_end = derivation.define(
    "U",
    (delta + sp.sqrt(delta**2 + 4 * target**2)) / 2,
    "the square of the first weight at the end",
)
square = derivation.symbol("q", POSITIVE, "a candidate for $u^2$ at the end")
balance = derivation.define("F", square - target**2 / square - delta, r"$u^2 - v^2 - \delta$")
derivation.step(
    "One way to split the target",
    UniqueRoot(balance, square, 0, sp.oo),
    r"Where $uv=\beta^*$ and $u^2=q$, the other weight has $v^2=\beta^{*2}/q$; $F$ rises in $q$.",
    Exactly(),
)
derivation.step(
    "The weights at the end",
    Equal(sp.Subs(balance, square, square_end), sp.Integer(0)),
    r"It is $u^2=U$: the roots of $q^2-\delta q-\beta^{*2}$ have opposite signs, and this is the "
    r"larger one. The other weight has $v^2=U-\delta$.",
    Exactly(),
)
at_end = {u: sp.sqrt(square_end), v: target / sp.sqrt(square_end)}
derivation.step(
    "Importance at the end",
    Equal(
        sp.ImmutableMatrix([2 * (sp.Subs(loss, weight, 0) - loss) for weight in (u, v)]),
        sp.ImmutableMatrix([lambda_ * target**2] * 2),
    ),
    r"Deleting $u$ deletes the feature, and so does deleting $v$: either way the risk, $2L$ and a "
    r"constant, rises by $\lambda\beta^{*2}$.",
    Exactly(),
    given=at_end,
)
derivation.step(
    "Saliency at the end",
    Equal(
        sp.ImmutableMatrix([weight**2 * sp.Derivative(loss, weight, 2) for weight in (u, v)]),
        sp.ImmutableMatrix([lambda_ * target**2] * 2),
    ),
    r"The saliency of a weight in the risk $2L$ is half the second derivative times its square. "
    r"For $u$ it is $\lambda v^2u^2$: Hessian pruning sees the importance.",
    Exactly(),
    given=at_end,
    reference="LeCun, Denker, Solla (1989)",
)
derivation.step(
    "A weight as small as one likes",
    Limit(m * square_end, m, sp.oo, target**2),
    r"With $\delta=-m$ the first weight shrinks as $u\sim\beta^*/\sqrt m$ and its partner grows as "
    r"$\sqrt m$, at the same importance: magnitude pruning deletes $u$.",
    Exactly(),
    given={delta: -m},
)
derivation.step(
    "A balanced start of the right sign",
    Equal(speed, 2 * lambda_ * b * (target - b)),
    r"Where $\delta=0$ and $\beta=b>0$, growth is logistic.",
    Exactly(),
    given={delta: sp.Integer(0), beta: b},
)
course = derivation.define(
    "beta_t",
    target / (1 + (target / b - 1) * sp.exp(-2 * lambda_ * target * t)),
    r"the coefficient at time $t$",
)
derivation.step(
    "Its course",
    Equal(
        sp.ImmutableMatrix([sp.Derivative(course, t), sp.Subs(course, t, 0)]),
        sp.ImmutableMatrix([2 * lambda_ * course * (target - course), b]),
    ),
    "The logistic curve solves the equation and starts there.",
    Exactly(),
)
derivation.step(
    "Its end",
    Limit(course, t, sp.oo, target),
    r"The exponential dies out, at the rate $2\lambda\beta^*$: features of large "
    r"$\lambda\beta^*$ are learned first.",
    Exactly(),
)
derivation.step(
    "A balanced start of the wrong sign",
    Equal(-speed, -2 * lambda_ * b * (target + b)),
    r"Where $\delta=0$ and $\beta=-b<0$, the velocity of $b$ has the sign of $-b$.",
    Exactly(),
    given={delta: sp.Integer(0), beta: -b},
)
size = derivation.define(
    "b_t",
    target / ((1 + target / b) * sp.exp(2 * lambda_ * target * t) - 1),
    r"$-\beta$ at time $t$",
)
derivation.step(
    "How it fades",
    Equal(
        sp.ImmutableMatrix([sp.Derivative(size, t), sp.Subs(size, t, 0)]),
        sp.ImmutableMatrix([-2 * lambda_ * size * (target + size), b]),
    ),
    "This solves the equation and starts there.",
    Exactly(),
)
derivation.step(
    "It stops at zero",
    Limit(size, t, sp.oo, sp.Integer(0)),
    r"Both weights fade, $\beta$ never changes its sign, and the feature is not learned.",
    Exactly(),
)

start_u = derivation.symbol("u_0", POSITIVE, "first weight at the start; signs are chosen so")
start_v = derivation.symbol("v_0", REAL, "second weight at the start")
p = derivation.symbol("p", POSITIVE, "$(u+v)^2$ at the start, or later")
q = derivation.symbol("q_0", NONNEGATIVE, "$(u-v)^2$ at the start")
derivation.step(
    "Sum and difference of the weights",
    Equal(
        sp.ImmutableMatrix([u_dot + v_dot, u_dot - v_dot]),
        sp.ImmutableMatrix(
            [
                lambda_ * (target - u * v) * (u + v),
                -lambda_ * (target - u * v) * (u - v),
            ]
        ),
    ),
    r"What holds from any start. Each is multiplied by a rate, and never changes its sign. Their "
    r"product is $\delta$, and $4\beta=(u+v)^2-(u-v)^2$.",
    Exactly(),
)
sum_dot = derivation.define(
    "pdot",
    2 * lambda_ * (target - (p - delta**2 / p) / 4) * p,
    "the velocity of $p=(u+v)^2$, as $(u-v)^2=\\delta^2/p$",
)
root = derivation.define(
    "R", sp.sqrt(delta**2 + 4 * target**2), r"$\sqrt{\delta^2+4\beta^{*2}}$, at which it settles"
)
riccati = derivation.define(
    "Q",
    lambda_ * target * 2 * p + lambda_ * delta**2 / 2 - lambda_ * p**2 / 2,
    "a quadratic in $p$",
)
derivation.step(
    "A Riccati equation",
    Equal(
        sp.ImmutableMatrix([sum_dot, riccati]),
        sp.ImmutableMatrix(
            [riccati, -lambda_ / 2 * (p - 2 * target - root) * (p - 2 * target + root)]
        ),
    ),
    r"The velocity is $Q$, with roots $2\beta^*\pm R$ of opposite signs.",
    Exactly(),
)
decayed = derivation.define("E", sp.exp(-lambda_ * root * t), "what is left of the start")
above, below = root + 2 * target, root - 2 * target
course_p = derivation.define(
    "p_t",
    (p * (above + below * decayed) + delta**2 * (1 - decayed))
    / (p * (1 - decayed) + below + above * decayed),
    r"$(u+v)^2$ at time $t$, from $p$",
)
derivation.step(
    "The course of the sum",
    Equal(sp.Derivative(course_p, t), sp.Subs(riccati, p, course_p)),
    "It solves the equation; no term of the fraction is negative.",
    Exactly(),
)
derivation.step(
    "Where the sum starts",
    Equal(sp.Subs(course_p, t, 0), p),
    "And it is the solution from here.",
    Exactly(),
)
derivation.step(
    "The course of the difference",
    Equal(
        delta**2 / course_p,
        (delta**2 / p * (below + above * decayed) + delta**2 * (1 - decayed))
        / (delta**2 / p * (1 - decayed) + above + below * decayed),
    ),
    r"The same with $-\beta^*$ for $\beta^*$, as it must be: $(u+v)^2(u-v)^2=\delta^2$.",
    Exactly(),
)
weights = Pair(start_u, start_v)
from_start = {p: (start_u + start_v) ** 2, delta: start_u**2 - start_v**2}


def trained(inputs):
    numbers = Pair(*map(inputs, weights))
    after = flow(numbers, inputs(lambda_), inputs(target), inputs(t), inputs.arithmetic)
    return (after.u + after.v) ** 2


derivation.step(
    "The code's course",
    Computed(course_p, flow, trained),
    "From any start, whatever the signs of its sum and difference.",
    AtPoints(),
    given=from_start,
)


def settled(inputs):
    return end(Pair(*map(inputs, weights)), inputs(target), inputs.arithmetic).u ** 2


derivation.step(
    "The code's end",
    Computed(sp.Subs(square_end, delta, start_u**2 - start_v**2), end, settled),
    r"The split of the target that the start decides, where $u+v>0$. If it is 0, so is $\delta$, "
    r"and $p$ stays 0: a balanced start of the wrong sign.",
    AtPoints(),
    given={start_v: sp.sqrt(p) - start_u},
)
derivation.step(
    "The code where nothing is to be learned",
    Computed(
        4 * start_u**2 / (1 + 2 * lambda_ * start_u**2 * t),
        flow,
        lambda inputs: (
            (
                2
                * flow(
                    Pair(inputs(start_u), inputs(start_u)),
                    inputs(lambda_),
                    inputs(0),
                    inputs(t),
                    inputs.arithmetic,
                ).u
            )
            ** 2
        ),
    ),
    r"Balanced weights without a target fade as the inverse of time: $\dot p=-\lambda p^2/2$.",
    AtPoints(),
)
