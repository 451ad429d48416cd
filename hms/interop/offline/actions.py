"""Records the outcome of offline entries, and settles refused ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.interop.models import OfflineEntry
from hms.messages import actions as messages
from hms.staff.models import User

from . import batch_json, queries

ENDPOINTS = {
    "patient": "/api/patients/",
    "appointment": "/api/appointments/",
    "encounter": "/api/encounters/",
    "prescription": "/api/prescriptions/",
    "bill": "/api/bills/",
    "payment": "/api/payments/",
}
MAX_ENTRIES = 100
MAX_KEY_LENGTH = 100
UNREADABLE = _l(
    "An entry needs `model` (patient, appointment, encounter, prescription, bill or payment), `fields`, "
    "and the device's key for it: `key`, or `unique_id` in its fields."
)
FORWARDED_HEADERS = ("Authorization", "Cookie", "X-CSRFToken", "Accept-Language", "User-Agent")


@dataclass(frozen=True)
class BatchItem:
    """One item of a batch: `fields` as in a direct API call, `key` the device's key for it."""

    model: str
    key: str
    fields: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Tells entries with the same key and other fields apart."""
        written = json.dumps(batch_json.storable(self.fields), sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()

    @classmethod
    def read(cls, item: Any) -> BatchItem | None:
        """The entry for an item of a batch; None when the item is not valid. Without `key`, `unique_id` of its fields is used."""
        if not isinstance(item, dict) or not isinstance(item.get("fields"), dict):
            return None
        key = item.get("key") or item["fields"].get("unique_id")
        if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_LENGTH or batch_json.first_fault({key: ""}):
            return None
        model = item.get("model")
        return cls(model, key, item["fields"]) if isinstance(model, str) and model in ENDPOINTS else None


@action(Permission.SYNC_OFFLINE, "interop.note")
def record_response(entry: BatchItem, *, status: int, response: dict[str, Any], by: Person) -> OfflineEntry:
    """Store the response of the API call: with `status` below 300 the record `answer["id"]`, else the refusal.

    A saved entry keeps the record; other fields under its key become an entry of their own, to be settled.
    """
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update(key_share=True))  # one after the other
    row = queries.entry_with_fields(by.id, entry.model, entry.key, entry.fingerprint)
    if row is None and queries.saved_entry(by.id, entry.model, entry.key) is None:
        row = queries.refused_entry(by.id, entry.model, entry.key)
    if row is None:
        row = OfflineEntry(user_id=by.id, model=entry.model, key=entry.key)
        db.session.add(row)
    is_saved = status < 300
    row.fingerprint, row.status, row.settled_at = entry.fingerprint, status, None
    row.record_id = response["id"] if is_saved else None
    row.fields, row.refusal = (None, None) if is_saved else (batch_json.storable(entry.fields), response)
    return row


@action(Permission.SYNC_OFFLINE, "interop.ask_to_settle")
def notify_unsettled(*, by: Person) -> None:
    """Send the person an alert that some of their entries need correction."""
    message = N_("Open the list to see what was not accepted and why. Nothing is lost.")
    messages.notify(by.id, title=N_("Offline entries need correction"), message=message, url="/offline-entries", by=by)


@action(Permission.SYNC_OFFLINE, "interop.settle")
def settle(entry_id: int, *, by: Person) -> OfflineEntry:
    """Mark one of the person's own refused entries as done; `NotFound` for an entry of someone else."""
    row = db.session.get(OfflineEntry, entry_id)
    if row is None or row.user_id != by.id or row.record_id is not None:
        raise NotFound(N_("This record does not exist."))
    row.settled_at = row.settled_at or clock.now()
    return row
