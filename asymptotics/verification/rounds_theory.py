"""What theory says of rounds of pruning and retraining, roughly and fast.

The numbers serve to plan simulations and to bound what finite sizes do to them.  A few digits are
enough, so that one quadrature of few nodes does.
"""

from collections.abc import Sequence

import numpy as np

from ..arithmetic import QUIET, Array
from ..iterated.fits import first_fit
from ..iterated.masks import MOST_NODES, Quadrature
from ..iterated.schedule import Round
from ..iterated.sequence import Outcome, Point, Stage, first_stage, stages
from ..population import Population

#: Nodes of a panel.
_ORDER = 5
#: Curvatures are those between three points, this many standard deviations apart: a mean of the
#: parabola through them is one over the nodes of Gauss and Hermite.
_STEP = 3**0.5
#: Points nearer than this share of a standard deviation would tell no curvature.
_LEAST_STEP = 0.1
#: A standard deviation of the noise level is taken as at most this share of it.
_WIDEST_LEVEL = 0.5


def kept_by_rounds(
    population: Population, problem: tuple[float, float, float], schedule: Sequence[Round]
) -> list[Array]:
    """The share of each group that is kept after each round.

    `problem` is (kappa, sigma, ridge).  Where the integrals of a late round would take too many
    nodes, or the fit before it is not known, each group is taken to lose the same share.
    """
    found = [each.shares for each in _outcomes(population, problem, schedule)]
    kept: list[Array] = []
    before, alpha = np.ones(len(population)), 1.0
    for number, each in enumerate(schedule):
        known = number < len(found) and np.isfinite(found[number]).all()
        before = np.clip(found[number], 0, 1) if known else before * (each.alpha / alpha)
        alpha = each.alpha
        kept.append(before)
    return kept


def shifts_of_rounds(
    population: Population,
    problem: tuple[float, float, float],
    schedule: Sequence[Round],
    p: int,
    level: float,
) -> Array:
    r"""Mean changes of all risks of a schedule because p weights are finitely many; the shape (m,).

    As for one cut, the fraction above each threshold fluctuates about :math:`\alpha_i`, with the
    variance :math:`E[a(1-a)]/p` where a is the fraction kept of a group, and the noise level
    of the first fit with the relative standard deviation `level`.  A risk R moves along its curve
    in each of these numbers x, and its mean changes by :math:`R''(x)\,\mathrm{Var}(x)/2`.  The
    result is the sum of the sizes of these changes.  The number of weights that a fit trains does
    not fluctuate, which is left out as in `shifts.cut_shifts` for the risk right after that fit.
    """
    start, integration = _start(population, problem, schedule)
    here = stages(start, schedule, integration)
    guesses = [stage.outcomes[-1].threshold for stage in here]
    size = sum(1 + each.refit for each in schedule)

    def risks(stage: Stage, steps: Sequence[Round]) -> Array:
        return _risks(_last(stages(stage, steps, integration, guesses)), steps)

    center, total = _risks(_last(here), schedule), np.zeros(size)
    kept = kept_by_rounds(population, problem, schedule)
    for alpha in dict.fromkeys(each.alpha for each in schedule):
        number = [each.alpha for each in schedule].index(alpha)
        share = kept[number]
        std = float(np.sqrt(population.weight @ (share * (1 - share)) / p))
        step = min(_STEP * std, _room(schedule, alpha, problem[0]))
        if step > _LEAST_STEP * std:
            moved = [
                risks(start, other) * _left_out(schedule, alpha, other, problem[0])
                for other in (_moved(schedule, alpha, alpha + sign * step) for sign in (1, -1))
            ]
            total += abs(sum(moved) - 2 * center) / step**2 * std**2 / 2
    if level > 0:
        step = min(_STEP * level, _WIDEST_LEVEL)
        fit = start.fits[0]
        moved = [
            risks(
                start._replace(
                    fits=(first_fit(start.problem, fit.tau, fit.risk * (1 + sign * step)),)
                ),
                schedule,
            )
            for sign in (1, -1)
        ]
        total += abs(sum(moved) - 2 * center) / step**2 * min(level, _WIDEST_LEVEL) ** 2 / 2
    return np.where(np.isfinite(total), total, 0)


def _start(
    population: Population, problem: tuple[float, float, float], schedule: Sequence[Round]
) -> tuple[Stage, Quadrature]:
    """The first fit, and how later ones are integrated."""
    start = first_stage(Point(population, *problem), len(schedule))
    return start, Quadrature(_ORDER, MOST_NODES // len(population))


@QUIET
def _outcomes(
    population: Population, problem: tuple[float, float, float], schedule: Sequence[Round]
) -> list[Outcome]:
    """What the rounds give, up to the first that would take too many nodes."""
    start, integration = _start(population, problem, schedule)
    return _last(stages(start, schedule, integration))


def _last(found: Sequence[Stage]) -> list[Outcome]:
    return [stage.outcomes[-1] for stage in found]


def _risks(outcomes: Sequence[Outcome], schedule: Sequence[Round]) -> Array:
    """The risks after each cut and each fit, NaN for rounds that are not reached."""
    found = []
    for number, each in enumerate(schedule):
        known = number < len(outcomes)
        found.append(outcomes[number].pruned_risk if known else np.nan)
        if each.refit:
            found.append(outcomes[number].retrained_risk if known else np.nan)
    return np.array(found)


def _moved(schedule: Sequence[Round], alpha: float, to: float) -> list[Round]:
    """The schedule with another fraction in the rounds that keep the fraction `alpha`."""
    return [each._replace(alpha=to) if each.alpha == alpha else each for each in schedule]


def _room(schedule: Sequence[Round], alpha: float, kappa: float) -> float:
    """How far a fraction may move: to the next one, and half the way to where a fit diverges."""
    ends = {0.0, 1.0, *(each.alpha for each in schedule if each.alpha != alpha)}
    room = min(abs(end - alpha) for end in ends)
    if any(each.refit and not each.ridge for each in schedule if each.alpha == alpha):
        room = min(room, abs(alpha - 1 / kappa) / 2)
    return room


def _left_out(
    schedule: Sequence[Round], alpha: float, other: Sequence[Round], kappa: float
) -> Array:
    """Factors that leave the number of weights out of the risk after each fit that moves."""
    factors = []
    for each, moved in zip(schedule, other, strict=True):
        factors.append(1.0)
        if each.refit:
            moves = each.alpha == alpha and not each.ridge
            factors.append(abs(1 - kappa * moved.alpha) / abs(1 - kappa * alpha) if moves else 1.0)
    return np.array(factors)
