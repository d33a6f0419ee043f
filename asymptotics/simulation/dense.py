"""Draws with an explicit design."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack

from ..arithmetic import Array
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost

#: A Gram matrix of a larger condition, estimated, is not factorised: the design is, by QR.
_ILL_CONDITIONED = 1e10


@dataclass(frozen=True)
class Dense(Sampler):
    """Least squares, ridge or minimum norm with an explicit design of n rows."""

    name = "dense"
    design: Law = GAUSSIAN
    noise: Law = GAUSSIAN

    def __str__(self) -> str:
        return f"dense({self.design}, {self.noise})"

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        n, p = problem.n, problem.alive
        small, large = min(n, p), max(n, p)
        flops = small**2 * (large + small / 3) + 4 * replicates * n * p
        return SECONDS_OF_NORMAL * n * p + 3e-11 * flops + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        n, p = problem.n, problem.alive
        return 8.0 * (n * p + min(n, p) ** 2 + 3 * replicates * (n + problem.p))

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        coefficient = problem.coefficients(rng, replicates)
        alive = problem.living
        root = np.sqrt(problem.expand(problem.eigenvalue)[alive])
        x = self.design.draw(rng, (problem.n, root.size))
        noise = problem.sigma * self.noise.draw(rng, (replicates, problem.n))
        penalty = problem.n * problem.ridge
        trained = np.zeros_like(coefficient)
        if not root.size:
            return Draw(coefficient, trained)
        # Responses and solutions are those of sqrt(p) y.
        if problem.n < root.size:
            x *= root
            y = _times(coefficient[:, alive], x, 1) + problem.p**0.5 * noise
            trained[:, alive] = _dual(x, y, penalty)
        else:  # features scaled to one size: the conditioning is that of the design alone
            scale = 1 / np.sqrt(root * root + problem.ridge)
            y = _times(coefficient[:, alive] * root, x, 1) + problem.p**0.5 * noise
            x *= root * scale
            solved = _primal(x, y, penalty * scale**2)
            trained[:, alive] = _pseudo(x / scale, y) if solved is None else solved * scale
        return Draw(coefficient, trained)


def _dual(x: Array, y: Array, penalty: float) -> Array:
    """Minimisers ``Xᵀ(XXᵀ + penalty)⁻¹y``, as rows, for more features than samples."""
    gram = blas.dsyrk(1.0, x.T, trans=1)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solved(gram, y)
    if solved is not None:
        return _times(solved, x)
    # Minimum norm for [X, sqrt(penalty)]; rows of the transpose by size, which QR then respects.
    wide = np.vstack([x.T, np.sqrt(penalty) * np.eye(len(x))]) if penalty else x.T
    order = np.argsort(-np.linalg.norm(wide, axis=1))
    q, r, columns = scipy.linalg.qr(wide[order], mode="economic", pivoting=True)
    if _is_singular(r):
        return _pseudo(x, y)
    inner = scipy.linalg.solve_triangular(r, y.T[columns], trans="T")
    solution = np.empty((len(y), len(wide)))
    solution[:, order] = (q @ inner).T
    return solution[:, : x.shape[1]]


def _primal(x: Array, y: Array, penalty: Array) -> Array | None:
    """Minimisers ``(XᵀX + diag(penalty))⁻¹Xᵀy``, as rows, for no more features than samples.

    Nothing if there are several.
    """
    gram = blas.dsyrk(1.0, x.T)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solved(gram, _times(y, x))
    if solved is not None:
        return solved
    tall = np.vstack([x, np.diag(np.sqrt(penalty))]) if penalty.any() else x
    target = np.zeros((len(tall), len(y)))
    target[: len(x)] = y.T
    q, r = scipy.linalg.qr(tall, mode="economic")
    return None if _is_singular(r) else scipy.linalg.solve_triangular(r, q.T @ target).T


def _is_singular(r: Array) -> bool:
    """Whether a column of a matrix depends on others, to rounding, by its triangular factor."""
    rounding = len(r) * np.finfo(r.dtype).eps * np.linalg.norm(r, axis=0)
    return bool(np.any(abs(np.diag(r)) <= rounding))


def _pseudo(x: Array, y: Array) -> Array:
    """Least squares of minimum norm, as rows, for designs such as random signs that may repeat."""
    rounding = max(x.shape) * np.finfo(x.dtype).eps
    return np.asarray(scipy.linalg.lstsq(x, y.T, cond=rounding, lapack_driver="gelsy")[0]).T


def _times(rows: Array, x: Array, transposed: int = 0) -> Array:
    """Rows times ``x``, or times its transpose.

    By SciPy's BLAS like all else here: threads of NumPy's own would still spin beside it.
    """
    return np.asarray(blas.dgemm(1.0, x.T, rows.T, trans_a=transposed)).T


def _solved(gram: Array, y: Array) -> Array | None:
    """Rows ``gram⁻¹y`` by Cholesky, from the upper triangle; nothing if that is inaccurate."""
    size = float(np.trace(gram))
    factor, failed = lapack.dpotrf(gram, overwrite_a=True, clean=False)
    if failed:
        return None
    reciprocal, _ = lapack.dpocon(factor, size)
    if reciprocal * _ILL_CONDITIONED < 1:
        return None
    solution, _ = lapack.dpotrs(factor, y.T)
    return solution.T
