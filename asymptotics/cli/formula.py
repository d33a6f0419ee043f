"""``asymptotics formula``: list and print formulas."""

import click

from ..formulas import titles
from .console import say, say_titles
from .options import completing


@click.group()
def formula() -> None:
    """Print the formulas that the code computes, as symbols.

    \b
    asymptotics formula list
    asymptotics formula show limit-kappa-1-above
    asymptotics formula show pruned-risk-magnitude --format python > pruned_risk.py
    """


@formula.command("list")
def formula_list() -> None:
    """List the formulas, with the cases for which they hold."""
    say_titles(titles())


@formula.command("show")
@click.argument("name", shell_complete=completing(titles))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "latex", "markdown", "python"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def formula_show(name: str, form: str) -> None:
    """Print a formula by its name.

    \b
    asymptotics formula show effective-ridge-two-eigenvalues
    asymptotics formula show noise-level --format latex
    """
    from ..formulas import formula

    say(getattr(formula(name), form)().rstrip() + "\n")
