"""The command that creates the demo hospital."""

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
    """Create the demo hospital (only with HMS_DEMO=1), or add today's appointments to it."""
    if not current_app.config["DEMO"]:
        click.echo("Demo data needs HMS_DEMO=1. Never set it in a real hospital.", err=True)
        sys.exit(1)
    with Console(stderr=True).status("Creating the demo hospital…") as status:
        is_new = build.build(lambda step: status.update(f"Creating the demo hospital: {step}…"))
        is_fresh = build.bring_to_today(lambda step: status.update(f"Creating the demo hospital: {step}…"))
    if is_new:
        click.echo("The demo hospital is ready.")
    else:
        click.echo("Today's appointments were added." if is_fresh else "The demo hospital is up to date.")


commands = (demo,)
