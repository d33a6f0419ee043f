"""The implicit matrix has the law of a matrix of independent normals, whatever is asked of it."""

import numpy as np
import pytest
from scipy import stats

from asymptotics import InvalidInput
from asymptotics.arithmetic import Array
from asymptotics.simulation import GaussianMatrix

N, P, DRAWS = 3, 4, 3000
REJECTED, ACCEPTED = 1e-6, 1e-3


class Forgetful(GaussianMatrix):
    """Leaves out of a new product what the other side knows of it: the conditioning."""

    def _product(self, x, side, other):
        known, length, direction = side.split(x)
        result = known @ side.products[: side.size]
        if length:
            fresh = self._rng.standard_normal(other.length)
            result = result + length * fresh
            side.add(direction, fresh)
        return result


def products(z: GaussianMatrix | Array) -> Array:
    """Inner products of products, whose inputs depend on what earlier ones revealed."""
    v = np.array([1.0, 2, 0, -1]) / np.sqrt(6)
    u = z @ v
    w = z.T @ u
    skewed = w * np.array([3, 1, 1, 0.1])
    x = z @ skewed
    y = z.T @ (x + u)
    inner = [u @ u, v @ w, w @ w, u @ x, x @ x, y @ skewed, y @ y]
    return np.round(inner, 9)  # the first two are equal


def least_p_value(kind: type[GaussianMatrix]) -> float:
    """Of two-sample tests against explicit matrices, one for each inner product and sum of two."""
    rng = np.random.default_rng(0)
    ours = np.array([products(kind(N, P, np.random.default_rng(k))) for k in range(DRAWS)])
    plain = np.array([products(rng.standard_normal((N, P))) for _ in range(DRAWS)])
    pairs = [(i, j) for i in range(ours.shape[1]) for j in range(i + 1)]
    return min(
        stats.ks_2samp(ours[:, i] - ours[:, j] * (i != j), plain[:, i] - plain[:, j] * (i != j))[1]
        for i, j in pairs
    )


def revealed(seed: int) -> tuple[Array, GaussianMatrix]:
    """A matrix after products that depend on one another, and the whole of it."""
    z = GaussianMatrix(N, P, np.random.default_rng(seed))
    products(z)
    return z @ np.eye(P), z


def test_products_have_the_law_of_independent_entries() -> None:
    assert least_p_value(GaussianMatrix) > ACCEPTED


def test_entries_are_independent_normals() -> None:
    drawn = np.array([revealed(seed)[0].ravel() for seed in range(DRAWS)])
    assert stats.kstest(drawn.ravel(), "norm").pvalue > ACCEPTED
    assert stats.kstest((drawn**2).sum(axis=1), stats.chi2(N * P).cdf).pvalue > ACCEPTED
    for powers in (drawn, drawn**2):
        correlation = np.corrcoef(powers.T)[np.triu_indices(N * P, 1)]
        assert abs(correlation).max() < 4.5 / np.sqrt(DRAWS)


def test_without_conditioning_the_law_is_rejected() -> None:
    assert least_p_value(Forgetful) < REJECTED


def test_what_was_revealed_stays_true() -> None:
    whole, z = revealed(1)
    assert z.revealed == (2, P)
    rng = np.random.default_rng(2)
    v, u = rng.standard_normal(P), rng.standard_normal(N)
    np.testing.assert_allclose(z @ v, whole @ v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(z.T @ u, whole.T @ u, rtol=1e-12, atol=1e-12)
    assert z.revealed == (N, P)
    np.testing.assert_allclose(z.T @ np.eye(N), whole.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "digits"), [(np.float64, 1e-13), (np.float32, 3e-6)])
def test_the_adjoint_is_the_adjoint(dtype: type, digits: float) -> None:
    """Along a Krylov sequence, whose inputs are nearly dependent."""
    z = GaussianMatrix(200, 300, np.random.default_rng(3), dtype)
    assert z.shape == (z.n, z.p) == (200, 300)
    v = np.ones(300)
    pairs = []
    for _ in range(40):
        u = z @ v
        w = z.T @ u
        pairs.append((v / np.linalg.norm(v), u / np.linalg.norm(v), u, w))
        v = w / np.linalg.norm(w)
    for v, zv, _, _ in pairs[::7]:
        for _, _, u, ztu in pairs[::5]:
            size = np.linalg.norm(u) * np.linalg.norm(zv)
            assert abs(u @ zv - ztu @ v) <= digits * size


def test_it_is_a_linear_operator() -> None:
    z = GaussianMatrix(5, 8, np.random.default_rng(4))
    block = np.random.default_rng(5).standard_normal((8, 3))
    products = z @ block
    np.testing.assert_allclose(z @ (block @ np.ones(3)), products.sum(axis=1), atol=1e-12)
    assert np.all(z @ np.zeros(8) == 0)
    scaled = 2 * z
    np.testing.assert_allclose(scaled @ block[:, 0], 2 * products[:, 0], atol=1e-12)


def test_complex_inputs_are_pairs_of_real_ones() -> None:
    z = GaussianMatrix(5, 8, np.random.default_rng(6))
    v = np.random.default_rng(7).standard_normal((2, 8))
    product = z @ (v[0] + 1j * v[1])
    np.testing.assert_allclose(product, z @ v[0] + 1j * (z @ v[1]), atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_spoils_nothing(bad: float) -> None:
    z = GaussianMatrix(5, 8, np.random.default_rng(8))
    known = z @ np.ones(8)
    with pytest.raises(InvalidInput, match="finite norm"), np.errstate(over="ignore"):
        z @ np.full(8, bad)
    np.testing.assert_allclose(z @ np.ones(8), known)
    assert z.revealed == (0, 1)
