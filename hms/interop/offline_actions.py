"""Noting what became of an entry made without network, and being done with a refused one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hms.core import clock
from hms.core.actions import action
from hms.core.db import db
from hms.core.errors import NotFound
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _
from hms.messages import actions as messages

from .models import OfflineEntry
from .offline_queries import entry_of

if TYPE_CHECKING:
    from .offline import Entry


@action(Action.SYNC_OFFLINE, "interop.note")
def note(entry: Entry, *, status: int, answer: dict[str, Any], by: Person) -> OfflineEntry:
    """Write down how the direct call was answered: with `status` below 300 as record `answer["id"]`, else refused."""
    row = entry_of(by.id, entry.model, entry.key)
    if row is None:
        row = OfflineEntry(user_id=by.id, model=entry.model, key=entry.key)
        db.session.add(row)
    is_saved = status < 300
    row.status, row.settled_at = status, None
    row.record_id = answer["id"] if is_saved else None
    row.fields, row.refusal = (None, None) if is_saved else (entry.fields, answer)
    return row


@action(Action.SYNC_OFFLINE, "interop.ask_to_settle")
def ask_to_settle(*, by: Person) -> None:
    """Tell the person that entries of theirs wait at their page."""
    message = _("Open the list to see what was refused and why. Nothing is lost.")
    messages.tell(by.id, title=_("Offline entries need you"), message=message, url="/offline-entries", by=by)


@action(Action.SYNC_OFFLINE, "interop.settle")
def settle(entry_id: int, *, by: Person) -> OfflineEntry:
    """The person has dealt with one of their own refused entries; another's is not found."""
    row = db.session.get(OfflineEntry, entry_id)
    if row is None or row.user_id != by.id or row.record_id is not None:
        raise NotFound(_("There is no such record."))
    row.settled_at = row.settled_at or clock.now()
    return row
