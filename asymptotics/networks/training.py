r"""Training: gradient flow through an integrator, and plain gradient descent.

Both follow the gradient of the mean squared error :math:`L=\frac1n\sum_i(f(x_i)-y_i)^2`; the flow
is :math:`\dot\theta=-\frac12\nabla L`.

Gradient flow conserves :math:`\|w_j\|^2-v_j^2` of every neuron (Du, Hu, Lee, arXiv 1806.00900),
which gradient descent does only as its step vanishes.
"""

import math
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from ..arithmetic import Array
from ..domains import POSITIVE, Domain
from ..parameters import choice, scalar, whole
from .network import Evaluated, Kind, Layers, as_sample, flat

#: Steps of gradient descent between two looks at the bound on the sharpness.
_RENEWED = 20
#: A loss so many times that of the start is the end of a run.
_BLOWN = 1e8
_SMALL = Domain(lambda x: (x > 0) & (x < 1), "must be a number in (0, 1)")
_INTEGRATORS = ("RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF")


@dataclass(frozen=True, eq=False, repr=False)
class Training(Generic[Kind]):
    """What became of a network.

    Attributes
    ----------
    initial, network : Network
        At the start and at the end; of a run that diverges, some time before.
    loss : array
        The mean squared error at each of the times.
    time : array
        The time of the flow; a step of descent takes as long as a flow of its size.
    slowdown : float
        The norm of the gradient at the end, relative to the start.
    status : {"converged", "unfinished", "diverged"}
    reason : str
        Why it has not converged, if so.
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
        r"""By how much :math:`\|w_j\|^2-v_j^2` of each neuron changed, of shape (m,)."""
        return self.network.imbalance - self.initial.imbalance

    @property
    def moved(self) -> Layers[float]:
        r""":math:`\|\Delta W\|` and :math:`\|\Delta v\|`."""
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
        At most so many, up to 10 million: the loss of each is recorded.
    step : float
        Step size in units of 1/S, for a bound S on the sharpness, the largest eigenvalue of the
        Hessian of the loss.  For two layers, in spectral norms and with
        :math:`\Phi_{ij}=\varphi(w_j\cdot x_i)`, errors r and slopes :math:`\varphi'_j`, it is

        .. math:: S = \tfrac2n\left(\|\Phi\|^2+\|v\|^2\|X\|^2
                  +\max_j\|X^\top(\varphi'_j\circ r)\|\right).

        It is renewed every 20 steps, and before a step that would raise the loss.  Steps below 2
        are stable near a minimum.
    tolerance : float
        Relative norm of the gradient at which it has converged.

    Raises
    ------
    InvalidInput
        For samples that do not fit the network, and settings outside their domain.

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
    """What a run has been through so far."""

    def __init__(self, network: Kind, here: Evaluated, tolerance: float, targets: Array) -> None:
        self._network, self._tolerance, self._first = network, tolerance, here.norm
        self._highest = _BLOWN * (here.loss + float(targets @ targets) / len(targets))
        self._losses, self._times = [here.loss], [0.0]
        self.slowdown = float(here.norm > 0)
        self.status = "unfinished" if self.slowdown else "converged"
        self.reason = ""

    def __len__(self) -> int:
        """Steps so far."""
        return len(self._times) - 1

    def goes_on(self, time: float, here: Evaluated) -> bool:
        """Note where the run is; false if it has diverged."""
        if not here.loss <= self._highest:
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
    hidden, output = network.weights
    gradient = network.gradient(x, y)
    here = gradient(hidden, output)
    course = _Course(network, here, tolerance, y)
    time, age = 0.0, _RENEWED
    while len(course) < steps and course.status == "unfinished":
        age += 1
        if age > _RENEWED:
            size, age = step / gradient.sharpness_bound(hidden, output), 0
        moved = hidden - size * here.of_hidden, output - size * here.of_output
        there = gradient(*moved)
        if not there.loss <= here.loss and age > 0:
            age = _RENEWED  # the bound is of other weights: from these again, by a new one
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
    r"""Gradient flow :math:`\dot\theta=-\frac12\nabla L`, through one of SciPy's integrators.

    For ReLU the flow jumps where a neuron switches on a sample, and it may run along such a
    place; small `rtol` then take many steps.

    Parameters
    ----------
    inputs, targets : arrays, shapes (n, d) and (n,)
    time : float
        When it ends at the latest.
    rtol : float
        Relative error of a step of the integrator; the absolute one is a hundredth of it.
    tolerance : float
        Relative norm of the gradient at which it has converged.
    method : {"RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF"}
        See `scipy.integrate.solve_ivp`; the last three where the flow is stiff.
    evaluations : int
        Of the gradient, up to 100 million, after which no more steps are begun.

    Raises
    ------
    InvalidInput
        For samples that do not fit the network, and settings outside their domain.

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
