"""Command line of the formulary."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .medicines import actions, catalogue
from .safety.coverage import write_coverage


@click.command("load-formulary")
@with_appcontext
def load_formulary() -> None:
    """Load the starting list of medicines and usual doses, without prices; existing medicines stay as they are."""
    click.echo(f"{actions.load_catalogue(by=SYSTEM)} medicines added. Enter the price of each.")


@click.command("interaction-coverage")
def interaction_coverage() -> None:
    """Print the table of `docs/interaction-coverage.md`: which groups of medicines the interactions cover."""
    click.echo(write_coverage(catalogue.load_knowledge()), nl=False)


commands = (load_formulary, interaction_coverage)
