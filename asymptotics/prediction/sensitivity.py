"""Partial derivatives of the risk in the parameters of a problem."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..domains import RETRAINING
from ..line.grid import NUMBERS, Grid, RulesLike, as_grid, asked_refit
from ..line.rows import accepted, in_floats, quadrature_errors
from ..line.slopes import (
    Slopes,
    differentiated,
    finds_exactly,
    relative_differences,
    rounding_errors,
    second_excess,
)
from ..outcomes import Status
from ..population import Population, as_population
from ..results import GridResult
from ..theory.fixed_points import features_excess
from ..theory.rules import GainRule, Oracle, Random, WeightRule

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
        inside.  NaN where there is no derivative, and where rounding, or a finer quadrature of a
        continuous law, changes it by more than 1e-8, or the population's tolerance if that is
        larger.  An example is `d_ridge` at ridge 0, which is infinite for a law with a density at
        eigenvalue 0.  Changes are relative to the slope, or to its typical size if that is larger:
        the risk over max(kappa, 1), 2 sigma, the risk, and the risk over the mean eigenvalue.
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
    shown: ClassVar[tuple[str, ...]] = (
        "risk",
        "d_kappa",
        "d_sigma",
        "d_alpha",
        "d_ridge",
        "status",
    )
    outcome = "status"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.risk.shape

    def notes(self) -> Iterator[str]:
        if (self.status == Status.NO_SLOPE).any():
            yield f"{Status.NO_SLOPE}: {Status.NO_SLOPE.cause}"


Sensitivity.columns = tuple(field.name for field in fields(Sensitivity))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RetrainedSensitivity(Sensitivity):
    """Slopes of the risks before and after a second fit of the weights kept.

    Attributes
    ----------
    retrain_ridge, retrain_towards
        The second fit, as in `RetrainedRisk`.
    retrained_risk
        The predicted risk after it.
    retrained_d_kappa, retrained_d_sigma, retrained_d_alpha, retrained_d_ridge
        Its partial derivatives; all that is said of those of `risk` holds for them.
    retrained_d_retrain_ridge
        Its partial derivative in the ridge of the second fit.
    retrained_status
        As `status`, for the second fit alone.
    """

    retrain_ridge: Array
    retrain_towards: Array
    retrained_risk: Array
    retrained_d_kappa: Array
    retrained_d_sigma: Array
    retrained_d_alpha: Array
    retrained_d_ridge: Array
    retrained_d_retrain_ridge: Array
    retrained_status: Array

    grid = (*Sensitivity.grid, "retrain_ridge", "retrain_towards")
    shown = (
        *(name for name in Sensitivity.shown if name != "status"),
        "retrained_risk",
        *(f"retrained_d_{key}" for key in (*NUMBERS, *RETRAINING)),
        "status",
        "retrained_status",
    )

    def notes(self) -> Iterator[str]:
        missing = (self.status == Status.NO_SLOPE) | (self.retrained_status == Status.NO_SLOPE)
        if missing.any():
            yield f"{Status.NO_SLOPE}: {Status.NO_SLOPE.cause}"


RetrainedSensitivity.columns = tuple(field.name for field in fields(RetrainedSensitivity))


@QUIET
def sensitivity(
    population: Population,
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any = 0.0,
    rule: RulesLike = "magnitude",
    *,
    retrain: bool = False,
    retrain_ridge: Any = None,
    retrain_towards: Any = None,
) -> Sensitivity:
    r"""The partial derivatives of the risk in kappa, sigma, alpha and ridge.

    The formulas that `risk` evaluates are differentiated operation by operation (automatic
    differentiation).  The effective ridge and the threshold, which are roots of
    :math:`F(x,\theta)=0`, are differentiated by the implicit function theorem,
    :math:`dx/d\theta = -F_\theta/F_x`.  So the only errors are rounding errors, as in `risk`.
    They are measured by the slopes of the same problem in other units, wherever they may matter.

    The parameters are those of `risk`, in double precision.  With ``retrain=True`` the result is a
    `RetrainedSensitivity`, with the slopes of the risk after a second fit as well.  Raises
    `InvalidInput` for the same values as `risk`.

    >>> from asymptotics import Population, sensitivity
    >>> slopes = sensitivity(Population.isotropic(), kappa=0.5, sigma=1, alpha=1)
    >>> slopes.d_kappa.item()  # of sigma² / (1 - kappa)
    4.0
    >>> slopes.d_ridge.item()  # a small ridge helps
    -8.0
    """
    population = as_population(population)
    refit = asked_refit(retrain, retrain_ridge, retrain_towards)
    grid = as_grid(kappa, sigma, alpha, ridge, rule, refit)
    flat = grid.in_floats().flat()
    most = accepted(population)
    found = differentiated(population, flat)
    for slopes, error in zip(found, rounding_errors(population, flat, found), strict=True):
        # "not <=" rather than ">", so that an error that is NaN counts as too large.
        slopes.slope[~(error <= most)] = np.nan
    found = _settled(population, flat, found)
    missed = [np.zeros(flat.rule.size)] * len(found)
    finer: Sequence[Slopes] = ()
    if population.finer is not None:
        quadrature = quadrature_errors(population, flat, in_floats(population, flat))
        missed = [quadrature.risk, quadrature.retrained_risk]
        finer = _settled(population.finer, flat, differentiated(population.finer, flat))
    columns = flat.columns
    for index, slopes in enumerate(found):
        value, error = slopes.value, missed[index]
        if finer:
            # The change is large, and the slope refused, where the exact slope is infinite: in the
            # ridge at 0, for a law with features near eigenvalue 0.
            changes = relative_differences(slopes, finer[index].slope, flat, population)
            slopes.slope[~(changes <= most)] = np.nan
        status = np.where(np.isnan(slopes.slope).any(axis=-1), Status.NO_SLOPE, Status.OK)
        status = np.where(np.isinf(value), Status.DIVERGES, status)
        failed = ~(np.maximum(slopes.residual, error) <= most) | np.isnan(value)
        status = np.where(failed, Status.NO_CONVERGENCE, status)
        value[failed] = np.nan
        slopes.slope[failed | np.isinf(value)] = np.nan
        prefix = "retrained_" if index else ""
        names = (*NUMBERS, *RETRAINING)[: slopes.slope.shape[-1]]
        columns |= {f"{prefix}d_{key}": slopes.slope[:, place] for place, key in enumerate(names)}
        columns |= {f"{prefix}risk": value, f"{prefix}status": status}
    kind = Sensitivity if refit is None else RetrainedSensitivity
    return kind(**{key: column.reshape(grid.shape) for key, column in columns.items()})


def _settled(population: Population, flat: Grid, found: list[Slopes]) -> list[Slopes]:
    """The same slopes, put right or NaN where differentiating the formulas gives wrong ones."""
    for slopes in found:
        _settle_exceptions(slopes.slope, flat, population)
    if flat.refit is not None:
        _settle_second_fit(found[1].slope, flat, population)
    return found


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
    noisy = flat.rows_where(lambda rule: rule.sees_noise)
    by_exact_weight = finds_exactly(population, flat) & noisy
    kink = points & by_exact_weight & (flat.alpha < 1) & ~nothing_kept
    interpolation = (flat.sigma == 0) & (flat.ridge == 0) & _at_threshold(flat, population)
    for key in ("kappa", "sigma", "ridge"):
        slopes[(kink | interpolation) & ~nothing_kept, NUMBERS.index(key)] = np.nan
    # While the threshold is tied with a point mass the risk is linear in alpha.  The slope jumps
    # where the threshold meets the point mass, and where it leaves it.
    oracle = flat.rows_where(lambda rule: isinstance(rule, Oracle))
    atoms = oracle & bool((population.std == 0).any()) | kink
    jump = np.zeros_like(atoms)
    for rule in set(flat.rule[atoms]):
        of_rule = atoms & (flat.rule == rule)
        jump[of_rule] = _is_among(_fractions_at_atoms(rule, population), flat.alpha[of_rule])
    # For the oracle the slope also jumps where alpha equals the mass of all positive scores: from
    # there on it also keeps weights of score 0, at random.
    jump |= oracle & (abs(flat.alpha - _with_signal(population)) <= _SAME_MASS)
    # The first weights that are dropped are not small if all are points, and those of least gain
    # may have any gain.
    gains = flat.rows_where(lambda rule: isinstance(rule, GainRule))
    jump |= (flat.alpha == 1) & (gains | points & by_exact_weight)
    slopes[jump, NUMBERS.index("alpha")] = np.nan


def _settle_second_fit(slopes: Array, flat: Grid, population: Population) -> None:
    """Set further slopes of a second fit to NaN, in place."""
    alive, scored = float(population.mass_above(0).value), _with_signal(population)
    kept, exact = flat.alpha > 0, finds_exactly(population, flat)
    # At ridge 0 without noise what the ridge leaves over and the noise of the first fit both
    # vanish, and dual numbers do not see how fast.
    slopes[exact & kept, NUMBERS.index("ridge")] = np.nan
    # With more weights than positive eigenvalues the second fit gets no further features.
    random = flat.rows_where(lambda rule: isinstance(rule, Random))
    missing = ~random & (abs(flat.alpha - alive) <= _SAME_MASS)
    # The first weights that are dropped free a feature for the second fit.  Numbers of which each
    # counts as kept do not see it, and no gain is the least one.
    seen = flat.rows_where(lambda rule: isinstance(rule, GainRule)) | (alive == 1)
    missing |= ~random & (flat.alpha == 1) & seen
    # Weights of B = 0 that are found exactly tie at score 0, with those of eigenvalue 0.  Any noise
    # orders them, and mixes them with the smallest others.
    by_exact_weight = exact & flat.rows_where(lambda rule: rule.sees_noise)
    missing |= by_exact_weight & (abs(flat.alpha - scored) <= _SAME_MASS)
    slopes[missing, NUMBERS.index("alpha")] = np.nan
    ordered = by_exact_weight & (flat.alpha >= scored - _SAME_MASS) & (flat.alpha < 1)
    slopes[ordered & kept & (scored < alive), NUMBERS.index("sigma")] = np.nan
    # The first fit is infinite at the threshold, and the second is not; nor has it a slope in what
    # moves the first fit off the threshold.
    first = _at_threshold(flat, population) & (flat.ridge == 0)
    for key in ("kappa", "ridge"):
        slopes[first & kept, NUMBERS.index(key)] = np.nan
    # At its own threshold the second fit may be finite, but is infinite beside it.
    unridged = np.zeros_like(random) if flat.refit is None else flat.refit.retrain_ridge == 0
    slopes[unridged & (second_excess(population, flat) == 0)] = np.nan


def _at_threshold(flat: Grid, population: Population) -> Array:
    """Where kappa P(Λ>0) = 1.

    As in the fixed point, a kappa within a few roundings of the threshold counts as at it.
    """
    return features_excess(flat.kappa, population.mass_above(0), FLOAT64) == 0


def _with_signal(population: Population) -> float:
    """The fraction of the features that have an eigenvalue and a coefficient other than 0."""
    signal = (population.std > 0) | (population.mean != 0)
    return float(population.weight @ ((population.eigenvalue > 0) & signal))


def _fractions_at_atoms(rule: WeightRule | GainRule | Oracle, population: Population) -> Array:
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
