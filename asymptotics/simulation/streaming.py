r"""Test errors of problems whose weights do not fit into memory, in one pass over the weights.

Weights are kept if their score is among the largest, and this threshold is known only after all
scores have been seen.  But quantiles of a sample give a bracket that contains the threshold with
high probability.  A weight that scores above the bracket is kept, and one below is dropped; both
are added to the error and forgotten.  Only the few weights inside the bracket are remembered, until
their rank is known.  If the threshold turns out to lie outside its bracket, a second pass over the
same weights remembers all of them.  So the result is exact in every case.

Source: Floyd, Rivest, *Expected time bounds for selection* (Comm. ACM 18, 1975).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .control import PowerSums
from .finite import Block, FiniteProblem
from .pruning import kept_errors, largest, losses, scores, total

#: Half the width of a bracket, in standard errors of the sample's quantile.
_BRACKET_ERRORS = 5
#: Lower and upper end of an interval of scores.
Bracket = tuple[float, float]
_WHOLE_LINE = (-np.inf, np.inf)
#: Indices of a rule and of an alpha in the problem.
Place = tuple[int, int]


class Part(NamedTuple):
    """True and trained weights of a block, of shape (1, features)."""

    block: Block
    coefficient: Array
    trained: Array


class _Tally:
    """The error for one rule and alpha, summed over the weights seen so far.

    Weights whose score is inside the bracket are remembered, and enter the sum at the end.
    """

    def __init__(self, kept: int, bracket: Bracket) -> None:
        # `_missing` weights remain to be kept, besides those that scored above the bracket.
        self._missing, self._error = kept, 0.0
        self._lower, self._upper = bracket
        # Arrays with the rows: score, error if kept, error if dropped.
        self._inside: list[Array] = []

    def add(self, score: Array, kept_error: Array, signal: Array) -> None:
        """Add the weights of a block; arrays have shape (1, features)."""
        above, below = score > self._upper, score < self._lower
        self._missing -= int(np.count_nonzero(above))
        self._error += total(kept_error, signal, above, below).item()
        near = np.flatnonzero(above == below)  # neither above nor below
        self._inside.append(np.array([x[0, near] for x in (score, kept_error, signal)]))

    @property
    def settled(self) -> bool:
        """Whether the threshold of all weights lies inside the bracket."""
        return 0 <= self._missing <= sum(part.shape[1] for part in self._inside)

    def error(self, rng: np.random.Generator) -> float:
        """p times the excess error of all weights, if the tally is `settled`."""
        score, kept_error, signal = np.concatenate(self._inside, axis=1)[:, None]
        mask = largest(score, self._missing, rng)
        return float(self._error + total(kept_error, signal, mask, ~mask).item())


def streamed_trial(
    problem: FiniteProblem,
    parts: Callable[[], Iterator[Part]],
    brackets: Mapping[Place, Bracket],
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Risks and controls of one replicate, each of shape (rules, alphas).

    Every call of `parts` must yield the same weights.
    """
    sums, ties = PowerSums(problem, 1), rng.bit_generator.state

    def first_pass() -> Iterator[Part]:
        for part in parts():
            sums.add(part.block, part.coefficient)
            yield part

    tallies = _tally_all(problem, first_pass(), brackets, rng)
    if missed := [place for place, tally in tallies.items() if not tally.settled]:
        rng.bit_generator.state = ties  # the rule `random` draws the same scores again
        tallies |= _tally_all(problem, parts(), dict.fromkeys(missed, _WHOLE_LINE), rng)
    risk = np.empty((len(problem.rules), len(problem.kept)))
    for place, tally in tallies.items():
        risk[place] = problem.sigma**2 + tally.error(rng) / problem.p
    return risk, sums.controls()[0]


def _tally_all(
    problem: FiniteProblem,
    parts: Iterable[Part],
    brackets: Mapping[Place, Bracket],
    rng: np.random.Generator,
) -> dict[Place, _Tally]:
    """Tallies of all weights, for each rule and alpha that has a bracket."""
    tallies = {place: _Tally(problem.kept[place[1]], of) for place, of in brackets.items()}
    rows = sorted({row for row, _ in tallies})
    for block, coefficient, trained in parts:
        kept_error, signal = losses(problem, block, coefficient, trained)
        for row in rows:
            rule = problem.rules[row]
            score = scores(problem, rule, block, coefficient, trained, rng)
            own_error = kept_errors(problem, rule, block, coefficient, trained, kept_error)
            for place, tally in tallies.items():
                if place[0] == row:
                    tally.add(score, own_error, signal)
    return tallies


def brackets_from(
    problem: FiniteProblem, sample: FiniteProblem, part: Part, rng: np.random.Generator
) -> dict[Place, Bracket]:
    """Brackets that contain the thresholds of a problem with high probability.

    `part` has all weights of `sample`, a smaller problem with the same groups.  Of its m scores the
    number above the threshold of the large problem is binomial, with mean m alpha and variance
    m alpha (1 - alpha).  A bracket reaches over `_BRACKET_ERRORS` standard deviations, in ranks.
    """
    result: dict[Place, Bracket] = {}
    for row, rule in enumerate(problem.rules):
        score = np.sort(scores(sample, rule, part.block, part.coefficient, part.trained, rng)[0])
        padded = np.concatenate([[-np.inf], score, [np.inf]])
        for column, alpha in enumerate(problem.alpha):
            # Two more ranks allow for rounding of the counts.
            reach = 2 + _BRACKET_ERRORS * (score.size * alpha * (1 - alpha)) ** 0.5
            ends = np.rint((1 - alpha) * score.size + np.array([-reach, reach + 1])).astype(int)
            low, high = padded[np.clip(ends, 0, score.size + 1)].tolist()
            result[row, column] = low, high
    return result
