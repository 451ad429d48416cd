"""A stored file as a response: its own type only, never run as a page."""

from __future__ import annotations

from flask import Response, make_response

from hms.patients.models import RecordDocument

from .rules import ENDINGS


def file_response(row: RecordDocument, *, is_download: bool = False) -> Response:
    """The file under a name without any word of the patient; every response has `nosniff`, and a picture loads nothing."""
    response = make_response(row.content)
    response.mimetype = row.mimetype
    way = "attachment" if is_download else "inline"
    response.headers["Content-Disposition"] = f'{way}; filename="document-{row.id}.{ENDINGS[row.mimetype]}"'
    response.headers["Cache-Control"] = "no-store"
    return response
