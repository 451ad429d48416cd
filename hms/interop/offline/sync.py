"""Replays offline entries one by one through the API endpoints, as if the device sent them now.

Every entry has the same permission checks, validation and audit as a direct call. Entries are identified by the device's
key, so that a batch may be sent again: saved entries are not saved twice, refused ones are tried again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, current_app, request
from werkzeug.test import EnvironBuilder

from hms.core import idempotency
from hms.core.db.session import db
from hms.core.person import Person

from . import actions, queries
from .actions import ENDPOINTS, FORWARDED_HEADERS, UNREADABLE, BatchItem


def replay_batch(items: list[Any], *, by: Person) -> list[dict[str, Any]]:
    """Replay a batch in order; one result for each item, saved or refused."""
    idempotency.claim_key_at_end(by)
    results = [_replay(raw_item, by) for raw_item in items]
    if any(result["status"] >= 400 for result in results):
        actions.notify_unsettled(by=by)
    return results


def _replay(raw_item: Any, by: Person) -> dict[str, Any]:
    item = BatchItem.read(raw_item)
    if item is None:
        return {"created": False, "status": 400, "errors": {"non_field_errors": [str(UNREADABLE)]}}
    saved_id = queries.saved_record_id(by.id, item.model, item.key)
    identity = {"model": item.model, "unique_id": item.key}
    if saved_id is not None:
        return identity | {"created": False, "status": 200, "id": saved_id}
    return identity | _outcome(item, _send(item), by)


def _outcome(item: BatchItem, response: Response, by: Person) -> dict[str, Any]:
    """Record the response of the direct call; a 5xx is not recorded, the device sends the entry again."""
    body = response.get_json(silent=True) or {}
    if response.status_code < 500:
        actions.record_response(item, status=response.status_code, response=body, by=by)
    if response.status_code >= 300:
        return {"created": False, "status": response.status_code, "errors": body}
    return {"created": "Idempotent-Replayed" not in response.headers, "status": 200, "id": body["id"]}


def _idempotency_key(item: BatchItem) -> str:
    """The idempotency key of the API call: the same for the same entry."""
    return "offline-" + hashlib.sha256(f"{item.model} {item.key}".encode()).hexdigest()


def _send(item: BatchItem) -> Response:
    """Call the endpoint inside this process, with its own request and transaction and the same caller."""
    db.session.rollback()
    headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
    headers["Idempotency-Key"] = _idempotency_key(item)
    builder = EnvironBuilder(ENDPOINTS[item.model], method="POST", json=item.fields, headers=headers)
    environ = builder.get_environ() | {"REMOTE_ADDR": request.remote_addr, "HTTP_HOST": request.host}
    with current_app.app_context(), current_app.request_context(environ):
        answer = current_app.full_dispatch_request()
    answer.close()  # runs what waits for the answer
    return answer
