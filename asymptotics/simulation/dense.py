"""The dense sampler: it forms the design, and solves for the trained weights directly."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack

from ..arithmetic import Array
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .retraining import Iterates
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost

#: Up to this (estimated) condition number the Gram matrix is factorised by Cholesky.  Beyond it the
#: design itself is, by QR, because the condition number of the Gram matrix is that of the design
#: squared.
_LARGEST_CONDITION = 1e10
#: Seconds that a floating-point operation of a factorisation takes, and a second fit beside them.
_SECONDS_OF_FLOP, _SECONDS_OF_FIT = 3e-11, 2e-4
#: Copying an entry of a matrix takes as long as about so many operations.
_FLOPS_OF_COPY = 100


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
        fits = replicates * len(problem.rules) * _fit_flops(problem, replicates)
        first = SECONDS_OF_NORMAL * n * p + _SECONDS_OF_FLOP * (flops + fits.sum())
        second = _SECONDS_OF_FIT * replicates * len(problem.rules) * fits.size
        return first + second + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        # The design, the Gram matrix, and rows of weights and responses.
        n, p = problem.n, problem.alive
        bytes_first = 8.0 * (n * p + min(n, p) ** 2 + 3 * replicates * (n + problem.p))
        if problem.retraining is None:
            return bytes_first
        # The columns kept, with their Gram matrix, and perhaps that of all columns.
        kept = min(max(kept for kept, _ in problem.second_fits), p)
        whole = p**2 if _gram_of_all(problem, replicates) else 0
        return bytes_first + 8.0 * (n * kept + min(n, kept) ** 2 + whole)

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
        scale = np.ones_like(root)
        keeps_gram = _gram_of_all(problem, replicates)
        gram = None
        if problem.n < root.size:  # n by n equations
            x *= root
            gram = blas.dsyrk(1.0, x.T) if keeps_gram else None
            y = _product(coefficient[:, alive], x, 1) + problem.p**0.5 * noise
            trained[:, alive] = _dual(x, y, penalty)
        else:
            # p₊ by p₊ equations.  Each feature is divided by sqrt(eigenvalue + ridge), so that the
            # condition number depends on Z alone, and not on the spread of the eigenvalues.
            scale = 1 / np.sqrt(root * root + problem.ridge)
            y = _product(coefficient[:, alive] * root, x, 1) + problem.p**0.5 * noise
            x *= root * scale
            gram = blas.dsyrk(1.0, x.T)
            solved = _primal(x, y, gram.copy() if keeps_gram else gram, penalty * scale**2)
            trained[:, alive] = _minimum_norm(x / scale, y) if solved is None else solved * scale
        if problem.retraining is None:
            return Draw(coefficient, trained)
        return Draw(
            coefficient, trained, data=_Explicit(x, root**2, scale, y, gram if keeps_gram else None)
        )


class _Explicit:
    """A design and responses, to which second fits are made.

    The columns of `x` are the features times `scale`.  `gram` is the upper triangle of ``xᵀx``;
    without it, each fit computes that of its own columns.
    """

    def __init__(
        self, x: Array, eigenvalue: Array, scale: Array, y: Array, gram: Array | None
    ) -> None:
        self._x, self._eigenvalue, self._scale, self._y, self._gram = x, eigenvalue, scale, y, gram
        self._products = _product(y, x)

    def fit(self, replicate: int, columns: Array, ridge: float, start: Array) -> Iterates:
        """The minimiser of ``|y - X b|²/n + ridge |b - start|²``; see `retraining.Data`."""
        if columns.size > len(self._x):
            weights = self._dual(self._y[[replicate]], columns, ridge, start)
        else:
            weights = self._primal(replicate, columns, ridge, start)
        return Iterates(weights, weights)

    def _dual(self, y: Array, columns: Array, ridge: float, start: Array) -> Array:
        """``start + Xᵀ(XXᵀ + n ridge)⁻¹(y - X start)``, or the solution of minimum norm."""
        x = self._x[:, columns]  # features as they are, because there are more of them than samples
        if not ridge:
            return _dual(x, y, 0.0)[0]
        missed = y - _product(start[None], x, 1)
        return start + _dual(x, missed, len(x) * ridge)[0]

    def _primal(self, replicate: int, columns: Array, ridge: float, start: Array) -> Array:
        """``(XᵀX + n ridge)⁻¹(Xᵀy + n ridge start)``, with features divided as in `Dense.draw`."""
        scale = 1 / np.sqrt(self._eigenvalue[columns] + ridge)
        factor = scale / self._scale[columns]
        penalty = len(self._x) * ridge * scale**2
        if self._gram is None:
            x = self._x[:, columns] * factor
            gram = blas.dsyrk(1.0, x.T)
        else:
            # Rows of the transpose are contiguous, and LAPACK takes its transpose as it is.
            part = self._gram.T[columns][:, columns]
            part *= factor
            part *= factor[:, None]
            gram = part.T
        gram[np.diag_indices_from(gram)] += penalty
        target = self._products[replicate, columns] * factor + penalty * start / scale
        solved = _solve_cholesky(gram, target[None])
        if solved is not None:
            return solved[0] * scale
        x, start = self._x[:, columns] * factor, start / scale
        missed = self._y[[replicate]] - _product(start[None], x, 1)
        solved = _by_qr(x, missed, penalty)
        if solved is not None:
            return (start + solved[0]) * scale
        return _minimum_norm(x / scale, self._y[[replicate]])[0]


def _fit_flops(problem: FiniteProblem, replicates: int) -> Array:
    """Floating-point operations of each fit after the first, for one rule."""
    if problem.retraining is None:
        return np.zeros(0)
    n = problem.n
    kept = _trained_again(problem)
    small = np.minimum(kept, n)
    # The Gram matrix of the columns kept is a part of the whole one, or it is computed.  The third
    # of an operation for each entry and column counts threefold: small matrices take longer.
    part = (kept <= n) & _gram_of_all(problem, replicates)
    return small**2 * (np.where(part, _FLOPS_OF_COPY, np.maximum(kept, n)) + small)


def _gram_of_all(problem: FiniteProblem, replicates: int) -> bool:
    """Whether second fits take parts of one Gram matrix of all features.

    The first fit needs that matrix if n >= p₊; otherwise it is computed if the matrices of all
    second fits together take longer.
    """
    if problem.retraining is None:
        return False
    if problem.n >= problem.alive:
        return True
    kept = _trained_again(problem)
    squares = np.where(kept <= problem.n, kept**2, 0).sum()
    return bool(replicates * len(problem.rules) * squares > problem.alive**2)


def _trained_again(problem: FiniteProblem) -> Array:
    """The most features that each fit after the first trains."""
    return np.minimum([float(kept) for kept, _ in problem.second_fits], problem.alive)


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


def _primal(x: Array, y: Array, gram: Array, penalty: Array) -> Array | None:
    """Minimisers ``(XᵀX + diag(penalty))⁻¹Xᵀy``, one for each row of y, if n >= p₊.

    `gram` is the upper triangle of XᵀX, and is overwritten.  None if the matrix is singular in
    double precision, so that the minimiser is not unique.
    """
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solve_cholesky(gram, _product(y, x))
    return _by_qr(x, y, penalty) if solved is None else solved


def _by_qr(x: Array, y: Array, penalty: Array) -> Array | None:
    """The same as `_primal`, from the design itself."""
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
