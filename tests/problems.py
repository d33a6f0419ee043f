"""Random problems in bulk, drawn by NumPy over the domains of `asymptotics.testing` and beyond.

Of a grid of rows each is checked against the enclosure that balls prove for it, and against the
same point computed by itself.
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
ACCURACY = 1e-8


class Domain(NamedTuple):
    """How far numbers are drawn: decimal exponents of what the field names."""

    eigenvalues: float  # largest over smallest
    std: float  # the smallest
    gap: float  # of kappa P(Λ>0) from 1, the smallest
    alpha: float  # the smallest, and of 1 - alpha
    sigma: float  # the smallest
    weight: float  # the smallest
    ridge: float  # the smallest
    kappa: float  # the largest
    exponents: tuple[float, float]
    signals: float = 0  # by how much means and stds are scaled, up and down


DOMAINS = {
    "tame": Domain(8, -3, -3, -4, -3, -3, -6, 3, (-1, 2)),
    "edge": Domain(8, -9, -6, -9, -8, -3, -16, 3, (-1, 2)),
    "extreme": Domain(40, -12, -15, -15.5, -15, -15, -30, 10, (-5, 5), 20),
}


def _magnitudes(rng: np.random.Generator, low: float, high: float, size: int) -> Any:
    return 10 ** rng.uniform(low, high, size)


def _often(rng: np.random.Generator, special: list[float], others: Any, share: float) -> Any:
    """`others`, with a `share` of them replaced by special values."""
    return np.where(rng.random(others.size) < share, rng.choice(special, others.size), others)


def population(rng: np.random.Generator, domain: Domain) -> Population:
    size = int(rng.integers(1, 9))
    half = domain.eigenvalues / 2
    eigenvalue = _often(rng, [1, 2, 4, 10], _magnitudes(rng, -half, half, size), 0.4)
    if rng.random() < 0.25:
        eigenvalue[:] = eigenvalue[0]
    eigenvalue[1:][rng.random(size - 1) < 0.2] = 0
    mean = _often(rng, [0, 1, -1, 2], rng.uniform(-10, 10, size), 0.5)
    std = _often(rng, [0, 1], _magnitudes(rng, domain.std, 1, size), 0.5)
    if rng.random() < 0.2:
        std[:] = 0
    if rng.random() < 0.3:
        scale = _magnitudes(rng, -domain.signals, domain.signals, size)
        mean, std = mean * scale, std * scale
    weight = _often(rng, [1, 2, 3], _magnitudes(rng, domain.weight, 0, size), 0.5)
    return Population(weight, eigenvalue, mean, std)


def problem(rng: np.random.Generator, domain: Domain, rows: int) -> tuple[Any, ...]:
    """The arguments of `risk` for a grid of `rows` points."""
    some = population(rng, domain)
    share = float(some.mass_above(0).value)
    gap = _magnitudes(rng, domain.gap, -0.3, rows)
    near = (1 + rng.choice([-1, 1], rows) * gap) / share
    low = -domain.kappa if domain.signals else -3
    kappa = np.where(rng.random(rows) < 0.3, near, _magnitudes(rng, low, domain.kappa, rows))
    kappa = np.clip(kappa, 1e-40, 1e40)
    alpha = _often(rng, [0.1, 0.3, 0.5], _magnitudes(rng, domain.alpha, -0.3, rows), 0.3)
    alpha = np.where(rng.random(rows) < 0.5, alpha, 1 - alpha)
    sigma = _often(rng, [0, 0, 1, 0.5], _magnitudes(rng, domain.sigma, 1, rows), 0.6)
    ridge = _often(rng, [0, 0, 1], _magnitudes(rng, domain.ridge, 1, rows), 0.6)
    exponents = np.round(rng.uniform(*domain.exponents, rows), 3)
    rule = np.empty(rows, dtype=object)
    for row, exponent in enumerate(exponents):
        named = rng.random() < 0.75
        rule[row] = as_rule(str(rng.choice(NAMES)) if named else {"exponent": float(exponent)})
    return some, kappa, sigma, alpha, ridge, rule


def problems(seed: int, domain: Domain, grids: int, rows: int) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    for _ in range(grids):
        yield problem(rng, domain, rows)


@dataclass
class Findings:
    """What was found of many rows."""

    status: Counter[str] = field(default_factory=Counter)
    #: Certified, but not given in floats; and not certified.
    lost: list[Any] = field(default_factory=list)
    undecided: list[Any] = field(default_factory=list)
    #: Wrong in any way.
    wrong: list[str] = field(default_factory=list)
    worst: float = 0.0

    def add(self, arguments: tuple[Any, ...]) -> None:
        """Check one grid."""
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
        """The row of the grid is the point by itself, to the last bit."""
        if grid.status[row] != alone.status.item():
            self.wrong.append(f"{grid.status[row]} in the grid, {alone.status.item()} alone")
        for name in (*COMPARED, "residual"):
            one, other = getattr(grid, name)[row], getattr(alone, name).item()
            if one != other and not (math.isnan(one) and math.isnan(other)):
                self.wrong.append(f"{name} = {one!r} in the grid, {other!r} alone")

    def judge(self, grid: RiskResult, proof: CertifiedRisk, row: int, point: Any) -> None:
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
        error = _outside(float(grid.risk[row]), proof.lower[row], proof.upper[row])
        self.worst = max(self.worst, error)
        errors = {"risk": error}
        for name in ("threshold", "tau", "gamma", "null_risk"):
            value, exact = float(getattr(grid, name)[row]), getattr(proof, name)[row]
            if not math.isnan(value):  # a threshold may not be told
                errors[name] = float(abs(exact - value) / exact) if exact else abs(value)
        for name in ("kept_error", "dropped_signal"):  # parts of the risk
            gap = abs(getattr(proof, name)[row] - float(getattr(grid, name)[row]))
            errors[name] = float(gap / proof.risk[row]) if gap else 0.0
        for name, size in errors.items():
            if not size <= ACCURACY:
                text = [str(x) for x in point[1:]]
                groups = [x.tolist() for x in point[0].groups()]
                self.wrong.append(f"{name} is off by {size:.1e}: {groups}, {text}")


def _outside(value: float, lower: Decimal, upper: Decimal) -> float:
    """How far a number is from an enclosure, relative to it; infinite for NaN."""
    if math.isnan(value):
        return math.inf
    distance = max(lower - Decimal(value), Decimal(value) - upper, Decimal(0))
    if distance == 0:
        return 0.0
    return float(distance / lower) if lower > 0 else math.inf
