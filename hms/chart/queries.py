"""Reads of a patient's chart: pages of 25 rows, newest first, a fixed number of queries for each tab."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select

from hms.appointments.models import Appointment
from hms.billing.models import Bill, PrintedDocument
from hms.clinical.diagnoses import codes
from hms.clinical.encounters import history
from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription, VitalsReading
from hms.clinical.prescriptions import display
from hms.clinical.vitals import readings
from hms.core.db.session import db
from hms.core.text.formatting import NBSP
from hms.lab import queries as lab
from hms.patients.models import Patient
from hms.staff import directory as staff

PAGE = 25
TREND = 6


@dataclass
class Rows:
    """One page of a tab; `older` is the `before` id of the next page, None on the last."""

    rows: list[Any]
    older: int | None = None
    names: dict[int, str] = field(default_factory=dict)


def _page(rows: list[Any]) -> Rows:
    shown = rows[:PAGE]
    return Rows(shown, shown[-1].id if len(rows) > PAGE else None)


def _after(query: Select, model: Any, moment: Any, before: int | None) -> Select:
    """`query` newest first, continued after the row `before`."""
    query = query.order_by(moment.desc(), model.id.desc()).limit(PAGE + 1)
    if before is None:
        return query
    mark = select(moment).where(model.id == before).scalar_subquery()
    return query.where(or_(moment < mark, and_(moment == mark, model.id < before)))


def laboratory(patient_id: int, before: int | None = None) -> Rows:
    """Tests ordered here, with what the laboratory found."""
    return _page(lab.of_patient(patient_id, before, PAGE + 1))


def conditions(patient_id: int, before: int | None = None) -> Rows:
    """Every diagnosis on record."""
    query = select(Condition).where(Condition.patient_id == patient_id, Condition.status == "final")
    begun = func.coalesce(Condition.onset_on, func.date(Condition.created_at))
    return _page(list(db.session.scalars(_after(query, Condition, begun, before))))


def encounters(patient_id: int, before: int | None = None) -> Rows:
    """Encounters with their diagnoses."""
    query = history.visits().where(Encounter.patient_id == patient_id)
    page = _page(db.session.execute(_after(query, Encounter, Encounter.started_at, before)).all())
    return Rows(history.as_visits(page.rows), page.older)


def prescriptions(patient_id: int, before: int | None = None) -> Rows:
    """All prescriptions."""
    query = select(Prescription).where(
        Prescription.patient_id == patient_id, Prescription.status.not_in(("entered_in_error", "draft"))
    )
    if before is not None:
        query = query.where(Prescription.id < before)
    page = _page(list(db.session.scalars(query.order_by(Prescription.id.desc()).limit(PAGE + 1))))
    return Rows(display.shown(page.rows), page.older)


def last_readings(patient: Patient) -> list[readings.Reading]:
    """The last `TREND` sets of vital signs, newest first."""
    return [
        readings.shown(row, patient.birth_date)
        for row in db.session.execute(_last_readings(), {"patient_id": patient.id, "limit": TREND}).scalars()
    ]


@cache
def _last_readings() -> Select:
    patient_id, limit = bindparam("patient_id"), bindparam("limit")
    query = select(VitalsReading).where(VitalsReading.patient_id == patient_id, VitalsReading.status == "final")
    return query.order_by(VitalsReading.taken_at.desc()).limit(limit)


@dataclass(frozen=True)
class Trend:
    """One vital sign over the last readings: a cell for each, None where it was not measured."""

    label: str
    cells: tuple[readings.Measure | None, ...]

    @property
    def numbers(self) -> list[str]:
        """The values alone, oldest first, for a line; of a blood pressure the upper one."""
        return [re.split(rf"[{NBSP}/%]", cell.text)[0] for cell in self.cells if cell]


def trends(shown: Sequence[readings.Reading]) -> list[Trend]:
    """Vital signs measured more than once, oldest reading first."""
    takings = [{measure.key: measure for measure in taking.measures} for taking in reversed(shown)]
    rows = [(label, tuple(taking.get(key) for taking in takings)) for key, label in readings.SHORT.items()]
    return [Trend(label, cells) for label, cells in rows if sum(cell is not None for cell in cells) > 1]


def readings_of(patient: Patient, before: int | None = None) -> Rows:
    """Vital signs, corrected ones too."""
    query = select(VitalsReading).where(VitalsReading.patient_id == patient.id)
    page = _page(list(db.session.scalars(_after(query, VitalsReading, VitalsReading.taken_at, before))))
    names = staff.display_names({row.taken_by_id for row in page.rows if row.taken_by_id})
    shown = [(readings.shown(row, patient.birth_date, names.get(row.taken_by_id or 0, "")), row) for row in page.rows]
    return Rows(shown, page.older)


def observations(patient_id: int, before: int | None = None) -> Rows:
    """Measurements that came with imported records."""
    query = select(Observation).where(Observation.patient_id == patient_id)
    taken = func.coalesce(Observation.taken_at, Observation.created_at)
    return _page(list(db.session.scalars(_after(query, Observation, taken, before))))


def immunizations(patient_id: int, limit: int = PAGE) -> list[Immunization]:
    """Vaccines given, the last first."""
    return list(db.session.execute(_immunizations(), {"patient_id": patient_id, "limit": limit}).scalars())


@cache
def _immunizations() -> Select:
    patient_id, limit = bindparam("patient_id"), bindparam("limit")
    query = select(Immunization).where(Immunization.patient_id == patient_id)
    return query.order_by(Immunization.given_on.desc().nulls_last(), Immunization.id).limit(limit)


def appointments(patient_id: int, before: int | None = None) -> Rows:
    """Bookings, past and to come."""
    query = select(Appointment).where(Appointment.patient_id == patient_id, Appointment.withdrawn_at.is_(None))
    moment = Appointment.date + Appointment.time
    page = _page(list(db.session.scalars(_after(query, Appointment, moment, before))))
    return Rows(page.rows, page.older, staff.display_names({row.doctor_id for row in page.rows}))


def bills(patient_id: int, before: int | None = None) -> Rows:
    """Bills in every state."""
    query = select(Bill).where(Bill.patient_id == patient_id)
    if before is not None:
        query = query.where(Bill.id < before)
    return _page(list(db.session.scalars(query.order_by(Bill.id.desc()).limit(PAGE + 1))))


def documents(patient_id: int, before: int | None = None) -> Rows:
    """Printed documents of the patient: invoices."""
    query = (
        select(PrintedDocument.id, PrintedDocument.kind, PrintedDocument.made_at, Bill.id.label("bill_id"), Bill.number)
        .join(Bill, and_(PrintedDocument.kind == "invoice", PrintedDocument.ref_id == Bill.id))
        .where(Bill.patient_id == patient_id)
    )
    if before is not None:
        query = query.where(PrintedDocument.id < before)
    return _page(db.session.execute(query.order_by(PrintedDocument.id.desc()).limit(PAGE + 1)).all())


def system_name(address: str) -> str:
    """Display name of a code system, from its URL."""
    return codes.system_name(address)
