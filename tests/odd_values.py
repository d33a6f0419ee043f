"""Odd values of many kinds, and calls of public functions whose arguments they replace.

Tests replace one argument of a call at a time.  The function must then either work, or raise
`InvalidInput` or `NoConvergence` with a message of one line.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import scipy.sparse
import sympy as sp
from scipy import stats

from asymptotics import Population, hessian_bias, networks, risk, sensitivity, spec, theory, verify
from asymptotics.networks.network import Layers
from asymptotics.spec.network import read_network


class Hostile:
    """An object that raises when it is printed or made an array."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def _endless() -> list[Any]:
    """A list that contains itself."""
    values: list[Any] = []
    values.append(values)
    return values


#: Values by a name for messages of tests.  Each is wrong for most arguments, or for all.
ODD: Mapping[str, Any] = {
    "none": None,
    "true": True,
    "numpy bool": np.True_,
    "bools": np.array([True, False]),
    "text": "0.5",
    "long text": "x" * 5_000,
    "control text": "a\x1b[31m\nb\u202e\ud800",
    "bytes": b"0.5",
    "complex": 0.5j,
    "numpy complex": np.complex128(1),
    "nan": float("nan"),
    "infinite": float("inf"),
    "minus infinite": -np.inf,
    "negative": -1,
    "minus zero": -0.0,
    "huge": 10**30,
    "vast": 10**400,
    "unwritable": 10**5_000,
    "minus vast": -(10**400),
    "huge float": 1e300,
    "denormal": 5e-324,
    "huge decimal": Decimal("1e999999"),
    "tiny decimal": Decimal("1e-999999"),
    "long zero": Decimal("0e999999"),
    "signalling": Decimal("sNaN"),
    "tiny fraction": Fraction(1, 10**400),
    "mpf": mpmath.mpf("0.3"),
    "mpf huge": mpmath.mpf(2) ** (10**9),
    "mpf infinite": mpmath.inf,
    "mpmath pi": mpmath.pi,
    "mpmath interval": mpmath.iv.mpf("0.3"),
    "mpc": mpmath.mpc(1, 1),
    "sympy float": sp.Float("0.3", 30),
    "sympy rational": sp.Rational(1, 3),
    "sympy pi": sp.pi,
    "sympy symbol": sp.Symbol("x"),
    "sympy infinite": sp.oo,
    "sympy nan": sp.nan,
    "long double": np.longdouble("0.3"),
    "long double huge": np.longdouble("1e4000"),
    "half": np.float16(0.3),
    "date": dt.datetime(2020, 1, 1),
    "numpy date": np.datetime64("2020-01-01"),
    "time": np.timedelta64(3, "s"),
    "empty": [],
    "ragged": [[1], [1, 2]],
    "deep": np.ones((1,) * 40),
    "five": [0.1, 0.2, 0.3, 0.4, 0.5],
    "zero-d": np.array(0.5),
    "mixed": [0.5, Fraction(1, 3), None],
    "masked": np.ma.masked_array([0.5, 0.5], [False, True]),
    "masked inside": [np.ma.masked, 0.5],
    "sparse": scipy.sparse.eye_array(3),
    "structured": np.zeros(2, dtype=[("a", float)]),
    "series": pd.Series([0.5, None]),
    "frame": pd.DataFrame({"a": [0.5], "b": ["x"]}),
    "set": {0.5},
    "table": {"a": 1},
    "generator": (x for x in [0.5]),
    "endless": _endless(),
    "class": float,
    "object": object(),
    "hostile": Hostile(),
}

TEXTS = ("text", "long text", "control text")
P = Population(weight=[1, 1], eigenvalue=[2, 1], std=1)
NET = networks.TwoLayer([[1.0, 0.5], [0.2, -2.0]], [3.0, 1.0])
DIAGONAL = networks.DiagonalNetwork([1.0, 2.0], [0.5, 0.1])
X, Y = np.eye(2), np.ones(2)
SCORES = networks.magnitude(NET).weights
KEPT = networks.globally(SCORES, 0.5, 0)
SMALL = networks.Teacher(features=3, test_samples=20)
NUMBERS = {"kappa": 0.5, "sigma": 1.0, "alpha": 0.5, "ridge": 0.1}
GRID = {**NUMBERS, "rule": "magnitude"}

Call = tuple[Callable[..., Any], Mapping[str, Any]]
#: A function with valid arguments, of which a test replaces one after the other.
CALLS: Mapping[str, Call] = {
    "risk": (risk, {"population": P, **GRID}),
    "risk digits": (risk, {"population": P, **GRID, "digits": 15}),
    "risk certify": (risk, {"population": P, **GRID, "digits": 10, "certify": True}),
    "sensitivity": (sensitivity, {"population": P, **GRID}),
    "hessian_bias": (hessian_bias, {"population": P, **NUMBERS}),
    # `verify` checks its grid by the same function as `risk`, which is tried above.
    "verify": (
        lambda population, **run: verify(population, 0.5, 1, 0.5, 0.1, **run),
        {
            "population": P,
            "p": 20,
            "trials": 8,
            "seed": 1,
            "workers": 1,
            "target_se": None,
            "time_limit": None,
            "level": 0.01,
            "resolution": 0.05,
            "sampler": "dense",
            "design": "gaussian",
            "noise": "gaussian",
            "predict": risk,
            "executor": None,
            "scheduler": None,
            "store": None,
            "progress": None,
        },
    ),
    "fixed_point": (
        theory.fixed_point,
        {"population": P, "kappa": 0.5, "sigma": 1.0, "ridge": 0.1},
    ),
    "null_risk": (theory.null_risk, {"population": P, "sigma": 1.0}),
    "as_rule": (theory.as_rule, {"rule": "magnitude"}),
    "exponent": (lambda q: theory.as_rule({"exponent": q}), {"q": 0.5}),
    "exponent_rule": (theory.exponent_rule, {"exponent": 0.5}),
    "Population": (
        Population,
        {"weight": [1, 1], "eigenvalue": [1, 2], "mean": 0.0, "std": 1.0},
    ),
    "isotropic": (Population.isotropic, {"mean": 0.0, "std": 1.0, "eigenvalue": 1.0}),
    "spike_and_slab": (
        Population.spike_and_slab,
        {"fraction": 0.5, "mean": 0.0, "std": 1.0, "eigenvalue": 1.0},
    ),
    "from_groups": (Population.from_groups, {"groups": [(1, 1, 0, 1)]}),
    "from_samples": (
        Population.from_samples,
        {"eigenvalue": [1, 2], "coefficient": [1, 2], "weight": 1.0},
    ),
    "from_beta": (Population.from_beta, {"eigenvalue": [1, 2], "beta": [1, 2]}),
    "from_csv": (Population.from_csv, {"path": "missing.csv"}),
    "power_law": (
        Population.power_law,
        {"capacity": 0.3, "source": 0.2, "tolerance": 1e-4},
    ),
    "from_distribution": (
        Population.from_distribution,
        {"eigenvalue": stats.uniform(0, 2), "tolerance": 1e-4},
    ),
    "rescaled": (P.rescaled, {"factor": 2.0}),
    "mixture": (Population.mixture, {"populations": [P, P], "weight": 1.0}),
    "restricted": (P.restricted, {"share": 0.5}),
    "TwoLayer": (
        networks.TwoLayer,
        {"hidden": [[1.0, 2.0]], "output": [1.0], "activation": "relu"},
    ),
    "TwoLayer.random": (
        networks.TwoLayer.random,
        {"width": 2, "features": 3, "rng": 0, "antisymmetric": False, "activation": "relu"},
    ),
    "TwoLayer()": (NET, {"inputs": X}),
    "network.rescaled": (NET.rescaled, {"eta": 2.0}),
    "DiagonalNetwork": (networks.DiagonalNetwork, {"hidden": [1.0], "output": [1.0]}),
    "DiagonalNetwork()": (DIAGONAL, {"inputs": X}),
    "flow": (DIAGONAL.flow, {"eigenvalue": 1.0, "target": 0.5, "time": 1.0}),
    "trained": (DIAGONAL.trained, {"target": 0.5}),
    "diagonal saliency": (DIAGONAL.saliency, {"eigenvalue": 1.0}),
    "diagonal natural": (DIAGONAL.natural, {"eigenvalue": 1.0, "target": 0.5}),
    "magnitude": (networks.magnitude, {"network": NET}),
    "hessian": (networks.hessian, {"network": NET, "inputs": X}),
    "natural": (networks.natural, {"network": NET, "inputs": X, "targets": Y}),
    "obs": (networks.obs, {"network": NET, "inputs": X, "damping": 1e-3}),
    "restored": (
        networks.restored,
        {"network": NET, "initial": NET, "inputs": X, "targets": Y},
    ),
    "mean_squared_error": (
        networks.mean_squared_error,
        {"network": NET, "inputs": X, "targets": Y},
    ),
    "globally": (networks.globally, {"scores": SCORES, "alpha": 0.5, "rng": 0}),
    "globally hidden": (
        lambda hidden, output: networks.globally(Layers(hidden, output), 0.5, 0),
        {"hidden": [[1.0, 2.0]], "output": [1.0]},
    ),
    "by_layer": (networks.by_layer, {"scores": SCORES, "alpha": 0.5, "rng": 0}),
    "prune": (networks.prune, {"network": NET, "kept": KEPT}),
    "prune hidden": (
        lambda hidden, output: networks.prune(NET, Layers(hidden, output)),
        {"hidden": KEPT.hidden, "output": KEPT.output},
    ),
    "kept_at_start": (
        networks.kept_at_start,
        {"eta": 1.0, "alpha": 0.5, "features": 20, "width": 64},
    ),
    "deleting_scale": (
        networks.deleting_scale,
        {"alpha": 0.5, "features": 20, "width": 64},
    ),
    "tangent_kernel": (networks.tangent_kernel, {"network": NET, "inputs": X}),
    "modes": (networks.modes, {"network": NET, "inputs": X, "targets": Y}),
    "lazy_prediction": (
        networks.lazy_prediction,
        {"found": networks.modes(NET, X, Y), "eta": 2.0},
    ),
    "lazy_limit": (networks.lazy_limit, {"network": NET, "inputs": X, "targets": Y}),
    "gradient_descent": (
        networks.gradient_descent,
        {"network": NET, "inputs": X, "targets": Y, "steps": 3, "step": 0.5, "tolerance": 1e-3},
    ),
    "gradient_flow": (
        networks.gradient_flow,
        {
            "network": NET,
            "inputs": X,
            "targets": Y,
            "time": 0.1,
            "rtol": 1e-3,
            "tolerance": 1e-3,
            "method": "RK45",
            "evaluations": 50,
        },
    ),
    "read_spec": (spec.read_spec, {"path": "missing.toml"}),
    "read_network": (read_network, {"path": "missing.toml"}),
    "Teacher": (
        networks.Teacher,
        {"features": 3, "neurons": 2, "sigma": 0.1, "test_samples": 20},
    ),
    "draw": (SMALL.draw, {"samples": 5, "rng": 0}),
    "sweep": (
        networks.sweep,
        {
            "eta": 1.0,
            "alpha": 0.5,
            "rule": "magnitude",
            "width": 2,
            "samples": 5,
            "task": SMALL,
            "scope": "global",
            "activation": "relu",
            "antisymmetric": True,
            "steps": 3,
            "step": 0.5,
            "trials": 2,
            "seed": 0,
            "workers": 1,
            "executor": None,
            "scheduler": None,
            "store": None,
            "progress": None,
        },
    ),
}
#: Combinations (call, argument, odd value) that are left out: the value is valid there and would
#: only take long, or the function would call it.
RIGHT = {
    *((name, key, "none") for name, key in (("verify", "p"), ("verify", "trials"))),
    *((name, "workers", "none") for name in ("verify", "sweep")),
    *((name, key, "class") for name in ("verify", "sweep") for key in ("predict", "progress")),
    *((name, key, "mpmath pi") for name in ("verify", "sweep") for key in ("predict", "progress")),
    *((name, "store", "text") for name in ("verify", "sweep")),
    # Any text may be an address, and it takes seconds to find that nobody answers there.
    *((name, "scheduler", kind) for name in ("verify", "sweep") for kind in TEXTS),
}
