"""Pages: offline entries that were refused on synchronisation."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.text import formatting
from hms.core.web.guard import current_person, requires
from hms.interop.models import OfflineEntry

from . import actions, queries

pages = Blueprint("interop", __name__, url_prefix="/offline-entries")
ROWS = 25

ENTRY_LABELS = {
    "patient": _l("Patient"),
    "appointment": _l("Appointment"),
    "encounter": _l("Encounter"),
    "prescription": _l("Prescription"),
    "bill": _l("Bill"),
    "payment": _l("Payment"),
}
PAGES = {
    "patient": ("chart.summary", "patient_id"),
    "encounter": ("clinical.encounter", "encounter_id"),
    "bill": ("billing.bill", "bill_id"),
}
"""The endpoint of a record's page, and the name of its id."""


@pages.get("")
@requires(Permission.SYNC_OFFLINE)
def waiting() -> str:
    """The person's own refused entries, with the typed values and the reasons."""
    before = request.args.get("before", type=int)
    rows = db.session.scalars(queries.refused_entries(current_person().id, before).limit(ROWS + 1)).all()
    older = url_for(".waiting", before=rows[ROWS - 1].id) if len(rows) > ROWS else None
    return render_template(
        "interop/waiting.html",
        rows=rows[:ROWS],
        older=older,
        kinds=ENTRY_LABELS,
        reasons=_reasons,
        typed=_typed,
        saved_at=_saved_at,
    )


def _saved_at(row: OfflineEntry) -> str | None:
    """The page of the record that a conflicting entry was saved as; None for an entry that is not saved at all."""
    page, record_id = PAGES.get(row.model), (row.refusal or {}).get("id")
    return url_for(page[0], **{page[1]: record_id}) if page and isinstance(record_id, int) else None


def _typed(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """The names and values that the device sent, with formatted dates."""
    return [(name.replace("_", " "), _shown(value)) for name, value in payload.items() if value not in ("", None)]


def _shown(value: Any) -> str:
    try:
        return formatting.format_date(date.fromisoformat(value))
    except (TypeError, ValueError):
        return str(value)


def _reasons(refusal: dict[str, Any]) -> list[str]:
    """The messages in the API's refusal, without codes."""
    messages = [text for texts in refusal.values() for text in (texts if isinstance(texts, list) else [texts])]
    return [text for text in messages if isinstance(text, str) and " " in text]


@pages.post("/<int:entry_id>/settle")
@requires(Permission.SYNC_OFFLINE)
def settle(entry_id: int) -> ResponseReturnValue:
    """Mark an entry as done."""
    actions.settle(entry_id, by=current_person())
    return redirect(url_for(".waiting"), 303)
