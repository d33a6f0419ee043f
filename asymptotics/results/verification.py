"""The results of `verify` and `verify_rounds`: simulated risks beside predicted ones."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..arithmetic import Array
from ..tables.grid_result import GridResult
from .iterated import IteratedRisk
from .risk import RetrainedRisk, RiskResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Verdicts(GridResult):
    """Simulated risks beside predicted ones, with a verdict for each row.

    Attributes
    ----------
    kappa, sigma, alpha, ridge, rule
        The parameters as they were asked for.
    risk
        The predicted risk that was tested.
    mean, standard_error
        The simulated risk and its standard error: the mean over trials at a single size, the
        extrapolation to infinite p with several sizes.
    z, p_value
        The difference of simulation and prediction in standard errors, and its p-value: the
        probability, if the prediction is right, of a difference that exceeds the allowance for the
        finite size by at least as much.  NaN where there is no verdict.
    detectable
        The relative error of a prediction that the simulation would detect with probability 0.95.
    gain
        Factor by which the control variates reduce the variance of a trial.
    truncation
        Bound of the error of the mean that comes from stopping an iterative solver; 0 for direct
        samplers.
    trials, p, n
        Number of trials, of features and of samples, at the largest size.
    sampler
        Name of the sampler that drew the trials.
    verdict
        ``"consistent"``, ``"inconsistent"``, ``"too weak"`` or ``"no verdict"``.
    reason
        Why there is no verdict, why the test is too weak, or what may explain a difference that is
        more than chance; otherwise empty.
    samples
        Tuples of `asymptotics.verification.statistics.Sample`, one for each size.
    interrupted : bool
        Whether the user interrupted the run.
    """

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

    shown: ClassVar[tuple[str, ...]] = (
        "risk",
        "mean",
        "standard_error",
        "z",
        "detectable",
        "trials",
        "p",
        "verdict",
    )
    outcome = "verdict"
    #: The column of the prediction that was tested.
    tested: ClassVar[str] = "risk"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def notes(self) -> Iterator[str]:
        """Each verdict that has a reason, with the reason and the numbers of its rows from 1."""
        rows: dict[tuple[str, str], list[int]] = {}
        pairs = zip(self.verdict.ravel().tolist(), self.reason.ravel().tolist(), strict=True)
        for number, pair in enumerate(pairs, start=1):
            rows.setdefault(pair, []).append(number)
        for (verdict, reason), numbers in rows.items():
            if reason:
                yield f"{verdict} ({_named(numbers)}): {reason}"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Relative differences against 1/p, with their extrapolation; needs matplotlib."""
        from ..plotting import plot_convergence

        return plot_convergence(self, ax=ax)

    def draw(
        self, figure: "Figure", x: str | None = None, simulated: GridResult | None = None
    ) -> None:
        from ..plotting import draw_convergence

        draw_convergence(self, figure.add_subplot())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Verification(Verdicts):
    """Simulated risks beside predicted ones; every array has the grid's shape.

    Attributes
    ----------
    prediction : RiskResult
        The prediction of this package, even if `verify` tested another one.  At a single size it is
        that for the realised problems, whose numbers of samples, features and kept weights are
        integers.
    kappa, sigma, alpha, ridge, rule
        The grid as it was asked for.

    The other attributes are those of `Verdicts`.
    """

    prediction: RiskResult

    def column(self, name: str) -> Array:
        return np.asarray(getattr(self if hasattr(self, name) else self.prediction, name))


def _named(numbers: list[int]) -> str:
    """Rows by their numbers, with runs of neighbours joined: "rows 1-3, 7"."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    pairs = zip(starts, ends, strict=True)
    spans = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in pairs)
    return f"row{'s' * (len(numbers) > 1)} {spans}"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RetrainedVerification(Verification):
    """Simulated risks after a second fit beside predicted ones.

    `mean`, `standard_error`, `z`, `p_value`, `detectable`, `gain`, `verdict` and `reason` are about
    the risk after the second fit.  Its control variates are the simulated risks of the first fit,
    before pruning and after, whose limits are known; their slopes are estimated.

    Attributes
    ----------
    retrain_ridge, retrain_towards
        As in `RetrainedRisk`.
    risk
        The risk of the pruned model before its second fit, as this package predicts it.
    retrained_risk
        The predicted risk after the second fit: the one that was tested.
    prediction : RetrainedRisk
    """

    prediction: RetrainedRisk
    retrain_ridge: Array
    retrain_towards: Array
    retrained_risk: Array

    grid = RetrainedRisk.grid
    shown = ("risk", "retrained_risk", *Verification.shown[1:])
    tested = "retrained_risk"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IteratedVerification(Verdicts):
    """Simulated risks of rounds beside predicted ones.

    Every array has the shape of the points, then one for the risks of the schedule in order: after
    the cut of each round, and after the fit that follows.

    Attributes
    ----------
    prediction : IteratedRisk
        The prediction of `asymptotics.rounds`, even if another one was tested.  At a single size it
        is that for the realised problems.
    kappa, sigma, ridge
        The points as they were asked for; `ridge` is that of the first fit.
    round, after
        Of which round the risk is, from 1, and whether it is that after its ``"cut"`` or its
        ``"fit"``.
    alpha, rule, retrain_ridge, retrain_towards
        The round as it was asked for: see `IteratedRisk`.

    The other attributes are those of `Verdicts`.  The columns `unpruned_risk`, `pruned_risk`,
    `retrained_risk`, `threshold`, `error` and `status` are those of the prediction, in each row
    those of its round.
    """

    prediction: IteratedRisk
    round: Array
    after: Array
    retrain_ridge: Array
    retrain_towards: Array

    grid = (*IteratedRisk.grid[:4], "after", *IteratedRisk.grid[4:])

    def column(self, name: str) -> Array:
        if hasattr(self, name):
            return np.asarray(getattr(self, name))
        rounds = self.round.reshape(-1, self.shape[-1])[0] - 1
        return self.prediction.column(name)[..., rounds]


def _columns(kind: type[Verdicts], of_prediction: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a prediction, followed by those that a verification adds."""
    inner = ("prediction", "samples", "interrupted")
    own = [field.name for field in fields(kind) if field.name not in inner]
    return (*of_prediction, *(name for name in own if name not in of_prediction))


Verification.columns = _columns(Verification, RiskResult.columns)
RetrainedVerification.columns = _columns(RetrainedVerification, RetrainedRisk.columns)
IteratedVerification.columns = _columns(
    IteratedVerification,
    (
        *IteratedVerification.grid,
        "unpruned_risk",
        "pruned_risk",
        "retrained_risk",
        "threshold",
        "error",
        "status",
    ),
)
