r"""The diagonal linear network, :math:`f(x)=\sum_i u_iv_ix_i`: a linear model of two layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..domains import Domain
from ..errors import InvalidInput
from ..parameters import parameter, scalar
from .diagonal_flow import Pair, end, flow
from .network import Evaluated, Gradient, Layers, Network, as_inputs

_TIME = Domain(lambda x: x >= 0, "must be a finite number >= 0", largest=1e100)
_EACH = {
    "eigenvalue": Domain(lambda x: x >= 0, "must be a finite number >= 0", largest=1e50),
    "target": Domain(lambda x: x == x, "must be a finite number", smallest=1e-300, largest=1e50),
}
#: The squares of smaller weights are numbers without all digits.
_LEAST_SIZE = 1e-150


@dataclass(frozen=True, init=False, eq=False, repr=False)
class DiagonalNetwork(Network):
    r"""A linear model with coefficients :math:`\beta_i=u_iv_i`.

    Parameters
    ----------
    hidden, output : arrays, shape (d,)
        The weights u and v.

    Examples
    --------
    >>> network = DiagonalNetwork([1, 1], [0.5, 0.1])
    >>> network([[1, 1]])
    array([0.6])

    Trained, u and v matter as much as each other, whatever their size:

    >>> trained = network.rescaled(10).trained([2, 0.5])
    >>> trained.coefficient
    array([2. , 0.5])
    >>> trained.output.round(3)
    array([0.2 , 0.05])
    """

    def __init__(self, hidden: Any, output: Any) -> None:
        super().__init__(hidden, output)
        shapes = self.hidden.shape, self.output.shape
        if self.hidden.ndim != 1 or shapes[0] != shapes[1] or not self.hidden.size:
            raise InvalidInput("shapes", shapes, "must be (d,) both, d at least 1")

    def __call__(self, inputs: Any) -> Array:
        return np.asarray(as_inputs(inputs, self.features) @ self.coefficient)

    def __repr__(self) -> str:
        return f"DiagonalNetwork({self.features} inputs)"

    @property
    def features(self) -> int:
        return len(self.hidden)

    @property
    def coefficient(self) -> Array:
        """The coefficients of the linear model."""
        return np.asarray(self.hidden * self.output)

    @property
    def imbalance(self) -> Array:
        r"""What gradient flow conserves of each feature, :math:`u_i^2-v_i^2`."""
        return np.asarray(self.hidden**2 - self.output**2)

    def gradient(self, inputs: Array, targets: Array) -> Gradient:
        return _Gradient(inputs, targets)

    def with_weights(self, hidden: Any, output: Any) -> "DiagonalNetwork":
        return DiagonalNetwork(hidden, output)

    def flow(self, eigenvalue: Any, target: Any, time: float) -> "DiagonalNetwork":
        r"""The network after gradient flow on the population.

        Parameters
        ----------
        eigenvalue, target : arrays, shape (d,)
            Variance :math:`\lambda_i` of each feature, all uncorrelated, and the coefficients
            :math:`\beta_i^*` to be learned.
        time : float
            Of :math:`\dot u=-\partial L/\partial u` with
            :math:`L=\frac12\sum_i\lambda_i(\beta_i-\beta_i^*)^2`.
        """
        values = (self._each("eigenvalue", eigenvalue), self._target(target))
        time = float(scalar("time", time, _TIME))
        return self.with_weights(*flow(Pair(*self.weights), *values, np.asarray(time)))

    def trained(self, target: Any) -> "DiagonalNetwork":
        """The network at the end of the flow, of features that all vary."""
        return self.with_weights(*end(Pair(*self.weights), self._target(target)))

    def saliency(self, eigenvalue: Any) -> Layers[Array]:
        r"""Hessian saliencies in the risk, :math:`\lambda_i(u_iv_i)^2`, the same for u and v."""
        saliency = self._each("eigenvalue", eigenvalue) * self.coefficient**2
        return Layers(saliency, saliency)

    def natural(self, eigenvalue: Any, target: Any) -> Layers[Array]:
        r"""By how much the risk rises without a weight, the same for u and v.

        It is :math:`\lambda_i(\beta_i^{*2}-(\beta_i-\beta_i^*)^2)`.
        """
        target = self._each("target", target)
        rise = self.coefficient * (2 * target - self.coefficient)
        rise = self._each("eigenvalue", eigenvalue) * rise
        return Layers(rise, rise)

    def _target(self, values: Any) -> Array:
        """Targets of a flow, which is ruled by the imbalance where they are 0."""
        target = self._each("target", values)
        size = np.maximum(abs(self.hidden), abs(self.output))
        lost = (target == 0) & (size > 0) & (size < _LEAST_SIZE)
        if lost.any():
            allowed = f"must be 0 or >= {_LEAST_SIZE:g} where the target is 0: rescale the units"
            raise InvalidInput("size of weights", float(size[lost][0]), allowed)
        return target

    def _each(self, key: str, values: Any) -> Array:
        """One number for each feature."""
        array = np.asarray(parameter(key, values, _EACH[key]), dtype=np.float64)
        if array.shape not in ((), self.hidden.shape):
            raise InvalidInput(key, f"shape {array.shape}", f"must be ({self.features},)")
        return np.broadcast_to(array, self.hidden.shape)


class _Gradient(Gradient):
    def __init__(self, x: Array, y: Array) -> None:
        self._x, self._y = x, y
        self._squared = float(np.linalg.norm(x, 2)) ** 2

    def __call__(self, hidden: Array, output: Array) -> Evaluated:
        residual = self._x @ (hidden * output) - self._y
        of_coefficient = residual @ self._x / len(self._y)
        loss = float(residual @ residual) / len(self._y)
        return Evaluated(loss, of_coefficient * output, of_coefficient * hidden)

    def sharpness_bound(self, hidden: Array, output: Array) -> float:
        residual = self._x @ (hidden * output) - self._y
        gauss_newton = float((hidden**2 + output**2).max()) * self._squared
        # Errors couple the two weights of a feature, and no others.
        return (gauss_newton + float(abs(residual @ self._x).max())) / len(self._y)
