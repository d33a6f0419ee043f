"""Derivations of one step, for tests of what a single check finds."""

from typing import Any

from asymptotics.derivation import Check, Claim, Derivation, Step, Verdict


def among(symbols: Derivation) -> Derivation:
    """A derivation without steps, with the symbols that another derivation declares."""
    derivation = Derivation("One step", "", source="", untied="a test")
    definitions = [item for item in symbols.items if not isinstance(item, Step)]
    derivation.__dict__.update(
        domains=symbols.domains, meanings=symbols.meanings, items=definitions
    )
    return derivation


def verdict_of(derivation: Derivation) -> Verdict:
    """The verdict on the only step of a derivation."""
    (outcome,) = derivation.outcomes()
    return outcome.verdict


def verdict_among(symbols: Derivation, claim: Claim, check: Check, given: Any = None) -> Verdict:
    """The verdict on a claim about the symbols of a derivation, made as its only step."""
    one = among(symbols)
    one.step("the step", claim, "It is tried.", check, given=given)
    return verdict_of(one)
