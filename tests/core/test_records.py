"""A locked record has the current values, and other transactions wait for it."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import selectinload

from hms.billing.bills import actions
from hms.billing.models import Bill
from hms.core.actions import action_context
from hms.core.db.locking import get_for_update
from hms.core.db.session import db as database
from hms.core.errors import NotFound
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.staff.models import User
from tests.billing import factories


@pytest.fixture
def patient(seeding):
    return factories.patient()


def new_bill(patient):
    made = Bill(patient_id=patient.id, total=Money("12.50"), frozen=None, notes="for “Ami”")
    database.session.add(made)
    database.session.flush()
    return made


@pytest.mark.parametrize("is_held", [True, False], ids=["held", "not held"])
def test_a_locked_record_is_as_it_stands_now(is_held, patient):
    ours = new_bill(patient)
    table = Bill.__table__
    for words in ("first", "second"):
        ours.paid = Money("1.25")
        database.session.flush()
        database.session.execute(table.update().where(table.c.id == ours.id).values(notes=words, paid=Money("2.50")))
        if not is_held:
            database.session.expunge(ours)
        now = get_for_update(Bill, ours.id)
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


def test_pending_changes_are_written_before_the_lock(patient):
    ours = new_bill(patient)
    for words in ("first", "second"):
        ours.notes = words
        assert get_for_update(Bill, ours.id).notes == words


@pytest.mark.parametrize("model", [Bill, User], ids=["alone", "with its role"])
def test_locking_a_missing_record_is_not_found(model, db):
    with pytest.raises(NotFound):
        get_for_update(model, 0)


def test_others_wait_for_a_locked_record(real_app):
    with action_context("tests.put", SYSTEM):
        bill_id = new_bill(factories.patient()).id
    with action_context("tests.hold", SYSTEM):
        get_for_update(Bill, bill_id)
        other = Bill.__table__.select().where(Bill.__table__.c.id == bill_id).with_for_update(skip_locked=True)
        with database.engine.connect() as another:
            assert another.execute(other).all() == []
