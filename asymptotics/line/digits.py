"""Any number of digits: either two precisions agree on them, or enclosures prove them.

`agreed_columns` computes every row in multiprecision, doubles the precision, and stops when both
results agree to the digits asked for.  `proved_columns` computes every row in ball arithmetic, and
stops when the balls are narrow enough; their ends are proved bounds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Arithmetic, Array
from ..errors import InvalidInput
from ..outcomes import Status
from ..population import Population
from ..theory.fixed_points import fixed_point_at
from ..theory.posteriors import shared_eigenvalues
from ..theory.risk import null_risk_at
from ..theory.rules import GainRule
from .grid import Grid
from .near_scores import MOST_DIGITS, digits_that_tell_scores
from .rows import Progress, Rows, accepted, evaluate, in_floats, quadrature_errors

#: The most groups of a population with digits; with more, a row would take minutes.
_MOST_GROUPS = 10_000
#: The most groups of a population whose digits are to be proved.
_MOST_CERTIFIED = 1_000
#: A proof starts with this many guard bits, beyond the bits of the digits asked for.
_GUARD_BITS = 48
#: A proof may double its bits this many times, or more often as long as it stays within
#: `_MOST_BITS`.
_DOUBLINGS, _MOST_BITS = 1, 1_024
#: The same for two precisions that are to agree, in decimal digits.
_GUARD_DIGITS, _DOUBLINGS_OF_DIGITS = 20, 2
#: Values that the quadrature of a continuous law affects.
_OF_LAWS = ("risk", "unpruned_risk", "null_risk", "threshold", "tau", "gamma")
#: Parts of the risk; the quadrature may change each by as much as it changes the risk.
_PARTS = ("kept_error", "dropped_signal")


class _Part(NamedTuple):
    """Values of a row that succeed or fail together; the first is a risk."""

    #: In front of the names of status, residual, bounds and reason.
    prefix: str
    values: tuple[str, ...]

    def name(self, of: str) -> str:
        """The name of a column that belongs to the part."""
        return self.prefix + of


_SECOND = _Part("retrained_", ("retrained_risk",))
_FIRST = _Part(
    "",
    tuple(
        key
        for key in (*Rows._fields, "tau", "gamma", "null_risk")
        if key not in (*_SECOND.values, "residual", "retrained_residual")
    ),
)


def agreed_columns(
    population: Population, grid: Grid, digits: int, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid to `digits` digits.

    The groups of a continuous law only approximate it.  Its values are rounded to the digits that
    the estimated error of the quadrature leaves, and are NaN where that error is too large.
    """
    columns = _agreed(population, grid, digits, progress)
    if not population.tolerance:
        return columns
    floats, most = grid.in_floats(), accepted(population)
    missed = quadrature_errors(population, floats, in_floats(population, floats))
    columns["residual"] = np.maximum(
        columns["residual"], np.maximum(missed.risk, population.tolerance)
    )
    relative = dict.fromkeys(_OF_LAWS, columns["residual"])
    relative["threshold"] = np.maximum(columns["residual"], missed.threshold)
    if grid.refit is not None:
        columns["retrained_residual"] = relative["retrained_risk"] = np.maximum(
            columns["retrained_residual"], np.maximum(missed.retrained_risk, population.tolerance)
        )
    errors = {key: abs(columns[key]) * error for key, error in relative.items()}
    errors |= dict.fromkeys(_PARTS, errors["risk"])
    for key, error in errors.items():
        columns[key] = np.frompyfunc(round_to_error, 2, 1)(columns[key], error)
    _refuse(columns, "status", ~(missed.risk <= most), ("risk", *_PARTS, "threshold"))
    columns["threshold"][~(missed.threshold <= most)] = math.nan
    if grid.refit is not None:
        wrong = ~(missed.retrained_risk <= most)
        _refuse(columns, "retrained_status", wrong, ("retrained_risk",))
    return columns


def _refuse(columns: dict[str, Array], status: str, failed: Array, values: Sequence[str]) -> None:
    """Mark rows in place as not converged, without their values."""
    columns[status][failed] = str(Status.NO_CONVERGENCE)
    for key in values:
        columns[key][failed] = math.nan


def _agreed(
    population: Population, grid: Grid, digits: int, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid for its groups as they are, to digits that two precisions share.

    A part of a row on which no two precisions agree has status "no convergence" and NaN for its
    values.
    """
    from ..arithmetic.multiprecision import Multiprecision

    if len(population) > _MOST_GROUPS:
        allowed = f"must be left out for more than {_MOST_GROUPS:,} groups"
        raise InvalidInput("digits", digits, allowed)

    parts = _parts(grid)

    def agreed(index: int, precision: int) -> dict[str, Any]:
        last = max(precision << _DOUBLINGS_OF_DIGITS, MOST_DIGITS)
        values = _row(population, grid, index, Multiprecision(precision))
        record: dict[str, Any] = {}
        missing = parts
        while missing and 2 * precision <= last:
            precision *= 2
            before, values = values, _row(population, grid, index, Multiprecision(precision))
            for part in missing:
                if _agree(before, values, part, digits):
                    record |= _recorded(part, values, digits)
            missing = [part for part in missing if part.name("status") not in record]
        for part in missing:
            record |= _recorded(part, {}, digits, Status.NO_CONVERGENCE)
        return record

    def row(index: int) -> dict[str, Any]:
        record = agreed(index, digits + _GUARD_DIGITS)
        telling = digits_that_tell_scores(population, grid, index, record["tau"], digits)
        return record if telling <= digits else agreed(index, digits + _GUARD_DIGITS + telling)

    return _columns(row, grid, progress, ("status",))


def _parts(grid: Grid) -> list[_Part]:
    """The parts of a row that are asked for."""
    return [_FIRST] if grid.refit is None else [_FIRST, _SECOND]


def _recorded(
    part: _Part, values: Mapping[str, Any], digits: int, failure: Status | None = None
) -> dict[str, Any]:
    """A part of a row, rounded to `digits` digits, with its status; NaN after a `failure`."""
    keys = (*part.values, part.name("residual"))
    known = {key: math.nan if failure else values[key] for key in keys}
    infinite = known[part.values[0]] == math.inf
    status = failure or (Status.DIVERGES if infinite else Status.OK)
    return _rounded(known, digits) | {part.name("status"): str(status)}


def proved_columns(
    population: Population, grid: Grid, digits: int, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid to `digits` proved digits, with proved bounds of the risk.

    Raises `InvalidInput` for too many groups, for a continuous law, and for a rule that ranks by a
    gain where one eigenvalue has several laws of coefficients.
    """
    require_exact_groups(population)
    ranked_by_gain = any(isinstance(rule, GainRule) for rule in grid.rule)
    if ranked_by_gain and shared_eigenvalues(population.groups(), FLOAT64):
        allowed = (
            "must be left out for the rules optimal and shrunk where one eigenvalue has several "
            "laws of coefficients: digits = 15 computes them, without a proof"
        )
        raise InvalidInput("certify", True, allowed)
    return _columns(
        lambda index: _proved_row(population, grid, index, digits),
        grid,
        progress,
        ("status", "lower", "upper", "reason"),
    )


def require_exact_groups(population: Population) -> None:
    """Raise `InvalidInput` for a population of which nothing can be proved.

    Such are those of too many groups, and continuous laws.
    """
    if len(population) > _MOST_CERTIFIED:
        allowed = f"must be left out for more than {_MOST_CERTIFIED:,} groups"
        raise InvalidInput("certify", True, allowed)
    if population.tolerance > 0:
        allowed = "must be left out for a continuous law: its groups come from a quadrature"
        raise InvalidInput("certify", True, allowed)


def _proved_row(population: Population, grid: Grid, index: int, digits: int) -> dict[str, Any]:
    """One row in ball arithmetic, whose precision is doubled until all digits are proved.

    The bounds of all precisions hold, so the row keeps the largest lower and the least upper one.
    """
    record: dict[str, Any] = {}
    for part in _parts(grid):
        # The second part computes the first again.  The first by itself is not affected where the
        # second cannot be decided.
        asked = grid if part is _SECOND else grid._replace(refit=None)
        record |= _proved_part(part, population, asked, index, digits)
    return record


def _proved_part(
    part: _Part, population: Population, grid: Grid, index: int, digits: int
) -> dict[str, Any]:
    """The values of a part of a row, with the proved bounds of its risk."""
    from ..arithmetic.ball import Balls, Undecided
    from ..arithmetic.multiprecision import Multiprecision

    context = Multiprecision(digits + _GUARD_BITS).context
    bits = math.ceil(digits * math.log2(10)) + _GUARD_BITS
    last = max(bits << _DOUBLINGS, _MOST_BITS)
    residual = part.name("residual")
    bounds = [Decimal(0), Decimal("inf")]
    known: dict[str, Any] = {}
    while True:
        with Balls(bits).working() as arithmetic:
            try:
                values = _row(population, grid, index, arithmetic)
            except Undecided as error:
                reason = str(error)
            else:
                lower, upper = values[part.values[0]].bounds(digits + 3)
                bounds = [max(bounds[0], lower), min(bounds[1], upper)]
                # The ball of the residual encloses zero, and so has no digits.
                proved = all(values[key].has_digits(digits + 1) for key in part.values)
                reason = "" if proved else "the enclosures stay wider than asked for"
            if not reason:
                # Converted while the working precision is still in force.
                known = {key: _midpoint(values[key], context) for key in part.values}
                known[residual] = float(abs(values[residual]).arb.upper())
            if not reason or 2 * bits > last:
                break
        bits *= 2
    record = _recorded(part, known, digits, Status.UNDECIDED if reason else None)
    if bounds[0] == math.inf:
        record[part.name("status")] = str(Status.DIVERGES)
    ends: dict[str, Any] = {"lower": bounds[0], "upper": bounds[1]}
    ends["reason"] = f"{reason}, in {bits:,} bits" if reason else ""
    return record | {part.name(key): value for key, value in ends.items()}


def _midpoint(ball: Any, context: Any) -> Any:
    """The midpoint of a ball as a number of mpmath; a float if the ball is not finite."""
    if not ball.is_finite:
        return float(ball)
    mantissa, exponent = (int(x) for x in ball.arb.mid().man_exp())
    return context.ldexp(mantissa, exponent)


def round_to_error(value: Any, error: Any) -> Any:
    """A number of many digits, rounded to the digits that its absolute `error` leaves valid.

    At least one digit stays.  Rounding changes the number by at most half the error, so that the
    last digit may be off.
    """
    context = value.context
    if value == 0 or not context.isfinite(value):
        return value
    digits = math.inf
    if error != 0:
        digits = 1 + math.ceil(context.log10(abs(value) / error)) if error < abs(value) else 1
    return context.mpf(context.nstr(value, int(min(digits, context.dps))))


def _row(population: Population, grid: Grid, index: int, arithmetic: Arithmetic) -> dict[str, Any]:
    """All values of the row `index` of a flat grid, as single numbers of an arithmetic."""
    row = grid.take(slice(index, index + 1))
    fixed = fixed_point_at(population, row.kappa, row.sigma, row.ridge, arithmetic)
    rows = evaluate(population, fixed, row, grid.rule[index], arithmetic)
    null = null_risk_at(population, row.sigma, arithmetic)
    values = rows._asdict() | {"tau": fixed.tau, "gamma": fixed.gamma, "null_risk": null}
    return {key: np.ravel(value)[0] for key, value in values.items()}


def _columns(
    row: Callable[[int], dict[str, Any]],
    grid: Grid,
    progress: Progress | None,
    more: tuple[str, ...],
) -> dict[str, Array]:
    """Computes all rows and returns them as columns.

    `more` names what each part of a record has beside its values and its residual.
    """
    records, count = [], grid.rule.size
    for index in range(count):
        records.append(row(index))
        if progress:
            progress(index + 1, count)
    # An empty grid has no record to take the names from.
    names = list(records[0]) if records else ["unpruned_risk"]
    if not records:
        for part in _parts(grid):
            names += [*part.values, *(part.name(key) for key in ("residual", *more))]
    columns = {key: np.empty(count, dtype=object) for key in names}
    for key, column in columns.items():
        column[:] = [record[key] for record in records]
    return columns


def _rounded(values: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """Values rounded to `digits` digits; with gamma also as `unpruned_risk`."""
    from ..arithmetic.multiprecision import Multiprecision

    context = Multiprecision(digits).context

    def decimal(value: Any) -> Any:
        # Rounded to a decimal string first.  Rounding to a binary number of this precision now, and
        # to a decimal when it is printed, would round twice.
        wide = getattr(value, "context", None)
        return context.mpf(value if wide is None else wide.nstr(value, digits))

    numbers = {key: decimal(value) for key, value in values.items()}
    return numbers | ({"unpruned_risk": numbers["gamma"]} if "gamma" in numbers else {})


def _agree(coarse: Mapping[str, Any], fine: Mapping[str, Any], part: _Part, digits: int) -> bool:
    """Whether two precisions give a risk and agree to `digits` digits of every value of a part.

    Two values agree if they are equal, if both are NaN, or if they are finite and their difference
    is at most ``10 ** -(digits + 1)`` of their size.
    """
    risk = fine[part.values[0]]
    if risk != risk:
        return False
    return all(
        fine[key] == coarse[key]
        or (fine[key] != fine[key] and coarse[key] != coarse[key])
        or abs(fine[key] - coarse[key]) * 10 ** (digits + 1) <= abs(fine[key]) < math.inf
        for key in part.values
    )
