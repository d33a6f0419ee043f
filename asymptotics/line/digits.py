"""Any number of digits: either two precisions agree on them, or enclosures prove them.

`agreed_columns` computes every row in multiprecision, doubles the precision, and stops when both
results agree to the digits asked for.  `proved_columns` computes every row in ball arithmetic, and
stops when the balls are narrow enough; their ends are proved bounds.
"""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..arithmetic import Arithmetic, Array
from ..errors import InvalidInput
from ..outcomes import Status
from ..population import Population
from ..theory.fixed_points import fixed_point_at
from ..theory.risk import null_risk_at
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
_VALUES = (*Rows._fields, "tau", "gamma", "null_risk")


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
    floats = grid.in_floats()
    missed = quadrature_errors(population, floats, in_floats(population, floats))
    columns["residual"] = np.maximum(
        columns["residual"], np.maximum(missed.risk, population.tolerance)
    )
    relative = dict.fromkeys(_OF_LAWS, columns["residual"])
    relative["threshold"] = np.maximum(columns["residual"], missed.threshold)
    errors = {key: abs(columns[key]) * error for key, error in relative.items()}
    errors |= dict.fromkeys(_PARTS, errors["risk"])
    for key, error in errors.items():
        columns[key] = np.frompyfunc(round_to_error, 2, 1)(columns[key], error)
    failed = ~(missed.risk <= accepted(population))
    columns["status"][failed] = str(Status.NO_CONVERGENCE)
    for key in ("risk", *_PARTS, "threshold"):
        columns[key][failed] = math.nan
    columns["threshold"][~(missed.threshold <= accepted(population))] = math.nan
    return columns


def _agreed(
    population: Population, grid: Grid, digits: int, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid for its groups as they are, to digits that two precisions share.

    A row on which no two precisions agree has status "no convergence" and NaN for its values.
    """
    from ..arithmetic.multiprecision import Multiprecision

    if len(population) > _MOST_GROUPS:
        allowed = f"must be left out for more than {_MOST_GROUPS:,} groups"
        raise InvalidInput("digits", digits, allowed)

    def agreed(index: int, precision: int) -> tuple[dict[str, Any], Status]:
        last = max(precision << _DOUBLINGS_OF_DIGITS, MOST_DIGITS)
        values = _row(population, grid, index, Multiprecision(precision))
        while 2 * precision <= last:
            precision *= 2
            before, values = values, _row(population, grid, index, Multiprecision(precision))
            if _agree(before, values, digits):
                return values, Status.DIVERGES if values["risk"] == math.inf else Status.OK
        return dict.fromkeys(values, math.nan), Status.NO_CONVERGENCE

    def row(index: int) -> dict[str, Any]:
        values, status = agreed(index, digits + _GUARD_DIGITS)
        telling = digits_that_tell_scores(population, grid, index, values["tau"], digits)
        if telling > digits:
            values, status = agreed(index, digits + _GUARD_DIGITS + telling)
        return _rounded(values, digits) | {"status": str(status)}

    return _columns(row, grid.rule.size, progress)


def proved_columns(
    population: Population, grid: Grid, digits: int, progress: Progress | None = None
) -> dict[str, Array]:
    """The columns of a flat grid to `digits` proved digits, with proved bounds of the risk.

    Raises `InvalidInput` for too many groups, and for a continuous law.
    """
    if len(population) > _MOST_CERTIFIED:
        allowed = f"must be left out for more than {_MOST_CERTIFIED:,} groups"
        raise InvalidInput("certify", True, allowed)
    if population.tolerance > 0:
        allowed = "must be left out for a continuous law: its groups come from a quadrature"
        raise InvalidInput("certify", True, allowed)
    return _columns(
        lambda index: _proved_row(population, grid, index, digits),
        grid.rule.size,
        progress,
        ("lower", "upper", "reason"),
    )


def _proved_row(population: Population, grid: Grid, index: int, digits: int) -> dict[str, Any]:
    """One row in ball arithmetic, whose precision is doubled until all digits are proved.

    The bounds of all precisions hold, so the row keeps the largest lower and the least upper one.
    """
    from ..arithmetic.ball import Balls, Undecided
    from ..arithmetic.multiprecision import Multiprecision

    context = Multiprecision(digits + _GUARD_BITS).context
    bits = math.ceil(digits * math.log2(10)) + _GUARD_BITS
    last = max(bits << _DOUBLINGS, _MOST_BITS)
    bounds = [Decimal(0), Decimal("inf")]
    while True:
        with Balls(bits).working() as arithmetic:
            try:
                values = _row(population, grid, index, arithmetic)
            except Undecided as error:
                values, reason = dict.fromkeys(_VALUES, Balls.nan), str(error)
            else:
                lower, upper = values["risk"].bounds(digits + 3)
                bounds = [max(bounds[0], lower), min(bounds[1], upper)]
                reason = ""
                if not all(values[key].has_digits(digits + 1) for key in _PROVED):
                    reason = "the enclosures stay wider than asked for"
            # Converted while the working precision is still in force.
            if not reason or 2 * bits > last:
                known = {key: _midpoint(value, context) for key, value in values.items()}
                known["residual"] = float(abs(values["residual"]).arb.upper())
                break
        bits *= 2
    status = Status.DIVERGES if bounds[0] == math.inf else Status.OK
    status = Status.UNDECIDED if reason else status
    if reason:
        known = dict.fromkeys(known, math.nan)
        reason += f", in {bits:,} bits"
    ends = {"lower": bounds[0], "upper": bounds[1]}
    return _rounded(known, digits) | ends | {"status": str(status), "reason": reason}


#: The values whose digits are proved.  The residual is left out: its ball encloses zero, and so
#: has no digits.
_PROVED = tuple(key for key in _VALUES if key != "residual")


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
    kappa, sigma, alpha, ridge = (x[index : index + 1] for x in grid[:4])
    fixed = fixed_point_at(population, kappa, sigma, ridge, arithmetic)
    rows = evaluate(population, fixed, sigma, arithmetic.array(alpha), grid.rule[index], arithmetic)
    null = null_risk_at(population, sigma, arithmetic)
    values = rows._asdict() | {"tau": fixed.tau, "gamma": fixed.gamma, "null_risk": null}
    return {key: np.ravel(value)[0] for key, value in values.items()}


def _columns(
    row: Callable[[int], dict[str, Any]],
    count: int,
    progress: Progress | None,
    more: tuple[str, ...] = (),
) -> dict[str, Array]:
    """Computes all rows and returns them as columns.

    `more` names the keys of a record that are specific to the caller.
    """
    records = []
    for index in range(count):
        records.append(row(index))
        if progress:
            progress(index + 1, count)
    # An empty grid has no record to take the names from.
    names = records[0] if records else (*_VALUES, "unpruned_risk", "status", *more)
    columns = {key: np.empty(count, dtype=object) for key in names}
    for key, column in columns.items():
        column[:] = [record[key] for record in records]
    return columns


def _rounded(values: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """Values rounded to `digits` digits, with `unpruned_risk`, which is gamma."""
    from ..arithmetic.multiprecision import Multiprecision

    context = Multiprecision(digits).context

    def decimal(value: Any) -> Any:
        # Rounded to a decimal string first.  Rounding to a binary number of this precision now, and
        # to a decimal when it is printed, would round twice.
        wide = getattr(value, "context", None)
        return context.mpf(value if wide is None else wide.nstr(value, digits))

    numbers = {key: decimal(value) for key, value in values.items()}
    return numbers | {"unpruned_risk": numbers["gamma"]}


def _agree(coarse: Mapping[str, Any], fine: Mapping[str, Any], digits: int) -> bool:
    """Whether two precisions give a risk and agree to `digits` digits of every value.

    Two values agree if they are equal, if both are NaN, or if they are finite and their difference
    is at most ``10 ** -(digits + 1)`` of their size.
    """
    if fine["risk"] != fine["risk"]:
        return False
    return all(
        value == coarse[key]
        or (value != value and coarse[key] != coarse[key])
        or abs(value - coarse[key]) * 10 ** (digits + 1) <= abs(value) < math.inf
        for key, value in fine.items()
        if key != "residual"
    )
