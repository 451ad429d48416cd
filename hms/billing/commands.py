"""Commands about the price list."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .prices import actions


@click.command("load-prices")
@with_appcontext
def load_prices() -> None:
    """Load the starter price list, without prices. Items that exist already do not change."""
    click.echo(f"{actions.load_starter_list(by=SYSTEM)} items added. Enter the price of each.")


commands = (load_prices,)
