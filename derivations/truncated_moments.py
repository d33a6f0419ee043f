r"""Moments of a normal observation over the weights kept and over those dropped."""

import sympy as sp

from asymptotics.derivation import (
    POSITIVE,
    REAL,
    Computed,
    Derivation,
    Equal,
    Exactly,
    Limit,
)
from asymptotics.theory.rules import Score
from asymptotics.theory.truncated_gaussian import Threshold, part_masses, truncated_moments

derivation = Derivation(
    "Truncated moments",
    r"""A rule that sees $Y$ of a weight of eigenvalue $\Lambda$ keeps it where its score
    $\Lambda^q|Y|$ exceeds the threshold $t$. Within a group $Y\sim N(\mu_x,v_x)$. In standard
    units, $h=(Y-\mu_x)/\sqrt{v_x}$, it is kept where $h>u$ or $h<-l$, with
    $u=(t/\Lambda^q-\mu_x)/\sqrt{v_x}$ and $l=(t/\Lambda^q+\mu_x)/\sqrt{v_x}$. The moments over the
    weights kept are taken about $\mu_x$, those over the weights dropped about 0.""",
    source="derived here; the moments of a truncated normal law are classical",
)
mu_x = derivation.symbol("mu_x", REAL, "mean of $Y$ in the group")
v_x = derivation.symbol("v_x", POSITIVE, "its variance")
Lambda = derivation.symbol("Lambda", POSITIVE, "eigenvalue of the group")
q = derivation.symbol("q", REAL, "exponent of the rule")
t = derivation.symbol("t", POSITIVE, "threshold of the score")
y = derivation.symbol("y", REAL, "a value of $Y$")
h = derivation.symbol("h", REAL, "the same in standard units")
u = derivation.symbol("u", REAL, "upper cut in standard units")
l = derivation.symbol("l", REAL, "lower cut in standard units, with its sign changed")
c = derivation.symbol("c", POSITIVE, "the place of a point mass, or of the cut below it")
d = derivation.symbol("d", POSITIVE, "distance between the two")
cuts = {
    u: (t / Lambda**q - mu_x) / sp.sqrt(v_x),
    l: (t / Lambda**q + mu_x) / sp.sqrt(v_x),
}


def density(x):
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def tail(x):
    return sp.erfc(x / sp.sqrt(2)) / 2


f = derivation.define(
    "f", sp.exp(-((y - mu_x) ** 2) / (2 * v_x)) / sp.sqrt(2 * sp.pi * v_x), "the density of $Y$"
)
phi = derivation.define("phi", density(h), "the standard normal density")
derivation.step(
    "Standard units",
    Equal(sp.Subs(f, y, mu_x + sp.sqrt(v_x) * h) * sp.sqrt(v_x), phi),
    r"Substitute $y=\mu_x+\sqrt{v_x}\,h$, with $dy=\sqrt{v_x}\,dh$.",
    Exactly(),
)
phi_u = derivation.define("phi_u", density(u), "the density at the upper cut")
phi_l = derivation.define("phi_l", density(l), "the density at the lower cut")
Q_u = derivation.define("Q_u", tail(u), "the mass of the normal tail beyond the upper cut")
Q_l = derivation.define("Q_l", tail(l), "the mass of the tail beyond the lower cut")


def kept(function):
    """Its integral over the weights kept."""
    return sp.Integral(function * phi, (h, u, sp.oo)) + sp.Integral(function * phi, (h, -sp.oo, -l))


def dropped(function):
    """Its integral between the cuts: beyond the lower one, but not beyond the upper one."""
    return sp.Integral(function * phi, (h, -l, sp.oo)) - sp.Integral(function * phi, (h, u, sp.oo))


P = derivation.define("P", Q_u + Q_l, "the mass kept")
derivation.step(
    "Mass kept",
    Equal(kept(1), P),
    r"The normal tail is $\int_x^\infty\varphi = \frac12\operatorname{erfc}(x/\sqrt2)$, on either "
    r"side.",
    Exactly(),
)
M_1 = derivation.define("M_1", sp.sqrt(v_x) * (phi_u - phi_l), "the first moment kept")
derivation.step(
    "First moment kept",
    Equal(kept(sp.sqrt(v_x) * h), M_1),
    r"This is $E[Y-\mu_x;\,kept]$: $h\varphi$ is the derivative of $-\varphi$.",
    Exactly(),
)
M_2 = derivation.define("M_2", v_x * (P + u * phi_u + l * phi_l), "the second moment kept")
derivation.step(
    "Second moment kept",
    Equal(kept(v_x * h**2), M_2),
    r"This is $E[(Y-\mu_x)^2;\,kept]$, by parts: $h^2\varphi = \varphi - (h\varphi)'$.",
    Exactly(),
)
D = derivation.define("D", 1 - Q_u - Q_l, "the mass dropped")
derivation.step(
    "Mass dropped",
    Equal(dropped(1), D),
    "The weights dropped lie between the cuts: beyond the lower one, but not beyond the upper one.",
    Exactly(),
)
D_1 = derivation.define(
    "D_1", mu_x * D - sp.sqrt(v_x) * (phi_u - phi_l), "the first moment dropped"
)
derivation.step(
    "First moment dropped",
    Equal(dropped(mu_x + sp.sqrt(v_x) * h), D_1),
    r"This is $E[Y;\,dropped]$, from the same antiderivatives.",
    Exactly(),
)
D_2 = derivation.define(
    "D_2",
    (mu_x**2 + v_x) * D - 2 * mu_x * sp.sqrt(v_x) * (phi_u - phi_l) - v_x * (u * phi_u + l * phi_l),
    "the second moment dropped",
)
derivation.step(
    "Second moment dropped",
    Equal(dropped((mu_x + sp.sqrt(v_x) * h) ** 2), D_2),
    r"This is $E[Y^2;\,dropped]$, by $Y^2=\mu_x^2+2\mu_x\sqrt{v_x}\,h+v_xh^2$.",
    Exactly(),
)
derivation.step(
    "Density of the observation's size",
    Equal(
        (sp.Derivative(P, u) + sp.Derivative(P, l)) / sp.sqrt(v_x), -(phi_u + phi_l) / sp.sqrt(v_x)
    ),
    r"As the cut of $|Y|$ rises, $u$ and $l$ rise at the rate $1/\sqrt{v_x}$.",
    Exactly(),
)
derivation.step(
    "Few weights dropped",
    Limit(D / t, t, 0, 2 * sp.Subs(f, y, 0) / Lambda**q),
    r"The mass dropped vanishes like $t$. In floating point the difference $1-P$ would lose it, so "
    r"that the code integrates over the interval itself.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "A point mass above the cut",
    Limit(P, v_x, 0, 1),
    "A group that becomes narrow at $c+d$, beyond a cut at $c$, is kept as a whole.",
    Exactly(),
    given={u: -d / sp.sqrt(v_x), l: (2 * c + d) / sp.sqrt(v_x)},
)
derivation.step(
    "A point mass below the cut",
    Limit(P, v_x, 0, 0),
    "At $c$, with the cut at $c+d$, it is dropped.",
    Exactly(),
    given={u: d / sp.sqrt(v_x), l: (2 * c + d) / sp.sqrt(v_x)},
)


def score(inputs, center=mu_x, variance=v_x):
    """The law of the scores in the group."""
    columns = (1, Lambda**q, center, sp.sqrt(variance))
    return Score(*(inputs([column]) for column in columns))


def at(inputs, value=t):
    """The threshold, without ties."""
    return Threshold(inputs(0), inputs(value), inputs(0))


def parts(inputs):
    return truncated_moments(score(inputs), at(inputs), inputs.arithmetic)


derivation.step(
    "The code's point mass",
    Computed(
        sp.Integer(1),
        truncated_moments,
        lambda inputs: (
            truncated_moments(
                score(inputs, center=c + d, variance=0),
                at(inputs, Lambda**q * c),
                inputs.arithmetic,
            ).kept.mass
        ),
    ),
    "The code takes the limit itself.",
    Exactly(),
)
derivation.step(
    "The code's density of scores",
    Computed(
        -(sp.Derivative(P, u) + sp.Derivative(P, l)) / (sp.sqrt(v_x) * Lambda**q),
        part_masses,
        lambda inputs: part_masses(score(inputs), at(inputs), False, inputs.arithmetic)[1],
    ),
    r"The score is $\Lambda^q$ times the size of $Y$.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's mass kept",
    Computed(P, truncated_moments, lambda inputs: parts(inputs).kept.mass),
    "The moments kept are computed as derived.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's first moment kept",
    Computed(M_1, truncated_moments, lambda inputs: parts(inputs).kept.first),
    "About the mean.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's second moment kept",
    Computed(M_2, truncated_moments, lambda inputs: parts(inputs).kept.second),
    "About the mean too.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's mass dropped",
    Computed(D, truncated_moments, lambda inputs: parts(inputs).dropped.mass),
    "The code takes it as a difference of tails on one side of the centre.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's first moment dropped",
    Computed(D_1, truncated_moments, lambda inputs: parts(inputs).dropped.first),
    "About 0.",
    Exactly(),
    given=cuts,
)
derivation.step(
    "The code's second moment dropped",
    Computed(D_2, truncated_moments, lambda inputs: parts(inputs).dropped.second),
    "About 0 too.",
    Exactly(),
    given=cuts,
)
