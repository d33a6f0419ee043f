"""Numbers that mislead neither refute what is true nor show what is false."""

import pytest
import sympy as sp

from asymptotics.derivation import AtPoints, Check, Exactly, Limit, Ruling, Verdict
from tests.derivation import hard_claims
from tests.one_step import verdict_among

CHECKS: tuple[Check, ...] = (Exactly(), AtPoints(10))
#: What neither SymPy nor points decide; the others must be shown, one way or the other.
UNDECIDED = {"tanh below 1"}
#: What no number of points refutes, and algebra does not contradict.
NOT_REFUTED = {"log log + 1/1000", "what oscillates"}


def verdict(claim, check: Check) -> Verdict:
    return verdict_among(hard_claims.d, claim, check)


@pytest.mark.parametrize("name", hard_claims.TRUE)
def test_what_is_true_is_not_refuted(name: str) -> None:
    found = [verdict(hard_claims.TRUE[name], check) for check in CHECKS]
    assert Ruling.REFUTED not in {x.ruling for x in found}, found
    assert any(x.holds for x in found) != (name in UNDECIDED), found
    assert all(x.holds or x.found.startswith("undecided: ") for x in found)


@pytest.mark.parametrize("name", hard_claims.FALSE)
def test_what_is_false_is_not_shown(name: str) -> None:
    for check in CHECKS:
        found = verdict(hard_claims.FALSE[name], check)
        expected = Ruling.UNDECIDED if name in NOT_REFUTED else Ruling.REFUTED
        assert found.ruling is expected, found
        assert found.found.startswith({"REFUTED": "refuted at "}.get(expected.name, "undecided: "))


def test_the_point_is_named_though_there_are_no_symbols() -> None:
    x, oo = hard_claims.x, sp.oo
    found = verdict(Limit(1 / x + sp.Rational(1, 10**30), x, oo, sp.Integer(0)), Exactly())
    assert found.found.startswith("refuted at x = 10^1024: left = 1e-30, right = 0"), found.found
    found = verdict(hard_claims.FALSE["pi"], Exactly())
    assert found.found.startswith("refuted at the only point: left = 3.14159265359, right = 3.1415")


def test_an_end_is_always_named() -> None:
    found = verdict(hard_claims.FALSE["at an end"], Exactly())
    assert found.found.startswith("refuted at a = 0, x = 10^1024: left = 1, right = 0"), found.found
    assert found.found.endswith("(though proved)")


def test_slow_convergence_says_what_would_decide() -> None:
    found = verdict(hard_claims.TRUE["1/log"], AtPoints())
    assert "converge too slowly" in found.found
    assert "would decide it" in found.found
