"""Many random problems, drawn by NumPy over the domains of `asymptotics.testing` and beyond.

Each row of a grid is checked twice: against the enclosure that ball arithmetic proves for it, and
against the same point computed alone.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from asymptotics import CertifiedRisk, InvalidInput, Population, RiskResult, risk
from asymptotics.theory import as_rule

NAMES = ("magnitude", "covariance", "oracle", "random", "exponent=-1", "exponent=0.25")
COMPARED = ("risk", "threshold", "tau", "gamma", "null_risk", "kept_error", "dropped_signal")
#: Largest error of a number: relative, or for a part of the risk relative to the risk.
ACCURACY = 1e-8


class Domain(NamedTuple):
    """Ranges from which numbers are drawn; all fields but `exponents` are decimal exponents."""

    eigenvalues: float  # ratio of the largest and the smallest
    std: float  # smallest
    gap: float  # smallest |1 - kappa P(Λ>0)|
    alpha: float  # smallest alpha, and smallest 1 - alpha
    sigma: float  # smallest
    weight: float  # smallest
    ridge: float  # smallest
    kappa: float  # largest
    exponents: tuple[float, float]  # range of the exponents of rules
    signals: float = 0  # largest factor that scales means and stds, up or down


DOMAINS = {
    "tame": Domain(8, -3, -3, -4, -3, -3, -6, 3, (-1, 2)),
    "edge": Domain(8, -9, -6, -9, -8, -3, -16, 3, (-1, 2)),
    "extreme": Domain(40, -12, -15, -15.5, -15, -15, -30, 10, (-5, 5), 20),
}


def _magnitudes(rng: np.random.Generator, low: float, high: float, size: int) -> Any:
    """Numbers between 10^low and 10^high, uniform in the logarithm."""
    return 10 ** rng.uniform(low, high, size)


def _with_special(rng: np.random.Generator, special: list[float], others: Any, share: float) -> Any:
    """`others`, with a `share` of them replaced by special values."""
    return np.where(rng.random(others.size) < share, rng.choice(special, others.size), others)


def population(rng: np.random.Generator, domain: Domain) -> Population:
    """A random population of one to eight groups, often with equal or special values."""
    size = int(rng.integers(1, 9))
    half = domain.eigenvalues / 2
    eigenvalue = _with_special(rng, [1, 2, 4, 10], _magnitudes(rng, -half, half, size), 0.4)
    if rng.random() < 0.25:
        eigenvalue[:] = eigenvalue[0]
    eigenvalue[1:][rng.random(size - 1) < 0.2] = 0
    mean = _with_special(rng, [0, 1, -1, 2], rng.uniform(-10, 10, size), 0.5)
    std = _with_special(rng, [0, 1], _magnitudes(rng, domain.std, 1, size), 0.5)
    if rng.random() < 0.2:
        std[:] = 0
    if rng.random() < 0.3:
        scale = _magnitudes(rng, -domain.signals, domain.signals, size)
        mean, std = mean * scale, std * scale
    weight = _with_special(rng, [1, 2, 3], _magnitudes(rng, domain.weight, 0, size), 0.5)
    return Population(weight, eigenvalue, mean, std)


def problem(rng: np.random.Generator, domain: Domain, rows: int) -> tuple[Any, ...]:
    """The arguments of `risk` for a grid of `rows` points."""
    some = population(rng, domain)
    # Kappa is often close to the interpolation threshold, kappa P(Λ>0) = 1.
    share = float(some.mass_above(0).value)
    gap = _magnitudes(rng, domain.gap, -0.3, rows)
    near = (1 + rng.choice([-1, 1], rows) * gap) / share
    low = -domain.kappa if domain.signals else -3
    kappa = np.where(rng.random(rows) < 0.3, near, _magnitudes(rng, low, domain.kappa, rows))
    kappa = np.clip(kappa, 1e-40, 1e40)
    alpha = _with_special(rng, [0.1, 0.3, 0.5], _magnitudes(rng, domain.alpha, -0.3, rows), 0.3)
    alpha = np.where(rng.random(rows) < 0.5, alpha, 1 - alpha)
    sigma = _with_special(rng, [0, 0, 1, 0.5], _magnitudes(rng, domain.sigma, 1, rows), 0.6)
    ridge = _with_special(rng, [0, 0, 1], _magnitudes(rng, domain.ridge, 1, rows), 0.6)
    exponents = np.round(rng.uniform(*domain.exponents, rows), 3)
    rule = np.empty(rows, dtype=object)
    for row, exponent in enumerate(exponents):
        named = rng.random() < 0.75
        rule[row] = as_rule(str(rng.choice(NAMES)) if named else {"exponent": float(exponent)})
    return some, kappa, sigma, alpha, ridge, rule


def problems(seed: int, domain: Domain, grids: int, rows: int) -> Iterator[tuple[Any, ...]]:
    """The arguments of `risk` for `grids` random grids of `rows` points each."""
    rng = np.random.default_rng(seed)
    for _ in range(grids):
        yield problem(rng, domain, rows)


@dataclass
class Findings:
    """The outcome of the checks of many rows."""

    #: Number of rows by their status.
    status: Counter[str] = field(default_factory=Counter)
    #: Points that `certify` proves, but for which floats do not converge.
    lost: list[Any] = field(default_factory=list)
    #: Points that `certify` cannot decide.
    undecided: list[Any] = field(default_factory=list)
    #: A message for each wrong number.
    wrong: list[str] = field(default_factory=list)
    #: Largest relative error of a risk.
    worst: float = 0.0

    def add(self, arguments: tuple[Any, ...]) -> None:
        """Compute a grid of `risk`, and check each of its rows."""
        try:
            grid = risk(*arguments)
        except InvalidInput:
            self.status["refused"] += len(arguments[1])
            return
        proof = risk(*arguments, digits=10, certify=True)
        assert isinstance(proof, CertifiedRisk)
        for row in range(grid.risk.size):
            point = (arguments[0], *(column[row] for column in arguments[1:]))
            self.compare(grid, risk(*point), row)
            self.judge(grid, proof, row, point)

    def compare(self, grid: RiskResult, alone: RiskResult, row: int) -> None:
        """Check that a row of the grid equals the point computed alone, to the last bit."""
        if grid.status[row] != alone.status.item():
            self.wrong.append(f"{grid.status[row]} in the grid, {alone.status.item()} alone")
        for name in (*COMPARED, "residual"):
            one, other = getattr(grid, name)[row], getattr(alone, name).item()
            if one != other and not (math.isnan(one) and math.isnan(other)):
                self.wrong.append(f"{name} = {one!r} in the grid, {other!r} alone")

    def judge(self, grid: RiskResult, proof: CertifiedRisk, row: int, point: Any) -> None:
        """Count the status of a row, and check its numbers if it has any."""
        status = str(grid.status[row])
        self.status[status] += 1
        if proof.status[row] == "undecided":
            self.undecided.append(point)
            return
        if status == "no convergence":
            self.lost.append(point)
        elif status == "ok":
            self.judge_numbers(grid, proof, row, point)

    def judge_numbers(self, grid: RiskResult, proof: CertifiedRisk, row: int, point: Any) -> None:
        """Check the numbers of a row against those that `certify` proves."""
        error = _outside(float(grid.risk[row]), proof.lower[row], proof.upper[row])
        self.worst = max(self.worst, error)
        errors = {"risk": error}
        for name in ("threshold", "tau", "gamma", "null_risk"):
            value, exact = float(getattr(grid, name)[row]), getattr(proof, name)[row]
            if not math.isnan(value):  # some rows have no threshold
                errors[name] = float(abs(exact - value) / exact) if exact else abs(value)
        for name in ("kept_error", "dropped_signal"):  # parts of the risk, relative to it
            gap = abs(getattr(proof, name)[row] - float(getattr(grid, name)[row]))
            errors[name] = float(gap / proof.risk[row]) if gap else 0.0
        for name, size in errors.items():
            if not size <= ACCURACY:
                text = [str(x) for x in point[1:]]
                groups = [x.tolist() for x in point[0].groups()]
                self.wrong.append(f"{name} is off by {size:.1e}: {groups}, {text}")


def _outside(value: float, lower: Decimal, upper: Decimal) -> float:
    """Distance of a number from an enclosure, relative to its lower end; infinite for NaN."""
    if math.isnan(value):
        return math.inf
    distance = max(lower - Decimal(value), Decimal(value) - upper, Decimal(0))
    if distance == 0:
        return 0.0
    return float(distance / lower) if lower > 0 else math.inf
