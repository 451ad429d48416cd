"""A stored file as a response: its own type only, never run as a page. A PDF is always saved, never opened in the page."""

from __future__ import annotations

from flask import Response, make_response

from hms.patients.models import RecordDocument

from .rules import ENDINGS, JPEG, PDF

SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""What a file may do when a browser opens it after all: load nothing, run nothing, and not act as this site."""


def picture_response(picture: bytes) -> Response:
    """The picture of a page of a document, a JPEG."""
    response = make_response(picture)
    response.mimetype = JPEG
    response.headers["Cache-Control"] = "no-store"
    return response


def file_response(row: RecordDocument, *, is_download: bool = False) -> Response:
    """The file under a name without any word of the patient; every response has `nosniff`. A PDF may carry scripts, and not
    every viewer keeps them in, so it is an attachment."""
    response = make_response(row.content)
    response.mimetype = row.mimetype
    way = "attachment" if is_download or row.mimetype == PDF else "inline"
    response.headers["Content-Disposition"] = f'{way}; filename="document-{row.id}.{ENDINGS[row.mimetype]}"'
    response.headers["Cache-Control"] = "no-store"
    if row.mimetype == PDF:
        response.headers["Content-Security-Policy"] = SANDBOX
    return response
