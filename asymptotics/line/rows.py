"""Rows of a grid through the theory line, in the numbers of any arithmetic."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, QUIET, Arithmetic, Array
from ..outcomes import Status
from ..population import Population, neighbours_of_a_law
from ..theory import (
    FixedPoint,
    PrunedRisk,
    Rule,
    Threshold,
    channel,
    kept_share,
)
from ..theory.channels import Channel
from ..theory.fixed_points import trained
from ..theory.risk import null_risk_at, pruned_risk_at
from ..theory.rules import Random, WeightRule
from ..theory.thresholds import threshold_at
from .grid import Grid, batches, parts
from .rounding import LEAST, RelativeErrors, relative_errors

#: Called with the number of rows done and their total.
Progress = Callable[[int, int], object]
#: The largest error, relative to the risk, of a number that is given.
ACCEPTED = 1e-8
#: A share that falls by more between two nodes is not seen to be smooth.  Of 3,600 problems with
#: uniform eigenvalues, halved panels saw every error above 1e-8 where it fell by less than a half.
_STEEP = 0.4
#: A part of the weights that is smaller counts as so large in the residual of many digits.
_FEWEST = 1e-8


class Rows(NamedTuple):
    """What is computed for each row of a flat grid, beside its fixed point."""

    risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    residual: Array


@QUIET
def evaluate(
    population: Population,
    fixed: FixedPoint,
    sigma: Array,
    alpha: Array,
    rule: Rule,
    arithmetic: Arithmetic,
) -> Rows:
    """Rows of one rule."""
    infinite = fixed.gamma == arithmetic.infinity
    # Finite in what follows; where anything is kept, the infinity is put back at the end.
    fixed = fixed._replace(gamma=arithmetic.where(infinite, 1, fixed.gamma))
    law = channel(population, fixed, arithmetic)
    cut = threshold_at(rule.score(law, arithmetic), alpha, arithmetic)
    parts = pruned_risk_at(law, sigma, rule, cut, arithmetic)

    errors = _errors(law, rule, cut, parts, alpha, arithmetic)
    diverges = infinite & (alpha > 0)
    unknown = diverges & isinstance(rule, WeightRule)
    absent = unknown | (alpha == 0) | isinstance(rule, Random) | (errors.threshold > ACCEPTED)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    error = where(diverges, 0, errors.risk)
    if not arithmetic.exact:
        error = where(_underflows(fixed, population), infinity, error)
    return Rows(
        risk=where(diverges, infinity, parts.risk),
        noise=parts.noise,
        kept_error=where(diverges, infinity, parts.kept_error),
        dropped_signal=where(unknown, nan, parts.dropped_signal),
        threshold=where(absent, nan, cut.value),
        residual=arithmetic.maximum(error, fixed.residual),  # in this order NaN stays NaN
    )


def in_floats(
    population: Population, grid: Grid, progress: Progress | None = None
) -> tuple[FixedPoint, Rows]:
    """All rows of a grid in double precision, as columns of its flat form."""
    shape = grid.shape
    fixed = FixedPoint(
        *(np.broadcast_to(x, shape).ravel() for x in _fixed_points(population, grid))
    )
    sigma, alpha = (np.broadcast_to(x, shape).ravel() for x in (grid.sigma, grid.alpha))
    rows = Rows(*np.full((len(Rows._fields), alpha.size), np.nan))
    done = 0
    for rule, part in batches(grid.rule, shape, len(population)):
        some = FixedPoint(*(x[part] for x in fixed))
        values = evaluate(population, some, sigma[part], alpha[part], rule, FLOAT64)
        for column, value in zip(rows, values, strict=True):
            column[part] = value
        done += part.size
        if progress:
            progress(done, alpha.size)
    return fixed, rows


def _fixed_points(population: Population, grid: Grid) -> FixedPoint:
    """The trained models of a grid, before they are spread over alpha and rule."""
    inputs = np.broadcast_arrays(grid.kappa, grid.sigma, grid.ridge)
    shape, (kappa, sigma, ridge) = inputs[0].shape, (x.ravel() for x in inputs)
    fixed = FixedPoint(*np.empty((len(FixedPoint._fields), kappa.size)))
    for part in parts(np.arange(kappa.size), len(population)):
        some = trained(population, kappa[part], sigma[part], ridge[part], FLOAT64)
        for column, value in zip(fixed, some, strict=True):
            column[part] = value
    return FixedPoint(*(column.reshape(shape) for column in fixed))


def accepted(population: Population) -> float:
    """The largest relative error of a risk with status ok.

    A population that stands for a continuous law only to a larger tolerance is asked for no more.
    """
    return max(ACCEPTED, population.tolerance)


def quadrature_errors(
    population: Population, grid: Grid, computed: tuple[FixedPoint, Rows]
) -> RelativeErrors:
    """What a finer quadrature of the population's law changes, relative to its results.

    The tolerance of a population bounds the errors of moments, at scales at which the law has
    mass.  A risk may see less than that: an effective ridge far below the eigenvalues, a kappa next
    to the interpolation threshold, or scores that hardly vary but with the eigenvalue, so that the
    threshold falls between two nodes.  Then the finer groups give another risk, or, where both
    are wrong alike, all weights of one node are kept and hardly any of the next.
    """
    fixed, rows = computed
    if population.finer is None:
        return RelativeErrors(np.zeros_like(rows.risk), np.zeros_like(rows.risk))
    finer, finer_rows = in_floats(population.finer, grid)
    jumps = FLOAT64.ratio(_jumps(population, grid, fixed), rows.risk)  # a risk of 0 has no error
    risk, tau, gamma = (
        _change(coarse, fine)
        for coarse, fine in (
            (rows.risk, finer_rows.risk),
            (fixed.tau, finer.tau),
            (fixed.gamma, finer.gamma),
        )
    )
    changes = (risk, tau, gamma, jumps)
    return RelativeErrors(np.maximum.reduce(changes), _change(rows.threshold, finer_rows.threshold))


def _jumps(population: Population, grid: Grid, fixed: FixedPoint) -> Array:
    """What is not known of the risk where the kept share falls between two nodes of a law.

    Along a law the share of the weights that are kept is a smooth function, which a quadrature
    integrates well if its nodes see how it falls.  Where it falls by more than `_STEEP` between two
    neighbours, the features between them may be kept or dropped.  The risk may be off by what that
    costs, times the weight of a node.
    """
    shape, neighbours = grid.shape, neighbours_of_a_law(population)
    alpha = np.broadcast_to(grid.alpha, shape).ravel()
    found = np.zeros(alpha.size)
    weight = population.groups().weight
    heavier = np.maximum(weight[1:], weight[:-1])
    for rule, part in batches(grid.rule, shape, len(population)):
        some = FixedPoint(*(x[part] for x in fixed))
        finite = np.where(np.isinf(some.gamma), 1, some.gamma)
        law = channel(population, some._replace(gamma=finite))
        kept = kept_share(law, rule, threshold_at(rule.score(law), alpha[part], FLOAT64))
        moment = law.mean**2 + law.std**2
        cost = law.eigenvalue * abs((law.bias**2 - 1) * moment + law.noise)
        fall = abs(np.diff(kept))
        steep = neighbours & (fall > _STEEP)
        dearer = np.maximum(cost[..., 1:], cost[..., :-1])
        found[part] = np.where(steep, fall * heavier * dearer, 0).sum(axis=-1)
    return found


def risk_columns(
    population: Population, grid: Grid, progress: Progress | None = None
) -> dict[str, Array]:
    """Columns of a flat grid in double precision; NaN where they may be wrong by more than 1e-8."""
    fixed, rows = in_floats(population, grid, progress)
    sigma = np.broadcast_to(grid.sigma, grid.shape).ravel()
    missed, most = quadrature_errors(population, grid, (fixed, rows)), accepted(population)
    rows = rows._replace(
        threshold=np.where(missed.threshold <= most, rows.threshold, np.nan),
        residual=np.maximum(rows.residual, missed.risk),
    )
    failed = ~(rows.residual <= most) | np.isnan(rows.risk)
    status = np.where(np.isinf(rows.risk), Status.DIVERGES, Status.OK)
    status = np.where(failed, Status.NO_CONVERGENCE, status)
    for column in (rows.risk, rows.kept_error, rows.dropped_signal, rows.threshold):
        column[failed] = np.nan
    return rows._asdict() | {
        "tau": fixed.tau,
        "gamma": fixed.gamma,
        "unpruned_risk": fixed.gamma,
        "null_risk": null_risk_at(population, sigma, FLOAT64),
        "status": status,
    }


def _change(coarse: Array, fine: Array) -> Array:
    """The relative difference of numbers; 0 for equal ones, infinite where one is not there."""
    same = (coarse == fine) | (np.isnan(coarse) & np.isnan(fine))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = abs(coarse / fine - 1)
    return np.where(same, 0.0, np.where(np.isfinite(change), change, np.inf))


def _errors(
    law: Channel,
    rule: Rule,
    cut: Threshold,
    parts: PrunedRisk,
    alpha: Array,
    arithmetic: Arithmetic,
) -> RelativeErrors:
    """How far the risk and the threshold may be off, relative to these."""
    if arithmetic.exact:
        # What more digits leave out shows when they are taken twice.
        few = arithmetic.maximum(arithmetic.minimum(alpha, 1 - alpha), _FEWEST)
        return RelativeErrors(parts.missed(alpha, arithmetic) / few, 0 * alpha)
    law = Channel(*map(arithmetic.plain, law))
    cut, parts = cut.mapped(arithmetic.plain), PrunedRisk(*map(arithmetic.plain, parts))
    return relative_errors(law, rule, cut, parts, arithmetic.plain(alpha))


def _underflows(fixed: FixedPoint, population: Population) -> Array:
    """Whether the noise level is there, but too small a float."""
    there = (fixed.gamma > 0) | (fixed.tau > 0) & (population.signal > 0)
    return (fixed.gamma < LEAST) & there
