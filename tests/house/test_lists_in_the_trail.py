"""Every list of a page that names patients leaves an entry in the trail, and all such rows count."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from hms.appointments.models import Appointment, QueueEntry
from hms.core import clock, read_limit
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.patients.models import Patient
from tests.conftest import ROLES
from tests.house.hospital import add, somebody, whole_record

pytestmark = [pytest.mark.security("O"), pytest.mark.slow]

ASKED = (
    "/patients/?q=kamara",
    "/find?q=kamara",
    "/find/rows?q=kamara",
    "/appointments/patients?q=kamara",
    "/appointments/?view=list",
    "/appointments/rows?view=list",
    "/appointments/week?doctor={doctor}",
    "/appointments/week/rows?doctor={doctor}",
    "/queue/?show=done&everybody=1",
    "/queue/rows?show=done&everybody=1",
    "/billing/?state=all",
    "/billing/?state=all&q=kamara",
    "/billing/rows?state=all&q=kamara",
    "/billing/approvals?show=decided",
    "/pharmacy/?show=owing",
    "/pharmacy/?show=done",
    "/lab/?show=done",
    "/admin/audit?patient={patient}",
    "/api/audit-logs/?patient={patient_id}",
    "/api/patients/?search=kamara",
)
"""Lists with a search text or another status, in addition to every address without a record."""
_names = count(1)


def _busy_patient(doctor: int) -> Patient:
    """A patient with records at every desk, booked and waiting today."""
    patient = database.session.get(Patient, whole_record()["patient_id"])
    now = clock.now()
    today = {"patient_id": patient.id, "doctor_id": doctor}
    add(Appointment(date=clock.today(), time=dt.time(23, 50), duration_minutes=5, status="scheduled", **today))
    add(QueueEntry(service_date=clock.today(), token=77_777, arrived_at=now, **today))
    return patient


def _addresses(app) -> list[str]:
    rules = app.url_map.iter_rules()
    plain = [rule.rule for rule in rules if "GET" in rule.methods and not rule.arguments]
    return [path for path in plain if not path.startswith(("/static", "/dev"))] + list(ASKED)


def _entries(user_id: int) -> int:
    query = select(func.count()).where(AuditEntry.actor_id == user_id, AuditEntry.outcome == "success")
    return database.session.execute(
        query.where(AuditEntry.action.like("%.read%") | AuditEntry.action.like("admin.%"))
    ).scalar_one()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "patient"])
def test_every_list_that_names_a_patient_leaves_an_entry(app, desk, person, role):
    """Each list is fetched by an account that has read nothing yet, because a repeated fetch leaves no second entry."""
    patient = _busy_patient(person("doctor").id)
    names = {"doctor": person("doctor").id, "patient": patient.hospital_number, "patient_id": patient.id}
    settings.change_setting("security.mass_read_records", 0, by=SYSTEM)
    settings.clear_cache()
    usual, silent, told = desk(role), [], 0
    usual.checks = False
    for path in (one.format(**names) for one in _addresses(app)):
        answer = usual.get(path)
        if answer.status_code != 200 or not _names_patient(_text(answer), patient):
            continue
        fresh = somebody(f"reader-{next(_names)}", role)
        at = desk(fresh.username)
        at.checks = False
        if _names_patient(_text(at.get(path)), patient):
            told += 1
            silent += [] if _entries(fresh.id) else [path]
    assert silent == []
    assert told


def _text(answer: Any) -> str:
    """What an answer says; files that are no text are read byte by byte."""
    return answer.get_data().decode("utf-8", "replace")


def _names_patient(text: str, patient: Patient) -> bool:
    return patient.hospital_number in text or (patient.given_names in text and patient.family_name in text)


def test_many_small_searches_pass_the_limit_and_usual_work_does_not(desk, person):
    whole_record(), whole_record()
    settings.change_setting("security.mass_read_records", 2, by=SYSTEM)
    settings.clear_cache()
    at, alarms = desk("receptionist"), select(func.count()).where(AuditEntry.action == read_limit.ALARM)
    paths = ["/find/rows?q=kamara"] * 20
    assert {at.get(path).status_code for path in paths} == {200}
    assert database.session.execute(alarms).scalar_one() == 0, "forty rows are two records: the limit is not passed"
    assert at.get(paths[0]).status_code == 200
    assert database.session.execute(alarms).scalar_one() == 1


def test_a_list_that_renews_itself_leaves_one_entry(desk, person):
    _busy_patient(person("doctor").id)
    reader = person("receptionist")
    at = desk("receptionist")
    for path in ("/queue/rows", "/appointments/rows", "/home/rows"):
        before = _entries(reader.id)
        for _nth in range(3):
            assert at.get(path).status_code == 200
        assert _entries(reader.id) == before + 1, path
    before = _entries(reader.id)
    assert at.get("/queue/rows?show=waiting").status_code == 200
    assert _entries(reader.id) == before + 1, "another list is another entry"


def test_the_trail_of_one_patient_tells_who_looked_at_it(desk, program, person):
    patient = _busy_patient(person("doctor").id)
    looked = select(func.count()).where(AuditEntry.action == "admin.read_trail", AuditEntry.patient_id == patient.id)
    assert desk("admin").get(f"/admin/audit?patient={patient.hospital_number}").status_code == 200
    assert program("admin").get(f"/api/audit-logs/?patient={patient.id}").status_code == 200
    assert database.session.execute(looked).scalar_one() == 2
