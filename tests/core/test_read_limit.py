"""An account that reads very many records is reported once and slowed down; other accounts are not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hms.core import read_limit
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.audit.models import COUNTED_READS, AuditEntry
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import Notification
from hms.patients.models import Patient
from hms.staff import request_user
from hms.staff.models import User
from tests.house.hospital import whole_record

pytestmark = pytest.mark.security("O")
LIMIT = 20
TOLD = "An account opened too many records"


@pytest.fixture
def limited(db) -> list[int]:
    """The ids of a hundred patients, and a low limit."""
    _set(mass_read_records=LIMIT, slow_reads=2)
    return many_patients()


def many_patients() -> list[int]:
    with action_context("tests.seed", SYSTEM):
        names = {"given_names": "Musa", "family_name": "Manyfold"}
        rows = [Patient(number=n, hospital_number=f"HMS-{n}-0", **names) for n in range(930_000, 930_100)]
        database.session.add_all(rows)
        database.session.flush()
    return [row.id for row in rows]


def _set(**values: int) -> None:
    for name, value in values.items():
        settings.change_setting(f"security.{name}", value, by=SYSTEM)
    settings.clear_cache()


def _alarms() -> int:
    return database.session.execute(select(func.count()).where(AuditEntry.action == read_limit.ALARM)).scalar_one()


def _messages(to: int) -> list[Notification]:
    return list(database.session.scalars(select(Notification).filter_by(user_id=to, title=TOLD)))


@pytest.mark.parametrize("is_list", [False, True], ids=["records", "lists of a hundred"])
def test_administrators_hear_of_it_once_and_the_account_is_slowed_down(program, person, limited, is_list):
    api, admin = program("receptionist"), person("admin").id
    paths = ["/api/patients/?page_size=100"] * 30 if is_list else [f"/api/patients/{one}/" for one in limited]
    assert {api.get(path).status_code for path in paths[:LIMIT]} == {200}
    assert _messages(admin) == []
    assert api.get(paths[LIMIT]).status_code == 200
    assert len(_messages(admin)) == _alarms() == 1
    assert "Receptionist (receptionist) is now limited" in _messages(admin)[0].message
    for path in paths[LIMIT + 1 : LIMIT + 4]:
        slow = api.get(path)
        assert slow.status_code == 429
        assert 1 <= int(slow.headers["Retry-After"]) <= 60
        assert slow.get_json()["code"] == "too_many_reads"
        assert "2 a minute" in slow.get_json()["detail"]
    assert len(_messages(admin)) == _alarms() == 1
    assert program("doctor").get(paths[0]).status_code == 200
    refused = AuditEntry.new["because"].as_string() == "too_many_reads"
    assert database.session.execute(select(func.count()).where(refused)).scalar_one() == 3


def test_work_on_one_record_and_short_lists_are_not_very_many(program, limited):
    api = program("receptionist")
    for _nth in range(3 * LIMIT):
        assert api.get(f"/api/patients/{limited[0]}/").status_code == 200
        assert api.get("/api/patients/?page_size=10").status_code == 200
    assert _alarms() == 0


def test_at_its_slow_pace_it_goes_on_reading(program, person, limited):
    api = program("doctor")
    for one in limited[: LIMIT + 1]:
        assert api.get(f"/api/patients/{one}/").status_code == 200
    path = f"/api/patients/{limited[-1]}/"
    assert api.get(path).status_code == 429
    _set(slow_reads=600)
    assert api.get(path).status_code == 200
    assert _alarms() == 1


def test_pages_show_how_long_to_wait(desk, limited):
    at = desk("nurse")
    for one in limited[: LIMIT + 1]:
        assert at.get(f"/patients/{one}").status_code == 200
    slow = at.get(f"/patients/{limited[-1]}")
    assert slow.status_code == 429
    assert "Wait " in slow.get_data(as_text=True)
    assert at.get("/").status_code == 200


def test_open_pages_that_renew_themselves_do_not_count(desk, person, limited):
    at = desk("pharmacist")
    for _nth in range(LIMIT * 2):
        assert at.get("/pharmacy/rows?show=owing").status_code == 200
    till, bill_id = desk("cashier"), whole_record("Billed")["bill_id"]
    for _nth in range(LIMIT * 2):
        assert till.get(f"/billing/bills/{bill_id}/head").status_code == 200
    assert _alarms() == 0


def test_several_reads_at_once_that_pass_the_limit_tell_once(real_app):
    """Each has a connection of its own; all have read when the first one commits."""
    _set(mass_read_records=LIMIT, slow_reads=600)
    known = many_patients()
    user = database.session.scalars(select(User).filter_by(username="doctor")).one()
    headers = {"Authorization": f"Bearer {request_user.access_token(user.id, user.token_version)}"}
    database.session.commit()

    def status(one: int) -> int:
        return real_app.test_client().get(f"/api/patients/{one}/", headers=headers).status_code

    assert {status(one) for one in known[:LIMIT]} == {200}
    together, seen = threading.Barrier(8), []

    def read(one: int) -> None:
        together.wait()
        seen.append(status(one))

    readers = [threading.Thread(target=read, args=[one]) for one in known[LIMIT : LIMIT + 8]]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert set(seen) == {200}
    database.session.rollback()
    admin = database.session.scalars(select(User.id).filter_by(username="admin")).one()
    assert len(_messages(admin)) == _alarms() == 1


@pytest.mark.parametrize("module", [read_limit, read_log])
def test_statements_count_by_the_condition_of_the_index(module):
    source = " ".join(Path(module.__file__).read_text(encoding="utf-8").split())
    assert f"AND {COUNTED_READS}" in source


def test_the_alarm_is_looked_for_under_its_name():
    assert f"'{read_limit.ALARM}'" in str(read_limit._ALERT_AND_WAIT)
