"""The command that makes the demo hospital."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.console import Console

from . import build


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Make the demo hospital (only with HMS_DEMO=1); when it is there already, bring it up to today."""
    if not current_app.config["DEMO"]:
        click.echo("Demo data is made only with HMS_DEMO=1, never in a real hospital.", err=True)
        sys.exit(1)
    with Console(stderr=True).status("Making the demo hospital…") as status:
        is_new = build.build(lambda step: status.update(f"Making the demo hospital: {step}…"))
        is_fresh = build.bring_to_today(lambda step: status.update(f"Making the demo hospital: {step}…"))
    if is_new:
        click.echo("The demo hospital is ready.")
    else:
        click.echo("Today's bookings were added." if is_fresh else "The demo hospital is up to date.")


commands = (demo,)
