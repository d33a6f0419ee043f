"""Continuous laws: what their groups claim holds, wherever a jump, a kink or a peak may be."""

# mypy: disable-error-code="override"
# Laws that a user writes override methods of SciPy without their types.

import copy
import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammainc, ndtr

from asymptotics import InvalidInput, NoConvergence, Population, risk
from asymptotics.population.laws import ContinuousLaw, power_law
from asymptotics.simulation.finite import drawn, realise

UNIFORM = stats.uniform(0, 2)
GAP = np.array([502] + [0] * 8 + [498])
BINS = np.arange(1.0, 12.0)


class MarchenkoPastur(stats.rv_continuous):
    """Of n = 2p samples, by its distribution function alone."""

    def _cdf(self, x: Any) -> Any:
        x = np.clip(x, self.a, self.b)
        root = np.sqrt((self.b - x) * (x - self.a))
        r = np.sqrt((self.b - x) / np.maximum(x - self.a, 1e-300))
        angle = np.arctan((r * r - 1) / (2 * np.maximum(r, 1e-300)))
        other = np.arctan((self.a * r * r - self.b) / np.maximum(r, 1e-300))
        f = (math.pi / 2 + root - 1.5 * angle + 0.5 * other) / math.pi
        return np.where(x <= self.a, 0, np.where(x >= self.b, 1, np.clip(f, 0, 1)))


class Density(stats.rv_continuous):
    """The same by its density alone."""

    def _pdf(self, x: Any) -> Any:
        return np.sqrt(np.maximum((self.b - x) * (x - self.a), 0)) / (math.pi * x)


EDGES = {"a": (1 - 0.5**0.5) ** 2, "b": (1 + 0.5**0.5) ** 2}


def close(population: Population, exact: float, value: float | None = None) -> None:
    """The claimed tolerance is kept."""
    value = population.signal if value is None else value
    assert abs(value / exact - 1) <= population.tolerance


def resolvent(population: Population, tau: float) -> float:
    return float((population.weight * population.eigenvalue / (population.eigenvalue + tau)).sum())


@pytest.mark.parametrize("law", [(GAP, BINS), (GAP / 1000, BINS)])
def test_an_empty_bin_beside_a_panels_edge(law: Any) -> None:
    population = Population.from_distribution(stats.rv_histogram(law, density=False))
    assert population.signal == pytest.approx(5.982, rel=1e-13)
    shifted = stats.rv_histogram(law, density=False)(loc=1, scale=2)
    assert Population.from_distribution(shifted).signal == pytest.approx(12.964, rel=1e-13)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("at", [1.003, 1e-9, 0.5, 1.5, 1.999999, 2 - 1e-11, 0.7071])
def test_a_jump_anywhere(at: float, tolerance: float) -> None:
    exact = 1 - at * at / 4 + 0.1

    def std(x: Any) -> Any:
        return np.where(x > at, math.sqrt(1.1), math.sqrt(0.1))

    population = Population.from_distribution(UNIFORM, std=std, tolerance=tolerance)
    close(population, exact)
    named = Population.from_distribution(UNIFORM, std=std, tolerance=tolerance, breakpoints=[at])
    close(named, exact)
    assert len(named) <= len(population) + 32  # a panel is divided


def test_a_jump_to_twelve_digits() -> None:
    jump = Population.from_distribution(
        UNIFORM, std=lambda x: np.where(x > 1.003, 1.0, 0.0), tolerance=1e-12
    )
    close(jump, 0.74849775)


def test_the_jump_that_two_rules_agreed_on() -> None:
    population = Population.from_distribution(UNIFORM, std=lambda x: np.where(x > 1.003, 1.0, 0.0))
    close(population, 0.74849775)
    assert len(population) < 1000


@pytest.mark.parametrize("c", [0.0, 1e-6, 0.1, 0.4995, 0.502, 0.731, 0.9, 1.0])
def test_a_kink_of_the_law(c: float) -> None:
    population = Population.from_distribution(stats.triang(c))
    close(population, (1 + c) / 3)
    pieces = [(0.0, c, lambda x: 2 * x / c), (c, 1.0, lambda x: 2 * (1 - x) / (1 - c))]
    with mpmath.workdps(30):
        exact = sum(
            mpmath.quad(lambda x, f=f: f(x) * x / (x + mpmath.mpf("0.3")), [mpmath.mpf(a), b])
            for a, b, f in pieces
            if b > a
        )
    close(population, float(exact), resolvent(population, 0.3))


@pytest.mark.parametrize("seed", range(24))
def test_histograms_of_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.lognormal(sigma=1 + seed % 3, size=50 * (1 + seed))
    counts, bins = np.histogram(samples, bins=3 + 4 * seed)
    population = Population.from_distribution(stats.rv_histogram((counts, bins), density=False))
    mass, low, high = counts / counts.sum(), bins[:-1], bins[1:]
    close(population, float(mass @ (low + high) / 2))
    within = 1 - 0.3 / (high - low) * np.log((high + 0.3) / (low + 0.3))
    close(population, float(mass @ within), resolvent(population, 0.3))


@pytest.mark.parametrize("tolerance", [1e-4, 1e-8, 1e-10])
@pytest.mark.parametrize("width", [1e-1, 1e-3, 2e-5])
def test_a_narrow_peak(width: float, tolerance: float) -> None:
    """Of a probability down to 1e-5, anywhere; its tails are cut by nothing."""
    for center in (1.3, 0.50001, 0.9 + 0.7 * width):

        def peak(x: Any, center: float = center) -> Any:
            return np.exp(-(((x - center) / width) ** 2) / 2)

        population = Population.from_distribution(UNIFORM, std=peak, tolerance=tolerance)
        ends = np.array([0, 2]) - center
        density = np.exp(-((ends / width) ** 2))
        mass = (
            math.sqrt(math.pi) * width / 2 * (math.erf(ends[1] / width) - math.erf(ends[0] / width))
        )
        exact = (center * mass - width**2 / 2 * (density[1] - density[0])) / 2
        close(population, exact)


def test_the_peak_of_a_bug_report() -> None:
    for tolerance in (1e-4, 1e-10, 1e-12):
        peak = Population.from_distribution(
            UNIFORM, std=lambda x: np.exp(-((x - 1.3) ** 2) / 2e-6), tolerance=tolerance
        )
        close(peak, 1.3 * math.sqrt(math.pi * 1e-6) / 2)


SMOOTH = {
    "singular at both ends": stats.beta(0.5, 0.5),
    "singular at zero": stats.gamma(0.1),
    "truncated": stats.truncnorm(0.5, 4),
    "heavy tail": stats.pareto(3.5),
    "lognormal": stats.lognorm(0.7),
    "quantiles that warn": stats.invgauss(0.01),
    "no quantile function": stats.argus(1.0),
}


@pytest.mark.parametrize("law", SMOOTH.values(), ids=SMOOTH)
def test_smooth_laws(law: Any) -> None:
    population = Population.from_distribution(law)
    low, high = law.support()
    middle = float(law.median())
    exact = sum(
        integrate.quad(law.sf, a, b, epsabs=0, epsrel=2e-13, limit=400)[0]
        for a, b in ((low, middle), (middle, high))
    )
    assert population.signal == pytest.approx(low + exact, rel=2e-11)


@pytest.mark.parametrize("kind", [MarchenkoPastur, Density])
def test_a_law_without_a_quantile_function(kind: Any) -> None:
    """E[1/(Λ + τ)] of the Marchenko-Pastur law in closed form."""
    population = Population.from_distribution(kind(**EDGES)())
    close(population, 1.0)
    for tau in (0.1, 0.5, 2.0):
        z = 0.5 + tau
        exact = (-z + math.sqrt(z * z + 2 * tau)) / tau
        close(population, 1 - tau * exact, resolvent(population, tau))
    values = drawn(ContinuousLaw(kind(**EDGES)(), 0.0, 1.0, (), 1e-10), 300, 0).eigenvalue
    assert stats.kstest(values, MarchenkoPastur(**EDGES)().cdf).statistic < 2 / 300


class Counted(stats.rv_continuous):
    """Counts the values that are asked for."""

    asked = 0

    def _cdf(self, x: Any) -> Any:
        Counted.asked += np.size(x)
        return np.sin(np.pi / 2 * np.clip(x, 0, 1)) ** 2


def test_slow_laws_are_asked_for_few_values() -> None:
    Counted.asked = 0
    population = Population.from_distribution(Counted(a=0, b=1)())
    close(population, 0.5)
    assert Counted.asked < 20_000


def test_a_rough_distribution_function_is_no_endless_work() -> None:
    Counted.asked = 0

    class Rough(Counted):
        def _cdf(self, x: Any) -> Any:
            return super()._cdf(x) + 1e-7 * np.sin(1e9 * x) ** 2

    law = Rough(a=0, b=1)()
    with pytest.raises(NoConvergence, match="tolerance"):
        Population.from_distribution(law)
    assert Counted.asked < 100_000


class Gap(stats.rv_continuous):
    """Half of the eigenvalues below 1 and half above 9, by the distribution function alone."""

    def _cdf(self, x: Any) -> Any:
        return np.interp(x, [0, 1, 9, 10], [0, 0.5, 0.5, 1])


class GapAndDensity(Gap):
    def _pdf(self, x: Any) -> Any:
        return np.where((x < 1) | (x > 9), 0.5, 0.0)


def bell(x: Any, center: float, width: float) -> Any:
    z = (x - center) / width
    return np.exp(-z * z / 2) / (width * math.sqrt(2 * math.pi))


class Peak(stats.rv_continuous):
    """A tenth of the eigenvalues close to 1/2, by the density alone."""

    def _pdf(self, x: Any) -> Any:
        return 0.9 + 0.1 * bell(x, 0.5, 1e-5)


class TwoPeaks(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return (bell(x, 1, 0.01) + bell(x, 3, 0.01)) / 2


class TwoPeaksAndDistribution(TwoPeaks):
    def _cdf(self, x: Any) -> Any:
        return two_peaks(x)


class Poles(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 1 / (math.pi * np.sqrt((x - 1) * (3 - x)))


class Singular(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 0.1 * x**-0.9


class Pareto(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 2.5 * x**-3.5


def two_peaks(x: Any) -> Any:
    return (ndtr((x - 1) / 0.01) + ndtr((x - 3) / 0.01)) / 2


def peak(x: Any) -> Any:
    return 0.9 * x + 0.1 * ndtr((x - 0.5) / 1e-5)


DRAWN: dict[str, tuple[Any, dict[str, Any], Callable[[Any], Any]]] = {
    "a gap": (Gap(a=0, b=10), {"breakpoints": [1, 9]}, Gap(a=0, b=10).cdf),
    "a gap and its density": (GapAndDensity(a=0, b=10), {}, Gap(a=0, b=10).cdf),
    "a peak of the density": (Peak(a=0, b=1), {}, peak),
    "two peaks": (TwoPeaks(a=0, b=10), {"breakpoints": [1, 3]}, two_peaks),
    "two peaks and distribution": (TwoPeaksAndDistribution(a=0, b=10), {}, two_peaks),
    "poles": (Poles(a=1, b=3), {"tolerance": 1e-4}, stats.arcsine(1, 2).cdf),
    "a singular end": (Singular(a=0, b=1), {}, lambda x: x**0.1),
    "a tail": (Pareto(a=1), {}, stats.pareto(2.5).cdf),
}


@pytest.mark.parametrize(("law", "settings", "exact"), DRAWN.values(), ids=DRAWN)
def test_draws_have_the_probabilities_of_the_law(law: Any, settings: Any, exact: Any) -> None:
    """Where SciPy has no quantile function, or a wrong one."""
    population = Population.from_distribution(law, **settings)
    u = (np.arange(2000) + 0.5) / 2000
    assert population.law is not None
    eigenvalue, _, _ = population.law.quantiles(u)  # type: ignore[attr-defined]
    assert np.all(np.diff(eigenvalue) >= 0)
    assert np.abs(exact(eigenvalue) - u).max() < 1e-6


def test_draws_ask_a_slow_law_for_few_values() -> None:
    population = Population.from_distribution(Counted(a=0, b=1)())
    Counted.asked = 0
    assert population.law is not None
    for seed in range(20):
        drawn(population.law, 1024, seed)
    assert Counted.asked < 2_000


def test_a_law_too_rough_to_draw_from_is_refused() -> None:
    class Rough(Counted):
        def _cdf(self, x: Any) -> Any:
            return super()._cdf(x) + 2e-5 * x * (1 - x) * np.sin(1e9 * x) ** 2

    population = Population.from_distribution(Rough(a=0, b=1)(), tolerance=0.1)
    assert population.law is not None
    with pytest.raises(NoConvergence, match=r"smooth to .* only, too rough to draw by"):
        drawn(population.law, 100, 0)


class Atom(stats.rv_continuous):
    """A third of the eigenvalues is 0."""

    def _cdf(self, x: Any) -> Any:
        return np.where(x < 0, 0, 1 / 3 + 2 / 3 * np.clip(x, 0, 1))

    def _ppf(self, u: Any) -> Any:
        return np.maximum(1.5 * u - 0.5, 0)


def test_an_atom_at_zero_is_dead_features() -> None:
    population = Population.from_distribution(Atom(a=0, b=1)())
    close(population, 1 / 3)
    assert population.interpolation_threshold == pytest.approx(1.5, rel=1e-9)


class Falling(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return np.clip(x, 0, 1)

    def _ppf(self, u: Any) -> Any:
        return 1 - u


class Inaccurate(Falling):
    def _ppf(self, u: Any) -> Any:
        return u + 1e-6 * np.sin(np.pi * u)


class Missing(Falling):
    def _ppf(self, u: Any) -> Any:
        return np.where(abs(u - 0.7) < 0.05, np.nan, u)


class Unnormalised(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 1.1 + 0 * x


WRONG = {
    "falling": (Falling, InvalidInput, "eigenvalue.ppf"),
    "inaccurate": (Inaccurate, NoConvergence, "its distribution function disagree"),
    "not a number": (Missing, InvalidInput, "and is NaN"),
    "not normalised": (Unnormalised, NoConvergence, "has the integral 1.1 in all"),
}


class QuantileAlone(stats.rv_continuous):
    def _ppf(self, u: Any) -> Any:
        return 2 * u


class Scalar(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return math.exp(-x)


class Failing(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return vars()["nothing"]


class OneEigenvalue(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return np.where(x < 1, 0.0, 1.0)


class NoDensity(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 0 * x


def doubled(x: Any) -> Any:
    """2 x, written over x."""
    x *= 2
    return x


class InPlace:
    """A law that is none of SciPy's, and writes over what it is given."""

    def ppf(self, u: Any) -> Any:
        return doubled(u)

    def isf(self, rest: Any) -> Any:
        return np.subtract(2, doubled(rest), out=rest)

    def cdf(self, x: Any) -> Any:
        return np.clip(np.divide(x, 2, out=x), 0, 1, out=x)

    def sf(self, x: Any) -> Any:
        return np.subtract(1, self.cdf(x), out=x)

    def pdf(self, x: Any) -> Any:
        x[:] = 0.5
        return x

    def support(self) -> tuple[float, float]:
        return 0.0, 2.0


class NoSupport(InPlace):
    def support(self) -> Any:
        return (0.0,)


NO_LAWS = {
    "no support": (NoSupport(), "must be two numbers, and fails: ValueError"),
    "quantile function alone": (QuantileAlone(a=0, b=2), "a _cdf or a _pdf of its own"),
    "nothing": (stats.rv_continuous(a=0, b=2), "a _cdf or a _pdf of its own"),
    "of one number": (Scalar(a=0), r"eigenvalue\.\w+ = .* must take an array of numbers"),
    "failing": (Failing(a=0), "must take an array of numbers, and fails: KeyError"),
    "several laws": (stats.gamma([2, 3]), "must be one law, and its parameters are arrays"),
    "several scales": (stats.gamma(2, scale=[1, 2]), "must be one law"),
    "one eigenvalue": (OneEigenvalue(a=0, b=2), "one eigenvalue alone is a group"),
    "no density": (NoDensity(a=0, b=2), "must be > 0"),
}


@pytest.mark.parametrize(("law", "message"), NO_LAWS.values(), ids=NO_LAWS)
def test_what_is_no_law_is_refused_in_one_line(law: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        Population.from_distribution(law)
    assert "\n" not in str(error.value)


class Static(stats.rv_continuous):
    _pdf = staticmethod(lambda x: 0.5 + 0 * x)  # type: ignore[assignment]


def test_a_method_of_a_law_may_be_any_function() -> None:
    close(Population.from_distribution(Static(a=0, b=2)), 1.0)


class Jumping(stats.rv_continuous):
    """An atom in the middle."""

    def _cdf(self, x: Any) -> Any:
        return np.where(x < 1, 0.35 * x, 0.3 + 0.35 * x)


class JumpingFirst(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return 0.3 + 0.35 * x


@pytest.mark.parametrize("breakpoints", [(), [1.0]])
@pytest.mark.parametrize(("kind", "at"), [(Jumping, 1), (JumpingFirst, 0)])
def test_a_jump_of_the_distribution_function_is_a_group(
    kind: Any, at: int, breakpoints: Any
) -> None:
    with pytest.raises(
        NoConvergence, match=rf"rises by 0\.3 at the eigenvalue {at}, .* are a group"
    ):
        Population.from_distribution(kind(a=0, b=2), breakpoints=breakpoints)


class ThinPeak(stats.rv_continuous):
    def _pdf(self, x: Any) -> Any:
        return 0.5 * 0.999 + 1e-3 * bell(x, 1.2345, 1e-6)

    def _cdf(self, x: Any) -> Any:
        return 0.5 * 0.999 * x + 1e-3 * ndtr((x - 1.2345) / 1e-6)


def test_a_peak_of_the_density_that_was_missed_is_said_to_be_one() -> None:
    with pytest.raises(NoConvergence, match=r"0\.199 from .*a peak.*breakpoints="):
        Population.from_distribution(ThinPeak(a=0, b=2))
    named = Population.from_distribution(ThinPeak(a=0, b=2), breakpoints=[1.2345])
    close(named, 0.999 + 1e-3 * 1.2345)


class FarPeak(stats.rv_continuous):
    """A few eigenvalues close to a million, which have most of the signal."""

    RARE, FAR = 4e-5, 1e6
    SIGNAL = (1 - RARE) * 3 + RARE * FAR

    def _pdf(self, x: Any) -> Any:
        return (1 - self.RARE) * x * x * np.exp(-x) / 2 + self.RARE * bell(x, self.FAR, 1)


class FarPeakByDistribution(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        rare, far = FarPeak.RARE, FarPeak.FAR
        return (1 - rare) * gammainc(3, np.maximum(x, 0)) + rare * ndtr(x - far)


class FarPeakByBoth(FarPeak):
    def _cdf(self, x: Any) -> Any:
        return FarPeakByDistribution()._cdf(x)


@pytest.mark.parametrize("tolerance", [0.1, 0.01, 1e-6, 1e-8])
@pytest.mark.parametrize("high", [math.inf, 1e7])
@pytest.mark.parametrize("kind", [FarPeak, FarPeakByBoth, FarPeakByDistribution])
def test_a_far_peak_is_seen_or_refused(kind: Any, high: float, tolerance: float) -> None:
    """At any tolerance: few eigenvalues may have most of the signal."""
    far = FarPeak.FAR
    for named in ([], [far - 8, far, far + 8]):
        try:
            law = Population.from_distribution(
                kind(a=0, b=high)(), tolerance=tolerance, breakpoints=named
            )
        except NoConvergence as error:
            refusal = str(error)
        else:
            refusal = ""
            close(law, FarPeak.SIGNAL)
        assert not refusal or "breakpoints=" in refusal
        assert named or "larger tolerance" not in refusal


@pytest.mark.parametrize("high", [math.inf, 1e7])
@pytest.mark.parametrize("kind", [FarPeak, FarPeakByBoth])
def test_a_breakpoint_extends_the_range_of_a_density(kind: Any, high: float) -> None:
    far = FarPeak.FAR
    law = kind(a=0, b=high)()
    with pytest.raises(NoConvergence, match="a peak, jump or pole"):
        Population.from_distribution(law, tolerance=0.01)
    named = Population.from_distribution(law, tolerance=0.01, breakpoints=[far - 8, far, far + 8])
    close(named, FarPeak.SIGNAL)
    u = np.array([0.5, 1 - FarPeak.RARE / 2])
    assert named.law is not None
    eigenvalue, _, _ = named.law.quantiles(u)  # type: ignore[attr-defined]
    assert eigenvalue == pytest.approx([2.674, far], rel=1e-3)


def test_where_probability_was_missed_is_said() -> None:
    law = FarPeakByBoth(a=0)()
    with pytest.raises(NoConvergence, match=r"from the eigenvalue 99\d{4} to 1\.01\d*e\+06"):
        Population.from_distribution(law, tolerance=1e-6)
    with pytest.raises(NoConvergence, match=r"most of all near the eigenvalue \d{6};"):
        Population.from_distribution(law, tolerance=0.1)


def test_coefficients_out_of_range_are_no_fault_of_the_density() -> None:
    with pytest.raises(InvalidInput, match=r"are not for 5.0e-01 of them"):
        Population.from_distribution(
            Static(a=0, b=2), mean=lambda x: np.where(x > 1, 1e120, 1.0), breakpoints=[1]
        )


class AccurateExponential(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return -np.expm1(-x)


@pytest.mark.parametrize("law", [AccurateExponential(a=0), Poles(a=1, b=3)])
def test_a_law_that_ends_in_rounding_is_not_called_slow(law: Any) -> None:
    with pytest.raises(NoConvergence, match=r"not known to the tolerance 1e-10.*_isf of its own"):
        Population.from_distribution(law)


class PolesByDistribution(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return 2 / math.pi * np.arcsin(np.sqrt(x))


@pytest.mark.parametrize("tolerance", [1e-6, 1e-10])
def test_eigenvalues_too_near_to_the_end_to_tell_apart_are_no_infinite_signal(
    tolerance: float,
) -> None:
    close(Population.from_distribution(PolesByDistribution(a=0, b=1), tolerance=1e-4), 0.5)
    with pytest.raises(NoConvergence, match=r"only, not to"):
        Population.from_distribution(PolesByDistribution(a=0, b=1), tolerance=tolerance)


def test_rounding_of_probabilities_beyond_0_and_1_warns_of_nothing() -> None:
    bins = np.array([0.9, 1.6, 1.9000000000000001, 2.8000000000000003])
    law = stats.rv_histogram((np.array([0.7, 0, 0]), bins), density=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(Population.from_distribution(law), 1.25)


@pytest.mark.parametrize("law", [UNIFORM, InPlace()])
def test_functions_may_write_over_what_they_are_given(law: Any) -> None:
    close(Population.from_distribution(law, mean=doubled, std=lambda x: x), 10.0)


@pytest.mark.parametrize(("kind", "error", "message"), WRONG.values(), ids=WRONG)
def test_laws_that_are_none(kind: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        Population.from_distribution(kind(a=0, b=1)())


def test_an_inaccurate_law_is_good_for_as_much_as_it_is() -> None:
    population = Population.from_distribution(Inaccurate(a=0, b=1)(), tolerance=1e-4)
    close(population, 0.5)


def steep(x: Any) -> Any:
    return abs(x - 1) ** -0.2


BAD_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "negative": (lambda x: x - 1, "std(eigenvalue = "),
    "not a number": (lambda x: np.where(x > 1, np.nan, 1.0), "std(eigenvalue = "),
    "complex": (lambda x: x + 0j, "real numbers"),
    "text": (lambda _: "much", "real numbers"),
    "one number too many": (lambda x: np.ones(x.size + 1), "keeps the shape"),
    "not of arrays": (lambda x: 1.0 if x > 1 else 0.0, "a function of an array"),
    "math": (lambda x: math.exp(-x), "a function of an array"),
    "failing": (lambda _: vars()["nothing"], "a function of an array"),
    "masked": (lambda x: np.ma.masked_greater(x, 1), "= nan: must be a finite number >= 0"),
}


@pytest.mark.parametrize(("std", "message"), BAD_FUNCTIONS.values(), ids=BAD_FUNCTIONS)
def test_functions_that_are_none(std: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Population.from_distribution(UNIFORM, std=std)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


class Relative(stats.rv_continuous):
    """A density that is divided by the largest one of the array."""

    def _pdf(self, x: Any) -> Any:
        return x / np.max(x)


@pytest.mark.parametrize(
    "given",
    [
        {"std": lambda x: x / x.max()},
        {"std": lambda x: x.max()},
        {"mean": lambda x: abs(x - x.mean()) / x.std()},
        {"mean": np.sort},
        {"mean": lambda x: np.linspace(1, 2, x.size).reshape(x.shape)},
        {"eigenvalue": Relative(a=0, b=1)},
    ],
    ids=["divided by the largest", "the largest", "standardised", "sorted", "ranks", "density"],
)
def test_a_function_of_the_whole_array_is_no_function_of_an_eigenvalue(given: Any) -> None:
    message = r"^(eigenvalue\.pdf|mean|std)\(.* = .*: must depend on this number alone"
    with pytest.raises(InvalidInput, match=message):
        Population.from_distribution(**({"eigenvalue": UNIFORM} | given))


def test_a_function_sees_arrays_of_one_dimension() -> None:
    """One that looks at it would be another function in draws than in the groups."""
    seen: list[int] = []

    def std(x: Any) -> Any:
        seen.append(x.ndim)
        return x

    law = Population.from_distribution(UNIFORM, std=std)
    close(law, 2.0)
    drawn_signal(law)
    assert set(seen) == {1}


def test_a_function_may_return_one_number() -> None:
    close(Population.from_distribution(UNIFORM, std=lambda _: 2), 4.0)


def test_a_pole_is_refused_with_the_remedy() -> None:
    with pytest.raises(NoConvergence, match=r"near the eigenvalue 1[;,].*breakpoints="):
        Population.from_distribution(UNIFORM, std=steep)
    poor = Population.from_distribution(UNIFORM, std=steep, tolerance=1e-4, breakpoints=1)
    close(poor, 1 / 0.6)


def power(center: float, exponent: float) -> Callable[[Any], Any]:
    return lambda x: abs(x - center) ** -exponent


@pytest.mark.parametrize("named", [(), [1.234]])
@pytest.mark.parametrize(
    ("exponent", "tolerance"), [(0.49, 0.1), (0.48, 0.03), (0.45, 0.01), (0.4, 0.1), (0.3, 1e-4)]
)
def test_at_a_pole_the_tolerance_is_kept_or_refused(
    exponent: float, tolerance: float, named: Any
) -> None:
    settings: dict[str, Any] = {"tolerance": tolerance, "breakpoints": named}
    sides, a = np.array([2 - 1.234, 1.234]), 2 * exponent
    first, second = sides ** (1 - a) / (1 - a), sides ** (2 - a) / (2 - a)
    exact = float(1.234 * first.sum() + second[0] - second[1]) / 2
    if exponent > 0.4:
        with pytest.raises(NoConvergence, match=r"near the eigenvalue 1\.23"):
            Population.from_distribution(UNIFORM, std=power(1.234, exponent), **settings)
    else:
        close(Population.from_distribution(UNIFORM, std=power(1.234, exponent), **settings), exact)


@pytest.mark.parametrize("center", [1, 1.234])
def test_a_pole_with_an_infinite_signal_is_no_population(center: float) -> None:
    for pole in ({"std": power(center, 0.5)}, {"mean": power(center, 0.5), "breakpoints": center}):
        with pytest.raises(
            InvalidInput, match=r"E\[Lambda B\^2\] = inf: must be finite: at a pole"
        ):
            Population.from_distribution(UNIFORM, tolerance=0.1, **pole)


@pytest.mark.parametrize(
    ("start", "center", "exponent"),
    [(1e5, 1e5 + 0.371, 0.49), (1e7, 1e7 + 0.371, 0.49), (1, 1 + 1e-8, 0.49), (1, 1 + 1e-14, 0.49)],
)
def test_what_rounding_hides_of_a_pole_is_an_error(
    start: float, center: float, exponent: float
) -> None:
    """More than half of the signal is nearer to the pole than the next eigenvalues."""
    law = stats.uniform(start, 1)
    with pytest.raises(NoConvergence, match="near the eigenvalue"):
        Population.from_distribution(law, std=power(center, exponent), tolerance=0.1)


def test_a_pole_at_large_eigenvalues_that_hides_little() -> None:
    center = 1e5 + 0.371
    law = Population.from_distribution(stats.uniform(1e5, 1), std=power(center, 0.3), tolerance=0.1)
    left, right = center - 1e5, 1e5 + 1 - center
    first, second = left**0.4 + right**0.4, right**1.4 - left**1.4
    close(law, center * first / 0.4 + second / 1.4)


@pytest.mark.parametrize(("center", "named"), [(1, ()), (1.234, [1.234]), (0.01, [0.01])])
def test_a_weak_pole_with_an_infinite_signal_is_no_population(center: float, named: Any) -> None:
    settings: dict[str, Any] = {"tolerance": 0.1, "breakpoints": named}
    with pytest.raises(InvalidInput, match=r"= inf: must be finite: at a pole near"):
        Population.from_distribution(
            UNIFORM, std=lambda x: np.sqrt(1 + 1e-6 / abs(x - center)), **settings
        )


def test_a_finite_signal_beside_the_end_of_a_law_is_not_called_infinite() -> None:
    """Rounding of the eigenvalue makes its last steps grow."""
    with pytest.raises(NoConvergence, match="the tail of E"):
        Population.from_distribution(stats.uniform(1, 1), std=power(1, 0.49), tolerance=0.1)


@pytest.mark.parametrize("infinite", [np.inf, 1e120])
def test_coefficients_out_of_range_are_not_left_out(infinite: float) -> None:
    with pytest.raises(InvalidInput, match=r"are not for 5.0e-01 of them"):
        Population.from_distribution(UNIFORM, mean=lambda x: np.where(x > 1, infinite, 1.0))


class Exponential(stats.rv_continuous):
    def _cdf(self, x: Any) -> Any:
        return 1 - np.exp(-x)


def test_an_unbounded_law_by_its_distribution_function() -> None:
    close(Population.from_distribution(Exponential(a=0)(), tolerance=1e-9), 1.0)


@pytest.mark.parametrize("given", [-1, np.nan, "a", [[1, 2]], [np.inf]])
def test_bad_breakpoints(given: Any) -> None:
    with pytest.raises(InvalidInput, match="breakpoints"):
        Population.from_distribution(UNIFORM, breakpoints=given)


def test_breakpoints_outside_the_support_do_nothing() -> None:
    assert Population.from_distribution(UNIFORM, breakpoints=[0, 2, 7]) == (
        Population.from_distribution(UNIFORM)
    )


def test_a_discrete_law_is_groups() -> None:
    with pytest.raises(InvalidInput, match="a discrete law is groups"):
        Population.from_distribution(stats.poisson(2))


@pytest.mark.parametrize(
    ("capacity", "source"),
    [(-3, 3.5), (-45, 3), (-40, 40.5), (-14, 2), (0.99, -5), (0.5, -100), (0.999, -0.5), (-1, 1.9)],
)
def test_extreme_power_laws(capacity: float, source: float) -> None:
    population = Population.power_law(capacity, source, tolerance=1e-9)
    close(population, 1 / (1 - capacity - source))
    scale = 0.5**-capacity
    with mpmath.workdps(20):
        exact = mpmath.quad(lambda u: u**-capacity / (u**-capacity + scale), [0, 0.5, 1])
    close(population, float(exact), resolvent(population, scale))


def test_a_power_law_out_of_range_names_its_exponents() -> None:
    with pytest.raises(InvalidInput, match=r"^capacity = -100.0: must be >= -45"):
        Population.power_law(-100, 3)
    with pytest.raises(InvalidInput, match=r"eigenvalue = .*0: must be of magnitude 1e-140"):
        Population.from_distribution(stats.gamma(0.005))


def random_step(rng: np.random.Generator) -> tuple[Population, float]:
    """A uniform law with a few steps of std, and its signal."""
    places = np.sort(2 / (1 + np.exp(rng.uniform(-27, 27, 3))))
    values = rng.uniform(0.1, 2, 4)
    population = Population.from_distribution(
        UNIFORM, std=lambda x: values[np.searchsorted(places, x, side="right")]
    )
    squares = np.concatenate([[0], places, [2]]) ** 2
    return population, float((values**2) @ np.diff(squares) / 4)


@pytest.mark.parametrize("seed", range(30))
def test_steps_at_random_places(seed: int) -> None:
    close(*random_step(np.random.default_rng(seed)))


def test_what_is_kept_of_the_law() -> None:
    population = Population.from_distribution(UNIFORM, mean=lambda x: x)
    assert population.law is not None
    assert population.rescaled(2).law is not None
    assert population.rescaled(np.ones(len(population))).law is None
    assert population.restricted(0.5).population.law is not None
    assert copy.copy(population) == population
    assert copy.copy(population).law is None  # as where it is sent to another process
    assert Population(1, 2).law is None


@pytest.mark.parametrize("one", [0.5, [0.5], np.array([0.5]), (Fraction(1, 2),)])
def test_one_number_for_all_groups_keeps_the_law_however_it_is_given(one: Any) -> None:
    """Also the finer groups, without which a risk that is off would be ok."""
    law = Population.from_distribution(UNIFORM, mean=1.0, std=0.0)
    for population in (law.rescaled(one), law.restricted(one).population):
        assert population.law is not None
        assert population.finer is not None
        assert population.tolerance == law.tolerance
        assert risk(population, 0.5, 1e-3, 0.5, 0.0, "covariance").status == "no convergence"


def test_a_law_may_be_rescaled_below_the_range_of_a_few_eigenvalues() -> None:
    law = Population.from_distribution(stats.beta(0.05, 0.05))
    assert law.eigenvalue.min() == 1e-150
    small = law.rescaled(0.1)
    assert small.signal == pytest.approx(law.signal, rel=1e-14)
    assert resolvent(small, 1e-3) == pytest.approx(resolvent(law, 1e-1), rel=1e-14)
    with pytest.raises(InvalidInput, match=r"must be of magnitude 1e-150"):
        law.rescaled(1e-50)  # too many of them


def test_groups_that_are_changed_one_by_one_stand_for_no_law() -> None:
    law = Population.from_distribution(UNIFORM, mean=1.0)
    each = np.linspace(0.5, 1, len(law))
    for population in (law.rescaled(each), law.restricted(each).population):
        assert population.law is None
        assert population.finer is None
        assert population.tolerance == 0


def drawn_signal(population: Population, p: int = 2000) -> float:
    return realise(population, p, 2.0, 0.5, [0.5], 0.0, []).population.signal


def test_transformed_laws_draw_what_their_groups_say() -> None:
    population = Population.from_distribution(stats.gamma(2), mean=1, std=lambda x: 1 / (1 + x))
    seen = population.restricted(0.3)
    for part in (
        population,
        population.rescaled(-3),
        seen.population,
        Population.mixture([population, Population(1, 0), Population(1, 5, 2)], [1, 2, 1]),
    ):
        assert part.law is not None
        assert drawn_signal(part) == pytest.approx(part.signal, rel=1e-3)


def test_draws_are_by_the_seed_and_the_law() -> None:
    law = power_law(0.5, 0.2)
    assert drawn(law, 100, 0) == drawn(law, 100, 0)
    assert drawn(law, 100, 0) != drawn(law, 100, 1)
    groups = Population.power_law(0.5, 0.2)
    assert not set(drawn(law, 100, 0).eigenvalue) & set(groups.eigenvalue)


def test_risks_of_a_law_with_a_jump() -> None:
    """The groups of both halves by themselves, beside those of the law with the jump."""
    whole = Population.from_distribution(UNIFORM, std=lambda x: np.where(x > 1.003, 1.5, 0.2))
    halves = [
        Population.from_distribution(stats.uniform(0, 1.003), std=0.2),
        Population.from_distribution(stats.uniform(1.003, 0.997), std=1.5),
    ]
    parts = Population.mixture(halves, [1.003, 0.997])
    grid = ([0.5, 2.0], 0.5, 0.4, 0.1, "covariance")
    np.testing.assert_allclose(risk(whole, *grid).risk, risk(parts, *grid).risk, rtol=1e-9)


def test_a_pole_may_lie_on_a_float() -> None:
    """There the function has no value: the search for a peak meets it, a quadrature does not."""
    pole = 1.234

    def odd(eigenvalue: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sign(eigenvalue - pole) * abs(eigenvalue - pole) ** -0.3

    left, right = pole, 2 - pole
    exact = (pole * (left**0.4 + right**0.4) / 0.4 + (right**1.4 - left**1.4) / 1.4) / 2
    for named in ([], [pole]):
        settings: dict[str, Any] = {"tolerance": 1e-3, "breakpoints": named}
        law = Population.from_distribution(UNIFORM, mean=odd, std=0.0, **settings)
        assert law.signal == pytest.approx(exact, rel=1e-3)
