"""Single steps among the symbols of a derivation."""

from asymptotics.derivation import Derivation, Verdict


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
