"""The audit trail page: filters, no clinical content, and the list of who opened a record."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import inspect
import io
import pkgutil

import pytest
from sqlalchemy import select, text

import hms
from hms.admin.audit_trail import action_labels, labels, queries, record_access
from hms.core import clock
from hms.core.audit import denials, recording
from hms.core.audit.models import AuditEntry
from hms.core.db import row_counts
from hms.core.db.session import db as database
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.patients.access import actions
from hms.patients.records import actions as patients
from hms.staff import directory as staff
from tests.house.hospital import ALLERGIES, CLINICAL, MEDICINES, whole_record
from tests.page import words

pytestmark = pytest.mark.security("O")


@pytest.fixture
def known(db) -> dict[str, int]:
    return whole_record("Kamara")


def _look(person, role: str, patient_id: int, times: int = 1) -> None:
    for _ in range(times):
        patients.open_chart(patient_id, by=person(role))


def test_the_page_shows_people_patients_and_actions(desk, person, known):
    _look(person, "doctor", known["patient_id"])
    page = words(desk("admin").get("/admin/audit").get_data(as_text=True))
    assert "Opened the chart" in page
    assert "KAMARA, Kadiatu" in page
    assert "doctor · doctor" in page


def test_no_filter_shows_what_was_written_in_care(desk, program, known):
    page = desk("admin").get("/admin/audit?patient=Kamara").get_data(as_text=True)
    at = desk("admin")
    file = at.get("/exports/audit-trail?patient=Kamara").get_data(as_text=True)
    assert file.count("\n") > 5
    assert file.splitlines()[0].removeprefix("\ufeff").split(",")[0] == "When"
    assert at.get("/admin/audit.csv?patient=Kamara").location == "/exports/audit-trail?patient=Kamara"
    entries = program("admin").get(f"/api/audit-logs/?patient={known['patient_id']}").get_data(as_text=True)
    assert "Encounter" in page
    for word in (*CLINICAL, *MEDICINES, *ALLERGIES):
        assert word not in page + file + entries


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("who=doctor&did=clinical.open_chart", 3),
        ("who=Doctor&patient=Kamara&did=clinical.open_chart", 3),
        ("who=nurse&did=clinical.open_chart", 1),
        ("who=nobody at all", 0),
        ("patient=Nobody Atall", 0),
        ("patient=Kamara&did=:looked", 4),
        ("did=:emergency", 0),
        ("outcome=denied", 1),
        ("entity=system_setting", 1),
        ("day_from=1 jan 2020&day_to=2 jan 2020", 0),
        ("day_from=today&day_to=today&entity=system_setting&words=Hill", 1),
        ("day_from=today&day_to=today&entity=system_setting&words=Valley", 0),
    ],
)
def test_a_filter_finds_its_entries(desk, person, known, asked, found):
    _look(person, "doctor", known["patient_id"], 3)
    _look(person, "nurse", known["patient_id"])
    settings.change_setting("hospital.name", "Hill Hospital", by=person("admin"))
    desk("cashier").get("/admin/")
    page = desk("admin").get(f"/admin/audit?{asked}")
    assert page.status_code == 200
    assert page.get_data(as_text=True).count('data-ux="audit-row"') == found


def test_one_record_by_its_number(desk, person, known):
    page = desk("admin").get(f"/admin/audit?entity=encounter&number={known['encounter_id']}").get_data(as_text=True)
    assert f"Encounter {known['encounter_id']}" in page


def test_words_written_in_care_cannot_be_guessed_by_searching_for_them(desk, known):
    page = desk("admin").get(f"/admin/audit?day_from=today&words={CLINICAL[0]}").get_data(as_text=True)
    assert "No entries match" in page


def test_pages_go_on_after_the_last_entry(desk, person, known, db):
    _look(person, "doctor", known["patient_id"], 60)
    admin = desk("admin")
    first = admin.get("/admin/audit?who=doctor&did=clinical.open_chart").get_data(as_text=True)
    assert first.count('data-ux="audit-row"') == 20
    last = db.session.scalars(
        select(AuditEntry.id).filter_by(action="clinical.open_chart").order_by(AuditEntry.id.desc()).offset(19).limit(1)
    ).one()
    older = admin.get(f"/admin/audit?who=doctor&did=clinical.open_chart&before={last}").get_data(as_text=True)
    assert older.count('data-ux="audit-row"') == 20


def test_several_people_of_a_name_are_found_in_order(person, known, db):
    for role in ("doctor", "nurse", "doctor", "nurse"):
        _look(person, role, known["patient_id"])
    ids = tuple(staff.find_account_ids("doctor", 9) + staff.find_account_ids("nurse", 9))
    rows = queries.entries(queries.AuditFilter(actor_ids=ids, actions=("clinical.open_chart",)), 3)
    assert [row.actor_name for row in rows] == ["nurse", "doctor", "nurse"]


@pytest.mark.security("J")
def test_the_export_is_harmless_and_in_the_trail(desk, person, db):
    settings.change_setting("hospital.name", "=HYPERLINK(1)", by=person("admin"))
    file = desk("admin").get("/exports/audit-trail?entity=system_setting")
    lines = list(csv.reader(io.StringIO(file.get_data().decode("utf-8-sig"))))
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert lines[0][0] == "When"
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    taken = db.session.scalars(select(AuditEntry).filter_by(action="admin.export_audit")).one()
    assert taken.new["filters"] == {"entity": "system_setting"}
    assert (taken.new["rows"], taken.new["patients"]) == (len(lines) - 1, 0)
    assert desk("admin").get("/exports/audit-trail?words=Kamara").status_code == 400, "text needs a period"
    assert desk("doctor").get("/exports/audit-trail").status_code == 403


class TestWhoOpened:
    """An account for the patient."""

    def test_a_line_for_each_person_and_day(self, person, known):
        before = len(record_access.accesses(known["patient_id"], clock.today(), clock.today()))
        _look(person, "doctor", known["patient_id"], 3)
        _look(person, "nurse", known["patient_id"])
        lines = {one.name: one for one in record_access.accesses(known["patient_id"], clock.today(), clock.today())}
        assert len(lines) == before + 2
        assert (lines["Doctor"].looked, lines["Doctor"].changed, lines["Doctor"].why) == (3, 0, "Care")

    def test_an_emergency_says_its_reason(self, desk, person, db):
        known = whole_record("Sesay", days_ago=60)
        actions.restrict(known["patient_id"], reason="Works at this hospital", by=SYSTEM)
        actions.break_glass(known["patient_id"], reason="Collapsed in the ward", by=person("nurse"))
        page = desk("admin").get(f"/admin/patients/{known['patient_id']}/who-opened").get_data(as_text=True)
        assert "Collapsed in the ward" in page
        assert "Emergency access" in page

    def test_looking_at_it_is_itself_in_the_trail(self, desk, known, db):
        path = f"/admin/patients/{known['patient_id']}/who-opened"
        assert desk("admin").get(path).status_code == 200
        assert desk("doctor").get(path).status_code == 403
        assert db.session.scalars(select(AuditEntry.actor_name).filter_by(action="admin.who_opened")).all() == ["admin"]

    def test_days_are_kept_to(self, desk, person, known):
        _look(person, "doctor", known["patient_id"])
        yesterday = clock.today() - dt.timedelta(days=1)
        assert record_access.accesses(known["patient_id"], yesterday, yesterday) == []
        assert desk("admin").get(f"/admin/patients/{known['patient_id']}/who-opened?day_from=soon").status_code == 400


class TestDenials:
    """Every denial is recorded, but thousands from one account do not fill the table."""

    def written(self) -> list[AuditEntry]:
        query = select(AuditEntry).filter_by(action="authz.denied").order_by(AuditEntry.id)
        return list(database.session.scalars(query))

    def test_where_whose_and_why(self, program, known):
        actions.restrict(known["patient_id"], reason="Works at this hospital", by=SYSTEM)
        pharmacist = program("pharmacist")
        pharmacist.post(f"/api/patients/{known['patient_id']}/encounters/", json={})
        pharmacist.delete(f"/api/encounters/{known['encounter_id']}/")
        seen = self.written()[-1]
        assert (seen.actor_name, seen.new["method"]) == ("pharmacist", "DELETE")
        assert seen.new["path"] == f"/api/encounters/{known['encounter_id']}/"

    def test_a_hidden_record_answers_missing_and_is_written(self, program, known):
        other = whole_record("Sesay", doctor="nurse", days_ago=60)
        actions.restrict(other["patient_id"], reason="Works at this hospital", by=SYSTEM)
        assert program("doctor").get(f"/api/encounters/{other['encounter_id']}/").status_code == 404
        assert program("doctor").get("/api/encounters/99999999/").status_code == 404
        assert [entry.patient_id for entry in self.written()] == [other["patient_id"]]

    def test_a_flood_is_counted_not_written(self, program, monkeypatch):
        cashier = program("cashier")
        for _ in range(denials.MAX_COUNT + 20):
            assert cashier.get("/api/audit-logs/").status_code == 403
        assert len(self.written()) == denials.MAX_COUNT
        monkeypatch.setattr(denials, "WINDOW", -1.0)
        cashier.get("/api/audit-logs/")
        assert self.written()[-1].new["not_written_before"] == 20
        assert program("nurse").get("/api/audit-logs/").status_code == 403
        assert self.written()[-1].actor_name == "nurse"


def test_an_entry_past_the_programs_is_not_signed(db):
    recording.record("tests.signed", SYSTEM)
    row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert row.ticket
    assert len(row.signature) == 32


def test_every_action_has_a_label():
    desks = {name for _finder, name, _is_package in pkgutil.walk_packages(hms.__path__, "hms.")}
    known = {
        done.audited_as
        for name in desks
        if not name.startswith(("hms.local", "hms.demo"))
        for done in vars(importlib.import_module(name)).values()
        if inspect.isfunction(done) and hasattr(done, "__wrapped__") and done.__module__ == name
        if isinstance(getattr(done, "needs", None), Permission) and "by" in inspect.signature(done).parameters
    }
    assert known > {"patients.finish_registration", "billing.take_payment"}
    assert sorted(known - action_labels.ACTION_LABELS.keys()) == []


def test_an_estimated_count_is_marked(program, monkeypatch, known):
    paged = "/api/audit-logs/?page=1&page_size=2"

    def told(address: str) -> tuple[str | None, int]:
        answer = program("admin").get(address)
        count = answer.get_json()["count"] if "page" in address else int(answer.headers["X-Total-Count"])
        assert str(count) == answer.headers["X-Total-Count"]
        return answer.headers.get("X-Total-Count-Estimated"), count

    exact = told(f"{paged}&count=exact")[1]
    assert told(paged)[0] is None
    monkeypatch.setattr(row_counts, "MAX_EXACT", exact - 1)
    assert told(paged)[0] == "true"
    for other in (f"{paged}&count=exact", f"{paged}&action=patients.register", "/api/audit-logs/?page=1&object_id=1"):
        assert told(other)[0] is None, other


def test_every_kind_of_record_in_the_trail_has_a_label(db):
    audited = text("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'hms_audit'::regproc")
    kinds = {*db.session.scalars(audited), "audit_entry"}
    assert kinds > {"absence", "patient"}
    assert sorted(kinds - labels.ENTITIES.keys()) == []
