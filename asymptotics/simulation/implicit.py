"""The implicit sampler: conjugate gradients with a design that is never formed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import NoConvergence
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .gaussian_matrix import GaussianMatrix
from .retraining import Iterates, nearly_square
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost
from .solvers import conjugate_gradients

#: Largest condition number of the solver's matrix for which bases in single precision are enough.
_LARGEST_CONDITION_IN_SINGLE = 2e3
#: The least tolerance for which they are.
_LEAST_IN_SINGLE = 1e-5
_MOST_STEPS = 10_000
#: The least relative residual that rounding lets conjugate gradients reach, with a margin.
LEAST_TOLERANCE = 1e-11
#: Number of values of m at which `_lower_edge` evaluates its function.
_EDGE_POINTS = 200
#: A relative residual above this means that conjugate gradients will not converge.
_DIVERGED = 1e8


@dataclass(frozen=True)
class Implicit(Sampler):
    """Solves for the trained weights by conjugate gradients on a `GaussianMatrix`.

    The iteration ends when the residual, relative to the right-hand side, is at most `tolerance`.
    Every replicate has a design of its own.
    """

    name = "implicit"
    tolerance: float = 1e-4
    noise: Law = GAUSSIAN

    def __str__(self) -> str:
        return f"implicit({self.noise}, {self.tolerance!r})"

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        # A step multiplies by Z and Zᵀ.  It draws n + p₊ normal numbers, and orthogonalises against
        # all earlier inputs, whose number is steps / 2 on average.
        length, steps = problem.n + problem.alive, _all_steps(problem, self.tolerance)
        step = 2e-4 + (SECONDS_OF_NORMAL + 1.5e-9 * steps) * length
        return replicates * steps * step + pruning_cost(problem, replicates)

    def memory(self, problem: FiniteProblem, replicates: int) -> float:
        # Each step adds a basis vector and a product on either side of the `GaussianMatrix`.  For
        # second fits the matrices of all replicates are kept.
        bytes_each = np.dtype(self._dtype(problem)).itemsize
        matrices = 1 if problem.retraining is None else replicates
        steps = matrices * _all_steps(problem, self.tolerance)
        return 2.0 * bytes_each * (problem.n + problem.alive) * steps

    def _dtype(self, problem: FiniteProblem) -> type:
        """Type of the bases: single precision if its rounding is far below the tolerance."""
        second = _second_problems(problem)
        condition = max(map(_condition, (problem, *second)))
        tolerances = [_second_tolerance(self.tolerance, each.n, each.alive) for each in second]
        least = min([self.tolerance, *tolerances])
        coarse = least >= _LEAST_IN_SINGLE and condition <= _LARGEST_CONDITION_IN_SINGLE
        return np.float32 if coarse else np.float64

    def draw(self, problem: FiniteProblem, replicates: int, rng: np.random.Generator) -> Draw:
        coefficient = problem.coefficients(rng, replicates)
        alive = problem.alive_features
        eigenvalue = problem.expand(problem.eigenvalue)[alive]
        earlier, trained = np.zeros_like(coefficient), np.zeros_like(coefficient)
        if not eigenvalue.size:
            return Draw(coefficient, trained, earlier)
        everything, nowhere = slice(None), np.zeros(())
        designs = []
        for row, b in enumerate(coefficient[:, alive]):
            z = GaussianMatrix(problem.n, eigenvalue.size, rng, self._dtype(problem))
            noise = problem.sigma * problem.p**0.5 * self.noise.draw(rng, problem.n)
            y = z.matvec(np.sqrt(eigenvalue) * b) + noise
            design = _Design(z, eigenvalue, y)
            fitted = design.train(everything, problem.ridge, nowhere, self.tolerance)
            earlier[row, alive], trained[row, alive] = fitted
            if problem.retraining is not None:
                designs.append(design)
        return Draw(coefficient, trained, earlier, _Designs(designs, self.tolerance))


class _Designs:
    """The designs of all replicates, to which second fits are made."""

    def __init__(self, designs: Sequence["_Design"], tolerance: float) -> None:
        self._designs, self._tolerance = designs, tolerance

    def fit(self, replicate: int, columns: Array, ridge: float, start: Array) -> Iterates:
        """See `retraining.Data`.  A design stays the same whatever products have revealed of it."""
        design = self._designs[replicate]
        tolerance = _second_tolerance(self._tolerance, design.n, columns.size)
        return design.train(columns, ridge, start, tolerance)


class _Design:
    """A design ``X = Z diag(sqrt(eigenvalue))`` that is never formed, and its responses."""

    def __init__(self, z: GaussianMatrix, eigenvalue: Array, y: Array) -> None:
        self._z, self._eigenvalue, self._y = z, eigenvalue, y
        self.n = z.n

    def train(
        self, columns: Array | slice, ridge: float, start: Array, tolerance: float
    ) -> Iterates:
        """The weights of some features that minimise ``|y - X b|²/n + ridge |b - start|²``.

        `Sampler.trial` estimates the effect of the finite tolerance from the two iterates.
        """
        z, eigenvalue = self._z, self._eigenvalue[columns]
        root, penalty = np.sqrt(eigenvalue), z.n * ridge

        def times(b: Array) -> Array:
            """The columns of Z times b."""
            inside = np.zeros(z.p)
            inside[columns] = b
            return np.asarray(z.matvec(inside))

        def transposed(a: Array) -> Array:
            return np.asarray(z.rmatvec(a)[columns])

        if z.n < eigenvalue.size:  # (X Xᵀ + n ridge) a = y - X start, then b = start + Xᵀ a
            pulled = ridge > 0 and start.any()
            y = self._y - times(root * start) if pulled else self._y
            dual = _solve(lambda a: times(eigenvalue * transposed(a)) + penalty * a, y, tolerance)
            earlier, last = (root * transposed(a) for a in dual)
            return Iterates(start + earlier, start + last) if pulled else Iterates(earlier, last)
        # (Xᵀ X + n ridge) b = Xᵀ y + n ridge start, preconditioned by the diagonal: each feature is
        # divided by sqrt(eigenvalue + ridge), and the condition number does not depend on the
        # eigenvalues.
        scale = 1 / np.sqrt(eigenvalue + ridge)
        unit, diagonal = root * scale, penalty * scale**2
        target = unit * transposed(self._y) + penalty * scale * start
        primal = _solve(
            lambda b: unit * transposed(times(unit * b)) + diagonal * b, target, tolerance
        )
        return Iterates(*(scale * b for b in primal))


def _solve(apply: Callable[[Array], Array], b: Array, tolerance: float) -> tuple[Array, Array]:
    """The last iterate with a residual above 10 times the tolerance, and the solution.

    Raises `NoConvergence` after `_MOST_STEPS` steps, or if the residual exceeds `_DIVERGED`.
    """
    earlier, x = np.zeros_like(b), np.zeros_like(b)
    for step, (x, residual) in enumerate(conjugate_gradients(apply, b.astype(np.float64))):
        if residual > 10 * tolerance:
            earlier = x.copy()
        if residual <= tolerance:
            return earlier, x
        if step == _MOST_STEPS or not residual < _DIVERGED:
            raise NoConvergence(
                f"conjugate gradients: residual {residual:.1e} after {step} steps, not "
                f"{tolerance:g}; use the dense sampler, or go away from n = p_+"
            )
    return earlier, x


def _second_problems(problem: FiniteProblem) -> list[FiniteProblem]:
    """Problems whose first fit is about as hard as the second fits of a problem.

    They have as many features as are kept, in the same shares of the groups.
    """
    alone = replace(problem, retraining=None, later=())
    fits = [(alone.resized(kept), ridge) for kept, ridge in problem.second_fits if kept]
    return [
        replace(each, ridge=ridge)
        for each, ridge in fits
        if not nearly_square(each.n, each.alive, ridge)
    ]


def _second_tolerance(tolerance: float, n: int, kept: int) -> float:
    """The tolerance of a second fit.

    It is relative to the least eigenvalue of the Marchenko-Pastur law, by whose inverse the errors
    of weights exceed residuals.  Without it the second fit would err more than the first one where
    nearly as many weights are kept as there are samples.
    """
    shape = min(n, kept) / max(n, kept, 1)
    return max(tolerance * (1 - shape**0.5) ** 2, LEAST_TOLERANCE)


def _all_steps(problem: FiniteProblem, tolerance: float) -> float:
    """Estimate of the number of steps of the first fit and of all second ones."""
    second = sum(
        _steps(each, _second_tolerance(tolerance, each.n, each.alive))
        for each in _second_problems(problem)
    )
    return _steps(problem, tolerance) + len(problem.rules) * second


class _Spectrum(NamedTuple):
    """Estimates of the eigenvalues of the solver's matrix."""

    #: Upper edges of the spectrum without its largest eigenvalues, in descending order; the first
    #: is the upper edge of the full spectrum.
    upper: Array
    #: Number of eigenvalues that are left out above each of `upper`.
    outside: Array
    #: The lower edge of the full spectrum.
    lower: float


@lru_cache(maxsize=64)
def _spectrum(problem: FiniteProblem) -> _Spectrum:
    """The spectrum of the matrix that `Implicit` solves with, divided by max(n, p₊).

    It is that of XᵀX with preconditioned features if n >= p₊, and of the Gram matrix XXᵀ otherwise.
    The upper edges are those of the Marchenko-Pastur law times the largest eigenvalue of the
    features that are left when the groups of the largest eigenvalues are taken out, one by one.
    """
    shape = min(problem.n, problem.alive) / max(problem.n, problem.alive)
    # At n = p₊ the lower edge of the limit is 0; the smallest eigenvalue is of order 1/n² then.
    finite = 1 / max(problem.n, problem.alive) ** 2
    high = (1 + shape**0.5) ** 2
    eigenvalue = np.array(problem.eigenvalue)
    sizes = np.array(problem.sizes)[eigenvalue > 0]
    eigenvalue = eigenvalue[eigenvalue > 0]
    if problem.n >= problem.alive:
        floor = problem.ridge / (problem.ridge + eigenvalue.max())
        low = (1 - shape**0.5) ** 2 + finite
        return _Spectrum(np.array([high + floor]), np.zeros(1), low + floor)
    floor = problem.ridge * problem.n / problem.alive
    order = np.argsort(-eigenvalue)
    eigenvalue, sizes = eigenvalue[order], sizes[order]
    low = _lower_edge(sizes / problem.n, eigenvalue) * shape
    above = np.cumsum(sizes) - sizes
    return _Spectrum(eigenvalue * high + floor, above, low + eigenvalue[-1] * finite + floor)


def _lower_edge(ratio: Array, eigenvalue: Array) -> float:
    r"""The smallest eigenvalue of :math:`Z\Lambda Z^T/n` for a large Gaussian matrix Z.

    It is the largest value, over m > 0, of :math:`-1/m+\sum_g\kappa_g\Lambda_g/(1+\Lambda_gm)`,
    where :math:`\kappa_g` is the number of features of group g over n (`ratio`).

    Source: Silverstein, Choi, *Analysis of the limiting spectral distribution of large dimensional
    random matrices* (J. Multivariate Anal. 54, 1995).
    """
    # For a single group the maximum is at Λm = 1/(sqrt(κ) - 1), which is large near κ = 1.
    ends = -np.log(eigenvalue.max()) - 3, -np.log(eigenvalue.min()) + 9
    edge = 0.0
    for m in np.exp(np.linspace(*ends, _EDGE_POINTS)):
        edge = max(edge, float(ratio @ (eigenvalue / (1 + eigenvalue * m)) - 1 / m))
    return edge


def _condition(problem: FiniteProblem) -> float:
    """Estimate of the condition number of the solver's matrix."""
    if not problem.alive:
        return 1.0
    spectrum = _spectrum(problem)
    return float(spectrum.upper[0] / spectrum.lower)


def _steps(problem: FiniteProblem, tolerance: float) -> float:
    r"""Estimate of the number of steps of conjugate gradients.

    One step removes one outlying eigenvalue.  If the k largest are removed, the others, up to
    :math:`u_k`, take :math:`\frac12\sqrt{u_k/l}\,\log(2/\text{tolerance})` steps.  The estimate is
    the least sum over k.
    """
    if not problem.alive:
        return 2.0
    upper, outside, lower = _spectrum(problem)
    below = 0.5 * np.sqrt(upper / lower) * np.log(2 / tolerance)
    return 2 + float(np.min(outside + below))
