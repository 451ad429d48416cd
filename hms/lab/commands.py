"""Command that loads the laboratory's prices."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from . import actions


@click.command("load-lab-prices")
@with_appcontext
def load_lab_prices() -> None:
    """Add the laboratory's tests to the price list, without prices; run again to add missing ones."""
    click.echo(f"{actions.load_prices(by=SYSTEM)} tests added to the price list. Enter the price of each.")


commands = (load_lab_prices,)
