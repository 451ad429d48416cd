"""Rows that were not imported, with the reasons: shown, and as a file to correct; and the template of a kind."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _

from hms.core.background.threads import let_others_run
from hms.core.exports.files import CsvFile
from hms.core.exports.making import STEP
from hms.core.web.localisation import translate
from hms.interop.models import ImportBatch, ImportRow

from . import queries, rules
from .fields import cell_at
from .kind import ImportKind
from .kinds import KINDS
from .people import record_matches


def row_faults(batch: ImportBatch, row: ImportRow) -> list[tuple[str, str, str]]:
    """What is wrong with a row: the field's label, what the cell says, and why it is refused."""
    labels = {field.name: str(field.label) for field in KINDS[batch.kind].fields}
    return [
        (labels.get(problem["field"], ""), _cell(batch, row, problem["field"]), translate(rules.shown(problem)))
        for problem in row.problems
    ]


def _cell(batch: ImportBatch, row: ImportRow, field: str | None) -> str:
    return cell_at(row.cells or [], batch.columns.get(field))


def failed_csv(batch: ImportBatch) -> bytes:
    """A file of the rows that were not imported: their cells, and behind them row and reason."""
    rows = queries.list_failed_rows(batch.id)
    record_matches(batch, rows)
    added = [_("Row of the file"), _("Remarks")]
    kept = [place for place, heading in enumerate(batch.headings) if heading not in added]  # it may have come back
    headings = [batch.headings[place] for place in kept]
    lines = [
        [*(cell_at(row.cells, place) for place in kept), str(row.number), _reasons(batch, row)]
        for row in let_others_run(rows, STEP)
    ]
    return write_csv([[*headings, *added], *lines])


def _reasons(batch: ImportBatch, row: ImportRow) -> str:
    faults = row_faults(batch, row)
    return " ".join(f"{label}: {reason}" if label else reason for label, _cell_text, reason in faults)


def template_csv(kind: ImportKind) -> bytes:
    """A file with the headings of the kind, and an example below them."""
    return write_csv([[str(field.label) for field in kind.fields], [field.example for field in kind.fields]])


def write_csv(rows: Iterable[Iterable[str]]) -> bytes:
    """A CSV file in UTF-8 with byte order mark, that spreadsheets open and `read_table` reads back; no cell is a formula."""
    file = CsvFile()
    for row in let_others_run(rows, STEP):
        file.write_row([*row])
    with file.finish() as written:
        return written.read()
