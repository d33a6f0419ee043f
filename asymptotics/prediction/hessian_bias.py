r"""The Hessian bias: training finds the signal of features with large eigenvalues first.

With more weights than samples a trained weight is :math:`X=aB` plus noise.  Training finds the
share :math:`a=\Lambda/(\Lambda+\tau)` of its coefficient B: nearly all of it where
:math:`\Lambda\gg\tau`, and nearly nothing where :math:`\Lambda\ll\tau`.  Among features that carry
the same signal :math:`\Lambda B^2`, training finds those of large eigenvalue.  Their weights are
small nevertheless, because their coefficients B are.

Source: Li, Sattar, Thrampoulidis, Oymak (arXiv 2006.10903), on the Hessian bias.
"""

from typing import Any

from ..line.bias import bias_columns
from ..population import Population, as_population
from ..results import HessianBias


def hessian_bias(
    population: Population, kappa: Any, sigma: Any = 0.0, alpha: Any = 0.5, ridge: Any = 0.0
) -> HessianBias:
    r"""How much of each group's signal training finds, and the test error after pruning.

    Parameters
    ----------
    population, kappa, sigma, alpha, ridge
        As in `asymptotics.risk`; the numbers broadcast.

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

    Training fits the signal of the second group, which it finds only in part, by noise in the
    weights of the first.  Hence these weights have the larger saliency, but a negative importance:
    the error falls if they are removed.
    """
    population = as_population(population)
    return HessianBias(population, **bias_columns(population, kappa, sigma, alpha, ridge))
