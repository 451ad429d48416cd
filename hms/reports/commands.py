"""The command that checks all totals of money and stock."""

from __future__ import annotations

import sys
from datetime import date

import click
from flask.cli import with_appcontext

from . import reconciliation


@click.command("prove")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only bills, tills and dispensing of this day.")
@with_appcontext
def prove(day: object) -> None:
    """Re-add every total of money and stock; name what does not fit, and exit 1 if anything does not."""
    count = 0
    for fault in reconciliation.find_discrepancies(None if day is None else date(day.year, day.month, day.day)):
        count += 1
        click.echo(fault)
    click.echo(f"{count} figures do not fit." if count else "Every total of money and stock fits.")
    sys.exit(1 if count else 0)


commands = (prove,)
