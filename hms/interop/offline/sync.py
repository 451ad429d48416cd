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
from .actions import ADDRESSES, FORWARDED_HEADERS, UNREADABLE, Entry


def replay_batch(items: list[Any], *, by: Person) -> list[dict[str, Any]]:
    """Replay a batch in order; one result for each item, saved or refused."""
    idempotency.claim_key_at_end(by)
    results = [_replay(item, by) for item in items]
    if any(result["status"] >= 400 for result in results):
        actions.notify_unsettled(by=by)
    return results


def _replay(item: Any, by: Person) -> dict[str, Any]:
    entry = Entry.read(item)
    if entry is None:
        return {"created": False, "status": 400, "errors": {"non_field_errors": [str(UNREADABLE)]}}
    earlier = queries.saved_record_id(by.id, entry.model, entry.key)
    heading = {"model": entry.model, "unique_id": entry.key}
    if earlier is not None:
        return heading | {"created": False, "status": 200, "id": earlier}
    return heading | _outcome(entry, _send(entry), by)


def _outcome(entry: Entry, answer: Response, by: Person) -> dict[str, Any]:
    """Record the response of the direct call; a 5xx is not recorded, the device sends the entry again."""
    body = answer.get_json(silent=True) or {}
    if answer.status_code < 500:
        actions.record_response(entry, status=answer.status_code, answer=body, by=by)
    if answer.status_code >= 300:
        return {"created": False, "status": answer.status_code, "errors": body}
    return {"created": "Idempotent-Replayed" not in answer.headers, "status": 200, "id": body["id"]}


def _key_of(entry: Entry) -> str:
    """The idempotency key of the API call: the same for the same entry."""
    return "offline-" + hashlib.sha256(f"{entry.model} {entry.key}".encode()).hexdigest()


def _send(entry: Entry) -> Response:
    """Call the endpoint inside this process, with its own request and transaction and the same caller."""
    db.session.rollback()
    headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
    headers["Idempotency-Key"] = _key_of(entry)
    call = EnvironBuilder(ADDRESSES[entry.model], method="POST", json=entry.fields, headers=headers)
    environ = call.get_environ() | {"REMOTE_ADDR": request.remote_addr, "HTTP_HOST": request.host}
    with current_app.app_context(), current_app.request_context(environ):
        answer = current_app.full_dispatch_request()
    answer.close()  # runs what waits for the answer
    return answer
