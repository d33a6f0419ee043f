r"""The Hessian bias: training finds signal along large eigenvalues first.

With more weights than samples a trained weight is :math:`X=aB` plus noise, where the share
:math:`a=\Lambda/(\Lambda+\tau)` of its coefficient is found: all of it where
:math:`\Lambda\gg\tau`, nothing where :math:`\Lambda\ll\tau`.  Of coordinates that carry the same
signal :math:`\Lambda B^2`, those of large eigenvalue are found, and stay small because B is.

Source: Li, Sattar, Thrampoulidis, Oymak (arXiv 2006.10903), on the Hessian bias.
"""

from typing import Any

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..line.grid import as_grid
from ..population import Population
from ..results import HessianBias, RiskResult
from ..theory import COVARIANCE, MAGNITUDE, FixedPoint, channel
from .risk import risk


@QUIET
def hessian_bias(
    population: Population, kappa: Any, sigma: Any = 0.0, alpha: Any = 0.5, ridge: Any = 0.0
) -> HessianBias:
    r"""What training finds of each group of features, and what pruning then costs.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge
        As in `asymptotics.risk`; the last four broadcast.

    Returns
    -------
    HessianBias
        For each point of the grid and each group of the population.

    Raises
    ------
    InvalidInput
        A parameter outside its domain, or shapes that do not broadcast.

    Examples
    --------
    Two groups that carry the same signal, one in large features and small weights:

    >>> from asymptotics import Population
    >>> two = Population(weight=[0.5, 0.5], eigenvalue=[10, 0.1], std=[0.1**0.5, 10**0.5])
    >>> found = hessian_bias(two, kappa=1.5)
    >>> found.found.round(3), found.saliency.round(3), found.importance.round(3)
    (array([0.982, 0.351]), array([2.616, 0.335]), array([-0.652,  0.368]))

    The weights of large features have taken up the signal of the others as noise: the Hessian
    takes them for salient, and the error falls without them.
    """
    grid = as_grid(kappa, sigma, alpha, ridge, "magnitude")
    kappa, sigma, alpha, ridge = (np.broadcast_to(FLOAT64.array(x), grid.shape) for x in grid[:4])
    k, s, a, r = (x[..., None] for x in (kappa, sigma, alpha, ridge))
    pruned = risk(population, k, s, a, r, [MAGNITUDE, COVARIANCE])
    tau, gamma, residual = (x[..., 0] for x in (pruned.tau, pruned.gamma, pruned.residual))
    law = channel(population, FixedPoint(kappa, tau, gamma, residual))
    shape = (*grid.shape, len(population))
    groups = population.groups()
    size = law.shrinkage**2 * groups.second_moment + law.noise

    def of_points(x: Any) -> Any:
        return np.broadcast_to(np.asarray(x)[..., None], shape)

    return HessianBias(
        population=population,
        kappa=of_points(kappa),
        sigma=of_points(sigma),
        alpha=of_points(alpha),
        ridge=of_points(ridge),
        weight=np.broadcast_to(groups.weight, shape),
        eigenvalue=np.broadcast_to(groups.eigenvalue, shape),
        signal=np.broadcast_to(groups.eigenvalue * groups.second_moment, shape),
        found=np.broadcast_to(law.shrinkage, shape),
        magnitude=np.sqrt(size),
        saliency=groups.eigenvalue * size,
        importance=groups.eigenvalue * (2 * law.shrinkage * groups.second_moment - size),
        unpruned_risk=of_points(gamma),
        magnitude_risk=of_points(pruned.risk[..., 0]),
        covariance_risk=of_points(pruned.risk[..., 1]),
        status=of_points(_status(pruned)),
    )


def _status(pruned: RiskResult) -> Array:
    """The worst status over rules, of weights that diverge where gamma does."""
    status = np.where(np.isinf(pruned.gamma[..., 0]), "diverges", "ok")
    failed = (pruned.status == "no convergence").any(axis=-1)
    return np.where(failed, "no convergence", status)
