r"""The Hessian bias: training finds signal along large eigenvalues first.

With more weights than samples a trained weight is :math:`X=aB` plus noise, where the share
:math:`a=\Lambda/(\Lambda+\tau)` of its coefficient is found: all of it where
:math:`\Lambda\gg\tau`, nothing where :math:`\Lambda\ll\tau`.  Of coordinates that carry the same
signal :math:`\Lambda B^2`, those of large eigenvalue are found, and stay small because B is.

Source: Li, Sattar, Thrampoulidis, Oymak (arXiv 2006.10903), on the Hessian bias.
"""

from typing import Any

from ..line.bias import bias_columns
from ..population import Population, as_population
from ..results import HessianBias


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
    population = as_population(population)
    return HessianBias(population, **bias_columns(population, kappa, sigma, alpha, ridge))
