r"""The trials of one row, and how much of their variance control variates take off.

Without a second fit a trial has one control variate, made for its risk (`simulation.control`); it
is taken off as it is.  With a second fit there are three: the same one, and the simulated risks of
the first fit, pruned and before pruning, minus their limits.  Their slopes :math:`\beta` are found
by least squares,

.. math:: \text{controlled} = y - \beta\cdot x,\qquad
          \beta=\Big(\sum_iw_iS_i\Big)^{-1}\sum_iw_is_i,

with :math:`S_i` the sums of products of the controls in the pilot sample at size :math:`p_i`, about
their mean, and :math:`s_i` those of controls and risk.  The variance of a trial is inversely
proportional to the number :math:`w_i` of weights that it draws.  One :math:`\beta` serves all
sizes, so that an error of it does not disturb the extrapolation: what finite size does to the mean
of x is of order 1/p at all of them.  Given the controls, the pilot's residuals are independent of
:math:`\beta` and of the mean, as Stein's test needs (see `statistics`), and the error of
:math:`\beta` adds :math:`s^2D^\top(\sum_iw_iS_i)^{-1}D` to the variance of the extrapolated mean,
where D is the same extrapolation of the mean of x, and :math:`s^2/w_i` the variance of a residual.

Source: Lavenberg, Welch, *A perspective on the use of control variables to increase the efficiency
of Monte Carlo simulations* (Management Science 27, 1981).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arithmetic import Array
from .statistics import FEWEST_TRIALS, Sample, line_weights

#: Controls whose independent part is less than this fraction of the largest are not told apart.
_LEAST_INDEPENDENT = 1e-6
#: A control whose spread is less than this fraction of the risk's varies by rounding alone.
_LEAST_SPREAD = 1e-9


class Trials(NamedTuple):
    """The trials of a row at one size."""

    risk: Array
    #: Control variates, of the shape (k, trials), minus their limits.
    controls: Array
    #: Bound of the error of the mean that comes from an iterative solver.
    truncation: float
    #: Whether the slope of each control is 1.
    known: bool
    #: Number of weights that each of them draws.
    weights: int

    def controlled(self, slopes: Array) -> Array:
        """The risk minus what the controls explain, of the shape (trials,)."""
        return np.asarray(self.risk - slopes @ self.controls)


class Regression(NamedTuple):
    """The slopes of the risk in its control variates."""

    slopes: Array
    #: The inverse of the weighted sums of products of the controls, of the shape (k, k).
    inverse: Array
    #: Number of slopes that were estimated.
    estimated: int


def regression(trials: Sequence[Trials], pilot: int | None = None) -> Regression:
    """The slopes that the first `pilot` trials at each size give, or the known ones.

    With fewer than `FEWEST_TRIALS` at a size, or with numbers that are not finite, none is
    estimated, and the slopes are 0.
    """
    k = len(trials[0].controls) if trials else 0
    nothing = np.zeros((k, k))
    if not trials or trials[0].known:
        return Regression(np.ones(k), nothing, 0)
    finite = all(np.isfinite(x).all() for each in trials for x in (each.risk, each.controls))
    if not finite or min(each.risk.size for each in trials) < FEWEST_TRIALS:
        return Regression(np.zeros(k), nothing, 0)
    roots = [each.weights**0.5 for each in trials]
    pairs = list(zip(roots, trials, strict=True))
    x = np.concatenate([w * _centred(each.controls[:, :pilot]) for w, each in pairs], axis=1)
    y = np.concatenate([w * _centred(each.risk[:pilot]) for w, each in pairs])
    # In units of their spread; a control that does not vary explains nothing.
    unit = np.linalg.norm(x, axis=1)
    unit[~(unit > _LEAST_SPREAD * np.linalg.norm(y))] = np.inf
    left, size, right = np.linalg.svd(x / unit[:, None], full_matrices=False)
    independent = size > _LEAST_INDEPENDENT
    root = left[:, independent] / size[independent] / unit[:, None]
    return Regression(
        root @ (right[independent] @ y), root @ root.T, int(np.count_nonzero(independent))
    )


def with_errors_of_slopes(
    samples: Sequence[Sample], trials: Sequence[Trials], found: Regression
) -> list[Sample]:
    """Samples whose variances hold what the errors of estimated slopes add to their mean."""
    weights = line_weights([sample.inverse_size for sample in samples]) if samples else np.empty(0)
    variance = np.array([sample.variance for sample in samples])
    of_mean = float(weights**2 @ (variance / [sample.trials for sample in samples]))
    if not (found.estimated and of_mean > 0):
        return list(samples)
    freedom = np.array([sample.freedom for sample in samples])
    mean = weights @ [each.controls.mean(axis=1) for each in trials]
    of_weight = variance * [each.weights for each in trials]
    added = float(of_weight @ freedom / freedom.sum() * (mean @ found.inverse @ mean))
    return [s._replace(variance=s.variance * (1 + added / of_mean)) for s in samples]


def _centred(x: Array) -> Array:
    return np.asarray(x - x.mean(axis=-1, keepdims=True))
