"""Endpoints of dashboards and reports."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from marshmallow import fields

from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.api import read_log
from hms.core.api.blueprint import ApiBlueprint, ApiSchema
from hms.core.db.session import db
from hms.core.money import ZERO
from hms.core.permissions import Permission, Role
from hms.core.person import Person
from hms.core.web.guard import current_person, requires
from hms.patients.access import policy

from . import dashboards, queries

api = ApiBlueprint("reports_api", __name__, description="Dashboards and reports")
EMPTY_BILLING_STATS = {"total_billed": ZERO, "total_paid": ZERO, "outstanding": ZERO, "bill_count": 0}
EMPTY_BILLING_STATS |= {"paid_count": 0, "unpaid_count": 0, "by_method": {}, "by_month": []}


class PatientCountOut(ApiSchema):
    patient_count = fields.Integer()


class AppointmentsByDoctorOut(ApiSchema):
    appointments_by_doctor = fields.List(fields.Dict())


class TopMedicationsOut(ApiSchema):
    top_medications = fields.List(fields.Dict())


class AppointmentsTodayOut(ApiSchema):
    appointments = fields.List(fields.Dict())


@api.get("/dashboard/")
@requires(Permission.SIGNED_IN)
@api.response(200)
def dashboard() -> Any:
    """The counts of the signed-in person's desk."""
    return jsonify(dashboards.dashboard(current_person()))


@api.get("/dashboard-stats/")
@requires(Permission.SIGNED_IN)
@api.response(200)
def stats() -> Any:
    """The hospital's figures as far as the person may see them."""
    return jsonify(dashboards.stats(current_person()))


@api.get("/report/patient_count/")
@requires(Permission.READ_REPORTS)
@api.response(200, PatientCountOut)
def patient_count() -> dict[str, int]:
    """Number of active patients."""
    return {"patient_count": queries.patient_count()}


def appointment_json(row: Appointment, who: Person) -> dict[str, Any]:
    """One appointment; the doctor only for those who read the reason of visits."""
    shown = {"id": row.id, "patient": row.patient_id, "date": row.date, "time": row.time, "status": row.status}
    return shown | {"doctor": row.doctor_id} if who.may(Permission.READ_VISIT_REASON) or who.is_patient else shown


@api.get("/report/appointments_today/")
@requires(Permission.SIGNED_IN)
@api.response(200, AppointmentsTodayOut)
def appointments_today() -> Any:
    """Today's appointments; a doctor's or a patient's own."""
    who = current_person()
    if not (who.may(Permission.READ_APPOINTMENTS) or who.is_patient):
        return jsonify(appointments=[])
    query = queries.appointments_on(clock.today(), who.id if who.role == Role.DOCTOR else None)
    query = query.where(*policy.own_rows(who, Appointment.patient_id))
    rows = list(db.session.scalars(query))
    patient_reads = [read_log.PatientRead(row.patient_id, row.id) for row in rows]
    read_log.record_reads("appointments.read_list", patient_reads, entity="appointment")
    return jsonify(appointments=[appointment_json(row, who) for row in rows])


@api.get("/report/appointments_by_doctor/")
@requires(Permission.READ_REPORTS)
@api.response(200, AppointmentsByDoctorOut)
def appointments_by_doctor() -> Any:
    """How many appointments each doctor has; a doctor sees their own."""
    who = current_person()
    if who.role == Role.DOCTOR:
        return jsonify(appointments_by_doctor=queries.appointments_by_doctor(doctor_id=who.id))
    may_see = who.may(Permission.CHECK_IN) and who.role != Role.NURSE
    return jsonify(appointments_by_doctor=queries.appointments_by_doctor() if may_see else [])


@api.get("/report/top_prescribed_medications/")
@requires(Permission.READ_REPORTS)
@api.response(200, TopMedicationsOut)
def top_prescribed_medications() -> Any:
    """Most prescribed medicines, without counts below five."""
    may_see = current_person().may(Permission.READ_CLINICAL_FIGURES)
    return jsonify(top_medications=queries.top_medications() if may_see else [])


@api.get("/report/billing-stats/")
@requires(Permission.READ_REPORTS)
@api.response(200)
def billing_stats() -> Any:
    """Billed, paid and outstanding, by method and by month."""
    who = current_person()
    if who.may(Permission.READ_REVENUE):
        return jsonify(queries.billing_figures())
    if who.may(Permission.TAKE_PAYMENT):
        return jsonify(EMPTY_BILLING_STATS | {"by_method": queries.received_by_method(who.id)})
    return jsonify(EMPTY_BILLING_STATS)
