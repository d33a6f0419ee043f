"""Single steps among the symbols of a derivation."""

from typing import Any

from asymptotics.derivation import Check, Claim, Derivation, Verdict


def among(symbols: Derivation) -> Derivation:
    """A derivation without steps, with the names that another one declares."""
    derivation = Derivation("One step", "", source="", untied="a test")
    derivation.__dict__.update(
        domains=symbols.domains, meanings=symbols.meanings, items=list(symbols.items)
    )
    return derivation


def verdict_of(derivation: Derivation) -> Verdict:
    """What is found of its only step."""
    (outcome,) = derivation.outcomes()
    return outcome.verdict


def verdict_among(symbols: Derivation, claim: Claim, check: Check, given: Any = None) -> Verdict:
    """What is found of a claim about the symbols of a derivation."""
    one = among(symbols)
    one.step("the step", claim, "It is tried.", check, given=given)
    return verdict_of(one)
