"""Conjugate gradients."""

from collections.abc import Callable, Iterator

import numpy as np

from ..arithmetic import Array


def conjugate_gradients(apply: Callable[[Array], Array], b: Array) -> Iterator[tuple[Array, float]]:
    """Iterates of the solution of ``A x = b``, each with the norm of its residual over that of b.

    `apply` multiplies by a symmetric positive definite ``A``.  An iterate is updated in place: copy
    what is to be kept.

    Source: Hestenes, Stiefel (1952).
    """
    x, residual = np.zeros_like(b), b.copy()
    direction, square = residual.copy(), float(b @ b)
    scale = square
    while square > 0:
        image = apply(direction)
        step = square / float(direction @ image)
        x += step * direction
        residual -= step * image
        before, square = square, float(residual @ residual)
        yield x, (square / scale) ** 0.5
        direction *= square / before
        direction += residual
