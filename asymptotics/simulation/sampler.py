r"""What a sampler is: it draws true and trained weights of a finite problem, and prunes them.

Samplers draw :math:`B=\sqrt p\,\beta^*` and :math:`X=\sqrt p\,\hat\beta` from their joint law at
n and p, exactly, each by another route:

============  =============================================  ================================
sampler       route                                          regime
============  =============================================  ================================
dense         explicit design, Gram matrix, Cholesky         any
exact         law of least squares, O(p)                     Gaussian, ridge 0, n > p₊
implicit      implicit Gaussian matrix, conjugate gradients  Gaussian design
============  =============================================  ================================

Features of eigenvalue 0 carry nothing and are left out; their trained weight is 0.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from ..arithmetic import Array
from .control import controls
from .finite import FiniteProblem
from .pruning import pruned_errors

SECONDS_OF_NORMAL = 1e-8
#: What a trial returns, each of shape (rules, alphas) and a mean over replicates.
OUTCOME = ("risk", "control", "truncation")


class Draw(NamedTuple):
    """True and trained weights, of shape (replicates, p)."""

    coefficient: Array
    trained: Array
    #: The trained weights while the solver was ten times as far from its end, if it iterates.
    earlier: Array | None = None


class Sampler(ABC):
    """How weights are drawn.  Its string tells it from every other, its settings included."""

    name: ClassVar[str]

    @abstractmethod
    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        """Draws of true and trained weights.

        Replicates may share the design, so that they are exchangeable but not independent.
        """

    def trial(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Array:
        """Risk, control and effect of truncation, of shape (3, rules, alphas).

        The truncation is by how much the risk moved while the solver's residual fell to its
        tolerance from ten times as much; what it would still move is less.
        """
        draw = self.draw(problem, replicates, rng)
        ties = rng.bit_generator.state
        risk = pruned_errors(problem, draw.coefficient, draw.trained, rng)
        truncation = np.zeros_like(risk)
        if draw.earlier is not None:
            rng.bit_generator.state = ties  # the same ties fall the same way
            truncation = risk - pruned_errors(problem, draw.coefficient, draw.earlier, rng)
        control = controls(problem, draw.coefficient)
        return np.stack([risk, control, truncation]).mean(axis=1)

    def refusal(self, problem: FiniteProblem) -> str | None:
        """Why it does not apply to a problem, if so."""
        return None

    @abstractmethod
    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        """Seconds that a trial takes on one core, roughly; ratios matter."""

    @abstractmethod
    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        """Bytes that a trial needs, roughly."""


def pruning_cost(problem: FiniteProblem, replicates: int) -> float:
    """Seconds that pruning takes on one core, roughly."""
    rows = len(problem.rules) * len(problem.kept)
    return SECONDS_OF_NORMAL * (1 + rows / 2) * replicates * problem.p
