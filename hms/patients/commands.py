"""Command line of the patients' desk."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from hms.core.person import SYSTEM

from .addresses import actions
from .addresses.rules import read_areas


@click.command("load-areas")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only say what is wrong with the file.")
@with_appcontext
def load_areas(file: Path, check: bool) -> None:
    """Load the country's hierarchy of addresses from a CSV FILE: a heading with the names of the levels, and a line for each
    area with those above it."""
    read = read_areas(file.read_bytes())
    for error in read.errors:
        click.echo(f"{file.name}:{error.row}: {error.message}", err=True)
    if read.errors:
        raise SystemExit(1)
    if check:
        click.echo(f"{read.rows} lines, {len(read.paths)} areas, no faults.")
        return
    loaded = actions.load_areas(read, by=SYSTEM)
    click.echo(f"{loaded.listed} areas are offered: {loaded.added} new, {loaded.removed} not offered any more.")


commands = (load_areas,)
