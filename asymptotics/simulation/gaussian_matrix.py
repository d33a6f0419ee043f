r"""A Gaussian matrix that is sampled only as far as products with it reveal it.

An :math:`n\times p` matrix Z of independent standard normals that is used only through products
:math:`Zv` and :math:`Z^\top u` need never be formed.  After k products Z is known on the span of
their inputs.  By rotation invariance the rest of Z is independent of that, and is drawn when a new
product needs it.  Let the orthonormal columns of V span the past inputs of :math:`Z`, and those of
U the past inputs of :math:`Z^\top`.  A new input of :math:`Z` is a combination of V, on which Z is
known, plus a multiple of a new unit vector r, and

.. math:: Z r = U (Z^\top U)^\top r + (I - U U^\top) g,\qquad g\sim N(0, I_n)\text{ fresh},

likewise for :math:`Z^\top`.  The products have exactly the joint law of those with an explicit
matrix, also where an input is computed from earlier products.

Source: Lu, "Householder Dice" (arXiv 2101.07464).
"""

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..arithmetic import Array
from ..errors import InvalidInput

#: An input counts as known if its part outside the basis is at most this many units of rounding.
_ROUNDING_UNITS = 64
#: Gram-Schmidt is repeated if it leaves at most this fraction of the norm: the remainder is then
#: not orthogonal to working precision, because most of it has cancelled ("twice is enough").
_LEAST_LEFT = 0.5
#: Number of basis vectors for which memory is allocated at first; it doubles when it is full.
_FIRST_CAPACITY = 16


class GaussianMatrix(LinearOperator):
    """A matrix of independent standard normals that is never formed, as a SciPy operator.

    Parameters
    ----------
    n, p : int
        Numbers of rows and columns.
    rng : numpy.random.Generator
        Generator of the entries.  The products depend on the order in which they are computed.
    dtype : float64 or float32
        Type of the bases.  With float32, products agree with one another to 1e-6.

    Raises `InvalidInput` for an input whose norm is not finite: it would spoil all later products.

    The k-th product takes O((n + p) k) time, and adds O(n + p) numbers to the memory.  An input in
    the span of earlier ones draws no random numbers, so that later products agree with earlier
    ones.

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
        """Dimensions of the spans of the inputs so far: of length n, and of length p."""
        return self._rows.size, self._columns.size

    def _matvec(self, x: Array) -> Array:
        return self._product(np.ravel(x), self._columns, self._rows)

    def _rmatvec(self, x: Array) -> Array:
        return self._product(np.ravel(x), self._rows, self._columns)

    def _product(self, x: Array, side: "_Revealed", other: "_Revealed") -> Array:
        """The product with x; `side` has the past inputs of x's length, `other` of the result's."""
        if np.iscomplexobj(x):
            return self._product(x.real, side, other) + 1j * self._product(x.imag, side, other)
        known, length, direction = side.split(x)
        if length == 0:
            return known @ side.products[: side.size]
        fresh = self._rng.standard_normal(other.length, dtype=self.dtype)
        # Z r = g + U (Zᵀu · r - u · g for each column u of U).  On the span of U the products with
        # Zᵀ determine Z r; orthogonal to it, Z r is fresh.  Bases are stored as rows.
        basis = other.basis[: other.size]
        fresh += (other.products[: other.size] @ direction - basis @ fresh) @ basis
        result = length * fresh
        result += known @ side.products[: side.size]
        side.add(direction, fresh)
        return result


class _Revealed:
    """An orthonormal basis of the inputs, as rows, and the product with each basis vector."""

    def __init__(self, length: int, other: int, dtype: Any) -> None:
        self.length, self.size = length, 0
        self.basis = np.empty((_FIRST_CAPACITY, length), dtype)
        self.products = np.empty((_FIRST_CAPACITY, other), dtype)

    def split(self, x: Array) -> tuple[Array, float, Array]:
        """Split `x` into ``coordinates @ basis + length * direction``; return these three.

        `direction` is a unit vector orthogonal to the basis, and `length` is 0 if `x` is in the
        span of the basis up to rounding.
        """
        basis = self.basis[: self.size]
        x = x.astype(basis.dtype)
        norm = length = float(np.linalg.norm(x))
        if not np.isfinite(norm):
            raise InvalidInput("norm", norm, f"an input must have a finite norm in {x.dtype}")
        known = np.zeros(self.size, basis.dtype)
        for _ in range(3):  # Gram-Schmidt, repeated while much of x cancels
            part = basis @ x
            known += part
            x -= part @ basis
            before, length = length, float(np.linalg.norm(x))
            if length > _LEAST_LEFT * before:
                break
        if length <= _ROUNDING_UNITS * np.finfo(basis.dtype).eps * norm:
            return known, 0.0, x
        x /= length
        return known, length, x

    def add(self, direction: Array, product: Array) -> None:
        """Append a basis vector and the product with it; memory doubles when it is full."""
        if self.size == len(self.basis):
            self.basis, self.products = (
                np.concatenate([a, np.empty_like(a)]) for a in (self.basis, self.products)
            )
        self.basis[self.size], self.products[self.size] = direction, product
        self.size += 1
