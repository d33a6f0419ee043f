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
from ..iterated.sequence import Point, Stage, first_stage, stages
from ..line.interpolation import interpolating_alpha, trained_share
from ..population import Population
from ..theory.rules import Random

#: Nodes of a panel, for the shares of groups and for risks.
_FEW, _SOME = 3, 5
#: A curvature is that of the parabola through three points, this many standard deviations apart: so
#: its mean is that over the nodes of Gauss and Hermite.
_STEP = 3**0.5
#: Points nearer than this share of a standard deviation would tell no curvature.
_LEAST_STEP = 0.1
#: A fraction moves by at most this share of the way to the next one, to 0 or to 1.
_MOST_OF_ROOM = 0.9
#: The noise level moves by at most this share of it, twice.
_WIDEST_LEVEL = 0.5


@QUIET
def kept_by_rounds(
    population: Population, problem: tuple[float, float, float], schedule: Sequence[Round]
) -> list[Array]:
    """The share of each group that is kept after each round.

    `problem` is (kappa, sigma, ridge).  Where the integrals of a late round would take too many
    nodes, or the fit before it is not known, each group is taken to lose the same share.
    """
    found = _stages(_start(population, problem, schedule), schedule, _FEW)
    return _shares(population, found, schedule)


@QUIET
def shifts_of_rounds(
    population: Population,
    problem: tuple[float, float, float],
    schedule: Sequence[Round],
    p: int,
    level: float,
) -> Array:
    r"""Mean changes of all risks of a schedule because p weights are finitely many; the shape (m,).

    As for one cut, the fraction above each threshold fluctuates about :math:`\alpha_i`, with the
    variance :math:`E[a(1-a)]/p` where a is the fraction kept of a group; and the noise level of the
    first fit fluctuates with the relative standard deviation `level`.  A risk R moves along its
    curve in each of these numbers x, and its mean changes by :math:`R''(x)\,\mathrm{Var}(x)/2`.
    The result is the sum of the sizes of these changes.

    The number of weights that a fit trains does not fluctuate.  As in `shifts`, this is left out of
    the risk right after the fit.
    """
    kappa, start = problem[0], _start(population, problem, schedule)
    here = _stages(start, schedule, _SOME)
    center = _risks(here, schedule)
    total = np.zeros(center.size)
    kept = _shares(population, here, schedule)
    guesses = [stage.outcomes[-1].threshold for stage in here]
    fractions = [each.alpha for each in schedule]
    for alpha in dict.fromkeys(fractions):
        number = fractions.index(alpha)
        if number > len(here):
            break
        before = here[number - 1] if number else start
        std = float(np.sqrt(population.weight @ (kept[number] * (1 - kept[number])) / p))
        room = _room(population, schedule, alpha, kappa)
        step = min(_STEP * std, _MOST_OF_ROOM * room)
        if step <= _LEAST_STEP * std:
            continue
        moved = []
        for to in (alpha - step, alpha + step):
            steps = [x._replace(alpha=to) if x.alpha == alpha else x for x in schedule[number:]]
            risks = _risks(_stages(before, steps, _SOME, guesses[number:]), steps)
            moved.append(risks * _counted(population, schedule[number:], steps, kappa))
        change = (moved[0] + moved[1] - 2 * center[2 * number :]) / step**2 * std**2 / 2
        total[2 * number :] += abs(change)
    step = min(level, _WIDEST_LEVEL)
    if step > 0:
        # Upwards alone: below the limit a fit that nearly repeats the first one, whose noise is
        # new to it in a small part, would have less than none of its own.
        fit, moved = start.fits[0], []
        for factor in (1 + step, 1 + 2 * step):
            other = start._replace(fits=(first_fit(start.problem, fit.tau, fit.risk * factor),))
            moved.append(_risks(_stages(other, schedule, _SOME, guesses), schedule))
        total += abs(moved[1] + center - 2 * moved[0]) / step**2 * level**2 / 2
    return np.where(np.isfinite(total), total, 0.0)


def _start(
    population: Population, problem: tuple[float, float, float], schedule: Sequence[Round]
) -> Stage:
    """The first fit."""
    return first_stage(Point(population, *problem), len(schedule))


def _stages(
    start: Stage, schedule: Sequence[Round], order: int, guesses: Sequence[float] = ()
) -> list[Stage]:
    """The stage after each round, up to the first that would take too many nodes."""
    nodes = MOST_NODES // len(start.problem.groups.weight)
    return stages(start, schedule, Quadrature(order, nodes), guesses)


def _shares(
    population: Population, found: Sequence[Stage], schedule: Sequence[Round]
) -> list[Array]:
    """See `kept_by_rounds`."""
    kept: list[Array] = []
    share, alpha = np.ones(len(population)), 1.0
    for number, each in enumerate(schedule):
        share = share * (each.alpha / alpha)
        if number < len(found) and np.isfinite(found[number].outcomes[-1].shares).all():
            share = np.clip(found[number].outcomes[-1].shares, 0, 1)
        alpha = each.alpha
        kept.append(share)
    return kept


def _risks(found: Sequence[Stage], schedule: Sequence[Round]) -> Array:
    """The risks after each cut and each fit, NaN for rounds that are not reached."""
    risks = np.full((len(schedule), 2), np.nan)
    for row, stage in zip(risks, found, strict=False):
        row[:] = stage.outcomes[-1].pruned_risk, stage.outcomes[-1].retrained_risk
    return risks.ravel()[: sum(1 + each.refit for each in schedule)]


def _room(population: Population, schedule: Sequence[Round], alpha: float, kappa: float) -> float:
    """How far a fraction may move: to the next one, and half the way to where a fit diverges."""
    ends = {0.0, 1.0, *(each.alpha for each in schedule if each.alpha != alpha)}
    room = min(abs(end - alpha) for end in ends)
    for each in schedule:
        if each.alpha == alpha and each.refit and not each.ridge:
            infinite = interpolating_alpha(population, isinstance(each.rule, Random), kappa)
            room = min(room, abs(alpha - float(infinite)) / 2)
    return room


def _counted(
    population: Population, schedule: Sequence[Round], moved: Sequence[Round], kappa: float
) -> Array:
    """Factors of the risks, 1/|1 - ρ| of fits without ridge, that undo a change of ρ."""
    factors = np.ones((len(schedule), 2))
    for row, each, other in zip(factors, schedule, moved, strict=True):
        if not each.ridge and other.alpha != each.alpha:
            left, left_here = (
                abs(1 - kappa * trained_share(population, isinstance(each.rule, Random), x.alpha))
                for x in (other, each)
            )
            row[1] = left / left_here
    return factors.ravel()[: sum(1 + each.refit for each in schedule)]
