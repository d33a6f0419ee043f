"""Every derivation of the package holds, and reads as a document."""

import re

import pytest

from asymptotics.derivation import Computed
from asymptotics.derivation.library import load, names
from asymptotics.derivation.rendering import to_html, to_markdown


@pytest.mark.parametrize("name", names())
def test_every_step_holds(name: str) -> None:
    for outcome in load(name).outcomes():
        assert outcome.verdict.holds, f"{outcome.step.place}: {outcome.verdict.found}"


@pytest.mark.parametrize("name", names())
def test_it_is_tied_to_code_or_says_why_not(name: str) -> None:
    derivation = load(name)
    tied = [step for step in derivation.steps if isinstance(step.claim, Computed)]
    assert bool(tied) != bool(derivation.untied)
    for step in tied:
        assert isinstance(step.claim, Computed)
        assert step.claim.name.startswith("asymptotics.")


@pytest.mark.parametrize("name", names())
def test_it_is_rendered(name: str) -> None:
    derivation = load(name)
    text = to_markdown(derivation)
    assert text.startswith(f"# {derivation.title}\n")
    assert len(re.findall(r"^## \d+\. ", text, flags=re.MULTILINE)) == len(derivation.steps)
    page = to_html(derivation)
    # Formulas are drawn by the browser, and nothing is fetched.
    assert page.count("<math") >= len(derivation.steps)
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["']""", page)
    assert "$" not in re.sub(r"<[^>]*>", "", page)
    assert r"\_" not in page
