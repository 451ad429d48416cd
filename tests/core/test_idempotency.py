"""A submit with a key is done once and answered alike, also when the process stops between the work and its answer."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import func, select, text

from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db as database
from hms.core.errors import RuleBroken
from hms.core.idempotency import IdempotencyKey
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.patients.models import Patient
from hms.staff import request_user
from hms.staff.models import User
from tests import servers
from tests.conftest import PASSWORD
from tests.page import Page, PageClient

JANE = {"first_name": "Jane", "last_name": "Kamara", "gender": "F", "date_of_birth": "1990-05-01"}
KEY = {"Idempotency-Key": "jane-1"}

FAIL_TO_STORE = """
CREATE FUNCTION lose_answer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TRIGGER lose_answer BEFORE UPDATE ON once_key FOR EACH ROW EXECUTE FUNCTION lose_answer()
"""


def run_as_owner(statement: str) -> None:
    url = servers.postgres_url(database.engine.url.database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def count_patients() -> int:
    database.session.rollback()
    return database.session.execute(select(func.count(Patient.id))).scalar_one()


@pytest.fixture
def reception(real_app):
    """An API client on a database where commits are real."""
    client = PageClient(real_app)
    user = database.session.scalars(select(User).filter_by(username="receptionist")).unique().one()
    token = request_user.access_token(user.id, user.token_version)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_work_whose_answer_was_lost_is_undone_and_the_repeat_does_it_once(real_app, reception):
    run_as_owner(FAIL_TO_STORE)
    lost = reception.post("/api/patients/", json=JANE, headers=KEY)
    assert lost.status_code == 503
    assert count_patients() == 0
    run_as_owner("DROP TRIGGER lose_answer ON once_key")
    first, second = (reception.post("/api/patients/", json=JANE, headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code, second.json) == (201, 201, first.json)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count_patients() == 1


def test_a_page_whose_answer_was_lost_can_be_sent_again(real_app):
    client = PageClient(real_app)
    assert client.form("/login", username="receptionist", password=PASSWORD).status_code == 303
    blank = Page(client.get("/patients/new").get_data(as_text=True))
    fields = next(form for form in blank.forms if form["action"] == "/patients/new")["fields"]
    typed = fields | {"first_name": "Jane", "last_name": "Kamara", "gender": "female", "date_of_birth": "1 5 1990"}
    run_as_owner(FAIL_TO_STORE)
    client.checks = False
    assert client.post("/patients/new", data=typed).status_code == 503
    assert count_patients() == 0
    run_as_owner("DROP TRIGGER lose_answer ON once_key")
    first, second = (client.post("/patients/new", data=typed) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert count_patients() == 1


def test_a_key_without_an_answer_is_a_conflict_and_never_a_fault(real_app, reception):
    assert reception.post("/api/patients/", json=JANE, headers=KEY).status_code == 201
    for age, code in ((timedelta(0), "in_progress"), (timedelta(minutes=5), "answer_lost")):
        values = {"status": None, "claimed_at": clock.now() - age}
        database.session.execute(IdempotencyKey.__table__.update().values(values))
        database.session.commit()
        answer = reception.post("/api/patients/", json=JANE, headers=KEY)
        assert (answer.status_code, answer.json["code"]) == (409, code)
    assert count_patients() == 1


@action(Permission.MANAGE_SETTINGS, "tests.refused")
def rename_and_refuse(*, by):
    settings.change_setting("hospital.name", "Second", by=by)
    raise RuleBroken("no")


def test_a_refused_second_action_leaves_the_first(real_app):
    """Both belong to one request; the page says that the first was saved."""
    user_id = database.session.scalars(select(User.id).filter_by(username="admin")).one()
    admin = request_user.load_active_person(user_id)
    with real_app.test_request_context("/profile", method="POST", headers=KEY):
        settings.change_setting("hospital.name", "First", by=admin)
        with pytest.raises(RuleBroken):
            rename_and_refuse(by=admin)
        real_app.process_response(real_app.make_response("saved"))
    database.session.rollback()
    settings.clear_cache()
    assert settings.value("hospital.name") == "First"
    assert database.session.execute(text("SELECT status, body FROM once_key")).one() == (200, "saved")
