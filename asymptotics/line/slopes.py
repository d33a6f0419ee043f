r"""The slopes of the risk at the rows of a grid, and the error that rounding leaves in them.

Dual numbers differentiate the formulas operation by operation.  Each operation rounds, and a slope
may be the small difference of large terms where the risk is not: without noise to speak of, next to
an interpolation threshold, or where hardly a weight is dropped.

The error of rounding is measured.  In other units of features and coefficients,

.. math:: \Lambda\to u\Lambda,\quad B\to cB,\quad \sigma\to\sqrt u\,c\,\sigma,\quad r\to ur,

the same problem has the risk :math:`uc^2R`, but every operation rounds another way.  So the slopes,
brought back to the old units, differ by about their errors.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Array
from ..arithmetic.base import Mass
from ..arithmetic.dual import DualNumbers
from ..domains import RETRAINING
from ..errors import InvalidInput
from ..population import Population
from ..theory.fixed_points import features_excess, fixed_point_at
from ..theory.risk import null_risk_at
from ..theory.rules import Random
from .grid import NUMBERS, Grid, batches
from .rows import evaluate

#: Units u and c in which slopes are computed once more, no powers of 2 or of each other.
_UNITS = ((0.73, 1.19), (1.41, 0.87))
#: Rows whose numbers are no smaller than these lose so few digits that it is not measured: the
#: shares kept and dropped, risk and noise in units of the null risk, ridges in units of the mean
#: eigenvalue, features per sample, and their distance from interpolation.
_SMALLEST_SHARE, _SMALLEST_RISK, _SMALLEST_RIDGE = 1e-4, 1e-4, 1e-6
_SMALLEST_KAPPA = _SMALLEST_EXCESS = 1e-3
#: The same for a second fit, of shares and of distances from interpolation: it loses more digits
#: where it is nearly the first fit, or has next to no weights.
_SMALLEST_OF_SECOND = 0.02


class Slopes(NamedTuple):
    """A risk of a flat grid, its slopes along the last axis, and its residual as in `Rows`.

    The slopes are those in `NUMBERS`; the risk after a second fit has one in its own ridge as well,
    which is the last.
    """

    value: Array
    slope: Array
    residual: Array


@QUIET
def differentiated(population: Population, flat: Grid) -> list[Slopes]:
    """The risk with its slopes, and the risk after a second fit with its slopes, if there is one.

    Where a risk has no slope, as at a kink, the number is meaningless.
    """
    refit, size = flat.refit, flat.rule.size
    counts = [len(NUMBERS)] if refit is None else [len(NUMBERS), len(NUMBERS) + 1]
    found = [
        Slopes(np.full(size, np.nan), np.full((size, count), np.nan), np.full(size, np.nan))
        for count in counts
    ]
    arithmetic = DualNumbers(counts[-1])
    # A dual number holds a value and a slope for each parameter, so batches are that much smaller.
    groups = len(population) * (1 + counts[-1])
    for each, part in batches(flat.rule, flat.rule.shape, groups):
        numbers = {
            key: arithmetic.parameter(getattr(flat, key)[part], index)
            for index, key in enumerate(NUMBERS)
        }
        at = flat.take(part)._replace(**numbers)
        if at.refit is not None:
            ridge = arithmetic.parameter(at.refit.retrain_ridge, len(NUMBERS))
            at = at._replace(refit=at.refit._replace(retrain_ridge=ridge))
        fixed = fixed_point_at(population, at.kappa, at.sigma, at.ridge, arithmetic)
        rows = evaluate(population, fixed, at, each, arithmetic)
        risks = (rows.risk, rows.retrained_risk)
        residuals = (rows.residual, rows.retrained_residual)
        for slopes, count, risk, residual in zip(found, counts, risks, residuals, strict=False):
            slopes.value[part] = arithmetic.plain(risk)
            slopes.slope[part] = arithmetic.slope(risk)[:, :count]
            slopes.residual[part] = arithmetic.plain(residual)
    return found


def relative_differences(
    slopes: Slopes, others: Array, flat: Grid, population: Population
) -> Array:
    """The difference of each slope from another value of it, relative to the slope.

    A slope may nearly vanish, so the difference is relative to no less than the typical size of a
    slope, which the dictionary below gives for each parameter.
    """
    mean_eigenvalue = float(population.weight @ population.eigenvalue)
    value, slope = slopes.value, slopes.slope
    typical = {
        "kappa": value / np.maximum(flat.kappa, 1),
        "sigma": 2 * flat.sigma,
        "alpha": value,
        "ridge": value / mean_eigenvalue,
        "retrain_ridge": value / mean_eigenvalue,
    }
    names = (*NUMBERS, *RETRAINING)[: slope.shape[-1]]
    size = np.column_stack([typical[key] for key in names])
    return FLOAT64.ratio(abs(slope - others), np.maximum(abs(slope), size))


@QUIET
def rounding_errors(population: Population, flat: Grid, found: Sequence[Slopes]) -> list[Array]:
    """How much each slope, relative to its size, differs in other units; 0 for benign rows.

    Units in which a number of the population is out of range are left out.
    """
    errors = [np.zeros_like(slopes.slope) for slopes in found]
    rows = np.flatnonzero(~_benign(population, flat, found))
    if not rows.size:
        return errors
    some = flat.take(rows)
    for unit, coefficient in _UNITS:
        try:
            same = population.in_units(unit, coefficient)
        except InvalidInput:
            continue
        others = differentiated(same, _in_units(some, unit, coefficient))
        scale = np.array([1, sqrt(unit) * coefficient, 1, unit, unit]) / (unit * coefficient**2)
        for error, slopes, other in zip(errors, found, others, strict=True):
            here = Slopes(*(x[rows] for x in slopes))
            there = other.slope * scale[: other.slope.shape[-1]]
            change = relative_differences(here, there, some, population)
            error[rows] = np.maximum(error[rows], change)  # which keeps NaN
    return errors


def _in_units(flat: Grid, unit: float, coefficient: float) -> Grid:
    """The problems of a flat grid in other units."""
    refit = flat.refit
    if refit is not None:
        refit = refit._replace(retrain_ridge=refit.retrain_ridge * unit)
    sigma = flat.sigma * (sqrt(unit) * coefficient)
    return flat._replace(sigma=sigma, ridge=flat.ridge * unit, refit=refit)


def _benign(population: Population, flat: Grid, found: Sequence[Slopes]) -> Array:
    """Whether no slope of a row can have lost many digits."""
    null = null_risk_at(population, flat.sigma, FLOAT64)
    least_ridge = _SMALLEST_RIDGE * float(population.weight @ population.eigenvalue)
    excess = features_excess(flat.kappa, population.mass_above(0), FLOAT64)
    smaller = np.minimum(flat.alpha, 1 - flat.alpha)
    benign = (smaller == 0) | (smaller >= _SMALLEST_SHARE)
    benign &= (flat.kappa >= _SMALLEST_KAPPA) & (abs(excess) >= _SMALLEST_EXCESS)
    benign &= (flat.ridge == 0) | (flat.ridge >= least_ridge)
    # Where the coefficients are found exactly there is no noise that could be small beside them.
    benign &= finds_exactly(population, flat) | (flat.sigma**2 >= _SMALLEST_RISK * null)
    for slopes in found:
        benign &= ~(slopes.value < _SMALLEST_RISK * null)
    if flat.refit is not None:
        ridge = flat.refit.retrain_ridge
        benign &= (ridge == 0) | (ridge >= least_ridge)
        for number in (smaller, abs(excess), abs(second_excess(population, flat))):
            benign &= number >= _SMALLEST_OF_SECOND
    return np.asarray(benign)


def finds_exactly(population: Population, flat: Grid) -> Array:
    """Where the first fit finds all coefficients exactly: least squares without noise."""
    excess = features_excess(flat.kappa, population.mass_above(0), FLOAT64)
    return (flat.sigma == 0) & (flat.ridge == 0) & (excess <= 0)


def second_excess(population: Population, flat: Grid) -> Array:
    """The features of a second fit per sample, less 1; 0 within roundings of it."""
    alive = population.mass_above(0)
    scattered, few, all_alive = (
        features_excess(flat.kappa, share, FLOAT64)
        for share in (alive.part(flat.alpha), Mass(flat.alpha, 0 * flat.alpha), alive)
    )
    random = flat.rows_where(lambda rule: isinstance(rule, Random))
    return np.where(random, scattered, np.minimum(few, all_alive))
