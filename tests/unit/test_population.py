"""The population type, its constructors and transformations."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from asymptotics import InvalidInput, NoConvergence, Population, risk, theory
from asymptotics.arithmetic import FLOAT64
from asymptotics.arithmetic.multiprecision import Multiprecision

TWO = Population(weight=[1, 3], eigenvalue=[10, 1], mean=[1, 0], std=[0.5, 2])


def test_weights_are_normalised_and_arrays_are_read_only() -> None:
    np.testing.assert_array_equal(TWO.weight, [0.25, 0.75])
    assert len(TWO) == 2
    for column in (TWO.weight, TWO.eigenvalue, TWO.mean, TWO.std):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 7
    with pytest.raises(AttributeError, match="immutable"):
        TWO.weight = np.ones(2)  # type: ignore[misc]


def test_the_arrays_of_the_caller_stay_theirs() -> None:
    eigenvalue = np.array([1.0, 2.0])
    population = Population(eigenvalue=eigenvalue, std=1)
    eigenvalue[0] = 5
    assert population.eigenvalue[0] == 1


def test_equality_hash_and_repr() -> None:
    same = Population.from_groups([(1, 10, 1, 0.5), (3, 1, 0, 2)])
    assert same == TWO
    assert hash(TWO) == hash(same)
    assert Population.isotropic() != TWO
    assert TWO != "two"
    assert "2 groups" in repr(TWO)
    assert "..." in repr(Population(eigenvalue=np.arange(1, 30)))


def test_signal_and_threshold() -> None:
    assert TWO.signal == pytest.approx(0.25 * 10 * 1.25 + 0.75 * 4)
    assert TWO.interpolation_threshold == 1
    silent = Population(weight=[3, 1], eigenvalue=[2, 0], std=1)
    assert silent.interpolation_threshold == pytest.approx(4 / 3)
    assert Population(eigenvalue=0, std=1).interpolation_threshold == np.inf


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weight": -1}, "weight = -1: must be a finite number >= 0"),
        ({"weight": [0, 0]}, "weight = [0.0, 0.0]: must not all be zero"),
        ({"weight": []}, "population.shape = (0,): must be one or more groups"),
        ({"eigenvalue": [1, -1]}, "eigenvalue[1] = -1"),
        ({"eigenvalue": np.nan}, "eigenvalue = nan"),
        ({"eigenvalue": [[1, 2]]}, "eigenvalue.shape = (1, 2): must have one dimension"),
        ({"mean": np.inf}, "mean = inf: must be a finite number"),
        ({"mean": "x"}, "mean = 'x': must be a finite number"),
        ({"std": -0.1}, "std = -0.1: must be a finite number >= 0"),
        ({"mean": [1, 2], "std": [1, 2, 3]}, "mean (2,), std (3,) must have one length"),
        ({"eigenvalue": 1e100, "mean": 1e100}, "rescale the units"),
        ({"eigenvalue": 1e-200}, "rescale the units"),
    ],
)
def test_bad_columns(columns, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Population(**columns)
    assert message in str(error.value)
    assert isinstance(error.value, ValueError)
    assert "\n" not in str(error.value)


def test_from_samples_and_beta() -> None:
    samples = Population.from_samples([1, 2, 3], [0.1, -0.2, 0.3], weight=[1, 1, 2])
    np.testing.assert_array_equal(samples.weight, [0.25, 0.25, 0.5])
    np.testing.assert_array_equal(samples.std, 0)
    beta = np.array([0.5, -1.0, 0.0, 2.0])
    np.testing.assert_allclose(Population.from_beta(1.0, beta).mean, 2 * beta)
    with pytest.raises(InvalidInput, match="beta"):
        Population.from_beta(1.0, [1.0, np.nan])
    assert Population.from_beta([1, 2, 3], 0.5) == Population.from_beta([1, 2, 3], [0.5] * 3)
    with pytest.raises(InvalidInput, match="rows"):
        Population.from_groups([])


def test_families() -> None:
    spiky = Population.spike_and_slab(0.1, mean=2, std=1, eigenvalue=3)
    assert spiky.signal == pytest.approx(0.1 * 3 * 5)
    assert len(Population.isotropic(mean=1, std=0, eigenvalue=4)) == 1
    for fraction in (0, 1.1, [0.1, 0.2], "a"):
        with pytest.raises(InvalidInput, match="fraction"):
            Population.spike_and_slab(fraction)


def test_power_law_moments() -> None:
    for a, b in ((0.5, 0.2), (0.8, -0.5), (0.0, 0.5), (0.8, 0.1), (-1.0, 0.3)):
        population = Population.power_law(a, b)
        assert population.signal == pytest.approx(1 / (1 - a - b), rel=1e-10)
        np.testing.assert_allclose((population.weight * population.std**2).sum(), 1 / (1 - b))
    for a, b in ((1.0, 0.0), (0.5, 0.5), (0.9, 0.2), (np.nan, 0.0)):
        with pytest.raises(InvalidInput):
            Population.power_law(a, b)


@pytest.mark.parametrize("arguments", [([0.1, 0.2], 0.1), (0.5, 0.1, [1e-5, 1e-4])])
def test_a_power_law_has_one_exponent(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        Population.power_law(*arguments)


@pytest.mark.parametrize("path", [None, 1, b"x", "a\0b", "a" * 300])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(InvalidInput, match="file = "):
        Population.from_csv(path)


def test_tails_too_slow_are_not_called_infinite() -> None:
    for a, b in ((0.9, 0.05), (0.5, 0.499), (0.7, 0.29), (0.1, 0.85)):
        with pytest.raises(NoConvergence, match="tail"):
            Population.power_law(a, b, tolerance=1e-12)
    for a, b in ((0.9, 0.05), (0.1, 0.85)):
        slow = Population.power_law(a, b, tolerance=1e-6)
        assert slow.signal == pytest.approx(1 / (1 - a - b), rel=1e-6)


LAWS = {
    "uniform": stats.uniform(0, 2),
    "gamma": stats.gamma(2),
    "gamma, spiked at zero": stats.gamma(0.1),
    "lognormal": stats.lognorm(1.0),
    "arcsine": stats.beta(0.5, 0.5),
    "Pareto": stats.pareto(2.5),
    "kinks": stats.rv_histogram((np.array([1, 2, 1]), np.array([0.0, 1, 2, 4])), density=True),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_continuous_law(law) -> None:
    """Moments, and the risk itself, against the law's own quadrature and a much finer rule."""
    population = Population.from_distribution(law, mean=lambda x: 1 / (1 + x), std=0.5)
    for f in (lambda x: x / (x + 0.3), lambda x: x / (1 + x) ** 2):
        expected = law.expect(f, epsabs=1e-13, epsrel=1e-13, limit=500)
        np.testing.assert_allclose(
            (population.weight * f(population.eigenvalue)).sum(), expected, rtol=1e-9
        )
    finer = Population.from_distribution(law, lambda x: 1 / (1 + x), 0.5, tolerance=1e-12)
    assert len(finer) >= len(population)
    for rule in ("magnitude", "covariance"):
        grid = (np.array([0.5, 2.0]), 0.5, 0.4, 0.1, rule)
        np.testing.assert_allclose(risk(population, *grid).risk, risk(finer, *grid).risk, rtol=1e-9)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (stats.norm(), "must lie in [0, inf)"),
        (stats.poisson(2), "continuous distribution"),
        ("gamma", "continuous distribution"),
        (stats.pareto(1.0), "E[Lambda B^2] = inf: must be finite"),
        (stats.pareto(0.9), "E[Lambda B^2] = inf: must be finite"),
        (stats.halfcauchy(), "E[Lambda B^2] = inf: must be finite"),
    ],
)
def test_bad_laws(law, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Population.from_distribution(law)
    assert message in str(error.value)


def test_bad_functions_of_the_eigenvalue() -> None:
    with pytest.raises(InvalidInput, match="std"):
        Population.from_distribution(stats.uniform(0, 2), std=lambda x: x - 1)
    with pytest.raises(InvalidInput, match="tolerance"):
        Population.from_distribution(stats.uniform(0, 2), tolerance=0)
    noise = np.random.default_rng(0)
    with pytest.raises(InvalidInput, match="must depend on this number alone"):
        Population.from_distribution(stats.uniform(0, 2), std=lambda x: noise.random(x.shape))
    with pytest.raises(NoConvergence, match="tolerance"):
        Population.from_distribution(stats.uniform(0, 2), std=lambda x: 1 + np.sin(1e12 * x))


def test_rescaled_and_mixture() -> None:
    scaled = TWO.rescaled([2, 1])
    np.testing.assert_array_equal(scaled.eigenvalue, [40, 1])
    np.testing.assert_array_equal(scaled.mean, [0.5, 0])
    assert scaled.signal == pytest.approx(TWO.signal)
    mixed = Population.mixture([TWO, Population.isotropic()], weight=[3, 1])
    assert len(mixed) == 3
    assert mixed.signal == pytest.approx(0.75 * TWO.signal + 0.25)
    with pytest.raises(InvalidInput, match="factor"):
        TWO.rescaled(0)
    with pytest.raises(InvalidInput, match="populations"):
        Population.mixture([])


def test_restriction_is_training_on_fewer_features() -> None:
    seen = TWO.restricted([1, 0.5])
    assert seen.fraction == pytest.approx(0.25 + 0.375)
    assert seen.unseen == pytest.approx(0.375 * 4)
    np.testing.assert_allclose(seen.population.signal, TWO.signal - seen.unseen)
    # All features seen: nothing changes.
    whole = TWO.restricted(1)
    assert (whole.fraction, whole.unseen) == (1, 0)
    assert whole.population == Population(TWO.weight, TWO.eigenvalue, TWO.mean, TWO.std)
    with pytest.raises(InvalidInput, match="share"):
        TWO.restricted([0, 0])


def test_mass_above_is_known_beyond_double_precision() -> None:
    from fractions import Fraction

    population = Population(weight=[0.3, 0.7, 0.1], eigenvalue=[1, 0, 5], std=1)
    total = Fraction(0.3) + Fraction(0.7) + Fraction(0.1)
    expected = [Fraction(0.3) + Fraction(0.1), Fraction(0.1), Fraction(0.1), Fraction(0)]
    mass = population.mass_above(np.array([0.0, 1.0, 2.0, 5.0]))
    for value, rest, exact in zip(mass.value, mass.rest, expected, strict=True):
        assert abs(Fraction(value) + Fraction(rest) - exact / total) <= Fraction(2) ** -105
    many = Population(eigenvalue=np.arange(20_000))
    np.testing.assert_allclose(many.mass_above(np.array([0.0, 4999.0])).value, [0.99995, 0.75])


def test_groups_in_many_digits_are_exact() -> None:
    from decimal import Decimal

    many = Multiprecision(40)
    population = Population([Decimal("0.1"), Decimal("0.2")], [1, 0], std=1)
    assert abs(3 * population.groups(many).weight[0] - 1) < 1e-39
    assert 3 * population.mass_above(0, many).value == 1
    assert theory.fixed_point(population, Decimal(3), 1.0, arithmetic=many).gamma == np.inf
    assert theory.fixed_point(population, 3.0, 1.0, arithmetic=FLOAT64).gamma == np.inf


def test_copies_and_pickles_are_equal() -> None:
    import copy
    import pickle

    for copied in (copy.copy(TWO), copy.deepcopy(TWO), pickle.loads(pickle.dumps(TWO))):  # noqa: S301
        assert copied == TWO
    result = risk(TWO, [1, 2], 0.5, 0.5)
    np.testing.assert_array_equal(copy.deepcopy(result).risk, result.risk)
    with pytest.raises(AttributeError, match="immutable"):
        del TWO._groups


def test_transformations_of_wrong_shape_or_kind() -> None:
    np.testing.assert_array_equal(TWO.rescaled(-2).std, TWO.std / 2)
    wrong: list[tuple[Any, ...]] = [
        (TWO.rescaled, [1, 2, 3]),
        (TWO.restricted, [0.1, 0.2, 0.3]),
        (Population.mixture, [TWO, TWO], [1, 2, 3]),
        (Population.mixture, [TWO, 1]),
        (Population.mixture, TWO),
        (Population.from_groups, [1, 2]),
        (Population.from_groups, None),
        (risk, None, 1, 1, 1),
    ]
    for function, *arguments in wrong:
        with pytest.raises(InvalidInput):
            function(*arguments)


def test_constructors_of_one_kind_of_feature_take_numbers() -> None:
    """Never a mixture by accident: three widths are three populations, or groups on purpose."""
    several: list[tuple[Any, str, dict[str, Any]]] = [
        (Population.isotropic, "std", {"std": np.sqrt([1, 2, 3])}),
        (Population.isotropic, "mean", {"mean": [1.0]}),
        (Population.isotropic, "eigenvalue", {"eigenvalue": (1, 2)}),
        (Population.spike_and_slab, "fraction", {"fraction": [0.1, 0.2]}),
        (Population.spike_and_slab, "std", {"fraction": 0.1, "std": [1, 2]}),
        (Population.spike_and_slab, "mean", {"fraction": 0.1, "mean": [1]}),
        (Population.spike_and_slab, "eigenvalue", {"fraction": 0.1, "eigenvalue": [1, 2]}),
    ]
    for constructor, key, arguments in several:
        with pytest.raises(InvalidInput, match=f"{key} = .*a single one: build one population for"):
            constructor(**arguments)
    assert Population.isotropic(std=np.array(2.0)) == Population(std=2)
    assert Population.isotropic(std=np.float32(2)) == Population(std=2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Population.from_beta([1, 2], [1, 2, 3]), "must have one length"),
        (lambda: Population.from_beta([], [1, 2]), "must have one length"),
        (lambda: Population.from_beta([1, 2], [[1], [2]]), "beta.shape = (2, 1): must have one"),
        (lambda: Population.from_samples(1, [[1, 2]]), "coefficient.shape = (1, 2): must have one"),
        (lambda: Population.from_samples([1, 2], [1, 2, 3]), "must have one length"),
    ],
)
def test_columns_that_do_not_fit(build, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        build()
    assert message in str(error.value)


def test_a_covariance_is_no_list_of_eigenvalues() -> None:
    """Its entries may be negative: what is said is that features must be uncorrelated."""
    covariance = np.array([[1, -0.7, 0.1], [-0.7, 1, 0], [0.1, 0, 1]])
    for build in (Population, Population.from_samples, Population.from_beta):
        arguments = {} if build is Population else {"coefficient": [1, 2, 3]}
        if build == Population.from_beta:
            arguments = {"beta": [1, 2, 3]}
        with pytest.raises(InvalidInput, match=r"eigenvalue\.shape = \(3, 3\): .*correlated"):
            build(eigenvalue=covariance, **arguments)
    assert "Do not pass the eigenvalues of a covariance" in (Population.from_beta.__doc__ or "")


def test_from_beta_is_pruning_of_uncorrelated_features() -> None:
    """What its docstring warns of: where weights are pruned, their basis matters."""
    rng = np.random.default_rng(0)
    p, n = 300, 600
    covariance = 0.7 ** np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    spectrum, basis = np.linalg.eigh(covariance)
    beta = np.full(p, 1 / np.sqrt(p))
    rotated = Population.from_beta(spectrum, basis.T @ beta)
    x = rng.standard_normal((n, p)) @ np.linalg.cholesky(covariance).T
    y = x @ beta + 0.5 * rng.standard_normal(n)
    trained = np.linalg.lstsq(x, y)[0]
    kept = np.abs(trained) >= np.quantile(np.abs(trained), 0.7)
    seen = {
        alpha: error @ covariance @ error + 0.25
        for alpha, error in ((1, trained - beta), (0.3, trained * kept - beta))
    }
    predicted = risk(rotated, p / n, 0.5, [1, 0.3]).risk
    assert seen[1] == pytest.approx(predicted[0], rel=0.1)
    assert seen[0.3] > 2 * predicted[1]


def test_rounded_zeros_of_a_spectrum_are_clipped() -> None:
    x = np.random.default_rng(0).standard_normal((40, 60))
    spectrum = np.linalg.eigvalsh(x.T @ x / 40)
    assert -1e-12 < spectrum.min() < 0
    with pytest.raises(InvalidInput) as error:
        Population.from_beta(spectrum, 1.0)
    assert "must be a finite number >= 0; if it is rounding (" in str(error.value)
    clip = float(str(error.value).split("clip = ")[1].split()[0])
    assert clip >= -spectrum.min()
    assert clip < -2 * spectrum.min() or clip < 10 ** np.ceil(np.log10(-spectrum.min()))
    clipped = Population.from_beta(spectrum, 1.0, clip=1e-12)
    assert clipped.interpolation_threshold == pytest.approx(60 / 40)
    np.testing.assert_array_equal(clipped.eigenvalue, np.where(spectrum < 1e-12, 0, spectrum))
    assert Population.from_samples(spectrum, 1.0, clip=1e-12) == Population(
        eigenvalue=spectrum, mean=1, clip=1e-12
    )


def test_clip_is_a_bound_on_magnitudes() -> None:
    from decimal import Decimal

    eigenvalue = [Decimal("1e-9"), Decimal("-1e-9"), Decimal("1.1e-9"), 1]
    clipped = Population(eigenvalue=eigenvalue, std=1, clip=Decimal("1e-9"))
    assert clipped.eigenvalue.tolist() == [0, 0, 1.1e-9, 1]
    assert Population(eigenvalue=[1, -0.5], clip=0.5).eigenvalue.tolist() == [1, 0]
    for bad in (-1, np.nan, np.inf, [1, 2], "x"):
        with pytest.raises(InvalidInput, match="clip = "):
            Population(clip=bad)
    with pytest.raises(InvalidInput) as error:
        Population(eigenvalue=[1, -0.5], clip=0.4)
    assert "clip" not in str(error.value)  # no rounding, so nothing to clip
    with pytest.raises(InvalidInput, match="clip = 3e-08"):
        Population(eigenvalue=np.array([1, -2.5e-8], dtype=np.float32))
