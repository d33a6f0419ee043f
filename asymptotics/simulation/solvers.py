"""Conjugate gradients."""

from collections.abc import Callable, Iterator

import numpy as np

from ..arithmetic import Array


def conjugate_gradients(apply: Callable[[Array], Array], b: Array) -> Iterator[tuple[Array, float]]:
    """Iterates of the solution of ``A x = b``, each with the norm of its residual over that of b.

    `apply` multiplies by a symmetric positive definite ``A``.  It sees the residuals, which are
    orthogonal to one another, in place of the directions, which nearly repeat themselves.  An
    iterate is updated in place: copy what is to be kept.

    Source: Hestenes, Stiefel (1952).
    """
    x, residual = np.zeros_like(b), b.copy()
    direction, image = np.zeros_like(b), np.zeros_like(b)
    before = square = scale = float(b @ b)
    while square > 0:
        direction *= square / before
        direction += residual
        image *= square / before
        image += apply(residual)
        step = square / float(direction @ image)
        x += step * direction
        residual -= step * image
        before, square = square, float(residual @ residual)
        yield x, (square / scale) ** 0.5
