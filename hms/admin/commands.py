"""Commands to back up and restore the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console

from .system import backups


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@with_appcontext
def backup(folder: Path) -> None:
    """Write the whole database into FOLDER. The secrets are not in it: keep them elsewhere."""
    with _progress("Backing up…"):
        file = backups.backup(folder)
    click.echo(f"{file} ({file.stat().st_size // 1024} KB)")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@with_appcontext
def restore(source: Path) -> None:
    """Put the backup SOURCE (a file, or the newest in a folder) into an empty database."""
    with _progress("Restoring…"):
        dump = backups.restore(source)
    click.echo(f"{dump} is restored. Run `flask prove` and `flask audit verify` now.")


@contextmanager
def _progress(message: str) -> Iterator[None]:
    """Show `message` with a spinner; `BackupFailed` prints its message and exits with 1."""
    try:
        with Console(stderr=True).status(message):
            yield
    except backups.BackupFailed as error:
        click.echo(str(error), err=True)
        sys.exit(1)


commands = (backup, restore)
