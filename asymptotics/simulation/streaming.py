r"""Test errors of more weights than memory holds: each is drawn, scored and forgotten.

Which weights are kept is known when all have been seen, but for few it is known before: quantiles
of a sample bracket the cut.  A weight that scores above its bracket is kept, one below it is
dropped, and only those inside are remembered.  A cut that turns out to lie elsewhere costs a second
pass over the same weights, which remembers all: the result is exact in any case.

Source: Floyd, Rivest, *Expected time bounds for selection* (Comm. ACM 18, 1975).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .control import PowerSums
from .finite import Block, FiniteProblem
from .pruning import largest, losses, scores, total

#: Standard errors of a sample's quantile by which a bracket reaches to either side.
_REACH = 5
Bracket = tuple[float, float]
_EVERYTHING = (-np.inf, np.inf)
#: Where a rule and an alpha stand in the problem.
Place = tuple[int, int]


class Part(NamedTuple):
    """True and trained weights of a block, of shape (1, features)."""

    block: Block
    coefficient: Array
    trained: Array


class _Tally:
    """One error, of the weights seen so far, but for those inside the bracket."""

    def __init__(self, kept: int, bracket: Bracket) -> None:
        self._missing, self._error = kept, 0.0
        self._lower, self._upper = bracket
        self._inside: list[Array] = []  # score, loss if kept, loss if dropped

    def add(self, score: Array, kept_error: Array, signal: Array) -> None:
        above, below = score > self._upper, score < self._lower
        self._missing -= int(np.count_nonzero(above))
        self._error += total(kept_error, signal, above, below).item()
        near = np.flatnonzero(above == below)
        self._inside.append(np.array([x[0, near] for x in (score, kept_error, signal)]))

    @property
    def settled(self) -> bool:
        """Whether the cut of all weights is inside the bracket."""
        return 0 <= self._missing <= sum(part.shape[1] for part in self._inside)

    def error(self, rng: np.random.Generator) -> float:
        """The error of all weights, times p, if it is settled."""
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

    `parts` goes through the same weights each time it is called.
    """
    sums, ties = PowerSums(problem, 1), rng.bit_generator.state

    def seen() -> Iterator[Part]:
        for part in parts():
            sums.add(part.block, part.coefficient)
            yield part

    tallies = _tallies(problem, seen(), brackets, rng)
    if missed := [place for place, tally in tallies.items() if not tally.settled]:
        rng.bit_generator.state = ties  # random scores are the same
        tallies |= _tallies(problem, parts(), dict.fromkeys(missed, _EVERYTHING), rng)
    risk = np.empty((len(problem.rules), len(problem.kept)))
    for place, tally in tallies.items():
        risk[place] = problem.sigma**2 + tally.error(rng) / problem.p
    return risk, sums.controls()[0]


def _tallies(
    problem: FiniteProblem,
    parts: Iterable[Part],
    brackets: Mapping[Place, Bracket],
    rng: np.random.Generator,
) -> dict[Place, _Tally]:
    tallies = {place: _Tally(problem.kept[place[1]], of) for place, of in brackets.items()}
    rows = sorted({row for row, _ in tallies})
    for block, coefficient, trained in parts:
        kept_error, signal = losses(problem, block, coefficient, trained)
        for row in rows:
            score = scores(problem, problem.rules[row], block, coefficient, trained, rng)
            for place, tally in tallies.items():
                if place[0] == row:
                    tally.add(score, kept_error, signal)
    return tallies


def brackets_from(
    problem: FiniteProblem, sample: FiniteProblem, part: Part, rng: np.random.Generator
) -> dict[Place, Bracket]:
    """Where the cuts of a problem are likely to be, by the weights of a smaller one like it."""
    result: dict[Place, Bracket] = {}
    for row, rule in enumerate(problem.rules):
        score = np.sort(scores(sample, rule, part.block, part.coefficient, part.trained, rng)[0])
        ladder = np.concatenate([[-np.inf], score, [np.inf]])
        for column, alpha in enumerate(problem.alpha):
            reach = 2 + _REACH * (score.size * alpha * (1 - alpha)) ** 0.5
            ends = np.rint((1 - alpha) * score.size + np.array([-reach, reach + 1])).astype(int)
            low, high = ladder[np.clip(ends, 0, score.size + 1)].tolist()
            result[row, column] = low, high
    return result
