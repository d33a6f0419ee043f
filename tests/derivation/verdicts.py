"""Verdicts on planted errors, their right twins and hard claims, printed as JSON.

Run as a process of its own, which a test can stop and let go on, and whose budgets it can set.
"""

import json
import sys
from typing import Any

from asymptotics.derivation import AtPoints, Exactly, checks, derivation
from tests.derivation import hard_claims, test_network_errors, test_planted_errors, test_soundness
from tests.one_step import verdict_among

#: Every so many claims of each table; all of those that are false at ends alone.
_EVERY = 6
FEW = AtPoints(10)


def claims() -> dict[str, tuple[Any, ...]]:
    """Declarations, claim, check and what is given, of true claims and of false ones."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, planted in test_planted_errors.TWINS.items():
        for kind, claim in (("true", planted.right), ("false", planted.wrong)):
            found[f"{kind}: {name}"] = (
                test_planted_errors.d,
                claim,
                planted.checks[0],
                planted.given,
            )
    for name, twins in test_network_errors.TWINS.items():
        for kind, claim in (("true", twins.right), ("false", twins.wrong)):
            found[f"{kind}: network, {name}"] = (test_network_errors.d, claim, twins.check, None)
    for name, (claim, check) in test_soundness.FALSE.items():
        found[f"false: unsound, {name}"] = (test_soundness.d, claim, check, None)
    for kind, table in (("true", hard_claims.TRUE), ("false", hard_claims.FALSE)):
        for name, claim in table.items():
            for check in (Exactly(), FEW):
                found[f"{kind}: hard, {name}, {check}"] = (hard_claims.d, claim, check, None)
    return {
        name: (symbols, claim, FEW if isinstance(check, AtPoints) else check, given)
        for name, (symbols, claim, check, given) in found.items()
    }


def chosen() -> dict[str, tuple[Any, ...]]:
    """Some of each kind: cheap, and a clock would change what is found of them."""
    everything = claims()
    at_ends = {name for name in everything if "at" in name and "end" in name and "hard" in name}
    return {
        name: claim
        for number, (name, claim) in enumerate(everything.items())
        if number % _EVERY == 0 or name in at_ends
    }


def main(budget: str = "") -> None:
    """Print the verdicts; with a budget, which is a number of points, or seconds if not whole."""
    if "." in budget:
        derivation.PATIENCE = float(budget)
    elif budget:
        checks.POINTS_AFTER_PROOF = checks.POINTS_SEARCHED = int(budget)
    found = {}
    for name, (symbols, claim, check, given) in chosen().items():
        print(name, file=sys.stderr, flush=True)
        verdict = verdict_among(symbols, claim, check, given)
        found[name] = [verdict.holds, verdict.found]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
