"""Rows of all desks in the words of the pages that list them: what a row is, and its day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Table, select

from hms.core import clock
from hms.core.db.session import db

from .moved_rows import Row

WORDS: dict[str, LazyString] = {
    "allergy": _l("Allergy"),
    "app_user": _l("Patient's account"),
    "appointment": _l("Appointment"),
    "bill": _l("Bill"),
    "break_glass": _l("Emergency access"),
    "condition": _l("Diagnosis"),
    "consent": _l("Consent"),
    "consent_form": _l("Form of consent"),
    "death": _l("Death"),
    "dispense": _l("Dispensed medicine"),
    "encounter": _l("Encounter"),
    "escalation": _l("Critical value"),
    "immunization": _l("Vaccination"),
    "lab_order": _l("Test"),
    "message_preference": _l("Wishes about messages"),
    "observation": _l("Measurement"),
    "other_phone": _l("Phone"),
    "outgoing_message": _l("Message"),
    "point_entry": _l("Place in the line of a service point"),
    "prescription": _l("Prescription"),
    "queue_entry": _l("Place in the queue"),
    "record_document": _l("Document"),
    "relative": _l("Next of kin"),
    "saturation_scale": _l("SpO₂ scale"),
    "vitals_reading": _l("Vital signs"),
    "waiting_list_entry": _l("Entry on the waiting list"),
}
OTHER = _l("Other record")
DAYS = ("date", "service_date", "started_at", "taken_at", "ordered_at", "dispensed_at", "issued_at", "created_at")
"""The columns with the day of a row; the first that a table has, and that is not empty."""


@dataclass(frozen=True)
class DescribedRow:
    """A row with its words."""

    row: Row
    what: LazyString
    day: date | None


def described(rows: Collection[Row]) -> dict[Row, DescribedRow]:
    """Each row with what it is and its day; one query for each table."""
    days: dict[Row, date | None] = {}
    for name in {row.table for row in rows}:
        table = db.metadata.tables[name]
        days |= _days(table, [row.id for row in rows if row.table == name])
    return {row: DescribedRow(row, WORDS.get(row.table, OTHER), days.get(row)) for row in rows}


def _days(table: Table, ids: list[int]) -> dict[Row, date | None]:
    columns = [table.c[name] for name in DAYS if name in table.c]
    found = db.session.execute(select(table.c.id, *columns).where(table.c.id.in_(ids)))
    return {Row(table.name, row_id): _first_day(values) for row_id, *values in found}


def _first_day(values: list[Any]) -> date | None:
    day = next((value for value in values if value is not None), None)
    return clock.local(day).date() if isinstance(day, datetime) else day
