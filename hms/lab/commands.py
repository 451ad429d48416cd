"""Commands about the laboratory's lists."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from . import actions


@click.command("load-lab-prices")
@with_appcontext
def load_lab_prices() -> None:
    """Put the laboratory's tests on the price list; repeat it to add what is missing."""
    click.echo(f"{actions.load_prices(by=SYSTEM)} tests added to the price list.")


commands = (load_lab_prices,)
