"""The grid: broadcasting, digits, results and their forms."""

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import stats

from asymptotics import InvalidInput, Population, RiskResult, risk
from asymptotics.results import to_csv, to_json

POPULATION = Population(weight=[1, 3], eigenvalue=[10, 1], std=[0.5, 1])


def test_broadcasts_like_numpy() -> None:
    result = risk(
        POPULATION,
        kappa=np.array([0.5, 1.0, 2.0])[:, None, None],
        sigma=0.5,
        alpha=[[0.2], [0.5]],
        rule=["magnitude", "covariance", "oracle", "random"],
    )
    assert result.shape == (3, 2, 4)
    for name in RiskResult.columns:
        assert getattr(result, name).shape == (3, 2, 4), name
    for index in np.ndindex(result.shape):
        alone = risk(
            POPULATION,
            result.kappa[index],
            result.sigma[index],
            result.alpha[index],
            result.ridge[index],
            result.rule[index],
        )
        np.testing.assert_allclose(alone.risk, result.risk[index], rtol=1e-14)
    assert risk(POPULATION, 1.5, 0.5, 0.5).shape == ()
    assert risk(POPULATION, [], 0.5, 0.5).shape == (0,)


def test_large_grids_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    kappa = np.geomspace(0.1, 10, 57)
    whole = risk(POPULATION, kappa, 0.5, 0.3)
    calls = []
    monkeypatch.setattr("asymptotics.line.grid.CHUNK", 10)
    parts = risk(POPULATION, kappa, 0.5, 0.3, progress=lambda *done: calls.append(done))
    np.testing.assert_array_equal(whole.risk, parts.risk)
    assert calls[-1] == (57, 57)
    assert len(calls) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kappa": 0}, "kappa = 0: must be a finite number > 0"),
        ({"kappa": -1.5}, "kappa = -1.5: must be a finite number > 0"),
        ({"kappa": [1, np.nan]}, "kappa[1] = nan"),
        ({"kappa": np.inf}, "kappa = inf"),
        ({"kappa": "1"}, "kappa = '1'"),
        ({"kappa": [1, [2, 3]]}, "must be a number or an array"),
        ({"kappa": True}, "kappa = True"),
        ({"kappa": 1e60}, "rescale the units"),
        ({"sigma": -0.1}, "sigma = -0.1: must be a finite number >= 0"),
        ({"sigma": 1j}, "sigma = 1j"),
        ({"alpha": 1.01}, "alpha = 1.01: must be a number in [0, 1]"),
        ({"alpha": -1e-9}, "alpha = -1e-09"),
        ({"ridge": -1}, "ridge = -1"),
        ({"ridge": Decimal("NaN")}, "ridge = NaN"),
        ({"ridge": None}, "ridge = None"),
        ({"ridge": [Decimal(1), "a"]}, "ridge[1] = 'a'"),
        ({"kappa": np.ma.array([1.0, 2.0], mask=[False, True])}, "must not be masked"),
        ({"digits": 0}, "digits = 0: must be a whole number"),
        ({"digits": 1.5}, "digits = 1.5"),
        ({"kappa": [1, 2], "alpha": [0.1, 0.2, 0.3]}, "must broadcast"),
    ],
)
def test_bad_parameters(change, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        risk(POPULATION, **({"kappa": 2, "sigma": 0.5, "alpha": 0.5} | change))
    assert message in str(error.value)
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)


def test_digits_agree_with_an_evaluation_by_hand() -> None:
    """Least squares, one group, no signal: 1 + v P(kept) moments in closed form."""
    result = risk(Population(), Decimal("0.5"), 1, Fraction(3, 10), digits=50)
    with mpmath.workdps(80):
        u = mpmath.findroot(lambda u: mpmath.erfc(u / mpmath.sqrt(2)) - mpmath.mpf(3) / 10, 1.03)
        expected = 1 + 2 * (mpmath.ncdf(-u) + u * mpmath.npdf(u))
        assert abs(mpmath.mpf(next(result.rows())["risk"]) - expected) < 1e-49
        assert abs(result.threshold.item() - u) < 1e-49


def test_digits_take_decimals_for_what_they_say() -> None:
    tenth, binary = (
        risk(POPULATION, k, 1, 1, digits=40).risk.item() for k in (Decimal("0.1"), 0.1)
    )
    assert str(tenth.context.nstr(tenth, 40)).startswith("1.1111111111111111111111111111111111111")
    assert 0 < abs(tenth - binary) < 1e-16


def test_digits_meet_the_special_rows() -> None:
    result = risk(POPULATION, [1, 2], Decimal("0.5"), [[Decimal("0.3")], [0], [1]], digits=20)
    assert result.status.tolist() == [["diverges", "ok"], ["ok", "ok"], ["diverges", "ok"]]
    rows = list(result.rows())
    assert rows[0]["risk"] == "inf"
    assert rows[3]["threshold"] == "nan"
    document = json.loads(to_json(result, {}))
    assert document["rows"][0]["risk"] is None
    assert document["rows"][3]["threshold"] is None
    assert len(document["rows"][1]["risk"]) > 18


def test_a_failure_is_not_a_number() -> None:
    """Scales so far apart that double precision gives up: said, and not computed."""
    population = Population(
        weight=[1e-63, 1], eigenvalue=[4e95, 1e-150], mean=[1.3e28, 6e60], std=[0, 1e-90]
    )
    result = risk(population, 425.0, 1e-2, [0.0, 0.3, 1.0], rule="covariance")
    assert np.isnan(result.risk[result.status != "ok"]).all()
    assert np.isfinite(result.risk[result.status == "ok"]).all()


@pytest.mark.parametrize("digits", [None, 12])
def test_without_convergence_there_are_no_numbers(digits: int | None) -> None:
    """Of a law whose scores hardly vary the quadrature does not tell the risk."""
    sharp = Population.from_distribution(stats.uniform(0.5, 1), mean=1.0, std=0.0)
    result = risk(sharp, 0.5, [0.01, 0.5], 0.3, rule="covariance", digits=digits)
    assert result.status.tolist() == ["no convergence", "ok"]
    for name in ("risk", "kept_error", "dropped_signal", "threshold"):
        values = getattr(result, name).astype(float)
        assert np.isnan(values[0]), name
        assert np.isfinite(values[1]), name


def test_almost_all_weights_kept() -> None:
    """What is dropped keeps its digits, be it one weight in 10^12."""
    population = Population(weight=[1, 2, 3], eigenvalue=[1, 0, 3], std=[1, 2, 3])
    for rule in ("random", "oracle", "magnitude"):
        problem = (population, 0.5, 0.0, 1 - 1e-12, 0.0, rule)
        value, exact = risk(*problem).risk.item(), risk(*problem, digits=20).risk.item()
        assert abs(value - exact) <= 1e-11 * exact


@pytest.mark.parametrize("mean", [[1, 0], [1, 1e-60]])
def test_eigenvalues_hundreds_of_decades_apart(mean: list[float]) -> None:
    """Variances on the way underflow: what that makes uncertain is no number."""
    population = Population(eigenvalue=[3e-128, 2e120], mean=mean)
    for rule in ("magnitude", "covariance"):
        result = risk(population, 3e37, 0.0, 0.5, rule=rule)
        exact = risk(population, 3e37, 0.0, 0.5, rule=rule, digits=15)
        assert result.tau == pytest.approx(3e157)
        for name in ("risk", "threshold"):
            value, truth = getattr(result, name).item(), float(getattr(exact, name).item())
            assert np.isnan(value) or value == pytest.approx(truth, rel=1e-8)
    with pytest.raises(
        InvalidInput, match=r"E\[Lambda B\^2\] = 1e\+120: must be of magnitude 1e-200 to"
    ):
        Population(eigenvalue=[3e-128, 2e120], mean=[1, 1])
    with pytest.raises(InvalidInput, match="must be of magnitude 1e-200 to 1e"):
        Population(eigenvalue=1e-100, mean=1e-90)


def test_precisions_that_never_agree_end(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def never(*values) -> bool:
        used.append(values[1]["risk"].context.dps)
        return False

    monkeypatch.setattr("asymptotics.line.digits._agree", never)
    result = risk(POPULATION, 2, 0.5, 0.3, digits=10)
    assert result.status.item() == "no convergence"
    assert mpmath.isnan(result.risk.item())
    assert used == [60, 120, 240, 480, 960, 1920]


def test_digits_do_not_agree_on_what_no_precision_sees() -> None:
    """Next to nothing is dropped of a wide group: as a difference of tails, 0 in any precision."""
    population = Population(
        [1.3, 175.2, 100], [9.6e54, 4e-96, 5.6e-104], [0, 5.2e-92, 1.4e-57], [1, 0, 0]
    )
    problem = (population, 3.7e-15, 0.0, 1 - 1.4e-10, 0.0, "covariance")
    value, exact = risk(*problem).risk.item(), risk(*problem, digits=12).risk.item()
    assert 0 < exact < 1e-200
    assert value == pytest.approx(float(exact), rel=1e-10)


def test_a_threshold_that_floats_do_not_tell_is_none() -> None:
    """Between two far-off scores any threshold keeps the same weights, but one balances tails."""
    population = Population([1, 2], mean=[1, 2], std=[1e-3, 2e-3])
    result = risk(population, 0.5, 1e-6, [2 / 3, 0.6])
    assert (result.status == "ok").all()
    assert np.isnan(result.threshold[0])
    exact = risk(population, 0.5, 1e-6, 0.6, digits=15).threshold.item()
    assert result.threshold[1] == pytest.approx(float(exact), rel=1e-9)


def test_digits_are_for_few_groups() -> None:
    with pytest.raises(InvalidInput, match="10,000 groups"):
        risk(Population(eigenvalue=np.ones(20_000)), 2, 0.5, 0.5, digits=20)


def test_digits_tell_scores_apart_that_floats_tie() -> None:
    means = [Decimal(1), Decimal("1.00000000000000000001")]
    population = Population(mean=means)
    double, exact = (risk(population, 0.5, 0, Decimal("0.5"), digits=d) for d in (None, 40))
    assert double.kept_share().tolist() == [0.5, 0.5]
    assert [float(x) for x in exact.kept_share()] == [0, 1]


def test_kept_share_where_nothing_is_known() -> None:
    result = risk(POPULATION, 1.0, 0.5, [0.0, 0.5])
    np.testing.assert_array_equal(result.kept_share(), [[0, 0], [np.nan, np.nan]])


def test_kept_share_where_rounding_decides() -> None:
    """A risk of status "no convergence" goes with shares that are NaN, not with wrong ones."""
    population = Population([0.5, 0.5], [4, 1], [1, 1 + 1e-15], 1e-17)
    result = risk(population, 0.5, 0.0, [0, 0.5, 1])
    assert result.status.tolist() == ["ok", "no convergence", "ok"]
    np.testing.assert_array_equal(result.kept_share(), [[0, 0], [np.nan, np.nan], [1, 1]])


def test_repr_shows_what_varies() -> None:
    result = risk(POPULATION, np.geomspace(0.1, 10, 41), 0.5, 0.3)
    text = repr(result)
    assert "shape (41,): 1 diverges, 40 ok" in text
    assert "sigma = 0.5, alpha = 0.3, ridge = 0, rule = magnitude" in text
    assert "..." in text
    assert len(text.splitlines()) < 20
    assert len(result.table().splitlines()) == 41 + 3
    assert "RiskResult of shape ()" in repr(risk(POPULATION, 2, 0.5, 0.3))
    assert "shape (0,)" in repr(risk(POPULATION, [], 0.5, 0.3))


def test_json_and_csv() -> None:
    result = risk(POPULATION, [0.5, 1.0], 0.5, 0.3, rule=np.array([["magnitude"], ["random"]]))
    document = json.loads(to_json(result, {"kappa": [Decimal("0.5"), Decimal(1)]}))
    assert document["version"] == 1
    assert document["spec"] == {"kappa": [0.5, 1.0]}
    assert [row["status"] for row in document["rows"]] == ["ok", "diverges"] * 2
    assert document["rows"][1]["risk"] is None
    assert document["rows"][2]["threshold"] is None
    assert document["rows"][0]["risk"] == result.risk[0, 0]
    assert tuple(document["rows"][0]) == (*RiskResult.columns, "diverges", "infinite")
    rows = list(csv.DictReader(io.StringIO(to_csv(result))))
    assert float(rows[0]["risk"]) == result.risk[0, 0]
    assert rows[1]["risk"] == "inf"
    assert rows[2]["threshold"] == ""


def test_data_frame() -> None:
    frame = risk(POPULATION, [0.5, 2.0], 0.5, 0.3).to_dataframe()
    assert tuple(frame.columns) == RiskResult.columns
    assert frame["risk"].dtype == np.float64
    assert frame["rule"].tolist() == ["magnitude", "magnitude"]
