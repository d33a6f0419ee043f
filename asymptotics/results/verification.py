"""Simulated risks beside predicted ones."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..arithmetic import Array
from .grid import GridResult, explained
from .risk import RiskResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Verification(GridResult):
    """Simulated risks beside predicted ones; every array has the grid's shape.

    Attributes
    ----------
    prediction : RiskResult
        This package's theory, whatever was tested: at one size, of the realised problems.
    kappa, sigma, alpha, ridge, rule
        The grid as it was asked for.
    risk
        The predicted risk that is tested.
    mean, standard_error
        The simulated risk: at one size its mean over trials, at several its extrapolation.
    z, p_value
        The difference in standard errors, and the probability of one as large, beyond what the
        finite size may do, if the prediction is right.
    detectable
        Relative error of a prediction that would have been found with probability 0.95.
    gain
        Factor by which control variates reduce the variance of a trial.
    truncation
        How far, at most, ending the solver early moves the mean; 0 for direct samplers.
    trials, p, n
        Number of trials, of features and of samples, at the largest size.
    sampler
        How trials were drawn.
    verdict
        ``"consistent"``, ``"inconsistent"``, ``"too weak"`` or ``"no verdict"``.
    reason
        Why there is no verdict, or why it is too weak; otherwise empty.
    samples
        Tuples of `asymptotics.comparison.Sample`, one for each size.
    interrupted : bool
        Whether the run was ended by hand.
    """

    prediction: RiskResult
    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    risk: Array
    mean: Array
    standard_error: Array
    z: Array
    p_value: Array
    detectable: Array
    gain: Array
    truncation: Array
    trials: Array
    p: Array
    n: Array
    sampler: Array
    verdict: Array
    reason: Array
    samples: Array
    interrupted: bool = False

    shown = ("risk", "mean", "standard_error", "z", "detectable", "trials", "p", "verdict")
    outcome = "verdict"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def column(self, name: str) -> Array:
        return np.asarray(getattr(self if name in _OWN else self.prediction, name))

    def notes(self) -> Iterator[str]:
        return explained(self.verdict, self.reason)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Relative differences against 1/p, with their extrapolation; needs matplotlib."""
        from ..plotting import plot_convergence

        return plot_convergence(self, ax=ax)


_OWN = tuple(
    field.name
    for field in fields(Verification)
    if field.name not in ("prediction", "samples", "interrupted")
)
Verification.columns = (
    *RiskResult.columns,
    *(name for name in _OWN if name not in RiskResult.columns),
)
