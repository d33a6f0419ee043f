r"""Risk after a second fit, to the same data, of the weights that were kept."""

from functools import partial

import numpy as np
import sympy as sp

from asymptotics.derivation import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    WEIGHT,
    AtPoints,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
    Mean,
    UniqueRoot,
    between,
)
from asymptotics.theory import Channel, FixedPoint, effective_ridge_balance, noise_level
from asymptotics.theory.retraining import (
    Equations,
    Kept,
    Mask,
    SecondFit,
    SecondRidge,
    kept_weights,
    linear_equations,
    retrained_at,
    retrained_error,
    risk_parts,
    second_ridge,
    shares_of,
    taken_up,
)
from asymptotics.theory.rules import WeightRule
from asymptotics.theory.truncated_gaussian import Threshold

derivation = Derivation(
    "Risk after a second fit",
    r"""A first fit with effective ridge $\tau$ is pruned, and the weights kept, $S$, are trained
    again on the same data. The joint law of the two fits is *assumed*, as approximate message
    passing gives it: fit $j=1,2$ sees $R_j = B+\sqrt{\kappa/\Lambda}\,G_j$ with jointly normal
    noises, and $Cov(G_i,G_j) = \gamma_{ij} = \sigma^2+E[\Lambda(X_i-B)(X_j-B)]$. The first trains
    $X = aR_1$, and leaves $V = R_1-X$ over. The second is 0 on the weights dropped, $C$, and on $S$
    it is $X_2 = W(R_2+hV)+\chi\bar WX$, with $W=\Lambda/(\Lambda+\tau_2)$ and $\bar W=1-W$. Also
    assumed is *Stein's identity*, $E[G_1\sqrt\Lambda X_2]/\sqrt\kappa =
    -\gamma a_2h/\kappa+\gamma_{12}E[W;S]$, where $a_2=1-\kappa E[W;S]$ is the share of the samples
    that the second fit leaves free. With $G_2 = \theta G_1+s_2H$, the new noise $H$ independent of
    the first fit, these are two equations for $\theta$ and $h$, and the variance of $G_2$ is the
    risk. What is kept of a group enters by its share and by two moments, which the boundary of the
    mask tells.""",
    source="derived here",
)
kappa = derivation.symbol("kappa", POSITIVE, "features per sample, $p/n$")
sigma = derivation.symbol("sigma", POSITIVE, "standard deviation of the noise")
sigma_2 = derivation.symbol("sigma_2", POSITIVE, "the same for a small model")
gamma = derivation.symbol("gamma", POSITIVE, r"noise level of the first fit, $\gamma_{11}$")
tau = derivation.symbol("tau", POSITIVE, "effective ridge of the first fit")
tau_2 = derivation.symbol("tau_2", POSITIVE, "effective ridge of the second fit")
r_2 = derivation.symbol("r_2", POSITIVE, "ridge of the second fit")
a_2 = derivation.symbol("a_2", POSITIVE, "share of the samples that the second fit leaves free")
chi = derivation.symbol(
    "chi", between(0, 1, True, True), "0 for a ridge towards zero, 1 towards the pruned weights"
)
theta = derivation.symbol("theta", REAL, r"share of the first noise in the second, $G_1$ in $G_2$")
h = derivation.symbol("h", REAL, "what the second fit takes up of what the first left over")
t = derivation.symbol("t", POSITIVE, "threshold of the magnitude")
q = derivation.symbol("q", POSITIVE, "samples per feature less 1")
z = derivation.symbol("z", REAL, "a trained weight in standard units")
p_0, p_1, p_2 = (derivation.symbol(f"p_{i}", REAL, f"coefficient of $z^{i}$") for i in range(3))
u = derivation.symbol("u", REAL, "upper cut in standard units")
l = derivation.symbol("l", REAL, "lower cut in standard units, with its sign changed")
B = derivation.symbol("B", REAL, "a coefficient")
U = derivation.symbol("U", REAL, r"the noise that its first fit sees, $\sqrt{\kappa/\Lambda}\,G_1$")
E_2 = derivation.symbol("E_2", POSITIVE, r"$\sigma^2+E[\Lambda B^2;C]+E[\Lambda e^2;S]$")
Q_2 = derivation.symbol("Q_2", UNIT, r"$\kappa E[W^2;S]$")
Lambda = derivation.random("Lambda", POSITIVE, "eigenvalue, the variance of a feature")
m = derivation.random("m", REAL, "mean of the coefficients of a group")
M = derivation.random("M", POSITIVE, "a mean that is positive")
k = derivation.random("k", UNIT, "share of the noise in the variance of a trained weight, $v/d^2$")
P = derivation.random("P", between(0, 1, True, True), "share kept of a group")
d_1 = derivation.random("d_1", REAL, r"$E[z;S]$, which is $\varphi(u)-\varphi(l)$")
d_2 = derivation.random("d_2", REAL, r"$E[z^2-1;S]$, which is $u\varphi(u)+l\varphi(l)$")
K = derivation.random("K", POSITIVE, r"$E[B^2;S]$ in a group")
D = derivation.random("D", NONNEGATIVE, r"$E[B^2;C]$ in a group")
L = derivation.random("L", REAL, "$d_1/d$")
b = derivation.random("b", REAL, r"the boundary term $\partial[B]$")
y = derivation.random("y", UNIT, r"$\Lambda/\tau_2$")
A = derivation.random("A", UNIT, "a shrinkage")
v_0 = derivation.random("v_0", POSITIVE, "a noise of a trained weight")
S_B = derivation.random("S_B", POSITIVE, "a standard deviation of coefficients")
n = derivation.random("n", REAL, r"the boundary term $\partial[U]$")
c_1, c_2, c_3, c_4, c_5, c_6 = coefficients = [
    derivation.symbol(f"c_{i}", POSITIVE, "a coefficient of an equation") for i in range(1, 7)
]
g = derivation.normal("g")


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def tail(x):
    return sp.erfc(x / sp.sqrt(2)) / 2


#: What the cuts make of the share kept and of the two moments.
AT_CUTS = (
    tail(u) + tail(l),
    density(u) - density(l),
    u * density(u) + l * density(l),
)


def mean_over(polynomial, share, first, second):
    """E[polynomial; S] of a polynomial of degree 2 in z."""
    return (
        share * sp.Subs(polynomial, z, 0)
        + first * sp.Subs(sp.Derivative(polynomial, z), z, 0)
        + (share + second) * sp.Derivative(polynomial, z, 2) / 2
    )


quadratic, linear = p_0 + p_1 * z + p_2 * z**2, p_0 + p_1 * z
derivation.step(
    "Moments of the weights above a cut",
    Equal(
        sp.Integral(quadratic * density(z), (z, u, sp.oo)),
        mean_over(quadratic, tail(u), density(u), u * density(u)),
    ),
    r"The weights with $z>u$ or $-z>l$ are kept, and what holds of $z$ holds of $-z$. So the mean "
    r"of a polynomial $f$ of degree 2 is $E[f;S] = Pf(0)+d_1f'(0)+(P+d_2)f''/2$.",
    Exactly(),
)
derivation.step(
    "The boundary of the mask",
    Equal(
        density(u) * linear.subs(z, u) - density(l) * linear.subs(z, -l),
        p_0 * AT_CUTS[1] + p_1 * AT_CUTS[2],
    ),
    r"The same moments tell a boundary term. With $f=\varphi/d$, the density of $X$, and its cuts "
    r"$\pm T$ let $\partial[\psi] = f(T)\psi(T)-f(-T)\psi(-T)$, which is $(d_1\psi_0+d_2\psi_1)/d$ "
    r"for a linear function $\psi=\psi_0+\psi_1z$ of the weight.",
    Exactly(),
)
a = derivation.define("a", Lambda / (Lambda + tau), "the shrinkage of the first fit")
omega = derivation.define("omega", kappa * gamma / Lambda, "the variance of $U$")
v = derivation.define("v", omega * a**2, "the noise of a trained weight")
d = derivation.define("d", sp.sqrt(v / k), "the standard deviation of a trained weight")
s = derivation.define("s", d * sp.sqrt(1 - k) / a, "that of the coefficients: $a^2s^2+v=d^2$")
c = derivation.define("c", (1 - k) / a, "the slope of the regression of $B$ on $X$, $as^2/d^2$")
B_x = derivation.define("B_x", m + c * d * z + s * sp.sqrt(k) * g, "the coefficient, given $X$")
X_x = derivation.define("X_x", a * m + d * z, "the trained weight")
U_x = derivation.define("U_x", X_x / a - B_x, "the noise, given $X$")


def in_group(polynomial, mask):
    """E[Lambda polynomial; S] over all groups."""
    return Mean(Lambda * mean_over(polynomial, *mask))


ALL = sp.Integer(1), sp.Integer(0), sp.Integer(0)
KEPT = P, d_1, d_2
derivation.step(
    "The law of the first fit",
    Equal(
        sp.ImmutableMatrix([in_group(x, ALL) for x in (B_x**2, U_x * B_x, U_x**2)]),
        sp.ImmutableMatrix([Mean(Lambda * x) for x in (m**2 + s**2, sp.Integer(0), omega)]),
    ),
    r"Of all weights of a group: $B$ has its variance, and $U$ is independent of it.",
    Exactly(),
)


def boundary(psi):
    """The boundary term of a linear function of z."""
    return (d_1 * sp.Subs(psi, z, 0) + d_2 * sp.Derivative(psi, z)) / d


derivation.step(
    "Noise of the weights kept",
    Equal(
        sp.ImmutableMatrix([in_group(x, KEPT) for x in (B_x * U_x, U_x**2)]),
        kappa * gamma * sp.ImmutableMatrix([Mean(a * boundary(B_x)), Mean(P + a * boundary(U_x))]),
    ),
    r"Stein's lemma: $E[U\psi;S]$ is $\omega$ times the mean slope of $\psi$ in $U$ and the slope "
    r"of the mask, $a\,\partial[\psi]$. A mask that is independent of the noise has no such term.",
    Exactly(),
)
b_x = derivation.define("b_x", m * d_1 / d + c * d_2, r"$\partial[B]$ by the cuts")
n_x = derivation.define("n_x", k * d_2 / a, r"$\partial[U]$ by the cuts")
K_x = derivation.define(
    "K_x",
    (m**2 + k * s**2) * P + 2 * m * c * d * d_1 + c**2 * d**2 * (P + d_2),
    r"$E[B^2;S]$ by the cuts",
)
derivation.step(
    "What else is needed of a group",
    Equal(
        sp.ImmutableMatrix(
            [Mean(Lambda * boundary(B_x)), Mean(Lambda * boundary(U_x)), in_group(B_x**2, KEPT)]
        ),
        sp.ImmutableMatrix([Mean(Lambda * x) for x in (b_x, n_x, K_x)]),
    ),
    r"From here $P$, $K$, $b$ and $n$ are any numbers: all that follows is linear in them. Means "
    r"of quadratic forms in $B$ and $U$ are known from $E[B^2;S]=K$, $E[BU;S]=\omega ab$ and "
    r"$E[U^2;S]=\omega(P+an)$.",
    Exactly(),
)
W = derivation.define("W", Lambda / (Lambda + tau_2), "the shrinkage of the second fit")
W_bar = derivation.define("Wbar", tau_2 / (Lambda + tau_2), "1 - W")
a_bar = derivation.define("abar", tau / (Lambda + tau), "1 - a")
X = derivation.define("X", a * (B + U), "the trained weight")
V = derivation.define("V", B + U - X, r"what the first fit left over, $R_1-X$")
x_2 = derivation.define(
    "x_2",
    W * (B + theta * U + h * V) + chi * W_bar * X,
    "a retrained weight, without the noise that is new to it",
)
e = derivation.define("e", x_2 - B, "its error")
derivation.step(
    "What is left over",
    Equal(V, tau * X / Lambda),
    r"$R_1 = X(\Lambda+\tau)/\Lambda$. Least squares leaves nothing over.",
    Exactly(),
)
derivation.step(
    "Error of a retrained weight",
    Equal(e, -W_bar * (B - chi * X) + W * (theta * U + h * V)),
    r"Beside noise that is new, $W\sqrt{\kappa/\Lambda}\,s_2H$.",
    Exactly(),
)


def kept(product):
    """E[product; S] in a group, of a quadratic form in B and U."""
    return (
        K * sp.Derivative(product, B, 2) / 2
        + omega * a * b * sp.Derivative(product, B, U)
        + omega * (P + a * n) * sp.Derivative(product, U, 2) / 2
    )


def at_boundary(form):
    """The boundary term of a linear form in B and U."""
    return b * sp.Derivative(form, B) + n * sp.Derivative(form, U)


K_X = derivation.define("K_X", a * (K + omega * a * b), r"$E[BX;S]$ in a group")
S_12 = derivation.define(
    "S_12",
    Mean(Lambda * kept(U * x_2)) / kappa + gamma * a_2 * h / kappa - theta * gamma * Mean(W * P),
    r"$E[G_1\sqrt\Lambda X_2]/\sqrt\kappa+\gamma a_2h/\kappa-\gamma_{12}E[W;S]$, with "
    r"$\sqrt\Lambda G_1=\Lambda U/\sqrt\kappa$",
)
F_1 = derivation.define(
    "F_1",
    h * (a_2 / kappa + Mean(a_bar * W * P))
    + Mean(a * at_boundary(x_2))
    + chi * Mean(a * W_bar * P),
    "the left-hand side of the first equation",
)
derivation.step(
    "The first equation",
    Equal(S_12, gamma * F_1),
    r"Stein's identity says that the left-hand side is 0, hence $F_1=0$. The terms of $\theta$ but "
    r"for the boundary cancel.",
    Exactly(),
)
C_12 = derivation.define(
    "C_12",
    sigma**2
    + Mean(Lambda * (a_bar * D + a * omega * a * b))
    + Mean(Lambda * kept((X - B) * e))
    - theta * gamma,
    r"$\sigma^2+E[\Lambda(X-B)(-B);C]+E[\Lambda(X-B)e;S]-\gamma_{12}$, with "
    r"$E[UB;C]=-E[UB;S]$",
)
F_2 = derivation.define(
    "F_2",
    theta * gamma * (1 - kappa * Mean(a * W * P))
    - h * kappa * gamma * Mean(a * a_bar * W * P)
    - kappa * gamma * Mean(a**2 * at_boundary(x_2))
    + theta * kappa * gamma * Mean(a_bar * a * W * b)
    + h * tau * Mean(a_bar * W * K_X)
    - sigma**2
    - Mean(Lambda * a_bar * D)
    - Mean(Lambda * a_bar * W_bar * K)
    - chi * (kappa * gamma * Mean(a**2 * W_bar * P) - Mean(Lambda * a_bar * W_bar * K_X)),
    "the left-hand side of the second equation",
)
derivation.step(
    "The second equation",
    Equal(C_12, -F_2),
    r"The covariance of the errors of both fits is $\gamma_{12}=\theta\gamma$, hence $F_2=0$. Here "
    r"$X-B=aU-\bar aB$.",
    Exactly(),
)
R_2 = (E_2 - theta**2 * gamma * Q_2) / (1 - Q_2)
derivation.step(
    "The risk",
    Equal(E_2 + (R_2 - theta**2 * gamma) * Q_2, R_2),
    r"The risk is $\gamma_{22}=\sigma^2+E[\Lambda(X_2-B)^2]$, to which the new noise adds "
    r"$s_2^2\kappa E[W^2;S]$ with $s_2^2=\gamma_{22}-\theta^2\gamma$: this determines it.",
    Exactly(),
)
Q = derivation.define("Q", a_2 + kappa * Mean(W * W_bar * P), "the denominator of the risk")
derivation.step(
    "The denominator is positive",
    Equal(
        1 - kappa * Mean(W**2 * P),
        (1 - kappa * Mean(W * P)) + kappa * Mean(W * W_bar * P),
    ),
    r"This is $Q$, a sum of positive terms.",
    Exactly(),
)
N = derivation.define(
    "N_R",
    sigma**2
    + Mean(Lambda * D)
    + Mean(Lambda * kept(e**2))
    - theta**2 * gamma * kappa * Mean(W**2 * P),
    "the numerator of the risk",
)


# -- limits ------------------------------------------------------------------------------------

derivation.step(
    "A strong ridge",
    Limit(
        N,
        tau_2,
        sp.oo,
        sigma**2 + Mean(Lambda * D) + Mean(Lambda * kept((B - chi * X) ** 2)),
    ),
    r"As $r_2\to\infty$ so does $\tau_2\ge r_2$, and $W$ vanishes. If $\theta$ and $h$ stay "
    r"bounded, what is left is the pruned risk for a ridge towards the pruned weights, $\chi=1$, "
    r"and the null risk for one towards zero, $\chi=0$.",
    Exactly(),
)
derivation.step(
    "The denominator at a strong ridge",
    Limit(1 - kappa * Mean(W**2 * P), tau_2, sp.oo, 1),
    r"The second fit uses no sample up.",
    Exactly(),
)
derivation.step(
    "Theta and h stay bounded: off the diagonal",
    Limit(sp.Derivative(F_1, theta) ** 2 + sp.Derivative(F_2, h) ** 2, tau_2, sp.oo, 0),
    r"In the matrix of the two equations these entries vanish.",
    Exactly(),
)
derivation.step(
    "Theta and h stay bounded: on the diagonal",
    Limit(sp.Derivative(F_1, h) * sp.Derivative(F_2, theta), tau_2, sp.oo, a_2 * gamma / kappa),
    r"And these do not, so that its limit can be inverted; $a_2\to1$.",
    Exactly(),
)
INDEPENDENT = {b: sp.Integer(0), n: sp.Integer(0), chi: sp.Integer(0), h: sp.Integer(0)}
derivation.step(
    "A mask that is independent of the data: the first equation",
    Equal(F_1, 0),
    r"Without a boundary, and towards zero, it is solved by $h=0$. So it is for a random mask, for "
    r"one that keeps features known before, and for the one that keeps all.",
    Exactly(),
    given=INDEPENDENT,
)
derivation.step(
    "A mask that is independent of the data: the risk",
    Equal(N, sigma**2 + Mean(Lambda * D) + Mean(Lambda * W_bar**2 * K)),
    r"Then the terms of $\theta$ cancel, and nothing is left of the first fit. The risk is the "
    r"noise level of a small model: that of the features kept, with ridge $r_2$, to which the "
    r"others are noise.",
    Exactly(),
    given=INDEPENDENT,
)
derivation.step(
    "The same fit again",
    Equal(F_2, gamma * (1 - kappa * Mean(a**2)) - sigma**2 - Mean(Lambda * a_bar**2 * K)),
    r"With all weights kept and the same ridge, $\theta=1$ solves the second equation too, as this "
    r"is that of the noise level: the second fit is the first.",
    Exactly(),
    given={**INDEPENDENT, P: sp.Integer(1), D: sp.Integer(0), tau_2: tau, theta: sp.Integer(1)},
)


def least_squares(expression):
    """Of least squares both times."""
    return sp.Subs(sp.Subs(expression, tau, 0), tau_2, 0)


rho = derivation.define("rho", kappa * Mean(P), "features kept per sample")
unridged = {sigma: sp.sqrt(gamma * (1 - kappa)), kappa: 1 / (1 + q)}
derivation.step(
    "Least squares: theta",
    Equal(
        least_squares(F_2),
        gamma * (theta * (1 - rho - kappa * Mean(n)) - (1 - kappa + kappa * Mean(b))),
    ),
    r"With $\gamma=\sigma^2/(1-\kappa)$. As $V=0$, there is no $h$: $\theta = (1-\kappa+\kappa "
    r"E[\partial B])/(1-\rho-\kappa E[\partial U])$.",
    Exactly(),
    given=unridged,
)
derivation.step(
    "Least squares: the risk",
    Equal(least_squares(N), sigma**2 + Mean(Lambda * D) + theta**2 * kappa * gamma * Mean(n)),
    r"Over $1-\rho$. The last term is what a mask adds that has seen the noise.",
    Exactly(),
)
derivation.step(
    "Least squares: a mask that is independent of the data",
    Equal(least_squares(N) / least_squares(Q), (sigma**2 + Mean(Lambda * D)) / (1 - rho)),
    r"The model of the features kept needs no shrinkage; it is the more in error the more it has.",
    Exactly(),
    given={b: sp.Integer(0), n: sp.Integer(0), kappa: (1 - a_2) / Mean(P)},
)

# -- the code ----------------------------------------------------------------------------------

BY_CUTS = {b: m * L + c * d_2, n: k * d_2 / a}


def columns(inputs, shrinkage=a, bias=a_bar, noise=v, std=s, slope=c):
    """What is kept of the groups, as the code takes it."""
    given = (WEIGHT, Lambda, m, std, shrinkage, bias, noise, P, K, D, L, d_2, k, slope)
    groups = inputs(WEIGHT).shape
    return Kept(*(np.broadcast_to(inputs(column), groups) for column in given))


def fit(inputs):
    """The inputs of the second fit."""
    fixed = FixedPoint(*map(inputs, (kappa, tau, gamma, 0)))
    second = SecondRidge(*map(inputs, (tau_2, a_2, 0)))
    return SecondFit(columns(inputs), fixed, second, *map(inputs, (sigma, kappa - 1, chi)))


derivation.step(
    "One second ridge",
    UniqueRoot(r_2 / tau_2 + kappa * Mean(P * W) - 1, tau_2, 0, sp.oo),
    r"The equation of $\tau_2$, that of a model of the weights kept, has one root.",
    Exactly(),
)


def weights_kept(inputs):
    """The groups as far as they are kept."""
    return inputs.groups(Lambda, mean=m)._replace(weight=inputs(WEIGHT * P))


def ratio_of_sides(inputs):
    """Of the code's equation for the second ridge."""
    scalars = (inputs(x) for x in (tau_2, kappa, r_2, -1))
    return effective_ridge_balance(*scalars, weights_kept(inputs), inputs.arithmetic)[0]


derivation.step(
    "The code's equation of the second ridge",
    Computed(r_2 / tau_2 + kappa * Mean(P * W), effective_ridge_balance, ratio_of_sides),
    r"The ratio of its sides, which is 1 at $\tau_2$; here no eigenvalue exceeds $\tau_2$.",
    Exactly(),
    given={Lambda: y * tau_2},
)


def at_second_ridge(inputs):
    """1 at the code's second ridge, by its equation."""
    arithmetic = inputs.arithmetic
    excess = inputs(kappa * Mean(P) - 1)
    found = second_ridge(columns(inputs).groups, inputs(kappa), inputs(r_2), excess, arithmetic)
    seen = inputs(Lambda) / (inputs(Lambda) + found.tau)
    return found.free + inputs(kappa) * arithmetic.sum(inputs(P) * seen, inputs(WEIGHT))


derivation.step(
    "The code's second ridge",
    Computed(sp.Integer(1), second_ridge, at_second_ridge),
    r"With $a_2=r_2/\tau_2$.",
    AtPoints(number=10, digits=30),
)


def entries(*places):
    """The sum of entries of the code's equations, as a function of the inputs."""

    def run(inputs):
        found = linear_equations(fit(inputs), inputs.arithmetic)
        return sum(found[place] for place in places)

    return run


TO_CODE = {**BY_CUTS, a_2: 1 - kappa * Mean(W * P)}
for name, F, start in (("first", F_1, 0), ("second", F_2 / gamma, 3)):
    by_theta, by_h = (sp.Derivative(F, x) for x in (theta, h))
    for what, expression, places in (
        ("coefficient of theta", by_theta, [start]),
        ("sum of both coefficients", by_theta + by_h, [start, start + 1]),
        ("right-hand side", -F.subs({theta: 0, h: 0}), [start + 2]),
    ):
        derivation.step(
            f"The code's {name} equation: {what}",
            Computed(expression, linear_equations, entries(*places)),
            r"With $b$ and $n$ by the cuts, $L=d_1/d$ and $a_2=1-\kappa E[W;S]$. The code's second "
            r"equation is divided by $\gamma$.",
            Exactly(),
            given=TO_CODE,
        )


def at_solution(by_theta, by_h):
    """The left-hand side of an equation at the code's solution of both, from the inputs."""

    def run(inputs):
        left, arithmetic = map(inputs, coefficients), inputs.arithmetic
        theta_found, h_found = taken_up(Equations(*left), arithmetic)
        return inputs(by_theta) * theta_found + inputs(by_h) * h_found

    return run


for name, by_theta, by_h, right in (("first", c_1, c_2, c_3), ("second", c_4, c_5, c_6)):
    derivation.step(
        f"The code's solution of two equations: the {name}",
        Computed(right, taken_up, at_solution(by_theta, by_h)),
        r"Of $c_1\theta+c_2h=c_3$ and $c_4\theta+c_5h=c_6$.",
        Exactly(),
        given={c_2: (c_1 * c_5 + q) / c_4},
    )


def error(inputs):
    """What the code takes the error of a retrained weight for, in B and U."""
    part, arithmetic = columns(inputs), inputs.arithmetic
    shares = shares_of(part, inputs(tau_2), arithmetic)
    taken = inputs(theta), inputs(h)
    signal, *noise = retrained_error(part, shares, fit(inputs), *taken, arithmetic)
    # N = a U.
    return signal * inputs(B) + sum(noise) * inputs(a * U)


derivation.step(
    "The code's error of a retrained weight",
    Computed(e, retrained_error, error),
    r"In terms of $B$ and $N=aU$.",
    Exactly(),
)


def parts(inputs):
    """The numerator and the denominator of the code's risk."""
    return risk_parts(fit(inputs), *map(inputs, (theta, h)), inputs.arithmetic)


derivation.step(
    "The code's numerator of the risk",
    Computed(N, risk_parts, lambda inputs: parts(inputs)[0]),
    r"At any $\theta$ and $h$.",
    AtPoints(20),
    given=BY_CUTS,
)
derivation.step(
    "The code's denominator of the risk",
    Computed(Q, risk_parts, lambda inputs: parts(inputs)[1]),
    r"The sum of positive terms.",
    Exactly(),
)


def unridged_fit(inputs):
    """The inputs of least squares after least squares."""
    fixed = FixedPoint(*map(inputs, (kappa, 0, gamma, 0)))
    second = SecondRidge(*map(inputs, (0, 1 - rho, 0)))
    noise = kappa * gamma / Lambda
    kept = columns(inputs, sp.Integer(1), sp.Integer(0), noise, sp.sqrt(noise * (1 - k) / k), 1 - k)
    return SecondFit(kept, fixed, second, *map(inputs, (sigma, kappa - 1, 0)))


PLAIN_CUTS = {b: m * L + (1 - k) * d_2, n: k * d_2}
derivation.step(
    "The code's theta of least squares",
    Computed(
        (1 - kappa + kappa * Mean(b)) / (1 - rho - kappa * Mean(n)),
        taken_up,
        lambda inputs: taken_up(
            linear_equations(unridged_fit(inputs), inputs.arithmetic), inputs.arithmetic
        )[0],
    ),
    r"With $\tau=\tau_2=0$, where $a=1$.",
    Exactly(),
    given={**PLAIN_CUTS, kappa: 1 / (1 + q)},
)
derivation.step(
    "The code's numerator of the risk of least squares",
    Computed(
        sigma**2 + Mean(Lambda * D) + theta**2 * kappa * gamma * Mean(n),
        risk_parts,
        lambda inputs: risk_parts(
            unridged_fit(inputs), inputs(theta), inputs(h), inputs.arithmetic
        )[0],
    ),
    r"Likewise.",
    Exactly(),
    given=PLAIN_CUTS,
)


def small_model(inputs):
    """The code's noise level of a model of the features kept, to which the others are noise."""
    scalars = (inputs(x) for x in (tau_2, kappa, sigma_2, r_2, -1))
    return noise_level(*scalars, weights_kept(inputs), inputs.arithmetic)


derivation.step(
    "The code's noise level of a small model",
    Computed(
        (sigma_2**2 + Mean(Lambda * W_bar**2 * K)) / Q,
        noise_level,
        small_model,
    ),
    r"With $\sigma_2^2=\sigma^2+E[\Lambda B^2;C]$ it is the risk after a second fit on a mask that "
    r"is independent of the data: here with coefficients that are $m$ in a group.",
    Exactly(),
    given={K: P * m**2, a_2: r_2 / tau_2},
)


def by_magnitude(part, inputs):
    """A part of what the code keeps of the groups, by magnitude."""
    law = Channel(*map(inputs, (WEIGHT, Lambda, M, S_B, A, 1 - A, v_0)))
    rule, arithmetic = WeightRule(0), inputs.arithmetic
    score, regression = rule.score(law, arithmetic), rule.regression(law, arithmetic)
    cut = Threshold(*map(inputs, (0, t, 0)))
    kept = kept_weights(Mask(law, score, cut, regression, np.True_), arithmetic)
    return getattr(kept, part)


variance = A**2 * S_B**2 + v_0
k_0, slope = v_0 / variance, A * S_B**2 / variance
share, first, second = AT_CUTS
for what, expression, part in (
    ("share kept", share, "mass"),
    ("first moment at the boundary", first / sp.sqrt(variance), "level"),
    ("second moment at the boundary", second, "rise"),
    (
        "signal of the weights kept",
        (M**2 + k_0 * S_B**2) * share
        + 2 * M * slope * sp.sqrt(variance) * first
        + slope**2 * variance * (share + second),
        "signal",
    ),
):
    derivation.step(
        f"The code's {what}",
        Computed(expression, kept_weights, partial(by_magnitude, part)),
        r"By magnitude, of a positive mean: with the cuts in standard units.",
        Exactly(),
        given={
            u: (t - A * M) / sp.sqrt(variance),
            l: (t + A * M) / sp.sqrt(variance),
        },
    )


def composed(inputs):
    """The code's risk over the quotient at the theta and the h that it solves for."""
    found = retrained_at(fit(inputs), inputs.arithmetic)
    numerator, denominator = risk_parts(fit(inputs), found.theta, found.leftover, inputs.arithmetic)
    return found.risk * denominator / numerator


derivation.step(
    "The code's risk",
    Computed(sp.Integer(1), retrained_at, composed),
    r"It is the quotient at the $\theta$ and $h$ that solve the two equations.",
    AtPoints(number=10, digits=30),
    given={a_2: 1 - kappa * Mean(W * P)},
)
