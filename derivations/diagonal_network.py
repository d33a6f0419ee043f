r"""Gradient flow in a diagonal network: small weights can matter as much as large ones."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    Derivation,
    Equal,
    Exactly,
    Limit,
    UniqueRoot,
)

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
    untied="the package does not train networks",
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
end = derivation.define(
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
    Equal(sp.Subs(balance, square, end), sp.Integer(0)),
    r"It is $u^2=U$: the roots of $q^2-\delta q-\beta^{*2}$ have opposite signs, and this is the "
    r"larger one. The other weight has $v^2=U-\delta$.",
    Exactly(),
)
at_end = {u: sp.sqrt(end), v: target / sp.sqrt(end)}
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
    Limit(m * end, m, sp.oo, target**2),
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
