r"""What global magnitude pruning keeps of a network that has not been trained."""

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
    Less,
    Limit,
    between,
    integers_from,
)
from asymptotics.networks.initial_pruning import deleting_scale, kept_at_start

derivation = Derivation(
    "Pruning at the start of training",
    r"""A network of $m$ neurons and $d$ inputs starts from $(\eta W_0,v_0/\eta)$: the $dm$ entries
    of $W_0$ are drawn from $N(0,1/d)$, and the $m$ entries of $v_0$ are $\pm1/\sqrt m$. The
    fraction $\alpha$ of all weights that is largest is kept. Fractions of hidden weights stand for
    their probabilities, as they do when $m$ is large.""",
    source="Li et al., arXiv 2006.10903, on layers that magnitude pruning deletes; the formulas "
    "are derived here",
)
d = derivation.symbol("d", integers_from(1), "inputs")
m = derivation.symbol("m", integers_from(1), "neurons")
eta = derivation.symbol("eta", POSITIVE, "scale of the start")
x = derivation.symbol("x", REAL, r"a hidden weight times $\sqrt d/\eta$, standard normal")
c = derivation.symbol("c", between(0, 10), "the cut of hidden weights, in standard deviations")
f = derivation.symbol("f", UNIT, "kept fraction of output weights, where it is a part")

cut = derivation.define(
    "C",
    sp.sqrt(d / m) / eta**2,
    r"an output weight, $1/(\eta\sqrt m)$, in units of the standard deviation $\eta/\sqrt d$ of "
    "hidden weights",
)
outranking = derivation.define(
    "w", sp.erfc(c / sp.sqrt(2)), "the fraction of hidden weights larger than the output weights"
)
derivation.step(
    "Hidden weights that outrank the output",
    Equal(2 * sp.Integral(sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, c, sp.oo)), outranking),
    r"Their absolute value is larger with the probability of $|x|>c$.",
    Exactly(),
)
derivation.step(
    "More of them at larger scales",
    Less(sp.Integer(0), sp.Derivative(sp.Subs(outranking, c, cut), eta)),
    r"As $\eta$ grows the cut falls.",
    Exactly(),
)
derivation.step(
    "None at small scales",
    Limit(sp.Subs(outranking, c, cut), eta, 0, sp.Integer(0)),
    "Every output weight is larger than nearly every hidden one.",
    Exactly(),
)
derivation.step(
    "All at large scales",
    Limit(sp.Subs(outranking, c, cut), eta, sp.oo, sp.Integer(1)),
    "Nearly every hidden weight outranks all of the output.",
    Exactly(),
)
partly = derivation.define(
    "alpha_f",
    (d * outranking + f) / (d + 1),
    r"what is kept in all, where a fraction $f$ of the output weights is",
)
derivation.step(
    "What is kept, weight by weight",
    Equal(partly * (d * m + m), d * m * outranking + f * m),
    r"Output weights have one magnitude: if some are kept, so are all hidden weights that outrank "
    r"them, and if some are not, no others. So $f=\alpha(d+1)-dw$, where that lies in $[0,1]$; "
    r"below 0 none is kept, as the hidden weights above them are enough, and above 1 all are.",
    Exactly(),
)


scale = (d / m) ** sp.Rational(1, 4) / sp.sqrt(c)
derivation.step(
    "The scale of a cut",
    Equal(sp.Subs(cut, eta, scale), c),
    r"At $\eta=(d/m)^{1/4}/\sqrt c$ the output weights lie at $c$.",
    Exactly(),
)


def kept(alpha, layer):
    def run(inputs):
        numbers = map(inputs, (scale, alpha, d, m))
        return getattr(kept_at_start(*numbers, inputs.arithmetic), layer)

    return run


derivation.step(
    "The code where a part of the output is kept",
    Computed(f, kept_at_start, kept(partly, "output")),
    r"With $\alpha$ between what deletes all and what deletes nothing.",
    AtPoints(),
)
derivation.step(
    "The code where the output is deleted",
    Computed(sp.Integer(0), kept_at_start, kept(f * d * outranking / (d + 1), "output")),
    r"With $\alpha(d+1)<dw$.",
    AtPoints(),
)
derivation.step(
    "The code's hidden weights where it is deleted",
    Computed(f * outranking, kept_at_start, kept(f * d * outranking / (d + 1), "hidden")),
    r"All that is kept is hidden: $\alpha(d+1)/d$ of them.",
    AtPoints(),
)
rest = outranking + f * (1 - outranking)
derivation.step(
    "The code where all of the output is kept",
    Computed(rest, kept_at_start, kept((d * rest + 1) / (d + 1), "hidden")),
    r"With $\alpha(d+1)>dw+1$ the rest is made up by smaller hidden weights.",
    AtPoints(),
)
derivation.step(
    "When it can be deleted",
    Equal(1 - outranking, 2 * sp.Integral(sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, 0, c))),
    r"It is deleted where $\alpha(d+1)/d\le w$. As $w<1$, the integral being positive, that takes "
    r"$\alpha<d/(d+1)$: hidden weights must be enough to be all that is kept. At equality "
    r"$c=\Phi^{-1}(1-\alpha(d+1)/(2d))$, and as $w$ rises with $\eta$, the output is deleted from "
    r"that scale on.",
    Exactly(),
)
derivation.step(
    "The code's scale",
    Computed(
        scale,
        deleting_scale,
        lambda inputs: deleting_scale(
            inputs(d * outranking / (d + 1)), inputs(d), inputs(m), inputs.arithmetic
        ),
    ),
    r"For the $\alpha$ at which the cut is $c$.",
    AtPoints(),
)
