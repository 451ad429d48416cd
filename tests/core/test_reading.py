"""A request that only reads asks each question by itself; what writes, and every action, is in one transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import event, insert, select, text

from hms.core import db as database
from hms.core.actions import doing
from hms.core.db import db
from hms.core.outbox import Outbox
from hms.core.people import SYSTEM
from hms.patients.models import Patient
from hms.staff import identity
from hms.staff.models import User
from tests.billing import factories


def in_a_transaction():
    """Whether the driver is within one after a question."""
    db.session.execute(select(Patient.id).limit(1))
    driver = db.session.connection().connection.dbapi_connection
    return driver.info.transaction_status.name == "INTRANS"


def test_questions_of_a_reading_request_stand_for_themselves(real_app):
    database.only_read()
    assert not in_a_transaction()
    database.leave()
    assert in_a_transaction(), "a session that was not told so is in a transaction"


def test_an_action_is_in_one_transaction_and_then_reading_goes_on(real_app):
    database.only_read()
    assert not in_a_transaction()
    with doing("tests.read", SYSTEM):
        assert in_a_transaction()
        factories.patient()
    assert not in_a_transaction()


def test_an_action_that_fails_leaves_nothing(real_app):
    database.only_read()
    with pytest.raises(ZeroDivisionError):
        _registers_and_fails()
    assert db.session.scalars(select(Patient)).all() == []


@doing("tests.read", SYSTEM)
def _registers_and_fails():
    factories.patient()
    raise ZeroDivisionError


def test_what_is_about_to_write_is_in_a_transaction(real_app):
    database.only_read()
    assert not in_a_transaction()
    db.session.execute(insert(Outbox).values(kind="tests", ref_id=1, due=text("now()"), attempts=0))
    assert in_a_transaction()
    db.session.rollback()
    assert db.session.scalars(select(Outbox)).all() == []


def test_a_connection_goes_back_as_it_came(real_app):
    database.only_read()
    assert not in_a_transaction()
    db.session.remove()
    with db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert connection.connection.dbapi_connection.info.transaction_status.name == "INTRANS"


@pytest.mark.parametrize("path", ["/api/patients/", "/api/patients/?search=kam", "/api/appointments/"])
def test_a_request_that_reads_begins_no_transaction(path, real_app):
    client, begun = signed_in(real_app, "receptionist"), []
    event.listen(db.engine, "commit", lambda connection: begun.append(_is_open(connection)))
    assert client.get(path).status_code == 200
    assert begun
    assert not any(begun)


def _is_open(connection):
    return connection.connection.dbapi_connection.info.transaction_status.name != "IDLE"


def signed_in(app, username):
    user = db.session.scalars(select(User).filter_by(username=username)).unique().one()
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {identity.access_token(user.id, user.token_version)}"
    db.session.remove()
    return client
