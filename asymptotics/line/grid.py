"""Grids of problems: parameters that broadcast, and their division into batches of rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import FLOAT64, Array
from ..domains import LINEAR, RETRAINING
from ..errors import InvalidInput
from ..parameters import broadcast_shape, choice, entry_name, flag, objects, parameter
from ..theory import Rule, as_rule
from ..theory.retraining import TOWARDS
from ..theory.rules import Exponent

RuleLike = Rule | str | Mapping[str, Exponent]
RulesLike = RuleLike | Sequence[RuleLike] | Array

#: About how many numbers (rows times groups) are computed at a time.
CHUNK = 1 << 14
#: The parameters of a grid that are numbers; the rule is not.
NUMBERS = tuple(LINEAR)
#: All parameters of a grid but those of a second fit.
PARAMETERS = (*NUMBERS, "rule")


class Refit(NamedTuple):
    """What a second fit, of the weights kept, penalises; see `asymptotics.theory.retraining`."""

    retrain_ridge: Array
    #: "zero" or "pruned".
    retrain_towards: Array


class Grid(NamedTuple):
    """Parameters that broadcast to one shape."""

    kappa: Array
    sigma: Array
    alpha: Array
    ridge: Array
    rule: Array
    #: None if the pruned weights are not trained again.
    refit: Refit | None = None

    @property
    def columns(self) -> dict[str, Array]:
        """All parameters, by the names of the columns of a result."""
        first = {key: getattr(self, key) for key in PARAMETERS}
        return first if self.refit is None else first | self.refit._asdict()

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(x.shape for x in self.columns.values()))

    def flat(self) -> "Grid":
        """The grid as columns of one length, in C order."""
        shape = self.shape
        return self._mapped(lambda x: np.broadcast_to(x, shape).ravel())

    def take(self, rows: Any) -> "Grid":
        """The rows of a flat grid at these indices."""
        return self._mapped(lambda x: x[rows])

    def rows_where(self, holds: Callable[[Rule], bool]) -> Array:
        """Which rows of a flat grid have a rule for which something holds."""
        return np.array([holds(rule) for rule in self.rule], dtype=bool)

    def in_floats(self) -> "Grid":
        """The grid in double precision."""
        refit = self.refit
        if refit is not None:
            refit = refit._replace(retrain_ridge=FLOAT64.array(refit.retrain_ridge))
        numbers = {key: FLOAT64.array(getattr(self, key)) for key in NUMBERS}
        return self._replace(**numbers, refit=refit)

    def _mapped(self, function: Callable[[Array], Array]) -> "Grid":
        """The grid with a function applied to each of its arrays."""
        refit = None if self.refit is None else Refit(*map(function, self.refit))
        arrays = {key: function(getattr(self, key)) for key in PARAMETERS}
        return Grid(**arrays, refit=refit)


def as_grid(
    kappa: Any,
    sigma: Any,
    alpha: Any,
    ridge: Any,
    rule: RulesLike,
    refit: Refit | None = None,
) -> Grid:
    """A grid of validated parameters; raises `InvalidInput`."""
    given = {"kappa": kappa, "sigma": sigma, "alpha": alpha, "ridge": ridge}
    numbers = {key: parameter(key, value) for key, value in given.items()}
    grid = Grid(**numbers, rule=_rules(rule), refit=refit)
    broadcast_shape(grid.columns)
    if refit is not None and (refit.retrain_towards == TOWARDS[1]).any():
        for each in grid.rule.ravel():
            if not each.keeps_weights:
                allowed = f"must keep weights as they are to be trained towards {TOWARDS[1]} ones"
                raise InvalidInput("rule", str(each), allowed)
    return grid


def as_refit(retrain_ridge: Any, retrain_towards: Any) -> Refit:
    """A validated `Refit`; raises `InvalidInput`."""
    towards = objects("retrain_towards", retrain_towards)
    for index, word in np.ndenumerate(towards):
        choice(entry_name("retrain_towards", index), word, TOWARDS)
    return Refit(parameter("retrain_ridge", retrain_ridge), towards)


def asked_refit(retrain: Any, retrain_ridge: Any, retrain_towards: Any) -> Refit | None:
    """The second fit that is asked for; raises `InvalidInput` for its settings without one.

    A setting that is not given is None.
    """
    given = {"retrain_ridge": retrain_ridge, "retrain_towards": retrain_towards}
    if flag("retrain", retrain):
        ridge = RETRAINING["retrain_ridge"].default if retrain_ridge is None else retrain_ridge
        return as_refit(ridge, TOWARDS[0] if retrain_towards is None else retrain_towards)
    for key, value in given.items():
        if value is not None:
            raise InvalidInput(key, value, "must be left out without retrain = True")
    return None


def batches(rules: Array, shape: tuple[int, ...], groups: int) -> Iterator[tuple[Rule, Array]]:
    """Each rule with indices of rows that have it, in the flat grid of `shape`, batch by batch.

    `rules` broadcasts to `shape`.  The size of a batch is limited as by `parts`,
    for as many numbers as the rule computes with.
    """
    for rule in dict.fromkeys(rules.ravel()):
        rows = np.flatnonzero(np.broadcast_to(rules == rule, shape))
        for part in parts(rows, groups * rule.work):
            yield rule, part


def parts(rows: Array, groups: int) -> Iterator[Array]:
    """The indices `rows` in parts, such that arrays of shape (rows, groups) have about `CHUNK`."""
    size = max(1, CHUNK // groups)
    for start in range(0, rows.size, size):
        yield rows[start : start + size]


def _rules(rule: Any) -> Array:
    """An array of rules, from one or from nested sequences of them."""
    if isinstance(rule, Rule | str | Mapping):
        rule = as_rule(rule)
    given = objects("rule", rule)
    rules = np.empty(given.shape, dtype=object)
    for index, entry in np.ndenumerate(given):
        rules[index] = as_rule(entry, entry_name("rule", index))
    return rules
