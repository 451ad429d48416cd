"""Commands about the lists that clinicians work with."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.people import SYSTEM

from . import codes


@click.command("load-codes")
@with_appcontext
def load_codes() -> None:
    """Load the diagnoses of ICD-10 and the hospital's abbreviations; repeat it to bring them up to date."""
    click.echo(f"{codes.load_codes(by=SYSTEM)} diagnoses added.")


commands = (load_codes,)
