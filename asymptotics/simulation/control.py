r"""The spread that the realised coefficients explain, to be taken off a simulated risk.

At fixed :math:`\tau`, :math:`\gamma` and threshold, a predicted risk R is a mean over features, and
so are the fraction kept and the noise level's numerator.  At realised coefficients the prediction
moves, to first order, by the mean of :math:`\varphi(\Lambda_i, B_i) - E\varphi(\Lambda, B)`,

.. math:: \varphi = \rho - \frac{dR}{d\alpha}\,\pi + \frac{dR}{d\gamma}\frac{d\gamma}{d\nu}\,\nu,

with :math:`\rho,\pi,\nu` a feature's contribution to risk, fraction and numerator.  Here
:math:`\varphi` is projected on Hermite polynomials of the standardised coefficient, group by group;
the control is the realised mean of the projection.  Its expectation is exactly zero, be the
prediction right or wrong: a simulated risk minus its control has the same mean and less variance.
"""

from functools import lru_cache

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..population import Population
from ..theory import Channel, FixedPoint, Rule, channel, fixed_point, pruned_risk, threshold
from .finite import Block, FiniteProblem

_STEP = 1e-4
#: An influence that is smaller, relative to the signal, is rounding.
_ROUNDING = 1e-15
_DEGREE = 6
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
#: Row k: the coefficients of the k-th Hermite polynomial, by degree.
_HERMITE = np.array(
    [
        np.pad(np.polynomial.hermite_e.herme2poly(row), (0, _DEGREE - k))
        for k, row in enumerate(np.eye(_DEGREE + 1))
    ]
)


def controls(problem: FiniteProblem, coefficient: Array) -> Array:
    """Controls for draws of the coefficients, of shape (replicates, rules, alphas)."""
    sums = PowerSums(problem, len(coefficient))
    for block in problem.blocks():
        sums.add(block, coefficient[:, block.features])
    return sums.controls()


class PowerSums:
    """Sums of powers of the standardised coefficients, which are all that controls need."""

    def __init__(self, problem: FiniteProblem, replicates: int) -> None:
        self._problem = problem
        self._scale = np.array([1 / std if std > 0 else 0.0 for std in problem.std])
        self._sums = np.zeros((_DEGREE, replicates, len(problem.sizes)))

    def add(self, block: Block, coefficient: Array) -> None:
        """Take in the coefficients of a block, of shape (replicates, features)."""
        scale = block.expand(self._scale)
        if not scale.any():
            return
        unit = coefficient - block.expand(self._problem.mean)
        unit *= scale
        starts = np.cumsum(block.sizes) - block.sizes
        square = unit * unit
        powers = (np.ones_like(unit), unit, square, square * unit)
        for degree, sums in enumerate(self._sums, start=1):
            low, high = powers[degree // 2], powers[degree - degree // 2]
            sums[:, block.groups] += _sums_of_products(low, high, starts)

    def controls(self) -> Array:
        """The controls, of shape (replicates, rules, alphas), once all blocks are in."""
        problem = self._problem
        if not any(problem.std):
            return np.zeros((self._sums.shape[1], len(problem.rules), len(problem.kept)))
        powers = np.concatenate([np.broadcast_to(problem.sizes, self._sums[:1].shape), self._sums])
        hermite = np.einsum("dk,krg->drg", _HERMITE[1:], powers)
        return np.einsum("drg,ijgd->rij", hermite, _projection(problem)) / problem.p


def _sums_of_products(x: Array, y: Array, starts: Array) -> Array:
    """Sums along rows, one for each group that starts at `starts`."""
    if starts.size == 1:
        return np.asarray(np.vecdot(x, y))[:, None]
    return np.add.reduceat(x * y, starts, axis=1)


@lru_cache(maxsize=16)
def _projection(problem: FiniteProblem) -> Array:
    """Of each group's influence on Hermite polynomials, (rules, alphas, groups, degrees)."""
    population = problem.population
    fixed = fixed_point(population, problem.kappa, problem.sigma, problem.ridge)
    law = channel(population, fixed)
    # Of a grid over nodes of the coefficients, each point its own population of one group.
    nodes = Channel(
        weight=np.ones(1),
        eigenvalue=law.eigenvalue[:, None, None],
        mean=(law.mean[:, None] + law.std[:, None] * _NODES)[..., None],
        std=np.zeros(1),
        shrinkage=law.shrinkage[:, None, None],
        bias=law.bias[:, None, None],
        noise=law.noise[:, None, None],
    )
    left = 1 - problem.kappa * (population.weight @ law.shrinkage**2)  # dγ/dν = 1 / left
    missed = (nodes.eigenvalue * (nodes.mean * nodes.bias) ** 2)[..., 0] / left
    hermite = np.polynomial.hermite_e.hermevander(_NODES, _DEGREE)[:, 1:]
    norms = np.cumprod(np.arange(1, _DEGREE + 1))
    result = np.empty((len(problem.rules), len(problem.kept), len(population), _DEGREE))
    for row, rule in enumerate(problem.rules):
        for column, alpha in enumerate(problem.alpha):
            parts = pruned_risk(nodes, problem.sigma, rule, threshold(rule.score(law), alpha))
            along_alpha, along_gamma = _slopes(problem, population, fixed, rule, alpha)
            influence = parts.risk - along_alpha * parts.kept + along_gamma * missed
            result[row, column] = (influence * _WEIGHTS) @ hermite / norms
    result[abs(result) <= _ROUNDING * population.signal] = 0  # of what cancels
    return result


def _slopes(
    problem: FiniteProblem, population: Population, fixed: FixedPoint, rule: Rule, alpha: float
) -> tuple[float, float]:
    """Derivatives of the risk in alpha at a fixed channel, and in gamma at fixed alpha."""

    def risk(gamma: Array, alpha: float) -> float:
        law = channel(population, fixed._replace(gamma=gamma))
        cut = threshold(rule.score(law), alpha)
        return float(pruned_risk(law, problem.sigma, rule, cut).risk)

    low, high = max(alpha - _STEP, 0.0), min(alpha + _STEP, 1.0)
    along_alpha = (risk(fixed.gamma, high) - risk(fixed.gamma, low)) / (high - low)
    more, less = (1 + _STEP) * fixed.gamma, (1 - _STEP) * fixed.gamma
    along_gamma = FLOAT64.ratio(risk(more, alpha) - risk(less, alpha), more - less)
    return along_alpha, float(along_gamma)
