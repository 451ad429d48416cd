"""Responses with one record and its entity tag, and If-Match (RFC 9110): 412 when the client's version is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, jsonify, request
from sqlalchemy import select

from hms.core.db.session import db


def resource_response(body: dict[str, Any], version: object, status: int = 200) -> Response:
    """The response with one record and its entity tag."""
    response = jsonify(body)
    response.status_code = status
    response.headers["ETag"] = f'"{version}"'
    return response


class PreconditionFailed(Exception):
    """`If-Match` named an older version: 412 with the current record."""

    def __init__(self, body: dict[str, Any], version: object) -> None:
        super().__init__("stale")
        self.body, self.version = body, version


def lock_for_if_match(model: Any, **key: object) -> None:
    """With `If-Match`, lock the record until the transaction ends, so that of several writers with the same tag one succeeds.

    Call it before the record is read. A record that does not exist is not locked.
    """
    if request.if_match:
        db.session.execute(select(model.id).filter_by(**key).with_for_update())


def check_if_match(version: object, body: Callable[[], dict[str, Any]]) -> None:
    """Raise `PreconditionFailed` when `If-Match` names another version; `body` makes the current record's JSON."""
    if request.if_match and not any(request.if_match.contains(tag) for tag in _accepted_tags(version)):
        raise PreconditionFailed(body(), version)


def _accepted_tags(version: object) -> list[str]:
    """The entity tags that the client may have received: Flask-Compress adds `:` and the algorithm to the tag."""
    return [str(version), *(f"{version}:{algorithm}" for algorithm in current_app.config["COMPRESS_ALGORITHM"])]


def install(app: Any) -> None:
    app.register_error_handler(PreconditionFailed, lambda stale: resource_response(stale.body, stale.version, 412))
