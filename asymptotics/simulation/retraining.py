r"""Fits, to the same data, of the weights that pruning kept, and their test errors.

With the kept weights S, the design X and :math:`b_1` the kept weights of the first fit, a second
fit minimises

.. math:: \|y-X_Sb\|^2/n + r_2\|b-\chi b_1\|^2,

where :math:`\chi` is 0 for a ridge towards zero, and 1 towards the pruned weights.  For
:math:`r_2=0` it is least squares, or the solution of minimum norm, whatever :math:`\chi` is.  Later
rounds go on in the same way: each cuts the weights of the fit before it, and fits what is left.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from ..arithmetic import Array
from ..theory.retraining import TOWARDS
from .control import controls
from .finite import FiniteProblem, FiniteRound, Retraining
from .pruning import largest, losses, masks, pruned_errors, scores

#: The arrays of a trial with a second fit, each a mean over replicates of shape (rules, alphas).
#: The first three are those of a trial without.
RETRAINED_OUTCOME = (
    "risk",
    "control",
    "truncation",
    "unpruned_risk",
    "retrained_risk",
    "retrained_truncation",
)
#: If the numbers of samples and of weights kept differ by no more than this, a second fit without
#: ridge has infinite variance.
_SQUARE = 3


class Iterates(NamedTuple):
    """The weights of a solver: its last iterate with a residual above ten times the tolerance.

    Of a direct solver both are the solution.
    """

    earlier: Array
    last: Array


#: Fits the weights kept, given the settings of the fit, the mask, and the weights before.
Refit = Callable[[Retraining, Array, Array], Iterates]


class Data(Protocol):
    """The data that the weights of a draw were trained on."""

    def fit(self, replicate: int, columns: Array, ridge: float, start: Array) -> Iterates:
        """Fit the weights of some features to the data of a replicate.

        `columns` are indices, in ascending order, among the features of positive eigenvalue, and
        ``ridge |b - start|²`` is penalised.
        """


def retrained_trial(
    problem: FiniteProblem,
    coefficient: Array,
    trained: Array,
    earlier: Array | None,
    data: Data | None,
    retraining: Retraining,
    rng: np.random.Generator,
) -> Array:
    """The outcome of a trial, of the shape (6, rules, alphas), from a draw and its data.

    Later rounds add the arrays of `later_outcome`.

    The truncation of the retrained risk is the change that the last iterates of the second fit
    make, for the mask and the start that follow from the last iterate of the first.  The risk is
    NaN where the second fit is `nearly_square`.
    """
    found = [
        _outcome(
            problem,
            coefficient[[row]],
            trained[[row]],
            None if earlier is None else earlier[[row]],
            retraining,
            partial(_retrained, problem, data, row),
            rng,
        )
        for row in range(len(trained))
    ]
    outcome = np.mean(found, axis=0)
    outcome[RETRAINED_OUTCOME.index("control")] = controls(problem, coefficient).mean(axis=0)
    return np.asarray(outcome)


def later_outcome(problem: FiniteProblem) -> list[str]:
    """The names of the arrays that the rounds after the first add to the outcome of a trial."""
    names = []
    for number, each in enumerate(problem.later, start=2):
        names += [f"risk_{number}", f"truncation_{number}"]
        if each.retraining is not None:
            names += [f"retrained_risk_{number}", f"retrained_truncation_{number}"]
    return names


def nearly_square(n: int, kept: int, ridge: float) -> bool:
    """Whether a second fit has infinite variance, so that it is not made."""
    return ridge == 0 and abs(n - kept) <= _SQUARE


def _retrained(
    problem: FiniteProblem,
    data: Data | None,
    replicate: int,
    retraining: Retraining,
    kept: Array,
    weights: Array,
) -> Iterates:
    """The retrained weights, of the shape (1, p); `weights` are those of the fit before."""
    ridge, towards = retraining
    alive = problem.alive_features
    columns = np.flatnonzero(kept[0, alive])
    before, last = np.zeros_like(weights), np.zeros_like(weights)
    if nearly_square(problem.n, columns.size, ridge):
        return Iterates(before + np.nan, last + np.nan)
    if columns.size:
        if data is None:
            raise NotImplementedError("the sampler draws no data for a second fit")
        start = (towards == TOWARDS[1]) * weights[0, alive][columns]
        iterates = data.fit(replicate, columns, ridge, start)
        last[0, alive][columns] = iterates.last
        before[0, alive][columns] = iterates.earlier
    return Iterates(before, last)


def _outcome(
    problem: FiniteProblem,
    coefficient: Array,
    trained: Array,
    earlier: Array | None,
    retraining: Retraining,
    refit: Refit,
    rng: np.random.Generator,
) -> Array:
    """The outcome of one replicate, with 0 for its control; arrays have the shape (1, p)."""
    # Ties are broken alike each time, so that the same weights are kept.  The stream itself goes
    # on: a design that is drawn while it is looked at takes its numbers from there.
    ties = deepcopy(rng)
    (risk,) = pruned_errors(problem, coefficient, trained, rng)
    truncation, retrained, retrained_truncation = (np.zeros_like(risk) for _ in range(3))
    later = np.zeros((len(later_outcome(problem)), *risk.shape))
    for place, kept in masks(problem, coefficient, trained, deepcopy(ties)):
        weights = refit(retraining, kept, trained)
        retrained[place], retrained_truncation[place] = _truncated(problem, coefficient, weights)
        later[(slice(None), *place)] = _later(problem, coefficient, kept, weights, refit, rng)
    if earlier is not None:
        truncation = risk - pruned_errors(problem, coefficient, earlier, ties)[0]
    unpruned = np.full_like(risk, _error(problem, coefficient, trained))
    control = np.zeros_like(risk)
    return np.stack([risk, control, truncation, unpruned, retrained, retrained_truncation, *later])


def _later(
    problem: FiniteProblem,
    coefficient: Array,
    kept: Array,
    weights: Iterates,
    refit: Refit,
    rng: np.random.Generator,
) -> list[float]:
    """The numbers of `later_outcome` for one replicate; NaN from an infinite variance on.

    `kept` and `weights` are the mask and the fit of the first round.
    """
    found: list[float] = []
    for each in problem.later:
        if np.isnan(weights.last).any():
            return found + [np.nan] * (len(later_outcome(problem)) - len(found))
        ties = deepcopy(rng)  # broken alike for both iterates
        masks_of = [
            _cut(problem, each, kept, coefficient, *pair)
            for pair in ((weights.earlier, ties), (weights.last, rng))
        ]
        cut = Iterates(*(x * mask for x, mask in zip(weights, masks_of, strict=True)))
        found += _truncated(problem, coefficient, cut)
        kept = masks_of[1]
        if each.retraining is not None:
            weights = refit(each.retraining, kept, weights.last)
            found += _truncated(problem, coefficient, weights)
    return found


def _cut(
    problem: FiniteProblem,
    each: FiniteRound,
    kept: Array,
    coefficient: Array,
    weights: Array,
    rng: np.random.Generator,
) -> Array:
    """The mask of the weights, of those kept so far, that a round keeps."""
    score = scores(problem, each.rule, problem.all_features, coefficient, weights, rng)
    return largest(np.where(kept, score, -1.0), each.kept, rng)  # scores are not negative


def _truncated(
    problem: FiniteProblem, coefficient: Array, weights: Iterates
) -> tuple[float, float]:
    """The test error of the last iterate, and its change from the earlier one."""
    before, last = (_error(problem, coefficient, x) for x in weights)
    return last, last - before


def _error(problem: FiniteProblem, coefficient: Array, weights: Array) -> float:
    """The test error of weights, of shape (1, p)."""
    error, _ = losses(problem, problem.all_features, coefficient, weights)
    return float(problem.sigma**2 + error.sum() / problem.p)
