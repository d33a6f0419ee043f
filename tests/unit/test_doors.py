"""What comes in: numbers of every kind, whole numbers with bounds, and what is said of the rest."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asymptotics import (
    AsymptoticsError,
    CertifiedRisk,
    InvalidInput,
    NoConvergence,
    Population,
    hessian_bias,
    networks,
    parameters,
    risk,
    sensitivity,
    theory,
    verify,
)
from asymptotics.derivation import AtPoints, OverBoxes
from asymptotics.domains import COUNTS, DOMAINS
from asymptotics.parameters import exact, parameter, whole
from tests.odd_values import CALLS, ODD, RIGHT

P = Population(weight=[1, 1], eigenvalue=[10, 1], std=1)


@pytest.mark.parametrize("name", CALLS)
def test_odd_values_are_served_or_refused_in_a_line(name: str) -> None:
    """Whatever argument they stand in; a warning would fail too."""
    function, arguments = CALLS[name]
    for key, kind in itertools.product(arguments, ODD):
        if (name, key, kind) in RIGHT:
            continue
        value = (x for x in [0.5]) if kind == "generator" else ODD[kind]
        try:
            function(**{**arguments, key: value})
        except (InvalidInput, NoConvergence) as error:
            message = str(error)
            assert len(message) <= 300, (key, kind, message)
            assert message.isprintable(), (key, kind, message)
        except Exception as error:
            raise AssertionError(f"{name}({key} = {kind}): {error!r}") from error


# -- numbers ----------------------------------------------------------------------------------


def binary_forms(x: float) -> list[Any]:
    """Ways to write the value of a float exactly."""
    ratio = Fraction(x)
    mantissa, exponent = np.frexp(x)
    forms = [
        np.float64(x),
        np.longdouble(x),
        np.array(x),
        np.array([x]),
        [x],
        (x,),
        pd.Series([x]),
        np.array([x], dtype=object),
        ratio,
        Decimal(x),
        mpmath.mpf(x),
        mpmath.mpf(mantissa) * mpmath.mpf(2) ** int(exponent),
        mpmath.MPContext().mpf(x),
        sp.Float(x, 60),
        sp.Rational(ratio.numerator, ratio.denominator),
        [mpmath.mpf(x)],
        [Fraction(ratio)],
    ]
    if float(np.float32(x)) == x:  # NumPy itself would compare them as float32
        forms += [np.float32(x), np.array([x], dtype=np.float32)]
    if float(np.float16(x)) == x:
        forms += [np.float16(x)]
    if x == int(x):
        forms += [int(x), np.int8(x), np.uint64(x), sp.Integer(int(x)), [int(x)]]
    return forms


FLOATS = st.floats(0.01, 100) | st.integers(1, 100).map(float)


@given(FLOATS, st.sampled_from(["kappa", "sigma", "ridge", "alpha"]))
@example(0.5, "alpha")
@example(3.0, "kappa")
@settings(max_examples=25)
def test_every_form_of_a_float_gives_its_risk_to_the_last_bit(x: float, key: str) -> None:
    x = x / 128 if key == "alpha" else x
    grid: dict[str, Any] = {"kappa": 0.5, "sigma": 1.0, "alpha": 0.5, "ridge": 0.1}
    expected = risk(P, **{**grid, key: x})
    for form in binary_forms(x):
        found = risk(P, **{**grid, key: form})
        assert found.risk.item() == expected.risk.item(), repr(form)
        assert found.threshold.item() == expected.threshold.item()


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["kappa", "std", "exponent"]))
@settings(max_examples=8)
def test_every_form_of_a_rational_gives_its_risk_to_all_digits(a: int, b: int, key: str) -> None:
    a = a % (4 * b) + 1 if key == "exponent" else a
    ratio = Fraction(a, b)

    def at(value: Any) -> Any:
        population = Population([1, 1], [2, 1], 0, value if key == "std" else 1)
        kappa, rule = value if key == "kappa" else 2, "covariance"
        given_rule = {"exponent": value} if key == "exponent" else rule
        return risk(population, kappa, 1, 0.3, rule=given_rule, digits=40).risk.item()

    forms = [sp.Rational(a, b), [ratio]] if key != "exponent" else [sp.Rational(a, b)]
    assert all(at(form) == at(ratio) for form in forms)
    # A number of 200 bits is itself, not the float next to it, and not the ratio that it rounds.
    with mpmath.workprec(200):
        rounded = mpmath.mpf(a) / b
    mantissa, exponent = rounded.man_exp
    value = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    assert at(rounded) == at(value) == at(sp.Float._new(rounded._mpf_, 200))
    assert (at(rounded) == at(float(value))) == (value == float(value))


def test_long_doubles_keep_what_floats_cannot_hold() -> None:
    x = np.longdouble(1) / 3
    assert exact(x) == Fraction(*x.as_integer_ratio())
    if np.finfo(np.longdouble).nmant > 52:
        assert exact(x) != float(x)
    array = parameter("kappa", np.array([x, np.longdouble(0.5)]))
    assert [Fraction(entry) for entry in array] == [Fraction(*x.as_integer_ratio()), Fraction(1, 2)]
    assert risk(P, x, 1, 0.5).risk == risk(P, float(x), 1, 0.5).risk
    assert risk(P, x, 1, 0.5, digits=25).risk == risk(P, exact(x), 1, 0.5, digits=25).risk


def test_what_the_package_computes_it_takes_again() -> None:
    """Numbers of many digits, certified ones, slopes and rules."""
    many = risk(P, [0.5, 3], 1, 0.3, 0.1, rule={"exponent": Fraction(1, 3)}, digits=30)
    again = risk(P, many.kappa, many.risk, many.alpha, many.tau, many.rule, digits=30)
    values = [Fraction(*map(int, _ratio(x))) for x in many.risk]
    assert (again.risk == risk(P, [0.5, 3], values, 0.3, many.tau, many.rule, digits=30).risk).all()
    double = risk(P, many.kappa, many.risk, many.alpha, many.tau, many.rule)
    floats = [np.array([float(x) for x in column]) for column in (many.risk, many.tau)]
    assert (double.risk == risk(P, [0.5, 3], floats[0], 0.3, floats[1], many.rule).risk).all()
    proved = risk(P, 0.5, 1, 0.3, certify=True)
    assert isinstance(proved, CertifiedRisk)
    assert risk(P, 0.5, proved.lower, 0.3).risk == risk(P, 0.5, float(proved.lower), 0.3).risk
    assert theory.as_rule(str(many.rule[0])) == many.rule[0]
    for function in (sensitivity, hessian_bias):
        assert np.isfinite(function(P, many.kappa, many.risk, 0.5, many.tau).column("kappa")).all()
    teacher = networks.Teacher(3, test_samples=20, sigma=many.risk[0])
    rounds = networks.sweep(
        many.tau[1], width=2, samples=5, task=teacher,
        steps=2, step=many.risk[0] / 9, trials=1, workers=1,
    )  # fmt: skip
    assert rounds.eta == float(many.tau[1])


def test_exact_numbers_are_shown_to_the_digits_of_the_result() -> None:
    with mpmath.workprec(200):
        third = mpmath.mpf(1) / 3
    for value, shown in ((third, "0." + 20 * "3"), (Fraction(1, 3), "1/3"), (0.25, "0.25")):
        assert next(risk(P, value, 1, 0.5, digits=20).rows())["kappa"] == shown


def _ratio(x: Any) -> tuple[int, int]:
    mantissa, exponent = x.man_exp
    return (mantissa << exponent, 1) if exponent >= 0 else (mantissa, 1 << -exponent)


@pytest.mark.parametrize(
    "value", [sp.pi, sp.sqrt(2), mpmath.pi, mpmath.iv.mpf(1), sp.Float("0.1") * sp.pi]
)
def test_numbers_without_an_exact_value_name_the_remedy(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"must be an exact number: round it by float\(\)"):
        risk(P, value, 1, 0.5)
    assert np.isfinite(risk(P, float(value.a if hasattr(value, "a") else value), 1, 0.5).tau)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Decimal("1e400"), "must be of magnitude 1e-50 to 1e+50"),
        (10**400, "must be of magnitude 1e-50 to 1e+50"),
        (-(10**400), "must be a finite number > 0"),
        (Fraction(1, 10**400), "must be of magnitude 1e-50 to 1e+50"),
        (mpmath.mpf(2) ** (10**9), "must be of magnitude"),
        (mpmath.mpf(2) ** -(10**9), "must be of magnitude"),
        (np.longdouble("1e4000"), "must be of magnitude"),
        (mpmath.inf, "must be a finite number > 0"),
        (sp.oo, "must be a finite number > 0"),
        (sp.nan, "must be a finite number > 0"),
        (sp.Symbol("x"), "must be a finite number > 0"),
        ([np.ma.masked, 1], "must not be masked"),
        (np.ones((1,) * 30), "must have at most 24 dimensions"),
    ],
    ids=range(13),
)
def test_numbers_out_of_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match="^kappa.*" + message.replace("+", r"\+")):
        risk(P, value, 1, 0.5)


# -- whole numbers ------------------------------------------------------------------------------

HUGE = (10**30, 10**39, 10**400, 10**5000)


@pytest.mark.parametrize("key", COUNTS)
def test_whole_numbers_have_bounds_that_are_said(key: str) -> None:
    least, most = COUNTS[key]
    for value in (least, most, np.int64(least), sp.Integer(most), np.array(least)):
        assert whole(key, value) == int(value)
    for value in (least - 1, most + 1, *HUGE[1:], -(10**400), True, 2.0, np.float64(3), "3", None):
        with pytest.raises(InvalidInput, match=f"^{key} = .*must be a whole number from") as error:
            whole(key, value)
        assert len(str(error.value)) < 200


SMALL = networks.Teacher(features=3, test_samples=20)
X, NET = np.eye(2), networks.TwoLayer([[1.0, 0.5]], [3.0])
SIZED: dict[str, Callable[[Any], Any]] = {
    "digits": lambda n: risk(P, 0.5, 1, 0.5, digits=n),
    "p": lambda n: verify(P, 0.5, 1, 0.5, p=n),
    "trials": lambda n: verify(P, 0.5, 1, 0.5, p=20, trials=n),
    "seed": lambda n: verify(P, 0.5, 1, 0.5, p=20, trials=8, seed=n),
    "workers": lambda n: verify(P, 0.5, 1, 0.5, p=20, trials=8, workers=n),
    "steps": lambda n: networks.sweep(1, steps=n),
    "steps of descent": lambda n: networks.gradient_descent(NET, X, X[0], steps=n),
    "evaluations": lambda n: networks.gradient_flow(NET, X, X[0], 1, evaluations=n),
    "width": lambda n: networks.sweep(1, width=n),
    "samples": lambda n: networks.sweep(1, samples=n),
    "trials of a sweep": lambda n: networks.sweep(1, trials=n),
    "width of a start": lambda n: networks.TwoLayer.random(n, 2, 0),
    "features of a start": lambda n: networks.TwoLayer.random(2, n, 0),
    "features": lambda n: networks.Teacher(features=n),
    "neurons": lambda n: networks.Teacher(neurons=n),
    "test_samples": lambda n: networks.Teacher(test_samples=n),
    "samples of a task": lambda n: SMALL.draw(n, 0),
    "rng": lambda n: SMALL.draw(3, n),
    "number": lambda n: AtPoints(number=n),
    "digits of points": lambda n: AtPoints(digits=n),
    "most": lambda n: OverBoxes({}, most=n),
    "bits": lambda n: OverBoxes({}, bits=n),
}


@pytest.mark.parametrize("name", SIZED)
def test_work_without_bounds_is_refused_at_once(name: str) -> None:
    for size in (*HUGE[1:], -1, True, 1.5, np.float64(4)):
        with pytest.raises(InvalidInput, match=f"^{name.split()[0]}(\\[0\\])? = .*a whole number"):
            SIZED[name](size)


def test_sizes_that_are_allowed_alone_may_be_too_much_together() -> None:
    with pytest.raises(InvalidInput, match=r"^hidden = '1,000,000 x 1,000,000'"):
        networks.TwoLayer.random(10**6, 10**6, 0)
    with pytest.raises(InvalidInput, match=r"^inputs = "):
        networks.Teacher(features=10**6).draw(10**6, 0)
    with pytest.raises(InvalidInput, match=r"^work = .*fewer steps, runs, neurons or samples"):
        networks.sweep(1, width=1000, samples=10**5, steps=10**7, trials=10**6)
    with pytest.raises(InvalidInput, match=r"10,000,000,000 points, of at most 1,000,000,000"):
        risk(P, np.ones((10**5, 1)), np.ones(10**5), 0.5)


# -- shapes and names ---------------------------------------------------------------------------

THREE, TWO = [0.5, 2, 3], [0.1, 0.2]
SHAPED: dict[str, tuple[Callable[[], Any], str]] = {
    "risk": (
        lambda: risk(P, THREE, TWO, 0.5, rule=["magnitude"] * 5),
        r"ridge \(\), rule \(5,\) must broadcast.* kappa\[:, None, None\], sigma\[:, None\], rule",
    ),
    "verify": (lambda: verify(P, THREE, 1, TWO), r"kappa\[:, None\], alpha"),
    "sensitivity": (lambda: sensitivity(P, THREE, 1, TWO), r"kappa\[:, None\], alpha"),
    "hessian_bias": (lambda: hessian_bias(P, THREE, 1, TWO), r"kappa\[:, None\], alpha"),
    "fixed_point": (lambda: theory.fixed_point(P, THREE, TWO), r"kappa \(3,\), sigma \(2,\)"),
    "sweep": (
        lambda: networks.sweep(THREE, TWO, ["magnitude"] * 4),
        r"eta \(3,\), alpha \(2,\), width \(\), samples \(\), rule \(4,\)",
    ),
    "kept_at_start": (
        lambda: networks.kept_at_start(THREE, TWO, 20, 64),
        r"eta \(3,\), alpha \(2,\), features \(\), width \(\) .* eta\[:, None\], alpha",
    ),
    "deleting_scale": (
        lambda: networks.deleting_scale(TWO, [20, 30, 40], 64),
        r"alpha \(2,\), features \(3,\), width \(\) must broadcast",
    ),
    "columns": (
        lambda: risk(P, np.ones((2, 3)), np.ones(2), 0.5),
        r"kappa \(2, 3\), sigma \(2,\).* give each an axis of its own by \[:, None\]",
    ),
    "Population": (
        lambda: Population([1, 2], THREE, 0, 1),
        r"weight \(2,\), eigenvalue \(3,\), mean \(1,\), std \(1,\) must have one length",
    ),
    "from_beta": (lambda: Population.from_beta(THREE, TWO), r"eigenvalue \(3,\), beta \(2,\)"),
    "from_samples": (lambda: Population.from_samples(THREE, TWO), "must have one length"),
}


@pytest.mark.parametrize("name", SHAPED)
def test_shapes_that_do_not_broadcast_are_all_named(name: str) -> None:
    call, message = SHAPED[name]
    with pytest.raises(InvalidInput, match=message):
        call()


def test_the_remedy_works() -> None:
    kappa, sigma, rule = np.array(THREE), np.array(TWO), ["magnitude"] * 5
    assert risk(P, kappa[:, None, None], sigma[:, None], 0.5, rule=rule).shape == (3, 2, 5)


def test_hessian_and_covariance_are_one_rule() -> None:
    """Everywhere; a result has the name of its own kind of model."""
    found = risk(P, 2, 1, 0.4, rule=["hessian", "covariance"])
    assert [str(rule) for rule in found.rule] == ["covariance", "covariance"]
    assert found.risk[0] == found.risk[1]
    assert theory.as_rule("hessian") is theory.COVARIANCE
    same = networks.sweep(
        1.0, 0.5, ["hessian", "covariance"], width=4, samples=10, task=SMALL, steps=2, trials=1,
        workers=1,
    )  # fmt: skip
    assert same.rule.tolist() == ["hessian", "hessian"]
    assert same.test_error[0] == same.test_error[1]


# -- messages -----------------------------------------------------------------------------------


class Untold:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("k" * 5_000, 1, "a" * 5_000),
        ("k", "v" * 5_000, "must be short"),
        ("k", ["v" * 5_000] * 5_000, "must be short"),
        ("k", {"v" * 5_000: 10**5_000}, "must be short"),
        ("k", 10**5_000, "must be small"),
        ("k", Fraction(1, 10**5_000), "must be small"),
        ("k", np.arange(10**6), "must be small"),
        ("k", Untold(), "must tell"),
        ("a\nb\x1b[31m\u202e\ud800", "a\nb\x1b", "c\n\x07d"),
        ("\r" * 10_000, "\n" * 10_000, "\0" * 10_000),
    ],
    ids=range(10),
)
def test_messages_are_short_and_printable(key: str, value: Any, allowed: str) -> None:
    for error in (
        InvalidInput(key, value, allowed),
        InvalidInput(key, value, allowed).within("p" * 5_000),
        NoConvergence(allowed),
        AsymptoticsError(key + allowed),
    ):
        assert len(str(error)) <= 300
        assert str(error).isprintable()
        str(error).encode()
    assert InvalidInput(key, value, allowed).key == key


def test_short_messages_stay_as_they_are() -> None:
    assert str(InvalidInput("alpha", "a\nb", "must be\n  less")) == r"alpha = 'a\nb': must be less"
    assert str(InvalidInput("a\nb", [1, 0.5], "no")) == r"a\nb = [1, 0.5]: no"
    assert str(InvalidInput("n", 10**400, "no")) == "n = (an integer of 401 digits): no"


def test_many_known_names_are_not_all_listed() -> None:
    from asymptotics.errors import unknown_key, unknown_name

    known = [f"name-{index}" for index in range(1_000)]
    message = str(unknown_name("rule", "nam-500", known))
    assert "did you mean 'name-500'?" in message
    assert message.endswith("... (1000 in all)")
    assert len(str(unknown_key("a" * 10**6, 1, known))) <= 300


def test_domains_say_numbers_for_what_they_contain() -> None:
    """The ends of each domain, where it has any, are in it as a float and as an exact number."""
    for key, domain in DOMAINS.items():
        for edge in {1.0, domain.smallest or 1.0}:
            assert float(parameter(key, Fraction(edge))) == float(parameter(key, edge)) == edge


def test_each_parameter_of_a_row_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Population(weight=[0.5, 0.5], eigenvalue=[10, 1], std=1)
    checked: list[str] = []
    as_array = parameters.as_array

    def noted(key: str, value: Any, dtype: Any = None) -> Any:
        checked.append(key)
        return as_array(key, value, dtype)

    monkeypatch.setattr(parameters, "as_array", noted)
    for more in ({}, {"digits": 20}, {"certify": True}):
        checked.clear()
        risk(two, 2, 0.5, 0.4, **more)
        assert sorted(checked) == ["alpha", "kappa", "ridge", "rule", "sigma"]
    checked.clear()
    sensitivity(two, 2, 0.5, 0.4)
    assert sorted(checked) == ["alpha", "kappa", "ridge", "rule", "sigma"]
    checked.clear()
    theory.fixed_point(two, 2, 0.5)  # a stage by itself goes through the same door
    assert sorted(checked) == ["kappa", "ridge", "sigma"]
