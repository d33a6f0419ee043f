r"""Samplers: draws of the true and the trained weights of a finite problem.

Each draws :math:`B=\sqrt p\,\beta^*` and :math:`X=\sqrt p\,\hat\beta` from their joint law at n and
p, exactly, by another route:

============  =============================================  ================================
sampler       route                                          regime
============  =============================================  ================================
dense         explicit design, Gram matrix, Cholesky         any
exact         law of least squares, O(p)                     Gaussian, ridge 0, n > p₊
implicit      implicit Gaussian matrix, conjugate gradients  Gaussian design
============  =============================================  ================================

Features of eigenvalue 0 carry nothing and are left out; their trained weight is 0.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack

from ..arithmetic import Array
from ..errors import NoConvergence
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .gaussian_matrix import GaussianMatrix
from .solvers import conjugate_gradients

#: A Gram matrix of a larger condition, estimated, is not factorised: the design is, by QR.
_ILL_CONDITIONED = 1e10
#: A condition, of a solver's matrix, with which single precision is enough.
_WELL_CONDITIONED = 2e3
_MOST_STEPS = 10_000
_SECONDS_OF_NORMAL = 1e-8


def _pruning(problem: FiniteProblem, replicates: int) -> float:
    rows = len(problem.rules) * len(problem.kept)
    return replicates * (2e-5 + _SECONDS_OF_NORMAL * (2 + 2 * rows) * problem.p)


class Draw(NamedTuple):
    """True and trained weights, of shape (replicates, p)."""

    coefficient: Array
    trained: Array
    #: The trained weights while the solver was ten times as far from its end, if it iterates.
    earlier: Array | None = None


class Sampler(ABC):
    """How weights are drawn.  Its string tells it from every other, its settings included."""

    name: ClassVar[str]

    @abstractmethod
    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        """Draws of true and trained weights.

        Replicates may share the design, so that they are exchangeable but not independent.
        """

    def refusal(self, problem: FiniteProblem) -> str | None:
        """Why it does not apply to a problem, if so."""
        return None

    @abstractmethod
    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        """Seconds that a draw takes on one core, roughly; ratios matter."""

    @abstractmethod
    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        """Bytes that a draw needs, roughly."""


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
        return _SECONDS_OF_NORMAL * n * p + 3e-11 * flops + _pruning(problem, replicates)

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
        # Responses and solutions are those of sqrt(p) y.
        if problem.n < root.size:
            x *= root
            y = coefficient[:, alive] @ x.T + problem.p**0.5 * noise
            trained[:, alive] = _dual(x, y, penalty)
        else:  # features scaled to one size: the conditioning is that of the design alone
            scale = 1 / np.sqrt(root * root + problem.ridge)
            y = (coefficient[:, alive] * root) @ x.T + problem.p**0.5 * noise
            x *= root * scale
            trained[:, alive] = _primal(x, y, penalty * scale**2) * scale
        return Draw(coefficient, trained)


def _dual(x: Array, y: Array, penalty: float) -> Array:
    """Minimisers ``Xᵀ(XXᵀ + penalty)⁻¹y``, as rows, for more features than samples."""
    gram = blas.dsyrk(1.0, x.T, trans=1)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solved(gram, y)
    if solved is not None:
        return solved @ x
    # Minimum norm for [X, sqrt(penalty)]; rows of the transpose by size, which QR then respects.
    wide = np.vstack([x.T, np.sqrt(penalty) * np.eye(len(x))]) if penalty else x.T
    order = np.argsort(-np.linalg.norm(wide, axis=1))
    q, r, columns = scipy.linalg.qr(wide[order], mode="economic", pivoting=True)
    inner = scipy.linalg.solve_triangular(r, y.T[columns], trans="T")
    solution = np.empty((len(y), len(wide)))
    solution[:, order] = (q @ inner).T
    return solution[:, : x.shape[1]]


def _primal(x: Array, y: Array, penalty: Array) -> Array:
    """Minimisers ``(XᵀX + diag(penalty))⁻¹Xᵀy``, as rows, for no more features than samples."""
    gram = blas.dsyrk(1.0, x.T)
    gram[np.diag_indices_from(gram)] += penalty
    solved = _solved(gram, y @ x)
    if solved is not None:
        return solved
    tall = np.vstack([x, np.diag(np.sqrt(penalty))]) if penalty.any() else x
    target = np.zeros((len(tall), len(y)))
    target[: len(x)] = y.T
    q, r = scipy.linalg.qr(tall, mode="economic")
    return scipy.linalg.solve_triangular(r, q.T @ target).T


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


@dataclass(frozen=True)
class Exact(Sampler):
    r"""The exact law of least squares.

    :math:`\hat\beta=\beta^*+\sigma\Sigma^{-1/2}g/\sqrt{\chi^2}`, with :math:`\chi^2` of
    n - p₊ + 1 degrees of freedom, independent of the normal g.
    """

    name = "exact"

    def __str__(self) -> str:
        return "exact"

    def refusal(self, problem: FiniteProblem) -> str | None:
        if problem.ridge or problem.n <= problem.alive:
            return "it is the law of least squares: ridge = 0 and n > p₊"
        return None

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        return _SECONDS_OF_NORMAL * replicates * problem.p + _pruning(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        return 8.0 * (2 * replicates + 6) * problem.p

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        coefficient = problem.coefficients(rng, replicates)
        eigenvalue = np.array(problem.eigenvalue)
        alive = eigenvalue > 0
        unit = np.divide(1, np.sqrt(eigenvalue), out=np.zeros_like(eigenvalue), where=alive)
        freedom = problem.n - problem.alive + 1
        scale = problem.sigma * (problem.p / rng.chisquare(freedom, (replicates, 1))) ** 0.5
        trained = np.empty_like(coefficient)
        for block in problem.blocks():
            part = rng.standard_normal((replicates, block.width))
            part *= block.expand(unit)
            part *= scale
            part += coefficient[:, block.features]
            if not alive[block.groups].all():
                part *= block.expand(alive)
            trained[:, block.features] = part
        return Draw(coefficient, trained)


@dataclass(frozen=True)
class Implicit(Sampler):
    """Conjugate gradients on a design that is never formed; one replicate for each design.

    They end at the relative residual `tolerance`.
    """

    name = "implicit"
    tolerance: float = 1e-4
    noise: Law = GAUSSIAN

    def __str__(self) -> str:
        return f"implicit({self.noise}, {self.tolerance:g})"

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        length, steps = problem.n + problem.alive, _steps(problem, self.tolerance)
        step = 2e-4 + (_SECONDS_OF_NORMAL + 1.5e-9 * steps) * length
        return replicates * steps * step + _pruning(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        bytes_each = np.dtype(self._dtype(problem)).itemsize
        return 2.0 * bytes_each * (problem.n + problem.alive) * _steps(problem, self.tolerance)

    def _dtype(self, problem: FiniteProblem) -> type:
        """Of the bases: single precision where the solver does not see its rounding."""
        coarse = self.tolerance >= 1e-5 and _condition(problem) <= _WELL_CONDITIONED
        return np.float32 if coarse else np.float64

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        coefficient = problem.coefficients(rng, replicates)
        alive = problem.living
        eigenvalue = problem.expand(problem.eigenvalue)[alive]
        earlier, trained = np.zeros_like(coefficient), np.zeros_like(coefficient)
        for row, b in enumerate(coefficient[:, alive]):
            earlier[row, alive], trained[row, alive] = self._train(problem, eigenvalue, b, rng)
        return Draw(coefficient, trained, earlier)

    def _train(
        self,
        problem: FiniteProblem,
        eigenvalue: Array,
        coefficient: Array,
        rng: np.random.Generator,
    ) -> tuple[Array, Array]:
        """Trained weights of one design, at ten times the tolerance and at the tolerance."""
        z = GaussianMatrix(problem.n, eigenvalue.size, rng, self._dtype(problem))
        root, penalty = np.sqrt(eigenvalue), problem.n * problem.ridge
        noise = problem.sigma * problem.p**0.5 * self.noise.draw(rng, problem.n)
        y = z.matvec(root * coefficient) + noise
        if problem.n < eigenvalue.size:
            dual = self._solve(lambda a: z.matvec(eigenvalue * z.rmatvec(a)) + penalty * a, y)
            earlier, last = (root * z.rmatvec(a) for a in dual)
            return earlier, last
        scale = 1 / np.sqrt(eigenvalue + problem.ridge)  # features brought to one size
        unit, diagonal = root * scale, penalty * scale**2
        primal = self._solve(
            lambda b: unit * z.rmatvec(z.matvec(unit * b)) + diagonal * b, unit * z.rmatvec(y)
        )
        earlier, last = (scale * b for b in primal)
        return earlier, last

    def _solve(self, apply: Callable[[Array], Array], b: Array) -> tuple[Array, Array]:
        earlier, x = np.zeros_like(b), np.zeros_like(b)
        for step, (x, residual) in enumerate(conjugate_gradients(apply, b.astype(np.float64))):
            if residual > 10 * self.tolerance:
                earlier = x.copy()
            if residual <= self.tolerance:
                return earlier, x
            if step == _MOST_STEPS or not np.isfinite(residual):
                raise NoConvergence(
                    f"conjugate gradients: residual {residual:.1e} after {step} steps, not "
                    f"{self.tolerance:g}; use the dense sampler, or go away from n = p₊"
                )
        return earlier, x


def _condition(problem: FiniteProblem) -> float:
    """Of the solver's matrix, roughly: from the edges of the Marchenko-Pastur law."""
    shape = min(problem.n, problem.alive) / max(problem.n, problem.alive)
    low, high = (1 - shape**0.5) ** 2, (1 + shape**0.5) ** 2
    low += 1 / max(problem.n, problem.alive) ** 2
    smallest, largest = (of(x for x in problem.eigenvalue if x > 0) for of in (min, max))
    if problem.n >= problem.alive:  # features brought to one size
        floor = problem.ridge / (problem.ridge + largest)
        return (high + floor) / (low + floor)
    floor = problem.ridge * problem.n / problem.alive
    return (largest * high + floor) / (smallest * low + floor)


def _steps(problem: FiniteProblem, tolerance: float) -> float:
    """Steps that conjugate gradients need, roughly."""
    return 2 + 0.5 * _condition(problem) ** 0.5 * float(np.log(2 / tolerance))


def choose(
    problem: FiniteProblem, replicates: int, design: Law, noise: Law, tolerance: float
) -> Sampler:
    """The sampler that takes the least time, of those that apply."""
    samplers: list[Sampler] = [Dense(design, noise)]
    if design == GAUSSIAN:
        samplers.append(Implicit(tolerance, noise))
    if design == noise == GAUSSIAN and Exact().refusal(problem) is None:
        samplers.append(Exact())
    return min(samplers, key=lambda sampler: sampler.cost(problem, replicates))
