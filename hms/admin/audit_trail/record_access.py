"""Who opened one patient's record: a line for each person and day, in words for the patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Date, cast, func, literal_column, select

from hms.core import clock
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db
from hms.core.permissions import LABELS, Role
from hms.patients import lookup
from hms.patients.access.policy import EMERGENCY
from hms.patients.models import BreakGlass
from hms.staff import directory as staff

YEAR = timedelta(days=365)
MAX_COUNT = 1000
REASONS = {
    Role.DOCTOR.value: _l("Care"),
    Role.NURSE.value: _l("Care"),
    Role.LAB.value: _l("Tests"),
    Role.PHARMACIST.value: _l("Medicines"),
    Role.RECEPTIONIST.value: _l("Registration and appointments"),
    Role.CASHIER.value: _l("Bills and payments"),
    Role.ADMIN.value: _l("Administration"),
    Role.PATIENT.value: _l("Own record"),
}
"""The reason shown for a role, unless the person entered one."""

_ENTRY = AuditEntry.__table__.c


@dataclass(frozen=True)
class Access:
    """One person on one hospital day, emergency access separately: first and last time, numbers of reads and changes, and
    the reason."""

    day: date
    name: str
    role: str
    first: datetime
    last: datetime
    looked: int
    changed: int
    why: str
    is_emergency: bool


def accesses(patient_id: int, first: date, last: date) -> list[Access]:
    """Who opened or changed the record, or one that was merged into it, on these days (both included), the latest first; at
    most `MAX_COUNT` lines."""
    rows = db.session.execute(_grouped(patient_id, first, last)).all()
    names = staff.display_names({row.actor_id for row in rows if row.actor_id is not None})
    reasons = _reasons(patient_id) if any(row.is_emergency for row in rows) else {}
    return [_access(row, names, reasons) for row in rows]


def _grouped(patient_id: int, first: date, last: date) -> Any:
    """The entries grouped by person, day and emergency access.

    A change has the written row with its id; a read has none.
    """
    zone = literal_column(f"'{clock.zone().key}'")
    day = cast(func.timezone(zone, _ENTRY.recorded_at), Date)
    is_emergency = func.coalesce(_ENTRY.purpose == EMERGENCY, False)
    is_change = func.coalesce(_ENTRY.old.is_not(None) | _ENTRY.new.has_key("id"), False)
    return (
        select(
            day.label("day"),
            _ENTRY.actor_id,
            func.max(_ENTRY.actor_name).label("account"),
            _ENTRY.actor_role,
            func.min(_ENTRY.recorded_at).label("first"),
            func.max(_ENTRY.recorded_at).label("last"),
            func.count().filter(~is_change).label("looked"),
            func.count().filter(is_change).label("changed"),
            is_emergency.label("is_emergency"),
        )
        .where(
            _ENTRY.patient_id.in_(lookup.record_ids(patient_id)),
            _ENTRY.outcome == "success",
            _ENTRY.recorded_at >= clock.day_bounds(first)[0],
            _ENTRY.recorded_at < clock.day_bounds(last)[1],
        )
        .group_by(day, _ENTRY.actor_id, _ENTRY.actor_role, is_emergency)
        .order_by(day.desc(), func.max(_ENTRY.recorded_at).desc())
        .limit(MAX_COUNT)
    )


def _reasons(patient_id: int) -> dict[tuple[int, date], list[str]]:
    """The reasons of emergency accesses, by account and day."""
    reasons: dict[tuple[int, date], list[str]] = {}
    query = select(BreakGlass.user_id, BreakGlass.opened_at, BreakGlass.reason).where(
        BreakGlass.patient_id == patient_id
    )
    for user_id, opened_at, reason in db.session.execute(query.order_by(BreakGlass.id)):
        reasons.setdefault((user_id, clock.local(opened_at).date()), []).append(reason)
    return reasons


def _access(row: Any, names: dict[int, str], reasons: dict[tuple[int, date], list[str]]) -> Access:
    role = row.actor_role or ""
    why = REASONS.get(role, _l("Hospital programs") if row.actor_id is None else _l("Work at the hospital"))
    entered = reasons.get((row.actor_id, row.day), []) if row.is_emergency else []
    return Access(
        day=row.day,
        name=names.get(row.actor_id or 0) or row.account or "",
        role=LABELS.get(role, role),
        first=row.first,
        last=row.last,
        looked=row.looked,
        changed=row.changed,
        why="; ".join(entered) or why,
        is_emergency=row.is_emergency,
    )
