"""A closed or counted till takes no payment and pays no refund, also in SQL and while it is being closed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import select, text

from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import CashShift, Payment
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.core.actions import action_context
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.models import User
from tests import servers
from tests.billing import factories
from tests.conftest import PASSWORD
from tests.page import Page, PageClient

pytestmark = pytest.mark.security("N")

PAY = text(
    "INSERT INTO payment (number, bill_id, kind, amount, method, reference, note, received_at, received_by_id, shift_id)"
    " VALUES ('R-2099-000001', :bill, 'payment', 1, 'Cash', '', '', coalesce(:at, now()), :by, :shift)"
)


def _closed(by) -> CashShift:
    till_actions.open_till(by=by)
    shift = till_actions.count_till({}, Money("0"), by=by)
    till_actions.close_till(by=by)
    return shift


def test_the_database_takes_payments_only_through_the_open_till_of_the_person_who_acts(db, person):
    cashier, other = person("cashier"), person("receptionist")
    bill = factories.draft(factories.patient().id, "10.00")
    issuing.issue(bill.id, by=cashier)
    closed, theirs = _closed(cashier), till_actions.open_till(by=other)
    mine = till_actions.open_till(by=cashier)
    refused = [
        ("till_closed", {"by": cashier.id, "shift": closed.id}),
        ("till_closed", {"by": cashier.id, "shift": theirs.id}),
        ("till_closed", {"by": cashier.id, "shift": None}),
        ("not_acting", {"by": other.id, "shift": theirs.id}),
        ("not_acting", {"by": None, "shift": None}),
    ]
    for code, values in refused:
        with pytest.raises(Conflict) as refusal, action_context("tests.cheat", cashier):
            database.session.execute(PAY, {"bill": bill.id, "at": None} | values)
        assert refusal.value.code == code, values
    with database.session.begin_nested() as part, action_context("tests.cheat", cashier):
        early = {"bill": bill.id, "by": cashier.id, "shift": mine.id, "at": closed.opened_at}
        database.session.execute(PAY, early)  # the clock of another web host may be behind; `prove` names it
        part.rollback()
    till_actions.count_till({}, Money("0"), by=cashier)
    with pytest.raises(Conflict, match="till is closed"), action_context("tests.cheat", cashier):
        database.session.execute(PAY, {"bill": bill.id, "at": None, "by": cashier.id, "shift": mine.id})
    assert database.session.scalars(select(Payment)).all() == []


@pytest.mark.parametrize(
    ("username", "statement"),
    [
        ("cashier", "UPDATE cash_shift SET counted = NULL"),
        ("admin", "UPDATE cash_shift SET counted = '{}'"),
        ("admin", "UPDATE cash_shift SET closed_at = now()"),
        ("admin", "UPDATE cash_shift SET cashier_id = (SELECT id FROM app_user WHERE username = 'admin')"),
    ],
)
def test_a_count_stays_and_only_the_cashier_counts_and_closes_the_till(db, person, username, statement):
    till_actions.open_till(by=person("cashier"))
    till_actions.count_till({}, Money("0"), by=person("cashier"))
    with pytest.raises(Conflict), action_context("tests.cheat", person(username)):
        database.session.execute(text(statement))


NEW_TILL = (
    "INSERT INTO cash_shift (cashier_id, opened_at, float_amount, closed_at, counted, expected, difference_reason)"
    " VALUES (:cashier, now(), {float}, {closed}, {counted}, {expected}, '')"
)


@pytest.mark.parametrize(
    ("username", "statement", "code"),
    [
        ("admin", NEW_TILL.format(float=0, closed="NULL", counted="NULL", expected="NULL"), "not_acting"),
        ("admin", NEW_TILL.format(float=9, closed="now()", counted="'{}'", expected="'{}'"), "not_acting"),
        (None, NEW_TILL.format(float=0, closed="NULL", counted="NULL", expected="NULL"), "not_acting"),
        ("cashier", NEW_TILL.format(float=0, closed="now()", counted="'{}'", expected="'{}'"), "till_begins_open"),
        ("cashier", NEW_TILL.format(float=0, closed="NULL", counted="'{}'", expected="NULL"), "till_begins_open"),
    ],
)
def test_a_new_till_is_open_and_belongs_to_the_person_who_opens_it(db, person, username, statement, code):
    with pytest.raises(Conflict) as refusal, action_context("tests.cheat", person(username) if username else SYSTEM):
        database.session.execute(text(statement), {"cashier": person("cashier").id})
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("username", "change", "code"),
    [
        ("cashier", "opened_at = opened_at - interval '1 day'", "permanent"),
        ("cashier", "float_amount = 50", "permanent"),
        ("admin", "float_amount = 50", "permanent"),
        ("admin", "expected = '{}'", "not_acting"),
        (None, "expected = '{}'", "not_acting"),
        ("cashier", 'expected = \'{"Cash": "30.00"}\'', "till_adds_up"),
        ("cashier", "counted = '{}', expected = '{\"Cash\": \"30.00\"}'", "till_adds_up"),
        ("cashier", "counted = '{}', closed_at = now()", "till_adds_up"),
        ("cashier", "closed_at = now(), number = 'Z-2099-000001'", "permanent"),
        ("admin", "difference_reason = 'x'", "not_acting"),
    ],
)
def test_the_expected_amounts_are_the_float_and_the_payments(db, person, username, change, code):
    till_actions.open_till(Money("20.00"), by=person("cashier"))
    with pytest.raises(Conflict) as refusal, action_context("tests.cheat", person(username) if username else SYSTEM):
        database.session.execute(text(f"UPDATE cash_shift SET {change}"))  # noqa: S608 - of the test itself
    assert refusal.value.code == code


def test_a_refund_opens_the_till_of_the_requester(db, person):
    cashier, bill = person("cashier"), factories.draft(factories.patient().id, "10.00")
    payment = payment_actions.take_payment(bill.id, Money("10.00"), "Cash", by=cashier)
    refund = correction_actions.request_refund(payment.id, reason="x", by=cashier)
    till_actions.count_till({}, Money("10.00"), by=cashier)
    till_actions.close_till(by=cashier)
    correction_actions.approve(refund.id, by=person("admin"))
    opened = database.session.scalars(select(CashShift).filter_by(closed_at=None)).one()
    assert opened.cashier_id == cashier.id


def test_a_payment_waits_for_the_closing_of_its_till_and_is_refused(real_app):
    cashier = request_user.load_active_person(
        database.session.scalars(select(User.id).filter_by(username="cashier")).one()
    )
    bill = factories.draft(factories.patient().id, "10.00")
    issuing.issue(bill.id, by=cashier)
    shift = till_actions.open_till(by=cashier)
    values = {"bill": bill.id, "at": None, "by": cashier.id, "shift": shift.id}
    database.session.commit()

    def pay() -> str:
        with real_app.app_context():
            try:
                with action_context("tests.pay", cashier):
                    database.session.execute(PAY, values)
            except Conflict as refusal:
                return refusal.code
            return "paid"

    with ThreadPoolExecutor(1) as window:
        with action_context("tests.close", cashier):
            till_actions.count_till({}, Money("0.00"), by=cashier)
            till_actions.close_till(by=cashier)
            answer = window.submit(pay)
            _wait_until_blocked(answer)
        assert answer.result() == "till_closed"
    assert database.session.scalars(select(Payment)).all() == []


def _wait_until_blocked(answer) -> None:
    """Wait until another connection waits for a lock. The test fails if that connection finishes first."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while not answer.done() and not database.session.execute(waiting).scalar_one():
        database.session.execute(text("SELECT pg_stat_clear_snapshot()"))


def test_a_till_is_closed_from_its_page_while_the_audit_trail_is_being_sealed(real_app):
    client = PageClient(real_app)
    assert client.form("/login", username="cashier", password=PASSWORD).status_code == 303
    for button, typed in (("/open", {"float_amount": "100"}), ("/count", {"n2000": "5"}), ("/close", {})):
        forms = Page(client.get("/billing/till").get_data(as_text=True)).forms
        fields = next(form for form in forms if form["action"].endswith(button))["fields"] | typed
        assert fields["once"]
        if button != "/close":
            assert client.post(f"/billing/till{button}", data=fields).status_code == 303
    url = servers.postgres_url(database.engine.url.database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as sealer:
        sealer.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.SEAL.value])
        closed = client.post("/billing/till/close", data=fields)
    assert closed.status_code == 303
    assert database.session.scalars(select(CashShift.number)).one().startswith("Z-")
    assert client.post("/billing/till/close", data=fields).location == closed.location
