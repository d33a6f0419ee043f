"""Formulas as symbols against the numbers that the same code computes."""

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from asymptotics import InvalidInput, Population, risk, sensitivity, theory
from asymptotics.arithmetic import FLOAT64
from asymptotics.arithmetic.symbolic import WEIGHT
from asymptotics.formulas import (
    Formula,
    formula,
    titles,
)
from asymptotics.formulas.names import ENTRIES
from asymptotics.testing import magnitudes
from asymptotics.theory import as_rule
from asymptotics.theory.retraining import mask_at, retrained_at, second_fit_at
from tests.budgets import examples

SIZES = magnitudes(0.05, 20)


@cache
def function_of(name: str) -> Callable[..., float]:
    """The generated Python source of a formula, as a reader would run it."""
    space: dict[str, Any] = {}
    exec(formula(name).python(), space)  # noqa: S102  # the text that is tested
    function: Callable[..., float] = space[name.replace("-", "_")]
    return function


def run(entry: Formula, values: dict[str, object]) -> float:
    """The formula at the values of its symbols."""
    function = function_of(entry.name)
    return float(function(**{name: values[name] for name in signature(function).parameters}))


@st.composite
def cases(draw):
    size = draw(st.integers(1, 3))
    columns = [[draw(SIZES) for _ in range(size)] for _ in range(4)]
    population = Population(*columns)
    kappa = draw(st.floats(0.1, 5).filter(lambda x: abs(x - 1) > 0.05))
    return population, kappa, draw(SIZES), draw(st.floats(0.05, 0.95)), draw(SIZES)


def values_of(case, rule="magnitude"):
    population, kappa, sigma, alpha, ridge = case
    result = risk(population, kappa, sigma, alpha, ridge, rule)
    groups = population.groups()
    values = {"w": groups.weight, "Lambda": groups.eigenvalue, "m": groups.mean, "s": groups.std}
    values |= {"kappa": kappa, "sigma": sigma, "alpha": alpha, "r": ridge}
    values |= {"tau": result.tau.item(), "gamma": result.gamma.item(), "t": result.threshold.item()}
    values |= {"risk": result.risk.item(), "null": result.null_risk.item()}
    return values


@examples(25)
@given(cases())
def test_general_formulas_agree_with_floats(case) -> None:
    values = values_of(case)
    assert run(formula("effective-ridge"), values) == pytest.approx(0, abs=1e-10)
    assert run(formula("noise-level"), values) == pytest.approx(values["gamma"], rel=1e-9)
    assert run(formula("null-risk"), values) == pytest.approx(values["null"], rel=1e-12)
    assert run(formula("limit-alpha-1"), values) == pytest.approx(values["gamma"], rel=1e-9)
    for rule in ("magnitude", "covariance"):
        of_rule = values_of(case, rule)
        kept = run(formula(f"threshold-{rule}"), of_rule)
        assert kept == pytest.approx(0, abs=1e-9)
        pruned = run(formula(f"pruned-risk-{rule}"), of_rule)
        assert pruned == pytest.approx(of_rule["risk"], rel=1e-7)


@examples(25)
@given(cases())
def test_derivatives_agree_with_floats(case) -> None:
    for rule in ("magnitude", "covariance"):
        values = values_of(case, rule)
        population, kappa, sigma, alpha, ridge = case
        slopes = sensitivity(population, kappa, sigma, alpha, ridge, rule)
        for key in ("kappa", "sigma", "alpha", "ridge"):
            found = run(formula(f"pruned-risk-slope-{key}-{rule}"), values)
            expected = getattr(slopes, f"d_{key}").item()
            unit = values["risk"] / values.get(key, values["r"])
            assert abs(found - expected) <= 1e-6 * (abs(expected) + unit)


def retrained_values(case, rule, ridge, towards):
    """The values of the symbols of a second fit, by the stages in floats."""
    population, kappa, sigma, alpha, first_ridge = case
    kept, chi, exact = as_rule(rule), int(towards == "pruned"), np.asarray
    fixed = theory.fixed_point(population, kappa, sigma, first_ridge)
    law = theory.channel(population, fixed)
    cut = theory.threshold(kept.score(law), alpha)
    mask = mask_at(law, kept, cut, exact(alpha), np.False_, FLOAT64)
    given = (exact(kappa), exact(sigma), exact(alpha), kept, exact(ridge), exact(chi))
    fit = second_fit_at(population, fixed, mask, *given, FLOAT64)
    again = retrained_at(fit, FLOAT64)
    values = values_of(case, rule) | {"r_2": ridge, "chi": chi}
    values |= {"tau_2": fit.second_ridge.tau.item(), "retrained": again.risk.item()}
    return values | {"theta": again.theta.item(), "h": again.leftover.item()}


@examples(25)
@given(cases(), SIZES, st.sampled_from(["zero", "pruned"]))
def test_formulas_of_the_second_fit_agree_with_floats(case, ridge, towards) -> None:
    for rule in ("magnitude", "covariance"):
        values = retrained_values(case, rule, ridge, towards)
        assert run(formula(f"second-effective-ridge-{rule}"), values) == pytest.approx(0, abs=1e-9)
        for name in ("stein", "errors"):
            # Linear in theta and h: the terms of each, which must cancel.
            equation = formula(f"second-fit-{name}-{rule}")
            at = [values | {"theta": 0, "h": 0}, values | {"h": 0}, values | {"theta": 0}]
            rest, *others = (run(equation, each) for each in at)
            terms = [rest, *(other - rest for other in others)]
            assert abs(sum(terms)) <= 1e-7 * sum(map(abs, terms))
        again = run(formula(f"retrained-risk-{rule}"), values)
        assert again == pytest.approx(values["retrained"], rel=1e-7)


@examples(25)
@given(cases())
def test_the_formula_of_least_squares_twice_agrees_with_floats(case) -> None:
    population, kappa, sigma, alpha, _ = case
    case = population, kappa / 6, sigma, alpha, 0
    for rule in ("magnitude", "covariance"):
        values = retrained_values(case, rule, 0, "zero")
        twice = run(formula(f"retrained-risk-least-squares-{rule}"), values)
        assert twice == pytest.approx(values["retrained"], rel=1e-7)
        # The theta that it solves for counts.
        assert twice != pytest.approx(values["risk"], rel=1e-7)


@examples(25)
@given(cases(), SIZES)
def test_the_formulas_of_random_pruning_agree_with_floats(case, ridge) -> None:
    values = retrained_values(case, "random", ridge, "zero")
    assert run(formula("second-effective-ridge-random"), values) == pytest.approx(0, abs=1e-9)
    again = run(formula("retrained-risk-random"), values)
    assert again == pytest.approx(values["retrained"], rel=1e-9)
    population, kappa, sigma, alpha, _ = case
    values = retrained_values((population, kappa / 6, sigma, alpha, 0), "random", 0, "zero")
    twice = run(formula("retrained-risk-least-squares-random"), values)
    assert twice == pytest.approx(values["retrained"], rel=1e-9)


@given(*[SIZES] * 3, st.sampled_from([0, 1]), *[st.floats(-3, 3)] * 4)
def test_the_error_of_a_retrained_weight_is_that_of_its_definition(
    eigenvalue, tau, tau_2, chi, b, noise, theta, h
) -> None:
    a, seen = eigenvalue / (eigenvalue + tau), eigenvalue / (eigenvalue + tau_2)
    first = a * b + noise
    taken = theta * noise / a + h * tau * first / eigenvalue
    error = -(1 - seen) * (b - chi * first) + seen * taken
    values = {"Lambda": eigenvalue, "tau": tau, "tau_2": tau_2, "chi": chi, "B": b, "N": noise}
    found = run(formula("retrained-error"), values | {"theta": theta, "h": h})
    assert found == pytest.approx(error, rel=1e-9, abs=1e-9 * (1 + abs(b) + abs(first)))


@examples(25)
@given(SIZES, SIZES, st.floats(1.05, 9), SIZES, st.floats(0.05, 0.95), SIZES)
def test_closed_forms_agree_with_floats(b, sigma, kappa, ridge, weight, eigenvalue) -> None:
    isotropic = Population.isotropic(std=b)
    for names, r in ((("", ""), 0), (("-ridge", "-ridge"), ridge)):
        result = risk(isotropic, kappa, sigma, 1, r)
        values = {"kappa": kappa, "sigma": sigma, "r": r, "b": b}
        tau = run(formula(f"effective-ridge-isotropic{names[0]}"), values)
        gamma = run(formula(f"noise-level-isotropic{names[1]}"), values)
        assert tau == pytest.approx(result.tau.item(), rel=1e-8)
        assert gamma == pytest.approx(result.gamma.item(), rel=1e-8)
    two = Population([weight, 1 - weight], [eigenvalue, 1], std=1)
    values = {"kappa": kappa, "w_1": weight, "Lambda_1": eigenvalue, "Lambda_2": 1}
    tau = run(formula("effective-ridge-two-eigenvalues"), values)
    assert tau == pytest.approx(risk(two, kappa, sigma, 1).tau.item(), rel=1e-7)


#: The order of limits whose error is rounding at any distance.
EXACT_ORDER = 5
LIMITS = {
    # name: where it is taken as a function of a small number, and the order of what is left out
    "limit-kappa-0": (lambda x: (x, 0.7, 0.3), 1),
    "limit-kappa-1-below": (lambda x: (1 - x, 0.7, 0), EXACT_ORDER),
    "limit-kappa-1-above": (lambda x: (1 + x, 0.7, 0), 1),
    "limit-kappa-1-above-without-noise": (lambda x: (1 + x, 0, 0), 2),
    "limit-kappa-infinity": (lambda x: (1 / x, 0.7, 0), 2),
    "limit-sigma-0": (lambda x: (2.0, x, 0), 2),
    "limit-sigma-infinity": (lambda x: (2.0, 1 / x, 0.3), 0),
    "limit-ridge-0": (lambda x: (0.5, 0.7, x), 2),
    "limit-ridge-infinity": (lambda x: (0.5, 0.7, 1 / x), 2),
}


def leaves_out_what_it_says(name: str, factor: float = 1.0) -> bool:
    """Whether the error of a limit, times a factor, falls with the order that is left out.

    It may fall no faster either: an error that is not there could not have shown a wrong order.
    """
    at, order = LIMITS[name]
    population = Population([0.3, 0.7], [2, 0.5], mean=[1, 0.2], std=[0.5, 1])
    errors, sizes = [], []
    for small in (1e-2, 1e-3):
        kappa, sigma, ridge = at(small)
        values = values_of((population, kappa, sigma, 1.0, ridge))
        errors.append(abs(factor * run(formula(name), values) - values["gamma"]))
        sizes.append(values["gamma"])
    if order == EXACT_ORDER:
        return max(errors) < 1e-10 * sizes[-1]
    return 10.0**-order / 3 <= errors[1] / errors[0] <= 10.0**-order * 1.5


@pytest.mark.parametrize("name", LIMITS)
def test_limits_leave_out_what_they_say(name: str) -> None:
    assert leaves_out_what_it_says(name)


@pytest.mark.parametrize("name", LIMITS)
def test_a_wrong_coefficient_is_seen(name: str) -> None:
    assert not leaves_out_what_it_says(name, factor=1.02)


#: Formulas whose regime excludes neither a ridge of 0 nor fewer features than samples.
EVERYWHERE = [
    name
    for name, entry in ENTRIES.items()
    if not any(word in entry.regime for word in ("ridge", "kappa", "r ->"))
]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_formula_that_holds_everywhere_holds_for_least_squares(name: str) -> None:
    values = values_of((Population([1], [2], 1, 1), 0.5, 1.0, 0.5, 0.0))
    single = {key: np.asarray(value).item() for key, value in values.items()}
    assert np.isfinite(run(formula(name), single))


@pytest.mark.parametrize("name", titles())
def test_every_form_of_every_formula(name: str) -> None:
    entry = formula(name)
    assert entry.name == name
    assert entry.text()
    assert entry.title in entry.markdown()
    assert r"\operatorname{E}" in entry.latex() or WEIGHT not in entry.parameters
    assert isinstance(entry.equation, sp.Eq)
    tree = ast.parse(entry.python())
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    names = [argument.arg for argument in function.args.args]
    assert names == [str(x) for x in entry.parameters]


def test_an_unknown_formula_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'noise-level'"):
        formula("noise-levle")


def test_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "asymptotics", "formula"]

    def said(*arguments: str) -> str:
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True
        ).stdout

    assert "limit-kappa-1-above" in said("list")
    assert said("show", "effective-ridge-isotropic") == "tau = kappa - 1\n"
    assert said("show", "noise-level-least-squares", "--format", "latex").startswith(r"\gamma")
    path = tmp_path / "noise.py"
    path.write_text(said("show", "noise-level", "--format", "python"), encoding="utf-8")
    code = "from noise import noise_level as f; import numpy as n; o = n.ones(1)\n"
    code += "print(f(kappa=2, r=0, sigma=1, tau=1, w=o, Lambda=o, m=0 * o, s=o))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert float(result.stdout) == np.float64(2.5)
