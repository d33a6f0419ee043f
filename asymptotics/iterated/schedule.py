"""Schedules: what each round cuts, and how it fits what is left."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..domains import COUNTS, DOMAINS, Domain
from ..errors import MISSING, InvalidInput, unknown_key
from ..parameters import choice, flag, scalar, whole
from ..theory import MAGNITUDE, as_rule
from ..theory.retraining import TOWARDS
from ..theory.rules import Oracle, Random, WeightRule

#: The most rounds: the integrals of round k have k - 1 dimensions.
MOST_ROUNDS = 8
_ALPHA = Domain(lambda x: (x > 0) & (x <= 1), "must be a number in (0, 1]", 1e-12)


#: The rules that rank weights by one number of each.
Ranking = WeightRule | Oracle | Random


class Round(NamedTuple):
    """One round: a cut, and a fit of the weights that it keeps."""

    #: Fraction of all weights that is kept after the cut.
    alpha: float
    rule: Ranking
    #: The ridge of the fit, and where it draws the weights: to "zero" or to the "pruned" weights.
    ridge: float = 0.0
    towards: str = TOWARDS[0]
    #: Whether the weights kept are fitted again; only the last round may leave it out.
    refit: bool = True


def as_schedule(given: Any, name: str = "schedule") -> tuple[Round, ...]:
    """The rounds of a schedule, given as mappings or as `Round` objects; raises `InvalidInput`.

    The keys of a mapping are ``alpha``, ``rule`` (by default that of the round before, at first
    ``"magnitude"``), ``ridge`` (0), ``towards`` (``"zero"``) and ``refit`` (True).  An ``alpha`` of
    the form ``{"start": a, "stop": b, "num": k}`` stands for k rounds that keep the same fraction
    each: from `a` down to `b`, evenly on a logarithmic axis.
    """
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(given, Mapping) or not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidInput(name, given, "must be a list of rounds")
    rounds: list[Round] = []
    for index, entry in enumerate(given):
        rule = rounds[-1].rule if rounds else MAGNITUDE
        rounds += _rounds(entry, rule, f"{name}[{index}]")
    if not 1 <= len(rounds) <= MOST_ROUNDS:
        allowed = f"must have from 1 to {MOST_ROUNDS} rounds, not {len(rounds)}"
        raise InvalidInput(name, MISSING, allowed)
    before = 1.0
    for index, each in enumerate(rounds):
        if each.alpha > before:
            allowed = f"must not grow: round {index + 1} keeps more than the {before:g} before it"
            raise InvalidInput(f"{name}.alpha", each.alpha, allowed)
        if not each.refit and index + 1 < len(rounds):
            allowed = f"must be true in round {index + 1}: only the last cut can be without a fit"
            raise InvalidInput(f"{name}.refit", False, allowed)
        before = each.alpha
    return tuple(rounds)


def _rounds(entry: Any, rule: Ranking, name: str) -> Iterator[Round]:
    """The rounds of one entry of a schedule; `rule` is its default."""
    given = entry._asdict() if isinstance(entry, Round) else entry
    if not isinstance(given, Mapping) or "alpha" not in given:
        raise InvalidInput(name, given, "must be a table with a key alpha")
    for key, value in given.items():
        if key not in Round._fields:
            raise unknown_key(f"{name}.{key}", value, Round._fields)
    rule = _ranking(given["rule"], f"{name}.rule") if "rule" in given else rule
    ridge = float(scalar(f"{name}.ridge", given.get("ridge", 0.0), DOMAINS["ridge"]))
    towards = choice(f"{name}.towards", given.get("towards", TOWARDS[0]), TOWARDS)
    refit = flag(f"{name}.refit", given.get("refit", True))
    if ridge and not refit:
        raise InvalidInput(f"{name}.ridge", ridge, "must be left out without a fit")
    alphas = _alphas(given["alpha"], f"{name}.alpha")
    for place, alpha in enumerate(alphas, 1):
        yield Round(alpha, rule, ridge, towards, refit or place < len(alphas))


def _ranking(given: Any, name: str) -> Ranking:
    """A rule by its name, if it ranks weights by one number of each."""
    rule = as_rule(given, name)
    if not isinstance(rule, Ranking):
        raise InvalidInput(name, str(rule), "must rank weights by one number of each, in rounds")
    return rule


def _alphas(given: Any, name: str) -> list[float]:
    """The fractions kept: one, or those of a geometric range."""
    if not isinstance(given, Mapping):
        return [float(scalar(name, given, _ALPHA))]
    keys = ("start", "stop", "num")
    for key, value in given.items():
        if key not in keys:
            raise unknown_key(f"{name}.{key}", value, keys)
    for key in keys:
        if key not in given:
            raise InvalidInput(name, dict(given), "must be a number or {start, stop, num}")
    start, stop = (float(scalar(f"{name}.{key}", given[key], _ALPHA)) for key in keys[:2])
    number = whole(f"{name}.num", given["num"], COUNTS["num"].least, MOST_ROUNDS)
    # Rounded like those of a range in a spec, so that 0.25 does not become 0.25000000000000006.
    between = [float(f"{x:.15g}") for x in np.geomspace(start, stop, number)[1:-1]]
    return [start, *between, stop]
