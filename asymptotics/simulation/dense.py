"""The dense sampler: it forms the design, and solves for the trained weights directly."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack

from ..arithmetic import Array
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost

#: Up to this (estimated) condition number the Gram matrix is factorised by Cholesky.  Beyond it the
#: design itself is, by QR, because the condition number of the Gram matrix is that of the design
#: squared.
_LARGEST_CONDITION = 1e10


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
        # The Gram matrix and its Cholesky factor, and two products with the design (for the
        # responses and for the solution) of each replicate.
        small, large = min(n, p), max(n, p)
        flops = small**2 * (large + small / 3) + 4 * replicates * n * p
        return SECONDS_OF_NORMAL * n * p + 3e-11 * flops + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        # The design, the Gram matrix, and rows of weights and responses.
        n, p = problem.n, problem.alive
        return 8.0 * (n * p + min(n, p) ** 2 + 3 * replicates * (n + problem.p))

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        coefficient = problem.coefficients(rng, replicates)
        alive = problem.alive_features
        root = np.sqrt(problem.expand(problem.eigenvalue)[alive])
        x = self.design.draw(rng, (problem.n, root.size))
        noise = problem.sigma * self.noise.draw(rng, (replicates, problem.n))
        penalty = problem.n * problem.ridge
        trained = np.zeros_like(coefficient)
        if not root.size:
            return Draw(coefficient, trained)
        # Weights are scaled by sqrt(p), B = sqrt(p) beta, and so are the responses:
        # sqrt(p) y = X B + sqrt(p) noise, with X = Z diag(sqrt(eigenvalue)).
        if problem.n < root.size:  # n by n equations
            x *= root
            y = _product(coefficient[:, alive], x, 1) + problem.p**0.5 * noise
            trained[:, alive] = _dual(x, y, penalty)
        else:
            # p₊ by p₊ equations.  Each feature is divided by sqrt(eigenvalue + ridge), so that the
            # condition number depends on Z alone, and not on the spread of the eigenvalues.
            scale = 1 / np.sqrt(root * root + problem.ridge)
            y = _product(coefficient[:, alive] * root, x, 1) + problem.p**0.5 * noise
            x *= root * scale
            solved = _primal(x, y, penalty * scale**2)
            trained[:, alive] = _minimum_norm(x / scale, y) if solved is None else solved * scale
        return Draw(coefficient, trained)


def _dual(x: Array, y: Array, penalty: float) -> Array:
    """Minimisers ``Xᵀ(XXᵀ + penalty)⁻¹y``, one for each row of y, if n < p₊."""
    gram = blas.dsyrk(1.0, x.T, trans=1)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solve_cholesky(gram, y)
    if solved is not None:
        return _product(solved, x)
    # The minimiser consists of the first p₊ entries of the solution of least norm of
    # [X, sqrt(penalty) I] w = y.  That solution is found by QR of the transpose.  Householder QR
    # with pivoting is accurate for rows of very different size if they come in descending order.
    wide = np.vstack([x.T, np.sqrt(penalty) * np.eye(len(x))]) if penalty else x.T
    order = np.argsort(-np.linalg.norm(wide, axis=1))
    q, r, columns = scipy.linalg.qr(wide[order], mode="economic", pivoting=True)
    if _is_singular(r):
        return _minimum_norm(x, y)
    inner = scipy.linalg.solve_triangular(r, y.T[columns], trans="T")
    solution = np.empty((len(y), len(wide)))
    solution[:, order] = (q @ inner).T
    return solution[:, : x.shape[1]]


def _primal(x: Array, y: Array, penalty: Array) -> Array | None:
    """Minimisers ``(XᵀX + diag(penalty))⁻¹Xᵀy``, one for each row of y, if n >= p₊.

    None if the matrix is singular in double precision, so that the minimiser is not unique.
    """
    gram = blas.dsyrk(1.0, x.T)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solve_cholesky(gram, _product(y, x))
    if solved is not None:
        return solved
    # Least squares of [X; sqrt(penalty)] b against [y; 0].
    tall = np.vstack([x, np.diag(np.sqrt(penalty))]) if penalty.any() else x
    target = np.zeros((len(tall), len(y)))
    target[: len(x)] = y.T
    q, r = scipy.linalg.qr(tall, mode="economic")
    return None if _is_singular(r) else scipy.linalg.solve_triangular(r, q.T @ target).T


def _is_singular(r: Array) -> bool:
    """Whether the columns of a matrix are linearly dependent up to rounding, by its QR factor R."""
    rounding = len(r) * np.finfo(r.dtype).eps * np.linalg.norm(r, axis=0)
    return bool(np.any(abs(np.diag(r)) <= rounding))


def _minimum_norm(x: Array, y: Array) -> Array:
    """Least squares of minimum norm, one solution for each row of y, for a singular design.

    A small design of random signs, for example, may repeat a row.
    """
    rounding = max(x.shape) * np.finfo(x.dtype).eps
    return np.asarray(scipy.linalg.lstsq(x, y.T, cond=rounding, lapack_driver="gelsy")[0]).T


def _product(rows: Array, x: Array, transposed: int = 0) -> Array:
    """``rows @ x``, or ``rows @ x.T`` if `transposed` is 1.

    It uses SciPy's BLAS, as the factorisations do.  NumPy may bring a second BLAS, whose threads
    would wait in a busy loop and slow the first one down.
    """
    return np.asarray(blas.dgemm(1.0, x.T, rows.T, trans_a=transposed)).T


def _solve_cholesky(gram: Array, y: Array) -> Array | None:
    """``gram⁻¹y`` for each row of y, by Cholesky from the upper triangle of gram.

    None if gram is not positive definite, or too badly conditioned for an accurate result.
    """
    size = float(np.trace(gram))
    # `dpocon` estimates the condition number from the 1-norm.  The trace stands in for it: it is at
    # least the 1-norm divided by the root of the matrix's order, close enough for this test.
    factor, failed = lapack.dpotrf(gram, overwrite_a=True, clean=False)
    if failed:
        return None
    reciprocal, _ = lapack.dpocon(factor, size)
    if reciprocal * _LARGEST_CONDITION < 1:
        return None
    solution, _ = lapack.dpotrs(factor, y.T)
    return solution.T
