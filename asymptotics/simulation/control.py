r"""A control variate for the simulated risk, made of the coefficients that a trial drew.

At fixed :math:`\tau`, :math:`\gamma` and threshold, the predicted risk R is a mean over features.
So are the fraction of weights kept and the numerator :math:`\nu` of the noise level :math:`\gamma`.
A trial has p realised coefficients in place of their law.  To first order this moves its risk by
the mean over features of :math:`\varphi(\Lambda_i, B_i) - E\varphi(\Lambda, B)`,

.. math:: \varphi = \rho - \frac{dR}{d\alpha}\,\pi + \frac{dR}{d\gamma}\frac{d\gamma}{d\nu}\,\nu,

where :math:`\rho,\pi,\nu` are the contributions of one feature to risk, fraction and numerator
(:math:`\varphi` is the influence function of the risk).  In each group :math:`\varphi` is projected
on the Hermite polynomials :math:`He_1,\dots,He_6` of the standardised coefficient
:math:`z_i=(B_i-m)/s`,

.. math:: \text{control}=\frac1p\sum_i\sum_{k=1}^6\frac{E[\varphi\,He_k(z)]}{k!}\,He_k(z_i).

Its expectation is exactly zero, whether the prediction is right or wrong, because
:math:`E\,He_k(z)=0` for k > 0.  So a simulated risk minus its control has the same mean, and less
variance.  A wrong :math:`\varphi` costs variance only: it adds no bias.
"""

from functools import lru_cache

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..population import Population
from ..theory import (
    COVARIANCE,
    Channel,
    FixedPoint,
    Rule,
    channel,
    fixed_point,
    pruned_risk,
    threshold,
)
from ..theory.rules import GainRule
from .finite import Block, FiniteProblem

#: Step of the difference quotients for dR/dalpha (absolute) and dR/dgamma (relative).
_DIFFERENCE_STEP = 1e-4
#: A projection that is smaller than this, relative to the signal, is rounding, and set to 0.
_NEGLIGIBLE = 1e-15
#: Highest degree of the Hermite polynomials.
_DEGREE = 6
#: Nodes and weights of the Gauss-Hermite rule for the mean over a standard normal.
_HERMITE_NODES, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / _HERMITE_WEIGHTS.sum()
#: Row k holds the coefficients of the k-th Hermite polynomial in ascending powers.
_HERMITE_COEFFICIENTS = np.array(
    [
        np.pad(np.polynomial.hermite_e.herme2poly(row), (0, _DEGREE - k))
        for k, row in enumerate(np.eye(_DEGREE + 1))
    ]
)


def controls(problem: FiniteProblem, coefficient: Array) -> Array:
    """Controls, of shape (replicates, rules, alphas), for coefficients (replicates, p)."""
    sums = PowerSums(problem, len(coefficient))
    for block in problem.blocks():
        sums.add(block, coefficient[:, block.features])
    return sums.controls()


class PowerSums:
    """Sums over each group of the powers 1 to 6 of the standardised coefficients.

    The sums of the Hermite polynomials are linear in them, so that a control can be computed in one
    pass over blocks of features that are not kept in memory.
    """

    def __init__(self, problem: FiniteProblem, replicates: int) -> None:
        self._problem = problem
        self._scale = np.array([1 / std if std > 0 else 0.0 for std in problem.std])
        self._sums = np.zeros((_DEGREE, replicates, len(problem.sizes)))

    def add(self, block: Block, coefficient: Array) -> None:
        """Add the coefficients of a block, of shape (replicates, features)."""
        scale = block.expand(self._scale)
        if not scale.any():
            return
        unit = coefficient - block.expand(self._problem.mean)
        unit *= scale
        starts = np.cumsum(block.sizes) - block.sizes
        square = unit * unit
        powers = (np.ones_like(unit), unit, square, square * unit)
        # z^d = z^floor(d/2) z^ceil(d/2): the products of four stored powers give all six.
        for degree, sums in enumerate(self._sums, start=1):
            low, high = powers[degree // 2], powers[degree - degree // 2]
            sums[:, block.groups] += _sums_of_products(low, high, starts)

    def controls(self) -> Array:
        """The controls, of shape (replicates, rules, alphas), after all blocks have been added."""
        problem = self._problem
        if not any(problem.std):
            return np.zeros((self._sums.shape[1], len(problem.rules), len(problem.kept)))
        # The sum of the powers of degree 0 is the size of the group.
        powers = np.concatenate([np.broadcast_to(problem.sizes, self._sums[:1].shape), self._sums])
        # d: Hermite degree, k: power, r: replicate, g: group, i: rule, j: alpha.
        hermite = np.einsum("dk,krg->drg", _HERMITE_COEFFICIENTS[1:], powers)
        return np.einsum("drg,ijgd->rij", hermite, _projection(problem)) / problem.p


def _sums_of_products(x: Array, y: Array, starts: Array) -> Array:
    """Sums of x y along each row, one for each group; group g begins at column ``starts[g]``."""
    if starts.size == 1:  # without the array of products
        return np.asarray(np.vecdot(x, y))[:, None]
    return np.add.reduceat(x * y, starts, axis=1)


@lru_cache(maxsize=16)
def _projection(problem: FiniteProblem) -> Array:
    r"""Coefficients :math:`E[\varphi He_k]/k!`, of shape (rules, alphas, groups, degrees)."""
    population = problem.population
    fixed = fixed_point(population, problem.kappa, problem.sigma, problem.ridge)
    law = channel(population, fixed)
    # The functions of the theory take the mean over the groups of a population, on the last axis.
    # Here each pair of a group and a node of its coefficient is a population of one group whose
    # coefficient is constant, so that they return the contribution of a single feature.
    nodes = Channel(
        weight=np.ones(1),
        eigenvalue=law.eigenvalue[:, None, None],
        mean=(law.mean[:, None] + law.std[:, None] * _HERMITE_NODES)[..., None],
        std=np.zeros(1),
        shrinkage=law.shrinkage[:, None, None],
        bias=law.bias[:, None, None],
        noise=law.noise[:, None, None],
    )
    # γ = ν / (1 - κ E[Λ²/(Λ+τ)²]), so that dγ/dν is the inverse of this denominator.
    left = 1 - problem.kappa * (population.weight @ law.shrinkage**2)
    missed = (nodes.eigenvalue * (nodes.mean * nodes.bias) ** 2)[..., 0] / left
    hermite = np.polynomial.hermite_e.hermevander(_HERMITE_NODES, _DEGREE)[:, 1:]
    norms = np.cumprod(np.arange(1, _DEGREE + 1))  # E[He_k²] = k!
    result = np.empty((len(problem.rules), len(problem.kept), len(population), _DEGREE))
    for row, rule in enumerate(problem.rules):
        # A rule that ranks by a gain keeps nearly what covariance scaling keeps.
        rule = COVARIANCE if isinstance(rule, GainRule) else rule
        for column, alpha in enumerate(problem.alpha):
            parts = pruned_risk(nodes, problem.sigma, rule, threshold(rule.score(law), alpha))
            along_alpha, along_gamma = _slopes(problem, population, fixed, rule, alpha)
            influence = parts.risk - along_alpha * parts.kept + along_gamma * missed
            result[row, column] = (influence * _HERMITE_WEIGHTS) @ hermite / norms
    result[abs(result) <= _NEGLIGIBLE * population.signal] = 0
    return result


def _slopes(
    problem: FiniteProblem, population: Population, fixed: FixedPoint, rule: Rule, alpha: float
) -> tuple[float, float]:
    """Difference quotients of the risk: in alpha at fixed gamma, and in gamma at fixed alpha."""

    def risk(gamma: Array, alpha: float) -> float:
        law = channel(population, fixed._replace(gamma=gamma))
        at_alpha = threshold(rule.score(law), alpha)
        return float(pruned_risk(law, problem.sigma, rule, at_alpha).risk)

    # Central differences; one-sided at alpha = 0 and alpha = 1.
    low, high = max(alpha - _DIFFERENCE_STEP, 0.0), min(alpha + _DIFFERENCE_STEP, 1.0)
    along_alpha = (risk(fixed.gamma, high) - risk(fixed.gamma, low)) / (high - low)
    more, less = (1 + _DIFFERENCE_STEP) * fixed.gamma, (1 - _DIFFERENCE_STEP) * fixed.gamma
    along_gamma = FLOAT64.ratio(risk(more, alpha) - risk(less, alpha), more - less)
    return along_alpha, float(along_gamma)
