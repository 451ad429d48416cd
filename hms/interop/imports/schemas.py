"""JSON of imports."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf

from hms.core.api.blueprint import ApiSchema
from hms.core.text.numbers import COMMA, POINT
from hms.core.web.fields import Text
from hms.core.web.localisation import translate
from hms.interop.enums import RowState
from hms.interop.models import ImportBatch, ImportRow

from . import rules
from .fields import DateOrder
from .kinds import KINDS
from .tables import MAX_COLUMNS

MAX_BASE64 = 2 * 2**20


class ImportIn(ApiSchema):
    """A CSV or XLSX file: `content` is its bytes in base64; `kind` says what it contains."""

    kind = Text(20, required=True, blank=False)
    file_name = Text(rules.MAX_FILE_NAME, load_default="")
    content = fields.String(required=True, validate=Length(max=MAX_BASE64))


class ImportCheckIn(ApiSchema):
    """`columns` has the heading of the file for each field; without it the columns that were guessed. `date_order` is needed
    when the dates of the file can be read in two ways."""

    columns = fields.Dict(keys=fields.String(), values=fields.String(), validate=Length(max=MAX_COLUMNS))
    date_order = fields.String(load_default="", validate=OneOf(["", *DateOrder]))
    decimal_sign = fields.String(validate=OneOf([POINT, COMMA]))
    changes_existing = fields.Boolean(
        load_default=False,
        metadata={"description": "Change records that are there already; only of the kind `prices`."},
    )


class ImportOut(ApiSchema):
    """`columns` has the heading of each field; `counts` the rows by state; `problem` says why the work stopped."""

    id = fields.Integer()
    kind = fields.String()
    file_name = fields.String()
    state = fields.String()
    problem = fields.String(allow_none=True)
    headings = fields.List(fields.String())
    columns = fields.Dict()
    known_fields = fields.List(fields.String())
    encoding = fields.String()
    date_order = fields.String()
    decimal_sign = fields.String()
    changes_existing = fields.Boolean()
    row_count = fields.Integer()
    counts = fields.Dict()
    has_content = fields.Boolean()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class ImportRowOut(ApiSchema):
    """A row of the file. `number` is its row in the spreadsheet; `record` the record that it became; `match` one that seems to be
    the same, `same_as_row` the earlier row of the file that does."""

    id = fields.Integer()
    number = fields.Integer()
    state = fields.String()
    problems = fields.List(fields.Dict())
    match = fields.Integer(allow_none=True)
    same_as_row = fields.Integer(allow_none=True)
    record = fields.Integer(allow_none=True)


def batch_json(row: ImportBatch, counts: dict[RowState, int] | None = None) -> dict[str, Any]:
    """A batch; in a list without the counts of its rows."""
    names = (
        "id",
        "kind",
        "file_name",
        "state",
        "headings",
        "encoding",
        "date_order",
        "decimal_sign",
        "changes_existing",
    )
    shown = {name: getattr(row, name) for name in (*names, "row_count", "created_at", "updated_at")} | {
        "problem": translate(rules.shown(row.problem)) if row.problem else None,
        "columns": {name: row.headings[place] for name, place in row.columns.items()},
        "known_fields": [field.name for field in KINDS[row.kind].fields],
        "has_content": row.content_deleted_at is None,
    }
    return shown if counts is None else shown | {"counts": {str(state): count for state, count in counts.items()}}


def row_json(row: ImportRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "state": row.state,
        "problems": [
            {"field": problem["field"], "message": translate(rules.shown(problem))} for problem in row.problems
        ],
        "match": row.match_id,
        "same_as_row": row.twin_number,
        "record": row.record_id,
    }
