"""Command line of the formulary."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .medicines import actions


@click.command("load-formulary")
@with_appcontext
def load_formulary() -> None:
    """Load the starting list of medicines and usual doses, without prices; existing medicines stay as they are."""
    click.echo(f"{actions.load_catalogue(by=SYSTEM)} medicines added. Enter the price of each.")


commands = (load_formulary,)
