"""``asymptotics example``: print a spec to start from."""

import click

from ..spec import EXAMPLE, NETWORK_EXAMPLE, example_text
from .console import say


@click.command()
@click.argument("name", type=click.Choice(["linear", "network"]), default="linear")
def example(name: str) -> None:
    """Print a bundled example, to start a spec of your own from.

    \b
    asymptotics example > my.toml
    asymptotics example network > network.toml
    """
    say(example_text(NETWORK_EXAMPLE if name == "network" else EXAMPLE))
