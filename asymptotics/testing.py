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

from .domains import Domain
from .extras import extra
from .iterated.schedule import Round
from .parameters import scalar, whole
from .population import Population
from .theory import COVARIANCE, MAGNITUDE, ORACLE, RANDOM, Rule, exponent_rule
from .theory.retraining import TOWARDS

with extra("testing"):
    from hypothesis import strategies as st


#: The range of κ in problems.
_KAPPAS = (1e-3, 1e3)


class Problem(NamedTuple):
    """The arguments of `asymptotics.risk`, in their order."""

    population: Population
    kappa: float
    sigma: float
    alpha: float
    ridge: float
    rule: Rule


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers from `low` to `high`, uniform in the exponent, rounded to 12 digits.

    Raises `InvalidInput` unless 1e-100 <= `low` <= `high` <= 1e100.
    """
    high = _within("high", high, 1e-100, 1e100)
    low = _within("low", low, 1e-100, high)
    exponents = st.floats(math.log10(low), math.log10(high))
    return exponents.map(lambda x: min(max(float(f"{10**x:.12g}"), low), high))


def _numbers(low: float, high: float, favourites: list[float]) -> st.SearchStrategy[float]:
    """Numbers from `low` to `high`, often one of `favourites`, if it is 0 or in that range."""
    kept = [x for x in favourites if x == 0 or low <= x <= high]
    return st.sampled_from(kept) | magnitudes(low, high) if kept else magnitudes(low, high)


def _within(name: str, value: float, low: float, high: float) -> float:
    """The argument `name` as a float; raises `InvalidInput` unless it is from `low` to `high`."""
    text = f"must be from {low:g} to {high:g}"
    return float(scalar(name, value, Domain(lambda x: (x >= low) & (x <= high), text)))


def populations(
    max_groups: int = 8,
    eigenvalue_range: float = 1e8,
    smallest_std: float = 1e-3,
    zero_eigenvalues: bool = True,
) -> st.SearchStrategy[Population]:
    """Populations of 1 to `max_groups` groups, at least one of them with a positive eigenvalue.

    The largest eigenvalue is at most `eigenvalue_range` times the smallest positive one, up to
    rounding.  A std is 0, or from `smallest_std` to 10.  No eigenvalue is 0 unless
    `zero_eigenvalues`.

    Raises `InvalidInput` unless `max_groups` is at least 1, `eigenvalue_range` from 1 to 1e100, and
    `smallest_std` from 1e-100 to 10.
    """
    most = whole("max_groups", max_groups, 1)
    weights = st.sampled_from([1.0, 2.0, 3.0]) | magnitudes(1e-3, 1)
    root = math.sqrt(_within("eigenvalue_range", eigenvalue_range, 1, 1e100))
    eigenvalue = _numbers(1 / root, root, [1.0, 2.0, 4.0, 10.0])
    stds = _numbers(_within("smallest_std", smallest_std, 1e-100, 10), 10, [0.0, 1.0])
    return _populations(most, weights, eigenvalue, stds, zero_eigenvalues)


@st.composite
def _populations(
    draw: st.DrawFn,
    most: int,
    weights: st.SearchStrategy[float],
    eigenvalue: st.SearchStrategy[float],
    stds: st.SearchStrategy[float],
    zero_eigenvalues: bool,
) -> Population:
    size = draw(st.integers(1, most))
    if draw(st.integers(0, 3)) == 0:
        eigenvalue = st.just(draw(eigenvalue))
    others = eigenvalue | st.just(0.0) if zero_eigenvalues else eigenvalue
    eigenvalues = [draw(eigenvalue), *(draw(others) for _ in range(size - 1))]
    means = st.sampled_from([0.0, 1.0, -1.0, 2.0]) | st.floats(-10, 10)
    groups = [(draw(weights), x, _flushed(draw(means)), draw(stds)) for x in eigenvalues]
    return Population.from_groups(groups)


def rules() -> st.SearchStrategy[Rule]:
    """Pruning rules of every kind but `optimal` and `shrunk`, which keep other identities."""
    exponents = st.sampled_from([-1.0, 0.25, 1.0]) | st.floats(-1, 2).map(lambda x: round(x, 3))
    return st.sampled_from([MAGNITUDE, COVARIANCE, ORACLE, RANDOM]) | exponents.map(exponent_rule)


def problems(
    population: st.SearchStrategy[Population] | None = None,
    rule: st.SearchStrategy[Rule] | None = None,
    smallest_gap: float = 1e-3,
    smallest_alpha: float = 1e-4,
    smallest_sigma: float = 1e-3,
) -> st.SearchStrategy[Problem]:
    """Problems of finite risk, with κ from 1e-3 to 1e3 and κ₊ at least `smallest_gap` from 1.

    `alpha` is from `smallest_alpha` to ``1 - smallest_alpha``; `sigma` is 0 or from
    `smallest_sigma` to 10; `ridge` is 0 or from ``smallest_sigma ** 2`` to 10.

    Raises `InvalidInput` unless `smallest_gap` is from 1e-12 to 0.5, `smallest_alpha` from 1e-15 to
    0.5, and `smallest_sigma` from 1e-100 to 3.
    """
    gap = _within("smallest_gap", smallest_gap, 1e-12, 0.5)
    alphas = _numbers(_within("smallest_alpha", smallest_alpha, 1e-15, 0.5), 0.5, [0.1, 0.3, 0.5])
    least = _within("smallest_sigma", smallest_sigma, 1e-100, 3)
    return _problems(
        populations() if population is None else population,
        magnitudes(*_KAPPAS),
        st.builds(lambda sign, x: 1 + sign * x, st.sampled_from([-1, 1]), magnitudes(gap, 0.5)),
        gap,
        alphas | alphas.map(lambda x: 1 - x),
        _numbers(least, 10, [0.0, 1.0, 0.5]),
        _numbers(least**2, 10, [0.0, 0.0, 1.0]),
        rules() if rule is None else rule,
    )


@st.composite
def _problems(
    draw: st.DrawFn,
    population: st.SearchStrategy[Population],
    kappa: st.SearchStrategy[float],
    excess: st.SearchStrategy[float],
    gap: float,
    alpha: st.SearchStrategy[float],
    sigma: st.SearchStrategy[float],
    ridge: st.SearchStrategy[float],
    rule: st.SearchStrategy[Rule],
) -> Problem:
    drawn = draw(population)
    share = float(drawn.mass_above(0).value)
    apart = _apart(draw(kappa | excess.map(lambda x: x / share)), share, gap)
    kept = draw(alpha)
    return Problem(drawn, apart, draw(sigma), kept, draw(ridge), draw(rule))


def _apart(kappa: float, share: float, gap: float) -> float:
    """`kappa` if it is in the range of κ and κ₊ at least `gap` from 1, else a number that is so."""
    for candidate in (min(kappa, _KAPPAS[1]), (1 + 2 * gap) / share):
        if candidate <= _KAPPAS[1] and abs(candidate * share - 1) >= gap:
            return candidate
    return min(0.25 / share, _KAPPAS[1])


class Refit(NamedTuple):
    """The keyword arguments of `asymptotics.risk` for a second fit."""

    retrain: bool
    retrain_ridge: float
    retrain_towards: str


def refits(smallest_ridge: float = 1e-6) -> st.SearchStrategy[Refit]:
    """Second fits: the ridge is 0, or from `smallest_ridge` to 10, towards zero or the pruned.

    Raises `InvalidInput` unless `smallest_ridge` is from 1e-100 to 10.

    >>> from hypothesis import given
    >>> from asymptotics import risk
    >>> @given(problems(), refits())
    ... def test_fitting_all_weights_again_changes_nothing(problem, refit):
    ...     again = refit._replace(retrain_ridge=problem.ridge, retrain_towards="zero")
    ...     result = risk(*problem._replace(alpha=1.0), **again._asdict())
    ...     assert abs(result.retrained_risk - result.risk) <= 1e-8 * result.risk
    >>> test_fitting_all_weights_again_changes_nothing()
    """
    ridges = _numbers(_within("smallest_ridge", smallest_ridge, 1e-100, 10), 10, [0.0, 0.0, 1.0])
    return st.builds(Refit, st.just(True), ridges, st.sampled_from(TOWARDS))


def schedules(
    max_rounds: int = 3, smallest_alpha: float = 1e-2, smallest_ridge: float = 1e-6
) -> st.SearchStrategy[list[Round]]:
    """Schedules of `asymptotics.rounds`, of 1 to `max_rounds` rounds.

    No round keeps more than the one before, and each keeps at least the share
    `smallest_alpha`.  A ridge is 0, or from `smallest_ridge` to 10.

    Raises `InvalidInput` unless `max_rounds` is at least 1, `smallest_alpha` from 1e-15 to 1, and
    `smallest_ridge` from 1e-100 to 10.

    >>> from hypothesis import given
    >>> from asymptotics import rounds
    >>> @given(problems(), schedules(max_rounds=1))
    ... def test_one_round_is_one_refit(problem, schedule):
    ...     result = rounds(*problem[:3], schedule, problem.ridge)
    ...     assert result.retrained_risk.shape == (1,)
    >>> test_one_round_is_one_refit()
    """
    most = whole("max_rounds", max_rounds, 1)
    least = _within("smallest_alpha", smallest_alpha, 1e-15, 1)
    shares = st.sampled_from([1.0, 0.5]) | st.floats(0.1, 0.99).map(lambda x: round(x, 6))
    ridges = _numbers(_within("smallest_ridge", smallest_ridge, 1e-100, 10), 10, [0.0, 0.0, 1.0])
    steps = st.tuples(shares, rules(), ridges, st.sampled_from(TOWARDS))

    def as_rounds(drawn: list[tuple[float, Rule, float, str]]) -> list[Round]:
        kept, found = 1.0, []
        for share, rule, ridge, towards in drawn:
            kept = max(kept * share, least)
            # `rules` draws those alone that rounds take.
            found.append(Round(kept, rule, ridge, towards))  # type: ignore[arg-type]
        return found

    return st.lists(steps, min_size=1, max_size=most).map(as_rounds)


def _flushed(x: float) -> float:
    """`x`, or 0 if it is tiny: denormal numbers are outside the domain of a mean."""
    return x if abs(x) > 1e-100 else 0.0
