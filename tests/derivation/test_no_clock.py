"""No verdict depends on the clock, or on how fast the machine is."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import find
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition

from asymptotics.derivation import POSITIVE, AtPoints, Derivation, Equal, Exactly, Ruling, search
from asymptotics.derivation.claims import Finding
from asymptotics.derivation.points import drawn
from asymptotics.derivation.time_limit import OutOfTime
from tests.derivation.verdicts import chosen
from tests.one_step import verdict_of

ROOT = Path(__file__).parents[2]
Verdicts = dict[str, list[object]]


def started(budget: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.derivation.verdicts", *([budget] if budget else [])]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def verdicts(process: subprocess.Popen[str]) -> Verdicts:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def undisturbed() -> Verdicts:
    return verdicts(started())


def test_undisturbed_the_false_ones_fail(undisturbed: Verdicts) -> None:
    assert undisturbed.keys() == chosen().keys()
    assert not any(holds for name, (holds, _) in undisturbed.items() if name.startswith("false"))
    assert sum(holds is True for holds, _ in undisturbed.values()) > 15


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be stopped")
@pytest.mark.linux
def test_a_stopped_processor_changes_no_verdict(undisturbed: Verdicts) -> None:
    draw = random.Random(13)  # noqa: S311
    by_points = [name for name, (_, said) in undisturbed.items() if "though proved" in str(said)]
    others = draw.sample(sorted(undisturbed.keys() - set(by_points)), 8)
    with started() as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip() in (*by_points, *others):  # is being checked
                time.sleep(draw.uniform(0, 0.06))
                process.send_signal(signal.SIGSTOP)
                time.sleep(draw.uniform(0.5, 0.8))
                process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        assert json.loads(process.stdout.read()) == undisturbed


def test_the_least_budget_shows_nothing_false(undisturbed: Verdicts) -> None:
    found = verdicts(started("1"))
    assert not any(holds for name, (holds, _) in found.items() if name.startswith("false"))
    # What the simplest points and the ends refute, they refute with any budget.
    refuted = {name for name, (_, said) in undisturbed.items() if "though proved" in str(said)}
    assert len(refuted) > 3
    assert all(str(found[name][1]).startswith("refuted") for name in refuted)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing interrupts")
def test_the_least_time_leaves_verdicts_undecided_or_as_they_are(undisturbed: Verdicts) -> None:
    found = verdicts(started("0.02"))
    stopped = [name for name, (_, said) in found.items() if "processor time" in str(said)]
    assert stopped
    assert all(found[name][0] is False for name in stopped)
    assert all(found[name] == undisturbed[name] for name in found.keys() - set(stopped))


class Interrupted(Equal):
    """The time is up at one of the points."""

    def at(self, numbers) -> Finding:
        type(self).left_over -= 1
        if not self.left_over:
            raise OutOfTime
        return super().at(numbers)

    left_over = 0


@pytest.mark.parametrize("after", [1, 2, 5, 6, 7, 20, 40])
@pytest.mark.parametrize("more", [0, 1])
def test_time_that_is_up_at_a_point_leaves_the_step_undecided(after: int, more: int) -> None:
    d = Derivation("One step", "", source="", untied="a test")
    x, y = (d.symbol(name, POSITIVE, "a number") for name in "xy")
    # Proved, false at the first point, or false at few.
    claim = Interrupted(sp.Max(x * y, 1) + more * sp.Abs(sp.Max(x, 700) - 700), sp.Max(x * y, 1))
    Interrupted.left_over = after
    d.step("the step", claim, "It is tried.", Exactly())
    found = verdict_of(d)
    if Interrupted.left_over > 0:  # decided before
        assert found.ruling is not Ruling.UNDECIDED
    else:
        assert found.found == "undecided: no answer within 200 s of processor time"


def false_between() -> Derivation:
    """A claim that holds at the simplest points and at small numbers."""
    d = Derivation("One step", "", source="", untied="a test")
    x = d.symbol("x", POSITIVE, "a number")
    d.step("the step", Equal(sp.Max(x, 700), 700), "It is tried.", AtPoints(200))
    return d


@pytest.mark.parametrize("at_call", [1, 60])
def test_a_search_that_breaks_off_is_made_again(
    at_call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = verdict_of(false_between()).found
    assert undisturbed.startswith("refuted at x = ")
    calls = iter(range(1, 10**6))

    def broken(strategy, fails, **options):
        def tried(point) -> bool:
            if next(calls) == at_call:
                raise FlakyStrategyDefinition
            return fails(point)

        return find(strategy, tried, **options)

    monkeypatch.setattr(search, "find", broken)
    assert verdict_of(false_between()).found == undisturbed


class Ended(BaseException):
    """A signal ends the command."""


@pytest.mark.parametrize("interruption", [OutOfTime, Ended])
@pytest.mark.parametrize("at_draw", [1, 2, 10, 30])
def test_what_interrupts_a_draw_is_not_taken_for_a_draw_that_differs(
    at_draw: int, interruption: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = iter(range(1, 10**6))

    @st.composite
    def interrupted(draw, symbols, domains):
        if next(draws) == at_draw:  # in the midst of the draw
            raise interruption
        return draw(drawn(symbols, domains))

    monkeypatch.setattr(search, "drawn", interrupted)
    d = false_between()
    found = search.Search(search.Question(d.steps[0].claim, d.domains, {}, lambda x: x), 30)
    with pytest.raises(interruption):
        found.counterexample(200)


def test_a_point_that_failed_refutes_though_every_search_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(strategy, fails, **options):
        find(strategy, fails, **options)
        raise FlakyStrategyDefinition

    monkeypatch.setattr(search, "find", broken)
    assert verdict_of(false_between()).found.startswith("refuted at x = ")


def test_draws_that_differ_each_time_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = iter(range(10**6))

    @st.composite
    def differing(draw, symbols, domains):
        for _ in range(next(lengths) % 3):
            draw(st.booleans())
        return draw(drawn(symbols, domains))

    monkeypatch.setattr(search, "drawn", differing)
    d = Derivation("One step", "", source="", untied="a test")
    x = d.symbol("x", POSITIVE, "a number")
    d.step("true", Equal(sp.Abs(x), x), "It is tried.", AtPoints(200))
    found = verdict_of(d).found
    assert found.startswith("undecided: ")
    assert found.endswith("random points do not repeat when they are drawn again")
