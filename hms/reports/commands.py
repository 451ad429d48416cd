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
    """Recalculate every total of money, stock and reports. Prints each figure that does not match; exit 1 if there is one."""
    count = 0
    for discrepancy in reconciliation.find_discrepancies(None if day is None else date(day.year, day.month, day.day)):
        count += 1
        click.echo(discrepancy)
    click.echo(f"{count} figures do not match." if count else "Every total of money, stock and reports matches.")
    sys.exit(1 if count else 0)


commands = (prove,)
