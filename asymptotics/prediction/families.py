"""Problems in which some parameters are free, each on an interval: what is searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..arithmetic import Array
from ..choices.boxes import Axis
from ..errors import MISSING, InvalidInput, unknown_name
from ..line.exponents import exponent_slopes
from ..line.grid import RuleLike, asked_refit
from ..line.interpolation import interpolating_alpha, trained_share
from ..parameters import Exact, choice, entry_name, parameter
from ..population import Population
from ..theory import Rule, as_rule
from ..theory.rules import EXPONENT, MIN_EXPONENT, Random, exponent_rule
from .sensitivity import sensitivity

#: The parameters that can be free, in the order in which a family has them.
FREE = ("kappa", "sigma", "alpha", "ridge", "exponent", "retrain_ridge")
#: What stays fixed while kappa varies.
FIXED = ("p", "n", "kept")
#: An interval that begins at 0 is searched evenly below this fraction of its end.
_NEAR_ZERO = 1e-4
_PAIR = "must be two numbers, the lower and the upper end of its interval"
Interval = tuple[Exact, Exact]


@dataclass(frozen=True)
class Family:
    """Problems that differ in the free parameters alone; all numbers keep their exact values."""

    population: Population
    #: The parameters that are fixed.
    numbers: Mapping[str, Exact]
    #: The free parameters with their intervals, in the order of `FREE`.
    intervals: Mapping[str, Interval]
    #: None if its exponent is free.
    rule: Rule | None
    #: Where the ridge of a second fit draws the weights; None without a second fit.
    towards: str | None
    #: Whether the number of kept weights per sample is fixed: alpha is in proportion to 1/kappa.
    #: The alpha of `numbers` is that at the lower end of the interval of kappa.
    keeps_number: bool

    def columns(self, points: Array) -> dict[str, Array]:
        """All numbers at points with one column for each free parameter, the exponent included."""
        found = {key: np.full(len(points), float(value)) for key, value in self.numbers.items()}
        found |= {key: points[:, place] for place, key in enumerate(self.intervals)}
        if self.keeps_number:
            found["alpha"] = found["alpha"] * (float(self.intervals["kappa"][0]) / found["kappa"])
        return found

    def at(self, points: Array) -> dict[str, Any]:
        """The arguments of `risk` at points with one column for each free parameter."""
        found: dict[str, Any] = self.columns(points)
        rules = np.empty(len(points), dtype=object)
        rules[:] = self.rule
        for place, q in enumerate(found.pop("exponent", ())):
            rules[place] = exponent_rule(0.0 if abs(q) < MIN_EXPONENT else float(q))
        refit = {}
        if self.towards is not None:
            refit["retrain_towards"] = np.full(len(points), self.towards, dtype=object)
        return found | {"rule": rules} | refit

    def exactly(self, x: Any) -> dict[str, Any]:
        """The arguments of `risk` at one value of the only free parameter, with exact numbers.

        The value is exact, or of an arithmetic.
        """
        (free,) = self.intervals
        found: dict[str, Any] = {**self.numbers, free: x}
        if self.keeps_number:
            kept = Fraction(self.numbers["alpha"]) * Fraction(self.intervals["kappa"][0])
            found["alpha"] = kept / (Fraction(x) if isinstance(x, Exact) else x)
        rule = self.rule if self.rule is not None else exponent_rule(found.pop("exponent"))
        refit = {} if self.towards is None else {"retrain_towards": self.towards}
        return found | {"rule": rule} | refit

    def slopes(self, points: Array) -> tuple[Array, Array]:
        """The risk at each point and its slopes in the free parameters; NaN where not known.

        With a second fit it is the risk after it.
        """
        columns = self.columns(points)
        moving = [*self.intervals, *(["alpha"] if self.keeps_number else [])]
        if self.rule is None:
            value, found = exponent_slopes(self.population, columns, self.towards, moving)
            slopes = dict(zip(moving, found.T, strict=True))
        else:
            known = sensitivity(
                self.population, **self.at(points), retrain=self.towards is not None
            )
            prefix = "" if self.towards is None else "retrained_"
            value = known.column(f"{prefix}risk")
            slopes = {key: known.column(f"{prefix}d_{key}") for key in moving}
        if self.keeps_number:
            slopes["kappa"] = (
                slopes["kappa"] - slopes["alpha"] * columns["alpha"] / columns["kappa"]
            )
        return value, np.stack([slopes[key] for key in self.intervals], axis=-1)

    @property
    def boxes(self) -> list[list[Axis]]:
        """The intervals as boxes to search, divided where the first fit interpolates.

        A ridge keeps the risk finite there; then there is one box.
        """
        lower, upper = self.bounds
        box = [
            Axis(low, high, _offset(key, low, high))
            for key, low, high in zip(self.intervals, lower, upper, strict=True)
        ]
        threshold = self.population.interpolation_threshold
        ridged = self.numbers.get("ridge") != 0
        if ridged or "kappa" not in self.intervals or not lower[0] < threshold < upper[0]:
            return [box]
        sides = (box[0]._replace(upper=threshold), box[0]._replace(lower=threshold))
        return [[side, *box[1:]] for side in sides]

    def along(self, x: Array) -> tuple[Array, Array]:
        """The same along the only free parameter, at values of it."""
        value, slopes = self.slopes(np.asarray(x)[:, None])
        return value, slopes[:, 0]

    @property
    def bounds(self) -> tuple[list[float], list[float]]:
        """The lower and the upper ends of the intervals, as floats."""
        lower, upper = zip(*self.intervals.values(), strict=True)
        return [float(end) for end in lower], [float(end) for end in upper]

    @property
    def thresholds(self) -> tuple[list[float], list[float]]:
        """Values of the only free parameter at which the first and the second fit interpolate."""
        (free,) = self.intervals
        numbers = {key: float(value) for key, value in self.numbers.items()}
        alive = float(self.population.mass_above(0).value)
        first: list[float] = []
        second: list[float] = []
        if alive == 0:
            return first, second
        if free == "kappa":
            first.append(1 / alive)
        random = isinstance(self.rule, Random)
        if self.towards is not None and free == "alpha":
            second.append(interpolating_alpha(self.population, random, numbers["kappa"]).item())
        if self.towards is not None and free == "kappa" and not self.keeps_number:
            trained = trained_share(self.population, random, numbers["alpha"]).item()
            second += [1 / trained] if trained > 0 else []
        return first, second

    @property
    def breaks(self) -> list[float]:
        """Values of the only free parameter at which the risk may be infinite or have a kink.

        These are the thresholds of both fits, if they have no ridge.
        """
        first, second = self.thresholds
        ridges = self.numbers.get("ridge"), self.numbers.get("retrain_ridge")
        return (first if ridges[0] == 0 else []) + (second if ridges[1] == 0 else [])

    @property
    def focus(self) -> list[float]:
        """Values of the only free parameter next to which the risk may vary on every scale."""
        (free,) = self.intervals
        return [0.0, 1.0] if free == "alpha" else [0.0] if free != "exponent" else []


def _offset(key: str, low: float, high: float) -> float | None:
    """How far from 0 a parameter is no longer searched in the logarithm; None if not at all."""
    if key == "exponent":
        return None
    return _NEAR_ZERO * (1.0 if key == "alpha" else high) if low == 0 or key == "alpha" else 0.0


def as_family(
    population: Population,
    parameters: Mapping[str, Any],
    over: Any,
    rule: RuleLike | None,
    fixed: Any,
    *,
    known: Sequence[str],
    retrain: bool,
    retrain_towards: Any,
) -> Family:
    """A validated `Family`; raises `InvalidInput`.

    `parameters` holds what is given for each parameter: a pair for those named in `over`, which
    are among the `known` ones, and a number for the others.
    """
    free = _free(over, known)
    given = dict(parameters)
    if "exponent" in free and rule is not None:
        raise InvalidInput("rule", str(rule), "must be left out: its exponent is free")
    if "exponent" not in free and given.pop("exponent", None) is not None:
        raise InvalidInput("exponent", parameters["exponent"], "must be named in over, or left out")
    if "retrain_ridge" in free and not retrain:
        raise InvalidInput("over", "retrain_ridge", "needs retrain = true")
    refit = asked_refit(
        retrain, None if "retrain_ridge" in free else given["retrain_ridge"], retrain_towards
    )
    if refit is None:
        del given["retrain_ridge"]
    elif given["retrain_ridge"] is None and "retrain_ridge" not in free:
        given["retrain_ridge"] = 0.0
    if refit is not None and refit.retrain_towards.ndim:
        raise InvalidInput("retrain_towards", retrain_towards, "must be one word")
    intervals = {key: _interval(key, given.pop(key)) for key in free}
    if "alpha" in free and len(free) > 1 and intervals["alpha"][0] == 0:
        allowed = "must begin above 0 with several parameters: at 0 the others change nothing"
        raise InvalidInput("alpha", parameters["alpha"], allowed)
    numbers = {key: _single(key, value) for key, value in given.items()}
    if choice("fixed", fixed, FIXED) == "kept" and ("kappa" not in free or "alpha" in free):
        raise InvalidInput("fixed", fixed, "needs kappa in over, and an alpha that is not")
    return Family(
        population,
        numbers,
        intervals,
        None if "exponent" in free else as_rule("magnitude" if rule is None else rule),
        None if refit is None else str(refit.retrain_towards),
        fixed == "kept",
    )


def _free(over: Any, known: Sequence[str]) -> Sequence[str]:
    """The names in `over`, in the order of `FREE`."""
    names = [over] if isinstance(over, str) else over
    if not isinstance(names, Sequence) or not names:
        raise InvalidInput("over", over, f"must be one or more of {', '.join(known)}")
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in known:
            raise unknown_name(entry_name("over", (index,)), name, known)
    if len(set(names)) < len(names):
        raise InvalidInput("over", over, "must name each parameter once")
    return [key for key in FREE if key in names]


def _interval(key: str, given: Any) -> Interval:
    """The interval of a free parameter."""
    if given is None:
        raise InvalidInput(key, MISSING, _PAIR)
    ends = parameter(key, given, EXPONENT if key == "exponent" else None)
    if ends.shape != (2,):
        raise InvalidInput(key, given, _PAIR)
    low, high = ends.tolist()
    if not low < high:
        raise InvalidInput(key, given, f"{_PAIR}, in this order")
    return low, high


def _single(key: str, given: Any) -> Exact:
    """The value of a parameter that is not free."""
    if given is None:
        raise InvalidInput(key, MISSING, "must be given")
    number = parameter(key, given)
    if number.ndim:
        raise InvalidInput(key, given, "must be a single number, or be named in over")
    return number.item()
