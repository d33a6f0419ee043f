r"""The base class of samplers, which draw true and trained weights of a finite problem.

Every sampler draws :math:`B=\sqrt p\,\beta^*` and :math:`X=\sqrt p\,\hat\beta` from their exact
joint law at n and p (the implicit one up to the tolerance of its solver), by a route of its own:

============  =============================================  ================================
sampler       route                                          regime
============  =============================================  ================================
dense         explicit design, Gram matrix, Cholesky         any
exact         law of least squares, O(p)                     Gaussian, ridge 0, n > p₊
implicit      implicit Gaussian matrix, conjugate gradients  Gaussian design
============  =============================================  ================================

Features of eigenvalue 0 are constant, and left out of the training; their trained weight is 0.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from ..arithmetic import Array
from .control import controls
from .finite import FiniteProblem
from .pruning import pruned_errors
from .retraining import RETRAINED_OUTCOME, Data, later_outcome, retrained_trial

#: Seconds that one core takes to draw a normal number, roughly.
SECONDS_OF_NORMAL = 1e-8
#: The arrays that a trial returns, each a mean over replicates of shape (rules, alphas).  A trial
#: with a second fit returns those of `RETRAINED_OUTCOME`, and then those of later rounds.
OUTCOME = ("risk", "control", "truncation")


class Draw(NamedTuple):
    """True and trained weights, of shape (replicates, p)."""

    coefficient: Array
    trained: Array
    #: For an iterative solver: its last iterate with a residual above ten times the tolerance.
    earlier: Array | None = None
    #: What the weights were trained on, if a problem asks for a second fit.
    data: Data | None = None


class Sampler(ABC):
    """Draws true and trained weights, and prunes them.

    `str` gives the name with all settings; it is part of the key under which trials are stored.
    """

    name: ClassVar[str]

    @abstractmethod
    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        """Draw `replicates` pairs of true and trained weights.

        If the problem asks for a second fit, the draw holds the data, too.

        Replicates may share the design.  They are then exchangeable but not independent, and only
        their mean counts as one trial.
        """

    def trial(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Array:
        """Risk, control variate and truncation, of shape (3, rules, alphas).

        With a second fit the outcome has three arrays more: the risk before pruning, the risk after
        the second fit, and the truncation of the latter.  Each later round adds the risks after its
        cut and after its fit, each followed by its truncation.

        The truncation is the change of the risk between the solver's iterates with residuals of
        about 10 times the tolerance and of the tolerance.  It is an estimate of the error that
        remains, on the safe side where errors of weights are small beside the spread of the
        weights; a larger tolerance could rank them wrongly at both iterates.
        """
        draw = self.draw(problem, replicates, rng)
        if problem.retraining is not None:
            return retrained_trial(problem, *draw, problem.retraining, rng)
        ties = rng.bit_generator.state
        risk = pruned_errors(problem, draw.coefficient, draw.trained, rng)
        truncation = np.zeros_like(risk)
        if draw.earlier is not None:
            # Break ties as before, so that only the weights differ between the two risks.
            rng.bit_generator.state = ties
            truncation = risk - pruned_errors(problem, draw.coefficient, draw.earlier, rng)
        control = controls(problem, draw.coefficient)
        return np.stack([risk, control, truncation]).mean(axis=1)

    def refusal(self, problem: FiniteProblem) -> str | None:
        """The reason why the sampler does not apply to a problem, or None if it does."""
        return None

    @abstractmethod
    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        """Estimate of the seconds that a trial takes on one core.

        Samplers and trials are compared by it, so that ratios matter more than the seconds.
        """

    @abstractmethod
    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        """Estimate of the bytes of memory that a trial needs."""


def outcome_names(problem: FiniteProblem) -> tuple[str, ...]:
    """The names of the arrays that a trial of a problem returns."""
    if problem.retraining is None:
        return OUTCOME
    return (*RETRAINED_OUTCOME, *later_outcome(problem))


def risk_names(problem: FiniteProblem) -> list[str]:
    """Those of the arrays that are risks after a cut or the fit that follows, in order."""
    return [name for name in outcome_names(problem) if name.startswith(("risk", "retrained_risk"))]


def pruning_cost(problem: FiniteProblem, replicates: int) -> float:
    """Estimate of the seconds that scores, pruning and errors take on one core."""
    rows = len(problem.rules) * len(problem.kept) * (1 + len(problem.later))
    return SECONDS_OF_NORMAL * (1 + rows / 2) * replicates * problem.p
