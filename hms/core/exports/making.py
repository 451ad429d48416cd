"""Makes the file of a list: all rows, read page by page, with the fields that the reader sees.

No connection to the database is held while the file is sent: everything is read into a temporary file first. So the entry
of the audit trail has the exact numbers and is committed before the first byte leaves, and an error is an answer with a
sentence, not half a file.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any, Protocol

from flask import Response, current_app, g, request
from werkzeug.wsgi import FileWrapper

from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.background.threads import let_others_run, run_in_thread
from hms.core.db.keyset import Place
from hms.core.db.session import end_request_session
from hms.core.errors import RuleBroken
from hms.core.settings import store as settings
from hms.core.text.translation import N_, Sentence
from hms.core.web.guard import check_still_allowed, current_person
from hms.core.web.localisation import is_right_to_left, translate

from .cells import Value, read_value
from .columns import CURRENCY, NOT_SHOWN, Column, ExportTable, Kind
from .files import MIME_TYPES, CsvFile, FileFormat, ListFile, XlsxFile

BATCH = 500
"""Rows that are read and written at a time."""
STEP = 50
"""Rows after which other requests are answered."""
CHUNK = 64 * 1024
"""Bytes of the file that are sent at a time."""
MOST_XLSX = 20_000
"""Rows of an XLSX file: making one takes four times as long as a CSV file."""
TOO_MANY = N_("This list has more rows than a file may have (%(most)s). Choose filters that leave fewer rows.")
TOO_MANY_FOR_XLSX = N_(
    "This list has more rows than an XLSX file may have (%(most)s). Choose CSV, or filters that leave fewer rows."
)
NEVER_FILTERS = ("format",)


class Rows(Protocol):
    """An ordered list that is read from its beginning to its end: of the API (`pagination.Rows`) or of a page (`PageList`)."""

    def fetch_after(self, place: Place | None, limit: int) -> Sequence[Any]: ...

    def get_record(self, row: Any) -> Any: ...

    def get_place(self, row: Any) -> Place: ...

    def count(self, *, is_exact: bool) -> int: ...


class _MoreColumns(Exception):
    """A later row shows a field that no row of the first batch showed."""


@dataclass
class ListExport:
    """One file of a list. It takes the place of the JSON of the list (`pagination.paginated_response`)."""

    table: ExportTable
    file_format: FileFormat
    rows: int = 0
    fields: set[str] = field(default_factory=set)
    """The fields that at least one row shows to the reader."""

    def make_response(self, rows: Rows, project: Callable[[Any], dict[str, Any]]) -> Response:
        """The file with all rows, as an attachment. `RuleBroken` when there are more than the hospital allows."""
        self._check_size(rows.count(is_exact=True))
        while True:
            try:
                return self._file_response(self._write_file(rows, project))
            except _MoreColumns:
                continue

    def _check_size(self, count: int) -> None:
        most = settings.value("exports.max_rows")
        if count > most:
            raise RuleBroken(Sentence(TOO_MANY, most=most))
        if self.file_format is FileFormat.XLSX and count > MOST_XLSX:
            raise RuleBroken(Sentence(TOO_MANY_FOR_XLSX, most=MOST_XLSX))

    def _write_file(self, rows: Rows, project: Callable[[Any], dict[str, Any]]) -> IO[bytes]:
        file, self.rows, columns = self._new_file(), 0, None
        try:
            for batch in _batches(rows, project):
                columns = self._choose_columns(file, batch) if columns is None else columns
                if self._has_more_fields(batch):
                    raise _MoreColumns
                self.rows += len(batch)
                self._check_size(self.rows)
                _write_batch(file, batch, columns)
            if columns is None:
                self._choose_columns(file, [])
            return run_in_thread(file.finish)
        except BaseException:
            file.discard()
            raise

    def _new_file(self) -> ListFile:
        if self.file_format is FileFormat.CSV:
            return CsvFile()
        return XlsxFile(translate(Sentence(self.table.title)), is_right_to_left=is_right_to_left())

    def _choose_columns(self, file: ListFile, batch: list[dict[str, Any]]) -> list[Column]:
        """Write the headings: of the fields that the reader sees, of all when there is no row."""
        self._has_more_fields(batch)
        columns = [column for column in self.table.columns if not batch or column.field in self.fields]
        labels = [
            column.field if self.table.has_field_names else translate(Sentence(column.label)) for column in columns
        ]
        if _has_amounts(columns) and not self.table.has_field_names:
            labels.append(translate(Sentence(CURRENCY)))
        file.write_heading(labels)
        return columns

    def _has_more_fields(self, batch: list[dict[str, Any]]) -> bool:
        known = {column.field for column in self.table.columns}
        more = {name for row in batch for name in row if name in known} - self.fields
        self.fields |= more
        return bool(more)

    def _file_response(self, file: IO[bytes]) -> Response:
        body = FileWrapper(file, CHUNK)
        weakref.finalize(body, file.close)  # also when nobody reads it
        response = Response(body, mimetype=MIME_TYPES[self.file_format], direct_passthrough=True)
        response.content_length = os.fstat(file.fileno()).st_size
        name = f"{self.table.name}-{clock.today().isoformat()}.{self.file_format}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def record(self) -> None:
        """Record in the audit trail who made which file, with which filters, of how many rows and patients. Commits."""
        person = current_person()
        details = {
            "list": self.table.name,
            "format": self.file_format.value,
            "rows": self.rows,
            "patients": g.pop("listed_patients", 0),
            "filters": {name: text for name, text in request.args.items() if name not in NEVER_FILTERS},
        }
        with action_context(self.table.audited_as, person):
            recording.record(self.table.audited_as, person, details=details)


def _batches(rows: Rows, project: Callable[[Any], dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows of the list, a batch at a time; whether the person still may see them is checked before each further one.
    Between the batches no transaction is open."""
    place = None
    while fetched := list(islice(rows.fetch_after(place, BATCH), BATCH)):
        place = rows.get_place(fetched[-1])
        yield [project(rows.get_record(row)) for row in let_others_run(fetched, STEP)]
        if len(fetched) < BATCH:
            return
        end_request_session()
        check_still_allowed()


def _has_amounts(columns: list[Column]) -> bool:
    return any(column.kind is Kind.AMOUNT for column in columns)


def _write_batch(file: ListFile, batch: list[dict[str, Any]], columns: list[Column]) -> None:
    names = [_find_names(column, batch) for column in columns]
    end = [current_app.config["CURRENCY"]] if _has_amounts(columns) else []
    for row in let_others_run(batch, STEP):
        cells = [_cell(row, column, known) for column, known in zip(columns, names, strict=True)]
        file.write_row([*cells, *end])


def _find_names(column: Column, batch: list[dict[str, Any]]) -> dict[Any, Any]:
    if column.names is None:
        return {}
    ids = {row[column.field] for row in batch if row.get(column.field) is not None}
    return dict(column.names(ids)) if ids else {}


def _cell(row: dict[str, Any], column: Column, names: dict[Any, Any]) -> Value:
    if column.field not in row:
        return translate(Sentence(NOT_SHOWN))
    value = row[column.field]
    if column.names is not None and value is not None:
        value = names.get(value, "")
    return read_value(value, column)
