"""Reads of a patient's chart: newest first, `PAGE_SIZE` rows a page, a fixed number of queries for each tab."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select

from hms.appointments.models import Appointment
from hms.billing.models import Bill, PrintedDocument
from hms.clinical.diagnoses import codes
from hms.clinical.diagnoses import queries as diagnosis_queries
from hms.clinical.encounters import history
from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription, VitalsReading
from hms.clinical.prescriptions import display
from hms.clinical.vitals import readings
from hms.core.db.fixed_words import fixed_number
from hms.core.db.session import db
from hms.core.text.formatting import NBSP
from hms.lab import queries as lab
from hms.patients.models import Patient
from hms.staff import directory as staff

PAGE_SIZE = 25
MAX_READINGS = 6
MAX_OBSERVATIONS = 10
MAX_STATEMENTS = 5
LONG_AGO = datetime(1800, 1, 1, tzinfo=UTC)
"""Where records without a known time stand in lists: last."""


@dataclass
class TabRows:
    """One page of rows; `older` is the `before` id of the next page, None on the last. `names` are staff names by id."""

    rows: list[Any]
    older: int | None = None
    names: dict[int, str] = field(default_factory=dict)


def _to_tab_rows(rows: list[Any]) -> TabRows:
    shown = rows[:PAGE_SIZE]
    return TabRows(shown, shown[-1].id if len(rows) > PAGE_SIZE else None)


def _newest_first(query: Select, model: Any, moment: Any, before: int | None) -> Select:
    """`query` newest first by `moment`, after the row with the id `before`; one row more than a page."""
    query = query.order_by(moment.desc(), model.id.desc()).limit(PAGE_SIZE + 1)
    if before is None:
        return query
    last_moment = select(moment).where(model.id == before).scalar_subquery()
    return query.where(or_(moment < last_moment, and_(moment == last_moment, model.id < before)))


def lab_orders(patient_id: int, before: int | None = None) -> TabRows:
    """Laboratory orders with their results."""
    return _to_tab_rows(lab.list_patient_orders(patient_id, before, PAGE_SIZE + 1))


def conditions(patient_id: int, before: int | None = None) -> TabRows:
    """All diagnoses on record, without those of encounters that were entered in error."""
    query = select(Condition).where(
        Condition.patient_id == patient_id, Condition.status == "final", ~diagnosis_queries.is_withdrawn()
    )
    since = func.coalesce(diagnosis_queries.begins_on(), LONG_AGO.date())
    return _to_tab_rows(list(db.session.scalars(_newest_first(query, Condition, since, before))))


def absences(patient_id: int) -> list[str]:
    """Statements of imported records that there is no problem."""
    return list(db.session.scalars(_absences(), {"patient_id": patient_id, "limit": MAX_STATEMENTS}))


@cache
def _absences() -> Select:
    of_patient = (Condition.patient_id == bindparam("patient_id"), Condition.status == "final")
    is_stated = (Condition.is_absence, Condition.clinical_status == "active", ~diagnosis_queries.is_withdrawn())
    query = select(Condition.title).where(*of_patient, *is_stated)
    return query.order_by(Condition.id.desc()).limit(fixed_number("limit"))


def encounters(patient_id: int, before: int | None = None) -> TabRows:
    """Summaries of encounters."""
    query = history.select_visits().where(Encounter.patient_id == patient_id)
    began = func.coalesce(Encounter.started_at, LONG_AGO)
    page = _to_tab_rows(db.session.execute(_newest_first(query, Encounter, began, before)).all())
    return TabRows(history.to_visits(page.rows), page.older)


def prescriptions(patient_id: int, before: int | None = None) -> TabRows:
    """Prescriptions, without drafts."""
    query = select(Prescription).where(
        Prescription.patient_id == patient_id, Prescription.status.not_in(("entered_in_error", "draft"))
    )
    if before is not None:
        query = query.where(Prescription.id < before)
    page = _to_tab_rows(list(db.session.scalars(query.order_by(Prescription.id.desc()).limit(PAGE_SIZE + 1))))
    return TabRows(display.to_lines(page.rows), page.older)


def last_readings(patient: Patient) -> list[readings.Reading]:
    """The last `MAX_READINGS` readings of vital signs, newest first."""
    return [
        readings.to_reading(row, patient.birth_date)
        for row in db.session.execute(_last_readings(), {"patient_id": patient.id, "limit": MAX_READINGS}).scalars()
    ]


@cache
def _last_readings() -> Select:
    patient_id, limit = bindparam("patient_id"), fixed_number("limit")
    query = select(VitalsReading).where(VitalsReading.patient_id == patient_id, VitalsReading.status == "final")
    return query.order_by(VitalsReading.taken_at.desc()).limit(limit)


@dataclass(frozen=True)
class Trend:
    """One vital sign over the last readings; a cell is None where it was not measured."""

    label: str
    cells: tuple[readings.Measure | None, ...]

    @property
    def numbers(self) -> list[str]:
        """The values without units, oldest first, for the line chart; the systolic value of a blood pressure."""
        return [re.split(rf"[{NBSP}/%]", cell.text)[0] for cell in self.cells if cell]


def trends(newest_first: Sequence[readings.Reading]) -> list[Trend]:
    """Vital signs measured more than once, oldest reading first."""
    by_key = [{measure.key: measure for measure in measures.measures} for measures in reversed(newest_first)]
    rows = [(label, tuple(measures.get(key) for measures in by_key)) for key, label in readings.SHORT_LABELS.items()]
    return [Trend(label, cells) for label, cells in rows if sum(cell is not None for cell in cells) > 1]


def readings_of(patient: Patient, before: int | None = None) -> TabRows:
    """Readings of vital signs with their records, corrected ones too."""
    query = select(VitalsReading).where(VitalsReading.patient_id == patient.id)
    page = _to_tab_rows(list(db.session.scalars(_newest_first(query, VitalsReading, VitalsReading.taken_at, before))))
    names = staff.display_names({row.taken_by_id for row in page.rows if row.taken_by_id})
    rows = [
        (readings.to_reading(row, patient.birth_date, names.get(row.taken_by_id or 0, "")), row) for row in page.rows
    ]
    return TabRows(rows, page.older)


def observations(patient_id: int, before: int | None = None) -> TabRows:
    """Measurements from imported records."""
    query = select(Observation).where(Observation.patient_id == patient_id)
    taken = func.coalesce(Observation.taken_at, LONG_AGO)
    return _to_tab_rows(list(db.session.scalars(_newest_first(query, Observation, taken, before))))


def last_observations(patient_id: int) -> list[Observation]:
    """The last measurements from imported records, newest first."""
    return list(db.session.scalars(_last_observations(), {"patient_id": patient_id, "limit": MAX_OBSERVATIONS}))


@cache
def _last_observations() -> Select:
    query = select(Observation).where(Observation.patient_id == bindparam("patient_id"))
    newest_first = query.order_by(Observation.taken_at.desc().nulls_last(), Observation.id.desc())
    return newest_first.limit(fixed_number("limit"))


def immunizations(patient_id: int, limit: int = PAGE_SIZE) -> list[Immunization]:
    """Immunisations, newest first."""
    return list(db.session.execute(_immunizations(), {"patient_id": patient_id, "limit": limit}).scalars())


@cache
def _immunizations() -> Select:
    patient_id, limit = bindparam("patient_id"), fixed_number("limit")
    query = select(Immunization).where(Immunization.patient_id == patient_id)
    return query.order_by(Immunization.given_on.desc().nulls_last(), Immunization.id).limit(limit)


def appointments(patient_id: int, before: int | None = None) -> TabRows:
    """Appointments, past and upcoming."""
    query = select(Appointment).where(Appointment.patient_id == patient_id, Appointment.withdrawn_at.is_(None))
    moment = Appointment.date + Appointment.time
    page = _to_tab_rows(list(db.session.scalars(_newest_first(query, Appointment, moment, before))))
    return TabRows(page.rows, page.older, staff.display_names({row.doctor_id for row in page.rows}))


def bills(patient_id: int, before: int | None = None) -> TabRows:
    """Bills of every status."""
    query = select(Bill).where(Bill.patient_id == patient_id)
    if before is not None:
        query = query.where(Bill.id < before)
    return _to_tab_rows(list(db.session.scalars(query.order_by(Bill.id.desc()).limit(PAGE_SIZE + 1))))


def documents(patient_id: int, before: int | None = None) -> TabRows:
    """Printed documents of the patient: invoices."""
    query = (
        select(PrintedDocument.id, PrintedDocument.kind, PrintedDocument.made_at, Bill.id.label("bill_id"), Bill.number)
        .join(Bill, and_(PrintedDocument.kind == "invoice", PrintedDocument.ref_id == Bill.id))
        .where(Bill.patient_id == patient_id)
    )
    if before is not None:
        query = query.where(PrintedDocument.id < before)
    return _to_tab_rows(db.session.execute(query.order_by(PrintedDocument.id.desc()).limit(PAGE_SIZE + 1)).all())


def system_name(address: str) -> str:
    """Display name of a code system, from its URL."""
    return codes.system_name(address)
