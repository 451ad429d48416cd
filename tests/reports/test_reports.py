"""Dashboards and reports show every role what it may see."""

from __future__ import annotations

import pytest

from hms.core.actions import action_context
from hms.core.person import SYSTEM
from hms.patients.models import Patient

STAFF = ("admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab")
REPORTS = (
    "patient_count",
    "appointments_today",
    "appointments_by_doctor",
    "top_prescribed_medications",
    "billing-stats",
)


@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize("report", REPORTS)
def test_every_report_answers_every_member_of_staff(program, role, report):
    assert program(role).get(f"/api/report/{report}/").status_code == 200


@pytest.mark.parametrize("role", [*STAFF, "patient", "norole"])
def test_every_role_has_a_dashboard(program, role):
    assert program(role).get("/api/dashboard/").status_code == 200
    assert program(role).get("/api/dashboard-stats/").status_code == 200


@pytest.mark.security("D")
def test_money_is_shown_only_where_money_is_worked_with(program):
    seen = {role: program(role).get("/api/dashboard-stats/").get_json() for role in STAFF}
    assert {role for role, figures in seen.items() if "revenue_today" in figures} == {"admin", "cashier"}


@pytest.mark.security("D")
def test_patients_have_no_reports(program):
    assert program("patient").get("/api/report/patient_count/").status_code == 403
    assert program("patient").get("/api/report/appointments_today/").get_json() == {"appointments": []}


def test_the_count_grows_with_a_registration(db, program):
    before = program("nurse").get("/api/report/patient_count/").get_json()["patient_count"]
    with action_context("tests.seed", SYSTEM):
        db.session.add(Patient(hospital_number="HMS-1", number=1, given_names="Isatu", sex="female"))
    assert program("nurse").get("/api/report/patient_count/").get_json()["patient_count"] == before + 1


@pytest.mark.parametrize("period", ["today", "week", "month", "nonsense"])
def test_the_overview_shows_figures(desk, period):
    page = desk("admin").get(f"/reports/?period={period}").get_data(as_text=True)
    assert "Received" in page
    assert "Received" not in desk("nurse").get(f"/reports/?period={period}").get_data(as_text=True)
