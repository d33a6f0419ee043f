"""Errors survive the way from one process to another."""

import copy

import pytest

from asymptotics.errors import MISSING, AsymptoticsError, InvalidInput, NoConvergence


@pytest.mark.parametrize(
    "error",
    [InvalidInput("alpha", 2, "must be less"), InvalidInput("task.kind", MISSING, "must be given"),
     NoConvergence("a singular matrix")],
)  # fmt: skip
def test_copies_say_the_same(error: AsymptoticsError) -> None:
    """They are made as `pickle` makes them."""
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
