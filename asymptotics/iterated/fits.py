r"""The joint law of several fits to the same data, each on what the cuts before it have kept.

Fit ``j`` sees a weight as :math:`R_j = B + \sqrt{\kappa/\Lambda}\,G_j` with Gaussian
:math:`G_1, ..., G_k` whose covariances are those of the fits' errors,

.. math:: \gamma_{ij} = \sigma^2 + E[\Lambda(X_i-B)(X_j-B)],

so that :math:`\gamma_{jj}` is the risk of fit ``j``.  On the kept weights, with
:math:`W_j=\Lambda/(\Lambda+\tau_j)`, its weight is

.. math:: X_j = W_j\Big(R_j + \sum_{i<j} c_{ji}V_i\Big) + \chi_j(1-W_j)X_{j-1},\qquad V_i=R_i-X_i,

where :math:`\chi_j=1` shrinks towards the weights before (fine-tuning), and 0 towards zero.  With
:math:`G_j=\sum_i\vartheta_{ji}H_i` in independent normals, the :math:`\vartheta_{ji}` and
:math:`c_{ji}`, :math:`i<j`, solve the equations of :math:`\gamma_{ij}` and, by Stein's lemma,

.. math:: \frac{E[H_i\sqrt\Lambda X_j]}{\sqrt\kappa}
          = \vartheta_{ji}E[W_j] - \frac{a_j}\kappa\sum_{i\le l<j}\vartheta_{li}c_{jl},\qquad
          a_j = 1-\kappa E[W_j].

All of them are linear, and every expectation is one of second moments over the kept weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..population import Groups
from ..theory.retraining import second_ridge, shares_of
from .masks import Part

#: A fit whose error differs by less than this share from what earlier fits err has no noise of its
#: own: it repeats an earlier fit.
_NOTHING_NEW = 1e-12
#: Singular values below this share of the largest count as zero: of a least-squares fit V is 0.
_RANK = 1e-13


class Fit(NamedTuple):
    """One fit of a sequence, in each group by its coefficients of (1, ε, H_1, ..., H_k)."""

    #: X and V, of shape (groups, 2 + k).
    weight: Array
    left: Array
    #: Its row of ϑ, of shape (k,).
    noise: Array
    #: 1, or 0 for a fit of infinite risk.  Such a fit is given in units of its own noise, in which
    #: coefficients and label noise are 0.
    unit: float
    #: Its effective ridge, and its test error.
    tau: float
    risk: float


@dataclass(frozen=True)
class Problem:
    """What all fits share."""

    groups: Groups
    kappa: float
    sigma: float
    #: How many fits there will be at most.
    fits: int

    @property
    def alive(self) -> Array:
        """Groups of features that vary."""
        return self.groups.eigenvalue > 0

    @property
    def coefficient(self) -> Array:
        """coefficient in each group: m + s ε."""
        rows = np.zeros((len(self.groups.weight), 2 + self.fits))
        rows[:, 0], rows[:, 1] = self.groups.mean, self.groups.std
        return rows

    def noise(self, row: Array, factor: Array | float = 1.0) -> Array:
        """The Gaussian of a row of ϑ, times a factor for each group."""
        rows = np.zeros((len(self.groups.weight), 2 + self.fits))
        rows[:, 2 : 2 + len(row)] = np.outer(np.ones(len(rows)) * factor, row)
        return rows

    @property
    def scale(self) -> Array:
        """√(κ/Λ), and 0 where nothing is seen."""
        eigenvalue = np.where(self.alive, self.groups.eigenvalue, 1)
        return np.where(self.alive, np.sqrt(self.kappa / eigenvalue), 0)

    def mean(self, x: Array, y: Array, part: Part) -> float:
        """E[Λ x y; part]."""
        return part.mean(self.groups.weight * self.groups.eigenvalue, x, y)

    def lost(self, drops: Sequence[Part]) -> float:
        """E[ΛB²; dropped], of all cuts."""
        return sum(self.mean(self.coefficient, self.coefficient, dropped) for dropped in drops)

    def observed(self, i: int, x: Array, part: Part) -> float:
        """E[H_i √Λ x; part]/√κ."""
        weight = self.groups.weight * np.sqrt(self.groups.eigenvalue / self.kappa)
        return part.mean(weight, self.noise(np.eye(self.fits)[i]), x)


def first_fit(problem: Problem, tau: float, gamma: float) -> Fit:
    """The fit of all weights, by its effective ridge and its noise level."""
    unit = 0.0 if np.isinf(gamma) else 1.0
    shrinkage, bias = shares_of(problem.groups, np.asarray(tau), FLOAT64)
    noise = np.zeros(problem.fits)
    noise[0] = np.sqrt(gamma) if unit else 1
    seen = unit * problem.coefficient + problem.noise(noise, problem.scale)
    left = (problem.alive * bias)[:, None] * seen
    return Fit(shrinkage[:, None] * seen, left, noise, unit, tau, gamma)


@QUIET
def next_fit(
    problem: Problem,
    fits: Sequence[Fit],
    kept: Part,
    drops: Sequence[Part],
    alive: float,
    ridge: float,
    towards: float,
) -> Fit:
    """The fit of what is kept, after `fits` and as many cuts.

    `kept` are the weights kept, and `drops` those that each cut has dropped; `alive` is the
    fraction of all weights that is kept and belongs to features that vary.  The risk is infinite
    where as many features are kept as there are samples, and no ridge is added.  The fit before it
    must be finite where `towards` is 1.
    """
    coefficient, scale, number = problem.coefficient, problem.scale, len(fits)
    mass = kept.mass * problem.groups.weight
    # From the fraction asked for, since the masses sum to it with errors that 1 - κE[W] would feel.
    excess = np.asarray(problem.kappa * alive - 1)
    groups, kappa = problem.groups._replace(weight=mass), np.asarray(problem.kappa)
    tau, free, _ = second_ridge(groups, kappa, np.asarray(ridge), excess, FLOAT64)
    seen, rest = shares_of(groups, tau, FLOAT64)

    plain = seen[:, None] * coefficient
    if towards:
        plain = plain + rest[:, None] * fits[-1].weight
    # A fit without noise of its own repeats an earlier one, and adds no unknowns.
    own = [i for i, fit in enumerate(fits) if fit.noise[i] > 0]
    unknown = [problem.noise(np.eye(number)[i], seen * scale) for i in own]
    unknown += [seen[:, None] * fits[i].left for i in own]
    used = float(mass @ seen)
    equations = _equations(problem, fits, own, kept, drops, plain, unknown, used, float(free))
    solution = _solved(*equations)
    settled = plain + sum(x * row for x, row in zip(solution, unknown, strict=True))
    lost = problem.lost(drops)
    wrong = settled - coefficient
    error = problem.sigma**2 + lost + problem.mean(wrong, wrong, kept)
    theta = solution[: len(own)]
    old = float(theta @ theta)
    # 1 - kappa E[W²], a sum of positive terms.
    spread = float(free + problem.kappa * (mass @ (seen * problem.alive * rest)))
    fresh = _ratio(error - old if error - old > _NOTHING_NEW * error else 0.0, spread)
    unit = 0.0 if np.isinf(fresh) else 1.0
    noise = np.zeros(problem.fits)
    noise[own], noise[number] = unit * theta, np.sqrt(fresh) if unit else 1.0
    new = problem.noise(np.eye(problem.fits)[number] * noise[number], seen * scale)
    weight = unit * settled + new
    left = unit * coefficient + problem.noise(noise, scale) - weight
    return Fit(weight, left * problem.alive[:, None], noise, unit, float(tau), old + fresh)


def _equations(
    problem: Problem,
    fits: Sequence[Fit],
    own: list[int],
    kept: Part,
    drops: Sequence[Part],
    plain: Array,
    unknown: list[Array],
    used: float,
    free: float,
) -> tuple[Array, Array]:
    """The linear equations ``matrix @ x = known`` of ϑ and c, in this order, for the fits `own`."""
    coefficient, number = problem.coefficient, len(own)
    matrix, known = np.zeros((2 * number, 2 * number)), np.zeros(2 * number)
    for row, i in enumerate(own):
        fit, stein = fits[i], number + row
        error = fit.weight - fit.unit * coefficient
        # A weight that cut r drops stands in the fits before it, and is 0 in those after.
        gone = sum(
            problem.mean(error if i <= r else -fit.unit * coefficient, -coefficient, dropped)
            for r, dropped in enumerate(drops)
        )
        covariance = fit.unit * problem.sigma**2 + gone
        known[row] = -covariance - problem.mean(error, plain - coefficient, kept)
        matrix[row] = [problem.mean(error, x, kept) for x in unknown]
        matrix[row, :number] -= fit.noise[own]
        known[stein] = -problem.observed(i, plain, kept)
        matrix[stein] = [problem.observed(i, x, kept) for x in unknown]
        matrix[stein, row] -= used
        matrix[stein, number:] += [free / problem.kappa * fits[j].noise[i] for j in own]
    return matrix, known


def pruned_risk(problem: Problem, fit: Fit, kept: Part, drops: Sequence[Part]) -> float:
    """The risk of a fit after a cut: σ² + E[Λ(X - B)²; kept] + E[ΛB²; dropped]."""
    coefficient = problem.coefficient
    if not fit.unit:
        return np.inf
    error = fit.weight - coefficient
    return problem.sigma**2 + problem.lost(drops) + problem.mean(error, error, kept)


def _solved(matrix: Array, known: Array) -> Array:
    """The solution, of least size where columns vanish, as those of V after least squares do."""
    if not known.size:
        return known
    rows = _sizes(matrix, 1)
    matrix = matrix / rows[:, None]
    columns = _sizes(matrix, 0)
    found = np.linalg.lstsq(matrix / columns, known / rows, rcond=_RANK)[0]
    return np.asarray(found / columns)


def _sizes(matrix: Array, axis: int) -> Array:
    """The largest entry of each row or column, or 1 if it is 0."""
    size = abs(matrix).max(axis=axis)
    return np.where(size > 0, size, 1)


def _ratio(x: float, y: float) -> float:
    return x / y if y else (np.inf if x > 0 else 0.0)
