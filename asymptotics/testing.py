"""Hypothesis strategies for populations and problems; needs the extra ``asymptotics[testing]``.

They serve property-based tests of formulas, of this package or your own:

>>> from hypothesis import given
>>> from asymptotics import risk
>>> from asymptotics.testing import problems
>>> @given(problems())
... def test_keeping_all_weights_is_not_pruning(problem):
...     result = risk(*problem._replace(alpha=1.0))
...     assert abs(result.risk - result.unpruned_risk) <= 1e-12 * result.risk
>>> test_keeping_all_weights_is_not_pruning()

Numbers vary over orders of magnitude.  Special cases, in which formulas tend to break, are
frequent: no noise, no ridge, point masses, repeated or zero eigenvalues, ties.
"""

import math
from typing import NamedTuple

from .extras import extra
from .iterated.schedule import Round
from .population import Population
from .theory import COVARIANCE, MAGNITUDE, ORACLE, RANDOM, Rule, exponent_rule
from .theory.retraining import TOWARDS

with extra("testing"):
    from hypothesis import strategies as st


class Problem(NamedTuple):
    """The arguments of `asymptotics.risk`, in their order."""

    population: Population
    kappa: float
    sigma: float
    alpha: float
    ridge: float
    rule: Rule


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers from `low` to `high`, uniform in the exponent, rounded to 12 digits."""
    exponents = st.floats(math.log10(low), math.log10(high))
    return exponents.map(lambda x: min(max(float(f"{10**x:.12g}"), low), high))


@st.composite
def populations(
    draw: st.DrawFn,
    max_groups: int = 8,
    eigenvalue_range: float = 1e8,
    smallest_std: float = 1e-3,
    zero_eigenvalues: bool = True,
) -> Population:
    """Populations of 1 to `max_groups` groups, at least one of them with a positive eigenvalue.

    The largest eigenvalue is at most `eigenvalue_range` times the smallest positive one.  A std is
    0 or at least `smallest_std`.
    """
    size = draw(st.integers(1, max_groups))
    root = math.sqrt(eigenvalue_range)
    eigenvalue = st.sampled_from([1.0, 2.0, 4.0, 10.0]) | magnitudes(1 / root, root)
    if draw(st.integers(0, 3)) == 0:
        eigenvalue = st.just(draw(eigenvalue))
    others = eigenvalue | st.just(0.0) if zero_eigenvalues else eigenvalue
    eigenvalues = [draw(eigenvalue), *(draw(others) for _ in range(size - 1))]
    means = st.sampled_from([0.0, 1.0, -1.0, 2.0]) | st.floats(-10, 10)
    stds = st.sampled_from([0.0, 1.0]) | magnitudes(smallest_std, 10)
    weights = st.sampled_from([1.0, 2.0, 3.0]) | magnitudes(1e-3, 1)
    groups = [(draw(weights), x, _flushed(draw(means)), draw(stds)) for x in eigenvalues]
    return Population.from_groups(groups)


def rules() -> st.SearchStrategy[Rule]:
    """Pruning rules of every kind."""
    exponents = st.sampled_from([-1.0, 0.25, 1.0]) | st.floats(-1, 2).map(lambda x: round(x, 3))
    return st.sampled_from([MAGNITUDE, COVARIANCE, ORACLE, RANDOM]) | exponents.map(exponent_rule)


@st.composite
def problems(
    draw: st.DrawFn,
    population: st.SearchStrategy[Population] | None = None,
    rule: st.SearchStrategy[Rule] | None = None,
    smallest_gap: float = 1e-3,
    smallest_alpha: float = 1e-4,
    smallest_sigma: float = 1e-3,
) -> Problem:
    """Problems of finite risk, with κ from 1e-3 to 1e3 and κ₊ at least `smallest_gap` from 1.

    `alpha` is at least `smallest_alpha` from 0 and from 1; `sigma` is 0 or from `smallest_sigma`
    to 10; `ridge` is 0 or from ``smallest_sigma ** 2`` to 10.
    """
    drawn = draw(populations() if population is None else population)
    gaps = magnitudes(smallest_gap, 0.5)
    near = st.builds(lambda sign, gap: 1 + sign * gap, st.sampled_from([-1, 1]), gaps)
    share = float(drawn.mass_above(0).value)
    kappa = draw(magnitudes(1e-3, 1e3) | near.map(lambda excess: excess / share))
    if abs(kappa * share - 1) < smallest_gap:
        kappa = (1 + 2 * smallest_gap) / share
    alphas = st.sampled_from([0.1, 0.3, 0.5]) | magnitudes(smallest_alpha, 0.5)
    alpha = draw(alphas | alphas.map(lambda x: 1 - x))
    sigma = draw(st.sampled_from([0.0, 1.0, 0.5]) | magnitudes(smallest_sigma, 10))
    ridge = draw(st.sampled_from([0.0, 0.0, 1.0]) | magnitudes(smallest_sigma**2, 10))
    return Problem(drawn, kappa, sigma, alpha, ridge, draw(rules() if rule is None else rule))


class Refit(NamedTuple):
    """The keyword arguments of `asymptotics.risk` for a second fit."""

    retrain: bool
    retrain_ridge: float
    retrain_towards: str


def refits(smallest_ridge: float = 1e-6) -> st.SearchStrategy[Refit]:
    """Second fits: the ridge is 0, or from `smallest_ridge` to 10, towards zero or the pruned.

    >>> from hypothesis import given
    >>> from asymptotics import risk
    >>> @given(problems(), refits())
    ... def test_fitting_all_weights_again_changes_nothing(problem, refit):
    ...     again = refit._replace(retrain_ridge=problem.ridge, retrain_towards="zero")
    ...     result = risk(*problem._replace(alpha=1.0), **again._asdict())
    ...     assert abs(result.retrained_risk - result.risk) <= 1e-8 * result.risk
    >>> test_fitting_all_weights_again_changes_nothing()
    """
    ridges = st.sampled_from([0.0, 0.0, 1.0]) | magnitudes(smallest_ridge, 10)
    return st.builds(Refit, st.just(True), ridges, st.sampled_from(TOWARDS))


def schedules(
    max_rounds: int = 3, smallest_alpha: float = 1e-2, smallest_ridge: float = 1e-6
) -> st.SearchStrategy[list[Round]]:
    """Schedules of `asymptotics.rounds`, of 1 to `max_rounds` rounds that keep ever less.

    A ridge is 0, or from `smallest_ridge` to 10.

    >>> from hypothesis import given
    >>> from asymptotics import rounds
    >>> @given(problems(), schedules(max_rounds=1))
    ... def test_one_round_is_one_refit(problem, schedule):
    ...     result = rounds(*problem[:3], schedule, problem.ridge)
    ...     assert result.retrained_risk.shape == (1,)
    >>> test_one_round_is_one_refit()
    """
    shares = st.sampled_from([1.0, 0.5]) | st.floats(0.1, 0.99).map(lambda x: round(x, 6))
    ridges = st.sampled_from([0.0, 0.0, 1.0]) | magnitudes(smallest_ridge, 10)
    steps = st.tuples(shares, rules(), ridges, st.sampled_from(TOWARDS))

    def as_rounds(drawn: list[tuple[float, Rule, float, str]]) -> list[Round]:
        kept, found = 1.0, []
        for share, rule, ridge, towards in drawn:
            kept = max(kept * share, smallest_alpha)
            found.append(Round(kept, rule, ridge, towards))  # type: ignore[arg-type]
        return found

    return st.lists(steps, min_size=1, max_size=max_rounds).map(as_rounds)


def _flushed(x: float) -> float:
    """`x`, or 0 if it is tiny: denormal numbers are outside the domain of a mean."""
    return x if abs(x) > 1e-100 else 0.0
