"""Conjugate gradients for a matrix that is known by its products only."""

from collections.abc import Callable, Iterator

import numpy as np

from ..arithmetic import Array


def conjugate_gradients(apply: Callable[[Array], Array], b: Array) -> Iterator[tuple[Array, float]]:
    """Yield the iterates of ``A x = b``, each with its relative residual ``|b - A x| / |b|``.

    `apply` multiplies by a symmetric positive definite ``A``.  Textbooks multiply the search
    directions by A; here A multiplies the residuals, and the image A d of a direction follows by
    the recurrence of the directions.  Residuals are orthogonal to one another.  Successive
    directions are nearly parallel, and a `GaussianMatrix` would lose digits in telling them apart.

    The iterate is updated in place: a caller that keeps one must copy it.

    Source: Hestenes, Stiefel (1952).
    """
    x, residual = np.zeros_like(b), b.copy()
    direction, image = np.zeros_like(b), np.zeros_like(b)
    before = square = scale = float(b @ b)
    while square > 0:
        # d <- r + (|r|² / |r before|²) d, and the same recurrence for A d.
        direction *= square / before
        direction += residual
        image *= square / before
        image += apply(residual)
        step = square / float(direction @ image)
        x += step * direction
        residual -= step * image
        before, square = square, float(residual @ residual)
        yield x, (square / scale) ** 0.5
