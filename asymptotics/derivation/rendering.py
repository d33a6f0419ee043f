"""A derivation as a document: Markdown with LaTeX, or an HTML page that needs no network."""

import operator
import re
from collections.abc import Iterator, Sequence
from html import escape

import sympy as sp

from ..extras import extra
from .checks import Verdict
from .derivation import Definition, Derivation, Outcome

#: Names of functions in LaTeX, where underscores are escaped.
_NAME = re.compile(r"\\texttt\{[^}]*\}")
_STYLE = """
body { max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem;
       font: 1.05rem/1.55 Georgia, serif; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .9rem .2rem 0; text-align: left; }
div.math { margin: .6rem 0; padding: .4rem 0; overflow: auto hidden; }
em { color: #555; } code { font-size: .9em; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #161616; } em { color: #aaa; } }
"""


def to_markdown(derivation: Derivation, outcomes: Sequence[Outcome] = ()) -> str:
    """The derivation in Markdown, with formulas in LaTeX, and verdicts if `outcomes` are passed."""
    found = {outcome.step.name: outcome.verdict for outcome in outcomes}
    lines = [f"# {derivation.title}", "", _paragraph(derivation.about), "", *_symbols(derivation)]
    number = 0
    for step in derivation.items:
        if isinstance(step, Definition):
            name = sp.latex(step.name)
            formula = f"{name} := {sp.latex(step.name.expression)}"
            lines += [
                "",
                f"Write ${name}$ for {step.meaning}:",
                "",
                "$$",
                formula,
                "$$",
            ]
            continue
        number += 1
        lines += ["", f"## {number}. {step.name}", "", _paragraph(step.because), ""]
        lines += ["$$", step.claim.latex(), "$$", ""]
        if step.given:
            where = ", ".join(f"${sp.latex(x)} = {sp.latex(y)}$" for x, y in step.given.items())
            lines += [f"where {where}", ""]
        reference = f" {step.reference}." if step.reference else ""
        verdict = found.get(step.name)
        checked = f"To be checked {step.check}"
        if verdict is not None:
            checked = f"Checked {step.check}: {_said(verdict)}"
        lines += [f"*{checked}.{reference}*"]
    tie = "" if not derivation.untied else f" Not tied to code: {derivation.untied}."
    return "\n".join([*lines, "", f"Source: {derivation.source}.{tie}", ""])


def _symbols(derivation: Derivation) -> Iterator[str]:
    """The lines of the table of symbols."""
    yield from ("| symbol | domain | meaning |", "|---|---|---|")
    for symbol, meaning in filter(operator.itemgetter(1), derivation.meanings.items()):
        domain = derivation.domains[symbol].latex()
        shown = meaning.replace("|", r"\|")
        yield f"| ${sp.latex(symbol)}$ | ${domain}$ | {shown} |"


def _said(verdict: Verdict) -> str:
    # In backticks, because a failure quotes numbers and expressions that Markdown would change.
    return verdict.found if verdict.holds else f"FAILED, `{verdict.found}`"


def _paragraph(text: str) -> str:
    """A text in one line: it may come from an indented string of several lines."""
    return " ".join(text.split())


def to_html(derivation: Derivation, outcomes: Sequence[Outcome] = ()) -> str:
    """The derivation as a page of HTML, with formulas in MathML, which browsers draw themselves."""
    with extra("derive"):
        from latex2mathml.converter import convert
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin

    def render(formula: str, options: dict[str, bool]) -> str:
        # The converter to MathML knows no escaped underscores.
        formula = _NAME.sub(lambda name: name[0].replace(r"\_", "_"), formula)
        # Text between < and > in a formula must not become an HTML tag.
        formula = formula.replace("<", r"\lt ").replace(">", r"\gt ")
        return str(convert(formula, display="block" if options["display_mode"] else "inline"))

    # An HTML tag in a name or a reason is shown as text.
    parser = (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .use(dollarmath_plugin, renderer=render)
    )
    body = parser.render(to_markdown(derivation, outcomes))
    title = escape(derivation.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<title>{title}</title>\n<meta name="generator" content="asymptotics">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n{body}</body>\n</html>\n"
    )
