"""The command that proves the books."""

from __future__ import annotations

import sys
from datetime import date

import click
from flask.cli import with_appcontext

from . import proving


@click.command("prove")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only bills and dispensing of this day.")
@with_appcontext
def prove(day: object) -> None:
    """Re-add every total of money and stock; name what does not fit, and exit 1 if anything does not."""
    found = list(proving.faults(None if day is None else date(day.year, day.month, day.day)))
    for fault in found:
        click.echo(fault)
    click.echo(f"{len(found)} figures do not fit." if found else "Every total of money and stock fits.")
    sys.exit(1 if found else 0)


commands = (prove,)
