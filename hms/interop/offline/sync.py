"""Replays offline entries one by one through the API endpoints, as if the device sent them now.

Every entry has the same permission checks, validation and audit as a direct call. Entries are identified by the device's
key, so that a batch may be sent again: saved entries are not saved twice, refused ones are tried again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, current_app, request
from flask_babel import lazy_gettext as _l
from werkzeug.test import EnvironBuilder

from hms.core import idempotency
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.web.localisation import translate_error

from . import actions, batch_json, queries, references
from .actions import ENDPOINTS, FORWARDED_HEADERS, UNREADABLE, BatchItem

CONFLICT = _l(
    "An entry with this key is saved with other values, and nothing was changed. Compare it with the record and correct the "
    "record where the new values are right."
)
ATTEMPTS = 3
"""How often a change of a patient is tried while others change the same record."""
REQUIRED_OF_PATIENT = ("first_name", "last_name", "date_of_birth", "gender")
Keys = set[tuple[str, str]]


def replay_batch(items: list[Any], *, by: Person) -> list[dict[str, Any]]:
    """Replay a batch; one result for each item, saved or refused, in the order of the items.

    An entry comes after those that it may refer to.
    """
    idempotency.claim_key_at_end(by)
    entries = [BatchItem.read(item) for item in items]
    keys = {(entry.model, entry.key) for entry in entries if entry is not None}
    order = sorted(range(len(entries)), key=lambda place: _rank(entries[place]))
    result_at = {place: _replay(entries[place], keys, by) for place in order}
    results = [result_at[place] for place in range(len(entries))]
    if any(result["status"] >= 400 for result in results):
        actions.notify_unsettled(by=by)
    return results


def _rank(entry: BatchItem | None) -> int:
    return references.FIRST_TO_LAST.index(entry.model) if entry is not None else 0


def _replay(entry: BatchItem | None, keys: Keys, by: Person) -> dict[str, Any]:
    if entry is None:
        return {"created": False, "status": 400, "errors": {"non_field_errors": [str(UNREADABLE)]}}
    heading = {"model": entry.model, "unique_id": entry.key}
    earlier = queries.saved_entry(by.id, entry.model, entry.key)
    if earlier is None:
        return heading | _replay_new(entry, keys, by)
    if earlier.fingerprint in ("", entry.fingerprint):
        return heading | {"created": False, "status": 200, "id": earlier.record_id}
    return heading | _refused(entry, 409, _conflict() | {"id": earlier.record_id}, by)


def _replay_new(entry: BatchItem, keys: Keys, by: Person) -> dict[str, Any]:
    if fault := batch_json.first_fault(entry.fields):
        field, why = fault
        return _refused(entry, 400, {batch_json.storable(field): [str(why)]}, by)
    try:
        return _outcome(entry, _send(entry, keys, by), by)
    except RuleBroken as error:
        return _refused(entry, error.status, {error.field or "non_field_errors": [translate_error(error)]}, by)


TRY_AGAIN = ("busy", "in_progress")
"""Codes of a 409 that is gone when the same request is sent again."""


def _conflict() -> dict[str, Any]:
    return {"detail": str(CONFLICT), "code": "conflict"}


def _outcome(entry: BatchItem, answer: Response, by: Person) -> dict[str, Any]:
    """Record the response of the direct call. A fault and "busy" are not recorded: the device sends the entry again."""
    body = answer.get_json(silent=True) or {}
    if answer.status_code >= 500 or body.get("code") in TRY_AGAIN:
        return {"created": False, "status": answer.status_code, "errors": body}
    if answer.status_code == 422 and body.get("code") == "idempotency_key_reused":
        return _refused(entry, 409, _conflict(), by)
    if answer.status_code >= 300:
        return _refused(entry, answer.status_code, body, by)
    actions.record_response(entry, status=answer.status_code, response=body, by=by)
    is_new = answer.status_code == 201 and "Idempotent-Replayed" not in answer.headers
    return {"created": is_new, "status": 200, "id": body["id"]}


def _refused(entry: BatchItem, status: int, errors: dict[str, Any], by: Person) -> dict[str, Any]:
    actions.record_response(entry, status=status, response=errors, by=by)
    return {"created": False, "status": status, "errors": errors}


def _send(entry: BatchItem, keys: Keys, by: Person) -> Response:
    """The response of the endpoint to the entry: a new record, or a change of the patient with the hospital number."""
    if entry.model == "patient":
        number = references.hospital_number(entry.fields.get("unique_id"), "unique_id")
        if number is not None:
            return _change_patient(entry, queries.patient_id_by_number(number) or 0)
    fields = references.resolve(entry.fields, user_id=by.id, keys=keys)
    return _call("POST", ENDPOINTS[entry.model], {"Idempotency-Key": _idempotency_key(entry)}, fields)


def _change_patient(entry: BatchItem, patient_id: int) -> Response:
    """Change what was sent and keep the rest. An empty list of allergies is left out: a blank field denies nothing."""
    address = f"{ENDPOINTS['patient']}{patient_id}/"
    fields = {name: value for name, value in entry.fields.items() if value or name != "known_allergies"}
    answer = present = _call("GET", address)
    for _attempt in range(ATTEMPTS):
        if present.status_code >= 300:
            return present
        kept = {name: value for name, value in present.get_json().items() if name in REQUIRED_OF_PATIENT}
        headers = {"Idempotency-Key": _idempotency_key(entry), "If-Match": present.headers["ETag"]}
        answer = _call("PUT", address, headers, kept | fields)
        if answer.status_code != 412:
            break
        present = _call("GET", address)
    return answer


def _idempotency_key(entry: BatchItem) -> str:
    """The idempotency key of the API call: the same for the same entry."""
    return "offline-" + hashlib.sha256(f"{entry.model} {entry.key}".encode()).hexdigest()


def _call(
    method: str, address: str, own_headers: dict[str, str] | None = None, fields: dict[str, Any] | None = None
) -> Response:
    """Call the endpoint inside this process, with its own request and transaction and the same caller."""
    db.session.rollback()
    headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
    content = {} if fields is None else {"data": batch_json.dumps(fields), "content_type": "application/json"}
    call = EnvironBuilder(address, method=method, headers=headers | (own_headers or {}), **content)
    environ = call.get_environ() | {"REMOTE_ADDR": request.remote_addr, "HTTP_HOST": request.host}
    with current_app.app_context(), current_app.request_context(environ):
        answer = current_app.full_dispatch_request()
    answer.close()  # runs what waits for the answer
    return answer
