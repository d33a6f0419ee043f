r"""Continuous eigenvalue laws as groups, by quadrature in the quantile.

With ``u`` uniform on (0, 1) and :math:`\Lambda` its quantile, an expectation is an integral over
the logit :math:`x=\log(u/(1-u))`, where tails of any power decay exponentially.  Panels are halved
until Gauss-Legendre rules of two orders agree on a set of probes: the moments that a risk is made
of, at scales over the whole spectrum.  The nodes of the finer rule become groups.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erfc

from .arithmetic import Array
from .errors import InvalidInput, NoConvergence
from .parameters import DOMAINS, REAL, Domain, parameter, scalar

_HALF = np.array([0.0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 690])  # to u = 1e-300
_EDGES = np.concatenate([-_HALF[:0:-1], _HALF])
_RULE, _CHECK = (np.polynomial.legendre.leggauss(order) for order in (16, 12))
_SMALLEST, _LARGEST = DOMAINS["eigenvalue"].smallest, DOMAINS["eigenvalue"].largest
_NARROWEST = 1e-13
_STEP = 2.0  # of the logit, when its tails are looked at
_NO_DECAY = 1 - 1e-6
_MOST_PANELS = 4000

#: Of a probability u and of 1 - u, each to full relative accuracy: eigenvalue, mean, std.
Columns = Callable[[Array, Array], tuple[Array, Array, Array]]


class Nodes(NamedTuple):
    """Groups on panels: arrays of shape (panels, order)."""

    weight: Array
    eigenvalue: Array
    mean: Array
    std: Array


def groups_of_distribution(
    law: Any,
    mean: float | Callable[[Array], Any],
    std: float | Callable[[Array], Any],
    tolerance: float,
) -> Nodes:
    """Groups of a frozen continuous ``scipy.stats`` distribution of eigenvalues."""
    if not all(callable(getattr(law, name, None)) for name in ("pdf", "ppf", "isf", "support")):
        allowed = "must be a frozen continuous distribution of scipy.stats, such as gamma(2)"
        raise InvalidInput("eigenvalue", law, allowed)
    try:
        low, high = law.support()
    except TypeError as error:  # a law without its shape parameters
        raise InvalidInput("eigenvalue", law, f"must be frozen: {error}") from None
    if not (low >= 0 and high > 0):
        raise InvalidInput("eigenvalue.support", (float(low), float(high)), "must lie in [0, inf)")

    def columns(u: Array, rest: Array) -> tuple[Array, Array, Array]:
        eigenvalue = np.where(u < 0.5, law.ppf(np.minimum(u, 0.5)), law.isf(np.minimum(rest, 0.5)))
        eigenvalue = np.maximum(eigenvalue, _SMALLEST)  # a quantile that underflows is not zero
        within = np.minimum(eigenvalue, _LARGEST)
        return eigenvalue, _evaluate("mean", mean, within), _evaluate("std", std, within)

    return _refine(columns, tolerance)


def groups_of_power_law(capacity: float, source: float, tolerance: float) -> Nodes:
    """Groups of eigenvalues u^-capacity with coefficient variances u^-source."""
    capacity, source = (
        float(scalar(key, value, REAL))
        for key, value in (("capacity", capacity), ("source", source))
    )
    if not capacity < 1:
        raise InvalidInput("capacity", capacity, "must be < 1")
    if not capacity + source < 1:
        allowed = f"must be < 1 - capacity = {1 - capacity:g}, or E[Lambda B^2] is infinite"
        raise InvalidInput("source", source, allowed)
    return _refine(lambda u, _: (u**-capacity, 0 * u, u ** (-source / 2)), tolerance)


def _refine(columns: Columns, tolerance: float) -> Nodes:
    tolerance = float(scalar("tolerance", tolerance, _TOLERANCE))
    edges = np.stack([_EDGES[:-1], _EDGES[1:]], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        _check_tails(columns, tolerance)
        probes = _Probes(_nodes(edges, columns, _RULE), tolerance)
        done: list[Nodes] = []
        while edges.size:
            fine, coarse = (_nodes(edges, columns, rule) for rule in (_RULE, _CHECK))
            values = probes(fine)
            good = (abs(values - probes(coarse)) <= probes.allowed(values)).all(axis=0)
            done.append(Nodes(*(column[good & ~probes.negligible(values)] for column in fine)))
            left, right = edges[~good].T
            middle = (left + right) / 2
            edges = np.stack([[*left, *middle], [*middle, *right]], axis=1)
            if edges.shape[0] > _MOST_PANELS or (edges.size and (right - left).min() < _NARROWEST):
                raise NoConvergence(
                    "the quadrature of the eigenvalue law does not reach the relative tolerance "
                    f"{tolerance:g}; ask for a larger one, or give groups"
                )
    return Nodes(*(np.concatenate([part[k].ravel() for part in done]) for k in range(4)))


def _nodes(edges: Array, columns: Columns, rule: tuple[Array, Array]) -> Nodes:
    points, weights = rule
    left, right = edges[:, :1], edges[:, 1:]
    x = (left + right) / 2 + (right - left) / 2 * points
    u, rest = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    eigenvalue, mean, std = columns(u, rest)
    # What leaves the range of a population is kept out of the sums; the tail test accounts for it.
    within = eigenvalue <= _LARGEST
    within &= (abs(mean) <= REAL.largest) & (std <= DOMAINS["std"].largest)
    std = np.where(std < DOMAINS["std"].smallest, 0, std)
    weight = (right - left) / 2 * weights * u * rest
    return Nodes(
        np.where(within, weight, 0),
        np.where(within, eigenvalue, 1),
        np.where(within, mean, 0),
        np.where(within, std, 0),
    )


class _Probes:
    """Moments of the kinds that the theory takes, at scales over the spectrum."""

    def __init__(self, nodes: Nodes, tolerance: float) -> None:
        self.tolerance = tolerance
        order = np.argsort(nodes.eigenvalue, axis=None)
        ranked = nodes.eigenvalue.ravel()[order]
        mass = np.cumsum(nodes.weight.ravel()[order])
        quantiles = np.interp([1e-3, 0.1, 0.5, 0.9, 0.999], mass / mass[-1], ranked)
        self.scales = np.unique(quantiles)
        signal = nodes.weight * nodes.eigenvalue * (nodes.mean**2 + nodes.std**2)
        self.signal = signal.sum()
        self.total = np.zeros((1, 1))
        self.total = self(nodes).sum(axis=1, keepdims=True)

    def __call__(self, nodes: Nodes) -> Array:
        """Integrals of the probes over each panel, of shape (probes, panels)."""
        weight, eigenvalue, mean, std = nodes
        second = mean**2 + std**2
        values = [np.ones_like(eigenvalue), eigenvalue * second]
        for tau in self.scales:
            seen = eigenvalue / (eigenvalue + tau)
            values += [seen, seen**2, eigenvalue * second * (tau / (eigenvalue + tau)) ** 2]
        noise = self.signal / 4
        for cut in np.sqrt(self.signal) * np.array([0.3, 1, 3]):
            spread = np.sqrt(2 * (eigenvalue * std**2 + noise))
            center = np.sqrt(eigenvalue) * abs(mean)
            kept = (erfc((cut - center) / spread) + erfc((cut + center) / spread)) / 2
            values += [kept, eigenvalue * second * kept]
        return (weight * np.array(values)).sum(axis=-1)

    def allowed(self, values: Array) -> Array:
        return self.tolerance * np.maximum(abs(values), abs(self.total) / 100)

    def negligible(self, values: Array) -> Array:
        return np.all(abs(values) <= 1e-3 * self.tolerance * abs(self.total), axis=0)


def _check_tails(columns: Columns, tolerance: float) -> None:
    """That E[ΛB²] is finite, its tails extrapolated from where eigenvalues leave the range."""
    steps = np.arange(0.0, _HALF[-1], _STEP)
    ends = []
    for side in (-1, 1):
        edges = np.sort(side * np.stack([steps, steps + _STEP], axis=1), axis=1)
        nodes = _nodes(edges, columns, _CHECK)
        signal = nodes.weight * nodes.eigenvalue * (nodes.mean**2 + nodes.std**2)
        whole = (nodes.weight > 0).all(axis=1)
        ends.append(signal.sum(axis=1)[whole])
    total = sum(end.sum() for end in ends)
    for end in ends:
        before, last = (*(0.0, 0.0), *end)[-2:]
        if last > 0 and last > _NO_DECAY * before:
            raise InvalidInput("E[Lambda B^2]", math.inf, "must be finite")
        if last and not last * last / (before - last) <= tolerance * total:
            raise NoConvergence(
                f"the tail of E[Lambda B^2] is too slow for the tolerance {tolerance:g}: more than "
                f"that lies beyond what double precision reaches; raise the tolerance, or "
                f"give groups"
            )


def _evaluate(key: str, value: Any, eigenvalue: Array) -> Array:
    domain = DOMAINS[key]._replace(smallest=0, largest=math.inf)
    result = parameter(key, value(eigenvalue) if callable(value) else value, domain)
    if result.shape not in ((), eigenvalue.shape):
        allowed = f"must be a number, or a function that keeps the shape {eigenvalue.shape}"
        raise InvalidInput(f"{key}.shape", result.shape, allowed)
    return np.broadcast_to(result, eigenvalue.shape).astype(np.float64)


_TOLERANCE = Domain(lambda x: (x >= 1e-13) & (x <= 0.1), "must be a number in [1e-13, 0.1]")
