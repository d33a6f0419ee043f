r"""A Gaussian matrix that is sampled only where it is looked at.

An :math:`n\times p` matrix Z of independent standard normals that is used through products
:math:`Zv` and :math:`Z^\top u` alone need never be formed.  What k products reveal is Z on the span
of their inputs; by rotation invariance the rest is independent of that and can be drawn when asked
for.  With orthonormal bases V of the inputs of :math:`Z` and U of those of :math:`Z^\top`, a new
input splits into a known part and a new unit direction r, and

.. math:: Z r = U (Z^\top U)^\top r + (I - U U^\top) g,\qquad g\sim N(0, I_n)\text{ fresh},

likewise for :math:`Z^\top`.  The products are exact in law, jointly, whatever inputs are chosen
from what has been seen.

Source: Lu, "Householder Dice" (arXiv 2101.07464).
"""

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..arithmetic import Array
from ..errors import InvalidInput

#: A new direction is known up to rounding when so little of an input is left of it.
_NOTHING = 64
#: Where no more than this share of an input is left, it is made orthogonal again.
_CANCELLED = 0.5
_FIRST = 16


class GaussianMatrix(LinearOperator):
    """An implicit matrix of independent standard normals.

    Parameters
    ----------
    n, p : int
        Rows and columns.
    rng : numpy.random.Generator
        Where the entries come from; the products depend on the order in which they are asked for.
    dtype : float64 or float32
        Of the bases that are kept.  Products of float32 are consistent with one another to 1e-6.

    Raises `InvalidInput` for an input whose norm is not finite, which would spoil all that follow.

    The k-th product costs O((n + p) k) time, and memory for O(n + p) numbers.  An input in the span
    of earlier ones draws nothing: all that was revealed stays true.

    >>> import numpy as np
    >>> z = GaussianMatrix(300, 1000, np.random.default_rng(0))
    >>> v = np.ones(1000)
    >>> np.allclose(z @ (2 * v), 2 * (z @ v))
    True
    >>> u = z @ v
    >>> bool(np.isclose(u @ (z @ v), (z.T @ u) @ v))
    True
    """

    def __init__(self, n: int, p: int, rng: np.random.Generator, dtype: Any = np.float64) -> None:
        super().__init__(np.dtype(dtype), (n, p))  # type: ignore[call-arg]
        self.n, self.p = n, p
        self._rng = rng
        self._rows = _Revealed(n, p, self.dtype)  # of inputs of length n, and Zᵀ on them
        self._columns = _Revealed(p, n, self.dtype)  # of inputs of length p, and Z on them

    @property
    def revealed(self) -> tuple[int, int]:
        """Dimensions revealed so far, of inputs of length n and of length p."""
        return self._rows.size, self._columns.size

    def _matvec(self, x: Array) -> Array:
        return self._product(np.ravel(x), self._columns, self._rows)

    def _rmatvec(self, x: Array) -> Array:
        return self._product(np.ravel(x), self._rows, self._columns)

    def _product(self, x: Array, side: "_Revealed", other: "_Revealed") -> Array:
        if np.iscomplexobj(x):
            return self._product(x.real, side, other) + 1j * self._product(x.imag, side, other)
        known, length, direction = side.split(x)
        if length == 0:
            return known @ side.products[: side.size]
        fresh = self._rng.standard_normal(other.length, dtype=self.dtype)
        # On what the other side has revealed, the product is known; elsewhere it is fresh.
        basis = other.basis[: other.size]
        fresh += (other.products[: other.size] @ direction - basis @ fresh) @ basis
        result = length * fresh
        result += known @ side.products[: side.size]
        side.add(direction, fresh)
        return result


class _Revealed:
    """An orthonormal basis of inputs, as rows, and the products with each of them."""

    def __init__(self, length: int, other: int, dtype: Any) -> None:
        self.length, self.size = length, 0
        self.basis = np.empty((_FIRST, length), dtype)
        self.products = np.empty((_FIRST, other), dtype)

    def split(self, x: Array) -> tuple[Array, float, Array]:
        """Coordinates of `x` in the basis, and length and direction of what is left of it."""
        basis = self.basis[: self.size]
        x = x.astype(basis.dtype)
        whole = length = float(np.linalg.norm(x))
        if not np.isfinite(whole):
            raise InvalidInput("norm", whole, f"an input must have a finite norm in {x.dtype}")
        known = np.zeros(self.size, basis.dtype)
        for _ in range(3):
            part = basis @ x
            known += part
            x -= part @ basis
            before, length = length, float(np.linalg.norm(x))
            if length > _CANCELLED * before:
                break
        if length <= _NOTHING * np.finfo(basis.dtype).eps * whole:
            return known, 0.0, x
        x /= length
        return known, length, x

    def add(self, direction: Array, product: Array) -> None:
        if self.size == len(self.basis):
            self.basis, self.products = (
                np.concatenate([a, np.empty_like(a)]) for a in (self.basis, self.products)
            )
        self.basis[self.size], self.products[self.size] = direction, product
        self.size += 1
