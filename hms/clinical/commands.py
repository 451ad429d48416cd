"""Commands about the lists that clinicians work with."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .diagnoses import codes
from .note_templates import actions


@click.command("load-codes")
@with_appcontext
def load_codes() -> None:
    """Load the diagnoses of ICD-10 and the hospital's abbreviations; repeat it to bring them up to date."""
    click.echo(f"{codes.load_codes(by=SYSTEM)} diagnoses added.")


@click.command("load-note-templates")
@with_appcontext
def load_note_templates() -> None:
    """Add the hospital's starting templates for notes; repeat it to add what is missing."""
    click.echo(f"{actions.load_starting_list(by=SYSTEM)} templates added.")


commands = (load_codes, load_note_templates)
