"""Commands that load diagnoses and note templates."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .diagnoses import codes
from .note_templates import actions


@click.command("load-codes")
@with_appcontext
def load_codes() -> None:
    """Load ICD-10 and the hospital's abbreviations; run again to update them."""
    click.echo(f"{codes.load_codes(by=SYSTEM)} diagnoses added.")


@click.command("load-note-templates")
@with_appcontext
def load_note_templates() -> None:
    """Add the hospital's first note templates; run again to add missing ones."""
    click.echo(f"{actions.load_starting_list(by=SYSTEM)} templates added.")


commands = (load_codes, load_note_templates)
