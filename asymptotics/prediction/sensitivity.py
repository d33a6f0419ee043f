"""Partial derivatives of the risk in the parameters of a problem."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..line.grid import NUMBERS, Grid, RulesLike, as_grid, batches
from ..line.rows import accepted, evaluate, in_floats, quadrature_errors
from ..outcomes import Status
from ..population import Population, as_population
from ..results import GridResult
from ..theory.fixed_points import fixed_point_at
from ..theory.rules import Oracle, WeightRule

#: Fractions that differ by no more than this count as equal.
_SAME_MASS = 1e-12
#: Scores whose relative difference is smaller are tied.
_SAME_SCORE = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(GridResult):
    """Slopes of the risk over a grid; every array has the grid's shape.

    Attributes
    ----------
    kappa, sigma, alpha, ridge, rule
        The grid.
    risk
        The predicted risk.
    d_kappa, d_sigma, d_alpha, d_ridge
        Its partial derivatives; at an end of a parameter's domain, the one-sided derivative from
        inside.  NaN where there is no derivative, and where a finer quadrature of a continuous law
        changes it by more than 1e-8, or the population's tolerance if that is larger.  An example
        is `d_ridge` at ridge 0, which is infinite for a law with a density at eigenvalue 0.
    status
        ``"ok"``, ``"diverges"`` (the risk is infinite), ``"no slope"`` (a slope is missing) or
        ``"no convergence"``.
    """

    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    risk: Array
    d_kappa: Array
    d_sigma: Array
    d_alpha: Array
    d_ridge: Array
    status: Array

    columns: ClassVar[tuple[str, ...]] = ()
    shown = ("risk", "d_kappa", "d_sigma", "d_alpha", "d_ridge", "status")
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def notes(self) -> Iterator[str]:
        if (self.status == Status.NO_SLOPE).any():
            yield f"{Status.NO_SLOPE}: {Status.NO_SLOPE.cause}"


Sensitivity.columns = tuple(field.name for field in fields(Sensitivity))


@QUIET
def sensitivity(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
) -> Sensitivity:
    r"""The partial derivatives of the risk in kappa, sigma, alpha and ridge.

    The formulas that `risk` evaluates are differentiated operation by operation (automatic
    differentiation).  The effective ridge and the threshold, which are roots of
    :math:`F(x,\theta)=0`, are differentiated by the implicit function theorem,
    :math:`dx/d\theta = -F_\theta/F_x`.  So the only errors are rounding errors, as in `risk`.

    The parameters are those of `risk`, in double precision.  Raises `InvalidInput` for the same
    values as `risk`.

    >>> from asymptotics import Population, sensitivity
    >>> slopes = sensitivity(Population.isotropic(), kappa=0.5, sigma=1, alpha=1)
    >>> slopes.d_kappa.item()  # of sigma² / (1 - kappa)
    4.0
    >>> slopes.d_ridge.item()  # a small ridge helps
    -8.0
    """
    population = as_population(population)
    grid = as_grid(kappa, sigma, alpha, ridge, rule)
    flat = grid.in_floats().flat()
    value, slopes, residual = _slopes(population, flat)
    _settle_exceptions(slopes, flat, population)
    if population.finer is not None:
        missed = quadrature_errors(population, flat, in_floats(population, flat)).risk
        residual = np.maximum(residual, missed)
        finer = _slopes(population.finer, flat)[1]
        _settle_exceptions(finer, flat, population.finer)
        mean = float(population.weight @ population.eigenvalue)
        changes = _relative_changes(slopes, finer, value, flat, mean)
        # "not <=" rather than ">", so that a change that is NaN counts as too large.
        slopes[~(changes <= accepted(population))] = np.nan
    status = np.where(np.isnan(slopes).any(axis=-1), Status.NO_SLOPE, Status.OK)
    status = np.where(np.isinf(value), Status.DIVERGES, status)
    failed = ~(residual <= accepted(population)) | np.isnan(value)
    status = np.where(failed, Status.NO_CONVERGENCE, status)
    value[failed] = np.nan
    slopes[failed | np.isinf(value)] = np.nan
    columns = {f"d_{key}": slopes[:, index] for index, key in enumerate(NUMBERS)}
    columns |= {"risk": value, "status": status, **flat.columns}
    return Sensitivity(**{key: column.reshape(grid.shape) for key, column in columns.items()})


def _slopes(population: Population, flat: Grid) -> tuple[Array, Array, Array]:
    """The risk of a flat grid, its slopes in `NUMBERS`, and its residual as in `Rows`."""
    from ..arithmetic.dual import DualNumbers

    arithmetic = DualNumbers(len(NUMBERS))
    value = np.full(flat.rule.size, np.nan)
    slopes = np.full((flat.rule.size, len(NUMBERS)), np.nan)
    residual = np.full(flat.rule.size, np.nan)
    # A dual number holds a value and a slope for each parameter, so batches are that much smaller.
    groups = len(population) * (1 + len(NUMBERS))
    for each, part in batches(flat.rule, flat.rule.shape, groups):
        numbers = {
            key: arithmetic.parameter(getattr(flat, key)[part], index)
            for index, key in enumerate(NUMBERS)
        }
        at = flat.take(part)._replace(**numbers)
        fixed = fixed_point_at(population, at.kappa, at.sigma, at.ridge, arithmetic)
        rows = evaluate(population, fixed, at, each, arithmetic)
        value[part], slopes[part] = arithmetic.plain(rows.risk), arithmetic.slope(rows.risk)
        residual[part] = arithmetic.plain(rows.residual)
    return value, slopes, residual


def _relative_changes(
    slopes: Array, finer: Array, value: Array, flat: Grid, mean_eigenvalue: float
) -> Array:
    """The difference of each slope from that of a finer quadrature, relative to the slope.

    A slope may nearly vanish, so the difference is relative to no less than the typical size of a
    slope, which the dictionary below gives for each parameter.  The change is large, and the
    slope refused, where the exact slope is infinite: in the ridge at 0, for a law with features
    near eigenvalue 0.
    """
    typical = {
        "kappa": value / np.maximum(flat.kappa, 1),
        "sigma": 2 * flat.sigma,
        "alpha": value,
        "ridge": value / mean_eigenvalue,
    }
    size = np.column_stack([typical[key] for key in NUMBERS])
    return FLOAT64.ratio(abs(slopes - finer), np.maximum(abs(slopes), size))


def _settle_exceptions(slopes: Array, flat: Grid, population: Population) -> None:
    """Set the slopes, in place, at points where differentiating the formulas gives wrong ones.

    These are the points at which the risk has no derivative (the slope becomes NaN), and alpha = 0,
    where the risk is the null risk, sigma² + E[Λ B²].
    """
    nothing_kept = flat.alpha == 0
    slopes[nothing_kept] = 0
    slopes[nothing_kept, NUMBERS.index("sigma")] = 2 * flat.sigma[nothing_kept]
    slopes[nothing_kept, NUMBERS.index("alpha")] = np.nan
    # Least squares without noise finds the coefficients exactly: all weights of a point mass are
    # equal, and tie.  Any noise orders them by chance, so the risk has a kink or a jump here.  It
    # also has one at the interpolation threshold, kappa P(Λ>0) = 1.
    points = ((population.std == 0) & (population.mean != 0) & (population.eigenvalue > 0)).any()
    share = float(population.mass_above(0).value)
    # As in the fixed point, a kappa within a few roundings of the threshold counts as at it.
    at_threshold = abs(flat.kappa * share - 1) <= FLOAT64.indistinct
    exact = (flat.sigma == 0) & (flat.ridge == 0) & (flat.kappa * share < 1) & ~at_threshold
    by_weight = np.array([isinstance(rule, WeightRule) for rule in flat.rule], dtype=bool)
    kink = points & exact & by_weight & (flat.alpha < 1) & ~nothing_kept
    interpolation = (flat.sigma == 0) & (flat.ridge == 0) & at_threshold
    for key in ("kappa", "sigma", "ridge"):
        slopes[(kink | interpolation) & ~nothing_kept, NUMBERS.index(key)] = np.nan
    # While the threshold is tied with a point mass the risk is linear in alpha.  The slope jumps
    # where the threshold meets the point mass, and where it leaves it.
    oracle = np.array([isinstance(rule, Oracle) for rule in flat.rule], dtype=bool)
    atoms = oracle & bool((population.std == 0).any()) | kink
    jump = np.zeros_like(atoms)
    for rule in set(flat.rule[atoms]):
        of_rule = atoms & (flat.rule == rule)
        jump[of_rule] = _is_among(_fractions_at_atoms(rule, population), flat.alpha[of_rule])
    # For the oracle the slope also jumps where alpha equals the mass of all positive scores: from
    # there on it also keeps weights of score 0, at random.
    alive = (population.eigenvalue > 0) & ((population.std > 0) | (population.mean != 0))
    jump |= oracle & (abs(flat.alpha - population.weight @ alive) <= _SAME_MASS)
    slopes[jump, NUMBERS.index("alpha")] = np.nan


def _fractions_at_atoms(rule: WeightRule | Oracle, population: Population) -> Array:
    """The fractions kept when the threshold meets a point mass, and when it leaves it, ascending.

    They are P(score > t) and P(score >= t), with t the score of the point mass.  The rule observes
    the coefficients B themselves, so a score is Λ^q |B|.
    """
    alive = population.eigenvalue > 0
    scale = np.where(alive, population.eigenvalue, 1) ** float(rule.exponent)
    center = abs(population.mean)
    point, wide = alive & (population.std == 0) & (center > 0), alive & (population.std > 0)
    weight, height = population.weight[point], (scale * center)[point]
    cut = height[:, None] / scale[wide]
    std, gap = population.std[wide], cut - center[wide]
    above_of_wide = FLOAT64.part_mass(False, cut / std, center[wide] / std, gap / std)
    tied = abs(height[:, None] - height) <= _SAME_SCORE * height
    above = above_of_wide @ population.weight[wide] + ((height > height[:, None]) & ~tied) @ weight
    return np.sort(np.concatenate([above, above + tied @ weight]))


def _is_among(masses: Array, alpha: Array) -> Array:
    """Whether each `alpha` equals one of the ascending `masses`, up to rounding errors."""
    first = np.searchsorted(masses, alpha - _SAME_MASS)
    return first < np.searchsorted(masses, alpha + _SAME_MASS, "right")
