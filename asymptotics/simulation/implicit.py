"""Draws with a design that is never formed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from ..errors import NoConvergence
from .designs import GAUSSIAN, Law
from .finite import FiniteProblem
from .gaussian_matrix import GaussianMatrix
from .sampler import SECONDS_OF_NORMAL, Draw, Sampler, pruning_cost
from .solvers import conjugate_gradients

#: A condition, of a solver's matrix, with which single precision is enough.
_WELL_CONDITIONED = 2e3
_MOST_STEPS = 10_000
#: Values of m among which the lower edge of a spectrum is sought.
_EDGE_POINTS = 200
#: A relative residual that is larger does not come down again.
_DIVERGED = 1e8


@dataclass(frozen=True)
class Implicit(Sampler):
    """Conjugate gradients on a design that is never formed; one replicate for each design.

    They end at the relative residual `tolerance`.
    """

    name = "implicit"
    tolerance: float = 1e-4
    noise: Law = GAUSSIAN

    def __str__(self) -> str:
        return f"implicit({self.noise}, {self.tolerance!r})"

    def cost(self, problem: FiniteProblem, replicates: int) -> float:
        length, steps = problem.n + problem.alive, _steps(problem, self.tolerance)
        step = 2e-4 + (SECONDS_OF_NORMAL + 1.5e-9 * steps) * length
        return replicates * steps * step + pruning_cost(problem, replicates)

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
        if not eigenvalue.size:
            return Draw(coefficient, trained, earlier)
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
            if step == _MOST_STEPS or not residual < _DIVERGED:
                raise NoConvergence(
                    f"conjugate gradients: residual {residual:.1e} after {step} steps, not "
                    f"{self.tolerance:g}; use the dense sampler, or go away from n = p_+"
                )
        return earlier, x


class _Spectrum(NamedTuple):
    """Eigenvalues of the solver's matrix, roughly, the largest first."""

    #: How many are larger than each of `upper`: the features of groups of larger eigenvalue.
    outside: Array
    upper: Array
    lower: float


@lru_cache(maxsize=64)
def _spectrum(problem: FiniteProblem) -> _Spectrum:
    """Of features brought to one size, or of the Gram matrix if there are more than samples.

    Its upper edges are those of the Marchenko-Pastur law, scaled by the largest eigenvalue that
    features have, and by those that remain without the groups of the largest.
    """
    shape = min(problem.n, problem.alive) / max(problem.n, problem.alive)
    finite = 1 / max(problem.n, problem.alive) ** 2
    high = (1 + shape**0.5) ** 2
    eigenvalue = np.array(problem.eigenvalue)
    sizes = np.array(problem.sizes)[eigenvalue > 0]
    eigenvalue = eigenvalue[eigenvalue > 0]
    if problem.n >= problem.alive:
        floor = problem.ridge / (problem.ridge + eigenvalue.max())
        low = (1 - shape**0.5) ** 2 + finite
        return _Spectrum(np.zeros(1), np.array([high + floor]), low + floor)
    floor = problem.ridge * problem.n / problem.alive
    order = np.argsort(-eigenvalue)
    eigenvalue, sizes = eigenvalue[order], sizes[order]
    low = _lower_edge(sizes / problem.n, eigenvalue) * shape
    above = np.cumsum(sizes) - sizes
    return _Spectrum(above, eigenvalue * high + floor, low + eigenvalue[-1] * finite + floor)


def _lower_edge(ratio: Array, eigenvalue: Array) -> float:
    r"""The smallest eigenvalue of :math:`Z\Lambda Z^T/n` for a large Gaussian matrix Z.

    It is the largest value, over m > 0, of :math:`-1/m+\sum_g\kappa_g\Lambda_g/(1+\Lambda_gm)`,
    with :math:`\kappa_g` the features of a group per sample (`ratio`).

    Source: Silverstein, Choi, *Analysis of the limiting spectral distribution of large dimensional
    random matrices* (J. Multivariate Anal. 54, 1995).
    """
    ends = -np.log(eigenvalue.max()) - 3, -np.log(eigenvalue.min()) + 9
    edge = 0.0
    for m in np.exp(np.linspace(*ends, _EDGE_POINTS)):
        edge = max(edge, float(ratio @ (eigenvalue / (1 + eigenvalue * m)) - 1 / m))
    return edge


def _condition(problem: FiniteProblem) -> float:
    """Of the solver's matrix, roughly."""
    if not problem.alive:
        return 1.0
    spectrum = _spectrum(problem)
    return float(spectrum.upper[0] / spectrum.lower)


def _steps(problem: FiniteProblem, tolerance: float) -> float:
    """Steps that conjugate gradients need, roughly.

    One for each eigenvalue above some value, and for those below it as many as their condition
    asks for.
    """
    if not problem.alive:
        return 2.0
    outside, upper, lower = _spectrum(problem)
    below = 0.5 * np.sqrt(upper / lower) * np.log(2 / tolerance)
    return 2 + float(np.min(outside + below))
