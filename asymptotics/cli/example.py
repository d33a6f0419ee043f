"""``asymptotics example``: print a spec to start from."""

import click

from ..spec import EXAMPLE, GROWTH_EXAMPLE, NETWORK_EXAMPLE, ROUNDS_EXAMPLE, example_text
from .console import say

_EXAMPLES = {
    "linear": EXAMPLE,
    "rounds": ROUNDS_EXAMPLE,
    "growth": GROWTH_EXAMPLE,
    "network": NETWORK_EXAMPLE,
}


@click.command()
@click.argument("name", type=click.Choice(list(_EXAMPLES)), default="linear")
def example(name: str) -> None:
    """Print a bundled example, to start a spec of your own from.

    \b
    asymptotics example > my.toml
    asymptotics example network > network.toml
    """
    say(example_text(_EXAMPLES[name]))
