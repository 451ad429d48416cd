"""JSON: import lists from files."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Response
from sqlalchemy.orm import load_only

from hms.core.api.blueprint import ApiBlueprint
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import resource_response
from hms.core.errors import RuleBroken
from hms.core.settings.decimal_sign import decimal_sign
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Ordering, filter_by_columns, ordered, parameters
from hms.interop.enums import BatchState, RowState
from hms.interop.models import ImportBatch, ImportRow

from . import actions, queries
from .kinds import IMPORTERS, KINDS
from .people import record_matches
from .reader import read_file
from .schemas import ImportCheckIn, ImportIn, ImportOut, ImportRowOut, batch_json, row_json

api = ApiBlueprint("imports_api", __name__, description="Lists imported from files")

TIMES = ("created_at", "updated_at")
IMPORTS = parameters(**PAGING, **DAYS, kind=Choice(KINDS), state=Choice(BatchState), ordering=Ordering(("id", *TIMES)))
ROWS = parameters(**PAGING, state=Choice(RowState), ordering=Ordering(("id", "number")))


def _answer(row: ImportBatch, status: int = 200) -> Response:
    return resource_response(batch_json(row, queries.count_rows(row.id)), 1, status)


@api.get("/imports/")
@requires(*IMPORTERS)
@api.arguments(IMPORTS, location="query")
@api.response(200, ImportOut(many=True))
def imports(arguments: dict[str, Any]) -> Response:
    """The person's own imports, newest first; for administrators also those of closed accounts. Filters: kind, state, and
    date, date_from, date_to (days of the upload)."""
    columns = {name: getattr(ImportBatch, name) for name in ("kind", "state")}
    rows = filter_by_columns(queries.select_batches(current_person()), arguments, on=ImportBatch.created_at, **columns)
    times = {name: getattr(ImportBatch, name) for name in TIMES}
    return paginated_response(ordered(rows, arguments, ImportBatch.id, **times), batch_json)


@api.post("/imports/")
@requires(*IMPORTERS)
@api.arguments(ImportIn)
@api.response(201, ImportOut)
def upload(payload: dict[str, Any]) -> Response:
    """Send a file: CSV in UTF-8 (else read as Windows-1252) or XLSX, up to 10,000 rows. Nothing is imported yet. Its columns are
    guessed by their headings."""
    try:
        content = base64.b64decode(payload.pop("content"), validate=True)
    except (binascii.Error, ValueError):
        raise RuleBroken(N_("This is not base64."), "content") from None
    return _answer(actions.upload(**payload, table=read_file(content, decimal_sign()), by=current_person()), 201)


@api.get("/imports/<int:import_id>/")
@requires(*IMPORTERS)
@api.response(200, ImportOut)
def batch(import_id: int) -> Response:
    """One import, with its state and how many rows are in each state."""
    return _answer(queries.get_batch(import_id, current_person()))


@api.get("/imports/<int:import_id>/rows/")
@requires(*IMPORTERS)
@api.arguments(ROWS, location="query")
@api.response(200, ImportRowOut(many=True))
def rows(arguments: dict[str, Any], import_id: int) -> Response:
    """The rows of an import with what is wrong with them, the last row first. Filter: state."""
    row = queries.get_batch(import_id, current_person())
    query = filter_by_columns(queries.select_rows(row.id), arguments, state=ImportRow.state)
    shown = query.options(load_only(*_ROW_COLUMNS))
    listed: list[ImportRow] = []

    def project(one: ImportRow) -> dict[str, Any]:
        listed.append(one)
        return row_json(one)

    response = paginated_response(ordered(shown, arguments, ImportRow.id, number=ImportRow.number), project)
    record_matches(row, listed)
    return response


_ROW_COLUMNS = (
    *(ImportRow.number, ImportRow.state, ImportRow.problems),
    *(ImportRow.match_id, ImportRow.twin_number, ImportRow.record_id),
)


@api.post("/imports/<int:import_id>/check/")
@requires(*IMPORTERS)
@api.arguments(ImportCheckIn)
@api.response(202, ImportOut)
def check(payload: dict[str, Any], import_id: int) -> Response:
    """Try every row without keeping anything. Read the import again until its state is `checked`."""
    if (headings := payload.get("columns")) is not None:
        payload["columns"] = _places(queries.get_batch(import_id, current_person()), headings)
    return _answer(actions.check(import_id, **payload, by=current_person()), 202)


def _places(row: ImportBatch, headings: dict[str, str]) -> dict[str, int]:
    places = {heading: place for place, heading in enumerate(row.headings) if heading}
    if unknown := [heading for heading in headings.values() if heading not in places]:
        raise RuleBroken(N_("The file has no column “%(name)s”."), "columns", name=unknown[0][:100])
    return {field: places[heading] for field, heading in headings.items()}


@api.post("/imports/<int:import_id>/run/")
@requires(*IMPORTERS)
@api.response(202, ImportOut)
def run(import_id: int) -> Response:
    """Import the rows that are ready. Read the import again until its state is `done`."""
    return _answer(actions.run(import_id, by=current_person()), 202)


@api.post("/imports/<int:import_id>/stop/")
@requires(*IMPORTERS)
@api.response(200, ImportOut)
def stop(import_id: int) -> Response:
    """Stop the check, the import or its undoing; what was done stays."""
    return _answer(actions.stop(import_id, by=current_person()))


@api.post("/imports/<int:import_id>/undo/")
@requires(*IMPORTERS)
@api.response(202, ImportOut)
def undo(import_id: int) -> Response:
    """Take back what the import made and nobody used or changed since. Read the import again until its state is `undone`; rows
    in the state `kept` say why they stay."""
    return _answer(actions.undo(import_id, by=current_person()), 202)


@api.post("/imports/<int:import_id>/rows/<int:row_number>/allow/")
@requires(*IMPORTERS)
@api.response(200, ImportRowOut)
def allow(import_id: int, row_number: int) -> Response:
    """Say that a row in the state `duplicate` with a `match` or `same_as_row` is somebody else; it is ready to be imported
    then."""
    return resource_response(row_json(actions.allow_row(import_id, row_number, by=current_person())), 1)


@api.delete("/imports/<int:import_id>/content/")
@requires(*IMPORTERS)
@api.response(204)
def delete_content(import_id: int) -> tuple[str, int]:
    """Delete what the file says; records that it made stay."""
    actions.delete_content(import_id, by=current_person())
    return "", 204
