"""Dashboards and reports show every role what it may see."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.billing.bills import issuing
from hms.core.actions import action_context
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from hms.messages import actions as message_actions
from hms.messages.models import Notification
from hms.patients.models import Patient
from hms.patients.registration import drafts
from tests.billing import factories as billing
from tests.clinical.factories import a_patient, an_encounter

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


def test_the_counts_of_a_doctor_follow_the_work(db, program, person):
    def counts() -> tuple[int, int]:
        figures = program("doctor").get("/api/dashboard/").get_json()
        return figures["unread_lab_results"], figures["pending_tasks"]

    assert counts() == (0, 0)
    encounter = an_encounter(person("doctor"), a_patient())
    assert counts() == (0, 1)
    orders = [lab_actions.order_test(encounter.id, code=code, by=person("doctor")) for code in ("HB", "GLUR")]
    assert counts() == (0, 1)
    lab_actions.enter_results(orders[0].id, {"HB": "10.1"}, by=person("lab"))
    assert counts() == (1, 1)
    read = select(Notification).where(Notification.read_at.is_(None))
    for notification in db.session.scalars(read):
        message_actions.mark_read(notification.id, by=person("doctor"))
    assert counts() == (0, 1)


def test_a_registration_that_was_begun_is_counted(db, program, person):
    def count() -> int:
        return program("receptionist").get("/api/dashboard/").get_json()["pending_registrations"]

    assert count() == 0
    for _each in range(2):
        drafts.save_draft(person("receptionist"), drafts.new_key(), {"first_name": "Isatu"})
    assert count() == 2


def test_the_dashboards_show_the_exact_sum(db, program):
    cashier, patient_id = program("cashier"), billing.patient().id
    for _each in range(10):
        bill = billing.draft(patient_id, "0.10", "99999.00")
        issuing.issue(bill.id, by=SYSTEM)
        paid = {"bill": bill.id, "amount": "99999.10", "method": "Cash"}
        assert cashier.post("/api/payments/", json=paid).status_code == 201
    answer = program("admin").get("/api/dashboard-stats/").get_data(as_text=True)
    assert '"revenue_today":999991.0' in answer
    assert '"totalRevenue":999991.0' in answer


def test_the_page_shows_any_two_days_up_to_five_years(desk):
    admin = desk("admin")
    for days in ("day_from=2020-03-01&day_to=2025-02-28", "day_from=2026-01-05", "day_from=-3m&day_to=t"):
        page = admin.get(f"/reports/?{days}").get_data(as_text=True)
        assert "Billed by payer" in page
        assert "Most frequent diagnoses" in page
    for wrong in (
        "day_from=2020-03-01&day_to=2020-02-01",
        "day_from=2020-03-01&day_to=2025-03-01",
        "day_from=9999-12-31",
    ):
        refused = admin.get(f"/reports/?{wrong}")
        assert (refused.status_code, "There is a problem" in refused.get_data(as_text=True)) == (400, True), wrong


@pytest.mark.security("D")
def test_the_page_shows_what_the_role_may_see(desk):
    seen = {role: desk(role).get("/reports/?day_from=-1m&day_to=t").get_data(as_text=True) for role in STAFF}
    assert {role for role, page in seen.items() if "Billed by service" in page} == {"admin", "cashier"}
    clinical = {"admin", "doctor", "nurse", "pharmacist"}
    assert {role for role, page in seen.items() if "Most frequent diagnoses" in page} == clinical
