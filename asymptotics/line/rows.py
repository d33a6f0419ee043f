"""Evaluates the rows of a grid: the stages of the theory, in any arithmetic, with their errors.

Three errors limit the accuracy of a row in double precision: the residual of the equation of tau,
rounding (estimated in `rounding`), and for a continuous law the error of its quadrature (estimated
by `quadrature_errors`).  The `residual` of a row is the largest of the three, relative to the risk.
"""

from collections.abc import Callable, Mapping
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
from ..theory.cuts import cut_at
from ..theory.fixed_points import fixed_point_at
from ..theory.risk import null_risk_at, pruned_risk_at
from ..theory.rules import Random
from ..theory.truncated_gaussian import Cuts
from .grid import Grid, batches, parts
from .refits import retrained
from .rounding import LEAST, RelativeErrors, relative_errors

#: Called with the number of rows done and their total.
Progress = Callable[[int, int], object]
#: The largest relative error of a risk that is returned as a number.
ACCEPTED = 1e-8
#: If the kept share falls by more than this between two neighbouring nodes of a law, the quadrature
#: does not resolve the fall.  In 3,600 problems with uniform eigenvalues, a quadrature of halved
#: panels revealed every error above 1e-8 as long as the fall was below a half.
_STEEP = 0.4
#: In the residual of many digits, the error of the fraction kept is relative to the fraction kept
#: or dropped, whichever is smaller, but to no less than this.
_SMALLEST_FRACTION = 1e-8


class Rows(NamedTuple):
    """The quantities of each row of a flat grid that follow from its fixed point."""

    risk: Array
    noise: Array
    kept_error: Array
    dropped_signal: Array
    threshold: Array
    residual: Array
    #: The risk after the second fit, and its residual; NaN without a second fit.
    retrained_risk: Array
    retrained_residual: Array


@QUIET
def evaluate(
    population: Population, fixed: FixedPoint, grid: Grid, rule: Rule, arithmetic: Arithmetic
) -> Rows:
    """The rows of a flat grid that has one `rule`, from their fixed points.

    The parameters of the grid are exact, or numbers of the arithmetic.
    """
    alpha = arithmetic.taken(grid.alpha)
    infinite = fixed.gamma == arithmetic.infinity
    # Where the noise level is infinite the formulas are evaluated at 1.  The results are replaced
    # by infinity at the end, unless alpha = 0: if no weight is kept the risk is finite.
    fixed = fixed._replace(gamma=arithmetic.where(infinite, 1, fixed.gamma))
    law = channel(population, fixed, arithmetic)
    threshold = cut_at(law, rule, alpha, arithmetic)
    pruned = pruned_risk_at(law, grid.sigma, rule, threshold, arithmetic)

    errors = _errors(law, rule, threshold, pruned, alpha, arithmetic)
    diverges = infinite & (alpha > 0)
    # A rule that observes the trained weights has no threshold where these are infinite.
    unknown = diverges & rule.sees_noise
    absent = unknown | (alpha == 0) | isinstance(rule, Random) | (errors.threshold > ACCEPTED)
    where, infinity, nan = arithmetic.where, arithmetic.infinity, arithmetic.nan
    absent = absent | (threshold.value == -infinity)
    error = where(diverges, 0, errors.risk)
    again, again_error = nan + 0 * alpha, 0 * alpha
    if grid.refit is not None:
        again, again_error = retrained(
            population, fixed, infinite, law, threshold, pruned, grid, grid.refit, rule, arithmetic
        )
        # The threshold errs as much in both risks.
        again_error = again_error + error if arithmetic.exact else again_error
    if not arithmetic.exact:
        underflows = _noise_level_underflows(fixed, population)
        error, again_error = (where(underflows, infinity, x) for x in (error, again_error))
    return Rows(
        risk=where(diverges, infinity, pruned.risk),
        noise=pruned.noise,
        kept_error=where(diverges, infinity, pruned.kept_error),
        dropped_signal=where(unknown, nan, pruned.dropped_signal),
        threshold=where(absent, nan, threshold.value),
        # `maximum` returns its first argument if that is NaN, so a failed estimate stays visible.
        residual=arithmetic.maximum(error, fixed.residual),
        retrained_risk=again,
        retrained_residual=arithmetic.maximum(again_error, fixed.residual),
    )


def in_floats(
    population: Population, grid: Grid, progress: Progress | None = None
) -> tuple[FixedPoint, Rows]:
    """All rows of a grid in double precision, as columns of its flat form."""
    shape = grid.shape
    fixed = FixedPoint(
        *(np.broadcast_to(x, shape).ravel() for x in _fixed_points(population, grid))
    )
    flat = grid.flat()
    rows = Rows(*np.full((len(Rows._fields), flat.rule.size), np.nan))
    done = 0
    for rule, part in batches(grid.rule, shape, len(population)):
        some = FixedPoint(*(x[part] for x in fixed))
        values = evaluate(population, some, flat.take(part), rule, FLOAT64)
        for column, value in zip(rows, values, strict=True):
            column[part] = value
        done += part.size
        if progress:
            progress(done, flat.rule.size)
    return fixed, rows


def _fixed_points(population: Population, grid: Grid) -> FixedPoint:
    """The fixed points of a grid, of the shape to which kappa, sigma and ridge broadcast.

    Points that differ only in alpha or rule share one, which is solved for once.
    """
    inputs = np.broadcast_arrays(grid.kappa, grid.sigma, grid.ridge)
    shape, (kappa, sigma, ridge) = inputs[0].shape, (x.ravel() for x in inputs)
    fixed = FixedPoint(*np.empty((len(FixedPoint._fields), kappa.size)))
    for part in parts(np.arange(kappa.size), len(population)):
        some = fixed_point_at(population, kappa[part], sigma[part], ridge[part], FLOAT64)
        for column, value in zip(fixed, some, strict=True):
            column[part] = value
    return FixedPoint(*(column.reshape(shape) for column in fixed))


def accepted(population: Population) -> float:
    """The largest relative error of a risk with status ok.

    It is `ACCEPTED`, or the tolerance of a continuous law if that is larger: its groups approximate
    the law no better.
    """
    return max(ACCEPTED, population.tolerance)


class QuadratureErrors(NamedTuple):
    """Estimated relative errors that the quadrature of a continuous law causes, on a flat grid."""

    risk: Array
    threshold: Array
    retrained_risk: Array


def quadrature_errors(
    population: Population, grid: Grid, computed: tuple[FixedPoint, Rows]
) -> QuadratureErrors:
    """Estimated relative errors of the rows that come from the quadrature of a continuous law.

    The population's tolerance bounds the errors of moments of the law.  The error of a risk can be
    larger: if the effective ridge is far below the eigenvalues, if kappa is close to the
    interpolation threshold, or if scores within a node hardly vary, so that the threshold falls
    between two nodes.  Two estimates detect this, and the larger counts: the relative change of
    risk, tau and gamma under a finer quadrature, and `_jumps`, for the case in which the finer
    quadrature has the same error.
    """
    fixed, rows = computed
    if population.finer is None:
        return QuadratureErrors(*np.zeros((3, rows.risk.size)))
    finer, finer_rows = in_floats(population.finer, grid)
    jumps = _jumps(population, grid, fixed, rows.retrained_risk)
    risk, retrained_risk, tau, gamma, threshold = (
        _change(coarse, fine)
        for coarse, fine in (
            (rows.risk, finer_rows.risk),
            (rows.retrained_risk, finer_rows.retrained_risk),
            (fixed.tau, finer.tau),
            (fixed.gamma, finer.gamma),
            (rows.threshold, finer_rows.threshold),
        )
    )
    # A risk of 0 has no error.
    first, second = (
        np.maximum.reduce([change, tau, gamma, FLOAT64.ratio(jump, value)])
        for change, jump, value in zip(
            (risk, retrained_risk), jumps, (rows.risk, rows.retrained_risk), strict=True
        )
    )
    return QuadratureErrors(first, threshold, second)


def _jumps(
    population: Population, grid: Grid, fixed: FixedPoint, retrained_risk: Array
) -> tuple[Array, Array]:
    r"""Estimated absolute errors of both risks where the kept share jumps between nodes of a law.

    The share of weights kept is a smooth function along the law, which the quadrature integrates
    well if the nodes resolve it.  Where the share falls by more than `_STEEP` between neighbouring
    nodes, it is not known whether the features between them are kept or dropped.  The estimate is
    the sum over such pairs of fall, weight of the heavier node and cost of the dearer node, where
    the cost :math:`|E[\Lambda(B-X)^2] - E[\Lambda B^2]|` is the change of the risk if a feature is
    kept instead of dropped.  After a refit the cost is at most about
    :math:`(\Lambda E[B^2] + \kappa R)\max(1,\rho)/|1-\rho|`, with ``R`` its risk and
    :math:`\rho=\kappa\alpha`: the signal that is lost, and what one feature more or less for each
    sample does to the noise.
    """
    shape, neighbours = grid.shape, neighbours_of_a_law(population)
    flat = grid.flat()
    alpha = flat.alpha
    fitted = flat.kappa * alpha
    amplified = FLOAT64.ratio(np.maximum(1, fitted), abs(1 - fitted), np.inf)
    found = np.zeros((2, alpha.size))
    weight = population.groups().weight
    heavier = np.maximum(weight[1:], weight[:-1])
    for rule, part in batches(grid.rule, shape, len(population)):
        some = FixedPoint(*(x[part] for x in fixed))
        finite = np.where(np.isinf(some.gamma), 1, some.gamma)
        law = channel(population, some._replace(gamma=finite))
        kept = kept_share(law, rule, cut_at(law, rule, alpha[part], FLOAT64))
        # E[(B-X)²] = (1-a)² E[B²] + v.
        moment = law.mean**2 + law.std**2
        cost = law.eigenvalue * abs((law.bias**2 - 1) * moment + law.noise)
        fall = abs(np.diff(kept))
        steep = neighbours & (fall > _STEEP)
        again = law.eigenvalue * moment + (some.kappa * retrained_risk[part])[:, None]
        for index, each in enumerate((cost, again * amplified[part][:, None])):
            dearer = np.maximum(each[..., 1:], each[..., :-1])
            found[index, part] = np.where(steep, fall * heavier * dearer, 0).sum(axis=-1)
    return found[0], found[1]


def risk_columns(
    population: Population, grid: Grid, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid in double precision.

    Values whose relative error may exceed `accepted` are NaN: the whole row if it is the risk's,
    the threshold alone if it is the threshold's.
    """
    fixed, rows = in_floats(population, grid, progress)
    sigma = np.broadcast_to(grid.sigma, grid.shape).ravel()
    missed, most = quadrature_errors(population, grid, (fixed, rows)), accepted(population)
    rows = rows._replace(
        threshold=np.where(missed.threshold <= most, rows.threshold, np.nan),
        residual=np.maximum(rows.residual, missed.risk),
        retrained_residual=np.maximum(rows.retrained_residual, missed.retrained_risk),
    )
    failed = _failed(rows.risk, rows.residual, most)
    for column in (rows.risk, rows.kept_error, rows.dropped_signal, rows.threshold):
        column[failed] = np.nan
    columns = rows._asdict() | {
        "tau": fixed.tau,
        "gamma": fixed.gamma,
        "unpruned_risk": fixed.gamma,
        "null_risk": null_risk_at(population, sigma, FLOAT64),
        "status": _statuses(rows.risk, failed),
    }
    failed = _failed(rows.retrained_risk, rows.retrained_residual, most)
    rows.retrained_risk[failed] = np.nan
    columns["retrained_status"] = _statuses(rows.retrained_risk, failed)
    return columns if grid.refit is not None else without_refit(columns)


def without_refit(columns: Mapping[str, Array]) -> dict[str, Array]:
    """The columns of a grid whose pruned weights are not trained again."""
    return {key: column for key, column in columns.items() if not key.startswith("retrained_")}


def _failed(risk: Array, residual: Array, most: float) -> Array:
    """Whether the relative error of a risk may exceed `most`."""
    # "not <=" rather than ">", so that an error that is NaN counts as too large.
    return ~(residual <= most) | np.isnan(risk)


def _statuses(risk: Array, failed: Array) -> Array:
    """The status of each row."""
    status = np.where(np.isinf(risk), Status.DIVERGES, Status.OK)
    return np.where(failed, Status.NO_CONVERGENCE, status)


def _change(coarse: Array, fine: Array) -> Array:
    """The relative difference of numbers: 0 for equal ones, infinite if only one of them is NaN."""
    same = (coarse == fine) | (np.isnan(coarse) & np.isnan(fine))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = abs(coarse / fine - 1)
    return np.where(same, 0.0, np.where(np.isfinite(change), change, np.inf))


def _errors(
    law: Channel,
    rule: Rule,
    threshold: Threshold | Cuts,
    pruned: PrunedRisk,
    alpha: Array,
    arithmetic: Arithmetic,
) -> RelativeErrors:
    """Estimated relative errors of the risk and of the threshold that rounding causes."""
    if arithmetic.exact:
        # Rounding is checked elsewhere: by a second precision, or by the radii of balls.  Here only
        # the residual of the equation of the threshold is recorded.
        smaller = arithmetic.maximum(arithmetic.minimum(alpha, 1 - alpha), _SMALLEST_FRACTION)
        return RelativeErrors(pruned.missed(alpha, arithmetic) / smaller, 0 * alpha)
    law = Channel(*map(arithmetic.plain, law))
    threshold = threshold.mapped(arithmetic.plain)
    pruned = PrunedRisk(*map(arithmetic.plain, pruned))
    return relative_errors(law, rule, threshold, pruned, arithmetic.plain(alpha))


def _noise_level_underflows(fixed: FixedPoint, population: Population) -> Array:
    """Whether the noise level is positive, but so small that its float may have lost digits."""
    positive = (fixed.gamma > 0) | (fixed.tau > 0) & (population.signal > 0)
    return (fixed.gamma < LEAST) & positive
