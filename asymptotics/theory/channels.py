r"""Stage 2: the law of a trained weight.

A weight of the trained model behaves like a Gaussian channel that shrinks its coefficient:

.. math:: \sqrt p\,\hat\beta \;\sim\; X = \frac{\Lambda}{\Lambda+\tau} B
          + \frac{\sqrt{\gamma\kappa\Lambda}}{\Lambda+\tau} H,\qquad H\sim N(0,1)

independent of B.  Where :math:`\Lambda=0` the data carry no information about B, and
:math:`X=0`.

Source: Li et al. (arXiv 2006.10903), Theorem 1; Han, Xu (arXiv 2307.02044).
"""

from typing import NamedTuple

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..population import Population
from .fixed_points import FixedPoint


class Channel(NamedTuple):
    r"""Per group, the law of (B, X): :math:`B\sim N(m,s^2)`, :math:`X = aB + \sqrt v H`.

    `weight`, `eigenvalue`, `mean` and `std` have shape ``(G,)`` for G groups; the others have the
    shape of the grid followed by ``(G,)``.
    """

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array
    #: a = Λ/(Λ+τ).
    shrinkage: Array
    #: 1 - a = τ/(Λ+τ), computed without the difference, so that it is accurate where a is near 1.
    bias: Array
    #: v = γκΛ/(Λ+τ)².
    noise: Array


@QUIET
def channel(population: Population, fixed: FixedPoint, arithmetic: Arithmetic = FLOAT64) -> Channel:
    """The law of the trained weights at a fixed point; see `Channel`.

    >>> from asymptotics import Population
    >>> from asymptotics.theory import fixed_point
    >>> population = Population.isotropic()
    >>> channel(population, fixed_point(population, kappa=2.0, sigma=0.0)).shrinkage.item()
    0.5
    """
    groups = population.groups(arithmetic)
    kappa, tau, gamma = map(arithmetic.column, (fixed.kappa, fixed.tau, fixed.gamma))
    alive = groups.eigenvalue > 0
    # For Λ = 0 these values give a = 0, 1 - a = 1 and v = 0, also at τ = 0.
    total = arithmetic.where(alive, groups.eigenvalue + tau, 1)
    shrinkage = groups.eigenvalue / total
    bias = arithmetic.where(alive, tau / total, 1)
    noise = arithmetic.where(alive, gamma, 0) * kappa * shrinkage / total
    return Channel(
        groups.weight, groups.eigenvalue, groups.mean, groups.std, shrinkage, bias, noise
    )
