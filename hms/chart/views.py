"""Pages: the chart of one patient. Each tab has its own URL and needs its own permission."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from hms.appointments import enums as appointment_enums
from hms.clinical.encounters import history
from hms.clinical.encounters import queries as encounter_queries
from hms.clinical.prescriptions import display, patient_context
from hms.clinical.prescriptions import queries as prescription_queries
from hms.clinical.problems import queries as problem_queries
from hms.core.actions import action_context
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.patients.access import policy
from hms.patients.death import queries as death_queries
from hms.patients.models import Patient
from hms.patients.records import actions as patient_actions
from hms.patients.records import banner as patients

from . import queries

pages = Blueprint("chart", __name__, url_prefix="/patients/<int:patient_id>")

MAX_PROBLEMS, MAX_VACCINES = 12, 10
ENDPOINTS = {"medicines": "chart.medicines_page"}


def _may_read_record(patient: Patient, who: Person) -> bool:
    """Whether `who` may read the clinical content of this record."""
    return encounter_queries.may_read_clinical(who) and policy.is_open(patient, who)


def _may_read_content(who: Person) -> bool:
    """Whether the role of `who` may read any clinical content."""
    return (
        encounter_queries.may_read_clinical(who)
        or prescription_queries.may_read_prescriptions(who)
        or patients.reads_allergies(who)
    )


def _open_chart(patient_id: int, who: Person) -> Patient | None:
    """Record the opening of the chart and return the patient; None when `who` may not read the clinical record."""
    if not encounter_queries.may_read_clinical(who):
        return None
    try:
        return patient_actions.open_chart(patient_id, by=who)
    except policy.RecordRestricted:
        return None


def _tabs(patient: Patient, may_read: bool, who: Person, current: str) -> list[dict[str, Any]]:
    """The tabs that `who` may open."""
    tabs = (
        ("summary", _("Summary"), True),
        ("encounters", _("Encounters"), may_read),
        ("medicines", _("Medicines"), may_read),
        ("results", _("Results"), may_read),
        ("appointments", _("Appointments"), who.may(Permission.READ_APPOINTMENTS)),
        ("bills", _("Bills"), who.may(Permission.READ_BILL)),
        ("documents", _("Documents"), who.may(Permission.READ_BILL)),
    )
    return [
        {
            "label": label,
            "url": url_for(ENDPOINTS.get(name, f"chart.{name}"), patient_id=patient.id),
            "is_current": name == current,
            "ux": f"tab-{name}",
        }
        for name, label, is_shown in tabs
        if is_shown
    ]


def _render_tab(template: str, patient: Patient, tab: str, **context: Any) -> str:
    who = current_person()
    may_read = _may_read_record(patient, who)
    return render_template(
        f"chart/{template}.html",
        patient=patient,
        banner=patients.patient_banner(patient, who),
        is_closed=_may_read_content(who) and not policy.is_open(patient, who),
        tabs_shown=_tabs(patient, may_read, who, tab),
        system_name=queries.system_name,
        **context,
    )


def _before_parameter() -> int | None:
    """The `before` parameter: the id of the last row of the previous page; raises `RuleBroken` when it is not an id."""
    text = request.args.get("before")
    if text is None:
        return None
    before = parse_record_id(text)
    if before is None:
        raise RuleBroken(N_("This page does not exist."), "before")
    return before


@pages.get("")
@requires(Permission.FIND_PATIENT)
def summary(patient_id: int) -> str:
    """The first page of the chart: clinical summary, or only the patient's details without clinical access."""
    who = current_person()
    with action_context("clinical.open_chart", who):
        return _summary(patient_id, who)


def _summary(patient_id: int, who: Person) -> str:
    patient = _open_chart(patient_id, who)
    if patient is None:
        patient = patient_actions.look_up(patient_id, by=who)
        appointment_rows = (
            queries.appointments(patient.id) if who.may(Permission.READ_APPOINTMENTS) else queries.TabRows([])
        )
        bill_rows = queries.bills(patient.id) if who.may(Permission.READ_BILL) else queries.TabRows([])
        return _render_tab(
            "desk",
            patient,
            "summary",
            appointments=appointment_rows,
            bills=bill_rows,
            status_words=appointment_enums.STATUS_LABELS,
        )
    last_readings = queries.last_readings(patient)
    return _render_tab(
        "summary",
        patient,
        "summary",
        death=death_queries.get_details(patient),
        problems=problem_queries.list_active(patient.id, MAX_PROBLEMS + 1),
        most_problems=MAX_PROBLEMS,
        current=display.to_lines(patient_context.current_prescriptions(patient.id)),
        readings=last_readings,
        trends=queries.trends(last_readings),
        absences=queries.absences(patient.id),
        observations=queries.last_observations(patient.id),
        visits=history.last_visits(patient.id),
        vaccines=queries.immunizations(patient.id, limit=MAX_VACCINES + 1),
        most_vaccines=MAX_VACCINES,
    )


@pages.get("/encounters")
@requires(Permission.OPEN_CHART)
def encounters(patient_id: int) -> str:
    """Encounters of the patient."""
    patient = patient_actions.open_chart(patient_id, by=current_person())
    return _render_tab(
        "encounters", patient, "encounters", tab_rows=queries.encounters(patient.id, _before_parameter())
    )


@pages.get("/medicines")
@requires(Permission.OPEN_CHART)
def medicines_page(patient_id: int) -> str:
    """Prescriptions of the patient."""
    patient = patient_actions.open_chart(patient_id, by=current_person())
    return _render_tab(
        "medicines", patient, "medicines", tab_rows=queries.prescriptions(patient.id, _before_parameter())
    )


@pages.get("/results")
@requires(Permission.OPEN_CHART)
def results(patient_id: int) -> str:
    """Vital signs, laboratory tests, imported measurements, immunisations and diagnoses."""
    patient = patient_actions.open_chart(patient_id, by=current_person())
    kind = request.args.get("kind", "vitals")
    sources = {
        "vitals": lambda: queries.readings_of(patient, _before_parameter()),
        "lab": lambda: queries.lab_orders(patient.id, _before_parameter()),
        "observations": lambda: queries.observations(patient.id, _before_parameter()),
        "immunizations": lambda: queries.TabRows(queries.immunizations(patient.id, limit=100)),
        "conditions": lambda: queries.conditions(patient.id, _before_parameter()),
    }
    if kind not in sources:
        raise RuleBroken(N_("This page does not exist."), "kind")
    return _render_tab("results", patient, "results", kind=kind, tab_rows=sources[kind]())


@pages.get("/appointments")
@requires(Permission.READ_APPOINTMENTS)
def appointments(patient_id: int) -> str:
    """Appointments of the patient."""
    patient = patient_actions.look_up(patient_id, by=current_person())
    tab_rows = queries.appointments(patient.id, _before_parameter())
    return _render_tab(
        "appointments", patient, "appointments", tab_rows=tab_rows, status_words=appointment_enums.STATUS_LABELS
    )


@pages.get("/bills")
@requires(Permission.READ_BILL)
def bills(patient_id: int) -> str:
    """Bills of the patient."""
    patient = patient_actions.look_up(patient_id, by=current_person())
    return _render_tab("bills", patient, "bills", tab_rows=queries.bills(patient.id, _before_parameter()))


@pages.get("/documents")
@requires(Permission.READ_BILL)
def documents(patient_id: int) -> str:
    """Printed documents of the patient."""
    patient = patient_actions.look_up(patient_id, by=current_person())
    return _render_tab("documents", patient, "documents", tab_rows=queries.documents(patient.id, _before_parameter()))
