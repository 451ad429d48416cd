"""A record that is put or saved stands in the database as when the session writes it, and the session goes on from there."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest
from sqlalchemy import bindparam, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from hms.billing import actions
from hms.billing.models import Bill
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.actions import doing
from hms.core.db import db as database
from hms.core.errors import NotFound
from hms.core.money import Money
from hms.core.people import SYSTEM
from hms.core.questions import Question
from hms.core.records import columns_of, locked, put, record_in, save
from hms.patients.models import Patient
from hms.staff.models import User
from tests.billing import factories

ITS_OWN = {"id", "created_at", "updated_at", "number", "hospital_number", "search_digits"}
"""What no two records share."""
NUMBERS = count(800_000)


def in_the_database(record):
    """Its row as it stands there, without what is its own."""
    table = type(record).__table__
    row = database.session.execute(select(*table.c).where(table.c.id == record.id)).one()
    return {name: value for name, value in row._asdict().items() if name not in ITS_OWN}


def by_the_session(record):
    database.session.add(record)
    database.session.flush()
    return record


@pytest.fixture
def patient(seeding):
    return factories.patient()


def bill(patient):
    return Bill(patient_id=patient.id, total=Money("12.50"), frozen=None, notes="for “Ami”")


def line(patient):
    return Prescription(patient_id=patient.id, medication_name="Zinc", checks=[{"stop": "none"}], dose_amount=None)


def person(_patient):
    number = next(NUMBERS)
    names = {"family_name": "Koroma", "given_names": "Åsa Léa"}
    return Patient(number=number, hospital_number=f"HMS-{number}-0", sex="female", **names)


@pytest.mark.parametrize("begin", [bill, line, person])
def test_it_is_written_as_the_session_writes_it(begin, patient):
    for _way in range(2):  # the second goes the short way
        ours, theirs = put(begin(patient)), by_the_session(begin(patient))
        assert in_the_database(ours) == in_the_database(theirs)


def test_it_is_the_sessions_from_then_on(patient):
    ours = put(bill(patient))
    assert (ours.status, ours.version, ours.number) == ("draft", 1, None)
    assert database.session.get(Bill, ours.id) is ours
    assert not inspect(ours).modified
    ours.notes = "changed"
    database.session.flush()
    assert in_the_database(ours)["notes"] == "changed"


def test_what_the_database_works_out_is_read_when_asked_for(patient):
    assert "koroma" in put(person(patient)).search_names


def test_what_hangs_on_it_must_be_there(patient):
    with pytest.raises(IntegrityError):
        put(Bill(patient_id=0))
    database.session.rollback()


def test_only_what_was_changed_is_saved(patient):
    ours, other = put(bill(patient)), put(bill(patient))
    table = Bill.__table__
    with clock.standing_at(ours.updated_at + dt.timedelta(hours=1)):
        database.session.execute(table.update().where(table.c.id == ours.id).values(discount_reason="by another"))
        ours.notes, ours.total, other.notes = "mine", Money("7.25"), "not yet"
        save(ours)
        assert inspect(other).modified
        after = in_the_database(ours)
    assert (after["notes"], after["total"], after["discount_reason"]) == ("mine", Money("7.25"), "by another")
    assert (ours.updated_at - ours.created_at).seconds >= 3600
    assert not inspect(ours).modified


def test_nothing_is_saved_of_an_unchanged_record(patient):
    ours = put(bill(patient))
    before = ours.updated_at
    save(ours)
    assert ours.updated_at == before


def _puts_and_fails():
    put(bill(factories.patient()))
    raise ZeroDivisionError


def test_what_was_put_is_gone_with_its_transaction(real_app):
    with pytest.raises(ZeroDivisionError), doing("tests.put", SYSTEM):
        _puts_and_fails()
    assert database.session.scalars(select(Bill)).all() == []


@pytest.mark.parametrize("is_held", [True, False], ids=["held", "not held"])
def test_a_locked_record_is_as_it_stands_now(is_held, patient):
    ours = put(bill(patient))
    table = Bill.__table__
    for words in ("first", "then the short way", "and again"):
        ours.paid = Money("1.25")
        database.session.flush()
        database.session.execute(table.update().where(table.c.id == ours.id).values(notes=words, paid=Money("2.50")))
        if not is_held:
            database.session.expunge(ours)
        now = locked(Bill, ours.id)
        assert (now is ours) == is_held
        assert (now.notes, now.paid, now.frozen) == (words, Money("2.50"), None)
        assert not inspect(now).modified
        ours = now


def test_what_hung_on_it_is_read_anew(patient):
    ours = factories.draft(patient.id, "1.00")
    all_of_it = select(Bill).where(Bill.id == ours.id).options(selectinload(Bill.lines))
    for count_ in (1, 2, 3):
        assert len(database.session.scalars(all_of_it).one().lines) == count_
        actions.add_item(ours.id, {"description": "One more", "unit_price": Money("1.00")}, by=SYSTEM)


def test_records_beside_one_another_in_one_answer(patient):
    ours = put(bill(patient))
    both = select(*columns_of(Bill), *columns_of(Patient)).join_from(Bill, Patient, Patient.id == Bill.patient_id)
    question = Question(both.where(Bill.id == bindparam("id")))
    for _way in range(3):
        database.session.expunge_all()
        row = question.ask({"id": ours.id}).one()
        its_bill, whose = record_in(row, Bill), record_in(row, Patient)
        assert (its_bill.id, its_bill.total, its_bill.notes) == (ours.id, Money("12.50"), ours.notes)
        assert (whose.id, whose.hospital_number) == (patient.id, patient.hospital_number)
        assert record_in(row, Bill) is its_bill


def test_what_was_changed_before_is_written_before_it_is_locked(patient):
    ours = put(bill(patient))
    for words in ("first", "then the short way"):
        ours.notes = words
        assert locked(Bill, ours.id).notes == words


@pytest.mark.parametrize("model", [Bill, User], ids=["alone", "with its role"])
def test_there_is_nothing_to_lock(model, db):
    for _way in range(2):
        with pytest.raises(NotFound):
            locked(model, 0)


def test_others_wait_for_a_locked_record(real_app):
    with doing("tests.put", SYSTEM):
        bill_id = put(bill(factories.patient())).id
    with doing("tests.hold", SYSTEM):
        locked(Bill, bill_id)
        other = Bill.__table__.select().where(Bill.__table__.c.id == bill_id).with_for_update(skip_locked=True)
        with database.engine.connect() as another:
            assert another.execute(other).all() == []
