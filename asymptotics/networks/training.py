r"""Training by full-batch gradient descent, or by gradient flow through an integrator.

The loss is the mean squared error :math:`L=\frac1n\sum_i(f(x_i)-y_i)^2`, and gradient flow is
:math:`\dot\theta=-\frac12\nabla L`.

Gradient flow conserves :math:`\|w_j\|^2-v_j^2` of every neuron (Du, Hu, Lee, arXiv 1806.00900).
Gradient descent conserves it only in the limit of small steps.
"""

import math
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from ..arithmetic import Array
from ..domains import POSITIVE, Domain
from ..parameters import choice, scalar, whole
from .network import Evaluated, Kind, Layers, as_sample, flat

#: Number of steps of gradient descent for which a bound on the sharpness is used.
_STEPS_PER_BOUND = 20
#: A run has diverged when its loss exceeds this multiple of the loss at the start plus the mean
#: square of the targets.
_LARGEST_GROWTH = 1e8
_SMALL = Domain(lambda x: (x > 0) & (x < 1), "must be a number in (0, 1)")
_INTEGRATORS = ("RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF")


@dataclass(frozen=True, eq=False, repr=False)
class Training(Generic[Kind]):
    """The course and the result of a training run.

    Attributes
    ----------
    initial, network : Network
        The network at the start and at the end; after divergence, at the last recorded step.
    loss : array
        The mean squared error at each of the times, the start included.
    time : array
        Times of the flow; a step of gradient descent counts as its step size.
    slowdown : float
        The norm of the gradient at the end, divided by that at the start.
    status : {"converged", "unfinished", "diverged"}
    reason : str
        Why the run has not converged; empty if it has.
    """

    initial: Kind
    network: Kind
    loss: Array
    time: Array
    slowdown: float
    status: str
    reason: str = ""

    @property
    def drift(self) -> Array:
        r"""The change of :math:`\|w_j\|^2-v_j^2` of each neuron, of shape (m,)."""
        return self.network.imbalance - self.initial.imbalance

    @property
    def moved(self) -> Layers[float]:
        r"""The norms :math:`\|\Delta W\|` and :math:`\|\Delta v\|` of the changes of the layers."""
        pairs = zip(self.network.weights, self.initial.weights, strict=True)
        return Layers(*(float(np.linalg.norm(end - start)) for end, start in pairs))

    def __repr__(self) -> str:
        drift = float(np.abs(self.drift).max())
        return (
            f"Training({self.status}: loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g} "
            f"at time {self.time[-1]:.4g}, drift of the conserved quantities {drift:.1e})"
        )


def gradient_descent(
    network: Kind,
    inputs: Any,
    targets: Any,
    steps: int = 6000,
    step: float = 0.5,
    tolerance: float = 1e-8,
) -> Training[Kind]:
    r"""Full-batch gradient descent.

    Parameters
    ----------
    inputs, targets : arrays, shapes (n, d) and (n,)
    steps : int
        Largest number of steps, up to 10 million; the loss after each is recorded.
    step : float
        Step size in units of 1/S, where S bounds the sharpness, the largest eigenvalue of the
        Hessian of the loss.  For `TwoLayer`, with spectral norms,
        :math:`\Phi_{ij}=\varphi(w_j\cdot x_i)`, errors r and slopes :math:`\varphi'_j`,

        .. math:: S = \tfrac2n\left(\|\Phi\|^2+\|v\|^2\|X\|^2
                  +\max_j\|X^\top(\varphi'_j\circ r)\|\right).

        S is computed again every 20 steps, and before a step that would raise the loss.  A `step`
        below 2 is stable near a minimum.
    tolerance : float
        The run has converged when the norm of the gradient, relative to the start, is at most this.

    Raises
    ------
    InvalidInput
        If the sample does not fit the network, or a setting is outside its domain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((50, 3))
    >>> from asymptotics.networks import TwoLayer
    >>> trained = gradient_descent(TwoLayer.random(8, 3, rng), x, abs(x[:, 0]), steps=500)
    >>> trained.status, bool(trained.loss[-1] < 0.1 * trained.loss[0])
    ('unfinished', True)
    """
    inputs, targets = as_sample(network, inputs, targets)
    step = float(scalar("step", step, POSITIVE))
    tolerance = float(scalar("tolerance", tolerance, _SMALL))
    with np.errstate(over="ignore", invalid="ignore"):
        return _descend(network, inputs, targets, whole("steps", steps), step, tolerance)


class _Course(Generic[Kind]):
    """The record of a training run, and its status so far."""

    def __init__(self, network: Kind, here: Evaluated, tolerance: float, targets: Array) -> None:
        self._network, self._tolerance, self._first = network, tolerance, here.norm
        # The mean square of the targets is added, because the start may happen to have no loss.
        self._highest = _LARGEST_GROWTH * (here.loss + float(targets @ targets) / len(targets))
        self._losses, self._times = [here.loss], [0.0]
        # 1 at the start, or 0 if the start is a stationary point.
        self.slowdown = float(here.norm > 0)
        self.status = "unfinished" if self.slowdown else "converged"
        self.reason = ""

    def __len__(self) -> int:
        """The number of steps so far."""
        return len(self._times) - 1

    def goes_on(self, time: float, here: Evaluated) -> bool:
        """Record the loss and the gradient at a time; return False if the run has diverged."""
        if not here.loss <= self._highest:  # also if it is not a number
            self.status, self.slowdown = "diverged", math.inf
            self.reason = "the loss rose without bound: take a smaller step"
            return False
        self._losses.append(here.loss)
        self._times.append(time)
        self.slowdown = here.norm / self._first
        if self.slowdown <= self._tolerance:
            self.status = "converged"
        return True

    def ended(self, hidden: Array, output: Array) -> Training[Kind]:
        """The result of the run, with its final weights."""
        return Training(
            self._network,
            self._network.with_weights(hidden, output),
            np.array(self._losses),
            np.array(self._times),
            self.slowdown,
            self.status,
            "time is up" if self.status == "unfinished" and not self.reason else self.reason,
        )


def _descend(
    network: Kind, x: Array, y: Array, steps: int, step: float, tolerance: float
) -> Training[Kind]:
    """Gradient descent on checked arguments; see `gradient_descent`."""
    hidden, output = network.weights
    gradient = network.gradient(x, y)
    here = gradient(hidden, output)
    course = _Course(network, here, tolerance, y)
    # `age` counts the steps since the bound on the sharpness was computed; 0 right after it.
    time, age = 0.0, _STEPS_PER_BOUND
    while len(course) < steps and course.status == "unfinished":
        age += 1
        if age > _STEPS_PER_BOUND:
            size, age = step / gradient.sharpness_bound(hidden, output), 0
        # θ <- θ - size ∇(L/2): the flow for a time `size`, by Euler's method.
        moved = hidden - size * here.of_hidden, output - size * here.of_output
        there = gradient(*moved)
        if not there.loss <= here.loss and age > 0:
            # The bound was computed at earlier weights, and may not hold here: compute it at these
            # weights, and repeat the step.
            age = _STEPS_PER_BOUND
            continue
        time += size
        if course.goes_on(time, there):
            (hidden, output), here = moved, there
    return course.ended(hidden, output)


def gradient_flow(
    network: Kind,
    inputs: Any,
    targets: Any,
    time: float,
    rtol: float = 1e-6,
    tolerance: float = 1e-6,
    method: str = "RK45",
    evaluations: int = 200_000,
) -> Training[Kind]:
    r"""Gradient flow :math:`\dot\theta=-\frac12\nabla L` by one of SciPy's integrators.

    For ReLU, :math:`\dot\theta` jumps where a neuron switches on or off on a sample.  The flow may
    also slide along such a surface; then the integrator takes many steps if `rtol` is small.

    Parameters
    ----------
    inputs, targets : arrays, shapes (n, d) and (n,)
    time : float
        Time at which the flow ends, unless it converges before.
    rtol : float
        Relative error of a step of the integrator; the absolute error is a hundredth of it.
    tolerance : float
        The run has converged when the norm of the gradient, relative to the start, is at most this.
    method : {"RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF"}
        Integrator; see `scipy.integrate.solve_ivp`.  The last three are for stiff flows.
    evaluations : int
        Number of evaluations of the gradient, up to 100 million, after which no step begins.

    Raises
    ------
    InvalidInput
        If the sample does not fit the network, or a setting is outside its domain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((50, 3))
    >>> from asymptotics.networks import TwoLayer
    >>> start = TwoLayer.random(8, 3, rng, activation="linear")
    >>> trained = gradient_flow(start, x, x @ [1, 2, 3], time=100)
    >>> trained.status, bool(abs(trained.drift).max() < 1e-4)
    ('converged', True)
    """
    import scipy.integrate

    inputs, targets = as_sample(network, inputs, targets)
    method = choice("method", method, _INTEGRATORS)
    time = float(scalar("time", time, POSITIVE))
    rtol, tolerance = (
        float(scalar(key, value, _SMALL))
        for key, value in (("rtol", rtol), ("tolerance", tolerance))
    )
    evaluations = whole("evaluations", evaluations)
    # The integrator has the weights of both layers in one vector.
    shape, split = network.hidden.shape, network.hidden.size
    gradient = network.gradient(inputs, targets)
    made = 0

    def unpack(state: Array) -> tuple[Array, Array]:
        return state[:split].reshape(shape), state[split:]

    def at(state: Array) -> Evaluated:
        nonlocal made
        made += 1
        return gradient(*unpack(state))

    def velocity(_: float, state: Array) -> Array:
        here = at(state)
        return -flat(Layers(here.of_hidden, here.of_output))

    start = flat(network.weights)
    course = _Course(network, at(start), tolerance, targets)
    with np.errstate(over="ignore", invalid="ignore"):
        solver: Any = getattr(scipy.integrate, method)(
            velocity, 0.0, start, time, rtol=rtol, atol=rtol / 100
        )
        state = start
        while course.status == "unfinished" and solver.status == "running":
            if made >= evaluations:
                course.reason = f"{evaluations} evaluations: give more, or a larger rtol"
                break
            solver.step()
            if solver.status == "failed":
                course.status, course.reason = "diverged", "the integrator's steps vanish"
            elif course.goes_on(solver.t, at(solver.y)):
                state = solver.y
    return course.ended(*unpack(state))
