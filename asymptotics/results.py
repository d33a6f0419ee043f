"""Results: arrays over the grid, and their forms as rows, tables, files."""

import csv
import io
import json
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .arithmetic import FLOAT64, Arithmetic, Array
from .grid import batches
from .population import Population
from .theory import FixedPoint, Rule, channel, kept_share, threshold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Version of the JSON document; it changes when a reader of the old one would fail.
DOCUMENT_VERSION = 1
_SHOWN = 12


class GridResult(ABC):
    """Arrays over a grid, as rows, tables and data frames."""

    #: Names of the arrays, in the order of columns.
    columns: ClassVar[tuple[str, ...]]
    #: Of these, the parameters of the grid.
    grid: ClassVar[tuple[str, ...]] = ("kappa", "sigma", "alpha", "ridge", "rule")
    #: What a table shows beside them, and sums up.
    shown: ClassVar[tuple[str, ...]]
    outcome: ClassVar[str]
    digits: int | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""

    def column(self, name: str) -> Array:
        """The array of a column."""
        return np.asarray(getattr(self, name))

    def rows(self) -> Iterator[dict[str, Any]]:
        """The grid as one record per point, in C order, with plain Python values."""
        flat = {name: self.column(name).ravel() for name in self.columns}
        for index in range(math.prod(self.shape)):
            yield {name: self._plain(column[index]) for name, column in flat.items()}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Rule | str):
            return str(value)
        if isinstance(value, np.integer):
            return int(value)
        return float(value) if self.digits is None else _decimal(value, self.digits)

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a data frame; needs the extra ``asymptotics[frames]``."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows()), columns=list(self.columns))

    def summary(self) -> str:
        """How many rows have which outcome."""
        counts = zip(*np.unique(self.column(self.outcome), return_counts=True), strict=True)
        return ", ".join(f"{count} {name}" for name, count in counts) or "no rows"

    def table(self, most: int | None = None) -> str:
        """The rows as text, of `most` rows if given; parameters that do not vary stand above."""
        from .tables import text_table

        rows = list(self.rows())
        fixed = {key for key in self.grid if len({row[key] for row in rows}) == 1}
        head = ", ".join(f"{key} = {_brief(rows[0][key])}" for key in self.grid if key in fixed)
        shown = [key for key in (*self.grid, *self.shown) if key not in fixed]
        lines = [[row[key] for key in shown] for row in rows]
        if most is not None and len(lines) > most:
            lines = [*lines[: most // 2], ["..."] * len(shown), *lines[-(most // 2) :]]
        return "\n".join(filter(None, (head, text_table(shown, lines), *self.notes())))

    def notes(self) -> Iterator[str]:
        """What a reader of the table should know of some of its rows."""
        yield from ()

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of shape {self.shape}: {self.summary()}"
        return f"{head}\n{self.table(most=_SHOWN)}"


@dataclass(frozen=True, eq=False, repr=False)
class RiskResult(GridResult):
    """Predicted risks over a grid; every array has the grid's shape.

    Numbers are float64, or objects of many digits if these were asked for.  A value that does not
    exist is NaN (the threshold of the random rule, or at ``alpha = 0``).

    Attributes
    ----------
    population : Population
    kappa, sigma, alpha, ridge, rule
        The grid; `rule` holds `Rule` objects.
    risk
        Test error of the pruned model, the sum of `noise`, `kept_error` and `dropped_signal`.
    unpruned_risk, null_risk
        Test error before pruning (it equals `gamma`), and of the model that predicts zero.
    noise, kept_error, dropped_signal
        Label noise, error of the weights kept, signal of the weights dropped.
    threshold
        Score above which a weight is kept.
    tau, gamma
        Effective ridge and noise level.
    residual
        Largest relative mismatch of the equations that were solved.
    status
        ``"ok"``, ``"diverges"`` (the risk is infinite) or ``"no convergence"`` (it is NaN; ask for
        digits).
    digits : int or None
        The number of digits asked for.
    """

    population: Population
    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    risk: Array
    unpruned_risk: Array
    null_risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    tau: Array
    gamma: Array
    residual: Array
    status: Array
    digits: int | None = None

    shown: ClassVar[tuple[str, ...]] = (
        "risk",
        "unpruned_risk",
        "null_risk",
        "threshold",
        "tau",
        "status",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def kept_share(self) -> Array:
        """The share of each group of the population that is kept, of shape ``shape + (G,)``."""
        arithmetic: Arithmetic = FLOAT64
        if self.digits is not None:
            from .arithmetic.multiprecision import Multiprecision

            arithmetic = Multiprecision(self.digits + 20)
        groups = len(self.population)
        shares = np.empty((self.risk.size, groups), dtype=arithmetic.dtype)
        grid = (self.kappa, self.tau, self.gamma, self.residual, self.alpha)
        columns = [arithmetic.array(x).ravel() for x in grid]
        for rule, rows in batches(self.rule, self.shape, groups):
            kappa, tau, gamma, residual, alpha = (x[rows] for x in columns)
            unknown = gamma == arithmetic.infinity  # which leaves no finite law
            fixed = FixedPoint(kappa, tau, arithmetic.where(unknown, 1, gamma), residual)
            law = channel(self.population, fixed, arithmetic)
            cut = threshold(rule.score(law, arithmetic), alpha, arithmetic)
            shares[rows] = kept_share(law, rule, cut, arithmetic)
            shares[rows[unknown & (alpha > 0)]] = arithmetic.nan
        return shares.reshape((*self.shape, groups))

    def plot(
        self,
        ax: "Axes | None" = None,
        x: str | None = None,
        simulated: "Verification | None" = None,
    ) -> "Axes":
        """The risk against the parameter that varies, with simulated risks if given.

        Needs the extra ``asymptotics[plot]``.
        """
        from .plotting import plot_risk

        return plot_risk(self, ax=ax, x=x, simulated=simulated)


RiskResult.columns = tuple(
    field.name for field in fields(RiskResult) if field.name not in ("population", "digits")
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CertifiedRisk(RiskResult):
    """Risks with proved bounds; every array has the grid's shape.

    The other values are rounded to `digits` digits, all of them proved.

    Attributes
    ----------
    lower, upper
        Decimals that enclose the exact value of the formula for the numbers that were given.
    status
        ``"ok"``, ``"diverges"``, or ``"undecided"`` where the digits asked for could not be proved;
        the bounds then are the best that hold.
    reason
        Why a row is undecided; otherwise empty.
    """

    lower: Array
    upper: Array
    reason: Array

    shown = ("lower", "upper", "status")

    def notes(self) -> Iterator[str]:
        return explained(self.status, self.reason)


CertifiedRisk.columns = (*RiskResult.columns, "lower", "upper", "reason")


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
        from .plotting import plot_convergence

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


def to_json(result: GridResult, spec: Mapping[str, Any]) -> str:
    """The document ``{version, spec, rows}``; infinite and missing values are null."""
    rows = [{key: _json_value(value) for key, value in row.items()} for row in result.rows()]
    document = {"version": DOCUMENT_VERSION, "spec": spec, "rows": rows}
    return json.dumps(document, indent=1, allow_nan=False, default=float)


def to_csv(result: GridResult) -> str:
    """Rows under a header; a missing value is empty, an infinite one ``inf``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows():
        writer.writerow(["" if value != value else value for value in row.values()])
    return text.getvalue()


def explained(outcome: Array, reason: Array) -> Iterator[str]:
    """The reasons that some rows have the outcome that they have."""
    pairs = zip(outcome.ravel().tolist(), reason.ravel().tolist(), strict=True)
    for (name, why), count in Counter(pairs).items():
        if why:
            yield f"{name} ({count} {'row' if count == 1 else 'rows'}): {why}"


def _decimal(value: Any, digits: int) -> str:
    """A number of many digits, or an exact input, as a decimal string."""
    if isinstance(value, Decimal) and value.is_infinite():
        return "-inf" if value < 0 else "inf"
    if hasattr(value, "context"):
        return str(value.context.nstr(value, digits)).lstrip("+")
    return str(value)


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value in ("inf", "-inf", "nan") else value
