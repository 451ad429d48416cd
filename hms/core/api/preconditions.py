"""Responses with one record and its entity tag, and If-Match (RFC 9110): 412 when the client's version is old."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, current_app, jsonify, request

from hms.core.errors import StaleVersion


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


@contextmanager
def if_match(read: Callable[[], Any], to_json: Callable[[Any], dict[str, Any]]) -> Iterator[int | None]:
    """Give the block the version that its change must find: that of `read()`, or None without `If-Match`.

    Raises `PreconditionFailed` with the present record when `If-Match` names another version, and when somebody else changes
    the record while the block runs. `read` reads a record that has a `version`.
    """
    if not request.if_match:
        yield None
        return
    record = read()
    check_if_match(record.version, lambda: to_json(record))
    try:
        yield record.version
    except StaleVersion as stale:
        record = read()
        raise PreconditionFailed(to_json(record), record.version) from stale


def check_if_match(version: object, body: Callable[[], dict[str, Any]]) -> None:
    """Raise `PreconditionFailed` when `If-Match` names another version; `body` makes the current record's JSON."""
    if request.if_match and not any(request.if_match.contains(tag) for tag in _accepted_tags(version)):
        raise PreconditionFailed(body(), version)


def _accepted_tags(version: object) -> list[str]:
    """The entity tags that the client may have received: Flask-Compress adds `:` and the algorithm to the tag."""
    return [str(version), *(f"{version}:{algorithm}" for algorithm in current_app.config["COMPRESS_ALGORITHM"])]


def install(app: Any) -> None:
    app.register_error_handler(PreconditionFailed, lambda stale: resource_response(stale.body, stale.version, 412))
