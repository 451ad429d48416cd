"""Commands for FHIR import and export."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import inspect

from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import SYSTEM
from hms.core.text.cleaning import clean
from hms.core.text.translation import N_, Sentence
from hms.staff.roles import actions as staff

from .fhir_export.exporter import export
from .fhir_import.importer import OUTCOMES, Import, Summary
from .fhir_import.resource_types import MEDICATION

MAX_SOURCE_LENGTH = 200


class Terminal:
    """Shows the progress of an import on a terminal; skipped lines are always written to stderr."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = None

    def begin(self, label: str, total: int) -> None:
        self.task = self.bar.add_task(label, total=total)

    def advance(self, count: int) -> None:
        if self.task is not None:
            self.bar.advance(self.task, count)

    def report(self, message: str) -> None:
        if self.console.is_terminal:
            self.console.print(message, markup=False, highlight=False, emoji=False, soft_wrap=True)
        else:
            click.echo(message, err=True)


@click.command("import-fhir")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--source",
    metavar="NAME",
    help="The hospital or program that the files come from. Its ids are kept apart from those of other sources.",
)
@with_appcontext
def import_fhir(path: Path, source: str | None) -> None:
    """Load FHIR R4 resources from one file or a folder: NDJSON, a Bundle, indented JSON, one resource in each file, also
    gzipped.

    Resources loaded before are compared, not loaded twice. Lines that cannot be imported are listed by file and line.
    """
    source = _clean_source(source)
    if not path.exists():
        sys.exit(str(Sentence(N_("There is no file or folder %(path)s."), path=path)))
    terminal = Terminal()
    try:
        work = Import(path, terminal, source)
        if work.files:
            _prepare_database()
        with terminal.bar:
            summary = work.run()
    except OSError as error:
        sys.exit(str(Sentence(N_("%(path)s could not be read: %(why)s."), path=path, why=error.strerror)))
    except DomainError as error:
        message = Sentence(N_("The import stopped: %(why)s Run it again; what is loaded stays."), why=error.sentence)
        sys.exit(str(message))
    if not summary.found:
        sys.exit(str(Sentence(N_("%(path)s has no FHIR resources that can be imported."), path=path)))
    show(summary)


@click.command("export-fhir")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export_fhir(folder: Path) -> None:
    """Write all records as FHIR R4 bulk files (NDJSON) into DIR, one file for each resource type, as import-fhir reads them."""
    try:
        counts = export(folder)
    except OSError as error:
        sys.exit(str(Sentence(N_("%(path)s could not be written: %(why)s."), path=folder, why=error.strerror)))
    for kind, count in counts.items():
        click.echo(f"{kind}: {count:,}")


def _clean_source(source: str | None) -> str | None:
    if source is None:
        return None
    try:
        name = clean(source, longest=MAX_SOURCE_LENGTH)
    except ValueError as error:
        sys.exit(str(error))
    if not name:
        sys.exit(N_("Give --source a name."))
    return name


def _prepare_database() -> None:
    """Create tables and roles in a new database."""
    if not inspect(db.engine).has_table("source_record"):
        upgrade()
        staff.install_roles(by=SYSTEM)


def show(summary: Summary) -> None:
    """Print the counts by resource type on stdout."""
    table = Table()
    table.add_column(N_("Kind"))
    for outcome in OUTCOMES:
        table.add_column(outcome.capitalize(), justify="right")
    for name, counts in summary.counts.items():
        if counts:
            table.add_row(name, *(f"{counts[outcome]:,}" for outcome in OUTCOMES))
    if summary.unreadable:
        table.add_row(N_("Not readable"), "", "", "", f"{summary.unreadable:,}")
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    console.print(table)
    unused = [f"{name} {count:,}" for name, count in sorted(summary.not_used.items()) if name != MEDICATION]
    if unused:
        console.print(str(Sentence(N_("Not used: %(kinds)s"), kinds=", ".join(unused))), markup=False)
    if named := summary.not_used[MEDICATION]:
        line = Sentence(N_("Read for the names of medicines: Medication %(count)s"), count=f"{named:,}")
        console.print(str(line), markup=False)


commands = (import_fhir, export_fhir)
