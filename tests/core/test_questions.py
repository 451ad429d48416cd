"""A question asked the short way answers, counts and fails as the session does."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from flask import g
from sqlalchemy import bindparam, func, literal, select, text
from sqlalchemy.exc import DataError, OperationalError

from hms.billing.models import Bill
from hms.core.db import db as database
from hms.core.money import Money
from hms.core.questions import Question, Telling
from hms.patients.models import Patient
from tests.billing import factories

_BILL, _PATIENT = Bill.__table__.c, Patient.__table__.c


def _twice(statement, **values):
    """The answer by the session, and the one by the short way that follows it."""
    question = Question(statement)
    return question.ask(values).all(), question.ask(values).all()


def test_money_days_and_documents_come_back_as_themselves(seeding):
    patient = factories.patient()
    patient.birth_date = date(1990, 5, 17)
    bill = factories.draft(patient.id, "12.50")
    of = select(
        _BILL.id,
        _BILL.total,
        _PATIENT.birth_date,
        literal(None).label("nothing"),
        func.jsonb_build_object("a", 1).label("document"),
    )
    long, short = _twice(
        of.join_from(Bill.__table__, Patient.__table__).where(_BILL.id == bindparam("bill")), bill=bill.id
    )
    assert long == short
    assert long[0]._asdict() == short[0]._asdict()
    assert isinstance(short[0].total, Money)
    assert short[0].birth_date == date(1990, 5, 17)
    assert short[0].document == {"a": 1}


def test_money_is_sent_as_itself(seeding):
    bill = factories.draft(factories.patient().id, "12.50")
    question = Question(select(_BILL.id).where(_BILL.total == bindparam("total", type_=_BILL.total.type)))
    for _way in range(3):
        assert bill.id in question.ask({"total": bill.total}).scalars().all()


def test_what_the_session_holds_is_written_first(seeding):
    question = Question(select(_PATIENT.family_name).where(_PATIENT.id == bindparam("id")))
    patient = factories.patient()
    for name in ("Kamara", "Sesay", "Traoré"):
        patient.family_name = name
        assert question.ask({"id": patient.id}).scalar_one() == name


@pytest.mark.parametrize(
    "statement",
    [
        select(Patient).where(Patient.id.in_(bindparam("ids", expanding=True))),
        select(_PATIENT.id).where(_PATIENT.id.in_(bindparam("ids", expanding=True))),
    ],
)
def test_records_and_lists_go_the_long_way(statement, seeding):
    ids = [factories.patient().id, factories.patient().id]
    question = Question(statement)
    assert len(question.ask({"ids": ids[:1]}).all()) == 1
    assert len(question.ask({"ids": ids}).all()) == 2


def test_a_list_that_is_part_of_the_question_goes_the_short_way(seeding):
    patient = factories.patient()
    question = Question(
        select(_PATIENT.status).where(_PATIENT.id == bindparam("id"), _PATIENT.status.in_(("active", "merged")))
    )
    assert [question.ask({"id": patient.id}).scalar_one() for _way in range(3)] == ["active"] * 3
    assert question._short is not None


def test_faults_are_told_as_the_session_tells_them(db):
    divided = Question(select((1 / bindparam("by", type_=_PATIENT.id.type)).label("share")))
    divided.ask({"by": 1})
    with pytest.raises(DataError) as told, database.session.begin_nested():
        divided.ask({"by": 0})
    assert isinstance(told.value.orig, psycopg.errors.DivisionByZero)
    assert divided.ask({"by": 1}).scalar_one() == 1


def test_a_question_that_takes_too_long_is_given_up(db):
    slow = Question(select(func.pg_sleep(bindparam("seconds")).label("slept")))
    slow.ask({"seconds": 0})
    database.session.execute(text("SET LOCAL statement_timeout = '20ms'"))
    with pytest.raises(OperationalError) as told, database.session.begin_nested():
        slow.ask({"seconds": 2})
    assert isinstance(told.value.orig, psycopg.errors.QueryCanceled)


def test_a_lost_connection_is_put_away(real_app):
    alive = Question(select(literal(1).label("one")))
    for _way in range(2):
        alive.ask({})
    number = database.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with database.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
    with pytest.raises(OperationalError) as told:
        alive.ask({})
    assert told.value.connection_invalidated
    database.session.rollback()
    assert alive.ask({}).scalar_one() == 1


def test_it_counts_as_a_statement_of_the_request(app, db):
    one = Question(select(literal(1).label("one")))
    one.ask({})
    with app.test_request_context():
        one.ask({})
        Telling(text("SELECT set_config('hms.nothing', :word, true)")).tell({"word": "x"}, {"word": "y"})
        assert g.queries == 2
    assert database.session.execute(text("SELECT current_setting('hms.nothing')")).scalar_one() == "y"
