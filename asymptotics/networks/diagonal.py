r"""The diagonal linear network, :math:`f(x)=\sum_i u_iv_ix_i`: a linear model with two layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..domains import Domain
from ..errors import InvalidInput
from ..parameters import parameter, scalar
from .diagonal_flow import Pair, end, flow
from .network import Evaluated, Gradient, Layers, Network, as_inputs

_TIME_DOMAIN = Domain(lambda x: x >= 0, "must be a finite number >= 0", largest=1e100)
_FEATURE_DOMAINS = {
    "eigenvalue": Domain(lambda x: x >= 0, "must be a finite number >= 0", largest=1e50),
    "target": Domain(lambda x: x == x, "must be a finite number", smallest=1e-300, largest=1e50),
}
#: The square of a smaller weight is subnormal, and has lost digits.
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

    In a trained network, :math:`u_i` and :math:`v_i` matter equally, whatever their sizes:

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
        r"""The coefficients :math:`\beta_i=u_iv_i` of the linear model."""
        return np.asarray(self.hidden * self.output)

    @property
    def imbalance(self) -> Array:
        r"""The quantity :math:`u_i^2-v_i^2` of each feature, which gradient flow conserves."""
        return np.asarray(self.hidden**2 - self.output**2)

    def gradient(self, inputs: Array, targets: Array) -> Gradient:
        return _Gradient(inputs, targets)

    def with_weights(self, hidden: Any, output: Any) -> "DiagonalNetwork":
        return DiagonalNetwork(hidden, output)

    def flow(self, eigenvalue: Any, target: Any, time: float) -> "DiagonalNetwork":
        r"""The network after gradient flow on the population's loss, in closed form.

        Parameters
        ----------
        eigenvalue, target : arrays, shape (d,)
            Variances :math:`\lambda_i` of the features, which are uncorrelated, and the true
            coefficients :math:`\beta_i^*`.
        time : float
            Time of the flow :math:`\dot u=-\partial L/\partial u`,
            :math:`\dot v=-\partial L/\partial v` with
            :math:`L=\frac12\sum_i\lambda_i(\beta_i-\beta_i^*)^2`.

        Raises
        ------
        InvalidInput
            If a value is outside its domain or has a wrong shape, or a weight whose target is 0 is
            too small for its square.
        """
        values = (self._per_feature("eigenvalue", eigenvalue), self._target(target))
        time = float(scalar("time", time, _TIME_DOMAIN))
        return self.with_weights(*flow(Pair(*self.weights), *values, np.asarray(time)))

    def trained(self, target: Any) -> "DiagonalNetwork":
        """The network at the end of the flow, t to infinity, if all eigenvalues are positive."""
        return self.with_weights(*end(Pair(*self.weights), self._target(target)))

    def saliency(self, eigenvalue: Any) -> Layers[Array]:
        r"""Hessian saliencies :math:`\lambda_i(u_iv_i)^2` of the risk; equal for u and v."""
        saliency = self._per_feature("eigenvalue", eigenvalue) * self.coefficient**2
        return Layers(saliency, saliency)

    def natural(self, eigenvalue: Any, target: Any) -> Layers[Array]:
        r"""The rise of the risk when a single weight is set to zero; equal for u and v.

        It is :math:`\lambda_i(\beta_i^{*2}-(\beta_i-\beta_i^*)^2)`.
        """
        target = self._per_feature("target", target)
        rise = self.coefficient * (2 * target - self.coefficient)
        rise = self._per_feature("eigenvalue", eigenvalue) * rise
        return Layers(rise, rise)

    def _target(self, values: Any) -> Array:
        """The checked targets of a flow.

        Where a target is 0, the flow depends on the imbalance alone, so that squares of the weights
        must be accurate there.
        """
        target = self._per_feature("target", values)
        size = np.maximum(abs(self.hidden), abs(self.output))
        lost = (target == 0) & (size > 0) & (size < _LEAST_SIZE)
        if lost.any():
            allowed = f"must be 0 or >= {_LEAST_SIZE:g} where the target is 0: rescale the units"
            raise InvalidInput("size of weights", float(size[lost][0]), allowed)
        return target

    def _per_feature(self, key: str, values: Any) -> Array:
        """The checked values of an argument, one for each feature."""
        array = np.asarray(parameter(key, values, _FEATURE_DOMAINS[key]), dtype=np.float64)
        if array.shape not in ((), self.hidden.shape):
            raise InvalidInput(key, f"shape {array.shape}", f"must be ({self.features},)")
        return np.broadcast_to(array, self.hidden.shape)


class _Gradient(Gradient):
    """Loss and gradient of a diagonal network on the sample (x, y)."""

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
        # f is Σ u_i v_i x_i with the Jacobian (x_i v_i, x_i u_i): its norm is at most
        # ‖X‖ max sqrt(u_i² + v_i²).
        gauss_newton = float((hidden**2 + output**2).max()) * self._squared
        # The rest of the Hessian, residual times second derivatives of f, couples u_i with v_i
        # only, by (r · x_i): its norm is the largest of these numbers.
        return (gauss_newton + float(abs(residual @ self._x).max())) / len(self._y)
