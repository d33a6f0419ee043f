"""What the finite size of a problem does to the mean of its risks, beyond the limit."""

import numpy as np
from scipy import special

from ..arithmetic import QUIET, Array
from ..line.grid import parts
from ..line.interpolation import interpolating_alpha, trained_share
from ..population import Population
from ..theory import FixedPoint, channel, cut, fixed_point, pruned_risk, retrained_risk
from ..theory.rules import Random
from .plan import Point
from .predictions import each_risk, risk_of
from .rounds_theory import shifts_of_rounds

#: Nodes for means over a standard normal.  The risk has kinks in alpha, which take all of them;
#: for a smooth function of the noise level, nodes a unit apart are enough.
_NORMAL_NODES, _SMOOTH_NODES = np.linspace(-4, 4, 25), np.linspace(-4, 4, 9)
#: For a population of many groups, whose risk takes long, three nodes of nearly the variance 1.
_MANY_GROUPS, _THREE_NODES = 10_000, np.sqrt(3) * np.array([-1, 0, 1])


@QUIET
def shifts(population: Population, point: Point, p: int) -> Array:
    """Mean changes of the risks of the first round because p weights are finitely many.

    The shape is that of (risks, rules, alphas), with the risk after the cut first.
    """
    return _cut_shifts(population, point, p) + _level_shifts(population, point, p)


@QUIET
def later_shifts(population: Population, point: Point, p: int) -> Array:
    """The same for the risks of later rounds, from parabolas; they are of order 1/p exactly."""
    _, _, variance = _level_variance(population, point, p)
    problem = point.kappa, point.sigma, point.ridge
    found = shifts_of_rounds(population, problem, point.schedule, p, variance**0.5)
    return found[2:, None, None]


def _cut_shifts(population: Population, point: Point, p: int) -> Array:
    r"""Mean changes of the risks of each rule and alpha because finite numbers of weights are kept.

    The risks are those of `each_risk`, along the first axis.

    The fraction of weights that score above a fixed threshold fluctuates about :math:`\alpha`.  It
    is nearly normal with variance :math:`s^2=E[a(1-a)]/p`, where a is the fraction kept of a group.
    Pruning keeps exactly :math:`\alpha p` weights, so that the threshold moves instead, and the
    risk moves along its curve :math:`R(\alpha)` by as much.  On average it changes by

    .. math:: E[R(\alpha+sz)]-R(\alpha),\qquad z\sim N(0,1),

    which is of order 1/p, by the curvature of R.

    The number of weights that a second fit trains does not fluctuate, but only which ones they are.
    So its moved risks are multiplied by :math:`|1-\rho_z|/|1-\rho|`, with :math:`\rho` the
    features trained for each sample: without a ridge this leaves the change by the number out.  And
    moved values of alpha come at most half the way to :math:`\rho=1`, where R may be infinite.
    """
    nodes, share_of_node = _normal_nodes(population, _NORMAL_NODES)
    alphas = np.array(point.alphas)
    here = risk_of(population, point, alphas)
    share = here.kept_share()
    std = np.sqrt(np.maximum(share * (1 - share), 0) @ population.weight / p)
    fractions = np.clip(here.alpha + std * nodes[:, None, None], 0, 1)
    random = np.array([[isinstance(rule, Random)] for rule in point.rules])
    if point.retraining is not None:
        half_way = (here.alpha + interpolating_alpha(population, random, point.kappa)) / 2
        below = here.alpha < half_way
        fractions = np.where(
            below, np.minimum(fractions, half_way), np.maximum(fractions, half_way)
        )
    moved = each_risk(risk_of(population, point, fractions))
    if point.retraining is not None and point.retraining.ridge == 0:
        left, left_here = (
            abs(1 - point.kappa * trained_share(population, random, alpha))
            for alpha in (fractions, here.alpha)
        )
        moved[-1] = moved[-1] * (left / left_here)
    return np.array(
        [
            np.tensordot(share_of_node, there, 1) - each
            for there, each in zip(moved, each_risk(here), strict=True)
        ]
    )


def _level_shifts(population: Population, point: Point, p: int) -> Array:
    r"""Mean changes of the risks of each rule and alpha because p coefficients are drawn.

    The risks are those of `each_risk`, along the first axis.

    The numerator of the noise level, :math:`\sigma^2+E[\Lambda B^2\tau^2/(\Lambda+\tau)^2]`, is a
    mean over the features.  Its second term fluctuates with the coefficients drawn, and much where
    a few features carry most of it.  As a sum of squares of normal numbers it has nearly the gamma
    law of the same mean and variance (Satterthwaite, *An approximate distribution of estimates of
    variance components*, Biometrics Bull. 2, 1946).  The risk moves along its curve
    :math:`R(\gamma)`, whose curvature changes the mean by a term of order 1/p.
    """
    again = point.retraining
    nothing = np.zeros((1 if again is None else 2, len(point.rules), len(point.alphas)))
    fixed, share, variance = _level_variance(population, point, p)
    if not variance > 0:
        return nothing
    nodes, share_of_node = _normal_nodes(population, _SMOOTH_NODES)
    shape = share**2 / variance
    drawn = special.gammaincinv(shape, special.ndtr(nodes)) / shape
    # The first row is the risk without fluctuation.
    levels = fixed.gamma * np.concatenate([[1], 1 + share * (drawn - 1)])
    level, alpha = (x.ravel() for x in np.meshgrid(levels, point.alphas, indexing="ij"))
    risks = np.empty((len(nothing), len(point.rules), level.size))
    for row, rule in enumerate(point.rules):
        for part in parts(np.arange(level.size), len(population)):
            law = channel(population, fixed._replace(gamma=level[part]))
            cuts = cut(law, rule, alpha[part])
            risks[0, row, part] = pruned_risk(law, point.sigma, rule, cuts).risk
            if again is not None:
                some = fixed._replace(gamma=level[part])
                fit = (population, some, law, point.sigma, alpha[part], rule, cuts)
                risks[1, row, part] = retrained_risk(*fit, *again).risk
    here, moved = np.split(risks.reshape(*nothing.shape[:2], levels.size, -1), [1], axis=2)
    return np.asarray(np.einsum("n,krna->kra", share_of_node, moved - here))


def _level_variance(
    population: Population, point: Point, p: int
) -> tuple[FixedPoint, float, float]:
    """The fixed point, the share of the noise level that is drawn, and its relative variance."""
    fixed = fixed_point(population, point.kappa, point.sigma, point.ridge)
    missed = population.eigenvalue * channel(population, fixed).bias ** 2
    fixed_part, drawn_part = missed * population.mean**2, missed * population.std**2
    total = point.sigma**2 + population.weight @ (fixed_part + drawn_part)
    if not total > 0:
        return fixed, 0.0, 0.0
    fixed_part, drawn_part = fixed_part / total, drawn_part / total
    share = population.weight @ (fixed_part + drawn_part)
    variance = population.weight @ (4 * fixed_part * drawn_part + 2 * drawn_part**2) / p
    return fixed, float(share), float(variance)


def _normal_nodes(population: Population, nodes: Array) -> tuple[Array, Array]:
    """Nodes for a mean over a standard normal, or fewer for many groups, with their shares."""
    nodes = nodes if len(population) <= _MANY_GROUPS else _THREE_NODES
    density = np.exp(-(nodes**2) / 2)
    return nodes, density / density.sum()
